//! Unpacking many contents, each once.
//!
//! A pack keeps most contents as changes to others. Read one by one, each of them would be made anew from the
//! start of its chain; here every content is unpacked once, right after the one that it is a change to. Of the
//! changes to one content the one with most changes of its own comes last, when the content itself is needed
//! no more: so few are held at a time, however long the chains are.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::delta;
use super::packs::{Pack, Unpacked};
use super::trees::Low;

/// Larger contents are not unpacked, in bytes.
pub(super) const LARGEST: u64 = 64 << 20;

/// Stands for "no base".
const NONE: u32 = u32::MAX;

/// The contents of one pack and how they are made from each other.
pub(super) struct Forest<'a> {
    pack: &'a Pack,
    /// Ascending.
    offsets: Vec<u64>,
    wanted: Vec<bool>,
    /// Children of each node: `children[first[n]..first[n + 1]]`.
    first: Vec<u32>,
    children: Vec<u32>,
    /// Nodes that are written whole, those with the most descendants first.
    roots: Vec<u32>,
    /// Wanted nodes that hang on nothing.
    lost: Vec<u64>,
    next: AtomicUsize,
}

impl<'a> Forest<'a> {
    /// Finds out how the contents at `wanted` (ascending) are made. Headers are read, and nothing unpacked.
    pub(super) fn new(pack: &'a Pack, wanted: &[u64]) -> Forest<'a> {
        let mut bases: HashMap<u64, Result<Option<u64>, ()>, BuildHasherDefault<Low>> = HashMap::default();
        bases.reserve(wanted.len());
        let mut ahead: Vec<u64> = wanted.iter().rev().copied().collect();
        while let Some(offset) = ahead.pop() {
            if let std::collections::hash_map::Entry::Vacant(entry) = bases.entry(offset) {
                let base = pack.base_of(offset);
                entry.insert(base);
                if let Ok(Some(base)) = base {
                    ahead.push(base);
                }
            }
        }
        let mut offsets: Vec<u64> = bases.keys().copied().collect();
        offsets.sort_unstable();
        let number = |offset: &u64| offsets.binary_search(offset).expect("every base was looked at") as u32;
        let mut parents = vec![NONE; offsets.len()];
        let mut roots = Vec::new();
        for (node, offset) in offsets.iter().enumerate() {
            match bases[offset] {
                Ok(Some(base)) => parents[node] = number(&base),
                Ok(None) => roots.push(node as u32),
                Err(()) => {}
            }
        }
        drop(bases);
        let mut first = vec![0u32; offsets.len() + 2];
        for &parent in parents.iter().filter(|p| **p != NONE) {
            first[parent as usize + 2] += 1;
        }
        for node in 2..first.len() {
            first[node] += first[node - 1];
        }
        let mut children = vec![0u32; first[first.len() - 1] as usize];
        for (node, &parent) in parents.iter().enumerate().filter(|(_, p)| **p != NONE) {
            let at = &mut first[parent as usize + 1];
            children[*at as usize] = node as u32;
            *at += 1;
        }
        first.pop();
        let is_wanted = offsets.iter().map(|offset| wanted.binary_search(offset).is_ok()).collect();
        let mut forest = Forest {
            pack,
            wanted: is_wanted,
            offsets,
            first,
            children,
            roots,
            lost: Vec::new(),
            next: AtomicUsize::new(0),
        };
        forest.weigh(&parents);
        forest
    }

    /// Puts children in the order of their weight, heavy ones last, and the roots heavy ones first.
    fn weigh(&mut self, parents: &[u32]) {
        let mut order = self.roots.clone();
        let mut at = 0;
        while at < order.len() {
            order.extend_from_slice(self.children_of(order[at]));
            at += 1;
        }
        let mut weights = vec![0u32; self.offsets.len()];
        for &node in order.iter().rev() {
            weights[node as usize] = weights[node as usize].saturating_add(1);
            if parents[node as usize] != NONE {
                let weight = weights[node as usize];
                let parent = &mut weights[parents[node as usize] as usize];
                *parent = parent.saturating_add(weight);
            }
        }
        for node in 0..self.offsets.len() {
            let range = self.first[node] as usize..self.first[node + 1] as usize;
            self.children[range].sort_by_key(|child| (weights[*child as usize], *child));
        }
        // Apart from the heavy ones, the order on disk is the best.
        self.roots.sort_by_key(|root| (std::cmp::Reverse(weights[*root as usize] / 1024), *root));
        // What no root leads to hangs on something that is not there, or on itself.
        let lost = |n: &usize| weights[*n] == 0 && self.wanted[*n];
        self.lost = (0..self.offsets.len()).filter(lost).map(|n| self.offsets[n]).collect();
    }

    fn children_of(&self, node: u32) -> &[u32] {
        &self.children[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }

    /// Wanted offsets that cannot be unpacked whatever one does.
    pub(super) fn lost(&self) -> &[u64] {
        &self.lost
    }

    /// Takes roots until none is left, and gives every wanted content to `work`. Several threads may call it.
    pub(super) fn unpack(&self, work: &mut dyn FnMut(u64, Result<Vec<u8>, Unpacked>)) {
        let mut inflate = gix::zlib::Inflate::default();
        while let Some(&root) = self.roots.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.family(root, &mut inflate, work);
        }
    }

    fn family(
        &self,
        root: u32,
        inflate: &mut gix::zlib::Inflate,
        work: &mut dyn FnMut(u64, Result<Vec<u8>, Unpacked>),
    ) {
        // What is still to be made, and from what; the last one is next.
        let mut ahead: Vec<(u32, Option<Rc<Vec<u8>>>)> = vec![(root, None)];
        while let Some((node, base)) = ahead.pop() {
            let offset = self.offsets[node as usize];
            let content = match &base {
                None => self.pack.unpack(offset, inflate, LARGEST),
                Some(base) => self.pack.unpack(offset, inflate, LARGEST).and_then(|delta| {
                    let (_, size, _) = delta::sizes(&delta).ok_or(Unpacked::Damaged)?;
                    if size > LARGEST {
                        return Err(Unpacked::TooLarge(size));
                    }
                    delta::apply(base, &delta).ok_or(Unpacked::Damaged)
                }),
            };
            drop(base);
            let (wanted, children) = (self.wanted[node as usize], self.children_of(node));
            match content {
                Ok(content) if children.is_empty() => {
                    if wanted {
                        work(offset, Ok(content));
                    }
                }
                Ok(content) => {
                    if wanted {
                        work(offset, Ok(content.clone()));
                    }
                    let content = Rc::new(content);
                    // The heaviest child lies at the bottom, and takes the last hold of the content.
                    ahead.extend(children.iter().rev().map(|child| (*child, Some(content.clone()))));
                }
                Err(why) => self.give_up(node, why, work),
            }
        }
    }

    /// Neither this content nor what is made from it can be had.
    fn give_up(&self, node: u32, why: Unpacked, work: &mut dyn FnMut(u64, Result<Vec<u8>, Unpacked>)) {
        let mut ahead = vec![node];
        while let Some(node) = ahead.pop() {
            if self.wanted[node as usize] {
                work(self.offsets[node as usize], Err(why));
            }
            ahead.extend(self.children_of(node));
        }
    }
}
