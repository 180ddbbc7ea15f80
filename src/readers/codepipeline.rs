//! AWS CodePipeline: its own definition in JSON or YAML, and the resource in a CloudFormation or SAM template.
//! Every action is a job.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html>

mod projects;
#[cfg(test)]
mod tests;

use super::names::{ends, ends_in_any_case, name, vendored, within};
use super::variables::Variables;
use super::{Parsed, Text, Want, cloudformation, commands};
use crate::facts::*;
use crate::syntax::shell::Options;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::{json, yaml};
use crate::text::{Passage, Span, Spanned};
use projects::Project;

/// Folders in which a file named `pipeline` is often a template.
const FOLDERS: &[&str] = &[
    "cloudformation",
    "cfn",
    "aws",
    "infra",
    "infrastructure",
    "templates",
    "codepipeline",
    "stacks",
    "cicd",
];

/// The name is free; these are the usual ones. Whether it is a pipeline, its content tells.
pub(super) fn claims(path: &str, _: bool) -> bool {
    if !ends_in_any_case(path, &[".json", ".yml", ".yaml", ".template"]) {
        return false;
    }
    let lower = name(path).to_ascii_lowercase();
    let named = ["codepipeline", "code-pipeline", "code_pipeline"].iter().any(|w| lower.contains(w));
    let template =
        || within(path, FOLDERS) || ends(&lower, &[".template", ".cfn.yml", ".cfn.yaml", ".cfn.json"]);
    (named || lower.contains("pipeline") && !lower.starts_with("azure") && template()) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let mut tree = match text.text.trim_start().starts_with('{') {
        true => json::parse(text.file, text.text),
        false => yaml::parse(text.file, text.text, yaml::Mask::None),
    };
    if tree.root().is_none() && text.text.trim_start().starts_with('{') {
        tree = yaml::parse(text.file, text.text, yaml::Mask::None);
    }
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else { return parsed };
    if cloudformation::is_template(text.text) {
        cloudformation::resources(root, text, &mut parsed);
    }
    let mut found: Vec<(String, Node<'_>)> = Vec::new();
    let own = root.get("pipeline").unwrap_or(root);
    if own.get("stages").is_some_and(is_stages) {
        found.push((text.path.to_owned(), own));
    }
    let resources = root.get("Resources").map(|r| r.merged_entries()).unwrap_or_default();
    for &(key, resource) in &resources {
        let kind = resource.get("Type").and_then(|t| t.as_str());
        if kind == Some("AWS::CodePipeline::Pipeline")
            && let Some(properties) = resource.get("Properties")
        {
            found.push((format!("{}:{}", text.path, key.as_str().unwrap_or("")), properties));
        }
    }
    if !found.is_empty() {
        parsed.problems = super::names::problems(&tree, "a pipeline");
    }
    let variables = parameters(root);
    let known = |node: Node<'_>| value(node, &variables);
    let (projects, inline) = match found.is_empty() {
        true => Default::default(),
        false => projects::read(&resources, text, &known),
    };
    let all = found.into_iter().map(|(name, node)| {
        Definition { node, variables: &variables, projects: &projects }.pipeline(name, &tree)
    });
    let mut pipelines: Vec<Pipeline> = all.collect();
    pipelines.extend(inline);
    let calls = pipelines.iter().flat_map(|p| &p.jobs).filter_map(|j| j.calls.as_ref());
    let files = calls.filter(|c| !c.name.contains('#'));
    parsed.wants = files.map(|c| Want { path: c.name.clone(), kind: "codebuild" }).collect();
    let commands = pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| j.commands());
    parsed.wants.extend(commands.filter_map(|c| commands::called_script(c, None)));
    parsed.wants.sort();
    parsed.wants.dedup();
    parsed.facts.pipelines = pipelines;
    parsed
}

/// `!Ref X` and `!Sub 'a-${X}'` are what the parameter may be.
fn value(node: Node<'_>, variables: &Variables<'_>) -> Value<String> {
    let inner = match node.kind() {
        Kind::Mapping => node.get("Ref").map(|r| (r, true)).or_else(|| Some((node.get("Fn::Sub")?, false))),
        _ => Some((node, node.tag() == Some("!Ref"))),
    };
    let Some((node, reference)) = inner else { return Value::Expr(node.raw().to_owned()) };
    let Some(text) = node.as_str() else { return Value::Expr(node.raw().to_owned()) };
    match (reference, node.tag()) {
        (true, _) => variables.resolve(&format!("${{{text}}}")),
        (false, Some("!GetAtt" | "!ImportValue")) => Value::Expr(text.to_owned()),
        _ => variables.resolve(text),
    }
}

/// Stages of CodePipeline have actions with a type.
fn is_stages(stages: Node<'_>) -> bool {
    let actions = stages.items().filter_map(|s| get(s, "actions")).flat_map(|a| a.items());
    actions.into_iter().any(|a| get(a, "actionTypeId").is_some())
}

/// A key of the definition; CloudFormation writes it with a capital.
fn get<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    node.get(key).or_else(|| {
        let (first, rest) = key.split_at(1);
        node.get(&format!("{}{rest}", first.to_ascii_uppercase()))
    })
}

fn text<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    get(node, key).and_then(|n| n.as_str())
}

/// Parameters of a template, with what they may be.
fn parameters(root: Node<'_>) -> Variables<'static> {
    let mut variables = Variables::default();
    for (key, value) in root.get("Parameters").map(|p| p.merged_entries()).unwrap_or_default() {
        let allowed = value.get("AllowedValues").into_iter().flat_map(|a| a.one_or_more());
        let mut values: Vec<String> = allowed.filter_map(|v| v.as_str().map(str::to_owned)).collect();
        if values.is_empty() {
            values.extend(value.get("Default").and_then(|d| d.as_str()).map(str::to_owned));
        }
        if let Some(name) = key.as_str() {
            variables.set(name, values);
        }
    }
    variables
}

/// One pipeline while it is read.
struct Definition<'t, 'v> {
    node: Node<'t>,
    variables: &'v Variables<'static>,
    projects: &'v [Project],
}

impl<'t> Definition<'t, '_> {
    fn pipeline(&self, name: String, tree: &Tree) -> Pipeline {
        let mut jobs: Vec<Job> = Vec::new();
        let mut before: Vec<u32> = Vec::new();
        let mut complete = tree.errors().is_empty();
        let stages: Vec<Node<'t>> = get(self.node, "stages").into_iter().flat_map(|s| s.items()).collect();
        for stage in stages {
            let label = self.known(stage, "name").unwrap_or_else(|| "stage".into());
            let mut actions: Vec<(i64, Node<'t>)> = get(stage, "actions")
                .into_iter()
                .flat_map(|a| a.items())
                .filter(|a| a.kind() == Kind::Mapping)
                .map(|a| (text(a, "runOrder").and_then(|o| o.parse().ok()).unwrap_or(1), a))
                .collect();
            actions.sort_by_key(|(order, _)| *order);
            // A stage whose items a function or a condition makes.
            complete &= !actions.is_empty();
            let from = jobs.len();
            for group in actions.chunk_by(|a, b| a.0 == b.0) {
                let mut ends = Vec::new();
                for (_, action) in group {
                    ends.push(jobs.len() as u32);
                    let mut job = self.action(*action, &label);
                    job.needs = before.iter().map(|&b| need(b, &jobs, job.place)).collect();
                    jobs.push(job);
                }
                before = ends;
            }
            if let Some(job) = self.rollback(stage, &label, &jobs, from) {
                jobs.push(job);
            }
        }
        let triggers = self.triggers();
        Pipeline {
            triggers,
            // What lies outside, is known once all files are there.
            complete,
            jobs,
            ..Pipeline::new(
                name,
                Dialect::CodePipeline,
                get(self.node, "name").or(get(self.node, "stages")).map_or(self.node.span(), |n| n.span()),
            )
        }
    }

    /// A text with the template's parameters put in.
    fn known(&self, node: Node<'t>, key: &str) -> Option<String> {
        Some(self.value(get(node, key)?).text())
    }

    fn value(&self, node: Node<'t>) -> Value<String> {
        value(node, self.variables)
    }

    fn action(&self, node: Node<'t>, stage: &str) -> Job {
        let name = self.known(node, "name").unwrap_or_else(|| "action".into());
        let place = get(node, "name").map_or(node.span(), |n| n.span());
        let mut job = Job::new(place, node.span(), format!("{stage}/{name}"), name.clone());
        job.stage = Some(stage.to_owned());
        let kind = get(node, "actionTypeId");
        let of = |key: &str| kind.and_then(|k| text(k, key)).unwrap_or("");
        let (category, provider) = (of("category"), of("provider"));
        let mut inputs: Vec<Argument> = get(node, "configuration")
            .map(|c| c.merged_entries())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, value)| {
                let name = key.spanned()?;
                Some(Argument { name, value: Spanned::new(self.value(value), value.span()) })
            })
            .collect();
        let at = kind.map_or(node.span(), |k| k.span());
        inputs.push(Argument {
            name: Spanned::new("Category".to_owned(), at),
            value: Spanned::new(Value::Known(category.to_owned()), at),
        });
        if category == "Approval" {
            job.gates.push(Gate { place, gate: GateKind::Blocking, what: "approval action".into() });
        }
        // What a project builds stands in its own buildspec.
        let elsewhere = matches!(category, "Build" | "Test" | "Invoke")
            && matches!(provider, "CodeBuild" | "Jenkins" | "Lambda" | "StepFunctions");
        let used = Use {
            place: at,
            sort: UseKind::Action,
            name: format!("CodePipeline/{provider}"),
            version: None,
            local: true,
            inputs,
            unresolved: elsewhere.then(|| "what it runs is defined elsewhere".to_owned()),
        };
        if provider == "CodeBuild" {
            (job.settings, job.calls) = self.build(&used);
        }
        let passages: Vec<Passage> = get(node, "commands")
            .into_iter()
            .flat_map(|c| c.one_or_more())
            .filter(|c| c.as_str().is_some())
            .map(|c| c.passage())
            .collect();
        let options = Options { errexit: Some(true), pipefail: Some(false) };
        let known = |text: &str| vec![text.to_owned()];
        let commands = commands::lower_list(&passages, options, &known).into_iter().flatten().collect();
        job.timeout_minutes = text(node, "timeoutInMinutes").and_then(|t| t.parse().ok());
        for (key, up) in [("inputArtifacts", false), ("outputArtifacts", true)] {
            for artifact in get(node, key).into_iter().flat_map(|a| a.one_or_more()) {
                let named = get(artifact, "name").unwrap_or(artifact);
                let Some(name) = named.as_str() else { continue };
                job.transfers.push(Transfer {
                    place: named.span(),
                    up,
                    name: Value::Known(name.to_owned()),
                    paths: Vec::new(),
                    retention_days: None,
                });
            }
        }
        job.steps = vec![step(&name, node.span(), Some(used), commands)];
        job
    }

    /// What a build runs, and the variables that the action gives it. What no project here tells, the link
    /// between files may.
    fn build(&self, used: &Use) -> (Vec<Setting>, Option<Use>) {
        let given = used.input("EnvironmentVariables");
        let settings = given.and_then(|v| Some(variables(v.value.known()?, v.span))).unwrap_or_default();
        let project = used.input("ProjectName").and_then(|v| {
            projects::named(self.projects, v.value.possible().first().map_or(&v.value.text(), |t| t))
        });
        let Some(project) = project else { return (settings, None) };
        let Some(runs) = &project.runs else { return (settings, None) };
        (
            settings,
            Some(Use {
                place: project.place,
                sort: UseKind::Workflow,
                name: runs.clone(),
                unresolved: None,
                ..used.clone()
            }),
        )
    }

    /// `onFailure: { result: ROLLBACK }` of a stage: the last good run of it is run again.
    /// <https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html>
    fn rollback(&self, stage: Node<'t>, label: &str, jobs: &[Job], from: usize) -> Option<Job> {
        let node = get(stage, "onFailure")?;
        let conditions = get(node, "conditions").into_iter().flat_map(|c| c.items());
        let back = text(node, "result") == Some("ROLLBACK")
            || conditions.into_iter().any(|c| text(c, "result") == Some("ROLLBACK"));
        if !back || from >= jobs.len() {
            return None;
        }
        let place = node.span();
        let id = format!("{label}/rollback");
        let mut job = Job::new(place, place, id.clone(), id);
        job.stage = Some(label.to_owned());
        let acts = (from..jobs.len()).filter(|&j| jobs[j].gates.is_empty());
        job.needs = acts.map(|j| need(j as u32, jobs, place)).collect();
        job.condition = Some(Condition { on_failure: true, ..Condition::new(place, "onFailure".into()) });
        let used = Use {
            place,
            sort: UseKind::Action,
            name: "CodePipeline/rollback".into(),
            version: None,
            local: true,
            inputs: Vec::new(),
            unresolved: None,
        };
        job.steps = vec![step("rollback", place, Some(used), Vec::new())];
        Some(job)
    }

    /// Sources start a pipeline when they change, unless they are told not to.
    fn triggers(&self) -> Vec<Trigger> {
        let stages = get(self.node, "stages").into_iter().flat_map(|s| s.items());
        let actions = stages.filter_map(|s| get(s, "actions")).flat_map(|a| a.items());
        let sources =
            actions.filter(|a| get(*a, "actionTypeId").and_then(|t| text(t, "category")) == Some("Source"));
        let mut found: Vec<Trigger> = sources
            .map(|source| {
                let configuration = get(source, "configuration");
                let of = |key: &str| configuration.and_then(|c| c.get(key));
                let provider =
                    get(source, "actionTypeId").and_then(|t| text(t, "provider")).unwrap_or("source");
                let quiet = ["DetectChanges", "PollForSourceChanges"].iter().any(|k| {
                    of(k).and_then(|n| n.as_bool().or(n.as_str().map(|s| s == "true"))) == Some(false)
                });
                let git = matches!(
                    provider,
                    "GitHub" | "CodeCommit" | "CodeStarSourceConnection" | "Bitbucket" | "GitLab"
                );
                // A rule of EventBridge may start it instead of polling.
                let starts = git && !(quiet && provider != "CodeCommit");
                let branches = of("BranchName").or(of("Branch")).map(|b| (self.value(b), b.span()));
                let listed = branches
                    .iter()
                    .flat_map(|(v, at)| v.possible().iter().map(|b| Spanned::new(b.clone(), *at)));
                trigger(
                    if starts { TriggerKind::Push } else { TriggerKind::Other },
                    provider,
                    source.span(),
                    listed.collect(),
                )
            })
            .collect();
        if found.is_empty() {
            found.push(trigger(TriggerKind::Other, "pipeline", self.node.span(), Vec::new()));
        }
        found
    }
}

/// `[{"name":"STAGE","value":"production","type":"PLAINTEXT"}]`, at one place.
/// <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html>
fn variables(text: &str, place: Span) -> Vec<Setting> {
    let tree = json::parse(place.file, text);
    let items = tree.root().into_iter().flat_map(|r| r.items()).take(200);
    items
        .filter_map(|item| {
            let of = |key: &str| item.get(key).and_then(|n| n.as_str());
            let name = of("name")?.to_owned();
            if of("type").is_some_and(|t| t != "PLAINTEXT") {
                return None;
            }
            Some(Setting {
                place,
                path: format!("EnvironmentVariables.{name}"),
                key: name,
                setting: Value::Known(of("value")?.to_owned()),
                source: SettingSource::Pipeline,
                target: None,
                key_place: place,
            })
        })
        .collect()
}

fn trigger(kind: TriggerKind, event: &str, place: Span, branches: Vec<Spanned<String>>) -> Trigger {
    Trigger { branches, ..Trigger::new(kind, event, place) }
}

fn need(before: u32, jobs: &[Job], place: Span) -> Need {
    Need {
        place,
        job: Some(before),
        name: jobs[before as usize].id.clone(),
        optional: false,
        order_only: false,
    }
}

fn step(name: &str, place: Span, uses: Option<Use>, commands: Vec<Command>) -> Step {
    Step { named: true, uses, commands, ..Step::new(place, name.to_owned()) }
}
