//! A graph question: is what runs in production the very thing that ran in staging, or built again?

use super::gates::makers;
use crate::facts::{Command, Effect, EffectKind, Node, Repository, Stage, Value};
use crate::finding::{Confidence, Finding, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The places of builds that are the matter of this rule.
pub(super) fn places(repository: &Repository) -> BTreeSet<Span> {
    let mut verdict = Verdict::new("rebuild-per-environment", Severity::Error, Confidence::High);
    check(repository, &Parameters::default(), &mut verdict);
    let of = |f: Finding| f.related.into_iter().map(|r| r.place).chain([f.place]).collect::<Vec<_>>();
    verdict.findings.into_iter().flat_map(of).collect()
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let deploys = |stage| flow.with_effect(EffectKind::Deploy, Some(stage));
    let (staging, production) = (deploys(Stage::Staging), deploys(Stage::Production));
    let mut reported = BTreeSet::new();

    // Chosen by whoever starts it, or side by side in a matrix.
    let sisters = |a: Node, b: Node| {
        let (a, b) = (flow.run(a), flow.run(b));
        (a.pipeline, a.job, a.caller) == (b.pipeline, b.job, b.caller)
    };
    for &node in &staging {
        let run = flow.run(node);
        let both = match run.target.as_ref().map(|t| &t.stage) {
            Some(Value::OneOf(_)) => production.contains(&node),
            _ => production.iter().any(|&p| p != node && sisters(p, node)),
        };
        if !both {
            continue;
        }
        let job = flow.job(node, pipelines);
        for build in builds(&run.effects) {
            if reported.insert(build.place) {
                let message =
                    format!("Job `{}` builds again for each environment that it deploys to", job.name);
                let finding = verdict.fail(build.place, format!("job {}", job.id), message);
                finding.label("runs once for staging and once for production");
                if let Some(target) = &run.target {
                    finding.relate(target.place, "staging or production, as chosen here");
                }
            }
        }
    }

    let closures: BTreeMap<Node, BTreeSet<Node>> =
        staging.iter().chain(&production).map(|&n| (n, closure(repository, n))).collect();
    for &ship in &production {
        let mut again = None;
        let mut made: Option<BTreeSet<Span>> = None;
        // Where staging comes before production, that staging counts and no other run of it.
        let ahead: Vec<Node> =
            staging.iter().copied().filter(|s| *s != ship && closures[&ship].contains(s)).collect();
        let beside = || staging.iter().copied().filter(|s| *s != ship).collect();
        for stage in if ahead.is_empty() { beside() } else { ahead } {
            let own = closures[&ship].difference(&closures[&stage]);
            again =
                own.flat_map(|&n| builds(&flow.run(n).effects).map(move |b| (n, b))).find_map(|(n, b)| {
                    let earlier = first_build(repository, &closures[&stage], n, b)?;
                    // What is built on the way and not deployed is another's matter.
                    let made = made.get_or_insert_with(|| {
                        makers(repository, ship, Stage::Production).map(|e| e.place).collect()
                    });
                    (made.is_empty() || made.contains(&b.place)).then_some((stage, b, earlier))
                });
            if again.is_some() {
                break;
            }
        }
        let job = flow.job(ship, pipelines);
        let Some((stage, build, (twice, earlier))) = again else {
            verdict.satisfied(job.place);
            continue;
        };
        if !reported.insert(build.place) {
            continue;
        }
        let message = format!(
            "What job `{}` brings to production is built again, not the build that staging ran",
            job.name
        );
        let finding = verdict.fail(build.place, format!("job {}", job.id), message);
        finding.label("production builds again here");
        if earlier.place == build.place {
            finding.relate(flow.job(twice, pipelines).place, "runs it for staging");
        } else {
            finding.relate(earlier.place, "staging's build");
        }
        finding.relate(flow.job(stage, pipelines).place, "staging deploys here");
        if build.artifact.is_none() {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// The run and all that comes before it.
fn closure(repository: &Repository, node: Node) -> BTreeSet<Node> {
    repository.flow.before(node).into_iter().chain([node]).collect()
}

/// Builds of something that is deployed; documentation and test images are not.
fn builds(effects: &[Effect]) -> impl Iterator<Item = &Effect> {
    effects
        .iter()
        .filter(|e| e.effect == EffectKind::Build && !matches!(e.detail.as_deref(), Some("docs" | "test")))
}

/// A build of the same thing on the way to staging.
fn first_build<'a>(
    repository: &'a Repository,
    closure: &BTreeSet<Node>,
    node: Node,
    build: &Effect,
) -> Option<(Node, &'a Effect)> {
    let others = closure.iter().filter(|&&n| n != node);
    others
        .flat_map(|&n| builds(&repository.flow.run(n).effects).map(move |e| (n, e)))
        // One command that two jobs share is run twice.
        .find(|(_, other)| other.place == build.place || same_thing(repository, build, other))
}

/// Whether two builds make the same thing, whatever version or environment they give it.
fn same_thing(repository: &Repository, a: &Effect, b: &Effect) -> bool {
    match (&a.artifact, &b.artifact) {
        (Some(a), Some(b)) => a.is_version_of(b),
        (None, None) => {
            a.tool == b.tool && line(repository, a).is_some_and(|l| Some(l) == line(repository, b))
        }
        _ => false,
    }
}

/// The command that has this effect.
fn line<'a>(repository: &'a Repository, effect: &Effect) -> Option<&'a str> {
    let found = |command: &&Command| command.place.contains(effect.place);
    repository.commands().map(|(_, c)| c).find(found).map(|c| c.line.as_str())
}
