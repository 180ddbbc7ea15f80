//! A graph question: does anything look at what was deployed?

use super::gates::{confidence, deploys};
use super::smoke::{checks_what_runs, smoke_tests};
use crate::facts::{Effect, EffectKind, Node, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let smoke = smoke_tests(repository);
    let mut seen = BTreeSet::new();
    let mut told = BTreeSet::new();
    for stage in [Stage::Staging, Stage::Production] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            if is_verified(repository, node, &smoke) {
                verdict.satisfied(job.place);
                continue;
            }
            let name = &job.name;
            let subject = format!("job {}", job.id);
            let root = &pipelines[run.root];
            let after = flow.after(node);
            let opaque = !root.complete
                || after.iter().chain([&node]).any(|&n| {
                    let job = flow.job(n, pipelines);
                    job.calls.as_ref().is_some_and(|c| c.unresolved.is_some())
                })
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

/// A check of what runs, after the deploy: in the same job, or in a job that comes after.
fn is_verified(repository: &Repository, node: Node, smoke: &BTreeSet<Span>) -> bool {
    let looks = |e: &Effect| {
        checks_what_runs(e) || smoke.contains(&e.place) || e.origin.is_some_and(|o| smoke.contains(&o))
    };
    let flow = &repository.flow;
    let job = flow.job(node, &repository.facts.pipelines);
    let first =
        job.steps.iter().position(|s| s.all_effects().any(|e| e.effect == EffectKind::Deploy)).unwrap_or(0);
    job.steps[first.min(job.steps.len())..].iter().any(|s| s.all_effects().any(looks))
        || flow.after(node).into_iter().any(|n| flow.run(n).effects.iter().any(looks))
        || job.steps.is_empty() && flow.run(node).effects.iter().any(looks)
}
