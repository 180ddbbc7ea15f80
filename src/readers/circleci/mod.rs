//! CircleCI: `.circleci/config.yml`, orbs written in it, and configurations that a setup workflow goes on with.
//! <https://circleci.com/docs/configuration-reference/>

mod condition;
mod job;
mod parameters;
mod space;
mod step;
#[cfg(test)]
mod tests;
mod workflow;

use super::names;
use super::{Parsed, Text, Want, commands};
use crate::facts::{Dialect, Pipeline, SettingSource, Use};
use crate::source::UnreadClass;
use crate::syntax::tree::{Kind, Node, Step as Way, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::Spanned;
use parameters::Scope;
use space::Space;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

const KIND: &str = "circleci";
const ENTRY: &str = ".circleci/config.yml";

/// Steps of all workflows of one file that are read, those of commands counted at each use.
const MOST_STEPS: usize = 10_000;
/// Jobs of all workflows of one file.
const MOST_JOBS: usize = 5_000;

/// Other files are read when a setup workflow can go on with them.
pub(super) fn claims(path: &str, _: bool) -> bool {
    path == ENTRY
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    parsed.problems.extend(names::every_problem(&tree, "YAML"));
    let entry = text.path == ENTRY;
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else {
        if entry && parsed.problems.is_empty() && !text.text.trim().is_empty() {
            let why = "a CircleCI configuration is a mapping with jobs and workflows";
            parsed.problems.push((UnreadClass::Unparsed, why.into()));
        }
        return parsed;
    };
    if root.get("workflows").or(root.get("jobs")).is_none() {
        if entry && parsed.problems.is_empty() {
            let why = "the configuration has no jobs and no workflows";
            parsed.problems.push((UnreadClass::Unparsed, why.into()));
        }
        return parsed;
    }
    let setup = root.get("setup").and_then(|s| s.as_bool()) == Some(true);
    if setup {
        parsed.wants = continuations(root);
    }
    let reading = Reading::new(root, text);
    let mut pipelines = reading.pipelines();
    let gaps = reading.gaps.into_inner();
    let complete = tree.errors().is_empty() && gaps.is_empty() && (!setup || goes_on_here(root));
    for (number, pipeline) in pipelines.iter_mut().enumerate() {
        pipeline.complete &= complete;
        if number == 0 {
            pipeline.commented = commented(&tree);
        }
        let steps = pipeline.jobs.iter().flat_map(|j| &j.steps);
        parsed.wants.extend(
            steps.flat_map(|s| {
                s.commands.iter().filter_map(|c| commands::called_script(c, s.folder.as_deref()))
            }),
        );
        let images = pipeline.jobs.iter().flat_map(|j| &j.images);
        let images = images.map(|u| commands::base_image(u, SettingSource::Pipeline));
        parsed.facts.base_images.extend(images);
    }
    parsed.facts.base_images.sort_by_key(|i| i.place);
    parsed.facts.base_images.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
    parsed.wants.sort();
    parsed.wants.dedup();
    parsed.problems.extend(gaps.into_iter().map(|gap| (UnreadClass::Partly, gap)));
    parsed.facts.pipelines = pipelines;
    parsed
}

/// Files that a setup workflow may go on with: those it names, and those beside it.
fn continuations(root: Node<'_>) -> Vec<Want> {
    let want = |path: &str| Want { path: path.trim_start_matches("./").to_owned(), kind: KIND };
    let mut wants = vec![want(".circleci/*.yml"), want(".circleci/*.yaml")];
    let named = root.leaves().filter_map(|l| l.node.as_str());
    let files = named.filter(|t| (t.ends_with(".yml") || t.ends_with(".yaml")) && is_plain_path(t));
    wants.extend(files.map(want));
    wants
}

fn is_plain_path(text: &str) -> bool {
    !text.starts_with('/') && !text.contains(['$', '<', '*', ' ', '~', '\n']) && !text.contains("..")
}

/// Whether the configuration that a setup workflow goes on with lies in the repository, and is not made in the run.
fn goes_on_here(root: Node<'_>) -> bool {
    let keys = ["configuration_path", "config-path", "config_path", "continue-config", "config-list-path"];
    let mut named = root.leaves().filter(|l| matches!(l.path.last(), Some(Way::Key(k)) if keys.contains(k)));
    let uses = |name: &str| {
        root.get("workflows").into_iter().flat_map(|w| w.leaves()).any(|l| {
            l.node.as_str().is_some_and(|t| t.ends_with(name))
                || l.path.iter().any(|w| matches!(w, Way::Key(k) if k.ends_with(name)))
        })
    };
    match named.next() {
        Some(leaf) => leaf.node.as_str().is_some_and(is_plain_path),
        // Its default is a file of the repository.
        None => uses("path-filtering/filter") || uses("orb-tools/continue"),
    }
}

/// One file being read.
struct Reading<'t, 'e> {
    root: Node<'t>,
    path: &'e str,
    /// Names that hold in the file itself, outside of orbs.
    space: Space<'t>,
    /// No parameters but the pipeline's.
    outermost: Rc<Scope<'t>>,
    steps_left: Cell<usize>,
    jobs_left: Cell<usize>,
    /// What could not be understood.
    gaps: RefCell<BTreeSet<String>>,
}

impl<'t, 'e> Reading<'t, 'e> {
    fn new(root: Node<'t>, text: &Text<'e>) -> Reading<'t, 'e> {
        let space = Space { node: root, root, lent: text.path != ENTRY };
        Reading {
            root,
            path: text.path,
            space,
            outermost: Rc::new(Scope::of_pipeline(root, space, text.environments)),
            steps_left: Cell::new(MOST_STEPS),
            jobs_left: Cell::new(MOST_JOBS),
            gaps: RefCell::default(),
        }
    }

    fn gap(&self, why: String) {
        let mut gaps = self.gaps.borrow_mut();
        if gaps.len() < 20 {
            gaps.insert(why);
        }
    }

    /// One pipeline for each workflow; without any, the job `build` runs alone.
    fn pipelines(&self) -> Vec<Pipeline> {
        let workflows = self.root.get("workflows").map(|w| w.merged_entries()).unwrap_or_default();
        let workflows: Vec<_> = workflows.into_iter().filter(|(_, w)| w.kind() == Kind::Mapping).collect();
        if workflows.is_empty() {
            let jobs = self.root.get("jobs").map(|j| j.merged_entries()).unwrap_or_default();
            return jobs
                .into_iter()
                .filter(|(name, _)| name.as_str() == Some("build"))
                .map(|(name, _)| self.lone_job(name))
                .collect();
        }
        workflows.into_iter().filter_map(|(name, body)| self.workflow(name, body)).collect()
    }

    fn pipeline(&self, name: Node<'t>, label: String) -> Pipeline {
        Pipeline { includes: self.orbs(), ..Pipeline::new(label, Dialect::CircleCi, name.span()) }
    }

    /// Orbs from the registry.
    fn orbs(&self) -> Vec<Use> {
        let mut found = Vec::new();
        let mut spaces = vec![(self.root, 0)];
        while let Some((node, depth)) = spaces.pop() {
            for (_, orb) in node.get("orbs").map(|o| o.merged_entries()).unwrap_or_default() {
                match orb.as_str() {
                    Some(text) => {
                        let (name, version) = space::split_orb(&self.outermost.fill(text));
                        found.push(Use {
                            place: orb.span(),
                            sort: crate::facts::UseKind::Template,
                            name,
                            version: version.map(|v| Spanned::new(v, orb.span())),
                            local: false,
                            inputs: Vec::new(),
                            unresolved: Some("the orb lies in CircleCI's registry".into()),
                        });
                    }
                    None if depth < 4 => spaces.push((orb, depth + 1)),
                    None => {}
                }
            }
        }
        found.sort_by_key(|u| u.place);
        found
    }
}

/// Commented-out lines that look like parts of a job.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    names::commented(tree, |body| {
        let step = names::undashed(body);
        let text = step.strip_prefix("command:").map(str::trim_start);
        text.or_else(|| step.starts_with("run:").then_some(step))
    })
}
