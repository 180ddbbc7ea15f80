//! How long and by what people and tools look at a release after it went out.

use super::delivery::{Wanted, doubt, ways};
use super::gates::words;
use super::rollouts::{canaries, own};
use super::smoke::{seconds, slept};
use crate::facts::{EffectKind, Repository, Resource, Section, Setting, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

fn sections(repository: &Repository) -> impl Iterator<Item = &Section> {
    let own = |s: &&Section| repository.is_own(s.place);
    repository.facts.sections.iter().filter(own)
}

/// Releases that are looked at for too short a time.
pub(super) fn window(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let canary = u64::from(parameters.observe_canary.value().0);
    let full = u64::from(parameters.observe_full.value().0);
    for canary_of in canaries(repository) {
        let resource = canary_of.resource;
        let title = resource.title();
        let mut short: Vec<(Span, u64)> = Vec::new();
        for (place, held) in steps(resource) {
            if held < canary * 60 { short.push((place, held)) } else { verdict.satisfied(place) }
        }
        short.sort();
        if let Some((&(place, held), others)) = short.split_first() {
            let message =
                format!("Canary `{title}` goes on after {} instead of {canary} minutes", spelled(held));
            let finding = verdict.fail(place, format!("canary {title}"), message);
            finding.label("goes on after this").at_most(Confidence::Medium);
            for (other, _) in others {
                finding.relate(*other, "this step is shorter, too");
            }
        }
    }
    monitors(repository, full, verdict);
    watches(repository, parameters, verdict);
}

/// `90 seconds`, `5 minutes`.
fn spelled(seconds: u64) -> String {
    match seconds {
        60 => "1 minute".to_owned(),
        s if s % 60 == 0 && s > 0 => format!("{} minutes", s / 60),
        s => format!("{s} seconds"),
    }
}

/// How long each step of a canary is held before the next, in seconds, as far as its file tells.
fn steps(resource: &Resource) -> Vec<(Span, u64)> {
    let known = |e: &Setting| e.setting.known().cloned();
    match resource.sort.as_str() {
        // <https://argo-rollouts.readthedocs.io/en/stable/features/canary/#pause-duration>
        "Rollout" => {
            let mut held: BTreeMap<usize, (Option<Span>, u64, bool)> = BTreeMap::new();
            let mut group = 0;
            let mut last = None;
            for entry in &resource.entries {
                let Some(rest) = entry.path.strip_prefix("spec.strategy.canary.steps.") else { continue };
                let Some((number, what)) = rest.split_once('.') else { continue };
                if what.starts_with("setWeight") && last != Some(number.to_owned()) {
                    group += 1;
                }
                last = Some(number.to_owned());
                let slot = held.entry(group).or_insert((None, 0, true));
                match what {
                    "pause.duration" => match known(entry).and_then(|w| seconds(&w)) {
                        Some(seconds) => {
                            slot.0.get_or_insert(entry.place);
                            slot.1 += seconds;
                        }
                        None => slot.2 = false,
                    },
                    // How long an analysis takes is written in its template.
                    _ if what.starts_with("analysis") || what.starts_with("experiment") => slot.2 = false,
                    _ => {}
                }
            }
            held.into_values().filter(|h| h.2).filter_map(|(place, held, _)| Some((place?, held))).collect()
        }
        // <https://docs.flagger.app/usage/how-it-works#canary-analysis>
        "Canary" => {
            let of = |path: &str| resource.entry(path);
            let Some(interval) = of("spec.analysis.interval") else { return Vec::new() };
            let Some(each) = known(interval).and_then(|w| seconds(&w)) else { return Vec::new() };
            let times =
                of("spec.analysis.iterations").and_then(|i| known(i)?.parse::<u64>().ok()).unwrap_or(1);
            vec![(interval.place, each.saturating_mul(times))]
        }
        // <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>
        "aws_codedeploy_deployment_config" => {
            let interval =
                resource.entries.iter().find(|e| e.path.contains("time_based_") && e.key == "interval");
            let minutes = interval.and_then(|i| Some((i.place, known(i)?.parse::<u64>().ok()?)));
            minutes.map(|(place, m)| (place, m.saturating_mul(60))).into_iter().collect()
        }
        "aws_codedeploy_deployment_group" => {
            let Some(entry) = resource.entry("deployment_config_name") else { return Vec::new() };
            let minutes = known(entry).and_then(|name| {
                let (_, rest) = name.split_once("Percent")?;
                let digits: String =
                    rest.trim_start_matches("Every").chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u64>().ok()
            });
            minutes.map(|m| (entry.place, m.saturating_mul(60))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Words of names of jobs and steps that look on for a while.
const LOOKS_ON: &[&str] = &["monitor", "monitoring", "observe", "observation", "bake", "soak", "watch"];

/// Jobs that look on for a time that is written.
fn monitors(repository: &Repository, full: u64, verdict: &mut Verdict) {
    let mut seen = BTreeSet::new();
    let named = |name: &str| words(name).iter().any(|w| LOOKS_ON.contains(&w.as_str()));
    for way in ways(repository, Stage::Production) {
        for &node in way.deploys.iter().chain(&way.after) {
            let job = repository.flow.job(node, &repository.facts.pipelines);
            if !seen.insert(job.place) {
                continue;
            }
            for step in job.steps.iter().filter(|s| named(&s.name) || named(&job.name) || named(&job.id)) {
                let Some((command, held)) = step.commands.iter().find_map(|c| Some((c, slept(c)?))) else {
                    continue;
                };
                // A short sleep is a step of a loop.
                if held < 60 || !command.conditions.is_empty() {
                    continue;
                }
                if held >= full * 60 {
                    verdict.satisfied(command.place);
                    continue;
                }
                let message =
                    format!("Job `{}` looks on for {} instead of {full} minutes", job.name, spelled(held));
                let finding = verdict.fail(command.place, format!("monitor {}", job.id), message);
                finding.label("looks no longer").at_most(Confidence::Medium);
                finding.against("somebody may go on looking after the pipeline");
            }
        }
    }
}

/// Whether a document says how long somebody looks.
fn watches(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let hours = parameters.observe_heightened.value().0;
    let says = |s: &&Section| {
        let text = format!("{} {}", s.heading, s.text).to_ascii_lowercase();
        let looks = ["monitor", "observe", "watch", "on-call", "on call"].iter().any(|w| text.contains(w));
        let after = ["deploy", "release", "rollout", "go-live"].iter().any(|w| text.contains(w));
        let long = ["1 hour", "one hour", "60 min", "24 hours", "24 h", "24h", "1h ", "hour after"];
        looks && after && long.iter().any(|w| text.contains(w))
    };
    if let Some(found) = sections(repository).find(says) {
        return verdict.satisfied(found.place);
    }
    let Some(first) = ways(repository, Stage::Production).into_iter().next() else { return };
    let job = first.job(repository);
    let message = format!(
        "Nothing here says who looks on for an hour, and for {hours} hours, after job `{}` has deployed",
        job.name
    );
    let finding = verdict.open(job.place, "observation", message);
    finding.label("deploys to production");
    finding.against("the runbook may lie outside the repository");
}

/// What measures for an analysis, and so gives a number that needs a limit.
const PROVIDERS: &[&str] = &[
    "prometheus",
    "datadog",
    "newRelic",
    "cloudWatch",
    "influxdb",
    "graphite",
    "wavefront",
    "web",
    "skywalking",
    "kayenta",
];

/// Releases that succeed whatever their numbers are.
pub(super) fn criteria(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut decided = None;
    for template in
        own(repository).filter(|r| matches!(r.sort.as_str(), "AnalysisTemplate" | "ClusterAnalysisTemplate"))
    {
        let mut metrics: BTreeMap<&str, (Span, bool, bool)> = BTreeMap::new();
        for entry in &template.entries {
            let Some(rest) = entry.path.strip_prefix("spec.metrics.") else { continue };
            let Some((name, what)) = rest.split_once('.') else { continue };
            let slot = metrics.entry(name).or_insert((entry.place, false, false));
            slot.1 |= matches!(what, "successCondition" | "failureCondition");
            slot.2 |=
                PROVIDERS.iter().any(|p| what.strip_prefix("provider.").is_some_and(|w| w.starts_with(p)));
        }
        for (name, (place, limited, measured)) in metrics {
            if limited {
                verdict.satisfied(place);
                decided.get_or_insert(place);
            } else if measured {
                let message =
                    format!("Metric `{name}` of `{}` passes whatever its value is", template.title());
                let finding = verdict.fail(place, format!("metric {} {name}", template.title()), message);
                finding.label("neither a condition for success nor one for failure");
            }
        }
    }
    let watched = canaries(repository).into_iter().find(|c| c.watched).map(|c| c.place);
    if decided.or(watched).is_some() {
        return;
    }
    let says = |s: &&Section| {
        let text = format!("{} {}", s.heading, s.text).to_ascii_lowercase();
        let of =
            ["success criteri", "error rate", "error budget", "slo", "rollback criteri", "rollback trigger"];
        of.iter().any(|w| text.contains(w)) && text.contains('%')
    };
    if let Some(found) = sections(repository).find(says) {
        return verdict.satisfied(found.place);
    }
    let Some(first) = ways(repository, Stage::Production).into_iter().next() else { return };
    let job = first.job(repository);
    let message = format!("No number here says when what job `{}` deploys is a success", job.name);
    let finding = verdict.open(job.place, "success criteria", message);
    finding.label("deploys to production");
    finding.against("objectives may be written outside the repository");
}

const QUERIES: Wanted = Wanted {
    effect: |_| false,
    names: &[
        "monitor",
        "monitoring",
        "observe",
        "observation",
        "metrics",
        "bake",
        "soak",
        "analysis",
        "sentry",
        "slo",
    ],
    lines: &[
        "api/v1/query",
        "promtool query",
        "api.datadoghq.com",
        "sentry.io/api",
        "cloudwatch get-metric",
        "cloudwatch describe-alarms",
        "monitoring time-series",
        "az monitor metrics",
        "api.newrelic.com",
        "nrql",
        "logcli",
        "k6 run",
    ],
};

/// Deploys after which no tool looks at errors.
pub(super) fn errors(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let analysed = canaries(repository).into_iter().find(|c| c.watched).map(|c| c.place);
    let mut told = BTreeSet::new();
    for way in ways(repository, Stage::Production) {
        let found = way.deploys.iter().chain(&way.after).find_map(|&n| QUERIES.shown(repository, n));
        let job = way.job(repository);
        if !told.insert(job.place) {
            continue;
        }
        if let Some(place) = found.or(analysed) {
            verdict.satisfied(place);
            continue;
        }
        let back = way
            .all()
            .any(|n| repository.flow.run(n).effects.iter().any(|e| e.effect == EffectKind::RollBack));
        let message = match back {
            true => format!("Nothing looks at errors after job `{}` has deployed or gone back", job.name),
            false => format!("Nothing looks at errors after job `{}` has deployed", job.name),
        };
        let finding = verdict.open(job.place, format!("errors {}", job.id), message);
        finding.label("no metric and no error tracker is asked");
        doubt(repository, finding);
    }
}
