//! The machine, the image and the tool versions that jobs run on.

use super::base_image_unpinned::{built_here, is_floating};
use super::merged::{Cause, Causes};
use crate::facts::{Job, Repository, Use, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Names of version inputs of set-up actions end so.
const VERSION: &str = "version";

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    let built = built_here(repository);
    for pipeline in &repository.facts.pipelines {
        for job in &pipeline.jobs {
            labels(job, &mut causes, verdict);
            for image in job.images.iter().filter(|i| !built.contains(&i.name)) {
                job_image(image, &mut causes, verdict);
            }
            for block in job.steps.iter().filter_map(|s| s.uses.as_ref()) {
                set_up(block, &mut causes);
            }
        }
    }
    causes.report(verdict);
}

fn labels(job: &Job, causes: &mut Causes, verdict: &mut Verdict) {
    for label in &job.runner {
        // A matrix tries several systems on purpose.
        let tried = job.dimensions.iter().any(|(_, values)| values.contains(&label.value));
        if tried || label.value.contains("${{") || label.value.contains('$') {
            continue;
        }
        let floats = ["ubuntu", "windows", "macos"]
            .iter()
            .any(|os| label.value.strip_prefix(os).is_some_and(|rest| rest.starts_with("-latest")));
        if floats {
            let message = format!(
                "Jobs run on `{}`, which becomes another system when the service says so",
                label.value
            );
            causes.add(format!("runner {}", label.value), label.span, || cause(message));
        } else {
            verdict.satisfied(label.span);
        }
    }
}

fn job_image(image: &Use, causes: &mut Causes, verdict: &mut Verdict) {
    let version = image.version.as_ref().map(|v| v.value.as_str());
    if image.local || image.name.contains(['$', '{']) || version.is_some_and(|v| v.contains(['$', '{'])) {
        return;
    }
    if version.is_some_and(|v| !is_floating(v)) {
        verdict.satisfied(image.place);
        return;
    }
    let reference = version.map_or(image.name.clone(), |v| format!("{}:{v}", image.name));
    let message = format!("A job uses the image `{reference}`, which names no version");
    causes.add(format!("image {reference}"), image.place, || cause(message));
}

fn set_up(block: &Use, causes: &mut Causes) {
    let action = block.name.rsplit('/').next().unwrap_or(&block.name);
    if !action.starts_with("setup-") {
        return;
    }
    for input in block.inputs.iter().filter(|i| i.name.value.ends_with(VERSION)) {
        let Value::Known(version) = &input.value.value else { continue };
        if floats(version) {
            let name = &block.name;
            let message = format!("`{name}` installs `{version}`, which is another version tomorrow");
            causes.add(format!("set-up {name} {version}"), input.value.span, || cause(message));
        }
    }
}

/// `latest`, `lts/*`, `x`, `>=3`; `3.x` is a line of versions that the repository chose.
fn floats(version: &str) -> bool {
    let version = version.trim().to_ascii_lowercase();
    matches!(version.as_str(), "latest" | "stable" | "lts" | "node" | "current" | "x" | "*" | "nightly")
        || version.starts_with("lts/")
        || version.starts_with(">=")
}

fn cause(message: String) -> Cause {
    Cause {
        message,
        label: "not fixed",
        also: "here too",
        severity: Severity::Warning,
        confidence: Confidence::High,
    }
}
