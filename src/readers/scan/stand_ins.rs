//! What stands where a credential will be put: placeholders, templates, references, program text.

use super::looks::is_wordy;

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
        "censored",
        "censured",
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
    // `longvaluefullofnumbersandletters` describes what should stand there.
    if lower.contains("value") && ["letters", "numbers", "characters"].iter().any(|w| lower.contains(w)) {
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
        "compat",
        "files",
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
    // `rs.getString("password");`, `required|string|max:255`.
    let value = value.trim_end_matches([';', ',']);
    let call = value.find('(').is_some_and(|at| {
        value[..at].chars().all(|c| name(c) || matches!(c, '.' | ':' | '>' | '-')) && value.ends_with(')')
    });
    if call || is_validation(value) {
        return true;
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

/// Rules of a validator: `required|string|max:255`.
/// <https://laravel.com/docs/12.x/validation#available-validation-rules>
fn is_validation(value: &str) -> bool {
    value.contains('|')
        && value.split('|').all(|rule| {
            let (name, bound) = rule.split_once(':').unwrap_or((rule, ""));
            name.len() > 1
                && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                && bound.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b',' | b'_' | b'.'))
        })
}
