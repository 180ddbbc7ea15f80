//! XML as a row of events, with exact places. No namespaces, no entities but the five that XML defines, and no document
//! type: what is skipped is skipped whole. <https://www.w3.org/TR/xml/>

use crate::text::{FileId, Passage};
use std::ops::Range;

/// Something that stands in an XML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'t> {
    /// A start tag, or an empty-element tag, which is not followed by [`Event::Close`].
    Open {
        /// Its name without the prefix.
        name: &'t str,
        /// Names without prefix, and where the values stand between their quotes.
        attributes: Vec<(&'t str, Range<usize>)>,
        /// Whether it is an empty-element tag.
        empty: bool,
        /// The whole tag.
        range: Range<usize>,
    },
    /// An end tag.
    Close {
        /// Its name without the prefix.
        name: &'t str,
        /// The whole tag.
        range: Range<usize>,
    },
    /// Text between tags, blanks included.
    Text {
        /// Where it stands; for a CDATA section what is within.
        range: Range<usize>,
        /// Whether it is a CDATA section, in which entities mean nothing.
        literal: bool,
    },
}

/// Tells every event in order. What is no XML is taken for text; nothing is checked.
pub fn walk<'t>(text: &'t str, tell: &mut dyn FnMut(Event<'t>)) {
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|i| at + i) {
        if open > at {
            tell(Event::Text { range: at..open, literal: false });
        }
        let rest = &text[open..];
        // What never ends takes the rest with it, so that its end is searched for once.
        let until = |mark: &str| rest.find(mark).map_or(text.len(), |i| open + i + mark.len());
        if rest.starts_with("<!--") {
            at = until("-->");
        } else if rest.starts_with("<![CDATA[") {
            at = until("]]>");
            let end = if text[..at].ends_with("]]>") { at - 3 } else { at };
            tell(Event::Text { range: open + 9..end.max(open + 9), literal: true });
        } else if rest.starts_with("<?") {
            at = until("?>");
        } else if rest.starts_with("<!") {
            at = until(">");
        } else if let Some(name) = rest.strip_prefix("</") {
            at = until(">");
            let end = name.find(|c: char| c == '>' || c.is_whitespace()).unwrap_or(name.len());
            tell(Event::Close { name: local(&name[..end]), range: open..at });
        } else {
            at = tag(text, open, tell);
        }
    }
    if at < text.len() {
        tell(Event::Text { range: at..text.len(), literal: false });
    }
}

/// The text of a stretch with its entities resolved.
pub fn passage(file: FileId, text: &str, range: Range<usize>, literal: bool) -> Passage {
    const ENTITIES: &[(&str, &str)] =
        &[("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\""), ("&apos;", "'")];
    let mut out = Passage::new(file, range.start);
    let mut from = range.start;
    while !literal && from < range.end {
        let Some(at) = text[from..range.end].find('&').map(|i| from + i) else { break };
        out.push(&text[from..at], from);
        match ENTITIES.iter().find(|(entity, _)| text[at..range.end].starts_with(entity)) {
            Some((entity, meaning)) => {
                out.push_meaning(meaning, at..at + entity.len());
                from = at + entity.len();
            }
            None => {
                out.push("&", at);
                from = at + 1;
            }
        }
    }
    out.push(&text[from..range.end.max(from)], from);
    out
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Reads the start tag at `open`, and tells it; just past it.
fn tag<'t>(text: &'t str, open: usize, tell: &mut dyn FnMut(Event<'t>)) -> usize {
    let bytes = text.as_bytes();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':') || b >= 0x80;
    let name_end = |from: usize| (from..bytes.len()).find(|i| !is_name(bytes[*i])).unwrap_or(bytes.len());
    let mut at = name_end(open + 1);
    if at == open + 1 {
        tell(Event::Text { range: open..open + 1, literal: false });
        return open + 1;
    }
    let name = local(&text[open + 1..at]);
    let mut attributes = Vec::new();
    let mut empty = false;
    while at < bytes.len() {
        match bytes[at] {
            b'>' => {
                at += 1;
                break;
            }
            b'/' => {
                empty = true;
                at += 1;
            }
            // The tag was never closed.
            b'<' => break,
            b if is_name(b) => {
                let end = name_end(at);
                let key = local(&text[at..end]);
                let blank = |from: usize| (from..bytes.len()).find(|i| !bytes[*i].is_ascii_whitespace());
                at = end;
                let Some(equals) = blank(end).filter(|i| bytes[*i] == b'=') else { continue };
                let Some(quote) = blank(equals + 1).filter(|i| matches!(bytes[*i], b'"' | b'\'')) else {
                    continue;
                };
                let close =
                    (quote + 1..bytes.len()).find(|i| bytes[*i] == bytes[quote]).unwrap_or(bytes.len());
                attributes.push((key, quote + 1..close));
                at = (close + 1).min(bytes.len());
            }
            _ => at += 1,
        }
    }
    while !text.is_char_boundary(at) {
        at += 1;
    }
    tell(Event::Open { name, attributes, empty, range: open..at });
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        walk(text, &mut |event| {
            out.push(match event {
                Event::Open { name, attributes, empty, range } => {
                    assert!(text.get(range).is_some());
                    let all: Vec<_> =
                        attributes.iter().map(|(k, v)| format!(" {k}={}", &text[v.clone()])).collect();
                    format!("<{name}{}{}", all.concat(), if empty { "/" } else { "" })
                }
                Event::Close { name, range } => {
                    assert!(text.get(range).is_some());
                    format!(">{name}")
                }
                Event::Text { range, literal } => passage(FileId(0), text, range, literal).text().to_owned(),
            });
        });
        out
    }

    #[test]
    fn tags_text_and_sections() {
        assert_eq!(
            told("<?xml v?><!-- <x> --><a:b c='1>2' d:e = \"f\"><g/></a:b>"),
            ["<b c=1>2 e=f", "<g/", ">b"]
        );
        assert_eq!(told("a &lt; b &amp;&x <![CDATA[c < &lt; d]]> e"), ["a < b &&x ", "c < &lt; d", " e"]);
        assert_eq!(told("1 < 2"), ["1 ", "<", " 2"]);
        assert_eq!(told("<a b=\"c"), ["<a b=c"]);
    }

    #[test]
    fn what_never_ends_takes_linear_time() {
        for piece in ["<", "<a", "<a b=\"", "<!--", "<![CDATA[", "</", "&", "<a b='", "<?", "é<é"] {
            told(&piece.repeat(20_000));
        }
    }

    proptest! {
        #[test]
        fn every_place_lies_in_the_text(text in "[<>!?/='\"&;:a-c \\-\\[\\]é]{0,60}") {
            told(&text);
        }
    }
}
