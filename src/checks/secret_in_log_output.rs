//! Commands of pipelines that print a secret, and outputs of Terraform that do.

use super::samples::no_worse_than;
use super::secret_names::{expanded, is_secret_name, names_a_value};
use crate::facts::{
    Caller, Command, Dialect, DisclosureForm, Owner, Repository, ScriptKind, Setting, System, Value, Word,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    outputs(repository, verdict);
    logged(repository, verdict);
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
        traced(commands, owner, verdict);
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

/// Secrets that programs write to their logs, by the names of variables.
fn logged(repository: &Repository, verdict: &mut Verdict) {
    for text in repository.facts.disclosures.iter().filter(|t| t.form == DisclosureForm::Logged) {
        if !repository.is_own(text.place) || !names_a_value(&text.name) {
            continue;
        }
        let message =
            format!("`{}` writes `{}` to its log", repository.file(text.place.file).name(), text.name);
        let finding = verdict.fail(text.place, format!("logs {}", text.name), message);
        finding.label("kept with the log").at_most(Confidence::Medium);
        no_worse_than(finding, Severity::Warning).against("only its name says that it is a secret");
    }
}

/// `set -x` shows every later command with its variables filled in.
/// <https://www.gnu.org/software/bash/manual/bash.html#The-Set-Builtin>
fn traced(commands: &[&Command], owner: &Owner<'_>, verdict: &mut Verdict) {
    let mut on: Option<&Command> = None;
    for &command in commands {
        if command.program == "set" {
            let mut words = command.args.iter().map(|w| w.text.as_str()).peekable();
            while let Some(word) = words.next() {
                let trace = word.len() > 1
                    && word[1..].contains('x')
                    && !word[1..].contains(|c: char| !c.is_ascii_alphabetic())
                    || word.len() == 2 && word.ends_with('o') && words.peek() == Some(&"xtrace");
                match word.as_bytes().first() {
                    Some(b'-') if trace => on = Some(command),
                    Some(b'+') if trace => on = None,
                    _ => {}
                }
            }
            continue;
        }
        let Some(switch) = on else { continue };
        let shown = command.args.iter().find_map(|w| Some((named(&w.text, owner)?, w.place)));
        let Some((name, place)) = shown else { continue };
        let whose = match owner {
            Owner::Step { job, .. } => format!("Job `{}`", job.id),
            Owner::Script(script) => format!("Script `{}`", script.name),
        };
        let message = format!("{whose} traces its commands, and one of them holds `{name}`");
        let finding = verdict.fail(switch.place, format!("traces {name}"), message);
        finding.label("every later command is printed").relate(place, "with its value filled in");
        // Services mask what they know to be a secret; a script cannot know who runs it.
        no_worse_than(finding, Severity::Warning).against("the service may mask the exact value");
        return;
    }
}

/// Outputs of Terraform that give a secret away and are not marked as sensitive.
/// <https://developer.hashicorp.com/terraform/language/block/output#sensitive>
fn outputs(repository: &Repository, verdict: &mut Verdict) {
    for output in
        repository.facts.resources.iter().filter(|r| r.block == "output" && r.system == System::Terraform)
    {
        verdict.examined(output.place);
        if output.entry("sensitive").is_some_and(|e| e.setting.text() != "false")
            || repository.is_sample(output.place)
        {
            continue;
        }
        let Some(value) = output.entry("value") else { continue };
        let Value::Expr(text) = &value.setting else { continue };
        let Some(attribute) = secret_attribute(text) else { continue };
        let message = format!("Output `{}` shows `{attribute}` in every plan and log", output.name.text());
        let finding = verdict.fail(value.place, output.title(), message);
        finding.label("not marked as sensitive");
        finding.against("Terraform itself refuses it if the provider marks the attribute");
    }
}

/// `random_password.db.result`, `aws_db_instance.main.password`, `var.api_token`: the attribute that is a secret.
fn secret_attribute(expression: &str) -> Option<String> {
    let text = expression.trim().trim_start_matches("${").trim_end_matches('}');
    let inner = text.strip_prefix("nonsensitive(").and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let plain = inner
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']' | b'"'));
    let last = inner.rsplit('.').next().unwrap_or(inner);
    let random = inner.starts_with("random_password.") && matches!(last, "result" | "bcrypt_hash");
    let key = inner.starts_with("tls_private_key.") && last.starts_with("private_key");
    let secret = is_secret_name(last) && !inner.contains("aws_secretsmanager_secret.");
    (plain && inner.contains('.') && (random || key || secret)).then(|| inner.to_owned())
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
            // What the text itself gives the variable is no store's secret: a path to the file of one, most often.
            let told =
                |w: &Word| !w.literal && !w.values.is_empty() && !w.values.iter().any(|v| v.contains('$'));
            let words = command.args.iter().filter(|w| !told(w));
            words.into_iter().find_map(|w| named(&w.text, owner)).map(Printed::Secret)
        }
        "terraform" | "tofu" if line.split(' ').nth(1) == Some("output") => {
            let name =
                command.args.iter().skip(1).find(|w| !w.text.starts_with('-') && is_secret_name(&w.text))?;
            Some(Printed::Secret(name.text.clone()))
        }
        "cat" => {
            let env = command.args.iter().find(|w| {
                let name = w.text.rsplit('/').next().unwrap_or("");
                let login =
                    matches!(name, "id_rsa" | "id_ed25519" | "kubeconfig" | ".netrc" | ".npmrc" | ".pgpass");
                name == ".env"
                    || login
                    || w.text.ends_with(".kube/config")
                    || w.text.ends_with(".docker/config.json")
                    || w.text.ends_with(".aws/credentials")
                    || name.starts_with(".env.") && !name.contains("example") && !name.contains("sample")
            })?;
            Some(Printed::Secret(env.text.clone()))
        }
        "printenv" if !command.args.is_empty() => {
            command.args.iter().find(|w| is_secret_name(&w.text)).map(|w| Printed::Secret(w.text.clone()))
        }
        "printenv" | "env" | "set" | "export" | "declare"
            if command.args.is_empty() || matches!(line, "export -p" | "declare -p" | "declare -x") =>
        {
            let Owner::Step { pipeline, job, step } = owner else { return None };
            let mut all = pipeline.settings.iter().chain(&job.settings).chain(&step.settings);
            all.any(is_secret_setting).then_some(Printed::Environment)
        }
        "kubectl" if line.starts_with("kubectl config view") => {
            command.has_flag(&["--raw"]).then_some(Printed::Store)
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
        "aws" if line.starts_with("aws secretsmanager get-secret-value") => {
            let about = command.flag_value(&["--query"]).is_some_and(|w| !w.text.contains("Secret"));
            (!about).then_some(Printed::Store)
        }
        "aws" if line.starts_with("aws ssm get-parameter") => {
            command.has_flag(&["--with-decryption"]).then_some(Printed::Store)
        }
        "az" if line.starts_with("az keyvault secret show") => {
            let none = command.flag_value(&["-o", "--output"]).is_some_and(|w| w.text.ends_with("none"));
            let id = command.flag_value(&["--query"]).is_some_and(|w| !w.text.ends_with("value"));
            (!none && !id).then_some(Printed::Store)
        }
        // <https://developer.1password.com/docs/cli/reference/commands/read/>
        "op" if line.starts_with("op read ") => {
            (!command.has_flag(&["-o", "--out-file"])).then_some(Printed::Store)
        }
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
        // Loops over names of secrets call them so.
        .filter(|name| !matches!(*name, "secret" | "secret_key" | "token" | "key"))
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
