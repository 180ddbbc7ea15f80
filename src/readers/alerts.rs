//! Alerts, dashboards and the keeping of logs, wherever they are declared.

mod kept;
mod signals;

use crate::facts::{Alert, Facts, LimitUnit, Resource, Setting, Signal, Target};
use crate::syntax::tree::{Kind, Node, Step};
use crate::text::Span;
use kept::{dashboard, retention};
use signals::{limit, scope, signal};

pub(super) use kept::{days, log_sort, topics};

/// More alerts of one file tell nothing more.
const MOST_ALERTS: usize = 2_000;

/// Alerts of Prometheus' rule files, of objects and values that hold them: every mapping with `alert` and `expr`.
/// `offset` is where the document begins in its file.
/// <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>
pub(super) fn of_document(document: Node<'_>, offset: usize, target: Option<&Target>, facts: &mut Facts) {
    let behind = |s: Span| Span::new(s.file, offset + s.start as usize..offset + s.end as usize);
    let mut open = vec![document];
    while let Some(node) = open.pop() {
        if facts.alerts.len() >= MOST_ALERTS {
            return;
        }
        match node.kind() {
            Kind::Mapping if !node.is_alias() => {
                let text = |key: &str| node.get(key).filter(|n| n.kind() == Kind::Scalar);
                if let (Some(name), Some(expression)) = (text("alert"), text("expr")) {
                    let (title, written) = (name.as_str().unwrap_or(""), expression.as_str().unwrap_or(""));
                    facts.alerts.push(alert(
                        title,
                        behind(name.span()),
                        written,
                        behind(expression.span()),
                        target,
                    ));
                } else if let (Some(name), Some(_), Some(data)) =
                    (text("title"), text("condition"), node.get("data"))
                {
                    // <https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/>
                    let asked =
                        data.leaves().find(|l| matches!(l.path.last(), Some(Step::Key("expr" | "query"))));
                    let written = asked.and_then(|l| l.node.as_str()).unwrap_or("");
                    let (title, place) = (name.as_str().unwrap_or(""), behind(name.span()));
                    let limit =
                        Alert { limit: None, unit: None, ..alert(title, place, written, place, target) };
                    facts.alerts.push(limit);
                } else {
                    open.extend(node.entries().map(|(_, value)| value));
                }
            }
            Kind::Sequence if !node.is_alias() => open.extend(node.items()),
            _ => {}
        }
    }
}

fn alert(name: &str, place: Span, expression: &str, limit_place: Span, target: Option<&Target>) -> Alert {
    let signal = signal(name, expression);
    let limit = limit(signal, expression);
    Alert {
        place,
        name: name.to_owned(),
        signal,
        limit: limit.map(|l| l.0),
        unit: limit.map(|l| l.1),
        scope: scope(expression),
        target: target.cloned(),
        limit_place,
    }
}

/// What blocks and objects of infrastructure code declare. Needs every resource.
pub(super) fn of_resources(facts: &mut Facts) {
    let resources = std::mem::take(&mut facts.resources);
    for resource in resources.iter().filter(|r| r.block != "data") {
        if let Some(alert) = alarm(resource) {
            facts.alerts.push(alert);
        }
        if let Some(dashboard) = dashboard(resource) {
            facts.dashboards.push(dashboard);
        }
        if let Some(kept) = retention(resource) {
            facts.log_retentions.push(kept);
        }
    }
    facts.resources = resources;
    facts.alerts.sort_by_key(|a| a.place);
    facts.dashboards.sort_by_key(|d| d.place);
    facts.log_retentions.sort_by_key(|l| l.place);
}

/// Blocks that raise alerts.
const ALARMS: &[&str] = &[
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_composite_alarm",
    "datadog_monitor",
    "google_monitoring_alert_policy",
    "azurerm_monitor_metric_alert",
    "azurerm_monitor_scheduled_query_rules_alert",
    "azurerm_monitor_scheduled_query_rules_alert_v2",
    "grafana_rule_group",
    "newrelic_nrql_alert_condition",
    "newrelic_alert_condition",
    "pagerduty_service",
    "opsgenie_service",
    "AWS::CloudWatch::Alarm",
];

/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_metric_alarm>
fn alarm(resource: &Resource) -> Option<Alert> {
    if !ALARMS.contains(&resource.sort.as_str()) {
        return None;
    }
    let said = |keys: &[&str]| last(resource, keys).map(|s| s.setting.text());
    let name = said(&["alarm_name", "AlarmName", "name", "display_name"]).unwrap_or_default();
    let title = format!("{} {name}", resource.name.text());
    let all: Vec<String> = resource
        .entries
        .iter()
        .filter(|e| {
            matches!(
                e.key.as_str(),
                "metric_name"
                    | "MetricName"
                    | "query"
                    | "filter"
                    | "expression"
                    | "extended_statistic"
                    | "statistic"
                    | "pattern"
                    | "namespace"
                    | "Namespace"
                    | "expr"
                    | "alarm_description"
                    | "threshold_metric_id"
                    | "alarm_rule"
            )
        })
        .map(|e| e.setting.text())
        .collect();
    let all = all.join(" ");
    let signal = signal(&title, &all);
    let threshold = last(resource, &["threshold", "Threshold", "critical"]);
    let value = threshold.and_then(|t| t.setting.known()?.parse::<f64>().ok());
    let operator = said(&["comparison_operator", "ComparisonOperator"]).unwrap_or_default();
    let metric = said(&["metric_name", "MetricName"]).unwrap_or_default();
    let lower = metric.to_ascii_lowercase();
    // CloudWatch gives use of processors and memory in percent.
    let percent = lower.contains("utilization")
        || matches!(lower.as_str(), "cpu_percent" | "memory_percent" | "mem_used_percent");
    let limit = match signal {
        Signal::Cpu | Signal::Memory if percent && operator.starts_with("GreaterThan") => value,
        _ => match said(&["query"]) {
            Some(query) if resource.sort == "datadog_monitor" => {
                return Some(Alert {
                    name: title,
                    ..alert(
                        &resource.name.text(),
                        resource.place,
                        &query,
                        resource.place,
                        resource.target.as_ref(),
                    )
                });
            }
            _ => None,
        },
    };
    Some(Alert {
        place: resource.place,
        name: resource.name.text(),
        signal,
        limit,
        unit: limit.map(|_| LimitUnit::Percent),
        scope: said(&["namespace", "Namespace"]).unwrap_or_default(),
        target: resource.target.clone(),
        limit_place: threshold.map_or(resource.place, |t| t.place),
    })
}

/// The first entry whose key is one of these, in the order of the keys.
fn last<'r>(resource: &'r Resource, keys: &[&str]) -> Option<&'r Setting> {
    keys.iter().find_map(|key| resource.entries.iter().find(|e| e.key == *key))
}
