//! Files that hold other files or texts in compressed form: which are unpacked, and which stay closed.

use super::scan::encoding::{GZIP, gunzip};
use crate::text::FileId;
use std::collections::BTreeSet;

/// What one compressed text may unpack to.
pub(super) const LARGEST: usize = 8 << 20;
/// What all of a run may. The files to unpack are chosen by their order, before anything is read, so that two
/// runs choose the same.
const LARGEST_RUN: u64 = 512 << 20;
/// A text that shrinks to less than a hundredth is a trap or nothing but blanks.
const LARGEST_RATIO: u64 = 100;

/// Bytes of a file that tell what it is.
pub(super) const HEAD: u64 = 512;

/// Whether a file is an image or a font by its name: most binary files are, and none is opened twice.
pub(super) fn is_picture(path: &str) -> bool {
    const ENDS: &[&str] = &["png", "jpg", "jpeg", "gif", "ico", "webp", "woff", "woff2", "ttf", "otf", "eot"];
    let end = path.rsplit('.').next().unwrap_or("");
    ENDS.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// What the first bytes say that a file is, if that is compressed or an archive.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: &[(&[u8], &str)] = &[
        (GZIP, "a gzip file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a rar archive"),
        (b"\xfd7zXZ\x00", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"BZh", "a bzip2 file"),
        (b"!<arch>\n", "an ar archive"),
        (b"MSCF\0\0\0\0", "a cabinet"),
    ];
    let marked = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark));
    // Three letters begin a text, too; behind bzip2's stands the block size and the mark of a block.
    let marked = marked.filter(|(mark, _)| *mark != b"BZh" || bytes.get(4..10) == Some(b"1AY&SY"));
    marked.map(|(_, name)| *name).or_else(|| is_tar(bytes).then_some("a tar archive"))
}

/// POSIX ustar and GNU tar carry their mark in the header of the first member.
fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn limit(size: u64) -> usize {
    (64 * 1024 + size * LARGEST_RATIO).min(LARGEST as u64) as usize
}

/// The files that are compressed texts by their names, as many as the budget of a run allows.
pub(super) fn affordable<'a>(
    files: impl Iterator<Item = (FileId, &'a str, Option<u64>)>,
) -> BTreeSet<FileId> {
    let named =
        files.filter(|(_, path, _)| path.len() > 3 && path.ends_with(".gz") && !path.ends_with(".tar.gz"));
    let mut left = LARGEST_RUN;
    let mut chosen = BTreeSet::new();
    for (file, _, size) in named {
        let Some(rest) = left.checked_sub(limit(size.unwrap_or(LARGEST as u64)) as u64) else { continue };
        left = rest;
        chosen.insert(file);
    }
    chosen
}

/// The text in a compressed file and whether it is all of it; the reason if it stays closed.
pub(super) fn open(path: &str, bytes: &[u8], affordable: bool) -> Result<(String, bool), String> {
    let name = name(bytes).unwrap_or("an archive");
    if !bytes.starts_with(GZIP) {
        return Err(format!("{name}: not opened"));
    }
    if !affordable {
        let tar = [".tgz", ".tar.gz"].iter().any(|end| path.ends_with(end));
        let name = if tar { "a compressed tar archive" } else { name };
        return Err(format!("{name}: not opened"));
    }
    let (content, whole) = gunzip(bytes, limit(bytes.len() as u64));
    if is_tar(&content) {
        return Err("a compressed tar archive: not opened".to_owned());
    }
    // Text with bytes that are none still holds credentials; their offsets are nowhere shown.
    Ok((String::from_utf8_lossy(&content).into_owned(), whole))
}
