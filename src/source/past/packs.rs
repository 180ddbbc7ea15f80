//! Where objects lie: in packs, whose order on disk is the fast one to read them in, or loose.

use std::path::PathBuf;

use gix::odb::pack::{data, index};
use gix::{ObjectId, oid};

/// The packs of a repository and of the repositories that it borrows objects from.
#[derive(Default)]
pub(super) struct Packs {
    pub(super) packs: Vec<Pack>,
    /// Packs that cannot be read; what only they hold counts as missing.
    pub(super) broken: Vec<String>,
}

/// A pack and its index.
pub(super) struct Pack {
    pub(super) index: index::File,
    pub(super) data: data::File,
}

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The pack number that stands for objects outside of packs.
const LOOSE: u64 = 0xffff;

impl Place {
    /// At an offset of a pack.
    pub(super) fn packed(pack: usize, offset: u64) -> Place {
        Place((pack as u64) << 48 | offset & 0xffff_ffff_ffff)
    }

    /// Outside of packs; the number says which.
    pub(super) fn loose(number: usize) -> Place {
        Place(LOOSE << 48 | number as u64)
    }

    /// The pack, unless it lies outside of packs.
    pub(super) fn pack(self) -> Option<usize> {
        Some(self.0 >> 48).filter(|pack| *pack != LOOSE).map(|pack| pack as usize)
    }

    /// The offset in the pack, or the number.
    pub(super) fn offset(self) -> u64 {
        self.0 & 0xffff_ffff_ffff
    }
}

impl Packs {
    /// Opens every pack that the repository knows, in the order of their names.
    pub(super) fn open(handle: &gix::Repository) -> Packs {
        let store = handle.objects.store_ref();
        let mut folders: Vec<PathBuf> = vec![store.path().to_path_buf()];
        folders.extend(store.alternate_db_paths().unwrap_or_default());
        let mut names: Vec<PathBuf> = Vec::new();
        for folder in folders {
            let listed = std::fs::read_dir(folder.join("pack")).into_iter().flatten().flatten();
            names.extend(
                listed.map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "idx")),
            );
        }
        names.sort();
        names.dedup();
        let kind = handle.object_hash();
        let mut found = Packs::default();
        for name in names.into_iter().take(LOOSE as usize - 1) {
            let pack = index::File::at(&name, kind).and_then(|index| {
                Ok(Pack { index, data: data::File::at(name.with_extension("pack"), kind)? })
            });
            match pack {
                Ok(pack) => found.packs.push(pack),
                Err(_) => {
                    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    found.broken.push(name);
                }
            }
        }
        found
    }

    /// Where a packed object lies.
    pub(super) fn find(&self, id: &oid) -> Option<Place> {
        self.packs.iter().enumerate().find_map(|(number, pack)| {
            let at = pack.index.lookup(id)?;
            Some(Place::packed(number, pack.index.pack_offset_at_index(at)))
        })
    }
}

impl Pack {
    /// The offset of the object that a packed one is written as a change to; `Ok(None)` for one that is
    /// written whole, and an error where that cannot be told.
    pub(super) fn base_of(&self, offset: u64) -> Result<Option<u64>, ()> {
        use data::entry::Header;
        let entry = self.data.entry(offset).map_err(drop)?;
        match entry.header {
            Header::OfsDelta { base_distance } => {
                entry.checked_base_pack_offset(base_distance).ok_or(()).map(Some)
            }
            Header::RefDelta { base_id } => {
                let at = self.index.lookup(base_id).ok_or(())?;
                Ok(Some(self.index.pack_offset_at_index(at)))
            }
            Header::Blob | Header::Commit | Header::Tag => Ok(None),
            // Nobody asks for trees, and no delta changes what an object is.
            Header::Tree => Err(()),
        }
    }

    /// The unpacked bytes at an offset: a content, or a delta.
    pub(super) fn unpack(
        &self,
        offset: u64,
        inflate: &mut gix::zlib::Inflate,
        limit: u64,
    ) -> Result<Vec<u8>, Unpacked> {
        let entry = self.data.entry(offset).map_err(|_| Unpacked::Damaged)?;
        if entry.decompressed_size > limit {
            return Err(Unpacked::TooLarge(entry.decompressed_size));
        }
        let mut out = vec![0; entry.decompressed_size as usize];
        self.data.decompress_entry(&entry, inflate, &mut out).map_err(|_| Unpacked::Damaged)?;
        Ok(out)
    }
}

/// Why something was not unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// The pack is damaged there.
    Damaged,
    /// It has so many bytes.
    TooLarge(u64),
}

/// Ids of objects outside of packs, by number.
pub(super) type Loose = Vec<ObjectId>;
