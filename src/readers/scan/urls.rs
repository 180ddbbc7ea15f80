//! User information in addresses: `scheme://user:password@host`, and Go's `user:password@tcp(host)`.

use std::ops::Range;

/// An address that carries a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserInfo {
    pub(super) user: Range<usize>,
    pub(super) password: Range<usize>,
    pub(super) host: Range<usize>,
}

/// Longer user information is none.
const LONGEST: usize = 512;

/// The user information behind the `://` that ends at `at`.
pub(super) fn after_scheme(text: &str, at: usize) -> Option<UserInfo> {
    let bytes = text.as_bytes();
    if !bytes.get(at.checked_sub(4)?)?.is_ascii_alphanumeric() {
        return None;
    }
    let rest = &bytes[at..];
    let mut colon = None;
    let mut sign = None;
    for (i, b) in rest.iter().take(LONGEST).enumerate() {
        match b {
            b':' if colon.is_none() => colon = Some(i),
            // The last `@` counts: people leave those of a password unescaped.
            b'@' => sign = Some(i),
            b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'\\' | b',' if !in_template(&rest[..i]) => break,
            b' ' | b'\t' | b'\n' | b'\r' => break,
            _ => {}
        }
    }
    let (colon, sign) = (colon?, sign?);
    if colon >= sign {
        return None;
    }
    let host = rest[sign + 1..]
        .iter()
        .take(256)
        .take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'[' | b']' | b'$' | b'{' | b'}')
        })
        .count();
    let found = UserInfo {
        user: at..at + colon,
        password: at + colon + 1..at + sign,
        host: at + sign + 1..at + sign + 1 + host,
    };
    (!found.password.is_empty() && text.get(found.password.clone()).is_some()).then_some(found)
}

/// Inside `${…}` or `{{…}}` any character can stand.
fn in_template(bytes: &[u8]) -> bool {
    let count = |c: u8| bytes.iter().filter(|b| **b == c).count();
    bytes.contains(&b'{') && count(b'{') > count(b'}')
}

/// The user information before the `@tcp(` or `@unix(` that begins at `at`: a data source name of Go's
/// MySQL driver.
pub(super) fn before_protocol(text: &str, at: usize) -> Option<UserInfo> {
    let bytes = text.as_bytes();
    let length = bytes[..at]
        .iter()
        .rev()
        .take(256)
        .take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'='))
        .count();
    let start = at - length;
    let colon = start + bytes[start..at].iter().position(|b| *b == b':')?;
    let open = at + bytes[at..].iter().take(8).position(|b| *b == b'(')? + 1;
    let host = bytes[open..]
        .iter()
        .take(256)
        .take_while(|b| !matches!(b, b')' | b':') && !b.is_ascii_whitespace())
        .count();
    let found = UserInfo { user: start..colon, password: colon + 1..at, host: open..open + host };
    let whole = text.get(found.password.clone()).is_some()
        && text.get(found.user.clone()).is_some()
        && text.get(found.host.clone()).is_some();
    (whole && !found.password.is_empty()).then_some(found)
}

/// Hosts that stand for whatever host the reader has.
pub(super) fn is_sample_host(host: &str) -> bool {
    // No host is called `SENTRY_HOST`: a manual tells what belongs there.
    if host.contains('_') && host.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return true;
    }
    let host = host.to_ascii_lowercase();
    matches!(
        host.as_str(),
        "" | "host"
            | "hostname"
            | "server"
            | "myhost"
            | "your-host"
            | "yourhost"
            | "somehost"
            | "domain"
            | "domain.com"
            | "foo"
            | "foo.com"
            | "bar.com"
            | "url"
            | "example"
            | "endpoint"
            | "address"
            | "proxy.com"
            | "test.com"
    ) || ["example.com", "example.org", "example.net", ".example", ".invalid"]
        .iter()
        .any(|e| host.ends_with(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_found_in_addresses() {
        for (text, expected) in [
            ("postgres://app:VAL@db/x", Some(("app", "VAL", "db"))),
            ("redis://:VAL@cache:6379", Some(("", "VAL", "cache"))),
            ("amqp://a:p@ss@mq.internal/", Some(("a", "p@ss", "mq.internal"))),
            ("mongodb+srv://a:VAL@c.mongodb.net", Some(("a", "VAL", "c.mongodb.net"))),
            ("x://${U}:${P/x}@h", Some(("${U}", "${P/x}", "h"))),
            ("http://localhost:8080/@scope", None),
            ("ssh://git@github.com:22/x", None),
            ("https://a.b/c:d@e", None),
            ("://a:b@c", None),
            ("http://", None),
        ] {
            let at = text.find("://").expect("an address") + 3;
            let found = after_scheme(text, at).map(|f| (&text[f.user], &text[f.password], &text[f.host]));
            assert_eq!(found, expected, "{text}");
        }
        let text = "dsn := \"root:VAL@tcp(127.0.0.1:3306)/db\"";
        let found = before_protocol(text, text.find('@').expect("it")).expect("a data source");
        assert_eq!(
            (&text[found.user], &text[found.password], &text[found.host]),
            ("root", "VAL", "127.0.0.1")
        );
    }
}
