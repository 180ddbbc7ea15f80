//! Whether a release that fails goes back without a person.

use super::gates::goes_back;
use super::rollbacks::{Family, family, is_upkeep};
use super::rollouts::{canaries, own};
use crate::facts::{EffectKind, GateKind, Job, Node, Repository, Resource, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mechanisms = mechanisms(repository, verdict);
    let later = flow.nearest_after(|n| goes_back_alone(repository, n));
    let mut missing: BTreeMap<Span, Vec<&Job>> = BTreeMap::new();
    for node in flow.with_effect(EffectKind::Deploy, Some(Stage::Production)) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        if is_upkeep(&job.name) {
            continue;
        }
        let families: Vec<Family> =
            run.effects.iter().filter(|e| e.effect == EffectKind::Deploy).map(|e| family(&e.tool)).collect();
        let by_mechanism = mechanisms.iter().any(|(of, _)| families.contains(of));
        if let Some(word) = switched_off(job) {
            let message = format!("Job `{}` switches off the way back of its own tool", job.name);
            verdict
                .fail(word, format!("switch of job {}", job.id), message)
                .label("nothing goes back by itself");
        } else if by_mechanism || undoes_itself(job) || goes_back(run) || later.any(node) {
            verdict.satisfied(job.place);
        } else {
            missing.entry(pipelines[run.root].place).or_default().push(job);
        }
    }
    for jobs in missing.into_values() {
        let job = jobs[0];
        let message = format!(
            "Job `{}` deploys to production, and a failure of it takes nothing back by itself",
            job.name
        );
        let finding = verdict.open(job.place, format!("job {}", job.id), message);
        finding.label("deploys to production").against("the platform may do it: its settings are not here");
        let mut others: Vec<Span> = jobs[1..].iter().map(|j| j.place).filter(|p| *p != job.place).collect();
        others.dedup();
        for other in others.into_iter().take(5) {
            finding.relate(other, "deploys to production too");
        }
    }
}

/// `helm upgrade --atomic` and its like; stacks of CloudFormation go back by themselves.
/// <https://helm.sh/docs/helm/helm_upgrade/>
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>
pub(super) fn undoes_itself(job: &Job) -> bool {
    let flagged = job.commands().any(|c| {
        c.has_flag(&[
            "--atomic",
            "--rollback-on-failure",
            "--cleanup-on-fail",
            "--auto-rollback",
            "--rollback",
            "--on-failure=ROLLBACK",
        ]) || matches!(c.program.as_str(), "sam" | "cdk" | "copilot")
            && c.args.iter().any(|w| w.text == "deploy")
            || c.program == "aws" && c.line.contains("cloudformation")
            || c.program == "docker" && c.line.contains("--update-failure-action rollback")
            || c.program == "docker" && c.line.contains("--update-failure-action=rollback")
    });
    let blocks = || {
        job.steps.iter().filter_map(|s| s.uses.as_ref()).any(|u| {
            let atomic = |name: &str| {
                u.input(name).is_some_and(|v| v.value.text().to_ascii_lowercase().contains("true"))
            };
            let words = |name: &str| {
                u.input(name).is_some_and(|v| {
                    v.value.text().contains("--atomic") || v.value.text().contains("--rollback-on-failure")
                })
            };
            atomic("atomic")
                || atomic("enable-rollback")
                || atomic("rollback-on-failure")
                || ["arguments", "args", "flags", "helm-args", "helmArgs", "upgradeArgs"]
                    .iter()
                    .any(|n| words(n))
                || u.name.contains("cloudformation")
        })
    };
    flagged || blocks()
}

/// A flag by which a tool that goes back by itself does not.
fn switched_off(job: &Job) -> Option<Span> {
    let word = |c: &crate::facts::Command| {
        let flags = ["--disable-rollback", "--no-rollback", "--rollback=false"];
        let word = c.args.iter().find(|w| flags.contains(&w.text.as_str()))?;
        Some(word.place)
    };
    job.commands().filter(|c| matches!(c.program.as_str(), "aws" | "sam" | "cdk")).find_map(word)
}

/// Whether the run goes back when something before it has failed, and nobody has to start it.
fn goes_back_alone(repository: &Repository, node: Node) -> bool {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let waits = job.gates.iter().any(|g| matches!(g.gate, GateKind::Blocking | GateKind::Optional));
    let on_failure = job.condition.as_ref().is_some_and(|c| c.on_failure || c.always)
        || job.steps.iter().any(|s| s.condition.as_ref().is_some_and(|c| c.on_failure));
    goes_back(repository.flow.run(node)) && !waits && on_failure
}

/// What takes failed releases back without a pipeline, with the family of deploys that it watches; what is
/// switched off is said.
fn mechanisms(repository: &Repository, verdict: &mut Verdict) -> Vec<(Family, Span)> {
    let mut found = Vec::new();
    for canary in canaries(repository).iter().filter(|c| c.watched && c.watches_itself) {
        let family = if canary.resource.sort.starts_with("aws_") { Family::Aws } else { Family::Kubernetes };
        found.push((family, canary.place));
    }
    for resource in own(repository) {
        let known = |path: &str| resource.entries.iter().find(|e| e.path.ends_with(path));
        match resource.sort.as_str() {
            // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
            "aws_ecs_service" => {
                let enabled = known("deployment_circuit_breaker.0.enable")
                    .or_else(|| known("deployment_circuit_breaker.enable"));
                let back = known("deployment_circuit_breaker.0.rollback")
                    .or_else(|| known("deployment_circuit_breaker.rollback"));
                let alarms =
                    resource.entries.iter().find(|e| e.path.contains("alarms") && e.key == "rollback");
                match (enabled, back.or(alarms)) {
                    (_, Some(back)) if back.setting.known().is_some_and(|v| v == "true") => {
                        verdict.satisfied(back.place);
                        found.push((Family::Aws, back.place));
                    }
                    (Some(on), Some(back))
                        if back.setting.known().is_some_and(|v| v == "false")
                            && on.setting.known().is_some_and(|v| v == "true") =>
                    {
                        off(resource, back.place, "a failed deploy stops half way", verdict);
                    }
                    _ => {}
                }
            }
            // <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html>
            "aws_codedeploy_deployment_group" => {
                let enabled = known("auto_rollback_configuration.0.enabled")
                    .or_else(|| known("auto_rollback_configuration.enabled"));
                match enabled.and_then(|e| Some((e.setting.known()?, e.place))) {
                    Some((value, place)) if value == "false" => {
                        off(resource, place, "a failed deploy stays", verdict);
                    }
                    Some((_, place)) => {
                        verdict.satisfied(place);
                        found.push((Family::Aws, place));
                    }
                    None => {}
                }
            }
            "helm_release" => {
                let atomic = known("atomic").filter(|e| e.setting.known().is_some_and(|v| v == "true"));
                found.extend(atomic.map(|e| (Family::Kubernetes, e.place)));
            }
            // <https://fluxcd.io/flux/components/helm/helmreleases/#configuring-failure-handling>
            "HelmRelease" => {
                let remedy = resource.entries.iter().find(|e| e.path.starts_with("spec.upgrade.remediation"));
                found.extend(remedy.map(|e| (Family::Kubernetes, e.place)));
            }
            _ => {}
        }
    }
    found
}

fn off(resource: &Resource, place: Span, label: &str, verdict: &mut Verdict) {
    let title = resource.title();
    let message = format!("`{title}` does not go back when a deploy fails");
    verdict.fail(place, format!("way back of {title}"), message).label(label);
}
