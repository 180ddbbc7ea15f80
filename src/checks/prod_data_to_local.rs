//! Production data on a developer's machine.

use super::data_flow::{Sink, is_backup, is_by_hand, leaks};
use super::hands::{place_name, report_hands};
use crate::facts::{Repository, Stage};
use crate::finding::{FindingKind, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let found: Vec<_> = leaks(repository, Stage::Production)
        .into_iter()
        .filter(|leak| leak.sink == Sink::Local && is_by_hand(&leak.act))
        .collect();
    let backups: BTreeSet<_> =
        found.iter().filter(|l| is_backup(&l.act)).map(|l| l.act.effect.place).collect();
    let found = found.into_iter().map(|leak| (leak.act, leak.source));
    report_hands(verdict, repository, found, "reads data out of production", |act, source| {
        format!(
            "{} copies production data (`{}`) to the machine that runs it",
            act.name(),
            place_name(source)
        )
    });
    for finding in verdict.findings.iter_mut().filter(|f| backups.contains(&f.place)) {
        // Where a backup script runs, and where its file is taken, the repository does not say.
        finding.kind = FindingKind::Review;
        finding.against("it is called a backup, so it may run next to the database");
    }
}
