//! Words: quote removal, with the way back into the file.

use super::Word;
use super::parser::Parser;
use super::scan;
use crate::text::Passage;
use std::ops::Range;

/// Where a word stands, which decides what ends it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// An ordinary word: operators end it.
    Command,
    /// A regular expression after `=~` in `[[ ]]`: only blanks end it.
    Regex,
}

/// Text that is being gathered: what is read byte for byte is put off and pushed as one run.
struct Gather<'p> {
    from: &'p Passage,
    text: Passage,
    run: Range<usize>,
}

impl Gather<'_> {
    fn copy(&mut self, range: Range<usize>) {
        if self.run.end == range.start {
            self.run.end = range.end;
        } else {
            self.flush();
            self.run = range;
        }
    }

    fn mean(&mut self, meaning: &str, range: Range<usize>) {
        self.flush();
        self.text.push_meaning(meaning, self.from.span(range).range());
    }

    fn flush(&mut self) {
        if !self.run.is_empty() {
            self.text.append(self.from, self.run.clone());
        }
        self.run = 0..0;
    }
}

impl Parser<'_> {
    /// Reads the word at the current place; `None` if there is an operator, a line break or the end.
    /// Texts of substitutions are put into `self.nested`, to be parsed when the command is known.
    pub(super) fn word(&mut self, mode: Mode) -> Option<Word> {
        let start = self.pos;
        let passage = self.passage;
        let mut out = Gather {
            from: passage,
            text: Passage::new(passage.file(), passage.span(start..start).start as usize),
            run: 0..0,
        };
        let (mut literal, mut quoted, mut plain) = (true, false, true);
        while let Some(b) = self.peek() {
            let at = self.pos;
            if matches!(b, b'$' | b'{' | b'<')
                && let Some(end) = scan::end_of_template(self.bytes, at, self.end)
            {
                out.copy(at..end);
                literal = false;
                self.pos = end;
                continue;
            }
            match b {
                b' ' | b'\t' | b'\n' | 0x0b | 0x0c => break,
                b'<' | b'>' if mode == Mode::Command && self.at(1) == Some(b'(') => {
                    let end = self.substitution(at + 2);
                    out.copy(at..end);
                    literal = false;
                }
                b'(' if mode == Mode::Command && at > start && self.opens_group(start) => {
                    let end = self.close(scan::end_of_parens(self.bytes, at + 1, self.limit()));
                    out.copy(at..end);
                    literal = false;
                    self.pos = end;
                }
                b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' if mode == Mode::Command => break,
                b'\\' => {
                    plain = false;
                    match self.at(1) {
                        Some(b'\n') => {
                            out.flush();
                            self.pos += 2;
                        }
                        Some(_) => {
                            quoted = true;
                            let width = self.width(at + 1);
                            out.copy(at + 1..at + 1 + width);
                            self.pos += 1 + width;
                        }
                        None => {
                            out.copy(at..at + 1);
                            self.pos += 1;
                        }
                    }
                }
                b'\'' => {
                    (quoted, plain) = (true, false);
                    let close = self.closing_quote(at + 1, b'\'');
                    out.copy(at + 1..close);
                    self.pos = close + usize::from(close < self.end && self.bytes[close] == b'\'');
                }
                b'"' => {
                    (quoted, plain) = (true, false);
                    literal &= self.double_quoted(&mut out);
                }
                b'`' | b'$' => {
                    let ansi = b == b'$' && self.at(1) == Some(b'\'');
                    if ansi {
                        (quoted, plain) = (true, false);
                        self.ansi_quoted(&mut out);
                    } else if b == b'$' && self.at(1) == Some(b'"') {
                        self.pos += 1;
                    } else {
                        let expands = self.expansion();
                        out.copy(at..self.pos);
                        literal &= !expands;
                    }
                }
                _ => {
                    let width = self.width(at);
                    out.copy(at..at + width);
                    self.pos += width;
                }
            }
        }
        if self.pos == start {
            return None;
        }
        out.flush();
        let span = passage.span(start..self.pos);
        let text = out.text.text().to_owned();
        // A folded or escaped line lies in several pieces: then a plain word needs its way back, too.
        plain &= span.len() == text.len();
        let lifted = (!plain).then(|| Box::new(out.text));
        Some(Word { text, span, literal, quoted, lifted })
    }

    /// `(` within a word: an array after `NAME=`, or an extended glob such as `!(x)`.
    fn opens_group(&self, start: usize) -> bool {
        match self.bytes[self.pos - 1] {
            b'=' => super::simple::assigned_name(&self.text[start..self.pos]).is_some(),
            b'?' | b'*' | b'+' | b'@' | b'!' => {
                self.bytes[self.pos + 1..self.end].iter().take(200).any(|b| *b == b')')
            }
            _ => false,
        }
    }

    /// Reads `"…"`; whether nothing in it is expanded.
    fn double_quoted(&mut self, out: &mut Gather<'_>) -> bool {
        let open = self.pos;
        let end = self.close(scan::end_of_double(self.bytes, open + 1, self.limit()));
        let closed = end > open + 1 && self.bytes[end - 1] == b'"';
        let inner_end = if closed { end - 1 } else { end };
        let mut literal = true;
        self.pos = open + 1;
        while self.pos < inner_end {
            let at = self.pos;
            if let Some(end) =
                scan::end_of_template(self.bytes, at, inner_end).filter(|_| self.bytes[at] != b'<')
            {
                out.copy(at..end);
                literal = false;
                self.pos = end;
                continue;
            }
            match self.bytes[at] {
                b'\\' if at + 1 < inner_end => match self.bytes[at + 1] {
                    b'\n' => {
                        out.flush();
                        self.pos += 2;
                    }
                    b'$' | b'`' | b'"' | b'\\' => {
                        out.copy(at + 1..at + 2);
                        self.pos += 2;
                    }
                    _ => {
                        out.copy(at..at + 1);
                        self.pos += 1;
                    }
                },
                b'$' | b'`' => {
                    let outer = std::mem::replace(&mut self.end, inner_end);
                    let expands = self.expansion();
                    self.end = outer;
                    out.copy(at..self.pos);
                    literal &= !expands;
                }
                _ => {
                    let width = self.width(at);
                    out.copy(at..at + width);
                    self.pos += width;
                }
            }
        }
        self.pos = end;
        literal
    }

    /// Reads `$'…'` and its escapes (`\n`, `\t`, `\'`, `\\`; others stay as written).
    fn ansi_quoted(&mut self, out: &mut Gather<'_>) {
        self.pos += 2;
        while let Some(b) = self.peek() {
            let at = self.pos;
            match (b, self.at(1)) {
                (b'\'', _) => {
                    self.pos += 1;
                    return;
                }
                (b'\\', Some(next @ (b'n' | b't' | b'r'))) => {
                    let meaning = match next {
                        b'n' => "\n",
                        b't' => "\t",
                        _ => "\r",
                    };
                    out.mean(meaning, at..at + 2);
                    self.pos += 2;
                }
                (b'\\', Some(b'\'' | b'"' | b'\\')) => {
                    out.copy(at + 1..at + 2);
                    self.pos += 2;
                }
                (b'\n', _) if self.broken => return,
                _ => {
                    let width = self.width(at);
                    out.copy(at..at + width);
                    self.pos += width;
                }
            }
        }
        self.break_off();
    }

    /// Skips what begins with `$` or a backquote; whether it is an expansion and not a bare `$`.
    pub(super) fn expansion(&mut self) -> bool {
        let at = self.pos;
        if self.bytes[at] == b'`' {
            let closed = scan::end_of_backquotes(self.bytes, at + 1, self.limit());
            let end = self.close(closed);
            self.nested.push(at + 1..if closed.is_some() { end - 1 } else { end });
            self.pos = end;
            return true;
        }
        match self.at(1) {
            Some(b'(') if self.at(2) == Some(b'(') => {
                let end = self.close(scan::end_of_parens(self.bytes, at + 2, self.limit()));
                // `$((` also opens a substitution that begins with a subshell.
                if self.bytes[..end].ends_with(b"))") {
                    self.pos = end;
                } else {
                    self.substitution(at + 2);
                }
                true
            }
            Some(b'(') => {
                self.substitution(at + 2);
                true
            }
            Some(b'{') => {
                self.pos = self.close(scan::end_of_braces(self.bytes, at + 2, self.limit()));
                true
            }
            Some(b) if b.is_ascii_alphanumeric() || b == b'_' => {
                let name = self.bytes[at + 1..self.end].iter();
                self.pos += 1 + match b.is_ascii_digit() {
                    true => 1,
                    false => name.take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count(),
                };
                true
            }
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.pos += 2;
                true
            }
            _ => {
                self.pos += 1;
                false
            }
        }
    }

    /// Skips a substitution whose text begins at `from` and notes it for parsing; returns its end.
    fn substitution(&mut self, from: usize) -> usize {
        let closed = scan::end_of_parens(self.bytes, from, self.limit());
        let end = self.close(closed);
        let inner = if closed == Some(end) { end - 1 } else { end };
        self.nested.push(from..inner.max(from));
        self.pos = end;
        end
    }

    /// The closing quote, or the end of the line when there is none.
    fn closing_quote(&mut self, from: usize, quote: u8) -> usize {
        if !self.broken {
            if let Some(close) = scan::find(self.bytes, from, self.end, &[quote]) {
                return close;
            }
            self.break_off();
        }
        let line = self.line_end();
        scan::find(self.bytes, from, line, &[quote]).unwrap_or(line)
    }

    /// `end`, or if there is none the end of the line, with a note that something is never closed.
    fn close(&mut self, end: Option<usize>) -> usize {
        match end {
            Some(end) => end,
            None => {
                self.break_off();
                self.line_end().max(self.pos + 1).min(self.end)
            }
        }
    }
}
