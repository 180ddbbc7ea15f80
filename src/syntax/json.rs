//! JSON to a [`Tree`].

use super::tree::{Builder, Format, Limit, MAX_DEPTH, Style, Tree};
use crate::text::FileId;
use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};

/// How much a reader takes that RFC 8259 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Nothing: `package.json` and everything that programs read.
    #[default]
    Strict,
    /// Comments and trailing commas: `tsconfig.json`, `.jsonc`.
    WithComments,
    /// JSON5: single quotes, names without quotes, more numbers too.
    Json5,
}

/// Reads strict JSON (RFC 8259; a byte order mark is passed over). Duplicate names are kept. A file
/// that cannot be read has no document and one error.
pub fn parse(file: FileId, text: &str) -> Tree {
    parse_as(file, text, Dialect::Strict)
}

/// Reads JSON of a dialect.
pub fn parse_as(file: FileId, text: &str, dialect: Dialect) -> Tree {
    let mut builder = Builder::new(file, Format::Json, text, None);
    let base = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[base..];
    let too_deep = scan(body, dialect, |range, opener, closer| {
        builder.comment(base + range.start..base + range.end, opener, closer);
    });
    if let Some(at) = too_deep {
        builder.error(base + at..base + at + 1, "nested more than 128 levels deep", true);
        return builder.finish();
    }
    let loose = dialect == Dialect::Json5;
    let options = ParseOptions {
        allow_comments: dialect != Dialect::Strict,
        allow_trailing_commas: dialect != Dialect::Strict,
        allow_loose_object_property_names: loose,
        allow_missing_commas: false,
        allow_single_quoted_strings: loose,
        allow_hexadecimal_numbers: loose,
        allow_unary_plus_numbers: loose,
        allow_bare_decimal_point_numbers: loose,
        allow_non_finite_numbers: loose,
        allow_extended_string_escapes: loose,
    };
    match jsonc_parser::parse_to_ast(body, &CollectOptions::default(), &options) {
        Ok(parsed) => {
            builder.begin_document();
            let added = parsed.value.as_ref().map(|value| add(&mut builder, base, body, value));
            match added {
                Some(Err(limit)) => {
                    builder.abandon_document();
                    builder.error(base..text.len(), limit.0, true);
                }
                _ => builder.end_document(),
            }
        }
        Err(e) => {
            let range = e.range();
            builder.error(base + range.start..base + range.end, e.kind().to_string(), true);
        }
    }
    builder.finish()
}

/// Adds a value; the nesting was bounded before parsing, so this may recurse.
fn add(builder: &mut Builder, base: usize, body: &str, value: &Value<'_>) -> Result<(), Limit> {
    let range = value.range();
    let place = base + range.start..base + range.end;
    match value {
        Value::Object(object) => {
            builder.open(place.start)?;
            for property in &object.properties {
                let range = property.name.range();
                let at = base + range.start..base + range.end;
                match &property.name {
                    ObjectPropName::String(name) => {
                        builder.scalar(at, quotes(&body[range.start..]), &name.value)?
                    }
                    ObjectPropName::Word(name) => builder.scalar(at, Style::Plain, name.value)?,
                };
                add(builder, base, body, &property.value)?;
            }
            builder.close(true, Some(place.end));
        }
        Value::Array(array) => {
            builder.open(place.start)?;
            for element in &array.elements {
                add(builder, base, body, element)?;
            }
            builder.close(false, Some(place.end));
        }
        Value::StringLit(string) => {
            builder.scalar(place, quotes(&body[range.start..]), &string.value)?;
        }
        _ => {
            builder.scalar(place, Style::Plain, &body[range.start..range.end])?;
        }
    }
    Ok(())
}

fn quotes(raw: &str) -> Style {
    if raw.starts_with('\'') { Style::SingleQuoted } else { Style::DoubleQuoted }
}

/// Passes over the text once: reports comments with the lengths of their opener and closer, and returns
/// where the nesting goes beyond [`MAX_DEPTH`], because the parser recurses.
fn scan(
    text: &str,
    dialect: Dialect,
    mut comment: impl FnMut(std::ops::Range<usize>, usize, usize),
) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            quote @ (b'"' | b'\'') if quote == b'"' || dialect == Dialect::Json5 => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if dialect != Dialect::Strict => {
                let (end, closer) = match bytes.get(at + 1) {
                    Some(b'/') => (line_end(bytes, at), 0),
                    Some(b'*') => match text[at + 2..].find("*/") {
                        Some(i) => (at + 2 + i + 2, 2),
                        None => return None,
                    },
                    _ => (at + 1, 0),
                };
                if end > at + 1 {
                    comment(at..end, 2, closer);
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |i| from + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_have_their_places() {
        let text =
            "\u{feff}{\"n\\u00e4\": [1, true, null, \"\\ud83d\\ude00x\"], \"o\": {\"a\": 1, \"a\": 2}}";
        let tree = parse(FileId(0), text);
        let root = tree.root().expect("a document");
        assert_eq!(root.span().range(), 3..text.len());
        let list = root.get("nä").expect("a list");
        assert_eq!(list.raw(), "[1, true, null, \"\\ud83d\\ude00x\"]");
        let raw: Vec<_> = list.items().map(|n| (n.raw(), n.as_str())).collect();
        assert_eq!(
            raw,
            [("1", Some("1")), ("true", Some("true")), ("null", None), ("\"\\ud83d\\ude00x\"", Some("😀x"))]
        );
        let object = root.get("o").expect("an object");
        assert_eq!(object.get("a").and_then(|n| n.as_int()), Some(2));
        assert_eq!(object.duplicate_keys().len(), 1);
        let passage = list.items().last().expect("text").passage();
        assert_eq!(passage.text(), "😀x");
        assert_eq!(tree.slice(passage.span(4..5)), "x");
        assert_eq!(tree.slice(passage.span(0..4)), "\\ud83d\\ude00");
    }

    #[test]
    fn each_dialect_takes_what_it_documents() {
        for (text, strict, comments, json5) in [
            ("{\"a\": 1}", true, true, true),
            ("{\"a\": 1,} // c", false, true, true),
            ("{a: 'b', /* c */ d: +.5}", false, false, true),
            ("{\"a\": 1 \"b\": 2}", false, false, false),
            ("{\"a\": 1} {}", false, false, false),
            ("{", false, false, false),
        ] {
            for (dialect, good) in
                [(Dialect::Strict, strict), (Dialect::WithComments, comments), (Dialect::Json5, json5)]
            {
                let tree = parse_as(FileId(0), text, dialect);
                assert_eq!(
                    (tree.root().is_some(), tree.errors().is_empty()),
                    (good, good),
                    "{text} {dialect:?}"
                );
            }
        }
    }

    #[test]
    fn comments_are_kept_apart() {
        let text = "// one\n{\"//\": \"/* no */\", /* two */ \"a\": 1}\n";
        let tree = parse_as(FileId(0), text, Dialect::WithComments);
        let comments: Vec<_> = tree.comments().iter().map(|c| (tree.slice(c.body), c.alone)).collect();
        assert_eq!(comments, [("one", true), ("two", false)]);
    }

    #[test]
    fn nesting_bombs_are_refused_and_broken_files_survived() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(FileId(0), &nested(128)).root().is_some());
        for text in [
            nested(129),
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            "\"".into(),
            "\"\\".into(),
            "/*".into(),
        ] {
            for dialect in [Dialect::Strict, Dialect::WithComments, Dialect::Json5] {
                let tree = parse_as(FileId(0), &text, dialect);
                assert!(tree.root().is_none() && tree.errors().len() == 1 && tree.errors()[0].lost);
            }
        }
        assert!(parse(FileId(0), "").root().is_none());
    }
}
