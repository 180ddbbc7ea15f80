//! Intrinsic functions, in their long and short forms.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use crate::facts::Value;
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Functions in functions.
const DEEPEST: usize = 24;

/// Steps for one template.
const MOST_STEPS: u32 = 1_000_000;

/// What a node comes to.
pub(super) enum Outcome<'t> {
    /// A scalar, and the place in the template that owns it.
    Text(Value<String>, Span),
    /// A container, to be walked.
    Node(Node<'t>),
    /// No value at all: `AWS::NoValue`, or nothing is written.
    Nothing,
    /// It depends on what is not here, and may be a container.
    Unknown,
}

/// A function and its argument.
fn function<'t>(node: Node<'t>) -> Option<(&'t str, Node<'t>)> {
    if let Some(tag) = node.tag().and_then(|t| t.strip_prefix('!')).filter(|t| !t.starts_with('!')) {
        return Some((tag, node));
    }
    if node.kind() != Kind::Mapping {
        return None;
    }
    let mut entries = node.entries();
    let (key, value) = entries.next()?;
    let name = key.as_str()?;
    let name = match name {
        "Ref" | "Condition" => name,
        _ => name.strip_prefix("Fn::")?,
    };
    entries.next().is_none().then_some((name, value))
}

/// Parameters with their values, and what the template says besides.
pub(super) struct Parameters<'t> {
    root: Node<'t>,
    known: BTreeMap<String, (Value<String>, Span)>,
    /// Steps that may still be made: conditions that name each other, and aliases, could multiply.
    fuel: Cell<u32>,
}

impl<'t> Parameters<'t> {
    /// Parameters with what they are by default, or may be.
    pub(super) fn new(root: Node<'t>) -> Parameters<'t> {
        let mut known = BTreeMap::new();
        for (key, parameter) in root.get("Parameters").into_iter().flat_map(|p| p.entries()) {
            let Some(name) = key.as_str() else { continue };
            let allowed = parameter.get("AllowedValues").into_iter().flat_map(|a| a.items());
            let allowed: Vec<String> = allowed.filter_map(|n| n.as_str().map(str::to_owned)).collect();
            let default = parameter.get("Default").filter(|d| d.as_str().is_some());
            let place = default.map_or(key.span(), |d| d.span());
            // The Systems Manager, not the template, has the value: the default is its name there.
            let elsewhere =
                parameter.get("Type").and_then(|t| t.as_str()).is_some_and(|t| t.starts_with("AWS::SSM"));
            let value = match (default.and_then(|d| d.as_str()), Value::from_possible(allowed)) {
                _ if elsewhere => Value::Expr(name.to_owned()),
                (_, Some(several @ Value::OneOf(_))) => several,
                (Some(default), _) => Value::Known(default.to_owned()),
                (None, Some(one)) => one,
                (None, None) => Value::Expr(name.to_owned()),
            };
            known.insert(name.to_owned(), (value, place));
        }
        Parameters { root, known, fuel: Cell::new(MOST_STEPS) }
    }

    /// The same for one environment.
    pub(super) fn with_environment(&self, names: &[String], value: &str, place: Span) -> Parameters<'t> {
        let mut known = self.known.clone();
        for name in names {
            let allows = known.get(name).is_some_and(|(v, _)| v.possible().iter().any(|p| p == value));
            if allows {
                known.insert(name.clone(), (Value::Known(value.to_owned()), place));
            }
        }
        Parameters { root: self.root, known, fuel: Cell::new(MOST_STEPS) }
    }

    /// What a node comes to. Containers without a function stay as they are.
    pub(super) fn value(&self, node: Node<'t>, depth: usize) -> Outcome<'t> {
        if depth > DEEPEST || !self.goes_on() {
            return Outcome::Unknown;
        }
        let Some((name, argument)) = function(node) else {
            return match node.kind() {
                Kind::Null => Outcome::Nothing,
                Kind::Scalar => {
                    Outcome::Text(Value::Known(node.as_str().unwrap_or("").to_owned()), node.span())
                }
                _ => Outcome::Node(node),
            };
        };
        let expression = |text: &str| Outcome::Text(Value::Expr(text.to_owned()), node.span());
        match name {
            "Ref" => match argument.as_str() {
                Some("AWS::NoValue") => Outcome::Nothing,
                Some(name) => match self.known.get(name) {
                    Some((value, place)) => Outcome::Text(value.clone(), *place),
                    None => expression(name),
                },
                None => Outcome::Unknown,
            },
            "Sub" => {
                let list = argument.kind() == Kind::Sequence;
                let text = if list { argument.items().next() } else { Some(argument) };
                let variables = if list { argument.items().nth(1) } else { None };
                match text.and_then(|t| t.as_str()) {
                    Some(text) => Outcome::Text(self.substituted(text, variables, depth), node.span()),
                    None => Outcome::Unknown,
                }
            }
            "If" => {
                let mut parts = argument.items();
                let (condition, yes, no) = (parts.next(), parts.next(), parts.next());
                let chosen = match condition.and_then(|c| self.condition(c.as_str()?)) {
                    Some(true) => yes,
                    Some(false) => no,
                    None => return Outcome::Unknown,
                };
                chosen.map_or(Outcome::Unknown, |chosen| self.value(chosen, depth + 1))
            }
            "FindInMap" => {
                let keys: Vec<Option<String>> = argument.items().map(|k| self.text(k, depth + 1)).collect();
                let keys: Option<Vec<&str>> = keys.iter().take(3).map(|k| k.as_deref()).collect();
                let found =
                    keys.filter(|k| k.len() == 3).and_then(|k| self.root.at(&["Mappings", k[0], k[1], k[2]]));
                found.map_or(Outcome::Unknown, |found| self.value(found, depth + 1))
            }
            "Join" => {
                let mut parts = argument.items();
                let (by, list) = (parts.next().and_then(|b| b.as_str()), parts.next());
                let texts = list.into_iter().flat_map(|l| l.items()).map(|item| self.text(item, depth + 1));
                match texts.collect::<Option<Vec<String>>>() {
                    Some(texts) if list.is_some_and(|l| function(l).is_none()) => {
                        Outcome::Text(Value::Known(texts.join(by.unwrap_or(""))), node.span())
                    }
                    _ => expression(node.raw()),
                }
            }
            "GetAtt" | "ImportValue" | "Base64" | "GetAZs" | "Select" | "Split" | "Cidr" | "Length"
            | "ToJsonString" => match argument.as_str() {
                Some(text) => expression(text),
                None => Outcome::Text(Value::Expr(node.raw().chars().take(200).collect()), node.span()),
            },
            "Condition" => expression(argument.as_str().unwrap_or("")),
            _ => Outcome::Unknown,
        }
    }

    /// Takes a step, if there is one left.
    pub(super) fn goes_on(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0
    }

    fn text(&self, node: Node<'t>, depth: usize) -> Option<String> {
        match self.value(node, depth) {
            Outcome::Text(Value::Known(text), _) => Some(text),
            _ => None,
        }
    }

    /// `${Name}`, `${Resource.Attribute}`, `${!Literal}`.
    fn substituted(&self, text: &str, variables: Option<Node<'t>>, depth: usize) -> Value<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let Some(end) = rest[at..].find('}') else { break };
            let name = rest[at + 2..at + end].trim();
            rest = &rest[at + end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let own = variables.and_then(|v| v.get(name)).map(|n| self.text(n, depth + 1));
            let known = own.unwrap_or_else(|| self.known.get(name).and_then(|(v, _)| v.known().cloned()));
            match known {
                Some(value) => out.push_str(&value),
                None => return Value::Expr(text.to_owned()),
            }
        }
        out.push_str(rest);
        Value::Known(out)
    }

    /// Whether a condition of the template holds, if that is known.
    pub(super) fn condition(&self, name: &str) -> Option<bool> {
        self.holds(self.root.get("Conditions")?.get(name)?, 0)
    }

    fn holds(&self, node: Node<'t>, depth: usize) -> Option<bool> {
        if depth > DEEPEST || !self.goes_on() {
            return None;
        }
        let (name, argument) = function(node)?;
        let mut parts = argument.items();
        match name {
            "Equals" => {
                let (one, other) = (parts.next()?, parts.next()?);
                Some(self.text(one, depth + 1)? == self.text(other, depth + 1)?)
            }
            "Not" => self.holds(parts.next()?, depth + 1).map(|holds| !holds),
            "And" | "Or" => {
                let decides = name == "Or";
                let mut all_known = true;
                for part in parts {
                    match self.holds(part, depth + 1) {
                        Some(holds) if holds == decides => return Some(decides),
                        Some(_) => {}
                        None => all_known = false,
                    }
                }
                all_known.then_some(!decides)
            }
            "Condition" => {
                let other = self.root.get("Conditions")?.get(argument.as_str()?)?;
                self.holds(other, depth + 1)
            }
            _ => None,
        }
    }
}
