//! Environments that are deployed to and have no configuration of their own in git.

use super::definitions::{families, is_lasting};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut deployed: BTreeMap<Stage, Span> = BTreeMap::new();
    for run in repository.flow.runs() {
        for effect in run.effects.iter().filter(|e| e.effect == EffectKind::Deploy) {
            let target = effect.target.as_ref().or(run.target.as_ref());
            for &stage in target.into_iter().flat_map(|t| t.stage.possible()).filter(|s| is_lasting(**s)) {
                let place = deployed.entry(stage).or_insert(effect.place);
                *place = (*place).min(effect.place);
            }
        }
    }
    if deployed.is_empty() {
        return verdict.not_applicable("no pipeline here deploys to an environment that it names");
    }
    let families = families(repository);
    let configured: BTreeSet<Stage> = families.iter().flat_map(|f| f.stages.keys().copied()).collect();
    let missing: Vec<(Stage, Span)> = deployed.into_iter().filter(|(s, _)| !configured.contains(s)).collect();
    let Some((_, place)) = missing.first().copied() else {
        for place in families.iter().flat_map(|f| f.stages.values()).filter_map(|d| d.place) {
            verdict.satisfied(place);
        }
        return;
    };
    let names: Vec<&str> = missing.iter().map(|(stage, _)| stage.name()).collect();
    let message =
        format!("No configuration in git is that of {}, which is deployed to here", names.join(" or "));
    let finding = verdict.open(place, "no configuration of an environment", message);
    finding.label("deploys there").at_most(Confidence::Medium);
    finding.against("it may lie in another repository, or with the platform");
    for (stage, place) in missing.iter().skip(1) {
        finding.relate(*place, format!("deploys to {}", stage.name()));
    }
    for place in families.iter().flat_map(|f| f.stages.values()).filter_map(|d| d.place).take(1) {
        finding.relate(place, "another environment has one");
    }
}
