//! How old migrations are: which of them the last release holds, and which have changed since.

use super::super::Text;
use super::super::names::name;
use super::{LARGEST, claims, parse, sql};
use crate::facts::{Migration, MigrationAge, MigrationTool, MigrationsBefore, migration_folder};
use crate::lexicon::Environments;
use crate::lexicon::versions::is_release_tag;
use crate::source::Source;
use crate::text::{FileId, decode};
use std::collections::{BTreeSet, HashMap, HashSet};

/// So many files are compared with what they were; a change of more is no edit but a new layout.
const MOST_COMPARED: usize = 200;

/// Asks git which migrations the last release holds, or else the default branch where this one was begun.
pub(in crate::readers) fn look_back(source: &Source, migrations: &[Migration]) -> MigrationAge {
    let own = |file: FileId| (file.0 as usize) < source.files().len();
    let migrations: Vec<&Migration> = migrations.iter().filter(|m| own(m.place.file)).collect();
    if migrations.is_empty() {
        return MigrationAge::Untold;
    }
    let folders: BTreeSet<String> = migrations.iter().map(|m| root(source.path(m.place.file))).collect();
    let concerns = |path: &str| claims(path, false);
    let was = match source.released(&folders, &is_release_tag, &concerns) {
        Ok(Some(was)) => was,
        Ok(None) => return MigrationAge::Untold,
        Err(why) => return MigrationAge::Unknown(why.reason),
    };
    let mut before = MigrationsBefore {
        name: was.name.clone(),
        released: was.tagged,
        files: was.held.iter().copied().collect(),
        ..MigrationsBefore::default()
    };
    let ids: HashSet<(MigrationTool, &str)> = migrations.iter().map(|m| (m.tool, m.id.as_str())).collect();
    before.gone = was.gone.iter().filter(|path| !is_reverse(path)).cloned().collect();
    for &file in was.changed.iter().take(MOST_COMPARED) {
        let path = source.path(file);
        let limit = LARGEST as u64;
        let then = source.text_then(&was, path, limit).ok().and_then(decode);
        let now = source.read(file, limit).ok().and_then(decode);
        let (Some(then), Some(now)) = (then, now) else { continue };
        let (old, new) = (bodies(file, path, &then.text), bodies(file, path, &now.text));
        if old.is_empty() || new.is_empty() {
            continue;
        }
        before.files.remove(&file);
        for migration in migrations.iter().filter(|m| m.place.file == file) {
            let Some(was) = old.get(&migration.id) else { continue };
            before.held.insert(migration.place);
            let changed = new.get(&migration.id).is_some_and(|now| now != was);
            if changed && !migration.repeatable && !is_reverse(path) {
                before.edited.push(migration.place);
            }
        }
        let is_gone = |id: &&String| {
            !new.contains_key(*id) && !ids.contains(&(tool_of(&migrations, file), id.as_str()))
        };
        before.gone.extend(old.keys().filter(is_gone).map(|id| format!("{path}#{id}")));
    }
    before.gone.sort();
    MigrationAge::Since(before)
}

/// The folder in which a tool keeps its migrations, ending in `/`.
fn root(path: &str) -> String {
    let kept = migration_folder(path);
    if kept.is_empty() { String::new() } else { format!("{kept}/") }
}

fn is_reverse(path: &str) -> bool {
    sql::is_back(Some(path))
}

fn tool_of(migrations: &[&Migration], file: FileId) -> MigrationTool {
    let of_file = migrations.iter().find(|m| m.place.file == file);
    of_file.map_or(MigrationTool::Sql, |m| m.tool)
}

/// What the forward halves of a file say, by id.
fn bodies(file: FileId, path: &str, text: &str) -> HashMap<String, u64> {
    let environments = Environments::default();
    let parsed = parse(&Text { file, path, text, executable: false, environments: &environments });
    let body = |m: &Migration| {
        let span = m.up.map_or(0..text.len(), |up| up.range());
        essence(text.get(span).unwrap_or(text), Writing::of(path))
    };
    parsed.facts.migrations.iter().map(|m| (m.id.clone(), body(m))).collect()
}

/// How a language writes comments and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// `#`, and strings that three quotes may hold.
    Hash,
    /// `//` and `/* */`.
    Slash,
    /// Both.
    Php,
    /// `--` and `/* */`; upper and lower case are the same outside of strings.
    Sql,
    /// `<!-- -->`.
    Xml,
}

impl Writing {
    fn of(path: &str) -> Writing {
        match name(path).rsplit_once('.').map_or("", |(_, ending)| ending) {
            "py" | "rb" | "ex" | "exs" | "yml" | "yaml" => Writing::Hash,
            "php" => Writing::Php,
            "sql" => Writing::Sql,
            "xml" => Writing::Xml,
            _ => Writing::Slash,
        }
    }

    fn comment(self, rest: &[u8]) -> Option<&'static [u8]> {
        let ends: &[(&[u8], &[u8])] = match self {
            Writing::Hash => &[(b"#", b"\n")],
            Writing::Slash => &[(b"//", b"\n"), (b"/*", b"*/")],
            Writing::Php => &[(b"//", b"\n"), (b"/*", b"*/"), (b"#", b"\n")],
            Writing::Sql => &[(b"--", b"\n"), (b"/*", b"*/")],
            Writing::Xml => &[(b"<!--", b"-->")],
        };
        ends.iter().find(|(begin, _)| rest.starts_with(begin)).map(|(_, end)| *end)
    }
}

/// A hash of what a text says apart from comments, blanks, the kind of quotes, and the commas and semicolons that
/// formatters add.
fn essence(text: &str, writing: Writing) -> u64 {
    let bytes = text.as_bytes();
    let mut kept: Vec<u8> = Vec::with_capacity(bytes.len());
    let find = |from: usize, end: &[u8]| {
        let found = bytes[from..].windows(end.len()).position(|w| w == end);
        found.map_or(bytes.len(), |at| from + at + end.len())
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if let Some(end) = writing.comment(rest) {
            at = find(at + 1, end);
            continue;
        }
        match rest[0] {
            quote @ (b'"' | b'\'' | b'`') if writing != Writing::Xml => {
                let thrice = rest.starts_with(&[quote; 3]) && writing == Writing::Hash;
                let mark = &[quote; 3][..if thrice { 3 } else { 1 }];
                let mut end = at + mark.len();
                kept.push(b'"');
                while end < bytes.len() && !bytes[end..].starts_with(mark) {
                    let escaped = bytes[end] == b'\\' && writing != Writing::Sql && end + 1 < bytes.len();
                    let step = if escaped { 2 } else { 1 };
                    kept.extend(bytes[end..end + step].iter().filter(|b| !b.is_ascii_whitespace()));
                    end += step;
                }
                kept.push(b'"');
                at = (end + mark.len()).min(bytes.len());
            }
            b if b.is_ascii_whitespace() || b == b';' => at += 1,
            // A new SQLAlchemy wants `text(…)` around statements, which stay what they are.
            b't' if writing == Writing::Hash && rest.starts_with(b"text(") => {
                if kept.ends_with(b"sa.") {
                    kept.truncate(kept.len() - 3);
                }
                at += 5;
            }
            b'(' | b')' if writing == Writing::Hash => {
                if kept.last() == Some(&b',') {
                    kept.pop();
                }
                at += 1;
            }
            close @ (b')' | b']' | b'}') => {
                if kept.last() == Some(&b',') {
                    kept.pop();
                }
                kept.push(close);
                at += 1;
            }
            b => {
                kept.push(if writing == Writing::Sql { b.to_ascii_lowercase() } else { b });
                at += 1;
            }
        }
    }
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    kept.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Writing, essence};

    #[test]
    fn comments_and_layout_say_nothing() {
        for (writing, a, b) in [
            (Writing::Hash, "op.add('a', x)  # new", "op.add(\n    \"a\",\n    x,\n)"),
            (Writing::Hash, "c.execute('a')", "c.execute(sa.text(\n    'a'\n))"),
            (Writing::Slash, "k.x('a') // b\n", "k.x(\"a\"); /* c */"),
            (Writing::Php, "a(1); # b", "a( 1 ) ; // c"),
            (Writing::Sql, "CREATE TABLE a (b int); -- c", "create table a (\n  b INT\n)\n"),
            (Writing::Xml, "<a> <!-- b --> </a>", "<a></a>"),
        ] {
            assert_eq!(essence(a, writing), essence(b, writing), "{a}");
        }
        for (writing, a, b) in [
            (Writing::Hash, "op.add('a')", "op.add('b')"),
            (Writing::Hash, "x('#a')", "x('#b')"),
            (Writing::Sql, "INSERT INTO a VALUES ('B')", "INSERT INTO a VALUES ('b')"),
            (Writing::Sql, "SELECT '--a'", "SELECT '--b'"),
            (Writing::Slash, "a('http://b')", "a('http://c')"),
        ] {
            assert_ne!(essence(a, writing), essence(b, writing), "{a}");
        }
    }
}
