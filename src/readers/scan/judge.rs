//! Whether a value that is declared to be secret gives anything away.

use super::keys::classify_key;
use super::looks::{is_derived, is_random};
use super::stand_ins::{is_placeholder, is_reference};
use super::urls;
use super::values::is_well_known;

/// What a value gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readers) struct Judged {
    /// Everybody tries it first.
    pub(in crate::readers) well_known: bool,
    /// Its structure says that it is one: a private key, an address with a password, a login file.
    pub(in crate::readers) structured: bool,
}

/// What `value`, in clear text, gives away under `key`. Names, addresses, certificates, placeholders and
/// references give nothing away, though they lie among secrets.
pub(in crate::readers) fn judge(key: &str, value: &str) -> Option<Judged> {
    let value = value.trim();
    let shaped = Some(Judged { well_known: false, structured: true });
    if value.contains("-----BEGIN ") {
        return if value.contains("PRIVATE KEY-----") && value.len() > 300 { shaped } else { None };
    }
    if value.contains('\n') || value.starts_with('{') {
        return if holds_login(value) { shaped } else { None };
    }
    if key_store(key) && value.contains('\u{fffd}') {
        return shaped;
    }
    if is_placeholder(value) || is_derived(value) {
        return None;
    }
    if let Some(at) = value.find("://") {
        let info = urls::after_scheme(value, at + 3)?;
        let password = value.get(info.password.clone())?;
        let host = value.get(info.host.clone())?;
        let open = is_placeholder(password) || urls::is_sample_host(host);
        return (!open).then(|| Judged { well_known: is_well_known(password), structured: true });
    }
    if is_reference(value) {
        return None;
    }
    if classify_key(key).is_some() {
        let squeezed = |s: &str| s.replace(['-', '_', '.'], "").to_ascii_lowercase();
        let named_after = squeezed(value) == squeezed(key) && !is_well_known(value);
        return (!named_after && value.len() >= 3)
            .then(|| Judged { well_known: is_well_known(value), structured: false });
    }
    (value.len() >= 16 && is_random(value)).then_some(Judged { well_known: false, structured: false })
}

fn key_store(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [".jks", ".p12", ".pfx", ".keystore", ".key", "keytab", ".kdbx"].iter().any(|end| key.ends_with(end))
}

/// Whether a file in a value holds a login: `"auth": "…"` of a registry, `password: …`, `client-key-data: …`.
fn holds_login(text: &str) -> bool {
    text.split(['\n', ',', '{', '}']).take(5_000).any(|line| {
        let Some((key, value)) = line.split_once([':', '=']) else { return false };
        let trim = |s: &str| s.trim().trim_matches(['"', '\'', ' ', '-']).to_owned();
        let (key, value) = (trim(key), trim(value));
        if is_placeholder(&value) || is_derived(&value) {
            return false;
        }
        let secret = classify_key(&key).is_some() && !is_reference(&value) && value.len() >= 5;
        let login = matches!(key.as_str(), "auth" | "client-key-data") && value.len() >= 8;
        secret && !value.contains(' ') || login
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_among_secrets_is_not_always_one() {
        let key = format!("-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "MIIE".repeat(100));
        for (name, value, known, structured) in [
            ("password", concat!("Win", "ter2025"), Some(false), false),
            ("password", "admin", Some(true), false),
            ("tls.key", key.as_str(), Some(false), true),
            ("url", concat!("postgres://app:", "q7Rk2ZpL9v@db.corp.io/x"), Some(false), true),
            (".dockerconfigjson", r#"{"auths":{"r.io":{"auth":"YXBwOnE3UmsyWnBM"}}}"#, Some(false), true),
            ("app.ini", "[db]\nuser = app\npassword = q7Rk2ZpL9v\n", Some(false), true),
            ("salt", concat!("q7Rk2ZpL", "9vXw4TnB6y"), Some(false), false),
        ] {
            let judged = judge(name, value).map(|j| (j.well_known, j.structured));
            assert_eq!(judged, known.map(|k| (k, structured)), "{name}");
        }
        for (name, value) in [
            ("username", "app"),
            ("url", "https://github.com/acme/shop"),
            ("host", "db.corp.io"),
            ("password", ""),
            ("password", "<password>"),
            ("password", "changeme"),
            ("password", "${DB_PASSWORD}"),
            ("password", "ref+vault://secret/db#password"),
            ("password", "ENC[AES256_GCM,data:abc]"),
            ("tls.crt", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"),
            ("config.yaml", "replicas: 3\nlevel: info\n"),
            ("auth", "app:$apr1$abc$def"),
            ("token", "token"),
        ] {
            assert_eq!(judge(name, value), None, "{name}: {value}");
        }
    }
}
