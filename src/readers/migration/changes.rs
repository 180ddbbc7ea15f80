//! Collects what the calls of a migration change.

use super::calls::{Call, Code};
use super::statements;
use crate::facts::{Action, Operation};
use crate::readers::Text;
use crate::text::Span;
use std::ops::Range;

/// Changes of one forward half, in order, while it is walked.
pub(super) struct Changes<'c, 't> {
    pub(super) text: &'c Text<'t>,
    pub(super) code: &'c Code<'c>,
    pub(super) found: Vec<Operation>,
}

impl<'c, 't> Changes<'c, 't> {
    pub(super) fn new(text: &'c Text<'t>, code: &'c Code<'c>) -> Changes<'c, 't> {
        Changes { text, code, found: Vec::new() }
    }

    /// A change that a call makes to a table, and to something in it.
    pub(super) fn add(&mut self, call: &Call, action: Action, table: &str, column: &str) {
        let start = call.name.start - self.receiver_length(call);
        self.found.push(self.at(start..call.brackets.end, action).on(table).column(column));
    }

    /// The same, for what is renamed.
    pub(super) fn rename(&mut self, call: &Call, action: Action, table: &str, column: &str, to: &str) {
        let start = call.name.start - self.receiver_length(call);
        self.found.push(self.at(start..call.brackets.end, action).on(table).column(column).renamed(to));
    }

    /// What a call is called on, with the dot, if both stand on one line.
    fn receiver_length(&self, call: &Call) -> usize {
        let receiver = self.code.receiver(call);
        let before = &self.code.masked[..call.name.start];
        let length = before.len() - before.rfind(receiver).filter(|_| !receiver.is_empty()).unwrap_or(before.len());
        // `receiver` was cut from just before the name, and what follows it is a dot or an arrow.
        if length <= receiver.len() + 3 { length } else { 0 }
    }

    pub(super) fn at(&self, range: Range<usize>, action: Action) -> Operation {
        Operation::new(Span::new(self.text.file, range), action)
    }

    /// SQL in an argument. What is no plain string, or says nothing that is understood, is code that is not read.
    pub(super) fn sql(&mut self, call: &Call, argument: Option<Range<usize>>) {
        let start = call.name.start - self.receiver_length(call);
        let whole = start..call.brackets.end;
        let Some(argument) = argument else { return self.found.push(self.at(whole, Action::RunCode)) };
        let before = self.found.len();
        if let Some(literal) = self.code.literal(argument.clone()) {
            let sql = plain(&self.text.text[literal.clone()]);
            self.found.extend(statements(&sql, self.text.file, literal.start));
        } else {
            // Pieces that are put together have no place of their own in the whole.
            let pieces = strings(self.code, argument);
            let sql: Vec<String> = pieces.into_iter().map(|range| plain(&self.text.text[range])).collect();
            for mut operation in statements(&sql.join(" "), self.text.file, 0) {
                operation.place = Span::new(self.text.file, whole.clone());
                self.found.push(operation);
            }
        }
        if self.found.len() == before {
            self.found.push(self.at(whole, Action::RunCode));
        }
    }

    /// The text of an argument that is one string, or an empty text.
    pub(super) fn word(&self, range: Option<Range<usize>>) -> &'c str {
        range.and_then(|range| self.code.string(range)).unwrap_or("")
    }

    /// Whether an argument is written as this word.
    pub(super) fn is(&self, range: Option<Range<usize>>, word: &str) -> bool {
        range.is_some_and(|range| self.code.masked[range].trim().eq_ignore_ascii_case(word))
    }
}

/// Insides of all strings of an argument.
fn strings(code: &Code<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let bytes = code.masked.as_bytes();
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let quote = bytes[at];
        if !matches!(quote, b'"' | b'\'' | b'`') {
            at += 1;
            continue;
        }
        let length = if bytes[at..range.end].starts_with(&[quote; 3]) { 3 } else { 1 };
        let from = (at + length).min(range.end);
        let Some(end) = bytes[from..range.end].iter().position(|b| *b == quote) else { break };
        found.push(from..from + end);
        at = from + end + length;
    }
    found
}

/// The text of a string with escapes and insertions blanked, byte for byte: `\n` is blanks, `${table}` a word.
pub(super) fn plain(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if at + 1 < bytes.len() => {
                let next = bytes[at + 1];
                let kept = if matches!(next, b'"' | b'\'' | b'`' | b'\\') { next } else { b' ' };
                if !next.is_ascii() {
                    out.push(b' ');
                    at += 1;
                    continue;
                }
                out.extend([b' ', kept]);
                at += 2;
            }
            b'$' | b'#' if bytes.get(at + 1) == Some(&b'{') => at = insertion(bytes, at, &mut out),
            b'{' => at = insertion(bytes, at, &mut out),
            b => {
                out.push(b);
                at += 1;
            }
        }
    }
    // Only ASCII bytes were replaced, or whole insertions.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Writes a word in the place of `{…}`, and tells where it ends.
fn insertion(bytes: &[u8], from: usize, out: &mut Vec<u8>) -> usize {
    let end = bytes[from..].iter().take(200).position(|b| *b == b'}').map(|at| from + at + 1);
    let Some(end) = end else {
        out.push(bytes[from]);
        return from + 1;
    };
    out.extend(std::iter::repeat_n(b'x', end - from));
    end
}
