//! Contents of a pack that were just unpacked, for the next one that is written as a change to one of them.

use std::collections::HashMap;

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;

/// So many bytes are remembered.
const MOST: usize = 24 << 20;
/// Larger contents are not, in bytes.
const LARGEST: usize = 1 << 20;

/// Two generations: what the older one is not asked for goes with it. That is nearly as good as forgetting
/// what was not asked for the longest, and needs no list to be kept in order.
#[derive(Default)]
pub(super) struct Unpacked {
    young: HashMap<(u32, u64), Entry>,
    old: HashMap<(u32, u64), Entry>,
    bytes: usize,
}

struct Entry {
    data: Box<[u8]>,
    kind: Kind,
    packed: usize,
}

impl Unpacked {
    fn keep(&mut self, key: (u32, u64), entry: Entry) {
        self.bytes += entry.data.len();
        self.young.insert(key, entry);
        if self.bytes > MOST / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

impl DecodeEntry for Unpacked {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, packed: usize) {
        if data.len() <= LARGEST {
            self.keep((pack, offset), Entry { data: data.into(), kind, packed });
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        let key = (pack, offset);
        if let Some(entry) = self.old.remove(&key) {
            self.keep(key, entry);
        }
        let entry = self.young.get(&key).or_else(|| self.old.get(&key))?;
        out.clear();
        out.extend_from_slice(&entry.data);
        Some((entry.kind, entry.packed))
    }
}
