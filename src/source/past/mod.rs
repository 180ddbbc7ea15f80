//! Everything that git keeps: each content that a ref, a tag or the stash reaches, once, with the commits in
//! which it appeared, and the messages of commits and tags.
//!
//! Trees are walked from the first commit to the last, and each is opened once, so that the commit in which a
//! content is met first is the one that introduced it. Contents are then unpacked in the order in which packs
//! hold them, and never more than a few are in memory. Replacements (`git replace`) are looked through: what
//! they hide is still there for everybody who clones.

mod absent;
mod delta;
mod forest;
mod graph;
mod introduction;
mod message;
mod packs;
mod paths;
mod trees;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use gix::ObjectId;

use super::entry::{BlobId, Content, Entry, Mode, Tracked, shown};
use super::error::{Error, Unread, UnreadClass};
use super::git::{Origin, unanswered};
use super::moment::Moment;
use super::repo::{REFTABLE, Repo};
use super::{FileId, Source, file_id, tree};
use absent::Absent;
use forest::{Forest, LARGEST};
pub use introduction::{Introduction, PastFile};
pub use message::Carrier;
use packs::{Loose, Packs, Place, Unpacked};
use paths::{PathId, Paths, ROOT};
use trees::Trees;

/// A content at a path, and the first commit that has it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Appearance {
    at: Place,
    commit: u32,
    path: PathId,
}

impl Appearance {
    /// Numbers of its commit, earlier ones smaller, and of its path.
    pub fn age(&self) -> (u32, u32) {
        (self.commit, self.path)
    }
}

use Appearance as Record;

/// A content and all its appearances, the first one first.
pub struct Kept<'a> {
    /// Where it appeared; never empty.
    pub appearances: &'a [Appearance],
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether HEAD's tree has it, at whatever path.
    pub in_head: bool,
}

/// All contents of history.
pub struct Past {
    store: Store,
    paths: Paths,
    /// Sorted by place, then commit, then path.
    records: Vec<Record>,
    /// What the revision that the history begins at had; none without one.
    border: Vec<Record>,
    head: HashSet<Place>,
    commits: Vec<ObjectId>,
    /// Of the commits the number from which on they only stand for the tags that mark them, and these tags.
    tags: (usize, Vec<ObjectId>),
    shallow: bool,
    absent: Mutex<Absent>,
    unread: Vec<Unread>,
    bytes: AtomicU64,
    prefix: usize,
}

enum Store {
    Git { repo: Arc<Repo>, packs: Packs, loose: Loose },
    Memory(Vec<PastFile>),
}

impl Source {
    /// What history holds: all refs, tags, notes, other work trees' heads and every entry of the stash; with
    /// `since`, only what was introduced by commits that this revision does not reach.
    ///
    /// Opens every commit and every tree once, and no file. What this clone does not hold is stated by
    /// [`Past::unread`], and is no error.
    pub fn past(&self, since: Option<&str>) -> Result<Past, Error> {
        if let Some(Origin::State(state)) = self.git().map(|git| &git.origin) {
            return Ok(Past::given(&state.past));
        }
        let Some(repo) = self.repo.clone() else {
            return Err(Error::NoRepository { root: self.root.clone() });
        };
        if repo.has_reftable() {
            let mut past = Past::given(&[]);
            past.unread.push(unanswered(REFTABLE));
            return Ok(past);
        }
        let hide = match since {
            None => None,
            Some(rev) => {
                let not_a_commit = || Error::Revision {
                    rev: rev.to_owned(),
                    reason: "it is no commit".into(),
                    help: "name a commit, a tag of one, or a branch".into(),
                };
                Some(repo.tree_of(rev)?.1.ok_or_else(not_a_commit)?)
            }
        };
        let head = match repo.head()? {
            Some(commit) => repo.tree_of_commit(commit).ok().map(|tree| tree::list(&repo, tree, b"")),
            None => None,
        };
        let head = head.transpose()?.map(|leaves| leaves.leaves).unwrap_or_default();
        let partial = self.git().is_some_and(super::Git::is_partial);
        let mut past = Past::walk(&repo, hide, &head, partial);
        past.keep_only(&repo.prefix, &self.options.excluder()?);
        Ok(past)
    }

    /// Whether history is there as data.
    pub fn is_past_given(&self) -> bool {
        matches!(self.git().map(|git| &git.origin), Some(Origin::State(state)) if !state.past.is_empty())
    }

    /// Adds contents of history as files of this source, so that they can be read and quoted; their ids follow
    /// those of all files. [`Source::files`] does not list them, and paths do not find them.
    pub fn add_past(&mut self, past: &Past, appearances: &[Appearance]) -> Vec<FileId> {
        let ids = past.ids(appearances);
        let first = self.files.len() + self.elsewhere.files.len() + self.past.len();
        for appearance in appearances {
            let name = past.name(*appearance);
            let entry = match (&past.store, ids.get(&appearance.at)) {
                (Store::Git { .. }, Some(&id)) => {
                    let carrier = past.carrier(*appearance);
                    let mut entry = Entry::new(name, Mode::File, Content::Past(id, carrier));
                    entry.blob = Some(BlobId(id)).filter(|_| carrier == Carrier::File);
                    entry
                }
                (Store::Memory(files), _) => {
                    let at = self.memory.len();
                    let bytes = files[appearance.at.offset() as usize].bytes.clone();
                    self.memory.push(super::MemoryFile { bytes, ..super::MemoryFile::default() });
                    Entry::new(name, Mode::File, Content::Memory(at))
                }
                (Store::Git { .. }, None) => Entry::new(name, Mode::File, Content::None),
            };
            self.past.push(Entry { tracked: Tracked::Yes, ..entry });
        }
        (first..first + appearances.len()).map(file_id).collect()
    }
}

impl Past {
    fn given(files: &[PastFile]) -> Past {
        let mut paths = Paths::new();
        let record = |(at, file): (usize, &PastFile)| Record {
            at: Place::loose(at),
            commit: at as u32,
            path: file.path.split('/').fold(ROOT, |folder, name| paths.inside(folder, name.as_bytes())),
        };
        let records = files.iter().enumerate().map(record).collect();
        Past {
            store: Store::Memory(files.to_vec()),
            records,
            border: Vec::new(),
            head: HashSet::new(),
            commits: Vec::new(),
            tags: (0, Vec::new()),
            shallow: false,
            absent: Mutex::default(),
            unread: Vec::new(),
            bytes: AtomicU64::new(0),
            prefix: 0,
            paths,
        }
    }

    fn walk(repo: &Arc<Repo>, hide: Option<ObjectId>, head: &[tree::Leaf], partial: bool) -> Past {
        let handle = repo.originals();
        let packs = Packs::open(&handle);
        let mut absent = Absent::of(partial);
        packs.broken.iter().for_each(|name| absent.other(&format!("the pack `{name}` cannot be read")));
        let tips = graph::tips(&handle, &mut absent);
        let graph = graph::walk(&handle, &tips, hide, &mut absent);
        let mut trees = Trees::new(&handle, &packs);
        for &commit in &graph.border {
            if let Some(tree) = graph.nodes[commit].tree {
                trees.visit(tree, commit as u32, &mut absent);
            }
        }
        let mut border = trees.take_records();
        for (number, node) in graph.nodes.iter().enumerate().filter(|(_, node)| !node.hidden) {
            if let Some(tree) = node.tree {
                trees.visit(tree, number as u32, &mut absent);
            }
        }
        let mut commits: Vec<ObjectId> = graph.nodes.iter().map(|node| node.id).collect();
        for (id, name) in &graph.blobs {
            let path = trees.paths.inside(ROOT, name.as_bytes());
            trees.meet(id, path, commits.len() as u32, &mut absent);
            commits.push(*id);
        }
        // Last, so that of one commit its files come before its message.
        let written = trees.paths.inside(ROOT, message::OF_COMMITS.as_bytes());
        for (number, node) in graph.nodes.iter().enumerate().filter(|(_, n)| n.is_commit && !n.hidden) {
            trees.meet(&node.id, written, number as u32, &mut absent);
        }
        let first_tag = commits.len();
        for tag in &graph.tags {
            let path = trees.paths.inside(ROOT, message::path_of_tag(&tag.name).as_bytes());
            trees.meet(&tag.id, path, commits.len() as u32, &mut absent);
            commits.push(tag.end);
        }
        let head = head.iter().filter_map(|leaf| trees.place(&leaf.id)).collect();
        let mut records = trees.take_records();
        records.sort_unstable();
        border.sort_unstable();
        let mut unread = Vec::new();
        let mut submodules: Vec<String> = trees.submodules.iter().map(|p| trees.paths.shown(*p)).collect();
        submodules.sort();
        let rest = submodules.len().saturating_sub(MOST_SUBMODULES);
        for path in submodules.into_iter().take(MOST_SUBMODULES) {
            let reason = "a submodule: its history belongs to another repository";
            unread.push(Unread::new(path, UnreadClass::Outside, reason));
        }
        if rest > 0 {
            unread.push(Unread::new(
                ".git",
                UnreadClass::Outside,
                format!("{rest} more submodules in history"),
            ));
        }
        if graph.shallow {
            unread.push(unanswered("this clone is shallow: what older commits held was not read"));
        }
        let mut paths = trees.paths;
        paths.close();
        let loose = trees.loose;
        Past {
            store: Store::Git { repo: repo.clone(), packs, loose },
            paths,
            records,
            border,
            head,
            commits,
            tags: (first_tag, graph.tags.iter().map(|tag| tag.id).collect()),
            shallow: graph.shallow,
            absent: Mutex::new(absent),
            unread,
            bytes: AtomicU64::new(0),
            prefix: 0,
        }
    }

    /// Drops what lies outside of the folder under audit, and what the policy excludes.
    fn keep_only(&mut self, prefix: &[u8], excluder: &super::options::Excluder) {
        self.prefix = prefix.len();
        if prefix.is_empty() && excluder.is_empty() {
            return;
        }
        let paths = &self.paths;
        let mut known: HashMap<PathId, bool> = HashMap::new();
        let mut kept = |record: &Record| {
            *known.entry(record.path).or_insert_with(|| {
                let name = paths.name(record.path);
                name.strip_prefix(prefix).is_some_and(|name| !excluder.drops(&shown(name)))
            })
        };
        self.records.retain(&mut kept);
        self.border.retain(&mut kept);
    }

    /// How many contents there are, messages among them, and how many commits.
    pub fn size(&self) -> (usize, usize) {
        let contents = self.records.chunk_by(|a, b| a.at == b.at).count();
        (contents, self.commits.len() - self.tags.1.len())
    }

    /// Bytes of all contents that were visited.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether history is cut off in this clone.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Gives every content to `work`, in several threads (0 means one per core), each of which keeps a state of
    /// its own. The order is that of the packs.
    pub fn visit<S: Send>(
        &self,
        jobs: usize,
        start: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, Kept<'_>) + Sync,
    ) -> Vec<S> {
        self.visit_records(&self.records, jobs, &start, &work)
    }

    /// Gives every content that the revision has at which the history begins.
    pub fn visit_border<S: Send>(
        &self,
        jobs: usize,
        start: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, Kept<'_>) + Sync,
    ) -> Vec<S> {
        self.visit_records(&self.border, jobs, &start, &work)
    }

    fn visit_records<S: Send>(
        &self,
        records: &[Record],
        jobs: usize,
        start: &(impl Fn() -> S + Sync),
        work: &(impl Fn(&mut S, Kept<'_>) + Sync),
    ) -> Vec<S> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = if jobs == 0 { cores } else { jobs };
        let give = |state: &mut S, at: Place, content: Result<Vec<u8>, Unpacked>| {
            let first = records.partition_point(|record| record.at < at);
            let count = records[first..].iter().take_while(|record| record.at == at).count();
            let appearances = &records[first..first + count];
            let Some(appearance) = appearances.first() else { return };
            match content {
                Ok(bytes) => {
                    let bytes = match self.store {
                        Store::Git { .. } => self.carrier(*appearance).cut(bytes),
                        Store::Memory(_) => bytes,
                    };
                    self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    work(state, Kept { appearances, bytes, in_head: self.head.contains(&at) });
                }
                Err(why) => {
                    let path = self.path(*appearance);
                    let mut absent = self.absent.lock().expect("no holder panics");
                    match why {
                        Unpacked::Damaged => absent.damaged(&path),
                        Unpacked::TooLarge(_) => absent.too_large(&path),
                    }
                }
            }
        };
        let mut states: Vec<Option<S>> = (0..workers).map(|_| Some(start())).collect();
        let mut run = |each: &(dyn Fn(&mut S) + Sync)| {
            std::thread::scope(|scope| {
                let started: Vec<_> = states
                    .iter_mut()
                    .map(|slot| {
                        let mut state = slot.take().expect("every worker gives its state back");
                        let thread = std::thread::Builder::new().stack_size(STACK);
                        let body = move || {
                            each(&mut state);
                            (state, slot)
                        };
                        thread.spawn_scoped(scope, body).expect("threads can start")
                    })
                    .collect();
                for thread in started {
                    let (state, slot) = thread.join().expect("workers do not panic");
                    *slot = Some(state);
                }
            });
        };
        if let Store::Git { packs, .. } = &self.store {
            for (number, pack) in packs.packs.iter().enumerate() {
                let (from, to) = (Place::packed(number, 0), Place::packed(number + 1, 0));
                let first = records.partition_point(|r| r.at < from);
                let last = records.partition_point(|r| r.at < to);
                if first == last {
                    continue;
                }
                let mut wanted: Vec<u64> = records[first..last].iter().map(|r| r.at.offset()).collect();
                wanted.dedup();
                let forest = Forest::new(pack, &wanted);
                drop(wanted);
                let lost = AtomicUsize::new(0);
                run(&|state| {
                    forest.unpack(&mut |offset, content| give(state, Place::packed(number, offset), content));
                    while let Some(&offset) = forest.lost().get(lost.fetch_add(1, Ordering::Relaxed)) {
                        give(state, Place::packed(number, offset), Err(Unpacked::Damaged));
                    }
                });
            }
        }
        let first = records.partition_point(|r| r.at < Place::loose(0));
        let mut loose: Vec<Place> = records[first..].iter().map(|r| r.at).collect();
        loose.dedup();
        let next = AtomicUsize::new(0);
        run(&|state| {
            let handle = match &self.store {
                Store::Git { repo, .. } => Some(repo.originals()),
                Store::Memory(_) => None,
            };
            while let Some(&at) = loose.get(next.fetch_add(1, Ordering::Relaxed)) {
                let first = records.partition_point(|record| record.at < at);
                give(state, at, self.single(handle.as_ref(), records[first]));
            }
        });
        states.into_iter().flatten().collect()
    }

    /// An object outside of packs.
    fn single(&self, handle: Option<&gix::Repository>, appearance: Appearance) -> Result<Vec<u8>, Unpacked> {
        let at = appearance.at;
        match (&self.store, handle) {
            (Store::Git { loose, .. }, Some(handle)) => {
                let id = loose[at.offset() as usize];
                let header = handle.try_find_header(id).ok().flatten().ok_or(Unpacked::Damaged)?;
                if header.size() > LARGEST {
                    return Err(Unpacked::TooLarge(header.size()));
                }
                let object = handle.try_find_object(id).ok().flatten().ok_or(Unpacked::Damaged)?;
                if object.kind != self.carrier(appearance).kind() {
                    return Err(Unpacked::Damaged);
                }
                Ok(object.detach().data)
            }
            (Store::Memory(files), _) => Ok(files[at.offset() as usize].bytes.clone()),
            (Store::Git { .. }, None) => Err(Unpacked::Damaged),
        }
    }

    fn name(&self, appearance: Appearance) -> Vec<u8> {
        let mut name = self.paths.name(appearance.path);
        name.drain(..self.prefix.min(name.len()));
        name
    }

    /// Its path, as it is shown.
    pub fn path(&self, appearance: Appearance) -> String {
        shown(&self.name(appearance))
    }

    /// What it is.
    pub fn carrier(&self, appearance: Appearance) -> Carrier {
        Carrier::of(&self.paths.name(appearance.path))
    }

    /// Whether both lie at one path.
    pub fn is_same_path(&self, a: Appearance, b: Appearance) -> bool {
        a.path == b.path
    }

    /// The commit that brought it; of a tag's message, what the tag marks, and when the tag was made.
    pub fn introduction(&self, appearance: Appearance) -> Introduction {
        let Store::Git { repo, .. } = &self.store else {
            let Store::Memory(files) = &self.store else { unreachable!("a store is one of the two") };
            let file = &files[appearance.commit as usize];
            return Introduction { commit: file.commit.clone(), date: file.date };
        };
        let number = appearance.commit as usize;
        let handle = repo.originals();
        let of_author =
            |id: ObjectId| handle.find_commit(id).ok()?.author().ok()?.time().ok().map(Moment::from);
        let of_tagger = |id: ObjectId| {
            let tag = handle.find_tag(id).ok()?;
            tag.tagger().ok()??.time().ok().map(Moment::from)
        };
        let id = self.commits[number];
        let tag = number.checked_sub(self.tags.0).and_then(|number| self.tags.1.get(number));
        let date = tag.and_then(|tag| of_tagger(*tag)).or_else(|| of_author(id));
        Introduction { commit: id.to_string(), date }
    }

    /// The ids of contents.
    fn ids(&self, appearances: &[Appearance]) -> HashMap<Place, ObjectId> {
        let Store::Git { packs, loose, .. } = &self.store else { return HashMap::new() };
        let wanted: HashSet<Place> = appearances.iter().map(|a| a.at).collect();
        let mut ids = HashMap::new();
        for place in wanted.iter().filter(|place| place.pack().is_none()) {
            ids.insert(*place, loose[place.offset() as usize]);
        }
        for (number, pack) in packs.packs.iter().enumerate() {
            if wanted.iter().all(|place| place.pack() != Some(number)) {
                continue;
            }
            for at in 0..pack.index.num_objects() {
                let place = Place::packed(number, pack.index.pack_offset_at_index(at));
                if wanted.contains(&place) {
                    ids.insert(place, pack.index.oid_at_index(at).to_owned());
                }
            }
        }
        ids
    }

    /// What of history was not read, and why; complete once everything was visited.
    pub fn unread(&self) -> Vec<Unread> {
        let absent = std::mem::take(&mut *self.absent.lock().expect("no holder panics"));
        let mut unread = self.unread.clone();
        unread.extend(absent.state());
        unread
    }
}

/// So many submodules are named; the rest is counted.
const MOST_SUBMODULES: usize = 20;

/// Stack of a worker, the same as for files.
const STACK: usize = 8 << 20;
