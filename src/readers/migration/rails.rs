//! What Rails' migrations change.
//! <https://api.rubyonrails.org/classes/ActiveRecord/ConnectionAdapters/SchemaStatements.html>

use super::calls::{Call, Code, commands};
use super::changes::Changes;
use super::ruby::Masked;
use crate::facts::Action;
use std::ops::Range;

/// Calls that say nothing about a table by themselves.
fn is_command(name: &str) -> bool {
    matches!(
        name,
        "create_table"
            | "create_join_table"
            | "drop_table"
            | "drop_join_table"
            | "rename_table"
            | "change_table"
            | "add_column"
            | "add_columns"
            | "remove_column"
            | "remove_columns"
            | "rename_column"
            | "change_column"
            | "change_column_null"
            | "change_column_default"
            | "add_index"
            | "add_concurrent_index"
            | "remove_index"
            | "add_reference"
            | "add_belongs_to"
            | "remove_reference"
            | "remove_belongs_to"
            | "add_foreign_key"
            | "add_concurrent_foreign_key"
            | "remove_foreign_key"
            | "validate_foreign_key"
            | "add_check_constraint"
            | "remove_check_constraint"
            | "validate_check_constraint"
            | "add_unique_constraint"
            | "add_exclusion_constraint"
            | "remove_unique_constraint"
            | "add_timestamps"
            | "remove_timestamps"
            | "create_enum"
            | "drop_enum"
            | "add_enum_value"
            | "rename_enum_value"
            | "enable_extension"
            | "disable_extension"
            | "create_view"
            | "update_view"
            | "replace_view"
            | "drop_view"
            | "create_function"
            | "update_function"
            | "create_trigger"
            | "execute"
            | "update_all"
            | "delete_all"
            | "destroy_all"
            | "update_column"
            | "update_columns"
            | "update!"
            | "save!"
            | "create!"
            | "find_or_create_by!"
            | "find_or_create_by"
            | "insert_all"
            | "insert_all!"
            | "upsert_all"
            | "destroy!"
            | "find_each"
            | "in_batches"
    )
}

/// Commands of the forward half. What `dir.down` holds belongs to the other.
pub(super) fn operations(changes: &mut Changes<'_, '_>, masked: &Masked, blocks: &[Range<usize>]) {
    let code = changes.code;
    for call in &code.calls {
        if blocks.iter().any(|block| block.contains(&call.name.start)) {
            continue;
        }
        operation(changes, call, masked);
    }
}

/// The commands of a body.
pub(super) fn calls(masked: &str, body: Range<usize>) -> Vec<Call> {
    commands(masked, body, &is_command)
}

fn operation(changes: &mut Changes<'_, '_>, call: &Call, masked: &Masked) {
    let code = changes.code;
    let word = |at: usize| changes.word(code.argument(call, at)).to_owned();
    let says = |key: &str, value: &str| changes.is(code.named(call, key), value);
    let (table, second, third) = (word(0), word(1), word(2));
    let first_of = |at: usize| {
        let names = code.argument(call, at).map_or(Vec::new(), |range| code.strings(range));
        names.first().copied().unwrap_or("").to_owned()
    };
    match code.name(call) {
        "create_table" | "create_join_table" => changes.add(call, Action::CreateTable, &table, ""),
        "drop_table" | "drop_join_table" => changes.add(call, Action::DropTable, &table, ""),
        "rename_table" => changes.add_named(call, Action::RenameTable, &table, "", &second),
        "change_table" => change_table(changes, call, &table),
        "add_column" | "add_columns" => {
            let demanded = says("null", "false") && code.named(call, "default").is_none();
            changes.add(
                call,
                if demanded { Action::AddColumnNotNull } else { Action::AddColumn },
                &table,
                &second,
            );
        }
        "remove_column" => changes.add(call, Action::DropColumn, &table, &second),
        "remove_columns" => {
            let names: Vec<String> =
                (1..call.arguments.len()).map(word).filter(|name| !name.is_empty()).collect();
            for name in names {
                changes.add(call, Action::DropColumn, &table, &name);
            }
        }
        "remove_timestamps" => changes.add(call, Action::DropColumn, &table, "created_at"),
        "rename_column" => changes.add_named(call, Action::RenameColumn, &table, &second, &third),
        "change_column" => changes.add(call, Action::TypeChange, &table, &second),
        "change_column_null" => {
            let forbids = changes.is(code.argument(call, 2), "false");
            changes.add(
                call,
                if forbids { Action::SetNotNull } else { Action::DropNotNull },
                &table,
                &second,
            );
        }
        "change_column_default" => {
            let none = changes.is(code.argument(call, 2), "nil") || says("to", "nil");
            changes.add(call, if none { Action::DropDefault } else { Action::SetDefault }, &table, &second);
        }
        "add_index" | "add_concurrent_index" => {
            let apart = says("algorithm", ":concurrently") || code.name(call) == "add_concurrent_index";
            let action = match (says("unique", "true"), apart) {
                (true, _) => Action::AddUnique,
                (_, true) => Action::CreateIndexConcurrently,
                _ => Action::CreateIndex,
            };
            changes.add(call, action, &table, &first_of(1));
        }
        "remove_index" => changes.add(call, Action::DropIndex, &table, &first_of(1)),
        "add_reference" | "add_belongs_to" => {
            let demanded = says("null", "false") && code.named(call, "default").is_none();
            let column = format!("{second}_id");
            changes.add(
                call,
                if demanded { Action::AddColumnNotNull } else { Action::AddColumn },
                &table,
                &column,
            );
        }
        "remove_reference" | "remove_belongs_to" => {
            changes.add(call, Action::DropColumn, &table, &format!("{second}_id"));
        }
        "add_foreign_key" => {
            let late = says("validate", "false");
            changes.add(
                call,
                if late { Action::AddConstraintNotValid } else { Action::AddForeignKey },
                &table,
                "",
            );
        }
        "add_concurrent_foreign_key" => changes.add(call, Action::AddConstraintNotValid, &table, ""),
        "add_check_constraint" => {
            let late = says("validate", "false");
            changes.add(
                call,
                if late { Action::AddConstraintNotValid } else { Action::AddCheck },
                &table,
                "",
            );
        }
        "validate_foreign_key" | "validate_check_constraint" => {
            changes.add(call, Action::ValidateConstraint, &table, "");
        }
        "remove_foreign_key" | "remove_check_constraint" | "remove_unique_constraint" => {
            changes.add(call, Action::DropConstraint, &table, "");
        }
        "add_unique_constraint" => changes.add(call, Action::AddUnique, &table, &first_of(1)),
        "add_exclusion_constraint" => changes.add(call, Action::AddConstraint, &table, ""),
        "add_timestamps" => {
            // They are NOT NULL unless said otherwise.
            let optional = says("null", "true") || code.named(call, "default").is_some();
            changes.add(
                call,
                if optional { Action::AddColumn } else { Action::AddColumnNotNull },
                &table,
                "created_at",
            );
        }
        "create_enum" | "enable_extension" => changes.add(call, Action::CreateObject, &table, ""),
        "drop_enum" | "disable_extension" => changes.add(call, Action::DropObject, &table, ""),
        "add_enum_value" => changes.add(call, Action::EnumAddition, &table, ""),
        "rename_enum_value" => changes.add(call, Action::EnumRemoval, &table, ""),
        "create_view" | "update_view" | "replace_view" => changes.add(call, Action::CreateView, &table, ""),
        "drop_view" => changes.add(call, Action::DropView, &table, ""),
        "create_function" | "update_function" | "create_trigger" => {
            changes.add(call, Action::CreateRoutine, &table, "");
        }
        "execute" => execute(changes, call, masked),
        "find_each" | "in_batches" if !code.receiver(call).is_empty() => {}
        _ if code.receiver(call).is_empty() => {}
        _ => changes.add(call, Action::DataCode, "", ""),
    }
}

/// SQL in a string or in a here-document, whose text begins on the next line.
fn execute(changes: &mut Changes<'_, '_>, call: &Call, masked: &Masked) {
    let here = masked.documents.iter().find(|(at, _)| call.brackets.contains(at));
    match here {
        Some((_, body)) => changes.sql_at(call, std::slice::from_ref(body)),
        None => changes.sql(call, changes.code.argument(call, 0)),
    }
}

/// `change_table :users do |t|`, whose lines are indented below it.
fn change_table(changes: &mut Changes<'_, '_>, call: &Call, table: &str) {
    let code = changes.code;
    let masked = code.masked;
    let rest = &masked[call.brackets.end..];
    let head = rest.lines().next().unwrap_or("");
    let Some(variable) = head.split('|').nth(1).map(str::trim).filter(|v| !v.is_empty()) else { return };
    let start = masked[..call.name.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = call.name.start - start;
    let mut at = call.brackets.end + head.len();
    let mut end = at;
    for line in masked[at..].split_inclusive('\n') {
        let inner = line.trim_start();
        if !inner.is_empty() && line.len() - inner.len() <= indent {
            break;
        }
        end += line.len();
    }
    at = at.min(end);
    let methods = commands(masked, at..end, &|_| true);
    for method in methods.iter().filter(|m| code.receiver(m) == variable) {
        column(changes, method, table);
    }
}

fn column(changes: &mut Changes<'_, '_>, call: &Call, table: &str) {
    let code = changes.code;
    let says = |key: &str, value: &str| changes.is(code.named(call, key), value);
    let names: Vec<&str> =
        call.arguments.iter().filter_map(|range| code.strings(range.clone()).first().copied()).collect();
    let first = names.first().copied().unwrap_or("");
    match code.name(call) {
        "remove" | "remove_references" | "remove_belongs_to" => {
            for name in &names {
                changes.add(call, Action::DropColumn, table, name);
            }
        }
        "remove_timestamps" => changes.add(call, Action::DropColumn, table, "created_at"),
        "rename" => {
            changes.add_named(call, Action::RenameColumn, table, first, names.get(1).copied().unwrap_or(""));
        }
        "change" => changes.add(call, Action::TypeChange, table, first),
        "change_default" => changes.add(call, Action::SetDefault, table, first),
        "change_null" => {
            let forbids = changes.is(code.argument(call, 1), "false");
            changes.add(call, if forbids { Action::SetNotNull } else { Action::DropNotNull }, table, first);
        }
        "index" => {
            let action = if says("unique", "true") { Action::AddUnique } else { Action::CreateIndex };
            changes.add(call, action, table, first);
        }
        "remove_index" => changes.add(call, Action::DropIndex, table, first),
        "foreign_key" => changes.add(call, Action::AddForeignKey, table, ""),
        "remove_foreign_key" => changes.add(call, Action::DropConstraint, table, ""),
        "timestamps" => changes.add(call, Action::AddColumn, table, "created_at"),
        _ if first.is_empty() => {}
        _ => {
            let demanded = says("null", "false") && code.named(call, "default").is_none();
            changes.add(
                call,
                if demanded { Action::AddColumnNotNull } else { Action::AddColumn },
                table,
                first,
            );
        }
    }
}

/// Whether a statement of `change` has no reverse that Rails could derive.
pub(super) fn is_irreversible(code: &Code<'_>, call: &Call) -> bool {
    let named = |key: &str| code.named(call, key).is_some();
    let positional = call.arguments.iter().filter(|range| {
        let written = code.masked[(*range).clone()].trim();
        written.starts_with(':') || written.starts_with(['"', '\''])
    });
    let block = code.masked[call.brackets.end..].trim_start_matches(' ');
    match code.name(call) {
        "execute" | "change_column" => true,
        "change_column_default" => !named("from"),
        "drop_table" => !block.starts_with("do") && !block.starts_with('{'),
        "remove_column" => positional.count() < 3 && !named("type"),
        "remove_columns" => !named("type"),
        "remove_index" => positional.count() < 2 && !named("column"),
        _ => false,
    }
}
