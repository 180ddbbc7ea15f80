//! Places in files too large to be held: lines and columns from one more pass over the bytes, without
//! excerpts.

use super::Quote;
use crate::source::Source;
use crate::text::{FileId, LineColumn, Span};
use std::collections::BTreeSet;
use std::io::Read as _;

/// Bytes that are looked at in one go.
const CHUNK: usize = 1 << 20;

/// Quotes places of one file; what could not be read again stands in line 1.
pub(super) fn quote(source: &Source, file: FileId, spans: &BTreeSet<Span>) -> Vec<(Span, Quote)> {
    let mut offsets: Vec<u32> = spans.iter().flat_map(|s| [s.start, s.end]).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut places = Vec::with_capacity(offsets.len());
    if let Ok(mut stream) = source.stream(file) {
        let mut walk = Walk::default();
        let mut buffer = vec![0; CHUNK];
        let mut wanted = offsets.iter().peekable();
        while wanted.peek().is_some() {
            let Ok(n @ 1..) = stream.read(&mut buffer) else { break };
            for &byte in &buffer[..n] {
                while wanted.next_if(|&&o| o == walk.at).is_some() {
                    places.push(walk.place());
                }
                walk.step(byte);
            }
        }
        while wanted.next_if(|&&o| o == walk.at).is_some() {
            places.push(walk.place());
        }
    }
    let place = |offset: u32| {
        let known = offsets.binary_search(&offset).ok().and_then(|i| places.get(i).copied());
        known.unwrap_or(Place { at: LineColumn { line: 1, column: 1 }, units: 0 })
    };
    let path = source.path(file);
    let one = |&span: &Span| {
        let (start, end) = (place(span.start), place(span.end));
        let quote = Quote {
            path: path.to_owned(),
            start: start.at,
            end: end.at.max(start.at),
            char_offset: start.units,
            char_length: end.units.saturating_sub(start.units),
            first_line: start.at.line,
            excerpt: String::new(),
            mark: 0..0,
            masked: false,
            line_hash: String::new(),
        };
        (span, quote)
    };
    spans.iter().map(one).collect()
}

#[derive(Clone, Copy)]
struct Place {
    at: LineColumn,
    /// UTF-16 code units from the start of the text.
    units: u32,
}

/// Counts lines and UTF-16 units of UTF-8 bytes one by one.
struct Walk {
    at: u32,
    line: u32,
    column: u32,
    units: u32,
    after_return: bool,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk { at: 0, line: 1, column: 1, units: 0, after_return: false }
    }
}

impl Walk {
    fn place(&self) -> Place {
        Place { at: LineColumn { line: self.line, column: self.column }, units: self.units }
    }

    fn step(&mut self, byte: u8) {
        self.at += 1;
        let width = match byte {
            0x80..=0xbf => 0,
            0xf0..=0xff => 2,
            _ => 1,
        };
        self.units += width;
        let completes = std::mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
        match byte {
            b'\n' if completes => {}
            b'\n' | b'\r' => (self.line, self.column) = (self.line + 1, 1),
            _ => self.column += width,
        }
    }
}
