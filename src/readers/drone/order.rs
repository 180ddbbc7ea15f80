//! The order of steps: one after another, or as a graph once one of them says what it depends on.
//! <https://docs.drone.io/pipeline/docker/syntax/parallelism/>

use super::condition::is_promoted;
use super::step::Member;
use crate::facts::{Job, Need, Pipeline, Trigger, TriggerKind};
use crate::text::Span;
use std::collections::HashMap;

/// A step waits for the steps above it back to the last that surely runs, and at most for so many.
const FURTHEST: usize = 64;

/// Fills in the needs.
pub(super) fn connect(members: Vec<Member>) -> Vec<Job> {
    let graph = members.iter().any(|m| m.depends.is_some());
    let names: HashMap<String, u32> =
        members.iter().enumerate().map(|(i, m)| (m.job.id.clone(), i as u32)).collect();
    let mut jobs: Vec<Job> = Vec::with_capacity(members.len());
    let mut groups: Vec<Option<String>> = Vec::with_capacity(members.len());
    for (index, member) in members.into_iter().enumerate() {
        let mut job = member.job;
        if graph {
            let named = member.depends.into_iter().flatten();
            job.needs = named
                .map(|(name, optional)| Need {
                    place: name.span,
                    job: names.get(&name.value).copied().filter(|j| *j as usize != index),
                    name: name.value,
                    optional,
                    // A step that is left out holds nobody up.
                    order_only: true,
                })
                .collect();
        } else {
            job.needs = above(&jobs, &groups, member.group.as_deref(), job.place);
        }
        groups.push(member.group);
        jobs.push(job);
    }
    jobs
}

/// The steps above, back to the last that neither a condition nor an outcome leaves out. Steps of one
/// `group` run side by side.
fn above(jobs: &[Job], groups: &[Option<String>], group: Option<&str>, place: Span) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut reached: Option<Option<&str>> = None;
    for (index, job) in jobs.iter().enumerate().rev().take(FURTHEST) {
        let own = groups[index].as_deref();
        if own.is_some() && own == group {
            continue;
        }
        // What stands in one group with the step that surely runs is waited for, too.
        if reached.is_some_and(|r| r.is_none() || r != own) {
            break;
        }
        needs.push(Need {
            place,
            job: Some(index as u32),
            name: job.id.clone(),
            optional: false,
            order_only: true,
        });
        if job.condition.is_none() {
            reached = Some(own);
        }
    }
    needs.reverse();
    needs
}

/// A pipeline apart from those of its jobs that only a promotion or a timer starts: they make other runs. A
/// promotion is one of a build that the rest has made.
pub(super) fn part(mut pipeline: Pipeline) -> Vec<Pipeline> {
    // 0 is what the pipeline's own triggers start.
    let classes: Vec<usize> = pipeline
        .jobs
        .iter()
        .map(|job| match &job.condition {
            Some(c) if is_promoted(c) => 1,
            Some(c) if !c.events.is_empty() && c.events.iter().all(|e| e == "cron") => 2,
            _ => 0,
        })
        .collect();
    let apart = |class: usize| classes.contains(&class);
    let by_hand = pipeline.triggers.iter().all(|t| t.trigger == TriggerKind::Manual);
    let several = [0, 1, 2].into_iter().filter(|&c| apart(c)).count() > 1;
    if by_hand || !several {
        return vec![pipeline];
    }
    let mut counts = [0u32; 3];
    let numbers: Vec<u32> = classes
        .iter()
        .map(|&class| {
            counts[class] += 1;
            counts[class] - 1
        })
        .collect();
    let mut jobs: [Vec<Job>; 3] = Default::default();
    for (index, mut job) in std::mem::take(&mut pipeline.jobs).into_iter().enumerate() {
        // What takes no part in the other run is not waited for there.
        job.needs.retain(|n| n.job.is_none_or(|j| classes[j as usize] == classes[index]));
        for need in &mut job.needs {
            need.job = need.job.map(|j| numbers[j as usize]);
        }
        jobs[classes[index]].push(job);
    }
    let [own, promoted, timed] = jobs;
    let mut all = vec![Pipeline { jobs: own, ..pipeline }];
    for (jobs, kind) in [(promoted, TriggerKind::Manual), (timed, TriggerKind::Schedule)] {
        let Some(first) = jobs.first() else { continue };
        let condition = first.condition.as_ref();
        let event = condition.and_then(|c| c.events.first().cloned()).unwrap_or_default();
        let place = condition.map_or(first.place, |c| c.place);
        let upstream = if kind == TriggerKind::Manual { vec![all[0].name.clone()] } else { Vec::new() };
        all.push(Pipeline {
            place: first.place,
            name: format!("{}:{event}", all[0].name),
            triggers: vec![Trigger { upstream, ..Trigger::new(kind, &event, place) }],
            commented: Vec::new(),
            jobs,
            ..all[0].clone()
        });
    }
    all.retain(|p| !p.jobs.is_empty());
    all
}
