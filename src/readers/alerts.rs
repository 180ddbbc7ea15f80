//! Alerts, dashboards and the keeping of logs, wherever they are declared.
//!
//! Of an expression only the comparison at its end is understood: `… > 0.05`. What its number counts is told by the
//! expression's shape, and where that does not tell, there is no limit.

use crate::facts::{
    Alert, Dashboard, DashboardTopic, Facts, LimitUnit, LogRetention, LogSort, Resource, Setting, Signal,
    System, Target, Value,
};
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;

/// More alerts of one file tell nothing more.
const MOST_ALERTS: usize = 2_000;

/// Words of names and expressions, the first row that is met tells: what is special before what is common.
const SIGNALS: &[(Signal, &[&str])] = &[
    (
        Signal::DeployFailure,
        &[
            "deployfail",
            "deploymentfail",
            "rolloutstuck",
            "rolloutfail",
            "argocdapp",
            "argo_app",
            "argocd_app",
            "sync_status",
            "deploymentreplicasmismatch",
            "deploymentgenerationmismatch",
            "pipelinefail",
            "codepipeline",
            "codebuild",
            "codedeploy",
            "releasefail",
            "helmreleasenotready",
            "gotk_reconcile",
            "reconciliationfail",
            "pipeline_fail",
            "deployment_fail",
            "deploy_fail",
            "rollout_stuck",
            "failed deploy",
            "deploy fail",
            "deployment fail",
        ],
    ),
    (
        Signal::Security,
        &[
            "security",
            "unauthorized",
            "unauthorised",
            "rootaccount",
            "root account",
            "rootlogin",
            "iampolicy",
            "iam policy",
            "iamchange",
            "iam_change",
            "bruteforce",
            "brute force",
            "intrusion",
            "guardduty",
            "nomfa",
            "no_mfa",
            "without mfa",
            "loginfail",
            "login_fail",
            "failed login",
            "failed_login",
            "accessdenied",
            "access denied",
            "privilege",
            "cloudtrail",
            "waf",
            "falco",
            "securityhub",
            "authfail",
            "auth_fail",
            "console sign",
        ],
    ),
    (
        Signal::Access,
        &[
            "anomal",
            "ratelimit",
            "rate_limit",
            "toomanyrequests",
            "http_429",
            "http429",
            "suspicious",
            "unusual",
            "trafficspike",
            "requestspike",
            "highrequestrate",
            "4xx",
        ],
    ),
    (
        Signal::ErrorLog,
        &[
            "logerror",
            "log_error",
            "errorlog",
            "error_log",
            "log_messages_total",
            "logback_events",
            "logentries",
            "log errors",
            "errors in log",
            "log_entries",
            "logged_error",
            "|= \"error\"",
            "|= `error`",
            "level=\"error\"",
            "level=~\"error",
            "log_metric",
            "application-error",
            "applicationerror",
            "app_error",
            "error count",
        ],
    ),
    (
        Signal::QueueDepth,
        &[
            "queue",
            "backlog",
            "consumer_lag",
            "consumerlag",
            "kafka_consumergroup_lag",
            "approximatenumberofmessages",
            "messages_ready",
            "pending_messages",
            "num_undelivered_messages",
            "activemessage",
            "sidekiq",
            "celery",
            "ageofoldestmessage",
            "oldestmessage",
        ],
    ),
    (Signal::Memory, &["memory", "memavailable", "mem_used", "memused", "heap", "oomkill", "mem_percent"]),
    (Signal::Cpu, &["cpu", "processor", "load_average", "node_load", "loadavg"]),
    (Signal::LatencyP99, &["p99", "0.99", "p95", "0.95", "99th", "95th", "percentile"]),
    (Signal::LatencyP50, &["p50", "0.50", "0.5,", "median"]),
    (
        Signal::Latency,
        &[
            "latency",
            "responsetime",
            "response_time",
            "duration_seconds",
            "slowre",
            "slow_re",
            "targetresponsetime",
            "slow response",
            "request_duration",
            "throughput",
            "duration",
        ],
    ),
    (
        Signal::ErrorRate,
        &[
            "5xx",
            "5..",
            "errorrate",
            "error_rate",
            "error rate",
            "errorratio",
            "error_ratio",
            "errorbudget",
            "error_budget",
            "httperror",
            "http_error",
            "failedrequest",
            "request_fail",
            "successrate",
            "success_rate",
            "_errors_total",
            "httpcode_",
            "errors",
            "exceptions",
            "status=~\"5",
            "code=~\"5",
            "error budget",
            "burnrate",
            "5\\\\d",
        ],
    ),
    (
        Signal::Health,
        &[
            "unhealthy",
            "healthy",
            "health",
            "crashloop",
            "notready",
            "not_ready",
            "podrestart",
            "restarts_total",
            "up ==",
            "up==",
            "absent(",
            "probe_success",
            "instancedown",
            "instance_down",
            "targetdown",
            "target_down",
            "servicedown",
            "statuscheckfailed",
            "availability",
            "uptime",
            "heartbeat",
            "down",
            "runningtaskcount",
            "synthetics",
            "is_up",
            "replicas_unavailable",
            "ping",
        ],
    ),
];

/// Words of alerts on processors and memory that look at something else than their use.
const APART: &[&str] = &["throttl", "overcommit", "quota", "steal", "iowait", "swap", "pagefault", "oomkill"];

/// What an alert looks at, by its name first: an expression speaks of many things.
fn signal(name: &str, expression: &str) -> Signal {
    let (name, expression) = (name.to_ascii_lowercase(), expression.to_ascii_lowercase());
    // Names are written in every case: `HighErrorRate`, `high-error-rate`, `High error rate`.
    let squeezed: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let of_name = |words: &[&str]| words.iter().any(|w| name.contains(w) || squeezed.contains(w));
    let by_name = SIGNALS.iter().find(|(_, words)| of_name(words)).map(|(signal, _)| *signal);
    let of_expression = |wanted: &dyn Fn(Signal) -> bool| {
        SIGNALS
            .iter()
            .filter(|(s, _)| wanted(*s))
            .find(|(_, words)| words.iter().any(|w| expression.contains(w)))
    };
    match by_name {
        // Which latency it is stands in the expression.
        Some(Signal::Latency) => {
            let exact = of_expression(&|s| matches!(s, Signal::LatencyP50 | Signal::LatencyP99));
            exact.map_or(Signal::Latency, |(signal, _)| *signal)
        }
        // Not how much of them is used, but how it is shared out.
        Some(Signal::Cpu | Signal::Memory) if APART.iter().any(|w| squeezed.contains(w)) => Signal::Other,
        Some(signal) => signal,
        None => of_expression(&|_| true).map_or(Signal::Other, |(signal, _)| *signal),
    }
}

/// The comparison at an expression's end: the operator, and the number behind it.
fn comparison(expression: &str) -> Option<(&str, bool, f64)> {
    let trimmed = expression.trim_end().trim_end_matches(')').trim_end();
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '_' | '*' | '(' | ')' | ' ' | '/');
    let from = trimmed.rfind(|c: char| !digits(c)).map_or(0, |i| i + 1);
    let number = trimmed.get(from..)?.trim();
    let left = trimmed.get(..from)?.trim_end();
    let (left, above) = if let Some(left) = left.strip_suffix(">=").or(left.strip_suffix('>')) {
        (left, true)
    } else if let Some(left) = left.strip_suffix("<=").or(left.strip_suffix('<')) {
        (left, false)
    } else {
        return None;
    };
    // `(14.4 * 0.001)`, `85 / 100`
    let number = number.trim_matches(['(', ')', ' ']);
    let value = match (number.split_once('*'), number.split_once('/')) {
        (Some((a, b)), _) => a.trim().parse::<f64>().ok()? * b.trim().parse::<f64>().ok()?,
        (_, Some((a, b))) => a.trim().parse::<f64>().ok()? / b.trim().parse::<f64>().ok()?,
        _ => number.parse::<f64>().ok()?,
    };
    Some((left, above, value)).filter(|(.., v)| v.is_finite())
}

/// What the number behind a comparison counts, as a share of all there is or as growth.
fn limit(signal: Signal, expression: &str) -> Option<(f64, LimitUnit)> {
    // Several comparisons: which of them holds it back is not told.
    let joined = [" and ", " or ", " unless ", "\nand ", "\nor "].iter().any(|w| expression.contains(w));
    let (left, above, value) = comparison(expression).filter(|_| !joined)?;
    let lower = left.to_ascii_lowercase();
    let against_earlier = lower.contains(" offset ") && lower.contains('/');
    match signal {
        Signal::ErrorRate | Signal::Cpu | Signal::Memory => {
            // Errors of requests, not those of a tool among its own tasks.
            const REQUESTS: &[&str] = &["http", "request", "grpc", "response", "5xx", "5..", "ratio"];
            if signal == Signal::ErrorRate && !REQUESTS.iter().any(|w| lower.contains(w)) {
                return None;
            }
            if against_earlier || lower.contains(" offset ") {
                return None;
            }
            let percent = if lower.contains("* 100")
                || lower.contains("*100")
                || lower.contains("100 *")
                || lower.contains("100*")
                || lower.contains("percent")
            {
                value
            } else if value <= 1.0
                && (lower.contains('/')
                    || lower.contains("ratio")
                    || lower.contains("1 -")
                    || lower.contains("1-"))
            {
                value * 100.0
            } else {
                return None;
            };
            // What is left over is told from what is used.
            let left_over = ["idle", "avail", "free", "success"].iter().any(|w| lower.contains(w));
            let subtracted = lower.contains("100 -")
                || lower.contains("100-")
                || lower.contains("1 -")
                || lower.contains("1-");
            let used = match (left_over && !subtracted, above) {
                (false, true) => percent,
                (true, false) => 100.0 - percent,
                _ => return None,
            };
            (0.0..=100.0).contains(&used).then_some((used, LimitUnit::Percent))
        }
        Signal::LatencyP50 | Signal::LatencyP99 if against_earlier && above => {
            Some(((value - 1.0) * 100.0, LimitUnit::Growth))
        }
        Signal::QueueDepth if against_earlier && above => Some((value, LimitUnit::Times)),
        _ => None,
    }
}

/// The first metric's first word: `node` of `sum(rate(node_cpu_seconds_total[5m]))`.
fn scope(expression: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let metric = expression.split(|c: char| !word(c)).find(|w| w.contains('_') && w.len() > 4);
    metric.unwrap_or("").split(['_', ':']).find(|p| !p.is_empty()).unwrap_or("").to_owned()
}

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

fn dashboard(resource: &Resource) -> Option<Dashboard> {
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
pub(super) fn topics(words: &str) -> Vec<DashboardTopic> {
    TOPICS.iter().filter(|(_, all)| all.iter().any(|w| words.contains(w))).map(|(topic, _)| *topic).collect()
}

/// What sort of log a name speaks of.
pub(super) fn log_sort(name: &str) -> LogSort {
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

fn retention(resource: &Resource) -> Option<LogRetention> {
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
pub(super) fn days(written: &str) -> Option<u32> {
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
    fn an_alert_looks_at_what_its_name_or_expression_says() {
        for (name, expression, expected) in [
            ("HighErrorRate", "rate(http_requests_total{status=~\"5..\"}[5m]) > 1", Signal::ErrorRate),
            (
                "ApiSlow",
                "histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket[5m])) by (le)) > 1",
                Signal::LatencyP99,
            ),
            ("HighLatency", "histogram_quantile(0.50, x) > 1", Signal::LatencyP50),
            ("QueueTooLong", "rabbitmq_queue_messages > 100", Signal::QueueDepth),
            ("InstanceDown", "up == 0", Signal::Health),
            ("NodeCPU", "x > 1", Signal::Cpu),
            ("DiskFull", "node_filesystem_avail_bytes < 10", Signal::Other),
        ] {
            assert_eq!(signal(name, expression), expected, "{name}");
        }
    }

    #[test]
    fn a_limit_is_told_by_the_comparison_and_the_shape_before_it() {
        use LimitUnit::{Growth, Percent, Times};
        for (signal, expression, expected) in [
            (Signal::ErrorRate, "sum(rate(http_e[5m])) / sum(rate(http_r[5m])) > 0.05", Some((5.0, Percent))),
            (
                Signal::ErrorRate,
                "sum(rate(http_e[5m])) / sum(rate(http_r[5m])) * 100 > 5",
                Some((5.0, Percent)),
            ),
            (Signal::ErrorRate, "slo:ratio > (14.4 * 0.001)", Some((1.44, Percent))),
            (Signal::ErrorRate, "sum(rate(e[5m])) > 5", None),
            (Signal::ErrorRate, "grpc_success_total / grpc_all_total < 0.95", Some((5.0, Percent))),
            (Signal::ErrorRate, "a / b > 0.05 and c > 10", None),
            (
                Signal::Cpu,
                "100 - (avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100) > 90",
                Some((90.0, Percent)),
            ),
            (
                Signal::Memory,
                "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < 10",
                Some((90.0, Percent)),
            ),
            (Signal::Memory, "process_resident_memory_bytes > 1e9", None),
            (Signal::LatencyP99, "p99 / (p99 offset 1d) > 3", Some((200.0, Growth))),
            (Signal::LatencyP99, "p99 > 2", None),
            (Signal::QueueDepth, "q / (q offset 1w) > 20", Some((20.0, Times))),
        ] {
            let found = limit(signal, expression);
            let near = match (found, expected) {
                (Some((a, u)), Some((b, v))) => (a - b).abs() < 1e-6 && u == v,
                (None, None) => true,
                _ => false,
            };
            assert!(near, "{expression}: {found:?}");
        }
    }

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
