//! Env files that are read or copied where only injected variables should be: in staging, in production, in
//! images.

use super::env_files::is_env_path;
use crate::facts::{
    Basis, Command, EffectKind, Owner, Repository, ScriptKind, Setting, SettingSource, Stage, Target,
    path_target,
};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    composed(repository, verdict);
    units(repository, verdict);
    let mut seen: BTreeMap<(FileId, String), usize> = BTreeMap::new();
    for (owner, command) in repository.commands() {
        if !repository.is_own(command.place) || is_for_people(&owner) {
            continue;
        }
        let Some((env, place, how)) = env_file(command) else { continue };
        let Some((at, known)) = destination(repository, &owner, command, &env, how) else { continue };
        let who = match owner {
            Owner::Step { job, .. } => format!("Job `{}`", job.id),
            Owner::Script(script) => format!("Script `{}`", script.name),
        };
        let what = match how {
            How::Copied => "copies env file",
            How::Given | How::Sourced => "starts with env file",
        };
        if let Some(at) = seen.get(&(command.place.file, env.clone())) {
            verdict.findings[*at].relate(place, "and here");
            continue;
        }
        seen.insert((command.place.file, env.clone()), verdict.findings.len());
        let to = if how == How::Copied { "to" } else { "in" };
        let message = format!("{who} {what} `{env}` {to} {at}");
        let finding = verdict.fail(place, format!("env file {env}"), message);
        finding.label("an env file");
        if !known {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// `EnvironmentFile=` of units of systemd, which run on servers. Which environment such a server belongs to, the
/// unit's path may tell.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=>
fn units(repository: &Repository, verdict: &mut Verdict) {
    for setting in repository.facts.settings.iter().filter(|s| s.key == "EnvironmentFile") {
        let written = setting.setting.text();
        // The dash lets the file be absent.
        let file = written.trim().trim_start_matches('-');
        if !setting.path.ends_with("Service.EnvironmentFile") || !repository.is_own(setting.place) {
            continue;
        }
        if !is_env_path(file) {
            verdict.satisfied(setting.place);
            continue;
        }
        let unit = repository.file(setting.place.file).name();
        let subject = format!("unit {unit}");
        let finding = match setting.target.as_deref().and_then(staged) {
            Some(stage) => {
                let message = format!("Unit `{unit}` starts with env file `{file}` in {}", stage.name());
                verdict.fail(setting.place, subject, message)
            }
            None => {
                let message = format!("Unit `{unit}` starts with env file `{file}` where it is installed");
                verdict
                    .review(setting.place, subject, message)
                    .against("it may be installed on a developer's machine")
            }
        };
        finding.label("an env file").at_most(Confidence::Medium);
    }
}

/// `env_file:` of services in compose files for staging and production.
/// <https://docs.docker.com/reference/compose-file/services/#env_file>
fn composed(repository: &Repository, verdict: &mut Verdict) {
    let mut files: BTreeMap<FileId, Vec<&Setting>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        if setting.key == "env_file"
            && setting.source == SettingSource::Service
            && repository.is_own(setting.place)
        {
            files.entry(setting.place.file).or_default().push(setting);
        }
    }
    for (file, settings) in files {
        let stage = |s: &Setting| s.target.as_deref().and_then(staged);
        let mut meant = settings.iter().filter(|s| stage(s).is_some() && is_env_path(&s.setting.text()));
        let Some(first) = meant.next() else {
            verdict.satisfied(settings[0].place);
            continue;
        };
        let service = first.path.split('.').nth(1).unwrap_or("").to_owned();
        let at = stage(first).expect("it was asked for").name();
        let message = format!("Service `{service}` reads env file `{}` in {at}", first.setting.text());
        let finding =
            verdict.fail(first.place, format!("env_file {}", repository.file(file).name()), message);
        finding.label("an env file").at_most(Confidence::Medium);
        let mut seen = vec![first.place];
        for setting in meant {
            if !seen.contains(&setting.place) {
                seen.push(setting.place);
                finding.relate(setting.place, "and here");
            }
        }
    }
}

/// The shared stage that a target is, for certain or by name.
fn staged(target: &Target) -> Option<Stage> {
    target.stage.known().copied().filter(|s| matches!(s, Stage::Staging | Stage::Production))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Copied,
    Given,
    Sourced,
}

/// The env file that a command copies or reads.
fn env_file(command: &Command) -> Option<(String, Span, How)> {
    let word = |text: &str, place: Span, how: How| {
        let text = text.trim_matches(['"', '\'']);
        is_env_path(text).then(|| (text.to_owned(), place, how))
    };
    let first = command.args.first();
    match command.program.as_str() {
        "scp" | "rsync" => {
            let remote = command.args.last().is_some_and(|w| w.text.contains(':'));
            let (_, sources) = command.args.split_last().filter(|_| remote)?;
            let excluded = |i: usize| {
                i > 0 && matches!(sources[i - 1].text.as_str(), "--exclude" | "--exclude-from" | "-e")
            };
            sources
                .iter()
                .enumerate()
                .filter(|(i, w)| !w.text.starts_with('-') && !w.text.contains(':') && !excluded(*i))
                .find_map(|(_, w)| word(&w.text, w.place, How::Copied))
        }
        "docker" | "podman" | "docker-compose" | "podman-compose" | "nerdctl" | "node" | "bun" => {
            let given = command.flag_value(&["--env-file", "--env-file-if-exists"])?;
            let text = given.text.rsplit('=').next().unwrap_or(&given.text);
            word(text, given.place, How::Given)
        }
        "source" | "." => word(&first?.text, first?.place, How::Sourced),
        "dotenv" | "dotenvx" => {
            let given = command.flag_value(&["-e", "-f", "--env-file"])?;
            word(given.text.rsplit('=').next()?, given.place, How::Given)
        }
        "env-cmd" => {
            let given = command.flag_value(&["-f", "--file"])?;
            word(&given.text, given.place, How::Given)
        }
        "cat" | "grep" if command.captured => {
            // `export $(cat .env | xargs)`
            command.args.iter().find_map(|w| word(&w.text, w.place, How::Sourced))
        }
        _ => None,
    }
}

/// Code fences and git hooks tell or serve a person at a machine of their own.
fn is_for_people(owner: &Owner<'_>) -> bool {
    matches!(owner, Owner::Script(script) if script.script == ScriptKind::Fence)
}

/// Where that is, in words, and whether more than a name says so.
fn destination(
    repository: &Repository,
    owner: &Owner<'_>,
    command: &Command,
    env: &str,
    how: How,
) -> Option<(&'static str, bool)> {
    if let Owner::Script(script) = owner
        && script.script == ScriptKind::Image
    {
        // What an image starts with, it does wherever it runs; while it is built nothing is started.
        let started = script.name.ends_with(":CMD") || script.name.ends_with(":ENTRYPOINT");
        let local = script.target.as_ref().is_some_and(|t| staged(t).is_none());
        return (started && !local && how != How::Copied)
            .then_some(("every environment that the image runs in", true));
    }
    let mut targets =
        command.effects.iter().filter(|e| e.effect != EffectKind::Build).filter_map(|e| e.target.as_ref());
    let by_name = |t: &Target| !matches!(t.basis, Basis::Name | Basis::Branch);
    if let Some(target) = targets.find(|t| t.stage.known().is_some()).or(owner.target()) {
        return Some((staged(target)?.name(), by_name(target)));
    }
    let host = command
        .remote
        .as_deref()
        .or_else(|| (how == How::Copied).then(|| command.args.last().map(|w| w.text.as_str()))?);
    if let Some(host) = host {
        let host = host.split(':').next().unwrap_or(host);
        return match repository.stage_of_host(host.rsplit('@').next().unwrap_or(host)) {
            Some(stage @ (Stage::Staging | Stage::Production)) => Some((stage.name(), true)),
            Some(_) => None,
            None => (how == How::Copied).then_some(("another machine", false)),
        };
    }
    // `docker compose --env-file .env.production up`; a build reads such a file to make a bundle.
    let builds = command
        .effects
        .iter()
        .any(|e| matches!(e.effect, EffectKind::Build | EffectKind::Test | EffectKind::Lint));
    let target = path_target(env, command.place.file, &repository.environments).filter(|_| !builds)?;
    let runs =
        matches!(how, How::Given) && !matches!(command.program.as_str(), "dotenv" | "dotenvx" | "env-cmd");
    Some((staged(&target).filter(|_| runs)?.name(), false))
}
