//! Commits' trees: listing one, and comparing two.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::LARGEST_SOURCE;
use super::entry::{Mode, is_plain, shown};
use super::error::{Error, Unread, UnreadClass};
use super::repo::{Repo, explain};

/// A path in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The true name.
    pub(super) name: Vec<u8>,
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// A tree's leaves, sorted by name, and the folders that this clone does not hold.
#[derive(Default)]
pub(super) struct Leaves {
    pub(super) leaves: Vec<Leaf>,
    pub(super) unread: Vec<Unread>,
    /// Folders that were not listed because they are known: each ends in `/`, and the root is empty.
    pub(super) known: HashSet<Vec<u8>>,
}

/// Ids of whole folders, by their names in the repository: each ends in `/`, and the top is empty.
pub(super) type Folders = HashMap<Vec<u8>, ObjectId>;

impl Leaves {
    /// The leaf of that name.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Leaf> {
        self.leaves.binary_search_by(|leaf| leaf.name[..].cmp(name)).ok().map(|at| &self.leaves[at])
    }

    /// Whether a name lies in a folder that was not listed.
    pub(super) fn is_known(&self, name: &[u8]) -> bool {
        let mut slashes = name.iter().enumerate().filter(|(_, b)| **b == b'/');
        self.known.contains(&b""[..]) || slashes.any(|(at, _)| self.known.contains(&name[..=at]))
    }
}

/// Lists `tree`, or of it only what lies under `prefix` (empty, or ending in `/`), which is cut off.
pub(super) fn list(repo: &Repo, tree: ObjectId, prefix: &[u8]) -> Result<Leaves, Error> {
    list_unknown(repo, tree, prefix, &Folders::new())
}

/// Like [`list`], without opening the folders that are the same in `known`.
pub(super) fn list_unknown(
    repo: &Repo,
    tree: ObjectId,
    prefix: &[u8],
    known: &Folders,
) -> Result<Leaves, Error> {
    repo.with(|handle| {
        let mut found = Leaves::default();
        let mut folders = vec![(tree, Vec::new())];
        let mut opened = 0;
        while let Some((id, folder)) = folders.pop() {
            // A few trees that hold each other many times over can stand for more folders than there are atoms.
            opened += 1;
            if opened > LARGEST_SOURCE {
                return Err(Error::TooMany { root: repo.root.clone(), limit: LARGEST_SOURCE });
            }
            if known.get(&folder) == Some(&id) {
                found.known.insert(folder.strip_prefix(prefix).unwrap_or(b"").to_vec());
                continue;
            }
            let children = match children(handle, id) {
                Ok(children) => children,
                Err(reason) => {
                    let inner = folder.strip_prefix(prefix).unwrap_or(b"");
                    let inner = inner.strip_suffix(b"/").unwrap_or(inner);
                    let path = if inner.is_empty() { ".".to_owned() } else { shown(inner) };
                    found.unread.push(Unread::new(path, UnreadClass::Unreadable, reason));
                    continue;
                }
            };
            for child in children {
                let mut name = folder.clone();
                name.extend_from_slice(&child.name);
                if child.kind == EntryKind::Tree {
                    name.push(b'/');
                    if name.starts_with(prefix) || prefix.starts_with(&name) {
                        folders.push((child.id, name));
                    }
                } else if let Some(inner) = name.strip_prefix(prefix) {
                    if !is_plain(inner) {
                        let reason = "a name that git does not allow";
                        found.unread.push(Unread::new(shown(inner), UnreadClass::Outside, reason));
                        continue;
                    }
                    if found.leaves.len() >= LARGEST_SOURCE {
                        return Err(Error::TooMany { root: repo.root.clone(), limit: LARGEST_SOURCE });
                    }
                    found.leaves.push(Leaf { name: inner.to_vec(), mode: mode(child.kind), id: child.id });
                }
            }
        }
        found.leaves.sort_by(|a, b| a.name.cmp(&b.name));
        found.leaves.dedup_by(|a, b| a.name == b.name);
        Ok(found)
    })
}

/// How two trees differ at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Difference {
    /// Only the newer has it.
    Added,
    /// Both have it, with another content or mode.
    Modified,
    /// Only the older has it.
    Deleted,
}

/// The names at which `new` differs from `old`. Equal folders are never opened.
pub(super) fn compare(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<(Vec<u8>, Difference)>, String> {
    let mut changes = Vec::new();
    let mut folders = vec![(old, new, Vec::new())];
    let mut opened = 0;
    while let Some((old, new, folder)) = folders.pop() {
        opened += 1;
        let read = |id: Option<ObjectId>| id.map_or(Ok(Vec::new()), |id| children(repo, id));
        let (old, new) = (read(old)?, read(new)?);
        let mut note = |old: Option<&Child>, new: Option<&Child>| {
            let Some(name) = old.or(new).map(|child| [&folder[..], &child.name].concat()) else { return };
            let is_tree = |child: &&Child| child.kind == EntryKind::Tree;
            let (old_tree, new_tree) = (old.filter(is_tree), new.filter(is_tree));
            if old_tree.is_some() || new_tree.is_some() {
                let inner = [&name[..], b"/"].concat();
                folders.push((old_tree.map(|t| t.id), new_tree.map(|t| t.id), inner));
            }
            match (old.filter(|c| !is_tree(c)), new.filter(|c| !is_tree(c))) {
                (Some(_), Some(_)) => changes.push((name, Difference::Modified)),
                (Some(_), None) => changes.push((name, Difference::Deleted)),
                (None, Some(_)) => changes.push((name, Difference::Added)),
                (None, None) => {}
            }
        };
        let (mut i, mut j) = (0, 0);
        while i < old.len() || j < new.len() {
            let order = match (old.get(i), new.get(j)) {
                (Some(a), Some(b)) => a.name.cmp(&b.name),
                (Some(_), None) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            match order {
                std::cmp::Ordering::Less => note(old.get(i), None),
                std::cmp::Ordering::Greater => note(None, new.get(j)),
                std::cmp::Ordering::Equal if old[i] != new[j] => note(old.get(i), new.get(j)),
                std::cmp::Ordering::Equal => {}
            }
            i += usize::from(order.is_le());
            j += usize::from(order.is_ge());
        }
        if changes.len().max(opened) > LARGEST_SOURCE {
            return Err("too many changes in one commit".to_owned());
        }
    }
    changes.sort();
    Ok(changes)
}

#[derive(PartialEq, Eq)]
struct Child {
    name: Vec<u8>,
    kind: EntryKind,
    id: ObjectId,
}

/// A folder's own entries, sorted by name, or why they cannot be had.
fn children(repo: &gix::Repository, id: ObjectId) -> Result<Vec<Child>, String> {
    let tree = repo.try_find_object(id).map_err(|e| explain(&e))?;
    let tree = tree.ok_or_else(|| format!("this clone does not hold its tree {id}"))?;
    let tree = tree.try_into_tree().map_err(|_| format!("object {id} is no tree"))?;
    let mut children = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(|e| explain(&e))?;
        children.push(Child { name: entry.filename().to_vec(), kind: entry.kind(), id: entry.object_id() });
    }
    children.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(children)
}

fn mode(kind: EntryKind) -> Mode {
    match kind {
        EntryKind::BlobExecutable => Mode::Executable,
        EntryKind::Link => Mode::Symlink,
        EntryKind::Commit => Mode::Submodule,
        EntryKind::Blob | EntryKind::Tree => Mode::File,
    }
}
