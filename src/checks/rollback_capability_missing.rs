//! Whether anything here can bring production back to the release before.

use crate::facts::{EffectKind, Job, Pipeline, Repository, Run, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

/// Names of inputs by which a deploy takes an earlier version.
const VERSIONS: &[&str] =
    &["version", "tag", "ref", "sha", "commit", "release", "digest", "image", "revision", "build"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let deploys = flow.with_effect(EffectKind::Deploy, Some(Stage::Production));
    let anywhere = goes_back(repository);
    let mut missing: BTreeMap<usize, Vec<&Job>> = BTreeMap::new();
    for node in deploys {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        // What is kept in line with a repository goes back by a revert.
        let reverts = pipelines[run.root].dialect.reconciles();
        if anywhere
            || reverts
            || undoes_itself(job)
            || takes_version(&pipelines[run.root])
            || is_promotion(run)
        {
            verdict.satisfied(job.place);
        } else {
            missing.entry(run.root).or_default().push(job);
        }
    }
    // A pipeline that several others call is told once.
    let mut told = BTreeSet::new();
    for (root, jobs) in missing {
        let pipeline = &pipelines[root];
        let job = jobs[0];
        if !told.insert(job.place) {
            continue;
        }
        let subject = format!("pipeline {}", repository.path(pipeline.place));
        let message =
            format!("Job `{}` deploys to production, and nothing here takes a release back", job.name);
        let finding = verdict.open(job.place, subject, message);
        finding.label("deploys to production");
        let mut others: Vec<_> = jobs[1..].iter().map(|j| j.place).filter(|p| *p != job.place).collect();
        others.dedup();
        for other in others.into_iter().take(5) {
            finding.relate(other, "deploys to production too");
        }
    }
}

/// A job, a script or a building block that rolls back; or files of a tool that reconciles with git, where
/// a revert is the way back.
fn goes_back(repository: &Repository) -> bool {
    let steps = repository.steps().flat_map(|(_, _, s)| &s.effects);
    let mut effects = repository.commands().flat_map(|(_, c)| &c.effects).chain(steps);
    let inherited = repository.flow.runs().iter().flat_map(|r| &r.effects);
    effects.any(|e| e.effect == EffectKind::RollBack)
        || inherited.clone().any(|e| e.effect == EffectKind::RollBack)
        || repository.files.iter().any(|f| {
            f.path
                .split('/')
                .any(|part| matches!(part, "argocd" | "argo-cd" | "argo" | "flux-system" | "flux" | "fluxcd"))
        })
}

/// `helm upgrade --atomic` and its like take a failed release back themselves.
fn undoes_itself(job: &Job) -> bool {
    job.commands().any(|c| {
        c.has_flag(&[
            "--atomic",
            "--rollback-on-failure",
            "--cleanup-on-fail",
            "--auto-rollback",
            "--rollback",
        ])
    })
}

/// A person may start it and say which version.
fn takes_version(pipeline: &Pipeline) -> bool {
    pipeline
        .triggers
        .iter()
        .filter(|t| t.trigger == TriggerKind::Manual)
        .flat_map(|t| &t.inputs)
        .any(|input| input.name.to_ascii_lowercase().split(['-', '_']).any(|word| VERSIONS.contains(&word)))
}

/// What only gives a stored release another name can do so with the one before.
fn is_promotion(run: &Run) -> bool {
    run.effects.iter().any(|e| e.effect == EffectKind::Promote)
        && !run.effects.iter().any(|e| e.effect == EffectKind::Build)
}
