//! Credentials in history: every content and every message is scanned once, with the same scan as files, and only the
//! first appearances of each value are kept.

use super::chunks::in_chunks;
use super::read::{LARGEST_PARSED, Reading};
use super::scan::{ScanText, Scanner, drop_repeats, is_read_alike};
use super::{Options, READERS, Text, claim, packed};
use crate::facts::{
    Credential, Facts, File, FileClass, History, Leak, Leaked, Repository, Setting, path_target,
};
use crate::lexicon::{Environments, Lexicon};
use crate::source::{Appearance, Kept, Past, Source, Unread, UnreadClass};
use crate::text::{FileId, Secret, Span, decode};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Names some of each class, and counts the rest.
fn name_some(unread: BTreeSet<(UnreadClass, String, String)>) -> Vec<Unread> {
    const NAMED: usize = 10;
    let mut told = Vec::new();
    for class in UnreadClass::ALL {
        let all: Vec<_> = unread.iter().filter(|(of, ..)| *of == class).collect();
        told.extend(all.iter().take(NAMED).map(|(_, path, reason)| Unread::new(path, class, reason)));
        if all.len() > NAMED {
            let reason = format!("{} more files of history are not read, or not wholly", all.len() - NAMED);
            told.push(Unread::new(".git", class, reason));
        }
    }
    told
}

/// What all compressed texts of history may unpack to, in bytes.
const MOST_UNPACKED: u64 = 2 << 30;

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
    unread: BTreeSet<(UnreadClass, String, String)>,
    /// Paths that were looked at.
    paths: HashSet<u32>,
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
    let look = Look { scanner: &scanner, environments, past, budget: AtomicU64::new(MOST_UNPACKED) };
    let found = past.visit(options.jobs, Found::default, |found: &mut Found, kept| {
        look.at(kept, found);
        progress.done.fetch_add(1, Ordering::Relaxed);
    });
    let mut unread = BTreeSet::new();
    let mut values: BTreeMap<Secret, Value> = BTreeMap::new();
    for worker in found {
        unread.extend(worker.unread);
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
            look.at(kept, found);
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
    repository.unread.extend(name_some(unread));
    repository.unread.sort();
    repository.unread.dedup();
}

/// What all workers share.
struct Look<'a> {
    scanner: &'a Scanner,
    environments: &'a Environments,
    past: &'a Past,
    /// Bytes that may still be unpacked.
    budget: AtomicU64,
}

impl Look<'_> {
    /// Scans a content in each of the ways in which its paths have it read.
    fn at(&self, kept: Kept<'_>, found: &mut Found) {
        let Kept { appearances, bytes, in_head } = kept;
        // Each way to read it, with the appearances that have it read so.
        let mut ways: Vec<(String, Vec<Appearance>)> = Vec::with_capacity(1);
        let mut paths = HashSet::new();
        for &appearance in appearances {
            if !paths.insert(appearance.age().1) {
                continue;
            }
            let path = self.past.path(appearance);
            match ways.iter_mut().find(|(known, _)| is_read_alike(known, &path, self.environments)) {
                Some((_, members)) => members.push(appearance),
                None => ways.push((path, vec![appearance])),
            }
        }
        let mut facts = std::mem::take(&mut found.facts);
        // A panic is a fault of ours, and must neither take the run with it nor quote the file.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let large = bytes.len() as u64 > LARGEST_PARSED;
            let (bytes, text) = if large {
                (bytes, None)
            } else {
                // Binary content is looked at once more, by its first bytes.
                let head = bytes[..bytes.len().min(packed::HEAD as usize)].to_vec();
                let is_gzip = ways.iter().any(|(path, _)| path.ends_with(".gz"));
                let whole = if is_gzip { bytes.clone() } else { head };
                (whole, decode(bytes))
            };
            for (path, members) in &ways {
                let unread = match &text {
                    Some(decoded) => self.text(path, &decoded.text, &mut facts),
                    None if large => self.large(path, &bytes, &mut facts),
                    None => self.packed(path, &bytes, &mut facts),
                };
                if let Some((class, reason)) = unread {
                    found.unread(path, class, reason);
                }
                for credential in facts.credentials.drain(..).filter(|c| !c.default) {
                    for &appearance in members {
                        found.add(Seen { appearance, credential: credential.clone() }, in_head, self.past);
                    }
                }
                facts.clear();
            }
        }));
        if done.is_err() {
            let path = self.past.path(appearances[0]);
            found.unread(
                &path,
                UnreadClass::Unparsed,
                "plimsoll failed on a version of it in history".into(),
            );
        }
        facts.clear();
        for &appearance in appearances {
            if found.paths.insert(appearance.age().1) {
                self.path(appearance, in_head, &mut facts, found);
            }
        }
        found.facts = facts;
    }

    fn scanned<'t>(&'t self, path: &'t str, text: &'t str) -> ScanText<'t> {
        ScanText { file: FileId(0), path, text, offset: 0, environments: self.environments }
    }

    fn text(&self, path: &str, text: &str, facts: &mut Facts) -> Option<(UnreadClass, String)> {
        let reason = || (UnreadClass::Partly, "it holds more compressed text than is unpacked".to_owned());
        let settings = || self.settings(path, text);
        (!self.scanner.scan_asking(&self.scanned(path, text), &settings, facts)).then(reason)
    }

    /// What the reader that claims such a path finds in the text.
    fn settings(&self, path: &str, text: &str) -> Vec<Setting> {
        let Some(reader) = claim(path, false) else { return Vec::new() };
        let text = Text { file: FileId(0), path, text, executable: false, environments: self.environments };
        (READERS[reader].parse)(&text).facts.settings
    }

    fn large(&self, path: &str, bytes: &[u8], facts: &mut Facts) -> Option<(UnreadClass, String)> {
        let scan = |part: &str, offset| {
            self.scanner.scan(&ScanText { offset, ..self.scanned(path, part) }, facts);
        };
        let done = in_chunks(bytes, scan);
        drop_repeats(facts);
        match done {
            Ok(None) => None,
            Ok(Some(head)) => {
                packed::name(&head).map(|name| (UnreadClass::Archive, format!("{name}: not opened")))
            }
            Err(why) => Some(why),
        }
    }

    /// Looks into one compressed text; archives stay closed.
    fn packed(&self, path: &str, bytes: &[u8], facts: &mut Facts) -> Option<(UnreadClass, String)> {
        if packed::is_picture(path) {
            return None;
        }
        packed::name(bytes)?;
        let named = path.ends_with(".gz") && !path.ends_with(".tar.gz");
        let less = |left: u64| left.checked_sub(packed::LARGEST as u64);
        let affordable =
            named && self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        match packed::open(path, bytes, affordable) {
            Err(reason) => Some((UnreadClass::Archive, reason)),
            Ok((text, whole)) => {
                let inner = path.strip_suffix(".gz").unwrap_or(path);
                self.scanner.scan_unpacked(&self.scanned(inner, &text), facts);
                let reason = || "it unpacks to more than is looked at, or is damaged".to_owned();
                (!whole).then(|| (UnreadClass::Partly, reason()))
            }
        }
    }

    /// What the path itself tells.
    fn path(&self, appearance: Appearance, in_head: bool, facts: &mut Facts, found: &mut Found) {
        let path = self.past.path(appearance);
        self.scanner.scan_path(&self.scanned(&path, &path), facts);
        for credential in facts.credentials.drain(..).filter(|c| !c.default) {
            found.add(Seen { appearance, credential }, in_head, self.past);
        }
        facts.clear();
    }
}

impl Found {
    /// Notes what was not read, once for each path.
    fn unread(&mut self, path: &str, class: UnreadClass, reason: String) {
        self.unread.insert((class, path.to_owned(), reason));
    }

    fn add(&mut self, seen: Seen, in_head: bool, past: &Past) {
        let secret = seen.credential.value.clone();
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
            target: path_target(&path, id, environments),
            tracked: Some(true),
            class: FileClass::Scanned,
            ..File::new(Span::start_of(id), path)
        });
    }
    for (all, in_head) in leaks {
        let appearances = all.into_iter().map(|Seen { appearance, mut credential }| {
            let id = ids[known[&appearance]];
            credential.place.file = id;
            if let Some(target) = &mut credential.target {
                target.place.file = id;
            }
            let (introduction, carrier) = (past.introduction(appearance), past.carrier(appearance));
            Leaked { credential, introduction, carrier }
        });
        repository.facts.leaks.push(Leak { appearances: appearances.collect(), in_head });
    }
    repository.history = Some(history);
}
