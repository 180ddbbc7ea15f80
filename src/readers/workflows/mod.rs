//! Argo Workflows: templates that call each other, laid out as jobs from the entry point on.
//! <https://argo-workflows.readthedocs.io/en/latest/fields/>

mod depends;
mod expand;
mod leaf;
#[cfg(test)]
mod tests;

use super::kubernetes::Object;
use super::placeholders::Values;
use crate::facts::*;
use crate::syntax::cron::Schedule;
use crate::syntax::tree::Node;
use crate::text::Span;
use expand::{Layout, Template};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The commit that is built, under a name that all dialects share.
const COMMIT: &str = "${GIT_COMMIT}";

/// Where `{{inputs.parameters.x}}` and its like stand, each with the name.
pub(super) fn placeholders(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices("{{") {
        let Some(length) = text[at + 2..].find("}}").filter(|&l| l <= 256) else { continue };
        let name = text[at + 2..at + 2 + length].trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-'[]".contains(&b);
        if at >= from && !name.is_empty() && name.bytes().all(plain) {
            from = at + length + 4;
            found.push((at..from, name.replace("['", ".").replace("']", "")));
        }
    }
    found
}

/// The name under which a placeholder is looked up.
fn key(name: &str) -> String {
    super::placeholders::variable(name)
}

/// The pipelines of all objects of Argo Workflows.
pub(super) fn pipelines(objects: &[Object<'_>]) -> Vec<Pipeline> {
    let own: Vec<&Object<'_>> = objects.iter().filter(|o| o.group == "argoproj.io").collect();
    let library = Library::new(&own);
    let mut used = HashSet::new();
    let mut found = Vec::new();
    for object in &own {
        let (spec, triggers) = match object.kind {
            "Workflow" => {
                // A person may submit it, or another pipeline.
                let trigger = Trigger::new(TriggerKind::Other, "argo submit", object.place());
                (object.node.get("spec"), vec![trigger])
            }
            "CronWorkflow" => (object.spec(&["workflowSpec"]), schedules(object)),
            "Sensor" => {
                found.extend(of_sensor(object, &library, &mut used));
                continue;
            }
            _ => continue,
        };
        let Some(spec) = spec else { continue };
        let named = object.node.at(&["metadata", "name"]).or(object.node.at(&["metadata", "generateName"]));
        let name = named.and_then(|n| n.as_str()).unwrap_or("");
        let place = named.map_or(object.place(), |n| n.span());
        found.extend(run(spec, name, object, place, triggers, &library, &mut used));
    }
    for object in own.iter().filter(|o| is_template(o) && !used.contains(&o.place())) {
        let Some(spec) = object.node.get("spec") else { continue };
        if spec.get("entrypoint").is_some() {
            let trigger = Trigger::new(TriggerKind::Other, "argo submit", object.place());
            found.extend(run(
                spec,
                object.name(),
                object,
                object.place(),
                vec![trigger],
                &library,
                &mut HashSet::new(),
            ));
        } else if !library.called.contains(object.name()) {
            found.push(bundle(object, spec, &library));
        }
    }
    found
}

fn is_template(object: &Object<'_>) -> bool {
    matches!(object.kind, "WorkflowTemplate" | "ClusterWorkflowTemplate")
}

/// Workflow templates by name, and which of them others call.
struct Library<'o, 't> {
    named: HashMap<&'t str, Vec<&'o Object<'t>>>,
    called: HashSet<String>,
}

impl<'o, 't> Library<'o, 't> {
    fn new(objects: &[&'o Object<'t>]) -> Library<'o, 't> {
        let mut named: HashMap<_, Vec<_>> = HashMap::new();
        let mut called = HashSet::new();
        for object in objects {
            if is_template(object) {
                named.entry(object.name()).or_default().push(*object);
            }
            if matches!(
                object.kind,
                "Workflow" | "WorkflowTemplate" | "ClusterWorkflowTemplate" | "CronWorkflow"
            ) {
                references(object.node, &mut called);
            }
        }
        Library { named, called }
    }

    /// The template of this name that lies nearest to a file.
    fn find(&self, name: &str, path: &str) -> Option<&'o Object<'t>> {
        let shared = |o: &&&Object<'_>| o.path.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        self.named.get(name)?.iter().take(100).max_by_key(shared).copied()
    }
}

/// Names that `templateRef` refers to. Trees nest at most 128 deep.
fn references(node: Node<'_>, into: &mut HashSet<String>) {
    if node.is_alias() {
        return;
    }
    if let Some(name) = node.at(&["templateRef", "name"]).and_then(|n| n.as_str()) {
        into.insert(name.to_owned());
    }
    node.entries().for_each(|(_, value)| references(value, into));
    node.items().for_each(|item| references(item, into));
}

/// <https://argo-workflows.readthedocs.io/en/latest/cron-workflows/>
fn schedules(object: &Object<'_>) -> Vec<Trigger> {
    let listed = object.spec(&["schedules"]).into_iter().flat_map(|s| s.items());
    let all = object.spec(&["schedule"]).into_iter().chain(listed);
    let zone = object.spec(&["timezone"]).and_then(|z| z.as_str());
    if object.spec(&["suspend"]).and_then(|s| s.as_str()) == Some("true") {
        return vec![Trigger::new(TriggerKind::Manual, "suspended schedule", object.place())];
    }
    all.filter_map(|node| {
        let cron = node.spanned()?;
        let parsed = Schedule::parse(&cron.value).ok();
        let of_cron = parsed.as_ref().and_then(|p| p.zone());
        let mut trigger = Trigger::new(TriggerKind::Schedule, "schedule", node.span());
        trigger.zone = zone.or(of_cron).map(str::to_owned);
        trigger.fires = parsed.iter().flat_map(Schedule::hours_of_the_week).collect();
        trigger.cron = Some(cron);
        Some(trigger)
    })
    .collect()
}

/// A Sensor of Argo Events that starts Workflows.
/// <https://argoproj.github.io/argo-events/sensors/triggers/argo-workflow/>
fn of_sensor<'t>(sensor: &Object<'t>, library: &Library<'_, 't>, used: &mut HashSet<Span>) -> Vec<Pipeline> {
    let triggers = sensor.spec(&["triggers"]).into_iter().flat_map(|t| t.items());
    let mut found = Vec::new();
    for trigger in triggers {
        let resource = ["argoWorkflow", "k8s"]
            .iter()
            .find_map(|kind| trigger.at(&["template", kind, "source", "resource"]))
            .filter(|r| r.get("kind").and_then(|k| k.as_str()) == Some("Workflow"));
        let Some(spec) = resource.and_then(|r| r.get("spec")) else { continue };
        let named = trigger.at(&["template", "name"]);
        let name = named.and_then(|n| n.as_str()).unwrap_or(sensor.name());
        let place = named.map_or(sensor.place(), |n| n.span());
        let started = vec![Trigger::new(TriggerKind::Other, "event", place)];
        found.extend(run(spec, name, sensor, place, started, library, used));
    }
    found
}

/// A Workflow as a pipeline.
fn run<'t>(
    spec: Node<'t>,
    name: &str,
    object: &Object<'t>,
    place: Span,
    triggers: Vec<Trigger>,
    library: &Library<'_, 't>,
    used: &mut HashSet<Span>,
) -> Option<Pipeline> {
    let referred = spec.at(&["workflowTemplateRef", "name"]).and_then(|n| n.as_str());
    let template = referred.and_then(|r| library.find(r, object.path));
    let mut values = Values::default();
    let mut layers = Vec::new();
    if let Some(template) = template {
        used.insert(template.place());
        layers.extend(template.node.get("spec").map(|s| (s, template.path)));
    }
    layers.push((spec, object.path));
    let mut settings = Vec::new();
    for (layer, _) in &layers {
        settings.extend(arguments(*layer, &mut values));
    }
    let own = |key: &str| layers.iter().rev().find_map(|(layer, path)| Some((layer.get(key)?, *path)));
    let mut layout = Layout::new(library, layers.clone());
    let Some((entry, path)) = own("entrypoint") else {
        let lost = referred.filter(|_| template.is_none())?;
        layout.outside(name, place, lost, spec.get("workflowTemplateRef").map_or(place, |n| n.span()));
        return Some(layout.pipeline(name, place, triggers, settings));
    };
    let ends = match entry.as_str().and_then(|e| layout.template(e, path)) {
        Some(template) => layout.enter(template, &values),
        None => {
            layout.complete = false;
            Vec::new()
        }
    };
    // What follows however it ended.
    let exits = own("onExit").or_else(|| {
        let (hooks, path) = own("hooks")?;
        Some((hooks.at(&["exit", "template"])?, path))
    });
    if let Some((node, path)) = exits
        && let Some(template) = node.as_str().and_then(|e| layout.template(e, path))
    {
        layout.leave(template, &values, &ends, node.span());
    }
    let mutex = own("synchronization").and_then(|(s, _)| {
        s.at(&["mutex", "name"]).or(s.get("mutexes")?.items().next()?.get("name")).and_then(|n| n.spanned())
    });
    layout.lock(mutex);
    Some(layout.pipeline(name, place, triggers, settings))
}

/// Parameters of a Workflow, of which each may be given another value when it is submitted.
fn arguments(spec: Node<'_>, values: &mut Values) -> Vec<Setting> {
    let params = spec.at(&["arguments", "parameters"]).into_iter().flat_map(|p| p.items());
    let mut settings = Vec::new();
    for param in params {
        let Some(name) = param.get("name").and_then(|n| n.spanned()) else { continue };
        let key = key(&format!("workflow.parameters.{}", name.value));
        let value = param.get("value").or(param.get("default"));
        let listed = param.get("enum").into_iter().flat_map(|e| e.items()).filter_map(|n| n.as_str());
        let mut all: Vec<String> = listed.take(16).map(str::to_owned).collect();
        if all.is_empty() {
            all.extend(
                value.and_then(|v| v.as_str()).map(|v| super::placeholders::as_variables_in(v, placeholders)),
            );
        }
        let word = name.value.to_ascii_lowercase().replace('_', "-");
        if value.is_none()
            && matches!(word.as_str(), "commit" | "sha" | "commit-sha" | "git-sha" | "git-commit")
        {
            all.push(COMMIT.to_owned());
        }
        if let (Some(value), false) = (value, all.is_empty()) {
            settings.push(Setting {
                place: value.span(),
                path: key.clone(),
                key: key.clone(),
                setting: super::containers::one_of(all.clone()),
                source: SettingSource::Pipeline,
                target: None,
                key_place: name.span,
            });
        }
        values.set(&key, all);
    }
    settings
}

/// Templates that nothing here calls: steps for others.
fn bundle<'t>(object: &Object<'t>, spec: Node<'t>, library: &Library<'_, 't>) -> Pipeline {
    let mut values = Values::default();
    let settings = arguments(spec, &mut values);
    let mut layout = Layout::new(library, vec![(spec, object.path)]);
    let templates = spec.get("templates").into_iter().flat_map(|t| t.items()).take(500);
    for node in templates {
        let template = Template { node, path: object.path, among: spec };
        if template.is_leaf() {
            layout.enter(template, &values);
        }
    }
    let mut pipeline = layout.pipeline(object.name(), object.place(), Vec::new(), settings);
    pipeline.role = Role::Composite;
    pipeline
}
