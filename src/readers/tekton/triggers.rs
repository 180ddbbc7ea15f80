//! What runs, and what starts it: runs that are written out, templates of Tekton Triggers, and Pipelines as Code.
//! <https://tekton.dev/docs/triggers/eventlisteners/>
//! <https://pipelinesascode.com/docs/guide/matchingevents/>

use super::{Run, params};
use crate::facts::{Trigger, TriggerKind};
use crate::readers::kubernetes::Object;
use crate::readers::placeholders::Values;
use crate::syntax::tree::Node;
use crate::text::{Span, Spanned};
use std::collections::HashMap;

const ON_EVENT: &str = "pipelinesascode.tekton.dev/on-event";
const ON_BRANCH: &str = "pipelinesascode.tekton.dev/on-target-branch";
const ON_CEL: &str = "pipelinesascode.tekton.dev/on-cel-expression";
const ON_COMMENT: &str = "pipelinesascode.tekton.dev/on-comment";

/// All runs of these objects.
pub(super) fn runs<'t>(objects: &[Object<'t>]) -> Vec<Run<'t>> {
    let listeners = listeners(objects);
    let mut runs = Vec::new();
    for object in objects {
        match object.kind {
            "PipelineRun" | "TaskRun" => {
                let mut triggers = as_code(object);
                if triggers.is_empty() {
                    // A person may create it, or another pipeline.
                    triggers.push(Trigger::new(TriggerKind::Other, "kubectl create", object.place()));
                }
                runs.extend(run(object.node, object, triggers, Values::default()));
            }
            "TriggerTemplate" => {
                let mut values = Values::default();
                params::defaults(object.spec(&["params"]), &mut values);
                let started = listeners.get(object.name()).cloned();
                let triggers = started
                    .unwrap_or_else(|| vec![Trigger::new(TriggerKind::Other, "event", object.place())]);
                let templates = object.spec(&["resourcetemplates"]).into_iter().flat_map(|r| r.items());
                for node in templates {
                    runs.extend(run(node, object, triggers.clone(), values.clone()));
                }
            }
            _ => {}
        }
    }
    runs
}

fn run<'t>(node: Node<'t>, object: &Object<'t>, triggers: Vec<Trigger>, values: Values) -> Option<Run<'t>> {
    let of_task = match node.get("kind")?.as_str()? {
        "PipelineRun" => false,
        "TaskRun" => true,
        _ => return None,
    };
    let named = node.at(&["metadata", "name"]).or(node.at(&["metadata", "generateName"]));
    let name = named.and_then(|n| n.as_str()).unwrap_or(object.name());
    Some(Run {
        node,
        path: object.path,
        name: name.trim_end_matches('-').to_owned(),
        place: named.map_or(object.place(), |n| n.span()),
        triggers,
        values,
        of_task,
    })
}

/// The triggers that a run names in its annotations.
fn as_code(object: &Object<'_>) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    let branches = object.annotation(ON_BRANCH).map(listed).unwrap_or_default();
    for event in object.annotation(ON_EVENT).map(listed).unwrap_or_default() {
        let of_event = |kind| Trigger::new(kind, &event.value, event.span);
        match event.value.as_str() {
            "push" => triggers.extend(pushes(of_event(TriggerKind::Push), &branches)),
            "pull_request" => {
                triggers.push(Trigger { branches: branches.clone(), ..of_event(TriggerKind::PullRequest) });
            }
            _ => triggers.push(of_event(TriggerKind::Other)),
        }
    }
    if let Some((text, node)) = object.annotation(ON_CEL).and_then(|n| Some((n.as_str()?, n))) {
        triggers.extend(expressed(text, node.span(), &[]));
    }
    if let Some(comment) = object.annotation(ON_COMMENT) {
        triggers.push(Trigger::new(TriggerKind::Manual, "comment", comment.span()));
    }
    triggers
}

/// A push to these branches, and a tag where one of them is one.
fn pushes(push: Trigger, branches: &[Spanned<String>]) -> Vec<Trigger> {
    let (tags, branches): (Vec<_>, Vec<_>) =
        branches.iter().cloned().partition(|b| b.value.starts_with("refs/tags/"));
    let bare = |list: Vec<Spanned<String>>, start: &str| {
        list.into_iter()
            .map(|b| Spanned::new(b.value.strip_prefix(start).unwrap_or(&b.value).to_owned(), b.span))
            .collect()
    };
    let mut all = Vec::new();
    if !tags.is_empty() {
        let tags = bare(tags, "refs/tags/");
        all.push(Trigger { trigger: TriggerKind::Tag, tags, ..push.clone() });
    }
    if all.is_empty() || !branches.is_empty() {
        all.push(Trigger { branches: bare(branches, "refs/heads/"), ..push });
    }
    all
}

/// `[push, pull_request]`, or a bare word.
fn listed(node: Node<'_>) -> Vec<Spanned<String>> {
    let text = node.as_str().unwrap_or("");
    let items = text.trim().trim_start_matches('[').trim_end_matches(']').split(',');
    let words = items.map(|w| w.trim().trim_matches(['"', '\''])).filter(|w| !w.is_empty());
    words.take(50).map(|w| Spanned::new(w.to_owned(), node.span())).collect()
}

/// What a CEL expression says of events and branches. What it says else only narrows that.
fn expressed(text: &str, place: Span, events: &[String]) -> Vec<Trigger> {
    let mut texts: Vec<&str> = text.split(['"', '\'']).skip(1).step_by(2).collect();
    texts.extend(events.iter().map(String::as_str));
    let says = |word: &str| texts.contains(&word);
    let branches: Vec<Spanned<String>> = texts
        .iter()
        .filter_map(|t| t.strip_prefix("refs/heads/"))
        .chain(compared(text, "target_branch"))
        .filter(|b| !b.is_empty())
        .map(|b| Spanned::new(b.to_owned(), place))
        .collect();
    let tags = texts.iter().any(|t| t.starts_with("refs/tags"));
    let mut triggers = Vec::new();
    let pulls = ["pull_request", "Merge Request Hook", "pullrequest:created", "pr:opened"];
    if pulls.iter().any(|p| says(p)) || text.contains("pull_request") {
        triggers.push(Trigger {
            branches: branches.clone(),
            ..Trigger::new(TriggerKind::PullRequest, "pull_request", place)
        });
    }
    if tags {
        triggers.push(Trigger::new(TriggerKind::Tag, "push", place));
    }
    let pushed = ["push", "Push Hook", "repo:push", "repo:refs_changed"].iter().any(|p| says(p));
    if pushed && (!tags || !branches.is_empty()) || triggers.is_empty() && !branches.is_empty() {
        triggers.push(Trigger { branches, ..Trigger::new(TriggerKind::Push, "push", place) });
    }
    if triggers.is_empty() {
        triggers.push(Trigger::new(TriggerKind::Other, "event", place));
    }
    triggers
}

/// The texts that `name` is compared with: `name == "x"`.
fn compared<'e>(text: &'e str, name: &'e str) -> impl Iterator<Item = &'e str> {
    text.match_indices(name).filter_map(move |(at, _)| {
        let rest = text[at + name.len()..].trim_start().strip_prefix("==")?.trim_start();
        rest.split(['"', '\'']).nth(1)
    })
}

/// By template what listeners start it.
fn listeners<'t>(objects: &[Object<'t>]) -> HashMap<&'t str, Vec<Trigger>> {
    let mut found: HashMap<&str, Vec<Trigger>> = HashMap::new();
    for object in objects {
        let entries: Vec<(Node<'_>, Span)> = match object.kind {
            "EventListener" => {
                let all = object.spec(&["triggers"]).into_iter().flat_map(|t| t.items());
                all.map(|t| (t, t.get("name").map_or(t.span(), |n| n.span()))).collect()
            }
            "Trigger" => object.node.get("spec").map(|s| (s, object.place())).into_iter().collect(),
            _ => continue,
        };
        for (entry, place) in entries {
            let template = entry.at(&["template", "ref"]).or(entry.at(&["template", "name"]));
            let Some(template) = template.and_then(|t| t.as_str()) else { continue };
            let interceptors = entry.get("interceptors").into_iter().flat_map(|i| i.items());
            let (mut events, mut filters) = (Vec::new(), String::new());
            for interceptor in interceptors {
                for leaf in interceptor.leaves() {
                    let text = leaf.node.as_str().unwrap_or("");
                    let path = |word: &str| {
                        leaf.path.iter().any(|s| matches!(s, crate::syntax::tree::Step::Key(k) if *k == word))
                    };
                    match text {
                        "push" | "pull_request" | "Push Hook" | "Merge Request Hook" | "repo:push"
                        | "repo:refs_changed" => events.push(text.to_owned()),
                        _ if text.contains("body.") || text.contains("header") || path("filter") => {
                            filters.push_str(text);
                            filters.push(' ');
                        }
                        _ => {}
                    }
                }
            }
            found.entry(template).or_default().extend(expressed(&filters, place, &events));
        }
    }
    found
}
