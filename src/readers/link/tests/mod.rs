mod commands;
mod flow;
mod lineage;
mod linked;
mod uses;

use super::effects::{Outcome, Surroundings, command_of};
use super::scope::Scope;
use crate::facts::*;
use crate::lexicon::Lexicon;
use crate::text::{FileId, Span, Spanned};

fn at(file: u32, start: usize) -> Span {
    Span::new(FileId(file), start..start + 1)
}

fn command(line: &str) -> Command {
    command_of(line, None, at(0, 0))
}

/// Effects as a person would say them: `deploy registry/shop:{commit} @production(context)`.
fn say(effects: &[Effect]) -> String {
    let one = |e: &Effect| {
        let mut text = e.effect.name().to_owned();
        if let Some(detail) = &e.detail {
            text = format!("{text}:{detail}");
        }
        if let Some(a) = &e.artifact {
            text = match (&a.digest, a.version_text()) {
                (Some(d), _) => format!("{text} {}@{d}", a.name_text()),
                (None, v) if v.is_empty() => format!("{text} {}", a.name_text()),
                (None, v) => format!("{text} {}:{v}", a.name_text()),
            };
        }
        if let Some(t) = &e.target {
            text = format!("{text} {}", say_target(t));
        }
        if let Some(t) = &e.peer {
            text = format!("{text} from {}", say_target(t));
        }
        text
    };
    effects.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn say_target(target: &Target) -> String {
    let stages: Vec<&str> = target.stage.possible().iter().map(|s| s.name()).collect();
    let stage = if stages.is_empty() { "?".to_owned() } else { stages.join("|") };
    format!("@{stage}({})", target.basis.name())
}

fn outcome(command: &Command, scope: Scope<'_>) -> Outcome {
    let lexicon = Lexicon::default();
    Surroundings { lexicon: &lexicon, scope, chosen: None, elsewhere: false }.outcome(command)
}

fn job(id: &str, lines: &[&str]) -> Job {
    let steps = lines.iter().map(|line| step(vec![command(line)])).collect();
    Job { steps, ..Job::new(at(0, 1), at(0, 1), id.into(), id.into()) }
}

fn step(commands: Vec<Command>) -> Step {
    Step { commands, ..Step::new(at(0, 2), "run".into()) }
}

fn using(used: Use) -> Step {
    Step { uses: Some(used), ..step(Vec::new()) }
}

fn used(name: &str, inputs: &[(&str, &str)]) -> Use {
    let value = |text: &str| match text.contains("${{") {
        true => Value::Expr(text.to_owned()),
        false => Value::Known(text.to_owned()),
    };
    Use {
        place: at(0, 3),
        sort: UseKind::Action,
        name: name.into(),
        version: None,
        local: name.starts_with("./"),
        inputs: inputs
            .iter()
            .map(|(n, v)| Argument {
                name: Spanned::new((*n).to_owned(), at(0, 4)),
                value: Spanned::new(value(v), at(0, 5)),
            })
            .collect(),
        unresolved: None,
    }
}

fn needs(mut job: Job, before: &[u32]) -> Job {
    job.needs = before
        .iter()
        .map(|&j| Need {
            place: at(0, 6),
            job: Some(j),
            name: j.to_string(),
            optional: false,
            order_only: false,
        })
        .collect();
    job
}

fn declared(name: &str) -> Target {
    let environments = crate::lexicon::Environments::default();
    let stage = match crate::lexicon::classify(name, &environments) {
        Some(stage) => Value::Known(stage),
        None => Value::Expr(name.to_owned()),
    };
    let text = if name.contains('$') { Value::Expr(name.to_owned()) } else { Value::Known(name.to_owned()) };
    Target { stage, name: text, basis: Basis::Declared, place: at(0, 7) }
}

fn setting(key: &str, value: &str) -> Setting {
    Setting {
        place: at(0, 8),
        key: key.into(),
        path: key.into(),
        setting: Value::Known(value.into()),
        source: SettingSource::Pipeline,
        target: None,
        key_place: at(0, 8),
    }
}

fn trigger(kind: TriggerKind) -> Trigger {
    Trigger::new(kind, kind.name(), at(0, 9))
}

fn pipeline(file: u32, name: &str, role: Role, triggers: Vec<Trigger>, jobs: Vec<Job>) -> Pipeline {
    Pipeline { role, triggers, jobs, ..Pipeline::new(name, Dialect::Github, at(file, 0)) }
}

fn entry(file: u32, jobs: Vec<Job>) -> Pipeline {
    pipeline(file, "ci", Role::Entry, vec![trigger(TriggerKind::Push)], jobs)
}

fn script(file: u32, start: usize, name: &str, kind: ScriptKind, lines: &[&str]) -> Script {
    let commands =
        lines.iter().enumerate().map(|(i, l)| Command { place: at(file, start + 1 + i), ..command(l) });
    Script {
        place: at(file, start),
        name: name.into(),
        script: kind,
        callers: Vec::new(),
        guarded: false,
        target: None,
        commands: commands.collect(),
        before: None,
        calls: Vec::new(),
        called_from: Vec::new(),
    }
}

/// A repository with these files, linked.
fn linked(paths: &[&str], pipelines: Vec<Pipeline>, scripts: Vec<Script>) -> Repository {
    let file = |(i, path): (usize, &&str)| File::new(at(i as u32, 0), (*path).into());
    let mut repository =
        Repository { files: paths.iter().enumerate().map(file).collect(), ..Repository::default() };
    repository.facts.pipelines = pipelines;
    repository.facts.scripts = scripts;
    super::link(&mut repository, &Lexicon::default());
    repository
}
