//! Pairs of colours whose old one goes away before anybody can want it back.

use super::rollouts::own;
use crate::facts::{Command, EffectKind, Job, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// What Argo Rollouts waits if nothing is said, in seconds.
/// <https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/#scaledowndelayseconds>
const ARGO_DEFAULT: u32 = 30;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let wanted = parameters.observe_full.value().0;
    for resource in own(repository) {
        let title = resource.title();
        let subject = format!("colours {title}");
        let of = |end: &str| resource.entries.iter().find(|e| e.path.ends_with(end));
        match resource.sort.as_str() {
            "Rollout" => {
                let Some(colours) =
                    resource.entries.iter().find(|e| e.path.starts_with("spec.strategy.blueGreen"))
                else {
                    continue;
                };
                let written = of("blueGreen.scaleDownDelaySeconds");
                let seconds = match written.map(|w| w.setting.known().map(|v| v.parse::<u32>())) {
                    None => ARGO_DEFAULT,
                    Some(Some(Ok(seconds))) => seconds,
                    Some(_) => continue,
                };
                if seconds >= wanted * 60 {
                    verdict.satisfied(colours.place);
                    continue;
                }
                let place = written.map_or(colours.key_place, |w| w.place);
                let message = format!(
                    "`{title}` keeps the old colour for {seconds} seconds instead of {wanted} minutes"
                );
                let finding = verdict.fail(place, subject, message);
                finding.label(if written.is_some() {
                    "then the way back is gone"
                } else {
                    "the default of `scaleDownDelaySeconds`"
                });
            }
            "aws_codedeploy_deployment_group" => {
                let Some(action) = of("terminate_blue_instances_on_deployment_success.action")
                    .or_else(|| of("terminate_blue_instances_on_deployment_success.0.action"))
                else {
                    continue;
                };
                if action.setting.text() != "TERMINATE" {
                    verdict.satisfied(action.place);
                    continue;
                }
                let wait = resource.entries.iter().find(|e| e.key == "termination_wait_time_in_minutes");
                let minutes = match wait.map(|w| w.setting.known().map(|v| v.parse::<u32>())) {
                    None => 0,
                    Some(Some(Ok(minutes))) => minutes,
                    Some(_) => continue,
                };
                if minutes >= wanted {
                    verdict.satisfied(action.place);
                    continue;
                }
                let message =
                    format!("`{title}` keeps the old colour for {minutes} minutes instead of {wanted}");
                let place = wait.map_or(action.place, |w| w.place);
                verdict.fail(place, subject, message).label("then the way back is gone");
            }
            _ => {}
        }
    }
    for pipeline in &repository.facts.pipelines {
        for job in &pipeline.jobs {
            removed(job, verdict);
        }
    }
}

/// A job that switches to one colour and removes the other.
fn removed(job: &Job, verdict: &mut Verdict) {
    let mut switched = false;
    let later = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    if job.target.as_ref().is_some_and(|t| t.stage.possible().iter().any(later)) {
        return;
    }
    for command in job.commands() {
        if switched && removes_colour(command) {
            let message = format!(
                "Job `{}` removes the old colour as soon as it has switched: `{}`",
                job.name, command.line
            );
            let finding = verdict.fail(command.place, format!("job {} {}", job.id, command.line), message);
            finding.at_most(Confidence::Medium).label("then the way back is gone");
        }
        switched |= command
            .effects
            .iter()
            .any(|e| matches!(e.effect, EffectKind::Deploy | EffectKind::Configure | EffectKind::Provision));
    }
}

fn removes_colour(command: &Command) -> bool {
    let words = || command.args.iter().map(|w| w.text.to_ascii_lowercase());
    let colour = words().any(|w| {
        w.split(|c: char| !c.is_ascii_alphanumeric()).any(|p| matches!(p, "blue" | "green" | "old"))
    });
    let verb = match command.program.as_str() {
        "kubectl" | "oc" => words().any(|w| w == "delete"),
        "docker" | "docker-compose" | "podman" => words().any(|w| matches!(w.as_str(), "rm" | "down")),
        "helm" => words().any(|w| matches!(w.as_str(), "uninstall" | "delete")),
        "aws" => words().any(|w| {
            matches!(
                w.as_str(),
                "delete-stack" | "terminate-environment" | "delete-service" | "delete-auto-scaling-group"
            )
        }),
        "cf" => words().any(|w| w == "delete"),
        _ => false,
    };
    colour && verb
}
