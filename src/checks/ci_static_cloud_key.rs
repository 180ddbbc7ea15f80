//! Pipelines that sign in to a cloud with a key that stays valid, where the cloud trusts the run itself.

use crate::facts::{Command, Dialect, Job, Repository, Setting, Step, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// A place that signs in.
struct SignIn {
    cloud: &'static str,
    /// The secret as written; the same one is one defect.
    key: String,
    place: Span,
    owner: String,
    /// By the name of a variable alone.
    by_name: bool,
    /// The action is given a way without a key, too.
    both: bool,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut found: Vec<SignIn> = Vec::new();
    for pipeline in &repository.facts.pipelines {
        if !is_other_store(&pipeline.settings, &[]) {
            let owner = format!("Pipeline `{}`", pipeline.name);
            found.extend(pipeline.settings.iter().filter_map(|s| setting(s, &owner)));
        }
        for job in &pipeline.jobs {
            verdict.examined(job.place);
            job_signs_in(job, &pipeline.settings, &mut found);
        }
    }
    connections(repository, verdict);
    let mut by_key: BTreeMap<(&str, &str), Vec<&SignIn>> = BTreeMap::new();
    for sign_in in &found {
        by_key.entry((sign_in.cloud, &sign_in.key)).or_default().push(sign_in);
    }
    for ((cloud, key), mut places) in by_key {
        places.sort_by_key(|s| s.place);
        places.dedup_by_key(|s| s.place);
        let first = places[0];
        let subject = format!("{cloud} {key}");
        // With both given, the action or the run decides which of them it takes.
        let finding = if places.iter().all(|p| p.both) {
            let message = format!("{} may sign in to {cloud} with a key that stays valid", first.owner);
            verdict.open(first.place, subject, message).against("it is given a way without a key, too")
        } else {
            let message = format!("{} signs in to {cloud} with a key that stays valid", first.owner);
            verdict.fail(first.place, subject, message)
        };
        finding.label("a long-lived key");
        if places.iter().all(|p| p.by_name) {
            finding.at_most(Confidence::Medium);
        }
        for other in &places[1..] {
            finding.relate(other.place, "the same key");
        }
    }
}

/// Service connections of Azure Pipelines: whether one holds a secret or trusts the run itself is known to the
/// service alone.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/library/service-endpoints>,
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/release/configure-workload-identity>
fn connections(repository: &Repository, verdict: &mut Verdict) {
    const INPUTS: &[&str] = &[
        "azureSubscription",
        "ConnectedServiceName",
        "connectedServiceNameARM",
        "azureResourceManagerConnection",
        "azureSubscriptionEndpoint",
        "backendServiceArm",
        "environmentServiceNameAzureRM",
        "awsCredentials",
    ];
    let mut named: BTreeMap<String, Vec<(Span, &Job)>> = BTreeMap::new();
    for (pipeline, job, step) in repository.steps().filter(|(p, ..)| p.dialect == Dialect::Azure) {
        let inputs = step.uses.iter().flat_map(|u| INPUTS.iter().filter_map(|i| u.input(i)));
        for input in inputs {
            // One expression may stand for another connection in another pipeline.
            let name = match &input.value {
                Value::Known(name) => name.clone(),
                other => format!("{} of {}", other.text(), pipeline.name),
            };
            named.entry(name).or_default().push((input.span, job));
        }
    }
    for (name, mut places) in named {
        places.sort_by_key(|(place, _)| *place);
        places.dedup_by_key(|(place, _)| *place);
        let (place, job) = places[0];
        let message =
            format!("Job `{}` signs in by the service connection `{name}`, which may hold a key", job.id);
        let finding = verdict.open(place, format!("connection {name}"), message);
        finding.label("the service alone knows how it signs in");
        for (place, _) in places.iter().skip(1).take(10) {
            finding.relate(*place, "the same connection");
        }
    }
}

fn job_signs_in(job: &Job, around: &[Setting], found: &mut Vec<SignIn>) {
    let owner = format!("Job `{}`", job.id);
    if !is_other_store(&job.settings, around) {
        found.extend(job.settings.iter().filter_map(|s| setting(s, &owner)));
    }
    for step in &job.steps {
        found.extend(action(step, &owner));
        let other = is_other_store(&step.settings, &job.settings)
            || is_other_store(&[], around)
            || step.commands.iter().any(|c| c.has_flag(&["--endpoint-url", "--endpoint"]));
        if !other {
            found.extend(step.settings.iter().filter_map(|s| setting(s, &owner)));
            found.extend(step.commands.iter().filter_map(|c| command(c, &owner)));
        }
    }
}

/// Stores that speak AWS's protocol but know no roles are told by an address of their own.
fn is_other_store(settings: &[Setting], around: &[Setting]) -> bool {
    settings.iter().chain(around).any(|s| {
        let key = s.key.to_ascii_uppercase();
        key.contains("ENDPOINT")
            || key.starts_with("MINIO")
            || key.starts_with("R2_")
            || key.contains("CLOUDFLARE")
    })
}

fn secret_part(value: &Value<String>) -> Option<String> {
    let text = match value {
        Value::Expr(text) => text.as_str(),
        // A variable of Azure Pipelines that no file sets.
        Value::Known(text) if text.starts_with("$(") => text.as_str(),
        _ => return None,
    };
    let name = text.split("secrets.").nth(1).unwrap_or(text).trim_start_matches("$(");
    Some(name.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-')).collect())
}

/// <https://github.com/aws-actions/configure-aws-credentials#overview>,
/// <https://github.com/google-github-actions/auth#indirect-wif>, <https://github.com/Azure/login#input-parameters>
fn action(step: &Step, owner: &str) -> Option<SignIn> {
    let uses = step.uses.as_ref()?;
    let name = uses.name.to_ascii_lowercase();
    // Pipes of Bitbucket, in the spelling of their manuals:
    // <https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/>
    let (cloud, inputs): (_, &[&str]) = match name.as_str() {
        _ if name.starts_with("atlassian/aws-") => ("AWS", &["AWS_SECRET_ACCESS_KEY"]),
        _ if name.starts_with("atlassian/google-") => ("Google Cloud", &["KEY_FILE"]),
        _ if name.starts_with("atlassian/azure-") => ("Azure", &["AZURE_PASSWORD"]),
        "microsoft/azure-cli-run" => ("Azure", &["AZURE_PASSWORD"]),
        "aws-actions/configure-aws-credentials" => ("AWS", &["aws-secret-access-key"]),
        "google-github-actions/auth" => ("Google Cloud", &["credentials_json"]),
        "google-github-actions/setup-gcloud" => ("Google Cloud", &["service_account_key"]),
        "azure/login" | "azure/aks-set-context" => ("Azure", &["creds"]),
        "azure/webapps-deploy" | "azure/functions-action" => ("Azure", &["publish-profile"]),
        "docker/login-action" | "azure/docker-login" => {
            let user = uses.input("username")?.value.text();
            if !user.starts_with("_json_key") {
                return None;
            }
            ("Google Cloud", &["password"])
        }
        _ => return None,
    };
    let input = inputs.iter().find_map(|i| uses.input(i))?;
    // Keys that an earlier step was given for this run are not long-lived.
    let text = input.value.text();
    if text.contains("steps.") || text.contains("needs.") || uses.input("aws-session-token").is_some() {
        return None;
    }
    let key = secret_part(&input.value)?;
    let other: &[&str] = match cloud {
        "AWS" => &["role-to-assume", "AWS_OIDC_ROLE_ARN"],
        "Google Cloud" => &["workload_identity_provider"],
        _ => &["client-id"],
    };
    let both = other.iter().any(|i| uses.input(i).is_some());
    Some(SignIn { cloud, key, place: input.span, owner: owner.to_owned(), by_name: false, both })
}

fn setting(setting: &Setting, owner: &str) -> Option<SignIn> {
    let cloud = match setting.key.as_str() {
        "AWS_SECRET_ACCESS_KEY" => "AWS",
        "GOOGLE_CREDENTIALS"
        | "GOOGLE_APPLICATION_CREDENTIALS_JSON"
        | "GCP_SA_KEY"
        | "GCLOUD_SERVICE_KEY" => "Google Cloud",
        "ARM_CLIENT_SECRET" | "AZURE_CLIENT_SECRET" | "AZURE_CREDENTIALS" => "Azure",
        _ => return None,
    };
    if !setting.setting.text().contains("secrets.") && !setting.setting.text().starts_with('$') {
        return None;
    }
    let key = secret_part(&setting.setting)?;
    Some(SignIn { cloud, key, place: setting.place, owner: owner.to_owned(), by_name: true, both: false })
}

fn command(command: &Command, owner: &str) -> Option<SignIn> {
    let line = command.line.as_str();
    let given = |flags: &[&str]| command.flag_value(flags).map(|w| (w.text.clone(), w.place));
    let (cloud, (key, place)) = match command.program.as_str() {
        "aws" if line.starts_with("aws configure set aws_secret_access_key") => {
            let word = command.args.get(3)?;
            ("AWS", (word.text.clone(), word.place))
        }
        "gcloud" if line.starts_with("gcloud auth activate-service-account") => {
            ("Google Cloud", given(&["--key-file"])?)
        }
        "az" if line.starts_with("az login") && command.has_flag(&["--service-principal"]) => {
            ("Azure", given(&["-p", "--password"])?)
        }
        "docker" if line.starts_with("docker login") && line.contains("_json_key") => {
            ("Google Cloud", ("_json_key".to_owned(), command.place))
        }
        _ => return None,
    };
    Some(SignIn { cloud, key, place, owner: owner.to_owned(), by_name: false, both: false })
}
