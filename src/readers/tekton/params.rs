//! Parameters, and the places where Tekton puts them in.
//! <https://tekton.dev/docs/pipelines/variables/>

use crate::readers::placeholders::Values;
use crate::syntax::tree::{Kind, Node};
use std::ops::Range;

/// What a variable's name begins with; `$(` before anything else is the shell's.
const ROOTS: &[&str] = &[
    "params",
    "inputs",
    "outputs",
    "workspaces",
    "results",
    "context",
    "steps",
    "tasks",
    "tt",
    "step",
    "credentials",
    "body",
    "header",
    "extensions",
    "finally",
];

/// The commit that is built, under a name that all dialects share.
pub(super) const COMMIT: &str = "${GIT_COMMIT}";

/// Where `$(params.x)`, `$(params["x"])` and their like stand, each with the name.
pub(in crate::readers) fn placeholders(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("$(") {
        let inside = &text[at + 2..];
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-[]*\"'".contains(&b);
        let length = inside.bytes().take(256).take_while(|b| fits(*b)).count();
        let name = &inside[..length];
        let root = name.split(['.', '[']).next().unwrap_or("");
        if inside.as_bytes().get(length) == Some(&b')') && root.len() < length && ROOTS.contains(&root) {
            found.push((at..at + length + 3, plain(name)));
        }
    }
    found
}

/// `params["x"]`, `params['x']` and `inputs.params.x` as `params.x`; `params.x[*]` too.
fn plain(name: &str) -> String {
    let name = name.strip_prefix("inputs.").filter(|n| n.starts_with("params")).unwrap_or(name);
    let name = name.strip_prefix("tt.").unwrap_or(name);
    let name = name.replace("[\"", ".").replace("['", ".").replace("\"]", "").replace("']", "");
    name.trim_end_matches("[*]").to_owned()
}

/// A text in which commits go by the name that all dialects share: those of Pipelines as Code, of a webhook's body, and
/// of the catalog's git-clone.
pub(super) fn with_commits(text: &str) -> String {
    let mut text = text.to_owned();
    for written in [
        "{{revision}}",
        "{{ revision }}",
        "$(body.head_commit.id)",
        "$(body.after)",
        "$(body.pull_request.head.sha)",
    ] {
        text = text.replace(written, COMMIT);
    }
    // `$(tasks.fetch.results.commit)`
    let found = placeholders(&text).into_iter().rev();
    for (range, name) in found {
        let commit = name.ends_with(".results.commit") || name.ends_with(".results.short-commit");
        if commit && name.starts_with("tasks.") {
            text.replace_range(range, COMMIT);
        }
    }
    text
}

/// A parameter's value as texts: of a list its items.
pub(super) fn texts(value: Node<'_>) -> Vec<String> {
    match value.kind() {
        Kind::Scalar => value.as_str().map(with_commits).into_iter().collect(),
        Kind::Sequence => value.items().filter_map(|i| i.as_str()).map(with_commits).take(16).collect(),
        _ => Vec::new(),
    }
}

/// The name under which a parameter is looked up.
pub(super) fn key(name: &str) -> String {
    crate::readers::placeholders::variable(&format!("params.{name}"))
}

/// Declared parameters with their defaults.
pub(super) fn defaults(declared: Option<Node<'_>>, into: &mut Values) {
    for param in declared.into_iter().flat_map(|p| p.items()) {
        let Some(name) = param.get("name").and_then(|n| n.as_str()) else { continue };
        let value = param.get("default").map(texts).unwrap_or_default();
        into.set(&key(name), value);
    }
}

/// Parameters that are given, with the outer ones put in.
pub(super) fn given<'t>(list: Option<Node<'t>>, outer: &Values) -> Vec<(&'t str, Node<'t>, Vec<String>)> {
    let params = list.into_iter().flat_map(|p| p.items()).filter(|p| p.kind() == Kind::Mapping);
    params
        .filter_map(|param| {
            let (name, value) = (param.get("name")?.as_str()?, param.get("value")?);
            let all: Vec<String> =
                texts(value).iter().flat_map(|t| outer.expand(t, placeholders)).take(16).collect();
            Some((name, value, all))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shells_own_substitution_is_none_of_ours() {
        for (text, names) in [
            ("$(params.image)", &["params.image"][..]),
            ("$(inputs.params.image-tag)", &["params.image-tag"]),
            ("$(params[\"a.b\"]) $(params['c'])", &["params.a.b", "params.c"]),
            ("$(params.list[*])", &["params.list"]),
            ("$(tt.params.rev)", &["params.rev"]),
            ("$(workspaces.source.path)/x", &["workspaces.source.path"]),
            ("$(git rev-parse HEAD)", &[]),
            ("$(params)", &[]),
            ("$(params.open", &[]),
            ("$(cat $(results.x.path))", &["results.x.path"]),
        ] {
            let found: Vec<String> = placeholders(text).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names, "{text}");
        }
    }

    #[test]
    fn a_commit_has_one_name() {
        for text in ["shop:{{revision}}", "shop:$(tasks.fetch.results.commit)", "shop:$(body.head_commit.id)"]
        {
            assert_eq!(with_commits(text), "shop:${GIT_COMMIT}");
        }
    }
}
