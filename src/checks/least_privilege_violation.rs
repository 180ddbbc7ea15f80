//! Rights that are wider than any job or container needs.

use super::samples::{is_sample, is_vendored};
use crate::facts::{Repository, Value};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for pipeline in &repository.facts.pipelines {
        let of_jobs = pipeline.jobs.iter().map(|j| (format!("Job `{}`", j.name), &j.permissions));
        let of_all = (format!("Pipeline `{}`", pipeline.name), &pipeline.permissions);
        for (who, permissions) in std::iter::once(of_all).chain(of_jobs) {
            for permission in permissions {
                if permission.value == "write-all" {
                    let message = format!("{who} may write everything that its token reaches");
                    let subject = format!("permissions {} {who}", repository.path(permission.span));
                    verdict.fail(permission.span, subject, message).label("every right");
                } else {
                    verdict.satisfied(permission.span);
                }
            }
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| s.key == "privileged") {
        let path = repository.path(setting.place);
        let container = setting.path.contains("securityContext") || setting.path.starts_with("services.");
        let Value::Known(value) = &setting.setting else { continue };
        if !container || is_sample(path) || is_vendored(path) {
            continue;
        }
        if matches!(value.as_str(), "true" | "yes" | "True") {
            let message = format!("A container of `{path}` runs with every right of its host");
            verdict
                .fail(setting.place, format!("privileged {path} {}", setting.path), message)
                .label("privileged");
        } else {
            verdict.satisfied(setting.place);
        }
    }
}
