//! Deploys that remove what a rollback would go back to.

use crate::facts::{Command, EffectKind, Owner, Repository, Setting, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for setting in repository.facts.settings.iter().filter(|s| s.key == "revisionHistoryLimit") {
        workload(repository, setting, verdict);
    }
    for (owner, command) in repository.commands() {
        let path = repository.path(command.place);
        if !repository.is_own(command.place) {
            continue;
        }
        if command.program == "helm"
            && matches!(command.arg(0), Some("upgrade"))
            && let Some(word) = command.flag_value(&["--history-max"])
        {
            let kept = word.text.rsplit('=').next().unwrap_or(&word.text);
            if kept == "1" {
                let message = "Helm keeps one revision of the release, which leaves none to go back to";
                verdict
                    .fail(word.place, format!("history {path}"), message)
                    .label("keeps the running one only");
            } else {
                verdict.satisfied(word.place);
            }
        } else if prunes_all(command) && is_deploy(owner) && is_elsewhere(owner, command) {
            let message = format!(
                "`{}` removes the image of the release before on the machine that serves",
                command.line
            );
            verdict
                .fail(command.place, format!("prune {path} {}", command.line), message)
                .at_most(Confidence::Medium);
        }
    }
}

fn workload(repository: &Repository, setting: &Setting, verdict: &mut Verdict) {
    let path = repository.path(setting.place);
    if !repository.is_own(setting.place) {
        return;
    }
    match &setting.setting {
        Value::Known(kept) if kept == "0" => {
            let message = "Kubernetes keeps no revision of this workload to go back to";
            verdict
                .fail(setting.place, format!("revisions {path} {}", setting.path), message)
                .label("`kubectl rollout undo` has nothing to undo to");
        }
        Value::Known(_) => verdict.satisfied(setting.place),
        _ => {}
    }
}

/// `docker system prune -a` and `docker image prune --all`, without a filter that spares the newer ones.
fn prunes_all(command: &Command) -> bool {
    let all = command.args.iter().any(|w| {
        w.text == "--all" || w.text.starts_with('-') && !w.text.starts_with("--") && w.text.contains('a')
    });
    matches!(command.program.as_str(), "docker" | "podman" | "nerdctl")
        && matches!(command.arg(0), Some("system" | "image"))
        && command.arg(1) == Some("prune")
        && all
        && !command.has_flag(&["--filter"])
}

fn is_deploy(owner: Owner<'_>) -> bool {
    let deploys = |c: &Command| c.effects.iter().any(|e| e.effect == EffectKind::Deploy);
    match owner {
        Owner::Step { job, .. } => job.effects().any(|e| e.effect == EffectKind::Deploy),
        Owner::Script(script) => script.commands.iter().any(deploys),
    }
}

/// A hosted runner is thrown away; what it prunes is its own.
fn is_elsewhere(owner: Owner<'_>, command: &Command) -> bool {
    command.remote.is_some()
        || matches!(owner, Owner::Step { job, .. } if job.runner.iter().any(|l| l.value == "self-hosted"))
}
