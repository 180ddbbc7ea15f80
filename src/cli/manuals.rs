//! `plimsoll clause [ID]`: a manual's clause, or all clauses of a manual, with the rules that serve them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Exit;
use super::args::{Explain, TextOrJson};
use super::check::to_stdout;
use super::failure::Failure;
use super::rules::{pretty, stock};
use crate::policy::{Clause, Manual, Stock};

pub(super) fn run(explain: &Explain) -> Result<Exit, Failure> {
    let stock = stock(&explain.rules)?;
    let serving = serving(&stock);
    let all: Vec<(&Manual, &Clause)> = stock
        .manual_ids()
        .into_iter()
        .filter_map(|id| stock.manual(id))
        .flat_map(|manual| manual.clauses.iter().map(move |clause| (manual, clause)))
        .collect();
    // An id may be a clause's, a manual's, or a manual's prefix.
    let wanted: Vec<&(&Manual, &Clause)> = match &explain.id {
        None => all.iter().collect(),
        Some(id) => all.iter().filter(|(m, c)| c.id == *id || m.id == *id || m.prefix == *id).collect(),
    };
    if let (Some(id), []) = (&explain.id, wanted.as_slice()) {
        let ids = all.iter().map(|(_, c)| c.id.as_str()).chain(stock.manual_ids());
        let help = match crate::text::nearest(id, ids) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are the manuals {}", stock.manual_ids().join(", ")),
        };
        return Err(Failure::new(format!("there is no clause and no manual `{id}`"), help));
    }
    let rules = |clause: &Clause| serving.get(clause.id.as_str()).cloned().unwrap_or_default();
    let one = matches!(wanted.as_slice(), [(_, c)] if explain.id.as_deref() == Some(c.id.as_str()));
    let text = match explain.format {
        TextOrJson::Json => {
            let mut list = wanted.iter().map(|(m, c)| to_json(m, c, &rules(c)));
            if one {
                pretty(&list.next().expect("there is one"))
            } else {
                pretty(&Json::Array(list.collect()))
            }
        }
        TextOrJson::Text if one => describe(wanted[0].0, wanted[0].1, &rules(wanted[0].1)),
        TextOrJson::Text => {
            let width = wanted.iter().map(|(_, c)| c.id.len()).max().unwrap_or(0);
            let line = |(_, c): &&(&Manual, &Clause)| {
                let rules = rules(c);
                let by = if rules.is_empty() { "no rule yet".into() } else { rules.join(", ") };
                format!("{:width$}  {}  [{by}]\n", c.id, c.requirement)
            };
            wanted.iter().map(line).collect()
        }
    };
    to_stdout(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// The rules of each clause: what the rules say, the other way round.
fn serving(stock: &Stock) -> BTreeMap<&str, Vec<&str>> {
    let mut serving: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in stock.rules.values() {
        for clause in &rule.clauses {
            serving.entry(&clause.id).or_default().push(&rule.id);
        }
    }
    serving
}

fn to_json(manual: &Manual, clause: &Clause, rules: &[&str]) -> Json {
    json!({
        "id": clause.id,
        "manual": manual.id,
        "section": clause.section,
        "requirement": clause.requirement,
        "kind": clause.kind.name(),
        "checkable": clause.checkable.name(),
        "severity": clause.severity.name(),
        "rules": rules,
    })
}

fn describe(manual: &Manual, clause: &Clause, rules: &[&str]) -> String {
    let edition = manual.edition.as_ref().map(|e| format!(" {e}")).unwrap_or_default();
    let date = manual.date.map(|d| format!(", {d}")).unwrap_or_default();
    let mut text = format!("{}\n{}\n\n", clause.id, clause.requirement);
    text += &format!("  manual     {}{edition}{date}\n  section    {}\n", manual.title, clause.section);
    text += &format!("  kind       {}\n  severity   {}\n", clause.kind, clause.severity);
    text += &format!(
        "  decided    from {}\n",
        match clause.checkable.name() {
            "static" => "the files of one commit",
            "git" => "the history of the repository",
            "evidence" => "records that prove it",
            _ => "the running system",
        }
    );
    match rules {
        [] => text += "  rules      none yet\n",
        rules => rules.iter().for_each(|rule| text += &format!("  rule       {rule}\n")),
    }
    text
}
