//! Jobs.

use super::config::{Conf, Config, Entry};
use super::{fields, include, rules, script};
use crate::facts::*;
use crate::lexicon::{Environments, classify};
use crate::readers::variables::Variables;
use crate::syntax::tree::Kind;
use crate::text::Spanned;
use std::sync::Arc;

/// What all jobs of a pipeline share.
pub(super) struct Scope<'c, 't> {
    pub(super) config: &'c Config<'t>,
    pub(super) variables: &'c Variables<'c>,
    pub(super) environments: &'c Environments,
    /// Whether a file is in the repository.
    pub(super) exists: &'c dyn Fn(&str) -> bool,
    /// What is read of other projects.
    pub(super) outside: &'c Outside,
    /// Script lines that may still be read.
    pub(super) lines: usize,
}

impl<'t> Scope<'_, 't> {
    /// Reads a job. `own` is what is written at its key, `conf` has what it extends. Gives the files of a
    /// child pipeline that it starts as well.
    pub(super) fn job(
        &mut self,
        key: crate::syntax::tree::Node<'t>,
        own: &Conf<'t>,
        conf: &Conf<'t>,
    ) -> (Job, Option<Vec<String>>) {
        let config = self.config;
        let id = key.as_str().unwrap_or("").to_owned();
        let dimensions = fields::dimensions(config, conf);
        let limited;
        let mut variables = Variables::inside(match inherited_variables(config, conf) {
            None => self.variables,
            Some(names) => {
                limited = {
                    let mut kept = Variables::default();
                    for name in names {
                        if let Some(texts) = self.variables.get(&name) {
                            kept.set(&name, texts.to_vec());
                        }
                    }
                    kept
                };
                &limited
            }
        });
        variables.set("CI_JOB_NAME", vec![id.clone()]);
        for (name, values) in &dimensions {
            variables.set(name, values.clone());
        }
        let mut settings = Vec::new();
        if let Some((_, own)) = config.get(conf, "variables").filter(|(_, v)| v.kind() == Kind::Mapping) {
            settings = fields::settings(config, &own, &format!("{id}.variables"), &mut variables, None);
        }
        let environment = config.get(conf, "environment");
        let target = environment.as_ref().and_then(|e| self.target(e, &variables));
        if let Some(target) = &target {
            let shared = Arc::new(target.clone());
            settings.iter_mut().for_each(|s| s.target = Some(shared.clone()));
            variables.set("CI_ENVIRONMENT_NAME", target.name.possible().to_vec());
        }
        let running = rules::read(config, conf);
        let mut gates = running.gates;
        if let Some(target) =
            target.as_ref().filter(|_| environment.as_ref().is_some_and(|e| deploys(config, e)))
        {
            gates.push(Gate {
                place: target.place,
                gate: GateKind::ServerSide,
                what: format!("environment: {}", target.name.text()),
            });
        }
        let text = |key: &str| config.get(conf, key).and_then(|(_, v)| v.node().spanned());
        let trigger = config.get(conf, "trigger").map(|t| self.trigger(&t, &variables));
        let (calls, free, child) = trigger.unwrap_or_default();
        let secrets = config.get(conf, "secrets").filter(|(_, s)| s.kind() == Kind::Mapping);
        let secrets = secrets.map(|(_, s)| s.entries()).unwrap_or_default();
        let mut secrets: Vec<SecretUse> = secrets
            .iter()
            .filter_map(|(k, _)| Some(SecretUse { name: k.as_str()?.to_owned(), place: k.span() }))
            .collect();
        if let Some((_, own)) = config.get(conf, "variables").filter(|(_, v)| v.kind() == Kind::Mapping) {
            for (_, value) in own.entries() {
                script::collect_secrets(value.node(), &variables, &mut secrets);
            }
        }
        let steps = script::steps(self, conf, &variables);
        secrets.extend(steps.iter().flat_map(|s| s.secrets.iter().cloned()));
        let tags = config.inherited(conf, "tags").map(|(_, t)| config.items(&t)).unwrap_or_default();
        let id_tokens = config.inherited(conf, "id_tokens");
        let job = Job {
            stage: Some(text("stage").map_or_else(|| "test".to_owned(), |s| s.value)),
            target,
            needs: needs(config, conf),
            gates,
            condition: running.condition,
            tolerated: running.tolerated.or(free),
            calls,
            images: fields::images(config, conf, &variables),
            runner: tags.iter().filter_map(|t| t.node().spanned()).collect(),
            secrets,
            settings,
            matrix: dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect(),
            transfers: fields::transfers(config, conf, &id),
            permissions: id_tokens
                .map(|(key, _)| Spanned::new("id-token=write".to_owned(), key.span()))
                .into_iter()
                .collect(),
            steps,
            lock: text("resource_group"),
            timeout_minutes: config.inherited(conf, "timeout").and_then(|(_, t)| fields::minutes(t.text()?)),
            dimensions,
            ..Job::new(key.span(), key.span().join(own.node().use_span()), id.clone(), id)
        };
        (job, child)
    }

    /// The environment that a job declares; `deployment_tier` says its stage better than its name.
    /// <https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments>
    fn target(&self, environment: &Entry<'t>, variables: &Variables<'_>) -> Option<Target> {
        let config = self.config;
        let (_, environment) = environment;
        let (name, tier) = match environment.kind() {
            Kind::Mapping => (
                config.get(environment, "name")?.1.node(),
                config.get(environment, "deployment_tier").and_then(|(_, t)| t.node().as_str()),
            ),
            _ => (environment.node(), None),
        };
        let place = name.span();
        let name = variables.resolve(name.as_str()?);
        let declared = tier.and_then(|t| classify(t, self.environments));
        let stages: Vec<Stage> =
            name.possible().iter().filter_map(|n| classify(n, self.environments)).collect();
        let stage = match (&name, declared) {
            (_, Some(stage)) => Value::Known(stage),
            _ if stages.len() == name.possible().len() && !stages.is_empty() => {
                Value::from_possible(stages).expect("there is one")
            }
            (Value::Expr(text), _) => match classify(fixed(text), self.environments) {
                // `review/$CI_COMMIT_REF_SLUG` is a review environment whatever the branch.
                Some(stage) => Value::Known(stage),
                None => Value::Expr(text.clone()),
            },
            (other, _) => Value::Unresolved(format!("the name `{}` speaks of no known stage", other.text())),
        };
        Some(Target { stage, name, basis: Basis::Declared, place })
    }

    /// A pipeline that a job starts, its own failure if it does not wait for it, and local files.
    /// <https://docs.gitlab.com/ci/yaml/#trigger>
    fn trigger(
        &self,
        entry: &Entry<'t>,
        variables: &Variables<'_>,
    ) -> (Option<Use>, Option<Tolerance>, Option<Vec<String>>) {
        let config = self.config;
        let (key, trigger) = entry;
        let mut used = Use {
            place: trigger.node().span(),
            sort: UseKind::Workflow,
            name: String::new(),
            version: None,
            local: false,
            inputs: Vec::new(),
            unresolved: Some("the pipeline lies in another project".into()),
        };
        let mut child = None;
        if trigger.kind() == Kind::Mapping {
            if let Some((_, project)) = config.get(trigger, "project") {
                used.place = project.node().span();
                used.name = variables.resolve(project.text().unwrap_or("")).text();
                used.version = config.get(trigger, "branch").and_then(|(_, b)| b.node().spanned());
            } else if let Some((_, include)) = config.get(trigger, "include") {
                let mut paths = include::local_paths(trigger.node());
                paths.extend(include::child_paths(trigger.node(), self.outside));
                used.place = include.node().span();
                used.unresolved = match paths.first() {
                    Some(first) if paths.iter().all(|p| (self.exists)(p)) => {
                        used.name = first.clone();
                        used.local = true;
                        None
                    }
                    Some(first) => {
                        used.name = first.clone();
                        Some("there is no such file in the repository".into())
                    }
                    None => Some("a job writes the child pipeline, or it lies in another project".into()),
                };
                child = Some(paths).filter(|p| !p.is_empty());
            }
        } else {
            used.name = variables.resolve(trigger.text().unwrap_or("")).text();
        }
        if let Some(path) = self.outside.path_of(&used, Dialect::Gitlab).filter(|p| (self.exists)(p)) {
            used.unresolved = None;
            child = Some(vec![path]);
        }
        let waits = trigger.kind() == Kind::Mapping
            && config
                .get(trigger, "strategy")
                .is_some_and(|(_, s)| matches!(s.text(), Some("depend" | "mirror")));
        // Without `strategy` the job has succeeded as soon as the other pipeline was created.
        let free =
            (!waits).then(|| Tolerance { place: key.span(), how: How::Key, applies: Value::Known(true) });
        (Some(used), free, child)
    }
}

/// What a name says before its variable part.
fn fixed(text: &str) -> &str {
    text.split('$').next().unwrap_or(text).trim_end_matches(['/', '-', '_', '{'])
}

/// Whether an `environment:` means a deployment; stopping, verifying, preparing and reading do not.
/// <https://docs.gitlab.com/ci/yaml/#environmentaction>
fn deploys<'t>(config: &Config<'t>, environment: &Entry<'t>) -> bool {
    let (_, environment) = environment;
    if environment.kind() != Kind::Mapping {
        return true;
    }
    config.get(environment, "action").is_none_or(|(_, a)| a.text() == Some("start"))
}

/// The global variables that a job takes over, if not all.
fn inherited_variables<'t>(config: &Config<'t>, job: &Conf<'t>) -> Option<Vec<String>> {
    let (_, inherit) = config.get(job, "inherit").and_then(|(_, i)| config.get(&i, "variables"))?;
    match inherit.kind() {
        Kind::Sequence => {
            Some(config.items(&inherit).iter().filter_map(|n| n.text()).map(str::to_owned).collect())
        }
        _ if inherit.node().as_bool() == Some(false) => Some(Vec::new()),
        _ => None,
    }
}

/// `needs:` of this pipeline; needs of other pipelines bring artifacts and no order.
/// <https://docs.gitlab.com/ci/yaml/#needs>
fn needs<'t>(config: &Config<'t>, job: &Conf<'t>) -> Vec<Need> {
    let all = config.get(job, "needs").map(|(_, n)| config.items(&n)).unwrap_or_default();
    all.iter()
        .filter_map(|need| {
            let (node, optional) = match need.kind() {
                Kind::Mapping if need.entry("project").is_some() || need.entry("pipeline").is_some() => {
                    return None;
                }
                Kind::Mapping => {
                    let optional =
                        config.get(need, "optional").is_some_and(|(_, o)| o.text() == Some("true"));
                    (config.get(need, "job")?.1.node(), optional)
                }
                _ => (need.node(), false),
            };
            let name = node.spanned()?;
            Some(Need { place: name.span, job: None, name: name.value, optional, order_only: false })
        })
        .collect()
}

/// Used by the order of stages: whether a job says `needs` itself, be it empty.
pub(super) fn says_needs<'t>(config: &Config<'t>, id: &str) -> bool {
    config.named(id).is_some_and(|(_, conf)| config.get(&conf, "needs").is_some())
}
