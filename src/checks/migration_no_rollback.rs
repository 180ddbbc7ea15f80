//! Migrations without a way back, as far as the manuals in force ask for one.

use super::migrations::{Defect, Group, applied, tell};
use crate::facts::{Action, Down, Migration, Repository};
use crate::finding::{Confidence, FindingKind, Verdict};
use crate::parameters::{MigrationRollback, Parameters};

const DISAGREES: &str =
    "DOC-009 asks for a script here (§9.3.d), and accepts compatibility elsewhere (§2.3.c, §9.1.e)";

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(wanted) = parameters.migration_rollback.value() else { return };
    if *wanted == MigrationRollback::ForwardOnly {
        verdict.not_applicable("migrations go forward only (migration.rollback)");
        return;
    }
    let mut defects = Vec::new();
    for migration in applied(repository).filter(|m| !m.empty && !m.repeatable) {
        if migration.down.is_way_back() {
            verdict.satisfied(migration.place);
            continue;
        }
        match judge(*wanted, migration) {
            Some(change) => defects.push(defect(repository, migration, change)),
            None => verdict.satisfied(migration.place),
        }
    }
    let needs = match wanted {
        MigrationRollback::CompatibleOrScript => "have no way back that can be run",
        MigrationRollback::ByClass => "change rows and have no script that changes them back",
        _ => "have no way back",
    };
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        format!("{number} {tool} migrations of `{folder}` {needs}")
    });
}

/// How a missing way back is told.
struct Manner {
    kind: FindingKind,
    confidence: Confidence,
    against: Option<&'static str>,
    tail: &'static str,
}

impl Manner {
    fn new(kind: FindingKind, confidence: Confidence) -> Manner {
        Manner { kind, confidence, against: None, tail: "" }
    }
}

/// What a policy says of a migration without a way back. `None` if it needs none.
fn judge(wanted: MigrationRollback, migration: &Migration) -> Option<Manner> {
    // What code of the program does cannot be read from here.
    let unread =
        migration.operations.is_empty() || migration.operations.iter().any(|o| o.action == Action::RunCode);
    let changes_rows = migration.operations.iter().any(|o| o.changes_rows());
    let breaks = migration.operations.iter().any(|o| o.breaks() || o.destroys());
    match wanted {
        MigrationRollback::ForwardOnly => None,
        MigrationRollback::AllScripts => {
            Some(Manner { against: Some(DISAGREES), ..Manner::new(FindingKind::Fail, Confidence::High) })
        }
        // That it says so is the decision that "when possible" leaves to its author.
        MigrationRollback::WhenPossible if migration.down == Down::Raises => {
            Some(Manner::new(FindingKind::Review, Confidence::High))
        }
        MigrationRollback::WhenPossible => Some(Manner::new(FindingKind::Fail, Confidence::Medium)),
        // What breaks the release before is told by `migration-breaking-change`.
        MigrationRollback::CompatibleOrScript if breaks || !unread => None,
        MigrationRollback::CompatibleOrScript => Some(Manner {
            tail: ", and nothing shows that the release before works with it",
            ..Manner::new(FindingKind::Open, Confidence::Medium)
        }),
        // Additive changes stay, breaking ones are undone by restoring the database, and changes of rows are told by
        // `migration-data-no-reverse`.
        MigrationRollback::ByClass if changes_rows => None,
        MigrationRollback::ByClass if unread => Some(Manner {
            tail: ", and whether it changes rows is not to be seen",
            ..Manner::new(FindingKind::Open, Confidence::Medium)
        }),
        MigrationRollback::ByClass => None,
    }
}

fn defect<'r>(repository: &Repository, migration: &'r Migration, manner: Manner) -> Defect<'r> {
    let path = repository.path(migration.place);
    let name = path.rsplit('/').find(|part| !matches!(*part, "migration.sql" | "up.sql")).unwrap_or(path);
    let (how, label) = match migration.down {
        Down::Empty | Down::OnlyComments => ("has an empty way back", "does nothing"),
        Down::Raises => ("refuses to be taken back", "refuses"),
        Down::Missing | Down::Derived | Down::Full => ("has no way back", "has no way back"),
    };
    let message = format!("Migration `{name}` {how}{}", manner.tail);
    Defect {
        kind: manner.kind,
        confidence: manner.confidence,
        against: manner.against,
        ..Defect::new(migration, migration.back_or_head(), message, label)
    }
}
