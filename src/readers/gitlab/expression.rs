//! `rules: if`: what an expression restricts a job to.
//! <https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions>

/// Parentheses that are followed inwards.
const DEEPEST: usize = 32;

/// What an expression restricts to; `None` means that it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Branch names or patterns (`/^release/`).
    pub(super) branches: Option<Vec<String>>,
    /// Pipeline sources (`push`, `merge_request_event`, …), and `tag`.
    pub(super) events: Option<Vec<String>>,
}

impl Limits {
    /// What holds when both hold: the narrower of the two.
    pub(super) fn and(self, other: Limits) -> Limits {
        let narrow = |a: Option<Vec<String>>, b: Option<Vec<String>>| match (a, b) {
            (Some(a), Some(b)) => {
                let both: Vec<String> = a.iter().filter(|v| b.contains(v)).cloned().collect();
                Some(if both.is_empty() { a } else { both })
            }
            (a, b) => a.or(b),
        };
        Limits { branches: narrow(self.branches, other.branches), events: narrow(self.events, other.events) }
    }

    /// What holds when one of them holds.
    pub(super) fn or(self, other: Limits) -> Limits {
        let wide = |a: Option<Vec<String>>, b: Option<Vec<String>>| {
            let (mut a, b) = (a?, b?);
            a.extend(b);
            a.dedup();
            Some(a)
        };
        Limits { branches: wide(self.branches, other.branches), events: wide(self.events, other.events) }
    }
}

/// Reads an expression. What it does not understand restricts nothing.
pub(super) fn limits(text: &str) -> Limits {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0 };
    let limits = parser.either(0);
    if parser.at < tokens.len() { Limits::default() } else { limits }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Variable(&'t str),
    Text(&'t str),
    Pattern(&'t str),
    Mark(&'t str),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let width = match first {
            '$' => {
                let name = rest[1..].trim_start_matches('{');
                let len = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                out.push(Token::Variable(&name[..len]));
                let braced = rest.len() - 1 - name.len();
                (1 + braced + len + braced).min(rest.len())
            }
            '"' | '\'' => {
                let len = rest[1..].find(first).unwrap_or(rest.len() - 1);
                out.push(Token::Text(&rest[1..1 + len]));
                (len + 2).min(rest.len())
            }
            '/' => {
                let mut escaped = false;
                let end = rest[1..].char_indices().find(|&(_, c)| {
                    let closes = c == '/' && !escaped;
                    escaped = c == '\\' && !escaped;
                    closes
                });
                let len = end.map_or(rest.len(), |(at, _)| at + 2);
                let flags = rest[len..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - len);
                out.push(Token::Pattern(&rest[..len]));
                len + flags
            }
            '(' | ')' => {
                out.push(Token::Mark(&rest[..1]));
                1
            }
            _ => {
                let pair = rest.get(..2).filter(|p| matches!(*p, "==" | "!=" | "=~" | "!~" | "&&" | "||"));
                let word = rest.find(|c: char| c.is_whitespace() || "()$\"'=!&|".contains(c));
                let mark = pair.unwrap_or(&rest[..word.unwrap_or(rest.len()).max(first.len_utf8())]);
                out.push(Token::Mark(mark));
                mark.len()
            }
        };
        rest = rest.get(width..).unwrap_or("").trim_start();
    }
    out
}

struct Parser<'a, 't> {
    tokens: &'a [Token<'t>],
    at: usize,
}

impl<'t> Parser<'_, 't> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Limits {
        let mut limits = self.both(depth);
        while self.take("||") {
            limits = limits.or(self.both(depth));
        }
        limits
    }

    fn both(&mut self, depth: usize) -> Limits {
        let mut limits = self.term(depth);
        while self.take("&&") {
            limits = limits.and(self.term(depth));
        }
        limits
    }

    fn term(&mut self, depth: usize) -> Limits {
        if depth < DEEPEST && self.take("(") {
            let limits = self.either(depth + 1);
            self.take(")");
            return limits;
        }
        let Some(left) = self.peek() else { return Limits::default() };
        self.at += 1;
        let operator = ["==", "!=", "=~", "!~"].into_iter().find(|o| self.take(o));
        let right = operator.and_then(|_| {
            let right = self.peek();
            self.at += 1;
            right
        });
        match (left, operator, right) {
            (Token::Text(text), Some("=="), Some(Token::Variable(name))) => equal(name, text),
            (Token::Variable(name), Some("=="), Some(Token::Text(text))) => equal(name, text),
            (Token::Variable(name), Some("=~"), Some(Token::Pattern(text) | Token::Text(text))) => {
                if name == "CI_COMMIT_TAG" { set(name) } else { equal(name, text) }
            }
            (Token::Variable(name), Some("=="), Some(Token::Variable("CI_DEFAULT_BRANCH"))) => {
                equal(name, "$CI_DEFAULT_BRANCH")
            }
            (Token::Variable(name), None, None)
            | (Token::Variable(name), Some("!="), Some(Token::Mark("null"))) => set(name),
            _ => Limits::default(),
        }
    }
}

fn equal(name: &str, value: &str) -> Limits {
    let value = Some(vec![value.to_owned()]);
    match name {
        "CI_COMMIT_BRANCH" | "CI_COMMIT_REF_NAME" | "CI_MERGE_REQUEST_TARGET_BRANCH_NAME" => {
            Limits { branches: value, events: None }
        }
        "CI_PIPELINE_SOURCE" => Limits { branches: None, events: value },
        "CI_COMMIT_TAG" => set(name),
        _ => Limits::default(),
    }
}

/// A variable that exists at all in one kind of pipeline only.
fn set(name: &str) -> Limits {
    let event = match name {
        "CI_COMMIT_TAG" => "tag",
        "CI_MERGE_REQUEST_ID" | "CI_MERGE_REQUEST_IID" => "merge_request_event",
        _ => return Limits::default(),
    };
    Limits { branches: None, events: Some(vec![event.to_owned()]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_tells_branches_and_events() {
        for (text, branches, events) in [
            ("$CI_COMMIT_BRANCH == \"main\"", Some("main"), None),
            ("'main' == $CI_COMMIT_BRANCH", Some("main"), None),
            ("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", Some("$CI_DEFAULT_BRANCH"), None),
            ("$CI_COMMIT_BRANCH =~ /^release\\/.*/i", Some("/^release\\/.*/"), None),
            ("$CI_COMMIT_BRANCH == \"main\" && $X", Some("main"), None),
            ("$CI_COMMIT_BRANCH == \"main\" || $X", None, None),
            ("($CI_COMMIT_BRANCH == 'a' || $CI_COMMIT_REF_NAME == 'b') && $X", Some("a,b"), None),
            ("$CI_COMMIT_BRANCH != \"main\"", None, None),
            ("$CI_PIPELINE_SOURCE == \"schedule\"", None, Some("schedule")),
            ("$CI_COMMIT_TAG", None, Some("tag")),
            ("$CI_COMMIT_TAG =~ /^v/", None, Some("tag")),
            ("$CI_COMMIT_TAG == null", None, None),
            ("${CI_COMMIT_BRANCH} == \"main\"", Some("main"), None),
            ("((((", None, None),
            ("== ==", None, None),
            ("$", None, None),
            ("\"open", None, None),
        ] {
            let limits = limits(text);
            assert_eq!(limits.branches.map(|b| b.join(",")).as_deref(), branches, "{text}");
            assert_eq!(limits.events.map(|b| b.join(",")).as_deref(), events, "{text}");
        }
    }
}
