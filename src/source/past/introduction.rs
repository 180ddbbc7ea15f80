//! Who brought contents in, and files of history that are given as values.

use super::super::moment::Moment;

/// A file that an earlier commit held, given as a value.
#[derive(Debug, Clone, Default)]
pub struct PastFile {
    /// Relative to the imagined root, `/`-separated.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// The commit that brought it, as hexadecimal digits.
    pub commit: String,
    /// Its author's date.
    pub date: Option<Moment>,
}

/// Who brought a content in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Introduction {
    /// The commit, as hexadecimal digits.
    pub commit: String,
    /// When its author wrote it.
    pub date: Option<Moment>,
}

impl Introduction {
    /// The commit's first digits, enough for people and for git.
    pub fn short(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }

    /// The author's day, `YYYY-MM-DD`.
    pub fn day(&self) -> Option<String> {
        Some(self.date?.civil()?.date().to_string())
    }
}
