//! Rolling updates that take away too much at once.

use super::rollouts::own;
use crate::facts::{Repository, Resource, Value};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for resource in own(repository) {
        match resource.sort.as_str() {
            "Deployment" => capacity(resource, verdict),
            "aws_ecs_service" => healthy_percent(resource, "deployment_minimum_healthy_percent", verdict),
            "AWS::ECS::Service" => healthy_percent(resource, "MinimumHealthyPercent", verdict),
            "aws_autoscaling_group" => healthy_percent(resource, "min_healthy_percentage", verdict),
            _ => {}
        }
    }
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

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
fn healthy_percent(resource: &Resource, key: &str, verdict: &mut Verdict) {
    let Some(entry) = resource.entries.iter().find(|e| e.key == key) else { return };
    let daemon = resource.entries.iter().any(|e| {
        matches!(e.key.as_str(), "scheduling_strategy" | "SchedulingStrategy") && e.setting.text() == "DAEMON"
    });
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
