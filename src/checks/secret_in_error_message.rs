//! Secrets in the text of errors, by the name of what is put there.

use super::samples::{is_sample, is_vendored};
use crate::facts::{ErrorForm, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for text in &repository.facts.error_texts {
        let path = repository.path(text.place);
        if is_sample(path) || is_vendored(path) || !is_secret(&text.name) {
            continue;
        }
        let into = match text.form {
            ErrorForm::Raised => "the text of an error",
            ErrorForm::Answered => "the answer to a failed request",
        };
        let message =
            format!("`{}` puts `{}` into {into}", repository.file(text.place.file).name(), text.name);
        let finding = verdict.fail(text.place, format!("error with {}", text.name), message);
        finding.label("logged and shown with the error").at_most(Confidence::Medium);
        finding.against("only its name says that it is a secret");
    }
}

/// Whether a name is certainly that of a secret's value. Parsers have tokens, Kubernetes has secrets, and
/// both are named in errors for good reasons: these words need another one beside them.
fn is_secret(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let has = |all: &[&str]| before.iter().any(|w| all.contains(&w.as_str()));
    if has(&[
        "no",
        "is",
        "has",
        "invalid",
        "expected",
        "unexpected",
        "unknown",
        "supported",
        "masked",
        "redacted",
        "hashed",
        "encrypted",
        "public",
        "csrf",
        "next",
        "page",
        "min",
        "max",
        "capability",
        "type",
        "kind",
        "mode",
        "method",
        "scheme",
        "header",
        "field",
        "param",
        "env",
        "label",
        "err",
        "error",
    ]) {
        return false;
    }
    match last.as_str() {
        "password" | "passwd" | "passphrase" => true,
        "apikey" => true,
        "token" => has(&[
            "access", "auth", "api", "bearer", "refresh", "session", "bot", "secret", "jwt", "oauth",
            "personal", "github", "gitlab", "slack", "vault", "sas", "deploy", "private", "id", "reset",
            "password",
        ]),
        "secret" => has(&[
            "client", "app", "api", "webhook", "jwt", "shared", "signing", "session", "auth", "oauth",
            "consumer", "hmac",
        ]),
        "key" => matches!(
            before.last().map(String::as_str),
            Some("api" | "private" | "secret" | "encryption" | "signing" | "master")
        ),
        "url" | "uri" => matches!(
            before.last().map(String::as_str),
            Some("database" | "db" | "redis" | "mongo" | "amqp" | "broker")
        ),
        "string" | "str" => matches!(before.last().map(String::as_str), Some("connection" | "conn")),
        "databaseurl" | "dburl" | "connectionstring" | "connstr" => true,
        _ => false,
    }
}

/// The words of a name in any of the usual manners: `api_key`, `apiKey`, `APIKey`, `API_KEY`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let lower = |at: usize| chars.get(at).is_some_and(|c| c.is_ascii_lowercase());
        let begins = c.is_ascii_uppercase() && i > 0 && (lower(i - 1) || lower(i + 1));
        match words.last_mut() {
            Some(word) if !begins => word.push(c.to_ascii_lowercase()),
            _ => words.push(c.to_ascii_lowercase().to_string()),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_values_and_names_of_things_that_are_called_so() {
        for (name, secret) in [
            ("password", true),
            ("dbPassword", true),
            ("API_KEY", true),
            ("apiKey", true),
            ("APIKey", true),
            ("accessToken", true),
            ("client_secret", true),
            ("DATABASE_URL", true),
            ("connectionString", true),
            ("token", false),
            ("secret", false),
            ("nextToken", false),
            ("imagePullSecret", false),
            ("invalid_password", false),
            ("AccountCapabilityApiKey", false),
            ("ErrBadPassword", false),
            ("token_type", false),
            ("passwordLength", false),
            ("cacheKey", false),
            ("url", false),
        ] {
            assert_eq!(is_secret(name), secret, "{name}");
        }
    }
}
