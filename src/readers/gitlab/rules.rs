//! Whether and when a job runs: `rules`, `only` and `except`, `when`, `allow_failure`.
//! <https://docs.gitlab.com/ci/jobs/job_rules/>

use super::config::{Conf, Config, Entry};
use super::expression::{Limits, limits};
use super::span_of;
use crate::facts::{Condition, Gate, GateKind, How, Tolerance, Value};
use crate::syntax::tree::Kind;
use crate::text::Span;

/// Whether and when a job runs.
#[derive(Default)]
pub(super) struct Running {
    pub(super) condition: Option<Condition>,
    pub(super) gates: Vec<Gate>,
    pub(super) tolerated: Option<Tolerance>,
}

/// One way in which a job comes to run.
struct Way<'t> {
    rule: Option<Conf<'t>>,
    when: &'t str,
    /// Whether the rule itself says `when`; otherwise the job does.
    own: bool,
    /// Where `when` is written.
    place: Option<Span>,
    /// Where `allow_failure` is written, and what it says.
    tolerated: Option<(Span, Value<bool>)>,
}

pub(super) fn read<'t>(config: &Config<'t>, job: &Conf<'t>) -> Running {
    let when = config.get(job, "when");
    let own_when = when.as_ref().and_then(|(_, w)| w.text()).unwrap_or("on_success");
    let when_place = when.as_ref().map(span_of);
    let tolerated = config.get(job, "allow_failure").map(|e| allow_failure(config, &e));
    let rules = config.get(job, "rules");
    let Some((key, rules)) = rules else {
        let way = Way { rule: None, own: false, when: own_when, place: when_place, tolerated };
        let condition = only(config, job, &way);
        return Running { condition, gates: gate(&[&way]), tolerated: tolerance(&[&way]) };
    };
    let all: Vec<Way<'t>> = config
        .items(&rules)
        .into_iter()
        .filter(|r| r.kind() == Kind::Mapping)
        .map(|rule| {
            let when = config.get(&rule, "when");
            let allow = config.get(&rule, "allow_failure").map(|e| allow_failure(config, &e));
            Way {
                when: when.as_ref().and_then(|(_, w)| w.text()).unwrap_or(own_when),
                own: when.is_some(),
                place: when.as_ref().map(span_of).or(when_place),
                tolerated: allow.or(tolerated.clone()),
                rule: Some(rule),
            }
        })
        .collect();
    let ways: Vec<&Way<'t>> = all.iter().filter(|w| w.when != "never").collect();
    let whole = key.span().join(rules.node().use_span());
    Running {
        condition: (!all.is_empty()).then(|| condition(config, &all, &ways, whole)),
        gates: gate(&ways),
        tolerated: tolerance(&ways),
    }
}

fn allow_failure<'t>(config: &Config<'t>, entry: &Entry<'t>) -> (Span, Value<bool>) {
    let (_, value) = entry;
    let says = match value.kind() {
        Kind::Mapping => {
            let codes = config.get(value, "exit_codes").map(|(_, c)| config.items(&c)).unwrap_or_default();
            let codes: Vec<&str> = codes.iter().filter_map(|c| c.text()).collect();
            Value::Expr(format!("exit codes {}", codes.join(", ")))
        }
        _ => match value.text() {
            Some("true") => Value::Known(true),
            Some("false") => Value::Known(false),
            other => Value::Expr(other.unwrap_or("").to_owned()),
        },
    };
    (span_of(entry), says)
}

/// What a person must do. In a job, `when: manual` is not waited for unless `allow_failure: false` says
/// so; in a rule it is waited for unless `allow_failure: true` says otherwise.
/// <https://docs.gitlab.com/ci/jobs/job_control/#types-of-manual-jobs>
fn gate(ways: &[&Way<'_>]) -> Vec<Gate> {
    let manual: Vec<_> = ways.iter().filter(|w| w.when == "manual").collect();
    let Some(place) = manual.iter().find_map(|w| w.place) else { return Vec::new() };
    let waits = |way: &Way<'_>| match &way.tolerated {
        Some((_, says)) => says == &Value::Known(false),
        None => way.own,
    };
    let always = manual.len() == ways.len();
    let blocking = always && manual.iter().all(|w| waits(w));
    let gate = if blocking { GateKind::Blocking } else { GateKind::Optional };
    let what = if always { "when: manual" } else { "when: manual in some rules only" };
    vec![Gate { place, gate, what: what.into() }]
}

fn tolerance(ways: &[&Way<'_>]) -> Option<Tolerance> {
    let says: Vec<_> = ways.iter().filter_map(|w| w.tolerated.as_ref()).collect();
    let says: Vec<_> = says.into_iter().filter(|(_, v)| *v != Value::Known(false)).collect();
    let (place, value) = says.first()?;
    let applies = if says.len() < ways.len() && value == &Value::Known(true) {
        Value::Expr("in some rules".into())
    } else {
        value.clone()
    };
    Some(Tolerance { place: *place, how: How::Key, applies })
}

fn condition<'t>(config: &Config<'t>, all: &[Way<'t>], ways: &[&Way<'t>], place: Span) -> Condition {
    let mut text = Vec::new();
    for way in all {
        let Some(rule) = &way.rule else { continue };
        let mut parts = Vec::new();
        if let Some((_, expression)) = config.get(rule, "if") {
            parts.push(expression.text().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" "));
        }
        parts.extend(["changes", "exists"].into_iter().filter(|k| rule.entry(k).is_some()).map(String::from));
        if way.when != "on_success" {
            parts.push(format!("when: {}", way.when));
        }
        text.push(if parts.is_empty() { "otherwise".to_owned() } else { parts.join(", ") });
    }
    let limit =
        ways.iter().map(|way| rule_limits(config, way.rule.as_ref())).reduce(Limits::or).unwrap_or_default();
    Condition {
        always: ways.iter().any(|w| w.when == "always"),
        never: ways.is_empty(),
        on_failure: !ways.is_empty() && ways.iter().all(|w| w.when == "on_failure"),
        branches: limit.branches.unwrap_or_default(),
        events: limit.events.unwrap_or_default(),
        ..Condition::new(place, text.join("; "))
    }
}

/// What a rule restricts to.
pub(super) fn rule_limits<'t>(config: &Config<'t>, rule: Option<&Conf<'t>>) -> Limits {
    let expression = rule.and_then(|r| config.get(r, "if"));
    expression.and_then(|(_, e)| e.text()).map(limits).unwrap_or_default()
}

/// `only`, `except` and `when` of a job without `rules`.
/// <https://docs.gitlab.com/ci/yaml/deprecated_keywords/#only--except>
fn only<'t>(config: &Config<'t>, job: &Conf<'t>, way: &Way<'t>) -> Option<Condition> {
    let mut place: Option<Span> = None;
    let mut at = |span: Span| place = Some(place.map_or(span, |p| p.join(span)));
    let mut text = Vec::new();
    let mut limit = Limits::default();
    for key in ["only", "except"] {
        let Some(entry) = config.get(job, key) else { continue };
        at(span_of(&entry));
        let refs = match entry.1.kind() {
            Kind::Mapping => config.get(&entry.1, "refs").map(|(_, r)| r),
            _ => Some(entry.1.clone()),
        };
        let refs = refs.map(|r| config.items(&r)).unwrap_or_default();
        let refs: Vec<&str> = refs.iter().filter_map(|r| r.text()).collect();
        let variables = match entry.1.kind() {
            Kind::Mapping => config.get(&entry.1, "variables").map(|(_, v)| config.items(&v)),
            _ => None,
        };
        let variables = variables.unwrap_or_default();
        let variables: Vec<&str> = variables.iter().filter_map(|v| v.text()).collect();
        text.push(format!("{key}: {}", [refs.join(", "), variables.join(" || ")].join(" ").trim()));
        if key == "only" {
            let by_ref = refs.iter().map(|r| ref_limits(r)).reduce(Limits::or).unwrap_or_default();
            let by_variable = variables.iter().map(|v| limits(v)).reduce(Limits::or).unwrap_or_default();
            limit = by_ref.and(by_variable);
        }
    }
    let when = way.when;
    if matches!(when, "always" | "on_failure" | "never" | "delayed") {
        way.place.into_iter().for_each(&mut at);
        text.push(format!("when: {when}"));
    }
    Some(Condition {
        always: when == "always",
        never: when == "never",
        on_failure: when == "on_failure",
        branches: limit.branches.unwrap_or_default(),
        events: limit.events.unwrap_or_default(),
        ..Condition::new(place?, text.join("; "))
    })
}

/// An entry of `only:`: a keyword for a kind of pipeline, or a branch's or tag's name or pattern.
fn ref_limits(text: &str) -> Limits {
    let event = match text.split('@').next().unwrap_or(text) {
        "branches" => return Limits::default(),
        "tags" => "tag",
        "merge_requests" => "merge_request_event",
        "schedules" => "schedule",
        "pushes" => "push",
        "web" => "web",
        "api" => "api",
        "triggers" => "trigger",
        "pipelines" => "pipeline",
        "external" => "external",
        "external_pull_requests" => "external_pull_request_event",
        "chat" => "chat",
        name => return Limits { branches: Some(vec![name.to_owned()]), events: None },
    };
    Limits { branches: None, events: Some(vec![event.to_owned()]) }
}
