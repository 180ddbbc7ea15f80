//! What texts say, with the way back to where they stand.

use super::{Expr, Literal, Quote};
use crate::text::{FileId, Passage};
use std::ops::Range;

/// What `${` opens is looked at so far.
const LONGEST_EXPRESSION: usize = 1024;

impl Literal {
    /// The text without its escapes. What the run puts in stands there as `${NAME}`, as a shell writes it.
    pub fn passage(&self, file: FileId, source: &str) -> Passage {
        let mut passage = Passage::new(file, self.inside.start);
        self.append(source, &mut passage);
        passage
    }

    fn append(&self, source: &str, into: &mut Passage) {
        let text = &source[self.inside.clone()];
        let base = self.inside.start;
        let bytes = text.as_bytes();
        let (mut at, mut from) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            let (meaning, len): (String, usize) = match byte {
                b'\\' if matches!(self.quote, Quote::Single | Quote::Double) => escape(&text[at..]),
                b'\\' if self.quote == Quote::Slashy && bytes.get(at + 1) == Some(&b'/') => ("/".into(), 2),
                b'$' if self.quote == Quote::Dollar && matches!(bytes.get(at + 1), Some(b'$' | b'/')) => {
                    (text[at + 1..at + 2].to_owned(), 2)
                }
                b'$' if self.quote != Quote::Single => match reference(&text[at..]) {
                    // The same bytes need no other meaning.
                    Some((name, len)) if text[at..at + len] == name => (String::new(), len),
                    Some((name, len)) => (name, len),
                    None => (String::new(), 1),
                },
                _ => {
                    at += 1;
                    continue;
                }
            };
            let kept = meaning.is_empty() && byte == b'$';
            if !kept {
                into.push(&text[from..at], base + from);
                // An empty meaning would let the next piece pass for a continuation.
                if !meaning.is_empty() {
                    into.push_meaning(&meaning, base + at..base + at + len);
                }
                from = at + len;
            }
            at += len;
        }
        into.push(&text[from..], base + from);
    }
}

impl Expr {
    /// The text that an expression makes: of a text, of texts and names joined by `+`, of a name alone.
    /// `None` if it is anything else.
    pub fn passage(&self, file: FileId, source: &str) -> Option<Passage> {
        let mut passage = Passage::new(file, self.at().start);
        self.write(source, &mut passage, 0)?;
        Some(passage)
    }

    fn write(&self, source: &str, into: &mut Passage, depth: usize) -> Option<()> {
        let named = |at: &Range<usize>, into: &mut Passage| {
            into.push_meaning(&format!("${{{}}}", variable(&source[at.clone()])), at.clone());
        };
        match self {
            Expr::Text(literal) => literal.append(source, into),
            Expr::Name(name, at) => {
                let word = !name.starts_with(|c: char| c.is_ascii_digit());
                match word && !matches!(name.as_str(), "true" | "false" | "null") {
                    true => named(at, into),
                    false => into.push(&source[at.clone()], at.start),
                }
            }
            Expr::Sum(parts, _) if depth < 8 => {
                for part in parts {
                    part.write(source, into, depth + 1)?;
                }
            }
            // `'''…'''.stripIndent()` is still the text.
            Expr::Call(call)
                if depth < 8 && matches!(call.receiver, Some(Expr::Text(_) | Expr::Other(..))) =>
            {
                let shapes = ["stripIndent", "trim", "stripMargin", "toString", "stripLeading"];
                match &call.receiver {
                    Some(inner) if shapes.contains(&call.name.as_str()) => {
                        inner.write(source, into, depth + 1)?;
                    }
                    _ => named(&call.at, into),
                }
            }
            Expr::Other(parts, _) if parts.len() == 1 && depth < 8 => {
                parts[0].write(source, into, depth + 1)?;
            }
            Expr::Call(call) if depth > 0 => named(&call.at, into),
            Expr::Other(_, at) if depth > 0 => named(at, into),
            _ => return None,
        }
        Some(())
    }
}

/// An escape's meaning and its length. <https://groovy-lang.org/syntax.html#_escaping_special_characters>
fn escape(text: &str) -> (String, usize) {
    let Some(next) = text[1..].chars().next() else { return ("\\".into(), 1) };
    let meaning = match next {
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        'r' => "\r".to_owned(),
        'b' | 'f' => " ".to_owned(),
        '\r' if text[2..].starts_with('\n') => return (String::new(), 3),
        '\n' => String::new(),
        'u' => {
            let digits = text.get(2..6).and_then(|d| u32::from_str_radix(d, 16).ok());
            return match digits.and_then(char::from_u32) {
                Some(c) => (c.to_string(), 6),
                None => ("u".into(), 2),
            };
        }
        other => other.to_string(),
    };
    (meaning, 1 + next.len_utf8())
}

/// `$name.property` or `${…}` at the start of a text: as a shell's variable, and its length.
fn reference(text: &str) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    if bytes.get(1) == Some(&b'{') {
        let (mut depth, mut at) = (0_usize, 1);
        while let Some(byte) = bytes.get(at).filter(|_| at < LONGEST_EXPRESSION) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth == 1 => {
                    return Some((format!("${{{}}}", variable(&text[2..at])), at + 1));
                }
                b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        return None;
    }
    let start = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
    bytes.get(1).filter(|b| start(b))?;
    let mut end = 1 + bytes[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let plain = end;
    while bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(start) {
        end += 1 + bytes[end + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    }
    if end == plain {
        return Some((text[..end].to_owned(), end));
    }
    Some((format!("${{{}}}", variable(&text[1..end])), end))
}

/// The name of the variable that an expression reads, as a shell sees it: `env.X`, `params.X`, `X.trim()` and
/// `X ?: 'y'` are `X`; what compares or chooses gets a name of its own.
pub fn variable(expression: &str) -> String {
    let mut rest = expression.trim().trim_start_matches('(').trim_start();
    for prefix in ["this.", "script.", "steps.", "env.", "params.", "env?.", "params?."] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    for prefix in ["env[", "params["] {
        rest = rest.strip_prefix(prefix).map_or(rest, |r| r.trim_start_matches(['\'', '"']));
    }
    let decides = rest.contains("==") || rest.contains(" ? ") || rest.contains("&&") || rest.contains("||");
    let word = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let mut end = word(rest);
    if end == 0 || decides || rest.as_bytes()[0].is_ascii_digit() {
        return "GROOVY_EXPRESSION".to_owned();
    }
    let mut name = rest[..end].to_owned();
    // Properties belong to the name, functions do not.
    while rest[end..].starts_with('.') && name.len() < 128 {
        let more = word(&rest[end + 1..]);
        let after = end + 1 + more;
        if more == 0 || rest[after..].starts_with(['(', '[']) {
            break;
        }
        name.push('_');
        name.push_str(&rest[end + 1..after]);
        end = after;
    }
    name
}
