//! Traffic of production that staging gets: its hosts, or a copy of its requests.

use super::addresses::is_worldwide;
use super::definitions::{families, passes, text};
use crate::facts::{Repository, Resource, Setting, Stage, Target};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::mentions;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut routed: BTreeMap<&str, Vec<(Stage, Span)>> = BTreeMap::new();
    for resource in repository.facts.resources.iter().filter(|r| passes(repository, r.place)) {
        mirrored(repository, resource, verdict);
        pointed(repository, resource, verdict);
        let Some(stage) = stage(resource.target.as_ref()) else { continue };
        for host in resource.entries.iter().filter(|e| is_route(&resource.sort, e)) {
            note(repository, host, stage, verdict, &mut routed);
        }
    }
    for family in families(repository) {
        for (&stage, definition) in family.stages.iter().filter(|(s, _)| is_tested_or_used(**s)) {
            for setting in definition.settings.values().filter(|s| is_ingress_host(s)) {
                note(repository, setting, stage, verdict, &mut routed);
            }
        }
    }
    for (host, places) in routed {
        let first = |stage: Stage| places.iter().filter(|(s, _)| *s == stage).map(|(_, p)| *p).min();
        let (Some(staging), Some(production)) = (first(Stage::Staging), first(Stage::Production)) else {
            continue;
        };
        if staging.file == production.file && staging.start == production.start {
            continue;
        }
        let message = format!("Staging answers requests to `{host}`, as production does");
        let finding = verdict.fail(staging, format!("host {host}"), message);
        finding.label("staging answers here").relate(production, "production answers here");
        finding.at_most(Confidence::Medium);
    }
}

fn is_tested_or_used(stage: Stage) -> bool {
    matches!(stage, Stage::Staging | Stage::Production)
}

fn stage(target: Option<&Target>) -> Option<Stage> {
    target?.stage.known().copied().filter(|s| is_tested_or_used(*s))
}

/// Where objects of a cluster name the hosts that they answer to.
/// <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/>,
/// <https://gateway-api.sigs.k8s.io/reference/spec/>
fn is_route(sort: &str, entry: &Setting) -> bool {
    let path = entry.path.as_str();
    match sort {
        "Ingress" => path.starts_with("spec.rules.") && entry.key == "host",
        "HTTPRoute" => path.starts_with("spec.hostnames."),
        "VirtualService" => path.starts_with("spec.hosts."),
        _ => false,
    }
}

/// `ingress.hosts.0.host` of values files.
fn is_ingress_host(setting: &Setting) -> bool {
    let path = setting.path.to_ascii_lowercase();
    path.contains("ingress")
        && path.rsplit('.').take(2).any(|p| matches!(p, "host" | "hosts" | "hostname" | "domain"))
}

fn note<'a>(
    repository: &Repository,
    setting: &'a Setting,
    own: Stage,
    verdict: &mut Verdict,
    routed: &mut BTreeMap<&'a str, Vec<(Stage, Span)>>,
) {
    let Some(host) = text(setting).filter(|h| is_worldwide(h)) else { return };
    verdict.examined(setting.place);
    if own == Stage::Staging && repository.stage_of_host(host) == Some(Stage::Production) {
        let message = format!("Staging answers requests to `{host}`, a host of production");
        let finding = verdict.fail(setting.place, format!("host {host}"), message);
        finding.label("a name of production").at_most(Confidence::Medium);
        return;
    }
    routed.entry(host).or_default().push((own, setting.place));
}

/// Whether a resource of Terraform is a record of a name server.
pub(super) fn is_record(sort: &str) -> bool {
    const SORTS: &[&str] =
        &["aws_route53_record", "google_dns_record_set", "cloudflare_record", "cloudflare_dns_record"];
    SORTS.contains(&sort) || sort.starts_with("azurerm_dns_")
}

/// A name of production that the domain name system leads to staging, or to both.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/route53_record>
fn pointed(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let dns = is_record(&resource.sort) && resource.block == "resource";
    let Some(name) = resource.entry("name").filter(|_| dns) else { return };
    // Texts, mail hosts and name servers lead no request anywhere.
    let leads = |e: &Setting| matches!(e.setting.text().as_str(), "A" | "AAAA" | "CNAME" | "ALIAS" | "HTTPS");
    if !resource.entry("type").is_none_or(leads) {
        return;
    }
    let own = name.setting.text();
    let of_staging = mentions(&own, &repository.environments).includes(Stage::Staging);
    let of_production = !of_staging
        && (repository.stage_of_host(&own) == Some(Stage::Production)
            || stage(resource.target.as_ref()) == Some(Stage::Production));
    let to = |e: &&Setting| {
        let key = e.path.split('.').next().unwrap_or("");
        let value = matches!(key, "records" | "rrdatas" | "record" | "alias" | "value" | "content");
        value && mentions(&e.setting.text(), &repository.environments).single() == Some(Stage::Staging)
    };
    let Some(led) = resource.entries.iter().find(to).filter(|_| of_production) else { return };
    let message = format!("`{}` leads a name of production to staging", resource.title());
    let finding = verdict.fail(led.place, resource.title(), message);
    finding.label("staging").relate(name.place, "the name").at_most(Confidence::Medium);
}

/// Requests of production that are copied to staging.
/// <https://istio.io/latest/docs/tasks/traffic-management/mirroring/>,
/// <https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/traefikservice/>,
/// <https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#mirror>
fn mirrored(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let copies = resource.entries.iter().filter(|e| {
        let path = e.path.to_ascii_lowercase();
        let to = matches!(resource.sort.as_str(), "VirtualService")
            && (path.ends_with(".mirror.host")
                || path.contains(".mirrors.") && path.ends_with("destination.host"))
            || resource.sort == "HTTPRoute"
                && path.contains("requestmirror.backendref")
                && (path.ends_with("namespace") || path.ends_with("name"))
            || resource.sort == "TraefikService" && path.contains("mirroring.mirrors.")
            || path.ends_with("nginx.ingress.kubernetes.io/mirror-target");
        to && text(e).is_some_and(|t| {
            let inside = t.split('.').any(|part| repository.stage_of(part) == Some(Stage::Staging));
            inside || repository.stage_of_host(t) == Some(Stage::Staging)
        })
    });
    let copies: Vec<&Setting> = copies.collect();
    let Some(first) = copies.first() else { return };
    // What staging copies to itself holds none of production's requests.
    if stage(resource.target.as_ref()) == Some(Stage::Staging) {
        return;
    }
    let message = format!("`{}` copies requests to staging", resource.title());
    let finding = verdict.fail(first.place, resource.title(), message);
    finding.label("staging gets a copy").at_most(Confidence::Medium);
}
