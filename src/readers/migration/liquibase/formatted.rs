//! Formatted SQL. <https://docs.liquibase.com/concepts/changelogs/sql-format.html>

use super::change::Change;
use super::{ChangeSet, way_back};
use crate::facts::{Down, Migration};
use crate::readers::Text;
use crate::readers::migration::sql::{database, part};
use crate::readers::sql;
use crate::text::{Passage, Span};

/// The change sets of a SQL file that says to be a change log.
pub(in super::super) fn formatted(text: &Text<'_>) -> Option<Vec<Migration>> {
    let head = text.text.trim_start_matches('\u{feff}').trim_start();
    let first = head.lines().next()?.strip_prefix("--")?.trim_start();
    if !first.get(..23).is_some_and(|f| f.eq_ignore_ascii_case("liquibase formatted sql")) {
        return None;
    }
    let mut sets: Vec<(ChangeSet, usize, usize, Passage)> = Vec::new();
    let mut at = 0;
    for line in text.text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let Some(comment) = line.trim_start().strip_prefix("--") else { continue };
        let body = comment.trim();
        let offset = start + line.find(body).unwrap_or(0);
        if let Some(rest) = keyword(body, "changeset") {
            let place =
                Span::new(text.file, start + line.len() - line.trim_start().len()..offset + body.len());
            if let Some(last) = sets.last_mut() {
                last.2 = start;
            }
            sets.push((head_of(rest, place), end, text.text.len(), Passage::new(text.file, end)));
        } else if let Some(rest) = keyword(body, "rollback")
            && let Some((set, _, _, back)) = sets.last_mut()
        {
            let place = Span::new(text.file, offset..offset + body.len());
            let from = offset + body.len() - rest.len();
            // They say that there is nothing to take back.
            if matches!(rest.to_ascii_lowercase().as_str(), "not required" | "empty") {
                set.rollback = Some((Down::OnlyComments, place));
                continue;
            }
            back.push(rest, from);
            back.push_meaning("\n", from + rest.len()..from + rest.len());
            set.rollback.get_or_insert((Down::Full, place));
        }
    }
    let database = database(text.path);
    let all = sets.into_iter().map(|(mut set, from, to, back)| {
        let found = part(text, from..to.max(from), set.database.or(database));
        set.body = Span::new(text.file, from..to.max(from));
        if let Some((Down::Full, place)) = set.rollback {
            let does = way_back(&sql::read(&back, set.database));
            // `--rollback changesetId:1` runs another change set.
            let refers = back.text().to_ascii_lowercase().contains("changesetid");
            set.rollback = Some((if refers { Down::Full } else { does }, place));
        }
        set.changes.push(Change::sql(set.place, found));
        set.migration()
    });
    Some(all.collect())
}

/// What follows a keyword of Liquibase in a comment.
fn keyword<'t>(body: &'t str, word: &str) -> Option<&'t str> {
    let head = body.get(..word.len())?;
    let rest = &body[word.len()..];
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', ':']);
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start_matches(':').trim())
}

/// `author:id attribute:value …`
fn head_of(rest: &str, place: Span) -> ChangeSet {
    let mut set = ChangeSet::new(place);
    let mut words = rest.split_whitespace();
    let (author, id) = words.next().and_then(|w| w.split_once(':')).unwrap_or(("", rest));
    set.attribute("author", author);
    set.attribute("id", id);
    for (key, value) in words.filter_map(|w| w.split_once(':')) {
        set.attribute(key, value.trim_matches('"'));
    }
    set
}
