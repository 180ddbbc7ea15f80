//! Everything that a run found, as one JSON object in UTF-8 with a line break at its end.
//!
//! `docs/json.md` describes the shape. `version` is 1; within a version keys are only added, never
//! removed or given another meaning. Lines and columns count from 1, columns in UTF-16 code units; the end
//! is just behind the last character. Two runs over the same files with the same policy give the same
//! bytes: there are no times, no random ids and no absolute paths.

use super::{Report, Style};
use crate::dispositions::{Disposition, Settled};
use crate::finding::FindingKind;
use crate::quote::Quote;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    tool: Tool,
    findings: Vec<Finding<'a>>,
    unread: Vec<Unread<'a>>,
    rules: Vec<Rule<'a>>,
    files: Files,
    manuals: &'a [String],
    taken_for: &'a str,
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct History {
    commits: usize,
    contents: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Introduced<'a> {
    commit: &'a str,
    date: Option<String>,
    path: &'a str,
    in_head: bool,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    clauses: Vec<&'a str>,
    /// Null unless `kind` is `fail`.
    level: Option<&'static str>,
    kind: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
    subject: &'a str,
    fingerprint: &'a str,
    confidence: &'static str,
    against: Option<&'a str>,
    /// Of a credential.
    certainty: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduced: Option<Introduced<'a>>,
    related: Vec<Related<'a>>,
    disposition: Option<Disposed<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Disposed<'a> {
    Allow { reason: &'a str, place: &'a str },
    Exception { id: &'a str, justification: &'a str, expires: &'a str },
    Baseline,
    Old,
}

#[derive(Serialize)]
struct Unread<'a> {
    path: &'a str,
    class: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: &'a str,
    level: &'static str,
    clauses: Vec<&'a str>,
    examined: usize,
    satisfied: usize,
    not_applicable: Option<&'a str>,
    not_judged: Option<&'a str>,
    crashed: bool,
}

#[derive(Serialize)]
struct Files {
    read: usize,
    scanned: usize,
    binary: usize,
    unread: usize,
    unopened: usize,
}

/// Writes the whole report; the style has no say.
pub(super) fn write(report: &Report, _: &Style) -> Vec<u8> {
    let counts = report.files;
    let document = Document {
        version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        findings: report.findings.iter().map(|s| finding(report, s)).collect(),
        unread: report
            .unread
            .iter()
            .map(|u| Unread { path: &u.path, class: u.class.name(), reason: &u.reason })
            .collect(),
        rules: report
            .rules
            .iter()
            .map(|r| Rule {
                id: &r.active.rule.id,
                level: r.active.severity.name(),
                clauses: clauses(report, &r.active.rule.id),
                examined: r.examined,
                satisfied: r.satisfied,
                not_applicable: r.not_applicable.as_deref(),
                not_judged: r.not_judged.as_deref(),
                crashed: r.crashed,
            })
            .collect(),
        files: Files {
            read: counts.read,
            scanned: counts.scanned,
            binary: counts.binary,
            unread: counts.unread,
            unopened: counts.unopened,
        },
        manuals: &report.manuals,
        taken_for: &report.taken_for,
        partial: report.partial,
        history: report.history.map(|h| History { commits: h.commits, contents: h.contents, bytes: h.bytes }),
        notes: &report.notes,
    };
    let mut bytes = serde_json::to_vec_pretty(&document).expect("strings and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

fn clauses<'a>(report: &'a Report, rule: &str) -> Vec<&'a str> {
    report.rule(rule).map_or_else(Vec::new, |r| r.active.rule.clauses.iter().map(|c| c.id.as_str()).collect())
}

fn finding<'a>(report: &'a Report, settled: &'a Settled) -> Finding<'a> {
    let finding = &settled.quoted.finding;
    Finding {
        rule: &finding.rule,
        clauses: clauses(report, &finding.rule),
        level: (finding.kind == FindingKind::Fail).then(|| finding.severity.name()),
        kind: finding.kind.name(),
        place: place(&settled.quoted.quote),
        message: &finding.message,
        subject: &finding.subject,
        fingerprint: &settled.quoted.fingerprint,
        confidence: finding.confidence.name(),
        against: finding.against.as_deref(),
        certainty: finding.certainty.map(|c| c.name()),
        introduced: finding.origin.as_ref().map(|origin| Introduced {
            commit: &origin.introduction.commit,
            date: origin.introduction.date.and_then(|date| date.written()),
            path: &origin.path,
            in_head: origin.in_head,
        }),
        related: settled
            .quoted
            .related
            .iter()
            .map(|(related, quote)| Related { place: place(quote), message: &related.message })
            .collect(),
        disposition: settled.disposition.as_ref().map(|d| match d {
            Disposition::Allow { reason, place } => Disposed::Allow { reason, place },
            Disposition::Exception { id, justification, expires } => {
                Disposed::Exception { id, justification, expires }
            }
            Disposition::Baseline => Disposed::Baseline,
            Disposition::Old => Disposed::Old,
        }),
    }
}

fn place(quote: &Quote) -> Place<'_> {
    Place {
        path: &quote.path,
        line: quote.start.line,
        column: quote.start.column,
        end_line: quote.end.line,
        end_column: quote.end.column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::Value;

    fn parsed(report: &Report) -> Value {
        serde_json::from_slice(&write(report, &Style::default())).unwrap()
    }

    #[test]
    fn a_failure_states_everything() {
        let finding = parsed(&sample::report())["findings"][0].clone();
        insta::assert_snapshot!(serde_json::to_string_pretty(&finding).unwrap(), @r#"
    {
      "rule": "staging-skipped",
      "clauses": [
        "DOC-009/10.e",
        "SPEC-0701/3.2"
      ],
      "level": "error",
      "kind": "fail",
      "path": ".github/workflows/cd.yml",
      "line": 8,
      "column": 3,
      "end_line": 8,
      "end_column": 7,
      "message": "Job `ship` deploys to production without a staging deploy before it",
      "subject": "job ship",
      "fingerprint": "00000000000000000000000000001fa7",
      "confidence": "high",
      "against": "a manual gate on the environment may order them",
      "certainty": null,
      "related": [
        {
          "path": ".github/workflows/cd.yml",
          "line": 4,
          "column": 3,
          "end_line": 4,
          "end_column": 11,
          "message": "staging deploys here"
        },
        {
          "path": "Dockerfile",
          "line": 1,
          "column": 1,
          "end_line": 1,
          "end_column": 5,
          "message": "both ship this image"
        }
      ],
      "disposition": null
    }
    "#);
    }

    #[test]
    fn only_failures_have_a_level() {
        for finding in parsed(&sample::report())["findings"].as_array().unwrap() {
            assert_eq!(finding["level"].is_null(), finding["kind"] != "fail", "{finding}");
        }
    }

    #[test]
    fn nothing_is_left_out() {
        let (report, json) = (sample::report(), parsed(&sample::report()));
        assert_eq!(json["findings"].as_array().unwrap().len(), report.findings.len());
        assert_eq!(json["unread"].as_array().unwrap().len(), report.unread.len());
        let kinds: Vec<&Value> =
            json["findings"].as_array().unwrap().iter().map(|f| &f["disposition"]["kind"]).collect();
        for kind in ["allow", "exception", "baseline", "old"] {
            assert!(kinds.iter().any(|k| **k == kind), "{kind}");
        }
    }

    #[test]
    fn the_document_describes_every_key() {
        fn keys(value: &Value, out: &mut std::collections::BTreeSet<String>) {
            match value {
                Value::Object(object) => object.iter().for_each(|(key, value)| {
                    out.insert(key.clone());
                    keys(value, out);
                }),
                Value::Array(array) => array.iter().for_each(|value| keys(value, out)),
                _ => {}
            }
        }
        let mut all = std::collections::BTreeSet::new();
        keys(&parsed(&sample::report()), &mut all);
        let document = include_str!("../../docs/json.md");
        for key in all {
            assert!(document.contains(&format!("`{key}`")), "docs/json.md says nothing of `{key}`");
        }
    }
}
