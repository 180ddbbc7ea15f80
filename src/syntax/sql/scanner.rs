//! From text to tokens and statements, in one walk.

use super::lexer::Lexer;
use super::{Script, Statement, Token, TokenKind};

/// What the statement that is being read looks like, as far as that decides where it ends.
#[derive(Debug, Default, Clone, Copy)]
struct Open {
    /// It has a body of statements: a routine, a block.
    body: bool,
    /// `BEGIN` and `CASE` that wait for their `END`.
    depth: u32,
    /// It begins with COPY, and speaks of standard input.
    copy: bool,
    stdin: bool,
}

pub(super) struct Scanner<'t> {
    lexer: Lexer<'t>,
    script: Script,
    at: usize,
    /// Where the statement that is being read begins.
    start: usize,
    /// Its first token.
    first: usize,
    open: Open,
    /// What ends a statement instead of `;`.
    delimiter: Option<&'t str>,
    /// Between two comments that say that this is one statement.
    held: bool,
    /// No data of a COPY ends behind here, and no `q'…'`: searching for it costs the whole rest.
    no_data: bool,
    no_quote: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, backslash: bool) -> Scanner<'t> {
        Scanner {
            lexer: Lexer::new(text, backslash),
            script: Script::default(),
            at: 0,
            start: 0,
            first: 0,
            open: Open::default(),
            delimiter: None,
            held: false,
            no_data: false,
            no_quote: false,
        }
    }

    pub(super) fn run(mut self) -> Script {
        self.script.slashes = self.has_slash_line();
        if self.lexer.text.starts_with('\u{feff}') {
            self.at = 3;
        }
        while self.at < self.lexer.bytes.len() {
            self.step();
        }
        if self.start < self.at {
            self.end_statement(self.at);
        }
        self.script
    }

    /// Whether some line is a lone `/`, so that SQL*Plus runs this.
    fn has_slash_line(&self) -> bool {
        self.lexer.text.match_indices("\n/").any(|(at, _)| self.lexer.ends_line(at + 2))
    }

    fn fresh(&self) -> bool {
        self.script.tokens.len() == self.first
    }

    fn push(&mut self, kind: TokenKind, end: usize) {
        self.script.tokens.push(Token { kind, start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn comment(&mut self, end: usize) {
        self.script.comments.push(self.at as u32..end as u32);
        self.at = end;
    }

    /// Ends the statement at `end`, which lies behind what ends it.
    fn end_statement(&mut self, end: usize) {
        let last = self.script.tokens.len();
        self.script.statements.push(Statement {
            start: self.start as u32,
            end: end as u32,
            first: self.first as u32,
            last: last as u32,
            client: false,
        });
        self.at = end;
        self.start = end;
        self.first = last;
        self.open = Open::default();
    }

    fn step(&mut self) {
        let at = self.at;
        let (b, next) = (self.lexer.bytes[at], self.lexer.byte(at + 1));
        if let Some(delimiter) = self.delimiter
            && self.lexer.text[at..].starts_with(delimiter)
        {
            return self.end_statement(at + delimiter.len());
        }
        match b {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
            b'-' if next == b'-' => self.line_comment(),
            b'#' if self.lexer.begins_line(at)
                && matches!(next, b' ' | b'#' | b'\n' | b'\r' | b'-' | b'=' | 0) =>
            {
                self.comment(self.lexer.line_end(at));
            }
            // What MySQL runs and others skip.
            b'/' if next == b'*' && self.lexer.byte(at + 2) == b'!' => {
                self.at = at + 3;
                while self.lexer.byte(self.at).is_ascii_digit() {
                    self.at += 1;
                }
            }
            b'*' if next == b'/' => self.at += 2,
            b'/' if next == b'*' => {
                let end = self.lexer.comment(at);
                self.comment(end);
            }
            b'{' if matches!(next, b'%' | b'#') => {
                let closer = if next == b'%' { "%}" } else { "#}" };
                match self.lexer.find_text(closer, at, 2_000) {
                    Some(found) => self.comment(found + 2),
                    None => self.push(TokenKind::Symbol, at + 1),
                }
            }
            b'/' if self.script.slashes && self.lexer.begins_line(at) && self.lexer.ends_line(at + 1) => {
                self.end_statement(at + 1);
            }
            b'\'' => self.push(TokenKind::Text, self.lexer.quoted(at, b'\'', self.lexer.backslash)),
            b'"' => self.push(TokenKind::Quoted, self.lexer.quoted(at, b'"', self.lexer.backslash)),
            b'`' => self.push(TokenKind::Quoted, self.lexer.quoted(at, b'`', false)),
            b'[' => self.bracket(),
            b'\\' if self.lexer.begins_line(at) => self.client_line(self.lexer.line_end(at)),
            b';' if self.delimiter.is_none() => self.semicolon(),
            b'$' => match self.lexer.dollar(at) {
                Some(end) => self.push(TokenKind::Dollar, end),
                None => self.push(TokenKind::Word, self.lexer.word(at).max(at + 1)),
            },
            b'0'..=b'9' => self.push(TokenKind::Number, self.lexer.number(at)),
            b'{' | b'<' => match self.lexer.template(at) {
                Some(_) => self.push(TokenKind::Word, self.lexer.word(at)),
                None => self.push(TokenKind::Symbol, at + 1),
            },
            // Operators of PostgreSQL; `#temp` and `@variable` are names.
            b'#' | b'@' if !(next.is_ascii_alphabetic() || matches!(next, b'_' | b'#' | b'@')) => {
                self.push(TokenKind::Symbol, at + 1);
            }
            b if super::lexer::is_word(b) => self.word(),
            _ => self.push(TokenKind::Symbol, at + 1),
        }
    }

    fn line_comment(&mut self) {
        let (at, end) = (self.at, self.lexer.line_end(self.at));
        let body = self.lexer.text[at + 2..end].trim();
        self.comment(end);
        let tool = body.strip_prefix("+goose").or_else(|| body.strip_prefix("+migrate")).map(str::trim_start);
        match tool {
            Some(word) if word.eq_ignore_ascii_case("StatementBegin") => self.held = true,
            Some(word) if word.eq_ignore_ascii_case("StatementEnd") => {
                self.held = false;
                if !self.fresh() {
                    self.end_statement(end);
                }
            }
            // A new section of the file ends whatever is open.
            Some(_) if !self.fresh() => self.end_statement(end),
            Some(_) => {}
            // Drizzle cuts its files here.
            None if body == "> statement-breakpoint" && !self.fresh() => self.end_statement(end),
            None => {}
        }
    }

    /// A name in brackets, unless it is the subscript of what stands directly before it.
    fn bracket(&mut self) {
        let at = self.at;
        let before = at.checked_sub(1).map_or(b' ', |i| self.lexer.bytes[i]);
        let subscript = super::lexer::is_word(before) || matches!(before, b']' | b')' | b'"' | b'\'');
        match self.lexer.bracketed(at).filter(|_| !subscript) {
            Some(end) => self.push(TokenKind::Quoted, end),
            None => self.push(TokenKind::Symbol, at + 1),
        }
    }

    /// A line that the client runs, as a statement of its own.
    fn client_line(&mut self, end: usize) {
        if !self.fresh() {
            self.end_statement(self.at);
        }
        self.end_statement(end);
        if let Some(statement) = self.script.statements.last_mut() {
            statement.client = true;
        }
    }

    fn semicolon(&mut self) {
        let at = self.at;
        let lone = self.script.tokens.len() - self.first == 1;
        let routine = self.open.body && !lone && (self.script.slashes || self.open.depth > 0);
        if self.held || routine {
            return self.push(TokenKind::Symbol, at + 1);
        }
        let mut end = at + 1;
        if self.open.copy && self.open.stdin {
            end = self.data_end(end);
        }
        self.end_statement(end);
    }

    /// Behind the data of a `COPY … FROM stdin;`: past its `\.`. Without one there is no data.
    fn data_end(&mut self, from: usize) -> usize {
        if self.no_data {
            return from;
        }
        let mut ends = self.lexer.text[from..].match_indices("\n\\.").map(|(at, _)| from + at + 3);
        let end = ends.find(|end| self.lexer.ends_line(*end));
        self.no_data = end.is_none();
        end.unwrap_or(from)
    }

    fn word(&mut self) {
        let at = self.at;
        let mut end = self.lexer.word(at);
        // `END$$`
        if let Some(i) = self.delimiter.and_then(|d| self.lexer.text[at..end].find(d)) {
            end = at + i;
        }
        let text = &self.lexer.text[at..end];
        let fresh = self.fresh();
        // `N'…'`, `E'…'`, `_utf8'…'`; only `E` brings escapes.
        if self.lexer.byte(end) == b'\'' && (text.len() <= 2 || text.starts_with('_')) {
            let escapes = self.lexer.backslash || text.eq_ignore_ascii_case("e");
            let quote = if text.eq_ignore_ascii_case("q") { self.oracle_quote(end) } else { None };
            let close = quote.unwrap_or_else(|| self.lexer.quoted(end, b'\'', escapes));
            return self.push(TokenKind::Text, close);
        }
        if text.len() == 2 && text.eq_ignore_ascii_case("go") && self.is_batch_end(at, end) {
            self.script.batches = true;
            return self.end_statement(self.lexer.line_end(end));
        }
        if fresh && text.eq_ignore_ascii_case("delimiter") {
            let line = self.lexer.line_end(end);
            let mark = self.lexer.text[end..line].trim();
            if !mark.is_empty() && mark.len() <= 16 && self.lexer.begins_line(at) {
                self.delimiter = (mark != ";").then_some(mark);
                return self.client_line(line);
            }
        }
        self.push(TokenKind::Word, end);
        self.notice(text, fresh);
    }

    /// `q'[…]'`
    fn oracle_quote(&mut self, at: usize) -> Option<usize> {
        if self.no_quote {
            return None;
        }
        let closer = match self.lexer.byte(at + 1) {
            b'[' => "]'",
            b'{' => "}'",
            b'(' => ")'",
            b'<' => ">'",
            b'!' => "!'",
            b'|' => "|'",
            b'~' => "~'",
            _ => return None,
        };
        let end = self.lexer.find_text(closer, at + 2, usize::MAX).map(|found| found + 2);
        self.no_quote = end.is_none();
        end
    }

    /// Whether the word is a `GO` on a line of its own, maybe with a number.
    fn is_batch_end(&self, at: usize, end: usize) -> bool {
        let rest = &self.lexer.bytes[end..self.lexer.line_end(end)];
        self.lexer.begins_line(at)
            && rest.iter().all(|b| matches!(b, b' ' | b'\t' | b';') || b.is_ascii_digit())
    }

    /// What a word tells about where its statement ends.
    fn notice(&mut self, word: &str, fresh: bool) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if fresh {
            self.open.copy = is("copy");
            // `BEGIN` of a block; `BEGIN;` and `BEGIN TRANSACTION` are corrected by what follows.
            self.open.body = is("declare") || is("begin") || is("if") || is("while");
            self.open.depth = u32::from(is("begin"));
            return;
        }
        if !matches!(word.len(), 2..=11) {
            return;
        }
        let count = self.script.tokens.len() - self.first;
        if count == 2
            && self.open.depth == 1
            && self.is_transaction(word)
            && self.word_at(0).eq_ignore_ascii_case("begin")
        {
            self.open = Open::default();
            return;
        }
        if self.open.copy {
            self.open.stdin |= is("stdin");
        } else if !self.open.body {
            let head = self.word_at(0);
            let routine =
                ["trigger", "procedure", "proc", "function", "package", "event"].iter().any(|w| is(w));
            let second = self.word_at(1);
            let before = ["or", "definer", "temp", "temporary", "constraint", "aggregate", "editionable"];
            let prefixed = count <= 12 && before.iter().any(|w| second.eq_ignore_ascii_case(w));
            let makes = head.eq_ignore_ascii_case("create") || head.eq_ignore_ascii_case("alter");
            self.open.body = makes && routine && (count == 2 || prefixed);
        } else if is("begin") {
            self.open.depth += 1;
        } else if is("case") {
            // `END CASE` closes what this opened.
            if !self.follows("end") {
                self.open.depth += 1;
            }
        } else if is("end") {
            self.open.depth = self.open.depth.saturating_sub(1);
        } else if self.follows("end") && ["if", "loop", "while", "repeat", "for"].iter().any(|w| is(w)) {
            // It closed what was not counted.
            self.open.depth += 1;
        }
    }

    /// Words that follow a BEGIN that opens a transaction.
    fn is_transaction(&self, word: &str) -> bool {
        [
            "transaction",
            "tran",
            "work",
            "isolation",
            "deferred",
            "immediate",
            "exclusive",
            "concurrent",
            "read",
        ]
        .iter()
        .any(|w| word.eq_ignore_ascii_case(w))
    }

    /// The text of a token of the statement that is being read.
    fn word_at(&self, number: usize) -> &'t str {
        self.script.tokens.get(self.first + number).map_or("", |t| &self.lexer.text[t.range()])
    }

    /// Whether the word before the last one is this.
    fn follows(&self, word: &str) -> bool {
        let count = self.script.tokens.len() - self.first;
        count >= 2 && self.word_at(count - 2).eq_ignore_ascii_case(word)
    }
}
