//! Containers of production that may take all the memory there is.

use super::stacks::served;

use super::estate::{of_production, standing};
use super::merged::{Cause, Causes};
use super::rollouts::own;
use crate::facts::{Repository, Resource, Setting, Stage, System};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    // <https://kubernetes.io/docs/concepts/policy/limit-range/>
    let ranged = |r: &Resource| {
        standing(repository)
            .find(|l| l.sort == "LimitRange" && (l.namespace.is_none() || l.namespace == r.namespace))
            .map(|l| l.place)
    };
    for workload in standing(repository).filter(|r| of_production(r) && r.system == System::Kubernetes) {
        if !matches!(workload.sort.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout") {
            continue;
        }
        if let Some(range) = ranged(workload) {
            verdict.satisfied(range);
            continue;
        }
        for image in containers(workload) {
            let own_path = image.path.trim_end_matches("image");
            let resources = format!("{own_path}resources");
            let bounded = workload.has(&format!("{resources}.limits"))
                || !workload.is_closed(&resources)
                || workload.entries.iter().any(|e| e.path == resources);
            if bounded || elsewhere(repository, workload, own_path) {
                verdict.satisfied(image.place);
                continue;
            }
            let title = workload.title();
            causes.add("limits of workloads".to_owned(), image.place, || {
                cause(&format!("A container of `{title}` in production has no limit of memory"))
            });
        }
    }
    composed(repository, &mut causes, verdict);
    causes.report(verdict);
}

fn cause(message: &str) -> Cause {
    Cause {
        message: message.to_owned(),
        label: "may take all that its node has",
        also: "likewise",
        severity: Severity::Note,
        confidence: Confidence::Medium,
    }
}

/// Images of containers that stay, as against those that run before.
fn containers(workload: &Resource) -> impl Iterator<Item = &Setting> {
    workload.entries.iter().filter(|e| e.key == "image" && e.path.contains(".containers."))
}

/// Whether a base or an overlay bounds the same container.
fn elsewhere(repository: &Repository, workload: &Resource, container: &str) -> bool {
    let limits = format!("{container}resources.limits");
    own(repository).any(|r| {
        r.sort == workload.sort && r.name == workload.name && r.place != workload.place && r.has(&limits)
    })
}

/// <https://docs.docker.com/reference/compose-file/deploy/#resources>
fn composed(repository: &Repository, causes: &mut Causes, verdict: &mut Verdict) {
    let mut said = BTreeSet::new();
    for (stack, service) in served(repository) {
        if !stack.target.as_ref().is_some_and(|t| t.may_be(Stage::Production)) {
            continue;
        }
        let place = service.image.as_ref().map_or(service.place, |i| i.span);
        if service.bounded {
            verdict.satisfied(place);
        } else if said.insert(place) {
            causes.add("limits of services".to_owned(), place, || {
                cause(&format!("Service `{}` of production has no limit of memory", service.name))
            });
        }
    }
}
