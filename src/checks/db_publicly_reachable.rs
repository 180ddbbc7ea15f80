//! Databases, caches and brokers that anybody can reach.

use super::addresses::{STORE_PORTS, Store, is_store_image, store_of};
use super::definitions::{passes, text};
use super::samples::no_worse_than;
use crate::facts::{Repository, Resource, Setting, SettingSource, Stage, System};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        match resource.system {
            System::Terraform => terraform(resource, verdict),
            System::Kubernetes => kubernetes(resource, verdict),
            _ => {}
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| passes(repository, s.place)) {
        configured(setting, verdict);
    }
    composed(repository, verdict);
}

fn is_everybody(value: &str) -> bool {
    matches!(value.trim(), "0.0.0.0/0" | "::/0" | "*" | "Internet" | "Any" | "any" | "0.0.0.0/1")
}

/// Ports of stores that a range opens; a range over most ports speaks of none.
fn store_port(from: u32, to: u32) -> Option<u16> {
    let narrow = to >= from && to - from <= 50;
    STORE_PORTS.iter().copied().find(|p| narrow && (from..=to).contains(&u32::from(*p)))
}

fn terraform(resource: &Resource, verdict: &mut Verdict) {
    if !matches!(resource.block.as_str(), "resource" | "module") {
        return;
    }
    let subject = resource.title();
    // <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance#publicly_accessible-1>
    let database =
        ["aws_db_", "aws_rds_", "aws_redshift", "aws_neptune", "aws_dms", "aws_mq_", "aws_docdb", "module"];
    if database.iter().any(|d| resource.sort.starts_with(d))
        && let Some(entry) = resource.entry("publicly_accessible")
    {
        if text(entry) == Some("true") {
            let message = format!("`{subject}` gives the database a public address");
            verdict.fail(entry.place, subject, message).label("reachable from the internet");
        } else {
            verdict.satisfied(entry.place);
        }
        return;
    }
    // <https://cloud.google.com/sql/docs/mysql/authorize-networks>
    if resource.sort == "google_sql_database_instance" {
        for entry in resource.entries_ending("value").filter(|e| e.path.contains("authorized_networks")) {
            if text(entry).is_some_and(is_everybody) {
                let message = format!("`{subject}` lets every address connect to the database");
                verdict.fail(entry.place, &subject, message).label("all of the internet");
            }
        }
        return;
    }
    // <https://learn.microsoft.com/en-us/azure/azure-sql/database/firewall-configure>: `0.0.0.0` to `0.0.0.0` stands
    // for services of Azure.
    let azure = [
        "azurerm_mssql",
        "azurerm_sql",
        "azurerm_postgresql",
        "azurerm_mysql",
        "azurerm_mariadb",
        "azurerm_redis",
    ];
    if resource.sort.ends_with("firewall_rule") && azure.iter().any(|a| resource.sort.starts_with(a)) {
        let said = |key: &str| resource.entry(key).and_then(text);
        if said("start_ip_address").or(said("start_ip")) == Some("0.0.0.0")
            && let Some(end) = resource.entry("end_ip_address").or(resource.entry("end_ip"))
            && text(end).is_some_and(|e| e.starts_with("255."))
        {
            let message = format!("`{subject}` lets every address connect to the database");
            verdict.fail(end.place, subject, message).label("all of the internet");
        }
        return;
    }
    for rule in openings(resource) {
        let message = format!("`{subject}` opens port {} of a database or cache to everybody", rule.port);
        let finding = verdict.fail(rule.place, format!("{subject} {}", rule.port), message);
        finding.label("from any address");
    }
}

struct Opening {
    port: u16,
    place: Span,
}

/// What a firewall's rules let in from everywhere.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/compute_firewall>,
/// <https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/network_security_rule>
fn openings(resource: &Resource) -> Vec<Opening> {
    // Entries of one rule share what stands before the key; where a key comes again, another block begins.
    let mut rules: Vec<(String, Vec<&Setting>)> = Vec::new();
    let aws = resource.sort.starts_with("aws_security_group")
        || resource.sort == "aws_vpc_security_group_ingress_rule"
        || resource.sort == "aws_default_security_group";
    let azure = resource.sort.starts_with("azurerm_network_security_");
    let google = resource.sort == "google_compute_firewall";
    if !aws && !azure && !google {
        return Vec::new();
    }
    const KEYS: &[&str] = &[
        "from_port",
        "to_port",
        "type",
        "cidr_blocks",
        "ipv6_cidr_blocks",
        "cidr_ipv4",
        "cidr_ipv6",
        "access",
        "direction",
        "destination_port_range",
        "destination_port_ranges",
        "source_address_prefix",
        "source_address_prefixes",
    ];
    for entry in resource.entries.iter().take(500) {
        let mut parts: Vec<&str> = entry.path.split('.').collect();
        while parts.last().is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit())) && parts.len() > 1 {
            parts.pop();
        }
        let Some(key) = parts.pop() else { continue };
        if google || KEYS.contains(&key) {
            let block = if google { String::new() } else { parts.join(".") };
            match rules.last_mut() {
                Some((own, all)) if *own == block && all.iter().all(|e| e.path != entry.path) => {
                    all.push(entry)
                }
                _ => rules.push((block, vec![entry])),
            }
        }
    }
    let mut found = Vec::new();
    for (block, entries) in rules {
        let of = |keys: &[&str]| -> Vec<&Setting> {
            let key = |e: &&&Setting| {
                let rest = e.path.strip_prefix(&block).unwrap_or(&e.path).trim_start_matches('.');
                keys.iter().any(|k| rest.split('.').any(|part| part == *k))
            };
            entries.iter().filter(key).copied().collect()
        };
        let is = |key: &str, value: &str| {
            of(&[key]).iter().any(|e| text(e).is_some_and(|t| t.eq_ignore_ascii_case(value)))
        };
        if block.contains("egress")
            || is("type", "egress")
            || is("direction", "outbound")
            || is("direction", "egress")
            || is("access", "deny")
            || entries.iter().any(|e| e.path.starts_with("deny."))
        {
            continue;
        }
        let sources = of(&[
            "cidr_blocks",
            "ipv6_cidr_blocks",
            "cidr_ipv4",
            "cidr_ipv6",
            "source_address_prefix",
            "source_address_prefixes",
            "source_ranges",
        ]);
        let Some(source) = sources.iter().find(|e| text(e).is_some_and(is_everybody)) else { continue };
        let number = |key: &str| of(&[key]).first().and_then(|e| text(e)?.parse::<u32>().ok());
        let mut ranges: Vec<(u32, u32)> = number("from_port").zip(number("to_port")).into_iter().collect();
        for port in of(&["destination_port_range", "destination_port_ranges", "ports"]) {
            let Some(written) = text(port) else { continue };
            let (from, to) = written.split_once('-').unwrap_or((written, written));
            ranges.extend(from.trim().parse().ok().zip(to.trim().parse().ok()));
        }
        let port = ranges.into_iter().find_map(|(from, to)| store_port(from, to));
        found.extend(port.map(|port| Opening { port, place: source.place }));
    }
    found
}

/// <https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types>
fn kubernetes(resource: &Resource, verdict: &mut Verdict) {
    if resource.sort != "Service" {
        return;
    }
    let Some(kind) = resource.entry("spec.type") else { return };
    let Some(kind_name @ ("LoadBalancer" | "NodePort")) = text(kind) else { return };
    let ports = resource
        .entries
        .iter()
        .filter(|e| e.path.starts_with("spec.ports.") && matches!(e.key.as_str(), "port" | "targetPort"));
    let port = ports.filter_map(|e| text(e)?.parse::<u16>().ok()).find(|p| STORE_PORTS.contains(p));
    let Some(port) = port else { return };
    // <https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer>
    let internal = resource.entries.iter().any(|e| {
        let path = e.path.to_ascii_lowercase();
        path.starts_with("metadata.annotations.")
            && path.contains("load-balancer")
            && text(e)
                .is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "true" | "internal" | "private"))
            || path.starts_with("spec.loadbalancersourceranges.") && !text(e).is_some_and(is_everybody)
    });
    if internal {
        verdict.satisfied(kind.place);
        return;
    }
    let subject = resource.title();
    let message = format!("`{subject}` shows port {port} of a database or cache outside the cluster");
    let finding = verdict.fail(kind.place, subject, message);
    finding.label(if kind_name == "NodePort" { "on every node" } else { "behind a load balancer" });
    // Nodes are seldom open to the internet themselves.
    if kind_name == "NodePort" {
        no_worse_than(finding, Severity::Warning);
    }
    finding.at_most(Confidence::Medium);
}

/// Values files and variables that ask for the same.
fn configured(setting: &Setting, verdict: &mut Verdict) {
    if !matches!(setting.source, SettingSource::Config) {
        return;
    }
    let store = || matches!(store_of(&setting.path), Some(Store::Database | Store::Cache | Store::Search));
    let (message, label) = match (setting.key.as_str(), text(setting)) {
        ("publicly_accessible" | "publiclyAccessible" | "PubliclyAccessible", Some("true" | "True")) => {
            ("asks for a database with a public address", "reachable from the internet")
        }
        ("type", Some("LoadBalancer" | "NodePort"))
            if setting.path.ends_with("service.type") && in_store(setting) =>
        {
            ("shows a database or cache outside the cluster", "outside the cluster")
        }
        ("publicly_accessible", Some("false")) => return verdict.satisfied(setting.place),
        ("type", Some("ClusterIP")) if store() && setting.path.ends_with("service.type") => {
            return verdict.satisfied(setting.place);
        }
        _ => return,
    };
    let subject = format!("setting {}", setting.path);
    let finding = verdict.fail(setting.place, subject, format!("`{}` {message}", setting.path));
    finding.label(label).at_most(Confidence::Medium);
}

/// `postgresql.primary.service.type`: a part before the service names the store.
fn in_store(setting: &Setting) -> bool {
    let chart = setting.path.trim_end_matches("service.type");
    chart.split('.').any(|part| {
        matches!(
            part,
            "postgresql"
                | "postgres"
                | "mysql"
                | "mariadb"
                | "mongodb"
                | "redis"
                | "memcached"
                | "elasticsearch"
                | "cassandra"
                | "rabbitmq"
                | "valkey"
                | "clickhouse"
                | "database"
                | "db"
        )
    })
}

/// Ports that a compose file of staging or production gives to the machine.
/// <https://docs.docker.com/reference/compose-file/services/#ports>
fn composed(repository: &Repository, verdict: &mut Verdict) {
    let shared = |s: &&Setting| {
        s.source == SettingSource::Service
            && s.target.as_ref().is_some_and(|t| t.is(Stage::Staging) || t.is(Stage::Production))
            && passes(repository, s.place)
    };
    let settings: Vec<&Setting> = repository.facts.settings.iter().filter(shared).collect();
    for image in settings.iter().filter(|s| s.path.ends_with(".image")) {
        let (Some(reference), Some(service)) = (text(image), image.path.strip_suffix(".image")) else {
            continue;
        };
        if !is_store_image(reference) {
            continue;
        }
        let ports = format!("{service}.ports.");
        let own = |s: &&&Setting| s.place.file == image.place.file && s.path.starts_with(&ports);
        let Some(port) = settings.iter().filter(own).find(|s| is_given_to_all(s, &settings)) else {
            verdict.satisfied(image.place);
            continue;
        };
        let name = service.trim_start_matches("services.");
        let message = format!("`{name}` gives its port to every network of the machine");
        let finding = verdict.fail(port.place, format!("service {name}"), message);
        finding.label("not bound to an address of the machine itself").relate(image.place, "a store of data");
        finding.at_most(Confidence::Medium);
    }
}

/// Whether `5432:5432` and its long form bind to all addresses of the machine.
fn is_given_to_all(port: &Setting, all: &[&Setting]) -> bool {
    let Some(written) = text(port) else { return false };
    match port.path.rsplit_once('.') {
        Some((list, "published")) => {
            let host = format!("{list}.host_ip");
            let bound = all.iter().find(|s| s.place.file == port.place.file && s.path == host);
            bound.and_then(|b| text(b)).is_none_or(|h| h == "0.0.0.0")
        }
        Some((_, index)) if index.bytes().all(|b| b.is_ascii_digit()) => {
            let parts: Vec<&str> = written.split('/').next().unwrap_or(written).split(':').collect();
            match parts.as_slice() {
                [_, _] => true,
                [host, _, _] => *host == "0.0.0.0",
                _ => false,
            }
        }
        _ => false,
    }
}
