//! Buildkite: `.buildkite/pipeline.yml`, and pipelines that its steps upload from the repository.
//! <https://buildkite.com/docs/pipelines/configure/defining-steps>

mod condition;
mod order;
mod step;
#[cfg(test)]
mod tests;

use super::variables::Variables;
use super::{Lowering, Parsed, Text, Trees, Want, commands, names};
use crate::facts::*;
use crate::source::{Unread, UnreadClass};
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::Mask;
use crate::syntax::{json, yaml};
use crate::text::Spanned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

const KIND: &str = "buildkite";

/// Steps of one file.
const MOST_STEPS: usize = 5_000;

/// The agent looks for `pipeline.yml`; other files of the folder are uploaded by steps, or by what the server
/// is told to begin with.
/// <https://buildkite.com/docs/agent/v3/cli-pipeline>
pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = names::name(path);
    let format = names::ends(name, &[".yml", ".yaml", ".json"]);
    let root = name.starts_with("buildkite.") && !path.contains('/');
    let folder = path.starts_with(".buildkite/") || path.contains("/.buildkite/");
    format && !names::vendored(path) && (root || folder && (is_pipeline(name) || !name.ends_with(".json")))
}

/// Whether the name says that the file is a pipeline.
fn is_pipeline(name: &str) -> bool {
    name.starts_with("pipeline.") || name.starts_with("buildkite.")
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = match text.path.ends_with(".json") {
        true => json::parse(text.file, text.text),
        false => yaml::parse(text.file, text.text, Mask::None),
    };
    let steps = tree.root().and_then(steps);
    let expected = is_pipeline(names::name(text.path));
    if steps.is_some() || expected {
        parsed.problems.extend(super::names::every_problem(&tree, "a pipeline"));
    }
    match (steps, tree.root()) {
        (Some(steps), Some(root)) => parsed.wants = wants(root, steps),
        _ if expected && parsed.problems.is_empty() && !text.text.trim().is_empty() => {
            parsed.problems.push((UnreadClass::Unparsed, "the pipeline has no `steps`".into()));
        }
        _ => {}
    }
    parsed.tree = Some(tree);
    parsed
}

/// The list of steps: under `steps`, or all of the file.
fn steps(root: Node<'_>) -> Option<Node<'_>> {
    match root.kind() {
        Kind::Mapping => root.get("steps").filter(|s| s.kind() == Kind::Sequence),
        Kind::Sequence => {
            let keys =
                ["command", "commands", "wait", "block", "input", "trigger", "group", "label", "plugins"];
            let looks = |item: Node<'_>| {
                item.as_str() == Some("wait") || keys.iter().any(|key| item.get(key).is_some())
            };
            root.items().any(looks).then_some(root)
        }
        _ => None,
    }
}

/// Scripts that steps run by path, and pipelines that they upload.
fn wants(root: Node<'_>, list: Node<'_>) -> Vec<Want> {
    let mut wants = Vec::new();
    let reading = Reading::new(root, &|_| true);
    let mut jobs = Vec::new();
    reading.steps(list, &Variables::default(), &mut jobs);
    for command in jobs.iter().flat_map(|j| j.job.commands()) {
        wants.extend(commands::called_script(command, None));
        if let Some(Uploaded::File(path)) = uploaded(command) {
            wants.push(Want { path, kind: KIND });
        }
    }
    wants.sort();
    wants.dedup();
    wants
}

/// What `buildkite-agent pipeline upload` takes.
enum Uploaded {
    /// A file of the repository.
    File(String),
    /// What the run makes.
    Made,
}

fn uploaded(command: &Command) -> Option<Uploaded> {
    if command.program != "buildkite-agent"
        || command.arg(0) != Some("pipeline")
        || command.arg(1) != Some("upload")
    {
        return None;
    }
    let piped = command.pipeline.is_some_and(|(_, index)| index > 0) || !command.reads.is_empty();
    let flags = ["--job", "--agent-access-token", "--endpoint", "--jwks-file", "--jwks-key-id"];
    let mut words = command.args[2..].iter();
    let mut file = None;
    while let Some(word) = words.next() {
        if flags.contains(&word.text.as_str()) {
            words.next();
        } else if !word.text.starts_with('-') {
            file = Some(word);
        }
    }
    Some(match file {
        Some(word) if word.text.contains('$') => Uploaded::Made,
        Some(word) => crate::facts::normalise(&word.text).map_or(Uploaded::Made, Uploaded::File),
        None if piped => Uploaded::Made,
        None => Uploaded::File(".buildkite/pipeline.yml".into()),
    })
}

pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let mut found: Vec<(&str, Pipeline)> = Vec::new();
    for (path, tree) in trees.values() {
        let Some((root, list)) = tree.root().and_then(|r| Some((r, steps(r)?))) else { continue };
        let exists = |path: &str| (lowering.file)(path).is_some();
        let reading = Reading::new(root, &exists);
        let pipeline = reading.pipeline(path, tree, list);
        let gaps = reading.gaps.into_inner();
        lowering.unread.extend(gaps.into_iter().map(|gap| Unread::new(*path, UnreadClass::Partly, gap)));
        found.push((path, pipeline));
    }
    let called: BTreeSet<String> = found
        .iter()
        .flat_map(|(path, p)| p.jobs.iter().map(move |j| (path, j)))
        .filter_map(|(path, j)| j.calls.as_ref().filter(|c| c.local && c.name != *path))
        .map(|c| c.name.clone())
        .collect();
    for (path, pipeline) in &mut found {
        if called.contains(*path) && names::name(path) != "pipeline.yml" {
            pipeline.role = Role::Callable;
            let place = pipeline.place;
            pipeline.triggers = vec![Trigger::new(TriggerKind::Call, "pipeline upload", place)];
        }
    }
    let pipelines = found.into_iter().map(|(_, p)| p);
    let mut images = Vec::new();
    for pipeline in pipelines {
        let used = pipeline.jobs.iter().flat_map(|j| &j.images);
        images.extend(used.map(|u| commands::base_image(u, SettingSource::Pipeline)));
        lowering.facts.pipelines.push(pipeline);
    }
    images.sort_by_key(|i| i.place);
    images.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
    lowering.facts.base_images.extend(images);
}

/// One file being read.
struct Reading<'r, 't> {
    root: Node<'t>,
    /// Whether a file is in the repository.
    exists: &'r dyn Fn(&str) -> bool,
    steps_left: Cell<usize>,
    /// Files that steps upload and nobody has, or that the run makes.
    missing: Cell<bool>,
    gaps: RefCell<BTreeSet<String>>,
}

impl<'r, 't> Reading<'r, 't> {
    fn new(root: Node<'t>, exists: &'r dyn Fn(&str) -> bool) -> Reading<'r, 't> {
        Reading {
            root,
            exists,
            steps_left: Cell::new(MOST_STEPS),
            missing: Cell::new(false),
            gaps: RefCell::default(),
        }
    }

    fn pipeline(&self, path: &str, tree: &Tree, list: Node<'t>) -> Pipeline {
        let mut variables = Variables::default();
        let env = self.root.get("env").filter(|_| self.root.kind() == Kind::Mapping);
        let settings = env.map(|e| step::settings(e, &variables, &BTreeMap::new())).unwrap_or_default();
        settings.iter().for_each(|s| variables.set(&s.key, s.setting.possible().to_vec()));
        let mut members = Vec::new();
        self.steps(list, &variables, &mut members);
        let jobs = order::connect(members, &self.gaps);
        let place = match self.root.kind() {
            Kind::Mapping => self.root.entries().next().map_or(list.span(), |(key, _)| key.span()),
            _ => list.items().next().map_or(list.span(), |i| i.span()),
        };
        let outside = jobs.iter().any(|j| j.calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
        Pipeline {
            // Which branches and events start a build is a setting of the service.
            triggers: vec![Trigger::new(TriggerKind::Other, "build", place)],
            settings,
            complete: tree.errors().is_empty()
                && self.gaps.borrow().is_empty()
                && !self.missing.get()
                && !outside,
            commented: commented(tree),
            jobs,
            ..Pipeline::new(path, Dialect::Buildkite, place)
        }
    }
}

/// Commented-out lines that look like parts of a step.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    names::commented(tree, |body| {
        let step = names::undashed(body);
        ["command:", "commands:"].iter().find_map(|key| step.strip_prefix(key)).map(str::trim)
    })
}
