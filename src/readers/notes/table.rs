//! Change logs that are a table, a row for a change.

use super::note;
use crate::facts::{NoteField, NoteForm, ReleaseNote};
use crate::lexicon::versions::Version;
use crate::syntax::markdown::{self, Kind};
use crate::text::FileId;

/// Words of a column's title, and what its cells tell.
const COLUMNS: &[(NoteField, &[&str])] = &[
    (NoteField::Date, &["date", "day", "time"]),
    (NoteField::Time, &["time"]),
    (NoteField::Summary, &["summary", "change", "description", "what"]),
    (NoteField::Approval, &["approv", "sign"]),
    (NoteField::Verification, &["verif", "valid", "smoke", "evidence"]),
    (NoteField::FollowUp, &["follow"]),
    (NoteField::Risk, &["risk"]),
    (NoteField::Rollback, &["rollback"]),
];

/// More rows are history.
const MOST: usize = 200;

/// The rows of the first table that has a column of days or versions and one of changes.
pub(super) fn rows(file: FileId, text: &str) -> Vec<ReleaseNote> {
    if !text.contains("|-") && !text.contains("| -") && !text.contains("|:") {
        return Vec::new();
    }
    let document = markdown::parse(file, text);
    let mut lines = document.prose.iter().filter(|p| p.kind == Kind::TableRow);
    let Some(head) = lines.find(|p| is_head(&cells(&p.text))) else { return Vec::new() };
    let titles: Vec<String> = cells(&head.text).iter().map(|c| c.to_lowercase()).collect();
    let mut all = Vec::new();
    for line in lines.take(MOST) {
        let cells = cells(&line.text);
        if cells.iter().all(|c| c.bytes().all(|b| matches!(b, b'-' | b':' | b' '))) {
            continue;
        }
        let mut row =
            note(line.span, cells.first().cloned().unwrap_or_default(), 0, NoteForm::Row, all.len());
        // Rows are short, and each counts.
        row.number = 0;
        for (title, cell) in titles.iter().zip(&cells) {
            let empty = matches!(
                cell.trim_matches(['`', '*', ' ']).to_lowercase().as_str(),
                "" | "-" | "—" | "tbd" | "n/a" | "?"
            );
            if empty {
                continue;
            }
            for (field, words) in COLUMNS {
                if words.iter().any(|w| title.contains(w)) {
                    row.tells.push(*field);
                }
            }
            let word = cell.trim_matches(['`', '*', ' ']).trim_start_matches(['v', 'V']);
            if row.version.is_none() && Version::parse(word).is_some() && !title.contains("date") {
                row.version = Some(word.to_owned());
            }
            if title.contains("date") || title.contains("time") {
                let words: Vec<&str> = cell.split_whitespace().collect();
                row.date = row.date.or_else(|| super::heading::date(&words));
            }
        }
        row.tells.sort_unstable();
        row.tells.dedup();
        row.cells = cells;
        all.push(row);
    }
    all
}

fn is_head(cells: &[String]) -> bool {
    let any = |words: &[&str]| cells.iter().any(|c| words.iter().any(|w| c.to_lowercase().contains(w)));
    cells.len() >= 3
        && any(&["date", "time", "version"])
        && any(&["change", "summary", "description", "release"])
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|');
    let row = row.strip_suffix('|').unwrap_or(row);
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}
