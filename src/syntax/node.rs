//! The cursor over a [`Tree`].

use super::tree::{Format, NONE, Property, Record, Shape, Style, Tree};
use crate::text::{Passage, Span, Spanned};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Most mappings that one look-up follows through `<<`.
const MAX_MERGED: usize = 64;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null` (YAML 1.2 core schema, JSON), and an alias that leads nowhere.
    Null,
    /// A string, number, boolean or date.
    Scalar,
    /// A sequence or array.
    Sequence,
    /// A mapping, object or table.
    Mapping,
}

/// One node of a tree. Aliases are followed: a node reached through one is the anchored node, and
/// remembers where it was used.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    id: u32,
    used: u32,
}

/// A step on the way from a document's root to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'t> {
    /// The value of this key; a key that is no scalar counts as the empty string.
    Key(&'t str),
    /// The item of this number, from 0.
    Item(usize),
}

/// A scalar and the way to it.
#[derive(Debug, Clone)]
pub struct Leaf<'t> {
    /// The keys and item numbers from the document's root.
    pub path: Vec<Step<'t>>,
    /// The scalar.
    pub node: Node<'t>,
}

impl<'t> Node<'t> {
    pub(super) fn new(tree: &'t Tree, used: u32) -> Node<'t> {
        let id = match tree.nodes[used as usize].shape {
            Shape::Alias(target) if target != NONE => target,
            _ => used,
        };
        Node { tree, id, used }
    }

    fn record(&self) -> &'t Record {
        &self.tree.nodes[self.id as usize]
    }

    fn property(&self) -> Option<&'t Property> {
        self.tree.properties.get(self.record().property as usize)
    }

    fn children(&self) -> &'t [u32] {
        match self.record().shape {
            Shape::Sequence { first, count } | Shape::Mapping { first, count } => {
                &self.tree.children[first as usize..(first + count) as usize]
            }
            _ => &[],
        }
    }

    /// The tree that the node belongs to.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// What the node is.
    pub fn kind(&self) -> Kind {
        match self.record().shape {
            Shape::Scalar { style: Style::Plain, .. } if self.reads_as_null() => Kind::Null,
            Shape::Scalar { .. } => Kind::Scalar,
            Shape::Sequence { .. } => Kind::Sequence,
            Shape::Mapping { .. } => Kind::Mapping,
            Shape::Alias(_) | Shape::Open => Kind::Null,
        }
    }

    fn reads_as_null(&self) -> bool {
        let text = self.written().unwrap_or("");
        match self.tree.format {
            Format::Yaml => {
                matches!(text, "" | "~" | "null" | "Null" | "NULL")
                    && self.tag().is_none_or(|tag| tag == "!!null")
            }
            Format::Json | Format::Hcl => text == "null",
            Format::Toml => false,
        }
    }

    /// Whether the node is null.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Where the node's content is written: a scalar with its quotes (a block scalar from its first to
    /// its last visible character, an empty one its `|`), a container from its first child, or bracket,
    /// to the end of its last.
    pub fn span(&self) -> Span {
        let record = self.record();
        self.tree.place(record.start, record.end)
    }

    /// Where an alias stands that led here; otherwise [`Node::span`].
    pub fn use_span(&self) -> Span {
        let record = &self.tree.nodes[self.used as usize];
        self.tree.place(record.start, record.end)
    }

    /// Whether the node was reached through an alias.
    pub fn is_alias(&self) -> bool {
        self.id != self.used
    }

    /// The text of the file at [`Node::span`].
    pub fn raw(&self) -> &'t str {
        self.tree.slice(self.span())
    }

    /// A scalar's text, null included.
    fn written(&self) -> Option<&'t str> {
        let Shape::Scalar { text, .. } = self.record().shape else { return None };
        Some(self.tree.value(text))
    }

    /// A scalar's value with escapes and folding resolved, whatever its type: `true` and `8080` are
    /// texts too. Template expressions appear as they were written. `None` for null and containers.
    pub fn as_str(&self) -> Option<&'t str> {
        if self.kind() == Kind::Scalar { self.written() } else { None }
    }

    /// [`Node::as_str`] with its place.
    pub fn spanned(&self) -> Option<Spanned<String>> {
        self.as_str().map(|value| Spanned::new(value.to_owned(), self.span()))
    }

    /// A boolean: `true` and `false` as in the YAML 1.2 core schema. `on` and `yes` are strings.
    pub fn as_bool(&self) -> Option<bool> {
        match (self.untyped("!!bool")?, self.tree.format) {
            ("true", _) => Some(true),
            ("false", _) => Some(false),
            ("True" | "TRUE", Format::Yaml) => Some(true),
            ("False" | "FALSE", Format::Yaml) => Some(false),
            _ => None,
        }
    }

    /// An integer: decimal, `0x`, `0o` (YAML 1.2 core schema), in TOML `0b` and underscores too.
    pub fn as_int(&self) -> Option<i64> {
        let written = self.untyped("!!int")?;
        let text: String = match self.tree.format {
            Format::Toml => written.replace('_', ""),
            _ => written.to_owned(),
        };
        let radix = |digits: &str, radix| {
            digits
                .bytes()
                .all(|b| b.is_ascii_alphanumeric())
                .then(|| i64::from_str_radix(digits, radix).ok())?
        };
        match text.get(..2) {
            Some("0x") => radix(&text[2..], 16),
            Some("0o") => radix(&text[2..], 8),
            Some("0b") if self.tree.format == Format::Toml => radix(&text[2..], 2),
            _ => text.parse().ok(),
        }
    }

    /// A plain scalar that carries no tag but `core`.
    fn untyped(&self, core: &str) -> Option<&'t str> {
        if !self.is_plain() || self.tag().is_some_and(|tag| tag != core) {
            return None;
        }
        self.as_str()
    }

    /// How a scalar was written; `None` for containers.
    pub fn style(&self) -> Option<Style> {
        match self.record().shape {
            Shape::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// Whether the node is a scalar without quotes.
    pub fn is_plain(&self) -> bool {
        self.style() == Some(Style::Plain)
    }

    /// The tag as written: `!reference`, `!Sub`, `!!str`.
    pub fn tag(&self) -> Option<&'t str> {
        self.tag_span().map(|span| self.tree.slice(span))
    }

    /// Where the tag stands.
    pub fn tag_span(&self) -> Option<Span> {
        let tag = &self.property()?.tag;
        (!tag.is_empty()).then(|| self.tree.place(tag.start, tag.end))
    }

    /// The name of the anchor on the node, without `&`.
    pub fn anchor(&self) -> Option<&'t str> {
        let anchor = &self.property()?.anchor;
        (!anchor.is_empty()).then(|| &self.tree.text[anchor.start as usize..anchor.end as usize])
    }

    /// A mapping's keys and values as written: duplicates stay, `<<` is an entry.
    pub fn entries(
        &self,
    ) -> impl DoubleEndedIterator<Item = (Node<'t>, Node<'t>)> + ExactSizeIterator + use<'t> {
        let tree = self.tree;
        let children = if self.kind() == Kind::Mapping { self.children() } else { &[] };
        let (pairs, _) = children.as_chunks::<2>();
        pairs.iter().map(move |&[key, value]| (Node::new(tree, key), Node::new(tree, value)))
    }

    /// A sequence's items.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = Node<'t>> + ExactSizeIterator + use<'t> {
        let tree = self.tree;
        let children = if self.kind() == Kind::Sequence { self.children() } else { &[] };
        children.iter().map(move |&id| Node::new(tree, id))
    }

    /// A sequence's items, or the node itself when it is neither a sequence nor null: many formats take
    /// one value or a list of them.
    pub fn one_or_more(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let itself = matches!(self.kind(), Kind::Scalar | Kind::Mapping).then_some(*self);
        itself.into_iter().chain(self.items())
    }

    /// Whether this key is YAML 1.1's merge key, which every CI dialect still reads.
    fn merges(&self) -> bool {
        self.is_plain() && self.written() == Some("<<")
    }

    /// The mappings that `<<` merges into this one, nearest first, this one included.
    fn merged(&self) -> Vec<Node<'t>> {
        let mut found = vec![*self];
        if self.tree.format != Format::Yaml || !self.entries().any(|(key, _)| key.merges()) {
            return found;
        }
        let mut next = 0;
        let mut seen = HashSet::from([self.id]);
        let mut queue: Vec<Node<'t>> = Vec::new();
        while next < found.len() && found.len() < MAX_MERGED {
            for (key, value) in found[next].entries() {
                if key.merges() {
                    queue.extend(value.one_or_more().take(MAX_MERGED));
                }
            }
            // What a merged mapping merges itself comes directly after it, before its sisters.
            let at = next + 1;
            for (offset, node) in queue.drain(..).filter(|n| n.kind() == Kind::Mapping).enumerate() {
                if seen.insert(node.id) && found.len() < MAX_MERGED {
                    found.insert((at + offset).min(found.len()), node);
                }
            }
            next += 1;
        }
        found
    }

    /// A mapping's keys and values with `<<` applied: a mapping's own keys win over merged ones, earlier
    /// merged mappings over later ones, and of duplicates the last.
    pub fn merged_entries(&self) -> Vec<(Node<'t>, Node<'t>)> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for mapping in self.merged() {
            let from = entries.len();
            for (key, value) in mapping.entries().rev() {
                if self.tree.format == Format::Yaml && key.merges() {
                    continue;
                }
                if key.written().is_none_or(|text| seen.insert(text)) {
                    entries.push((key, value));
                }
            }
            entries[from..].reverse();
        }
        entries
    }

    fn entry(&self, key: &str) -> Option<(Node<'t>, Node<'t>)> {
        let own = |mapping: &Node<'t>| mapping.entries().rev().find(|(k, _)| k.written() == Some(key));
        own(self).or_else(|| self.merged().iter().skip(1).find_map(own))
    }

    /// The value of `key`: the last one written, else the one merged in by `<<`.
    pub fn get(&self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The key node of `key`, for its place.
    pub fn key(&self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|(key, _)| key)
    }

    /// The node that a chain of keys leads to.
    pub fn at(&self, path: &[&str]) -> Option<Node<'t>> {
        path.iter().try_fold(*self, |node, key| node.get(key))
    }

    /// Keys that are written twice: the first and each repetition. `<<` may repeat.
    pub fn duplicate_keys(&self) -> Vec<(Node<'t>, Node<'t>)> {
        let mut first: HashMap<&str, Node<'t>> = HashMap::new();
        let mut twice = Vec::new();
        for (key, _) in self.entries() {
            let Some(text) = key.written() else { continue };
            match first.get(text) {
                Some(&earlier) if text != "<<" => twice.push((earlier, key)),
                Some(_) => {}
                None => drop(first.insert(text, key)),
            }
        }
        twice
    }

    /// A scalar's value with the way back into the file, exact for every style. Empty for containers.
    pub fn passage(&self) -> Passage {
        self.tree.lift(self.record()).from_base(self.tree.base)
    }

    /// Every scalar at or below this node, in order, with its path. A container behind an alias is left
    /// out: its scalars are met where it is anchored, so that no expansion can cost.
    pub fn leaves(&self) -> impl Iterator<Item = Leaf<'t>> + use<'t> {
        Leaves { stack: vec![(*self, 0)], path: Vec::new() }
    }
}

struct Leaves<'t> {
    /// Containers (or the one starting scalar) with the number of the child to visit next.
    stack: Vec<(Node<'t>, usize)>,
    path: Vec<Step<'t>>,
}

impl<'t> Iterator for Leaves<'t> {
    type Item = Leaf<'t>;

    fn next(&mut self) -> Option<Leaf<'t>> {
        loop {
            let (node, at) = self.stack.last_mut()?;
            let node = *node;
            let mapping = match node.kind() {
                Kind::Mapping => true,
                Kind::Sequence => false,
                kind => {
                    self.stack.pop();
                    match kind {
                        Kind::Scalar => return Some(Leaf { path: Vec::new(), node }),
                        _ => continue,
                    }
                }
            };
            let index = if mapping { *at * 2 + 1 } else { *at };
            let Some(&child) = node.children().get(index) else {
                self.stack.pop();
                self.path.pop();
                continue;
            };
            let step = if mapping {
                Step::Key(Node::new(node.tree, node.children()[index - 1]).written().unwrap_or(""))
            } else {
                Step::Item(*at)
            };
            *at += 1;
            let child = Node::new(node.tree, child);
            self.path.push(step);
            match child.kind() {
                Kind::Scalar => {
                    let path = self.path.clone();
                    self.path.pop();
                    return Some(Leaf { path, node: child });
                }
                Kind::Mapping | Kind::Sequence if !child.is_alias() => self.stack.push((child, 0)),
                _ => drop(self.path.pop()),
            }
        }
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

impl Eq for Node<'_> {}

impl fmt::Debug for Node<'_> {
    /// Kind and place only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}..{}", self.kind(), self.record().start, self.record().end)
    }
}
