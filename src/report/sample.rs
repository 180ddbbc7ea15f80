//! A report made by hand, for the tests of formats.

use super::{FileCounts, Report, RuleResult};
use crate::dispositions::{Disposition, Settled};
use crate::finding::{Confidence, Finding, FindingKind, Related, Severity};
use crate::quote::{Quote, Quoted};
use crate::rule::{Active, load};
use crate::source::{Unread, UnreadClass};
use crate::text::{FileId, LineIndex, Span, line_hashes};

const CD: &str = "\
name: cd
on: push
jobs:
  staging:
    environment: staging
    steps:
      - run: ./deploy staging
  ship:
    environment: production
    steps:
      - run: ./deploy production
";

const BUILD: &str =
    "FROM alpine:latest\nRUN curl -sf https://example.com/x | sh && curl https://example.com/y | sh\n";

/// Quotes `needle` in `text`, as the last reading does.
pub(super) fn quote(path: &str, text: &str, needle: &str) -> Quote {
    let start = text.find(needle).expect("the needle is in the text");
    quote_at(path, text, start..start + needle.len())
}

/// Quotes a byte range of `text`.
pub(super) fn quote_at(path: &str, text: &str, range: std::ops::Range<usize>) -> Quote {
    let lines = LineIndex::new(text);
    let (start, end) = (lines.line_column(text, range.start), lines.line_column(text, range.end));
    let first = start.line.saturating_sub(2).max(1);
    let mut excerpt = String::new();
    let mut mark = 0..0;
    for line in first..=(end.line + 2).min(lines.count()) {
        let whole = lines.range(text, line);
        if line == start.line {
            mark.start = excerpt.len() + range.start - whole.start;
        }
        if line == end.line {
            mark.end = excerpt.len() + range.end - whole.start;
        }
        excerpt.push_str(&text[whole]);
        excerpt.push('\n');
    }
    let units = |text: &str| text.encode_utf16().count() as u32;
    Quote {
        path: path.to_owned(),
        start,
        end,
        char_offset: units(&text[..range.start]),
        char_length: units(&text[range]),
        first_line: first,
        excerpt,
        mark,
        masked: false,
        line_hash: line_hashes(text, start.line as usize)[start.line as usize - 1].to_string(),
    }
}

/// A rule with these texts, as it would be loaded.
pub(super) fn rule(id: &str, severity: &str, clauses: &str, cwe: &str) -> RuleResult {
    let text = format!(
        r#"
id = "{id}"
title = "Something is wrong with {id}"
severity = "{severity}"
confidence = "high"
since = "0.1"
subjects = "files"
clauses = {clauses}
cwe = {cwe}
why = "A change that has not run in staging meets its first real failure in front of users."
fix = "Make the production job need the job that deploys the same artefact to staging. Leave jobs that only test alone."
[text]
patterns = ["x"]
message = "x"
"#
    );
    let rule =
        load(&format!("rules/pipeline/{id}.toml"), &text, &[]).expect("the sample rule is well-formed");
    let severity = rule.severity;
    RuleResult {
        active: Active { rule, severity },
        examined: 4,
        satisfied: 1,
        not_applicable: None,
        not_judged: None,
        crashed: false,
    }
}

/// A finding of `rule` at `quote`.
pub(super) fn settled(rule: &RuleResult, quote: Quote, message: &str, subject: &str) -> Settled {
    let finding = Finding {
        rule: rule.active.rule.id.clone(),
        kind: FindingKind::Fail,
        severity: rule.active.severity,
        confidence: Confidence::High,
        message: message.to_owned(),
        label: String::new(),
        place: Span::start_of(FileId(0)),
        related: Vec::new(),
        depends: Vec::new(),
        subject: subject.to_owned(),
        against: None,
        certainty: None,
        origin: None,
    };
    let fingerprint = format!("{:032x}", subject.len() * 1000 + quote.char_offset as usize);
    Settled {
        quoted: Quoted { finding, quote, related: Vec::new(), fingerprint, value: None },
        disposition: None,
    }
}

/// Adds a related place.
pub(super) fn relate(settled: &mut Settled, quote: Quote, message: &str) {
    let related = Related { place: Span::start_of(FileId(0)), message: message.to_owned() };
    settled.quoted.related.push((related, quote));
}

/// A report in which everything occurs once: several levels, related places in the same file and in
/// another, two findings on one line, every disposition, open ones, unread files.
pub(super) fn report() -> Report {
    let skipped = rule("staging-skipped", "error", r#"["DOC-009/10.e", "SPEC-0701/3.2"]"#, "[]");
    let floating = rule("image-floating", "warning", r#"["DOC-009/2.1.b"]"#, "[1357]");
    let piped = rule("piped-to-shell", "error", "[]", "[494, 829]");
    let absent = rule("rollback-absent", "note", r#"["DOC-009/6.1"]"#, "[]");
    let workflow = ".github/workflows/cd.yml";

    let message = "Job `ship` deploys to production without a staging deploy before it";
    let mut ship = settled(&skipped, quote(workflow, CD, "ship"), message, "job ship");
    ship.quoted.finding.label = "deploys to production".into();
    ship.quoted.finding.against = Some("a manual gate on the environment may order them".into());
    relate(&mut ship, quote(workflow, CD, "staging:"), "staging deploys here");
    relate(&mut ship, quote("Dockerfile", BUILD, "FROM"), "both ship this image");

    let mut image = settled(
        &floating,
        quote("Dockerfile", BUILD, "alpine:latest"),
        "Image `alpine:latest` is not fixed to a digest",
        "image alpine:latest",
    );
    image.quoted.finding.confidence = Confidence::Medium;
    let pipes = ["curl -sf https://example.com/x | sh", "curl https://example.com/y | sh"].map(|command| {
        let host = command.rsplit_once(" |").expect("it is a pipe").0;
        let message = format!("`{host}` is run without being checked");
        settled(&piped, quote("Dockerfile", BUILD, command), &message, command)
    });
    let mut open =
        settled(&absent, quote(workflow, CD, "name: cd"), "No workflow rolls a release back", "repository");
    open.quoted.finding.kind = FindingKind::Open;
    let mut review = open.clone();
    review.quoted.finding.kind = FindingKind::Review;
    review.quoted.finding.message = "Whether the roll-back was rehearsed is not in files".into();

    let dispositions = [
        Disposition::Allow { reason: "a test double".into(), place: "a.yml:3".into() },
        Disposition::Exception {
            id: "E-7".into(),
            justification: "old host".into(),
            expires: "2027-01-31".into(),
        },
        Disposition::Baseline,
        Disposition::Old,
    ];
    let mut findings = vec![ship, open, review, image];
    findings.extend(pipes);
    for (line, disposition) in dispositions.into_iter().enumerate() {
        let text = "a\n".repeat(9);
        let place = quote_at("a.yml", &text, line * 2..line * 2 + 1);
        let mut known = settled(&floating, place, "Image `a` is not fixed to a digest", "image a");
        known.disposition = Some(disposition);
        findings.push(known);
    }
    let unread = |path: &str, class, reason: &str| Unread { path: path.into(), class, reason: reason.into() };
    Report {
        history: None,
        findings,
        rules: vec![floating, piped, absent, skipped],
        unread: vec![
            unread("deploy/values.yaml", UnreadClass::Unparsed, "line 3: a mapping has two keys `image`"),
            unread("logs/all.txt", UnreadClass::TooLarge, "over 8 MiB"),
        ],
        files: FileCounts { read: 3, scanned: 9, binary: 1, unread: 2, unopened: 0 },
        taken_for: "an application with 1 GitHub workflow that deploys to production".into(),
        notes: vec!["2 lines of .plimsoll/baseline match nothing".into()],
        manuals: vec!["doc-009".into()],
        partial: false,
        revision: None,
    }
}

#[test]
fn rules_of_the_sample_are_sorted_as_those_of_a_run() {
    assert!(report().rules.is_sorted_by(|a, b| a.active.rule.id < b.active.rule.id));
    assert_eq!(report().count(Severity::Error), 3);
}
