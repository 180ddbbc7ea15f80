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
    let kinds = [(EffectKind::Test, "tests"), (EffectKind::Scan, "scans")]
        .map(|(kind, what)| (kind, what, candidates(repository, kind)));
    for stage in [Stage::Production, Stage::Staging] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            let mut late: Vec<(&str, Node, Span)> = Vec::new();
            for (kind, what, candidates) in &kinds {
                if before_deploy(job, *kind) {
                    continue;
                }
                let has = |n: Node| checks(repository, n, *kind).is_some();
                if let Some((other, place)) = apart(repository, node, candidates)
                    && flow.every_path(node, pipelines, &has) != Path::Yes
                {
                    late.push((*what, other, place));
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

/// Runs that check, that neither they themselves nor what they wait for leave out under some condition or let
/// fail, and that wait for no deploy: tests of what was deployed elsewhere follow that deploy, not the other way
/// round.
fn candidates(repository: &Repository, kind: EffectKind) -> Vec<(Node, Span)> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let odd = |n: &Node| {
        let job = flow.job(*n, pipelines);
        job.condition.is_some() || job.tolerated.is_some() || flow.has_effect(*n, EffectKind::Deploy, None)
    };
    let odd: Vec<Node> = flow.nodes().filter(odd).collect();
    let left_out: BTreeSet<Node> = flow.after_any(&odd).into_iter().chain(odd).collect();
    let firm = flow.nodes().filter(|n| !left_out.contains(n));
    firm.filter_map(|n| checks(repository, n, kind).map(|place| (n, place))).collect()
}

/// One of these checks of the same start that comes neither before the deploy nor after it.
fn apart(repository: &Repository, node: Node, candidates: &[(Node, Span)]) -> Option<(Node, Span)> {
    let flow = &repository.flow;
    let beside = |n: Node| n != node && flow.run(n).root == flow.run(node).root;
    let mut beside = candidates.iter().filter(|(n, _)| beside(*n)).peekable();
    beside.peek()?;
    let related: BTreeSet<Node> = flow.before(node).into_iter().chain(flow.after(node)).collect();
    beside.find(|(n, _)| !related.contains(n)).copied()
}

/// The place of such a check that can stop the run.
fn checks(repository: &Repository, node: Node, kind: EffectKind) -> Option<Span> {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    job.steps.iter().find_map(|step| {
        effects_of(step).find(|(c, e)| e.effect == kind && blocks(job, step, *c)).map(|(_, e)| e.place)
    })
}
