//! Pipelines, clusters and compose files that hand out more secrets than a job or service needs.

use super::samples::no_worse_than;
use super::secret_names::opens_nothing;
use crate::facts::{
    Dialect, EffectKind, Job, Pipeline, Repository, Role, SecretUse, Setting, SettingSource, Stage, System,
    TriggerKind,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Made for each run, with the rights that the workflow itself sets.
fn is_run_token(name: &str) -> bool {
    matches!(name.to_ascii_uppercase().as_str(), "GITHUB_TOKEN" | "CI_JOB_TOKEN")
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    inherited(repository, verdict);
    for pipeline in &repository.facts.pipelines {
        verdict.examined(pipeline.place);
        whole_pipeline(pipeline, verdict);
        all_at_once(pipeline, verdict);
        foreign_code(pipeline, verdict);
    }
    tests_that_could_deploy(repository, verdict);
    secrets_of_all(repository, verdict);
    whole_secrets(repository, verdict);
    one_env_file(repository, verdict);
}

/// `env:` of a whole workflow: each of its jobs gets what one of them needs.
fn whole_pipeline(pipeline: &Pipeline, verdict: &mut Verdict) {
    let wide: Vec<&SecretUse> = pipeline
        .secrets
        .iter()
        .filter(|s| !is_run_token(&s.name) && s.name != "*" && !opens_nothing(&s.name))
        .collect();
    let Some((first, rest)) = wide.split_first().filter(|_| pipeline.jobs.len() > 1) else { return };
    let names: Vec<String> = wide.iter().take(3).map(|s| format!("`{}`", s.name)).collect();
    let more = if wide.len() > names.len() {
        format!(" and {} more", wide.len() - names.len())
    } else {
        String::new()
    };
    let jobs = pipeline.jobs.len();
    let message = format!("All {jobs} jobs of `{}` get {}{more}", pipeline.name, names.join(", "));
    let finding = verdict.fail(first.place, "secrets of the whole pipeline", message);
    finding.label("in the environment of every step of every job");
    for secret in rest {
        finding.relate(secret.place, "this one too");
    }
}

/// `secrets: inherit`: the called workflow gets all that the repository has.
/// One finding for each that is called, and one for each pipeline that calls those of its own repository.
fn inherited(repository: &Repository, verdict: &mut Verdict) {
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for job in repository.facts.pipelines.iter().flat_map(|p| &p.jobs) {
        let (Some(place), Some(called)) = (job.inherits_secrets, &job.calls) else { continue };
        if called.local {
            continue;
        }
        if let Some((_, at)) = seen.iter().find(|(name, _)| *name == called.name) {
            verdict.findings[*at].relate(place, "and here");
            continue;
        }
        seen.push((&called.name, verdict.findings.len()));
        let message = format!("Job `{}` hands every secret on to `{}`", job.id, called.name);
        let finding = verdict.fail(place, format!("inherit {}", called.name), message);
        finding.label("all secrets of this repository, organisation and environment");
    }
    for pipeline in &repository.facts.pipelines {
        let mut own = pipeline.jobs.iter().filter_map(|j| {
            let called = j.calls.as_ref().filter(|c| c.local)?;
            Some((j, j.inherits_secrets?, called))
        });
        let Some((job, place, called)) = own.next() else { continue };
        let rest: Vec<Span> = own.map(|(_, place, _)| place).collect();
        let more = match rest.len() {
            0 => String::new(),
            1 => ", as does 1 more job".to_owned(),
            n => format!(", as do {n} more jobs"),
        };
        let message = format!("Job `{}` hands every secret on to `{}`{more}", job.id, called.name);
        let finding = verdict.fail(place, format!("inherit {}", called.name), message);
        finding.label("all secrets of this repository, organisation and environment");
        no_worse_than(finding, Severity::Note).against("the called workflow lies in this repository");
        for place in rest {
            finding.relate(place, "and here");
        }
    }
}

/// `toJSON(secrets)`: one variable that holds all of them.
fn all_at_once(pipeline: &Pipeline, verdict: &mut Verdict) {
    let jobs = pipeline.jobs.iter().flat_map(|job| job.secrets.iter().map(move |s| (Some(job), s)));
    let all = pipeline.secrets.iter().map(|s| (None, s)).chain(jobs);
    let mut places: Vec<Span> = Vec::new();
    for (job, secret) in all.filter(|(_, s)| s.name == "*") {
        if places.contains(&secret.place) {
            continue;
        }
        places.push(secret.place);
        let (what, id) = job.map_or(("Pipeline", &pipeline.name), |j| ("Job", &j.id));
        let message = format!("{what} `{id}` takes all secrets at once");
        verdict.fail(secret.place, format!("all secrets {id}"), message).label("every secret in one value");
    }
}

/// `pull_request_target` with the head checked out: whoever opens a pull request chooses the commands.
fn foreign_code(pipeline: &Pipeline, verdict: &mut Verdict) {
    if pipeline.role == Role::Composite
        || !pipeline.triggers.iter().any(|t| t.trigger == TriggerKind::PullRequestTarget)
    {
        return;
    }
    for job in &pipeline.jobs {
        let Some((at, place)) = head_checkout(job) else { continue };
        let own = job.secrets.iter().chain(&pipeline.secrets).find(|s| !is_run_token(&s.name));
        let runs = job.steps[at + 1..]
            .iter()
            .any(|s| !s.commands.is_empty() || s.uses.as_ref().is_some_and(|u| u.local));
        let Some(secret) = own.filter(|_| runs) else { continue };
        let message =
            format!("Job `{}` runs the code of a pull request while it holds `{}`", job.id, secret.name);
        let finding = verdict.fail(place, format!("foreign code {}", job.id), message);
        finding.label("checks out what somebody else wrote").relate(secret.place, "within its reach");
        let labelled =
            job.condition.iter().any(|c| c.text.contains("label") || c.text.contains("author_association"));
        if labelled || !job.gates.is_empty() {
            finding
                .at_most(Confidence::Medium)
                .against("a condition or an environment stands before the job");
        }
    }
}

fn head_checkout(job: &Job) -> Option<(usize, Span)> {
    job.steps.iter().enumerate().find_map(|(at, step)| {
        let uses = step.uses.as_ref().filter(|u| u.name == "actions/checkout")?;
        let reference = uses.input("ref").or(uses.input("repository"))?;
        let text = reference.value.text();
        let head = ["pull_request.head", "github.head_ref", "refs/pull/"].iter().any(|h| text.contains(h));
        head.then_some((at, reference.span))
    })
}

/// What production is deployed with, as a secret of the repository and not of the environment: any workflow on
/// any branch can take it, and no approval stands before that. Only the server's settings tell.
fn secrets_of_all(repository: &Repository, verdict: &mut Verdict) {
    let pipelines = &repository.facts.pipelines;
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for node in super::gates::deploys(repository, Stage::Production) {
        let job = repository.flow.job(node, pipelines);
        if pipelines[repository.flow.run(node).pipeline].dialect != Dialect::Github {
            continue;
        }
        for secret in &job.secrets {
            let Some(listed) = repository.is_secret_of_all(&secret.name) else { continue };
            if !seen.insert(&secret.name) {
                continue;
            }
            let message = format!(
                "Every workflow can take `{}`, with which job `{}` deploys to production",
                secret.name, job.id
            );
            let finding = verdict.fail(secret.place, format!("secret {}", secret.name), message);
            finding.label("a secret of the whole repository").relate(listed, "the server lists it there");
        }
    }
}

/// Keys to what is deployed to, in jobs that only test or lint.
fn tests_that_could_deploy(repository: &Repository, verdict: &mut Verdict) {
    const TO_DEPLOY: &[&str] = &[
        "DEPLOY",
        "DEPLOYMENT",
        "KUBECONFIG",
        "KUBE_CONFIG",
        "SSH_PRIVATE_KEY",
        "SSH_KEY",
        "ANSIBLE_VAULT_PASSWORD",
        "HEROKU_API_KEY",
        "FLY_API_TOKEN",
        "VERCEL_TOKEN",
        "NETLIFY_AUTH_TOKEN",
        "RENDER_DEPLOY_HOOK",
        "CF_PASSWORD",
        "PUBLISH_PROFILE",
        "TERRAFORM_API_TOKEN",
        "TF_API_TOKEN",
    ];
    let flow = &repository.flow;
    let mut seen: BTreeSet<Span> = BTreeSet::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        let only = |kinds: &[EffectKind]| run.effects.iter().all(|e| kinds.contains(&e.effect));
        let tests = run.effects.iter().any(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint));
        let harmless = only(&[
            EffectKind::Test,
            EffectKind::Lint,
            EffectKind::Scan,
            EffectKind::Install,
            EffectKind::Fetch,
        ]);
        // What a job calls may deploy, and a job with an environment belongs to it.
        if !tests || !harmless || job.calls.is_some() || run.target.is_some() {
            continue;
        }
        let deploys = |name: &str| {
            let name = format!("_{}_", name.to_ascii_uppercase().replace('-', "_"));
            TO_DEPLOY.iter().any(|w| name.contains(&format!("_{w}_")))
        };
        let mut own: Vec<&SecretUse> = job.secrets.iter().filter(|s| deploys(&s.name)).collect();
        own.retain(|s| seen.insert(s.place));
        let Some((first, rest)) = own.split_first() else { continue };
        let message = format!("Job `{}` only tests, yet gets `{}`", job.id, first.name);
        let finding = verdict.fail(first.place, format!("test {} {}", job.id, first.name), message);
        finding.at_most(Confidence::Medium).label("by its name a key to deploy with");
        finding.against("a step of the job may use it to fetch something");
        for secret in rest {
            finding.relate(secret.place, format!("`{}`, too", secret.name));
        }
    }
}

/// `envFrom` of one Secret in several workloads: each gets every key that any of them needs.
/// <https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/>
fn whole_secrets(repository: &Repository, verdict: &mut Verdict) {
    let mut takers: BTreeMap<(Option<Stage>, &str, &str), BTreeMap<String, Span>> = BTreeMap::new();
    for resource in &repository.facts.resources {
        if resource.system != System::Kubernetes || repository.is_sample(resource.place) {
            continue;
        }
        let stage = resource.target.as_ref().and_then(|t| t.stage.known().copied());
        let namespace = resource.namespace.as_deref().unwrap_or("");
        // A migration job and the web server are one service's.
        if matches!(resource.sort.as_str(), "Job" | "CronJob" | "Pod") {
            continue;
        }
        for entry in resource.entries_ending("secretRef.name").filter(|e| e.path.contains(".envFrom.")) {
            let Some(secret) = entry.setting.known() else { continue };
            let takers = takers.entry((stage, namespace, secret)).or_default();
            takers.entry(resource.title()).or_insert(entry.place);
        }
    }
    for ((_, _, secret), takers) in takers {
        let all: Vec<(&String, &Span)> = takers.iter().collect();
        let Some(((_, first), rest)) = all.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            continue;
        };
        let message = format!("{} workloads get every key of the Secret `{secret}`", all.len());
        let finding = verdict.fail(**first, format!("envFrom {secret}"), message);
        finding.at_most(Confidence::Medium).label("all of it");
        finding.against("they may be parts of one service");
        for (title, place) in rest {
            finding.relate(**place, format!("`{title}`, too"));
        }
    }
}

/// One env file for several services of a compose file: a matter of habit on a laptop, not on a server.
fn one_env_file(repository: &Repository, verdict: &mut Verdict) {
    let mut files: BTreeMap<(u32, &str), Vec<&Setting>> = BTreeMap::new();
    let settings = repository.facts.settings.iter();
    for setting in settings.filter(|s| s.key == "env_file" && s.source == SettingSource::Service) {
        if let Some(name) = setting.setting.known() {
            files.entry((setting.place.file.0, name)).or_default().push(setting);
        }
    }
    for ((_, name), services) in files {
        let Some((first, rest)) = services.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            continue;
        };
        let stage = first.target.as_ref().and_then(|t| t.stage.known());
        let compose = repository.file(first.place.file).name();
        if repository.is_sample(first.place)
            || !matches!(stage, None | Some(Stage::Staging | Stage::Production))
        {
            continue;
        }
        let message = format!("{} services of `{compose}` get every variable of `{name}`", services.len());
        let subject = format!("env_file {name}");
        let finding = if stage.is_some() {
            verdict.fail(first.place, subject, message)
        } else {
            verdict.review(first.place, subject, message)
        };
        finding.at_most(Confidence::Medium).label("all of it");
        no_worse_than(finding, Severity::Note).against("the file may hold no secret");
        for setting in rest {
            finding.relate(setting.place, "and this one");
        }
    }
}
