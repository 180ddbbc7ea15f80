//! Addresses and environments that a frontend's build writes into the bundle.

use super::gates::words;
use super::secret_in_frontend_bundle::PREFIXES;
use super::sentences::named;
use crate::facts::{EffectKind, Repository, Setting, SettingSource, Stage, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

/// Words of names whose values differ between environments.
const WORDS: &[&str] = &[
    "URL",
    "URI",
    "HOST",
    "HOSTNAME",
    "ENDPOINT",
    "ORIGIN",
    "API",
    "DOMAIN",
    "ENV",
    "ENVIRONMENT",
    "STAGE",
    "BACKEND",
    "SERVER",
];

/// Further places of one finding.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    angular(repository, verdict);
    let own = |place: Span| repository.is_own(place);
    let mut reads: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for read in repository.facts.env_reads.iter().filter(|r| own(r.place) && is_baked(&r.key)) {
        reads.entry(&read.key).or_default().push(read.place);
    }
    let given = given(repository);
    if reads.is_empty() && given.is_empty() {
        return;
    }
    if let Some(place) = at_run_time(repository) {
        verdict.satisfied(place);
        return;
    }
    let mut unknown: Vec<(&str, Span)> = Vec::new();
    // What one build is given is one defect, however many variables it is.
    let mut baked: BTreeMap<(FileId, &str), Vec<Baked<'_>>> = BTreeMap::new();
    for (key, places) in &reads {
        let first = places[0];
        let Some(values) = given.get(key) else {
            unknown.push((key, first));
            continue;
        };
        let Some((place, how)) = values.first() else {
            verdict.satisfied(first);
            continue;
        };
        baked.entry((place.file, how)).or_default().push(Baked { key, given: values, reads: places });
    }
    for ((file, how), all) in &mut baked {
        all.sort_by_key(|b| b.given[0].0);
        let names: Vec<&str> = all.iter().map(|b| b.key).collect();
        let is = if names.len() == 1 { "is" } else { "are" };
        let message = format!("{} {is} written into the frontend's bundle when it is built", named(&names));
        let subject = format!("baked in {}", repository.file(*file).path);
        let finding = verdict.fail(all[0].given[0].0, subject, message);
        finding.at_most(Confidence::Medium).label(*how);
        let further = all.iter().enumerate().flat_map(|(n, b)| b.given.iter().skip(usize::from(n == 0)));
        for (other, how) in further.take(MOST_PLACES) {
            finding.relate(*other, *how);
        }
        for read in all.iter().flat_map(|b| b.reads).take(3) {
            finding.relate(*read, "the bundle holds the value");
        }
    }
    if let Some(((key, first), others)) = unknown.split_first() {
        let message =
            format!("Nothing here shows that `{key}` is the same in the bundle of every environment");
        let finding = verdict.open(*first, "baked addresses", message);
        for (key, place) in others.iter().take(MOST_PLACES) {
            finding.relate(*place, format!("nor `{key}`"));
        }
    }
}

/// A variable whose value a build is given.
struct Baked<'a> {
    key: &'a str,
    /// Where it is given, and how; one place at least.
    given: &'a [(Span, &'static str)],
    reads: &'a [Span],
}

/// A variable that bundlers put into the program, whose value an environment has of its own.
fn is_baked(key: &str) -> bool {
    let prefix =
        PREFIXES.iter().filter(|p| !matches!(**p, "WEB__" | "PUBLIC_")).find(|p| key.starts_with(**p));
    prefix.is_some_and(|p| key[p.len()..].split('_').any(|w| WORDS.contains(&w)))
}

/// Where a value of the environment is given to the build, by key.
fn given(repository: &Repository) -> BTreeMap<&str, Vec<(Span, &'static str)>> {
    let mut found: BTreeMap<&str, Vec<(Span, &'static str)>> = BTreeMap::new();
    let own = |place: Span| repository.is_own(place);
    for setting in repository.facts.settings.iter().filter(|s| own(s.place) && is_baked(&s.key)) {
        let how = match setting.source {
            SettingSource::Dotenv if is_deployed(setting) => "an environment's own value",
            // What hands on an ARG is told there.
            SettingSource::Image if hands_on(setting) => continue,
            SettingSource::Image => "given to the image's build",
            _ => continue,
        };
        // A word that names nothing is put in for the container to replace when it starts.
        let places = found.entry(&setting.key).or_default();
        if !is_relative(setting) && tells(repository, setting) {
            places.push((setting.key_place, how));
        }
    }
    for (pipeline, job, step) in repository.steps() {
        let all = step.settings.iter().chain(&job.settings).chain(&pipeline.settings);
        let tests = job.effects().any(|e| e.effect == EffectKind::Test)
            && !job.effects().any(|e| matches!(e.effect, EffectKind::Deploy | EffectKind::Publish));
        let shows = [&pipeline.name, &job.name].into_iter().any(|name| {
            words(name).iter().any(|w| matches!(w.as_str(), "storybook" | "chromatic" | "lighthouse"))
        });
        let baked = |s: &&Setting| is_baked(&s.key) && !is_relative(s) && !is_stand_in(s);
        for setting in all.filter(|s| !tests && !shows && baked(s)) {
            let places = found.entry(&setting.key).or_default();
            if places.iter().all(|(p, _)| *p != setting.key_place) {
                places.push((setting.key_place, "given to the build by the pipeline"));
            }
        }
    }
    for instruction in repository.facts.instructions.iter().filter(|i| i.keyword == "ARG" && own(i.place)) {
        for word in &instruction.args {
            let key = word.value.split('=').next().unwrap_or("");
            if is_baked(key) && !word.value.contains('=') {
                found.entry(key).or_default().push((word.span, "given to the image's build"));
            }
        }
    }
    for places in found.values_mut() {
        places.sort_by_key(|(place, _)| *place);
        places.dedup_by_key(|(place, _)| *place);
    }
    found
}

/// `ENV X=$X`, which makes an ARG a variable of the build.
fn hands_on(setting: &Setting) -> bool {
    let text = setting.setting.text();
    text.strip_prefix('$').is_some_and(|name| name.trim_matches(['{', '}']) == setting.key)
}

/// A value that says itself that it is none.
fn is_stand_in(setting: &Setting) -> bool {
    const SAID: &[&str] = &["dummy", "placeholder", "fake", "mock", "localhost", "127.0.0.1"];
    setting.setting.known().is_some_and(|value| SAID.iter().any(|word| value.contains(word)))
}

/// Whether a value is an address, an environment or what the run fills in.
fn tells(repository: &Repository, setting: &Setting) -> bool {
    match &setting.setting {
        Value::Known(value) => value.contains(['.', ':', '$']) || repository.stage_of(value).is_some(),
        _ => true,
    }
}

fn is_deployed(setting: &Setting) -> bool {
    let deployed = |s: &Stage| matches!(s, Stage::Staging | Stage::Production | Stage::Integration);
    setting.target.as_ref().is_some_and(|t| t.stage.possible().iter().any(deployed))
}

/// A path without a host is the same everywhere, as is nothing.
fn is_relative(setting: &Setting) -> bool {
    matches!(&setting.setting, Value::Known(v) if v.is_empty() || v.starts_with('/') && !v.starts_with("//"))
}

/// What supplies the configuration when the page is loaded.
fn at_run_time(repository: &Repository) -> Option<Span> {
    const FILES: &[&str] = &[
        "env-config.js",
        "runtime-config.js",
        "runtime-env.js",
        "config.template.js",
        "env.template.js",
        "env-config.template.js",
        "config.js.template",
        "env.js.template",
        "config.json.template",
        "app-config.json",
        "runtime-config.json",
        "env.js",
    ];
    let served = |path: &str| {
        let lower = path.to_ascii_lowercase();
        (lower.contains("public/") || lower.contains("assets/") || lower.contains("static/"))
            && matches!(
                lower.rsplit('/').next(),
                Some("config.js" | "config.json" | "settings.json" | "env.json")
            )
    };
    let file =
        repository.files.iter().find(|f| (FILES.contains(&f.name()) || served(&f.path)) && !f.vendored);
    let filled = || repository.commands().find(|(_, c)| c.program == "envsubst").map(|(_, c)| c.place);
    file.map(|f| f.place).or_else(filled)
}

/// Angular replaces a file of the source by one for each environment.
/// <https://angular.dev/tools/cli/environments>
fn angular(repository: &Repository, verdict: &mut Verdict) {
    let mut folders: BTreeMap<&str, Vec<(Stage, Span, &str)>> = BTreeMap::new();
    for file in &repository.files {
        let Some(word) = file.name().strip_prefix("environment.").and_then(|r| r.strip_suffix(".ts")) else {
            continue;
        };
        let stage = repository.stage_of(word);
        let Some(stage) =
            stage.filter(|s| matches!(s, Stage::Staging | Stage::Integration | Stage::Production))
        else {
            continue;
        };
        if file.sample || file.vendored {
            continue;
        }
        let folder = file.path.strip_suffix(file.name()).unwrap_or("");
        folders.entry(folder).or_default().push((stage, file.place, &file.path));
    }
    for all in folders.into_values() {
        let production = all.iter().find(|f| f.0 == Stage::Production);
        match (all.iter().find(|f| f.0 != Stage::Production), production) {
            (Some(staging), Some(production)) => {
                let message = format!(
                    "`{}` and `{}` make a bundle of its own for each environment",
                    staging.2, production.2
                );
                let finding = verdict.fail(staging.1, format!("file {}", staging.2), message);
                finding.at_most(Confidence::Medium).relate(production.1, "production's");
            }
            (None, Some(production)) => {
                let message =
                    format!("Nothing here shows that `{}` holds no address of production", production.2);
                verdict.open(production.1, format!("file {}", production.2), message);
            }
            _ => {}
        }
    }
}
