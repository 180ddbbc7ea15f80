//! Instances that count as serving as soon as they are started, because nothing asks them.

use super::estate::{say_once, standing};
use super::merged::{Cause, Causes};
use super::rollouts::own;
use super::services::serving;
use super::stacks::served;
use crate::facts::{Repository, Resource, Service, Shape, Stage, Target};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Generated manifests repeat an object: it is one defect.
    let mut causes = Causes::default();
    for resource in standing(repository) {
        workload(repository, resource, &mut causes, verdict);
        block(resource, verdict);
    }
    causes.report(verdict);
    say_once(verdict);
    composed(repository, verdict);
}

/// Whether only developers, tests and previews run it.
fn is_apart(target: Option<&Target>) -> bool {
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    target.is_some_and(|t| t.stage.possible().iter().any(apart))
}

/// <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>
fn workload(repository: &Repository, resource: &Resource, causes: &mut Causes, verdict: &mut Verdict) {
    let Some(port) = serving(resource) else { return };
    if is_apart(resource.target.as_ref()) {
        return;
    }
    let probed = |r: &Resource| {
        let asks = |path: &str| path.contains(".readinessProbe") || path.contains(".startupProbe");
        // A template that leaves its probe to the values has one.
        r.entries.iter().any(|e| asks(&e.path)) || r.open.iter().any(|path| asks(path))
    };
    // An overlay or a base may add it.
    let elsewhere = || {
        own(repository).any(|r| {
            r.sort == resource.sort && r.name == resource.name && r.place != resource.place && probed(r)
        })
    };
    if probed(resource) || elsewhere() {
        verdict.satisfied(port.place);
        return;
    }
    let title = resource.title();
    let subject = format!("readiness {title}");
    // What a template or a base leaves out, values and overlays may add.
    let templated = repository.path(resource.place).contains("templates/");
    let closed =
        resource.containers().iter().all(|(path, _)| resource.is_closed(&format!("{path}.readinessProbe")));
    if templated && resource.shape != Shape::Effective || !closed {
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

/// <https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/linux_web_app#health_check_path>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/compute_region_instance_group_manager>
fn block(resource: &Resource, verdict: &mut Verdict) {
    let (key, label) = match resource.sort.as_str() {
        "azurerm_linux_web_app" | "azurerm_windows_web_app" => {
            ("health_check_path", "`health_check_path` is not set")
        }
        "google_compute_instance_group_manager" | "google_compute_region_instance_group_manager" => {
            ("auto_healing_policies", "no `auto_healing_policies`")
        }
        _ => return,
    };
    if resource.block != "resource" || is_apart(resource.target.as_ref()) {
        return;
    }
    if let Some(entry) = resource.entries.iter().find(|e| e.path.contains(key)) {
        return verdict.satisfied(entry.place);
    }
    let title = resource.title();
    let message = format!("Nothing tells whether an instance of `{title}` serves");
    let finding = verdict.fail(resource.place, format!("readiness {title}"), message);
    finding.label(label).at_most(Confidence::Medium);
}

/// Services with ports in compose files for staging or production.
/// <https://docs.docker.com/reference/compose-file/services/#healthcheck>
fn composed(repository: &Repository, verdict: &mut Verdict) {
    let checked_image = repository.facts.instructions.iter().find(|i| {
        i.keyword == "HEALTHCHECK"
            && !i.args.iter().any(|a| a.value == "NONE")
            && !repository.is_sample(i.place)
    });
    let mut said = BTreeSet::new();
    for (stack, service) in served(repository) {
        let Some(port) = service.ports.first() else { continue };
        let meant = stack.target.as_ref().is_some_and(|t| t.is(Stage::Production) || t.is(Stage::Staging));
        if !meant || !said.insert(port.place) {
            continue;
        }
        // A file that nothing tells to be laid over this one may say it.
        let elsewhere = || repository.stacks.iter().filter_map(|s| s.service(&service.name)).any(is_checked);
        if is_checked(service) || elsewhere() {
            verdict.satisfied(port.place);
            continue;
        }
        if let Some(instruction) = checked_image {
            verdict.satisfied(instruction.place);
            continue;
        }
        let name = &service.name;
        let message = format!("Nothing tells whether service `{name}` serves: it has no health check");
        let finding = verdict.fail(port.place, format!("healthcheck {name}"), message);
        finding.label("serves here").at_most(Confidence::Medium);
        finding.against("the image may bring a health check of its own");
    }
}

fn is_checked(service: &Service) -> bool {
    service.checked == Some(true)
}
