//! A git repository that several threads read at once.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::Kind;

use super::entry::to_name;
use super::error::{DEEPEN, Error};
use super::options::Options;
use super::unpacked::Unpacked;

/// Objects beyond this size are not unpacked: they would have to be held in memory whole.
const LARGEST_OBJECT: u64 = 256 * 1024 * 1024;

/// An open repository. Handles are lent to one thread at a time and taken back, because making one costs
/// more than reading a small blob does.
pub(super) struct Repo {
    shared: gix::ThreadSafeRepository,
    idle: Mutex<Vec<gix::Repository>>,
    /// The folder under audit.
    pub(super) root: PathBuf,
    /// Where the folder under audit lies in the repository: empty, or a name that ends in `/`.
    pub(super) prefix: Vec<u8>,
    /// The index file.
    pub(super) index: PathBuf,
}

/// The folder in which a repository's work tree begins, seen from `start`: the nearest folder at or above it
/// that holds `.git`, or else `start` itself.
pub fn find_root(start: &Path) -> PathBuf {
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_path_buf());
    let folder = if start.is_file() { start.parent().unwrap_or(&start) } else { &start };
    enclosing(folder).unwrap_or(folder).to_path_buf()
}

/// Whether a folder is a repository without a work tree, and then whether it has a commit.
pub fn is_bare(folder: &Path) -> Option<bool> {
    let bare = !folder.join(".git").exists() && is_git_dir(folder);
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Full);
    bare.then(|| options.open(folder).is_ok_and(|repo| repo.to_thread_local().head_id().is_ok()))
}

fn is_git_dir(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir()
}

fn enclosing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())
}

impl Repo {
    /// Opens the repository that `root` (canonical) lies in. `None` if there is none.
    pub(super) fn find(root: &Path, options: &Options) -> Result<Option<Repo>, Error> {
        let (place, top) = if let Some(dir) = &options.git_dir {
            (dir.clone(), options.work_tree.clone())
        } else if let Some(top) = enclosing(root) {
            (top.to_path_buf(), Some(top.to_path_buf()))
        } else if is_git_dir(root) {
            (root.to_path_buf(), None)
        } else {
            return Ok(None);
        };
        // Only the repository's own configuration counts, so that a report does not depend on who makes it.
        // Trusting it is safe, since nothing that it names is ever executed.
        let shared =
            gix::open::Options::isolated().with(gix::sec::Trust::Full).open(&place).map_err(|e| {
                broken(root, &e, "`git status` and `git fsck` tell more about what is wrong with it")
            })?;
        let repo = shared.to_thread_local();
        let top = top.or_else(|| repo.workdir().map(Path::to_path_buf));
        let top = top.and_then(|top| top.canonicalize().ok());
        let inner = top.as_deref().and_then(|top| root.strip_prefix(top).ok());
        let mut prefix = to_name(inner.unwrap_or(Path::new("")));
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let index = options.index_file.clone().unwrap_or_else(|| repo.index_path());
        Ok(Some(Repo { shared, idle: Mutex::new(vec![repo]), root: root.to_path_buf(), prefix, index }))
    }

    /// Lends a handle to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = idle().pop();
        let handle = handle.unwrap_or_else(|| self.shared.to_thread_local());
        let result = work(&handle);
        idle().push(handle);
        result
    }

    /// A blob's bytes, if there are at most `limit`.
    pub(super) fn blob(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, Missing> {
        self.with(|repo| blob(repo, id, limit))
    }

    /// An object's bytes, if there are at most `limit`, whatever `git replace` puts in its place.
    pub(super) fn original(&self, id: ObjectId, kind: Kind, limit: u64) -> Result<Vec<u8>, Missing> {
        object(&self.originals(), id, kind, limit)
    }

    /// A handle that looks through replacements, and remembers enough of packs to follow long chains of changes.
    pub(super) fn originals(&self) -> gix::Repository {
        let mut handle = self.shared.to_thread_local();
        handle.objects.ignore_replacements = true;
        // A clone that lacks objects lacks many: each time the folders would be listed anew.
        handle.objects.refresh_never();
        handle.objects.set_pack_cache(|| Box::new(Unpacked::default()));
        handle
    }

    /// The commit that HEAD points at; `None` before the first commit.
    pub(super) fn head(&self) -> Result<Option<ObjectId>, Error> {
        self.check_refs()?;
        self.with(|repo| {
            let mut head = repo.head()?;
            Ok(head.try_peel_to_id()?.map(gix::Id::detach))
        })
        .map_err(|e: gix::Error| broken(&self.root, &e, "`git rev-parse HEAD` should name a commit"))
    }

    /// Whether the refs are kept in a format that can be read.
    pub(super) fn has_reftable(&self) -> bool {
        self.with(|repo| {
            let storage = repo.config_snapshot().string("extensions.refStorage");
            storage.is_some_and(|format| !format.eq_ignore_ascii_case(b"files"))
        })
    }

    fn check_refs(&self) -> Result<(), Error> {
        if !self.has_reftable() {
            return Ok(());
        }
        Err(Error::Git {
            root: self.root.clone(),
            reason: REFTABLE.to_owned(),
            help: "`git refs migrate --ref-format=files` converts this clone; the files as they lie in the work \
                   tree can be audited without"
                .to_owned(),
        })
    }

    /// The tree of a revision, and the commit unless the revision names a bare tree.
    pub(super) fn tree_of(&self, rev: &str) -> Result<(ObjectId, Option<ObjectId>), Error> {
        self.check_refs()?;
        let found = self.with(|repo| {
            let object = repo.rev_parse_single(rev)?.object()?.peel_tags_to_end()?;
            let commit = (object.kind == gix::objs::Kind::Commit).then_some(object.id);
            Ok((object.peel_to_tree()?.id, commit))
        });
        found.map_err(|e: gix::Error| Error::Revision {
            rev: rev.to_owned(),
            reason: explain(&e),
            help: if self.is_shallow() {
                DEEPEN.to_owned()
            } else {
                "name a commit, tag or branch that this clone holds; `git fetch` brings what a remote has"
                    .to_owned()
            },
        })
    }

    /// The tree of a commit.
    pub(super) fn tree_of_commit(&self, commit: ObjectId) -> Result<ObjectId, Error> {
        self.with(|repo| Ok(repo.find_commit(commit)?.tree_id()?.detach())).map_err(|e: gix::Error| {
            broken(&self.root, &e, "`git fsck` tells what is missing; `git fetch` may bring it")
        })
    }

    /// The best common ancestor of HEAD and a revision.
    pub(super) fn merge_base(&self, rev: &str) -> Result<ObjectId, Error> {
        let (_, commit) = self.tree_of(rev)?;
        let head = self.head()?;
        let base = match (commit, head) {
            (Some(commit), Some(head)) => self
                .with(|repo| repo.merge_base(commit, head).map(|base| base.map(gix::Id::detach)))
                .map_err(|e| broken(&self.root, &e, "`git merge-base HEAD` should name a commit"))?,
            _ => None,
        };
        base.ok_or_else(|| Error::NoMergeBase {
            rev: rev.to_owned(),
            help: if self.is_shallow() {
                DEEPEN.to_owned()
            } else {
                "name the branch that this one was begun from".to_owned()
            },
        })
    }

    /// Whether history ends before its beginning in this clone.
    pub(super) fn is_shallow(&self) -> bool {
        self.with(|repo| repo.is_shallow().unwrap_or(false))
    }
}

fn blob(repo: &gix::Repository, id: ObjectId, limit: u64) -> Result<Vec<u8>, Missing> {
    object(repo, id, Kind::Blob, limit)
}

fn object(repo: &gix::Repository, id: ObjectId, wanted: Kind, limit: u64) -> Result<Vec<u8>, Missing> {
    let limit = limit.min(LARGEST_OBJECT);
    let header = repo.try_find_header(id).map_err(|e| Missing::Broken(explain(&e)))?;
    let header = header.ok_or(Missing::Absent)?;
    if header.size() > limit {
        return Err(Missing::TooLarge(header.size(), limit));
    }
    let object = repo.try_find_object(id).map_err(|e| Missing::Broken(explain(&e)))?;
    let mut object = object.ok_or(Missing::Absent)?;
    match object.kind {
        kind if kind == wanted => Ok(std::mem::take(&mut object.data)),
        kind => Err(Missing::Broken(format!("object {id} is a {kind}, not a {wanted}"))),
    }
}

/// Why a blob could not be had.
pub(super) enum Missing {
    /// This clone does not hold it.
    Absent,
    /// It has so many bytes, more than the limit.
    TooLarge(u64, u64),
    /// The object database is damaged.
    Broken(String),
}

/// Why refs in the reftable format are not read.
pub(super) const REFTABLE: &str = "its branches and tags are kept in a reftable, a format not read here";

pub(super) fn broken(root: &Path, error: &gix::Error, help: &str) -> Error {
    Error::Git { root: root.to_path_buf(), reason: explain(error), help: help.to_owned() }
}

/// An error and what lies under it, in one line.
pub(super) fn explain(error: &gix::Error) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        below = cause.source();
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
