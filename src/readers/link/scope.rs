//! Variables and expressions in reach of a command, and texts in which they stand.

use crate::facts::{Job, Pipeline, Setting, Step, TriggerKind, Value, Word};
use std::collections::HashMap;

/// A text has at most so many possible values; beyond, the first ones are looked at.
const MOST_VALUES: usize = 16;
/// Values longer than this are not looked into.
const LONGEST: usize = 4096;
/// An expression is at most so long.
const LONGEST_EXPRESSION: usize = 512;
/// Variables may stand in the values of variables so often.
const DEEPEST: usize = 4;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Written out.
    Literal(&'a str),
    /// A variable or expression.
    Expr {
        /// As written.
        raw: &'a str,
        /// Its name: `inputs.env`, `STAGE`, `git rev-parse HEAD`.
        name: &'a str,
        /// What holds if it is not set (`${STAGE:-dev}`).
        default: Option<&'a str>,
    },
}

/// Values of inputs, by name.
pub(super) type Inputs = HashMap<String, Value<String>>;

/// Where names are looked up, the nearest first.
#[derive(Default, Clone, Copy)]
pub(super) struct Scope<'a> {
    layers: [&'a [Setting]; 3],
    matrix: &'a [(String, Vec<String>)],
    asked: Option<&'a Pipeline>,
    inputs: Option<&'a Inputs>,
    jobs: &'a [Job],
    steps: &'a [Step],
    outputs: &'a [(String, String)],
}

impl<'a> Scope<'a> {
    /// What a step can refer to. Inputs are those that a person is asked for; a pipeline that others call
    /// has its inputs from the call, and here they stay open.
    pub(super) fn of(pipeline: &'a Pipeline, job: &'a Job, step: Option<&'a Step>) -> Scope<'a> {
        let called = pipeline.triggers.iter().any(|t| t.trigger == TriggerKind::Call);
        Scope {
            layers: [step.map_or(&[], |s| &s.settings), &job.settings, &pipeline.settings],
            matrix: &job.dimensions,
            asked: (!called).then_some(pipeline),
            inputs: None,
            jobs: &pipeline.jobs,
            steps: &job.steps,
            outputs: &job.outputs,
        }
    }

    /// Only the inputs of a call.
    pub(super) fn of_inputs(inputs: &'a Inputs) -> Scope<'a> {
        Scope { inputs: Some(inputs), ..Scope::default() }
    }

    /// The values that a name can have; empty if it is not known here.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        if let Some(dimension) = name.strip_prefix("matrix.") {
            let found = self.matrix.iter().find(|(n, _)| n == dimension);
            return found.map(|(_, values)| values.clone()).unwrap_or_default();
        }
        if let Some(input) = name.strip_prefix("inputs.") {
            if let Some(value) = self.inputs.and_then(|inputs| inputs.get(input)) {
                return match value {
                    Value::Expr(text) => vec![text.clone()],
                    other => other.possible().to_vec(),
                };
            }
            return self.asked.map(|p| asked(p, input)).unwrap_or_default();
        }
        if let Some((job, output)) = name.strip_prefix("needs.").and_then(|n| n.split_once(".outputs.")) {
            let job = self.jobs.iter().find(|j| j.id == job);
            let found = job.and_then(|j| j.outputs.iter().find(|(n, _)| n == output));
            return found.map(|(_, text)| text.clone()).into_iter().collect();
        }
        // What a composite action gives back is noted with the job.
        if name.starts_with("steps.") {
            let found = self.outputs.iter().find(|(n, _)| n == name);
            return found.map(|(_, text)| text.clone()).into_iter().collect();
        }
        // A parameter of a library's step, by its bare name.
        if let Some(value) =
            self.inputs.and_then(|inputs| inputs.get(&format!("call:{}", name.replace('.', "_"))))
        {
            return match value {
                Value::Expr(text) => vec![text.clone()],
                other => other.possible().to_vec(),
            };
        }
        let setting = self.layers.iter().flat_map(|l| l.iter()).find(|s| s.key == name);
        // What a variable is set to is worth knowing even where the run decides a part of it.
        match setting.map(|s| &s.setting) {
            Some(Value::Expr(text)) => vec![text.clone()],
            Some(other) => other.possible().to_vec(),
            None => {
                let given = self.inputs.and_then(|inputs| inputs.get(&format!("${name}")));
                given.map(|v| v.possible().to_vec()).unwrap_or_default()
            }
        }
    }

    /// The step of the same job whose outputs a name reads: `steps.meta.outputs.tags`, and which output.
    pub(super) fn step_output<'n>(&self, name: &'n str) -> Option<(&'a Step, &'n str)> {
        let (id, output) = name.strip_prefix("steps.")?.split_once(".outputs.")?;
        Some((self.steps.iter().find(|s| s.id.as_deref() == Some(id))?, output))
    }

    /// The values that a text can have, variables replaced as far as they are known.
    pub(super) fn expand(&self, text: &str) -> Vec<String> {
        let mut all = vec![text.to_owned()];
        for _ in 0..DEEPEST {
            let mut next: Vec<String> = Vec::new();
            let mut changed = false;
            for text in &all {
                let mut made = vec![String::new()];
                for piece in pieces(text) {
                    let values = match &piece {
                        Piece::Literal(l) => vec![(*l).to_owned()],
                        Piece::Expr { raw, name, default } => {
                            let mut values = self.values(name);
                            values.retain(|v| v.len() <= LONGEST && !v.contains(raw));
                            if values.is_empty() && self.inputs.is_none() {
                                values.extend(default.map(str::to_owned).filter(|d| !d.is_empty()));
                            }
                            changed |= !values.is_empty();
                            if values.is_empty() { vec![(*raw).to_owned()] } else { values }
                        }
                    };
                    made = combine(&made, &values);
                }
                next.extend(made);
            }
            next.dedup();
            next.truncate(MOST_VALUES);
            all = next;
            if !changed || all.iter().any(|t| t.len() > LONGEST) {
                break;
            }
        }
        all
    }

    /// The values that a word can have.
    pub(super) fn word(&self, word: &Word) -> Vec<String> {
        if word.literal {
            return vec![word.text.clone()];
        }
        let known = word.values.iter().filter(|v| **v != word.text).take(MOST_VALUES);
        let mut all: Vec<String> = known.flat_map(|v| self.expand(v)).take(MOST_VALUES).collect();
        if all.is_empty() {
            all = self.expand(&word.text);
        }
        all
    }

    /// The values that a value can have; an expression is expanded.
    pub(super) fn value(&self, value: &Value<String>) -> Vec<String> {
        match value {
            Value::Expr(text) => self.expand(text),
            other => other.possible().iter().flat_map(|v| self.expand(v)).take(MOST_VALUES).collect(),
        }
    }
}

/// What the person who starts a pipeline can answer.
fn asked(pipeline: &Pipeline, input: &str) -> Vec<String> {
    let inputs = pipeline.triggers.iter().flat_map(|t| &t.inputs);
    let Some(input) = inputs.into_iter().find(|i| i.name == input) else { return Vec::new() };
    if input.options.is_empty() {
        // A default of a free text is one answer among others that nobody can list.
        return Vec::new();
    }
    input.options.iter().map(|o| o.value.clone()).collect()
}

fn combine(starts: &[String], ends: &[String]) -> Vec<String> {
    let pairs = starts.iter().flat_map(|s| ends.iter().map(move |e| format!("{s}{e}")));
    pairs.take(MOST_VALUES).collect()
}

/// A text cut into what is written out and what is looked up.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while let Some(offset) = text[at..].find(['$', '{', '`']) {
        let start = at + offset;
        match expression(&text[start..]) {
            Some((length, name, default)) => {
                if literal < start {
                    found.push(Piece::Literal(&text[literal..start]));
                }
                found.push(Piece::Expr { raw: &text[start..start + length], name: canonical(name), default });
                at = start + length;
                literal = at;
            }
            None => at = start + 1,
        }
    }
    if literal < text.len() {
        found.push(Piece::Literal(&text[literal..]));
    }
    found
}

/// The expression at the start of `text`: its length, its inside, and its default.
fn expression(text: &str) -> Option<(usize, &str, Option<&str>)> {
    // Without a bound, a text of openings that never close would take quadratic time.
    let text = &text[..text.floor_char_boundary(LONGEST_EXPRESSION)];
    for (open, close) in [("${{", "}}"), ("$[[", "]]"), ("{{", "}}"), ("$((", "))")] {
        if let Some(rest) = text.strip_prefix(open) {
            let end = rest.find(close)?;
            return Some((open.len() + end + close.len(), rest[..end].trim(), None));
        }
    }
    if let Some(rest) = text.strip_prefix("$(") {
        let end = closing(rest, b'(', b')')?;
        return Some((end + 3, rest[..end].trim(), None));
    }
    if let Some(rest) = text.strip_prefix("${") {
        let end = closing(rest, b'{', b'}')?;
        let inside = &rest[..end];
        let name_end =
            inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(inside.len());
        let (name, tail) = inside.split_at(name_end);
        let default =
            tail.strip_prefix(":-").or_else(|| tail.strip_prefix('-')).or_else(|| tail.strip_prefix(":="));
        return Some((end + 3, name, default));
    }
    if let Some(rest) = text.strip_prefix('`') {
        let end = rest.find('`')?;
        return Some((end + 2, rest[..end].trim(), None));
    }
    let rest = text.strip_prefix('$')?;
    let end = match rest.bytes().next()? {
        b'0'..=b'9' | b'@' | b'*' => 1,
        b if b.is_ascii_alphabetic() || b == b'_' => {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        }
        _ => return None,
    };
    Some((end + 1, &rest[..end], None))
}

/// Where what opened before `text` closes.
fn closing(text: &str, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0u32;
    for (at, byte) in text.bytes().enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

/// One name for what services call differently: `env.X` is `X`, `github.event.inputs.x` is `inputs.x`.
fn canonical(name: &str) -> &str {
    let name = name.strip_prefix("env.").unwrap_or(name);
    let name = name.strip_prefix("github.event.").filter(|n| n.starts_with("inputs.")).unwrap_or(name);
    if name.starts_with("parameters.") || name.starts_with("params.") {
        return name;
    }
    name.strip_prefix('.').unwrap_or(name)
}
