//! Lines of recipes as the shell gets them.

use crate::text::Passage;
use std::ops::Range;

/// The line as the shell would read it, as far as that is known without expanding.
pub(super) fn for_shell(line: &Passage, range: Range<usize>) -> Passage {
    let text = &line.text()[..range.end];
    let bytes = text.as_bytes();
    let mut out = Passage::new(line.file(), line.span(range.start..range.start).start as usize);
    let mut from = range.start;
    let mut i = range.start;
    // Ends of `$(shell …)`, whose brackets stay; once a bracket is not closed none is searched for.
    let mut closed = true;
    while i < text.len() {
        if bytes[i] != b'$' {
            i += 1;
            continue;
        }
        out.append(line, from..i);
        let source = |range: Range<usize>| line.span(range).range();
        match bytes.get(i + 1) {
            Some(b'$') => {
                i += 1;
                from = i;
                i += 1;
            }
            Some(open @ (b'(' | b'{')) => {
                let close = if closed { closing(bytes, i + 1, *open) } else { None };
                let Some(close) = close else {
                    closed = false;
                    from = i;
                    i += 2;
                    continue;
                };
                let inner = &text[i + 2..close];
                let name = inner.split([' ', '\t', ':', ',']).next().unwrap_or("");
                if name == "shell" && inner.len() > name.len() {
                    out.push_meaning("$(", source(i..i + 8));
                    from = i + 8;
                    i = from;
                    continue;
                }
                let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                    && !name.is_empty();
                let meaning =
                    if plain { format!("${{{}}}", name.replace('-', "_")) } else { "${_}".to_owned() };
                out.push_meaning(&meaning, source(i..close + 1));
                i = close + 1;
                from = i;
            }
            Some(b) if b.is_ascii_alphanumeric() => {
                out.push_meaning(&format!("${{{}}}", *b as char), source(i..i + 2));
                i += 2;
                from = i;
            }
            Some(b'@' | b'*' | b'<' | b'^' | b'+' | b'?' | b'|' | b'%') => {
                out.push_meaning("${_}", source(i..i + 2));
                i += 2;
                from = i;
            }
            _ => {
                from = i;
                i += 1;
            }
        }
    }
    out.append(line, from.min(text.len())..text.len());
    out
}

fn closing(bytes: &[u8], from: usize, open: u8) -> Option<usize> {
    let close = if open == b'(' { b')' } else { b'}' };
    let mut depth = 0usize;
    for (at, b) in bytes.iter().enumerate().skip(from) {
        if *b == open {
            depth += 1;
        } else if *b == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}
