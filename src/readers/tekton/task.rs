//! Tasks as jobs.
//! <https://tekton.dev/docs/pipelines/tasks/>

use super::params::{self, placeholders};
use super::{Library, Run};
use crate::facts::*;
use crate::lexicon::uses::Uses;
use crate::readers::kubernetes::Object;
use crate::readers::placeholders::Values;
use crate::readers::{commands, containers};
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::collections::HashMap;

/// Tasks of one pipeline.
const MOST_JOBS: usize = 2_000;
/// Needs that are written out one by one.
const MOST_NEEDS: usize = 100_000;

/// The `spec` of a Pipeline or Task, and the file it lies in.
#[derive(Clone, Copy)]
pub(super) struct Spec<'t> {
    pub node: Node<'t>,
    pub path: &'t str,
}

/// Jobs, the tasks that they are made of, and whether all was found.
pub(super) type End = (Vec<Job>, Vec<Span>, bool);

type Given<'t> = Vec<(&'t str, Node<'t>, Vec<String>)>;

/// The jobs of one pipeline in the making.
pub(super) struct Line<'l, 'o, 't> {
    library: &'l Library<'o, 't>,
    path: &'l str,
    outer: &'l Values,
    jobs: Vec<Job>,
    tasks: Vec<Span>,
    complete: bool,
}

impl<'l, 'o, 't> Line<'l, 'o, 't> {
    pub(super) fn new(library: &'l Library<'o, 't>, path: &'l str, outer: &'l Values) -> Line<'l, 'o, 't> {
        Line { library, path, outer, jobs: Vec::new(), tasks: Vec::new(), complete: true }
    }

    pub(super) fn end(self) -> End {
        (self.jobs, self.tasks, self.complete)
    }

    /// All tasks of a Pipeline, in their order.
    pub(super) fn tasks_of(&mut self, spec: Node<'t>) {
        let items = |key: &str| {
            let list = spec.get(key).into_iter().flat_map(|t| t.items());
            list.filter(|t| t.kind() == Kind::Mapping).take(MOST_JOBS).collect::<Vec<_>>()
        };
        let (tasks, last) = (items("tasks"), items("finally"));
        for task in tasks.iter().chain(&last) {
            let job = self.job(*task);
            self.jobs.push(job);
        }
        let index: HashMap<String, usize> =
            self.jobs.iter().take(tasks.len()).enumerate().map(|(i, j)| (j.id.clone(), i)).collect();
        let mut followed = vec![false; tasks.len()];
        for (at, task) in tasks.iter().enumerate() {
            let needs = self.needs(*task, &index);
            needs.iter().filter_map(|n| n.job).for_each(|n| followed[n as usize] = true);
            self.jobs[at].needs = needs;
        }
        let open: Vec<usize> = (0..tasks.len()).filter(|&at| !followed[at]).collect();
        for (at, task) in last.iter().enumerate() {
            let job = &mut self.jobs[tasks.len() + at];
            job.condition = Some(at_last(*task, job.condition.take(), job.place));
            let place = job.place;
            let needs: Vec<Need> = open
                .iter()
                .take(MOST_NEEDS / last.len().max(1))
                .map(|&before| need(before, self.jobs[before].id.clone(), place, false))
                .collect();
            self.jobs[tasks.len() + at].needs = needs;
        }
    }

    /// What a task waits for: those that `runAfter` names, and those whose results it reads. A task that is guarded
    /// away is waited for by its readers only.
    /// <https://tekton.dev/docs/pipelines/pipelines/#guarding-a-task-only>
    fn needs(&self, task: Node<'t>, index: &HashMap<String, usize>) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        for name in task.get("runAfter").into_iter().flat_map(|r| r.one_or_more()).filter_map(|n| n.spanned())
        {
            let job = index.get(&name.value).copied();
            let guarded = job.is_some_and(|j| self.jobs[j].condition.is_some());
            needs.push(Need {
                job: job.and_then(|j| u32::try_from(j).ok()),
                ..need(0, name.value, name.span, guarded)
            });
        }
        for leaf in task.leaves() {
            let Some(text) = leaf.node.as_str().filter(|t| t.contains("$(tasks.")) else { continue };
            for (_, name) in placeholders(text) {
                let Some(of) = name.strip_prefix("tasks.").and_then(|n| n.split_once('.')) else { continue };
                let Some(&job) = index.get(of.0).filter(|_| of.1.starts_with("results")) else { continue };
                if !needs.iter().any(|n| n.job == Some(job as u32) && !n.order_only) {
                    needs.push(need(job, of.0.to_owned(), leaf.node.span(), false));
                }
            }
        }
        needs
    }

    fn job(&mut self, task: Node<'t>) -> Job {
        let name = task.get("name").and_then(|n| n.spanned());
        let id = name.as_ref().map_or_else(|| format!("#{}", self.jobs.len()), |n| n.value.clone());
        let shown = task.get("displayName").and_then(|n| n.as_str()).unwrap_or(&id).to_owned();
        let mut job = Job::new(name.map_or(task.span(), |n| n.span), task.span(), id, shown);
        let mut given = params::given(task.get("params"), self.outer);
        for (name, value, all) in params::given(task.at(&["matrix", "params"]), self.outer) {
            job.matrix.extend(all.iter().map(|v| format!("{name}={v}")));
            job.dimensions.push((name.to_owned(), all.clone()));
            given.push((name, value, all));
        }
        job.condition = condition(task, self.outer);
        if let Some(how) = task.get("onError").filter(|n| n.as_str() == Some("continue")) {
            let place = task.key("onError").map_or(how.span(), |k| k.span().join(how.span()));
            job.tolerated = Some(Tolerance { place, how: How::Key, applies: Value::Known(true) });
        }
        job.timeout_minutes = task.get("timeout").and_then(|t| minutes(t.as_str()?));
        match task.get("taskSpec") {
            Some(spec) => self.fill(&mut job, Spec { node: spec, path: "" }, &given),
            None => self.referred(&mut job, task.get("taskRef").or(task.get("pipelineRef")), &given),
        }
        job
    }

    /// A TaskRun as the one job of its pipeline.
    pub(super) fn task_run(&mut self, run: &Run<'t>, spec: Node<'t>, given: &Given<'t>) {
        let mut job = Job::new(run.place, spec.span(), run.name.clone(), run.name.clone());
        match spec.get("taskSpec") {
            Some(spec) => self.fill(&mut job, Spec { node: spec, path: "" }, given),
            None => self.referred(&mut job, spec.get("taskRef"), given),
        }
        self.jobs.push(job);
    }

    /// A Task by itself.
    pub(super) fn bundle(&mut self, object: &Object<'t>, spec: Node<'t>) {
        let name = object.name().to_owned();
        let mut job = Job::new(object.place(), object.node.span(), name.clone(), name);
        self.fill(&mut job, Spec { node: spec, path: object.path }, &Vec::new());
        self.jobs.push(job);
    }

    /// A Pipeline that lies elsewhere, as one job that calls it.
    pub(super) fn outside(&mut self, run: &Run<'t>, reference: Option<Node<'t>>, given: &Given<'t>) {
        let mut job = Job::new(run.place, run.node.span(), run.name.clone(), run.name.clone());
        let mut call = self.reference(reference, run.place, given);
        call.unresolved = Some("the Pipeline lies outside the repository".to_owned());
        job.calls = Some(call);
        self.complete = false;
        self.jobs.push(job);
    }

    /// A task that is named: one of this repository, one that asks a person, or one from elsewhere.
    fn referred(&mut self, job: &mut Job, reference: Option<Node<'t>>, given: &Given<'t>) {
        let text = |key: &str| reference.and_then(|r| r.get(key)).and_then(|n| n.as_str());
        if text("kind").is_some_and(|k| k.contains("Approval")) {
            let place = reference.map_or(job.place, |r| r.span());
            let what = text("kind").unwrap_or("ApprovalTask").to_owned();
            job.gates.push(Gate { place, gate: GateKind::Blocking, what });
            return;
        }
        let used = self.reference(reference, job.place, given);
        let name = used.name.strip_prefix("tekton/").unwrap_or("").to_owned();
        let custom = text("apiVersion").is_some_and(|v| !v.starts_with("tekton.dev/"));
        let nested = text("kind") == Some("Pipeline");
        let found = self.library.find("Task", &name, self.path).filter(|_| !custom && !nested);
        if let Some(object) = found {
            self.tasks.push(object.place());
            if let Some(spec) = object.node.get("spec") {
                self.fill(job, Spec { node: spec, path: object.path }, given);
            }
        } else if Uses::builtin().tool(&used.name).is_some() {
            job.steps.push(Step { uses: Some(used.clone()), ..Step::new(used.place, name) });
        } else {
            self.complete = false;
            let why = if custom { "a custom task" } else { "the task lies outside the repository" };
            job.calls = Some(Use { unresolved: Some(why.to_owned()), sort: UseKind::Workflow, ..used });
        }
    }

    /// A reference to a task or pipeline as a building block with its parameters.
    fn reference(&self, reference: Option<Node<'t>>, place: Span, given: &Given<'t>) -> Use {
        let resolver = reference.and_then(|r| r.get("params")).into_iter().flat_map(|p| p.items());
        let asked: Vec<(&str, Node<'t>)> =
            resolver.filter_map(|p| Some((p.get("name")?.as_str()?, p.get("value")?))).collect();
        let of_resolver = |name: &str| asked.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
        let plain = reference.and_then(|r| r.get("name"));
        let file = of_resolver("pathInRepo").or(of_resolver("url")).and_then(|n| n.as_str());
        let of_file = file.map(|f| f.rsplit('/').next().unwrap_or(f).trim_end_matches(".yaml").to_owned());
        let name = plain.or(of_resolver("name")).and_then(|n| n.as_str()).map(str::to_owned).or(of_file);
        let name = name.unwrap_or_else(|| "unknown".to_owned());
        let version = ["version", "revision", "bundle"].iter().find_map(|key| of_resolver(key));
        let version = version.or(reference.and_then(|r| r.get("bundle"))).and_then(|n| n.spanned());
        Use {
            place: plain.or(reference).map_or(place, |n| n.span()),
            sort: UseKind::Action,
            name: format!("tekton/{name}"),
            version: version.map(|v| Spanned::new(digest(&v.value), v.span)),
            local: false,
            inputs: given
                .iter()
                .map(|(name, value, all)| Argument {
                    name: Spanned::new((*name).to_owned(), value.span()),
                    value: Spanned::new(containers::one_of(all.clone()), value.span()),
                })
                .collect(),
            unresolved: None,
        }
    }

    /// Gives a job the steps of a task.
    fn fill(&mut self, job: &mut Job, spec: Spec<'t>, given: &Given<'t>) {
        let mut values = Values::default();
        params::defaults(spec.node.get("params").or(spec.node.at(&["inputs", "params"])), &mut values);
        for (name, _, all) in given {
            values.set(&params::key(name), all.clone());
        }
        job.settings = settings(spec.node.get("params"), &values);
        let template = spec.node.get("stepTemplate");
        for step in spec.node.get("steps").into_iter().flat_map(|s| s.items()).take(500) {
            let step = self.step(step, template, &values, spec);
            job.images.extend(step.uses.clone());
            job.secrets.extend(step.secrets.iter().cloned());
            job.steps.push(step);
        }
        for sidecar in spec.node.get("sidecars").into_iter().flat_map(|s| s.items()) {
            let image = sidecar.get("image").and_then(|n| Some(image(n.as_str()?, n.span(), &values)));
            job.images.extend(image);
        }
        let volumes = spec.node.get("volumes").into_iter().flat_map(|v| v.items());
        let mounted = volumes.filter_map(|v| v.at(&["secret", "secretName"]));
        job.secrets.extend(
            mounted.filter_map(|n| Some(SecretUse { name: n.as_str()?.to_owned(), place: n.span() })),
        );
    }

    fn step(&mut self, node: Node<'t>, template: Option<Node<'t>>, values: &Values, spec: Spec<'t>) -> Step {
        let mut own = values.clone();
        let mut body = node;
        if let Some(action) = node.at(&["ref", "name"]).and_then(|n| n.as_str()) {
            let path = if spec.path.is_empty() { self.path } else { spec.path };
            if let Some(found) =
                self.library.find("StepAction", action, path).and_then(|o| o.node.get("spec"))
            {
                params::defaults(found.get("params"), &mut own);
                for (name, _, all) in params::given(node.get("params"), values) {
                    own.set(&params::key(name), all);
                }
                body = found;
            }
        }
        let known = |text: &str| own.expand(text, placeholders);
        let reading = containers::Reading { known: &known, find: placeholders };
        let commands = match body.get("script") {
            Some(script) => containers::script(script, "/bin/sh -e", reading),
            None => containers::commands(body, reading),
        };
        let name = node.get("name").and_then(|n| n.as_str());
        let derived = commands.first().map_or_else(String::new, |c| c.line.clone());
        let image_node = body.get("image").or(template.and_then(|t| t.get("image")));
        let mut settings = template.map(|t| containers::settings(t, reading)).unwrap_or_default();
        settings.extend(containers::settings(body, reading));
        let mut secrets = template.map(containers::secrets).unwrap_or_default();
        secrets.extend(containers::secrets(body));
        let tolerated =
            node.key("onError").zip(node.get("onError")).filter(|(_, v)| v.as_str() == Some("continue"));
        Step {
            named: name.is_some(),
            uses: image_node.and_then(|n| Some(image(n.as_str()?, n.span(), &own))),
            commands,
            condition: condition(node, values),
            tolerated: tolerated.map(|(key, value)| Tolerance {
                place: key.span().join(value.span()),
                how: How::Key,
                applies: Value::Known(true),
            }),
            settings,
            secrets,
            folder: body.get("workingDir").and_then(|n| folder(n.as_str()?)),
            id: name.map(str::to_owned),
            ..Step::new(node.span(), name.map_or(derived, str::to_owned))
        }
    }
}

fn need(job: usize, name: String, place: Span, order_only: bool) -> Need {
    Need { place, job: u32::try_from(job).ok(), name, optional: false, order_only }
}

/// Parameters as variables of that name.
pub(super) fn settings(declared: Option<Node<'_>>, values: &Values) -> Vec<Setting> {
    let params = declared.into_iter().flat_map(|p| p.items());
    params
        .filter_map(|param| {
            let name = param.get("name")?;
            let key = params::key(name.as_str()?);
            let (_, all) = values.iter().find(|(n, all)| *n == key && !all.is_empty())?;
            let place = param.get("default").map_or(name.span(), |d| d.span());
            Some(Setting {
                place,
                path: key.clone(),
                key,
                setting: containers::one_of(all.to_vec()),
                source: SettingSource::Pipeline,
                target: None,
                key_place: name.span(),
            })
        })
        .collect()
}

/// An image with the parameters put in.
fn image(written: &str, place: Span, values: &Values) -> Use {
    let all = values.expand(written, placeholders);
    let reference = if let [one] = all.as_slice() { one } else { written };
    commands::image_use(reference, place)
}

/// A bundle's tag or digest; a version or revision as it is.
fn digest(version: &str) -> String {
    match version.split_once('@') {
        Some((_, digest)) => digest.to_owned(),
        None if version.contains('/') => commands::split_image(version).1.unwrap_or_default(),
        None => version.to_owned(),
    }
}

/// The folder of the source that a step works in.
fn folder(written: &str) -> Option<String> {
    let rest =
        written.strip_prefix("$(workspaces.").and_then(|r| r.split_once(".path)")).map(|(_, rest)| rest);
    let rest =
        rest.or(written.strip_prefix("/workspace/").map(|r| r.split_once('/').map_or("", |(_, r)| r)))?;
    let rest = rest.trim_matches('/');
    (!rest.is_empty() && !rest.contains("$(")).then(|| rest.to_owned())
}

/// `when`: all of its expressions must hold.
fn condition(node: Node<'_>, values: &Values) -> Option<Condition> {
    let expressions: Vec<Node<'_>> = node.get("when")?.items().collect();
    let place = node.key("when").map_or(node.span(), |k| k.span());
    let place = expressions.last().map_or(place, |e| place.join(e.span()));
    let mut texts = Vec::new();
    let mut found = Condition::new(place, String::new());
    for expression in &expressions {
        let text = |key: &str| expression.get(key).and_then(|n| n.as_str()).unwrap_or("");
        if let Some(cel) = expression.get("cel").and_then(|n| n.as_str()) {
            texts.push(cel.to_owned());
            found.never |= cel.trim() == "false";
            continue;
        }
        let list = expression.get("values").into_iter().flat_map(|v| v.one_or_more());
        let listed: Vec<&str> = list.filter_map(|v| v.as_str()).collect();
        let (input, operator) = (text("input"), text("operator").to_ascii_lowercase());
        texts.push(format!("{input} {operator} [{}]", listed.join(", ")));
        let expanded = values.expand(input, placeholders);
        // Only what no run can change is never true.
        let fixed = !input.contains("$(") && !listed.iter().any(|v| v.contains("$("));
        let holds = listed.contains(&input) == (operator == "in");
        found.never |= fixed && !holds && !listed.is_empty();
        let lower = input.to_ascii_lowercase();
        if operator == "in"
            && (lower.contains("branch") || lower.contains("git-ref") || lower.contains("git_ref"))
        {
            let names = listed.iter().map(|v| v.strip_prefix("refs/heads/").unwrap_or(v).to_owned());
            found.branches.extend(names);
        }
        if operator == "in" && (lower.contains("event") || expanded.iter().any(|e| e.contains("event_type")))
        {
            found.events.extend(listed.iter().map(|v| v.replace('_', "-")));
        }
    }
    found.text = texts.join(" and ");
    Some(found)
}

/// When a task of `finally` runs: after all others, however they ended, unless its own condition asks.
fn at_last(task: Node<'_>, own: Option<Condition>, place: Span) -> Condition {
    let Some(mut own) = own else {
        return Condition { always: true, ..Condition::new(place, "finally".to_owned()) };
    };
    let asks = |word: &str| {
        task.get("when").into_iter().flat_map(|w| w.items()).any(|e| {
            let input = e.get("input").or(e.get("cel")).and_then(|n| n.as_str()).unwrap_or("");
            let mut listed =
                e.get("values").into_iter().flat_map(|v| v.one_or_more()).filter_map(|v| v.as_str());
            let cel = e.get("cel").is_some() && input.contains(word) && !input.contains("!=");
            input.contains("tasks.")
                && input.contains("status")
                && (cel || listed.any(|v| v == word))
                && e.get("operator").is_none_or(|o| o.as_str().is_some_and(|o| o.eq_ignore_ascii_case("in")))
        })
    };
    own.on_failure = asks("Failed") && !asks("Succeeded") && !asks("Completed");
    own.always = !own.on_failure && !asks("Succeeded") && !asks("Completed");
    own
}

/// Minutes of a duration, `1h30m0s`.
fn minutes(text: &str) -> Option<u32> {
    let (mut total, mut number) = (0.0f64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() || c == '.' {
            number.push(c);
            continue;
        }
        let value: f64 = number.parse().ok()?;
        number.clear();
        total += match c {
            'h' => value * 60.0,
            'm' => value,
            's' => value / 60.0,
            _ => return None,
        };
    }
    (number.is_empty() && (0.0..1e9).contains(&total)).then(|| total.ceil() as u32)
}
