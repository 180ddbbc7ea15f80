//! `plimsoll exception RULE PATH`.

use std::collections::BTreeSet;

use super::Exit;
use super::args::{Choice, Exception as Args};
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::{Plan, today};
use crate::dispositions::{Books, Salt};
use crate::finding::FindingKind;
use crate::quote::Quoted;
use crate::source::Target;
use crate::{Options, audit};

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let choice = Choice { select: vec![args.rule.clone()], ..args.choice.clone() };
    let plan = Plan::new(std::slice::from_ref(&args.path), &choice, None)?;
    let Some(path) = plan.paths.first().and_then(|path| path.strip_prefix(&plan.root).ok()) else {
        return Err(Failure::new(
            "an exception is for one file",
            "name the file; `paths` of what is printed may be widened to a pattern",
        ));
    };
    let path = path.to_string_lossy().replace('\\', "/");
    let target = Target::WorkTree { root: plan.root.clone(), paths: Vec::new() };
    let options = Options { source: plan.source_options(), ..Options::default() };
    let report = audit(&target, &plan.policy, today(), &options)?;
    let meant = |quoted: &&Quoted| quoted.finding.kind == FindingKind::Fail && quoted.quote.path == path;
    let found: Vec<&Quoted> = report.findings.iter().map(|settled| &settled.quoted).filter(meant).collect();
    let Some(first) = found.first() else {
        return Err(Failure::new(
            format!("`{}` finds nothing in `{path}`", args.rule),
            "`plimsoll check` prints the rule and the file of each finding",
        ));
    };
    let books = Books::open_at(&plan.root, &plan.policy.rules)?;
    to_stdout(draft(&books, &first.finding.rule, &path, &found).as_bytes())?;
    Ok(Exit::Passed)
}

/// An exception without the words that only people can give: as it is, it has no effect.
fn draft(books: &Books, rule: &str, path: &str, found: &[&Quoted]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let salt = books.salt().cloned().unwrap_or_else(Salt::random);
    let values: BTreeSet<String> =
        found.iter().filter_map(|q| q.value.as_ref()).map(|v| quoted(&salt.tag(v))).collect();
    let mut text = String::new();
    if !values.is_empty() && books.salt().is_none() {
        text.push_str(&format!("# once, at the top of .plimsoll/exceptions.toml:\nsalt = \"{salt}\"\n\n"));
    }
    text.push_str(&format!("[[exception]]\nid = \"EXC-{}\"\n", books.exceptions.count() + 1));
    text.push_str(&format!("rule = {}\npaths = [{}]\n", quoted(rule), quoted(path)));
    if !values.is_empty() {
        let values: Vec<String> = values.into_iter().collect();
        text.push_str(&format!("values = [{}]\n", values.join(", ")));
    }
    for field in ["justification", "risk", "compensating_controls", "approver"] {
        text.push_str(&format!("{field} = \"\"\n"));
    }
    text.push_str(&format!("approved = {}\n# expires = the last day, as {}\n", today(), today()));
    text
}
