//! A deploy to production that a person starts from their own machine.

use super::hands::{Act, acts, place_name, report_hands};
use super::manual_file_copy_to_production::copies_to_host;
use super::manual_infra_change::is_restart;
use crate::facts::{Command, EffectKind, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found =
        all.iter().filter(|act| deploys(act)).filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    report_hands(verdict, repository, found, "deploys to production", |act, target| {
        format!(
            "{} deploys to production (`{}`) with `{}` from whatever machine runs it",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
}

/// Copies to a machine, restarts, and what is sent over SSH are told by the rules on those.
pub(super) fn deploys(act: &Act<'_>) -> bool {
    act.effect.effect == EffectKind::Deploy
        && !is_copied(act)
        && !is_restart(act)
        && !act.is_sent()
        && !starts_here(act)
        && !asks_a_controller(act)
}

/// Whether it only asks a controller in the cluster to bring it to what the repository says: nothing of this
/// machine gets there.
fn asks_a_controller(act: &Act<'_>) -> bool {
    let local = act.command.is_some_and(|c| c.has_flag(&["--local"]));
    matches!(act.effect.tool.as_str(), "flux" | "argocd") && !local && !act.line().contains("app create")
}

/// Whether it starts containers or processes on the machine itself: `docker compose -f docker-compose.prod.yml
/// up` also tries on a laptop what will run in production.
fn starts_here(act: &Act<'_>) -> bool {
    match act.effect.tool.as_str() {
        "docker" | "docker-compose" | "podman" | "podman-compose" | "nerdctl" | "finch" => {
            let line = act.line();
            let elsewhere = ["--context", "-H ", "--host", "stack deploy", "service "];
            let host = act.command.is_some_and(|c| c.assignments.iter().any(|a| a.name == "DOCKER_HOST"));
            !host && !elsewhere.iter().any(|w| line.contains(w))
        }
        "pm2" => !act.line().contains("pm2 deploy"),
        _ => false,
    }
}

fn is_copied(act: &Act<'_>) -> bool {
    let copies = |c: &Command| c.effects.iter().any(|e| e.effect == EffectKind::CopyFiles);
    copies_to_host(act) && act.command.is_some_and(copies)
}
