//! A graph question: do the tests and scans of a pipeline come before its deploy?

use super::gates::{blocks, confidence, deploys, effects_of};
use crate::facts::{EffectKind, Job, Node, Path, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    for stage in [Stage::Production, Stage::Staging] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            let mut late: Vec<(&str, Node, Span)> = Vec::new();
            for (kind, what) in [(EffectKind::Test, "tests"), (EffectKind::Scan, "scans")] {
                if before_deploy(job, kind) {
                    continue;
                }
                let has = |n: Node| checks(repository, n, kind).is_some();
                if flow.every_path(node, pipelines, &has) != Path::Yes
                    && let Some((other, place)) = apart(repository, node, kind)
                {
                    late.push((what, other, place));
                }
            }
            let Some(&(what, other, _)) = late.first() else {
                verdict.satisfied(job.place);
                continue;
            };
            let message = format!(
                "Job `{}` deploys to {} without waiting for `{}`, which {what}",
                job.name,
                stage.name(),
                flow.job(other, pipelines).name
            );
            let finding = verdict.fail(job.place, format!("job {}", job.id), message);
            finding.at_most(confidence(run, stage)).label("deploys beside its checks");
            let mut named = BTreeSet::new();
            for (_, other, _) in late {
                let place = flow.job(other, pipelines).place;
                if named.insert(place) {
                    finding.relate(place, "nothing makes the deploy wait for this");
                }
            }
        }
    }
}

/// Whether steps before the deploy, in the same job, do it.
fn before_deploy(job: &Job, kind: EffectKind) -> bool {
    for step in &job.steps {
        if step.all_effects().any(|e| e.effect == kind) {
            return true;
        }
        if step.all_effects().any(|e| e.effect == EffectKind::Deploy) {
            return false;
        }
    }
    false
}

/// A run of the same start that checks, has no condition under which it takes no part, and neither comes
/// before the deploy nor after it.
fn apart(repository: &Repository, node: Node, kind: EffectKind) -> Option<(Node, Span)> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let related: BTreeSet<Node> = flow.before(node).into_iter().chain(flow.after(node)).collect();
    flow.nodes().filter(|&n| n != node && flow.run(n).root == flow.run(node).root).find_map(|n| {
        let job = flow.job(n, pipelines);
        let takes_part = std::iter::once(n).chain(flow.before(n)).all(|m| {
            let job = flow.job(m, pipelines);
            job.condition.is_none() && job.tolerated.is_none()
        });
        let deploys = flow.run(n).effects.iter().any(|e| e.effect == EffectKind::Deploy);
        // Tests of what was deployed elsewhere wait for that deploy, not the other way round.
        let follows = flow.before(n).iter().any(|&m| flow.has_effect(m, EffectKind::Deploy, None));
        (!related.contains(&n) && takes_part && !deploys && !follows)
            .then(|| checks(repository, n, kind).map(|place| (n, place)))
            .flatten()
            .filter(|_| !job.steps.is_empty() || job.calls.is_some())
    })
}

/// The place of such a check that can stop the run.
fn checks(repository: &Repository, node: Node, kind: EffectKind) -> Option<Span> {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    job.steps.iter().find_map(|step| {
        effects_of(step).find(|(c, e)| e.effect == kind && blocks(job, step, *c)).map(|(_, e)| e.place)
    })
}
