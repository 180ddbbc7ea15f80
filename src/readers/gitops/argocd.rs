//! Argo CD: Applications, what generates them, and the order in which they are synced.
//! <https://argo-cd.readthedocs.io/en/stable/>

use super::application::{Application, application};
use super::generator::{Filling, fillings};
use super::{Around, MOST_JOBS, MOST_NEEDS, block, hooks, job, need, on_failure, pipeline};
use crate::facts::*;
use crate::readers::kubernetes::Object;
use crate::syntax::tree::Node;
use crate::text::Span;
use std::collections::BTreeMap;

/// The setting by which a parent sees whether an Application is healthy. Without it, a wave does not wait for the
/// Applications of the wave before, since Argo CD 1.8.
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#argocd-app>
pub(super) const HEALTH: &str = "health.argoproj.io_Application";

/// The pipelines of all objects of Argo CD.
pub(super) fn pipelines(around: &Around<'_, '_>) -> Vec<Pipeline> {
    let of_kind = |kind: &'static str| {
        around.objects.iter().filter(move |o| o.group == "argoproj.io" && o.kind == kind)
    };
    let mut all: Vec<(&Object<'_>, Application)> = of_kind("Application")
        .filter_map(|o| Some((o, application(o, o.node, &Filling::default(), around, false)?)))
        .take(MOST_JOBS)
        .collect();
    let parents = parents(&all);
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (child, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children.entry(*parent).or_default().push(child);
        }
    }
    // Those that no other brings out stand for themselves, a pipeline for each file.
    let mut alone: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (object, _)) in all.iter().enumerate() {
        if parents[index].is_none() && !children.contains_key(&index) {
            alone.entry(object.path).or_default().push(index);
        }
    }
    let restored = around.restored || restores(around.objects);
    let mut taken: Vec<Option<(&Object<'_>, Application)>> = all.drain(..).map(Some).collect();
    let mut found = Vec::new();
    for (parent, members) in &children {
        let members: Vec<Application> = members
            .iter()
            .filter(|child| !children.contains_key(child))
            .filter_map(|&child| Some(taken[child].take()?.1))
            .collect();
        let Some((object, parent)) = taken[*parent].take() else { continue };
        found.push(app_of_apps(object, parent, members, around, restored));
    }
    for (path, members) in alone {
        let members: Vec<(&Object<'_>, Application)> =
            members.into_iter().filter_map(|i| taken[i].take()).collect();
        let Some((first, _)) = members.first() else { continue };
        let name = if members.len() == 1 { first.name() } else { path };
        let place = first.place();
        let mut line = Line::default();
        members.into_iter().for_each(|(_, member)| drop(line.add(member, around.objects)));
        found.push(line.pipeline(name.to_owned(), place));
    }
    found.extend(of_kind("ApplicationSet").filter_map(|set| of_set(set, around)));
    found
}

/// Jobs and triggers in the making.
#[derive(Default)]
struct Line {
    jobs: Vec<Job>,
    triggers: Vec<Trigger>,
    needs: usize,
    incomplete: bool,
}

impl Line {
    /// Adds an Application with its hooks. Returns where it begins and where it ends.
    fn add(&mut self, added: Application, objects: &[Object<'_>]) -> (Vec<usize>, Vec<usize>) {
        if self.jobs.len() >= MOST_JOBS {
            self.incomplete = true;
            return Default::default();
        }
        self.triggers.push(added.deploy.trigger.clone());
        let (id, target) = (added.deploy.job.id.clone(), added.deploy.job.target.clone());
        let (starts, ends) = hooks::place(added.deploy, objects, &mut self.jobs);
        for (place, failed) in added.tells.into_iter().take(20) {
            let mut tell = job(
                format!("{id} notification"),
                place,
                place,
                block("argo-cd/notification", place, Vec::new()),
            );
            tell.target = target.clone();
            tell.needs = ends.iter().map(|&end| need(end, &self.jobs, place, false)).collect();
            tell.condition = failed.then(|| on_failure(place, "on-sync-failed"));
            self.jobs.push(tell);
        }
        (starts, ends)
    }

    /// Lets each of `starts` wait for all of `before`.
    fn wait(&mut self, starts: &[usize], before: &[usize], place: Span, order_only: bool) {
        for &start in starts {
            self.needs += before.len();
            if self.needs > MOST_NEEDS {
                self.incomplete = true;
                return;
            }
            let new: Vec<Need> = before.iter().map(|&b| need(b, &self.jobs, place, order_only)).collect();
            self.jobs[start].needs.extend(new);
        }
    }

    fn pipeline(self, name: String, place: Span) -> Pipeline {
        let mut made = pipeline(name, place, Dialect::ArgoCd, self.triggers, self.jobs);
        made.complete = !self.incomplete;
        made
    }
}

/// Of each Application the one that brings it out: whose folder holds its file, the deepest.
fn parents(all: &[(&Object<'_>, Application)]) -> Vec<Option<usize>> {
    let mut by_folder: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, (_, application)) in all.iter().enumerate() {
        if let Some(folder) = application.deploy.folder.as_deref() {
            by_folder.entry(folder).or_insert(index);
        }
    }
    let parent = |index: usize| {
        let path = all[index].0.path;
        let ends = path.match_indices('/').map(|(at, _)| at).rev().take(64);
        ends.map(|end| &path[..end]).chain([""]).find_map(|folder| {
            let &parent = by_folder.get(folder)?;
            (parent != index && all[parent].1.deploy.brings(path)).then_some(parent)
        })
    };
    (0..all.len()).map(parent).collect()
}

/// Whether the configuration of Argo CD gives Applications their health back.
fn restores(objects: &[Object<'_>]) -> bool {
    let data = objects.iter().filter(|o| o.kind == "ConfigMap").filter_map(|o| o.node.get("data"));
    data.flat_map(|d| d.entries()).any(|(key, value)| {
        let text = |node: Node<'_>| node.as_str().unwrap_or("").to_owned();
        text(key).contains(HEALTH)
            || text(key) == "resource.customizations" && text(value).contains("argoproj.io/Application")
    })
}

/// A parent and the Applications that it brings out, wave after wave.
fn app_of_apps(
    object: &Object<'_>,
    mut parent: Application,
    mut members: Vec<Application>,
    around: &Around<'_, '_>,
    restored: bool,
) -> Pipeline {
    let mut line = Line::default();
    // What it brings out are the others; it has no environment of its own to be deployed to.
    for step in &mut parent.deploy.job.steps {
        step.uses.iter_mut().for_each(|u| u.name = "argo-cd/app-of-apps".to_owned());
    }
    parent.deploy.folder = None;
    let (_, root) = line.add(parent, &[]);
    members.sort_by_key(|m| m.wave);
    let (mut before, mut current) = (root, Vec::new());
    let mut wave = members.first().map(|m| m.wave);
    for member in members {
        if Some(member.wave) != wave {
            wave = Some(member.wave);
            before = std::mem::take(&mut current);
        }
        let place = member.deploy.job.place;
        let (starts, ends) = line.add(member, around.objects);
        line.wait(&starts, &before, place, !restored);
        current.extend(ends);
    }
    line.pipeline(object.name().to_owned(), object.place())
}

/// An ApplicationSet: an Application for each filling of its template, all at once or step by step.
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Progressive-Syncs/>
fn of_set(set: &Object<'_>, around: &Around<'_, '_>) -> Option<Pipeline> {
    let template = set.spec(&["template"])?;
    let strategy = set.spec(&["strategy"]);
    let rolling = strategy.and_then(|s| s.get("type")).and_then(|t| t.as_str()) == Some("RollingSync");
    let all: Vec<Application> = fillings(set.spec(&["generators"]))
        .iter()
        .filter_map(|filling| application(set, template, filling, around, rolling))
        .collect();
    let mut line = Line::default();
    if !rolling {
        all.into_iter().for_each(|member| drop(line.add(member, around.objects)));
        return Some(line.pipeline(set.name().to_owned(), set.place()));
    }
    let steps: Vec<Node<'_>> =
        strategy.and_then(|s| s.at(&["rollingSync", "steps"])).into_iter().flat_map(|s| s.items()).collect();
    let mut grouped: Vec<Vec<Application>> = steps.iter().map(|_| Vec::new()).collect();
    let mut rest = Vec::new();
    for member in all {
        match steps.iter().position(|step| selects(*step, &member.labels)) {
            Some(step) => grouped[step].push(member),
            None => rest.push(member),
        }
    }
    let mut before: Vec<usize> = Vec::new();
    for (step, members) in steps.iter().zip(grouped) {
        let mut current = Vec::new();
        for mut member in members {
            let held = step.get("maxUpdate").filter(|m| matches!(m.as_str(), Some("0" | "0%")));
            if let Some(held) = held {
                let what = "maxUpdate: 0".to_owned();
                member.deploy.job.gates.push(Gate { place: held.span(), gate: GateKind::Blocking, what });
            }
            let (starts, ends) = line.add(member, around.objects);
            line.wait(&starts, &before, step.span(), false);
            current.extend(ends);
        }
        // A step that selects nothing here is no reason not to wait for the one before.
        if !current.is_empty() {
            before = current;
        }
    }
    // What no step selects must be synced by hand.
    for mut member in rest {
        let (place, what) = (member.deploy.job.place, "in no step of the rolling sync".to_owned());
        member.deploy.job.gates.push(Gate { place, gate: GateKind::Blocking, what });
        line.add(member, around.objects);
    }
    Some(line.pipeline(set.name().to_owned(), set.place()))
}

/// Whether all expressions of a step hold for these labels.
fn selects(step: Node<'_>, labels: &[(String, String)]) -> bool {
    let mut expressions = step.get("matchExpressions").into_iter().flat_map(|e| e.items());
    expressions.all(|expression| {
        let text = |key: &str| expression.get(key).and_then(|n| n.as_str());
        let value = labels.iter().find(|(key, _)| Some(key.as_str()) == text("key")).map(|(_, v)| v.as_str());
        let mut values = expression.get("values").into_iter().flat_map(|v| v.items());
        let listed = values.any(|v| v.as_str().is_some() && v.as_str() == value);
        match text("operator") {
            Some("In") => listed,
            Some("NotIn") => !listed,
            _ => false,
        }
    })
}
