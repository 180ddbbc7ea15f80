//! What migrations in JavaScript and TypeScript change: Knex, Sequelize, TypeORM, node-pg-migrate.
//! <https://knexjs.org/guide/schema-builder.html>, <https://sequelize.org/api/v6/class/src/dialects/abstract/query-interface.js~queryinterface>,
//! <https://typeorm.io/docs/migrations/api>, <https://salsita.github.io/node-pg-migrate/migrations/>

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
            MigrationTool::Sequelize => sequelize(&mut changes, call),
            MigrationTool::Typeorm | MigrationTool::MikroOrm => typeorm(&mut changes, call),
            MigrationTool::NodePgMigrate => node_pg(&mut changes, call),
            _ => knex(&mut changes, number, call),
        }
    }
    changes.tell(migration);
}

/// Whether an options object among the arguments says this.
fn says(changes: &Changes<'_, '_>, call: &Call, key: &str, value: &str) -> bool {
    let code = changes.code;
    call.arguments.iter().any(|argument| changes.is(code.key(argument.clone(), key), value))
}

/// Names of tables of the changes by which a callback is called: `knex.schema.alterTable('users', (table) => …)`.
fn knex(changes: &mut Changes<'_, '_>, number: usize, call: &Call) {
    let code = changes.code;
    let first = changes.word(code.argument(call, 0)).to_owned();
    let second = changes.word(code.argument(call, 1)).to_owned();
    match code.name(call) {
        "createTable" | "createTableIfNotExists" | "createTableLike" => {
            return changes.add(call, Action::CreateTable, &first, "");
        }
        "dropTable" | "dropTableIfExists" => return changes.add(call, Action::DropTable, &first, ""),
        "renameTable" => return changes.add_named(call, Action::RenameTable, &first, "", &second),
        "createView" | "createViewOrReplace" | "createMaterializedView" => {
            return changes.add(call, Action::CreateView, &first, "");
        }
        "dropView" | "dropViewIfExists" | "dropMaterializedView" => {
            return changes.add(call, Action::DropView, &first, "");
        }
        "createSchema" | "createSchemaIfNotExists" | "createExtension" | "createExtensionIfNotExists" => {
            return changes.add(call, Action::CreateObject, &first, "");
        }
        "dropSchema" | "dropSchemaIfExists" => return changes.add(call, Action::DropSchema, &first, ""),
        "raw" => {
            // Inside of another statement it is an expression.
            let builder = |c: &Call| {
                matches!(
                    code.name(c),
                    "defaultTo" | "where" | "whereRaw" | "select" | "update" | "insert" | "onUpdate"
                )
            };
            if !call.within.is_some_and(|around| builder(&code.calls[around])) {
                changes.sql(call, code.argument(call, 0));
            }
            return;
        }
        "insert" | "batchInsert" => return rows(changes, number, Action::Insert),
        "update" | "increment" | "decrement" => return rows(changes, number, Action::Update),
        "del" | "delete" => return rows(changes, number, Action::Delete),
        "truncate" => return rows(changes, number, Action::Truncate),
        _ => {}
    }
    // What is called on the table inside of the callback.
    let Some(around) = call.within.map(|around| &code.calls[around]) else { return };
    let made = match code.name(around) {
        "createTable" | "createTableIfNotExists" => true,
        "alterTable" | "table" => false,
        _ => return,
    };
    if call.head != number || made {
        return;
    }
    let table = changes.word(code.argument(around, 0)).to_owned();
    let column = |changes: &mut Changes<'_, '_>, action| {
        let names = call.arguments.iter().flat_map(|range| code.strings(range.clone()));
        for name in names.collect::<Vec<_>>() {
            changes.add(call, action, &table, name);
        }
    };
    match code.name(call) {
        "dropColumn" | "dropColumns" => column(changes, Action::DropColumn),
        "dropTimestamps" => changes.add(call, Action::DropColumn, &table, "created_at"),
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &table, &first, &second),
        "unique" => changes.add(call, Action::AddUnique, &table, &first),
        "primary" => changes.add(call, Action::AddPrimaryKey, &table, &first),
        "index" => changes.add(call, Action::CreateIndex, &table, &first),
        "foreign" => changes.add(call, Action::AddForeignKey, &table, &first),
        "dropForeign" | "dropUnique" | "dropChecks" => {
            changes.add(call, Action::DropConstraint, &table, &first)
        }
        "dropPrimary" => changes.add(call, Action::DropPrimaryKey, &table, ""),
        "dropIndex" => changes.add(call, Action::DropIndex, &table, &first),
        "setNullable" => changes.add(call, Action::DropNotNull, &table, &first),
        "dropNullable" => changes.add(call, Action::SetNotNull, &table, &first),
        "check" | "checkPositive" | "checkIn" => changes.add(call, Action::AddCheck, &table, ""),
        "timestamps" => changes.add(call, Action::AddColumn, &table, "created_at"),
        "comment" | "engine" | "charset" | "collate" | "inherits" => {}
        // `table.string('name')` and its like.
        _ if first.is_empty() => {}
        _ => {
            let (demanded, filled) = (code.has(call, "notNullable"), code.has(call, "defaultTo"));
            let action = match (code.has(call, "alter"), demanded, filled) {
                (true, true, _) => Action::SetNotNull,
                (true, false, _) => Action::TypeChange,
                (false, true, false) => Action::AddColumnNotNull,
                _ => Action::AddColumn,
            };
            changes.add(call, action, &table, &first);
            if code.has(call, "unique") && action != Action::TypeChange {
                changes.add(call, Action::AddUnique, &table, &first);
            }
        }
    }
}

/// A change of rows: `knex('users').where(…).update(…)`. The table stands in the first call of the chain.
fn rows(changes: &mut Changes<'_, '_>, number: usize, action: Action) {
    let code = changes.code;
    let call = &code.calls[number];
    let head = &code.calls[call.head];
    let names = |c: &Call| matches!(code.name(c), "from" | "into" | "table");
    let table = std::iter::once(head).chain(code.chained(head)).take(8).find(|c| names(c)).unwrap_or(head);
    let asks = code.chained(head).take(20).any(|c| code.name(c).to_ascii_lowercase().contains("where"));
    let table = changes.word(code.argument(table, 0)).to_owned();
    if table.is_empty() && call.head == number {
        return;
    }
    let action = match action {
        Action::Update if !asks => Action::UpdateAll,
        Action::Delete if !asks => Action::DeleteAll,
        other => other,
    };
    changes.add(call, action, &table, "");
}

fn sequelize(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let first = changes.word(code.argument(call, 0)).to_owned();
    let second = changes.word(code.argument(call, 1)).to_owned();
    let third = changes.word(code.argument(call, 2)).to_owned();
    let options = code.argument(call, 2);
    let option = |key: &str| options.clone().and_then(|range| code.key(range, key));
    match code.name(call) {
        "createTable" => changes.add(call, Action::CreateTable, &first, ""),
        "dropTable" => changes.add(call, Action::DropTable, &first, ""),
        "dropAllTables" | "dropSchema" | "dropDatabase" => changes.add(call, Action::DropSchema, &first, ""),
        "renameTable" => changes.add_named(call, Action::RenameTable, &first, "", &second),
        "addColumn" => {
            let demanded = changes.is(option("allowNull"), "false") && option("defaultValue").is_none();
            changes.add(
                call,
                if demanded { Action::AddColumnNotNull } else { Action::AddColumn },
                &first,
                &second,
            );
            if changes.is(option("unique"), "true") {
                changes.add(call, Action::AddUnique, &first, &second);
            }
        }
        "removeColumn" => changes.add(call, Action::DropColumn, &first, &second),
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &first, &second, &third),
        // The type must be said even if another thing changes.
        "changeColumn" => {
            let demanded = changes.is(option("allowNull"), "false");
            changes.add(call, if demanded { Action::SetNotNull } else { Action::Other }, &first, &second);
        }
        "addIndex" => {
            let unique = says(changes, call, "unique", "true") || says(changes, call, "type", "'UNIQUE'");
            let apart = says(changes, call, "concurrently", "true");
            changes.add(call, index(unique, apart), &first, "");
        }
        "removeIndex" => changes.add_named(call, Action::DropIndex, &first, "", &second),
        "addConstraint" => {
            let written = call.arguments.iter().find_map(|argument| code.key(argument.clone(), "type"));
            let action = match changes.word(written).to_ascii_lowercase().as_str() {
                "unique" => Action::AddUnique,
                "check" => Action::AddCheck,
                "foreign key" => Action::AddForeignKey,
                "primary key" => Action::AddPrimaryKey,
                _ => Action::AddConstraint,
            };
            changes.add(call, action, &first, "");
        }
        "removeConstraint" => changes.add_named(call, Action::DropConstraint, &first, "", &second),
        "bulkInsert" | "insert" => changes.add(call, Action::Insert, &first, ""),
        "bulkUpdate" => {
            let asks = code.argument(call, 2).is_some_and(|range| code.masked[range].trim() != "{}");
            changes.add(call, if asks { Action::Update } else { Action::UpdateAll }, &first, "");
        }
        "bulkDelete" => {
            let asks = code
                .argument(call, 1)
                .is_some_and(|range| !matches!(code.masked[range].trim(), "{}" | "null"));
            changes.add(call, if asks { Action::Delete } else { Action::DeleteAll }, &first, "");
        }
        "query" if code.receiver(call).ends_with("equelize") => question_or_sql(changes, call),
        _ => {}
    }
}

fn typeorm(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let word = |changes: &Changes<'_, '_>, at: usize| changes.word(code.argument(call, at)).to_owned();
    let (first, second, third) = (word(changes, 0), word(changes, 1), word(changes, 2));
    let inner = code.argument(call, 1);
    let option = |at: usize, key: &str| {
        let argument = code.argument(call, at)?;
        let open = argument.start + code.masked[argument.clone()].find('{')?;
        code.key(open..argument.end, key)
    };
    match code.name(call) {
        "query" | "runQuery" | "addSql" | "execute" => question_or_sql(changes, call),
        "createTable" => {
            let name = option(0, "name").map_or(first.clone(), |range| changes.word(Some(range)).to_owned());
            changes.add(call, Action::CreateTable, &name, "");
        }
        "dropTable" => changes.add(call, Action::DropTable, &first, ""),
        "renameTable" => changes.add_named(call, Action::RenameTable, &first, "", &second),
        "addColumn" | "addColumns" => {
            let written = inner.map_or("", |range| &code.masked[range]);
            let demanded = written.contains("isNullable: false") || written.contains(".notNull");
            let filled = ["default", "isGenerated", "asExpression"].iter().any(|key| written.contains(key));
            let name = option(1, "name").map_or(String::new(), |range| changes.word(Some(range)).to_owned());
            let action = if demanded && !filled { Action::AddColumnNotNull } else { Action::AddColumn };
            changes.add(call, action, &first, &name);
        }
        "dropColumn" | "dropColumns" => {
            let names = inner.map_or(Vec::new(), |range| code.strings(range));
            for name in if names.is_empty() { vec![""] } else { names } {
                changes.add(call, Action::DropColumn, &first, name);
            }
        }
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &first, &second, &third),
        "changeColumn" | "changeColumns" => changes.add(call, Action::TypeChange, &first, &second),
        "addNotNull" => changes.add(call, Action::SetNotNull, &first, &second),
        "dropNotNull" => changes.add(call, Action::DropNotNull, &first, &second),
        "createIndex" | "createIndices" => {
            let written = inner.map_or("", |range| &code.masked[range]);
            let unique = written.contains("isUnique: true") || changes.is(code.argument(call, 2), "true");
            changes.add(call, index(unique, false), &first, "");
        }
        "dropIndex" | "dropIndices" => changes.add_named(call, Action::DropIndex, &first, "", &second),
        "createForeignKey" | "createForeignKeys" | "addForeignKey" => {
            changes.add(call, Action::AddForeignKey, &first, "");
        }
        "createUniqueConstraint" => changes.add(call, Action::AddUnique, &first, ""),
        "createCheckConstraint" => changes.add(call, Action::AddCheck, &first, ""),
        "createPrimaryKey" => changes.add(call, Action::AddPrimaryKey, &first, ""),
        "dropPrimaryKey" => changes.add(call, Action::DropPrimaryKey, &first, ""),
        "dropForeignKey" | "dropUniqueConstraint" | "dropCheckConstraint" => {
            changes.add_named(call, Action::DropConstraint, &first, "", &second);
        }
        "clearTable" => changes.add(call, Action::Truncate, &first, ""),
        "clearDatabase" | "dropSchema" | "dropDatabase" => changes.add(call, Action::DropSchema, &first, ""),
        _ => {}
    }
}

fn node_pg(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let word = |changes: &Changes<'_, '_>, at: usize| {
        let argument = code.argument(call, at);
        let named = argument.clone().and_then(|range| code.key(range, "name"));
        changes.word(named.or(argument)).to_owned()
    };
    let (first, second, third) = (word(changes, 0), word(changes, 1), word(changes, 2));
    match code.name(call) {
        "sql" | "query" => question_or_sql(changes, call),
        "createTable" => changes.add(call, Action::CreateTable, &first, ""),
        "dropTable" => changes.add(call, Action::DropTable, &first, ""),
        "renameTable" => changes.add_named(call, Action::RenameTable, &first, "", &second),
        "addColumn" | "addColumns" => {
            let columns = code.argument(call, 1).and_then(|range| code.inside(range));
            let parts = columns.map_or(Vec::new(), |range| super::calls::split(code.masked, range));
            for part in parts {
                let written = &code.masked[part.clone()];
                let name = written.split(':').next().unwrap_or("").trim().to_owned();
                let options = &written[name.len().min(written.len())..];
                let demanded = options.contains("notNull: true") && !options.contains("default");
                let action = if demanded { Action::AddColumnNotNull } else { Action::AddColumn };
                changes.add(call, action, &first, &name);
            }
        }
        "dropColumn" | "dropColumns" => {
            let names = code.argument(call, 1).map_or(Vec::new(), |range| code.strings(range));
            for name in if names.is_empty() { vec![""] } else { names } {
                changes.add(call, Action::DropColumn, &first, name);
            }
        }
        "renameColumn" => changes.add_named(call, Action::RenameColumn, &first, &second, &third),
        "alterColumn" => {
            let option = |key: &str| code.argument(call, 2).and_then(|range| code.key(range, key));
            let before = changes.found.len();
            match option("notNull") {
                Some(range) if changes.is(Some(range.clone()), "true") => {
                    changes.add(call, Action::SetNotNull, &first, &second);
                }
                Some(_) => changes.add(call, Action::DropNotNull, &first, &second),
                None => {}
            }
            if option("type").is_some() {
                changes.add(call, Action::TypeChange, &first, &second);
            }
            if changes.found.len() == before {
                changes.add(call, Action::SetDefault, &first, &second);
            }
        }
        "createIndex" | "addIndex" => {
            let action =
                index(says(changes, call, "unique", "true"), says(changes, call, "concurrently", "true"));
            changes.add(call, action, &first, "");
        }
        "dropIndex" => changes.add(call, Action::DropIndex, &first, ""),
        "addConstraint" | "createConstraint" => {
            let written = code.argument(call, 2).map_or("", |range| &code.text[range]).to_ascii_lowercase();
            let action = if written.contains("foreign") {
                Action::AddForeignKey
            } else if written.contains("unique") {
                Action::AddUnique
            } else if written.contains("primary") {
                Action::AddPrimaryKey
            } else if written.contains("check") {
                Action::AddCheck
            } else {
                Action::AddConstraint
            };
            changes.add_named(call, action, &first, "", &second);
        }
        "dropConstraint" => changes.add_named(call, Action::DropConstraint, &first, "", &second),
        "addTypeValue" => changes.add(call, Action::EnumAddition, &first, ""),
        "renameTypeValue" => changes.add(call, Action::EnumRemoval, &first, ""),
        "createType" | "createExtension" | "createSchema" | "createSequence" | "createDomain" => {
            changes.add(call, Action::CreateObject, &first, "");
        }
        "dropType" | "dropExtension" | "dropSequence" | "dropTrigger" | "dropDomain" => {
            changes.add(call, Action::DropObject, &first, "");
        }
        "dropSchema" => changes.add(call, Action::DropSchema, &first, ""),
        "createView" | "createMaterializedView" => changes.add(call, Action::CreateView, &first, ""),
        "dropView" | "dropMaterializedView" => changes.add(call, Action::DropView, &first, ""),
        "createFunction" | "createTrigger" => changes.add(call, Action::CreateRoutine, &first, ""),
        "dropFunction" => changes.add(call, Action::DropRoutine, &first, ""),
        _ => {}
    }
}

fn index(unique: bool, apart: bool) -> Action {
    match (unique, apart) {
        (true, _) => Action::AddUnique,
        (_, true) => Action::CreateIndexConcurrently,
        _ => Action::CreateIndex,
    }
}

/// SQL that is run, unless it only asks.
fn question_or_sql(changes: &mut Changes<'_, '_>, call: &Call) {
    let argument = changes.code.argument(call, 0);
    let asks = argument.clone().is_some_and(|range| {
        let sql = changes.code.text[range].trim_start_matches(['"', '\'', '`', ' ', '\n', '\r', '\t', '(']);
        ["select ", "show ", "pragma ", "with "]
            .iter()
            .any(|verb| sql.get(..verb.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(verb)))
    });
    if !asks {
        changes.sql(call, argument);
    }
}
