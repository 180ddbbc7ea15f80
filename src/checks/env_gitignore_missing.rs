//! Whether git would keep an env file out where the repository asks people to make one.

use super::env_files::{Purpose, convention, is_example, purpose};
use super::samples::no_worse_than;
use crate::facts::{File, IgnoreTool, Repository};
use crate::finding::{Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // Folders that hold an example, or defaults that a framework lets people override: there people make
    // their own.
    let mut folders: BTreeMap<&str, &File> = BTreeMap::new();
    for file in &repository.files {
        let overridden = || {
            purpose(file, repository) == Some(Purpose::Plain)
                && file.tracked == Some(true)
                && convention(&file.path, repository).is_some()
        };
        let told = file.name().starts_with('.') && is_example(file.name()) || overridden();
        if told && !file.vendored && !file.sample {
            let folder = file.folder();
            folders.entry(folder).or_insert(file);
        }
    }
    let mut open: Vec<(String, &File)> = Vec::new();
    for (folder, file) in folders {
        for name in [".env", ".env.local"] {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let tracked = repository.by_path(&path).is_some_and(|f| f.tracked == Some(true));
            let wanted_in = name == ".env" && convention(&file.path, repository).is_some();
            if tracked || wanted_in || repository.git_ignores(&path) {
                verdict.satisfied(file.place);
            } else {
                open.push((path, file));
            }
        }
    }
    // One cause: the patterns that are missing from the root's `.gitignore`, or from where there is one.
    let Some((path, file)) = open.first() else { return };
    let root =
        repository.facts.ignores.iter().filter(|i| i.tool == IgnoreTool::Git).min_by_key(|i| i.folder.len());
    let place = root.map_or(file.place, |i| i.place);
    let more = if open.len() > 1 { format!(" and {} more", open.len() - 1) } else { String::new() };
    let message = if root.is_some() {
        format!("No `.gitignore` pattern keeps `{path}`{more} out of git")
    } else {
        format!("There is no `.gitignore` that keeps `{path}`{more} out of git")
    };
    let finding = verdict.fail(place, "env files are not ignored", message);
    if open.iter().all(|(path, _)| path.ends_with(".env.local")) {
        no_worse_than(finding, Severity::Warning)
            .against("`.env` itself is kept out, or meant to be committed");
    }
    let mut seen = Vec::new();
    for (path, file) in &open {
        if file.place != place && !seen.contains(&file.place) {
            seen.push(file.place);
            finding.relate(file.place, format!("people make `{path}` from this"));
        }
    }
}
