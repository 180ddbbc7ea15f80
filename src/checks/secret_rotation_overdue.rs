//! Rotations that the page on them says should have happened by now.

use super::gates::words;
use super::times::date;
use crate::facts::{Repository, Section};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::shorten;
use jiff::civil::Date;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(today) = repository.today else { return };
    for section in &repository.facts.sections {
        if !speaks_of_rotation(section, repository.path(section.place)) {
            continue;
        }
        let late = late(section, today);
        verdict.examined(section.place);
        let Some((name, due)) = late.first() else { continue };
        let more = if late.len() > 1 { format!(", as were {} more", late.len() - 1) } else { String::new() };
        let message = format!("{name} was due for rotation on {due}{more}");
        let subject = format!("rotation {}", section.heading);
        verdict.fail(section.place, subject, message).label("says when it was due");
    }
}

fn speaks_of_rotation(section: &Section, path: &str) -> bool {
    let about = |text: &str| {
        let all = words(text);
        let rotates = all.iter().any(|w| w.starts_with("rotat") || w.starts_with("renew"));
        rotates
            && all.iter().any(|w| {
                ["secret", "credential", "password", "token", "key", "certificate"]
                    .iter()
                    .any(|s| w.starts_with(s))
            })
    };
    about(&section.heading) || about(path)
}

/// What is overdue, with the day on which it was due: rows of tables by their columns, and lines of prose.
fn late(section: &Section, today: Date) -> Vec<(String, Date)> {
    let mut found = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    for line in section.text.lines() {
        let Some(row) = line.trim().strip_prefix('|') else {
            columns.clear();
            found
                .extend(spoken(line).filter(|due| *due < today).map(|due| ("A secret here".to_owned(), due)));
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        if columns.is_empty() {
            columns = cells.iter().map(|c| column(c)).collect();
            continue;
        }
        let of =
            |column: Column| columns.iter().position(|c| *c == column).and_then(|at| cells.get(at)).copied();
        let next = of(Column::Next).and_then(date);
        let last = of(Column::Last).and_then(date).zip(of(Column::Interval).and_then(days));
        let due = next.or_else(|| last.and_then(|(last, days)| after(last, days)));
        if let Some(due) = due.filter(|due| *due < today) {
            let name = shorten(cells.first().unwrap_or(&"").trim_matches('`'), 40);
            found.push((format!("`{name}`"), due));
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Last,
    Next,
    Interval,
    Other,
}

fn column(heading: &str) -> Column {
    let heading = heading.to_lowercase();
    let says = |of: &[&str]| of.iter().any(|w| heading.contains(w));
    if says(&["next", "due", "expires", "expiry"]) {
        Column::Next
    } else if says(&["last", "rotated on", "rotated at"]) {
        Column::Last
    } else if says(&["interval", "every", "frequency", "period", "cadence", "schedule"]) {
        Column::Interval
    } else {
        Column::Other
    }
}

/// `Next rotation: 2026-03-01`, `rotation is due by 2026-03-01`.
fn spoken(line: &str) -> Option<Date> {
    let lower = line.to_lowercase();
    let due = [
        "next rotation",
        "rotation due",
        "rotation is due",
        "rotate by",
        "rotate before",
        "must be rotated by",
    ];
    let at = due.iter().find_map(|w| Some(lower.find(w)? + w.len()))?;
    date(lower.get(at..)?)
}

/// `90 days`, `3 months`, `quarterly`.
fn days(text: &str) -> Option<i64> {
    let all = words(text);
    let named = |w: &str| match w {
        "daily" => Some(1),
        "weekly" => Some(7),
        "monthly" => Some(31),
        "quarterly" => Some(92),
        "yearly" | "annually" | "annual" => Some(366),
        _ => None,
    };
    if let Some(days) = all.iter().find_map(|w| named(w)) {
        return Some(days);
    }
    let at = all.iter().position(|w| w.bytes().all(|b| b.is_ascii_digit()))?;
    let number: i64 = all[at].parse().ok().filter(|n| *n < 10_000)?;
    let unit = match all.get(at + 1).map_or("", String::as_str) {
        "day" | "days" | "d" => 1,
        "week" | "weeks" => 7,
        "month" | "months" => 31,
        "year" | "years" => 366,
        _ => return None,
    };
    Some(number * unit)
}

fn after(last: Date, days: i64) -> Option<Date> {
    last.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}
