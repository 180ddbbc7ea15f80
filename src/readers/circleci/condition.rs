//! `when`, `unless`, `filters`: what a workflow, a job or a step depends on.
//! <https://circleci.com/docs/configuration-reference/#logic-statements>

use super::parameters::{Scope, truth};
use crate::syntax::tree::{Kind, Node};
use std::rc::Rc;

/// Statements within statements that are followed.
const DEEPEST: usize = 32;

/// What restricts a run; `None` means that nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) branches: Option<Vec<String>>,
    /// `tag`, or sources of a trigger (`webhook`, `api`, `scheduled_pipeline`).
    pub(super) events: Option<Vec<String>>,
    /// Tag patterns, if tags are spoken of.
    pub(super) tags: Vec<String>,
    /// It never runs.
    pub(super) never: bool,
}

impl Limits {
    fn and(mut self, other: Limits) -> Limits {
        self.branches = other.branches.or(self.branches);
        self.events = other.events.or(self.events);
        self.tags.extend(other.tags);
        self.never |= other.never;
        self
    }

    fn or(mut self, other: Limits) -> Limits {
        let wide = |a: Option<Vec<String>>, b: Option<Vec<String>>| {
            let (mut a, b) = (a?, b?);
            a.extend(b);
            Some(a)
        };
        self.branches = wide(self.branches, other.branches);
        self.events = wide(self.events, other.events);
        self.tags.extend(other.tags);
        self.never &= other.never;
        self
    }

    fn of(subject: &str, value: &str) -> Limits {
        let list = || Some(vec![value.to_owned()]);
        match subject {
            "${CIRCLE_BRANCH}" => Limits { branches: list(), ..Limits::default() },
            "${CIRCLE_TAG}" => {
                Limits { events: Some(vec!["tag".into()]), tags: vec![value.to_owned()], ..Limits::default() }
            }
            "${pipeline_trigger_source}" => Limits { events: list(), ..Limits::default() },
            _ => Limits::default(),
        }
    }
}

/// Whether a statement holds; `None` if the run decides. With `by_default`, every parameter of the pipeline has
/// its default.
pub(super) fn holds(node: Node<'_>, scope: &Scope<'_>, by_default: bool, depth: usize) -> Option<bool> {
    let text = |n: Node<'_>| {
        let text = n.as_str().unwrap_or("");
        if by_default { scope.fill_by_default(text) } else { scope.fill(text) }
    };
    if depth > DEEPEST {
        return None;
    }
    match node.kind() {
        Kind::Null => Some(false),
        Kind::Sequence => None,
        Kind::Scalar if is_expression(node.as_str().unwrap_or("")) => None,
        Kind::Scalar => truth(&text(node)),
        Kind::Mapping => {
            let (key, value) = node.entries().next()?;
            let inner = |n: Node<'_>| holds(n, scope, by_default, depth + 1);
            let all = || value.items().map(inner).collect::<Vec<_>>();
            match key.as_str()? {
                "and" => {
                    let all = all();
                    match all.contains(&Some(false)) {
                        true => Some(false),
                        false => all.iter().all(|v| *v == Some(true)).then_some(true),
                    }
                }
                "or" => {
                    let all = all();
                    match all.contains(&Some(true)) {
                        true => Some(true),
                        false => all.iter().all(|v| *v == Some(false)).then_some(false),
                    }
                }
                "not" => inner(value).map(|v| !v),
                "equal" => {
                    let texts: Vec<String> = value.items().map(text).collect();
                    let open = texts.iter().any(|t| t.contains("${"));
                    (!open).then(|| texts.windows(2).all(|pair| pair[0] == pair[1]))
                }
                "condition" => inner(value),
                _ => None,
            }
        }
    }
}

/// What a statement restricts to.
pub(super) fn limits(node: Node<'_>, scope: &Scope<'_>, depth: usize) -> Limits {
    if depth > DEEPEST {
        return Limits::default();
    }
    let text = |n: Node<'_>| scope.fill(n.as_str().unwrap_or(""));
    match node.kind() {
        Kind::Scalar => {
            let written = node.as_str().unwrap_or("");
            if is_expression(written) { of_expression(written) } else { Limits::default() }
        }
        Kind::Mapping => {
            let Some((key, value)) = node.entries().next() else { return Limits::default() };
            let inner = |n: Node<'_>| limits(n, scope, depth + 1);
            match key.as_str().unwrap_or("") {
                "and" => value.items().map(inner).fold(Limits::default(), Limits::and),
                "or" => value.items().map(inner).reduce(Limits::or).unwrap_or_default(),
                "condition" => inner(value),
                "equal" => {
                    let texts: Vec<String> = value.items().map(text).collect();
                    let Some(subject) = texts.iter().find(|t| t.starts_with("${")) else {
                        return Limits::default();
                    };
                    let others = texts.iter().filter(|t| !t.contains("${") && !t.is_empty());
                    others.map(|t| Limits::of(subject, t)).reduce(Limits::or).unwrap_or_default()
                }
                "matches" => match (value.get("pattern"), value.get("value")) {
                    (Some(pattern), Some(subject)) => {
                        Limits::of(&text(subject), &plain(&format!("/{}/", text(pattern))))
                    }
                    _ => Limits::default(),
                },
                _ => Limits::default(),
            }
        }
        _ => Limits::default(),
    }
}

/// A statement that is written as one text: `pipeline.git.branch == "main"`.
fn is_expression(text: &str) -> bool {
    !text.contains("<<") && text.contains("pipeline.")
}

/// <https://circleci.com/docs/guides/orchestrate/using-branch-filters/>
fn of_expression(text: &str) -> Limits {
    if text.contains(['(', ')']) || text.len() > 4096 {
        return Limits::default();
    }
    let term = |term: &str| {
        let mut words = term.split_whitespace();
        let (subject, operator) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let value = words.collect::<Vec<_>>().join(" ");
        let value = value.trim_matches(['"', '\'']);
        let subject = match subject {
            "pipeline.git.branch" => "${CIRCLE_BRANCH}",
            "pipeline.git.tag" => "${CIRCLE_TAG}",
            "pipeline.trigger_source" => "${pipeline_trigger_source}",
            _ => return Limits::default(),
        };
        match operator {
            "==" => Limits::of(subject, value),
            "starts-with" => Limits::of(subject, &format!("{value}*")),
            "matches" | "=~" => Limits::of(subject, &plain(value)),
            _ => Limits::default(),
        }
    };
    let both = |both: &str| both.split(" and ").map(term).fold(Limits::default(), Limits::and);
    text.split(" or ").map(both).reduce(Limits::or).unwrap_or_default()
}

/// `filters:` of a job, or of a schedule. Tags start a job only if a filter speaks of them.
/// <https://circleci.com/docs/configuration-reference/#jobfilters>
pub(super) fn filters(node: Node<'_>, scope: &Rc<Scope<'_>>) -> (Limits, String) {
    if let Some(text) = node.as_str() {
        return (of_expression(text), text.to_owned());
    }
    let list = |kind: &str, key: &str| -> Vec<String> {
        let values = node.get(kind).and_then(|b| b.get(key)).into_iter().flat_map(|o| o.one_or_more());
        values.filter_map(|n| Some(plain(&scope.fill(n.as_str()?)))).collect()
    };
    let (only, ignored) = (list("branches", "only"), list("branches", "ignore"));
    let (tags, no_tags) = (list("tags", "only"), list("tags", "ignore"));
    let every = |all: &[String]| all.iter().any(|p| p == "/.*/" || p == "*" || p == "/.+/");
    let on_tags = !tags.is_empty() || !no_tags.is_empty() && !every(&no_tags);
    let on_branches = !every(&ignored);
    let mut limits = Limits { tags: tags.clone(), never: !on_branches && !on_tags, ..Limits::default() };
    if !on_branches {
        limits.events = Some(vec!["tag".into()]);
    } else if !only.is_empty() && !every(&only) && !on_tags {
        limits.branches = Some(only.clone());
    }
    let mut parts = Vec::new();
    for (what, names) in
        [("branches", &only), ("branches but", &ignored), ("tags", &tags), ("tags but", &no_tags)]
    {
        if !names.is_empty() {
            parts.push(format!("{what}: {}", names.join(", ")));
        }
    }
    (limits, parts.join("; "))
}

/// A pattern that only one name fits is that name: `/^main$/`.
pub(super) fn plain(pattern: &str) -> String {
    let inner = pattern.strip_prefix('/').and_then(|p| p.strip_suffix('/'));
    let Some(inner) = inner else { return pattern.to_owned() };
    let bare = inner.trim_start_matches('^').trim_end_matches('$');
    let literal = bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if literal && !bare.is_empty() { bare.to_owned() } else { pattern.to_owned() }
}
