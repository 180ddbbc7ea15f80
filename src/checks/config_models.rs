//! How programs come by their settings: whether a missing one stops them, and whether one place reads them all.

use super::env_example_missing::{FEW, Keys, is_below, is_own, required, services};
use super::gates::words;
use super::sentences::named;
use crate::facts::{EnvRead, PracticeKind, Repository, folder_of};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// So many places one finding lists.
const MOST_PLACES: usize = 10;

/// Reads by the service whose program makes them.
fn by_service(repository: &Repository) -> BTreeMap<&str, Vec<&EnvRead>> {
    let services = services(repository);
    let mut found: BTreeMap<&str, Vec<&EnvRead>> = BTreeMap::new();
    for read in repository.facts.env_reads.iter().filter(|r| is_own(repository, r)) {
        let at = folder_of(repository.path(read.place));
        let service = services.iter().filter(|s| is_below(at, s)).max_by_key(|s| s.len());
        found.entry(service.copied().unwrap_or("")).or_default().push(read);
    }
    found
}

pub(super) fn validation(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for (service, reads) in by_service(repository) {
        if let Some(place) = model(repository, service) {
            verdict.satisfied(place);
            continue;
        }
        let mut keys: Keys<'_> = BTreeMap::new();
        for read in reads {
            keys.entry(&read.key).or_default().push(read);
        }
        let asked = |key: &&str| keys[*key].iter().any(|r| r.demanded);
        let needed: Vec<&str> = required(&keys).filter(|key| cannot_be_left_out(key)).collect();
        let silent: Vec<&str> = needed.iter().copied().filter(|k| !asked(k)).collect();
        let first = |key: &str| keys[key].iter().find(|r| !r.fallback).unwrap_or(&keys[key][0]).place;
        // A program that asks for most of what it needs checks what it needs.
        if silent.len() < FEW || silent.len() * 2 < needed.len() {
            if let Some(key) = needed.first() {
                verdict.satisfied(first(key));
            }
            continue;
        }
        let at = if service.is_empty() { "the program".to_owned() } else { format!("`{service}`") };
        let message = format!("Nothing stops {at} when {} are not set", named(&silent));
        let mut places: Vec<(Span, &str)> = silent.iter().map(|key| (first(key), *key)).collect();
        places.sort();
        let finding = verdict.open(places[0].0, format!("validation of {service}").trim_end(), message);
        finding.label("`undefined`, empty or `None` without it").at_most(Confidence::Medium);
        finding.against("a check of its own may do it elsewhere in the code");
        for (place, key) in places.iter().skip(1).take(MOST_PLACES) {
            finding.relate(*place, format!("reads `{key}`"));
        }
    }
}

/// Whether a name is that of an address, a credential or a store, which no program does without; other variables may
/// be options. Bundlers put those with their own prefixes in when they build.
fn cannot_be_left_out(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "url", "uri", "host", "hostname", "addr", "address", "endpoint", "dsn", "key", "secret", "token",
        "password", "user", "username", "database", "bucket", "queue", "topic", "issuer", "audience",
    ];
    let bundled = ["VITE_", "NEXT_PUBLIC_", "REACT_APP_", "VUE_APP_", "NUXT_PUBLIC_", "EXPO_PUBLIC_"];
    !bundled.iter().any(|b| key.starts_with(b)) && words(key).iter().any(|w| WORDS.contains(&w.as_str()))
}

/// The library with which a service's manifest says that settings have a checked model.
fn model(repository: &Repository, service: &str) -> Option<Span> {
    let all = repository.facts.practices.iter().filter(|p| p.practice == PracticeKind::SettingsModel);
    all.map(|p| p.place).find(|place| is_below(service, folder_of(repository.path(*place))))
}

pub(super) fn duplicated(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for (service, reads) in by_service(repository) {
        let mut files: BTreeMap<FileId, Vec<&EnvRead>> = BTreeMap::new();
        for read in &reads {
            files.entry(read.place.file).or_default().push(read);
        }
        let distinct =
            |reads: &[&EnvRead]| reads.iter().map(|r| r.key.as_str()).collect::<BTreeSet<_>>().len();
        let models: Vec<FileId> = files
            .iter()
            .filter(|(file, reads)| is_model(&repository.file(**file).path) && distinct(reads) >= FEW)
            .map(|(file, _)| *file)
            .collect();
        let Some(model) = models.iter().copied().max_by_key(|f| distinct(&files[f])) else { continue };
        // What the model reads, too, has two owners.
        let own: BTreeSet<&str> = files[&model].iter().map(|r| r.key.as_str()).collect();
        // Settings may be cut over several files of one folder.
        let at = |file: FileId| folder_of(&repository.file(file).path);
        let beside = |file: FileId| {
            file == model || is_model(&repository.file(file).path) && is_below(at(file), at(model))
        };
        let twice: Vec<&&EnvRead> =
            reads.iter().filter(|r| !beside(r.place.file) && own.contains(r.key.as_str())).collect();
        let anchor = files[&model][0].place;
        let Some(first) = twice.first() else {
            verdict.satisfied(anchor);
            continue;
        };
        let keys: Vec<&str> =
            twice.iter().map(|r| r.key.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
        let path = repository.path(anchor);
        let verb = if keys.len() > 1 { "are" } else { "is" };
        let message = format!("{} of the settings in `{path}` {verb} read elsewhere again", named(&keys));
        let finding = verdict.fail(first.place, format!("settings of {service}").trim_end(), message);
        finding.label("passes the settings by").at_most(Confidence::Medium);
        finding.relate(anchor, "the settings");
        for read in twice.iter().skip(1).take(MOST_PLACES) {
            finding.relate(read.place, format!("reads `{}`", read.key));
        }
    }
}

/// Whether a file's name says that it holds a program's settings.
fn is_model(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    words(stem)
        .iter()
        .any(|w| matches!(w.as_str(), "config" | "settings" | "env" | "environment" | "configuration"))
        || folder_of(path).rsplit('/').next().is_some_and(|f| matches!(f, "config" | "settings"))
}
