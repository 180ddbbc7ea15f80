//! Points in time as git keeps them.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};

/// A point in time together with the clock it was read from: a commit's or a tag's date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970-01-01 00:00 UTC; negative before.
    pub seconds: i64,
    /// The writer's offset from UTC in seconds, east positive.
    pub offset: i32,
}

impl Moment {
    /// Reads `2026-01-23`, `2026-01-23T15:00`, `2026-01-23T15:00Z` or `2026-01-23T15:00+01:00` (RFC 3339,
    /// seconds optional). A date alone is its midnight; without an offset it is UTC.
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        if let Ok(zoned) = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text) {
            let time = zoned.time().unwrap_or(jiff::civil::Time::midnight());
            let offset = zoned.to_numeric_offset().unwrap_or(Offset::UTC);
            let at = offset.to_timestamp(zoned.date().to_datetime(time)).ok()?;
            return Some(Moment { seconds: at.as_second(), offset: offset.seconds() });
        }
        None
    }

    /// As in RFC 3339, on the writer's own clock: `2026-01-23T15:00:00+01:00`. `None` if git holds a date that no
    /// calendar reaches.
    pub fn written(self) -> Option<String> {
        let offset = Offset::from_seconds(self.offset).unwrap_or(Offset::UTC);
        let at = Timestamp::from_second(self.seconds).ok()?;
        Some(at.display_with_offset(offset).to_string())
    }

    /// What the writer's own clock and calendar showed: the reading that a release number must agree with.
    /// `None` if git holds a date that no calendar reaches.
    pub fn civil(self) -> Option<DateTime> {
        let offset = Offset::from_seconds(self.offset).unwrap_or(Offset::UTC);
        Timestamp::from_second(self.seconds).ok().map(|at| offset.to_datetime(at))
    }
}

impl From<&Zoned> for Moment {
    fn from(zoned: &Zoned) -> Moment {
        Moment { seconds: zoned.timestamp().as_second(), offset: zoned.offset().seconds() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_with_and_without_clock_and_offset() {
        for (text, seconds, offset) in [
            ("2026-01-23", 1_769_126_400, 0),
            ("2026-01-23T15:00Z", 1_769_180_400, 0),
            ("2026-01-23T15:00", 1_769_180_400, 0),
            ("2026-01-23T15:00:00+01:00", 1_769_176_800, 3600),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment { seconds, offset }), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2026-02-30T00:00Z"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_civil_reading_is_the_writers_clock() {
        let at = Moment::parse("2026-01-23T23:30:00-08:00").expect("a date");
        assert_eq!(at.civil().expect("in range").to_string(), "2026-01-23T23:30:00");
        assert_eq!(at.written().as_deref(), Some("2026-01-23T23:30:00-08:00"));
        assert_eq!(Moment { seconds: i64::MAX, offset: 0 }.civil(), None);
        assert!(Moment { seconds: 0, offset: i32::MAX }.civil().is_some());
    }
}
