//! Migrations that may wait long for a lock, or hold one long, with nothing that ends the wait.

use super::migrations::{Defect, Group, applied, name, tell};
use crate::facts::{Action, Database, Migration, Operation, Repository};
use crate::finding::{Confidence, FindingKind, Verdict};
use crate::parameters::Parameters;

/// Settings that bound the wait for a lock or a statement's time, wherever a connection is configured.
const SETTINGS: &[&str] = &["lock_timeout", "statement_timeout", "lock_wait_timeout", "max_execution_time"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let named = |text: &str| {
        let text = text.to_ascii_lowercase();
        SETTINGS.iter().any(|setting| text.contains(setting))
    };
    let configured = repository.facts.settings.iter().find(|s| named(&s.key));
    let own = |m: &Migration| m.lock_timeout || m.statement_timeout;
    // Where others set one, the team knows that its database does not.
    let habit = applied(repository).find(|m| own(m));
    let mut defects = Vec::new();
    for migration in applied(repository).filter(|m| !m.repeatable) {
        let heavy: Vec<&Operation> = migration.operations.iter().filter(|o| waits(migration, o)).collect();
        let Some(first) = heavy.first() else { continue };
        if own(migration) || configured.is_some() {
            verdict.satisfied(migration.place);
            continue;
        }
        let name = name(repository, migration);
        let table = first.table.as_deref().map_or(String::new(), |table| format!(" `{table}`"));
        let what = what(first.action);
        let message = format!("Migration `{name}` {what}{table} and sets no timeout");
        let mut defect = Defect::new(migration, first.place, message, what);
        defect.related = heavy[1..].iter().take(20).map(|o| (o.place, what_else(o))).collect();
        defect.confidence = Confidence::Medium;
        match habit {
            Some(other) => defect.related.push((other.place, "this one sets one".into())),
            None => {
                defect.kind = FindingKind::Open;
                defect.against = Some("the role that migrates may have its timeouts set in the database");
            }
        }
        defects.push(defect);
    }
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        format!(
            "{number} {tool} migrations of `{folder}` hold locks that grow with the table, and set no timeout"
        )
    });
}

/// Whether an operation makes others wait for as long as it takes, in the database that it is written for.
fn waits(migration: &Migration, operation: &Operation) -> bool {
    let light = match migration.database {
        // One writer at a time, and no ClickHouse table is locked.
        Some(Database::Sqlite | Database::Clickhouse) => true,
        // https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
        Some(Database::Mysql) => matches!(operation.action, Action::CreateIndex | Action::AddUnique),
        _ => false,
    };
    !light && operation.holds_lock()
}

fn what(action: Action) -> &'static str {
    match action {
        Action::CreateIndex => "makes an index while writes wait on",
        Action::AddUnique => "makes a unique index while writes wait on",
        Action::UpdateAll => "changes all rows of",
        Action::DeleteAll => "removes all rows of",
        Action::TypeChange
        | Action::TypeRewrite
        | Action::AddColumnComputed
        | Action::RebuildTable
        | Action::Rewrite => "writes anew or locks",
        Action::SetNotNull => "tests for NULL, under a lock, all rows of",
        _ => "tests, under a lock, all rows of",
    }
}

fn what_else(operation: &Operation) -> String {
    operation.action.name().replace('-', " ")
}
