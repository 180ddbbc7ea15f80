//! Notes of releases: whether there are any, what they tell, how they are headed, and when they were written.

use super::releases::{anchor, judged, judged_note, newest_note, note_of, notes, published, tagged};
use super::sentences::listed;
use crate::facts::release::{earlier, releases};
use crate::facts::{NoteField, NoteForm, Release, ReleaseNote, Repository};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::versions::Version;
use crate::parameters::{NotesField, Parameters};
use crate::text::Span;

/// Notes for one of so many releases before the newest show that notes are kept.
const KEPT: usize = 3;

/// A release that is made by a tool has its notes committed within so many seconds.
const TOLERATED: i64 = 3600;

/// `release-notes-missing`: the newest release is told of.
pub(super) fn missing(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = tagged(repository);
    let Some(release) = judged(&all) else {
        stated_without_notes(repository, &all, verdict);
        return;
    };
    let notes = notes(repository);
    let tag = &release.tag.name;
    if let Some(note) = note_of(&notes, release.name.text).or_else(|| note_of_day(&notes, release)) {
        if note.is_read() && note.form == NoteForm::Heading && !note.tells.contains(&NoteField::Summary) {
            let message = format!("The notes of `{}` are empty", note.version.as_deref().unwrap_or(tag));
            verdict.fail(note.place, "release notes", message).label("nothing below this heading");
        } else {
            verdict.satisfied(note.place);
        }
        return;
    }
    let before = earlier(&all, release);
    let told = before.iter().take(KEPT).find_map(|r| Some((*r, note_of(&notes, r.name.text)?)));
    let by_tool = published(repository);
    // The entry may stand below a heading that was never renamed: then it is the day and number that are missing.
    match told {
        Some((earlier, note)) if by_tool.is_none() && is_below_head(repository, release) => {
            let path = repository.path(note.place);
            let message = format!("`{path}` has no entry for the release `{tag}`");
            let finding = verdict.fail(note.place, "release notes", message);
            finding.label(format!("the last one is for `{}`", earlier.tag.name));
            if let Some(open) = notes.iter().find(|n| !n.released && n.place.file == note.place.file) {
                finding.relate(open.place, "what is not released yet");
            }
            if release.name.version.numbers.len() >= 3 && note.parsed().is_some_and(|v| v.numbers.len() == 2)
            {
                finding.at_most(Confidence::Low);
            }
        }
        _ => match by_tool {
            Some(place) => verdict.satisfied(place),
            None => {
                let Some(place) = anchor(repository, release.name.text) else { return };
                let message = format!("No file here has notes of the release `{tag}`");
                verdict
                    .open(place, "release notes", message)
                    .against("they may be on the page of the release");
            }
        },
    }
}

/// Whether the release lies below HEAD: notes of a release on a branch of its own are written there.
fn is_below_head(repository: &Repository, release: &Release<'_>) -> bool {
    let Some(git) = &repository.git else { return true };
    let Some(commit) = &release.tag.commit else { return true };
    git.answers.is_on_main_line(commit) != Some(false)
}

/// Weekly notes name the day alone.
fn note_of_day<'r>(notes: &[&'r ReleaseNote], release: &Release<'_>) -> Option<&'r ReleaseNote> {
    let day = release.tag.date?.civil()?.date().to_string();
    notes.iter().copied().find(|n| n.version.is_none() && n.date.as_deref() == Some(day.as_str()))
}

/// Without tags: a manifest whose version is ahead of the newest entry, where every version before has one.
fn stated_without_notes(repository: &Repository, all: &[Release<'_>], verdict: &mut Verdict) {
    if !all.is_empty() {
        return;
    }
    let notes = notes(repository);
    let Some(newest) = newest_note(repository, &notes) else { return };
    verdict.examined(newest.place);
    if newest.is_read() && newest.form == NoteForm::Heading && !newest.tells.contains(&NoteField::Summary) {
        let message =
            format!("The notes of `{}` are empty", newest.version.as_deref().unwrap_or(&newest.heading));
        verdict.fail(newest.place, "release notes", message).label("nothing below this heading");
    }
}

/// `release-notes-fields`: the notes of the newest release tell what the manuals ask for.
pub(super) fn fields(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let all = notes(repository);
    let Some(note) = judged_note(repository) else { return };
    let before = all.iter().filter(|n| n.released && n.place.file == note.place.file).nth(1);
    let tells = |field: NoteField| note.tells.contains(&field);
    let breaks = tells(NoteField::Breaking) || raises_major(note, before.copied());
    let mut missing: Vec<String> = Vec::new();
    for field in parameters.release_notes_fields.values() {
        let (there, words) = match field {
            NotesField::Version => (note.version.is_some(), "the version"),
            NotesField::Date => (tells(NoteField::Date) || note.date.is_some(), "the day"),
            NotesField::Time => (tells(NoteField::Time), "the time"),
            NotesField::Summary => (tells(NoteField::Summary), "what changed"),
            NotesField::Kinds => (
                [NoteField::Features, NoteField::Improvements, NoteField::Fixes].into_iter().any(tells),
                "what is new, better or mended",
            ),
            NotesField::Breaking => (!breaks || tells(NoteField::Breaking), "what no longer works as before"),
            NotesField::Upgrade => (!breaks || tells(NoteField::Upgrade), "what to do to upgrade"),
            NotesField::KnownIssues => (tells(NoteField::KnownIssues), "known issues"),
            NotesField::Rollback => (!breaks || tells(NoteField::Rollback), "how to roll back"),
        };
        if !there {
            missing.push(words.to_owned());
        }
    }
    for heading in parameters.release_notes_headings.values() {
        let name = heading.to_string();
        if !note.headings.iter().any(|h| h.value.trim() == name) {
            missing.push(format!("`{name}`"));
        }
    }
    // One of the two asks for the other.
    if missing.iter().any(|m| m == "`Known Issues`") {
        missing.retain(|m| m != "known issues");
    }
    if missing.is_empty() {
        verdict.satisfied(note.place);
        return;
    }
    let shown = note.version.as_deref().unwrap_or(&note.heading);
    let message = format!("The notes of `{shown}` do not tell {}", listed(&missing, "and"));
    verdict.fail(note.place, "notes", message).label("the newest release");
}

fn raises_major(note: &ReleaseNote, before: Option<&ReleaseNote>) -> bool {
    let (Some(now), Some(then)) = (note.parsed(), before.and_then(ReleaseNote::parsed)) else { return false };
    !now.is_calendar() && now.major() > then.major() && then.major() > 0
}

/// `release-notes-heading-format`: `## Release <version> - <date>`.
pub(super) fn heading(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(note) = judged_note(repository) else { return };
    let (place, text, level) = match note.form {
        NoteForm::Heading => (note.place, note.heading.as_str(), note.level),
        // In a file of its own the first heading is the release's.
        NoteForm::File => match note.headings.first() {
            Some(first) => (first.span, first.value.as_str(), 2),
            None => (note.place, "", 0),
        },
        NoteForm::Row => return,
    };
    if level == 2 && is_mandated(text) {
        verdict.satisfied(place);
        return;
    }
    let shown = note.version.as_deref().unwrap_or(text);
    let message = match is_mandated(text) {
        true => format!("The heading of the notes of `{shown}` is not of the second level"),
        false => format!("The heading of the notes of `{shown}` is not `Release`, version, dash, date"),
    };
    verdict.fail(place, "notes heading", message).label("the newest release");
}

fn is_mandated(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix("Release ") else { return false };
    let mut words = rest.split_whitespace();
    let version = words.next().is_some_and(|w| Version::parse(w.trim_matches(['[', ']', '`'])).is_some());
    let dash = words.next().is_some_and(|w| matches!(w, "-" | "–" | "—"));
    version && dash && words.next().is_some_and(|w| w.bytes().any(|b| b.is_ascii_digit()) || w.len() > 2)
}

/// `release-notes-late`: the notes were there when the release was tagged.
pub(super) fn late(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(git) = &repository.git else { return };
    let all = releases(&git.tags);
    let Some(release) = judged(&all) else { return };
    let notes = notes(repository);
    let Some(note) = note_of(&notes, release.name.text).filter(|n| n.form == NoteForm::Heading) else {
        return;
    };
    let (Some(commit), Some(date)) = (&release.tag.commit, release.tag.date) else { return };
    let path = repository.path(note.place);
    // What stood under "Unreleased" was written, and only named later.
    let held = |text: Option<String>| {
        text.is_some_and(|t| t.contains(release.name.text) || t.to_ascii_lowercase().contains("unreleased"))
    };
    let Some(then) = git.answers.text_at(commit, path) else { return };
    if held(then) {
        verdict.satisfied(note.place);
        return;
    }
    // A release branch may have been cut while the notes were written on the main line.
    let Some(main) = git.answers.commit_at(date, TOLERATED) else { return };
    match git.answers.text_at(&main, path) {
        None => {}
        Some(text) if held(text.clone()) => verdict.satisfied(note.place),
        Some(_) => {
            let tag = &release.tag.name;
            let message = format!("`{path}` got its entry for `{tag}` after the release was tagged");
            let finding = verdict.fail(note.place, "late notes", message);
            finding.label("not there in the tagged commit");
            finding.against("what is deployed later than it is tagged may have had its notes in time");
        }
    }
}

/// Where a release is told of, for other rules.
pub(super) fn told_of(repository: &Repository) -> Option<Span> {
    newest_note(repository, &notes(repository)).map(|n| n.place)
}
