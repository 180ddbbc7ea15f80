//! Environments whose workloads nothing here keeps apart from others at network level.

use super::definitions::{capital, passes};
use super::estate::kind;
use crate::facts::{Repository, Resource, Stage, System, Value};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeMap;

const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet", "Rollout"];

/// Networks that a cloud keeps apart by themselves.
const NETWORKS: &[&str] = &[
    "aws_vpc",
    "aws_default_vpc",
    "google_compute_network",
    "azurerm_virtual_network",
    "digitalocean_vpc",
    "openstack_networking_network_v2",
    "hcloud_network",
    "oci_core_vcn",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = || repository.facts.resources.iter().filter(|r| passes(repository, r.place));
    let asked = |s: &Stage| matches!(s, Stage::Staging | Stage::Production);
    let stage = |r: &Resource| r.target.as_ref().and_then(|t| t.stage.known().copied()).filter(asked);
    let mut subjects: BTreeMap<Stage, Vec<&Resource>> = BTreeMap::new();
    for resource in all() {
        let workload = resource.system == System::Kubernetes && WORKLOADS.contains(&resource.sort.as_str())
            || matches!(resource.system, System::Terraform | System::CloudFormation)
                && resource.block == "resource"
                && runs_something(kind(resource));
        if let (true, Some(stage)) = (workload, stage(resource)) {
            subjects.entry(stage).or_default().push(resource);
        }
    }
    if subjects.is_empty() {
        verdict.not_applicable("no file here says what runs in which environment");
        return;
    }
    for (own, workloads) in subjects {
        let separates =
            |r: &&Resource| stage(r).is_none_or(|s| s == own) && (denies_by_default(r) || is_network(r));
        if let Some(found) = all().find(separates) {
            verdict.satisfied(found.place);
            continue;
        }
        let message = format!(
            "{} runs `{}`, and nothing here keeps its network apart",
            capital(own),
            workloads[0].title()
        );
        let finding = verdict.open(workloads[0].place, format!("network of {}", own.name()), message);
        finding.label("no default-deny policy, and no network of its own");
        for other in workloads.iter().skip(1).take(5) {
            finding.relate(other.place, "runs there, too");
        }
    }
}

fn runs_something(sort: &str) -> bool {
    [
        "aws_instance",
        "aws_ecs_service",
        "aws_db_instance",
        "aws_eks_cluster",
        "google_compute_instance",
        "google_container_cluster",
        "google_sql_database_instance",
        "azurerm_linux_virtual_machine",
        "azurerm_kubernetes_cluster",
        "azurerm_linux_web_app",
    ]
    .contains(&sort)
}

fn is_network(resource: &Resource) -> bool {
    let module = resource.block == "module"
        && resource.entry("source").is_some_and(|s| {
            let source = s.setting.text().to_ascii_lowercase();
            ["vpc", "network", "vnet"].iter().any(|w| source.contains(w))
        });
    matches!(resource.system, System::Terraform | System::CloudFormation)
        && (module || resource.block == "resource" && NETWORKS.contains(&kind(resource)))
}

/// A policy that chooses every pod and, for ingress, lets nothing in or only what it lists.
/// <https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-traffic>
fn denies_by_default(resource: &Resource) -> bool {
    let everything =
        |path: &str| resource.entry(path).is_some_and(|e| e.setting == Value::Known(String::new()));
    match resource.sort.as_str() {
        "NetworkPolicy" => everything("spec.podSelector"),
        "CiliumNetworkPolicy" => everything("spec.endpointSelector"),
        // <https://istio.io/latest/docs/reference/config/security/authorization-policy/>: without rules nothing is let in.
        "AuthorizationPolicy" => !resource.entries.iter().any(|e| e.path.starts_with("spec.")),
        _ => false,
    }
}
