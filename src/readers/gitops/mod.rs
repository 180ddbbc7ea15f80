//! Controllers that keep a cluster in line with a repository: every object that names a source and a destination is
//! a deploy, which a change of the source starts.

mod application;
mod argocd;
mod cluster;
mod flux;
mod generator;
mod hooks;
#[cfg(test)]
mod tests;

use super::Lowering;
use super::kubernetes::Object;
use crate::facts::*;
use crate::lexicon::{Environments, classify, classify_branch, classify_host};
use crate::syntax::tree::Node;
use crate::text::{Span, Spanned};

/// Jobs of all pipelines of one repository.
const MOST_JOBS: usize = 10_000;
/// Needs that are written out one by one.
const MOST_NEEDS: usize = 100_000;

/// Reads the objects of all files together.
pub(super) fn lower(objects: &[Object<'_>], lowering: &mut Lowering<'_>) {
    let synced = lowering.facts.pipelines.iter().flat_map(|p| &p.jobs).flat_map(Job::commands).any(syncs)
        || lowering.facts.scripts.iter().flat_map(|s| &s.commands).any(syncs);
    let restored = lowering.facts.settings.iter().any(|s| s.path.contains(argocd::HEALTH));
    let around = Around { objects, environments: lowering.environments, synced, restored };
    let mut pipelines = argocd::pipelines(&around);
    pipelines.extend(flux::pipelines(&around));
    pipelines.retain(|p| !p.jobs.is_empty());
    lowering.facts.pipelines.extend(pipelines);
}

/// Whether a command starts a sync that nobody else starts.
fn syncs(command: &Command) -> bool {
    command.program == "argocd" && command.arg(0) == Some("app") && command.arg(1) == Some("sync")
}

/// What all objects are read with.
struct Around<'o, 't> {
    objects: &'o [Object<'t>],
    environments: &'o Environments,
    /// A pipeline or script here syncs Applications.
    synced: bool,
    /// Argo CD is told how to see whether an Application is healthy.
    restored: bool,
}

/// A deploy before it is put into a pipeline.
struct Deploy {
    job: Job,
    /// What is waited for before it counts as done.
    checks: Vec<Step>,
    trigger: Trigger,
    /// What commits new versions to it without asking anybody.
    robot: Option<Span>,
    /// The folder of this repository that it brings out, without slashes at its ends; `None` if it lies elsewhere.
    folder: Option<String>,
    /// The path of the file that declares it.
    path: String,
}

impl Deploy {
    /// Whether a file lies in the folder that this brings out, and does not declare this itself.
    fn brings(&self, path: &str) -> bool {
        self.path != path && self.folder.as_deref().is_some_and(|folder| lies_in(path, folder))
    }
}

/// Whether a path lies in or below a folder; the empty folder is the root.
fn lies_in(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A path of a source as a folder of the tree.
fn folder(path: &str) -> Option<String> {
    if path.contains(['*', '{', '$']) {
        return None;
    }
    crate::facts::normalise(path)
}

/// What tells an environment.
#[derive(Clone, Copy)]
enum Clue {
    Host,
    Branch,
    /// A cluster, a namespace, a path.
    Context,
    /// Only a name says it.
    Name,
}

/// The environment that the first of these texts which tells one tells.
fn target<'a>(
    clues: impl Iterator<Item = (Clue, &'a str, Span)>,
    environments: &Environments,
) -> Option<Target> {
    for (clue, text, place) in clues {
        let (stage, basis) = match clue {
            Clue::Host => (classify_host(host(text), environments), Basis::Host),
            Clue::Branch => (classify_branch(text, environments), Basis::Branch),
            Clue::Context => (classify(text, environments), Basis::Context),
            Clue::Name => (classify(text, environments), Basis::Name),
        };
        let Some(stage) = stage.filter(|_| !text.contains("{{") && !text.contains("${")) else { continue };
        return Some(Target {
            stage: Value::Known(stage),
            name: Value::Known(text.to_owned()),
            basis,
            place,
        });
    }
    None
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// The folders of a file's path, nearest first, as clues.
fn path_clues(path: &str, place: Span) -> impl Iterator<Item = (Clue, &str, Span)> {
    path.rsplit('/').map(move |part| (Clue::Name, part, place))
}

/// A controller's work as a building block, by which the lexicon tells what it does.
fn block(name: &str, place: Span, inputs: Vec<Argument>) -> Use {
    Use {
        place,
        sort: UseKind::Action,
        name: name.to_owned(),
        version: None,
        local: true,
        inputs,
        unresolved: None,
    }
}

fn argument(name: &str, value: Value<String>, place: Span) -> Argument {
    Argument { name: Spanned::new(name.to_owned(), place), value: Spanned::new(value, place) }
}

/// A step that consists of such a block.
fn step(name: &str, uses: Use) -> Step {
    Step { uses: Some(uses.clone()), ..Step::new(uses.place, name.to_owned()) }
}

/// A job of one such step.
fn job(id: String, place: Span, body: Span, uses: Use) -> Job {
    let mut job = Job::new(place, body, id.clone(), id.clone());
    job.steps = vec![step(&id, uses)];
    job
}

fn need(on: usize, jobs: &[Job], place: Span, order_only: bool) -> Need {
    let name = jobs.get(on).map_or_else(String::new, |j| j.id.clone());
    Need { place, job: u32::try_from(on).ok(), name, optional: false, order_only }
}

/// Only after a failure.
fn on_failure(place: Span, text: &str) -> Condition {
    Condition { on_failure: true, ..Condition::new(place, text.to_owned()) }
}

fn pipeline(name: String, place: Span, dialect: Dialect, triggers: Vec<Trigger>, jobs: Vec<Job>) -> Pipeline {
    let mut distinct: Vec<Trigger> = Vec::new();
    for trigger in triggers {
        let texts = |list: &[Spanned<String>]| list.iter().map(|s| s.value.clone()).collect::<Vec<_>>();
        let same = |other: &Trigger| {
            other.trigger == trigger.trigger
                && other.event == trigger.event
                && texts(&other.branches) == texts(&trigger.branches)
                && texts(&other.tags) == texts(&trigger.tags)
        };
        if distinct.len() < 100 && !distinct.iter().any(same) {
            distinct.push(trigger);
        }
    }
    Pipeline { triggers: distinct, jobs, ..Pipeline::new(name, dialect, place) }
}

/// What a revision that is followed means: a branch, tags by a range, or one commit, which only a change of the
/// object itself replaces.
fn follows(revision: Option<Spanned<String>>, event: &str, place: Span) -> Trigger {
    let mut trigger = Trigger::new(TriggerKind::Push, event, place);
    let Some(revision) = revision.filter(|r| !matches!(r.value.as_str(), "" | "HEAD")) else {
        return trigger;
    };
    trigger.place = revision.span;
    let text = revision.value.as_str();
    let text = text.strip_prefix("refs/heads/").unwrap_or(text);
    if is_range(text) {
        trigger.trigger = TriggerKind::Tag;
        trigger.tags = vec![revision];
    } else if !is_version(text) && !is_commit(text) && !text.starts_with("refs/") && !text.contains("{{") {
        trigger.branches = vec![Spanned::new(text.to_owned(), revision.span)];
    }
    trigger
}

/// Whether a version may be any of several.
/// <https://github.com/Masterminds/semver#checking-version-constraints>
fn is_range(version: &str) -> bool {
    let rest = version.trim_start_matches(['v', 'V']);
    let dotted = rest.split('.').any(|part| matches!(part, "x" | "X" | "*"));
    version.starts_with(['*', '^', '~', '>', '<', '='])
        || dotted && rest.starts_with(|c: char| c.is_ascii_digit())
}

fn is_version(text: &str) -> bool {
    let rest = text.trim_start_matches(['v', 'V']);
    rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('.')
}

fn is_commit(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|b| b.is_ascii_hexdigit()) && text.bytes().any(|b| b.is_ascii_digit())
}

/// Who may merge into what is followed, the server knows.
fn merge_gate(what: String, place: Span) -> Gate {
    Gate { place, gate: GateKind::ServerSide, what }
}

fn is_true(node: Option<Node<'_>>) -> bool {
    node.and_then(|n| n.as_str()) == Some("true")
}

fn is_false(node: Option<Node<'_>>) -> bool {
    node.and_then(|n| n.as_str()) == Some("false")
}
