//! SQL files: which tool's they are, by layout and content, and what their halves do.
//!
//! Layouts overlap: `1_a.up.sql` serves golang-migrate and sqlx, `V1__a.sql` Flyway and refinery. What the file itself
//! does not tell, [`super::lower`] asks of the files around it.

use super::{stem, whole};
use crate::facts::{Database, Migration, MigrationTool, migration_folder};
use crate::readers::Text;
use crate::readers::names::{folder, name, within};
use crate::readers::sql::{self, Sql};
use crate::syntax::tree::Tree;
use crate::text::{Passage, Span};
use std::collections::HashMap;
use std::ops::Range;

/// Markers of a section within one file: tool, forward, reverse, and what follows the forward marker (or stands
/// alone on a line) where there is no transaction.
const MARKERS: &[(MigrationTool, &str, &str, &str)] = &[
    // https://pressly.github.io/goose/documentation/annotations/
    (MigrationTool::Goose, "+goose up", "+goose down", "+goose no transaction"),
    // https://github.com/amacneil/dbmate#migration-options
    (MigrationTool::Dbmate, "migrate:up", "migrate:down", "transaction:false"),
    // https://github.com/rubenv/sql-migrate#writing-migrations
    (MigrationTool::SqlMigrate, "+migrate up", "+migrate down", "notransaction"),
    // https://salsita.github.io/node-pg-migrate/migrations/#sql-migrations
    (MigrationTool::NodePgMigrate, "up migration", "down migration", "\0"),
];

/// Whether a SQL file may be a migration, by its path.
pub(super) fn claims(path: &str) -> bool {
    half(path).is_some()
        || repeatable(name(path))
        || within(path, &["migrations", "migration", "migrate", "drizzle", "dbscripts"])
        || super::liquibase::is_changelog(path)
}

/// For a file that is one half of a migration: what both halves have in common, and whether it is the
/// reverse half. golang-migrate, sqlx, Flyway and refinery (V and U), Diesel, Hasura and Prisma.
pub(super) fn half(path: &str) -> Option<(String, bool)> {
    let (folder, name) = (folder(path), name(path));
    for (ending, back) in [(".up.sql", false), (".down.sql", true)] {
        if let Some(stem) = name.strip_suffix(ending) {
            return Some((format!("{folder}/{stem}"), back));
        }
    }
    match name {
        "up.sql" => return Some((format!("{folder}/"), false)),
        "migration.sql" if within(path, &["migrations", "prisma"]) => {
            return Some((format!("{folder}/"), false));
        }
        "down.sql" => return Some((format!("{folder}/"), true)),
        _ => {}
    }
    let (version, back) = flyway(name)?;
    Some((format!("{folder}/{version}"), back))
}

/// `V1.2__name.sql` and its undo `U1.2__name.sql`.
/// <https://documentation.red-gate.com/flyway/flyway-concepts/migrations>
fn flyway(name: &str) -> Option<(&str, bool)> {
    let back = match name.as_bytes().first()? {
        b'V' => false,
        b'U' => true,
        _ => return None,
    };
    let (version, _) = name[1..].strip_suffix(".sql")?.split_once("__")?;
    let digits = version.starts_with(|c: char| c.is_ascii_digit());
    (digits && version.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_')))
        .then_some((version, back))
}

/// `R__name.sql`
fn repeatable(name: &str) -> bool {
    name.starts_with("R__") && name.ends_with(".sql")
}

pub(super) fn read(text: &Text<'_>) -> Vec<Migration> {
    let name = name(text.path);
    let database = database(text.path);
    if let Some(all) = super::liquibase::formatted(text) {
        return all;
    }
    if let Some(migration) = sections(text, database) {
        return vec![migration];
    }
    let tool = if let Some((_, back)) = half(text.path) {
        let (tool, id) = match flyway(name) {
            Some((version, _)) => (MigrationTool::Flyway, version.to_owned()),
            None if name == "migration.sql" || within(text.path, &["prisma"]) => {
                (MigrationTool::Prisma, parent(text.path))
            }
            None if matches!(name, "up.sql" | "down.sql") => (MigrationTool::Diesel, parent(text.path)),
            None => (MigrationTool::GolangMigrate, stem(text.path)),
        };
        let found = part(text, 0..text.text.len(), database);
        if back {
            // The reverse half brings its own answer, which `lower` moves to the forward half.
            return vec![Migration { down: found.does(), ..whole(text, tool, id) }];
        }
        let mut migration = forward(found, whole(text, tool, id));
        leave_transaction(text.text, &mut migration);
        return vec![migration];
    } else if repeatable(name) {
        MigrationTool::Flyway
    } else if within(text.path, &["supabase"]) {
        MigrationTool::Supabase
    } else {
        MigrationTool::Sql
    };
    let mut migration = forward(part(text, 0..text.text.len(), database), whole(text, tool, stem(text.path)));
    migration.repeatable = tool == MigrationTool::Flyway;
    leave_transaction(text.text, &mut migration);
    vec![migration]
}

/// Heeds the first line by which sqlx runs a file outside of a transaction; [`refine`] drops that where another tool
/// applies it. <https://docs.rs/sqlx/latest/sqlx/migrate/struct.Migration.html#structfield.no_tx>
fn leave_transaction(text: &str, migration: &mut Migration) {
    if text.starts_with("-- no-transaction") {
        migration.transactional = Some(false);
    }
}

/// Whether a file's name begins with a number, by which tools without a name for it bring files into an order.
pub(super) fn is_numbered(path: &str) -> bool {
    name(path).starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a path alone says that its file is a reverse half.
pub(super) fn is_back(path: Option<&str>) -> bool {
    path.and_then(half).is_some_and(|(_, back)| back)
}

/// A file with both halves, told apart by markers.
fn sections(text: &Text<'_>, database: Option<Database>) -> Option<Migration> {
    let (tool, up, down, alone) = MARKERS
        .iter()
        .find_map(|(tool, up, down, alone)| Some((*tool, marker(text.text, up)?, *down, *alone)))?;
    let back = marker(text.text, down);
    let (begin, end) = match &back {
        // The reverse half may stand first.
        Some(back) if back.start < up.start => (up.end, text.text.len()),
        Some(back) => (up.end, back.start),
        None => (up.end, text.text.len()),
    };
    let found = part(text, begin..end, database);
    let place = Span::new(text.file, up.clone());
    let mut migration = Migration { place, ..whole(text, tool, stem(text.path)) };
    migration.up = Some(Span::new(text.file, begin..end));
    let line_end = text.text[up.end..].find('\n').map_or(text.text.len(), |at| up.end + at);
    let options = text.text[up.end..line_end].to_ascii_lowercase();
    let bare = options.contains(alone) || alone.starts_with('+') && marker(text.text, alone).is_some();
    migration.transactional = Some(!bare);
    if let Some(back) = back {
        let end = if back.start < up.start { up.start } else { text.text.len() };
        migration.down = part(text, back.end..end, database).does();
        migration.back = Some(Span::new(text.file, back));
    }
    Some(forward(found, migration))
}

/// The migration with what its forward half does.
fn forward(found: Sql, mut migration: Migration) -> Migration {
    migration.empty = found.is_idle();
    found.tell(&mut migration);
    migration
}

/// Reads a stretch of the file.
pub(super) fn part(text: &Text<'_>, range: Range<usize>, database: Option<Database>) -> Sql {
    sql::read(&Passage::contiguous(text.file, &text.text[range.clone()], range.start), database)
}

/// Gives migrations that do not tell their database the one that all others of their folder tell.
pub(super) fn share_databases<'t>(all: &mut [Migration], path: &dyn Fn(&Migration) -> Option<&'t str>) {
    // `None` where they disagree.
    let mut told: HashMap<&str, Option<Database>> = HashMap::new();
    for migration in all.iter() {
        let (Some(path), Some(database)) = (path(migration), migration.database) else { continue };
        let one = told.entry(migration_folder(path)).or_insert(Some(database));
        if *one != Some(database) {
            *one = None;
        }
    }
    for migration in all.iter_mut().filter(|m| m.database.is_none()) {
        migration.database =
            path(migration).and_then(|path| told.get(migration_folder(path)).copied().flatten());
    }
}

/// Files in which a tool keeps for which database a folder is: Prisma's `migration_lock.toml`, Drizzle's
/// `meta/_journal.json`; and how a migration is run: Diesel's `metadata.toml`.
pub(super) fn is_lock(path: &str) -> bool {
    matches!(name(path), "migration_lock.toml" | "metadata.toml") && within(path, &["migrations"])
        || path.ends_with("meta/_journal.json")
}

/// The folder of a migration that Diesel runs outside of a transaction, by the `metadata.toml` beside its halves.
/// <https://docs.rs/diesel_migrations/latest/diesel_migrations/macro.embed_migrations.html>
pub(super) fn untransacted<'t>(path: &'t str, tree: &Tree) -> Option<&'t str> {
    let value = tree.root()?.get("run_in_transaction").filter(|_| name(path) == "metadata.toml")?;
    (value.as_str()? == "false").then(|| folder(path))
}

/// The folder that such a file speaks of, and its database.
pub(super) fn locked<'t>(path: &'t str, tree: &Tree) -> Option<(&'t str, Database)> {
    let own = folder(path);
    let (folder, key) = if path.ends_with(".toml") { (own, "provider") } else { (folder(own), "dialect") };
    let value = tree.root()?.get(key)?;
    let database = match value.as_str()? {
        "postgresql" | "cockroachdb" | "postgres" | "pg" => Database::Postgresql,
        "mysql" => Database::Mysql,
        "sqlite" | "turso" | "libsql" => Database::Sqlite,
        "sqlserver" => Database::SqlServer,
        _ => return None,
    };
    Some((folder, database))
}

/// The database that a folder or the name speaks of.
pub(super) fn database(path: &str) -> Option<Database> {
    let words = path.rsplit('/').flat_map(|part| part.split(['.', '-', '_']));
    words.into_iter().find_map(|word| match word.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "pg" | "psql" | "pgsql" | "cockroach" | "cockroachdb" => {
            Some(Database::Postgresql)
        }
        "mysql" | "mariadb" => Some(Database::Mysql),
        "sqlite" | "sqlite3" | "d1" => Some(Database::Sqlite),
        "mssql" | "sqlserver" => Some(Database::SqlServer),
        "oracle" => Some(Database::Oracle),
        "clickhouse" => Some(Database::Clickhouse),
        _ => None,
    })
}

fn parent(path: &str) -> String {
    name(folder(path)).to_owned()
}

/// The comment line that is a marker: from its dashes to the marker's end.
fn marker(text: &str, marker: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        let Some(comment) = line.trim_start().strip_prefix("--") else { continue };
        let body = comment.trim_start();
        if body.get(..marker.len()).is_some_and(|c| c.eq_ignore_ascii_case(marker)) {
            let end = start + 2 + (comment.len() - body.len()) + marker.len();
            return Some(start..end);
        }
    }
    None
}

/// What the files around a migration tell of its tool and its database.
pub(super) fn refine(
    migration: &mut Migration,
    path: &str,
    exists: &dyn Fn(&str) -> bool,
    databases: &HashMap<&str, Database>,
) {
    use MigrationTool::*;
    let above = |wanted: &str| {
        let mut folder = folder(path);
        loop {
            if exists(&if folder.is_empty() { wanted.to_owned() } else { format!("{folder}/{wanted}") }) {
                return true;
            }
            if folder.is_empty() {
                return false;
            }
            folder = self::folder(folder);
        }
    };
    let beside = |wanted: &str| exists(&crate::readers::names::beside(path, wanted));
    migration.tool = match migration.tool {
        // https://orm.drizzle.team/docs/drizzle-kit-generate
        Sql if beside("meta/_journal.json") => Drizzle,
        // https://github.com/launchbadge/sqlx/blob/main/sqlx-cli/README.md
        Sql if above("Cargo.toml") => Sqlx,
        GolangMigrate if above("Cargo.toml") && !above("go.mod") => Sqlx,
        // https://hasura.io/docs/2.0/migrations-metadata-seeds/manage-migrations/
        Diesel if !above("Cargo.toml") => Hasura,
        Flyway if above("Cargo.toml") && !above("pom.xml") && !above("build.gradle") => Refinery,
        tool => tool,
    };
    if matches!(migration.tool, Sql | GolangMigrate) {
        migration.transactional = None;
    }
    let own = self::folder(path);
    let told = || databases.get(own).or_else(|| databases.get(self::folder(own))).copied();
    migration.database = migration.database.or_else(told);
    // sqlx, Diesel, refinery and Drizzle wrap each file. https://docs.rs/sqlx/latest/sqlx/macro.migrate.html
    if migration.transactional.is_none() && matches!(migration.tool, Sqlx | Diesel | Refinery | Drizzle) {
        migration.transactional = Some(true);
    }
}
