//! Facts of schema migrations: one model for every tool, whatever language the migration is written in.

use super::{Target, fact, words};
use crate::text::Span;
use std::collections::{HashMap, HashSet};

words! {
    /// The tool that applies a migration.
    pub enum MigrationTool {
        /// <https://alembic.sqlalchemy.org/>
        Alembic = "alembic",
        /// <https://docs.djangoproject.com/en/stable/topics/migrations/>
        Django = "django",
        /// <https://guides.rubyonrails.org/active_record_migrations.html>
        Rails = "rails",
        /// <https://documentation.red-gate.com/flyway>
        Flyway = "flyway",
        /// <https://docs.liquibase.com/>
        Liquibase = "liquibase",
        /// <https://knexjs.org/guide/migrations.html>
        Knex = "knex",
        /// <https://www.prisma.io/docs/orm/prisma-migrate>
        Prisma = "prisma",
        /// <https://orm.drizzle.team/docs/migrations>
        Drizzle = "drizzle",
        /// <https://typeorm.io/docs/migrations/why>
        Typeorm = "typeorm",
        /// <https://sequelize.org/docs/v6/other-topics/migrations/>
        Sequelize = "sequelize",
        /// <https://github.com/golang-migrate/migrate>
        GolangMigrate = "golang-migrate",
        /// <https://pressly.github.io/goose/>
        Goose = "goose",
        /// <https://github.com/amacneil/dbmate>
        Dbmate = "dbmate",
        /// <https://github.com/rubenv/sql-migrate>
        SqlMigrate = "sql-migrate",
        /// <https://github.com/launchbadge/sqlx/tree/main/sqlx-cli>
        Sqlx = "sqlx",
        /// <https://diesel.rs/guides/getting-started>
        Diesel = "diesel",
        /// <https://github.com/rust-db/refinery>
        Refinery = "refinery",
        /// <https://hexdocs.pm/ecto_sql/Ecto.Migration.html>
        Ecto = "ecto",
        /// <https://laravel.com/docs/migrations>
        Laravel = "laravel",
        /// <https://learn.microsoft.com/en-us/ef/core/managing-schemas/migrations/>
        EfCore = "ef-core",
        /// <https://book.cakephp.org/phinx/>
        Phinx = "phinx",
        /// <https://www.doctrine-project.org/projects/doctrine-migrations/en/stable/>
        Doctrine = "doctrine",
        /// <https://salsita.github.io/node-pg-migrate/>
        NodePgMigrate = "node-pg-migrate",
        /// <https://mikro-orm.io/docs/migrations>
        MikroOrm = "mikro-orm",
        /// <https://supabase.com/docs/guides/deployment/database-migrations>
        Supabase = "supabase",
        /// <https://hasura.io/docs/2.0/migrations-metadata-seeds/manage-migrations/>
        Hasura = "hasura",
        /// JavaScript or TypeScript whose tool the file does not name.
        Javascript = "javascript",
        /// Numbered SQL whose tool the file does not name.
        Sql = "sql",
    }
}

words! {
    /// The database that a migration is written for.
    pub enum Database {
        /// PostgreSQL, and what speaks like it.
        Postgresql = "postgresql",
        /// MySQL and MariaDB.
        Mysql = "mysql",
        /// SQLite.
        Sqlite = "sqlite",
        /// SQL Server.
        SqlServer = "sql-server",
        /// Oracle.
        Oracle = "oracle",
        /// ClickHouse, which knows no transactions and locks nothing.
        Clickhouse = "clickhouse",
    }
}

words! {
    /// What the reverse half of a migration does.
    pub enum Down {
        /// There is none.
        Missing = "missing",
        /// Its body holds nothing at all.
        Empty = "empty",
        /// It holds only comments, `pass`, or statements that do nothing (`SELECT 1`).
        OnlyComments = "only-comments",
        /// It refuses.
        Raises = "raises",
        /// None is written, and none is needed: the tool derives it from the forward half.
        Derived = "derived",
        /// It does something.
        Full = "full",
    }
}

impl Down {
    /// Whether it is there, and does nothing.
    pub fn is_nothing(self) -> bool {
        matches!(self, Down::Empty | Down::OnlyComments)
    }

    /// Whether it takes the migration back.
    pub fn is_way_back(self) -> bool {
        matches!(self, Down::Derived | Down::Full)
    }
}

words! {
    /// The half of an expand/contract change that a migration says to be.
    pub enum Phase {
        /// It adds what the next release needs, and takes nothing away.
        Expand = "expand",
        /// It takes away what no running release uses any more.
        Contract = "contract",
    }
}

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
    /// An operation on an object that was there before; [`Migration::settle`] corrects that.
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

fact! {
    /// A schema migration.
    pub struct Migration = "migration" {
        /// Its head: the forward function's, the section's or the change set's; the file's start if it is the
        /// whole file.
        place: Span,
        /// The tool that applies it.
        tool: MigrationTool,
        /// Its id or version, as the tool knows it.
        id: String,
        /// Ids of the migrations that it comes after, where the file names them. Django: `app.0001_name`.
        parents: Vec<String>,
        /// Ids of the migrations that it stands for, squashed into one.
        replaces: Vec<String>,
        /// The forward half, if it is told apart from the rest of the file.
        up: Option<Span>,
        /// The reverse half's head, maybe in another file; for `missing` maybe the call that lacks it.
        back: Option<Span>,
        /// What the reverse half does.
        down: Down,
        /// Whether one transaction holds all of it, if that is known.
        transactional: Option<bool>,
        /// What it changes, in order; the forward half only.
        operations: Vec<Operation>,
        /// The database that it is written for, if it tells.
        database: Option<Database>,
        /// Whether it bounds how long it waits for a lock.
        lock_timeout: bool,
        /// Whether it bounds how long a statement runs.
        statement_timeout: bool,
        /// The half of an expand/contract change that its comments or its name say it is.
        phase: Option<Phase>,
        /// Whether it runs again whenever it changes (Flyway's `R__`, Liquibase's `runOnChange`).
        repeatable: bool,
        /// The target its path speaks of.
        target: Option<Target>,
        /// It only joins branches, or changes nothing.
        empty: bool,
    }
}

impl Migration {
    /// A migration of which only this is known; its way back is missing.
    pub fn new(place: Span, tool: MigrationTool, id: impl Into<String>) -> Migration {
        Migration {
            place,
            tool,
            id: id.into(),
            parents: Vec::new(),
            replaces: Vec::new(),
            up: None,
            back: None,
            down: Down::Missing,
            transactional: None,
            operations: Vec::new(),
            database: None,
            lock_timeout: false,
            statement_timeout: false,
            phase: None,
            repeatable: false,
            target: None,
            empty: false,
        }
    }

    /// The place to point at when the way back is spoken of: the reverse half, else the head.
    pub fn back_or_head(&self) -> Span {
        self.back.unwrap_or(self.place)
    }

    /// Tells which operations are about objects that this same migration makes. To be called once all operations
    /// are there, in order.
    pub fn settle(&mut self) {
        Migration::settle_all(std::slice::from_mut(self));
    }

    /// The same for the migrations of one file, which are applied one after the other in one go: what one makes, the
    /// next can neither lock nor break.
    pub fn settle_all(all: &mut [Migration]) {
        let mut made = HashSet::new();
        for migration in all {
            settle(&mut migration.operations, &mut made);
            migration.operations.shrink_to_fit();
        }
    }
}

/// Two walks in order: what is made, then what each operation means beside it.
fn settle(operations: &mut [Operation], made: &mut HashSet<Box<str>>) {
    use Action::*;
    let mut later: HashSet<Box<str>> = HashSet::new();
    // What a changed copy takes the place of, and what is made anew.
    let (mut replaced, mut anew) = (HashSet::new(), HashSet::new());
    for operation in operations.iter() {
        let Some(table) = &operation.table else { continue };
        match operation.action {
            CreateTable => _ = later.insert(table.clone()),
            RenameTable if later.contains(table) => replaced.extend(operation.name.clone()),
            CreateView | CreateRoutine => _ = anew.insert(table.clone()),
            _ => {}
        }
    }
    let mut constraints = HashSet::new();
    // Columns that are new, and whether rows that do not name them get a value.
    let mut columns: HashMap<(Box<str>, Box<str>), bool> = HashMap::new();
    for operation in operations {
        let Some(table) = operation.table.clone() else { continue };
        let column = operation.column.clone().map(|c| (table.clone(), c));
        let new = column.as_ref().and_then(|c| columns.get(c)).copied();
        match operation.action {
            CreateTable => {
                operation.own = true;
                made.insert(table);
            }
            _ if made.contains(&table) => {
                operation.own = true;
                if operation.action == RenameTable {
                    made.extend(operation.name.clone());
                }
            }
            // `DROP TABLE IF EXISTS a; CREATE TABLE a …` begins a schema, as dumps do.
            DropTable if replaced.contains(&table) || operation.guarded && later.contains(&table) => {
                operation.action = RebuildTable;
            }
            DropView | DropRoutine if anew.contains(&table) => operation.action = Other,
            DropConstraint => constraints.extend(operation.name.clone()),
            AddCheck | AddForeignKey if operation.name.as_ref().is_some_and(|n| constraints.contains(n)) => {
                operation.action = ReplaceConstraint;
            }
            AddColumn => columns.extend(column.map(|c| (c, false))),
            AddColumnNotNull | AddColumnDefault | AddColumnComputed => {
                columns.extend(column.map(|c| (c, true)))
            }
            SetDefault if new.is_some() => columns.extend(column.map(|c| (c, true))),
            // Rows of the release before would lack it, as if it had been added so.
            SetNotNull if new == Some(false) => {}
            // There is nothing in a new column that could be lost or not fit.
            SetNotNull | DropColumn | TypeChange | RenameColumn | AddForeignKey | AddCheck | AddUnique => {
                operation.own = new.is_some();
            }
            _ => {}
        }
        operation.class = if operation.own { OperationClass::Additive } else { operation.action.class() };
    }
}
