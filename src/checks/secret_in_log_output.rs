//! Commands of pipelines that print a secret.

use super::samples::no_worse_than;
use super::secret_names::{expanded, is_secret_name};
use crate::facts::{Caller, Command, Dialect, Owner, Repository, ScriptKind, Setting};
use crate::finding::{Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut texts: BTreeMap<(u32, u32), (Owner<'_>, Vec<&Command>)> = BTreeMap::new();
    for (owner, command) in repository.commands() {
        let place = match owner {
            Owner::Step { step, .. } => step.place,
            Owner::Script(script) => script.place,
        };
        texts.entry((place.file.0, place.start)).or_insert_with(|| (owner, Vec::new())).1.push(command);
    }
    for (owner, commands) in texts.values() {
        let logged = match owner {
            Owner::Step { .. } => true,
            Owner::Script(script) => {
                matches!(
                    script.script,
                    ScriptKind::Shell | ScriptKind::PowerShell | ScriptKind::Make | ScriptKind::Npm
                ) && script
                    .callers
                    .iter()
                    .any(|c| matches!(c, Caller::Pipeline | Caller::Container | Caller::Scheduler))
            }
        };
        if !logged {
            continue;
        }
        for &command in commands {
            let Some(secret) = printed(command, owner) else { continue };
            if goes_elsewhere(command, commands) {
                continue;
            }
            let (message, subject) = match (&secret, owner) {
                (Printed::Secret(name), Owner::Step { job, .. }) => {
                    (format!("Job `{}` prints `{name}` into its log", job.id), format!("prints {name}"))
                }
                (Printed::Secret(name), Owner::Script(script)) => {
                    (format!("Script `{}` prints `{name}`", script.name), format!("prints {name}"))
                }
                (Printed::Environment, Owner::Step { job, .. }) => (
                    format!("Job `{}` prints its whole environment, secrets included", job.id),
                    "prints the environment".to_owned(),
                ),
                (Printed::Environment, Owner::Script(_)) => continue,
                (Printed::Store, _) => (
                    format!(
                        "`{} {}` prints what it reads from the secret store",
                        command.program,
                        command.arg(0).unwrap_or("")
                    ),
                    "prints from the store".to_owned(),
                ),
            };
            let finding = verdict.fail(command.place, subject, message);
            finding.label("its output is the log");
            let masked = matches!(owner, Owner::Step { pipeline, .. } if pipeline.dialect == Dialect::Github);
            if masked && !matches!(secret, Printed::Store) {
                no_worse_than(finding, Severity::Warning)
                    .against("GitHub masks a secret's exact value, but no part or encoding of it");
            }
        }
    }
}

enum Printed {
    /// One secret, by its name.
    Secret(String),
    /// All variables of a step that has secrets among them.
    Environment,
    /// What a command reads from a secret store, which no CI service knows to mask.
    Store,
}

fn printed(command: &Command, owner: &Owner<'_>) -> Option<Printed> {
    let line = command.line.as_str();
    match command.program.as_str() {
        "echo" | "printf" | "Write-Host" | "Write-Output" => {
            // `::add-mask::` is how a value is made to be masked.
            if line.contains("::add-mask::") {
                return None;
            }
            command.args.iter().find_map(|w| named(&w.text, owner)).map(Printed::Secret)
        }
        "cat" => {
            let env = command.args.iter().find(|w| {
                let name = w.text.rsplit('/').next().unwrap_or("");
                name == ".env"
                    || name.starts_with(".env.") && !name.contains("example") && !name.contains("sample")
            })?;
            Some(Printed::Secret(env.text.clone()))
        }
        "printenv" | "env" if command.args.is_empty() => {
            let Owner::Step { pipeline, job, step } = owner else { return None };
            let mut all = pipeline.settings.iter().chain(&job.settings).chain(&step.settings);
            all.any(is_secret_setting).then_some(Printed::Environment)
        }
        "kubectl" => {
            let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
            let get = words.windows(2).any(|w| {
                w[0] == "get" && (w[1] == "secret" || w[1] == "secrets" || w[1].starts_with("secret/"))
            });
            let output = command.flag_value(&["-o", "--output"])?.text.as_str();
            let whole = ["yaml", "json", "jsonpath", "go-template"].iter().any(|o| output.contains(o));
            (get && whole).then_some(Printed::Store)
        }
        "aws" if line.starts_with("aws secretsmanager get-secret-value") => Some(Printed::Store),
        "gcloud"
            if line.starts_with("gcloud secrets versions access") && !command.has_flag(&["--out-file"]) =>
        {
            Some(Printed::Store)
        }
        "vault" if line.starts_with("vault kv get") || line.starts_with("vault read secret/") => {
            Some(Printed::Store)
        }
        _ => None,
    }
}

fn is_secret_setting(setting: &Setting) -> bool {
    let value = setting.setting.text();
    value.contains("secrets.") && !value.contains("secrets.GITHUB_TOKEN")
}

/// The secret that a word shows.
fn named(text: &str, owner: &Owner<'_>) -> Option<String> {
    if let Some((_, rest)) = text.split_once("secrets.")
        && text.contains("${{")
    {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        // `${{ secrets.X != '' }}` prints a truth value.
        let compared = rest[name.len()..].trim_start().starts_with(['!', '=', '&', '|']);
        return (!compared && !name.is_empty()).then_some(name);
    }
    expanded(text)
        .into_iter()
        .find(|name| is_secret_name(name) || is_given_secret(name, owner))
        .map(str::to_owned)
}

fn is_given_secret(name: &str, owner: &Owner<'_>) -> bool {
    let Owner::Step { pipeline, job, step } = owner else { return false };
    let mut all = step.settings.iter().chain(&job.settings).chain(&pipeline.settings);
    all.find(|s| s.key == name).is_some_and(|s| is_secret_setting(s) && is_secretive(name))
}

/// Secrets of a CI service also hold hosts, users and identifiers, which nobody minds to see.
fn is_secretive(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ![
        "host", "user", "username", "url", "region", "id", "name", "email", "bucket", "account", "project",
        "port", "domain",
    ]
    .iter()
    .any(|w| lower.ends_with(w))
}

/// Whether what the command prints is read by something else than the log.
fn goes_elsewhere(command: &Command, all: &[&Command]) -> bool {
    let piped = command.pipeline.is_some_and(|(number, index)| {
        all.iter().any(|c| c.pipeline.is_some_and(|(n, i)| n == number && i > index))
    });
    // A function's output is most often its result.
    piped
        || command.captured
        || command.function.is_some()
        || !command.writes.is_empty()
        || command.remote.is_some()
}
