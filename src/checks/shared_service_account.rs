//! One principal (role, service account, client) that acts in several environments.

use crate::facts::{Command, Repository, Stage, Step, System, Target, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut principals: BTreeMap<String, BTreeMap<Stage, Span>> = BTreeMap::new();
    let mut note = |name: &str, stages: &[Stage], place: Span| {
        let shared = stages.iter().filter(|s| !matches!(s, Stage::Ci | Stage::Local | Stage::Preview));
        for stage in shared {
            let places = principals.entry(name.to_owned()).or_default();
            let first = places.entry(*stage).or_insert(place);
            *first = (*first).min(place);
        }
    };
    let flow = &repository.flow;
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        let Some(Target { stage: stage @ (Value::Known(_) | Value::OneOf(_)), .. }) = &run.target else {
            continue;
        };
        for step in &job.steps {
            verdict.examined(step.place);
            for (name, place) in action(step).into_iter().chain(step.commands.iter().filter_map(command)) {
                note(&name, stage.possible(), place);
            }
        }
    }
    let declared = repository.facts.resources.iter().flat_map(|r| &r.entries);
    for setting in repository.facts.settings.iter().chain(declared) {
        let Some(stage) = setting.target.as_ref().and_then(|t| t.stage.known()) else { continue };
        let Some(name) = setting.setting.known() else { continue };
        let acts =
            is_principal(name) && is_identity(&setting.path) || is_guid(name) && is_client(&setting.path);
        if acts && !repository.is_sample(setting.place) {
            note(name, &[*stage], setting.place);
        }
    }
    looped(repository, verdict);
    one_user(repository, verdict);
    bound_twice(repository, verdict);
    for (name, places) in &principals {
        let mut from_last = places.iter().rev();
        let (Some((last, place)), Some((other, _))) = (from_last.next(), from_last.next()) else { continue };
        let short = name.rsplit('/').next().unwrap_or(name);
        let message = format!("{} and {} act as the same principal, `{short}`", name_of(*other), last.name());
        let finding = verdict.fail(*place, format!("principal {name}"), message);
        finding.at_most(Confidence::Medium).label(format!("`{name}`, {}", last.name()));
        for (stage, related) in places.iter().rev().skip(1).filter(|(_, p)| *p != place) {
            finding.relate(*related, format!("the same, {}", stage.name()));
        }
    }
}

/// One member that `for_each` over environments gives rights in each of them.
fn looped(repository: &Repository, verdict: &mut Verdict) {
    const MEMBERS: &[&str] =
        &["member", "members", "principal_id", "service_account_id", "role", "principal"];
    for resource in &repository.facts.resources {
        let binds = resource.system == System::Terraform
            && resource.block == "resource"
            && ["iam", "role_assignment", "policy_attachment"].iter().any(|w| resource.sort.contains(w));
        if !binds || repository.is_sample(resource.place) {
            continue;
        }
        let all = resource.entries.iter().filter(|e| e.path == "for_each" || e.path.starts_with("for_each."));
        let text: Vec<String> = all.map(|e| e.setting.text()).collect();
        let mut stages: Vec<Stage> = text
            .iter()
            .flat_map(|t| t.split(['"', ' ', ',', '[', ']', '(', ')']))
            .filter_map(|word| repository.stage_of(word))
            .filter(|s| !matches!(s, Stage::Ci | Stage::Local | Stage::Preview))
            .collect();
        stages.sort();
        stages.dedup();
        let member = resource.entries.iter().find(|e| {
            let key = e.path.split('.').next().unwrap_or("");
            // A role of the cloud itself says what may be done, not who does it.
            let acts = key != "role" || e.setting.text().contains("_role.");
            MEMBERS.contains(&key)
                && acts
                && !["each.", "count.index", "var."].iter().any(|w| e.setting.text().contains(w))
        });
        let (Some(member), [first, .., last]) = (member, stages.as_slice()) else { continue };
        let (a, b) = (name_of(*first), last.name());
        let message =
            format!("`{}` gives one principal rights in {} and {b}", resource.title(), a.to_lowercase());
        let finding = verdict.fail(member.place, resource.title(), message);
        finding.at_most(Confidence::Medium).label("the same for each environment");
    }
}

/// Contexts of a kubeconfig that sign in to several environments with one user's entry.
/// <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>
fn one_user(repository: &Repository, verdict: &mut Verdict) {
    for config in repository.facts.resources.iter().filter(|r| r.sort == "Config") {
        let mut users: BTreeMap<&str, BTreeMap<Stage, Span>> = BTreeMap::new();
        for entry in config.entries_ending("context.user") {
            let path = entry.path.trim_end_matches("user");
            let cluster = config.entries.iter().find(|e| e.path.strip_prefix(path) == Some("cluster"));
            let names = [cluster.map(|c| c.setting.text()), Some(entry.path.clone())];
            let stage = names.iter().flatten().find_map(|name| repository.stage_of(name));
            let (Some(stage), Some(user)) = (stage, entry.setting.known()) else { continue };
            if !matches!(stage, Stage::Ci | Stage::Local | Stage::Preview) {
                users.entry(user).or_default().entry(stage).or_insert(entry.place);
            }
        }
        for (user, places) in users {
            let mut from_last = places.iter().rev();
            let (Some((last, place)), Some((other, related))) = (from_last.next(), from_last.next()) else {
                continue;
            };
            let message =
                format!("`{user}` signs in to the clusters of {} and {}", other.name(), last.name());
            let finding = verdict.fail(*place, format!("user {user}"), message);
            finding.at_most(Confidence::Medium).label(format!("to {}", last.name()));
            finding.relate(*related, format!("to {}", other.name()));
        }
    }
}

/// A service account of one namespace that has rights in the namespaces of several environments. The bindings may
/// belong to different clusters, so that a person has to look.
fn bound_twice(repository: &Repository, verdict: &mut Verdict) {
    let mut bound: BTreeMap<String, BTreeMap<Stage, Span>> = BTreeMap::new();
    for binding in repository.facts.resources.iter().filter(|r| r.sort == "RoleBinding") {
        let Some(stage) = binding.target.as_ref().and_then(|t| t.stage.known()) else { continue };
        for entry in
            binding.entries.iter().filter(|e| e.path.starts_with("subjects.") && e.key == "namespace")
        {
            let subject = entry.path.trim_end_matches("namespace");
            let said = |key: &str| {
                let path = format!("{subject}{key}");
                binding.entry(&path).and_then(|e| e.setting.known())
            };
            let account = said("kind").is_some_and(|k| k == "ServiceAccount");
            let (Some(name), Some(namespace), true) = (said("name"), entry.setting.known(), account) else {
                continue;
            };
            // An account of the environment's own namespace belongs to it.
            if Some(namespace) != binding.namespace.as_ref() && !repository.is_sample(entry.place) {
                let places = bound.entry(format!("{namespace}:{name}")).or_default();
                places.entry(*stage).or_insert(entry.place);
            }
        }
    }
    for (account, places) in bound {
        let mut from_last = places.iter().rev();
        let (Some((last, place)), Some((other, related))) = (from_last.next(), from_last.next()) else {
            continue;
        };
        let message =
            format!("Service account `{account}` has rights in {} and {}", other.name(), last.name());
        let finding = verdict.review(*place, format!("account {account}"), message);
        finding.label(format!("in {}", last.name())).relate(*related, format!("in {}", other.name()));
        finding.against("the two may be different clusters");
    }
}

/// <https://learn.microsoft.com/en-us/entra/identity-platform/app-objects-and-service-principals>
fn is_guid(value: &str) -> bool {
    value.len() == 36
        && !value.starts_with("00000000-")
        && value.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Keys by which Azure names the application that signs in.
/// <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>
fn is_client(path: &str) -> bool {
    let lower = path.to_ascii_lowercase().replace(['-', '_'], "");
    lower.ends_with("workload.identity/clientid")
        || lower.ends_with("azureclientid")
        || lower.ends_with("armclientid")
        || lower.ends_with("userassignedidentityid")
}

fn name_of(stage: Stage) -> String {
    let mut letters = stage.name().chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// Names that say which account or project they belong to; a bare name can exist once in each cluster.
fn is_principal(value: &str) -> bool {
    let aws = value.starts_with("arn:aws") && value.contains(":iam::") && !value.contains("::000000000000:");
    let google = value.ends_with(".iam.gserviceaccount.com") && value.contains('@');
    let open = value.contains(['$', '{', '*', '<']);
    (aws || google) && !open
}

/// Keys by which files of an environment name who acts there.
/// <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>,
/// <https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity>
/// `rolearn` says who is let in, people among them: <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
fn is_identity(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        "role-arn",
        "role_arn",
        "gcp-service-account",
        "service_account",
        "serviceaccount",
        "service_account_email",
        "serviceaccountemail",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

fn action(step: &Step) -> Option<(String, Span)> {
    let uses = step.uses.as_ref()?;
    let name = uses.name.to_ascii_lowercase();
    if name == "azure/login" {
        let input = uses.input("client-id")?;
        return input.value.known().filter(|v| is_guid(v)).map(|v| (v.clone(), input.span));
    }
    let input = match name.as_str() {
        "aws-actions/configure-aws-credentials" => uses.input("role-to-assume"),
        "google-github-actions/auth" => uses.input("service_account"),
        _ => None,
    }?;
    let name = input.value.known().filter(|v| is_principal(v))?;
    Some((name.clone(), input.span))
}

fn command(command: &Command) -> Option<(String, Span)> {
    let flags: &[&str] = match command.program.as_str() {
        "aws" => &["--role-arn"],
        "gcloud" => &["--impersonate-service-account"],
        _ => return None,
    };
    let word = command.flag_value(flags)?;
    let value = word.text.split_once('=').map_or(word.text.as_str(), |(_, value)| value);
    is_principal(value).then(|| (value.to_owned(), word.place))
}
