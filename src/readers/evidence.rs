//! Answers of servers' APIs in `.plimsoll/evidence/`: as the call gave them, or with the day and the repository
//! around them: `{ "taken": "2026-11-20T10:00:00Z", "repository": "acme/shop", "response": … }`.

use super::{Parsed, Text, names};
use crate::facts::{
    Evidence, EvidenceKind, Facts, File, FileClass, GateKind, Pipeline, Proof, Protection, Repository,
    name_in_remote,
};
use crate::source::{Moment, Source, Unread, UnreadClass};
use crate::syntax::json;
use crate::syntax::tree::{Kind, Node};
use crate::text::{FileId, Span};

/// Folders of a team's own papers.
const FOLDERS: [&str; 2] = [".plimsoll/evidence/", "compliance/evidence/"];
/// Lists of so many entries may be one page of several, where the answer does not count what there is.
const PAGES: [usize; 3] = [20, 50, 100];

/// The file's name begins with that of the call.
pub(super) fn claims(path: &str, _: bool) -> bool {
    kind_of(path).is_some()
}

fn kind_of(path: &str) -> Option<EvidenceKind> {
    let name = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder))?.strip_suffix(".json")?;
    EvidenceKind::ALL.iter().copied().find(|kind| {
        name.strip_prefix(kind.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    })
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(kind) = kind_of(text.path) else { return parsed };
    let tree = json::parse(text.file, text.text);
    parsed.problems.extend(names::every_problem(&tree, "JSON"));
    let Some(root) = tree.root() else {
        if parsed.problems.is_empty() {
            parsed.problems.push((UnreadClass::Unparsed, "it is empty: export it again".into()));
        }
        return parsed;
    };
    let wrapped = root.get("response").filter(|_| root.get("taken").is_some());
    let string = |key: &str| wrapped.and_then(|_| root.get(key)?.as_str()).map(str::to_owned);
    let answer = wrapped.unwrap_or(root);
    // `github-rules-main.json`: what the answer is about, where it does not say so.
    let stem = names::name(text.path).trim_end_matches(".json");
    let rest = stem.strip_prefix(kind.name()).unwrap_or("").trim_start_matches(['-', '.']);
    let about = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
    let Some(told) = read(kind, answer, about) else {
        let reason = match answer.get("message").and_then(|m| m.as_str()) {
            Some(_) => {
                "it is an error of the API, not what was asked for: export it again with the rights to read it"
            }
            None => {
                "it is not the answer of the call that it is named after: `plimsoll evidence` shows the call"
            }
        };
        parsed.problems.push((UnreadClass::Unparsed, reason.into()));
        return parsed;
    };
    parsed.facts.evidence.push(Evidence {
        place: text_start(answer),
        evidence: kind,
        repository: string("repository").or(told.repository),
        branch: told.branch,
        taken: string("taken"),
        complete: told.complete,
        protections: told.protections,
    });
    parsed
}

fn text_start(node: Node<'_>) -> Span {
    let span = node.span();
    Span { end: (span.start + 1).min(span.end), ..span }
}

#[derive(Default)]
struct Told {
    repository: Option<String>,
    branch: Option<String>,
    complete: bool,
    protections: Vec<Protection>,
}

fn read(kind: EvidenceKind, answer: Node<'_>, about: Option<String>) -> Option<Told> {
    use EvidenceKind::*;
    match kind {
        GithubEnvironments => github_environments(answer),
        GithubBranchProtection => github_protection(answer, about),
        GithubRules => github_rules(answer, about),
        GithubSecrets => github_secrets(answer),
        GitlabProtectedEnvironments => gitlab_environments(answer),
        GitlabProtectedBranches => gitlab_branches(answer),
        GitlabApprovalRules => gitlab_approvals(answer),
        GitlabProject => gitlab_project(answer),
        AzureChecks => azure_checks(answer, about),
        AzurePolicies => azure_policies(answer),
    }
}

fn text<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    node.get(key)?.as_str()
}

fn number(node: Node<'_>, key: &str) -> u32 {
    node.get(key).and_then(|n| n.as_int()).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

fn flag(node: Node<'_>, key: &str) -> bool {
    node.get(key).and_then(|n| n.as_bool()).unwrap_or(false)
}

fn list<'t>(node: Node<'t>, key: &str) -> Vec<Node<'t>> {
    node.get(key).into_iter().flat_map(|list| list.items()).collect()
}

fn protection(node: Node<'_>, name: &str) -> Protection {
    let place = node.get("name").unwrap_or(node).span();
    Protection { place, name: name.to_owned(), approvals: 0, checks: false, avoidable: false }
}

/// `acme/shop` in `https://api.github.com/repos/acme/shop/environments/x`.
fn repository_in(url: &str) -> Option<String> {
    let mut parts = url.split_once("/repos/")?.1.splitn(3, '/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

/// Whether a list without a count of what there is can be all of it.
fn is_whole(list: &[Node<'_>]) -> bool {
    !PAGES.contains(&list.len())
}

/// <https://docs.github.com/en/rest/deployments/environments#list-environments>
fn github_environments(answer: Node<'_>) -> Option<Told> {
    answer.get("environments").filter(|e| e.kind() == Kind::Sequence)?;
    let environments = list(answer, "environments");
    let mut told = Told {
        complete: answer.get("total_count").and_then(|n| n.as_int()) == Some(environments.len() as i64),
        ..Told::default()
    };
    for environment in environments {
        told.repository = told.repository.or_else(|| repository_in(text(environment, "url")?));
        let rules = list(environment, "protection_rules");
        let reviewers = rules.iter().filter(|rule| text(**rule, "type") == Some("required_reviewers"));
        // Of all that are named, one is enough.
        let asked = reviewers.filter(|rule| !list(**rule, "reviewers").is_empty()).count();
        let mut one = protection(environment, text(environment, "name")?);
        one.approvals = u32::from(asked > 0);
        told.protections.push(one);
    }
    Some(told)
}

/// <https://docs.github.com/en/rest/branches/branch-protection#get-branch-protection>
fn github_protection(answer: Node<'_>, about: Option<String>) -> Option<Told> {
    if text(answer, "message") == Some("Branch not protected") {
        return Some(Told { branch: about, complete: true, ..Told::default() });
    }
    let url = text(answer, "url")?;
    let branch = url.split_once("/branches/")?.1.strip_suffix("/protection")?.replace("%2F", "/");
    let reviews = answer.get("required_pull_request_reviews");
    let checks = answer.get("required_status_checks");
    let named = |c: Node<'_>| !list(c, "contexts").is_empty() || !list(c, "checks").is_empty();
    let mut one = protection(answer, &branch);
    one.place = reviews.or(checks).map_or(text_start(answer), |n| text_start(n));
    one.approvals = reviews.map_or(0, |r| number(r, "required_approving_review_count"));
    one.checks = checks.is_some_and(named);
    Some(Told {
        repository: repository_in(url),
        branch: Some(branch),
        complete: true,
        protections: vec![one],
    })
}

/// <https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch>
fn github_rules(answer: Node<'_>, about: Option<String>) -> Option<Told> {
    if answer.kind() != Kind::Sequence || !answer.items().all(|rule| text(rule, "type").is_some()) {
        return None;
    }
    let rules: Vec<Node<'_>> = answer.items().collect();
    let own = |rule: &&Node<'_>| text(**rule, "ruleset_source_type") == Some("Repository");
    let repository = rules.iter().find(own).and_then(|r| text(*r, "ruleset_source")).map(str::to_owned);
    let mut protections = Vec::new();
    for rule in &rules {
        let parameters = rule.get("parameters");
        let mut one = protection(*rule, about.as_deref().unwrap_or("*"));
        one.place = rule.get("type").unwrap_or(*rule).span();
        match text(*rule, "type") {
            Some("pull_request") => {
                one.approvals = parameters.map_or(0, |p| number(p, "required_approving_review_count"));
            }
            Some("required_status_checks") => {
                one.checks = parameters.is_some_and(|p| !list(p, "required_status_checks").is_empty());
            }
            _ => continue,
        }
        protections.push(one);
    }
    Some(Told { repository, branch: about, complete: is_whole(&rules), protections })
}

/// <https://docs.github.com/en/rest/actions/secrets#list-repository-secrets>
fn github_secrets(answer: Node<'_>) -> Option<Told> {
    answer.get("secrets").filter(|s| s.kind() == Kind::Sequence)?;
    let secrets = list(answer, "secrets");
    let complete = answer.get("total_count").and_then(|n| n.as_int()) == Some(secrets.len() as i64);
    let protections = secrets.into_iter().filter_map(|s| Some(protection(s, text(s, "name")?))).collect();
    Some(Told { complete, protections, ..Told::default() })
}

/// <https://docs.gitlab.com/api/protected_environments/#list-protected-environments>
fn gitlab_environments(answer: Node<'_>) -> Option<Told> {
    let all: Vec<Node<'_>> = sequence(answer)?;
    let mut protections = Vec::new();
    for environment in &all {
        let mut one = protection(*environment, text(*environment, "name")?);
        let rules = list(*environment, "approval_rules");
        let asked = rules.iter().map(|rule| number(*rule, "required_approvals")).max().unwrap_or(0);
        one.approvals = asked.max(number(*environment, "required_approval_count"));
        protections.push(one);
    }
    Some(Told { complete: is_whole(&all), protections, ..Told::default() })
}

/// <https://docs.gitlab.com/api/protected_branches/#list-protected-branches>
fn gitlab_branches(answer: Node<'_>) -> Option<Told> {
    let all = sequence(answer)?;
    let mut protections = Vec::new();
    for branch in &all {
        let mut one = protection(*branch, text(*branch, "name")?);
        let levels = list(*branch, "push_access_levels");
        // Level 0 is nobody; a user or group has a level of its own.
        let somebody = |level: &Node<'_>| level.get("access_level").and_then(|n| n.as_int()) != Some(0);
        one.avoidable = branch.get("push_access_levels").is_none() || levels.iter().any(somebody);
        protections.push(one);
    }
    Some(Told { complete: is_whole(&all), protections, ..Told::default() })
}

/// <https://docs.gitlab.com/api/merge_request_approvals/#list-all-approval-rules-for-a-project>
fn gitlab_approvals(answer: Node<'_>) -> Option<Told> {
    let all = sequence(answer)?;
    let mut protections = Vec::new();
    for rule in &all {
        // A rule may be for some branches only.
        let branches = list(*rule, "protected_branches");
        let names: Vec<&str> = branches.iter().filter_map(|b| text(*b, "name")).collect();
        let every = branches.is_empty();
        for name in names.into_iter().chain(every.then_some("*")) {
            let mut one = protection(*rule, name);
            one.approvals = number(*rule, "approvals_required");
            protections.push(one);
        }
    }
    Some(Told { complete: is_whole(&all), protections, ..Told::default() })
}

/// <https://docs.gitlab.com/api/projects/#get-a-single-project>
fn gitlab_project(answer: Node<'_>) -> Option<Told> {
    let repository = text(answer, "path_with_namespace")?.to_owned();
    let key = "only_allow_merge_if_pipeline_succeeds";
    answer.get(key)?;
    let mut one = protection(answer, "*");
    one.place = answer.key(key).map_or(one.place, |key| key.span());
    one.checks = flag(answer, key);
    let branch = text(answer, "default_branch").map(str::to_owned);
    // It does not speak of reviews.
    Some(Told { repository: Some(repository), branch, complete: false, protections: vec![one] })
}

/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/approvalsandchecks/check-configurations/list>
fn azure_checks(answer: Node<'_>, about: Option<String>) -> Option<Told> {
    let checks: Vec<Node<'_>> = match answer.kind() {
        Kind::Sequence => answer.items().collect(),
        _ => answer.get("value").filter(|v| v.kind() == Kind::Sequence)?.items().collect(),
    };
    let mut protections: Vec<Protection> = Vec::new();
    for check in &checks {
        let kind = check.get("type").and_then(|t| text(t, "name"))?;
        let named = check.get("resource").and_then(|r| text(r, "name")).or(about.as_deref());
        let Some(name) = named else { continue };
        let settings = check.get("settings");
        let approvers = settings.map_or(0, |s| list(s, "approvers").len());
        let least = settings.map_or(0, |s| number(s, "minRequiredApprovers"));
        // Zero stands for all of them.
        let least = if least == 0 { u32::try_from(approvers).unwrap_or(u32::MAX) } else { least };
        let disabled = flag(*check, "isDisabled");
        let approvals = if kind == "Approval" && approvers > 0 && !disabled { least } else { 0 };
        let place = check.get("type").map_or(check.span(), |t| t.span());
        match protections.iter_mut().find(|p| p.name == name) {
            Some(known) if approvals > known.approvals => (known.approvals, known.place) = (approvals, place),
            Some(_) => {}
            None => protections.push(Protection { place, approvals, ..protection(*check, name) }),
        }
    }
    if checks.is_empty() {
        let name = about?;
        protections.push(Protection { place: text_start(answer), ..protection(answer, &name) });
    }
    Some(Told { complete: false, protections, ..Told::default() })
}

/// <https://learn.microsoft.com/en-us/cli/azure/repos/policy#az-repos-policy-list>
fn azure_policies(answer: Node<'_>) -> Option<Told> {
    let policies: Vec<Node<'_>> = match answer.kind() {
        Kind::Sequence => answer.items().collect(),
        _ => answer.get("value").filter(|v| v.kind() == Kind::Sequence)?.items().collect(),
    };
    let mut protections = Vec::new();
    for policy in &policies {
        let sort = policy.get("type").and_then(|t| text(t, "displayName"))?;
        if !flag(*policy, "isEnabled") || !flag(*policy, "isBlocking") {
            continue;
        }
        let settings = policy.get("settings")?;
        for scope in list(settings, "scope") {
            let prefix = text(scope, "matchKind").is_some_and(|k| k.eq_ignore_ascii_case("prefix"));
            let name = text(scope, "refName").unwrap_or("*");
            let mut one = protection(*policy, &if prefix { format!("{name}*") } else { name.to_owned() });
            one.place = policy.get("type").map_or(one.place, |t| t.span());
            match sort {
                "Minimum number of reviewers" => one.approvals = number(settings, "minimumApproverCount"),
                "Build" => one.checks = true,
                _ => continue,
            }
            protections.push(one);
        }
    }
    Some(Told { complete: true, protections, ..Told::default() })
}

fn sequence(answer: Node<'_>) -> Option<Vec<Node<'_>>> {
    (answer.kind() == Kind::Sequence).then(|| answer.items().collect())
}

/// Takes away what is stale or speaks of another repository, and says why.
pub(super) fn settle(facts: &mut Facts, source: &Source, files: &mut [File], unread: &mut Vec<Unread>) {
    if facts.evidence.is_empty() {
        return;
    }
    let own = source.git().and_then(|git| git.remote()).and_then(|remote| name_in_remote(&remote));
    facts.evidence.retain(|evidence| {
        let file = evidence.place.file;
        // What another repository keeps is about that one.
        if source.home_of(file).is_some() {
            return false;
        }
        let foreign =
            evidence.repository.as_ref().zip(own.as_ref()).filter(|(theirs, own)| !is_same(theirs, own));
        let reason = match foreign {
            Some((theirs, own)) => Some(format!(
                "it speaks of `{}`, and this repository is `{own}`: export it from here",
                theirs.replace(char::is_control, "?")
            )),
            None => is_stale(evidence, file, source),
        };
        let Some(reason) = reason else { return true };
        unread.push(Unread::new(source.path(file), UnreadClass::Outside, reason));
        files[file.0 as usize].class = FileClass::Unread;
        false
    });
}

/// Why evidence is too old, or of no known age.
fn is_stale(evidence: &Evidence, file: FileId, source: &Source) -> Option<String> {
    const WRAP: &str = "put the day around it: { \"taken\": \"2026-11-20\", \"response\": … }";
    let (today, days) = source.age_of_evidence()?;
    let taken = match &evidence.taken {
        Some(taken) => match Moment::parse(taken).and_then(Moment::civil) {
            Some(taken) => Some(taken.date()),
            None => return Some("`taken` is no date: write it as 2026-11-20 or 2026-11-20T10:00:00Z".into()),
        },
        None => match source.last_change(file) {
            Ok(changed) => changed.and_then(Moment::civil).map(|at| at.date()),
            Err(why) => return Some(format!("nobody can tell when it was taken ({why}): {WRAP}")),
        },
    };
    // What is in no commit yet is new.
    let taken = taken?;
    let age = (today - taken).get_days();
    if age < -1 {
        return Some(format!("it says that it was taken on {taken}, which is to come: export it again"));
    }
    (i64::from(age) > i64::from(days)).then(|| {
        format!("it was taken on {taken}, {age} days ago, and counts for {days} days: export it again")
    })
}

fn is_same(a: &str, b: &str) -> bool {
    a.trim_matches('/').eq_ignore_ascii_case(b)
}

/// Where the server's settings are known, a gate that they decide stands or does not.
pub(super) fn open_gates(pipelines: &mut [Pipeline], repository: &Repository) {
    if repository.facts.evidence.is_empty() {
        return;
    }
    for pipeline in pipelines {
        // Environments of the repository that deploys are on its own server.
        let home = repository.outside.home(pipeline.place.file);
        if home.is_some() && home == repository.outside.deploys_in {
            continue;
        }
        for job in &mut pipeline.jobs {
            let Some(target) = &job.target else { continue };
            let proof = repository.is_approved(pipeline.dialect, &target.name);
            let server = |gate: GateKind| gate == GateKind::ServerSide;
            match proof {
                Proof::Yes(_) => {
                    job.gates.iter_mut().filter(|g| server(g.gate)).for_each(|g| g.gate = GateKind::Blocking);
                }
                Proof::No(_) => job.gates.retain(|g| !server(g.gate)),
                Proof::Unknown => {}
            }
        }
    }
}
