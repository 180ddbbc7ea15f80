//! What ought to stand around a deploy and does not: criteria for its stages, a calendar of freezes, a look
//! at its configuration before, and people who are told.

use super::delivery::{Wanted, Way, doubt, ways};
use crate::facts::{Condition, EffectKind, Node, Repository, Section, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

fn speaks(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|w| text.contains(w))
}

fn section(repository: &Repository, holds: impl Fn(&Section) -> bool) -> Option<&Section> {
    repository.facts.sections.iter().find(|s| holds(s) && !repository.is_sample(s.place))
}

const CRITERIA: &[&str] = &[
    "entry criteri",
    "exit criteri",
    "entry condition",
    "exit condition",
    "entry and exit",
    "gate criteri",
    "promotion criteri",
    "release criteri",
    "go/no-go",
    "go-no-go",
    "quality gate",
    "stage gate",
];

pub(super) fn criteria(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all = ways(repository, Stage::Production);
    all.extend(ways(repository, Stage::Staging));
    let Some(first) = all.first() else { return };
    if let Some(found) = section(repository, |s| speaks(&s.heading, CRITERIA) || speaks(&s.text, CRITERIA)) {
        return verdict.satisfied(found.place);
    }
    let job = first.job(repository);
    let message = format!(
        "Nothing here says what must hold before and after the stages that lead to job `{}`",
        job.name
    );
    let finding = verdict.open(first.pipeline.place, "criteria", message);
    finding.label("its stages have no written criteria");
    finding.relate(job.place, "deploys here");
    finding.against("they may be written outside the repository");
}

const FREEZES: &[&str] = &["freeze", "blackout", "no-deploy", "no deploy"];

/// Other things that freeze.
const NO_FREEZES: &[&str] = &["pip freeze", "frozen", "freezegun", "freezer", "object.freeze", "--freeze"];

pub(super) fn freezes(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = ways(repository, Stage::Production);
    let Some(first) = all.first() else { return };
    let holds = |text: &str| speaks(text, FREEZES) && !speaks(text, NO_FREEZES);
    // Of a freeze of deploys speaks who also speaks of deploys or of a date.
    let about = |s: &Section| {
        holds(&s.heading) || holds(&s.text) && speaks(&s.text, &["deploy", "release", "production"])
    };
    let written = section(repository, about).map(|s| s.place);
    let set = || repository.facts.settings.iter().find(|s| holds(&s.path)).map(|s| s.place);
    let asked = || {
        all.iter().find_map(|way| {
            way.to.iter().find_map(|&n| {
                let job = repository.flow.job(n, &repository.facts.pipelines);
                let condition = |c: Option<&Condition>| c.is_some_and(|c| holds(&c.text));
                let step = job.steps.iter().find(|s| {
                    condition(s.condition.as_ref())
                        || holds(&s.name)
                        || s.commands.iter().any(|c| holds(&c.line))
                });
                let whole = condition(job.condition.as_ref()) || holds(&job.name);
                step.map(|s| s.place).or(whole.then_some(job.place))
            })
        })
    };
    let file = || repository.files.iter().find(|f| holds(f.name())).map(|f| f.place);
    if let Some(place) = written.or_else(set).or_else(asked).or_else(file) {
        return verdict.satisfied(place);
    }
    let job = first.job(repository);
    let message =
        format!("Nothing here says in which periods job `{}` must not deploy to production", job.name);
    let finding = verdict.open(job.place, "freeze calendar", message);
    finding.label("deploys to production in every season");
    finding.against("the calendar may be kept outside the repository, or in the server's settings");
}

const PRECHECK: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Validate,
    names: &[
        "validate",
        "validates",
        "validation",
        "precheck",
        "preflight",
        "doctor",
        "plan",
        "preconditions",
        "prerequisites",
    ],
    lines: &[
        "--dry-run",
        "dry-run",
        "helm template",
        "helm lint",
        "helm diff",
        "terraform plan",
        "terraform validate",
        "config:check",
        "check-config",
        "check_config",
        "config-check",
        "check-env",
        "check_env",
        "check --deploy",
        "nginx -t",
        "verify-config",
        "config --quiet",
        "kubeconform",
        "kubeval",
        ":?",
    ],
};

pub(super) fn precheck(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all = ways(repository, Stage::Production);
    all.extend(ways(repository, Stage::Staging));
    missing_around(
        repository,
        verdict,
        &all,
        &|way| way.to.iter().find_map(|&n| PRECHECK.shown(repository, n)),
        "config precheck",
        &|job| format!("Nothing checks the configuration before job `{job}` deploys"),
        "the application may check it when it starts",
    );
}

/// One finding for the repository: the first way that lacks it, the others related.
fn missing_around(
    repository: &Repository,
    verdict: &mut Verdict,
    all: &[Way<'_>],
    found: &dyn Fn(&Way<'_>) -> Option<Span>,
    subject: &str,
    say: &dyn Fn(&str) -> String,
    against: &str,
) {
    let mut missing: Vec<&Way<'_>> = Vec::new();
    let mut seen = BTreeSet::new();
    for way in all {
        match found(way) {
            Some(place) => verdict.satisfied(place),
            None if seen.insert(way.job(repository).place) => missing.push(way),
            None => {}
        }
    }
    let Some((first, others)) = missing.split_first() else { return };
    let job = first.job(repository);
    let finding = verdict.open(job.place, subject, say(&job.name));
    finding.label("deploys here");
    for other in others.iter().take(5) {
        finding.relate(other.job(repository).place, "likewise");
    }
    doubt(repository, finding);
    if finding.against.as_deref().is_some_and(|a| a.starts_with("it may be done")) {
        finding.against(against);
    }
}

const TELLS: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Notify,
    names: &[
        "notify",
        "notifies",
        "notification",
        "notifications",
        "slack",
        "teams",
        "discord",
        "mattermost",
        "announce",
        "announcement",
        "email",
        "mail",
        "pagerduty",
        "opsgenie",
        "statuspage",
        "alert",
        "webhook",
        "sns",
        "telegram",
        "rocketchat",
        "marker",
    ],
    lines: &["sns publish", "SLACK", "slack", "webhook", "statuspage"],
};

fn after_failure(condition: Option<&Condition>) -> bool {
    condition.is_some_and(|c| c.on_failure || c.always || c.text.contains("failure"))
}

/// The steps of a job that tell people, by number, of those that `counts` lets through: the job's condition
/// and the step's. A job that calls a pipeline elsewhere is one step.
fn telling(
    repository: &Repository,
    node: Node,
    counts: &dyn Fn(Option<&Condition>, Option<&Condition>) -> bool,
) -> Vec<(usize, Span)> {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let whole = job.condition.as_ref();
    if job.steps.is_empty() {
        let place = counts(whole, None).then(|| TELLS.shown(repository, node)).flatten();
        return place.into_iter().map(|p| (0, p)).collect();
    }
    let steps = job.steps.iter().enumerate().filter(|(_, s)| counts(whole, s.condition.as_ref()));
    steps
        .filter_map(|(i, s)| {
            let effect = s.all_effects().find(|e| (TELLS.effect)(e)).map(|e| e.place);
            Some((i, effect.or_else(|| TELLS.promised_by(s))?))
        })
        .collect()
}

pub(super) fn failure_told(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all = ways(repository, Stage::Production);
    all.extend(ways(repository, Stage::Staging));
    let on_failure =
        |job: Option<&Condition>, step: Option<&Condition>| after_failure(job) || after_failure(step);
    // An orb or a plugin is told by an input when to speak.
    let by_input = |node: Node| {
        let job = repository.flow.job(node, &repository.facts.pipelines);
        job.steps.iter().find_map(|s| {
            let block = s.uses.as_ref()?;
            let event = block.inputs.iter().find(|i| {
                let value = i.value.value.text();
                i.name.value == "event" && matches!(value.as_str(), "fail" | "always")
                    || i.name.value.contains("failure")
            })?;
            Some(event.value.span)
        })
    };
    missing_around(
        repository,
        verdict,
        &all,
        &|way| {
            way.all().find_map(|n| {
                telling(repository, n, &on_failure).first().map(|(_, p)| *p).or_else(|| by_input(n))
            })
        },
        "failure notification",
        &|job| format!("Nobody is told when the pipeline of job `{job}` fails"),
        "the service mails whoever started a run, and may be set up to tell others",
    );
}

pub(super) fn deploy_told(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let about = |s: &Section| {
        speaks(&s.heading, &["announce", "notif", "communicat", "stakeholder"])
            && speaks(&s.text, &["deploy", "release"])
    };
    if let Some(found) = section(repository, about) {
        return verdict.satisfied(found.place);
    }
    let all = ways(repository, Stage::Production);
    let on_success = |job: Option<&Condition>, step: Option<&Condition>| {
        let failing = |c: Option<&Condition>| c.is_some_and(|c| c.on_failure);
        !failing(job) && !failing(step)
    };
    let mut missing: Vec<(&Way<'_>, bool, bool)> = Vec::new();
    for way in &all {
        let (mut start, mut end) = (None, None);
        for n in way.all() {
            let job = repository.flow.job(n, &repository.facts.pipelines);
            let deploys = |s: &crate::facts::Step| s.all_effects().any(|e| e.effect == EffectKind::Deploy);
            let deploy = job.steps.iter().position(deploys).filter(|_| way.deploys.contains(&n));
            for (index, place) in telling(repository, n, &on_success) {
                let early = match deploy {
                    Some(at) => index < at,
                    None => !way.after.contains(&n) && !way.deploys.contains(&n),
                };
                if early {
                    start.get_or_insert(place)
                } else {
                    end.get_or_insert(place)
                };
            }
        }
        match (start, end) {
            (Some(_), Some(place)) => verdict.satisfied(place),
            _ => missing.push((way, start.is_some(), end.is_some())),
        }
    }
    let Some(((first, start, end), others)) = missing.split_first().map(|(f, o)| (*f, o)) else { return };
    let job = first.job(repository);
    let message = match (start, end) {
        (true, _) => format!(
            "Nobody is told that job `{}` has deployed to production, though its start is told",
            job.name
        ),
        (_, true) => {
            format!("Nobody is told before job `{}` deploys to production; its end is told", job.name)
        }
        _ => format!("Nobody is told when job `{}` deploys to production", job.name),
    };
    let finding = verdict.open(job.place, "deploy notification", message);
    finding.label("deploys to production");
    for (other, ..) in others.iter().take(5) {
        finding.relate(other.job(repository).place, "likewise");
    }
    doubt(repository, finding);
}
