//! A shell on a machine of production, opened by a person. A pipeline that delivers by SSH is told mildly.

use super::hands::{Act, Hands, acts, by_unit, finish, place_name, report_hands, soften};
use crate::facts::{EffectKind, Owner, Repository, Stage, Target};
use crate::finding::{Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found: Vec<(Act<'_>, &Target)> = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::Shell && is_machine(act))
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)))
        .collect();
    let (by_pipeline, by_hand): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(act, _)| act.hands == Hands::Pipeline);
    report_hands(verdict, repository, by_hand, "opens a shell in production", |act, target| {
        format!("{} logs in to production (`{}`) with `{}`", act.name(), place_name(target), act.effect.tool)
    });
    for (unit, place) in by_unit(by_pipeline) {
        let (act, target) = unit[0];
        let name = act.name();
        if unit.iter().any(|(act, _)| is_typed(act)) {
            let message = format!("{name} runs on production whatever its starter types");
            let finding = verdict.fail(place, act.subject(), message);
            finish(finding, &unit, "the command is an input");
            continue;
        }
        let message =
            format!("{name} delivers to production (`{}`) by SSH, without a person", place_name(target));
        let finding = verdict.fail(place, act.subject(), message);
        finish(finding, &unit, "runs commands in production");
        finding.against("a pipeline gives these commands, so they are reviewed and logged");
        soften(finding, Severity::Note);
    }
}

/// Whether the command goes to a machine rather than into a container or a platform's one-off process.
pub(super) fn is_machine(act: &Act<'_>) -> bool {
    let line = act.line();
    match act.effect.tool.as_str() {
        "aws" => line.contains("ssm ") || line.contains("ec2-instance-connect"),
        "gcloud" => line.contains("ssh"),
        "az" => line.contains("vm run-command") || line.contains("ssh vm"),
        "ansible" => !act.has(&["ping", "setup"]),
        "ssh" | "mosh" | "plink" | "autossh-run" | "tsh" | "sshpass" | "eb" | "knife" | "salt"
        | "salt-ssh" | "bolt" | "doctl" | "vagrant" | "ssh-run" | "ssh-compute" => true,
        tool => tool.contains("ssh") && act.command.is_none(),
    }
}

/// Whether the command that runs is an input of whoever starts the pipeline.
fn is_typed(act: &Act<'_>) -> bool {
    let Owner::Step { step, .. } = act.owner else { return false };
    let typed = |text: &str| {
        ["command", "cmd", "script"].iter().any(|name| {
            text.contains(&format!("inputs.{name} ")) || text.contains(&format!("inputs.{name}}}"))
        })
    };
    let inputs = step.uses.iter().flat_map(|u| &u.inputs).map(|a| a.value.value.text());
    act.command.is_some() && typed(act.line())
        || act.command.is_none() && inputs.into_iter().any(|i| typed(&i))
}
