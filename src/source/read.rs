//! Reading one file's bytes.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Seek};
use std::path::Path;
use std::time::SystemTime;

use gix::ObjectId;
use gix::objs::Kind;

use super::entry::{Content, Entry, Mode, to_path};
use super::error::{Unread, UnreadClass};
use super::link::Link;
use super::past::Carrier;
use super::repo::Missing;
use super::staging::stat_of;
use super::{FileId, Source};
use crate::text::{BINARY_WITHIN, Decoded, decode, is_binary};

/// Files beyond this size are taken for changed rather than compared.
const LARGEST_COMPARISON: u64 = 64 * 1024 * 1024;
/// Of a larger file the start is looked at before the rest is read.
const LARGEST_AT_ONCE: u64 = 64 * 1024;

impl Source {
    /// A file's bytes, if there are at most `limit`. A link is read as the file of this source that it leads
    /// to. Safe to call from several threads.
    ///
    /// A work-tree file that no longer looks as it did when the source was opened is `Unreadable`: spans of
    /// its earlier content would point at the wrong bytes.
    pub fn read(&self, id: FileId, limit: u64) -> Result<Vec<u8>, Unread> {
        let entry = self.entry(self.resolved(id)?);
        match &entry.content {
            Content::Memory(at) => {
                let bytes = &self.memory[*at].bytes;
                check_size(entry, bytes.len() as u64, limit)?;
                Ok(bytes.clone())
            }
            Content::Disk { .. } => {
                let (file, len) = self.open_listed(entry)?;
                check_size(entry, len, limit)?;
                read_whole(&entry.path, file, len, Vec::new())
            }
            Content::Staged(blob, stat) => match self.read_twin(entry, *blob, stat, limit) {
                Some(bytes) => Ok(bytes),
                None => self.blob(entry, *blob, limit),
            },
            Content::Blob(blob) => self.blob(entry, *blob, limit),
            Content::Past(id, carrier) => self.past_content(entry, *id, *carrier, limit),
            Content::Other(home, blob) => self.other_blob(entry, *home, *blob, limit),
            Content::None => Err(submodule(entry)),
        }
    }

    /// A file's size and its text, if it has at most `limit` bytes; of binary content, which has none, not all
    /// is read. The text is put into the memory of an earlier one.
    pub fn read_text(
        &self,
        id: FileId,
        limit: u64,
        memory: Vec<u8>,
    ) -> Result<(u64, Option<Decoded>), Unread> {
        let entry = self.entry(self.resolved(id)?);
        if let Content::Disk { len, .. } = entry.content {
            check_size(entry, len, limit)?;
            // What is read here is looked at for the first time: whether it changed since it was listed matters to
            // those who read it again, so that the system need not be asked once more for each file.
            let mut file = open_at_once(&self.root.join(to_path(entry.name()))).map_err(|e| e.of(entry))?;
            let unreadable = |e| Unread::io(&entry.path, &e);
            if len > LARGEST_AT_ONCE && begins_binary(&mut file).map_err(unreadable)? {
                return Ok((len, None));
            }
            return Ok((len, decode(read_to_end(&entry.path, file, len, memory)?)));
        }
        let bytes = self.read(id, limit)?;
        Ok((bytes.len() as u64, decode(bytes)))
    }

    /// A file's bytes one after the other, for a file too large to be held. Only a work tree is read
    /// piecemeal; other contents are held whole, up to 256 MiB.
    pub fn stream(&self, id: FileId) -> Result<Box<dyn Read + Send>, Unread> {
        let entry = self.entry(self.resolved(id)?);
        if let Content::Disk { .. } = entry.content {
            let (file, len) = self.open_listed(entry)?;
            return Ok(Box::new(file.take(len)));
        }
        Ok(Box::new(Cursor::new(self.read(id, u64::MAX)?)))
    }

    /// The id itself, or of a link what it leads to.
    fn resolved(&self, id: FileId) -> Result<FileId, Unread> {
        let entry = self.entry(id);
        if entry.mode != Mode::Symlink {
            return Ok(id);
        }
        let outside = |reason| Err(Unread::new(&entry.path, UnreadClass::Outside, reason));
        match self.follow(id) {
            Link::File(id) => Ok(id),
            Link::Folder(_) => outside("a link to a folder, which is listed under its own name"),
            Link::Unlisted => outside("a link to something that is not part of the audited files"),
            Link::Outside => outside("a link out of the tree"),
            Link::Nowhere => Err(Unread::new(
                &entry.path,
                UnreadClass::Unreadable,
                "a link that leads nowhere, or in a circle",
            )),
        }
    }

    fn other_blob(&self, entry: &Entry, home: usize, blob: ObjectId, limit: u64) -> Result<Vec<u8>, Unread> {
        let outside = |reason| Unread::new(&entry.path, UnreadClass::Outside, reason);
        self.elsewhere.homes[home].repo.blob(blob, limit).map_err(|missing| match missing {
            Missing::TooLarge(size, limit) => too_large(entry, size, limit),
            Missing::Absent => {
                let home = self.homes().nth(home).expect("entries name homes that are open");
                outside(format!("`{0}` lacks blob {blob}: `git -C {0} fetch` brings it", home.folder))
            }
            Missing::Broken(reason) => outside(reason),
        })
    }

    fn blob(&self, entry: &Entry, blob: ObjectId, limit: u64) -> Result<Vec<u8>, Unread> {
        let repo = self.repo.as_ref().expect("blobs are only listed from a repository");
        repo.blob(blob, limit).map_err(|missing| not_had(entry, blob, missing))
    }

    fn past_content(
        &self,
        entry: &Entry,
        id: ObjectId,
        carrier: Carrier,
        limit: u64,
    ) -> Result<Vec<u8>, Unread> {
        let repo = self.repo.as_ref().expect("history is only listed from a repository");
        let whole =
            repo.original(id, carrier.kind(), limit).map_err(|missing| not_had(entry, id, missing))?;
        Ok(carrier.cut(whole))
    }

    /// The work-tree file of a staged entry, if it is at hand and has the staged bytes. Its time and size
    /// only say that looking is worth while: line ends and filters (LFS, git-crypt) make it differ from the
    /// blob although git takes it for unmodified, so its hash decides.
    fn read_twin(
        &self,
        entry: &Entry,
        blob: ObjectId,
        stat: &gix::index::entry::Stat,
        limit: u64,
    ) -> Option<Vec<u8>> {
        if entry.mode == Mode::Symlink || u64::from(stat.size) > limit {
            return None;
        }
        let path = self.root.join(to_path(entry.name()));
        let (_, now) = stat_of(&path).ok()?;
        if now.size != stat.size || now.mtime != stat.mtime {
            return None;
        }
        let (file, len, _) = open_plain(&path).ok()?;
        let bytes =
            (len == u64::from(stat.size)).then(|| read_whole(&entry.path, file, len, Vec::new()))?.ok()?;
        let hash = gix::objs::compute_hash(blob.kind(), Kind::Blob, &bytes).ok()?;
        (hash == blob).then_some(bytes)
    }

    fn open_listed(&self, entry: &Entry) -> Result<(File, u64), Unread> {
        let Content::Disk { len, modified } = entry.content else { return Err(submodule(entry)) };
        let path = self.root.join(to_path(entry.name()));
        let (file, now, touched) = open_plain(&path).map_err(|e| e.of(entry))?;
        if now != len || (modified.is_some() && touched != modified) {
            return Err(changed(&entry.path));
        }
        Ok((file, now))
    }

    /// Whether a work-tree entry has the content of a blob, as far as that can be told without filters.
    pub(super) fn has_content(&self, id: FileId, blob: ObjectId) -> bool {
        self.content(id, blob.kind()) == Some(blob)
    }

    /// The blob that an entry would be, as far as that can be told without filters.
    pub(super) fn content(&self, id: FileId, kind: gix::hash::Kind) -> Option<ObjectId> {
        let entry = self.entry(id);
        if let Some(known) = entry.blob {
            return Some(known.0);
        }
        let bytes = match entry.mode {
            Mode::Symlink => self.link_text(entry).ok(),
            _ => self.read(id, LARGEST_COMPARISON).ok(),
        };
        bytes.and_then(|bytes| gix::objs::compute_hash(kind, Kind::Blob, &bytes).ok())
    }

    /// Where a link says that it leads.
    pub(super) fn link_text(&self, entry: &Entry) -> Result<Vec<u8>, Unread> {
        const LONGEST: u64 = 4096;
        match &entry.content {
            Content::Memory(at) => Ok(self.memory[*at].link.clone().unwrap_or_default().into_bytes()),
            Content::Disk { .. } => {
                let path = self.root.join(to_path(entry.name()));
                let target = std::fs::read_link(path).map_err(|e| Unread::io(&entry.path, &e))?;
                Ok(super::entry::to_name(&target))
            }
            Content::Staged(blob, _) | Content::Blob(blob) | Content::Past(blob, _) => {
                self.blob(entry, *blob, LONGEST)
            }
            Content::Other(..) | Content::None => Err(submodule(entry)),
        }
    }
}

fn not_had(entry: &Entry, id: ObjectId, missing: Missing) -> Unread {
    match missing {
        Missing::TooLarge(size, limit) => too_large(entry, size, limit),
        Missing::Absent => {
            let reason = format!("this clone does not hold blob {id}; a partial clone, or damaged");
            Unread::new(&entry.path, UnreadClass::Unreadable, reason)
        }
        Missing::Broken(reason) => Unread::new(&entry.path, UnreadClass::Unreadable, reason),
    }
}

enum NotPlain {
    Io(std::io::Error),
    Special,
}

impl NotPlain {
    fn of(self, entry: &Entry) -> Unread {
        match self {
            NotPlain::Io(e) => Unread::io(&entry.path, &e),
            NotPlain::Special => {
                Unread::new(&entry.path, UnreadClass::Outside, "became something else than a file")
            }
        }
    }
}

/// Opens a file that is a file: with its length and when it was modified.
fn open_plain(path: &Path) -> Result<(File, u64, Option<SystemTime>), NotPlain> {
    let file = open_at_once(path)?;
    let metadata = file.metadata().map_err(NotPlain::Io)?;
    if !metadata.is_file() {
        return Err(NotPlain::Special);
    }
    Ok((file, metadata.len(), metadata.modified().ok()))
}

/// Opening a pipe would wait for a writer, and a link could lead anywhere.
#[cfg(unix)]
fn open_at_once(path: &Path) -> Result<File, NotPlain> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    options.open(path).map_err(|e| match e.raw_os_error() {
        // A link; a socket.
        Some(libc::ELOOP | libc::EMLINK | libc::ENXIO) => NotPlain::Special,
        _ => NotPlain::Io(e),
    })
}

/// Opening a pipe would wait for a writer, and a device could do anything, so that what lies there is looked
/// at first.
#[cfg(not(unix))]
fn open_at_once(path: &Path) -> Result<File, NotPlain> {
    if !path.symlink_metadata().map_err(NotPlain::Io)?.is_file() {
        return Err(NotPlain::Special);
    }
    File::open(path).map_err(NotPlain::Io)
}

fn begins_binary(file: &mut File) -> std::io::Result<bool> {
    let mut start = Vec::with_capacity(BINARY_WITHIN);
    file.take(BINARY_WITHIN as u64).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(is_binary(&start))
}

/// Reads exactly `len` bytes, so that a file that grows meanwhile cannot fill the memory.
fn read_whole(path: &str, mut file: File, len: u64, mut bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
    // What is left of an earlier file is overwritten, not cleared.
    bytes.resize(usize::try_from(len).unwrap_or(0), 0);
    file.read_exact(&mut bytes).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => changed(path),
        _ => Unread::io(path, &e),
    })?;
    Ok(bytes)
}

/// Reads a file that should hold `len` bytes, and no more than one byte beyond them.
fn read_to_end(path: &str, mut file: File, len: u64, mut bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
    let len = usize::try_from(len).unwrap_or(0);
    // What is left of an earlier file is overwritten, not cleared.
    bytes.resize(len + 1, 0);
    let mut end = 0;
    // A file gives all that is asked for, or all that it has.
    while end < len {
        match file.read(&mut bytes[end..]) {
            Ok(0) => break,
            Ok(more) => end += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Unread::io(path, &e)),
        }
    }
    if end != len {
        return Err(changed(path));
    }
    bytes.truncate(len);
    Ok(bytes)
}

fn changed(path: &str) -> Unread {
    Unread::new(path, UnreadClass::Unreadable, "changed while it was being read")
}

fn check_size(entry: &Entry, size: u64, limit: u64) -> Result<(), Unread> {
    if size > limit { Err(too_large(entry, size, limit)) } else { Ok(()) }
}

fn too_large(entry: &Entry, size: u64, limit: u64) -> Unread {
    let reason = format!("{}, over the limit of {}", human(size), human(limit));
    Unread::new(&entry.path, UnreadClass::TooLarge, reason)
}

fn submodule(entry: &Entry) -> Unread {
    Unread::new(&entry.path, UnreadClass::Outside, "a submodule: its files belong to another repository")
}

fn human(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
