//! The outcome of a run, and the formats in which it is written. A format is a pure function from
//! report to bytes.

use crate::dispositions::Settled;
use crate::finding::{FindingKind, Severity};
use crate::rule::Active;
use crate::source::Unread;

/// Everything that a run has to say.
#[derive(Debug, Clone)]
pub struct Report {
    /// All findings, disposed of or not, in the order of (path, start, rule, subject).
    pub findings: Vec<Settled>,
    /// The rules that ran, sorted by id, with what they looked at.
    pub rules: Vec<RuleResult>,
    /// Files that were not read, wholly or partly.
    pub unread: Vec<Unread>,
    /// How many files, by what became of them.
    pub files: FileCounts,
    /// What the repository was taken for: "an application with 3 GitHub workflows that deploy to …".
    pub taken_for: String,
    /// Statements about the run itself: stale baseline lines, unused allows, topics left open.
    pub notes: Vec<String>,
    /// Manuals that were chosen.
    pub manuals: Vec<String>,
    /// Whether findings in unchanged places are left out (staged or `--since`).
    pub partial: bool,
}

/// A rule and what it looked at.
#[derive(Debug, Clone)]
pub struct RuleResult {
    /// The rule, with its severity under the policy.
    pub active: Active,
    /// Number of places that were looked at.
    pub examined: usize,
    /// Number of places that satisfy it.
    pub satisfied: usize,
    /// Why it has nothing to say here.
    pub not_applicable: Option<String>,
    /// It did not come to an end.
    pub crashed: bool,
}

/// How many files, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the file classes")]
pub struct FileCounts {
    pub read: usize,
    pub scanned: usize,
    pub binary: usize,
    pub unread: usize,
    pub unopened: usize,
}

impl Report {
    /// Findings that count: failures that nothing disposes of.
    pub fn failures(&self) -> impl Iterator<Item = &Settled> {
        self.findings
            .iter()
            .filter(|s| s.disposition.is_none() && s.quoted.finding.kind == FindingKind::Fail)
    }

    /// Number of failures of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.failures().filter(|s| s.quoted.finding.severity == severity).count()
    }
}
