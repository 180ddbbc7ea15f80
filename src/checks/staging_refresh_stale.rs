//! Staging's data that is not renewed often enough.

use super::definitions::{passes, text};
use super::gates::{deploys, words};
use crate::facts::{EffectKind, Job, Pipeline, Repository, Resource, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::{Days, Parameters};
use crate::text::Span;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Days(most) = *parameters.staging_refresh_max_age.value();
    let mut any = false;
    for pipeline in &repository.facts.pipelines {
        let Some(job) = pipeline.jobs.iter().find(|job| renews(repository, pipeline, job)) else { continue };
        any = true;
        let crons = pipeline.triggers.iter().filter(|t| t.trigger == TriggerKind::Schedule);
        let crons: Vec<_> = crons.filter_map(|t| t.cron.as_ref()).collect();
        let best = crons.iter().filter_map(|c| Some((longest_pause(&c.value)?, c.span))).min();
        match best {
            Some((days, place)) => judge(verdict, days, u64::from(most), place, &job.id, job.place),
            // A schedule of the service, or a person: the file does not tell.
            None => {
                let message = format!(
                    "Job `{}` renews staging's data, but nothing here starts it by a schedule",
                    job.id
                );
                verdict.open(job.place, format!("refresh {}", job.id), message).label("renews the data");
            }
        }
    }
    for resource in
        repository.facts.resources.iter().filter(|r| r.sort == "CronJob" && passes(repository, r.place))
    {
        let Some(schedule) = resource.entry("spec.schedule").filter(|_| is_refresh(repository, resource))
        else {
            continue;
        };
        let Some(days) = text(schedule).and_then(longest_pause) else { continue };
        any = true;
        judge(verdict, days, u64::from(most), schedule.place, &resource.title(), resource.place);
    }
    if any {
        return;
    }
    let Some(&node) = deploys(repository, Stage::Staging).first() else {
        verdict.not_applicable("nothing here is brought to staging");
        return;
    };
    let place = repository.flow.job(node, &repository.facts.pipelines).place;
    let message = format!("Nothing here renews staging's data, which at most {most} days may pass without");
    verdict.open(place, "refresh of staging", message).label("deploys to staging");
}

fn judge(verdict: &mut Verdict, days: u64, most: u64, place: Span, name: &str, job: Span) {
    if days <= most {
        verdict.satisfied(place);
        return;
    }
    let message = format!("`{name}` renews staging's data only every {days} days; {most} may pass");
    let finding = verdict.fail(place, format!("refresh {name}"), message);
    finding.label("too seldom").relate(job, "renews the data");
}

/// Whether a job fills staging's database from another, or is named after that.
fn renews(repository: &Repository, pipeline: &Pipeline, job: &Job) -> bool {
    let staging = |name: &str| repository.stage_of(name) == Some(Stage::Staging);
    let here = job.target.as_ref().is_some_and(|t| t.is(Stage::Staging));
    let fills = job.effects().any(|e| {
        let into = e.target.as_ref().map_or(here, |t| t.is(Stage::Staging));
        e.effect == EffectKind::Restore && into
    });
    let names = [&pipeline.name, &job.id, &job.name];
    fills || names.iter().any(|n| speaks(n)) && (here || names.iter().any(|n| staging(n)))
}

fn is_refresh(repository: &Repository, resource: &Resource) -> bool {
    let name = resource.name.text();
    let here = resource.target.as_ref().is_some_and(|t| t.is(Stage::Staging));
    speaks(&name) && (here || repository.stage_of(&name) == Some(Stage::Staging))
}

/// `refresh-staging-db`, `restore sanitised data`.
fn speaks(name: &str) -> bool {
    let words = words(name);
    let any = |of: &[&str]| words.iter().any(|w| of.contains(&w.as_str()));
    let anew = any(&[
        "refresh",
        "restore",
        "renew",
        "reseed",
        "sync",
        "clone",
        "copy",
        "sanitise",
        "sanitize",
        "anonymise",
        "anonymize",
    ]);
    anew && any(&["db", "data", "database", "dataset", "snapshot", "postgres", "mysql"])
}

/// The most days that pass between two runs; `None` for what is not understood.
fn longest_pause(cron: &str) -> Option<u64> {
    let cron = cron.trim();
    match cron {
        "@hourly" | "@daily" | "@midnight" => return Some(1),
        "@weekly" => return Some(7),
        "@monthly" => return Some(31),
        "@yearly" | "@annually" => return Some(366),
        _ => {}
    }
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [_, _, day, month, weekday] = fields[..] else { return None };
    let open = |field: &str| matches!(field, "*" | "?");
    if !open(month) {
        return Some(if month.starts_with("*/") { 62 } else { 366 });
    }
    match (open(day), open(weekday)) {
        (true, true) => Some(1),
        (true, false) if weekday.contains('#') || weekday.contains('L') => Some(35),
        (true, false) => Some(if weekday.contains('-') { 3 } else { 7 }),
        // Where both are given, either starts it.
        (false, false) => Some(7),
        (false, true) => {
            if let Some(step) = day.strip_prefix("*/") {
                return step.parse().ok();
            }
            let mut days: Vec<u64> = day.split(',').filter_map(|d| d.parse().ok()).collect();
            days.sort_unstable();
            let (first, last) = (*days.first()?, *days.last()?);
            let within = days.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            Some(within.max((31 + first).saturating_sub(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::longest_pause;

    #[test]
    fn a_schedule_tells_how_long_nothing_happens() {
        for (cron, days) in [
            ("0 3 * * *", Some(1)),
            ("0 3 * * 1", Some(7)),
            ("0 3 * * 1-5", Some(3)),
            ("0 3 1 * *", Some(31)),
            ("0 3 1,8,15,22 * *", Some(10)),
            ("0 3 */5 * *", Some(5)),
            ("0 3 1 */3 *", Some(62)),
            ("@weekly", Some(7)),
            ("0 3 * * 1#1", Some(35)),
            ("soon", None),
        ] {
            assert_eq!(longest_pause(cron), days, "{cron}");
        }
    }
}
