//! Migrations that a person applies to the production database.

use super::hands::{acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::{FindingKind, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let migrates = |kind| matches!(kind, EffectKind::Migrate | EffectKind::MigrateDown);
    let found = all
        .iter()
        .filter(|act| migrates(act.effect.effect))
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    report_hands(verdict, repository, found, "migrates production by hand", |act, target| {
        format!(
            "{} migrates the production database (`{}`) by hand with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
    if *parameters.migration_manual_allowed.value() {
        // The manual in force allows it with a runbook; whether there is one, a person has to say.
        verdict.findings.iter_mut().for_each(|finding| finding.kind = FindingKind::Review);
    }
}
