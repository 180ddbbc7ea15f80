//! What a service ought to bring along so that people see how it does: logs, ids, metrics, traces, trackers.

use super::delivery::ways;
use super::services::{agent, lacking, services, surroundings};
use crate::facts::PracticeKind::{
    AuditLog, CorrelationId, Dashboards, ErrorTracker, LogShipping, Metrics, StructuredLogs, Tracing,
};
use crate::facts::{PracticeKind, Repository, Stage, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn structured_logs(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let by_setting = repository.facts.settings.iter().find(|s| {
        let key = s.key.to_ascii_lowercase();
        let format =
            key.contains("log") && (key.contains("format") || key.contains("json")) || key == "log_format";
        format && s.setting.known().is_some_and(|v| v.to_ascii_lowercase().contains("json") || v == "true")
    });
    let set = by_setting.map(|s| s.place);
    let finding = lacking(
        repository,
        verdict,
        "structured logs",
        |shown, service| shown.practice(service, StructuredLogs).or(set),
        "shows no logger that writes lines which programs can read",
    );
    if let Some(finding) = finding {
        finding.against("a logger of the language itself may be set so in a way that was not recognised");
    }
}

pub(super) fn correlation_id(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let finding = lacking(
        repository,
        verdict,
        "correlation id",
        |shown, service| shown.practice(service, CorrelationId),
        "shows no id that goes with a request through logs and jobs",
    );
    if let Some(finding) = finding {
        finding.against("a mesh or a gateway may add one, and the program hand it on");
    }
}

/// The specification that STEP-08 names.
const AUDIT_SPEC: &str = "docs/specs/09_audit_and_traceability.md";

pub(super) fn audit_log(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let spec = repository.by_path(AUDIT_SPEC).map(|f| f.place);
    let finding = lacking(
        repository,
        verdict,
        "audit log",
        |shown, service| shown.practice(service, AuditLog).filter(|_| spec.is_some()),
        &format!("shows no audit log that `{AUDIT_SPEC}` sets limits for"),
    );
    if let Some(finding) = finding {
        finding.against(match spec {
            Some(_) => "the program may record what people do under another name",
            None => "the specification may have another name, or lie outside the repository",
        });
    }
}

pub(super) fn metrics(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let around = surroundings(repository, Metrics).or_else(|| agent(repository));
    let finding = lacking(
        repository,
        verdict,
        "metrics",
        |shown, service| shown.practice(service, Metrics).or(around),
        "shows no metrics of latency, errors and queues",
    );
    if let Some(finding) = finding {
        finding.against("the platform, a mesh or an agent outside the repository may measure it");
    }
}

pub(super) fn tracing(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let around = surroundings(repository, Tracing).or_else(|| agent(repository));
    let finding = lacking(
        repository,
        verdict,
        "traces",
        |shown, service| shown.practice(service, Tracing).or(around),
        "shows no tracing of what a request sets off",
    );
    if let Some(finding) = finding {
        finding.against("a mesh or an agent outside the repository may trace it");
    }
}

/// The tools that WTFB-SOP/6.2 names.
pub(super) fn tools(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let services = services(repository);
    let Some(first) = services.first() else {
        return verdict
            .not_applicable("no file here names a program that answers requests and runs somewhere");
    };
    let practice = |wanted: PracticeKind| {
        let all = repository.facts.practices.iter();
        all.filter(|p| p.practice == wanted).map(|p| p.place).find(|p| !repository.is_sample(*p))
    };
    let file = |words: &[&str]| {
        let named = |f: &&crate::facts::File| {
            let path = f.path.to_ascii_lowercase();
            words.iter().any(|w| path.contains(w)) && !super::samples::is_sample(&path)
        };
        repository.files.iter().find(named).map(|f| f.place)
    };
    let wanted: [(&str, Option<Span>); 3] = [
        (
            "Prometheus",
            surroundings(repository, Metrics).or(practice(Metrics)).or_else(|| file(&["prometheus"])),
        ),
        (
            "Grafana",
            surroundings(repository, Dashboards).or(practice(Dashboards)).or_else(|| file(&["grafana"])),
        ),
        ("Sentry", surroundings(repository, ErrorTracker).or(practice(ErrorTracker))),
    ];
    let mut missing = Vec::new();
    for (tool, found) in wanted {
        match found {
            Some(place) => verdict.satisfied(place),
            None => missing.push(tool),
        }
    }
    if missing.is_empty() {
        return;
    }
    let title = first.title(repository);
    let message = format!("Nothing here shows {} for {}", missing.join(", "), lower_first(&title));
    let finding = verdict.open(first.web.place, "monitoring tools", message);
    finding.label("answers requests by this");
    finding.against("the tools may be set up outside the repository, or be others that do the same");
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}

/// Where records of deploys go.
pub(super) fn log_store(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if let Some(place) = surroundings(repository, LogShipping) {
        return verdict.satisfied(place);
    }
    let kept = |f: &&crate::facts::File| {
        f.path.starts_with("logs/deployments/")
            || f.path.starts_with("logs/deploy") && f.path.ends_with(".json")
    };
    if let Some(file) = repository.files.iter().find(kept) {
        return verdict.satisfied(file.place);
    }
    let configured = repository.facts.resources.iter().find(|r| {
        let logs = |e: &crate::facts::Setting| {
            e.path.contains("logConfiguration")
                || e.setting.text().contains("awslogs")
                || e.key == "logging_service"
        };
        matches!(r.system, System::Terraform | System::Kubernetes) && r.entries.iter().any(logs)
    });
    if let Some(resource) = configured {
        return verdict.satisfied(resource.place);
    }
    // What a test installs for itself leaves no log that anybody wants.
    let stages = [Stage::Production, Stage::Staging].into_iter();
    let Some(way) = stages.flat_map(|stage| ways(repository, stage)).next() else { return };
    let job = way.job(repository);
    let message =
        format!("Nothing here shows a store in which the logs of job `{}` can be searched", job.name);
    let finding = verdict.open(job.place, "log store", message);
    finding.label("its log stays with the CI service");
    finding.against("the store may be set up outside the repository");
}
