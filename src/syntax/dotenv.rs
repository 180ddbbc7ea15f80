//! `.env` files: `KEY=value` lines. There is no standard; this reads what docker compose, dotenv for
//! Node and Ruby, and a shell that sources the file agree on.

use crate::text::{FileId, Span, Spanned};

/// A parsed `.env` file.
#[derive(Debug, Clone, Default)]
pub struct Dotenv {
    /// Assignments in order; later ones win.
    pub entries: Vec<Entry>,
    /// Comment lines and comments after values, with their `#`.
    pub comments: Vec<Span>,
    /// Lines that are no assignment.
    pub errors: Vec<Span>,
}

/// One assignment.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name.
    pub key: Spanned<String>,
    /// The value without its quotes, with the place inside the quotes. In double quotes `\n`, `\"`, `\\`
    /// and `\$` are resolved; `$X` and `${X}` are kept as written.
    pub value: Spanned<String>,
    /// `'`, `"` or a backquote if the value is quoted.
    pub quote: Option<char>,
    /// The value refers to another variable (never in single quotes).
    pub interpolated: bool,
    /// The line begins with `export`.
    pub exported: bool,
}

/// Parses the decoded text of a `.env` file.
pub fn parse(file: FileId, text: &str) -> Dotenv {
    let mut out = Dotenv::default();
    let mut pos = if text.starts_with('\u{feff}') { 3 } else { 0 };
    // A quote that is never closed ends with its line; after the first one no other is searched for further.
    let mut unclosed = false;
    while pos < text.len() {
        let end = text[pos..].find(['\n', '\r']).map_or(text.len(), |at| pos + at);
        let next = (end + 1).min(text.len());
        let start = end - text[pos..end].trim_start().len();
        let line = text[start..end].trim_end();
        pos = next;
        if line.is_empty() {
            continue;
        }
        if line.starts_with('#') {
            out.comments.push(Span::new(file, start..start + line.len()));
            continue;
        }
        let exported = line.strip_prefix("export").is_some_and(|rest| rest.starts_with([' ', '\t']));
        let key_at =
            if exported { start + line.len() - line["export".len()..].trim_start().len() } else { start };
        let equals = text[key_at..end].find('=').map(|at| key_at + at);
        let key = equals.map(|at| text[key_at..at].trim_end()).filter(|k| is_key(k));
        let (Some(equals), Some(key)) = (equals, key) else {
            out.errors.push(Span::new(file, start..start + line.len()));
            continue;
        };
        let key = Spanned::new(key.to_owned(), Span::new(file, key_at..key_at + key.len()));
        let value_at = end - text[equals + 1..end].trim_start_matches([' ', '\t']).len();
        let quote = text[value_at..end].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let close = quote.and_then(|q| {
            let limit = if unclosed { end } else { text.len() };
            let close = closing(text, value_at + 1, limit, q);
            unclosed |= close.is_none();
            close
        });
        let (value, inside, quote) = match (quote, close) {
            (Some(quote), Some(close)) => {
                let raw = &text[value_at + 1..close];
                let after = text[close + 1..].find(['\n', '\r']).map_or(text.len(), |at| close + 1 + at);
                note_comment(file, text, close + 1, after, &mut out);
                pos = (after + 1).min(text.len());
                let value = if quote == '"' { resolve(raw) } else { raw.to_owned() };
                (value, value_at + 1..close, Some(quote))
            }
            _ => {
                let raw = &text[value_at..end];
                let comment = raw
                    .char_indices()
                    .find(|&(at, c)| c == '#' && (at == 0 || raw[..at].ends_with([' ', '\t'])));
                let stop = value_at + comment.map_or(raw.len(), |(at, _)| at);
                note_comment(file, text, stop, end, &mut out);
                let value = text[value_at..stop].trim_end();
                (value.to_owned(), value_at..value_at + value.len(), None)
            }
        };
        let interpolated = quote != Some('\'') && has_reference(&value);
        let value = Spanned::new(value, Span::new(file, inside));
        out.entries.push(Entry { key, value, quote, interpolated, exported });
    }
    out
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn note_comment(file: FileId, text: &str, from: usize, end: usize, out: &mut Dotenv) {
    let rest = text[from..end].trim_start();
    if rest.starts_with('#') {
        let start = end - rest.len();
        out.comments.push(Span::new(file, start..start + rest.trim_end().len()));
    }
}

fn closing(text: &str, from: usize, limit: usize, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text[from..limit].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(from + at),
            _ => {}
        }
    }
    None
}

fn resolve(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('n' | 'r' | 't' | '"' | '\\' | '$'))) => {
                chars.next();
                out.push(match next {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            _ => out.push(c),
        }
    }
    out
}

fn has_reference(value: &str) -> bool {
    value.match_indices('$').any(|(at, _)| {
        value[at + 1..].starts_with(|c: char| c == '{' || c == '(' || c == '_' || c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_to_write_a_value() {
        let text = "\u{feff}# head\r\nA=1\r\nexport B = \"x \\\"y\\\" $Z\" # note\nC='it $A'\nD=a#b # c\nE=\nF=\"line\ntwo\"\nbroken line\nG=\"open\nH=${A:-x}\n";
        let d = parse(FileId(0), text);
        let got: Vec<_> = d
            .entries
            .iter()
            .map(|e| (e.key.value.as_str(), e.value.value.as_str(), e.interpolated))
            .collect();
        assert_eq!(
            got,
            [
                ("A", "1", false),
                ("B", "x \"y\" $Z", true),
                ("C", "it $A", false),
                ("D", "a#b", false),
                ("E", "", false),
                ("F", "line\ntwo", false),
                ("G", "\"open", false),
                ("H", "${A:-x}", true),
            ]
        );
        assert!(d.entries[1].exported);
        assert_eq!(&text[d.entries[1].value.span.range()], "x \\\"y\\\" $Z");
        assert_eq!(
            d.comments.iter().map(|c| &text[c.range()]).collect::<Vec<_>>(),
            ["# head", "# note", "# c"]
        );
        assert_eq!(&text[d.errors[0].range()], "broken line");
    }

    const TOKENS: &[&str] = &[
        "A", "=", "\"", "'", "`", "\\", "\n", "\r\n", "#", " ", "é", "😀", "export ", "${", "\u{feff}", "\t",
        "\u{a0}",
    ];

    proptest! {
        #[test]
        fn no_file_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
            let text = tokens.concat();
            let d = parse(FileId(0), &text);
            for span in d.entries.iter().flat_map(|e| [e.key.span, e.value.span]).chain(d.comments).chain(d.errors) {
                assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
            }
        }
    }
}
