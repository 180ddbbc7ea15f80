//! SQL files: golang-migrate, goose, dbmate, sql-migrate, Flyway, Prisma, Diesel, Supabase.

use super::{stem, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::readers::names::{folder, name, within};
use crate::text::Span;

/// Markers of a section within one file: tool, forward, reverse.
const MARKERS: &[(MigrationTool, &str, &str)] = &[
    // https://pressly.github.io/goose/documentation/annotations/
    (MigrationTool::Goose, "+goose up", "+goose down"),
    // https://github.com/amacneil/dbmate
    (MigrationTool::Dbmate, "migrate:up", "migrate:down"),
    // https://github.com/rubenv/sql-migrate
    (MigrationTool::SqlMigrate, "+migrate up", "+migrate down"),
];

/// For a file that is one half of a migration: what both halves have in common, and whether it is the
/// reverse half. golang-migrate, Flyway (V and U), Diesel and Prisma.
pub(super) fn half(path: &str) -> Option<(String, bool)> {
    let (folder, name) = (folder(path), name(path));
    for (ending, back) in [(".up.sql", false), (".down.sql", true)] {
        if let Some(stem) = name.strip_suffix(ending) {
            return Some((format!("{folder}/{stem}"), back));
        }
    }
    match name {
        "up.sql" | "migration.sql" => return Some((format!("{folder}/"), false)),
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

pub(super) fn read(text: &Text<'_>) -> Vec<Migration> {
    let name = name(text.path);
    if let Some((_, back)) = half(text.path) {
        let (tool, id) = match flyway(name) {
            Some((version, _)) => (MigrationTool::Flyway, version.to_owned()),
            None if name == "migration.sql" || within(text.path, &["prisma"]) => {
                (MigrationTool::Prisma, parent(text.path))
            }
            None if matches!(name, "up.sql" | "down.sql") => (MigrationTool::Diesel, parent(text.path)),
            None => (MigrationTool::GolangMigrate, stem(text.path)),
        };
        let does = does(text.text);
        // The reverse half brings its own answer, which `lower` moves to the forward half.
        let down = if back { does } else { Down::Missing };
        return vec![Migration { down, empty: !back && !acts(does), ..whole(text, tool, id) }];
    }
    for (tool, up, down) in MARKERS {
        let Some((_, forward)) = marker(text.text, up) else { continue };
        let back = marker(text.text, down);
        let until = back.map_or(text.text.len(), |(at, _)| at);
        let empty = !acts(does(&text.text[forward.min(until)..until]));
        let (place, down) = match back {
            Some((at, from)) => (Some(Span::new(text.file, at..from)), does(&text.text[from..])),
            None => (None, Down::Missing),
        };
        return vec![Migration { back: place, down, empty, ..whole(text, *tool, stem(text.path)) }];
    }
    let numbered = name.starts_with(|c: char| c.is_ascii_digit());
    // Supabase knows no way back: https://supabase.com/docs/guides/deployment/database-migrations
    if numbered && within(text.path, &["supabase"]) {
        let empty = !acts(does(text.text));
        return vec![Migration { empty, ..whole(text, MigrationTool::Supabase, stem(text.path)) }];
    }
    Vec::new()
}

/// Whether a half of this kind changes anything.
fn acts(half: Down) -> bool {
    !matches!(half, Down::Empty | Down::OnlyComments)
}

fn parent(path: &str) -> String {
    name(folder(path)).to_owned()
}

/// The comment line that is a marker: its start and its end.
fn marker(text: &str, marker: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let comment = body.trim_start().strip_prefix("--").map(str::trim_start);
        let begins =
            comment.and_then(|c| c.get(..marker.len())).is_some_and(|c| c.eq_ignore_ascii_case(marker));
        if begins {
            return Some((at + body.len() - body.trim_start().len(), at + body.len()));
        }
        at += line.len();
    }
    None
}

/// What statements do, comments left out.
fn does(sql: &str) -> Down {
    let mut rest = sql;
    let mut statements = String::new();
    while let Some(at) = ["--", "/*"].iter().filter_map(|mark| rest.find(mark)).min() {
        statements.push_str(&rest[..at]);
        let end = if rest[at..].starts_with("--") {
            rest[at..].find('\n').map(|i| at + i)
        } else {
            rest[at..].find("*/").map(|i| at + i + 2)
        };
        rest = end.map_or("", |end| &rest[end..]);
    }
    statements.push_str(rest);
    let upper = statements.to_ascii_uppercase();
    let words: Vec<&str> = upper.split([';', ' ', '\n', '\r', '\t']).filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        [] | ["SELECT", "1"] | ["BEGIN", "COMMIT"] | ["BEGIN", "END"] => Down::Empty,
        ["DO", ..] if upper.contains("RAISE EXCEPTION") => Down::Raises,
        _ => Down::Full,
    }
}
