//! Stages and jobs, and their order.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/stages>

use super::order::{Members, connect, within};
use super::step::{holds_secrets, shell_name, shell_names};
use super::template::{Conf, Expander, Item};
use super::{condition, entry, guarded, tolerance};
use crate::facts::*;
use crate::lexicon::{Environments, classify};
use crate::readers::commands;
use crate::readers::variables::Variables;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::collections::HashMap;
use std::sync::Arc;

/// One pipeline being read.
pub(super) struct Reading<'e, 't> {
    pub(super) expander: &'e Expander<'t>,
    pub(super) environments: &'e Environments,
    /// Images of `resources.containers`, by name.
    pub(super) containers: HashMap<String, String>,
}

/// What a job takes over from its stage.
#[derive(Default)]
struct Around {
    stage: Option<String>,
    label: String,
    condition: Option<Condition>,
    gate: Option<Gate>,
    lock: Option<Spanned<String>>,
    pool: Option<Vec<Spanned<String>>>,
    settings: Vec<Setting>,
}

impl<'t> Reading<'_, 't> {
    /// The jobs of a file's body, which holds stages, jobs or steps.
    pub(super) fn jobs(&self, body: &Conf<'t>, variables: &Variables<'_>) -> Vec<Job> {
        let mut jobs = Vec::new();
        let pool = self.expander.get(body, "pool").map(|p| self.pool(&p, variables));
        if let Some(stages) = self.expander.get(body, "stages") {
            let mut all = Vec::new();
            for item in self.expander.items(&stages, "stages") {
                self.stage(item, variables, pool.as_ref(), &mut jobs, &mut all);
            }
            if !connect(&mut jobs, &all) {
                self.expander
                    .gaps
                    .borrow_mut()
                    .insert("its stages hold more jobs than can be put in order one by one".into());
            }
        } else if let Some(list) = self.expander.get(body, "jobs") {
            let around = Around { pool, ..Around::default() };
            let depends = self.list(&list, variables, &around, &mut jobs);
            within(&mut jobs, 0, &depends);
        } else if self.expander.get(body, "steps").is_some() {
            let (key, _) = self.expander.entry(body, "steps").expect("it is there");
            let around = Around { pool, ..Around::default() };
            let mut job = self.job(body, key.span(), "job", variables, &around, None);
            job.body = body.node.span();
            jobs.push(job);
        }
        jobs
    }

    fn stage(
        &self,
        item: Item<'t>,
        variables: &Variables<'_>,
        pool: Option<&Vec<Spanned<String>>>,
        jobs: &mut Vec<Job>,
        all: &mut Vec<Members>,
    ) {
        let conf = item.conf;
        let Some(named) = self.expander.get(&conf, "stage") else { return };
        let mut inner = Variables::inside(variables);
        let settings = self.variables(&conf, &mut inner);
        let name = self.known(&named, &inner).unwrap_or_else(|| format!("stage{}", all.len()));
        let get = |key: &str| self.expander.get(&conf, key);
        let label = get("displayName").and_then(|d| self.known(&d, &inner)).unwrap_or_else(|| name.clone());
        let manual = self.expander.entry(&conf, "trigger");
        let manual = manual.filter(|(_, t)| t.node.as_str() == Some("manual"));
        let around = Around {
            stage: Some(name.clone()),
            label,
            condition: get("condition")
                .and_then(|c| condition(&c, self.known(&c, &inner)))
                .or_else(|| item.guard.as_ref().map(guarded)),
            gate: manual.map(|(key, value)| Gate {
                place: entry(key, &value),
                gate: GateKind::Blocking,
                what: "trigger: manual".into(),
            }),
            lock: get("lockBehavior").and_then(|l| l.node.spanned()),
            pool: get("pool").map(|p| self.pool(&p, &inner)).or_else(|| pool.cloned()),
            settings,
        };
        let depends = get("dependsOn").map(|d| self.names(&d, &inner));
        let first = jobs.len();
        if let Some(list) = get("jobs") {
            let own = self.list(&list, &inner, &around, jobs);
            within(jobs, first, &own);
        }
        all.push(Members { name, jobs: first..jobs.len(), depends });
    }

    /// A list of jobs; for each, the jobs of the same list that it waits for.
    fn list(
        &self,
        list: &Conf<'t>,
        variables: &Variables<'_>,
        around: &Around,
        jobs: &mut Vec<Job>,
    ) -> Vec<Vec<Spanned<String>>> {
        let mut depends = Vec::new();
        for (number, item) in self.expander.items(list, "jobs").into_iter().enumerate() {
            let conf = &item.conf;
            let named = ["job", "deployment"].into_iter().find_map(|key| self.expander.entry(conf, key));
            let Some((key, named)) = named else { continue };
            let name = self.known(&named, variables).unwrap_or_else(|| format!("job{number}"));
            let place = if named.node.is_null() { key.span() } else { named.node.span() };
            let job = self.job(conf, place, &name, variables, around, item.guard.as_ref());
            depends.push(
                self.expander.get(conf, "dependsOn").map(|d| self.names(&d, variables)).unwrap_or_default(),
            );
            jobs.push(job);
        }
        depends
    }

    fn job(
        &self,
        conf: &Conf<'t>,
        place: Span,
        name: &str,
        outer: &Variables<'_>,
        around: &Around,
        guard: Option<&Spanned<String>>,
    ) -> Job {
        let get = |key: &str| self.expander.get(conf, key);
        let mut variables = Variables::inside(outer);
        let dimensions = self.dimensions(conf);
        for (name, values) in &dimensions {
            define(&mut variables, name, values.clone());
        }
        let root = around.stage.is_none()
            && get("stage").is_none()
            && get("job").is_none()
            && get("deployment").is_none();
        let own = if root { Vec::new() } else { self.variables(conf, &mut variables) };
        let id = match &around.stage {
            Some(stage) => format!("{stage}.{name}"),
            None => name.to_owned(),
        };
        let label =
            get("displayName").and_then(|d| self.known(&d, &variables)).unwrap_or_else(|| match name {
                "job" if !around.label.is_empty() => around.label.clone(),
                _ => name.to_owned(),
            });
        let mut job = Job::new(place, conf.node.span(), id, label);
        job.stage = around.stage.clone();
        job.settings = around.settings.iter().cloned().chain(own).collect();
        if let Some(environment) = get("environment").filter(|_| get("deployment").is_some()) {
            job.target = self.target(&environment, &variables);
        }
        if let Some(target) = &job.target {
            job.gates.push(Gate {
                place: target.place,
                gate: GateKind::ServerSide,
                what: format!("environment: {}", target.name.text()),
            });
        }
        job.gates.extend(around.gate.clone());
        job.condition = get("condition")
            .and_then(|c| condition(&c, self.known(&c, &variables)))
            .or_else(|| guard.map(guarded))
            .or_else(|| around.condition.clone());
        job.tolerated = tolerance(self, conf, &variables);
        job.images = self.images(conf, &variables);
        job.runner = get("pool")
            .map(|p| self.pool(&p, &variables))
            .or_else(|| around.pool.clone())
            .unwrap_or_default();
        job.matrix = dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
        job.dimensions = dimensions;
        job.lock = around.lock.clone();
        job.timeout_minutes = get("timeoutInMinutes").and_then(|t| self.known(&t, &variables)?.parse().ok());
        job.steps = self.parts(conf, &variables);
        job.gates.extend(job.steps.iter().filter_map(validation));
        job.secrets = groups(&job.settings);
        job.secrets.extend(job.steps.iter().flat_map(|s| s.secrets.iter().cloned()));
        job.transfers = job.steps.iter().filter_map(transfer).collect();
        if let Some(target) = job.target.clone().map(Arc::new) {
            job.settings.iter_mut().for_each(|s| s.target = Some(target.clone()));
        }
        job
    }

    /// The steps of a job, or of all hooks of a deployment's strategy.
    /// <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/deployment-jobs>
    fn parts(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Vec<Step> {
        if let Some(steps) = self.expander.get(conf, "steps") {
            return self.steps(&steps, variables);
        }
        let strategy = self.expander.get(conf, "strategy");
        let kinds = ["runOnce", "rolling", "canary"];
        let Some(strategy) = strategy.and_then(|s| kinds.iter().find_map(|k| self.expander.get(&s, k)))
        else {
            return Vec::new();
        };
        let hook = |conf: &Conf<'t>, name: &str| {
            let hook = self.expander.get(conf, name)?;
            Some(self.steps(&self.expander.get(&hook, "steps")?, variables))
        };
        let mut steps: Vec<Step> = ["preDeploy", "deploy", "routeTraffic", "postRouteTraffic"]
            .iter()
            .flat_map(|name| hook(&strategy, name).unwrap_or_default())
            .collect();
        if let Some(on) = self.expander.get(&strategy, "on") {
            steps.extend(hook(&on, "success").unwrap_or_default());
            let mut failed = hook(&on, "failure").unwrap_or_default();
            let place = self.expander.entry(&on, "failure").map_or(on.node.span(), |(key, _)| key.span());
            for step in failed.iter_mut().filter(|s| s.condition.is_none()) {
                let mut condition = super::expression::condition("failed()", place);
                condition.text = "on: failure".into();
                step.condition = Some(condition);
            }
            steps.extend(failed);
        }
        steps
    }

    /// `name` or `name.resource`, or a mapping with both.
    fn target(&self, environment: &Conf<'t>, variables: &Variables<'_>) -> Option<Target> {
        let node = match environment.node.kind() {
            Kind::Mapping => self.expander.get(environment, "name")?,
            _ => environment.clone(),
        };
        let place = node.node.span();
        let bare = |n: &String| n.split('.').next().unwrap_or(n).to_owned();
        let name = match self.value(&node, variables) {
            Value::Known(n) => Value::Known(bare(&n)),
            Value::OneOf(all) => Value::OneOf(all.iter().map(bare).collect()),
            other => other,
        };
        let stages: Vec<Stage> =
            name.possible().iter().filter_map(|n| classify(n, self.environments)).collect();
        let stage = match &name {
            _ if stages.len() == name.possible().len() && !stages.is_empty() => {
                Value::from_possible(stages).expect("there is one")
            }
            Value::OneOf(_) if !stages.is_empty() => Value::OneOf(stages),
            Value::Expr(text) => Value::Expr(text.clone()),
            other => Value::Unresolved(format!("the name `{}` speaks of no known stage", other.text())),
        };
        Some(Target { stage, name, basis: Basis::Declared, place })
    }

    /// `strategy.matrix`: variables of each row.
    fn dimensions(&self, conf: &Conf<'t>) -> Vec<(String, Vec<String>)> {
        let matrix = self.expander.get(conf, "strategy").and_then(|s| self.expander.get(&s, "matrix"));
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for (_, row, _) in matrix.map(|m| self.expander.fields(&m)).unwrap_or_default() {
            for (key, value, _) in self.expander.fields(&row) {
                let (Some(name), Value::Known(text)) = (key.as_str(), self.expander.text(&value)) else {
                    continue;
                };
                match all.iter_mut().find(|(n, _)| n == name) {
                    Some((_, values)) if values.contains(&text) => {}
                    Some((_, values)) => values.push(text),
                    None => all.push((name.to_owned(), vec![text])),
                }
            }
        }
        all
    }

    fn images(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Vec<Use> {
        let image = |container: &Conf<'t>| {
            let node = match container.node.kind() {
                Kind::Mapping => self.expander.get(container, "image")?,
                _ => container.clone(),
            };
            let written = self.value(&node, variables).text();
            let reference = self.containers.get(&written).unwrap_or(&written);
            let place = node.node.span();
            (!reference.is_empty()).then(|| commands::image_use(reference, place))
        };
        let services =
            self.expander.get(conf, "services").map(|s| self.expander.fields(&s)).unwrap_or_default();
        let all =
            self.expander.get(conf, "container").into_iter().chain(services.into_iter().map(|(_, v, _)| v));
        all.filter_map(|c| image(&c)).collect()
    }

    fn pool(&self, pool: &Conf<'t>, variables: &Variables<'_>) -> Vec<Spanned<String>> {
        let node = match pool.node.kind() {
            Kind::Mapping => ["vmImage", "name"]
                .iter()
                .find_map(|key| self.expander.get(pool, key))
                .unwrap_or(pool.clone()),
            _ => pool.clone(),
        };
        let value = self.value(&node, variables);
        let texts = if value.possible().is_empty() { vec![value.text()] } else { value.possible().to_vec() };
        texts.into_iter().filter(|t| !t.is_empty()).map(|t| Spanned::new(t, node.node.span())).collect()
    }

    /// One name or a list of them.
    fn names(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Vec<Spanned<String>> {
        let items = self.expander.items(conf, "");
        items
            .iter()
            .filter(|i| i.conf.node.kind() == Kind::Scalar)
            .map(|i| Spanned::new(self.value(&i.conf, variables).text(), i.conf.node.span()))
            .filter(|n| !n.is_empty())
            .collect()
    }

    /// `variables:` as a mapping or a list, set in `into` and given as settings.
    /// <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/variables>
    pub(super) fn variables(&self, conf: &Conf<'t>, into: &mut Variables<'_>) -> Vec<Setting> {
        let Some(variables) = self.expander.get(conf, "variables") else { return Vec::new() };
        let mut found: Vec<(Node<'t>, String, Conf<'t>)> = Vec::new();
        if variables.node.kind() == Kind::Mapping {
            for (key, value, _) in self.expander.fields(&variables) {
                if let Some(name) = key.as_str().filter(|_| value.node.kind() == Kind::Scalar) {
                    found.push((key, name.to_owned(), value));
                }
            }
        }
        for item in self.expander.items(&variables, "variables") {
            let get = |key: &str| self.expander.entry(&item.conf, key);
            if let (Some((_, name)), Some((_, value))) = (get("name"), get("value")) {
                if let Value::Known(text) = self.expander.text(&name) {
                    found.push((name.node, text, value));
                }
            } else if let Some((_, group)) = get("group") {
                found.push((group.node, GROUP.to_owned(), group));
            } else if variables.node.kind() != Kind::Mapping {
                // A template may say its variables as a mapping.
                for (key, value, _) in self.expander.fields(&item.conf) {
                    if let Some(name) = key.as_str().filter(|_| value.node.kind() == Kind::Scalar) {
                        found.push((key, name.to_owned(), value));
                    }
                }
            }
        }
        let mut settings = Vec::new();
        for (key, name, value) in found {
            let text = self.expander.text(&value);
            if name != GROUP && !text.possible().is_empty() {
                define(into, &name, text.possible().to_vec());
                self.expander.variables.borrow_mut().insert(name.clone(), text.possible().to_vec());
            }
            settings.push(Setting {
                place: value.node.span(),
                path: format!("variables.{name}"),
                key: name,
                setting: text,
                source: SettingSource::Pipeline,
                target: None,
                key_place: key.span(),
            });
        }
        settings
    }

    /// `env:` of a step.
    pub(super) fn settings(&self, env: &Conf<'t>, path: &str, variables: &Variables<'_>) -> Vec<Setting> {
        let fields = self.expander.fields(env).into_iter();
        fields
            .filter_map(|(key, value, _)| {
                let name = key.as_str()?.to_owned();
                Some(Setting {
                    place: value.node.span(),
                    path: format!("{path}.{name}"),
                    key: name,
                    setting: self.value(&value, variables),
                    source: SettingSource::Pipeline,
                    target: None,
                    key_place: key.span(),
                })
            })
            .collect()
    }

    /// What a scalar stands for, expressions and variables put in.
    pub(super) fn value(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Value<String> {
        let text = self.expander.text(conf);
        if text.possible().is_empty() {
            return text;
        }
        let mut all = Vec::new();
        for text in text.possible() {
            match variables.resolve(&shell_names(text, &|name| variables.has(name))) {
                Value::Expr(_) => return Value::Expr(text.clone()),
                other => all.extend(other.possible().iter().cloned()),
            }
        }
        Value::from_possible(all).unwrap_or(text)
    }

    /// The one text of a scalar, as far as it is known; expressions of the run stay as written.
    pub(super) fn known(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Option<String> {
        conf.node.as_str()?;
        match self.value(conf, variables) {
            Value::Known(text) | Value::Expr(text) => Some(text),
            _ => None,
        }
    }

    /// What a text of a script can stand for.
    pub(super) fn expand(&self, text: &str, conf: &Conf<'t>, variables: &Variables<'_>) -> Vec<String> {
        let texts = self.expander.inside(text, conf);
        texts
            .iter()
            .flat_map(|t| variables.expand(&shell_names(t, &|name| variables.has(name))))
            .take(32)
            .collect()
    }
}

/// The key of a setting that stands for a group of variables on the server.
const GROUP: &str = "group";

/// Groups of variables on the server whose names say that they hold secrets; most hold plain settings.
pub(super) fn groups(settings: &[Setting]) -> Vec<SecretUse> {
    let groups = settings.iter().filter(|s| s.path == "variables.group" && holds_secrets(&s.setting.text()));
    groups.map(|s| SecretUse { name: s.setting.text(), place: s.place }).collect()
}

/// Sets a variable under the names by which macros and scripts read it.
pub(super) fn define(variables: &mut Variables<'_>, name: &str, texts: Vec<String>) {
    let texts: Vec<String> = texts.iter().map(|t| shell_names(t, &|name| variables.has(name))).collect();
    let name = shell_name(name);
    variables.set(&name.to_ascii_uppercase(), texts.clone());
    variables.set(&name, texts);
}

/// A person's word that a run waits for.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/tasks/reference/manual-validation-v1>
fn validation(step: &Step) -> Option<Gate> {
    let used = step.uses.as_ref()?;
    let name = used.name.to_ascii_lowercase();
    let waits = matches!(name.as_str(), "manualvalidation" | "manualintervention");
    let resumes = used.input("onTimeout").is_some_and(|v| v.value.text() == "resume");
    let never = step.condition.as_ref().is_some_and(|c| c.never);
    (waits && !never).then(|| Gate {
        place: used.place,
        gate: if resumes || step.tolerated.is_some() { GateKind::Optional } else { GateKind::Blocking },
        what: used.name.clone(),
    })
}

fn transfer(step: &Step) -> Option<Transfer> {
    let used = step.uses.as_ref()?;
    let input = |names: &[&str]| names.iter().find_map(|n| used.input(n));
    let up = match used.name.to_ascii_lowercase().as_str() {
        "publish" | "upload" | "publishbuildartifacts" | "publishpipelineartifact" => true,
        "download" | "downloadbuild" | "downloadbuildartifacts" | "downloadpipelineartifact" => false,
        _ => return None,
    };
    let name = input(&["artifact", "artifactName", "ArtifactName"]);
    let paths = input(&["publish", "upload", "PathtoPublish", "targetPath", "path"]);
    Some(Transfer {
        place: used.place,
        up,
        name: name.map_or(Value::Known("drop".into()), |n| n.value.clone()),
        paths: paths.filter(|_| up).map(|p| Spanned::new(p.value.text(), p.span)).into_iter().collect(),
        retention_days: None,
    })
}
