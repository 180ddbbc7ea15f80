//! The order of steps: `wait` and `block` part them, `depends_on` says it step by step.
//! <https://buildkite.com/docs/pipelines/configure/depends-on>

use super::step::{Member, Sort};
use crate::facts::{Condition, Job, Need};
use crate::text::Spanned;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// Needs between whole sections that are written out one by one.
const MOST_NEEDS: usize = 200_000;

/// Fills in the needs. Steps without `depends_on` wait for all that stand before the last `wait` or `block`.
pub(super) fn connect(members: Vec<Member>, gaps: &RefCell<BTreeSet<String>>) -> Vec<Job> {
    // By its key a step is needed, by a group's key all of its steps.
    let mut index: HashMap<String, Vec<u32>> = HashMap::new();
    let mut number = 0;
    let mut barrier = 0;
    for member in &members {
        let wait = member.sort == Sort::Wait;
        // What depends on a wait depends on what that waits for.
        let stands_for: Vec<u32> = match &member.depends {
            Some(names) if wait => {
                names.iter().filter_map(|n| index.get(&n.value)).flatten().copied().collect()
            }
            _ if wait && member.keys.is_empty() => Vec::new(),
            _ if wait => (barrier..number).collect(),
            _ => vec![number],
        };
        for key in &member.keys {
            index.entry(key.clone()).or_default().extend(&stands_for);
        }
        number += u32::from(!wait);
        if member.sort != Sort::Run {
            barrier = number;
        }
    }
    let mut jobs: Vec<Job> = Vec::new();
    let mut left = MOST_NEEDS;
    // What the present section waits for, and the jobs in it.
    let mut before: Vec<u32> = Vec::new();
    let mut section: Vec<u32> = Vec::new();
    let mut after_failure: Option<Condition> = None;
    for member in members {
        let explicit = member.depends.as_ref();
        if member.sort == Sort::Wait {
            if !section.is_empty() {
                before = std::mem::take(&mut section);
            }
            after_failure = member.after_failure;
            continue;
        }
        let number = jobs.len() as u32;
        let mut job = member.job;
        if member.sort == Sort::Block && explicit.is_none() && !section.is_empty() {
            before = std::mem::take(&mut section);
        }
        let waits: Vec<(Spanned<String>, Option<u32>)> = match explicit {
            None => before
                .iter()
                .map(|&b| (Spanned::new(jobs[b as usize].id.clone(), job.place), Some(b)))
                .collect(),
            Some(names) => names
                .iter()
                .flat_map(|name| match index.get(&name.value) {
                    Some(all) => {
                        all.iter().filter(|j| **j != number).map(|j| (name.clone(), Some(*j))).collect()
                    }
                    None => vec![(name.clone(), None)],
                })
                .collect(),
        };
        let Some(rest) = left.checked_sub(waits.len()) else {
            gaps.borrow_mut().insert("its steps wait for more others than are followed".into());
            jobs.push(job);
            continue;
        };
        left = rest;
        job.needs = waits
            .into_iter()
            .map(|(name, needed)| Need {
                place: name.span,
                job: needed,
                name: name.value,
                optional: false,
                order_only: false,
            })
            .collect();
        if job.condition.is_none() {
            job.condition =
                member.after_failure.or_else(|| after_failure.clone().filter(|_| explicit.is_none()));
        }
        match member.sort {
            Sort::Block if explicit.is_none() => {
                before = vec![number];
                section.clear();
            }
            // A block that says what it depends on parts nothing else.
            _ => section.push(number),
        }
        jobs.push(job);
    }
    jobs
}
