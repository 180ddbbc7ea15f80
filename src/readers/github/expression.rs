//! `${{ … }}`: what can be told of an expression without running it.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>

use crate::facts::{Condition, Value};
use crate::text::Span;
use std::collections::BTreeMap;

/// The most values that one text may stand for; beyond it stays an expression.
const MOST_VALUES: usize = 32;

/// Names that an expression can be looked up in: `matrix.env`, `inputs.environment`, `env.STAGE`.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    known: BTreeMap<String, Vec<String>>,
}

impl Scope {
    /// Gives a name all its possible values; an empty list makes it unknown again.
    pub(super) fn set(&mut self, name: String, values: Vec<String>) {
        if values.is_empty() {
            self.known.remove(&name)
        } else {
            self.known.insert(name, values)
        };
    }

    /// What a text stands for.
    pub(super) fn resolve(&self, text: &str) -> Value<String> {
        let mut all = vec![String::new()];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((expression, behind)) = after.split_once("}}") else {
                return Value::Expr(text.to_owned());
            };
            let Some(values) = self.possible(expression.trim()) else { return Value::Expr(text.to_owned()) };
            if all.len() * values.len() > MOST_VALUES {
                return Value::Expr(text.to_owned());
            }
            all = all
                .iter()
                .flat_map(|prefix| values.iter().map(move |v| format!("{prefix}{before}{v}")))
                .collect();
            rest = behind;
        }
        let all = all.into_iter().map(|v| v + rest).collect();
        Value::from_possible(all).unwrap_or_else(|| Value::Expr(text.to_owned()))
    }

    /// All values that an expression can have: a name, a literal, or `… && 'a' || 'b'`.
    fn possible(&self, expression: &str) -> Option<Vec<String>> {
        let parts: Vec<&str> = expression.split("||").map(str::trim).collect();
        if parts.len() == 1 && !expression.contains("&&") {
            return self.term(expression);
        }
        let mut all = Vec::new();
        for part in parts {
            // Of `condition && value` the value counts.
            let value = part.rsplit("&&").next().unwrap_or(part).trim();
            all.extend(self.term(value)?);
        }
        Some(all)
    }

    fn term(&self, term: &str) -> Option<Vec<String>> {
        let term = term.trim().trim_start_matches('(').trim_end_matches(')').trim();
        if let Some(text) = term.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
            return (!text.contains('\'')).then(|| vec![text.to_owned()]);
        }
        let name = term.strip_prefix("github.event.").unwrap_or(term);
        self.known.get(name).cloned()
    }
}

/// Reads an `if:`.
pub(super) fn condition(text: &str, place: Span) -> Condition {
    let bare = text.trim().trim_start_matches("${{").trim_end_matches("}}").trim();
    let squeezed: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
    // `always() && needs.test.result == 'success'` waits for success all the same.
    let checks_result = squeezed.contains(".result=='success'") || squeezed.contains("'success'==needs.");
    let runs_on =
        squeezed.contains("always()") || squeezed.contains("!cancelled()") || squeezed.contains("!failure()");
    Condition {
        always: runs_on && !checks_result,
        never: squeezed == "false",
        on_failure: squeezed.contains("failure()") && !squeezed.contains("!failure()"),
        branches: compared(&squeezed, &["github.ref==", "github.ref_name==", "github.base_ref=="]),
        events: compared(&squeezed, &["github.event_name=="]),
        ..Condition::new(place, bare.to_owned())
    }
}

/// The literals that one of these names is compared with.
fn compared(squeezed: &str, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        for (at, _) in squeezed.match_indices(name) {
            let rest = &squeezed[at + name.len()..];
            if let Some(value) = rest.strip_prefix('\'').and_then(|r| r.split('\'').next()) {
                found.push(value.trim_start_matches("refs/heads/").to_owned());
            }
        }
    }
    found
}

/// Names of secrets in a text, with their byte ranges: `secrets.NAME` and `secrets['NAME']` inside
/// expressions. `toJSON(secrets)` takes them all, which the name `*` stands for.
pub(super) fn secrets(text: &str) -> Vec<(String, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find("secrets") {
        let start = at + offset;
        at = start + "secrets".len();
        let inside = text[..start].rfind("${{").is_some_and(|open| !text[open..start].contains("}}"));
        let rest = &text[at..];
        let name: String = if let Some(rest) = rest.strip_prefix('.') {
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect()
        } else if let Some(rest) = rest.strip_prefix("['") {
            rest.chars().take_while(|c| *c != '\'').collect()
        } else if inside && rest.trim_start().starts_with(')') && text[..start].trim_end().ends_with('(') {
            found.push(("*".to_owned(), start..at));
            continue;
        } else {
            continue;
        };
        if inside && !name.is_empty() {
            let end = start + "secrets.".len() + name.len();
            found.push((name, start..end.min(text.len())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FileId;

    #[test]
    fn an_expression_stands_for_what_can_be_told_of_it() {
        let mut scope = Scope::default();
        scope.set("matrix.env".into(), vec!["staging".into(), "production".into()]);
        scope.set("inputs.app".into(), vec!["shop".into()]);
        let known = |v: &str| Value::Known(v.to_owned());
        let one_of = |v: &[&str]| Value::OneOf(v.iter().map(|s| s.to_string()).collect());
        for (text, expected) in [
            ("plain", known("plain")),
            ("${{ inputs.app }}-x", known("shop-x")),
            ("a-${{ matrix.env }}", one_of(&["a-staging", "a-production"])),
            ("${{ github.event.inputs.app }}", known("shop")),
            ("${{ github.ref == 'refs/heads/main' && 'prod' || 'dev' }}", one_of(&["prod", "dev"])),
            ("${{ vars.X }}", Value::Expr("${{ vars.X }}".into())),
            ("${{ open", Value::Expr("${{ open".into())),
        ] {
            assert_eq!(scope.resolve(text), expected, "{text}");
        }
    }

    #[test]
    fn conditions_tell_when_a_job_runs_in_spite_of_failures() {
        let c = |text| condition(text, Span::start_of(FileId(0)));
        assert!(c("always()").always);
        assert!(c("${{ !cancelled() }}").always);
        assert!(!c("always() && needs.test.result == 'success'").always);
        assert!(c("${{ false }}").never);
        assert!(c("failure()").on_failure);
        assert_eq!(c("github.ref == 'refs/heads/main'").branches, ["main"]);
        assert_eq!(c("github.event_name == 'push'").events, ["push"]);
    }

    #[test]
    fn secrets_are_found_inside_expressions_only() {
        let text =
            "echo secrets.no ${{ secrets.TOKEN }} ${{ secrets['B'] }} ${{ toJSON(secrets) }} f(secrets)";
        let names: Vec<String> = secrets(text).into_iter().map(|s| s.0).collect();
        assert_eq!(names, ["TOKEN", "B", "*"]);
    }
}
