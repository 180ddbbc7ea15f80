//! Migrations without a way back, as far as the manuals in force ask for one.

use super::samples::{is_sample, is_vendored};
use crate::facts::{Down, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::{MigrationRollback, Parameters};
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(wanted) = parameters.migration_rollback.value() else { return };
    if *wanted == MigrationRollback::ForwardOnly {
        verdict.not_applicable("migrations go forward only (migration.rollback)");
        return;
    }
    let mut unclear: BTreeMap<(&str, &str), Vec<(Span, String)>> = BTreeMap::new();
    for migration in &repository.facts.migrations {
        let place = migration.back_or_head();
        let path = repository.path(place);
        if migration.empty || is_sample(path) || is_vendored(path) {
            continue;
        }
        let (id, name) = (&migration.id, path.rsplit('/').next().unwrap_or(path));
        let subject = format!("migration {path} {id}");
        let how = match migration.down {
            Down::Full | Down::Derived => {
                verdict.satisfied(place);
                continue;
            }
            Down::Empty | Down::OnlyComments => "has an empty way back",
            Down::Raises => "refuses to be taken back",
            Down::Missing => "has no way back",
        };
        let message = format!("Migration `{name}` {how}");
        match wanted {
            MigrationRollback::AllScripts => {
                let finding = verdict.fail(place, subject, message);
                finding.label("the reverse half").against(
                    "DOC-009 asks for a script here (§9.3.d), and accepts compatibility elsewhere (§2.3.c, §9.1.e)",
                );
            }
            // That it says so is the decision that "when possible" leaves to its author.
            MigrationRollback::WhenPossible if migration.down == Down::Raises => {
                verdict.review(place, subject, message);
            }
            MigrationRollback::WhenPossible => {
                verdict.fail(place, subject, message).at_most(Confidence::Medium).label("the reverse half");
            }
            // Whether the release before still works with the new schema is not written in the file.
            _ => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                unclear.entry((folder, migration.tool.name())).or_default().push((place, message));
            }
        }
    }
    for ((folder, tool), all) in unclear {
        let (place, message) = &all[0];
        let message = match all.len() {
            1 => format!("{message}, and nothing shows that the release before works with it"),
            n => format!("{n} {tool} migrations of `{folder}` have no way back that can be run"),
        };
        let finding = verdict.open(*place, format!("{tool} migrations of {folder}"), message);
        for (other, _) in all[1..].iter().take(10) {
            finding.relate(*other, "nor has this");
        }
    }
}
