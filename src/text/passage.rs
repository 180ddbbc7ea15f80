//! Text lifted out of a file, with the way back.

use super::{FileId, Span};
use std::ops::Range;

/// Text that was taken out of a file in pieces (a YAML block scalar without its indentation, a
/// Dockerfile `RUN` without its continuations, a JSON string without its escapes), and for each piece
/// the place that it came from. It lets one parser serve shell text wherever it is written.
///
/// Invariants: `pieces` is sorted by both offsets, its first entry starts at text offset 0 (unless the
/// text is empty), and inside a piece text and file agree byte for byte.
#[derive(Debug, Clone)]
pub struct Passage {
    file: FileId,
    text: String,
    /// (offset in `text`, offset in the file)
    pieces: Vec<(u32, u32)>,
    /// Offset in the file just past the last byte that was taken.
    end: u32,
}

impl Passage {
    /// An empty passage of `file`; its place is `at`.
    pub fn new(file: FileId, at: usize) -> Passage {
        Passage { file, text: String::new(), pieces: Vec::new(), end: at as u32 }
    }

    /// The contiguous text `text`, which stands at byte `at` of `file`.
    pub fn contiguous(file: FileId, text: &str, at: usize) -> Passage {
        let mut passage = Passage::new(file, at);
        passage.push(text, at);
        passage
    }

    /// Appends `piece`, which stands at byte `at` of the file, byte for byte.
    pub fn push(&mut self, piece: &str, at: usize) {
        if piece.is_empty() {
            return;
        }
        if self.pieces.is_empty() || self.end as usize != at {
            self.pieces.push((self.text.len() as u32, at as u32));
        }
        self.text.push_str(piece);
        self.end = (at + piece.len()) as u32;
    }

    /// Appends text that is not in the file as such (an escape's meaning, a folded line break); its
    /// place is `source`.
    pub fn push_meaning(&mut self, meaning: &str, source: Range<usize>) {
        if meaning.is_empty() {
            self.end = self.end.max(source.end as u32);
            return;
        }
        for (i, _) in meaning.char_indices() {
            self.pieces.push(((self.text.len() + i) as u32, source.start as u32));
        }
        self.text.push_str(meaning);
        self.pieces.push((self.text.len() as u32, source.end as u32));
        self.end = source.end as u32;
    }

    /// The file that the text came from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The lifted text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where bytes `range` of the text stand in the file. Always a valid range of the file: the start
    /// never lies behind the end.
    pub fn span(&self, range: Range<usize>) -> Span {
        if self.pieces.is_empty() {
            return Span { file: self.file, start: self.end, end: self.end };
        }
        let start = self.offset(range.start, false);
        let end = if range.end > range.start { self.offset(range.end, true) } else { start };
        Span { file: self.file, start, end: end.max(start) }
    }

    /// Where the whole text stands.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// The file offset of text offset `at`. At a boundary between two pieces an end belongs to the
    /// piece before, a start to the piece after.
    fn offset(&self, at: usize, is_end: bool) -> u32 {
        let at = at.min(self.text.len()) as u32;
        if at as usize == self.text.len() && (is_end || at == 0) {
            return self.end;
        }
        let index = self.pieces.partition_point(|&(t, _)| if is_end { t < at } else { t <= at });
        let (text, file) = self.pieces[index.saturating_sub(1)];
        // A piece that stands for a meaning is shorter in one of the two; never run past the next piece.
        let limit = self.pieces.get(index).map_or(self.end, |&(_, next)| next);
        (file + (at - text)).min(limit.max(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_lifted_text_points_into_the_file() {
        // "run: |\n  abc\n  def\n" lifted without its indentation
        let mut p = Passage::new(FileId(0), 9);
        p.push("abc\n", 9);
        p.push("def\n", 15);
        assert_eq!(p.text(), "abc\ndef\n");
        assert_eq!(p.span(4..7).range(), 15..18);
        assert_eq!(p.span(2..5).range(), 11..16);
        assert_eq!(p.span(0..4).range(), 9..13);
        assert_eq!(p.whole().range(), 9..19);
    }

    #[test]
    fn an_escape_stands_for_its_meaning() {
        // "a\nb" in JSON: a, backslash n, b at bytes 1..5
        let mut p = Passage::new(FileId(0), 1);
        p.push("a", 1);
        p.push_meaning("\n", 2..4);
        p.push("b", 4);
        assert_eq!(p.text(), "a\nb");
        assert_eq!(p.span(2..3).range(), 4..5);
        assert_eq!(p.span(1..2).range(), 2..4);
        assert_eq!(p.whole().range(), 1..5);
    }
}
