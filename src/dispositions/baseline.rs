//! `.plimsoll/baseline`: what was known when the team began.
//!
//! A header line with the version, then one line per finding, `<fingerprint> <rule> <path>`, sorted: two
//! branches that change it merge line by line.

use std::collections::BTreeMap;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use super::{Rules, Settled};
use crate::finding::FindingKind;
use crate::quote::Quoted;

const HEADER: &str = "# plimsoll baseline 1";

/// A disposition file that cannot be used. It ends the run with exit code 2: to ignore it would bring all
/// its findings back, to guess might hide new ones.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(plimsoll::dispositions))]
pub struct BookError {
    /// What is wrong.
    pub message: String,
    /// The file.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// Where.
    #[label("here")]
    pub span: Option<SourceSpan>,
    /// What to do about it.
    #[help]
    pub help: Option<String>,
}

impl BookError {
    pub(super) fn new(
        path: &str,
        text: &str,
        span: Option<std::ops::Range<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<BookError> {
        Box::new(BookError {
            message: message.into(),
            source_code: NamedSource::new(path, text.to_owned()),
            span: span.map(|r| (r.start, r.len()).into()),
            help: Some(help.into()),
        })
    }
}

/// The known findings, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Fingerprint to rule and path, as they were when it was written.
    pub lines: BTreeMap<String, Known>,
}

/// A line of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The rule's id.
    pub rule: String,
    /// The file's path.
    pub path: String,
}

/// What changed in a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// Findings that are not in it and did not come, because it only shrinks.
    pub left_out: usize,
}

impl Baseline {
    /// Reads the text of the file at `path`. Equal lines count once, as a merge of two branches leaves them.
    pub fn parse(path: &str, text: &str) -> Result<Baseline, Box<BookError>> {
        let mut lines = BTreeMap::new();
        let mut at = 0;
        let mut headed = false;
        for line in text.split_inclusive('\n') {
            let span = at..at + line.trim_end().len();
            at += line.len();
            let line = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
            let wrong = |message: &str, help: &str| {
                Err(BookError::new(path, text, Some(span.clone()), message.to_owned(), help.to_owned()))
            };
            if line == HEADER {
                headed = true;
                continue;
            }
            if line.starts_with("# plimsoll baseline ") {
                return wrong(
                    "this baseline was written by a newer plimsoll",
                    "use the version that wrote it",
                );
            }
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
                return wrong(
                    "a merge conflict is not resolved",
                    "keep the lines of both sides, in any order, then run `plimsoll baseline update`",
                );
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut fields = line.splitn(3, ' ');
            match (fields.next(), fields.next(), fields.next()) {
                (Some(print), Some(rule), Some(file)) if is_fingerprint(print) && !rule.is_empty() => {
                    let known = Known { rule: rule.to_owned(), path: file.to_owned() };
                    lines.insert(print.to_owned(), known);
                }
                _ => {
                    return wrong(
                        "this is no line of a baseline",
                        "a line is `<fingerprint> <rule> <path>`; remove it, or restore the file from git",
                    );
                }
            }
        }
        if !headed && !lines.is_empty() {
            return Err(BookError::new(
                path,
                text,
                Some(0..0),
                "this is no baseline of plimsoll",
                format!("its first line is `{HEADER}`"),
            ));
        }
        Ok(Baseline { lines })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (print, known) in &self.lines {
            text.push_str(&format!("{print} {} {}\n", known.rule, known.path));
        }
        text
    }

    /// A baseline of every finding that counts and that nothing else disposes of.
    pub fn create(settled: &[Settled]) -> Baseline {
        let mut baseline = Baseline::default();
        for quoted in worth_a_line(settled) {
            baseline.insert(quoted);
        }
        baseline
    }

    /// Drops lines whose finding is gone. With `grow` takes in new findings too; without it the baseline only
    /// shrinks, so that nobody adds to a debt by a habit.
    ///
    /// A line counts as gone only if its rule ran: a run with fewer manuals must not empty the baseline.
    /// `forget` drops lines of rules that did not run as well.
    pub fn update(&mut self, settled: &[Settled], rules: &Rules, grow: bool, forget: bool) -> Change {
        let mut change = Change::default();
        let seen: std::collections::BTreeSet<&str> =
            settled.iter().map(|s| s.quoted.fingerprint.as_str()).collect();
        let before = self.lines.len();
        self.lines.retain(|print, known| {
            seen.contains(print.as_str()) || !(forget || rules.ran(&known.rule) || !rules.exists(&known.rule))
        });
        change.removed = before - self.lines.len();
        for quoted in worth_a_line(settled) {
            if self.lines.contains_key(&quoted.fingerprint) {
                // The path and a rule's name may have changed under the same fingerprint's rule.
                self.insert(quoted);
            } else if grow {
                self.insert(quoted);
                change.added += 1;
            } else {
                change.left_out += 1;
            }
        }
        change
    }

    /// Whether a finding was known.
    pub fn knows(&self, quoted: &Quoted) -> bool {
        self.lines.contains_key(&quoted.fingerprint)
    }

    /// Lines whose finding is gone, though its rule ran.
    pub fn stale(&self, settled: &[Settled], rules: &Rules) -> usize {
        let seen: std::collections::BTreeSet<&str> =
            settled.iter().map(|s| s.quoted.fingerprint.as_str()).collect();
        let gone = |(print, known): &(&String, &Known)| {
            !seen.contains(print.as_str()) && (rules.ran(&known.rule) || !rules.exists(&known.rule))
        };
        self.lines.iter().filter(gone).count()
    }

    fn insert(&mut self, quoted: &Quoted) {
        let known = Known { rule: quoted.finding.rule.clone(), path: quoted.quote.path.clone() };
        self.lines.insert(quoted.fingerprint.clone(), known);
    }
}

/// Findings that nothing but the baseline itself disposes of.
fn worth_a_line(settled: &[Settled]) -> impl Iterator<Item = &Quoted> {
    settled
        .iter()
        .filter(|s| s.quoted.finding.kind == FindingKind::Fail)
        .filter(|s| {
            matches!(s.disposition, None | Some(super::Disposition::Baseline | super::Disposition::Old))
        })
        .map(|s| &s.quoted)
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
