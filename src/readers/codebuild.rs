//! AWS CodeBuild: a buildspec. Every phase is a job of its own, so that the order of phases is the order of jobs.
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>

#[cfg(test)]
mod tests;

use super::names;
use super::names::{ends_in_any_case, name, vendored};
use super::variables::Variables;
use super::{Parsed, Text, commands};
use crate::facts::*;
use crate::source::UnreadClass;
use crate::syntax::shell::Options;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml;
use crate::text::{Passage, Span, Spanned, shorten};

/// Phases in the order in which they run.
const PHASES: [&str; 4] = ["install", "pre_build", "build", "post_build"];

/// The default name is `buildspec.yml`; projects with several put a word before or behind it.
pub(super) fn claims(path: &str, _: bool) -> bool {
    ends_in_any_case(path, &[".yml", ".yaml"])
        && name(path).to_ascii_lowercase().contains("buildspec")
        && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, yaml::Mask::None);
    parsed.problems = names::problems(&tree, "a buildspec");
    let root = tree.root().filter(|r| r.kind() == Kind::Mapping);
    let Some(root) = root.filter(|r| r.get("phases").is_some() || r.get("batch").is_some()) else {
        if parsed.problems.is_empty() && !text.text.trim().is_empty() {
            parsed.problems.push((UnreadClass::Unparsed, "the buildspec has no `phases`".into()));
        }
        return parsed;
    };
    let pipeline = Spec::new(root).pipeline(text, &tree);
    let all = pipeline.jobs.iter().flat_map(|j| j.commands());
    parsed.wants = all.filter_map(|c| commands::called_script(c, None)).collect();
    parsed.wants.sort();
    parsed.wants.dedup();
    parsed.facts.pipelines.push(pipeline);
    parsed
}

/// A buildspec that stands inside another file, which calls it by `name`.
pub(super) fn inside(text: &Text<'_>, tree: &Tree, name: &str) -> Option<Pipeline> {
    let root = tree.root().filter(|r| r.kind() == Kind::Mapping && r.get("phases").is_some())?;
    let mut pipeline = Spec::new(root).pipeline(text, tree);
    pipeline.name = name.to_owned();
    called(&mut pipeline);
    Some(pipeline)
}

/// Another pipeline starts it.
pub(super) fn called(pipeline: &mut Pipeline) {
    pipeline.role = Role::Callable;
    pipeline.triggers = vec![Trigger::new(TriggerKind::Call, "build", pipeline.place)];
}

/// One file while it is read.
struct Spec<'t> {
    root: Node<'t>,
    variables: Variables<'t>,
    settings: Vec<Setting>,
    /// With the variable that gets each.
    secrets: Vec<(String, SecretUse)>,
}

impl<'t> Spec<'t> {
    fn new(root: Node<'t>) -> Spec<'t> {
        let mut variables = Variables::default();
        let listed = root.at(&["env", "variables"]);
        let settings = settings(listed, "env.variables", &mut variables);
        let stored = ["parameter-store", "secrets-manager"].into_iter().filter_map(|k| root.at(&["env", k]));
        let secrets = stored
            .flat_map(|s| s.merged_entries())
            .filter_map(|(key, value)| {
                // `secret-id:json-key:version-stage:version-id`; an ARN has colons of its own.
                let text = value.as_str()?;
                let id = if text.starts_with("arn:") { text } else { text.split(':').next().unwrap_or(text) };
                Some((key.as_str()?.to_owned(), SecretUse { name: id.to_owned(), place: value.span() }))
            })
            .collect();
        Spec { root, variables, settings, secrets }
    }

    fn pipeline(&self, text: &Text<'_>, tree: &Tree) -> Pipeline {
        let (mut jobs, tasks) = (self.phases(), self.batch());
        let mut includes = Vec::new();
        if let Some(tasks) = tasks {
            jobs = tasks;
            includes.extend(jobs.iter().filter_map(|j| j.calls.clone()));
        }
        let place = self.root.key("phases").or(self.root.key("batch")).map_or(self.root.span(), |k| k.span());
        Pipeline {
            // Which event starts a build is a setting of the project.
            triggers: vec![Trigger::new(TriggerKind::Other, "build", place)],
            settings: self.settings.clone(),
            // Phases share one machine: a secret belongs to those that name its variable.
            complete: tree.errors().is_empty() && includes.is_empty(),
            includes,
            commented: commented(tree),
            jobs,
            ..Pipeline::new(text.path, Dialect::CodeBuild, place)
        }
    }

    /// `phases`, one job each. A later one runs only if the earlier ones succeed, but `post_build`, which runs
    /// when `build` has failed, too, unless `on-failure: ABORT` says otherwise.
    /// <https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html>
    fn phases(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut aborts = false;
        for phase in PHASES {
            let Some((key, value)) = self.entry(phase) else { continue };
            let mut job = Job::new(key.span(), key.span().join(value.span()), phase.into(), phase.into());
            job.needs = jobs.last().map(|_| need(jobs.len() - 1, &jobs, key.span())).into_iter().collect();
            job.steps = self.steps(phase, value);
            job.secrets = self.named_in(value);
            let after_failure = phase == "post_build" && !aborts && jobs.iter().any(|j| j.id == "build");
            // The usual way to stop there asks the service how the build goes.
            if after_failure
                && !value.leaves().any(|l| l.node.as_str().is_some_and(|t| t.contains("BUILD_SUCCEEDING")))
            {
                job.condition = Some(after("post_build runs after a failed build, too", key.span()));
            }
            let on_failure = value.get("on-failure").and_then(|n| n.as_str()).unwrap_or("");
            aborts = phase == "build" && on_failure.eq_ignore_ascii_case("ABORT");
            if on_failure.eq_ignore_ascii_case("CONTINUE")
                && let Some(key) = value.key("on-failure")
            {
                let place = key.span().join(value.get("on-failure").map_or(key.span(), |n| n.span()));
                job.tolerated = Some(Tolerance { place, how: How::Key, applies: Value::Known(true) });
            }
            jobs.push(job);
        }
        if let Some(last) = jobs.last_mut() {
            last.transfers = self.artifacts();
        }
        jobs
    }

    /// Secrets whose variables are named in what lies below a node.
    fn named_in(&self, node: Node<'t>) -> Vec<SecretUse> {
        let named =
            |variable: &str| node.leaves().any(|l| l.node.as_str().is_some_and(|t| t.contains(variable)));
        self.secrets.iter().filter(|(v, _)| named(v)).map(|(_, s)| s.clone()).collect()
    }

    fn entry(&self, phase: &str) -> Option<(Node<'t>, Node<'t>)> {
        let phases = self.root.get("phases")?;
        Some((phases.key(phase)?, phases.get(phase).filter(|v| v.kind() == Kind::Mapping)?))
    }

    /// `commands` and `finally` of a phase.
    fn steps(&self, phase: &str, value: Node<'t>) -> Vec<Step> {
        let mut steps = Vec::new();
        for key in ["commands", "finally"] {
            let Some(list) = value.get(key) else { continue };
            let passages: Vec<Passage> =
                list.one_or_more().filter(|n| n.as_str().is_some()).map(|n| n.passage()).collect();
            if passages.is_empty() {
                continue;
            }
            let first = passages.iter().flat_map(|p| p.text().lines()).find(|l| !l.trim().is_empty());
            let known = |text: &str| self.variables.expand(text);
            let options = Options { errexit: Some(true), pipefail: Some(false) };
            let commands = commands::lower_list(&passages, options, &known).into_iter().flatten().collect();
            steps.push(Step {
                commands,
                condition: (key == "finally")
                    .then(|| after("finally", value.key(key).map_or(list.span(), |k| k.span()))),
                ..Step::new(list.span(), first.map_or_else(|| phase.to_owned(), |l| shorten(l, 80)))
            });
        }
        steps
    }

    /// What the build leaves behind.
    fn artifacts(&self) -> Vec<Transfer> {
        let Some(artifacts) = self.root.get("artifacts") else { return Vec::new() };
        let more = artifacts.get("secondary-artifacts").map(|s| s.merged_entries()).unwrap_or_default();
        let transfer = |node: Node<'t>, name: Option<&str>| {
            let files = node.get("files").into_iter().flat_map(|f| f.one_or_more());
            let paths: Vec<Spanned<String>> = files.filter_map(|f| f.spanned()).collect();
            let name = node.get("name").and_then(|n| n.as_str()).or(name).unwrap_or("artifacts");
            (!paths.is_empty()).then(|| Transfer {
                place: node.span(),
                up: true,
                name: self.variables.resolve(name),
                paths,
                retention_days: None,
            })
        };
        let first = transfer(artifacts, None);
        first.into_iter().chain(more.into_iter().filter_map(|(k, v)| transfer(v, k.as_str()))).collect()
    }

    /// `batch`: builds of one batch, each a job with all phases.
    /// <https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html>
    fn batch(&self) -> Option<Vec<Job>> {
        let batch = self.root.get("batch")?;
        let list = ["build-graph", "build-list", "build-fanout"].into_iter().find_map(|k| batch.get(k));
        let all: Vec<Node<'t>> = match list {
            Some(list) => list.one_or_more().filter(|n| n.kind() == Kind::Mapping).collect(),
            None => vec![batch.get("build-matrix")?],
        };
        let id = |n: &Node<'t>, i: usize| {
            n.get("identifier").and_then(|n| n.as_str()).map_or_else(|| format!("#{i}"), str::to_owned)
        };
        let ids: std::collections::HashMap<String, u32> =
            all.iter().enumerate().map(|(i, n)| (id(n, i), i as u32)).collect();
        let mut jobs = Vec::new();
        for (i, node) in all.iter().enumerate() {
            let name = id(node, i);
            let place = node.get("identifier").map_or(node.span(), |n| n.span());
            let mut job = Job::new(place, node.span(), name.clone(), name);
            let waits = node.get("depend-on").into_iter().flat_map(|d| d.one_or_more());
            job.needs = waits
                .filter_map(|n| {
                    let needed = n.spanned()?;
                    let job = ids.get(&needed.value).copied().filter(|j| *j as usize != i);
                    Some(Need {
                        place: needed.span,
                        job,
                        name: needed.value,
                        optional: false,
                        order_only: false,
                    })
                })
                .collect();
            let mut inner = Variables::default();
            job.settings = settings(node.at(&["env", "variables"]), "env.variables", &mut inner);
            let dimensions = node.at(&["dynamic", "env", "variables"]).map(|v| v.merged_entries());
            for (key, values) in dimensions.unwrap_or_default() {
                let values: Vec<String> =
                    values.one_or_more().filter_map(|v| v.as_str().map(str::to_owned)).collect();
                let Some(key) = key.as_str() else { continue };
                job.matrix.extend(values.iter().map(|v| format!("{key}={v}")));
                job.dimensions.push((key.to_owned(), values));
            }
            let ignored = node.get("ignore-failure").filter(|n| n.as_bool() == Some(true));
            job.tolerated = ignored.map(|n| Tolerance {
                place: node.key("ignore-failure").map_or(n.span(), |k| k.span().join(n.span())),
                how: How::Key,
                applies: Value::Known(true),
            });
            match node.get("buildspec").and_then(|n| n.spanned()) {
                Some(other) => {
                    job.calls = Some(Use {
                        place: other.span,
                        sort: UseKind::Workflow,
                        name: other.value,
                        version: None,
                        local: true,
                        inputs: Vec::new(),
                        unresolved: Some("another buildspec, which is read on its own".into()),
                    });
                }
                None => {
                    job.steps = self.phases().into_iter().flat_map(|j| j.steps).collect();
                    job.secrets = self.root.get("phases").map(|p| self.named_in(p)).unwrap_or_default();
                }
            }
            jobs.push(job);
        }
        Some(jobs)
    }
}

fn need(index: usize, jobs: &[Job], place: Span) -> Need {
    Need { place, job: Some(index as u32), name: jobs[index].id.clone(), optional: false, order_only: false }
}

fn after(text: &str, place: Span) -> Condition {
    Condition { always: true, ..Condition::new(place, text.to_owned()) }
}

fn settings(list: Option<Node<'_>>, path: &str, variables: &mut Variables<'_>) -> Vec<Setting> {
    let written = list.map(|l| l.merged_entries()).unwrap_or_default();
    for (key, value) in &written {
        if let (Some(name), Some(text)) = (key.as_str(), value.as_str()) {
            variables.set(name, vec![text.to_owned()]);
        }
    }
    let setting = |(key, value): &(Node<'_>, Node<'_>)| {
        let name = key.as_str()?;
        Some(Setting {
            place: value.span(),
            key: name.to_owned(),
            path: format!("{path}.{name}"),
            setting: variables.resolve(value.as_str()?),
            source: SettingSource::Pipeline,
            target: None,
            key_place: key.span(),
        })
    };
    written.iter().filter_map(setting).collect()
}

/// Commented-out items of lists of commands.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    names::commented(tree, |body| body.starts_with("- ").then_some(body))
}
