//! From pipelines to runs: every job in every context, and what comes before what.

use super::callgraph::{bind_effect, bind_target, call_inputs};
use super::guess;
use super::releases;
use super::scope::{Inputs, Scope};
use super::targets::{bears_target, named_target, settle};
use crate::facts::{
    Dialect, Edge, Flow, Job, Need, Node, Outside, Pipeline, Repository, Role, Run, Stage, Target,
    TriggerKind, Value, join_path,
};
use crate::lexicon::{Environments, classify};
use std::collections::HashMap;

/// Calls of pipelines nest at most so deep, as GitHub allows three levels of callers and GitLab two.
const DEEPEST: usize = 5;
/// Hostile repositories do not get more runs or edges than this.
const MOST_RUNS: usize = 20_000;
const MOST_EDGES: usize = 200_000;

/// Builds the flow of all pipelines.
pub(super) fn build(pipelines: &[Pipeline], repository: &Repository, environments: &Environments) -> Flow {
    let outside = &repository.outside;
    let paths = pipelines.iter().map(|p| repository.path(p.place));
    let by_path: HashMap<&str, usize> = paths.clone().enumerate().map(|(i, path)| (path, i)).collect();
    let delivery = pipelines.iter().zip(paths).enumerate();
    let named = delivery
        .filter_map(|(i, (p, path))| match p.dialect {
            Dialect::CloudDeploy => Some((releases::key(path, &p.name), i)),
            // A buildspec inside a template has the name by which the template calls it.
            Dialect::CodeBuild => Some((p.name.clone(), i)),
            _ => None,
        })
        .collect();
    let mut builder =
        Builder { pipelines, by_path, named, outside, environments, runs: Vec::new(), edges: Vec::new() };
    let mut roots: Vec<Option<Expanded>> = Vec::with_capacity(pipelines.len());
    for (index, pipeline) in pipelines.iter().enumerate() {
        let own = !outside.is_lent(pipeline.place.file);
        let starts = pipeline.role == Role::Entry
            || pipeline.role == Role::Callable
                && pipeline.triggers.iter().any(|t| t.trigger != TriggerKind::Call);
        let starts = starts && own;
        let inputs = own_inputs(pipeline);
        roots.push(starts.then(|| {
            builder.expand(index, &Context { root: index, caller: None, inputs: &inputs, depth: 0 })
        }));
    }
    // A callable pipeline that nobody here calls is called from elsewhere.
    let called: Vec<bool> = {
        let mut called = vec![false; pipelines.len()];
        builder.runs.iter().for_each(|r| called[r.pipeline] = true);
        called
    };
    for (index, pipeline) in pipelines.iter().enumerate() {
        let own = !outside.is_lent(pipeline.place.file);
        if own && !called[index] && roots[index].is_none() && pipeline.role == Role::Callable {
            let inputs = Inputs::new();
            builder.expand(index, &Context { root: index, caller: None, inputs: &inputs, depth: 0 });
        }
    }
    builder.connect_triggers(&roots);
    builder.connect_deploys(&roots);
    Flow::new(builder.runs, &builder.edges)
}

/// What a pipeline that can be called takes its inputs for when something else starts it.
fn own_inputs(pipeline: &Pipeline) -> Inputs {
    let asked = pipeline.triggers.iter().filter(|t| t.trigger == TriggerKind::Manual).flat_map(|t| &t.inputs);
    let mut inputs = Inputs::new();
    for input in asked {
        let options: Vec<String> = input.options.iter().map(|o| o.value.clone()).collect();
        if let Some(value) = Value::from_possible(options) {
            inputs.insert(input.name.clone(), value);
        }
    }
    inputs
}

/// Where in the calls a pipeline is expanded.
struct Context<'c> {
    root: usize,
    caller: Option<Node>,
    inputs: &'c Inputs,
    depth: usize,
}

/// The runs of one pipeline in one context: those that nothing inside precedes, and those that nothing
/// inside follows.
#[derive(Default)]
struct Expanded {
    starts: Vec<Node>,
    ends: Vec<Node>,
}

struct Builder<'a> {
    pipelines: &'a [Pipeline],
    by_path: HashMap<&'a str, usize>,
    /// Pipelines that share a file with others, by the name under which they are called.
    named: HashMap<String, usize>,
    outside: &'a Outside,
    environments: &'a Environments,
    runs: Vec<Run>,
    edges: Vec<(Node, Node, Edge)>,
}

impl Builder<'_> {
    fn edge(&mut self, before: Node, after: Node, edge: Edge) {
        if self.edges.len() < MOST_EDGES {
            self.edges.push((before, after, edge));
        }
    }

    /// Recursion is bounded by [`DEEPEST`].
    fn expand(&mut self, index: usize, context: &Context<'_>) -> Expanded {
        let pipeline = &self.pipelines[index];
        let scope = Scope::of_inputs(context.inputs);
        let mut nodes: Vec<Vec<Node>> = Vec::with_capacity(pipeline.jobs.len());
        for (number, job) in pipeline.jobs.iter().enumerate() {
            if self.runs.len() >= MOST_RUNS {
                break;
            }
            let run = self.run(index, number, job, context, &scope);
            let mut own = Vec::new();
            for run in self.each_environment(job, run) {
                let node = Node(self.runs.len() as u32);
                own.push(node);
                self.runs.push(run);
                if let Some(caller) = context.caller {
                    self.edge(caller, node, Edge::Calls);
                }
            }
            nodes.push(own);
        }
        // For each run of a job the runs with which it ends.
        let mut ends: Vec<Vec<Vec<Node>>> =
            nodes.iter().map(|own| own.iter().map(|&n| vec![n]).collect()).collect();
        for (number, own) in nodes.iter().enumerate() {
            let Some(callee) = self.callee(pipeline, &pipeline.jobs[number]) else { continue };
            if context.depth + 1 >= DEEPEST || self.runs.len() >= MOST_RUNS {
                continue;
            }
            let job = &pipeline.jobs[number];
            for (variant, &node) in own.iter().enumerate() {
                let mut inputs = self.inputs_of_call(job, pipeline, callee, &scope);
                if own.len() > 1 {
                    self.narrow_inputs(&mut inputs, node);
                }
                let inner = Context {
                    root: context.root,
                    caller: Some(node),
                    inputs: &inputs,
                    depth: context.depth + 1,
                };
                let expanded = self.expand(callee, &inner);
                if !expanded.ends.is_empty() {
                    ends[number][variant] = expanded.ends;
                }
            }
        }
        // Where the whole workflow is repeated, each repetition is for itself.
        let apart = pipeline.dialect == Dialect::Woodpecker;
        let mut followed = vec![false; nodes.len()];
        let mut starts = Vec::new();
        for (number, own) in nodes.iter().enumerate() {
            let needs = &pipeline.jobs[number].needs;
            for need in needs {
                let Some(before) = need.job.map(|j| j as usize).filter(|&j| j < nodes.len() && j != number)
                else {
                    continue;
                };
                followed[before] = true;
                let paired = apart && ends[before].len() == own.len();
                for (from, variant) in ends[before].iter().enumerate() {
                    for (to, &node) in own.iter().enumerate() {
                        if !paired || to == from {
                            variant.iter().for_each(|&end| self.edge(end, node, kind_of(need)));
                        }
                    }
                }
            }
            if needs.is_empty() {
                starts.extend(own);
            }
        }
        let last = ends.into_iter().zip(followed).filter(|(_, followed)| !followed);
        Expanded { starts, ends: last.flat_map(|(ends, _)| ends.into_iter().flatten()).collect() }
    }

    /// A job whose matrix has several environments runs once for each of them.
    fn each_environment(&self, job: &Job, run: Run) -> Vec<Run> {
        let Some(Value::OneOf(stages)) = run.target.as_ref().map(|t| &t.stage) else { return vec![run] };
        let told = |value: &String| classify(value, self.environments);
        let spread = job.dimensions.iter().any(|(_, values)| {
            let found: Vec<Stage> = values.iter().filter_map(told).collect();
            stages.len() > 1 && stages.iter().all(|s| found.contains(s))
        });
        if !spread {
            return vec![run];
        }
        let one = |stage: Stage| {
            let mut run = run.clone();
            run.target = run.target.map(|t| narrowed(t, stage, self.environments));
            for effect in &mut run.effects {
                effect.target = effect.target.take().map(|t| narrowed(t, stage, self.environments));
            }
            run
        };
        stages.iter().map(|&stage| one(stage)).collect()
    }

    /// What a call hands on in the run of one environment.
    fn narrow_inputs(&self, inputs: &mut Inputs, node: Node) {
        let target = self.runs[node.0 as usize].target.as_ref();
        let Some(&stage) = target.and_then(|t| t.stage.known()) else { return };
        for value in inputs.values_mut() {
            if let Value::OneOf(all) = value {
                let fits = all.iter().filter(|v| classify(v, self.environments) == Some(stage));
                if let Some(own) = Value::from_possible(fits.cloned().collect()) {
                    *value = own;
                }
            }
        }
    }

    fn callee(&self, caller: &Pipeline, job: &Job) -> Option<usize> {
        let call = job.calls.as_ref()?;
        if !call.local {
            return self.by_path.get(self.outside.path_of(call, caller.dialect)?.as_str()).copied();
        }
        let path = format!("{}{}", self.outside.prefix(caller.place.file), join_path("", &call.name));
        self.by_path.get(path.as_str()).or_else(|| self.named.get(&call.name)).copied()
    }

    /// What the callee's inputs are in this call; its defaults stand for those that are not given.
    fn inputs_of_call(&self, job: &Job, caller: &Pipeline, callee: usize, outer: &Scope<'_>) -> Inputs {
        let Some(call) = &job.calls else { return Inputs::new() };
        let mut inputs = call_inputs(call, &Scope::of(caller, job, None));
        // A build gets the variables of the action that starts it.
        if caller.dialect == Dialect::CodePipeline {
            inputs.extend(job.settings.iter().map(|s| (format!("${}", s.key), s.setting.clone())));
        }
        for value in inputs.values_mut() {
            if let Value::Expr(text) = value {
                let values = outer.expand(text);
                if let Some(known) = Value::from_possible(values)
                    && known.possible().iter().all(|v| !v.contains("${{") && !v.contains("$[["))
                {
                    *value = known;
                } else if let [one] = outer.expand(text).as_slice() {
                    *value = Value::Expr(one.clone());
                }
            }
        }
        let declared = self.pipelines[callee]
            .triggers
            .iter()
            .filter(|t| t.trigger == TriggerKind::Call)
            .flat_map(|t| &t.inputs);
        for input in declared {
            if let Some(default) = &input.default {
                inputs.entry(input.name.clone()).or_insert_with(|| Value::Known(default.clone()));
            }
        }
        inputs
    }

    fn run(
        &self,
        pipeline: usize,
        number: usize,
        job: &Job,
        context: &Context<'_>,
        scope: &Scope<'_>,
    ) -> Run {
        let mut target = job.target.clone();
        let mut effects: Vec<_> = job.effects().cloned().collect();
        if let Some(call) = job.calls.as_ref().filter(|c| !c.local && c.unresolved.is_some()) {
            let inside = Scope::of(&self.pipelines[pipeline], job, None);
            effects.extend(guess::of_use(call, &inside, self.environments));
        }
        if !context.inputs.is_empty() {
            target = target.map(|t| bind_target(&t, scope, self.environments));
            effects = effects.iter().flat_map(|e| bind_effect(e, scope, self.environments)).collect();
        }
        if effects.iter().any(bears_target) && !target.as_ref().is_some_and(|t| t.stage.is_certain()) {
            // What an outside pipeline deploys to, only the name under which it is called may tell.
            let named = || {
                let names = [&job.id, &job.name].into_iter().filter(|_| job.calls.is_some());
                names.filter_map(|n| named_target(n, job.place, self.environments)).next()
            };
            target = self.target_of_caller(context.caller).or_else(named).or(target);
        }
        for effect in effects.iter_mut().filter(|e| bears_target(e)) {
            effect.target = settle(effect.target.take(), target.as_ref());
        }
        Run { pipeline, job: number, caller: context.caller, root: context.root, target, effects }
    }

    /// The environment that the calling jobs tell, by an input, a declaration or at last their names.
    fn target_of_caller(&self, caller: Option<Node>) -> Option<Target> {
        let mut next = caller;
        while let Some(node) = next {
            let run = &self.runs[node.0 as usize];
            if run.target.as_ref().is_some_and(|t| t.stage.is_certain()) {
                return run.target.clone();
            }
            let job = &self.pipelines[run.pipeline].jobs[run.job];
            let named =
                [&job.id, &job.name].into_iter().find_map(|n| named_target(n, job.place, self.environments));
            if named.is_some() {
                return named;
            }
            next = run.caller;
        }
        None
    }

    /// Connects jobs that hand something on to the repository that deploys with its pipelines.
    fn connect_deploys(&mut self, roots: &[Option<Expanded>]) {
        let Some(home) = self.outside.deploys_in else { return };
        let name = self.outside.homes[home].reference.name.to_ascii_lowercase();
        let mut handing: Vec<Node> = Vec::new();
        for (at, run) in self.runs.iter().enumerate() {
            let pipeline = &self.pipelines[run.pipeline];
            let own = self.outside.home(pipeline.place.file).is_none();
            if own && speaks_of(&pipeline.jobs[run.job], &name) {
                handing.push(Node(at as u32));
            }
        }
        for (index, root) in roots.iter().enumerate() {
            let Some(root) = root else { continue };
            if self.outside.home(self.pipelines[index].place.file) != Some(home) {
                continue;
            }
            for &start in &root.starts {
                for &node in &handing {
                    self.edge(node, start, Edge::Triggers);
                }
            }
        }
    }

    /// Connects pipelines that start when another has ended. A release or tag that a pipeline makes also
    /// starts others, but which, the files do not tell.
    fn connect_triggers(&mut self, roots: &[Option<Expanded>]) {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, pipeline) in self.pipelines.iter().enumerate() {
            by_name.entry(pipeline.name.as_str()).or_default().push(index);
        }
        for (index, pipeline) in self.pipelines.iter().enumerate() {
            let Some(here) = &roots[index] else { continue };
            for name in pipeline.triggers.iter().flat_map(|t| &t.upstream) {
                let by_path = self.by_path.get(name.as_str()).copied();
                let upstream =
                    by_name.get(name.as_str()).cloned().unwrap_or_else(|| by_path.into_iter().collect());
                for earlier in upstream.into_iter().filter(|&u| u != index) {
                    let Some(there) = &roots[earlier] else { continue };
                    for &end in &there.ends {
                        for &start in &here.starts {
                            self.edge(end, start, Edge::Triggers);
                        }
                    }
                }
            }
        }
        for (number, run) in self.runs.iter().enumerate() {
            let job = &self.pipelines[run.pipeline].jobs[run.job];
            for name in dispatched(job) {
                let file = format!(".github/workflows/{}", name.rsplit('/').next().unwrap_or(name));
                let of_name = || by_name.get(name).and_then(|all| all.first()).copied();
                let Some(other) = self.by_path.get(file.as_str()).copied().or_else(of_name) else { continue };
                let starts =
                    roots[other].iter().filter(|_| other != run.root).flat_map(|there| &there.starts);
                let node = Node(number as u32);
                let room = MOST_EDGES.saturating_sub(self.edges.len());
                self.edges.extend(starts.map(|&start| (node, start, Edge::Triggers)).take(room));
            }
        }
    }
}

/// Pipelines of the same repository that a job starts.
/// <https://cli.github.com/manual/gh_workflow_run>
fn dispatched(job: &Job) -> impl Iterator<Item = &str> {
    let commands = job.commands().filter(|c| c.program == "gh" && c.arg(0) == Some("workflow"));
    let run = commands.filter(|c| c.arg(1) == Some("run") && !c.has_flag(&["-R", "--repo"]));
    let uses = job.steps.iter().filter_map(|s| s.uses.as_ref()).filter(|u| {
        matches!(u.name.as_str(), "benc-uk/workflow-dispatch" | "the-actions-org/workflow-dispatch")
            && u.input("repo").is_none()
    });
    let named = uses.filter_map(|u| u.input("workflow")?.value.known()).map(String::as_str);
    run.filter_map(|c| c.arg(2)).chain(named)
}

/// A target that is one of several, as that one.
fn narrowed(target: Target, stage: Stage, environments: &Environments) -> Target {
    if !matches!(&target.stage, Value::OneOf(all) if all.contains(&stage)) {
        return target;
    }
    let names = target.name.possible().iter().filter(|n| classify(n, environments) == Some(stage));
    let name = Value::from_possible(names.cloned().collect()).unwrap_or(target.name);
    Target { stage: Value::Known(stage), name, ..target }
}

fn kind_of(need: &Need) -> Edge {
    if need.optional || need.order_only { Edge::Order } else { Edge::Needs }
}

/// Whether a job hands something on to a repository: checks it out, clones it, starts its workflows.
fn speaks_of(job: &Job, repository: &str) -> bool {
    let within = |text: &str| text.to_ascii_lowercase().contains(repository);
    let given = |used: &crate::facts::Use| used.inputs.iter().any(|i| within(&i.value.value.text()));
    job.calls.as_ref().is_some_and(|call| within(&call.name))
        || job.steps.iter().any(|step| {
            step.uses.as_ref().is_some_and(given) || step.commands.iter().any(|command| within(&command.line))
        })
}
