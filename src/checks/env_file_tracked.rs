//! Which env files are in git, and whether their kind is one that may be.

use super::samples::{is_sample, is_vendored, no_worse_than};
use crate::facts::{Certainty, File, FileClass, Repository, SettingSource, Stage, path_stage};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::{Parameters, Source, TrackedEnvFiles};

/// What an env file's name says of its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One developer's own values: `.env.local`, `.env.production.local`.
    Own,
    /// `.env`: one developer's, or in some frameworks everybody's defaults.
    Plain,
    /// The values of one environment: `.env.production`, `staging.env`.
    Environment(Stage),
}

/// The purpose of an env file that is neither an example nor one for tests.
pub(super) fn purpose(file: &File, repository: &Repository) -> Option<Purpose> {
    let name = file.name().to_ascii_lowercase();
    if name == ".env" {
        return Some(Purpose::Plain);
    }
    let (words, leading) = match name.strip_prefix(".env") {
        Some(rest) if rest.starts_with(['.', '-', '_']) => (rest, true),
        Some(_) => return None,
        None => (name.strip_suffix(".env")?, false),
    };
    let words: Vec<&str> = words.split(['.', '-', '_']).filter(|w| !w.is_empty()).collect();
    const EXAMPLES: &[&str] = &[
        "example",
        "examples",
        "sample",
        "template",
        "tmpl",
        "tpl",
        "dist",
        "default",
        "defaults",
        "schema",
        "vault",
        "encrypted",
        "enc",
        "test",
        "tests",
        "testing",
        "ci",
        "d",
        "ts",
        "js",
        "py",
        "j2",
        "erb",
        "md",
        "sops",
        "age",
        "gpg",
    ];
    if words.iter().any(|w| EXAMPLES.contains(w)) {
        return None;
    }
    if leading && matches!(words.last(), Some(&("local" | "keys"))) {
        return Some(Purpose::Own);
    }
    match path_stage(&words.join("-"), &repository.environments)?.0 {
        Stage::Ci => None,
        stage => Some(Purpose::Environment(stage)),
    }
}

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    for file in &repository.files {
        let Some(purpose) = purpose(file, repository) else { continue };
        if file.tracked != Some(true) || is_vendored(&file.path) || is_encrypted(file, repository) {
            continue;
        }
        let path = &file.path;
        match purpose {
            Purpose::Environment(_) => match parameters.env_files_tracked.value() {
                // Without a manual that forbids them, such files without secrets are one way of many.
                Some(TrackedEnvFiles::Never)
                    if parameters.env_files_tracked.source() != Some(Source::Default) =>
                {
                    let message = format!("Environment file `{path}` is in git");
                    verdict.fail(file.place, "environment file", message).label("tracked by git");
                }
                Some(_) => verdict.satisfied(file.place),
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
            Purpose::Plain => {
                let message = format!("Env file `{path}` is in git");
                let convention = convention(file, repository);
                let secret = holds_secret(file, repository);
                let finding = verdict.fail(file.place, "env file", message);
                finding.label("tracked by git");
                if let Some(framework) = convention.filter(|_| !secret) {
                    no_worse_than(finding, Severity::Note)
                        .against(format!("{framework} means `.env` for defaults that are committed, and no credential was seen in it"));
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
    file.class == FileClass::Binary
        || repository
            .facts
            .settings
            .iter()
            .any(|s| s.place.file == file.place.file && s.source == SettingSource::Dotenv && marked(&s.key))
}

fn holds_secret(file: &File, repository: &Repository) -> bool {
    let mut own = repository.facts.credentials.iter().filter(|c| c.place.file == file.place.file);
    own.any(|c| !c.default && (!c.ephemeral || c.certainty != Certainty::Generic))
}

/// The framework that documents a committed `.env`, judged by files beside it.
/// <https://symfony.com/doc/current/configuration.html#configuration-based-on-environment-variables>,
/// <https://create-react-app.dev/docs/adding-custom-environment-variables/>, <https://vite.dev/guide/env-and-mode>
pub(super) fn convention(file: &File, repository: &Repository) -> Option<&'static str> {
    let folder = file.path.strip_suffix(file.name()).unwrap_or("");
    let beside = |names: &[&str]| names.iter().any(|n| repository.by_path(&format!("{folder}{n}")).is_some());
    if beside(&["symfony.lock", "config/bundles.php"]) {
        Some("Symfony")
    } else if beside(&["vite.config.js", "vite.config.ts", "vite.config.mjs", "vite.config.mts"]) {
        Some("Vite")
    } else if beside(&["next.config.js", "next.config.ts", "next.config.mjs"]) {
        Some("Next.js")
    } else if beside(&["vue.config.js"]) {
        Some("Vue CLI")
    } else if beside(&["package.json"]) && beside(&["public/index.html"]) {
        Some("Create React App")
    } else if beside(&["config/application.rb"]) {
        Some("dotenv for Rails")
    } else {
        None
    }
}
