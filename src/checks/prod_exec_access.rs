//! Code that a person runs inside a container or platform of production.

use super::hands::{Act, Hands, acts, place_name, report_hands};
use super::ssh_into_production::is_machine;
use crate::facts::{EffectKind, Owner, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all.iter().filter(|act| is_exec(act)).filter_map(|act| {
        // A terminal that is asked for proves a person, whoever else may call the script.
        let mut act = *act;
        if act.interactive() && matches!(act.owner, Owner::Script(_)) && act.hands == Hands::Unknown {
            act.hands = Hands::Person;
        }
        Some((act, act.at(Stage::Production)?))
    });
    report_hands(verdict, repository, found, "runs inside production", |act, target| {
        let what = if act.interactive() { "opens a shell" } else { "runs code" };
        format!(
            "{} {what} inside production (`{}`) with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
}

fn is_exec(act: &Act<'_>) -> bool {
    act.effect.effect == EffectKind::Shell && act.command.is_some() && !is_machine(act)
}
