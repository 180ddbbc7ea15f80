//! Tokens.

use super::Quote;
use std::ops::Range;

/// A text within an expression within a text is at most so long.
const LONGEST_INNER: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a number.
    Word,
    /// A text: its inside and its quotes.
    Text(Range<usize>, Quote),
    /// Any other character. `->`, `==`, `!=`, `<=`, `>=`, `?.` and `?:` are one token with their first byte.
    Mark(u8),
    /// `->`.
    Arrow,
    /// The end of a line.
    Line,
}

#[derive(Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<(Token, Range<usize>)>,
    pub(super) comments: Vec<Range<usize>>,
    /// Where a quote is opened that nothing closes.
    pub(super) unclosed: Option<usize>,
}

pub(super) fn lex(text: &str) -> Lexed {
    let bytes = text.as_bytes();
    let mut out = Lexed::default();
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    if text[at..].starts_with("#!") {
        at = line_end(bytes, at);
    }
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let token = match byte {
            b'\n' => {
                at += 1;
                Token::Line
            }
            b'\\' => {
                // A backslash at the end of a line joins it with the next.
                let rest = &bytes[at + 1..];
                at += match rest {
                    [b'\r', b'\n', ..] => 3,
                    [b'\n', ..] => 2,
                    _ => 1,
                };
                continue;
            }
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = line_end(bytes, at);
                out.comments.push(start..at);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = text[at + 2..].find("*/");
                at = end.map_or(text.len(), |end| at + 2 + end + 2);
                out.comments.push(start..at);
                continue;
            }
            b'\'' | b'"' => {
                let (inside, end, closed) = quoted(text, at);
                if !closed {
                    out.unclosed.get_or_insert(at);
                }
                at = end;
                Token::Text(inside, if byte == b'\'' { Quote::Single } else { Quote::Double })
            }
            b'/' if slashy_may_start(&out.tokens) => match slashy(bytes, at) {
                Some(end) => {
                    at = end + 1;
                    Token::Text(start + 1..end, Quote::Slashy)
                }
                None => {
                    at += 1;
                    Token::Mark(byte)
                }
            },
            b'$' if bytes.get(at + 1) == Some(&b'/') => {
                let end = text[at + 2..].find("/$").map_or(text.len(), |e| at + 2 + e);
                at = (end + 2).min(text.len());
                Token::Text((start + 2).min(end)..end, Quote::Dollar)
            }
            _ if is_word(byte) => {
                at += bytes[at..].iter().take_while(|b| is_word(**b)).count();
                Token::Word
            }
            b'-' if bytes.get(at + 1) == Some(&b'>') => {
                at += 2;
                Token::Arrow
            }
            b'=' | b'!' | b'<' | b'>' | b'+' | b'-' => {
                // `==~` is one mark, and so are `+=`, `++` and `<<`.
                at += 1;
                while bytes.get(at).is_some_and(|b| matches!(b, b'=' | b'~') || *b == byte && byte != b'!') {
                    at += 1;
                }
                let equals = byte == b'=' && at == start + 1;
                let adds = byte == b'+' && at == start + 1;
                let gives = byte == b'+' && &bytes[start..at] == b"+=";
                Token::Mark(if equals || adds || gives { if gives { b'=' } else { byte } } else { b'~' })
            }
            _ => {
                at += 1;
                Token::Mark(byte)
            }
        };
        out.tokens.push((token, start..at));
    }
    out
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

/// A slash begins a text where a value is due, and divides elsewhere.
fn slashy_may_start(tokens: &[(Token, Range<usize>)]) -> bool {
    matches!(
        tokens.last(),
        Some((Token::Mark(b'(' | b',' | b'=' | b'[' | b'~' | b':' | b'{' | b'+' | b'!'), _))
    )
}

/// The closing slash, on the same line.
fn slashy(bytes: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\n' => return None,
            b'\\' => i += 1,
            b'/' => return Some(i),
            _ => {}
        }
        i += 1;
    }
    None
}

/// The inside of a quoted text, the offset behind it, and whether it is closed. Expressions in it may hold
/// quotes and braces of their own.
fn quoted(text: &str, at: usize) -> (Range<usize>, usize, bool) {
    let bytes = text.as_bytes();
    let quote = bytes[at];
    let triple = bytes[at..].starts_with(&[quote; 3]);
    let open = if triple { 3 } else { 1 };
    let mut i = at + open;
    // Braces of expressions that are open, and quotes within them.
    let mut depth = 0_usize;
    let mut inner: Option<u8> = None;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\\' => i += 1,
            _ if depth > 0 => match inner {
                Some(q) if q == byte => inner = None,
                Some(_) => {}
                None if byte == b'{' => depth += 1,
                None if byte == b'}' => depth -= 1,
                None if matches!(byte, b'"' | b'\'') => {
                    // A quote that nothing closes before the line ends is a shell's own (`${x%'}`).
                    let rest = &bytes[i + 1..bytes.len().min(i + LONGEST_INNER)];
                    let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
                    match line.contains(&byte) {
                        true => inner = Some(byte),
                        false => depth = 0,
                    }
                    if depth == 0 {
                        continue;
                    }
                }
                None if byte == b'\n' && !triple => depth = 0,
                None => {}
            },
            b'$' if quote == b'"' && bytes.get(i + 1) == Some(&b'{') => {
                depth = 1;
                i += 1;
            }
            b'\n' if !triple => return (at + open..i, i, false),
            _ if byte == quote && (!triple || bytes[i..].starts_with(&[quote; 3])) => {
                // `""""` ends with a quote that belongs to the text.
                while triple && bytes.get(i + 3) == Some(&quote) {
                    i += 1;
                }
                return (at + open..i, i + open, true);
            }
            _ => {}
        }
        i += 1;
    }
    let end = text.len();
    ((at + open).min(end)..end, end, false)
}
