//! Ways from one environment's network into another's: peerings, firewall rules, policies, hosts in settings.

use super::addresses::{domain_of, host_of, is_worldwide};
use super::definitions::{capital, is_lasting, lasting, passes, text};
use super::staging_prod_traffic::is_record;
use crate::facts::{Basis, Repository, Resource, Setting, SettingSource, Stage, System};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::mentions;
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        match (resource.system, resource.sort.as_str()) {
            (System::Terraform, _) => terraform(repository, resource, verdict),
            (_, "NetworkPolicy" | "CiliumNetworkPolicy" | "AuthorizationPolicy") => {
                policy(repository, resource, verdict)
            }
            _ => {}
        }
    }
    hosts(repository, verdict);
    networks(repository, verdict);
}

/// The lasting environments that a text speaks of.
fn stages(repository: &Repository, text: &str) -> BTreeSet<Stage> {
    mentions(text, &repository.environments).stages().into_iter().filter(|s| is_lasting(*s)).collect()
}

/// Blocks that join two networks, and rules that let traffic in, with the arguments that name the ends.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/vpc_peering_connection>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/compute_network_peering>,
/// <https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/virtual_network_peering>
const JOINS: &[(&str, &[&str])] = &[
    ("aws_vpc_peering_connection", &["vpc_id", "peer_vpc_id"]),
    ("google_compute_network_peering", &["network", "peer_network"]),
    ("azurerm_virtual_network_peering", &["virtual_network_name", "remote_virtual_network_id"]),
    ("aws_security_group_rule", &["security_group_id", "source_security_group_id"]),
    ("aws_vpc_security_group_ingress_rule", &["security_group_id", "referenced_security_group_id"]),
    ("google_compute_firewall", &["network", "target_tags", "source_tags"]),
];

fn terraform(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let Some((_, ends)) =
        JOINS.iter().find(|(sort, _)| *sort == resource.sort && resource.block == "resource")
    else {
        return;
    };
    let mut named: BTreeMap<Stage, &Setting> = BTreeMap::new();
    for entry in resource.entries.iter().filter(|e| ends.contains(&e.path.split('.').next().unwrap_or(""))) {
        let found = stages(repository, &entry.setting.text());
        if let (1, Some(stage)) = (found.len(), found.first()) {
            named.entry(*stage).or_insert(entry);
        }
    }
    verdict.examined(resource.place);
    // An end without an environment's name is the environment's own.
    if let (1, Some(own)) = (named.len(), resource.target.as_ref().and_then(|t| t.stage.known())) {
        let Some((&other, entry)) = named.first_key_value().filter(|(s, _)| *s != own && is_lasting(*own))
        else {
            return;
        };
        return report(verdict, resource, *own, other, entry, None);
    }
    let mut from_last = named.iter().rev();
    let (Some((last, entry)), Some((other, related))) = (from_last.next(), from_last.next()) else { return };
    report(verdict, resource, *last, *other, entry, Some(related));
}

fn report(
    verdict: &mut Verdict,
    resource: &Resource,
    own: Stage,
    other: Stage,
    at: &Setting,
    and: Option<&Setting>,
) {
    let what = if resource.sort.contains("peering") {
        "joins the networks of"
    } else {
        "lets traffic through between"
    };
    let (a, b) = (own.min(other), own.max(other));
    let message = format!("`{}` {what} {} and {}", resource.title(), a.name(), b.name());
    let finding = verdict.fail(at.place, resource.title(), message);
    finding.label("one end").at_most(Confidence::Medium);
    if let Some(and) = and {
        finding.relate(and.place, "the other end");
    }
}

/// <https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name>
fn policy(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let Some(stage) =
        resource.target.as_ref().and_then(|t| t.stage.known().copied()).filter(|s| is_lasting(*s))
    else {
        return;
    };
    verdict.examined(resource.place);
    for entry in &resource.entries {
        let selects = entry.path.contains("namespaceSelector.")
            || entry.path.contains("source.namespaces.")
            || entry.path.contains("pod.namespace");
        if selects {
            let found = stages(repository, &entry.setting.text());
            if let (1, Some(other)) = (found.len(), found.first().filter(|o| **o != stage)) {
                let message = format!(
                    "`{}` of {} lets traffic of {} through",
                    resource.title(),
                    stage.name(),
                    other.name()
                );
                let finding = verdict.fail(entry.place, resource.title(), message);
                finding.label(format!("a namespace of {}", other.name())).at_most(Confidence::Medium);
            }
        }
    }
    let wide = resource.entries.iter().find(|e| {
        let Some(peer) = e.path.strip_suffix(".namespaceSelector") else { return false };
        let into = peer.starts_with("spec.ingress.");
        // Beside other selectors it chooses certain pods of all namespaces.
        let alone =
            |o: &&Setting| o.path.strip_prefix(peer).is_some_and(|rest| rest.starts_with(".podSelector."));
        into && !resource.entries.iter().any(|o| alone(&o))
    });
    // Where a cluster holds one environment only, all of its namespaces are that environment's.
    let namespaces: BTreeSet<Stage> = repository
        .facts
        .resources
        .iter()
        .filter_map(|r| r.target.as_ref().filter(|t| t.basis == Basis::Context)?.stage.known().copied())
        .filter(|s| is_lasting(*s))
        .collect();
    if let Some(wide) = wide.filter(|_| namespaces.len() > 1) {
        let message =
            format!("`{}` lets every namespace of the cluster into {}", resource.title(), stage.name());
        let finding = verdict.review(wide.place, resource.title(), message);
        finding.label("any namespace").against("the cluster may hold no other environment");
    }
}

/// Hosts of one environment in settings of another. Only hosts below a name under which the reader's own
/// environments are reached count: others give their customers a `dev` and a `live` of their own.
fn hosts(repository: &Repository, verdict: &mut Verdict) {
    let mut domains: BTreeMap<String, BTreeSet<Stage>> = BTreeMap::new();
    let mut found = Vec::new();
    let entries = repository.facts.resources.iter().filter(|r| !only_names(r)).flat_map(|r| &r.entries);
    for (stage, setting) in lasting(repository, repository.facts.settings.iter().chain(entries)) {
        if !matches!(setting.source, SettingSource::Dotenv | SettingSource::Config | SettingSource::Service) {
            continue;
        }
        let Some(value) =
            text(setting).filter(|v| v.len() < 500 && v.contains('.') && !v.contains(['\n', '<', '{']))
        else {
            continue;
        };
        let host = host_of(value);
        let inside = host.ends_with(".svc.cluster.local") || host.ends_with(".svc");
        if !(is_worldwide(host) || inside) {
            continue;
        }
        let Some(other) = repository.stage_of_host(host).filter(|s| is_lasting(*s)) else { continue };
        let domain = if inside { INSIDE } else { domain_of(host) };
        if other == stage {
            domains.entry(domain.to_owned()).or_default().insert(stage);
        } else {
            found.push((stage, other, host, domain, setting));
        }
    }
    // Hosts of one name are one way over.
    type Calls<'a> = Vec<(&'a str, &'a Setting)>;
    let mut ways: BTreeMap<(Stage, Stage, &str), Calls<'_>> = BTreeMap::new();
    for (stage, other, host, domain, setting) in found {
        verdict.examined(setting.place);
        // Only what crosses the border of production is told; below it teams borrow from each other.
        let crosses = stage == Stage::Production || other == Stage::Production;
        let own =
            domains.get(domain).is_some_and(|stages| stages.contains(&stage) || stages.contains(&other));
        if !crosses || !own || is_for_people(repository, setting) {
            continue;
        }
        if repository.facts.sections.iter().any(|s| s.text.contains(host)) {
            // A document names the point at which the two meet.
            verdict.satisfied(setting.place);
            continue;
        }
        // Services inside a cluster have nothing in common but the cluster.
        let way = if domain == INSIDE { host } else { domain };
        ways.entry((stage, other, way)).or_default().push((host, setting));
    }
    for ((stage, other, way), mut calls) in ways {
        calls.sort_by_key(|(_, setting)| setting.place);
        let (host, setting) = calls[0];
        let file = repository.file(setting.place.file).name();
        let message = format!("{} calls {} at `{host}` (`{file}`)", capital(stage), other.name());
        let finding = verdict.fail(setting.place, format!("host {way} in {}", stage.name()), message);
        finding.label(format!("a host of {}", other.name())).at_most(Confidence::Medium);
        finding.against("a document of this repository that names the host makes it a known meeting point");
        for (host, setting) in calls.iter().skip(1).take(10) {
            finding.relate(setting.place, format!("`{host}`, too"));
        }
    }
}

/// Whether a block of Terraform names hosts and calls none: a record of a name server, or an output.
fn only_names(resource: &Resource) -> bool {
    resource.block == "output" || is_record(&resource.sort)
}

/// Stands for the domain of services inside a cluster.
const INSIDE: &str = "svc";

/// Links that people follow, names that certificates and mails bear, and records of a name server open no connection.
fn is_for_people(repository: &Repository, setting: &Setting) -> bool {
    const WATCHES: &[&str] = &["pingdom", "uptime", "statuscake", "synthetics", "blackbox"];
    let path = setting.path.to_ascii_lowercase();
    let file = repository.file(setting.place.file).name().to_ascii_lowercase();
    if WATCHES.iter().any(|w| path.contains(w) || file.contains(w)) {
        return true;
    }
    [
        "docs",
        "mock",
        "link",
        "help",
        "support",
        "mail",
        "issuer",
        "cors",
        "origin",
        "redirect",
        "tls",
        "ingress",
        "audience",
        "contact",
        "homepage",
        "allowed",
        "cookie",
        "annotations",
        "dashboard",
        "runbook",
        "records",
        "cname",
    ]
    .iter()
    .any(|w| path.contains(w))
}

/// A compose file of one environment that joins a network of another.
/// <https://docs.docker.com/reference/compose-file/networks/#external>
fn networks(repository: &Repository, verdict: &mut Verdict) {
    let settings = &repository.facts.settings;
    for external in settings.iter().filter(|s| s.key == "networks" && s.path.ends_with(".external")) {
        let Some(stage) =
            external.target.as_ref().and_then(|t| t.stage.known().copied()).filter(|s| is_lasting(*s))
        else {
            continue;
        };
        let Some(network) =
            external.path.strip_suffix(".external").filter(|_| text(external) == Some("true"))
        else {
            continue;
        };
        let full = format!("{network}.name");
        let named = repository.settings_of(external.place.file).iter().find(|s| s.path == full);
        let name = named.and_then(text).unwrap_or(network.trim_start_matches("networks."));
        let found = stages(repository, name);
        if let (1, Some(other)) = (found.len(), found.first().filter(|o| **o != stage)) {
            let message = format!("{} joins the network `{name}` of {}", capital(stage), other.name());
            let finding = verdict.fail(named.unwrap_or(external).place, format!("network {name}"), message);
            finding.label("a network of another environment").at_most(Confidence::Medium);
        }
    }
}
