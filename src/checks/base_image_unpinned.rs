//! Images that Dockerfiles and compose files build and run on, and whether their content can change.

use super::merged::{Cause, Causes};
use crate::facts::{ArtifactKind, BaseImage, EffectKind, Repository, SettingSource, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

/// Tags that stand for "the newest" of something.
const FLOATING: &[&str] = &[
    "alpine", "bookworm", "bullseye", "current", "edge", "latest", "lts", "mainline", "master", "main",
    "nightly", "rolling", "slim", "stable", "testing",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    let built = built_here(repository);
    for image in &repository.facts.base_images {
        if !matches!(image.source, SettingSource::Image | SettingSource::Service)
            || image.stage_reference
            || image.local_only
            || built.contains(&image.name)
            || !repository.is_own(image.place)
        {
            continue;
        }
        let Value::Known(reference) = &image.reference else { continue };
        if image.digest.is_some() {
            verdict.satisfied(image.place);
        } else if let Some(cause) = judge(image, reference) {
            causes.add(format!("image {reference}"), image.place, || cause);
        } else {
            verdict.satisfied(image.place);
        }
    }
    causes.report(verdict);
}

/// Whether the path's name says that the image is not what is deployed.
pub(super) fn is_for_developers(repository: &Repository, path: &str) -> bool {
    repository.facts.base_images.iter().any(|b| b.local_only && repository.path(b.place) == path)
}

/// Names of images that commands of this repository build.
pub(super) fn built_here(repository: &Repository) -> BTreeSet<String> {
    let steps = repository.steps().flat_map(|(_, _, step)| &step.effects);
    let effects = repository.commands().flat_map(|(_, command)| &command.effects).chain(steps);
    effects
        .filter(|e| matches!(e.effect, EffectKind::Build | EffectKind::Promote))
        .filter_map(|e| e.artifact.as_ref())
        .filter(|a| a.kind == ArtifactKind::Image)
        .map(|a| a.name_text())
        .collect()
}

/// What is wrong with an image that has no digest; `None` for a service with a version.
fn judge(image: &BaseImage, reference: &str) -> Option<Cause> {
    let name = &image.name;
    let (message, severity) = match image.tag.as_deref() {
        None => {
            (format!("Image `{name}` has no tag, so that each build takes the newest"), Severity::Warning)
        }
        Some(tag) if is_floating(tag) => {
            (format!("Image `{reference}` names no version, so that its content changes"), Severity::Warning)
        }
        Some(tag) if is_major(tag) => {
            (format!("Image `{reference}` is fixed to a major version only"), Severity::Warning)
        }
        Some(_) if image.source == SettingSource::Image => {
            (format!("Image `{reference}` has a version but no digest"), Severity::Note)
        }
        Some(_) => return None,
    };
    // What a compose file runs beside the program is a developer's service far more often than production's.
    let severity = if image.source == SettingSource::Service { Severity::Note } else { severity };
    Some(Cause { message, label: "not fixed", also: "used here too", severity, confidence: Confidence::High })
}

/// `latest`, `stable-slim`, `lts-alpine`, `shop-sonoma-latest`: no part has a digit.
pub(super) fn is_floating(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    (tag.split(['-', '.', '_']).next().is_some_and(|first| FLOATING.contains(&first))
        || tag.ends_with("-latest"))
        && !tag.bytes().any(|b| b.is_ascii_digit())
}

/// `3`, `v3`, `18-alpine`: the first part is one number. A number that is a date or a year's release
/// (`20240101`, `2022`) is a version.
fn is_major(tag: &str) -> bool {
    let first = tag.split('-').next().unwrap_or(tag);
    let number = first.strip_prefix('v').unwrap_or(first);
    !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit())
}
