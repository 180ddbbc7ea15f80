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
    let qualifier = before.last().map_or("", String::as_str);
    match last.as_str() {
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
}
