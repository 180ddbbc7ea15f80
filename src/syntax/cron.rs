//! Five-field cron schedules: crontab(5), with Jenkins' `H` and the `?`, `L`, `W` and `#` of others.

/// When a schedule can fire within a week. Times are in the schedule's own time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Bit per minute.
    minutes: u64,
    /// Bit per hour.
    hours: u32,
    /// Bit per weekday, 0 is Sunday.
    weekdays: u8,
    day_restricted: bool,
    month_restricted: bool,
    exact: bool,
    zone: Option<String>,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Parses `minute hour day month weekday`, or one of the nicknames (`@daily`). A leading `TZ=` or
    /// `CRON_TZ=` is the zone. The error says what is not understood.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let mut text = text.trim();
        let mut zone = None;
        if let Some(rest) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
            let (name, rest) = rest.split_once(char::is_whitespace).ok_or("nothing follows the time zone")?;
            zone = Some(name.to_owned());
            text = rest.trim();
        }
        let text = match text {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            _ if text.starts_with('@') => return Err(format!("{} says no time of day", quote(text))),
            _ => text,
        };
        let fields: Vec<&str> = text.split_whitespace().take(7).collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("{} fields, not 5", fields.len()));
        };
        let mut exact = true;
        let minutes = field(minute, 0..=59, &[], &mut exact)?;
        let hours = field(hour, 0..=23, &[], &mut exact)?;
        let open = |text: &str| matches!(text, "*" | "?" | "*/1");
        // L and W (the last day, the nearest workday) restrict the day in ways that no week shows.
        let special = day.contains(['L', 'W', 'l', 'w']);
        if !special {
            field(day, 1..=31, &[], &mut exact)?;
        }
        field(month, 1..=12, &MONTHS, &mut exact)?;
        let mut nth = false;
        let mut plain = Vec::new();
        for part in weekday.split(',') {
            let (name, which) = part.split_once('#').unwrap_or((part, ""));
            let last = name.len() > 1 && name.ends_with('L') && !name.contains('-');
            nth |= last || !which.is_empty();
            plain.push(if last { &name[..name.len() - 1] } else { name });
        }
        let mut weekdays = field(&plain.join(","), 0..=7, &WEEKDAYS, &mut exact)?;
        weekdays = (weekdays & 0x7f) | (weekdays >> 7);
        if !open(day) {
            // With both fields set cron fires when either matches: any weekday can come up.
            weekdays = 0x7f;
        }
        Ok(Schedule {
            minutes,
            hours: hours as u32,
            weekdays: weekdays as u8,
            day_restricted: !open(day) || nth,
            month_restricted: !open(month),
            exact,
            zone,
        })
    }

    /// Every time of the week at which it can fire: weekday (0 is Sunday), hour, minute. If days of the
    /// month restrict it, it does not fire in every week; see [`Schedule::day_restricted`].
    pub fn times(&self) -> impl Iterator<Item = (u8, u8, u8)> + '_ {
        (0..7).filter(|d| self.weekdays >> d & 1 == 1).flat_map(move |day| {
            (0..24).filter(|h| self.hours >> h & 1 == 1).flat_map(move |hour| {
                (0..60).filter(|m| self.minutes >> m & 1 == 1).map(move |minute| (day, hour, minute))
            })
        })
    }

    /// The first and the last time of each hour of the week in which it can fire, as `fri 21:00`; at most
    /// 336, however often it fires.
    pub fn hours_of_the_week(&self) -> Vec<String> {
        let mut found: Vec<(u8, u8, u8)> = Vec::new();
        for time in self.times() {
            match found.as_slice() {
                [.., (day, hour, _), last]
                    if (*day, *hour) == (time.0, time.1) && (last.0, last.1) == (*day, *hour) =>
                {
                    *found.last_mut().expect("two are there") = time;
                }
                _ => found.push(time),
            }
        }
        let text = |(day, hour, minute): (u8, u8, u8)| {
            format!("{} {hour:02}:{minute:02}", WEEKDAYS[usize::from(day)])
        };
        found.into_iter().map(text).collect()
    }

    /// Whether it can fire in the given hour (0 to 23) of the given weekday (0 is Sunday).
    pub fn fires_on(&self, weekday: u8, hour: u8) -> bool {
        weekday < 7
            && hour < 24
            && self.minutes != 0
            && self.weekdays >> weekday & 1 == 1
            && self.hours >> hour & 1 == 1
    }

    /// Days of the month, or the first or last such weekday, restrict it.
    pub fn day_restricted(&self) -> bool {
        self.day_restricted
    }

    /// Months restrict it.
    pub fn month_restricted(&self) -> bool {
        self.month_restricted
    }

    /// False if a field holds Jenkins' `H`: then it fires at some of [`Schedule::times`], not at all.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The time zone that the text names.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

fn quote(text: &str) -> String {
    format!("`{}`", text.chars().take(40).collect::<String>())
}

/// The values of one field as bits.
fn field(
    text: &str,
    range: std::ops::RangeInclusive<u32>,
    names: &[&str],
    exact: &mut bool,
) -> Result<u64, String> {
    let (low, high) = (*range.start(), *range.end());
    // 7 as a weekday is Sunday again, and no end of `*`.
    let top = if names.len() == 7 { 6 } else { high };
    let number = |word: &str| -> Result<u32, String> {
        let name = names.iter().position(|n| n.eq_ignore_ascii_case(word)).map(|at| at as u32 + low);
        let value = name.or_else(|| word.parse().ok().filter(|_| word.bytes().all(|b| b.is_ascii_digit())));
        value
            .filter(|v| range.contains(v))
            .ok_or_else(|| format!("{} is not in {low} to {high}", quote(word)))
    };
    let mut bits = 0u64;
    for part in text.split(',') {
        let (what, step) = match part.split_once('/') {
            Some((what, step)) => {
                let step: u32 = step.parse().map_err(|_| format!("{} is no step", quote(step)))?;
                (what, Some(step).filter(|s| *s > 0).ok_or("a step of 0")?)
            }
            None => (part, 0),
        };
        let hashed = what.starts_with('H');
        *exact &= !hashed;
        let (first, last) = match what {
            "*" | "?" => (low, top),
            "H" => (low, top),
            _ => {
                let bounds = what.strip_prefix("H(").and_then(|w| w.strip_suffix(')'));
                match bounds.unwrap_or(what).split_once('-') {
                    Some((first, last)) => (number(first)?, number(last)?),
                    None => (number(what)?, if step > 0 { top } else { number(what)? }),
                }
            }
        };
        // The offset of H/15 is not known: every value is possible.
        let step = if hashed { 1 } else { step.max(1) };
        if first <= last {
            (first..=last).step_by(step as usize).for_each(|v| bits |= 1 << v);
        } else if names.len() == 7 {
            // fri-mon
            (first..=last + 7).step_by(step as usize).for_each(|v| bits |= 1 << (v % 7));
        } else {
            return Err(format!("{} runs backwards", quote(what)));
        }
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schedules_fire_when_crontab_says() {
        for (text, count, first) in [
            ("30 5 * * 1-5", 5, (1, 5, 30)),
            ("0 */6 * * SUN,sat", 8, (0, 0, 0)),
            ("0 22 * * 5", 1, (5, 22, 0)),
            ("15,45 8-10/2 * * 7", 4, (0, 8, 15)),
            ("5/20 3 * * Mon", 3, (1, 3, 5)),
            ("@daily", 7, (0, 0, 0)),
            ("@weekly", 1, (0, 0, 0)),
            ("TZ=Europe/Berlin 0 4 * * fri-mon", 4, (0, 4, 0)),
            ("0 4 1 * *", 7, (0, 4, 0)),
        ] {
            let s = Schedule::parse(text).expect(text);
            assert_eq!((s.times().count(), s.times().next()), (count, Some(first)), "{text}");
        }
        let friday = Schedule::parse("0 16 * * 5").expect("valid");
        assert!(friday.fires_on(5, 16) && !friday.fires_on(5, 15) && !friday.fires_on(4, 16));
        assert_eq!(Schedule::parse("TZ=UTC @daily").expect("valid").zone(), Some("UTC"));
    }

    #[test]
    fn a_week_is_told_hour_by_hour() {
        let week = |text: &str| Schedule::parse(text).expect(text).hours_of_the_week();
        assert_eq!(week("0 21 * * 5"), ["fri 21:00"]);
        assert_eq!(week("*/15 9,10 * * 1"), ["mon 09:00", "mon 09:45", "mon 10:00", "mon 10:45"]);
        assert_eq!(week("* * * * *").len(), 336);
    }

    #[test]
    fn what_a_week_does_not_show_is_said() {
        let get = |text: &str| Schedule::parse(text).expect(text);
        assert!(
            get("0 0 1 * *").day_restricted()
                && get("0 0 L * ?").day_restricted()
                && get("0 0 ? * 5#1").day_restricted()
        );
        assert!(!get("0 0 * * 5").day_restricted() && get("0 0 * jan *").month_restricted());
        let jenkins = get("H H(0-5) * * 1");
        assert_eq!(
            get("H * * * 1-5/2").times().map(|t| t.0).collect::<std::collections::BTreeSet<_>>().len(),
            3
        );
        assert!(!jenkins.is_exact() && jenkins.fires_on(1, 5) && !jenkins.fires_on(1, 6));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* * * * * *",
            "@reboot",
            "a * * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "+1 * * * *",
            "TZ=x",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-0-9*/,H()?LW#@a-zé ]{0,30}", fields in prop::collection::vec("[-0-9*/,H()L#]{1,6}", 5)) {
            for text in [text, fields.join(" ")] {
                if let Ok(s) = Schedule::parse(&text) {
                    prop_assert!(s.times().count() <= 7 * 24 * 60);
                }
            }
        }
    }
}
