//! A graph question: does production take the very artifact that a lower environment ran, by its reference?

use super::gates::{confidence, deploys, deploys_to};
use crate::facts::{Artifact, ArtifactKind, Effect, EffectKind, Node, Part, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let lower: Vec<(Node, &Effect)> = [Stage::Staging, Stage::Integration, Stage::Development]
        .into_iter()
        .flat_map(|stage| {
            let runs = flow.with_effect(EffectKind::Deploy, Some(stage));
            runs.into_iter().flat_map(move |n| deploys_to(flow.run(n), stage).map(move |e| (n, e)))
        })
        .collect();
    for node in deploys(repository, Stage::Production) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        for deploy in deploys_to(run, Stage::Production) {
            let Some(image) = deploy.artifact.as_ref().filter(|a| is_judged(a)) else { continue };
            let shown = reference(image);
            let subject = format!("job {} {shown}", job.id);
            let earlier: Vec<_> = lower
                .iter()
                .filter_map(|(n, e)| Some((*n, e.artifact.as_ref()?)))
                .filter(|(n, other)| *n != node && is_judged(other) && other.is_version_of(image))
                .collect();
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
            let stored = stored(repository, image);
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

/// The names under which pipelines store this thing.
fn stored<'r>(repository: &'r Repository, image: &Artifact) -> Vec<&'r Artifact> {
    let effects = repository.flow.runs().iter().flat_map(|run| &run.effects);
    let kept = effects.filter(|e| {
        matches!(e.effect, EffectKind::Build | EffectKind::Publish | EffectKind::Promote)
            && e.detail.is_none()
    });
    kept.filter_map(|e| e.artifact.as_ref()).filter(|a| a.is_version_of(image)).collect()
}
