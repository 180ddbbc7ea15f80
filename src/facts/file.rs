//! Files, and what became of each.

use super::*;
use crate::text::Span;

words! {
    /// What became of a file.
    pub enum FileClass {
        /// A reader claimed it and turned it into facts.
        Read = "read",
        /// No reader claims it; its text was scanned.
        Scanned = "scanned",
        /// Binary content.
        Binary = "binary",
        /// Listed as unread, with a reason.
        Unread = "unread",
        /// Not opened, because this run did not need it (staged checks).
        Unopened = "unopened",
    }
}

fact! {
    /// A file of the repository.
    pub struct File = "file" {
        /// Its start.
        place: Span,
        /// Path from the root, with `/`.
        path: String,
        /// Whether git tracks it; absent if there is no git.
        tracked: Option<bool>,
        /// Whether it may be executed.
        executable: bool,
        /// Whether it is a symbolic link, whose content is a path.
        link: bool,
        /// What became of it.
        class: FileClass,
        /// The reader that claimed it.
        reader: Option<String>,
        /// The environment that its path speaks of.
        target: Option<Target>,
        /// Whether it lies among tests, fixtures or examples, so that nobody deploys it.
        sample: bool,
        /// Whether it lies in somebody else's code that was copied in.
        vendored: bool;
        /// Size in bytes of its content, if known.
        size: Option<u64>,
        /// Where in the path its last part begins, in bytes.
        name_at: u32,
    }
}

impl File {
    /// A file of which nothing but its path is known. The place is its start.
    pub fn new(place: Span, path: String) -> File {
        File {
            place,
            tracked: None,
            executable: false,
            link: false,
            class: FileClass::Unopened,
            reader: None,
            target: None,
            sample: is_sample(&path),
            vendored: is_vendored(&path),
            size: None,
            name_at: path.rfind('/').map_or(0, |slash| slash as u32 + 1),
            path,
        }
    }

    /// The path's last part.
    pub fn name(&self) -> &str {
        &self.path[self.name_at as usize..]
    }

    /// Whether somebody might deploy what it holds: it is neither a sample nor copied in from elsewhere.
    pub fn is_own(&self) -> bool {
        !self.sample && !self.vendored
    }

    /// The path without its last part, and without a slash at its end; empty for the root.
    pub fn folder(&self) -> &str {
        self.path[..self.name_at as usize].trim_end_matches('/')
    }
}
