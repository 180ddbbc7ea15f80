//! Joins a step's tests to everything that lets their failure pass: keys, `|| true`, flags, `if: false`.

use super::gates::{always_tolerated, blocks, effects_of, is_gate, shipping, starts_apart, words};
use crate::facts::{
    Caller, Command, Effect, EffectKind, How, Job, Pipeline, Repository, Script, Step, Tolerance,
};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{Span, shorten};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let shipping = shipping(repository);
    for (index, pipeline) in repository.facts.pipelines.iter().enumerate() {
        // What a schedule finds out by night holds nothing up, and need not.
        if starts_apart(pipeline) && !shipping.contains(&index) {
            continue;
        }
        for job in &pipeline.jobs {
            judge_job(repository, pipeline, job, verdict);
        }
        commented_tests(repository, pipeline, verdict);
    }
    for script in repository.facts.scripts.iter().filter(|s| s.callers.contains(&Caller::Pipeline)) {
        judge_script(script, verdict);
    }
}

/// A way in which failures are let pass.
struct Leak {
    place: Span,
    label: &'static str,
    how: How,
    confidence: Confidence,
}

fn judge_job(repository: &Repository, pipeline: &Pipeline, job: &Job, verdict: &mut Verdict) {
    let gates = || job.steps.iter().flat_map(|s| effects_of(s).filter(|(_, e)| is_gate(e)));
    let Some((_, first)) = gates().next() else {
        job.steps.iter().for_each(|step| skipped_by_flag(repository, job, step, verdict));
        return;
    };
    verdict.examined(job.place);
    let advisory =
        || gates().all(|(_, e)| has_blocking_sibling(repository, pipeline, e, &[&job.id, &job.name]));
    let whole = job
        .tolerated
        .as_ref()
        .filter(|t| always_tolerated(Some(t)))
        .map(|t| (t.place, "a failure of this job is let pass"))
        .or(job.condition.as_ref().filter(|c| c.never).map(|c| (c.place, "this never holds")));
    if let Some((place, label)) = whole {
        // What also deploys or builds is not a gate by itself: its failure is seen by what comes after.
        if !advisory() && !outcome_is_read(pipeline, &job.id) {
            let never = job.condition.as_ref().is_some_and(|c| c.never);
            let message = if never {
                format!("Job `{}` {}, but is switched off", job.name, does(first))
            } else {
                format!("Job `{}` {}, but its failure does not stop the pipeline", job.name, does(first))
            };
            let finding = verdict.fail(place, format!("job {}", job.id), message);
            finding.label(label);
            if first.place != place {
                finding.relate(first.place, "what can no longer fail");
            }
        }
        return;
    }
    let before = verdict.findings.len();
    for step in &job.steps {
        judge_step(repository, pipeline, job, step, verdict);
    }
    if verdict.findings.len() == before {
        verdict.satisfied(job.place);
    }
}

fn judge_step(repository: &Repository, pipeline: &Pipeline, job: &Job, step: &Step, verdict: &mut Verdict) {
    let gates: Vec<(Option<&Command>, &Effect)> = effects_of(step).filter(|(_, e)| is_gate(e)).collect();
    let names = [job.id.as_str(), job.name.as_str(), step.name.as_str()];
    let advisory = |e: &Effect| has_blocking_sibling(repository, pipeline, e, &names);
    if let Some((_, first)) = gates.first() {
        let whole = step
            .tolerated
            .as_ref()
            .filter(|t| always_tolerated(Some(t)))
            .map(|t| {
                (t.place, "a failure of this step is let pass", "but its failure does not stop the pipeline")
            })
            .or(step
                .condition
                .as_ref()
                .filter(|c| c.never)
                .map(|c| (c.place, "this never holds", "but is switched off")));
        if let Some((place, label, but)) = whole {
            let read = step.id.as_deref().is_some_and(|id| outcome_is_read(pipeline, id));
            if !read && !gates.iter().all(|(_, e)| advisory(e)) {
                let message = format!("Step `{}` {}, {but}", step.name, does(first));
                verdict.fail(place, subject(job, step), message).label(label);
            }
            return;
        }
    }
    let leaks = |command: &Command| leak(command, &step.commands);
    let mut found = step
        .commands
        .iter()
        .filter_map(|c| Some((c, c.effects.iter().find(|e| is_gate(e))?)))
        .filter(|(_, e)| !advisory(e))
        .filter_map(|(c, e)| Some((c, e, leaks(c)?)));
    let Some((command, effect, first)) = found.next() else {
        skipped_by_flag(repository, job, step, verdict);
        return;
    };
    let message = format!(
        "`{}` {} in job `{}`, but its failure does not stop the pipeline",
        shorten(&command.line, 48),
        does(effect),
        job.name
    );
    let finding = verdict.fail(first.place, subject(job, step), message);
    finding.at_most(first.confidence).label(first.label);
    for (_, _, more) in found {
        finding.relate(more.place, more.label);
    }
}

fn judge_script(script: &Script, verdict: &mut Verdict) {
    let mut found = script.commands.iter().filter_map(|c| {
        let effect = c.effects.iter().find(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint))?;
        Some((c, effect, leak(c, &script.commands).filter(|l| l.how != How::AndList)?))
    });
    let Some((command, effect, first)) = found.next() else { return };
    let message = format!(
        "`{}` {} in `{}`, which a pipeline runs, but its failure is let pass",
        shorten(&command.line, 48),
        does(effect),
        script.name
    );
    let finding = verdict.fail(first.place, format!("script {}", script.name), message);
    finding.at_most(first.confidence.min(Confidence::Medium)).label(first.label);
    if let Some(&from) = script.called_from.first() {
        finding.relate(from, "a pipeline runs it from here");
    }
    for (_, _, more) in found {
        finding.relate(more.place, more.label);
    }
}

/// How the failure of a test command is let pass, if it is.
fn leak(command: &Command, all: &[Command]) -> Option<Leak> {
    let by_flag = tolerant_flag(command);
    if let Some((place, confidence)) = by_flag {
        let label = "with this it always succeeds";
        return Some(Leak { place, label, how: How::Flag, confidence });
    }
    let tolerance = command.tolerated.as_ref()?;
    let (label, confidence) = match tolerance.how {
        How::OrTrue | How::ThenTrue => ("its failure is let pass here", Confidence::High),
        How::OrOther if only_talks(tolerance, command, all) => {
            ("its failure is only told of here", Confidence::High)
        }
        How::SetPlusE => ("from here on failures do not end the script", Confidence::Medium),
        How::AndList => {
            ("a failure inside `&&` does not end the script: what follows decides", Confidence::Medium)
        }
        How::PipeMasked if is_cut_off(command, all) => {
            ("the last command of the pipe decides, not the tests", Confidence::Medium)
        }
        How::Dash => ("the `-` lets its failure pass", Confidence::High),
        _ => return None,
    };
    (tolerance.applies.known() == Some(&true)).then_some(Leak {
        place: tolerance.place,
        label,
        how: tolerance.how,
        confidence,
    })
}

/// `npm test || echo failed`: the handler prints, and does nothing else.
fn only_talks(tolerance: &Tolerance, command: &Command, all: &[Command]) -> bool {
    let mut handler = all
        .iter()
        .filter(|c| c.place.start >= command.place.end && tolerance.place.contains(c.place))
        .peekable();
    handler.peek().is_some()
        && handler.all(|c| matches!(c.program.as_str(), "echo" | "printf" | "true" | ":" | "cat"))
}

/// Its output goes into a program that knows nothing of failures.
fn is_cut_off(command: &Command, all: &[Command]) -> bool {
    let Some((list, at)) = command.pipeline else { return false };
    let runs_tests = command.effects.iter().any(|e| e.effect == EffectKind::Test);
    let next = all.iter().find(|c| c.pipeline == Some((list, at + 1)));
    runs_tests
        && next.is_some_and(|c| {
            matches!(
                c.program.as_str(),
                "tee" | "cat" | "sed" | "awk" | "ts" | "head" | "tail" | "xcpretty" | "xcbeautify"
            )
        })
}

/// Flags by which a tool succeeds whatever it finds. Scanners' are another rule's.
fn tolerant_flag(command: &Command) -> Option<(Span, Confidence)> {
    const FLAGS: &[(&str, &[&str], Confidence)] = &[
        ("flake8", &["--exit-zero"], Confidence::High),
        ("ruff", &["--exit-zero", "-e"], Confidence::High),
        ("pylint", &["--exit-zero"], Confidence::High),
        ("golangci-lint", &["--issues-exit-code=0"], Confidence::High),
        ("hadolint", &["--no-fail"], Confidence::High),
        ("rspec", &["--failure-exit-code=0"], Confidence::High),
        (
            "mvn",
            &["-Dmaven.test.failure.ignore", "-Dmaven.test.failure.ignore=true", "-fn", "--fail-never"],
            Confidence::High,
        ),
        ("jest", &["--passWithNoTests"], Confidence::Low),
        ("vitest", &["--passWithNoTests"], Confidence::Low),
    ];
    command.effects.iter().find(|e| is_gate(e))?;
    let mut words =
        std::iter::once(command.program.as_str()).chain(command.args.iter().map(|w| w.text.as_str()));
    FLAGS.iter().find_map(|(tool, flags, confidence)| {
        words.clone().take(4).any(|w| w == *tool).then_some(())?;
        let word = command.args.iter().find(|w| flags.contains(&w.text.as_str()))?;
        // Ruff's `-e` is that of `check` alone.
        (word.text != "-e" || words.any(|w| w == "check")).then_some((word.place, *confidence))
    })
}

/// A build that leaves its tests out, in a repository where no pipeline runs any.
fn skipped_by_flag(repository: &Repository, job: &Job, step: &Step, verdict: &mut Verdict) {
    const FLAGS: &[&str] =
        &["-DskipTests", "-DskipTests=true", "-Dmaven.test.skip", "-Dmaven.test.skip=true", "-PskipTests"];
    let skips = |c: &Command| {
        let plain = c.args.iter().find(|w| FLAGS.contains(&w.text.as_str()));
        let excluded = || {
            let at = c.args.iter().position(|w| matches!(w.text.as_str(), "-x" | "--exclude-task"))?;
            c.args.get(at + 1).filter(|w| w.text == "test" && c.program.starts_with("gradle"))
        };
        plain.or_else(excluded).map(|w| w.place)
    };
    let found = step.commands.iter().find_map(|c| {
        let tool = matches!(c.program.as_str(), "mvn" | "mvnw" | "gradle" | "gradlew");
        Some((c, skips(c).filter(|_| tool)?))
    });
    let tests = |job: &Job, step: &Step| {
        effects_of(step).any(|(c, e)| e.effect == EffectKind::Test && blocks(job, step, c))
    };
    if let Some((command, place)) = found
        && !repository.steps().any(|(_, j, s)| tests(j, s))
    {
        let message =
            format!("`{}` leaves the tests out, and no pipeline runs them", shorten(&command.line, 48));
        let finding = verdict.fail(place, subject(job, step), message);
        finding.at_most(Confidence::Medium).label("without tests");
    }
}

/// Commented-out steps that ran tests which nothing runs any more.
fn commented_tests(repository: &Repository, pipeline: &Pipeline, verdict: &mut Verdict) {
    // A file may hold several pipelines.
    let here = |p: &&Pipeline| p.place.file == pipeline.place.file && !pipeline.commented.is_empty();
    let jobs = repository.facts.pipelines.iter().filter(here).flat_map(|p| &p.jobs);
    let active: Vec<&str> = jobs.flat_map(Job::commands).map(|c| c.line.as_str()).collect();
    for comment in &pipeline.commented {
        let text = comment.value.trim_start_matches("run:").trim().trim_matches(['"', '\'']);
        let Some(runner) = runner(text) else { continue };
        if active.iter().any(|line| line.contains(runner)) {
            continue;
        }
        let message =
            format!("`{}` is commented out, and `{}` runs it nowhere else", shorten(text, 48), pipeline.name);
        let finding = verdict.fail(comment.span, format!("comment {runner}"), message);
        finding.at_most(Confidence::Medium).label("a test step, switched off");
    }
}

/// The test runner that a line calls.
fn runner(line: &str) -> Option<&'static str> {
    const RUNNERS: &[&str] = &[
        "npm test",
        "npm run test",
        "npm t",
        "yarn test",
        "yarn run test",
        "pnpm test",
        "pnpm run test",
        "bun test",
        "deno test",
        "npx jest",
        "npx vitest",
        "jest",
        "vitest",
        "pytest",
        "tox",
        "nox",
        "python -m pytest",
        "python -m unittest",
        "python manage.py test",
        "poetry run pytest",
        "uv run pytest",
        "go test",
        "cargo test",
        "cargo nextest",
        "mvn test",
        "mvn verify",
        "./mvnw test",
        "./mvnw verify",
        "gradle test",
        "./gradlew test",
        "./gradlew check",
        "dotnet test",
        "bundle exec rspec",
        "rspec",
        "vendor/bin/phpunit",
        "phpunit",
        "make test",
        "make check",
        "ctest",
        "mix test",
        "sbt test",
        "swift test",
        "flutter test",
        "bazel test",
        "npx cypress run",
        "cypress run",
        "npx playwright test",
    ];
    RUNNERS
        .iter()
        .find(|r| {
            line.strip_prefix(**r).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(' ') || **r != "npm t" && rest.starts_with(':')
            }) && !is_prose(line)
        })
        .copied()
}

/// A sentence, not a command.
fn is_prose(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words
        .iter()
        .filter(|w| matches!(**w, "the" | "is" | "are" | "to" | "and" | "because" | "when" | "a"))
        .count()
        > 1
        || line.ends_with('.')
}

/// Whether an advisory check stands beside one that blocks: of the same kind for scans and lints, of any
/// test in the same pipeline if the name says that it is a trial.
fn has_blocking_sibling(
    repository: &Repository,
    pipeline: &Pipeline,
    effect: &Effect,
    names: &[&str],
) -> bool {
    // A test that a person may start besides holds nothing up by intent.
    let asked_for = pipeline.jobs.iter().any(|j| names.contains(&j.id.as_str()) && !j.gates.is_empty());
    let trial = names.iter().flat_map(|n| words(n)).any(|w| {
        matches!(
            w.as_str(),
            "experimental"
                | "nightly"
                | "canary"
                | "optional"
                | "advisory"
                | "informational"
                | "allowed"
                | "beta"
                | "next"
                | "unstable"
                | "flaky"
                | "benchmark"
                | "benchmarks"
                | "coverage"
                | "preview"
        )
    });
    if effect.effect == EffectKind::Test && !trial && !asked_for {
        return false;
    }
    repository.steps().any(|(p, j, s)| {
        (effect.effect != EffectKind::Test || p.place == pipeline.place)
            && effects_of(s).any(|(c, e)| {
                e.effect == effect.effect
                    // Jobs that extend one template share its words.
                    && (e.place != effect.place || !names.contains(&j.id.as_str()))
                    && c.is_none_or(|c| tolerant_flag(c).is_none())
                    && (e.effect != EffectKind::Scan || e.detail == effect.detail)
                    && (e.effect != EffectKind::Lint || e.tool == effect.tool)
                    && blocks(j, s, c)
            })
    })
}

/// Whether a later step or job looks at how the step or job with this id ended.
fn outcome_is_read(pipeline: &Pipeline, id: &str) -> bool {
    let wanted =
        [format!("steps.{id}.outcome"), format!("steps.{id}.conclusion"), format!("needs.{id}.result")];
    let reads = |text: &str| wanted.iter().any(|w| text.contains(w.as_str()));
    pipeline.jobs.iter().any(|job| {
        job.condition.as_ref().is_some_and(|c| reads(&c.text))
            || job.steps.iter().any(|s| {
                s.condition.as_ref().is_some_and(|c| reads(&c.text))
                    || s.commands.iter().any(|c| reads(&c.line))
                    || s.settings.iter().any(|v| reads(&v.setting.text()))
                    || s.uses.iter().flat_map(|u| &u.inputs).any(|i| reads(&i.value.value.text()))
            })
    })
}

fn subject(job: &Job, step: &Step) -> String {
    format!("job {} step {}", job.id, step.name)
}

fn does(effect: &Effect) -> &'static str {
    match effect.effect {
        EffectKind::Lint => "lints",
        EffectKind::Scan => "scans",
        _ => "tests",
    }
}
