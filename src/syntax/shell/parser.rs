//! The parser's state, and what every part of the grammar needs.

use super::scan::{self, Delimiter};
use super::{Command, How, MAX_DEPTH, Options, Script, Tolerated};
use crate::text::{Passage, Span};
use std::ops::Range;

/// Words that only the end of some compound command may begin with.
const CLOSERS: [&str; 7] = ["then", "else", "elif", "fi", "do", "done", "esac"];

/// What `set` has switched so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) errexit: Option<bool>,
    pub(super) pipefail: Option<bool>,
    /// Index of the command `set +e` that is in force.
    pub(super) off_by: Option<usize>,
}

/// A recursive-descent parser over one passage. Every function leaves `pos` on a char boundary at or
/// after where it found it, never behind `end`.
pub(super) struct Parser<'p> {
    pub(super) passage: &'p Passage,
    pub(super) text: &'p str,
    pub(super) bytes: &'p [u8],
    pub(super) pos: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    /// Something is never closed; from here on nothing is searched for beyond its line, which keeps
    /// the time linear.
    pub(super) broken: bool,
    pub(super) script: Script,
    pub(super) settings: Settings,
    /// Texts of substitutions in words read since the last command was pushed.
    pub(super) nested: Vec<Range<usize>>,
    /// Here-documents whose bodies begin after the current line, with the command that reads them.
    pub(super) heredocs: Vec<(Delimiter, Option<usize>)>,
    pub(super) pipelines: u32,
    /// For each command whether `set +e` was in force, and by which command.
    pub(super) off: Vec<Option<usize>>,
    /// Members before the last of `&&` lists of the current statement, and the text that follows them.
    pub(super) and_lists: Vec<(Range<usize>, Span)>,
}

/// Parses a passage whose line breaks are LF.
pub(super) fn run(passage: &Passage, options: Options) -> Script {
    let text = passage.text();
    let mut parser = Parser {
        passage,
        text,
        bytes: text.as_bytes(),
        pos: 0,
        end: text.len(),
        depth: 0,
        broken: false,
        script: Script { complete: true, ..Script::default() },
        settings: Settings { errexit: options.errexit, pipefail: options.pipefail, off_by: None },
        nested: Vec::new(),
        heredocs: Vec::new(),
        pipelines: 0,
        off: Vec::new(),
        and_lists: Vec::new(),
    };
    parser.read_shebang();
    loop {
        parser.list();
        if parser.pos >= parser.end {
            break;
        }
        // A stray closing word or bracket.
        parser.fault();
        parser.skip_token();
    }
    parser.settle();
    parser.script
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.at(0)
    }

    pub(super) fn at(&self, ahead: usize) -> Option<u8> {
        let i = self.pos + ahead;
        if i < self.end { Some(self.bytes[i]) } else { None }
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.pos.min(self.end)..self.end]
    }

    /// Bytes of the character at `at`.
    pub(super) fn width(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(0, char::len_utf8)
    }

    pub(super) fn line_end(&self) -> usize {
        scan::find(self.bytes, self.pos, self.end, b"\n").unwrap_or(self.end)
    }

    /// How far a closing quote or bracket is searched for.
    pub(super) fn limit(&self) -> usize {
        if self.broken { self.line_end() } else { self.end }
    }

    /// Notes that something here is not shell.
    pub(super) fn fault(&mut self) {
        self.script.errors = true;
    }

    pub(super) fn break_off(&mut self) {
        self.broken = true;
        self.fault();
    }

    pub(super) fn skip_token(&mut self) {
        let word = self.reserved().len();
        let width = if word > 0 { word } else { self.width(self.pos).max(1) };
        self.pos = (self.pos + width).min(self.end);
    }

    fn read_shebang(&mut self) {
        if !self.text.starts_with("#!") {
            return;
        }
        let line = &self.text[..self.line_end()];
        let mut words = line.split_whitespace().skip(1).peekable();
        // `#!/usr/bin/env -S bash -e`: the options before the shell are those of env.
        let _ = words.next_if(|w| w.starts_with("-S"));
        while let Some(word) = words.next() {
            self.switch(word, words.peek().copied(), None);
        }
    }

    /// Skips blanks, continued line ends and a comment.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | 0x0b | 0x0c | b'\r' | 0) => self.pos += 1,
                Some(b'\\') if self.at(1) == Some(b'\n') => self.pos += 2,
                Some(b'#') if self.pos == 0 || !is_word_byte(self.bytes[self.pos - 1]) => {
                    self.pos = self.line_end();
                }
                _ => return,
            }
        }
    }

    /// Skips blanks and line ends; here-documents that were announced are read at a line end.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.pos += 1;
            self.read_heredocs();
        }
    }

    fn read_heredocs(&mut self) {
        for (delimiter, command) in std::mem::take(&mut self.heredocs) {
            let from = self.pos;
            let (body_end, after, found) = scan::body(self.bytes, from, self.end, &delimiter);
            self.script.errors |= !found;
            self.pos = after;
            if let Some(command) = command {
                let body = self.lift_body(from..body_end, &delimiter);
                self.script.commands[command].heredoc =
                    Some(super::Heredoc { body, quoted: delimiter.quoted });
            }
        }
    }

    fn lift_body(&self, range: Range<usize>, delimiter: &Delimiter) -> Passage {
        let mut body =
            Passage::new(self.passage.file(), self.passage.span(range.start..range.start).start as usize);
        let mut start = range.start;
        for line in self.text[range].split_inclusive('\n') {
            let end = start + line.len();
            let tabs = line.bytes().take_while(|b| *b == b'\t').count();
            let mut from = start + if delimiter.strip_tabs { tabs } else { 0 };
            let mut i = from;
            while !delimiter.quoted && i < end {
                let escape =
                    self.bytes[i] == b'\\' && matches!(self.bytes.get(i + 1), Some(b'$' | b'`' | b'\\'));
                if escape {
                    body.append(self.passage, from..i);
                    from = i + 1;
                    i += 1;
                }
                i += 1;
            }
            body.append(self.passage, from.min(end)..end);
            start = end;
        }
        body
    }

    /// The reserved word or closing sign at the current place; empty if there is none.
    pub(super) fn reserved(&self) -> &str {
        let rest = self.rest();
        let letters = rest.iter().take_while(|b| b.is_ascii_lowercase()).count();
        let ends = rest.get(letters).is_none_or(|b| !is_word_byte(*b));
        if letters > 0 {
            return if ends { &self.text[self.pos..self.pos + letters] } else { "" };
        }
        let length = match rest {
            [b';', b';', b'&', ..] => 3,
            [b';', b';', ..] | [b';', b'&', ..] => 2,
            [b')', ..] => 1,
            [b'{' | b'}', next, ..] if is_word_byte(*next) => 0,
            [b'{' | b'}', ..] => 1,
            _ => 0,
        };
        &self.text[self.pos..self.pos + length]
    }

    pub(super) fn at_closer(&self) -> bool {
        let word = self.reserved();
        CLOSERS.contains(&word) || matches!(word, ")" | "}" | ";;" | ";&" | ";;&")
    }

    /// Takes the reserved word `word` if it comes next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.skip_lines();
        let found = self.reserved() == word;
        if found {
            self.pos += word.len();
        } else {
            self.fault();
        }
        found
    }

    /// Parses the substitutions of the words that were just read; their commands follow command `of`.
    pub(super) fn parse_nested(&mut self) {
        let nested = std::mem::take(&mut self.nested);
        if nested.is_empty() {
            return;
        }
        if self.depth >= MAX_DEPTH {
            self.script.complete = false;
            return;
        }
        let (pos, end, settings) = (self.pos, self.end, self.settings);
        let heredocs = std::mem::take(&mut self.heredocs);
        self.depth += 1;
        for range in nested {
            (self.pos, self.end) = (range.start, range.end);
            let first = self.script.commands.len();
            while self.pos < self.end {
                self.list();
                if self.pos < self.end {
                    self.fault();
                    self.skip_token();
                }
            }
            for command in &mut self.script.commands[first..] {
                command.in_substitution = true;
            }
            self.heredocs.clear();
        }
        self.depth -= 1;
        (self.pos, self.end, self.settings, self.heredocs) = (pos, end, settings, heredocs);
    }

    /// The first place at or after `at` that is no blank.
    pub(super) fn trim_start(&self, at: usize) -> usize {
        at + self.bytes[at..self.end].iter().take_while(|b| b.is_ascii_whitespace()).count()
    }

    /// Sets the tolerance of those commands of `range` that have none of their own yet.
    pub(super) fn tolerate(&mut self, range: Range<usize>, how: How, span: Span) {
        for command in &mut self.script.commands[range] {
            command.tolerated.get_or_insert(Tolerated { span, how });
        }
    }

    /// Appends a command and what is known about its place.
    pub(super) fn push(&mut self, command: Command) -> usize {
        self.script.commands.push(command);
        self.off.push(self.settings.off_by);
        self.script.commands.len() - 1
    }
}

/// Bytes that continue a word, so that a reserved word or a `#` there is none.
pub(super) fn is_word_byte(b: u8) -> bool {
    !(b.is_ascii_whitespace() || matches!(b, b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'))
}
