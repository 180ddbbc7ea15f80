//! One change of a change set. <https://docs.liquibase.com/change-types/home.html>

use crate::facts::{Action, Migration, Operation};
use crate::readers::sql::{self, Sql};
use crate::text::Span;

/// A column of `createTable` or `addColumn`, or one that others name.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) not_null: bool,
    pub(super) unique: bool,
    pub(super) filled: bool,
}

/// A change, in whatever format it was written.
#[derive(Debug)]
pub(super) struct Change {
    /// The change type, e.g. `addColumn`.
    kind: String,
    place: Span,
    attributes: Vec<(String, String)>,
    pub(super) columns: Vec<Column>,
    /// Whether it says which rows.
    pub(super) bounded: bool,
    /// What its SQL does.
    pub(super) sql: Option<Sql>,
}

/// Change types that Liquibase takes back by itself.
const REVERSED: &[&str] = &[
    "addColumn",
    "addDefaultValue",
    "addForeignKeyConstraint",
    "addLookupTable",
    "addNotNullConstraint",
    "addPrimaryKey",
    "addUniqueConstraint",
    "createIndex",
    "createSequence",
    "createSynonym",
    "createTable",
    "createView",
    "disableTrigger",
    "dropNotNullConstraint",
    "enableTrigger",
    "renameColumn",
    "renameSequence",
    "renameTable",
    "renameView",
    "renameTrigger",
    "setColumnRemarks",
    "setTableRemarks",
    "addCheckConstraint",
];

/// Change types that change nothing in the database.
const IDLE: &[&str] = &["output", "empty", "tagDatabase", "stop", "comment", "tag"];

impl Change {
    pub(super) fn new(kind: impl Into<String>, place: Span) -> Change {
        Change {
            kind: kind.into(),
            place,
            attributes: Vec::new(),
            columns: Vec::new(),
            bounded: false,
            sql: None,
        }
    }

    /// SQL as a change.
    pub(super) fn sql(place: Span, sql: Sql) -> Change {
        Change { sql: Some(sql), ..Change::new("sql", place) }
    }

    pub(super) fn attribute(&mut self, key: &str, value: &str) {
        self.attributes.push((key.to_owned(), value.to_owned()));
    }

    /// Whether its body is SQL that is run.
    pub(super) fn is_sql(&self) -> bool {
        self.kind == "sql"
    }

    fn get(&self, key: &str) -> &str {
        self.attributes.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str())
    }

    /// Whether Liquibase derives the way back, or none is needed.
    pub(super) fn is_reversed(&self) -> bool {
        REVERSED.contains(&self.kind.as_str()) || self.is_idle()
    }

    pub(super) fn is_idle(&self) -> bool {
        IDLE.contains(&self.kind.as_str()) || self.sql.as_ref().is_some_and(Sql::is_idle)
    }

    /// Adds what it does to a migration.
    pub(super) fn tell(mut self, migration: &mut Migration) {
        if let Some(sql) = self.sql.take() {
            return sql.tell(migration);
        }
        let table = [self.get("tableName"), self.get("baseTableName"), self.get("oldTableName")];
        let table = table.into_iter().find(|t| !t.is_empty()).unwrap_or("").to_owned();
        let one = |action: Action| Operation::new(self.place, action).on(&table);
        let first = self.get("columnName").split(',').next().unwrap_or("").trim().to_owned();
        let named =
            if first.is_empty() { self.columns.first().map_or("", |c| c.name.as_str()) } else { &first };
        let all = &mut migration.operations;
        match self.kind.as_str() {
            "createTable" | "addLookupTable" => {
                let table = if table.is_empty() { self.get("newTableName") } else { &table };
                all.push(Operation::new(self.place, Action::CreateTable).on(table));
            }
            "dropTable" => all.push(one(Action::DropTable)),
            "renameTable" => all.push(one(Action::RenameTable).named(self.get("newTableName"))),
            "addColumn" => {
                for column in &self.columns {
                    let action = match (column.not_null, column.filled) {
                        (_, true) => Action::AddColumnDefault,
                        (true, false) => Action::AddColumnNotNull,
                        (false, false) => Action::AddColumn,
                    };
                    all.push(one(action).column(&column.name));
                    if column.unique {
                        all.push(one(Action::AddUnique).column(&column.name));
                    }
                }
            }
            "dropColumn" => {
                let names = self.columns.iter().map(|c| c.name.as_str());
                let listed = (!first.is_empty()).then_some(first.as_str());
                for name in listed.into_iter().chain(names) {
                    all.push(one(Action::DropColumn).column(name));
                }
            }
            "mergeColumns" => all.push(one(Action::DropColumn).column(self.get("column1Name"))),
            "renameColumn" => {
                all.push(
                    one(Action::RenameColumn)
                        .column(self.get("oldColumnName"))
                        .named(self.get("newColumnName")),
                );
            }
            "modifyDataType" => {
                all.push(one(sql::retyped(self.get("newDataType"))).column(&first));
            }
            "addNotNullConstraint" => all.push(one(Action::SetNotNull).column(&first)),
            "dropNotNullConstraint" => all.push(one(Action::DropNotNull).column(&first)),
            "addDefaultValue" => all.push(one(Action::SetDefault).column(&first)),
            "dropDefaultValue" => all.push(one(Action::DropDefault).column(&first)),
            "addUniqueConstraint" => {
                let names = self.get("columnNames");
                let first = names.split(',').next().unwrap_or("");
                all.push(one(Action::AddUnique).column(first).named(self.get("constraintName")));
            }
            "addPrimaryKey" => all.push(one(Action::AddPrimaryKey).named(self.get("constraintName"))),
            "dropPrimaryKey" => all.push(one(Action::DropPrimaryKey)),
            "addForeignKeyConstraint" => {
                let names = self.get("baseColumnNames");
                let first = names.split(',').next().unwrap_or("");
                all.push(one(Action::AddForeignKey).column(first).named(self.get("constraintName")));
            }
            "addCheckConstraint" => all.push(one(Action::AddCheck).named(self.get("constraintName"))),
            "dropUniqueConstraint" | "dropForeignKeyConstraint" | "dropCheckConstraint" => {
                all.push(one(Action::DropConstraint).named(self.get("constraintName")));
            }
            "createIndex" => {
                let unique = self.get("unique").eq_ignore_ascii_case("true");
                let action = if unique { Action::AddUnique } else { Action::CreateIndex };
                all.push(one(action).column(named).named(self.get("indexName")));
            }
            "dropIndex" => all.push(one(Action::DropIndex).named(self.get("indexName"))),
            "createView" => all.push(Operation::new(self.place, Action::CreateView).on(self.get("viewName"))),
            "dropView" => all.push(Operation::new(self.place, Action::DropView).on(self.get("viewName"))),
            "createProcedure" | "createFunction" | "createTrigger" | "createPackage" => {
                all.push(one(Action::CreateRoutine))
            }
            "dropProcedure" | "dropFunction" => all.push(one(Action::DropRoutine)),
            "createSequence" | "createSynonym" => all.push(one(Action::CreateObject)),
            "dropSequence" | "dropSynonym" | "dropTrigger" => all.push(one(Action::DropObject)),
            "insert" | "loadData" => all.push(one(Action::Insert)),
            "loadUpdateData" => all.push(one(Action::Merge)),
            "update" => {
                all.push(one(if self.bounded { Action::Update } else { Action::UpdateAll }).column(named));
            }
            "delete" => all.push(one(if self.bounded { Action::Delete } else { Action::DeleteAll })),
            "sqlFile" | "customChange" | "executeCommand" => all.push(one(Action::RunCode)),
            kind if IDLE.contains(&kind) => {}
            _ => all.push(one(Action::Other)),
        }
    }
}
