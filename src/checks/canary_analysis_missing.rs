//! Canaries that nobody watches, or that watch only a part of what can go wrong.

use super::rollouts::{canaries, own};
use crate::facts::Repository;
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for canary in canaries(repository).iter().filter(|c| c.watches_itself) {
        let title = canary.resource.title();
        let subject = format!("canary {title}");
        if !canary.watched {
            let message = format!("Canary `{title}` goes on to all traffic whatever its metrics say");
            let finding = verdict.fail(canary.place, subject, message);
            finding.label("no analysis and no limit");
            if canary.resource.entries.iter().any(|e| e.path.contains(".pause")) {
                finding
                    .at_most(Confidence::Medium)
                    .against("somebody may look at the metrics while it pauses");
            }
            continue;
        }
        let endless = canary.resource.sort == "Canary"
            && canary.resource.entries.iter().any(|e| e.path.starts_with("spec.analysis."))
            && canary.resource.entry("spec.analysis.threshold").is_none();
        if endless {
            let message = format!("Canary `{title}` has no number of failed checks after which it goes back");
            verdict.fail(canary.place, subject, message).label("`threshold` is not set");
        } else {
            verdict.satisfied(canary.place);
        }
    }
    for template in
        own(repository).filter(|r| matches!(r.sort.as_str(), "AnalysisTemplate" | "ClusterAnalysisTemplate"))
    {
        let text: String = template
            .entries
            .iter()
            .map(|e| format!("{} {} ", e.path, e.setting.text()))
            .collect::<String>()
            .to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
        let mut missing = Vec::new();
        if !has(&["error", "success", "failure_rate", "5..", "status", "http_requests"]) {
            missing.push("errors");
        }
        if !has(&[
            "latency",
            "duration",
            "p95",
            "p99",
            "response_time",
            "seconds_bucket",
            "histogram_quantile",
        ]) {
            missing.push("latency");
        }
        // One template may look at one thing; others watch the rest.
        if missing.len() == 2 {
            let title = template.title();
            let message = format!("Nothing here shows that `{title}` looks at errors or latency");
            verdict.open(template.place, format!("analysis {title}"), message);
        }
    }
}
