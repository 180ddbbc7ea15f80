//! Releases that reach everybody at the same moment.

use super::gates::deploys_to;
use super::rollouts::own;
use crate::facts::{Effect, EffectKind, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

/// Tools that put files or containers on machines and replace nothing step by step.
const AT_ONCE: &[&str] = &[
    "docker",
    "docker-compose",
    "podman",
    "podman-compose",
    "rsync",
    "scp",
    "sftp",
    "systemctl",
    "pm2",
    "supervisorctl",
    "service",
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let other = |stage: &Stage| !matches!(stage, Stage::Production);
    for resource in own(repository) {
        let apart = resource.target.as_ref().is_some_and(|t| t.stage.possible().iter().all(other));
        if apart {
            continue;
        }
        let title = resource.title();
        if let Some(entry) = resource.entry("deployment_config_name").or(resource.entry("deployment_config"))
        {
            if entry.setting.text().ends_with("AllAtOnce") {
                let message = format!("`{title}` brings a release to all traffic at once");
                verdict
                    .fail(entry.place, format!("strategy {title}"), message)
                    .label("no part of the traffic tries it first");
            } else {
                verdict.satisfied(entry.place);
            }
        }
        // Where a deploy may not interrupt the service, that is the graver defect.
        if resource.sort == "Deployment" && *parameters.downtime_allowed.value() {
            let strategy = resource.entry("spec.strategy.type");
            match strategy.filter(|s| s.setting.text() == "Recreate") {
                Some(entry) => {
                    let message = format!("`{title}` replaces all of its instances at once");
                    verdict
                        .fail(entry.place, format!("strategy {title}"), message)
                        .at_most(Confidence::Medium)
                        .against("a volume that one pod alone may mount allows nothing else");
                }
                None => verdict.satisfied(resource.place),
            }
        }
    }
    for (_, command) in repository.commands() {
        let word = command
            .args
            .iter()
            .find(|w| w.text.ends_with("CodeDeployDefault.AllAtOnce") || w.text.ends_with("AllAtOnce"));
        if let Some(word) = word.filter(|_| matches!(command.program.as_str(), "aws" | "sam")) {
            let message = format!("`{}` brings a release to all traffic at once", command.line);
            let finding = verdict.fail(word.place, format!("command {}", command.line), message);
            finding.label("no part of the traffic tries it first");
        }
    }
    let flow = &repository.flow;
    let mut judged = BTreeSet::new();
    for node in flow.with_effect(EffectKind::Deploy, Some(Stage::Production)) {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        let at_once = |e: &&Effect| AT_ONCE.contains(&e.tool.as_str());
        let mut deploys = deploys_to(run, Stage::Production).peekable();
        if deploys.peek().is_none() || !judged.insert((run.pipeline, run.job)) {
            continue;
        }
        let all: Vec<&Effect> = deploys.collect();
        if all.iter().all(at_once) {
            let message = format!(
                "Nothing here shows that what job `{}` brings to production reaches users step by step",
                job.name
            );
            verdict
                .open(all[0].place, format!("job {}", job.id), message)
                .label("replaced at once, as it looks");
        } else {
            verdict.satisfied(job.place);
        }
    }
}
