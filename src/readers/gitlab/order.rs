//! The order of jobs: `stages` and `needs`.
//! <https://docs.gitlab.com/ci/yaml/#stages>

use super::config::Config;
use super::job::says_needs;
use crate::facts::{Job, Need};
use crate::syntax::tree::Kind;
use std::collections::HashMap;

/// Needs between whole stages that are written out one by one.
const MOST_IMPLIED: usize = 200_000;

/// The stages in order; those that are not listed have the usual ones.
fn stages(config: &Config<'_>) -> Vec<String> {
    let listed = ["stages", "types"].into_iter().find_map(|key| {
        let (_, value) = config.top().iter().find(|(k, _)| k.as_str() == Some(key))?;
        let value = config.follow(value.clone()).filter(|v| v.kind() == Kind::Sequence)?;
        Some(config.items(&value).iter().filter_map(|s| s.text()).map(str::to_owned).collect::<Vec<_>>())
    });
    let mut stages = vec![".pre".to_owned()];
    stages.extend(listed.unwrap_or_else(|| ["build", "test", "deploy"].map(str::to_owned).to_vec()));
    stages.push(".post".to_owned());
    stages
}

/// Fills in which job each need means, and what the stages imply for jobs without `needs`: such a job
/// comes after all jobs of earlier stages. Only the nearest stages are written out, as far back as a
/// stage that waits for its own predecessors as a whole. False if that is too much.
pub(super) fn connect(config: &Config<'_>, jobs: &mut [Job]) -> bool {
    let index: HashMap<String, u32> =
        jobs.iter().enumerate().map(|(i, j)| (j.id.clone(), i as u32)).collect();
    for need in jobs.iter_mut().flat_map(|j| &mut j.needs) {
        // A job with `parallel` is needed as a whole, or one of its instances by `name: [a, b]`.
        let whole = need.name.split(": [").next().unwrap_or(&need.name);
        need.job = index.get(&need.name).or_else(|| index.get(whole)).copied();
    }
    let stages = stages(config);
    let at = |job: &Job| stages.iter().position(|s| Some(s) == job.stage.as_ref());
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); stages.len()];
    let mut free = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter().enumerate() {
        free.push(says_needs(config, &job.id));
        if let Some(stage) = at(job) {
            members[stage].push(i as u32);
        }
    }
    let mut before: Vec<Vec<u32>> = Vec::with_capacity(stages.len());
    for stage in 0..stages.len() {
        let mut found = Vec::new();
        for earlier in (0..stage).rev() {
            found.extend(&members[earlier]);
            if members[earlier].iter().any(|&j| !free[j as usize]) {
                break;
            }
        }
        before.push(found);
    }
    let mut left = MOST_IMPLIED;
    for i in 0..jobs.len() {
        let Some(stage) = at(&jobs[i]).filter(|_| !free[i]) else { continue };
        let Some(rest) = left.checked_sub(before[stage].len()) else { return false };
        left = rest;
        let place = jobs[i].place;
        let implied = before[stage].iter().map(|&job| Need {
            place,
            job: Some(job),
            name: jobs[job as usize].id.clone(),
            optional: false,
            order_only: true,
        });
        jobs[i].needs = implied.collect();
    }
    true
}
