//! The order of jobs: `dependsOn`, and stages one after another.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/stages#specify-dependencies>

use crate::facts::{Job, Need};
use crate::text::{Span, Spanned};
use std::collections::HashMap;

/// Needs between whole stages that are written out one by one.
const MOST_IMPLIED: usize = 200_000;

/// A stage: its jobs, by number, and the stages that it waits for, if it says so.
pub(super) struct Members {
    pub(super) name: String,
    pub(super) jobs: std::ops::Range<usize>,
    pub(super) depends: Option<Vec<Spanned<String>>>,
}

/// Fills in the needs of jobs in one list.
pub(super) fn within(jobs: &mut [Job], first: usize, depends: &[Vec<Spanned<String>>]) {
    let bare = |id: &str| id.rsplit('.').next().unwrap_or(id).to_ascii_lowercase();
    let index: HashMap<String, u32> =
        jobs[first..].iter().enumerate().map(|(i, j)| (bare(&j.id), (first + i) as u32)).collect();
    for (job, names) in jobs[first..].iter_mut().zip(depends) {
        job.needs = names
            .iter()
            .map(|n| Need {
                place: n.span,
                job: index.get(&n.value.to_ascii_lowercase()).copied(),
                name: n.value.clone(),
                optional: false,
                order_only: false,
            })
            .collect();
    }
}

/// Stages wait for the one before, or for those that `dependsOn` names. False if the needs are too many.
pub(super) fn connect(jobs: &mut [Job], stages: &[Members]) -> bool {
    let number: HashMap<String, usize> =
        stages.iter().enumerate().map(|(i, s)| (s.name.to_ascii_lowercase(), i)).collect();
    // The last jobs of a stage; of an empty one, those that it waits for.
    let mut ends: Vec<Vec<u32>> = Vec::with_capacity(stages.len());
    let mut left = MOST_IMPLIED;
    for (i, stage) in stages.iter().enumerate() {
        let before: Vec<(Option<Span>, usize)> = match &stage.depends {
            None => i.checked_sub(1).map(|b| (None, b)).into_iter().collect(),
            Some(names) => names
                .iter()
                .filter_map(|n| Some((Some(n.span), *number.get(&n.value.to_ascii_lowercase())?)))
                .filter(|(_, at)| *at < i)
                .collect(),
        };
        let waits: Vec<(Option<Span>, u32)> =
            before.iter().flat_map(|(place, at)| ends[*at].iter().map(move |j| (*place, *j))).collect();
        for job in stage.jobs.clone().filter(|j| jobs[*j].needs.is_empty()).collect::<Vec<_>>() {
            let Some(rest) = left.checked_sub(waits.len()) else { return false };
            left = rest;
            let own = jobs[job].place;
            jobs[job].needs = waits
                .iter()
                .map(|(place, needed)| Need {
                    place: place.unwrap_or(own),
                    job: Some(*needed),
                    name: jobs[*needed as usize].id.clone(),
                    optional: false,
                    order_only: false,
                })
                .collect();
        }
        let needed: std::collections::BTreeSet<u32> =
            stage.jobs.clone().flat_map(|j| jobs[j].needs.iter().filter_map(|n| n.job)).collect();
        let last: Vec<u32> = stage.jobs.clone().map(|j| j as u32).filter(|j| !needed.contains(j)).collect();
        ends.push(if last.is_empty() { waits.into_iter().map(|(_, j)| j).collect() } else { last });
    }
    true
}
