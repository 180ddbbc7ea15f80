//! What each environment gets of Terraform's roots: variables from tfvars, defaults and callers put in, modules of this
//! repository followed, blocks repeated over environments.
//! <https://developer.hashicorp.com/terraform/language/modules>

mod render;
mod values;

use self::render::Call;
use super::expression::below;
use crate::facts::normalise;
use crate::facts::{Basis, Resource, Setting, Shape, System, Target, Value, path_stage, path_target};
use crate::lexicon::{Environments, classify};
use crate::readers::names::{folder, name};
use crate::readers::{Lowering, Trees};
use crate::text::Span;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Resources that all roots yield.
const MOST: usize = 10_000;
/// Environments of one root; instances of one block.
const MOST_ENVIRONMENTS: usize = 12;
/// References that are followed for one root: locals may name each other; and for all of them.
const MOST_STEPS: u32 = 1_000_000;
const MOST_STEPS_OF_ALL: u32 = 10_000_000;

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
        let mut left = MOST_STEPS_OF_ALL;
        for root in roots {
            let own = by_root.get(root.as_str()).map_or(&[][..], Vec::as_slice);
            for environment in self.environments_of(&root, own) {
                if self.deployed.len() >= MOST || left == 0 {
                    return;
                }
                let fuel = left.min(MOST_STEPS);
                self.fuel.set(fuel);
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
                left -= fuel - self.fuel.get();
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
}
