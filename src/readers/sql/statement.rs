//! One statement, by its first words.

use super::cursor::Cursor;
use super::{Piece, Reading};
use crate::facts::{Action, Operation};
use crate::syntax::sql::TokenKind;

impl Reading<'_> {
    /// Reads one statement. `guarded`: a question for what exists stands before it.
    pub(super) fn statement(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, guarded: bool) {
        let mut rest = cursor;
        rest.skip(1);
        match cursor.word(0).to_ascii_lowercase().as_str() {
            "alter" => self.alter(piece, cursor, rest, guarded),
            "create" => self.create(piece, cursor, rest, guarded),
            "drop" => self.drop(piece, cursor, rest, guarded),
            "truncate" => {
                rest.skip_words(&["table", "only"]);
                for mut part in rest.split() {
                    self.note(piece, &cursor, Action::Truncate, part.name(), guarded);
                }
            }
            "insert" | "replace" | "upsert" => {
                rest.skip_words(&[
                    "ignore",
                    "or",
                    "replace",
                    "abort",
                    "into",
                    "low_priority",
                    "delayed",
                    "overwrite",
                    "table",
                ]);
                let also = cursor
                    .find(&["conflict", "duplicate"])
                    .is_some_and(|at| (at..cursor.left()).any(|ahead| cursor.is(ahead, "update")));
                let merge = also || !cursor.is(0, "insert") || cursor.is(2, "replace");
                let action = if merge { Action::Merge } else { Action::Insert };
                self.note(piece, &cursor, action, rest.name(), guarded);
            }
            "update" => {
                rest.skip_words(&["only", "ignore", "low_priority"]);
                if rest.is(0, "statistics") {
                    return self.note(piece, &cursor, Action::Other, "", guarded);
                }
                if rest.is(0, "top") {
                    rest.skip(1);
                    rest.skip_parentheses();
                }
                let table = rest.name();
                let set = rest.find(&["set"]).map(|at| rest.slice(at + 1, at + 2).name());
                let bounded = rest.find(&["where", "from", "join", "limit"]).is_some();
                let action = if bounded { Action::Update } else { Action::UpdateAll };
                let range = cursor.range();
                self.push(piece, range, |o| told(o, action, table, guarded).column(set.unwrap_or("")));
            }
            "delete" => {
                rest.skip_words(&["from", "only", "ignore", "low_priority", "quick"]);
                let table = rest.name();
                let bounded = rest.find(&["where", "using", "join", "limit", "from"]).is_some();
                let action = if bounded { Action::Delete } else { Action::DeleteAll };
                self.note(piece, &cursor, action, table, guarded);
            }
            "merge" => {
                rest.skip_words(&["into"]);
                self.note(piece, &cursor, Action::Merge, rest.name(), guarded);
            }
            "with" => match cursor.find(&["insert", "update", "delete", "merge"]) {
                Some(at) => self.statement(piece, cursor.slice(at, cursor.left()), guarded),
                // `WITH x AS (DELETE … RETURNING …) SELECT …` stands in parentheses.
                None => self.hidden(piece, &cursor, guarded),
            },
            "copy" => {
                let table = rest.name();
                let from = cursor.find(&["from"]).is_some();
                if from { self.note(piece, &cursor, Action::Insert, table, guarded) } else { self.idle() }
            }
            "load" => self.note(piece, &cursor, Action::Insert, "", guarded),
            "rename" => {
                rest.skip_words(&["table"]);
                for mut part in rest.split() {
                    let (range, old) = (part.range(), part.name());
                    part.skip_words(&["to"]);
                    let new = part.name();
                    self.push(piece, range, |o| told(o, Action::RenameTable, old, guarded).named(new));
                }
            }
            "exec" | "execute" | "call" | "perform" => self.execute(piece, cursor, rest, guarded),
            "do" => {
                match rest.left().checked_sub(1).and_then(|_| (0..rest.left()).find_map(|n| dollar(&rest, n)))
                {
                    Some(range) => self.inner(piece, range, guarded),
                    None => self.found.acts += 1,
                }
            }
            "set" => self.set(&rest),
            "select" => self.select(piece, &cursor, guarded),
            "lock" => {
                rest.skip_words(&["table", "tables"]);
                self.note(piece, &cursor, Action::Rewrite, rest.name(), guarded);
            }
            "vacuum" | "cluster" | "optimize" | "reindex" => {
                let heavy = !cursor.is(0, "vacuum") || cursor.is(1, "full") || cursor.symbol(1, b'(');
                let light = cursor.find(&["concurrently"]).is_some();
                if heavy && !light {
                    self.note(piece, &cursor, Action::Rewrite, "", guarded)
                } else {
                    self.idle()
                }
            }
            "grant" | "revoke" | "deny" | "reassign" => {
                self.note(piece, &cursor, Action::Access, "", guarded)
            }
            "begin" | "start" => {
                self.found.transaction = true;
                self.idle();
            }
            "raise" | "raiserror" | "throw" | "signal" => {
                let mild = rest.is_one_of(0, &["notice", "warning", "info", "log", "debug"]);
                if mild { self.idle() } else { self.found.raises += 1 }
            }
            "comment" | "analyze" | "analyse" | "refresh" | "security" | "import" | "purge" | "audit"
            | "rebuild" => {
                self.note(piece, &cursor, Action::Other, "", guarded);
            }
            "" if cursor.left() > 0 && !cursor.symbol(0, b'(') => self.idle(),
            "commit" | "rollback" | "end" | "pragma" | "use" | "print" | "savepoint" | "release" | "show"
            | "values" | "explain" | "unlock" | "reset" | "declare" | "whenever" | "prompt" | "spool"
            | "exit" | "return" | "discard" | "go" | "notify" | "listen" | "checkpoint" | "flush"
            | "fetch" | "close" | "open" | "deallocate" | "prepare" | "attach" | "detach" => {
                self.idle();
            }
            _ => self.found.acts += 1,
        }
    }

    fn note(&mut self, piece: &Piece<'_>, cursor: &Cursor<'_>, action: Action, table: &str, guarded: bool) {
        self.push(piece, cursor.range(), |o| told(o, action, table, guarded));
    }

    fn alter(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, mut rest: Cursor<'_>, guarded: bool) {
        rest.skip_words(&["foreign", "external"]);
        let kind = rest.word(0).to_ascii_lowercase();
        rest.skip(1);
        match kind.as_str() {
            "table" => self.alter_table(piece, rest, guarded),
            "type" => {
                let name = rest.name();
                let range = cursor.range();
                if rest.take(&["add", "value"]) {
                    let guarded = rest.take_if() || guarded;
                    return self.push(piece, range, |o| {
                        told(o, Action::EnumAddition, name, guarded).named(rest.name())
                    });
                }
                let removed = rest.is(1, "value") && rest.is_one_of(0, &["rename", "drop"])
                    || rest.is(1, "attribute") && rest.is_one_of(0, &["rename", "drop", "alter"]);
                let action = if removed { Action::EnumRemoval } else { Action::Other };
                rest.skip(2);
                self.push(piece, range, |o| told(o, action, name, guarded).named(rest.name()));
            }
            "view" | "function" | "procedure" | "proc" | "trigger" | "package" | "event" => {
                let view = kind == "view" && cursor.find(&["as"]).is_some();
                let action = if view { Action::CreateView } else { Action::Other };
                rest.take_if();
                self.note(piece, &cursor, action, rest.name(), guarded);
            }
            "schema" | "database" | "index" | "sequence" | "domain" | "extension" | "materialized" => {
                // `ALTER DATABASE shop SET lock_timeout = '2s'`
                if let Some(at) = rest.find(&["set"]).filter(|_| kind == "database") {
                    self.timeout(&rest.slice(at + 1, rest.left()));
                }
                rest.take_if();
                self.note(piece, &cursor, Action::Other, rest.name(), guarded);
            }
            "session" | "system" => self.idle(),
            "role" | "user" | "default" | "policy" | "publication" | "login" | "group" | "authorization" => {
                if let Some(at) = rest.find(&["set"]) {
                    self.timeout(&rest.slice(at + 1, rest.left()));
                }
                self.note(piece, &cursor, Action::Access, "", guarded);
            }
            _ => self.note(piece, &cursor, Action::Other, "", guarded),
        }
    }

    fn create(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, mut rest: Cursor<'_>, guarded: bool) {
        let replaces = rest.take(&["or", "replace"]) || rest.take(&["or", "alter"]);
        let mut guarded = guarded || replaces;
        let unique = (0..4).any(|n| rest.is(n, "unique"));
        // Options of a routine or a view may come before the word.
        let kinds: &[&str] = &[
            "table",
            "index",
            "view",
            "function",
            "procedure",
            "proc",
            "trigger",
            "package",
            "rule",
            "event",
            "type",
            "domain",
            "sequence",
            "extension",
            "schema",
            "database",
            "role",
            "user",
            "policy",
            "publication",
            "login",
            "synonym",
            "aggregate",
            "operator",
            "collation",
            "server",
            "cast",
            "dictionary",
            "statistics",
            "columnstore",
            "columnfamily",
        ];
        let Some(at) = (0..rest.left().min(16)).find(|n| rest.is_one_of(*n, kinds)) else {
            return self.note(piece, &cursor, Action::Other, "", guarded);
        };
        let kind = rest.word(at).to_ascii_lowercase();
        rest.skip(at + 1);
        let concurrent = rest.take(&["concurrently"]);
        guarded |= rest.take_if();
        match kind.as_str() {
            "table" => self.note(piece, &cursor, Action::CreateTable, rest.name(), guarded),
            "columnstore" | "index" => {
                rest.skip_words(&["index"]);
                let name = if rest.is(0, "on") { "" } else { rest.name() };
                rest.skip_words(&["on", "only"]);
                let table = rest.name();
                if rest.take(&["using"]) {
                    rest.skip(1);
                }
                let column = rest.first_in_parentheses();
                rest.skip_parentheses();
                let words = ["online", "inplace", "none"];
                let online =
                    (0..rest.left()).any(|n| rest.is_one_of(n, &words)) && rest.find(&["offline"]).is_none();
                let action = match (unique, concurrent || online) {
                    (true, true) => Action::AddUniqueConcurrently,
                    (true, false) => Action::AddUnique,
                    (false, true) => Action::CreateIndexConcurrently,
                    (false, false) => Action::CreateIndex,
                };
                self.push(piece, cursor.range(), |o| {
                    told(o, action, table, guarded).column(column).named(name)
                });
            }
            "view" => self.note(piece, &cursor, Action::CreateView, rest.name(), guarded),
            "function" | "procedure" | "proc" | "trigger" | "package" | "rule" | "event" | "aggregate" => {
                self.note(piece, &cursor, Action::CreateRoutine, rest.name(), guarded);
            }
            "role" | "user" | "policy" | "publication" | "login" => {
                self.note(piece, &cursor, Action::Access, "", guarded);
            }
            _ => self.note(piece, &cursor, Action::CreateObject, rest.name(), guarded),
        }
    }

    fn drop(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, mut rest: Cursor<'_>, guarded: bool) {
        let temporary = rest.is_one_of(0, &["temporary", "temp"]);
        rest.skip_words(&["temporary", "temp", "foreign", "external", "materialized", "public", "aggregate"]);
        let kind = rest.word(0).to_ascii_lowercase();
        rest.skip(1);
        rest.skip_words(&["concurrently", "body"]);
        let guarded = rest.take_if() || guarded;
        let action = match kind.as_str() {
            "table" if temporary => Action::Other,
            "table" => Action::DropTable,
            "index" => Action::DropIndex,
            "view" => Action::DropView,
            "function" | "procedure" | "proc" | "routine" | "package" => Action::DropRoutine,
            "schema" | "database" => Action::DropSchema,
            "role" | "user" | "policy" | "login" | "publication" | "owned" => Action::Access,
            _ => Action::DropObject,
        };
        if matches!(action, Action::DropTable | Action::DropView | Action::DropSchema) {
            for mut part in rest.split() {
                let name = part.name();
                // `EXECUTE format('DROP TABLE %I', …)` names none.
                if name.is_empty() {
                    self.note(piece, &cursor, Action::RunCode, "", guarded);
                    continue;
                }
                let table = if name.starts_with('#') { "" } else { name };
                let action = if name.starts_with('#') { Action::Other } else { action };
                self.note(piece, &cursor, action, table, guarded);
            }
            return;
        }
        let name = rest.name();
        let table = match (action, rest.find(&["on"])) {
            (Action::DropIndex, Some(at)) => rest.slice(at + 1, rest.left()).name(),
            (Action::DropIndex, None) => "",
            _ => name,
        };
        self.push(piece, cursor.range(), |o| told(o, action, table, guarded).named(name));
    }

    /// `EXEC sp_rename`, SQL in a string, or a procedure that nobody reads.
    fn execute(&mut self, piece: &Piece<'_>, cursor: Cursor<'_>, mut rest: Cursor<'_>, guarded: bool) {
        rest.skip_words(&["immediate"]);
        let unquoted = |text: &str| text.trim_start_matches(['N', 'n']).trim_matches('\'').to_owned();
        let called = rest.name();
        let name = called.rsplit('.').next().unwrap_or(called).trim_matches(['[', ']']).to_ascii_lowercase();
        if name == "sp_rename" {
            let parts: Vec<String> = rest
                .split()
                .iter()
                .map(|p| unquoted(p.slice(p.left().saturating_sub(1), p.left()).text(0)))
                .collect();
            let part = |n: usize| parts.get(n).map_or("", String::as_str);
            let range = cursor.range();
            return match part(2).to_ascii_uppercase().as_str() {
                "COLUMN" => {
                    let (table, column) = part(0).rsplit_once('.').unwrap_or(("", part(0)));
                    self.push(piece, range, |o| {
                        told(o, Action::RenameColumn, table, guarded).column(column).named(part(1))
                    });
                }
                "" | "OBJECT" if part(0).matches('.').count() < 2 => {
                    self.push(piece, range, |o| {
                        told(o, Action::RenameTable, part(0), guarded).named(part(1))
                    });
                }
                _ => self.note(piece, &cursor, Action::Other, "", guarded),
            };
        }
        // They say again what a view or a procedure is made of.
        if ["sp_refresh", "sp_recompile", "sp_addextendedproperty"]
            .iter()
            .any(|known| name.starts_with(known))
        {
            return self.note(piece, &cursor, Action::Other, "", guarded);
        }
        let dynamic =
            name == "sp_executesql" || called.is_empty() || called.ends_with('\'') || name == "format";
        let text = (0..cursor.left()).find_map(|n| string(&cursor, n).or_else(|| dollar(&cursor, n)));
        match text.filter(|_| dynamic) {
            Some(range) => self.inner(piece, range, guarded),
            None => self.note(piece, &cursor, Action::RunCode, "", guarded),
        }
    }

    /// `SET lock_timeout = '5s'` and its kin.
    fn set(&mut self, rest: &Cursor<'_>) {
        self.timeout(rest);
        self.idle();
    }

    fn timeout(&mut self, rest: &Cursor<'_>) {
        let mut rest = *rest;
        rest.skip_words(&["local", "session", "global"]);
        let name = rest.word(0).trim_start_matches('@').to_ascii_lowercase();
        let name = name.rsplit('.').next().unwrap_or("");
        rest.skip(1);
        rest.skip_words(&["to"]);
        let minus = (0..3).any(|n| rest.symbol(n, b'-'));
        let value = (0..rest.left()).map(|n| rest.text(n)).find(|t| !matches!(*t, "=" | ":"));
        let digits = value.unwrap_or("0").trim_matches(['\'', '"']);
        // 0 and -1 wait for ever.
        if !minus && !digits.trim_end_matches(char::is_alphabetic).trim().chars().all(|c| c == '0') {
            self.bounds(name);
        }
    }

    /// <https://www.postgresql.org/docs/current/runtime-config-client.html>,
    /// <https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html>,
    /// <https://learn.microsoft.com/en-us/sql/t-sql/statements/set-lock-timeout-transact-sql>
    fn bounds(&mut self, setting: &str) {
        match setting {
            "lock_timeout"
            | "lock_wait_timeout"
            | "innodb_lock_wait_timeout"
            | "ddl_lock_timeout"
            | "busy_timeout" => {
                self.found.lock_timeout = true;
            }
            "statement_timeout" | "max_execution_time" | "max_statement_time" | "transaction_timeout" => {
                self.found.statement_timeout = true;
            }
            _ => {}
        }
    }

    fn select(&mut self, piece: &Piece<'_>, cursor: &Cursor<'_>, guarded: bool) {
        if cursor.is(1, "set_config") && cursor.symbol(2, b'(') {
            let setting = cursor.text(3).trim_matches('\'').to_ascii_lowercase();
            if cursor.text(5).trim_matches('\'') != "0" {
                self.bounds(&setting);
            }
            return self.idle();
        }
        // SQL Server and PostgreSQL: `SELECT … INTO new FROM …` makes a table.
        if let Some(at) = cursor.find(&["into"]) {
            let table = cursor.slice(at + 1, cursor.left()).name();
            if !table.starts_with('@') && !table.is_empty() {
                return self.note(piece, cursor, Action::CreateTable, table, guarded);
            }
        }
        // A function that is called alone is called for what it does.
        let call = cursor.symbol(2, b'(') || cursor.symbol(2, b'.') && cursor.symbol(4, b'(');
        if call && cursor.find(&["from"]).is_none() {
            return self.found.acts += 1;
        }
        self.idle();
    }

    /// A WITH whose changes stand in its parentheses.
    fn hidden(&mut self, piece: &Piece<'_>, cursor: &Cursor<'_>, guarded: bool) {
        let verbs: &[&str] = &["insert", "update", "delete"];
        let opens = |n: usize| n > 0 && cursor.symbol(n - 1, b'(') && cursor.is_one_of(n, verbs);
        let Some(at) = (0..cursor.left()).find(|n| opens(*n)) else { return self.idle() };
        let mut depth = 0usize;
        let end = (at..cursor.left()).find(|n| {
            depth += usize::from(cursor.symbol(*n, b'('));
            let closes = cursor.symbol(*n, b')');
            let last = closes && depth == 0;
            depth -= usize::from(closes && depth > 0);
            last
        });
        self.statement(piece, cursor.slice(at, end.unwrap_or(cursor.left())), guarded);
    }
}

/// The operation, told more exactly.
fn told(operation: Operation, action: Action, table: &str, guarded: bool) -> Operation {
    let mut operation = Operation { action, class: action.class(), guarded, ..operation }.on(table);
    // Temporary tables of SQL Server live as long as the session.
    if table.starts_with('#') || table.starts_with('@') {
        operation.action = Action::Other;
        operation.class = operation.action.class();
    }
    operation
}

/// The bytes within a dollar-quoted string.
fn dollar(cursor: &Cursor<'_>, ahead: usize) -> Option<std::ops::Range<usize>> {
    let token = cursor.token(ahead).filter(|t| t.kind == TokenKind::Dollar)?;
    let tag = cursor.text(ahead)[1..].find('$')? + 2;
    Some(token.start as usize + tag..(token.end as usize).checked_sub(tag)?)
}

/// The bytes within a string in single quotes that no escape changes.
fn string(cursor: &Cursor<'_>, ahead: usize) -> Option<std::ops::Range<usize>> {
    let token = cursor.token(ahead).filter(|t| t.kind == TokenKind::Text)?;
    let text = cursor.text(ahead);
    let open = text.find('\'')?;
    let close = text.len().checked_sub(1).filter(|close| *close > open && text.ends_with('\''))?;
    Some(token.start as usize + open + 1..token.start as usize + close)
}
