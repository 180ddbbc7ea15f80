//! Environments that use secrets without a word of where they are kept.

use super::definitions::text;
use super::gates::{confidence, deploys};
use super::secret_names::is_secret_name;
use super::secret_stores::mentions;
use crate::facts::{Repository, Stage, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// What shows that an environment uses secrets.
struct Need {
    place: Span,
    who: String,
    label: &'static str,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut any = false;
    for stage in [Stage::Staging, Stage::Production] {
        let needs = needs(repository, stage);
        let Some(first) = needs.first() else { continue };
        any = true;
        if let Some(store) = mentions(repository).find(|m| m.stage.is_none_or(|s| s == stage)) {
            verdict.satisfied(store.place);
            continue;
        }
        let message = format!(
            "{} uses secrets of {}, and nothing here shows a store that keeps them",
            first.who,
            stage.name()
        );
        let finding = verdict.open(first.place, format!("store {}", stage.name()), message);
        finding.label(first.label);
        for other in needs[1..].iter().take(5) {
            finding.relate(other.place, other.label);
        }
    }
    if !any {
        verdict.not_applicable("no secret of staging or production is used here");
    }
}

fn needs(repository: &Repository, stage: Stage) -> Vec<Need> {
    let run_token =
        |name: &str| matches!(name.to_ascii_uppercase().as_str(), "GITHUB_TOKEN" | "CI_JOB_TOKEN");
    let mut found = Vec::new();
    for node in deploys(repository, stage) {
        let run = repository.flow.run(node);
        let job = repository.flow.job(node, &repository.facts.pipelines);
        let secret =
            job.secrets.iter().find(|s| !run_token(&s.name) && (s.name == "*" || is_secret_name(&s.name)));
        if secret.is_some() && confidence(run, stage) >= crate::finding::Confidence::Medium {
            found.push(Need {
                place: job.place,
                who: format!("Job `{}`", job.id),
                label: "takes them from the CI service",
            });
        }
    }
    let sample = |place: Span| repository.is_sample(place);
    for resource in &repository.facts.resources {
        let here = resource.target.as_ref().is_some_and(|t| t.is(stage));
        if !here || resource.system != System::Kubernetes || sample(resource.place) {
            continue;
        }
        let reference = resource
            .entries_ending("secretKeyRef.name")
            .chain(resource.entries_ending("secretRef.name"))
            .next();
        let place = if resource.sort == "Secret" { Some(resource.place) } else { reference.map(|e| e.place) };
        if let Some(place) = place {
            let label = "reads a Secret of the cluster";
            found.push(Need { place, who: format!("`{}`", resource.title()), label });
        }
    }
    for setting in &repository.facts.settings {
        let here = setting.target.as_ref().is_some_and(|t| t.is(stage));
        if !here || !is_secret_name(&setting.key) || sample(setting.place) {
            continue;
        }
        let says_nothing = matches!(text(setting), Some("" | "true" | "false" | "~" | "null"));
        if !says_nothing {
            let name = repository.file(setting.place.file).name();
            found.push(Need { place: setting.key_place, who: format!("`{name}`"), label: "a secret's key" });
        }
    }
    found
}
