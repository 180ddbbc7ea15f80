//! A running production environment that a person changes by hand.

use super::hands::{Act, acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| changes(act) && !act.is_sent())
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    report_hands(verdict, repository, found, "changes production by hand", |act, target| {
        format!(
            "{} changes production (`{}`) by hand with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
}

fn changes(act: &Act<'_>) -> bool {
    let line = act.line();
    match act.effect.effect {
        // Secrets are put into their store by people, and a namespace is there before any pipeline is.
        EffectKind::Configure => ![
            "secret",
            "SecureString",
            "create namespace",
            "create ns ",
            "create serviceaccount",
            "create sa ",
            "create token",
        ]
        .iter()
        .any(|w| line.contains(w)),
        EffectKind::Deploy => is_restart(act),
        EffectKind::Prune => matches!(act.effect.tool.as_str(), "kubectl" | "oc" | "k"),
        _ => false,
    }
}

/// A restart brings nothing new into production, but changes what runs there.
pub(super) fn is_restart(act: &Act<'_>) -> bool {
    act.line().contains("rollout restart")
}
