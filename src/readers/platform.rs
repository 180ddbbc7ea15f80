//! Platforms that run services from a file in the repository, in one model: what a service runs, with which
//! environment, how many of it, how its health is told. The paths of entries are those that [`crate::facts::Resource`]'s
//! module explains.

mod services;
mod tables;
#[cfg(test)]
mod tests;

use super::config::{self, known};
use super::images::image;
use super::names::{ends, name, problems, vendored};
use super::{Parsed, Text, cloudformation, kubernetes};
use crate::facts::{Basis, Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::lexicon::classify;
use crate::syntax::json::{self, Dialect};
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::syntax::{hcl, toml};
use crate::text::Span;
use std::sync::Arc;

/// More entries of one service tell nothing more.
const MOST_ENTRIES: usize = 2_000;

/// A platform, by the file in which it is told what to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Fly,
    Render,
    Procfile,
    HerokuApp,
    HerokuYml,
    AppEngine,
    AppRunner,
    DigitalOcean,
    Railway,
    Vercel,
    Netlify,
    Serverless,
    Nomad,
    Ecs,
}

impl Sort {
    /// What rules call it.
    fn word(self) -> &'static str {
        match self {
            Sort::Fly => "fly",
            Sort::Render => "render",
            Sort::Procfile | Sort::HerokuApp | Sort::HerokuYml => "heroku",
            Sort::AppEngine => "app-engine",
            Sort::AppRunner => "app-runner",
            Sort::DigitalOcean => "digital-ocean",
            Sort::Railway => "railway",
            Sort::Vercel => "vercel",
            Sort::Netlify => "netlify",
            Sort::Serverless => "serverless",
            Sort::Nomad => "nomad",
            Sort::Ecs => "ecs",
        }
    }
}

/// The platform that a path speaks of.
pub(super) fn sort(path: &str) -> Option<Sort> {
    let name = name(path);
    let family = |stem: &str, endings: &[&str]| {
        let rest = name.strip_prefix(stem).unwrap_or("");
        ends(rest, endings) && (rest.starts_with(['.', '-', '_']))
    };
    let yaml = [".yaml", ".yml"].as_slice();
    Some(match name {
        "Procfile" => Sort::Procfile,
        "app.json" => Sort::HerokuApp,
        "heroku.yml" => Sort::HerokuYml,
        "vercel.json" | "now.json" => Sort::Vercel,
        "netlify.toml" => Sort::Netlify,
        "railway.json" | "railway.toml" => Sort::Railway,
        "app.yaml" | "app.yml" if path.starts_with(".do/") || path.contains("/.do/") => Sort::DigitalOcean,
        _ if name.starts_with("Procfile.") => Sort::Procfile,
        _ if family("fly", &[".toml"]) => Sort::Fly,
        _ if family("render", yaml) => Sort::Render,
        _ if family("apprunner", yaml) => Sort::AppRunner,
        _ if family("serverless", yaml) => Sort::Serverless,
        _ if family("app", yaml) => Sort::AppEngine,
        _ if ends(name, &[".nomad", ".nomad.hcl"]) => Sort::Nomad,
        _ if name.ends_with(".json") && is_task_definition(name) => Sort::Ecs,
        _ => return None,
    })
}

fn is_task_definition(name: &str) -> bool {
    ["task-definition", "task_definition", "taskdefinition", "taskdef", "task-def", "task_def"]
        .iter()
        .any(|w| name.to_ascii_lowercase().contains(w))
}

pub(super) fn claims(path: &str, executable: bool) -> bool {
    sort(path).is_some_and(|sort| {
        // Manifests lie among others; what of these is none, their reader hands on.
        let taken = matches!(sort, Sort::AppEngine | Sort::Render) && kubernetes::claims(path, executable);
        !vendored(path) && !taken
    })
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(sort) = sort(text.path) else { return parsed };
    if sort == Sort::Procfile {
        services::procfile(text, &mut parsed);
        return parsed;
    }
    let (tree, format) = tree(sort, text);
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else {
        if tree.errors().is_empty() {
            return config::parse_other(text);
        }
        parsed.problems = problems(&tree, format);
        return parsed;
    };
    if !services::is_meant(sort, root) {
        return config::parse_other(text);
    }
    parsed.problems = problems(&tree, format);
    let file = File { sort, text };
    services::lower(&file, root, &mut parsed);
    if sort == Sort::Serverless
        && let Some(resources) = root.get("resources")
    {
        cloudformation::resources(resources, text, &mut parsed);
    }
    parsed
}

fn tree(sort: Sort, text: &Text<'_>) -> (Tree, &'static str) {
    match text.path.rsplit('.').next().unwrap_or("") {
        "toml" => (toml::parse(text.file, text.text), "TOML"),
        "json" => (json::parse_as(text.file, text.text, Dialect::WithComments), "JSON"),
        _ if sort == Sort::Nomad => (hcl::parse(text.file, text.text), "HCL"),
        _ => {
            let mask = if text.text.contains("{{") { Mask::Templates } else { Mask::None };
            (yaml::parse(text.file, text.text, mask), "YAML")
        }
    }
}

/// A file of a platform.
struct File<'a> {
    sort: Sort,
    text: &'a Text<'a>,
}

/// A scalar of such a file, with the way to it.
struct Leaf<'t> {
    parts: Vec<String>,
    key: Option<Node<'t>>,
    node: Node<'t>,
}

/// Every scalar at or below a node. Items of lists that are a name and a value stand under their name, others that have
/// a name by it. Trees nest at most 128 deep.
fn leaves<'t>(key: Option<Node<'t>>, node: Node<'t>, parts: &mut Vec<String>, into: &mut Vec<Leaf<'t>>) {
    if into.len() >= MOST_ENTRIES || node.is_alias() && node.kind() != Kind::Scalar {
        return;
    }
    match node.kind() {
        Kind::Mapping => {
            for (key, value) in node.merged_entries() {
                parts.push(key.as_str().unwrap_or("").to_owned());
                leaves(Some(key), value, parts, into);
                parts.pop();
            }
        }
        Kind::Sequence => {
            for (index, item) in node.items().enumerate() {
                let text = |key: &str| item.get(key).and_then(|n| n.as_str()).filter(|n| !n.is_empty());
                let named = text("key").or(text("name"));
                parts.push(named.map_or_else(|| index.to_string(), str::to_owned));
                match item.get("value").filter(|_| named.is_some()) {
                    Some(value) => leaves(item.get("key").or(item.get("name")), value, parts, into),
                    None => leaves(key, item, parts, into),
                }
                parts.pop();
            }
        }
        Kind::Scalar => into.push(Leaf { parts: parts.clone(), key, node }),
        Kind::Null => {}
    }
}

impl File<'_> {
    fn target(&self, named: Option<Node<'_>>) -> Option<Target> {
        let told = named.and_then(|node| {
            let written = node.as_str()?;
            Some(Target {
                stage: Value::Known(classify(written, self.text.environments)?),
                name: Value::Known(written.to_owned()),
                basis: Basis::Name,
                place: node.span(),
            })
        });
        path_target(self.text.path, self.text.file, self.text.environments).or(told)
    }

    /// A service: what `nodes` say, by the names that the table gives it. Of several that say one thing, the first counts.
    fn service(
        &self,
        block: &str,
        named: Option<Node<'_>>,
        fallback: &str,
        target: Option<Target>,
        nodes: &[Node<'_>],
    ) -> Resource {
        let table = tables::of(self.sort);
        let mut entries: Vec<Setting> = Vec::new();
        for node in nodes {
            let mut all = Vec::new();
            leaves(None, *node, &mut Vec::new(), &mut all);
            for leaf in all {
                let Some(written) = leaf.node.as_str() else { continue };
                let path = tables::named(table, &leaf.parts, &entries);
                if entries.iter().any(|e| e.path == path) || entries.len() >= MOST_ENTRIES {
                    continue;
                }
                let place = leaf.node.span();
                let key = leaf.key.and_then(|k| k.as_str()).or(leaf.parts.last().map(String::as_str));
                entries.push(Setting {
                    place,
                    key: key.unwrap_or("").to_owned(),
                    path,
                    setting: known(written),
                    source: SettingSource::Config,
                    target: target.clone().map(Arc::new),
                    key_place: leaf.key.map_or(place, |k| k.span()),
                });
            }
        }
        let first = nodes.first().map_or(Span::start_of(self.text.file), |n| n.span());
        Resource {
            place: named.map_or(Span::start_of(self.text.file), |n| n.span()),
            system: System::Platform,
            block: block.to_owned(),
            sort: self.sort.word().to_owned(),
            name: match named.and_then(|n| n.as_str()) {
                Some(name) => known(name),
                None => Value::Known(fallback.to_owned()),
            },
            namespace: None,
            target,
            encrypted: false,
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            body: first,
            shape: Shape::Whole,
            open: Vec::new(),
            via: Vec::new(),
        }
    }

    /// Adds a service, with its variables and its image.
    fn add(&self, resource: Resource, parsed: &mut Parsed) {
        for entry in &resource.entries {
            if let Some(name) = entry.path.strip_prefix("env.") {
                parsed.facts.settings.push(Setting { key: name.to_owned(), ..entry.clone() });
            }
            if entry.path == "image" {
                let mut image = image(&entry.setting.text(), entry.place, SettingSource::Config);
                image.last = true;
                parsed.facts.base_images.push(image);
            }
        }
        parsed.facts.resources.push(resource);
    }
}
