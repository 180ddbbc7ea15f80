//! Dashboards that are declared, and how long logs are kept.

use super::last;
use crate::facts::{Dashboard, DashboardTopic, LogRetention, LogSort, Resource, System, Value};

const DASHBOARDS: &[&str] = &[
    "aws_cloudwatch_dashboard",
    "grafana_dashboard",
    "datadog_dashboard",
    "datadog_dashboard_json",
    "google_monitoring_dashboard",
    "azurerm_portal_dashboard",
    "azurerm_dashboard_grafana",
    "newrelic_one_dashboard",
    "newrelic_one_dashboard_json",
    "GrafanaDashboard",
    "AWS::CloudWatch::Dashboard",
];

pub(super) fn dashboard(resource: &Resource) -> Option<Dashboard> {
    let labelled = resource.sort == "ConfigMap"
        && resource.entries.iter().any(|e| e.path == "metadata.labels.grafana_dashboard");
    if !labelled && !DASHBOARDS.contains(&resource.sort.as_str()) {
        return None;
    }
    let mut words = resource.name.text();
    for entry in &resource.entries {
        words.push(' ');
        words.push_str(&entry.setting.text());
    }
    Some(Dashboard {
        place: resource.place,
        name: resource.name.text(),
        topics: topics(&words.to_ascii_lowercase()),
    })
}

/// Words of what dashboards ask for and are called.
const TOPICS: &[(DashboardTopic, &[&str])] = &[
    (DashboardTopic::Deployment, &["deploy", "argocd", "rollout", "release", "gotk_", "replicas_available"]),
    (
        DashboardTopic::Application,
        &[
            "latency",
            "error",
            "http_request",
            "request_duration",
            "requests_total",
            "5xx",
            "throughput",
            "response_time",
            "apdex",
            "targetresponsetime",
            "grpc_server",
        ],
    ),
    (
        DashboardTopic::Infrastructure,
        &["node_cpu", "container_cpu", "cpuutil", "cpu", "memory", "network_receive", "node_filesystem"],
    ),
    (
        DashboardTopic::Business,
        &[
            "revenue",
            "order",
            "payment",
            "checkout",
            "signup",
            "sign-up",
            "registration",
            "transactions",
            "conversion",
            "subscription",
            "purchases",
        ],
    ),
];

/// What a dashboard shows, by the words of its text in lower case.
pub(in crate::readers) fn topics(words: &str) -> Vec<DashboardTopic> {
    TOPICS.iter().filter(|(_, all)| all.iter().any(|w| words.contains(w))).map(|(topic, _)| *topic).collect()
}

/// What sort of log a name speaks of.
pub(in crate::readers) fn log_sort(name: &str) -> LogSort {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |all: &[&str]| words.iter().any(|w| all.contains(w));
    if has(&["audit", "auditlog", "auditlogs", "cloudtrail", "trail", "security", "compliance"]) {
        LogSort::Audit
    } else if has(&["lambda", "function", "forwarder", "shipper", "exporter"]) {
        // What handles logs of access writes its own.
        LogSort::Application
    } else if has(&[
        "access",
        "accesslog",
        "accesslogs",
        "alb",
        "elb",
        "nlb",
        "nginx",
        "vpc",
        "flow",
        "flowlog",
        "flowlogs",
        "waf",
        "cloudfront",
        "apigateway",
        "apache",
        "apache2",
        "httpd",
        "haproxy",
        "traefik",
        "envoy",
        "ingress",
    ]) {
        LogSort::Access
    } else if has(&[
        "deploy",
        "deployment",
        "deployments",
        "codebuild",
        "codepipeline",
        "codedeploy",
        "pipeline",
        "cicd",
        "ci",
        "build",
        "builds",
    ]) {
        LogSort::Deployment
    } else {
        LogSort::Application
    }
}

/// Blocks that keep logs, and where they say for how many days.
const KEEPERS: &[(&str, &str)] = &[
    ("aws_cloudwatch_log_group", "retention_in_days"),
    ("AWS::Logs::LogGroup", "RetentionInDays"),
    ("google_logging_project_bucket_config", "retention_days"),
    ("google_logging_organization_bucket_config", "retention_days"),
    ("google_logging_folder_bucket_config", "retention_days"),
    ("azurerm_log_analytics_workspace", "retention_in_days"),
    ("azurerm_application_insights", "retention_in_days"),
    ("azurerm_mssql_database_extended_auditing_policy", "retention_in_days"),
    ("azurerm_mssql_server_extended_auditing_policy", "retention_in_days"),
    ("azurerm_network_watcher_flow_log", "days"),
    ("aws_cloudtrail_event_data_store", "retention_period"),
    ("datadog_logs_index", "retention_days"),
    ("elasticstack_elasticsearch_index_lifecycle", "min_age"),
];

pub(super) fn retention(resource: &Resource) -> Option<LogRetention> {
    if resource.system == System::Kubernetes {
        return None;
    }
    let (_, key) = KEEPERS.iter().find(|(sort, _)| *sort == resource.sort)?;
    let entry = resource
        .entries
        .iter()
        .find(|e| e.key == *key && (*key != "min_age" || e.path.contains("delete")))?;
    let known = |written: &str| days(written).or_else(|| written.parse::<u32>().ok());
    let days = match &entry.setting {
        Value::Known(written) => match known(written) {
            Some(days) => Value::Known(days),
            None => Value::Expr(written.clone()),
        },
        other => Value::Expr(other.text()),
    };
    let named = last(resource, &["name", "LogGroupName"]).map(|e| e.setting.text()).unwrap_or_default();
    let auditing = if resource.sort.contains("audit") || resource.sort.contains("cloudtrail") {
        "audit"
    } else if resource.sort.contains("flow_log") {
        "flow"
    } else {
        ""
    };
    Some(LogRetention {
        place: entry.place,
        name: resource.title(),
        sort: log_sort(&format!("{auditing} {} {named}", resource.name.text())),
        days,
        target: resource.target.clone(),
    })
}

/// Whole days of a duration such as `7d`, `168h`, `4w`, `1y`; less than one is 1.
pub(in crate::readers) fn days(written: &str) -> Option<u32> {
    let written = written.trim();
    let unit = written.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = written[..unit].parse().ok()?;
    let days = match &written[unit..] {
        "d" | "days" | "day" => number,
        "h" | "hours" => number / 24.0,
        "m" | "min" => number / 1440.0,
        "s" => number / 86_400.0,
        "w" | "weeks" => number * 7.0,
        "y" => number * 365.0,
        _ => return None,
    };
    (days.is_finite() && (0.0..1e6).contains(&days)).then_some(if days > 0.0 {
        days.max(1.0) as u32
    } else {
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_become_days() {
        for (written, expected) in [
            ("168h", Some(7)),
            ("30d", Some(30)),
            ("0s", Some(0)),
            ("1y", Some(365)),
            ("x", None),
            ("7", None),
        ] {
            assert_eq!(days(written), expected, "{written}");
        }
    }
}
