//! Joins what a server or infrastructure code demands of a change to the pipelines that ship it.

use crate::facts::{Dialect, EvidenceKind, Proof, Repository, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// Terraform resources by which a change needs somebody's review.
const DEMANDS: [&str; 9] = [
    "github_branch_protection",
    "github_branch_protection_v3",
    "github_repository_ruleset",
    "github_organization_ruleset",
    "gitlab_project_approval_rule",
    "gitlab_project_level_mr_approvals",
    "azuredevops_branch_policy_min_reviewers",
    "bitbucket_branch_restriction",
    "bitbucket_default_reviewers",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let resources = repository.facts.resources.iter().filter(|r| r.system == System::Terraform);
    if let Some(demand) = resources.into_iter().find(|r| DEMANDS.contains(&r.sort.as_str())) {
        return verdict.satisfied(demand.place);
    }
    let own = |file| repository.outside.home(file).is_none();
    let mut pipelines = repository.facts.pipelines.iter().filter(|p| own(p.place.file));
    let Some(pipeline) = pipelines.next() else { return };
    let owners = ["CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"];
    let owners = owners.iter().find_map(|path| repository.by_path(path)).map(|file| file.place);
    let answer = match repository.is_reviewed() {
        Proof::Unknown => {
            let asks = |p: &crate::facts::Protection| p.approvals > 0;
            repository
                .gitlab_says_no(EvidenceKind::GitlabApprovalRules, asks)
                .map_or(Proof::Unknown, Proof::No)
        }
        known => known,
    };
    match answer {
        Proof::Yes(place) => verdict.satisfied(place),
        Proof::No(place) => {
            let message = "A change gets to the default branch without anybody's review".to_owned();
            let finding = verdict.fail(pipeline.place, "code review", message);
            finding.label("ships what nobody had to look at").relate(place, "the server's settings say so");
            if let Some(owners) = owners {
                finding.relate(owners, "names who would review, but nobody has to");
            }
        }
        Proof::Unknown => {
            let message =
                "Whether a change must be reviewed before it is merged is set on the server".to_owned();
            let finding = verdict.open(pipeline.place, "code review", message);
            finding.against(match pipeline.dialect {
                Dialect::Github | Dialect::Gitlab | Dialect::Azure => {
                    "an export of the settings in `.plimsoll/evidence/` would tell: `plimsoll evidence` shows the calls"
                }
                _ => "the settings of the server that keeps the repository would tell",
            });
            if let Some(owners) = owners {
                finding.relate(owners, "names who reviews");
            }
        }
    }
}
