//! Migrations without a way back, as far as the manuals in force ask for one.

use super::migrations::{Defect, Group, applied, name, tell};
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
        match judge(*wanted, migration) {
            Judgement::Lacks(manner) => defects.push(defect(repository, migration, manner)),
            Judgement::Fits => verdict.satisfied(migration.place),
            Judgement::ForOthers => verdict.examined(migration.place),
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

/// What a policy says of a migration.
enum Judgement {
    /// It has what the policy asks for.
    Fits,
    /// Whether it has, another rule tells: what breaks the release before is `migration-breaking-change`'s, what
    /// changes rows `migration-data-no-reverse`'s.
    ForOthers,
    /// It has no way back and needs one.
    Lacks(Manner),
}

/// How a missing way back is told.
struct Manner {
    kind: FindingKind,
    confidence: Confidence,
    against: Option<&'static str>,
    tail: &'static str,
}

fn lacks(kind: FindingKind, confidence: Confidence, tail: &'static str) -> Judgement {
    Judgement::Lacks(Manner { kind, confidence, against: None, tail })
}

fn judge(wanted: MigrationRollback, migration: &Migration) -> Judgement {
    use Judgement::{Fits, ForOthers};
    if migration.down.is_way_back() {
        return Fits;
    }
    // What code of the program does cannot be read from here.
    let unread =
        migration.operations.is_empty() || migration.operations.iter().any(|o| o.action == Action::RunCode);
    let changes_rows = migration.operations.iter().any(|o| o.changes_rows());
    let breaks = migration.operations.iter().any(|o| o.breaks() || o.destroys());
    match wanted {
        MigrationRollback::ForwardOnly => Fits,
        MigrationRollback::AllScripts => Judgement::Lacks(Manner {
            kind: FindingKind::Fail,
            confidence: Confidence::High,
            against: Some(DISAGREES),
            tail: "",
        }),
        // That it says so is the decision that "when possible" leaves to its author.
        MigrationRollback::WhenPossible if migration.down == Down::Raises => {
            lacks(FindingKind::Review, Confidence::High, "")
        }
        MigrationRollback::WhenPossible => lacks(FindingKind::Fail, Confidence::Medium, ""),
        MigrationRollback::CompatibleOrScript if breaks => ForOthers,
        MigrationRollback::CompatibleOrScript if unread => {
            let tail = ", and nothing shows that the release before works with it";
            lacks(FindingKind::Open, Confidence::Medium, tail)
        }
        MigrationRollback::CompatibleOrScript => Fits,
        // Breaking changes are undone by restoring the database, which no migration shows.
        MigrationRollback::ByClass if changes_rows || breaks => ForOthers,
        MigrationRollback::ByClass if unread => {
            lacks(FindingKind::Open, Confidence::Medium, ", and whether it changes rows is not to be seen")
        }
        MigrationRollback::ByClass => Fits,
    }
}

fn defect<'r>(repository: &Repository, migration: &'r Migration, manner: Manner) -> Defect<'r> {
    let name = name(repository, migration);
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
