//! CloudFormation and SAM templates, written by hand or by the CDK: resources, with parameters, mappings and conditions
//! put in as far as the template tells them.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>

mod intrinsic;
#[cfg(test)]
mod tests;

use super::images::image;
use super::names::{ends, ends_in_any_case, name, problems, vendored, within};
use super::{Parsed, Text, config};
use crate::facts::{Basis, Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::lexicon::classify;
use crate::syntax::json::{self, Dialect};
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;
use intrinsic::{Outcome, Parameters};
use std::sync::Arc;

/// More entries of one resource tell nothing more.
const MOST_ENTRIES: usize = 2_000;

/// Resources that one template yields for its environments.
const MOST_DEPLOYED: usize = 5_000;

/// Folders in which templates lie, by custom.
const FOLDERS: &[&str] =
    &["cloudformation", "cfn", "sam", "stacks", "cfn-templates", "cloudformation-templates"];

pub(super) fn claims(path: &str, _: bool) -> bool {
    let written = ends_in_any_case(path, &[".json", ".yml", ".yaml", ".template"]);
    if !written || vendored(path) || path.split('/').any(|part| part == ".aws-sam") {
        return false;
    }
    let name = name(path).to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    let begins = ["template", "sam-template", "samtemplate", "cfn", "cloudformation"];
    let begins = begins
        .iter()
        .any(|b| stem.strip_prefix(b).is_some_and(|r| r.is_empty() || r.starts_with(['-', '_', '.'])));
    begins
        || within(path, FOLDERS)
        || ends(
            &name,
            &[
                ".template",
                ".template.json",
                ".template.yaml",
                ".template.yml",
                ".cfn.yml",
                ".cfn.yaml",
                ".cfn.json",
            ],
        )
}

/// Whether a text is a template.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("AWSTemplateFormatVersion") || text.contains("AWS::") && text.contains("Resources")
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    if !is_template(text.text) {
        return config::parse_other(text);
    }
    let tree = tree(text);
    let format = if text.text.trim_start().starts_with('{') { "JSON" } else { "YAML" };
    let mut parsed = Parsed { problems: problems(&tree, format), ..Parsed::default() };
    if let Some(root) = tree.root() {
        resources(root, text, &mut parsed);
    }
    parsed
}

/// Templates in JSON may hold what only YAML allows.
fn tree(text: &Text<'_>) -> Tree {
    let masked = || {
        // Jinja of Sceptre and the like.
        let mask =
            if ["{{", "{%"].iter().any(|m| text.text.contains(m)) { Mask::Templates } else { Mask::None };
        let plain = yaml::parse(text.file, text.text, Mask::None);
        if plain.errors().is_empty() { plain } else { yaml::parse(text.file, text.text, mask) }
    };
    if text.text.trim_start().starts_with('{') {
        let tree = json::parse_as(text.file, text.text, Dialect::WithComments);
        return if tree.root().is_some() { tree } else { masked() };
    }
    masked()
}

/// The resources of the template below a node.
pub(super) fn resources(root: Node<'_>, text: &Text<'_>, parsed: &mut Parsed) {
    if root.get("Resources").is_none_or(|r| r.kind() != Kind::Mapping) {
        return;
    }
    let around = path_target(text.path, text.file, text.environments);
    let defaults = Parameters::new(root);
    let environments = environments(root, text);
    let template = Template { root, text };
    let written = template.lower(&defaults, around.as_ref());
    for resource in &written {
        for entry in &resource.entries {
            parsed.facts.settings.extend(variable(entry));
            // An image by its own name is built elsewhere.
            let known = entry
                .setting
                .known()
                .filter(|_| entry.key == "Image" && resource.sort.starts_with("AWS::ECS"));
            if let Some(reference) = known {
                let mut image = image(reference, entry.place, SettingSource::Config);
                image.last = true;
                parsed.facts.base_images.push(image);
            }
        }
    }
    for target in &environments {
        let Value::Known(name) = &target.name else { continue };
        if parsed.facts.deployed.len() >= MOST_DEPLOYED {
            break;
        }
        let parameters = defaults.with_environment(&environment_parameters(root, text), name, target.place);
        let mut all = template.lower(&parameters, Some(target));
        for resource in &mut all {
            resource.shape = Shape::Effective;
            resource.via.push(target.place);
        }
        parsed.facts.deployed.append(&mut all);
    }
    let first = parsed.facts.resources.len();
    parsed.facts.resources.extend(written);
    if !environments.is_empty() {
        for resource in &mut parsed.facts.resources[first..] {
            resource.shape = Shape::Part;
        }
    }
}

/// Parameters that say which environment a stack is for.
fn environment_parameters(root: Node<'_>, text: &Text<'_>) -> Vec<String> {
    let all = root.get("Parameters").into_iter().flat_map(|p| p.entries());
    let chosen = all.filter(|(_, value)| {
        let values: Vec<_> =
            allowed(*value).filter_map(|n| classify(n.as_str()?, text.environments)).collect();
        values.len() > 1 && values.windows(2).any(|pair| pair[0] != pair[1])
    });
    chosen.filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect()
}

fn allowed<'t>(parameter: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    parameter.get("AllowedValues").into_iter().flat_map(|a| a.items())
}

/// The environments that such a parameter allows.
fn environments(root: Node<'_>, text: &Text<'_>) -> Vec<Target> {
    let Some(name) = environment_parameters(root, text).into_iter().next() else { return Vec::new() };
    let values = root.at(&["Parameters", &name]).into_iter().flat_map(allowed);
    let found = values.filter_map(|node| {
        let written = node.as_str()?;
        Some(Target {
            stage: Value::Known(classify(written, text.environments)?),
            name: Value::Known(written.to_owned()),
            basis: Basis::Context,
            place: node.span(),
        })
    });
    found.take(8).collect()
}

struct Template<'t, 'a> {
    root: Node<'t>,
    text: &'a Text<'a>,
}

impl<'t> Template<'t, '_> {
    fn lower(&self, parameters: &Parameters<'t>, target: Option<&Target>) -> Vec<Resource> {
        let mut found = Vec::new();
        for (key, node) in self.root.get("Resources").map(|r| r.merged_entries()).unwrap_or_default() {
            let (Some(id), Some(sort)) = (key.as_str(), node.get("Type").and_then(|t| t.as_str())) else {
                continue;
            };
            let condition = node.get("Condition").and_then(|c| c.as_str());
            if condition.is_some_and(|c| parameters.condition(c) == Some(false)) {
                continue;
            }
            let mut walk = Walk { parameters, target, entries: Vec::new(), open: Vec::new() };
            for (key, value) in node.entries().filter(|(k, _)| k.as_str() != Some("Type")) {
                walk.node(key, value, &mut key.as_str().unwrap_or("").to_owned(), 0);
            }
            self.globals(sort, &mut walk);
            let Walk { mut entries, open, .. } = walk;
            entries.shrink_to_fit();
            found.push(Resource {
                place: key.span(),
                system: System::CloudFormation,
                block: "resource".to_owned(),
                sort: sort.to_owned(),
                name: Value::Known(id.to_owned()),
                namespace: None,
                target: target.cloned(),
                encrypted: false,
                size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
                entries,
                body: Span::new(
                    self.text.file,
                    key.span().start as usize..node.span().end.max(key.span().end) as usize,
                ),
                shape: Shape::Whole,
                open,
                via: Vec::new(),
            });
        }
        found
    }

    /// What a SAM template says of all functions at once.
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
    fn globals(&self, sort: &str, walk: &mut Walk<'_, 't>) {
        let Some(kind) = sort.strip_prefix("AWS::Serverless::") else { return };
        for (key, value) in self.root.at(&["Globals", kind]).into_iter().flat_map(|g| g.entries()) {
            let own = walk.entries.len();
            walk.node(key, value, &mut format!("Properties.{}", key.as_str().unwrap_or("")), 0);
            let (before, added) = walk.entries.split_at(own);
            let new: Vec<Setting> =
                added.iter().filter(|e| before.iter().all(|b| b.path != e.path)).cloned().collect();
            walk.entries.truncate(own);
            walk.entries.extend(new);
        }
    }
}

struct Walk<'w, 't> {
    parameters: &'w Parameters<'t>,
    target: Option<&'w Target>,
    entries: Vec<Setting>,
    open: Vec<String>,
}

impl<'t> Walk<'_, 't> {
    /// Every scalar at or below `node`, functions put in. Items that have a name are known by it. `depth` counts
    /// functions: what they lead to may hold them again.
    fn node(&mut self, key: Node<'t>, node: Node<'t>, path: &mut String, depth: usize) {
        if self.entries.len() >= MOST_ENTRIES || depth > 96 || !self.parameters.goes_on() {
            return;
        }
        let node = match self.parameters.value(node, 0) {
            Outcome::Text(value, place) => return self.entry(key, value, place, path),
            Outcome::Node(other) => other,
            Outcome::Nothing => return,
            Outcome::Unknown => {
                self.open.push(path.clone());
                let value = Value::Expr(node.raw().chars().take(200).collect());
                return self.entry(key, value, node.span(), path);
            }
        };
        let whole = path.len();
        match node.kind() {
            Kind::Mapping => {
                for (key, value) in node.entries() {
                    path.push('.');
                    path.push_str(key.as_str().unwrap_or(""));
                    self.node(key, value, path, depth + 1);
                    path.truncate(whole);
                }
            }
            Kind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    let name = item.get("Name").and_then(|n| n.as_str()).filter(|n| !n.is_empty());
                    path.push('.');
                    path.push_str(name.unwrap_or(&index.to_string()));
                    self.node(key, item, path, depth + 1);
                    path.truncate(whole);
                }
            }
            Kind::Scalar | Kind::Null => {}
        }
    }

    fn entry(&mut self, key: Node<'t>, value: Value<String>, place: Span, path: &str) {
        self.entries.push(Setting {
            place,
            key: path.rsplit('.').next().unwrap_or("").to_owned(),
            path: path.to_owned(),
            setting: value,
            source: SettingSource::Config,
            target: self.target.cloned().map(Arc::new),
            key_place: key.span(),
        });
    }
}

/// A variable that a function or a container is given: `Environment.Variables.NAME`, `Environment.NAME.Value`.
fn variable(entry: &Setting) -> Option<Setting> {
    let of_function =
        entry.path.rsplit_once('.').filter(|(before, _)| before.ends_with("Environment.Variables"));
    let of_container = || {
        let (before, name) = entry.path.strip_suffix(".Value")?.rsplit_once('.')?;
        before.ends_with(".Environment").then_some(name)
    };
    let name = of_function.map(|(_, name)| name).or_else(of_container)?;
    Some(Setting { key: name.to_owned(), ..entry.clone() })
}
