//! Which stages of the way to production cannot be found: one walk over everything before a deploy.

use super::delivery::{Wanted, Way, doubt, ways};
use super::gates::is_gate;
use crate::facts::{EffectKind, GateKind, Repository, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

const BUILD: Wanted = Wanted {
    effect: |e| matches!(e.effect, EffectKind::Build | EffectKind::Fetch | EffectKind::Promote),
    names: &["build", "builds", "compile", "package", "image", "bundle", "promote"],
    lines: &[],
};

const TEST: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Test,
    names: &[
        "test",
        "tests",
        "testing",
        "unit",
        "spec",
        "specs",
        "e2e",
        "integration",
        "check",
        "checks",
        "ci",
    ],
    lines: &[],
};

const VALIDATE: Wanted = Wanted {
    effect: |e| matches!(e.effect, EffectKind::Verify | EffectKind::Approve) || is_gate(e),
    names: &[
        "smoke",
        "verify",
        "validate",
        "acceptance",
        "e2e",
        "approve",
        "approval",
        "uat",
        "test",
        "tests",
    ],
    lines: &[],
};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let production = ways(repository, Stage::Production);
    let staging = ways(repository, Stage::Staging);
    if production.is_empty() {
        if let Some(way) = staging.first() {
            let job = way.job(repository);
            let message =
                format!("Job `{}` deploys to staging, and no pipeline here releases to production", job.name);
            let finding = verdict.open(job.place, "stage release", message);
            finding.label("the way ends here");
            doubt(repository, finding);
        }
        return;
    }
    let tested: Vec<Span> = TEST.anywhere(repository).into_iter().map(|(_, place)| place).collect();
    let mut missing: BTreeMap<Vec<&str>, Vec<&Way<'_>>> = BTreeMap::new();
    for way in &production {
        let has = |wanted: &Wanted| way.to.iter().any(|&n| wanted.shown(repository, n).is_some());
        let mut absent = Vec::new();
        if !from_commits(repository, way) {
            absent.push("source");
        }
        if !has(&BUILD) {
            absent.push("build");
        }
        // Where nothing is tested at all, another rule says so.
        if !has(&TEST) && !tested.is_empty() {
            absent.push("test");
        }
        // An environment whose name says nothing may be the team's staging.
        let earlier = |n: &&crate::facts::Node| {
            !way.deploys.contains(n) && repository.flow.has_effect(**n, EffectKind::Deploy, None)
        };
        if staging.is_empty() && way.to.iter().any(|n| earlier(&n)) {
            verdict.examined(way.job(repository).place);
        } else if staging.is_empty() {
            absent.push("staging");
        } else if !is_validated(repository, way) {
            absent.push("validation");
        }
        if absent.is_empty() {
            verdict.satisfied(way.job(repository).place);
        } else {
            missing.entry(absent).or_default().push(way);
        }
    }
    for (absent, ways) in missing {
        let job = ways[0].job(repository);
        let stages = match absent.as_slice() {
            [one] => format!("{one} stage"),
            [most @ .., last] => format!("{} or {last} stage", most.join(", ")),
            [] => continue,
        };
        let message =
            format!("No {stages} is seen on the way on which job `{}` deploys to production", job.name);
        let finding = verdict.open(job.place, format!("stages {}", absent.join(" ")), message);
        finding.label("the way to production ends here");
        for way in ways[1..].iter().take(5) {
            finding.relate(way.job(repository).place, "likewise");
        }
        if absent.contains(&"test") {
            let mut files = BTreeSet::new();
            for &place in tested.iter().filter(|p| files.insert(p.file)).take(3) {
                finding.relate(place, "tests here, on another trigger");
            }
        }
        doubt(repository, finding);
    }
}

/// A commit, a tag, a release or another pipeline starts it, or it checks a commit out.
fn from_commits(repository: &Repository, way: &Way<'_>) -> bool {
    let by_commit = way
        .pipeline
        .triggers
        .iter()
        .any(|t| t.trigger != TriggerKind::Manual && t.trigger != TriggerKind::Schedule);
    by_commit
        || way.pipeline.triggers.is_empty()
        || way.pipeline.dialect != crate::facts::Dialect::Github
        || way.to.iter().any(|&n| {
            let job = repository.flow.job(n, &repository.facts.pipelines);
            job.calls.is_some()
                || job.steps.iter().any(|s| {
                    s.uses.as_ref().is_some_and(|u| u.name.contains("checkout") || u.local)
                        || s.commands.iter().any(|c| c.program == "git" || c.program == "gh")
                })
        })
}

/// Something looks at staging, or a person does, before production.
fn is_validated(repository: &Repository, way: &Way<'_>) -> bool {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let gated = flow.held(pipelines, |g| g != GateKind::Optional);
    let held = way.deploys.iter().any(|&n| gated.any(n));
    let staged: Vec<_> = way
        .to
        .iter()
        .copied()
        .filter(|&n| flow.has_effect(n, EffectKind::Deploy, Some(Stage::Staging)))
        .collect();
    let later: BTreeSet<_> = flow.after_any(&staged).into_iter().chain(staged.iter().copied()).collect();
    // What skips staging, another rule says.
    held || staged.is_empty()
        || way.to.iter().any(|n| later.contains(n) && VALIDATE.shown(repository, *n).is_some())
}
