//! How Flyway is told to name migrations and where to look for them. What nothing tells is Flyway's own default.
//! <https://documentation.red-gate.com/flyway/reference/configuration/flyway-namespace>

use super::super::names::folder;
use super::super::{Parsed, Text, Want};
use crate::facts::{Migration, MigrationNaming, MigrationTool, Setting};
use crate::syntax::ini;
use crate::text::Span;

/// More places and endings of one file tell nothing more.
const MOST: usize = 16;

/// Looks in a configuration file for names that Flyway's own settings, or those that Spring and Quarkus pass on, give to
/// migrations, and sends for the files that have them.
pub(in crate::readers) fn configured(text: &Text<'_>, parsed: &mut Parsed) {
    if !text.text.contains("lyway") {
        return;
    }
    let mut naming = default(text);
    let mut suffixes: Option<Vec<String>> = None;
    let mut places: Vec<String> = Vec::new();
    let mut named = false;
    let mut told = |path: &str, value: &str| {
        // Of a value that is filled in elsewhere nothing is known.
        let Some(key) = key(path).filter(|_| !value.contains("${")) else { return };
        let all = || value.split(',').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).take(MOST);
        match key.as_str() {
            "locations" => return places.extend(all()),
            "sqlmigrationprefix" => naming.versioned = value.to_owned(),
            "undosqlmigrationprefix" => naming.undo = value.to_owned(),
            "repeatablesqlmigrationprefix" => naming.repeatable = value.to_owned(),
            "sqlmigrationseparator" if !value.is_empty() => naming.separator = value.to_owned(),
            "sqlmigrationsuffixes" | "sqlmigrationsuffix" => suffixes.get_or_insert_default().extend(all()),
            _ => return,
        }
        named = true;
    };
    match text.path.rsplit('.').next() {
        Some("properties" | "conf") => {
            // Here a key without a value says "none", which is no setting elsewhere.
            let file = ini::parse_properties(text.file, text.text);
            file.entries.iter().for_each(|e| told(&e.key.value, e.value.value.trim()));
        }
        _ => parsed.facts.settings.iter().for_each(|s: &Setting| told(&s.path, s.setting.text().trim())),
    }
    if !named {
        return;
    }
    if let Some(mut suffixes) = suffixes.filter(|all| !all.is_empty()) {
        suffixes.truncate(MOST);
        naming.suffixes = suffixes;
    }
    naming.folders = places.iter().take(MOST).flat_map(|place| folders(text.path, place)).collect();
    for folder in &naming.folders {
        let files = naming.suffixes.iter().map(|end| format!("{folder}/**/*{end}"));
        parsed.wants.extend(files.map(|path| Want { path, kind: "migration" }));
    }
    parsed.facts.migration_namings.push(naming);
}

/// The last part of a key of Flyway's, without signs and in lower case: `spring.flyway.sql-migration-suffixes.0`.
fn key(path: &str) -> Option<String> {
    let mut parts = path.rsplit('.').skip_while(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let key = parts.next()?;
    let plain = |part: &str| part.replace(['-', '_'], "").to_ascii_lowercase();
    parts.any(|part| plain(part).contains("flyway")).then(|| plain(key))
}

fn default(text: &Text<'_>) -> MigrationNaming {
    MigrationNaming {
        place: Span::start_of(text.file),
        below: project(text.path).to_owned(),
        folders: Vec::new(),
        versioned: "V".into(),
        undo: "U".into(),
        repeatable: "R".into(),
        separator: "__".into(),
        suffixes: vec![".sql".into()],
    }
}

/// The folder of the project that a configuration file is for.
fn project(path: &str) -> &str {
    let own = folder(path);
    let above =
        own.find("src/main/resources").or_else(|| own.rfind("/conf").filter(|at| at + 5 == own.len()));
    match above {
        Some(at) => own[..at].trim_end_matches('/'),
        None if own == "conf" => "",
        None => own,
    }
}

/// The folders that a location may mean: `classpath:db/migration`, `filesystem:sql`, `db/{vendor}`.
/// <https://documentation.red-gate.com/flyway/reference/configuration/flyway-namespace/flyway-locations-setting>
fn folders(path: &str, location: &str) -> Vec<String> {
    let (scheme, place) = location.split_once(':').unwrap_or(("classpath", location));
    let place = place.split(['{', '*']).next().unwrap_or("").trim_start_matches("./").trim_end_matches('/');
    let join = |above: &str, below: &str| match (above, below) {
        (above, "") => above.to_owned(),
        ("", below) => below.to_owned(),
        (above, below) => format!("{above}/{below}"),
    };
    let project = project(path);
    // What is absolute lies in an image, and what goes up leaves the project.
    let mut all = match scheme {
        "filesystem" if !place.starts_with('/') => vec![join(project, place), place.to_owned()],
        "classpath" => {
            let resources = join(project, "src/main/resources");
            vec![join(&resources, place.trim_start_matches('/'))]
        }
        _ => Vec::new(),
    };
    all.retain(|folder| !folder.is_empty() && !folder.split('/').any(|part| part == ".."));
    all.dedup();
    all
}

/// What a file is to Flyway, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'p> {
    /// A versioned migration, with its version.
    Forward(&'p str),
    /// What takes one back, with its version.
    Back(&'p str),
    /// One that runs whenever it changes.
    Repeatable,
}

/// What the file at this path is by the namings that hold there.
pub(super) fn part<'p>(namings: &[MigrationNaming], path: &'p str) -> Option<Part<'p>> {
    namings.iter().filter(|naming| holds(naming, path)).find_map(|naming| named(naming, path))
}

fn holds(naming: &MigrationNaming, path: &str) -> bool {
    let below = |folder: &str| {
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    if naming.folders.is_empty() { below(&naming.below) } else { naming.folders.iter().any(|f| below(f)) }
}

fn named<'p>(naming: &MigrationNaming, path: &'p str) -> Option<Part<'p>> {
    let name = super::name(path);
    let stem = naming.suffixes.iter().find_map(|end| name.strip_suffix(end.as_str()))?;
    let version = |prefix: &str| {
        let rest = stem.strip_prefix(prefix)?;
        let version = rest.split_once(naming.separator.as_str()).map_or(rest, |(version, _)| version);
        let numbered = version.starts_with(|c: char| c.is_ascii_digit())
            && version.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
        numbered.then_some(version)
    };
    let repeatable = || {
        let rest = stem.strip_prefix(naming.repeatable.as_str())?;
        (!naming.repeatable.is_empty() && rest.starts_with(naming.separator.as_str()))
            .then_some(Part::Repeatable)
    };
    version(&naming.versioned)
        .map(Part::Forward)
        .or_else(|| version(&naming.undo).map(Part::Back))
        .or_else(repeatable)
}

/// Makes a migration what the naming says that it is.
pub(super) fn rename(migration: &mut Migration, part: Part<'_>) {
    migration.tool = MigrationTool::Flyway;
    match part {
        Part::Forward(version) | Part::Back(version) => migration.id = version.to_owned(),
        Part::Repeatable => migration.repeatable = true,
    }
}
