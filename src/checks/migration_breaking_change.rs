//! Migrations with which the release before does not work any more.

use super::migrations::{Defect, Group, applied, is_new, tell};
use crate::facts::{Action, Migration, Operation, Phase, Repository};
use crate::finding::{Confidence, FindingKind, Verdict};
use crate::parameters::{MigrationRollback, Parameters};
use std::collections::HashSet;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    // Where the manuals in force disagree, only what all of them refuse is told.
    let wanted =
        parameters.migration_rollback.value().copied().unwrap_or(MigrationRollback::CompatibleOrScript);
    let script_suffices = matches!(
        wanted,
        MigrationRollback::CompatibleOrScript
            | MigrationRollback::AllScripts
            | MigrationRollback::WhenPossible
    );
    let unreleased = unreleased(repository);
    let mut defects = Vec::new();
    for migration in applied(repository).filter(|m| !m.repeatable) {
        let known = |o: &&Operation| !unreleased.holds(o);
        let mut breaking: Vec<&Operation> =
            migration.operations.iter().filter(|o| o.breaks()).filter(known).collect();
        if breaking.is_empty() || migration.phase == Some(Phase::Contract) {
            verdict.satisfied(migration.place);
            continue;
        }
        let reverses = script_suffices && migration.down.is_way_back();
        let loses = breaking.iter().any(|o| o.destroys());
        if reverses && !loses {
            verdict.satisfied(migration.place);
            continue;
        }
        breaking.sort_by_key(|o| (o.class, o.place));
        defects.push(defect(repository, migration, &breaking, reverses));
    }
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        format!("{number} {tool} migrations of `{folder}` break the release before them")
    });
}

/// Tables and columns that no release knows, because the migrations that make them are as new as the rest.
#[derive(Default)]
struct Unreleased<'r> {
    tables: HashSet<&'r str>,
    columns: HashSet<(&'r str, &'r str)>,
}

impl Unreleased<'_> {
    fn holds(&self, operation: &Operation) -> bool {
        let Some(table) = operation.table.as_deref() else { return false };
        self.tables.contains(table)
            || operation.column.as_deref().is_some_and(|column| self.columns.contains(&(table, column)))
    }
}

fn unreleased(repository: &Repository) -> Unreleased<'_> {
    let mut all = Unreleased::default();
    for operation in applied(repository).filter(|m| is_new(repository, m)).flat_map(|m| &m.operations) {
        let Some(table) = operation.table.as_deref() else { continue };
        match operation.action {
            Action::CreateTable => _ = all.tables.insert(table),
            Action::AddColumn | Action::AddColumnDefault | Action::AddColumnComputed => {
                all.columns.extend(operation.column.as_deref().map(|column| (table, column)));
            }
            _ => {}
        }
    }
    all
}

fn defect<'r>(
    repository: &Repository,
    migration: &'r Migration,
    breaking: &[&'r Operation],
    reverses: bool,
) -> Defect<'r> {
    let path = repository.path(migration.place);
    let name = path.rsplit('/').find(|part| !matches!(*part, "migration.sql" | "up.sql")).unwrap_or(path);
    let first = breaking[0];
    let consequence = if reverses {
        ", and its way back cannot bring the data back"
    } else {
        match first.action {
            Action::DropTable | Action::DropColumn | Action::DropView | Action::DropSchema => {
                ", which the release before may still use"
            }
            Action::RenameTable | Action::RenameColumn => ", which the release before knows by its old name",
            Action::AddColumnNotNull => ", which the release before leaves out",
            Action::SetNotNull => ", where the release before may leave it empty",
            _ => ", which rows or the release before may not fit",
        }
    };
    let message = format!("Migration `{name}` {}{consequence}", says(first));
    let mut defect = Defect::new(migration, first.place, message, label(first));
    defect.related = breaking[1..].iter().take(20).map(|o| (o.place, label(o))).collect();
    // Whether the code of the release before still uses it stands in no migration.
    defect.confidence = Confidence::Medium;
    defect.alone = !reverses && breaking.iter().any(|o| o.destroys());
    if reverses {
        defect.kind = FindingKind::Review;
    }
    defect.against = Some(
        "if a release that does not use it any more is out already, it is the contract step: a comment \"contract phase\" says so",
    );
    defect
}

/// What an operation does, as the rest of a sentence about its migration.
fn says(operation: &Operation) -> String {
    let (table, column) = (operation.table.as_deref(), operation.column.as_deref());
    let name = operation.name.as_deref();
    let of = |what: Option<&str>| match (table, what) {
        (Some(table), Some(what)) => format!(" `{table}.{what}`"),
        (Some(only), None) | (None, Some(only)) => format!(" `{only}`"),
        (None, None) => String::new(),
    };
    let on = of(column);
    match operation.action {
        Action::DropTable => format!("drops table{}", of(None)),
        Action::DropColumn => format!("drops column{on}"),
        Action::DropView => format!("drops view{}", of(None)),
        Action::DropSchema => format!("drops schema or database{}", of(None)),
        Action::RenameTable => format!("renames table{}", of(None)),
        Action::RenameColumn => format!("renames column{on}"),
        Action::AddColumnNotNull => format!("adds column{on} as NOT NULL without a default"),
        Action::TypeChange => format!("changes the type of{on}"),
        Action::SetNotNull => format!("forbids NULL in{on}"),
        Action::AddUnique | Action::AddUniqueConcurrently => {
            format!("asks for unique values in{}", if column.is_some() { on } else { of(name) })
        }
        Action::AddPrimaryKey => format!("gives table{} another primary key", of(None)),
        Action::AddCheck => format!("adds a check to table{}", of(None)),
        Action::EnumRemoval => format!("takes a value out of type{} or renames one", of(None)),
        _ => format!("changes{on}"),
    }
}

fn label(operation: &Operation) -> String {
    let text = says(operation).replace('`', "");
    if text.len() > 70 { operation.action.name().replace('-', " ") } else { text }
}
