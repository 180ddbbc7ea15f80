//! Developers' builds and developers' servers where the product is made or run.

use super::env_specific_build::is_build;
use super::gates::shipping;
use super::image_stages::{Stages, shipped_files};
use crate::facts::{Command, Owner, Repository, Script, ScriptKind, Stage, folder_of};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let shipping = shipping(repository);
    for (index, pipeline) in repository.facts.pipelines.iter().enumerate() {
        for job in &pipeline.jobs {
            let apart = job.target.as_ref().is_some_and(|t| {
                t.stage.possible().iter().any(|s| !matches!(s, Stage::Staging | Stage::Production))
            });
            for command in job
                .commands()
                .filter(|c| !apart && c.effects.iter().any(|e| is_build(e.effect, e.detail.as_deref())))
            {
                let Some((place, word)) = unoptimised(command) else { continue };
                if !shipping.contains(&index) {
                    continue;
                }
                let message = format!(
                    "Job `{}` builds with `{word}`, the developers' mode, what the pipeline ships",
                    job.name
                );
                verdict
                    .fail(place, format!("job {} {word}", job.id), message)
                    .at_most(Confidence::Medium)
                    .label("not optimised for users");
            }
        }
    }
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        let path = repository.path(Span::start_of(file)).to_owned();
        for (owner, command) in repository.commands() {
            let Owner::Script(script) = owner else { continue };
            if script.script != ScriptKind::Image || script.place.file != file {
                continue;
            }
            let started = script.name.ends_with(":CMD") || script.name.ends_with(":ENTRYPOINT");
            let own = stages.shipped_instructions().any(|i| i.place.contains(command.place));
            if started && own {
                match served(repository, command, &path, 0) {
                    Some(server) => {
                        let message =
                            format!("The image of `{path}` serves with `{server}`, a server for developers");
                        let finding = verdict.fail(command.place, format!("serve {path}"), message);
                        finding.at_most(Confidence::Medium).label("starts here");
                    }
                    None => verdict.satisfied(command.place),
                }
            } else if script.name.ends_with(":RUN")
                && command.effects.iter().any(|e| is_build(e.effect, e.detail.as_deref()))
                && let Some((place, word)) = unoptimised(command)
            {
                let message = format!("The image of `{path}` is built with `{word}`, the developers' mode");
                verdict.fail(place, format!("build {path} {word}"), message).at_most(Confidence::Medium);
            }
        }
    }
}

/// The word of a build that keeps it from being optimised.
fn unoptimised(command: &Command) -> Option<(Span, String)> {
    const FLAGS: &[&str] = &["--mode", "--configuration", "-c", "--env", "--environment"];
    const MODES: &[&str] = &["development", "dev", "debug"];
    let assigned = command.assignments.iter().find(|a| a.name == "NODE_ENV" && a.word.text == "development");
    if let Some(assignment) = assigned {
        return Some((assignment.word.place, "NODE_ENV=development".to_owned()));
    }
    let builder = matches!(
        command.program.as_str(),
        "vite"
            | "webpack"
            | "ng"
            | "vue-cli-service"
            | "parcel"
            | "dotnet"
            | "rsbuild"
            | "rspack"
            | "ember"
            | "nx"
    );
    let mut before = "";
    for word in command.args.iter().filter(|_| builder) {
        let text = word.text.as_str();
        let (flag, value) = text.split_once('=').unwrap_or((before, text));
        if FLAGS.contains(&flag) && MODES.contains(&value.to_ascii_lowercase().as_str()) {
            return Some((
                word.place,
                if text.contains('=') { text.to_owned() } else { format!("{before} {text}") },
            ));
        }
        before = text;
    }
    None
}

/// The developers' server that a command starts, through scripts of the package if need be.
fn served(repository: &Repository, command: &Command, path: &str, depth: u8) -> Option<String> {
    let args: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    let has = |word: &str| args.contains(&word);
    let first = args.iter().find(|a| !a.starts_with('-')).copied().unwrap_or("");
    let name = |server: &str| Some(server.to_owned());
    match command.program.as_str() {
        "vite" if !matches!(first, "build" | "optimize") => name("vite"),
        "ng" | "vue-cli-service" | "webpack" | "ember" if matches!(first, "serve" | "s") => {
            Some(format!("{} serve", command.program))
        }
        "webpack-dev-server" | "browser-sync" | "live-server" | "ts-node-dev" => {
            Some(command.program.clone())
        }
        "react-scripts" | "craco" if first == "start" => Some(format!("{} start", command.program)),
        "next" | "nuxt" | "nuxi" | "astro" | "gatsby" | "remix" if matches!(first, "dev" | "develop") => {
            Some(format!("{} {first}", command.program))
        }
        "flask" if first == "run" => name("flask run"),
        "python" | "python3" | "manage.py" if has("runserver") => name("manage.py runserver"),
        "php" if has("serve") && has("artisan") || has("-S") && command.program == "php" => {
            name("php's built-in server")
        }
        "mix" if has("phx.server") && command.assignments.iter().any(|a| a.word.text == "dev") => {
            name("mix phx.server")
        }
        "npm" | "yarn" | "pnpm" | "bun" if depth < 4 => {
            let label = if first == "run" {
                args.iter().filter(|a| !a.starts_with('-')).nth(1).copied()?
            } else {
                first
            };
            let script = npm_script(repository, path, label)?;
            script.commands.iter().find_map(|c| served(repository, c, path, depth + 1))
        }
        _ => None,
    }
}

/// The script of that name in the package beside the Dockerfile.
fn npm_script<'r>(repository: &'r Repository, path: &str, label: &str) -> Option<&'r Script> {
    let folder = folder_of(path);
    let name = if folder.is_empty() {
        format!("package.json:{label}")
    } else {
        format!("{folder}/package.json:{label}")
    };
    repository.facts.scripts.iter().find(|s| s.script == ScriptKind::Npm && s.name == name)
}
