//! Counts marks that keep tests from running, one finding per file, and leaves out what runs elsewhere.

use super::samples::no_worse_than;
use crate::facts::{Repository, TestMark, TestMarkKind};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::BTreeMap;

/// The most further places that one finding lists.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Rust's `#[ignore]` marks long tests, which a run of their own asks for.
    let ignored_run =
        repository.commands().any(|(_, c)| c.has_flag(&["--ignored", "--include-ignored", "--run-ignored"]));
    let mut files: BTreeMap<FileId, Vec<&TestMark>> = BTreeMap::new();
    for mark in &repository.facts.test_marks {
        verdict.examined(mark.place);
        let silent = match mark.mark {
            TestMarkKind::Conditional => true,
            TestMarkKind::MayFail => mark.reason.is_some(),
            TestMarkKind::Focus => false,
            TestMarkKind::Skip => mark.words.starts_with("#[ignore") && ignored_run,
        };
        if silent || mark.tracked {
            verdict.satisfied(mark.place);
        } else {
            files.entry(mark.place.file).or_default().push(mark);
        }
    }
    for marks in files.into_values() {
        // A focus silences every other test of its file: it goes first.
        let focus = marks.iter().find(|m| m.mark == TestMarkKind::Focus);
        let mute = || marks.iter().find(|m| m.reason.is_none());
        let first = focus.or_else(mute).unwrap_or(&marks[0]);
        let path = repository.path(first.place);
        let rest = marks.len() - 1;
        let words = first.words.trim_matches('(').trim();
        let more = match rest {
            0 => String::new(),
            1 => " (and 1 more here)".to_owned(),
            n => format!(" (and {n} more here)"),
        };
        let message = match first.mark {
            TestMarkKind::Focus => format!("`{words}` in `{path}` keeps every other test from running{more}"),
            TestMarkKind::MayFail => {
                format!("`{words}` in `{path}` lets a test fail, and does not say why{more}")
            }
            _ if first.reason.is_none() => {
                format!("`{words}` in `{path}` keeps a test from running, and does not say why{more}")
            }
            _ => format!("`{words}` in `{path}` keeps a test from running, and names no issue{more}"),
        };
        let confidence =
            if first.mark == TestMarkKind::Focus { Confidence::High } else { Confidence::Medium };
        let finding = verdict.fail(first.place, format!("marks {words}"), message);
        finding.at_most(confidence).label("does not run");
        if first.mark == TestMarkKind::Skip && first.reason.is_some() {
            no_worse_than(finding, Severity::Note).against("it says why");
        }
        for mark in marks.iter().filter(|m| m.place != first.place).take(MOST_PLACES) {
            finding.relate(mark.place, "nor does this");
        }
    }
}
