//! What stands before services: proxies, ingresses, load balancers, and how they are told from what they serve.

use super::definitions::text;
use super::gates::words;
use crate::facts::{Resource, Service};

/// Words of names of what takes requests for others.
const PROXIES: &[&str] = &[
    "nginx",
    "proxy",
    "traefik",
    "caddy",
    "haproxy",
    "envoy",
    "ingress",
    "ingressgateway",
    "gateway",
    "kong",
    "apisix",
    "lb",
    "alb",
    "nlb",
    "elb",
    "loadbalancer",
    "balancer",
    "edge",
    "router",
    "istio",
    "contour",
    "cloudflared",
    "swag",
    "webserver",
    "reverse",
    "varnish",
    "httpd",
    "apache",
    "openresty",
    "tyk",
    "krakend",
    "ambassador",
    "emissary",
    "waf",
    "bastion",
    "vpn",
    "wireguard",
    "jump",
    "nat",
    "controller",
    "public",
    "cdn",
];

/// Whether a name or an image's name is that of a proxy.
pub(super) fn is_proxy(name: &str) -> bool {
    words(name).iter().any(|w| {
        PROXIES.contains(&w.as_str())
            || w.ends_with("proxy")
            || w.ends_with("gateway")
            || w.starts_with("nginx")
    })
}

/// Whether a load balancer of a Service is reached from inside only.
/// <https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer>
pub(super) fn is_internal(service: &Resource) -> bool {
    service.entries.iter().any(|e| {
        let path = e.path.to_ascii_lowercase();
        let told =
            |values: &[&str]| text(e).is_some_and(|v| values.contains(&v.to_ascii_lowercase().as_str()));
        path.starts_with("metadata.annotations.")
            && (path.contains("load-balancer") || path.contains("loadbalancer"))
            && (path.ends_with("internal") && !told(&["false"]) || told(&["internal", "private"]))
            || path.starts_with("spec.loadbalancersourceranges.")
                && !text(e).is_some_and(super::firewalls::is_everybody)
    })
}

/// Annotations by which a load balancer or a controller ends TLS itself.
pub(super) fn ends_tls_by_annotation(resource: &Resource) -> bool {
    const KEYS: &[&str] = &[
        "ssl-cert",
        "certificate-arn",
        "managed-certificates",
        "pre-shared-cert",
        "backend-config-tls",
        "tls-acme",
        "router.tls",
        "appgw-ssl-certificate",
        "ssl-passthrough",
        "do-loadbalancer-certificate-id",
        "do-loadbalancer-tls",
        "frontend-config",
        "origin-server-tls",
    ];
    resource.entries.iter().any(|e| {
        let path = e.path.to_ascii_lowercase();
        path.starts_with("metadata.annotations.")
            && (KEYS.iter().any(|k| path.contains(k))
                || path.contains("entrypoints") && e.setting.text().contains("secure")
                || path.contains("listen-ports") && e.setting.text().contains("HTTPS"))
    })
}

/// The last part of an image's name, without tag and digest.
pub(super) fn last_name(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference).rsplit('/').next().unwrap_or(reference);
    name.split(':').next().unwrap_or(name)
}

/// Whether a service of a stack is a proxy, by its name or its image.
pub(super) fn is_proxy_service(service: &Service) -> bool {
    is_proxy(&service.name) || service.image.as_ref().is_some_and(|i| is_proxy(last_name(&i.value)))
}
