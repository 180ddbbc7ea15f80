//! Credential kinds at work: windows around keywords, one regular expression each, compiled at its
//! first keyword.

use super::checks::{Check, Outcome};
use super::runs::{Bytes, letters_digits_and, next_run};
use crate::facts::Certainty;
use crate::lexicon::kinds::{CredentialKind, KindFile, Provider, TriedKinds};
use crate::lexicon::patterns::{PromisedRun, promised_run};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::OnceLock;

/// All kinds of a lexicon.
pub(super) struct KindSearch {
    files: Vec<LazyFile>,
    /// For each kind, by number: its file and its place in it.
    places: Vec<(usize, usize)>,
}

struct LazyFile {
    of: Origin,
    read: OnceLock<Vec<Compiled>>,
}

/// Who wrote a file of kinds.
enum Origin {
    BuiltIn(KindFile),
    Team(TriedKinds),
}

/// A kind ready for use. The regular expression comes later still: of a provider's kinds most are never met.
struct Compiled {
    kind: CredentialKind,
    general: bool,
    checks: Vec<Check>,
    /// Every value holds so many of these bytes without a gap.
    run: usize,
    of: Bytes,
    regex: OnceLock<(Regex, Vec<Regex>)>,
}

/// What values without blanks and quotes consist of.
const PARTS: Bytes = letters_digits_and(b"+/=_.~:-");
/// Stretches that are less rare stand everywhere: twelve of all parts.
const LEAST_RARITY: f32 = 22.0;

/// A value of the shape of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: String,
    pub(super) value: Range<usize>,
    pub(super) certainty: Certainty,
    /// Of two kinds the one that says more. Of proofs the one over more text; else first a value that tells by
    /// itself, then the one with the longer name, then one that only lies in a place for credentials.
    pub(super) explained: usize,
    /// Whether everybody's tokens look so.
    pub(super) general: bool,
    /// Whether it is no credential, but what the provider's own documents show in place of one.
    pub(super) sample: bool,
}

/// Matches that touch the end of their window are followed so far; chunks of a large file share more.
pub(crate) const LONGEST: usize = 96 * 1024;

fn build(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .multi_line(true)
        .size_limit(4 << 20)
        .build()
        .map_err(|e| e.to_string())
}

fn compile(kind: &CredentialKind) -> Result<(Regex, Vec<Regex>), String> {
    let wrong = |e: String| format!("{}: {e}", kind.id);
    let regex = build(&kind.pattern()?).map_err(wrong)?;
    if !regex.capture_names().any(|n| n == Some("secret")) {
        return Err(wrong("the regex needs a group named `secret`".to_owned()));
    }
    let allow = kind.allow.iter().map(|p| build(p)).collect::<Result<_, _>>().map_err(wrong)?;
    Ok((regex, allow))
}

/// Whether every kind of a file can be searched for; the reason if not.
pub(super) fn try_out(provider: &Provider) -> Result<(), String> {
    prepare(provider.clone())?.iter().try_for_each(|kind| compile(&kind.kind).map(drop))
}

fn prepare(provider: Provider) -> Result<Vec<Compiled>, String> {
    let mut out = Vec::new();
    for kind in provider.kinds {
        let checks = kind.checks.iter().map(|c| Check::parse(c)).collect::<Result<_, _>>();
        let checks = checks.map_err(|e| format!("{}: {e}", kind.id))?;
        let run = match &kind.value {
            Some(value) => promised_run(value, None, |b| PARTS[usize::from(b)]),
            None => promised_run(&kind.pattern()?, Some("secret"), |b| PARTS[usize::from(b)]),
        };
        let PromisedRun { length, set } = if run.rarity() < LEAST_RARITY { PromisedRun::NONE } else { run };
        let of = std::array::from_fn(|byte| set.contains(byte as u8));
        out.push(Compiled {
            kind,
            general: provider.general,
            checks,
            run: length,
            of,
            regex: OnceLock::new(),
        });
    }
    Ok(out)
}

impl KindSearch {
    /// Keeps the files unread; calls `keyword` with the number of each kind and each of its keywords.
    pub(super) fn new(
        files: &[KindFile],
        team: &[TriedKinds],
        mut keyword: impl FnMut(&str, usize),
    ) -> KindSearch {
        let mut places = Vec::new();
        for (f, file) in files.iter().enumerate() {
            for (k, words) in file.keywords.iter().enumerate() {
                words.iter().for_each(|word| keyword(word, places.len()));
                places.push((f, k));
            }
        }
        for (f, file) in team.iter().enumerate() {
            for (k, kind) in file.kinds().iter().enumerate() {
                kind.keywords.iter().for_each(|word| keyword(word, places.len()));
                places.push((files.len() + f, k));
            }
        }
        let built_in = files.iter().map(|file| Origin::BuiltIn(*file));
        let all = built_in.chain(team.iter().map(|file| Origin::Team(file.clone())));
        let files = all.map(|of| LazyFile { of, read: OnceLock::new() }).collect();
        KindSearch { files, places }
    }

    fn kind(&self, number: usize) -> &Compiled {
        let (file, place) = self.places[number];
        let file = &self.files[file];
        let all = file.read.get_or_init(|| {
            let provider = match &file.of {
                Origin::BuiltIn(file) => file.read(),
                Origin::Team(file) => Ok(file.provider.clone()),
            };
            provider
                .and_then(prepare)
                .expect("a test reads each built-in file, and who has others tried them")
        });
        &all[place]
    }

    /// The stretch of text that is to be searched for a kind when one of its keywords stands at `word`.
    pub(super) fn window(&self, number: usize, word: Range<usize>, length: usize) -> Range<usize> {
        let kind = &self.kind(number).kind;
        word.start.saturating_sub(kind.reach_back())..(word.end + kind.window).min(length)
    }

    /// Values of one kind in one stretch of `text`; context before it is seen by `\b` and `^`. Returns where
    /// a later stretch may begin: what lies before is done.
    pub(super) fn search(
        &self,
        number: usize,
        text: &str,
        stretch: Range<usize>,
        found: &mut Vec<Found>,
    ) -> usize {
        let compiled = self.kind(number);
        // Most keywords stand where nothing is given a value, and a regular expression is dear to build and run.
        let reach = (stretch.end + compiled.run).min(text.len());
        if compiled.run > 0
            && next_run(&text.as_bytes()[..reach], stretch.start, compiled.run, &compiled.of).is_none()
        {
            return stretch.start;
        }
        let (regex, allow) = compiled.regex.get_or_init(|| {
            compile(&compiled.kind)
                .expect("a test compiles each built-in kind, and who has others tried them")
        });
        let (mut at, mut end) = (stretch.start, stretch.end);
        let limit = (stretch.end + LONGEST).min(text.len());
        while at <= end {
            let Some(all) = regex.captures_at(&text.as_bytes()[..end], at) else {
                // A value may be so long that the window does not hold enough of it to match.
                let more = unbroken(&text.as_bytes()[at..limit], end - at);
                if more == 0 {
                    // Where the search was given up, the last bytes may begin another value.
                    let rest = if end == limit { compiled.kind.window } else { 0 };
                    at = if end > stretch.end { at.max(end - rest) } else { at };
                    break;
                }
                end += more;
                continue;
            };
            let whole = all.get(0).expect("group 0 is the match").range();
            if whole.end == end && end < limit {
                // Cut off, perhaps: look again in a longer window, which doubles so that this stays linear.
                at = whole.start;
                end = (whole.end + 2 * (whole.end - whole.start).max(256)).min(limit);
                continue;
            }
            at = whole.end.max(at + 1);
            let Some(value) = all.name("secret").map(|m| m.range()) else { continue };
            let Some(written) = text.get(value.clone()) else { continue };
            if compiled.kind.key.is_some() && inside_word(text.as_bytes(), whole.start) {
                continue;
            }
            if written.is_empty()
                || is_sample(written)
                || allow.iter().any(|a| a.is_match(written.as_bytes()))
            {
                continue;
            }
            let sample = compiled.kind.samples.iter().any(|s| written.starts_with(s.as_str()));
            let outcome = compiled.checks.iter().map(|c| c.judge(written));
            let refuted = outcome.clone().any(|o| o == Outcome::Refuted);
            let proved = outcome.clone().any(|o| o == Outcome::Proved);
            if refuted {
                continue;
            }
            let certainty = if proved { Certainty::Proved } else { Certainty::Shaped };
            let explained = match &compiled.kind.key {
                _ if proved => whole.len(),
                _ if value.start == whole.start => usize::MAX,
                Some(_) => whole.len(),
                None => 0,
            };
            let general = compiled.general;
            found.push(Found {
                kind: compiled.kind.id.clone(),
                value,
                certainty,
                explained,
                general,
                sample,
            });
        }
        at
    }
}

/// Whether the name begins in the middle of a word: the `dd_api_key` in `add_api_key`. `myDdApiKey` is two.
fn inside_word(bytes: &[u8], at: usize) -> bool {
    let (Some(before), Some(first)) = (at.checked_sub(1).and_then(|i| bytes.get(i)), bytes.get(at)) else {
        return false;
    };
    let camel = before.is_ascii_lowercase() && first.is_ascii_uppercase();
    before.is_ascii_alphabetic() && first.is_ascii_alphabetic() && !camel
}

/// A value without a gap that is longer than this may go on behind its window.
const LONG: usize = 200;

/// How many bytes behind `end` continue a long unbroken value that begins before it.
fn unbroken(bytes: &[u8], end: usize) -> usize {
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-' | b'.');
    let before = bytes[..end].iter().rev().take(LONG).take_while(part).count();
    if before < LONG { 0 } else { bytes[end..].iter().take_while(part).count() }
}

/// Values that every documentation uses: one character many times, an alphabet, the word itself.
fn is_sample(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let run = |step: u8| {
        let mut longest = 1;
        let mut length = 1;
        for pair in bytes.windows(2) {
            length = if pair[0].is_ascii_alphanumeric() && pair[1] == pair[0].wrapping_add(step) {
                length + 1
            } else {
                1
            };
            longest = longest.max(length);
        }
        longest
    };
    // Keys begin with zeros by themselves (OpenSSH's are full of `A`).
    let long = value.len() > 200;
    !long && (run(0) >= 6 || run(1) >= 8 || repeats_itself(bytes))
        || [
            "example",
            "placeholder",
            "your_",
            "your-",
            "redacted",
            "changeme",
            "a1b2c3d4-e5f6",
            "123e4567-e89b",
        ]
        .iter()
        .any(|w| !long && lower.contains(w))
        || value.contains("...")
}

/// Whether some few characters are written again and again, as nobody draws them.
fn repeats_itself(bytes: &[u8]) -> bool {
    const AGAIN: usize = 14;
    (2..=8).any(|period| {
        let mut again = 0;
        bytes.iter().zip(bytes.iter().skip(period)).any(|(one, other)| {
            again = if one == other { again + 1 } else { 0 };
            again >= AGAIN
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::kinds::BUILT_IN;

    #[test]
    fn what_repeats_itself_is_a_sample() {
        for sample in
            ["gho_apasswapasswapasswapasswapasswapassw", "abababababababababab", "k-123412341234123412341234"]
        {
            assert!(is_sample(sample), "{sample}");
        }
        for drawn in [
            concat!("sk_li", "ve_fAIDpzuvoWqC0ktQbf8VsBEx"),
            "9f3a61c07b2e4d58a1c6e0f94b7d2385",
            "abcabcabcabc.q7Rk2ZpL9vXw",
        ] {
            assert!(!is_sample(drawn), "{drawn}");
        }
    }

    fn keyed() -> CredentialKind {
        toml::from_str(
            "id = 'acme-api-key'\ntitle = 'x'\nkeywords = ['acme']\nkey = 'acme[_.-]?api[_.-]?key'\n\
             value = '[0-9a-f]{32}'\n",
        )
        .expect("a kind")
    }

    #[test]
    fn a_keyed_kind_is_found_in_every_dialect() {
        let (regex, _) = compile(&keyed()).expect("a regex");
        const VALUE: &str = concat!("9f3a61c07b2e4d58", "a1c6e0f94b7d2385");
        for text in [
            "ACME_API_KEY=VAL",
            "export ACME_API_KEY='VAL';",
            "acme.api-key = VAL",
            "acmeApiKey: VAL # here",
            "acmeApiKey: >-\n  VAL\n",
            "{\"acmeApiKey\": \"VAL\"}",
            "{\\\"acmeApiKey\\\": \\\"VAL\\\"}",
            "<acmeApiKey>VAL</acmeApiKey>",
            "<acmeApiKey>\n  VAL\n</acmeApiKey>",
            "<add key=\"AcmeApiKey\" value=\"VAL\"/>",
            "- name: ACME_API_KEY\n  value: \"VAL\"\n",
            "{\"name\": \"ACME_API_KEY\", \"value\": \"VAL\"}",
            "ENV ACME_API_KEY VAL",
            "run --acme-api-key VAL -v",
            "run --acme-api-key=VAL",
            "cfg[\"acme_api_key\"] = \"VAL\"",
            "os.environ.setdefault(\"ACME_API_KEY\", \"VAL\")",
            "process.env.ACME_API_KEY || 'VAL'",
            "${ACME_API_KEY:-VAL}",
            "acme_api_key: str = 'VAL'",
            "const ACME_API_KEY: &'static str = \"VAL\";",
            "var acmeApiKey string = `VAL`",
            "acmeApiKey := \"VAL\"",
            "'acme_api_key' => 'VAL',",
            "define('ACME_API_KEY', 'VAL');",
            "new Acme().acmeApiKey(\"VAL\")",
            "ACME_API_KEY = b\"VAL\"",
            "ACME_API_KEY_PROD=VAL",
            "REACT_APP_ACME_API_KEY=VAL",
            "https://api.acme.io/v1?acme_api_key=VAL&x=1",
            "The Acme-API-Key VAL.",
        ] {
            let text = text.replace("VAL", VALUE);
            let found = regex.captures(text.as_bytes()).and_then(|c| c.name("secret")).map(|m| m.as_bytes());
            assert_eq!(found, Some(VALUE.as_bytes()), "{text}");
        }
        for text in [
            "api_key=VAL",
            "ACME_API_KEY_ID=VAL",
            "ACME_API_KEY_SHA256=VAL",
            "acme_api_keys/VAL",
            "ACME_API_KEY=VAL0",
            "ACME_API_KEY=VAL-x",
            "ACME_API_KEY=VAL/x",
            "ACME_API_KEY=xVAL",
            "acme_api_key() == VAL",
            "acme_api_key\nVAL",
        ] {
            let text = text.replace("VAL", VALUE);
            assert!(!regex.is_match(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_name_begins_where_a_word_begins() {
        for (text, at, inside) in [
            ("add_api_key", 1, true),
            ("ADD_API_KEY", 1, true),
            ("Add_api_key", 1, true),
            ("myDdApiKey", 2, false),
            ("my_dd_api_key", 3, false),
            ("2dd_api_key", 1, false),
            ("dd_api_key", 0, false),
        ] {
            assert_eq!(inside_word(text.as_bytes(), at), inside, "{text}");
        }
    }

    #[test]
    fn a_kind_has_one_way_of_being_found() {
        let kind = keyed();
        assert!(compile(&CredentialKind { value: None, ..kind.clone() }).is_err());
        assert!(compile(&CredentialKind { regex: Some("(?P<secret>x)".into()), ..kind }).is_err());
    }

    #[test]
    fn the_key_of_a_kind_names_its_provider() {
        for kind in BUILT_IN.iter().flat_map(|f| f.read().expect("well-formed").kinds) {
            let Some(key) = &kind.key else { continue };
            let key = build(&format!("(?i){key}")).expect("a regex");
            for plain in [
                "key",
                "token",
                "secret",
                "password",
                "api_key",
                "apiKey",
                "api-token",
                "access_key",
                "access-token",
                "client_secret",
                "clientSecret",
                "secret_key",
                "auth_token",
                "app_key",
                "private_key",
                "webhook_secret",
                "personal_access_token",
                "account_key",
                "license_key",
                "service_key",
                "user_token",
                "signing_secret",
            ] {
                assert!(!key.is_match(plain.as_bytes()), "{}: anybody's `{plain}`", kind.id);
            }
        }
    }

    #[test]
    fn every_kind_is_well_formed_and_named_once() {
        let mut ids = Vec::new();
        for file in BUILT_IN {
            let provider = file.read().expect("well-formed");
            assert!(provider.source.starts_with("https://"), "{}", file.path);
            let cut: Vec<Vec<String>> =
                file.keywords.iter().map(|k| k.iter().map(|w| (*w).to_owned()).collect()).collect();
            let written: Vec<Vec<String>> = provider.kinds.iter().map(|k| k.keywords.clone()).collect();
            assert_eq!(cut, written, "{}: keywords on one line each", file.path);
            for kind in prepare(provider).expect("checks exist") {
                compile(&kind.kind).expect("the regexes compile");
                assert!(
                    kind.kind.keywords.iter().all(|w| w.len() >= 3),
                    "{}: short keywords are met everywhere",
                    kind.kind.id
                );
                assert!(!kind.kind.title.is_empty());
                ids.push(kind.kind.id.clone());
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id is used twice");
    }
}
