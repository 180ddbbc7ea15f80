//! Tests of what was just deployed: which they are, how long they take, and what becomes of their failure.

use super::delivery::{Way, doubt, ways};
use super::gates::{always_tolerated, effects_of, words};
use crate::facts::{Command, Effect, EffectKind, How, Job, Node, Owner, Repository, Stage, Step, Tolerance};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{Span, contains_in_any_case, shorten};
use std::collections::BTreeSet;

/// Tests that call themselves smoke tests, whatever runner they use: the places of their effects.
pub(super) fn smoke_tests(repository: &Repository) -> BTreeSet<Span> {
    let says = |text: &str| {
        ["smoke", "sanity", "health", "acceptance"].iter().any(|w| contains_in_any_case(text, w))
    };
    let is_smoke = |owner: &Owner<'_>, line: &str| {
        says(line)
            || match owner {
                Owner::Step { step, .. } => says(&step.name),
                Owner::Script(script) => says(&script.name),
            }
    };
    let mut found = BTreeSet::new();
    for (owner, command) in repository.commands() {
        let tests = command.effects.iter().filter(|e| e.effect == EffectKind::Test);
        let mut tests = tests.map(|e| e.place).peekable();
        if tests.peek().is_some() && is_smoke(&owner, &command.line) {
            found.extend(tests);
        }
    }
    found
}

/// Whether an effect looks at what runs.
pub(super) fn checks_what_runs(effect: &Effect) -> bool {
    match effect.effect {
        EffectKind::Verify => true,
        EffectKind::Test => matches!(effect.detail.as_deref(), Some("e2e" | "smoke" | "integration")),
        _ => false,
    }
}

/// Words of names of jobs and steps that test what was just deployed.
const NAMES: &[&str] = &["smoke", "smoketest", "smoketests", "sanity", "postdeploy"];

fn is_named(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|w| NAMES.contains(&w.as_str()))
        || words.windows(2).any(|w| w[0] == "post" && w[1] == "deploy")
}

/// Ways to staging and production; what leads to both is met once.
fn both(repository: &Repository) -> Vec<(Stage, Way<'_>)> {
    let of = |stage| ways(repository, stage).into_iter().map(move |way| (stage, way));
    of(Stage::Production).chain(of(Stage::Staging)).collect()
}

/// Jobs of a way that come after its deploys, or deploy themselves; each once.
fn jobs_after<'r>(repository: &'r Repository, way: &Way<'r>) -> Vec<(Node, &'r Job)> {
    let mut seen = BTreeSet::new();
    let nodes = way.deploys.iter().chain(&way.after).copied();
    let jobs = nodes.map(|n| (n, repository.flow.job(n, &repository.facts.pipelines)));
    jobs.filter(|(_, job)| seen.insert(job.place)).collect()
}

fn deploys_something(job: &Job) -> bool {
    job.effects().any(|e| e.effect == EffectKind::Deploy)
}

/// Smoke tests that may take too long, or come too late.
pub(super) fn time(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let longest = parameters.smoke_max_duration.value().0;
    let latest = parameters.smoke_start_within.value().0;
    let tests = smoke_tests(repository);
    let mut seen = BTreeSet::new();
    for (_, way) in both(repository) {
        for (_, job) in jobs_after(repository, &way) {
            if !seen.insert(job.place) {
                continue;
            }
            let looks = |e: &Effect| checks_what_runs(e) || tests.contains(&e.place);
            let named = is_named(&job.id) || is_named(&job.name);
            if named && !deploys_something(job) {
                match job.timeout_minutes {
                    Some(minutes) if minutes > longest => {
                        let message = format!(
                            "Smoke tests of job `{}` may take {minutes} minutes instead of {longest}",
                            job.name
                        );
                        let finding = verdict.fail(job.place, format!("duration {}", job.id), message);
                        finding.label("its limit is longer").at_most(Confidence::Medium);
                    }
                    Some(_) => verdict.satisfied(job.place),
                    None if job.calls.is_some() => verdict.examined(job.place),
                    None => {
                        let message =
                            format!("Nothing limits the time that smoke tests of job `{}` take", job.name);
                        let finding = verdict.open(job.place, format!("duration {}", job.id), message);
                        finding.label("no limit of its own");
                        finding.against("the tests may limit themselves");
                    }
                }
            }
            waits(job, latest, &looks, verdict);
        }
    }
}

/// A pause between a deploy and the first look at what runs, in one job.
fn waits(job: &Job, latest: u32, looks: &dyn Fn(&Effect) -> bool, verdict: &mut Verdict) {
    let mut deployed = false;
    let mut pause: Option<(&Command, u64)> = None;
    let mut late = |pause: Option<(&Command, u64)>, place: Span| {
        let Some((pause, seconds)) = pause else { return };
        let minutes = seconds / 60;
        let message = format!(
            "Job `{}` looks at what it deployed only after {minutes} minutes, and {latest} are the limit",
            job.name
        );
        let finding = verdict.fail(pause.place, format!("start {}", job.id), message);
        finding.label("waits here").relate(place, "looks here");
    };
    for step in &job.steps {
        if step.effects.iter().any(|e| e.effect == EffectKind::Deploy) {
            (deployed, pause) = (true, None);
        }
        if let Some(look) = step.effects.iter().find(|e| deployed && looks(e)) {
            return late(pause, look.place);
        }
        for command in &step.commands {
            if command.effects.iter().any(|e| e.effect == EffectKind::Deploy) {
                (deployed, pause) = (true, None);
            } else if deployed && command.effects.iter().any(looks) {
                return late(pause, command.place);
            } else if let Some(seconds) = slept(command).filter(|s| deployed && *s > u64::from(latest) * 60) {
                pause.get_or_insert((command, seconds));
            }
        }
    }
}

/// Seconds that a command sleeps.
/// <https://www.gnu.org/software/coreutils/manual/html_node/sleep-invocation.html>
pub(super) fn slept(command: &Command) -> Option<u64> {
    let written = match command.program.as_str() {
        "sleep" => command.arg(0)?,
        "Start-Sleep" => command
            .args
            .iter()
            .map(|a| a.text.as_str())
            .rfind(|a| a.starts_with(|c: char| c.is_ascii_digit()))?,
        _ => return None,
    };
    seconds(written)
}

/// Seconds of `90`, `90s`, `15m`, `1h`.
pub(super) fn seconds(written: &str) -> Option<u64> {
    let digits = written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len());
    let number: u64 = written[..digits].parse().ok().filter(|n| *n < 1_000_000_000)?;
    let unit = match &written[digits..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(number * unit)
}

/// What takes a release back when smoke tests fail.
pub(super) fn failure(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let tests = smoke_tests(repository);
    let mut told = BTreeSet::new();
    for way in ways(repository, Stage::Production) {
        let looks = |e: &Effect| {
            checks_what_runs(e) || tests.contains(&e.place) || e.origin.is_some_and(|o| tests.contains(&o))
        };
        let mut first: Option<Span> = None;
        for (node, job) in jobs_after(repository, &way) {
            let from = job
                .steps
                .iter()
                .position(|s| s.all_effects().any(|e| e.effect == EffectKind::Deploy))
                .unwrap_or(0);
            for step in &job.steps[from.min(job.steps.len())..] {
                for (command, effect) in effects_of(step).filter(|(_, e)| looks(e)) {
                    first.get_or_insert(effect.place);
                    // Tests are told of by the rule on tests that cannot fail.
                    if effect.effect != EffectKind::Verify {
                        continue;
                    }
                    if let Some(let_pass) = let_pass(job, step, command).filter(|t| told.insert(t.place)) {
                        let what = command.map_or(step.name.as_str(), |c| c.line.as_str());
                        let message = format!(
                            "Job `{}` goes on whether or not `{}` finds a fault",
                            job.name,
                            shorten(what, 60)
                        );
                        let finding = verdict.fail(
                            let_pass.place,
                            format!("check {} {}", job.id, shorten(what, 60)),
                            message,
                        );
                        finding.label("its failure is let pass").at_most(Confidence::Medium);
                        if let_pass.place != effect.place && !let_pass.place.contains(effect.place) {
                            finding.relate(effect.place, "what was deployed is looked at here");
                        }
                    }
                }
            }
            let run = repository.flow.run(node);
            if job.steps.is_empty()
                && let Some(effect) = run.effects.iter().find(|e| looks(e))
            {
                first.get_or_insert(effect.origin.unwrap_or(effect.place));
            }
        }
        let Some(first) = first else { continue };
        let job = way.job(repository);
        if !told.insert(job.place) {
            continue;
        }
        if let Some(place) = goes_back(repository, &way) {
            verdict.satisfied(place);
            continue;
        }
        let message =
            format!("Nothing here takes the release of job `{}` back when its smoke test fails", job.name);
        let finding = verdict.open(job.place, format!("way back {}", job.id), message);
        finding.label("deploys to production").relate(first, "what was deployed is looked at here");
        doubt(repository, finding);
    }
}

fn let_pass<'r>(job: &'r Job, step: &'r Step, command: Option<&'r Command>) -> Option<&'r Tolerance> {
    let hides = |t: &&Tolerance| {
        !matches!(
            t.how,
            How::Condition | How::AndList | How::Background | How::Never | How::PipeMasked | How::OrOther
        )
    };
    let known = |t: Option<&'r Tolerance>| t.filter(|t| always_tolerated(Some(t))).filter(hides);
    known(job.tolerated.as_ref())
        .or_else(|| known(step.tolerated.as_ref()))
        .or_else(|| known(command.and_then(|c| c.tolerated.as_ref())))
}

/// What takes a failed release back on this way: an effect after it, a tool that does so itself, an object that aborts.
fn goes_back(repository: &Repository, way: &Way<'_>) -> Option<Span> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let effect = way.all().find_map(|n| {
        let job = flow.job(n, pipelines);
        let own = job
            .effects()
            .chain(&flow.run(n).effects)
            .find(|e| e.effect == EffectKind::RollBack)
            .map(|e| e.place);
        let atomic = || {
            let undoes = |c: &&Command| {
                c.has_flag(&[
                    "--atomic",
                    "--rollback-on-failure",
                    "--cleanup-on-fail",
                    "--auto-rollback",
                    "--rollback",
                ])
            };
            job.commands().find(undoes).map(|c| c.place)
        };
        own.or_else(atomic)
    });
    // Other jobs of the same pipeline that only run after a failure.
    let beside = || {
        let jobs = way.pipeline.jobs.iter();
        jobs.flat_map(|j| j.effects()).find(|e| e.effect == EffectKind::RollBack).map(|e| e.place)
    };
    let reconciles = || way.pipeline.dialect.reconciles().then_some(way.pipeline.place);
    let object = || {
        let aborts = |r: &&crate::facts::Resource| match r.sort.as_str() {
            "Rollout" | "Canary" => true,
            "aws_ecs_service" | "aws_codedeploy_deployment_group" => r.entries.iter().any(|e| {
                (e.path.contains("deployment_circuit_breaker") && e.key == "rollback"
                    || e.path.contains("auto_rollback"))
                    && e.setting.text() != "false"
            }),
            _ => false,
        };
        super::rollouts::own(repository).find(aborts).map(|r| r.place)
    };
    effect.or_else(beside).or_else(reconciles).or_else(object)
}

/// Flags by which runners of tests try a failed test again.
/// Playwright, Mocha and Newman; pytest-rerunfailures; Surefire; Cypress; RSpec, Vitest and nextest.
const RETRIES: &[&str] = &[
    "--retries",
    "--reruns",
    "--flake-finder",
    "--retry",
    "--retry-failed",
    "-Dsurefire.rerunFailingTestsCount",
    "-Dfailsafe.rerunFailingTestsCount",
    "--rerun-fails",
    "--flake-attempts",
];

/// Smoke tests that are tried until they pass, or of which some may fail.
pub(super) fn flaky(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let wanted = parameters.smoke_pass.value().0;
    let tests = smoke_tests(repository);
    let mut seen = BTreeSet::new();
    for (_, way) in both(repository) {
        for (_, job) in jobs_after(repository, &way) {
            let job_named = is_named(&job.id) || is_named(&job.name);
            for step in &job.steps {
                let named = job_named || is_named(&step.name);
                for command in &step.commands {
                    let runs_tests = command
                        .effects
                        .iter()
                        .any(|e| e.effect == EffectKind::Test && (named || tests.contains(&e.place)));
                    if !runs_tests || !seen.insert(command.place) {
                        continue;
                    }
                    match RETRIES.iter().find_map(|flag| Some((*flag, command.flag_value(&[flag])?))) {
                        Some((flag, value)) if value.text.rsplit('=').next() != Some("0") => {
                            let message =
                                format!("Smoke tests of job `{}` are tried again until they pass", job.name);
                            let finding =
                                verdict.fail(command.place, format!("retries {} {flag}", job.id), message);
                            finding.label(format!("`{flag}` hides a test that sometimes fails"));
                            finding.against(format!("{wanted:.0} % may pass each time all the same"));
                        }
                        _ => verdict.satisfied(command.place),
                    }
                }
                let again = step.uses.as_ref().filter(|u| {
                    matches!(
                        u.name.as_str(),
                        "nick-fields/retry" | "nick-invision/retry" | "Wandalen/wretry.action"
                    ) && (named || u.input("command").is_some_and(|c| is_named(&c.value.text())))
                });
                if let Some(block) = again.filter(|u| seen.insert(u.place)) {
                    let message =
                        format!("Smoke tests of job `{}` are tried again until they pass", job.name);
                    let finding =
                        verdict.fail(block.place, format!("retries {} {}", job.id, block.name), message);
                    finding.label("hides a test that sometimes fails");
                    finding.against("it may wait for the service to come up, which is no test");
                }
            }
        }
    }
}

/// What smoke tests look at, and the words of their files, commands and names.
const CLASSES: &[(&str, &[&str])] = &[
    ("health addresses", &["health", "ready", "live", "ping", "status"]),
    ("the login", &["login", "auth", "signin", "sign-in", "sign_in", "token", "session", "oauth"]),
    (
        "what users need most",
        &[
            "core", "critical", "journey", "checkout", "order", "search", "api", "flow", "happy", "homepage",
            "home",
        ],
    ),
    (
        "other systems",
        &["integration", "external", "webhook", "payment", "email", "third", "upstream", "connectivity"],
    ),
    (
        "reading and writing data",
        &["crud", "write", "read", "create", "database", "db", "data", "upload", "save"],
    ),
];

/// Classes of smoke tests of which nothing here speaks.
pub(super) fn coverage(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let tests = smoke_tests(repository);
    let mut said = String::new();
    let mut first: Option<(Span, String)> = None;
    for way in ways(repository, Stage::Production) {
        for (_, job) in jobs_after(repository, &way) {
            for step in &job.steps {
                for (command, effect) in effects_of(step) {
                    if !(checks_what_runs(effect) || tests.contains(&effect.place)) {
                        continue;
                    }
                    // That something has come up is known after a rollout; it is no test.
                    let line = command.map_or(step.name.as_str(), |c| c.line.as_str());
                    if ["rollout status", " wait ", "app wait"].iter().any(|w| line.contains(w)) {
                        continue;
                    }
                    first.get_or_insert_with(|| (job.place, job.name.clone()));
                    said.push_str(&format!(" {line} {} {}", step.name, job.name));
                }
            }
        }
    }
    let Some((place, name)) = first else {
        return verdict.not_applicable("no smoke test follows a production deploy");
    };
    let files = repository.files.iter().filter(|f| contains_in_any_case(&f.path, "smoke"));
    for file in files.take(200) {
        said.push(' ');
        said.push_str(&file.path);
    }
    let said = said.to_ascii_lowercase();
    let missing: Vec<&str> = CLASSES
        .iter()
        .filter(|(_, all)| !all.iter().any(|w| said.contains(w)))
        .map(|(what, _)| *what)
        .collect();
    if missing.is_empty() {
        return verdict.satisfied(place);
    }
    let message =
        format!("Nothing shows that the smoke tests of job `{name}` look at {}", missing.join(", "));
    let finding = verdict.open(place, "smoke coverage", message);
    finding.label("tests what was deployed");
    finding.against("the tests' names may not say what they look at");
}
