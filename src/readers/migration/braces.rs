//! Languages with braces: Knex, Sequelize, TypeORM, Laravel, Phinx, Entity Framework.
//! <https://knexjs.org/guide/migrations.html>, <https://sequelize.org/docs/v6/other-topics/migrations/>,
//! <https://typeorm.io/docs/migrations/why>, <https://laravel.com/docs/migrations>,
//! <https://learn.microsoft.com/en-us/ef/core/managing-schemas/migrations/>

use super::{csharp, php, script, stem, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::text::Span;
use std::ops::Range;

pub(super) fn script(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text, false);
    let says = |word: &str| masked.contains(word);
    let tool = if text.text.contains("mikro-orm") {
        MigrationTool::MikroOrm
    } else if ["MigrationInterface", "QueryRunner", "ReversibleMigration", "MigrationContext"]
        .iter()
        .any(|w| says(w))
    {
        MigrationTool::Typeorm
    } else if says("queryInterface") || says("QueryInterface") {
        MigrationTool::Sequelize
    } else if says("knex") || says("Knex") {
        MigrationTool::Knex
    } else if text.text.contains("node-pg-migrate") || says("pgm") {
        MigrationTool::NodePgMigrate
    } else {
        MigrationTool::Javascript
    };
    let mut migration = read(text, &masked, tool, "up", "down")?;
    match tool {
        // It reverses by itself what it can: https://salsita.github.io/node-pg-migrate/migrations/
        MigrationTool::NodePgMigrate if migration.down == Down::Missing => migration.down = Down::Derived,
        MigrationTool::NodePgMigrate => migration.transactional = Some(!says("noTransaction(")),
        MigrationTool::Knex if masked.contains("transaction: false") => migration.transactional = Some(false),
        MigrationTool::Typeorm if masked.contains("transaction = false") => {
            migration.transactional = Some(false)
        }
        _ => {}
    }
    if let Some(up) = migration.up {
        script::operations(text, &masked, up.range(), &mut migration);
    }
    Some(migration)
}

pub(super) fn php(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text, true);
    let doctrine = ["addSql(", "Doctrine\\Migrations", "Doctrine\\DBAL\\Schema\\Schema"];
    let doctrine = doctrine.iter().any(|word| masked.contains(word));
    let tool = if doctrine {
        MigrationTool::Doctrine
    } else if masked.contains("AbstractMigration") || masked.contains("BaseMigration") {
        MigrationTool::Phinx
    } else {
        MigrationTool::Laravel
    };
    let change = if tool == MigrationTool::Phinx { method(&masked, "change") } else { None };
    let mut migration = match change {
        // Phinx reverses `change` itself, but for what it cannot.
        Some(change) => {
            let body = &masked[change.body.clone()];
            let refused = ["->execute(", "->removeColumn(", "->changeColumn(", "->insert("];
            let down =
                if refused.iter().any(|call| body.contains(call)) { Down::Missing } else { Down::Derived };
            let head = Some(Span::new(text.file, change.name));
            let up = Some(Span::new(text.file, change.body.clone()));
            let empty = does(body, body).is_nothing();
            Migration { down, empty, up, back: head, ..whole(text, tool, stem(text.path)) }
        }
        None => read(text, &masked, tool, "up", "down")?,
    };
    if let Some(up) = migration.up {
        php::operations(text, &masked, up.range(), &mut migration);
    }
    Some(migration)
}

pub(super) fn csharp(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text, false);
    if !masked.contains("MigrationBuilder") {
        return None;
    }
    let mut migration = read(text, &masked, MigrationTool::EfCore, "Up", "Down")?;
    if masked.contains("suppressTransaction: true") {
        migration.transactional = Some(false);
    }
    if let Some(up) = migration.up {
        csharp::operations(text, &masked, up.range(), &mut migration);
    }
    Some(migration)
}

fn read(text: &Text<'_>, masked: &str, tool: MigrationTool, up: &str, down: &str) -> Option<Migration> {
    let forward = method(masked, up)?;
    let empty = does(&masked[forward.body.clone()], &text.text[forward.body.clone()]).is_nothing();
    let (place, down) = match method(masked, down) {
        Some(back) => {
            (Some(Span::new(text.file, back.name)), does(&masked[back.body.clone()], &text.text[back.body]))
        }
        None if refuses(masked, down) => (None, Down::Raises),
        // It may be there, in a form that is not understood.
        None if !balanced(masked) || mentions(masked, down) => return None,
        None => (None, Down::Missing),
    };
    let up = Some(Span::new(text.file, forward.body));
    Some(Migration { back: place, down, empty, up, ..whole(text, tool, stem(text.path)) })
}

/// `exports.down = false`: <https://salsita.github.io/node-pg-migrate/migrations/>
fn refuses(masked: &str, down: &str) -> bool {
    let squeezed: String = masked.split_whitespace().collect();
    squeezed.contains(&format!("{down}=false"))
}

/// The body of a function that is written in place, or of one of this name.
pub(super) fn body_of(masked: &str, written: &str) -> Option<Range<usize>> {
    if written.starts_with("func(") || written.starts_with("func (") {
        let at = masked.find(written)?;
        return declared(masked, at + written.find('(')?);
    }
    method(masked, written).map(|method| method.body)
}

/// The text with comments blanked and strings filled, byte for byte.
pub(super) fn mask(text: &str, hash: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let until =
            |mark: &[u8]| rest.windows(mark.len()).position(|w| w == mark).map_or(bytes.len(), |i| at + i);
        if rest.starts_with(b"//") || (hash && rest[0] == b'#' && !rest.starts_with(b"#[")) {
            let end = until(b"\n");
            out[at..end].fill(b' ');
            at = end;
        } else if rest.starts_with(b"/*") {
            let end = (until(b"*/") + 2).min(bytes.len());
            out[at..end].fill(b' ');
            at = end;
        } else if rest.starts_with(b"\"\"\"") {
            // Raw in C#, a text block in Java and Kotlin.
            let end = rest[3..].windows(3).position(|w| w == b"\"\"\"").map_or(bytes.len(), |i| at + 3 + i);
            out[at + 3..end].fill(b'_');
            at = (end + 3).min(bytes.len());
        } else if let quote @ (b'"' | b'\'' | b'`') = rest[0] {
            // Verbatim in C#; PHP's strings may all go on.
            let verbatim = quote == b'"' && matches!(&bytes[..at], [.., b'@'] | [.., b'@', b'$']);
            let goes_on = quote == b'`' || hash || verbatim;
            let mut end = at + 1;
            while end < bytes.len() && (goes_on || bytes[end] != b'\n') {
                if verbatim && bytes[end..].starts_with(b"\"\"") {
                    end += 1;
                } else if bytes[end] == quote {
                    break;
                } else if bytes[end] == b'\\' && !verbatim {
                    end += 1;
                }
                end += 1;
            }
            let end = end.min(bytes.len());
            out[at + 1..end].fill(b'_');
            at = end + 1;
        } else {
            at += 1;
        }
    }
    String::from_utf8(out)
        .unwrap_or_else(|e| String::from_utf8_lossy(&e.into_bytes()).replace('\u{fffd}', "?"))
}

pub(super) struct Method {
    pub(super) name: Range<usize>,
    pub(super) body: Range<usize>,
}

/// A function of this name, however it is written: `exports.down = function (k) {…}`, `down: (q) => …`,
/// `async down(q): Promise<void> {…}`, `function down() {…}`.
pub(super) fn method(masked: &str, name: &str) -> Option<Method> {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
    let bytes = masked.as_bytes();
    // More occurrences than this are no migration's; each costs a search.
    for (at, _) in masked.match_indices(name).take(200) {
        let end = at + name.len();
        let whole =
            !at.checked_sub(1).is_some_and(|b| word(bytes[b])) && !bytes.get(end).is_some_and(|b| word(*b));
        if !whole {
            continue;
        }
        // A call of another object's method (`schema.up(…)`) is no definition; `exports.up = ` is one.
        let dotted = at.checked_sub(1).is_some_and(|b| matches!(bytes[b], b'.' | b'>'));
        let after = skip_blanks(masked, end);
        let body = match bytes.get(after) {
            Some(b'(') if !dotted => declared(masked, after),
            Some(b'=' | b':') => assigned(masked, after + 1),
            _ => None,
        };
        if let Some(body) = body {
            return Some(Method { name: at..end, body });
        }
    }
    None
}

/// Whether the text speaks of this name as a whole word.
fn mentions(masked: &str, name: &str) -> bool {
    masked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// Whether every bracket is closed; otherwise some string was taken for code, or code for a string.
fn balanced(masked: &str) -> bool {
    let open = masked.bytes().filter(|b| matches!(b, b'(' | b'[' | b'{')).count();
    open == masked.bytes().filter(|b| matches!(b, b')' | b']' | b'}')).count()
}

fn skip_blanks(text: &str, from: usize) -> usize {
    text.len() - text[from..].trim_start().len()
}

/// The body behind a parameter list at `open`.
fn declared(masked: &str, open: usize) -> Option<Range<usize>> {
    let close = closing(masked, open)?;
    let brace = close + 1 + masked[close + 1..].find(['{', ';'])?;
    block(masked, brace)
}

/// The body of a function that is assigned at `from`: `function (…) {…}`, `(…) => {…}`, `x => expression`.
fn assigned(masked: &str, from: usize) -> Option<Range<usize>> {
    let start = skip_blanks(masked, from);
    let rest = masked[start..].strip_prefix("async").map_or(&masked[start..], str::trim_start);
    let at = masked.len() - rest.len();
    if rest.starts_with("function") {
        return declared(masked, at + rest.find('(')?);
    }
    let parameters = if rest.starts_with('(') { closing(masked, at)? } else { at };
    let arrow = parameters + masked[parameters..].find("=>")?;
    if masked[parameters..arrow].contains([';', '\n']) && !rest.starts_with('(') {
        return None;
    }
    let body = skip_blanks(masked, arrow + 2);
    if masked[body..].starts_with('{') {
        return block(masked, body);
    }
    // An expression, up to the end of its statement.
    let mut depth = 0usize;
    for (offset, b) in masked[body..].bytes().enumerate() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return Some(body..body + offset),
            b')' | b']' | b'}' => depth -= 1,
            b';' | b',' if depth == 0 => return Some(body..body + offset),
            _ => {}
        }
    }
    Some(body..masked.len())
}

fn block(masked: &str, brace: usize) -> Option<Range<usize>> {
    if !masked[brace..].starts_with('{') {
        return None;
    }
    Some(brace + 1..closing(masked, brace)?)
}

/// The bracket that closes the one at `open`; strings and comments are masked already.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, b) in text.bytes().enumerate().skip(open) {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What a body does; `text` is the same with its comments.
fn does(body: &str, text: &str) -> Down {
    let squeezed: String = body.split_whitespace().collect();
    let bare = squeezed.trim_end_matches(';').trim_start_matches("return").trim_start_matches("await");
    match bare {
        "" if !text.trim().is_empty() && squeezed.is_empty() => Down::OnlyComments,
        "" | "Promise.resolve()" | "null" | "true" | "undefined" | "Promise.resolve(true)" | "{}" => {
            Down::Empty
        }
        _ if squeezed.starts_with("throw") || bare.starts_with("Promise.reject(") => Down::Raises,
        _ => Down::Full,
    }
}
