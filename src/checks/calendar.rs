//! When releases were made: what versions, tags and notes tell of days and times.

use crate::facts::GitFacts;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The time that a version of the form `VV.DDMMYYYY.HHMM` tells.
pub(super) fn version_time(name: &str) -> Option<DateTime> {
    let name = name.trim_start_matches(['v', 'V']);
    let mut parts = name.split('.');
    let (_, day, time) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || !digits(day, 8) || !digits(time, 4) {
        return None;
    }
    let day = Date::strptime("%d%m%Y", day).ok()?;
    Some(day.to_datetime(Time::strptime("%H%M", time).ok()?))
}

/// Tags with the time that their names tell, or else when they were made, on the clock of `zone`; the oldest first.
pub(super) fn dated_tags<'g>(git: &'g GitFacts, zone: &TimeZone) -> Vec<(DateTime, &'g str)> {
    let made = |seconds: i64| {
        let at = jiff::Timestamp::from_second(seconds).ok()?;
        Some(at.to_zoned(zone.clone()).datetime())
    };
    let tags = git.tags.iter();
    let mut dated: Vec<(DateTime, &str)> = tags
        .filter_map(|tag| {
            let at = version_time(&tag.name).or_else(|| made(tag.date?.seconds))?;
            Some((at, tag.name.as_str()))
        })
        .collect();
    dated.sort();
    dated
}
