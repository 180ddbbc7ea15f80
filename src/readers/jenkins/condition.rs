//! `when`, and the conditions of `if`.
//! <https://www.jenkins.io/doc/book/pipeline/syntax/#when>

use super::Reading;
use crate::facts::Condition;
use crate::syntax::groovy::{Block, Call, Expr, Statement};
use crate::text::Span;

/// What a condition restricts to; `None` where it restricts nothing.
#[derive(Default, Clone)]
struct Limits {
    branches: Option<Vec<String>>,
    events: Option<Vec<String>>,
    never: bool,
}

impl Limits {
    fn and(self, other: Limits) -> Limits {
        let narrow = |a: Option<Vec<String>>, b: Option<Vec<String>>| match (a, b) {
            (Some(a), Some(b)) => Some(a.into_iter().filter(|v| b.contains(v)).collect()),
            (a, b) => a.or(b),
        };
        Limits {
            branches: narrow(self.branches, other.branches),
            events: narrow(self.events, other.events),
            never: self.never || other.never,
        }
    }

    fn or(self, other: Limits) -> Limits {
        if self.never || other.never {
            return if self.never { other } else { self };
        }
        let wide = |a: Option<Vec<String>>, b: Option<Vec<String>>| match (a, b) {
            (Some(mut a), Some(b)) => {
                a.extend(b);
                Some(a)
            }
            _ => None,
        };
        Limits {
            branches: wide(self.branches, other.branches),
            events: wide(self.events, other.events),
            never: false,
        }
    }
}

/// The words between the braces, blanks squeezed.
fn squeezed(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::text::shorten(&text, 200)
}

fn condition(place: Span, text: String, limits: Limits) -> Condition {
    Condition {
        never: limits.never,
        branches: limits.branches.unwrap_or_default(),
        events: limits.events.unwrap_or_default(),
        ..Condition::new(place, text)
    }
}

impl Reading<'_> {
    /// `when { … }`.
    pub(super) fn when(&self, block: &Block) -> Condition {
        let inner = block.at.start + 1..block.at.end.saturating_sub(1).max(block.at.start + 1);
        let text = self.text.text.get(inner).unwrap_or("");
        condition(self.span(&block.at), squeezed(text), self.all(block, 0))
    }

    /// Conditions that must all hold.
    fn all(&self, block: &Block, depth: usize) -> Limits {
        self.each(block, depth).into_iter().fold(Limits::default(), Limits::and)
    }

    fn each(&self, block: &Block, depth: usize) -> Vec<Limits> {
        if depth > 16 {
            return Vec::new();
        }
        block.statements.iter().filter_map(|s| self.one(s, depth)).collect()
    }

    fn one(&self, statement: &Statement, depth: usize) -> Option<Limits> {
        let Statement::Value { value: Expr::Call(call), .. } = statement else { return None };
        let event = |name: &str| Limits { events: Some(vec![name.to_owned()]), ..Limits::default() };
        Some(match call.name.as_str() {
            "branch" => match self.first(call, "pattern").map(|t| t.value) {
                Some(pattern) => Limits { branches: Some(vec![pattern]), ..Limits::default() },
                None => Limits::default(),
            },
            "tag" | "buildingTag" => event("tag"),
            "changeRequest" => event("pull-request"),
            "triggeredBy" => match self.first(call, "cause").map(|t| t.value).as_deref() {
                Some("TimerTrigger") => event("schedule"),
                Some("UserIdCause" | "BuildUpstreamCause") => event("manual"),
                _ => Limits::default(),
            },
            "allOf" => self.all(call.body.as_ref()?, depth + 1),
            "anyOf" => self.each(call.body.as_ref()?, depth + 1).into_iter().reduce(Limits::or)?,
            // What is left by a negation is not named.
            "not" => {
                let inner = self.all(call.body.as_ref()?, depth + 1);
                let always = self.is_constant(call, "true");
                Limits { never: always && !inner.never, ..Limits::default() }
            }
            "expression" => self.expression_limits(call),
            _ => return None,
        })
    }

    /// Whether a block holds nothing but this word, or an `expression` that does.
    fn is_constant(&self, call: &Call, word: &str) -> bool {
        let Some(body) = &call.body else { return false };
        match body.statements.as_slice() {
            [Statement::Value { name: None, value: Expr::Name(name, _) }] => name == word,
            [Statement::Leave { value: Some(Expr::Name(name, _)), throws: false, .. }] => name == word,
            [Statement::Value { name: None, value: Expr::Call(inner) }] if inner.name == "expression" => {
                inner.body.as_ref().is_some_and(|b| {
                    matches!(b.statements.as_slice(),
                        [Statement::Value { name: None, value: Expr::Name(name, _) }] if name == word)
                })
            }
            _ => false,
        }
    }

    fn expression_limits(&self, call: &Call) -> Limits {
        if self.is_constant(call, "false") {
            return Limits { never: true, ..Limits::default() };
        }
        let Some(body) = &call.body else { return Limits::default() };
        compared(self.text.text.get(body.at.clone()).unwrap_or(""))
    }

    /// The condition of an `if`.
    pub(super) fn guard(&self, expression: &Expr) -> Condition {
        let at = expression.at();
        let text = self.text.text.get(at.clone()).unwrap_or("");
        let text = squeezed(text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or(text));
        let mut limits = compared(&text);
        limits.never = text == "false";
        condition(self.span(&at), text, limits)
    }
}

/// Branches that `BRANCH_NAME == 'main'` and its like name, if they are joined by `||` only.
fn compared(text: &str) -> Limits {
    let names = ["BRANCH_NAME", "GIT_BRANCH", "gitlabBranch", "branchName"];
    let mut branches = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("==") {
        let before = rest[..at].trim_end();
        let after = rest[at + 2..].trim_start_matches('~').trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
        if names.iter().any(|n| before.ends_with(n))
            && let Some(quote) = quote
            && let Some(end) = after[1..].find(quote)
        {
            branches.push(after[1..1 + end].trim_start_matches("origin/").to_owned());
        } else {
            return Limits::default();
        }
        rest = &rest[at + 2..];
    }
    let negated = text.contains('!') || text.contains("&&") && branches.len() > 1;
    Limits { branches: (!branches.is_empty() && !negated).then_some(branches), ..Limits::default() }
}

/// Both conditions.
pub(super) fn both(outer: Option<&Condition>, inner: Option<&Condition>) -> Option<Condition> {
    let (outer, inner) = match (outer, inner) {
        (Some(outer), Some(inner)) => (outer, inner),
        (one, other) => return one.or(other).cloned(),
    };
    let narrow = |a: &[String], b: &[String]| if b.is_empty() { a.to_vec() } else { b.to_vec() };
    Some(Condition {
        always: inner.always,
        never: outer.never || inner.never,
        on_failure: outer.on_failure || inner.on_failure,
        branches: narrow(&outer.branches, &inner.branches),
        events: narrow(&outer.events, &inner.events),
        ..Condition::new(inner.place, crate::text::shorten(&format!("{} && {}", outer.text, inner.text), 400))
    })
}
