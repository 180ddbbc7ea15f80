//! What can go wrong with a source: errors that end a run, and files that stay unread.

use std::fmt;
use std::path::PathBuf;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

/// Why a source cannot be opened. Such an error ends the run with exit code 2.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    /// A path that was named does not exist.
    #[error("there is no file or folder `{}`", path.display())]
    #[diagnostic(
        code(plimsoll::source::missing),
        help("check the spelling; paths are relative to the current folder")
    )]
    Missing {
        /// The path as it was named.
        path: PathBuf,
    },
    /// A path that was named lies outside the folder under audit, perhaps through a symbolic link.
    #[error("`{}` lies outside `{}`", path.display(), root.display())]
    #[diagnostic(
        code(plimsoll::source::outside),
        help("run plimsoll in the repository that holds it: one run audits one repository")
    )]
    Outside {
        /// The path as it was named.
        path: PathBuf,
        /// The folder under audit.
        root: PathBuf,
    },
    /// The target needs git, and the folder belongs to no git repository.
    #[error("`{}` is not in a git repository", root.display())]
    #[diagnostic(
        code(plimsoll::source::no_repository),
        help(
            "run it inside of a clone, or leave out --staged, --rev and --since to audit the files as they are"
        )
    )]
    NoRepository {
        /// The folder under audit.
        root: PathBuf,
    },
    /// There is a git repository, but a part of it that the target needs cannot be read.
    #[error("the git repository of `{}` cannot be read: {reason}", root.display())]
    #[diagnostic(code(plimsoll::source::git))]
    Git {
        /// The folder under audit.
        root: PathBuf,
        /// What git's data said.
        reason: String,
        /// What to do about it.
        #[help]
        help: String,
    },
    /// A revision cannot be resolved to a tree.
    #[error("`{rev}` is not a revision of this repository: {reason}")]
    #[diagnostic(code(plimsoll::source::revision))]
    Revision {
        /// The revision as it was named.
        rev: String,
        /// What git's data said.
        reason: String,
        /// What to do about it.
        #[help]
        help: String,
    },
    /// HEAD and the revision have no common ancestor.
    #[error("HEAD and `{rev}` have no common ancestor in this clone")]
    #[diagnostic(code(plimsoll::source::merge_base))]
    NoMergeBase {
        /// The revision as it was named.
        rev: String,
        /// What to do about it.
        #[help]
        help: String,
    },
    /// A pattern of the `exclude` setting cannot be understood.
    #[error("the exclude pattern `{pattern}` cannot be understood: {reason}")]
    #[diagnostic(
        code(plimsoll::source::exclude),
        help("patterns are written as in .gitignore, for example `vendor/` or `*.min.js`")
    )]
    Exclude {
        /// The pattern as it was written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More files than a source can number.
    #[error("`{}` holds more than {limit} files", root.display())]
    #[diagnostic(
        code(plimsoll::source::too_many),
        help("audit a part of it: name the folders that matter, or exclude generated ones")
    )]
    TooMany {
        /// The folder under audit.
        root: PathBuf,
        /// The greatest number of files.
        limit: usize,
    },
}

/// What to do in CI when the clone is too shallow.
pub(super) const DEEPEN: &str = "this clone is shallow: fetch the whole history, with `fetch-depth: 0` at \
     actions/checkout, `GIT_DEPTH: 0` in GitLab CI, or `git fetch --unshallow`";

/// Which part of an audit is missing when something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreadClass {
    /// The bytes could not be had: permissions, a file that vanished or changed, a missing blob.
    Unreadable,
    /// The bytes were had, but are not what the file's kind demands.
    Unparsed,
    /// A part was understood; the rest, such as a template's text, was passed over.
    Partly,
    /// Over a size limit.
    TooLarge,
    /// Not content of the audited tree: a link that leaves it, a submodule, a device.
    Outside,
    /// Something that only git's history tells, in a clone that does not hold it.
    History,
    /// An archive, or compressed otherwise: what lies in it was not looked at.
    Archive,
}

impl UnreadClass {
    /// Every class, in the order in which reports count them.
    pub const ALL: [UnreadClass; 7] = [
        UnreadClass::Unreadable,
        UnreadClass::Unparsed,
        UnreadClass::Partly,
        UnreadClass::TooLarge,
        UnreadClass::Outside,
        UnreadClass::History,
        UnreadClass::Archive,
    ];

    /// The name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            UnreadClass::Unreadable => "unreadable",
            UnreadClass::Unparsed => "unparsed",
            UnreadClass::Partly => "partly",
            UnreadClass::TooLarge => "too-large",
            UnreadClass::Outside => "outside",
            UnreadClass::History => "history",
            UnreadClass::Archive => "archive",
        }
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<UnreadClass> {
        UnreadClass::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for UnreadClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that the audit did not read, and why. Never ends a run; listed in every report.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Error, Serialize)]
#[error("{path}: {class}: {reason}")]
pub struct Unread {
    /// The file or folder, `/`-separated and relative to the root; `.git` for what git should have told.
    pub path: String,
    /// Which part of the audit is missing.
    pub class: UnreadClass,
    /// One sentence without a full stop; quotes nothing of the file's content.
    pub reason: String,
}

impl Unread {
    /// States that `path` was not read.
    pub fn new(path: impl Into<String>, class: UnreadClass, reason: impl Into<String>) -> Unread {
        Unread { path: path.into(), class, reason: reason.into() }
    }

    /// An operating system's error as a reason.
    pub(super) fn io(path: &str, error: &std::io::Error) -> Unread {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "vanished while it was being read".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Unread::new(path, UnreadClass::Unreadable, reason)
    }
}
