//! Settings without which a service is not what it should be: where its data lies, whom it believes, who may call
//! it.

use super::addresses::{Store, snake, store_of};
use super::gates::words;

/// What a critical setting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Critical {
    /// Where the database is.
    Database,
    /// Where the cache is.
    Cache,
    /// Who issues tokens, for whom, and with which keys.
    Tokens,
    /// The origins that may call.
    Origins,
    /// Where the front end finds its API.
    ApiBase,
}

impl Critical {
    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Critical::Database => "the database",
            Critical::Cache => "the cache",
            Critical::Tokens => "tokens",
            Critical::Origins => "allowed origins",
            Critical::ApiBase => "the API's address",
        }
    }
}

/// What a variable or key is about, by whole words of its name.
pub(super) fn critical(key: &str) -> Option<Critical> {
    let all = words(&snake(key));
    let has = |own: &[&str]| all.iter().any(|w| own.contains(&w.as_str()));
    // `REDIS_TIMEOUT`, `TEST_DATABASE_URL`, `DB_POOL_SIZE`.
    if has(&["test", "tests", "timeout", "pool", "size", "ttl", "enabled", "port", "replica", "readonly"]) {
        return None;
    }
    if has(&["cors"]) && has(&["origin", "origins", "allowlist", "whitelist", "allowed", "domains"])
        || has(&["allowed"]) && has(&["origins", "origin"])
    {
        return Some(Critical::Origins);
    }
    if has(&["jwt", "oidc", "jwks"])
        && has(&["issuer", "iss", "audience", "aud", "jwks", "authority", "uri", "url"])
    {
        return Some(Critical::Tokens);
    }
    if has(&["api"])
        && has(&["base"])
        && has(&["url", "uri"])
        && has(&["web", "public", "vite", "react", "next"])
    {
        return Some(Critical::ApiBase);
    }
    let address = has(&["url", "uri", "dsn", "host", "hostname", "endpoint", "connectionstring"]);
    match store_of(key) {
        Some(Store::Database) if address => Some(Critical::Database),
        Some(Store::Cache) if address => Some(Critical::Cache),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_setting_is_about() {
        for (key, expected) in [
            ("DATABASE_URL", Some(Critical::Database)),
            ("API__DATABASE_URL", Some(Critical::Database)),
            ("API__REDIS_URL", Some(Critical::Cache)),
            ("API__JWT_ISSUER", Some(Critical::Tokens)),
            ("OIDC_AUDIENCE", Some(Critical::Tokens)),
            ("API__CORS_ORIGINS", Some(Critical::Origins)),
            ("corsAllowedOrigins", Some(Critical::Origins)),
            ("WEB__PUBLIC_API_BASE_URL", Some(Critical::ApiBase)),
            ("REDIS_POOL_SIZE", None),
            ("TEST_DATABASE_URL", None),
            ("DB_NAME", None),
            ("JWT_EXPIRY", None),
            ("LOG_LEVEL", None),
        ] {
            assert_eq!(critical(key), expected, "{key}");
        }
    }
}
