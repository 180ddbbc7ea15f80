//! Infrastructure code that a person applies to production.

use super::hands::{acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::Provision)
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    report_hands(verdict, repository, found, "applied to production by hand", |act, target| {
        format!(
            "{} applies infrastructure to production (`{}`) outside any pipeline with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
}
