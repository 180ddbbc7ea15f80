//! The way from a pipeline's step into scripts and local actions, and back to who calls them.

use super::effects::{Outcome, Surroundings};
use super::guess;
use super::scope::{Inputs, Scope};
use super::scripts::{self, Call, Index, caller_by_place, folder_of};
use super::targets::{named_target, read_target, resolve};
use crate::facts::{
    Basis, Caller, Command, Dialect, Effect, EffectKind, Facts, Job, Pipeline, Repository, Role, Script,
    ScriptKind, Stage, Step, Target, Use, Value, join_path,
};
use crate::lexicon::Lexicon;
use crate::text::Span;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Calls are followed so deep, and a script hands on so many effects.
const DEEPEST: usize = 32;
const MOST_EFFECTS: usize = 64;

/// The target of the `ssh` or `kubectl exec` around a command.
#[derive(Default)]
struct Outer(Option<(Span, Target)>);

impl Outer {
    /// What holds for a command: the machine that it is sent to, before what earlier commands have chosen.
    fn around<'t>(&'t self, command: &Command, chosen: Option<&'t Target>) -> Option<&'t Target> {
        let sent =
            self.0.as_ref().filter(|(place, _)| command.remote.is_some() && place.contains(command.place));
        sent.map(|(_, target)| target).or(chosen)
    }

    fn enter(&mut self, command: &Command, effects: &[Effect]) {
        let shell = effects.iter().find(|e| e.effect == EffectKind::Shell);
        if let Some(target) = shell.and_then(|e| e.target.as_ref()).filter(|t| t.stage.is_certain()) {
            self.0 = Some((command.place, target.clone()));
        }
    }
}

/// Effects of a step: of its building block, and of each command.
pub(super) struct StepOutcome {
    pub uses: Vec<Effect>,
    pub commands: Vec<Vec<Effect>>,
}

/// Who calls a script.
pub(super) struct Called {
    pub callers: Vec<Caller>,
    pub from: Vec<Span>,
}

enum State<T> {
    New,
    /// Being looked into further up: a circle, which adds nothing.
    Open,
    Done(T),
}

/// Scripts and local actions with what they bring about, each looked into once.
pub(super) struct CallGraph<'a> {
    facts: &'a Facts,
    repository: &'a Repository,
    lexicon: &'a Lexicon,
    index: Index,
    /// Local actions by their folder.
    actions: HashMap<String, usize>,
    scripts: Vec<State<Rc<Vec<Vec<Effect>>>>>,
    action_effects: Vec<State<Rc<Vec<Effect>>>>,
    /// Which script calls which.
    edges: Vec<HashSet<usize>>,
    /// Scripts that steps call, and from where.
    from_steps: Vec<Vec<Span>>,
}

impl<'a> CallGraph<'a> {
    pub(super) fn new(facts: &'a Facts, repository: &'a Repository, lexicon: &'a Lexicon) -> CallGraph<'a> {
        let count = facts.scripts.len();
        let actions = facts.pipelines.iter().enumerate().filter(|(_, p)| p.role == Role::Composite);
        CallGraph {
            facts,
            repository,
            lexicon,
            index: Index::new(&facts.scripts),
            actions: actions
                .map(|(i, p)| match (p.dialect, repository.path(p.place)) {
                    // A library's step is a file, an action a folder.
                    (Dialect::Jenkins, path) => (path.to_owned(), i),
                    (_, path) => (folder_of(path), i),
                })
                .collect(),
            scripts: (0..count).map(|_| State::New).collect(),
            action_effects: facts.pipelines.iter().map(|_| State::New).collect(),
            edges: vec![HashSet::new(); count],
            from_steps: vec![Vec::new(); count],
        }
    }

    /// The effects of every step of every pipeline.
    pub(super) fn pipelines(&mut self) -> Vec<Vec<Vec<StepOutcome>>> {
        let facts = self.facts;
        facts.pipelines.iter().map(|p| p.jobs.iter().map(|j| self.job(p, j, 0)).collect()).collect()
    }

    /// The effects of every command of every script.
    pub(super) fn scripts(&mut self) -> Vec<Vec<Vec<Effect>>> {
        (0..self.facts.scripts.len())
            .map(|i| self.script(i, 0).map(|e| (*e).clone()).unwrap_or_default())
            .collect()
    }

    fn job(&mut self, pipeline: &'a Pipeline, job: &'a Job, depth: usize) -> Vec<StepOutcome> {
        let mut chosen: Option<Target> = None;
        let declared = job.target.as_ref().is_some_and(|t| !t.is(Stage::Local) && !t.is(Stage::Ci));
        job.steps.iter().map(|step| self.step(pipeline, job, step, &mut chosen, declared, depth)).collect()
    }

    fn step(
        &mut self,
        pipeline: &'a Pipeline,
        job: &'a Job,
        step: &'a Step,
        chosen: &mut Option<Target>,
        elsewhere: bool,
        depth: usize,
    ) -> StepOutcome {
        let scope = Scope::of(pipeline, job, Some(step));
        let mut uses = Vec::new();
        if let Some(used) = &step.uses {
            let around = Surroundings { lexicon: self.lexicon, scope, chosen: chosen.as_ref(), elsewhere };
            let outcome = around.outcome_of_use(used);
            uses = outcome.effects;
            if outcome.chooses.is_some() {
                *chosen = outcome.chooses;
            }
            let action = self.find_action(used, pipeline);
            uses.extend(action.into_iter().flat_map(|action| self.action(action, used, &scope, depth)));
            let known = self.lexicon.uses().tool(&used.name).is_some() || action.is_some() && !used.local;
            let told = |e: &Effect| {
                matches!(e.effect, EffectKind::Deploy | EffectKind::RollBack | EffectKind::Publish)
            };
            if !known && !uses.iter().any(told) {
                uses.extend(guess::of_use(used, &scope, &self.lexicon.environments));
            }
        }
        let mut commands = Vec::with_capacity(step.commands.len());
        let mut outer = Outer::default();
        for command in &step.commands {
            let known = outer.around(command, chosen.as_ref());
            let around = Surroundings { lexicon: self.lexicon, scope, chosen: known, elsewhere };
            let outcome = around.outcome(command);
            outer.enter(command, &outcome.effects);
            let calls = scripts::calls(command, step.folder.as_deref(), &scope);
            for call in &calls {
                if let Some(script) = self.index.find(call) {
                    self.from_steps[script].push(command.place);
                }
            }
            let next = outcome.chooses.clone();
            commands.push(self.with_calls(command, outcome, &calls, &scope, depth));
            if next.is_some() {
                *chosen = next;
            }
        }
        StepOutcome { uses, commands }
    }

    /// The action that a step uses, if it is read: one of this repository lies where the steps run.
    fn find_action(&self, used: &Use, pipeline: &Pipeline) -> Option<usize> {
        if pipeline.dialect == Dialect::Jenkins {
            let homes = &self.repository.outside.homes;
            let paths = homes.iter().map(|home| format!("{}vars/{}.groovy", home.prefix, used.name));
            return paths.filter_map(|path| self.actions.get(&path).copied()).next();
        }
        let folder = match used.local {
            true => join_path("", &used.name),
            false => self.repository.outside.path_of(used, pipeline.dialect)?,
        };
        self.actions.get(&folder).copied()
    }

    /// The effects of an action, with the inputs of the call.
    fn action(&mut self, index: usize, used: &Use, scope: &Scope<'_>, depth: usize) -> Vec<Effect> {
        if depth >= DEEPEST {
            return Vec::new();
        }
        let effects = match &self.action_effects[index] {
            State::Done(effects) => effects.clone(),
            State::Open => return Vec::new(),
            State::New => {
                self.action_effects[index] = State::Open;
                let pipeline = &self.facts.pipelines[index];
                let mut all = Vec::new();
                for job in &pipeline.jobs {
                    for step in self.job(pipeline, job, depth + 1) {
                        all.extend(step.uses.into_iter().chain(step.commands.into_iter().flatten()));
                    }
                }
                let effects = Rc::new(distinct(all));
                self.action_effects[index] = State::Done(effects.clone());
                effects
            }
        };
        let inputs = call_inputs(used, scope);
        let bound = Scope::of_inputs(&inputs);
        let environments = &self.lexicon.environments;
        effects.iter().flat_map(|e| bind_effect(&hand_on(e, used.place), &bound, environments)).collect()
    }

    fn script(&mut self, index: usize, depth: usize) -> Option<Rc<Vec<Vec<Effect>>>> {
        match &self.scripts[index] {
            State::Done(effects) => return Some(effects.clone()),
            State::Open => return None,
            State::New if depth >= DEEPEST => return None,
            State::New => self.scripts[index] = State::Open,
        }
        let script = &self.facts.scripts[index];
        let folder = self.folder_of(script);
        let scope = Scope::default();
        let mut chosen: Option<Target> = None;
        let mut all = Vec::with_capacity(script.commands.len());
        let mut outer = Outer::default();
        for command in &script.commands {
            let known = outer.around(command, chosen.as_ref());
            let around = Surroundings { lexicon: self.lexicon, scope, chosen: known, elsewhere: false };
            let outcome = around.outcome(command);
            outer.enter(command, &outcome.effects);
            let mut calls = scripts::calls(command, None, &scope);
            if !folder.is_empty() {
                for (call, inside) in calls.iter_mut().zip(scripts::calls(command, Some(&folder), &scope)) {
                    call.names.splice(0..0, inside.names);
                }
            }
            for call in &calls {
                if let Some(callee) = self.index.find(call) {
                    self.edges[index].insert(callee);
                }
            }
            let next = outcome.chooses.clone();
            all.push(self.with_calls(command, outcome, &calls, &scope, depth + 1));
            if next.is_some() {
                chosen = next;
            }
        }
        let all = Rc::new(all);
        self.scripts[index] = State::Done(all.clone());
        Some(all)
    }

    fn folder_of(&self, script: &Script) -> String {
        folder_of(self.repository.path(script.place))
    }

    /// Everything that calling a script brings about, siblings such as Make prerequisites included.
    fn summary(&mut self, index: usize, depth: usize) -> Vec<Effect> {
        let mut seen = HashSet::from([index]);
        let mut queue = vec![index];
        let mut all = Vec::new();
        while let Some(next) = queue.pop() {
            for sibling in self.index.siblings(&self.facts.scripts[next]) {
                self.edges[next].insert(sibling);
                if seen.len() < 256 && seen.insert(sibling) {
                    queue.push(sibling);
                }
            }
            if let Some(effects) = self.script(next, depth) {
                all.extend(effects.iter().flatten().cloned());
            }
        }
        distinct(all)
    }

    /// A command's own effects and those of the scripts that it calls.
    fn with_calls(
        &mut self,
        command: &Command,
        outcome: Outcome,
        calls: &[Call],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Vec<Effect> {
        let Outcome { mut effects, by_name, .. } = outcome;
        let dry = command.args.iter().any(|w| w.text == "--dry-run");
        let mut inherited: Vec<Effect> = Vec::new();
        let mut looked_into = false;
        let mut idle = false;
        for call in calls {
            let told = self.told_by_call(command, call, scope);
            let label_target = named_target(&call.label, command.place, &self.lexicon.environments);
            let found = self.index.find(call);
            let mut handed: Vec<Effect> = Vec::new();
            if let Some(index) = found {
                let script = &self.facts.scripts[index];
                looked_into = true;
                idle |= is_idle(script);
                let own = script.target.clone();
                handed = self.summary(index, depth).iter().map(|e| hand_on(e, command.place)).collect();
                for effect in handed.iter_mut().filter(|e| super::targets::bears_target(e)) {
                    let certain = effect.target.as_ref().is_some_and(|t| t.stage.is_certain());
                    if !certain {
                        let open = effect.target.take();
                        effect.target =
                            told.clone().or_else(|| own.clone()).or_else(|| label_target.clone()).or(open);
                    }
                }
            }
            let speaks = handed.iter().any(|e| is_weighty(e.effect));
            inherited.extend(handed);
            let silent = speaks || dry || found.is_some() && idle;
            if !silent
                && let Some((effect, detail)) = guess::by_name(&call.label)
                && (found.is_none() || is_weighty(effect))
                && !effects.iter().any(|e| e.effect == effect)
            {
                inherited.push(Effect {
                    place: command.place,
                    effect,
                    tool: call.label.clone(),
                    artifact: None,
                    target: told.or(label_target),
                    peer: None,
                    detail: detail.map(str::to_owned),
                    origin: None,
                });
            }
        }
        if looked_into {
            // What a script is called counts for less than what it does.
            let mut at = 0;
            effects.retain(|e| {
                at += 1;
                !by_name.contains(&(at - 1)) || !idle && !inherited.iter().any(|i| i.effect == e.effect)
            });
        }
        effects.extend(inherited);
        if effects.len() > 1 { distinct(effects) } else { effects }
    }

    /// The target that the arguments of a call tell: `./deploy.sh production`, `make deploy ENV=prod`.
    fn told_by_call(&self, command: &Command, call: &Call, scope: &Scope<'_>) -> Option<Target> {
        let words =
            command.args.iter().skip(call.words).chain(command.args.iter().filter(|w| w.text.contains('=')));
        // `make production deploy`: a goal that is an environment's bare name says where the others go.
        let makes = matches!(command.program.as_str(), "make" | "gmake" | "just" | "task");
        let goals = command
            .args
            .iter()
            .filter(|w| makes && w.text != call.label && w.text.bytes().all(|b| b.is_ascii_alphabetic()));
        let words = goals.chain(words);
        let assigned = command.assignments.iter().map(|a| &a.word);
        let environments = &self.lexicon.environments;
        let host = command
            .remote
            .as_ref()
            .and_then(|h| read_target(&scope.expand(h), true, command.place, environments));
        let told = words
            .chain(assigned)
            .filter(|w| !w.text.starts_with("NODE_ENV="))
            .filter_map(|w| read_target(&scope.word(w), false, w.place, environments))
            .find(|t| t.stage.is_certain());
        told.or(host)
    }

    /// Who calls each script; `complete` says that every pipeline was followed to its end.
    pub(super) fn callers(&mut self, complete: bool) -> Vec<Called> {
        let scripts = &self.facts.scripts;
        for (index, script) in scripts.iter().enumerate() {
            let siblings = self.index.siblings(script);
            self.edges[index].extend(siblings);
        }
        let mut callers: Vec<Vec<Caller>> = vec![Vec::new(); scripts.len()];
        let starts = |index: usize, script: &Script, caller: Caller| match caller {
            Caller::Pipeline => !self.from_steps[index].is_empty(),
            Caller::Container => script.script == ScriptKind::Image,
            Caller::Runbook => script.script == ScriptKind::Fence,
            other => caller_by_place(script) == Some(other),
        };
        for caller in [Caller::Pipeline, Caller::Container, Caller::Hook, Caller::Scheduler, Caller::Runbook]
        {
            let mut queue: Vec<usize> =
                scripts.iter().enumerate().filter(|(i, s)| starts(*i, s, caller)).map(|(i, _)| i).collect();
            let mut seen: HashSet<usize> = queue.iter().copied().collect();
            while let Some(index) = queue.pop() {
                callers[index].push(caller);
                queue.extend(self.edges[index].iter().copied().filter(|&next| seen.insert(next)));
            }
        }
        let from = std::mem::take(&mut self.from_steps);
        let nobody = if complete { Caller::Nobody } else { Caller::Unknown };
        let called = callers.into_iter().zip(from).map(|(mut callers, mut from)| {
            if callers.is_empty() {
                callers.push(nobody);
            }
            from.sort();
            from.dedup();
            Called { callers, from }
        });
        called.collect()
    }
}

/// Effects that say what a script is there for, so that its name need not be asked.
fn is_weighty(effect: EffectKind) -> bool {
    use EffectKind::*;
    !matches!(effect, Build | Test | Lint | Scan | Install | Validate | Notify | Fetch | Prune | Sign)
}

/// A script that only prints and leaves, as npm's default `test` does.
fn is_idle(script: &Script) -> bool {
    script
        .commands
        .iter()
        .all(|c| matches!(c.program.as_str(), "echo" | "printf" | "exit" | "true" | ":" | "false"))
        && script.calls.is_empty()
}

/// An effect as it appears where a script or action is called.
fn hand_on(effect: &Effect, place: Span) -> Effect {
    Effect { place, origin: effect.origin.or(Some(effect.place)), ..effect.clone() }
}

/// Leaves out effects that say the same from the same place.
fn distinct(all: Vec<Effect>) -> Vec<Effect> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for effect in all {
        let target = effect.target.as_ref().map(|t| (t.stage.clone(), t.name.clone()));
        let key =
            (effect.effect, effect.tool.clone(), effect.detail.clone(), effect.artifact.clone(), target);
        if kept.len() < MOST_EFFECTS && seen.insert((key, effect.origin)) {
            kept.push(effect);
        }
    }
    kept
}

/// The inputs of a call, with what the caller knows filled in.
pub(super) fn call_inputs(used: &Use, scope: &Scope<'_>) -> Inputs {
    let inputs = used.inputs.iter().map(|argument| {
        let value = match &argument.value.value {
            Value::Unresolved(why) => Value::Unresolved(why.clone()),
            other => {
                let values = scope.value(other);
                let open = values.iter().any(|v| v.contains("${{") || v.contains("$[["));
                match values.as_slice() {
                    [one] if open => Value::Expr(one.clone()),
                    _ => Value::from_possible(values).unwrap_or_else(|| other.clone()),
                }
            }
        };
        (argument.name.value.clone(), value)
    });
    inputs.collect()
}

/// Fills in the inputs of a call. An input that lists several references makes several effects of one.
pub(super) fn bind_effect(
    effect: &Effect,
    scope: &Scope<'_>,
    environments: &crate::lexicon::Environments,
) -> Vec<Effect> {
    let bound = Effect {
        target: effect.target.as_ref().map(|t| bind_target(t, scope, environments)),
        peer: effect.peer.as_ref().map(|t| bind_target(t, scope, environments)),
        ..effect.clone()
    };
    let Some(artifact) = &effect.artifact else { return vec![bound] };
    let artifacts = super::artifacts::bind_artifacts(artifact, scope, environments);
    artifacts.into_iter().map(|a| Effect { artifact: Some(a), ..bound.clone() }).collect()
}

/// Fills in the inputs of a call. A name that became known counts as what said it.
pub(super) fn bind_target(
    target: &Target,
    scope: &Scope<'_>,
    environments: &crate::lexicon::Environments,
) -> Target {
    let bound = resolve(target, scope, environments);
    match (target.basis, bound.basis) {
        (Basis::Declared, _) => Target { basis: Basis::Declared, ..bound },
        _ => bound,
    }
}
