//! One object of a template, filled with the values of one installation.

use super::actions::{Actions, Test};
use super::expression::{Dot, Outcome, Scope};
use super::values::Values;
use crate::facts::{Setting, SettingSource, Target, Value};
use crate::syntax::mask;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::text::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// More entries of one object tell nothing more.
const MOST_ENTRIES: usize = 2_000;

/// Actions of one object that write lines, and variables of one template.
const MOST_HOLES: usize = 500;

/// Whether a part is written.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Yes,
    No,
    Unknown,
}

/// A template, ready to be filled.
pub(super) struct Template<'t> {
    pub tree: &'t Tree,
    pub actions: Actions<'t>,
}

/// A template under the values of one installation.
pub(super) struct Rendering<'t, 'a> {
    template: &'t Template<'t>,
    values: &'t Values<'a>,
    chart: &'t [(String, &'a Setting)],
    target: Option<&'t Target>,
    branches: Vec<(Written, Dot)>,
    variables: Vec<(String, Outcome<'a>)>,
}

/// What comes out of one object.
#[derive(Default)]
pub(super) struct Object {
    pub entries: Vec<Setting>,
    pub open: Vec<String>,
}

impl<'t, 'a> Rendering<'t, 'a> {
    pub(super) fn new(
        template: &'t Template<'t>,
        values: &'t Values<'a>,
        chart: &'t [(String, &'a Setting)],
        target: Option<&'t Target>,
    ) -> Self {
        let mut rendering =
            Rendering { template, values, chart, target, branches: Vec::new(), variables: Vec::new() };
        let mut assignments = template.actions.assignments.iter().peekable();
        for (index, branch) in template.actions.branches.iter().enumerate() {
            while let Some(assignment) = assignments.next_if(|a| a.at < branch.range.start) {
                rendering.assign(assignment.at, assignment.name, assignment.expression);
            }
            let (around, dot) =
                branch.parent.map_or((Written::Yes, Dot::Root), |p| rendering.branches[p].clone());
            let (own, dot) = rendering.test(&branch.test, dot);
            let written = match (around, own) {
                (Written::No, _) | (_, Written::No) => Written::No,
                (Written::Yes, Written::Yes) => Written::Yes,
                _ => Written::Unknown,
            };
            debug_assert_eq!(index, rendering.branches.len());
            rendering.branches.push((written, dot));
        }
        for assignment in assignments {
            rendering.assign(assignment.at, assignment.name, assignment.expression);
        }
        rendering
    }

    /// A variable that is set twice may be either.
    fn assign(&mut self, at: usize, name: &str, expression: &str) {
        let again = self.variables.iter_mut().find(|(n, _)| n == name);
        if let Some((_, outcome)) = again {
            *outcome = Outcome::Unknown;
            return;
        }
        if self.variables.len() >= MOST_HOLES {
            return;
        }
        let outcome = match self.around(at).0 {
            Written::Yes => self.evaluate(expression, self.around(at).1),
            _ => Outcome::Unknown,
        };
        self.variables.push((name.to_owned(), outcome));
    }

    fn test(&self, test: &Test<'_>, dot: Dot) -> (Written, Dot) {
        let truth = |expression: &str| match expression {
            "" => Some(true),
            // `with $x := …` and `if $x := …` name what they test.
            _ => self.evaluate(bare(expression), dot.clone()).truth(),
        };
        match test {
            Test::Never => (Written::No, Dot::Unknown),
            Test::If(conditions) => {
                let (last, before) = conditions.split_last().expect("there is one");
                let mut written = match truth(last) {
                    Some(true) => Written::Yes,
                    Some(false) => Written::No,
                    None => Written::Unknown,
                };
                for condition in before {
                    match truth(condition) {
                        Some(true) => written = Written::No,
                        Some(false) => {}
                        None if written == Written::Yes => written = Written::Unknown,
                        None => {}
                    }
                }
                (written, dot)
            }
            Test::With(expression) => match self.evaluate(bare(expression), dot.clone()) {
                Outcome::Tree(path) => (Written::Yes, Dot::At(path)),
                Outcome::Text(Value::Known(text), Some(setting)) if !text.is_empty() => {
                    (Written::Yes, Dot::At(setting.path.clone()))
                }
                outcome => match outcome.truth() {
                    Some(true) => (Written::Yes, Dot::Unknown),
                    Some(false) => (Written::No, Dot::Unknown),
                    None => (Written::Unknown, Dot::Unknown),
                },
            },
            Test::Range(expression) => {
                let over = expression.rsplit_once(":=").map_or(*expression, |(_, over)| over).trim();
                match self.evaluate(over, dot).truth() {
                    Some(false) => (Written::No, Dot::Unknown),
                    _ => (Written::Unknown, Dot::Unknown),
                }
            }
        }
    }

    /// Whether the text at a place is written, and what the dot means there.
    fn around(&self, at: usize) -> (Written, Dot) {
        let branch = self.template.actions.around(at);
        branch.map_or((Written::Yes, Dot::Root), |b| self.branches[b].clone())
    }

    fn evaluate(&self, expression: &str, dot: Dot) -> Outcome<'a> {
        let scope = Scope { values: self.values, chart: self.chart, dot, variables: &self.variables };
        scope.value(expression)
    }

    /// What a scalar's text comes to, and the setting that owns it.
    pub(super) fn text(&self, node: Node<'_>) -> Option<(Value<String>, Option<&'a Setting>)> {
        let (written, dot) = self.around(node.span().start as usize);
        match (written, self.scalar(node.as_str()?, &dot)) {
            (Written::No, _) => None,
            (_, Outcome::Text(value, from)) => Some((value, from)),
            _ => Some((Value::Expr(node.as_str()?.to_owned()), None)),
        }
    }

    /// A text with actions in it; a lone action may be more than a text.
    fn scalar(&self, written: &str, dot: &Dot) -> Outcome<'a> {
        if !written.contains("{{") {
            return Outcome::Text(crate::readers::config::known(written), None);
        }
        let actions = mask::template_actions(written);
        let mut out = String::new();
        let mut owner = None;
        let mut from = 0;
        let alone = matches!(&*actions, [only] if *only == (0..written.len()));
        for action in actions {
            let inner = written[action.clone()].trim_start_matches("{{").trim_end_matches("}}");
            let inner = inner.trim_start_matches('-').trim_end_matches('-').trim();
            out.push_str(&written[from..action.start]);
            from = action.end;
            let outcome = self.evaluate(inner, dot.clone());
            if alone {
                return outcome;
            }
            match outcome {
                Outcome::Text(Value::Known(text), setting) => {
                    out.push_str(&text);
                    owner = setting.or(owner);
                }
                Outcome::Truth(truth) => out.push_str(if truth { "true" } else { "false" }),
                Outcome::Nothing => {}
                _ => return Outcome::Unknown,
            }
        }
        out.push_str(&written[from..]);
        Outcome::Text(Value::Known(out), owner)
    }

    /// Everything that an object says, or nothing if it is not written at all. `document` begins at `offset`.
    pub(super) fn object(&self, document: Node<'_>) -> Option<Object> {
        let whole = document.key("kind").map_or(0, |k| k.span().start as usize);
        if self.around(whole).0 == Written::No {
            return None;
        }
        let mut object = Object::default();
        let mut path = String::new();
        let mut walk =
            Walk { rendering: self, whole: self.template.actions.around(whole), object: &mut object };
        walk.node(None, document, &mut path);
        let span = document.span();
        let holes = &self.template.actions.holes;
        let from = holes.partition_point(|h| h.at < span.start as usize);
        // What stands behind the last value belongs to the object, too.
        let rest = self.template.tree.text().get(span.end as usize..).unwrap_or("");
        let end = span.end as usize + rest.find("\n---").unwrap_or(rest.len());
        for (count, hole) in holes[from..].iter().take_while(|h| h.at < end).enumerate() {
            if count >= MOST_HOLES {
                object.open.push(String::new());
                break;
            }
            let (written, dot) = self.around(hole.at);
            if written == Written::No {
                continue;
            }
            let outcome = self.evaluate(hole.expression, dot);
            let list = match &outcome {
                Outcome::Tree(path) => self.is_list(path),
                _ => false,
            };
            let Some(path) = self.place(document, hole.at, hole.indent, list) else { continue };
            match outcome {
                Outcome::Tree(from) if written == Written::Yes => self.grow(&path, &from, &mut object),
                Outcome::Nothing => {}
                _ if object.open.len() < 200 && !object.open.contains(&path) => object.open.push(path),
                _ => {}
            }
        }
        // What the template itself leaves to values stays told apart from what anything may add.
        if self.values.is_open() && !object.open.contains(&String::new()) {
            object.open.push(String::new());
        }
        Some(object)
    }

    fn is_list(&self, path: &str) -> bool {
        let first = self.values.below(path).first().map(|(rest, _)| rest.split('.').next().unwrap_or(""));
        first.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Puts a part of the values below `path`.
    fn grow(&self, path: &str, from: &str, object: &mut Object) {
        if object.entries.len() >= MOST_ENTRIES {
            return;
        }
        let all = self.values.below(from);
        // Items are known by their names, as everywhere in manifests.
        let names: BTreeMap<&str, &str> = all
            .iter()
            .filter_map(|(rest, s)| Some((rest.strip_suffix("name")?, s.setting.known()?.as_str())))
            .filter(|(item, name)| {
                let number = item.strip_suffix('.').and_then(|i| i.rsplit('.').next());
                !name.is_empty()
                    && number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            })
            .collect();
        for (rest, setting) in all {
            if object.entries.len() >= MOST_ENTRIES {
                return;
            }
            let named = rest.rmatch_indices('.').find_map(|(dot, _)| {
                let (item, inner) = rest.split_at(dot + 1);
                let name = names.get(item)?;
                let list = item[..item.len() - 1].rsplit_once('.').map_or("", |(list, _)| list);
                Some(if list.is_empty() {
                    format!("{name}.{inner}")
                } else {
                    format!("{list}.{name}.{inner}")
                })
            });
            let rest = named.unwrap_or_else(|| rest.to_owned());
            let path = match (path.is_empty(), rest.is_empty()) {
                (_, true) => path.to_owned(),
                (true, _) => rest,
                _ => format!("{path}.{rest}"),
            };
            object.entries.push(Setting {
                key: path.rsplit('.').next().unwrap_or("").to_owned(),
                path,
                target: self.target.cloned().map(Arc::new),
                ..(*setting).clone()
            });
        }
    }

    /// The path below which a hole writes, told by its indentation; `None` inside of a text.
    fn place(&self, document: Node<'_>, at: usize, indent: usize, list: bool) -> Option<String> {
        let text = self.template.tree.text();
        let column = |start: u32| {
            let start = start as usize;
            start - text[..start].rfind('\n').map_or(0, |at| at + 1)
        };
        let mut path = String::new();
        let mut node = document;
        loop {
            match node.kind() {
                Kind::Mapping => {
                    let last = node.entries().rfind(|(k, _)| (k.span().start as usize) < at);
                    let Some((key, value)) = last else { return Some(path) };
                    let own = column(key.span().start);
                    let takes_list = list && matches!(value.kind(), Kind::Null | Kind::Sequence);
                    if indent < own || indent == own && !takes_list {
                        return Some(path);
                    }
                    join(&mut path, key.as_str().unwrap_or(""));
                    node = value;
                }
                Kind::Sequence => {
                    let mut items = node.items().enumerate().filter(|(_, i)| (i.span().start as usize) < at);
                    let Some((index, item)) = items.next_back() else { return Some(path) };
                    // The dash and a blank stand before the item.
                    if indent + 2 <= column(item.span().start) {
                        return Some(path);
                    }
                    join(&mut path, &self.item(index, item));
                    node = item;
                }
                Kind::Null => return Some(path),
                Kind::Scalar => return None,
            }
        }
    }

    fn item(&self, index: usize, item: Node<'_>) -> String {
        let name = item.get("name").and_then(|n| self.text(n)).map(|(value, _)| value.text());
        name.filter(|n| !n.is_empty()).unwrap_or_else(|| index.to_string())
    }
}

/// What a `with` or an `if` tests, without the variable that it names.
fn bare(expression: &str) -> &str {
    expression.split_once(":=").map_or(expression, |(_, rest)| rest.trim())
}

fn join(path: &mut String, part: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(part);
}

struct Walk<'w, 't, 'a> {
    rendering: &'w Rendering<'t, 'a>,
    /// The branch that the whole object stands in: whether that is written changes nothing inside.
    whole: Option<usize>,
    object: &'w mut Object,
}

impl Walk<'_, '_, '_> {
    /// Every scalar at or below `node`. Trees nest at most 128 deep.
    fn node(&mut self, key: Option<Node<'_>>, node: Node<'_>, path: &mut String) {
        if self.object.entries.len() >= MOST_ENTRIES || node.is_alias() && node.kind() != Kind::Scalar {
            return;
        }
        let whole = path.len();
        match node.kind() {
            Kind::Mapping => {
                for (key, value) in node.entries() {
                    if self.rendering.around(key.span().start as usize).0 == Written::No {
                        continue;
                    }
                    let name = self.rendering.text(key).map_or_else(String::new, |(value, _)| value.text());
                    join(path, &name);
                    self.node(Some(key), value, path);
                    path.truncate(whole);
                }
            }
            Kind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    if self.rendering.around(item.span().start as usize).0 == Written::No {
                        continue;
                    }
                    join(path, &self.rendering.item(index, item));
                    self.node(key, item, path);
                    path.truncate(whole);
                }
            }
            Kind::Scalar => self.scalar(key, node, path),
            Kind::Null => {}
        }
    }

    fn scalar(&mut self, key: Option<Node<'_>>, node: Node<'_>, path: &str) {
        let at = node.span().start as usize;
        let (written, dot) = self.rendering.around(at);
        let Some(text) = node.as_str().filter(|_| written != Written::No) else { return };
        let (value, owner) = match self.rendering.scalar(text, &dot) {
            Outcome::Tree(from) => return self.rendering.grow(path, &from, self.object),
            Outcome::Nothing => return,
            Outcome::Text(value, owner) => (value, owner),
            Outcome::Truth(truth) => (Value::Known(truth.to_string()), None),
            Outcome::Unknown => {
                let makes_more = ["toYaml", "nindent"];
                if makes_more.iter().any(|m| text.contains(m)) {
                    self.object.open.push(path.to_owned());
                }
                (Value::Expr(text.to_owned()), None)
            }
        };
        let sure = written == Written::Yes || self.rendering.template.actions.around(at) == self.whole;
        let value = match value {
            Value::Known(text) if !sure => Value::Expr(text),
            other => other,
        };
        let place = owner.map_or(node.span(), |s| s.place);
        self.object.entries.push(Setting {
            place,
            key: path.rsplit('.').next().unwrap_or("").to_owned(),
            path: path.to_owned(),
            setting: value,
            source: SettingSource::Config,
            target: self.rendering.target.cloned().map(Arc::new),
            key_place: owner.map_or(key.map_or(place, |k| k.span()), |s| s.key_place),
        });
    }
}

/// Where an object begins to be told apart: its name, or its kind.
pub(super) fn place(document: Node<'_>) -> Span {
    let name = document.at(&["metadata", "name"]).or(document.get("kind"));
    name.map_or(document.span(), |n| n.span())
}
