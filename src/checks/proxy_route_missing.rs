//! Whether the proxy leads to the API and to the pages.

use super::definitions::text;
use super::delivery::doubt;
use super::estate::standing;
use super::gates::words;
use crate::facts::{Repository, Resource, Setting, SettingSource, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

/// What the parts of an application are called.
const API: &[&str] = &["api", "backend", "server", "apiserver"];
const WEB: &[&str] = &["web", "frontend", "ui", "client", "webapp", "spa", "static"];

/// A way that a proxy leads: what it asks for, and where it goes.
struct Route<'r> {
    place: Span,
    path: &'r str,
    host: &'r str,
    to: &'r str,
    /// It serves files itself.
    files: bool,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let parts = parts(repository);
    let is = |own: &[&str]| parts.iter().any(|p| words(p).iter().any(|w| own.contains(&w.as_str())));
    let proxies: Vec<&Resource> = standing(repository).filter(|r| is_proxy(r)).collect();
    let (Some(first), true, true) = (proxies.first(), is(API), is(WEB)) else {
        return verdict.not_applicable("no proxy, API and pages are declared here together");
    };
    let routes: Vec<Route<'_>> = proxies.iter().flat_map(|p| routes(p)).collect();
    let names = |text: &str, own: &[&str]| words(text).iter().any(|w| own.contains(&w.as_str()));
    let to_api =
        routes.iter().find(|r| names(r.path, &["api"]) || names(r.host, &["api"]) || names(r.to, API));
    let to_web = routes.iter().find(|r| r.files || names(r.to, WEB) || matches!(r.path, "/" | "/*" | ""));
    for (found, subject, message, label) in [
        (to_api, "route to the api", "No proxy here leads `/api` to the API", "has no such route"),
        (
            to_web,
            "route to the pages",
            "No proxy here serves the pages or leads to them",
            "has no such route",
        ),
    ] {
        match found {
            Some(route) => verdict.satisfied(route.place),
            None => {
                let finding = verdict.open(first.place, subject, message);
                finding.label(label);
                for other in proxies.iter().skip(1).take(5) {
                    finding.relate(other.place, "looked at too");
                }
                doubt(repository, finding);
            }
        }
    }
}

fn is_proxy(resource: &Resource) -> bool {
    match resource.system {
        System::Nginx => resource.sort == "server" && resource.entries.iter().any(|e| e.key == "location"),
        System::Kubernetes => matches!(resource.sort.as_str(), "Ingress" | "HTTPRoute" | "IngressRoute"),
        _ => false,
    }
}

/// Names of services, workloads and compose services.
fn parts(repository: &Repository) -> BTreeSet<&str> {
    let objects = standing(repository).filter(|r| matches!(r.sort.as_str(), "Deployment" | "Service"));
    let composed = repository.facts.settings.iter().filter(|s| s.source == SettingSource::Service);
    let services = composed.filter_map(|s| s.path.strip_prefix("services.")?.split('.').next());
    objects.filter_map(|r| r.name.known().map(String::as_str)).chain(services).collect()
}

fn routes(proxy: &Resource) -> Vec<Route<'_>> {
    let within = |path: &str, key: &[&str]| -> &str {
        let below = |e: &&Setting| e.path.starts_with(path) && key.contains(&e.key.as_str());
        proxy.entries.iter().find(below).and_then(text).unwrap_or("")
    };
    match proxy.system {
        System::Nginx => {
            let locations = proxy.entries.iter().filter(|e| e.key == "location");
            let host = within("server_name", &["server_name"]);
            let whole = proxy.entries.iter().find(|e| e.path == "root").map(|e| Route {
                place: e.place,
                path: "",
                host,
                to: "",
                files: true,
            });
            let each = locations.map(|l| {
                let inside = format!("{}.", l.path);
                let files = proxy.entries.iter().any(|e| {
                    e.path.starts_with(&inside) && matches!(e.key.as_str(), "root" | "alias" | "try_files")
                });
                let path = text(l).unwrap_or("").trim_start_matches(['=', '~', '^', '*', ' ']);
                Route {
                    place: l.place,
                    path,
                    host,
                    to: within(&inside, &["proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass"]),
                    files,
                }
            });
            whole.into_iter().chain(each).collect()
        }
        _ => {
            // `spec.rules.0.http.paths.1.path` and the service beside it.
            let mut found = Vec::new();
            let backends = proxy.entries.iter().filter(|e| {
                matches!(e.key.as_str(), "name" | "serviceName")
                    && (e.path.contains("backend") || e.path.contains("services"))
            });
            for backend in backends {
                let rule = backend.path.split(".backend").next().unwrap_or("").to_owned();
                let outer: String = rule.split('.').take(3).collect::<Vec<_>>().join(".");
                let path = within(&format!("{rule}."), &["path", "value", "match"]);
                let path =
                    if path.is_empty() { within(&format!("{outer}."), &["value", "match"]) } else { path };
                let host = within(&format!("{outer}."), &["host"]);
                found.push(Route {
                    place: backend.place,
                    path,
                    host,
                    to: text(backend).unwrap_or(""),
                    files: false,
                });
            }
            found
        }
    }
}
