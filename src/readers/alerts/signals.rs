//! What alerts look at, and what the numbers of their limits count.
//!
//! Of an expression only the comparison at its end is understood: `… > 0.05`. What its number counts is told by the
//! expression's shape, and where that does not tell, there is no limit.

use crate::facts::{LimitUnit, Signal};

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
pub(super) fn signal(name: &str, expression: &str) -> Signal {
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
pub(super) fn limit(signal: Signal, expression: &str) -> Option<(f64, LimitUnit)> {
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
pub(super) fn scope(expression: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let metric = expression.split(|c: char| !word(c)).find(|w| w.contains('_') && w.len() > 4);
    metric.unwrap_or("").split(['_', ':']).find(|p| !p.is_empty()).unwrap_or("").to_owned()
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
}
