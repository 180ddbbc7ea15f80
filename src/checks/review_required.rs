//! Whether files here make somebody look at a change: of the code, and of the infrastructure.

use super::delivery::{Wanted, absent, doubt, main_pipeline};
use super::samples::{is_sample, is_vendored};
use crate::facts::{EffectKind, Repository, Resource, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// Objects of Terraform that protect a branch or ask for approvals.
const PROTECTING: &[&str] = &[
    "github_branch_protection",
    "github_branch_protection_v3",
    "github_repository_ruleset",
    "github_organization_ruleset",
    "gitlab_branch_protection",
    "gitlab_project_approval_rule",
    "gitlab_project_level_mr_approvals",
    "azuredevops_branch_policy_min_reviewers",
    "bitbucket_branch_restriction",
];

/// Files of services that hold a merge until somebody has approved it.
const HOLDING: &[&str] = &[
    ".gitreview",
    ".mergify.yml",
    "bors.toml",
    "OWNERS",
    "MAINTAINERS",
    ".pullapprove.yml",
    ".prow.yaml",
    "kodiak.toml",
];

pub(super) fn code(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let protecting = repository
        .facts
        .resources
        .iter()
        .filter(|r| r.system == System::Terraform && PROTECTING.contains(&r.sort.as_str()));
    let mut found = None;
    for resource in protecting {
        found.get_or_insert(resource.place);
        for end in ["required_approving_review_count", "approvals_required", "reviewer_count"] {
            for entry in resource.entries_ending(end).filter(|e| e.setting.known().is_some_and(|v| v == "0"))
            {
                let message = format!("`{}` lets a change in that nobody has approved", resource.title());
                verdict
                    .fail(entry.place, format!("resource {}", resource.title()), message)
                    .label("no approval is asked for");
            }
        }
    }
    if let Some(line) = repository.facts.code_owners.first() {
        found.get_or_insert(line.place);
    }
    let settings = |path: &str| {
        path == ".github/settings.yml"
            || path.starts_with(".github/rulesets/")
            || path.contains("branch-protection")
            || path.contains("branch_protection")
    };
    let holding = repository
        .files
        .iter()
        .find(|f| settings(&f.path) || HOLDING.contains(&f.name()) && !f.path.contains('/'));
    if let Some(place) = found.or(holding.map(|f| f.place)) {
        return verdict.satisfied(place);
    }
    let message = "Nothing here shows that somebody must approve a change before it is merged".to_owned();
    if let Some(finding) = absent(repository, verdict, "review", message) {
        finding.related.clear();
        finding.label("runs on changes that nobody may have seen");
        finding.against("the server's settings may ask for approvals");
    }
}

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

pub(super) fn infrastructure(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |r: &&Resource| {
        let path = repository.path(r.place);
        !is_sample(path) && !is_vendored(path)
    };
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
