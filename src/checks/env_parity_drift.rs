//! Staging and production that are built differently, not only given other values.

use super::addresses::is_store_image;
use super::definitions::{Definition, Family, families, is_item, starred, text};
use super::gates::words;
use crate::facts::{Repository, Resource, Setting, SettingSource, Shape, Stage, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

/// More differences of one family help nobody.
const MOST_RELATED: usize = 20;

/// One difference: what differs, and where each of the two says so.
struct Drift {
    what: String,
    staging: Option<Span>,
    production: Option<Span>,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let families = families(repository);
    let mut any = false;
    for family in &families {
        let Some((staging, production)) = family.both() else { continue };
        any = true;
        let mut drifts = settings(staging, production);
        drifts.extend(services(repository, family));
        drifts.extend(workloads(staging, production));
        drifts.extend(blocks(repository, staging, production));
        let anchor = staging.place.or(production.place).expect("a definition has a place");
        verdict.examined(anchor);
        let Some(first) = drifts.first() else { continue };
        let rest = if drifts.len() > 1 { format!(" and {} more", drifts.len() - 1) } else { String::new() };
        let message =
            format!("In `{}` staging is not built like production: {}{rest}", family.name, first.what);
        let place = first.staging.or(first.production).unwrap_or(anchor);
        let finding = verdict.fail(place, format!("family {}", family.name), message);
        finding.label(if first.staging.is_some() { "staging" } else { "production alone has it" });
        if let (Some(_), Some(production)) = (first.staging, first.production) {
            finding.relate(production, "production");
        }
        for drift in drifts.iter().skip(1).take(MOST_RELATED) {
            if let Some(place) = drift.staging.or(drift.production) {
                finding.relate(place, &drift.what);
            }
        }
    }
    if !any {
        verdict.not_applicable("no files here define staging and production side by side");
    }
}

/// Keys of engines, runtimes and ports: what the two are made of. Sizes and counts are another rule's.
fn is_structure(path: &str, key: &str) -> bool {
    let lower = key.to_ascii_lowercase().replace(['_', '-'], "");
    let store = || {
        let path = path.to_ascii_lowercase();
        [
            "postgres",
            "mysql",
            "mariadb",
            "redis",
            "mongo",
            "elastic",
            "opensearch",
            "kafka",
            "rabbit",
            "memcache",
            "rds",
            "database",
            "db_",
            "aurora",
            "valkey",
            "kubernetes",
            "cluster",
            "eks",
            "aks",
            "gke",
        ]
        .iter()
        .any(|w| path.contains(w))
    };
    matches!(
        lower.as_str(),
        "engine"
            | "engineversion"
            | "databaseversion"
            | "dbengine"
            | "dbengineversion"
            | "kubernetesversion"
            | "clusterversion"
            | "postgresversion"
            | "postgresqlversion"
            | "redisversion"
            | "mysqlversion"
            | "serverversion"
            | "containerport"
            | "targetport"
            | "runtimeversion"
            | "javaversion"
            | "nodeversion"
            | "pythonversion"
            | "pgversion"
    ) || matches!(lower.as_str(), "version" | "majorversion") && store()
}

/// Switches of what a place holds, as against how much of it, who may see it and who is told.
fn is_switch(path: &str, value: &str) -> bool {
    const MATTERS_OF_SIZE: &[&str] = &[
        "autoscaling",
        "hpa",
        "keda",
        "autoscaler",
        "pdb",
        "poddisruptionbudget",
        "ha",
        "highavailability",
        "high",
        "multi",
        "multiaz",
        "failover",
        "zone",
        "backup",
        "backups",
        "retention",
        "deletion",
        "protection",
        "alert",
        "alerts",
        "alerting",
        "monitoring",
        "monitor",
        "metrics",
        "statuscake",
        "prometheus",
        "servicemonitor",
        "debug",
        "basic",
        "basicauth",
        "allowlist",
        "whitelist",
        "auth",
        "robots",
        "noindex",
        "index",
        "seed",
        "seeds",
        "sample",
        "demo",
        "test",
        "tests",
        "mock",
        "mocks",
        "stub",
        "stubs",
        "sandbox",
        "swagger",
        "docs",
        "log",
        "logs",
        "logging",
        "sentry",
        "tracing",
        "slack",
        "replica",
        "replicas",
        "scale",
        "scaling",
        "spot",
        "preemptible",
        "shutdown",
        "schedule",
        "downtime",
        "restarter",
        "waf",
        "cdn",
        "dns",
        "refresh",
        "anonymize",
        "analytics",
        "tracking",
        "performance",
        "insights",
        "storage",
    ];
    let switch = matches!(value, "true" | "false" | "enabled" | "disabled" | "True" | "False");
    let key = path.rsplit('.').next().unwrap_or(path);
    let snake = super::addresses::snake(key).to_ascii_lowercase();
    let says = matches!(snake.as_str(), "enabled" | "enable" | "disabled" | "create" | "deploy" | "install")
        || ["enable_", "deploy_", "create_", "use_", "install_"].iter().any(|p| snake.starts_with(p))
        || snake.ends_with("_enabled");
    switch
        && says
        && !words(&super::addresses::snake(path)).iter().any(|w| MATTERS_OF_SIZE.contains(&w.as_str()))
}

/// The repository and registry of an image, without tag and digest.
fn image_name(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name)
}

/// Keys that both give, with values that differ.
fn settings(staging: &Definition<'_>, production: &Definition<'_>) -> Vec<Drift> {
    let mut found = Vec::new();
    for (key, ours) in &staging.settings {
        let Some(theirs) = production.settings.get(key) else { continue };
        let (Some(a), Some(b)) = (text(ours), text(theirs)) else { continue };
        if a == b {
            continue;
        }
        let path = &key.1;
        // Items without a name may stand for different things.
        if path.split('.').any(is_item) {
            continue;
        }
        // Which of its own builds each of the two runs changes with every deploy.
        let image = ours.key == "image" && is_store_image(a) && (image_name(a) != image_name(b) || a != b);
        if is_structure(path, &ours.key) || is_switch(path, a) && is_switch(path, b) || image {
            let what = format!("`{path}` is `{}` here, `{}` there", short(a), short(b));
            found.push(Drift { what, staging: Some(ours.place), production: Some(theirs.place) });
        }
    }
    found
}

fn short(value: &str) -> String {
    crate::text::shorten(value, 40)
}

/// Services that the compose file of one of the two has and neither the other nor the common one.
fn services(repository: &Repository, family: &Family<'_>) -> Vec<Drift> {
    let Some((staging, production)) = family.both() else { return Vec::new() };
    let names = |d: &Definition<'_>| -> BTreeSet<String> {
        let own = d.settings.values().filter(|s| s.source == SettingSource::Service);
        own.filter_map(|s| service(s).map(str::to_owned)).collect()
    };
    let (ours, theirs) = (names(staging), names(production));
    if ours.is_empty() || theirs.is_empty() {
        return Vec::new();
    }
    let common = |name: &str| {
        let mut settings = repository.facts.settings.iter();
        settings.any(|s| s.source == SettingSource::Service && s.target.is_none() && service(s) == Some(name))
    };
    let place = |d: &Definition<'_>, name: &str| {
        let image = format!("services.{name}.image");
        d.settings.values().find(|s| s.path == image).map(|s| s.place)
    };
    let mut found = Vec::new();
    for name in ours.symmetric_difference(&theirs).filter(|n| !common(n)) {
        let (staging, production) = (place(staging, name), place(production, name));
        // What only adds to a service says nothing of the service.
        if staging.or(production).is_some() {
            let side = if ours.contains(name) { "staging" } else { "production" };
            found.push(Drift { what: format!("only {side} runs the service `{name}`"), staging, production });
        }
    }
    found
}

fn service(setting: &Setting) -> Option<&str> {
    setting.path.strip_prefix("services.")?.split('.').next()
}

/// Objects that are whole, rather than patches of a common one.
fn is_whole(resource: &Resource) -> bool {
    if resource.shape == Shape::Effective {
        return matches!(
            resource.sort.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" | "Service"
        );
    }
    match resource.sort.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            resource.entries.iter().any(|e| e.path.starts_with("spec.selector.matchLabels."))
        }
        "CronJob" => resource.entry("spec.schedule").is_some(),
        "Service" => resource.entries.iter().any(|e| e.path.starts_with("spec.ports.")),
        _ => false,
    }
}

/// Workloads that one of the two lacks, and probes and ports that differ where both have the workload.
fn workloads(staging: &Definition<'_>, production: &Definition<'_>) -> Vec<Drift> {
    let whole = |d: &Definition<'_>| d.resources.values().any(|r| is_whole(r));
    if !whole(staging) || !whole(production) {
        return Vec::new();
    }
    let mut found = Vec::new();
    // What lies in another repository may hold what seems to lack.
    let open = |d: &Definition<'_>| d.resources.values().any(|r| r.open.iter().any(String::is_empty));
    for (one, other, only) in [(staging, production, "staging"), (production, staging, "production")] {
        for (key, resource) in one.resources.iter().filter(|(_, r)| is_whole(r)) {
            if !other.resources.contains_key(key) && !open(other) {
                let what = format!("only {only} has `{}`", resource.title());
                let place = Some(resource.place);
                let (staging, production) = if only == "staging" { (place, None) } else { (None, place) };
                found.push(Drift { what, staging, production });
            }
        }
    }
    for (key, ours) in &staging.resources {
        let Some(theirs) = production.resources.get(key).filter(|t| is_whole(t) && is_whole(ours)) else {
            continue;
        };
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let has = |r: &Resource| r.entries.iter().any(|e| e.path.split('.').any(|p| p == probe));
            let told = |r: &Resource| has(r) || r.open.is_empty();
            if has(ours) != has(theirs) && told(ours) && told(theirs) {
                let only = if has(ours) { "staging" } else { "production" };
                let what = format!("`{}` has a {probe} in {only} only", ours.title());
                found.push(Drift { what, staging: Some(ours.place), production: Some(theirs.place) });
            }
        }
    }
    found
}

/// Blocks of Terraform that one of the two roots lacks.
fn blocks(repository: &Repository, staging: &Definition<'_>, production: &Definition<'_>) -> Vec<Drift> {
    // What guards, watches, sizes or names a place may differ.
    const APART: &[&str] = &[
        "autoscaling",
        "appautoscaling",
        "alarm",
        "alert",
        "monitor",
        "budget",
        "backup",
        "route53",
        "dns",
        "acm",
        "certificate",
        "iam",
        "random",
        "null",
        "local",
        "time",
        "waf",
        "cloudwatch",
        "log",
        "logging",
        "lock",
        "policy",
        "role",
        "secret",
        "secretsmanager",
        "tls",
    ];
    let kind = |r: &Resource| {
        let sort = if r.block == "module" {
            let source = r.entry("source").map_or_else(String::new, |s| s.setting.text());
            format!("module {}", source.split('?').next().unwrap_or(""))
        } else {
            r.sort.clone()
        };
        [Stage::Staging, Stage::Production].into_iter().fold(sort, |sort, s| starred(&sort, s, repository))
    };
    let declared = |d: &Definition<'_>| {
        let mut own: Vec<(String, Span, Vec<Span>, String)> = d
            .resources
            .values()
            .filter(|r| {
                r.system == System::Terraform
                    && matches!(r.block.as_str(), "resource" | "module")
                    && !words(&r.sort).iter().any(|w| APART.contains(&w.as_str()))
            })
            .map(|r| (kind(r), r.place, r.via.clone(), r.title()))
            .collect();
        // A module is told before what it makes.
        own.sort_by_key(|(kind, ..)| !kind.starts_with("module "));
        own
    };
    let (ours, theirs) = (declared(staging), declared(production));
    if ours.is_empty() || theirs.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (one, other, only) in [(&ours, &theirs, "staging"), (&theirs, &ours, "production")] {
        let mut said = BTreeSet::new();
        let mut lacking: BTreeSet<Span> = BTreeSet::new();
        for (kind, place, via, title) in one {
            let made_by_one = via.iter().any(|call| lacking.contains(call));
            if made_by_one || other.iter().any(|(k, ..)| k == kind) || !said.insert(kind) {
                continue;
            }
            lacking.insert(*place);
            let (staging, production) =
                if only == "staging" { (Some(*place), None) } else { (None, Some(*place)) };
            found.push(Drift { what: format!("only {only} has `{title}`"), staging, production });
        }
    }
    found
}
