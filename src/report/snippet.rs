//! Quoted places as source for graphical diagnostics. Several excerpts, of one file or of many, lie one
//! behind the other in one virtual text; each keeps its own path and line numbers.

use super::legible::{legible, legible_source};
use crate::quote::Quote;
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::collections::BTreeMap;

/// Excerpts with the places that are marked in them.
#[derive(Debug, Default)]
pub(super) struct Snippets {
    parts: Vec<Part>,
}

/// Consecutive lines of one file; drawn as one frame.
#[derive(Debug)]
struct Part {
    path: String,
    lines: BTreeMap<u32, String>,
    marks: Vec<Mark>,
    /// Lines shown around a mark. Related places are shown without any: the frame is for the finding.
    context: usize,
    /// Where its text begins in the virtual text; set when all parts are known.
    base: usize,
    text: String,
}

#[derive(Debug)]
struct Mark {
    /// Line, and byte within it.
    start: (u32, usize),
    end: (u32, usize),
    /// Column of the file, which differs from the byte where a long line is cut or holds wide characters.
    column: u32,
    label: Option<String>,
    primary: bool,
}

/// A place over more lines than this is marked on its first line only: the finding speaks of what
/// begins there.
const MARKED_LINES: u32 = 3;

impl Snippets {
    /// Adds a place with its label; the first one added is the finding's own. A place in lines that are
    /// already there is marked in them. Says whether there is anything to show.
    pub(super) fn add(&mut self, quote: &Quote, label: &str, context: usize) -> bool {
        if quote.excerpt.trim().is_empty() {
            return false;
        }
        let primary = self.parts.is_empty();
        let label = (!label.is_empty()).then(|| legible(label));
        let (lines, start, end) = lines_of(quote);
        let mark = Mark { start, end, column: quote.start.column, label, primary };
        let path = legible(&quote.path);
        let touching = self.parts.iter_mut().find(|p| p.path == path && p.agrees(&lines));
        match touching {
            Some(part) => {
                part.lines.extend(lines);
                part.marks.push(mark);
            }
            None => {
                let (base, text) = (0, String::new());
                self.parts.push(Part { path, lines, marks: vec![mark], context, base, text });
            }
        }
        self.lay_out();
        true
    }

    /// The labels of all places, in the order of the virtual text.
    pub(super) fn labels(&self) -> Vec<LabeledSpan> {
        let mut labels = Vec::new();
        for part in &self.parts {
            for mark in &part.marks {
                let (start, end) = (part.offset(mark.start), part.offset(mark.end));
                let span = (start, end.saturating_sub(start));
                labels.push(match mark.primary {
                    true => LabeledSpan::new_primary_with_span(mark.label.clone(), span),
                    false => LabeledSpan::new_with_span(mark.label.clone(), span),
                });
            }
        }
        labels
    }

    fn lay_out(&mut self) {
        let mut base = 0;
        for part in &mut self.parts {
            part.base = base;
            part.text = part.lines.values().flat_map(|line| [line.as_str(), "\n"]).collect();
            base += part.text.len() + 1;
        }
    }
}

type Place = (u32, usize);

/// The lines of a quote, made harmless, and its mark in them.
fn lines_of(quote: &Quote) -> (BTreeMap<u32, String>, Place, Place) {
    let (before, rest) = quote.excerpt.split_at(quote.mark.start);
    let (marked, after) = rest.split_at(quote.mark.end - quote.mark.start);
    let (before, marked, after) = (legible_source(before), legible_source(marked), legible_source(after));
    let place = |text: &str| {
        let breaks = text.matches('\n').count() as u32;
        (quote.first_line + breaks, text.len() - text.rfind('\n').map_or(0, |at| at + 1))
    };
    let start = place(&before);
    let mut end = place(&format!("{before}{marked}"));
    let text = format!("{before}{marked}{after}");
    let mut lines: BTreeMap<u32, String> =
        (quote.first_line..).zip(text.lines().map(str::to_owned)).collect();
    // Blank lines behind the place, such as the one after a file's last line break, tell nothing.
    while lines.last_key_value().is_some_and(|(n, line)| *n > end.0.max(start.0) && line.trim().is_empty()) {
        lines.pop_last();
    }
    if end.0 - start.0 >= MARKED_LINES || quote.end.line - quote.start.line >= MARKED_LINES {
        end = (start.0, lines.get(&start.0).map_or(start.1, |line| line.trim_end().len().max(start.1)));
    }
    (lines, start, end)
}

impl Part {
    /// Whether `lines` overlap or adjoin its own and say the same where they overlap.
    fn agrees(&self, lines: &BTreeMap<u32, String>) -> bool {
        let (Some(first), Some(last)) = (lines.keys().next(), lines.keys().next_back()) else { return false };
        let (Some(own_first), Some(own_last)) = (self.lines.keys().next(), self.lines.keys().next_back())
        else {
            return false;
        };
        *first <= own_last + 1
            && *own_first <= last + 1
            && lines.iter().all(|(n, line)| self.lines.get(n).is_none_or(|own| own == line))
    }

    /// Offset in the virtual text.
    fn offset(&self, (line, byte): Place) -> usize {
        let before: usize = self.lines.range(..line).map(|(_, text)| text.len() + 1).sum();
        (self.base + before + byte).min(self.base + self.text.len())
    }

    /// The lines that are drawn, as (first index, last index): all marks and the context around them.
    fn frame(&self) -> (usize, usize) {
        let first = self.lines.keys().next().copied().unwrap_or(1);
        let index = |line: u32| ((line - first) as usize).min(self.lines.len() - 1);
        let top = self.marks.iter().map(|m| index(m.start.0)).min().unwrap_or(0);
        let bottom = self.marks.iter().map(|m| index(m.end.0)).max().unwrap_or(0);
        (top.saturating_sub(self.context), (bottom + self.context).min(self.lines.len() - 1))
    }

    /// Byte range of the lines with these indices, with their line breaks.
    fn range(&self, first: usize, last: usize) -> std::ops::Range<usize> {
        let length = |n: usize| self.lines.values().take(n).map(|line| line.len() + 1).sum::<usize>();
        length(first)..length(last + 1)
    }
}

impl SourceCode for Snippets {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        // A span over two parts is out of bounds: that keeps their frames apart.
        let part = self
            .parts
            .iter()
            .find(|p| p.base <= start && end <= p.base + p.text.len())
            .ok_or(MietteError::OutOfBounds)?;
        let first = *part.lines.keys().next().ok_or(MietteError::OutOfBounds)?;
        let named = |range: std::ops::Range<usize>, line, column, count| {
            let span = (part.base + range.start, range.len()).into();
            let text = &part.text.as_bytes()[range];
            Box::new(MietteSpanContents::new_named(part.path.clone(), text, span, line, column, count))
        };
        // Without context, only the place of a mark is asked for.
        let mark = part.marks.iter().find(|m| part.offset(m.start) == start);
        if let (0, 0, Some(mark)) = (before, after, mark) {
            let range = start - part.base..end - part.base;
            return Ok(named(range, mark.start.0 as usize - 1, mark.column as usize - 1, 1));
        }
        let (from, to) = part.frame();
        Ok(named(part.range(from, to), first as usize - 1 + from, 0, to - from + 1))
    }
}
