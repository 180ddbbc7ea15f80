//! Drone, and Woodpecker that came from it: pipelines of steps in containers. Each step is a job of the model.
//! <https://docs.drone.io/pipeline/overview/>, <https://woodpecker-ci.org/docs/usage/workflow-syntax>

mod condition;
mod order;
mod step;
#[cfg(test)]
mod tests;

use super::variables::Variables;
use super::{Lowering, Parsed, Text, Trees, commands, names};
use crate::facts::*;
use crate::source::UnreadClass;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::{Span, Spanned};
use condition::When;
use std::collections::BTreeMap;

/// Which of the two services reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Drone,
    Woodpecker,
}

/// Dimensions of a matrix, each with its values.
type Matrix = Vec<(String, Vec<String>)>;

const PROGRAMS: &[&str] = &[".jsonnet", ".star", ".starlark"];

/// `.drone.yml`, or files of the folder `.drone`; programs that make the configuration, too.
pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = names::name(path);
    let format = names::ends(name, &[".yml", ".yaml"]) || names::ends(name, PROGRAMS);
    let own = || name.starts_with(".drone.") || names::within(path, &[".drone"]) || name == "drone.star";
    format && own() && !names::vendored(path)
}

/// `.woodpecker.yml`, or files directly in the folder `.woodpecker`.
/// <https://woodpecker-ci.org/docs/usage/workflows>
pub(super) fn claims_woodpecker(path: &str, _: bool) -> bool {
    let name = names::name(path);
    let folder = names::folder(path);
    // Only at the root does the service look for them.
    let own = folder == ".woodpecker" || folder.is_empty() && name.starts_with(".woodpecker.");
    own && names::ends(name, &[".yml", ".yaml"]) && !names::vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if names::ends(text.path, PROGRAMS) {
        if names::name(text.path).contains("drone") {
            let reason = "a program makes the pipeline, and programs are not run";
            parsed.problems.push((UnreadClass::Unparsed, reason.into()));
        }
        return parsed;
    }
    read(text, Service::Drone, &mut parsed);
    parsed
}

pub(super) fn parse_woodpecker(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    parsed.tree = Some(read(text, Service::Woodpecker, &mut parsed));
    parsed
}

fn read(text: &Text<'_>, service: Service, parsed: &mut Parsed) -> Tree {
    let tree = yaml::parse(text.file, text.text, Mask::None);
    let mut pipelines: Vec<Pipeline> = Vec::new();
    for document in tree.documents().filter(|d| d.kind() == Kind::Mapping).take(1_000) {
        let reading = Reading { text, service, document };
        match (document.get("kind").and_then(|k| k.as_str()), reading.steps()) {
            (Some("pipeline") | None, Some(steps)) => {
                pipelines.extend(order::part(reading.pipeline(steps, &tree)).into_iter().map(gated));
            }
            (Some("template"), _) => pipelines.push(reading.template()),
            _ => {}
        }
    }
    let expected = names::name(text.path).contains("drone") || service == Service::Woodpecker;
    if expected || !pipelines.is_empty() {
        parsed.problems.extend(names::every_problem(&tree, "a pipeline"));
    }
    let other = tree.documents().any(|d| d.get("kind").is_some());
    if expected && pipelines.is_empty() && !other && parsed.problems.is_empty() && tree.root().is_some() {
        parsed.problems.push((UnreadClass::Unparsed, "the pipeline has no `steps`".into()));
    }
    follow_promotions(&mut pipelines);
    let steps = pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| &j.steps);
    parsed.wants = steps
        .flat_map(|s| s.commands.iter().filter_map(|c| commands::called_script(c, s.folder.as_deref())))
        .collect();
    parsed.wants.sort();
    parsed.wants.dedup();
    let images = pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| &j.images);
    parsed.facts.base_images = images.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect();
    parsed.facts.base_images.sort_by_key(|i| i.place);
    parsed.facts.base_images.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
    parsed.facts.pipelines = pipelines;
    tree
}

/// The workflows of a folder are one pipeline: what a person promotes has been through those that a change
/// starts.
pub(super) fn lower_woodpecker(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let mut folders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, pipeline) in lowering.facts.pipelines.iter().enumerate() {
        if let Some((path, _)) =
            trees.get(&pipeline.place.file).filter(|_| pipeline.dialect == Dialect::Woodpecker)
        {
            folders.entry(names::folder(path)).or_default().push(index);
        }
    }
    for members in folders.into_values() {
        let mut all: Vec<Pipeline> = members.iter().map(|&i| lowering.facts.pipelines[i].clone()).collect();
        follow_promotions(&mut all);
        for (index, pipeline) in members.into_iter().zip(all) {
            lowering.facts.pipelines[index] = pipeline;
        }
    }
}

/// A promotion takes a build that has run: it comes after the pipelines that a push or a tag starts.
/// <https://docs.drone.io/promote/>
fn follow_promotions(pipelines: &mut [Pipeline]) {
    let starts =
        |p: &Pipeline| p.triggers.iter().any(|t| matches!(t.trigger, TriggerKind::Push | TriggerKind::Tag));
    let before: Vec<String> = pipelines.iter().filter(|p| starts(p)).map(|p| p.name.clone()).collect();
    for pipeline in pipelines.iter_mut().filter(|p| !starts(p)) {
        for trigger in pipeline.triggers.iter_mut().filter(|t| condition::is_promotion(&t.event)) {
            trigger.upstream.extend(before.iter().cloned());
            trigger.upstream.sort();
            trigger.upstream.dedup();
        }
    }
}

/// One pipeline being read.
struct Reading<'r, 't> {
    text: &'r Text<'r>,
    service: Service,
    document: Node<'t>,
}

impl<'t> Reading<'_, 't> {
    /// The steps: `steps`, or `pipeline` in the old format, as a list or by name.
    fn steps(&self) -> Option<Node<'t>> {
        let keys = ["steps", "pipeline"];
        let listed = keys.iter().filter_map(|k| self.document.get(k));
        listed.into_iter().find(|n| matches!(n.kind(), Kind::Sequence | Kind::Mapping))
    }

    /// The name under which others wait for it: of the pipeline, or of the file without its ending.
    fn name(&self, own: &str) -> String {
        match self.service {
            Service::Drone => format!("{}:{own}", self.text.path),
            Service::Woodpecker => names::beside(self.text.path, own),
        }
    }

    fn own_name(&self) -> String {
        match self.service {
            Service::Drone => {
                let name = self.document.get("name").and_then(|n| n.as_str());
                name.unwrap_or("default").to_owned()
            }
            Service::Woodpecker => {
                let file = names::name(self.text.path);
                let stem = file.trim_end_matches(".yml").trim_end_matches(".yaml");
                stem.trim_start_matches('.').to_owned()
            }
        }
    }

    /// What `trigger`, or `when` beside the steps, says.
    fn when(&self) -> Option<When> {
        let keys: &[&str] = match self.service {
            Service::Drone => &["trigger"],
            Service::Woodpecker => &["when"],
        };
        keys.iter().find_map(|k| When::read(self.document.get(k)?, self.text.environments))
    }

    fn place(&self) -> Span {
        let name = self.document.get("name").filter(|n| n.as_str().is_some());
        let first = self.document.entries().next().map(|(key, _)| key);
        name.or(first).map_or(self.document.span(), |n| n.span())
    }

    fn pipeline(&self, steps: Node<'t>, tree: &Tree) -> Pipeline {
        let place = self.place();
        let when = self.when();
        let mut triggers = condition::triggers(when.as_ref(), self.service, place);
        for needed in self.needed() {
            let name = self.name(&needed.value);
            triggers.iter_mut().for_each(|t| t.upstream.push(name.clone()));
        }
        let matrix = self.matrix();
        let mut variables = Variables::default();
        for (name, values) in &matrix {
            variables.set(name, values.clone());
        }
        for variable in ["DRONE_DEPLOY_TO", "CI_PIPELINE_DEPLOY_TARGET", "CI_DEPLOY_TARGET"] {
            if let Some(target) = when.as_ref().and_then(|w| w.target.as_ref()) {
                variables.set(variable, target.name.possible().to_vec());
            }
        }
        let (settings, secrets) =
            self.document.get("environment").map(|e| step::environment(e, &variables)).unwrap_or_default();
        settings.iter().for_each(|s| variables.set(&s.key, s.setting.possible().to_vec()));
        secrets.iter().for_each(|(name, _)| variables.set(name, Vec::new()));
        let members = self.members(steps, &variables, when.as_ref());
        let mut jobs = order::connect(members);
        for job in &mut jobs {
            job.matrix = matrix.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
            job.dimensions = matrix.clone();
        }
        if let Some(first) = jobs.first_mut() {
            first.images.extend(self.services(&variables));
        }
        Pipeline {
            place,
            name: self.name(&self.own_name()),
            dialect: match self.service {
                Service::Drone => Dialect::Drone,
                Service::Woodpecker => Dialect::Woodpecker,
            },
            role: Role::Entry,
            triggers,
            settings,
            secrets: secrets.into_iter().map(|(_, s)| s).collect(),
            permissions: Vec::new(),
            includes: Vec::new(),
            complete: tree.errors().is_empty(),
            commented: commented(tree, self.document),
            jobs,
            parts: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// `kind: template` takes its steps from a file that only the server has.
    /// <https://docs.drone.io/template/yaml/>
    fn template(&self) -> Pipeline {
        let place = self.place();
        let load = self.document.get("load").filter(|l| l.as_str().is_some());
        let used = Use {
            place: load.map_or(place, |l| l.span()),
            sort: UseKind::Template,
            name: load.and_then(|l| l.as_str()).unwrap_or("template").to_owned(),
            version: None,
            local: false,
            inputs: Vec::new(),
            unresolved: Some("the server keeps its templates".into()),
        };
        Pipeline {
            triggers: condition::triggers(None, self.service, place),
            includes: vec![used],
            complete: false,
            ..Pipeline::new(self.name(&self.own_name()), Dialect::Drone, place)
        }
    }

    /// Pipelines that must end before.
    fn needed(&self) -> Vec<Spanned<String>> {
        depends(self.document).into_iter().flatten().map(|(name, _)| name).collect()
    }

    /// `matrix`: dimensions, or the combinations themselves.
    /// <https://woodpecker-ci.org/docs/usage/matrix-workflows>
    fn matrix(&self) -> Matrix {
        let Some(matrix) = self.document.get("matrix").filter(|m| m.kind() == Kind::Mapping) else {
            return Vec::new();
        };
        let mut found: Matrix = Vec::new();
        let mut add = |name: &str, value: &str| {
            let at = found.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
                found.push((name.to_owned(), Vec::new()));
                found.len() - 1
            });
            if !found[at].1.iter().any(|v| v == value) && found[at].1.len() < 256 {
                found[at].1.push(value.to_owned());
            }
        };
        let listed = matrix.get("include").into_iter().flat_map(|i| i.items()).take(256);
        let rows = listed.chain([matrix]).flat_map(|row| row.merged_entries());
        for (name, values) in rows.take(1_000) {
            let Some(name) = name.as_str().filter(|n| *n != "include") else { continue };
            values.one_or_more().take(256).filter_map(|v| v.as_str()).for_each(|v| add(name, v));
        }
        found.truncate(27);
        found
    }

    fn services(&self, variables: &Variables<'_>) -> Vec<Use> {
        let Some(services) = self.document.get("services") else { return Vec::new() };
        let all: Vec<Node<'t>> = match services.kind() {
            Kind::Mapping => services.merged_entries().into_iter().map(|(_, v)| v).collect(),
            _ => services.items().collect(),
        };
        let images = all.into_iter().take(200).filter_map(|s| s.get("image"));
        images.filter_map(|i| Some(step::image(i.as_str()?, i.span(), variables))).collect()
    }

    /// Machines that may run it.
    fn runners(&self) -> Vec<Spanned<String>> {
        let keys = ["node", "labels", "platform"];
        let all = keys.iter().filter_map(|k| self.document.get(k));
        all.flat_map(|node| match node.kind() {
            Kind::Mapping => node
                .merged_entries()
                .into_iter()
                .filter_map(|(k, v)| Some(Spanned::new(format!("{}={}", k.as_str()?, v.as_str()?), v.span())))
                .collect::<Vec<_>>(),
            _ => node.one_or_more().filter_map(|n| n.spanned()).collect(),
        })
        .collect()
    }

    /// `concurrency: { limit: 1 }`.
    fn lock(&self) -> Option<Spanned<String>> {
        let concurrency = self.document.get("concurrency")?;
        let limit = concurrency.get("limit").unwrap_or(concurrency);
        let group = concurrency.get("group").and_then(|g| g.as_str().map(str::to_owned));
        (limit.as_str() == Some("1")).then(|| Spanned::new(group.unwrap_or(self.own_name()), limit.span()))
    }
}

/// `depends_on`: names, or mappings with `name` and `optional`.
fn depends(node: Node<'_>) -> Option<Vec<(Spanned<String>, bool)>> {
    let listed = node.get("depends_on")?;
    let all = listed.one_or_more().filter_map(|n| match n.kind() {
        Kind::Mapping => {
            Some((n.get("name")?.spanned()?, n.get("optional").and_then(|o| o.as_bool()) == Some(true)))
        }
        _ => Some((n.spanned()?, false)),
    });
    Some(all.collect())
}

/// Who promotes a build is asked before the first job that only a promotion starts; the rest waits with it.
fn gated(mut pipeline: Pipeline) -> Pipeline {
    let by_hand = |t: &Trigger| t.trigger == TriggerKind::Manual;
    let whole = pipeline.triggers.iter().all(by_hand).then(|| pipeline.triggers.first().cloned()).flatten();
    let jobs = &mut pipeline.jobs;
    let mut held = vec![false; jobs.len()];
    for index in 0..jobs.len() {
        let own = jobs[index].condition.as_ref().filter(|c| condition::is_promoted(c));
        let what = match (own, &whole) {
            (Some(own), _) => Some((own.place, own.events.join(", "))),
            (None, Some(trigger)) => Some((trigger.place, trigger.event.clone())),
            (None, None) => None,
        };
        let follows = jobs[index].needs.iter().filter_map(|n| n.job).any(|j| held[j as usize]);
        held[index] = follows || what.is_some();
        if let Some((place, what)) = what.filter(|_| !follows) {
            let what = format!("event: {what}");
            jobs[index].gates.push(Gate { place, gate: GateKind::Blocking, what });
        }
    }
    pipeline
}

/// Commented-out lines that look like parts of a step.
fn commented(tree: &Tree, document: Node<'_>) -> Vec<Spanned<String>> {
    let within = document.span();
    let mut all = names::commented(tree, |body| body.strip_prefix("- ").map(str::trim));
    all.retain(|line| within.contains(line.span));
    all
}
