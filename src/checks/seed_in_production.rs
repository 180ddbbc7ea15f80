//! Seed or fixture data that is loaded in production.

use super::hands::{Act, Hands, acts, by_unit, finish, place_name};
use crate::facts::{Command, EffectKind, Repository, Stage, Target};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeSet, HashMap};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::Seed && !act.command.is_some_and(is_guarded))
        .filter(|act| act.hands != Hands::Unknown && !act.is_fence())
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    let mut told: BTreeSet<Span> = BTreeSet::new();
    for (unit, place) in by_unit(found) {
        let (act, target) = unit[0];
        told.extend(unit.iter().flat_map(|(a, _)| [Some(a.effect.place), a.effect.origin]).flatten());
        let finding = verdict.fail(place, act.subject(), sentence(&act.name(), &act, target));
        finish(finding, &unit, "loads seed data");
        finding.against("data that production itself needs may be loaded so, but belongs into a migration");
    }
    called(repository, &all, &told, verdict);
}

/// Jobs of called pipelines, whose environment only the call tells.
fn called(repository: &Repository, all: &[Act<'_>], told: &BTreeSet<Span>, verdict: &mut Verdict) {
    let mut seen: BTreeSet<Span> = told.clone();
    let acts: HashMap<Span, &Act<'_>> = all.iter().map(|act| (act.effect.place, act)).collect();
    for run in repository.flow.runs().iter().filter(|r| r.caller.is_some()) {
        for effect in run.effects.iter().filter(|e| e.effect == EffectKind::Seed) {
            let target = effect.target.as_ref().filter(|t| t.stage.is_certain()).or(run.target.as_ref());
            let Some(target) = target.filter(|t| t.may_be(Stage::Production)) else { continue };
            let Some(act) = acts.get(&effect.place) else { continue };
            if act.command.is_some_and(is_guarded) || !seen.insert(effect.place) {
                continue;
            }
            let job = &repository.facts.pipelines[run.pipeline].jobs[run.job];
            verdict
                .fail(effect.place, act.subject(), sentence(&format!("Job `{}`", job.id), act, target))
                .at_most(Confidence::Medium)
                .label("loads seed data");
        }
    }
}

fn sentence(name: &str, act: &Act<'_>, target: &Target) -> String {
    format!("{name} loads seed data into production (`{}`) with `{}`", place_name(target), act.effect.tool)
}

/// Whether a test around the command asks for the environment.
fn is_guarded(command: &Command) -> bool {
    command.conditions.iter().any(|c| {
        let c = c.to_lowercase();
        ["env", "prod", "stag", "dev", "local", "seed", "stage", "demo"].iter().any(|w| c.contains(w))
    })
}
