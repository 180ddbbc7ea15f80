//! Code within a line.

use crate::text::{FileId, Span, Spanned};
use std::collections::BTreeSet;

/// Inline code of a line that stands at byte `at` of `file`: the text between equally long runs of
/// backquotes, without one blank at each side.
pub(super) fn code(file: FileId, line: &str, at: usize) -> Vec<Spanned<String>> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let bytes = line.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let length = bytes[i..].iter().take_while(|b| **b == b'`').count();
        if length > 0 {
            runs.push((i, length));
        }
        i += length.max(1);
    }
    let mut out = Vec::new();
    // Lengths that no later run has: searching for each once keeps the time near linear.
    let mut single = BTreeSet::new();
    let mut next = 0;
    while next < runs.len() {
        let (start, length) = runs[next];
        let close = match single.contains(&length) {
            true => None,
            false => runs[next + 1..].iter().position(|(_, l)| *l == length),
        };
        let Some(close) = close.map(|i| next + 1 + i) else {
            single.insert(length);
            next += 1;
            continue;
        };
        let (mut from, mut end) = (start + length, runs[close].0);
        let inner = &line[from..end];
        if inner.len() > 2 && inner.starts_with(' ') && inner.ends_with(' ') {
            from += 1;
            end -= 1;
        }
        out.push(Spanned::new(line[from..end].to_owned(), Span::new(file, at + from..at + end)));
        next = close + 1;
    }
    out
}
