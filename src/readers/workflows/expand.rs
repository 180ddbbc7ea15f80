//! From templates to jobs: each call of a template that runs something is a job.

use super::{Library, depends, key, leaf, placeholders};
use crate::facts::*;
use crate::readers::placeholders::Values;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::collections::HashMap;

/// Templates within templates.
const DEEPEST: usize = 12;
/// Jobs of one pipeline; templates that call each other twice make many.
const MOST_JOBS: usize = 2_000;
/// Calls that are followed; templates without jobs may call each other as well.
const MOST_CALLS: usize = 10_000;
/// Needs that are written out one by one.
const MOST_NEEDS: usize = 50_000;

/// A template, and what it lies among.
#[derive(Clone, Copy)]
pub(super) struct Template<'t> {
    pub node: Node<'t>,
    pub path: &'t str,
    /// The `spec` that lists it with others.
    pub among: Node<'t>,
}

impl Template<'_> {
    /// Whether it runs something itself, and calls no others.
    pub(super) fn is_leaf(&self) -> bool {
        self.node.get("dag").is_none() && self.node.get("steps").is_none()
    }
}

/// A part that was laid out: its jobs that wait for nothing inside, and those that nothing inside waits for.
#[derive(Debug, Clone, Default)]
struct Part {
    starts: Vec<usize>,
    ends: Vec<usize>,
}

/// Jobs in the making.
pub(super) struct Layout<'l, 'o, 't> {
    library: &'l Library<'o, 't>,
    /// Specs whose templates can be called by their bare names, the last first.
    layers: Vec<(Node<'t>, &'t str)>,
    jobs: Vec<Job>,
    needs: usize,
    calls: usize,
    /// Places of the templates that are being laid out.
    open: Vec<Span>,
    pub complete: bool,
}

/// How a call is made.
struct Call<'t> {
    node: Node<'t>,
    id: String,
    place: Span,
}

impl<'l, 'o, 't> Layout<'l, 'o, 't> {
    pub(super) fn new(library: &'l Library<'o, 't>, layers: Vec<(Node<'t>, &'t str)>) -> Layout<'l, 'o, 't> {
        Layout { library, layers, jobs: Vec::new(), needs: 0, calls: 0, open: Vec::new(), complete: true }
    }

    /// The template of this name.
    pub(super) fn template(&self, name: &str, _: &str) -> Option<Template<'t>> {
        self.layers.iter().rev().find_map(|&(among, path)| within(among, path, name))
    }

    /// Lays out the entry point. Returns the jobs that come last.
    pub(super) fn enter(&mut self, template: Template<'t>, values: &Values) -> Vec<usize> {
        let name = template.node.get("name").and_then(|n| n.spanned());
        let place = name.as_ref().map_or(template.node.span(), |n| n.span);
        let id = name.map_or_else(|| format!("#{}", self.jobs.len()), |n| n.value);
        let call = Call { node: template.node, id, place };
        self.call(template, &call, values, "").ends
    }

    /// Lays out what runs at the end, however the rest ended.
    pub(super) fn leave(&mut self, template: Template<'t>, values: &Values, after: &[usize], place: Span) {
        let from = self.jobs.len();
        let id = template.node.get("name").and_then(|n| n.as_str()).unwrap_or("exit").to_owned();
        let part = self.call(template, &Call { node: template.node, id, place }, values, "");
        self.wait(&part.starts, after, place, false);
        for job in &mut self.jobs[from..] {
            let asked = job.condition.take();
            let status = asked.as_ref().is_some_and(|c| c.text.contains("workflow.status"));
            let text = asked.as_ref().map_or("", |c| c.text.as_str());
            let succeeded = text.contains("Succeeded");
            let negated = text.contains("!=");
            let fails = status
                && (text.contains("Failed") || text.contains("Error") || succeeded)
                && negated == succeeded;
            let mut condition = asked.clone().unwrap_or_else(|| Condition::new(place, "onExit".to_owned()));
            condition.on_failure = fails;
            condition.always = !(fails || status && succeeded && !negated);
            job.condition = Some(condition);
        }
    }

    /// A Workflow whose template lies elsewhere.
    pub(super) fn outside(&mut self, name: &str, place: Span, template: &str, at: Span) {
        let mut job = Job::new(place, place, name.to_owned(), name.to_owned());
        job.calls = Some(unresolved(template, at));
        self.complete = false;
        self.jobs.push(job);
    }

    /// The lock that a whole Workflow takes.
    pub(super) fn lock(&mut self, mutex: Option<Spanned<String>>) {
        for job in self.jobs.iter_mut().filter(|j| j.lock.is_none()) {
            job.lock = mutex.clone();
        }
    }

    pub(super) fn pipeline(
        self,
        name: &str,
        place: Span,
        triggers: Vec<Trigger>,
        settings: Vec<Setting>,
    ) -> Pipeline {
        Pipeline {
            triggers,
            settings,
            complete: self.complete,
            jobs: self.jobs,
            ..Pipeline::new(name.trim_end_matches('-'), Dialect::ArgoWorkflows, place)
        }
    }

    fn wait(&mut self, starts: &[usize], before: &[usize], place: Span, order_only: bool) {
        for &start in starts {
            self.needs += before.len();
            if self.needs > MOST_NEEDS {
                self.complete = false;
                return;
            }
            for &earlier in before.iter().filter(|&&b| b != start) {
                let name = self.jobs[earlier].id.clone();
                let job = u32::try_from(earlier).ok();
                self.jobs[start].needs.push(Need { place, job, name, optional: false, order_only });
            }
        }
    }

    /// Lays out one call. Recursion is bounded by [`DEEPEST`].
    fn call(&mut self, template: Template<'t>, call: &Call<'t>, values: &Values, prefix: &str) -> Part {
        let id = if prefix.is_empty() { call.id.clone() } else { format!("{prefix}.{}", call.id) };
        let from = self.jobs.len();
        let inside = self.inputs(template, call, values);
        let round = self.open.contains(&template.node.span()) || self.open.len() >= DEEPEST;
        if template.is_leaf() || round {
            let mut job = Job::new(call.place, call.node.span(), id.clone(), id);
            job.settings = inside.1;
            if template.is_leaf() {
                leaf::fill(&mut job, template, &inside.0);
            } else {
                self.complete = false;
                job.calls = Some(unresolved("a template that calls itself", call.place));
            }
            self.describe(&mut job, call.node, values);
            self.jobs.push(job);
            return Part { starts: vec![from], ends: vec![from] };
        }
        self.open.push(template.node.span());
        // The name of the entry point says nothing that its own tasks do not say.
        let prefix = if self.open.len() == 1 { "" } else { id.as_str() };
        let part = match template.node.get("dag") {
            Some(dag) => self.dag(dag, template, &inside.0, prefix),
            None => self.steps(template, &inside.0, prefix),
        };
        self.open.pop();
        let to = self.jobs.len();
        for at in from..to {
            let mut job = std::mem::replace(
                &mut self.jobs[at],
                Job::new(call.place, call.place, String::new(), String::new()),
            );
            self.describe(&mut job, call.node, values);
            self.jobs[at] = job;
        }
        part
    }

    /// What a call says of the jobs behind it: their condition, their tolerance, what they are repeated for.
    fn describe(&self, job: &mut Job, node: Node<'t>, values: &Values) {
        if let (Some(key), Some(when)) = (node.key("when"), node.get("when").and_then(|w| w.as_str())) {
            let mut condition = Condition::new(
                key.span().join(node.get("when").map_or(key.span(), |w| w.span())),
                when.to_owned(),
            );
            condition.never = when.trim() == "false";
            condition.on_failure =
                when.contains(".status}}") && (when.contains("== Failed") || when.contains("== Error"));
            job.condition.get_or_insert(condition);
        }
        let on = node.get("continueOn");
        let lets = |key: &str| on.and_then(|c| c.get(key)).and_then(|n| n.as_str()) == Some("true");
        if lets("failed") || lets("error") {
            let place = node
                .key("continueOn")
                .map_or(job.place, |k| k.span().join(on.map_or(k.span(), |o| o.span())));
            let tolerance = Tolerance { place, how: How::Key, applies: Value::Known(true) };
            job.tolerated.get_or_insert(tolerance);
        }
        let items = items(node, values);
        if items.len() > 1 {
            job.matrix.extend(items.iter().map(|i| format!("item={i}")));
            job.dimensions.push(("item".to_owned(), items));
        }
    }

    /// The values that a template sees: those of the Workflow, its defaults, and what the call gives it.
    fn inputs(&self, template: Template<'t>, call: &Call<'t>, outer: &Values) -> (Values, Vec<Setting>) {
        let mut values = Values::default();
        for (name, all) in outer.iter().filter(|(name, _)| name.starts_with("workflow.")) {
            values.set(name, all.to_vec());
        }
        let mut around = outer.clone();
        around.set("item", items(call.node, outer));
        let mut settings = Vec::new();
        let mut give = |list: Option<Node<'t>>, around: &Values, values: &mut Values| {
            for param in list.into_iter().flat_map(|p| p.items()) {
                let Some(name) = param.get("name").and_then(|n| n.spanned()) else { continue };
                let Some(value) = param.get("value").or(param.get("default")) else { continue };
                let all = around.expand(value.as_str().unwrap_or(""), placeholders);
                let key = key(&format!("inputs.parameters.{}", name.value));
                settings.retain(|s: &Setting| s.key != key);
                settings.push(Setting {
                    place: value.span(),
                    path: key.clone(),
                    key: key.clone(),
                    setting: crate::readers::containers::one_of(all.clone()),
                    source: SettingSource::Pipeline,
                    target: None,
                    key_place: name.span,
                });
                values.set(&key, all);
            }
        };
        give(template.node.at(&["inputs", "parameters"]), outer, &mut values);
        give(call.node.at(&["arguments", "parameters"]), &around, &mut values);
        (values, settings)
    }

    fn callee(&self, node: Node<'t>, template: Template<'t>) -> Option<Template<'t>> {
        if let Some(inline) = node.get("inline") {
            return Some(Template { node: inline, ..template });
        }
        if let Some(reference) = node.get("templateRef") {
            let text = |key: &str| reference.get(key).and_then(|n| n.as_str());
            let found = self.library.find(text("name")?, template.path)?;
            return within(found.node.get("spec")?, found.path, text("template")?);
        }
        let name = node.get("template")?.as_str()?;
        within(template.among, template.path, name).or_else(|| self.template(name, template.path))
    }

    fn one(&mut self, node: Node<'t>, template: Template<'t>, values: &Values, prefix: &str) -> Part {
        self.calls += 1;
        if self.calls > MOST_CALLS || self.jobs.len() >= MOST_JOBS {
            self.complete = false;
            return Part::default();
        }
        let name = node.get("name").and_then(|n| n.spanned());
        let place = name.as_ref().map_or(node.span(), |n| n.span);
        let id = name.map_or_else(|| format!("#{}", self.jobs.len()), |n| n.value);
        let call = Call { node, id, place };
        if let Some(callee) = self.callee(node, template) {
            return self.call(callee, &call, values, prefix);
        }
        self.complete = false;
        let named = node.at(&["templateRef", "name"]).or(node.get("template"));
        let id = if prefix.is_empty() { call.id.clone() } else { format!("{prefix}.{}", call.id) };
        let mut job = Job::new(place, node.span(), id.clone(), id);
        job.calls = Some(unresolved(
            named.and_then(|n| n.as_str()).unwrap_or(&call.id),
            named.map_or(place, |n| n.span()),
        ));
        self.describe(&mut job, node, values);
        self.jobs.push(job);
        let at = self.jobs.len() - 1;
        Part { starts: vec![at], ends: vec![at] }
    }

    /// Steps run one list after another; what stands in one list runs side by side.
    fn steps(&mut self, template: Template<'t>, values: &Values, prefix: &str) -> Part {
        let mut whole = Part::default();
        let mut before: Vec<usize> = Vec::new();
        for group in template.node.get("steps").into_iter().flat_map(|s| s.items()) {
            let mut current = Vec::new();
            for node in group.one_or_more().filter(|n| n.kind() == Kind::Mapping) {
                let part = self.one(node, template, values, prefix);
                // The group before is over, whether its steps were guarded away or not.
                self.wait(&part.starts, &before, group.span(), false);
                current.extend(part.ends);
                if before.is_empty() {
                    whole.starts.extend(part.starts);
                }
            }
            if !current.is_empty() {
                before = current;
            }
        }
        whole.ends = before;
        whole
    }

    /// <https://argo-workflows.readthedocs.io/en/latest/walk-through/dag/>
    fn dag(&mut self, dag: Node<'t>, template: Template<'t>, values: &Values, prefix: &str) -> Part {
        let tasks: Vec<Node<'t>> = dag
            .get("tasks")
            .into_iter()
            .flat_map(|t| t.items())
            .filter(|t| t.kind() == Kind::Mapping)
            .collect();
        let parts: Vec<Part> = tasks.iter().map(|task| self.one(*task, template, values, prefix)).collect();
        let named: HashMap<&str, usize> =
            tasks.iter().enumerate().filter_map(|(at, t)| Some((t.get("name")?.as_str()?, at))).collect();
        let mut followed = vec![false; tasks.len()];
        let mut whole = Part::default();
        for (at, task) in tasks.iter().enumerate() {
            let mut asked: Vec<(String, bool, Span)> = Vec::new();
            for name in
                task.get("dependencies").into_iter().flat_map(|d| d.one_or_more()).filter_map(|n| n.spanned())
            {
                asked.push((name.value, false, name.span));
            }
            if let Some(expression) = task.get("depends").and_then(|d| d.spanned()) {
                let depends = depends::parse(&expression.value);
                for &start in parts[at].starts.iter().filter(|_| depends.on_failure || depends.always) {
                    let mut condition = Condition::new(expression.span, expression.value.clone());
                    (condition.on_failure, condition.always) = (depends.on_failure, depends.always);
                    self.jobs[start].condition.get_or_insert(condition);
                }
                asked.extend(depends.tasks.into_iter().map(|(task, either)| (task, either, expression.span)));
            }
            let found: Vec<(usize, bool, Span)> = asked
                .into_iter()
                .filter_map(|(name, either, place)| Some((*named.get(name.as_str())?, either, place)))
                .filter(|(before, _, _)| *before != at)
                .collect();
            if found.is_empty() {
                whole.starts.extend(&parts[at].starts);
            }
            for (before, either, place) in found {
                followed[before] = true;
                self.wait(&parts[at].starts, &parts[before].ends, place, either);
            }
        }
        for (part, _) in parts.iter().zip(followed).filter(|(_, followed)| !followed) {
            whole.ends.extend(&part.ends);
        }
        whole
    }
}

fn within<'t>(among: Node<'t>, path: &'t str, name: &str) -> Option<Template<'t>> {
    let mut templates = among.get("templates")?.items().take(MOST_JOBS);
    let node = templates.find(|t| t.get("name").and_then(|n| n.as_str()) == Some(name))?;
    Some(Template { node, path, among })
}

fn unresolved(name: &str, place: Span) -> Use {
    Use {
        place,
        sort: UseKind::Workflow,
        name: name.to_owned(),
        version: None,
        local: false,
        inputs: Vec::new(),
        unresolved: Some("the template lies outside the repository, or calls itself".to_owned()),
    }
}

/// What a call is repeated for.
fn items(node: Node<'_>, values: &Values) -> Vec<String> {
    let listed = node.get("withItems").into_iter().flat_map(|i| i.items());
    let texts = listed.filter_map(|i| i.as_str()).take(16);
    texts.flat_map(|t| values.expand(t, placeholders)).take(16).collect()
}
