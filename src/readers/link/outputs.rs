//! What called workflows and composite actions give back, brought to the jobs that call them, so that an image or a
//! tag that one job computes is known in the next.

use super::callgraph::call_inputs;
use super::composed;
use super::scope::{Piece, Scope, pieces};
use crate::facts::{Dialect, Job, Pipeline, Repository, Role, Use, folder_of, join_path};
use std::collections::HashMap;

/// Actions and workflows within others.
const ROUNDS: usize = 3;
/// Names and values.
type Outputs = Vec<(String, String)>;

/// Longer values are no names.
const LONGEST: usize = 4096;

/// Notes with each job the outputs of what it calls and uses: `image` of a called workflow under its own name, those
/// of an action under that of the step, `steps.build.outputs.image`.
pub(super) fn hand_back(pipelines: &mut [Pipeline], repository: &Repository) {
    if pipelines.iter().all(|p| p.outputs.is_empty()) {
        return;
    }
    let givers = pipelines.iter().enumerate().filter(|(_, p)| !p.outputs.is_empty());
    let by_path: HashMap<String, usize> = givers
        .map(|(i, p)| {
            let path = repository.path(p.place);
            (if p.role == Role::Composite { folder_of(path) } else { path }.to_owned(), i)
        })
        .collect();
    let find = |used: &Use, dialect: Dialect| {
        let path = match used.local {
            true => Some(join_path("", &used.name)),
            false => repository.outside.path_of(used, dialect),
        };
        by_path.get(&path?).copied()
    };
    for _ in 0..ROUNDS {
        let mut found: Vec<(usize, usize, Outputs)> = Vec::new();
        for (at, pipeline) in pipelines.iter().enumerate() {
            for (number, job) in pipeline.jobs.iter().enumerate() {
                let mut given = Outputs::new();
                let called = job.calls.iter().map(|call| (String::new(), call));
                let used = job
                    .steps
                    .iter()
                    .filter_map(|s| Some((format!("steps.{}.outputs.", s.id.as_ref()?), s.uses.as_ref()?)));
                for (prefix, call) in called.chain(used) {
                    let Some(giver) = find(call, pipeline.dialect).filter(|giver| *giver != at) else {
                        continue;
                    };
                    let scope = Scope::of(pipeline, job, None);
                    let outputs = outputs_of(&pipelines[giver], call, &scope);
                    given.extend(outputs.map(|(name, value)| (format!("{prefix}{name}"), value)));
                }
                given.retain(|(name, _)| job.outputs.iter().all(|(known, _)| known != name));
                if !given.is_empty() {
                    found.push((at, number, given));
                }
            }
        }
        if found.is_empty() {
            return;
        }
        for (at, number, given) in found {
            pipelines[at].jobs[number].outputs.extend(given);
        }
    }
}

/// The outputs of a call whose values its inputs and its own jobs tell.
fn outputs_of<'p>(
    giver: &'p Pipeline,
    call: &Use,
    scope: &Scope<'_>,
) -> impl Iterator<Item = (String, String)> + use<'p> {
    let inputs = call_inputs(call, scope);
    giver.outputs.iter().filter_map(move |(name, text)| {
        let value = value_of(giver, text)?;
        let bound = Scope::of_inputs(&inputs).expand(&value);
        let [value] = bound.as_slice() else { return None };
        let open = ["steps.", "needs.", "jobs.", "inputs.", "env."].iter().any(|w| value.contains(w));
        (!open && value.len() <= LONGEST).then(|| (name.clone(), value.clone()))
    })
}

/// What an expression of outputs stands for: `${{ jobs.build.outputs.image }}` of a workflow, an output of a step of
/// an action.
fn value_of(giver: &Pipeline, text: &str) -> Option<String> {
    let all = pieces(text.trim());
    if let [Piece::Expr { name, .. }] = all.as_slice()
        && let Some((job, output)) = name.strip_prefix("jobs.").and_then(|n| n.split_once(".outputs."))
    {
        let job = giver.jobs.iter().find(|j| j.id == job)?;
        let (_, text) = job.outputs.iter().find(|(n, _)| n == output)?;
        return within(giver, job, text);
    }
    within(giver, giver.jobs.first()?, text)
}

fn within(giver: &Pipeline, job: &Job, text: &str) -> Option<String> {
    let scope = Scope::of(giver, job, None);
    if let Some(references) = composed::references(text, &scope) {
        // Of several tags of one build each names it.
        return references.lines().next().map(str::to_owned);
    }
    match scope.expand(text).as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}
