//! Steps. Each runs in a container of its own: it is a job of the model.
//! <https://support.atlassian.com/bitbucket-cloud/docs/step-options/>

use super::{Around, Reading, entry, manual};
use crate::facts::*;
use crate::lexicon::classify;
use crate::readers::variables::Variables;
use crate::readers::{commands, secrets};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Passage, Span, Spanned};

/// Every script begins with `set -e`, and without `pipefail`.
/// <https://support.atlassian.com/bitbucket-cloud/kb/why-does-bitbucket-pipelines-pass-build-steps-despite-previous-command-failure/>
const OPTIONS: shell::Options = shell::Options { errexit: Some(true), pipefail: Some(false) };

/// Names that begin so are the service's own.
const OWN: &[&str] = &["BITBUCKET_"];

impl<'r: 't, 't> Reading<'r, 't> {
    pub(super) fn job(
        &self,
        step: Node<'t>,
        place: Span,
        number: usize,
        root: Node<'t>,
        around: &Around<'t>,
        outer: &Variables<'_>,
    ) -> Job {
        let text = |key: &str| step.get(key).and_then(|n| n.as_str());
        let mut variables = Variables::inside(outer);
        let deployment = step.get("deployment").or(around.deployment);
        let target = deployment.and_then(|d| self.target(d, outer));
        if let Some(target) = &target {
            variables.set("BITBUCKET_DEPLOYMENT_ENVIRONMENT", target.name.possible().to_vec());
        }
        let steps = self.steps(step, &variables);
        let first = steps.iter().find(|s| !s.commands.is_empty()).map(|s| s.name.clone());
        let name =
            text("name").map(str::to_owned).or(first).unwrap_or_else(|| format!("step {}", number + 1));
        let name = crate::text::shorten(&name, 60);
        let mut job = Job::new(place, step.span(), name.clone(), name);
        job.stage = around.stage.clone();
        if let (Some(target), Some(node)) = (&target, deployment) {
            job.gates.push(Gate {
                place: target.place,
                gate: GateKind::ServerSide,
                what: format!("deployment: {}", target.name.text()),
            });
            // One deployment to an environment runs at a time.
            job.lock = node.spanned();
        }
        job.target = target;
        job.gates.extend(manual(step));
        job.condition = step.get("condition").or(around.condition).map(condition);
        job.tolerated = tolerance(step);
        let image = step.get("image").or(root.get("image"));
        job.images.extend(image.and_then(|i| used_image(i, &variables)));
        for service in step.get("services").into_iter().flat_map(|s| s.one_or_more()) {
            let defined = service.as_str().and_then(|s| root.at(&["definitions", "services"])?.get(s));
            job.images.extend(defined.and_then(|d| used_image(d.get("image")?, &variables)));
        }
        job.runner = step
            .get("runs-on")
            .into_iter()
            .flat_map(|r| r.one_or_more())
            .filter_map(|r| r.spanned())
            .collect();
        let limit = step.get("max-time").or(root.at(&["options", "max-time"]));
        job.timeout_minutes = limit.and_then(|t| t.as_str()?.parse().ok());
        if text("oidc") == Some("true")
            && let Some(place) = entry(step, "oidc")
        {
            job.permissions.push(Spanned::new("id-token=write".into(), place));
        }
        job.transfers = transfers(step, &job.id);
        job.secrets = steps.iter().flat_map(|s| s.secrets.iter().cloned()).collect();
        job.steps = steps;
        job
    }

    /// The environment of a deployment. Its name is one of those that the server knows.
    fn target(&self, node: Node<'t>, variables: &Variables<'_>) -> Option<Target> {
        let name = variables.resolve(node.as_str()?);
        // `test` is a place that something is deployed to here, not one that the pipeline makes.
        let place = |stage| if stage == Stage::Ci { Stage::Integration } else { stage };
        let stages: Vec<Stage> =
            name.possible().iter().filter_map(|n| classify(n, self.environments)).map(place).collect();
        let stage = match &name {
            _ if stages.len() == name.possible().len() && !stages.is_empty() => Value::from_possible(stages)?,
            Value::OneOf(_) if !stages.is_empty() => Value::OneOf(stages),
            Value::Expr(text) => Value::Expr(text.clone()),
            other => Value::Unresolved(format!("the name `{}` speaks of no known stage", other.text())),
        };
        Some(Target { stage, name, basis: Basis::Declared, place: node.span() })
    }

    /// `script`, its pipes apart from its commands, and `after-script`.
    fn steps(&self, step: Node<'t>, variables: &Variables<'_>) -> Vec<Step> {
        let mut all = Vec::new();
        let known = |text: &str| variables.expand(text);
        for section in ["script", "after-script"] {
            let items: Vec<Node<'t>> = step.get(section).into_iter().flat_map(|s| lines(s, 0)).collect();
            let texts: Vec<Node<'t>> =
                items.iter().copied().filter(|i| i.kind() == Kind::Scalar && i.as_str().is_some()).collect();
            // One shell runs all lines, those behind a pipe too.
            let passages: Vec<Passage> = texts.iter().map(|l| l.passage()).collect();
            let mut lowered = commands::lower_list(&passages, OPTIONS, &known).into_iter();
            let from = all.len();
            let mut open: Option<Step> = None;
            for item in items {
                if item.kind() == Kind::Mapping {
                    all.extend(open.take());
                    all.extend(pipe(item, variables));
                    continue;
                }
                let Some(text) = item.as_str() else { continue };
                let first = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or(section);
                let step = open.get_or_insert_with(|| Step::new(item.span(), first.to_owned()));
                step.place = step.place.join(item.span());
                step.commands.extend(lowered.next().unwrap_or_default());
                secrets::collect(&item.passage(), variables, OWN, &mut step.secrets);
            }
            all.extend(open);
            if section == "after-script"
                && let Some(key) = step.key(section)
            {
                for step in &mut all[from..] {
                    let mut always = Condition::new(key.span(), section.into());
                    always.always = true;
                    step.condition = Some(always);
                    // What it ends with does not touch the step's result.
                    let applies = Value::Known(true);
                    step.tolerated = Some(Tolerance { place: key.span(), how: How::Key, applies });
                }
            }
        }
        all
    }
}

/// The items of a script, lists that anchors put into it flattened.
fn lines(section: Node<'_>, depth: usize) -> Vec<Node<'_>> {
    let items = section.one_or_more().take(5_000);
    items
        .flat_map(|item| match item.kind() {
            Kind::Sequence if depth < 8 => lines(item, depth + 1),
            _ => vec![item],
        })
        .take(5_000)
        .collect()
}

/// `pipe:` with its variables.
/// <https://support.atlassian.com/bitbucket-cloud/docs/what-are-pipes/>
fn pipe(item: Node<'_>, variables: &Variables<'_>) -> Option<Step> {
    let node = item.get("pipe")?;
    let (name, version) = commands::split_image(node.as_str()?);
    let mut step = Step::new(item.span(), name.clone());
    if let Some(label) = item.get("name").and_then(|n| n.as_str()) {
        step.name = label.to_owned();
        step.named = true;
    }
    let given = item.get("variables").filter(|v| v.kind() == Kind::Mapping);
    let mut inputs = Vec::new();
    for (key, value) in given.map(|g| g.merged_entries()).unwrap_or_default() {
        let text = match value.kind() {
            Kind::Sequence => {
                let all: Vec<&str> = value.items().take(50).filter_map(|v| v.as_str()).collect();
                Value::Known(all.join("\n"))
            }
            _ => variables.resolve(value.as_str().unwrap_or("")),
        };
        secrets::collect(&value.passage(), variables, OWN, &mut step.secrets);
        inputs.extend(key.spanned().map(|name| Argument { name, value: Spanned::new(text, value.span()) }));
    }
    let name = name.trim_start_matches("docker://").to_owned();
    step.uses = Some(Use {
        place: node.span(),
        sort: UseKind::Action,
        name,
        version: version.map(|v| Spanned::new(v, node.span())),
        local: false,
        inputs,
        unresolved: None,
    });
    Some(step)
}

fn used_image(node: Node<'_>, variables: &Variables<'_>) -> Option<Use> {
    let node = if node.kind() == Kind::Mapping { node.get("name")? } else { node };
    let written = node.as_str().filter(|t| !t.is_empty())?;
    let reference = match variables.resolve(written) {
        Value::Known(known) => known,
        _ => written.to_owned(),
    };
    Some(commands::image_use(&reference, node.span()))
}

/// `condition: changesets: includePaths`, or a `state` to be.
fn condition(node: Node<'_>) -> Condition {
    let paths: Vec<&str> = node
        .at(&["changesets", "includePaths"])
        .into_iter()
        .flat_map(|p| p.one_or_more())
        .filter_map(|p| p.as_str())
        .collect();
    let text = match node.get("state").and_then(|s| s.as_str()) {
        Some(state) => state.to_owned(),
        None => format!("changes of {}", paths.join(", ")),
    };
    let mut condition = Condition::new(node.span(), crate::text::shorten(&text, 200));
    condition.branches =
        super::compared(node.get("state").unwrap_or(node)).into_iter().map(|b| b.value).collect();
    condition
}

/// `on-fail: strategy: ignore`.
/// <https://www.atlassian.com/blog/bitbucket/introducing-step-failure-strategies-in-bitbucket-pipelines>
fn tolerance(step: Node<'_>) -> Option<Tolerance> {
    let strategy = step.at(&["on-fail", "strategy"]).and_then(|s| s.as_str())?;
    let place = entry(step, "on-fail")?;
    (strategy == "ignore").then_some(Tolerance { place, how: How::Key, applies: Value::Known(true) })
}

/// `artifacts:`: paths, or lists of what to upload and whether to download. Every later step gets them unless it
/// says otherwise; the server keeps them for two weeks.
fn transfers(step: Node<'_>, id: &str) -> Vec<Transfer> {
    let Some(artifacts) = step.get("artifacts") else { return Vec::new() };
    let place = step.key("artifacts").map_or(artifacts.span(), |k| k.span());
    let up = |name: &str, paths: Vec<Spanned<String>>| Transfer {
        place,
        up: true,
        name: Value::Known(name.to_owned()),
        paths,
        retention_days: None,
    };
    let list = |node: Option<Node<'_>>| -> Vec<Spanned<String>> {
        node.into_iter().flat_map(|p| p.one_or_more()).filter_map(|p| p.spanned()).collect()
    };
    let mut all = Vec::new();
    match artifacts.kind() {
        Kind::Mapping => {
            let paths = list(artifacts.get("paths"));
            if !paths.is_empty() {
                all.push(up(id, paths));
            }
            for one in artifacts.get("upload").into_iter().flat_map(|u| u.items()) {
                all.push(up(one.get("name").and_then(|n| n.as_str()).unwrap_or(id), list(one.get("paths"))));
            }
        }
        _ => all.push(up(id, list(Some(artifacts)))),
    }
    all
}
