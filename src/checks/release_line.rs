//! Releases that lie on no branch, and when releases are made.

use super::releases::{anchor, judged, tagged};
use super::samples::{is_sample, is_vendored};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// `release-unmerged-work`: a branch holds what was released.
pub(super) fn unmerged(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(git) = &repository.git else { return };
    let all = tagged(repository);
    let Some(release) = judged(&all) else { return };
    let Some(commit) = release.tag.commit.as_deref() else { return };
    let Some(place) = anchor(repository, release.name.text) else { return };
    match git.answers.is_on_a_branch(commit) {
        None => {}
        Some(true) => verdict.satisfied(place),
        Some(false) => {
            let tag = &release.tag.name;
            let message = format!("The release `{tag}` lies on no branch of this clone: was it ever merged?");
            let finding = verdict.open(place, "unmerged release", message);
            finding.label("the newest release").at_most(Confidence::Medium);
            finding.against("the release branch may live on the server alone");
        }
    }
}

/// Words of a section or file that tells when releases are made.
const SCHEDULE: &[&str] = &[
    "release schedule",
    "release cadence",
    "release cycle",
    "release calendar",
    "release train",
    "release rhythm",
    "release frequency",
    "release dates",
    "release planning",
    "release plan",
    "deployment schedule",
    "deploy schedule",
    "deployment cadence",
    "deployment calendar",
    "release process",
];

/// Words of a rhythm.
const RHYTHM: &[&str] = &[
    "every week",
    "weekly",
    "biweekly",
    "bi-weekly",
    "fortnight",
    "every two weeks",
    "every 2 weeks",
    "monthly",
    "every month",
    "quarterly",
    "every quarter",
    "each sprint",
    "every sprint",
    "per sprint",
    "every day",
    "daily",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "twice a",
    "once a",
    "first week",
    "months",
    "weeks",
];

/// Words of who sets the date.
const LEADS: &[&str] = &[
    "lead",
    "manager",
    "owner",
    "captain",
    "maintainer",
    "coordinator",
    "responsible",
    "release engineer",
    "team",
];

/// `release-schedule-missing`: a document says when releases are made, and who sets the day.
pub(super) fn schedule(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |path: &str| !is_sample(path) && !is_vendored(path);
    let speaks = |text: &str, words: &[&str]| words.iter().any(|w| text.contains(w));
    let sections = repository.facts.sections.iter().filter(|s| own(repository.path(s.place)));
    let mut named = None;
    for section in sections {
        let heading = section.heading.rsplit(" > ").next().unwrap_or("").to_lowercase();
        let path = repository.path(section.place).to_lowercase().replace(['-', '_'], " ");
        let text = section.text.to_lowercase();
        let of_schedule = speaks(&heading, SCHEDULE) || speaks(&path, SCHEDULE);
        let told = of_schedule && (speaks(&text, RHYTHM) || speaks(&heading, RHYTHM));
        if !told && !speaks(&text, &["release schedule", "release cadence", "release cycle"]) {
            continue;
        }
        if speaks(&text, LEADS) {
            verdict.satisfied(section.place);
            return;
        }
        if told {
            named.get_or_insert(section.place);
        }
    }
    if let Some(place) = named {
        let path = repository.path(place);
        let message = format!("The release schedule in `{path}` does not say who sets the day");
        verdict.open(place, "release lead", message).label("the schedule");
        return;
    }
    let timed = repository.facts.pipelines.iter().any(|p| {
        p.triggers.iter().any(|t| t.cron.is_some())
            && p.jobs.iter().flat_map(|j| j.effects()).any(|e| e.effect == EffectKind::Deploy)
    });
    let flow = &repository.flow;
    let Some(&node) = flow.with_effect(EffectKind::Deploy, Some(Stage::Production)).first() else { return };
    let job = flow.job(node, &repository.facts.pipelines);
    if timed {
        verdict.satisfied(job.place);
        return;
    }
    let message =
        format!("No document here says when job `{}` releases to production, and who sets the day", job.name);
    verdict.open(job.place, "release schedule", message).label("deploys to production");
}
