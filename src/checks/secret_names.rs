//! Names that promise a secret, for places where the value itself is not written.

/// Whether a variable of this name holds a secret. Names of files, identifiers and hashes do not.
pub(super) fn is_secret_name(name: &str) -> bool {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    const STAGES: &[&str] =
        &["prod", "production", "staging", "stage", "stg", "dev", "test", "live", "b64", "base64", "json"];
    let mut words: &[String] = &words;
    while let Some((last, rest)) = words.split_last()
        && !rest.is_empty()
        && STAGES.contains(&last.as_str())
    {
        words = rest;
    }
    let Some((last, before)) = words.split_last() else { return false };
    // `USE_ID_TOKEN` is a switch.
    if before.iter().any(|w| matches!(w.as_str(), "use" | "uses" | "enable" | "require" | "has" | "is")) {
        return false;
    }
    let qualifier = before.last().map_or("", String::as_str);
    match last.as_str() {
        // By this name Google's libraries are told where a file lies.
        "credentials" if qualifier == "application" => false,
        "password" | "passwd" | "passphrase" | "token" | "secret" | "apikey" | "credentials" => {
            !matches!(qualifier, "csrf" | "no" | "public" | "next")
        }
        "pass" | "pwd" => !before.is_empty() && qualifier != "old",
        "key" => matches!(
            qualifier,
            "api"
                | "access"
                | "private"
                | "secret"
                | "encryption"
                | "signing"
                | "deploy"
                | "ssh"
                | "master"
                | "account"
                | "auth"
        ),
        other => other.len() > 8 && (other.ends_with("password") || other.ends_with("apikey")),
    }
}

/// Beginnings of names of what bundlers write into the page, for everybody to read.
const PUBLISHED: &[&str] = &[
    "NEXT_PUBLIC_",
    "NUXT_PUBLIC_",
    "EXPO_PUBLIC_",
    "PUBLIC_",
    "VITE_",
    "REACT_APP_",
    "VUE_APP_",
    "GATSBY_",
    "STORYBOOK_",
];

/// Whether a name among a CI service's secrets is that of something that opens nothing.
pub(super) fn opens_nothing(name: &str) -> bool {
    const PLAIN: &[&str] = &[
        "NAME",
        "BUCKET",
        "ENVIRONMENT",
        "ENABLED",
        "PORT",
        "DOMAIN",
        "ACCOUNT",
        "PROJECT",
        "ZONE",
        "CLUSTER",
    ];
    let name = name.to_ascii_uppercase();
    let mut words = name.rsplit(['_', '-']);
    let (last, before) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    const SWITCHES: &[&str] = &["SKIP_", "ENABLE_", "DISABLE_", "USE_", "IS_", "HAS_"];
    PUBLISHED.iter().chain(SWITCHES).any(|p| name.starts_with(p))
        || PLAIN.contains(&last)
        // Clients and keys are principals; accounts, tenants and projects are only told apart by theirs.
        || last == "ID" && !matches!(before, "CLIENT" | "KEY")
}

/// Whether a name is certainly that of a secret's value. Parsers have tokens, Kubernetes has secrets, and
/// both are named in errors for good reasons: these words need another one beside them.
pub(super) fn names_a_value(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let has = |all: &[&str]| before.iter().any(|w| all.contains(&w.as_str()));
    if has(&[
        "no",
        "is",
        "has",
        "use",
        "uses",
        "can",
        "should",
        "must",
        "allow",
        "enable",
        "require",
        "reset",
        "change",
        "forgot",
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

/// Names of variables that a word expands, with what the expansion does to them left out: `${#X}` gives a
/// length and `${X:+yes}` a word of its own.
pub(super) fn expanded(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut inside = 0;
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        if at < inside {
            continue;
        }
        // What a command in `$(…)` is given is not what it says.
        if rest.starts_with('(') && !rest.starts_with("((") {
            inside = at + 1 + closing(rest);
            continue;
        }
        let (name, braced) = rest.strip_prefix('{').map_or((rest, false), |r| (r, true));
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let operator = &name[end..];
        let replaced = braced && (operator.starts_with(":+") || operator.starts_with('+'));
        if end > 0 && !replaced && !name.starts_with(|c: char| c.is_ascii_digit()) {
            found.push(&name[..end]);
        }
    }
    found
}

/// Behind the bracket that closes the one at the start of `text`.
fn closing(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'(' => depth += 1,
            b')' if depth <= 1 => return at + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_a_secret() {
        for (name, secret) in [
            ("DB_PASSWORD", true),
            ("NPM_TOKEN", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("STRIPE_API_KEY_PROD", true),
            ("PGPASSWORD", true),
            ("PWD", false),
            ("OLD_PWD", false),
            ("TOKEN_FILE", false),
            ("SECRET_NAME", false),
            ("CACHE_KEY", false),
            ("KEY", false),
            ("TOKENS_USED", false),
        ] {
            assert_eq!(is_secret_name(name), secret, "{name}");
        }
    }

    #[test]
    fn expansions_that_show_the_value() {
        assert_eq!(expanded("a $X ${Y}z ${#L} ${Z:+set} ${W:-d} $1 ${{ secrets.A }}"), ["X", "Y", "W"]);
        assert_eq!(expanded("a $([ -n \"${X}\" ] && f $(y $Z)) $W $(open $V"), ["W"]);
    }

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
            ("UseResetPassword", false),
            ("imagePullSecret", false),
            ("invalid_password", false),
            ("AccountCapabilityApiKey", false),
            ("ErrBadPassword", false),
            ("token_type", false),
            ("passwordLength", false),
            ("cacheKey", false),
            ("url", false),
        ] {
            assert_eq!(names_a_value(name), secret, "{name}");
        }
    }
}
