//! The one line that ends every report for people, and the counts that other formats share with it.

use super::legible::{count, legible};
use super::{Report, Show, Style};
use crate::finding::{FindingKind, Severity};
use crate::source::UnreadClass;

/// What became of findings, by the word of the disposition, in a fixed order; zeros are left out.
pub(super) fn disposed(report: &Report) -> Vec<(&'static str, usize)> {
    ["allow", "exception", "baseline", "old"]
        .into_iter()
        .map(|name| {
            let is =
                |s: &&crate::dispositions::Settled| s.disposition.as_ref().is_some_and(|d| d.name() == name);
            (name, report.findings.iter().filter(is).count())
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}

/// Unread files by class, in the order of the classes; zeros are left out.
pub(super) fn unread(report: &Report) -> Vec<(&'static str, usize)> {
    UnreadClass::ALL
        .into_iter()
        .map(|class| (class.name(), report.unread.iter().filter(|u| u.class == class).count()))
        .filter(|(_, n)| *n > 0)
        .collect()
}

/// Writes the summary line: findings by level, what was disposed of, what is open, files read and
/// unread, what the repository was taken for, and the time.
pub fn write(report: &Report, style: &Style) -> Vec<u8> {
    let mut parts = vec![findings(report)];
    let disposed = disposed(report);
    if !disposed.is_empty() {
        let sum: usize = disposed.iter().map(|(_, n)| n).sum();
        parts.push(format!("{sum} disposed of ({})", listed(&disposed)));
    }
    parts.extend(unsettled(report, style.show));
    let crashed = report.rules.iter().filter(|r| r.crashed).count();
    if crashed > 0 {
        parts.push(format!("{} did not come to an end", count(crashed, "rule")));
    }
    let mut files = format!("{} read", count(report.files.read + report.files.scanned, "file"));
    let unread = unread(report);
    if !unread.is_empty() {
        files += &format!(", {} unread ({})", report.unread.len(), listed(&unread));
    }
    parts.push(files);
    if let Some(history) = report.history {
        let (commits, versions) = (count(history.commits, "commit"), count(history.contents, "version"));
        parts.push(format!("{commits} with {versions} of files and messages ({} MiB)", history.bytes >> 20));
    }
    if !report.taken_for.is_empty() {
        parts.push(format!("taken for {}", legible(&report.taken_for)));
    }
    if let Some(elapsed) = style.elapsed {
        parts.push(format!("{:.1} s", elapsed.as_secs_f64()));
    }
    let between = if style.unicode { " · " } else { "; " };
    let line = parts.join(between);
    let line = match style.color {
        true => format!("\u{1b}[1m{line}\u{1b}[0m\n"),
        false => format!("{line}\n"),
    };
    line.into_bytes()
}

fn findings(report: &Report) -> String {
    let levels: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|&severity| (report.count(severity), severity.name()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| count(n, name))
        .collect();
    match levels.as_slice() {
        [] if report.is_whole() => "clean".to_owned(),
        [] => "no findings in what was read".to_owned(),
        levels => levels.join(", "),
    }
}

fn unsettled(report: &Report, show: Show) -> Option<String> {
    let of = |kind| report.unsettled().filter(|s| s.quoted.finding.kind == kind).count();
    let (open, review) = (of(FindingKind::Open), of(FindingKind::Review));
    match (open, review) {
        (0, 0) => None,
        _ if show == Show::Findings => Some(format!("{} open (--show open)", open + review)),
        (open, 0) => Some(format!("{open} no evidence")),
        (0, review) => Some(format!("{review} needs a person")),
        (open, review) => Some(format!("{open} no evidence, {review} needs a person")),
    }
}

fn listed(counts: &[(&'static str, usize)]) -> String {
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use std::time::Duration;

    fn line(report: &Report, style: &Style) -> String {
        String::from_utf8(write(report, style)).unwrap()
    }

    #[test]
    fn the_summary_counts_everything() {
        let style = Style { elapsed: Some(Duration::from_millis(840)), ..Style::default() };
        insta::assert_snapshot!(line(&sample::report(), &style), @r#"
    3 errors, 1 warning · 4 disposed of (1 allow, 1 exception, 1 baseline, 1 old) · 2 open (--show open) · 12 files read, 2 unread (1 unparsed, 1 too-large) · taken for an application with 1 GitHub workflow that deploys to production · 0.8 s
    "#);
    }

    #[test]
    fn only_a_run_that_read_everything_is_clean() {
        let mut report = Report { files: sample::report().files, ..Report::default() };
        assert!(line(&report, &Style::default()).starts_with("clean · "));
        report.unread = sample::report().unread;
        assert!(line(&report, &Style::default()).starts_with("no findings in what was read · "));
        report.unread.clear();
        report.rules = sample::report().rules;
        report.rules[0].crashed = true;
        assert!(!line(&report, &Style::default()).contains("clean"));
    }
}
