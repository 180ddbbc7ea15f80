//! Environments that nothing compares by itself.

use super::definitions::families;
use super::gates::deploys;
use crate::facts::{Command, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some((place, label)) = subject(repository) else {
        verdict.not_applicable("nothing here defines both staging and production");
        return;
    };
    for (_, job, step) in repository.steps() {
        let by_command = step.commands.iter().find(|c| compares(repository, c)).map(|c| c.place);
        let named = || speaks(&job.id) || speaks(&job.name) || speaks(&step.name);
        let by_action = step
            .uses
            .as_ref()
            .filter(|u| u.name.to_ascii_lowercase().contains("plimsoll") || speaks(&u.name));
        if let Some(place) =
            by_command.or(by_action.map(|u| u.place)).or_else(|| named().then_some(step.place))
        {
            verdict.satisfied(place);
            return;
        }
    }
    let message = "No pipeline here compares the definitions of staging and production";
    verdict.open(place, "parity of environments", message).label(label);
}

fn subject(repository: &Repository) -> Option<(Span, &'static str)> {
    let family = families(repository).into_iter().find_map(|f| {
        let (staging, production) = f.both()?;
        staging.place.or(production.place)
    });
    if let Some(place) = family {
        return Some((place, "defined beside production"));
    }
    let staging = deploys(repository, Stage::Staging);
    let production = deploys(repository, Stage::Production);
    let node = *production.first().filter(|_| !staging.is_empty())?;
    Some((repository.flow.job(node, &repository.facts.pipelines).place, "deploys to production"))
}

fn speaks(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], " ");
    ["parity", "drift between", "compare env", "env diff", "environment diff", "diff env"]
        .iter()
        .any(|w| name.contains(w))
}

/// A comparison of what two environments are defined by, or a run of this tool.
fn compares(repository: &Repository, command: &Command) -> bool {
    if command.program == "plimsoll" {
        return matches!(command.arg(0), Some("check" | "audit"));
    }
    let differ = matches!(
        command.program.as_str(),
        "diff" | "dyff" | "colordiff" | "delta" | "kubediff" | "difft" | "jd"
    ) || command.program == "git" && command.has_flag(&["--no-index"])
        || command.line.starts_with("helm diff");
    let spoken = |stage: Stage| command.args.iter().any(|w| repository.stage_of(&w.text) == Some(stage));
    differ && spoken(Stage::Staging) && spoken(Stage::Production) || speaks(&command.program)
}
