//! Blocks of statements: bodies of `DO`, PL/SQL and T-SQL blocks, and T-SQL batches, where `;` may be missing.

use super::cursor::Cursor;
use super::{Piece, Reading};

/// Words with which a statement that matters begins.
const VERBS: &[&str] = &[
    "alter",
    "create",
    "drop",
    "insert",
    "update",
    "delete",
    "truncate",
    "exec",
    "execute",
    "perform",
    "merge",
    "rename",
    "call",
    "raise",
    "raiserror",
    "throw",
    "signal",
    "comment",
    "grant",
    "revoke",
    "lock",
    "replace",
    "set",
];

/// Words that begin a statement of T-SQL on a line of its own.
const STARTS: &[&str] = &[
    "alter",
    "create",
    "drop",
    "insert",
    "update",
    "delete",
    "truncate",
    "exec",
    "execute",
    "print",
    "select",
    "set",
    "declare",
    "if",
    "begin",
    "grant",
    "deny",
    "revoke",
    "use",
    "commit",
    "rollback",
    "return",
    "raiserror",
    "throw",
    "while",
    "merge",
    "else",
];

/// Whether the statement holds others.
pub(super) fn is_block(cursor: &Cursor<'_>) -> bool {
    let transaction = cursor.left() == 1
        || cursor.is_one_of(
            1,
            &["transaction", "tran", "work", "isolation", "deferred", "immediate", "exclusive", "read"],
        );
    cursor.is_one_of(0, &["declare", "if", "while"]) || cursor.is(0, "begin") && !transaction
}

impl Reading<'_> {
    /// Reads the statements of a block. `loose`: a new line is enough to begin one.
    pub(super) fn block(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, loose: bool) {
        let mut at = 0;
        let mut guarded = false;
        // Where nothing is recognised, something is done nevertheless.
        let (acts, mut seen) = (self.found.acts + self.found.raises + self.found.idle, false);
        while at < cursor.left() {
            guarded |= cursor.is_one_of(at, &["if", "exception", "catch"]);
            if !begins(&cursor, at) {
                at += 1;
                continue;
            }
            let end = end(&cursor, at, loose);
            self.statement(piece, cursor.slice(at, end), guarded);
            seen = true;
            at = end.max(at + 1);
        }
        let told = self.found.acts + self.found.raises + self.found.idle > acts;
        let control = cursor
            .is_one_of(0, &["select", "set", "print", "use", "begin", "commit", "declare", "rollback", "go"]);
        if !seen && control {
            self.idle();
        } else if !seen && !told {
            self.found.acts += 1;
        }
    }
}

/// Whether a statement begins here. A SELECT of T-SQL changes nothing, unless it makes a table.
fn begins(cursor: &Cursor<'_>, at: usize) -> bool {
    if !cursor.is_one_of(at, VERBS) {
        return cursor.is(at, "do")
            && cursor.token(at + 1).is_some_and(|t| t.kind == crate::syntax::sql::TokenKind::Dollar);
    }
    let Some(before) = at.checked_sub(1) else { return true };
    cursor.symbol(before, b';')
        || cursor.symbol(before, b')')
        || cursor.begins_line(at)
        || cursor
            .is_one_of(before, &["then", "else", "begin", "loop", "null", "do", "end", "try", "catch", "as"])
        || cursor.token(before).is_some_and(|t| {
            use crate::syntax::sql::TokenKind::{Number, Text};
            matches!(t.kind, Number | Text)
        })
}

/// One past the last token of the statement that begins at `at`.
fn end(cursor: &Cursor<'_>, at: usize, loose: bool) -> usize {
    let whole = cursor.is_one_of(at, &["create", "alter"])
        && (1..5).any(|n| cursor.is_one_of(at + n, &["trigger", "procedure", "proc", "function", "package"]));
    if whole {
        // A body in dollars ends where it ends; one of statements takes the rest with it.
        let stop = (at + 1..cursor.left()).find(|n| cursor.symbol(*n, b';'));
        let dollar =
            |n: usize| cursor.token(n).is_some_and(|t| t.kind == crate::syntax::sql::TokenKind::Dollar);
        return match stop {
            Some(stop) if (at..stop).any(dollar) => stop,
            _ => cursor.left(),
        };
    }
    let (mut depth, mut cases) = (0usize, 0usize);
    for next in at + 1..cursor.left() {
        if cursor.symbol(next, b'(') {
            depth += 1;
        } else if cursor.symbol(next, b')') {
            depth = depth.saturating_sub(1);
        } else if depth > 0 {
            continue;
        } else if cursor.symbol(next, b';') {
            return next;
        } else if cursor.is(next, "case") {
            cases += 1;
        } else if cursor.is(next, "end") && cases > 0 {
            cases -= 1;
        } else if cases == 0
            && (cursor.is_one_of(next, &["end", "else"])
                || loose && cursor.begins_line(next) && starts(cursor, at, next))
        {
            return next;
        }
    }
    cursor.left()
}

/// Whether the word at `next`, the first on its line, begins another statement than the one at `at`.
fn starts(cursor: &Cursor<'_>, at: usize, next: usize) -> bool {
    const GOES_ON: &[&str] = &[
        "on",
        "or",
        "after",
        "for",
        "of",
        "then",
        "as",
        "by",
        "union",
        "all",
        "except",
        "intersect",
        "instead",
        "into",
        "from",
        "key",
        "table",
    ];
    if !cursor.is_one_of(next, STARTS) || cursor.symbol(next - 1, b',') || cursor.is_one_of(next - 1, GOES_ON)
    {
        return false;
    }
    match cursor.word(at).to_ascii_lowercase().as_str() {
        "grant" | "deny" | "revoke" | "merge" => {
            !cursor.is_one_of(next, &["insert", "update", "delete", "select"])
        }
        "alter" => {
            !(cursor.is_one_of(next, &["drop", "alter", "set"])
                && cursor.is_one_of(next + 1, &["column", "constraint", "primary", "index", "default"]))
        }
        "insert" => {
            let fed = (at + 1..next).any(|i| cursor.is_one_of(i, &["select", "values", "exec", "execute"]));
            fed || !cursor.is_one_of(next, &["select", "exec", "execute"])
        }
        "update" => !cursor.is(next, "set") || (at + 1..next).any(|i| cursor.is(i, "set")),
        _ => true,
    }
}
