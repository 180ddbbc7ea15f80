//! The work tree: a walk that opens nothing but folders and `.gitignore` files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use gix::index::entry::Stat;
use ignore::{DirEntry, WalkBuilder, WalkState};

use super::LARGEST_SOURCE;
use super::entry::{Content, Mode, show_path, to_name, to_path};
use super::error::{Error, Unread, UnreadClass};
use super::options::Options;
use super::staging::stat_of;

/// A file or link of the work tree.
pub(super) struct Found {
    /// The true name, relative to the root.
    pub(super) name: Vec<u8>,
    pub(super) mode: Mode,
    pub(super) stat: Stat,
    pub(super) size: u64,
    pub(super) content: Content,
}

/// What a walk came across, sorted by name.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) files: Vec<Found>,
    /// Folders that are repositories of their own.
    pub(super) nested: Vec<String>,
    pub(super) unread: Vec<Unread>,
}

enum Sight {
    File(Found),
    Nested(String),
    Unread(Unread),
}

/// Walks `root` (canonical), or of it what `starts` (canonical) name.
pub(super) fn walk(root: &Path, starts: &[PathBuf], options: &Options) -> Result<Walked, Error> {
    let has_git = root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok());
    let (sender, sights) = mpsc::channel();
    let mut builder = WalkBuilder::empty();
    for start in starts {
        builder.add(start);
    }
    let nested = sender.clone();
    let own_root = root.to_path_buf();
    builder
        .standard_filters(false)
        .git_ignore(true)
        .git_exclude(true)
        .git_global(options.global_ignore)
        // With a repository around, rules above it must not apply, and `ignore` needs to look for it to know.
        .require_git(has_git)
        .parents(has_git || starts.iter().any(|start| start != root))
        .threads(options.jobs)
        .filter_entry(move |entry| {
            if entry.depth() == 0 {
                return true;
            }
            if entry.file_name() == OsStr::new(".git") {
                return false;
            }
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if is_folder && entry.path().join(".git").symlink_metadata().is_ok() {
                let _ = nested.send(Sight::Nested(show_path(&own_root, entry.path())));
                return false;
            }
            true
        });
    builder.build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let sight = match entry {
                Ok(entry) => look(root, &entry),
                Err(error) => unwalked(root, &error).map(Sight::Unread),
            };
            if sight.is_some_and(|sight| sender.send(sight).is_err()) {
                return WalkState::Quit;
            }
            WalkState::Continue
        })
    });
    drop((sender, builder));
    let mut walked = Walked::default();
    for sight in sights {
        match sight {
            Sight::File(found) => walked.files.push(found),
            Sight::Nested(folder) => walked.nested.push(folder),
            Sight::Unread(unread) => walked.unread.push(unread),
        }
    }
    if walked.files.len() > LARGEST_SOURCE {
        return Err(Error::TooMany { root: root.to_path_buf(), limit: LARGEST_SOURCE });
    }
    walked.files.sort_by(|a, b| a.name.cmp(&b.name));
    walked.files.dedup_by(|a, b| a.name == b.name);
    walked.nested.sort();
    walked.nested.dedup();
    walked.unread.sort();
    walked.unread.dedup();
    Ok(walked)
}

fn look(root: &Path, entry: &DirEntry) -> Option<Sight> {
    // Even a name that was given as a path is not followed, hence no question to `entry` itself; but what it
    // knows for a folder is none of our files.
    if entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return None;
    }
    let name = to_name(entry.path().strip_prefix(root).ok()?);
    match see_at(root, entry.path(), name) {
        Ok(found) => found.map(Sight::File),
        Err(unread) => Some(Sight::Unread(unread)),
    }
}

/// Looks at one path below `root` without opening it. `None` for a folder.
pub(super) fn see(root: &Path, name: Vec<u8>) -> Result<Option<Found>, Unread> {
    see_at(root, &root.join(to_path(&name)), name)
}

fn see_at(root: &Path, path: &Path, name: Vec<u8>) -> Result<Option<Found>, Unread> {
    let (metadata, stat) = stat_of(path).map_err(|e| Unread::io(&show_path(root, path), &e))?;
    let mode = if metadata.is_symlink() {
        Mode::Symlink
    } else if metadata.is_dir() {
        return Ok(None);
    } else if !metadata.is_file() {
        let path = show_path(root, path);
        return Err(Unread::new(path, UnreadClass::Outside, "a pipe, socket or device, no file"));
    } else if metadata.is_executable() {
        Mode::Executable
    } else {
        Mode::File
    };
    let size = metadata.len();
    let content = Content::Disk { len: size, modified: metadata.modified() };
    Ok(Some(Found { name, mode, stat, size, content }))
}

/// What the walk could not enter. Trouble inside of a `.gitignore` file is git's affair: it skips bad lines.
fn unwalked(root: &Path, error: &ignore::Error) -> Option<Unread> {
    let mut path = root;
    let mut inner = error;
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path = at;
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
            ignore::Error::Io(e) => return Some(Unread::io(&show_path(root, path), e)),
            _ => return None,
        }
    }
}

/// The folders and files to walk: existing, inside of `root` (canonical), not through a link that leaves it.
pub(super) fn starts(root: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    if paths.is_empty() {
        return Ok(vec![root.to_path_buf()]);
    }
    let mut starts = Vec::new();
    for named in paths {
        let missing = || Error::Missing { path: named.clone() };
        let outside = || Error::Outside { path: named.clone(), root: root.to_path_buf() };
        let path = root.join(named);
        let is_link = path.symlink_metadata().map_err(|_| missing())?.is_symlink();
        let is_folder = path.is_dir();
        let path = match (path.parent(), path.file_name()) {
            // A link to a file is listed as the link that it is; through one to a folder, the folder is meant.
            (Some(parent), Some(name)) if is_link && !is_folder => {
                parent.canonicalize().map_err(|_| missing())?.join(name)
            }
            _ => path.canonicalize().map_err(|_| missing())?,
        };
        if !path.starts_with(root) {
            return Err(outside());
        }
        starts.push(path);
    }
    starts.sort();
    // Paths sort before what lies in them, so that one walk is enough for overlapping names.
    starts.dedup_by(|inner, outer| inner.starts_with(outer));
    Ok(starts)
}

/// Whether every folder on the way to `name` is a folder itself, and no link.
pub(super) fn is_reached_plainly(root: &Path, name: &[u8]) -> bool {
    let slashes = name.iter().enumerate().filter(|(_, b)| **b == b'/');
    slashes.into_iter().all(|(at, _)| {
        root.join(to_path(&name[..at])).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    })
}
