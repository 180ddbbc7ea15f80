//! Migrations without a way back, as far as the manuals in force ask for one.

use super::samples::{is_sample, is_vendored};
use crate::facts::Repository;
use crate::finding::{Confidence, Verdict};
use crate::parameters::{MigrationRollback, Parameters};

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(wanted) = parameters.migration_rollback.value() else { return };
    if *wanted == MigrationRollback::ForwardOnly {
        verdict.not_applicable("migrations go forward only (migration.rollback)");
        return;
    }
    for migration in &repository.facts.migrations {
        let path = repository.path(migration.place);
        if migration.empty || is_sample(path) || is_vendored(path) {
            continue;
        }
        let (id, name) = (&migration.id, path.rsplit('/').next().unwrap_or(path));
        let subject = format!("migration {path} {id}");
        let how = match migration.down.as_str() {
            "full" => {
                verdict.satisfied(migration.place);
                continue;
            }
            "empty" => "has an empty way back",
            "raises" => "refuses to be taken back",
            _ => "has no way back",
        };
        let message = format!("Migration `{name}` {how}");
        match wanted {
            MigrationRollback::AllScripts => {
                let finding = verdict.fail(migration.place, subject, message);
                finding.label("the reverse half").against(
                    "DOC-009 asks for a script here (§9.3.d), and accepts compatibility elsewhere (§2.3.c, §9.1.e)",
                );
            }
            // That it says so is the decision that "when possible" leaves to its author.
            MigrationRollback::WhenPossible if migration.down == "raises" => {
                verdict.review(migration.place, subject, message);
            }
            MigrationRollback::WhenPossible => {
                verdict
                    .fail(migration.place, subject, message)
                    .at_most(Confidence::Medium)
                    .label("the reverse half");
            }
            // Whether the release before still works with the new schema is not written in the file.
            _ => {
                let message = format!("{message}, and nothing shows that the release before works with it");
                verdict.open(migration.place, subject, message);
            }
        }
    }
}
