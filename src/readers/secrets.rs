//! Secrets that a text takes from the service: variables that no file sets and whose names say what they hold.

use super::variables::{Variables, references};
use crate::facts::SecretUse;
use crate::text::{Passage, Span};

/// Parts of names that say so.
const WORDS: [&str; 13] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASS",
    "SECRET",
    "SECRETS",
    "KEY",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "KUBECONFIG",
    "PAT",
    "DSN",
];

/// Whether a variable's name says that its value is secret.
fn is_secret(name: &str) -> bool {
    name.split('_').any(|part| WORDS.contains(&part))
}

/// The secrets of a text with places; names that begin with one of `own` are the service's own.
pub(super) fn collect(passage: &Passage, variables: &Variables<'_>, own: &[&str], into: &mut Vec<SecretUse>) {
    for (name, range) in references(passage.text()) {
        if is_secret(name) && !own.iter().any(|o| name.starts_with(o)) && !variables.has(name) {
            into.push(SecretUse { name: name.to_owned(), place: passage.span(range) });
        }
    }
}

/// The same for a text that stands at one place as a whole.
pub(super) fn collect_text(
    text: &str,
    place: Span,
    variables: &Variables<'_>,
    own: &[&str],
    into: &mut Vec<SecretUse>,
) {
    for (name, _) in references(text) {
        if is_secret(name) && !own.iter().any(|o| name.starts_with(o)) && !variables.has(name) {
            into.push(SecretUse { name: name.to_owned(), place });
        }
    }
}
