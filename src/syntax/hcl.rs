//! HCL native syntax, as Terraform, OpenTofu, Terragrunt and Packer write it, to a [`Tree`]
//! (<https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md>).
//!
//! The tree has the shape of Terraform's JSON syntax: a block is a mapping under its type, and below it one
//! under each of its labels. Literal strings, lists and objects become nodes; every other expression is a
//! plain scalar that holds its source text. A broken block costs no more than itself.

mod lex;

use super::tree::{Builder, Format, Limit, Style, Tree};
use crate::text::FileId;
use lex::{Lexed, Token, lex};
use std::ops::Range;

/// Reads one file. There is always one document, even of an empty file.
pub fn parse(file: FileId, text: &str) -> Tree {
    let mut builder = Builder::new(file, Format::Hcl, text, None);
    let lexed = lex(text);
    for token in &lexed.tokens {
        if let Token::Comment { opener, closer } = token.1 {
            builder.comment(token.0.clone(), opener, closer);
        }
    }
    for &at in &lexed.unclosed {
        let end = text.ceil_char_boundary((at + 1).min(text.len()));
        if !builder.error(at..end, "a bracket or quote that is not closed", true) {
            break;
        }
    }
    builder.begin_document();
    let mut parser = Parser { text, bytes: text.as_bytes(), lexed: &lexed, builder: &mut builder };
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let read = parser.builder.open(start).and_then(|_| parser.body(start..text.len()));
    match read {
        Ok(()) => {
            builder.close(true, Some(text.len()));
            builder.end_document();
        }
        Err(limit) => {
            builder.abandon_document();
            builder.error(0..text.len(), limit.0, true);
        }
    }
    builder.finish()
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    lexed: &'a Lexed,
    builder: &'a mut Builder,
}

impl Parser<'_> {
    /// Attributes and blocks. Each nested body opens a container, so the builder's limit bounds the recursion.
    fn body(&mut self, range: Range<usize>) -> Result<(), Limit> {
        let mut at = range.start;
        loop {
            at = self.past_space(at, range.end, true);
            if at >= range.end {
                return Ok(());
            }
            let name = self.identifier(at);
            let item = if name.is_empty() { None } else { self.item(name, range.end)? };
            at = match item {
                Some(end) => end,
                None => {
                    let end = self.past_line(at, range.end);
                    self.builder.error(at..end, "neither an attribute nor a block", false);
                    end
                }
            };
        }
    }

    /// An attribute or a block that begins with `name`; its end.
    fn item(&mut self, name: Range<usize>, end: usize) -> Result<Option<usize>, Limit> {
        let mut at = self.past_space(name.end, end, false);
        if self.bytes.get(at) == Some(&b'=') && self.bytes.get(at + 1) != Some(&b'=') {
            self.plain(name)?;
            return self.expression(at + 1, end, false).map(Some);
        }
        let mut labels = Vec::new();
        loop {
            match self.bytes.get(at).filter(|_| at < end) {
                Some(b'{') => break,
                Some(b'"') => {
                    let Some(close) = self.lexed.jump(at).filter(|c| *c <= end) else { return Ok(None) };
                    labels.push(at..close);
                }
                _ => {
                    let label = self.identifier(at);
                    if label.is_empty() {
                        return Ok(None);
                    }
                    labels.push(label);
                }
            }
            let last = labels.last().map_or(at, |l: &Range<usize>| l.end);
            at = self.past_space(last, end, false);
        }
        let Some(close) = self.lexed.jump(at).filter(|c| *c <= end) else { return Ok(None) };
        self.plain(name)?;
        for label in &labels {
            self.builder.open(label.start)?;
            if self.bytes[label.start] == b'"' {
                self.string(label.clone())?;
            } else {
                self.plain(label.clone())?;
            }
        }
        self.builder.open(at)?;
        self.body(at + 1..close - 1)?;
        for _ in 0..=labels.len() {
            self.builder.close(true, Some(close));
        }
        Ok(Some(close))
    }

    /// The value from `at` on; its end. Inside brackets line breaks are blanks.
    fn expression(&mut self, at: usize, end: usize, bracketed: bool) -> Result<usize, Limit> {
        let start = self.past_space(at, end, bracketed);
        let stop = self.end_of_expression(start, end, bracketed);
        let written = start..start + self.text[start..stop].trim_end().len();
        if written.is_empty() {
            self.builder.error(start..stop, "a value is missing", false);
            self.builder.scalar(start..start, Style::Plain, "")?;
            return Ok(stop);
        }
        let whole = self.lexed.jump(start) == Some(written.end);
        match self.bytes[start] {
            b'"' if whole => self.string(written)?,
            b'<' if whole => self.heredoc(written)?,
            b'[' if whole && !self.is_for(start + 1) => self.list(written)?,
            b'{' if whole && !self.is_for(start + 1) => self.object(written)?,
            _ => self.plain(written)?,
        }
        Ok(stop)
    }

    fn list(&mut self, range: Range<usize>) -> Result<(), Limit> {
        self.builder.open(range.start)?;
        let last = range.end - 1;
        let mut at = self.past_space(range.start + 1, last, true);
        while at < last {
            at = self.expression(at, last, true)?;
            at = self.past_separator(at, last);
        }
        self.builder.close(false, Some(range.end));
        Ok(())
    }

    /// `{ key = value, "key" : value, (expression) = value }`
    fn object(&mut self, range: Range<usize>) -> Result<(), Limit> {
        self.builder.open(range.start)?;
        let last = range.end - 1;
        let mut at = self.past_space(range.start + 1, last, true);
        while at < last {
            let key = match self.bytes[at] {
                b'"' | b'(' => self.lexed.jump(at).map_or(at..at, |end| at..end),
                _ => self.key(at, last),
            };
            let sign = self.past_space(key.end, last, true);
            let given = sign < last
                && matches!(self.bytes[sign], b'=' | b':')
                && !key.is_empty()
                && self.bytes.get(sign + 1) != Some(&b'=');
            if !given {
                let end = self.past_line(at, last);
                self.builder.error(at..end, "an object's key without a value", false);
                at = self.past_separator(end, last);
                continue;
            }
            if self.bytes[key.start] == b'"' {
                self.string(key)?
            } else {
                self.plain(key)?
            }
            at = self.expression(sign + 1, last, false)?;
            at = self.past_separator(at, last);
        }
        self.builder.close(true, Some(range.end));
        Ok(())
    }

    /// An identifier, a number or a traversal such as `local.name`, up to the sign behind it.
    fn key(&self, at: usize, end: usize) -> Range<usize> {
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | 0x80..);
        at..at + self.bytes[at..end].iter().take_while(|b| part(b)).count()
    }

    fn plain(&mut self, range: Range<usize>) -> Result<(), Limit> {
        let text = &self.text[range.clone()];
        self.builder.scalar(range, Style::Plain, text).map(drop)
    }

    fn string(&mut self, range: Range<usize>) -> Result<(), Limit> {
        let inner = &self.text[range.start + 1..(range.end - 1).max(range.start + 1)];
        let value = unescape(inner);
        self.builder.scalar(range, Style::DoubleQuoted, value.as_deref().unwrap_or(inner)).map(drop)
    }

    /// `<<EOT` gives its lines as they are, `<<-EOT` those without their common indent.
    fn heredoc(&mut self, range: Range<usize>) -> Result<(), Limit> {
        let text = &self.text[range.clone()];
        let indented = text.starts_with("<<-");
        let body = text.split_once('\n').map_or("", |(_, rest)| rest);
        let body = body.rfind('\n').map_or("", |last| &body[..=last]);
        let indent = |l: &str| l.len() - l.trim_start_matches([' ', '\t']).len();
        let common = body.lines().filter(|l| !l.trim().is_empty()).map(indent).min().unwrap_or(0);
        let value = if indented {
            body.split_inclusive('\n').map(|l| l.get(common.min(indent(l))..).unwrap_or("")).collect()
        } else {
            body.to_owned()
        };
        let start = range.start + (text.len() - text.split_once('\n').map_or("", |(_, rest)| rest).len());
        let start = start.min(range.end);
        self.builder.scalar(start..(start + body.len()).min(range.end), Style::Literal, &value).map(drop)
    }

    /// `for` expressions compute a list or an object.
    fn is_for(&self, at: usize) -> bool {
        let at = self.past_space(at, self.bytes.len(), true);
        self.identifier(at).len() == 3 && self.text[at..].starts_with("for")
    }

    fn identifier(&self, at: usize) -> Range<usize> {
        let first = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'_' | 0x80..);
        let part = |b: &u8| first(b) || b.is_ascii_digit() || *b == b'-';
        let rest = self.bytes.get(at..).unwrap_or(&[]);
        let length =
            if rest.first().is_some_and(first) { rest.iter().take_while(|b| part(b)).count() } else { 0 };
        at..at + length
    }

    /// Past blanks and comments, and past line breaks where they mean nothing.
    fn past_space(&self, mut at: usize, end: usize, breaks: bool) -> usize {
        while at < end {
            match self.bytes[at] {
                b' ' | b'\t' => at += 1,
                b'\n' | b'\r' if breaks => at += 1,
                b'#' | b'/' => match self.lexed.comment(at) {
                    Some(past) if breaks || !self.text[at..past].contains('\n') => at = past,
                    _ => break,
                },
                _ => break,
            }
        }
        at.min(end)
    }

    fn past_separator(&self, at: usize, end: usize) -> usize {
        let at = self.past_space(at, end, true);
        let comma = at < end && self.bytes[at] == b',';
        let next = self.past_space(at + usize::from(comma), end, true);
        // What stands where nothing can must not stop the reading.
        if at < end && !comma && matches!(self.bytes[at], b')' | b']' | b'}') {
            next + 1
        } else {
            next.min(end)
        }
    }

    /// Behind this line, brackets and heredocs that begin on it included.
    fn past_line(&self, mut at: usize, end: usize) -> usize {
        while at < end {
            match self.lexed.jump(at) {
                Some(past) => at = past,
                None if self.bytes[at] == b'\n' => return at + 1,
                None => at += 1,
            }
        }
        self.text.ceil_char_boundary(at.min(end))
    }

    fn end_of_expression(&self, mut at: usize, end: usize, bracketed: bool) -> usize {
        while at < end {
            match self.bytes[at] {
                b'#' | b'/' if self.lexed.comment(at).is_some() => return at,
                b'\n' | b'\r' if !bracketed => {
                    if self.goes_on(at, end) {
                        at = self.past_space(at, end, true);
                    } else {
                        return at;
                    }
                }
                b',' | b')' | b']' | b'}' => return at,
                _ => at = self.lexed.jump(at).unwrap_or(at + 1),
            }
        }
        at.min(end)
    }

    /// Whether the line behind the break at `at` begins with `?` or `:`, which Terraform's own formatter writes
    /// only inside brackets, yet people write elsewhere.
    fn goes_on(&self, at: usize, end: usize) -> bool {
        let next = self.past_space(at, end, true);
        next < end && matches!(self.bytes[next], b'?' | b':')
    }
}

/// The value of a quoted string; `None` where it is what is written. Interpolations stay as they are.
fn unescape(inner: &str) -> Option<String> {
    if !inner.contains('\\') {
        return None;
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        let code = |digits: usize| {
            let hex = rest.get(at + 2..at + 2 + digits)?;
            char::from_u32(u32::from_str_radix(hex, 16).ok()?)
        };
        let (c, length) = match after.next() {
            Some('n') => ('\n', 1),
            Some('r') => ('\r', 1),
            Some('t') => ('\t', 1),
            Some('u') => code(4).map_or(('u', 1), |c| (c, 5)),
            Some('U') => code(8).map_or(('U', 1), |c| (c, 9)),
            Some(other) => (other, other.len_utf8()),
            None => ('\\', 0),
        };
        value.push(c);
        rest = &rest[at + 1 + length..];
    }
    value.push_str(rest);
    Some(value)
}

#[cfg(test)]
mod tests;
