//! The `[text]` patterns of rules, searched for in the files that they name.

use crate::facts::TextHit;
use crate::lexicon::globs::PathGlob;
use crate::lexicon::patterns::{self, TextPattern, compile, stays_in_line};
use crate::text::{FileId, Span};
use regex::bytes::Regex;
use std::ops::Range;
use std::sync::OnceLock;

/// One rule's patterns; compiled when the first file that they are searched in is met.
pub(super) struct PatternSearch {
    rule: String,
    paths: Vec<PathGlob>,
    not_paths: Vec<PathGlob>,
    written: TextPattern,
    compiled: OnceLock<Compiled>,
}

struct Compiled {
    /// Each with whether its matches lie in one line.
    patterns: Vec<(Regex, bool)>,
    unless: Vec<Regex>,
}

impl PatternSearch {
    pub(super) fn new(written: &TextPattern) -> PatternSearch {
        let globs = |list: &[String]| list.iter().map(|g| PathGlob::new(g)).collect();
        PatternSearch {
            rule: written.rule.clone(),
            paths: globs(&written.paths),
            not_paths: globs(&written.not_paths),
            written: written.clone(),
            compiled: OnceLock::new(),
        }
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let ready =
                |p: &String| compile(p).expect("patterns were compiled once when the rule was loaded");
            Compiled {
                patterns: self.written.patterns.iter().map(|p| (ready(p), stays_in_line(p))).collect(),
                unless: self.written.unless.iter().map(ready).collect(),
            }
        })
    }

    /// For each pattern, words without which it finds nothing; `None` if it promises none.
    pub(super) fn words(&self) -> impl Iterator<Item = Option<Vec<String>>> {
        self.written.patterns.iter().map(|p| patterns::words(p))
    }

    /// Whether the file at this path (its parts between slashes) is searched.
    pub(super) fn means(&self, path: &[&str]) -> bool {
        let meant = self.paths.is_empty() || self.paths.iter().any(|g| g.matches_parts(path));
        meant && !self.not_paths.iter().any(|g| g.matches_parts(path))
    }

    /// Searches `text` for the pattern of this number, whose words stand at `words`, in ascending order.
    pub(super) fn search(
        &self,
        file: FileId,
        number: usize,
        text: &str,
        words: &[usize],
        offset: usize,
        hits: &mut Vec<TextHit>,
    ) {
        let compiled = self.compiled();
        let (pattern, in_line) = &compiled.patterns[number];
        let mut search = |part: Range<usize>| {
            for found in pattern.captures_iter(&text.as_bytes()[part.clone()]) {
                let Some(place) = found.name("here").or_else(|| found.get(0)) else { continue };
                // Byte classes can match a part of a character.
                let start = text.floor_char_boundary(part.start + place.start());
                let end = text.ceil_char_boundary(part.start + place.end());
                if start == end || compiled.excuse(text, start) {
                    continue;
                }
                hits.push(TextHit {
                    place: Span::new(file, offset + start..offset + end),
                    rule: self.rule.clone(),
                    pattern: u32::try_from(number).expect("a rule has few patterns"),
                });
            }
        };
        if words.is_empty() || !in_line {
            return search(0..text.len());
        }
        let mut done = 0;
        for word in words {
            if *word >= done {
                let line = line(text, *word);
                done = line.end;
                search(line);
            }
        }
    }
}

/// The line of a place, without its end.
fn line(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    start..bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i)
}

/// Excuses are looked for so far around a hit: minified files have lines of a megabyte.
const LONGEST_LINE: usize = 1024;

impl Compiled {
    /// Whether the line of `at`, or the one before, holds an excuse.
    fn excuse(&self, text: &str, at: usize) -> bool {
        if self.unless.is_empty() {
            return false;
        }
        let floor = text.floor_char_boundary(at.saturating_sub(LONGEST_LINE));
        let ceiling = text.ceil_char_boundary((at + LONGEST_LINE).min(text.len()));
        let start = text[floor..at].rfind('\n').map_or(floor, |i| floor + i + 1);
        let end = text[at..ceiling].find('\n').map_or(ceiling, |i| at + i);
        let above =
            text[floor..start.saturating_sub(1).max(floor)].rfind('\n').map_or(floor, |i| floor + i + 1);
        let above = &text[above..start];
        let line = &text[start..end];
        self.unless.iter().any(|u| u.is_match(line.as_bytes()) || u.is_match(above.as_bytes()))
    }
}
