//! Jobs and steps.

use super::expression::{self, Scope};
use super::{collect_secrets, entry, permissions, settings, target, value};
use crate::facts::*;
use crate::readers::matrix::{self, Dimensions};
use crate::readers::{Text, commands};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::Spanned;

/// Reads one entry of `jobs:`.
pub(super) fn read(
    key: Node<'_>,
    node: Node<'_>,
    root: Node<'_>,
    scope: &Scope,
    text: &Text<'_>,
) -> Option<Job> {
    let id = key.as_str()?.to_owned();
    if node.kind() != Kind::Mapping {
        return None;
    }
    let dimensions = dimensions(node);
    let mut scope = scope.clone();
    for (name, values) in &dimensions {
        scope.set(format!("matrix.{name}"), values.clone());
    }
    let environment = node.get("environment").and_then(|e| match e.kind() {
        Kind::Mapping => e.get("name"),
        Kind::Scalar => Some(e),
        _ => None,
    });
    let target = environment.map(|e| target(e, &scope, text));
    let mut own = Vec::new();
    if let Some(env) = node.get("env") {
        own = settings(env, &format!("jobs.{id}.env"), &scope, target.as_ref());
        for setting in &own {
            scope.set(format!("env.{}", setting.key), setting.setting.possible().to_vec());
        }
    }
    let mut job = Job::new(key.span(), entry(key, node), id.clone(), id);
    if let Some(name) = node.get("name").and_then(|n| n.as_str()) {
        job.name = name.to_owned();
    }
    if let (Some(target), Some(node)) = (&target, environment) {
        job.gates.push(Gate {
            place: node.span(),
            gate: GateKind::ServerSide,
            what: format!("environment: {}", target.name.text()),
        });
    }
    job.target = target;
    job.settings = own;
    job.needs = needs(node);
    job.condition = condition(node);
    job.tolerated = tolerance(node, &scope);
    job.calls = node.get("uses").map(|u| called(u, node, &scope));
    job.images = images(node);
    job.runner = runner(node, &scope);
    job.inherits_secrets = node.get("secrets").filter(|s| s.as_str() == Some("inherit")).map(|s| s.span());
    collect_secrets(node, &mut job.secrets);
    job.matrix = dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
    job.dimensions = dimensions;
    let outputs = node.get("outputs").into_iter().flat_map(|o| o.entries());
    job.outputs = outputs
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.as_str()?.to_owned())))
        .collect();
    job.permissions = permissions(node);
    job.lock = node
        .get("concurrency")
        .or(root.get("concurrency"))
        .and_then(|c| c.get("group").unwrap_or(c).spanned());
    job.timeout_minutes =
        node.get("timeout-minutes").and_then(|t| t.as_int()).and_then(|t| u32::try_from(t).ok());
    let defaults = [node, root].map(|n| n.at(&["defaults", "run"]));
    job.steps = steps(node, &scope, defaults);
    job.transfers = job.steps.iter().filter_map(transfer).collect();
    Some(job)
}

/// A composite action as one job.
pub(super) fn composite(key: Node<'_>, runs: Node<'_>, root: Node<'_>, _: &Text<'_>) -> Option<Job> {
    let mut job = Job::new(key.span(), entry(key, runs), "runs".into(), "runs".into());
    job.name = root.get("name").and_then(|n| n.as_str()).unwrap_or("action").to_owned();
    job.steps = steps(runs, &Scope::default(), [None, None]);
    job.transfers = job.steps.iter().filter_map(transfer).collect();
    (!job.steps.is_empty()).then_some(job)
}

/// Fills in which job of the pipeline each need means; ids are matched without regard to case.
pub(super) fn connect(mut jobs: Vec<Job>) -> Vec<Job> {
    let ids: Vec<String> = jobs.iter().map(|j| j.id.to_ascii_lowercase()).collect();
    let index: std::collections::HashMap<&str, u32> =
        ids.iter().enumerate().map(|(i, id)| (id.as_str(), i as u32)).collect();
    for need in jobs.iter_mut().flat_map(|j| &mut j.needs) {
        need.job = index.get(need.name.to_ascii_lowercase().as_str()).copied();
    }
    jobs
}

fn needs(node: Node<'_>) -> Vec<Need> {
    let all = node.get("needs").into_iter().flat_map(|n| n.one_or_more()).filter_map(|n| n.spanned());
    all.map(|n| Need { place: n.span, job: None, name: n.value, optional: false, order_only: false })
        .collect()
}

fn condition(node: Node<'_>) -> Option<Condition> {
    let node = node.get("if")?;
    Some(expression::condition(node.as_str()?, node.span()))
}

fn tolerance(node: Node<'_>, scope: &Scope) -> Option<Tolerance> {
    let key = node.key("continue-on-error")?;
    let value = node.get("continue-on-error")?;
    let applies = match scope.resolve(value.as_str()?) {
        Value::Known(v) => match v.as_str() {
            "true" => Value::Known(true),
            "false" => return None,
            other => Value::Expr(other.to_owned()),
        },
        other => Value::Expr(other.text()),
    };
    Some(Tolerance { place: entry(key, value), how: How::Key, applies })
}

fn called(uses: Node<'_>, node: Node<'_>, scope: &Scope) -> Use {
    let mut called = building_block(uses, UseKind::Workflow);
    called.inputs = arguments(node, scope);
    if !called.local {
        called.unresolved = Some("the called workflow lies in another repository".into());
    }
    called
}

/// `owner/name/path@ref`, `./path`, `docker://image:tag`.
fn building_block(node: Node<'_>, sort: UseKind) -> Use {
    let text = node.as_str().unwrap_or("");
    let local = text.starts_with("./") || text.starts_with(".\\");
    let passage = node.passage();
    if let Some(image) = text.strip_prefix("docker://") {
        return commands::image_use(image, node.span());
    }
    let (name, version) = match text.split_once('@') {
        Some((name, version)) if !local => {
            let place = passage.span(name.len() + 1..text.len());
            (name.to_owned(), Some(Spanned::new(version.trim().to_owned(), place)))
        }
        _ => (text.to_owned(), None),
    };
    Use { place: node.span(), sort, name, version, local, inputs: Vec::new(), unresolved: None }
}

fn arguments(node: Node<'_>, scope: &Scope) -> Vec<Argument> {
    let with = node.get("with").map(|w| w.merged_entries()).unwrap_or_default();
    with.into_iter()
        .filter_map(|(k, v)| Some(Argument { name: k.spanned()?, value: value(v, scope) }))
        .collect()
}

fn images(node: Node<'_>) -> Vec<Use> {
    let image = |n: Node<'_>| {
        let n = if n.kind() == Kind::Mapping { n.get("image")? } else { n };
        n.as_str().filter(|t| !t.is_empty()).map(|t| commands::image_use(t, n.span()))
    };
    let services = node.get("services").map(|s| s.merged_entries()).unwrap_or_default();
    node.get("container")
        .and_then(image)
        .into_iter()
        .chain(services.into_iter().filter_map(|(_, v)| image(v)))
        .collect()
}

/// Images that jobs run in, as facts of their own.
pub(super) fn base_images(pipeline: &Pipeline) -> Vec<BaseImage> {
    let uses = pipeline.jobs.iter().flat_map(|j| &j.images);
    uses.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect()
}

fn runner(node: Node<'_>, scope: &Scope) -> Vec<Spanned<String>> {
    let Some(runs_on) = node.get("runs-on") else { return Vec::new() };
    let labels = if runs_on.kind() == Kind::Mapping { runs_on.get("labels") } else { Some(runs_on) };
    let all = labels.into_iter().flat_map(|l| l.one_or_more());
    all.flat_map(|n| {
        let Spanned { value, span } = value(n, scope);
        match value.possible() {
            [] => vec![Spanned::new(value.text(), span)],
            all => all.iter().map(|v| Spanned::new(v.clone(), span)).collect(),
        }
    })
    .collect()
}

/// Matrix dimensions with their values; `include` adds values, and dimensions of its own.
fn dimensions(node: Node<'_>) -> Vec<(String, Vec<String>)> {
    let Some(matrix) = node.at(&["strategy", "matrix"]).filter(|m| m.kind() == Kind::Mapping) else {
        return Vec::new();
    };
    let mut all: Dimensions = Vec::new();
    for (key, values) in matrix.merged_entries() {
        let Some(name) = key.as_str().filter(|n| !matches!(*n, "include" | "exclude")) else { continue };
        for item in values.items() {
            if let Some(v) = item.as_str().filter(|v| !v.contains("${{")) {
                add(&mut all, name, v);
            }
            for (k, v) in item.merged_entries() {
                if let (Some(k), Some(v)) = (k.as_str(), v.as_str()) {
                    add(&mut all, &format!("{name}.{k}"), v);
                }
            }
        }
    }
    // What is excluded can be included again.
    let mut all = matrix::without(all, &matrix::rows(matrix.get("exclude")));
    let included = matrix.get("include").into_iter().flat_map(|i| i.items());
    for (k, v) in included.flat_map(|row| row.merged_entries()) {
        if let (Some(k), Some(v)) = (k.as_str(), v.as_str()) {
            add(&mut all, k, v);
        }
    }
    all
}

fn add(all: &mut Dimensions, name: &str, value: &str) {
    match all.iter_mut().find(|(n, _)| n == name) {
        Some((_, values)) if !values.iter().any(|v| v == value) => values.push(value.to_owned()),
        Some(_) => {}
        None => all.push((name.to_owned(), vec![value.to_owned()])),
    }
}

fn steps(node: Node<'_>, scope: &Scope, defaults: [Option<Node<'_>>; 2]) -> Vec<Step> {
    let default = |key: &str| defaults.iter().flatten().find_map(|d| d.get(key)).and_then(|n| n.as_str());
    let items = node.get("steps").into_iter().flat_map(|s| s.items()).filter(|s| s.kind() == Kind::Mapping);
    items.map(|node| step(node, scope, &default)).collect()
}

fn step<'t>(node: Node<'t>, scope: &Scope, default: &dyn Fn(&str) -> Option<&'t str>) -> Step {
    let mut scope = scope.clone();
    let own = node.get("env").map(|env| settings(env, "env", &scope, None)).unwrap_or_default();
    for setting in &own {
        scope.set(format!("env.{}", setting.key), setting.setting.possible().to_vec());
    }
    let text = |key: &str| node.get(key).and_then(|n| n.as_str());
    let shell = text("shell").or(default("shell"));
    let folder = text("working-directory").or(default("working-directory"));
    let uses = node.get("uses").map(|u| {
        let mut block = building_block(u, UseKind::Action);
        block.inputs = arguments(node, &scope);
        block
    });
    let run = node.get("run").filter(|r| r.as_str().is_some());
    let commands = run.map(|run| run_commands(run, shell, &own)).unwrap_or_default();
    let name = text("name").map(str::to_owned);
    let derived = || {
        let first = run.and_then(|r| r.as_str()).and_then(|r| r.lines().find(|l| !l.trim().is_empty()));
        uses.as_ref().map(|u| u.name.clone()).or(first.map(|l| l.trim().to_owned())).unwrap_or_default()
    };
    let named = name.is_some();
    let name = name.unwrap_or_else(derived);
    let mut secrets = Vec::new();
    collect_secrets(node, &mut secrets);
    Step {
        named,
        uses,
        commands,
        condition: condition(node),
        tolerated: tolerance(node, &scope),
        settings: own,
        secrets,
        shell: shell.map(str::to_owned),
        folder: folder.map(|f| f.trim_start_matches("./").trim_end_matches('/').to_owned()),
        id: text("id").map(str::to_owned),
        ..Step::new(node.span(), name)
    }
}

/// The commands of a `run:`. Without `shell` it is `bash -e`; `shell: bash` adds `-o pipefail`.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell>
fn run_commands(run: Node<'_>, shell: Option<&str>, settings: &[Setting]) -> Vec<Command> {
    let passage = run.passage();
    let program = shell.unwrap_or("").split_whitespace().next().unwrap_or("");
    let options = match shell {
        None => shell::Options { errexit: Some(true), pipefail: Some(false) },
        Some("bash") => shell::Options { errexit: Some(true), pipefail: Some(true) },
        Some("sh") => shell::Options { errexit: Some(true), pipefail: None },
        Some(other) => shell::Options {
            errexit: Some(other.contains("-e") || other.contains("-le") || other.contains("-eo")),
            pipefail: Some(other.contains("pipefail")),
        },
    };
    match program.rsplit('/').next().unwrap_or("") {
        "" | "bash" | "sh" | "zsh" | "dash" => commands::lower(&passage, options, settings),
        "pwsh" | "powershell" | "cmd" => commands::lower_lines(&passage, settings),
        _ => Vec::new(),
    }
}

fn transfer(step: &Step) -> Option<Transfer> {
    let uses = step.uses.as_ref()?;
    let up = match uses.name.as_str() {
        "actions/upload-artifact" => true,
        "actions/download-artifact" => false,
        _ => return None,
    };
    let name = uses.input("name").map_or(Value::Known("artifact".into()), |n| n.value.clone());
    let paths = uses.input("path").map(|p| {
        let text = p.value.text();
        text.lines().map(|l| Spanned::new(l.trim().to_owned(), p.span)).filter(|l| !l.is_empty()).collect()
    });
    let days = uses.input("retention-days").and_then(|d| d.value.known()?.parse().ok());
    Some(Transfer { place: uses.place, up, name, paths: paths.unwrap_or_default(), retention_days: days })
}
