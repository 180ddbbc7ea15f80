//! Where strings, heredocs, comments and brackets of an HCL file begin and end, found in one pass, so that
//! the parser steps over each in one go and no nesting costs more than once.

use std::collections::HashMap;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A comment and the lengths of its marks.
    Comment { opener: usize, closer: usize },
    /// A quoted string, a heredoc, or brackets with what they hold.
    Whole,
}

pub(super) struct Lexed {
    /// Sorted by start.
    pub(super) tokens: Vec<(Range<usize>, Token)>,
    /// Starts of brackets and quotes without an end.
    pub(super) unclosed: Vec<usize>,
}

impl Lexed {
    fn at(&self, at: usize) -> Option<&(Range<usize>, Token)> {
        self.tokens.binary_search_by_key(&at, |t| t.0.start).ok().map(|i| &self.tokens[i])
    }

    /// The end of the string, heredoc or bracket that begins at `at`.
    pub(super) fn jump(&self, at: usize) -> Option<usize> {
        self.at(at).filter(|t| t.1 == Token::Whole).map(|t| t.0.end)
    }

    /// The end of the comment that begins at `at`.
    pub(super) fn comment(&self, at: usize) -> Option<usize> {
        self.at(at).filter(|t| t.1 != Token::Whole).map(|t| t.0.end)
    }
}

/// Blocks that stand at the left margin only: after a bracket that nobody closed, reading starts again there.
const TOP: &[&str] = &[
    "resource \"",
    "data \"",
    "module \"",
    "variable \"",
    "output \"",
    "provider \"",
    "locals {",
    "terraform {",
];

pub(super) fn lex(text: &str) -> Lexed {
    let bytes = text.as_bytes();
    let mut lexed = Lexed { tokens: Vec::new(), unclosed: Vec::new() };
    // What is open: a bracket, `"` for a string, `$` for an interpolation in one.
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut ends = Ends::default();
    let mut at = 0;
    while at < bytes.len() {
        if open.last().is_some_and(|o| o.1 == b'"') {
            at = in_string(bytes, at, &mut open, &mut lexed);
            continue;
        }
        match bytes[at] {
            b'"' => open.push((at, b'"')),
            b'#' => {
                let end = line_end(bytes, at);
                lexed.tokens.push((at..end, Token::Comment { opener: 1, closer: 0 }));
                at = end;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                let end = line_end(bytes, at);
                lexed.tokens.push((at..end, Token::Comment { opener: 2, closer: 0 }));
                at = end;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = text[at + 2..].find("*/").map(|i| at + i + 4);
                let closer = if end.is_some() { 2 } else { 0 };
                let end = end.unwrap_or(bytes.len());
                lexed.tokens.push((at..end, Token::Comment { opener: 2, closer }));
                at = end;
                continue;
            }
            b'<' if bytes.get(at + 1) == Some(&b'<') => {
                if let Some(end) = ends.heredoc(text, at) {
                    lexed.tokens.push((at..end, Token::Whole));
                    at = end;
                    continue;
                }
            }
            b @ (b'(' | b'[' | b'{') => open.push((at, b)),
            b @ (b')' | b']' | b'}') => match open.last() {
                Some(&(_, b'$')) if b == b'}' => drop(open.pop()),
                Some(&(start, opener)) if closes(opener, b) => {
                    open.pop();
                    lexed.tokens.push((start..at + 1, Token::Whole));
                }
                _ => {}
            },
            b'\n' if !open.is_empty() && TOP.iter().any(|t| bytes[at + 1..].starts_with(t.as_bytes())) => {
                lexed.unclosed.extend(open.first().map(|o| o.0));
                open.clear();
            }
            _ => {}
        }
        at += 1;
    }
    lexed.unclosed.extend(open.first().map(|o| o.0));
    lexed.tokens.sort_by_key(|t| t.0.start);
    lexed
}

fn closes(opener: u8, closer: u8) -> bool {
    matches!((opener, closer), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
}

/// One step inside a quoted string, which ends at its quote or, broken, at the line's end.
fn in_string(bytes: &[u8], at: usize, open: &mut Vec<(usize, u8)>, lexed: &mut Lexed) -> usize {
    match bytes[at] {
        b'\\' => at + 2,
        b'"' => {
            let (start, _) = open.pop().expect("the caller saw it");
            lexed.tokens.push((start..at + 1, Token::Whole));
            at + 1
        }
        b'\n' => {
            let (start, _) = open.pop().expect("the caller saw it");
            lexed.unclosed.push(start);
            at
        }
        // `$${` is how `${` itself is written.
        b @ (b'$' | b'%') if bytes.get(at + 1) == Some(&b) && bytes.get(at + 2) == Some(&b'{') => at + 3,
        b'$' | b'%' if bytes.get(at + 1) == Some(&b'{') => {
            open.push((at, b'$'));
            at + 2
        }
        _ => at + 1,
    }
}

/// Lines that hold one word alone, which heredocs end with, by that word.
#[derive(Default)]
struct Ends<'t> {
    lines: Option<HashMap<&'t str, Vec<Range<usize>>>>,
}

impl<'t> Ends<'t> {
    /// The end of the heredoc at `at`: behind the line that holds its word alone.
    fn heredoc(&mut self, text: &'t str, at: usize) -> Option<usize> {
        let first = text[at..].lines().next()?;
        let word = first[2..].trim_start_matches('-').trim_end();
        if !is_word(word) {
            return None;
        }
        let lines = self.lines.get_or_insert_with(|| lone_words(text)).get(word)?;
        let from = at + first.len();
        let next = lines.partition_point(|l| l.start < from);
        lines.get(next).map(|l| l.end)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn lone_words(text: &str) -> HashMap<&str, Vec<Range<usize>>> {
    let mut found: HashMap<&str, Vec<Range<usize>>> = HashMap::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let word = line.trim();
        if is_word(word) {
            found.entry(word).or_default().push(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    found
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |i| from + i)
}
