//! What SQL does to a database: statements of any dialect become operations of a migration.
//!
//! It serves SQL files and SQL in strings of programs alike: whoever has a passage of SQL calls [`read`].

mod alter;
mod batch;
mod column;
mod cursor;
mod evidence;
mod statement;
#[cfg(test)]
mod tests;

use crate::facts::{Database, Down, Migration, Operation, Phase};
use crate::syntax::sql::{self, Script};
use crate::text::Passage;
use cursor::Cursor;
use std::ops::Range;

/// Deepest nesting of SQL in strings of SQL that is read: `DO $$ … EXECUTE '…' … $$`.
const MAX_DEPTH: u8 = 4;

/// Operations of one passage that are kept; a dump of a database has more, and nobody reads them.
const MOST_OPERATIONS: usize = 2_000;

/// What a passage of SQL does.
#[derive(Debug, Default)]
pub(super) struct Sql {
    /// The changes, in order. Statements that change neither schema nor rows are none.
    pub(super) operations: Vec<Operation>,
    /// Whether it bounds how long it waits for a lock.
    pub(super) lock_timeout: bool,
    /// Whether it bounds how long a statement runs.
    pub(super) statement_timeout: bool,
    /// Whether it opens a transaction itself.
    pub(super) transaction: bool,
    /// The database that it is written for, if it tells.
    pub(super) database: Option<Database>,
    /// The half of an expand/contract change that its comments say it is.
    pub(super) phase: Option<Phase>,
    /// Statements that do something, and those that refuse among them.
    acts: u32,
    raises: u32,
    /// Comments, and statements that do nothing.
    idle: u32,
}

impl Sql {
    /// What it would do as the reverse half of a migration; never `missing`.
    pub(super) fn does(&self) -> Down {
        match (self.acts, self.raises, self.idle) {
            (0, 0, 0) => Down::Empty,
            (0, 0, _) => Down::OnlyComments,
            (_, 1.., _) if self.operations.is_empty() => Down::Raises,
            _ => Down::Full,
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.acts + self.raises == 0
    }

    /// Adds what this forward half does to a migration, which is to be settled afterwards.
    pub(super) fn tell(self, migration: &mut Migration) {
        migration.operations.extend(self.operations);
        migration.lock_timeout |= self.lock_timeout;
        migration.statement_timeout |= self.statement_timeout;
        migration.database = migration.database.or(self.database);
        migration.phase = migration.phase.or(self.phase);
    }
}

/// Reads SQL. `database` is what is known from elsewhere: a lock file, a folder's name, a library's.
pub(super) fn read(passage: &Passage, database: Option<Database>) -> Sql {
    let text = passage.text();
    let backslash = match database {
        Some(Database::Mysql | Database::Clickhouse) => Some(true),
        Some(_) => Some(false),
        None => None,
    };
    let script = sql::parse(text, backslash);
    let mut reading = Reading { passage, database, found: Sql::default() };
    reading.found.database = database.or_else(|| evidence::database(text, &script));
    reading.script(&Piece { text, base: 0, depth: 0 }, &script);
    reading.found.idle += script.comments.len() as u32;
    reading.found.phase =
        script.comments.iter().find_map(|c| evidence::phase(&text[c.start as usize..c.end as usize]));
    reading.found
}

/// What changing a column's type to this one is.
pub(super) fn retyped(data_type: &str) -> crate::facts::Action {
    let script = sql::parse(data_type, Some(false));
    column::retyped(&Cursor::new(data_type, &script.tokens))
}

/// A stretch of the passage that is SQL: the whole, or what stands in a string of it.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    /// Where it begins in the passage.
    base: usize,
    depth: u8,
}

struct Reading<'p> {
    passage: &'p Passage,
    database: Option<Database>,
    found: Sql,
}

impl Reading<'_> {
    fn script(&mut self, piece: &Piece<'_>, script: &Script) {
        let loose = script.batches || self.database == Some(Database::SqlServer);
        for statement in &script.statements {
            if statement.client {
                self.found.idle += 1;
                continue;
            }
            let tokens = &script.tokens[statement.tokens()];
            if tokens.is_empty() {
                continue;
            }
            let cursor = Cursor::new(piece.text, tokens);
            // Several that the file holds together as one, or a routine whose statements are run by others.
            let several = tokens.iter().any(|t| piece.text.as_bytes()[t.start as usize] == b';');
            if loose || several || batch::is_block(&cursor) {
                self.block(piece, cursor, loose);
            } else {
                self.statement(piece, cursor, false);
            }
        }
    }

    /// Records an operation whose bytes in the piece are these.
    fn push(&mut self, piece: &Piece<'_>, range: Range<usize>, make: impl FnOnce(Operation) -> Operation) {
        self.found.acts += 1;
        if self.found.operations.len() < MOST_OPERATIONS {
            let place = self.passage.span(piece.base + range.start..piece.base + range.end);
            self.found.operations.push(make(Operation::new(place, crate::facts::Action::Other)));
        }
    }

    /// A statement that does nothing that lasts.
    fn idle(&mut self) {
        self.found.idle += 1;
    }

    /// SQL in a string that is run: its text begins at `start` of the piece.
    fn inner(&mut self, piece: &Piece<'_>, range: Range<usize>, guarded: bool) {
        if piece.depth >= MAX_DEPTH {
            self.found.acts += 1;
            return;
        }
        let text = &piece.text[range.clone()];
        let script = sql::parse(text, Some(false));
        let inner = Piece { text, base: piece.base + range.start, depth: piece.depth + 1 };
        let from = self.found.operations.len();
        // What `BEGIN` opens in a body is no transaction.
        self.block(&inner, Cursor::new(text, &script.tokens), false);
        if guarded {
            self.found.operations[from..].iter_mut().for_each(|o| o.guarded = true);
        }
    }
}
