//! `<< parameters.x >>`: what is put in before anything runs.
//! <https://circleci.com/docs/reusing-config/#using-the-parameters-declaration>

use super::space::Space;
use crate::lexicon::{Environments, classify};
use crate::readers::variables::Variables;
use crate::syntax::tree::{Kind, Node};
use crate::text::Passage;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// A parameter's value is at most so long; a longer one stays open.
const LONGEST: usize = 2 * 1024;
/// What is put into one text is at most so much longer than the text.
const MOST_PUT: usize = 128 * 1024;
/// An expression is at most so long.
const LONGEST_NAME: usize = 200;

/// What a parameter stands for.
#[derive(Clone)]
pub(super) enum Arg<'t> {
    /// A text; `${name}` in it stands for what the run, or a matrix, decides.
    Text(String),
    /// Steps, an executor or another structure, with the scope in which it is written.
    Node(Node<'t>, Rc<Scope<'t>>),
}

/// A parameter of the whole pipeline, which whoever starts it by hand may set.
#[derive(Clone)]
pub(super) struct PipelineParameter {
    pub(super) default: Option<String>,
    /// Whether only the run decides: an environment that is asked for, or a switch.
    open: bool,
}

/// The parameters that hold at one place.
pub(super) struct Scope<'t> {
    /// Names that hold there.
    pub(super) space: Space<'t>,
    args: BTreeMap<String, Arg<'t>>,
    pipeline: Rc<BTreeMap<String, PipelineParameter>>,
    /// What `${name}` can stand for, by name.
    pub(super) choices: Rc<BTreeMap<String, Vec<String>>>,
}

impl<'t> Scope<'t> {
    /// Only the parameters of the pipeline.
    pub(super) fn of_pipeline(root: Node<'t>, space: Space<'t>, environments: &Environments) -> Scope<'t> {
        let mut pipeline = BTreeMap::new();
        let mut choices = BTreeMap::new();
        for (name, body) in root.get("parameters").map(|p| p.merged_entries()).unwrap_or_default() {
            let Some(name) = name.as_str() else { continue };
            let default = body.get("default").map(|d| d.as_str().unwrap_or("").to_owned());
            let kind = body.get("type").and_then(|t| t.as_str()).unwrap_or("string");
            let options: Vec<String> = body
                .get("enum")
                .into_iter()
                .flat_map(|e| e.items())
                .filter_map(|e| e.as_str().map(str::to_owned))
                .collect();
            let names_environment = default.as_deref().is_none_or(|d| classify(d, environments).is_some());
            let open = kind == "boolean" || !options.is_empty() || names_environment;
            if !options.is_empty() {
                choices.insert(variable(name), options);
            }
            pipeline.insert(name.to_owned(), PipelineParameter { default, open });
        }
        Scope { space, args: BTreeMap::new(), pipeline: Rc::new(pipeline), choices: Rc::new(choices) }
    }

    /// The scope inside a definition: its declared parameters, as `given` (written in `outer`) or by default.
    pub(super) fn inside(
        definition: Node<'t>,
        space: Space<'t>,
        given: Option<Node<'t>>,
        outer: &Rc<Scope<'t>>,
    ) -> Scope<'t> {
        let bare = Rc::new(Scope { space, ..outer.bare() });
        let mut args = BTreeMap::new();
        for (name, body) in definition.get("parameters").map(|p| p.merged_entries()).unwrap_or_default() {
            let Some(name) = name.as_str() else { continue };
            let own = given.filter(|g| g.kind() == Kind::Mapping).and_then(|g| g.get(name));
            let arg = match own {
                Some(node) => Some(outer.arg(node, outer)),
                None => body.get("default").map(|node| bare.arg(node, &bare)),
            };
            args.extend(arg.map(|arg| (name.to_owned(), arg)));
        }
        Scope { space, args, pipeline: outer.pipeline.clone(), choices: outer.choices.clone() }
    }

    /// A scope with the same names and no parameters but the pipeline's.
    pub(super) fn bare(&self) -> Scope<'t> {
        Scope {
            space: self.space,
            args: BTreeMap::new(),
            pipeline: self.pipeline.clone(),
            choices: self.choices.clone(),
        }
    }

    /// Gives a parameter all values that it can have.
    pub(super) fn choose(&mut self, name: &str, values: Vec<String>) {
        let text = match values.as_slice() {
            [one] => one.clone(),
            _ => format!("${{{}}}", variable(name)),
        };
        if values.len() > 1 {
            Rc::make_mut(&mut self.choices).insert(variable(name), values);
        }
        self.args.insert(name.to_owned(), Arg::Text(text));
    }

    fn arg(&self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Arg<'t> {
        match node.as_str() {
            Some(text) => match self.whole(text) {
                Some(arg @ Arg::Node(..)) => arg,
                _ => Arg::Text(self.fill(text)),
            },
            None if node.is_null() => Arg::Text(String::new()),
            None => Arg::Node(node, scope.clone()),
        }
    }

    /// The parameter that is all of a text.
    pub(super) fn whole(&self, text: &str) -> Option<Arg<'t>> {
        let name = text.trim().strip_prefix("<<")?.strip_suffix(">>")?.trim();
        self.args.get(name.strip_prefix("parameters.").or(name.strip_prefix("matrix."))?).cloned()
    }

    /// What `${name}` can stand for, as variables of the shell.
    pub(super) fn define(&self, variables: &mut Variables<'_>) {
        for (name, values) in self.choices.iter() {
            variables.set(name, values.clone());
        }
    }

    /// A text with the parameters put in.
    pub(super) fn fill(&self, text: &str) -> String {
        if !text.contains("<<") {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for part in self.parts(text, false) {
            match part {
                Part::Keep(range) => out.push_str(&text[range]),
                Part::Put(put, _) => out.push_str(&put),
            }
        }
        out
    }

    /// [`Scope::fill`], with every pipeline parameter at its default.
    pub(super) fn fill_by_default(&self, text: &str) -> String {
        let mut out = String::new();
        for part in self.parts(text, true) {
            match part {
                Part::Keep(range) => out.push_str(&text[range]),
                Part::Put(put, _) => out.push_str(&put),
            }
        }
        out
    }

    /// A scalar's text with the parameters put in, each at the place of its expression.
    pub(super) fn passage(&self, node: Node<'t>) -> Passage {
        let passage = node.passage();
        let text = passage.text();
        if !text.contains("<<") {
            return passage;
        }
        let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
        for part in self.parts(text, false) {
            match part {
                Part::Keep(range) => out.append(&passage, range),
                Part::Put(put, range) => out.push_meaning(&put, passage.span(range).range()),
            }
        }
        out
    }

    fn parts(&self, text: &str, by_default: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = 0;
        let mut put = 0;
        // Sections that do not hold are left out; of those around, the outermost counts.
        let mut dropped: Option<&str> = None;
        for (range, mark) in marks(text) {
            if dropped.is_none() && from < range.start {
                // `\<<` writes `<<`.
                parts.push(Part::Keep(from..range.start));
            }
            from = range.end;
            match mark {
                Mark::Value(name) if dropped.is_none() => {
                    let value = self.value(name, by_default);
                    put += value.len();
                    let value = if put > MOST_PUT { format!("${{{}}}", variable(name)) } else { value };
                    parts.push(Part::Put(value, range));
                }
                Mark::Open(name, negated) if dropped.is_none() => {
                    let holds = truth(&self.value(name, by_default));
                    if holds == Some(negated) {
                        dropped = Some(name);
                    }
                }
                Mark::Close(name) if dropped == Some(name) => dropped = None,
                _ => {}
            }
        }
        if dropped.is_none() && from < text.len() {
            parts.push(Part::Keep(from..text.len()));
        }
        parts
    }

    fn value(&self, name: &str, by_default: bool) -> String {
        let open = || format!("${{{}}}", variable(name));
        if let Some(own) = name.strip_prefix("parameters.").or(name.strip_prefix("matrix.")) {
            return match self.args.get(own) {
                Some(Arg::Text(text)) if text.len() <= LONGEST => text.clone(),
                _ => open(),
            };
        }
        if let Some(own) = name.strip_prefix("pipeline.parameters.") {
            let known = self.pipeline.get(own).filter(|p| by_default || !p.open);
            return known
                .and_then(|p| p.default.clone())
                .unwrap_or_else(|| format!("${{{}}}", variable(own)));
        }
        match name {
            "pipeline.git.revision" => "${CIRCLE_SHA1}".to_owned(),
            "pipeline.git.branch" => "${CIRCLE_BRANCH}".to_owned(),
            "pipeline.git.tag" => "${CIRCLE_TAG}".to_owned(),
            _ => open(),
        }
    }
}

enum Part {
    Keep(Range<usize>),
    /// What is put in, and where its expression stands.
    Put(String, Range<usize>),
}

enum Mark<'a> {
    Value(&'a str),
    /// `<<# parameters.x >>`; negated with `^`.
    Open(&'a str, bool),
    /// `<</ parameters.x >>`.
    Close(&'a str),
}

/// The expressions of a text.
fn marks(text: &str) -> impl Iterator<Item = (Range<usize>, Mark<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(offset) = text.get(at..)?.find("<<") {
            let start = at + offset;
            at = start + 2;
            let escaped = text[..start].ends_with('\\');
            let window = &text[at..text.floor_char_boundary((at + LONGEST_NAME).min(text.len()))];
            let Some(len) = window.find(">>").filter(|_| !escaped) else { continue };
            let inside = window[..len].trim();
            let (sign, name) = match inside.as_bytes().first() {
                Some(b'#' | b'^' | b'/') => inside.split_at(1),
                _ => ("", inside),
            };
            let name = name.trim();
            let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            let known = ["parameters.", "pipeline.", "matrix."].iter().any(|p| name.starts_with(p));
            if !word || !known {
                continue;
            }
            at += len + 2;
            let mark = match sign {
                "#" => Mark::Open(name, false),
                "^" => Mark::Open(name, true),
                "/" => Mark::Close(name),
                _ => Mark::Value(name),
            };
            return Some((start..at, mark));
        }
        None
    })
}

/// The name of the variable that stands for a parameter of which only the run knows the value.
fn variable(name: &str) -> String {
    let name = ["pipeline.parameters.", "parameters.", "matrix."]
        .iter()
        .find_map(|p| name.strip_prefix(p))
        .unwrap_or(name);
    name.replace(['-', '.'], "_")
}

/// Whether a text counts as true; `None` if the run decides.
/// <https://circleci.com/docs/configuration-reference/#logic-statements>
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "" | "false" | "0" | "null" | "~" | "NaN" => Some(false),
        text if text.contains("${") => None,
        _ => Some(true),
    }
}
