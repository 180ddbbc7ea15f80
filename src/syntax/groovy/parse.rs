//! Statements and expressions out of tokens.

use super::lex::{Lexed, Token, lex};
use super::{Block, Call, Expr, Script, Statement};
use std::ops::Range;

/// Blocks and brackets nest at most so deep. Reader threads have 2 MiB of stack.
pub(super) const MAX_DEPTH: usize = 72;
/// Longer files are data.
const MAX_BYTES: usize = 1 << 20;

/// Words that stand before a name and say nothing that is asked for here.
const MODIFIERS: &[&str] =
    &["def", "final", "static", "private", "public", "protected", "var", "synchronized"];
/// Words that are operators.
pub(super) const OPERATORS: &[&str] = &["in", "instanceof", "as"];

/// Reads a file.
pub fn parse(text: &str) -> Script {
    if text.len() > MAX_BYTES {
        let errors = vec![(0..0, "larger than 1 MiB")];
        return Script { errors, ..Script::default() };
    }
    let Lexed { tokens, comments, unclosed } = lex(text);
    let mut parser =
        Parser { text, tokens: &tokens, at: 0, depth: 0, lines: true, errors: Vec::new(), complete: true };
    let mut statements = Vec::new();
    while parser.at < tokens.len() {
        parser.statements(&mut statements);
        // A brace too many.
        if let Some((_, at)) = tokens.get(parser.at) {
            parser.error(at.clone(), "a brace that nothing opens");
            parser.at += 1;
        }
    }
    let mut errors = parser.errors;
    if let Some(at) = unclosed {
        errors.insert(0, (at..at + 1, "a quote that is not closed"));
    }
    Script { statements, comments, errors, complete: parser.complete }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [(Token, Range<usize>)],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Whether the end of a line ends an expression.
    pub(super) lines: bool,
    pub(super) errors: Vec<(Range<usize>, &'static str)>,
    pub(super) complete: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn error(&mut self, at: Range<usize>, what: &'static str) {
        if self.errors.len() < 16 {
            self.errors.push((at, what));
        }
    }

    pub(super) fn token(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead).map(|t| &t.0)
    }

    pub(super) fn mark(&self, byte: u8) -> bool {
        self.token(0) == Some(&Token::Mark(byte))
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is = self.mark(byte);
        self.at += usize::from(is);
        is
    }

    pub(super) fn start(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |t| t.1.start)
    }

    /// The end of the token before this one.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |i| self.tokens[i].1.end)
    }

    pub(super) fn word(&self, ahead: usize) -> Option<&'a str> {
        match self.tokens.get(self.at + ahead)? {
            (Token::Word, at) => Some(&self.text[at.clone()]),
            _ => None,
        }
    }

    pub(super) fn skip_lines(&mut self) {
        while self.token(0) == Some(&Token::Line) {
            self.at += 1;
        }
    }

    /// The number of line ends before the next token that is none.
    pub(super) fn lines_ahead(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len())..].iter().take_while(|t| t.0 == Token::Line).count()
    }

    /// Goes past a bracket that is open here, and all that it holds.
    pub(super) fn skip_balanced(&mut self) {
        let mut open = 0_usize;
        while let Some(token) = self.token(0) {
            match token {
                Token::Mark(b'(' | b'[' | b'{') => open += 1,
                Token::Mark(b')' | b']' | b'}') => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }

    /// Statements up to a closing brace or the end.
    fn statements(&mut self, into: &mut Vec<Statement>) {
        let outer = std::mem::replace(&mut self.lines, true);
        loop {
            self.skip_lines();
            match self.token(0) {
                None | Some(Token::Mark(b'}')) => break,
                Some(Token::Mark(b';')) => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let before = self.at;
            self.statement(into);
            if !matches!(self.token(0), None | Some(Token::Line | Token::Mark(b';' | b'}')))
                && before == self.at
            {
                self.at += 1;
            }
        }
        self.lines = outer;
    }

    /// `{ … }`, with the names of a closure's parameters passed over.
    pub(super) fn block(&mut self) -> Block {
        let start = self.start();
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            self.skip_balanced();
            return Block { statements: Vec::new(), at: start..self.end() };
        }
        self.depth += 1;
        self.at += 1;
        let mut ahead = 0;
        while matches!(self.token(ahead), Some(Token::Word | Token::Mark(b',' | b'<' | b'>') | Token::Line))
            && ahead < 24
        {
            ahead += 1;
        }
        if self.token(ahead) == Some(&Token::Arrow) {
            self.at += ahead + 1;
        }
        let mut statements = Vec::new();
        self.statements(&mut statements);
        if !self.take(b'}') {
            self.error(start..start + 1, "a brace that is not closed");
        }
        self.depth -= 1;
        Block { statements, at: start..self.end() }
    }

    /// A block, or the one statement that stands for it.
    fn body(&mut self) -> Block {
        self.skip_lines();
        if self.mark(b'{') {
            return self.block();
        }
        let start = self.start();
        let mut statements = Vec::new();
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            self.statement(&mut statements);
            self.depth -= 1;
        }
        Block { statements, at: start..self.end().max(start) }
    }

    fn statement(&mut self, into: &mut Vec<Statement>) {
        let start = self.start();
        if self.take(b'@') {
            return self.annotation(start, into);
        }
        let next_is = |byte: u8| self.token(1) == Some(&Token::Mark(byte));
        match self.word(0) {
            Some("import" | "package") => {
                while !matches!(self.token(0), None | Some(Token::Line | Token::Mark(b';'))) {
                    self.at += 1;
                }
            }
            Some("class" | "interface" | "enum" | "trait") if self.word(1).is_some() => {
                while !matches!(self.token(0), None | Some(Token::Mark(b'{' | b'}'))) {
                    self.at += 1;
                }
                if self.mark(b'{') {
                    self.skip_balanced();
                }
            }
            Some("if") if next_is(b'(') => {
                let branches = self.branches();
                into.push(Statement::If(branches));
            }
            Some("try") if next_is(b'{') || self.token(1) == Some(&Token::Line) => {
                let tried = self.tried();
                into.push(tried);
            }
            Some("for" | "while" | "switch") if next_is(b'(') => {
                self.at += 1;
                let condition = self.parenthesised();
                let body = self.body();
                into.push(Statement::Repeat(condition, body));
            }
            // Labels of a `switch`.
            Some("case") => {
                self.at += 1;
                while !matches!(self.token(0), None | Some(Token::Line | Token::Mark(b':' | b'}'))) {
                    self.at += 1;
                }
                self.take(b':');
            }
            Some("default") if next_is(b':') => self.at += 2,
            Some("break" | "continue") => self.at += 1,
            Some(word @ ("return" | "throw")) => {
                self.at += 1;
                let ends = matches!(self.token(0), None | Some(Token::Line | Token::Mark(b';' | b'}')));
                let value = (!ends).then(|| self.expression(true));
                into.push(Statement::Leave { throws: word == "throw", value, at: start..self.end() });
            }
            _ => self.declaration_or_value(into),
        }
    }

    /// `@Library('x') _`, `@Field`, `@NonCPS`.
    fn annotation(&mut self, start: usize, into: &mut Vec<Statement>) {
        let Some(name) = self.word(0) else { return };
        let name_at = start..self.start() + name.len();
        self.at += 1;
        let arguments = if self.mark(b'(') { self.arguments(b')') } else { Vec::new() };
        if self.word(0) == Some("_") {
            self.at += 1;
        }
        let at = start..self.end();
        let call = Call { name: format!("@{name}"), receiver: None, arguments, body: None, name_at, at };
        into.push(Statement::Value { name: None, value: Expr::Call(Box::new(call)) });
    }

    fn branches(&mut self) -> Vec<(Option<Expr>, Block)> {
        let mut branches = Vec::new();
        loop {
            self.at += 1;
            let condition = self.parenthesised();
            let body = self.body();
            branches.push((Some(condition), body));
            let lines = self.lines_ahead();
            if self.word(lines) != Some("else") {
                return branches;
            }
            self.at += lines + 1;
            self.skip_lines();
            if self.word(0) != Some("if") {
                let body = self.body();
                branches.push((None, body));
                return branches;
            }
        }
    }

    fn tried(&mut self) -> Statement {
        self.at += 1;
        let body = self.body();
        let (mut catches, mut finally) = (Vec::new(), None);
        loop {
            let lines = self.lines_ahead();
            match self.word(lines) {
                Some("catch") => {
                    self.at += lines + 1;
                    self.skip_lines();
                    if self.mark(b'(') {
                        self.skip_balanced();
                    }
                    catches.push(self.body());
                }
                Some("finally") => {
                    self.at += lines + 1;
                    finally = Some(self.body());
                }
                _ => return Statement::Try { body, catches, finally },
            }
        }
    }

    pub(super) fn parenthesised(&mut self) -> Expr {
        let start = self.start();
        if !self.mark(b'(') {
            return Expr::Other(Vec::new(), start..start);
        }
        let inner: Vec<Expr> = self.arguments(b')').into_iter().map(|a| a.value).collect();
        Expr::Other(inner, start..self.end())
    }

    /// `def x = …`, `String f(a) { … }`, `x = …`, a call.
    fn declaration_or_value(&mut self, into: &mut Vec<Statement>) {
        let mut declared = false;
        while self.word(0).is_some_and(|w| MODIFIERS.contains(&w)) {
            declared = true;
            self.at += 1;
        }
        // A type before a name: `String x =`, `Map<String, String> x =`, `String[] x =`.
        let generic = self.word(0).is_some_and(|w| w.starts_with(|c: char| c.is_ascii_uppercase()))
            && self.tokens.get(self.at + 1).is_some_and(|t| self.text[t.1.clone()].starts_with('<'));
        if generic {
            let mut ahead = 1;
            while ahead < 24
                && matches!(self.token(ahead), Some(Token::Word | Token::Mark(b',' | b'~' | b'.')))
                && !(self.word(ahead).is_some()
                    && self
                        .tokens
                        .get(self.at + ahead - 1)
                        .is_some_and(|t| self.text[t.1.clone()].ends_with('>')))
            {
                ahead += 1;
            }
            if self.word(ahead).is_some() {
                self.at += ahead;
                declared = true;
            }
        } else if self.word(0).is_some_and(|w| !OPERATORS.contains(&w)) {
            let mut ahead = 1;
            while self.token(ahead) == Some(&Token::Mark(b'['))
                && self.token(ahead + 1) == Some(&Token::Mark(b']'))
            {
                ahead += 2;
            }
            let after = self.token(ahead + 1);
            let typed = matches!(after, Some(Token::Mark(b'=')))
                || declared
                    && matches!(after, Some(Token::Mark(b'(') | Token::Line | Token::Mark(b';')) | None)
                || self.is_function(ahead);
            if self.word(ahead).is_some_and(|w| !OPERATORS.contains(&w)) && typed {
                self.at += ahead;
                declared = true;
            }
        }
        if (declared || self.is_function(0)) && self.is_function(0) {
            return self.function(into);
        }
        // `def (a, b) = …` gives names to parts of a value that is not known.
        if declared && self.mark(b'(') {
            self.skip_balanced();
        }
        let value = self.expression(true);
        if self.take(b'=') {
            self.skip_lines();
            let name = match &value {
                Expr::Name(name, at) => Some((name.clone(), at.clone())),
                _ => None,
            };
            let value = self.expression(true);
            into.push(Statement::Value { name, value });
        } else if !(declared && matches!(value, Expr::Name(..))) {
            into.push(Statement::Value { name: None, value });
        }
    }

    /// Whether a function begins here: a name, its parameters, a brace.
    fn is_function(&self, ahead: usize) -> bool {
        if self.word(ahead).is_none() || self.token(ahead + 1) != Some(&Token::Mark(b'(')) {
            return false;
        }
        // A call's arguments may be long; parameters are words.
        let (mut i, mut open) = (ahead + 2, 1_usize);
        while open > 0 && i < ahead + 128 {
            match self.token(i) {
                Some(Token::Mark(b'(' | b'[')) => open += 1,
                Some(Token::Mark(b')' | b']')) => open -= 1,
                Some(Token::Word | Token::Line | Token::Text(..)) => {}
                Some(Token::Mark(b',' | b'=' | b'~' | b'.' | b':')) => {}
                _ => return false,
            }
            i += 1;
        }
        let brace = self.token(i) == Some(&Token::Mark(b'{'))
            || self.token(i) == Some(&Token::Line) && self.token(i + 1) == Some(&Token::Mark(b'{'));
        let before = self.tokens.get((self.at + ahead).wrapping_sub(1));
        let keyword = |word: &str| matches!(word, "else" | "return" | "throw" | "in");
        let typed = match before {
            Some((Token::Word, at)) => !keyword(&self.text[at.clone()]),
            // The end of a generic type or of an array's.
            Some((Token::Mark(_), at)) => self.text[at.clone()].ends_with(['>', ']']),
            _ => false,
        };
        // `name(…) {` alone is a call with a closure.
        brace && typed
    }

    fn function(&mut self, into: &mut Vec<Statement>) {
        let name = self.word(0).unwrap_or_default().to_owned();
        self.at += 1;
        let from = self.at + 1;
        self.skip_balanced();
        let mut parameters = Vec::new();
        let tokens = &self.tokens[from.min(self.at)..self.at];
        for (i, (token, at)) in tokens.iter().enumerate() {
            let ends = matches!(tokens.get(i + 1), Some((Token::Mark(b',' | b')' | b'='), _)));
            let given = i.checked_sub(1).is_some_and(|i| tokens[i].0 == Token::Mark(b'='));
            if *token == Token::Word && ends && !given {
                parameters.push(self.text[at.clone()].to_owned());
            }
        }
        let body = self.body();
        into.push(Statement::Function { name, parameters, body });
    }
}
