//! Versions, as tags, manifests and change logs write them.
//!
//! <https://semver.org/spec/v2.0.0.html>, <https://calver.org>, <https://peps.python.org/pep-0440/>

use jiff::civil::{Date, DateTime, Time};
use std::cmp::Ordering;

/// A version, for comparing: the numbers, and what follows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Two numbers or more. Of `VV.DDMMYYYY.HHMM` the day counts as `YYYYMMDD`, so that later is greater.
    pub numbers: Vec<u64>,
    /// What stands behind the numbers, without build metadata: `-rc.1`, `b2`, `.post1`; mostly empty.
    pub tail: String,
}

impl Version {
    /// Reads `1.2`, `v1.2.3`, `2026.8.1-rc.1`, `4.14.0rc3`, `3.1.0.RELEASE+7`. One number alone is no version: `v1`
    /// is a tag that moves, `7` a build.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut numbers = Vec::new();
        let mut rest = text;
        loop {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            if length == 0 {
                return None;
            }
            numbers.push(rest[..length].parse().ok()?);
            rest = &rest[length..];
            match rest.strip_prefix('.') {
                Some(more) if more.starts_with(|c: char| c.is_ascii_digit()) => rest = more,
                _ => break,
            }
        }
        let tail = rest.split('+').next().unwrap_or("");
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'~');
        let begins = tail.bytes().next().is_none_or(|b| matches!(b, b'-' | b'.' | b'~') || is_stage(tail));
        if numbers.len() < 2
            || numbers.len() > 6
            || !rest.bytes().all(plain)
            || !begins
            || rest.ends_with('.')
        {
            return None;
        }
        if let Ok(dated) = Dated::parse(text) {
            let day = dated.at.date();
            let day = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
            numbers[1] = u64::try_from(day).ok()?;
        }
        Some(Version { numbers, tail: tail.to_owned() })
    }

    /// Whether it comes before a release: alpha, beta, release candidate, snapshot.
    pub fn is_pre(&self) -> bool {
        let tail = self.tail.trim_start_matches(['-', '.', '~']).to_ascii_lowercase();
        let mut words = tail.split(['-', '.', '~']).map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit()));
        words.any(|w| PRE.contains(&w))
    }

    /// Whether its first number is a year, or a year's last two digits with a month behind them.
    pub fn is_calendar(&self) -> bool {
        match self.numbers[..] {
            [year, ..] if (1990..2200).contains(&year) => true,
            [year, month, ..] => (18..60).contains(&year) && (1..=12).contains(&month),
            _ => false,
        }
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.numbers[0]
    }

    /// Whether the numbers are those that stand in files before anybody counts: `0.0.0`, `0.1.0`, `1.0.0`.
    pub fn is_placeholder(&self) -> bool {
        let sum: u64 = self.numbers.iter().fold(0, |sum, n| sum.saturating_add(*n));
        sum == 0 || sum == 1 && self.numbers.len() <= 3
    }
}

/// Words before a release.
const PRE: &[&str] = &[
    "a",
    "alpha",
    "b",
    "beta",
    "c",
    "canary",
    "dev",
    "develop",
    "ea",
    "experimental",
    "m",
    "milestone",
    "next",
    "nightly",
    "pre",
    "preview",
    "prerelease",
    "rc",
    "snapshot",
    "test",
];

/// Whether the letters behind a number are those of PEP 440: `rc1`, `b2`.
fn is_stage(tail: &str) -> bool {
    let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    matches!(&tail[..letters], "a" | "b" | "c" | "rc" | "alpha" | "beta" | "dev" | "post" | "pre" | "RC")
        && tail[letters..].starts_with(|c: char| c.is_ascii_digit())
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    /// Missing numbers are zero. What comes before a release is less than it, any other tail greater.
    fn cmp(&self, other: &Version) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let number = |v: &Version, i: usize| v.numbers.get(i).copied().unwrap_or(0);
        let numbers = (0..length).map(|i| number(self, i).cmp(&number(other, i)));
        let rank = |v: &Version| match (v.is_pre(), v.tail.is_empty()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        let tails = || rank(self).cmp(&rank(other)).then_with(|| tails(&self.tail, &other.tail));
        numbers.into_iter().find(|o| o.is_ne()).unwrap_or_else(tails)
    }
}

/// `rc.9` before `rc.10`.
fn tails(a: &str, b: &str) -> Ordering {
    let split = |t: &str| {
        let at = t.len() - t.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (words, number) = t.split_at(t.len() - at);
        (words.to_owned(), number.parse::<u64>().unwrap_or(0))
    };
    split(a).cmp(&split(b))
}

/// Why a text is not Semantic Versioning 2.0.0, in words that follow "it"; `None` if it is. A leading `v` is no part
/// of the version.
pub fn semver_fault(text: &str) -> Option<&'static str> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let parts: Vec<&str> = core.split('.').collect();
    let number = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    let leads = |p: &&str| p.len() > 1 && p.starts_with('0') && p.bytes().all(|b| b.is_ascii_digit());
    let word = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !parts.iter().all(&number) {
        return Some(if parts.len() >= 3 && parts.iter().take(2).all(number) {
            "sets a pre-release off by something else than a hyphen"
        } else {
            "is not made of three numbers"
        });
    }
    if parts.len() == 1 {
        return Some("is not made of three numbers");
    }
    if parts.len() != 3 {
        return Some(if parts.len() < 3 {
            "has fewer than three numbers"
        } else {
            "has more than three numbers"
        });
    }
    if parts.iter().any(&leads) || pre.is_some_and(|pre| pre.split('.').any(|p| leads(&p))) {
        return Some("has a number with a leading zero");
    }
    let odd = |part: Option<&str>| part.is_some_and(|part| !part.split('.').all(word));
    (odd(pre) || odd(build)).then_some("has an empty or odd part behind the numbers")
}

/// A version of the form `VV.DDMMYYYY.HHMM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The major version, two digits.
    pub major: u8,
    /// Day and time of the release, on the team's own clock.
    pub at: DateTime,
}

impl Dated {
    /// Reads one. The error says what is wrong in words that follow "it".
    pub fn parse(text: &str) -> Result<Dated, &'static str> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = text.split('.').collect();
        let [major, day, time] = parts[..] else { return Err("does not have the form VV.DDMMYYYY.HHMM") };
        if (major.len(), day.len(), time.len()) != (2, 8, 4)
            || !digits(major)
            || !digits(day)
            || !digits(time)
        {
            return Err("does not have the form VV.DDMMYYYY.HHMM");
        }
        let number = |text: &str| text.parse::<i16>().unwrap_or(-1);
        let (of_month, month) = (number(&day[..2]) as i8, number(&day[2..4]) as i8);
        let day = Date::new(number(&day[4..]), month, of_month)
            .map_err(|_| "names a day that is in no calendar")?;
        let (hour, minute) = (number(&time[..2]) as i8, number(&time[2..]) as i8);
        let time = Time::new(hour, minute, 0, 0).map_err(|_| "names a time that is on no clock")?;
        Ok(Dated { major: number(major) as u8, at: day.to_datetime(time) })
    }
}

/// What the name of a release's tag is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagName<'t> {
    /// Which of several things in the repository it is a release of: `api` in `api/v1.2.3`, `@acme/ui` in
    /// `@acme/ui@1.2.3`; empty for the repository itself.
    pub component: &'t str,
    /// The version as written, a leading `v` left out.
    pub text: &'t str,
    /// The same, to be compared; of a day its year, month, day and what follows.
    pub version: Version,
}

impl<'t> TagName<'t> {
    /// Reads a tag's name. `None` for `nightly`, `latest`, `v1` and for marks such as `build-1234`.
    pub fn parse(name: &'t str) -> Option<TagName<'t>> {
        let starts = (0..name.len()).filter(|&at| name.is_char_boundary(at) && begins(name, at));
        for at in starts.take(12) {
            let text = &name[at..];
            let component = component(&name[..at]);
            let version = Version::parse(text).or_else(|| {
                let day = day(text).filter(|_| component.is_empty());
                day.or_else(|| Version::parse(&underscored(text)?))
            });
            if let Some(version) = version {
                return Some(TagName { component, text: text.trim_start_matches(['v', 'V']), version });
            }
        }
        None
    }
}

/// Whether a tag's name is the version of a release.
pub fn is_release_tag(name: &str) -> bool {
    TagName::parse(name).is_some()
}

/// Whether a version may begin here: a digit, or a `v` before one, behind nothing or a sign.
fn begins(name: &str, at: usize) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let text = &name[at..];
    let here = text.starts_with(digit) || text.strip_prefix(['v', 'V']).is_some_and(|t| t.starts_with(digit));
    let before = &name[..at];
    let word = ["r", "rel", "release"].iter().any(|w| before.eq_ignore_ascii_case(w));
    here && (before.is_empty() || before.ends_with(['-', '_', '/', '@']) || word)
}

/// What stands before a version, without words that only say that a release follows.
fn component(before: &str) -> &str {
    let name = before.trim_end_matches(['-', '_', '/', '@']);
    let says = |w: &str| {
        ["release", "releases", "rel", "r", "version", "ver", "v", "tag", "tags"]
            .iter()
            .any(|known| w.eq_ignore_ascii_case(known))
    };
    let name = match name.rsplit_once(['-', '_', '/']) {
        Some((name, word)) if says(word) => name,
        _ => name,
    };
    if says(name) { "" } else { name }
}

/// `2026-08-21`, `2026-08-21T161536`, `20260821.2`.
fn day(text: &str) -> Option<Version> {
    let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let known = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | 'T' | 't' | 'Z' | ':');
    if !text.chars().all(known) {
        return None;
    }
    let (year, month, of_month, rest) = match groups[..] {
        [year, month, day, ref rest @ ..] if year.len() == 4 => (year, month, day, rest),
        [whole, ref rest @ ..] if whole.len() == 8 => (&whole[..4], &whole[4..6], &whole[6..], rest),
        _ => return None,
    };
    let (year, month, of_month): (i16, i8, i8) =
        (year.parse().ok()?, month.parse().ok()?, of_month.parse().ok()?);
    Date::new(year, month, of_month).ok().filter(|_| (1990..2200).contains(&year))?;
    let rest = rest.iter().take(4).map_while(|g| g.parse::<u64>().ok());
    let numbers = [year as u64, month as u64, of_month as u64].into_iter().chain(rest).collect();
    Some(Version { numbers, tail: String::new() })
}

/// `22_0` as `22.0`.
fn underscored(text: &str) -> Option<String> {
    (text.contains('_') && !text.contains('.')).then(|| text.replace('_', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn versions_are_in_order() {
        let order = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-rc.9",
            "1.0.0-rc.10",
            "1.0.0",
            "1.0.0-1",
            "1.0.1b1",
            "1.0.1rc2",
            "v1.0.1",
            "1.2",
            "1.10.0",
            "2.0.0.RELEASE",
            "2026.8.1",
            "2026.11",
        ];
        for pair in order.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("1.2").cmp(&version("1.2.0")), Ordering::Equal);
        assert!(version("01.31012026.0900") < version("01.01022026.0800"), "a later day is greater");
        for text in
            ["", "v1", "7", "1.x", "1.2.", "1.2abc", "latest", "1..2", "1.2/3", "99999999999999999999999.1"]
        {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_comes_before_a_release_is_told_from_it() {
        for (text, pre) in [
            ("1.2.3", false),
            ("1.2.3-rc1", true),
            ("1.2.3rc1", true),
            ("1.2.3.dev0", true),
            ("1.2.3-SNAPSHOT", true),
            ("1.2.3-1", false),
            ("1.2.3.post1", false),
            ("5.1.2.RELEASE", false),
            ("1.2.3+alpha", false),
        ] {
            assert_eq!(version(text).is_pre(), pre, "{text}");
        }
    }

    #[test]
    fn semver_is_what_its_grammar_says() {
        for text in ["1.2.3", "v1.2.3", "0.0.0", "1.2.3-rc.1+build.7", "2026.8.0", "1.0.0-x-y-z", "1.0.0+001"]
        {
            assert_eq!(semver_fault(text), None, "{text}");
        }
        for (text, why) in [
            ("1.2", "fewer"),
            ("1.2.3.4", "more"),
            ("2026.08.1", "leading zero"),
            ("1.2.3-01", "leading zero"),
            ("1.2.3rc1", "hyphen"),
            ("1.2.3-", "odd"),
            ("1.2.3+", "odd"),
            ("2026-08-21", "three numbers"),
            ("22_0", "three numbers"),
            ("01.23012026.1430", "leading zero"),
        ] {
            assert!(semver_fault(text).is_some_and(|fault| fault.contains(why)), "{text}");
        }
    }

    #[test]
    fn a_dated_version_names_a_real_day_and_time() {
        let dated = Dated::parse("01.23012026.1430").expect("dated");
        assert_eq!((dated.major, dated.at.to_string().as_str()), (1, "2026-01-23T14:30:00"));
        assert!(Dated::parse("v12.29022028.0000").is_ok(), "a leap day");
        for text in ["01.29022026.1430", "01.31042026.1430", "01.23132026.1430", "01.23012026.2400"] {
            assert!(Dated::parse(text).is_err_and(|why| why.starts_with("names")), "{text}");
        }
        for text in ["1.23012026.1430", "01.2026.1430", "01.23012026.14:30", "01.23012026.1430-rc1", "1.2.3"]
        {
            assert!(Dated::parse(text).is_err_and(|why| why.contains("form")), "{text}");
        }
    }

    #[test]
    fn tags_tell_what_they_release() {
        for (name, component, text) in [
            ("v1.2.3", "", "1.2.3"),
            ("1.2", "", "1.2"),
            ("release-1.2.3", "", "1.2.3"),
            ("release/v2.0.0", "", "2.0.0"),
            ("rel1.4.2", "", "1.4.2"),
            ("api/v1.2.3", "api", "1.2.3"),
            ("services/api/v1.2.3", "services/api", "1.2.3"),
            ("@acme/ui@1.2.3-rc.1", "@acme/ui", "1.2.3-rc.1"),
            ("shop-v1.2.3", "shop", "1.2.3"),
            ("web-release-1.2.3", "web", "1.2.3"),
            ("K9MAIL_22_0", "K9MAIL", "22_0"),
            ("2026-08-21T161536", "", "2026-08-21T161536"),
            ("release-20260821.2", "", "20260821.2"),
            ("2026.08.19-1", "", "2026.08.19-1"),
            ("01.23012026.1430", "", "01.23012026.1430"),
            ("Release_1.2.3", "", "1.2.3"),
            ("r2.0.1", "", "2.0.1"),
            ("1.2rc1", "", "1.2rc1"),
            ("shop-1.2.3+build.5", "shop", "1.2.3+build.5"),
            ("20261121.3", "", "20261121.3"),
            ("release-2026.11", "", "2026.11"),
        ] {
            let tag = TagName::parse(name).unwrap_or_else(|| panic!("{name} is a release"));
            assert_eq!((tag.component, tag.text), (component, text), "{name}");
        }
        for name in [
            "nightly",
            "latest",
            "stable",
            "v1",
            "v0",
            "build-1234",
            "dotnet8",
            "before-3d",
            "",
            "ECS-PREVIEW-SUCCESS-2025-02-03T10-56-47-0caec",
            "x86_64",
            "2026-13-41",
            "deploy-1763730000",
            "7",
            "jenkins-20",
            "before-refactoring",
            "wip/3d-view",
            "12345678",
            "99999999",
            "ab12.34cd",
            "python3.11x",
        ] {
            assert_eq!(TagName::parse(name), None, "{name}");
            assert!(!is_release_tag(name), "{name}");
        }
    }
}
