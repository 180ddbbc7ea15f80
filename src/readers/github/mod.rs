//! GitHub Actions: workflows, reusable workflows, composite actions.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

mod expression;
mod job;
mod triggers;

use super::{Parsed, Text};
use crate::facts::*;
use crate::source::UnreadClass;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::{Span, Spanned};
use expression::Scope;
use std::sync::Arc;

/// A workflow that the service reads lies directly in `.github/workflows`; a composite action in a file
/// of its own name anywhere.
pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let workflow = path.strip_prefix(".github/workflows/").is_some_and(|rest| !rest.contains('/'));
    yaml && workflow || name == "action.yml" || name == "action.yaml"
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::GithubExpressions);
    parsed.problems.extend(super::names::every_problem(&tree, "YAML"));
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else {
        if parsed.problems.is_empty()
            && !text.text.trim().is_empty()
            && text.path.starts_with(".github/workflows/")
        {
            parsed
                .problems
                .push((UnreadClass::Unparsed, "a workflow is a mapping with `on` and `jobs`".into()));
        }
        return parsed;
    };
    let pipeline = if root.get("jobs").is_some() {
        workflow(text, &tree, root)
    } else if let Some(runs) = root.get("runs") {
        match composite(text, root, runs) {
            Some(pipeline) => pipeline,
            None => return parsed,
        }
    } else {
        if text.path.starts_with(".github/workflows/") {
            parsed.problems.push((UnreadClass::Unparsed, "the workflow has no `jobs`".into()));
        }
        return parsed;
    };
    parsed.wants = wants(&pipeline);
    parsed.facts.base_images = job::base_images(&pipeline);
    parsed.facts.pipelines.push(pipeline);
    parsed
}

/// Scripts that steps call by path are read by the reader of their kind, whatever they are named.
fn wants(pipeline: &Pipeline) -> Vec<super::Want> {
    pipeline
        .jobs
        .iter()
        .flat_map(|j| &j.steps)
        .flat_map(|s| {
            let folder = s.folder.clone();
            s.commands.iter().filter_map(move |c| super::commands::called_script(c, folder.as_deref()))
        })
        .collect()
}

fn workflow(text: &Text<'_>, tree: &Tree, root: Node<'_>) -> Pipeline {
    let triggers = root.get("on").map(triggers::read).unwrap_or_default();
    let callable = triggers.iter().any(|t| t.trigger == TriggerKind::Call);
    let mut scope = Scope::default();
    for input in triggers.iter().flat_map(|t| &t.inputs) {
        let options: Vec<String> = input.options.iter().map(|o| o.value.clone()).collect();
        // What a caller binds is filled in when the flow is built; a default alone decides nothing.
        if !callable {
            scope.set(format!("inputs.{}", input.name), options);
        }
    }
    let mut settings = Vec::new();
    if let Some(env) = root.get("env") {
        settings = self::settings(env, "env", &scope, None);
        for setting in &settings {
            scope.set(format!("env.{}", setting.key), setting.setting.possible().to_vec());
        }
    }
    let jobs: Vec<Job> = root
        .get("jobs")
        .map(|jobs| jobs.merged_entries())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| job::read(key, value, root, &scope, text))
        .collect();
    let jobs = job::connect(jobs);
    let name = root.get("name").and_then(|n| n.as_str()).unwrap_or(text.path).to_owned();
    let place = root.get("name").or(root.key("on")).or(root.key("jobs")).map_or(root.span(), |n| n.span());
    let mut secrets = Vec::new();
    if let Some(env) = root.get("env") {
        collect_secrets(env, &mut secrets);
    }
    Pipeline {
        place,
        name,
        dialect: Dialect::Github,
        role: if callable { Role::Callable } else { Role::Entry },
        triggers,
        settings,
        secrets,
        permissions: permissions(root),
        includes: Vec::new(),
        complete: tree.errors().is_empty(),
        commented: commented(tree),
        jobs,
        parts: Vec::new(),
        outputs: outputs(root.get("on").and_then(|on| on.at(&["workflow_call", "outputs"]))),
    }
}

fn composite(text: &Text<'_>, root: Node<'_>, runs: Node<'_>) -> Option<Pipeline> {
    if runs.get("using").and_then(|u| u.as_str()) != Some("composite") {
        return None;
    }
    let key = root.key("runs")?;
    let job = job::composite(key, runs, root, text)?;
    Some(Pipeline {
        place: root.get("name").map_or(key.span(), |n| n.span()),
        name: root.get("name").and_then(|n| n.as_str()).unwrap_or(text.path).to_owned(),
        dialect: Dialect::Github,
        role: Role::Composite,
        triggers: vec![Trigger {
            inputs: root.get("inputs").map(triggers::inputs).unwrap_or_default(),
            ..Trigger::new(TriggerKind::Call, "uses", key.span())
        }],
        settings: Vec::new(),
        secrets: Vec::new(),
        permissions: Vec::new(),
        includes: Vec::new(),
        complete: true,
        commented: Vec::new(),
        jobs: vec![job],
        parts: Vec::new(),
        outputs: outputs(root.get("outputs")),
    })
}

/// What a reusable workflow or a composite action gives back.
/// <https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows#using-outputs-from-a-reusable-workflow>
fn outputs(node: Option<Node<'_>>) -> Vec<(String, String)> {
    let entries = node.into_iter().flat_map(|outputs| outputs.merged_entries());
    let given = |(name, output): (Node<'_>, Node<'_>)| {
        Some((name.as_str()?.to_owned(), output.get("value")?.as_str()?.to_owned()))
    };
    entries.filter_map(given).collect()
}

/// `env:` as settings.
fn settings(env: Node<'_>, path: &str, scope: &Scope, target: Option<&Target>) -> Vec<Setting> {
    env.merged_entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let name = key.as_str()?;
            let text = value.as_str().unwrap_or("");
            Some(Setting {
                place: value.span(),
                key: name.to_owned(),
                path: format!("{path}.{name}"),
                setting: scope.resolve(text),
                source: SettingSource::Pipeline,
                target: target.cloned().map(Arc::new),
                key_place: key.span(),
            })
        })
        .collect()
}

/// `permissions:` as `name=level`; `write-all` and `read-all` stand for themselves.
fn permissions(node: Node<'_>) -> Vec<Spanned<String>> {
    let Some(permissions) = node.get("permissions") else { return Vec::new() };
    if let Some(all) = permissions.spanned() {
        return vec![all];
    }
    permissions
        .entries()
        .filter_map(|(k, v)| {
            Some(Spanned::new(format!("{}={}", k.as_str()?, v.as_str()?), k.span().join(v.span())))
        })
        .collect()
}

/// Secrets that the scalars of a node refer to, with exact places.
fn collect_secrets(node: Node<'_>, into: &mut Vec<SecretUse>) {
    for leaf in node.leaves() {
        let Some(text) = leaf.node.as_str().filter(|t| t.contains("secrets")) else { continue };
        let passage = leaf.node.passage();
        for (name, range) in expression::secrets(text) {
            into.push(SecretUse { name, place: passage.span(range) });
        }
    }
}

/// Commented-out lines that look like parts of a step.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    tree.comments()
        .iter()
        .filter_map(|comment| {
            let body = tree.slice(comment.body);
            let step = body.trim_start_matches("- ").trim_start();
            let looks = ["run:", "uses:"].iter().any(|key| step.starts_with(key));
            looks.then(|| Spanned::new(step.to_owned(), comment.body))
        })
        .collect()
}

/// A value and its place.
fn value(node: Node<'_>, scope: &Scope) -> Spanned<Value<String>> {
    Spanned::new(scope.resolve(node.as_str().unwrap_or("")), node.span())
}

/// The environment that a job declares.
fn target(node: Node<'_>, scope: &Scope, text: &Text<'_>) -> Target {
    let Spanned { value: name, span } = value(node, scope);
    let stages: Vec<Stage> =
        name.possible().iter().filter_map(|n| crate::lexicon::classify(n, text.environments)).collect();
    let stage = match &name {
        _ if stages.len() == name.possible().len() && !stages.is_empty() => {
            Value::from_possible(stages).expect("there is one")
        }
        // Of several names some speak of no known stage: it is one of the known ones, or none.
        Value::OneOf(_) if !stages.is_empty() => Value::OneOf(stages),
        Value::Expr(e) => Value::Expr(e.clone()),
        other => Value::Unresolved(format!("the name `{}` speaks of no known stage", other.text())),
    };
    Target { stage, name, basis: Basis::Declared, place: span }
}

/// The smallest place that a whole entry covers.
fn entry(key: Node<'_>, value: Node<'_>) -> Span {
    key.span().join(value.use_span())
}
