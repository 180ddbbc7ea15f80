//! `.plimsoll/baseline`: what was known when the team began.
//!
//! A header line with the version, then one line per finding, `<fingerprint> <rule> <path>`, sorted: two
//! branches that change it merge line by line. A finding that is a credential has a tag of its value in place
//! of the fingerprint, so that another value in its place is new; a line `salt …` makes the tags the
//! repository's own.

use std::collections::BTreeSet;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use super::tag::{Salt, is_hexadecimal, is_tag};
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

/// The known findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// What makes tags the repository's own; `None` if no line has needed one.
    pub salt: Option<Salt>,
    /// Its lines.
    pub lines: BTreeSet<Known>,
}

/// A line of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// The finding's fingerprint, or the tag of a credential's value.
    pub print: String,
    /// The rule's id, when it was written.
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
        let mut baseline = Baseline::default();
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
                (Some("salt"), Some(digits), None) if let Some(salt) = Salt::parse(digits) => {
                    if baseline.salt.replace(salt.clone()).is_some_and(|other| other != salt) {
                        return wrong(
                            "this is a second salt",
                            "keep the lines of one side of the merge, then run `plimsoll baseline update --grow`",
                        );
                    }
                }
                (Some(print), Some(rule), Some(file)) if is_print(print) && !rule.is_empty() => {
                    let known =
                        Known { print: print.to_owned(), rule: rule.to_owned(), path: file.to_owned() };
                    baseline.lines.insert(known);
                }
                _ => {
                    return wrong(
                        "this is no line of a baseline",
                        "a line is `<fingerprint> <rule> <path>`; remove it, or restore the file from git",
                    );
                }
            }
        }
        let tagged = baseline.lines.iter().any(|known| is_tag(&known.print));
        if !headed && !baseline.lines.is_empty() {
            return Err(BookError::new(
                path,
                text,
                Some(0..0),
                "this is no baseline of plimsoll",
                format!("its first line is `{HEADER}`"),
            ));
        }
        if tagged && baseline.salt.is_none() {
            return Err(BookError::new(
                path,
                text,
                Some(0..0),
                "it knows credentials, but its `salt` line is gone",
                "restore the file from git",
            ));
        }
        Ok(baseline)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(salt) = &self.salt {
            text.push_str(&format!("salt {salt}\n"));
        }
        for Known { print, rule, path } in &self.lines {
            text.push_str(&format!("{print} {rule} {path}\n"));
        }
        text
    }

    /// A baseline of every finding that counts and that nothing else disposes of. `salt` is that of the
    /// exceptions, if they have one.
    pub fn create(settled: &[Settled], salt: Option<Salt>) -> Baseline {
        let mut baseline = Baseline { salt, lines: BTreeSet::new() };
        for quoted in worth_a_line(settled) {
            let known = baseline.line(quoted);
            baseline.lines.insert(known);
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
        let meant = self.meant(settled, rules);
        let before = self.lines.len();
        self.lines.retain(|known| {
            meant.contains(known) || !(forget || rules.ran(&known.rule) || !rules.exists(&known.rule))
        });
        change.removed = before - self.lines.len();
        for quoted in worth_a_line(settled) {
            if let Some(known) = self.find(quoted, rules).cloned() {
                // The path and a rule's name may have changed under the same fingerprint.
                self.lines.remove(&known);
                let known = self.line(quoted);
                self.lines.insert(known);
            } else if grow {
                let known = self.line(quoted);
                self.lines.insert(known);
                change.added += 1;
            } else {
                change.left_out += 1;
            }
        }
        change
    }

    /// Whether a finding was known.
    pub fn knows(&self, quoted: &Quoted, rules: &Rules) -> bool {
        self.find(quoted, rules).is_some()
    }

    /// Lines whose finding is gone, though its rule ran.
    pub fn stale(&self, settled: &[Settled], rules: &Rules) -> usize {
        let meant = self.meant(settled, rules);
        let gone = |known: &&Known| {
            !meant.contains(*known) && (rules.ran(&known.rule) || !rules.exists(&known.rule))
        };
        self.lines.iter().filter(gone).count()
    }

    fn meant(&self, settled: &[Settled], rules: &Rules) -> BTreeSet<Known> {
        settled.iter().filter_map(|s| self.find(&s.quoted, rules)).cloned().collect()
    }

    /// The line that means a finding.
    fn find(&self, quoted: &Quoted, rules: &Rules) -> Option<&Known> {
        if self.lines.is_empty() {
            return None;
        }
        let same =
            |known: &Known| known.path == quoted.quote.path && rules.same(&known.rule, &quoted.finding.rule);
        let print = match &quoted.value {
            None => quoted.fingerprint.clone(),
            Some(value) => self.salt.as_ref()?.tag(value),
        };
        let first = Known { print, rule: String::new(), path: String::new() };
        let equal = self.lines.range(&first..).take_while(|known| known.print == first.print);
        // A fingerprint is a function of rule and path already.
        equal.into_iter().find(|known| quoted.value.is_none() || same(known))
    }

    fn line(&mut self, quoted: &Quoted) -> Known {
        let print = match &quoted.value {
            Some(value) => self.salt.get_or_insert_with(Salt::random).tag(value),
            None => quoted.fingerprint.clone(),
        };
        Known { print, rule: quoted.finding.rule.clone(), path: quoted.quote.path.clone() }
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

fn is_print(text: &str) -> bool {
    is_hexadecimal(text, 32) || is_tag(text)
}
