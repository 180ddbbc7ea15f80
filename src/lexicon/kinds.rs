//! Credential kinds: what the tokens of each provider look like, as the provider documents it.
//!
//! One file per provider lies in `rules/secrets/kinds/`. Only keywords are known at start; a file is
//! read when the first of its keywords is met in a text.

use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;

/// The file of one provider, cut up but not yet read.
#[derive(Debug, Clone, Copy)]
pub struct KindFile {
    /// Path from the root of this repository.
    pub path: &'static str,
    /// The kinds.
    pub head: &'static str,
    /// The examples; read by tests only.
    pub tail: &'static str,
    /// For each kind of the file, in order, the words one of which stands near every such credential.
    pub keywords: &'static [&'static [&'static str]],
}

include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

/// A provider's file, read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The provider's name.
    pub provider: String,
    /// The provider's page that documents the formats.
    pub source: String,
    /// Whether these are formats of everybody (a JSON Web Token, a private key): where a provider's own kind
    /// lies in the same place, that one says more.
    #[serde(default)]
    pub general: bool,
    /// Its kinds.
    #[serde(rename = "kind")]
    pub kinds: Vec<CredentialKind>,
}

/// One kind of credential.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialKind {
    /// Name in findings, e.g. `aws-access-key-id`.
    pub id: String,
    /// What it is, for people.
    pub title: String,
    /// The page that documents this kind, where it is another than the provider's.
    pub source: Option<String>,
    /// Words one of which stands near every such credential; compared without regard to ASCII case. On
    /// one line of the file, without escapes, for the build cuts them out.
    pub keywords: Vec<String>,
    /// Regular expression over bytes with ASCII classes; its group `secret` is the value. Either this or
    /// both `key` and `value`; [`CredentialKind::pattern`] is what is searched for.
    pub regex: Option<String>,
    /// For values that have no shape of their own: regular expression of the names that they are given
    /// to, without regard to case. Each name says the provider and what it is for, e.g.
    /// `datadog[_.-]?api[_.-]?key`; words before it and the name of an environment behind it may follow.
    pub key: Option<String>,
    /// Regular expression of the value behind `key`.
    pub value: Option<String>,
    /// Bytes after a keyword in which the credential ends; longer ones are followed to their end.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Bytes before a keyword in which the credential may begin. At least the length of a name, if the kind
    /// has a `key`.
    #[serde(default)]
    pub before: usize,
    /// Structural checks of the value: `crc32-base62-github` (npm's, Polar's and JSR's too),
    /// `crc32-base62-synapse`, `crc32-hex-packagist`, `crc32-hex-cloudflare`, `crc32-hex-grafana`,
    /// `crc32-base64-confluent`, `crc32-base36-gitlab`, `aws-key-id`, `jwt`, `json-token` (a prefix and a JSON
    /// object in Base64), `pem`, `bech32`, `macaroon-pypi`, `basic-auth`, `min-entropy = 3.0` (bits per
    /// character), `random` (neither words nor a placeholder). A kind that has a `key` and names no check is
    /// checked for `random`.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Regular expressions of values that look so but are none of this kind.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Beginnings of the values that the provider's own documents show, and of those that every installation
    /// has. No name makes a credential of them.
    #[serde(default)]
    pub samples: Vec<String>,
}

fn default_window() -> usize {
    256
}

/// Between a name and its value: what closes the name, a sign that assigns (a type may stand before it),
/// what opens the value. The dialects are those of `.env`, YAML, JSON, INI, XML, HCL, shell, command lines
/// and the common programming languages; names and values in attributes of their own (`name: X`,
/// `value: Y`) are among them.
const ASSIGNMENT: &str = concat!(
    r"(?i:[_.-]?(?:value|prod|production|prd|live|dev|development|staging|stage|stg|test|local|sandbox",
    r"|primary|secondary|ci|[0-9]{1,2}))?",
    r#"["'`\\\])}]{0,4}"#,
    r"(?:>\s{0,40}|[ \t]*",
    r"(?:(?::[ \t]*|[ \t])[A-Za-z&][0-9A-Za-z_<>&'\[\].|? ]{0,30}=|=>|:=|:-|[|?:]{1,2}=|\|\||\?\?|[:=,(])[ \t]*",
    r"(?:[|>][+-]?[ \t]*\r?\n[ \t]*)?",
    r#"|,?\s{1,40}["']?value["'\\]{0,2}[ \t]*[:=][ \t]*"#,
    r"|[ \t]+)",
    r#"[\[({]?(?:[bru@]?["'`\\]{1,4})?"#,
);

/// No part of something longer: an address, a path, another value.
const END: &str = r"(?:[^0-9A-Za-z_+/=.-]|\.(?:\s|$)|$)";

/// A longer name is none.
const LONGEST_KEY: usize = 64;

impl CredentialKind {
    /// The regular expression whose group `secret` is the value. The reason if the kind has none, or more
    /// than one.
    pub fn pattern(&self) -> Result<Cow<'_, str>, String> {
        match (&self.regex, &self.key, &self.value) {
            (Some(regex), None, None) => Ok(Cow::Borrowed(regex)),
            (None, Some(key), Some(value)) => {
                Ok(Cow::Owned(format!("(?i:{key}){ASSIGNMENT}(?P<secret>{value}){END}")))
            }
            _ => Err(format!("{}: either `regex`, or `key` and `value`", self.id)),
        }
    }

    /// Bytes before a keyword at which the search begins.
    pub fn reach_back(&self) -> usize {
        if self.key.is_some() { self.before.max(LONGEST_KEY) } else { self.before }
    }
}

impl KindFile {
    /// Reads the kinds. The reason, with line and column, if the file is malformed.
    pub fn read(&self) -> Result<Provider, String> {
        Provider::parse(self.head).map_err(|e| format!("{}: {e}", self.path))
    }
}

impl Provider {
    /// Reads the part of a provider's file that stands before its examples.
    pub(crate) fn parse(head: &str) -> Result<Provider, toml::de::Error> {
        let mut provider: Provider = toml::from_str(head)?;
        for kind in &mut provider.kinds {
            if kind.key.is_some() && kind.checks.is_empty() {
                kind.checks.push("random".to_owned());
            }
        }
        Ok(provider)
    }
}

/// Where the examples begin, which stand last in a file of kinds as in a rule's. In bytes.
pub(crate) fn examples_start(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[bad]]") || line.starts_with("[[good]]") {
            return at;
        }
        at += line.len();
    }
    text.len()
}

/// A team's own file of kinds. There is one only of what can be searched for and does what its examples say.
#[derive(Debug, Clone)]
pub struct TriedKinds {
    /// Path of the file, as it is shown.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) provider: Provider,
    /// How many examples hold.
    pub(crate) examples: usize,
}

impl TriedKinds {
    /// Path of the file, as it is shown.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The kinds.
    pub fn kinds(&self) -> &[CredentialKind] {
        &self.provider.kinds
    }

    /// How many examples it has, all of which hold.
    pub fn examples(&self) -> usize {
        self.examples
    }
}

/// What keeps a team's own file of kinds from being used. Quotes no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindFault {
    /// The number of the file among those that were tried.
    pub file: usize,
    /// Where in its text, in bytes.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}
