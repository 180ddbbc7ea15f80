//! Which names are given to credentials.

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

/// Words after which nothing changes: `PASSWORD_PROD`, `token2`, `secret_value`.
const SUFFIXES: &[&str] = &[
    "value",
    "default",
    "plain",
    "raw",
    "base64",
    "b64",
    "old",
    "new",
    "prod",
    "production",
    "prd",
    "live",
    "dev",
    "development",
    "staging",
    "stage",
    "stg",
    "test",
    "testing",
    "local",
    "ci",
    "qa",
    "uat",
    "sandbox",
    "primary",
    "secondary",
];

/// Words that make of the name something else than the credential itself.
const OTHERWISE: &[&str] = &[
    "hash",
    "hashed",
    "digest",
    "encrypted",
    "sealed",
    "encoded",
    "public",
    "pub",
    "page",
    "next",
    "prev",
    "continuation",
    "cancellation",
    "cancel",
    "sync",
    "resume",
    "regex",
    "pattern",
    "is",
    "has",
    "no",
    "show",
    "hide",
    "toggle",
    "enable",
    "disable",
    "require",
    "forgot",
    "label",
    "min",
    "max",
    "invalid",
    "incorrect",
    "wrong",
    "missing",
    "bos",
    "eos",
    "pad",
    "unk",
    "mask",
    "sep",
    "cls",
    "stop",
    "special",
    "lexer",
    "parser",
    "image",
    "existing",
    "persist",
    "tls",
    "design",
    "color",
    "theme",
    "css",
    "keyword",
    "operator",
];

/// What a name promises, if it is one for a credential.
pub(super) fn classify_key(key: &str) -> Option<KeyClass> {
    let mut words = split(key);
    while words.len() > 1
        && words
            .last()
            .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()) || SUFFIXES.contains(&w.as_str()))
    {
        words.pop();
    }
    // A form's own token guards one session and gives nothing away.
    if words.iter().any(|w| OTHERWISE.contains(&w.as_str()) || w.starts_with("csrf") || w.starts_with("xsrf"))
    {
        return None;
    }
    let last = words.last()?.trim_end_matches(|c: char| c.is_ascii_digit());
    let before = words.len().checked_sub(2).map_or("", |i| words[i].as_str());
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
    if last == "base" && before == "key" && words.iter().any(|w| w == "secret")
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
    let cipher = last == "key" && words.iter().any(|w| matches!(w.as_str(), "aes" | "aes128" | "aes256"));
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
    let bytes = name.as_bytes();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (i, c) in name.char_indices() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        if c.is_ascii_uppercase() && !word.is_empty() {
            let after_lower = bytes[i - 1].is_ascii_lowercase() || bytes[i - 1].is_ascii_digit();
            let before_lower =
                bytes[i - 1].is_ascii_uppercase() && bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
            if after_lower || before_lower {
                words.push(std::mem::take(&mut word));
            }
        }
        match c.is_ascii() {
            true => word.push(c.to_ascii_lowercase()),
            false => word.extend(c.to_lowercase()),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

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
