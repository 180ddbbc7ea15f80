//! Migrations run backwards by pipelines and runbooks, where the manual in force lets them go forward only.

use super::hands::{Act, Hands, acts};
use super::rollbacks::{is_elsewhere, speaks_of_going_back};
use crate::facts::{EffectKind, Owner, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::{MigrationRollback, Parameters};
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(wanted) = parameters.migration_rollback.value() else { return };
    if *wanted != MigrationRollback::ForwardOnly {
        return verdict.not_applicable("migrations may go backwards (migration.rollback)");
    }
    let mut units: BTreeMap<String, Vec<(Act<'_>, Confidence)>> = BTreeMap::new();
    for act in acts(repository) {
        if act.effect.effect != EffectKind::MigrateDown {
            continue;
        }
        match runs_backwards(repository, &act) {
            Some(sure) => units.entry(act.subject()).or_default().push((act, sure)),
            None => verdict.examined(act.effect.place),
        }
    }
    for (subject, all) in units {
        let (act, sure) = &all[0];
        let message = format!(
            "{} runs migrations backwards with `{}`, where they go forward only",
            act.name(),
            act.effect.tool
        );
        let finding = verdict.fail(act.effect.place, subject, message);
        finding.label("takes a migration back").at_most(*sure);
        let mut others: Vec<Span> = all[1..].iter().map(|(a, _)| a.effect.place).collect();
        others.dedup();
        for other in others.into_iter().filter(|p| *p != act.effect.place).take(4) {
            finding.relate(other, "and here");
        }
    }
}

/// How surely an act takes back what was applied somewhere; `None` for databases of tests and of developers.
fn runs_backwards(repository: &Repository, act: &Act<'_>) -> Option<Confidence> {
    if is_elsewhere(repository.path(act.effect.place)) {
        return None;
    }
    let target = act.effect.target.as_ref().or_else(|| act.owner.target());
    let shared = |s: &Stage| matches!(s, Stage::Staging | Stage::Production);
    if let Some(target) = target.filter(|t| t.stage.is_certain()) {
        return target.stage.possible().iter().any(shared).then_some(Confidence::High);
    }
    match act.owner {
        Owner::Step { job, .. } => {
            let has = |kind| job.effects().any(|e| e.effect == kind);
            // Up, down and up again: a test of the migrations themselves.
            let tests = has(EffectKind::Test) || job.images.len() > 1;
            let releases = has(EffectKind::Deploy) || has(EffectKind::RollBack);
            let named = speaks_of_going_back(&job.id) || speaks_of_going_back(&job.name);
            (!tests && (releases || named)).then_some(Confidence::High)
        }
        Owner::Script(script) if act.is_fence() => {
            let text = format!("{} {}", script.name, script.before.as_deref().unwrap_or(""));
            let production = text.to_ascii_lowercase().contains("production");
            (production || speaks_of_going_back(repository.path(script.place))).then_some(Confidence::Medium)
        }
        Owner::Script(script) => {
            let name = script.name.rsplit(['/', ':']).next().unwrap_or("").to_ascii_lowercase();
            let release = script
                .commands
                .iter()
                .flat_map(|c| &c.effects)
                .any(|e| matches!(e.effect, EffectKind::Deploy | EffectKind::RollBack));
            let machine = matches!(act.hands, Hands::Pipeline | Hands::Machine);
            (release || machine && name.contains("rollback")).then_some(Confidence::Medium)
        }
    }
}
