//! Addresses at which services tell whether they live and whether they can serve.

use super::services::{Service, Shown, WORKLOADS, lacking};
use crate::facts::{PracticeKind, Repository, Resource, RouteSort, Setting, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn health(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let finding = lacking(
        repository,
        verdict,
        "health address",
        |shown, service| {
            let route = route(shown, service, |_| true);
            let library = || shown.practice(service, PracticeKind::HealthEndpoint);
            route.or_else(library).or_else(|| probed(shown, service, "", LIVE))
        },
        "shows no address that tells whether it lives, such as `/health`",
    );
    if let Some(finding) = finding {
        finding.against("a framework or a library of one's own may answer there");
    }
}

pub(super) fn ready(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let finding = lacking(
        repository,
        verdict,
        "ready address",
        |shown, service| {
            let route = route(shown, service, |sort| sort == RouteSort::Ready);
            let library = || shown.practice(service, PracticeKind::ReadyEndpoint);
            route.or_else(library).or_else(|| probed(shown, service, "readinessProbe", READY))
        },
        "shows no address that tells whether it can serve, such as `/ready`",
    );
    if let Some(finding) = finding {
        finding.against("the address may have another name, or a library of one's own answer there");
    }
}

/// Addresses that answer the same always.
pub(super) fn ignores(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for route in repository.facts.routes.iter().filter(|r| r.sort == RouteSort::Ready) {
        if !repository.is_own(route.place) {
            continue;
        }
        if !route.constant {
            verdict.examined(route.place);
            continue;
        }
        let message =
            format!("`{}` answers that all is well without asking anything it depends on", route.path);
        let finding = verdict.fail(route.place, format!("route {}", route.path), message);
        finding.at_most(Confidence::Low).label("its answer is a constant");
        finding.against("a service without a database and a cache has nothing to ask");
    }
}

/// Ends of paths that probes ask.
const LIVE: &[&str] =
    &["health", "live", "ping", "status", "up", "heartbeat", "ready", "alive", "check", "actuator"];
const READY: &[&str] = &["ready", "readiness", "readyz"];

fn route(shown: &Shown<'_, '_>, service: &Service<'_>, wanted: impl Fn(RouteSort) -> bool) -> Option<Span> {
    let of = |place: Span| !shown.repository.is_sample(place) && shown.concerns(service, place);
    shown.repository.facts.routes.iter().find(|r| wanted(r.sort) && of(r.place)).map(|r| r.place)
}

/// A probe or check that asks such an address: of a workload that is called like the service, or of any if there is
/// one service only.
fn probed(shown: &Shown<'_, '_>, service: &Service<'_>, probe: &str, words: &[&str]) -> Option<Span> {
    let repository = shown.repository;
    let says = |text: &str| {
        let lower = text.to_ascii_lowercase();
        words.iter().any(|w| lower.contains(w))
    };
    let meant = |r: &&Resource| {
        shown.services.len() == 1 || service.name().is_some_and(|name| r.name.text().contains(name))
    };
    let asks = |e: &&Setting| {
        e.path.contains("Probe.")
            && e.path.contains(probe)
            && (e.key == "path" && says(&e.setting.text()) || e.path.contains(".grpc."))
    };
    let of_workload = || {
        let all =
            repository.facts.resources.iter().filter(|r| WORKLOADS.contains(&r.sort.as_str())).filter(meant);
        all.flat_map(|r| &r.entries).find(asks).map(|e| e.place)
    };
    let of_values = || {
        let values = repository.facts.settings.iter();
        values.filter(|_| shown.services.len() == 1).find(asks).map(|e| e.place)
    };
    let of_platform = || {
        let all = repository.facts.resources.iter().filter(|r| r.system == System::Platform).filter(meant);
        let asks = |e: &&Setting| e.path == "health.path" && says(&e.setting.text());
        all.flat_map(|r| &r.entries).find(asks).map(|e| e.place)
    };
    let of_target = || {
        let checks =
            |e: &&Setting| e.path.contains("health_check") && e.key == "path" && says(&e.setting.text());
        let all = repository.facts.resources.iter().flat_map(|r| &r.entries);
        all.filter(|_| shown.services.len() == 1 && probe.is_empty()).find(checks).map(|e| e.place)
    };
    let of_image = || {
        let checks = |i: &&crate::facts::Instruction| {
            i.keyword == "HEALTHCHECK"
                && i.args.iter().any(|a| says(&a.value))
                && shown.concerns(service, i.place)
        };
        repository.facts.instructions.iter().filter(|_| probe.is_empty()).find(checks).map(|i| i.place)
    };
    let of_compose = || {
        let checks = |s: &&Setting| {
            s.path.contains(".healthcheck.test")
                && s.setting.text().contains("http")
                && says(&s.setting.text())
        };
        let all = repository.facts.settings.iter();
        all.filter(|_| shown.services.len() == 1 && probe.is_empty()).find(checks).map(|s| s.place)
    };
    of_workload()
        .or_else(of_platform)
        .or_else(of_values)
        .or_else(of_target)
        .or_else(of_image)
        .or_else(of_compose)
}
