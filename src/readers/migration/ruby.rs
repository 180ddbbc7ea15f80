//! Rails. <https://guides.rubyonrails.org/active_record_migrations.html>

use super::calls::Code;
use super::changes::Changes;
use super::{rails, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::readers::names::name;
use crate::text::Span;
use std::ops::Range;

pub(super) fn rails(text: &Text<'_>) -> Option<Migration> {
    if !text.text.contains("Migration") {
        return None;
    }
    let id = name(text.path).split(['_', '.']).next().unwrap_or("").to_owned();
    let masked = mask(text.text);
    let code = &masked.code[..];
    let mut migration = whole(text, MigrationTool::Rails, id);
    migration.transactional = Some(!code.contains("disable_ddl_transaction!"));
    let (forward, back) = match method(code, "change") {
        Some(change) => (change, None),
        None => (method(code, "up")?, method(code, "down")),
    };
    migration.up = Some(Span::new(text.file, forward.body.clone()));
    migration.empty = statements(&code[forward.body.clone()]).next().is_none();
    let calls = rails::calls(code, forward.body.clone());
    let read = Code::with(text.text, code, calls);
    let changed = &code[forward.head.clone()];
    let head = |m: &Method| Some(Span::new(text.file, m.head.clone()));
    (migration.down, migration.back) = match &back {
        Some(back) => (does(code, text.text, back), head(back)),
        None if !changed.contains("change") => (Down::Missing, head(&forward)),
        None => {
            let irreversible = read.calls.iter().any(|call| rails::is_irreversible(&read, call));
            let down = if irreversible && !is_reversible(&code[forward.body.clone()]) {
                Down::Missing
            } else {
                Down::Derived
            };
            (down, head(&forward))
        }
    };
    let mut changes = Changes::new(text, &read);
    rails::operations(&mut changes, &masked, &reverse_blocks(code, forward.body));
    changes.tell(&mut migration);
    Some(migration)
}

/// What the reverse method does, by its first statement.
fn does(code: &str, text: &str, back: &Method) -> Down {
    match statements(&code[back.body.clone()]).next() {
        None if text[back.body.clone()].trim_matches(|c: char| c.is_whitespace() || c == ';').is_empty() => {
            Down::Empty
        }
        None => Down::OnlyComments,
        Some(first) if first.starts_with("raise") => Down::Raises,
        Some("nil" | "true" | "return") => Down::Empty,
        Some(_) => Down::Full,
    }
}

fn statements(body: &str) -> impl Iterator<Item = &str> {
    body.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty() && *line != "end")
}

/// Ruby with comments blanked and strings filled, byte for byte.
pub(super) struct Masked {
    pub(super) code: String,
    /// Here-documents: where one is announced, and its text.
    pub(super) documents: Vec<(usize, Range<usize>)>,
}

fn mask(text: &str) -> Masked {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut documents: Vec<(usize, Range<usize>)> = Vec::new();
    // Here-documents that were announced on this line: place, end mark.
    let mut waiting: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    let line_end =
        |from: usize| bytes[from..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| from + i);
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                let end = line_end(at);
                out[at..end].fill(b' ');
                at = end;
            }
            b'\n' => {
                at += 1;
                for (announced, mark) in std::mem::take(&mut waiting) {
                    let start = at;
                    let mut end = at;
                    while at < bytes.len() {
                        let stop = line_end(at);
                        let line = &text[at..stop];
                        end = at;
                        at = (stop + 1).min(bytes.len());
                        if line.trim() == mark {
                            break;
                        }
                        end = at;
                    }
                    out[start..at].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
                    documents.push((announced, start..end));
                }
                if text[at..].starts_with("=begin") {
                    let end = text[at..].find("\n=end").map_or(bytes.len(), |i| at + i + 5);
                    out[at..end].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
                    at = end;
                }
            }
            b'<' if bytes[at..].starts_with(b"<<") => {
                let rest = &text[at + 2..];
                let plain = rest.trim_start_matches(['~', '-']).trim_start_matches(['"', '\'']);
                let length = plain.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                let mark = &plain[..length];
                if rest.starts_with(['~', '-', '"', '\'']) && !mark.is_empty()
                    || mark.len() > 1 && mark.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                {
                    waiting.push((at, mark));
                    let skipped = rest.len() - plain.len() + length;
                    at = (at + 2 + skipped).min(bytes.len());
                    at += usize::from(matches!(bytes.get(at), Some(b'"' | b'\'')));
                } else {
                    at += 2;
                }
            }
            quote @ (b'"' | b'\'' | b'`') => {
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != quote {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                let end = end.min(bytes.len());
                out[at + 1..end].fill(b'_');
                at = (end + 1).min(bytes.len());
            }
            _ => at += 1,
        }
    }
    let code = String::from_utf8(out).unwrap_or_else(|_| " ".repeat(text.len()));
    Masked { code, documents }
}

struct Method {
    head: Range<usize>,
    body: Range<usize>,
}

/// A method, which ends with the line that is indented like its head, or less.
fn method(code: &str, name: &str) -> Option<Method> {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let head = line.trim();
        let Some(rest) = head.strip_prefix("def ") else { continue };
        let rest = rest.trim_start().trim_start_matches("self.");
        if !rest.strip_prefix(name).is_some_and(|r| r.is_empty() || r.starts_with([';', ' ', '(', '='])) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let begin = start + indent;
        let head_range = begin..begin + head.len();
        // `def down; end` and `def down = nil`
        if let Some(inner) = head.find(';').or_else(|| head.find(" = ")) {
            let body = head[inner + 1..].trim_start_matches(['=', ' ']);
            let body = body.strip_suffix("end").unwrap_or(body);
            let from = begin + head.len() - head[inner + 1..].trim_start_matches(['=', ' ']).len();
            return Some(Method { head: head_range, body: from..from + body.len() });
        }
        let mut end = at;
        for line in code[at..].split_inclusive('\n') {
            let inner = line.trim_start();
            if !inner.is_empty() && line.len() - inner.len() <= indent {
                break;
            }
            end += line.len();
        }
        return Some(Method { head: head_range, body: at.min(end)..end });
    }
    None
}

/// The blocks that only the way back runs: `dir.down do … end`, `dir.down { … }`.
fn reverse_blocks(code: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut at = body.start;
    let lines: Vec<&str> = code[body].split_inclusive('\n').collect();
    let mut open: Option<(usize, usize)> = None;
    for line in lines {
        let inner = line.trim_start();
        let indent = line.len() - inner.len();
        if let Some((from, deep)) = open
            && !inner.is_empty()
            && indent <= deep
        {
            blocks.push(from..at);
            open = None;
        }
        if let Some(down) =
            line.find(".down do").or_else(|| line.find(".down {").or_else(|| line.find(".down{")))
        {
            let closes = line[down..].contains('}') || line[down..].trim_end().ends_with(" end");
            if closes {
                blocks.push(at + down..at + line.len());
            } else {
                open = Some((at + down, indent));
            }
        }
        at += line.len();
    }
    blocks.extend(open.map(|(from, _)| from..at));
    blocks
}

/// Whether the method says itself what happens on the way back.
fn is_reversible(body: &str) -> bool {
    ["reversible", "up_only", "revert", "direction", "reverting?"].iter().any(|word| body.contains(word))
}
