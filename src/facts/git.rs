//! What git tells of the repository as a whole.

use crate::source::{Branches, Difference, Git, Moment, Reach, Tag, Unread};
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

/// Git, to be asked by those rules alone that need to know.
#[derive(Clone, Default)]
pub struct Answers(Option<Arc<Git>>);

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Answers" } else { "no Answers" })
    }
}

/// Larger files of earlier commits are not looked into.
const LARGEST: u64 = 4 << 20;

impl Answers {
    /// Those of a repository.
    pub fn of(git: Option<Arc<Git>>) -> Answers {
        Answers(git)
    }

    /// Where HEAD left the branch that others are merged into, and that branch; `None` on that branch itself, or if
    /// this clone cannot tell.
    pub fn begun_at(&self) -> Option<(String, String)> {
        self.0.as_ref()?.begun_at().ok()?
    }

    /// The text that a path had in a commit. `Some(None)` if it was not there; `None` if this clone cannot tell.
    pub fn text_at(&self, commit: &str, path: &str) -> Option<Option<String>> {
        let bytes = self.0.as_ref()?.content_at(commit, path, LARGEST).ok()?;
        Some(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The newest commit of HEAD's own line that is not younger than so many seconds after `moment`.
    pub fn commit_at(&self, moment: Moment, seconds: i64) -> Option<String> {
        let moment = Moment { seconds: moment.seconds.saturating_add(seconds), ..moment };
        self.0.as_ref()?.commit_at(moment).ok()?
    }

    /// Id and message of each commit that `to` reaches and `from` does not, newest first. `None` if this clone cannot
    /// tell.
    pub fn messages(&self, from: &str, to: &str) -> Option<Vec<(String, String)>> {
        self.0.as_ref()?.messages(from, to).ok()
    }

    /// Whether a commit lies below HEAD or on the branch that others are merged into. `None` if this clone cannot tell.
    pub fn is_on_main_line(&self, commit: &str) -> Option<bool> {
        Some(self.0.as_ref()?.reach(commit).ok()? == Reach::Default)
    }

    /// Whether any branch of this clone reaches a commit. `None` if it cannot tell.
    pub fn is_on_a_branch(&self, commit: &str) -> Option<bool> {
        Some(self.0.as_ref()?.reach(commit).ok()? != Reach::None)
    }
}
