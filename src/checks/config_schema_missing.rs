//! Configuration of environments that nothing checks for form.

use super::definitions::{is_lasting, passes};
use crate::facts::{Basis, Repository, Setting, SettingSource, Stage, folder_of, in_file, join_path};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut charts: BTreeMap<&str, BTreeSet<FileId>> = BTreeMap::new();
    let mut others: BTreeMap<&str, BTreeSet<FileId>> = BTreeMap::new();
    for settings in repository.facts.settings.chunk_by(|a, b| a.place.file == b.place.file) {
        let place = settings[0].place;
        let path = repository.path(place);
        // Variables of Terraform have types; Kubernetes knows its own objects.
        if !is_data(path)
            || !passes(repository, place)
            || !in_file(&repository.facts.resources, place.file).is_empty()
        {
            continue;
        }
        let chart = chart_of(repository, path);
        let counts = |setting: &Setting| {
            let Some(target) = setting.target.as_ref().filter(|_| setting.source == SettingSource::Config)
            else {
                return false;
            };
            let Some(&stage) = target.stage.known().filter(|s| is_lasting(**s)) else { return false };
            let served = matches!(stage, Stage::Staging | Stage::Production | Stage::Integration);
            // A framework knows the form of its own file, which holds all environments.
            chart.is_some() || served && target.basis == Basis::Name
        };
        if settings.iter().any(counts) {
            match chart {
                Some(chart) => charts.entry(chart).or_default().insert(place.file),
                None => others.entry(repository.file(place.file).folder()).or_default().insert(place.file),
            };
        }
    }
    if charts.is_empty() && others.is_empty() {
        return verdict.not_applicable("no configuration here is that of an environment");
    }
    for (chart, files) in charts {
        let first = Span::start_of(*files.first().expect("a chart has a file"));
        if repository.by_path(&join_path(chart, "values.schema.json")).is_some() {
            verdict.satisfied(first);
            continue;
        }
        let shown = if chart.is_empty() { "the chart" } else { chart };
        let message = format!("Values of `{shown}` for its environments have no `values.schema.json`");
        let finding = verdict.fail(first, format!("values of {chart}"), message);
        finding.label("taken as they are").at_most(Confidence::High);
        relate(finding, &files);
    }
    let bare: Vec<(&str, BTreeSet<FileId>)> =
        others.into_iter().filter(|(folder, files)| !checked(repository, folder, files)).collect();
    let Some((folder, files)) = bare.first() else { return };
    let first = Span::start_of(*files.first().expect("a folder has a file"));
    let shown = if folder.is_empty() { "the root" } else { folder };
    let message = format!("No schema says which form the configuration in `{shown}` has");
    let finding = verdict.open(first, format!("configuration in {folder}"), message);
    finding.label("one environment's settings").at_most(Confidence::Medium);
    finding.against("a typed model in the program may check it");
    relate(finding, files);
    for (_, files) in bare.iter().skip(1).take(10) {
        finding.relate(Span::start_of(*files.first().expect("a folder has a file")), "nor this folder's");
    }
}

fn relate(finding: &mut crate::finding::Finding, files: &BTreeSet<FileId>) {
    for file in files.iter().skip(1).take(10) {
        finding.relate(Span::start_of(*file), "the same for another environment");
    }
}

/// Files of data that a program or a chart reads.
fn is_data(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let data = [".yml", ".yaml", ".json", ".toml"].iter().any(|end| name.ends_with(end));
    data && !name.ends_with(".tfvars.json")
        && !name.contains("kustomization")
        && !path.split('/').any(|part| matches!(part, "docs" | "doc" | "website"))
}

/// The folder of the chart that a file of values belongs to.
fn chart_of<'p>(repository: &Repository, path: &'p str) -> Option<&'p str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !name.starts_with("values") && !name.ends_with("values.yaml") {
        return None;
    }
    let mut above = folder_of(path);
    for _ in 0..3 {
        if repository.by_path(&join_path(above, "Chart.yaml")).is_some() {
            return Some(above);
        }
        above = above.rsplit_once('/')?.0;
    }
    None
}

/// Whether a schema lies with the files or above them, or one of them names its own.
fn checked(repository: &Repository, at: &str, files: &BTreeSet<FileId>) -> bool {
    let schema = |name: &str| {
        name.ends_with(".cue")
            || name.ends_with(".schema.json")
            || name.ends_with(".schema.yaml")
            || name.ends_with(".schema.yml")
            || matches!(
                name,
                "schema.json" | "schema.yaml" | "schema.yml" | "schema.ts" | "schema.py" | "schema.js"
            )
    };
    let above = |folder: &str| {
        folder == at || at.strip_prefix(folder).is_some_and(|r| folder.is_empty() || r.starts_with('/'))
    };
    let inside = |folder: &str| {
        folder.strip_prefix(at).is_some_and(|r| r.starts_with('/') && r.matches('/').count() == 1)
    };
    repository.files.iter().any(|f| {
        let own = f.folder();
        schema(f.name()) && (above(own) && own.len() + 24 > at.len() || inside(own))
    }) || files.iter().any(|f| repository.settings_of(*f).iter().any(|s| s.key == "$schema"))
}
