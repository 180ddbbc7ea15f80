//! A team's own names for its environments, as `[environments]` of the policy declares them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::words::{Stage, split};

/// What one stage is called here: the value of, say, `production` under `[environments]`.
///
/// ```toml
/// [environments]
/// production = { names = ["blue"], hosts = ["*.example.com"], branches = ["release/*"] }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageNames {
    /// Words or groups of words; `blue team` is found in `blue-team`, `blueTeam2` and `BLUE_TEAM`.
    pub names: Vec<String>,
    /// Host names; `*` stands for any run of characters, dots included, and a leading dot for any subdomain.
    pub hosts: Vec<String>,
    /// Branch names; `*` stands for any run of characters, slashes included.
    pub branches: Vec<String>,
}

/// The team's own names for all stages, consulted before the built-in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<Stage, StageNames>")]
pub struct Environments {
    /// Names as lower-case words, the longest first so that `blue canary` is asked before `blue`.
    names: Vec<(Vec<String>, Stage)>,
    hosts: Vec<(String, Stage)>,
    branches: Vec<(String, Stage)>,
}

impl From<BTreeMap<Stage, StageNames>> for Environments {
    fn from(declared: BTreeMap<Stage, StageNames>) -> Environments {
        let mut environments = Environments::default();
        for (stage, own) in declared {
            environments.names.extend(own.names.iter().map(|name| {
                let words = split(name);
                (words.iter().map(|word| word.text.to_ascii_lowercase()).collect(), stage)
            }));
            environments.hosts.extend(own.hosts.iter().map(|host| (host.to_ascii_lowercase(), stage)));
            environments.branches.extend(own.branches.into_iter().map(|branch| (branch, stage)));
        }
        // A name of no letter or digit would be found everywhere.
        environments.names.retain(|(words, _)| !words.is_empty());
        environments.names.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        environments
    }
}

impl Environments {
    /// The stages of the longest declared name that begins at `words[0]`, and how many words it takes.
    ///
    /// More than one stage comes back when the same name was declared for several.
    pub(super) fn named_at(&self, words: &[super::words::Word<'_>]) -> Option<(Vec<Stage>, usize)> {
        let begins_here = |name: &[String]| {
            name.len() <= words.len()
                && name.iter().zip(words).all(|(own, word)| own.eq_ignore_ascii_case(word.text))
        };
        let mut found: Option<(Vec<Stage>, usize)> = None;
        for (name, stage) in self.names.iter().filter(|(name, _)| begins_here(name)) {
            match &mut found {
                None => found = Some((vec![*stage], name.len())),
                Some((stages, length)) if *length == name.len() => stages.push(*stage),
                Some(_) => break,
            }
        }
        found
    }

    /// The stage whose host patterns match; several that disagree give `None` in the inner place.
    pub(super) fn host(&self, host: &str) -> Option<Option<Stage>> {
        agreed(self.hosts.iter().filter(|(pattern, _)| host_matches(pattern, host)).map(|(_, stage)| *stage))
    }

    /// The stage whose branch patterns match; several that disagree give `None` in the inner place.
    pub(super) fn branch(&self, branch: &str) -> Option<Option<Stage>> {
        agreed(self.branches.iter().filter(|(pattern, _)| matches(pattern, branch)).map(|(_, stage)| *stage))
    }
}

fn agreed(mut stages: impl Iterator<Item = Stage>) -> Option<Option<Stage>> {
    let first = stages.next()?;
    Some(stages.all(|stage| stage == first).then_some(first))
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        None => matches(pattern, host),
    }
}

/// Whether `pattern` matches all of `text`; only `*` is special.
///
/// Going back to the last `*` alone suffices and keeps the time at pattern × text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("*.example.com", "app.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "app.example.com.evil.org", false),
            ("release/*", "release/1.2", true),
            ("release/*", "prerelease/1.2", false),
            ("*-*-x", "a-b-c-x", true),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
        assert!(host_matches(".example.com", "example.com"));
        assert!(host_matches(".example.com", "a.example.com"));
        assert!(!host_matches(".example.com", "badexample.com"));
    }

    #[test]
    fn a_misspelt_stage_or_key_is_refused() {
        let stage = toml::from_str::<Environments>("prodution = { names = ['blue'] }").unwrap_err();
        assert!(stage.message().contains("production"), "{stage}");
        assert!(stage.span().is_some());
        let key = toml::from_str::<Environments>("production = { name = ['blue'] }").unwrap_err();
        assert!(key.message().contains("names"), "{key}");
    }
}
