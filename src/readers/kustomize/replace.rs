//! Values that `replacements:` copies from one object into others.
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/>

use super::patch::{located, matches};
use super::{Draft, items, setting};
use crate::facts::{Setting, Value};
use crate::syntax::tree::{Kind, Node};

/// One replacement: nothing is guessed, what its source does not tell stays open where it would come.
pub(super) fn replace(replacement: Node<'_>, drafts: &mut [Draft]) {
    let source = replacement.get("source").and_then(|s| copied(s, drafts));
    for target in items(replacement, "targets").filter(|t| t.kind() == Kind::Mapping) {
        let options = Options::new(target.get("options"));
        let chosen = |draft: &Draft| {
            target.get("select").is_some_and(|s| selects(s, draft))
                && !items(target, "reject").any(|r| selects(r, draft))
        };
        for draft in drafts.iter_mut().filter(|d| chosen(d)) {
            for field in items(target, "fieldPaths").filter_map(|f| f.as_str()) {
                put(field, source.as_ref(), &options, draft);
            }
        }
    }
}

/// What a part of a value is cut out or put in by.
#[derive(Default)]
struct Options<'t> {
    delimiter: Option<&'t str>,
    index: i64,
    create: bool,
}

impl<'t> Options<'t> {
    fn new(node: Option<Node<'t>>) -> Options<'t> {
        let Some(node) = node else { return Options::default() };
        let text = |key: &str| node.get(key).and_then(|n| n.as_str());
        Options {
            delimiter: text("delimiter").filter(|d| !d.is_empty()),
            index: text("index").and_then(|i| i.parse().ok()).unwrap_or(0),
            create: text("create") == Some("true"),
        }
    }

    fn cut(&self, value: &str) -> Option<String> {
        let Some(delimiter) = self.delimiter else { return Some(value.to_owned()) };
        value.split(delimiter).nth(usize::try_from(self.index).ok()?).map(str::to_owned)
    }

    /// `part` in the place of the one that the index names; before or behind all of them if there is none.
    fn join(&self, old: &str, part: &str) -> String {
        let Some(delimiter) = self.delimiter else { return part.to_owned() };
        let mut parts: Vec<&str> = old.split(delimiter).collect();
        match usize::try_from(self.index) {
            Err(_) => parts.insert(0, part),
            Ok(index) if index < parts.len() => parts[index] = part,
            Ok(_) => parts.push(part),
        }
        parts.join(delimiter)
    }
}

/// The value that a source names, with the place that owns it.
fn copied(source: Node<'_>, drafts: &[Draft]) -> Option<Setting> {
    let field = source.get("fieldPath").and_then(|f| f.as_str()).unwrap_or("metadata.name");
    let draft = drafts.iter().find(|d| selects(source, d))?;
    let path = path_of(field, &draft.resource.entries)?;
    let mut found = draft.resource.entries.iter().find(|e| e.path == path)?.clone();
    let whole = if path == "metadata.name" { draft.resource.name.known()? } else { found.setting.known()? };
    found.setting = Value::Known(Options::new(source.get("options")).cut(whole)?);
    Some(found)
}

/// Whether a selector means an object. Which labels it has in the end is not followed: then it means none.
fn selects(selector: Node<'_>, draft: &Draft) -> bool {
    let text = |key: &str| selector.get(key).and_then(|n| n.as_str());
    let resource = &draft.resource;
    let named =
        |n: &str| matches(n, &draft.first_name) || resource.name.known().is_some_and(|own| matches(n, own));
    let labelled = ["labelSelector", "annotationSelector"].iter().any(|key| selector.get(key).is_some());
    !labelled
        && text("kind").is_none_or(|k| matches(k, &resource.sort))
        && text("name").is_none_or(named)
        && text("namespace").is_none_or(|n| resource.namespace.as_deref().is_none_or(|own| own == n))
}

fn put(field: &str, source: Option<&Setting>, options: &Options<'_>, draft: &mut Draft) {
    let resource = &mut draft.resource;
    let before = field.split(['*', '[']).next().unwrap_or("").trim_end_matches('.').to_owned();
    let (Some(path), Some(source)) = (path_of(field, &resource.entries), source) else {
        return resource.open.push(before);
    };
    let Value::Known(part) = &source.setting else { return resource.open.push(before) };
    match resource.entries.iter_mut().find(|e| e.path == path) {
        Some(old) => {
            let Some(whole) = old.setting.known().map(|old| options.join(old, part)) else {
                return resource.open.push(path);
            };
            if path == "metadata.name" {
                resource.name = Value::Known(whole.clone());
            }
            (old.place, old.key_place) = (source.place, source.key_place);
            old.setting = Value::Known(whole);
        }
        None if options.create => {
            let value = Value::Known(part.clone());
            resource.entries.push(setting(path, value, source.place, source.key_place));
        }
        None => {}
    }
}

/// The path of a field: items of lists by name or number, dots of keys written `\.`. `None` where several are meant, or
/// an item by something else than its name.
fn path_of(field: &str, entries: &[Setting]) -> Option<String> {
    let mut pointer = Vec::new();
    let mut part = String::new();
    let mut inside = false;
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => part.extend(letters.next()),
            '[' => (inside, _) = (true, part.push('[')),
            ']' => (inside, _) = (false, part.push(']')),
            '.' if !inside => pointer.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    pointer.push(part);
    for part in &mut pointer {
        if let Some(inner) = part.strip_prefix('[').and_then(|p| p.strip_suffix(']')) {
            *part = inner.strip_prefix("name=")?.to_owned();
        } else if part == "*" || part.is_empty() {
            return None;
        }
    }
    let (path, new_item) = located(entries, &pointer);
    (!new_item).then_some(path)
}
