//! Workflows: which jobs run, in which order, when.
//! <https://circleci.com/docs/configuration-reference/#workflows>

use super::Reading;
use super::condition::{Limits, filters, holds, limits};
use super::parameters::Scope;
use super::step::shown;
use crate::facts::*;
use crate::readers::matrix;
use crate::syntax::cron::Schedule;
use crate::syntax::tree::{Kind, Node};
use crate::text::Spanned;
use std::collections::HashMap;
use std::rc::Rc;

/// Keys of a workflow's entry that are no parameters of its job.
pub(super) const RESERVED: [&str; 12] = [
    "requires",
    "name",
    "context",
    "filters",
    "type",
    "matrix",
    "pre-steps",
    "post-steps",
    "serial-group",
    "override-with",
    "max_auto_reruns",
    "auto_rerun_delay",
];

/// Combinations of a matrix whose names are listed.
const MOST_NAMES: usize = 64;

/// What a workflow depends on as a whole.
struct Guard {
    condition: Option<Condition>,
    limits: Limits,
    /// It runs only if whoever starts it by hand says so.
    asked: bool,
}

/// A job's name and settings, and the group that brings it with the settings of that.
type Member<'t> = (Node<'t>, Option<Node<'t>>, Option<(String, Option<Node<'t>>)>);

/// A job of a workflow before its needs are known.
struct Entry<'t> {
    body: Option<Node<'t>>,
    scope: Rc<Scope<'t>>,
}

impl<'t> Reading<'t, '_> {
    pub(super) fn workflow(&self, name: Node<'t>, body: Node<'t>) -> Option<Pipeline> {
        let label = name.as_str()?.to_owned();
        let guard = self.guard(body);
        let mut jobs = Vec::new();
        let mut entries = Vec::new();
        let mut index: HashMap<String, Vec<u32>> = HashMap::new();
        for item in body.get("jobs").into_iter().flat_map(|j| j.one_or_more()) {
            let items: Vec<(Node<'t>, Option<Node<'t>>)> = match item.kind() {
                Kind::Mapping => {
                    let all = item.merged_entries();
                    // `- build:` whose own keys are not indented below it.
                    let flat = all.len() > 1 && all[0].1.is_null() && item.get("requires").is_some();
                    let body = |v: Node<'t>| Some(v).filter(|v| v.kind() == Kind::Mapping);
                    match flat {
                        true => vec![(all[0].0, Some(item))],
                        false => all.into_iter().map(|(k, v)| (k, body(v))).collect(),
                    }
                }
                _ => vec![(item, None)],
            };
            for (key, body, group) in items.into_iter().flat_map(|(key, body)| self.members(key, body)) {
                let Some(left) = self.jobs_left.get().checked_sub(1) else {
                    self.gap("its workflows have more jobs than are read".into());
                    break;
                };
                self.jobs_left.set(left);
                let Some(written) = key.as_str() else { continue };
                let (job, entry, names) = self.entry(key, written, body);
                for name in names {
                    let all = index.entry(name).or_default();
                    // Of several jobs of one name the first is meant.
                    if all.is_empty() {
                        all.push(jobs.len() as u32);
                    }
                }
                let around = match &group {
                    Some((name, body)) => {
                        index.entry(name.clone()).or_default().push(jobs.len() as u32);
                        let own = entry.body.is_some_and(|b| b.key("requires").is_some());
                        body.filter(|_| !own).or(entry.body)
                    }
                    None => entry.body,
                };
                jobs.push(job);
                entries.push(Entry { body: around, ..entry });
            }
        }
        for (job, entry) in jobs.iter_mut().zip(&entries) {
            self.order(job, entry, &index, &guard);
        }
        let mut pipeline = self.pipeline(name, label);
        pipeline.triggers = self.triggers(name, body, &guard, &entries);
        pipeline.complete = !jobs.iter().any(|j: &Job| j.calls.is_some());
        pipeline.jobs = jobs;
        Some(pipeline)
    }

    /// The jobs of an entry: itself, or those of the group that it names.
    /// <https://circleci.com/docs/reference/configuration-reference/#job-groups>
    fn members(&self, key: Node<'t>, body: Option<Node<'t>>) -> Vec<Member<'t>> {
        let groups = self.space.node.get("job-groups");
        let group = key.as_str().and_then(|name| Some((name, groups?.get(name)?.get("jobs")?)));
        let Some((name, jobs)) = group else { return vec![(key, body, None)] };
        let inner = jobs.one_or_more().take(1_000).flat_map(|item| match item.kind() {
            Kind::Mapping => item.merged_entries(),
            _ => vec![(item, item)],
        });
        let own = |v: Node<'t>| Some(v).filter(|v| v.kind() == Kind::Mapping);
        inner.map(|(key, value)| (key, own(value), Some((name.to_owned(), body)))).collect()
    }

    /// The job `build` of a file without workflows.
    pub(super) fn lone_job(&self, name: Node<'t>) -> Pipeline {
        let mut pipeline = self.pipeline(name, self.path.to_owned());
        pipeline.jobs = vec![self.job(name, "build", None, Vec::new(), &self.outermost)];
        pipeline.triggers = vec![Trigger::new(TriggerKind::Push, "push", name.span())];
        pipeline
    }

    /// `when` and `unless` of a workflow.
    fn guard(&self, body: Node<'t>) -> Guard {
        let mut guard = Guard { condition: None, limits: Limits::default(), asked: false };
        for word in ["when", "unless"] {
            let Some(node) = body.get(word) else { continue };
            let wanted = word == "when";
            let judged = holds(node, &self.outermost, false, 0).map(|v| v == wanted);
            if judged == Some(true) {
                continue;
            }
            guard.asked |=
                judged.is_none() && holds(node, &self.outermost, true, 0).is_some_and(|v| v != wanted);
            let mut condition = Condition::new(node.span(), shown(word, node));
            condition.never = judged == Some(false);
            if wanted {
                guard.limits = limits(node, &self.outermost, 0);
                condition.branches = guard.limits.branches.clone().unwrap_or_default();
                condition.events = guard.limits.events.clone().unwrap_or_default();
            }
            guard.condition = Some(condition);
        }
        guard
    }

    /// A job of the workflow, and the names by which others may require it.
    fn entry(&self, key: Node<'t>, written: &str, body: Option<Node<'t>>) -> (Job, Entry<'t>, Vec<String>) {
        let get = |key: &str| body.and_then(|b| b.get(key));
        let mut scope = self.outermost.bare();
        let dimensions = get("matrix").map(|m| dimensions(m, &self.outermost)).unwrap_or_default();
        for (name, values) in &dimensions {
            scope.choose(name, values.clone());
        }
        let scope = Rc::new(scope);
        let name = scope.fill(written);
        let entry = Entry { body, scope: scope.clone() };
        let kind = get("type").or_else(|| {
            let definition = self.space.node.get("jobs")?.get(&name)?;
            definition.get("type")
        });
        let mut names = Vec::new();
        let mut job = match kind.and_then(|k| k.as_str()) {
            // Nothing that requires it goes on until a person approves it.
            Some("approval") => {
                let place = key.span();
                let id = get("name").and_then(|n| n.as_str()).map_or(name.clone(), |n| scope.fill(n));
                let mut job = Job::new(place, body.map_or(place, |b| place.join(b.span())), id.clone(), id);
                let what = body.and_then(|b| super::step::entry(b, "type")).unwrap_or(place);
                job.gates.push(Gate { place: what, gate: GateKind::Blocking, what: "type: approval".into() });
                job
            }
            Some("no-op" | "lock" | "unlock" | "release") => {
                let id = get("name").and_then(|n| n.as_str()).map_or(name.clone(), |n| scope.fill(n));
                Job::new(key.span(), key.span(), id.clone(), id)
            }
            _ => {
                names = combinations(&dimensions, &name, get("name").and_then(|n| n.as_str()), &scope);
                self.job(key, &name, body, dimensions, &scope)
            }
        };
        if let Some(alias) = get("matrix").and_then(|m| m.get("alias")).and_then(|a| a.as_str()) {
            names.push(alias.to_owned());
        }
        names.extend([job.id.clone(), name]);
        job.lock = get("serial-group").and_then(|s| s.spanned()).map(|s| s.map(|s| scope.fill(&s)));
        let contexts = get("context").into_iter().flat_map(|c| c.one_or_more());
        // A context is a set of secrets that only jobs which name it have.
        let contexts = contexts.filter_map(|c| {
            Some(SecretUse { name: scope.fill(c.as_str()?), place: c.span() }).filter(|c| !c.name.is_empty())
        });
        job.secrets.splice(0..0, contexts.collect::<Vec<_>>());
        (job, entry, names)
    }

    /// What a job waits for, and when it runs.
    fn order(&self, job: &mut Job, entry: &Entry<'t>, index: &HashMap<String, Vec<u32>>, guard: &Guard) {
        let get = |key: &str| entry.body.and_then(|b| b.get(key));
        let mut failed = None;
        for item in get("requires").into_iter().flat_map(|r| r.one_or_more()) {
            // `- job: [failed, canceled]` asks for other ends than success.
            let (named, statuses) = match item.kind() {
                Kind::Mapping => match item.entries().next() {
                    Some((job, statuses)) => (job, Some(statuses)),
                    None => continue,
                },
                _ => (item, None),
            };
            let Some(written) = named.as_str() else { continue };
            let name = entry.scope.fill(written);
            let need = |job| Need {
                place: named.span(),
                job,
                name: name.clone(),
                optional: false,
                order_only: false,
            };
            match index.get(&name) {
                Some(all) => job.needs.extend(all.iter().map(|&j| need(Some(j)))),
                None => job.needs.push(need(None)),
            }
            let statuses: Vec<&str> =
                statuses.into_iter().flat_map(|s| s.one_or_more()).filter_map(|s| s.as_str()).collect();
            if statuses.iter().any(|s| *s != "success") {
                let after_success = statuses.iter().any(|s| matches!(*s, "success" | "terminal"));
                let text = format!("requires: {written}: {}", statuses.join(", "));
                let mut condition = Condition::new(item.span(), text);
                condition.always = after_success;
                condition.on_failure = !after_success && statuses.contains(&"failed");
                failed = Some(condition);
            }
        }
        let mut condition = guard.condition.clone();
        if let Some(node) = get("filters").filter(|f| !f.is_null()) {
            let (limits, text) = filters(node, &entry.scope);
            let place = entry.body.and_then(|b| super::step::entry(b, "filters")).unwrap_or(node.span());
            if !text.is_empty() {
                let mut own = Condition::new(place, text);
                own.never = limits.never || condition.as_ref().is_some_and(|c| c.never);
                let around = condition.take();
                own.branches =
                    limits.branches.or(around.as_ref().map(|c| c.branches.clone())).unwrap_or_default();
                own.events = limits.events.or(around.map(|c| c.events)).unwrap_or_default();
                condition = Some(own);
            }
        }
        job.condition = match (failed, condition) {
            (Some(failed), Some(other)) => Some(Condition {
                branches: other.branches,
                events: other.events,
                never: other.never,
                text: format!("{}; {}", failed.text, other.text),
                ..failed
            }),
            (failed, other) => failed.or(other),
        };
    }

    /// A schedule if there is one; else pushes, or whoever sets the parameters that the workflow asks for.
    fn triggers(&self, name: Node<'t>, body: Node<'t>, guard: &Guard, entries: &[Entry<'t>]) -> Vec<Trigger> {
        let mut found = Vec::new();
        for item in body.get("triggers").into_iter().flat_map(|t| t.one_or_more()) {
            let Some(schedule) = item.get("schedule") else { continue };
            let Some(cron) = schedule.get("cron").and_then(|c| c.spanned()) else { continue };
            let mut next = Trigger::new(TriggerKind::Schedule, "schedule", cron.span);
            next.fires = Schedule::parse(&cron.value).map(|s| s.hours_of_the_week()).unwrap_or_default();
            next.branches = branches(schedule, &self.outermost);
            next.cron = Some(cron);
            found.push(next);
        }
        if !found.is_empty() {
            return found;
        }
        let place = name.span();
        let spot = guard.condition.as_ref().map_or(place, |c| c.place);
        let events = guard.limits.events.clone().unwrap_or_default();
        let branches: Vec<Spanned<String>> =
            guard.limits.branches.iter().flatten().map(|b| Spanned::new(b.clone(), spot)).collect();
        let scheduled = events.iter().any(|e| e == "scheduled_pipeline");
        if scheduled {
            let mut next = Trigger::new(TriggerKind::Schedule, "scheduled_pipeline", spot);
            next.branches = branches.clone();
            found.push(next);
        }
        let inputs = inputs(self.root);
        if guard.asked || events.iter().any(|e| e == "api") {
            let mut next = Trigger::new(TriggerKind::Manual, "api", spot);
            next.inputs = inputs;
            found.push(next);
        }
        let tagged = events.iter().any(|e| e == "tag");
        let pushed = events.is_empty() && !guard.asked || events.iter().any(|e| e == "webhook");
        let filtered = || {
            entries.iter().filter_map(|e| {
                let node = e.body?.get("filters").filter(|f| !f.is_null())?;
                Some((filters(node, &e.scope).0, node))
            })
        };
        // If every job is for tags alone, no push of a branch starts anything.
        let only_tags = !entries.is_empty()
            && filtered().count() == entries.len()
            && filtered().all(|(l, _)| l.events.is_some() && !l.never);
        if pushed && !only_tags {
            let mut next = Trigger::new(TriggerKind::Push, "push", place);
            next.branches = branches;
            found.push(next);
        }
        let tag = filtered().find(|(l, _)| !l.never && (!l.tags.is_empty() || l.events.is_some()));
        if let Some((limits, node)) = tag.filter(|_| tagged || pushed) {
            let mut next = Trigger::new(TriggerKind::Tag, "tag", node.span());
            next.tags = limits.tags.iter().map(|t| Spanned::new(t.clone(), node.span())).collect();
            found.push(next);
        } else if tagged {
            found.push(Trigger::new(TriggerKind::Tag, "tag", spot));
        }
        found
    }
}

/// Branches that a schedule runs on.
fn branches<'t>(schedule: Node<'t>, scope: &Rc<Scope<'t>>) -> Vec<Spanned<String>> {
    let only = schedule.at(&["filters", "branches", "only"]).into_iter().flat_map(|o| o.one_or_more());
    only.filter_map(|n| Some(Spanned::new(super::condition::plain(&scope.fill(n.as_str()?)), n.span())))
        .collect()
}

/// Parameters of the pipeline.
fn inputs(root: Node<'_>) -> Vec<Input> {
    let declared = root.get("parameters").map(|p| p.merged_entries()).unwrap_or_default();
    let read = declared.into_iter().filter_map(|(key, body)| {
        let text = |key: &str| body.get(key).and_then(|n| n.as_str()).map(str::to_owned);
        let options: Vec<Spanned<String>> =
            body.get("enum").into_iter().flat_map(|e| e.items()).filter_map(|e| e.spanned()).collect();
        Some(Input {
            place: key.span(),
            name: key.as_str()?.to_owned(),
            input: if options.is_empty() { text("type") } else { Some("choice".into()) },
            options,
            default: text("default"),
            description: text("description"),
        })
    });
    read.collect()
}

/// `matrix: parameters:` with all values.
fn dimensions<'t>(matrix: Node<'t>, scope: &Scope<'t>) -> Vec<(String, Vec<String>)> {
    let parameters = matrix.get("parameters").map(|p| p.merged_entries()).unwrap_or_default();
    let read = parameters.into_iter().filter_map(|(key, values)| {
        let texts = values.one_or_more().filter_map(|v| Some(scope.fill(v.as_str()?)));
        Some((key.as_str()?.to_owned(), texts.take(256).collect::<Vec<_>>()))
    });
    let all = read.filter(|(_, values)| !values.is_empty()).collect();
    matrix::without(all, &matrix::rows(matrix.get("exclude")))
}

/// The names that the jobs of a matrix have: `name` filled in, or the job's name and its values.
fn combinations(
    dimensions: &[(String, Vec<String>)],
    job: &str,
    name: Option<&str>,
    scope: &Scope<'_>,
) -> Vec<String> {
    if dimensions.is_empty() {
        return Vec::new();
    }
    let mut rows: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (key, values) in dimensions {
        rows = rows
            .iter()
            .flat_map(|row| {
                values.iter().map(move |v| {
                    let mut row = row.clone();
                    row.push((key, v));
                    row
                })
            })
            .take(MOST_NAMES)
            .collect();
    }
    let named = |row: &Vec<(&str, &str)>| match name {
        Some(name) => {
            let filled = scope.fill(name);
            row.iter().fold(filled, |t, (k, v)| t.replace(&format!("${{{}}}", k.replace(['-', '.'], "_")), v))
        }
        None => {
            let values: Vec<&str> = row.iter().map(|(_, v)| *v).collect();
            format!("{job}-{}", values.join("-"))
        }
    };
    rows.iter().map(named).collect()
}
