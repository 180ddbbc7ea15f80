//! Migrations with which the release before does not work any more.

use super::migrations::{Defect, Group, Rebuilt, applied, folder, is_new, is_released, name, tell};
use crate::facts::{Action, Migration, Operation, Phase, Repository};
use crate::finding::{Confidence, FindingKind, Verdict};
use crate::parameters::{MigrationRollback, Parameters};
use crate::text::Span;
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
    let rebuilt = Rebuilt::of(repository);
    let mut defects = Vec::new();
    for migration in applied(repository).filter(|m| !m.repeatable) {
        let known = |o: &&Operation| !unreleased.holds(o) && !rebuilt.holds(migration, o);
        let mut breaking: Vec<&Operation> =
            migration.operations.iter().filter(|o| o.breaks()).filter(known).collect();
        let reverses = script_suffices && migration.down.is_way_back();
        if breaking.is_empty() || reverses && !breaking.iter().any(|o| o.destroys()) {
            verdict.satisfied(migration.place);
            continue;
        }
        breaking.sort_by_key(|o| (o.class, o.place));
        let mut defect = defect(repository, migration, &breaking, reverses);
        if migration.phase == Some(Phase::Contract) {
            match expansion(repository, migration, &breaking) {
                Some((_, Release::Before)) => {
                    verdict.satisfied(migration.place);
                    continue;
                }
                Some((place, Release::Same)) => {
                    defect.against = None;
                    defect.related.push((place, "its expand step is of the same release".into()));
                }
                None => {
                    defect.kind = FindingKind::Review;
                    defect.alone = false;
                    defect.against = Some(
                        "it calls itself the contract step: is a release out that does not use this any more?",
                    );
                }
            }
        }
        defects.push(defect);
    }
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        format!("{number} {tool} migrations of `{folder}` break the release before them")
    });
}

/// Which release brought the expand step of a contract step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    Before,
    Same,
}

/// The migration that made what takes the place of what a contract step takes away, as far as one of the same folder
/// shows it: it adds to the same table, or calls itself the expand step of it. A comment alone shows nothing.
fn expansion(
    repository: &Repository,
    contract: &Migration,
    breaking: &[&Operation],
) -> Option<(Span, Release)> {
    let tables: HashSet<&str> = breaking.iter().filter_map(|o| o.table.as_deref()).collect();
    let expands = |m: &&Migration| {
        let on_it = |o: &&Operation| o.table.as_deref().is_some_and(|table| tables.contains(table));
        m.place < contract.place
            && folder(repository, m) == folder(repository, contract)
            && m.operations.iter().filter(on_it).any(|o| m.phase == Some(Phase::Expand) || adds_column(o))
    };
    let released = |m: &Migration| is_released(repository, m);
    let all: Vec<&Migration> = applied(repository).filter(expands).collect();
    // Of two that are both released nobody can tell any more whether one release held both.
    if let Some(before) = all.iter().find(|m| released(m)) {
        return Some((before.place, Release::Before));
    }
    let new = all.iter().rev().find(|m| is_new(repository, m));
    new.map(|m| (m.place, Release::Same))
}

fn adds_column(operation: &Operation) -> bool {
    use Action::{AddColumn, AddColumnComputed, AddColumnDefault};
    matches!(operation.action, AddColumn | AddColumnDefault | AddColumnComputed)
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
            _ if adds_column(operation) => {
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
    let name = name(repository, migration);
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
    defect.against =
        Some("if a release that does not use it any more is out already, it is the contract step");
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
