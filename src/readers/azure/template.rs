//! Templates: `template:`, `${{ if }}`, `${{ each }}` and parameters, expanded where they are used.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/templates>

use super::expression::parse;
use crate::facts::normalise;
use crate::facts::{Argument, Outside, Use, UseKind, Value};
use crate::readers::{Trees, names};
use crate::source::Reference;
use crate::syntax::tree::{Kind, Node};
use crate::text::{FileId, Span, Spanned};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Nodes that one pipeline may be expanded to; Azure takes files of 4 MB in all.
const MOST: u32 = 50_000;
/// Templates and blocks within each other; Azure takes 100 templates, far fewer of them nested.
const DEEPEST: usize = 32;
/// Texts that one text may stand for.
pub(super) const MOST_VALUES: usize = 32;

/// A node, and what its expressions may name.
#[derive(Clone)]
pub(super) struct Conf<'t> {
    pub(super) node: Node<'t>,
    pub(super) scope: Rc<Scope<'t>>,
}

/// Names in reach of an expression.
#[derive(Default)]
pub(super) struct Scope<'t> {
    /// Of the file whose text it is, from the root.
    pub(super) path: &'t str,
    outer: Option<Rc<Scope<'t>>>,
    /// `parameters.x`, and names that `each` gives.
    names: BTreeMap<String, Bound<'t>>,
    depth: usize,
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Bound<'t> {
    Conf(Conf<'t>),
    Texts(Vec<String>),
    /// A key and its value, from `each` over a mapping.
    Entry(String, Conf<'t>),
    Unknown,
}

impl<'t> Scope<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&Bound<'t>> {
        self.names.get(name).or_else(|| self.outer.as_ref()?.get(name))
    }
}

/// Whether a conditional part takes part.
pub(super) enum Taken {
    No,
    Yes,
    /// It depends on what only a run knows.
    Perhaps,
}

/// An element of a list, and the condition under which it is there, if that is not known.
pub(super) struct Item<'t> {
    pub(super) conf: Conf<'t>,
    pub(super) guard: Option<Spanned<String>>,
}

/// One pipeline being put together.
pub(super) struct Expander<'t> {
    trees: &'t Trees<'t>,
    by_path: &'t HashMap<&'t str, FileId>,
    outside: &'t Outside,
    /// What the pipeline calls other repositories.
    repositories: BTreeMap<String, Reference>,
    left: Cell<u32>,
    pub(super) includes: RefCell<Vec<Use>>,
    pub(super) parts: RefCell<BTreeSet<FileId>>,
    /// Variables with fixed texts, as `${{ variables.x }}` sees them.
    pub(super) variables: RefCell<BTreeMap<String, Vec<String>>>,
    /// What could not be understood.
    pub(super) gaps: RefCell<BTreeSet<String>>,
}

impl<'t> Expander<'t> {
    pub(super) fn new(
        trees: &'t Trees<'t>,
        by_path: &'t HashMap<&'t str, FileId>,
        outside: &'t Outside,
        repositories: Vec<(String, Reference)>,
    ) -> Expander<'t> {
        Expander {
            trees,
            by_path,
            outside,
            repositories: repositories.into_iter().collect(),
            left: Cell::new(MOST),
            includes: RefCell::default(),
            parts: RefCell::default(),
            variables: RefCell::default(),
            gaps: RefCell::default(),
        }
    }

    fn gap(&self, why: &str) {
        self.gaps.borrow_mut().insert(why.to_owned());
    }

    /// Whether one more node may be looked at.
    pub(super) fn spend(&self, scope: &Scope<'t>) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        let fits = left > 0 && scope.depth < DEEPEST;
        if !fits {
            self.gap("its templates unfold to more than is followed");
        }
        fits
    }

    /// A root file with its own parameters: whoever queues the pipeline may choose them.
    pub(super) fn root(&self, path: &'t str, node: Node<'t>) -> Conf<'t> {
        let scope = Scope { path, ..Scope::default() };
        let names = self.parameters(node, &Rc::new(Scope { path, ..Scope::default() }), None);
        Conf { node, scope: Rc::new(Scope { names, ..scope }) }
    }

    /// `parameters:` of a file, with what a caller passes; without a caller, a choice stays open.
    fn parameters(
        &self,
        root: Node<'t>,
        own: &Rc<Scope<'t>>,
        passed: Option<&BTreeMap<String, Conf<'t>>>,
    ) -> BTreeMap<String, Bound<'t>> {
        let mut names = BTreeMap::new();
        let declared = root.get("parameters");
        let conf = |node: Node<'t>| Bound::Conf(Conf { node, scope: own.clone() });
        for item in declared.into_iter().flat_map(|d| d.items()) {
            let Some(name) = item.get("name").and_then(|n| n.as_str()) else { continue };
            let kind = item.get("type").and_then(|t| t.as_str()).unwrap_or("string");
            let values: Vec<String> = item
                .get("values")
                .into_iter()
                .flat_map(|v| v.items())
                .filter_map(|v| v.as_str())
                .map(str::to_owned)
                .collect();
            let default = item.get("default");
            let bound = match (passed, kind) {
                (None, "string" | "number") if values.is_empty() => Bound::Unknown,
                (None, "string" | "number") => Bound::Texts(values),
                (None, "boolean") => Bound::Texts(vec!["true".into(), "false".into()]),
                _ => default.map_or(Bound::Unknown, conf),
            };
            names.insert(format!("parameters.{name}"), bound);
        }
        for (key, value) in declared.into_iter().flat_map(|d| d.entries()) {
            if let Some(name) = key.as_str() {
                names.insert(format!("parameters.{name}"), conf(value));
            }
        }
        for (name, value) in passed.into_iter().flatten() {
            names.insert(format!("parameters.{name}"), Bound::Conf(value.clone()));
        }
        names
    }

    /// A mapping's keys and values, conditional ones included; the flag says that it is not known whether
    /// an entry is there.
    pub(super) fn fields(&self, conf: &Conf<'t>) -> Vec<(Node<'t>, Conf<'t>, bool)> {
        let mut out = Vec::new();
        self.fields_into(conf, false, &mut out);
        out
    }

    fn fields_into(&self, conf: &Conf<'t>, perhaps: bool, out: &mut Vec<(Node<'t>, Conf<'t>, bool)>) {
        // `${{ parameters.settings }}` in place of a mapping.
        let conf = &self.follow(conf);
        let mut chain = Chain::default();
        for (key, value) in conf.node.entries() {
            if !self.spend(&conf.scope) {
                return;
            }
            let value = Conf { node: value, scope: conf.scope.clone() };
            match block(key) {
                None => out.push((key, value, perhaps)),
                Some(Block::Insert) => self.fields_into(&deeper(&value), perhaps, out),
                Some(Block::Each(name, over)) => {
                    for scope in self.each(&name, &over, &value.scope) {
                        self.fields_into(&Conf { node: value.node, scope }, perhaps, out);
                    }
                }
                Some(branch) => match self.taken(&branch, &conf.scope, &mut chain) {
                    Taken::No => {}
                    Taken::Yes => self.fields_into(&deeper(&value), perhaps, out),
                    Taken::Perhaps => self.fields_into(&deeper(&value), true, out),
                },
            }
        }
    }

    /// The value of a key: the last that is certainly there, else the last that may be.
    pub(super) fn get(&self, conf: &Conf<'t>, key: &str) -> Option<Conf<'t>> {
        self.entry(conf, key).map(|(_, value)| value)
    }

    /// The same with its key.
    pub(super) fn entry(&self, conf: &Conf<'t>, key: &str) -> Option<(Node<'t>, Conf<'t>)> {
        let fields = self.fields(conf);
        let named = || fields.iter().rev().filter(|(k, ..)| k.as_str() == Some(key));
        let found = named().find(|(.., perhaps)| !perhaps).or_else(|| named().next())?;
        Some((found.0, self.follow(&found.1)))
    }

    /// A list's elements, templates of `section` and conditional parts unfolded.
    pub(super) fn items(&self, conf: &Conf<'t>, section: &str) -> Vec<Item<'t>> {
        let mut out = Vec::new();
        self.items_into(conf, section, None, &mut out);
        out
    }

    fn items_into(
        &self,
        conf: &Conf<'t>,
        section: &str,
        guard: Option<&Spanned<String>>,
        out: &mut Vec<Item<'t>>,
    ) {
        let conf = &self.follow(conf);
        let mut chain = Chain::default();
        for node in conf.node.one_or_more() {
            if !self.spend(&conf.scope) {
                return;
            }
            let item = Conf { node, scope: conf.scope.clone() };
            let first = node.entries().next();
            let conditional = first.and_then(|(key, value)| Some((key, value, block(key)?)));
            if let Some((key, value, block)) = conditional {
                let value = Conf { node: value, scope: conf.scope.clone() };
                match block {
                    Block::Each(name, over) => {
                        for scope in self.each(&name, &over, &value.scope) {
                            self.items_into(&Conf { node: value.node, scope }, section, guard, out);
                        }
                    }
                    Block::Insert => {}
                    branch => match self.taken(&branch, &conf.scope, &mut chain) {
                        Taken::No => {}
                        Taken::Yes => self.items_into(&deeper(&value), section, guard, out),
                        Taken::Perhaps => {
                            let text = key.as_str().unwrap_or("").trim_matches(['$', '{', '}', ' ']);
                            let own = Spanned::new(text.to_owned(), key.span());
                            self.items_into(&deeper(&value), section, Some(&own), out);
                        }
                    },
                }
                continue;
            }
            if let Some(template) = self.get(&item, "template").filter(|t| t.node.as_str().is_some()) {
                if let Some(root) = self.template(&template, &item)
                    && let Some(inner) = self.get(&root, section)
                {
                    self.items_into(&inner, section, guard, out);
                }
                continue;
            }
            let followed = self.follow(&item);
            if followed.node != item.node && followed.node.kind() == Kind::Sequence {
                self.items_into(&followed, section, guard, out);
                continue;
            }
            if followed.node.as_str().is_some_and(|text| text.contains("${{")) {
                self.gap("an expression in a list stands for parts that only a run knows");
            }
            out.push(Item { conf: followed, guard: guard.cloned() });
        }
    }

    /// A file that `template:` names, with the parameters that it is given.
    pub(super) fn template(&self, name: &Conf<'t>, item: &Conf<'t>) -> Option<Conf<'t>> {
        let text = self.text(name).known().cloned();
        let written = name.node.as_str().unwrap_or("");
        let reference = text.as_deref().unwrap_or(written);
        let (path, elsewhere) = match reference.rsplit_once('@') {
            Some((path, "self")) => (path, None),
            Some((path, repository)) => (path, Some(repository)),
            None => (reference, None),
        };
        let passed: BTreeMap<String, Conf<'t>> = self
            .get(item, "parameters")
            .map(|p| self.fields(&p))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, value, _)| Some((key.as_str()?.to_owned(), value)))
            .collect();
        let inside = self.inside_path(name.scope.path, reference, path, elsewhere);
        let found = inside.as_ref().and_then(|p| self.by_path.get(p.as_str()));
        let mut used = Use {
            place: name.node.span(),
            sort: UseKind::Template,
            name: inside.clone().filter(|_| elsewhere.is_none()).unwrap_or_else(|| path.to_owned()),
            version: elsewhere.map(|r| Spanned::new(r.to_owned(), name.node.span())),
            local: elsewhere.is_none() && self.outside.prefix_of_path(name.scope.path).is_empty(),
            inputs: Vec::new(),
            unresolved: None,
        };
        used.inputs = passed.iter().filter_map(|(k, v)| argument(k, v.node)).collect();
        used.unresolved = match (found, elsewhere) {
            (Some(_), _) => None,
            (None, Some(repository)) => Some(format!("the template lies in the repository `{repository}`")),
            (None, None) if reference.contains(['$', '{']) => Some("its path holds an expression".into()),
            (None, None) => Some("there is no such file in the repository".into()),
        };
        let unresolved = used.unresolved.is_some();
        self.includes.borrow_mut().push(used);
        let (path, tree) = self.trees.get(found.filter(|_| !unresolved)?)?;
        let scope = Scope { path, depth: item.scope.depth + 2, ..Scope::default() };
        if !self.spend(&scope) {
            return None;
        }
        self.parts.borrow_mut().insert(tree.file());
        let node = tree.root()?;
        let own = Rc::new(Scope { path, ..Scope::default() });
        let names = self.parameters(node, &own, Some(&passed));
        Some(Conf { node, scope: Rc::new(Scope { names, ..scope }) })
    }

    /// The path at which a template is read: a template of another repository finds others beside itself, and what is
    /// named with `@self` in the repository of the pipeline.
    fn inside_path(
        &self,
        from: &str,
        reference: &str,
        path: &str,
        elsewhere: Option<&str>,
    ) -> Option<String> {
        if let Some(alias) = elsewhere {
            let prefix = self.outside.prefix_of(self.repositories.get(alias)?)?;
            return Some(format!("{prefix}{}", normalise(path.trim_start_matches('/'))?));
        }
        let prefix = if reference.ends_with("@self") { "" } else { self.outside.prefix_of_path(from) };
        let from = match prefix {
            "" if !self.outside.prefix_of_path(from).is_empty() => "",
            prefix => &from[prefix.len()..],
        };
        Some(format!("{prefix}{}", resolved(from, path)?))
    }

    /// What a node that is one whole expression stands for, if that is a part of a file.
    pub(super) fn follow(&self, conf: &Conf<'t>) -> Conf<'t> {
        let mut conf = conf.clone();
        for _ in 0..DEEPEST {
            let Some(expr) = conf.node.as_str().and_then(whole).and_then(parse) else { break };
            let Some(Bound::Conf(next)) = self.eval(&expr, &conf.scope) else { break };
            conf = next;
        }
        conf
    }

    /// The texts that a scalar can stand for, compile-time expressions put in.
    pub(super) fn text(&self, conf: &Conf<'t>) -> Value<String> {
        let conf = self.follow(conf);
        let text = conf.node.as_str().unwrap_or("");
        let all = self.inside(text, &conf);
        if all.iter().any(|t| t.contains("${{")) {
            return Value::Expr(text.to_owned());
        }
        Value::from_possible(all).unwrap_or_else(|| Value::Expr(text.to_owned()))
    }

    /// A text with the compile-time expressions put in that are known; the others stay as written.
    pub(super) fn inside(&self, text: &str, conf: &Conf<'t>) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${{") {
            let Some((inner, after)) = behind.split_once("}}") else { break };
            let values = parse(inner).and_then(|e| self.texts(&e, &conf.scope));
            let values = values.filter(|v| !v.is_empty() && v.len() * all.len() <= MOST_VALUES);
            let values = values.unwrap_or_else(|| vec![format!("${{{{{inner}}}}}")]);
            all = all.iter().flat_map(|a| values.iter().map(move |v| format!("{a}{before}{v}"))).collect();
            rest = after;
        }
        all.iter_mut().for_each(|a| a.push_str(rest));
        all
    }

    /// The scopes that `each` runs through; one in which the name stays open if what it runs over is not known.
    fn each(&self, name: &str, over: &str, scope: &Rc<Scope<'t>>) -> Vec<Rc<Scope<'t>>> {
        let bound = parse(over).and_then(|e| self.eval(&e, scope));
        let all = match bound {
            Some(Bound::Conf(list)) if list.node.kind() == Kind::Sequence => {
                self.items(&list, "").into_iter().map(|item| Bound::Conf(item.conf)).collect()
            }
            Some(Bound::Conf(map)) if map.node.kind() == Kind::Mapping => self
                .fields(&map)
                .into_iter()
                .map(|(key, value, _)| Bound::Entry(key.as_str().unwrap_or("").to_owned(), value))
                .collect(),
            Some(Bound::Texts(texts)) => texts.into_iter().map(|t| Bound::Texts(vec![t])).collect(),
            _ => vec![Bound::Unknown],
        };
        let scope = |bound| {
            Rc::new(Scope {
                path: scope.path,
                outer: Some(scope.clone()),
                names: [(name.to_owned(), bound)].into(),
                depth: scope.depth + 1,
            })
        };
        all.into_iter().map(scope).collect()
    }
}

/// Whether earlier branches of an `if` were, or may have been, taken.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) done: bool,
    pub(super) open: bool,
}

/// A conditional key.
pub(super) enum Block {
    If(String),
    ElseIf(String),
    Else,
    Each(String, String),
    Insert,
}

fn block(key: Node<'_>) -> Option<Block> {
    let text = whole(key.as_str()?)?;
    let (word, rest) = text.split_once([' ', '(']).unwrap_or((text, ""));
    let behind = || text[word.len()..].trim().to_owned();
    match word {
        "if" => Some(Block::If(behind())),
        "elseif" => Some(Block::ElseIf(behind())),
        "else" => Some(Block::Else),
        "insert" => Some(Block::Insert),
        "each" => {
            let (name, over) = rest.trim().split_once(" in ")?;
            Some(Block::Each(name.trim().to_owned(), over.trim().to_owned()))
        }
        _ => None,
    }
}

/// The inside of a text that is one `${{ … }}` and nothing else.
fn whole(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?;
    (!inner.contains("}}")).then_some(inner.trim())
}

/// The same node, one level further in: what refers to itself ends.
pub(super) fn deeper<'t>(conf: &Conf<'t>) -> Conf<'t> {
    let scope = Scope {
        path: conf.scope.path,
        outer: Some(conf.scope.clone()),
        names: BTreeMap::new(),
        depth: conf.scope.depth + 1,
    };
    Conf { node: conf.node, scope: Rc::new(scope) }
}

/// The path of a template from the root: relative to the file that names it, or from the root with `/`.
pub(super) fn resolved(from: &str, path: &str) -> Option<String> {
    let path = path.trim().replace('\\', "/");
    match path.strip_prefix('/') {
        Some(absolute) => normalise(absolute),
        None => normalise(&names::beside(from, &path)),
    }
}

fn argument(name: &str, value: Node<'_>) -> Option<Argument> {
    let text = value.as_str()?;
    let value_of =
        if text.contains("${{") { Value::Expr(text.to_owned()) } else { Value::Known(text.to_owned()) };
    let place: Span = value.span();
    Some(Argument { name: Spanned::new(name.to_owned(), place), value: Spanned::new(value_of, place) })
}
