//! One Application of Argo CD, written as such or as a set's template.
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/>

use super::generator::Filling;
use super::hooks::source_folder;
use super::{
    Around, Clue, Deploy, argument, block, follows, is_false, is_range, merge_gate, path_clues, target,
};
use crate::facts::*;
use crate::readers::kubernetes::Object;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};

/// An Application, not yet in an order.
pub(super) struct Application {
    pub deploy: Deploy,
    /// The wave of its parent's sync that applies it.
    pub wave: i64,
    /// Labels, for the steps of a set.
    pub labels: Vec<(String, String)>,
    /// Jobs that tell somebody, each with its place.
    pub tells: Vec<(Span, bool)>,
}

/// Reads an Application. `None` if it is but a patch of one.
pub(super) fn application(
    object: &Object<'_>,
    node: Node<'_>,
    filling: &Filling,
    around: &Around<'_, '_>,
    rolling: bool,
) -> Option<Application> {
    let spec = node.get("spec")?;
    let sources: Vec<Node<'_>> = spec
        .get("source")
        .into_iter()
        .chain(spec.get("sources").into_iter().flat_map(|s| s.items()))
        .collect();
    let destination = spec.get("destination");
    if sources.is_empty() && destination.is_none() {
        return None;
    }
    let texts = |node: Option<Node<'_>>| filling.text(node?);
    // A source that only lends its values brings nothing out.
    let brings = |s: &&Node<'_>| s.get("path").is_some() || s.get("chart").is_some();
    let source = sources.iter().find(brings).or(sources.first());
    let of_source = |key: &str| texts(source?.get(key));
    let of_destination = |key: &str| texts(destination?.get(key));
    let name = texts(node.at(&["metadata", "name"]));
    let place = filling.place.or(name.as_ref().map(|n| n.span)).unwrap_or(object.place());
    let id = name.as_ref().map_or_else(|| object.name().to_owned(), |n| n.value.text());

    let mut inputs = Vec::new();
    let mut add = |key: &str, value: &Option<Spanned<Value<String>>>| {
        if let Some(value) = value {
            inputs.push(argument(key, value.value.clone(), value.span));
        }
    };
    let (cluster, server) = (of_destination("name"), of_destination("server"));
    let (namespace, path) = (of_destination("namespace"), of_source("path"));
    let (repository, revision, chart) =
        (of_source("repoURL"), of_source("targetRevision"), of_source("chart"));
    let project = texts(spec.get("project"));
    add("cluster", &cluster);
    add("server", &server);
    add("namespace", &namespace);
    add("project", &project);
    add("self-heal", &texts(spec.at(&["syncPolicy", "automated", "selfHeal"])));
    add("repository", &repository);
    add("revision", &revision);
    add("path", &path);
    add("chart", &chart);
    let values: Vec<Spanned<Value<String>>> = sources
        .iter()
        .filter_map(|s| s.at(&["helm", "valueFiles"]))
        .flat_map(|l| l.items())
        .filter_map(|n| filling.text(n))
        .collect();
    values.iter().for_each(|v| inputs.push(argument("values", v.value.clone(), v.span)));

    let known = |value: &Option<Spanned<Value<String>>>| {
        value.as_ref().and_then(|v| Some((v.value.known()?.clone(), v.span)))
    };
    let trigger_revision = known(&revision).map(|(value, span)| Spanned::new(value, span));
    let clues: Vec<(Clue, String, Span)> =
        [(Clue::Context, &cluster), (Clue::Host, &server), (Clue::Context, &namespace)]
            .into_iter()
            .filter_map(|(clue, value)| known(value).map(|(text, span)| (clue, text, span)))
            .chain(values.iter().filter_map(|v| Some((Clue::Context, v.value.known()?.clone(), v.span))))
            .chain(known(&path).map(|(text, span)| (Clue::Context, text, span)))
            .chain(known(&project).map(|(text, span)| (Clue::Context, text, span)))
            .chain(
                known(&revision).filter(|_| chart.is_none()).map(|(text, span)| (Clue::Branch, text, span)),
            )
            .chain(known(&name).map(|(text, span)| (Clue::Name, text, span)))
            .collect();
    let of_file = path_clues(object.path, place);
    let told = target(
        clues.iter().map(|(clue, text, span)| (*clue, text.as_str(), *span)).chain(of_file),
        around.environments,
    );

    let body = filling.place.unwrap_or(node.span());
    let mut job = super::job(id.clone(), place, body, block("argo-cd/application", place, inputs));
    job.target = told;
    let mut trigger = match &chart {
        Some(_) => {
            let range = trigger_revision.as_ref().is_none_or(|r| is_range(&r.value));
            let event = if range { "new chart version" } else { "sync" };
            let kind = if range { TriggerKind::Other } else { TriggerKind::Push };
            Trigger::new(kind, event, revision.as_ref().map_or(place, |r| r.span))
        }
        None => follows(trigger_revision, "sync", place),
    };
    let updater = object.annotation("argocd-image-updater.argoproj.io/image-list");
    if let Some(updater) = updater {
        trigger = Trigger::new(TriggerKind::Push, "image updater", updater.span());
    }
    if !rolling {
        job.gates.extend(gate(spec, &trigger, updater.is_some(), place, around));
    }
    job.condition = window(&job, &project, &cluster, &server, &namespace, around);
    let metadata = |key: &str| node.at(&["metadata", key]).into_iter().flat_map(|m| m.entries());
    let wave = node.at(&["metadata", "annotations", "argocd.argoproj.io/sync-wave"]);
    let tells = metadata("annotations")
        .filter_map(|(key, _)| {
            let event = key.as_str()?.strip_prefix("notifications.argoproj.io/subscribe.")?;
            Some((key.span(), ["fail", "degraded", "unknown"].iter().any(|w| event.contains(w))))
        })
        .collect();
    Some(Application {
        deploy: Deploy {
            job,
            checks: Vec::new(),
            trigger,
            robot: None,
            folder: source_folder(path.as_ref().and_then(|p| p.value.known()).map(String::as_str)),
            path: object.path.to_owned(),
        },
        wave: wave.and_then(|w| w.as_str()?.trim().parse().ok()).unwrap_or(0),
        labels: metadata("labels")
            .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), filling.text(value)?.value.text())))
            .collect(),
        tells,
    })
}

/// Without `automated`, nothing is synced until somebody does it. With it, whoever may merge decides; but what a
/// robot commits, nobody merges.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/>
fn gate(
    spec: Node<'_>,
    trigger: &Trigger,
    robot: bool,
    place: Span,
    around: &Around<'_, '_>,
) -> Option<Gate> {
    let policy = spec.get("syncPolicy");
    let automated = policy.filter(|p| p.kind() == Kind::Mapping).and_then(|p| p.key("automated"));
    let off = |key: &Node<'_>| {
        let value = policy.and_then(|p| p.at(&["automated", "enabled"]));
        is_false(value).then_some(value.map_or(key.span(), |v| v.span()))
    };
    match automated {
        Some(key)
            if off(&key).is_none()
                && policy.is_some_and(|p| !p.get("automated").is_none_or(|a| a.is_null())) =>
        {
            (!robot).then(|| {
                let what = match trigger.branches.first() {
                    Some(branch) => format!("automated sync of {}", branch.value),
                    None => "automated sync".to_owned(),
                };
                merge_gate(what, key.span())
            })
        }
        key => {
            let place = key.as_ref().and_then(off).unwrap_or(place);
            // Somebody's pipeline may be the one who syncs it.
            let gate = if around.synced { GateKind::ServerSide } else { GateKind::Blocking };
            Some(Gate { place, gate, what: "sync by hand".to_owned() })
        }
    }
}

/// The window of its project that holds its syncs back, or lets them through, at times.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/>
fn window(
    job: &Job,
    project: &Option<Spanned<Value<String>>>,
    cluster: &Option<Spanned<Value<String>>>,
    server: &Option<Spanned<Value<String>>>,
    namespace: &Option<Spanned<Value<String>>>,
    around: &Around<'_, '_>,
) -> Option<Condition> {
    let known =
        |value: &Option<Spanned<Value<String>>>| value.as_ref().and_then(|v| v.value.known().cloned());
    let project = known(project)?;
    let projects = around.objects.iter().filter(|o| o.kind == "AppProject" && o.name() == project);
    let windows = projects.filter_map(|p| p.spec(&["syncWindows"])).flat_map(|w| w.items());
    let matches = |window: &Node<'_>| {
        let lists = |key: &str, value: &str| {
            let patterns = window.get(key).into_iter().flat_map(|l| l.items());
            patterns
                .filter_map(|p| p.as_str())
                .any(|p| crate::lexicon::globs::PathGlob::new(p).matches(value))
        };
        lists("applications", &job.id)
            || [known(cluster), known(server)].iter().flatten().any(|c| lists("clusters", c))
            || known(namespace).is_some_and(|n| lists("namespaces", &n))
    };
    windows.filter(|w| w.kind() == Kind::Mapping).find(matches).map(|window| {
        let text = |key: &str| window.get(key).and_then(|n| n.as_str()).unwrap_or("");
        let said = format!("sync window: {} {} for {}", text("kind"), text("schedule"), text("duration"));
        Condition::new(window.span(), said)
    })
}
