//! Builds that go straight to the machine that serves, and are kept nowhere else.

use super::gates::confidence;
use crate::facts::{Effect, EffectKind, Job, Node, Repository, Run, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let stored = flow.nearest_before(|n| stores(repository, n));
    let mut judged = BTreeSet::new();
    for stage in [Stage::Production, Stage::Staging] {
        for node in flow.with_effect(EffectKind::Deploy, Some(stage)) {
            let run = flow.run(node);
            let job = flow.job(node, pipelines);
            let Some(build) = run.effects.iter().find(|e| is_product(e)) else { continue };
            if !judged.insert((run.pipeline, run.job)) {
                continue;
            }
            // What an earlier run hands on is stored with the pipeline.
            let fetches = job.transfers.iter().any(|t| !t.up);
            if fetches || stores(repository, node) || stored.any(node) {
                verdict.satisfied(build.place);
                continue;
            }
            let subject = format!("job {}", job.id);
            if let Some(place) = built_there(job) {
                let message = format!(
                    "Job `{}` builds on the machine that serves {}, and keeps the build nowhere",
                    job.name,
                    stage.name()
                );
                let finding = verdict.fail(place, subject, message);
                finding.at_most(confidence(run, stage)).label("built where it runs");
            } else if let Some(copy) = copied(run) {
                let message = format!(
                    "Job `{}` builds and copies straight to {}, and keeps the build nowhere",
                    job.name,
                    stage.name()
                );
                let finding = verdict.fail(build.place, subject, message);
                finding.at_most(Confidence::Medium).at_most(confidence(run, stage)).label("built here");
                finding.relate(copy.place, "copied to where it runs");
            }
        }
    }
}

fn is_product(effect: &Effect) -> bool {
    effect.effect == EffectKind::Build && !matches!(effect.detail.as_deref(), Some("docs" | "test"))
}

/// Whether the run stores something: in a registry, in a package store, with the pipeline.
fn stores(repository: &Repository, node: Node) -> bool {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    repository.flow.has_effect(node, EffectKind::Publish, None) || job.transfers.iter().any(|t| t.up)
}

/// A build that the deploy sends to another machine.
fn built_there(job: &Job) -> Option<Span> {
    let mut builds = job.commands().filter(|c| c.remote.is_some() && c.effects.iter().any(is_product));
    builds.next().map(|c| c.place)
}

/// A copy of files that is the deploy.
fn copied(run: &Run) -> Option<&Effect> {
    run.effects.iter().find(|e| {
        e.effect == EffectKind::CopyFiles
            && e.detail.as_deref() == Some("up")
            && run.effects.iter().any(|d| d.effect == EffectKind::Deploy && d.place == e.place)
    })
}
