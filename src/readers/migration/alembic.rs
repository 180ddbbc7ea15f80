//! What Alembic's operations change.
//! <https://alembic.sqlalchemy.org/en/latest/ops.html>

use super::calls::{Call, Code};
use super::changes::Changes;
use crate::facts::{Action, Migration, Operation};
use crate::readers::Text;
use std::ops::Range;

pub(super) fn operations(text: &Text<'_>, masked: &str, body: Range<usize>, migration: &mut Migration) {
    let code = Code::new(text.text, masked, body);
    let mut changes = Changes::new(text, &code);
    let mut batch = "";
    for call in &code.calls {
        let receiver = code.receiver(call);
        let name = code.name(call);
        if name == "batch_alter_table" {
            batch = changes.word(code.either(call, 0, "table_name"));
            continue;
        }
        let batched = receiver != "op" && !batch.is_empty() && receiver.contains("batch");
        match receiver {
            "op" | "" => {}
            _ if batched => {}
            _ => {
                of_program(&mut changes, call, name, receiver);
                continue;
            }
        }
        if receiver.is_empty() && !name.contains('_') {
            continue;
        }
        operation(&mut changes, call, name, if batched { Some(batch) } else { None });
    }
    changes.tell(migration);
}

/// A call on `op`, or on the table of a batch, where the table is no argument.
fn operation(changes: &mut Changes<'_, '_>, call: &Call, name: &str, batch: Option<&str>) {
    let code = changes.code;
    let shift = usize::from(batch.is_none());
    let table = batch.unwrap_or_else(|| changes.word(code.either(call, 0, "table_name"))).to_owned();
    // Constraints and indexes are named first.
    let second =
        batch.map_or_else(|| changes.word(code.either(call, 1, "table_name")).to_owned(), str::to_owned);
    let first = changes.word(code.argument(call, 0)).to_owned();
    match name {
        "create_table" => changes.add(call, Action::CreateTable, &table, ""),
        "drop_table" => changes.add(call, Action::DropTable, &table, ""),
        "rename_table" => {
            let to = changes.word(code.either(call, 1, "new_table_name")).to_owned();
            changes.add_named(call, Action::RenameTable, &first, "", &to);
        }
        "add_column" => {
            let (column, action) = column(changes, call);
            changes.add(call, action, &table, &column);
        }
        "drop_column" => {
            let column = changes.word(code.either(call, shift, "column_name")).to_owned();
            changes.add(call, Action::DropColumn, &table, &column);
        }
        "alter_column" => {
            let column = changes.word(code.either(call, shift, "column_name")).to_owned();
            alter_column(changes, call, &table, &column);
        }
        "create_index" => {
            let unique = changes.is(code.named(call, "unique"), "True");
            let apart = changes.is(code.named(call, "postgresql_concurrently"), "True");
            let action = match (unique, apart) {
                (true, _) => Action::AddUnique,
                (_, true) => Action::CreateIndexConcurrently,
                _ => Action::CreateIndex,
            };
            changes.add_named(call, action, &second, "", &first);
        }
        "drop_index" => changes.add_named(call, Action::DropIndex, &second, "", &first),
        "create_unique_constraint" => changes.add_named(call, Action::AddUnique, &second, "", &first),
        "create_check_constraint" => changes.add_named(call, Action::AddCheck, &second, "", &first),
        "create_primary_key" => changes.add_named(call, Action::AddPrimaryKey, &second, "", &first),
        "create_foreign_key" => {
            let late = changes.is(code.named(call, "postgresql_not_valid"), "True");
            let action = if late { Action::AddConstraintNotValid } else { Action::AddForeignKey };
            let table =
                batch.unwrap_or_else(|| changes.word(code.either(call, 1, "source_table"))).to_owned();
            let columns =
                code.either(call, 2 + shift, "local_cols").map_or(Vec::new(), |range| code.strings(range));
            changes.add_named(call, action, &table, columns.first().copied().unwrap_or(""), &first);
        }
        "create_exclude_constraint" => changes.add_named(call, Action::AddConstraint, &second, "", &first),
        "drop_constraint" => {
            let primary = changes.word(code.named(call, "type_")) == "primary";
            let action = if primary { Action::DropPrimaryKey } else { Action::DropConstraint };
            changes.add_named(call, action, &second, "", &first);
        }
        "execute" => changes.sql(call, code.either(call, 0, "sqltext")),
        "bulk_insert" => {
            let table = code.argument(call, 0).map(|range| code.masked[range].to_owned()).unwrap_or_default();
            changes.add(call, Action::Insert, &table, "");
        }
        "create_table_comment" | "drop_table_comment" => changes.add(call, Action::Other, &table, ""),
        _ => {}
    }
}

/// Code that talks to the database itself: `conn.execute(…)`, `session.query(…)`.
fn of_program(changes: &mut Changes<'_, '_>, call: &Call, name: &str, receiver: &str) {
    let code = changes.code;
    match name {
        "execute" | "exec_driver_sql" | "scalar" | "scalars" => {
            let argument = code.argument(call, 0);
            let written = argument.clone().map_or("", |range| &code.masked[range]);
            // `conn.execute(table.update().values(…))`
            let changes_rows = [".update(", ".insert(", ".delete(", "update(", "insert(", "delete("];
            if changes_rows.iter().any(|verb| written.contains(verb)) {
                changes.add(call, Action::DataCode, "", "");
            } else if written.contains(['"', '\'']) {
                let before = changes.found.len();
                changes.sql(call, argument);
                // What only reads changes nothing.
                let reads = |o: &Operation| o.action == Action::RunCode;
                if name != "execute"
                    || receiver.ends_with("query")
                    || changes.found[before..].iter().all(reads) && is_question(changes, call)
                {
                    changes.found.truncate(before);
                }
            }
        }
        "commit"
        | "add"
        | "add_all"
        | "bulk_insert_mappings"
        | "bulk_update_mappings"
        | "bulk_save_objects"
        | "merge"
        | "delete"
        | "update"
            if receiver.contains("session") =>
        {
            changes.add(call, Action::DataCode, "", "");
        }
        "create" if receiver.to_ascii_lowercase().contains("enum") => {
            changes.add(call, Action::CreateObject, "", "");
        }
        "drop" if receiver.to_ascii_lowercase().contains("enum") => {
            changes.add(call, Action::DropObject, "", "")
        }
        _ => {}
    }
}

/// Whether the SQL of a call only asks.
fn is_question(changes: &Changes<'_, '_>, call: &Call) -> bool {
    let code = changes.code;
    let inside = &code.text[call.brackets.clone()];
    let words = inside.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let words = words.strip_prefix("sa.").unwrap_or(words);
    let words = words.strip_prefix("text(").unwrap_or(words);
    let words = words.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    ["select", "show", "pragma", "with"]
        .iter()
        .any(|verb| words.get(..verb.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(verb)))
}

/// The column of `add_column`, and what adding it means.
fn column(changes: &Changes<'_, '_>, call: &Call) -> (String, Action) {
    let code = changes.code;
    let inner = code.calls.iter().filter(|c| {
        c.brackets.start > call.brackets.start
            && c.brackets.end < call.brackets.end
            && code.name(c) == "Column"
    });
    let Some(column) = inner.min_by_key(|c| c.name.start) else { return (String::new(), Action::AddColumn) };
    let name = changes.word(code.either(column, 0, "name")).to_owned();
    let demanded = changes.is(code.named(column, "nullable"), "False")
        || changes.is(code.named(column, "primary_key"), "True");
    let filled = ["server_default", "autoincrement"].iter().any(|key| code.named(column, key).is_some())
        || code.masked[column.brackets.clone()].contains("Computed(")
        || code.masked[column.brackets.clone()].contains("Identity(");
    let action = if demanded && !filled { Action::AddColumnNotNull } else { Action::AddColumn };
    (name, action)
}

fn alter_column(changes: &mut Changes<'_, '_>, call: &Call, table: &str, column: &str) {
    let code = changes.code;
    let before = changes.found.len();
    if let Some(to) = code.named(call, "new_column_name") {
        let to = changes.word(Some(to)).to_owned();
        changes.add_named(call, Action::RenameColumn, table, column, &to);
    }
    let nullable = code.named(call, "nullable");
    if changes.is(nullable.clone(), "False") {
        changes.add(call, Action::SetNotNull, table, column);
    } else if changes.is(nullable, "True") {
        changes.add(call, Action::DropNotNull, table, column);
    }
    if let Some(new) = code.named(call, "type_") {
        let old = code.named(call, "existing_type");
        let widens = old.is_some_and(|old| widens(&code.masked[old], &code.masked[new.clone()]));
        let action = if widens { Action::TypeWiden } else { Action::TypeChange };
        changes.add(call, action, table, column);
    }
    if let Some(default) = code.named(call, "server_default") {
        let none = changes.is(Some(default), "None");
        changes.add(call, if none { Action::DropDefault } else { Action::SetDefault }, table, column);
    }
    if changes.found.len() == before {
        changes.add(call, Action::Other, table, column);
    }
}

/// Whether a column type holds all that another holds, both as SQLAlchemy writes them.
fn widens(old: &str, new: &str) -> bool {
    let kind = |written: &str| {
        let name =
            written.split('(').next().unwrap_or("").rsplit('.').next().unwrap_or("").to_ascii_lowercase();
        let length: Option<u64> = written.split('(').nth(1).and_then(|rest| {
            let digits: String =
                rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        (name.trim().to_owned(), length)
    };
    let ((old, had), (new, has)) = (kind(old), kind(new));
    let text = |name: &str| matches!(name, "string" | "varchar" | "unicode" | "nvarchar");
    let long = |name: &str| matches!(name, "text" | "unicodetext" | "longtext");
    match (text(&old), text(&new)) {
        (true, true) => had.is_some_and(|had| has.is_none_or(|has| has >= had)),
        (true, false) => long(&new),
        _ => old == new && had == has,
    }
}
