//! Joins the branches whose pushes start a deploy to the environment that it goes to.

use super::delivery::ways;
use crate::facts::{Basis, EffectKind, Node, Repository, Stage, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let held = flow.held_back(pipelines);
    let mut seen = BTreeSet::new();
    for stage in [Stage::Production, Stage::Staging, Stage::Integration, Stage::Development] {
        for way in ways(repository, stage) {
            // A controller follows the one branch of its source.
            if way.pipeline.dialect.reconciles() {
                continue;
            }
            let Some(push) = way.pipeline.triggers.iter().find(|t| t.trigger == TriggerKind::Push) else {
                continue;
            };
            let node = way.deploys[0];
            let job = flow.job(node, pipelines);
            if !seen.insert(job.place) {
                continue;
            }
            let Some(fixed) = fixed_stage(repository, node) else {
                verdict.examined(job.place);
                continue;
            };
            let limits = conditions(repository, node);
            let written = push.branches.iter().map(|b| b.value.clone());
            let branches: Vec<String> = if limits.is_empty() { written.collect() } else { limits };
            let decided = held.any(node) || has_condition(repository, node);
            let stages: Vec<(String, Option<Stage>)> = branches
                .iter()
                .filter(|b| !b.starts_with('!'))
                .map(|b| (b.clone(), stage_of(repository, b)))
                .collect();
            let wrong =
                stages.iter().find(|(_, s)| s.is_some_and(|s| s != fixed && !are_unreleased(s, fixed)));
            let message = match (wrong, stages.len()) {
                (Some((branch, Some(other))), _) => format!(
                    "A push to `{branch}`, which stands for {}, deploys job `{}` to {}",
                    other.name(),
                    job.name,
                    fixed.name()
                ),
                (_, 0) if !decided => {
                    format!("A push to any branch deploys job `{}` to {}", job.name, fixed.name())
                }
                _ => {
                    verdict.satisfied(job.place);
                    continue;
                }
            };
            let finding = verdict.fail(push.place, format!("job {}", job.id), message);
            finding.at_most(Confidence::Medium).label("starts the deploy").relate(job.place, "deploys here");
        }
    }
}

/// Where work is brought together before it is released goes by either name.
fn are_unreleased(one: Stage, other: Stage) -> bool {
    [one, other].iter().all(|s| matches!(s, Stage::Development | Stage::Integration))
}

/// The one environment that the job deploys to, if the branch does not decide.
fn fixed_stage(repository: &Repository, node: Node) -> Option<Stage> {
    let run = repository.flow.run(node);
    let effect = run.effects.iter().find(|e| e.effect == EffectKind::Deploy)?;
    let target = effect.target.as_ref().or(run.target.as_ref()).filter(|t| t.basis != Basis::Branch)?;
    target.stage.known().copied()
}

/// The stage that a branch stands for. Work that is not released yet is development's.
fn stage_of(repository: &Repository, branch: &str) -> Option<Stage> {
    let plain = !branch.contains(['*', '$', '/']);
    repository.stage_of_branch(branch).filter(|_| plain)
}

/// Branches that conditions on the way restrict the deploy to.
fn conditions(repository: &Repository, node: Node) -> Vec<String> {
    let flow = &repository.flow;
    let nodes = std::iter::once(node).chain(flow.before(node));
    nodes
        .filter_map(|n| flow.job(n, &repository.facts.pipelines).condition.as_ref())
        .map(|c| c.branches.clone())
        .find(|branches| !branches.is_empty())
        .unwrap_or_default()
}

fn has_condition(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    std::iter::once(node).chain(flow.before(node)).any(|n| {
        let job = flow.job(n, &repository.facts.pipelines);
        job.condition.is_some()
            || job
                .steps
                .iter()
                .any(|s| s.condition.is_some() || s.commands.iter().any(|c| !c.conditions.is_empty()))
    })
}
