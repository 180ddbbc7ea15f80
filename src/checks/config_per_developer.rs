//! Files in git that tools keep for one person.

use super::samples::no_worse_than;
use crate::facts::Repository;
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Folders in which tools keep such files.
const FOLDERS: &[&str] = &[".idea", ".vs", "xcuserdata", "nbproject", ".claude"];

/// What keeps such a file, and whether its maker says that it is one person's.
fn keeper(path: &str) -> Option<(&'static str, bool)> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folders = || folders.split('/');
    let kept = folders().any(|part| FOLDERS.iter().any(|folder| part.eq_ignore_ascii_case(folder)));
    let inside = |folder: &str| kept && folders().any(|part| part.eq_ignore_ascii_case(folder));
    let below = |folder: &str, inner: &str| {
        let mut pairs = folders().zip(folders().skip(1));
        kept && pairs.any(|(a, b)| a.eq_ignore_ascii_case(folder) && b.eq_ignore_ascii_case(inner))
    };
    let name = &*name.to_ascii_lowercase();
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    if inside(".idea")
        && (matches!(name, "workspace.xml" | "tasks.xml" | "usage.statistics.xml" | "datasources.local.xml")
            || below(".idea", "shelf")
            || below(".idea", "dictionaries"))
        || name.ends_with(".iws")
    {
        return Some(("a JetBrains IDE", true));
    }
    if ends(&["proj.user", ".rsuser", ".suo", ".userosscache", ".sln.docstates", ".dotsettings.user"])
        || inside(".vs")
    {
        return Some(("Visual Studio", true));
    }
    if inside("xcuserdata") || name.ends_with(".xcuserstate") {
        return Some(("Xcode", true));
    }
    if below("nbproject", "private") {
        return Some(("NetBeans", true));
    }
    if inside(".claude") && name == "settings.local.json" {
        return Some(("a coding assistant", true));
    }
    let settings = [
        "settings",
        "config",
        "configuration",
        "conf",
        "local_settings",
        "appsettings",
        "secrets",
        "launchsettings",
        "application",
    ];
    let mut parts = name.split('.');
    let (first, second) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let data = ["json", "yaml", "yml", "toml", "ini", "properties", "php", "xml"];
    (second == "local" && settings.contains(&first) && parts.next().is_some_and(|e| data.contains(&e)))
        .then_some(("a developer", false))
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in &repository.files {
        if file.tracked != Some(true) || file.vendored {
            continue;
        }
        let Some((keeper, certain)) = keeper(&file.path) else { continue };
        let message = if certain {
            format!("`{}`, which {keeper} keeps for one person, is in git", file.path)
        } else {
            format!("`{}`, by its name {keeper}'s own, is in git", file.path)
        };
        let finding = verdict.fail(file.place, "personal file", message);
        finding.label("tracked by git");
        if !certain {
            finding.at_most(Confidence::Medium);
        }
        if file.sample {
            no_worse_than(finding, Severity::Note).at_most(Confidence::Low);
        }
    }
}
