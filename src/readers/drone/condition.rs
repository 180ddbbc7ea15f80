//! `when` and `trigger`: for which events, branches and outcomes something runs.
//! <https://docs.drone.io/pipeline/docker/syntax/conditions/>,
//! <https://woodpecker-ci.org/docs/usage/workflow-syntax#when---conditional-execution>

use super::Service;
use crate::facts::{Basis, Condition, Stage, Target, Trigger, TriggerKind, Value};
use crate::lexicon::{Environments, classify};
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned, shorten};

/// Events that a person makes out of a build that has run.
pub(super) fn is_promotion(event: &str) -> bool {
    matches!(event, "promote" | "promotion" | "deployment" | "rollback")
}

/// Whether only a person's act fulfils the condition.
pub(super) fn is_promoted(condition: &Condition) -> bool {
    let events = &condition.events;
    !events.is_empty() && events.iter().all(|e| is_promotion(e) || e == "manual")
}

/// One set of filters, all of which must hold.
#[derive(Default)]
struct Filter {
    place: Option<Span>,
    events: Vec<String>,
    /// Events that it leaves out.
    without: Vec<String>,
    branches: Vec<Spanned<String>>,
    tags: Vec<Spanned<String>>,
    /// Only pull requests, by their ref.
    pulls: bool,
    on_success: bool,
    on_failure: bool,
    never: bool,
}

/// What a `when` says: any of its filters lets it run.
pub(super) struct When {
    place: Span,
    text: String,
    filters: Vec<Filter>,
    /// The environment that a promotion is for.
    pub(super) target: Option<Target>,
}

impl When {
    pub(super) fn read(node: Node<'_>, environments: &Environments) -> Option<When> {
        let all: Vec<Node<'_>> = node.one_or_more().filter(|n| n.kind() == Kind::Mapping).take(100).collect();
        if all.is_empty() {
            return None;
        }
        let mut targets: Vec<Spanned<String>> = Vec::new();
        let filters = all.iter().map(|n| Filter::read(*n, &mut targets)).collect();
        Some(When {
            place: node.span(),
            text: shorten(&node.raw().split_whitespace().collect::<Vec<_>>().join(" "), 120),
            filters,
            target: target(&targets, environments),
        })
    }

    /// Events that every filter restricts to.
    pub(super) fn events(&self) -> Vec<String> {
        if self.filters.iter().any(|f| f.events.is_empty()) {
            return Vec::new();
        }
        let mut all: Vec<String> = self.filters.iter().flat_map(|f| f.events.iter().cloned()).collect();
        all.dedup();
        all
    }

    /// It as the condition of a step, `around` that of the pipeline.
    pub(super) fn condition(&self) -> Condition {
        let mut condition = Condition::new(self.place, self.text.clone());
        condition.events = self.events();
        if self.filters.iter().all(|f| !f.branches.is_empty()) {
            let names = self.filters.iter().flat_map(|f| &f.branches);
            condition.branches = names.map(|b| b.value.clone()).collect();
        }
        let all = |holds: fn(&Filter) -> bool| self.filters.iter().all(holds);
        condition.never = all(|f| f.never);
        condition.on_failure = all(|f| f.on_failure && !f.on_success);
        condition.always = !condition.on_failure && all(|f| f.on_failure);
        condition
    }
}

impl Filter {
    fn read(node: Node<'_>, targets: &mut Vec<Spanned<String>>) -> Filter {
        let mut filter = Filter { place: Some(node.span()), ..Filter::default() };
        let (mut status, mut failure, mut success) = (false, false, false);
        for (key, value) in node.merged_entries() {
            let (included, excluded) = lists(value);
            match key.as_str().unwrap_or("") {
                "event" => {
                    filter.events.extend(included.into_iter().map(|e| e.value));
                    filter.without.extend(excluded.into_iter().map(|e| e.value));
                }
                "branch" | "branches" => filter.branches.extend(included),
                "tag" => filter.tags.extend(included),
                "ref" => included.into_iter().for_each(|r| filter.reference(r)),
                "target" | "environment" => targets.extend(included),
                "status" => {
                    status = true;
                    failure |= included.iter().any(|s| s.value == "failure");
                    success |= included.iter().any(|s| matches!(s.value.as_str(), "success" | "changed"));
                }
                "evaluate" => filter.evaluate(value, targets),
                _ => {}
            }
        }
        filter.on_failure = status && failure;
        filter.on_success = !status || success;
        filter.branches.retain(|b| !b.value.starts_with('!') && b.value != "**");
        filter
    }

    /// `refs/heads/main`, `refs/tags/v*`, `refs/pull/**`.
    fn reference(&mut self, reference: Spanned<String>) {
        let span = reference.span;
        let part =
            |start: &str| reference.value.strip_prefix(start).map(|r| Spanned::new(r.to_owned(), span));
        self.branches.extend(part("refs/heads/"));
        self.tags.extend(part("refs/tags/"));
        self.pulls |= reference.value.starts_with("refs/pull");
    }

    /// Comparisons that all must hold; what is more than that stays open.
    fn evaluate(&mut self, node: Node<'_>, targets: &mut Vec<Spanned<String>>) {
        let text = node.as_str().unwrap_or("").trim();
        self.never |= text == "false";
        if text.contains("||") || text.contains(" or ") || text.contains('(') {
            return;
        }
        for term in text.split("&&").flat_map(|t| t.split(" and ")) {
            let Some((name, value)) = term.split_once("==") else { continue };
            let value = Spanned::new(value.trim().trim_matches(['"', '\'']).to_owned(), node.span());
            match name.trim() {
                "CI_PIPELINE_EVENT" | "CI_BUILD_EVENT" => self.events.push(value.value),
                "CI_COMMIT_BRANCH" if !value.value.starts_with("CI_") => self.branches.push(value),
                "CI_PIPELINE_DEPLOY_TARGET" | "CI_DEPLOY_TARGET" => targets.push(value),
                _ => {}
            }
        }
    }

    /// The events for which it starts a pipeline.
    fn starts(&self, service: Service) -> Vec<String> {
        if !self.events.is_empty() {
            return self.events.clone();
        }
        let mut events: Vec<&str> = match (self.branches.is_empty(), self.tags.is_empty()) {
            (true, true) if self.pulls => vec!["pull_request"],
            (true, true) => vec!["push", "pull_request", "tag"],
            // A branch's name is compared for pull requests, too: it is their target's.
            (false, true) => vec!["push", "pull_request"],
            (true, false) => vec!["tag"],
            (false, false) => vec!["push", "tag"],
        };
        if service == Service::Drone && self.without.iter().any(|e| e == "promote") {
            events.retain(|e| *e != "promote");
        }
        events.retain(|e| !self.without.iter().any(|w| w == e));
        events.into_iter().map(str::to_owned).collect()
    }
}

/// A text, a list, or `include` and `exclude`.
fn lists(value: Node<'_>) -> (Vec<Spanned<String>>, Vec<Spanned<String>>) {
    let texts = |node: Option<Node<'_>>| -> Vec<Spanned<String>> {
        node.into_iter().flat_map(|n| n.one_or_more()).take(200).filter_map(|n| n.spanned()).collect()
    };
    match value.kind() {
        Kind::Mapping => (texts(value.get("include")), texts(value.get("exclude"))),
        _ => (texts(Some(value)), Vec::new()),
    }
}

fn target(names: &[Spanned<String>], environments: &Environments) -> Option<Target> {
    let first = names.first()?;
    let stages: Vec<Stage> = names.iter().filter_map(|n| classify(&n.value, environments)).collect();
    let unknown = || Value::Unresolved(format!("the name `{}` speaks of no known stage", first.value));
    let stage = match stages.len() == names.len() {
        true => Value::from_possible(stages)?,
        false if stages.is_empty() => unknown(),
        false => Value::OneOf(stages),
    };
    let name = Value::from_possible(names.iter().map(|n| n.value.clone()).collect())?;
    Some(Target { stage, name, basis: Basis::Declared, place: first.span })
}

/// What starts a pipeline.
pub(super) fn triggers(when: Option<&When>, service: Service, place: Span) -> Vec<Trigger> {
    let all = [Filter::default()];
    let mut found: Vec<Trigger> = Vec::new();
    for filter in when.map_or(&all[..], |w| &w.filters[..]) {
        for event in filter.starts(service) {
            let kind = kind(&event);
            let mut trigger = Trigger::new(kind, &event, filter.place.unwrap_or(place));
            if kind == TriggerKind::Tag {
                trigger.tags = filter.tags.clone();
            } else {
                trigger.branches = filter.branches.clone();
            }
            found.push(trigger);
        }
    }
    if found.is_empty() {
        found.push(Trigger::new(TriggerKind::Other, "other", place));
    }
    found
}

fn kind(event: &str) -> TriggerKind {
    match event {
        "push" => TriggerKind::Push,
        "tag" => TriggerKind::Tag,
        "pull_request" | "pull_request_closed" | "pull_request_metadata" | "pull-request" => {
            TriggerKind::PullRequest
        }
        "cron" => TriggerKind::Schedule,
        "promote" | "promotion" | "rollback" | "deployment" | "manual" | "custom" => TriggerKind::Manual,
        "release" => TriggerKind::Release,
        _ => TriggerKind::Other,
    }
}
