//! Flux: Kustomizations and Helm releases of a cluster, what they are made of and what they wait for.
//! <https://fluxcd.io/flux/components/>

use super::{
    Around, Clue, Deploy, MOST_JOBS, argument, block, cluster, folder, follows, is_true, job, merge_gate,
    path_clues, step, target,
};
use crate::facts::*;
use crate::readers::config::known;
use crate::readers::kubernetes::Object;
use crate::syntax::tree::Node;
use crate::text::{Span, Spanned};
use std::collections::{BTreeMap, HashMap};

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
const HELM: &str = "helm.toolkit.fluxcd.io";
const SOURCE: &str = "source.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// Kustomizations that bring out Kustomizations.
const DEEPEST: usize = 8;

/// The pipelines of all objects of Flux: one for each cluster.
pub(super) fn pipelines(around: &Around<'_, '_>) -> Vec<Pipeline> {
    let robots = robots(around.objects);
    let mut all: Vec<Entry<'_, '_>> =
        around.objects.iter().filter_map(|o| entry(o, around, &robots)).take(MOST_JOBS).collect();
    let parents = parents(&all);
    for index in 0..all.len() {
        inherit(index, &parents, &mut all);
    }
    let roots = cluster_folders(around.objects);
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for index in 0..all.len() {
        let mut root = index;
        for _ in 0..DEEPEST {
            root = parents[root].unwrap_or(root);
        }
        groups.entry(cluster_of(all[root].object.path, &roots)).or_default().push(index);
    }
    let mut deploys: Vec<Option<Entry<'_, '_>>> = all.into_iter().map(Some).collect();
    groups
        .into_iter()
        .filter_map(|(cluster, members)| {
            cluster::pipeline_of((&cluster, &roots), &members, &parents, &mut deploys, around)
        })
        .collect()
}

/// A Kustomization or a Helm release.
pub(super) struct Entry<'o, 't> {
    pub object: &'o Object<'t>,
    pub deploy: Deploy,
}

/// An entry with its number among those of all clusters.
pub(super) type Taken<'o, 't> = (usize, Entry<'o, 't>);

/// `None` if the object deploys nothing, or is but a patch of one that does.
fn entry<'o, 't>(
    object: &'o Object<'t>,
    around: &Around<'_, '_>,
    robots: &[Robot<'_>],
) -> Option<Entry<'o, 't>> {
    let deploy = match (object.group, object.kind) {
        (KUSTOMIZE, "Kustomization") => kustomization(object, around, robots)?,
        (HELM, "HelmRelease") => release(object, around)?,
        _ => return None,
    };
    Some(Entry { object, deploy })
}

fn text(object: &Object<'_>, path: &[&str]) -> Option<Spanned<Value<String>>> {
    let node = object.spec(path)?;
    Some(Spanned::new(known(node.as_str()?), node.span()))
}

/// What of an object's fields tells an environment, with its inputs.
fn read(
    object: &Object<'_>,
    fields: &[(&str, &[&str])],
    around: &Around<'_, '_>,
) -> (Vec<Argument>, Option<Target>) {
    let mut inputs = Vec::new();
    let mut clues: Vec<(Clue, String, Span)> = Vec::new();
    for (name, path) in fields {
        let Some(value) = text(object, path) else { continue };
        if let Value::Known(known) = &value.value
            && !matches!(*name, "chart" | "source")
        {
            clues.push((Clue::Context, known.clone(), value.span));
        }
        inputs.push(argument(name, value.value, value.span));
    }
    for (key, value) in object.spec(&["postBuild", "substitute"]).into_iter().flat_map(|s| s.entries()) {
        let named = key.as_str().unwrap_or("").to_ascii_lowercase();
        let speaks = ["env", "environment", "stage", "cluster", "cluster_name", "cluster_env"];
        if let Some(value) = value.spanned().filter(|_| speaks.contains(&named.as_str())) {
            clues.push((Clue::Context, value.value, value.span));
        }
    }
    let place = object.place();
    clues.push((Clue::Name, object.name().to_owned(), place));
    let named = clues.iter().map(|(clue, text, span)| (*clue, text.as_str(), *span));
    let told = target(named.chain(path_clues(object.path, place)), around.environments);
    (inputs, told)
}

/// <https://fluxcd.io/flux/components/kustomize/kustomizations/>
fn kustomization(object: &Object<'_>, around: &Around<'_, '_>, robots: &[Robot<'_>]) -> Option<Deploy> {
    let source = object.spec(&["sourceRef"]);
    if source.is_none() && object.spec(&["path"]).is_none() {
        return None;
    }
    let place = object.place();
    let fields: &[(&str, &[&str])] = &[
        ("cluster", &["kubeConfig", "secretRef", "name"]),
        ("namespace", &["targetNamespace"]),
        ("path", &["path"]),
        ("source", &["sourceRef", "name"]),
    ];
    let (inputs, told) = read(object, fields, around);
    let uses = block("flux/kustomization", place, inputs);
    let mut job = job(object.name().to_owned(), place, object.node.span(), uses);
    job.target = told;
    let mut checks = Vec::new();
    let waits = object
        .spec(&["wait"])
        .filter(|w| is_true(Some(*w)))
        .or(object.spec(&["healthChecks"]).filter(|h| h.items().next().is_some()));
    if let Some(waits) = waits {
        checks.push(step("wait", block("flux/wait", waits.span(), Vec::new())));
    }
    let folder = match source.and_then(|s| s.get("kind")).and_then(|k| k.as_str()) {
        // What other sources hold does not lie at these paths.
        None | Some("GitRepository") => {
            folder(object.spec(&["path"]).and_then(|p| p.as_str()).unwrap_or("./"))
        }
        Some(_) => None,
    };
    let trigger = trigger(source, around.objects, object.path, place);
    job.gates.extend(held(object));
    // Nobody merges what a robot commits to the branch that is followed.
    let robot = robots.iter().find(|r| r.commits(folder.as_deref(), &trigger)).map(|r| r.place);
    if job.gates.is_empty() && robot.is_none() {
        job.gates.push(merge_gate(said(&trigger), trigger.place));
    }
    Some(Deploy { job, checks, trigger, robot, folder, path: object.path.to_owned() })
}

fn said(trigger: &Trigger) -> String {
    match trigger.branches.first() {
        Some(branch) => format!("reconciliation of {}", branch.value),
        None => "reconciliation".to_owned(),
    }
}

/// A suspended object stays as it is until somebody resumes it.
fn held(object: &Object<'_>) -> Option<Gate> {
    let node = object.spec(&["suspend"]).filter(|s| is_true(Some(*s)))?;
    Some(Gate { place: node.span(), gate: GateKind::Blocking, what: "suspend: true".to_owned() })
}

/// <https://fluxcd.io/flux/components/helm/helmreleases/>
fn release(object: &Object<'_>, around: &Around<'_, '_>) -> Option<Deploy> {
    if object.spec(&["chart"]).is_none() && object.spec(&["chartRef"]).is_none() {
        return None;
    }
    let place = object.place();
    let fields: &[(&str, &[&str])] = &[
        ("cluster", &["kubeConfig", "secretRef", "name"]),
        ("namespace", &["targetNamespace"]),
        ("chart", &["chart", "spec", "chart"]),
        ("source", &["chart", "spec", "sourceRef", "name"]),
    ];
    let (mut inputs, told) = read(object, fields, around);
    let version = object.spec(&["chart", "spec", "version"]).and_then(|v| v.spanned());
    if let Some(version) = &version {
        inputs.push(argument("version", known(&version.value), version.span));
    }
    let mut job =
        job(object.name().to_owned(), place, object.node.span(), block("flux/helm-release", place, inputs));
    let namespace = object.node.at(&["metadata", "namespace"]).and_then(|n| n.spanned());
    let of_namespace = namespace.and_then(|n| {
        target(std::iter::once((Clue::Context, n.value.as_str(), n.span)), around.environments)
    });
    job.target = match told {
        Some(told) if told.basis == Basis::Context => Some(told),
        told => of_namespace.or(told),
    };
    // Helm waits for what it has installed, unless it is told not to.
    let action = object.spec(&["upgrade"]).or(object.spec(&["install"]));
    let mut checks = Vec::new();
    if let Some(test) = object.spec(&["test", "enable"]).filter(|e| is_true(Some(*e))) {
        checks.push(step("test", block("flux/helm-test", test.span(), Vec::new())));
    } else if !is_true(action.and_then(|a| a.get("disableWait"))) {
        checks.push(step("wait", block("flux/wait", action.map_or(place, |a| a.span()), Vec::new())));
    }
    job.gates.extend(held(object));
    let trigger = match version {
        Some(version) if super::is_range(&version.value) => {
            Trigger::new(TriggerKind::Other, "new chart version", version.span)
        }
        _ => follows(None, "reconciliation", place),
    };
    if job.gates.is_empty() {
        job.gates.push(merge_gate("reconciliation".to_owned(), place));
    }
    Some(Deploy { job, checks, trigger, robot: None, folder: None, path: object.path.to_owned() })
}

/// Whether a failed upgrade is taken back. `retries` of 0, the default, only gives up.
pub(super) fn remediates<'t>(object: &Object<'t>) -> Option<Node<'t>> {
    let remediation = object.spec(&["upgrade", "remediation"])?;
    let text = |key: &str| remediation.get(key).and_then(|n| n.as_str());
    let strategy = object.spec(&["upgrade", "strategy", "name"]).and_then(|n| n.as_str());
    let tries = text("retries").is_some_and(|r| r != "0") || text("remediateLastFailure") == Some("true");
    let undoes = text("strategy").is_none_or(|s| s == "rollback");
    (tries && undoes && strategy != Some("RetryOnFailure")).then_some(remediation)
}

/// What starts a reconciliation: a change of what the source follows.
fn trigger(reference: Option<Node<'_>>, objects: &[Object<'_>], path: &str, place: Span) -> Trigger {
    let text = |key: &str| reference.and_then(|r| r.get(key)).and_then(|n| n.as_str());
    let kind = text("kind").unwrap_or("GitRepository");
    let named =
        objects.iter().filter(|o| o.group == SOURCE && o.kind == kind && Some(o.name()) == text("name"));
    // Each cluster has its own of this name.
    let shared = |o: &Object<'_>| o.path.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
    let source = named.max_by_key(|o| shared(o));
    if kind != "GitRepository" {
        return Trigger::new(TriggerKind::Other, kind, reference.map_or(place, |r| r.span()));
    }
    let Some(source) = source else {
        return follows(None, "reconciliation", reference.map_or(place, |r| r.span()));
    };
    let revision = ["semver", "tag", "commit", "branch"].iter().find_map(|key| source.spec(&["ref", key]));
    let event = "reconciliation";
    let mut trigger = follows(revision.and_then(|r| r.spanned()), event, source.place());
    if let (Some(range), Some(node)) = (source.spec(&["ref", "semver"]), revision) {
        trigger = Trigger::new(TriggerKind::Tag, event, range.span());
        trigger.tags = node.spanned().into_iter().collect();
    }
    trigger
}

/// An automation that commits new image tags.
/// <https://fluxcd.io/flux/components/image/imageupdateautomations/>
struct Robot<'t> {
    place: Span,
    branch: Option<&'t str>,
    folder: Option<String>,
}

impl Robot<'_> {
    fn commits(&self, into: Option<&str>, trigger: &Trigger) -> bool {
        let followed = trigger.branches.first().map(|b| b.value.as_str());
        let same_branch =
            trigger.trigger == TriggerKind::Push && (self.branch.is_none() || followed == self.branch);
        let (Some(own), Some(into)) = (self.folder.as_deref(), into) else { return false };
        same_branch && (super::lies_in(into, own) || into == own || super::lies_in(own, into))
    }
}

fn robots<'t>(objects: &[Object<'t>]) -> Vec<Robot<'t>> {
    let automations = objects.iter().filter(|o| o.group == IMAGE && o.kind == "ImageUpdateAutomation");
    automations
        .filter(|o| !is_true(o.spec(&["suspend"])))
        .map(|o| {
            let name = |path: &[&str]| o.spec(path).and_then(|n| n.as_str());
            let checked_out = name(&["git", "checkout", "ref", "branch"]);
            Robot {
                place: o.place(),
                branch: name(&["git", "push", "branch"]).or(checked_out),
                folder: folder(name(&["update", "path"]).unwrap_or("./")),
            }
        })
        .collect()
}

/// Of each entry the Kustomization that brings it out: whose folder holds its file, the deepest.
fn parents(all: &[Entry<'_, '_>]) -> Vec<Option<usize>> {
    let mut by_folder: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, entry) in all.iter().enumerate() {
        if let Some(folder) = entry.deploy.folder.as_deref() {
            by_folder.entry(folder).or_default().push(index);
        }
    }
    let parent = |index: usize| {
        let path = all[index].object.path;
        let ends = path.match_indices('/').map(|(at, _)| at).rev().take(64);
        ends.map(|end| &path[..end]).chain([""]).find_map(|folder| match by_folder.get(folder)?.as_slice() {
            // Of several that bring the same folder out, none is the one.
            [one] if *one != index && all[*one].deploy.brings(path) => Some(*one),
            _ => None,
        })
    };
    (0..all.len()).map(parent).collect()
}

/// Gives an entry that names no environment that of the one which brings it out.
fn inherit(index: usize, parents: &[Option<usize>], all: &mut [Entry<'_, '_>]) {
    let mut from = index;
    for _ in 0..DEEPEST {
        if all[index].deploy.job.target.is_some() {
            return;
        }
        let Some(parent) = parents[from] else { return };
        from = parent;
        all[index].deploy.job.target = all[from].deploy.job.target.clone();
    }
}

/// Folders that hold what `flux bootstrap` writes.
fn cluster_folders(objects: &[Object<'_>]) -> Vec<String> {
    let mut all: Vec<String> = objects
        .iter()
        .filter_map(|o| o.path.find("flux-system/").map(|at| o.path[..at].trim_end_matches('/').to_owned()))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The cluster that a file speaks of: the folder below `clusters`, or the one that was bootstrapped around it.
pub(super) fn cluster_of(path: &str, roots: &[String]) -> String {
    let below = path.match_indices('/').map(|(at, _)| at).find(|&at| {
        let folder = &path[..at];
        folder.rsplit_once('/').is_some_and(|(above, _)| above == "clusters" || above.ends_with("/clusters"))
    });
    if let Some(end) = below {
        return path[..end].to_owned();
    }
    let around = roots.iter().filter(|root| super::lies_in(path, root));
    around.max_by_key(|root| root.len()).cloned().unwrap_or_default()
}
