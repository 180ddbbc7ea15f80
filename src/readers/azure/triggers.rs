//! `trigger`, `pr`, `schedules`, `resources.pipelines` and what whoever queues a run is asked.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/build/triggers>

use super::template::{Conf, Expander};
use crate::facts::{Input, Trigger, TriggerKind};
use crate::syntax::cron::Schedule;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};

pub(super) fn called(place: Span) -> Trigger {
    Trigger::new(TriggerKind::Call, "template", place)
}

pub(super) fn read<'t>(expander: &Expander<'t>, root: &Conf<'t>, place: Span) -> Vec<Trigger> {
    let mut found = Vec::new();
    match expander.entry(root, "trigger") {
        // Without the key every push to any branch starts a run.
        None => found.push(Trigger::new(TriggerKind::Push, "trigger", place)),
        Some((key, value)) => {
            let mut next = Trigger::new(TriggerKind::Push, "trigger", key.span());
            next.branches = branches(expander, &value, "branches");
            next.tags = branches(expander, &value, "tags");
            if next.branches.is_empty() && !next.tags.is_empty() {
                next.trigger = TriggerKind::Tag;
            }
            found.extend((!is_none(&value)).then_some(next));
        }
    }
    if let Some((key, value)) = expander.entry(root, "pr").filter(|(_, v)| !is_none(v)) {
        let mut next = Trigger::new(TriggerKind::PullRequest, "pr", key.span());
        next.branches = branches(expander, &value, "branches");
        found.push(next);
    }
    let schedules = expander.get(root, "schedules").map(|s| expander.items(&s, "")).unwrap_or_default();
    for item in schedules {
        let Some(cron) = expander.get(&item.conf, "cron").and_then(|c| c.node.spanned()) else { continue };
        let mut next = Trigger::new(TriggerKind::Schedule, "schedules", cron.span);
        next.branches = branches(expander, &item.conf, "branches");
        next.fires = Schedule::parse(&cron.value).map(|s| s.hours_of_the_week()).unwrap_or_default();
        next.cron = Some(cron);
        found.push(next);
    }
    let resources = expander.get(root, "resources").and_then(|r| expander.get(&r, "pipelines"));
    for item in resources.map(|p| expander.items(&p, "")).unwrap_or_default() {
        let Some((key, value)) = expander.entry(&item.conf, "trigger").filter(|(_, v)| !is_none(v)) else {
            continue;
        };
        let mut next = Trigger::new(TriggerKind::Run, "resources.pipelines", key.span());
        let source = expander.get(&item.conf, "source").or_else(|| expander.get(&item.conf, "pipeline"));
        next.upstream = source.and_then(|s| s.node.as_str().map(str::to_owned)).into_iter().collect();
        next.branches = branches(expander, &value, "branches");
        found.push(next);
    }
    if let Some(parameters) = root.node.get("parameters").filter(|p| p.kind() == Kind::Sequence) {
        let mut next = Trigger::new(TriggerKind::Manual, "parameters", parameters.span());
        next.inputs = parameters.items().filter_map(input).collect();
        if !next.inputs.is_empty() {
            found.push(next);
        }
    }
    found
}

fn is_none(conf: &Conf<'_>) -> bool {
    conf.node.as_str() == Some("none") || conf.node.as_bool() == Some(false)
}

/// A list of branches, or what `branches: include:` holds.
fn branches<'t>(expander: &Expander<'t>, conf: &Conf<'t>, key: &str) -> Vec<Spanned<String>> {
    let list = match conf.node.kind() {
        Kind::Mapping => match expander.get(conf, key) {
            Some(inner) if inner.node.kind() == Kind::Mapping => expander.get(&inner, "include"),
            inner => inner,
        },
        _ if key == "branches" => Some(conf.clone()),
        _ => None,
    };
    let items = list.map(|l| expander.items(&l, "")).unwrap_or_default();
    let names = items.iter().filter_map(|i| i.conf.node.spanned());
    names
        .map(|n| n.map(|n| n.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/").to_owned()))
        .collect()
}

fn input(item: Node<'_>) -> Option<Input> {
    let text = |key: &str| item.get(key).and_then(|n| n.as_str()).map(str::to_owned);
    let kind = text("type").unwrap_or_else(|| "string".into());
    let options: Vec<Spanned<String>> =
        item.get("values").into_iter().flat_map(|v| v.items()).filter_map(|v| v.spanned()).collect();
    // Lists of steps and the like are for templates.
    let asked = matches!(kind.as_str(), "string" | "boolean" | "number");
    asked.then_some(())?;
    Some(Input {
        place: item.get("name")?.span(),
        name: text("name")?,
        input: Some(if options.is_empty() { kind } else { "choice".into() }),
        options,
        default: text("default"),
        description: text("displayName"),
    })
}
