//! Names of variables: whether they say whose they are, and whether anybody explains them.

use super::env_example_missing::is_platform;
use super::env_files::is_example;
use super::sentences::named;
use super::stacks::{Part, is_aside, local_stack, part};
use crate::facts::{File, Repository, ScriptKind, Setting, SettingSource, folder_of};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

/// So many places one finding lists.
const MOST_PLACES: usize = 10;

/// Beginnings of names that tools and images prescribe.
const PRESCRIBED: &[&str] = &[
    "POSTGRES_",
    "PG",
    "MYSQL_",
    "MARIADB_",
    "MONGO_",
    "REDIS_",
    "RABBITMQ_",
    "MINIO_",
    "COMPOSE_",
    "DOCKER_",
    "VITE_",
    "NEXT_PUBLIC_",
    "REACT_APP_",
    "NUXT_",
    "EXPO_PUBLIC_",
    "GF_",
    "KC_",
    "KEYCLOAK_",
    "ELASTIC",
    "ES_",
    "DJANGO_",
    "FLASK_",
    "SPRING_",
    "ASPNETCORE_",
    "DOTNET_",
    "UVICORN_",
    "GUNICORN_",
    "CELERY_",
    "NODE_",
    "PYTHON",
    "PIP_",
    "UV_",
    "OTEL_",
    "SENTRY_",
    "TRAEFIK_",
    "LETSENCRYPT_",
    "VIRTUAL_",
    "PGADMIN_",
    "JAVA_",
    "KAFKA_",
    "ZOOKEEPER_",
    "LOCALSTACK_",
    "DD_",
];

fn is_prescribed(key: &str) -> bool {
    PRESCRIBED.iter().any(|p| key.starts_with(p)) || is_platform(key)
}

pub(super) fn prefix(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(stack) = local_stack(repository) else {
        return verdict.not_applicable("no compose file here starts several services");
    };
    // Two processes of one build share one settings model.
    let programs = stack.services.iter().filter(|s| part(s).is_some_and(Part::is_program));
    let parts: BTreeSet<_> =
        programs.filter_map(|s| Some((s.build.as_ref()?.value.as_str(), s.dockerfile.as_deref()))).collect();
    if parts.len() < 2 {
        return verdict.not_applicable("there is one service here, whose variables no other reads");
    }
    // Variables that one file gives to all of them; a file of one service's folder is its own.
    let root = folder_of(repository.path(stack.place));
    for file in repository.files.iter().filter(|f| is_shared(f, root)) {
        let own: Vec<&Setting> = repository
            .settings_of(file.place.file)
            .iter()
            .filter(|s| s.source == SettingSource::Dotenv && !s.key.contains("__") && !is_prescribed(&s.key))
            .collect();
        verdict.examined(file.place);
        let Some(first) = own.first() else {
            verdict.satisfied(file.place);
            continue;
        };
        let keys: Vec<&str> = own.iter().map(|s| s.key.as_str()).collect();
        let message = format!("`{}` names no owner of {}", file.path, named(&keys));
        let finding = verdict.fail(first.key_place, format!("prefixes in {}", file.path), message);
        finding.label("no `API__`, `WEB__` or `WORKER__` before it").at_most(Confidence::Medium);
        for setting in own.iter().skip(1).take(MOST_PLACES) {
            finding.relate(setting.key_place, "nor here");
        }
    }
}

/// Whether a file holds variables of the whole stack: an example, or an env file, beside the compose file.
fn is_shared(file: &File, root: &str) -> bool {
    let folder = file.folder();
    let shared = is_example(file.name()) || file.name().starts_with(".env");
    folder == root && shared && file.tracked != Some(false) && file.reader.as_deref() == Some("dotenv")
}

pub(super) fn undocumented(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let examples: BTreeSet<_> =
        repository.files.iter().filter(|f| is_example(f.name())).map(|f| f.place.file).collect();
    told.extend(
        repository.facts.settings.iter().filter(|s| examples.contains(&s.place.file)).map(|s| s.key.as_str()),
    );
    told.extend(repository.facts.commented_keys.iter().map(|k| k.key.as_str()));
    for section in &repository.facts.sections {
        told.extend(names(&section.text));
        told.extend(names(&section.heading));
    }
    let fences = repository.facts.scripts.iter().filter(|s| s.script == ScriptKind::Fence);
    for command in fences.flat_map(|s| &s.commands) {
        told.extend(names(&command.line));
        told.extend(command.assignments.iter().map(|a| a.name.as_str()));
    }
    // Where nobody lists variables at all, that is another rule's matter.
    if told.iter().filter(|key| key.contains('_')).count() < 3 {
        return verdict.not_applicable("no document and no example here lists variables");
    }
    // What tools are told there, their makers explain.
    let read: BTreeSet<&str> = repository.facts.env_reads.iter().map(|r| r.key.as_str()).collect();
    let mut files: BTreeMap<&str, BTreeMap<&str, &Setting>> = BTreeMap::new();
    for stack in repository.stacks.iter().filter(|s| !is_aside(repository, s)) {
        for service in stack.services.iter().filter(|s| s.is_own()) {
            for (key, setting) in repository.environment(service) {
                let path = repository.path(setting.place);
                let own = setting.source == SettingSource::Service && repository.is_own(setting.place);
                let plain = key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                if own && plain && read.contains(key) && !is_prescribed(key) {
                    verdict.examined(setting.key_place);
                    if !told.contains(key) {
                        files.entry(path).or_default().entry(key).or_insert(setting);
                    }
                }
            }
        }
    }
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for (path, keys) in files {
        let new: Vec<(&str, &Setting)> = keys.into_iter().filter(|(key, _)| said.insert(key)).collect();
        let Some((_, first)) = new.iter().min_by_key(|(_, s)| s.key_place) else { continue };
        let names: Vec<&str> = new.iter().map(|(key, _)| *key).collect();
        let message = format!("`{path}` sets {}, which no document explains", named(&names));
        let finding = verdict.fail(first.key_place, format!("variables of {path}"), message);
        finding.label("neither in an example nor in a document").at_most(Confidence::Medium);
        for (_, setting) in new.iter().filter(|(_, s)| s.key_place != first.key_place).take(MOST_PLACES) {
            finding.relate(setting.key_place, "nor this");
        }
    }
}

/// Words of a text that are written as names of variables.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|w| {
        w.len() > 2 && w.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}
