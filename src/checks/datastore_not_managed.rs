//! Databases and caches of staging and production that run in plain containers.

use super::addresses::{is_database_image, is_store_image};
use super::definitions::{passes, text};
use super::estate::{is_shared, standing};
use super::merged::{Cause, Causes};
use crate::facts::{Repository, SettingSource};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    let mut add = |name: &str, image: &crate::facts::Setting| {
        let Some(reference) = text(image).filter(|r| is_kept(r)) else { return };
        let what = if is_database_image(reference) { "database" } else { "cache" };
        let stage = image
            .target
            .as_ref()
            .and_then(|t| t.stage.known().copied())
            .map_or("staging or production", |s| s.name());
        let message = format!("The {what} `{name}` of {stage} runs in a container of its own");
        // Staging and production run the same thing: it is one decision.
        causes.add(format!("store {name}"), image.place, || Cause {
            message,
            label: "nobody but the team looks after it",
            also: "likewise",
            severity: Severity::Note,
            confidence: Confidence::Medium,
        });
    };
    for image in repository.facts.settings.iter().filter(|s| {
        s.source == SettingSource::Service
            && s.path.ends_with(".image")
            && is_shared(s.target.as_deref())
            && passes(repository, s.place)
    }) {
        add(image.path.split('.').nth(1).unwrap_or(""), image);
    }
    for resource in standing(repository).filter(|r| is_shared(r.target.as_ref())) {
        if !matches!(resource.sort.as_str(), "StatefulSet" | "Deployment") {
            continue;
        }
        if let Some(image) = resource.entries_ending("image").find(|e| text(e).is_some_and(is_kept)) {
            add(&resource.title(), image);
        }
    }
    causes.report(verdict);
    for resource in standing(repository).filter(|r| is_managed(&r.sort)) {
        verdict.satisfied(resource.place);
    }
}

/// Brokers are neither databases nor caches.
fn is_kept(reference: &str) -> bool {
    is_store_image(reference) && !reference.contains("rabbitmq") && !reference.contains("kafka")
}

fn is_managed(sort: &str) -> bool {
    [
        "aws_db_instance",
        "aws_rds_cluster",
        "aws_elasticache",
        "aws_docdb_cluster",
        "aws_dynamodb_table",
        "google_sql_database_instance",
        "google_redis_instance",
        "google_alloydb",
        "azurerm_postgresql",
        "azurerm_mysql",
        "azurerm_mssql",
        "azurerm_redis_cache",
        "azurerm_cosmosdb",
        "digitalocean_database_cluster",
        "mongodbatlas_cluster",
    ]
    .iter()
    .any(|m| sort.starts_with(m))
}
