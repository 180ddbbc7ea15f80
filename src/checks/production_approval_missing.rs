//! A graph question: does anybody have to say yes before a change reaches production?

use super::gates::{confidence, deploys};
use crate::facts::{Basis, Dialect, GateKind, Pipeline, Proof, Repository, Stage, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Who may merge what a controller follows is one question for all that follows it.
    let mut asked = BTreeSet::new();
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let held = flow.held_back(pipelines);
    let on_server = flow.held(pipelines, |g| g == GateKind::ServerSide);
    for node in deploys(repository, Stage::Production) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        let root = &pipelines[run.root];
        // What an environment asks for, its server's settings tell where a team keeps them.
        let target = run.target.as_ref();
        let proof = target.map_or(Proof::Unknown, |t| repository.is_approved(root.dialect, &t.name));
        let declared = job.target.as_ref().is_some_and(|t| t.basis == Basis::Declared);
        if let Proof::Yes(place) = proof
            && declared
        {
            verdict.satisfied(job.place);
            verdict.satisfied(place);
            continue;
        }
        if held.any(node) || job.gates.iter().any(|g| is_asked(g.gate)) {
            verdict.satisfied(job.place);
            continue;
        }
        if starts_by_hand(root) {
            verdict.satisfied(job.place);
            continue;
        }
        let subject = format!("job {}", job.id);
        let name = &job.name;
        let unasked = match proof {
            Proof::No(place) if declared => Some(place),
            _ => None,
        };
        let server = on_server.of(node).filter(|_| unasked.is_none());
        if let Some((gate, _)) = server {
            if root.dialect.reconciles() && !asked.insert((run.root, gate.what.as_str())) {
                verdict.examined(job.place);
                continue;
            }
            let message =
                format!("Whether `{}` of job `{name}` waits for an approval is set on the server", gate.what);
            verdict.open(gate.place, subject, message);
        } else if root.dialect == Dialect::CloudBuild || !root.complete || !pushed(root) {
            let message =
                format!("Nothing here shows that somebody approves what job `{name}` brings to production");
            verdict.open(job.place, subject, message);
        } else {
            let message = format!("Job `{name}` deploys to production on a push, and nobody is asked");
            let finding = verdict.fail(job.place, subject, message);
            finding.at_most(confidence(run, Stage::Production).min(Confidence::Medium));
            finding.label("deploys to production");
            if let Some(place) = unasked {
                finding.relate(place, "its environment asks nobody");
                finding.at_most(Confidence::High);
            }
            if let Some(trigger) = root.triggers.iter().find(|t| is_push(t.trigger)) {
                finding.relate(trigger.place, "starts by itself");
            }
            finding.against("an approval may be part of the merge that starts it");
        }
    }
}

/// A person starts the job, even if nothing after it waits.
fn is_asked(gate: GateKind) -> bool {
    matches!(gate, GateKind::Blocking | GateKind::Optional)
}

fn starts_by_hand(pipeline: &Pipeline) -> bool {
    pipeline.triggers.iter().any(|t| t.trigger == TriggerKind::Manual)
        && pipeline.triggers.iter().all(|t| matches!(t.trigger, TriggerKind::Manual | TriggerKind::Release))
}

fn is_push(trigger: TriggerKind) -> bool {
    matches!(trigger, TriggerKind::Push | TriggerKind::Schedule)
}

fn pushed(pipeline: &Pipeline) -> bool {
    pipeline.triggers.iter().any(|t| is_push(t.trigger))
}
