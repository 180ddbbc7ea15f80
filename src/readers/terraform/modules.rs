//! What each environment gets of Terraform's roots: variables from tfvars, defaults and callers put in, modules of this
//! repository followed, blocks repeated over environments.
//! <https://developer.hashicorp.com/terraform/language/modules>

use super::expression::{Outcome, below, is_made, value};
use crate::facts::{Basis, Resource, Setting, Shape, System, Target, Value, path_stage, path_target};
use crate::lexicon::{Environments, classify};
use crate::readers::commands::normalise;
use crate::readers::names::{folder, name};
use crate::readers::{Lowering, Trees};
use crate::text::Span;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// Resources that all roots yield.
const MOST: usize = 10_000;
/// Modules in modules.
const DEEPEST: usize = 8;
/// Environments of one root; instances of one block.
const MOST_ENVIRONMENTS: usize = 12;
/// References that are followed for one root: locals may name each other.
const MOST_STEPS: u32 = 1_000_000;

/// All blocks of one folder, by number.
#[derive(Default)]
struct Module {
    variables: BTreeMap<String, usize>,
    locals: Vec<usize>,
    calls: Vec<usize>,
    blocks: Vec<usize>,
    /// Entries of its locals.
    size: u32,
}

/// What a block is repeated over: the key and the value.
type Each = Option<(String, Outcome)>;

/// What a module is called with.
struct Call<'c> {
    folder: &'c str,
    arguments: Rc<BTreeMap<String, Outcome>>,
    workspace: Option<&'c str>,
    /// What the block is repeated over: its key and value.
    each: Each,
    target: Option<&'c Target>,
    via: Vec<Span>,
    depth: usize,
}

struct Roots<'a> {
    resources: &'a [Resource],
    modules: BTreeMap<String, Module>,
    environments: &'a Environments,
    fuel: Cell<u32>,
    deployed: Vec<Resource>,
    parts: BTreeSet<usize>,
}

pub(in crate::readers) fn lower(_: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut files: Vec<(String, usize)> = Vec::new();
    for (index, resource) in lowering.facts.resources.iter().enumerate() {
        if resource.system != System::Terraform {
            continue;
        }
        let path = (lowering.path)(resource.place.file);
        if resource.block == "tfvars" {
            files.push((path.to_owned(), index));
            continue;
        }
        if path.ends_with(".hcl") {
            continue;
        }
        let module = modules.entry(folder(path).to_owned()).or_default();
        match resource.block.as_str() {
            "variable" => drop(module.variables.insert(resource.name.text(), index)),
            "locals" => {
                module.locals.push(index);
                module.size = module.size.saturating_add(resource.size);
            }
            "module" => module.calls.push(index),
            "resource" => module.blocks.push(index),
            _ => {}
        }
    }
    let resources = std::mem::take(&mut lowering.facts.resources);
    let mut roots = Roots {
        resources: &resources,
        modules,
        environments: lowering.environments,
        fuel: Cell::new(0),
        deployed: Vec::new(),
        parts: BTreeSet::new(),
    };
    roots.all(&files);
    let Roots { deployed, parts, .. } = roots;
    lowering.facts.resources = resources;
    for index in parts {
        lowering.facts.resources[index].shape = Shape::Part;
    }
    lowering.facts.deployed.extend(deployed);
}

/// One environment of a root: its files of values, the workspace's name.
#[derive(Default)]
struct Environment {
    /// The folder of its files.
    folder: String,
    files: Vec<usize>,
    workspace: Option<String>,
    target: Option<Target>,
}

impl Roots<'_> {
    fn all(&mut self, files: &[(String, usize)]) {
        let called: BTreeSet<String> = self
            .modules
            .iter()
            .flat_map(|(folder, module)| module.calls.iter().filter_map(|&c| self.source(folder, c)))
            .collect();
        let roots: Vec<String> = self.modules.keys().filter(|f| !called.contains(*f)).cloned().collect();
        // A file of values is for the nearest root around it.
        let mut by_root: BTreeMap<&str, Vec<(String, usize)>> = BTreeMap::new();
        for (path, index) in files {
            let mut around = folder(path);
            while !self.modules.contains_key(around) && !around.is_empty() {
                around = folder(around);
            }
            by_root.entry(around).or_default().push((path.clone(), *index));
        }
        for root in roots {
            let own = by_root.get(root.as_str()).map_or(&[][..], Vec::as_slice);
            for environment in self.environments_of(&root, own) {
                if self.deployed.len() >= MOST {
                    return;
                }
                self.fuel.set(MOST_STEPS);
                let mut arguments = BTreeMap::new();
                let mut via = Vec::new();
                for &file in &environment.files {
                    via.push(self.resources[file].place);
                    let entries = &self.resources[file].entries;
                    let names: BTreeSet<&str> =
                        entries.iter().filter_map(|e| e.path.split('.').next()).collect();
                    for name in names {
                        arguments.insert(name.to_owned(), below(entries.iter(), name));
                    }
                }
                self.render(Call {
                    folder: &root,
                    arguments: Rc::new(arguments),
                    workspace: environment.workspace.as_deref(),
                    each: None,
                    target: environment.target.as_ref(),
                    via,
                    depth: 0,
                });
            }
        }
    }

    /// The folder that a call means, if it lies here.
    fn source(&self, folder: &str, call: usize) -> Option<String> {
        let source = self.resources[call].entry("source")?.setting.known()?;
        let local = source.starts_with("./") || source.starts_with("../");
        let found = normalise(&format!("{folder}/{source}")).filter(|_| local)?;
        self.modules.contains_key(&found).then_some(found)
    }

    /// The environments of a root: by files of values, by workspaces, by what a variable may be, or by its path.
    fn environments_of(&self, root: &str, files: &[(String, usize)]) -> Vec<Environment> {
        let module = &self.modules[root];
        let mut common = Vec::new();
        let mut found: Vec<Environment> = Vec::new();
        for (path, index) in files {
            if folder(path) == root && (name(path) == "terraform.tfvars" || path.contains(".auto.tfvars")) {
                common.push(*index);
                continue;
            }
            let rest = path[root.len()..].trim_start_matches('/');
            let Some((stage, word)) = path_stage(rest, self.environments) else { continue };
            // A folder may hold several files for its environment.
            let same = |e: &&mut Environment| {
                let known = e.target.as_ref().and_then(|t| t.name.known());
                folder(path) != root && e.folder == folder(path) && known == Some(&word)
            };
            if let Some(environment) = found.iter_mut().find(same) {
                environment.files.push(*index);
            } else if found.len() < MOST_ENVIRONMENTS {
                let place = self.resources[*index].place;
                let (stage, name) = (Value::Known(stage), Value::Known(word));
                found.push(Environment {
                    folder: folder(path).to_owned(),
                    files: vec![*index],
                    workspace: None,
                    target: Some(Target { stage, name, basis: Basis::Name, place }),
                });
            }
        }
        if found.is_empty() {
            found = self.workspaces(module);
        }
        if found.is_empty() {
            let first = module.blocks.iter().chain(&module.calls).next();
            let target =
                first.and_then(|&b| path_target(root, self.resources[b].place.file, self.environments));
            found.push(Environment { target, ..Environment::default() });
        }
        for environment in &mut found {
            environment.files.splice(0..0, common.iter().copied());
        }
        found
    }

    /// Names by which a mapping of locals is asked with the workspace.
    fn workspaces(&self, module: &Module) -> Vec<Environment> {
        let all = module.locals.iter().chain(&module.blocks).chain(&module.calls);
        let asked = all.flat_map(|&i| &self.resources[i].entries).find_map(|e| match &e.setting {
            Value::Expr(text) => {
                let (before, _) = text.split_once("[terraform.workspace]")?;
                let from =
                    before.rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
                Some(before[from.map_or(0, |at| at + 1)..].to_owned())
            }
            _ => None,
        });
        let Some(asked) = asked else { return Vec::new() };
        let mut keys: Vec<(String, Span)> = Vec::new();
        let entries: Vec<&Setting> = if let Some(local) = asked.strip_prefix("local.") {
            let all = module.locals.iter().flat_map(|&l| &self.resources[l].entries);
            all.filter(|e| e.path.starts_with(&format!("{local}."))).collect()
        } else if let Some(variable) = asked.strip_prefix("var.") {
            let all = module.variables.get(variable).into_iter().flat_map(|&v| &self.resources[v].entries);
            all.filter(|e| e.path.starts_with("default.")).collect()
        } else {
            return Vec::new();
        };
        for entry in entries {
            let key = entry.path.split('.').nth(1).unwrap_or("");
            if !keys.iter().any(|(k, _)| k == key) && keys.len() < MOST_ENVIRONMENTS {
                keys.push((key.to_owned(), entry.place));
            }
        }
        let environment = |(key, place): (String, Span)| {
            let stage = classify(&key, self.environments)?;
            let name = Value::Known(key.clone());
            let target = Target { stage: Value::Known(stage), name, basis: Basis::Context, place };
            Some(Environment { workspace: Some(key), target: Some(target), ..Environment::default() })
        };
        keys.into_iter().filter_map(environment).collect()
    }

    /// Puts in what a module is called with.
    fn render(&mut self, call: Call<'_>) {
        let Some(module) = self.modules.get(call.folder) else { return };
        let (blocks, calls) = (module.blocks.clone(), module.calls.clone());
        for block in blocks {
            for (each, target) in self.instances(block, &call) {
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

    /// What an argument of a call comes to: it may be a mapping whose values refer to others.
    fn argument(&self, entries: &[Setting], name: &str, call: &Call<'_>) -> Outcome {
        match below(entries.iter(), name) {
            Outcome::Tree(all) => {
                let mut found = Vec::new();
                for setting in all {
                    match self.resolved(&setting, call) {
                        Some(Outcome::Text(text, owner)) => found.push(owned(&setting, text, owner)),
                        Some(Outcome::Tree(inner)) => {
                            found.extend(inner.into_iter().map(|s| grown(&setting, s)))
                        }
                        Some(Outcome::Nothing) => {}
                        _ => found.push(setting),
                    }
                }
                Outcome::Tree(found)
            }
            known @ Outcome::Text(..) => known,
            _ => entries
                .iter()
                .find(|e| e.path == name)
                .and_then(|e| self.resolved(e, call).map(|o| placed(o, e)))
                .unwrap_or(Outcome::Unknown),
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

    /// What an entry that is no literal comes to.
    fn resolved(&self, entry: &Setting, call: &Call<'_>) -> Option<Outcome> {
        let Value::Expr(text) = &entry.setting else { return None };
        Some(self.value(text, call, 0))
    }

    fn value(&self, text: &str, call: &Call<'_>, depth: usize) -> Outcome {
        value(text, &|reference| self.reference(reference, call, depth))
    }

    fn reference(&self, reference: &str, call: &Call<'_>, depth: usize) -> Outcome {
        let left = self.fuel.get();
        if left == 0 || depth > 12 {
            return Outcome::Unknown;
        }
        let mut parts = reference.splitn(3, '.');
        let (kind, name, rest) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
        let Some(module) = self.modules.get(call.folder) else { return Outcome::Unknown };
        // Each look-up goes through all locals.
        self.fuel.set(left.saturating_sub(1 + module.size / 8));
        let whole = match kind {
            "var" => match call.arguments.get(name) {
                Some(Outcome::Unknown) => Outcome::Unknown,
                Some(given) if !matches!(given, Outcome::Nothing) => given.clone(),
                _ => {
                    let default = module.variables.get(name).map(|&v| &self.resources[v].entries);
                    default.map_or(Outcome::Unknown, |entries| below(entries.iter(), "default"))
                }
            },
            "local" => {
                let all = || module.locals.iter().flat_map(|&l| &self.resources[l].entries);
                match below(all(), name) {
                    Outcome::Unknown => match all().find(|e| e.path == name).map(|e| (e, &e.setting)) {
                        Some((entry, Value::Expr(text))) => placed(self.value(text, call, depth + 1), entry),
                        _ => Outcome::Unknown,
                    },
                    Outcome::Tree(mut found) => {
                        // A mapping of locals may refer to others in its turn.
                        for setting in &mut found {
                            if let Value::Expr(text) = &setting.setting
                                && let Outcome::Text(text, owner) = self.value(&text.clone(), call, depth + 1)
                            {
                                let path = setting.path.clone();
                                *setting = owned(setting, text, owner);
                                setting.path = path;
                            }
                        }
                        Outcome::Tree(found)
                    }
                    known => known,
                }
            }
            "each" => match (&call.each, name) {
                (Some((key, _)), "key") => Outcome::Text(key.clone(), None),
                (Some((_, value)), "value") => value.clone(),
                _ => Outcome::Unknown,
            },
            "terraform" if name == "workspace" => {
                call.workspace.map_or(Outcome::Unknown, |w| Outcome::Text(w.to_owned(), None))
            }
            _ => Outcome::Unknown,
        };
        match rest {
            Some(rest) => match &whole {
                Outcome::Tree(all) => below(all.iter(), rest),
                _ => Outcome::Unknown,
            },
            None => whole,
        }
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

/// An entry with a value that another setting owns, or that an expression here made.
fn owned(entry: &Setting, text: String, owner: Option<Setting>) -> Setting {
    let owner = owner.filter(|o| !is_made(o));
    Setting {
        place: owner.as_ref().map_or(entry.place, |o| o.place),
        key_place: owner.as_ref().map_or(entry.key_place, |o| o.key_place),
        setting: Value::Known(text),
        ..entry.clone()
    }
}

/// A part of a mapping that stands where an entry refers to it.
fn grown(entry: &Setting, part: Setting) -> Setting {
    let path =
        if part.path.is_empty() { entry.path.clone() } else { format!("{}.{}", entry.path, part.path) };
    let made = is_made(&part);
    Setting {
        key: path.rsplit('.').find(|p| !p.bytes().all(|b| b.is_ascii_digit())).unwrap_or("").to_owned(),
        path,
        place: if made { entry.place } else { part.place },
        key_place: if made { entry.key_place } else { part.key_place },
        ..part
    }
}

/// What an expression made, with the place of the expression.
fn placed(outcome: Outcome, entry: &Setting) -> Outcome {
    match outcome {
        Outcome::Text(text, None) => Outcome::Text(text.clone(), Some(owned(entry, text, None))),
        Outcome::Tree(all) => Outcome::Tree(
            all.into_iter()
                .map(|s| {
                    if is_made(&s) {
                        Setting { place: entry.place, key_place: entry.key_place, ..s }
                    } else {
                        s
                    }
                })
                .collect(),
        ),
        other => other,
    }
}
