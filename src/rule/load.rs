//! From a rule file to a rule. The head is read apart from the examples, which stand last in the file:
//! a run needs only heads, and reading hundreds of examples at start would cost more than the check.

use super::facts::{unknown, validate_subject};
use super::{ClauseRef, Example, FactsMatcher, Matcher, Rule, RuleError, RuleStage, TextMatcher, example};
use crate::finding::{Confidence, Severity};
use crate::lexicon::kinds::examples_start;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The head of a built-in rule's file.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Path from the crate's root, e.g. `rules/pipeline/staging-skipped.toml`.
    pub path: &'static str,
    /// Text up to the first example.
    pub text: &'static str,
}

/// The heads of all built-in rules, sorted by path.
pub fn builtin_heads() -> impl Iterator<Item = Head> {
    RULES.iter().map(|&(path, text, _)| Head { path, text })
}

/// The examples' text of the built-in rule file `path`.
pub fn builtin_tail(path: &str) -> Option<&'static str> {
    RULES.iter().find(|(p, _, _)| *p == path).map(|&(_, _, tail)| tail)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    id: Spanned<String>,
    title: String,
    severity: Spanned<String>,
    confidence: Spanned<String>,
    #[serde(default)]
    core: bool,
    since: String,
    stage: Option<Spanned<String>>,
    #[serde(default)]
    renamed_from: Vec<String>,
    subjects: Spanned<String>,
    only_in: Option<String>,
    #[serde(default)]
    clauses: Vec<Spanned<WrittenClause>>,
    contested: Option<String>,
    #[serde(default)]
    lone_file: bool,
    #[serde(default)]
    yields_to: Vec<String>,
    #[serde(default)]
    cwe: Vec<u32>,
    #[serde(default)]
    sources: Vec<String>,
    why: String,
    fix: String,
    check: Option<Spanned<String>>,
    facts: Option<Spanned<FactsMatcher>>,
    text: Option<Spanned<TextMatcher>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenClause {
    Id(String),
    Part { id: String, part: String },
}

/// Reads a rule from a file's text (with or without its examples). `checks` lists the names that
/// `check` may have.
pub fn load(path: &str, text: &str, checks: &[&str]) -> Result<Rule, Box<RuleError>> {
    read(path, text, checks, true)
}

/// The same of a rule whose expressions a test has tried: to compile them all takes longer than to read the rules, and
/// most runs ask few of them.
pub fn load_tried(path: &str, text: &str, checks: &[&str]) -> Result<Rule, Box<RuleError>> {
    read(path, text, checks, false)
}

fn read(path: &str, text: &str, checks: &[&str], try_out: bool) -> Result<Rule, Box<RuleError>> {
    let head = &text[..examples_start(text)];
    let written: Written = toml::from_str(head).map_err(|e| RuleError::toml(path, text, &e))?;
    let wrong = |span: Range<usize>, why: String| RuleError::new(path, text, Some(span), why);
    let id = written.id.get_ref();
    if !is_kebab(id) || ["no-", "require-", "ban-"].iter().any(|p| id.starts_with(p)) {
        return Err(wrong(written.id.span(), format!("`{id}` is not a rule id"))
            .help("an id names the defect in lower case with hyphens, like `staging-skipped`, not `no-…`"));
    }
    let stem = path.rsplit(['/', '\\']).next().and_then(|n| n.strip_suffix(".toml")).unwrap_or(id);
    if stem != id {
        return Err(wrong(
            written.id.span(),
            format!("the rule `{id}` stands in a file named `{stem}.toml`"),
        )
        .help(format!("name the file `{id}.toml`")));
    }
    let severity = word(&written.severity, Severity::from_name, Severity::ALL)
        .map_err(|(span, why)| wrong(span, why))?;
    let confidence = word(&written.confidence, Confidence::from_name, Confidence::ALL)
        .map_err(|(span, why)| wrong(span, why))?;
    let stage = match &written.stage {
        None => RuleStage::Stable,
        Some(stage) => {
            word(stage, RuleStage::from_name, RuleStage::ALL).map_err(|(span, why)| wrong(span, why))?
        }
    };
    validate_subject(written.subjects.get_ref()).map_err(|why| wrong(written.subjects.span(), why))?;
    let matcher = match (written.check, written.facts, written.text) {
        (Some(check), None, None) => {
            let name = check.get_ref();
            if !checks.contains(&name.as_str()) {
                let all = checks.iter().map(|c| (*c).to_owned());
                return Err(wrong(check.span(), unknown("check", name, all)));
            }
            Matcher::Check(name.clone())
        }
        (None, Some(facts), None) => {
            let span = facts.span();
            let facts = facts.into_inner();
            if try_out {
                facts.validate().map_err(|why| wrong(span, why))?;
            }
            Matcher::Facts(facts)
        }
        (None, None, Some(text)) => {
            let span = text.span();
            let text = text.into_inner();
            if try_out {
                text.validate().map_err(|why| wrong(span, why))?;
            }
            Matcher::Text(text)
        }
        _ => {
            return Err(wrong(written.id.span(), format!("the rule `{id}` needs exactly one matcher"))
                .help("write one of [text], [facts] or check = \"…\""));
        }
    };
    let clauses = written
        .clauses
        .into_iter()
        .map(|c| match c.into_inner() {
            WrittenClause::Id(id) => ClauseRef { id, part: None },
            WrittenClause::Part { id, part } => ClauseRef { id, part: Some(part) },
        })
        .collect();
    Ok(Rule {
        id: id.clone(),
        path: path.to_owned(),
        family: path.rsplit(['/', '\\']).nth(1).unwrap_or("").to_owned(),
        title: written.title,
        severity,
        confidence,
        core: written.core,
        since: written.since,
        stage,
        renamed_from: written.renamed_from,
        subjects: written.subjects.into_inner(),
        only_in: written.only_in,
        clauses,
        contested: written.contested,
        lone_file: written.lone_file,
        yields_to: written.yields_to,
        cwe: written.cwe,
        sources: written.sources,
        why: written.why.trim().to_owned(),
        fix: written.fix.trim().to_owned(),
        matcher,
    })
}

/// Reads the examples of a rule file's text (whole, or the examples alone).
pub fn load_examples(path: &str, text: &str) -> Result<Vec<Example>, Box<RuleError>> {
    let at = examples_start(text);
    // Blank lines stand for the head, so that places in errors are those of the file.
    let blank: String =
        text[..at].chars().map(|c| if c == '\n' { "\n".into() } else { " ".repeat(c.len_utf8()) }).collect();
    let padded = format!("{blank}{}", &text[at..]);
    example::parse(path, &padded)
}

fn is_kebab(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn word<T: Copy + std::fmt::Display>(
    written: &Spanned<String>,
    from_name: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<T, (Range<usize>, String)> {
    from_name(written.get_ref()).ok_or_else(|| {
        let all: Vec<String> = all.iter().map(T::to_string).collect();
        (written.span(), format!("`{}` is none of {}", written.get_ref(), all.join(", ")))
    })
}
