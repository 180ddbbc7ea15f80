//! One credential in two environments: an equal value, an equal path in the secret store, or one secret
//! of the CI service that jobs of both use.

use super::secret_names::opens_nothing;
use crate::facts::{
    Basis, Certainty, Credential, Dialect, Job, Repository, Stage, Target, Value, path_stage,
};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{Secret, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Places by the environment that they belong to.
type Places = BTreeMap<Stage, Vec<Span>>;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    equal_values(repository, verdict);
    equal_references(repository, verdict);
    equal_entries(repository, verdict);
    one_secret(repository, verdict);
}

/// Environments that somebody else uses; a laptop and a test run make their own credentials.
fn is_shared(stage: Stage) -> bool {
    !matches!(stage, Stage::Ci | Stage::Local | Stage::Preview)
}

fn stage_of(repository: &Repository, target: Option<&Target>, place: Span) -> Option<Stage> {
    let own = target.and_then(|t| t.stage.known().copied());
    own.or_else(|| path_stage(repository.path(place), &repository.environments).map(|(stage, _)| stage))
}

fn equal_values(repository: &Repository, verdict: &mut Verdict) {
    let mut values: BTreeMap<&Secret, (Vec<&Credential>, Places)> = BTreeMap::new();
    for credential in &repository.facts.credentials {
        let sample = credential.test || repository.is_sample(credential.place);
        let Some(stage) = stage_of(repository, credential.target.as_ref(), credential.place) else {
            continue;
        };
        if credential.default
            || credential.ephemeral
            || sample
            || stage == Stage::Ci
            || stage == Stage::Preview
        {
            continue;
        }
        let (all, places) = values.entry(&credential.value).or_default();
        all.push(credential);
        places.entry(stage).or_default().push(credential.place);
    }
    for (all, places) in values.into_values() {
        let key = all.iter().find_map(|c| c.key.as_deref()).unwrap_or(&all[0].credential);
        let Some(finding) = report(verdict, &places, &format!("credential {key}"), |a, b| {
            format!("{} and {} have the same value for `{key}`", capital(a), b)
        }) else {
            continue;
        };
        if all.iter().any(|c| c.certainty == Certainty::Generic) {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// Paths and names in secret stores, as files of environments write them.
fn equal_references(repository: &Repository, verdict: &mut Verdict) {
    let mut references: BTreeMap<&str, Places> = BTreeMap::new();
    let declared = repository.facts.resources.iter().flat_map(|r| &r.entries);
    for setting in repository.facts.settings.iter().chain(declared) {
        let Some(value) = setting.setting.known().filter(|v| is_reference(v)) else { continue };
        let Some(stage) = stage_of(repository, setting.target.as_deref(), setting.place) else { continue };
        if is_shared(stage) && !repository.is_sample(setting.place) {
            references.entry(value).or_default().entry(stage).or_default().push(setting.place);
        }
    }
    for (value, places) in &mut references {
        places.values_mut().for_each(|all| all.dedup());
        let finding = report(verdict, places, &format!("reference {value}"), |a, b| {
            format!("{} and {b} read the same secret `{value}`", capital(a))
        });
        if let Some(finding) = finding {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// One entry of a store of one name, which objects of two environments fetch. Each cluster may have a store of its
/// own under that name, so that a person has to look.
/// <https://external-secrets.io/latest/api/externalsecret/>
fn equal_entries(repository: &Repository, verdict: &mut Verdict) {
    let mut entries: BTreeMap<(String, String), Places> = BTreeMap::new();
    for resource in &repository.facts.resources {
        if !matches!(resource.sort.as_str(), "ExternalSecret" | "ClusterExternalSecret" | "VaultStaticSecret")
            || repository.is_sample(resource.place)
        {
            continue;
        }
        let Some(stage) =
            stage_of(repository, resource.target.as_ref(), resource.place).filter(|s| is_shared(*s))
        else {
            continue;
        };
        let said = |key: &str| resource.entries_ending(key).find_map(|e| e.setting.known().cloned());
        let Some(store) = said("secretStoreRef.name").or_else(|| said("spec.vaultAuthRef")) else { continue };
        let keys = resource.entries_ending("remoteRef.key").chain(resource.entries_ending("extract.key"));
        for entry in keys.chain(resource.entry("spec.path")) {
            let Some(key) = entry.setting.known() else { continue };
            let places = entries.entry((store.clone(), key.clone())).or_default();
            places.entry(stage).or_default().push(entry.place);
        }
    }
    for ((store, key), places) in &entries {
        let (Some((last, own)), Some((other, others))) =
            (places.last_key_value(), places.iter().rev().nth(1))
        else {
            continue;
        };
        let message = format!(
            "{} and {} both fetch `{key}` from the store `{store}`",
            capital(other.name()),
            last.name()
        );
        let finding = verdict.review(own[0], format!("entry {store} {key}"), message);
        finding.label(format!("{} fetches it here", last.name()));
        finding.relate(others[0], format!("{} fetches it here", other.name()));
        finding.against("each cluster may have another store of that name");
    }
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>,
/// <https://docs.cloud.google.com/secret-manager/docs/access-secret-version>
fn is_reference(value: &str) -> bool {
    ["arn:aws:secretsmanager:", "vault:secret/", "secret/data/", "op://"].iter().any(|p| value.starts_with(p))
        || value.starts_with("projects/") && value.contains("/secrets/")
        || value.starts_with("arn:aws:ssm:") && value.contains(":parameter/")
}

/// A CI secret that jobs of two environments use, where nothing scopes it to one.
fn one_secret(repository: &Repository, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut secrets: BTreeMap<&str, Places> = BTreeMap::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        // What a caller hands on by name is one value for all, but for a called job that declares an environment: that
        // takes the environment's own secret of the name, if there is one.
        // <https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows>
        let handed: BTreeSet<Stage> = if job.calls.is_some() {
            flow.nodes()
                .filter(|&n| flow.run(n).caller == Some(node))
                .filter_map(|n| flow.run(n).target.as_ref().filter(|t| t.basis != Basis::Declared))
                .filter_map(|target| known(Some(target)))
                .collect()
        } else {
            BTreeSet::new()
        };
        let stage = match (handed.len(), run.target.as_ref()) {
            (1, _) => handed.first().copied(),
            // The service may hold another value for each environment that a job declares.
            (0, Some(target)) if target.basis != Basis::Declared && job.calls.is_none() => {
                known(Some(target))
            }
            _ => None,
        };
        let Some(stage) = stage.filter(|s| is_shared(*s)) else { continue };
        // Of several contexts one is what all jobs have in common, and the others are of the environment.
        let contexts = job.secrets.iter().filter(|s| is_context(&s.name)).count();
        let common = pipelines[run.pipeline].dialect == Dialect::CircleCi && contexts > 1;
        for secret in used(job).filter(|s| !common || !is_context(&s.name)) {
            secrets.entry(&secret.name).or_default().entry(stage).or_default().push(secret.place);
        }
    }
    for (name, mut places) in secrets {
        places.values_mut().for_each(|all| {
            all.sort();
            all.dedup();
        });
        // A place that serves several environments by a variable is no proof of one value.
        let distinct: BTreeSet<Span> = places.values().flatten().copied().collect();
        if distinct.len() < 2 {
            continue;
        }
        let finding = report(verdict, &places, &format!("secret {name}"), |a, b| {
            format!("Jobs of {a} and of {b} use the same secret `{name}`")
        });
        if let Some(finding) = finding {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// Whether the name is that of a context of CircleCI, and not of a variable.
fn is_context(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_lowercase() || b == b'-')
}

fn known(target: Option<&Target>) -> Option<Stage> {
    match target.map(|t| &t.stage) {
        Some(Value::Known(stage)) => Some(*stage),
        _ => None,
    }
}

/// Secrets that open an environment; those of registries, chats and monitors serve all of them.
fn used(job: &Job) -> impl Iterator<Item = &crate::facts::SecretUse> {
    const FOR_ALL: &[&str] = &[
        "GITHUB",
        "GH",
        "GHCR",
        "CI",
        "DOCKER",
        "DOCKERHUB",
        "REGISTRY",
        "ECR",
        "GCR",
        "ACR",
        "QUAY",
        "NPM",
        "PYPI",
        "SLACK",
        "TEAMS",
        "DISCORD",
        "WEBHOOK",
        "SENTRY",
        "CODECOV",
        "SONAR",
        "SNYK",
        "DATADOG",
        "DD",
        "NEW",
        "NEWRELIC",
        "HONEYCOMB",
        "PAGERDUTY",
        "NOTIFY",
        "BOT",
        "PAT",
        "ARTIFACTORY",
        "NEXUS",
        "REPO",
        "GIT",
        "TURBO",
        "NX",
        "CACHE",
        "URL",
        "HOST",
        "REGION",
        "EMAIL",
        "USER",
        "USERNAME",
        "GPG",
        "COSIGN",
        "SIGNING",
        "LICENSE",
        "CHROMATIC",
        "LOCALSTACK",
        "CYPRESS",
    ];
    job.secrets.iter().filter(|s| {
        s.name != "*"
            && !opens_nothing(&s.name)
            && !s.name.split(['_', '-']).any(|w| FOR_ALL.contains(&w.to_ascii_uppercase().as_str()))
    })
}

/// The finding stands where production, or the last environment, has it.
fn report<'v>(
    verdict: &'v mut Verdict,
    places: &Places,
    subject: &str,
    say: impl Fn(&str, &str) -> String,
) -> Option<&'v mut crate::finding::Finding> {
    let (&last, own) = places.last_key_value()?;
    let (&other, _) = places.iter().rev().nth(1)?;
    let mut own = own.clone();
    own.sort();
    let finding = verdict.fail(own[0], subject, say(other.name(), last.name()));
    finding.label(format!("{} has it here", last.name()));
    for (stage, all) in places.iter().rev().skip(1) {
        finding.relate(*all.iter().min()?, format!("{} has it here", stage.name()));
    }
    Some(finding)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}
