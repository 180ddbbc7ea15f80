//! What patches change, on objects whose values are known by their paths.
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/>

use super::setting;
use crate::facts::{Resource, Setting};
use crate::readers::config::known;
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;
use std::collections::BTreeSet;

/// More changes of one patch tell nothing more.
const MOST_EDITS: usize = 2_000;

/// A change of an object.
enum Edit {
    /// A value is set.
    Set(Setting),
    /// What stands at a path and below it goes.
    Remove(String),
    /// A list is written anew: it has no items that could be told apart.
    Clear(String),
    /// The same, by a pointer of JSON, and what comes there instead. Items of lists are counted.
    Point { pointer: Vec<String>, remove: bool, value: Vec<Setting> },
    /// Nobody knows what comes here.
    Open,
}

/// One patch, and what it is for.
pub(super) struct Patch {
    kind: Option<String>,
    name: Option<String>,
    /// Labels that it is for: these are not looked at one by one.
    selects: bool,
    edits: Vec<Edit>,
}

type Back<'b> = &'b dyn Fn(Span) -> Span;

impl Patch {
    /// Reads a document: a list of operations, or a part of an object. `back` leads from places in it to places in
    /// its file.
    pub(super) fn new(document: Node<'_>, target: Option<Node<'_>>, back: Back<'_>) -> Option<Patch> {
        let text = |node: Node<'_>, path: &[&str]| node.at(path).and_then(|n| n.as_str()).map(str::to_owned);
        let mut edits = Vec::new();
        let operations = document.kind() == Kind::Sequence;
        if operations {
            for operation in document.items() {
                operated(operation, back, &mut edits);
            }
        } else {
            if document.get("$patch").and_then(|p| p.as_str()) == Some("delete") {
                edits.push(Edit::Remove(String::new()));
            }
            let own = |key: &str| !matches!(key, "apiVersion" | "kind" | "$patch");
            for (key, value) in document.entries().filter(|(k, _)| k.as_str().is_some_and(own)) {
                let mut path = key.as_str().unwrap_or("").to_owned();
                merged(key, value, &mut path, back, &mut edits);
            }
        }
        let of_target = |key: &str| target.and_then(|t| text(t, &[key]));
        let of_object = |path: &[&str]| if operations { None } else { text(document, path) };
        let (kind, name) = match target {
            Some(_) => (of_target("kind"), of_target("name")),
            None => (of_object(&["kind"]), of_object(&["metadata", "name"])),
        };
        if target.is_none() && (kind.is_none() || name.is_none()) {
            return None;
        }
        // With a target the name in the patch says nothing.
        edits.retain(|e| !matches!(e, Edit::Set(s) if matches!(s.path.as_str(), "metadata.name" | "metadata.namespace")));
        let selects = ["labelSelector", "annotationSelector"]
            .iter()
            .any(|key| target.is_some_and(|t| t.get(key).is_some()));
        Some(Patch { kind, name, selects, edits })
    }

    /// Whether it is for this object.
    pub(super) fn meets(&self, resource: &Resource, first_name: &str) -> bool {
        let kind = self.kind.as_deref().is_none_or(|k| matches(k, &resource.sort));
        let name =
            self.name.as_deref().is_none_or(|n| matches(n, first_name) || matches(n, &resource.name.text()));
        kind && name
    }

    /// Changes an object.
    pub(super) fn apply(&self, resource: &mut Resource) {
        // Which labels an object has in the end, is not followed: it may be changed or not.
        if self.selects {
            resource.open.push(String::new());
            return;
        }
        for edit in &self.edits {
            match edit {
                Edit::Set(new) => match resource.entries.iter_mut().find(|e| e.path == new.path) {
                    Some(old) => *old = new.clone(),
                    None => resource.entries.push(new.clone()),
                },
                Edit::Remove(path) => resource.entries.retain(|e| !is_below(&e.path, path)),
                Edit::Clear(list) => resource.entries.retain(|e| !is_item(&e.path, list)),
                Edit::Point { pointer, remove, value } => {
                    let (path, new_item) = located(&resource.entries, pointer);
                    if *remove && !new_item {
                        resource.entries.retain(|e| !is_below(&e.path, &path));
                    }
                    let name = value.iter().find(|v| v.path == "name").map(|v| v.setting.text());
                    // An item that comes to a list is known by its name.
                    let path = match (new_item, name, path.rsplit_once('.')) {
                        (true, Some(name), Some((list, _))) => format!("{list}.{name}"),
                        _ => path,
                    };
                    resource.entries.extend(value.iter().map(|v| {
                        let path =
                            if v.path.is_empty() { path.clone() } else { format!("{path}.{}", v.path) };
                        setting(path, v.setting.clone(), v.place, v.key_place)
                    }));
                }
                Edit::Open => resource.open.push(String::new()),
            }
        }
    }
}

/// Targets are regular expressions, of which most are a word or `.*`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    if let Some((before, after)) = pattern.split_once(".*") {
        return text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after);
    }
    pattern.split('|').any(|p| p.trim_matches(['(', ')']) == text)
}

fn is_below(path: &str, outer: &str) -> bool {
    outer.is_empty() || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a path leads to or into a numbered item of a list.
fn is_item(path: &str, list: &str) -> bool {
    let rest = path.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
    let first = rest.and_then(|rest| rest.split('.').next());
    first.is_some_and(is_number)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

/// What a part of an object sets below `path`. Trees nest at most 128 deep.
fn merged(key: Node<'_>, node: Node<'_>, path: &mut String, back: Back<'_>, edits: &mut Vec<Edit>) {
    if edits.len() >= MOST_EDITS {
        return;
    }
    let whole = path.len();
    match node.kind() {
        Kind::Mapping => {
            // <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md>
            match node.get("$patch").and_then(|p| p.as_str()) {
                Some("delete") => return edits.push(Edit::Remove(path.clone())),
                Some("replace") => edits.push(Edit::Remove(path.clone())),
                _ => {}
            }
            for (key, value) in node.entries().filter(|(k, _)| k.as_str() != Some("$patch")) {
                path.push('.');
                path.push_str(key.as_str().unwrap_or(""));
                merged(key, value, path, back, edits);
                path.truncate(whole);
            }
        }
        Kind::Sequence => {
            let named = |item: Node<'_>| item.get("name").and_then(|n| n.as_str()).is_some();
            let directive = |item: Node<'_>| item.get("$patch").and_then(|p| p.as_str()) == Some("replace");
            if node.items().any(directive) {
                edits.push(Edit::Remove(path.clone()));
            } else if !node.items().all(named) {
                edits.push(Edit::Clear(path.clone()));
            }
            for (index, item) in node.items().enumerate() {
                path.push('.');
                path.push_str(item.get("name").and_then(|n| n.as_str()).unwrap_or(&index.to_string()));
                merged(key, item, path, back, edits);
                path.truncate(whole);
            }
        }
        Kind::Scalar => {
            let Some(written) = node.as_str() else { return };
            edits.push(Edit::Set(setting(path.clone(), known(written), back(node.span()), back(key.span()))));
        }
        // What is set to nothing goes; what merely has nothing below it says nothing.
        Kind::Null if !node.raw().is_empty() => edits.push(Edit::Remove(path.clone())),
        Kind::Null => {}
    }
}

/// An operation of JSON Patch (RFC 6902).
fn operated(operation: Node<'_>, back: Back<'_>, edits: &mut Vec<Edit>) {
    let text = |key: &str| operation.get(key).and_then(|n| n.as_str());
    let (Some(op), Some(path)) = (text("op"), text("path")) else { return };
    let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
    let mut pointer: Vec<String> = path.split('/').skip(1).map(unescaped).collect();
    // What is added at a number moves the items behind it.
    if let Some(last) = pointer.last_mut().filter(|last| op == "add" && is_number(last)) {
        *last = "-".to_owned();
    }
    let mut value = Vec::new();
    if let Some((key, node)) = operation.key("value").zip(operation.get("value")) {
        let mut edits = Vec::new();
        match node.kind() {
            Kind::Scalar => {
                let value = known(node.as_str().unwrap_or(""));
                edits.push(Edit::Set(setting(String::new(), value, back(node.span()), back(key.span()))));
            }
            _ => merged(key, node, &mut String::new(), back, &mut edits),
        }
        value.extend(edits.into_iter().filter_map(|edit| match edit {
            Edit::Set(mut set) => {
                set.path = set.path.trim_start_matches('.').to_owned();
                Some(set)
            }
            _ => None,
        }));
    }
    if edits.len() < MOST_EDITS {
        edits.push(match op {
            "add" | "replace" => Edit::Point { pointer, remove: true, value },
            "remove" => Edit::Point { pointer, remove: true, value: Vec::new() },
            "test" => return,
            _ => Edit::Open,
        });
    }
}

/// The path that a pointer means, and whether it means an item that comes to a list.
pub(super) fn located(entries: &[Setting], pointer: &[String]) -> (String, bool) {
    let mut path = String::new();
    let mut new_item = false;
    for (at, part) in pointer.iter().enumerate() {
        let last = at + 1 == pointer.len();
        let mut named = part.clone();
        if part == "-" || is_number(part) {
            let mut items: Vec<&str> = Vec::new();
            let mut seen = BTreeSet::new();
            for entry in entries {
                let rest = entry.path.strip_prefix(path.as_str()).map(|rest| rest.trim_start_matches('.'));
                let item = rest.and_then(|rest| rest.split('.').next()).filter(|item| !item.is_empty());
                if is_below(&entry.path, &path)
                    && let Some(item) = item
                    && seen.insert(item)
                {
                    items.push(item);
                }
            }
            let index = part.parse::<usize>().ok();
            match index.and_then(|i| items.get(i)) {
                Some(item) => named = (*item).to_owned(),
                None => {
                    named = items.len().to_string();
                    new_item = last;
                }
            }
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&named);
    }
    (path, new_item)
}
