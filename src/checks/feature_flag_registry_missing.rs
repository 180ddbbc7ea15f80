//! Feature flags that code asks for and no file records, and features that are switched when they are built.

use crate::facts::{Repository, Setting, SettingSource, Value, is_flag_registry};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// More places of one flag help nobody.
const MOST_RELATED: usize = 5;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let inert = |place: Span| !repository.is_own(place);
    built_in(repository, verdict);
    let mut reads: BTreeMap<&str, Vec<(Span, bool)>> = BTreeMap::new();
    for read in repository.facts.flag_reads.iter().filter(|r| !inert(r.place)) {
        reads.entry(&read.key).or_default().push((read.place, read.remote));
    }
    let Some(first) = reads.values().flatten().map(|(place, _)| *place).min() else {
        if verdict.findings.is_empty() {
            verdict.not_applicable("no code here asks for a feature flag");
        }
        return;
    };
    let recorded = recorded(repository);
    if recorded.is_empty() {
        let message = format!("Code asks for {} here, and no file records their state", count(reads.len()));
        let finding = verdict.open(first, "flag registry", message);
        finding.label("a flag");
        if reads.values().flatten().any(|(_, remote)| *remote) {
            finding.against("a service elsewhere may hold and log them");
        }
        return;
    }
    for (key, places) in reads {
        if recorded.contains(&plain(key)) {
            verdict.satisfied(places[0].0);
            continue;
        }
        let message = format!("The flag `{key}` is asked for, and no file of flags records it");
        let finding = verdict.fail(places[0].0, format!("flag {key}"), message);
        finding.label("asked for here");
        for (place, _) in places.iter().skip(1).take(MOST_RELATED) {
            finding.relate(*place, "and here");
        }
    }
}

fn count(flags: usize) -> String {
    if flags == 1 { "a feature flag".to_owned() } else { format!("{flags} feature flags") }
}

/// `new-cart`, `NewCart` and `new_cart` are one flag.
fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// Every name that files of flags hold: keys, and values under `name` or `key`.
fn recorded(repository: &Repository) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for setting in &repository.facts.settings {
        // The settings of an application may hold its flags, too.
        let within = || {
            setting
                .path
                .split('.')
                .rev()
                .skip(1)
                .any(|p| matches!(p, "features" | "feature_flags" | "featureFlags" | "FeatureManagement"))
        };
        if !is_flag_registry(repository.path(setting.place)) && !within() {
            continue;
        }
        names.extend(setting.path.split('.').map(plain));
        if let (true, Value::Known(name)) =
            (matches!(setting.key.as_str(), "name" | "key" | "id"), &setting.setting)
        {
            names.insert(plain(name));
        }
    }
    for file in repository.files.iter().filter(|f| is_flag_registry(&f.path)) {
        names.insert(plain(file.name().split('.').next().unwrap_or("")));
    }
    names.remove("");
    names
}

/// Beginnings of variables whose values bundlers write into what they build.
/// <https://vite.dev/guide/env-and-mode>, <https://nextjs.org/docs/app/guides/environment-variables>
const BUNDLED: &[&str] = &[
    "VITE_",
    "NEXT_PUBLIC_",
    "REACT_APP_",
    "NUXT_PUBLIC_",
    "VUE_APP_",
    "GATSBY_",
    "EXPO_PUBLIC_",
    "PUBLIC_",
];

fn is_switch(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let flagged = words.iter().any(|w| matches!(*w, "FEATURE" | "FEATURES" | "FF" | "FLAG" | "TOGGLE"));
    flagged
        && !words.iter().any(|w| {
            matches!(
                *w,
                "URL"
                    | "KEY"
                    | "TOKEN"
                    | "SDK"
                    | "CLIENT"
                    | "HOST"
                    | "ID"
                    | "PROVIDER"
                    | "SERVICE"
                    | "ENDPOINT"
                    | "ENVIRONMENT"
                    | "PROJECT"
                    // Parts of a library that a program is compiled with.
                    | "CARGO"
            )
        })
}

/// Features that a new build alone can switch.
fn built_in(repository: &Repository, verdict: &mut Verdict) {
    let mut found: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for read in &repository.facts.env_reads {
        let bundled = read.bundled || BUNDLED.iter().any(|b| read.key.starts_with(b));
        if bundled && is_switch(&read.key) && !repository.is_sample(read.place) {
            found.entry(&read.key).or_default().push(read.place);
        }
    }
    let argument =
        |s: &&Setting| s.source == SettingSource::Image && s.path.starts_with("ARG.") && is_switch(&s.key);
    for setting in repository.facts.settings.iter().filter(argument) {
        found.entry(&setting.key).or_default().push(setting.key_place);
    }
    for (name, places) in found {
        let message = format!("The feature behind `{name}` is switched when it is built, not while it runs");
        let finding = verdict.fail(places[0], format!("built-in {name}"), message);
        finding.at_most(Confidence::Medium).label("fixed by the build");
        for place in places.iter().skip(1).take(MOST_RELATED) {
            finding.relate(*place, "and here");
        }
    }
}
