//! `plimsoll: allow[rule-a, rule-b] reason` comments.

use super::surroundings::is_comment;
use crate::facts::Allow;
use crate::text::{FileId, Span, Spanned};
use std::ops::Range;

const OPENERS: &[&str] = &["{{- /*", "{{/*", "<!--", "{#", "/*", "//", "--", "#", ";", "%", "*"];
/// These open a comment only where a line begins; elsewhere they are operators.
const AT_START: &[&str] = &[";", "%", "*", "--"];

/// Nobody writes a comment into a longer line; looking for its ends must not take time for every hit.
const LONGEST_LINE: usize = 4096;

/// Lines of comments that may stand between an allow and what it covers.
const MOST_COMMENTS: usize = 100;

/// Whether comments of this file are looked at: documents show such comments, rule files hold examples.
pub(super) fn are_read_in(path: &str, extension: &str) -> bool {
    let document =
        matches!(extension, "md" | "mdx" | "markdown" | "rst" | "txt" | "adoc" | "asciidoc" | "org");
    let rules = extension == "toml" && path.split('/').any(|folder| folder == "rules");
    !document && !rules
}

/// The allow whose word `plimsoll:` stands at `word`, if it is one.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    extension: &str,
    offset: usize,
) -> Option<Allow> {
    let before = &text[text.ceil_char_boundary(word.start.saturating_sub(LONGEST_LINE))..word.start];
    let line_start = match before.rfind('\n') {
        Some(i) => word.start - before.len() + i + 1,
        None if before.len() == word.start => 0,
        None => return None,
    };
    let alone = opened(&text[line_start..word.start])?;
    let behind = &text[word.end..text.floor_char_boundary((word.end + LONGEST_LINE).min(text.len()))];
    let line_end = match behind.find('\n') {
        Some(i) => word.end + i,
        None if word.end + behind.len() == text.len() => text.len(),
        None => return None,
    };
    let line_end = if text[..line_end].ends_with('\r') { line_end - 1 } else { line_end };

    let rest = &text[word.end..line_end.max(word.end)];
    let list = rest.trim_start().strip_prefix("allow")?.trim_start().strip_prefix('[')?;
    let open = line_end - list.len();
    let close = open + list.find(']')?;
    let mut rules = Vec::new();
    let mut at = open;
    for part in text[open..close].split(',') {
        let name = part.trim();
        if !name.is_empty() {
            let start = at + (part.len() - part.trim_start().len());
            rules.push(Spanned::new(
                name.to_owned(),
                Span::new(file, offset + start..offset + start + name.len()),
            ));
        }
        at += part.len() + 1;
    }
    let mut reason = text[close + 1..line_end].trim();
    for closer in ["-*/}}", "*/ -}}", "*/-}}", "*/}}", "*/", "-->", "#}"] {
        reason = reason.strip_suffix(closer).unwrap_or(reason).trim_end();
    }
    let reason = reason.trim_start_matches([':', '-', '\u{2013}', '\u{2014}', ' ']);
    let end = if reason.is_empty() {
        close + 1
    } else {
        close + 1 + text[close + 1..line_end].find(reason).unwrap_or(0) + reason.len()
    };
    let covers = if alone { next_line(text, line_end, extension)? } else { line_start..line_end };
    Some(Allow {
        place: Span::new(file, offset + word.start..offset + end),
        rules,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        covers: Span::new(file, offset + covers.start..offset + covers.end),
        alone,
    })
}

/// Whether `before` ends in a comment opener, and then whether nothing stands before that.
fn opened(before: &str) -> Option<bool> {
    let before = before.trim_end_matches([' ', '\t']);
    let lower_end = before.len().checked_sub(3).and_then(|i| before.get(i..));
    if lower_end.is_some_and(|w| w.eq_ignore_ascii_case("REM")) {
        let rest = &before[..before.len() - 3];
        return rest.trim_start_matches('\u{feff}').trim().is_empty().then_some(true);
    }
    let opener = OPENERS.iter().find(|o| before.ends_with(**o))?;
    let mut rest = &before[..before.len() - opener.len()];
    // `///`, `##`, `/**`, `;;` open as their first characters do.
    rest = rest.trim_end_matches(['/', '#', '*', ';', '%', '!']);
    let rest = rest.trim_start_matches('\u{feff}').trim();
    let alone = rest.is_empty();
    // `https://plimsoll: …` opens nothing.
    let address = *opener == "//" && rest.ends_with(':');
    (!address && (alone || !AT_START.contains(opener))).then_some(alone)
}

/// The next line after `from` that is neither blank nor a comment.
fn next_line(text: &str, from: usize, extension: &str) -> Option<Range<usize>> {
    let mut at = from + text[from..].find('\n')? + 1;
    for line in text[at..].split_inclusive('\n').take(MOST_COMMENTS) {
        let bare = line.trim_end_matches(['\n', '\r']);
        if !bare.trim().is_empty() && !is_comment(bare, extension) {
            return Some(at..at + bare.len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
#[path = "allows_tests.rs"]
mod tests;
