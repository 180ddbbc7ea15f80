//! A graph question: does production take the very artifact that a lower environment ran, by its reference?

use super::gates::{confidence, deploys, deploys_to};
use crate::facts::{Artifact, ArtifactKind, EffectKind, Node, Part, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

/// More references of one thing tell nothing more.
const MOST_COMPARED: usize = 200;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    // By what a thing is called, so that many jobs are not compared with many.
    let mut lower: BTreeMap<String, Vec<(Node, &Artifact)>> = BTreeMap::new();
    for stage in [Stage::Staging, Stage::Integration, Stage::Development] {
        for node in flow.with_effect(EffectKind::Deploy, Some(stage)) {
            let images = deploys_to(flow.run(node), stage).filter_map(|e| e.artifact.as_ref());
            for image in images.filter(|a| is_judged(a)) {
                let same = lower.entry(image.stem().unwrap_or_default()).or_default();
                if same.len() < MOST_COMPARED {
                    same.push((node, image));
                }
            }
        }
    }
    let stored = stored(repository);
    for node in deploys(repository, Stage::Production) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        for deploy in deploys_to(run, Stage::Production) {
            let Some(image) = deploy.artifact.as_ref().filter(|a| is_judged(a)) else { continue };
            let shown = reference(image);
            let subject = format!("job {} {shown}", job.id);
            let stem = image.stem().unwrap_or_default();
            let earlier: Vec<(Node, &Artifact)> =
                lower.get(&stem).into_iter().flatten().copied().filter(|(n, _)| *n != node).collect();
            if let Some(&(stage, other)) = earlier.first() {
                if earlier.iter().any(|(_, e)| e.may_be(image)) || is_named_from(repository, image, &earlier)
                {
                    verdict.satisfied(deploy.place);
                    continue;
                }
                // One tag for each environment is what a promotion moves; where it happens is not shown.
                if follows(image) && earlier.iter().any(|(_, e)| follows(e)) {
                    let message = format!(
                        "Nothing here shows that `{shown}`, which job `{}` deploys, is the image that staging ran",
                        job.name
                    );
                    verdict.open(deploy.place, subject, message).relate(other.place, "deployed before");
                    continue;
                }
                let message = format!(
                    "Job `{}` brings `{shown}` to production, while what ran before is `{}`",
                    job.name,
                    reference(other)
                );
                let finding = verdict.fail(image.place, subject, message);
                finding.at_most(confidence(run, Stage::Production)).at_most(Confidence::Medium);
                finding.label("whichever build has this name now");
                finding.relate(other.place, "the reference that was tried");
                let place = flow.job(stage, pipelines).place;
                if place != job.place {
                    finding.relate(place, "deployed before here");
                }
                continue;
            }
            let stored = stored.get(&stem).map_or(&[][..], Vec::as_slice);
            if let Some(other) = stored.first()
                && stored.iter().all(|s| !s.may_be(image))
            {
                let message = format!(
                    "Job `{}` brings `{shown}` to production, a name under which nothing here stores a build",
                    job.name
                );
                let finding = verdict.fail(image.place, subject, message);
                finding.at_most(Confidence::Medium).label("no build of these pipelines has it");
                finding.relate(other.place, format!("builds are stored as `{}`", reference(other)));
            } else if !stored.is_empty() {
                verdict.satisfied(deploy.place);
            }
        }
    }
}

/// An image with a name and a version that can be compared.
fn is_judged(artifact: &Artifact) -> bool {
    let named = artifact.stem().is_some_and(|s| !s.contains('{'));
    artifact.kind == ArtifactKind::Image && named && !artifact.version.is_empty() && artifact.digest.is_none()
}

fn follows(artifact: &Artifact) -> bool {
    artifact.version.iter().any(|p| matches!(p, Part::Stage(_) | Part::Environment(_)))
}

fn reference(artifact: &Artifact) -> String {
    format!("{}:{}", artifact.name_text(), artifact.version_text())
}

/// Whether a promotion somewhere gives the image its name from one that ran before.
fn is_named_from(repository: &Repository, image: &Artifact, earlier: &[(Node, &Artifact)]) -> bool {
    repository.flow.runs().iter().any(|run| {
        let promoted = run.effects.iter().filter(|e| e.effect == EffectKind::Promote);
        promoted.filter(|e| e.artifact.as_ref().is_some_and(|to| to.may_be(image))).any(|e| {
            let fetched = run.effects.iter().filter(|f| f.effect == EffectKind::Fetch && f.place == e.place);
            let sources: Vec<_> = fetched.filter_map(|f| f.artifact.as_ref()).collect();
            sources.is_empty() || sources.iter().any(|s| earlier.iter().any(|(_, e)| e.may_be(s)))
        })
    })
}

/// The names under which pipelines store things.
fn stored(repository: &Repository) -> BTreeMap<String, Vec<&Artifact>> {
    let mut found: BTreeMap<String, Vec<&Artifact>> = BTreeMap::new();
    for effect in repository.flow.runs().iter().flat_map(|run| &run.effects) {
        let kind = matches!(effect.effect, EffectKind::Build | EffectKind::Publish | EffectKind::Promote);
        let Some(image) = effect.artifact.as_ref().filter(|a| kind && a.kind == ArtifactKind::Image) else {
            continue;
        };
        let Some(stem) = image.stem().filter(|_| effect.detail.is_none()) else { continue };
        let same = found.entry(stem).or_default();
        if same.len() < MOST_COMPARED {
            same.push(image);
        }
    }
    found
}
