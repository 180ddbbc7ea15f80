//! Jobs: what a workflow runs under a name.
//! <https://circleci.com/docs/configuration-reference/#jobs>

use super::Reading;
use super::parameters::{Arg, Scope};
use super::space::Found;
use super::step::{Around, Machine, relative};
use crate::facts::*;
use crate::lexicon::uses::Uses;
use crate::readers::commands;
use crate::readers::variables::Variables;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::rc::Rc;

/// An executor, or a job that says itself where it runs, and the scope in which it is written.
type Holder<'t> = (Node<'t>, Rc<Scope<'t>>);

impl<'t> Reading<'t, '_> {
    /// The job `name` as an entry of a workflow, `body`, uses it. `given` are parameters of a matrix.
    pub(super) fn job(
        &self,
        key: Node<'t>,
        name: &str,
        body: Option<Node<'t>>,
        dimensions: Vec<(String, Vec<String>)>,
        scope: &Rc<Scope<'t>>,
    ) -> Job {
        let label = body.and_then(|b| b.get("name")).and_then(|n| n.as_str()).map(|n| scope.fill(n));
        let id = label.unwrap_or_else(|| name.to_owned());
        let place = key.span();
        match scope.space.find("jobs", name) {
            Found::Here(definition, space) => {
                let mut inside = Scope::inside(definition, space, body, scope);
                for (name, values) in &dimensions {
                    inside.choose(name, values.clone());
                }
                let mut job = self.own_job(place, id, definition, body, Rc::new(inside), scope);
                job.matrix =
                    dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
                job.dimensions = dimensions;
                job
            }
            Found::Outside(block, version) => {
                let mut job = Job::new(place, body.map_or(place, |b| place.join(b.span())), id.clone(), id);
                let variables = Variables::default();
                let mut used = self.used(key, block, version, body, scope, &variables);
                used.inputs.retain(|a| !super::workflow::RESERVED.contains(&a.name.value.as_str()));
                for (name, values) in &dimensions {
                    let value = Value::from_possible(values.clone()).unwrap_or(Value::Known(String::new()));
                    let spot = body.map_or(place, |b| b.span());
                    let name = Spanned::new(name.clone(), spot);
                    used.inputs.push(Argument { name, value: Spanned::new(value, spot) });
                }
                // What the lexicon knows is as good as a step; anything else may do anything.
                if Uses::builtin().tool(&used.name).is_some() {
                    let mut step = Step::new(job.body, used.name.clone());
                    step.uses = Some(used);
                    job.steps.push(step);
                } else {
                    used.sort = UseKind::Workflow;
                    used.unresolved = Some("the orb lies in CircleCI's registry".into());
                    job.calls = Some(used);
                }
                self.around_steps(&mut job, body, scope, &variables);
                job
            }
            Found::Nowhere => {
                self.gap(format!("the job `{name}` is defined nowhere"));
                Job::new(place, place, id.clone(), id)
            }
        }
    }

    /// `pre-steps` and `post-steps` of a job whose own steps lie elsewhere.
    fn around_steps(
        &self,
        job: &mut Job,
        body: Option<Node<'t>>,
        scope: &Rc<Scope<'t>>,
        variables: &Variables<'_>,
    ) {
        let machine = Machine { variables, shell: None, folder: None };
        let mut before = Vec::new();
        if let Some(steps) = body.and_then(|b| b.get("pre-steps")) {
            self.steps(steps, scope, &machine, &Around::default(), &mut before);
        }
        job.steps.splice(0..0, before);
        if let Some(steps) = body.and_then(|b| b.get("post-steps")) {
            self.steps(steps, scope, &machine, &Around::default(), &mut job.steps);
        }
        job.secrets.extend(job.steps.iter().flat_map(|s| s.secrets.iter().cloned()));
    }

    /// A job that is defined in the file. `outer` is the scope of the workflow.
    fn own_job(
        &self,
        place: Span,
        id: String,
        definition: Node<'t>,
        body: Option<Node<'t>>,
        scope: Rc<Scope<'t>>,
        outer: &Rc<Scope<'t>>,
    ) -> Job {
        let mut job = Job::new(place, definition.span(), id.clone(), id);
        let own = (definition, scope.clone());
        let executor = definition.get("executor").and_then(|e| self.executor(e, &scope, &mut job));
        let holders: Vec<Holder<'t>> = std::iter::once(own).chain(executor).collect();
        let mut variables = Variables::default();
        scope.define(&mut variables);
        for (holder, scope) in holders.iter().rev() {
            let container = holder.get("docker").and_then(|d| d.one_or_more().next());
            for environment in [container.and_then(|c| c.get("environment")), holder.get("environment")]
                .into_iter()
                .flatten()
            {
                let settings = self.settings(environment, scope, &variables);
                settings.iter().for_each(|s| variables.set(&s.key, s.setting.possible().to_vec()));
                // The nearest first: a job's own variables win over the executor's.
                job.settings.splice(0..0, settings);
            }
        }
        self.machine(&mut job, &holders);
        let text = |key: &str| {
            holders.iter().find_map(|(holder, scope)| Some(scope.fill(holder.get(key)?.as_str()?)))
        };
        let windows = job.runner.iter().any(|r| r.value.starts_with("win/") || r.value.contains("windows"));
        let shell = text("shell").or(windows.then(|| "powershell".to_owned()));
        let folder = text("working_directory").filter(|f| !f.starts_with(['~', '/']));
        let machine = Machine { variables: &variables, shell, folder: folder.and_then(|f| relative(&f)) };
        let around = Around::default();
        if let Some(steps) = body.and_then(|b| b.get("pre-steps")) {
            self.steps(steps, outer, &machine, &around, &mut job.steps);
        }
        if let Some(steps) = definition.get("steps") {
            self.steps(steps, &scope, &machine, &around, &mut job.steps);
        }
        if let Some(steps) = body.and_then(|b| b.get("post-steps")) {
            self.steps(steps, outer, &machine, &around, &mut job.steps);
        }
        job.transfers = job.steps.iter().filter_map(transfer).collect();
        job.secrets.extend(job.steps.iter().flat_map(|s| s.secrets.iter().cloned()));
        job
    }

    /// The executor that a job names.
    fn executor(&self, node: Node<'t>, scope: &Rc<Scope<'t>>, job: &mut Job) -> Option<Holder<'t>> {
        let (node, scope) = match node.as_str().and_then(|t| scope.whole(t)) {
            Some(Arg::Node(node, outer)) => (node, outer),
            _ => (node, scope.clone()),
        };
        let named = if node.kind() == Kind::Mapping { node.get("name")? } else { node };
        let name = scope.fill(named.as_str()?);
        // The name may have been handed in from where other names hold.
        let found = match scope.space.find("executors", &name) {
            Found::Nowhere => self.space.find("executors", &name),
            found => found,
        };
        match found {
            Found::Here(definition, space) => {
                let given = Some(node).filter(|n| n.kind() == Kind::Mapping);
                Some((definition, Rc::new(Scope::inside(definition, space, given, &scope))))
            }
            Found::Outside(..) => {
                job.runner.push(Spanned::new(name, named.span()));
                None
            }
            Found::Nowhere => {
                if !name.contains("${") {
                    self.gap(format!("the executor `{name}` is defined nowhere"));
                }
                None
            }
        }
    }

    /// Images and runners.
    fn machine(&self, job: &mut Job, holders: &[Holder<'t>]) {
        for (holder, scope) in holders {
            let images = holder.get("docker").into_iter().flat_map(|d| d.one_or_more());
            for image in images.filter_map(|i| i.get("image")) {
                let Some(text) = image.as_str() else { continue };
                job.images.push(commands::image_use(&scope.fill(text), image.span()));
            }
            if !job.images.is_empty() {
                break;
            }
        }
        for (holder, scope) in holders {
            for key in ["machine", "macos", "windows", "resource_class"] {
                let Some(node) = holder.get(key) else { continue };
                let inner = match node.kind() {
                    Kind::Mapping => node.get("image").or(node.get("xcode")).unwrap_or(node),
                    _ => node,
                };
                let text = inner.as_str().map_or_else(|| key.to_owned(), |t| scope.fill(t));
                let text = if text == "true" { key.to_owned() } else { text };
                job.runner.push(Spanned::new(text, inner.span()));
            }
        }
    }
}

/// Files that are handed on: through the workspace of the workflow, or kept with the run.
/// <https://circleci.com/docs/workspaces/>
fn transfer(step: &Step) -> Option<Transfer> {
    let used = step.uses.as_ref().filter(|u| u.local)?;
    let (up, name) = match used.name.as_str() {
        "persist_to_workspace" => (true, "workspace"),
        "attach_workspace" => (false, "workspace"),
        "store_artifacts" => (true, "artifacts"),
        "store_test_results" => (true, "test results"),
        _ => return None,
    };
    let root = used.input("root").map(|r| r.value.text()).filter(|r| r != "." && !r.starts_with(['~', '/']));
    let paths = used.input("paths").or(used.input("path")).map(|p| (p.value.text(), p.span));
    let paths = paths.into_iter().flat_map(|(text, span)| {
        let root = root.clone();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.into_iter().map(move |line| {
            let path = match &root {
                Some(root) => format!("{}/{line}", root.trim_end_matches('/')),
                None => line,
            };
            Spanned::new(path, span)
        })
    });
    let paths = if up { paths.collect() } else { Vec::new() };
    Some(Transfer { place: used.place, up, name: Value::Known(name.to_owned()), paths, retention_days: None })
}
