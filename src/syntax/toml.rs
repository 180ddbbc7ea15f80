//! TOML 1.0 to a [`Tree`].

use super::tree::{Builder, Format, Limit, MAX_DEPTH, Style, Tree};
use crate::text::FileId;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Reads TOML. After errors the tree holds what could be read, and the errors say what is missing; only
/// a file that is nested too deep has no document. A table reaches from its header (or first key) to its
/// last own value; tables with a header of their own do not stretch it.
pub fn parse(file: FileId, text: &str) -> Tree {
    let mut builder = Builder::new(file, Format::Toml, text, None);
    if let Some(at) = scan(text, &mut builder) {
        builder.error(at, "nested more than 128 levels deep", true);
        return builder.finish();
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    builder.begin_document();
    match add_root(&mut builder, text, root.into_inner()) {
        Ok(()) => builder.end_document(),
        Err(limit) => {
            builder.abandon_document();
            builder.error(0..text.len(), limit.0, true);
        }
    }
    for e in errors {
        let span = e.span().unwrap_or(0..0);
        let span = span.start.min(text.len())..span.end.min(text.len());
        if !builder.error(span, e.message(), false) {
            break;
        }
    }
    builder.finish()
}

/// A container that is being added.
struct Frame<'t> {
    rest: Rest<'t>,
    /// Where it ends as far as is known.
    end: usize,
    /// Whether it has a header of its own, so that what contains it does not reach to it.
    headed: bool,
}

enum Rest<'t> {
    Table(std::vec::IntoIter<(Spanned<DeString<'t>>, Spanned<DeValue<'t>>)>),
    Array(std::vec::IntoIter<Spanned<DeValue<'t>>>),
}

/// Adds all tables without recursion, taking them apart, so that no destructor recurses either.
fn add_root(builder: &mut Builder, text: &str, root: DeTable<'_>) -> Result<(), Limit> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    builder.open(start)?;
    let end = start + text[start..].trim_end().len();
    let mut frames = vec![Frame { rest: Rest::Table(in_order(root)), end, headed: true }];
    while let Some(frame) = frames.last_mut() {
        let value = match &mut frame.rest {
            Rest::Table(entries) => entries.next().map(|(key, value)| (Some(key), value)),
            Rest::Array(items) => items.next().map(|value| (None, value)),
        };
        let Some((key, value)) = value else {
            let (end, mapping) = (frame.end, matches!(frame.rest, Rest::Table(_)));
            builder.close(mapping, Some(end));
            let headed = frame.headed;
            frames.pop();
            if let Some(outer) = frames.last_mut().filter(|_| !headed) {
                outer.end = outer.end.max(end);
            }
            continue;
        };
        if let Some(key) = key {
            builder.scalar(key.span(), quotes(text, key.span().start), key.get_ref())?;
        }
        let span = value.span();
        // The tables of an array of tables belong to the array, wherever it stands.
        let in_array = matches!(frame.rest, Rest::Array(_));
        let is_table = !in_array
            && match value.get_ref() {
                DeValue::Table(_) => true,
                DeValue::Array(items) => {
                    items.first().is_some_and(|i| i.get_ref().is_table() && i.span().start == span.start)
                }
                _ => false,
            };
        let rest = match value.into_inner() {
            DeValue::Table(table) => Rest::Table(in_order(table)),
            DeValue::Array(items) => Rest::Array(items.into_iter().collect::<Vec<_>>().into_iter()),
            DeValue::String(string) => {
                builder.scalar(span.clone(), quotes(text, span.start), &string)?;
                frame.end = frame.end.max(span.end);
                continue;
            }
            _ => {
                builder.scalar(span.clone(), Style::Plain, text.get(span.clone()).unwrap_or(""))?;
                frame.end = frame.end.max(span.end);
                continue;
            }
        };
        builder.open(span.start)?;
        let headed = is_table && text[span.start..].starts_with('[');
        frames.push(Frame { rest, end: span.end, headed });
    }
    Ok(())
}

fn in_order<'t>(table: DeTable<'t>) -> std::vec::IntoIter<(Spanned<DeString<'t>>, Spanned<DeValue<'t>>)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter()
}

fn quotes(text: &str, at: usize) -> Style {
    match text.as_bytes().get(at) {
        Some(b'"') => Style::DoubleQuoted,
        Some(b'\'') => Style::SingleQuoted,
        _ => Style::Plain,
    }
}

/// Passes over the tokens once: notes comments, and returns where values nest too deep. The dots of a
/// key count as levels, because `a.a.a = {a.a.a = {…}}` multiplies them.
fn scan(text: &str, builder: &mut Builder) -> Option<Range<usize>> {
    let mut level = 0usize;
    let mut outer: Vec<(TokenKind, usize)> = Vec::new();
    for token in Source::new(text).lex() {
        let span = token.span().start()..token.span().end();
        match token.kind() {
            TokenKind::Comment => builder.comment(span.clone(), 1, 0),
            TokenKind::Dot => level += 1,
            open @ (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) => {
                outer.push((open, level));
                level += 1;
            }
            // A bracket that closes nothing must not hide levels that the parser still counts.
            TokenKind::RightSquareBracket => close(&mut outer, TokenKind::LeftSquareBracket, &mut level),
            TokenKind::RightCurlyBracket => close(&mut outer, TokenKind::LeftCurlyBracket, &mut level),
            TokenKind::Comma => level = outer.last().map_or(0, |(_, l)| l + 1),
            TokenKind::Newline if outer.is_empty() => level = 0,
            _ => {}
        }
        if level > MAX_DEPTH {
            return Some(span);
        }
    }
    None
}

fn close(outer: &mut Vec<(TokenKind, usize)>, opener: TokenKind, level: &mut usize) {
    if let Some((_, before)) = outer.pop_if(|(open, _)| *open == opener) {
        *level = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tree::Kind;

    fn read(text: &str) -> Tree {
        parse(FileId(0), text)
    }

    #[test]
    fn every_value_has_its_place() {
        let text = "# top\nversion = 0x10 # é\n[package]\nname = \"a\\tb\"\n'k.x' = 'C:\\'\n[tool.plimsoll]\non = true\n";
        let tree = read(text);
        let root = tree.root().expect("a document");
        let slice = |path: &[&str]| root.at(path).map(|n| tree.slice(n.span()));
        assert_eq!(slice(&["package"]), Some("[package]\nname = \"a\\tb\"\n'k.x' = 'C:\\'"));
        assert_eq!(slice(&["package", "name"]), Some("\"a\\tb\""));
        assert_eq!(root.at(&["package", "name"]).and_then(|n| n.as_str()), Some("a\tb"));
        assert_eq!(root.at(&["package", "k.x"]).and_then(|n| n.as_str()), Some("C:\\"));
        assert_eq!(slice(&["tool", "plimsoll", "on"]), Some("true"));
        assert_eq!(root.at(&["tool", "plimsoll", "on"]).and_then(|n| n.as_bool()), Some(true));
        assert_eq!(root.get("version").and_then(|n| n.as_int()), Some(16));
        assert_eq!(root.key("package").map(|k| k.span().start as usize), text.find("package"));
        let comments: Vec<_> = tree.comments().iter().map(|c| (tree.slice(c.body), c.alone)).collect();
        assert_eq!(comments, [("top", true), ("é", false)]);
    }

    #[test]
    fn a_table_does_not_reach_over_its_neighbours() {
        let text = "[a]\nx = {y.z = [1, 2]}\n[b]\n[a.c]\nz = 1\n[[p]]\nq = 1\n[[p]]\nq = 2\n";
        let tree = read(text);
        let root = tree.root().expect("a document");
        assert_eq!(root.get("a").map(|n| n.raw()), Some("[a]\nx = {y.z = [1, 2]}"));
        assert_eq!(root.get("a").and_then(|n| n.get("c")).map(|n| n.raw()), Some("[a.c]\nz = 1"));
        let p = root.get("p").expect("p");
        assert_eq!(p.items().map(|n| n.raw()).collect::<Vec<_>>(), ["[[p]]\nq = 1", "[[p]]\nq = 2"]);
        assert_eq!(p.raw(), "[[p]]\nq = 1\n[[p]]\nq = 2");
        assert_eq!(root.raw(), text.trim_end());
    }

    #[test]
    fn errors_leave_the_rest() {
        let tree = read("a = 1\nb = \nc = 3\na = 2\n");
        let root = tree.root().expect("a document");
        assert_eq!(root.get("c").and_then(|n| n.as_int()), Some(3));
        assert!(tree.errors().len() >= 2 && tree.errors().iter().all(|e| !e.lost));
    }

    #[test]
    fn passages_lead_back_into_strings() {
        for text in [
            "a = \"x\\u00e9\\\\y\"",
            "a = \"\"\"\nx\n  \\\n   y\"\\\"z\"\"\"",
            "a = '''\r\nx\\n\r\ny'''",
            "a = 12:30:00",
        ] {
            let tree = read(text);
            let node = tree.root().and_then(|r| r.get("a")).expect("a");
            assert_eq!(
                Some(node.passage().text().replace("\r\n", "\n")),
                node.as_str().map(|s| s.replace("\r\n", "\n")),
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_bombs_and_other_odd_files_are_survived() {
        let dots = "a.".repeat(70) + "a";
        let multiplied = format!("{dots} = {{").repeat(70);
        for text in [
            "a = ".to_owned() + &"[".repeat(100_000),
            "a = ".to_owned() + &"{b = ".repeat(50_000),
            "[".repeat(100_000),
            "a.".repeat(100_000),
            format!("[{dots}]\n{multiplied}"),
            format!("{multiplied} ] ") + &multiplied,
            "a = ".to_owned() + &"{a.a.a.a.a.a = ] ".repeat(5_000),
            "\u{feff}".into(),
            "x = \"\"\"".into(),
            "\u{feff}[a]\r\nb = 1\r\n".into(),
            "a = \"é".into(),
        ] {
            let tree = read(&text);
            assert!(tree.errors().iter().all(|e| text.get(e.span.range()).is_some()));
            assert!(
                tree.root().is_none_or(|r| r.leaves().all(|l| text.get(l.node.span().range()).is_some()))
            );
        }
        assert_eq!(read("").root().map(|r| r.kind()), Some(Kind::Mapping));
        assert!(read("# only\n").errors().is_empty());
    }
}
