//! What to open, and how.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::elsewhere::{Mapping, Reference};
use super::error::Error;
use super::git::GitState;

/// What is audited.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
pub enum Target {
    /// The files as they lie in a folder: tracked ones, and untracked ones that git does not ignore.
    WorkTree {
        /// The folder that paths are relative to.
        root: PathBuf,
        /// Files and folders to stay within, relative to `root` or absolute; all if empty. A file or folder
        /// named here is listed even if git ignores it.
        paths: Vec<PathBuf>,
    },
    /// What the next commit would hold.
    Index {
        /// The folder that paths are relative to.
        root: PathBuf,
    },
    /// What a commit holds.
    Commit {
        /// The folder that paths are relative to; may be a bare repository.
        root: PathBuf,
        /// Any revision that git understands, except a search in messages.
        rev: String,
    },
    /// The work tree, with what differs from the merge base of HEAD and a revision marked as changed.
    Since {
        /// The folder that paths are relative to.
        root: PathBuf,
        /// The revision that the change set out from, such as `origin/main`.
        rev: String,
    },
    /// Files that are given as values.
    Memory {
        /// The files. Of two with one path the later counts.
        files: Vec<MemoryFile>,
        /// What git would tell.
        git: Option<GitState>,
    },
}

/// A file that is given as a value.
#[derive(Debug, Clone, Default)]
pub struct MemoryFile {
    /// Relative to the imagined root, `/`-separated.
    pub path: String,
    /// The content; unused for a link.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
    /// Where it leads, if it is a symbolic link.
    pub link: Option<String>,
    /// Whether git keeps it.
    pub tracked: bool,
}

/// How a source is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Patterns of paths to leave out, as in `.gitignore`, relative to the root.
    pub exclude: Vec<String>,
    /// Threads for walking; 0 means one per core.
    pub jobs: usize,
    /// Whether the user's own `core.excludesFile` hides untracked files too.
    pub global_ignore: bool,
    /// The repository, if it is not the one at or above the root (git's `GIT_DIR`). Absolute.
    pub git_dir: Option<PathBuf>,
    /// The top of the work tree that goes with `git_dir` (git's `GIT_WORK_TREE`). Absolute.
    pub work_tree: Option<PathBuf>,
    /// The index, if it is not the repository's own (git's `GIT_INDEX_FILE`, as `git commit -a` and
    /// `git commit PATH` set it for hooks). Absolute.
    pub index_file: Option<PathBuf>,
    /// Where other repositories lie that this one refers to.
    pub elsewhere: Vec<Mapping>,
    /// The repository that deploys what this one builds.
    pub deploys_in: Option<Reference>,
    /// The day of the run, and how many days old evidence may be; without it no evidence is too old.
    pub evidence: Option<(jiff::civil::Date, u32)>,
}

impl Options {
    /// Takes over what git tells its hooks: `GIT_DIR`, `GIT_WORK_TREE` and `GIT_INDEX_FILE`, which are
    /// relative to the current folder. The user's own ignore file counts.
    pub fn from_env() -> Options {
        let path = |name| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            std::path::absolute(value).ok()
        };
        Options {
            global_ignore: true,
            git_dir: path("GIT_DIR"),
            work_tree: path("GIT_WORK_TREE"),
            index_file: path("GIT_INDEX_FILE"),
            ..Options::default()
        }
    }

    pub(super) fn excluder(&self) -> Result<Excluder, Error> {
        let mut patterns = GitignoreBuilder::new("");
        let bad = |pattern: &str, e: ignore::Error| Error::Exclude {
            pattern: pattern.to_owned(),
            reason: e.to_string(),
        };
        for pattern in &self.exclude {
            patterns.add_line(None, pattern).map_err(|e| bad(pattern, e))?;
        }
        let patterns = patterns.build().map_err(|e| bad(&self.exclude.join("`, `"), e))?;
        Ok(Excluder(patterns))
    }
}

/// The `exclude` setting, ready to be asked.
pub(super) struct Excluder(Gitignore);

impl Excluder {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn drops(&self, path: &str) -> bool {
        !self.0.is_empty() && self.0.matched_path_or_any_parents(Path::new(path), false).is_ignore()
    }
}
