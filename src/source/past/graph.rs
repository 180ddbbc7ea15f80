//! The commits that refs, tags and the stash reach, parents before children.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::path::Path;

use gix::ObjectId;
use gix::objs::Kind;

use super::Absent;
use super::message::Tag;

/// A commit, or a tree that a tag marks directly.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: ObjectId,
    /// Its tree; `None` if this clone does not hold the commit.
    pub(super) tree: Option<ObjectId>,
    time: i64,
    /// Whether it is a commit that was read.
    pub(super) is_commit: bool,
    /// Not asked for: the revision that the history begins at reaches it.
    pub(super) hidden: bool,
}

/// All commits, parents before children, of those that could come next the oldest first.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Hidden commits that have a child which is not.
    pub(super) border: Vec<usize>,
    /// Blobs that refs mark directly, with the refs' names.
    pub(super) blobs: Vec<(ObjectId, String)>,
    /// Annotated tags that refs lead to, but for those of commits that are not asked for.
    pub(super) tags: Vec<Tag>,
    /// Whether the clone is cut off at some commit that was reached.
    pub(super) shallow: bool,
}

/// What refs and the stash point at, each with a name for it.
pub(super) fn tips(handle: &gix::Repository, absent: &mut Absent) -> Vec<(ObjectId, String)> {
    let mut tips: BTreeSet<(String, ObjectId)> = BTreeSet::new();
    if let Ok(id) = handle.head_id() {
        tips.insert(("HEAD".to_owned(), id.detach()));
    }
    let listed = handle.references().and_then(|refs| {
        for reference in refs.all()? {
            match reference {
                Ok(reference) => {
                    if let Some(id) = reference.try_id() {
                        tips.insert((reference.name().as_bstr().to_string(), id.detach()));
                    }
                }
                Err(_) => absent.other("a ref cannot be read"),
            }
        }
        Ok(())
    });
    if listed.is_err() {
        absent.other("not all refs can be read");
    }
    let common = handle.common_dir().to_path_buf();
    for (name, id) in stash(&common).into_iter().chain(work_trees(&common)) {
        tips.insert((name, id));
    }
    tips.into_iter().map(|(name, id)| (id, name)).collect()
}

/// Every entry of the stash: only the newest is a ref, the older ones stand in its log.
fn stash(common: &Path) -> Vec<(String, ObjectId)> {
    let log = std::fs::read(common.join("logs/refs/stash")).unwrap_or_default();
    let ids = log.split(|&b| b == b'\n').filter_map(|line| {
        let new = line.split(|&b| b == b' ').nth(1)?;
        ObjectId::from_hex(new).ok().filter(|id| !id.is_null())
    });
    ids.map(|id| ("refs/stash".to_owned(), id)).collect()
}

/// What other work trees of the repository have checked out without a branch.
fn work_trees(common: &Path) -> Vec<(String, ObjectId)> {
    let folders = std::fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    let heads = folders.filter_map(|folder| {
        let head = std::fs::read(folder.path().join("HEAD")).ok()?;
        let id = ObjectId::from_hex(head.trim_ascii()).ok()?;
        Some((format!("worktrees/{}/HEAD", folder.file_name().to_string_lossy()), id))
    });
    heads.collect()
}

/// Walks from the tips to the first commits; what `hide` reaches is marked.
pub(super) fn walk(
    handle: &gix::Repository,
    tips: &[(ObjectId, String)],
    hide: Option<ObjectId>,
    absent: &mut Absent,
) -> Graph {
    let mut graph = Graph::default();
    let boundary: HashSet<ObjectId> = match handle.shallow_commits() {
        Ok(commits) => commits.map(|c| c.iter().copied().collect()).unwrap_or_default(),
        Err(_) => HashSet::new(),
    };
    let mut known: HashMap<ObjectId, u32> = HashMap::new();
    let mut nodes: Vec<Node> = Vec::new();
    // Child and parent.
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut ahead: Vec<u32> = Vec::new();
    let mut meet = |id: ObjectId, nodes: &mut Vec<Node>, ahead: &mut Vec<u32>| {
        *known.entry(id).or_insert_with(|| {
            let number = nodes.len() as u32;
            nodes.push(Node { id, tree: None, time: 0, is_commit: false, hidden: false });
            ahead.push(number);
            number
        })
    };
    let mut roots: HashSet<ObjectId> = HashSet::new();
    for (id, name) in tips {
        let mut tags = Vec::new();
        let Some((end, kind)) = peel(handle, *id, &mut tags) else {
            absent.commit(*id);
            continue;
        };
        let named = |id| Tag { id, end, name: name.clone() };
        graph.tags.extend(tags.into_iter().map(named));
        match kind {
            Kind::Commit => {
                meet(end, &mut nodes, &mut ahead);
            }
            Kind::Tree => {
                roots.insert(end);
            }
            Kind::Blob => graph.blobs.push((end, name.clone())),
            Kind::Tag => {}
        }
    }
    let hidden = hide.map(|id| meet(id, &mut nodes, &mut ahead));
    let mut buffer = Vec::new();
    while let Some(number) = ahead.pop() {
        let id = nodes[number as usize].id;
        let Some(commit) = read(handle, id, &mut buffer) else {
            absent.commit(id);
            continue;
        };
        let node = &mut nodes[number as usize];
        (node.tree, node.time, node.is_commit) = (Some(commit.tree), commit.time, true);
        if boundary.contains(&id) {
            graph.shallow |= !commit.parents.is_empty();
            continue;
        }
        for parent in commit.parents {
            edges.push((number, meet(parent, &mut nodes, &mut ahead)));
        }
    }
    if let Some(start) = hidden {
        hide_all(&mut nodes, &edges, start);
        let hidden: HashSet<ObjectId> = nodes.iter().filter(|node| node.hidden).map(|node| node.id).collect();
        graph.tags.retain(|tag| !hidden.contains(&tag.end));
    }
    // Several refs may lead to one tag.
    let mut met = HashSet::new();
    graph.tags.retain(|tag| met.insert(tag.id));
    order(&mut graph, nodes, edges);
    // A tree that nobody committed comes last: what it holds may be known by then.
    let mut roots: Vec<ObjectId> = roots.into_iter().collect();
    roots.sort();
    let of_tree = |id| Node { id, tree: Some(id), time: i64::MAX, is_commit: false, hidden: false };
    graph.nodes.extend(roots.into_iter().map(of_tree));
    graph
}

/// Marks a commit and everything before it.
fn hide_all(nodes: &mut [Node], edges: &[(u32, u32)], start: u32) {
    let mut parents: Vec<(u32, u32)> = edges.to_vec();
    parents.sort_unstable();
    let mut ahead = vec![start];
    while let Some(number) = ahead.pop() {
        if std::mem::replace(&mut nodes[number as usize].hidden, true) {
            continue;
        }
        let first = parents.partition_point(|(child, _)| *child < number);
        ahead.extend(parents[first..].iter().take_while(|(child, _)| *child == number).map(|(_, p)| *p));
    }
}

/// Sorts the commits, parents before children.
fn order(graph: &mut Graph, nodes: Vec<Node>, mut edges: Vec<(u32, u32)>) {
    let mut waits = vec![0u32; nodes.len()];
    let mut border = HashSet::new();
    for &(child, parent) in &edges {
        waits[child as usize] += 1;
        if nodes[parent as usize].hidden && !nodes[child as usize].hidden {
            border.insert(parent);
        }
    }
    edges.sort_unstable_by_key(|(child, parent)| (*parent, *child));
    let mut ready: BinaryHeap<Reverse<(i64, ObjectId, u32)>> = BinaryHeap::new();
    let start = |n: u32| Reverse((nodes[n as usize].time, nodes[n as usize].id, n));
    ready.extend((0..nodes.len() as u32).filter(|n| waits[*n as usize] == 0).map(start));
    graph.nodes.reserve(nodes.len());
    while let Some(Reverse((_, _, number))) = ready.pop() {
        if border.contains(&number) {
            graph.border.push(graph.nodes.len());
        }
        graph.nodes.push(nodes[number as usize].clone());
        let first = edges.partition_point(|(_, parent)| *parent < number);
        for (child, _) in edges[first..].iter().take_while(|(_, parent)| *parent == number) {
            let waits = &mut waits[*child as usize];
            *waits -= 1;
            if *waits == 0 {
                ready.push(start(*child));
            }
        }
    }
}

struct Read {
    tree: ObjectId,
    parents: Vec<ObjectId>,
    time: i64,
}

fn read(handle: &gix::Repository, id: ObjectId, buffer: &mut Vec<u8>) -> Option<Read> {
    use gix::prelude::Find as _;
    let object = handle.objects.try_find(&id, buffer).ok()??;
    if object.kind != Kind::Commit {
        return None;
    }
    let commit = gix::objs::CommitRef::from_bytes(object.data, handle.object_hash()).ok()?;
    Some(Read {
        tree: commit.tree(),
        parents: commit.parents().collect(),
        time: commit.committer().ok().and_then(|c| c.time().ok()).map_or(0, |time| time.seconds),
    })
}

/// Follows tags to what they mark in the end, and notes them.
fn peel(handle: &gix::Repository, id: ObjectId, tags: &mut Vec<ObjectId>) -> Option<(ObjectId, Kind)> {
    let mut object = handle.try_find_object(id).ok()??;
    while object.kind == Kind::Tag {
        tags.push(object.id);
        let next = object.try_to_tag_ref().ok()?.target();
        object = handle.try_find_object(next).ok()??;
    }
    Some((object.id, object.kind))
}
