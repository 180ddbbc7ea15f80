//! Programs that answer requests and run somewhere, and what they and their surroundings show of how they are watched.
//! Rules on what is absent speak of these alone: a library has no health check and no alerts.

use super::image_stages::shipped_files;
use super::rollouts::own;
use super::samples::{is_sample, is_vendored};
use crate::facts::{
    BaseImage, Owner, Practice, PracticeBasis, PracticeKind, Repository, Resource, Setting, System, Value,
    folder_of,
};
use crate::finding::{Finding, Verdict};
use crate::lexicon::libraries::Libraries;
use crate::text::Span;
use std::collections::BTreeMap;

/// A program that answers requests over HTTP, and runs somewhere.
pub(super) struct Service<'r> {
    /// The folder of its manifest; empty for the root.
    pub folder: &'r str,
    /// The library by which it answers.
    pub web: &'r Practice,
    /// What says that it runs.
    pub runs: Span,
}

impl Service<'_> {
    /// How a sentence calls it.
    pub(super) fn title(&self, repository: &Repository) -> String {
        match self.name() {
            Some(name) => format!("Service `{name}`"),
            None => format!("The service of `{}`", repository.path(self.web.place)),
        }
    }

    /// The last of its folders that says more than that there is a program in it.
    pub(super) fn name(&self) -> Option<&str> {
        let says = |part: &&str| {
            !matches!(*part, "" | "src" | "app" | "apps" | "source" | "code" | "main" | "lib" | "python")
        };
        self.folder.rsplit('/').find(says)
    }
}

/// Programs of this repository that answer requests and run somewhere, by folder. More tell nothing more.
pub(super) fn services(repository: &Repository) -> Vec<Service<'_>> {
    const MOST: usize = 200;
    let mut folders: BTreeMap<&str, &Practice> = BTreeMap::new();
    for practice in &repository.facts.practices {
        let path = repository.path(practice.place);
        let counts = practice.practice == PracticeKind::Web && practice.basis == PracticeBasis::Library;
        if counts && is_own(path) && folders.len() < MOST {
            folders.entry(program_folder(path)).or_insert(practice);
        }
    }
    let images: Vec<(&str, Span)> = shipped_files(repository)
        .into_iter()
        .map(|file| (folder_of(repository.path(Span::start_of(file))), Span::start_of(file)))
        .collect();
    let elsewhere = runs_by_name(repository);
    let alone = folders.len() == 1;
    let found = folders.into_iter().filter_map(|(folder, web)| {
        let near = |other: &str| {
            is_within(folder, other) && (other == folder || alone || other.is_empty())
                || is_within(other, folder)
        };
        let image = images.iter().find(|(f, _)| near(f)).map(|(_, place)| *place);
        let any = || images.first().map(|(_, place)| *place).filter(|_| alone);
        let runs = image.or_else(any).or(elsewhere)?;
        Some(Service { folder, web, runs })
    });
    found.collect()
}

/// Not in samples, in somebody else's code or in what documents are made with.
fn is_own(path: &str) -> bool {
    let apart = |part: &str| {
        matches!(
            part,
            "doc"
                | "docs"
                | "documentation"
                | "website"
                | "site"
                | "hack"
                | "tools"
                | "scripts"
                | "storybook"
                | "templates"
                | "template"
                | "generators"
                | "e2e"
        )
    };
    !is_sample(path) && !is_vendored(path) && !path.split('/').any(apart)
}

/// The folder of the program that a manifest is of: lists and catalogues lie one below.
fn program_folder(path: &str) -> &str {
    let own = folder_of(path);
    let last = own.rsplit('/').next().unwrap_or(own);
    if matches!(last, "requirements" | "gradle") { folder_of(own) } else { own }
}

fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A workload with a port, or a file by which a platform runs a web process.
fn runs_by_name(repository: &Repository) -> Option<Span> {
    const PLATFORMS: &[&str] = &["Procfile", "fly.toml", "render.yaml", "app.yaml"];
    let runs = |r: &&Resource| serving(r).is_some() || r.system == System::Platform;
    let workload = own(repository).find(runs).map(|r| r.place);
    let file = || {
        let named = |f: &&crate::facts::File| PLATFORMS.contains(&f.name()) && is_own(&f.path);
        repository.files.iter().find(named).map(|f| f.place)
    };
    workload.or_else(file)
}

/// Objects and blocks that run containers for long.
pub(super) const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet"];

/// The port by which a workload serves.
pub(super) fn serving(resource: &Resource) -> Option<&Setting> {
    if resource.system != System::Kubernetes || !WORKLOADS.contains(&resource.sort.as_str()) {
        return None;
    }
    let serves = |e: &&Setting| {
        e.path.starts_with("spec.template.spec.containers.") && e.path.ends_with("containerPort")
    };
    resource.entries.iter().find(serves)
}

/// What shows a practice, for one service: its own code and manifests, and what belongs to no other service.
pub(super) struct Shown<'s, 'r> {
    pub repository: &'r Repository,
    pub services: &'s [Service<'r>],
    /// Folders of images: what lies in that of another program is its own.
    images: Vec<&'r str>,
}

impl<'r> Shown<'_, 'r> {
    /// Whether what lies at a place speaks of the service: it lies in its folder, or in that of none.
    pub(super) fn concerns(&self, service: &Service<'r>, place: Span) -> bool {
        let path = self.repository.path(place);
        let owner = self.services.iter().filter(|s| is_within(path, s.folder)).max_by_key(|s| s.folder.len());
        match owner {
            Some(owner) => owner.folder == service.folder || owner.folder.is_empty(),
            None => !self.images.iter().any(|folder| {
                !folder.is_empty() && is_within(path, folder) && !is_within(service.folder, folder)
            }),
        }
    }

    /// A library or code of the service that does it.
    pub(super) fn practice(&self, service: &Service<'r>, wanted: PracticeKind) -> Option<Span> {
        let of = |p: &&Practice| {
            p.practice == wanted && self.repository.is_own(p.place) && self.concerns(service, p.place)
        };
        self.repository.facts.practices.iter().find(of).map(|p| p.place)
    }
}

/// States that services lack something, in one finding: the first is its place, the others are related. Those that
/// have it satisfy the rule.
pub(super) fn lacking<'v>(
    repository: &Repository,
    verdict: &'v mut Verdict,
    subject: &str,
    has: impl Fn(&Shown<'_, '_>, &Service<'_>) -> Option<Span>,
    lacks: &str,
) -> Option<&'v mut Finding> {
    let services = services(repository);
    if services.is_empty() {
        verdict.not_applicable("no file here names a program that answers requests and runs somewhere");
        return None;
    }
    let images = shipped_files(repository)
        .into_iter()
        .map(|f| folder_of(repository.path(Span::start_of(f))))
        .collect();
    let shown = Shown { repository, services: &services, images };
    let mut without = Vec::new();
    for service in &services {
        match has(&shown, service) {
            Some(place) => verdict.satisfied(place),
            None => without.push(service),
        }
    }
    let (first, others) = without.split_first()?;
    let message = match others.len() {
        0 => format!("{} {lacks}", first.title(repository)),
        more => format!("{} and {more} more: each {lacks}", first.title(repository)),
    };
    let finding = verdict.open(first.web.place, subject, message);
    finding.label("answers requests by this");
    finding.relate(first.runs, "runs by this");
    for other in others.iter().take(8) {
        finding.relate(other.web.place, "so does this one");
    }
    Some(finding)
}

/// Images, charts and objects of the surroundings that do it for whatever runs: agents, collectors, stacks.
pub(super) fn surroundings(repository: &Repository, wanted: PracticeKind) -> Option<Span> {
    let table = Libraries::builtin();
    let does = |ecosystem: &str, name: &str| table.serve(ecosystem, name).any(|w| w == wanted.name());
    let image = |b: &&BaseImage| repository.is_own(b.place) && image_names(&b.name).any(|n| does("image", n));
    if let Some(found) = repository.facts.base_images.iter().find(image) {
        return Some(found.place);
    }
    let library = |p: &&Practice| {
        p.practice == wanted
            && repository.path(p.place).ends_with("Chart.yaml")
            && !repository.is_sample(p.place)
    };
    if let Some(found) = repository.facts.practices.iter().find(library) {
        return Some(found.place);
    }
    for resource in own(repository) {
        let chart = resource.entries.iter().find(|e| {
            e.key == "chart" && matches!(&e.setting, Value::Known(name) if does("helm", name.rsplit('/').next().unwrap_or(name)))
        });
        if let Some(entry) = chart {
            return Some(entry.place);
        }
        if objects(wanted).contains(&resource.sort.as_str()) {
            return Some(resource.place);
        }
        let marks = annotations(wanted);
        let noted =
            |e: &&Setting| e.path.contains("annotations.") && marks.iter().any(|m| e.path.contains(m));
        if let Some(entry) = resource.entries.iter().find(noted) {
            return Some(entry.place);
        }
    }
    installed(repository, &does)
}

/// A chart that a command installs, or an agent that an image starts its program with.
fn installed(repository: &Repository, does: &dyn Fn(&str, &str) -> bool) -> Option<Span> {
    let command = repository.commands().find(|(owner, c)| {
        let path = match owner {
            Owner::Step { step, .. } => repository.path(step.place),
            Owner::Script(script) => repository.path(script.place),
        };
        c.program == "helm"
            && !is_sample(path)
            && c.args.iter().any(|a| does("helm", a.text.rsplit('/').next().unwrap_or(&a.text)))
    });
    command.map(|(_, c)| c.place)
}

/// The name of an image with and without its registry.
fn image_names(name: &str) -> impl Iterator<Item = &str> {
    let inner = name.split_once('/').filter(|(host, _)| host.contains(['.', ':'])).map(|(_, rest)| rest);
    std::iter::once(name).chain(inner)
}

/// Objects and blocks that do it.
fn objects(wanted: PracticeKind) -> &'static [&'static str] {
    match wanted {
        PracticeKind::Metrics => &[
            "ServiceMonitor",
            "PodMonitor",
            "google_monitoring_uptime_check_config",
            "azurerm_application_insights",
            "aws_prometheus_workspace",
        ],
        PracticeKind::Tracing => {
            &["azurerm_application_insights", "aws_xray_sampling_rule", "Instrumentation"]
        }
        PracticeKind::ErrorTracker => &["sentry_project", "rollbar_project", "azurerm_application_insights"],
        PracticeKind::LogShipping => &[
            "aws_cloudwatch_log_group",
            "aws_cloudwatch_log_subscription_filter",
            "azurerm_log_analytics_workspace",
            "google_logging_project_sink",
            "google_logging_project_bucket_config",
            "AWS::Logs::LogGroup",
        ],
        PracticeKind::Dashboards => {
            &["grafana_dashboard", "GrafanaDashboard", "aws_grafana_workspace", "azurerm_dashboard_grafana"]
        }
        PracticeKind::Alerting => {
            &["aws_cloudwatch_metric_alarm", "datadog_monitor", "google_monitoring_alert_policy"]
        }
        _ => &[],
    }
}

fn annotations(wanted: PracticeKind) -> &'static [&'static str] {
    match wanted {
        PracticeKind::Metrics => &["prometheus.io/scrape", "ad.datadoghq.com"],
        PracticeKind::Tracing => &["instrumentation.opentelemetry.io/inject", "admission.datadoghq.com"],
        PracticeKind::LogShipping => &["fluentbit.io/", "ad.datadoghq.com"],
        _ => &[],
    }
}

/// An agent that an image starts its program with.
pub(super) fn agent(repository: &Repository) -> Option<Span> {
    const AGENTS: &[&str] = &[
        "opentelemetry",
        "applicationinsights",
        "dd-java-agent",
        "ddtrace-run",
        "newrelic",
        "elastic-apm",
        "elasticapm",
        "otel",
        "datadog",
    ];
    let starts = |i: &&crate::facts::Instruction| {
        matches!(i.keyword.as_str(), "CMD" | "ENTRYPOINT" | "ENV" | "RUN" | "COPY" | "ADD")
            && !repository.is_sample(i.place)
            && i.args.iter().any(|a| {
                let lower = a.value.to_ascii_lowercase();
                AGENTS.iter().any(|agent| lower.contains(agent))
            })
    };
    repository.facts.instructions.iter().find(starts).map(|i| i.place)
}
