//! Image references outside pipelines: Dockerfiles, compose files, Kubernetes manifests.

use super::commands::split_image;
use crate::facts::{BaseImage, SettingSource, Value};
use crate::text::Span;

/// Whether the run decides what a text means: it holds an expansion or a template.
pub(super) fn is_open(text: &str) -> bool {
    ["${", "$(", "{{", "<%", "<<"].iter().any(|mark| text.contains(mark))
        || text
            .match_indices('$')
            .any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// The image reference `reference`, written at `place`. `name:tag@digest` has tag and digest.
/// <https://pkg.go.dev/github.com/distribution/reference>
pub(super) fn image(reference: &str, place: Span, source: SettingSource) -> BaseImage {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (reference, None),
    };
    let (name, tag) = split_image(rest);
    let known = reference.to_owned();
    BaseImage {
        place,
        name,
        tag: tag.filter(|t| !t.is_empty()),
        digest,
        reference: if is_open(reference) { Value::Expr(known) } else { Value::Known(known) },
        stage_reference: false,
        last: false,
        source,
        local_only: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileId;

    #[test]
    fn a_reference_falls_into_name_tag_and_digest() {
        for (reference, name, tag, digest) in [
            ("alpine", "alpine", None, None),
            ("host:5000/a/b:1.2", "host:5000/a/b", Some("1.2"), None),
            ("a:1@sha256:ab", "a", Some("1"), Some("sha256:ab")),
            ("a@sha256:ab", "a", None, Some("sha256:ab")),
            ("a:${TAG:-1}", "a:${TAG:-1}", None, None),
            ("a:${TAG}", "a:${TAG}", None, None),
            ("", "", None, None),
        ] {
            let read = image(reference, Span::start_of(FileId(0)), SettingSource::Config);
            assert_eq!(
                (read.name.as_str(), read.tag.as_deref(), read.digest.as_deref()),
                (name, tag, digest),
                "{reference}"
            );
        }
    }

    #[test]
    fn an_expansion_leaves_a_text_open_and_a_lone_dollar_does_not() {
        for (text, open) in [
            ("a$b", true),
            ("${x}", true),
            ("{{ .Values.tag }}", true),
            ("5$", false),
            ("$1", false),
            ("pa$$", false),
        ] {
            assert_eq!(is_open(text), open, "{text}");
        }
    }
}
