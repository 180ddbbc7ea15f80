//! The `text` matcher: patterns over a file's text. They are searched while files are read; here is
//! only what was written and what it says about a hit.

use crate::facts::Repository;
use crate::finding::Verdict;
use crate::lexicon::patterns::TextPattern;
use crate::text::FileId;
use serde::Deserialize;

/// The most further places that one finding lists.
const MOST_PLACES: usize = 10;

/// `[text]` of a rule file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TextMatcher {
    /// Regular expressions; a group named `here` marks the place if it is not the whole match.
    pub patterns: Vec<String>,
    /// Globs of paths that are searched; all if empty.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Globs of paths that are not.
    #[serde(default)]
    pub not_paths: Vec<String>,
    /// Regular expressions; a hit whose line, or the line before it, matches one of them is none.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether the hits of one file are one finding, the first with the others as related places.
    #[serde(default)]
    pub once_per_file: bool,
    /// The finding's sentence.
    pub message: String,
}

impl TextMatcher {
    /// What the reading pass searches for.
    pub fn patterns(&self, rule: &str) -> TextPattern {
        TextPattern {
            rule: rule.to_owned(),
            patterns: self.patterns.clone(),
            paths: self.paths.clone(),
            not_paths: self.not_paths.clone(),
            unless: self.unless.clone(),
        }
    }

    /// Every regular expression compiles, every glob is well-formed: the reason if not.
    pub fn validate(&self) -> Result<(), String> {
        self.patterns("").validate()
    }

    /// Turns hits into findings.
    pub fn judge(&self, rule: &str, repository: &Repository, verdict: &mut Verdict) {
        let mut first: Option<(FileId, usize, usize)> = None;
        for hit in repository.facts.text_hits.iter().filter(|h| h.rule == rule) {
            if let Some((_, at, more)) =
                first.as_mut().filter(|f| self.once_per_file && f.0 == hit.place.file)
            {
                *more += 1;
                if *more <= MOST_PLACES {
                    verdict.findings[*at].relate(hit.place, "here too");
                }
                continue;
            }
            first = Some((hit.place.file, verdict.findings.len(), 0));
            verdict.fail(hit.place, repository.path(hit.place), &self.message);
        }
    }
}
