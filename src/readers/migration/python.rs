//! Alembic and Django.
//! <https://alembic.sqlalchemy.org/en/latest/tutorial.html>,
//! <https://docs.djangoproject.com/en/stable/ref/migration-operations/>

use super::calls::Code;
use super::{alembic, django, stem, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::text::Span;
use std::ops::Range;

/// What stands for a parent that is not written as a text: nothing is known of the order then.
pub(in crate::readers) const UNTOLD: &str = "?";

pub(super) fn alembic(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text);
    let lines = logical(&masked);
    let value = |name: &str| lines.iter().find_map(|l| assigned(l, &masked, name));
    let revision = value("revision")?;
    let mut migration = whole(text, MigrationTool::Alembic, unquoted(&text.text[revision]));
    for name in ["down_revision", "depends_on"] {
        let Some(range) = value(name) else { continue };
        let code = Code::with(text.text, &masked, Vec::new());
        let parents = code.strings(range.clone());
        if parents.is_empty() && !matches!(&masked[range], "None" | "()" | "[]") {
            migration.parents.push(UNTOLD.to_owned());
        }
        migration.parents.extend(parents.into_iter().map(str::to_owned));
    }
    let up = function(&lines, &masked, text.text, "upgrade");
    let back = function(&lines, &masked, text.text, "downgrade");
    // A revision that joins branches has two parents and does nothing.
    migration.empty = up.as_ref().is_none_or(|up| up.does.is_nothing());
    match back {
        Some(back) => {
            migration.back = Some(Span::new(text.file, back.head));
            migration.down = back.does;
        }
        // It is there, in a form that is not understood.
        None if text.text.contains("def downgrade") => return None,
        None => {}
    }
    if let Some(up) = up {
        migration.up = Some(Span::new(text.file, up.body.clone()));
        migration.transactional = Some(!masked.contains("autocommit_block("));
        alembic::operations(text, &masked, up.body, &mut migration);
    }
    Some(migration)
}

pub(super) fn django(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text);
    let class = masked.find("class Migration")?;
    let list = |name: &str| {
        let lines = masked[class..].match_indices(name).map(|(at, _)| class + at);
        lines.take(MOST_MENTIONS).find_map(|at| {
            let rest = masked[at + name.len()..].trim_start();
            let begins = masked[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
            let value = rest.strip_prefix('=').filter(|r| begins && !r.starts_with('='))?;
            let open = masked.len() - value.trim_start().len();
            if !value.trim_start().starts_with(['[', '(']) {
                return None;
            }
            let mut end = closing(&masked, open)? + 1;
            // `[…] + […]`
            while let Some(more) = masked[end..].trim_start().strip_prefix('+') {
                let next = masked.len() - more.trim_start().len();
                if !more.trim_start().starts_with(['[', '(']) {
                    break;
                }
                end = closing(&masked, next)? + 1;
            }
            Some(open..end)
        })
    };
    let operations = list("operations")?;
    let mut migration = whole(text, MigrationTool::Django, stem(text.path));
    let plain = Code::with(text.text, &masked, Vec::new());
    if let Some(dependencies) = list("dependencies") {
        migration.parents = django::pairs(&plain, dependencies);
    }
    if let Some(replaced) = list("replaces") {
        migration.replaces = django::pairs(&plain, replaced);
    }
    migration.up = Some(Span::new(text.file, operations.clone()));
    let inner = masked[operations.clone()].trim_matches(['[', ']', '(', ')']);
    migration.empty = inner.trim().is_empty();
    migration.transactional = Some(!masked[class..].contains("atomic = False"));
    migration.down = Down::Derived;
    let code = Code::new(text.text, &masked, operations.clone());
    for call in &code.calls {
        let reverse = match code.name(call) {
            "RunPython" => "reverse_code",
            "RunSQL" => "reverse_sql",
            _ => continue,
        };
        let back = code.either(call, 1, reverse).map(|range| &masked[range]);
        if back.is_none_or(|back| back == "None") {
            migration.down = Down::Missing;
            migration.back = Some(Span::new(text.file, call.name.clone()));
            break;
        }
    }
    django::operations(text, &masked, operations, &mut migration);
    Some(migration)
}

/// So often a word is looked at for the assignment that it may be.
const MOST_MENTIONS: usize = 50;

/// The text with comments and the insides of strings blanked, byte for byte.
pub(super) fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let blank = |out: &mut Vec<u8>, range: Range<usize>| {
        for b in &mut out[range] {
            if !matches!(*b, b'\n' | b'\r') {
                *b = b' ';
            }
        }
    };
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i);
                blank(&mut out, at..end);
                at = end;
            }
            quote @ (b'"' | b'\'') => {
                let thrice = bytes[at..].starts_with(&[quote; 3]);
                let length = if thrice { 3 } else { 1 };
                let start = at + length;
                let mut end = start;
                while end < bytes.len() {
                    match bytes[end] {
                        b'\\' => end += 1,
                        b'\n' if !thrice => break,
                        _ if bytes[end..].starts_with(&[quote; 3][..length]) => break,
                        _ => {}
                    }
                    end += 1;
                }
                let end = end.min(bytes.len());
                // An inner line break would end a statement.
                for b in &mut out[start..end] {
                    *b = b'_';
                }
                at = (end + length).min(bytes.len());
            }
            _ => at += 1,
        }
    }
    String::from_utf8(out)
        .unwrap_or_else(|e| String::from_utf8_lossy(&e.into_bytes()).replace('\u{fffd}', "?"))
}

/// A statement with its indentation; one in brackets is one statement.
struct Line {
    indent: usize,
    range: Range<usize>,
}

fn logical(masked: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut at, mut depth) = (0, 0usize);
    let mut open: Option<Line> = None;
    for line in masked.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let body = line.trim();
        let from = start + (line.len() - line.trim_start().len()).min(line.len());
        if !body.is_empty() {
            match &mut open {
                Some(line) => line.range.end = from + body.len(),
                None => open = Some(Line { indent: from - start, range: from..from + body.len() }),
            }
        }
        for b in body.bytes() {
            match b {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth == 0 && !body.ends_with('\\') {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    lines
}

/// The value of `name = value` or `name: Type = value` on the top level.
fn assigned(line: &Line, masked: &str, name: &str) -> Option<Range<usize>> {
    let text = &masked[line.range.clone()];
    let rest = text.strip_prefix(name).filter(|_| line.indent == 0)?;
    if !rest.trim_start().starts_with(['=', ':']) {
        return None;
    }
    let value = rest.split_once('=')?.1.trim_start();
    Some(line.range.end - value.len()..line.range.end)
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// A top-level function.
struct Function {
    /// The `def` line.
    head: Range<usize>,
    body: Range<usize>,
    does: Down,
}

fn function(lines: &[Line], masked: &str, text: &str, name: &str) -> Option<Function> {
    let at = lines.iter().position(|l| {
        let text = &masked[l.range.clone()];
        let text = text.strip_prefix("async ").unwrap_or(text);
        let rest = text.strip_prefix("def ").and_then(|r| r.trim_start().strip_prefix(name));
        l.indent == 0 && rest.is_some_and(|r| r.trim_start().starts_with('('))
    })?;
    let line = &lines[at];
    let written = &masked[line.range.clone()];
    // `def downgrade(): pass`
    let inline = closing(written, written.find('(')?).and_then(|c| written[c..].split_once(':'));
    let inline = inline.map_or("", |(_, body)| body.trim());
    let body = lines[at + 1..].iter().take_while(|l| l.indent > line.indent);
    let start = line.range.end - inline.len();
    let end = body.clone().last().map_or(line.range.end, |last| last.range.end);
    let statements = std::iter::once(inline).chain(body.map(|l| &masked[l.range.clone()]));
    let only = &text[start..end];
    let mut does =
        if only.contains('#') || only.contains("\"\"\"") { Down::OnlyComments } else { Down::Empty };
    for statement in statements.map(|s| s.trim_end_matches(';').trim()) {
        let nothing = matches!(statement, "" | "pass" | "..." | "return" | "return None");
        // A lone string is a docstring.
        let text = statement.trim_start_matches(['r', 'R', 'u', 'f']);
        let quoted = text.len() > 1 && ["\"", "'"].iter().any(|q| text.starts_with(q) && text.ends_with(q));
        let chatter = statement.starts_with("print(")
            || statement.starts_with("import ")
            || statement.starts_with("from ");
        if nothing || chatter || quoted && text.trim_matches(['"', '\'']).bytes().all(|b| b == b'_') {
            continue;
        }
        does =
            if statement.starts_with("raise ") || statement == "raise" { Down::Raises } else { Down::Full };
        break;
    }
    Some(Function { head: line.range.clone(), body: start..end, does })
}

/// The bracket that closes the one at `open`; strings are masked already.
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
