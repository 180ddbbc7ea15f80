//! What is built, stored and deployed, and whether two mentions are the same thing.

use super::{FieldKind, FieldValue, Places, field::Field, words};
use crate::text::Span;
use serde_json::{Value as Json, json};

words! {
    /// What sort of thing an artifact is.
    pub enum ArtifactKind {
        /// A container image.
        Image = "image",
        /// A package of a language's registry.
        Package = "package",
        /// Files: a bundle, a folder, an archive.
        Files = "files",
        /// A chart or other deployment package.
        Chart = "chart",
    }
}

/// A piece of a name or version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// Written out.
    Literal(String),
    /// A variable or expression, by its normalised name (`github.sha`, `CI_COMMIT_SHA` → `commit`).
    Variable(String),
    /// Follows the environment: differs between staging and production by construction.
    Environment(String),
}

/// A name in parts: `shop-${{ matrix.env }}` is Literal("shop-"), Environment("matrix.env").
pub type Parts = Vec<Part>;

/// The answer of [`Artifact::same`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// One artifact.
    Yes,
    /// Two different ones.
    No,
    /// The files do not tell.
    Unknown,
}

/// One mention of a thing that is built, stored or deployed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Artifact {
    /// What sort of thing.
    pub kind: ArtifactKind,
    /// Its name without version, e.g. `registry/shop`.
    pub name: Parts,
    /// Tag or version; empty when none is written.
    pub version: Parts,
    /// A content digest (`sha256:…`) or an expression that yields one.
    pub digest: Option<String>,
    /// Where it is mentioned.
    pub place: Span,
}

impl Artifact {
    /// Whether two mentions mean one thing. A name part that follows the environment makes it `No`; a
    /// variable on one side only, or an absent version, leaves it `Unknown`.
    pub fn same(&self, other: &Artifact) -> Same {
        if self.kind != other.kind {
            return Same::No;
        }
        if let (Some(a), Some(b)) = (&self.digest, &other.digest) {
            return if a == b { Same::Yes } else { Same::Unknown };
        }
        match (compare(&self.name, &other.name), compare(&self.version, &other.version)) {
            (Same::No, _) | (_, Same::No) => Same::No,
            (Same::Yes, Same::Yes) => Same::Yes,
            _ => Same::Unknown,
        }
    }

    /// Whether name or version follows the environment.
    pub fn follows_environment(&self) -> bool {
        self.name.iter().chain(&self.version).any(|p| matches!(p, Part::Environment(_)))
    }

    /// The name as one text, variables in braces.
    pub fn name_text(&self) -> String {
        text(&self.name)
    }

    /// The version as one text; empty when none is written.
    pub fn version_text(&self) -> String {
        text(&self.version)
    }
}

fn compare(a: &Parts, b: &Parts) -> Same {
    if a.iter().chain(b).any(|p| matches!(p, Part::Environment(_))) {
        return Same::No;
    }
    let literal = |parts: &Parts| parts.iter().all(|p| matches!(p, Part::Literal(_)));
    if a == b {
        if a.is_empty() { Same::Unknown } else { Same::Yes }
    } else if literal(a) && literal(b) && !a.is_empty() && !b.is_empty() {
        Same::No
    } else {
        Same::Unknown
    }
}

fn text(parts: &Parts) -> String {
    parts
        .iter()
        .map(|p| match p {
            Part::Literal(t) => t.clone(),
            Part::Variable(v) | Part::Environment(v) => format!("{{{v}}}"),
        })
        .collect()
}

impl Field for Artifact {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        let version = self.version_text();
        FieldValue::Text(match &self.digest {
            Some(d) => format!("{}@{d}", self.name_text()),
            None if version.is_empty() => self.name_text(),
            None => format!("{}:{version}", self.name_text()),
        })
    }
    fn json(&self, places: Places<'_>) -> Json {
        json!({ "kind": self.kind.name(), "name": self.name_text(), "version": self.version_text(),
                "digest": self.digest, "place": places(self.place) })
    }
}
