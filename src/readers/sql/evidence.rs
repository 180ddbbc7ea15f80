//! What a script tells beside its statements: for which database it is written, and what its comments say of it.

use crate::facts::{Database, Phase};
use crate::syntax::sql::{Script, TokenKind};

/// Words that one database alone has.
const WORDS: &[(&str, Database)] = &[
    ("jsonb", Database::Postgresql),
    ("bigserial", Database::Postgresql),
    ("serial", Database::Postgresql),
    ("timestamptz", Database::Postgresql),
    ("plpgsql", Database::Postgresql),
    ("concurrently", Database::Postgresql),
    ("bytea", Database::Postgresql),
    ("tsvector", Database::Postgresql),
    ("gin", Database::Postgresql),
    ("ilike", Database::Postgresql),
    ("auto_increment", Database::Mysql),
    ("innodb", Database::Mysql),
    ("utf8mb4", Database::Mysql),
    ("mediumtext", Database::Mysql),
    ("longtext", Database::Mysql),
    ("autoincrement", Database::Sqlite),
    ("pragma", Database::Sqlite),
    ("nvarchar", Database::SqlServer),
    ("uniqueidentifier", Database::SqlServer),
    ("sp_rename", Database::SqlServer),
    ("datetime2", Database::SqlServer),
    ("nonclustered", Database::SqlServer),
    ("varchar2", Database::Oracle),
    ("nvarchar2", Database::Oracle),
    ("mergetree", Database::Clickhouse),
    ("replicatedmergetree", Database::Clickhouse),
    ("replacingmergetree", Database::Clickhouse),
];

/// The database that most of what is particular speaks of.
pub(super) fn database(text: &str, script: &Script) -> Option<Database> {
    if script.batches {
        return Some(Database::SqlServer);
    }
    let mut votes = [0u32; Database::ALL.len()];
    votes[Database::Oracle as usize] += u32::from(script.slashes) * 2;
    let mut before = b' ';
    for token in &script.tokens {
        let word = &text[token.range()];
        let first = word.as_bytes()[0];
        match token.kind {
            TokenKind::Dollar => votes[Database::Postgresql as usize] += 1,
            TokenKind::Symbol => {
                votes[Database::Postgresql as usize] += u32::from(first == b':' && before == b':');
            }
            TokenKind::Quoted if first == b'[' => votes[Database::SqlServer as usize] += 1,
            TokenKind::Word if (3..=19).contains(&word.len()) => {
                if let Some((_, database)) = WORDS.iter().find(|(w, _)| word.eq_ignore_ascii_case(w)) {
                    votes[*database as usize] += 1;
                }
            }
            _ => {}
        }
        before = first;
    }
    let most = votes.iter().copied().max().filter(|most| *most > 0)?;
    Database::ALL.iter().copied().find(|d| votes[*d as usize] == most)
}

/// What a comment says of an expand/contract change. `contract` alone may be a word of the business.
pub(super) fn phase(comment: &str) -> Option<Phase> {
    if comment.len() > 2_000 {
        return None;
    }
    let text = comment.to_ascii_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let told = |name: &str| {
        words.as_slice() == [name]
            || words.windows(2).any(|pair| match pair {
                [a, b] => {
                    *a == name && matches!(*b, "phase" | "step" | "part" | "migration")
                        || *b == name && matches!(*a, "phase" | "step")
                }
                _ => false,
            })
            || words.windows(3).any(|w| w[0] == "expand" && w[1] == "contract" && w[2] == name)
    };
    if told("contract") {
        return Some(Phase::Contract);
    }
    told("expand").then_some(Phase::Expand)
}
