//! Ways in to staging and production on which nothing is encrypted.

use super::definitions::text;
use super::estate::{anywhere, argument, is_apart, is_no, is_shared, is_yes, kind, said, say_once, standing};
use super::fronts::{ends_tls_by_annotation, is_proxy_service};
use super::rollouts::own;
use super::stacks::{default_port, served};
use crate::facts::{Port, Repository, Resource, Service, Setting, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Where no way in names a certificate, the controller may well have one for all.
    let certified = standing(repository).any(|r| r.sort == "Ingress" && ends(r));
    let mut plain = Plain { certified, ..Plain::default() };
    for resource in standing(repository) {
        match (resource.system, resource.sort.as_str()) {
            (System::Kubernetes, "Ingress") => ingress(repository, resource, &mut plain, verdict),
            (System::Kubernetes, "IngressRoute") => route(repository, resource, verdict),
            (System::Kubernetes, "Gateway") => gateway(resource, verdict),
            (System::Kubernetes, _) => {}
            (System::Nginx, "server") => server(repository, resource, verdict),
            _ => provided(repository, resource, verdict),
        }
    }
    plain.report(verdict);
    composed(repository, verdict);
    say_once(verdict);
}

/// Ingresses without a certificate: what is missing is missing in all of them for one reason.
#[derive(Default)]
struct Plain<'r> {
    /// Others here name a certificate.
    certified: bool,
    /// Those that certainly have none.
    without: Vec<&'r Resource>,
    /// Those of which the files do not tell.
    untold: Vec<&'r Resource>,
}

impl Plain<'_> {
    fn report(&self, verdict: &mut Verdict) {
        let named = |all: &[&Resource]| {
            let more = if all.len() > 1 { format!(" and {} more", all.len() - 1) } else { String::new() };
            format!("`{}`{more}", all[0].title())
        };
        if !self.without.is_empty() {
            let message = format!("{} takes requests without TLS", named(&self.without));
            let finding = verdict.fail(self.without[0].place, "tls of ingresses", message);
            finding.label("names no certificate, as others here do").at_most(Confidence::Medium);
            self.without.iter().skip(1).take(20).for_each(|r| {
                finding.relate(r.place, "likewise");
            });
        }
        if !self.untold.is_empty() {
            let message = format!("Nothing here shows where TLS ends before {}", named(&self.untold));
            let finding = verdict.open(self.untold[0].place, "tls of ingresses", message);
            finding.label("names no certificate").against("the controller may have a certificate for all");
            self.untold.iter().skip(1).take(20).for_each(|r| {
                finding.relate(r.place, "likewise");
            });
        }
    }
}

fn ends(resource: &Resource) -> bool {
    resource.has("spec.tls") || ends_tls_by_annotation(resource)
}

/// <https://kubernetes.io/docs/concepts/services-networking/ingress/#tls>
fn ingress<'r>(
    repository: &'r Repository,
    resource: &'r Resource,
    plain: &mut Plain<'r>,
    verdict: &mut Verdict,
) {
    let Some(_) = resource.entries.iter().find(|e| {
        e.path.starts_with("spec.rules.")
            || e.path.starts_with("spec.defaultBackend")
            || e.path.starts_with("spec.backend")
    }) else {
        return;
    };
    // An overlay or a base may add it.
    let elsewhere = || {
        own(repository)
            .any(|r| r.sort == "Ingress" && r.name == resource.name && r.place != resource.place && ends(r))
    };
    let class = said(resource, "spec.ingressClassName")
        .or_else(|| anywhere(resource, "kubernetes.io/ingress.class").and_then(text))
        .unwrap_or("");
    let private = ["internal", "private", "tunnel", "tailscale"].iter().any(|w| class.contains(w))
        || resource.entries.iter().any(|e| e.path.ends_with("/scheme") && text(e) == Some("internal"));
    if ends(resource) || private || elsewhere() {
        return verdict.satisfied(resource.place);
    }
    let templated = !resource.is_closed("spec.tls")
        || repository.path(resource.place).contains("templates/")
        || resource.entries.iter().any(|e| e.path.contains("annotations") && e.setting.known().is_none());
    let hosts: Vec<&str> = resource.entries.iter().filter(|e| e.key == "host").filter_map(text).collect();
    if !hosts.is_empty() && hosts.iter().all(|h| is_inside(h)) {
        return verdict.examined(resource.place);
    }
    let certain = is_shared(resource.target.as_ref()) && !templated && plain.certified;
    if certain { plain.without.push(resource) } else { plain.untold.push(resource) }
}

fn is_inside(host: &str) -> bool {
    [".local", ".internal", ".test", ".localhost", ".svc", ".nip.io", ".sslip.io"]
        .iter()
        .any(|e| host.ends_with(e))
        || host == "localhost"
}

/// <https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/>
fn route(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let points: Vec<&Setting> =
        resource.entries.iter().filter(|e| e.path.starts_with("spec.entryPoints.")).collect();
    let secure = resource.has("spec.tls")
        || points.iter().any(|p| p.setting.text().contains("secure") || p.setting.text().contains("443"));
    // A second route of the same hosts that leads to TLS.
    let redirects = || {
        resource.entries.iter().any(|e| {
            e.path.contains("middlewares") && {
                let value = e.setting.text();
                ["redirect", "https"].iter().any(|w| value.contains(w))
            }
        })
    };
    let twin = || {
        own(repository).any(|r| {
            r.sort == "IngressRoute"
                && r.place != resource.place
                && r.has("spec.tls")
                && r.place.file == resource.place.file
        })
    };
    let Some(point) = points.first() else { return };
    if secure || redirects() || twin() {
        return verdict.satisfied(resource.place);
    }
    let plain = points.iter().all(|p| matches!(text(p), Some("web" | "http")));
    if !plain || !is_shared(resource.target.as_ref()) {
        return verdict.examined(resource.place);
    }
    let title = resource.title();
    let message = format!("`{title}` takes requests without TLS");
    let finding = verdict.fail(point.place, format!("tls {title}"), message);
    finding.label("the entry point without TLS").at_most(Confidence::Medium);
}

/// <https://gateway-api.sigs.k8s.io/guides/tls/>, <https://istio.io/latest/docs/reference/config/networking/gateway/>
fn gateway(resource: &Resource, verdict: &mut Verdict) {
    let protocols: Vec<&Setting> = resource
        .entries
        .iter()
        .filter(|e| {
            e.key == "protocol"
                && (e.path.starts_with("spec.listeners.") || e.path.starts_with("spec.servers."))
        })
        .collect();
    let secure =
        protocols.iter().any(|p| matches!(text(p), Some("HTTPS" | "TLS")) || p.setting.known().is_none());
    let redirects = anywhere(resource, "httpsRedirect").is_some_and(|r| text(r).is_some_and(is_yes));
    let Some(plain) = protocols.iter().find(|p| matches!(text(p), Some("HTTP" | "HTTP2"))) else { return };
    if secure || redirects {
        return verdict.satisfied(resource.place);
    }
    let title = resource.title();
    if !is_shared(resource.target.as_ref()) {
        let message = format!("Nothing here shows where `{title}` ends TLS");
        verdict.open(plain.place, format!("tls {title}"), message).label("a listener without TLS");
        return;
    }
    let message = format!("`{title}` takes requests without TLS");
    let finding = verdict.fail(plain.place, format!("tls {title}"), message);
    finding.label("its only listeners are without TLS").at_most(Confidence::Medium);
}

/// What a server of nginx listens to.
struct Listens<'r> {
    /// A port without TLS.
    plain: Option<&'r Setting>,
    /// One with TLS.
    secure: Option<&'r Setting>,
}

/// <https://nginx.org/en/docs/http/configuring_https_servers.html>
fn listens(server: &Resource) -> Listens<'_> {
    let all = || server.entries.iter().filter(|e| e.path == "listen");
    let secure = |e: &&Setting| {
        let said = e.setting.text();
        said.split(' ').any(|w| w == "ssl" || w == "quic")
            || said.split(' ').next().is_some_and(|p| p == "443" || p.ends_with(":443"))
    };
    let old = server.entries.iter().any(|e| e.path == "ssl" && text(e) == Some("on"));
    let at_80 =
        |e: &&Setting| e.setting.text().split(' ').next().is_some_and(|p| p == "80" || p.ends_with(":80"));
    let first = all().find(secure).or_else(|| all().next().filter(|_| old));
    Listens { plain: all().find(|e| at_80(e) && !old), secure: first }
}

/// Where a proxy has a certificate, nothing but a way to it may answer without TLS. A proxy without one stands behind
/// another, as far as can be told.
fn server(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    let own = listens(resource);
    let Some(plain) = own.plain else {
        if let Some(secure) = own.secure {
            verdict.satisfied(secure.place);
        }
        return;
    };
    let names = |r: &Resource| -> Vec<String> {
        let all = r.entries.iter().filter(|e| e.path == "server_name").map(|e| e.setting.text());
        all.flat_map(|n| n.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let mine = names(resource);
    let twin = || {
        standing(repository).find(|r| {
            r.system == System::Nginx
                && r.place != resource.place
                && listens(r).secure.is_some()
                && names(r).iter().any(|n| mine.contains(n))
        })
    };
    let Some(secure) = own.secure.map(|s| s.place).or_else(|| twin().map(|t| t.place)) else {
        return verdict.examined(plain.place);
    };
    let to_tls = |e: &Setting| {
        matches!(e.key.as_str(), "return" | "rewrite") && {
            let said = e.setting.text();
            said.contains("https://") || said.contains("444")
        }
    };
    // Proof that a name is one's own must be shown without TLS.
    let challenge = |path: &str| {
        resource.entries.iter().any(|e| {
            e.key == "location"
                && path.starts_with(&format!("{}.", e.path))
                && e.setting.text().contains("well-known")
        })
    };
    let answers = resource.entries.iter().find(|e| {
        (e.key.ends_with("_pass") || matches!(e.key.as_str(), "root" | "alias" | "try_files"))
            && !challenge(&e.path)
    });
    let led = resource.entries.iter().any(|e| to_tls(e) && !challenge(&e.path))
        || resource.entries.iter().any(|e| e.key == "if" && e.setting.text().contains("scheme"));
    match answers.filter(|_| !led) {
        None => verdict.satisfied(plain.place),
        Some(answers) => {
            let name = resource.name.text();
            let message = format!("`{name}` answers at port 80 what it answers with TLS");
            let finding = verdict.fail(plain.place, format!("tls server {name}"), message);
            finding.label("listens without TLS, and does not lead to it").relate(secure, "with TLS");
            finding.relate(answers.place, "answers this").at_most(Confidence::Medium);
        }
    }
}

/// Listeners, distributions and applications of a provider.
fn provided(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    if resource.block == "module" {
        return;
    }
    let title = resource.title();
    let subject = format!("tls {title}");
    match kind(resource) {
        // <https://fly.io/docs/reference/configuration/#the-http_service-section>
        "fly" if resource.system == System::Platform => {
            let Some(forced) = resource.entries.iter().find(|e| e.key == "force_https") else { return };
            if text(forced).is_some_and(is_no) {
                let message = format!("`{title}` answers requests without TLS, too");
                verdict.fail(forced.place, subject, message).label("does not lead to TLS");
            } else {
                verdict.satisfied(forced.place);
            }
        }
        // <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lb_listener#redirect-action>
        "aws_lb_listener" | "aws_alb_listener" => {
            let Some(protocol) = argument(resource, "protocol") else { return };
            if text(protocol) != Some("HTTP") {
                return verdict.satisfied(protocol.place);
            }
            let action = resource.entries.iter().find(|e| {
                e.path.ends_with("default_action.type")
                    || e.path.starts_with("Properties.DefaultActions.") && e.key == "Type"
            });
            let leads = |e: &Setting| matches!(text(e), Some("redirect" | "fixed-response"));
            if action.is_none_or(|a| a.setting.known().is_none() || leads(a))
                || is_inner(repository, resource)
            {
                return verdict.satisfied(protocol.place);
            }
            let message = format!("`{title}` passes requests on without TLS");
            let finding = verdict.fail(protocol.place, subject, message);
            finding.label("listens without TLS").at_most(Confidence::Medium);
            if let Some(action) = action {
                finding.relate(action.place, "and does not lead to TLS");
            }
            finding.against("a distribution before it may end TLS");
        }
        // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https-viewers-to-cloudfront.html>
        "aws_cloudfront_distribution" => {
            let policies = || {
                resource
                    .entries
                    .iter()
                    .filter(|e| matches!(e.key.as_str(), "viewer_protocol_policy" | "ViewerProtocolPolicy"))
            };
            match policies().find(|e| text(e) == Some("allow-all")) {
                Some(open) => {
                    let message = format!("`{title}` answers without TLS to whoever asks so");
                    verdict.fail(open.place, subject, message).label("TLS is left to the visitor");
                }
                None => policies().for_each(|p| verdict.satisfied(p.place)),
            }
        }
        // <https://learn.microsoft.com/en-us/azure/app-service/configure-ssl-bindings#enforce-https>
        "azurerm_linux_web_app"
        | "azurerm_windows_web_app"
        | "azurerm_app_service"
        | "azurerm_linux_function_app" => match resource.entry("https_only") {
            Some(only) if text(only).is_some_and(is_no) => {
                let message = format!("`{title}` answers without TLS, too");
                verdict.fail(only.place, subject, message).label("TLS is left to the visitor");
            }
            Some(only) => verdict.satisfied(only.place),
            None => {}
        },
        // <https://docs.cloud.google.com/load-balancing/docs/https/setting-up-http-https-redirect>
        "google_compute_target_http_proxy" => {
            let map = resource.entry("url_map").map_or_else(String::new, |e| e.setting.text());
            let redirects = standing(repository).any(|r| {
                r.sort == "google_compute_url_map"
                    && map.contains(&format!(".{}.", r.name.text()))
                    && r.entries_ending("https_redirect").any(|e| text(e).is_some_and(is_yes))
            });
            if redirects {
                return verdict.satisfied(resource.place);
            }
            let message = format!("`{title}` passes requests on without TLS");
            let finding = verdict.fail(resource.place, subject, message);
            finding.label("its map does not lead to TLS").at_most(Confidence::Medium);
        }
        _ => {}
    }
}

/// Whether the listener's load balancer is reached from inside only.
fn is_inner(repository: &Repository, listener: &Resource) -> bool {
    let balancer = argument(listener, "load_balancer_arn").map_or_else(String::new, |e| e.setting.text());
    let refers = |r: &Resource| match r.system {
        System::CloudFormation => {
            let mut words = balancer.split(|c: char| !c.is_ascii_alphanumeric());
            r.place.file == listener.place.file
                && words.any(|w| Some(w) == r.name.known().map(String::as_str))
        }
        _ => balancer.contains(&format!("{}.{}.", r.sort, r.name.text())),
    };
    standing(repository).any(|r| {
        let told = |key: &str| argument(r, key).and_then(text);
        matches!(kind(r), "aws_lb" | "aws_alb")
            && refers(r)
            && (told("internal").is_some_and(is_yes)
                || told("scheme") == Some("internal")
                || told("load_balancer_type") == Some("gateway"))
    })
}

/// A proxy of a stack that is reached at port 80 and at no other.
fn composed(repository: &Repository, verdict: &mut Verdict) {
    let mut stacks: BTreeMap<&[FileId], Vec<(&Service, &Port)>> = BTreeMap::new();
    for (stack, service) in served(repository).filter(|(s, _)| !is_apart(s.target.as_ref())) {
        let offered = service.ports.iter().filter(|p| p.is_for_all()).map(|p| (service, p));
        stacks.entry(&stack.files).or_default().extend(offered);
    }
    let number = |port: &Port| port.published.as_deref().and_then(default_port);
    for ports in stacks.into_values() {
        let secure = ports.iter().find(|(_, p)| matches!(number(p), Some(443 | 8443)));
        let plain = ports.iter().find(|(s, p)| number(p) == Some(80) && is_proxy_service(s));
        match (secure, plain) {
            (Some((_, secure)), _) => verdict.satisfied(secure.place),
            (None, Some((service, plain))) => {
                let message = format!("Nothing here shows where TLS ends before `{}`", service.name);
                let finding = verdict.open(plain.place, format!("tls service {}", service.name), message);
                finding
                    .label("reached at port 80 alone")
                    .against("a load balancer before the machine may end TLS");
            }
            _ => {}
        }
    }
    say_once(verdict);
}
