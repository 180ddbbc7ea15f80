//! What history holds beside the files of today.

use super::{Credential, File};
use crate::source::{Carrier, Introduction};

/// A credential's value that some commit holds, with the places at which it appeared.
#[derive(Debug, Clone)]
pub struct Leak {
    /// One for each path, as it first stood there; the first is the one that brought the value in. Places are
    /// in files of history. Of very many paths some are left out.
    pub appearances: Vec<Leaked>,
    /// Whether HEAD's tree still holds the value.
    pub in_head: bool,
}

/// A credential as a commit brought it to a path.
#[derive(Debug, Clone)]
pub struct Leaked {
    /// What it is, and where in the file of history.
    pub credential: Credential,
    /// The commit.
    pub introduction: Introduction,
    /// Whether it stood in a file, or in a message.
    pub carrier: Carrier,
}

/// What was read of history.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Files that hold a leak, in the order of their ids, which follow those of the repository's own files.
    pub files: Vec<File>,
    /// How many commits were walked.
    pub commits: usize,
    /// How many contents were read, each once.
    pub contents: usize,
    /// Their bytes.
    pub bytes: u64,
}
