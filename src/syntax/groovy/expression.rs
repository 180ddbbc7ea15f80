//! Expressions: operands with their properties, arguments and closures.

use super::lex::Token;
use super::parse::{MAX_DEPTH, OPERATORS, Parser};
use super::{Argument, Block, Call, Expr, Literal, Quote};

/// Calls on calls, `a().b().c()`, are followed so far.
const MAX_CHAIN: usize = 16;

impl Parser<'_> {
    /// An expression: operands with what joins them. `command` says that `name argument` is a call.
    pub(super) fn expression(&mut self, command: bool) -> Expr {
        let start = self.start();
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            match self.token(0) {
                Some(Token::Mark(b'(' | b'[' | b'{')) => self.skip_balanced(),
                _ => self.at += 1,
            }
            return Expr::Other(Vec::new(), start..self.end().max(start));
        }
        self.depth += 1;
        let mut operands = Vec::new();
        let mut only_plus = true;
        let mut questions = 0_usize;
        let mut joined = true;
        loop {
            if !self.lines {
                self.skip_lines();
            }
            match self.token(0) {
                None => break,
                Some(Token::Line) => {
                    // An operator at the end of a line, or at the start of the next, goes on.
                    let lines = self.lines_ahead();
                    let goes_on = joined && !operands.is_empty()
                        || matches!(self.token(lines), Some(Token::Mark(b'?' | b'&' | b'|' | b'+')))
                        || questions > 0 && self.token(lines) == Some(&Token::Mark(b':'));
                    if !goes_on {
                        break;
                    }
                    self.at += lines;
                }
                Some(Token::Mark(b'}' | b')' | b']' | b',' | b';' | b'=')) | Some(Token::Arrow) => break,
                Some(Token::Mark(b':')) if questions == 0 => break,
                Some(Token::Mark(b'{')) if !joined => break,
                Some(Token::Mark(mark)) if !matches!(mark, b'(' | b'[' | b'{') => {
                    match mark {
                        b'?' => questions += 1,
                        b':' => questions = questions.saturating_sub(1),
                        _ => {}
                    }
                    only_plus &= *mark == b'+';
                    joined = true;
                    self.at += 1;
                }
                Some(Token::Word) if self.word(0).is_some_and(|w| OPERATORS.contains(&w)) && !joined => {
                    only_plus = false;
                    joined = true;
                    self.at += 1;
                }
                _ if !joined => break,
                _ => {
                    let first = operands.is_empty() && only_plus;
                    operands.push(self.operand(command && first));
                    joined = false;
                }
            }
        }
        self.depth -= 1;
        let at = start..self.end().max(start);
        match operands.len() {
            1 if only_plus => operands.remove(0),
            n if n > 1 && only_plus => Expr::Sum(operands, at),
            _ => Expr::Other(operands, at),
        }
    }

    /// A value with its properties, arguments and closures.
    fn operand(&mut self, command: bool) -> Expr {
        let start = self.start();
        let mut value = match self.token(0) {
            Some(Token::Text(inside, quote)) => {
                self.at += 1;
                let at = start..self.end();
                Expr::Text(Literal { at, inside: inside.clone(), quote: *quote })
            }
            Some(Token::Mark(b'[')) => {
                let items = self.arguments(b']');
                Expr::List(items, start..self.end())
            }
            Some(Token::Mark(b'(')) => self.parenthesised(),
            Some(Token::Mark(b'{')) => Expr::Closure(self.block()),
            Some(Token::Word) => {
                let mut name = self.word(0).unwrap_or_default().to_owned();
                self.at += 1;
                if name == "new" {
                    name = format!("new {}", self.word(0).unwrap_or_default());
                    self.at += usize::from(self.word(0).is_some());
                }
                Expr::Name(name, start..self.end())
            }
            _ => {
                self.at += 1;
                return Expr::Other(Vec::new(), start..self.end());
            }
        };
        for _ in 0..MAX_CHAIN {
            match self.suffix(value, start, command) {
                (next, true) => value = next,
                (next, false) => return next,
            }
        }
        value
    }

    /// One property, argument list or closure behind a value; whether there was one.
    fn suffix(&mut self, value: Expr, start: usize, command: bool) -> (Expr, bool) {
        // `.name` may stand on the next line.
        let lines = self.lines_ahead();
        let safe = self.token(lines) == Some(&Token::Mark(b'?'))
            && self.token(lines + 1) == Some(&Token::Mark(b'.'))
            && self.tokens[self.at + lines].1.end == self.tokens[self.at + lines + 1].1.start;
        let dot = lines + usize::from(safe);
        if self.token(dot) == Some(&Token::Mark(b'.')) && self.word(dot + 1).is_some() {
            self.at += dot + 1;
            let name = self.word(0).unwrap_or_default();
            let name_at = self.start()..self.start() + name.len();
            self.at += 1;
            if let Expr::Name(path, _) = &value {
                // A number's point is no property.
                let path = if path.len() < 256 { format!("{path}.{name}") } else { path.clone() };
                return (Expr::Name(path, start..self.end()), true);
            }
            let arguments = if self.mark(b'(') { self.arguments(b')') } else { Vec::new() };
            let body = self.trailing();
            let at = start..self.end();
            let call = Call { name: name.to_owned(), receiver: Some(value), arguments, body, name_at, at };
            return (Expr::Call(Box::new(call)), true);
        }
        let adjacent = self.start() == self.end();
        match (&value, self.token(0)) {
            (Expr::Name(..), Some(Token::Mark(b'('))) => {
                let arguments = self.arguments(b')');
                let body = self.trailing();
                (self.call(value, arguments, body), true)
            }
            (_, Some(Token::Mark(b'['))) if adjacent => {
                let index = self.arguments(b']');
                let at = start..self.end();
                let mut parts = vec![value];
                parts.extend(index.into_iter().map(|a| a.value));
                (Expr::Other(parts, at), true)
            }
            (Expr::Name(name, _), _) if command && !is_value(name) => {
                if let Some(body) = self.trailing() {
                    return (self.call(value, Vec::new(), Some(body)), true);
                }
                let argument = match self.token(0) {
                    Some(Token::Text(..) | Token::Mark(b'[')) => true,
                    Some(Token::Word) => self.word(0).is_some_and(|w| !OPERATORS.contains(&w)),
                    _ => false,
                };
                if !argument {
                    return (value, false);
                }
                let mut arguments = Vec::new();
                loop {
                    arguments.push(self.argument());
                    if !self.take(b',') {
                        break;
                    }
                    self.skip_lines();
                    if matches!(self.token(0), None | Some(Token::Mark(b'}' | b')' | b']'))) {
                        break;
                    }
                }
                let body = self.trailing();
                (self.call(value, arguments, body), false)
            }
            _ => (value, false),
        }
    }

    /// The closure behind a call; it may stand on the next line.
    fn trailing(&mut self) -> Option<Block> {
        let lines = self.lines_ahead();
        if self.token(lines) != Some(&Token::Mark(b'{')) || lines > 2 {
            return None;
        }
        self.at += lines;
        Some(self.block())
    }

    fn call(&self, value: Expr, arguments: Vec<Argument>, body: Option<Block>) -> Expr {
        let (name, name_at) = match value {
            Expr::Name(name, at) => (name, at),
            other => (String::new(), other.at()),
        };
        let at = name_at.start..self.end();
        Expr::Call(Box::new(Call { name, receiver: None, arguments, body, name_at, at }))
    }

    /// What stands between the bracket that is open here and `close`.
    pub(super) fn arguments(&mut self, close: u8) -> Vec<Argument> {
        let opened = self.tokens[self.at].1.clone();
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            self.skip_balanced();
            return Vec::new();
        }
        self.at += 1;
        let outer = std::mem::replace(&mut self.lines, false);
        let mut all = Vec::new();
        loop {
            self.skip_lines();
            if self.take(close) {
                break;
            }
            match self.token(0) {
                None | Some(Token::Mark(b'}')) => {
                    self.error(opened, "a bracket that is not closed");
                    break;
                }
                // The empty map, or what was not understood.
                Some(Token::Mark(b',' | b':' | b';' | b'=' | b')' | b']') | Token::Arrow) => self.at += 1,
                _ => {
                    let before = self.at;
                    all.push(self.argument());
                    self.at += usize::from(self.at == before);
                }
            }
        }
        self.lines = outer;
        all
    }

    /// `value` or `name: value`.
    fn argument(&mut self) -> Argument {
        let named = self.token(1) == Some(&Token::Mark(b':'));
        let name = match self.tokens.get(self.at) {
            Some((Token::Word, at)) if named => Some((self.text[at.clone()].to_owned(), at.clone())),
            Some((Token::Text(inside, Quote::Single | Quote::Double), at)) if named => {
                Some((self.text[inside.clone()].to_owned(), at.clone()))
            }
            _ => None,
        };
        if name.is_some() {
            self.at += 2;
            let lines = self.lines_ahead();
            self.at += lines;
        }
        Argument { name, value: self.expression(true) }
    }
}

/// Words that are values, and numbers, take no arguments.
fn is_value(name: &str) -> bool {
    matches!(name, "true" | "false" | "null" | "this") || name.starts_with(|c: char| c.is_ascii_digit())
}
