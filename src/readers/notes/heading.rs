//! What the heading of an entry says: version, day, and whether it is out.

use crate::lexicon::versions::{TagName, Version};
use jiff::civil::Date;

/// What a heading says of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// The version, without a leading `v`.
    pub version: Option<String>,
    /// The day, as `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Whether it is out.
    pub released: bool,
    /// Whether there is hardly anything else in it.
    pub bare: bool,
}

/// Longer headings are sentences.
const MOST_WORDS: usize = 12;

/// Words before a version that make it the version of something else, or of an earlier state.
const OTHERS: &[&str] = &[
    "from",
    "to",
    "since",
    "upgrade",
    "upgrading",
    "migrating",
    "migrate",
    "migration",
    "for",
    "requires",
    "require",
    "drop",
    "support",
    "python",
    "node",
    "node.js",
    "php",
    "ruby",
    "django",
    "java",
    "go",
    "update",
    "bump",
    "before",
];

const UNRELEASED: &[&str] =
    &["unreleased", "upcoming", "pending", "head", "master", "main", "next", "dev", "develop", "tbd", "tba"];

/// Reads a heading; `None` if it is none of a release.
pub(super) fn read(text: &str) -> Option<Heading> {
    let text = without_links(text);
    let words: Vec<&str> = text
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',' | '|' | '~' | '<' | '>')
        })
        .map(|w| w.trim_matches(['*', '_', '`', ':', ';', '"', '\'', '=', '#', '–', '—', '-', '.', '!']))
        .filter(|w| !w.is_empty() && !w.contains("://"))
        .collect();
    if words.is_empty() || words.len() > MOST_WORDS {
        return None;
    }
    let at = words.iter().take(5).position(|w| version(w).is_some());
    let date = date(&words);
    let lower: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
    let unreleased = |w: &String| UNRELEASED.contains(&w.as_str());
    if at.is_some_and(|at| lower[..at].iter().any(|w| OTHERS.contains(&w.as_str()))) {
        return None;
    }
    let version = at.and_then(|at| version(words[at]));
    let first = lower.first().is_some_and(unreleased);
    let released = match version {
        Some(ref version) => {
            let lower_version = version.to_lowercase();
            let early = |w: &String| matches!(w.as_str(), "unreleased" | "upcoming" | "tbd" | "tba" | "dev");
            !lower.iter().any(early) && !["dev", "snapshot"].iter().any(|w| lower_version.contains(w))
        }
        None if words.len() <= 3 && (first || lower.contains(&"unreleased".to_owned())) => false,
        // A day alone, as teams write it that release every week.
        None if date.is_some() && words.len() <= 5 => true,
        None => return None,
    };
    let bare = at == Some(0) && words.len() <= 4;
    Some(Heading { version, date, released, bare })
}

/// A version, maybe behind a product's name: `1.2.3`, `v1.2.3`, `shop-1.2.3`, `@acme/ui@1.2.3`.
fn version(word: &str) -> Option<String> {
    let plain = word.strip_prefix(['v', 'V']).unwrap_or(word);
    // A day with dots counts as one only where no year leads it: that is how calendar versions look.
    let day = plain.split('.').collect::<Vec<_>>();
    if let [_, _, year] = day[..]
        && year.len() == 4
        && day[..2].iter().all(|d| d.len() == 2)
    {
        return None;
    }
    if Version::parse(plain).is_some() {
        return Some(plain.to_owned());
    }
    let tag = TagName::parse(word).filter(|tag| !tag.component.is_empty() && tag.text.contains('.'))?;
    Some(tag.text.to_owned())
}

/// `[1.2.3](https://…)` without the address.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("](") {
        out.push_str(&rest[..at + 1]);
        rest = rest[at + 2..].find(')').map_or("", |end| &rest[at + 2 + end + 1..]);
        out.push(' ');
    }
    out.push_str(rest);
    out
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The day that some words name, as `YYYY-MM-DD`.
pub(super) fn date(words: &[&str]) -> Option<String> {
    let whole = |w: &&str| {
        let day = w.split(['T', 't']).next().unwrap_or(w);
        let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
        let [a, b, c] = parts[..] else { return None };
        let month = |t: &str| month(t).or_else(|| t.parse().ok());
        match (a.len(), c.len()) {
            (4, _) if !day.contains('.') || b.len() == 2 => {
                civil(a.parse().ok()?, month(b)?, c.parse().ok()?)
            }
            // Days before months, unless that is impossible.
            (1..=2, 4) => civil(c.parse().ok()?, month(b)?, a.parse().ok()?)
                .or_else(|| civil(c.parse().ok()?, month(a)?, b.parse().ok()?)),
            _ => None,
        }
    };
    let spoken = |three: &[&str]| {
        let [a, b, c] = three else { return None };
        let number = |w: &str| w.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<i8>().ok();
        let year: i16 = c.parse().ok().filter(|y| (1990..2200).contains(y))?;
        match (month(a), month(b)) {
            (Some(month), _) => civil(year, month, number(b)?),
            (_, Some(month)) => civil(year, month, number(a)?),
            _ => None,
        }
    };
    words.iter().find_map(whole).or_else(|| words.windows(3).find_map(spoken))
}

fn month(word: &str) -> Option<i8> {
    let lower = word.get(..3)?.to_ascii_lowercase();
    let letters = word.bytes().all(|b| b.is_ascii_alphabetic());
    let at = MONTHS.iter().position(|m| *m == lower).filter(|_| letters)?;
    i8::try_from(at + 1).ok()
}

fn civil(year: i16, month: i8, day: i8) -> Option<String> {
    let day = Date::new(year, month, day).ok().filter(|_| (1990..2200).contains(&year))?;
    Some(day.to_string())
}
