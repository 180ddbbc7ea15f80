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
        // One line must stay one: the first clause is the rule's main one, JSON and SARIF have them all.
        let more = if clauses.len() > 1 { format!(", {} more", clauses.len() - 1) } else { String::new() };
        let _ = write!(line, " ({}{more})", clause(&clauses[0].id));
    }
    if let Some(origin) = &finding.origin {
        let _ = write!(line, " [{}]", super::full::since(origin));
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
        insta::assert_snapshot!(text(&sample::report(), Show::Findings), @r#"
    .github/workflows/cd.yml:8:3: error[staging-skipped] Job `ship` deploys to production without a staging deploy before it (DOC-009 §10.e, 1 more)
    Dockerfile:1:6: warning[image-floating] Image `alpine:latest` is not fixed to a digest (DOC-009 §2.1.b)
    Dockerfile:2:5: error[piped-to-shell] `curl -sf https://example.com/x` is run without being checked
    Dockerfile:2:44: error[piped-to-shell] `curl https://example.com/y` is run without being checked
    deploy/values.yaml: unread[unparsed] line 3: a mapping has two keys `image`
    logs/all.txt: unread[too-large] over 8 MiB
    "#);
    }

    #[test]
    fn what_is_open_or_disposed_of_is_shown_on_demand() {
        insta::assert_snapshot!(text(&sample::report(), Show::All), @r#"
    .github/workflows/cd.yml:8:3: error[staging-skipped] Job `ship` deploys to production without a staging deploy before it (DOC-009 §10.e, 1 more)
    .github/workflows/cd.yml:1:1: no evidence[rollback-absent] No workflow rolls a release back (DOC-009 §6.1)
    .github/workflows/cd.yml:1:1: needs a person[rollback-absent] Whether the roll-back was rehearsed is not in files (DOC-009 §6.1)
    Dockerfile:1:6: warning[image-floating] Image `alpine:latest` is not fixed to a digest (DOC-009 §2.1.b)
    Dockerfile:2:5: error[piped-to-shell] `curl -sf https://example.com/x` is run without being checked
    Dockerfile:2:44: error[piped-to-shell] `curl https://example.com/y` is run without being checked
    a.yml:1:1: warning[image-floating] Image `a` is not fixed to a digest (DOC-009 §2.1.b) [allowed at a.yml:3: a test double]
    a.yml:2:1: warning[image-floating] Image `a` is not fixed to a digest (DOC-009 §2.1.b) [exception E-7 until 2027-01-31]
    a.yml:3:1: warning[image-floating] Image `a` is not fixed to a digest (DOC-009 §2.1.b) [baseline]
    a.yml:4:1: warning[image-floating] Image `a` is not fixed to a digest (DOC-009 §2.1.b) [old]
    deploy/values.yaml: unread[unparsed] line 3: a mapping has two keys `image`
    logs/all.txt: unread[too-large] over 8 MiB
    "#);
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
