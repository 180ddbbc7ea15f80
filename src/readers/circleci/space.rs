//! Where names of jobs, commands and executors lead: to the file, to an orb written in it, or to the registry.
//! <https://circleci.com/docs/orb-concepts/>

use crate::syntax::tree::{Kind, Node};

/// Names that hold at one place: those of the file, or those of an orb that is written in it.
#[derive(Clone, Copy)]
pub(super) struct Space<'t> {
    /// The mapping with `jobs`, `commands`, `executors` and `orbs`.
    pub(super) node: Node<'t>,
    /// The file.
    pub(super) root: Node<'t>,
    /// Whether whoever goes on with the file may give it orbs that it does not name itself.
    pub(super) lent: bool,
}

/// What a name leads to.
pub(super) enum Found<'t> {
    /// A definition, and the names that hold in it.
    Here(Node<'t>, Space<'t>),
    /// A part of an orb of the registry: `circleci/node/install`, and the orb's version.
    Outside(String, Option<String>),
    /// Nothing.
    Nowhere,
}

impl<'t> Space<'t> {
    /// Looks `name` up among `kind` (`jobs`, `commands`, `executors`).
    pub(super) fn find(&self, kind: &str, name: &str) -> Found<'t> {
        let Some((alias, part)) = name.split_once('/') else {
            return match self.node.get(kind).and_then(|k| k.get(name)) {
                Some(definition) if definition.kind() == Kind::Mapping => Found::Here(definition, *self),
                _ => Found::Nowhere,
            };
        };
        let orbs = [self.node.get("orbs"), self.root.get("orbs")];
        let Some(orb) = orbs.into_iter().flatten().find_map(|o| o.get(alias)) else {
            return if self.lent { Found::Outside(name.to_owned(), None) } else { Found::Nowhere };
        };
        match orb.as_str() {
            Some(reference) => {
                let (name, version) = split_orb(reference);
                Found::Outside(format!("{name}/{part}"), version)
            }
            None => {
                let inner = Space { node: orb, ..*self };
                match orb.get(kind).and_then(|k| k.get(part)) {
                    Some(definition) if definition.kind() == Kind::Mapping => Found::Here(definition, inner),
                    // An orb under test stands there empty until the run puts it in.
                    _ if self.lent && orb.entries().len() == 0 => Found::Outside(name.to_owned(), None),
                    _ => Found::Nowhere,
                }
            }
        }
    }
}

/// `circleci/node@5.1` in name and version.
pub(super) fn split_orb(reference: &str) -> (String, Option<String>) {
    match reference.trim().split_once('@') {
        Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
        None => (reference.trim().to_owned(), None),
    }
}
