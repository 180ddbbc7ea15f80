//! Builds that an environment has of its own: by the name of what is built, by a Dockerfile, by a matrix, by the
//! env file that is put in place before.

use super::env_specific_build::{Named, is_build, stage};
use super::gates::words;
use crate::facts::{Artifact, ArtifactKind, EffectKind, Job, Part, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Images whose names follow the environment, and env files that a build takes in.
pub(super) fn named(repository: &Repository) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, job, step) in repository.steps() {
        let owner = format!("job `{}`", job.name);
        for effect in step.all_effects().filter(|e| is_build(e.effect, e.detail.as_deref())) {
            let image = effect.artifact.as_ref().filter(|a| a.kind == ArtifactKind::Image);
            let Some(image) = image.filter(|a| seen.insert(a.place)) else { continue };
            let tags =
                step.all_effects().filter(|e| e.effect == EffectKind::Build && e.place == effect.place);
            let all = tags.filter_map(|e| e.artifact.as_ref());
            let Some(stages) = follows(repository, image, all) else { continue };
            found.push(Named {
                place: image.place,
                // Builds of one thing are one cause.
                tool: image.stem().unwrap_or_default(),
                word: shown(image),
                stages,
                owner: owner.clone(),
                confidence: Confidence::Medium,
            });
        }
        found.extend(env_file(repository, job, &owner).into_iter().filter(|n| seen.insert(n.place)));
    }
    found
}

fn shown(image: &Artifact) -> String {
    match image.version_text() {
        version if version.is_empty() => image.name_text(),
        version => format!("{}:{version}", image.name_text()),
    }
}

/// The environments that the last part of an image's name speaks of, or all of its tags; `Some(empty)` if a
/// variable tells, `None` if it follows none. The registry may differ, as may one tag of several.
fn follows<'a>(
    repository: &Repository,
    image: &Artifact,
    tags: impl Iterator<Item = &'a Artifact>,
) -> Option<BTreeSet<Stage>> {
    let mut last: Vec<&Part> = Vec::new();
    for part in &image.name {
        if let Part::Literal(text) = part
            && text.contains('/')
        {
            last.clear();
        }
        last.push(part);
    }
    let by_variable = |part: &Part| matches!(part, Part::Environment(_));
    if last.iter().any(|p| by_variable(p)) {
        return Some(BTreeSet::new());
    }
    let written: BTreeSet<Stage> = last
        .iter()
        .filter_map(|p| match p {
            Part::Stage(word) => stage(repository, word),
            _ => None,
        })
        .collect();
    if !written.is_empty() {
        return Some(written);
    }
    let all: Vec<&Artifact> = tags.collect();
    (!all.is_empty() && all.iter().all(|a| a.version.iter().any(by_variable))).then(BTreeSet::new)
}

/// `cp .env.staging .env` in a job that builds afterwards.
fn env_file(repository: &Repository, job: &Job, owner: &str) -> Option<Named> {
    let copies = job.commands().filter(|c| matches!(c.program.as_str(), "cp" | "mv" | "ln" | "copy"));
    let (copy, word, found) = copies
        .filter_map(|c| {
            let (to, from) = c.args.split_last()?;
            let word = from.iter().rfind(|w| !w.text.starts_with('-'))?;
            let name = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
            let env = |text: &str| name(text).starts_with(".env");
            let whole = matches!(name(&to.text).as_str(), ".env" | ".env.production" | ".env.local");
            Some((c, word, stage(repository, &name(&word.text))?)).filter(|_| env(&word.text) && whole)
        })
        .next()?;
    let builds = job.commands().any(|c| {
        c.place.start > copy.place.start && c.effects.iter().any(|e| is_build(e.effect, e.detail.as_deref()))
    });
    builds.then(|| Named {
        place: word.place,
        tool: "the build".to_owned(),
        word: copy.line.clone(),
        stages: BTreeSet::from([found]),
        owner: owner.to_owned(),
        confidence: Confidence::Medium,
    })
}

/// A matrix over environments builds once for each of them.
pub(super) fn matrices(repository: &Repository, rebuilt: &BTreeSet<Span>, verdict: &mut Verdict) {
    for pipeline in &repository.facts.pipelines {
        for job in &pipeline.jobs {
            let over = job.dimensions.iter().find(|(_, values)| {
                let stages: BTreeSet<Stage> = values.iter().filter_map(|v| stage(repository, v)).collect();
                stages.len() > 1
            });
            let Some((name, values)) = over else { continue };
            let build = job.effects().find(|e| is_build(e.effect, e.detail.as_deref()));
            let Some(build) = build.filter(|b| !rebuilt.contains(&b.place)) else { continue };
            let ships = job.effects().any(|e| matches!(e.effect, EffectKind::Publish | EffectKind::Deploy));
            let hands_on = job.transfers.iter().any(|t| t.up);
            let reported = verdict.findings.iter().any(|f| build.place.contains(f.place));
            if reported || !ships && !hands_on {
                continue;
            }
            let message = format!(
                "Job `{}` builds once for each `{name}` of its matrix: {}",
                job.name,
                values.iter().take(4).cloned().collect::<Vec<_>>().join(", ")
            );
            let finding = verdict.fail(build.place, format!("matrix {} {name}", job.id), message);
            finding.label("runs for each environment").relate(job.place, "the matrix is this job's");
        }
    }
}

/// `Dockerfile.staging` beside `Dockerfile.prod`.
pub(super) fn dockerfiles(repository: &Repository, verdict: &mut Verdict) {
    type Found<'a> = (Stage, Span, &'a str);
    // By folder, and what the name says besides the environment.
    let mut folders: BTreeMap<(&str, String), Vec<Found<'_>>> = BTreeMap::new();
    for file in &repository.files {
        let name = file.name();
        let lower = name.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("dockerfile.").or_else(|| lower.strip_suffix(".dockerfile"))
        else {
            continue;
        };
        // `Dockerfile.integration` is an image for tests.
        let Some(found) = stage(repository, rest).filter(|s| *s != Stage::Integration) else { continue };
        let folder = file.path.strip_suffix(name).unwrap_or("");
        let base: String =
            words(rest).into_iter().filter(|w| stage(repository, w).is_none()).collect::<Vec<_>>().join("-");
        folders.entry((folder, base)).or_default().push((found, file.place, file.path.as_str()));
    }
    for all in folders.into_values() {
        let Some(staging) = all.iter().find(|f| f.0 != Stage::Production) else { continue };
        let Some(production) = all.iter().find(|f| f.0 == Stage::Production) else { continue };
        let message = format!("`{}` and `{}` make different images of one thing", staging.2, production.2);
        let finding = verdict.fail(staging.1, format!("file {}", staging.2), message);
        finding.at_most(Confidence::Medium).label("one environment's own image");
        finding.relate(production.1, "production's");
    }
}
