//! Tekton: what runs a Pipeline or a Task gives it its parameters and its triggers; each of its tasks is a job.
//! <https://tekton.dev/docs/pipelines/pipelines/>

mod params;
mod task;
#[cfg(test)]
mod tests;
mod triggers;

use super::kubernetes::Object;
use super::placeholders::Values;
use crate::facts::*;
use crate::syntax::tree::Node;
use crate::text::Span;
use std::collections::{HashMap, HashSet};
use task::Spec;

pub(super) use params::placeholders;

/// Runs of one Pipeline that are told apart.
const MOST_RUNS: usize = 20;

/// The pipelines of all objects of Tekton.
pub(super) fn pipelines(objects: &[Object<'_>]) -> Vec<Pipeline> {
    let own: Vec<Object<'_>> = objects.iter().filter(|o| o.group.ends_with("tekton.dev")).copied().collect();
    if own.is_empty() {
        return Vec::new();
    }
    let library = Library::new(&own);
    let mut made = Made { library: &library, found: Vec::new(), used: HashSet::new() };
    for run in triggers::runs(&own) {
        made.run(&run);
    }
    for object in own.iter().filter(|o| o.kind == "Pipeline") {
        if made.used.contains(&object.place()) {
            continue;
        }
        // Nothing here runs it; who does, and with what, is not known.
        let Some(spec) = object.node.get("spec") else { continue };
        let mut values = Values::default();
        params::defaults(spec.get("params"), &mut values);
        let trigger = Trigger::new(TriggerKind::Other, "run", object.place());
        made.pipeline(
            object.name(),
            object.place(),
            Spec { node: spec, path: object.path },
            values,
            vec![trigger],
        );
    }
    let Made { mut found, .. } = made;
    let in_jobs: HashSet<Span> = found.iter().flat_map(|f| &f.tasks).copied().collect();
    let tasks =
        own.iter().filter(|o| matches!(o.kind, "Task" | "ClusterTask") && !in_jobs.contains(&o.place()));
    let bundles: Vec<Pipeline> = tasks.filter_map(|o| alone(o, &library)).collect();
    found.drain(..).map(|f| f.pipeline).chain(bundles).collect()
}

/// Tasks and Pipelines by name.
struct Library<'o, 't> {
    named: HashMap<(&'static str, &'t str), Vec<&'o Object<'t>>>,
}

impl<'o, 't> Library<'o, 't> {
    fn new(objects: &'o [Object<'t>]) -> Library<'o, 't> {
        let mut named: HashMap<_, Vec<_>> = HashMap::new();
        for object in objects {
            let kind = match object.kind {
                "Task" | "ClusterTask" => "Task",
                "Pipeline" => "Pipeline",
                "StepAction" => "StepAction",
                _ => continue,
            };
            named.entry((kind, object.name())).or_default().push(object);
        }
        Library { named }
    }

    /// The object of this name that lies nearest to a file.
    fn find(&self, kind: &'static str, name: &str, path: &str) -> Option<&'o Object<'t>> {
        let shared = |o: &&&Object<'_>| o.path.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        self.named.get(&(kind, name))?.iter().take(100).max_by_key(shared).copied()
    }
}

/// Something that runs.
struct Run<'t> {
    /// The PipelineRun or TaskRun.
    node: Node<'t>,
    path: &'t str,
    name: String,
    place: Span,
    triggers: Vec<Trigger>,
    /// What its template puts in.
    values: Values,
    of_task: bool,
}

struct Found {
    pipeline: Pipeline,
    /// What it is made of, and with which values: two runs that agree in both are one pipeline.
    made_of: Span,
    values: Values,
    /// Tasks that its jobs are made of.
    tasks: Vec<Span>,
}

struct Made<'l, 'o, 't> {
    library: &'l Library<'o, 't>,
    found: Vec<Found>,
    used: HashSet<Span>,
}

impl<'t> Made<'_, '_, 't> {
    fn run(&mut self, run: &Run<'t>) {
        let Some(spec) = run.node.get("spec") else { return };
        let (inline, reference) =
            if run.of_task { ("taskSpec", "taskRef") } else { ("pipelineSpec", "pipelineRef") };
        let mut values = Values::default();
        if run.of_task {
            let given = params::given(spec.get("params"), &run.values);
            let mut one = task::Line::new(self.library, run.path, &values);
            one.task_run(run, spec, &given);
            let made = one.end();
            self.push(run, spec.span(), values, made);
            return;
        }
        let referred = spec.at(&[reference, "name"]).and_then(|n| n.as_str());
        let of_resolver = spec
            .at(&[reference, "params"])
            .into_iter()
            .flat_map(|p| p.items())
            .find_map(|p| (p.get("name")?.as_str()? == "name").then(|| p.get("value")?.as_str())?);
        let found = referred.or(of_resolver).and_then(|n| self.library.find("Pipeline", n, run.path));
        let what = match (spec.get(inline), found) {
            (Some(node), _) => Spec { node, path: run.path },
            (None, Some(object)) => {
                self.used.insert(object.place());
                let Some(node) = object.node.get("spec") else { return };
                Spec { node, path: object.path }
            }
            (None, None) => {
                let mut one = task::Line::new(self.library, run.path, &values);
                let given = params::given(spec.get("params"), &run.values);
                one.outside(run, spec.get(reference), &given);
                let made = one.end();
                self.push(run, spec.span(), values, made);
                return;
            }
        };
        params::defaults(what.node.get("params"), &mut values);
        for (name, _, all) in params::given(spec.get("params"), &run.values) {
            values.set(&params::key(name), all);
        }
        self.pipeline(&run.name, run.place, what, values, run.triggers.clone());
    }

    fn pipeline(&mut self, name: &str, place: Span, spec: Spec<'t>, values: Values, triggers: Vec<Trigger>) {
        let made_of = spec.node.span();
        let mut same = self.found.iter_mut().filter(|f| f.made_of == made_of);
        let count = same.by_ref().count();
        let twin = self
            .found
            .iter_mut()
            .find(|f| f.made_of == made_of && (f.values == values || count >= MOST_RUNS));
        if let Some(twin) = twin {
            twin.pipeline.triggers.extend(triggers);
            return;
        }
        let mut line = task::Line::new(self.library, spec.path, &values);
        line.tasks_of(spec.node);
        let (jobs, tasks, complete) = line.end();
        let mut pipeline = empty(name.to_owned(), place, triggers);
        pipeline.settings = task::settings(spec.node.get("params"), &values);
        pipeline.jobs = jobs;
        pipeline.complete = complete;
        pipeline.commented = commented(&spec);
        self.found.push(Found { pipeline, made_of, values, tasks });
    }

    fn push(&mut self, run: &Run<'t>, made_of: Span, values: Values, made: task::End) {
        let (jobs, tasks, complete) = made;
        let mut pipeline = empty(run.name.clone(), run.place, run.triggers.clone());
        pipeline.jobs = jobs;
        pipeline.complete = complete;
        self.found.push(Found { pipeline, made_of, values, tasks });
    }
}

/// A Task that nothing here runs: a bundle of steps for others.
fn alone(object: &Object<'_>, library: &Library<'_, '_>) -> Option<Pipeline> {
    let spec = object.node.get("spec")?;
    let values = Values::default();
    let mut line = task::Line::new(library, object.path, &values);
    line.bundle(object, spec);
    let (jobs, _, _) = line.end();
    let mut pipeline = empty(object.name().to_owned(), object.place(), Vec::new());
    pipeline.role = Role::Composite;
    pipeline.jobs = jobs;
    Some(pipeline)
}

/// Commented-out lines that look like parts of a task.
fn commented(spec: &Spec<'_>) -> Vec<Text> {
    let tree = spec.node.tree();
    let keys = ["- name:", "taskRef:", "runAfter:", "script:", "onError:"];
    let inside = tree.comments().iter().filter(|c| c.alone && spec.node.span().contains(c.span));
    inside
        .filter_map(|c| {
            let body = tree.slice(c.body);
            keys.iter().any(|k| body.starts_with(k)).then(|| Text::new(body.to_owned(), c.body))
        })
        .collect()
}

fn empty(name: String, place: Span, triggers: Vec<Trigger>) -> Pipeline {
    Pipeline { triggers, ..Pipeline::new(name, Dialect::Tekton, place) }
}
