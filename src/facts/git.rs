//! What git tells of the repository as a whole.

use crate::source::{Branches, Git, Tag, Unread};

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
    /// What git could not tell, and why.
    pub unread: Vec<Unread>,
}

impl GitFacts {
    /// Asks git.
    pub fn new(git: &Git) -> GitFacts {
        let mut unread = Vec::new();
        let branches = git.branches().cloned().unwrap_or_else(|why| {
            unread.push(why);
            Branches::default()
        });
        let tags = git.tags().map(<[Tag]>::to_vec).unwrap_or_else(|why| {
            unread.push(why);
            Vec::new()
        });
        GitFacts { branches, tags, remote: git.remote(), shallow: git.is_shallow(), unread }
    }
}
