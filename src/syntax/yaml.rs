//! YAML 1.2.2 to a [`Tree`].

use super::mask::{mask_expressions, mask_templates};
use super::tree::{Block, Builder, Format, Limit, MAX_DEPTH, Style, Tree};
use crate::text::FileId;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use std::collections::HashMap;
use std::ops::Range;

/// Template text that is masked before parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// None: the text is YAML as it stands.
    #[default]
    None,
    /// `${{ … }}` of GitHub Actions and Azure Pipelines.
    GithubExpressions,
    /// `{{ … }}`, `{% … %}` and `{# … #}` of Helm and Jinja, `<% … %>` of ERB.
    Templates,
}

/// How to read a YAML file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// What to mask. Values are texts of the file nevertheless, expressions included.
    pub mask: Mask,
}

impl From<Mask> for Options {
    fn from(mask: Mask) -> Options {
        Options { mask }
    }
}

/// Reads `text`. Documents that cannot be read are left out and recorded in [`Tree::errors`]; the
/// others are kept. An alias without an anchor is null, and recorded.
pub fn parse(file: FileId, text: &str, options: impl Into<Options>) -> Tree {
    let masked = match options.into().mask {
        Mask::None => None,
        Mask::GithubExpressions => Some(mask_expressions(text)),
        Mask::Templates => Some(mask_templates(text)),
    };
    read(file, text, masked)
}

/// Reads `masked` in place of `text`, which has the same length: every place in the one is that place in the other.
pub fn parse_masked(file: FileId, text: &str, masked: String) -> Tree {
    assert_eq!(text.len(), masked.len(), "a mask keeps the length");
    read(file, text, Some(masked))
}

fn read(file: FileId, text: &str, masked: Option<String>) -> Tree {
    let masked = masked.filter(|m| m != text);
    let source = masked.as_deref().unwrap_or(text);
    let mut reader = Reader {
        source,
        text,
        builder: Builder::new(file, Format::Yaml, text, masked.clone()),
        containers: Vec::new(),
        anchors: HashMap::new(),
        last: None,
        node_end: 0,
        recovered: false,
    };
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        max_buffered_comment_events: 100_000,
        simple_key_max_lookahead: 65_536,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(source, options);
    while let Some(next) = parser.next_event() {
        let (at, message) = match next {
            Ok((event, span)) => match reader.take(event, span) {
                Ok(()) => continue,
                Err(limit) => (reader.range(span), limit.0.to_owned()),
            },
            Err(e) => {
                let at = e.marker().byte_offset().unwrap_or(source.len()).min(source.len());
                (at..at + 1, e.kind().to_string())
            }
        };
        let at = at.start.min(source.len())..at.end.min(source.len());
        let goes_on = reader.abandon(at, message);
        if !goes_on || !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    reader.builder.finish()
}

struct Reader<'t> {
    /// What is parsed.
    source: &'t str,
    /// What was written.
    text: &'t str,
    builder: Builder,
    /// Of every open container, whether it is a mapping.
    containers: Vec<bool>,
    /// Nodes by the parser's number of their anchor, which no other document uses.
    anchors: HashMap<usize, u32>,
    /// The node of the last event, which an anchor event follows.
    last: Option<u32>,
    /// Where the last node event ended: a block scalar's header stands behind it.
    node_end: usize,
    /// Whether the current document follows a broken one, where `node_end` says nothing.
    recovered: bool,
}

impl Reader<'_> {
    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        let end = range.end.min(self.source.len());
        range.start.min(end)..end
    }

    fn abandon(&mut self, at: Range<usize>, message: String) -> bool {
        self.builder.abandon_document();
        self.containers.clear();
        self.last = None;
        self.recovered = true;
        self.builder.error(at, message, true)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Limit> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(explicit, _) => {
                self.builder.begin_document();
                // Without a marker the event's range is the first token's.
                if explicit {
                    self.node_end = self.node_end.max(range.end);
                }
            }
            Event::DocumentEnd => {
                self.recovered = false;
                self.builder.end_document();
            }
            Event::Comment(..) => self.builder.comment(range, 1, 0),
            Event::Scalar(value, style, anchor, tag) => {
                let id = self.scalar(range, &value, style, tag.is_some())?;
                self.describe(id, span, anchor);
            }
            Event::SequenceStart(style, anchor, _) => self.open(range, span, style, anchor, false)?,
            Event::MappingStart(style, anchor, _) => self.open(range, span, style, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let mapping = self.containers.pop().unwrap_or(false);
                // A block container's end event stands where the next token begins: behind the truth.
                let end = (!range.is_empty()).then_some(range.end);
                self.node_end = self.node_end.max(end.unwrap_or(0));
                self.builder.close(mapping, end);
            }
            Event::Alias(target) => {
                let target = self.anchors.get(&target).copied();
                self.node_end = range.end;
                self.builder.alias(range, target)?;
            }
            Event::UnresolvedAlias(_) => {
                self.node_end = range.end;
                self.builder.alias(range.clone(), None)?;
                self.builder.error(range, "alias without an anchor before it", false);
            }
            Event::Anchor(..) => {
                if let Some(id) = self.last {
                    self.builder.property(id).anchor =
                        (range.start + 1).min(range.end) as u32..range.end as u32;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        range: Range<usize>,
        span: Span,
        style: StructureStyle,
        anchor: usize,
        mapping: bool,
    ) -> Result<(), Limit> {
        let id = self.builder.open(range.start)?;
        self.containers.push(mapping);
        if style == StructureStyle::Flow {
            self.node_end = range.end;
        }
        self.describe(id, span, anchor);
        Ok(())
    }

    /// Notes a node's tag and anchor.
    fn describe(&mut self, id: u32, span: Span, anchor: usize) {
        if let Some(tag) = span.tag_span() {
            let tag = self.range(tag);
            self.builder.property(id).tag = tag.start as u32..tag.end as u32;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.last = Some(id);
    }

    fn scalar(
        &mut self,
        range: Range<usize>,
        value: &str,
        style: ScalarStyle,
        tagged: bool,
    ) -> Result<u32, Limit> {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let mut written = range.clone();
        let id = match style {
            Style::Literal | Style::Folded => {
                let empty = value.bytes().all(|b| b == b'\n');
                let (visible, block) = self.block(range.clone(), empty);
                let id = self.builder.scalar(visible, style, value)?;
                if let Some(block) = block {
                    written = block.header as usize..block.end as usize;
                    self.builder.property(id).block = Some(block);
                }
                id
            }
            // The parser says `~` for a value that is not there.
            Style::Plain if range.is_empty() && !tagged => self.builder.scalar(range.clone(), style, "")?,
            _ => self.builder.scalar(range.clone(), style, value)?,
        };
        if self.source.as_bytes()[written.clone()] != self.text.as_bytes()[written] {
            self.builder.unmask(id);
        }
        self.node_end = self.node_end.max(range.end);
        Ok(id)
    }

    /// A block scalar's visible part, and where its header and its last line are. The parser's range
    /// begins behind the first line's indentation and runs on into the next token's.
    fn block(&self, range: Range<usize>, empty: bool) -> (Range<usize>, Option<Block>) {
        let bytes = self.source.as_bytes();
        let mut end = range.end;
        let blanks = bytes[..end].iter().rev().take_while(|&&b| b == b' ').count();
        let line = end - blanks;
        if end < bytes.len() && line > 0 && (empty || line > range.start) && is_break(bytes[line - 1]) {
            end = line;
        }
        let visible =
            range.start..range.start + self.source[range.start..end.max(range.start)].trim_ascii_end().len();
        let Some(header) = self.header(range.start, empty) else { return (visible, None) };
        let end = end.max(header + 1);
        let first = if empty { header } else { range.start };
        let block = Block { header: header as u32, first: first as u32, end: end as u32 };
        if !empty {
            return (visible, Some(block));
        }
        let indicators = bytes[header..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        (header..header + indicators, Some(block))
    }

    /// The `|` or `>` of the block scalar whose content begins at `before`: the first behind the last
    /// node that belongs neither to a comment nor to a tag or an anchor.
    fn header(&self, before: usize, empty: bool) -> Option<usize> {
        let bytes = self.source.as_bytes();
        let mut at = self.node_end;
        if empty {
            // At the end of the text the parser's range begins at the header.
            if matches!(bytes.get(before), Some(b'|' | b'>')) {
                return Some(before);
            }
            if self.recovered {
                return None;
            }
        } else {
            // Nothing but empty lines stands between the header's line and the content's.
            let line = |end: usize| bytes[..end].iter().rposition(|&b| is_break(b)).map_or(0, |i| i + 1);
            let above = self.source[..line(before)].trim_ascii_end().len();
            at = at.max(line(above));
        }
        let bytes = &bytes[..before];
        while let Some(&b) = bytes.get(at) {
            let stop =
                |found: fn(u8) -> bool| bytes[at..].iter().position(|&b| found(b)).map_or(before, |i| at + i);
            at = match b {
                b'|' | b'>' => return Some(at),
                b'#' => stop(is_break),
                b'&' | b'!' => stop(|b| b.is_ascii_whitespace()),
                _ => at + 1,
            };
        }
        None
    }
}

fn is_break(b: u8) -> bool {
    matches!(b, b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
