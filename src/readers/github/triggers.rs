//! `on:`.

use crate::facts::{Input, Trigger, TriggerKind};
use crate::syntax::cron::Schedule;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};

pub(super) fn read(on: Node<'_>) -> Vec<Trigger> {
    match on.kind() {
        Kind::Mapping => on.merged_entries().into_iter().flat_map(|(k, v)| event(k, Some(v))).collect(),
        _ => on.one_or_more().flat_map(|name| event(name, None)).collect(),
    }
}

fn event(name: Node<'_>, body: Option<Node<'_>>) -> Vec<Trigger> {
    let Some(event) = name.as_str() else { return Vec::new() };
    let body = body.filter(|b| !b.is_null());
    let list = |keys: &[&str]| -> Vec<Spanned<String>> {
        let lists = keys.iter().filter_map(|k| body?.get(k));
        lists.flat_map(|l| l.one_or_more()).filter_map(|n| n.spanned()).collect()
    };
    let (branches, tags) = (list(&["branches"]), list(&["tags"]));
    let kind = match event {
        "push" if branches.is_empty() && !tags.is_empty() => TriggerKind::Tag,
        "push" => TriggerKind::Push,
        "pull_request" | "pull_request_review" | "merge_group" => TriggerKind::PullRequest,
        "pull_request_target" => TriggerKind::PullRequestTarget,
        "schedule" => return schedule(name.span(), body),
        "workflow_dispatch" => TriggerKind::Manual,
        "workflow_call" => TriggerKind::Call,
        "workflow_run" => TriggerKind::Run,
        "release" => TriggerKind::Release,
        _ => TriggerKind::Other,
    };
    let inputs = body.and_then(|b| b.get("inputs")).map(inputs).unwrap_or_default();
    let upstream = list(&["workflows"]).into_iter().map(|w| w.value).collect();
    vec![Trigger { branches, tags, upstream, inputs, ..Trigger::new(kind, event, name.span()) }]
}

/// One trigger per cron line; times are UTC unless `timezone` is given.
fn schedule(place: Span, body: Option<Node<'_>>) -> Vec<Trigger> {
    let lines = body.into_iter().flat_map(|b| b.one_or_more());
    lines
        .filter_map(|line| {
            let cron = line.get("cron")?.spanned()?;
            let place = cron.span;
            let parsed = Schedule::parse(&cron.value).ok();
            Some(Trigger {
                zone: line
                    .get("timezone")
                    .and_then(|z| z.as_str())
                    .or(parsed.as_ref().and_then(|s| s.zone()))
                    .map(str::to_owned),
                fires: parsed.iter().flat_map(Schedule::hours_of_the_week).collect(),
                cron: Some(cron),
                ..Trigger::new(TriggerKind::Schedule, "schedule", place)
            })
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|mut t| {
            if t.place.is_empty() {
                t.place = place;
            }
            t
        })
        .collect()
}

pub(super) fn inputs(node: Node<'_>) -> Vec<Input> {
    node.merged_entries()
        .into_iter()
        .filter_map(|(key, body)| {
            let text = |name: &str| body.get(name).and_then(|n| n.as_str()).map(str::to_owned);
            let options = body.get("options").into_iter().flat_map(|o| o.items());
            Some(Input {
                place: key.span(),
                name: key.as_str()?.to_owned(),
                input: text("type"),
                options: options.filter_map(|o| o.spanned()).collect(),
                default: text("default"),
                description: text("description"),
            })
        })
        .collect()
}
