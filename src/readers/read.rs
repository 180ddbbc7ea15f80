//! The one parallel reading pass.

use super::assemble::assemble;
use super::chunks::in_chunks;
use super::outside::Journey;
use super::scan::{ScanText, Scanner, drop_repeats};
use super::{Abroad, Options, Parsed, READERS, Text, Want, by_kind, claim, packed};
use crate::facts::{Facts, FileClass, Repository};
use crate::source::{Mode, Reference, Source, Unread, UnreadClass};
use crate::syntax::tree::Tree;
use crate::text::{Encoding, FileId};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};

/// Beyond this size a file is scanned in chunks and never parsed.
pub(super) const LARGEST_PARSED: u64 = 8 << 20;
/// Beyond this size a span's offsets would not fit, and a file is not scanned.
const LARGEST_SCANNED: u64 = u32::MAX as u64;
/// Bytes of files in memory at one time, over all workers.
const IN_FLIGHT: u64 = 64 << 20;
/// Files that others send for: rounds of sending, and their number.
const MOST_ROUNDS: usize = 16;
const MOST_WANTED: usize = 5_000;
/// Stack of a worker: readers guard their depth at a quarter of what this allows.
const STACK: usize = 8 << 20;

/// Counts what is under way, for a progress display.
#[derive(Debug, Default)]
pub struct Reading {
    /// Files that are done.
    pub done: AtomicUsize,
    /// Files in all.
    pub all: AtomicUsize,
}

/// Memory that a worker keeps from file to file.
const MOST_KEPT: usize = 1 << 20;

/// What one worker is making of one file.
struct Outcome {
    file: FileId,
    class: FileClass,
    reader: Option<usize>,
    parsed: Parsed,
    unread: Vec<Unread>,
    size: Option<u64>,
}

/// What has become of one file, without the facts in it.
pub(super) struct Done {
    pub(super) file: FileId,
    pub(super) class: FileClass,
    pub(super) reader: Option<usize>,
    pub(super) size: Option<u64>,
    /// Most files leave nothing else, and there may be a million of them.
    pub(super) rest: Option<Box<Rest>>,
}

/// What only some files leave.
pub(super) struct Rest {
    pub(super) tree: Option<Tree>,
    pub(super) wants: Vec<Want>,
    pub(super) abroad: Vec<Abroad>,
    aliases: Vec<(String, Reference)>,
    pub(super) unread: Vec<Unread>,
}

impl Done {
    fn new(outcome: Outcome) -> (Done, Facts) {
        let Outcome { file, class, reader, parsed, unread, size } = outcome;
        let Parsed { facts, tree, wants, abroad, aliases, .. } = parsed;
        let refers = !(wants.is_empty() && abroad.is_empty() && aliases.is_empty());
        let rest = Rest { tree, wants, abroad, aliases, unread };
        let left = rest.tree.is_some() || refers || !rest.unread.is_empty();
        let rest = left.then(|| Box::new(rest));
        (Done { file, class, reader, size, rest }, facts)
    }
}

/// Reads the whole source into facts and links them. Never fails: what could not be read is listed.
pub fn read(source: &mut Source, options: &Options<'_>, progress: &Reading) -> Repository {
    let mut tasks = Vec::new();
    for (id, entry) in source.iter() {
        let reader = claim(&entry.path, entry.mode == Mode::Executable);
        let wanted = options.only.is_none_or(|only| reader.is_some() || only.contains(&id));
        if wanted && matches!(entry.mode, Mode::File | Mode::Executable) {
            tasks.push((id, reader, true));
        }
    }
    let sizes = tasks.iter().map(|&(file, _, _)| (file, source.entry(file)));
    let packed = packed::affordable(sizes.map(|(file, entry)| (file, entry.path.as_str(), entry.size)));
    let pass = Pass { options, scanner: OnceLock::new(), packed, budget: Budget::default(), progress };
    let mut facts = Facts::default();
    let mut done = pass.run(source, &tasks, &mut facts);
    let mut seen: BTreeSet<(FileId, usize)> = tasks.iter().filter_map(|&(f, r, _)| Some((f, r?))).collect();
    let mut opened: BTreeSet<FileId> = tasks.iter().map(|t| t.0).collect();
    let mut journey = Journey::default();
    let mut from = 0;
    for _ in 0..MOST_ROUNDS {
        let mut wanted: BTreeSet<(Option<(usize, FileId)>, Want)> = BTreeSet::new();
        let mut abroad: Vec<Abroad> = Vec::new();
        for done in &mut done[from..] {
            // What lies in another repository finds its own parts there, and scripts where it runs: here.
            let kind = done.reader.map(|reader| READERS[reader].kind);
            let file = done.file;
            let there = |home: &usize, want: &Want| journey.is_joined(*home) || kind == Some(want.kind);
            let home = |want: &Want| Some((source.home_of(file).filter(|home| there(home, want))?, file));
            let Some(rest) = &mut done.rest else { continue };
            wanted.extend(std::mem::take(&mut rest.wants).into_iter().map(|want| (home(&want), want)));
            abroad.append(&mut rest.abroad);
            journey.name(&mut rest.aliases);
        }
        let mut found: Vec<(FileId, usize)> = journey.go(source, &facts, abroad);
        from = done.len();
        for (home, want) in wanted {
            let Some(reader) = by_kind(want.kind) else { continue };
            let files = match home {
                Some((home, from)) => journey.bring(source, home, &want.path, from),
                None => find(source, &want.path),
            };
            found.extend(files.into_iter().map(|file| (file, reader)));
        }
        let mut sent: Vec<(FileId, Option<usize>, bool)> = Vec::new();
        for (file, reader) in found {
            if seen.len() < MOST_WANTED + tasks.len() && seen.insert((file, reader)) {
                // A file that was opened before has been scanned.
                sent.push((file, Some(reader), opened.insert(file)));
            }
        }
        if sent.is_empty() {
            break;
        }
        sent.sort();
        // A file that several readers read is read by one after the other: no race orders its facts.
        while !sent.is_empty() {
            let mut last = None;
            let (now, later): (Vec<_>, Vec<_>) =
                sent.into_iter().partition(|task| last.replace(task.0) != Some(task.0));
            done.extend(pass.run(source, &now, &mut facts));
            sent = later;
        }
    }
    // Its automaton and regular expressions are of no more use.
    drop(pass);
    assemble(source, options, done, facts, journey)
}

/// The files that a wanted path or glob means.
fn find(source: &Source, path: &str) -> Vec<FileId> {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if !path.contains(['*', '?']) {
        return source.id(path).into_iter().collect();
    }
    let Some(globs) = glob(path) else { return Vec::new() };
    let plain = path.find(['*', '?']).expect("asked above");
    let folder = path[..plain].rfind('/').map_or("", |slash| &path[..=slash]);
    let below = source.below(folder);
    below.filter(|(_, e)| globs.matched(&e.path, false).is_ignore()).map(|(id, _)| id).collect()
}

/// A glob over paths from the root, in which `*` stays inside a folder and `**` does not.
pub(super) fn glob(path: &str) -> Option<ignore::gitignore::Gitignore> {
    let mut globs = ignore::gitignore::GitignoreBuilder::new("");
    globs.add_line(None, &format!("/{path}")).ok()?;
    globs.build().ok()
}

struct Pass<'a> {
    options: &'a Options<'a>,
    /// Built for the first text: an empty change needs none.
    scanner: OnceLock<Scanner>,
    /// Compressed texts that are unpacked.
    packed: BTreeSet<FileId>,
    budget: Budget,
    progress: &'a Reading,
}

impl Pass<'_> {
    fn scanner(&self) -> &Scanner {
        self.scanner.get_or_init(|| Scanner::new(self.options.lexicon))
    }

    /// Runs all tasks on the workers; what became of each in the order of the tasks.
    fn run(&self, source: &Source, tasks: &[(FileId, Option<usize>, bool)], facts: &mut Facts) -> Vec<Done> {
        self.progress.all.fetch_add(tasks.len(), Ordering::Relaxed);
        let next = AtomicUsize::new(0);
        let all = Mutex::new((Vec::with_capacity(tasks.len()), facts));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = if self.options.jobs == 0 { cores } else { self.options.jobs };
        std::thread::scope(|scope| {
            for _ in 0..workers.min(tasks.len().div_ceil(16)).max(1) {
                let work = || {
                    // Most files yield no fact: a list of their own for each would be more than the rest.
                    let (mut own, mut facts, mut memory) = (Vec::new(), Facts::default(), Vec::new());
                    while let Some(&(file, reader, scan)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = Worker { source, pass: self }.one(file, reader, scan, &mut memory);
                        let (done, found) = Done::new(outcome);
                        facts.append(found);
                        own.push(done);
                        self.progress.done.fetch_add(1, Ordering::Relaxed);
                    }
                    let mut all = all.lock().expect("no worker panics while it holds the lock");
                    all.0.append(&mut own);
                    all.1.append(facts);
                };
                std::thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
                    .expect("threads can start");
            }
        });
        let mut done = all.into_inner().expect("no worker panics while it holds the lock").0;
        done.sort_by_key(|done| (done.file, done.reader));
        done
    }
}

/// A pass at work on the files of a source.
struct Worker<'a> {
    source: &'a Source,
    pass: &'a Pass<'a>,
}

impl Worker<'_> {
    fn one(&self, file: FileId, reader: Option<usize>, scan: bool, memory: &mut Vec<u8>) -> Outcome {
        let entry = self.source.entry(file);
        let mut outcome = Outcome {
            file,
            class: FileClass::Scanned,
            reader,
            parsed: Parsed::default(),
            unread: Vec::new(),
            size: entry.size,
        };
        let size = entry.size.unwrap_or(0);
        let unpacked = if self.pass.packed.contains(&file) { packed::LARGEST as u64 } else { 0 };
        let _held = self.pass.budget.take(size.min(LARGEST_PARSED) + unpacked);
        // A panic is a fault of ours, and must neither take the run with it nor quote the file.
        let done = catch_unwind(AssertUnwindSafe(|| {
            if scan {
                let path = entry.path.as_str();
                let environments = &self.pass.options.lexicon.environments;
                let name = ScanText { file, path, text: path, offset: 0, environments };
                self.pass.scanner().scan_path(&name, &mut outcome.parsed.facts);
            }
            if size > LARGEST_PARSED {
                self.large(&mut outcome, scan)
            } else {
                self.whole(&mut outcome, scan, memory)
            }
        }));
        if done.is_err() {
            outcome.parsed = Parsed::default();
            outcome.class = FileClass::Unread;
            outcome.unread =
                vec![Unread::new(&entry.path, UnreadClass::Unparsed, "plimsoll failed on this file")];
        }
        outcome
    }

    fn whole(&self, outcome: &mut Outcome, scan: bool, memory: &mut Vec<u8>) {
        let entry = self.source.entry(outcome.file);
        let (size, decoded) =
            match self.source.read_text(outcome.file, LARGEST_PARSED, std::mem::take(memory)) {
                Ok(read) => read,
                Err(unread) if unread.class == UnreadClass::TooLarge => return self.large(outcome, scan),
                Err(unread) => {
                    outcome.class = FileClass::Unread;
                    outcome.unread.push(unread);
                    return;
                }
            };
        outcome.size = Some(size);
        let Some(decoded) = decoded else {
            outcome.class = FileClass::Binary;
            if self.packed(outcome, scan) {
                return;
            }
            if outcome.reader.is_some() {
                let reason = "it is binary, but its name promises text";
                outcome.unread.push(Unread::new(&entry.path, UnreadClass::Unparsed, reason));
                outcome.class = FileClass::Unread;
            }
            return;
        };
        let text = Text {
            file: outcome.file,
            path: &entry.path,
            text: &decoded.text,
            executable: entry.mode == Mode::Executable,
            environments: &self.pass.options.lexicon.environments,
        };
        if let Some(reader) = outcome.reader {
            let named = std::mem::take(&mut outcome.parsed.facts);
            outcome.parsed = (READERS[reader].parse)(&text);
            outcome.parsed.facts.append(named);
            outcome.class = FileClass::Read;
            for (class, reason) in outcome.parsed.problems.drain(..) {
                outcome.unread.push(Unread::new(&entry.path, class, reason));
            }
        }
        if decoded.encoding == Encoding::Utf8Lossy && outcome.reader.is_some() {
            let reason = "it holds bytes that are not UTF-8; each was read as `?`";
            outcome.unread.push(Unread::new(&entry.path, UnreadClass::Partly, reason));
        }
        if scan {
            self.scan(&text, 0, outcome);
        }
        if decoded.text.capacity() <= MOST_KEPT {
            *memory = decoded.text.into_bytes();
        }
    }

    /// Looks into one compressed text; archives stay closed. Returns whether it is one of these.
    fn packed(&self, outcome: &mut Outcome, scan: bool) -> bool {
        let path = &self.source.entry(outcome.file).path;
        if packed::is_picture(path) {
            return false;
        }
        let limit = if self.pass.packed.contains(&outcome.file) { LARGEST_PARSED } else { packed::HEAD };
        let mut bytes = Vec::new();
        let stream = self.source.stream(outcome.file);
        if stream.is_ok_and(|stream| stream.take(limit).read_to_end(&mut bytes).is_err()) {
            return false;
        }
        if packed::name(&bytes).is_none() {
            return false;
        }
        let bytes = bytes.as_slice();
        outcome.class = FileClass::Unread;
        let unread = match packed::open(path, bytes, self.pass.packed.contains(&outcome.file)) {
            Err(reason) => Some((UnreadClass::Archive, reason)),
            Ok((text, whole)) => {
                let environments = &self.pass.options.lexicon.environments;
                let inner = path.strip_suffix(".gz").unwrap_or(path);
                let text = ScanText { file: outcome.file, path: inner, text: &text, offset: 0, environments };
                if scan {
                    self.pass.scanner().scan_unpacked(&text, &mut outcome.parsed.facts);
                    outcome.class = FileClass::Scanned;
                }
                let reason = "it unpacks to more than is looked at, or is damaged".to_owned();
                (!whole).then_some((UnreadClass::Partly, reason))
            }
        };
        outcome.unread.extend(unread.map(|(class, reason)| Unread::new(path, class, reason)));
        true
    }

    fn scan(&self, text: &Text<'_>, offset: usize, outcome: &mut Outcome) {
        let text = ScanText {
            file: text.file,
            path: text.path,
            text: text.text,
            offset,
            environments: text.environments,
        };
        if !self.pass.scanner().scan(&text, &mut outcome.parsed.facts) {
            let reason = "it holds more compressed text than is unpacked";
            outcome.unread.push(Unread::new(text.path, UnreadClass::Partly, reason));
        }
    }

    /// Scans a file piece by piece; never parses it.
    fn large(&self, outcome: &mut Outcome, scan: bool) {
        let entry = self.source.entry(outcome.file);
        if outcome.reader.is_some() {
            outcome.class = FileClass::Unread;
            let reason = format!(
                "larger than {} MiB: scanned as text, its structure was not read",
                LARGEST_PARSED >> 20
            );
            outcome.unread.push(Unread::new(&entry.path, UnreadClass::TooLarge, reason));
        }
        if !scan {
            return;
        }
        if entry.size.is_some_and(|s| s > LARGEST_SCANNED) {
            outcome.class = FileClass::Unread;
            outcome.unread.push(Unread::new(
                &entry.path,
                UnreadClass::TooLarge,
                "larger than 4 GiB: not read",
            ));
            return;
        }
        let failed = match self.source.stream(outcome.file) {
            Ok(stream) => self.chunks(outcome, stream),
            Err(unread) => Some(unread),
        };
        drop_repeats(&mut outcome.parsed.facts);
        if let Some(unread) = failed {
            outcome.class = FileClass::Unread;
            outcome.unread.push(unread);
        }
    }

    fn chunks(&self, outcome: &mut Outcome, stream: Box<dyn std::io::Read + Send>) -> Option<Unread> {
        let entry = self.source.entry(outcome.file);
        let text = Text {
            file: outcome.file,
            path: &entry.path,
            text: "",
            executable: false,
            environments: &self.pass.options.lexicon.environments,
        };
        match in_chunks(stream, |part, offset| self.scan(&Text { text: part, ..text }, offset, outcome)) {
            Ok(None) => None,
            Ok(Some(head)) => {
                outcome.class = FileClass::Binary;
                let reason = packed::name(&head).map(|name| format!("{name}: not opened"));
                reason.map(|reason| Unread::new(&entry.path, UnreadClass::Archive, reason))
            }
            Err((class, reason)) => Some(Unread::new(&entry.path, class, reason)),
        }
    }
}

/// Bounds the bytes that all workers hold at one time.
#[derive(Default)]
struct Budget {
    held: Mutex<InFlight>,
    freed: Condvar,
}

#[derive(Default)]
struct InFlight {
    bytes: u64,
    /// How many workers wait: to wake nobody is a call of the system, too, and would be one for each file.
    waiting: usize,
}

struct Held<'a>(&'a Budget, u64);

impl Budget {
    fn take(&self, bytes: u64) -> Held<'_> {
        let mut held = self.held.lock().expect("holders do not panic");
        while held.bytes > 0 && held.bytes + bytes > IN_FLIGHT {
            held.waiting += 1;
            held = self.freed.wait(held).expect("holders do not panic");
            held.waiting -= 1;
        }
        held.bytes += bytes;
        Held(self, bytes)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.0.held.lock().expect("holders do not panic");
        held.bytes -= self.1;
        if held.waiting > 0 {
            self.0.freed.notify_all();
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
