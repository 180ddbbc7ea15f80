//! Credential kinds: what the tokens of each provider look like, as the provider documents it.
//!
//! One file per provider lies in `rules/secrets/kinds/`. Only keywords are known at start; a file is
//! read when the first of its keywords is met in a text.

use serde::Deserialize;

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
    /// Regular expression over bytes with ASCII classes; its group `secret` is the value.
    pub regex: String,
    /// Bytes after a keyword in which the credential ends; longer ones are followed to their end.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Bytes before a keyword in which the credential may begin.
    #[serde(default)]
    pub before: usize,
    /// Structural checks of the value: `crc32-base62-github`, `aws-key-id`, `jwt`, `pem`, `basic-auth`,
    /// `min-entropy = 3.0` (bits per character).
    #[serde(default)]
    pub checks: Vec<String>,
    /// Regular expressions of values that the provider's own documentation uses as samples.
    #[serde(default)]
    pub allow: Vec<String>,
}

fn default_window() -> usize {
    256
}

impl KindFile {
    /// Reads the kinds. The reason, with line and column, if the file is malformed.
    pub fn read(&self) -> Result<Provider, String> {
        toml::from_str(self.head).map_err(|e| format!("{}: {e}", self.path))
    }
}
