//! Paths and remotes as URIs that say nothing of the machine or its users.

/// A relative path as a URI reference: everything but unreserved characters and `/` is percent-encoded
/// (RFC 3986 §2.3), so that no colon makes a scheme of the first folder.
pub(super) fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char)
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The URL of a remote without user, password, query or fragment; `None` for a path on this machine.
/// Git's short form `user@host:path` becomes `ssh://host/path`.
pub(super) fn remote(url: &str) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if ["http", "https", "ssh", "git"].contains(&scheme) => {
            (scheme, rest.to_owned())
        }
        Some(_) => return None,
        None => {
            let (host, path) = url.split_once(':')?;
            // One letter and a colon is a Windows drive.
            if host.contains('/') || host.len() < 2 {
                return None;
            }
            ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
        }
    };
    let rest = rest.split(['?', '#']).next().unwrap_or("");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let fine = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    (!host.is_empty() && host.chars().all(fine)).then(|| format!("{scheme}://{host}/{}", encode(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_percent_encoded() {
        assert_eq!(encode("a b/é#%.yml"), "a%20b/%C3%A9%23%25.yml");
        assert_eq!(encode("C:/x"), "C%3A/x");
    }

    #[test]
    fn remotes_lose_their_credentials() {
        let secret = format!("https://u:{}@example.com/o/r.git?x=1", "p@w");
        for (url, expected) in [
            (secret.as_str(), Some("https://example.com/o/r.git")),
            ("git@example.com:o/r.git", Some("ssh://example.com/o/r.git")),
            ("ssh://git@example.com:22/o/r", Some("ssh://example.com:22/o/r")),
            ("/srv/git/r", None),
            ("file:///srv/git/r", None),
            ("C:/git/r", None),
            ("../r", None),
        ] {
            assert_eq!(remote(url).as_deref(), expected, "{url}");
        }
    }
}
