//! Whether somebody else's pull request can start a deploy with this repository's rights.

use super::gates::confidence;
use crate::facts::{Basis, EffectKind, Held, Job, Nearest, Node, Repository, Stage, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let ways = Ways::new(repository);
    let mut seen = BTreeSet::new();
    for node in flow.with_effect(EffectKind::Deploy, None) {
        let run = flow.run(node);
        let root = &pipelines[run.root];
        let Some(trigger) = root.triggers.iter().find(|t| t.trigger == TriggerKind::PullRequestTarget) else {
            continue;
        };
        if !seen.insert((run.pipeline, run.job)) {
            continue;
        }
        let job = flow.job(node, pipelines);
        let Some(stage) = shared_stage(repository, node) else {
            verdict.satisfied(job.place);
            continue;
        };
        if ways.leaves_out.any(node) || leaves_requests_out(flow.job(node, pipelines)) {
            verdict.satisfied(job.place);
            continue;
        }
        let message =
            format!("Anybody's pull request starts job `{}`, which deploys to {}", job.name, stage.name());
        let finding = verdict.fail(job.place, format!("job {}", job.id), message);
        finding.label("deploys with this repository's rights").at_most(confidence(run, stage));
        finding.relate(trigger.place, "a pull request of a fork starts it, too");
        if ways.held.any(node) || ways.asks.any(node) || asks(job) {
            finding
                .at_most(Confidence::Medium)
                .against("a person, a label or an environment stands before it");
        }
    }
}

/// The environment that others use, too; what a request has for itself is a preview.
fn shared_stage(repository: &Repository, node: Node) -> Option<Stage> {
    let run = repository.flow.run(node);
    let targets = run.effects.iter().filter(|e| e.effect == EffectKind::Deploy);
    let mut targets = targets.filter_map(|e| e.target.as_ref().or(run.target.as_ref()));
    targets.find_map(|t| {
        let stages = t.stage.possible();
        // A branch or a name of a step may say anything of where a request goes.
        let sure = t.basis != Basis::Branch && !stages.contains(&Stage::Preview);
        stages
            .iter()
            .copied()
            .find(|s| sure && matches!(s, Stage::Production | Stage::Staging | Stage::Integration))
    })
}

/// What stands before each run.
struct Ways<'r> {
    held: Held<'r>,
    asks: Nearest,
    leaves_out: Nearest,
}

impl Ways<'_> {
    fn new(repository: &Repository) -> Ways<'_> {
        let flow = &repository.flow;
        let pipelines = &repository.facts.pipelines;
        Ways {
            held: flow.held(pipelines, |_| true),
            asks: flow.nearest_before(|n| asks(flow.job(n, pipelines))),
            leaves_out: flow.nearest_before(|n| leaves_requests_out(flow.job(n, pipelines))),
        }
    }
}

fn conditions(job: &Job) -> impl Iterator<Item = &str> {
    let steps = job.steps.iter().filter_map(|s| s.condition.as_ref());
    job.condition.iter().chain(steps).map(|c| c.text.as_str())
}

/// A condition that looks at a label or at who asks.
fn asks(job: &Job) -> bool {
    conditions(job).any(|c| c.contains("label") || c.contains("association"))
}

/// A condition that lets only merged requests, own branches or other events through.
fn leaves_requests_out(job: &Job) -> bool {
    let by_event = job.condition.as_ref().is_some_and(|c| {
        !c.events.is_empty() && !c.events.iter().any(|e| e.starts_with("pull")) || !c.branches.is_empty()
    });
    let words = ["merged", "head.repo", "github.event_name != ", ".fork"];
    by_event || conditions(job).any(|c| words.iter().any(|w| c.contains(w)))
}
