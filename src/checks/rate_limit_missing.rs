//! Whether anything keeps one visitor from asking more than all others together.

use super::definitions::{passes, text};
use super::delivery::doubt;
use super::estate::{is_no, standing};
use crate::facts::{Practice, PracticeKind, Repository, Resource, Setting, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if let Some(place) = limited(repository) {
        return verdict.satisfied(place);
    }
    // A zone that no server uses limits nobody.
    let zone = standing(repository)
        .filter(|r| r.system == System::Nginx)
        .find_map(|r| r.entries.iter().find(|e| e.key == "limit_req_zone"));
    if let Some(zone) = zone {
        let message = "A zone for limits is set up, and no server or location uses it";
        verdict.fail(zone.place, "rate limit zone", message).label("counts nobody");
        return;
    }
    let Some(way) = way_in(repository) else {
        return verdict.not_applicable("nothing here answers requests in staging or production");
    };
    let message = format!("Nothing here limits how often one visitor may ask `{}`", way.title());
    let finding = verdict.open(way.place, "rate limit", message);
    finding.label("lets everybody ask as often as they like");
    doubt(repository, finding).against("the program itself may limit them");
}

/// What answers the outside.
fn way_in(repository: &Repository) -> Option<&Resource> {
    const WAYS: &[&str] = &[
        "Ingress",
        "IngressRoute",
        "HTTPRoute",
        "aws_lb",
        "aws_alb",
        "aws_api_gateway_rest_api",
        "aws_apigatewayv2_api",
        "aws_cloudfront_distribution",
        "azurerm_application_gateway",
        "google_compute_url_map",
        "google_compute_global_forwarding_rule",
    ];
    let proxied = |r: &&Resource| {
        r.sort == "server"
            && r.system == System::Nginx
            && r.entries.iter().any(|e| e.key == "proxy_pass" || e.key.ends_with("_pass"))
    };
    let inner = |r: &Resource| r.entry("internal").and_then(text) == Some("true");
    standing(repository)
        .find(|r| WAYS.contains(&r.sort.as_str()) && !inner(r) && r.block != "data")
        .or_else(|| standing(repository).find(proxied))
}

/// Where requests are limited: at the edge, in the mesh, or in the program.
fn limited(repository: &Repository) -> Option<Span> {
    let spoken = |text: &str| {
        let text = text.to_ascii_lowercase().replace(['-', '_', ' '], "");
        ["ratelimit", "ratebased", "throttl", "limitrps", "limitrpm", "limitconnections", "limitreq"]
            .iter()
            .any(|w| text.contains(w))
    };
    let block = |r: &&Resource| match (r.system, r.sort.as_str()) {
        // <https://nginx.org/en/docs/http/ngx_http_limit_req_module.html>
        (System::Nginx, _) => r.entries.iter().any(|e| matches!(e.key.as_str(), "limit_req" | "limit_conn")),
        // <https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/ratelimit/>
        (System::Kubernetes, "Middleware") => r.has("spec.rateLimit") || r.has("spec.inFlightReq"),
        (System::Kubernetes, "KongPlugin") => {
            r.entry("plugin").and_then(text).is_some_and(|p| p.starts_with("rate-limiting"))
        }
        (
            System::Kubernetes,
            "EnvoyFilter"
            | "BackendTrafficPolicy"
            | "Ingress"
            | "VirtualService"
            | "ConfigMap"
            | "HelmRelease"
            | "HTTPRoute",
        ) => r.entries.iter().any(|e| spoken(&e.path) || spoken(&e.setting.text())),
        (_, "cloudflare_rate_limit" | "aws_api_gateway_usage_plan") => true,
        (_, sort)
            if sort.contains("waf")
                || sort.contains("security_policy")
                || sort.contains("api_gateway")
                || sort.contains("apigateway")
                || sort.contains("ruleset")
                || sort.contains("frontdoor") =>
        {
            r.entries.iter().any(|e| spoken(&e.path) || spoken(&e.setting.text()))
        }
        _ => false,
    };
    let resource = standing(repository).find(block).map(|r| r.place);
    let setting = || {
        let told =
            |s: &&Setting| spoken(&s.path) && !text(s).is_some_and(is_no) && passes(repository, s.place);
        repository.facts.settings.iter().find(told).map(|s| s.place)
    };
    resource.or_else(setting).or_else(|| practised(repository))
}

/// What a program brings along or says for it.
fn practised(repository: &Repository) -> Option<Span> {
    let own = |p: &&Practice| p.practice == PracticeKind::RateLimit && passes(repository, p.place);
    repository.facts.practices.iter().find(own).map(|p| p.place)
}
