//! Dates and durations as people write them in runbooks and records.

use jiff::civil::Date;

/// The first date of a text, as `2026-03-01`.
pub(super) fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let starts = bytes.windows(10).position(|w| {
        w.iter().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() })
    })?;
    text.get(starts..starts + 10)?.parse().ok()
}

/// Days from one date to a later one; negative if it is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    to.since(from).map_or(0, |span| i64::from(span.get_days()))
}

/// The durations of a text in minutes, in order: `12 minutes`, `1 h 30 min`, `90s`, `PT12M`, `half an hour`.
pub(super) fn durations(text: &str) -> Vec<f64> {
    let lower = text.to_ascii_lowercase();
    let tokens = tokens(&lower);
    let mut found: Vec<f64> = Vec::new();
    // Whether the part before ended right here, so that a smaller unit goes on with it.
    let mut open: Option<(usize, f64)> = None;
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let unit = tokens.get(at + 1).and_then(|next| minutes_of(next.text, next.gap));
        if let (Ok(number), Some(unit)) = (token.text.parse::<f64>(), unit) {
            match (open, found.last_mut()) {
                (Some((end, larger)), Some(last)) if end == at && unit < larger => *last += number * unit,
                _ => found.push(number * unit),
            }
            at += 2;
            open = Some((at, unit));
            // `1 hour and 20 minutes`.
            if tokens.get(at).is_some_and(|t| t.text == "and") {
                at += 1;
                open = Some((at, unit));
            }
            continue;
        }
        if matches!(token.text, "an" | "one") && tokens.get(at + 1).is_some_and(|t| t.text == "hour") {
            let half = at > 0 && tokens[at - 1].text == "half";
            found.push(if half { 30.0 } else { 60.0 });
        }
        at += 1;
    }
    found
}

struct Token<'t> {
    text: &'t str,
    /// Whether something stands between it and the one before.
    gap: bool,
}

/// Runs of digits, with their point, and runs of letters.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let class = |c: char| match c {
        '0'..='9' => 1,
        c if c.is_alphabetic() => 2,
        _ => 0,
    };
    let mut all = Vec::new();
    let mut gap = true;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = class(first);
        let end = rest
            .char_indices()
            .find(|&(i, c)| {
                let point =
                    kind == 1 && c == '.' && rest[i + 1..].starts_with(|next: char| next.is_ascii_digit());
                !point && class(c) != kind
            })
            .map_or(rest.len(), |(i, _)| i);
        if kind == 0 {
            gap = true;
        } else {
            all.push(Token { text: &rest[..end], gap });
            gap = false;
        }
        rest = &rest[end..];
    }
    all
}

/// What a unit is in minutes. A lone `m` may be metres, millions or metrics unless it stands at its number.
fn minutes_of(unit: &str, gap: bool) -> Option<f64> {
    Some(match unit {
        "s" | "m" if gap => return None,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0 / 60.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 1.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 60.0,
        "day" | "days" => 1440.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("Rollback took 12 minutes", &[12.0][..]),
            ("RTO: 15-minute", &[15.0]),
            ("5–10 min", &[10.0]),
            ("1 h 30 min, then 90s", &[90.0, 1.5]),
            ("1 hour and 20 minutes", &[80.0]),
            ("PT12M", &[12.0]),
            ("1h30m", &[90.0]),
            ("2.5 hours", &[150.0]),
            ("about half an hour", &[30.0]),
            ("within an hour", &[60.0]),
            ("v2 of 3 servers, p99 at 5 m", &[]),
            ("ü 1.", &[]),
        ] {
            assert_eq!(durations(text), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_one_that_the_calendar_knows() {
        assert_eq!(date("tried on 2026-03-01 at noon").map(|d| d.to_string()).as_deref(), Some("2026-03-01"));
        assert_eq!(date("2026-13-45"), None);
        assert_eq!(
            days_between("2026-01-01".parse().expect("a date"), "2026-03-01".parse().expect("a date")),
            59
        );
    }
}
