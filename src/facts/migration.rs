//! Facts of schema migrations: one model for every tool, whatever language the migration is written in.

use super::{Action, Operation, OperationClass, Target, fact, words};
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

/// How files of Flyway's migrations are named below some folders, where a configuration file says so.
/// <https://documentation.red-gate.com/flyway/reference/configuration/flyway-namespace>
#[derive(Debug, Clone)]
pub struct MigrationNaming {
    /// The configuration file's start.
    pub place: Span,
    /// The folder of the project that it is for, without a slash at its end; empty for the root.
    pub below: String,
    /// The folders in which migrations lie; if there is none, anywhere below the project's.
    pub folders: Vec<String>,
    /// What stands before the version of a migration: `V`.
    pub versioned: String,
    /// What stands before the version of one that takes another back: `U`.
    pub undo: String,
    /// What begins the name of one that runs whenever it changes: `R`.
    pub repeatable: String,
    /// What stands between the version and the rest: `__`.
    pub separator: String,
    /// Endings of files: `.sql`.
    pub suffixes: Vec<String>,
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
        let mut made = Made::default();
        for migration in all {
            settle(&mut migration.operations, &mut made);
            migration.operations.shrink_to_fit();
        }
    }
}

/// What the operations before made.
#[derive(Default)]
struct Made {
    tables: HashSet<Box<str>>,
    /// Columns of tables that were there, and whether rows that do not name them get a value.
    columns: HashMap<(Box<str>, Box<str>), bool>,
}

/// Whether a tool gives each migration a folder of its own, in which this is the name of a half (Prisma, Diesel).
fn is_half(name: &str) -> bool {
    matches!(name, "migration.sql" | "up.sql" | "down.sql")
}

/// The folder in which a tool keeps the migration that lies at this path, without a slash at its end.
pub fn migration_folder(path: &str) -> &str {
    let (own, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_half(name) { own.rsplit_once('/').map_or("", |(above, _)| above) } else { own }
}

/// What a migration is called by its path: its file's name, or that of the folder that is its own.
pub fn migration_name(path: &str) -> &str {
    path.rsplit('/').find(|part| !is_half(part)).unwrap_or(path)
}

/// Two walks in order: what is made, then what each operation means beside it.
fn settle(operations: &mut [Operation], made: &mut Made) {
    let Made { tables: made, columns } = made;
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
