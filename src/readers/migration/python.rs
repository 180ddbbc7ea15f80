//! Alembic and Django.
//! <https://alembic.sqlalchemy.org/en/latest/tutorial.html>,
//! <https://docs.djangoproject.com/en/stable/ref/migration-operations/>

use super::{stem, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::text::Span;
use std::ops::Range;

/// Calls of one file that are looked at; nested ones would cost the square of their number.
const MOST_CALLS: usize = 200;

pub(super) fn alembic(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text);
    let lines = logical(&masked);
    let revision = lines.iter().find_map(|l| assigned(l, &masked, "revision"))?;
    let id = unquoted(&text.text[revision]).to_owned();
    let up = function(&lines, &masked, "upgrade");
    let back = function(&lines, &masked, "downgrade");
    // A revision that joins branches has two parents and does nothing.
    let empty = up.as_ref().is_none_or(|(_, down)| *down == Down::Empty);
    let (place, down) = match back {
        Some((range, down)) => (Some(Span::new(text.file, range)), down),
        // It is there, in a form that is not understood.
        None if text.text.contains("def downgrade") => return None,
        None => (None, Down::Missing),
    };
    Some(Migration { back: place, down, empty, ..whole(text, MigrationTool::Alembic, id) })
}

pub(super) fn django(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text);
    if !masked.contains("class Migration") {
        return None;
    }
    let operations = masked.find("operations")?;
    let open = operations + masked[operations..].find('[')?;
    let end = closing(&masked, open).unwrap_or(masked.len());
    let body = &masked[open + 1..end.max(open + 1)];
    let mut down = Down::Derived;
    let mut place = None;
    for call in ["RunPython(", "RunSQL("] {
        for (at, _) in body.match_indices(call).take(MOST_CALLS) {
            let from = open + 1 + at + call.len() - 1;
            let Some(stop) = closing(&masked, from) else { break };
            let arguments = split(&masked[from + 1..stop.max(from + 1)]);
            let named = arguments.iter().any(|a| {
                ["reverse_code", "reverse_sql"]
                    .iter()
                    .any(|n| a.trim_start().strip_prefix(n).is_some_and(|r| r.trim_start().starts_with('=')))
            });
            let second = arguments.get(1).map(|a| a.trim());
            let positional = second.is_some_and(|a| !a.is_empty() && !keyword(a));
            if !named && !positional && place.is_none() {
                down = Down::Missing;
                place = Some(Span::new(text.file, from + 1 - call.len()..from));
            }
        }
    }
    let empty = body.trim().is_empty();
    Some(Migration { back: place, down, empty, ..whole(text, MigrationTool::Django, stem(text.path)) })
}

/// `name=value` of a call.
fn keyword(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or("").trim();
    argument.contains('=') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The text with comments and the insides of strings blanked, byte for byte.
fn mask(text: &str) -> String {
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

/// The `def` line of a top-level function, and what its body does.
fn function(lines: &[Line], masked: &str, name: &str) -> Option<(Range<usize>, Down)> {
    let at = lines.iter().position(|l| {
        let text = &masked[l.range.clone()];
        let text = text.strip_prefix("async ").unwrap_or(text);
        let rest = text.strip_prefix("def ").and_then(|r| r.trim_start().strip_prefix(name));
        l.indent == 0 && rest.is_some_and(|r| r.trim_start().starts_with('('))
    })?;
    let head = &lines[at];
    let text = &masked[head.range.clone()];
    // `def downgrade(): pass`
    let inline =
        closing(text, text.find('(')?).and_then(|c| text[c..].split_once(':')).map_or("", |(_, b)| b.trim());
    let body = lines[at + 1..].iter().take_while(|l| l.indent > head.indent);
    let statements = std::iter::once(inline).chain(body.map(|l| &masked[l.range.clone()]));
    let mut does = Down::Empty;
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
    Some((head.range.clone(), does))
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

/// Arguments of a call.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0usize, 0);
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
