//! `.plimsoll/exceptions.toml`: this is the defect, and it is accepted until a day.
//!
//! The fields are those of DOC-009 §11. An exception that lacks one, or whose day has passed, has no effect.
//! One for a credential names the value by its tag: another value in the same place is another defect.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::baseline::BookError;
use super::tag::{Salt, is_tag};
use super::{PathPattern, Rules};
use crate::quote::Quoted;

/// All exceptions, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    /// What makes tags the repository's own, if the file says it.
    pub salt: Option<Salt>,
    all: Vec<Exception>,
}

/// One accepted deviation.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Its id.
    pub id: String,
    /// The rule that it is about.
    pub rule: String,
    /// Files in which it holds.
    paths: Vec<PathPattern>,
    /// The one finding for which it holds.
    fingerprint: Option<String>,
    /// Tags of the credentials for which it holds.
    values: Vec<String>,
    /// Why.
    pub justification: String,
    /// When it was approved.
    approved: Option<Date>,
    /// Its last day.
    pub expires: Option<Date>,
    /// Fields that are missing.
    missing: Vec<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    salt: Option<Spanned<String>>,
    #[serde(default)]
    exception: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<Spanned<String>>,
    rule: Option<Spanned<String>>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    fingerprint: Option<String>,
    #[serde(default)]
    values: Vec<Spanned<String>>,
    justification: Option<String>,
    risk: Option<String>,
    compensating_controls: Option<Controls>,
    approver: Option<String>,
    approved: Option<Spanned<Day>>,
    expires: Option<Spanned<Day>>,
    /// DOC-009 §11.f asks for a review afterwards; a promise that no file can prove.
    #[allow(dead_code, reason = "read so that the key is accepted")]
    post_review: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Controls {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Day {
    Date(Datetime),
    Text(String),
}

impl Day {
    fn date(&self) -> Option<Date> {
        match self {
            Day::Date(at) => {
                let date = at.date?;
                Date::new(i16::try_from(date.year).ok()?, date.month as i8, date.day as i8).ok()
            }
            Day::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl Exceptions {
    /// Reads the text of the file at `path`.
    pub fn parse(path: &str, text: &str, rules: &Rules) -> Result<Exceptions, Box<BookError>> {
        let file: File = toml::from_str(text).map_err(|e| {
            let help = "an [[exception]] has id, rule, paths or fingerprint, justification, risk, \
                        compensating_controls, approver, approved and expires";
            BookError::new(path, text, e.span(), e.message(), help)
        })?;
        let salt = match &file.salt {
            None => None,
            Some(written) => Some(Salt::parse(written.get_ref()).ok_or_else(|| {
                let help = "restore the line from git; `plimsoll exception` made it";
                BookError::new(
                    path,
                    text,
                    Some(written.span()),
                    "this is no salt: 32 hexadecimal digits",
                    help,
                )
            })?),
        };
        let mut all: Vec<Exception> = Vec::new();
        for entry in file.exception {
            let span = entry.span();
            let exception = read(path, text, span, entry.into_inner(), rules)?;
            all.push(exception);
        }
        Ok(Exceptions { salt, all })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The exception that holds for a finding today; `salt` is the repository's.
    pub(super) fn covering(
        &self,
        quoted: &Quoted,
        today: Date,
        rules: &Rules,
        salt: Option<&Salt>,
    ) -> Option<(usize, &Exception)> {
        let holds = |e: &Exception| {
            e.hindrance(today).is_none() && e.means(quoted, rules) && e.names_value(quoted, salt)
        };
        self.all.iter().enumerate().find(|(_, e)| holds(e))
    }

    /// An exception that would hold for a credential if it named its value.
    pub(super) fn missing_value(&self, quoted: &Quoted, today: Date, rules: &Rules) -> Option<usize> {
        let meant = |e: &Exception| e.hindrance(today).is_none() && e.means(quoted, rules);
        quoted.value.as_ref().and_then(|_| self.all.iter().position(meant))
    }

    /// What is wrong with the exceptions themselves. `used` holds the numbers of those that disposed of
    /// something, `nearly` of those that lack a credential's value to do so.
    pub(super) fn notes(
        &self,
        used: &BTreeSet<usize>,
        nearly: &BTreeSet<usize>,
        whole: bool,
        today: Date,
        rules: &Rules,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        for (number, exception) in self.all.iter().enumerate() {
            let id = &exception.id;
            if let Some(why) = exception.hindrance(today) {
                notes.push(format!("exception {id} has no effect: {why}"));
            } else if nearly.contains(&number) {
                notes.push(format!(
                    "exception {id} does not name every credential in its files: \
                     `plimsoll exception {} PATH` prints the values for it",
                    exception.rule
                ));
            } else if whole && rules.ran(&exception.rule) && !used.contains(&number) {
                notes.push(format!("exception {id} covers nothing any more: remove it"));
            }
        }
        notes
    }
}

fn read(
    path: &str,
    text: &str,
    span: std::ops::Range<usize>,
    entry: Entry,
    rules: &Rules,
) -> Result<Exception, Box<BookError>> {
    let wrong = |span: std::ops::Range<usize>, message: String, help: String| {
        Err(BookError::new(path, text, Some(span), message, help))
    };
    let Some(id) = entry.id else {
        return wrong(span, "this exception has no id".into(), "write `id = \"EXC-1\"`".into());
    };
    let Some(rule) = entry.rule else {
        return wrong(span, "this exception names no rule".into(), "write `rule = \"rule-id\"`".into());
    };
    if !rules.exists(rule.get_ref()) {
        let help = match rules.nearest(rule.get_ref()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`plimsoll rule` lists all rules".into(),
        };
        return wrong(rule.span(), format!("there is no rule `{}`", rule.get_ref()), help);
    }
    let mut paths = Vec::new();
    for pattern in &entry.paths {
        match PathPattern::new(pattern.get_ref()) {
            Ok(it) => paths.push(it),
            Err(why) => {
                let message = format!("`{}` is no pattern: {why}", pattern.get_ref());
                return wrong(pattern.span(), message, "patterns are written as in .gitignore".into());
            }
        }
    }
    if let Some(tag) = entry.values.iter().find(|tag| !is_tag(tag.get_ref())) {
        let help = "`plimsoll exception RULE PATH` prints the values of a file's credentials";
        return wrong(tag.span(), format!("`{}` is no tag of a value", tag.get_ref()), help.into());
    }
    let mut days = [None, None];
    for (day, slot) in [&entry.approved, &entry.expires].into_iter().zip(&mut days) {
        if let Some(day) = day {
            *slot = day.get_ref().date();
            if slot.is_none() {
                let help = "a day is written as 2026-01-31";
                return wrong(day.span(), "this is no day of the calendar".into(), help.into());
            }
        }
    }
    let said = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
    let controls = match &entry.compensating_controls {
        Some(Controls::One(text)) => !text.trim().is_empty(),
        Some(Controls::Several(all)) => all.iter().any(|t| !t.trim().is_empty()),
        None => false,
    };
    let fields = [
        ("paths or fingerprint", !paths.is_empty() || said(&entry.fingerprint)),
        ("justification", said(&entry.justification)),
        ("risk", said(&entry.risk)),
        ("compensating_controls", controls),
        ("approver", said(&entry.approver)),
        ("approved", days[0].is_some()),
        ("expires", days[1].is_some()),
    ];
    Ok(Exception {
        id: id.into_inner(),
        rule: rule.into_inner(),
        paths,
        fingerprint: entry.fingerprint,
        values: entry.values.into_iter().map(Spanned::into_inner).collect(),
        justification: entry.justification.unwrap_or_default().trim().to_owned(),
        approved: days[0],
        expires: days[1],
        missing: fields.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect(),
    })
}

impl Exception {
    /// Why it has no effect on this day, if it has none.
    fn hindrance(&self, today: Date) -> Option<String> {
        if !self.missing.is_empty() {
            return Some(format!("it lacks {}", self.missing.join(", ")));
        }
        match (self.approved, self.expires) {
            (Some(approved), _) if approved > today => Some(format!("it is approved only from {approved}")),
            (_, Some(expires)) if expires < today => Some(format!("it expired on {expires}")),
            _ => None,
        }
    }

    fn means(&self, quoted: &Quoted, rules: &Rules) -> bool {
        rules.same(&self.rule, &quoted.finding.rule)
            && match &self.fingerprint {
                Some(print) => *print == quoted.fingerprint,
                None => self.paths.iter().any(|p| p.matches(&quoted.quote.path)),
            }
    }

    /// Whether it speaks of the finding's very value, if the finding is a credential.
    fn names_value(&self, quoted: &Quoted, salt: Option<&Salt>) -> bool {
        let Some(value) = &quoted.value else { return true };
        salt.is_some_and(|salt| self.values.contains(&salt.tag(value)))
    }
}
