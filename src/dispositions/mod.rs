//! What becomes of a finding that is known, accepted, or not meant: three statements, three meanings.

mod allow;
mod baseline;
mod exception;
mod path_pattern;
mod rules;
mod tag;

pub use baseline::{Baseline, BookError, Change, Known};
pub use exception::{Exception, Exceptions};
pub use path_pattern::PathPattern;
pub use rules::Rules;
pub use tag::Salt;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;

use crate::facts::Repository;
use crate::quote::Quoted;
use crate::source::{Source, Target};
use crate::text::{FileId, LineIndex, Span, decode};

/// Why a finding does not stop the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// An inline comment says that this is not the defect which the rule means.
    Allow {
        /// The reason it gives.
        reason: String,
        /// Path and line of the comment.
        place: String,
    },
    /// `.plimsoll/exceptions.toml` says that it is the defect, and accepted until a day.
    Exception {
        /// The exception's id.
        id: String,
        /// Why.
        justification: String,
        /// Last day, `YYYY-MM-DD`.
        expires: String,
    },
    /// `.plimsoll/baseline` knew it when the team began.
    Baseline,
    /// In a staged or `--since` run: it was there before the change.
    Old,
}

impl Disposition {
    /// The word in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Disposition::Allow { .. } => "allow",
            Disposition::Exception { .. } => "exception",
            Disposition::Baseline => "baseline",
            Disposition::Old => "old",
        }
    }
}

/// A finding and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The finding.
    pub quoted: Quoted,
    /// Why it does not stop the gate; `None` if it is active.
    pub disposition: Option<Disposition>,
}

/// Where the baseline lies, below the root.
pub const BASELINE: &str = "baseline";
/// Where exceptions lie, below the root.
pub const EXCEPTIONS: &str = "exceptions.toml";
/// The folder of both, and its other name.
pub const FOLDERS: [&str; 2] = [".plimsoll", "compliance"];

/// What a team has stated about findings outside of the code.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// `.plimsoll/baseline`.
    pub baseline: Baseline,
    /// `.plimsoll/exceptions.toml`.
    pub exceptions: Exceptions,
}

impl Books {
    /// Reads them as the target has them: a staged run sees the staged baseline.
    pub fn open(source: &Source, target: &Target, rules: &Rules) -> Result<Books, Box<BookError>> {
        // A run over some paths lists only these.
        let root = match target {
            Target::WorkTree { root, .. } | Target::Since { root, .. } => Some(root.as_path()),
            _ => None,
        };
        Books::read(Some(source), root, rules)
    }

    /// Reads those that lie in the folder `root`.
    pub fn open_at(root: &Path, rules: &Rules) -> Result<Books, Box<BookError>> {
        Books::read(None, Some(root), rules)
    }

    fn read(source: Option<&Source>, root: Option<&Path>, rules: &Rules) -> Result<Books, Box<BookError>> {
        let mut books = Books::default();
        let mut exceptions = String::new();
        if let Some((path, text)) = read(source, root, BASELINE)? {
            books.baseline = Baseline::parse(&path, &text)?;
        }
        if let Some((path, text)) = read(source, root, EXCEPTIONS)? {
            books.exceptions = Exceptions::parse(&path, &text, rules)?;
            exceptions = path;
        }
        match (&books.baseline.salt, &books.exceptions.salt) {
            (Some(one), Some(other)) if one != other => Err(BookError::new(
                &exceptions,
                "",
                None,
                format!("the salt in `{exceptions}` is not that of the baseline"),
                "remove the line `salt = …`, and let `plimsoll exception RULE PATH` print the values anew",
            )),
            _ => Ok(books),
        }
    }

    /// What makes tags the repository's own.
    pub fn salt(&self) -> Option<&Salt> {
        self.baseline.salt.as_ref().or(self.exceptions.salt.as_ref())
    }
}

/// Largest disposition file, in bytes: some 500,000 lines of a baseline.
const LARGEST: u64 = 64 * 1024 * 1024;

fn read(
    source: Option<&Source>,
    root: Option<&Path>,
    name: &str,
) -> Result<Option<(String, String)>, Box<BookError>> {
    for folder in FOLDERS {
        let path = format!("{folder}/{name}");
        let cannot =
            |why: String| BookError::new(&path, "", None, format!("`{path}` {why}"), "restore it from git");
        let listed = source.and_then(|source| Some((source, source.id(&path)?)));
        let bytes = if let Some((source, id)) = listed {
            source.read(id, LARGEST).map_err(|unread| cannot(format!("cannot be read: {}", unread.reason)))?
        } else if let Some(root) = root {
            let file = root.join(&path);
            match std::fs::metadata(&file) {
                Ok(meta) if !meta.is_file() || meta.len() > LARGEST => {
                    return Err(cannot("is no file of moderate size".into()));
                }
                Ok(_) => std::fs::read(&file).map_err(|e| cannot(format!("cannot be read: {e}")))?,
                Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Err(cannot(format!("cannot be read: {e}")));
                }
                Err(_) => continue,
            }
        } else {
            continue;
        };
        let text = String::from_utf8(bytes).map_err(|_| cannot("is not UTF-8".into()))?;
        return Ok(Some((path, text)));
    }
    Ok(None)
}

/// What of a run matters to dispositions.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Which rules there are, which ran, and which are locked.
    pub rules: &'a Rules,
    /// What the team has stated.
    pub books: &'a Books,
    /// Fingerprints of findings that were there before the change, in a staged or `--since` run.
    pub old: &'a BTreeSet<String>,
    /// Whether all of the repository was judged: only then can something be unused or stale.
    pub whole: bool,
    /// The day of the run: exceptions expire.
    pub today: Date,
}

/// Says of each finding what became of it, in the same order, and what is wrong with the statements
/// themselves. Files are opened again only for the line numbers of allows that are worth a word.
pub fn settle(
    quoted: Vec<Quoted>,
    source: &Source,
    repository: &Repository,
    on: &Circumstances<'_>,
) -> (Vec<Settled>, Vec<String>) {
    let indices: RefCell<BTreeMap<FileId, LineIndex>> = RefCell::default();
    let line = |place: Span| {
        let mut indices = indices.borrow_mut();
        let index = indices.entry(place.file).or_insert_with(|| {
            let text = source.read(place.file, LARGEST).ok().and_then(decode).map(|d| d.text);
            LineIndex::new(&text.unwrap_or_default())
        });
        index.line(place.start as usize)
    };
    let mut allows = allow::Allows::new(repository, on.rules);
    let (mut used, mut nearly) = (BTreeSet::new(), BTreeSet::new());
    let mut settled = Vec::with_capacity(quoted.len());
    for quoted in quoted {
        let mut disposition = allows.dispose(&quoted.finding, line);
        // Asked in any case: an exception that an allow precedes is not unused.
        if let Some((number, exception)) =
            on.books.exceptions.covering(&quoted, on.today, on.rules, on.books.salt())
        {
            used.insert(number);
            disposition = disposition.or_else(|| {
                Some(Disposition::Exception {
                    id: exception.id.clone(),
                    justification: exception.justification.clone(),
                    expires: exception.expires.map(|day| day.to_string()).unwrap_or_default(),
                })
            });
        }
        if disposition.is_none() {
            nearly.extend(on.books.exceptions.missing_value(&quoted, on.today, on.rules));
        }
        if disposition.is_none() && on.books.baseline.knows(&quoted, on.rules) {
            disposition = Some(Disposition::Baseline);
        }
        if disposition.is_none() && on.old.contains(&quoted.fingerprint) {
            disposition = Some(Disposition::Old);
        }
        settled.push(Settled { quoted, disposition });
    }
    let mut notes = allows.notes(on.whole, line);
    notes.extend(on.books.exceptions.notes(&used, &nearly, on.whole, on.today, on.rules));
    if on.whole {
        match on.books.baseline.stale(&settled, on.rules) {
            0 => {}
            1 => notes.push("1 line of the baseline is stale: run `plimsoll baseline update`".into()),
            n => notes.push(format!("{n} lines of the baseline are stale: run `plimsoll baseline update`")),
        }
    }
    (settled, notes)
}

#[cfg(test)]
mod tests;
