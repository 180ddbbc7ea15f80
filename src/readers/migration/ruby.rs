//! Rails. <https://guides.rubyonrails.org/active_record_migrations.html>

use super::whole;
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::readers::names::name;
use crate::text::Span;

pub(super) fn rails(text: &Text<'_>) -> Option<Migration> {
    if !text.text.contains("Migration") {
        return None;
    }
    let id = name(text.path).split(['_', '.']).next().unwrap_or("").to_owned();
    let lines = lines(text.text);
    let found = |down, place, empty| {
        Some(Migration { back: place, down, empty, ..whole(text, MigrationTool::Rails, id.clone()) })
    };
    let span = |m: &Method| Some(Span::new(text.file, m.at..m.at + m.head.len()));
    if let Some(change) = method(&lines, "change") {
        let down = if change.body.iter().any(|l| irreversible(l)) && !reversible(&change) {
            Down::Missing
        } else {
            Down::Derived
        };
        return found(down, span(&change), change.body.is_empty());
    }
    let up = method(&lines, "up")?;
    match method(&lines, "down") {
        None => found(Down::Missing, span(&up), up.body.is_empty()),
        Some(back) => {
            let first = back.body.first().map_or("", |l| l.trim());
            let down = match first {
                "" => Down::Empty,
                l if l.starts_with("raise") => Down::Raises,
                "nil" | "true" | "return" | "# no-op" => Down::Empty,
                _ => Down::Full,
            };
            found(down, span(&back), up.body.is_empty())
        }
    }
}

/// Lines with their places, comments left out.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        let body = line.trim();
        if !body.is_empty() && !body.starts_with('#') {
            out.push((at, line.trim_end()));
        }
        at += line.len();
    }
    out
}

struct Method<'t> {
    at: usize,
    head: &'t str,
    body: Vec<&'t str>,
}

/// A method, which ends with the `end` that is indented like it.
fn method<'t>(lines: &[(usize, &'t str)], name: &str) -> Option<Method<'t>> {
    let at = lines.iter().position(|(_, line)| {
        let rest = line.trim_start().strip_prefix("def ").map(|r| r.trim_start().trim_start_matches("self."));
        let rest = rest.and_then(|r| r.strip_prefix(name));
        rest.is_some_and(|r| r.is_empty() || r.starts_with([';', ' ', '(']))
    })?;
    let (start, line) = lines[at];
    let head = line.trim_start();
    let indent = line.len() - head.len();
    let mut body = Vec::new();
    let inline = head.split_once(';').map(|(_, rest)| rest.trim());
    if let Some(rest) = inline.filter(|r| *r == "end" || r.ends_with(" end") || r.ends_with(";end")) {
        let statement = rest.trim_end_matches("end").trim_end_matches(';').trim();
        body.extend((!statement.is_empty()).then_some(statement));
    } else {
        for (_, line) in &lines[at + 1..] {
            let inner = line.trim_start();
            if line.len() - inner.len() <= indent {
                break;
            }
            body.push(*line);
        }
    }
    Some(Method { at: start + indent, head, body })
}

/// Whether a statement of `change` has no reverse that Rails could derive.
fn irreversible(line: &str) -> bool {
    let line = line.trim();
    let called = |name: &str| {
        let rest = line.strip_prefix(name);
        rest.filter(|r| r.starts_with([' ', '(']))
    };
    called("execute").is_some()
        || called("change_column").is_some()
        || called("change_column_default").is_some_and(|r| !r.contains("from:"))
        || called("drop_table").is_some_and(|r| !r.contains(" do") && !r.contains('{'))
        || called("remove_column").is_some_and(|r| r.matches(',').count() < 2)
}

/// Whether the method says itself what happens on the way back.
fn reversible(method: &Method<'_>) -> bool {
    method.body.iter().any(|l| ["reversible", "up_only", "revert", "direction"].iter().any(|w| l.contains(w)))
}
