//! What the notes of a release tell.

use super::Headline;
use super::heading::date;
use crate::facts::{NoteField, ReleaseNote};
use crate::text::{Span, Spanned};

/// Words of headings, and what stands below them.
const HEADINGS: &[(NoteField, &[&str])] = &[
    (NoteField::Features, &["feature", "added", "new", "highlight", "addition"]),
    (NoteField::Improvements, &["improve", "enhance", "changed", "changes", "performance", "refactor"]),
    (NoteField::Fixes, &["fix", "bug", "security", "corrected", "patch"]),
    (NoteField::Breaking, &["breaking", "incompatib", "backward"]),
    (
        NoteField::Upgrade,
        &["upgrad", "migrat", "required action", "action required", "deprecat", "update notes"],
    ),
    (NoteField::KnownIssues, &["known issue", "known bug", "known problem", "known limitation", "caveat"]),
    (NoteField::Rollback, &["rollback", "roll back", "rolling back", "downgrad"]),
    (NoteField::Risk, &["risk"]),
    (NoteField::Approval, &["approv", "sign-off", "signed off"]),
    (NoteField::Verification, &["verif", "validat", "smoke"]),
];

/// Words at the start of a line of a list, and what it tells then.
const LINES: &[(NoteField, &[&str])] = &[
    (NoteField::Features, &["feat", "add", "new", "introduce", "implement"]),
    (NoteField::Improvements, &["improve", "enhance", "perf", "refactor", "change", "update"]),
    (NoteField::Fixes, &["fix", "bug", "resolve", "correct"]),
];

/// Words anywhere in the text.
const ANYWHERE: &[(NoteField, &[&str])] = &[
    (NoteField::KnownIssues, &["known issue", "known bug", "known problem", "known limitation"]),
    (NoteField::Rollback, &["rollback", "roll back", "rolling back", "downgrade"]),
    (
        NoteField::Risk,
        &["risk:", "risk class", "risk level", "low risk", "high risk", "medium risk", "risk assessment"],
    ),
    (NoteField::Approval, &["approved by", "approval", "signed off by"]),
    (NoteField::Breaking, &["breaking change", "**breaking**", "[breaking]"]),
    (NoteField::Upgrade, &["upgrade note", "upgrade instruction", "required action", "to upgrade"]),
];

/// More text of one release is looked at no further.
const MOST: usize = 128 << 10;

/// Fills in what the text of an entry tells.
pub(super) fn look(note: &mut ReleaseNote, body: &str, head: &Headline, below: &[Headline], end: usize) {
    let start = head.below.min(end);
    let mut cut = (start + MOST).min(end);
    while !body.is_char_boundary(cut) {
        cut -= 1;
    }
    let text = &body[start..cut];
    for (at, inner) in below.iter().enumerate() {
        let lower = inner.text.to_lowercase();
        let until = below.get(at + 1).map_or(end, |h| h.start).min(end);
        let filled = inner.below < until && says_something(&body[inner.below..until]);
        // The heading counts for what it holds; below it may come deeper ones.
        let deeper = below.get(at + 1).is_some_and(|h| h.level > inner.level);
        for (field, words) in HEADINGS {
            // "Breaking Changes" are no improvements.
            let other = *field == NoteField::Improvements && has_word(&lower, "breaking");
            if words.iter().any(|w| has_word(&lower, w)) && (filled || deeper) && !other {
                note.tells.push(*field);
                if *field == NoteField::Breaking {
                    note.breaking.get_or_insert(inner.span);
                }
            }
        }
        note.headings.push(Spanned::new(inner.text.clone(), inner.span));
    }
    let lower = text.to_ascii_lowercase();
    // That there are no known issues is told by their heading; that nothing breaks breaks nothing.
    let prose = lower.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#'));
    let prose: String = prose.collect();
    for (field, words) in ANYWHERE {
        let place = if *field == NoteField::Breaking { &prose } else { &lower };
        if words.iter().any(|w| place.contains(w)) {
            note.tells.push(*field);
        }
    }
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let from = at;
        at += line.len();
        let shown = line.trim_start();
        let marked = shown.starts_with(['-', '*', '+']);
        let plain = shown.trim_start_matches(['-', '*', '+', ' ', '`', '[', ':']).trim_end();
        // Bullets of conventional commits say it by a sign: `feat!: …`, `**BREAKING**: …`.
        let sign = plain.split_once(": ").is_some_and(|(kind, _)| {
            kind.ends_with('!') && kind.len() < 40 && kind.starts_with(|c: char| c.is_ascii_lowercase())
        });
        if sign && marked {
            note.tells.push(NoteField::Breaking);
            let indent = line.len() - shown.len();
            let end = from + line.trim_end().len();
            note.breaking.get_or_insert(Span::new(note.place.file, from + indent..end));
        }
        let lower = plain.get(..plain.len().min(24)).unwrap_or(plain).to_ascii_lowercase();
        for (field, words) in LINES {
            if marked && words.iter().any(|w| lower.starts_with(w)) {
                note.tells.push(*field);
            }
        }
    }
    if says_something(text) {
        note.tells.push(NoteField::Summary);
    }
    // Day and hour may stand in the first lines instead of the heading.
    let near: String = text.lines().filter(|l| !l.trim().is_empty()).take(4).collect::<Vec<_>>().join(" ");
    if note.date.is_none() {
        let words: Vec<&str> = near
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '*' | '_' | '|'))
            .map(|w| w.trim_matches([':', '.', '`']))
            .filter(|w| !w.is_empty())
            .collect();
        note.date = date(&words);
    }
    if note.date.is_some() {
        note.tells.push(NoteField::Date);
    }
    if has_time(&note.heading) || has_time(&near) {
        note.tells.push(NoteField::Time);
    }
    note.tells.sort_unstable();
    note.tells.dedup();
}

/// Whether there is more than headings, rules and `None`.
fn says_something(text: &str) -> bool {
    text.lines().any(|line| {
        let marked = line.trim_start().starts_with(['-', '*', '+']);
        let plain = line.trim().trim_start_matches(['-', '*', '+', '#', '=', '>', '~', '^', ' ']);
        let plain = plain.trim_end_matches(['.', '!', ' ']);
        let empty = ["none", "n/a", "nothing", "no changes", "tbd", "todo"];
        let letters = plain.chars().filter(|c| c.is_alphanumeric()).count();
        letters >= if marked { 1 } else { 3 }
            && !empty.iter().any(|e| plain.eq_ignore_ascii_case(e))
            && !line.trim_start().starts_with('#')
    })
}

/// Whether a word begins at the start of a word of the text.
fn has_word(lower: &str, word: &str) -> bool {
    lower.match_indices(word).any(|(at, _)| !lower[..at].ends_with(|c: char| c.is_alphanumeric()))
}

/// Whether a text tells an hour: `14:30`, `3 pm`, or a version that ends in one.
fn has_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let clock = |(at, b): (usize, &u8)| {
        *b == b':' && at > 0 && digit(at - 1) && digit(at + 1) && digit(at + 2) && !digit(at + 3)
    };
    let dated = || {
        text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'))
            .any(|w| crate::lexicon::versions::Dated::parse(w).is_ok())
    };
    bytes.iter().enumerate().any(clock) || dated()
}
