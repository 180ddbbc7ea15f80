//! Images that a pipeline stores and nothing signs.

use super::products::{Product, concerns, stored_images};
use crate::facts::{EffectKind, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let products = stored_images(repository);
    let all = !products.is_empty() && signs_all(repository);
    for product in products {
        if all || is_signed(repository, &product) {
            verdict.satisfied(product.place);
            continue;
        }
        let job = repository.flow.job(product.node, &repository.facts.pipelines);
        let name = product.shown();
        let message = format!("Job `{}` stores image `{name}`, and nothing here signs it", job.name);
        verdict
            .open(product.place, format!("image {}", product.stem), message)
            .label("stored without a signature");
    }
}

fn is_signed(repository: &Repository, product: &Product<'_>) -> bool {
    let effects = repository.flow.runs().iter().flat_map(|run| &run.effects);
    effects.filter(|e| e.effect == EffectKind::Sign).any(|e| concerns(e, product))
}

/// Whether what is pushed is signed, whatever it is called: by Docker's own switch, by an attestor, by a service.
fn signs_all(repository: &Repository) -> bool {
    let switch = |s: &crate::facts::Setting| s.key == "DOCKER_CONTENT_TRUST" && s.setting.text() == "1";
    repository.commands().any(|(_, c)| {
        c.program == "gcloud" && c.line.contains("attestations sign-and-create")
            || c.assignments.iter().any(|a| a.name == "DOCKER_CONTENT_TRUST" && a.word.text == "1")
    }) || repository.steps().any(|(pipeline, job, step)| {
        step.settings.iter().chain(&job.settings).chain(&pipeline.settings).any(switch)
    }) || repository.facts.resources.iter().any(|r| r.sort == "aws_signer_signing_profile")
}
