//! The outcome of a run, and the formats in which it is written. A format is a pure function from
//! report to bytes.

mod comment;
mod concise;
mod full;
mod json;
mod legible;
mod output;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sample;
mod sarif;
mod snippet;
mod statistics;
mod summary;

pub use output::{print, write_whole};
pub use statistics::write as write_statistics;
pub use summary::write as write_summary;

use crate::dispositions::Settled;
use crate::finding::{FindingKind, Severity};
use crate::rule::Active;
use crate::source::Unread;
use std::time::Duration;

/// A way to write a report.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// Whether it holds the hashes of lines.
    pub line_hashes: bool,
    /// Writes it; the same report and style give the same bytes.
    pub write: fn(&Report, &Style) -> Vec<u8>,
}

/// Every format, the default one first.
pub const FORMATS: &[Format] = &[
    format("full", "findings with their places, reasons and ways out", full::write),
    format("concise", "one line per finding: path:line:column", concise::write),
    format("json", "everything that the run found, for programs", json::write),
    Format {
        line_hashes: true,
        ..format("sarif", "SARIF 2.1.0 for code scanning: active findings only", sarif::write)
    },
];

const fn format(name: &'static str, doc: &'static str, write: fn(&Report, &Style) -> Vec<u8>) -> Format {
    Format { name, doc, line_hashes: false, write }
}

/// How reports for people look. Formats for programs ignore it.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to use colours.
    pub color: bool,
    /// Whether frames may be drawn with characters outside ASCII.
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether the terminal follows links (OSC 8).
    pub hyperlinks: bool,
    /// Which findings are shown.
    pub show: Show,
    /// How many findings are shown in full; all if `None`.
    pub limit: Option<Limit>,
    /// How long the run took, if that is to be told.
    pub elapsed: Option<Duration>,
}

impl Default for Style {
    /// Plain text of 100 columns, cut to what a person reads.
    fn default() -> Style {
        Style {
            color: false,
            unicode: true,
            width: 100,
            hyperlinks: false,
            show: Show::Findings,
            limit: Some(Limit::default()),
            elapsed: None,
        }
    }
}

/// Which findings people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Show {
    /// Active failures; the rest is counted.
    Findings,
    /// Also what has no evidence and what needs a person.
    Open,
    /// Also what was disposed of.
    All,
}

/// How many findings are shown in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most so many of one rule.
    pub per_rule: usize,
    /// At most so many.
    pub total: usize,
}

impl Default for Limit {
    fn default() -> Limit {
        Limit { per_rule: 3, total: 20 }
    }
}

/// Everything that a run has to say.
#[derive(Debug, Clone, Default)]
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
    /// What was read of history, if it was.
    pub history: Option<HistoryCounts>,
    /// The commit that was judged, if the judged files are those of a commit.
    pub revision: Option<Revision>,
}

/// What was read of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryCounts {
    /// Commits that were walked.
    pub commits: usize,
    /// Contents that were read, each once.
    pub contents: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Where the judged files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit's id, in hexadecimal.
    pub commit: String,
    /// The branch, without `refs/heads/`.
    pub branch: Option<String>,
    /// The remote's URL as git has it; outputs leave credentials out.
    pub remote: Option<String>,
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
    /// Why it was not judged, though its subject may exist.
    pub not_judged: Option<String>,
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
        self.findings.iter().filter(|s| s.disposition.is_none() && s.quoted.finding.kind == FindingKind::Fail)
    }

    /// Findings that nothing disposes of, but that only evidence or a person can settle.
    pub fn unsettled(&self) -> impl Iterator<Item = &Settled> {
        self.findings.iter().filter(|s| s.disposition.is_none() && s.quoted.finding.kind != FindingKind::Fail)
    }

    /// The rule with this id, with what it looked at.
    pub fn rule(&self, id: &str) -> Option<&RuleResult> {
        self.rules.binary_search_by(|r| r.active.rule.id.as_str().cmp(id)).ok().map(|i| &self.rules[i])
    }

    /// Whether every file was read and every rule came to an end; only then may a run without findings
    /// be called clean.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.rules.iter().all(|r| !r.crashed)
    }

    /// Number of failures of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.failures().filter(|s| s.quoted.finding.severity == severity).count()
    }
}

impl Show {
    /// Whether this finding is shown.
    fn includes(self, settled: &Settled) -> bool {
        match (&settled.disposition, settled.quoted.finding.kind) {
            (Some(_), _) => self == Show::All,
            (None, FindingKind::Fail) => true,
            (None, _) => self >= Show::Open,
        }
    }
}

/// What stands before the rule's id: the level, or why there is none.
fn level_word(settled: &Settled) -> &'static str {
    let finding = &settled.quoted.finding;
    match finding.kind {
        FindingKind::Fail => finding.severity.name(),
        FindingKind::Open => "no evidence",
        FindingKind::Review => "needs a person",
    }
}
