//! Which rule reports a literal credential, and how gravely. Each place is reported by one rule, the one
//! of the file's kind.

use super::samples::no_worse_than;
use crate::facts::{
    Basis, Certainty, Credential, Form, MANIFEST_CREDENTIAL, Medium, Repository, Resource, Stage, System,
    in_file, path_stage,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::text::{FileId, Secret};
use std::collections::BTreeMap;

/// Where a credential lies, as far as rules differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Program text, scripts, documents and the rest.
    Source,
    /// A configuration file.
    Config,
    /// A Kubernetes `Secret`, or a container's variable in a manifest.
    Manifest,
    /// A pipeline.
    Pipeline,
    /// An env file.
    EnvFile,
    /// An example of an env file.
    EnvExample,
    /// A Dockerfile.
    Image,
    /// The output of a build that browsers load.
    Bundle,
    /// Wherever it lies: it is the value that a product comes with, and the file is not local.
    WellKnown,
    /// Wherever it lies: it serves a container of a job or of a developer, or a developer's own machine.
    Local,
}

/// The rule that a credential belongs to; `None` if it is no defect where it lies.
pub(super) fn home(repository: &Repository, credential: &Credential) -> Option<Home> {
    if manifest_of(repository, credential).is_some() {
        return Some(Home::Manifest);
    }
    // The password of a container that a CI job or a developer starts and throws away opens nothing.
    let password = credential.certainty == Certainty::Generic || credential.credential == "connection-string";
    let file = repository.file(credential.place.file);
    if is_for_one_build(credential) {
        return None;
    }
    if credential.ephemeral && password {
        return is_set_locally(repository, credential).then_some(Home::Local);
    }
    if credential.default {
        if is_well_known_defect(repository, credential, &file.path) {
            return Some(Home::WellKnown);
        }
        return is_set_locally(repository, credential).then_some(Home::Local);
    }
    // An env file outside git is where secrets of a developer belong.
    if credential.medium == Medium::EnvFile && file.tracked == Some(false) {
        return None;
    }
    if credential.certainty != Certainty::Generic && is_bundle(&file.path) {
        return Some(Home::Bundle);
    }
    Some(match credential.medium {
        Medium::Config => Home::Config,
        Medium::EnvFile => Home::EnvFile,
        Medium::EnvExample => Home::EnvExample,
        Medium::Pipeline => Home::Pipeline,
        Medium::Image => Home::Image,
        Medium::Source | Medium::Script | Medium::Document | Medium::Other => Home::Source,
    })
}

/// The Kubernetes object that holds a credential where such objects hold them: among a `Secret`'s values, or as
/// the text of a container's variable. A well-known default of a variable is another matter.
pub(super) fn manifest_of<'r>(repository: &'r Repository, credential: &Credential) -> Option<&'r Resource> {
    if credential.medium != Medium::Config {
        return None;
    }
    in_file(&repository.facts.resources, credential.place.file).iter().find(|r| {
        r.system == System::Kubernetes
            && r.body.contains(credential.place)
            && match (r.sort.as_str(), r.block.as_str()) {
                ("Secret", "generator") => {
                    credential.credential == MANIFEST_CREDENTIAL || !credential.default
                }
                ("Secret", _) => !r.encrypted && in_data(r, credential),
                _ => !credential.default && in_variable(r, credential),
            }
    })
}

fn in_data(resource: &Resource, credential: &Credential) -> bool {
    resource.entries.iter().any(|e| {
        (e.path.starts_with("data.") || e.path.starts_with("stringData."))
            && e.place.contains(credential.place)
    })
}

fn in_variable(resource: &Resource, credential: &Credential) -> bool {
    resource.entries_ending("value").any(|e| {
        e.place.contains(credential.place)
            && (e.path.contains("ontainers.") || e.path.contains("nitContainers."))
            && e.path.contains(".env.")
    })
}

/// Whether it is the word that stands in for an application's key while an image is built, because the
/// framework does not start without one.
/// <https://guides.rubyonrails.org/configuring.html#secret-key-base>
fn is_for_one_build(credential: &Credential) -> bool {
    credential.medium == Medium::Image
        && credential.certainty == Certainty::Generic
        && matches!(
            credential.key.as_deref(),
            Some(
                "SECRET_KEY_BASE"
                    | "SECRET_KEY"
                    | "APP_KEY"
                    | "DJANGO_SECRET_KEY"
                    | "APP_SECRET"
                    | "AUTH_SECRET"
            )
        )
        && credential.value.expose().chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_' | ' '))
}

/// Whether a file is a program for browsers that a build wrote: its folder says so.
fn is_bundle(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let browser = [".js", ".js.map", ".mjs", ".css.map", ".html"].iter().any(|end| name.ends_with(end));
    let built =
        |part: &str| matches!(part, "dist" | "build" | "_next" | ".next" | ".nuxt" | ".output" | "bundles");
    let named = [".bundle.js", ".chunk.js", ".min.js", "bundle.js", "bundle.js.map"]
        .iter()
        .any(|end| name.ends_with(end));
    browser && (named || path.split('/').rev().skip(1).any(built) || path.contains("static/js/"))
}

/// Whether a well-known default can reach an environment that others use.
fn is_well_known_defect(repository: &Repository, credential: &Credential, path: &str) -> bool {
    let for_tests = path_stage(path, &repository.environments).is_some_and(|(stage, _)| stage == Stage::Ci);
    // What an editor starts for its developer runs on the developer's machine.
    let of_an_editor = path.split('/').any(|part| matches!(part, ".devcontainer" | ".vscode" | ".idea"));
    if of_an_editor || credential.test || repository.is_sample(credential.place) || for_tests {
        return false;
    }
    match credential.target.as_ref().and_then(|t| t.stage.known()) {
        Some(Stage::Staging | Stage::Production) => {
            !matches!(credential.medium, Medium::Document | Medium::EnvExample)
        }
        Some(_) => false,
        // A compose file without an environment in its name serves developers.
        None => {
            matches!(credential.medium, Medium::Config | Medium::EnvFile | Medium::Image)
                && !path.rsplit('/').next().unwrap_or(path).contains("compose")
        }
    }
}

/// Whether something that runs is given the value, though nowhere but at a developer's or in a job.
fn is_set_locally(repository: &Repository, credential: &Credential) -> bool {
    let file = repository.file(credential.place.file);
    !credential.test
        && !file.sample
        && file.tracked != Some(false)
        && matches!(credential.medium, Medium::Config | Medium::EnvFile | Medium::Pipeline | Medium::Image)
}

/// What the value is, in words.
pub(super) fn words(credential: &Credential) -> String {
    let what = match credential.credential.as_str() {
        "connection-string" => "password in an address".to_owned(),
        kind => kind.replace('-', " "),
    };
    match credential.form {
        Form::Plain | Form::Path => what,
        Form::Base64 => format!("{what} (Base64)"),
        Form::Hex => format!("{what} (hexadecimal)"),
        Form::Percent => format!("{what} (URL-encoded)"),
        Form::Gzip => format!("{what} (gzip)"),
    }
}

/// The key's name for messages and subjects; long paths lose their beginning.
pub(super) fn key(credential: &Credential) -> Option<String> {
    let key = credential.key.as_deref()?;
    let count = key.chars().count();
    Some(if count > 48 {
        format!("…{}", key.chars().skip(count - 47).collect::<String>())
    } else {
        key.to_owned()
    })
}

/// Reports every credential of one home: one finding per value, so that none hides behind another. A value
/// that products come with is no secret that two files share: each file is a defect of its own; and what only
/// serves jobs and developers is one note per file.
pub(super) fn report(repository: &Repository, verdict: &mut Verdict, wanted: Home) {
    let mut by_value: BTreeMap<(Option<FileId>, Option<&Secret>), Vec<&Credential>> = BTreeMap::new();
    for credential in &repository.facts.credentials {
        if home(repository, credential) == Some(wanted) {
            let file = matches!(wanted, Home::WellKnown | Home::Local).then_some(credential.place.file);
            let value = (wanted != Home::Local).then_some(&credential.value);
            by_value.entry((file, value)).or_default().push(credential);
        }
    }
    for places in by_value.into_values() {
        // The gravest place speaks for all; a copy in a test does not make the one in the program harmless.
        let grave = |c: &&&Credential| grade(repository, c);
        let first = *places.iter().rev().max_by_key(grave).expect("a group has a member");
        report_one(repository, verdict, wanted, first, &places);
    }
}

fn report_one(
    repository: &Repository,
    verdict: &mut Verdict,
    wanted: Home,
    first: &Credential,
    places: &[&Credential],
) {
    let local = wanted == Home::Local;
    let (severity, confidence) =
        if local { (Severity::Note, Confidence::Medium) } else { grade(repository, first) };
    let name = repository.file(first.place.file).name();
    let what = words(first);
    let literal = if first.default { "a well-known default" } else { "a literal" };
    let sure = first.certainty.name();
    let message = match key(first) {
        _ if first.form == Form::Path => format!("The path of `{name}` holds {literal} {what} ({sure})"),
        Some(key) if first.fallback => {
            format!("`{name}` falls back on {literal} {what} for `{key}` ({sure})")
        }
        Some(key) => format!("`{name}` holds {literal} {what} under `{key}` ({sure})"),
        None => format!("`{name}` holds {literal} {what} ({sure})"),
    };
    let subject = format!("{} {}", first.credential, first.key.as_deref().unwrap_or(""));
    // What most likely is made up for a test or a document is for a person to look at, and stops nobody.
    let finding = if confidence == Confidence::Low {
        verdict.review(first.place, subject.trim_end(), message)
    } else {
        verdict.fail(first.place, subject.trim_end(), message)
    };
    let label = match first.form {
        Form::Plain if first.fallback => format!("what it falls back on: a {what} in clear text"),
        Form::Plain => format!("{what} in clear text"),
        Form::Path => "named in the file's path".to_owned(),
        Form::Gzip => "in a compressed file".to_owned(),
        Form::Base64 | Form::Hex | Form::Percent => format!("{what}: an encoding hides nothing"),
    };
    finding.label(label).certain(first.certainty);
    no_worse_than(finding, severity).at_most(confidence);
    if local {
        finding.against("it opens what a job or a developer starts and throws away");
    } else if is_for_tests(repository, first) {
        finding.against("it lies among tests or examples, or is named after them");
    } else if first.medium == Medium::Document {
        finding.against("a document may show a made-up value");
    } else if first.certainty == Certainty::Generic && !first.default {
        finding.against("only its name and its look say that it is one");
    }
    for other in places.iter().filter(|c| c.place != first.place) {
        let same = if other.value == first.value { "the same value" } else { "another one" };
        finding.relate(other.place, same);
    }
}

pub(super) fn is_for_tests(repository: &Repository, credential: &Credential) -> bool {
    let path = repository.path(credential.place);
    let for_tests = || {
        let name = path.rsplit('/').next().unwrap_or(path);
        credential.medium == Medium::EnvFile
            && path_stage(name, &repository.environments).is_some_and(|(stage, _)| stage == Stage::Ci)
    };
    credential.test || repository.is_sample(credential.place) || is_made_up(credential) || for_tests()
}

/// Whether its very name says that nobody uses it: `FAKE_KEY`, `dummyToken`, `TEST_RSA_KEY`.
fn is_made_up(credential: &Credential) -> bool {
    const WORDS: &[&str] = &["fake", "dummy", "mock", "sample", "example", "test"];
    let key = credential.key.as_deref().unwrap_or("").to_ascii_lowercase();
    let mut words = key.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|w| WORDS.contains(&w)) || ["fake", "dummy", "mock"].iter().any(|w| key.starts_with(w))
}

/// Whether a compose file that no environment is named in sets it: such files serve developers.
fn is_developers_compose(repository: &Repository, credential: &Credential) -> bool {
    let name = repository.file(credential.place.file).name();
    credential.certainty == Certainty::Generic
        && credential.credential == "password"
        && name.contains("compose")
        && !credential.target.as_ref().is_some_and(|t| t.is(Stage::Staging) || t.is(Stage::Production))
}

/// Whether an env file is named after development, or holds the defaults of a framework.
fn is_for_developers(repository: &Repository, credential: &Credential) -> bool {
    let file = repository.file(credential.place.file);
    let stage = path_stage(file.name(), &repository.environments).map(|(stage, _)| stage);
    matches!(stage, Some(Stage::Development | Stage::Local))
        || file.name() == ".env" && super::env_files::convention(&file.path, repository).is_some()
}

/// The most that can be said of a credential by where it lies and how sure we are of it.
pub(super) fn grade(repository: &Repository, credential: &Credential) -> (Severity, Confidence) {
    let generic = credential.certainty == Certainty::Generic;
    if credential.default {
        let staged =
            credential.target.as_ref().is_some_and(|t| t.is(Stage::Staging) || t.is(Stage::Production));
        let named = credential.target.as_ref().is_none_or(|t| matches!(t.basis, Basis::Name | Basis::Branch));
        return match (staged, named) {
            (true, false) => (Severity::Error, Confidence::High),
            (true, true) => (Severity::Error, Confidence::Medium),
            (false, _) => (Severity::Warning, Confidence::Medium),
        };
    }
    let own = credential.is_self_made();
    match credential.medium {
        _ if is_for_tests(repository, credential) => match (generic, own) {
            (true, _) => (Severity::Note, Confidence::Low),
            (false, true) => (Severity::Warning, Confidence::Low),
            (false, false) => (Severity::Warning, Confidence::Medium),
        },
        // `.env.test`, `config/environments/test.rb`: whoever can make the value at home has made it for tests.
        Medium::Config | Medium::EnvFile | Medium::Source
            if own && is_named_for_tests(repository, credential) =>
        {
            (Severity::Warning, Confidence::Low)
        }
        Medium::Document if own => (Severity::Note, Confidence::Low),
        _ if is_developers_compose(repository, credential) => (Severity::Warning, Confidence::Low),
        Medium::Document | Medium::EnvExample => (Severity::Warning, Confidence::Medium),
        // Whoever has the key still needs its passphrase.
        _ if credential.value.expose().starts_with("-----BEGIN ENCRYPTED") => {
            (Severity::Warning, Confidence::Medium)
        }
        // A sandbox key opens no more than a sandbox; a password to fall back on mostly a developer's database.
        _ if credential.credential.contains("-test-") => (Severity::Warning, Confidence::High),
        _ if credential.fallback && credential.credential == "password" => {
            (Severity::Warning, Confidence::Medium)
        }
        // Defaults that a framework wants committed serve developers; production overrides them.
        Medium::EnvFile if generic && is_for_developers(repository, credential) => {
            (Severity::Warning, Confidence::Medium)
        }
        // What opens a developer's machine is no reason to stop a release.
        _ if own && is_developers(credential) => (Severity::Warning, Confidence::Medium),
        _ if generic => (Severity::Error, Confidence::Medium),
        _ => (Severity::Error, Confidence::High),
    }
}

fn is_named_for_tests(repository: &Repository, credential: &Credential) -> bool {
    let stage = path_stage(repository.path(credential.place), &repository.environments);
    stage.is_some_and(|(stage, _)| stage == Stage::Ci)
}

fn is_developers(credential: &Credential) -> bool {
    credential.target.as_ref().is_some_and(|t| t.is(Stage::Local) || t.is(Stage::Development))
}
