//! Databases of which no copy is kept.

use super::addresses::{is_database_image, snake};
use super::definitions::{passes, text};
use super::delivery::doubt;
use super::estate::{
    argument, is_apart, is_apart_here, is_no, is_yes, keeps_data, kind, makes, of_production, relate_block,
    said, say_once, standing, worths,
};
use super::samples::no_worse_than;
use super::stacks::served;
use crate::facts::{EffectKind, Repository, Resource, Setting, Stage, System, Target};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let plans = plan(repository);
    for resource in standing(repository).filter(|r| makes(r)) {
        match resource.system {
            System::Kubernetes => operated(repository, resource, plans, verdict),
            _ => provided(repository, resource, plans, verdict),
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| passes(repository, s.place)) {
        let key = snake(&setting.key).to_ascii_lowercase();
        let days =
            matches!(key.as_str(), "backup_retention_period" | "backup_retention_days" | "backup_retention");
        let shared = super::estate::is_shared(setting.target.as_deref());
        // What a block refers to is said there.
        if days && shared && text(setting) == Some("0") && !repository.path(setting.place).contains(".tfvars")
        {
            none_kept(verdict, setting, &setting.path);
        }
    }
    alone(repository, plans, verdict);
    say_once(verdict);
}

/// Something that backs up stores of which it knows by tag or name.
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html>, <https://velero.io/docs/main/api-types/schedule/>
fn plan(repository: &Repository) -> Option<Span> {
    const KINDS: &[&str] =
        &["Schedule", "ScheduledBackup", "PreBackupPod", "BackupConfiguration", "RecurringJob"];
    let block = |r: &&Resource| {
        matches!(kind(r), "aws_backup_selection" | "aws_backup_plan")
            || r.sort == "azurerm_data_protection_backup_policy_postgresql_flexible_server"
            || r.sort == "google_backup_dr_backup_plan_association"
            || r.system == System::Kubernetes && KINDS.contains(&r.sort.as_str())
            || r.sort == "module" && said(r, "source").is_some_and(|s| s.contains("backup"))
            || r.sort == "CronJob" && r.entries.iter().any(|e| speaks_of_copies(&e.setting.text()))
    };
    let run = || {
        let copies = |e: &&crate::facts::Effect| matches!(e.effect, EffectKind::Backup);
        let in_flow = repository.flow.runs().iter().flat_map(|r| &r.effects).find(copies).map(|e| e.place);
        in_flow.or_else(|| repository.commands().flat_map(|(_, c)| &c.effects).find(copies).map(|e| e.place))
    };
    standing(repository).find(block).map(|r| r.place).or_else(run)
}

fn speaks_of_copies(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    [
        "pg_dump",
        "pg_basebackup",
        "mysqldump",
        "mongodump",
        "backup",
        "restic",
        "wal-g",
        "pgbackrest",
        "barman",
    ]
    .iter()
    .any(|w| value.contains(w))
}

fn none_kept<'v>(verdict: &'v mut Verdict, value: &Setting, who: &str) -> &'v mut crate::finding::Finding {
    let message = format!("`{who}` keeps no backup of its database");
    let finding = verdict.fail(value.place, format!("backup {who}"), message);
    finding.label("none is kept");
    finding
}

/// Databases of a provider.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/db_instance#backup_retention_period-1>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/sql_database_instance#nested_settings_backup_configuration>,
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/dynamodb_table#point_in_time_recovery-1>
fn provided(repository: &Repository, resource: &Resource, plans: Option<Span>, verdict: &mut Verdict) {
    let spoken =
        || ["backup_retention_period", "skip_final_snapshot"].iter().any(|k| argument(resource, k).is_some());
    if resource.block == "module" && !(spoken() && keeps_data(repository, resource)) {
        return;
    }
    let title = resource.title();
    let off = |entry: &'static str, none: fn(&str) -> bool| {
        let entry = argument(resource, entry)?;
        let worth = worths(repository, resource, entry);
        let found = worth.into_iter().find(|w| text(w).is_some_and(none) && !is_apart_here(resource, w));
        Some((entry, found))
    };
    let zero = |v: &str| v == "0";
    let key: &'static str = match kind(resource) {
        "aws_db_instance" | "module" => "backup_retention_period",
        "aws_redshift_cluster" => "automated_snapshot_retention_period",
        "google_sql_database_instance" => "backup_configuration.enabled",
        "aws_dynamodb_table" if resource.system == System::CloudFormation => {
            "point_in_time_recovery_specification.point_in_time_recovery_enabled"
        }
        "aws_dynamodb_table" => "point_in_time_recovery.enabled",
        "scaleway_rdb_instance" => "disable_backup",
        _ => "",
    };
    let none: fn(&str) -> bool = match kind(resource) {
        "google_sql_database_instance" | "aws_dynamodb_table" => is_no,
        "scaleway_rdb_instance" => is_yes,
        _ => zero,
    };
    if !key.is_empty() {
        let copy = [
            "replicate_source_db",
            "master_instance_name",
            "restore_source_table_arn",
            "Properties.SourceDBInstanceIdentifier",
        ];
        let replica = copy.iter().any(|k| resource.has(k));
        match off(key, none).filter(|_| !replica) {
            Some((_, Some(value))) if plans.is_none() => {
                let finding = none_kept(verdict, value, &title);
                relate_block(finding, resource, value);
                if resource.sort == "aws_dynamodb_table" || resource.sort == "module" {
                    no_worse_than(finding, Severity::Warning).at_most(Confidence::Medium);
                }
            }
            Some((entry, None)) if entry.setting.known().is_some() => verdict.satisfied(entry.place),
            Some((entry, _)) => verdict.examined(entry.place),
            None if replica => {}
            None => unsaid(resource, plans, verdict),
        }
    }
    if let Some((_, Some(value))) = off("skip_final_snapshot", is_yes)
        && (of_production(resource) || value.target.as_ref().is_some_and(|t| t.may_be(Stage::Production)))
    {
        let message = format!("`{title}` of production is deleted without a last snapshot");
        let finding = verdict.fail(value.place, format!("final snapshot {title}"), message);
        no_worse_than(finding.label("nothing is left of it"), Severity::Warning);
        relate_block(finding, resource, value);
    }
}

/// Blocks that keep nothing unless they are told to.
fn unsaid(resource: &Resource, plans: Option<Span>, verdict: &mut Verdict) {
    let dynamic = resource
        .entries
        .iter()
        .any(|e| e.path.contains("backup_configuration") || e.path.contains("point_in_time"));
    // By CloudFormation a database keeps one day of backups unless it is told otherwise.
    let silent = match resource.sort.as_str() {
        "aws_db_instance" => !resource.has("snapshot_identifier"),
        "google_sql_database_instance" => !resource.has("clone"),
        // A table of locks holds nothing that anybody would want back.
        "aws_dynamodb_table" => of_production(resource) && said(resource, "hash_key") != Some("LockID"),
        _ => false,
    };
    if !silent || dynamic {
        return;
    }
    if let Some(plan) = plans {
        return verdict.satisfied(plan);
    }
    let title = resource.title();
    let message = format!("`{title}` does not ask for backups, and by default none are kept");
    let finding = verdict.fail(resource.place, format!("backup {title}"), message);
    finding.label("no backups are asked for").at_most(Confidence::Medium);
    no_worse_than(finding, Severity::Warning);
}

/// Databases that an operator runs.
/// <https://cloudnative-pg.io/documentation/current/backup/>, <https://docs.percona.com/percona-operator-for-postgresql/2.0/backups.html>
fn operated(repository: &Repository, resource: &Resource, plans: Option<Span>, verdict: &mut Verdict) {
    let version = said(resource, "apiVersion").unwrap_or("");
    let operated = resource.sort == "Cluster" && version.starts_with("postgresql.cnpg.io/")
        || resource.sort == "PostgresCluster"
        || resource.sort == "PerconaPGCluster"
        || resource.sort == "PerconaServerMongoDB"
        || resource.sort == "PerconaXtraDBCluster";
    if !operated {
        return;
    }
    let title = resource.title();
    if !resource.is_closed("spec.backup") {
        return verdict.examined(resource.place);
    }
    // Backups of CloudNativePG go to the place of `spec.backup`; a schedule or plugin says when.
    if resource.has("spec.backup") || resource.has("spec.backups") || resource.has("spec.plugins") {
        return verdict.satisfied(resource.place);
    }
    if let Some(plan) = plans {
        return verdict.satisfied(plan);
    }
    let message = format!("Nothing here backs up the database `{title}`");
    let finding = verdict.open(resource.place, format!("backup {title}"), message);
    doubt(repository, finding.label("no backup is asked for"));
}

/// Databases in containers of staging or production that nothing copies.
fn alone(repository: &Repository, plans: Option<Span>, verdict: &mut Verdict) {
    let production = |t: Option<&Target>| t.is_some_and(|t| t.may_be(Stage::Production));
    let mut said = BTreeSet::new();
    let services = served(repository).filter(|(stack, _)| production(stack.target.as_ref()));
    let composed = services.filter_map(|(_, service)| {
        let image = service.image.as_ref().filter(|i| is_database_image(&i.value))?;
        said.insert(image.span).then(|| (image.span, service.name.clone(), "service"))
    });
    let sets = standing(repository).filter(|r| {
        matches!(r.sort.as_str(), "StatefulSet" | "Deployment")
            && production(r.target.as_ref())
            && !is_apart(r.target.as_ref())
    });
    let set = sets.filter_map(|r| {
        let image = r.entries_ending("image").find(|e| text(e).is_some_and(is_database_image))?;
        Some((image.place, r.title(), "workload"))
    });
    let copied = |name: &str| {
        let services = repository.stacks.iter().flat_map(|s| &s.services).filter(|s| s.name != name);
        services.into_iter().any(|s| {
            speaks_of_copies(&s.name) || s.image.as_ref().is_some_and(|i| speaks_of_copies(&i.value))
        })
    };
    for (place, name, what) in composed.chain(set) {
        if let Some(plan) = plans {
            verdict.satisfied(plan);
            continue;
        }
        if what == "service" && copied(&name) {
            verdict.satisfied(place);
            continue;
        }
        let message = format!("Nothing here backs up the database that `{name}` runs in production");
        let finding = verdict.open(place, format!("backup {what} {name}"), message);
        doubt(repository, finding.label("a database in a container"));
    }
}
