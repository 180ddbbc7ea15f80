//! Which values can be credentials: neither a placeholder, nor a reference, nor a word of another meaning.

use super::checks::entropy;
use super::keys::{KeyClass, classify_key, split};
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
}

/// Whether the value stands for one that is to be put in: a placeholder, a template, a mask.
pub(super) fn is_placeholder(value: &str) -> bool {
    let v = value.trim();
    let lower = v.to_ascii_lowercase();
    if v.is_empty()
        || v.starts_with(['$', '<', '[', '(', '{'])
        || v.starts_with("\\(")
        || v.ends_with('>')
        || v.ends_with(':')
    {
        return true;
    }
    if v.starts_with('%') && v.len() > 1 || v.starts_with('@') && v.ends_with('@') {
        return true;
    }
    const INSIDE: &[&str] = &[
        "${",
        "$(",
        "{{",
        "}}",
        "<%",
        "#{",
        "%(",
        "$[",
        "%s",
        "%d",
        "%v",
        "{}",
        "{0}",
        "...",
        "…",
        "***",
        "•••",
        "xxx",
        "changeme",
        "change_me",
        "change-me",
        "change this",
        "changethis",
        "replaceme",
        "replace_",
        "replace-",
        "example",
        "placeholder",
        "redacted",
        "todo",
        "fixme",
        "insert_",
        "insert-",
        "dummy",
        "foobar",
        "not-real",
        "notreal",
        "not_real",
        "fake",
        "undefined",
        "some-",
        "some_",
        "goes-here",
        "goes_here",
        "_here",
        "-here",
        "to-be-",
        "to_be_",
        "deadbeef",
        "0123456789",
        "abcdef",
        "generated-",
        "lorem",
    ];
    if INSIDE.iter().any(|w| lower.contains(w)) {
        return true;
    }
    if ["your", "my-", "my_", "mysecret", "mypassword", "mytoken", "thisis", "this-is", "this_is", "enter"]
        .iter()
        .any(|w| lower.starts_with(w))
        || lower.contains("-your-")
        || lower.contains("_your_")
    {
        return true;
    }
    const WHOLE: &[&str] = &[
        "none",
        "null",
        "nil",
        "true",
        "false",
        "empty",
        "unset",
        "yes",
        "no",
        "on",
        "off",
        "auto",
        "string",
        "str",
        "text",
        "bytes",
        "integer",
        "int",
        "number",
        "boolean",
        "bool",
        "object",
        "array",
        "any",
        "varchar",
        "required",
        "optional",
        "hidden",
        "masked",
        "sensitive",
        "disabled",
        "enabled",
        "unknown",
        "n/a",
        "foo",
        "bar",
        "baz",
        "value",
        "secretstr",
        "string!",
        "char",
        "float",
        "write",
        "read",
        "inherit",
        "ignored",
        "unused",
        "invalid",
        "wrong",
        "prompt",
        "file",
        "env",
        "basic",
        "bearer",
        "xx",
        "blah",
        "abc",
        "abcd",
        "tbd",
    ];
    if WHOLE.contains(&lower.as_str()) {
        return true;
    }
    // One character, or two, all along.
    let mut kinds: Vec<char> = v.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() <= 2 && v.len() > 2
}

/// Whether the value says where the credential is instead of being it.
pub(super) fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    const PREFIXES: &[&str] = &[
        "vault:",
        "op://",
        "ssm:",
        "ssm/",
        "arn:",
        "aws-sm:",
        "awssm:",
        "secretsmanager",
        "sm://",
        "gsm:",
        "keyvault",
        "azurekeyvault",
        "projects/",
        "file:",
        "env:",
        "env.",
        "enc[",
        "enc(",
        "encrypted:",
        "ref+",
        "!ref",
        "!sub",
        "!getatt",
        "!vault",
        "!reference",
        "!env",
        "!secret",
        "data.",
        "var.",
        "local.",
        "module.",
        "secrets.",
        "secret://",
        "process.env",
        "os.environ",
        "config.",
        "settings.",
        "this.",
        "self.",
        "doppler:",
        "chamber:",
        "kms:",
        "secretref:",
        "valuefrom",
        "bao:",
        "lookup(",
        "akv:",
        "gcp-sm:",
        "infisical:",
        "parameter:",
        "http://",
        "https://",
        "base64:{",
        "*",
    ];
    if PREFIXES.iter().any(|p| lower.starts_with(p)) || value.contains("://") {
        return true;
    }
    // Paths: /run/secrets/db_password, ./keys/id_rsa.
    let path = value.strip_prefix('~').unwrap_or(value);
    let path = path.trim_start_matches('.');
    if path.starts_with('/') && path.len() < value.len()
        || path.starts_with('/') && path.matches('/').count() > 1 && is_wordy(path)
    {
        return true;
    }
    is_member(value)
}

/// `user.password`, `config['x']`, `Foo::BAR`, `call(x)`: program text rather than a value.
fn is_member(value: &str) -> bool {
    let begins = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !begins {
        return false;
    }
    if value.ends_with(')') && value.contains('(') || value.ends_with(']') && value.contains('[') {
        return true;
    }
    (value.contains("::") || value.contains("->") || value.contains('.'))
        && value.chars().all(|c| name(c) || matches!(c, '.' | ':' | '-' | '>'))
        && value.split(['.', ':', '>']).filter(|p| !p.is_empty()).all(|p| {
            p.len() < 40 && p.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && is_wordy(p)
        })
}

/// Hashes, identifiers and dates are found under the names of credentials, but give nothing away.
pub(super) fn is_derived(value: &str) -> bool {
    let b = value.as_bytes();
    const HASHES: &[&str] = &[
        "$2a$", "$2b$", "$2y$", "$argon2", "$5$", "$6$", "$1$", "$y$", "$pbkdf2", "$scrypt", "{ssha}",
        "{sha}", "pbkdf2", "scrypt:", "bcrypt", "sha1:", "sha1-", "sha256:", "sha256-", "sha384-", "sha512-",
        "sha512:", "md5:", "pbkdf2_",
    ];
    let lower = value.to_ascii_lowercase();
    if HASHES.iter().any(|p| lower.starts_with(p)) {
        return true;
    }
    // `rl-sha256:…`, with the name of whoever hashed before it; `CWE-798` is what a scanner calls a find.
    let hex = |t: &str| t.len() >= 32 && t.bytes().all(|c| c.is_ascii_hexdigit());
    let hashed = lower.rsplit_once(':').is_some_and(|(by, t)| by.ends_with("sha256") && hex(t));
    let weakness = ["cwe-", "cve-"]
        .iter()
        .filter_map(|p| lower.strip_prefix(p))
        .any(|n| n.bytes().all(|c| c.is_ascii_digit() || c == b'-'));
    if hashed || weakness {
        return true;
    }
    let uuid = b.len() == 36
        && b.iter()
            .enumerate()
            .all(|(i, c)| if [8, 13, 18, 23].contains(&i) { *c == b'-' } else { c.is_ascii_hexdigit() });
    // An address is no password; `P@ss.word` has no domain.
    let mail = value.split_once('@').is_some_and(|(a, d)| {
        !a.is_empty()
            && d.contains('.')
            && is_wordy(a)
            && d.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
            && d.rsplit('.').next().is_some_and(|t| t.len() > 1 && t.bytes().all(|c| c.is_ascii_lowercase()))
    });
    uuid || mail
}

/// Whether the value is made of words alone: letters between separators, at most a short number behind.
pub(super) fn is_wordy(value: &str) -> bool {
    split(value).iter().all(|word| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = word.len() - letters.len();
        if letters.is_empty() {
            return digits <= 4;
        }
        digits <= 4 && letters.chars().all(char::is_alphabetic) && has_rhythm(letters)
    })
}

/// Words have a vowel at least every five letters; random letters seldom do for long.
fn has_rhythm(letters: &str) -> bool {
    let mut run = 0;
    for c in letters.chars() {
        run = if matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'A' | 'E' | 'I' | 'O' | 'U' | 'Y')
            || !c.is_ascii()
        {
            0
        } else {
            run + 1
        };
        if run > 5 {
            return false;
        }
    }
    true
}

/// Whether the value looks drawn at random: letters and digits change often, and none prevails.
pub(super) fn is_random(value: &str) -> bool {
    let b = value.as_bytes();
    if b.len() < 8 || !b.is_ascii() || b.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    let kind = |c: u8| match c {
        b'0'..=b'9' => 1u8,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 3,
        _ => 0,
    };
    let digits = b.iter().filter(|c| c.is_ascii_digit()).count();
    if digits == b.len() || digits == 0 && b.len() < 20 {
        return false;
    }
    // `k8s_etcd`: one digit and no capital make no random word of a short one.
    if b.len() < 16 && digits < 2 && !b.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let changes =
        b.windows(2).filter(|w| kind(w[0]) != kind(w[1]) && kind(w[0]) != 0 && kind(w[1]) != 0).count();
    let share = changes as f64 / b.len() as f64;
    let least = if b.len() >= 16 { 3.0 } else { 2.5 };
    entropy(b) >= least && share >= 0.2 && !is_wordy(value)
}

/// Whether a value under a name of this class is to be reported.
pub(super) fn is_credential(key: &str, class: KeyClass, value: &str, medium: Medium) -> bool {
    let well_known = is_well_known(value);
    if is_placeholder(value) || is_reference(value) || is_derived(value) {
        return false;
    }
    let squeeze =
        |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (k, v) = (squeeze(key), squeeze(value));
    let configures = matches!(medium, Medium::Config | Medium::EnvFile | Medium::Pipeline | Medium::Image);
    let same = k.ends_with(&v) || v.ends_with(&k);
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
    !word.is_ascii() && word.chars().all(char::is_alphabetic)
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
