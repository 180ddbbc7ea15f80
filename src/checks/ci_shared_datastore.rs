//! Tests of a pipeline that run against a store that outlives them.

use super::addresses::{Store, host_of, is_worldwide, snake, store_of};
use super::gates::words;
use super::local_uses_shared_service::is_inside;
use crate::facts::{EffectKind, Job, Repository, Setting, Stage, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for pipeline in &repository.facts.pipelines {
        for job in pipeline.jobs.iter().filter(|j| tests(j)) {
            let steps = job.steps.iter().filter(|s| s.all_effects().any(|e| e.effect == EffectKind::Test));
            let own = steps.flat_map(|s| &s.settings).chain(&job.settings).chain(&pipeline.settings);
            for setting in own {
                judge(job, setting, verdict);
            }
        }
    }
}

/// Whether a job tests, and brings nothing into an environment.
fn tests(job: &Job) -> bool {
    let elsewhere = |stage| matches!(stage, Stage::Staging | Stage::Production);
    let staged = job.target.as_ref().is_some_and(|t| t.stage.possible().iter().copied().any(elsewhere));
    let test = |e: &crate::facts::Effect| {
        e.effect == EffectKind::Test && !matches!(e.detail.as_deref(), Some("smoke" | "load"))
    };
    let ships = |k| matches!(k, EffectKind::Deploy | EffectKind::Migrate | EffectKind::Provision);
    job.effects().any(test) && !staged && !job.effects().any(|e| ships(e.effect) && e.target.is_some())
}

fn judge(job: &Job, setting: &Setting, verdict: &mut Verdict) {
    let Some(store @ (Store::Database | Store::Cache | Store::Queue | Store::Search)) =
        store_of(&setting.key)
    else {
        return;
    };
    let key = words(&snake(&setting.key));
    let address = |w: &String| {
        matches!(w.as_str(), "host" | "hostname" | "url" | "uri" | "endpoint" | "server" | "address" | "dsn")
    };
    if !key.iter().any(address) {
        return;
    }
    verdict.examined(setting.place);
    match &setting.setting {
        Value::Known(value) => {
            let host = host_of(value);
            if !is_worldwide(host) || is_inside(host) {
                return verdict.satisfied(setting.place);
            }
            let message =
                format!("Tests of job `{}` use a {} at `{host}`, which outlives them", job.id, store.name());
            let finding = verdict.fail(setting.place, format!("job {} {}", job.id, setting.key), message);
            finding.label("not of this run").at_most(Confidence::Medium);
        }
        // Where a service of the job bears the store, the secret is but its password.
        Value::Expr(text) if text.contains("secrets.") && job.images.is_empty() => {
            let message = format!("A secret says which {} the tests of job `{}` use", store.name(), job.id);
            let finding = verdict.open(setting.place, format!("job {} {}", job.id, setting.key), message);
            finding.label("it may be one that outlives the run");
        }
        _ => {}
    }
}
