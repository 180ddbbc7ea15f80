//! Markdown as runbooks are written in it: headings, prose lines and code blocks. CommonMark 0.31, read
//! line by line; links, emphasis and tables stay as they are written.

mod inline;
#[cfg(test)]
mod tests;

use crate::text::{FileId, Passage, Span, Spanned};
use std::ops::Range;

/// A parsed document.
#[derive(Debug, Clone, Default)]
pub struct Markdown {
    /// Headings in order.
    pub headings: Vec<Heading>,
    /// Code blocks in order.
    pub code: Vec<CodeBlock>,
    /// Lines of prose in order; neither headings nor code nor comments.
    pub prose: Vec<Prose>,
    /// HTML comments, `<!--` and `-->` included.
    pub comments: Vec<Span>,
    /// YAML (`---`) or TOML (`+++`) front matter, with its fences.
    pub front_matter: Option<Span>,
}

/// A heading.
#[derive(Debug, Clone)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Without `#` signs.
    pub text: String,
    /// The text's place.
    pub span: Span,
    /// The heading that this one stands under; an index into [`Markdown::headings`].
    pub parent: Option<usize>,
}

/// A fenced or indented code block.
#[derive(Debug, Clone)]
pub struct CodeBlock {
    /// What follows the opening fence, trimmed.
    pub info: String,
    /// The body without the indentation of its fence.
    pub body: Passage,
    /// From the opening fence to the closing one; the body, if indented.
    pub span: Span,
    /// Between fences, rather than only indented.
    pub fenced: bool,
    /// The heading above; an index into [`Markdown::headings`].
    pub heading: Option<usize>,
    /// The paragraph or list item directly before the block.
    pub lead: Option<Spanned<String>>,
}

impl CodeBlock {
    /// The language: the first word of the info string in lower case, without `{.` and what follows `:`, `{` or `,`.
    pub fn language(&self) -> String {
        let word = self.info.trim_start_matches(['{', '.']).split([' ', '\t', ',', '{', '}', ':']).next();
        word.unwrap_or("").to_ascii_lowercase()
    }
}

/// Where a line of prose stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line of a paragraph.
    Paragraph,
    /// The first line of a list item.
    ListItem {
        /// `1.` or `1)`, rather than `-`, `*` or `+`.
        ordered: bool,
        /// `Some(done)` for `- [ ]` and `- [x]`.
        task: Option<bool>,
    },
    /// A row of a table: it begins with `|`.
    TableRow,
}

/// One line of prose.
#[derive(Debug, Clone)]
pub struct Prose {
    /// What the line is.
    pub kind: Kind,
    /// The text without list marker, quote signs and HTML comments.
    pub text: String,
    /// Its place, from the first to the last character of the text.
    pub span: Span,
    /// The heading above; an index into [`Markdown::headings`].
    pub heading: Option<usize>,
    /// Inline code: the text between the backquotes.
    pub code: Vec<Spanned<String>>,
    /// Number of `>` before it.
    pub quoted: u32,
}

impl Markdown {
    /// The texts of `heading` and the headings above it, outermost first.
    pub fn path(&self, heading: Option<usize>) -> Vec<&str> {
        let mut out = Vec::new();
        let mut at = heading;
        while let Some(heading) = at.and_then(|i| self.headings.get(i)) {
            out.push(heading.text.as_str());
            at = heading.parent;
        }
        out.reverse();
        out
    }
}

/// Parses the decoded text of a document.
pub fn parse(file: FileId, text: &str) -> Markdown {
    let mut reader = Reader {
        file,
        text,
        pos: 0,
        out: Markdown::default(),
        fence: None,
        paragraph: 0..0,
        blank: true,
        in_list: false,
        no_close: false,
    };
    reader.pos = reader.skip_front_matter();
    while let Some(line) = reader.physical() {
        reader.line(line);
    }
    reader.close_fence(text.len());
    reader.out
}

/// An open code block.
struct Fence {
    sign: char,
    length: usize,
    /// Columns that are taken off each body line.
    indent: usize,
    quotes: u32,
    block: CodeBlock,
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    pos: usize,
    out: Markdown,
    fence: Option<Fence>,
    /// Prose lines of the last paragraph or item, if nothing else came since.
    paragraph: Range<usize>,
    /// The previous line was blank.
    blank: bool,
    in_list: bool,
    /// A comment is never closed: no further one is searched for.
    no_close: bool,
}

impl Reader<'_> {
    fn physical(&mut self) -> Option<Range<usize>> {
        let start = self.pos;
        if start >= self.text.len() {
            return None;
        }
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        self.pos = (end + 1).min(self.text.len());
        Some(start..start + self.text[start..end].trim_end_matches('\r').len())
    }

    /// Notes front matter; where the document proper begins.
    fn skip_front_matter(&mut self) -> usize {
        let start = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        self.pos = start;
        let Some(first) = self.physical() else { return start };
        let fence = self.text[first].trim_end();
        if fence != "---" && fence != "+++" {
            return start;
        }
        while let Some(line) = self.physical() {
            if self.text[line.clone()].trim_end() == fence {
                self.out.front_matter = Some(Span::new(self.file, start..line.end));
                return self.pos;
            }
        }
        start
    }

    fn line(&mut self, line: Range<usize>) {
        if self.fence.as_ref().is_some_and(|f| f.fenced_body(self.text, &line)) {
            return self.body_line(line);
        }
        if self.fence.is_some() {
            let end = line.end;
            let was_fenced = self.fence.as_ref().is_some_and(|f| f.block.fenced);
            let closes = was_fenced && self.fence.as_ref().is_some_and(|f| f.closes(self.text, &line));
            self.close_fence(if closes { end } else { line.start });
            if closes {
                return;
            }
        }
        let (quotes, from) = quote_signs(self.text, &line);
        let content = &self.text[from..line.end];
        if content.trim().is_empty() {
            self.blank = true;
            return;
        }
        let indent = indentation(content);
        if self.blank && !self.in_list && indent >= 4 {
            self.open(' ', 0, 4, quotes, from..line.end);
            return self.body_line(line);
        }
        let at = line.end - content.trim_start().len();
        let (marker, at) = list_marker(self.text, at, line.end);
        if marker.is_some() {
            self.in_list = true;
        } else if indent == 0 && self.blank {
            self.in_list = false;
        }
        if let Some((sign, length)) = fence_sign(&self.text[at..line.end]) {
            let columns = at - from;
            return self.open(sign, length, columns, quotes, at..line.end);
        }
        self.text_line(at..line.end, marker, quotes);
    }

    fn text_line(&mut self, range: Range<usize>, marker: Option<Kind>, quotes: u32) {
        let text = self.text[range.clone()].trim_end();
        let range = range.start..range.start + text.len();
        let was_blank = std::mem::replace(&mut self.blank, false);
        if marker.is_none() {
            let level = text.bytes().take_while(|b| *b == b'#').count();
            if (1..=6).contains(&level) && text[level..].starts_with([' ', '\t'])
                || (level > 0 && level == text.len() && level <= 6)
            {
                return self.heading(level as u8, range.start + level..range.end);
            }
            // A line of = or - under a paragraph makes the paragraph's last line a heading.
            let underline = ['=', '-'].into_iter().position(|c| text.bytes().all(|b| b == c as u8));
            if let (Some(level), false, Some(last)) = (underline, was_blank, self.paragraph.clone().last())
                && self.out.prose[last].kind == Kind::Paragraph
            {
                let line = self.out.prose.remove(last);
                let range = line.span.range();
                return self.heading(level as u8 + 1, range);
            }
            let rule =
                text.len() >= 3 && ['-', '*', '_'].iter().any(|c| text.chars().all(|t| t == *c || t == ' '));
            if rule {
                self.paragraph = 0..0;
                return;
            }
        }
        if let Some(at) = text.find("<!--") {
            return self.comment(range.start + at, range, marker, quotes, was_blank);
        }
        if text.is_empty() && marker.is_none() {
            return;
        }
        let kind = match marker {
            Some(kind) => kind,
            None if text.starts_with('|') => Kind::TableRow,
            None => Kind::Paragraph,
        };
        let index = self.out.prose.len();
        if was_blank || marker.is_some() || self.paragraph.is_empty() {
            self.paragraph = index..index;
        }
        self.paragraph.end = index + 1;
        self.out.prose.push(Prose {
            kind,
            text: text.to_owned(),
            span: Span::new(self.file, range.clone()),
            heading: self.out.headings.len().checked_sub(1),
            code: inline::code(self.file, text, range.start),
            quoted: quotes,
        });
    }

    /// Takes the comment at `at` out of the line `range`; what stands around it is prose.
    fn comment(&mut self, at: usize, range: Range<usize>, marker: Option<Kind>, quotes: u32, blank: bool) {
        let close =
            if self.no_close { None } else { self.text[at + 4..].find("-->").map(|i| at + 4 + i + 3) };
        self.no_close |= close.is_none();
        // An opening without an end is text.
        let end = close.unwrap_or(at + 4);
        if close.is_some() {
            self.out.comments.push(Span::new(self.file, at..end));
        }
        let before = self.text[range.start..at].trim_end();
        if !before.is_empty() {
            self.blank = blank;
            self.text_line(range.start..range.start + before.len(), marker, quotes);
        }
        // The rest of the line on which the comment ends is read as a line of its own.
        self.pos = end;
        self.blank |= blank;
        if end < self.text.len() && self.text[end..].starts_with(['\n', '\r']) {
            self.physical();
        }
    }

    fn heading(&mut self, level: u8, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let start = range.end - text.trim_start().len();
        // Closing signs count only behind a blank: `# C#` keeps its name.
        let trimmed = text.trim();
        let bare = trimmed.trim_end_matches('#');
        let trimmed = if bare.is_empty() || bare.ends_with([' ', '\t']) { bare.trim_end() } else { trimmed };
        let mut parent = self.out.headings.len().checked_sub(1);
        while let Some(index) = parent.filter(|i| self.out.headings[*i].level >= level) {
            parent = self.out.headings[index].parent;
        }
        let span = Span::new(self.file, start..start + trimmed.len());
        self.out.headings.push(Heading { level, text: trimmed.to_owned(), span, parent });
        self.paragraph = 0..0;
        self.in_list = false;
        self.blank = true;
    }

    fn open(&mut self, sign: char, length: usize, indent: usize, quotes: u32, at: Range<usize>) {
        let info = self.text[at.clone()].trim_start_matches(sign).trim();
        let fenced = length > 0;
        let prose = &self.out.prose[self.paragraph.clone()];
        // A paragraph's last lines say what comes.
        let lines: Vec<&str> = prose.iter().rev().take(10).rev().map(|p| p.text.as_str()).collect();
        let lead = prose.first().zip(prose.last()).map(|(first, last)| {
            let first = if prose.len() > 10 { &prose[prose.len() - 10] } else { first };
            Spanned::new(lines.join(" "), first.span.join(last.span))
        });
        let block = CodeBlock {
            info: if fenced { info.to_owned() } else { String::new() },
            body: Passage::new(self.file, at.end),
            span: Span::new(self.file, at),
            fenced,
            heading: self.out.headings.len().checked_sub(1),
            lead,
        };
        self.fence = Some(Fence { sign, length, indent, quotes, block });
        self.paragraph = 0..0;
    }

    fn body_line(&mut self, line: Range<usize>) {
        let Some(fence) = &mut self.fence else { return };
        let mut from = skip_quotes(self.text, &line, fence.quotes);
        let blanks = self.text[from..line.end].bytes().take(fence.indent);
        let blanks = blanks.take_while(|b| matches!(b, b' ' | b'\t'));
        let mut columns = 0;
        for b in blanks {
            columns += if b == b'\t' { 4 } else { 1 };
            from += 1;
            if columns >= fence.indent {
                break;
            }
        }
        fence.block.body.push(&self.text[from..line.end], from);
        fence.block.body.push_meaning("\n", line.end..self.pos);
        if !self.text[from..line.end].trim().is_empty() {
            fence.block.span.end = line.end as u32;
        }
    }

    fn close_fence(&mut self, end: usize) {
        if let Some(fence) = self.fence.take() {
            let mut block = fence.block;
            if block.fenced {
                block.span.end = block.span.end.max(end.min(self.text.len()) as u32);
            }
            self.out.code.push(block);
            self.blank = true;
        }
    }
}

impl Fence {
    /// The line belongs to the body.
    fn fenced_body(&self, text: &str, line: &Range<usize>) -> bool {
        let from = skip_quotes(text, line, self.quotes);
        let content = &text[from..line.end];
        if !self.block.fenced {
            return content.trim().is_empty() || indentation(content) >= 4;
        }
        // A quote that ends takes its fence with it.
        let left_quote = self.quotes > 0 && quote_signs(text, line).0 < self.quotes;
        !left_quote && !self.closes(text, line)
    }

    fn closes(&self, text: &str, line: &Range<usize>) -> bool {
        let content = text[skip_quotes(text, line, self.quotes)..line.end].trim();
        content.len() >= self.length && content.chars().all(|c| c == self.sign) && self.length > 0
    }
}

/// Number of `>` at the start of a line, and where the text behind them begins.
fn quote_signs(text: &str, line: &Range<usize>) -> (u32, usize) {
    let mut count = 0;
    let mut at = line.start;
    loop {
        let rest = &text[at..line.end];
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        if blanks > 3 || !rest[blanks..].starts_with('>') {
            return (count, at);
        }
        count += 1;
        at += blanks + 1;
        at += usize::from(text[at..line.end].starts_with(' '));
    }
}

/// Where the text behind at most `most` quote signs begins.
fn skip_quotes(text: &str, line: &Range<usize>, most: u32) -> usize {
    let mut at = line.start;
    for _ in 0..most {
        let rest = &text[at..line.end];
        let inner = rest.trim_start_matches(' ');
        let Some(inner) = inner.strip_prefix('>') else { break };
        at = line.end - inner.strip_prefix(' ').unwrap_or(inner).len();
    }
    at
}

fn indentation(line: &str) -> usize {
    line.bytes().map_while(|b| if b == b' ' { Some(1) } else { (b == b'\t').then_some(4) }).sum()
}

/// The sign and length of an opening fence.
fn fence_sign(line: &str) -> Option<(char, usize)> {
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(sign).len();
    (length >= 3 && !(sign == '`' && line[length..].contains('`'))).then_some((sign, length))
}

/// A list marker at `at`, and where the text behind it and behind a task box begins.
fn list_marker(text: &str, at: usize, end: usize) -> (Option<Kind>, usize) {
    let line = &text[at..end];
    let digits = line.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let (ordered, width) = match line.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => (true, digits + 1),
        Some(b'-' | b'*' | b'+') if digits == 0 => (false, 1),
        _ => return (None, at),
    };
    let rest = &line[width..];
    // `---` and `* * *` are rules.
    let is_rule = !ordered
        && line.len() >= 3
        && line.chars().all(|c| c == ' ' || line.starts_with(c))
        && line.matches(&line[..1]).count() >= 3;
    if !rest.starts_with([' ', '\t']) && !rest.is_empty() || is_rule {
        return (None, at);
    }
    let text = rest.trim_start();
    let task = match text.get(..3) {
        Some("[ ]") => Some(false),
        Some("[x]" | "[X]") => Some(true),
        _ => None,
    }
    .filter(|_| text[3..].is_empty() || text[3..].starts_with([' ', '\t']));
    let text = if task.is_some() { text[3..].trim_start() } else { text };
    (Some(Kind::ListItem { ordered, task }), end - text.len())
}
