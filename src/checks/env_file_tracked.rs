//! Which env files are in git, and whether their kind is one that may be.

use super::env_files::{Purpose, convention, purpose};
use super::samples::{is_sample, no_worse_than};
use crate::facts::{Certainty, File, FileClass, Repository, SettingSource, in_file};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::{Parameters, Source, TrackedEnvFiles};

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let tracked = &parameters.env_files_tracked;
    let never = tracked.value() == Some(&TrackedEnvFiles::Never) && tracked.source() != Some(Source::Default);
    for file in &repository.files {
        let Some(purpose) = purpose(file, repository) else { continue };
        if file.tracked != Some(true) || file.vendored || is_encrypted(file, repository) {
            continue;
        }
        let path = &file.path;
        match purpose {
            // A link to a file that is not tracked holds nothing.
            _ if file.link || configures_its_tool(file, repository) => verdict.satisfied(file.place),
            Purpose::Named => match tracked.value() {
                // Without a manual that forbids them, such files without secrets are one way of many.
                Some(_) if !never => verdict.satisfied(file.place),
                Some(_) => {
                    let message = format!("Environment file `{path}` is in git");
                    let finding = verdict.fail(file.place, "environment file", message);
                    finding.label("tracked by git");
                    if is_sample(path) {
                        no_worse_than(finding, Severity::Note).at_most(Confidence::Medium);
                    }
                }
                None => {
                    let message = format!(
                        "Environment file `{path}` is in git, and the manuals differ on whether it may be"
                    );
                    verdict.open(file.place, "environment file", message);
                }
            },
            Purpose::Own => {
                let message = format!("Local env file `{path}` is in git");
                let finding = verdict.fail(file.place, "local env file", message);
                finding.label("tracked by git");
                if is_sample(path) {
                    no_worse_than(finding, Severity::Note).at_most(Confidence::Medium);
                }
            }
            Purpose::Plain | Purpose::Shared(_) => {
                let framework = match purpose {
                    Purpose::Shared(tool) => Some(tool),
                    _ => convention(path, repository),
                };
                // What is wrong with a secret in a file that belongs into git is the secret.
                if framework.is_some() && !never {
                    verdict.satisfied(file.place);
                    continue;
                }
                let message = format!("Env file `{path}` is in git");
                let secret = holds_secret(file, repository);
                let finding = verdict.fail(file.place, "env file", message);
                finding.label("tracked by git");
                if let Some(framework) = framework.filter(|_| !secret) {
                    no_worse_than(finding, Severity::Note).against(format!(
                        "{framework} means `{}` for defaults that are committed, and no credential was seen in it",
                        file.name()
                    ));
                } else if is_sample(path) {
                    no_worse_than(finding, Severity::Note).at_most(Confidence::Medium);
                } else if !secret {
                    finding.against("no credential was seen in it");
                }
            }
        }
    }
}

/// Encrypted as a whole, or value by value as dotenvx and SOPS do.
fn is_encrypted(file: &File, repository: &Repository) -> bool {
    let marked = |key: &str| key.starts_with("DOTENV_PUBLIC_KEY") || key.starts_with("sops_");
    let mut own = repository.settings_of(file.place.file).iter();
    file.class == FileClass::Binary || own.any(|s| s.source == SettingSource::Dotenv && marked(&s.key))
}

/// Whether compose itself is told by it, and nothing else: what the project is called, which files make it up.
/// <https://docs.docker.com/compose/how-tos/environment-variables/envvars/>
fn configures_its_tool(file: &File, repository: &Repository) -> bool {
    let settings = repository.settings_of(file.place.file);
    let own = |key: &str| key.starts_with("COMPOSE_") || key.starts_with("DOCKER_");
    !settings.is_empty() && settings.iter().all(|s| own(&s.key))
}

fn holds_secret(file: &File, repository: &Repository) -> bool {
    in_file(&repository.facts.credentials, file.place.file)
        .iter()
        .any(|c| !c.default && (!c.ephemeral || c.certainty != Certainty::Generic))
}
