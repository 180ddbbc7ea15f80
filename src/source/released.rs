//! What the last release holds already, or the branch that this one was begun from.

use std::collections::{BTreeSet, HashMap, HashSet};

use gix::ObjectId;

use super::entry::shown;
use super::error::{Unread, UnreadClass};
use super::git::{Branches, Git, Origin, unanswered};
use super::repo::{Repo, explain};
use super::tree;
use super::{FileId, Source};

/// So many commits are looked through for a release tag: years of a busy project, and under a second.
const MOST_COMMITS: usize = 50_000;

/// The tree of an earlier state, as far as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// The tag of the release, or the branch.
    pub name: String,
    /// Whether `name` is a release tag; otherwise it is the branch that work returns to.
    pub tagged: bool,
    /// Files of today that were there under their path or, with the same content, under another.
    pub held: BTreeSet<FileId>,
    /// Those of them whose content was another.
    pub changed: Vec<FileId>,
    /// Paths that are no more, and whose content is nowhere else in the folders asked for. Sorted.
    pub gone: Vec<String>,
    contents: HashMap<String, ObjectId>,
    texts: HashMap<String, Vec<u8>>,
}

/// An earlier state of files in memory, as data.
#[derive(Debug, Clone, Default)]
pub struct ReleasedFiles {
    /// The tag of the release, or the branch.
    pub name: String,
    /// Whether `name` is a release tag.
    pub tagged: bool,
    /// Paths whose content was that of today.
    pub same: Vec<String>,
    /// Paths with another content, or that are no more.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Source {
    /// What was there in `folders` (each empty or ending in `/`, with what lies below) at the last release: in the
    /// newest commit below HEAD that carries a tag which `is_release` knows; if there is no such tag, where HEAD left
    /// the default branch. Only paths that `concerns` accepts are told. `None` if there is neither, or no git.
    ///
    /// An error if this clone does not reach back far enough, or cannot be read: then nothing must be concluded.
    pub fn released(
        &self,
        folders: &BTreeSet<String>,
        is_release: &dyn Fn(&str) -> bool,
        concerns: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Released>, Unread> {
        let Some(git) = &self.git else { return Ok(None) };
        let (repo, base, name, tagged) = match &git.origin {
            Origin::State(state) => {
                return self.given(state.released.as_ref(), state.shallow, folders, concerns);
            }
            Origin::Repo(repo, _) => {
                let Some(head) = git.head()? else { return Ok(None) };
                match last_release(repo, git, head, is_release)? {
                    Some((commit, tag)) => (repo, commit, tag, true),
                    None => match left(repo, git.branches()?, head)? {
                        Some((commit, branch)) => (repo, commit, branch, false),
                        None => return Ok(None),
                    },
                }
            }
        };
        let was = leaves(repo, base, folders).map_err(unanswered)?;
        let mut released = Released { name, tagged, ..Released::default() };
        let contents: HashSet<ObjectId> = was.values().copied().collect();
        let mut blobs: HashSet<ObjectId> = HashSet::new();
        for folder in folders {
            for (id, entry) in self.below(folder).filter(|(_, entry)| concerns(&entry.path)) {
                let Some(&then) = was.get(&entry.path) else {
                    let blob = self.content(id, base.kind());
                    blobs.extend(blob);
                    // It was moved.
                    if blob.is_some_and(|blob| contents.contains(&blob)) {
                        released.held.insert(id);
                    }
                    continue;
                };
                if released.held.insert(id) && !self.has_content(id, then) {
                    released.changed.push(id);
                }
            }
        }
        let missing = was.iter().filter(|(path, _)| concerns(path) && self.id(path).is_none());
        let missing: Vec<(&String, &ObjectId)> = missing.collect();
        // Of folders that are listed in part nobody can tell what was moved within them.
        if !missing.iter().any(|(path, _)| self.is_hidden(git, path)) {
            let gone = missing.into_iter().filter(|(_, blob)| !blobs.contains(*blob));
            released.gone = gone.map(|(path, _)| path.clone()).collect();
        }
        released.gone.sort();
        released.contents = was;
        Ok(Some(released))
    }

    /// The bytes that a path had then, if there are at most `limit`.
    pub fn text_then(&self, released: &Released, path: &str, limit: u64) -> Result<Vec<u8>, Unread> {
        if let Some(bytes) = released.texts.get(path) {
            return Ok(bytes.clone());
        }
        let unread = |why: &str| Unread::new(path, UnreadClass::History, why);
        let blob = released.contents.get(path).ok_or_else(|| unread("it was not there"))?;
        let repo = self.repo.as_ref().ok_or_else(|| unread("there is no git repository"))?;
        repo.blob(*blob, limit).map_err(|_| unread("this clone does not hold its earlier content"))
    }

    /// Whether a path was only not looked at, rather than deleted: left out by the checkout, by settings or by who
    /// asked for some paths.
    fn is_hidden(&self, git: &Git, path: &str) -> bool {
        let deleted = || self.deleted.iter().any(|deleted| deleted == path);
        self.options.excluder().is_ok_and(|excluder| excluder.drops(path))
            || git.blob(path).is_some() && !deleted()
    }

    fn given(
        &self,
        given: Option<&ReleasedFiles>,
        shallow: bool,
        folders: &BTreeSet<String>,
        concerns: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Released>, Unread> {
        if shallow {
            return Err(unanswered(CUT_OFF));
        }
        let Some(given) = given else { return Ok(None) };
        let mut released = Released { name: given.name.clone(), tagged: given.tagged, ..Released::default() };
        released.held.extend(given.same.iter().filter_map(|path| self.id(path)));
        for (path, bytes) in &given.files {
            if !concerns(path) || !folders.iter().any(|folder| path.starts_with(folder.as_str())) {
                continue;
            }
            match self.id(path) {
                Some(id) => {
                    released.held.insert(id);
                    released.changed.push(id);
                }
                None => released.gone.push(path.clone()),
            }
            released.texts.insert(path.clone(), bytes.clone());
        }
        released.gone.sort();
        Ok(Some(released))
    }
}

impl Git {
    /// The commit at which HEAD left the branch that others are merged into, and that branch. `None` on that branch
    /// itself, and of a repository in memory. An error if this clone does not reach back far enough.
    pub fn begun_at(&self) -> Result<Option<(String, String)>, Unread> {
        let Origin::Repo(repo, _) = &self.origin else { return Ok(None) };
        let Some(head) = self.head()? else { return Ok(None) };
        let base = left(repo, self.branches()?, head)?.filter(|(base, _)| *base != head);
        Ok(base.map(|(base, branch)| (base.to_string(), branch)))
    }
}

const CUT_OFF: &str = "this clone is shallow: its history does not reach back to a release";

/// The newest commit from `head` down that carries a release tag, and the tag.
fn last_release(
    repo: &Repo,
    git: &Git,
    head: ObjectId,
    is_release: &dyn Fn(&str) -> bool,
) -> Result<Option<(ObjectId, String)>, Unread> {
    use gix::revision::walk::Sorting;
    use gix::traverse::commit::simple::CommitTimeOrder;
    let mut tags: HashMap<ObjectId, &str> = HashMap::new();
    for tag in git.tags()?.iter().filter(|tag| is_release(&tag.name)) {
        let commit = tag.commit.as_deref().and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok());
        if let Some(commit) = commit {
            tags.insert(commit, &tag.name);
        }
    }
    let shallow = repo.is_shallow();
    if tags.is_empty() {
        return if shallow { Err(unanswered(CUT_OFF)) } else { Ok(None) };
    }
    let found = repo.with(|handle| -> gix::Result<Result<Option<ObjectId>, &str>> {
        let order = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        for (number, info) in handle.rev_walk([head]).sorting(order).all()?.enumerate() {
            let id = info?.id;
            if tags.contains_key(&id) {
                return Ok(Ok(Some(id)));
            }
            if number >= MOST_COMMITS {
                return Ok(Err("no release tag is among the newest 50,000 commits"));
            }
        }
        Ok(Ok(None))
    });
    match found.map_err(|e| unanswered(explain(&e)))? {
        Ok(Some(commit)) => Ok(Some((commit, tags[&commit].to_owned()))),
        Ok(None) if shallow => Err(unanswered(CUT_OFF)),
        Ok(None) => Ok(None),
        Err(reason) => Err(unanswered(reason)),
    }
}

/// Where `head` left the default branch, and that branch; on that branch itself, what its remote has.
fn left(repo: &Repo, branches: &Branches, head: ObjectId) -> Result<Option<(ObjectId, String)>, Unread> {
    let Some(default) = &branches.default else { return Ok(None) };
    let found = repo.with(|handle| -> gix::Result<Option<(ObjectId, String)>> {
        for (name, folder) in
            [(format!("origin/{default}"), "refs/remotes/"), (default.clone(), "refs/heads/")]
        {
            let Some(mut branch) = handle.try_find_reference(format!("{folder}{name}").as_str())? else {
                continue;
            };
            let tip = branch.peel_to_id()?.detach();
            let base =
                if tip == head { Some(tip) } else { handle.merge_base(tip, head)?.map(gix::Id::detach) };
            return Ok(base.map(|base| (base, name)));
        }
        Ok(None)
    });
    // In a clone that is cut off, "no common commit" says nothing.
    match found {
        Ok(None) | Err(_) if repo.is_shallow() => Err(unanswered(CUT_OFF)),
        found => found.map_err(|e| unanswered(explain(&e))),
    }
}

/// What lies in the folders in a commit's tree, by path.
fn leaves(
    repo: &Repo,
    commit: ObjectId,
    folders: &BTreeSet<String>,
) -> Result<HashMap<String, ObjectId>, String> {
    let mut found = HashMap::new();
    let mut last = None;
    for folder in folders {
        // A folder within another is listed with it.
        if last.is_some_and(|last: &String| folder.starts_with(last.as_str())) {
            continue;
        }
        last = Some(folder);
        let name = [&repo.prefix[..], folder.as_bytes()].concat();
        let tree = repo.with(|handle| -> gix::Result<Option<ObjectId>> {
            let root = handle.find_commit(commit)?.tree()?;
            let parts: Vec<&[u8]> = name.split(|b| *b == b'/').filter(|part| !part.is_empty()).collect();
            if parts.is_empty() {
                return Ok(Some(root.id));
            }
            let entry = root.lookup_entry(parts)?;
            Ok(entry.filter(|entry| entry.mode().is_tree()).map(|entry| entry.object_id()))
        });
        let Some(tree) = tree.map_err(|e| explain(&e))? else { continue };
        let listed = tree::list(repo, tree, b"").map_err(|e| e.to_string())?;
        if let Some(missing) = listed.unread.first() {
            return Err(format!("{folder}{}: {}", missing.path, missing.reason));
        }
        found.extend(
            listed.leaves.into_iter().map(|leaf| (format!("{folder}{}", shown(&leaf.name)), leaf.id)),
        );
    }
    Ok(found)
}
