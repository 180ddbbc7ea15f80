//! A graph question: has every way to a production deploy passed a staging deploy?

use super::gates::{deploys_another, passed_with_the_same};
use crate::facts::{Basis, EffectKind, Job, Node, Path, Repository, Run, Stage, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let staging = flow.with_effect(EffectKind::Deploy, Some(Stage::Staging));
    let production = flow.with_effect(EffectKind::Deploy, Some(Stage::Production));
    let passed = passed_with_the_same(repository, &production, &staging.iter().copied().collect());
    let opaque = flow.nearest_before(|n| is_opaque(repository, n));
    // By job in its context, the runs that deploy to staging.
    let mut of_job: BTreeMap<(usize, usize, Option<Node>), Vec<Node>> = BTreeMap::new();
    for &node in &staging {
        let run = flow.run(node);
        of_job.entry((run.pipeline, run.job, run.caller)).or_default().push(node);
    }
    let mut judged = BTreeSet::new();
    let mut told = BTreeSet::new();
    for (node, path) in production.into_iter().zip(passed) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        // Going back, and upkeep that brings no new version, must not wait for staging.
        if run.effects.iter().any(|e| e.effect == EffectKind::RollBack)
            || is_upkeep(&job.id, &pipelines[run.root].name)
            || !judged.insert((run.pipeline, run.job, run.caller))
        {
            continue;
        }
        let subject = format!("job {}", job.id);
        let name = &job.name;
        if let Some(Value::OneOf(stages)) = run.target.as_ref().map(|t| &t.stage)
            && stages.contains(&Stage::Staging)
        {
            let place = run.target.as_ref().map_or(job.place, |t| t.place);
            let message = format!("Whoever starts `{name}` can choose production without staging");
            verdict
                .fail(place, subject, message)
                .at_most(confidence(run))
                .label("staging or production, as chosen here");
            continue;
        }
        // A matrix over environments runs all of them side by side.
        let beside =
            of_job.get(&(run.pipeline, run.job, run.caller)).into_iter().flatten().any(|&n| n != node);
        if beside {
            let place = run.target.as_ref().map_or(job.place, |t| t.place);
            let message = format!("Job `{name}` deploys to staging and to production at the same time");
            verdict.fail(place, subject, message).at_most(confidence(run)).label("all of them side by side");
            continue;
        }
        match path {
            Path::Yes => verdict.satisfied(job.place),
            Path::Unknown(_) if pipelines[run.root].dialect.reconciles() && told.contains(&run.root) => {
                verdict.examined(job.place);
            }
            Path::Unknown(why) => {
                told.insert(run.root);
                verdict.open(
                    job.place,
                    subject,
                    format!("Nothing shows that job `{name}` always waits for staging: {why}"),
                );
            }
            Path::No if staging.is_empty() => {
                if pipelines[run.root].dialect.reconciles() && !told.insert(run.root) {
                    verdict.examined(job.place);
                    continue;
                }
                let message =
                    format!("Job `{name}` deploys to production, and no pipeline here deploys to staging");
                verdict.open(job.place, subject, message);
            }
            Path::No if opaque.any(node) => {
                let message = format!(
                    "Nothing shows that job `{name}` waits for staging: part of what comes before it could not be followed"
                );
                verdict.open(job.place, subject, message);
            }
            Path::No
                if pipelines[run.root].dialect.reconciles()
                    && !staging.iter().any(|&n| follows_the_same(job, flow.job(n, pipelines))) =>
            {
                if !told.insert(run.root) {
                    verdict.examined(job.place);
                    continue;
                }
                let message = format!(
                    "`{name}` deploys to production whatever is committed for it; whether that ran in staging, no order here shows"
                );
                verdict.open(job.place, subject, message);
            }
            Path::No => {
                let message =
                    format!("Job `{name}` deploys to production without waiting for a staging deploy");
                let finding = verdict.fail(job.place, subject, message);
                finding.at_most(confidence(run)).label("deploys to production");
                for &other in staging.iter().take(2) {
                    let place = flow.job(other, pipelines).place;
                    let label = if deploys_another(repository, other, node) {
                        "staging deploys another image here"
                    } else {
                        "staging deploys here, and nothing makes production wait for it"
                    };
                    if place != job.place {
                        finding.relate(place, label);
                    }
                }
            }
        }
    }
}

/// Whether a run calls what lies outside, and nothing tells what that does.
fn is_opaque(repository: &Repository, node: Node) -> bool {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let outside = job.calls.as_ref().is_some_and(|c| c.unresolved.is_some());
    outside && repository.flow.run(node).effects.is_empty()
}

/// Whether two deploys bring out the same folder or chart of the same revision, so that one commit reaches both.
fn follows_the_same(a: &Job, b: &Job) -> bool {
    let uses = |job: &'_ Job| job.steps.first().and_then(|s| s.uses.clone());
    let (Some(a), Some(b)) = (uses(a), uses(b)) else { return false };
    let told = |input: &str| {
        let value = |used: &crate::facts::Use| used.input(input).and_then(|v| v.value.known().cloned());
        (value(&a), value(&b))
    };
    let same = |input: &str| matches!(told(input), (Some(a), Some(b)) if a == b);
    let (revision_a, revision_b) = told("revision");
    same("repository") && (same("path") || same("chart")) && revision_a == revision_b
}

/// Whether names say that this is no release: maintenance pages, backups, scaling, tearing down.
fn is_upkeep(job: &str, pipeline: &str) -> bool {
    const WORDS: &[&str] = &[
        "maintenance",
        "failover",
        "failback",
        "backup",
        "restore",
        "rollback",
        "revert",
        "destroy",
        "teardown",
        "cleanup",
        "delete",
        "scale",
        "restart",
        "rotate",
    ];
    let names = format!("{job} {pipeline}").to_ascii_lowercase();
    names.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// What is known by a name alone is medium at most.
fn confidence(run: &Run) -> Confidence {
    let deploy = run.effects.iter().find(|e| e.effect == EffectKind::Deploy);
    let target = deploy.and_then(|e| e.target.as_ref()).or(run.target.as_ref());
    match target.map(|t| t.basis) {
        Some(Basis::Declared | Basis::Host | Basis::Context) => Confidence::High,
        _ => Confidence::Medium,
    }
}
