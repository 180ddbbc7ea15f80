//! Whether what can be run somewhere is brought there by a pipeline.

use super::delivery::{absent, entries};
use super::samples::{is_sample, is_vendored};
use crate::facts::{EffectKind, Repository, SettingSource};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// Files that tell a platform how to run what lies beside them.
const RUN_FILES: &[&str] =
    &["Procfile", "serverless.yml", "serverless.yaml", "fly.toml", "app.yaml", "Dockerrun.aws.json"];

/// Files of platforms that build and deploy every push by themselves.
const BY_ITSELF: &[&str] = &[
    "vercel.json",
    "netlify.toml",
    "render.yaml",
    "amplify.yml",
    "railway.toml",
    "railway.json",
    ".platform.app.yaml",
    "wercker.yml",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some((what, place)) = deployables(repository).into_iter().next() else {
        return verdict.not_applicable("nothing here describes a program that runs somewhere");
    };
    if let Some(platform) = repository.files.iter().find(|f| BY_ITSELF.contains(&f.name())) {
        return verdict.satisfied(platform.place);
    }
    if let Some(object) = repository.facts.resources.iter().find(|r| {
        matches!(r.sort.as_str(), "Application" | "ApplicationSet" | "HelmRelease" | "GitRepository")
    }) {
        return verdict.satisfied(object.place);
    }
    if entries(repository).next().is_none() {
        let copies = inactive(repository);
        let message = match copies.first() {
            None => format!("`{what}` describes a program, and no pipeline here builds or deploys it"),
            Some(_) => format!("`{what}` describes a program, and no CI service reads the pipelines here"),
        };
        let finding = verdict.open(place, "pipeline", message);
        finding.label("no pipeline builds or deploys this");
        for copy in copies.into_iter().take(5) {
            finding.relate(copy, "no CI service reads a pipeline here");
        }
        finding.against("another repository may hold its pipeline");
        return;
    }
    let runs = repository.flow.runs();
    // What a registry of packages gets is a library's way to its users.
    let packaged = runs.iter().flat_map(|r| &r.effects).find(|e| {
        e.effect == EffectKind::Publish && matches!(e.detail.as_deref(), Some("package" | "release"))
    });
    let delivered = runs
        .iter()
        .flat_map(|r| &r.effects)
        .find(|e| matches!(e.effect, EffectKind::Deploy | EffectKind::Provision));
    if let Some(effect) = delivered.or(packaged) {
        return verdict.satisfied(effect.place);
    }
    let message = format!("No pipeline here deploys `{what}`: is it done elsewhere");
    if let Some(finding) = absent(repository, verdict, "deploy", message) {
        finding.relate(place, "describes a program");
    }
}

/// What describes a program that runs somewhere: images, charts, files of platforms.
fn deployables(repository: &Repository) -> Vec<(String, Span)> {
    let inert = |path: &str| {
        is_sample(path)
            || is_vendored(path)
            || path.split('/').any(|part| {
                part.starts_with('.')
                    || matches!(
                        part,
                        "doc"
                            | "docs"
                            | "tools"
                            | "hack"
                            | "dev"
                            | "ci"
                            | "_archived"
                            | "archived"
                            | "archive"
                    )
            })
    };
    let mut all = Vec::new();
    let images = repository.facts.base_images.iter();
    for image in images.filter(|i| i.last && i.source == SettingSource::Image && !i.local_only) {
        let path = repository.path(image.place);
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if !inert(path) && !["test", "dev", "lint", "docs", "ci"].iter().any(|w| name.contains(w)) {
            all.push((path.to_owned(), image.place));
        }
    }
    let charts = repository.facts.manifests.iter().filter(|m| m.ecosystem == "helm" && !m.lock);
    all.extend(charts.map(|m| (repository.path(m.place).to_owned(), m.place)));
    let files = repository.files.iter().filter(|f| RUN_FILES.contains(&f.name()));
    all.extend(files.map(|f| (f.path.clone(), f.place)));
    all.retain(|(path, _)| !inert(path));
    all.sort_by_key(|(path, place)| (path.matches('/').count(), *place));
    all
}

/// Copies of pipelines where no service looks for one: a folder of another name, or below the root.
pub(super) fn inactive(repository: &Repository) -> Vec<Span> {
    let copy = |path: &str| {
        let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        let off = [".disabled", ".bak", ".off", ".old"].iter().any(|e| path.ends_with(e));
        let folder = |start: &str| path.starts_with(start) || path.contains(&format!("/{start}"));
        let github = folder(".github/workflows") && (yaml || off);
        let nested = !path.starts_with(".github/workflows/") || off;
        let gitlab = path.ends_with("/.gitlab-ci.yml");
        let circle = path.ends_with("/.circleci/config.yml");
        (github && nested || gitlab || circle) && !is_sample(path) && !is_vendored(path)
    };
    repository.files.iter().filter(|f| copy(&f.path)).map(|f| f.place).collect()
}
