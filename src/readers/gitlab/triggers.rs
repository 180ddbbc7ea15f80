//! What starts a pipeline. GitLab's own settings (schedules, who may push) are not in the files: what is
//! told here is which kinds of pipeline the rules speak of.
//! <https://docs.gitlab.com/ci/yaml/workflow/>

use super::config::{Conf, Config};
use super::rules::rule_limits;
use crate::facts::{Job, Trigger, TriggerKind};
use crate::syntax::tree::Kind;
use crate::text::{Span, Spanned};

pub(super) fn read<'t>(
    config: &Config<'t>,
    workflow: Option<&Conf<'t>>,
    jobs: &[Job],
    place: Span,
    child: bool,
) -> Vec<Trigger> {
    if child {
        return vec![Trigger::new(TriggerKind::Call, "parent_pipeline", place)];
    }
    let rules =
        workflow.and_then(|w| config.get(w, "rules")).map(|(_, r)| config.items(&r)).unwrap_or_default();
    let mut found: Vec<Trigger> = Vec::new();
    for rule in rules.iter().filter(|r| r.kind() == Kind::Mapping) {
        if config.get(rule, "when").is_some_and(|(_, w)| w.text() == Some("never")) {
            continue;
        }
        let limits = rule_limits(config, Some(rule));
        let place = rule.node().span();
        let branches: Vec<Spanned<String>> =
            limits.branches.iter().flatten().map(|b| Spanned::new(b.clone(), place)).collect();
        for event in limits.events.unwrap_or_else(|| vec!["push".into()]) {
            let mut next = Trigger::new(kind(&event), &event, place);
            next.branches = branches.clone();
            found.push(next);
        }
    }
    if rules.is_empty() {
        found.push(Trigger::new(TriggerKind::Push, "push", place));
        found.push(Trigger::new(TriggerKind::Tag, "tag", place));
        // A job whose rules speak of merge requests or schedules makes such pipelines.
        for condition in jobs.iter().filter_map(|j| j.condition.as_ref().filter(|c| !c.never)) {
            for event in &condition.events {
                if !found.iter().any(|t| t.event == *event) {
                    found.push(Trigger::new(kind(event), event, condition.place));
                }
            }
        }
    }
    found
}

fn kind(event: &str) -> TriggerKind {
    match event {
        "push" => TriggerKind::Push,
        "tag" => TriggerKind::Tag,
        "merge_request_event" | "external_pull_request_event" => TriggerKind::PullRequest,
        "schedule" => TriggerKind::Schedule,
        "web" => TriggerKind::Manual,
        "pipeline" | "parent_pipeline" | "trigger" => TriggerKind::Call,
        _ => TriggerKind::Other,
    }
}
