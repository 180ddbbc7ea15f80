//! Critical settings that one environment gives and another that is served leaves out.

use super::critical_settings::{Critical, critical};
use super::definitions::{Definition, capital, families, passes, text};
use super::sentences::named;
use super::stacks::{is_aside, local_stacks};
use crate::facts::{Repository, Service, Setting, Stage, Value, folder_of, in_file};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for family in families(repository) {
        let Some((staging, production)) = family.both() else { continue };
        for (has, lacks, stage) in
            [(production, staging, Stage::Staging), (staging, production, Stage::Production)]
        {
            lacking(repository, &family.name, has, lacks, stage, verdict);
        }
    }
    empty(repository, verdict);
    stacks(repository, verdict);
}

/// What one definition of a family gives and the other does not, nor anything that both share.
fn lacking(
    repository: &Repository,
    family: &str,
    has: &Definition<'_>,
    lacks: &Definition<'_>,
    stage: Stage,
    verdict: &mut Verdict,
) {
    let mut missing: Vec<(&str, &Setting)> = Vec::new();
    for ((_, path), setting) in &has.settings {
        let key = path.rsplit('.').find(|p| *p != "value").unwrap_or(path);
        if critical(key).is_none() || missing.iter().any(|(k, _)| *k == key) {
            continue;
        }
        verdict.examined(setting.place);
        if !gives(lacks, key) && !shared(repository, key) {
            missing.push((key, setting));
        }
    }
    let (Some((_, first)), Some(anchor)) = (missing.first(), lacks.place) else { return };
    let keys: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
    let message = format!("{} of `{family}` is not given {}", capital(stage), named(&keys));
    let finding = verdict.fail(anchor, format!("{} {family}", stage.name()), message);
    finding.label("not among what stands here").at_most(Confidence::Medium);
    finding.against("a secret store or the pipeline may give it");
    finding.relate(first.place, "the other environment is given it");
    for (_, setting) in missing.iter().skip(1) {
        finding.relate(setting.place, "and this");
    }
}

/// Whether a definition speaks of a key at all: as a key, in a list of names, in a reference to a secret.
fn gives(definition: &Definition<'_>, key: &str) -> bool {
    let named = |setting: &Setting| {
        setting.path.split('.').any(|part| part == key)
            || matches!(&setting.setting, Value::Known(v) | Value::Expr(v) if v.contains(key))
    };
    definition.settings.iter().any(|((_, path), s)| path.split('.').any(|p| p == key) || named(s))
        || definition.resources.values().any(|r| r.entries.iter().any(named))
}

/// Whether something that belongs to no single environment gives it: a base, default values.
fn shared(repository: &Repository, key: &str) -> bool {
    let own = repository.facts.settings.iter().filter(|s| s.target.is_none());
    let entries = repository.facts.resources.iter().filter(|r| r.target.is_none()).flat_map(|r| &r.entries);
    own.chain(entries)
        .any(|s| s.key == key || s.path.split('.').any(|part| part == key) || text(s) == Some(key))
}

/// What a served environment is given as an empty text, and no secret fills in.
fn empty(repository: &Repository, verdict: &mut Verdict) {
    for setting in &repository.facts.settings {
        let Some(target) =
            setting.target.as_ref().filter(|t| t.is(Stage::Staging) || t.is(Stage::Production))
        else {
            continue;
        };
        let fills = |c| matches!(c, Critical::Tokens | Critical::Origins | Critical::ApiBase);
        let said = setting.setting.known().is_some_and(|v| v.is_empty());
        if !said || !critical(&setting.key).is_some_and(fills) || !passes(repository, setting.place) {
            continue;
        }
        let path = repository.path(setting.place);
        if super::env_files::is_example(path.rsplit('/').next().unwrap_or(path)) {
            continue;
        }
        let stage = target.stage.known().map_or("", |s| s.name());
        let message = format!("`{}` is empty for {stage} in `{path}`", setting.key);
        let finding = verdict.fail(setting.key_place, format!("empty {}", setting.path), message);
        finding.label("given, but empty").at_most(Confidence::Medium);
    }
}

/// What a developer's stack gives a service and production's does not.
fn stacks(repository: &Repository, verdict: &mut Verdict) {
    for deployed in repository.stacks.iter().filter(|s| s.is_deployed() && !is_aside(repository, s)) {
        for service in deployed.services.iter().filter(|s| !s.open && s.secrets.is_empty()) {
            let own = repository.environment(service);
            // A service that is given nothing at all is given it in another way.
            if own.is_empty() {
                continue;
            }
            let locals = local_stacks(repository).filter(|l| near(repository, l.place, deployed.place));
            let Some(local) = locals.filter_map(|l| l.service(&service.name)).max_by_key(|s| s.parts.len())
            else {
                continue;
            };
            compare(
                repository,
                service,
                &own,
                local,
                deployed.target.as_ref().and_then(|t| t.stage.known()),
                verdict,
            );
        }
    }
}

/// Whether two stacks lie in one folder.
fn near(repository: &Repository, one: crate::text::Span, other: crate::text::Span) -> bool {
    let folder = |place| folder_of(repository.path(place));
    folder(one) == folder(other)
}

fn compare(
    repository: &Repository,
    service: &Service,
    own: &BTreeMap<&str, &Setting>,
    local: &Service,
    stage: Option<&Stage>,
    verdict: &mut Verdict,
) {
    let given = repository.environment(local);
    let missing: Vec<(&str, &Setting)> = given
        .iter()
        .filter(|(key, _)| critical(key).is_some() && !own.contains_key(*key))
        // `DB_HOST` here may be a part of `DATABASE_URL` there.
        .filter(|(key, _)| !own.keys().any(|k| critical(k) == critical(key)))
        .map(|(key, setting)| (*key, *setting))
        .collect();
    verdict.examined(service.place);
    let Some((_, first)) = missing.first() else { return };
    let keys: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
    let stage = stage.map_or("production", |s| s.name());
    let message = format!(
        "`{}` is not given {} in {stage}, as it is on developers' machines",
        service.name,
        named(&keys)
    );
    let (file, _) = service.parts.last().expect("a service has a part");
    let place = in_file(&repository.facts.compose_files, *file)
        .iter()
        .flat_map(|c| &c.services)
        .find(|s| s.name == service.name)
        .map_or(service.place, |s| s.place);
    let finding = verdict.fail(place, format!("service {} {stage}", service.name), message);
    finding.label("its environment lacks it").at_most(Confidence::Medium);
    finding.relate(first.place, "a developer's stack gives it");
    for (_, setting) in missing.iter().skip(1) {
        finding.relate(setting.place, "and this");
    }
}
