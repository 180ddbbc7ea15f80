//! `ALTER TABLE`, clause by clause.
//! <https://www.postgresql.org/docs/current/sql-altertable.html>,
//! <https://dev.mysql.com/doc/refman/8.4/en/alter-table.html>,
//! <https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql>,
//! <https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/ALTER-TABLE.html>,
//! <https://sqlite.org/lang_altertable.html>

use super::cursor::Cursor;
use super::{Piece, Reading, column};
use crate::facts::{Action, Operation};

/// Words that may stand between ADD and a constraint or an index.
const CONSTRAINTS: &[&str] = &[
    "constraint",
    "primary",
    "unique",
    "foreign",
    "check",
    "exclude",
    "index",
    "key",
    "fulltext",
    "spatial",
    "default",
];

impl Reading<'_> {
    /// Reads what follows `ALTER TABLE`.
    pub(super) fn alter_table(&mut self, piece: &Piece<'_>, mut cursor: Cursor<'_>, guarded: bool) {
        let guarded = cursor.take_if() || guarded;
        cursor.skip_words(&["only"]);
        let table = cursor.name();
        if cursor.symbol(0, b'*') {
            cursor.skip(1);
        }
        // ClickHouse: `ON CLUSTER shop`.
        if cursor.take(&["on", "cluster"]) {
            cursor.skip(1);
        }
        // SQL Server: `WITH CHECK ADD CONSTRAINT`, `WITH NOCHECK …`.
        let unchecked = cursor.is(0, "with") && cursor.is(1, "nocheck");
        if cursor.is(0, "with") && cursor.is_one_of(1, &["check", "nocheck"]) {
            cursor.skip(2);
        }
        let online = cursor.find(&["online"]).is_some_and(|at| cursor.is(at + 2, "on"));
        let before = self.found.acts;
        let mut verb = "";
        for clause in cursor.split() {
            let mut clause = clause;
            let whole = clause.range();
            if clause.left() == 0 {
                continue;
            }
            let named = [
                "add", "drop", "alter", "modify", "change", "rename", "set", "reset", "validate", "attach",
                "detach",
            ];
            let more = [
                "enable",
                "disable",
                "owner",
                "engine",
                "convert",
                "algorithm",
                "lock",
                "check",
                "nocheck",
                "switch",
            ];
            if clause.is_one_of(0, &named) || clause.is_one_of(0, &more) {
                verb = clause.word(0);
                clause.skip(1);
            }
            // ClickHouse: the commas of a query are its own.
            let query = verb.eq_ignore_ascii_case("modify")
                && clause.is_one_of(0, &["query", "order", "setting", "ttl", "sample", "comment", "refresh"]);
            if query {
                self.push(piece, whole, |o| Operation { guarded, ..o }.on(table));
                break;
            }
            // `ADD a int, b int` and `DROP COLUMN a, b` name the verb once.
            let made = Clause { table, guarded, unchecked, online };
            for operation in made.read(verb, clause) {
                self.push(piece, whole.clone(), |o| Operation { place: o.place, ..operation });
            }
        }
        if self.found.acts == before {
            self.found.acts += 1;
        }
    }
}

/// What all clauses of one statement share.
struct Clause<'s> {
    table: &'s str,
    guarded: bool,
    unchecked: bool,
    online: bool,
}

impl Clause<'_> {
    fn operation(&self, action: Action, guarded: bool) -> Operation {
        let nowhere = crate::text::Span::start_of(crate::text::FileId(0));
        Operation { guarded: guarded || self.guarded, ..Operation::new(nowhere, action).on(self.table) }
    }

    fn read(&self, verb: &str, mut clause: Cursor<'_>) -> Vec<Operation> {
        let one = |operation: Operation| vec![operation];
        match verb.to_ascii_lowercase().as_str() {
            "add" => self.add(clause),
            "drop" => one(self.drop(clause)),
            "alter" => one(self.alter_column(clause)),
            // MySQL and Oracle state the whole column again.
            "modify" => {
                clause.skip_words(&["column"]);
                if clause.symbol(0, b'(') {
                    clause.skip(1);
                }
                let name = clause.name();
                let nullable = clause.is(0, "null") || clause.is(0, "not") && clause.is(1, "null");
                let action = match (nullable, clause.is(0, "not")) {
                    (true, true) => Action::SetNotNull,
                    (true, false) => Action::DropNotNull,
                    _ if clause.is(0, "default") => Action::SetDefault,
                    _ => column::retyped(&clause),
                };
                one(self.operation(action, false).column(name))
            }
            "change" => {
                clause.skip_words(&["column"]);
                let (old, new) = (clause.name(), clause.name());
                let same = |name: &str| name.trim_matches(['`', '"']).to_lowercase();
                if same(old) == same(new) {
                    return one(self.operation(column::retyped(&clause), false).column(old));
                }
                one(self.operation(Action::RenameColumn, false).column(old).named(new))
            }
            "rename" => one(self.rename(clause)),
            "validate" => {
                clause.skip_words(&["constraint"]);
                one(self.operation(Action::ValidateConstraint, false).named(clause.name()))
            }
            "owner" | "enable" | "disable" => one(self.operation(Action::Access, false)),
            // SQL Server tests a constraint anew: `CHECK CONSTRAINT a`.
            "check" => one(self.operation(Action::ValidateConstraint, false)),
            "engine" | "convert" => one(self.operation(Action::Rewrite, false)),
            "set" if clause.is_one_of(0, &["tablespace", "logged", "unlogged"]) => {
                one(self.operation(Action::Rewrite, false))
            }
            // They say how the other clauses are carried out.
            "algorithm" | "lock" => Vec::new(),
            _ => one(self.operation(Action::Other, false)),
        }
    }

    fn add(&self, mut clause: Cursor<'_>) -> Vec<Operation> {
        let declared = clause.take(&["column"]);
        let guarded = clause.take_if();
        if !declared && clause.is_one_of(0, CONSTRAINTS) {
            return vec![self.constraint(clause)];
        }
        if clause.is(0, "value") || clause.is(0, "partition") {
            return vec![self.operation(Action::Other, guarded)];
        }
        // Oracle and MySQL: `ADD (a int, b int)`.
        if clause.symbol(0, b'(') {
            clause.skip(1);
            let parts = clause.part(clause.left().saturating_sub(1)).split();
            let each = parts.into_iter().filter(|part| part.left() > 0);
            return each.flat_map(|part| self.add_one(part, guarded)).collect();
        }
        self.add_one(clause, guarded)
    }

    fn add_one(&self, mut clause: Cursor<'_>, guarded: bool) -> Vec<Operation> {
        if clause.is_one_of(0, CONSTRAINTS) && !clause.is(0, "default") {
            return vec![self.constraint(clause)];
        }
        let name = clause.name();
        let action = column::added(&clause);
        let mut all = vec![self.operation(action, guarded).column(name)];
        if clause.find(&["unique"]).is_some() {
            all.push(self.operation(Action::AddUnique, guarded).column(name));
        }
        all
    }

    /// A constraint or an index, from its first word on.
    fn constraint(&self, mut clause: Cursor<'_>) -> Operation {
        let mut name = "";
        if clause.take(&["constraint"]) {
            clause.take_if();
            if !clause.is_one_of(0, &["primary", "unique", "foreign", "check"]) {
                name = clause.name();
            }
        }
        let late = self.unchecked
            || clause.find(&["novalidate"]).is_some()
            || clause
                .find(&["valid"])
                .and_then(|at| at.checked_sub(1))
                .is_some_and(|at| clause.is(at, "not"));
        let ready = clause.find(&["using"]).is_some_and(|at| clause.is(at + 1, "index"));
        let kind = clause.word(0).to_ascii_lowercase();
        clause.skip(1);
        clause.skip_words(&["key", "index", "clustered", "nonclustered"]);
        if name.is_empty() && !clause.symbol(0, b'(') {
            name = clause.name();
        }
        let column = clause.first_in_parentheses();
        let action = match kind.as_str() {
            "primary" if ready => Action::AddConstraintNotValid,
            "primary" => Action::AddPrimaryKey,
            "unique" if ready => Action::AddUniqueConcurrently,
            "unique" if self.online => Action::AddUniqueConcurrently,
            "unique" => Action::AddUnique,
            "default" => Action::SetDefault,
            "index" | "key" | "fulltext" | "spatial" => Action::CreateIndex,
            _ if late => Action::AddConstraintNotValid,
            "foreign" => Action::AddForeignKey,
            "check" => Action::AddCheck,
            _ => Action::AddConstraint,
        };
        // SQL Server: `DEFAULT 0 FOR a`.
        let column = match clause.find(&["for"]) {
            Some(at) if action == Action::SetDefault => clause.slice(at + 1, at + 2).name(),
            _ => column,
        };
        self.operation(action, false).column(column).named(name)
    }

    fn drop(&self, mut clause: Cursor<'_>) -> Operation {
        let kind = clause.word(0).to_ascii_lowercase();
        let action = match kind.as_str() {
            "constraint" | "foreign" | "check" => Action::DropConstraint,
            "primary" => Action::DropPrimaryKey,
            "index" | "key" => Action::DropIndex,
            "partition" => Action::Truncate,
            "default" => Action::DropDefault,
            "unused" => Action::Other,
            _ => Action::DropColumn,
        };
        if action != Action::DropColumn || kind == "column" {
            clause.skip(1);
        }
        clause.skip_words(&["key"]);
        let guarded = clause.take_if();
        if clause.symbol(0, b'(') {
            clause.skip(1);
        }
        let name = clause.name();
        let operation = self.operation(action, guarded);
        if action == Action::DropColumn { operation.column(name) } else { operation.named(name) }
    }

    fn alter_column(&self, mut clause: Cursor<'_>) -> Operation {
        if clause.is_one_of(0, &["constraint", "index"]) {
            return self.operation(Action::Other, false);
        }
        clause.skip_words(&["column"]);
        let name = clause.name();
        let action = match (clause.word(0).to_ascii_lowercase().as_str(), clause.word(1)) {
            ("set", next) if next.eq_ignore_ascii_case("not") => Action::SetNotNull,
            ("set", next) if next.eq_ignore_ascii_case("default") => Action::SetDefault,
            ("set", next) if next.eq_ignore_ascii_case("data") => {
                clause.skip(3);
                column::retyped(&clause)
            }
            ("drop", next) if next.eq_ignore_ascii_case("not") => Action::DropNotNull,
            ("drop", next) if next.eq_ignore_ascii_case("default") => Action::DropDefault,
            ("type", _) => {
                clause.skip(1);
                column::retyped(&clause)
            }
            // SQL Server: `ALTER COLUMN a int NOT NULL`.
            ("set" | "drop" | "reset" | "add" | "restart", _) => Action::Other,
            _ => column::retyped(&clause),
        };
        self.operation(action, false).column(name)
    }

    fn rename(&self, mut clause: Cursor<'_>) -> Operation {
        if clause.is_one_of(0, &["constraint", "index", "key"]) {
            return self.operation(Action::Other, false);
        }
        if clause.is_one_of(0, &["to", "as"]) {
            clause.skip(1);
            // PostgreSQL renames sequences by this form as well, and names them so by itself.
            // <https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL>
            let sequence = self.table.to_ascii_lowercase().ends_with("_seq");
            let action = if sequence { Action::Other } else { Action::RenameTable };
            return self.operation(action, false).named(clause.name());
        }
        let column = clause.take(&["column"]);
        let old = clause.name();
        if clause.take(&["to"]) {
            return self.operation(Action::RenameColumn, false).column(old).named(clause.name());
        }
        // MySQL: `RENAME new_name`.
        let action = if column { Action::RenameColumn } else { Action::RenameTable };
        self.operation(action, false).named(old)
    }
}
