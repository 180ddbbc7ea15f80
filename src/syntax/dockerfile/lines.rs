//! Physical lines to logical lines with their here-documents.

use super::Dockerfile;
use crate::syntax::shell::scan::{self, Delimiter};
use crate::text::{FileId, Passage, Span, Spanned};
use std::ops::Range;

/// A logical line.
pub(super) struct Line {
    /// The line without its continuations.
    pub(super) passage: Passage,
    pub(super) heredocs: Vec<Heredoc>,
}

/// A here-document of an instruction.
pub(super) struct Heredoc {
    pub(super) body: Passage,
    /// Body and closing line as they stand, for a shell that reads them again.
    pub(super) raw: Range<usize>,
    pub(super) raw_text: Passage,
}

/// Reads logical lines one by one.
pub(super) struct Lines<'t> {
    file: FileId,
    text: &'t str,
    pos: usize,
    escape: char,
    /// A here-document was not closed: no further one is looked for, which keeps the time linear.
    unclosed: bool,
}

impl<'t> Lines<'t> {
    pub(super) fn new(file: FileId, text: &'t str) -> Lines<'t> {
        let pos = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Lines { file, text, pos, escape: '\\', unclosed: false }
    }

    pub(super) fn escape(&self) -> char {
        self.escape
    }

    /// The physical line at `pos`, without its line break, and the start of the next one.
    fn physical(&self, pos: usize) -> Option<(Range<usize>, usize)> {
        if pos >= self.text.len() {
            return None;
        }
        let end = self.text[pos..].find('\n').map_or(self.text.len(), |at| pos + at);
        let line = self.text[pos..end].strip_suffix('\r').unwrap_or(&self.text[pos..end]);
        Some((pos..pos + line.len(), (end + 1).min(self.text.len())))
    }

    /// Reads the parser directives, which stand before everything else.
    pub(super) fn directives(&mut self, out: &mut Dockerfile) {
        while let Some((range, next)) = self.physical(self.pos) {
            let line = &self.text[range.clone()];
            let Some(comment) = line.trim_start().strip_prefix('#') else { return };
            let Some((name, value)) = comment.split_once('=') else { return };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if !matches!(name.as_str(), "syntax" | "escape" | "check") {
                return;
            }
            if name == "escape" && value == "`" {
                self.escape = '`';
            }
            let end = range.start + line.trim_end().len();
            let span = Span::new(self.file, end - value.len()..end);
            out.directives.push((name, Spanned::new(value.to_owned(), span)));
            self.pos = next;
        }
    }

    /// The next instruction's line.
    pub(super) fn next(&mut self, out: &mut Dockerfile) -> Option<Line> {
        let mut passage = Passage::new(self.file, self.pos);
        let mut begun = false;
        while let Some((range, next)) = self.physical(self.pos) {
            self.pos = next;
            let line = &self.text[range.clone()];
            let trimmed = line.trim_start();
            if trimmed.starts_with('#') {
                let start = range.end - trimmed.len();
                out.comments.push(Span::new(self.file, start..start + trimmed.trim_end().len()));
                continue;
            }
            if trimmed.is_empty() {
                // Empty lines within a continuation are skipped, too (with a warning, in BuildKit).
                continue;
            }
            let start = if begun { range.start } else { range.end - trimmed.len() };
            begun = true;
            let content = line.trim_end_matches([' ', '\t']);
            match content.strip_suffix(self.escape) {
                Some(continued) => passage.push(&continued[start - range.start..], start),
                None => {
                    passage.push(&line[start - range.start..], start);
                    break;
                }
            }
        }
        if !begun {
            return None;
        }
        let heredocs = self.heredocs(&passage, out);
        Some(Line { passage, heredocs })
    }

    fn heredocs(&mut self, passage: &Passage, out: &mut Dockerfile) -> Vec<Heredoc> {
        let text = passage.text();
        let keyword = text.split_ascii_whitespace().next().unwrap_or("");
        let takes = ["RUN", "COPY", "ADD", "ONBUILD"].iter().any(|k| keyword.eq_ignore_ascii_case(k));
        if !takes || !text.contains("<<") {
            return Vec::new();
        }
        let mut found = Vec::new();
        for delimiter in delimiters(text) {
            let start = self.pos;
            let Some((body_end, after)) = self.find_end(&delimiter) else {
                self.unclosed = true;
                let word = String::from_utf8_lossy(&delimiter.word).into_owned();
                out.errors.push(Spanned::new(format!("here-document {word} is not closed"), passage.whole()));
                break;
            };
            let mut body = Passage::new(self.file, start);
            let mut raw_text = Passage::new(self.file, start);
            let mut at = start;
            while let Some((range, next)) = self.physical(at).filter(|_| at < after) {
                let line = &self.text[range.clone()];
                let tabs =
                    if delimiter.strip_tabs { line.len() - line.trim_start_matches('\t').len() } else { 0 };
                if at < body_end {
                    body.push(&line[tabs..], range.start + tabs);
                    body.push_meaning("\n", range.end..next);
                }
                raw_text.push(line, range.start);
                raw_text.push_meaning("\n", range.end..next);
                at = next;
            }
            self.pos = after;
            found.push(Heredoc { body, raw: start..after, raw_text });
        }
        found
    }

    /// Where the body ends and where the text goes on after the closing line.
    fn find_end(&self, delimiter: &Delimiter) -> Option<(usize, usize)> {
        if self.unclosed {
            return None;
        }
        let mut at = self.pos;
        while let Some((range, next)) = self.physical(at) {
            let line = &self.text[range];
            let line = if delimiter.strip_tabs { line.trim_start_matches('\t') } else { line };
            if line.as_bytes() == delimiter.word {
                return Some((at, next));
            }
            at = next;
        }
        None
    }
}

/// Here-document words of a line: `<<` at the start of a word outside quotes.
fn delimiters(text: &str) -> Vec<Delimiter> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut quote = None;
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], quote) {
            (b'\\', None | Some(b'"')) => i += 1,
            (b @ (b'\'' | b'"'), None) => quote = Some(b),
            (b, Some(open)) if b == open => quote = None,
            (b'<', None) if bytes[i..].starts_with(b"<<<") => i += 2,
            (b'<', None)
                if bytes[i..].starts_with(b"<<")
                    && (i == 0 || b" \t0123456789;|&(".contains(&bytes[i - 1])) =>
            {
                // A blank after `<<` is no here-document for BuildKit.
                let blank = bytes.get(i + 2).is_none_or(|b| b.is_ascii_whitespace());
                if let Some((delimiter, after)) =
                    scan::delimiter(bytes, i + 2, bytes.len()).filter(|_| !blank)
                {
                    out.push(delimiter);
                    i = after;
                    continue;
                }
                i += 1;
            }
            _ => {}
        }
        i += 1;
    }
    out
}
