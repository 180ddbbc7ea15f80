//! Credentials in history: every content is scanned once, with the same scan as files, and only the first
//! appearances of each value are kept.

use super::Options;
use super::read::{LARGEST_PARSED, Reading, in_chunks};
use super::scan::{ScanText, Scanner, drop_repeats, is_read_alike};
use crate::facts::{Credential, Facts, File, FileClass, History, Leak, Leaked, Repository, path_target};
use crate::lexicon::{Environments, Lexicon};
use crate::source::{Appearance, Kept, Past, Source, Unread, UnreadClass};
use crate::text::{FileId, Secret, Span, decode};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

/// So many paths of one value are told apart.
const MOST_PATHS: usize = 16;

/// A credential at one of its appearances.
struct Seen {
    appearance: Appearance,
    credential: Credential,
}

impl Seen {
    /// Earlier commits come first, then paths, then places.
    fn age(&self) -> ((u32, u32), Span) {
        (self.appearance.age(), self.credential.place)
    }

    /// What says most of a value comes first: text that is neither a test nor an example.
    fn weight(&self) -> (bool, (u32, u32), Span) {
        let (age, place) = self.age();
        (self.credential.test, age, place)
    }
}

/// A value.
struct Value {
    earliest: Seen,
    /// One for each path, the weightiest first.
    at_paths: Vec<Seen>,
    in_head: bool,
}

/// What one worker has found.
#[derive(Default)]
struct Found {
    values: HashMap<Secret, Value>,
    unread: Vec<Unread>,
    facts: Facts,
}

/// Reads the history of a source for credentials, and adds what it finds to the source and the repository.
/// Values that the revision had at which the history begins are not told.
pub fn read_past(
    source: &mut Source,
    past: &Past,
    repository: &mut Repository,
    options: &Options<'_>,
    progress: &Reading,
) {
    // A rule's own patterns are about files of today.
    let lexicon = Lexicon { patterns: Vec::new(), ..options.lexicon.clone() };
    let scanner = Scanner::new(&lexicon);
    let environments = &options.lexicon.environments;
    let (contents, commits) = past.size();
    progress.all.fetch_add(contents, Ordering::Relaxed);
    let found = past.visit(options.jobs, Found::default, |found: &mut Found, kept| {
        look(&scanner, environments, past, kept, found);
        progress.done.fetch_add(1, Ordering::Relaxed);
    });
    let mut values: BTreeMap<Secret, Value> = BTreeMap::new();
    for worker in found {
        repository.unread.extend(worker.unread);
        for (secret, value) in worker.values {
            match values.get_mut(&secret) {
                Some(known) => known.merge(value, past),
                None => {
                    values.insert(secret, value);
                }
            }
        }
    }
    if !values.is_empty() {
        let before = past.visit_border(options.jobs, Found::default, |found: &mut Found, kept| {
            look(&scanner, environments, past, kept, found);
        });
        for secret in before.iter().flat_map(|found| found.values.keys()) {
            values.remove(secret);
        }
    }
    let mut values: Vec<Value> = values.into_values().collect();
    values.sort_by_key(|value| value.earliest.age());
    let mut leaks: Vec<(Vec<Seen>, bool)> = Vec::with_capacity(values.len());
    for value in values {
        let Value { earliest, at_paths, in_head } = value;
        let mut all = vec![earliest];
        let first = all[0].appearance;
        all.extend(at_paths.into_iter().filter(|seen| !past.is_same_path(seen.appearance, first)));
        all[1..].sort_by_key(Seen::age);
        leaks.push((all, in_head));
    }
    keep(source, past, repository, environments, leaks);
    if let Some(history) = &mut repository.history {
        (history.contents, history.commits, history.bytes) = (contents, commits, past.bytes());
    }
    repository.unread.extend(past.unread());
    repository.unread.sort();
    repository.unread.dedup();
}

/// Scans a content in each of the ways in which its paths have it read.
fn look(scanner: &Scanner, environments: &Environments, past: &Past, kept: Kept<'_>, found: &mut Found) {
    let Kept { appearances, mut bytes, in_head } = kept;
    // Each way to read it, with the appearances that have it read so.
    let mut ways: Vec<(String, Vec<Appearance>)> = Vec::with_capacity(1);
    let mut paths = HashSet::new();
    for &appearance in appearances {
        if !paths.insert(appearance.age().1) {
            continue;
        }
        let path = past.path(appearance);
        match ways.iter_mut().find(|(known, _)| is_read_alike(known, &path, environments)) {
            Some((_, members)) => members.push(appearance),
            None => ways.push((path, vec![appearance])),
        }
    }
    let large = bytes.len() as u64 > LARGEST_PARSED;
    let mut facts = std::mem::take(&mut found.facts);
    // A panic is a fault of ours, and must neither take the run with it nor quote the file.
    let done = catch_unwind(AssertUnwindSafe(|| {
        let scan = |text: &str, offset: usize, path: &str, facts: &mut Facts| {
            scanner.scan(&ScanText { file: FileId(0), path, text, offset, environments }, facts);
        };
        let mut cut = None;
        let text = if large { None } else { decode(std::mem::take(&mut bytes)) };
        for (path, members) in &ways {
            if let Some(decoded) = &text {
                scan(&decoded.text, 0, path, &mut facts);
            } else if large {
                let chunks = in_chunks(&bytes[..], |part, offset| scan(part, offset, path, &mut facts));
                drop_repeats(&mut facts);
                cut = chunks.err();
            }
            for credential in facts.credentials.drain(..).filter(|c| !c.default) {
                for &appearance in members {
                    let credential = credential.clone();
                    let secret = credential.value.clone();
                    found.add(secret, Seen { appearance, credential }, in_head, past);
                }
            }
            facts.clear();
        }
        cut
    }));
    let failed = || Some((UnreadClass::Unparsed, "plimsoll failed on a version of it in history".to_owned()));
    if let Some((class, reason)) = done.unwrap_or_else(|_| failed()) {
        found.unread.push(Unread::new(past.path(appearances[0]), class, reason));
    }
    facts.clear();
    found.facts = facts;
}

impl Found {
    fn add(&mut self, secret: Secret, seen: Seen, in_head: bool, past: &Past) {
        let copy = Seen { appearance: seen.appearance, credential: seen.credential.clone() };
        let value = Value { earliest: copy, at_paths: vec![seen], in_head };
        match self.values.get_mut(&secret) {
            Some(known) => known.merge(value, past),
            None => {
                self.values.insert(secret, value);
            }
        }
    }
}

impl Value {
    /// The outcome does not depend on the order in which values come.
    fn merge(&mut self, other: Value, past: &Past) {
        self.in_head |= other.in_head;
        if other.earliest.age() < self.earliest.age() {
            self.earliest = other.earliest;
        }
        for seen in other.at_paths {
            match self.at_paths.iter_mut().find(|s| past.is_same_path(s.appearance, seen.appearance)) {
                Some(known) if seen.weight() < known.weight() => *known = seen,
                Some(_) => {}
                None => self.at_paths.push(seen),
            }
        }
        self.at_paths.sort_by_key(Seen::weight);
        self.at_paths.truncate(MOST_PATHS);
    }
}

/// Makes files of the contents that hold leaks, and puts the leaks' places there.
fn keep(
    source: &mut Source,
    past: &Past,
    repository: &mut Repository,
    environments: &Environments,
    leaks: Vec<(Vec<Seen>, bool)>,
) {
    let mut files: Vec<Appearance> = Vec::new();
    let mut known: HashMap<Appearance, usize> = HashMap::new();
    for seen in leaks.iter().flat_map(|(all, _)| all) {
        known.entry(seen.appearance).or_insert_with(|| {
            files.push(seen.appearance);
            files.len() - 1
        });
    }
    let ids = source.add_past(past, &files);
    let mut history = History::default();
    for (&id, &appearance) in ids.iter().zip(&files) {
        let path = past.path(appearance);
        history.files.push(File {
            place: Span::start_of(id),
            target: path_target(&path, id, environments),
            path,
            tracked: Some(true),
            executable: false,
            link: None,
            class: FileClass::Scanned,
            reader: None,
            size: None,
        });
    }
    for (all, in_head) in leaks {
        let appearances = all.into_iter().map(|Seen { appearance, mut credential }| {
            let id = ids[known[&appearance]];
            credential.place.file = id;
            if let Some(target) = &mut credential.target {
                target.place.file = id;
            }
            Leaked { credential, introduction: past.introduction(appearance) }
        });
        repository.facts.leaks.push(Leak { appearances: appearances.collect(), in_head });
    }
    repository.history = Some(history);
}
