//! Records of deployments and changes beside the change log: entries that are missing, and risks that nobody told.

use super::release_notes::told_of;
use super::releases::{Record, judged_note, records, same};
use crate::facts::{NoteField, NoteForm, ReleaseNote, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// `changelog-entry-missing`: each record of a deployment has its entry, and an entry in a table is complete.
pub(super) fn entries(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = records(repository, true);
    // Rows may stand in a table of their own beside the notes.
    let told: Vec<&ReleaseNote> = repository.facts.release_notes.iter().collect();
    if all.is_empty() {
        verdict.not_applicable("no file here records a deployment");
        return;
    }
    let mut without: Vec<(Span, String)> = Vec::new();
    for record in &all {
        let production = record.get(&["environment", "env", "target"]).is_none_or(|(_, name)| {
            matches!(repository.stage_of(name), Some(Stage::Production | Stage::Staging) | None)
        });
        if !production {
            continue;
        }
        let names = names(record);
        if names.is_empty() {
            continue;
        }
        match told.iter().find(|note| names.iter().any(|(_, name)| tells_of(note, name))) {
            None => without.push((names[0].0, names[0].1.clone())),
            Some(note) if note.form == NoteForm::Row => complete(repository, record, note, verdict),
            Some(note) => verdict.satisfied(note.place),
        }
    }
    let Some((place, name)) = without.first() else { return };
    let path = repository.path(*place);
    let more = match without.len() {
        1 => String::new(),
        n => format!(", nor do {} more records", n - 1),
    };
    let message =
        format!("The deployment of `{name}` that `{path}` records has no entry in a change log{more}");
    let finding = verdict.fail(*place, format!("entry of {path}"), message);
    finding.label("recorded here");
    for (other, _) in without.iter().skip(1).take(10) {
        finding.relate(*other, "neither has this one");
    }
    if let Some(log) = told_of(repository) {
        finding.relate(log, "the change log");
    }
}

/// The version and the change's id.
fn names(record: &Record<'_>) -> Vec<(Span, String)> {
    let change = record.get(&["change_id", "change", "change_request", "ticket"]);
    let found = record.version().into_iter().chain(change);
    found.map(|(setting, value)| (setting.place, value.trim().to_owned())).collect()
}

fn tells_of(note: &ReleaseNote, name: &str) -> bool {
    note.version.as_deref().is_some_and(|v| same(v, name))
        || note.cells.iter().any(|c| holds(c, name))
        || note.form != NoteForm::Row && holds(&note.heading, name)
}

/// Whether a text holds a name as a word of its own.
fn holds(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '.';
        !text[..at].ends_with(word) && !text[at + name.len()..].trim_end_matches('.').starts_with(word)
    })
}

/// Cells that a row of a deployment has to fill: time, approval, verification with files that exist, and of a rollback
/// what is left to do.
fn complete(repository: &Repository, record: &Record<'_>, note: &ReleaseNote, verdict: &mut Verdict) {
    let mut wanted = vec![
        (NoteField::Date, "a time"),
        (NoteField::Approval, "an approval"),
        (NoteField::Verification, "a verification"),
    ];
    let status = record.get(&["status", "type", "strategy", "method"]).map_or("", |(_, v)| v);
    if status.to_ascii_lowercase().replace(['-', '_', ' '], "").contains("roll")
        && !status.contains("rolling")
    {
        wanted.push((NoteField::FollowUp, "a follow-up"));
    }
    let missing: Vec<&str> =
        wanted.into_iter().filter(|(field, _)| !note.tells.contains(field)).map(|(_, words)| words).collect();
    let broken = note
        .cells
        .iter()
        .flat_map(|c| paths(c))
        .find(|path| repository.by_path(path).is_none_or(|f| f.size == Some(0)) && !path.contains("://"));
    let path = repository.path(note.place);
    let subject = format!("row {}", note.version.as_deref().unwrap_or(&note.heading));
    if !missing.is_empty() {
        let message = format!("The row of `{path}` on this deployment gives no {}", missing.join(", nor "));
        let message = message
            .replace("no a ", "no ")
            .replace("no an ", "no ")
            .replace("nor a ", "nor ")
            .replace("nor an ", "nor ");
        verdict.fail(note.place, subject, message).relate(record.place, "the deployment is recorded here");
    } else if let Some(broken) = broken {
        let message = format!("The row of `{path}` on this deployment names `{broken}`, which is not there");
        verdict.fail(note.place, subject, message).relate(record.place, "the deployment is recorded here");
    } else {
        verdict.satisfied(note.place);
    }
}

/// Paths of files that a cell names: in links, in backquotes, or plainly.
fn paths(cell: &str) -> Vec<String> {
    let words =
        cell.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '`' | ',' | '<' | '>'));
    let file = |w: &&str| {
        let name = w.rsplit('/').next().unwrap_or("");
        w.contains('/') && name.contains('.') && !name.ends_with('.') && !w.contains("://")
    };
    words
        .filter(file)
        .map(|w| w.trim_start_matches("./").trim_start_matches('/').trim_end_matches('.').to_owned())
        .collect()
}

/// `release-risk-assessment-missing`: the newest record of a change, or else the newest notes, tell the risk.
pub(super) fn risk(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut all = records(repository, false);
    all.append(&mut records(repository, true));
    if !all.is_empty() {
        if let Some(told) = all.iter().find(|r| r.speaks_of("risk")) {
            verdict.satisfied(told.place);
        }
        // Records are named by their day: the last by name is the newest.
        let Some(newest) = all.iter().max_by_key(|r| repository.path(r.place)) else { return };
        if !newest.speaks_of("risk") {
            let path = repository.path(newest.place);
            let message = format!("The record `{path}` does not tell the risk of the change");
            let finding = verdict.fail(newest.place, format!("risk {path}"), message);
            for other in all.iter().filter(|r| !r.speaks_of("risk") && r.place != newest.place).take(5) {
                finding.relate(other.place, "neither does this one");
            }
        }
        return;
    }
    let Some(note) = judged_note(repository) else { return };
    if note.tells.contains(&NoteField::Risk) {
        verdict.satisfied(note.place);
    } else {
        let shown = note.version.as_deref().unwrap_or(&note.heading);
        let message = format!("Nothing here records the risk of the release `{shown}`");
        verdict.open(note.place, "risk", message).label("the newest release");
    }
}
