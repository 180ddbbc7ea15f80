//! Findings that share a cause are one finding: the first place is it, the others are related.

use crate::finding::{Confidence, Severity, Verdict};
use crate::text::Span;
use std::collections::BTreeMap;

/// What a cause says of all its places.
pub(super) struct Cause {
    /// The finding's sentence.
    pub message: String,
    /// Label at the first place.
    pub label: &'static str,
    /// Label at the others.
    pub also: &'static str,
    /// Not worse than this.
    pub severity: Severity,
    /// Not surer than this.
    pub confidence: Confidence,
}

/// Places by the subject that they share.
#[derive(Default)]
pub(super) struct Causes(BTreeMap<String, (Cause, Vec<Span>)>);

/// Related places of one finding; more help nobody.
const MOST_RELATED: usize = 20;

impl Causes {
    /// Adds a place to the cause with this subject; the first call says what it is about.
    pub(super) fn add(&mut self, subject: String, place: Span, cause: impl FnOnce() -> Cause) {
        self.0.entry(subject).or_insert_with(|| (cause(), Vec::new())).1.push(place);
    }

    /// Says one finding for each cause, at its first place.
    pub(super) fn report(self, verdict: &mut Verdict) {
        for (subject, (cause, mut places)) in self.0 {
            places.sort();
            places.dedup();
            let Some((&first, others)) = places.split_first() else { continue };
            let finding = verdict.fail(first, subject, cause.message);
            finding.label(cause.label).at_most(cause.confidence);
            finding.severity = finding.severity.min(cause.severity);
            for &other in others.iter().take(MOST_RELATED) {
                finding.relate(other, cause.also);
            }
        }
    }
}
