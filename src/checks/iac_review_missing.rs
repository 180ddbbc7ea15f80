//! Whether infrastructure code has owners who look at a change, and a pipeline that checks it.

use super::delivery::{Wanted, doubt, main_pipeline};
use crate::facts::{EffectKind, Repository, Resource, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

const LOOKS: Wanted = Wanted {
    effect: |e| {
        let tool = [
            "terraform",
            "tofu",
            "terragrunt",
            "tflint",
            "checkov",
            "tfsec",
            "trivy",
            "terrascan",
            "kics",
            "conftest",
            "atlantis",
        ];
        e.detail.as_deref() == Some("iac")
            || e.effect == EffectKind::Provision
            || matches!(e.effect, EffectKind::Validate | EffectKind::Lint | EffectKind::Scan)
                && tool.iter().any(|t| e.tool.contains(t))
    },
    names: &[
        "terraform",
        "tofu",
        "terragrunt",
        "infrastructure",
        "infra",
        "iac",
        "tflint",
        "checkov",
        "tfsec",
        "atlantis",
        "kubeconform",
        "kubeval",
    ],
    lines: &["terraform ", "tofu ", "terragrunt ", "tflint", "checkov", "pre-commit"],
};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |r: &&Resource| repository.is_own(r.place) && r.system != System::Nginx;
    let mut folders: BTreeMap<&str, (Span, System)> = BTreeMap::new();
    for resource in repository.facts.resources.iter().filter(own) {
        let path = repository.path(resource.place);
        let folder = path.split_once('/').map_or(path, |(first, _)| first);
        folders.entry(folder).or_insert((resource.place, resource.system));
    }
    if folders.is_empty() {
        return verdict.not_applicable("there is no infrastructure code");
    }
    if let (Some(first), Some(owners)) = (repository.facts.code_owners.first(), repository.owners()) {
        let owned = |place: Span| owners.of(repository.path(place)).is_some_and(|o| !o.owners.is_empty());
        let (have, lack): (Vec<_>, Vec<_>) = folders.iter().partition(|(_, (place, _))| owned(*place));
        have.iter().for_each(|(_, (place, _))| verdict.satisfied(*place));
        if let Some((folder, _)) = lack.first() {
            let message = format!("No line of `{}` gives `{folder}` an owner", repository.path(first.place));
            let finding = verdict.open(Span::start_of(first.place.file), "owners of infrastructure", message);
            finding.label("who looks at changes");
            for (_, (place, _)) in lack.iter().take(5) {
                finding.relate(*place, "infrastructure without an owner");
            }
            finding.against("the server may ask for an approval of every change");
        }
    }
    let terraform = folders.values().find(|(_, system)| *system == System::Terraform);
    let (Some(&(place, _)), Some(main)) = (terraform, main_pipeline(repository)) else { return };
    if let Some(&(_, looked)) = LOOKS.anywhere(repository).first() {
        return verdict.satisfied(looked);
    }
    let message =
        format!("No pipeline validates or plans the infrastructure in `{}`", repository.path(place));
    let finding = verdict.open(place, "checks of infrastructure", message);
    finding.label("changed without a check").relate(main.place, "looked at, with every other pipeline");
    doubt(repository, finding);
}
