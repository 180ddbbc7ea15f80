//! Staging data on a developer's machine.

use super::data_flow::{Sink, is_backup, is_by_hand, leaks};
use super::hands::{Act, place_name, report_hands};
use crate::facts::{Owner, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let found = leaks(repository, Stage::Staging)
        .into_iter()
        .filter(|leak| leak.sink == Sink::Local && is_by_hand(&leak.act))
        .filter(|leak| !is_backup(&leak.act) && !is_synthetic(&leak.act))
        .map(|leak| (leak.act, leak.source));
    report_hands(verdict, repository, found, "reads data out of staging", |act, source| {
        format!("{} copies staging data (`{}`) to the machine that runs it", act.name(), place_name(source))
    });
}

/// Whether the words around it declare the data to be made up.
fn is_synthetic(act: &Act<'_>) -> bool {
    let Owner::Script(script) = act.owner else { return false };
    let text =
        format!("{} {} {}", script.name, script.before.as_deref().unwrap_or(""), act.line()).to_lowercase();
    ["synthetic", "generated data", "fake data", "faker", "made-up data"].iter().any(|w| text.contains(w))
}
