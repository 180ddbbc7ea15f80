//! Joins branches that stand for environments to the builds that a push to them starts.

use super::gates::{confidence, words};
use crate::facts::{Edge, Effect, EffectKind, Repository, Run, Stage, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    // By branch: the build that a push to it starts and deploys.
    let mut built: BTreeMap<String, (Span, Span, String, Confidence)> = BTreeMap::new();
    let earlier = flow.nearest_by(|edge| edge != Edge::Triggers, |n| build_of(flow.run(n)).is_some());
    for node in flow.with_effect(EffectKind::Deploy, None) {
        let run = flow.run(node);
        // A build on the way to the deploy, and the run that does it.
        let nearest = || Some((earlier.of(node)?, build_of(flow.run(earlier.of(node)?))?));
        let Some((builder, build)) = build_of(run).map(|b| (node, b)).or_else(nearest) else { continue };
        let root = &pipelines[run.root];
        let own: Vec<(String, Span)> = [node, builder]
            .into_iter()
            .filter_map(|n| flow.job(n, pipelines).condition.as_ref())
            .find(|c| !c.branches.is_empty())
            .map(|c| c.branches.iter().map(|b| (b.clone(), c.place)).collect())
            .unwrap_or_default();
        let pushed =
            root.triggers.iter().filter(|t| t.trigger == TriggerKind::Push).flat_map(|t| &t.branches);
        let branches = if own.is_empty() { pushed.map(|b| (b.value.clone(), b.span)).collect() } else { own };
        let sure = [Stage::Staging, Stage::Production].map(|s| confidence(run, s)).into_iter().max();
        for (branch, place) in branches {
            let entry = (
                place,
                build.place,
                flow.job(node, pipelines).name.clone(),
                sure.unwrap_or(Confidence::Medium),
            );
            built.entry(branch).or_insert(entry);
        }
    }
    let stands_for = |branch: &str| {
        repository.stage_of_branch(branch).filter(|_| !branch.contains('*') && words(branch).len() <= 2)
    };
    let others = |branch: &str| matches!(branch, "main" | "master" | "trunk");
    let mut environments = built.iter().filter(|(b, _)| {
        matches!(stands_for(b), Some(Stage::Staging | Stage::Production | Stage::Integration))
    });
    let Some((branch, (place, build, job, sure))) = environments.next() else { return };
    let all: Vec<&String> =
        built.keys().filter(|b| *b != branch && (stands_for(b).is_some() || others(b))).collect();
    if all.is_empty() {
        return;
    }
    let list = all.iter().map(|b| format!("`{b}`")).collect::<Vec<_>>().join(", ");
    let message = format!("Branch `{branch}` is built and deployed on its own by `{job}`, and so is {list}");
    let finding = verdict.fail(*place, format!("branch {branch}"), message);
    finding.at_most((*sure).min(Confidence::Medium)).label("a branch that stands for an environment");
    finding.relate(*build, "built again for this branch");
    for other in all {
        let (place, _, _, _) = &built[other];
        finding.relate(*place, "another branch that is built");
    }
}

/// A build of a product.
fn build_of(run: &Run) -> Option<&Effect> {
    run.effects
        .iter()
        .find(|e| e.effect == EffectKind::Build && !matches!(e.detail.as_deref(), Some("docs" | "test")))
}
