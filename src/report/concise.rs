//! One line per finding, as editors and `grep` like it:
//! `path:line:column: error[rule] message (DOC-009 §10.e)`.

use super::legible::{clause, legible};
use super::{Report, Style, level_word};
use crate::dispositions::{Disposition, Settled};
use std::fmt::Write;

/// Writes one line for every finding that the style shows, then one for every file that was not read.
pub(super) fn write(report: &Report, style: &Style) -> Vec<u8> {
    let mut out = String::new();
    for settled in report.findings.iter().filter(|s| style.show.includes(s)) {
        out.push_str(&line(report, settled));
        out.push('\n');
    }
    for unread in &report.unread {
        let (path, reason) = (legible(&unread.path), legible(&unread.reason));
        let _ = writeln!(out, "{path}: unread[{}] {reason}", unread.class.name());
    }
    out.into_bytes()
}

/// A finding in one line, without the line break.
pub(super) fn line(report: &Report, settled: &Settled) -> String {
    let (finding, quote) = (&settled.quoted.finding, &settled.quoted.quote);
    let mut line = format!(
        "{}:{}:{}: {}[{}] {}",
        legible(&quote.path),
        quote.start.line,
        quote.start.column,
        level_word(settled),
        finding.rule,
        legible(&finding.message)
    );
    let clauses = report.rule(&finding.rule).map_or(&[][..], |r| &r.active.rule.clauses);
    if !clauses.is_empty() {
        let clauses: Vec<String> = clauses.iter().map(|c| clause(&c.id)).collect();
        let _ = write!(line, " ({})", clauses.join(", "));
    }
    match &settled.disposition {
        None => {}
        Some(Disposition::Allow { reason, place }) => {
            let _ = write!(line, " [allowed at {}: {}]", legible(place), legible(reason));
        }
        Some(Disposition::Exception { id, expires, .. }) => {
            let _ = write!(line, " [exception {} until {}]", legible(id), legible(expires));
        }
        Some(disposition) => {
            let _ = write!(line, " [{}]", disposition.name());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Show, sample};

    fn text(report: &Report, show: Show) -> String {
        String::from_utf8(write(report, &Style { show, ..Style::default() })).unwrap()
    }

    #[test]
    fn a_finding_is_one_line() {
        insta::assert_snapshot!(text(&sample::report(), Show::Findings), @"");
    }

    #[test]
    fn what_is_open_or_disposed_of_is_shown_on_demand() {
        insta::assert_snapshot!(text(&sample::report(), Show::All), @"");
    }

    #[test]
    fn a_message_cannot_forge_a_second_line() {
        let mut report = sample::report();
        report.findings.truncate(1);
        report.findings[0].quoted.finding.message = "a\nfake.yml:1:1: error[x] y\u{1b}[1A".into();
        assert_eq!(text(&report, Show::Findings).lines().filter(|l| l.contains("fake")).count(), 1);
        assert!(!text(&report, Show::Findings).contains('\u{1b}'));
    }
}
