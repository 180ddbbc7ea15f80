//! Change logs that are no Markdown: underlined headings, plain lines, and Debian's own form.

use super::{Headline, fields, heading, note};
use crate::facts::{NoteField, NoteForm, ReleaseNote};
use crate::text::{FileId, Span};

/// Lines with the byte at which each begins.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let step = |line: &'_ str| {
        let start = at;
        at += line.len();
        start
    };
    let starts: Vec<usize> = text.split_inclusive('\n').map(step).collect();
    starts.into_iter().zip(text.split_inclusive('\n').map(|line| line.trim_end())).collect()
}

/// Underlined headings, in levels by the signs that they are underlined with; if there are none, lines that begin
/// with a version.
pub(super) fn headlines(file: FileId, text: &str) -> Vec<Headline> {
    let all = lines(text);
    let mut signs: Vec<u8> = Vec::new();
    let mut found = Vec::new();
    for pair in all.windows(2) {
        let ((start, line), (next, rule)) = (pair[0], pair[1]);
        let Some(&sign) = rule.as_bytes().first() else { continue };
        let underline = rule.len() >= 3
            && b"=-~^\"'#*+.".contains(&sign)
            && rule.bytes().all(|b| b == sign)
            && rule.len() + 1 >= line.chars().count();
        if !underline || line.is_empty() || line.bytes().all(|b| b.is_ascii_punctuation()) {
            continue;
        }
        let level = signs.iter().position(|s| *s == sign).unwrap_or_else(|| {
            signs.push(sign);
            signs.len() - 1
        });
        let below = next + rule.len();
        found.push(headline(file, start, line, level as u32 + 1, below.min(text.len())));
    }
    if !found.is_empty() {
        return found;
    }
    let begins = |line: &str| {
        let plain = line.trim_start_matches(['=', '#', '*', ' ']);
        let released = heading::read(line);
        !line.starts_with([' ', '\t'])
            && line.len() <= 90
            && plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'v' | 'V' | 'R' | '['))
            && released.is_some_and(|h| h.version.is_some() || !h.released)
    };
    let entries = all.iter().filter(|(_, line)| begins(line));
    entries.map(|(start, line)| headline(file, *start, line, 2, start + line.len())).collect()
}

fn headline(file: FileId, start: usize, line: &str, level: u32, below: usize) -> Headline {
    let span = Span::new(file, start..start + line.len());
    Headline { level, text: line.trim().to_owned(), span, start, below }
}

/// `package (1.2-3) unstable; urgency=medium`, changes, ` -- Name <mail>  day`.
pub(super) fn debian(file: FileId, text: &str) -> Vec<ReleaseNote> {
    let mut all: Vec<ReleaseNote> = Vec::new();
    let mut open: Option<Headline> = None;
    for (start, line) in lines(text) {
        if let Some((_, rest)) = line.split_once(" (").filter(|_| !line.starts_with([' ', '\t'])) {
            let Some((version, rest)) = rest.split_once(')') else { continue };
            // An epoch is no part of the version upstream.
            let version = version.split_once(':').map_or(version, |(_, version)| version);
            let head = headline(file, start, line, 1, start + line.len());
            let mut entry = note(head.span, head.text.clone(), 1, NoteForm::Heading, all.len());
            entry.version = Some(version.to_owned());
            entry.released = !rest.contains("UNRELEASED");
            all.push(entry);
            open = Some(head);
        } else if let Some(trailer) = line.strip_prefix(" -- ") {
            let (Some(head), Some(entry)) = (open.take(), all.last_mut()) else { continue };
            if entry.is_read() {
                fields::look(entry, text, &head, &[], start);
            }
            let day =
                trailer.rsplit_once("  ").and_then(|(_, day)| jiff::fmt::rfc2822::parse(day.trim()).ok());
            if let Some(day) = day {
                entry.date = Some(day.date().to_string());
                entry.tells.extend([NoteField::Date, NoteField::Time]);
                entry.tells.sort_unstable();
                entry.tells.dedup();
            }
        }
        if all.len() > super::MOST_ENTRIES {
            break;
        }
    }
    all
}
