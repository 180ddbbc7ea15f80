//! Who may use staging, against who may use production.

use super::definitions::{capital, passes, starred, text};
use crate::facts::{Repository, Resource, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

/// The groups and people that a binding names, in whose names words for the environment are replaced.
type Holders = BTreeSet<String>;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut bindings: BTreeMap<(String, Stage), (&Resource, Holders)> = BTreeMap::new();
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        if !matches!(resource.sort.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            continue;
        }
        let stage = resource.target.as_ref().and_then(|t| t.stage.known().copied());
        let Some(stage) = stage.filter(|s| matches!(s, Stage::Staging | Stage::Production)) else { continue };
        let Some(role) = resource.entry("roleRef.name").and_then(text) else { continue };
        let role = starred(role, stage, repository);
        let (_, holders) = bindings.entry((role, stage)).or_insert((resource, Holders::new()));
        holders.extend(people(repository, resource, stage));
    }
    bindings.retain(|_, (_, holders)| !holders.is_empty());
    let mut any = false;
    let roles: BTreeSet<&String> = bindings.keys().map(|(role, _)| role).collect();
    for role in roles {
        let of = |stage: Stage| bindings.get(&((*role).clone(), stage));
        match (of(Stage::Staging), of(Stage::Production)) {
            (Some((ours, staging)), Some((theirs, production))) => {
                any = true;
                if staging == production {
                    verdict.satisfied(ours.place);
                    continue;
                }
                let message = format!("The role `{role}` is held by others in staging than in production");
                let finding = verdict.review(ours.place, format!("role {role}"), message);
                finding.label(format!("staging: {}", list(staging)));
                finding.relate(theirs.place, format!("production: {}", list(production)));
                finding.against("manuals differ on whether the two should agree");
            }
            (Some((one, holders)), None) | (None, Some((one, holders))) => {
                any = true;
                let stage = if of(Stage::Staging).is_some() { Stage::Staging } else { Stage::Production };
                let message =
                    format!("{} alone gives the role `{role}` to {}", capital(stage), list(holders));
                verdict.review(one.place, format!("role {role}"), message).label("given here");
            }
            (None, None) => {}
        }
    }
    if any {
        return;
    }
    let Some(deploy) = super::gates::deploys(repository, Stage::Staging).first().copied() else {
        verdict.not_applicable("nothing here says who may use staging, and nothing is deployed there");
        return;
    };
    let place = repository.flow.job(deploy, &repository.facts.pipelines).place;
    let message = "Nothing here says who may use staging and who production";
    verdict.open(place, "access to staging", message).label("deploys to staging");
}

/// People and groups; accounts of services are no roles of a team.
fn people(repository: &Repository, resource: &Resource, stage: Stage) -> Vec<String> {
    let kinds = resource.entries.iter().filter(|e| e.path.starts_with("subjects.") && e.key == "kind");
    let kinds = kinds.filter(|e| matches!(text(e), Some("User" | "Group")));
    kinds
        .filter_map(|kind| {
            let name = format!("{}name", kind.path.trim_end_matches("kind"));
            Some(starred(text(resource.entry(&name)?)?, stage, repository))
        })
        .collect()
}

fn list(holders: &Holders) -> String {
    let names: Vec<String> = holders.iter().take(3).map(|h| format!("`{h}`")).collect();
    let more = if holders.len() > 3 { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}
