//! Liquibase: change sets in XML, YAML, JSON and formatted SQL. Each is a migration.
//! <https://docs.liquibase.com/concepts/changelogs/home.html>

mod change;
mod formatted;
mod markup;

pub(super) use formatted::formatted;

use crate::facts::{Database, Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::readers::names::{ends, name, within};
use crate::readers::sql::Sql;
use crate::syntax::{json, yaml};
use crate::text::Span;
use change::Change;

/// Whether a file may be a change log, by its path.
pub(super) fn is_changelog(path: &str) -> bool {
    let told = within(path, &["liquibase", "changelog", "changelogs", "changeset", "changesets"]);
    let own = name(path).to_ascii_lowercase();
    let named = own.contains("changelog") || own.contains("changeset");
    if ends(path, &[".xml", ".sql"]) {
        return told || named;
    }
    // Release notes are kept in files of these names too, but not among resources.
    ends(path, &[".yaml", ".yml", ".json"])
        && (told || named && within(path, &["db", "resources", "database", "migrations", "migration"]))
}

/// A change set, as far as it was read.
struct ChangeSet {
    place: Span,
    body: Span,
    author: String,
    id: String,
    database: Option<Database>,
    transactional: bool,
    repeatable: bool,
    changes: Vec<Change>,
    /// What is written as the way back, and where.
    rollback: Option<(Down, Span)>,
}

impl ChangeSet {
    fn new(place: Span) -> ChangeSet {
        ChangeSet {
            place,
            body: place,
            author: String::new(),
            id: String::new(),
            database: None,
            transactional: true,
            repeatable: false,
            changes: Vec::new(),
            rollback: None,
        }
    }

    /// Takes over an attribute, whatever the format.
    fn attribute(&mut self, key: &str, value: &str) {
        match key {
            "author" => self.author = value.to_owned(),
            "id" => self.id = value.to_owned(),
            "dbms" => self.database = dbms(value),
            "runInTransaction" => self.transactional = !value.eq_ignore_ascii_case("false"),
            "runOnChange" | "runAlways" => self.repeatable |= value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }

    fn migration(self) -> Migration {
        let id = if self.author.is_empty() { self.id } else { format!("{}:{}", self.author, self.id) };
        let mut migration = Migration::new(self.place, MigrationTool::Liquibase, id);
        migration.up = Some(self.body);
        migration.transactional = Some(self.transactional);
        migration.repeatable = self.repeatable;
        migration.database = self.database;
        let derived = self.changes.iter().all(Change::is_reversed);
        migration.down = match self.rollback {
            Some((down, place)) => {
                migration.back = Some(place);
                down
            }
            None if derived => Down::Derived,
            None => Down::Missing,
        };
        migration.empty = self.changes.iter().all(Change::is_idle);
        for change in self.changes {
            change.tell(&mut migration);
        }
        migration
    }
}

/// The database of a `dbms` attribute that names one.
fn dbms(value: &str) -> Option<Database> {
    match value.trim() {
        "postgresql" | "cockroachdb" => Some(Database::Postgresql),
        "mysql" | "mariadb" | "mysql,mariadb" | "mysql, mariadb" => Some(Database::Mysql),
        "sqlite" => Some(Database::Sqlite),
        "mssql" => Some(Database::SqlServer),
        "oracle" => Some(Database::Oracle),
        _ => None,
    }
}

/// Reads a change log that is no SQL.
pub(super) fn read(text: &Text<'_>) -> Vec<Migration> {
    let sets = if text.path.ends_with(".xml") {
        markup::xml(text)
    } else if !text.text.contains("databaseChangeLog") {
        Vec::new()
    } else if text.path.ends_with(".json") {
        markup::tree(&json::parse(text.file, text.text))
    } else {
        markup::tree(&yaml::parse(text.file, text.text, yaml::Mask::None))
    };
    sets.into_iter().map(ChangeSet::migration).collect()
}

/// What SQL that is written as a way back does.
fn way_back(sql: &Sql) -> Down {
    sql.does()
}
