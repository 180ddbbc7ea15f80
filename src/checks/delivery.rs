//! The ways on which a change is delivered, and what is done on them. Shared by rules on what is absent:
//! they say what was looked at, and what could not be.

use super::gates::{deploys, words};
use super::rollbacks::is_upkeep;
use crate::facts::{Effect, Job, Node, Pipeline, Repository, Role, Stage, Step, Use};
use crate::finding::{Confidence, Finding, Verdict};
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// All ways of one pipeline to an environment: its triggers start them.
pub(super) struct Way<'r> {
    /// The pipeline whose triggers start it.
    pub pipeline: &'r Pipeline,
    /// Runs that deploy; the first is the one to speak of.
    pub deploys: Vec<Node>,
    /// They, and every run that comes before them.
    pub to: Vec<Node>,
    /// Every run that comes after a deploy.
    pub after: Vec<Node>,
}

impl Way<'_> {
    /// The job to speak of: the first that deploys.
    pub(super) fn job<'r>(&self, repository: &'r Repository) -> &'r Job {
        repository.flow.job(self.deploys[0], &repository.facts.pipelines)
    }

    /// Everything that takes part, the deploys and what follows included.
    pub(super) fn all(&self) -> impl Iterator<Item = Node> {
        self.to.iter().chain(&self.after).copied()
    }
}

/// The ways to `stage`, one for each pipeline that starts one. What several pipelines call is told once.
pub(super) fn ways(repository: &Repository, stage: Stage) -> Vec<Way<'_>> {
    let flow = &repository.flow;
    let mut by_root: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    for node in deploys(repository, stage) {
        let job = flow.job(node, &repository.facts.pipelines);
        if is_upkeep(&job.name) {
            continue;
        }
        by_root.entry(flow.run(node).root).or_default().push(node);
    }
    let ways = by_root.into_iter().map(|(root, deploys)| {
        let mut to = deploys.clone();
        to.extend(flow.before_any(&deploys));
        let after = flow.after_any(&deploys);
        Way { pipeline: &repository.facts.pipelines[root], deploys, to, after }
    });
    ways.collect()
}

/// What a rule looks for: effects, or names that promise them.
pub(super) struct Wanted {
    /// Effects that are it.
    pub effect: fn(&Effect) -> bool,
    /// Words of names of jobs, steps, scripts and building blocks that promise it.
    pub names: &'static [&'static str],
    /// Parts of a command's line that are it.
    pub lines: &'static [&'static str],
}

impl Wanted {
    /// Where the run does it, or says that it does.
    pub(super) fn shown(&self, repository: &Repository, node: Node) -> Option<Span> {
        let run = repository.flow.run(node);
        let effect = run.effects.iter().find(|e| (self.effect)(e)).map(|e| e.place);
        effect.or_else(|| self.promised(repository.flow.job(node, &repository.facts.pipelines)))
    }

    fn promised(&self, job: &Job) -> Option<Span> {
        let says = |name: &str| self.says(name);
        if says(&job.id) || says(&job.name) {
            return Some(job.place);
        }
        if let Some(call) = job.calls.as_ref().filter(|c| says(&c.name)) {
            return Some(call.place);
        }
        job.steps.iter().find_map(|step| self.promised_by(step))
    }

    /// What in the step promises it, by its name.
    pub(super) fn promised_by(&self, step: &Step) -> Option<Span> {
        if step.named && self.says(&step.name) {
            return Some(step.place);
        }
        let told = |u: &&Use| self.says(&u.name) || u.inputs.iter().any(|i| self.says(&i.name.value));
        if let Some(block) = step.uses.as_ref().filter(told) {
            return Some(block.place);
        }
        let command = step.commands.iter().find(|c| {
            self.lines.iter().any(|l| c.line.contains(l))
                || c.program_word.contains(['/', '.']) && self.says(&c.program_word)
                || matches!(
                    c.program.as_str(),
                    "bash" | "sh" | "python" | "python3" | "node" | "make" | "task"
                ) && c.args.iter().any(|a| self.says(&a.text))
        });
        command.map(|c| c.place)
    }

    /// What brings something to an environment of that name does not promise it.
    fn says(&self, name: &str) -> bool {
        let words = words(name);
        let brings = |w: &String| w.starts_with("deploy") || w == "publish" || w == "upload";
        words.iter().any(|w| self.names.contains(&w.as_str())) && !words.iter().any(brings)
    }

    /// Every run that does it, with the place.
    pub(super) fn anywhere(&self, repository: &Repository) -> Vec<(Node, Span)> {
        repository.flow.nodes().filter_map(|n| Some((n, self.shown(repository, n)?))).collect()
    }
}

/// Pipelines that some trigger or person starts.
pub(super) fn entries(repository: &Repository) -> impl Iterator<Item = &Pipeline> {
    let started = |p: &&Pipeline| p.role == Role::Entry || p.role == Role::Callable && !p.triggers.is_empty();
    repository
        .facts
        .pipelines
        .iter()
        .filter(|p| p.role != Role::Composite)
        .filter(started)
        .filter(|p| !repository.is_sample(p.place))
}

/// The pipeline that ought to carry what is absent: one that deploys, else one that builds, else one that
/// does anything at all.
pub(super) fn main_pipeline(repository: &Repository) -> Option<&Pipeline> {
    use crate::facts::EffectKind::{Build, Deploy, Publish, Test};
    let flow = &repository.flow;
    let mut ranks: BTreeMap<usize, usize> = BTreeMap::new();
    for run in flow.runs() {
        let has = |kind| run.effects.iter().any(|e| e.effect == kind);
        let to_production = || {
            run.effects.iter().any(|e| {
                let target = e.target.as_ref().or(run.target.as_ref());
                e.effect == Deploy && target.is_some_and(|t| t.may_be(Stage::Production))
            })
        };
        let rank = [to_production(), has(Deploy), has(Build), has(Test), has(Publish)];
        let rank = rank.iter().position(|held| *held).unwrap_or(rank.len());
        let known = ranks.entry(run.root).or_insert(rank);
        *known = rank.min(*known);
    }
    let all = &repository.facts.pipelines;
    let best = entries(repository).filter_map(|p| {
        let index = all.iter().position(|other| std::ptr::eq(other, p))?;
        Some((ranks.get(&index).copied().unwrap_or(usize::MAX), index))
    });
    best.min().map(|(_, index)| &all[index])
}

/// What could not be followed: templates, orbs and workflows that lie elsewhere.
pub(super) fn outside(repository: &Repository) -> Vec<String> {
    let mut names = BTreeSet::new();
    for pipeline in entries(repository) {
        let calls = pipeline.jobs.iter().filter_map(|j| j.calls.as_ref());
        let mut gaps = calls.chain(&pipeline.includes).filter(|u| u.unresolved.is_some()).peekable();
        if gaps.peek().is_none() && !pipeline.complete {
            names.insert(pipeline.name.clone());
        }
        names.extend(gaps.map(|u| u.name.clone()).filter(|name| !name.is_empty()));
    }
    names.into_iter().collect()
}

/// Related places of one finding; more help nobody.
const MOST_RELATED: usize = 8;

/// What `pipelines` are called in a sentence: by path, or by number.
pub(super) fn none_of(repository: &Repository) -> String {
    let all: Vec<&Pipeline> = entries(repository).collect();
    match all.as_slice() {
        [one] => format!("Pipeline `{}`", repository.path(one.place)),
        _ => format!("None of the {} pipelines here", all.len()),
    }
}

/// States an absence of the whole repository, at the pipeline that ought to carry the thing: what was looked
/// at is related, and what could not be followed makes it a hint.
pub(super) fn absent<'v>(
    repository: &Repository,
    verdict: &'v mut Verdict,
    subject: &str,
    message: String,
) -> Option<&'v mut Finding> {
    let main = main_pipeline(repository)?;
    let finding = verdict.open(main.place, subject, message);
    finding.label("looked at, with every other pipeline");
    let others = entries(repository).filter(|p| p.place != main.place);
    for other in others.take(MOST_RELATED) {
        finding.relate(other.place, "looked at too");
    }
    doubt(repository, finding);
    Some(finding)
}

/// Says what speaks against an absence.
pub(super) fn doubt<'f>(repository: &Repository, finding: &'f mut Finding) -> &'f mut Finding {
    let gaps = outside(repository);
    match gaps.as_slice() {
        [] => finding.against("it may be done outside the repository"),
        [first, ..] => {
            finding.at_most(Confidence::Low);
            finding.against(format!("`{first}` could not be followed, and may do it"))
        }
    }
}

/// Manifests of programs, with their ecosystem: not lock files, samples, charts or somebody else's code.
pub(super) fn programs(repository: &Repository) -> impl Iterator<Item = (&str, Span)> {
    let code = |m: &&crate::facts::Manifest| {
        let path = repository.path(m.place);
        !m.lock
            && !matches!(m.ecosystem.as_str(), "helm" | "terraform")
            && repository.is_own(m.place)
            && !path.split('/').any(|part| matches!(part, "doc" | "docs" | "documentation" | "website"))
    };
    repository.facts.manifests.iter().filter(code).map(|m| (m.ecosystem.as_str(), m.place))
}
