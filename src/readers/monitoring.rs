//! Files of monitoring tools: alert rules of Prometheus and Loki, settings of Loki, dashboards of Grafana, logrotate.

use super::alerts::{days, log_sort, of_document, topics};
use super::images::is_open;
use super::names::{ends, name, problems, vendored, within};
use super::{Parsed, Text, config, kubernetes};
use crate::facts::{Dashboard, LogRetention, Practice, PracticeBasis, PracticeKind, Value, path_target};
use crate::syntax::tree::{Node, Step, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;

/// Folders of monitoring tools.
const FOLDERS: &[&str] = &[
    "prometheus",
    "alerts",
    "alerting",
    "alert-rules",
    "alert_rules",
    "alertmanager",
    "monitoring",
    "observability",
    "loki",
    "promtail",
    "prometheus-rules",
    "thanos",
    "mimir",
];

/// Folders of dashboards.
const DASHBOARDS: &[&str] = &["dashboards", "grafana", "dashboard", "grafana-dashboards"];

/// Larger files are data.
const LARGEST: usize = 4 << 20;

pub(super) fn claims(path: &str, _: bool) -> bool {
    if vendored(path) || path.split('/').any(|part| part.starts_with('.')) {
        return false;
    }
    let name = name(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut words = stem.split(['-', '_', '.']);
    if ends(name, &[".yml", ".yaml", ".rules"]) {
        return within(path, FOLDERS)
            || words.any(|w| {
                matches!(
                    w,
                    "prometheus"
                        | "alerts"
                        | "alertmanager"
                        | "alert"
                        | "loki"
                        | "promtail"
                        | "prometheusrule"
                )
            });
    }
    if name.ends_with(".json") {
        // Parts of a user interface are called so, too.
        const OTHERS: &[&str] =
            &["components", "pages", "views", "public", "locales", "i18n", "lang", "test", "tests"];
        let tool = within(path, &["grafana", "provisioning"]) || !within(path, &["src"]);
        return tool
            && (within(path, DASHBOARDS) || words.any(|w| w == "dashboard") && within(path, FOLDERS))
            && !within(path, OTHERS);
    }
    name == "logrotate.conf"
        || within(path, &["logrotate.d"])
        || stem == "logrotate" && !name.ends_with(".sh")
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if text.text.len() > LARGEST {
        return parsed;
    }
    if text.path.ends_with(".json") {
        parsed.facts.dashboards.extend(dashboard(text));
        return parsed;
    }
    if !ends(text.path, &[".yml", ".yaml", ".rules"]) {
        rotations(text, &mut parsed);
        return parsed;
    }
    if kubernetes::is_manifest(text.text) {
        return kubernetes::parse(text);
    }
    if config::claims(text.path, text.executable) {
        return config::parse(text);
    }
    let templated = text.text.contains("{{");
    let tree = yaml::parse(text.file, text.text, if templated { Mask::Templates } else { Mask::None });
    parsed.problems = problems(&tree, "YAML");
    settings(&tree, text, &mut parsed);
    parsed
}

/// What a YAML file of a monitoring tool says, whoever claims it.
pub(super) fn settings(tree: &Tree, text: &Text<'_>, parsed: &mut Parsed) {
    let alerts =
        text.text.contains("expr:") && ["alert:", "condition:"].iter().any(|k| text.text.contains(k));
    let keeps =
        ["retention_period", "logRetentionInDays", "retentionInDays"].iter().any(|k| text.text.contains(k));
    let scrapes = text.text.contains("scrape_configs:");
    if !(alerts || keeps || scrapes) {
        return;
    }
    let target = path_target(text.path, text.file, text.environments);
    for document in tree.documents() {
        if alerts {
            of_document(document, 0, target.as_ref(), &mut parsed.facts);
        }
        if keeps {
            retentions(document, text, parsed);
        }
        if let Some(key) = document.key("scrape_configs").filter(|_| scrapes) {
            parsed.facts.practices.push(Practice {
                place: key.span(),
                practice: PracticeKind::Metrics,
                name: "scrape_configs".to_owned(),
                basis: PracticeBasis::Code,
            });
        }
    }
}

/// How long Loki, or functions of the Serverless Framework, keep logs.
/// <https://grafana.com/docs/loki/latest/operations/storage/retention/>,
/// <https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml>
fn retentions(document: Node<'_>, text: &Text<'_>, parsed: &mut Parsed) {
    let target = path_target(text.path, text.file, text.environments);
    for leaf in document.leaves() {
        let keys: Vec<&str> =
            leaf.path.iter().filter_map(|s| if let Step::Key(key) = s { Some(*key) } else { None }).collect();
        let Some((key, above)) = keys.split_last() else { continue };
        let of_loki = matches!(*key, "retention_period")
            && above.iter().any(|k| matches!(*k, "limits_config" | "table_manager" | "loki"));
        if !of_loki && !matches!(*key, "logRetentionInDays" | "retentionInDays") {
            continue;
        }
        let Some(written) = leaf.node.as_str() else { continue };
        let kept = match days(written).or_else(|| written.parse::<u32>().ok()) {
            Some(days) => Value::Known(days),
            None if is_open(written) => Value::Expr(written.to_owned()),
            None => continue,
        };
        parsed.facts.log_retentions.push(LogRetention {
            place: leaf.node.span(),
            name: if of_loki { "Loki".to_owned() } else { name(text.path).to_owned() },
            sort: log_sort(&keys.join(".")),
            days: kept,
            target: target.clone(),
        });
    }
}

/// A dashboard of Grafana. It is looked over, and not parsed: dashboards are long, and words tell what they show.
/// <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>
fn dashboard(text: &Text<'_>) -> Option<Dashboard> {
    let is_one = text.text.contains("\"panels\"")
        && (text.text.contains("\"schemaVersion\"") || text.text.contains("\"targets\""));
    let title = || {
        let from = text.text.rfind("\"title\"")? + "\"title\"".len();
        let rest = text.text.get(from..)?.trim_start_matches([':', ' ']);
        let rest = rest.strip_prefix('"')?;
        rest.split('"').next()
    };
    is_one.then(|| Dashboard {
        place: Span::start_of(text.file),
        name: title().unwrap_or(name(text.path)).to_owned(),
        topics: topics(&text.text.to_ascii_lowercase()),
    })
}

/// How long rotated files are kept.
/// <https://man7.org/linux/man-pages/man8/logrotate.8.html>
fn rotations(text: &Text<'_>, parsed: &mut Parsed) {
    let target = path_target(text.path, text.file, text.environments);
    let (mut files, mut period, mut kept): (String, u32, Option<(u32, Span)>) = (String::new(), 0, None);
    let mut at = 0;
    for line in text.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.starts_with('#') {
            continue;
        }
        if let Some(before) = trimmed.strip_suffix('{') {
            (files, period, kept) = (before.trim().to_owned(), 0, None);
            continue;
        }
        let mut words = trimmed.split_whitespace();
        match (words.next(), words.next().and_then(|n| n.parse::<u32>().ok())) {
            (Some("hourly" | "daily"), _) => period = 1,
            (Some("weekly"), _) => period = 7,
            (Some("monthly"), _) => period = 30,
            (Some("yearly"), _) => period = 365,
            (Some("rotate"), Some(count)) => {
                kept = Some((count, Span::new(text.file, start + indent..start + indent + trimmed.len())));
            }
            (Some("}"), _) => {
                if let Some((count, place)) = kept.take().filter(|_| period > 0 && !files.is_empty()) {
                    parsed.facts.log_retentions.push(LogRetention {
                        place,
                        name: files.clone(),
                        sort: log_sort(&files),
                        days: Value::Known(count.saturating_mul(period)),
                        target: target.clone(),
                    });
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{DashboardTopic, Signal};
    use crate::readers::samples;

    const RULES: &str = "groups:\n- name: api\n  rules:\n  - alert: HighErrorRate\n    expr: sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m])) > 0.05\n    for: 5m\n  - record: x\n    expr: y\n";

    #[test]
    fn rule_files_give_alerts() {
        for path in ["prometheus/rules/api.yml", "deploy/alerts.yaml", "alerting/api.rules"] {
            assert!(claims(path, false), "{path}");
            let parsed = samples::read(parse, path, RULES);
            let alert = &parsed.facts.alerts[0];
            assert_eq!(
                (alert.name.as_str(), alert.signal, alert.limit),
                ("HighErrorRate", Signal::ErrorRate, Some(5.0))
            );
            assert_eq!(&RULES[alert.place.range()], "HighErrorRate");
            assert_eq!(parsed.facts.alerts.len(), 1, "a recording rule is none");
        }
    }

    #[test]
    fn rules_that_grafana_is_provisioned_with_give_alerts() {
        let text = "groups:\n- name: a\n  rules:\n  - title: CartAddItemHighLatency\n    condition: A\n    data:\n    - refId: A\n      model: {expr: 'histogram_quantile(0.95, x)'}\n";
        let parsed = samples::read(parse, "src/grafana/provisioning/alerting/cart.yml", text);
        let alert = &parsed.facts.alerts[0];
        assert_eq!((alert.name.as_str(), alert.signal), ("CartAddItemHighLatency", Signal::LatencyP99));
        assert!(claims("src/grafana/provisioning/dashboards/demo/a.json", false));
        assert!(!claims("src/components/dashboard/a.json", false));
    }

    #[test]
    fn the_time_that_logs_are_kept_is_read_from_loki_and_logrotate() {
        let loki = "limits_config:\n  retention_period: 168h\n";
        let parsed = samples::read(parse, "loki/loki.yaml", loki);
        assert_eq!(parsed.facts.log_retentions[0].days, Value::Known(7));
        let rotate =
            "/var/log/nginx/*.log {\n  weekly\n  rotate 4\n}\n/var/log/x.log {\n  size 10M\n  rotate 3\n}\n";
        let parsed = samples::read(parse, "etc/logrotate.d/nginx", rotate);
        let kept: Vec<_> = parsed
            .facts
            .log_retentions
            .iter()
            .map(|r| (&rotate[r.place.range()], r.days.clone(), r.sort.name()))
            .collect();
        assert_eq!(kept, [("rotate 4", Value::Known(28), "access")]);
    }

    #[test]
    fn a_dashboard_is_known_by_its_panels() {
        let text = r#"{"panels": [{"title": "p", "targets": [{"expr": "rate(node_cpu_seconds_total[5m])"}]}], "schemaVersion": 39, "title": "Nodes"}"#;
        let parsed = samples::read(parse, "grafana/dashboards/nodes.json", text);
        let dashboard = &parsed.facts.dashboards[0];
        assert_eq!(
            (dashboard.name.as_str(), dashboard.topics.as_slice()),
            ("Nodes", &[DashboardTopic::Infrastructure][..])
        );
        assert!(samples::read(parse, "grafana/dashboards/a.json", "{\"a\": 1}").facts.dashboards.is_empty());
        for path in ["loki/a.yaml", "grafana/a.json", "logrotate.conf"] {
            samples::endure(parse, path);
        }
    }
}
