//! Staging that is too small beside production to tell how production will behave.

use super::addresses::snake;
use super::definitions::{Definition, families, is_item, text};
use crate::facts::{Repository, Setting, SettingSource, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeMap;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measure {
    Copies,
    Processors,
    Memory,
}

/// The numbers of one workload.
type Sizes<'a> = BTreeMap<Measure, (f64, &'a Setting)>;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let least = parameters.staging_min_scale.value().0;
    let mut any = false;
    for family in families(repository) {
        let Some((staging, production)) = family.both() else { continue };
        let (ours, theirs) = (sizes(staging), sizes(production));
        for (workload, theirs) in &theirs {
            let Some(ours) = ours.get(workload) else { continue };
            any = true;
            judge(verdict, workload, ours, theirs, least);
        }
    }
    if !any {
        verdict.not_applicable("no files here give the sizes of staging and production side by side");
    }
}

/// Copies times processors, or times memory, whichever leaves staging smaller.
fn judge(verdict: &mut Verdict, workload: &str, ours: &Sizes<'_>, theirs: &Sizes<'_>, least: f64) {
    let ratio = |measure: Measure| {
        Some((ours.get(&measure)?.0, theirs.get(&measure)?.0)).filter(|(_, b)| *b > 0.0).map(|(a, b)| a / b)
    };
    let copies = ratio(Measure::Copies);
    let of_each = [Measure::Processors, Measure::Memory].into_iter().filter_map(ratio).reduce(f64::min);
    let (Some(share), Some((_, at))) = (
        match (copies, of_each) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(1.0) * b.unwrap_or(1.0)),
        },
        ours.first_key_value().map(|(_, size)| size),
    ) else {
        return;
    };
    // A workload that staging switches off is a difference in kind, which another rule tells.
    if share * 100.0 + 1e-9 >= least || share == 0.0 {
        verdict.satisfied(at.place);
        return;
    }
    let smallest = [
        (Measure::Copies, copies),
        (Measure::Processors, ratio(Measure::Processors)),
        (Measure::Memory, ratio(Measure::Memory)),
    ];
    let (measure, _) = smallest
        .into_iter()
        .filter_map(|(m, r)| Some((m, r?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .expect("one was found above");
    let name = if workload.is_empty() { "the service".to_owned() } else { format!("`{workload}`") };
    let message = format!(
        "Staging has {:.0} % of production's capacity for {name}; at least {least:.0} % is asked for",
        share * 100.0
    );
    let finding = verdict.fail(ours[&measure].1.place, format!("scale {workload}"), message);
    finding.label("staging").relate(theirs[&measure].1.place, "production");
    for other in [Measure::Copies, Measure::Processors, Measure::Memory] {
        if other != measure && ratio(other).is_some_and(|r| r < 1.0) {
            finding.relate(theirs[&other].1.place, "production");
        }
    }
}

/// Sizes by workload: what stands before the key in values files, the object in manifests.
fn sizes<'a>(definition: &Definition<'a>) -> BTreeMap<String, Sizes<'a>> {
    let mut found: BTreeMap<String, Sizes<'a>> = BTreeMap::new();
    for ((file, path), setting) in &definition.settings {
        if path.split('.').any(is_item) {
            continue;
        }
        if let Some((workload, measure, size)) = size(path, setting) {
            let name = match (file.as_str(), workload.as_str()) {
                ("", name) => name.to_owned(),
                (file, "") => file.to_owned(),
                (file, name) => format!("{file} {name}"),
            };
            keep(found.entry(name).or_default(), measure, size, setting);
        }
    }
    for resource in definition.resources.values().filter(|r| r.system == System::Kubernetes) {
        let target = resource.entry("spec.scaleTargetRef.name").and_then(text);
        let Some(name) = target.or(resource.name.known().map(String::as_str)) else { continue };
        for entry in &resource.entries {
            let Some((_, measure, size)) = size(&entry.path, entry) else { continue };
            keep(found.entry(name.to_owned()).or_default(), measure, size, entry);
        }
    }
    found
}

/// The least that always runs counts: an autoscaler's floor goes before the number written beside it.
fn keep<'a>(sizes: &mut Sizes<'a>, measure: Measure, size: f64, setting: &'a Setting) {
    let known = sizes.entry(measure).or_insert((size, setting));
    // Containers of one pod are taken together by the largest of them.
    if measure != Measure::Copies && size > known.0 || setting.key == "minReplicas" {
        *known = (size, setting);
    }
}

fn size(path: &str, setting: &Setting) -> Option<(String, Measure, f64)> {
    let value = text(setting)?;
    let last = path.rsplit('.').next().unwrap_or(path);
    let composed = setting.source == SettingSource::Service;
    // Leaves of a compose service bear the name of the key of the service.
    let written = if composed { last } else { setting.key.as_str() };
    let key = snake(written).to_ascii_lowercase().replace('-', "_");
    let before = |end: &str| {
        path.len().checked_sub(end.len() + 1).and_then(|at| path.get(..at)).unwrap_or("").to_owned()
    };
    let parent = before(written);
    let requests = ["resources.requests", "resources.limits"].iter().find_map(|r| parent.strip_suffix(r));
    if let Some(workload) = requests.filter(|_| parent.ends_with("requests") || composed) {
        let measure = match key.as_str() {
            "cpu" | "cpus" => Measure::Processors,
            "memory" => Measure::Memory,
            _ => return None,
        };
        return Some((workload.trim_end_matches('.').to_owned(), measure, quantity(value)?));
    }
    const COPIES: &[&str] = &[
        "replicas",
        "replica_count",
        "min_replicas",
        "min_size",
        "desired_capacity",
        "desired_count",
        "min_count",
        "instance_count",
        "node_count",
        "num_nodes",
    ];
    let workload = if COPIES.contains(&key.as_str()) {
        parent.strip_suffix("autoscaling").unwrap_or(&parent).trim_end_matches('.').to_owned()
    } else {
        // `web_instance_count`, `aks_web_app_instances`
        let end = [
            "_replicas",
            "_instance_count",
            "_desired_count",
            "_node_count",
            "_min_size",
            "_instances",
            "_replica_count",
        ];
        let own = end.iter().find_map(|e| key.strip_suffix(e))?;
        if parent.is_empty() { own.to_owned() } else { format!("{parent}.{own}") }
    };
    let workload = workload.trim_end_matches(".spec").trim_end_matches("spec").to_owned();
    Some((workload, Measure::Copies, value.parse().ok()?))
}

/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
fn quantity(value: &str) -> Option<f64> {
    const UNITS: &[(&str, f64)] = &[
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("m", 0.001),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let (number, unit) =
        UNITS.iter().find_map(|(u, f)| Some((value.strip_suffix(u)?, *f))).unwrap_or((value, 1.0));
    number.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).map(|n| n * unit)
}
