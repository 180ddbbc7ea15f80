//! Production's secrets in the hands of jobs and files of other environments.

use super::samples::is_sample;
use crate::facts::{Basis, EffectKind, Job, Repository, Run, Stage, Value, path_stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    jobs(repository, verdict);
    files(repository, verdict);
}

/// Whether a secret's name says that it is production's, and of no other environment.
fn is_production(name: &str, repository: &Repository) -> bool {
    path_stage(name, &repository.environments).is_some_and(|(stage, _)| stage == Stage::Production)
        // A "live" secret can be that of a live reload; addresses and identifiers open nothing.
        && !["URL", "HOST", "ID", "REGION", "DSN", "BUCKET", "NAME", "DOMAIN"].iter().any(|end| name.to_ascii_uppercase().ends_with(end))
        && !name.to_ascii_lowercase().contains("live")
}

fn jobs(repository: &Repository, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let mut seen: BTreeSet<Span> = BTreeSet::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        verdict.examined(job.place);
        let Some((whose, confidence)) = elsewhere(run, job) else { continue };
        let mut own: Vec<_> = job.secrets.iter().filter(|s| is_production(&s.name, repository)).collect();
        own.retain(|s| seen.insert(s.place));
        let Some((first, rest)) = own.split_first() else { continue };
        let message = format!("Job `{}`, {whose}, gets production's `{}`", job.id, first.name);
        let finding = verdict.fail(first.place, format!("job {} {}", job.id, first.name), message);
        finding.at_most(confidence.min(Confidence::Medium)).label("named after production");
        for secret in rest {
            finding.relate(secret.place, format!("`{}`, too", secret.name));
        }
        if let Some(target) = &run.target {
            finding.relate(target.place, "where the job goes");
        }
    }
}

/// Where a job runs, if that is certainly not production.
fn elsewhere(run: &Run, job: &Job) -> Option<(String, Confidence)> {
    const CHANGES: &[EffectKind] = &[
        EffectKind::Deploy,
        EffectKind::Provision,
        EffectKind::Configure,
        EffectKind::Migrate,
        EffectKind::RollBack,
        EffectKind::Publish,
        EffectKind::Promote,
        EffectKind::Verify,
        EffectKind::Backup,
        EffectKind::Dump,
        EffectKind::Restore,
        EffectKind::Notify,
        EffectKind::Shell,
        EffectKind::Query,
    ];
    match run.target.as_ref() {
        Some(target) => {
            let Value::Known(stage) = target.stage else { return None };
            let named = matches!(target.basis, Basis::Name | Basis::Branch);
            let confidence = if named { Confidence::Low } else { Confidence::Medium };
            (stage != Stage::Production).then(|| (format!("which belongs to {}", stage.name()), confidence))
        }
        None => {
            let tests = run.effects.iter().any(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint));
            let changes = run.effects.iter().any(|e| CHANGES.contains(&e.effect)) || job.calls.is_some();
            (tests && !changes).then(|| ("which only tests".to_owned(), Confidence::Medium))
        }
    }
}

/// Credentials for a production host in files that by their path belong elsewhere.
fn files(repository: &Repository, verdict: &mut Verdict) {
    for credential in &repository.facts.credentials {
        let path = repository.path(credential.place);
        let Some(target) =
            credential.target.as_ref().filter(|t| t.basis == Basis::Host && t.is(Stage::Production))
        else {
            continue;
        };
        let Some((stage, _)) = path_stage(path, &repository.environments) else { continue };
        if stage == Stage::Production || is_sample(path) || credential.test {
            continue;
        }
        let name = repository.file(credential.place.file).name();
        let message = format!("`{name}`, a file for {}, holds a login to production", stage.name());
        let key = credential.key.as_deref().unwrap_or(&credential.credential);
        let finding = verdict.fail(credential.place, format!("login {key}"), message);
        finding
            .at_most(Confidence::Medium)
            .label("in clear text")
            .relate(target.place, "a host of production");
    }
}
