//! Looks for the page that says when secrets are rotated, and what to do when one is lost.

use super::gates::deploys;
use crate::facts::{Repository, Section, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::{FileId, Span};

const SECRETS: &[&str] = &[
    "secret",
    "credential",
    "password",
    "token",
    "api key",
    "certificate",
    "signing key",
    "access key",
    "encryption key",
];
const TIMES: &[&str] = &[
    "every ",
    "interval",
    "quarterly",
    "annually",
    "yearly",
    "monthly",
    "weekly",
    "days",
    "months",
    "schedule",
    "last rotated",
    "frequency",
    "automatically",
];
const LOSSES: &[&str] = &[
    "compromis",
    "leak",
    "incident",
    "exposed",
    "exposure",
    "breach",
    "stolen",
    "emergency",
    "immediately",
    "suspected",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(subject) = first_user(repository) else {
        verdict.not_applicable("no pipeline and no manifest uses a secret");
        return;
    };
    let Some((file, place)) = runbook(repository) else {
        let message = "Nothing here says when secrets are rotated, nor what to do when one is lost";
        verdict.open(subject, "rotation runbook", message).label("uses a secret");
        return;
    };
    let text: Vec<String> = sections(repository, file)
        .map(|s| format!("{}\n{}", s.heading, s.text).to_ascii_lowercase())
        .collect();
    let says = |words: &[&str]| text.iter().any(|t| words.iter().any(|w| t.contains(w)));
    let mut missing = Vec::new();
    if !says(TIMES) {
        missing.push("how often each secret is rotated");
    }
    if !says(LOSSES) {
        missing.push("what to do at once when one is lost");
    }
    if missing.is_empty() {
        verdict.satisfied(place);
        return;
    }
    let message = format!("`{}` does not say {}", repository.path(place), missing.join(", nor "));
    verdict.open(place, "rotation runbook", message).label("speaks of rotation here");
}

/// Where this repository uses secrets in earnest: its deploy, or else a manifest.
fn first_user(repository: &Repository) -> Option<Span> {
    let run_token =
        |name: &str| matches!(name.to_ascii_uppercase().as_str(), "GITHUB_TOKEN" | "CI_JOB_TOKEN");
    let pipelines = &repository.facts.pipelines;
    let flow = &repository.flow;
    let uses = [Stage::Production, Stage::Staging]
        .into_iter()
        .flat_map(|stage| deploys(repository, stage))
        .map(|node| flow.job(node, pipelines))
        .find(|job| job.secrets.iter().any(|s| !run_token(&s.name)));
    let store = |sort: &str| {
        matches!(
            sort,
            "Secret"
                | "ExternalSecret"
                | "SealedSecret"
                | "SecretProviderClass"
                | "aws_secretsmanager_secret"
                | "google_secret_manager_secret"
                | "azurerm_key_vault_secret"
                | "vault_mount"
        )
    };
    let declared = || {
        let mut all = repository.facts.resources.iter();
        all.find(|r| store(&r.sort) && !repository.is_sample(r.place)).map(|r| r.place)
    };
    uses.map(|job| job.place).or_else(declared)
}

/// A page that speaks of rotating secrets: by its path, or by a heading.
fn runbook(repository: &Repository) -> Option<(FileId, Span)> {
    let about = |text: &str| {
        let text = text.to_ascii_lowercase().replace(['-', '_'], " ");
        let rotates = ["rotat", "key rollover", "renew"].iter().any(|w| text.contains(w));
        // Logs are rotated, too.
        rotates && SECRETS.iter().any(|w| text.contains(w)) || text.contains("doc 0019")
    };
    let section = repository
        .facts
        .sections
        .iter()
        .find(|s| about(&s.heading) || about(repository.path(s.place)) || about_in_prose(&s.text, about));
    let file = || {
        let document = |path: &str| [".md", ".adoc", ".rst", ".txt"].iter().any(|end| path.ends_with(end));
        repository.files.iter().find(|f| document(&f.path) && about(&f.path))
    };
    section.map(|s| (s.place.file, s.place)).or_else(|| file().map(|f| (f.place.file, f.place)))
}

/// A sentence that speaks of both.
fn about_in_prose(text: &str, about: impl Fn(&str) -> bool) -> bool {
    text.split(['.', '\n', '|', ';']).any(about)
}

fn sections(repository: &Repository, file: FileId) -> impl Iterator<Item = &Section> {
    repository.facts.sections.iter().filter(move |s| s.place.file == file)
}
