//! Which rule reports a literal credential, and how gravely. Each place is reported by one rule, the one
//! of the file's kind.

use super::samples::{is_sample, no_worse_than};
use crate::facts::{Basis, Certainty, Credential, Medium, Repository, Stage, path_stage};
use crate::finding::{Confidence, Severity, Verdict};
use std::collections::BTreeMap;

/// Where a credential lies, as far as rules differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Program text, scripts, documents and the rest.
    Source,
    /// A configuration file.
    Config,
    /// A pipeline.
    Pipeline,
    /// An env file.
    EnvFile,
    /// An example of an env file.
    EnvExample,
    /// A Dockerfile.
    Image,
    /// Wherever it lies: it is the value that a product comes with, and the file is not local.
    WellKnown,
}

/// The rule that a credential belongs to; `None` if it is no defect where it lies.
pub(super) fn home(repository: &Repository, credential: &Credential) -> Option<Home> {
    // The password of a container that a CI job or a developer starts and throws away opens nothing.
    if credential.ephemeral && credential.certainty == Certainty::Generic
        || credential.ephemeral && credential.credential == "connection-string"
    {
        return None;
    }
    let file = repository.file(credential.place.file);
    if credential.default {
        return is_well_known_defect(repository, credential, &file.path).then_some(Home::WellKnown);
    }
    // An env file outside git is where secrets of a developer belong.
    if credential.medium == Medium::EnvFile && file.tracked == Some(false) {
        return None;
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

/// Whether a well-known default can reach an environment that others use.
fn is_well_known_defect(repository: &Repository, credential: &Credential, path: &str) -> bool {
    let for_tests = path_stage(path, &repository.environments).is_some_and(|(stage, _)| stage == Stage::Ci);
    if credential.test || is_sample(path) || for_tests {
        return false;
    }
    match credential.target.as_ref().and_then(|t| t.stage.known()) {
        Some(Stage::Staging | Stage::Production) => {
            !matches!(credential.medium, Medium::Document | Medium::EnvExample)
        }
        Some(_) => false,
        None => matches!(credential.medium, Medium::Config | Medium::EnvFile | Medium::Image),
    }
}

/// What the value is, in words.
pub(super) fn words(credential: &Credential) -> String {
    match credential.credential.as_str() {
        "connection-string" => "password in an address".to_owned(),
        kind => kind.replace('-', " "),
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

/// Reports every credential of one home, one finding per value.
pub(super) fn report(repository: &Repository, verdict: &mut Verdict, home_wanted: Home) {
    let mut by_value: BTreeMap<(&str, &crate::text::Secret), Vec<&Credential>> = BTreeMap::new();
    for credential in &repository.facts.credentials {
        if home(repository, credential) == Some(home_wanted) {
            by_value.entry((credential.credential.as_str(), &credential.value)).or_default().push(credential);
        }
    }
    for places in by_value.into_values() {
        // The gravest place speaks for all; a copy in a test does not make the one in the program harmless.
        let grave = |c: &&&Credential| grade(repository, c);
        let first = *places.iter().rev().max_by_key(grave).expect("a group has a member");
        let (severity, confidence) = grade(repository, first);
        let name = repository.file(first.place.file).name();
        let what = words(first);
        let literal = if first.default { "the well-known" } else { "a literal" };
        let message = match key(first) {
            Some(key) if first.fallback => format!("`{name}` falls back on {literal} {what} for `{key}`"),
            Some(key) => format!("`{name}` holds {literal} {what} under `{key}`"),
            None => format!("`{name}` holds {literal} {what}"),
        };
        let subject =
            format!("{} {}", first.credential, first.key.as_deref().unwrap_or("")).trim_end().to_owned();
        let finding = verdict.fail(first.place, subject, message);
        finding.label(format!("{what} in clear text"));
        no_worse_than(finding, severity).at_most(confidence);
        if is_for_tests(repository, first) {
            finding.against("it lies among tests or examples");
        } else if first.medium == Medium::Document {
            finding.against("a document may show a made-up value");
        } else if first.certainty == Certainty::Generic {
            finding.against("only its name and its look say that it is one");
        }
        for other in places.iter().filter(|c| c.place != first.place) {
            finding.relate(other.place, "the same value");
        }
    }
}

fn is_for_tests(repository: &Repository, credential: &Credential) -> bool {
    credential.test || is_sample(repository.path(credential.place))
}

/// The most that can be said of a credential by where it lies and how sure we are of it.
fn grade(repository: &Repository, credential: &Credential) -> (Severity, Confidence) {
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
    match (is_for_tests(repository, credential), credential.medium, generic) {
        (true, _, true) => (Severity::Note, Confidence::Low),
        (true, _, false) => (Severity::Warning, Confidence::Medium),
        (false, Medium::Document, true) => (Severity::Note, Confidence::Low),
        (false, Medium::Document | Medium::EnvExample, _) => (Severity::Warning, Confidence::Medium),
        (false, _, true) => (Severity::Error, Confidence::Medium),
        (false, _, false) => (Severity::Error, Confidence::High),
    }
}
