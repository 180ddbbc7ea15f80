//! INI files (as Python's configparser and git read them) and Java `.properties`
//! (<https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html>).

use crate::text::{FileId, Span, Spanned};

/// A parsed file.
#[derive(Debug, Clone, Default)]
pub struct Ini {
    /// Section headers: the text between the brackets.
    pub sections: Vec<Spanned<String>>,
    /// Keys and values in order.
    pub entries: Vec<Entry>,
    /// Comment lines.
    pub comments: Vec<Span>,
}

/// One key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Index into [`Ini::sections`].
    pub section: Option<usize>,
    /// The key, trimmed.
    pub key: Spanned<String>,
    /// The value, trimmed; continued lines are joined with a line break (INI) or nothing (properties).
    /// The span reaches from the first to the last line.
    pub value: Spanned<String>,
}

/// Parses an INI file: sections, `key = value`, `key: value`, comments with `#` and `;`; lines that are
/// indented deeper than their key continue its value.
pub fn parse_ini(file: FileId, text: &str) -> Ini {
    let mut out = Ini::default();
    let mut indent_of_key = None;
    for (start, line) in lines(text) {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        let at = start + indent;
        let place = Span::new(file, at..at + trimmed.len());
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with(['#', ';']) {
            out.comments.push(place);
            continue;
        }
        if indent_of_key.is_some_and(|key| indent > key)
            && let Some(entry) = out.entries.last_mut()
        {
            if !entry.value.value.is_empty() {
                entry.value.value.push('\n');
                entry.value.span.end = place.end;
            } else {
                entry.value.span = place;
            }
            entry.value.value.push_str(trimmed);
            continue;
        }
        if let Some(name) =
            trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
        {
            out.sections.push(Spanned::new(name.to_owned(), Span::new(file, at + 1..at + 1 + name.len())));
            indent_of_key = None;
            continue;
        }
        indent_of_key = Some(indent);
        let separator = trimmed.find(['=', ':']);
        out.entries.push(entry(file, out.sections.len().checked_sub(1), trimmed, at, separator, 1));
    }
    out
}

/// Parses Java properties: `key=value`, `key: value`, `key value`, comments with `#` and `!`, a backslash
/// at the end of a line continues it. Unicode escapes are kept as written.
pub fn parse_properties(file: FileId, text: &str) -> Ini {
    let mut out = Ini::default();
    let mut continued = false;
    for (start, line) in lines(text) {
        let trimmed = line.trim_start();
        let at = start + line.len() - trimmed.len();
        let continues = (trimmed.len() - trimmed.trim_end_matches('\\').len()) % 2 == 1;
        let content = if continues { &trimmed[..trimmed.len() - 1] } else { trimmed };
        if continued {
            if let Some(entry) = out.entries.last_mut() {
                entry.value.value.push_str(content);
                entry.value.span.end = (at + content.len()) as u32;
            }
            continued = continues;
            continue;
        }
        if trimmed.starts_with(['#', '!']) {
            out.comments.push(Span::new(file, at..at + trimmed.trim_end().len()));
            continue;
        }
        if content.trim().is_empty() {
            continue;
        }
        let mut escaped = false;
        let separator = content.char_indices().find(|(_, c)| {
            let separates = !escaped && matches!(c, '=' | ':' | ' ' | '\t');
            escaped = !escaped && *c == '\\';
            separates
        });
        let separator = separator.map(|(i, _)| i);
        // `key = value`: the blank before the sign is no separator of its own.
        let sign = separator.map_or(0, |i| {
            let rest = &content[i..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            blanks + usize::from(rest[blanks..].starts_with(['=', ':']))
        });
        out.entries.push(entry(file, None, content, at, separator, sign));
        continued = continues;
    }
    out
}

fn entry(
    file: FileId,
    section: Option<usize>,
    line: &str,
    at: usize,
    separator: Option<usize>,
    sign: usize,
) -> Entry {
    let key = line[..separator.unwrap_or(line.len())].trim_end();
    let after = separator.map_or(line.len(), |i| i + sign);
    let value_at = line.len() - line[after..].trim_start().len();
    let value = line[value_at..].trim_end();
    Entry {
        section,
        key: Spanned::new(key.to_owned(), Span::new(file, at..at + key.len())),
        value: Spanned::new(value.to_owned(), Span::new(file, at + value_at..at + value_at + value.len())),
    }
}

/// Lines with their offsets, without line breaks and byte order mark.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    text[at..].split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(ini: &Ini) -> Vec<(&str, &str, &str)> {
        let section = |e: &Entry| e.section.map_or("", |s| ini.sections[s].value.as_str());
        ini.entries.iter().map(|e| (section(e), e.key.value.as_str(), e.value.value.as_str())).collect()
    }

    #[test]
    fn sections_and_indented_continuations() {
        let text = "top = 1\r\n; note\r\n[tool:pytest]\r\naddopts =\r\n    -q\r\n    --cov\r\n[core]\r\n\tbare: false\r\n\tx = y\r\n";
        let ini = parse_ini(FileId(0), text);
        assert_eq!(
            pairs(&ini),
            [
                ("", "top", "1"),
                ("tool:pytest", "addopts", "-q\n--cov"),
                ("core", "bare", "false"),
                ("core", "x", "y")
            ]
        );
        assert_eq!(&text[ini.entries[1].value.span.range()], "-q\r\n    --cov");
    }

    #[test]
    fn properties_separate_with_sign_or_blank() {
        let text = "! note\na.b=c\nd : e = f\ng h\npath=x,\\\n    y\nk\\ 1=v\nempty\n";
        let ini = parse_properties(FileId(0), text);
        assert_eq!(
            pairs(&ini),
            [
                ("", "a.b", "c"),
                ("", "d", "e = f"),
                ("", "g", "h"),
                ("", "path", "x,y"),
                ("", "k\\ 1", "v"),
                ("", "empty", "")
            ]
        );
    }

    const TOKENS: &[&str] = &[
        "a", "=", ":", "[", "]", "\n", "\r\n", "\\", " ", "\t", "#", ";", "!", "é", "😀", "\u{feff}",
        "\u{a0}",
    ];

    proptest! {
        #[test]
        fn no_file_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
            let text = tokens.concat();
            for ini in [parse_ini(FileId(0), &text), parse_properties(FileId(0), &text)] {
                let spans = ini.entries.iter().flat_map(|e| [e.key.span, e.value.span]);
                for span in spans.chain(ini.sections.iter().map(|s| s.span)).chain(ini.comments) {
                    assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
                }
            }
        }
    }
}
