//! Looks for a written release window, and for a step of a production deploy that asks it.

use super::gates::deploys;
use crate::facts::{Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

const NAMES: &[&str] = &[
    "release window",
    "deployment window",
    "deploy window",
    "maintenance window",
    "change window",
    "release-window",
    "deployment-window",
    "maintenance-window",
    "release_window",
    "deployment_window",
    "maintenance_window",
    "deploy freeze",
    "change freeze",
    "code freeze",
    "deploy_freeze",
    "deploy-freeze",
    "release freeze",
    "sync window",
    "release calendar",
    "change calendar",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let all = deploys(repository, Stage::Production);
    let Some(&first) = all.first() else { return };
    let job = flow.job(first, pipelines);
    let written = definition(repository);
    let asked = flow.before_any(&all).into_iter().chain(all).any(|n| {
        let job = flow.job(n, pipelines);
        job.condition.as_ref().is_some_and(|c| speaks(&c.text))
            || speaks(&job.name)
            || job.steps.iter().any(|s| {
                speaks(&s.name)
                    || s.condition.as_ref().is_some_and(|c| speaks(&c.text))
                    || s.commands.iter().any(|c| speaks(&c.line))
                    || s.uses.as_ref().is_some_and(|u| speaks(&u.name))
            })
    });
    match (written, asked) {
        (Some(place), true) => verdict.satisfied(place),
        (_, true) => verdict.satisfied(job.place),
        (Some(place), false) => {
            let message = format!(
                "`{}` speaks of a release window, but no step before job `{}` asks it",
                repository.path(place),
                job.name
            );
            verdict.open(job.place, "release window", message).relate(place, "the window is written here");
        }
        (None, false) => {
            let message = format!("Nothing here says when job `{}` may deploy to production", job.name);
            verdict.open(job.place, "release window", message);
        }
    }
}

fn definition(repository: &Repository) -> Option<Span> {
    let sections =
        repository.facts.sections.iter().find(|s| speaks(&s.heading) || speaks(&s.text)).map(|s| s.place);
    // Under a maintenance window a cloud patches its machines and databases.
    let says = |path: &str| speaks(path) && !path.to_ascii_lowercase().contains("maintenance");
    sections.or_else(|| repository.facts.settings.iter().find(|s| says(&s.path)).map(|s| s.place))
}

fn speaks(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    NAMES.iter().any(|n| text.contains(n))
}
