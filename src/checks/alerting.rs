//! Alerts, dashboards, and how long logs are kept.

use super::merged::{Cause, Causes};
use super::sentences::listed;
use super::services::{Service, services};
use crate::facts::{
    Alert, DashboardTopic, EffectKind, LimitUnit, LogSort, PracticeKind, Repository, Signal, Stage, Target,
    Value, folder_of,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// Whether what holds for this environment concerns users.
fn lasts(target: Option<&Target>) -> bool {
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    !target.is_some_and(|t| t.stage.possible().iter().all(apart) && !t.stage.possible().is_empty())
}

fn is_own(repository: &Repository, place: Span) -> bool {
    repository.is_own(place)
}

/// Alerts of this repository's own that concern users.
fn alerts(repository: &Repository) -> impl Iterator<Item = &Alert> {
    let all = repository.facts.alerts.iter();
    all.filter(|a| lasts(a.target.as_ref()) && is_own(repository, a.place))
}

/// Where an absence is stated: at what is there of its kind, else at a service.
fn anchor(first: Option<Span>, services: &[Service<'_>]) -> Option<Span> {
    first.or_else(|| services.first().map(|s| s.web.place))
}

fn uses(repository: &Repository, wanted: PracticeKind) -> bool {
    repository.facts.practices.iter().any(|p| p.practice == wanted && is_own(repository, p.place))
}

const NO_SERVICE: &str = "no file here names a program that answers requests and runs somewhere, or an alert";

/// Signals that nothing here watches.
pub(super) fn rules(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let services = services(repository);
    let all: Vec<&Alert> = alerts(repository).collect();
    let Some(place) = anchor(all.first().map(|a| a.place), &services) else {
        return verdict.not_applicable(NO_SERVICE);
    };
    let latency: &[Signal] = &[Signal::Latency, Signal::LatencyP50, Signal::LatencyP99];
    let mut wanted: Vec<(&str, &[Signal])> = vec![
        ("the error rate", &[Signal::ErrorRate, Signal::ErrorLog]),
        ("latency", latency),
        ("failed health checks", &[Signal::Health]),
        ("processors", &[Signal::Cpu]),
        ("memory", &[Signal::Memory]),
    ];
    if uses(repository, PracticeKind::Jobs) {
        wanted.push(("the depth of queues", &[Signal::QueueDepth]));
    }
    let mut missing = Vec::new();
    for (what, signals) in wanted {
        match all.iter().find(|a| signals.contains(&a.signal)) {
            Some(alert) => verdict.satisfied(alert.place),
            None => missing.push(what),
        }
    }
    if missing.is_empty() {
        return;
    }
    let message = format!("No alert here looks at {}", listed(&missing, "or"));
    let finding = verdict.open(place, "alert rules", message);
    finding.label(if all.is_empty() { "runs without an alert" } else { "the alerts that are here" });
    finding.against("alerts may be kept outside the repository");
}

/// Alerts with their limits, by what they look at, what the limit counts, and what is measured.
type Groups<'r> = BTreeMap<(Signal, LimitUnit, &'r str), Vec<(&'r Alert, f64)>>;

/// Alerts that fire later than they may. Of several on one thing the strictest counts: others call louder.
pub(super) fn thresholds(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let mut groups: Groups<'_> = BTreeMap::new();
    for alert in alerts(repository) {
        match (alert.limit, alert.unit) {
            (Some(limit), Some(unit)) => {
                groups.entry((alert.signal, unit, &alert.scope)).or_default().push((alert, limit));
            }
            _ => verdict.examined(alert.place),
        }
    }
    for ((signal, unit, scope), mut all) in groups {
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.place.cmp(&b.0.place)));
        let Some((what, most)) = allowed(parameters, signal, unit) else { continue };
        let (strictest, limit) = all[0];
        if limit <= most + 1e-9 {
            verdict.satisfied(strictest.limit_place);
            continue;
        }
        let message = match unit {
            LimitUnit::Times => {
                format!(
                    "Alert `{}` waits for {}-fold {what}, and {} is the limit",
                    strictest.name,
                    shown(limit),
                    shown(most)
                )
            }
            _ => format!(
                "Alert `{}` waits for {} % {what}, and {} % is the limit",
                strictest.name,
                shown(limit),
                shown(most)
            ),
        };
        let finding = verdict.fail(strictest.limit_place, format!("{signal} {scope}"), message);
        finding.label("fires no earlier").at_most(Confidence::Medium);
        for (alert, _) in all.iter().skip(1).take(8) {
            finding.relate(alert.limit_place, "fires later still");
        }
        if signal == Signal::ErrorRate {
            finding.against("the limit counts from the baseline, which is not known here");
        }
    }
}

fn allowed(parameters: &Parameters, signal: Signal, unit: LimitUnit) -> Option<(&'static str, f64)> {
    match (signal, unit) {
        (Signal::ErrorRate, LimitUnit::Percent) => {
            Some(("of failures", parameters.alert_error_rate.value().0))
        }
        (Signal::LatencyP50, LimitUnit::Growth) => {
            Some(("growth of median latency", parameters.alert_p50.value().0))
        }
        (Signal::LatencyP99, LimitUnit::Growth) => {
            Some(("growth of the highest latencies", parameters.alert_p99.value().0))
        }
        (Signal::Cpu, LimitUnit::Percent) => Some(("use of processors", parameters.alert_cpu.value().0)),
        (Signal::Memory, LimitUnit::Percent) => Some(("use of memory", parameters.alert_memory.value().0)),
        (Signal::QueueDepth, LimitUnit::Times) => {
            Some(("depth of the queue", parameters.alert_queue.value().0))
        }
        _ => None,
    }
}

/// A number as people write it: `5`, `0.5`, `1.44`.
fn shown(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Logs whose entries nobody is told of.
pub(super) fn log_alerts(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let services = services(repository);
    let all: Vec<&Alert> = alerts(repository).collect();
    let kept = repository.facts.log_retentions.iter().find(|l| is_own(repository, l.place)).map(|l| l.place);
    let Some(place) = anchor(all.first().map(|a| a.place).or(kept), &services) else {
        return verdict.not_applicable(NO_SERVICE);
    };
    let alert = |wanted: Signal| all.iter().find(|a| a.signal == wanted).map(|a| a.place);
    let resource = |sorts: &[&str]| {
        let all = super::rollouts::own(repository);
        all.into_iter().find(|r| sorts.contains(&r.sort.as_str())).map(|r| r.place)
    };
    let tracker = || {
        let all = repository.facts.practices.iter();
        all.filter(|p| p.practice == PracticeKind::ErrorTracker)
            .map(|p| p.place)
            .find(|p| is_own(repository, *p))
    };
    let told = || {
        let steps = repository.steps().find(|(_, job, step)| {
            let failing = |c: Option<&crate::facts::Condition>| c.is_some_and(|c| c.on_failure || c.always);
            step.all_effects().any(|e| e.effect == EffectKind::Notify)
                && (failing(step.condition.as_ref()) || failing(job.condition.as_ref()))
        });
        steps.map(|(_, _, step)| step.place)
    };
    let wanted = [
        ("errors of applications", alert(Signal::ErrorLog).or_else(tracker)),
        ("unusual access", alert(Signal::Access)),
        (
            "security events",
            alert(Signal::Security).or_else(|| {
                resource(&[
                    "aws_guardduty_detector",
                    "aws_securityhub_account",
                    "google_scc_notification_config",
                    "azurerm_security_center_contact",
                ])
            }),
        ),
        ("deploys that fail", alert(Signal::DeployFailure).or_else(told)),
    ];
    let mut missing = Vec::new();
    for (what, found) in wanted {
        match found {
            Some(place) => verdict.satisfied(place),
            None => missing.push(what),
        }
    }
    if missing.is_empty() {
        return;
    }
    let message = format!("No alert here tells of {}", listed(&missing, "or"));
    let finding = verdict.open(place, "alerts on logs", message);
    finding.label(if all.is_empty() { "what it logs calls nobody" } else { "the alerts that are here" });
    finding.against("alerts may be kept outside the repository");
}

/// Dashboards that are not provisioned.
pub(super) fn dashboards(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let services = services(repository);
    let all: Vec<_> = repository.facts.dashboards.iter().filter(|d| is_own(repository, d.place)).collect();
    let Some(place) = anchor(all.first().map(|d| d.place), &services) else {
        return verdict.not_applicable(NO_SERVICE);
    };
    let mut missing = Vec::new();
    for (topic, what) in [
        (DashboardTopic::Deployment, "deploys"),
        (DashboardTopic::Application, "latency, errors and traffic"),
        (DashboardTopic::Infrastructure, "processors, memory and network"),
        (DashboardTopic::Business, "transactions and revenue"),
    ] {
        match all.iter().find(|d| d.topics.contains(&topic)) {
            Some(dashboard) => verdict.satisfied(dashboard.place),
            None => missing.push(what),
        }
    }
    if missing.is_empty() {
        return;
    }
    let message = match all.is_empty() {
        true => "No dashboard here shows how the service does".to_owned(),
        false => format!("No dashboard here shows {}", listed(&missing, "or")),
    };
    let finding = verdict.open(place, "dashboards", message);
    finding.label(if all.is_empty() { "answers requests by this" } else { "the dashboards that are here" });
    finding.against("dashboards may be kept in the tool that shows them");
}

/// Logs that are gone before they may be.
pub(super) fn retention(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for kept in repository.facts.log_retentions.iter().filter(|l| is_own(repository, l.place)) {
        let Value::Known(days) = kept.days else {
            verdict.examined(kept.place);
            continue;
        };
        let (what, least) = match kept.sort {
            LogSort::Application => ("an application", parameters.retention_application_log.value().0),
            LogSort::Access => ("access", parameters.retention_access_log.value().0),
            LogSort::Audit => ("an audit", parameters.retention_audit_log.value().0),
            LogSort::Deployment => ("deploys", parameters.retention_deployment_log.value().0),
        };
        if days == 0 || days >= least {
            verdict.satisfied(kept.place);
            continue;
        }
        if !lasts(kept.target.as_ref()) {
            continue;
        }
        let path = repository.path(kept.place);
        let folder = folder_of(path);
        let subject = format!("{} logs for {days} days in {folder}", kept.sort);
        let day = if days == 1 { "day" } else { "days" };
        causes.add(subject, kept.place, || Cause {
            message: format!("`{}` keeps logs of {what} for {days} {day} instead of {least}", kept.name),
            label: "then they are gone",
            also: "these too",
            severity: Severity::Error,
            confidence: Confidence::Medium,
        });
    }
    causes.report(verdict);
}
