//! Artifacts that are deployed and not kept as long as a rollback may need them.

use crate::facts::{EffectKind, Job, Repository, Transfer};
use crate::finding::{Confidence, Verdict};
use crate::parameters::{Days, Parameters};

/// Words of artifacts that nobody releases.
const OTHERS: &[&str] = &[
    "cache",
    "coverage",
    "debug",
    "digest",
    "digests",
    "diff",
    "docs",
    "e2e",
    "junit",
    "lint",
    "log",
    "logs",
    "plan",
    "playwright",
    "preview",
    "report",
    "reports",
    "result",
    "results",
    "sarif",
    "sbom",
    "screenshots",
    "test",
    "tests",
    "trace",
    "videos",
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Days(wanted) = *parameters.retention_artifact.value();
    let pipelines = &repository.facts.pipelines;
    for pipeline in pipelines {
        for job in &pipeline.jobs {
            for up in job.transfers.iter().filter(|t| t.up && !is_other(t)) {
                let Some(days) = up.retention_days else { continue };
                let builds = job.effects().any(|e| e.effect == EffectKind::Build);
                if !builds {
                    continue;
                }
                if days >= wanted {
                    verdict.satisfied(up.place);
                    continue;
                }
                // What a registry takes in is kept there.
                let Some(deploy) = pipeline.jobs.iter().find(|other| deploys_from(other, up)) else {
                    continue;
                };
                let name = up.name.text();
                let message =
                    format!("Artifact `{name}` is deployed and kept for {days} days instead of {wanted}");
                let finding =
                    verdict.fail(up.place, format!("artifact {} {name}", repository.path(up.place)), message);
                finding
                    .at_most(Confidence::Medium)
                    .label("stored here")
                    .relate(deploy.place, "deployed here");
            }
        }
    }
}

fn is_other(transfer: &Transfer) -> bool {
    let text = transfer.name.text().to_ascii_lowercase();
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| OTHERS.contains(&word))
}

fn deploys_from(job: &Job, up: &Transfer) -> bool {
    let fetches = job.transfers.iter().any(|t| !t.up && (t.name == up.name || t.name.text().is_empty()));
    let does = |kind| job.effects().any(|e| e.effect == kind);
    fetches && does(EffectKind::Deploy) && !does(EffectKind::Publish)
}
