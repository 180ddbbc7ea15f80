//! Charts of Helm: templates are masked and read as manifests, then filled with the values of each environment.
//! Nothing is rendered that the files do not tell: what a helper or the cluster decides stays open.
//! <https://helm.sh/docs/topics/charts/>

mod actions;
mod expression;
mod installations;
mod render;
#[cfg(test)]
mod tests;
mod values;

use super::Object;
use super::objects::is_kind;
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::readers::config::known;
use crate::readers::names::{folder, name};
use crate::readers::{Lowering, Text, Trees, Want};
use crate::source::UnreadClass;
use crate::syntax::mask;
use crate::syntax::tree::Tree;
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span};
use installations::{Given, Installation};

pub(super) use installations::is_helmfile;
use render::{Rendering, Template};
use std::collections::{BTreeMap, BTreeSet};
use values::{Layer, Values};

/// Objects that templates of one repository yield.
const MOST_OBJECTS: usize = 10_000;

/// A chart of the repository.
pub(super) struct Chart {
    pub folder: String,
    /// Its folder's name, by which charts around it know it.
    pub name: String,
    /// The chart that it lies in.
    pub parent: Option<usize>,
    /// What `Chart.yaml` says of it.
    own: Vec<(String, Setting)>,
    /// Whether it only holds named templates.
    library: bool,
    /// What switches charts inside on, by the name that each has here.
    conditions: Vec<(String, String)>,
    /// Files of its templates.
    templates: Vec<FileId>,
}

/// The folder of the chart that a template lies in.
pub(super) fn chart_of(path: &str) -> Option<&str> {
    path.rfind("/templates/").map(|at| &path[..at])
}

/// Whether a text is a template of a chart.
pub(super) fn is_template(text: &Text<'_>) -> bool {
    chart_of(text.path).is_some() && text.text.contains("{{")
}

/// Other files that a chart consists of.
pub(super) fn wants(path: &str) -> Vec<Want> {
    let Some(chart) = chart_of(path) else { return Vec::new() };
    let parent = chart.rsplit_once("/charts/").map(|(parent, _)| parent);
    let mut wants = vec![Want { path: format!("{chart}/Chart.yaml"), kind: "kubernetes" }];
    wants.extend(parent.map(|p| Want { path: format!("{p}/Chart.yaml"), kind: "kubernetes" }));
    for folder in ["values", "env", "envs"] {
        wants.push(Want { path: format!("{chart}/{folder}/*.yaml"), kind: "config" });
    }
    wants
}

/// A template as a tree. If it is no YAML once its actions are masked, parts of it are tried without: what stands under
/// `else`, which often repeats what stands above in another form.
pub(super) fn tree(text: &Text<'_>) -> Tree {
    let first = yaml::parse(text.file, text.text, Mask::Templates);
    if first.errors().is_empty() {
        return first;
    }
    let mut best = first;
    for masked in [mask::mask_controls(text.text), without_else(text.text)] {
        let tree = yaml::parse_masked(text.file, text.text, masked);
        let errors = tree.errors().len();
        if errors < best.errors().len() {
            best = tree;
        }
        if errors == 0 {
            break;
        }
    }
    best
}

/// A text masked, in which everything under `else` is blank.
fn without_else(text: &str) -> String {
    let mut masked = mask::mask_controls(text).into_bytes();
    for branch in &actions::read(text).branches {
        let other = matches!(&branch.test, actions::Test::If(conditions) if conditions.len() > 1);
        if other {
            for byte in &mut masked[branch.range.clone()] {
                if !matches!(*byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
    }
    // Whole branches were blanked: they begin and end at braces.
    String::from_utf8(masked).unwrap_or_else(|_| text.to_owned())
}

/// What a tree's errors mean for a template: never is it read by half without a word.
pub(super) fn problems(tree: &Tree) -> Vec<(UnreadClass, String)> {
    let reason = |e: &crate::syntax::tree::TreeError| {
        let class = if e.lost { UnreadClass::Unparsed } else { UnreadClass::Partly };
        (class, format!("a template that is not YAML once its actions are masked: {}", e.message))
    };
    tree.errors().iter().take(1).map(reason).collect()
}

/// Fills the templates of all charts.
pub(super) fn lower(trees: &Trees<'_>, objects: &[Object<'_>], lowering: &mut Lowering<'_>) {
    let charts = charts(trees);
    if charts.is_empty() {
        return;
    }
    let settings = std::mem::take(&mut lowering.facts.settings);
    let (files, by_file) = value_files(&settings, lowering);
    let unread: BTreeSet<String> = lowering.unread.iter().map(|u| u.path.clone()).collect();
    let source = Files { by_file: &by_file, file: lowering.file, unread: &unread };
    let mut deployed = Vec::new();
    let mut filled = BTreeSet::new();
    for (at, chart) in charts.iter().enumerate().filter(|(_, c)| !c.library) {
        // A chart in another one is installed with it.
        let mut root = at;
        let mut below = String::new();
        while let Some(parent) = charts[root].parent {
            below = if below.is_empty() {
                charts[root].name.clone()
            } else {
                format!("{}.{below}", charts[root].name)
            };
            root = parent;
        }
        let outer = &charts[root];
        let mut all = installations::by_files(outer, &charts, &files, lowering.environments);
        all.extend(installations::by_helmfiles(trees, outer, lowering.environments));
        all.extend(installations::by_commands(lowering.facts, outer, lowering.environments));
        all.extend(installations::by_objects(objects, outer, lowering.environments));
        all.truncate(installations::MOST);
        let shape = if all.is_empty() { Shape::Default } else { Shape::Effective };
        if all.is_empty() {
            let place = outer.own.first().map_or(Span::start_of(chart.templates[0]), |(_, s)| s.place);
            all.push(Installation { layers: Vec::new(), target: None, place });
        }
        let templates: Vec<Template<'_>> = chart
            .templates
            .iter()
            .map(|file| &trees[file].1)
            .map(|tree| Template { tree, actions: actions::read(tree.text()) })
            .collect();
        let own: Vec<(String, &Setting)> = chart.own.iter().map(|(k, s)| (k.clone(), s)).collect();
        for installation in &all {
            let mut values =
                Values(vec![source.layer(&format!("{}/values.yaml", chart.folder), String::new(), false)]);
            let mut via = vec![installation.place];
            if root != at {
                values.0.push(source.layer(&format!("{}/values.yaml", outer.folder), below.clone(), false));
            }
            for given in &installation.layers {
                values.0.push(source.given(given, &below));
                if let Given::File(path) = given
                    && let Some(file) = (lowering.file)(path)
                    && !via.contains(&Span::start_of(file))
                {
                    via.push(Span::start_of(file));
                }
            }
            let switched_off = outer.conditions.iter().any(|(name, path)| {
                let outer_values = || outer_values(&source, outer, installation);
                *name == chart.name && root != at && is_false(&outer_values(), path)
            });
            if switched_off {
                continue;
            }
            let target = installation
                .target
                .clone()
                .or_else(|| path_target(&outer.folder, installation.place.file, lowering.environments));
            for template in &templates {
                let rendering = Rendering::new(template, &values, &own, target.as_ref());
                let made = fill(template, &rendering, &chart.name, target.as_ref(), shape, &via);
                deployed.extend(made);
                filled.insert(template.tree.file());
            }
            if deployed.len() >= MOST_OBJECTS {
                break;
            }
        }
    }
    lowering.facts.settings = settings;
    lowering.facts.deployed.extend(deployed);
    for resource in &mut lowering.facts.resources {
        if resource.system == System::Kubernetes && filled.contains(&resource.place.file) {
            resource.shape = Shape::Part;
        }
    }
}

fn outer_values<'a>(source: &Files<'a>, outer: &Chart, installation: &'a Installation) -> Values<'a> {
    let mut values =
        Values(vec![source.layer(&format!("{}/values.yaml", outer.folder), String::new(), false)]);
    values.0.extend(installation.layers.iter().map(|given| source.given(given, "")));
    values
}

fn is_false(values: &Values<'_>, path: &str) -> bool {
    matches!(values.at(path), values::Found::Leaf(s) if s.setting.known().is_some_and(|v| v == "false"))
}

/// The objects of one template.
fn fill(
    template: &Template<'_>,
    rendering: &Rendering<'_, '_>,
    chart: &str,
    target: Option<&Target>,
    shape: Shape,
    via: &[Span],
) -> Vec<Resource> {
    let mut found = Vec::new();
    for document in template.tree.documents() {
        let Some(kind) = document.get("kind").and_then(|k| rendering.text(k)) else { continue };
        let Value::Known(kind) = kind.0 else { continue };
        if !is_kind(&kind) || document.get("apiVersion").is_none() {
            continue;
        }
        let Some(object) = rendering.object(document) else { continue };
        let name = document.at(&["metadata", "name"]).and_then(|n| rendering.text(n)).map(|(name, _)| name);
        let namespace = document.at(&["metadata", "namespace"]).and_then(|n| rendering.text(n));
        let entries = object.entries;
        found.push(Resource {
            place: render::place(document),
            system: System::Kubernetes,
            block: "object".to_owned(),
            sort: kind,
            name: name
                .map_or_else(|| Value::Unresolved("no name is written".to_owned()), |n| short(n, chart)),
            namespace: namespace.and_then(|(n, _)| n.known().cloned()),
            target: target.cloned(),
            encrypted: false,
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            body: document.span(),
            shape,
            open: object.open,
            via: via.to_vec(),
        });
    }
    found
}

/// `{{ include "shop.fullname" . }}` is, whatever the release is called, best known by the chart's name.
fn short(name: Value<String>, chart: &str) -> Value<String> {
    let Value::Expr(written) = &name else { return name };
    let actions = mask::template_actions(written);
    let mut out = String::new();
    let mut from = 0;
    for action in actions {
        let said = &written[action.clone()];
        let release = said.contains(".Release.Name") && !said.contains("include");
        if !(release || said.contains("fullname") || said.contains(".name\"")) {
            return name;
        }
        out.push_str(&written[from..action.start]);
        out.push_str(chart);
        from = action.end;
    }
    out.push_str(&written[from..]);
    Value::Expr(out)
}

/// Settings by file, sorted by path.
type ByFile<'a> = BTreeMap<FileId, Vec<&'a Setting>>;

/// Values by file.
struct Files<'a> {
    by_file: &'a ByFile<'a>,
    file: &'a dyn Fn(&str) -> Option<FileId>,
    unread: &'a BTreeSet<String>,
}

impl<'a> Files<'a> {
    /// A file's values. One that must be there, and is not, is not known.
    fn layer(&self, path: &str, below: String, needed: bool) -> Layer<'a> {
        let Some(file) = (self.file)(path) else {
            return if needed { Layer::Unknown } else { Layer::File { settings: &[], below } };
        };
        match self.by_file.get(&file) {
            Some(settings) => Layer::File { settings, below },
            None if self.unread.contains(path) || needed && !installations::is_values(path) => Layer::Unknown,
            None => Layer::File { settings: &[], below },
        }
    }

    fn given(&self, given: &'a Given, below: &str) -> Layer<'a> {
        match given {
            Given::File(path) => self.layer(path, below.to_owned(), true),
            Given::Settings(settings) => Layer::Settings { settings, below: below.to_owned() },
            Given::Unknown => Layer::Unknown,
        }
    }
}

/// Files that look like values, with their settings sorted by path.
fn value_files<'a>(settings: &'a [Setting], lowering: &Lowering<'_>) -> (Vec<(String, Span)>, ByFile<'a>) {
    let mut by_file = ByFile::new();
    let mut files = Vec::new();
    let mut last: Option<(FileId, bool)> = None;
    for setting in settings.iter().filter(|s| s.source == SettingSource::Config) {
        let file = setting.place.file;
        let taken = match last {
            Some((known, taken)) if known == file => taken,
            _ => installations::is_values((lowering.path)(file)),
        };
        last = Some((file, taken));
        if taken {
            by_file.entry(file).or_default().push(setting);
        }
    }
    for (file, settings) in &mut by_file {
        settings.sort_by(|a, b| a.path.cmp(&b.path));
        files.push(((lowering.path)(*file).to_owned(), Span::start_of(*file)));
    }
    (files, by_file)
}

fn charts(trees: &Trees<'_>) -> Vec<Chart> {
    let mut by_folder: BTreeMap<&str, (&Tree, Vec<FileId>)> = BTreeMap::new();
    for (path, tree) in trees.values() {
        if name(path) == "Chart.yaml" {
            by_folder.insert(folder(path), (tree, Vec::new()));
        }
    }
    // Other trees may be of a part of their file only, and nothing fills them.
    for (file, (path, _)) in trees.iter().filter(|(_, (_, tree))| tree.text().contains("{{")) {
        if let Some((_, templates)) = chart_of(path).and_then(|chart| by_folder.get_mut(chart)) {
            templates.push(*file);
        }
    }
    let folders: Vec<&str> = by_folder.keys().copied().collect();
    let chart = |(path, (tree, templates)): (&&str, &(&Tree, Vec<FileId>))| {
        let root = tree.root();
        let text = |key: &str| root.and_then(|r| r.get(key)).filter(|n| n.as_str().is_some());
        let own = [("Name", "name"), ("Version", "version"), ("AppVersion", "appVersion")];
        let own = own.iter().filter_map(|(field, key)| {
            let node = text(key)?;
            Some(((*field).to_owned(), setting(key, node.as_str()?, node.span())))
        });
        let own: Vec<(String, Setting)> = own.collect();
        let outer = path.rsplit_once("/charts/").map(|(outer, _)| outer);
        let dependencies = root.and_then(|r| r.get("dependencies")).into_iter().flat_map(|d| d.items());
        let conditions = dependencies.filter_map(|d| {
            let known_as = d.get("alias").or(d.get("name"))?.as_str()?;
            let condition = d.get("condition")?.as_str()?.split(',').next()?.trim();
            Some((known_as.to_owned(), condition.to_owned()))
        });
        Chart {
            folder: (*path).to_owned(),
            name: name(path).to_owned(),
            parent: outer.and_then(|o| folders.binary_search(&o).ok()),
            library: text("type").and_then(|t| t.as_str()) == Some("library") || templates.is_empty(),
            conditions: conditions.collect(),
            templates: templates.clone(),
            own,
        }
    };
    by_folder.iter().map(chart).collect()
}

fn setting(key: &str, value: &str, place: Span) -> Setting {
    Setting {
        place,
        key: key.to_owned(),
        path: key.to_owned(),
        setting: known(value),
        source: SettingSource::Config,
        target: None,
        key_place: place,
    }
}
