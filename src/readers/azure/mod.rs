//! Azure Pipelines: root files and their templates.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/>

mod evaluate;
mod expression;
mod job;
mod order;
mod step;
mod tasks;
mod template;
#[cfg(test)]
mod tests;
mod triggers;

use super::variables::Variables;
use super::{Abroad, Lowering, Parsed, Text, Trees, Want, commands, names};
use crate::facts::{BaseImage, Condition, Dialect, How, Pipeline, Role, SettingSource, Tolerance, Value};
use crate::source::{Reference, Unread, UnreadClass};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node, Step, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span, Spanned};
use job::Reading;
use std::collections::{BTreeSet, HashMap};
use template::{Conf, Expander};

const KIND: &str = "azure";

/// The name of a root file is free; these are the usual places.
pub(super) fn claims(path: &str, _: bool) -> bool {
    if !names::ends_in_any_case(path, &[".yml", ".yaml"]) || names::vendored(path) {
        return false;
    }
    let name = names::name(path).to_ascii_lowercase();
    let named = name.starts_with("azure-pipeline")
        || name.starts_with("azure_pipeline")
        || name.starts_with("azurepipeline")
        || name.starts_with(".azure-pipeline")
        || name.starts_with(".vsts-ci");
    let folder = [
        ".azure-pipelines",
        ".azure-pipeline",
        ".azurepipelines",
        "azure-pipelines",
        "azure-pipeline",
        "azurepipelines",
        ".azuredevops",
        "azuredevops",
        "azure-devops",
        ".azdo",
        ".ado",
        ".vsts",
        ".vsts-ci",
        ".pipelines",
    ];
    named || names::within(path, &folder) || path.starts_with("eng/pipelines/")
}

/// Keys that only a pipeline or one of its templates has at the top.
const SECTIONS: [&str; 6] = ["stages", "jobs", "steps", "variables", "extends", "parameters"];

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::GithubExpressions);
    parsed.problems.extend(super::names::every_problem(&tree, "YAML"));
    if let Some(root) = tree.root() {
        parsed.wants = wants(text.path, root);
        parsed.aliases = repositories(root);
        parsed.abroad = abroad(root, &parsed.aliases);
    }
    parsed.tree = Some(tree);
    parsed
}

/// `resources.repositories`: what the pipeline calls other repositories.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/resources-repositories-repository>
fn repositories(root: Node<'_>) -> Vec<(String, Reference)> {
    let list = root.at(&["resources", "repositories"]).into_iter().flat_map(|list| list.items());
    let text = |item: Node<'_>, key: &str| item.get(key).and_then(|n| n.as_str()).map(str::to_owned);
    list.filter_map(|item| {
        let alias = text(item, "repository")?;
        let name = text(item, "name").unwrap_or_else(|| alias.clone());
        Some((alias, Reference { name, version: text(item, "ref") }))
    })
    .collect()
}

/// Templates in other repositories. In a file that does not say which repository a name means, the pipeline that
/// uses it does.
fn abroad(root: Node<'_>, aliases: &[(String, Reference)]) -> Vec<Abroad> {
    let leaves = root.leaves();
    let templates = leaves.filter_map(|leaf| {
        let Some(Step::Key("template")) = leaf.path.last() else { return None };
        let (path, alias) = leaf.node.as_str()?.rsplit_once('@').filter(|(_, alias)| *alias != "self")?;
        let named = aliases.iter().find(|(name, _)| name == alias).map(|(_, reference)| reference.clone());
        let reference = named.unwrap_or_else(|| Reference { name: format!("@{alias}"), version: None });
        let path = crate::facts::normalise(path.trim_start_matches('/'))?;
        (!path.contains('$')).then(|| Abroad {
            reference,
            path,
            kind: KIND,
            place: leaf.node.span(),
            needed: true,
        })
    });
    templates.collect()
}

/// Templates, and scripts that steps run by path.
fn wants(path: &str, root: Node<'_>) -> Vec<Want> {
    let mut wants = Vec::new();
    for leaf in root.leaves() {
        let (Some(Step::Key(key)), Some(text)) = (leaf.path.last(), leaf.node.as_str()) else { continue };
        match *key {
            "template" => {
                let file = text.strip_suffix("@self").unwrap_or(text);
                if !file.contains(['@', '$'])
                    && let Some(path) = template::resolved(path, file)
                {
                    wants.push(Want { path, kind: KIND });
                }
            }
            "script" | "bash" | "inlineScript" => {
                let commands = commands::lower(&leaf.node.passage(), shell::Options::default(), &[]);
                wants.extend(commands.iter().filter_map(|c| commands::called_script(c, None)));
            }
            "filePath" | "scriptPath" if !text.contains('$') => {
                wants.extend(commands::script_want(&text.replace('\\', "/"), None));
            }
            _ => {}
        }
    }
    wants
}

/// Lowers every file that no other one uses as a template, and those that say themselves what starts them.
pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let by_path: HashMap<&str, FileId> = trees.iter().map(|(id, (path, _))| (*path, *id)).collect();
    let used: BTreeSet<String> = trees
        .values()
        .flat_map(|(path, tree)| tree.root().map(|r| wants(path, r)).unwrap_or_default())
        .filter(|w| w.kind == KIND)
        .map(|w| w.path)
        .collect();
    for (path, tree) in trees.values() {
        if lowering.outside.is_lent(tree.file()) {
            continue;
        }
        let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else {
            if tree.errors().is_empty()
                && !tree.text().trim().is_empty()
                && (!path.contains('/') || !used.contains(*path))
            {
                let why = "a pipeline is a mapping with stages, jobs or steps";
                lowering.unread.push(Unread::new(*path, UnreadClass::Unparsed, why));
            }
            continue;
        };
        let starts = ["trigger", "pr", "schedules", "resources", "extends", "name", "pool"];
        let entry = starts.iter().any(|key| root.get(key).is_some())
            || names::name(path).to_ascii_lowercase().starts_with("azure-pipeline")
                && (!path.contains('/') || !used.contains(*path));
        if !entry && used.contains(*path) {
            continue;
        }
        if !SECTIONS.iter().any(|key| root.get(key).is_some()) {
            // Other files lie in these folders too.
            if entry && names::name(path).starts_with("azure-pipeline") {
                let why = "the pipeline has no stages, jobs or steps";
                lowering.unread.push(Unread::new(*path, UnreadClass::Unparsed, why));
            }
            continue;
        }
        let expander = Expander::new(trees, &by_path, lowering.outside, repositories(root));
        let Some(pipeline) = pipeline(path, tree, root, entry, &expander, lowering) else { continue };
        for gap in expander.gaps.borrow().iter() {
            lowering.unread.push(Unread::new(*path, UnreadClass::Partly, gap.clone()));
        }
        let images = pipeline.jobs.iter().flat_map(|j| &j.images);
        let images: Vec<BaseImage> =
            images.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect();
        lowering.facts.base_images.extend(images);
        lowering.facts.pipelines.push(pipeline);
    }
    let places = &mut lowering.facts.base_images;
    places.sort_by_key(|i| i.place);
    places.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
}

fn pipeline<'t>(
    path: &'t str,
    tree: &'t Tree,
    root: Node<'t>,
    entry: bool,
    expander: &Expander<'t>,
    lowering: &Lowering<'_>,
) -> Option<Pipeline> {
    let conf = expander.root(path, root);
    let reading =
        Reading { expander, environments: lowering.environments, containers: containers(expander, &conf) };
    let mut variables = Variables::default();
    let settings = reading.variables(&conf, &mut variables);
    let body = match expander.get(&conf, "extends").and_then(|e| Some((expander.get(&e, "template")?, e))) {
        // A template from elsewhere puts something around the stages that it is given.
        Some((name, extends)) => expander
            .template(&name, &extends)
            .or_else(|| expander.get(&extends, "parameters"))
            .unwrap_or_else(|| conf.clone()),
        None => conf.clone(),
    };
    let jobs = reading.jobs(&body, &variables);
    if jobs.is_empty() && !entry {
        return None;
    }
    if jobs.is_empty() && expander.includes.borrow().is_empty() {
        expander.gaps.borrow_mut().insert("no job is found in it".into());
    }
    let includes = expander.includes.borrow().clone();
    let outside = includes.iter().any(|i| i.unresolved.is_some());
    let name = root.get("name").filter(|n| n.as_str().is_some());
    let place = name.map(|n| n.span()).or(root.entries().next().map(|(k, _)| k.span()))?;
    Some(Pipeline {
        place,
        // `name:` is the pattern of the runs' numbers.
        name: path.to_owned(),
        dialect: Dialect::Azure,
        role: if entry { Role::Entry } else { Role::Callable },
        triggers: if entry { triggers::read(expander, &conf, place) } else { vec![triggers::called(place)] },
        secrets: job::groups(&settings),
        settings,
        permissions: Vec::new(),
        complete: tree.errors().is_empty() && expander.gaps.borrow().is_empty() && !outside,
        includes,
        commented: commented(tree),
        jobs,
        parts: expander.parts.borrow().iter().copied().collect(),
        outputs: Vec::new(),
    })
}

/// Images of `resources.containers`, by the name that jobs use.
fn containers<'t>(expander: &Expander<'t>, root: &Conf<'t>) -> HashMap<String, String> {
    let list = expander.get(root, "resources").and_then(|r| expander.get(&r, "containers"));
    let items = list.map(|l| expander.items(&l, "")).unwrap_or_default();
    let text = |conf: &Conf<'t>, key: &str| Some(expander.text(&expander.get(conf, key)?).text());
    items.iter().filter_map(|i| Some((text(&i.conf, "container")?, text(&i.conf, "image")?))).collect()
}

/// Commented-out lines that look like parts of a job.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    const KEYS: [&str; 5] = ["script:", "bash:", "pwsh:", "powershell:", "task:"];
    names::commented(tree, |body| {
        let step = names::undashed(body);
        KEYS.iter().any(|key| step.starts_with(key)).then_some(step)
    })
}

/// A condition by its text; `None` if it says what holds anyway.
fn condition(conf: &Conf<'_>, text: Option<String>) -> Option<Condition> {
    let text = text.or_else(|| conf.node.as_str().map(str::to_owned))?;
    (text.trim() != "succeeded()").then(|| expression::condition(&text, conf.node.span()))
}

/// A condition of which only a run knows whether it holds.
fn guarded(guard: &Spanned<String>) -> Condition {
    let mut condition = expression::condition(guard.value.trim_start_matches("if ").trim(), guard.span);
    condition.text = guard.value.clone();
    condition.never = false;
    condition
}

/// `continueOnError`.
fn tolerance<'t>(reading: &Reading<'_, 't>, conf: &Conf<'t>, variables: &Variables<'_>) -> Option<Tolerance> {
    let (key, value) = reading.expander.entry(conf, "continueOnError")?;
    let applies = match reading.value(&value, variables) {
        Value::Known(text) => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Known(true),
            "false" | "" => return None,
            _ => Value::Expr(text),
        },
        other => Value::Expr(other.text()),
    };
    Some(Tolerance { place: entry(key, &value), how: How::Key, applies })
}

/// From a key to the end of its value, as far as they stand in one file.
fn entry(key: Node<'_>, value: &Conf<'_>) -> Span {
    key.span().join(value.node.use_span())
}
