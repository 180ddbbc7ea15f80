//! Services of staging and production that answer the internet themselves.

use super::addresses::{STORE_PORTS, is_store_image};
use super::definitions::text;
use super::estate::{said, say_once, standing};
use super::firewalls::openings;
use super::fronts::{ends_tls_by_annotation, is_internal, is_proxy, is_proxy_service};
use super::gates::words;
use super::samples::no_worse_than;
use super::stacks::served;
use crate::facts::{Port, Repository, Resource, Service, System};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::BTreeMap;

/// Ports at which frameworks serve while they are developed, and at which nobody expects a proxy.
const APPLICATION_PORTS: &[u32] =
    &[3000, 3001, 4000, 4200, 5000, 5001, 5173, 8000, 8001, 8080, 8081, 8888, 9000, 9090];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    composed(repository, verdict);
    for resource in standing(repository) {
        match resource.system {
            System::Kubernetes if resource.sort == "Service" => service(repository, resource, verdict),
            System::Kubernetes => {}
            _ => provided(resource, verdict),
        }
    }
    say_once(verdict);
}

/// <https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types>
fn service(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let Some(kind) = resource.entry("spec.type") else { return };
    let Some(kind_name @ ("LoadBalancer" | "NodePort")) = text(kind) else { return };
    let selects = || {
        resource
            .entries
            .iter()
            .filter(|e| e.path.starts_with("spec.selector."))
            .any(|e| is_proxy(&e.setting.text()))
    };
    let ports = || {
        resource
            .entries
            .iter()
            .filter(|e| e.path.starts_with("spec.ports.") && matches!(e.key.as_str(), "port" | "targetPort"))
    };
    let store = ports()
        .any(|p| text(p).and_then(|t| t.parse::<u16>().ok()).is_some_and(|p| STORE_PORTS.contains(&p)));
    let name = resource.name.text();
    if store || is_proxy(&name) || selects() || is_internal(resource) || ends_tls_by_annotation(resource) {
        return verdict.satisfied(kind.place);
    }
    // Tools for those who run it are neither API nor pages.
    const TOOLS: &[&str] = &[
        "grafana",
        "prometheus",
        "jaeger",
        "zipkin",
        "kibana",
        "alertmanager",
        "argocd",
        "jenkins",
        "sonarqube",
        "pgadmin",
        "adminer",
        "dashboard",
        "registry",
    ];
    if words(&name).iter().any(|w| TOOLS.contains(&w.as_str())) {
        return verdict.examined(kind.place);
    }
    // What an Ingress leads to needs a port on the node with some controllers.
    let behind = standing(repository).find(|r| {
        matches!(r.sort.as_str(), "Ingress" | "HTTPRoute" | "VirtualService" | "IngressRoute")
            && r.entries.iter().any(|e| {
                matches!(e.key.as_str(), "name" | "serviceName" | "host") && text(e) == Some(name.as_str())
            })
    });
    if kind_name == "NodePort" && behind.is_some() {
        return verdict.satisfied(kind.place);
    }
    // Other protocols have no proxy of this sort.
    let talks_http = ports().any(|p| {
        text(p).is_some_and(|t| {
            t == "80"
                || t == "443"
                || t.contains("http")
                || t.parse::<u32>().is_ok_and(|p| APPLICATION_PORTS.contains(&p))
        })
    });
    if !talks_http {
        return verdict.examined(kind.place);
    }
    let title = resource.title();
    // Copies and generated files say it again.
    let subject = format!("public {title}");
    if let Some(finding) = verdict.findings.iter_mut().find(|f| f.subject == subject && f.place != kind.place)
    {
        if finding.related.len() < 10 && finding.related.iter().all(|r| r.place != kind.place) {
            finding.relate(kind.place, "here too");
        }
        return;
    }
    let message = match behind {
        Some(_) => format!("`{title}` can be reached past the proxy that leads to it"),
        None => format!("`{title}` answers the outside itself, without a proxy before it"),
    };
    let finding = verdict.fail(kind.place, subject, message);
    finding.label(if kind_name == "NodePort" {
        "on every node"
    } else {
        "behind a load balancer of its own"
    });
    finding.at_most(Confidence::Medium);
    if kind_name == "NodePort" {
        no_worse_than(finding, Severity::Note);
    }
    if let Some(behind) = behind {
        finding.relate(behind.place, "leads to it");
    }
}

/// Firewalls and services that let everybody in at the port of a program.
fn provided(resource: &Resource, verdict: &mut Verdict) {
    let title = resource.title();
    // <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service#assign_public_ip-1>
    if resource.sort == "aws_ecs_service" {
        let public = resource.entries_ending("assign_public_ip").find(|e| text(e) == Some("true"));
        let balanced = resource.entries.iter().any(|e| e.path.contains("load_balancer"));
        if let Some(public) = public.filter(|_| !balanced) {
            let message = format!("`{title}` has a public address and no load balancer before it");
            let finding = verdict.fail(public.place, format!("public {title}"), message);
            finding.label("reached directly").at_most(Confidence::Medium);
        }
        return;
    }
    let described = |key: &str| said(resource, key).unwrap_or("").to_owned();
    if is_proxy(&title) || is_proxy(&described("name")) || is_proxy(&described("description")) {
        return;
    }
    for opening in openings(resource) {
        if opening.from == opening.to && APPLICATION_PORTS.contains(&opening.from) {
            let message = format!("`{title}` lets everybody reach port {} of a program itself", opening.from);
            let finding = verdict.fail(opening.place, format!("public {title} {}", opening.from), message);
            finding.label("from any address").at_most(Confidence::Medium);
        }
    }
}

/// Services of a stack that publish ports, beside the one that is the proxy.
fn composed(repository: &Repository, verdict: &mut Verdict) {
    let mut stacks: BTreeMap<&[FileId], Vec<(&Service, &Port)>> = BTreeMap::new();
    for (stack, service) in served(repository) {
        let first = service.ports.iter().find(|p| p.is_for_all());
        stacks.entry(&stack.files).or_default().extend(first.map(|p| (service, p)));
    }
    for found in stacks.into_values() {
        let front = found.iter().find(|(service, _)| is_proxy_service(service));
        for (service, port) in found.iter().filter(|(service, _)| !is_proxy_service(service)) {
            if service.image.as_ref().is_some_and(|i| is_store_image(&i.value)) {
                continue;
            }
            let name = &service.name;
            let message = match front {
                Some((front, _)) => format!("`{name}` can be reached past the proxy `{}`", front.name),
                None => format!("`{name}` answers the outside itself, without a proxy before it"),
            };
            let finding = verdict.fail(port.place, format!("public service {name}"), message);
            finding.label("published to every network of the machine").at_most(Confidence::Medium);
            if let Some((_, front)) = front {
                finding.relate(front.place, "the proxy");
            } else {
                no_worse_than(finding, Severity::Note)
                    .against("a proxy of the machine itself may stand before it");
            }
        }
        if let Some((_, front)) = front {
            verdict.satisfied(front.place);
        }
    }
    say_once(verdict);
}
