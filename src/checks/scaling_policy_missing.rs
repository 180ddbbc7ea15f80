//! Whether the API and the workers of staging and production grow with what they have to do.

use super::definitions::text;
use super::delivery::doubt;
use super::estate::{is_shared, said, say_once, standing};
use super::gates::words;
use crate::facts::{Repository, Resource, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// What a workload does, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Api,
    Worker,
}

fn part(name: &str) -> Option<Part> {
    let words = words(name);
    let is = |own: &[&str]| words.iter().any(|w| own.contains(&w.as_str()));
    if is(&["worker", "workers", "consumer", "celery", "sidekiq", "queue", "processor", "jobs"]) {
        // A beat must run once.
        return (!is(&["beat", "scheduler", "cron", "migrate", "migration"])).then_some(Part::Worker);
    }
    is(&["api", "backend", "server", "app", "web"]).then_some(Part::Api).filter(|_| {
        !is(&[
            "frontend",
            "db",
            "redis",
            "cache",
            "proxy",
            "nginx",
            "postgres",
            "migrate",
            "migration",
            "cron",
        ])
    })
}

/// A source of numbers by which KEDA scales that counts what waits.
/// <https://keda.sh/docs/latest/scalers/>
fn counts_what_waits(kind: &str) -> bool {
    [
        "queue",
        "rabbitmq",
        "kafka",
        "sqs",
        "redis",
        "pubsub",
        "nats",
        "stream",
        "servicebus",
        "postgresql",
        "mysql",
        "mssql",
        "prometheus",
        "beanstalkd",
        "artemis",
        "temporal",
        "cron",
    ]
    .iter()
    .any(|w| kind.to_ascii_lowercase().contains(w))
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut any = false;
    for workload in standing(repository).filter(|r| is_shared(r.target.as_ref())) {
        let kubernetes = matches!(workload.sort.as_str(), "Deployment" | "Rollout")
            && workload.system == System::Kubernetes;
        let service = workload.sort == "aws_ecs_service";
        // A patch names no image.
        let whole = !kubernetes || workload.entries_ending("image").next().is_some();
        if !(kubernetes || service) || !whole {
            continue;
        }
        let Some(name) = workload.name.known() else { continue };
        let Some(part) = part(name) else { continue };
        any = true;
        let title = workload.title();
        let scalers: Vec<&Resource> = standing(repository).filter(|r| scales(r, workload, name)).collect();
        match (part, scalers.as_slice()) {
            (_, []) => {
                let message = format!("Nothing here lets `{title}` grow with what it has to do");
                let finding = verdict.open(workload.place, format!("scaling {title}"), message);
                finding.label(if part == Part::Worker {
                    "no scaler by the length of its queue"
                } else {
                    "no autoscaler"
                });
                doubt(repository, finding);
            }
            (Part::Worker, [scaler]) if by_load_alone(scaler) => {
                let message = format!("`{title}` grows with its load, not with the length of its queue");
                let finding = verdict.fail(scaler.place, format!("scaling {title}"), message);
                finding.label("counts processors or memory").relate(workload.place, "works through a queue");
                finding.at_most(Confidence::Medium);
            }
            (_, [scaler, ..]) => verdict.satisfied(scaler.place),
        }
    }
    say_once(verdict);
    if !any {
        verdict.not_applicable("no API or worker of staging or production is declared here");
    }
}

fn scales(scaler: &Resource, workload: &Resource, name: &str) -> bool {
    match scaler.sort.as_str() {
        "HorizontalPodAutoscaler" | "ScaledObject" => {
            said(scaler, "spec.scaleTargetRef.name") == Some(name)
                && (scaler.target.is_none()
                    || workload.target.is_none()
                    || scaler.target.as_ref().map(|t| &t.stage) == workload.target.as_ref().map(|t| &t.stage))
        }
        "aws_appautoscaling_target" => scaler.entries.iter().any(|e| {
            e.setting.text().contains(&workload.title()) || e.setting.text().ends_with(&format!("/{name}"))
        }),
        _ => false,
    }
}

/// Whether all that the scaler looks at is the load of the workload itself.
fn by_load_alone(scaler: &Resource) -> bool {
    match scaler.sort.as_str() {
        "HorizontalPodAutoscaler" => {
            let kinds = || {
                scaler.entries.iter().filter(|e| {
                    e.path.starts_with("spec.metrics.") && e.key == "type" && e.path.split('.').count() == 4
                })
            };
            scaler.has("spec.targetCPUUtilizationPercentage")
                || kinds().next().is_some()
                    && kinds().all(|e| matches!(text(e), Some("Resource" | "ContainerResource")))
        }
        "ScaledObject" => {
            let kinds =
                || scaler.entries.iter().filter(|e| e.path.starts_with("spec.triggers.") && e.key == "type");
            kinds().next().is_some()
                && !kinds().any(|e| e.setting.known().is_none_or(|k| counts_what_waits(k)))
        }
        _ => false,
    }
}
