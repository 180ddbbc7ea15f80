//! Rolling updates that take away too much at once, or go on without knowing that the new instance serves.

use super::merged::{Cause, Causes};
use super::rollouts::own;
use crate::facts::{Repository, Resource, Stage, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Generated manifests repeat an object: it is one defect.
    let mut causes = Causes::default();
    for resource in own(repository) {
        match resource.sort.as_str() {
            "Deployment" => {
                capacity(resource, verdict);
                readiness(repository, resource, &mut causes, verdict);
            }
            "aws_ecs_service" => healthy_percent(resource, "deployment_minimum_healthy_percent", verdict),
            "aws_autoscaling_group" => healthy_percent(resource, "min_healthy_percentage", verdict),
            _ => {}
        }
    }
    causes.report(verdict);
}

/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable>
fn capacity(resource: &Resource, verdict: &mut Verdict) {
    let Some(entry) = resource.entry("spec.strategy.rollingUpdate.maxUnavailable") else { return };
    let Value::Known(written) = &entry.setting else { return };
    let replicas = resource.entry("spec.replicas").and_then(|r| r.setting.known()?.parse::<u32>().ok());
    let all = match written.strip_suffix('%') {
        Some(percent) => percent.parse::<u32>().is_ok_and(|p| p >= 100),
        None => match (written.parse::<u32>(), replicas) {
            (Ok(most), Some(replicas)) => most > 0 && most >= replicas,
            _ => false,
        },
    };
    if !all {
        verdict.satisfied(entry.place);
        return;
    }
    let title = resource.title();
    let message = format!("`{title}` may stop all of its instances before a new one serves");
    verdict.fail(entry.place, format!("capacity {title}"), message).label("everything may be unavailable");
}

/// <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>
fn readiness(repository: &Repository, resource: &Resource, causes: &mut Causes, verdict: &mut Verdict) {
    let serves = |e: &&crate::facts::Setting| {
        e.path.starts_with("spec.template.spec.containers.") && e.path.ends_with("containerPort")
    };
    let Some(port) = resource.entries.iter().find(serves) else { return };
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    if resource.target.as_ref().is_some_and(|t| t.stage.possible().iter().any(apart)) {
        return;
    }
    let probed = |r: &Resource| {
        r.entries.iter().any(|e| e.path.contains(".readinessProbe") || e.path.contains(".startupProbe"))
    };
    // An overlay or a base may add it.
    let elsewhere = || {
        own(repository).any(|r| {
            r.sort == "Deployment" && r.name == resource.name && r.place != resource.place && probed(r)
        })
    };
    if probed(resource) || elsewhere() {
        verdict.satisfied(port.place);
        return;
    }
    let title = resource.title();
    let subject = format!("readiness {title}");
    let templated = repository.path(resource.place).contains("templates/");
    if templated {
        let message = format!("Nothing here shows how `{title}` tells that a new instance serves");
        verdict.open(resource.place, subject, message);
        return;
    }
    let message = format!(
        "Nothing tells when a new instance of `{title}` serves, so that an update goes on regardless"
    );
    causes.add(subject, resource.place, || Cause {
        message,
        label: "has no readiness probe",
        also: "here too",
        severity: Severity::Warning,
        confidence: Confidence::Medium,
    });
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
fn healthy_percent(resource: &Resource, key: &str, verdict: &mut Verdict) {
    let Some(entry) = resource.entries.iter().find(|e| e.key == key) else { return };
    let daemon = resource.entry("scheduling_strategy").is_some_and(|s| s.setting.text() == "DAEMON");
    match &entry.setting {
        Value::Known(value) if value == "0" && !daemon => {
            let title = resource.title();
            let message = format!("`{title}` may stop all of its instances before a new one serves");
            verdict
                .fail(entry.place, format!("capacity {title}"), message)
                .label("nothing has to stay healthy");
        }
        Value::Known(_) => verdict.satisfied(entry.place),
        _ => {}
    }
}
