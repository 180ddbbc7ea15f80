//! What one command or one building block brings about: a pure function of its words, the table and what
//! is known of variables.

use super::artifacts::read_artifact;
use super::composed;
use super::scope::Scope;
use super::targets::read_target;
use crate::facts::{
    Artifact, ArtifactKind, Basis, Command, Effect, EffectKind, Stage, Target, Use, Value, Word,
};
use crate::lexicon::commands::{At, Line, Match, Told, Words};
use crate::lexicon::{Environments, Lexicon};
use crate::text::Span;

/// What surrounds a command.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The tables.
    pub lexicon: &'a Lexicon,
    /// Variables in reach.
    pub scope: Scope<'a>,
    /// The target that earlier commands have chosen (`kubectl config use-context prod`).
    pub chosen: Option<&'a Target>,
    /// The job or script says that it works on an environment other than its own machine.
    pub elsewhere: bool,
}

/// What a command brings about.
#[derive(Default, Debug)]
pub(super) struct Outcome {
    /// Its effects; a target is there only if the words tell one.
    pub effects: Vec<Effect>,
    /// Indices of those effects that only a name tells (`npm run build`).
    pub by_name: Vec<usize>,
    /// The target that it chooses for the commands after it.
    pub chooses: Option<Target>,
}

impl Surroundings<'_> {
    fn environments(&self) -> &Environments {
        &self.lexicon.environments
    }

    /// What a command brings about by itself; scripts that it calls are looked into elsewhere.
    pub(super) fn outcome(&self, command: &Command) -> Outcome {
        let args: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
        let table = self.lexicon.commands();
        let (program, skip) = table.carried(&command.program, &args);
        let assignments: Vec<(&str, &str)> =
            command.assignments.iter().map(|a| (a.name.as_str(), a.word.text.as_str())).collect();
        let words = Words { program, args: &args[skip..], assignments: &assignments };
        let mut outcome = Outcome::default();
        for found in table.matches(words) {
            Reading { around: self, command, words, args: &command.args[skip..], found }.tell(&mut outcome);
        }
        if is_dry(&args) {
            outcome.effects.retain_mut(|e| match e.effect {
                EffectKind::Test | EffectKind::Lint | EffectKind::Scan | EffectKind::Validate => true,
                EffectKind::Deploy | EffectKind::Provision | EffectKind::Migrate | EffectKind::CopyFiles => {
                    e.effect = EffectKind::Validate;
                    e.detail = None;
                    true
                }
                _ => false,
            });
            outcome.by_name.clear();
        }
        outcome
    }

    /// What a building block brings about.
    pub(super) fn outcome_of_use(&self, used: &Use) -> Outcome {
        let mut outcome = Outcome::default();
        let values = |name: &str| -> Vec<String> {
            used.input(name).map(|v| self.input_values(&v.value)).unwrap_or_default()
        };
        for (tool, line) in self.lexicon.uses().matches(&used.name, &values) {
            let places = format!("{} {}", line.to, tool.to);
            let target = fixed(line, used.place).or_else(|| self.input_target(&places, used));
            if line.context {
                outcome.chooses = target;
                continue;
            }
            let mut artifacts = Vec::new();
            let mut of = line.of.split_whitespace();
            if let Some(kind) = of.next().and_then(ArtifactKind::from_name)
                && let Some(input) = of.find_map(|name| used.input(name))
            {
                let text = match &input.value {
                    Value::Expr(text) | Value::Known(text) => text.as_str(),
                    _ => "",
                };
                let several = if kind == ArtifactKind::Image { &[',', '\n'][..] } else { &['\n'][..] };
                let composed = composed::references(text, &self.scope);
                let text = composed.as_deref().unwrap_or(text);
                artifacts = text
                    .split(several)
                    .filter(|t| !t.trim().is_empty())
                    .take(16)
                    .filter_map(|t| read_artifact(kind, t, input.span, &self.scope, self.environments()))
                    .collect();
            }
            let name = used.name.rsplit('/').next().unwrap_or(&used.name);
            push_effects(
                &line.does,
                name,
                used.place,
                &artifacts,
                target.as_ref(),
                None,
                &mut outcome.effects,
            );
            if !line.run.is_empty() {
                self.run_input(&line.run, used, target.as_ref(), &mut outcome);
            }
        }
        outcome
    }

    fn input_values(&self, value: &Value<String>) -> Vec<String> {
        match value {
            Value::Unresolved(why) => vec![why.clone()],
            other => self.scope.value(other),
        }
    }

    fn input_target(&self, places: &str, used: &Use) -> Option<Target> {
        let told = places.split_whitespace().filter_map(|place| {
            let (host, name) = place.strip_prefix('@').map_or((false, place), |name| (true, name));
            let input = used.input(name)?;
            read_target(&self.scope.value(&input.value), host, input.span, self.environments())
        });
        best(told)
    }

    /// Judges commands that an input holds. They are cut at blanks only: enough for the table, and their
    /// place is the input.
    fn run_input(&self, run: &str, used: &Use, target: Option<&Target>, outcome: &mut Outcome) {
        let (program, name) = run.split_once(' ').map_or((None, run), |(p, n)| (Some(p), n));
        // More than one word with the last being an input: `wrangler command`; else inputs with a script.
        let names: Vec<&str> = match program {
            Some(p) if self.lexicon.commands().knows(p) => vec![name],
            _ => run.split_whitespace().collect(),
        };
        let program = program.filter(|p| self.lexicon.commands().knows(p));
        for input in names.iter().filter_map(|n| used.input(n)) {
            let (Value::Known(text) | Value::Expr(text)) = &input.value else { continue };
            for line in text.split(['\n', ';']).flat_map(|l| l.split("&&")).take(200) {
                let mut command = command_of(line, program, input.span);
                if command.program.is_empty() {
                    continue;
                }
                command.remote = target.and_then(|t| t.name.known().cloned());
                let mut inner = self.outcome(&command);
                inner.effects.iter_mut().for_each(|e| {
                    if e.target.is_none() {
                        e.target = target.cloned();
                    }
                });
                let before = outcome.effects.len();
                outcome.by_name.extend(inner.by_name.iter().map(|i| i + before));
                outcome.effects.append(&mut inner.effects);
            }
        }
    }
}

/// A command cut at blanks; quotes around a word are removed. An expression stays one word.
pub(super) fn command_of(line: &str, program: Option<&str>, place: Span) -> Command {
    let line = line.trim();
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for word in line.split_whitespace() {
        let word_opens = word.matches("${{").count() > word.matches("}}").count();
        let word_closes = word.matches("}}").count() > word.matches("${{").count();
        match words.last_mut() {
            Some(last) if open => {
                last.push(' ');
                last.push_str(word);
                open = !word_closes;
            }
            _ => {
                words.push(word.to_owned());
                open = word_opens;
            }
        }
    }
    let mut words = words.into_iter().map(|w| w.trim_matches(['"', '\'']).to_owned()).peekable();
    let mut assignments = Vec::new();
    let word = |text: String| Word { literal: !text.contains('$'), values: Vec::new(), place, text };
    if program.is_none() {
        while words.peek().is_some_and(|w| w == "sudo") {
            words.next();
        }
        while let Some((name, value)) = words.peek().and_then(|w| w.split_once('='))
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            assignments
                .push(crate::facts::Assignment { name: name.to_owned(), word: word(value.to_owned()) });
            words.next();
        }
    }
    let program = match program {
        Some(program) => {
            // `command: wrangler deploy` names the program again.
            words.next_if(|w| w == program);
            program.to_owned()
        }
        None => words.next().unwrap_or_default(),
    };
    Command {
        place,
        line: line.to_owned(),
        program: program.rsplit('/').next().unwrap_or_default().to_owned(),
        program_word: program,
        args: words.map(word).collect(),
        assignments,
        wrappers: Vec::new(),
        tolerated: None,
        function: None,
        conditions: Vec::new(),
        remote: None,
        effects: Vec::new(),
        writes: Vec::new(),
        reads: Vec::new(),
        pipeline: None,
        last: false,
        captured: false,
    }
}

struct Reading<'a> {
    around: &'a Surroundings<'a>,
    command: &'a Command,
    words: Words<'a>,
    /// The words after those that only carry the command.
    args: &'a [Word],
    found: Match<'a>,
}

impl Reading<'_> {
    fn tell(&self, outcome: &mut Outcome) {
        let line = self.found.line;
        let mut own = self.target();
        if line.context {
            outcome.chooses = own;
            return;
        }
        let remote = self.command.remote.is_some();
        if line.only_remote {
            let stage = own.as_ref().and_then(|t| t.stage.known());
            let here = matches!(stage, Some(Stage::Ci | Stage::Local));
            if here
                || !(remote || self.around.elsewhere || own.as_ref().is_some_and(|t| t.stage.is_certain()))
            {
                return;
            }
        }
        let mut peer = self.best_told(&line.from);
        let mut does = line.does.clone();
        if line.copy || line.s3 {
            let last = self.found.rest.last().map_or("", |&i| self.words.args[i]);
            let up = if line.s3 {
                is_bucket(last) || !self.any_bucket()
            } else {
                crate::lexicon::commands::is_remote(last)
            };
            does = format!("copy-files:{}", if up { "up" } else { "down" });
            let source = self.found.rest.first().map_or("", |&i| self.words.args[i]);
            let elsewhere =
                remote || self.around.elsewhere || own.as_ref().is_some_and(|t| t.may_be_shared());
            if line.s3 && up && is_bucket(source) {
                does = "copy-files".into();
                peer = self.host_target(source);
            } else if up && !is_data(source) && (line.copy || elsewhere) {
                does.push_str(" deploy");
            }
            if !up {
                peer = own.take().or_else(|| self.host_target(source));
            }
        }
        if let Some(word) = self.command.remote.as_ref().filter(|_| own.is_none() || !own_is_certain(&own)) {
            let host = word.rsplit_once('@').map_or(word.as_str(), |(_, h)| h).to_owned();
            let values = self.around.scope.expand(&host);
            own = read_target(&values, true, self.command.place, self.around.environments()).or(own);
        }
        let target = match own {
            Some(own) if own.stage.is_certain() => Some(own),
            own => self.around.chosen.cloned().or(own),
        };
        let before = outcome.effects.len();
        let place = self.command.place;
        push_effects(
            &does,
            self.words.program,
            place,
            &self.artifacts(),
            target.as_ref(),
            peer.as_ref(),
            &mut outcome.effects,
        );
        if outcome.effects[before..].iter().any(|e| e.effect == EffectKind::Deploy) {
            let images: Vec<Artifact> = composed::images_of_values(self.args)
                .filter_map(|(text, place)| {
                    read_artifact(
                        ArtifactKind::Image,
                        &text,
                        place,
                        &self.around.scope,
                        self.around.environments(),
                    )
                })
                .take(16)
                .collect();
            if !images.is_empty() {
                push_effects(
                    "deploy",
                    self.words.program,
                    place,
                    &images,
                    target.as_ref(),
                    peer.as_ref(),
                    &mut outcome.effects,
                );
            }
        }
        if line.name {
            outcome.by_name.extend(before..outcome.effects.len());
        }
    }

    fn target(&self) -> Option<Target> {
        if let Some(fixed) = fixed(self.found.line, self.command.place) {
            return Some(fixed);
        }
        let line = self.found.line;
        best([&line.to, &self.found.tool.to].into_iter().filter_map(|places| self.best_told(places)))
    }

    fn best_told(&self, places: &str) -> Option<Target> {
        let told = self.found.told(places, self.words);
        best(told.iter().filter_map(|t| {
            let (values, place) = self.values(t)?;
            read_target(&values, t.host, place, self.around.environments())
        }))
    }

    /// The values that can stand at a place that the table has found.
    fn values(&self, told: &Told) -> Option<(Vec<String>, Span)> {
        let word = match told.at {
            At::Word(index) => self.args.get(index)?,
            At::Assignment(index) => &self.command.assignments.get(index)?.word,
        };
        if told.from == 0 {
            return Some((self.around.scope.word(word), word.place));
        }
        let (start, rest) = word.text.split_at_checked(told.from)?;
        // What the text itself assigns is known to the word alone.
        let known = word.values.iter().filter(|v| **v != word.text).filter_map(|v| v.strip_prefix(start));
        let mut all: Vec<String> = known.flat_map(|v| self.around.scope.expand(v)).take(16).collect();
        if all.is_empty() {
            all = self.around.scope.expand(rest);
        }
        Some((all, word.place))
    }

    fn host_target(&self, word: &str) -> Option<Target> {
        read_target(&[word.to_owned()], true, self.command.place, self.around.environments())
    }

    fn any_bucket(&self) -> bool {
        self.words.args.iter().any(|w| is_bucket(w))
    }

    fn artifacts(&self) -> Vec<Artifact> {
        let Some((kind, places)) = self.found.line.of.split_once(' ') else { return Vec::new() };
        let Some(kind) = ArtifactKind::from_name(kind) else { return Vec::new() };
        let read = |told: &Told| {
            let (values, place) = self.values(told)?;
            let word = match told.at {
                At::Word(index) => &self.args[index],
                At::Assignment(index) => &self.command.assignments[index].word,
            };
            // Several values are several environments or architectures: the word as written tells more.
            let text =
                if let [one] = values.as_slice() { one.as_str() } else { word.text.get(told.from..)? };
            read_artifact(kind, text, place, &self.around.scope, self.around.environments())
        };
        self.found.told(places, self.words).iter().filter_map(read).take(16).collect()
    }
}

fn own_is_certain(own: &Option<Target>) -> bool {
    own.as_ref().is_some_and(|t| t.stage.is_certain())
}

/// Values that only a storage service's address begins with.
fn is_bucket(word: &str) -> bool {
    ["s3://", "gs://", "az://", "https://", "r2://"].iter().any(|s| word.starts_with(s))
        || word.contains("$web")
}

/// Data that is carried, not a release: dumps, reports, logs.
fn is_data(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'']);
    [".sql", ".sql.gz", ".dump", ".bak", ".log", ".xml", "coverage", "report", "reports", ".csv"]
        .iter()
        .any(|end| word.trim_end_matches('/').ends_with(end))
}

fn is_dry(args: &[&str]) -> bool {
    args.iter().any(|w| match w.strip_prefix("--dry-run").or_else(|| w.strip_prefix("--dryrun")) {
        Some("") => true,
        Some(value) => value.starts_with('=') && !matches!(value, "=none" | "=false"),
        None => false,
    })
}

fn fixed(line: &Line, place: Span) -> Option<Target> {
    let stage = Stage::from_name(&line.stage)?;
    Some(Target {
        stage: Value::Known(stage),
        name: Value::Known(line.stage.clone()),
        basis: Basis::Context,
        place,
    })
}

/// The target that says most: a certain one before one that a name tells, and that before an open one.
fn best(told: impl Iterator<Item = Target>) -> Option<Target> {
    let mut best: Option<Target> = None;
    for target in told {
        if target.stage.is_certain() && target.basis != Basis::Name {
            return Some(target);
        }
        if best.as_ref().is_none_or(|b| !b.stage.is_certain() && target.stage.is_certain()) {
            best = Some(target);
        }
    }
    best
}

fn push_effects(
    does: &str,
    tool: &str,
    place: Span,
    artifacts: &[Artifact],
    target: Option<&Target>,
    peer: Option<&Target>,
    effects: &mut Vec<Effect>,
) {
    for word in does.split_whitespace() {
        let (name, detail) = word.split_once(':').map_or((word, None), |(n, d)| (n, Some(d)));
        let Some(effect) = EffectKind::from_name(name) else { continue };
        let mut push = |artifact: Option<Artifact>| {
            effects.push(Effect {
                place,
                effect,
                tool: tool.to_owned(),
                artifact,
                target: target.cloned(),
                peer: peer.cloned(),
                detail: detail.map(str::to_owned),
                origin: None,
            });
        };
        if artifacts.is_empty() {
            push(None);
        } else {
            artifacts.iter().cloned().for_each(|a| push(Some(a)));
        }
    }
}

impl Target {
    /// Whether it is a place other than a developer's or a pipeline's own machine, as far as known.
    fn may_be_shared(&self) -> bool {
        self.stage.possible().iter().any(|s| !matches!(s, Stage::Local | Stage::Ci))
    }
}
