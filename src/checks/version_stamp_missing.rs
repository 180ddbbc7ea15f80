//! Services that cannot say which build of them runs: commit, time and version.

use super::image_stages::{Stages, shipped_files};
use crate::facts::{Repository, SettingSource};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

/// What is asked for, and names that say the same. The first is the manual's own.
const STAMPS: &[(&str, &[&str])] = &[
    (
        "GIT_SHA",
        &[
            "GIT_SHA",
            "GIT_COMMIT",
            "COMMIT_SHA",
            "COMMIT",
            "GIT_REVISION",
            "REVISION",
            "GIT_REF",
            "VCS_REF",
            "SOURCE_COMMIT",
            "GIT_HASH",
            "COMMIT_HASH",
            "BUILD_SHA",
            "SHA",
        ],
    ),
    ("BUILD_DATE", &["BUILD_DATE", "BUILD_TIME", "BUILD_TIMESTAMP", "BUILT_AT", "CREATED", "BUILD_TS"]),
    (
        "APP_VERSION",
        &[
            "APP_VERSION",
            "VERSION",
            "RELEASE_VERSION",
            "SERVICE_VERSION",
            "BUILD_VERSION",
            "IMAGE_VERSION",
            "APP_RELEASE",
            "RELEASE",
            "BUILD_NUMBER",
            "SENTRY_RELEASE",
            "DD_VERSION",
        ],
    ),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let files = shipped_files(repository);
    let Some(first) = files.iter().find_map(|file| {
        let stages = Stages::new(repository, *file);
        stages.shipped_instructions().filter(|i| i.keyword == "FROM").last().map(|i| i.place)
    }) else {
        return;
    };
    let names = names(repository);
    let missing: Vec<String> = STAMPS
        .iter()
        .filter(|(_, all)| !all.iter().any(|n| names.contains(*n)))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        told(repository, first, verdict);
        return;
    }
    let path = repository.path(first);
    let message = format!("Nothing here gives the service of `{path}` {}", missing.join(", "));
    verdict.open(first, "stamps", message).label("the image is built without it");
}

/// Whether what the image is given is passed on: read by the program, or written into a file that it holds. Programs in
/// languages whose reads of variables are not known tell nothing.
fn told(repository: &Repository, first: Span, verdict: &mut Verdict) {
    let own = |place| repository.is_own(place);
    let is_stamp = |key: &str| STAMPS.iter().any(|(_, all)| all.contains(&key.to_ascii_uppercase().as_str()));
    let mut reads = repository.facts.env_reads.iter().filter(|r| own(r.place)).peekable();
    let known = reads.peek().is_some();
    let read = reads.any(|r| is_stamp(&r.key));
    let written = || {
        let runs = repository.facts.instructions.iter().filter(|i| i.keyword == "RUN" && own(i.place));
        let mut words = runs.flat_map(|i| &i.args);
        words.any(|w| {
            let mut names = w.value.split('$').skip(1);
            names.any(|n| {
                is_stamp(
                    n.trim_start_matches('{')
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next()
                        .unwrap_or(""),
                )
            })
        })
    };
    let kept = || {
        let named = |name: &str| {
            ["version.json", "build-info", "buildinfo", "git.properties"].iter().any(|w| name.contains(w))
        };
        repository.files.iter().any(|f| named(&f.name().to_ascii_lowercase()))
            || repository.facts.settings.iter().any(|s| own(s.place) && s.path.starts_with("management.info"))
    };
    if !known || read || written() || kept() {
        verdict.satisfied(first);
        return;
    }
    let path = repository.path(first);
    let message = format!("The image of `{path}` is given its build, and nothing here reads it to return it");
    let finding = verdict.open(first, "stamps told", message);
    finding
        .label("given to the image")
        .against("a library may return it at `/version` or `/health` by itself");
}

/// Variables that images are given and programs read, in capitals, without the prefixes of frontends.
fn names(repository: &Repository) -> BTreeSet<String> {
    let own = |place| repository.is_own(place);
    let arguments = repository
        .facts
        .instructions
        .iter()
        .filter(|i| matches!(i.keyword.as_str(), "ARG" | "ENV") && own(i.place))
        .flat_map(|i| &i.args)
        .map(|a| a.value.split('=').next().unwrap_or("").to_owned());
    let settings = repository
        .facts
        .settings
        .iter()
        .filter(|s| s.source == SettingSource::Image && own(s.place))
        .map(|s| s.key.clone());
    let reads = repository.facts.env_reads.iter().filter(|r| own(r.place)).map(|r| r.key.clone());
    let given = repository.commands().flat_map(|(_, c)| {
        c.args.iter().zip(c.args.iter().skip(1)).filter(|(flag, _)| flag.text == "--build-arg")
    });
    let given = given.map(|(_, word)| word.text.split('=').next().unwrap_or("").to_owned());
    let inputs =
        repository.steps().filter_map(|(_, _, s)| s.uses.as_ref()?.input("build-args")).flat_map(|v| {
            let text = v.value.text();
            text.lines().map(|l| l.split('=').next().unwrap_or("").trim().to_owned()).collect::<Vec<_>>()
        });
    let all = arguments.chain(settings).chain(reads).chain(given).chain(inputs);
    all.map(|n| n.to_ascii_uppercase()).collect()
}
