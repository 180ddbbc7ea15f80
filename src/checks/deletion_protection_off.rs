//! Stores of production that one mistaken apply deletes with all that they hold.

use super::definitions::text;
use super::estate::{
    argument, is_no, is_yes, keeps_data, kind, makes, of_production, relate_block, say_once, standing, worths,
};
use crate::facts::{Repository, Resource, Setting, Stage, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// A block, its switch, and what says that nothing is protected.
type Switch = (&'static str, &'static str, fn(&str) -> bool);

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html>,
/// <https://docs.cloud.google.com/sql/docs/postgres/deletion-protection>,
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket#force_destroy-1>
const SWITCHES: &[Switch] = &[
    ("aws_db_instance", "deletion_protection", is_no),
    ("aws_rds_cluster", "deletion_protection", is_no),
    ("aws_docdb_cluster", "deletion_protection", is_no),
    ("aws_neptune_cluster", "deletion_protection", is_no),
    ("aws_dynamodb_table", "deletion_protection_enabled", is_no),
    ("aws_s3_bucket", "force_destroy", is_yes),
    ("google_sql_database_instance", "deletion_protection", is_no),
    ("google_sql_database_instance", "settings.deletion_protection_enabled", is_no),
    ("google_storage_bucket", "force_destroy", is_yes),
    ("google_spanner_database", "deletion_protection", is_no),
    ("google_bigquery_table", "deletion_protection", is_no),
    ("azurerm_key_vault", "purge_protection_enabled", is_no),
    ("module", "deletion_protection", is_no),
    ("module", "force_destroy", is_yes),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in standing(repository).filter(|r| makes(r)) {
        if resource.system == System::Kubernetes {
            continue;
        }
        for (_, key, off) in SWITCHES.iter().filter(|(sort, ..)| *sort == kind(resource)) {
            let Some(entry) = argument(resource, key) else { continue };
            if resource.block == "module" && !keeps_data(repository, resource) {
                continue;
            }
            let worth = worths(repository, resource, entry);
            let found = worth.iter().find(|w| text(w).is_some_and(off) && is_of_production(resource, w));
            match found {
                Some(value) => report(resource, entry, value, verdict),
                None if !worth.is_empty() => verdict.satisfied(entry.place),
                None => verdict.examined(entry.place),
            }
        }
    }
    say_once(verdict);
}

fn is_of_production(resource: &Resource, value: &Setting) -> bool {
    match &value.target {
        Some(target) => target.may_be(Stage::Production),
        None => of_production(resource),
    }
}

fn report(resource: &Resource, entry: &Setting, value: &Setting, verdict: &mut Verdict) {
    let title = resource.title();
    let message = format!("`{title}` of production can be deleted by mistake, with all that it holds");
    let finding = verdict.fail(value.place, format!("deletion {title}"), message);
    finding.label(format!("`{}`", entry.key));
    relate_block(finding, resource, value);
    if resource.sort == "module" {
        finding.at_most(Confidence::Medium);
    }
}
