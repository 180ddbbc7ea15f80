//! Terraform, OpenTofu and Terragrunt: blocks as resources.
//! <https://developer.hashicorp.com/terraform/language/syntax/configuration>

mod expression;
mod modules;
#[cfg(test)]
mod repository_tests;

use super::names::{ends, folder, name, problems};
use super::{Parsed, Text, Want};
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::syntax::hcl;
use crate::syntax::json::{self, Dialect};
use crate::syntax::tree::{Kind, Node, Step, Style};
use crate::text::Span;
use std::sync::Arc;

pub(super) use modules::lower;

/// More entries of one block tell nothing more.
const MOST_ENTRIES: usize = 2_000;

pub(super) fn claims(path: &str, _: bool) -> bool {
    let copied = path.split('/').any(|part| matches!(part, ".terraform" | "node_modules" | "vendor"));
    ends(path, &[".tf", ".tofu", ".tf.json", "terragrunt.hcl"]) && !copied
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let json = text.path.ends_with(".json");
    let tree = if json {
        json::parse_as(text.file, text.text, Dialect::Strict)
    } else {
        hcl::parse(text.file, text.text)
    };
    parsed.problems = problems(&tree, if json { "JSON" } else { "HCL" });
    let target = path_target(text.path, text.file, text.environments);
    if text.path.ends_with(".tfvars") || text.path.ends_with(".tfvars.json") {
        // Whoever else reads this file says what is wrong with it.
        parsed.problems.clear();
        parsed.facts.resources.extend(tree.root().map(|root| values(root, text, target)));
        return parsed;
    }
    let shared = target.clone().map(Arc::new);
    for (word, below) in tree.root().into_iter().flat_map(|r| r.entries()) {
        let Some(block) = word.as_str() else { continue };
        let labels = match block {
            "resource" | "data" | "ephemeral" => 2,
            "module" | "variable" | "output" | "provider" => 1,
            _ => 0,
        };
        let mut found = Vec::new();
        labelled(below, labels, &mut Vec::new(), &mut found);
        for (names, node) in found {
            let sort = if labels == 2 { names[0].as_str().unwrap_or("") } else { block };
            let last = names.last().copied();
            let entries = entries(node, shared.as_ref());
            parsed.facts.resources.push(Resource {
                place: last.unwrap_or(word).span(),
                system: System::Terraform,
                block: block.to_owned(),
                sort: sort.to_owned(),
                name: match last.and_then(|n| n.as_str()) {
                    Some(name) => Value::Known(name.to_owned()),
                    None => Value::Unresolved("the block has no name".to_owned()),
                },
                namespace: None,
                target: target.clone(),
                encrypted: false,
                size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
                entries,
                body: word.span().join(node.span()),
                shape: Shape::Whole,
                open: Vec::new(),
                via: Vec::new(),
            });
        }
    }
    let mut blocks = parsed.facts.resources.iter().map(|r| r.block.as_str());
    if blocks.any(|b| matches!(b, "variable" | "module" | "locals")) {
        let folder = folder(text.path);
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let endings = ["tfvars", "tfvars.json"].into_iter();
        parsed.wants =
            endings.map(|e| Want { path: format!("{below}**/*.{e}"), kind: "terraform" }).collect();
        // Facts are enough: that there is something to be put together is all that this says.
        parsed.tree = Some(hcl::parse(text.file, ""));
    }
    parsed
}

/// Values of variables, as a block.
fn values(root: Node<'_>, text: &Text<'_>, target: Option<Target>) -> Resource {
    let entries = entries(root, target.clone().map(Arc::new).as_ref());
    Resource {
        place: Span::start_of(text.file),
        system: System::Terraform,
        block: "tfvars".to_owned(),
        sort: "tfvars".to_owned(),
        name: Value::Known(name(text.path).split('.').next().unwrap_or("").to_owned()),
        namespace: None,
        target,
        encrypted: false,
        size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        entries,
        body: root.span(),
        shape: Shape::Part,
        open: Vec::new(),
        via: Vec::new(),
    }
}

/// Bodies below `depth` labels, with their labels.
fn labelled<'t>(
    node: Node<'t>,
    depth: usize,
    labels: &mut Vec<Node<'t>>,
    found: &mut Vec<(Vec<Node<'t>>, Node<'t>)>,
) {
    if node.kind() != Kind::Mapping {
        return;
    }
    if depth == 0 {
        found.push((labels.clone(), node));
        return;
    }
    for (label, below) in node.entries() {
        labels.push(label);
        labelled(below, depth - 1, labels, found);
        labels.pop();
    }
}

fn entries(node: Node<'_>, target: Option<&Arc<Target>>) -> Vec<Setting> {
    let setting = |leaf: crate::syntax::tree::Leaf<'_>| {
        let parts: Vec<String> = leaf
            .path
            .iter()
            .map(|s| match s {
                Step::Key(key) => (*key).to_owned(),
                Step::Item(index) => index.to_string(),
            })
            .collect();
        let place = leaf.node.span();
        Setting {
            place,
            key: parts
                .iter()
                .rev()
                .find(|p| !p.bytes().all(|b| b.is_ascii_digit()))
                .cloned()
                .unwrap_or_default(),
            path: parts.join("."),
            setting: value(leaf.node),
            source: SettingSource::Config,
            target: target.cloned(),
            key_place: place,
        }
    };
    node.leaves().take(MOST_ENTRIES).map(setting).collect()
}

/// Strings without interpolation, numbers and truth values are known; what refers to something is not.
fn value(node: Node<'_>) -> Value<String> {
    let written = node.as_str().unwrap_or("").to_owned();
    let literal = match node.style() {
        Some(Style::Plain) => matches!(written.as_str(), "true" | "false") || written.parse::<f64>().is_ok(),
        _ => !written.contains("${") && !written.contains("%{"),
    };
    if literal { Value::Known(written) } else { Value::Expr(written) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Stage;
    use crate::readers::samples;

    #[test]
    fn blocks_in_both_syntaxes_give_the_same_resources() {
        let native = "resource \"aws_iam_role\" \"ci\" {\n  name = \"ci\"\n  tags = { a = var.b }\n}\nmodule \"m\" {\n  source = \"./m\"\n}\nlocals {\n  x = [1]\n}\n";
        let other = r#"{"resource": {"aws_iam_role": {"ci": {"name": "ci", "tags": {"a": "${var.b}"}}}},
            "module": {"m": {"source": "./m"}}, "locals": {"x": [1]}}"#;
        for (path, text, reference) in
            [("env/prod/main.tf", native, "var.b"), ("env/prod/main.tf.json", other, "${var.b}")]
        {
            let parsed = samples::read(parse, path, text);
            assert_eq!(parsed.problems, [], "{path}");
            let rows: Vec<_> = parsed
                .facts
                .resources
                .iter()
                .map(|r| {
                    let entries: Vec<_> =
                        r.entries.iter().map(|e| (e.path.as_str(), e.setting.clone())).collect();
                    assert!(r.target.as_ref().is_some_and(|t| t.is(Stage::Production)));
                    (r.block.as_str(), r.title(), entries)
                })
                .collect();
            let known = |v: &str| Value::Known(v.to_owned());
            assert_eq!(rows[0].0, "resource");
            assert_eq!(rows[0].1, "aws_iam_role.ci");
            assert_eq!(rows[0].2, [("name", known("ci")), ("tags.a", Value::Expr(reference.to_owned()))]);
            assert_eq!((rows[1].1.as_str(), &rows[1].2), ("module.m", &vec![("source", known("./m"))]));
            assert_eq!((rows[2].0, &rows[2].2), ("locals", &vec![("x.0", known("1"))]));
        }
        samples::endure(parse, "a.tf");
        samples::endure(parse, "a.tf.json");
    }
}
