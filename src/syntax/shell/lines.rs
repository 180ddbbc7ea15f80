//! PowerShell and batch text, split into commands without a grammar.

use super::{Command, How, MAX_BYTES, Script, Tolerated, Word};
use crate::text::Passage;

/// Splits PowerShell (or cmd) text into commands: at line ends, `;`, `|`, `&&` and `||`, with `"…"` and
/// `'…'`, a backquote (PowerShell) or caret (cmd) at a line's end as continuation, and `#`, `REM` and
/// `::` comments. Braces only separate. `-ErrorAction SilentlyContinue` (and `Ignore`) tolerate.
pub fn parse_lines(passage: &Passage) -> Script {
    let text = passage.text();
    if text.len() > MAX_BYTES {
        return Script::default();
    }
    let mut script = Script { complete: true, ..Script::default() };
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let b = rest.as_bytes()[0];
        let starts_word = words.is_empty();
        if (b == b'`' || b == b'^') && line_break(&rest[1..]) > 0 {
            at += 1 + line_break(&rest[1..]);
        } else if rest.starts_with("<#") {
            at += rest.find("#>").map_or(rest.len(), |close| close + 2);
        } else if matches!(b, b'\n' | b'\r' | b';' | b'|' | b'{' | b'}') || rest.starts_with("&&") {
            flush(passage, &mut words, &mut script);
            at += 1;
        } else if matches!(b, b' ' | b'\t' | b'(' | b')' | b',' | b'&' | b'@') && !rest.starts_with("@{") {
            at += 1;
        } else if b == b'#' || starts_word && is_comment(rest) {
            at += rest.find('\n').unwrap_or(rest.len());
        } else {
            let (word, width) = read_word(passage, at);
            words.push(word);
            at += width;
        }
    }
    flush(passage, &mut words, &mut script);
    script
}

fn line_break(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

fn is_comment(line: &str) -> bool {
    let rem = line.get(..3).is_some_and(|w| w.eq_ignore_ascii_case("rem"));
    line.starts_with("::") || rem && line.as_bytes().get(3).is_none_or(u8::is_ascii_whitespace)
}

/// The word at `start`, which holds at least one byte, and its width.
fn read_word(passage: &Passage, start: usize) -> (Word, usize) {
    let text = passage.text();
    let mut lifted = Passage::new(passage.file(), passage.span(start..start).start as usize);
    let (mut quoted, mut literal) = (false, true);
    let mut at = start;
    while at < text.len() {
        let rest = &text[at..];
        let b = rest.as_bytes()[0];
        match b {
            b'"' | b'\'' => {
                quoted = true;
                // A string that is not closed ends with its line.
                let line = rest.find('\n').unwrap_or(rest.len());
                let close = rest[1..line.max(1)].find(b as char).map_or(line, |i| i + 1);
                lifted.append(passage, at + 1..(at + close).max(at + 1));
                literal &= b == b'\'' || !rest[..close].contains('$');
                if close == line {
                    at += close;
                    break;
                }
                at += close + 1;
            }
            b' ' | b'\t' | b'\n' | b'\r' | b';' | b'|' | b'(' | b')' | b'}' | b',' => break,
            b'{' if !rest.starts_with("{{") && !text[..at].ends_with('$') && !text[..at].ends_with('{') => {
                break;
            }
            // An expression of the CI service is filled in before any shell sees the line.
            b'$' if rest.starts_with("${{") && closes(rest).is_some() => {
                let width = closes(rest).unwrap_or(rest.len());
                literal = false;
                lifted.append(passage, at..at + width);
                at += width;
            }
            _ => {
                literal &= !matches!(b, b'$' | b'%');
                let width = rest.chars().next().map_or(1, char::len_utf8);
                lifted.append(passage, at..at + width);
                at += width;
            }
        }
    }
    let end = at.max(start + 1).min(text.len());
    let span = passage.span(start..end);
    let word = Word { text: lifted.text().to_owned(), span, literal, quoted, lifted: Some(Box::new(lifted)) };
    (word, end - start)
}

/// Where the expression ends that `text` begins with, on the same line.
fn closes(text: &str) -> Option<usize> {
    // Without a bound, a line of openings that never close would take quadratic time.
    let text = &text[..text.floor_char_boundary(512)];
    let line = text.find('\n').unwrap_or(text.len());
    text[..line].find("}}").map(|at| at + 2)
}

fn flush(passage: &Passage, words: &mut Vec<Word>, script: &mut Script) {
    let words = std::mem::take(words);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
    debug_assert_eq!(first.span.file, passage.file());
    let silenced = words.windows(2).find(|pair| {
        let option = pair[0].text.to_ascii_lowercase();
        let value = pair[1].text.to_ascii_lowercase();
        matches!(option.as_str(), "-erroraction" | "-ea")
            && matches!(value.as_str(), "silentlycontinue" | "ignore" | "0")
    });
    let tolerated = silenced.map(|p| Tolerated { span: p[0].span.join(p[1].span), how: How::Silenced });
    let span = first.span.join(last.span);
    script.commands.push(Command {
        span,
        words,
        assignments: Vec::new(),
        redirects: Vec::new(),
        heredoc: None,
        tolerated,
        errexit: None,
        pipeline: None,
        link: None,
        function: None,
        conditions: Vec::new(),
        subshell: 0,
        in_substitution: false,
        negated: false,
    });
}
