//! What several rules ask of pipelines: what checks a change, what brings it somewhere, and who waits.

use crate::facts::{
    ArtifactKind, Basis, Command, Condition, Effect, EffectKind, Job, Node, Path, Pipeline, Repository, Run,
    Stage, Step, Tolerance, TriggerKind,
};
use crate::finding::Confidence;
use std::collections::{BTreeMap, BTreeSet};

/// Whether an effect checks the change: tests, lints, scans.
pub(super) fn is_gate(effect: &Effect) -> bool {
    matches!(effect.effect, EffectKind::Test | EffectKind::Lint | EffectKind::Scan)
}

/// The effect by which the run brings something to `stage`.
pub(super) fn deploy_to(run: &Run, stage: Stage) -> Option<&Effect> {
    deploys_to(run, stage).next()
}

/// The effects by which the run brings something to `stage`.
pub(super) fn deploys_to(run: &Run, stage: Stage) -> impl Iterator<Item = &Effect> {
    run.effects.iter().filter(move |e| {
        e.effect == EffectKind::Deploy
            && e.target.as_ref().or(run.target.as_ref()).is_some_and(|t| t.may_be(stage))
    })
}

/// The builds that may have made what the run brings to `stage`.
pub(super) fn makers(repository: &Repository, node: Node, stage: Stage) -> impl Iterator<Item = &Effect> {
    let flow = &repository.flow;
    let all = deploys_to(flow.run(node), stage)
        .flat_map(move |deploy| flow.makers(node, deploy, &repository.facts.pipelines));
    all.map(|(_, build)| build)
}

/// Whether names alone tell that two runs deploy different things: neither has an image in common with the other.
pub(super) fn deploys_another(repository: &Repository, a: Node, b: Node) -> bool {
    match (images_of(repository, a), images_of(repository, b)) {
        (Some(a), Some(b)) => a.is_disjoint(&b),
        _ => false,
    }
}

/// The images that a run deploys, if it deploys nothing else and names tell all of them.
fn images_of(repository: &Repository, node: Node) -> Option<BTreeSet<String>> {
    let effects = repository.flow.run(node).effects.iter();
    let deployed = effects.filter(|e| e.effect == EffectKind::Deploy);
    let stems = deployed.map(|e| {
        let image = e.artifact.as_ref().filter(|a| a.kind == ArtifactKind::Image)?;
        image.stem().filter(|s| !s.contains('{'))
    });
    stems.collect::<Option<BTreeSet<String>>>().filter(|all| !all.is_empty())
}

/// For each of the `asked` runs, whether all ways to it have passed one of the `marked` runs of which names do not
/// tell that it deploys something else.
pub(super) fn passed_with_the_same(
    repository: &Repository,
    asked: &[Node],
    marked: &BTreeSet<Node>,
) -> Vec<Path> {
    let mut subjects: BTreeMap<Option<BTreeSet<String>>, Vec<usize>> = BTreeMap::new();
    for (at, &node) in asked.iter().enumerate() {
        subjects.entry(images_of(repository, node)).or_default().push(at);
    }
    let subjects: Vec<_> = subjects.into_iter().collect();
    let marked: BTreeMap<Node, Option<BTreeSet<String>>> =
        marked.iter().map(|&n| (n, images_of(repository, n))).collect();
    let mut answers = vec![Path::No; asked.len()];
    for chunk in subjects.chunks(64) {
        let (mut of_any, mut by_image) = (0u64, BTreeMap::<&str, u64>::new());
        for (bit, (images, _)) in chunk.iter().enumerate() {
            match images {
                None => of_any |= 1 << bit,
                Some(all) => all.iter().for_each(|i| *by_image.entry(i).or_default() |= 1 << bit),
            }
        }
        let bits = |image: &String| by_image.get(image.as_str()).copied().unwrap_or(0);
        let through = |n: Node| match marked.get(&n) {
            None => 0,
            Some(None) => u64::MAX,
            Some(Some(images)) => images.iter().fold(of_any, |all, image| all | bits(image)),
        };
        let passing = repository.flow.passing_each(&repository.facts.pipelines, chunk.len(), through);
        for (question, (_, askers)) in chunk.iter().enumerate() {
            askers.iter().for_each(|&at| answers[at] = passing.answer(asked[at], question));
        }
    }
    answers
}

/// Whether the run goes back to an earlier version, which must not wait for anything.
pub(super) fn goes_back(run: &Run) -> bool {
    run.effects.iter().any(|e| e.effect == EffectKind::RollBack)
}

/// Runs that bring something to `stage` and do not go back: the first of each job.
pub(super) fn deploys(repository: &Repository, stage: Stage) -> Vec<Node> {
    let flow = &repository.flow;
    let mut seen = BTreeSet::new();
    flow.with_effect(EffectKind::Deploy, Some(stage))
        .into_iter()
        .filter(|&n| !goes_back(flow.run(n)) && seen.insert((flow.run(n).pipeline, flow.run(n).job)))
        .collect()
}

/// What is known of an environment by a name alone is medium at most.
pub(super) fn confidence(run: &Run, stage: Stage) -> Confidence {
    let deploy = deploy_to(run, stage);
    let target = deploy.and_then(|e| e.target.as_ref()).or(run.target.as_ref());
    match target.map(|t| t.basis) {
        Some(Basis::Declared | Basis::Host | Basis::Context) => Confidence::High,
        _ => Confidence::Medium,
    }
}

/// Whether the failure is let pass in every run.
pub(super) fn always_tolerated(tolerance: Option<&Tolerance>) -> bool {
    tolerance.is_some_and(|t| t.applies.known() == Some(&true))
}

/// Whether the step's effect can stop the pipeline.
pub(super) fn blocks(job: &Job, step: &Step, command: Option<&Command>) -> bool {
    let never = |c: Option<&Condition>| c.is_some_and(|c| c.never);
    !always_tolerated(job.tolerated.as_ref())
        && !always_tolerated(step.tolerated.as_ref())
        && !never(job.condition.as_ref())
        && !never(step.condition.as_ref())
        && command.is_none_or(|c| c.tolerated.is_none())
}

/// Every step's effects, with the command that has them.
pub(super) fn effects_of(step: &Step) -> impl Iterator<Item = (Option<&Command>, &Effect)> {
    let of_commands = step.commands.iter().flat_map(|c| c.effects.iter().map(move |e| (Some(c), e)));
    step.effects.iter().map(|e| (None, e)).chain(of_commands)
}

/// Whether nobody but a schedule or a person starts the pipeline.
pub(super) fn starts_apart(pipeline: &Pipeline) -> bool {
    !pipeline.triggers.is_empty()
        && pipeline.triggers.iter().all(|t| matches!(t.trigger, TriggerKind::Schedule | TriggerKind::Manual))
}

/// Pipelines of which what they do, or what they are called for, reaches others: it deploys or publishes.
pub(super) fn shipping(repository: &Repository) -> BTreeSet<usize> {
    let runs = repository.flow.runs();
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut roots: BTreeSet<usize> = BTreeSet::new();
    for run in runs.iter().filter(|run| brings_out(run)) {
        found.insert(run.pipeline);
        roots.insert(run.root);
    }
    found.extend(runs.iter().filter(|run| roots.contains(&run.root)).map(|run| run.pipeline));
    found
}

fn brings_out(run: &Run) -> bool {
    run.effects.iter().any(|e| match e.effect {
        EffectKind::Deploy => {
            let target = e.target.as_ref().or(run.target.as_ref());
            target.is_none_or(|t| {
                let stages = t.stage.possible();
                stages.is_empty() || stages.iter().any(|s| matches!(s, Stage::Staging | Stage::Production))
            })
        }
        EffectKind::Publish => !matches!(e.detail.as_deref(), Some("docs" | "test")),
        _ => false,
    })
}

/// Words of a name in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}
