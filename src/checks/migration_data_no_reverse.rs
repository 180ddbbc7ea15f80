//! Migrations that change rows and have nothing that changes them back.

use super::migrations::{Defect, Group, Rebuilt, applied, name, tell};
use crate::facts::{Action, Down, Migration, Operation, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::{MigrationRollback, Parameters};

/// Tables in which tools keep which migrations ran.
const BOOKS: &[&str] = &[
    "schema_migrations",
    "schema_version",
    "flyway_schema_history",
    "databasechangelog",
    "alembic_version",
    "goose_db_version",
    "_prisma_migrations",
    "__efmigrationshistory",
    "knex_migrations",
    "django_migrations",
    "ar_internal_metadata",
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    if let Some(MigrationRollback::AllScripts | MigrationRollback::WhenPossible) =
        parameters.migration_rollback.value()
    {
        verdict.not_applicable("every migration needs its way back, which migration-no-rollback asks for");
        return;
    }
    let rebuilt = Rebuilt::of(repository);
    let mut defects = Vec::new();
    for migration in applied(repository).filter(|m| !m.repeatable) {
        let lost = |o: &&Operation| is_lost(migration, o) && !rebuilt.holds(migration, o);
        let rows: Vec<&Operation> = migration.operations.iter().filter(lost).collect();
        let Some(first) = rows.first() else { continue };
        if migration.down.is_way_back() {
            verdict.satisfied(migration.place);
            continue;
        }
        let name = name(repository, migration);
        let does = match first.action {
            Action::Insert => "adds rows",
            Action::Delete | Action::DeleteAll | Action::Truncate => "removes rows",
            _ => "changes rows",
        };
        let at = first.table.as_deref().map_or(String::new(), |table| format!(" of `{table}`"));
        let how = match migration.down {
            Down::Empty | Down::OnlyComments => "its way back does nothing",
            Down::Raises => "refuses to be taken back",
            _ => "has no way back",
        };
        let mut defect =
            Defect::new(migration, first.place, format!("Migration `{name}` {does}{at} and {how}"), does);
        defect.related =
            rows[1..].iter().take(20).map(|o| (o.place, o.action.name().replace('-', " "))).collect();
        defect.confidence = Confidence::Medium;
        if let Some(back) = migration.back.filter(|back| *back != first.place) {
            defect.related.push((back, "the way back".into()));
        }
        defects.push(defect);
    }
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        format!("{number} {tool} migrations of `{folder}` change rows and have no way back")
    });
}

/// Whether rows were there that are not what they were. What fills a column that this migration adds goes with it.
fn is_lost(migration: &Migration, operation: &Operation) -> bool {
    let adds = |o: &Operation| {
        use Action::{AddColumn, AddColumnComputed, AddColumnDefault, AddColumnNotNull};
        matches!(o.action, AddColumn | AddColumnComputed | AddColumnDefault | AddColumnNotNull)
            && o.table == operation.table
            && o.column == operation.column
    };
    operation.changes_rows()
        && !operation.table.as_deref().is_some_and(|table| BOOKS.contains(&table))
        && !(matches!(operation.action, Action::Update | Action::UpdateAll)
            && migration.operations.iter().any(adds))
}
