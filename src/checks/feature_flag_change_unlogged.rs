//! Changes of feature flags that no change log and no decision record tells of.

use crate::facts::{File, Repository, Stage, is_flag_registry};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let registries: Vec<&File> =
        repository.files.iter().filter(|f| is_flag_registry(&f.path) && !f.sample).collect();
    if registries.is_empty() {
        verdict.not_applicable("no file here records feature flags");
        return;
    }
    for file in registries {
        if let Some(changed) = &repository.changed {
            if changed.contains(&file.place.file) {
                let paths: Vec<&str> = changed.iter().map(|id| repository.file(*id).path.as_str()).collect();
                judge(repository, file, &paths, "", "This change", verdict);
            }
            continue;
        }
        let newest = repository.git.iter().flat_map(|g| &g.flag_changes).find(|c| c.path == file.path);
        if let Some(newest) = newest {
            let paths: Vec<&str> = newest.files.iter().map(String::as_str).collect();
            judge(repository, file, &paths, &newest.message, &format!("Commit `{}`", newest.commit), verdict);
        }
    }
}

fn judge(
    repository: &Repository,
    file: &File,
    paths: &[&str],
    message: &str,
    who: &str,
    verdict: &mut Verdict,
) {
    let name = &file.path;
    if !paths.iter().any(|p| is_change_log(p)) {
        let message = format!("{who} changes flags in `{name}` without an entry in a change log");
        verdict.fail(file.place, format!("change log {name}"), message).label("flags changed");
    } else {
        verdict.satisfied(file.place);
    }
    let decided = paths.iter().any(|p| is_decision(p)) || message.contains("DEC-");
    if !decided && holds_production(repository, file) {
        let message =
            format!("{who} may change a flag of production in `{name}`, and names no decision record");
        let finding = verdict.review(file.place, format!("decision {name}"), message);
        finding.label("flags changed").against("the change may concern other environments only");
    }
}

fn is_change_log(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    [
        "changelog",
        "change-log",
        "change_log",
        "changes.",
        "history.",
        "news.",
        "release-notes",
        "release_notes",
    ]
    .iter()
    .any(|w| name.starts_with(w))
        || path.split('/').rev().skip(1).any(|folder| {
            matches!(folder, "changelogs" | "changelog.d" | ".changeset" | "newsfragments" | "changelog")
        })
}

fn is_decision(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("DEC-")
        || path.split('/').rev().skip(1).any(|folder| matches!(folder, "decisions" | "adr" | "adrs"))
}

/// Whether the file states what holds in production.
fn holds_production(repository: &Repository, file: &File) -> bool {
    let mut settings = repository.settings_of(file.place.file).iter();
    settings.any(|s| {
        s.target.as_ref().is_some_and(|t| t.is(Stage::Production))
            || s.path.split('.').any(|part| repository.stage_of(part) == Some(Stage::Production))
    })
}
