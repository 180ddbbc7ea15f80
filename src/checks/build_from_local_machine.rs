//! An artifact for production that is built on a person's machine.

use super::deploy_from_local_machine::deploys;
use super::hands::{Act, Hands, acts, place_name, report_hands};
use super::manual_file_copy_to_production::copies_to_host;
use crate::facts::{Artifact, ArtifactKind, EffectKind, Job, Owner, Repository, Stage, Target};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let shipped: BTreeMap<Span, &Target> =
        all.iter().rev().filter_map(|act| Some((script_of(act)?, ships(act)?))).collect();
    let found = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::Build)
        // `skaffold run` builds and deploys: the rule on deploys tells it.
        .filter(|act| !act.command.is_some_and(|c| c.effects.iter().any(|e| e.effect == EffectKind::Deploy)))
        .filter_map(|act| Some((*act, *shipped.get(&script_of(act)?)?)));
    report_hands(verdict, repository, found, "builds what goes to production", |act, target| {
        format!(
            "{} builds with `{}` and ships to production (`{}`) from one machine",
            act.name(),
            act.effect.tool,
            place_name(target)
        )
    });
    personal_tags(&all, verdict);
    for pipeline in &repository.facts.pipelines {
        pipeline.jobs.iter().for_each(|job| personal_runner(job, verdict));
    }
}

fn ships<'a>(act: &Act<'a>) -> Option<&'a Target> {
    let copies = act.effect.effect == EffectKind::CopyFiles
        && act.effect.detail.as_deref() == Some("up")
        && copies_to_host(act);
    if deploys(act) || copies { act.at(Stage::Production) } else { None }
}

fn script_of(act: &Act<'_>) -> Option<Span> {
    match act.owner {
        Owner::Script(script) => Some(script.place),
        Owner::Step { .. } => None,
    }
}

/// Images that are named after a person or a machine and stored for others.
fn personal_tags(all: &[Act<'_>], verdict: &mut Verdict) {
    let mut seen = BTreeSet::new();
    for act in all.iter().filter(|a| a.effect.effect == EffectKind::Publish && a.hands == Hands::Person) {
        let Some(command) = act.command.filter(|_| act.effect.artifact.as_ref().is_some_and(is_image)) else {
            continue;
        };
        let line = &command.line;
        let personal = [
            "$USER",
            "${USER}",
            "$(whoami)",
            "`whoami`",
            "$(hostname)",
            "$HOSTNAME",
            "${HOSTNAME}",
            "$(USER)",
            "$(shell whoami)",
        ];
        let Some(word) = personal.iter().find(|w| line.contains(**w)) else { continue };
        if act.effect.target.as_ref().is_some_and(|t| !t.may_be(Stage::Production))
            || !seen.insert(command.place)
        {
            continue;
        }
        verdict
            .review(
                command.place,
                act.subject(),
                format!(
                    "{} publishes an image named after whoever builds it (`{word}`); may it reach production",
                    act.name()
                ),
            )
            .label("a person's own image");
    }
}

fn is_image(artifact: &Artifact) -> bool {
    artifact.kind == ArtifactKind::Image
}

/// Jobs that build or deploy on somebody's own computer.
fn personal_runner(job: &Job, verdict: &mut Verdict) {
    let works = job
        .effects()
        .any(|e| matches!(e.effect, EffectKind::Build | EffectKind::Publish | EffectKind::Deploy));
    let personal = job.runner.iter().find(|label| {
        let label = label.value.to_lowercase();
        ["laptop", "workstation", "macbook", "my-machine", "my-pc", "desktop-"]
            .iter()
            .any(|w| label.contains(w))
    });
    let Some(label) = personal.filter(|_| works) else { return };
    verdict
        .fail(
            label.span,
            format!("job {}", job.id),
            format!(
                "Job `{}` builds or deploys on `{}`, which is named like a person's own machine",
                job.id, label.value
            ),
        )
        .at_most(Confidence::Medium)
        .label("a person's machine");
}
