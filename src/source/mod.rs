//! Where the files come from: a work tree, the git index, a commit, or memory. Layer 1.
//!
//! Opening a source lists names, modes and blob ids, and opens no content. Reading is safe from several
//! threads, bounded, and never follows a link out of the tree. No git binary is needed.

mod at;
mod elsewhere;
mod entry;
mod error;
mod git;
mod history;
mod link;
mod moment;
mod open;
mod options;
mod past;
mod read;
mod released;
mod repo;
mod staging;
#[cfg(test)]
mod tests;
mod tree;
mod unpacked;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::text::FileId;

pub use at::{Reach, Snapshot};
pub use elsewhere::{Home, Mapping, Reference};
pub use entry::{BlobId, Entry, Mode, State, Tracked};
pub use error::{Error, Unread, UnreadClass};
pub use git::{Branches, Git, GitState, Tag};
pub use history::{Commit, Log};
pub use link::Link;
pub use moment::Moment;
pub use open::open;
pub use options::{MemoryFile, Options, Target};
pub use past::{Appearance, Carrier, Introduction, Kept, Past, PastFile};
pub use released::{Released, ReleasedFiles};
pub use repo::{find_root, is_bare};
pub use tree::Difference;

/// More paths than this are not listed: enough for the largest repositories, and a bound on what a tree that
/// is made to be endless can cost.
const LARGEST_SOURCE: usize = if cfg!(test) { 20_000 } else { 2_000_000 };

/// The files of a target: names, modes and blob ids. Contents are read one by one, on demand.
///
/// Invariant: `files` is sorted by true name (bytes) without duplicates, and a [`FileId`] is an index into it.
pub struct Source {
    root: PathBuf,
    files: Vec<Entry>,
    /// Other repositories; ids of their files follow those of `files`.
    elsewhere: elsewhere::Elsewhere,
    /// Contents of history that findings name; their ids follow those of `elsewhere`.
    past: Vec<Entry>,
    escaped: HashMap<String, FileId>,
    memory: Vec<MemoryFile>,
    repo: Option<Arc<repo::Repo>>,
    changed: Option<BTreeSet<FileId>>,
    deleted: Vec<String>,
    sparse: Vec<String>,
    nested: Vec<String>,
    unread: Vec<Unread>,
    excluded: usize,
    bases: Vec<gix::ObjectId>,
    git: Option<Arc<Git>>,
    options: Options,
}

impl Source {
    /// The folder that paths are relative to; empty for memory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that was listed, sorted by path bytes.
    pub fn files(&self) -> &[Entry] {
        &self.files
    }

    /// Every id with its entry.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Entry)> {
        self.files.iter().enumerate().map(|(at, entry)| (file_id(at), entry))
    }

    /// Those below `folder`, which is empty or ends in `/`.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (FileId, &Entry)> {
        let start = self.files.partition_point(|entry| entry.name() < folder.as_bytes());
        let files = self.iter().skip(start);
        files.take_while(move |(_, entry)| entry.name().starts_with(folder.as_bytes()))
    }

    /// The id of a path as it is shown.
    pub fn id(&self, path: &str) -> Option<FileId> {
        self.find(path.as_bytes()).or_else(|| self.escaped.get(path).copied())
    }

    /// The entry of an id. Panics on an id of another source.
    pub fn entry(&self, id: FileId) -> &Entry {
        let at = id.0 as usize;
        let Some(at) = at.checked_sub(self.files.len()) else { return &self.files[at] };
        let others = &self.elsewhere.files;
        others.get(at).map_or_else(|| &self.past[at - others.len()], |(entry, _)| entry)
    }

    /// The path of an id, relative to the root. Panics on an id of another source.
    pub fn path(&self, id: FileId) -> &str {
        &self.entry(id).path
    }

    /// Whether git keeps a file.
    pub fn tracked(&self, id: FileId) -> Tracked {
        self.entry(id).tracked
    }

    /// The files that differ from where the change set out: for an index source from HEAD's tree, for a
    /// source with a `since` revision from the merge base. `None` for other targets, where all files count.
    pub fn changed(&self) -> Option<&BTreeSet<FileId>> {
        self.changed.as_ref()
    }

    /// Paths that are gone: for an index source those that HEAD's tree has and the index has not; with a
    /// `since` revision those that the merge base has and the work tree has not; for a work tree those
    /// that the index has and the work tree has not.
    pub fn deleted(&self) -> &[String] {
        &self.deleted
    }

    /// Tracked paths that a sparse checkout leaves out of the work tree.
    pub fn sparse(&self) -> &[String] {
        &self.sparse
    }

    /// Folders that were not entered because they are repositories of their own.
    pub fn nested(&self) -> &[String] {
        &self.nested
    }

    /// What could not even be listed.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// The number of files that the `exclude` setting left out.
    pub fn excluded(&self) -> usize {
        self.excluded
    }

    /// The trees that the change set out from, as sources of their own, to find out what was there already:
    /// HEAD's, and in a merge the other parents', for an index source; the merge base's with a `since`
    /// revision; else none. Listing them takes time and is done only here.
    pub fn bases(&self) -> Result<Vec<Source>, Error> {
        let Some(repo) = &self.repo else { return Ok(Vec::new()) };
        let base = |commit: &gix::ObjectId| {
            open::commit(repo.clone(), repo.tree_of_commit(*commit)?, Some(*commit), &self.options)
        };
        self.bases.iter().map(base).collect()
    }

    /// The day of the run, or on which an example plays, and how many days old evidence may be.
    pub fn age_of_evidence(&self) -> Option<(jiff::civil::Date, u32)> {
        self.options.evidence
    }

    /// When the content of a file last changed, as far as git knows. `None` if it is in no commit as it lies
    /// there; an error if this clone does not reach back far enough, or there is no git.
    pub fn last_change(&self, id: FileId) -> Result<Option<Moment>, String> {
        let path = &self.entry(id).path;
        let Some(git) = &self.git else { return Err("there is no git repository".to_owned()) };
        // The time of a file that was just written tells nothing: its content does.
        if self.repo.is_some() && !git.blob(path).is_some_and(|blob| self.has_content(id, blob)) {
            return Ok(None);
        }
        git.last_change(path).map_err(|unread| unread.reason)
    }

    /// What git knows; `None` outside of a repository.
    pub fn git(&self) -> Option<&Git> {
        self.git.as_deref()
    }

    /// The same, to be asked when this source is gone.
    pub fn shared_git(&self) -> Option<Arc<Git>> {
        self.git.clone()
    }

    fn find(&self, name: &[u8]) -> Option<FileId> {
        self.files.binary_search_by(|entry| entry.name().cmp(name)).ok().map(file_id)
    }
}

fn file_id(at: usize) -> FileId {
    FileId(u32::try_from(at).expect("a source holds at most LARGEST_SOURCE files"))
}
