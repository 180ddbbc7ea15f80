//! GitLab CI/CD: `.gitlab-ci.yml`, what it includes, and child pipelines.
//! <https://docs.gitlab.com/ci/yaml/>

mod config;
mod expression;
mod fields;
mod include;
mod job;
mod order;
mod rules;
mod script;
#[cfg(test)]
mod tests;
mod triggers;

use super::names;
use super::variables::Variables;
use super::{Lowering, Parsed, Text, Trees, Want, commands};
use crate::facts::*;
use crate::source::{Unread, UnreadClass};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span, Spanned};
use config::{Config, Entry};
use std::collections::BTreeSet;

const KIND: &str = "gitlab";
const ENTRY: &str = ".gitlab-ci.yml";
/// Child pipelines within child pipelines; GitLab takes two levels.
const MOST_CHILDREN: usize = 200;

/// Keys of the top level that are no jobs.
const KEYWORDS: [&str; 12] = [
    "default",
    "include",
    "stages",
    "types",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
];

/// Only the file at the root starts a pipeline; others are read when something includes them.
pub(super) fn claims(path: &str, _: bool) -> bool {
    path == ENTRY
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    parsed.problems.extend(names::every_problem(&tree, "YAML"));
    match include::body(&tree) {
        Some(body) => {
            parsed.wants = wants(body);
            parsed.abroad = include::abroad(body);
            let header = tree.root().is_some_and(|r| r != body);
            if tree.documents().len() > 1 + usize::from(header) {
                let reason = "GitLab reads one document behind the `spec:` header, and no more";
                parsed.problems.push((UnreadClass::Partly, reason.into()));
            }
        }
        None if parsed.problems.is_empty() && !text.text.trim().is_empty() => {
            parsed
                .problems
                .push((UnreadClass::Unparsed, "a GitLab configuration is a mapping of jobs".into()));
        }
        None => {}
    }
    parsed.tree = Some(tree);
    parsed
}

/// Files that this one includes or starts as child pipelines, and scripts that it runs by path.
fn wants(body: Node<'_>) -> Vec<Want> {
    let mut wants: Vec<Want> =
        include::local_paths(body).into_iter().map(|path| Want { path, kind: KIND }).collect();
    for (_, job) in body.merged_entries() {
        if let Some(trigger) = job.get("trigger").filter(|t| t.kind() == Kind::Mapping) {
            wants.extend(include::local_paths(trigger).into_iter().map(|path| Want { path, kind: KIND }));
        }
    }
    let sections = ["script", "before_script", "after_script"];
    let holders = std::iter::once(body).chain(body.merged_entries().into_iter().map(|(_, v)| v));
    let scripts = holders.flat_map(|h| sections.into_iter().filter_map(move |s| h.get(s)));
    for leaf in scripts.flat_map(|s| s.leaves()) {
        let commands = commands::lower(&leaf.node.passage(), shell::Options::default(), &[]);
        wants.extend(commands.iter().filter_map(|c| commands::called_script(c, None)));
    }
    wants.retain(|w| !w.path.contains('$'));
    wants
}

/// Lowers the pipeline of the root file, and every child pipeline that a job starts from a local file.
pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let by_path = |path: &str| trees.iter().find(|(_, (p, _))| *p == path).map(|(id, _)| *id);
    let outside = lowering.outside;
    let joined =
        outside.deploys_in.and_then(|home| by_path(&format!("{}{ENTRY}", outside.homes[home].prefix)));
    let mut queue: Vec<Vec<FileId>> = by_path(ENTRY).into_iter().chain(joined).map(|f| vec![f]).collect();
    let entries = queue.len();
    let mut seen: BTreeSet<Vec<FileId>> = queue.iter().cloned().collect();
    let mut next = 0;
    while next < queue.len() && next < MOST_CHILDREN {
        let files = queue[next].clone();
        let Some(lowered) = pipeline(trees, &files, next >= entries, lowering) else {
            next += 1;
            continue;
        };
        for child in &lowered.children {
            let files: Vec<FileId> = child.iter().filter_map(|path| by_path(path)).collect();
            if !files.is_empty() && seen.insert(files.clone()) {
                queue.push(files);
            }
        }
        lowering.facts.base_images.extend(base_images(&lowered.pipeline));
        lowering.facts.pipelines.push(lowered.pipeline);
        next += 1;
    }
    let places = &mut lowering.facts.base_images;
    places.sort_by_key(|i| i.place);
    places.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
}

struct Lowered {
    pipeline: Pipeline,
    /// Local files of each child pipeline.
    children: Vec<Vec<String>>,
}

fn pipeline(
    trees: &Trees<'_>,
    files: &[FileId],
    child: bool,
    lowering: &mut Lowering<'_>,
) -> Option<Lowered> {
    let whole = include::load(trees, lowering.outside, files)?;
    let (path, tree) = trees.get(files.first()?)?;
    let config = Config::new(&whole.conf, whole.budget);
    let mut variables = Variables::default();
    let global = config.named("variables").and_then(|(_, v)| config.follow(v));
    let settings =
        global.map(|v| fields::settings(&config, &v, "variables", &mut variables, None)).unwrap_or_default();
    let mut scope = job::Scope {
        config: &config,
        variables: &variables,
        environments: lowering.environments,
        exists: &|path| {
            let elsewhere = !lowering.outside.homes.is_empty();
            (lowering.file)(path).is_some() || elsewhere && trees.values().any(|(known, _)| *known == path)
        },
        outside: lowering.outside,
        lines: script::MOST_LINES,
    };
    let mut jobs = Vec::new();
    let mut children = Vec::new();
    for (key, value) in config.top() {
        let Some(name) = key.as_str() else { continue };
        if name.starts_with('.') || KEYWORDS.contains(&name) || value.kind() != Kind::Mapping {
            continue;
        }
        let Some((_, conf)) = config.named(name) else { continue };
        let (job, child) = scope.job(*key, value, &conf);
        jobs.push(job);
        children.extend(child);
    }
    let mut gaps = config.gaps();
    if scope.lines == 0 {
        gaps.push("its scripts have more lines than are read".into());
    }
    if !order::connect(&config, &mut jobs) {
        gaps.push("its stages hold more jobs than can be put in order one by one".into());
    }
    let includes_missing = whole.includes.iter().any(|i| i.unresolved.is_some());
    for gap in &gaps {
        // What a missing include could have said is no defect of this file: the include is listed.
        if !(includes_missing && gap.contains("leads nowhere")) {
            lowering.unread.push(Unread::new(*path, UnreadClass::Partly, gap.clone()));
        }
    }
    let workflow = config.named("workflow").and_then(|(_, w)| config.follow(w));
    let first = include::body(tree)?.entries().next().map(|(k, _)| k.span());
    let name = workflow.as_ref().and_then(|w| config.get(w, "name")).map(|(_, n)| n.node());
    let name = name.filter(|n| n.as_str().is_some());
    let place = name.map(|n| n.span()).or(first).unwrap_or_else(|| Span::start_of(tree.file()));
    let calls_away = jobs.iter().any(|j| j.calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
    let pipeline = Pipeline {
        role: if child { Role::Callable } else { Role::Entry },
        triggers: triggers::read(&config, workflow.as_ref(), &jobs, place, child),
        settings,
        complete: whole.complete && gaps.is_empty() && !calls_away,
        includes: whole.includes,
        commented: whole
            .parts
            .iter()
            .filter_map(|f| trees.get(f))
            .flat_map(|(_, tree)| commented(tree))
            .collect(),
        jobs,
        parts: whole.parts,
        outputs: Vec::new(),
        ..Pipeline::new(name.and_then(|n| n.as_str()).unwrap_or(path), Dialect::Gitlab, place)
    };
    Some(Lowered { pipeline, children })
}

/// Images that jobs and their services run in, as facts of their own.
fn base_images(pipeline: &Pipeline) -> Vec<BaseImage> {
    let uses = pipeline.jobs.iter().flat_map(|j| &j.images);
    uses.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect()
}

/// Commented-out lines that look like parts of a job.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    const SECTIONS: [&str; 5] = ["script:", "before_script:", "after_script:", "stage:", "extends:"];
    names::commented(tree, |body| {
        let looks = SECTIONS.iter().any(|key| body.starts_with(key)) || names::is_command(body);
        looks.then(|| body.trim_start_matches("- "))
    })
}

/// From a key to the end of its value, as far as they stand in one file.
fn span_of(entry: &Entry<'_>) -> Span {
    let (key, value) = entry;
    key.span().join(value.node().use_span())
}
