//! The `facts` matcher: each / where / require / forbid / given / nowhere over typed fields.
//!
//! Three-valued: an unknown in `where` skips the fact, in `require` leaves it open, in `forbid` says
//! nothing. Whatever needs a variable or a join is a check, not a longer matcher.

use super::subject;
use crate::facts::{FieldKind, FieldValue, Item, KINDS, KindRow, Repository};
use crate::finding::Verdict;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// `[facts]` of a rule file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FactsMatcher {
    /// The kind of fact that is looked at.
    pub each: String,
    /// Facts that it concerns: all of these hold.
    #[serde(default, rename = "where")]
    pub filter: Conditions,
    /// What such a fact must have: all of these hold.
    #[serde(default)]
    pub require: Conditions,
    /// What such a fact must not have: not all of these hold.
    #[serde(default)]
    pub forbid: Conditions,
    /// Only if such a fact exists somewhere.
    pub given: Option<Elsewhere>,
    /// Only if no such fact exists anywhere.
    pub nowhere: Option<Elsewhere>,
    /// The finding's sentence; `{field}` stands for a field's value.
    pub message: String,
    /// What it is about; `{field}` likewise. By default the path and the message.
    #[serde(default)]
    pub subject: Option<String>,
}

/// Another kind of fact, for `given` and `nowhere`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// The kind.
    pub each: String,
    /// Which of them.
    #[serde(default, rename = "where")]
    pub filter: Conditions,
}

/// Conditions by field; all must hold.
pub(super) type Conditions = BTreeMap<String, Condition>;

/// A condition on one field.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "toml::Value")]
pub enum Condition {
    /// Equal to one of these.
    Is(Vec<toml::Value>),
    /// A table of operators, all of which hold.
    Ops(Vec<Op>),
    /// Not to be read; the text says why. Reported when the rule is loaded.
    Wrong(String),
}

/// One operator.
#[derive(Debug, Clone)]
pub enum Op {
    /// Some value matches the expression.
    Matches(Pattern),
    /// No value matches the expression.
    NotMatches(Pattern),
    /// Not equal to any of these.
    Not(Vec<toml::Value>),
    /// Something is (or nothing is) written.
    Exists(bool),
    /// Greater than.
    Above(f64),
    /// Less than.
    Below(f64),
}

/// A regular expression that is compiled when it is first needed.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl Pattern {
    fn new(source: &str) -> Pattern {
        Pattern { source: source.to_owned(), compiled: Arc::default() }
    }

    fn is_match(&self, text: &str) -> bool {
        let regex = self.compiled.get_or_init(|| Regex::new(&self.source).ok());
        regex.as_ref().is_some_and(|r| r.is_match(text))
    }
}

impl From<toml::Value> for Condition {
    fn from(value: toml::Value) -> Condition {
        match value {
            toml::Value::Table(table) => {
                let mut ops = Vec::new();
                for (name, value) in table {
                    match op(&name, &value) {
                        Ok(op) => ops.push(op),
                        Err(why) => return Condition::Wrong(why),
                    }
                }
                Condition::Ops(ops)
            }
            toml::Value::Array(all) => Condition::Is(all),
            one => Condition::Is(vec![one]),
        }
    }
}

fn op(name: &str, value: &toml::Value) -> Result<Op, String> {
    let text = || value.as_str().map(Pattern::new).ok_or(format!("`{name}` takes a regular expression"));
    let number = || {
        value.as_float().or(value.as_integer().map(|i| i as f64)).ok_or(format!("`{name}` takes a number"))
    };
    Ok(match name {
        "matches" => Op::Matches(text()?),
        "not-matches" => Op::NotMatches(text()?),
        "not" => Op::Not(value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])),
        "exists" => Op::Exists(value.as_bool().ok_or("`exists` takes true or false")?),
        "above" => Op::Above(number()?),
        "below" => Op::Below(number()?),
        _ => {
            return Err(format!(
                "there is no operator `{name}`; there are matches, not-matches, not, exists, above, below"
            ));
        }
    })
}

/// Kleene's three truth values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Unknown,
}

impl Condition {
    fn test(&self, value: &FieldValue) -> Truth {
        match self {
            Condition::Wrong(_) => Truth::Unknown,
            Condition::Is(all) => equal(value, all),
            Condition::Ops(ops) => ops.iter().map(|op| op.test(value)).fold(Truth::Yes, both),
        }
    }

    fn validate(&self, row_kind: FieldKind) -> Result<(), String> {
        match self {
            Condition::Wrong(why) => Err(why.clone()),
            Condition::Is(_) if row_kind == FieldKind::Facts || row_kind == FieldKind::Place => {
                Err(format!("a field that holds {} can only be tested with `exists`", row_kind.name()))
            }
            Condition::Is(_) => Ok(()),
            Condition::Ops(ops) => ops.iter().try_for_each(|op| match op {
                Op::Matches(p) | Op::NotMatches(p) => {
                    Regex::new(&p.source).map(|_| ()).map_err(|e| e.to_string())
                }
                _ => Ok(()),
            }),
        }
    }
}

impl Op {
    fn test(&self, value: &FieldValue) -> Truth {
        let yes = |b: bool| if b { Truth::Yes } else { Truth::No };
        let absent =
            matches!(value, FieldValue::Absent) || matches!(value, FieldValue::Texts(all) if all.is_empty());
        match self {
            Op::Exists(wanted) => yes(absent != *wanted),
            Op::Not(all) => match equal(value, all) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                Truth::Unknown => Truth::Unknown,
            },
            Op::Matches(p) => texts(value).map_or(Truth::Unknown, |t| yes(t.iter().any(|t| p.is_match(t)))),
            Op::NotMatches(p) => {
                texts(value).map_or(Truth::Unknown, |t| yes(!t.iter().any(|t| p.is_match(t))))
            }
            Op::Above(n) => number(value).map_or(Truth::Unknown, |v| yes(v > *n)),
            Op::Below(n) => number(value).map_or(Truth::Unknown, |v| yes(v < *n)),
        }
    }
}

fn both(a: Truth, b: Truth) -> Truth {
    match (a, b) {
        (Truth::No, _) | (_, Truth::No) => Truth::No,
        (Truth::Yes, Truth::Yes) => Truth::Yes,
        _ => Truth::Unknown,
    }
}

fn equal(value: &FieldValue, all: &[toml::Value]) -> Truth {
    let one = |text: &str| all.iter().any(|v| v.as_str() == Some(text));
    let found = match value {
        FieldValue::Absent => false,
        FieldValue::Unknown(_) => return Truth::Unknown,
        FieldValue::Bool(b) => all.iter().any(|v| v.as_bool() == Some(*b)),
        FieldValue::Number(n) => {
            all.iter().any(|v| v.as_float().or(v.as_integer().map(|i| i as f64)) == Some(*n))
        }
        FieldValue::Text(text) => one(text),
        FieldValue::Texts(texts) => texts.iter().any(|t| one(t)),
        FieldValue::Place(_) => false,
    };
    if found { Truth::Yes } else { Truth::No }
}

/// The texts of a value, `None` if unknown. An expression's own text is no value.
fn texts(value: &FieldValue) -> Option<Vec<String>> {
    match value {
        FieldValue::Unknown(_) => None,
        FieldValue::Text(t) => Some(vec![t.clone()]),
        FieldValue::Texts(all) => Some(all.clone()),
        FieldValue::Bool(b) => Some(vec![b.to_string()]),
        FieldValue::Number(n) => Some(vec![n.to_string()]),
        FieldValue::Absent | FieldValue::Place(_) => Some(Vec::new()),
    }
}

fn number(value: &FieldValue) -> Option<f64> {
    match value {
        FieldValue::Number(n) => Some(*n),
        FieldValue::Text(t) => t.parse().ok(),
        _ => None,
    }
}

/// The field `path` (`name`, or `parent.name`) of an item.
fn field(item: &Item<'_>, path: &str) -> FieldValue {
    let value = match path.split_once('.') {
        None => item.fact.get(path),
        Some((parent, name)) => {
            item.parents.iter().rev().find(|p| p.kind() == parent).and_then(|p| p.get(name))
        }
    };
    value.unwrap_or(FieldValue::Absent)
}

fn test(item: &Item<'_>, conditions: &Conditions) -> Truth {
    let mut all = Truth::Yes;
    for (path, condition) in conditions {
        all = both(all, condition.test(&field(item, path)));
        if all == Truth::No {
            break;
        }
    }
    all
}

fn kind(name: &str) -> Option<&'static KindRow> {
    KINDS.iter().find(|k| k.name == name)
}

fn exists(repository: &Repository, elsewhere: &Elsewhere) -> bool {
    let mut found = false;
    if let Some(kind) = kind(&elsewhere.each) {
        (kind.each)(repository, &mut |item| found |= test(&item, &elsewhere.filter) == Truth::Yes);
    }
    found
}

impl FactsMatcher {
    /// Checks names, operators and expressions; the reason and the nearest right name if not.
    pub fn validate(&self) -> Result<(), String> {
        validate(&self.each, [&self.filter, &self.require, &self.forbid], &[&self.message])?;
        if let Some(subject) = &self.subject {
            validate(&self.each, [], &[subject])?;
        }
        for elsewhere in self.given.iter().chain(&self.nowhere) {
            validate(&elsewhere.each, [&elsewhere.filter], &[])?;
        }
        Ok(())
    }

    /// Judges every fact of the kind.
    pub fn judge(&self, repository: &Repository, verdict: &mut Verdict) {
        let wanted = self.given.as_ref().is_none_or(|g| exists(repository, g))
            && self.nowhere.as_ref().is_none_or(|n| !exists(repository, n));
        let Some(kind) = kind(&self.each).filter(|_| wanted) else { return };
        (kind.each)(repository, &mut |item| {
            if test(&item, &self.filter) != Truth::Yes {
                return;
            }
            let place = item.fact.place();
            let say = |template: &str| fill(template, &item);
            let subject = || self.subject.as_deref().map_or_else(|| say(&self.message), say);
            let required = test(&item, &self.require);
            if self.require.is_empty() && self.forbid.is_empty()
                || (!self.require.is_empty() && required == Truth::No)
                || (!self.forbid.is_empty() && test(&item, &self.forbid) == Truth::Yes)
            {
                verdict.fail(place, subject(), say(&self.message));
            } else if required == Truth::Unknown {
                verdict.open(place, subject(), say(&self.message));
            } else {
                verdict.satisfied(place);
            }
        });
    }
}

fn validate<'a>(
    each: &str,
    conditions: impl IntoIterator<Item = &'a Conditions>,
    templates: &[&str],
) -> Result<(), String> {
    let Some(row) = kind(each) else {
        return Err(unknown("kind of fact", each, KINDS.iter().map(|k| k.name.to_owned())));
    };
    for (path, condition) in conditions.into_iter().flatten() {
        condition.validate(field_kind(row, path)?).map_err(|why| format!("`{path}`: {why}"))?;
    }
    for template in templates {
        for path in placeholders(template) {
            field_kind(row, path)?;
        }
    }
    Ok(())
}

fn field_kind(row: &KindRow, path: &str) -> Result<FieldKind, String> {
    let (owner, name) = match path.split_once('.') {
        None => (row, path),
        Some((parent, name)) => {
            if !row.parents.contains(&parent) {
                let parents = row.parents.iter().map(|&p| p.to_owned());
                return Err(unknown(&format!("fact around a {}", row.name), parent, parents));
            }
            (kind(parent).expect("parents are kinds, which a test holds"), name)
        }
    };
    let found = owner.rows.iter().find(|r| r.name == name);
    found.map(|r| r.kind).ok_or_else(|| {
        unknown(&format!("field of {}", owner.name), name, owner.rows.iter().map(|r| r.name.to_owned()))
    })
}

/// "there is no … `x`; did you mean `y`?"
pub(super) fn unknown(what: &str, name: &str, all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let nearest = all
        .iter()
        .map(|n| (strsim::damerau_levenshtein(n, name), n))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.len() / 3);
    match nearest {
        Some((_, nearest)) => format!("there is no {what} `{name}`; did you mean `{nearest}`?"),
        None => format!("there is no {what} `{name}`; there are {}", all.join(", ")),
    }
}

/// Checks the name of a rule's subject.
pub(super) fn validate_subject(name: &str) -> Result<(), String> {
    let names = subject::names();
    if names.iter().any(|n| n == name) { Ok(()) } else { Err(unknown("subject", name, names.into_iter())) }
}

fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn fill(template: &str, item: &Item<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&match field(item, name) {
            FieldValue::Text(t) => t,
            FieldValue::Texts(t) => t.join(", "),
            FieldValue::Number(n) => n.to_string(),
            FieldValue::Bool(b) => b.to_string(),
            FieldValue::Unknown(e) => e,
            FieldValue::Absent | FieldValue::Place(_) => "?".to_owned(),
        });
        rest = behind;
    }
    out.push_str(rest);
    out
}
