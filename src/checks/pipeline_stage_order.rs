//! A graph question: do the tests and scans of a pipeline come before its deploy?

use super::gates::{blocks, confidence, deploys, effects_of};
use crate::facts::{EffectKind, Job, Node, Path, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    let kinds = [(EffectKind::Test, "tests"), (EffectKind::Scan, "scans")].map(|(kind, what)| {
        let passed = flow.passing(pipelines, |n| checks(repository, n, kind).is_some());
        (kind, what, Beside::new(repository, &candidates(repository, kind)), passed)
    });
    for stage in [Stage::Production, Stage::Staging] {
        for node in deploys(repository, stage) {
            let run = flow.run(node);
            if !seen.insert((run.pipeline, run.job)) {
                continue;
            }
            let job = flow.job(node, pipelines);
            let mut late: Vec<(&str, Node)> = Vec::new();
            for (kind, what, beside, passed) in &kinds {
                if before_deploy(job, *kind) {
                    continue;
                }
                if passed.to(node) != Path::Yes
                    && let Some(other) = beside.of(node)
                {
                    late.push((*what, other));
                }
            }
            let Some(&(what, other)) = late.first() else {
                verdict.satisfied(job.place);
                continue;
            };
            let message = format!(
                "Job `{}` deploys to {} without waiting for `{}`, which {what}",
                job.name,
                stage.name(),
                flow.job(other, pipelines).name
            );
            let finding = verdict.fail(job.place, format!("job {}", job.id), message);
            finding.at_most(confidence(run, stage)).label("deploys beside its checks");
            let mut named = BTreeSet::new();
            for (_, other) in late {
                let place = flow.job(other, pipelines).place;
                if named.insert(place) {
                    finding.relate(place, "nothing makes the deploy wait for this");
                }
            }
        }
    }
}

/// Whether steps before the deploy, in the same job, do it.
fn before_deploy(job: &Job, kind: EffectKind) -> bool {
    for step in &job.steps {
        if step.all_effects().any(|e| e.effect == kind) {
            return true;
        }
        if step.all_effects().any(|e| e.effect == EffectKind::Deploy) {
            return false;
        }
    }
    false
}

/// Runs that check, that neither they themselves nor what they wait for leave out under some condition or let
/// fail, and that wait for no deploy: tests of what was deployed elsewhere follow that deploy, not the other way
/// round.
fn candidates(repository: &Repository, kind: EffectKind) -> Vec<Node> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let odd = |n: &Node| {
        let job = flow.job(*n, pipelines);
        job.condition.is_some() || job.tolerated.is_some() || flow.has_effect(*n, EffectKind::Deploy, None)
    };
    let odd: Vec<Node> = flow.nodes().filter(odd).collect();
    let left_out: BTreeSet<Node> = flow.after_any(&odd).into_iter().chain(odd).collect();
    let firm = flow.nodes().filter(|n| !left_out.contains(n));
    firm.filter(|&n| checks(repository, n, kind).is_some()).collect()
}

/// For every run, the first of some checks of the same start that comes neither before it nor after it.
struct Beside(Vec<Option<Node>>);

impl Beside {
    fn new(repository: &Repository, candidates: &[Node]) -> Beside {
        let flow = &repository.flow;
        let mut first: Vec<Option<Node>> = vec![None; flow.runs().len()];
        let mut by_root: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        flow.nodes().for_each(|n| by_root.entry(flow.run(n).root).or_default().push(n));
        for chunk in candidates.chunks(64) {
            let (before, after) = (flow.reach_before(chunk), flow.reach_after(chunk));
            let mut starts: BTreeMap<usize, u64> = BTreeMap::new();
            for (bit, &candidate) in chunk.iter().enumerate() {
                *starts.entry(flow.run(candidate).root).or_default() |= 1 << bit;
            }
            for (root, all) in starts {
                for &node in &by_root[&root] {
                    let own = chunk.binary_search(&node).map_or(0, |bit| 1 << bit);
                    let beside = all & !(before.of(node) | after.of(node) | own);
                    let slot = &mut first[node.0 as usize];
                    *slot = slot.or_else(|| chunk.get(beside.trailing_zeros() as usize).copied());
                }
            }
        }
        Beside(first)
    }

    fn of(&self, node: Node) -> Option<Node> {
        self.0[node.0 as usize]
    }
}

/// The place of such a check that can stop the run.
fn checks(repository: &Repository, node: Node, kind: EffectKind) -> Option<Span> {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    job.steps.iter().find_map(|step| {
        effects_of(step).find(|(c, e)| e.effect == kind && blocks(job, step, *c)).map(|(_, e)| e.place)
    })
}
