//! One logical line to an instruction.

use super::lines::Heredoc;
use super::{Flag, Instruction, KEYWORDS, Pair};
use crate::text::{Passage, Spanned};
use std::ops::Range;

/// Reads the instruction that begins at text byte `from` of `line`.
pub(super) fn read(
    line: &Passage,
    from: usize,
    heredocs: Vec<Heredoc>,
    escape: char,
) -> Result<Instruction, Spanned<String>> {
    let text = line.text();
    let end = text.trim_end().len().max(from);
    let from = end - text[from..end].trim_start().len();
    let keyword_end = word_end(text, from, end);
    let keyword = text[from..keyword_end].to_ascii_uppercase();
    if !KEYWORDS.contains(&keyword.as_str()) {
        let message = format!("unknown instruction {}", keyword.chars().take(40).collect::<String>());
        return Err(Spanned::new(message, line.span(from..keyword_end)));
    }
    let mut span = line.span(from..end);
    if let Some(last) = heredocs.last() {
        span.end = span.end.max(last.raw.end as u32);
    }
    let mut at = skip_blanks(text, keyword_end, end);
    let mut flags = Vec::new();
    if matches!(keyword.as_str(), "FROM" | "RUN" | "COPY" | "ADD" | "HEALTHCHECK") {
        while text[at..end].starts_with("--") {
            let stop = word_end(text, at, end);
            let (name, value) = match text[at + 2..stop].split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (&text[at + 2..stop], None),
            };
            flags.push(Flag { name: name.to_owned(), value, span: line.span(at..stop) });
            at = skip_blanks(text, stop, end);
        }
    }
    let mut instruction = Instruction {
        keyword,
        span,
        flags,
        args: Vec::new(),
        exec: false,
        shell: None,
        pairs: Vec::new(),
        heredocs: Vec::new(),
        inner: None,
    };
    match instruction.keyword.as_str() {
        "ONBUILD" | "HEALTHCHECK" => {
            let inner = text[at..end].split_ascii_whitespace().next().unwrap_or("").to_ascii_uppercase();
            // ONBUILD ONBUILD is forbidden, and HEALTHCHECK takes NONE or CMD.
            let onbuild = instruction.keyword == "ONBUILD" && inner != "ONBUILD";
            if onbuild || inner == "CMD" {
                instruction.inner = Some(Box::new(read(line, at, heredocs, escape)?));
            } else {
                instruction.args = words(line, at..end, escape);
            }
            return Ok(instruction);
        }
        "ENV" | "LABEL" | "ARG" => {
            instruction.pairs = pairs(line, at..end, escape, instruction.keyword == "ARG")
        }
        _ => {}
    }
    let array = if text[at..end].starts_with('[') { json_array(line, at..end) } else { None };
    match array {
        Some(array) => {
            instruction.exec = true;
            instruction.args = array;
        }
        None => {
            if matches!(instruction.keyword.as_str(), "RUN" | "CMD" | "ENTRYPOINT") {
                instruction.shell = Some(shell_text(line, at..end, &heredocs));
            }
            instruction.args = words(line, at..end, escape);
        }
    }
    instruction.heredocs = heredocs.into_iter().map(|h| h.body).collect();
    Ok(instruction)
}

/// The text that the shell gets.
fn shell_text(line: &Passage, range: Range<usize>, heredocs: &[Heredoc]) -> Passage {
    let text = line.text()[range.clone()].trim();
    if let [only] = heredocs
        && text.starts_with("<<")
        && !text.contains([' ', '\t', ';', '|', '&', '>'])
    {
        return only.body.clone();
    }
    let mut out = Passage::new(line.file(), line.span(range.start..range.start).start as usize);
    out.append(line, range);
    for (index, heredoc) in heredocs.iter().enumerate() {
        if index == 0 {
            out.push_meaning("\n", heredoc.raw.start..heredoc.raw.start);
        }
        out.append(&heredoc.raw_text, 0..heredoc.raw_text.text().len());
    }
    out
}

fn skip_blanks(text: &str, from: usize, end: usize) -> usize {
    end - text[from..end].trim_start().len()
}

fn word_end(text: &str, from: usize, end: usize) -> usize {
    text[from..end].find(char::is_whitespace).map_or(end, |at| from + at)
}

/// Words without their quotes; blanks within quotes or after the escape character belong to a word.
fn words(line: &Passage, range: Range<usize>, escape: char) -> Vec<Spanned<String>> {
    let text = line.text();
    raw_words(text, range, escape).into_iter().map(|r| unquoted(line, r, escape)).collect()
}

/// Ranges of words as written.
fn raw_words(text: &str, range: Range<usize>, escape: char) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text[range.clone()].char_indices() {
        let at = range.start + at;
        if c.is_whitespace() && quote.is_none() && !escaped {
            if let Some(start) = start.take() {
                out.push(start..at);
            }
            continue;
        }
        start.get_or_insert(at);
        match (escaped, quote) {
            (true, _) => escaped = false,
            (false, None | Some('"')) if c == escape => escaped = true,
            (false, None) if c == '"' || c == '\'' => quote = Some(c),
            (false, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    if let Some(start) = start {
        out.push(start..range.end);
    }
    out
}

/// The word without quotes and escapes, with its place as written.
fn unquoted(line: &Passage, range: Range<usize>, escape: char) -> Spanned<String> {
    let mut value = String::new();
    let mut quote = None;
    let mut chars = line.text()[range.clone()].chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            None | Some('"') if c == escape => {
                let resolved = chars.next_if(|n| quote.is_none() || matches!(n, '"' | '$') || *n == escape);
                value.push(resolved.unwrap_or(c));
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => value.push(c),
        }
    }
    Spanned::new(value, line.span(range))
}

fn pairs(line: &Passage, range: Range<usize>, escape: char, is_arg: bool) -> Vec<Pair> {
    let text = line.text();
    let words = raw_words(text, range.clone(), escape);
    let Some(first) = words.first() else { return Vec::new() };
    if !is_arg && !text[first.clone()].contains('=') {
        // ENV name the rest of the line
        let start = skip_blanks(text, first.end, range.end);
        let name = unquoted(line, first.clone(), escape);
        let value = Spanned::new(text[start..range.end].to_owned(), line.span(start..range.end));
        return vec![Pair { name, value: Some(value) }];
    }
    let split = |word: Range<usize>| match text[word.clone()].find('=') {
        Some(at) => Pair {
            name: unquoted(line, word.start..word.start + at, escape),
            value: Some(unquoted(line, word.start + at + 1..word.end, escape)),
        },
        None => Pair { name: unquoted(line, word, escape), value: None },
    };
    words.into_iter().map(split).collect()
}

/// A JSON array of strings; `None` if it is anything else, which makes it shell form.
fn json_array(line: &Passage, range: Range<usize>) -> Option<Vec<Spanned<String>>> {
    let text = &line.text()[range.clone()];
    let bytes = text.as_bytes();
    let skip = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_whitespace) {
            i += 1;
        }
        i
    };
    let mut out = Vec::new();
    let mut i = skip(1);
    if bytes.get(i) == Some(&b']') {
        return (skip(i + 1) == bytes.len()).then_some(out);
    }
    loop {
        if bytes.get(i) != Some(&b'"') {
            return None;
        }
        let start = i;
        i += 1;
        while *bytes.get(i)? != b'"' {
            i += if bytes[i] == b'\\' { 2 } else { 1 };
        }
        i += 1;
        let value = serde_json::from_str(text.get(start..i)?).ok()?;
        out.push(Spanned::new(value, line.span(range.start + start..range.start + i)));
        i = skip(i);
        match bytes.get(i)? {
            b',' => i = skip(i + 1),
            b']' => return (skip(i + 1) == bytes.len()).then_some(out),
            _ => return None,
        }
    }
}
