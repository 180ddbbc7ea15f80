//! `if`, `branches`, `skip`: when a step is part of a build.
//! <https://buildkite.com/docs/pipelines/configure/conditionals>

use crate::facts::Condition;
use crate::syntax::tree::Node;

/// What a step says of when it runs.
pub(super) fn read(step: Node<'_>) -> Option<Condition> {
    let mut found: Option<Condition> = None;
    if let Some(node) = step.get("if").filter(|n| n.as_str().is_some()) {
        let text = node.as_str().unwrap_or("").trim();
        let mut condition = Condition::new(node.span(), text.to_owned());
        condition.never = text == "false";
        let simple = !text.contains(['(', ')']);
        if simple {
            condition.branches = compared(text, "build.branch");
            condition.events = compared(text, "build.source");
            let tagged = ["build.tag != null", "build.tag =~", "build.tag!=null"];
            if tagged.iter().any(|t| text.contains(t)) && !text.contains("||") {
                condition.events.push("tag".into());
            }
        }
        found = Some(condition);
    }
    if let Some(node) = step.get("branches").filter(|n| !n.is_null()) {
        let names: Vec<String> = node
            .one_or_more()
            .filter_map(|n| n.as_str())
            .flat_map(|t| t.split_whitespace().map(str::to_owned))
            .collect();
        let condition = found
            .get_or_insert_with(|| Condition::new(node.span(), format!("branches: {}", names.join(" "))));
        let only = names.into_iter().filter(|n| !n.starts_with('!') && n != "*" && n != "**");
        condition.branches.extend(only);
    }
    if let Some(node) = step.get("skip").filter(|n| !matches!(n.as_str(), None | Some("false" | ""))) {
        let mut condition = Condition::new(node.span(), format!("skip: {}", node.as_str().unwrap_or("")));
        // A variable may decide.
        condition.never = !node.as_str().unwrap_or("").contains('$');
        found = Some(condition);
    }
    found
}

/// Texts that `subject` is compared with, if nothing else lets the step run.
fn compared(text: &str, subject: &str) -> Vec<String> {
    let mut all = Vec::new();
    for alternative in text.split("||") {
        let term = alternative.split("&&").find_map(|t| {
            let rest = t.trim().strip_prefix(subject)?.trim_start();
            let value = rest.strip_prefix("==").or(rest.strip_prefix("=~"))?.trim();
            Some(value.trim_matches(['"', '\'']).to_owned())
        });
        match term {
            Some(value) => all.push(value),
            None => return Vec::new(),
        }
    }
    all
}
