//! From a scalar as written to its value, piece by piece, so that every byte of the value knows its place.

use super::tree::{Block, Format, Style};
use crate::text::{FileId, Passage};
use std::ops::Range;

fn is_break(b: u8) -> bool {
    matches!(b, b'\n' | b'\r')
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// Just past the line break at `at`; `at` when there is none.
fn past_break(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(b'\r' | b'\n'), _) => at + 1,
        _ => at,
    }
}

fn past_blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or(&[]).iter().take_while(|&&b| is_blank(b)).count()
}

/// Lifts a plain or quoted scalar that stands at `range`.
pub(super) fn flow(file: FileId, text: &str, range: Range<usize>, format: Format, style: Style) -> Passage {
    let mut inner = range;
    let mut passage = Passage::new(file, inner.start);
    let mut verbatim_breaks = format != Format::Yaml;
    if matches!(style, Style::SingleQuoted | Style::DoubleQuoted) {
        let raw = &text[inner.clone()];
        let thrice = format == Format::Toml && (raw.starts_with("\"\"\"") || raw.starts_with("'''"));
        let quotes = match (thrice && raw.len() >= 6, raw.len() >= 2) {
            (true, _) => 3,
            // A loose JSON5 name has no quotes.
            (false, true) if raw.starts_with(['"', '\'']) => 1,
            _ => 0,
        };
        inner = inner.start + quotes..inner.end - quotes;
        if thrice {
            inner.start = past_break(text.as_bytes(), inner.start).min(inner.end);
            verbatim_breaks = true;
        }
        passage = Passage::new(file, inner.start);
    }
    let bytes = &text.as_bytes()[..inner.end];
    let escapes = style == Style::DoubleQuoted || (format == Format::Json && style == Style::SingleQuoted);
    let doubled = style == Style::SingleQuoted && format == Format::Yaml;
    let mut taken = inner.start;
    let mut at = inner.start;
    while at < inner.end {
        match bytes[at] {
            b'\r' if verbatim_breaks && bytes.get(at + 1) == Some(&b'\n') => {
                passage.push(&text[taken..at], taken);
                passage.push_meaning("\n", at..at + 2);
                at += 2;
                taken = at;
            }
            b if is_break(b) && !verbatim_breaks => {
                let end = taken + text[taken..at].trim_end_matches([' ', '\t']).len();
                passage.push(&text[taken..end], taken);
                let (next, breaks) = fold(bytes, at);
                let meaning = if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) };
                passage.push_meaning(&meaning, end..next);
                at = next;
                taken = at;
            }
            b'\'' if doubled && bytes.get(at + 1) == Some(&b'\'') => {
                passage.push(&text[taken..at], taken);
                passage.push_meaning("'", at..at + 2);
                at += 2;
                taken = at;
            }
            b'\\' if escapes => {
                passage.push(&text[taken..at], taken);
                let next = match continuation(bytes, at, format) {
                    Some((next, breaks)) => {
                        passage.push_meaning(&"\n".repeat(breaks), at..next);
                        next
                    }
                    None => {
                        let (next, meaning) = escape(&text[..inner.end], at);
                        passage.push_meaning(meaning.encode_utf8(&mut [0; 4]), at..next);
                        next
                    }
                };
                at = next;
                taken = at;
            }
            _ => at += 1,
        }
    }
    passage.push(&text[taken..inner.end], taken);
    passage
}

/// Passes the line breaks at `at` and the blanks around them; says how many there were.
fn fold(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let mut breaks = 0;
    while bytes.get(at).is_some_and(|&b| is_break(b)) {
        at = past_blanks(bytes, past_break(bytes, at));
        breaks += 1;
    }
    (at, breaks)
}

/// The line continuation at the backslash `at`, if it is one: where the text goes on, and how many
/// line breaks of the value it stands for.
fn continuation(bytes: &[u8], at: usize, format: Format) -> Option<(usize, usize)> {
    let next = at + 1;
    match format {
        Format::Yaml if bytes.get(next).is_some_and(|&b| is_break(b)) => {
            let (next, breaks) = fold(bytes, next);
            Some((next, breaks - 1))
        }
        Format::Json if bytes.get(next).is_some_and(|&b| is_break(b)) => Some((past_break(bytes, next), 0)),
        Format::Toml if bytes.get(past_blanks(bytes, next)).is_some_and(|&b| is_break(b)) => {
            Some((fold(bytes, past_blanks(bytes, next)).0, 0))
        }
        _ => None,
    }
}

/// The escape at the backslash `at`: just past it, and what it means. The escapes of YAML 1.2 (5.7),
/// JSON, JSON5 and TOML do not contradict each other; the parser has already refused foreign ones.
fn escape(text: &str, at: usize) -> (usize, char) {
    let Some(kind) = text[at + 1..].chars().next() else { return (at + 1, '\\') };
    let next = at + 1 + kind.len_utf8();
    let meaning = match kind {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return code(text, next, 2),
        'u' => return code(text, next, 4),
        'U' => return code(text, next, 8),
        other => other,
    };
    (next, meaning)
}

fn code(text: &str, at: usize, digits: usize) -> (usize, char) {
    let hex = |at: usize| text.get(at..at + digits).and_then(|d| u32::from_str_radix(d, 16).ok());
    let Some(first) = hex(at) else { return (at, char::REPLACEMENT_CHARACTER) };
    let next = at + digits;
    if (0xd800..0xdc00).contains(&first)
        && text.get(next..next + 2) == Some("\\u")
        && let Some(second @ 0xdc00..0xe000) = hex(next + 2)
    {
        let both = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (next + 2 + digits, char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    (next, char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// A line of a block scalar: its content without indentation, and its break.
struct Line {
    content: Range<usize>,
    ends: Range<usize>,
}

/// Lifts a YAML block scalar (YAML 1.2.2, 8.1).
pub(super) fn block(file: FileId, text: &str, structure: &str, block: Block, style: Style) -> Passage {
    let (header, first, end) = (block.header as usize, block.first as usize, block.end as usize);
    let bytes = &structure.as_bytes()[..end];
    let source = &text.as_bytes()[..end];
    let line_start = bytes[..first].iter().rposition(|&b| is_break(b)).map_or(0, |i| i + 1);
    // Without content, all lines are empty ones.
    let indent = if first == header { usize::MAX } else { first - line_start };
    let indicators = bytes[header + 1..].iter().take_while(|b| matches!(b, b'+' | b'-' | b'0'..=b'9'));
    let (mut keep, mut strip) = (false, false);
    for indicator in indicators {
        keep |= *indicator == b'+';
        strip |= *indicator == b'-';
    }

    let mut passage = Passage::new(file, first);
    let mut pending: Vec<Line> = Vec::new();
    // Whether the last line with content began with a blank; `None` before the first.
    let mut last: Option<bool> = None;
    let line_end = |from: usize| source[from..].iter().position(|&b| is_break(b)).map_or(end, |i| from + i);
    let mut at = past_break(source, line_end(header));
    while at < end {
        let ends = line_end(at);
        let next = past_break(source, ends);
        let indented = |b: &[u8]| at + b[at..ends].iter().take(indent).take_while(|&&b| b == b' ').count();
        let content = indented(source)..ends;
        // Only a masked line holds a break before the end of the line that was written.
        let seen = indented(bytes);
        let blank = seen == ends || bytes[seen] == b'\n';
        if blank && ends == next && !pending.is_empty() {
            // Blanks at the end of the file are no line of their own.
        } else if blank {
            pending.push(Line { content, ends: ends..next });
        } else {
            let spaced = is_blank(source[content.start]);
            let folds = style == Style::Folded
                && last == Some(false)
                && !spaced
                && pending.iter().skip(1).all(|line| line.content.is_empty());
            if folds && pending.len() == 1 {
                passage.push_meaning(" ", pending[0].ends.clone());
            } else {
                push_lines(&mut passage, text, &pending[usize::from(folds).min(pending.len())..]);
            }
            pending.clear();
            let start = content.start;
            passage.push(&text[content], start);
            pending.push(Line { content: ends..ends, ends: ends..next });
            last = Some(spaced);
        }
        at = next;
    }
    for line in &mut pending {
        line.content = line.ends.start..line.ends.start;
    }
    if keep {
        push_lines(&mut passage, text, &pending);
    } else if last.is_some() && !strip {
        push_lines(&mut passage, text, &pending[..1]);
    }
    passage
}

/// Appends lines with their breaks; a line that ends with the file has one too.
fn push_lines(passage: &mut Passage, text: &str, lines: &[Line]) {
    for line in lines {
        passage.push(&text[line.content.clone()], line.content.start);
        match &text[line.ends.clone()] {
            "\n" => passage.push("\n", line.ends.start),
            _ => passage.push_meaning("\n", line.ends.clone()),
        }
    }
}
