use super::*;
use crate::report::{Limit, sample};
use crate::text::LineColumn;

fn text(report: &Report, style: &Style) -> String {
    String::from_utf8(write(report, style)).unwrap()
}

/// The sample with only the findings of this rule.
fn only(rule: &str) -> Report {
    let mut report = sample::report();
    report.findings.retain(|s| s.quoted.finding.rule == rule && s.disposition.is_none());
    report
}

#[test]
fn a_finding_worth_reading() {
    let report = only("staging-skipped");
    insta::assert_snapshot!(statement(&report, &report.findings[0], &Style::default()), @r#"
    error[staging-skipped] DOC-009 §10.e, SPEC-0701 §3.2
      × Job `ship` deploys to production without a staging deploy before it
       ╭─[.github/workflows/cd.yml:8:3]
     4 │   staging:
       ·   ────┬───
       ·       ╰── staging deploys here
     5 │     environment: staging
     6 │     steps:
     7 │       - run: ./deploy staging
     8 │   ship:
       ·   ──┬─
       ·     ╰── deploys to production
       ╰────
      also: both ship this image (Dockerfile:1:1)
       but: a manual gate on the environment may order them
       why: A change that has not run in staging meets its first real failure in front of users.
       fix: Make the production job need the job that deploys the same artefact to staging.
       out: # plimsoll: allow[staging-skipped] <reason> (on that line, or alone above it)
    "#);
}

#[test]
fn without_unicode_frames_are_ascii() {
    let report = only("image-floating");
    let style = Style { unicode: false, ..Style::default() };
    let text = statement(&report, &report.findings[0], &style);
    insta::assert_snapshot!(text, @r#"
    warning[image-floating] DOC-009 §2.1.b, medium confidence
      ! Image `alpine:latest` is not fixed to a digest
       ,-[Dockerfile:1:6]
     1 | FROM alpine:latest
       :      ^^^^^^^^^^^^^
     2 | RUN curl -sf https://example.com/x | sh && curl https://example.com/y | sh
       `----
       why: A change that has not run in staging meets its first real failure in front of users.
       fix: Make the production job need the job that deploys the same artefact to staging. Leave jobs
            that only test alone.
       out: # plimsoll: allow[image-floating] <reason> (on that line, or alone above it)
    "#);
}

#[test]
fn what_follows_the_findings() {
    let mut report = only("piped-to-shell");
    let style = Style { limit: Some(Limit { per_rule: 1, total: 20 }), ..Style::default() };
    report.findings.extend(only("image-floating").findings);
    let whole = text(&report, &style);
    let tail = whole.find("\n  rule").unwrap();
    insta::assert_snapshot!(&whole[tail..], @r#"

      rule            level    count  files
      piped-to-shell  error        2      1
      image-floating  warning      1      1

    2 of 3 findings are shown; `plimsoll check -f concise` lists them all

    not read, so nothing is known about:
      unparsed   deploy/values.yaml  line 3: a mapping has two keys `image`
      too-large  logs/all.txt        over 8 MiB

    note: 2 lines of .plimsoll/baseline match nothing

    2 errors, 1 warning · 12 files read, 2 unread (1 unparsed, 1 too-large) · taken for an application with 1 GitHub workflow that deploys to production
    "#);
}

#[test]
fn the_worst_comes_first_and_three_of_a_rule_are_enough() {
    let mut report = sample::report();
    let image = report.findings[3].clone();
    for n in 0..30 {
        let mut another = image.clone();
        another.quoted.quote.path = format!("Dockerfile.{n}");
        report.findings.insert(0, another);
    }
    let whole = text(&report, &Style::default());
    assert_eq!(whole.matches("warning[image-floating]").count(), 3);
    assert!(whole.find("error[staging-skipped]").unwrap() < whole.find("warning[").unwrap());
    assert!(whole.contains("6 of 34 findings are shown"), "{whole}");
    let all = text(&report, &Style { limit: None, ..Style::default() });
    assert_eq!(all.matches("warning[image-floating]").count(), 31);
}

#[test]
fn no_finding_is_longer_than_twenty_lines() {
    let rule = sample::rule("long", "error", "[]", "[]");
    let workflow: String = (0..90).map(|n| format!("line{n:02} of a file\n")).collect();
    let message = "A sentence that goes on and on ".repeat(9);
    let mut settled = sample::settled(&rule, sample::quote_at("a.yml", &workflow, 0..400), &message, "a");
    for n in 1..9 {
        let place = sample::quote(&format!("b{n}.yml"), &workflow, &format!("line{n}0"));
        sample::relate(&mut settled, place, "another place, with a label of some length");
    }
    let report = Report { findings: vec![settled], rules: vec![rule], ..Report::default() };
    for width in [20, 80, 200] {
        let text = statement(&report, &report.findings[0], &Style { width, ..Style::default() });
        assert!(text.lines().count() <= LINES, "{text}");
        assert!(text.contains("allow[long]") || width < 80, "{text}");
    }
}

#[test]
fn a_place_keeps_its_line_and_column() {
    let file = format!("{}\tkey: 'é😀' # here\n", "\n".repeat(99));
    let rule = sample::rule("odd", "error", "[]", "[]");
    let settled = sample::settled(&rule, sample::quote("a.yml", &file, "# here"), "It is odd", "a");
    let report = Report { findings: vec![settled], rules: vec![rule], ..Report::default() };
    assert!(
        text(&report, &Style::default()).contains("[a.yml:100:13]"),
        "{}",
        text(&report, &Style::default())
    );
}

#[test]
fn a_place_without_text_is_named() {
    let mut report = only("image-floating");
    let quote = &mut report.findings[0].quoted.quote;
    (quote.excerpt, quote.mark) = (String::new(), 0..0);
    (quote.start, quote.end) = (LineColumn { line: 1, column: 1 }, LineColumn { line: 1, column: 1 });
    assert!(text(&report, &Style::default()).contains("at: Dockerfile:1:1"));
}

#[test]
fn a_hostile_file_steers_nothing() {
    let file = "a: \u{1b}[2J\u{202e}b\u{7}\nc: d\u{9b}\n";
    let rule = sample::rule("odd", "error", "[]", "[]");
    let mut settled = sample::settled(&rule, sample::quote("a\u{1b}.yml", file, "b"), "It\u{1b} is", "a");
    settled.quoted.finding.label = "x\u{1b}".into();
    let report = Report { findings: vec![settled], rules: vec![rule], ..Report::default() };
    let text = text(&report, &Style::default());
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
}

#[test]
fn colours_and_links_come_only_when_asked_for() {
    let mut report = only("image-floating");
    report.rules[0].active.rule.sources = vec!["https://example.com/why".into()];
    assert!(!text(&report, &Style::default()).contains('\u{1b}'));
    assert!(!text(&report, &Style::default()).contains("example.com/why"));
    assert!(text(&report, &Style { color: true, ..Style::default() }).contains("\u{1b}[36m"));
    let linked = text(&report, &Style { hyperlinks: true, ..Style::default() });
    assert!(linked.contains("\u{1b}]8;;https://example.com/why"));
}

#[test]
fn a_hook_that_passes_is_silent_and_a_hook_that_could_not_read_is_not() {
    let mut report = Report { partial: true, ..Report::default() };
    assert_eq!(text(&report, &Style::default()), "");
    report.unread = sample::report().unread;
    assert!(text(&report, &Style::default()).contains("deploy/values.yaml"));
}

#[test]
fn unread_files_are_listed_up_to_ten() {
    let mut report = Report::default();
    let one = sample::report().unread[0].clone();
    report.unread = vec![one; 34];
    let text = text(&report, &Style::default());
    assert_eq!(text.matches("deploy/values.yaml").count(), 10);
    assert!(text.contains("and 24 more") && text.contains("34 unread (34 unparsed)"), "{text}");
}

#[test]
fn what_is_open_is_one_count_until_asked_for() {
    let report = only("rollback-absent");
    assert!(!text(&report, &Style::default()).contains("No workflow rolls"));
    assert!(text(&report, &Style::default()).contains("2 open (--show open)"));
    let open = text(&report, &Style { show: Show::Open, ..Style::default() });
    assert!(
        open.contains("no evidence[rollback-absent]") && open.contains("needs a person[rollback-absent]")
    );
    let all = text(&sample::report(), &Style { show: Show::All, ..Style::default() });
    assert!(all.contains("[exception E-7 until 2027-01-31]"), "{all}");
}
