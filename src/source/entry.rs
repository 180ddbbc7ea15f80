//! The names of a source: what is listed before anything is opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::past::Carrier;

/// What kind of thing lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; [`super::Source::follow`] says where it leads.
    Symlink,
    /// Another repository at a fixed commit (a gitlink). Its files are not part of this source.
    Submodule,
}

/// Whether git keeps a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tracked {
    /// It is in the index, or in the commit.
    Yes,
    /// It only lies in the work tree.
    No,
    /// There is no git repository, or none that can be read.
    Unknown,
}

/// A mark of the index on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing special.
    Plain,
    /// In the middle of a merge that left a conflict here; an index source reads "our" side.
    Conflicted,
}

/// Git's name of a file's content: a SHA-1 or SHA-256 over it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub(super) gix::ObjectId);

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One path of a source.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Relative to the root, `/`-separated. A byte that is not UTF-8 is shown as `\xNN`.
    pub path: String,
    /// What lies there.
    pub mode: Mode,
    /// Bytes, where listing them costs nothing (work tree and memory).
    pub size: Option<u64>,
    /// Git's name of the content, if that is known without reading it. For a work-tree file: the id in the
    /// index, provided that git would take the file for unmodified.
    pub blob: Option<BlobId>,
    /// Whether git keeps it.
    pub tracked: Tracked,
    /// A mark of the index on it.
    pub state: State,
    /// The true name, where it is not UTF-8.
    pub(super) raw: Option<Box<[u8]>>,
    pub(super) content: Content,
}

/// Where an entry's bytes come from.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// The work tree, as it was when it was listed.
    Disk { len: u64, modified: Option<SystemTime> },
    /// The object database.
    Blob(gix::ObjectId),
    /// The object database, or the work tree where that has the same bytes at hand.
    Staged(gix::ObjectId, gix::index::entry::Stat),
    /// The object database, replacements looked through; of a commit or tag, its message.
    Past(gix::ObjectId, Carrier),
    /// The object database of another repository, by its number.
    Other(usize, gix::ObjectId),
    /// The given memory file.
    Memory(usize),
    /// Nowhere: a submodule.
    None,
}

impl Entry {
    pub(super) fn new(name: Vec<u8>, mode: Mode, content: Content) -> Entry {
        let (path, raw) = match String::from_utf8(name) {
            Ok(path) => (path, None),
            Err(e) => {
                let name = e.into_bytes();
                (shown(&name), Some(name.into_boxed_slice()))
            }
        };
        Entry {
            path,
            mode,
            size: None,
            blob: None,
            tracked: Tracked::Unknown,
            state: State::Plain,
            raw,
            content,
        }
    }

    /// The true name.
    pub(super) fn name(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.path.as_bytes())
    }
}

/// A name for people and reports: UTF-8 as it is, other bytes as `\xNN`.
pub(super) fn shown(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Whether a name out of a tree or an index stays inside of the root when it is joined to it, and out of
/// `.git`. Git never writes another, but a hostile repository can hold one.
pub(super) fn is_plain(name: &[u8]) -> bool {
    !name.contains(&0)
        && name.split(|&b| b == b'/').all(|part| {
            !part.is_empty()
                && part != b"."
                && part != b".."
                && !part.eq_ignore_ascii_case(b".git")
                && (cfg!(unix) || !part.iter().any(|b| matches!(b, b'\\' | b':')))
        })
}

/// A true name as a path of this operating system.
#[cfg(unix)]
pub(super) fn to_path(name: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(name))
}

/// A true name as a path of this operating system; `/` separates folders everywhere.
#[cfg(not(unix))]
pub(super) fn to_path(name: &[u8]) -> &Path {
    Path::new(std::str::from_utf8(name).unwrap_or("?"))
}

/// A path of this operating system as a true name.
#[cfg(unix)]
pub(super) fn to_name(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

/// A path of this operating system as a true name.
#[cfg(not(unix))]
pub(super) fn to_name(path: &Path) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}

/// A path as it is shown, for messages about folders.
pub(super) fn show_path(root: &Path, path: &Path) -> String {
    let inner: PathBuf = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    match shown(&to_name(&inner)) {
        name if name.is_empty() => ".".to_owned(),
        name => name,
    }
}
