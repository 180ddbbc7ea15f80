//! One data tree for YAML, JSON, TOML and HCL, with exact places.

use super::lift;
use crate::text::{FileId, Passage, Span};
use std::ops::Range;

pub use super::node::{Kind, Leaf, Node, Step};

/// Deepest nesting that is read. Deeper documents are recorded as errors, so that whoever walks a tree
/// recursively needs a bounded stack.
pub const MAX_DEPTH: usize = 128;

/// Most nodes that one file may have.
pub const MAX_NODES: usize = 2_000_000;

/// Most errors that are recorded for one file; reading stops there.
const MAX_ERRORS: usize = 1_000;

/// The language that a tree was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.2, core schema.
    Yaml,
    /// JSON (RFC 8259) or one of its relaxed dialects.
    Json,
    /// TOML 1.0.
    Toml,
    /// HCL native syntax.
    Hcl,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; JSON and TOML numbers, booleans and dates too.
    Plain,
    /// In single quotes (TOML: literal strings, of one or several lines).
    SingleQuoted,
    /// In double quotes (TOML: basic strings, of one or several lines).
    DoubleQuoted,
    /// A YAML literal block scalar, `|`.
    Literal,
    /// A YAML folded block scalar, `>`.
    Folded,
}

/// A comment of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// The comment with its opener, without the line break.
    pub span: Span,
    /// What it says: the span without `#`, `//` or `/* */`, and without the blanks around.
    pub body: Span,
    /// Whether nothing but blanks stands before it on its line.
    pub alone: bool,
}

/// Something in the file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeError {
    /// Where reading failed.
    pub span: Span,
    /// Why, in the parser's words.
    pub message: String,
    /// Whether a whole document is missing from the tree; otherwise only this place is unknown.
    pub lost: bool,
}

/// The documents of one file as a compact arena. It keeps the file's text, because scalars without
/// escapes are slices of it.
///
/// Invariants: aliases point at finished nodes only, so that following them ends; containers nest at
/// most [`MAX_DEPTH`] deep as written; every span lies in the file on char boundaries.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(super) file: FileId,
    /// Where the text begins in the file: [`Tree::of_part`].
    pub(super) base: u32,
    pub(super) format: Format,
    pub(super) text: Box<str>,
    /// What was parsed, when template expressions were masked: same length, same offsets.
    pub(super) structure: Option<Box<str>>,
    pub(super) nodes: Vec<Record>,
    pub(super) children: Vec<u32>,
    pub(super) decoded: String,
    pub(super) properties: Vec<Property>,
    documents: Vec<u32>,
    comments: Vec<Comment>,
    errors: Vec<TreeError>,
}

/// No node; no property.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) shape: Shape,
    pub(super) property: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Scalar { style: Style, text: Text },
    Sequence { first: u32, count: u32 },
    Mapping { first: u32, count: u32 },
    Alias(u32),
    Open,
}

/// A scalar's value: a slice of the file, or of the decoded values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    Source { start: u32, len: u32 },
    Decoded { start: u32, len: u32 },
}

/// What few nodes have. Empty ranges mean "none".
#[derive(Debug, Clone, Default)]
pub(super) struct Property {
    pub(super) tag: Range<u32>,
    pub(super) anchor: Range<u32>,
    pub(super) block: Option<Block>,
}

/// Where a block scalar stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// The indicator, `|` or `>`.
    pub(super) header: u32,
    /// Just behind the indentation of the first line with content; the header when there is none.
    pub(super) first: u32,
    /// The end of its last line, break included.
    pub(super) end: u32,
}

impl Tree {
    /// The documents that could be read, in order; an empty file has none.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        self.documents.iter().map(|&id| Node::new(self, id))
    }

    /// The first document, which for JSON and TOML is the only one.
    pub fn root(&self) -> Option<Node<'_>> {
        self.documents().next()
    }

    /// Every comment, in order, those of unreadable documents included.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// What could not be read, in order.
    pub fn errors(&self) -> &[TreeError] {
        &self.errors
    }

    /// The file that was read.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The language that it was read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text that was read: the file's, or a part of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same tree, of a text that begins at byte `base` of its file: all places follow.
    pub fn of_part(mut self, base: usize) -> Tree {
        self.base = base as u32;
        let moved = |span: Span| Span::new(span.file, span.start as usize + base..span.end as usize + base);
        for comment in &mut self.comments {
            (comment.span, comment.body) = (moved(comment.span), moved(comment.body));
        }
        self.errors.iter_mut().for_each(|error| error.span = moved(error.span));
        self
    }

    /// A place in the file, of one in the text.
    pub(super) fn place(&self, start: u32, end: u32) -> Span {
        Span { file: self.file, start: start + self.base, end: end + self.base }
    }

    /// The text at `span`; empty when the span belongs to another file, or to another part of it.
    pub fn slice(&self, span: Span) -> &str {
        let base = self.base as usize;
        let range = span.start.checked_sub(self.base).map(|start| start as usize..span.end as usize - base);
        let text = range.filter(|_| span.file == self.file).and_then(|range| self.text.get(range));
        text.unwrap_or("")
    }

    pub(super) fn value(&self, text: Text) -> &str {
        match text {
            Text::Source { start, len } => &self.text[start as usize..(start + len) as usize],
            Text::Decoded { start, len } => &self.decoded[start as usize..(start + len) as usize],
        }
    }

    pub(super) fn structure(&self) -> &str {
        self.structure.as_deref().unwrap_or(&self.text)
    }

    /// The value of a scalar, with its places in the text.
    pub(super) fn lift(&self, record: &Record) -> Passage {
        let Shape::Scalar { style, text } = record.shape else {
            return Passage::new(self.file, record.start as usize);
        };
        let range = record.start as usize..record.end as usize;
        let block = self.properties.get(record.property as usize).and_then(|p| p.block);
        match block {
            None if matches!(style, Style::Literal | Style::Folded) => {
                // Its header could not be found: the value as a whole stands for the place.
                let mut passage = Passage::new(self.file, range.start);
                passage.push_meaning(self.value(text), range);
                passage
            }
            Some(block) => lift::block(self.file, &self.text, self.structure(), block, style),
            None => lift::flow(self.file, &self.text, range, self.format, style),
        }
    }
}

/// Why a document is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit(pub(super) &'static str);

const TOO_DEEP: Limit = Limit("nested more than 128 levels deep");
const TOO_MANY: Limit = Limit("more than 2,000,000 nodes");

/// Builds a tree from a stream of starts, scalars and ends.
pub(super) struct Builder {
    tree: Tree,
    open: Vec<(u32, usize)>,
    pending: Vec<u32>,
    /// Lengths to go back to when the current document turns out to be broken.
    begun: (usize, usize, usize, usize),
}

impl Builder {
    pub(super) fn new(file: FileId, format: Format, text: &str, structure: Option<String>) -> Builder {
        let tree = Tree {
            file,
            base: 0,
            format,
            text: text.into(),
            structure: structure.map(String::into_boxed_str),
            nodes: Vec::new(),
            children: Vec::new(),
            decoded: String::new(),
            properties: Vec::new(),
            documents: Vec::new(),
            comments: Vec::new(),
            errors: Vec::new(),
        };
        Builder { tree, open: Vec::new(), pending: Vec::new(), begun: (0, 0, 0, 0) }
    }

    pub(super) fn begin_document(&mut self) {
        let t = &self.tree;
        self.begun = (t.nodes.len(), t.children.len(), t.decoded.len(), t.properties.len());
        self.open.clear();
        self.pending.clear();
    }

    pub(super) fn end_document(&mut self) {
        if let Some(root) = self.pending.pop() {
            self.tree.documents.push(root);
        }
        self.begin_document();
    }

    pub(super) fn abandon_document(&mut self) {
        let (nodes, children, decoded, properties) = self.begun;
        self.tree.nodes.truncate(nodes);
        self.tree.children.truncate(children);
        self.tree.decoded.truncate(decoded);
        self.tree.properties.truncate(properties);
        self.begin_document();
    }

    pub(super) fn scalar(&mut self, span: Range<usize>, style: Style, value: &str) -> Result<u32, Limit> {
        let tree = &mut self.tree;
        let found = [span.start, span.start + 1]
            .into_iter()
            .find(|&at| tree.text.as_bytes().get(at..at + value.len()) == Some(value.as_bytes()));
        let text = match found {
            Some(at) => Text::Source { start: at as u32, len: value.len() as u32 },
            None => store(&mut tree.decoded, value),
        };
        self.push(span, Shape::Scalar { style, text })
    }

    /// Gives a scalar whose text was masked the value that was written.
    pub(super) fn unmask(&mut self, id: u32) {
        let record = self.tree.nodes[id as usize];
        let passage = self.tree.lift(&record);
        if let Shape::Scalar { style, .. } = record.shape {
            let text = store(&mut self.tree.decoded, passage.text());
            self.tree.nodes[id as usize].shape = Shape::Scalar { style, text };
        }
    }

    /// An alias to `target`; one to a container that is not finished refers to itself and means null.
    pub(super) fn alias(&mut self, span: Range<usize>, target: Option<u32>) -> Result<u32, Limit> {
        let finished = target
            .filter(|&t| self.tree.nodes.get(t as usize).is_some_and(|r| !matches!(r.shape, Shape::Open)));
        self.push(span, Shape::Alias(finished.unwrap_or(NONE)))
    }

    fn push(&mut self, span: Range<usize>, shape: Shape) -> Result<u32, Limit> {
        if self.tree.nodes.len() >= MAX_NODES {
            return Err(TOO_MANY);
        }
        let id = self.tree.nodes.len() as u32;
        let (start, end) = (span.start as u32, span.end.max(span.start) as u32);
        self.tree.nodes.push(Record { start, end, shape, property: NONE });
        self.pending.push(id);
        Ok(id)
    }

    pub(super) fn open(&mut self, start: usize) -> Result<u32, Limit> {
        if self.open.len() >= MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        let id = self.push(start..start, Shape::Open)?;
        self.open.push((id, self.pending.len()));
        Ok(id)
    }

    /// Ends the innermost container, at `end` or else where its last child ends.
    pub(super) fn close(&mut self, mapping: bool, end: Option<usize>) {
        let Some((id, from)) = self.open.pop() else { return };
        let first = self.tree.children.len() as u32;
        let own = self.tree.nodes[id as usize].start;
        let last = self.pending[from..].last().map_or(own, |&c| self.tree.nodes[c as usize].end);
        self.tree.children.extend(self.pending.drain(from..));
        let count = self.tree.children.len() as u32 - first;
        let record = &mut self.tree.nodes[id as usize];
        record.shape =
            if mapping { Shape::Mapping { first, count } } else { Shape::Sequence { first, count } };
        record.end = end.map_or(last, |e| e as u32).max(own);
    }

    pub(super) fn property(&mut self, id: u32) -> &mut Property {
        let record = &mut self.tree.nodes[id as usize];
        if record.property == NONE {
            record.property = self.tree.properties.len() as u32;
            self.tree.properties.push(Property::default());
        }
        &mut self.tree.properties[record.property as usize]
    }

    /// A comment at `span`, whose text lies between `opener` and `closer` bytes at its ends.
    pub(super) fn comment(&mut self, span: Range<usize>, opener: usize, closer: usize) {
        let tree = &mut self.tree;
        let inner = tree.text.get(span.start + opener..span.end.saturating_sub(closer)).unwrap_or("");
        let start = span.start + opener + (inner.len() - inner.trim_start().len());
        let body = start..start + inner.trim().len();
        let alone = tree.text.as_bytes()[..span.start]
            .iter()
            .rev()
            .find(|b| !matches!(b, b' ' | b'\t'))
            .is_none_or(|b| matches!(b, b'\n' | b'\r'))
            || &tree.text[..span.start] == "\u{feff}";
        let place = |range| Span::new(tree.file, range);
        tree.comments.push(Comment { span: place(span), body: place(body), alone });
    }

    /// Records an error; says whether reading may go on.
    pub(super) fn error(&mut self, at: Range<usize>, message: impl Into<String>, lost: bool) -> bool {
        let text = &self.tree.text;
        let start = text.floor_char_boundary(at.start);
        let end = text.ceil_char_boundary(at.end.max(start));
        let span = Span::new(self.tree.file, start..end);
        self.tree.errors.push(TreeError { span, message: message.into(), lost });
        self.tree.errors.len() < MAX_ERRORS
    }

    pub(super) fn finish(mut self) -> Tree {
        self.tree.comments.sort_by_key(|c| c.span);
        self.tree.errors.sort_by_key(|e| e.span);
        self.tree
    }
}

fn store(decoded: &mut String, value: &str) -> Text {
    let start = decoded.len() as u32;
    decoded.push_str(value);
    Text::Decoded { start, len: value.len() as u32 }
}
