//! Expressions: `${{ … }}`, `$[ … ]` and conditions.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/expressions>

use crate::facts::Condition;
use crate::text::Span;

/// Deeper expressions are not understood.
const DEEPEST: usize = 32;
/// Longer ones neither, in bytes.
const LONGEST: usize = 4096;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// A text, number or truth value.
    Literal(String),
    /// `parameters.env`, `variables['Build.Reason']`: its parts.
    Path(Vec<String>),
    /// A function, its name in lower case.
    Call(String, Vec<Expr>),
}

/// Reads an expression without its braces.
pub(super) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser { rest: (text.len() <= LONGEST).then_some(text)?.trim() };
    let expr = parser.expr(0)?;
    parser.rest.trim().is_empty().then_some(expr)
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn expr(&mut self, depth: usize) -> Option<Expr> {
        if depth > DEEPEST {
            return None;
        }
        self.rest = self.rest.trim_start();
        if let Some(body) = self.rest.strip_prefix('\'') {
            return self.quoted(body).map(Expr::Literal);
        }
        let first = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'));
        if first.is_empty() {
            return None;
        }
        if first.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let more = self.word(|c| c.is_ascii_digit() || c == '.');
            return Some(Expr::Literal(format!("{first}{more}")));
        }
        if let Some(inner) = self.rest.trim_start().strip_prefix('(') {
            self.rest = inner;
            return Some(Expr::Call(first.to_ascii_lowercase(), self.arguments(depth)?));
        }
        if matches!(first.to_ascii_lowercase().as_str(), "true" | "false" | "null") {
            return Some(Expr::Literal(first.to_ascii_lowercase()));
        }
        let mut parts = vec![first.to_owned()];
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                parts.push(
                    self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*')).to_owned(),
                );
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                self.rest = rest;
                match self.expr(depth + 1)? {
                    Expr::Literal(key) => parts.push(key),
                    _ => parts.push(String::new()),
                }
                self.rest = self.rest.trim_start().strip_prefix(']')?;
            } else {
                return Some(Expr::Path(parts));
            }
        }
    }

    fn arguments(&mut self, depth: usize) -> Option<Vec<Expr>> {
        let mut all = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix(')') {
                self.rest = rest;
                return Some(all);
            }
            all.push(self.expr(depth + 1)?);
            self.rest = self.rest.trim_start();
            self.rest = match self.rest.strip_prefix(',') {
                Some(rest) => rest,
                None if self.rest.starts_with(')') => self.rest,
                None => return None,
            };
        }
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The text up to the closing quote; two quotes are one.
    fn quoted(&mut self, mut body: &'a str) -> Option<String> {
        let mut out = String::new();
        loop {
            let (text, rest) = body.split_once('\'')?;
            out.push_str(text);
            match rest.strip_prefix('\'') {
                Some(next) => {
                    out.push('\'');
                    body = next;
                }
                None => {
                    self.rest = rest;
                    return Some(out);
                }
            }
        }
    }
}

/// What a `condition:` says.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/process/conditions>
pub(super) fn condition(text: &str, place: Span) -> Condition {
    let mut condition = Condition::new(place, text.to_owned());
    if let Some(expr) = parse(text) {
        read(&expr, &mut condition);
        condition.never = expr == Expr::Literal("false".into()) || is_never(&expr);
    }
    condition
}

/// `and(false, …)`: how people switch a step off for a while.
fn is_never(expr: &Expr) -> bool {
    match expr {
        Expr::Call(name, args) if name == "and" => {
            args.iter().any(|a| *a == Expr::Literal("false".into()) || is_never(a))
        }
        Expr::Call(name, args) => name == "not" && args.first() == Some(&Expr::Literal("true".into())),
        _ => false,
    }
}

fn read(expr: &Expr, condition: &mut Condition) {
    let Expr::Call(name, args) = expr else { return };
    match name.as_str() {
        "always" | "succeededorfailed" => condition.always = true,
        "failed" => condition.on_failure = true,
        "and" | "or" => args.iter().for_each(|a| read(a, condition)),
        "eq" | "startswith" | "in" => compared(args, condition),
        _ => {}
    }
}

/// A comparison of a predefined variable with a text.
/// <https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables>
fn compared(args: &[Expr], condition: &mut Condition) {
    let Some(Expr::Path(path)) = args.iter().find(|a| matches!(a, Expr::Path(_))) else { return };
    let name = path.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(".").to_ascii_lowercase();
    for value in args.iter().filter_map(|a| if let Expr::Literal(l) = a { Some(l.as_str()) } else { None }) {
        match name.as_str() {
            "build.sourcebranch" if value.starts_with("refs/tags") => condition.events.push("tag".into()),
            "build.sourcebranch" if value.starts_with("refs/pull") => {
                condition.events.push("pull_request".into());
            }
            "build.sourcebranch" => {
                condition.branches.push(value.trim_start_matches("refs/heads/").to_owned());
            }
            "build.sourcebranchname" => condition.branches.push(value.to_owned()),
            "build.reason" => condition.events.push(
                match value.to_ascii_lowercase().as_str() {
                    "pullrequest" => "pull_request",
                    "schedule" => "schedule",
                    "manual" => "manual",
                    "individualci" | "batchedci" => "push",
                    _ => continue,
                }
                .into(),
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileId;

    #[test]
    fn conditions_tell_when_they_hold() {
        for (text, always, never, failure, branches, events) in [
            ("always()", true, false, false, "", ""),
            ("succeededOrFailed()", true, false, false, "", ""),
            ("failed()", false, false, true, "", ""),
            ("false", false, true, false, "", ""),
            ("and(false, succeeded())", false, true, false, "", ""),
            (
                "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))",
                false,
                false,
                false,
                "main",
                "",
            ),
            ("eq(variables['Build.Reason'], 'PullRequest')", false, false, false, "", "pull_request"),
            ("ne(variables['Build.Reason'], 'PullRequest')", false, false, false, "", ""),
            ("startsWith(variables['Build.SourceBranch'], 'refs/tags/v')", false, false, false, "", "tag"),
            ("not(eq(variables.x, 'a''b'))", false, false, false, "", ""),
            ("and(", false, false, false, "", ""),
        ] {
            let c = condition(text, Span::start_of(FileId(0)));
            let told = (c.always, c.never, c.on_failure, c.branches.join(" "), c.events.join(" "));
            assert_eq!(told, (always, never, failure, branches.to_owned(), events.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_or_no_expression_is_not_understood() {
        assert_eq!(parse(&"not(".repeat(10_000)), None);
        assert_eq!(parse("a b"), None);
        assert_eq!(parse("'open"), None);
        assert_eq!(
            parse("coalesce(parameters['a'].b, 1.5)"),
            Some(Expr::Call(
                "coalesce".into(),
                vec![
                    Expr::Path(vec!["parameters".into(), "a".into(), "b".into()]),
                    Expr::Literal("1.5".into())
                ]
            ))
        );
    }
}
