//! A graph question: does the workflow that checks every change deploy as well?

use super::gates::{confidence, deploys, is_gate};
use crate::facts::{EffectKind, Job, Node, Pipeline, Repository, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let checking: BTreeSet<usize> =
        flow.runs().iter().filter(|r| r.effects.iter().any(is_gate)).map(|r| r.root).collect();
    let held = flow.held(pipelines, |_| true);
    let limiting = flow.nearest_before(|n| limits(flow.job(n, pipelines)));
    let choosing = flow.nearest_before(|n| chooses(flow.job(n, pipelines)));
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
            let checks = checking.contains(&run.root);
            let requested = root.triggers.iter().find(|t| t.trigger == TriggerKind::PullRequest);
            let pushed = root.triggers.iter().find(|t| t.trigger == TriggerKind::Push);
            let gated = held.any(node);
            let limited = || limits(job) || limiting.any(node);
            let chosen = || chooses(job) || choosing.any(node) || is_of_a_branch(repository, root);
            let trigger = match (requested, pushed) {
                (Some(request), _) if !gated && !limited() => request,
                (_, Some(push)) if checks && !gated && !chosen() => push,
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

/// Conditions that leave pull requests out, or may.
fn limits(job: &Job) -> bool {
    job.condition.is_some() || job.steps.iter().any(|s| s.condition.is_some())
}

/// A condition names a branch, a tag or an event: that is a choice, not a default.
fn chooses(job: &Job) -> bool {
    let chosen = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["tag", "release", "inputs", "dispatch"].iter().any(|w| text.contains(w))
    };
    job.condition.as_ref().is_some_and(|c| chosen(&c.text))
}

/// A pipeline for one environment's branch is asked for by the merge into that branch.
fn is_of_a_branch(repository: &Repository, root: &Pipeline) -> bool {
    let mut branches = root.triggers.iter().flat_map(|t| &t.branches);
    branches.any(|b| repository.stage_of_branch(&b.value).is_some())
}
