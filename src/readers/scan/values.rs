//! Which values can be credentials: neither a placeholder, nor a reference, nor a word of another meaning.

use super::keys::{KeyClass, classify_key, split};
use super::looks::{is_derived, is_random, is_wordy};
use super::stand_ins::{is_placeholder, is_reference};
use crate::facts::Medium;

/// Passwords that come with products or stand at the top of every list.
const WELL_KNOWN: &[&str] = &[
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234",
    "admin",
    "admin1",
    "admin123",
    "administrator",
    "changeit",
    "circleci",
    "default",
    "demo",
    "docker",
    "elastic",
    "guest",
    "letmein",
    "mariadb",
    "master",
    "minio",
    "minio123",
    "minioadmin",
    "mongo",
    "mysql",
    "oracle",
    "p@ssw0rd",
    "p@ssword",
    "pass",
    "pass123",
    "passw0rd",
    "passwd",
    "password",
    "password1",
    "password123",
    "postgres",
    "postgresql",
    "qwerty",
    "rabbitmq",
    "redis",
    "root",
    "root123",
    "rootpassword",
    "rootroot",
    "sa",
    "secret",
    "secret123",
    "supersecret",
    "test",
    "test123",
    "test1234",
    "tiger",
    "toor",
    "ubuntu",
    "user",
    "vagrant",
    "welcome",
    "welcome1",
    "welcome123",
];

/// Whether a value is one that everybody tries first.
pub(super) fn is_well_known(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    WELL_KNOWN.contains(&value.as_str())
        || value.len() < 16 && WELL_KNOWN.contains(&spelt_out(&value).as_str())
}

/// `p@55w0rd` as `password`.
fn spelt_out(value: &str) -> String {
    let letter = |c: char| match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    value.chars().map(letter).collect()
}

/// Whether a value under a name of this class is to be reported.
pub(super) fn is_credential(key: &str, class: KeyClass, value: &str, medium: Medium) -> bool {
    let well_known = is_well_known(value);
    if is_placeholder(value) || is_reference(value) || is_derived(value) {
        return false;
    }
    if is_constant(value) {
        return false;
    }
    let squeeze =
        |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (k, v) = (squeeze(key), squeeze(value));
    let configures = matches!(medium, Medium::Config | Medium::EnvFile | Medium::Pipeline | Medium::Image);
    let same = !k.is_empty() && (k.ends_with(&v) || v.ends_with(&k));
    if same && !v.is_empty() && !(configures && well_known && class == KeyClass::Password) {
        return false;
    }
    match class {
        KeyClass::Password if well_known => configures || !same,
        KeyClass::Password if configures => {
            value.chars().count() >= 5
                && !value.contains(char::is_whitespace)
                && !is_label(value)
                && (!value.contains('_') || !is_field_name(value))
        }
        KeyClass::Password => is_password(value),
        KeyClass::SigningSecret => {
            value.len() >= 8
                && !value.contains(char::is_whitespace)
                && !is_label(value)
                && !is_field_name(value)
                && (is_random(value) || value.len() >= 12 || configures || well_known)
        }
        _ => value.len() >= 8 && is_random(value),
    }
}

/// `OPENSEARCH_SLACK_URL`: the name of a variable or of an entry.
fn is_constant(value: &str) -> bool {
    let words: Vec<&str> = value.split('_').collect();
    let word = |w: &&str| w.len() > 1 && w.bytes().all(|b| b.is_ascii_uppercase());
    words.len() > 2 && words.iter().all(word)
}

/// In programs a password is told from a field's name by what only passwords have.
fn is_password(value: &str) -> bool {
    let length = value.chars().count();
    if !(5..=200).contains(&length)
        || value.contains(char::is_whitespace)
        || is_label(value)
        || is_field_name(value)
    {
        return false;
    }
    let digit = value.bytes().any(|b| b.is_ascii_digit());
    let symbol = value
        .bytes()
        .any(|b| b.is_ascii_punctuation() && !matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b','));
    // `"ARGOCD_E2E_ADMIN_PASSWORD"`: the variable that holds it. `&quot;` is a quote in program text.
    let variable = value.contains('_')
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && classify_key(value).is_some();
    if variable || value.contains("(&quot;") || value.contains("\\u0") {
        return false;
    }
    let program = value.contains(['(', ')', '[', ']', '<', '>', ';', '\\', '|', '`']) && !digit;
    (digit || symbol) && !program
}

/// `Password`, `New password`, `Passwort:`, `Mot de passe`: what a person reads on a form.
fn is_label(value: &str) -> bool {
    let word = value.trim_end_matches([':', '?', '.', '*', '!']);
    !word.is_ascii() && !word.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_punctuation())
        || word.len() < value.len() && word.chars().all(char::is_alphabetic)
        || word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(char::is_alphabetic)
            && word.chars().skip(1).all(char::is_lowercase)
}

/// `db_password`, `new-token`, `DB_PASSWORD`, `PasswordInput`: names that speak of a credential.
fn is_field_name(value: &str) -> bool {
    let names = ["password", "passwd", "passphrase", "secret", "token", "credential", "key", "pwd", "auth"];
    let words = split(value);
    let identifier =
        value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':'));
    identifier
        && words.len() > 1
        && words.iter().any(|w| names.contains(&w.as_str()))
        && is_wordy(value)
        && !value.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_what_only_looks_like_them() {
        use KeyClass::*;
        let random = concat!("q7Rk2ZpL", "9vXw4TnB6yHd");
        for (key, class, value, medium, expected) in [
            ("password", Password, "hunter2", Medium::Source, true),
            ("password", Password, "s3cr3t!", Medium::Config, true),
            ("password", Password, "hunter", Medium::Config, true),
            ("password", Password, "postgres", Medium::Config, true),
            ("password", Password, "password", Medium::Config, true),
            ("password", Password, "password", Medium::Source, false),
            ("password", Password, "db_password", Medium::Source, false),
            ("password", Password, "Password:", Medium::Source, false),
            ("password", Password, "Passwort", Medium::Config, false),
            ("password", Password, "changeme", Medium::Config, false),
            ("password", Password, "<password>", Medium::Config, false),
            ("password", Password, "${DB_PASSWORD}", Medium::Config, false),
            ("password", Password, "$DB_PASSWORD", Medium::Script, false),
            ("password", Password, "********", Medium::Config, false),
            ("password", Password, "/run/secrets/db_password", Medium::Config, false),
            ("password", Password, "user.password", Medium::Config, false),
            ("password", Password, "op://vault/item/field", Medium::Config, false),
            ("password", Password, "$2b$12$abcdefghijk", Medium::Config, false),
            ("password", Password, "string", Medium::Config, false),
            ("password", Password, "me@corp.org", Medium::Config, false),
            ("EnvAdminPassword", Password, "SHOP_E2E_ADMIN_PASSWORD", Medium::Source, false),
            ("adminPassword", Password, "SHOP_E2E_24", Medium::Source, true),
            ("hardcoded_jwt_secret", SigningSecret, "CWE-798", Medium::Config, false),
            ("secret", Secret, &format!("rl-sha256:{}", "f83ed4148f4525e6".repeat(4)), Medium::Config, false),
            ("res_pwd", Password, "rs.getString(&quot;pw2&quot;)", Medium::Source, false),
            ("token", Token, random, Medium::Source, true),
            ("token", Token, "id_token", Medium::Source, false),
            ("token", Token, "write", Medium::Pipeline, false),
            ("token", Token, "550e8400-e29b-41d4-a716-446655440000", Medium::Config, false),
            ("token", Token, "my-service-token-2", Medium::Config, false),
            ("token", Token, "1234567890123", Medium::Config, false),
            ("secret", Secret, "regcred-registry", Medium::Config, false),
            ("JWT_SECRET", SigningSecret, "supersecretjwt", Medium::EnvFile, true),
            ("JWT_SECRET", SigningSecret, "your-secret-goes-in", Medium::EnvFile, false),
        ] {
            assert_eq!(is_credential(key, class, value, medium), expected, "{key} = {value}");
        }
    }
}
