//! What a migration does to a schema, and what that means for the release that runs before it.

use super::{fact, words};
use crate::text::Span;

words! {
    /// What an operation means for the release that runs before it, the gravest first.
    pub enum OperationClass {
        /// It loses data for good: drops a table or a column, removes all rows.
        Destructive = "destructive",
        /// The release before fails with it: renames, narrower types, new demands on what is written.
        Breaking = "breaking",
        /// It changes rows.
        Data = "data",
        /// It holds a lock for a time that grows with the table.
        LockHeavy = "lock-heavy",
        /// None of these.
        Additive = "additive",
    }
}

words! {
    /// What an operation does.
    pub enum Action {
        /// Makes a table.
        CreateTable = "create-table",
        /// Drops a table.
        DropTable = "drop-table",
        /// Drops a table in whose place a changed copy comes, as SQLite needs it for most changes.
        RebuildTable = "rebuild-table",
        /// Renames a table.
        RenameTable = "rename-table",
        /// Removes all rows of a table.
        Truncate = "truncate",
        /// Adds a column that rows may leave out, because it may be NULL.
        AddColumn = "add-column",
        /// Adds a column with a constant default, or one that the database fills (identity, generated).
        AddColumnDefault = "add-column-default",
        /// Adds a column that is NOT NULL and has no default.
        AddColumnNotNull = "add-column-not-null-no-default",
        /// Adds a column whose default is computed per row, so that the table is written anew.
        AddColumnComputed = "add-column-computed-default",
        /// Drops a column.
        DropColumn = "drop-column",
        /// Renames a column.
        RenameColumn = "rename-column",
        /// Changes a column's type, so that values or programs may no longer fit.
        TypeChange = "type-change",
        /// Changes a column's type to one that holds all that the old one held, without writing the table anew.
        TypeWiden = "type-widen",
        /// Changes a column's type to a wider one, for which the table is written anew (`bigint`).
        TypeRewrite = "type-rewrite",
        /// Forbids NULL in a column that exists.
        SetNotNull = "set-not-null",
        /// Allows NULL.
        DropNotNull = "drop-not-null",
        /// Sets a default.
        SetDefault = "set-default",
        /// Drops a default.
        DropDefault = "drop-default",
        /// Adds a CHECK that is tested on the rows that exist.
        AddCheck = "add-check",
        /// Adds a foreign key that is tested on the rows that exist.
        AddForeignKey = "add-foreign-key",
        /// Adds a constraint that holds for new rows only (`NOT VALID`, `WITH NOCHECK`, `NOVALIDATE`).
        AddConstraintNotValid = "add-constraint-not-valid",
        /// Adds a CHECK or a foreign key in the place of one of the same name, which the release before kept.
        ReplaceConstraint = "replace-constraint",
        /// Adds a constraint of another or an unknown kind.
        AddConstraint = "add-constraint",
        /// Adds a UNIQUE constraint or a unique index to a table that exists.
        AddUnique = "add-unique",
        /// The same without stopping writes.
        AddUniqueConcurrently = "add-unique-concurrently",
        /// Adds a primary key to a table that exists.
        AddPrimaryKey = "add-primary-key",
        /// Tests rows for a constraint that was added without; takes a light lock only.
        ValidateConstraint = "validate-constraint",
        /// Drops a constraint.
        DropConstraint = "drop-constraint",
        /// Drops a primary key.
        DropPrimaryKey = "drop-primary-key",
        /// Makes an index while writes wait.
        CreateIndex = "create-index",
        /// Makes an index without stopping writes (`CONCURRENTLY`, `ONLINE = ON`, `ALGORITHM=INPLACE`).
        CreateIndexConcurrently = "create-index-concurrently",
        /// Drops an index.
        DropIndex = "drop-index",
        /// Makes or replaces a view.
        CreateView = "create-view",
        /// Drops a view that is not made anew in the same migration.
        DropView = "drop-view",
        /// Makes or replaces a function, procedure, trigger, rule or package.
        CreateRoutine = "create-routine",
        /// Drops a function or procedure that is not made anew in the same migration.
        DropRoutine = "drop-routine",
        /// Makes a type, domain, sequence, extension or schema.
        CreateObject = "create-object",
        /// Drops a type, domain, sequence, extension, trigger, policy or the like.
        DropObject = "drop-object",
        /// Drops a whole schema or database.
        DropSchema = "drop-schema",
        /// Adds a value to an enum.
        EnumAddition = "enum-addition",
        /// Takes a value out of an enum, or renames one.
        EnumRemoval = "enum-removal",
        /// Writes a whole table anew, or locks it: `VACUUM FULL`, `CLUSTER`, `OPTIMIZE TABLE`, `LOCK TABLE`.
        Rewrite = "rewrite",
        /// Grants, revokes, or sets policies and owners.
        Access = "access",
        /// Adds rows.
        Insert = "insert",
        /// Changes rows.
        Update = "update",
        /// Changes all rows of a table: no WHERE.
        UpdateAll = "update-all",
        /// Removes rows.
        Delete = "delete",
        /// Removes all rows of a table: no WHERE.
        DeleteAll = "delete-all",
        /// Adds or changes rows (`MERGE`, `REPLACE INTO`, `INSERT … ON CONFLICT DO UPDATE`).
        Merge = "merge",
        /// Runs code whose effect is not read: a function of the program, a procedure, dynamic SQL.
        RunCode = "run-code",
        /// Changes data by code of the program (Django's `RunPython`, a loop over models).
        DataCode = "data-code",
        /// Another change of the schema.
        Other = "other",
    }
}

impl Action {
    /// Whether the release before fails with it, or rows that exist may stop it, if its table held rows before.
    /// A foreign key on columns that exist may fail too, but most are kept by the program already.
    pub fn breaks(self) -> bool {
        use Action::*;
        matches!(
            self,
            DropTable
                | RenameTable
                | AddColumnNotNull
                | DropColumn
                | RenameColumn
                | TypeChange
                | SetNotNull
                | AddCheck
                | AddUnique
                | AddUniqueConcurrently
                | AddPrimaryKey
                | DropView
                | DropSchema
                | EnumRemoval
        )
    }

    /// Whether it loses data for good.
    pub fn destroys(self) -> bool {
        use Action::*;
        matches!(self, DropTable | DropColumn | DropSchema | Truncate | DeleteAll)
    }

    /// Whether it changes rows, for which no tool derives a way back.
    pub fn changes_rows(self) -> bool {
        use Action::*;
        matches!(self, Insert | Update | UpdateAll | Delete | DeleteAll | Merge | Truncate | DataCode)
    }

    /// Whether it holds a lock for a time that grows with the table.
    pub fn holds_lock(self) -> bool {
        use Action::*;
        matches!(
            self,
            TypeChange
                | TypeRewrite
                | SetNotNull
                | AddColumnComputed
                | AddCheck
                | AddForeignKey
                | ReplaceConstraint
                | AddConstraint
                | AddUnique
                | AddPrimaryKey
                | CreateIndex
                | Rewrite
                | RebuildTable
                | UpdateAll
                | DeleteAll
        )
    }

    /// Its gravest class, if its table was there before.
    pub fn class(self) -> OperationClass {
        if self.destroys() {
            OperationClass::Destructive
        } else if self.breaks() {
            OperationClass::Breaking
        } else if self.changes_rows() {
            OperationClass::Data
        } else if self.holds_lock() {
            OperationClass::LockHeavy
        } else {
            OperationClass::Additive
        }
    }
}

fact! {
    /// One change that the forward half of a migration makes.
    pub struct Operation = "operation" {
        /// The statement, the clause of an ALTER or the call.
        place: Span,
        /// What it does.
        action: Action,
        /// Its gravest class; additive if its object is made in the same migration.
        class: OperationClass,
        /// The table (or view, type, routine) that it is done to, in lower case, without quotes and schema.
        table: Option<Box<str>>,
        /// The column that it is about, of several the first, in lower case and without quotes.
        column: Option<Box<str>>,
        /// The constraint, the index or the enum's value; for what is renamed the new name.
        name: Option<Box<str>>,
        /// Whether its object is made in this same migration, so that it can neither be locked nor broken.
        own: bool,
        /// Whether it says `IF EXISTS`, `IF NOT EXISTS` or `OR REPLACE`, or is guarded by a question for that.
        guarded: bool,
    }
}

impl Operation {
    /// An operation on an object that was there before; [`super::Migration::settle`] corrects that.
    pub fn new(place: Span, action: Action) -> Operation {
        Operation {
            place,
            action,
            class: action.class(),
            table: None,
            column: None,
            name: None,
            own: false,
            guarded: false,
        }
    }

    /// The same on this table; an empty name is none.
    #[must_use]
    pub fn on(mut self, table: &str) -> Operation {
        self.table = plain(table);
        self
    }

    /// The same about this column; an empty name is none.
    #[must_use]
    pub fn column(mut self, column: &str) -> Operation {
        self.column = plain(column);
        self
    }

    /// The same about this constraint, index or value, or with this new name; an empty name is none.
    #[must_use]
    pub fn named(mut self, name: &str) -> Operation {
        self.name = plain(name);
        self
    }

    /// Whether the release before fails with it.
    pub fn breaks(&self) -> bool {
        !self.own && self.action.breaks()
    }

    /// Whether it loses data for good.
    pub fn destroys(&self) -> bool {
        !self.own && self.action.destroys()
    }

    /// Whether it changes rows that were there before, or adds some to a table that was.
    pub fn changes_rows(&self) -> bool {
        !self.own && self.action.changes_rows()
    }

    /// Whether it holds a lock for a time that grows with a table that was there before.
    pub fn holds_lock(&self) -> bool {
        !self.own && self.action.holds_lock()
    }
}

/// The last part of a name, without quotes, in lower case: `"public"."Users"` and `[dbo].[Users]` are `users`.
fn plain(name: &str) -> Option<Box<str>> {
    let quotes = ['"', '`', '[', ']', '\'', ' '];
    let mut last = name.trim();
    // A dot within quotes belongs to the name; only PostgreSQL and SQL Server people would write one.
    if let Some((_, after)) = last.rsplit_once('.') {
        last = after;
    }
    let last = last.trim_matches(quotes);
    (!last.is_empty()).then(|| last.to_lowercase().into_boxed_str())
}
