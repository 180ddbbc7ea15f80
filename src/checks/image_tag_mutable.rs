//! Images that are deployed, or stored, under a name that others move.

use super::base_image_unpinned::is_floating;
use super::merged::{Cause, Causes};
use crate::facts::{
    Artifact, ArtifactKind, Effect, EffectKind, Part, Pipeline, Repository, SettingSource, Stage, Value,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that stand for an environment or a branch.
const MOVING: &[&str] = &[
    "dev",
    "develop",
    "development",
    "main",
    "master",
    "prod",
    "production",
    "qa",
    "release",
    "stage",
    "staging",
    "test",
    "uat",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    // Tags by the job and the image that they are given to: names of one push are one defect.
    let mut stored: BTreeMap<(String, String), BTreeMap<String, Span>> = BTreeMap::new();
    // What is stored under a fixed name too, wherever in the pipeline, may have further names.
    let fixed_of = |pipeline: &Pipeline| -> BTreeSet<String> {
        let stored = pipeline.jobs.iter().flat_map(|j| j.effects()).filter(|e| stores(e));
        stored.filter_map(|e| image(e).filter(|a| !is_mutable(a))).map(Artifact::name_text).collect()
    };
    let mut last: Option<(Span, BTreeSet<String>)> = None;
    for (pipeline, job, step) in repository.steps() {
        if last.as_ref().is_none_or(|(place, _)| *place != pipeline.place) {
            last = Some((pipeline.place, fixed_of(pipeline)));
        }
        let fixed = last.as_ref().map(|(_, fixed)| fixed).expect("it was just filled");
        for effect in step.all_effects() {
            let Some(artifact) = image(effect) else { continue };
            let name = artifact.name_text();
            if artifact.digest.is_some() || name.is_empty() || !is_mutable(artifact) {
                if matches!(effect.effect, EffectKind::Deploy | EffectKind::Publish) {
                    verdict.satisfied(effect.place);
                }
                continue;
            }
            let tag = artifact.version_text();
            let local = effect.target.as_ref().or(job.target.as_ref()).is_some_and(|t| t.is(Stage::Local));
            match effect.effect {
                EffectKind::Deploy if !local && !tag.is_empty() => {
                    let message = format!("Job `{}` deploys `{name}:{tag}`, a tag that moves", job.name);
                    causes.add(format!("deploy {name}:{tag}"), artifact.place, || {
                        cause(message, Severity::Error)
                    });
                }
                EffectKind::Publish if !fixed.contains(&name) && !tag.is_empty() => {
                    let tags = stored.entry((job.name.clone(), name)).or_default();
                    tags.entry(tag).or_insert(artifact.place);
                }
                _ => {}
            }
        }
    }
    for ((job, name), tags) in &stored {
        let mut words: Vec<String> = tags.keys().map(|tag| format!("`{tag}`")).collect();
        let last = words.pop().unwrap_or_default();
        let message = match words.is_empty() {
            true => format!("Job `{job}` stores `{name}` only as {last}, a tag that moves"),
            false => {
                format!("Job `{job}` stores `{name}` only as {} and {last}, tags that move", words.join(", "))
            }
        };
        let all: Vec<&str> = tags.keys().map(String::as_str).collect();
        for &place in tags.values() {
            causes.add(format!("publish {name}:{}", all.join(",")), place, || {
                cause(message.clone(), Severity::Warning)
            });
        }
    }
    manifests(repository, &mut causes, verdict);
    causes.report(verdict);
}

fn stores(effect: &Effect) -> bool {
    matches!(effect.effect, EffectKind::Publish | EffectKind::Promote | EffectKind::Build)
}

fn image(effect: &Effect) -> Option<&Artifact> {
    effect.artifact.as_ref().filter(|a| a.kind == ArtifactKind::Image)
}

/// A written tag without anything that the run fills in.
fn is_mutable(artifact: &Artifact) -> bool {
    artifact.digest.is_none()
        && artifact.version.iter().all(|p| matches!(p, Part::Literal(_) | Part::Stage(_)))
        && moves(&artifact.version_text())
}

fn moves(tag: &str) -> bool {
    is_floating(tag) || MOVING.contains(&tag.to_ascii_lowercase().as_str())
}

/// Manifests and deployed compose files: a moving tag there is what runs, unless a kustomization names
/// another.
fn manifests(repository: &Repository, causes: &mut Causes, verdict: &mut Verdict) {
    let images = &repository.facts.base_images;
    for image in images.iter().filter(|i| i.source == SettingSource::Config && i.last && !i.local_only) {
        let file = repository.file(image.place.file);
        let Value::Known(reference) = &image.reference else { continue };
        let local = file
            .target
            .as_ref()
            .is_some_and(|t| [Stage::Local, Stage::Development].iter().any(|s| t.may_be(*s)));
        if file.sample || file.vendored || local || !reference.contains('/') {
            continue;
        }
        let tag = image.tag.as_deref();
        if image.digest.is_some() || !tag.is_some_and(moves) {
            if tag.is_some() {
                verdict.satisfied(image.place);
            }
            continue;
        }
        let replaced = images.iter().any(|other| {
            other.source == SettingSource::Config
                && other.place != image.place
                && other.name == image.name
                && (other.digest.is_some() || other.tag.as_deref().is_some_and(|t| !moves(t)))
        });
        if !replaced {
            let message = format!("Manifest `{}` runs `{reference}`, a tag that moves", file.name());
            causes.add(format!("manifest {reference}"), image.place, || cause(message, Severity::Warning));
        }
    }
}

fn cause(message: String, severity: Severity) -> Cause {
    Cause { message, label: "names no fixed build", also: "here too", severity, confidence: Confidence::High }
}
