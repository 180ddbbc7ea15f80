//! Secret stores that are declared here without anything that records who reads them.

use crate::facts::{Repository, Resource, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// A store, the resources that declare it, and those that record its reads.
struct Store {
    name: &'static str,
    declared: &'static [&'static str],
    recorded: &'static [&'static str],
    fix: &'static str,
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-cloudtrail.html>,
/// <https://docs.cloud.google.com/secret-manager/docs/audit-logging>,
/// <https://learn.microsoft.com/en-us/azure/key-vault/general/logging>,
/// <https://developer.hashicorp.com/vault/docs/audit>
const STORES: &[Store] = &[
    Store {
        name: "AWS",
        declared: &["aws_secretsmanager_secret"],
        recorded: &["aws_cloudtrail"],
        fix: "aws_cloudtrail",
    },
    Store {
        name: "Google Cloud",
        declared: &["google_secret_manager_secret", "google_secret_manager_regional_secret"],
        recorded: &[
            "google_project_iam_audit_config",
            "google_folder_iam_audit_config",
            "google_organization_iam_audit_config",
        ],
        fix: "google_project_iam_audit_config",
    },
    Store {
        name: "Azure Key Vault",
        declared: &["azurerm_key_vault"],
        recorded: &["azurerm_monitor_diagnostic_setting"],
        fix: "azurerm_monitor_diagnostic_setting",
    },
    Store {
        name: "Vault",
        declared: &["vault_mount", "vault_kv_secret_backend_v2", "vault_policy"],
        recorded: &["vault_audit"],
        fix: "vault_audit",
    },
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let of = |sorts: &'static [&'static str]| {
        let all = repository.facts.resources.iter();
        all.filter(move |r: &&Resource| {
            r.system == System::Terraform && r.block == "resource" && sorts.contains(&r.sort.as_str())
        })
    };
    let mut any = false;
    for store in STORES {
        let Some(first) = of(store.declared).next() else { continue };
        any = true;
        if let Some(record) = of(store.recorded).next() {
            verdict.satisfied(record.place);
            continue;
        }
        let message = format!(
            "`{}` declares secrets of {}, but nothing here records who reads them",
            first.title(),
            store.name
        );
        let finding = verdict.open(first.place, format!("audit {}", store.name), message);
        finding.label(format!("no `{}` in this repository", store.fix));
    }
    if !any {
        verdict.not_applicable("no secret store is declared here");
    }
}
