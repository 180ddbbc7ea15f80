//! The trees of all commits, each opened once: which content appeared where, and in which commit first.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::packs::{Loose, Packs, Place};
use super::paths::{PathId, Paths, ROOT};
use super::{Absent, Record};

/// More paths than this are not told apart: then each content is met at one of its paths only. A few trees
/// that hold each other many times over can stand for more paths than there are atoms.
const MOST_PATHS: usize = if cfg!(test) { 1_000 } else { 8_000_000 };

/// What has been met so far.
pub(super) struct Trees<'a> {
    handle: &'a gix::Repository,
    packs: &'a Packs,
    /// Objects at paths, by 128 bits of both.
    seen: HashSet<u128, BuildHasherDefault<Low>>,
    pub(super) paths: Paths,
    pub(super) records: Vec<Record>,
    pub(super) loose: Loose,
    loose_known: std::collections::HashMap<ObjectId, usize>,
    /// Other repositories that were tied in, by path.
    pub(super) submodules: HashSet<PathId>,
    buffer: Vec<u8>,
}

/// A cheap hash for keys that are a hash already, and for offsets.
#[derive(Default)]
pub(super) struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ mixed >> 32;
        }
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64 ^ (number >> 64) as u64;
    }
}

impl<'a> Trees<'a> {
    pub(super) fn new(handle: &'a gix::Repository, packs: &'a Packs) -> Trees<'a> {
        Trees {
            handle,
            packs,
            seen: HashSet::default(),
            paths: Paths::new(),
            records: Vec::new(),
            loose: Loose::new(),
            loose_known: Default::default(),
            submodules: HashSet::new(),
            buffer: Vec::new(),
        }
    }

    /// Meets everything in a commit's tree that no tree before had at the same path.
    pub(super) fn visit(&mut self, tree: ObjectId, commit: u32, absent: &mut Absent) {
        use gix::prelude::Find as _;
        let kind = self.handle.object_hash();
        let mut folders = vec![(tree, ROOT)];
        if !self.seen.insert(key(&tree, ROOT, b"")) {
            return;
        }
        while let Some((id, folder)) = folders.pop() {
            let mut buffer = std::mem::take(&mut self.buffer);
            match self.handle.objects.try_find(&id, &mut buffer) {
                Ok(Some(object)) if object.kind == gix::objs::Kind::Tree => {
                    for entry in gix::objs::TreeRefIter::from_bytes(object.data, kind) {
                        let Ok(entry) = entry else {
                            absent.damaged(&self.paths.shown(folder));
                            break;
                        };
                        // Paths beyond the bound fall into one, so that every object is still met once.
                        let bounded = self.paths.len() >= MOST_PATHS;
                        let key = if bounded {
                            key(entry.oid, PathId::MAX, b"")
                        } else {
                            key(entry.oid, folder, entry.filename)
                        };
                        if !self.seen.insert(key) {
                            continue;
                        }
                        let mut inside =
                            || if bounded { folder } else { self.paths.inside(folder, entry.filename) };
                        match entry.mode.kind() {
                            EntryKind::Tree => folders.push((entry.oid.to_owned(), inside())),
                            EntryKind::Blob | EntryKind::BlobExecutable => {
                                let path = inside();
                                self.meet(entry.oid, path, commit, absent);
                            }
                            EntryKind::Commit => {
                                let path = inside();
                                self.submodules.insert(path);
                            }
                            // Where a link leads is no content, in a work tree as here.
                            EntryKind::Link => {}
                        }
                    }
                }
                Ok(Some(_)) | Err(_) => absent.damaged(&self.paths.shown(folder)),
                Ok(None) => absent.tree(&self.paths.shown(folder)),
            }
            self.buffer = buffer;
        }
    }

    /// Meets a content.
    pub(super) fn meet(&mut self, id: &gix::oid, path: PathId, commit: u32, absent: &mut Absent) {
        if let Some(at) = self.place(id) {
            self.records.push(Record { at, path, commit });
        } else {
            absent.blob(&self.paths.shown(path));
        }
    }

    /// Where a content lies; `None` if this clone does not hold it.
    pub(super) fn place(&mut self, id: &gix::oid) -> Option<Place> {
        if let Some(place) = self.packs.find(id) {
            return Some(place);
        }
        let id = id.to_owned();
        if let Some(&number) = self.loose_known.get(&id) {
            return Some(Place::loose(number));
        }
        use gix::objs::Exists as _;
        if !self.handle.objects.exists(&id) {
            return None;
        }
        let number = self.loose.len();
        self.loose.push(id);
        self.loose_known.insert(id, number);
        Some(Place::loose(number))
    }

    /// Forgets the records made so far, but not what was met.
    pub(super) fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }
}

/// 128 bits that tell an object at a path from all others. Git's own hash is in them whole or by its first
/// 16 bytes, so that nobody can make two contents be taken for one.
fn key(id: &gix::oid, folder: PathId, name: &[u8]) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&id.as_bytes()[..16]);
    let name = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let place =
        (u128::from(folder) << 64 | u128::from(name)).wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15);
    u128::from_le_bytes(first) ^ place
}
