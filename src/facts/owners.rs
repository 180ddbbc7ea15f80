//! Who must look at a change of which files.

use super::{Repository, fact};
use crate::text::Span;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

fact! {
    /// A line of a CODEOWNERS file: who must look at changes of the files that a pattern takes in.
    pub struct CodeOwner = "code-owner" {
        /// The pattern.
        place: Span,
        /// The pattern, in git's notation.
        pattern: String,
        /// Users, teams and addresses; empty where a line takes ownership back.
        owners: Vec<String>,
    }
}

/// All lines of a CODEOWNERS file, ready to be asked.
pub struct Owners<'r> {
    lines: &'r [CodeOwner],
    matcher: Gitignore,
}

impl Owners<'_> {
    /// The line that names a file's owners: the last one that takes the file in.
    pub fn of(&self, path: &str) -> Option<&CodeOwner> {
        let found = self.matcher.matched(path, false);
        let written = found.inner()?.original();
        self.lines.iter().rev().find(|line| line.pattern == written || below(&line.pattern) == written)
    }
}

impl Repository {
    /// Who owns which files; `None` if nothing here says so.
    pub fn owners(&self) -> Option<Owners<'_>> {
        let lines = &self.facts.code_owners;
        let mut builder = GitignoreBuilder::new("");
        for line in lines.iter().filter(|l| !l.pattern.starts_with('!')) {
            // A pattern that cannot be read takes nothing in, on the server either.
            let _ = builder.add_line(None, &line.pattern);
            // A line for a folder speaks of all that lies in it, and the last line that speaks of a file counts.
            let _ = builder.add_line(None, &below(&line.pattern));
        }
        let matcher = builder.build().unwrap_or_else(|_| Gitignore::empty());
        (!lines.is_empty()).then_some(Owners { lines, matcher })
    }
}

/// What lies in the folder that a pattern names.
fn below(pattern: &str) -> String {
    format!("{}/**", pattern.trim_end_matches('/'))
}
