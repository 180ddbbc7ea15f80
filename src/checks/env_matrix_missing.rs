//! Environments that the manual asks for and nothing here speaks of, and those that run and no document names.

use super::definitions::passes;
use super::gates::deploys;
use crate::facts::{Basis, EffectKind, Repository, Resource, Section, Stage};
use crate::finding::Verdict;
use crate::lexicon::mentions;
use crate::parameters::{Environment, Parameters};
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let defined = defined(repository);
    // Only what is brought somewhere has environments.
    let Some(subject) = first_deploy(repository).or_else(|| first_object(repository)) else {
        verdict.not_applicable("nothing here is brought to an environment");
        return;
    };
    let table = matrix(repository);
    let mut missing = Vec::new();
    for &environment in &parameters.environments_required.values() {
        let stage = stage_of(*environment);
        let documented = table.as_ref().is_some_and(|(_, stages)| stages.contains(&stage));
        match defined.get(&stage) {
            Some(place) => verdict.satisfied(*place),
            None if documented => {}
            None => missing.push(*environment),
        }
    }
    let mut said = Vec::new();
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|e| format!("`{e}`")).collect();
        said.push(format!("Nothing here defines or describes an environment {}", names.join(" or ")));
    }
    if table.is_none() {
        said.push("No document here lists the environments with what each is for".to_owned());
    }
    if !said.is_empty() {
        let finding = verdict.open(subject, "environments", said.join(". "));
        finding.label("is brought somewhere from here");
        if let Some((table, _)) = &table {
            finding.relate(*table, "the environments are described here");
        }
    }
    if let Some((place, stages)) = table {
        for (stage, used) in &defined {
            let shared = !matches!(stage, Stage::Local | Stage::Ci | Stage::Preview);
            if shared && !stages.contains(stage) && is_deployed(repository, *stage) {
                let message = format!(
                    "The list of environments in `{}` does not name {}",
                    repository.path(place),
                    stage.name()
                );
                let finding = verdict.fail(place, format!("undocumented {}", stage.name()), message);
                finding.label("the list").relate(*used, format!("{} is used here", stage.name()));
            }
        }
    }
}

fn stage_of(environment: Environment) -> Stage {
    match environment {
        Environment::Local => Stage::Local,
        Environment::Ci => Stage::Ci,
        Environment::Development => Stage::Development,
        Environment::Integration => Stage::Integration,
        Environment::Staging => Stage::Staging,
        Environment::Production => Stage::Production,
    }
}

fn first_deploy(repository: &Repository) -> Option<Span> {
    let stages = [Stage::Production, Stage::Staging, Stage::Integration, Stage::Development];
    let node = stages.into_iter().find_map(|s| deploys(repository, s).first().copied())?;
    Some(repository.flow.job(node, &repository.facts.pipelines).place)
}

/// What infrastructure code puts into production.
fn first_object(repository: &Repository) -> Option<Span> {
    let production = |r: &&Resource| {
        let made = matches!(r.block.as_str(), "object" | "resource" | "module");
        made && r.target.as_ref().is_some_and(|t| t.is(Stage::Production)) && passes(repository, r.place)
    };
    repository.facts.resources.iter().find(production).map(|r| r.place)
}

fn is_deployed(repository: &Repository, stage: Stage) -> bool {
    deploys(repository, stage).iter().any(|node| {
        let target = repository.flow.run(*node).target.as_ref();
        target.is_some_and(|t| t.is(stage) && t.basis == Basis::Declared)
    })
}

/// The first place that defines each environment.
fn defined(repository: &Repository) -> BTreeMap<Stage, Span> {
    let mut found: BTreeMap<Stage, Span> = BTreeMap::new();
    let mut note = |stages: &[Stage], place: Span| {
        for stage in stages {
            let first = found.entry(*stage).or_insert(place);
            *first = (*first).min(place);
        }
    };
    for run in repository.flow.runs() {
        let job = &repository.facts.pipelines[run.pipeline].jobs[run.job];
        let targets = run.target.iter().chain(run.effects.iter().filter_map(|e| e.target.as_ref()));
        for target in targets {
            note(target.stage.possible(), job.place);
        }
        if run.effects.iter().any(|e| e.effect == EffectKind::Test) {
            note(&[Stage::Ci], job.place);
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| passes(repository, s.place)) {
        if let Some(target) = &setting.target {
            note(target.stage.possible(), Span::start_of(setting.place.file));
        }
    }
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        if let Some(target) = &resource.target {
            note(target.stage.possible(), resource.place);
        }
    }
    for file in &repository.files {
        let name = file.name();
        let compose = name.starts_with("docker-compose") || name.starts_with("compose.y");
        let local = compose && file.target.is_none()
            || matches!(
                name,
                ".env.example"
                    | ".env.sample"
                    | ".env.template"
                    | ".env.local"
                    | "devcontainer.json"
                    | "Vagrantfile"
                    | "Tiltfile"
                    | "skaffold.yaml"
            );
        if local && passes(repository, file.place) {
            note(&[Stage::Local], file.place);
        }
    }
    found
}

/// The section that lists the environments: at least three of them, under a heading that says so.
fn matrix(repository: &Repository) -> Option<(Span, Vec<Stage>)> {
    let speaks = |s: &&Section| {
        let heading = s.heading.rsplit(" > ").next().unwrap_or(&s.heading).to_lowercase();
        ["environment", "stages", "tiers"].iter().any(|w| heading.contains(w))
            && !heading.contains("variable")
    };
    let found = repository.facts.sections.iter().filter(speaks).filter_map(|s| {
        let below = repository
            .facts
            .sections
            .iter()
            .filter(|b| b.place.file == s.place.file && b.heading.starts_with(&s.heading));
        let mut stages = Vec::new();
        for part in below {
            let own = part.heading.get(s.heading.len()..).unwrap_or("");
            for text in [own, &part.text] {
                for stage in mentions(text, &repository.environments).stages() {
                    if !stages.contains(&stage) {
                        stages.push(stage);
                    }
                }
            }
        }
        (stages.len() >= 3).then_some((s.place, stages))
    });
    found.max_by_key(|(_, stages)| stages.len())
}
