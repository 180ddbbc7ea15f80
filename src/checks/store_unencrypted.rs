//! Stores that keep what they hold as it is, for whoever gets hold of the disk.

use super::definitions::text;
use super::estate::{
    argument, is_apart_here, is_no, is_yes, kind, makes, relate_block, say_once, standing, worths,
};
use super::samples::no_worse_than;
use crate::facts::{Repository, Resource, System};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// A block, the switch in it, and whether it is off unless it is said.
struct Switch {
    sort: &'static str,
    key: &'static str,
    off: fn(&str) -> bool,
    /// The provider encrypts nothing unless it is told to.
    by_default: bool,
    what: &'static str,
}

const fn at_rest(sort: &'static str, key: &'static str, by_default: bool) -> Switch {
    Switch { sort, key, off: is_no, by_default, what: "keeps its data unencrypted" }
}

const fn on_the_way(sort: &'static str, key: &'static str) -> Switch {
    Switch { sort, key, off: is_no, by_default: false, what: "lets its data travel unencrypted" }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html>,
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html>,
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html>,
/// <https://docs.cloud.google.com/sql/docs/postgres/configure-ssl-instance>,
/// <https://learn.microsoft.com/en-us/azure/storage/common/storage-require-secure-transfer>
const SWITCHES: &[Switch] = &[
    at_rest("aws_db_instance", "storage_encrypted", true),
    at_rest("aws_rds_cluster", "storage_encrypted", true),
    at_rest("aws_docdb_cluster", "storage_encrypted", true),
    at_rest("aws_neptune_cluster", "storage_encrypted", true),
    at_rest("aws_redshift_cluster", "encrypted", false),
    at_rest("aws_ebs_volume", "encrypted", false),
    at_rest("aws_efs_file_system", "encrypted", true),
    at_rest("aws_instance", "encrypted", false),
    at_rest("aws_launch_template", "encrypted", false),
    at_rest("aws_elasticache_replication_group", "at_rest_encryption_enabled", false),
    at_rest("aws_opensearch_domain", "encrypt_at_rest.enabled", false),
    at_rest("aws_elasticsearch_domain", "encrypt_at_rest.enabled", false),
    at_rest("module", "storage_encrypted", false),
    on_the_way("aws_elasticache_replication_group", "transit_encryption_enabled"),
    on_the_way("azurerm_storage_account", "https_traffic_only_enabled"),
    on_the_way("azurerm_storage_account", "enable_https_traffic_only"),
    on_the_way("azurerm_postgresql_server", "ssl_enforcement_enabled"),
    on_the_way("azurerm_mysql_server", "ssl_enforcement_enabled"),
    Switch {
        sort: "azurerm_redis_cache",
        key: "non_ssl_port_enabled",
        off: is_yes,
        by_default: false,
        what: "lets its data travel unencrypted",
    },
    Switch {
        sort: "azurerm_redis_cache",
        key: "enable_non_ssl_port",
        off: is_yes,
        by_default: false,
        what: "lets its data travel unencrypted",
    },
    Switch {
        sort: "google_redis_instance",
        key: "transit_encryption_mode",
        off: |v| v == "DISABLED",
        by_default: false,
        what: "lets its data travel unencrypted",
    },
    Switch {
        sort: "google_sql_database_instance",
        key: "ip_configuration.ssl_mode",
        off: |v| v == "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
        by_default: false,
        what: "lets its data travel unencrypted",
    },
    Switch {
        sort: "aws_msk_cluster",
        key: "encryption_in_transit.client_broker",
        off: |v| v.starts_with("PLAINTEXT") || v == "TLS_PLAINTEXT",
        by_default: false,
        what: "lets its data travel unencrypted",
    },
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in standing(repository).filter(|r| makes(r)) {
        if resource.system == System::Kubernetes {
            class(resource, verdict);
            continue;
        }
        for switch in SWITCHES.iter().filter(|s| s.sort == kind(resource)) {
            judge(repository, resource, switch, verdict);
        }
    }
    say_once(verdict);
}

fn judge(repository: &Repository, resource: &Resource, switch: &Switch, verdict: &mut Verdict) {
    let title = resource.title();
    let subject = format!("encryption {title} {}", switch.key);
    let Some(entry) = argument(resource, switch.key) else {
        // A copy is like what it is a copy of; so is what is restored.
        const COPIES: &[&str] = &[
            "replicate_source_db",
            "snapshot_identifier",
            "replication_source_identifier",
            "global_cluster_identifier",
            "Properties.SourceDBInstanceIdentifier",
            "Properties.DBSnapshotIdentifier",
        ];
        // An instance of a cluster keeps its data as the cluster does; a cluster's own name is no reference.
        let of_cluster =
            resource.sort.ends_with("::DBInstance") && resource.has("Properties.DBClusterIdentifier");
        let serverless = resource.entry("engine_mode").and_then(text) == Some("serverless");
        if switch.by_default && !serverless && !of_cluster && !COPIES.iter().any(|k| resource.has(k)) {
            let message = format!(
                "`{title}` does not ask for encryption, and by default {}",
                if switch.sort == "aws_efs_file_system" { "has none" } else { "its data lie unencrypted" }
            );
            let finding = verdict.fail(resource.place, subject, message);
            finding.label(format!("no `{}`", switch.key)).at_most(Confidence::Medium);
            no_worse_than(finding, Severity::Note);
        }
        return;
    };
    let found = worths(repository, resource, entry)
        .into_iter()
        .find(|w| text(w).is_some_and(switch.off) && !is_apart_here(resource, w));
    match found {
        Some(value) => {
            let finding = verdict.fail(value.place, subject, format!("`{title}` {}", switch.what));
            finding.label("switched off");
            relate_block(finding, resource, value);
        }
        None if entry.setting.known().is_some() => verdict.satisfied(entry.place),
        None => verdict.examined(entry.place),
    }
}

/// <https://kubernetes.io/docs/concepts/storage/storage-classes/#parameters>
fn class(resource: &Resource, verdict: &mut Verdict) {
    if resource.sort != "StorageClass" {
        return;
    }
    let Some(entry) = resource.entry("parameters.encrypted") else { return };
    if text(entry).is_some_and(is_no) {
        let title = resource.title();
        let message = format!("Volumes of `{title}` keep their data unencrypted");
        verdict.fail(entry.place, format!("encryption {title}"), message).label("switched off");
    } else {
        verdict.satisfied(entry.place);
    }
}
