//! Expressions of Terraform, as far as variables, locals and what repeats a block tell them. Anything else is unknown.
//! <https://developer.hashicorp.com/terraform/language/expressions>

use crate::facts::{Setting, Value};

/// Parentheses, brackets and conditions inside each other.
const DEEPEST: usize = 40;

/// Longer expressions are no constants.
const LONGEST: usize = 4_096;

/// What an expression comes to.
#[derive(Clone)]
pub(super) enum Outcome {
    /// A scalar, and the setting that owns it, if it is not written here.
    Text(String, Option<Setting>),
    /// A list or a mapping: its scalars by the rest of their paths.
    Tree(Vec<Setting>),
    /// `null`: as if nothing were written.
    Nothing,
    /// What is not known here.
    Unknown,
}

impl Outcome {
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Outcome::Text(text, _) => Some(text),
            _ => None,
        }
    }

    fn truth(&self) -> Option<bool> {
        match self.known()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn text(text: impl Into<String>) -> Outcome {
        Outcome::Text(text.into(), None)
    }

    fn of(truth: bool) -> Outcome {
        Outcome::text(if truth { "true" } else { "false" })
    }

    /// What stands below a name or a number.
    pub(super) fn part(&self, name: &str) -> Outcome {
        let Outcome::Tree(all) = self else { return Outcome::Unknown };
        below(all.iter(), name)
    }

    /// Names or numbers right below, in order.
    pub(super) fn keys(&self) -> Vec<String> {
        let Outcome::Tree(all) = self else { return Vec::new() };
        let mut keys: Vec<String> = Vec::new();
        for setting in all {
            let key = setting.path.split('.').next().unwrap_or("");
            if keys.last().is_none_or(|last| last != key) && !keys.iter().any(|k| k == key) {
                keys.push(key.to_owned());
            }
        }
        keys
    }
}

/// What of some settings stands at a path or below it.
pub(super) fn below<'s>(all: impl Iterator<Item = &'s Setting>, path: &str) -> Outcome {
    let mut found = Vec::new();
    for setting in all {
        let Some(rest) = setting.path.strip_prefix(path) else { continue };
        if rest.is_empty() {
            return match &setting.setting {
                Value::Known(text) if text == "null" => Outcome::Nothing,
                Value::Known(text) => Outcome::Text(text.clone(), Some(setting.clone())),
                _ => Outcome::Unknown,
            };
        }
        if let Some(rest) = rest.strip_prefix('.') {
            found.push(Setting { path: rest.to_owned(), ..setting.clone() });
        }
    }
    if found.is_empty() { Outcome::Unknown } else { Outcome::Tree(found) }
}

/// Tells what a reference such as `var.size` means.
pub(super) type Lookup<'l> = &'l dyn Fn(&str) -> Outcome;

/// What an expression, or the text of a string with `${…}` in it, comes to.
pub(super) fn value(written: &str, lookup: Lookup<'_>) -> Outcome {
    if written.len() > LONGEST {
        return Outcome::Unknown;
    }
    if let Some(outcome) = expression(written, lookup) {
        return outcome;
    }
    if written.contains("${") && !written.contains("%{") {
        template(written, lookup)
    } else {
        Outcome::Unknown
    }
}

fn expression(written: &str, lookup: Lookup<'_>) -> Option<Outcome> {
    let mut parser = Parser { text: written, at: 0, lookup };
    let outcome = parser.ternary(0)?;
    parser.blank();
    (parser.at == written.len()).then_some(outcome)
}

/// `db-${var.env}`
fn template(text: &str, lookup: Lookup<'_>) -> Outcome {
    let mut out = String::new();
    let mut owner = None;
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let mut depth = 0;
        let end = inner.bytes().position(|b| {
            depth += i32::from(b == b'{') - i32::from(b == b'}');
            depth < 0
        });
        let Some(end) = end else { return Outcome::Unknown };
        match expression(&inner[..end], lookup) {
            Some(Outcome::Text(value, setting)) => {
                // The whole of it is what it refers to.
                if at == 0 && out.is_empty() && inner.len() == end + 1 {
                    return Outcome::Text(value, setting);
                }
                out.push_str(&value);
                owner = setting.or(owner);
            }
            Some(other) if at == 0 && out.is_empty() && inner.len() == end + 1 => return other,
            _ => return Outcome::Unknown,
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Outcome::Text(out, owner)
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    lookup: Lookup<'p>,
}

impl<'p> Parser<'p> {
    fn blank(&mut self) {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.blank();
        let here = self.text[self.at..].starts_with(sign);
        if here {
            self.at += sign.len();
        }
        here
    }

    fn ternary(&mut self, depth: usize) -> Option<Outcome> {
        if depth > DEEPEST {
            return None;
        }
        let condition = self.binary(0, depth + 1)?;
        if !self.take("?") {
            return Some(condition);
        }
        let yes = self.ternary(depth + 1)?;
        if !self.take(":") {
            return None;
        }
        let no = self.ternary(depth + 1)?;
        Some(match condition.truth() {
            Some(true) => yes,
            Some(false) => no,
            None => Outcome::Unknown,
        })
    }

    /// Operators, loosest first.
    fn binary(&mut self, level: usize, depth: usize) -> Option<Outcome> {
        const LEVELS: &[&[&str]] =
            &[&["||"], &["&&"], &["==", "!="], &[">=", "<=", ">", "<"], &["+", "-"], &["*", "/", "%"]];
        if depth > DEEPEST {
            return None;
        }
        let Some(operators) = LEVELS.get(level) else { return self.unary(depth + 1) };
        let mut left = self.binary(level + 1, depth + 1)?;
        while let Some(operator) = operators.iter().find(|o| self.take(o)) {
            let right = self.binary(level + 1, depth + 1)?;
            left = operated(operator, &left, &right);
        }
        Some(left)
    }

    fn unary(&mut self, depth: usize) -> Option<Outcome> {
        if depth > DEEPEST {
            return None;
        }
        if self.take("!") {
            let inner = self.unary(depth + 1)?;
            return Some(inner.truth().map_or(Outcome::Unknown, |t| Outcome::of(!t)));
        }
        if self.take("-") {
            let inner = self.unary(depth + 1)?;
            return Some(inner.known().map_or(Outcome::Unknown, |n| Outcome::text(format!("-{n}"))));
        }
        let mut outcome = self.primary(depth + 1)?;
        loop {
            // `(…).name`, `f()[0]`
            if self.text[self.at..].starts_with('.') {
                self.at += 1;
                let name = self.word();
                outcome = if name.is_empty() { return None } else { outcome.part(name) };
            } else if self.text[self.at..].starts_with('[') {
                self.at += 1;
                let index = self.ternary(depth + 1)?;
                if !self.take("]") {
                    return None;
                }
                outcome = index.known().map_or(Outcome::Unknown, |name| outcome.part(name));
            } else {
                return Some(outcome);
            }
        }
    }

    fn word(&mut self) -> &'p str {
        let rest = &self.text[self.at..];
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*');
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn primary(&mut self, depth: usize) -> Option<Outcome> {
        self.blank();
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        match first {
            '(' => {
                self.at += 1;
                let inner = self.ternary(depth + 1)?;
                self.take(")").then_some(inner)
            }
            '"' => self.string(),
            '[' => {
                self.at += 1;
                self.list(depth)
            }
            '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                self.at += end;
                Some(Outcome::text(&rest[..end]))
            }
            'a'..='z' | 'A'..='Z' | '_' => self.named(depth),
            _ => None,
        }
    }

    fn string(&mut self) -> Option<Outcome> {
        let from = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = from;
        let mut depth = 0_usize;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 1,
                b'$' if bytes.get(at + 1) == Some(&b'{') => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'"' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        let inner = self.text.get(from..at).filter(|_| at < bytes.len())?;
        self.at = at + 1;
        // A template in a string in an expression is looked at once; it holds no further one.
        Some(match inner.contains("${") {
            true if inner.matches("${").count() <= 8 && !inner.contains('"') => template(inner, self.lookup),
            true => Outcome::Unknown,
            false => Outcome::text(inner),
        })
    }

    fn list(&mut self, depth: usize) -> Option<Outcome> {
        let mut all = Vec::new();
        let mut certain = true;
        let mut index = 0;
        while !self.take("]") {
            match self.ternary(depth + 1)? {
                Outcome::Text(text, owner) => all.push(item(index.to_string(), text, owner)),
                _ => certain = false,
            }
            index += 1;
            if !self.take(",") {
                if !self.take("]") {
                    return None;
                }
                break;
            }
        }
        Some(if certain { Outcome::Tree(all) } else { Outcome::Unknown })
    }

    /// A reference, a function or a word.
    fn named(&mut self, depth: usize) -> Option<Outcome> {
        let from = self.at;
        let word = self.word();
        match word {
            "true" | "false" => return Some(Outcome::text(word)),
            "null" => return Some(Outcome::Nothing),
            _ => {}
        }
        if self.take("(") {
            let mut args = Vec::new();
            while !self.take(")") {
                args.push(self.ternary(depth + 1)?);
                if !self.take(",") {
                    if !self.take(")") {
                        return None;
                    }
                    break;
                }
            }
            return Some(call(word, &args));
        }
        while self.text[self.at..].starts_with('.') {
            self.at += 1;
            if self.word().is_empty() {
                return None;
            }
        }
        Some((self.lookup)(&self.text[from..self.at]))
    }
}

fn item(path: String, text: String, owner: Option<Setting>) -> Setting {
    let owner = owner.unwrap_or_else(nowhere);
    Setting { path, setting: Value::Known(text), ..owner }
}

/// Of a value that stands in the expression itself. Whoever takes it puts it where the expression stands.
fn nowhere() -> Setting {
    use crate::facts::SettingSource;
    use crate::text::{FileId, Span};
    let place = Span::start_of(FileId(u32::MAX));
    Setting {
        place,
        key: String::new(),
        path: String::new(),
        setting: Value::Known(String::new()),
        source: SettingSource::Config,
        target: None,
        key_place: place,
    }
}

/// Whether a setting stands in no file, because an expression made it.
pub(super) fn is_made(setting: &Setting) -> bool {
    setting.place.file.0 == u32::MAX
}

fn operated(operator: &str, left: &Outcome, right: &Outcome) -> Outcome {
    match operator {
        "&&" | "||" => {
            let decides = operator == "||";
            match (left.truth(), right.truth()) {
                (Some(t), _) | (_, Some(t)) if t == decides => Outcome::of(decides),
                (Some(_), Some(_)) => Outcome::of(!decides),
                _ => Outcome::Unknown,
            }
        }
        "==" | "!=" => {
            let same = match (left, right) {
                (Outcome::Nothing, Outcome::Nothing) => true,
                (Outcome::Nothing, Outcome::Text(..)) | (Outcome::Text(..), Outcome::Nothing) => false,
                (Outcome::Text(a, _), Outcome::Text(b, _)) => a == b,
                _ => return Outcome::Unknown,
            };
            Outcome::of(same == (operator == "=="))
        }
        _ => {
            let number = |o: &Outcome| o.known().and_then(|t| t.parse::<f64>().ok());
            let (Some(a), Some(b)) = (number(left), number(right)) else { return Outcome::Unknown };
            match operator {
                ">" => Outcome::of(a > b),
                "<" => Outcome::of(a < b),
                ">=" => Outcome::of(a >= b),
                "<=" => Outcome::of(a <= b),
                "+" => Outcome::text((a + b).to_string()),
                "-" => Outcome::text((a - b).to_string()),
                "*" => Outcome::text((a * b).to_string()),
                _ => Outcome::Unknown,
            }
        }
    }
}

/// <https://developer.hashicorp.com/terraform/language/functions>
fn call(name: &str, args: &[Outcome]) -> Outcome {
    let first = || args.first().cloned().unwrap_or(Outcome::Unknown);
    match name {
        "tostring" | "tonumber" | "tobool" | "tolist" | "tomap" | "nonsensitive" | "sensitive"
        | "trimspace" => first(),
        // A set's items are their own names.
        "toset" => match first() {
            Outcome::Tree(all) => {
                Outcome::Tree(all.into_iter().map(|s| Setting { path: s.setting.text(), ..s }).collect())
            }
            other => other,
        },
        "lookup" if args.len() >= 2 => match (&args[0], args[1].known()) {
            (Outcome::Tree(_), Some(key)) => match args[0].part(key) {
                Outcome::Unknown if !args[0].keys().iter().any(|k| k == key) => {
                    args.get(2).cloned().unwrap_or(Outcome::Unknown)
                }
                found => found,
            },
            _ => Outcome::Unknown,
        },
        "coalesce" | "try" => {
            for arg in args {
                match arg {
                    Outcome::Unknown => return Outcome::Unknown,
                    Outcome::Nothing => {}
                    Outcome::Text(text, _) if text.is_empty() && name == "coalesce" => {}
                    found => return found.clone(),
                }
            }
            Outcome::Nothing
        }
        "lower" | "upper" => match first() {
            Outcome::Text(text, owner) => {
                Outcome::Text(if name == "lower" { text.to_lowercase() } else { text.to_uppercase() }, owner)
            }
            _ => Outcome::Unknown,
        },
        "contains" if args.len() == 2 => match (&args[0], args[1].known()) {
            (Outcome::Tree(all), Some(wanted)) => Outcome::of(all.iter().any(|s| s.setting.text() == wanted)),
            _ => Outcome::Unknown,
        },
        "length" => match &args.first() {
            Some(tree @ Outcome::Tree(_)) => Outcome::text(tree.keys().len().to_string()),
            _ => Outcome::Unknown,
        },
        "merge" => {
            let mut all: Vec<Setting> = Vec::new();
            for arg in args {
                let Outcome::Tree(own) = arg else { return Outcome::Unknown };
                let first = |s: &Setting| s.path.split('.').next().unwrap_or("").to_owned();
                let keys: std::collections::BTreeSet<String> = own.iter().map(first).collect();
                all.retain(|s| !keys.contains(&first(s)));
                all.extend(own.iter().cloned());
            }
            Outcome::Tree(all)
        }
        "format" => {
            let Some(pattern) = args.first().and_then(Outcome::known) else { return Outcome::Unknown };
            let mut pieces = pattern.split("%s");
            let mut out = pieces.next().unwrap_or("").to_owned();
            let mut owner = None;
            for (at, piece) in pieces.enumerate() {
                let Some(Outcome::Text(text, from)) = args.get(at + 1) else { return Outcome::Unknown };
                out.push_str(text);
                out.push_str(piece);
                owner = from.clone().or(owner);
            }
            if out.contains('%') { Outcome::Unknown } else { Outcome::Text(out, owner) }
        }
        _ => Outcome::Unknown,
    }
}
