//! Reads schedules, tags and dated versions on the calendar of the team's own time zone.

use super::calendar::{dated_tags, version_time};
use super::gates::{confidence, deploys};
use crate::facts::{Job, Node, Repository, Stage, Trigger, TriggerKind};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use jiff::civil::{Date, DateTime, Time, Weekday, date};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// A winter and a summer Sunday: clocks differ between them, on both halves of the globe.
const WEEKS: [Date; 2] = [date(2026, 1, 11), date(2026, 7, 12)];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Tags further back are history that nobody mends.
const LATEST_TAGS: usize = 20;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(zone) = parameters.time_zone.value() else { return };
    let cutoff = parameters.friday_cutoff.value().0;
    let calendar = Calendar { zone: &zone.0, name: zone.to_string(), cutoff };
    let all = deploys(repository, Stage::Production);
    schedules(repository, &calendar, &all, verdict);
    tags(repository, &calendar, &all, verdict);
    release_notes(repository, &calendar, verdict);
}

struct Calendar<'a> {
    zone: &'a TimeZone,
    name: String,
    cutoff: Time,
}

impl Calendar<'_> {
    fn is_late(&self, at: DateTime) -> bool {
        at.weekday() == Weekday::Friday && at.time() >= self.cutoff
    }

    fn local(&self, at: DateTime, zone: &TimeZone) -> Option<DateTime> {
        Some(zone.to_ambiguous_zoned(at).compatible().ok()?.with_time_zone(self.zone.clone()).datetime())
    }
}

fn schedules(repository: &Repository, calendar: &Calendar<'_>, all: &[Node], verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    let left_out = flow.nearest_before(|n| leaves_schedules_out(flow.job(n, pipelines)));
    for &node in all {
        let run = flow.run(node);
        if left_out.any(node) || leaves_schedules_out(flow.job(node, pipelines)) {
            continue;
        }
        let job = flow.job(node, pipelines);
        for trigger in pipelines[run.root].triggers.iter().filter(|t| t.cron.is_some()) {
            if !seen.insert(trigger.place) {
                continue;
            }
            match first_late(trigger, calendar) {
                None => verdict.satisfied(trigger.place),
                Some(at) => {
                    let message = format!(
                        "Job `{}` deploys to production on Fridays at {} ({})",
                        job.name,
                        at.strftime("%H:%M"),
                        calendar.name
                    );
                    let cron = trigger.cron.as_ref().map_or("", |c| c.value.as_str());
                    let finding = verdict.fail(trigger.place, format!("schedule {cron}"), message);
                    finding.at_most(confidence(run, Stage::Production));
                    finding.label(format!("fires after {} on a Friday", calendar.cutoff.strftime("%H:%M")));
                    finding.relate(job.place, "deploys to production");
                }
            }
        }
    }
}

/// Whether the job does not run when a schedule starts its pipeline.
fn leaves_schedules_out(job: &Job) -> bool {
    job.condition
        .as_ref()
        .is_some_and(|c| c.never || !c.events.is_empty() && c.events.iter().all(|e| e != "schedule"))
}

/// The first time of the week that is a Friday afternoon, in winter or in summer.
fn first_late(trigger: &Trigger, calendar: &Calendar<'_>) -> Option<DateTime> {
    let zone = match &trigger.zone {
        Some(name) => TimeZone::get(name).ok()?,
        None => TimeZone::UTC,
    };
    WEEKS.iter().find_map(|sunday| {
        trigger.fires.iter().find_map(|text| {
            let (day, time) = text.split_once(' ')?;
            let day = DAYS.iter().position(|d| *d == day)? as i64;
            let time = Time::strptime("%H:%M", time).ok()?;
            let at = sunday.checked_add(jiff::Span::new().days(day)).ok()?.to_datetime(time);
            calendar.local(at, &zone).filter(|at| calendar.is_late(*at))
        })
    })
}

/// Tags that start a deploy to production by being made.
fn tags(repository: &Repository, calendar: &Calendar<'_>, all: &[Node], verdict: &mut Verdict) {
    let Some(git) = &repository.git else { return };
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let starts = |t: &&Trigger| matches!(t.trigger, TriggerKind::Tag | TriggerKind::Release);
    let Some((node, trigger)) =
        all.iter().find_map(|&n| Some((n, pipelines[flow.run(n).root].triggers.iter().find(starts)?)))
    else {
        return;
    };
    let dated = dated_tags(git, calendar.zone);
    let late: Vec<&(DateTime, &str)> =
        dated.iter().rev().take(LATEST_TAGS).filter(|(at, _)| calendar.is_late(*at)).collect();
    let Some((at, name)) = late.first() else { return };
    let more = if late.len() > 1 {
        format!(", as were {} of the latest {LATEST_TAGS}", late.len())
    } else {
        String::new()
    };
    let message = format!(
        "Tag `{name}`, which starts a deploy to production, was made on a Friday at {}{more}",
        at.strftime("%H:%M")
    );
    let finding = verdict.fail(trigger.place, "release tags", message);
    finding.at_most(confidence(flow.run(node), Stage::Production).min(Confidence::Medium));
    finding.label("a tag deploys");
    finding.against("the deploy may have waited until Monday");
}

/// The newest entry of the release notes.
fn release_notes(repository: &Repository, calendar: &Calendar<'_>, verdict: &mut Verdict) {
    let mut newest = BTreeSet::new();
    for section in &repository.facts.sections {
        let path = repository.path(section.place);
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let notes = ["changelog", "changes", "history", "releases", "release-notes", "release_notes"];
        if !notes.iter().any(|n| name.starts_with(n)) || newest.contains(&section.place.file) {
            continue;
        }
        let heading = section.heading.rsplit(" > ").next().unwrap_or(&section.heading);
        let words = || heading.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'));
        if let Some((version, at)) = words().find_map(|w| Some((w, version_time(w)?))) {
            newest.insert(section.place.file);
            if calendar.is_late(at) {
                let message = format!("Release `{version}` was made on a Friday at {}", at.strftime("%H:%M"));
                let finding = verdict.fail(section.place, format!("release {version}"), message);
                finding.at_most(Confidence::Medium).label("a Friday afternoon");
            }
        } else if let Some((text, day)) = words().find_map(|w| Some((w, Date::strptime("%Y-%m-%d", w).ok()?)))
        {
            newest.insert(section.place.file);
            if day.weekday() == Weekday::Friday {
                let message =
                    format!("The release of {text} was made on a Friday; the time of day is not told");
                let finding = verdict.fail(section.place, format!("release {text}"), message);
                finding.severity = Severity::Note;
                finding.at_most(Confidence::Low).label("a Friday");
            }
        }
    }
}
