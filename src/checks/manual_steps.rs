//! What documents tell people to do by hand, and how early they are told of a deploy.

use super::delivery::ways;
use super::samples::is_vendored;
use crate::facts::{Repository, Section, Setting, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

/// What a person is told to do to a machine or a console.
const ORDERS: &[&str] = &[
    "ssh into",
    "ssh to ",
    "ssh onto",
    "log in to the server",
    "login to the server",
    "log into the server",
    "log on to the server",
    "log in to the host",
    "log into the host",
    "connect to the server",
    "on the server, edit",
    "edit the file on",
    "edit the config on",
    "restart the server manually",
    "manually restart",
    "manually copy",
    "manually deploy",
    "manually run",
    "manually update",
    "copy the artifact",
    "copy the jar",
    "copy the war",
    "copy the zip",
    "upload the zip",
    "upload the build",
    "upload the files",
    "in the aws console",
    "in the console, click",
    "open the aws console",
    "in the azure portal",
    "in the google cloud console",
    "click on deploy",
    "click deploy",
    "by hand",
];

/// Documents that tell how something is built or delivered.
const ABOUT: &[&str] =
    &["deploy", "release", "runbook", "rollback", "production", "rollout", "operations", "hotfix"];

/// Words that take an order back.
const TAKEN_BACK: &[&str] = &[
    "never",
    "do not",
    "don't",
    "must not",
    "no need to",
    "instead of",
    "avoid",
    "not allowed",
    "forbidden",
    "deprecated",
    "local",
    "development",
];

pub(super) fn runbook(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut told: BTreeMap<u32, Vec<(&Section, String)>> = BTreeMap::new();
    for section in &repository.facts.sections {
        let path = repository.path(section.place);
        let about = format!("{path} {}", section.heading).to_ascii_lowercase();
        let own = ["develop", "local", "contribut", "setup", "faq", "getting started", "usage", "guides/"]
            .iter()
            .any(|w| about.contains(w));
        if own || !repository.is_own(section.place) || !ABOUT.iter().any(|w| about.contains(w)) {
            continue;
        }
        verdict.examined(section.place);
        if let Some(order) = order(&section.text) {
            told.entry(section.place.file.0).or_default().push((section, order));
        }
    }
    for sections in told.into_values() {
        let (first, order) = &sections[0];
        let heading = first.heading.rsplit(" > ").next().unwrap_or(&first.heading);
        let message = format!(
            "Section `{}` tells a person to do by hand what a job could do",
            crate::text::shorten(heading, 48)
        );
        let path = repository.path(first.place).to_owned();
        let finding = verdict.review(first.place, format!("document {path}"), message);
        finding.label(format!("says \"{order}\""));
        for (other, order) in sections.iter().skip(1).take(5) {
            finding.relate(other.place, format!("says \"{order}\""));
        }
        finding.against("it may be meant for a machine of one's own, or be the record of an exception");
    }
}

/// The words by which a sentence orders something, if no word in it takes them back.
fn order(text: &str) -> Option<String> {
    text.to_lowercase().split(['.', '\n', ';']).find_map(|sentence| {
        let found = ORDERS.iter().find(|o| sentence.contains(*o))?;
        let back = TAKEN_BACK.iter().any(|w| sentence.contains(w));
        (!back).then(|| found.trim().to_owned())
    })
}

/// Keys of records that say when a deploy was announced, and when it was made.
const ANNOUNCED: &[&str] = &["announced_at", "announcedat", "announced", "notified_at", "notice_sent_at"];
const DEPLOYED: &[&str] =
    &["deployed_at", "deployedat", "timestamp", "deployed", "started_at", "scheduled_for", "scheduled_at"];

pub(super) fn announcement(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let lead = i64::from(parameters.notice_lead.value().0) * 3600;
    let mut records: BTreeMap<(u32, &str), Vec<&Setting>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        let key = setting.key.to_ascii_lowercase();
        if ANNOUNCED.contains(&key.as_str())
            || DEPLOYED.contains(&key.as_str())
            || matches!(key.as_str(), "class" | "type" | "change_class")
        {
            let above = setting.path.rsplit_once('.').map_or("", |(above, _)| above);
            records.entry((setting.place.file.0, above)).or_default().push(setting);
        }
    }
    let mut seen = false;
    for record in records.into_values() {
        let value = |keys: &[&str]| {
            record.iter().copied().find(|s| keys.contains(&s.key.to_ascii_lowercase().as_str()))
        };
        let (Some(announced), Some(deployed)) = (value(ANNOUNCED), value(DEPLOYED)) else { continue };
        let (Some(told), Some(done)) = (seconds(announced), seconds(deployed)) else { continue };
        seen = true;
        let class = value(&["class", "type", "change_class"]).and_then(|s| s.setting.known());
        if class.is_some_and(|c| c.to_ascii_lowercase().contains("emergency")) || done - told >= lead {
            verdict.satisfied(announced.place);
            continue;
        }
        let hours = (done - told).max(0) / 3600;
        let message =
            format!("A deploy was announced {hours} hours before it, where {} are asked for", lead / 3600);
        let finding = verdict.fail(announced.place, format!("record {}", announced.path), message);
        finding.label("too late").relate(deployed.place, "deployed");
    }
    let all = ways(repository, Stage::Production);
    if let (Some(way), false) = (all.first(), seen) {
        let job = way.job(repository);
        let message = format!("No record here tells how early what job `{}` deploys is announced", job.name);
        let finding = verdict.open(job.place, "announcement", message);
        finding.label("deploys to production").against("announcements may be kept outside the repository");
    }
}

fn seconds(setting: &Setting) -> Option<i64> {
    let text = setting.setting.known()?;
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_second())
}

/// The floor that tests must cover: whether it stands lower than where the change was begun, or than at the newest
/// release.
pub(super) fn coverage_floor(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let floors = repository.facts.coverage_floors.iter().filter(|f| !is_vendored(repository.path(f.place)));
    for floor in floors.take(50) {
        let (name, value) = (&floor.name, &floor.value);
        match (floor.is_lowered(), &floor.before, &floor.since) {
            (Some(true), Some(before), Some(since)) => {
                let message =
                    format!("The coverage floor `{name}` is {value}, and was {before} in `{since}`");
                verdict.fail(floor.place, format!("floor {name}"), message).label("lowered");
            }
            (Some(_), ..) => verdict.satisfied(floor.place),
            (None, ..) => {
                let message =
                    format!("The coverage floor `{name}` stands at {value}: is that lower than before");
                let finding = verdict.review(floor.place, format!("floor {name} {value}"), message);
                finding.at_most(Confidence::Low);
                finding
                    .label("nothing here tells what it was; with `--since` only what a change moves is told");
            }
        }
    }
}
