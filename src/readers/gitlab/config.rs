//! The configuration as GitLab puts it together: includes, `extends`, `default`, `!reference`.
//! <https://docs.gitlab.com/ci/yaml/yaml_optimization/>

use crate::syntax::tree::{Kind, Node};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Levels of `extends`, of nested `!reference` and of nested script lists, as GitLab limits them.
const MOST_EXTENDS: usize = 11;
const MOST_NESTED: usize = 10;
/// Entries that merging may copy, and list items and references that may be followed.
const MOST_MERGED: usize = 1_000_000;
const MOST_FOLLOWED: usize = 2_000_000;

/// A part of the configuration: as one file writes it, or put together from several places.
#[derive(Clone)]
pub(super) enum Conf<'t> {
    Written(Node<'t>),
    /// A mapping; the node is the part that won.
    Merged(Node<'t>, Rc<Vec<Entry<'t>>>),
}

/// A key where it is written last, and its value.
pub(super) type Entry<'t> = (Node<'t>, Conf<'t>);

impl<'t> Conf<'t> {
    /// The node that it is, or that won.
    pub(super) fn node(&self) -> Node<'t> {
        match self {
            Conf::Written(node) | Conf::Merged(node, _) => *node,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Conf::Written(node) => node.kind(),
            Conf::Merged(..) => Kind::Mapping,
        }
    }

    pub(super) fn text(&self) -> Option<&'t str> {
        match self {
            Conf::Written(node) => node.as_str(),
            Conf::Merged(..) => None,
        }
    }

    fn is_reference(&self) -> bool {
        matches!(self, Conf::Written(node) if node.tag() == Some("!reference"))
    }

    /// Keys and values, merge keys applied.
    pub(super) fn entries(&self) -> Vec<Entry<'t>> {
        match self {
            Conf::Written(node) => {
                node.merged_entries().into_iter().map(|(k, v)| (k, Conf::Written(v))).collect()
            }
            Conf::Merged(_, entries) => entries.to_vec(),
        }
    }

    /// The entry of a key, null included.
    pub(super) fn entry(&self, key: &str) -> Option<Entry<'t>> {
        match self {
            Conf::Written(node) => Some((node.key(key)?, Conf::Written(node.get(key)?))),
            Conf::Merged(_, entries) => entries.iter().find(|(k, _)| k.as_str() == Some(key)).cloned(),
        }
    }
}

/// What merging may still copy.
pub(super) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Budget {
        Budget(Cell::new(MOST_MERGED))
    }
}

impl Budget {
    fn spend(&self, count: usize) -> bool {
        let left = self.0.get().checked_sub(count);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Lays `over` over `under`: mappings are merged key by key at every level, all else is replaced.
pub(super) fn merge<'t>(under: &Conf<'t>, over: &Conf<'t>, budget: &Budget) -> Conf<'t> {
    if under.kind() != Kind::Mapping || over.kind() != Kind::Mapping {
        return over.clone();
    }
    let mut entries = under.entries();
    let above = over.entries();
    if !budget.spend(entries.len() + above.len()) {
        return over.clone();
    }
    let mut at: HashMap<&str, usize> =
        entries.iter().enumerate().filter_map(|(i, (k, _))| Some((k.as_str()?, i))).collect();
    for (key, value) in above {
        match key.as_str().and_then(|k| at.get(k)) {
            Some(&i) => entries[i] = (key, merge(&entries[i].1, &value, budget)),
            None => {
                if let Some(name) = key.as_str() {
                    at.insert(name, entries.len());
                }
                entries.push((key, value));
            }
        }
    }
    Conf::Merged(over.node(), Rc::new(entries))
}

/// One whole configuration, all includes merged.
pub(super) struct Config<'t> {
    top: Vec<Entry<'t>>,
    index: HashMap<&'t str, usize>,
    extended: RefCell<BTreeMap<usize, Conf<'t>>>,
    budget: Budget,
    followed: Cell<usize>,
    /// Names that are extended or referred to, and are nowhere.
    missing: RefCell<BTreeSet<String>>,
}

impl<'t> Config<'t> {
    pub(super) fn new(whole: &Conf<'t>, budget: Budget) -> Config<'t> {
        let top = whole.entries();
        let index = top.iter().enumerate().filter_map(|(i, (k, _))| Some((k.as_str()?, i))).collect();
        Config {
            top,
            index,
            extended: RefCell::default(),
            budget,
            followed: Cell::new(MOST_FOLLOWED),
            missing: RefCell::default(),
        }
    }

    /// Every entry of the top level, `extends` not yet applied.
    pub(super) fn top(&self) -> &[Entry<'t>] {
        &self.top
    }

    /// What is extended or referred to and is nowhere, and limits that were met.
    pub(super) fn gaps(&self) -> Vec<String> {
        let mut gaps: Vec<String> = self.missing.borrow().iter().cloned().collect();
        if self.budget.is_spent() || self.followed.get() == 0 {
            gaps.push("it expands to more than is read".into());
        }
        gaps
    }

    /// An entry of the top level with `extends` applied.
    pub(super) fn named(&self, name: &str) -> Option<Entry<'t>> {
        let at = *self.index.get(name)?;
        Some((self.top[at].0, self.extend(at, &mut Vec::new())))
    }

    /// `open` are the entries that are being extended, so that a circle ends.
    fn extend(&self, at: usize, open: &mut Vec<usize>) -> Conf<'t> {
        if let Some(done) = self.extended.borrow().get(&at) {
            return done.clone();
        }
        let own = self.top[at].1.clone();
        let parents = if own.kind() == Kind::Mapping { own.entry("extends") } else { None };
        let Some((_, parents)) = parents else { return own };
        open.push(at);
        let mut under: Option<Conf<'t>> = None;
        for parent in parents.node().one_or_more().filter_map(|p| p.as_str()) {
            let Some(&next) = self.index.get(parent) else {
                self.missing.borrow_mut().insert(format!("`extends: {parent}` leads nowhere"));
                continue;
            };
            if open.contains(&next) || open.len() > MOST_EXTENDS {
                self.missing.borrow_mut().insert(format!("`extends: {parent}` goes in a circle or too deep"));
                continue;
            }
            let parent = self.extend(next, open);
            under = Some(match under {
                Some(under) => merge(&under, &parent, &self.budget),
                None => parent,
            });
        }
        open.pop();
        let whole = match under {
            Some(under) => merge(&under, &own, &self.budget),
            None => own,
        };
        self.extended.borrow_mut().insert(at, whole.clone());
        whole
    }

    fn spend(&self) -> bool {
        let left = self.followed.get();
        self.followed.set(left.saturating_sub(1));
        left > 0
    }

    /// What a value is once references are followed; `None` for null and for what leads nowhere.
    pub(super) fn follow(&self, conf: Conf<'t>) -> Option<Conf<'t>> {
        self.followed(conf, 0)
    }

    fn followed(&self, conf: Conf<'t>, depth: usize) -> Option<Conf<'t>> {
        if !conf.is_reference() {
            return Some(conf).filter(|c| c.kind() != Kind::Null);
        }
        let mut path = conf.node().items().filter_map(|n| n.as_str());
        let found = path.next().filter(|_| depth <= MOST_NESTED && self.spend()).and_then(|first| {
            let mut at = self.named(first)?.1;
            for key in path {
                at = self.followed(at, depth + 1)?.entry(key).filter(|_| self.spend())?.1;
            }
            Some(at)
        });
        match found {
            Some(found) => self.followed(found, depth + 1),
            None => {
                self.missing.borrow_mut().insert(format!("`!reference {}` leads nowhere", conf.node().raw()));
                None
            }
        }
    }

    /// A key's value with its key, references followed.
    pub(super) fn get(&self, conf: &Conf<'t>, key: &str) -> Option<Entry<'t>> {
        let (key, value) = conf.entry(key)?;
        Some((key, self.follow(value)?))
    }

    /// The value of a key in a job, or else what `default:` (or the top level, as was usual once) says.
    pub(super) fn inherited(&self, job: &Conf<'t>, key: &str) -> Option<Entry<'t>> {
        if job.entry(key).is_some() {
            return self.get(job, key);
        }
        let inherit = self.get(job, "inherit").and_then(|(_, i)| self.get(&i, "default"));
        if let Some((_, inherit)) = inherit {
            let listed = inherit.node().items().any(|i| i.as_str() == Some(key));
            if inherit.node().as_bool() == Some(false) || inherit.kind() == Kind::Sequence && !listed {
                return None;
            }
        }
        let default = self.named("default").and_then(|(_, d)| self.get(&d, key));
        default.or_else(|| {
            let at = *self.index.get(key)?;
            let (key, value) = self.top[at].clone();
            Some((key, self.follow(value)?))
        })
    }

    /// The items of a list, nested lists and references flattened as in scripts; a single value is a list
    /// of one.
    pub(super) fn items(&self, conf: &Conf<'t>) -> Vec<Conf<'t>> {
        let mut out = Vec::new();
        self.flatten(conf.clone(), 0, &mut out);
        out
    }

    fn flatten(&self, conf: Conf<'t>, depth: usize, out: &mut Vec<Conf<'t>>) {
        if depth > MOST_NESTED || !self.spend() {
            self.missing.borrow_mut().insert("a list is nested too deep".into());
            return;
        }
        let Some(conf) = self.followed(conf, 0) else { return };
        match conf.kind() {
            Kind::Sequence => {
                conf.node().items().for_each(|item| self.flatten(Conf::Written(item), depth + 1, out));
            }
            _ => out.push(conf),
        }
    }
}
