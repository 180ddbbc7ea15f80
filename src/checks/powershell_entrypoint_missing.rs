//! PowerShell scripts by which people start things: whether there are any, and whether they lie together.

use crate::facts::{File, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |f: &&File| !f.sample && !f.vendored && !f.link;
    let mut folders: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in repository.files.iter().filter(|f| is_entry(f)).filter(own) {
        folders.entry(file.folder()).or_default().push(file);
    }
    // Where most of them lie is the folder that is meant.
    let Some((&home, _)) = folders.iter().rev().max_by_key(|(_, files)| files.len()) else {
        let hidden = |f: &File| f.path.split('/').any(|part| part.starts_with('.'));
        let shells = repository.files.iter().filter(|f| f.path.ends_with(".sh")).filter(own);
        let shell = shells.min_by_key(|f| (hidden(f), f.path.matches('/').count()));
        let pipeline = || repository.facts.pipelines.first().map(|p| p.place);
        let Some(place) = shell.map(|f| f.place).or_else(pipeline) else {
            verdict.not_applicable("nothing here is started by a script or a pipeline");
            return;
        };
        let message = "No PowerShell script here starts the work of a developer on Windows";
        let finding = verdict.open(place, "entry points", message);
        finding.label(if shell.is_some() { "for other shells only" } else { "" });
        finding.against("it may be that nobody here works on Windows");
        return;
    };
    verdict.satisfied(folders[home][0].place);
    let elsewhere: Vec<&&File> =
        folders.iter().filter(|(folder, _)| !belongs(home, folder)).flat_map(|(_, files)| files).collect();
    let Some(first) = elsewhere.first() else { return };
    let folder = if home.is_empty() { "the root".to_owned() } else { format!("`{home}`") };
    let they = match elsewhere.len() {
        1 => format!("`{}` lies", first.path),
        n => format!("`{}` and {} more PowerShell scripts lie", first.path, n - 1),
    };
    let message = format!("{they} outside {folder}, where the entry points are");
    let finding = verdict.fail(first.place, "entry points", message);
    finding.label("elsewhere").relate(folders[home][0].place, "most of them are here");
    for file in elsewhere.iter().skip(1).take(20) {
        finding.relate(file.place, "elsewhere");
    }
}

/// Parts of the entry points lie below them.
fn belongs(home: &str, folder: &str) -> bool {
    folder == home || !home.is_empty() && folder.strip_prefix(home).is_some_and(|rest| rest.starts_with('/'))
}

/// A script that a person or pipeline starts; modules, tests, profiles and what installers bring are none.
/// <https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_scripts>
fn is_entry(file: &File) -> bool {
    let script = file.name().rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("ps1"));
    if !script {
        return false;
    }
    let name = file.name().to_ascii_lowercase();
    let folder = file.path.to_ascii_lowercase();
    !name.ends_with(".tests.ps1")
        && !name.ends_with("profile.ps1")
        && !folder.split('/').any(|part| {
            matches!(part, "tools" | "private" | "public" | "functions" | "chocolatey" | "modules")
                || part.starts_with('.')
        })
}
