//! Production data that is restored elsewhere as it is.

use super::data_flow::{Leak, Sink, leaks};
use super::hands::{place_name, sureness};
use crate::facts::{Repository, Stage, Target};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for leak in leaks(repository, Stage::Production) {
        let Leak { act, source, sink: Sink::Environment(target, place) } = leak else { continue };
        if source.stage.known().is_none() {
            continue;
        }
        let Some(stage) = target.stage.known() else { continue };
        let message = format!(
            "{} brings production data (`{}`) into {stage} (`{}`) as it is",
            act.name(),
            place_name(source),
            short(target)
        );
        let finding = verdict.fail(act.effect.place, act.subject(), message);
        finding.at_most(sureness(source)).at_most(sureness(target)).label("production data is read here");
        if place != act.effect.place {
            finding.relate(
                place,
                format!("and written to {stage} here, with nothing that sanitises it between"),
            );
        }
    }
}

fn short(target: &Target) -> String {
    crate::text::shorten(&target.name.text(), 40)
}
