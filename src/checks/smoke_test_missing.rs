//! A graph question: does anything look at what was deployed?

use super::gates::{confidence, deploys};
use super::smoke::{checks_what_runs, smoke_tests};
use crate::facts::{Effect, EffectKind, Job, Repository, Stage, Step};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let smoke = smoke_tests(repository);
    let looks = |e: &Effect| {
        checks_what_runs(e) || smoke.contains(&e.place) || e.origin.is_some_and(|o| smoke.contains(&o))
    };
    let looked = flow.nearest_after(|n| flow.run(n).effects.iter().any(looks));
    let calls_out = |job: &Job| job.calls.as_ref().is_some_and(|c| c.unresolved.is_some());
    let unfollowed = flow.nearest_after(|n| calls_out(flow.job(n, pipelines)));
    let mut seen = BTreeSet::new();
    let mut told = BTreeSet::new();
    for stage in [Stage::Staging, Stage::Production] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            // A check of what runs, after the deploy: in the same job, or in a job that comes after.
            let own = behind_deploy(job).iter().any(|s| s.all_effects().any(looks))
                || job.steps.is_empty() && run.effects.iter().any(looks);
            if own || looked.any(node) {
                verdict.satisfied(job.place);
                continue;
            }
            let name = &job.name;
            let subject = format!("job {}", job.id);
            let root = &pipelines[run.root];
            let opaque = !root.complete
                || calls_out(job)
                || unfollowed.any(node)
                || run.effects.iter().any(|e| e.effect == EffectKind::Deploy && e.origin.is_some());
            if root.dialect.reconciles() && !told.insert((run.root, stage)) {
                verdict.examined(job.place);
                continue;
            }
            if root.dialect.reconciles() {
                let message = format!(
                    "Nothing here looks at what `{name}` has deployed to {} but {} itself",
                    stage.name(),
                    root.dialect
                );
                verdict.open(job.place, subject, message);
                continue;
            }
            if opaque {
                let message = format!(
                    "Nothing here shows a smoke test after job `{name}`; part of it could not be followed"
                );
                verdict.open(job.place, subject, message);
                continue;
            }
            let message = format!("Nothing looks at what job `{name}` has deployed to {}", stage.name());
            let finding = verdict.fail(job.place, subject, message);
            finding.at_most(confidence(run, stage).min(Confidence::Medium));
            finding.label("no check follows");
            finding.against("the deploy tool or a monitor outside the pipeline may check it");
        }
    }
}

/// The steps from the first that deploys.
fn behind_deploy(job: &Job) -> &[Step] {
    let deploys = |s: &Step| s.all_effects().any(|e| e.effect == EffectKind::Deploy);
    &job.steps[job.steps.iter().position(deploys).unwrap_or(0)..]
}
