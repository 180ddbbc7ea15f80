//! Gradual rollouts as objects and blocks declare them: canaries and their shares of traffic, pairs of colours.

use crate::facts::{Repository, Resource, Setting, System};
use crate::text::Span;

/// A release that goes to a part of the traffic first.
pub(super) struct Canary<'r> {
    /// The object or block.
    pub resource: &'r Resource,
    /// The first place that speaks of it.
    pub place: Span,
    /// Shares of the traffic in percent, in order, as far as they are written; all of it comes after the last.
    pub weights: Vec<f64>,
    /// Whether something looks at metrics meanwhile.
    pub watched: bool,
    /// Whether the tool can watch metrics by what stands in this object.
    pub watches_itself: bool,
}

/// Objects and blocks of this repository's own.
pub(super) fn own(repository: &Repository) -> impl Iterator<Item = &Resource> {
    repository.facts.resources.iter().filter(|r| {
        let file = repository.file(r.place.file);
        !file.sample && !file.vendored && r.block != "data"
    })
}

/// Every canary that is declared.
pub(super) fn canaries(repository: &Repository) -> Vec<Canary<'_>> {
    own(repository).filter_map(|r| argo(r).or_else(|| flagger(r)).or_else(|| code_deploy(r))).collect()
}

fn below<'r>(resource: &'r Resource, path: &'r str) -> impl Iterator<Item = &'r Setting> {
    resource
        .entries
        .iter()
        .filter(move |e| e.path.strip_prefix(path).is_some_and(|r| r.is_empty() || r.starts_with('.')))
}

fn number(setting: &Setting) -> Option<f64> {
    setting.setting.known()?.trim_end_matches('%').parse().ok()
}

/// <https://argo-rollouts.readthedocs.io/en/stable/features/canary/>
fn argo(resource: &Resource) -> Option<Canary<'_>> {
    if resource.sort != "Rollout" {
        return None;
    }
    let entries: Vec<&Setting> = below(resource, "spec.strategy.canary").collect();
    let first = entries.first()?;
    // Without steps it is a rolling update.
    if !entries.iter().any(|e| e.path.split('.').any(|p| p.starts_with("steps") || p == "analysis")) {
        return None;
    }
    let weights =
        entries.iter().filter(|e| e.path.ends_with(".setWeight")).filter_map(|e| number(e)).collect();
    let watched = entries.iter().any(|e| e.path.split('.').any(|p| matches!(p, "analysis" | "experiment")));
    Some(Canary { resource, place: first.key_place, weights, watched, watches_itself: true })
}

/// <https://docs.flagger.app/usage/how-it-works#canary-resource>
fn flagger(resource: &Resource) -> Option<Canary<'_>> {
    if resource.sort != "Canary" || resource.system != System::Kubernetes {
        return None;
    }
    let of = |path: &str| resource.entry(path).and_then(number);
    let listed: Vec<f64> = below(resource, "spec.analysis.stepWeights").filter_map(number).collect();
    let weights = match (of("spec.analysis.stepWeight"), of("spec.analysis.maxWeight")) {
        _ if !listed.is_empty() => listed,
        (Some(step), most) if step > 0.0 => {
            let most = most.unwrap_or(step).min(100.0);
            (1..=100).map(|n| step * f64::from(n)).take_while(|w| *w <= most).collect()
        }
        // Iterations without weights are a test of A against B or of two colours.
        _ => Vec::new(),
    };
    let place = resource
        .entries
        .iter()
        .find(|e| e.path.starts_with("spec.analysis"))
        .map_or(resource.place, |e| e.key_place);
    let watched = below(resource, "spec.analysis.metrics").next().is_some()
        || below(resource, "spec.analysis.webhooks").next().is_some();
    Some(Canary { resource, place, weights, watched, watches_itself: true })
}

/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>
fn code_deploy(resource: &Resource) -> Option<Canary<'_>> {
    let watched = || {
        resource.entries_ending("auto_rollback_configuration.0.enabled").next().is_some()
            || resource
                .entries
                .iter()
                .any(|e| e.path.contains("alarm_configuration") || e.path.contains("auto_rollback"))
    };
    match resource.sort.as_str() {
        "aws_codedeploy_deployment_config" => {
            let entry =
                resource.entries.iter().find(|e| e.path.contains("time_based_") && e.key == "percentage")?;
            let share = number(entry)?;
            Some(Canary {
                resource,
                place: entry.place,
                weights: steps(share, entry.path.contains("linear")),
                watched: true,
                watches_itself: false,
            })
        }
        "aws_codedeploy_deployment_group" => {
            let entry = resource.entry("deployment_config_name")?;
            let name = entry.setting.known()?;
            let (linear, rest) = match name.split_once("Canary") {
                Some((_, rest)) => (false, rest),
                None => (true, name.split_once("Linear")?.1),
            };
            let share: f64 = rest.split_once("Percent")?.0.parse().ok()?;
            Some(Canary {
                resource,
                place: entry.place,
                weights: steps(share, linear),
                watched: watched(),
                watches_itself: true,
            })
        }
        _ => None,
    }
}

fn steps(share: f64, linear: bool) -> Vec<f64> {
    match linear {
        true if share >= 1.0 => (1..=100).map(|n| share * f64::from(n)).take_while(|w| *w < 100.0).collect(),
        _ => vec![share],
    }
}
