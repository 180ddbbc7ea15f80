//! Collects what the calls of a migration change.

use super::calls::{Call, Code};
use crate::facts::{Action, Migration, Operation};
use crate::readers::Text;
use crate::readers::sql::{self, Sql};
use crate::text::{Passage, Span};
use std::ops::Range;

/// Changes of one forward half, in order, while it is walked.
pub(super) struct Changes<'c, 't> {
    pub(super) text: &'c Text<'t>,
    pub(super) code: &'c Code<'c>,
    pub(super) found: Vec<Operation>,
    /// What SQL in strings tells besides its operations.
    sql: Sql,
}

impl<'c, 't> Changes<'c, 't> {
    pub(super) fn new(text: &'c Text<'t>, code: &'c Code<'c>) -> Changes<'c, 't> {
        Changes { text, code, found: Vec::new(), sql: Sql::default() }
    }

    /// A change that a call makes to a table, and to a column in it.
    pub(super) fn add(&mut self, call: &Call, action: Action, table: &str, column: &str) {
        self.add_named(call, action, table, column, "");
    }

    /// The same, about a constraint, an index or a value, or with the new name of what is renamed.
    pub(super) fn add_named(&mut self, call: &Call, action: Action, table: &str, column: &str, name: &str) {
        let range = self.range(call);
        self.found.push(self.at(range, action).on(table).column(column).named(name));
    }

    /// A call with what it is called on.
    fn range(&self, call: &Call) -> Range<usize> {
        call.name.start - self.receiver_length(call)..call.brackets.end
    }

    /// What a call is called on, with the dot, if both stand on one line.
    fn receiver_length(&self, call: &Call) -> usize {
        let receiver = self.code.receiver(call);
        let before = &self.code.masked[..call.name.start];
        let length =
            before.len() - before.rfind(receiver).filter(|_| !receiver.is_empty()).unwrap_or(before.len());
        // `receiver` was cut from just before the name, and what follows it is a dot or an arrow.
        if length <= receiver.len() + 3 { length } else { 0 }
    }

    pub(super) fn at(&self, range: Range<usize>, action: Action) -> Operation {
        Operation::new(Span::new(self.text.file, range), action)
    }

    /// SQL in an argument. What is no string, or says nothing that is understood, is code that is not read.
    pub(super) fn sql(&mut self, call: &Call, argument: Option<Range<usize>>) {
        let pieces = match argument {
            Some(argument) => match self.code.literal(argument.clone()) {
                Some(literal) => vec![literal],
                None => strings(self.code, argument),
            },
            None => Vec::new(),
        };
        self.sql_at(call, &pieces);
    }

    /// SQL that is put together from these parts of the file.
    pub(super) fn sql_at(&mut self, call: &Call, pieces: &[Range<usize>]) {
        let whole = self.range(call);
        let mut passage = Passage::new(self.text.file, whole.start);
        let mut last = whole.start;
        for range in pieces {
            if range.start > last && last > whole.start {
                passage.push_meaning(" ", last..range.start);
            }
            passage.push(&plain(&self.text.text[range.clone()]), range.start);
            last = range.end;
        }
        let mut found = sql::read(&passage, None);
        let says = found.lock_timeout || found.statement_timeout || found.is_idle() && !pieces.is_empty();
        if found.operations.is_empty() && !says {
            self.found.push(self.at(whole, Action::RunCode));
        }
        self.found.append(&mut found.operations);
        self.sql.lock_timeout |= found.lock_timeout;
        self.sql.statement_timeout |= found.statement_timeout;
        self.sql.database = self.sql.database.or(found.database);
        self.sql.phase = self.sql.phase.or(found.phase);
    }

    /// Adds all of it to the migration.
    pub(super) fn tell(self, migration: &mut Migration) {
        self.sql.tell(migration);
        migration.operations.extend(self.found);
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
