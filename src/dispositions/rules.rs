//! What dispositions have to know of rules.

use std::collections::{BTreeMap, BTreeSet};

/// Which rules there are, which ran, and which are locked; by id.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Every rule that exists, whether it runs or not.
    pub known: BTreeSet<String>,
    /// Former ids, with the present one.
    pub renamed: BTreeMap<String, String>,
    /// Those that ran.
    pub ran: BTreeSet<String>,
    /// Those whose allows have no effect.
    pub locked: BTreeSet<String>,
}

impl Rules {
    /// The present id of a rule that may have had another.
    fn present<'a>(&'a self, id: &'a str) -> &'a str {
        self.renamed.get(id).map_or(id, String::as_str)
    }

    /// Whether both ids are of one rule.
    pub fn same(&self, a: &str, b: &str) -> bool {
        a == b || self.present(a) == self.present(b)
    }

    /// Whether there is such a rule.
    pub fn exists(&self, id: &str) -> bool {
        self.known.contains(self.present(id))
    }

    /// Whether it ran.
    pub fn ran(&self, id: &str) -> bool {
        self.ran.contains(self.present(id))
    }

    /// Whether its allows have no effect.
    pub fn locked(&self, id: &str) -> bool {
        self.locked.contains(self.present(id))
    }

    /// The rule that may have been meant.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        crate::text::nearest(id, self.known.iter().map(String::as_str))
    }
}
