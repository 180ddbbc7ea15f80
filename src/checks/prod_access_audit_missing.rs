//! Production that leaves no record of who used it, as far as the files here tell.

use super::definitions::{passes, text};
use super::gates::deploys;
use crate::facts::{Repository, Resource, Stage, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// Blocks that record what people and services do.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-user-guide.html>,
/// <https://docs.cloud.google.com/logging/docs/audit>,
/// <https://learn.microsoft.com/en-us/azure/azure-monitor/platform/activity-log>
const RECORDS: &[&str] = &[
    "aws_cloudtrail",
    "aws_cloudtrail_event_data_store",
    "google_project_iam_audit_config",
    "google_folder_iam_audit_config",
    "google_organization_iam_audit_config",
    "azurerm_monitor_diagnostic_setting",
    "azurerm_mssql_server_extended_auditing_policy",
    "azurerm_mssql_database_extended_auditing_policy",
    "azurerm_log_analytics_workspace",
    "teleport_role",
    "vault_audit",
    "github_organization_webhook",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some((place, label)) = subject(repository) else {
        verdict.not_applicable("nothing here is brought to production or makes it up");
        return;
    };
    let resources = || repository.facts.resources.iter().filter(|r| passes(repository, r.place));
    let record = resources()
        .filter(|r| of_production(r))
        .find(|r| records(r))
        .map(|r| r.place)
        .or_else(|| configured(repository))
        .or_else(|| described(repository));
    if let Some(record) = record {
        verdict.satisfied(record);
        return;
    }
    let message = "Nothing here records who used production";
    verdict.open(place, "audit of production", message).label(label);
}

/// What is there for all environments is there for production.
fn of_production(resource: &Resource) -> bool {
    resource.target.as_ref().is_none_or(|t| t.may_be(Stage::Production) || t.stage.possible().is_empty())
}

fn subject(repository: &Repository) -> Option<(Span, &'static str)> {
    if let Some(&node) = deploys(repository, Stage::Production).first() {
        let place = repository.flow.job(node, &repository.facts.pipelines).place;
        return Some((place, "deploys to production"));
    }
    let production = |r: &&Resource| {
        let made = r.system == System::Terraform && matches!(r.block.as_str(), "resource" | "module")
            || r.sort == "Deployment"
            || r.sort == "StatefulSet";
        made && r.target.as_ref().is_some_and(|t| t.is(Stage::Production)) && passes(repository, r.place)
    };
    repository.facts.resources.iter().find(production).map(|r| (r.place, "is part of production"))
}

fn records(resource: &Resource) -> bool {
    if resource.system == System::Kubernetes {
        // <https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy>
        let audit =
            || resource.entry("apiVersion").and_then(text).is_some_and(|v| v.starts_with("audit.k8s.io/"));
        return resource.sort == "Policy" && audit();
    }
    let says = |path: &str, word: &str| {
        resource.entries.iter().any(|e| e.path.starts_with(path) && e.setting.text().contains(word))
    };
    let module = resource.block == "module" && says("source", "cloudtrail");
    module
        || resource.block == "resource" && RECORDS.contains(&resource.sort.as_str())
        // <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>
        || says("enabled_cluster_log_types", "audit")
        || says("cluster_enabled_log_types", "audit")
        // <https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html>
        || resource.sort == "aws_ssm_document" && says("name", "SessionManagerRunShell")
        || resource.sort == "google_logging_project_sink" && says("filter", "cloudaudit")
        || resource.sort.contains("parameter_group") && resource.entries.iter().any(|e| e.setting.text().contains("pgaudit"))
}

/// Databases and clusters that files of settings tell to record.
fn configured(repository: &Repository) -> Option<Span> {
    let audits = |key: &str, value: &str| {
        let key = key.to_ascii_lowercase();
        key.starts_with("pgaudit.")
            || key == "audit-policy-file"
            || key == "audit_log_path"
            || key == "kubernetes_audit" && value == "true"
            || key == "shared_preload_libraries" && value.contains("pgaudit")
    };
    let settings = repository.facts.settings.iter().filter(|s| passes(repository, s.place));
    settings
        .filter(|s| text(s).is_some_and(|v| audits(&s.path, v) || audits(&s.key, v)))
        .map(|s| s.place)
        .next()
}

/// A document that says where such records are.
fn described(repository: &Repository) -> Option<Span> {
    let speaks = |heading: &str, text: &str| {
        let heading = heading.rsplit(" > ").next().unwrap_or(heading).to_lowercase();
        let text = text.to_lowercase();
        let audit = |t: &str| {
            ["audit log", "audit trail", "access log", "session recording", "cloudtrail"]
                .iter()
                .any(|w| t.contains(w))
        };
        audit(&heading) && (text.contains("access") || text.contains("production"))
            || audit(&text) && text.contains("production") && heading.contains("access")
    };
    repository.facts.sections.iter().find(|s| speaks(&s.heading, &s.text)).map(|s| s.place)
}
