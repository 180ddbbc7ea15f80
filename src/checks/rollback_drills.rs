//! Whether going back and restoring were tried, how long ago, and how long it took.

use super::drills::{Drill, Tried, drills};
use super::gates::words;
use super::migrations::applied;
use super::releases::tagged;
use super::rollbacks::{first_deploy, is_apart, pages, runs_back};
use super::times::{days_between, durations};
use crate::facts::{EffectKind, Node, Repository, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

/// The newest drill that did not fail, or else the newest.
fn newest(all: &[Drill], tried: Tried) -> Option<&Drill> {
    let of = || all.iter().filter(|d| d.tried == tried && d.date.is_some());
    of().filter(|d| d.passed != Some(false)).max_by_key(|d| d.date).or_else(|| of().max_by_key(|d| d.date))
}

/// Going back was exercised, by a record or by a job.
pub(super) fn untested(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    if let Some(place) = exercised(repository) {
        return verdict.satisfied(place);
    }
    let all = drills(repository);
    let Some(last) = newest(&all, Tried::RollBack) else {
        let Some(job) = first_deploy(repository) else { return };
        let message = format!("No record here shows that going back from job `{}` was ever tried", job.name);
        let finding = verdict.open(job.place, "drill", message);
        finding.label("deploys to production").against("records may be kept outside the repository");
        return;
    };
    let Some(date) = last.date else { return };
    if last.passed == Some(false) {
        let message = format!("The rollback drill of {date} failed, and none after it is recorded");
        verdict.fail(last.place, "drill", message).label("the last one");
        return;
    }
    let limit = i64::from(parameters.rollback_drill_max_age.value().0);
    let age = repository.today.map(|today| days_between(date, today));
    if let Some(age) = age.filter(|age| *age > limit) {
        let message = format!("The last rollback drill was {age} days ago, on {date}; {limit} are allowed");
        verdict.fail(last.place, "drill", message).label("the last one");
        return;
    }
    let releases = tagged(repository);
    let newest = releases.iter().find(|r| !r.name.version.is_pre());
    let release = newest.and_then(|r| Some((&r.tag.name, r.tag.date?.civil()?.date())));
    let each = *parameters.rollback_drill_each_release.value();
    if let Some((tag, day)) = release.filter(|(_, day)| each && *day > date) {
        let message = format!("Release `{tag}` of {day} came after the last rollback drill, that of {date}");
        verdict.fail(last.place, "drill", message).label("the last one").at_most(Confidence::Medium);
        return;
    }
    verdict.satisfied(last.place);
}

/// A job that goes back somewhere else than in production, or says that it is a drill.
fn exercised(repository: &Repository) -> Option<Span> {
    let flow = &repository.flow;
    let drill = |name: &str| {
        let all = words(name);
        let has = |of: &[&str]| all.iter().any(|w| of.iter().any(|o| w.starts_with(o)));
        has(&["rollback", "revert"]) && has(&["drill", "rehears", "exercise", "test", "verify", "check"])
    };
    flow.nodes().find_map(|n| {
        let run = flow.run(n);
        let job = flow.job(n, &repository.facts.pipelines);
        if repository.is_sample(job.place) {
            return None;
        }
        let elsewhere = run.effects.iter().any(|e| e.effect == EffectKind::RollBack)
            && is_apart(run)
            && job.condition.as_ref().is_none_or(|c| !c.on_failure);
        (elsewhere || drill(&job.id) || drill(&job.name)).then_some(job.place)
    })
}

/// Going back takes as long as the manuals allow.
pub(super) fn time_exceeded(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let limit = parameters.rollback_max_minutes.value().0;
    let most = f64::from(limit);
    for drill in drills(repository).iter().filter(|d| d.tried == Tried::RollBack) {
        match drill.minutes {
            Some(minutes) if minutes >= most => {
                let when = drill.date.map_or(String::new(), |d| format!(" of {d}"));
                let message = format!(
                    "The rollback drill{when} took {} minutes, where less than {limit} are asked for",
                    minutes.round()
                );
                verdict.fail(drill.place, format!("drill{when}"), message).label("too long");
            }
            Some(_) => verdict.satisfied(drill.place),
            None => verdict.examined(drill.place),
        }
    }
    for page in pages(repository) {
        match stated(&page.text) {
            Some(minutes) if minutes >= most => {
                let message = format!(
                    "`{}` allows {} minutes for going back, where less than {limit} are asked for",
                    page.path,
                    minutes.round()
                );
                let finding = verdict.fail(page.place, format!("page {}", page.path), message);
                finding.at_most(Confidence::Medium).label("says how long it takes");
            }
            Some(_) => verdict.satisfied(page.place),
            None => verdict.examined(page.place),
        }
    }
    for node in runs_back(repository) {
        let job = repository.flow.job(node, &repository.facts.pipelines);
        // What deploys and goes back only if that fails needs its time for both.
        let both = repository.flow.run(node).effects.iter().any(|e| e.effect == EffectKind::Deploy);
        match job.timeout_minutes {
            Some(timeout) if timeout > limit && !both => {
                let message =
                    format!("Job `{}` takes a release back, and may run for {timeout} minutes", job.name);
                let finding = verdict.fail(job.place, format!("job {}", job.id), message);
                finding.label(format!("less than {limit} are asked for")).at_most(Confidence::Medium);
                finding.against("it may be done long before its time is over");
            }
            Some(_) if !both => verdict.satisfied(job.place),
            _ => verdict.examined(job.place),
        }
    }
}

/// The longest time that a page says going back takes. What is said of data, of waiting and of looking on is
/// another time.
fn stated(text: &str) -> Option<f64> {
    const SAYS: &[&str] = &[
        "takes",
        "rto",
        "recovery time",
        "rollback time",
        "time to roll back",
        "time to rollback",
        "estimated time",
        "expected time",
        "expected duration",
        "duration",
        "be completed within",
        "complete within",
        "completes within",
    ];
    const OTHERS: &[&str] = &[
        "database",
        "backup",
        "restore",
        "snapshot",
        "data",
        "wait",
        "monitor",
        "observe",
        "watch",
        "build",
        "cache",
        "dns",
        "ttl",
        "propagat",
        "full deploy",
        "deployment takes",
        "deploy takes",
        "pipeline takes",
    ];
    // A bound that is not reached.
    const BELOW: &[&str] = &["<", "under ", "less than ", "below "];
    let sentences = text.split(['\n', ';']).flat_map(|line| line.split(". "));
    sentences
        .filter(|s| SAYS.iter().any(|w| s.contains(w)) && !OTHERS.iter().any(|w| s.contains(w)))
        .filter_map(|s| {
            let longest = durations(s).into_iter().max_by(f64::total_cmp)?;
            let below = BELOW.iter().any(|w| s.contains(w)) && !s.contains("<=");
            Some(if below { longest.next_down() } else { longest })
        })
        .max_by(f64::total_cmp)
}

/// Restoring a backup was tried lately.
pub(super) fn restore(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let migration = applied(repository).next().map(|m| m.place);
    let keeps = flow
        .nodes()
        .find(|&n| flow.has_effect(n, EffectKind::Backup, None))
        .map(|n| flow.job(n, &repository.facts.pipelines).place);
    let Some(subject) = keeps.or(migration) else {
        return verdict
            .not_applicable("nothing here keeps data that could be lost: no migration and no backup");
    };
    let all = drills(repository);
    if let Some(last) = newest(&all, Tried::Restore)
        && let Some(date) = last.date
    {
        let limit = i64::from(parameters.restore_test_max_age.value().0);
        let age = repository.today.map(|today| days_between(date, today));
        if last.passed == Some(false) {
            let message = format!("The restore test of {date} failed, and none after it is recorded");
            verdict.fail(last.place, "restore test", message).label("the last one");
        } else if let Some(age) = age.filter(|age| *age > limit) {
            let message = format!("The last restore test was {age} days ago, on {date}; {limit} are allowed");
            verdict.fail(last.place, "restore test", message).label("the last one");
        } else {
            verdict.satisfied(last.place);
        }
        return;
    }
    if let Some(node) = flow.nodes().find(|&n| is_regular_restore(repository, n)) {
        return verdict.satisfied(flow.job(node, &repository.facts.pipelines).place);
    }
    let message = "No record here shows that a backup was ever restored";
    let finding = verdict.open(subject, "restore test", message);
    finding.label(if keeps.is_some() { "takes a backup" } else { "there is data that can be lost" });
    finding.against("records may be kept outside the repository");
}

/// A job that a clock starts and that restores a backup somewhere.
fn is_regular_restore(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    let root = &repository.facts.pipelines[flow.run(node).root];
    root.triggers.iter().any(|t| t.trigger == TriggerKind::Schedule)
        && flow.has_effect(node, EffectKind::Restore, None)
}

#[cfg(test)]
mod tests {
    use super::stated;

    #[test]
    fn a_page_states_how_long_going_back_takes() {
        for (text, expected) in [
            ("rollback takes 5-10 minutes.", Some(10.0)),
            ("rto: 1 hour", Some(60.0)),
            ("**estimated rollback time:** < 15 minutes", Some(15f64.next_down())),
            ("estimated rollback time: ~15 minutes", Some(15.0)),
            ("the rollback must be completed within 15 minutes", Some(15.0)),
            ("restoring the database takes 2 hours", None),
            ("watch the dashboards for 30 minutes", None),
            ("decide within 30 minutes of the deploy", None),
        ] {
            assert_eq!(stated(text), expected, "{text}");
        }
    }
}
