//! What git tells of the repository as a whole.

use super::Answers;
use crate::source::{Branches, Difference, Git, Tag, Unread};
use std::sync::Arc;

/// Branches, tags and remote, looked up once.
#[derive(Debug, Clone, Default)]
pub struct GitFacts {
    /// Where HEAD stands.
    pub branches: Branches,
    /// All tags, in the order of their names.
    pub tags: Vec<Tag>,
    /// The first remote's address, credentials stripped.
    pub remote: Option<String>,
    /// Whether history is cut off.
    pub shallow: bool,
    /// The newest commit that changed each file which records feature flags.
    pub flag_changes: Vec<FlagChange>,
    /// What git could not tell, and why.
    pub unread: Vec<Unread>,
    /// What else git can tell.
    pub answers: Answers,
}

/// A commit that changed what is recorded of feature flags.
#[derive(Debug, Clone)]
pub struct FlagChange {
    /// The file.
    pub path: String,
    /// The commit, shortened.
    pub commit: String,
    /// Its whole message.
    pub message: String,
    /// Every path that it touches.
    pub files: Vec<String>,
}

/// So far back a change of flags is looked for.
const MOST_COMMITS: usize = 200;

impl GitFacts {
    /// Asks git.
    pub fn new(git: &Arc<Git>) -> GitFacts {
        let mut unread = Vec::new();
        let branches = git.branches().cloned().unwrap_or_else(|why| {
            unread.push(why);
            Branches::default()
        });
        let tags = git.tags().map(<[Tag]>::to_vec).unwrap_or_else(|why| {
            unread.push(why);
            Vec::new()
        });
        let flag_changes = Vec::new();
        let answers = Answers::of(Some(git.clone()));
        let (remote, shallow) = (git.remote(), git.is_shallow());
        GitFacts { branches, tags, remote, shallow, flag_changes, unread, answers }
    }

    /// Asks git for the newest change of each of these files, the line of first parents down: what a merge brings in is
    /// one change.
    pub fn look_for_changes(&mut self, git: &Git, mut files: Vec<String>) {
        if files.is_empty() {
            return;
        }
        let log = match git.log(MOST_COMMITS) {
            Ok(log) => log,
            Err(why) => return self.unread.push(why),
        };
        for commit in log.commits {
            let modified =
                |path: &String| commit.files.iter().any(|(f, how)| f == path && *how == Difference::Modified);
            let touched: Vec<String> = files.iter().filter(|f| modified(f)).cloned().collect();
            files.retain(|f| !touched.contains(f));
            self.flag_changes.extend(touched.into_iter().map(|path| FlagChange {
                path,
                commit: commit.id.chars().take(10).collect(),
                message: commit.message.clone(),
                files: commit.files.iter().map(|(f, _)| f.clone()).collect(),
            }));
            if files.is_empty() {
                break;
            }
        }
    }
}
