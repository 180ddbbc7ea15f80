//! Manuals as data: their clauses, the values they give to parameters, and how they grade rules.
//!
//! The built-in ones are read on first use, each alone, so that a run without manuals reads none.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use super::error::PolicyError;
use crate::facts::words;
use crate::finding::Severity;
use crate::parameters::Parameters;

words! {
    /// What a clause is.
    pub enum ClauseKind {
        /// Something has to be so.
        Requirement = "requirement",
        /// Something is forbidden by example.
        AntiPattern = "anti-pattern",
        /// Something has a number or a form.
        Threshold = "threshold",
    }
}

words! {
    /// From what a clause can be decided.
    pub enum Checkable {
        /// From the files of one commit.
        Static = "static",
        /// From the history of the repository.
        Git = "git",
        /// From records that prove it, which may lie outside.
        Evidence = "evidence",
        /// From the running system alone.
        Runtime = "runtime",
    }
}

/// A manual: what somebody demands of whoever deploys.
#[derive(Clone, Debug, PartialEq)]
pub struct Manual {
    /// The name in policies, such as `doc-009`.
    pub id: String,
    /// What its clauses' ids begin with, such as `DOC-009`.
    pub prefix: String,
    /// Its title.
    pub title: String,
    /// Its edition, if it has one.
    pub edition: Option<String>,
    /// Its date, if it has one.
    pub date: Option<jiff::civil::Date>,
    /// The values that it gives to parameters, by name.
    pub parameters: Vec<GivenParameter>,
    /// How it grades rules, by rule id, where it differs from the rule's own severity.
    pub severity: BTreeMap<String, Severity>,
    /// Its clauses, in its own order.
    pub clauses: Vec<Clause>,
}

/// A value that a manual gives to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenParameter {
    /// The parameter's name.
    pub name: String,
    /// The value, as [`Parameters::apply`] takes it.
    pub value: toml::Value,
    /// The id of the clause that gives it.
    pub clause: String,
    /// Where the value stands in the manual's file, in bytes.
    pub place: Range<usize>,
}

/// One demand of a manual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The manual's prefix, a slash, and what names it there: `DOC-009/10.e`.
    pub id: String,
    /// The section that it stands in.
    pub section: String,
    /// What it demands, in other words than the manual's.
    pub requirement: String,
    /// What it is.
    pub kind: ClauseKind,
    /// From what it can be decided.
    pub checkable: Checkable,
    /// How bad it is to break it.
    pub severity: Severity,
    /// The rules that serve it. Users' manuals name them here; for the built-in ones the rules name their
    /// clauses, and this is empty.
    pub rules: Vec<String>,
}

impl Manual {
    /// The clause with this id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == id)
    }

    /// Gives this manual's values to `parameters`.
    ///
    /// # Errors
    /// Only if another manual of the same id was applied and chooses otherwise: the loader, which reads one
    /// manual at a time, has tried everything else.
    pub fn apply_to(&self, parameters: &mut Parameters) -> Result<(), String> {
        for one in &self.parameters {
            parameters
                .apply(&self.id, &one.name, &one.value, &one.clause)
                .map_err(|why| format!("`{}` of the manual {}: {why}", one.name, self.id))?;
        }
        Ok(())
    }
}

/// How bad it is to break a rule under the active manuals: the strictest grade of those that the rule's
/// clauses belong to. A manual that grades nothing stands by the rule's own severity, `own`.
pub fn grade<'a>(
    rule: &str,
    own: Severity,
    clauses: impl IntoIterator<Item = &'a str>,
    active: &[&Manual],
) -> Severity {
    let prefixes: Vec<&str> = clauses.into_iter().filter_map(|id| id.split('/').next()).collect();
    let grades = active.iter().filter_map(|manual| {
        let owns = prefixes.contains(&manual.prefix.as_str());
        manual.severity.get(rule).copied().or_else(|| owns.then_some(own))
    });
    grades.max().unwrap_or(own)
}

/// Id, prefix of clauses and text of each manual that comes with the program.
static BUILTIN: [(&str, &str, &str); 5] = [
    ("doc-009", "DOC-009", include_str!("../../rules/manuals/doc-009.toml")),
    ("spec-0701", "SPEC-0701", include_str!("../../rules/manuals/spec-0701.toml")),
    ("step-08", "STEP-08", include_str!("../../rules/manuals/step-08.toml")),
    ("wtfb-sop", "WTFB-SOP", include_str!("../../rules/manuals/wtfb-sop.toml")),
    ("phase-10", "PHASE-10", include_str!("../../rules/manuals/phase-10.toml")),
];

/// The ids of the manuals that come with the program.
pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(id, ..)| *id)
}

/// A manual that comes with the program; `None` if there is none of this id.
pub fn load_builtin(id: &str) -> Option<&'static Manual> {
    static LOADED: [OnceLock<Manual>; BUILTIN.len()] = [const { OnceLock::new() }; BUILTIN.len()];
    let index = BUILTIN.iter().position(|(known, ..)| *known == id)?;
    let (_, _, text) = BUILTIN[index];
    Some(LOADED[index].get_or_init(|| {
        load(&format!("rules/manuals/{id}.toml"), text, Origin::Builtin)
            .expect("a test reads every manual that is compiled in")
    }))
}

/// A clause of a built-in manual by its id; reads only the manual whose prefix it has.
pub fn clause(id: &str) -> Option<&'static Clause> {
    let (prefix, _) = id.split_once('/')?;
    let (manual, ..) = BUILTIN.iter().find(|(_, known, _)| *known == prefix)?;
    load_builtin(manual)?.clause(id)
}

/// A user's manual from the text of the file `path` (`.plimsoll/manuals/<id>.toml`).
///
/// # Errors
/// With the place in the file: what is no TOML, unknown and missing keys, words outside the allowed ones,
/// ids that are taken, clauses without a section, parameters that do not exist or have another form.
pub fn load_file(path: &str, text: &str) -> Result<Manual, Box<PolicyError>> {
    load(path, text, Origin::User)
}

#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Builtin,
    User,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    prefix: Spanned<String>,
    title: Spanned<String>,
    edition: Option<String>,
    date: Option<Spanned<String>>,
    #[serde(default)]
    parameters: BTreeMap<Spanned<String>, OneOrMore>,
    #[serde(default)]
    severity: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    clause: Vec<WrittenClause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClause {
    id: Spanned<String>,
    section: Spanned<String>,
    requirement: Spanned<String>,
    kind: Spanned<String>,
    checkable: Spanned<String>,
    severity: Spanned<String>,
    #[serde(default)]
    rules: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenParameter {
    value: Spanned<toml::Value>,
    clause: Spanned<String>,
}

/// `{ value, clause }` or a list of them; by hand, because serde's untagged enums lose the places.
struct OneOrMore(Vec<WrittenParameter>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ value = …, clause = \"…\" } or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMore, A::Error> {
                Ok(OneOrMore(vec![WrittenParameter::deserialize(MapAccessDeserializer::new(map))?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(OneOrMore(all))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

fn load(path: &str, text: &str, origin: Origin) -> Result<Manual, Box<PolicyError>> {
    let written: Written = toml::from_str(text).map_err(|error| PolicyError::toml(path, text, &error))?;
    let reading = Reading { path, text };
    if origin == Origin::User {
        reading.names_are_free(&written)?;
    }
    let date = written.date.as_ref().map(|date| reading.date(date)).transpose()?;
    let mut clauses: Vec<Clause> = Vec::with_capacity(written.clause.len());
    let mut places = BTreeMap::new();
    for clause in &written.clause {
        let clause = reading.clause(clause, written.prefix.get_ref(), origin, &mut places)?;
        clauses.push(clause);
    }
    let mut severity = BTreeMap::new();
    for (rule, level) in &written.severity {
        severity.insert(rule.clone(), reading.word(level, Severity::from_name, Severity::ALL)?);
    }
    let parameters = reading.parameters(written.id.get_ref(), &written.parameters, &places)?;
    Ok(Manual {
        id: written.id.into_inner(),
        prefix: written.prefix.into_inner(),
        title: written.title.into_inner(),
        edition: written.edition,
        date,
        parameters,
        severity,
        clauses,
    })
}

/// A manual's file while it is read: the way from a place to an error.
struct Reading<'a> {
    path: &'a str,
    text: &'a str,
}

impl Reading<'_> {
    fn wrong<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Box<PolicyError> {
        PolicyError::new(self.path, self.text, Some(at.span()), message)
    }

    fn names_are_free(&self, written: &Written) -> Result<(), Box<PolicyError>> {
        let id = written.id.get_ref();
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(kebab) || id == "all" {
            return Err(self
                .wrong(&written.id, format!("`{id}` cannot name a manual"))
                .help("use lower-case letters, digits and hyphens, such as `our-handbook`; `all` means every manual"));
        }
        if BUILTIN.iter().any(|(known, ..)| known == id) {
            return Err(self
                .wrong(&written.id, format!("`{id}` is a built-in manual"))
                .help("choose another id"));
        }
        let prefix = written.prefix.get_ref();
        if prefix.is_empty() || prefix.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            return Err(self
                .wrong(&written.prefix, format!("`{prefix}` cannot begin the id of a clause"))
                .help("use letters, digits, hyphens and dots, such as `OUR-1`"));
        }
        if BUILTIN.iter().any(|(_, known, _)| known == prefix) {
            return Err(self
                .wrong(&written.prefix, format!("clauses of a built-in manual begin with `{prefix}`"))
                .help("choose another prefix"));
        }
        self.filled(&written.title, "a manual has a title").map(drop)
    }

    fn date(&self, date: &Spanned<String>) -> Result<jiff::civil::Date, Box<PolicyError>> {
        date.get_ref().parse().map_err(|_| {
            self.wrong(date, format!("`{}` is no date", date.get_ref())).help("write it as \"2026-01-23\"")
        })
    }

    fn filled(&self, value: &Spanned<String>, message: &str) -> Result<String, Box<PolicyError>> {
        match value.get_ref().trim() {
            "" => Err(self.wrong(value, message)),
            text => Ok(text.to_owned()),
        }
    }

    fn word<T: Copy + fmt::Display>(
        &self,
        written: &Spanned<String>,
        from_name: fn(&str) -> Option<T>,
        all: &[T],
    ) -> Result<T, Box<PolicyError>> {
        from_name(written.get_ref()).ok_or_else(|| {
            let words: Vec<String> = all.iter().map(|word| format!("`{word}`")).collect();
            self.wrong(written, format!("`{}` is not one of {}", written.get_ref(), words.join(", ")))
        })
    }

    fn clause<'w>(
        &self,
        written: &'w WrittenClause,
        prefix: &str,
        origin: Origin,
        places: &mut BTreeMap<&'w str, Range<usize>>,
    ) -> Result<Clause, Box<PolicyError>> {
        let id = written.id.get_ref();
        let name = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
        if name.is_none_or(|name| name.is_empty() || name.contains(char::is_whitespace)) {
            return Err(self
                .wrong(&written.id, format!("`{id}` is not the id of a clause of this manual"))
                .help(format!("it begins with `{prefix}/` and holds no blank, such as `{prefix}/1.a`")));
        }
        if places.insert(id, written.id.span()).is_some() {
            return Err(self.wrong(&written.id, format!("there is already a clause `{id}`")));
        }
        if origin == Origin::Builtin
            && let Some(rule) = written.rules.first()
        {
            return Err(self.wrong(rule, "the rules of a built-in manual name their clauses themselves"));
        }
        Ok(Clause {
            id: id.clone(),
            section: self.filled(&written.section, "a clause says in which section it stands")?,
            requirement: self.filled(&written.requirement, "a clause says what it demands")?,
            kind: self.word(&written.kind, ClauseKind::from_name, ClauseKind::ALL)?,
            checkable: self.word(&written.checkable, Checkable::from_name, Checkable::ALL)?,
            severity: self.word(&written.severity, Severity::from_name, Severity::ALL)?,
            rules: written.rules.iter().map(|rule| rule.get_ref().clone()).collect(),
        })
    }

    fn parameters(
        &self,
        manual: &str,
        written: &BTreeMap<Spanned<String>, OneOrMore>,
        clauses: &BTreeMap<&str, Range<usize>>,
    ) -> Result<Vec<GivenParameter>, Box<PolicyError>> {
        // Tried out here, so that whoever applies them later cannot fail and needs no places.
        let mut trial = Parameters::default();
        let mut given = Vec::new();
        for (name, OneOrMore(values)) in written {
            for one in values {
                let clause = one.clause.get_ref();
                if !clauses.contains_key(clause.as_str()) {
                    let nearest =
                        clauses.keys().min_by_key(|known| strsim::damerau_levenshtein(known, clause));
                    let mut error = self.wrong(&one.clause, format!("this manual has no clause `{clause}`"));
                    error.help = nearest.map(|known| format!("did you mean `{known}`?"));
                    return Err(error);
                }
                trial.apply(manual, name.get_ref(), one.value.get_ref(), clause).map_err(|message| {
                    match message.starts_with("unknown parameter") {
                        true => self.wrong(name, message),
                        false => self.wrong(&one.value, message),
                    }
                })?;
                given.push(GivenParameter {
                    name: name.get_ref().clone(),
                    value: one.value.get_ref().clone(),
                    clause: clause.clone(),
                    place: one.value.span(),
                });
            }
        }
        Ok(given)
    }
}

#[cfg(test)]
#[path = "manual_tests.rs"]
mod tests;
