//! Which names are given to credentials.

use std::ops::Range;

/// What a name promises its value to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyClass {
    Password,
    Secret,
    /// A secret that signs or encrypts (`JWT_SECRET`, `SECRET_KEY_BASE`): people choose these themselves,
    /// so that plain words count, too.
    SigningSecret,
    Token,
    ApiKey,
    AccessKey,
    EncryptionKey,
    PrivateKey,
    Credential,
}

impl KeyClass {
    /// The credential kind of a generic finding.
    pub(super) fn kind(self) -> &'static str {
        match self {
            KeyClass::Password => "password",
            KeyClass::Secret | KeyClass::SigningSecret => "secret",
            KeyClass::Token => "token",
            KeyClass::ApiKey => "api-key",
            KeyClass::AccessKey => "access-key",
            KeyClass::EncryptionKey => "encryption-key",
            KeyClass::PrivateKey => "private-key",
            KeyClass::Credential => "credential",
        }
    }
}

/// Words that are searched for; each name of a credential holds one of them.
pub(super) const KEY_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "_pass",
    "-pass",
    ".pass",
    "pass=",
    "pass:",
    "pass\"",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "account_key",
    "accountkey",
    "privatekey",
    "private_key",
    "private-key",
    "encryptionkey",
    "encryption_key",
    "encryption-key",
    "signingkey",
    "signing_key",
    "signing-key",
    "master_key",
    "masterkey",
    "authkey",
    "auth_key",
    "auth-key",
    "app_key",
    "cipher_key",
    "aes_key",
    "aeskey",
    "aes_128_key",
    "aes_256_key",
    "aes128_key",
    "aes256_key",
    "hmac_key",
    "credential",
];

/// In order, as all lists here that are asked for every name. Words after which nothing changes: `PASSWORD_PROD`, `token2`, `secret_value`.
const SUFFIXES: &[&str] = &[
    "b64",
    "base64",
    "ci",
    "default",
    "dev",
    "development",
    "live",
    "local",
    "new",
    "old",
    "plain",
    "prd",
    "primary",
    "prod",
    "production",
    "qa",
    "raw",
    "sandbox",
    "secondary",
    "stage",
    "staging",
    "stg",
    "test",
    "testing",
    "uat",
    "value",
];

/// In order. Words that make of the name something else than the credential itself.
const OTHERWISE: &[&str] = &[
    "bos",
    "cancel",
    "cancellation",
    "cls",
    "color",
    "continuation",
    "css",
    "design",
    "digest",
    "disable",
    "enable",
    "encoded",
    "encrypted",
    "eos",
    "existing",
    "forgot",
    "has",
    "hash",
    "hashed",
    "hide",
    "image",
    "incorrect",
    "invalid",
    "is",
    "keyword",
    "label",
    "lexer",
    "mask",
    "max",
    "min",
    "missing",
    "next",
    "no",
    "operator",
    "pad",
    "page",
    "parser",
    "pattern",
    "persist",
    "prev",
    "pub",
    "public",
    "regex",
    "require",
    "resume",
    "sealed",
    "sep",
    "show",
    "special",
    "stop",
    "sync",
    "theme",
    "tls",
    "toggle",
    "unk",
    "wrong",
];

/// What a name promises, if it is one for a credential.
pub(super) fn classify_key(key: &str) -> Option<KeyClass> {
    let lower = key.to_ascii_lowercase();
    let mut words: Vec<&str> = ranges(key).map(|range| &lower[range]).collect();
    while words.len() > 1
        && words
            .last()
            .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()) || SUFFIXES.binary_search(w).is_ok())
    {
        words.pop();
    }
    // A form's own token guards one session and gives nothing away.
    let otherwise =
        |w: &&str| OTHERWISE.binary_search(w).is_ok() || w.starts_with("csrf") || w.starts_with("xsrf");
    if words.iter().any(otherwise) {
        return None;
    }
    let last = words.last()?.trim_end_matches(|c: char| c.is_ascii_digit());
    let before = words.len().checked_sub(2).map_or("", |i| words[i]);
    let ends = |tails: &[&str]| tails.iter().any(|t| last.ends_with(t));
    // nginx: where requests are passed on to.
    if last == "pass" && matches!(before, "proxy" | "uwsgi" | "fastcgi" | "grpc" | "scgi") {
        return None;
    }
    if ends(&["password", "passwd", "passphrase", "passwort", "pwd"])
        || matches!(last, "pass" | "pw") && words.len() > 1
        || last == "dbpass"
        || last == "pass"
    {
        return Some(KeyClass::Password);
    }
    if last == "base" && before == "key" && words.contains(&"secret")
        || last == "key" && before == "secret" && words.len() == 2
    {
        return Some(KeyClass::SigningSecret);
    }
    if last == "secret" {
        let signs = [
            "jwt", "session", "cookie", "hmac", "signing", "nextauth", "csrf", "auth", "token", "flask",
            "django",
        ];
        return Some(if signs.contains(&before) { KeyClass::SigningSecret } else { KeyClass::Secret });
    }
    if ends(&["jwtsecret", "sessionsecret", "cookiesecret"]) {
        return Some(KeyClass::SigningSecret);
    }
    if ends(&["secret"]) || last == "key" && before == "secret" {
        return Some(KeyClass::Secret);
    }
    if ends(&["token"]) {
        return Some(KeyClass::Token);
    }
    if ends(&["apikey", "authkey"])
        || last == "key" && matches!(before, "api" | "auth" | "app" | "subscription")
    {
        return Some(KeyClass::ApiKey);
    }
    if ends(&["accesskey", "accountkey", "secretkey"])
        || last == "key" && matches!(before, "access" | "account" | "storage")
    {
        return Some(KeyClass::AccessKey);
    }
    if ends(&["privatekey"]) || last == "key" && before == "private" {
        return Some(KeyClass::PrivateKey);
    }
    let cipher = last == "key" && words.iter().any(|w| matches!(*w, "aes" | "aes128" | "aes256"));
    if cipher
        || ends(&["encryptionkey", "signingkey", "masterkey", "aeskey"])
        || last == "key" && matches!(before, "encryption" | "signing" | "master" | "cipher" | "hmac")
    {
        return Some(KeyClass::EncryptionKey);
    }
    matches!(last, "credential" | "credentials").then_some(KeyClass::Credential)
}

/// Lower-case words of a name: `dbPassword`, `DB_PASSWORD`, `db-password`, `db.password` are all two.
pub(super) fn split(name: &str) -> Vec<String> {
    ranges(name).map(|range| name[range].to_lowercase()).collect()
}

/// Where the words of a name stand.
fn ranges(name: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = name.as_bytes();
    let mut characters = name.char_indices();
    let mut start = None;
    std::iter::from_fn(move || {
        for (at, character) in characters.by_ref() {
            if !character.is_alphanumeric() {
                if let Some(start) = start.take() {
                    return Some(start..at);
                }
                continue;
            }
            let Some(from) = start else {
                start = Some(at);
                continue;
            };
            if character.is_ascii_uppercase() {
                let before = bytes[at - 1];
                let after_lower = before.is_ascii_lowercase() || before.is_ascii_digit();
                let before_lower =
                    before.is_ascii_uppercase() && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
                if after_lower || before_lower {
                    start = Some(at);
                    return Some(from..at);
                }
            }
        }
        start.take().map(|start| start..bytes.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_searched_by_halves_are_in_order() {
        assert!(SUFFIXES.is_sorted() && OTHERWISE.is_sorted());
    }

    #[test]
    fn a_name_is_split_into_words() {
        for (name, words) in [
            ("dbPassword", "db password"),
            ("DB_PASSWORD", "db password"),
            ("db.password-2", "db password 2"),
            ("HTTPServerKey", "http server key"),
            ("aes256Key", "aes256 key"),
            ("Schl\u{fc}sselWort", "schl\u{fc}ssel wort"),
            ("__x", "x"),
            ("--", ""),
        ] {
            assert_eq!(split(name).join(" "), words, "{name}");
        }
    }

    #[test]
    fn names_promise_credentials_by_their_last_words() {
        for (key, class) in [
            ("password", Some(KeyClass::Password)),
            ("DB_PASSWORD", Some(KeyClass::Password)),
            ("DB_PASSWORD_PROD", Some(KeyClass::Password)),
            ("spring.datasource.password", Some(KeyClass::Password)),
            ("dbpassword2", Some(KeyClass::Password)),
            ("smtp_pass", Some(KeyClass::Password)),
            ("userPwd", Some(KeyClass::Password)),
            ("JWT_SECRET", Some(KeyClass::SigningSecret)),
            ("SECRET_KEY", Some(KeyClass::SigningSecret)),
            ("SECRET_KEY_BASE", Some(KeyClass::SigningSecret)),
            ("clientSecret", Some(KeyClass::Secret)),
            ("x-api-key", Some(KeyClass::ApiKey)),
            ("OPENAI_API_KEY", Some(KeyClass::ApiKey)),
            ("AWS_SECRET_ACCESS_KEY", Some(KeyClass::AccessKey)),
            ("authToken", Some(KeyClass::Token)),
            ("bypass", None),
            ("proxy_pass", None),
            ("DD_SECRET_KEY", Some(KeyClass::Secret)),
            ("DD_CREDENTIAL_AES_256_KEY", Some(KeyClass::EncryptionKey)),
            ("aesKey", Some(KeyClass::EncryptionKey)),
            ("AES_256_KEY_ID", None),
            ("compass", None),
            ("passwordHash", None),
            ("password_field", None),
            ("nextPageToken", None),
            ("tokenizer", None),
            ("access_key_id", None),
            ("secretName", None),
            ("public_token", None),
            ("persist-credentials", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(classify_key(key), class, "{key}");
        }
    }
}
