//! What makes a release go back: the signals that are looked at, and how far they may move.

use super::rollback_not_automated::undoes_itself;
use super::rollbacks::{first_deploy, pages};
use super::rollouts::own;
use crate::facts::{EffectKind, Repository, Resource, Setting, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

const SIGNALS: &[(&str, &[&str])] = &[
    (
        "errors",
        &["error", "5xx", "5..", "success-rate", "success rate", "success_rate", "failure rate", "exception"],
    ),
    (
        "latency",
        &[
            "latency",
            "p95",
            "p99",
            "response time",
            "response_time",
            "duration",
            "slow",
            "histogram_quantile",
            "responsetime",
        ],
    ),
    ("health checks", &["health", "readiness", "liveness", "probe", "crash", "smoke", "healthy"]),
    ("alerts", &["alert", "alarm", "pager"]),
    (
        "what customers meet",
        &[
            "customer",
            "business",
            "user impact",
            "users are affected",
            "user-facing",
            "revenue",
            "conversion",
            "complain",
            "support ticket",
            "impact",
        ],
    ),
];

/// Whether each signal makes a release go back, by an analysis or by a page.
pub(super) fn missing(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(job) = first_deploy(repository) else { return };
    let mut texts: Vec<(Span, String)> = Vec::new();
    for resource in own(repository).filter(|r| watches(r)) {
        let mut text = String::new();
        for entry in &resource.entries {
            text.push_str(&format!("{} {} ", entry.path, entry.setting.text()).to_ascii_lowercase());
        }
        texts.push((resource.place, text));
    }
    texts.extend(pages(repository).into_iter().filter(|p| p.read).map(|p| (p.place, p.text)));
    let flow = &repository.flow;
    let healthy = flow.with_effect(EffectKind::Deploy, Some(Stage::Production)).into_iter().any(|n| {
        let run = flow.run(n);
        undoes_itself(flow.job(n, &repository.facts.pipelines))
            || run.effects.iter().any(|e| e.effect == EffectKind::Verify)
                && run.effects.iter().any(|e| e.effect == EffectKind::RollBack)
    });
    let missing: Vec<&str> = SIGNALS
        .iter()
        .filter(|(name, words)| {
            let told = texts.iter().any(|(_, text)| words.iter().any(|w| text.contains(w)));
            let watched = healthy && *name == "health checks";
            !told && !watched
        })
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return verdict.satisfied(job.place);
    }
    let message = match missing.split_last() {
        Some((last, [])) => format!("Nothing here takes a release back for {last}"),
        Some((last, rest)) => format!("Nothing here takes a release back for {} or {last}", rest.join(", ")),
        None => return,
    };
    let finding = verdict.open(job.place, "signals", message);
    finding.label("deploys to production").against("monitors outside the repository may do it");
    for (place, _) in texts.iter().take(5) {
        finding.relate(*place, "looked at, and says nothing of it");
    }
}

/// Objects that watch a release and take it back.
fn watches(resource: &Resource) -> bool {
    matches!(
        resource.sort.as_str(),
        "AnalysisTemplate"
            | "ClusterAnalysisTemplate"
            | "Canary"
            | "MetricTemplate"
            | "aws_cloudwatch_metric_alarm"
            | "PrometheusRule"
    ) || resource.entries.iter().any(|e| e.path.contains("alarm_configuration"))
}

/// Limits beyond which a release goes back, where they are numbers.
pub(super) fn threshold(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let errors = parameters.rollback_trigger_error_rate.value().0;
    let latency = parameters.rollback_trigger_p99.value().0;
    for resource in own(repository) {
        let limits = match resource.sort.as_str() {
            "AnalysisTemplate" | "ClusterAnalysisTemplate" => analysis(resource),
            "Canary" => flagger(resource),
            "aws_cloudwatch_metric_alarm" if takes_back(repository, resource) => alarm(resource),
            _ => continue,
        };
        for limit in limits {
            let (most, what) = match limit.of {
                Signal::Errors => (errors, "of requests fail"),
                Signal::Latency => (latency, "of the usual P99 latency is reached"),
            };
            if limit.percent <= most + 1e-6 {
                verdict.satisfied(limit.place);
                continue;
            }
            let title = resource.title();
            let message = format!(
                "`{title}` takes a release back only when more than {} % {what}",
                short(limit.percent)
            );
            let subject = format!("limit {title} {}", limit.name);
            let finding = verdict.fail(limit.place, subject, message);
            finding.label(format!("{} % is the most that is asked for", short(most)));
        }
    }
}

fn short(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    format!("{rounded}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Errors,
    Latency,
}

struct Limit {
    of: Signal,
    /// The metric's name.
    name: String,
    place: Span,
    percent: f64,
}

/// <https://argo-rollouts.readthedocs.io/en/stable/features/analysis/>
fn analysis(resource: &Resource) -> Vec<Limit> {
    let mut found = Vec::new();
    for entry in &resource.entries {
        let condition = [(".successCondition", true), (".failureCondition", false)]
            .into_iter()
            .find_map(|(end, on_success)| Some((entry.path.strip_suffix(end)?, on_success)));
        let Some((metric, on_success)) = condition.filter(|(m, _)| m.starts_with("spec.metrics.")) else {
            continue;
        };
        let below =
            |e: &&Setting| e.path.strip_prefix(metric).is_some_and(|rest| rest.starts_with(".provider."));
        let query = resource
            .entries
            .iter()
            .filter(below)
            .filter(|e| e.key != "address")
            .filter_map(|e| e.setting.known().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        // Items of lists go by their names.
        let name = &metric["spec.metrics.".len()..];
        let Some(condition) = entry.setting.known() else { continue };
        if let Some((of, percent)) = limit_of(name, &query, condition, on_success) {
            found.push(Limit { of, name: format!("{name} {}", entry.key), place: entry.place, percent });
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Success,
    Errors,
}

/// What a metric's name and query say that it measures.
fn measure(name: &str, query: &str) -> Option<Measure> {
    let name = name.to_ascii_lowercase();
    let query = query.to_ascii_lowercase().replace([' ', '\''], "").replace("\\\"", "\"");
    if name.contains("success") || name.contains("availab") {
        return Some(Measure::Success);
    }
    let ratio = query.contains('/') || ["rate", "ratio", "percent", "pct"].iter().any(|w| name.contains(w));
    if ["error", "fail", "5xx"].iter().any(|w| name.contains(w)) {
        return ratio.then_some(Measure::Errors);
    }
    if !query.contains('/') {
        return None;
    }
    if query.contains("!~\"5") {
        Some(Measure::Success)
    } else if query.contains("=~\"5") {
        Some(Measure::Errors)
    } else {
        None
    }
}

/// The share of failed requests, or the growth of latency, that a condition lets pass; in percent.
fn limit_of(name: &str, query: &str, condition: &str, on_success: bool) -> Option<(Signal, f64)> {
    let (above, value) = comparison(condition)?;
    let lower = format!("{name} {query}").to_ascii_lowercase();
    let percent = lower.contains("percent") || query.replace(' ', "").contains("*100");
    if lower.contains("0.99") || lower.contains("p99") {
        let compared = query.contains('/')
            && (query.matches("0.99").count() > 1
                || ["baseline", "stable", "offset"].iter().any(|w| lower.contains(w)));
        if !compared || above == on_success {
            return None;
        }
        return Some((Signal::Latency, if percent { value } else { value * 100.0 }));
    }
    let share = if percent || value > 1.0 { value } else { value * 100.0 };
    match (measure(name, query)?, above == on_success) {
        (Measure::Success, true) if (0.0..=100.0).contains(&share) => Some((Signal::Errors, 100.0 - share)),
        // A limit above one that nothing calls a percentage may be a number of errors.
        (Measure::Errors, false) if percent || value <= 1.0 => Some((Signal::Errors, share)),
        _ => None,
    }
}

/// The one comparison of a condition with a number: whether it asks for more, and the number. With several, which
/// of them decides is not to be told.
fn comparison(condition: &str) -> Option<(bool, f64)> {
    let mut found = None;
    let bytes = condition.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let above = match byte {
            b'>' => true,
            b'<' => false,
            _ => continue,
        };
        let rest = condition[at + 1..].trim_start_matches('=').trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        if found.replace((above, number)).is_some() {
            return None;
        }
    }
    found
}

/// <https://docs.flagger.app/usage/metrics>
fn flagger(resource: &Resource) -> Vec<Limit> {
    let mut found = Vec::new();
    for entry in &resource.entries {
        let Some(rest) = entry.path.strip_prefix("spec.analysis.metrics.") else { continue };
        let Some((name, least)) =
            [(".thresholdRange.min", true), (".threshold", true), (".thresholdRange.max", false)]
                .into_iter()
                .find_map(|(end, least)| Some((rest.strip_suffix(end)?, least)))
        else {
            continue;
        };
        let Some(value) = entry.setting.known().and_then(|v| v.parse::<f64>().ok()) else { continue };
        let lower = name.to_ascii_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        let percent = if lower.contains("success") && least {
            100.0 - value
        } else if any(&["error", "fail", "5xx"]) && any(&["rate", "ratio", "percent"]) && !least {
            // A rate up to one may be a share or a percentage: taken as the latter, it is none to complain of.
            value
        } else {
            continue;
        };
        if (0.0..=100.0).contains(&percent) {
            found.push(Limit { of: Signal::Errors, name: name.to_owned(), place: entry.place, percent });
        }
    }
    found
}

/// Whether a deployment group or a service goes back by this alarm.
fn takes_back(repository: &Repository, alarm: &Resource) -> bool {
    let block = format!("aws_cloudwatch_metric_alarm.{}", alarm.name.text());
    let name = alarm.entry("alarm_name").and_then(|e| e.setting.known());
    own(repository)
        .filter(|r| matches!(r.sort.as_str(), "aws_codedeploy_deployment_group" | "aws_ecs_service"))
        .flat_map(|r| &r.entries)
        .filter(|e| e.path.contains("alarm"))
        .any(|e| e.setting.text().contains(&block) || name.is_some_and(|n| e.setting.known() == Some(n)))
}

/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_metric_alarm>
fn alarm(resource: &Resource) -> Vec<Limit> {
    let Some(entry) = resource.entry("threshold") else { return Vec::new() };
    let Some(value) = entry.setting.known().and_then(|v| v.parse::<f64>().ok()) else { return Vec::new() };
    let above =
        resource.entry("comparison_operator").is_some_and(|e| e.setting.text().starts_with("GreaterThan"));
    let expression =
        resource.entries.iter().find(|e| e.key == "expression").map(|e| e.setting.text().to_owned());
    let metric =
        resource.entries.iter().find(|e| e.key == "metric_name").map(|e| e.setting.text().to_owned());
    let metric = metric.unwrap_or_default();
    let percent = match (&expression, metric.as_str()) {
        (Some(math), _) if math.contains('/') => {
            if math.replace(' ', "").contains("100") {
                value
            } else {
                value * 100.0
            }
        }
        // Averages of these are shares of requests.
        (None, "5XXError" | "5xxError") => value * 100.0,
        (None, "5xxErrorRate" | "TotalErrorRate") => value,
        _ => return Vec::new(),
    };
    let errors = expression.is_none()
        || resource.entries.iter().any(|e| {
            let text = e.setting.text().to_ascii_lowercase();
            text.contains("5xx") || text.contains("error")
        });
    if above && errors {
        vec![Limit { of: Signal::Errors, name: metric, place: entry.place, percent }]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_shares_of_failed_requests() {
        let success =
            r#"sum(rate(http_requests_total{code!~"5.."}[5m])) / sum(rate(http_requests_total[5m]))"#;
        let errors =
            r#"sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))"#;
        let growth = "histogram_quantile(0.99, a) / histogram_quantile(0.99, a offset 1h)";
        for (name, query, condition, on_success, expected) in [
            ("success-rate", success, "result[0] >= 0.95", true, Some((Signal::Errors, 5.0))),
            ("success-rate", success, "result[0] >= 99", true, Some((Signal::Errors, 1.0))),
            ("requests", success, "len(result) == 0 || result[0] > 0.99", true, Some((Signal::Errors, 1.0))),
            ("error-rate", errors, "result[0] < 0.05", true, Some((Signal::Errors, 5.0))),
            ("error-rate", errors, "result[0] >= 0.1", false, Some((Signal::Errors, 10.0))),
            ("errors", "sum(rate(errors_total[5m]))", "result[0] < 5", true, None),
            ("error-rate", "errors per second", "result[0] < 5", true, None),
            ("error-percentage", errors, "result[0] <= 5", true, Some((Signal::Errors, 5.0))),
            ("p99-growth", growth, "result[0] < 4", true, Some((Signal::Latency, 400.0))),
            ("p99", "histogram_quantile(0.99, a)", "result[0] < 4", true, None),
            ("success-rate", success, "result[0] >= 0.5 && result[0] <= 1", true, None),
            ("success-rate", success, "result[0] >= {{args.limit}}", true, None),
        ] {
            let found = limit_of(name, query, condition, on_success);
            let shown = found.map(|(of, percent)| (of, (percent * 1000.0).round() / 1000.0));
            assert_eq!(shown, expected, "{name} {condition}");
        }
    }
}
