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

/// A pipeline apart from those of its jobs that only a promotion starts: they make another run, of a build that
/// the rest has made.
pub(super) fn part(mut pipeline: Pipeline) -> Vec<Pipeline> {
    let promoted = |j: &Job| j.condition.as_ref().is_some_and(is_promoted);
    let by_itself = pipeline.triggers.iter().any(|t| t.trigger != TriggerKind::Manual);
    let Some(first) = pipeline.jobs.iter().find(|j| promoted(j)).filter(|_| by_itself) else {
        return vec![pipeline];
    };
    let condition = first.condition.as_ref();
    let (place, event) = condition
        .map_or((first.place, "promote"), |c| (c.place, c.events.first().map_or("promote", String::as_str)));
    let trigger =
        Trigger { upstream: vec![pipeline.name.clone()], ..Trigger::new(TriggerKind::Manual, event, place) };
    let mut later = Pipeline {
        place: first.place,
        name: format!("{}:{event}", pipeline.name),
        triggers: vec![trigger],
        commented: Vec::new(),
        jobs: Vec::new(),
        ..pipeline.clone()
    };
    // Where each job goes, and its number there.
    let mut numbers = [0u32; 2];
    let places: Vec<(bool, u32)> = pipeline
        .jobs
        .iter()
        .map(|job| {
            let apart = promoted(job);
            let number = numbers[usize::from(apart)];
            numbers[usize::from(apart)] += 1;
            (apart, number)
        })
        .collect();
    let mut own = Vec::with_capacity(pipeline.jobs.len());
    for (mut job, &(apart, _)) in std::mem::take(&mut pipeline.jobs).into_iter().zip(&places) {
        // What takes no part in the other run is not waited for there.
        job.needs.retain(|n| n.job.is_none_or(|j| places[j as usize].0 == apart));
        for need in &mut job.needs {
            need.job = need.job.map(|j| places[j as usize].1);
        }
        if apart { later.jobs.push(job) } else { own.push(job) }
    }
    pipeline.jobs = own;
    vec![pipeline, later]
}
