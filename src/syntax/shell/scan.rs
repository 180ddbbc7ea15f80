//! Finding where quoted and nested pieces of shell text end, without recursion.

/// What a scan is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    /// `$( … )`, `<( … )`, `( … )`
    Parens,
    /// `"…"`
    Double,
    /// `${ … }`
    Braces,
    /// `` `…` ``
    Backquotes,
}

/// Just past the `)` that ends a substitution whose text begins at `from`. Here-documents, comments and
/// quotes inside are skipped. `None` if it is not closed before `end`.
pub(super) fn end_of_parens(text: &[u8], from: usize, end: usize) -> Option<usize> {
    end_of(text, from, end, Inside::Parens)
}

/// Just past the `"` that ends a string whose text begins at `from`.
pub(super) fn end_of_double(text: &[u8], from: usize, end: usize) -> Option<usize> {
    end_of(text, from, end, Inside::Double)
}

/// Just past the `}` that ends a parameter expansion whose text begins at `from`.
pub(super) fn end_of_braces(text: &[u8], from: usize, end: usize) -> Option<usize> {
    end_of(text, from, end, Inside::Braces)
}

/// Just past the closing backquote.
pub(super) fn end_of_backquotes(text: &[u8], from: usize, end: usize) -> Option<usize> {
    end_of(text, from, end, Inside::Backquotes)
}

fn end_of(text: &[u8], from: usize, end: usize, what: Inside) -> Option<usize> {
    let mut stack = vec![what];
    let mut pending: Vec<Delimiter> = Vec::new();
    let mut i = from;
    while i < end {
        let top = *stack.last()?;
        let next = text.get(i + 1).copied().filter(|_| i + 1 < end);
        match (text[i], top) {
            (b'\\', _) => i += 1,
            (b'$', _) if text[i..end].starts_with(b"${{") => {
                i = find(text, i, end, b"}}").map_or(i, |close| close + 1);
            }
            (b'$', _) if next == Some(b'(') => {
                stack.push(Inside::Parens);
                i += 1;
            }
            (b'$', _) if next == Some(b'{') => {
                stack.push(Inside::Braces);
                i += 1;
            }
            (b'`', Inside::Backquotes) => {
                stack.pop();
            }
            (b'`', _) => match stack.iter().rposition(|s| *s == Inside::Backquotes) {
                // A backquote cannot nest in another without a backslash: it ends the outer one.
                Some(outer) => stack.truncate(outer),
                None => stack.push(Inside::Backquotes),
            },
            (b'"', Inside::Double) => {
                stack.pop();
            }
            (b'"', _) => stack.push(Inside::Double),
            (b'\'', Inside::Parens | Inside::Backquotes) => i = find(text, i + 1, end, b"'")?,
            (b'\'', Inside::Braces) if !stack.contains(&Inside::Double) => i = find(text, i + 1, end, b"'")?,
            (b'(', Inside::Parens) => stack.push(Inside::Parens),
            (b')', Inside::Parens) => {
                stack.pop();
            }
            (b'}', Inside::Braces) => {
                stack.pop();
            }
            (b'#', Inside::Parens)
                if i == from || text[i - 1].is_ascii_whitespace() || text[i - 1] == b';' =>
            {
                i = find(text, i, end, b"\n")?;
                continue;
            }
            (b'<', Inside::Parens) if text[i..end].starts_with(b"<<<") => i += 2,
            (b'<', Inside::Parens) if next == Some(b'<') => {
                if let Some((delimiter, after)) = delimiter(text, i + 2, end) {
                    pending.push(delimiter);
                    i = after;
                    continue;
                }
                i += 1;
            }
            (b'\n', Inside::Parens) if !pending.is_empty() => {
                i += 1;
                for delimiter in pending.drain(..) {
                    i = body(text, i, end, &delimiter).1;
                }
                continue;
            }
            _ => {}
        }
        i += 1;
        if stack.is_empty() {
            return (i <= end).then_some(i);
        }
    }
    None
}

/// The word that ends a here-document.
#[derive(Debug, Clone)]
pub(in crate::syntax) struct Delimiter {
    pub(in crate::syntax) word: Vec<u8>,
    pub(in crate::syntax) strip_tabs: bool,
    pub(in crate::syntax) quoted: bool,
}

/// Reads `-`, blanks and the delimiter word after `<<`; `None` if there is no word (arithmetic shift).
pub(in crate::syntax) fn delimiter(text: &[u8], from: usize, end: usize) -> Option<(Delimiter, usize)> {
    let mut i = from;
    let strip_tabs = i < end && text[i] == b'-';
    if strip_tabs {
        i += 1;
    }
    while i < end && matches!(text[i], b' ' | b'\t') {
        i += 1;
    }
    let mut word = Vec::new();
    let mut quoted = false;
    while i < end {
        match text[i] {
            quote @ (b'\'' | b'"') => {
                let line = find(text, i, end, b"\n").unwrap_or(end);
                let close = find(text, i + 1, line, &[quote])?;
                word.extend_from_slice(&text[i + 1..close]);
                quoted = true;
                i = close;
            }
            b'\\' => {
                quoted = true;
                i += 1;
                word.extend(text.get(i).filter(|_| i < end));
            }
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'`' => break,
            b => word.push(b),
        }
        i += 1;
    }
    (!word.is_empty() || quoted).then_some((Delimiter { word, strip_tabs, quoted }, i.min(end)))
}

/// End of the body of a here-document that begins at `from`, the offset past its last line, and whether
/// the delimiter was found.
pub(super) fn body(text: &[u8], from: usize, end: usize, delimiter: &Delimiter) -> (usize, usize, bool) {
    let mut start = from;
    while start < end {
        let line_end = find(text, start, end, b"\n").unwrap_or(end);
        let mut line = &text[start..line_end];
        if delimiter.strip_tabs {
            let tabs = line.iter().take_while(|b| **b == b'\t').count();
            line = &line[tabs..];
        }
        if line == delimiter.word {
            return (start, (line_end + 1).min(end), true);
        }
        start = line_end + 1;
    }
    (end, end, false)
}

/// First place of `needle` in `from..end`.
pub(super) fn find(text: &[u8], from: usize, end: usize, needle: &[u8]) -> Option<usize> {
    if from >= end {
        return None;
    }
    match needle {
        [one] => text[from..end].iter().position(|b| b == one).map(|at| from + at),
        _ => text[from..end].windows(needle.len()).position(|w| w == needle).map(|at| from + at),
    }
}

/// A template expression is at most so long, in bytes.
const LONGEST_TEMPLATE: usize = 8 * 1024;

/// End of a template expression of a CI system or a template language that begins at `from`:
/// `${{ }}`, `{{ }}`, `$[[ ]]` (GitLab inputs), `$[ ]` is shell's own, `<< parameters.x >>` (CircleCI).
/// Except for `${{ }}` it ends on its line.
pub(super) fn end_of_template(text: &[u8], from: usize, end: usize) -> Option<usize> {
    // Openers that nothing closes would each search all that follows.
    let end = end.min(from + LONGEST_TEMPLATE);
    let rest = &text[from..end];
    let (open, close): (&[u8], &[u8]) = match rest {
        [b'$', b'{', b'{', ..] => return find(text, from + 3, end, b"}}").map(|at| at + 2),
        [b'{', b'{', ..] => (b"{{", b"}}"),
        [b'$', b'[', b'[', ..] => (b"$[[", b"]]"),
        [b'<', b'<', ..] => {
            let blanks = rest[2..].iter().take_while(|b| **b == b' ').count();
            let name = &rest[2 + blanks..];
            if !name.starts_with(b"parameters.")
                && !name.starts_with(b"pipeline.")
                && !name.starts_with(b"matrix.")
            {
                return None;
            }
            (b"<<", b">>")
        }
        _ => return None,
    };
    let line_end = find(text, from, end, b"\n").unwrap_or(end);
    find(text, from + open.len(), line_end, close).map(|at| at + close.len())
}
