//! Change logs and release notes: one entry for each release that they tell of.
//!
//! <https://keepachangelog.com/en/1.1.0/>, <https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog>

mod fields;
mod heading;
mod lines;
mod table;
#[cfg(test)]
mod tests;

use super::names::{ends, name, vendored};
use super::{Parsed, Text, markdown};
use crate::facts::{NoteForm, ReleaseNote};
use crate::syntax::markdown as syntax;
use crate::text::{Span, Spanned};
use heading::Heading;

/// The newest entries stand first; what follows so much text is history.
const LARGEST: usize = 512 << 10;

/// More entries of one file are history too.
const MOST_ENTRIES: usize = 400;

/// Beginnings of names of change logs, in capitals.
const NAMES: &[&str] = &[
    "CHANGELOG",
    "CHANGE-LOG",
    "CHANGE_LOG",
    "CHANGES",
    "HISTORY",
    "NEWS",
    "RELEASES",
    "RELEASE-NOTES",
    "RELEASE_NOTES",
    "RELEASENOTES",
];

/// Folders of notes, a file for a release.
const FOLDERS: &[&str] =
    &["releases", "release-notes", "release_notes", "releasenotes", "changelogs", "changelog", "relnotes"];

/// Whether a file tells of releases, by its name or folder.
pub(super) fn is_notes(path: &str) -> bool {
    if vendored(path) {
        return false;
    }
    if path == "debian/changelog" || path.ends_with("/debian/changelog") {
        return true;
    }
    let name = name(path);
    let document = ends(path, &[".md", ".markdown", ".mdx", ".rst", ".txt"]);
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    let named = NAMES.iter().any(|n| {
        stem.strip_prefix(n).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(['-', '_']) || rest.starts_with(|c: char| c.is_ascii_digit())
        })
    });
    if named {
        return document || !name.contains('.');
    }
    document && folder_of_notes(path) && !matches!(stem.as_str(), "INDEX" | "README" | "TEMPLATE")
}

fn folder_of_notes(path: &str) -> bool {
    let mut folders = path.rsplit('/').skip(1);
    folders.next().is_some_and(|folder| FOLDERS.iter().any(|f| folder.eq_ignore_ascii_case(f)))
}

/// Those that tell nobody how to run the thing; what readers of documents claim they read for notes too.
pub(super) fn claims(path: &str, executable: bool) -> bool {
    is_notes(path) && !markdown::claims(path, executable)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    parsed.facts.release_notes = entries(text);
    parsed
}

/// A heading with the text below it, up to the next one of whatever level.
struct Headline {
    level: u32,
    text: String,
    span: Span,
    /// Where its own line begins.
    start: usize,
    /// Where the text below begins.
    below: usize,
}

/// What a file tells of releases, in its order.
pub(super) fn entries(text: &Text<'_>) -> Vec<ReleaseNote> {
    let mut end = text.text.len().min(LARGEST);
    while !text.text.is_char_boundary(end) {
        end -= 1;
    }
    let body = &text.text[..end];
    if text.path.ends_with("debian/changelog") {
        return lines::debian(text.file, body);
    }
    let headlines = match text.path.rsplit('.').next() {
        Some("md" | "markdown" | "mdx") => of_markdown(text, body),
        _ => lines::headlines(text.file, body),
    };
    let mut all = sections(body, &headlines);
    if all.is_empty() {
        all = table::rows(text.file, body);
    }
    if all.is_empty() && folder_of_notes(text.path) {
        all.extend(whole(text, body, &headlines));
    }
    all
}

fn of_markdown(text: &Text<'_>, body: &str) -> Vec<Headline> {
    let document = syntax::parse(text.file, body);
    let headline = |h: &syntax::Heading| {
        let start = body[..h.span.range().start].rfind('\n').map_or(0, |at| at + 1);
        let end = h.span.range().end;
        let below = body[end..].find('\n').map_or(body.len(), |at| end + at + 1);
        Headline { level: u32::from(h.level), text: h.text.clone(), span: h.span, start, below }
    };
    document.headings.iter().map(headline).collect()
}

/// The entries among the headings: those of the level at which most versions stand, and those of other levels that
/// hold a version and hardly anything else.
fn sections(body: &str, headlines: &[Headline]) -> Vec<ReleaseNote> {
    let read: Vec<Option<Heading>> =
        headlines.iter().map(|h| (h.level <= 3).then(|| heading::read(&h.text)).flatten()).collect();
    let count =
        |level: u32| headlines.iter().zip(&read).filter(|(h, r)| h.level == level && r.is_some()).count();
    let Some(level) = (1..=3).rev().max_by_key(|&level| count(level)).filter(|&level| count(level) > 0)
    else {
        return Vec::new();
    };
    let is_entry = |h: &Headline, r: &Option<Heading>| {
        r.as_ref().is_some_and(|r| h.level == level || r.bare && r.version.is_some())
    };
    let at: Vec<usize> = (0..headlines.len()).filter(|&i| is_entry(&headlines[i], &read[i])).collect();
    let mut all = Vec::new();
    for (number, &i) in at.iter().enumerate().take(MOST_ENTRIES) {
        let (head, next) = (&headlines[i], at.get(number + 1).copied().unwrap_or(headlines.len()));
        // What follows at the same level or above, and is no entry, is about something else.
        let next = (i + 1..next).find(|&j| headlines[j].level < head.level).unwrap_or(next);
        let end = headlines.get(next).map_or(body.len(), |h| h.start);
        let told = read[i].as_ref().expect("an entry was read");
        let mut note = note(head.span, head.text.clone(), head.level, NoteForm::Heading, number);
        note.version = told.version.clone();
        note.date = told.date.clone();
        note.released = told.released;
        if note.is_read() {
            fields::look(&mut note, body, head, &headlines[i + 1..next], end);
        }
        all.push(note);
    }
    all
}

/// A file for one release: the version is in its name.
fn whole(text: &Text<'_>, body: &str, headlines: &[Headline]) -> Option<ReleaseNote> {
    let stem = name(text.path).rsplit_once('.').map_or(name(text.path), |(stem, _)| stem);
    let told = heading::read(stem)?;
    let mut note = note(Span::start_of(text.file), stem.to_owned(), 0, NoteForm::File, 0);
    note.version = told.version;
    note.date = told.date;
    let head = Headline { level: 0, text: stem.to_owned(), span: note.place, start: 0, below: 0 };
    fields::look(&mut note, body, &head, headlines, body.len());
    Some(note)
}

fn note(place: Span, heading: String, level: u32, form: NoteForm, number: usize) -> ReleaseNote {
    ReleaseNote {
        place,
        heading,
        level,
        form,
        version: None,
        date: None,
        released: true,
        number: u32::try_from(number).unwrap_or(u32::MAX),
        tells: Vec::new(),
        headings: Vec::<Spanned<String>>::new(),
        breaking: None,
        cells: Vec::new(),
    }
}
