//! Production migrations before which nothing takes a backup.

use crate::facts::{EffectKind, Node, Path, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let backs_up = |n: Node| {
        flow.run(n).effects.iter().any(|e| matches!(e.effect, EffectKind::Backup | EffectKind::Dump))
    };
    let passed = flow.passing(pipelines, backs_up);
    let mut judged = BTreeSet::new();
    for node in flow.with_effect(EffectKind::Migrate, Some(Stage::Production)) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        let Some(at) = run.effects.iter().position(|e| e.effect == EffectKind::Migrate) else { continue };
        let place = run.effects[at].place;
        if !judged.insert((place, job.place)) {
            continue;
        }
        let before =
            run.effects[..at].iter().any(|e| matches!(e.effect, EffectKind::Backup | EffectKind::Dump));
        if before || passed.to(node) == Path::Yes {
            verdict.satisfied(job.place);
            continue;
        }
        let message = format!("Job `{}` migrates production, and nothing before it takes a backup", job.name);
        verdict.open(place, format!("migration of job {}", job.id), message).label("migrates production");
    }
}
