//! Jenkins pipelines: declarative (`pipeline { … }`) and what can be known of scripted ones (`node { … }`).
//! Every stage that runs steps is a job, and so is each part of its `post`.
//! <https://www.jenkins.io/doc/book/pipeline/syntax/>

mod condition;
mod containers;
mod declarative;
mod head;
mod job;
mod known;
mod scripted;
mod steps;
#[cfg(test)]
mod tests;
mod walk;

use super::names::{ends, name, vendored, within};
use super::{Abroad, Parsed, Text, commands};
use crate::facts::*;
use crate::source::{Reference, UnreadClass};
use crate::syntax::groovy::{self, Block, Call, Expr, Script, Statement};
use crate::text::{Span, Spanned};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use walk::Walk;

/// Why a library was not followed.
pub(super) const LIBRARY: &str = "a shared library lies outside this repository";

/// `Jenkinsfile`, alone or as a part of the name, and Groovy files in a folder of that name.
pub(super) fn claims(path: &str, _: bool) -> bool {
    let lower = name(path).to_ascii_lowercase();
    let text =
        [".md", ".txt", ".html", ".adoc", ".rst", ".json", ".yaml", ".yml", ".xml", ".png", ".svg", ".sh"];
    let named = lower.starts_with("jenkinsfile")
        && lower[11..].bytes().next().is_none_or(|b| !b.is_ascii_alphabetic())
        || ends(&lower, &["jenkinsfile", ".jenkins", "jenkinsfile.groovy"]);
    let placed = lower.ends_with(".groovy") && within(path, &["jenkins", ".jenkins", "jenkinsfiles"]);
    (named && !ends(&lower, &text) || placed) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let script = groovy::parse(text.text);
    let named =
        !name(text.path).ends_with(".groovy") || name(text.path).to_ascii_lowercase().contains("jenkinsfile");
    let Some(pipeline) = Reading::new(text, &script).pipeline(named) else {
        if named && !text.text.trim().is_empty() && !script.statements.is_empty() {
            parsed.problems.push((UnreadClass::Unparsed, "no `pipeline`, `node` or `stage` in it".into()));
        }
        return parsed;
    };
    if let Some((at, what)) = script.errors.first() {
        let line = text.text[..at.start].matches('\n').count() + 1;
        parsed.problems.push((UnreadClass::Partly, format!("not Groovy: {what} in line {line}")));
    } else if !script.complete {
        parsed.problems.push((UnreadClass::Partly, "blocks nest too deeply".into()));
    }
    let steps = pipeline.jobs.iter().flat_map(|j| &j.steps);
    parsed.wants = steps
        .flat_map(|s| s.commands.iter().filter_map(|c| commands::called_script(c, s.folder.as_deref())))
        .collect();
    parsed.wants.sort();
    parsed.wants.dedup();
    parsed.abroad = abroad(&pipeline);
    let mut seen = BTreeSet::new();
    let images = pipeline.jobs.iter().flat_map(|j| &j.images).filter(|u| seen.insert(u.place.range().start));
    parsed.facts.base_images = images.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect();
    parsed.facts.pipelines.push(pipeline);
    parsed
}

/// Where the steps may be defined that nobody knows: in one of the libraries.
fn abroad(pipeline: &Pipeline) -> Vec<Abroad> {
    let is_library = |used: &&Use| used.unresolved.as_deref() == Some(LIBRARY);
    let libraries: Vec<&Use> = pipeline.includes.iter().filter(is_library).collect();
    let steps = pipeline.jobs.iter().flat_map(|j| &j.steps).filter_map(|s| s.uses.as_ref());
    let unknown = steps.filter(|u| u.unresolved.is_some() && !u.name.contains(['/', '|', '*', '?']));
    let pairs = unknown.flat_map(|step| libraries.iter().map(move |library| (step, library)));
    pairs
        .map(|(step, library)| Abroad {
            reference: Reference {
                name: library.name.clone(),
                version: library.version.as_ref().map(|v| v.value.clone()),
            },
            path: format!("vars/{}.groovy", step.name),
            kind: "jenkins",
            place: step.place,
            needed: false,
        })
        .collect()
}

/// One file while it is read.
struct Reading<'a> {
    text: &'a Text<'a>,
    script: &'a Script,
    functions: BTreeMap<&'a str, (&'a [String], &'a Block)>,
    /// Where a shared library is taken in.
    libraries: Vec<Use>,
}

impl<'a> Reading<'a> {
    fn new(text: &'a Text<'a>, script: &'a Script) -> Reading<'a> {
        let mut functions: BTreeMap<&'a str, (&'a [String], &'a Block)> = BTreeMap::new();
        for statement in &script.statements {
            if let Statement::Function { name, parameters, body } = statement {
                functions.insert(name, (parameters, body));
            }
        }
        let mut reading = Reading { text, script, functions, libraries: Vec::new() };
        let found: Vec<Use> = script.statements.iter().flat_map(|s| reading.library(s)).collect();
        reading.libraries = found;
        reading
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span { file: self.text.file, start: range.start as u32, end: range.end as u32 }
    }

    /// What a text, or texts and names joined, say; what the run puts in stays as `${NAME}`.
    fn said(&self, expression: &Expr) -> Option<Spanned<String>> {
        let passage = expression.passage(self.text.file, self.text.text)?;
        Some(Spanned::new(passage.text().to_owned(), self.span(&expression.at())))
    }

    /// The same, of an argument.
    fn argument(&self, call: &Call, name: &str) -> Option<Spanned<String>> {
        self.said(&call.named(name)?.value)
    }

    /// The argument of a call that has only one that matters: by its name or as the first without one.
    fn first(&self, call: &Call, name: &str) -> Option<Spanned<String>> {
        self.argument(call, name).or_else(|| self.said(call.plain().next()?))
    }

    /// `@Library('name@version') _` and `library 'name@version'`: its steps lie in another repository.
    /// <https://www.jenkins.io/doc/book/pipeline/shared-libraries/>
    fn library(&self, statement: &Statement) -> Vec<Use> {
        let Statement::Value { value: Expr::Call(call), .. } = statement else { return Vec::new() };
        if !matches!(call.name.as_str(), "@Library" | "library") {
            return Vec::new();
        }
        let listed: Vec<&Expr> = match call.arguments.first().map(|a| &a.value) {
            Some(Expr::List(all, _)) => all.iter().map(|a| &a.value).collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        listed.into_iter().filter_map(|e| self.said(e)).map(|t| library(&t)).collect()
    }

    fn pipeline(&self, named: bool) -> Option<Pipeline> {
        let top = &self.script.statements;
        let call = self.functions.get("call").map(|(_, body)| &body.statements);
        let declared = find(top, "pipeline").or_else(|| find(call?, "pipeline"));
        let mut walk = Walk::new(self);
        let mut bundle = false;
        let place = match declared {
            Some(pipeline) => {
                walk.definitions(top);
                walk.declarative(pipeline);
                self.span(&pipeline.name_at)
            }
            None => {
                let scripted = ["node", "stage", "podTemplate", "parallel"];
                let body = match call.filter(|b| holds(b, &scripted, 0)) {
                    Some(body) => body,
                    None => top,
                };
                let steps = call.filter(|_| within(self.text.path, &["vars"]) && !holds(body, &scripted, 0));
                let body = steps.unwrap_or(body);
                bundle = steps.is_some();
                // A file may be nothing but the call of a shared library's pipeline.
                if !(bundle || holds(body, &scripted, 0) || named && calls_anything(top)) {
                    return None;
                }
                walk.scripted(body);
                let first = top.iter().find_map(|s| match s {
                    Statement::Value { value: Expr::Call(call), .. } if !call.name.starts_with('@') => {
                        Some(&call.name_at)
                    }
                    _ => None,
                });
                self.span(first.unwrap_or(&(0..0)))
            }
        };
        let own = self.functions.get("call").filter(|_| within(self.text.path, &["vars"]));
        let complete = walk.complete && self.script.errors.is_empty() && self.script.complete;
        let role =
            if declared.is_some() && find(top, "pipeline").is_none() { Role::Callable } else { Role::Entry };
        let role = if bundle { Role::Composite } else { role };
        let mut includes = self.libraries.clone();
        includes.append(&mut walk.outside);
        let mut pipeline = Pipeline {
            place,
            name: self.text.path.to_owned(),
            dialect: Dialect::Jenkins,
            role,
            triggers: Vec::new(),
            settings: std::mem::take(&mut walk.head.settings),
            secrets: std::mem::take(&mut walk.head.secrets),
            permissions: Vec::new(),
            // What lies outside is looked for when all files are read.
            complete,
            includes,
            commented: self.commented(),
            jobs: std::mem::take(&mut walk.jobs),
            parts: Vec::new(),
            outputs: Vec::new(),
        };
        pipeline.triggers = walk.head.triggers(place);
        if let Some((parameters, _)) = own {
            let mut called = Trigger::new(TriggerKind::Call, "vars", place);
            called.inputs = parameters.iter().map(|name| parameter(name, place)).collect();
            pipeline.triggers.push(called);
        }
        Some(pipeline)
    }

    /// Comments that are steps or stages.
    fn commented(&self) -> Vec<Spanned<String>> {
        let mut found = Vec::new();
        for comment in &self.script.comments {
            let mut at = comment.start;
            for line in self.text.text[comment.clone()].split_inclusive('\n') {
                let body =
                    line.trim().trim_start_matches(['/', '*', ' ', '\t']).trim_end_matches(['*', '/', ' ']);
                let call = ["sh", "bat", "powershell", "pwsh", "stage", "input", "build", "junit"]
                    .iter()
                    .any(|step| {
                        body.strip_prefix(step).is_some_and(|rest| {
                            rest.trim_start().starts_with(['\'', '"', '(']) || rest.starts_with(" script:")
                        })
                    });
                if call && let Some(offset) = line.find(body) {
                    let range = at + offset..at + offset + body.len();
                    found.push(Spanned::new(body.to_owned(), self.span(&range)));
                }
                at += line.len();
            }
        }
        found
    }
}

/// A parameter of a library's step.
fn parameter(name: &str, place: Span) -> Input {
    Input { place, name: name.to_owned(), input: None, options: Vec::new(), default: None, description: None }
}

/// A library by `name@version`.
fn library(reference: &Spanned<String>) -> Use {
    let (name, version) = match reference.value.split_once('@') {
        Some((name, version)) => (name.to_owned(), Some(Spanned::new(version.to_owned(), reference.span))),
        None => (reference.value.clone(), None),
    };
    Use {
        place: reference.span,
        sort: UseKind::Template,
        name,
        version,
        local: false,
        inputs: Vec::new(),
        unresolved: Some(LIBRARY.into()),
    }
}

/// The first call of this name among statements.
fn find<'s>(statements: &'s [Statement], name: &str) -> Option<&'s Call> {
    statements.iter().find_map(|s| match s {
        Statement::Value { value: Expr::Call(call), .. } if call.name == name && call.body.is_some() => {
            Some(call.as_ref())
        }
        _ => None,
    })
}

fn calls_anything(statements: &[Statement]) -> bool {
    statements
        .iter()
        .any(|s| matches!(s, Statement::Value { value: Expr::Call(call), .. } if !call.name.starts_with('@')))
}

/// Whether one of these is called within statements.
fn holds(statements: &[Statement], names: &[&str], depth: usize) -> bool {
    if depth > 64 {
        return false;
    }
    let inner = |b: &Block| holds(&b.statements, names, depth + 1);
    statements.iter().any(|s| match s {
        Statement::Value { value: Expr::Call(call), .. } => {
            let closure = |a: &groovy::Argument| matches!(&a.value, Expr::Closure(b) if inner(b));
            let known = names.contains(&call.name.as_str());
            known || call.body.as_ref().is_some_and(inner) || call.arguments.iter().any(closure)
        }
        Statement::If(branches) => branches.iter().any(|(_, b)| inner(b)),
        Statement::Try { body, catches, finally } => {
            inner(body) || catches.iter().any(inner) || finally.as_ref().is_some_and(inner)
        }
        Statement::Repeat(_, body) | Statement::Function { body, .. } => inner(body),
        _ => false,
    })
}
