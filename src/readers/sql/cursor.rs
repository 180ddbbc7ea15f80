//! Walking over the tokens of a statement.

use crate::syntax::sql::{Token, TokenKind};
use std::ops::Range;

/// Tokens of one statement, and how far they are read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'s> {
    text: &'s str,
    tokens: &'s [Token],
    at: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(text: &'s str, tokens: &'s [Token]) -> Cursor<'s> {
        Cursor { text, tokens, at: 0 }
    }

    /// The rest as a cursor of its own, `count` tokens long at most.
    pub(super) fn part(&self, count: usize) -> Cursor<'s> {
        let end = self.tokens.len().min(self.at + count);
        Cursor { text: self.text, tokens: &self.tokens[self.at.min(end)..end], at: 0 }
    }

    /// Tokens that are left.
    pub(super) fn left(&self) -> usize {
        self.tokens.len() - self.at
    }

    pub(super) fn token(&self, ahead: usize) -> Option<&'s Token> {
        self.tokens.get(self.at + ahead)
    }

    /// The text of the token that is this far ahead; empty behind the end.
    pub(super) fn text(&self, ahead: usize) -> &'s str {
        self.token(ahead).map_or("", |t| &self.text[t.range()])
    }

    /// The keyword or name without quotes that is this far ahead.
    pub(super) fn word(&self, ahead: usize) -> &'s str {
        match self.token(ahead) {
            Some(t) if t.kind == TokenKind::Word => &self.text[t.range()],
            _ => "",
        }
    }

    pub(super) fn is(&self, ahead: usize, word: &str) -> bool {
        self.word(ahead).eq_ignore_ascii_case(word)
    }

    pub(super) fn is_one_of(&self, ahead: usize, words: &[&str]) -> bool {
        let own = self.word(ahead);
        !own.is_empty() && words.iter().any(|w| own.eq_ignore_ascii_case(w))
    }

    pub(super) fn symbol(&self, ahead: usize, symbol: u8) -> bool {
        self.token(ahead)
            .is_some_and(|t| t.kind == TokenKind::Symbol && self.text.as_bytes()[t.start as usize] == symbol)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.tokens.len());
    }

    /// Goes past these words, if they come next.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let all = words.iter().enumerate().all(|(ahead, word)| self.is(ahead, word));
        if all {
            self.skip(words.len());
        }
        all
    }

    /// Goes past one of these words, as often as one comes.
    pub(super) fn skip_words(&mut self, words: &[&str]) {
        while self.is_one_of(0, words) {
            self.skip(1);
        }
    }

    /// Goes past `IF EXISTS` or `IF NOT EXISTS`.
    pub(super) fn take_if(&mut self) -> bool {
        self.take(&["if", "not", "exists"]) || self.take(&["if", "exists"])
    }

    /// A name with its schema, as written; empty if none comes next.
    pub(super) fn name(&mut self) -> &'s str {
        let named =
            |t: Option<&Token>| t.is_some_and(|t| matches!(t.kind, TokenKind::Word | TokenKind::Quoted));
        let Some(first) = self.token(0) else { return "" };
        let mut end = first.end;
        if first.kind == TokenKind::Text {
            // `sp_rename 'a.b'`, MySQL's 'user'.
            self.skip(1);
            return &self.text[first.range()];
        }
        if !named(Some(first)) {
            return "";
        }
        self.skip(1);
        while self.symbol(0, b'.') {
            let ahead = if self.symbol(1, b'.') { 2 } else { 1 };
            if !named(self.token(ahead)) {
                break;
            }
            end = self.token(ahead).map_or(end, |t| t.end);
            self.skip(ahead + 1);
        }
        &self.text[first.start as usize..end as usize]
    }

    /// The first name within the parentheses that come next; the cursor does not move.
    pub(super) fn first_in_parentheses(&self) -> &'s str {
        if !self.symbol(0, b'(') {
            return "";
        }
        let mut inner = *self;
        inner.skip(1);
        // An expression is no column.
        let call = inner.symbol(1, b'(');
        if call { "" } else { inner.name() }
    }

    /// Goes past the parentheses that come next.
    pub(super) fn skip_parentheses(&mut self) {
        if !self.symbol(0, b'(') {
            return;
        }
        let mut depth = 0usize;
        while self.left() > 0 {
            if self.symbol(0, b'(') {
                depth += 1;
            } else if self.symbol(0, b')') {
                depth -= 1;
            }
            self.skip(1);
            if depth == 0 {
                return;
            }
        }
    }

    /// How far ahead the first of these words stands outside parentheses.
    pub(super) fn find(&self, words: &[&str]) -> Option<usize> {
        let mut depth = 0usize;
        for ahead in 0..self.left() {
            if self.symbol(ahead, b'(') {
                depth += 1;
            } else if self.symbol(ahead, b')') {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && self.is_one_of(ahead, words) {
                return Some(ahead);
            }
        }
        None
    }

    /// The parts between commas outside parentheses.
    pub(super) fn split(&self) -> Vec<Cursor<'s>> {
        let mut parts = Vec::new();
        let (mut depth, mut from) = (0usize, 0);
        for ahead in 0..self.left() {
            if self.symbol(ahead, b'(') {
                depth += 1;
            } else if self.symbol(ahead, b')') {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && self.symbol(ahead, b',') {
                parts.push(self.slice(from, ahead));
                from = ahead + 1;
            }
        }
        parts.push(self.slice(from, self.left()));
        parts
    }

    /// The tokens from `from` to `to` ahead, as a cursor of its own.
    pub(super) fn slice(&self, from: usize, to: usize) -> Cursor<'s> {
        let mut part = *self;
        part.skip(from);
        part.part(to.saturating_sub(from))
    }

    /// The bytes of what is left.
    pub(super) fn range(&self) -> Range<usize> {
        match (self.token(0), self.tokens.last()) {
            (Some(first), Some(last)) => first.start as usize..last.end as usize,
            _ => 0..0,
        }
    }

    /// Whether a line begins between this token and the one before it.
    pub(super) fn begins_line(&self, ahead: usize) -> bool {
        let Some(token) = self.token(ahead) else { return false };
        let before = (self.at + ahead).checked_sub(1).map_or(0, |i| self.tokens[i].end as usize);
        self.text[before..token.start as usize].contains('\n')
    }
}
