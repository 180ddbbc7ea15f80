//! Pipelines that hand out more secrets than a job needs.

use super::samples::no_worse_than;
use crate::facts::{Job, Pipeline, Repository, Role, SecretUse, TriggerKind};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

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
}

/// `env:` of a whole workflow: each of its jobs gets what one of them needs.
fn whole_pipeline(pipeline: &Pipeline, verdict: &mut Verdict) {
    let wide: Vec<&SecretUse> =
        pipeline.secrets.iter().filter(|s| !is_run_token(&s.name) && s.name != "*").collect();
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
