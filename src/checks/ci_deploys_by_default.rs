//! A graph question: does the workflow that checks every change deploy as well?

use super::gates::{confidence, deploys, is_gate};
use crate::facts::{EffectKind, Node, Repository, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    for stage in [Stage::Production, Stage::Staging, Stage::Integration, Stage::Development] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if stage == Stage::Development && starts_on_runner(repository, node) {
                continue;
            }
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            let root = &pipelines[run.root];
            let checks = flow
                .nodes()
                .filter(|&n| flow.run(n).root == run.root)
                .any(|n| flow.run(n).effects.iter().any(is_gate));
            let requested = root.triggers.iter().find(|t| t.trigger == TriggerKind::PullRequest);
            let pushed = root.triggers.iter().find(|t| t.trigger == TriggerKind::Push);
            let gated = !flow.gates(node, pipelines).is_empty();
            let trigger = match (requested, pushed) {
                (Some(request), _) if limits(repository, node).is_none() && !gated => request,
                (_, Some(push)) if checks && !gated && !is_limited(repository, node) => push,
                _ => {
                    verdict.satisfied(job.place);
                    continue;
                }
            };
            let message =
                format!("`{}` checks every change and deploys it to {} as well", root.name, stage.name());
            let finding = verdict.fail(job.place, format!("job {}", job.id), message);
            finding.at_most(confidence(run, stage)).label("deploys by default");
            finding.relate(trigger.place, "no release starts it");
        }
    }
}

/// Whether all that it deploys are containers of compose on the runner itself: services that tests need.
fn starts_on_runner(repository: &Repository, node: Node) -> bool {
    let mut deploys = repository.flow.run(node).effects.iter().filter(|e| e.effect == EffectKind::Deploy);
    deploys.all(|e| matches!(e.tool.as_str(), "docker" | "docker-compose" | "podman-compose"))
}

/// Conditions on the way that leave pull requests out, or may.
fn limits(repository: &Repository, node: Node) -> Option<()> {
    let flow = &repository.flow;
    flow.before(node)
        .into_iter()
        .chain([node])
        .any(|n| {
            let job = flow.job(n, &repository.facts.pipelines);
            job.condition.is_some() || job.steps.iter().any(|s| s.condition.is_some())
        })
        .then_some(())
}

/// A condition names a branch, a tag or an event: that is a choice, not a default.
fn is_limited(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    let of_run = flow.before(node).into_iter().chain([node]).any(|n| {
        flow.job(n, &repository.facts.pipelines).condition.as_ref().is_some_and(|c| {
            ["tag", "release", "inputs", "dispatch"].iter().any(|w| c.text.to_ascii_lowercase().contains(w))
        })
    });
    // A pipeline for one environment's branch is asked for by the merge into that branch.
    let root = &repository.facts.pipelines[flow.run(node).root];
    let branches = root.triggers.iter().flat_map(|t| &t.branches);
    of_run || branches.into_iter().any(|b| repository.stage_of_branch(&b.value).is_some())
}
