//! What was there at a commit, and which commits lie between others.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;

use super::error::Unread;
use super::git::{Git, Origin, unanswered};
use super::moment::Moment;
use super::repo::explain;

/// So many commits are looked through for an answer: years of a busy project, and under a second.
const MOST_COMMITS: usize = 50_000;

/// Whether a commit lies on a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On the branch that others are merged into, or below HEAD.
    Default,
    /// On another branch that this clone knows.
    Branch,
    /// On none that this clone knows.
    None,
}

/// A commit of files in memory, as data.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The commit, as hexadecimal digits.
    pub commit: String,
    /// Whether no branch reaches it.
    pub unmerged: bool,
    /// Files that it held, and their content.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Git {
    /// The bytes that a path had in a commit, if there are at most `limit`. `None` if it was not there.
    pub fn content_at(&self, commit: &str, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Unread> {
        let repo = match &self.origin {
            Origin::State(state) => {
                let found = state.snapshots.iter().find(|s| s.commit == commit);
                let found = found.ok_or_else(|| unanswered("the commit is not there"))?;
                let file = found.files.iter().find(|(name, _)| name == path);
                return Ok(file.map(|(_, bytes)| bytes.clone()));
            }
            Origin::Repo(repo, _) => repo,
        };
        let id = parse(commit)?;
        let name = [&repo.prefix[..], path.as_bytes()].concat();
        let entry = repo.with(|handle| -> gix::Result<Option<ObjectId>> {
            let tree = handle.find_commit(id)?.tree()?;
            let entry = tree.lookup_entry(name.split(|b| *b == b'/'))?;
            Ok(entry.filter(|e| e.mode().is_blob()).map(|e| e.object_id()))
        });
        let Some(blob) = entry.map_err(|e| unanswered(explain(&e)))? else { return Ok(None) };
        let bytes = repo.blob(blob, limit);
        bytes.map(Some).map_err(|_| unanswered("this clone does not hold an earlier content"))
    }

    /// The newest commit of the line of first parents from HEAD that is not younger than `moment`. `None` if all are
    /// younger.
    pub fn commit_at(&self, moment: Moment) -> Result<Option<String>, Unread> {
        let repo = match &self.origin {
            Origin::State(state) => {
                let dated =
                    state.commits.iter().find(|c| c.date.is_some_and(|d| d.seconds <= moment.seconds));
                return Ok(dated.map(|commit| commit.id.clone()));
            }
            Origin::Repo(repo, _) => repo,
        };
        let Some(head) = self.tip()? else { return Ok(None) };
        let found = repo.with(|handle| -> gix::Result<Result<Option<ObjectId>, &str>> {
            let order = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
            let walk = handle.rev_walk([head]).first_parent_only().sorting(order).all()?;
            for (number, info) in walk.enumerate() {
                let commit = info?.object()?;
                if commit.time()?.seconds <= moment.seconds {
                    return Ok(Ok(Some(commit.id)));
                }
                if number >= MOST_COMMITS {
                    return Ok(Err(TOO_FAR));
                }
            }
            Ok(if self.is_shallow() { Err(CUT_OFF) } else { Ok(None) })
        });
        let found = found.map_err(|e| unanswered(explain(&e)))?.map_err(unanswered)?;
        Ok(found.map(|id| id.to_string()))
    }

    /// Messages of the commits that `to` reaches and `from` does not, newest first.
    pub fn messages(&self, from: &str, to: &str) -> Result<Vec<(String, String)>, Unread> {
        let repo = match &self.origin {
            Origin::State(state) => {
                let at = |hex: &str| state.commits.iter().position(|c| c.id == hex);
                let end = at(from).ok_or_else(|| unanswered("the commit is not there"))?;
                let range = at(to).unwrap_or(0)..end;
                let told = |c: &super::Commit| (c.id.clone(), c.message.clone());
                return Ok(state.commits.get(range).into_iter().flatten().map(told).collect());
            }
            Origin::Repo(repo, _) => repo,
        };
        let (from, to) = (parse(from)?, parse(to)?);
        let found = repo.with(|handle| -> gix::Result<Result<Vec<(String, String)>, &str>> {
            if self.is_shallow() {
                return Ok(Err(CUT_OFF));
            }
            let mut all = Vec::new();
            for info in handle.rev_walk([to]).with_hidden([from]).all()? {
                let commit = info?.object()?;
                if all.len() >= MOST_MESSAGES {
                    return Ok(Err(TOO_FAR));
                }
                let message = commit.message_raw_sloppy().to_str_lossy().into_owned();
                all.push((commit.id.to_string(), message));
            }
            Ok(Ok(all))
        });
        found.map_err(|e| unanswered(explain(&e)))?.map_err(unanswered)
    }

    /// Whether a branch reaches a commit. In a clone that is cut off, an error: then nothing must be concluded.
    pub fn reach(&self, commit: &str) -> Result<Reach, Unread> {
        let repo = match &self.origin {
            Origin::State(state) => {
                let unmerged = state.snapshots.iter().any(|s| s.commit == commit && s.unmerged);
                return Ok(if unmerged { Reach::None } else { Reach::Default });
            }
            Origin::Repo(repo, _) => repo,
        };
        let id = parse(commit)?;
        let head = self.tip()?;
        let default = self.branches()?.default.clone();
        let found = repo.with(|handle| -> gix::Result<Result<Reach, &str>> {
            if self.is_shallow() {
                return Ok(Err(CUT_OFF));
            }
            let (mut first, mut others): (Vec<ObjectId>, Vec<ObjectId>) =
                (head.into_iter().collect(), Vec::new());
            let platform = handle.references()?;
            for reference in platform.local_branches()?.chain(platform.remote_branches()?) {
                let mut reference = reference?;
                let name = reference.name().shorten().to_string();
                let Ok(tip) = reference.peel_to_id() else { continue };
                let is_default =
                    default.as_ref().is_some_and(|d| name == *d || name == format!("origin/{d}"));
                if is_default { first.push(tip.detach()) } else { others.push(tip.detach()) }
            }
            let seconds = handle.find_commit(id)?.time()?.seconds;
            // What was committed before it cannot hold it.
            let order = CommitTimeOrder::NewestFirst;
            let reaches = |tips: Vec<ObjectId>| -> gix::Result<Option<bool>> {
                let walk = handle.rev_walk(tips).sorting(Sorting::ByCommitTimeCutoff { order, seconds });
                for (number, info) in walk.all()?.enumerate() {
                    if info?.id == id {
                        return Ok(Some(true));
                    }
                    if number >= MOST_COMMITS {
                        return Ok(None);
                    }
                }
                Ok(Some(false))
            };
            Ok(match reaches(first)? {
                Some(true) => Ok(Reach::Default),
                Some(false) => match reaches(others)? {
                    Some(true) => Ok(Reach::Branch),
                    Some(false) => Ok(Reach::None),
                    None => Err(TOO_FAR),
                },
                None => Err(TOO_FAR),
            })
        });
        found.map_err(|e| unanswered(explain(&e)))?.map_err(unanswered)
    }

    fn tip(&self) -> Result<Option<ObjectId>, Unread> {
        let head = self.branches()?.head.as_deref();
        Ok(head.and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok()))
    }
}

/// More between two releases is another product, not a step of the same.
const MOST_MESSAGES: usize = 5_000;

const CUT_OFF: &str = "this clone is shallow: its history does not reach back far enough";
const TOO_FAR: &str = "history is too long to be looked through";

fn parse(commit: &str) -> Result<ObjectId, Unread> {
    ObjectId::from_hex(commit.as_bytes()).map_err(|_| unanswered("a commit has no id"))
}
