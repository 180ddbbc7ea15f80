//! In which order a deploy does what it does: migrations first, then the parts that need one another.

use super::delivery::ways;
use super::gates::words;
use crate::facts::{Effect, EffectKind, Job, Nearest, Node, Repository, Run, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

/// The parts of a system in the order in which they follow one another, with the names they go by.
const PARTS: &[(&str, &[&str])] = &[
    ("api", &["api", "backend", "server"]),
    ("worker", &["worker", "workers", "scheduler", "celery", "sidekiq", "beat", "cron"]),
    ("web", &["web", "frontend", "ui", "spa"]),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut seen: BTreeSet<Span> = BTreeSet::new();
    let flow = &repository.flow;
    for stage in [Stage::Production, Stage::Staging] {
        let migrations = Migrations {
            stage,
            before: flow.nearest_before(|n| migrates(flow.run(n), stage).is_some()),
            after: flow.nearest_after(|n| {
                !flow.has_effect(n, EffectKind::Deploy, None) && migrates(flow.run(n), stage).is_some()
            }),
        };
        for way in ways(repository, stage) {
            for &node in &way.deploys {
                let job = repository.flow.job(node, &repository.facts.pipelines);
                if seen.insert(job.place) {
                    migrations.judge(repository, node, job, verdict);
                }
            }
            parts(repository, &way.deploys, stage, verdict);
        }
    }
}

/// Migrations of one environment around every run.
struct Migrations {
    stage: Stage,
    before: Nearest,
    /// Those that come after it, and deploy nothing themselves.
    after: Nearest,
}

fn migrates(run: &Run, stage: Stage) -> Option<&Effect> {
    run.effects.iter().find(|e| {
        let target = e.target.as_ref().or(run.target.as_ref());
        e.effect == EffectKind::Migrate && target.is_none_or(|t| t.may_be(stage))
    })
}

impl Migrations {
    /// A migration after the deploy, in the same job or in one that comes after it.
    fn judge(&self, repository: &Repository, node: Node, job: &Job, verdict: &mut Verdict) {
        let (flow, stage) = (&repository.flow, self.stage);
        let mut deployed: Option<(Span, usize)> = None;
        let mut late: Option<Span> = None;
        let mut early = false;
        for (number, step) in job.steps.iter().enumerate() {
            for effect in step.all_effects() {
                match effect.effect {
                    EffectKind::Deploy => {
                        deployed.get_or_insert((effect.place, number));
                    }
                    EffectKind::Migrate if deployed.is_none() => early = true,
                    // One command that does both has its own order.
                    EffectKind::Migrate if deployed.is_some_and(|(place, _)| place != effect.place) => {
                        late.get_or_insert(effect.place);
                    }
                    _ => {}
                }
            }
        }
        early |= self.before.any(node);
        let later = || self.after.of(node).and_then(|n| migrates(flow.run(n), stage)).map(|e| e.place);
        let Some((place, _)) = deployed else { return };
        if early {
            return verdict.satisfied(place);
        }
        let Some(late) = late.or_else(later) else { return };
        // The same words, seen through a script that both jobs call.
        if late == place {
            return;
        }
        let message =
            format!("Migrations are applied after job `{}` has deployed to {}", job.name, stage.name());
        let finding = verdict.fail(late, format!("job {} migrations", job.id), message);
        finding.at_most(Confidence::Medium).label("applied when the new release already runs");
        finding.relate(place, "deployed before");
        finding.against(
            "migrations that only the new release allows, such as dropping a column, come last on purpose",
        );
    }
}

/// Jobs of one way that deploy parts in an order of their own.
fn parts(repository: &Repository, deploys: &[Node], stage: Stage, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let part = |n: Node| {
        let names = words(&flow.job(n, pipelines).id);
        let found: Vec<usize> = (0..PARTS.len())
            .filter(|&i| PARTS[i].1.iter().any(|w| names.iter().any(|name| name == w)))
            .collect();
        (found.len() == 1).then(|| found[0])
    };
    let named: Vec<(Node, usize)> = deploys.iter().take(64).filter_map(|&n| Some((n, part(n)?))).collect();
    for &(node, rank) in &named {
        let before: BTreeSet<Node> = flow.before(node).into_iter().collect();
        let inverted = named.iter().find(|(other, r)| *r > rank && before.contains(other));
        let Some(&(other, after)) = inverted else { continue };
        let (job, first) = (flow.job(node, pipelines), flow.job(other, pipelines));
        let message = format!(
            "Job `{}` deploys the {} to {} only after the {}",
            job.name,
            PARTS[rank].0,
            stage.name(),
            PARTS[after].0
        );
        let finding = verdict.fail(job.place, format!("job {} order", job.id), message);
        finding.at_most(Confidence::Medium).label("comes too late").relate(first.place, "comes before it");
    }
}
