//! `plimsoll rule [ID]`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::Exit;
use super::args::{Choice, Explain, TextOrJson};
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::Plan;
use crate::policy::Stock;
use crate::rule::{Rule, RuleStage};

pub(super) fn run(explain: &Explain) -> Result<Exit, Failure> {
    let stock = stock(&explain.rules)?;
    let text = match &explain.id {
        None => match explain.format {
            TextOrJson::Json => pretty(&Json::Array(stock.rules.values().map(to_json).collect())),
            TextOrJson::Text => {
                let width = stock.rules.keys().map(String::len).max().unwrap_or(0);
                let line = |r: &Rule| {
                    let core = if r.core { "core" } else { "" };
                    format!("{:width$}  {:7}  {core:4}  {}\n", r.id, r.severity, r.title)
                };
                stock.rules.values().map(line).collect()
            }
        },
        Some(id) => {
            let rule = find(&stock, id)?;
            match explain.format {
                TextOrJson::Json => pretty(&to_json(rule)),
                TextOrJson::Text => describe(rule),
            }
        }
    };
    to_stdout(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// Every rule and manual that the current folder's repository has.
pub(super) fn stock(rules: &[PathBuf]) -> Result<Stock, Failure> {
    let choice = Choice { rules: rules.to_vec(), ..Choice::default() };
    Ok(Plan::new(&[], &choice, None)?.stock)
}

fn find<'a>(stock: &'a Stock, id: &str) -> Result<&'a Rule, Failure> {
    let renamed = || stock.rules.values().find(|r| r.renamed_from.iter().any(|old| old == id));
    stock.rules.get(id).or_else(renamed).ok_or_else(|| {
        let help = match crate::text::nearest(id, stock.rules.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`plimsoll rule` lists all rules".into(),
        };
        Failure::new(format!("there is no rule `{id}`"), help)
    })
}

pub(super) fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}

fn to_json(rule: &Rule) -> Json {
    let clauses: Vec<Json> = rule.clauses.iter().map(|c| json!({ "id": c.id, "part": c.part })).collect();
    json!({
        "id": rule.id,
        "title": rule.title,
        "family": rule.family,
        "severity": rule.severity.name(),
        "confidence": rule.confidence.name(),
        "core": rule.core,
        "stage": rule.stage.name(),
        "since": rule.since,
        "renamed_from": rule.renamed_from,
        "subjects": rule.subjects,
        "yields_to": rule.yields_to,
        "only_in": rule.only_in,
        "contested": rule.contested,
        "clauses": clauses,
        "cwe": rule.cwe,
        "sources": rule.sources,
        "why": rule.why,
        "fix": rule.fix,
        "path": rule.path,
    })
}

fn describe(rule: &Rule) -> String {
    let mut text = format!("{}\n{}\n\n", rule.id, rule.title);
    text += &format!("  severity    {}\n  confidence  {}\n", rule.severity, rule.confidence);
    let runs = match (rule.core, rule.clauses.is_empty()) {
        (true, _) => "always (core set)",
        (false, false) => "when a manual that demands it is chosen",
        (false, true) => "when it is selected",
    };
    text += &format!("  runs        {runs}\n");
    if rule.stage != RuleStage::Stable {
        text += &format!("  stage       {}\n", rule.stage);
    }
    if let Some(topic) = &rule.contested {
        text += &format!("  contested   {topic}\n");
    }
    if let Some(place) = &rule.only_in {
        text += &format!("  only in     {place}\n");
    }
    for clause in &rule.clauses {
        let part = clause.part.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
        text += &format!("  clause      {}{part}\n", clause.id);
    }
    text += &format!("\nWhy\n  {}\n\nFix\n  {}\n", indented(&rule.why), indented(&rule.fix));
    text += &format!("\nNot what is meant? Say so at the line: `plimsoll: allow[{}] reason`\n", rule.id);
    if !rule.sources.is_empty() {
        text += &format!("\nSources\n  {}\n", rule.sources.join("\n  "));
    }
    text
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}
