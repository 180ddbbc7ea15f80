//! Where an effect goes: told by its own words, else by its job, else by names.

use super::scope::{Piece, Scope, pieces};
use crate::facts::{Basis, Effect, EffectKind, Job, Pipeline, Stage, Target, TriggerKind, Value};
use crate::lexicon::variables::is_environment_name;
use crate::lexicon::{Environments, classify, classify_branch, classify_host};
use crate::text::Span;

/// Reads a target out of the values that one word can have. `None` if they speak of no environment.
pub(super) fn read_target(
    values: &[String],
    host: bool,
    place: Span,
    environments: &Environments,
) -> Option<Target> {
    let mut stages = Vec::new();
    let mut names = Vec::new();
    let mut basis = if host { Basis::Host } else { Basis::Context };
    let mut open: Option<&String> = None;
    for value in values.iter().filter(|v| v.len() <= 4096) {
        match stage_of(value, host, environments) {
            Told::Stage(stage) => {
                stages.push(stage);
                names.push(value.clone());
            }
            Told::ByName(stage) => {
                stages.push(stage);
                names.push(value.clone());
                basis = Basis::Name;
            }
            Told::Open => open = Some(value),
            Told::Nothing => {}
        }
    }
    if let Some(stage) = Value::from_possible(stages) {
        return Some(Target { stage, name: Value::from_possible(names)?, basis, place });
    }
    let open = open?;
    Some(Target { stage: Value::Expr(open.clone()), name: Value::Expr(open.clone()), basis, place })
}

enum Told {
    Stage(Stage),
    /// Only the name of a variable says it.
    ByName(Stage),
    /// The run decides.
    Open,
    Nothing,
}

fn stage_of(value: &str, host: bool, environments: &Environments) -> Told {
    let text = if host { host_of(value) } else { value };
    let all = pieces(text);
    let literal_only = all.iter().all(|p| matches!(p, Piece::Literal(_)));
    if literal_only {
        let stage = if host { classify_host(text, environments) } else { classify(text, environments) };
        return stage.map_or(Told::Nothing, Told::Stage);
    }
    let mut written = all.iter().filter_map(|p| match p {
        Piece::Literal(l) => classify(l, environments),
        Piece::Expr { .. } => None,
    });
    if let Some(stage) = written.next() {
        return if written.all(|s| s == stage) { Told::Stage(stage) } else { Told::Nothing };
    }
    let names = || {
        all.iter().filter_map(|p| match p {
            Piece::Expr { name, .. } => Some(name.rsplit('.').next().unwrap_or(name)),
            Piece::Literal(_) => None,
        })
    };
    // `$STAGE` is whichever stage the run is for, and none that is called so.
    let mut told = names().filter(|n| !holds_any(n)).filter_map(|n| classify(n, environments));
    match told.next() {
        Some(stage) if told.all(|s| s == stage) => Told::ByName(stage),
        Some(_) => Told::Nothing,
        None if names().any(|n| holds_any(n) || n.bytes().all(|b| b.is_ascii_digit())) => Told::Open,
        None => Told::Nothing,
    }
}

/// Whether a variable is called by what it stands for and not by which one: `ENV`, `config_env`.
fn holds_any(name: &str) -> bool {
    let maps = ["config", "cfg", "params", "args", "opts", "options", "map", "settings"];
    let entry = name.split_once('_').filter(|(map, _)| maps.contains(map));
    is_environment_name(name) || entry.is_some_and(|(_, key)| is_environment_name(key))
}

/// The host in `user@host:path`, in an address, or in `Server=host;…`.
fn host_of(value: &str) -> &str {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    // `${{ secrets.X }}` holds marks that would end a host.
    if let Some(at) = value.find("${{").or_else(|| value.find("$[[")) {
        return &value[value[..at].rfind('@').map_or(0, |at| at + 1)..];
    }
    let value = value.split(['/', '?', ' ', ';']).next().unwrap_or(value);
    let value = value.rsplit_once('@').map_or(value, |(_, host)| host);
    match value.split_once(':') {
        Some((host, _)) if !value.starts_with('[') && !host.is_empty() => host,
        _ => value,
    }
}

/// Whether an effect happens in an environment, so that its job's environment is its own.
pub(super) fn bears_target(effect: &Effect) -> bool {
    use EffectKind::*;
    match effect.effect {
        Deploy | Provision | Configure | Migrate | MigrateDown | Query | Verify | RollBack | Backup
        | Dump | Restore | Seed | Shell | CopyFiles | Tunnel | Approve | Promote => true,
        Test => effect.detail.as_deref() == Some("e2e"),
        _ => false,
    }
}

/// Whether an effect lets a job's name be asked for its environment. A job that only tests or builds is
/// not in production because of its name.
fn changes_environment(effect: &Effect) -> bool {
    bears_target(effect) && effect.effect != EffectKind::Promote
}

/// The environment of a job that declares none, or whose declaration has variables in it.
pub(super) fn job_target(
    job: &Job,
    pipeline: &Pipeline,
    path: &str,
    environments: &Environments,
) -> Option<Target> {
    let scope = Scope::of(pipeline, job, None);
    if let Some(declared) = &job.target {
        return Some(resolve(declared, &scope, environments));
    }
    if let Some(call) = &job.calls {
        let inputs = call.inputs.iter().filter(|a| is_environment_name(&a.name.value));
        return inputs
            .filter_map(|a| read_target(&scope.value(&a.value.value), false, a.value.span, environments))
            .next();
    }
    if !job.effects().any(changes_environment) {
        return None;
    }
    from_effects(job)
        .or_else(|| from_settings(job, pipeline, environments))
        .or_else(|| from_branches(job, pipeline, environments))
        .or_else(|| from_names(job, pipeline, path, environments))
}

fn from_effects(job: &Job) -> Option<Target> {
    let told: Vec<&Target> = job
        .effects()
        .filter(|e| changes_environment(e))
        .filter_map(|e| e.target.as_ref())
        .filter(|t| t.stage.is_certain() && !t.is(Stage::Local) && !t.is(Stage::Ci))
        .collect();
    let stage = Value::from_possible(told.iter().flat_map(|t| t.stage.possible().to_vec()).collect())?;
    let name = Value::from_possible(told.iter().flat_map(|t| t.name.possible().to_vec()).collect())
        .unwrap_or_else(|| told[0].name.clone());
    let basis = told.iter().map(|t| t.basis).max().unwrap_or(Basis::Name);
    Some(Target { stage, name, basis, place: told[0].place })
}

fn from_branches(job: &Job, pipeline: &Pipeline, environments: &Environments) -> Option<Target> {
    let conditions =
        job.condition.iter().chain(job.steps.iter().filter_map(|s| {
            s.all_effects().any(changes_environment).then_some(s.condition.as_ref()).flatten()
        }));
    for condition in conditions {
        let branches: Vec<(&str, Span)> =
            condition.branches.iter().map(|b| (b.as_str(), condition.place)).collect();
        if let Some(target) = from_branch_names(&branches, environments) {
            return Some(target);
        }
    }
    // Every way in which the pipeline starts must be of such a branch.
    let pushes: Vec<_> = pipeline.triggers.iter().filter(|t| t.trigger != TriggerKind::Manual).collect();
    if pushes.is_empty() || pushes.iter().any(|t| t.trigger != TriggerKind::Push || t.branches.is_empty()) {
        return None;
    }
    let branches: Vec<(&str, Span)> =
        pushes.iter().flat_map(|t| &t.branches).map(|b| (b.value.as_str(), b.span)).collect();
    from_branch_names(&branches, environments)
}

fn from_branch_names(branches: &[(&str, Span)], environments: &Environments) -> Option<Target> {
    let stages: Option<Vec<Stage>> = branches.iter().map(|(b, _)| classify_branch(b, environments)).collect();
    let names = branches.iter().map(|(b, _)| (*b).to_owned()).collect();
    Some(Target {
        stage: Value::from_possible(stages?)?,
        name: Value::from_possible(names)?,
        basis: Basis::Branch,
        place: branches[0].1,
    })
}

fn from_settings(job: &Job, pipeline: &Pipeline, environments: &Environments) -> Option<Target> {
    let steps =
        job.steps.iter().filter(|s| s.all_effects().any(changes_environment)).flat_map(|s| &s.settings);
    let settings =
        steps.chain(&job.settings).chain(&pipeline.settings).filter(|s| is_environment_name(&s.key));
    let scope = Scope::of(pipeline, job, None);
    settings
        .filter_map(|s| read_target(&scope.value(&s.setting), false, s.place, environments))
        .find(|t| t.stage.is_certain())
}

fn from_names(job: &Job, pipeline: &Pipeline, path: &str, environments: &Environments) -> Option<Target> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let steps = job.steps.iter().filter(|s| s.named && s.all_effects().any(changes_environment));
    let names = [(job.id.as_str(), job.place), (job.name.as_str(), job.place)]
        .into_iter()
        .chain(steps.map(|s| (s.name.as_str(), s.place)))
        .chain(job.stage.as_deref().map(|s| (s, job.place)))
        .chain([(pipeline.name.as_str(), pipeline.place), (file, pipeline.place)]);
    let scope = Scope::of(pipeline, job, None);
    names
        .filter_map(|(name, place)| read_target(&scope.expand(name), false, place, environments))
        .find(|t| t.stage.is_certain())
        .filter(|t| !t.is(Stage::Ci))
        .map(|t| Target { basis: Basis::Name, ..t })
}

/// The environment that a path or name speaks of.
pub(super) fn named_target(name: &str, place: Span, environments: &Environments) -> Option<Target> {
    let stage = classify(name, environments)?;
    Some(Target {
        stage: Value::Known(stage),
        name: Value::Known(name.to_owned()),
        basis: Basis::Name,
        place,
    })
}

/// Fills in what `scope` knows of a target that the run decides.
pub(super) fn resolve(target: &Target, scope: &Scope<'_>, environments: &Environments) -> Target {
    let Value::Expr(text) = &target.name else { return target.clone() };
    let values = scope.expand(text);
    match read_target(&values, false, target.place, environments) {
        Some(found) if found.basis == Basis::Name => Target { basis: Basis::Name, ..found },
        Some(found) => Target { basis: target.basis, ..found },
        None => match values.as_slice() {
            [one] if one != text && !one.contains('$') => Target {
                stage: Value::Unresolved(format!("`{one}` names no environment that is known here")),
                name: Value::Known(one.clone()),
                ..target.clone()
            },
            _ => target.clone(),
        },
    }
}

/// The target that an effect has in the end: what its own words say, unless they say less than the job.
pub(super) fn settle(own: Option<Target>, job: Option<&Target>) -> Option<Target> {
    match (own, job) {
        (None, job) => job.cloned(),
        (Some(own), None) => Some(own),
        (Some(own), Some(job)) => {
            let weaker = !own.stage.is_certain() || own.basis == Basis::Name && job.basis == Basis::Declared;
            Some(if weaker && job.stage.is_certain() { job.clone() } else { own })
        }
    }
}
