//! Images that a pipeline stores and nothing looks into for known vulnerabilities.

use super::products::{Product, concerns, stored_images};
use crate::facts::{EffectKind, Repository, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let by_registry = registry_scans(repository);
    for product in stored_images(repository) {
        if by_registry || is_scanned(repository, &product) {
            verdict.satisfied(product.place);
            continue;
        }
        let job = repository.flow.job(product.node, &repository.facts.pipelines);
        let name = product.shown();
        let message = format!("Job `{}` stores image `{name}`, and nothing here scans it", job.name);
        verdict
            .open(product.place, format!("image {}", product.stem), message)
            .label("stored without a scan");
    }
}

fn is_scanned(repository: &Repository, product: &Product<'_>) -> bool {
    let effects = repository.flow.runs().iter().flat_map(|run| &run.effects);
    let scans = effects.filter(|e| e.effect == EffectKind::Scan && e.detail.as_deref() == Some("container"));
    let mut included = repository.facts.pipelines.iter().flat_map(|p| &p.includes);
    scans.into_iter().any(|e| concerns(e, product))
        || included.any(|i| {
            let name = i.name.to_ascii_lowercase();
            name.contains("container-scanning") || name.contains("auto-devops")
        })
}

/// Whether code sets up a registry that scans what it takes in.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecr_repository>,
/// <https://cloud.google.com/artifact-analysis/docs/os-scanning-automatically>
fn registry_scans(repository: &Repository) -> bool {
    repository.facts.resources.iter().filter(|r| r.system == System::Terraform).any(|r| {
        let is = |end: &str, value: &str| r.entries_ending(end).any(|e| e.setting.text() == value);
        match r.sort.as_str() {
            "aws_ecr_repository" => is("scan_on_push", "true"),
            "aws_ecr_registry_scanning_configuration" => true,
            "google_project_service" => is("service", "containerscanning.googleapis.com"),
            "azurerm_security_center_subscription_pricing" => is("resource_type", "Containers"),
            "harbor_project" => is("vulnerability_scanning", "true"),
            _ => false,
        }
    })
}
