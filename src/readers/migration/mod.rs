//! Schema migrations: which tool's, and whether a way back is written.

mod age;
mod alembic;
mod braces;
mod calls;
mod changes;
mod csharp;
mod django;
mod ecto;
mod flyway;
mod golang;
mod java;
mod liquibase;
mod php;
mod python;
mod rails;
mod ruby;
mod script;
mod sql;

pub(super) use age::look_back;
pub(super) use flyway::configured as flyway;

use super::names::{folder, name, vendored, within};
use super::{Lowering, Parsed, Text, Trees};
use crate::facts::{Down, Migration, MigrationTool, path_target};
use crate::syntax::yaml::{self, Mask};
use crate::syntax::{json, toml};
use crate::text::Span;
use flyway::Part;
use std::collections::{HashMap, HashSet};

/// How a file is written, by its path alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Alembic,
    Django,
    Rails,
    Script,
    Php,
    CSharp,
    Elixir,
    Go,
    Java,
    Sql,
    Liquibase,
    Lock,
}

/// Larger files are dumps, whose way back nobody would write.
const LARGEST: usize = 1 << 20;

pub(super) fn claims(path: &str, _: bool) -> bool {
    form(path).is_some() && !vendored(path)
}

fn form(path: &str) -> Option<Form> {
    let (stem, ending) = name(path).rsplit_once('.')?;
    let numbered = stem.starts_with(|c: char| c.is_ascii_digit());
    let parent = name(folder(path));
    let migrations = within(path, &["migrations", "migration", "migrate"]);
    match ending {
        "py" if parent == "versions" && within(path, &["alembic", "migrations", "migration"]) => {
            Some(Form::Alembic)
        }
        "py" if parent.ends_with("migrations") && numbered => Some(Form::Django),
        "rb" if numbered && within(path, &["db"]) && parent.ends_with("migrate") => Some(Form::Rails),
        "js" | "ts" | "cjs" | "mjs" if migrations && (numbered || dated(stem)) && !stem.ends_with(".d") => {
            Some(Form::Script)
        }
        "php" if parent == "migrations" && numbered => Some(Form::Php),
        "php" if dated(stem) && (migrations || within(path, &["DoctrineMigrations"])) => Some(Form::Php),
        "cs" if path.contains("Migrations/") && numbered && !stem.ends_with(".Designer") => {
            Some(Form::CSharp)
        }
        "exs" if parent.ends_with("migrations") && numbered => Some(Form::Elixir),
        "go" if migrations && numbered && !stem.ends_with("_test") => Some(Form::Go),
        "java" | "kt" if migrations && stem.starts_with(['V', 'R']) && stem.contains("__") => {
            Some(Form::Java)
        }
        "sql" if sql::claims(path) => Some(Form::Sql),
        "toml" | "json" if sql::is_lock(path) => Some(Form::Lock),
        "xml" | "yaml" | "yml" | "json" if liquibase::is_changelog(path) => Some(Form::Liquibase),
        _ => None,
    }
}

/// `Version20240101…` of Doctrine, `Migration20240101…` of MikroORM.
fn dated(stem: &str) -> bool {
    let rest = stem.strip_prefix("Version").or_else(|| stem.strip_prefix("Migration"));
    rest.is_some_and(|rest| rest.trim_start_matches('_').starts_with(|c: char| c.is_ascii_digit()))
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if text.text.len() > LARGEST {
        return parsed;
    }
    if sql::is_lock(text.path) {
        let json = text.path.ends_with(".json");
        parsed.tree =
            Some(if json { json::parse(text.file, text.text) } else { toml::parse(text.file, text.text) });
        return parsed;
    }
    let form = form(text.path);
    let mut found = match form {
        Some(Form::Alembic) => python::alembic(text).into_iter().collect(),
        Some(Form::Django) => python::django(text).into_iter().collect(),
        Some(Form::Rails) => ruby::rails(text).into_iter().collect(),
        Some(Form::Script) => braces::script(text).into_iter().collect(),
        Some(Form::Php) => braces::php(text).into_iter().collect(),
        Some(Form::CSharp) => braces::csharp(text).into_iter().collect(),
        Some(Form::Elixir) => ecto::ecto(text).into_iter().collect(),
        Some(Form::Go) => golang::goose(text).into_iter().collect(),
        Some(Form::Java) => java::flyway(text).into_iter().collect(),
        Some(Form::Sql) => sql::read(text),
        Some(Form::Liquibase) => liquibase::read(text),
        // Somebody sent for it: settings of Flyway name other endings.
        None => sql::read(text),
        Some(Form::Lock) => Vec::new(),
    };
    if !found.is_empty() && matches!(form, Some(Form::Sql | Form::Script) | None) {
        // Halves that are files of their own meet in `lower`, which sees files by their tree and asks what lies
        // around them; what a script does not tell of its tool, others of its folder do.
        parsed.tree = Some(yaml::parse(text.file, "", Mask::None));
    }
    for migration in &mut found {
        migration.target = path_target(text.path, text.file, text.environments);
    }
    Migration::settle_all(&mut found);
    parsed.facts.migrations = found;
    parsed
}

/// A migration that is the whole file.
fn whole(text: &Text<'_>, tool: MigrationTool, id: impl Into<String>) -> Migration {
    Migration::new(Span::start_of(text.file), tool, id)
}

/// Joins halves that are files of their own: `1_a.up.sql` and `1_a.down.sql`. A reverse half alone is no
/// migration.
pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let locks = || trees.values().filter(|(path, _)| sql::is_lock(path));
    let databases = locks().filter_map(|(path, tree)| sql::locked(path, tree)).collect();
    let bare: HashSet<&str> = locks().filter_map(|(path, tree)| sql::untransacted(path, tree)).collect();
    let namings = std::mem::take(&mut lowering.facts.migration_namings);
    let all = &mut lowering.facts.migrations;
    let path_of = |m: &Migration| trees.get(&m.place.file).map(|(path, _)| *path);
    let part = |m: &Migration| flyway::part(&namings, path_of(m)?);
    // What is a migration by its folder alone is none without a number.
    let by_folder = |m: &Migration| matches!(m.tool, MigrationTool::Sql | MigrationTool::Supabase);
    all.retain(|m| {
        path_of(m).is_none_or(|path| !by_folder(m) || sql::is_numbered(path) || part(m).is_some())
    });
    let half = |m: &Migration| {
        let path = path_of(m)?;
        match part(m) {
            Some(Part::Forward(version)) => Some((format!("{}/{version}", folder(path)), false)),
            Some(Part::Back(version)) => Some((format!("{}/{version}", folder(path)), true)),
            Some(Part::Repeatable) => None,
            None => sql::half(path),
        }
    };
    let mut backs = HashMap::new();
    for migration in all.iter() {
        if let Some((key, true)) = half(migration) {
            // A name that only settings tell to be a reverse half was read as a forward one.
            let does = if migration.empty { Down::OnlyComments } else { Down::Full };
            let down = if sql::is_back(path_of(migration)) { migration.down } else { does };
            backs.insert(key, (down, migration.place));
        }
    }
    all.retain(|m| half(m).is_none_or(|(_, back)| !back));
    for migration in all.iter_mut() {
        let Some(path) = path_of(migration) else { continue };
        if let Some((down, place)) = half(migration).and_then(|(key, _)| backs.get(&key)) {
            migration.down = *down;
            migration.back = Some(*place);
        }
        match part(migration) {
            Some(part) => flyway::rename(migration, part),
            None => sql::refine(migration, path, &|wanted| (lowering.file)(wanted).is_some(), &databases),
        }
        // <https://docs.rs/diesel_migrations/latest/diesel_migrations/struct.FileBasedMigrations.html>
        if migration.tool == MigrationTool::Diesel && bare.contains(folder(path)) {
            migration.transactional = Some(false);
        }
    }
    share_tools(all, &path_of);
    sql::share_databases(all, &path_of);
}

/// Gives scripts that do not name their tool the one that all others of their folder name.
fn share_tools<'t>(all: &mut [Migration], path: &dyn Fn(&Migration) -> Option<&'t str>) {
    // `None` where they disagree.
    let mut told: HashMap<&str, Option<MigrationTool>> = HashMap::new();
    for migration in all.iter().filter(|m| m.tool != MigrationTool::Javascript) {
        let Some(path) = path(migration) else { continue };
        let one = told.entry(folder(path)).or_insert(Some(migration.tool));
        if *one != Some(migration.tool) {
            *one = None;
        }
    }
    for migration in all.iter_mut().filter(|m| m.tool == MigrationTool::Javascript) {
        let named = path(migration).and_then(|path| told.get(folder(path)).copied().flatten());
        migration.tool = named.unwrap_or(MigrationTool::Javascript);
    }
}

/// The file's name without its ending: most tools' id.
fn stem(path: &str) -> String {
    let name = name(path);
    name.split_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod code_tests;
