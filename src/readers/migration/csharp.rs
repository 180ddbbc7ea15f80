//! What migrations of Entity Framework change.
//! <https://learn.microsoft.com/en-us/dotnet/api/microsoft.entityframeworkcore.migrations.migrationbuilder>

use super::calls::{Call, Code};
use super::changes::Changes;
use crate::facts::{Action, Migration};
use crate::readers::Text;
use std::ops::Range;

pub(super) fn operations(text: &Text<'_>, masked: &str, body: Range<usize>, migration: &mut Migration) {
    let code = Code::new(text.text, masked, body);
    let mut changes = Changes::new(text, &code);
    for call in code.calls.iter().filter(|call| !code.receiver(call).is_empty()) {
        operation(&mut changes, call);
    }
    changes.tell(migration);
}

fn operation(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let word = |at: usize, key: &str| changes.word(code.either(call, at, key)).to_owned();
    let says = |key: &str, value: &str| changes.is(code.named(call, key), value);
    let (name, table) = (word(0, "name"), word(1, "table"));
    match code.name(call) {
        "CreateTable" => changes.add(call, Action::CreateTable, &name, ""),
        "DropTable" => changes.add(call, Action::DropTable, &name, ""),
        "RenameTable" => {
            let to = changes.word(code.named(call, "newName")).to_owned();
            changes.add_named(call, Action::RenameTable, &name, "", &to);
        }
        "AddColumn" => {
            let filled = ["defaultValue", "defaultValueSql", "computedColumnSql"]
                .iter()
                .any(|key| code.named(call, key).is_some());
            // Not said to be nullable, a column is not.
            let optional = says("nullable", "true");
            let action = if optional || filled { Action::AddColumn } else { Action::AddColumnNotNull };
            changes.add(call, action, &table, &name);
        }
        "DropColumn" => changes.add(call, Action::DropColumn, &table, &name),
        "RenameColumn" => {
            let to = changes.word(code.either(call, 2, "newName")).to_owned();
            changes.add_named(call, Action::RenameColumn, &table, &name, &to);
        }
        "AlterColumn" => alter(changes, call, &table, &name),
        "CreateIndex" => {
            let unique = says("unique", "true");
            changes.add_named(
                call,
                if unique { Action::AddUnique } else { Action::CreateIndex },
                &table,
                "",
                &name,
            );
        }
        "DropIndex" => changes.add_named(call, Action::DropIndex, &table, "", &name),
        "AddForeignKey" => {
            let column = word(2, "column");
            changes.add_named(call, Action::AddForeignKey, &table, &column, &name);
        }
        "AddUniqueConstraint" => changes.add_named(call, Action::AddUnique, &table, "", &name),
        "AddCheckConstraint" => changes.add_named(call, Action::AddCheck, &table, "", &name),
        "AddPrimaryKey" => changes.add_named(call, Action::AddPrimaryKey, &table, "", &name),
        "DropPrimaryKey" => changes.add_named(call, Action::DropPrimaryKey, &table, "", &name),
        "DropForeignKey" | "DropUniqueConstraint" | "DropCheckConstraint" => {
            changes.add_named(call, Action::DropConstraint, &table, "", &name);
        }
        "InsertData" => changes.add(call, Action::Insert, &word(0, "table"), ""),
        "UpdateData" => changes.add(call, Action::Update, &word(0, "table"), ""),
        "DeleteData" => changes.add(call, Action::Delete, &word(0, "table"), ""),
        "Sql" => changes.sql(call, code.either(call, 0, "sql")),
        "SqlResource" => changes.add(call, Action::RunCode, "", ""),
        "EnsureSchema" | "CreateSequence" => changes.add(call, Action::CreateObject, &name, ""),
        "DropSequence" => changes.add(call, Action::DropObject, &name, ""),
        "DropSchema" => changes.add(call, Action::DropSchema, &name, ""),
        "AlterTable" | "AlterDatabase" | "AlterSequence" | "RenameIndex" | "RestartSequence" => {
            changes.add(call, Action::Other, &name, "");
        }
        _ => {}
    }
}

/// EF writes the column as it was beside what it becomes.
fn alter(changes: &mut Changes<'_, '_>, call: &Call, table: &str, column: &str) {
    let code = changes.code;
    let before = changes.found.len();
    let written = |key: &str| code.named(call, key).map_or("", |range| &code.text[range]);
    let flag = |key: &str| written(key).trim() == "true";
    if flag("oldNullable") && !flag("nullable") {
        changes.add(call, Action::SetNotNull, table, column);
    } else if flag("nullable") && !flag("oldNullable") {
        changes.add(call, Action::DropNotNull, table, column);
    }
    let length = |key: &str| written(key).trim().parse::<u64>().ok();
    let type_arguments = &code.text[call.name.end..call.brackets.start];
    let (new, old) = (written("type"), written("oldType"));
    // `maxLength` is left out where there is none; `oldMaxLength` likewise.
    let narrower = match (length("maxLength"), length("oldMaxLength")) {
        (Some(new), Some(old)) => new < old,
        (Some(_), None) => !old.is_empty() || code.named(call, "oldClrType").is_some(),
        _ => false,
    };
    let other = code.named(call, "oldClrType").is_some_and(|range| {
        let was = code.text[range].trim_start_matches("typeof(").trim_end_matches(')').trim();
        let is = type_arguments.trim_matches(['<', '>', ' ']);
        was.trim_end_matches('?') != is.trim_end_matches('?')
    });
    let retyped = !new.is_empty() && !old.is_empty() && base(new) != base(old);
    if narrower || other || retyped {
        changes.add(call, Action::TypeChange, table, column);
    } else if length("maxLength") > length("oldMaxLength") {
        changes.add(call, Action::TypeWiden, table, column);
    }
    if changes.found.len() == before {
        changes.add(call, Action::Other, table, column);
    }
}

/// `"character varying(50)"` is `character varying`.
fn base(kind: &str) -> &str {
    kind.trim_matches(['"', ' ']).split('(').next().unwrap_or("").trim()
}
