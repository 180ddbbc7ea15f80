//! Production deploys that stop what runs before the next one does.

use crate::facts::{Command, EffectKind, Owner, Repository, Stage, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    if *parameters.downtime_allowed.value() {
        verdict.not_applicable("a deploy may interrupt the service (downtime.allowed)");
        return;
    }
    for setting in &repository.facts.settings {
        let file = repository.file(setting.place.file);
        let Value::Known(kind) = &setting.setting else { continue };
        if !setting.path.ends_with("strategy.type") || file.sample || file.vendored {
            continue;
        }
        let production = file.target.as_ref().is_some_and(|t| t.is(Stage::Production));
        if kind == "Recreate" && production {
            verdict
                .fail(
                    setting.place,
                    format!("strategy {}", file.path),
                    "The workload is stopped before its next version starts",
                )
                .at_most(Confidence::Medium)
                .against("a volume that one pod alone may mount allows nothing else");
        } else if kind != "Recreate" {
            verdict.satisfied(setting.place);
        }
    }
    for (owner, command) in repository.commands() {
        let production = |t: Option<&crate::facts::Target>| t.is_some_and(|t| t.is(Stage::Production));
        let here =
            production(owner.target()) || command.effects.iter().any(|e| production(e.target.as_ref()));
        let path = repository.path(command.place);
        if !here || !repository.is_own(command.place) || !deploys(owner) {
            continue;
        }
        let Some(what) = stops(command) else { continue };
        let message = format!("`{}` {what} production in the middle of a deploy", command.line);
        verdict
            .fail(command.place, format!("stop {path} {}", command.line), message)
            .label("users meet nothing here");
    }
}

fn deploys(owner: Owner<'_>) -> bool {
    let is = |c: &Command| {
        c.effects.iter().any(|e| e.effect == EffectKind::Deploy)
            || c.line.contains("compose") && c.line.contains(" up")
    };
    match owner {
        Owner::Step { job, .. } => {
            job.commands().any(is) || job.effects().any(|e| e.effect == EffectKind::Deploy)
        }
        Owner::Script(script) => script.commands.iter().any(is),
    }
}

fn stops(command: &Command) -> Option<&'static str> {
    let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    match command.program.as_str() {
        "docker" if words.first() == Some(&"compose") && words.contains(&"down") => Some("takes down"),
        "docker-compose" if words.contains(&"down") => Some("takes down"),
        "docker" if words.first() == Some(&"stop") => Some("stops"),
        "kubectl" | "oc"
            if words.first() == Some(&"scale")
                && command
                    .flag_value(&["--replicas"])
                    .is_some_and(|w| w.text.trim_start_matches("--replicas=") == "0") =>
        {
            Some("scales down")
        }
        "systemctl" if words.first() == Some(&"stop") => Some("stops"),
        "heroku" if words.first() == Some(&"maintenance:on") => Some("closes"),
        _ => None,
    }
}
