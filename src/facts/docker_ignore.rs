//! The patterns of a `.dockerignore`, which are not those of git: they hold from the root of the context,
//! a later one beats an earlier one whatever its depth, and what lies below a folder that is left out can be
//! let in again. <https://docs.docker.com/build/concepts/context/#dockerignore-files>

use regex::bytes::{Regex, RegexBuilder};

/// What these patterns say of a path of the context or of a folder that it lies in: it is left out
/// (`true`), let in again (`false`), or nothing.
pub(super) fn decides<'p>(patterns: impl Iterator<Item = &'p str>, path: &str) -> Option<bool> {
    let mut verdict = None;
    for pattern in patterns {
        let pattern = pattern.trim();
        let (left_out, bare) = pattern.strip_prefix('!').map_or((true, pattern), |rest| (false, rest.trim()));
        let Some(matcher) = matcher(bare) else { continue };
        let parts = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        if parts.into_iter().any(|part| matcher.is_match(part.as_bytes())) {
            verdict = Some(left_out);
        }
    }
    verdict
}

/// A pattern that is not well-formed matches nothing, and so does an empty one.
fn matcher(pattern: &str) -> Option<Regex> {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return None;
    }
    RegexBuilder::new(&expression(&parts.join("/"))).unicode(false).size_limit(1 << 20).build().ok()
}

fn expression(pattern: &str) -> String {
    let mut out = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                while chars.peek() == Some(&'*') {
                    chars.next();
                }
                if chars.peek() == Some(&'/') {
                    chars.next();
                    out.push_str("(?:.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' | ']' | '-' | '^' => out.push(c),
            '\\' => out.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn docker_patterns_hold_from_the_root_of_the_context() {
        for (patterns, path, expected) in [
            (&[".env"][..], ".env", Some(true)),
            (&[".env"], "api/.env", None),
            (&["/.env"], ".env", Some(true)),
            (&["./.env"], ".env", Some(true)),
            (&["**/.env"], "api/.env", Some(true)),
            (&["**/.env"], ".env", Some(true)),
            (&["**/.env*"], "a/b/.env.local", Some(true)),
            (&["**.env"], "api/prod.env", Some(true)),
            (&["*.env"], ".env", Some(true)),
            (&["*.env"], "api/.env", None),
            (&["*/.env"], "api/.env", Some(true)),
            (&["*/.env"], "a/b/.env", None),
            (&[".env?"], ".env", None),
            (&[".env.[lp]*"], ".env.local", Some(true)),
            (&["*", "!src"], ".env", Some(true)),
            (&["*", "!src"], "src/.env", Some(false)),
            (&["*", "!src", "**/.env"], "src/.env", Some(true)),
            // Unlike git's: a later pattern beats an earlier one, also below a folder.
            (&["api", "!api/.env"], "api/.env", Some(false)),
            (&["!api/.env", "api"], "api/.env", Some(true)),
            (&[".env*", "!.env"], ".env", Some(false)),
            (&["config/../.env"], ".env", Some(true)),
            (&["[", "", "/"], ".env", None),
        ] {
            assert_eq!(super::decides(patterns.iter().copied(), path), expected, "{patterns:?} on {path}");
        }
    }
}
