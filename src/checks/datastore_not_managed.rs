//! Databases and caches of staging and production that run in plain containers.

use super::addresses::{is_database_image, is_store_image};
use super::definitions::text;
use super::estate::{is_shared, standing};
use super::merged::{Cause, Causes};
use super::stacks::served;
use crate::facts::{Repository, Target};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    let mut add = |name: &str, reference: &str, place: Span, target: Option<&Target>| {
        let what = if is_database_image(reference) { "database" } else { "cache" };
        let stage = target.and_then(|t| t.stage.known()).map_or("staging or production", |s| s.name());
        let message = format!("The {what} `{name}` of {stage} runs in a container of its own");
        // Staging and production run the same thing: it is one decision.
        causes.add(format!("store {name}"), place, || Cause {
            message,
            label: "nobody but the team looks after it",
            also: "likewise",
            severity: Severity::Note,
            confidence: Confidence::Medium,
        });
    };
    let mut said = BTreeSet::new();
    for (stack, service) in served(repository) {
        if let Some(image) = service.image.as_ref().filter(|i| is_kept(&i.value) && said.insert(i.span)) {
            add(&service.name, &image.value, image.span, stack.target.as_ref());
        }
    }
    for resource in standing(repository).filter(|r| is_shared(r.target.as_ref())) {
        if !matches!(resource.sort.as_str(), "StatefulSet" | "Deployment") {
            continue;
        }
        let mut images = resource.entries_ending("image").filter_map(|e| Some((e.place, text(e)?)));
        if let Some((place, image)) = images.find(|(_, image)| is_kept(image)) {
            add(&resource.title(), image, place, resource.target.as_ref());
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
