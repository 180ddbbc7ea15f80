//! Things that are deployed and have no version, and records of deployments that name none.

use super::products::{Stamp, stamps_of, stored_images};
use super::releases::{newest_note, notes, published, records, same, stated, tagged, tags_untold};
use crate::facts::{EffectKind, Repository, Stage, VersionSource};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    logged(repository, verdict);
    let flow = &repository.flow;
    let Some(&node) = flow.with_effect(EffectKind::Deploy, Some(Stage::Production)).first() else { return };
    if let Some(place) = source(repository) {
        verdict.satisfied(place);
        return;
    }
    let job = flow.job(node, &repository.facts.pipelines);
    let message = format!("Nothing here gives what job `{}` deploys a release version", job.name);
    let finding = verdict.open(job.place, "release version", message);
    finding.label("deploys to production");
    if tags_untold(repository) {
        finding.against("this clone has no tags, which may name releases");
    }
}

/// Where the version of a release comes from.
fn source(repository: &Repository) -> Option<Span> {
    let counted = |v: &&crate::facts::StatedVersion| {
        let version = crate::lexicon::versions::Version::parse(&v.version);
        v.source != VersionSource::Chart && version.is_some_and(|v| !v.is_placeholder())
    };
    let all = tagged(repository);
    let by_tag = || all.first().and_then(|r| super::releases::anchor(repository, r.name.text));
    let noted =
        || newest_note(repository, &notes(repository)).filter(|n| n.version.is_some()).map(|n| n.place);
    let in_image = || {
        let has = |stamps: std::collections::BTreeSet<Stamp>| stamps.contains(&Stamp::Version);
        let images = stored_images(repository);
        let found = images.iter().find(|p| p.names.iter().any(|a| has(stamps_of(&a.version))));
        found.map(|p| p.place)
    };
    let by_tool = || published(repository);
    stated(repository)
        .find(counted)
        .map(|v| v.place)
        .or_else(by_tag)
        .or_else(noted)
        .or_else(in_image)
        .or_else(by_tool)
}

/// Records of deployments to production: each names a version, and that version is a release.
fn logged(repository: &Repository, verdict: &mut Verdict) {
    let all = tagged(repository);
    let notes = notes(repository);
    for record in records(repository, true) {
        let environment = record.get(&["environment", "env", "target"]);
        if environment.is_some_and(|(_, name)| repository.stage_of(name) != Some(Stage::Production)) {
            continue;
        }
        let path = repository.path(record.place);
        match record.version() {
            None => {
                let message = format!("The record `{path}` of a deployment names no version");
                verdict.fail(record.place, format!("record {path}"), message);
            }
            Some((setting, version)) => {
                let known = all.iter().any(|r| same(r.name.text, version) || r.tag.name == version)
                    || notes.iter().any(|n| n.version.as_deref().is_some_and(|v| same(v, version)));
                if known || tags_untold(repository) || all.is_empty() {
                    verdict.satisfied(setting.place);
                } else {
                    let message =
                        format!("`{path}` records the deployment of `{version}`, and no tag is that release");
                    verdict.fail(setting.place, format!("record {path}"), message).label("not tagged");
                }
            }
        }
    }
}
