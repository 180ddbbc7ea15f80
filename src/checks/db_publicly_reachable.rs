//! Databases, caches and brokers that anybody can reach.

use super::addresses::{STORE_PORTS, Store, is_store_image, store_of};
use super::definitions::{passes, text};
use super::estate::{argument, is_shared, kind, makes, say_once};
use super::firewalls::{is_everybody, openings};
use super::samples::no_worse_than;
use super::stacks::served;
use crate::facts::{Repository, Resource, Setting, SettingSource, System};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        match resource.system {
            System::Terraform | System::CloudFormation => provided(resource, verdict),
            System::Kubernetes => kubernetes(resource, verdict),
            System::Ansible => {
                provided(resource, verdict);
                started(resource, verdict);
            }
            System::Platform => listed(resource, verdict),
            System::Nginx => {}
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| passes(repository, s.place)) {
        configured(setting, verdict);
    }
    composed(repository, verdict);
}

/// Ports of stores that a range opens; a range over most ports speaks of none.
fn store_port(from: u32, to: u32) -> Option<u16> {
    let narrow = to >= from && to - from <= 50;
    STORE_PORTS.iter().copied().find(|p| narrow && (from..=to).contains(&u32::from(*p)))
}

fn provided(resource: &Resource, verdict: &mut Verdict) {
    if !makes(resource) {
        return;
    }
    let subject = resource.title();
    // <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance#publicly_accessible-1>
    let database =
        ["aws_db_", "aws_rds_", "aws_redshift", "aws_neptune", "aws_dms", "aws_mq_", "aws_docdb", "module"];
    if database.iter().any(|d| kind(resource).starts_with(d))
        && let Some(entry) = argument(resource, "publicly_accessible")
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
    // Managed databases that are reached from the internet by design have lists of who may.
    // <https://registry.terraform.io/providers/mongodb/mongodbatlas/latest/docs/resources/project_ip_access_list>,
    // <https://registry.terraform.io/providers/digitalocean/digitalocean/latest/docs/resources/database_firewall>
    let list = match resource.sort.as_str() {
        "mongodbatlas_project_ip_access_list" => Some("cidr_block"),
        "digitalocean_database_firewall" => Some("rule.value"),
        "scaleway_rdb_acl" => Some("acl_rules.ip"),
        _ => None,
    };
    if let Some(path) = list {
        for entry in resource.entries_ending(path).filter(|e| text(e).is_some_and(is_everybody)) {
            let message = format!("`{subject}` lets every address connect to the database");
            verdict.fail(entry.place, &subject, message).label("all of the internet");
        }
        return;
    }
    let mut said = BTreeSet::new();
    for rule in openings(resource) {
        let Some(port) = store_port(rule.from, rule.to) else { continue };
        if !said.insert(rule.place) {
            continue;
        }
        let message = format!("`{subject}` opens port {port} of a database or cache to everybody");
        let finding = verdict.fail(rule.place, format!("{subject} {port}"), message);
        finding.label("from any address");
    }
}

/// A store in a container that a task starts where others use it.
/// <https://docs.ansible.com/ansible/latest/collections/community/docker/docker_container_module.html>
fn started(task: &Resource, verdict: &mut Verdict) {
    let container = ["docker_container", "podman_container"].iter().any(|m| task.sort.ends_with(m));
    let store = task.entry("image").filter(|i| text(i).is_some_and(is_store_image));
    let Some(image) = store.filter(|_| container && is_shared(task.target.as_ref())) else { return };
    let mut ports = task.entries.iter().filter(|e| {
        e.path.starts_with("ports.") || e.path.starts_with("published_ports.") || e.path == "ports"
    });
    let open = ports.find(|p| {
        let parts: Vec<&str> = text(p).unwrap_or("").split(':').collect();
        matches!(parts.as_slice(), [_, _] | ["0.0.0.0", _, _])
    });
    let Some(port) = open else { return verdict.satisfied(image.place) };
    let title = task.title();
    let message = format!("`{title}` gives the store's port to every network of the machine");
    let finding = verdict.fail(port.place, format!("task {title}"), message);
    finding.label("not bound to an address of the machine itself").relate(image.place, "a store of data");
    finding.at_most(Confidence::Medium);
}

/// Stores of a platform with the addresses that may connect.
/// <https://render.com/docs/blueprint-spec#ipallowlist>
fn listed(store: &Resource, verdict: &mut Verdict) {
    for source in store.entries.iter().filter(|e| e.path.starts_with("ipAllowList.") && e.key == "source") {
        if text(source).is_some_and(is_everybody) {
            let title = store.title();
            let message = format!("`{title}` lets every address connect to the database");
            verdict.fail(source.place, title, message).label("all of the internet");
        } else {
            verdict.satisfied(source.place);
        }
    }
}

/// <https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types>
fn kubernetes(resource: &Resource, verdict: &mut Verdict) {
    if matches!(resource.sort.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") {
        return on_the_node(resource, verdict);
    }
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

/// <https://kubernetes.io/docs/concepts/configuration/overview/#services>
fn on_the_node(resource: &Resource, verdict: &mut Verdict) {
    let stores = |e: &&Setting| e.key == "image" && text(e).is_some_and(is_store_image);
    for image in resource.entries.iter().filter(stores) {
        let Some(ports) = image.path.strip_suffix("image").map(|own| format!("{own}ports.")) else {
            continue;
        };
        let port = resource.entries.iter().find(|e| e.path.starts_with(&ports) && e.key == "hostPort");
        let bound = resource.entries.iter().any(|e| {
            e.path.starts_with(&ports)
                && e.key == "hostIP"
                && text(e).is_some_and(|ip| ip.starts_with("127."))
        });
        if let Some(port) = port.filter(|_| !bound) {
            let subject = resource.title();
            let message =
                format!("`{subject}` gives the port of its database or cache to every network of the node");
            let finding = verdict.fail(port.place, format!("host port {subject}"), message);
            finding.label("on the node itself").relate(image.place, "a store of data");
            no_worse_than(finding, Severity::Warning).at_most(Confidence::Medium);
        }
    }
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

/// Ports that a stack of staging or production gives to the machine.
/// <https://docs.docker.com/reference/compose-file/services/#ports>
fn composed(repository: &Repository, verdict: &mut Verdict) {
    for (_, service) in served(repository) {
        let Some(image) = service.image.as_ref().filter(|i| is_store_image(&i.value)) else { continue };
        let Some(port) = service.ports.iter().find(|p| p.is_for_all()) else {
            verdict.satisfied(image.span);
            continue;
        };
        let message = format!("`{}` gives its port to every network of the machine", service.name);
        let finding = verdict.fail(port.place, format!("service {}", service.name), message);
        finding.label("not bound to an address of the machine itself").relate(image.span, "a store of data");
        finding.at_most(Confidence::Medium);
    }
    say_once(verdict);
}
