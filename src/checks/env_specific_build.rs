//! Joins builds to the environments that their words name.

use super::gates::effects_of;
use crate::facts::{Caller, Command, EffectKind, Owner, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A word of a build that names environments.
struct Named {
    place: Span,
    tool: String,
    word: String,
    stages: BTreeSet<Stage>,
    owner: String,
    confidence: Confidence,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all: Vec<Named> = Vec::new();
    for (_, job, step) in repository.steps() {
        for (command, effect) in effects_of(step) {
            let Some(command) = command.filter(|_| is_build(effect.effect, effect.detail.as_deref())) else {
                continue;
            };
            verdict.examined(command.place);
            if all.iter().all(|n| !command.place.contains(n.place)) {
                all.extend(named(repository, command, format!("job `{}`", job.name)));
            }
        }
    }
    for (owner, command) in repository.commands() {
        let Owner::Script(script) = owner else { continue };
        let called = script.callers.contains(&Caller::Pipeline);
        if called && command.effects.iter().any(|e| is_build(e.effect, e.detail.as_deref())) {
            all.extend(named(repository, command, format!("`{}`", script.name)));
        }
    }
    let mut by_tool: BTreeMap<String, Vec<Named>> = BTreeMap::new();
    for each in all {
        by_tool.entry(each.tool.clone()).or_default().push(each);
    }
    for (tool, all) in by_tool {
        // A build for production alone is a build with optimisation; it is staging's own that differs.
        let between = |n: &&Named| n.stages.iter().any(|s| matches!(s, Stage::Staging | Stage::Integration));
        let Some(first) = all.iter().find(between) else { continue };
        let message = format!(
            "`{tool}` in {} builds for {} in particular: `{}`",
            first.owner,
            names(&first.stages),
            first.word
        );
        let finding = verdict.fail(first.place, format!("build {tool} {}", first.word), message);
        finding.at_most(first.confidence).label("follows the environment");
        for other in all.iter().filter(|n| n.place != first.place).take(4) {
            let label = format!("builds for {}", names(&other.stages));
            finding.relate(other.place, label);
        }
    }
    dockerfiles(repository, verdict);
}

fn is_build(effect: EffectKind, detail: Option<&str>) -> bool {
    effect == EffectKind::Build && !matches!(detail, Some("docs" | "test"))
}

fn names(stages: &BTreeSet<Stage>) -> String {
    stages.iter().map(|s| s.name()).collect::<Vec<_>>().join(" and ")
}

/// The first word of a build that names an environment beside production's or its own.
fn named(repository: &Repository, command: &Command, owner: String) -> Option<Named> {
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
    let words = &command.args;
    let mut candidates: Vec<(usize, String, Confidence)> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for value in word.values.iter().take(16) {
            let text = value.as_str();
            let before = at.checked_sub(1).map(|i| words[i].text.as_str()).unwrap_or("");
            if let Some((flag, given)) = text.split_once('=').filter(|(f, _)| FLAGS.contains(f)) {
                let _ = flag;
                candidates.push((at, given.to_owned(), Confidence::High));
            } else if FLAGS.contains(&before) || before == "-c" && command.line.contains("ng build") {
                candidates.push((at, text.to_owned(), Confidence::High));
            } else if before == "--build-arg" {
                if let Some((name, given)) = text.split_once('=') {
                    let name = name.to_ascii_uppercase();
                    let follows = ["ENV", "ENVIRONMENT", "STAGE", "URL", "API", "HOST", "MODE"]
                        .iter()
                        .any(|w| name.split('_').any(|p| p == *w));
                    if follows {
                        candidates.push((at, given.trim_matches('"').to_owned(), Confidence::Medium));
                    }
                }
            } else if let Some(profile) =
                text.strip_prefix("-P").filter(|p| !p.is_empty() && command.program.starts_with("mvn"))
            {
                candidates.push((at, profile.to_owned(), Confidence::Medium));
            } else if text.starts_with("build:")
                || text.starts_with("build-")
                || matches!(before, "-f" | "--file") && text.contains("Dockerfile")
            {
                candidates.push((at, text.to_owned(), Confidence::High));
            }
        }
    }
    let first = candidates.iter().find(|(_, text, _)| stage(repository, text).is_some())?.0;
    let stages: BTreeSet<Stage> =
        candidates.iter().filter(|c| c.0 == first).filter_map(|(_, t, _)| stage(repository, t)).collect();
    let confidence = candidates.iter().find(|c| c.0 == first)?.2;
    let word = &words[first];
    Some(Named { place: word.place, tool: tool(command), word: word.text.clone(), stages, owner, confidence })
}

fn stage(repository: &Repository, text: &str) -> Option<Stage> {
    repository.stage_of(text).filter(|s| matches!(s, Stage::Staging | Stage::Integration | Stage::Production))
}

/// The program, with its sub-command if it has one.
fn tool(command: &Command) -> String {
    match command.arg(0).filter(|w| w.bytes().all(|b| b.is_ascii_lowercase())) {
        Some(sub) => format!("{} {sub}", command.program),
        None => command.program.clone(),
    }
}

/// `Dockerfile.staging` beside `Dockerfile.prod`.
fn dockerfiles(repository: &Repository, verdict: &mut Verdict) {
    type Found<'a> = (Stage, Span, &'a str);
    // By folder, and what the name says besides the environment.
    let mut folders: BTreeMap<(&str, String), Vec<Found<'_>>> = BTreeMap::new();
    for file in &repository.files {
        let name = file.name();
        let lower = name.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("dockerfile.").or_else(|| lower.strip_suffix(".dockerfile"))
        else {
            continue;
        };
        let Some(found) = stage(repository, rest) else { continue };
        let folder = file.path.strip_suffix(name).unwrap_or("");
        let base: String = super::gates::words(rest)
            .into_iter()
            .filter(|w| stage(repository, w).is_none())
            .collect::<Vec<_>>()
            .join("-");
        folders.entry((folder, base)).or_default().push((found, file.place, file.path.as_str()));
    }
    for all in folders.into_values() {
        let Some(staging) = all.iter().find(|f| f.0 != Stage::Production) else { continue };
        let Some(production) = all.iter().find(|f| f.0 == Stage::Production) else { continue };
        let message = format!("`{}` and `{}` make different images of one thing", staging.2, production.2);
        let finding = verdict.fail(staging.1, format!("file {}", staging.2), message);
        finding.at_most(Confidence::Medium).label("one environment's own image");
        finding.relate(production.1, "production's");
    }
}
