//! What migrations in PHP change: Laravel, Phinx, Doctrine.
//! <https://laravel.com/docs/migrations>, <https://book.cakephp.org/phinx/0/en/migrations.html>,
//! <https://www.doctrine-project.org/projects/doctrine-migrations/en/stable/reference/migration-classes.html>

use super::calls::{Call, Code};
use super::changes::Changes;
use crate::facts::{Action, Migration, MigrationTool};
use crate::readers::Text;
use std::ops::Range;

pub(super) fn operations(text: &Text<'_>, masked: &str, body: Range<usize>, migration: &mut Migration) {
    let code = Code::new(text.text, masked, body);
    let mut changes = Changes::new(text, &code);
    for (number, call) in code.calls.iter().enumerate() {
        match migration.tool {
            MigrationTool::Phinx => phinx(&mut changes, number, call),
            MigrationTool::Doctrine => doctrine(&mut changes, call),
            _ => laravel(&mut changes, number, call),
        }
    }
    changes.tell(migration);
}

fn laravel(changes: &mut Changes<'_, '_>, number: usize, call: &Call) {
    let code = changes.code;
    let receiver = code.receiver(call);
    let first = changes.word(code.argument(call, 0)).to_owned();
    let second = changes.word(code.argument(call, 1)).to_owned();
    let name = code.name(call);
    let schema = receiver.ends_with("Schema") || code.name(&code.calls[call.head]) == "connection";
    match name {
        "create" if schema => return changes.add(call, Action::CreateTable, &first, ""),
        "drop" | "dropIfExists" if schema => return changes.add(call, Action::DropTable, &first, ""),
        "rename" if schema => return changes.add_named(call, Action::RenameTable, &first, "", &second),
        "dropColumns" if schema => return each(changes, call, 1, Action::DropColumn, &first),
        "statement" | "unprepared" if receiver.ends_with("DB") || call.head != number => {
            return changes.sql(call, code.argument(call, 0));
        }
        "insert" | "insertOrIgnore" | "insertGetId" => return rows(changes, number, Action::Insert),
        "updateOrInsert" | "upsert" | "updateOrCreate" => return rows(changes, number, Action::Merge),
        "update" | "increment" | "decrement" => return rows(changes, number, Action::Update),
        "delete" => return rows(changes, number, Action::Delete),
        "truncate" => return rows(changes, number, Action::Truncate),
        "save" | "saveQuietly" | "forceDelete" if call.arguments.is_empty() => {
            return changes.add(call, Action::DataCode, "", "");
        }
        "call" if receiver.ends_with("Artisan") => return changes.add(call, Action::RunCode, "", ""),
        _ => {}
    }
    let Some(around) = around(code, call) else { return };
    // Columns of a table that is being made need no look.
    if code.name(around) != "table" || call.head != number || !receiver.starts_with('$') {
        return;
    }
    let table = changes.word(code.argument(around, 0)).to_owned();
    match name {
        "dropColumn" | "removeColumn" => each(changes, call, 0, Action::DropColumn, &table),
        "dropTimestamps" | "dropTimestampsTz" => changes.add(call, Action::DropColumn, &table, "created_at"),
        "dropSoftDeletes" | "dropSoftDeletesTz" => {
            changes.add(call, Action::DropColumn, &table, "deleted_at")
        }
        "dropRememberToken" => changes.add(call, Action::DropColumn, &table, "remember_token"),
        "dropMorphs" => changes.add(call, Action::DropColumn, &table, &first),
        "dropConstrainedForeignId" => changes.add(call, Action::DropColumn, &table, &first),
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &table, &first, &second),
        "rename" => changes.add_named(call, Action::RenameTable, &table, "", &first),
        "unique" => changes.add(call, Action::AddUnique, &table, &first),
        "primary" => changes.add(call, Action::AddPrimaryKey, &table, &first),
        "index" | "fullText" | "spatialIndex" | "rawIndex" => {
            changes.add(call, Action::CreateIndex, &table, &first)
        }
        "foreign" => changes.add(call, Action::AddForeignKey, &table, &first),
        "dropForeign" | "dropUnique" => changes.add(call, Action::DropConstraint, &table, ""),
        "dropPrimary" => changes.add(call, Action::DropPrimaryKey, &table, ""),
        "dropIndex" | "dropFullText" | "dropSpatialIndex" => changes.add(call, Action::DropIndex, &table, ""),
        "renameIndex" | "engine" | "charset" | "collation" | "comment" => {}
        "timestamps" | "softDeletes" | "rememberToken" | "timestampsTz" | "nullableTimestamps"
        | "softDeletesTz" | "nullableMorphs" => {
            changes.add(call, Action::AddColumn, &table, "");
        }
        _ if first.is_empty() => {}
        _ => column(changes, call, &table, &first),
    }
}

/// `$table->string('name')->nullable()` and its like.
fn column(changes: &mut Changes<'_, '_>, call: &Call, table: &str, column: &str) {
    let code = changes.code;
    let chain: Vec<&str> = code.chained(call).take(20).map(|c| code.name(c)).collect();
    let optional = code
        .chained(call)
        .take(20)
        .any(|c| code.name(c) == "nullable" && !changes.is(code.argument(c, 0), "false"));
    let filled = chain
        .iter()
        .any(|name| matches!(*name, "default" | "useCurrent" | "storedAs" | "virtualAs" | "generatedAs"));
    let counts = code.name(call).ends_with("ncrements");
    let action = match (chain.contains(&"change"), optional || filled || counts) {
        (true, true) => Action::Other,
        (true, false) => Action::TypeChange,
        (false, true) => Action::AddColumn,
        (false, false) => Action::AddColumnNotNull,
    };
    changes.add(call, action, table, column);
    if chain.contains(&"unique") && !chain.contains(&"change") {
        changes.add(call, Action::AddUnique, table, column);
    }
}

/// The call of `Schema` in whose callback a call stands, through conditions and loops.
fn around<'c>(code: &'c Code<'_>, call: &Call) -> Option<&'c Call> {
    let mut at = call.within?;
    for _ in 0..6 {
        let around = &code.calls[at];
        if code.receiver(around).ends_with("Schema") || matches!(code.name(around), "create" | "table") {
            return Some(around);
        }
        at = around.within?;
    }
    None
}

fn each(changes: &mut Changes<'_, '_>, call: &Call, at: usize, action: Action, table: &str) {
    let code = changes.code;
    let arguments = call.arguments.iter().skip(at).flat_map(|range| code.strings(range.clone()));
    for name in arguments.collect::<Vec<_>>() {
        changes.add(call, action, table, name);
    }
}

/// A change of rows: `DB::table('users')->where(…)->update(…)`.
fn rows(changes: &mut Changes<'_, '_>, number: usize, action: Action) {
    let code = changes.code;
    let call = &code.calls[number];
    let head = &code.calls[call.head];
    let of_table = code.name(head) == "table" || code.chained(head).take(4).any(|c| code.name(c) == "table");
    let asks = std::iter::once(head).chain(code.chained(head)).take(20).any(|c| {
        code.name(c).to_ascii_lowercase().contains("where") || matches!(code.name(c), "find" | "findOrFail")
    });
    if !of_table {
        // A model's own method: `User::where(…)->update(…)`, `$user->delete()`.
        let receiver = code.receiver(head);
        let model = receiver.starts_with(|c: char| c.is_ascii_uppercase()) && !receiver.ends_with("Schema");
        if model && call.head != number || receiver.starts_with('$') && !receiver.starts_with("$table") {
            changes.add(call, Action::DataCode, "", "");
        }
        return;
    }
    let table = changes.word(code.argument(head, 0)).to_owned();
    let action = match action {
        Action::Update if !asks => Action::UpdateAll,
        Action::Delete if !asks => Action::DeleteAll,
        other => other,
    };
    changes.add(call, action, &table, "");
}

fn phinx(changes: &mut Changes<'_, '_>, number: usize, call: &Call) {
    let code = changes.code;
    let head = &code.calls[call.head];
    let first = changes.word(code.argument(call, 0)).to_owned();
    let second = changes.word(code.argument(call, 1)).to_owned();
    let on_table = code.name(head) == "table";
    let made = on_table && code.has(head, "create");
    let table = if on_table { changes.word(code.argument(head, 0)).to_owned() } else { String::new() };
    let option = |at: usize, key: &str| code.argument(call, at).and_then(|range| code.key(range, key));
    match code.name(call) {
        "execute" => changes.sql(call, code.argument(call, 0)),
        "query" => {}
        "table" if made && call.head == number => changes.add(call, Action::CreateTable, &table, ""),
        "dropTable" => changes.add(call, Action::DropTable, &first, ""),
        "drop" if on_table => changes.add(call, Action::DropTable, &table, ""),
        "rename" if on_table => changes.add_named(call, Action::RenameTable, &table, "", &first),
        "truncate" if on_table => changes.add(call, Action::Truncate, &table, ""),
        "insert" => changes.add(call, Action::Insert, &table, ""),
        _ if made => {}
        "addColumn" => {
            let demanded = changes.is(option(2, "null"), "false") && option(2, "default").is_none();
            changes.add(
                call,
                if demanded { Action::AddColumnNotNull } else { Action::AddColumn },
                &table,
                &first,
            );
        }
        "removeColumn" => changes.add(call, Action::DropColumn, &table, &first),
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &table, &first, &second),
        "changeColumn" => changes.add(call, Action::TypeChange, &table, &first),
        "addIndex" => {
            let unique = changes.is(option(1, "unique"), "true");
            changes.add(call, if unique { Action::AddUnique } else { Action::CreateIndex }, &table, &first);
        }
        "removeIndex" | "removeIndexByName" => changes.add(call, Action::DropIndex, &table, ""),
        "addForeignKey" => changes.add(call, Action::AddForeignKey, &table, &first),
        "dropForeignKey" => changes.add(call, Action::DropConstraint, &table, ""),
        "changePrimaryKey" => changes.add(call, Action::AddPrimaryKey, &table, &first),
        _ => {}
    }
}

fn doctrine(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let receiver = code.receiver(call).to_ascii_lowercase();
    let first = changes.word(code.argument(call, 0)).to_owned();
    let second = changes.word(code.argument(call, 1)).to_owned();
    let on_schema = receiver.ends_with("schema");
    let on_table = receiver.ends_with("table") || code.name(&code.calls[call.head]) == "getTable";
    match code.name(call) {
        "addSql" | "executeStatement" | "executeUpdate" | "exec" => changes.sql(call, code.argument(call, 0)),
        "createTable" if on_schema => changes.add(call, Action::CreateTable, &first, ""),
        "dropTable" if on_schema => changes.add(call, Action::DropTable, &first, ""),
        "renameTable" if on_schema => changes.add_named(call, Action::RenameTable, &first, "", &second),
        "addColumn" if on_table => {
            let option = |key: &str| code.argument(call, 2).and_then(|range| code.key(range, key));
            // Doctrine's columns are NOT NULL unless said otherwise.
            let optional = changes.is(option("notnull"), "false") || option("default").is_some();
            changes.add(
                call,
                if optional { Action::AddColumn } else { Action::AddColumnNotNull },
                "",
                &first,
            );
        }
        "dropColumn" if on_table => changes.add(call, Action::DropColumn, "", &first),
        "addIndex" if on_table => changes.add(call, Action::CreateIndex, "", &first),
        "addUniqueIndex" | "addUniqueConstraint" if on_table => {
            changes.add(call, Action::AddUnique, "", &first)
        }
        "addForeignKeyConstraint" if on_table => changes.add(call, Action::AddForeignKey, "", &first),
        "dropIndex" if on_table => changes.add_named(call, Action::DropIndex, "", "", &first),
        "removeForeignKey" if on_table => changes.add_named(call, Action::DropConstraint, "", "", &first),
        _ => {}
    }
}
