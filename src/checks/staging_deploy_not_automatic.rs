//! A graph question: does a merge bring the change to staging by itself?

use super::gates::{confidence, deploys};
use crate::facts::{GateKind, Node, Repository, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::{Parameters, StagingTrigger};

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    if parameters.staging_trigger.value() != Some(&StagingTrigger::Auto) {
        return;
    }
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let held = flow.held(pipelines, |g| g != GateKind::ServerSide);
    for stage in [Stage::Development, Stage::Integration, Stage::Staging] {
        let all: Vec<Node> = deploys(repository, stage);
        if all.iter().any(|&n| !held.any(n) && starts_by_itself(repository, n)) {
            verdict.satisfied(flow.job(all[0], pipelines).place);
            continue;
        }
        let Some(&node) = all.first() else { continue };
        let job = flow.job(node, pipelines);
        let run = flow.run(node);
        let root = &pipelines[run.root];
        let gate = held.of(node);
        let manual = root.triggers.iter().find(|t| t.trigger == TriggerKind::Manual);
        let subject = format!("job {}", job.id);
        if let Some((gate, _)) = gate {
            let message =
                format!("Job `{}` waits for a person before it deploys to {}", job.name, stage.name());
            let finding = verdict.fail(gate.place, subject, message);
            finding.at_most(confidence(run, stage)).label("waits for a person");
            finding.relate(job.place, "deploys here");
        } else if let Some(trigger) = manual {
            let message = format!("`{}` deploys to {} only when a person starts it", root.name, stage.name());
            let finding = verdict.fail(trigger.place, subject, message);
            finding.at_most(confidence(run, stage)).label("started by hand alone");
            finding.relate(job.place, "deploys here");
        }
    }
}

/// A push, a merge or another pipeline starts it.
fn starts_by_itself(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let root = &pipelines[flow.run(node).root];
    // Who calls a pipeline that nobody here calls is not known.
    root.triggers.is_empty() || root.triggers.iter().any(|t| t.trigger != TriggerKind::Manual)
}
