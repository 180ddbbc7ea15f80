//! Patterns that rules search for in text.

use regex::bytes::RegexBuilder;

/// The patterns of one rule's `[text]` matcher.
#[derive(Debug, Clone, Default)]
pub struct TextPattern {
    /// The rule.
    pub rule: String,
    /// Regular expressions (ASCII classes); a group named `here` marks the place.
    pub patterns: Vec<String>,
    /// Globs of paths that are searched; all if empty.
    pub paths: Vec<String>,
    /// Globs of paths that are not.
    pub not_paths: Vec<String>,
    /// A hit whose line, or the line before, matches one of these is none.
    pub unless: Vec<String>,
}

/// Compiles a pattern as the reading pass does: over bytes, ASCII classes (the Unicode ones cost a
/// hundred times the memory), `^` and `$` at lines.
pub fn compile(pattern: &str) -> Result<regex::bytes::Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .multi_line(true)
        .size_limit(2 << 20)
        .build()
        .map_err(|e| e.to_string())
}

impl TextPattern {
    /// Every regular expression compiles: the reason if not.
    pub fn validate(&self) -> Result<(), String> {
        for pattern in self.patterns.iter().chain(&self.unless) {
            compile(pattern)?;
        }
        for glob in self.paths.iter().chain(&self.not_paths) {
            ignore::overrides::OverrideBuilder::new("").add(glob).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}
