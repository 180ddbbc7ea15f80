//! What an expression of a template comes to, as far as values tell it. Anything else is unknown, never guessed.
//! <https://helm.sh/docs/chart_template_guide/function_list/>

use super::values::{Found, Values};
use crate::facts::{Setting, Value};

/// What an expression comes to.
#[derive(Clone)]
pub(super) enum Outcome<'a> {
    /// A text or number. The setting is the one that owns it.
    Text(Value<String>, Option<&'a Setting>),
    /// A mapping or list of the values, at this path.
    Tree(String),
    /// A truth value that a test gave.
    Truth(bool),
    /// Nothing.
    Nothing,
    /// What the files do not tell.
    Unknown,
}

impl Outcome<'_> {
    fn text(text: impl Into<String>) -> Self {
        Outcome::Text(Value::Known(text.into()), None)
    }

    /// Whether it counts as true, if that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Outcome::Text(Value::Known(text), _) => {
                Some(!matches!(text.as_str(), "" | "0" | "false" | "null"))
            }
            Outcome::Text(..) | Outcome::Unknown => None,
            Outcome::Tree(_) => Some(true),
            Outcome::Truth(truth) => Some(*truth),
            Outcome::Nothing => Some(false),
        }
    }

    fn known(&self) -> Option<&str> {
        match self {
            Outcome::Text(Value::Known(text), _) => Some(text),
            Outcome::Truth(true) => Some("true"),
            Outcome::Truth(false) => Some("false"),
            _ => None,
        }
    }
}

/// What `.` means at a place.
#[derive(Clone)]
pub(super) enum Dot {
    /// Everything: `.Values`, `.Chart`, …
    Root,
    /// A part of the values.
    At(String),
    /// One of several, or made by a function.
    Unknown,
}

/// What expressions are read with.
pub(super) struct Scope<'s, 'a> {
    pub values: &'s Values<'a>,
    /// What `Chart.yaml` says: `Name`, `Version`, `AppVersion`.
    pub chart: &'s [(String, &'a Setting)],
    pub dot: Dot,
    pub variables: &'s [(String, Outcome<'a>)],
}

/// Parentheses deeper than this are not followed.
const DEEPEST: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    Text(&'t str),
    Open,
    Close,
    Pipe,
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        match bytes[at] {
            b if b.is_ascii_whitespace() => at += 1,
            b'(' => (found.push(Token::Open), at += 1).1,
            b')' => (found.push(Token::Close), at += 1).1,
            b'|' => (found.push(Token::Pipe), at += 1).1,
            quote @ (b'"' | b'`') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' && quote == b'"' { 2 } else { 1 };
                }
                found.push(Token::Text(text.get(from + 1..at)?));
                at += 1;
            }
            _ => {
                while at < bytes.len()
                    && !matches!(bytes[at], b' ' | b'\t' | b'\n' | b'\r' | b'(' | b')' | b'|')
                {
                    at += 1;
                }
                found.push(Token::Word(text.get(from..at)?));
            }
        }
    }
    Some(found)
}

impl<'a> Scope<'_, 'a> {
    /// What an expression comes to.
    pub(super) fn value(&self, expression: &str) -> Outcome<'a> {
        let Some(tokens) = tokens(expression) else { return Outcome::Unknown };
        let mut at = 0;
        let outcome = self.pipeline(&tokens, &mut at, 0);
        if at == tokens.len() { outcome } else { Outcome::Unknown }
    }

    fn pipeline(&self, tokens: &[Token<'_>], at: &mut usize, depth: usize) -> Outcome<'a> {
        let mut piped: Option<Outcome<'a>> = None;
        loop {
            let mut words: Vec<(Option<&str>, Outcome<'a>)> = Vec::new();
            while let Some(token) = tokens.get(*at) {
                match *token {
                    Token::Pipe | Token::Close => break,
                    Token::Open if depth >= DEEPEST => return Outcome::Unknown,
                    Token::Open => {
                        *at += 1;
                        let inner = self.pipeline(tokens, at, depth + 1);
                        if tokens.get(*at) != Some(&Token::Close) {
                            return Outcome::Unknown;
                        }
                        *at += 1;
                        // `(…).field`
                        let inner = match tokens.get(*at) {
                            Some(Token::Word(rest)) if rest.starts_with('.') && rest.len() > 1 => {
                                *at += 1;
                                self.field(inner, &rest[1..])
                            }
                            _ => inner,
                        };
                        words.push((None, inner));
                    }
                    Token::Text(text) => {
                        *at += 1;
                        words.push((None, Outcome::text(text.replace("\\\"", "\""))));
                    }
                    Token::Word(word) => {
                        *at += 1;
                        let first = words.is_empty();
                        words.push((first.then_some(word), self.word(word)));
                    }
                }
            }
            let mut words = words.into_iter();
            let Some((name, first)) = words.next() else { return Outcome::Unknown };
            let mut args: Vec<Outcome<'a>> = words.map(|w| w.1).collect();
            args.extend(piped.take());
            let is_function = name.is_some_and(|n| n.starts_with(|c: char| c.is_ascii_alphabetic()));
            let outcome = match name {
                Some(name) if is_function && !matches!(name, "true" | "false" | "nil") => call(name, &args),
                _ if args.is_empty() => first,
                _ => Outcome::Unknown,
            };
            if tokens.get(*at) != Some(&Token::Pipe) {
                return outcome;
            }
            *at += 1;
            piped = Some(outcome);
        }
    }

    fn word(&self, word: &str) -> Outcome<'a> {
        match word {
            "true" => return Outcome::Truth(true),
            "false" => return Outcome::Truth(false),
            "nil" => return Outcome::Nothing,
            _ if word.parse::<f64>().is_ok() => return Outcome::text(word),
            _ => {}
        }
        if let Some(rest) = word.strip_prefix('$') {
            if rest.is_empty() || rest.starts_with('.') {
                return self.rooted(rest.trim_start_matches('.'));
            }
            let (name, rest) = word.split_once('.').unwrap_or((word, ""));
            let known = self.variables.iter().rev().find(|(n, _)| n == name);
            let Some((_, outcome)) = known else { return Outcome::Unknown };
            return if rest.is_empty() { outcome.clone() } else { self.field(outcome.clone(), rest) };
        }
        let Some(rest) = word.strip_prefix('.') else { return Outcome::Unknown };
        match &self.dot {
            Dot::Root => self.rooted(rest),
            Dot::At(path) if rest.is_empty() => self.at(path.clone()),
            Dot::At(path) => self.at(format!("{path}.{rest}")),
            Dot::Unknown => Outcome::Unknown,
        }
    }

    fn rooted(&self, path: &str) -> Outcome<'a> {
        if path == "Values" {
            return Outcome::Tree(String::new());
        }
        if let Some(path) = path.strip_prefix("Values.") {
            return self.at(path.to_owned());
        }
        if let Some(field) = path.strip_prefix("Chart.") {
            let found = self.chart.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
            return found.map_or(Outcome::Unknown, |(_, s)| Outcome::Text(s.setting.clone(), Some(s)));
        }
        Outcome::Unknown
    }

    fn field(&self, of: Outcome<'a>, rest: &str) -> Outcome<'a> {
        match of {
            Outcome::Tree(path) if path.is_empty() => self.at(rest.to_owned()),
            Outcome::Tree(path) => self.at(format!("{path}.{rest}")),
            Outcome::Nothing => Outcome::Nothing,
            _ => Outcome::Unknown,
        }
    }

    fn at(&self, path: String) -> Outcome<'a> {
        match self.values.at(&path) {
            Found::Leaf(setting) => Outcome::Text(setting.setting.clone(), Some(setting)),
            Found::Tree => Outcome::Tree(path),
            Found::Nothing => Outcome::Nothing,
            Found::Unknown => Outcome::Unknown,
        }
    }
}

/// What a function makes of its arguments.
fn call<'a>(name: &str, args: &[Outcome<'a>]) -> Outcome<'a> {
    let last = || args.last().cloned().unwrap_or(Outcome::Unknown);
    match name {
        "quote" | "squote" | "toString" | "int" | "int64" | "float64" | "toYaml" | "indent" | "nindent"
        | "required" | "toYamlPretty" | "deepCopy" => last(),
        "tpl" => match args.first() {
            Some(Outcome::Text(Value::Known(text), _)) if text.contains("{{") => Outcome::Unknown,
            Some(Outcome::Text(value, from)) if matches!(value, Value::Known(_)) => {
                Outcome::Text(value.clone(), *from)
            }
            Some(Outcome::Nothing) => Outcome::Nothing,
            Some(tree @ Outcome::Tree(_)) => tree.clone(),
            _ => Outcome::Unknown,
        },
        "default" if args.len() == 2 => match args[1].truth() {
            Some(true) => args[1].clone(),
            Some(false) => args[0].clone(),
            None => Outcome::Unknown,
        },
        "coalesce" => {
            for arg in args {
                match arg.truth() {
                    Some(true) => return arg.clone(),
                    Some(false) => {}
                    None => return Outcome::Unknown,
                }
            }
            Outcome::Nothing
        }
        "ternary" if args.len() == 3 => match args[2].truth() {
            Some(true) => args[0].clone(),
            Some(false) => args[1].clone(),
            None => Outcome::Unknown,
        },
        "not" if args.len() == 1 => args[0].truth().map_or(Outcome::Unknown, |t| Outcome::Truth(!t)),
        "empty" if args.len() == 1 => args[0].truth().map_or(Outcome::Unknown, |t| Outcome::Truth(!t)),
        // The first that decides is the answer, as in Go.
        "and" | "or" => {
            let decides = name == "or";
            if !decides && args.iter().any(|a| a.truth() == Some(false)) {
                return Outcome::Nothing;
            }
            for arg in args {
                match arg.truth() {
                    Some(truth) if truth == decides => return arg.clone(),
                    Some(_) => {}
                    None => return Outcome::Unknown,
                }
            }
            last()
        }
        "eq" | "ne" => {
            let Some(Some(first)) = args.first().map(|a| a.known().or(nothing(a))) else {
                return Outcome::Unknown;
            };
            let others: Option<Vec<&str>> = args[1..].iter().map(|a| a.known().or(nothing(a))).collect();
            match others {
                Some(others) if !others.is_empty() => {
                    Outcome::Truth(others.contains(&first) == (name == "eq"))
                }
                _ => Outcome::Unknown,
            }
        }
        "gt" | "ge" | "lt" | "le" if args.len() == 2 => {
            let number = |a: &Outcome<'_>| a.known().and_then(|t| t.parse::<f64>().ok());
            let (Some(a), Some(b)) = (number(&args[0]), number(&args[1])) else { return Outcome::Unknown };
            Outcome::Truth(match name {
                "gt" => a > b,
                "ge" => a >= b,
                "lt" => a < b,
                _ => a <= b,
            })
        }
        "printf" => printf(args),
        "lower" | "upper" | "trim" if args.len() == 1 => match &args[0] {
            Outcome::Text(Value::Known(text), from) => {
                let text = match name {
                    "lower" => text.to_lowercase(),
                    "upper" => text.to_uppercase(),
                    _ => text.trim().to_owned(),
                };
                Outcome::Text(Value::Known(text), *from)
            }
            other => other.clone(),
        },
        "trunc" if args.len() == 2 => match (args[0].known().and_then(|n| n.parse::<usize>().ok()), &args[1])
        {
            (Some(n), Outcome::Text(Value::Known(text), from)) => {
                Outcome::Text(Value::Known(text.chars().take(n).collect()), *from)
            }
            _ => Outcome::Unknown,
        },
        "trimSuffix" | "trimPrefix" if args.len() == 2 => match (args[0].known(), &args[1]) {
            (Some(part), Outcome::Text(Value::Known(text), from)) => {
                let cut =
                    if name == "trimSuffix" { text.strip_suffix(part) } else { text.strip_prefix(part) };
                Outcome::Text(Value::Known(cut.unwrap_or(text).to_owned()), *from)
            }
            _ => Outcome::Unknown,
        },
        _ => Outcome::Unknown,
    }
}

fn nothing(outcome: &Outcome<'_>) -> Option<&'static str> {
    matches!(outcome, Outcome::Nothing).then_some("")
}

/// `%s`, `%d`, `%v` only; the last value that a file owns is the owner.
fn printf<'a>(args: &[Outcome<'a>]) -> Outcome<'a> {
    let Some(format) = args.first().and_then(Outcome::known) else { return Outcome::Unknown };
    let mut out = String::new();
    let mut owner = None;
    let mut next = 1;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd' | 'v') => {
                let Some(arg) = args.get(next) else { return Outcome::Unknown };
                let Some(text) = arg.known() else { return Outcome::Unknown };
                out.push_str(text);
                if let Outcome::Text(_, Some(from)) = arg {
                    owner = Some(*from);
                }
                next += 1;
            }
            _ => return Outcome::Unknown,
        }
    }
    Outcome::Text(Value::Known(out), owner)
}
