//! Statements one after another, as the steps of jobs.

use super::Reading;
use super::condition::both;
use super::head::{Head, listed};
use super::job::Frame;
use super::known::{is_around, is_step};
use crate::facts::{
    Argument as Input, Condition, How, Job, SecretUse, Setting, SettingSource, Step, Tolerance, Use, UseKind,
    Value,
};
use crate::readers::variables::Variables;
use crate::syntax::groovy::{Argument, Block, Call, Expr, Statement};
use crate::text::{Span, Spanned};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Blocks and functions within each other are followed so far.
const DEEPEST: usize = 64;
/// Functions of the file are followed so far, and so often in all.
const DEEPEST_CALL: usize = 6;
const MOST_CALLS: usize = 500;

/// Collects the jobs of one file.
pub(super) struct Walk<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) head: Head,
    pub(super) jobs: Vec<Job>,
    pub(super) ids: BTreeMap<String, u32>,
    /// The jobs that the next one waits for.
    pub(super) last: Vec<u32>,
    /// Jobs of a `post`, which the pipeline's own `post` waits for.
    pub(super) late: BTreeSet<u32>,
    pub(super) frame: Frame,
    pub(super) variables: Variables<'static>,
    /// Images by the variable that stands for them.
    pub(super) built: BTreeMap<String, (String, Span)>,
    /// Names that the file gives to values of its own.
    pub(super) names: BTreeSet<String>,
    /// Conditions around what is read.
    pub(super) guards: Vec<Condition>,
    /// What lets a failure pass around what is read.
    pub(super) tolerated: Option<Tolerance>,
    pub(super) folder: Option<String>,
    pub(super) settings: Vec<Setting>,
    pub(super) secrets: Vec<SecretUse>,
    /// The registry of `docker.withRegistry`.
    pub(super) registry: Option<String>,
    /// What lies outside the repository.
    pub(super) outside: Vec<Use>,
    pub(super) complete: bool,
    pub(super) depth: usize,
    calls: usize,
    call_depth: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(reading: &'a Reading<'a>) -> Walk<'a> {
        let start = Span::start_of(reading.text.file);
        Walk {
            reading,
            head: Head::default(),
            jobs: Vec::new(),
            ids: BTreeMap::new(),
            last: Vec::new(),
            late: BTreeSet::new(),
            frame: Frame::new("", start, start),
            variables: Variables::default(),
            built: BTreeMap::new(),
            names: BTreeSet::new(),
            guards: Vec::new(),
            tolerated: None,
            folder: None,
            settings: Vec::new(),
            secrets: Vec::new(),
            registry: None,
            outside: Vec::new(),
            complete: true,
            depth: 0,
            calls: 0,
            call_depth: 0,
        }
    }

    /// What a text stands for, if that is one thing; else as written.
    pub(super) fn known(&self, text: &str) -> String {
        let mut all = self.variables.expand(text);
        if all.len() == 1 { all.remove(0) } else { text.to_owned() }
    }

    pub(super) fn too_deep(&mut self) -> bool {
        let deep = self.depth >= DEEPEST;
        self.complete &= !deep;
        deep
    }

    /// Values that the file gives to names before its pipeline begins.
    pub(super) fn definitions(&mut self, statements: &'a [Statement]) {
        for statement in statements {
            if let Statement::Value { name: Some((name, at)), value } = statement {
                self.assign(name, at, value, "def");
                self.names.insert(root(name).to_owned());
            } else if let Statement::Value { value: Expr::Call(call), .. } = statement
                && call.name == "properties"
            {
                self.properties(call);
            }
        }
    }

    /// A variable's value: `X = 'y'`, `env.X = "a-${B}"`.
    pub(super) fn assign(&mut self, name: &str, at: &Range<usize>, value: &Expr, path: &str) -> Setting {
        let key = name.strip_prefix("env.").unwrap_or(name).to_owned();
        let said = self.reading.said(value);
        let written = match (&said, value) {
            (Some(said), _) => Some(said.value.clone()),
            (None, value) => self.output(value),
        };
        let setting = match &written {
            Some(text) => self.variables.resolve(text),
            None => Value::Expr(format!("${{{key}}}")),
        };
        self.variables.set(&key, written.into_iter().filter(|w| *w != format!("${{{key}}}")).collect());
        Setting {
            place: self.reading.span(&value.at()),
            path: format!("{path}.{key}"),
            setting,
            source: SettingSource::Pipeline,
            target: None,
            key_place: self.reading.span(at),
            key,
        }
    }

    /// `sh(script: 'git rev-parse HEAD', returnStdout: true).trim()` as the shell would say it.
    fn output(&self, value: &Expr) -> Option<String> {
        let mut value = value;
        for _ in 0..4 {
            let Expr::Call(call) = value else { return None };
            if call.name == "sh" {
                let text = self.reading.first(call, "script")?.value;
                let text = text.trim();
                return (text.len() < 200 && !text.contains('\n')).then(|| format!("$({text})"));
            }
            value = call.receiver.as_ref()?;
        }
        None
    }

    /// A pipeline without `pipeline { … }`: only a part of what it does can be known.
    pub(super) fn scripted(&mut self, statements: &'a [Statement]) {
        self.complete = false;
        for statement in statements {
            self.statement(statement);
        }
        self.finish();
    }

    pub(super) fn block(&mut self, block: &'a Block) {
        if self.too_deep() {
            return;
        }
        self.depth += 1;
        for statement in &block.statements {
            self.statement(statement);
        }
        self.depth -= 1;
    }

    /// A block under one more condition.
    fn guarded(&mut self, guard: Condition, block: &'a Block) {
        if guard.branches.is_empty() && guard.text.contains("BRANCH_NAME") || !guard.branches.is_empty() {
            self.head.branches.get_or_insert(guard.place);
        }
        self.guards.push(guard);
        self.block(block);
        self.guards.pop();
    }

    fn statement(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Value { name, value } => {
                if let Some((name, at)) = name {
                    let setting = self.assign(name, at, value, "env");
                    if name.starts_with("env.") {
                        self.frame.settings.push(setting);
                    }
                    self.names.insert(root(name).to_owned());
                }
                self.value(value, name.as_ref().map(|n| n.0.as_str()));
            }
            Statement::If(branches) => {
                let mut before: Option<Condition> = None;
                for (condition, body) in branches {
                    let guard = match condition {
                        Some(condition) => {
                            self.value(condition, Some(""));
                            self.reading.guard(condition)
                        }
                        None => otherwise(before.as_ref(), self.reading.span(&body.at)),
                    };
                    before = Some(guard.clone());
                    self.guarded(guard, body);
                }
            }
            Statement::Try { body, catches, finally } => self.tried(body, catches, finally.as_ref()),
            Statement::Repeat(over, body) => {
                // `for (env in ['staging', 'production'])`.
                if let Expr::Other(parts, _) = over
                    && let Some(Expr::Other(parts, _)) = parts.first()
                    && let [.., Expr::Name(name, _), Expr::List(items, _)] = parts.as_slice()
                {
                    let values: Vec<String> =
                        items.iter().filter_map(|a| self.reading.said(&a.value)).map(|t| t.value).collect();
                    self.variables.set(name, values);
                    self.names.insert(name.clone());
                }
                self.block(body);
            }
            // Followed where they are called.
            Statement::Function { .. } => {}
            Statement::Leave { value, .. } => {
                if let Some(value) = value {
                    self.value(value, Some(""));
                }
            }
        }
    }

    /// A failure that `catch` takes and does not throw on lets what follows go on.
    fn tried(&mut self, body: &'a Block, catches: &'a [Block], finally: Option<&'a Block>) {
        let outer = self.tolerated.clone();
        // Where whole stages are tried, the first failure ends them all.
        let stages = super::holds(&body.statements, &["stage"], 0);
        if let Some(first) = catches.first().filter(|_| !stages)
            && !catches.iter().any(|c| fails(&c.statements, 0, self.reading.text.text))
        {
            let place = self.reading.span(&(first.at.start..first.at.start + 1));
            self.tolerated.get_or_insert(Tolerance { place, how: How::Key, applies: Value::Known(true) });
        }
        self.block(body);
        self.tolerated = outer;
        let after = |at: &Range<usize>, text: &str, failed: bool| Condition {
            always: !failed,
            on_failure: failed,
            ..Condition::new(self.reading.span(&(at.start..at.start + 1)), text.to_owned())
        };
        let guards: Vec<(Condition, &'a Block)> = catches
            .iter()
            .map(|c| (after(&c.at, "catch", true), c))
            .chain(finally.map(|f| (after(&f.at, "finally", false), f)))
            .collect();
        for (guard, block) in guards {
            self.guarded(guard, block);
        }
    }

    /// An expression, of which calls are looked at. `given` is the name that gets the value, or an empty
    /// text if something else looks at it.
    pub(super) fn value(&mut self, value: &'a Expr, given: Option<&str>) {
        if self.too_deep() {
            return;
        }
        self.depth += 1;
        match value {
            Expr::Call(call) => self.call(call, given),
            Expr::Closure(block) => self.block(block),
            Expr::Sum(all, _) | Expr::Other(all, _) => {
                all.iter().for_each(|e| self.value(e, given.or(Some(""))))
            }
            // Closures in maps are run by who is given the map.
            Expr::List(all, _) => all.iter().for_each(|a| {
                if !matches!(a.value, Expr::Closure(_)) {
                    self.value(&a.value, Some(""));
                }
            }),
            Expr::Name(..) | Expr::Text(_) => {}
        }
        self.depth -= 1;
    }

    fn call(&mut self, call: &'a Call, given: Option<&str>) {
        if let Some(receiver) = &call.receiver {
            if self.container(call, given) {
                return;
            }
            self.value(receiver, Some(""));
            self.arguments(call);
            call.body.iter().for_each(|b| self.block(b));
            return;
        }
        let name = ["this.", "script.", "steps.", "pipeline."]
            .iter()
            .find_map(|p| call.name.strip_prefix(p))
            .unwrap_or(&call.name);
        match name {
            "stage" => self.scripted_stage(call),
            "parallel" => self.parallel(call),
            "node" | "podTemplate" => self.machine(call),
            "properties" => self.properties(call),
            "library" | "@Library" => self.complete = false,
            "input" => self.input(call, given),
            _ if self.container(call, given) || self.step(name, call, given) => {}
            _ if is_around(name) && call.body.is_some() => {
                self.arguments(call);
                call.body.iter().for_each(|b| self.block(b));
            }
            _ => self.other(name, call, given),
        }
    }

    /// Calls among the arguments.
    fn arguments(&mut self, call: &'a Call) {
        for argument in &call.arguments {
            self.value(&argument.value, Some(""));
        }
    }

    /// A function of the file, a plugin's step, or a step that lies outside.
    fn other(&mut self, name: &'a str, call: &'a Call, given: Option<&str>) {
        if let Some((parameters, body)) = self.reading.functions.get(name).copied() {
            self.follow(parameters, body, call);
            return;
        }
        if let Some((owner, _)) = name.split_once('.') {
            let ours = self.names.contains(owner)
                || matches!(
                    owner,
                    "env" | "params" | "currentBuild" | "scm" | "it" | "docker" | "manager" | "pom" | "out"
                )
                || owner.starts_with(|c: char| c.is_ascii_uppercase())
                || is_step(owner);
            // What a value of a class can do is not looked at; a library's variable is its own matter.
            if !ours && !self.reading.libraries.is_empty() {
                self.unknown(name, call);
            }
            self.arguments(call);
            call.body.iter().for_each(|b| self.block(b));
            return;
        }
        let step = is_step(name);
        if given.is_none() || !step {
            self.use_step(name, call, (!step).then_some("its meaning lies in a plugin or a shared library"));
        }
        if !step && !self.names.contains(name) {
            self.unknown(name, call);
        }
        if !matches!(name, "step" | "checkout") {
            self.arguments(call);
        }
        call.body.iter().for_each(|b| self.block(b));
    }

    fn unknown(&mut self, name: &str, call: &Call) {
        if self.outside.len() < 64 && !self.outside.iter().any(|u| u.name == name) {
            self.outside.push(Use {
                place: self.reading.span(&call.name_at),
                sort: UseKind::Template,
                name: name.to_owned(),
                version: None,
                local: false,
                inputs: Vec::new(),
                unresolved: Some("a step of a shared library or of a plugin that is not known here".into()),
            });
        }
    }

    /// A function of the file with what it is given.
    fn follow(&mut self, parameters: &'a [String], body: &'a Block, call: &'a Call) {
        if self.call_depth >= DEEPEST_CALL || self.calls >= MOST_CALLS {
            self.complete = false;
            return;
        }
        for (name, value) in parameters.iter().zip(call.plain()) {
            let texts = self.reading.said(value).map(|t| self.variables.expand(&t.value)).unwrap_or_default();
            let itself = format!("${{{name}}}");
            self.variables.set(name, texts.into_iter().filter(|t| *t != itself).collect());
            self.names.insert(name.clone());
        }
        self.calls += 1;
        self.call_depth += 1;
        self.block(body);
        self.call_depth -= 1;
    }

    fn properties(&mut self, call: &'a Call) {
        let reading = self.reading;
        let limits = reading.options(listed(call), self);
        self.frame.limits.minutes = limits.minutes.or(self.frame.limits.minutes);
        self.locked(limits.lock);
    }

    /// A step that is told by its name and arguments.
    pub(super) fn use_step(&mut self, name: &str, call: &'a Call, unresolved: Option<&str>) {
        let place = self.reading.span(&call.at);
        let mut inputs: Vec<Input> = Vec::new();
        self.collect(&call.arguments, &mut inputs, 0);
        let used = Use {
            place: self.reading.span(&call.name_at),
            sort: UseKind::Action,
            name: name.to_owned(),
            version: None,
            local: unresolved.is_none(),
            inputs,
            unresolved: unresolved.map(str::to_owned),
        };
        let mut step = self.new_step(name, place);
        step.uses = Some(used);
        self.frame.steps.push(step);
    }

    /// Arguments by name, those of descriptions within them too (`transfers: [sshTransfer(execCommand: …)]`).
    fn collect(&self, arguments: &'a [Argument], into: &mut Vec<Input>, depth: usize) {
        for argument in arguments {
            let (name, at) = match &argument.name {
                Some((name, at)) => (name.as_str(), at.clone()),
                None => ("", argument.value.at()),
            };
            if let Some(said) = self.reading.said(&argument.value) {
                if into.len() < 64 {
                    let value = Spanned::new(self.variables.resolve(&said.value), said.span);
                    let name = Spanned::new(name.to_owned(), self.reading.span(&at));
                    into.push(Input { name, value });
                }
            } else if depth < 4 {
                match &argument.value {
                    Expr::List(all, _) => self.collect(all, into, depth + 1),
                    Expr::Call(inner) => self.collect(&inner.arguments, into, depth + 1),
                    _ => {}
                }
            }
        }
    }

    /// A step under what is in force here.
    pub(super) fn new_step(&self, name: &str, place: Span) -> Step {
        let guard = self.guards.iter().fold(None, |all: Option<Condition>, g| both(all.as_ref(), Some(g)));
        Step {
            condition: guard,
            tolerated: self.tolerated.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            folder: self.folder.clone(),
            ..Step::new(place, name.to_owned())
        }
    }
}

fn root(name: &str) -> &str {
    name.strip_prefix("env.").unwrap_or(name).split('.').next().unwrap_or(name)
}

fn otherwise(before: Option<&Condition>, place: Span) -> Condition {
    let text = before.map_or_else(|| "else".to_owned(), |b| format!("! ({})", b.text));
    Condition::new(place, crate::text::shorten(&text, 200))
}

/// Whether statements end the run, or mark it as failed.
fn fails(statements: &[Statement], depth: usize, source: &str) -> bool {
    if depth > 32 {
        return false;
    }
    let marks = |value: &Expr| {
        let text = source.get(value.at()).unwrap_or("").to_ascii_uppercase();
        text.contains("FAIL") || text.contains("ABORT")
    };
    statements.iter().any(|s| match s {
        Statement::Leave { throws, .. } => *throws,
        Statement::Value { name: Some((name, _)), value } => name.ends_with("esult") && marks(value),
        Statement::Value { name: None, value: Expr::Call(call) } => {
            let exits =
                call.name == "sh" && source.get(call.at.clone()).is_some_and(|t| t.contains("exit 1"));
            call.name == "error"
                || exits
                || call.body.as_ref().is_some_and(|b| fails(&b.statements, depth + 1, source))
        }
        Statement::If(branches) => branches.iter().any(|(_, b)| fails(&b.statements, depth + 1, source)),
        _ => false,
    })
}
