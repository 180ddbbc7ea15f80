//! Switches of developers that are on where production runs.

use super::base_image_unpinned::is_for_developers;
use crate::facts::{
    Basis, Command, Instruction, Repository, ScriptKind, Setting, SettingSource, Stage, Value,
};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// Variables that make a framework show its inside.
const SWITCHES: &[&str] = &[
    "DEBUG",
    "FLASK_DEBUG",
    "DJANGO_DEBUG",
    "APP_DEBUG",
    "RAILS_LOG_DEBUG",
    "DEBUG_MODE",
    "ENABLE_DEBUG",
    "WERKZEUG_DEBUG_PIN",
];
/// Variables that name the mode.
const MODES: &[&str] = &[
    "NODE_ENV",
    "FLASK_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "APP_ENV",
    "ASPNETCORE_ENVIRONMENT",
    "DOTNET_ENVIRONMENT",
];
/// Variables that set how much is logged.
const LEVELS: &[&str] = &["LOG_LEVEL", "LOGLEVEL", "LOGGING_LEVEL", "RUST_LOG", "RAILS_LOG_LEVEL"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let pipelines = repository.facts.pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| {
        j.settings.iter().chain(j.steps.iter().flat_map(|s| &s.settings)).map(move |s| (s, j.target.as_ref()))
    });
    let files =
        repository.facts.settings.iter().filter(|s| s.source != SettingSource::Image).map(|s| (s, None));
    for (setting, target) in files.chain(pipelines) {
        let path = repository.path(setting.place);
        let Some(target) = setting.target.as_deref().or(target).filter(|t| t.is(Stage::Production)) else {
            continue;
        };
        if !repository.is_own(setting.place) {
            continue;
        }
        let Some(what) = judge(setting) else { continue };
        let finding = verdict.fail(
            setting.place,
            format!("setting {path} {}", setting.path),
            format!("`{}` {what} for production in `{path}`", setting.key),
        );
        if matches!(target.basis, Basis::Name | Basis::Branch) {
            finding.at_most(Confidence::Medium);
        }
    }
    for script in repository.facts.scripts.iter().filter(|s| s.script == ScriptKind::Image) {
        let path = repository.path(script.place);
        if !repository.is_own(script.place)
            || is_for_developers(repository, path)
            || script.name.ends_with(":RUN")
        {
            continue;
        }
        for command in script.commands.iter().filter(|c| !is_developers_stage(repository, c)) {
            match started(command) {
                Some(word) => {
                    let message = format!("The image starts `{}` with `{word}`", command.program);
                    verdict
                        .fail(command.place, format!("start {path} {word}"), message)
                        .at_most(Confidence::Medium);
                }
                None => verdict.satisfied(command.place),
            }
        }
    }
}

fn judge(setting: &Setting) -> Option<&'static str> {
    let Value::Known(value) = &setting.setting else { return None };
    let key = setting.key.to_ascii_uppercase().replace(['-', '.'], "_");
    let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    if SWITCHES.contains(&key.as_str()) {
        matches!(value.as_str(), "true" | "1" | "yes" | "on").then_some("is on")
    } else if MODES.contains(&key.as_str()) {
        matches!(value.as_str(), "development" | "dev" | "debug").then_some("is the developers' mode")
    } else if LEVELS.contains(&key.as_str()) {
        matches!(value.as_str(), "debug" | "trace").then_some("logs every detail")
    } else {
        None
    }
}

/// The name of the stage that a command of an image stands in says that developers start it.
fn is_developers_stage(repository: &Repository, command: &Command) -> bool {
    let before = |i: &&Instruction| {
        i.keyword == "FROM" && i.place.file == command.place.file && i.place.start < command.place.start
    };
    let stage = repository.facts.instructions.iter().rfind(before);
    let name = stage.and_then(|from| from.args.get(1)).map_or("", |name| name.value.as_str());
    name.to_ascii_lowercase().split(['-', '_', '.', ':']).any(|word| {
        matches!(word, "dev" | "devel" | "development" | "debug" | "local" | "test" | "tests" | "tilt")
    })
}

/// The word that makes a server watch its sources or wait for a debugger.
fn started(command: &Command) -> Option<&str> {
    if command.program == "nodemon" {
        return Some("nodemon");
    }
    let watched: &[&str] = match command.program.as_str() {
        "uvicorn" | "gunicorn" | "hypercorn" | "fastapi" => &["--reload"],
        "flask" => &["--debug", "--reload"],
        "node" => &["--inspect", "--inspect-brk", "--watch"],
        "java" => &["-agentlib:jdwp"],
        _ => return None,
    };
    command.args.iter().map(|w| w.text.as_str()).find(|w| {
        watched.iter().any(|f| w.strip_prefix(f).is_some_and(|r| r.is_empty() || r.starts_with('=')))
    })
}
