//! Git's history: who changed which path when.

use std::collections::HashSet;

use gix::ObjectId;
use gix::bstr::ByteSlice;

use super::entry::shown;
use super::error::Unread;
use super::git::{Git, Origin, unanswered};
use super::moment::Moment;
use super::repo::{Repo, explain};
use super::tree::{Difference, compare};

/// A commit and the paths at which it differs from its first parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// As hexadecimal digits; may be empty where it is given as data.
    pub id: String,
    /// When it was committed.
    pub date: Option<Moment>,
    /// The whole message.
    pub message: String,
    /// The number of its parents; more than one in a merge.
    pub parents: usize,
    /// Every path that it touches, relative to the root, sorted.
    pub files: Vec<(String, Difference)>,
}

/// A line of history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// From the newest to the oldest.
    pub commits: Vec<Commit>,
    /// Whether the last one is the very first of the project: neither the limit nor a shallow clone cut
    /// the line short.
    pub complete: bool,
}

impl Git {
    /// The line of first parents from HEAD on, at most `limit` commits. In a shallow clone it ends before the
    /// first commit whose parent is missing, since nobody can tell what that one changed.
    pub fn log(&self, limit: usize) -> Result<Log, Unread> {
        match &self.origin {
            Origin::State(state) => Ok(Log {
                commits: state.commits.iter().take(limit).cloned().collect(),
                complete: state.commits.len() <= limit && !state.shallow,
            }),
            Origin::Repo(repo, _) => {
                let Some(head) = self.head()? else { return Ok(Log { commits: Vec::new(), complete: true }) };
                repo.with(|handle| log(handle, repo, head, limit)).map_err(unanswered)
            }
        }
    }

    /// When the content at a path last changed in HEAD's history: the date of the newest commit in which it
    /// differs from every parent. `None` if the path is in no commit; an error if this clone does not reach
    /// back that far.
    pub fn last_change(&self, path: &str) -> Result<Option<Moment>, Unread> {
        match &self.origin {
            Origin::State(state) => {
                let touches = |commit: &&Commit| commit.files.iter().any(|(file, _)| file == path);
                let found = state.commits.iter().find(touches);
                if found.is_none() && state.shallow {
                    return Err(unanswered(CUT_OFF));
                }
                Ok(found.and_then(|commit| commit.date))
            }
            Origin::Repo(repo, _) => {
                let Some(head) = self.head()? else { return Ok(None) };
                let name = [&repo.prefix[..], path.as_bytes()].concat();
                repo.with(|handle| last_change(handle, head, &name)).map_err(unanswered)
            }
        }
    }

    /// The content that HEAD has at a path.
    pub(super) fn blob(&self, path: &str) -> Option<ObjectId> {
        let Origin::Repo(repo, _) = &self.origin else { return None };
        let head = self.head().ok()??;
        let name = [&repo.prefix[..], path.as_bytes()].concat();
        let parts: Vec<&[u8]> = name.split(|b| *b == b'/').collect();
        repo.with(|handle| {
            let tree = handle.find_commit(head).ok()?.tree().ok()?;
            Some(tree.lookup_entry(parts).ok()??.object_id())
        })
    }

    pub(super) fn head(&self) -> Result<Option<ObjectId>, Unread> {
        let head = self.branches()?.head.as_deref();
        Ok(head.and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok()))
    }
}

const CUT_OFF: &str = "this clone is shallow: its history does not reach back far enough";

fn boundary(repo: &gix::Repository) -> Result<HashSet<ObjectId>, String> {
    let shallow = repo.shallow_commits().map_err(|e| explain(&e))?;
    Ok(shallow.map(|commits| commits.iter().copied().collect()).unwrap_or_default())
}

fn log(handle: &gix::Repository, repo: &Repo, head: ObjectId, limit: usize) -> Result<Log, String> {
    let boundary = boundary(handle)?;
    let mut log = Log::default();
    let mut next = Some(head);
    while let Some(id) = next {
        if log.commits.len() >= limit || boundary.contains(&id) {
            return Ok(log);
        }
        let commit = handle.find_commit(id).map_err(|e| explain(&e))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let tree = |id: ObjectId| Ok(handle.find_commit(id)?.tree_id()?.detach());
        let tree = |id| tree(id).map_err(|e: gix::Error| explain(&e));
        let old = parents.first().map(|&parent| tree(parent)).transpose()?;
        let changes = compare(handle, old, Some(tree(id)?))?;
        let inner = |(name, difference): (Vec<u8>, Difference)| {
            name.strip_prefix(&repo.prefix[..]).map(|name| (shown(name), difference))
        };
        log.commits.push(Commit {
            id: id.to_string(),
            date: commit.time().ok().map(Moment::from),
            message: commit.message_raw_sloppy().to_str_lossy().into_owned(),
            parents: parents.len(),
            files: changes.into_iter().filter_map(inner).collect(),
        });
        next = parents.first().copied();
    }
    log.complete = true;
    Ok(log)
}

fn last_change(repo: &gix::Repository, head: ObjectId, name: &[u8]) -> Result<Option<Moment>, String> {
    use gix::revision::walk::Sorting;
    use gix::traverse::commit::simple::CommitTimeOrder;
    let boundary = boundary(repo)?;
    let content = |id: ObjectId| -> gix::Result<Option<(u16, ObjectId)>> {
        let tree = repo.find_commit(id)?.tree()?;
        let found = tree.lookup_entry(name.split(|&b| b == b'/'))?;
        Ok(found.map(|entry| (entry.mode().value(), entry.object_id())))
    };
    let walk = || -> gix::Result<Result<Option<Moment>, String>> {
        let order = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        for info in repo.rev_walk([head]).sorting(order).all()? {
            let info = info?;
            let here = content(info.id)?;
            // The parents of such a commit are not there to be compared with.
            if boundary.contains(&info.id) {
                return Ok(Err(CUT_OFF.to_owned()));
            }
            let mut differs = true;
            for parent in info.parent_ids() {
                differs &= content(parent.detach())? != here;
            }
            if differs && (here.is_some() || info.parent_ids().next().is_some()) {
                return Ok(Ok(info.object()?.time().ok().map(Moment::from)));
            }
        }
        Ok(Ok(None))
    };
    walk().map_err(|e| explain(&e))?
}
