//! Templates that run something themselves.

use super::expand::Template;
use super::placeholders;
use crate::facts::*;
use crate::readers::placeholders::Values;
use crate::readers::{commands, containers};
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};

/// Objects by which a `resource` template brings software out; others only start more work.
const WORKLOADS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Rollout",
    "Application",
    "HelmRelease",
    "Kustomization",
    "Service",
];

/// Gives a job what a template runs.
pub(super) fn fill(job: &mut Job, template: Template<'_>, values: &Values) {
    let node = template.node;
    let known = |text: &str| values.expand(text, placeholders);
    let reading = containers::Reading { known: &known, find: placeholders };
    if let Some(suspended) = node.get("suspend") {
        // With a duration it goes on by itself.
        if suspended.get("duration").is_none() {
            let place = node.key("suspend").map_or(suspended.span(), |k| k.span());
            job.gates.push(Gate { place, gate: GateKind::Blocking, what: "suspend".to_owned() });
        }
        return;
    }
    let mut run = |container: Node<'_>, commands: Vec<Command>, name: &str| {
        let uses = container.get("image").and_then(|n| Some(image(n.as_str()?, n.span(), values)));
        job.images.extend(uses.clone());
        let secrets = containers::secrets(container);
        job.secrets.extend(secrets.iter().cloned());
        job.steps.push(Step {
            named: !name.is_empty(),
            uses,
            commands,
            settings: containers::settings(container, reading),
            secrets,
            ..Step::new(container.span(), name.to_owned())
        });
    };
    let own = job_name(node);
    if let Some(container) = node.get("container") {
        run(container, containers::commands(container, reading), &own);
    }
    if let Some(script) = node.get("script") {
        let words: Vec<&str> = script
            .get("command")
            .into_iter()
            .flat_map(|c| c.one_or_more())
            .filter_map(|n| n.as_str())
            .collect();
        let found = script
            .get("source")
            .map(|s| containers::script(s, &words.join(" "), reading))
            .unwrap_or_default();
        run(script, found, &own);
    }
    let set = node.at(&["containerSet", "containers"]).into_iter().flat_map(|c| c.items());
    for container in set.filter(|c| c.kind() == Kind::Mapping).take(100) {
        let name = container.get("name").and_then(|n| n.as_str()).unwrap_or("");
        run(container, containers::commands(container, reading), name);
    }
    let beside =
        ["sidecars", "initContainers"].iter().filter_map(|key| node.get(key)).flat_map(|l| l.items());
    let beside =
        beside.filter_map(|c| c.get("image")).filter_map(|n| Some(image(n.as_str()?, n.span(), values)));
    job.images.extend(beside);
    if let Some(command) = node.get("resource").and_then(|r| resource(r, reading)) {
        job.steps.push(Step { commands: vec![command], ..Step::new(node.span(), own.clone()) });
    }
    if let Some(url) = node.at(&["http", "url"]) {
        let command = commands::implied("curl", vec![word(url, reading)], url.span());
        job.steps.push(Step { commands: vec![command], ..Step::new(node.span(), own.clone()) });
    }
    let volumes = [node, template.among].into_iter().filter_map(|n| n.get("volumes")).flat_map(|v| v.items());
    let mounted = volumes.filter_map(|v| v.at(&["secret", "secretName"]));
    job.secrets
        .extend(mounted.filter_map(|n| Some(SecretUse { name: n.as_str()?.to_owned(), place: n.span() })));
    transfers(job, node);
    job.timeout_minutes = node
        .get("activeDeadlineSeconds")
        .and_then(|n| n.as_str()?.parse::<u32>().ok())
        .map(|s| s.div_ceil(60));
    let mutex = node.at(&["synchronization", "mutex", "name"]);
    job.lock = mutex.and_then(|n| n.spanned());
}

fn job_name(node: Node<'_>) -> String {
    node.get("name").and_then(|n| n.as_str()).unwrap_or("").to_owned()
}

fn image(written: &str, place: Span, values: &Values) -> Use {
    let all = values.expand(written, placeholders);
    let reference = if let [one] = all.as_slice() { one } else { written };
    commands::image_use(reference, place)
}

fn word(node: Node<'_>, reading: containers::Reading<'_>) -> Word {
    let text = crate::readers::placeholders::as_variables_in(node.as_str().unwrap_or(""), reading.find);
    let values = (reading.known)(&text);
    Word { literal: !text.contains('$'), place: node.span(), values, text }
}

/// What a `resource` template does to a cluster, as the command that would do the same.
/// <https://argo-workflows.readthedocs.io/en/latest/walk-through/kubernetes-resources/>
fn resource(resource: Node<'_>, reading: containers::Reading<'_>) -> Option<Command> {
    let action = resource.get("action")?;
    let manifest = resource.get("manifest").and_then(|m| m.as_str()).unwrap_or("");
    let kinds = manifest.lines().filter_map(|l| l.trim_start().strip_prefix("kind:")).map(str::trim);
    let mut brings = kinds.filter(|k| WORKLOADS.contains(k));
    let verb = action.as_str()?;
    if matches!(verb, "create" | "apply" | "replace") && brings.next().is_none() {
        return None;
    }
    let flags = resource.get("flags").into_iter().flat_map(|f| f.items()).map(|f| word(f, reading));
    let words = std::iter::once(word(action, reading)).chain(flags).collect();
    Some(commands::implied("kubectl", words, action.span()))
}

/// Artifacts that a template hands on or takes over.
fn transfers(job: &mut Job, node: Node<'_>) {
    for (side, up) in [("outputs", true), ("inputs", false)] {
        for artifact in node.at(&[side, "artifacts"]).into_iter().flat_map(|a| a.items()).take(100) {
            let Some(name) = artifact.get("name").and_then(|n| n.spanned()) else { continue };
            let paths: Vec<Spanned<String>> =
                artifact.get("path").and_then(|p| p.spanned()).into_iter().collect();
            job.transfers.push(Transfer {
                place: name.span,
                up,
                name: Value::Known(name.value),
                paths,
                retention_days: None,
            });
        }
    }
}
