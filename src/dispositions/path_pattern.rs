//! Patterns of paths as teams write them.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// A pattern as in `.gitignore`: without a slash it matches at any depth, a folder matches all below it.
#[derive(Debug, Clone)]
pub struct PathPattern(Gitignore);

impl PathPattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn new(pattern: &str) -> Result<PathPattern, String> {
        if pattern.trim().is_empty() || pattern.starts_with(['#', '!']) {
            return Err("it matches nothing".into());
        }
        let mut builder = GitignoreBuilder::new("");
        builder.add_line(None, pattern).map_err(|e| e.to_string())?;
        builder.build().map(PathPattern).map_err(|e| e.to_string())
    }

    /// Whether the file at `path`, relative to the folder of the pattern, is meant.
    pub fn matches(&self, path: &str) -> bool {
        // The matcher panics on a path that has a root.
        let path = Path::new(path);
        path.is_relative() && self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        for (pattern, path, expected) in [
            ("vendor/", "a/vendor/x.yml", true),
            ("/vendor", "a/vendor/x.yml", false),
            ("*.md", "docs/a.md", true),
            ("docs/**/*.md", "docs/a/b.md", true),
            ("docs/*.md", "docs/a/b.md", false),
            ("legacy/deploy.sh", "legacy/deploy.sh", true),
            ("legacy/deploy.sh", "x/legacy/deploy.sh", false),
        ] {
            let pattern_read = PathPattern::new(pattern).expect("a pattern");
            assert_eq!(pattern_read.matches(path), expected, "{pattern} on {path}");
        }
        assert!(!PathPattern::new("*").expect("a pattern").matches("/etc/passwd"));
        assert!(PathPattern::new("[z-a]").is_err());
        assert!(PathPattern::new("# a").is_err());
    }
}
