//! Change logs in XML, YAML and JSON.

use super::change::{Change, Column};
use super::{ChangeSet, way_back};
use crate::facts::Down;
use crate::readers::Text;
use crate::readers::sql;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::xml::{self, Event};
use crate::text::{Passage, Span};

/// What stands in a change set and is no change.
const NO_CHANGE: &[&str] =
    &["preConditions", "comment", "validCheckSum", "modifySql", "property", "changeLogParameters"];

/// Where in a change set the walk is.
#[derive(Default)]
struct Walk {
    set: Option<ChangeSet>,
    change: Option<Change>,
    /// Text of `<sql>` or of `<rollback>`.
    passage: Option<Passage>,
    /// Tags that are open below the change set.
    depth: usize,
    /// The depth at which something is skipped, or a rollback began.
    skipped: Option<usize>,
    rollback: Option<(usize, Span, bool)>,
}

/// The change sets of an XML change log.
pub(super) fn xml(text: &Text<'_>) -> Vec<ChangeSet> {
    if !text.text.contains("databaseChangeLog") {
        return Vec::new();
    }
    let (mut sets, mut walk) = (Vec::new(), Walk::default());
    xml::walk(text.text, &mut |event| match event {
        Event::Open { name: "changeSet", attributes, empty, range } if walk.set.is_none() => {
            let mut set = ChangeSet::new(Span::new(text.file, range));
            attributes.iter().for_each(|(key, value)| set.attribute(key, &text.text[value.clone()]));
            if empty {
                sets.push(set);
            } else {
                walk = Walk { set: Some(set), ..Walk::default() };
            }
        }
        Event::Close { name: "changeSet", range } => {
            walk.finish_change();
            if let Some(mut set) = walk.set.take() {
                set.body = set.place.join(Span::new(text.file, range));
                sets.push(set);
            }
        }
        _ if walk.set.is_none() => {}
        Event::Open { name, attributes, empty, range } => {
            walk.open(text, name, &attributes, range.clone());
            if empty {
                walk.close();
            }
        }
        Event::Close { .. } => walk.close(),
        Event::Text { range, literal } => {
            if let Some(passage) = &mut walk.passage {
                let more = xml::passage(text.file, text.text, range, literal);
                passage.append(&more, 0..more.text().len());
            }
        }
    });
    sets
}

impl Walk {
    fn open(
        &mut self,
        text: &Text<'_>,
        name: &str,
        attributes: &[(&str, std::ops::Range<usize>)],
        range: std::ops::Range<usize>,
    ) {
        self.depth += 1;
        if self.skipped.is_some() {
            return;
        }
        if let Some((_, _, holds)) = &mut self.rollback {
            *holds = true;
            return;
        }
        let place = Span::new(text.file, range.clone());
        if self.depth == 1 {
            if NO_CHANGE.contains(&name) {
                self.skipped = Some(1);
            } else if name == "rollback" {
                // `<rollback changeSetId="1"/>` runs another change set.
                self.rollback = Some((1, place, !attributes.is_empty()));
                self.passage = Some(Passage::new(text.file, range.end));
            } else {
                let mut change = Change::new(name, place);
                attributes.iter().for_each(|(key, value)| change.attribute(key, &text.text[value.clone()]));
                if name == "sql" || name == "createProcedure" {
                    self.passage = Some(Passage::new(text.file, range.end));
                }
                self.change = Some(change);
            }
            return;
        }
        let Some(change) = &mut self.change else { return };
        let pairs = attributes.iter().map(|(key, value)| (*key, &text.text[value.clone()]));
        detail(change, name, pairs);
    }

    fn close(&mut self) {
        if self.skipped == Some(self.depth) {
            self.skipped = None;
        }
        if let Some((depth, place, holds)) = self.rollback
            && depth == self.depth
        {
            let down = match self.passage.take() {
                _ if holds => Down::Full,
                Some(passage) => way_back(&sql::read(&passage, None)),
                None => Down::Empty,
            };
            if let Some(set) = &mut self.set {
                set.rollback = Some((down, place));
            }
            self.rollback = None;
        } else if self.depth == 1 {
            self.finish_change();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn finish_change(&mut self) {
        let passage = self.passage.take();
        let (Some(mut change), Some(set)) = (self.change.take(), &mut self.set) else { return };
        if let Some(passage) = passage.filter(|_| change.is_sql()) {
            change.sql = Some(sql::read(&passage, set.database));
        }
        set.changes.push(change);
    }
}

/// An element within a change.
fn detail<'a>(change: &mut Change, name: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>) {
    let is_true = |value: &str| value.eq_ignore_ascii_case("true");
    match name {
        "column" | "addColumn" => {
            let mut column = Column::default();
            for (key, value) in attributes {
                match key {
                    "name" => value.clone_into(&mut column.name),
                    "autoIncrement" => column.filled |= is_true(value),
                    key => column.filled |= key.starts_with("default") || key.starts_with("value"),
                }
            }
            change.columns.push(column);
        }
        "constraints" => {
            let Some(column) = change.columns.last_mut() else { return };
            for (key, value) in attributes {
                match key {
                    "nullable" => column.not_null |= value.eq_ignore_ascii_case("false"),
                    "primaryKey" => column.not_null |= is_true(value),
                    "unique" => column.unique |= is_true(value),
                    _ => {}
                }
            }
        }
        "where" => change.bounded = true,
        _ => {}
    }
}

/// The change sets of a YAML or JSON change log.
pub(super) fn tree(tree: &Tree) -> Vec<ChangeSet> {
    let logs = tree.documents().filter_map(|root| root.get("databaseChangeLog"));
    logs.flat_map(|log| log.items()).filter_map(|item| item.get("changeSet")).map(change_set).collect()
}

fn change_set(node: Node<'_>) -> ChangeSet {
    let mut set = ChangeSet::new(node.key("id").map_or(node.span(), |key| key.span()));
    set.body = node.span();
    for (key, value) in node.entries() {
        let Some(key) = key.as_str() else { continue };
        match key {
            "changes" => {
                let named = value.items().flat_map(|item| item.entries());
                let changes: Vec<Change> = named
                    .filter_map(|(kind, body)| Some(change(kind.as_str()?, kind.span(), body, &set)))
                    .collect();
                set.changes.extend(changes);
            }
            "rollback" => set.rollback = Some((rollback(value), value.span())),
            key => set.attribute(key, value.as_str().unwrap_or_default()),
        }
    }
    set
}

/// A text is SQL, a list or a mapping holds changes.
fn rollback(node: Node<'_>) -> Down {
    match node.kind() {
        Kind::Null => Down::Empty,
        Kind::Scalar => way_back(&sql::read(&node.passage(), None)),
        Kind::Sequence if node.items().len() == 0 => Down::Empty,
        Kind::Sequence => {
            let idle = node.items().all(|item| item.get("empty").is_some());
            if idle { Down::OnlyComments } else { Down::Full }
        }
        Kind::Mapping => Down::Full,
    }
}

fn change(kind: &str, place: Span, body: Node<'_>, set: &ChangeSet) -> Change {
    let mut change = Change::new(kind, place);
    if kind == "sql" {
        let sql = if body.kind() == Kind::Scalar { Some(body) } else { body.get("sql") };
        change.sql = sql.map(|node| sql::read(&node.passage(), set.database));
        return change;
    }
    for (key, value) in body.entries() {
        let Some(key) = key.as_str() else { continue };
        match key {
            "columns" => {
                for column in value.items().filter_map(|item| item.get("column")) {
                    let own: Vec<(&str, &str)> = scalars(column);
                    detail(&mut change, "column", own.into_iter());
                    if let Some(constraints) = column.get("constraints") {
                        detail(&mut change, "constraints", scalars(constraints).into_iter());
                    }
                }
            }
            "where" => change.bounded = true,
            key if value.kind() == Kind::Scalar => change.attribute(key, value.as_str().unwrap_or_default()),
            _ => {}
        }
    }
    change
}

fn scalars<'t>(node: Node<'t>) -> Vec<(&'t str, &'t str)> {
    node.entries().filter_map(|(key, value)| Some((key.as_str()?, value.as_str()?))).collect()
}
