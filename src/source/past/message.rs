//! What people wrote beside their changes: the messages of commits and of annotated tags.

use gix::ObjectId;
use gix::objs::Kind;

/// Where messages of commits are said to stand. No tree can hold such a path, for git refuses `.git` in trees.
pub(super) const OF_COMMITS: &str = ".git/commit-message";
/// Where messages of tags are said to stand; the tag's name follows.
const OF_TAGS: &str = ".git/tag-message/";

/// What a content of history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// A version of a file.
    File,
    /// The message of a commit.
    CommitMessage,
    /// The message of a tag.
    TagMessage,
}

impl Carrier {
    /// What the path of an appearance says.
    pub(super) fn of(path: &[u8]) -> Carrier {
        if path == OF_COMMITS.as_bytes() {
            Carrier::CommitMessage
        } else if path.starts_with(OF_TAGS.as_bytes()) {
            Carrier::TagMessage
        } else {
            Carrier::File
        }
    }

    /// The kind of the object that holds it.
    pub(in crate::source) fn kind(self) -> Kind {
        match self {
            Carrier::File => Kind::Blob,
            Carrier::CommitMessage => Kind::Commit,
            Carrier::TagMessage => Kind::Tag,
        }
    }

    /// Of an object's bytes those that people wrote.
    pub(in crate::source) fn cut(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self != Carrier::File {
            // A blank line ends the header; within a signature there, blank lines begin with a space.
            let end = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 2);
            bytes.drain(..end);
        }
        bytes
    }
}

/// Where the message of the tag that a ref names is said to stand.
pub(super) fn path_of_tag(reference: &str) -> String {
    format!("{OF_TAGS}{}", reference.strip_prefix("refs/tags/").unwrap_or(reference))
}

/// A tag with a message of its own.
pub(super) struct Tag {
    /// The tag.
    pub(super) id: ObjectId,
    /// What it marks in the end.
    pub(super) end: ObjectId,
    /// The ref that leads to it.
    pub(super) name: String,
}
