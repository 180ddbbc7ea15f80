//! Blocks of a module as one call of it writes them: repeated, with everything put in.
//! <https://developer.hashicorp.com/terraform/language/meta-arguments>

use super::values::{grown, owned};
use super::{MOST, MOST_ENVIRONMENTS, Roots};
use crate::facts::{Basis, Resource, Shape, Target, Value};
use crate::lexicon::classify;
use crate::readers::terraform::expression::Outcome;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// Modules in modules.
const DEEPEST: usize = 8;
/// What a call costs of a root's steps, besides what it refers to: modules without blocks call each other, too.
const CALL: u32 = 50;

/// What a block is repeated over: the key and the value.
pub(super) type Each = Option<(String, Outcome)>;

/// What a module is called with.
pub(super) struct Call<'c> {
    pub(super) folder: &'c str,
    pub(super) arguments: Rc<BTreeMap<String, Outcome>>,
    pub(super) workspace: Option<&'c str>,
    /// What the block is repeated over: its key and value.
    pub(super) each: Each,
    pub(super) target: Option<&'c Target>,
    pub(super) via: Vec<Span>,
    pub(super) depth: usize,
}

impl Roots<'_> {
    /// Puts in what a module is called with.
    pub(super) fn render(&mut self, call: Call<'_>) {
        let Some(module) = self.modules.get(call.folder) else { return };
        let left = self.fuel.get();
        if left == 0 {
            return;
        }
        self.fuel.set(left.saturating_sub(CALL));
        let (blocks, calls) = (module.blocks.clone(), module.calls.clone());
        for block in blocks {
            let instances = self.instances(block, &call);
            if instances.is_empty() {
                // Written no times here, it is not what this environment gets.
                self.parts.insert(block);
            }
            for (each, target) in instances {
                if self.deployed.len() >= MOST {
                    return;
                }
                let call = call.inside(each, target.as_ref());
                self.block(block, &call);
            }
        }
        if call.depth >= DEEPEST {
            return;
        }
        for index in calls {
            let Some(source) = self.source(call.folder, index) else { continue };
            for (each, target) in self.instances(index, &call) {
                let inner = call.inside(each, target.as_ref());
                let mut arguments = BTreeMap::new();
                let entries = self.resources[index].entries.clone();
                let names: BTreeSet<&str> = entries.iter().filter_map(|e| e.path.split('.').next()).collect();
                for name in names {
                    if matches!(
                        name,
                        "source" | "version" | "providers" | "for_each" | "count" | "depends_on"
                    ) {
                        continue;
                    }
                    arguments.insert(name.to_owned(), self.argument(&entries, name, &inner));
                }
                let mut via = call.via.clone();
                via.push(self.resources[index].place);
                self.render(Call {
                    folder: &source,
                    arguments: Rc::new(arguments),
                    workspace: call.workspace,
                    each: None,
                    target: target.as_ref().or(call.target),
                    via,
                    depth: call.depth + 1,
                });
            }
        }
    }

    /// How often a block is written: none, once, or once for each key.
    fn instances(&self, index: usize, call: &Call<'_>) -> Vec<(Each, Option<Target>)> {
        let resource = &self.resources[index];
        if let Some(count) = resource.entry("count") {
            let count = match &count.setting {
                Value::Known(count) => Some(count.clone()),
                _ => self.resolved(count, call).and_then(|o| o.known().map(str::to_owned)),
            };
            if count.as_deref() == Some("0") {
                return Vec::new();
            }
        }
        if !resource.has("for_each") {
            return vec![(None, None)];
        }
        let over = self.argument(&resource.entries, "for_each", call);
        let keys = over.keys();
        let is_known =
            matches!(over, Outcome::Tree(_)) && keys.len() <= MOST_ENVIRONMENTS && !keys.is_empty();
        let staged = keys.iter().any(|k| classify(k, self.environments).is_some());
        if !is_known || !staged {
            return vec![(None, None)];
        }
        let place = resource.entries_ending("for_each").next().map_or(resource.place, |e| e.place);
        let instance = |key: String| {
            let target = classify(&key, self.environments).map(|stage| Target {
                stage: Value::Known(stage),
                name: Value::Known(key.clone()),
                basis: Basis::Context,
                place,
            });
            let value = over.part(&key);
            (Some((key, value)), target)
        };
        keys.into_iter().map(instance).collect()
    }

    /// One block with everything put in.
    fn block(&mut self, index: usize, call: &Call<'_>) {
        let own = &self.resources[index];
        let mut entries = Vec::with_capacity(own.entries.len());
        let mut open = Vec::new();
        let mut changed = call.target.is_some() && call.target != own.target.as_ref()
            || call.depth > 0
            || call.each.is_some();
        for entry in &own.entries {
            if let Some(rest) = entry.path.strip_prefix("dynamic.") {
                open.push(rest.split('.').next().unwrap_or("").to_owned());
            }
            match self.resolved(entry, call) {
                Some(Outcome::Text(text, owner)) => {
                    changed = true;
                    entries.push(owned(entry, text, owner));
                }
                Some(Outcome::Tree(all)) => {
                    changed = true;
                    entries.extend(all.into_iter().map(|s| grown(entry, s)));
                }
                Some(Outcome::Nothing) => changed = true,
                Some(Outcome::Unknown) => {
                    open.push(entry.path.clone());
                    entries.push(entry.clone());
                }
                None => entries.push(entry.clone()),
            }
        }
        if !changed {
            return;
        }
        let own = call.target.cloned().map(Arc::new);
        for entry in &mut entries {
            entry.target = own.clone().or(entry.target.take());
        }
        self.parts.insert(index);
        let own = &self.resources[index];
        self.deployed.push(Resource {
            target: call.target.cloned().or_else(|| own.target.clone()),
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            shape: Shape::Effective,
            open,
            via: call.via.clone(),
            ..own.clone()
        });
    }
}

impl Call<'_> {
    /// The same for one instance of a block.
    fn inside<'i>(&'i self, each: Each, target: Option<&'i Target>) -> Call<'i> {
        Call {
            folder: self.folder,
            arguments: Rc::clone(&self.arguments),
            workspace: self.workspace,
            each,
            target: target.or(self.target),
            via: self.via.clone(),
            depth: self.depth,
        }
    }
}
