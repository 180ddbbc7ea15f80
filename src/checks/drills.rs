//! Drills: records of rollbacks and restores that were tried, in tables, lines of prose and record files.

use super::rollbacks::speaks_of_going_back;
use super::times::{date, durations};
use crate::facts::{Repository, Section, Setting};
use crate::text::Span;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// Taking a release back.
    RollBack,
    /// Restoring a backup.
    Restore,
}

/// One drill, as its record tells it.
pub(super) struct Drill {
    /// The record: a heading, or the value of its date.
    pub place: Span,
    /// What was tried.
    pub tried: Tried,
    /// When.
    pub date: Option<Date>,
    /// How long it took.
    pub minutes: Option<f64>,
    /// Whether it worked, if the record says.
    pub passed: Option<bool>,
}

/// Every drill that is recorded here.
pub(super) fn drills(repository: &Repository) -> Vec<Drill> {
    let mut found = Vec::new();
    let mut prose: BTreeMap<u32, (Span, String, Record)> = BTreeMap::new();
    for section in &repository.facts.sections {
        let path = repository.path(section.place);
        if repository.is_sample(section.place) {
            continue;
        }
        let about = format!("{path} {}", section.heading);
        if is_drill(&about) {
            let (rows, lines) = records(section);
            let record = |row: &Record| drill(section.place, &about, path, row);
            found.extend(rows.iter().filter_map(record));
            if rows.is_empty() {
                let entry = prose.entry(section.place.file.0).or_insert((section.place, about, Vec::new()));
                entry.2.extend(lines);
            }
        } else if tried(&about).is_some() {
            found.extend(section.text.lines().filter_map(|line| said(section.place, &about, line)));
        }
    }
    for (place, about, record) in prose.into_values() {
        let path = about.split(' ').next().unwrap_or("");
        found.extend(drill(place, &about, path, &record));
    }
    found.extend(of_settings(repository));
    found
}

type Record = Vec<(String, String)>;

/// Whether a path or heading says that something was tried on purpose.
fn is_drill(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace(['-', '_'], " ");
    [
        "drill",
        "rehears",
        "game day",
        "gameday",
        "restore test",
        "rollback test",
        "recovery test",
        "backup test",
    ]
    .iter()
    .any(|w| text.contains(w))
}

fn tried(text: &str) -> Option<Tried> {
    let lower = text.to_ascii_lowercase();
    if speaks_of_going_back(text) {
        Some(Tried::RollBack)
    } else if ["restor", "backup", "recovery"].iter().any(|w| lower.contains(w)) {
        Some(Tried::Restore)
    } else {
        None
    }
}

/// Rows of tables, each by its columns, and lines of the form `Date: 2026-03-01`.
fn records(section: &Section) -> (Vec<Record>, Record) {
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for line in section.text.lines() {
        let line = line.trim();
        if let Some(row) = line.strip_prefix('|') {
            let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
            if columns.is_empty() {
                columns = cells.iter().map(|c| c.to_ascii_lowercase()).collect();
            } else if !cells.iter().all(|c| c.chars().all(|c| matches!(c, '-' | ':' | ' '))) {
                let cells = cells.iter().map(|c| (*c).to_owned());
                rows.push(columns.iter().cloned().zip(cells).collect());
            }
            continue;
        }
        columns.clear();
        match line.trim_start_matches(['-', '*', ' ']).split_once(':') {
            Some((key, value)) if key.len() <= 32 => {
                lines.push((key.replace('*', "").trim().to_ascii_lowercase(), value.replace('*', "")));
            }
            _ if date(line).is_some() => lines.push(("date".to_owned(), line.to_owned())),
            _ => {}
        }
    }
    (rows, lines)
}

/// `Rollback was last tested on 2026-03-01 and took 9 minutes.`
fn said(place: Span, about: &str, line: &str) -> Option<Drill> {
    let lower = line.to_ascii_lowercase();
    let tests = ["tested", "drill", "rehears", "exercised", "tried"].iter().any(|w| lower.contains(w));
    let ahead = ["next", "must be", "should be", "due", "before "].iter().any(|w| lower.contains(w));
    let day = date(line).filter(|_| tests && !ahead)?;
    let tried = tried(line).or_else(|| tried(about))?;
    Some(Drill {
        place,
        tried,
        date: Some(day),
        minutes: durations(line).first().copied(),
        passed: passed(&lower),
    })
}

fn passed(value: &str) -> Option<bool> {
    let value = value.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|w| value.contains(w));
    if any(&["fail", "abort", "unsuccess", "not work", "false", "incomplete", "partial"]) {
        Some(false)
    } else if any(&["pass", "success", "ok", "worked", "true", "complete", "done"]) {
        Some(true)
    } else {
        None
    }
}

/// A drill out of its record; what was tried may stand in a cell, else in the path or heading.
fn drill(place: Span, about: &str, path: &str, record: &[(String, String)]) -> Option<Drill> {
    let of = |keys: &[&str]| record.iter().find(|(k, _)| keys.iter().any(|w| k.contains(w))).map(|(_, v)| v);
    let what = of(&["what", "type", "kind", "drill", "scenario", "exercise", "subject"]);
    let tried = what.and_then(|w| tried(w)).or_else(|| tried(about))?;
    let named = of(&["date", "when", "day", "performed", "tested", "executed", "last"]).and_then(|v| date(v));
    let day = named
        .or_else(|| record.iter().filter(|(k, _)| !k.contains("next")).find_map(|(_, v)| date(v)))
        .or_else(|| date(path));
    let took = record.iter().find(|(k, _)| {
        ["duration", "took", "minutes", "elapsed", "time to", "rto"].iter().any(|w| k.contains(w))
            || matches!(k.as_str(), "time" | "seconds")
    });
    let minutes = took.and_then(|(key, value)| {
        let bare = value.trim().parse::<f64>().ok();
        let bare = bare.map(|n| if key.contains("second") { n / 60.0 } else { n });
        durations(value)
            .first()
            .copied()
            .or(bare.filter(|_| key.contains("minute") || key.contains("second")))
    });
    let passed = of(&["result", "outcome", "status", "passed", "success"]).and_then(|v| passed(v));
    // A heading or a plan without a day is no record.
    (day.is_some() || minutes.is_some() && passed.is_some()).then_some(Drill {
        place,
        tried,
        date: day,
        minutes,
        passed,
    })
}

/// Records that are files of settings: `drills/2026-03-01-rollback.yaml`, or a list of them in one file.
fn of_settings(repository: &Repository) -> Vec<Drill> {
    let mut groups: BTreeMap<(u32, &str), Vec<&Setting>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        let path = repository.path(setting.place);
        if is_drill(path) && !repository.is_sample(setting.place) {
            let above = setting.path.rsplit_once('.').map_or("", |(above, _)| above);
            groups.entry((setting.place.file.0, above)).or_default().push(setting);
        }
    }
    let of = |group: Vec<&Setting>| {
        let path = repository.path(group[0].place);
        let record: Record = group
            .iter()
            .filter_map(|s| Some((s.key.to_ascii_lowercase(), s.setting.known()?.clone())))
            .collect();
        let place = group
            .iter()
            .find(|s| s.setting.known().is_some_and(|v| date(v).is_some()))
            .map_or(group[0].place, |s| s.place);
        drill(place, path, path, &record)
    };
    groups.into_values().filter_map(of).collect()
}
