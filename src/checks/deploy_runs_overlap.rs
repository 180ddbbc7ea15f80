//! Whether two runs of one deploy are kept apart.

use super::delivery::ways;
use crate::facts::{Dialect, Job, Node, Repository, Stage, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let held = flow.held_back(pipelines);
    let queued = flow.nearest_before(|n| stands_in_queue(flow.job(n, pipelines)));
    let mut seen = BTreeSet::new();
    for stage in [Stage::Production, Stage::Staging] {
        for way in ways(repository, stage) {
            if !tells_of_locks(way.pipeline.dialect) {
                continue;
            }
            let by_itself =
                way.pipeline.triggers.iter().any(|t| {
                    matches!(t.trigger, TriggerKind::Push | TriggerKind::Run | TriggerKind::Schedule)
                });
            if !by_itself {
                continue;
            }
            // A person who starts it each time keeps them apart, too.
            let apart = |n: Node| {
                let queues = || stands_in_queue(flow.job(n, pipelines)) || queued.any(n);
                has_lock(repository, n) || held.any(n) || queues()
            };
            let open: Vec<Node> = way.deploys.iter().copied().filter(|&n| !apart(n)).collect();
            let Some(&first) = open.first() else {
                verdict.satisfied(way.job(repository).place);
                continue;
            };
            let job = flow.job(first, pipelines);
            if !seen.insert(job.place) {
                continue;
            }
            let message =
                format!("Two runs of job `{}` may deploy to {} at the same time", job.name, stage.name());
            let finding = verdict.fail(job.place, format!("job {}", job.id), message);
            finding.label("nothing keeps its runs apart");
            for &node in &open[1..] {
                let other = flow.job(node, pipelines).place;
                if seen.insert(other) {
                    finding.relate(other, "nor those of this one");
                }
            }
            finding.against("the tool that deploys may hold a lock of its own");
        }
    }
}

/// Whether the file says if runs are kept apart: Azure's exclusive lock is set on the server, Bitbucket always
/// holds the second deploy to an environment back, and what reconciles has no runs.
fn tells_of_locks(dialect: Dialect) -> bool {
    use Dialect::{Buildkite, CircleCi, Drone, Github, Gitlab, Jenkins};
    matches!(dialect, Github | Gitlab | CircleCi | Jenkins | Buildkite | Drone)
}

/// Whether the job asks its service for older runs: before CircleCI had locks, such an orb stood in for them.
fn stands_in_queue(job: &Job) -> bool {
    let mut blocks = job.steps.iter().filter_map(|s| s.uses.as_ref()).chain(job.calls.as_ref());
    blocks.any(|block| block.name.split('/').any(|part| part == "queue"))
}

/// The job, or one that calls it, has a named lock.
fn has_lock(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut callers = std::iter::successors(Some(node), |&n| flow.run(n).caller);
    callers.any(|n| flow.job(n, pipelines).lock.is_some())
}
