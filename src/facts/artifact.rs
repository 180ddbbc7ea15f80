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
    /// A written word that names an environment.
    Stage(String),
    /// A variable that follows the environment: differs between staging and production by construction.
    Environment(String),
}

/// A name in parts: `shop-${{ matrix.env }}` is Literal("shop-"), Environment("matrix.env"), and `shop-staging` is
/// Literal("shop-"), Stage("staging").
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
        match (compare(&self.name, &other.name), versions(&self.version, &other.version)) {
            (Same::No, _) | (_, Same::No) => Same::No,
            (Same::Yes, Same::Yes) => Same::Yes,
            _ => Same::Unknown,
        }
    }

    /// Whether two mentions have one version, as [`Artifact::same`] judges it.
    pub fn same_version(&self, other: &Artifact) -> Same {
        match (&self.digest, &other.digest) {
            (Some(a), Some(b)) if a == b => Same::Yes,
            (Some(_), _) | (_, Some(_)) => Same::Unknown,
            _ => versions(&self.version, &other.version),
        }
    }

    /// Whether name or version follows the environment.
    pub fn follows_environment(&self) -> bool {
        self.name.iter().chain(&self.version).any(|p| matches!(p, Part::Stage(_) | Part::Environment(_)))
    }

    /// What it is called whatever the environment and the registry: `shop` of `eu.example.com/shop-staging`.
    /// `None` if nothing is left.
    pub fn stem(&self) -> Option<String> {
        let name: String = self
            .name
            .iter()
            .filter_map(|part| match part {
                Part::Literal(text) => Some(text.clone()),
                Part::Variable(name) => Some(format!("{{{name}}}")),
                Part::Stage(_) | Part::Environment(_) => None,
            })
            .collect();
        let image = self.kind == ArtifactKind::Image;
        let name = if image { name.rsplit('/').next().unwrap_or("") } else { &name };
        let name = name.trim_matches(['-', '_', '.', '/']).to_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Whether two mentions mean one thing, whatever its version, environment and registry.
    pub fn is_version_of(&self, other: &Artifact) -> bool {
        self.kind == other.kind && self.stem().is_some_and(|stem| Some(stem) == other.stem())
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
    let literal = |parts: &Parts| parts.iter().all(|p| matches!(p, Part::Literal(_) | Part::Stage(_)));
    if a == b {
        if a.is_empty() { Same::Unknown } else { Same::Yes }
    } else if literal(a) && literal(b) && !a.is_empty() && !b.is_empty() {
        Same::No
    } else {
        Same::Unknown
    }
}

/// As names are, but a commit's hash is no word such as `latest`.
fn versions(a: &Parts, b: &Parts) -> Same {
    let commit = |parts: &Parts| matches!(parts.as_slice(), [Part::Variable(name)] if name == "commit");
    let word = |parts: &Parts| match parts.as_slice() {
        [Part::Stage(_)] => true,
        [Part::Literal(text)] => text.len() < 7 || !text.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => false,
    };
    if commit(a) && word(b) || word(a) && commit(b) { Same::No } else { compare(a, b) }
}

fn text(parts: &Parts) -> String {
    parts
        .iter()
        .map(|p| match p {
            Part::Literal(t) | Part::Stage(t) => t.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileId;

    fn image(name: &[Part], version: &[Part]) -> Artifact {
        let place = Span::new(FileId(0), 0..1);
        Artifact {
            kind: ArtifactKind::Image,
            name: name.to_vec(),
            version: version.to_vec(),
            digest: None,
            place,
        }
    }

    fn l(text: &str) -> Part {
        Part::Literal(text.into())
    }

    fn v(name: &str) -> Part {
        Part::Variable(name.into())
    }

    fn s(word: &str) -> Part {
        Part::Stage(word.into())
    }

    fn e(name: &str) -> Part {
        Part::Environment(name.into())
    }

    #[test]
    fn two_mentions_are_one_thing_only_if_nothing_in_them_can_differ() {
        let shop = [l("r.example.com/shop")];
        for (a, b, expected, again) in [
            ((&shop[..], &[v("commit")][..]), (&shop[..], &[v("commit")][..]), Same::Yes, true),
            ((&shop, &[l("1.4.2")]), (&shop, &[l("1.4.2")]), Same::Yes, true),
            ((&shop, &[l("1.4.2")]), (&shop, &[l("1.4.3")]), Same::No, true),
            ((&shop, &[v("commit")]), (&shop, &[l("latest")]), Same::No, true),
            ((&shop, &[v("commit")]), (&shop, &[l("0badcafe")]), Same::Unknown, true),
            ((&shop, &[v("commit")]), (&shop, &[v("tag")]), Same::Unknown, true),
            ((&shop, &[]), (&shop, &[]), Same::Unknown, true),
            ((&shop, &[s("staging")]), (&shop, &[s("prod")]), Same::No, true),
            ((&shop, &[s("live")]), (&shop, &[s("live")]), Same::Yes, true),
            ((&shop, &[v("commit")]), (&shop, &[s("live")]), Same::No, true),
            ((&shop, &[e("STAGE")]), (&shop, &[e("STAGE")]), Same::No, true),
            ((&[l("shop-"), s("staging")], &[l("1")]), (&[l("shop-"), s("prod")], &[l("1")]), Same::No, true),
            ((&shop, &[l("1")]), (&[l("eu.example.com/acme/shop")], &[l("1")]), Same::No, true),
            ((&shop, &[l("1")]), (&[l("r.example.com/till")], &[l("1")]), Same::No, false),
        ] {
            let (a, b) = (image(a.0, a.1), image(b.0, b.1));
            assert_eq!((a.same(&b), b.same(&a)), (expected, expected), "{a:?} {b:?}");
            assert_eq!(a.is_version_of(&b), again, "{a:?} {b:?}");
        }
    }
}
