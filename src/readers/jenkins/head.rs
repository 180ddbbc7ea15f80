//! What holds for a whole pipeline: `environment`, `parameters`, `triggers`, `options`.

use super::Reading;
use super::walk::Walk;
use crate::facts::*;
use crate::syntax::cron::Schedule;
use crate::syntax::groovy::{Argument, Block, Call, Expr, Statement};
use crate::text::{Span, Spanned};

/// What directives of a pipeline or a stage say.
#[derive(Default)]
pub(super) struct Head {
    pub(super) settings: Vec<Setting>,
    pub(super) secrets: Vec<SecretUse>,
    inputs: Vec<Input>,
    asked: Option<Span>,
    declared: Vec<Trigger>,
    /// Where it is told that the server runs it for every branch.
    pub(super) branches: Option<Span>,
    /// How long what is archived stays, in days.
    pub(super) retention: Option<u32>,
}

impl Head {
    /// Which event starts a job is for the most part set on the server.
    pub(super) fn triggers(&mut self, place: Span) -> Vec<Trigger> {
        let mut all = std::mem::take(&mut self.declared);
        let pushed = all.iter().any(|t| t.trigger == TriggerKind::Push);
        if let Some(at) = self.branches.filter(|_| !pushed) {
            all.push(trigger(TriggerKind::Push, "multibranch", at));
        }
        if let Some(at) = self.asked {
            let mut by_hand = trigger(TriggerKind::Manual, "parameters", at);
            by_hand.inputs = std::mem::take(&mut self.inputs);
            all.push(by_hand);
        }
        if all.iter().all(|t| t.trigger == TriggerKind::Manual) {
            all.push(trigger(TriggerKind::Other, "job", place));
        }
        all
    }
}

fn trigger(kind: TriggerKind, event: &str, place: Span) -> Trigger {
    Trigger::new(kind, event, place)
}

impl Reading<'_> {
    /// `NAME = value` of an `environment` block; `credentials('id')` is a secret.
    pub(super) fn environment(&self, block: &Block, walk: &mut Walk<'_>) -> (Vec<Setting>, Vec<SecretUse>) {
        let (mut settings, mut secrets) = (Vec::new(), Vec::new());
        for statement in &block.statements {
            let Statement::Value { name: Some((name, at)), value } = statement else { continue };
            if let Expr::Call(call) = value
                && call.name == "credentials"
            {
                let id = self.first(call, "id").map_or_else(|| name.clone(), |t| t.value);
                secrets.push(SecretUse { name: id, place: self.span(&call.at) });
                continue;
            }
            settings.push(walk.assign(name, at, value, "environment"));
        }
        (settings, secrets)
    }

    /// `parameters { choice(name: …) }`. <https://www.jenkins.io/doc/book/pipeline/syntax/#parameters>
    pub(super) fn parameters<'c>(
        &self,
        calls: impl Iterator<Item = &'c Call>,
        at: Span,
        walk: &mut Walk<'_>,
    ) {
        for call in calls {
            let Some(name) = self.argument(call, "name") else { continue };
            let mut options: Vec<Spanned<String>> = Vec::new();
            if let Some(choices) = call.named("choices") {
                match &choices.value {
                    Expr::List(all, _) => options.extend(all.iter().filter_map(|a| self.said(&a.value))),
                    one => {
                        let said = self.said(one);
                        let lines = said.iter().flat_map(|t| t.value.lines().map(|l| (l.trim(), t.span)));
                        options.extend(lines.map(|(l, s)| Spanned::new(l.to_owned(), s)));
                    }
                }
            }
            let default = self.argument(call, "defaultValue").map(|t| t.value);
            walk.variables.set(&name.value, options.iter().map(|o| o.value.clone()).collect());
            walk.head.inputs.push(Input {
                place: name.span,
                name: name.value,
                input: Some(
                    match call.name.as_str() {
                        "choice" => "choice",
                        "booleanParam" => "boolean",
                        _ => "string",
                    }
                    .to_owned(),
                ),
                default: default.or_else(|| options.first().map(|o| o.value.clone())),
                options,
                description: self.argument(call, "description").map(|t| t.value),
            });
            walk.head.asked.get_or_insert(at);
        }
    }

    /// `triggers { cron('H 4 * * 5') }`. <https://www.jenkins.io/doc/book/pipeline/syntax/#triggers>
    pub(super) fn starts<'c>(&self, calls: impl Iterator<Item = &'c Call>, head: &mut Head) {
        for call in calls {
            let place = self.span(&call.at);
            match call.name.as_str() {
                "cron" | "parameterizedCron" => {
                    let Some(said) = self.first(call, "spec") else { continue };
                    head.declared.extend(schedules(&said, place));
                }
                "upstream" => {
                    let mut next = trigger(TriggerKind::Run, "upstream", place);
                    let jobs = self.first(call, "upstreamProjects").map(|t| t.value).unwrap_or_default();
                    next.upstream =
                        jobs.split(',').map(|j| j.trim().to_owned()).filter(|j| !j.is_empty()).collect();
                    head.declared.push(next);
                }
                "pollSCM" | "githubPush" | "gitlab" | "gitlabPush" | "bitbucketPush" | "bitBucketTrigger"
                | "gitee" | "scm" => head.declared.push(trigger(TriggerKind::Push, &call.name, place)),
                _ => head.declared.push(trigger(TriggerKind::Other, &call.name, place)),
            }
        }
    }

    /// `options { … }` and the list of `properties([…])`. What they say of time and locks is returned.
    pub(super) fn options<'c>(&self, calls: impl Iterator<Item = &'c Call>, walk: &mut Walk<'_>) -> Limits {
        let mut limits = Limits::default();
        for call in calls {
            let place = self.span(&call.at);
            match call.name.as_str() {
                "timeout" => limits.minutes = self.minutes(call).or(limits.minutes),
                "disableConcurrentBuilds" | "disableConcurrentBuild" => {
                    limits.lock = Some(Spanned::new("disableConcurrentBuilds".to_owned(), place));
                }
                "lock" => {
                    limits.lock =
                        self.first(call, "resource").or_else(|| self.argument(call, "label")).or(limits.lock)
                }
                "buildDiscarder" => {
                    let rotator = call.plain().find_map(|e| match e {
                        Expr::Call(inner) => Some(inner),
                        _ => None,
                    });
                    let days = |key: &str| {
                        let days = self.argument(rotator?, key)?.value.parse::<i64>().ok()?;
                        u32::try_from(days).ok().filter(|d| *d > 0)
                    };
                    // Artifacts go with their build if nothing else is said of them.
                    let kept = days("artifactDaysToKeepStr").or_else(|| days("artifactDaysToKeep"));
                    walk.head.retention =
                        kept.or_else(|| days("daysToKeepStr")).or_else(|| days("daysToKeep"));
                }
                "parameters" => self.parameters(listed(call), place, walk),
                "pipelineTriggers" => self.starts(listed(call), &mut walk.head),
                _ => {}
            }
        }
        limits
    }

    /// `timeout(time: 1, unit: 'HOURS')`, in minutes.
    pub(super) fn minutes(&self, call: &Call) -> Option<u32> {
        let number = call.named("time").map(|a| &a.value).or_else(|| call.plain().next())?;
        let Expr::Name(number, _) = number else { return None };
        let number: u64 = number.parse().ok()?;
        let unit = self.argument(call, "unit").map_or_else(|| "MINUTES".to_owned(), |u| u.value);
        let minutes = match unit.trim_start_matches("${").trim_end_matches('}') {
            "SECONDS" => number.div_ceil(60),
            "HOURS" => number.checked_mul(60)?,
            "DAYS" => number.checked_mul(24 * 60)?,
            "MILLISECONDS" => number.div_ceil(60_000),
            _ => number,
        };
        u32::try_from(minutes).ok()
    }
}

/// How long a job may take and what keeps its runs apart.
#[derive(Default, Clone)]
pub(super) struct Limits {
    pub(super) minutes: Option<u32>,
    pub(super) lock: Option<Spanned<String>>,
}

/// The calls in a list that a call is given.
pub(super) fn listed(call: &Call) -> impl Iterator<Item = &Call> {
    let items: &[Argument] = match call.arguments.first().map(|a| &a.value) {
        Some(Expr::List(all, _)) => all,
        _ => &call.arguments,
    };
    items.iter().filter_map(|a| match &a.value {
        Expr::Call(inner) => Some(inner.as_ref()),
        _ => None,
    })
}

/// Each line is a schedule of its own; a first line `TZ=…` is the zone of all.
fn schedules(said: &Spanned<String>, place: Span) -> Vec<Trigger> {
    let mut zone = None;
    let mut found = Vec::new();
    for line in said.value.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix("TZ=").filter(|n| !n.contains(' ')) {
            zone = Some(name.to_owned());
            continue;
        }
        let mut next = trigger(TriggerKind::Schedule, "cron", place);
        if let Ok(schedule) = Schedule::parse(line) {
            zone = schedule.zone().map(str::to_owned).or(zone);
            let fields: Vec<&str> = line.split_whitespace().collect();
            // `H` is one time of those that it stands for: only its minute leaves the hour known.
            let known = |i: usize| fields.get(i).is_some_and(|f| !f.contains('H'));
            if schedule.is_exact() && !line.starts_with('@') || fields.len() == 5 && known(1) && known(4) {
                next.fires = schedule.hours_of_the_week();
            }
        }
        next.cron = Some(Spanned::new(line.to_owned(), said.span));
        next.zone = zone.clone();
        found.push(next);
    }
    found
}

/// The calls among a block's statements.
pub(super) fn calls(block: &Block) -> impl Iterator<Item = &Call> {
    block.statements.iter().filter_map(|s| match s {
        Statement::Value { value: Expr::Call(call), .. } => Some(call.as_ref()),
        _ => None,
    })
}
