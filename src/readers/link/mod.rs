//! The pass over all facts of all dialects: what commands bring about, in which environment, on which
//! artifact, who calls which script, and the order of jobs. No reader and no check guesses any of it.

mod artifacts;
mod builds;
mod callgraph;
mod composed;
mod effects;
mod flow;
mod guess;
mod outputs;
mod releases;
mod scope;
mod scripts;
mod stacks;
mod targets;
mod throwaway;

#[cfg(test)]
mod tests;

use crate::facts::{EffectKind, Repository, Script, ScriptKind};
use crate::lexicon::Lexicon;
use callgraph::CallGraph;

/// Fills in everything that takes more than one file or the lexicon to know. Facts must be sorted by
/// place, and pipelines, jobs and scripts complete except for what is described as filled in by linking.
pub(super) fn link(repository: &mut Repository, lexicon: &Lexicon) {
    let complete = repository.pipelines_complete();
    let mut facts = std::mem::take(&mut repository.facts);
    for script in &mut facts.scripts {
        name_script(script, lexicon);
    }
    outputs::hand_back(&mut facts.pipelines, repository);
    let mut graph = CallGraph::new(&facts, repository, lexicon);
    let steps = graph.pipelines();
    let commands = graph.scripts();
    let callers = graph.callers(complete && !scripts::runs_unknown_script(&facts));
    for (pipeline, jobs) in facts.pipelines.iter_mut().zip(steps) {
        for (job, steps) in pipeline.jobs.iter_mut().zip(jobs) {
            for (step, outcome) in job.steps.iter_mut().zip(steps) {
                step.effects = outcome.uses;
                for (command, effects) in step.commands.iter_mut().zip(outcome.commands) {
                    command.effects = effects;
                }
            }
        }
    }
    for ((script, effects), called) in facts.scripts.iter_mut().zip(commands).zip(callers) {
        for (command, effects) in script.commands.iter_mut().zip(effects) {
            command.effects = effects;
            for effect in command.effects.iter_mut().filter(|e| targets::bears_target(e)) {
                effect.target = targets::settle(effect.target.take(), script.target.as_ref());
            }
        }
        script.callers = called.callers;
        script.called_from = called.from;
        script.guarded |= scripts::is_guarded(script);
    }
    builds::join(&mut facts.pipelines, &repository.files);
    releases::join(&mut facts.pipelines, &repository.files);
    settle_jobs(&mut facts.pipelines, repository, lexicon);
    repository.facts.evidence = std::mem::take(&mut facts.evidence);
    super::evidence::open_gates(&mut facts.pipelines, repository);
    facts.evidence = std::mem::take(&mut repository.facts.evidence);
    super::alerts::of_resources(&mut facts);
    repository.flow = flow::build(&facts.pipelines, repository, &lexicon.environments);
    repository.facts = facts;
    let mut composed = stacks::stacks(repository);
    stacks::settle(&mut repository.facts, &repository.files, &mut composed, &lexicon.environments);
    repository.stacks = composed;
    throwaway::share(&mut repository.facts);
}

fn name_script(script: &mut Script, lexicon: &Lexicon) {
    if script.target.is_none() && script.script != ScriptKind::Image {
        script.target = targets::named_target(&script.name, script.place, &lexicon.environments);
    }
}

/// Gives each job its environment, and its effects theirs.
fn settle_jobs(pipelines: &mut [crate::facts::Pipeline], repository: &Repository, lexicon: &Lexicon) {
    for pipeline in pipelines {
        let path = repository.path(pipeline.place);
        let told: Vec<_> = pipeline
            .jobs
            .iter()
            .map(|job| targets::job_target(job, pipeline, path, &lexicon.environments))
            .collect();
        for (job, target) in pipeline.jobs.iter_mut().zip(told) {
            job.target = target;
            if job.effects().any(|e| matches!(e.effect, EffectKind::Dump | EffectKind::Backup)) {
                keep_copies(job);
            }
            if goes_back(job) {
                for effect in effects_mut(job).filter(|e| e.effect == EffectKind::Deploy) {
                    effect.effect = EffectKind::RollBack;
                }
            }
            let target = job.target.clone();
            for effect in effects_mut(job).filter(|e| targets::bears_target(e)) {
                effect.target = targets::settle(effect.target.take(), target.as_ref());
            }
        }
    }
}

fn effects_mut(job: &mut crate::facts::Job) -> impl Iterator<Item = &mut crate::facts::Effect> {
    let steps = job.steps.iter_mut();
    steps.flat_map(|s| s.effects.iter_mut().chain(s.commands.iter_mut().flat_map(|c| &mut c.effects)))
}

/// Whether a job that runs only after a failure says by its name that it takes a release back: what it deploys is
/// what ran before.
fn goes_back(job: &crate::facts::Job) -> bool {
    let named = |name: &str| {
        let name: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        name.contains("rollback") || name.contains("rollingback")
    };
    job.condition.as_ref().is_some_and(|c| c.on_failure)
        && (named(&job.id) || named(&job.name) || job.stage.as_deref().is_some_and(named))
}

/// A file that a job copies to a store after it has taken a dump or a backup is that backup, and no deploy.
fn keep_copies(job: &mut crate::facts::Job) {
    let lists = job.steps.iter_mut().flat_map(|step| {
        std::iter::once(&mut step.effects).chain(step.commands.iter_mut().map(|c| &mut c.effects))
    });
    for effects in lists {
        let copied: Vec<_> =
            effects.iter().filter(|e| e.effect == EffectKind::CopyFiles).map(|e| e.place).collect();
        effects.retain(|e| e.effect != EffectKind::Deploy || !copied.contains(&e.place));
    }
}
