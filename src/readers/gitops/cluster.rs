//! What Flux brings to one cluster, in its order.

use super::flux::{Taken, cluster_of, remediates};
use super::{Around, MOST_NEEDS, block, is_true, job, need, on_failure, pipeline};
use crate::facts::*;
use crate::readers::kubernetes::Object;
use crate::syntax::tree::Kind;
use crate::text::Span;
use std::collections::HashMap;

const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";

/// Kustomizations that bring out Kustomizations.
const DEEPEST: usize = 8;

/// The pipeline of one cluster: a job for each entry, one behind it for what is waited for, and one for its way back.
pub(super) fn pipeline_of(
    (cluster, roots): (&str, &[String]),
    members: &[usize],
    parents: &[Option<usize>],
    entries: &mut [Option<super::flux::Entry<'_, '_>>],
    around: &Around<'_, '_>,
) -> Option<Pipeline> {
    let taken: Vec<Taken<'_, '_>> = members.iter().filter_map(|&m| Some((m, entries[m].take()?))).collect();
    let first = taken.first()?.1.object;
    let position: HashMap<usize, usize> = taken.iter().enumerate().map(|(at, (m, _))| (*m, at)).collect();
    let parent: Vec<Option<usize>> =
        taken.iter().map(|(m, _)| position.get(&parents[*m]?).copied()).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); taken.len()];
    for (at, parent) in parent.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(at);
        }
    }
    let mut jobs: Vec<Job> = Vec::with_capacity(taken.len());
    let mut triggers = Vec::new();
    for (at, (_, entry)) in taken.iter().enumerate() {
        let mut job = entry.deploy.job.clone();
        if !children[at].is_empty() {
            // What it brings out are the others.
            job.steps.iter_mut().flat_map(|s| &mut s.uses).for_each(|u| u.name = "flux/of-others".to_owned());
        }
        if let Some(robot) = robot(at, &parent, &taken) {
            triggers.push(Trigger::new(TriggerKind::Push, "image update", robot));
            job.gates.retain(|gate| gate.gate != GateKind::ServerSide);
        }
        jobs.push(job);
    }
    triggers.extend(taken.iter().map(|(_, entry)| entry.deploy.trigger.clone()));
    // Where each ends: it is ready once what it waits for is.
    let mut ends: Vec<usize> = (0..taken.len()).collect();
    for (at, (_, entry)) in taken.iter().enumerate() {
        if !entry.deploy.checks.is_empty() && children[at].is_empty() {
            let mut ready =
                Job::new(jobs[at].place, jobs[at].body, format!("{} ready", jobs[at].id), String::new());
            ready.name = ready.id.clone();
            ready.target = jobs[at].target.clone();
            ready.steps = entry.deploy.checks.clone();
            ready.needs.push(need(at, &jobs, jobs[at].place, false));
            ends[at] = jobs.len();
            jobs.push(ready);
        }
    }
    let mut named: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, (_, entry)) in taken.iter().enumerate() {
        named.entry((entry.object.kind, entry.object.name())).or_default().push(at);
    }
    let mut needs = 0;
    for at in 0..taken.len() {
        let new = needs_of(at, &taken, &parent, &children, &ends, &named, &jobs);
        needs += new.len();
        if needs > MOST_NEEDS {
            break;
        }
        jobs[at].needs.extend(new);
    }
    let mut last: Vec<Vec<usize>> = ends.iter().map(|&end| vec![end]).collect();
    for (at, (_, entry)) in taken.iter().enumerate() {
        if let Some(node) = (entry.object.kind == "HelmRelease").then(|| remediates(entry.object)).flatten() {
            let id = format!("{} remediation", jobs[at].id);
            let mut back =
                job(id, node.span(), node.span(), block("flux/helm-rollback", node.span(), Vec::new()));
            back.target = jobs[at].target.clone();
            back.condition = Some(on_failure(node.span(), "remediation"));
            back.needs.push(need(ends[at], &jobs, node.span(), false));
            last[at].push(jobs.len());
            jobs.push(back);
        }
    }
    alerts(around.objects, (cluster, roots), &taken, &last, &mut jobs);
    let name = if cluster.is_empty() { "flux".to_owned() } else { cluster.to_owned() };
    let mut made = pipeline(name, first.place(), Dialect::Flux, triggers, jobs);
    made.complete = needs <= MOST_NEEDS;
    Some(made)
}

/// Who commits to what an entry, or one that brings it out, follows.
fn robot(at: usize, parent: &[Option<usize>], taken: &[Taken<'_, '_>]) -> Option<Span> {
    let mut next = Some(at);
    for _ in 0..DEEPEST {
        let robot = taken[next?].1.deploy.robot;
        if robot.is_some() {
            return robot;
        }
        next = parent[next?];
    }
    None
}

/// What an entry waits for: what it depends on, with all that this waits for itself, and what brings it out.
fn needs_of(
    at: usize,
    taken: &[Taken<'_, '_>],
    parent: &[Option<usize>],
    children: &[Vec<usize>],
    ends: &[usize],
    named: &HashMap<(&str, &str), Vec<usize>>,
    jobs: &[Job],
) -> Vec<Need> {
    let object = taken[at].1.object;
    let mut needs = Vec::new();
    let depends = object.spec(&["dependsOn"]).into_iter().flat_map(|d| d.items());
    for on in depends.filter(|d| d.kind() == Kind::Mapping) {
        let Some(wanted) = on.get("name").and_then(|n| n.spanned()) else { continue };
        let namespace = on.get("namespace").and_then(|n| n.as_str());
        let named = named.get(&(object.kind, wanted.value.as_str())).map_or(&[][..], Vec::as_slice);
        let fits = |o: &&usize| in_namespace(taken[**o].1.object, namespace, object);
        let found = named.iter().take(16).find(fits).or(named.first()).copied();
        let mut need = |job: Option<usize>| {
            let job = job.and_then(|job| u32::try_from(job).ok());
            let (place, name) = (wanted.span, wanted.value.clone());
            needs.push(Need { place, job, name, optional: false, order_only: false });
        };
        need(found.map(|found| ends[found]));
        let waits = found.filter(|&found| !taken[found].1.deploy.checks.is_empty());
        waits.into_iter().flat_map(|found| &children[found]).for_each(|&child| need(Some(ends[child])));
    }
    if let Some(parent) = parent[at] {
        needs.push(need(parent, jobs, jobs[at].place, true));
    }
    needs
}

fn in_namespace(object: &Object<'_>, namespace: Option<&str>, from: &Object<'_>) -> bool {
    let own =
        |o: &Object<'_>| o.node.at(&["metadata", "namespace"]).and_then(|n| n.as_str()).map(str::to_owned);
    own(object) == namespace.map(str::to_owned).or_else(|| own(from))
}

/// Alerts tell of what they watch, after every change or only when something fails.
/// <https://fluxcd.io/flux/components/notification/alerts/>
fn alerts(
    objects: &[Object<'_>],
    (cluster, roots): (&str, &[String]),
    taken: &[Taken<'_, '_>],
    last: &[Vec<usize>],
    jobs: &mut Vec<Job>,
) {
    let brought = |o: &Object<'_>| {
        cluster_of(o.path, roots) == cluster || taken.iter().any(|(_, entry)| entry.deploy.brings(o.path))
    };
    let own = |o: &&Object<'_>| {
        o.group == NOTIFICATION && o.kind == "Alert" && !is_true(o.spec(&["suspend"])) && brought(o)
    };
    for alert in objects.iter().filter(own).take(50) {
        let place = alert.place();
        let watches = |object: &Object<'_>| {
            let mut sources = alert.spec(&["eventSources"]).into_iter().flat_map(|s| s.items());
            sources.any(|s| {
                let text = |key: &str| s.get(key).and_then(|n| n.as_str());
                text("kind") == Some(object.kind)
                    && matches!(text("name"), Some(n) if n == "*" || n == object.name())
            })
        };
        let watched = taken.iter().enumerate().filter(|(_, (_, entry))| watches(entry.object));
        let needs: Vec<Need> = watched
            .take(1_000)
            .flat_map(|(at, _)| &last[at])
            .map(|&job| need(job, jobs, place, false))
            .collect();
        if needs.is_empty() {
            continue;
        }
        let mut tell =
            job(alert.name().to_owned(), place, alert.node.span(), block("flux/alert", place, Vec::new()));
        tell.needs = needs;
        tell.condition = Some(match alert.spec(&["eventSeverity"]).filter(|s| s.as_str() == Some("error")) {
            Some(severity) => on_failure(severity.span(), "eventSeverity: error"),
            None => Condition { always: true, ..Condition::new(place, "eventSeverity: info".to_owned()) },
        });
        jobs.push(tell);
    }
}
