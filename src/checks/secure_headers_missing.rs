//! Headers by which a response keeps browsers from being used against their people.

use super::definitions::passes;
use super::delivery::doubt;
use super::estate::{is_apart, standing};
use crate::facts::{Practice, PracticeKind, Repository, Resource, Setting, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

/// What is asked for, by the name of the header in lower case.
/// <https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html>
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", "Content-Security-Policy"),
    ("x-content-type-options", "X-Content-Type-Options"),
    ("x-frame-options", "X-Frame-Options"),
    ("strict-transport-security", "Strict-Transport-Security"),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let servers: Vec<&Resource> = standing(repository).filter(|r| r.system == System::Nginx).collect();
    let mut any = false;
    for server in &servers {
        any |= dropped(server, &servers, verdict);
    }
    if let Some(place) = sent(repository) {
        return verdict.satisfied(place);
    }
    if any {
        return;
    }
    let Some((place, what)) = edge(repository, &servers) else {
        return verdict.not_applicable("nothing here answers browsers in staging or production");
    };
    let message = format!("Nothing here gives the responses of {what} protective headers");
    let finding = verdict.open(place, "secure headers", message);
    finding.label("sends neither a content security policy nor the like");
    doubt(repository, finding).against("the program itself may send them");
}

/// The header that an `add_header` or its like gives.
fn header(entry: &Setting) -> Option<&'static str> {
    if !matches!(entry.key.as_str(), "add_header" | "more_set_headers") {
        return None;
    }
    named(&entry.setting.text())
}

fn named(text: &str) -> Option<&'static str> {
    let text = text.trim_matches(['"', '\'']).to_ascii_lowercase();
    HEADERS.iter().find(|(low, _)| text.starts_with(low)).map(|(_, name)| *name)
}

/// Headers of a server hold in a location only if the location gives none of its own.
/// <https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header>
fn dropped(server: &Resource, servers: &[&Resource], verdict: &mut Verdict) -> bool {
    let of = |all: &[&Setting]| -> Vec<&'static str> { all.iter().filter_map(|e| header(e)).collect() };
    let direct = |resource: &'_ Resource| resource.entries.iter().any(|e| e.path == "add_header");
    let mut outer: Vec<&Setting> = server.entries.iter().filter(|e| e.path == "add_header").collect();
    if !direct(server) {
        let http = servers.iter().find(|r| r.sort == "http" && r.place.file == server.place.file);
        outer.extend(http.into_iter().flat_map(|h| h.entries.iter().filter(|e| e.path == "add_header")));
    }
    let given = of(&outer);
    if given.is_empty() || server.sort != "server" {
        return false;
    }
    let mut losing: Vec<(Span, String, Vec<&str>)> = Vec::new();
    let merged = server.entries.iter().any(|e| e.key == "add_header_inherit");
    for location in server.entries.iter().filter(|e| e.key == "location" && e.path.split('.').count() == 2) {
        let inside = format!("{}.", location.path);
        let own: Vec<&Setting> = server
            .entries
            .iter()
            .filter(|e| e.path.strip_prefix(inside.as_str()).is_some_and(|rest| rest == "add_header"))
            .collect();
        let Some(first) = own.first() else { continue };
        let kept = of(&own);
        let lost: Vec<&str> = given.iter().copied().filter(|h| !kept.contains(h)).collect();
        // A file that is taken in may give them again.
        let taken = server.entries.iter().any(|e| e.path == format!("{inside}include"));
        let answers = server.entries.iter().any(|e| e.path == format!("{inside}return"));
        if lost.is_empty() || taken || merged || answers {
            verdict.satisfied(first.place);
            continue;
        }
        losing.push((first.place, location.setting.text(), lost));
    }
    let Some(((place, path, lost), others)) = losing.split_first() else { return true };
    let name = server.title();
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let message =
        format!("`location {path}`{more} of `{name}` loses headers of its server: {}", lost.join(", "));
    let finding = verdict.fail(*place, format!("headers {name}"), message);
    finding.label("one header of its own drops all others").at_most(Confidence::High);
    if let Some(above) = outer.iter().find(|e| header(e).is_some_and(|h| lost.contains(&h))) {
        finding.relate(above.place, "given here");
    }
    for (place, ..) in others.iter().take(10) {
        finding.relate(*place, "likewise");
    }
    true
}

/// Where headers are given, by whatever stands before or in the program.
fn sent(repository: &Repository) -> Option<Span> {
    let speaks = |text: &str| {
        let text = text.to_ascii_lowercase();
        HEADERS.iter().any(|(low, _)| text.contains(low))
    };
    let block = |r: &&Resource| match r.sort.as_str() {
        // <https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/headers/>
        "Middleware" => r.has("spec.headers"),
        "aws_cloudfront_response_headers_policy" => true,
        "azurerm_cdn_frontdoor_rule"
        | "azurerm_application_gateway"
        | "Ingress"
        | "IngressRoute"
        | "HTTPRoute"
        | "VirtualService"
        | "EnvoyFilter"
        | "ConfigMap"
        | "server"
        | "http"
        | "google_compute_backend_service"
        | "google_compute_backend_bucket"
        | "HelmRelease" => {
            r.entries.iter().any(|e| speaks(&e.path) || speaks(&e.setting.text()) || e.key == "hsts")
        }
        _ => false,
    };
    let resource = standing(repository).find(block).map(|r| r.place);
    let setting = || {
        let told = |s: &&Setting| {
            speaks(&s.path)
                || matches!(
                    s.key.as_str(),
                    "SECURE_HSTS_SECONDS" | "SECURE_CONTENT_TYPE_NOSNIFF" | "response_headers_policy_id"
                )
                || speaks(&s.setting.text())
        };
        repository.facts.settings.iter().find(|s| told(s) && passes(repository, s.place)).map(|s| s.place)
    };
    resource.or_else(setting).or_else(|| practised(repository))
}

/// What a program brings along or says for it.
fn practised(repository: &Repository) -> Option<Span> {
    let own = |p: &&Practice| p.practice == PracticeKind::SecureHeaders && passes(repository, p.place);
    repository.facts.practices.iter().find(own).map(|p| p.place)
}

/// What browsers reach: a server that serves pages, else a way in.
fn edge(repository: &Repository, servers: &[&Resource]) -> Option<(Span, String)> {
    let pages = |r: &&&Resource| {
        r.sort == "server"
            && r.entries.iter().any(|e| matches!(e.key.as_str(), "root" | "proxy_pass" | "try_files"))
    };
    if let Some(server) = servers.iter().find(pages).filter(|s| !is_apart(s.target.as_ref())) {
        return Some((server.place, format!("`{}`", server.title())));
    }
    const WAYS: &[&str] = &[
        "Ingress",
        "IngressRoute",
        "HTTPRoute",
        "aws_cloudfront_distribution",
        "azurerm_cdn_frontdoor_endpoint",
    ];
    let way = standing(repository).find(|r| WAYS.contains(&r.sort.as_str()) && r.block != "data")?;
    Some((way.place, format!("`{}`", way.title())))
}
