//! What a server's settings say: answers of its API that a team keeps in `.plimsoll/evidence/`.

use super::{Dialect, Repository, Value, fact, words};
use crate::text::Span;

words! {
    /// A call of an API, whose answer is evidence.
    pub enum EvidenceKind {
        /// Who must approve what goes to an environment of GitHub.
        GithubEnvironments = "github-environments",
        /// What a branch of GitHub demands of a change.
        GithubBranchProtection = "github-branch-protection",
        /// The same, by rulesets.
        GithubRules = "github-rules",
        /// Secrets that every workflow of a repository of GitHub can take.
        GithubSecrets = "github-secrets",
        /// Who must approve what goes to an environment of GitLab.
        GitlabProtectedEnvironments = "gitlab-protected-environments",
        /// Who may push to a branch of GitLab.
        GitlabProtectedBranches = "gitlab-protected-branches",
        /// Who must approve a merge request of GitLab.
        GitlabApprovalRules = "gitlab-approval-rules",
        /// Whether a merge request of GitLab waits for its pipeline.
        GitlabProject = "gitlab-project",
        /// What a deployment to an environment of Azure Pipelines waits for.
        AzureChecks = "azure-checks",
        /// What a branch of Azure Repos demands of a change.
        AzurePolicies = "azure-policies",
    }
}

impl EvidenceKind {
    /// The dialect of the pipelines whose server answers.
    pub fn dialect(self) -> Dialect {
        use EvidenceKind::*;
        match self {
            GithubEnvironments | GithubBranchProtection | GithubRules | GithubSecrets => Dialect::Github,
            GitlabProtectedEnvironments | GitlabProtectedBranches | GitlabApprovalRules | GitlabProject => {
                Dialect::Gitlab
            }
            AzureChecks | AzurePolicies => Dialect::Azure,
        }
    }

    /// Whether it speaks of environments.
    fn of_environments(self) -> bool {
        use EvidenceKind::*;
        matches!(self, GithubEnvironments | GitlabProtectedEnvironments | AzureChecks)
    }

    /// What it tells, in a few words.
    pub fn tells(self) -> &'static str {
        use EvidenceKind::*;
        match self {
            GithubEnvironments | GitlabProtectedEnvironments => "who must approve a deployment",
            AzureChecks => "who must approve a deployment; a file for each environment, which ends its name",
            GithubBranchProtection | GithubRules | AzurePolicies => {
                "whether a change of the default branch is reviewed and tested"
            }
            GithubSecrets => "which secrets every workflow can take",
            GitlabProtectedBranches => "whether a change reaches the default branch without a merge request",
            GitlabApprovalRules => "whether a merge request is reviewed",
            GitlabProject => "whether a merge request waits for its pipeline",
        }
    }

    /// The one call that produces it. `repository` is the name by which the server knows it, `branch` its default
    /// branch.
    pub fn call(self, repository: &str, branch: &str) -> String {
        use EvidenceKind::*;
        let id = repository.replace('/', "%2F");
        match self {
            GithubEnvironments => format!("gh api 'repos/{repository}/environments?per_page=100'"),
            GithubBranchProtection => format!("gh api 'repos/{repository}/branches/{branch}/protection'"),
            GithubRules => format!("gh api 'repos/{repository}/rules/branches/{branch}?per_page=100'"),
            GithubSecrets => format!("gh api 'repos/{repository}/actions/secrets?per_page=100'"),
            GitlabProtectedEnvironments => {
                format!("glab api 'projects/{id}/protected_environments?per_page=100'")
            }
            GitlabProtectedBranches => format!("glab api 'projects/{id}/protected_branches?per_page=100'"),
            GitlabApprovalRules => format!("glab api 'projects/{id}/approval_rules?per_page=100'"),
            GitlabProject => format!("glab api 'projects/{id}'"),
            AzureChecks => "az devops invoke --area pipelineschecks --resource configurations --route-parameters \
                            project=PROJECT --query-parameters resourceType=environment resourceId=ID '$expand=settings' \
                            --api-version 7.1-preview"
                .to_owned(),
            AzurePolicies => format!("az repos policy list --branch {branch} --repository-id ID"),
        }
    }
}

fact! {
    /// What one thing on a server demands.
    pub struct Protection = "protection" {
        /// Where the answer says it.
        place: Span,
        /// The environment, the branch (or a pattern with `*`), or the secret.
        name: String,
        /// How many people must approve.
        approvals: u32,
        /// Whether tests must have passed.
        checks: bool,
        /// Whether it can be gone around: by a push without a merge request.
        avoidable: bool,
    }
}

fact! {
    /// An answer of a server's API, fresh and about this repository.
    pub struct Evidence = "evidence" {
        /// The start of the answer.
        place: Span,
        /// Which call it answers.
        evidence: EvidenceKind,
        /// The repository that it speaks of, if it says so.
        repository: Option<String>,
        /// The branch that it speaks of, if it says so.
        branch: Option<String>,
        /// When it was taken (RFC 3339), if it says so.
        taken: Option<String>,
        /// Whether it lists all that there is, so that what is missing does not exist.
        complete: bool,
        /// What it lists.
        protections: Vec<Protection>,
    }
}

/// What evidence says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is so: where that stands.
    Yes(Span),
    /// It is not so: where that stands, or ought to.
    No(Span),
    /// There is no evidence, or not enough.
    Unknown,
}

impl Repository {
    /// Whether somebody must approve what goes to an environment of these names.
    pub fn is_approved(&self, dialect: Dialect, name: &Value<String>) -> Proof {
        let names = name.possible();
        let mut proof = Proof::Unknown;
        for name in names {
            match self.is_environment_approved(dialect, name) {
                Proof::Unknown => return Proof::Unknown,
                Proof::No(place) => return Proof::No(place),
                yes => proof = yes,
            }
        }
        proof
    }

    /// How many people must approve what goes to an environment of these names, and where that stands; of several
    /// names the fewest. `None` if the server's settings do not tell of all of them.
    pub fn approvals(&self, dialect: Dialect, name: &Value<String>) -> Option<(u32, Span)> {
        let told = |name: &String| {
            let mut found = self.of_environments(dialect).flat_map(|e| &e.protections);
            found.find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| (p.approvals, p.place))
        };
        let all: Option<Vec<(u32, Span)>> = name.possible().iter().map(told).collect();
        all?.into_iter().min()
    }

    fn of_environments(&self, dialect: Dialect) -> impl Iterator<Item = &Evidence> {
        let of = move |e: &&Evidence| e.evidence.of_environments() && e.evidence.dialect() == dialect;
        self.facts.evidence.iter().filter(of)
    }

    fn is_environment_approved(&self, dialect: Dialect, name: &str) -> Proof {
        let mut missing = None;
        for evidence in self.of_environments(dialect) {
            if let Some(found) = evidence.protections.iter().find(|p| p.name.eq_ignore_ascii_case(name)) {
                let place = found.place;
                return if found.approvals > 0 { Proof::Yes(place) } else { Proof::No(place) };
            }
            if evidence.complete {
                missing = Some(evidence.place);
            }
        }
        missing.map_or(Proof::Unknown, Proof::No)
    }

    /// Whether a change of the default branch must be reviewed before it gets there.
    pub fn is_reviewed(&self) -> Proof {
        self.is_demanded(|p| p.approvals > 0)
    }

    /// Whether a change of the default branch must have passed tests before it gets there.
    pub fn is_verified(&self) -> Proof {
        self.is_demanded(|p| p.checks)
    }

    fn is_demanded(&self, demanded: impl Fn(&Protection) -> bool) -> Proof {
        use EvidenceKind::*;
        let branches = self.git.as_ref().map(|git| &git.branches);
        let main = branches.and_then(|b| b.default.as_deref());
        let about_main = |p: &Protection| main.is_none_or(|main| covers(&p.name, main));
        let mut no: Vec<(EvidenceKind, Span)> = Vec::new();
        let mut yes = None;
        let mut avoidable = None;
        for evidence in &self.facts.evidence {
            if evidence.evidence.of_environments() || evidence.evidence == GithubSecrets {
                continue;
            }
            if evidence.branch.as_deref().zip(main).is_some_and(|(branch, main)| branch != main) {
                continue;
            }
            let mut about = evidence.protections.iter().filter(|p| about_main(p));
            if evidence.evidence == GitlabProtectedBranches {
                // It says who may push; what else is demanded of a merge request stands elsewhere.
                match about.next() {
                    Some(found) if !found.avoidable => avoidable = Some(Proof::No(found.place)),
                    Some(found) => avoidable = Some(Proof::Yes(found.place)),
                    None if evidence.complete => avoidable = Some(Proof::Yes(evidence.place)),
                    None => {}
                }
                continue;
            }
            let all: Vec<&Protection> = about.collect();
            match all.iter().find(|p| demanded(p)) {
                Some(found) => yes = Some((evidence.evidence, found.place)),
                None if evidence.complete => {
                    no.push((evidence.evidence, all.first().map_or(evidence.place, |p| p.place)));
                }
                None => {}
            }
        }
        let says_no = |kind: EvidenceKind| no.iter().find(|(k, _)| *k == kind).map(|(_, place)| *place);
        if let Some((kind, place)) = yes {
            return match (kind.dialect(), avoidable) {
                (Dialect::Gitlab, Some(Proof::Yes(pushed))) => Proof::No(pushed),
                (Dialect::Gitlab, None) => Proof::Unknown,
                _ => Proof::Yes(place),
            };
        }
        // A branch of GitHub may be protected in two ways; only both together say that it is in none.
        if let (Some(_), Some(place)) = (says_no(GithubRules), says_no(GithubBranchProtection)) {
            return Proof::No(place);
        }
        says_no(AzurePolicies).map_or(Proof::Unknown, Proof::No)
    }

    /// Whether GitLab's own settings say that nothing of the kind is demanded.
    pub fn gitlab_says_no(&self, kind: EvidenceKind, demanded: impl Fn(&Protection) -> bool) -> Option<Span> {
        let whole = |e: &&Evidence| e.complete || kind == EvidenceKind::GitlabProject;
        let evidence = self.facts.evidence.iter().filter(|e| e.evidence == kind).find(whole)?;
        (!evidence.protections.iter().any(demanded)).then_some(evidence.place)
    }

    /// Where a server lists a secret among those that every workflow of the repository can take.
    pub fn is_secret_of_all(&self, name: &str) -> Option<Span> {
        let lists = self.facts.evidence.iter().filter(|e| e.evidence == EvidenceKind::GithubSecrets);
        let mut found = lists.flat_map(|e| &e.protections);
        found.find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| p.place)
    }
}

/// Whether a branch's name or pattern means `branch`.
fn covers(pattern: &str, branch: &str) -> bool {
    let pattern = pattern.strip_prefix("refs/heads/").unwrap_or(pattern);
    match pattern.split_once('*') {
        None => pattern == branch,
        Some((before, after)) => {
            branch.strip_prefix(before).is_some_and(|rest| rest.ends_with(after.trim_start_matches('*')))
        }
    }
}

/// `acme/shop` in an address of a remote; `None` for services that do not name repositories so.
pub fn name_in_remote(remote: &str) -> Option<String> {
    let path = match remote.split_once("://") {
        // A path here names nothing there.
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        None => remote.split_once(':')?.1,
    };
    let name = path.trim_matches('/').trim_end_matches(".git");
    (name.contains('/') && !name.contains("/_git/")).then(|| name.to_owned())
}
