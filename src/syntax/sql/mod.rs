//! SQL scripts of any database, cut into tokens and statements.
//!
//! There is no grammar here: what databases add to SQL is without end, and one statement that is not understood must
//! not lose the file. What is read is what decides where a statement ends: strings, names in quotes, dollar quotes
//! (PostgreSQL), nested comments, `DELIMITER` (the mysql client), `GO` (sqlcmd), a lone `/` (SQL*Plus), lines of
//! psql, data behind `COPY … FROM stdin`, bodies of routines, and template expressions, which count as words.
//!
//! <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>,
//! <https://dev.mysql.com/doc/refman/8.4/en/language-structure.html>,
//! <https://dev.mysql.com/doc/refman/8.4/en/stored-programs-defining.html>,
//! <https://sqlite.org/lang.html>,
//! <https://learn.microsoft.com/en-us/sql/t-sql/language-elements/sql-server-utilities-statements-go>,
//! <https://docs.oracle.com/en/database/oracle/oracle-database/23/sqpug/>

mod lexer;
mod scanner;
#[cfg(test)]
mod tests;

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword, a name without quotes, a variable; template expressions in it belong to it.
    Word,
    /// A name in `"…"`, `` `…` `` or `[…]`. MySQL writes strings in `"…"` too.
    Quoted,
    /// A string in `'…'`, with its prefix (`N'…'`, `E'…'`).
    Text,
    /// A dollar-quoted string, `$tag$…$tag$`.
    Dollar,
    /// A number.
    Number,
    /// One character of anything else.
    Symbol,
}

/// One token; comments and blanks are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

impl Token {
    /// Its bytes.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One statement, or a line that only a client understands.
///
/// Invariant: the statements of a script tile its text; comments and blanks before a statement belong to it, those
/// behind the last one are a statement without tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// First byte.
    pub start: u32,
    /// One past the last byte; what ends it is included, and so is the data that follows a COPY.
    pub end: u32,
    /// Its first token.
    first: u32,
    /// One past its last token; what ends it is no token.
    last: u32,
    /// Whether it is a line for the client: psql's `\connect`, mysql's `DELIMITER`.
    pub client: bool,
}

impl Statement {
    /// The numbers of its tokens.
    pub fn tokens(&self) -> Range<usize> {
        self.first as usize..self.last as usize
    }
}

/// A script, cut up.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// All tokens in order.
    pub tokens: Vec<Token>,
    /// All statements in order.
    pub statements: Vec<Statement>,
    /// Comments with their openers.
    pub comments: Vec<Range<u32>>,
    /// Whether `GO` ends a batch somewhere, so that it is written for SQL Server.
    pub batches: bool,
    /// Whether a lone `/` ends a statement somewhere, so that it is written for Oracle.
    pub slashes: bool,
}

/// Cuts up a script. `backslash` tells whether `\'` stays within a string, as in MySQL; without it the text is asked.
pub fn parse(text: &str, backslash: Option<bool>) -> Script {
    let backslash = backslash.unwrap_or_else(|| text.contains("\\'") && text.contains('`'));
    scanner::Scanner::new(text, backslash).run()
}
