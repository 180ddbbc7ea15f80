//! One stage of a delivery pipeline as jobs: what runs before, the rollout, its verification, what runs after,
//! and the way back.
//! <https://cloud.google.com/deploy/docs/verify-deployment>, <https://cloud.google.com/deploy/docs/automation>

use super::entry;
use super::resources::Resources;
use crate::facts::*;
use crate::lexicon::{Environments, classify};
use crate::readers::{commands, containers, placeholders};
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};

/// The way of a release through one pipeline.
pub(super) struct Release<'r, 't> {
    pub(super) resources: &'r Resources<'t>,
    pub(super) pipeline: Option<&'t str>,
    pub(super) skaffold: Option<Node<'t>>,
    pub(super) environments: &'r Environments,
}

impl<'t> Release<'_, 't> {
    /// Appends the jobs of a stage; they wait for those of the stage before.
    pub(super) fn stage(&self, stage: Node<'t>, jobs: &mut Vec<Job>) {
        let Some(named) = stage.get("targetId").and_then(|n| n.spanned()) else { return };
        let (place, name) = (named.span, named.value.as_str());
        let definition = self.resources.target(name);
        let target = self.target(&named, definition);
        let strategy = Strategy::read(stage);
        // Earlier stages end with their last job that no failure alone starts.
        let mut last = jobs.iter().rposition(|j| j.condition.as_ref().is_none_or(|c| !c.on_failure));
        let first = last.is_none();
        let mut add = |mut job: Job, jobs: &mut Vec<Job>| {
            job.needs = last.map(|l| need(l, jobs, job.place)).into_iter().collect();
            job.stage = Some(name.to_owned());
            job.target = target.clone();
            job.condition = self.resources.window(name).map(|(place, policy)| {
                Condition::new(place, format!("release window of deploy policy {policy}"))
            });
            last = Some(jobs.len());
            jobs.push(job);
        };
        for (number, action) in strategy.before.iter().enumerate() {
            add(self.action("predeploy", *action, name, number), jobs);
        }
        let mut rollout = Job::new(place, stage.span(), name.to_owned(), name.to_owned());
        rollout.gates = self.gates(first, jobs, &named, definition);
        let mut used = block("deploy", place);
        used.inputs = vec![
            argument("images", "${{ inputs.images }}", place),
            argument("strategy", strategy.kind, place),
            argument("percentages", &strategy.percentages.join(","), place),
        ];
        rollout.steps = vec![step("rollout", stage.span(), used, Vec::new())];
        rollout.lock = Some(named.clone());
        add(rollout, jobs);
        if let Some(verify) = strategy.verify {
            let id = format!("verify {name}");
            let mut job = Job::new(verify, verify, id.clone(), id);
            let mut commands = Vec::new();
            for container in self.checks(stage) {
                job.images.extend(image(container));
                commands.extend(run(container));
            }
            job.steps = vec![step("verify", verify, block("verify", verify), commands)];
            add(job, jobs);
        }
        for (number, action) in strategy.after.iter().enumerate() {
            add(self.action("postdeploy", *action, name, number), jobs);
        }
        jobs.extend(self.rollback(name, &target, jobs));
    }

    /// The environment: the target's name says it, else the cluster or project that it stands for.
    fn target(&self, named: &Spanned<String>, definition: Option<Node<'t>>) -> Option<Target> {
        let places = [
            ["gke", "cluster"],
            ["run", "location"],
            ["anthosCluster", "membership"],
            ["multiTarget", "targetIds"],
        ];
        let below = definition.into_iter().flat_map(|d| places.into_iter().filter_map(move |p| d.at(&p)));
        let texts = below.flat_map(|n| n.one_or_more()).filter_map(|n| n.as_str());
        let told = classify(&named.value, self.environments)
            .or_else(|| texts.flat_map(|t| t.split('/')).find_map(|part| classify(part, self.environments)));
        let stage = match told {
            Some(stage) => Value::Known(stage),
            None => Value::Unresolved(format!("the name `{}` speaks of no known stage", named.value)),
        };
        let name = Value::Known(named.value.clone());
        Some(Target { stage, name, basis: Basis::Declared, place: named.span })
    }

    /// `requireApproval` holds the rollout; what no automation promotes, a person does, and who may, the
    /// server knows.
    fn gates(
        &self,
        first: bool,
        jobs: &[Job],
        named: &Spanned<String>,
        definition: Option<Node<'t>>,
    ) -> Vec<Gate> {
        let required =
            definition.filter(|d| d.get("requireApproval").and_then(|r| r.as_bool()) == Some(true));
        if let Some(place) = required.and_then(|d| entry(d, "requireApproval")) {
            return vec![Gate { place, gate: GateKind::Blocking, what: "requireApproval".into() }];
        }
        let before = jobs.last().and_then(|j| j.stage.as_deref());
        let promotes = |rule: Node<'t>| {
            let keys =
                ["promoteRelease", "promoteReleaseRule", "timedPromoteRelease", "timedPromoteReleaseRule"];
            keys.iter().any(|k| rule.key(k).is_some())
        };
        let promoted = before.is_some_and(|b| self.resources.rules(self.pipeline, b).any(promotes));
        if first || promoted {
            return Vec::new();
        }
        vec![Gate { place: named.span, gate: GateKind::ServerSide, what: "promotion".into() }]
    }

    /// A repair that rolls back: <https://cloud.google.com/deploy/docs/automation-rules#repair-rollout>
    fn rollback(&self, name: &str, target: &Option<Target>, jobs: &[Job]) -> Option<Job> {
        let rules = self.resources.rules(self.pipeline, name);
        let place = rules.into_iter().find_map(|rule| {
            let repair = ["repairRollout", "repairRolloutRule"].into_iter().find_map(|k| rule.get(k))?;
            let phases = ["repairPhases", "repairModes"].into_iter().filter_map(|k| repair.get(k));
            let phase = phases.flat_map(|p| p.one_or_more()).find(|p| {
                p.key("rollback").is_some() || p.as_str().is_some_and(|t| t.eq_ignore_ascii_case("rollback"))
            })?;
            Some(phase.key("rollback").map_or(phase.span(), |k| k.span()))
        })?;
        let id = format!("rollback {name}");
        let mut job = Job::new(place, place, id.clone(), id);
        job.stage = Some(name.to_owned());
        job.target = target.clone();
        job.condition = Some(Condition { on_failure: true, ..Condition::new(place, "repairRollout".into()) });
        let own = jobs.iter().enumerate().filter(|(_, j)| j.stage.as_deref() == Some(name));
        job.needs = own.map(|(i, _)| need(i, jobs, place)).collect();
        job.steps = vec![step("rollback", place, block("rollback", place), Vec::new())];
        Some(job)
    }

    /// A container that Skaffold's `customActions` describes.
    fn action(&self, kind: &str, named: Node<'t>, target: &str, number: usize) -> Job {
        let id = format!("{kind} {target} {}", number + 1);
        let name = named.as_str().unwrap_or(kind);
        let mut job = Job::new(named.span(), named.span(), id, name.to_owned());
        let actions = self.skaffold.and_then(|s| s.get("customActions")).into_iter().flat_map(|a| a.items());
        let action = actions.into_iter().find(|a| a.get("name").and_then(|n| n.as_str()) == Some(name));
        let containers =
            action.and_then(|a| a.get("containers")).into_iter().flat_map(|c| c.items()).take(50);
        let mut commands = Vec::new();
        for container in containers {
            job.images.extend(image(container));
            commands.extend(run(container));
        }
        job.steps = vec![Step { named: true, commands, ..Step::new(named.span(), name.to_owned()) }];
        job
    }

    /// Containers of Skaffold's `verify`, those of the stage's profiles first.
    fn checks(&self, stage: Node<'t>) -> Vec<Node<'t>> {
        let Some(skaffold) = self.skaffold else { return Vec::new() };
        let wanted: Vec<&str> = stage
            .get("profiles")
            .into_iter()
            .flat_map(|p| p.one_or_more())
            .filter_map(|p| p.as_str())
            .collect();
        let profiles = skaffold.get("profiles").into_iter().flat_map(|p| p.items());
        let mut chosen =
            profiles.filter(|p| p.get("name").and_then(|n| n.as_str()).is_some_and(|n| wanted.contains(&n)));
        let verify = chosen.find_map(|p| p.get("verify")).or_else(|| skaffold.get("verify"));
        verify.into_iter().flat_map(|v| v.items()).filter_map(|v| v.get("container")).take(50).collect()
    }
}

/// What the strategy says, whichever it is.
struct Strategy<'t> {
    kind: &'static str,
    percentages: Vec<String>,
    verify: Option<Span>,
    before: Vec<Node<'t>>,
    after: Vec<Node<'t>>,
}

impl<'t> Strategy<'t> {
    fn read(stage: Node<'t>) -> Strategy<'t> {
        let mut found = Strategy {
            kind: "standard",
            percentages: Vec::new(),
            verify: None,
            before: Vec::new(),
            after: Vec::new(),
        };
        let Some(strategy) = stage.get("strategy") else { return found };
        let mut parts: Vec<Node<'t>> = strategy.get("standard").into_iter().collect();
        if let Some(canary) = strategy.get("canary") {
            found.kind = "canary";
            parts.extend(canary.get("canaryDeployment"));
            let custom = canary.at(&["customCanaryDeployment", "phaseConfigs"]);
            parts.extend(custom.into_iter().flat_map(|p| p.items()));
        }
        for part in parts.into_iter().take(100) {
            let shares = ["percentages", "percentage"].iter().filter_map(|k| part.get(k));
            found
                .percentages
                .extend(shares.flat_map(|s| s.one_or_more()).filter_map(|s| s.as_str().map(str::to_owned)));
            let verifies = ["verify", "verifyConfig"].into_iter().find(|k| {
                part.get(k).is_some_and(|v| v.as_bool() == Some(true) || v.kind() == Kind::Mapping)
            });
            found.verify = found.verify.or(verifies.and_then(|k| entry(part, k)));
            let actions = |key: &str| {
                let listed = part.get(key).and_then(|p| p.get("actions"));
                listed.into_iter().flat_map(|a| a.one_or_more()).take(50).collect::<Vec<_>>()
            };
            found.before.extend(actions("predeploy"));
            found.after.extend(actions("postdeploy"));
        }
        found
    }
}

fn image(container: Node<'_>) -> Option<Use> {
    let node = container.get("image")?;
    Some(commands::image_use(node.as_str()?, node.span()))
}

fn run(container: Node<'_>) -> Vec<Command> {
    let known = |text: &str| vec![text.to_owned()];
    containers::commands(container, containers::Reading { known: &known, find: placeholders::none })
}

fn block(what: &str, place: Span) -> Use {
    Use {
        place,
        sort: UseKind::Action,
        name: format!("CloudDeploy/{what}"),
        version: None,
        local: true,
        inputs: Vec::new(),
        unresolved: None,
    }
}

fn argument(name: &str, value: &str, place: Span) -> Argument {
    let told =
        if value.contains("${{") { Value::Expr(value.to_owned()) } else { Value::Known(value.to_owned()) };
    Argument { name: Spanned::new(name.to_owned(), place), value: Spanned::new(told, place) }
}

fn step(name: &str, place: Span, uses: Use, commands: Vec<Command>) -> Step {
    Step { named: true, uses: Some(uses), commands, ..Step::new(place, name.to_owned()) }
}

fn need(before: usize, jobs: &[Job], place: Span) -> Need {
    Need {
        place,
        job: Some(before as u32),
        name: jobs[before].id.clone(),
        optional: false,
        order_only: false,
    }
}
