//! Joins builds to the environments that their words name, or whose variables they follow.

use super::gates::effects_of;
use super::own_builds;
use crate::facts::{
    Basis, Caller, Command, EffectKind, Job, Owner, Pipeline, Repository, Setting, Stage, Step, Value,
};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::variables::is_environment_name;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A word of a build that names environments.
pub(super) struct Named {
    pub place: Span,
    pub tool: String,
    pub word: String,
    /// The environments that are named; none if a variable tells.
    pub stages: BTreeSet<Stage>,
    pub owner: String,
    pub confidence: Confidence,
}

/// Flags whose value chooses what is built.
const FLAGS: &[&str] = &[
    "--mode",
    "--configuration",
    "--env",
    "--environment",
    "--flavor",
    "--flavour",
    "--stage",
    "--env.name",
];

/// Words of a build argument's name that say that its value belongs to one environment.
const FOLLOWING: &[&str] = &["ENV", "ENVIRONMENT", "STAGE", "URL", "API", "HOST", "MODE"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all: Vec<Named> = Vec::new();
    for (pipeline, job, step) in repository.steps() {
        let around = Around { repository, settings: settings(pipeline, job, step), job: Some(job) };
        for (command, effect) in effects_of(step) {
            if !is_build(effect.effect, effect.detail.as_deref()) {
                continue;
            }
            let owner = format!("job `{}`", job.name);
            match command {
                Some(command) => {
                    verdict.examined(command.place);
                    if all.iter().all(|n| !command.place.contains(n.place)) {
                        all.extend(around.named(command, owner));
                    }
                }
                None => all.extend(around.of_inputs(step, owner)),
            }
        }
    }
    for (owner, command) in repository.commands() {
        let Owner::Script(script) = owner else { continue };
        let called = script.callers.contains(&Caller::Pipeline);
        if called && command.effects.iter().any(|e| is_build(e.effect, e.detail.as_deref())) {
            let around = Around { repository, settings: Vec::new(), job: None };
            all.extend(around.named(command, format!("`{}`", script.name)));
        }
    }
    let rebuilt = super::rebuild_per_environment::places(repository);
    let mut by_tool: BTreeMap<String, Vec<Named>> = BTreeMap::new();
    for each in all.into_iter().chain(own_builds::named(repository)) {
        by_tool.entry(each.tool.clone()).or_default().push(each);
    }
    for (tool, all) in by_tool {
        // A build for production alone is a build with optimisation; it is staging's own that differs.
        let between = |n: &&Named| {
            let stages = || n.stages.iter().any(|s| matches!(s, Stage::Staging | Stage::Integration));
            n.stages.is_empty() || stages()
        };
        let Some(first) = all.iter().find(between) else { continue };
        if all.iter().any(|n| rebuilt.iter().any(|r| r.contains(n.place))) {
            continue;
        }
        let environments = match first.stages.is_empty() {
            true => "whichever environment it runs for".to_owned(),
            false => format!("{} in particular", names(&first.stages)),
        };
        let message = format!("`{tool}` in {} builds for {environments}: `{}`", first.owner, first.word);
        let finding = verdict.fail(first.place, format!("build {tool} {}", first.word), message);
        finding.at_most(first.confidence).label("follows the environment");
        for other in all.iter().filter(|n| n.place != first.place).take(4) {
            let label = match other.stages.is_empty() {
                true => "this, too".to_owned(),
                false => format!("builds for {}", names(&other.stages)),
            };
            finding.relate(other.place, label);
        }
    }
    own_builds::dockerfiles(repository, verdict);
    own_builds::matrices(repository, &rebuilt, verdict);
}

pub(super) fn is_build(effect: EffectKind, detail: Option<&str>) -> bool {
    effect == EffectKind::Build && !matches!(detail, Some("docs" | "test"))
}

fn names(stages: &BTreeSet<Stage>) -> String {
    stages.iter().map(|s| s.name()).collect::<Vec<_>>().join(" and ")
}

fn settings<'r>(pipeline: &'r Pipeline, job: &'r Job, step: &'r Step) -> Vec<&'r Setting> {
    step.settings.iter().chain(&job.settings).chain(&pipeline.settings).collect()
}

/// The environments between a developer's machine and users, and production.
pub(super) fn stage(repository: &Repository, text: &str) -> Option<Stage> {
    repository.stage_of(text).filter(|s| matches!(s, Stage::Staging | Stage::Integration | Stage::Production))
}

/// What a build's words can refer to.
struct Around<'r> {
    repository: &'r Repository,
    settings: Vec<&'r Setting>,
    job: Option<&'r Job>,
}

/// What a word says of environments.
enum Told {
    /// It names one.
    Stage(Stage),
    /// It holds a variable whose value is one.
    Follows,
    Nothing,
}

impl Around<'_> {
    fn told(&self, text: &str) -> Told {
        if let Some(stage) = stage(self.repository, text) {
            return Told::Stage(stage);
        }
        for name in variables(text) {
            // GitLab gives these to jobs that declare an environment; to others they are empty.
            let declares = |job: &Job| job.target.as_ref().is_some_and(|t| t.basis == Basis::Declared);
            if name.starts_with("CI_ENVIRONMENT_") && !self.job.is_some_and(declares) {
                continue;
            }
            let last = name.rsplit('.').next().unwrap_or(name);
            let dimension = name.strip_prefix("matrix.").and_then(|d| {
                self.job.and_then(|job| job.dimensions.iter().find(|(n, _)| n == d)).map(|(_, v)| v.clone())
            });
            let known = dimension.or_else(|| {
                let setting = self.settings.iter().find(|s| s.key == last)?;
                match &setting.setting {
                    Value::Known(_) | Value::OneOf(_) => Some(setting.setting.possible().to_vec()),
                    _ => None,
                }
            });
            match known {
                Some(values) => {
                    let stages: BTreeSet<Stage> =
                        values.iter().filter_map(|v| stage(self.repository, v)).collect();
                    match stages.into_iter().collect::<Vec<_>>().as_slice() {
                        [] => {}
                        [one] => return Told::Stage(*one),
                        _ => return Told::Follows,
                    }
                }
                None if is_environment_name(name) => return Told::Follows,
                None => {}
            }
        }
        Told::Nothing
    }

    /// The first word of a build that names an environment beside production's or its own.
    fn named(&self, command: &Command, owner: String) -> Option<Named> {
        let words = &command.args;
        let mut candidates: Vec<(Span, String, String, Confidence)> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            for value in word.values.iter().map(String::as_str).chain([word.text.as_str()]).take(16) {
                let before = at.checked_sub(1).map(|i| words[i].text.as_str()).unwrap_or("");
                if let Some((given, confidence)) = chosen(command, before, value) {
                    candidates.push((word.place, word.text.clone(), given.to_owned(), confidence));
                }
            }
        }
        for assignment in &command.assignments {
            if names_environment(&assignment.name) {
                let (word, value) = (&assignment.word, assignment.word.text.clone());
                let shown = format!("{}={value}", assignment.name);
                candidates.push((word.place, shown, value, Confidence::High));
            }
        }
        self.judge(candidates, tool(command), owner)
    }

    /// Build arguments and the file that a building block is given.
    fn of_inputs(&self, step: &Step, owner: String) -> Option<Named> {
        let used = step.uses.as_ref()?;
        let mut candidates = Vec::new();
        if let Some(arguments) = used.input("build-args").or(used.input("build_args")) {
            for line in arguments.value.text().lines().map(str::trim) {
                if let Some((given, confidence)) = argument(line) {
                    candidates.push((arguments.span, line.to_owned(), given.to_owned(), confidence));
                }
            }
        }
        if let Some(file) = used.input("file") {
            let text = file.value.text();
            candidates.push((file.span, text.clone(), text, Confidence::High));
        }
        self.judge(candidates, used.name.clone(), owner)
    }

    fn judge(
        &self,
        candidates: Vec<(Span, String, String, Confidence)>,
        tool: String,
        owner: String,
    ) -> Option<Named> {
        let told: Vec<Told> = candidates.iter().map(|(_, _, given, _)| self.told(given)).collect();
        let first = told.iter().position(|t| !matches!(t, Told::Nothing))?;
        let (place, word, _, confidence) = &candidates[first];
        let same = candidates.iter().zip(&told).filter(|((p, w, ..), _)| p == place && w == word);
        let mut stages = BTreeSet::new();
        let mut follows = false;
        for (_, told) in same {
            match told {
                Told::Stage(stage) => {
                    stages.insert(*stage);
                }
                Told::Follows => follows = true,
                Told::Nothing => {}
            }
        }
        if follows {
            stages.clear();
        }
        let confidence = if follows { Confidence::Medium } else { *confidence };
        Some(Named { place: *place, tool, word: word.clone(), stages, owner, confidence })
    }
}

/// What a word of a build chooses, if it is one that chooses.
fn chosen<'w>(command: &Command, before: &str, text: &'w str) -> Option<(&'w str, Confidence)> {
    if let Some((_, given)) = text.split_once('=').filter(|(f, _)| FLAGS.contains(f)) {
        return Some((given, Confidence::High));
    }
    let angular = before == "-c" && command.line.contains("ng build");
    let dotnet = before == "-c" && command.program == "dotnet";
    if FLAGS.contains(&before) || angular || dotnet {
        return Some((text, Confidence::High));
    }
    if before == "--build-arg" {
        return argument(text);
    }
    if let Some(given) = text.strip_prefix("--build-arg=") {
        return argument(given);
    }
    let maven = command.program.starts_with("mvn");
    let gradle = command.program.starts_with("gradle");
    if let Some(profile) = text.strip_prefix("-P").filter(|p| !p.is_empty() && (maven || gradle)) {
        let (name, value) = profile.split_once('=').unwrap_or(("", profile));
        let meant =
            maven && name.is_empty() || names_environment(name) || name.eq_ignore_ascii_case("profile");
        return meant.then_some((value, Confidence::Medium));
    }
    let script = text.starts_with("build:") || text.starts_with("build-");
    // `Dockerfile.integration` is an image for tests.
    let file = matches!(before, "-f" | "--file")
        && text.contains("Dockerfile")
        && !text.to_ascii_lowercase().contains("integration");
    (script || file).then_some((text, Confidence::High))
}

/// The value of a build argument that belongs to one environment.
fn argument(text: &str) -> Option<(&str, Confidence)> {
    let (name, given) = text.split_once('=')?;
    let upper = name.to_ascii_uppercase();
    let follows = FOLLOWING.iter().any(|w| upper.split('_').any(|p| p == *w));
    follows.then_some((given.trim_matches('"'), Confidence::Medium))
}

fn names_environment(name: &str) -> bool {
    is_environment_name(name)
        || name.rsplit_once('_').is_some_and(|(_, last)| matches!(last, "ENV" | "ENVIRONMENT" | "STAGE"))
}

/// Names of variables in a text: `$STAGE`, `${STAGE}`, `${{ inputs.environment }}`, `$(env)`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(['{', '(', ' ']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-'));
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then_some(name)
    })
}

/// The program, with its sub-command if it has one.
fn tool(command: &Command) -> String {
    match command.arg(0).filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase())) {
        Some(sub) => format!("{} {sub}", command.program),
        None => command.program.clone(),
    }
}
