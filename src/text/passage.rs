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
    pieces: Vec<Piece>,
    /// Offset in the file just past the last byte that was taken.
    end: u32,
}

/// Where the text from `text` up to the next piece stands in the file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    text: u32,
    file: u32,
    /// `Some` for a meaning (an escape, a folded break): the whole piece stands for `file..end`.
    end: Option<u32>,
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
        let continues = self.end as usize == at && self.pieces.last().is_some_and(|p| p.end.is_none());
        if !continues {
            self.pieces.push(Piece { text: self.text.len() as u32, file: at as u32, end: None });
        }
        self.text.push_str(piece);
        self.end = (at + piece.len()) as u32;
    }

    /// Appends text that is not in the file as such (an escape's meaning, a folded line break); its
    /// place is `source`.
    pub fn push_meaning(&mut self, meaning: &str, source: Range<usize>) {
        let (start, end) = (source.start as u32, source.end as u32);
        if !meaning.is_empty() {
            self.pieces.push(Piece { text: self.text.len() as u32, file: start, end: Some(end) });
            self.text.push_str(meaning);
        }
        self.end = end;
    }

    /// Appends bytes `range` of `other`, which must be of the same file, with their places.
    pub fn append(&mut self, other: &Passage, range: Range<usize>) {
        let range = range.start..range.end.min(other.text.len());
        let mut from = range.start;
        let mut index = other.pieces.partition_point(|p| p.text as usize <= from);
        while from < range.end {
            let piece = other.pieces[index - 1];
            let end = other.pieces.get(index).map_or(range.end, |p| (p.text as usize).min(range.end));
            let at = (piece.file as usize) + (from - piece.text as usize);
            match piece.end {
                Some(end_of_source) => {
                    self.push_meaning(&other.text[from..end], piece.file as usize..end_of_source as usize);
                }
                None => self.push(&other.text[from..end], at),
            }
            from = end;
            index += 1;
        }
    }

    /// The same passage, if its places were counted from byte `base` of the file.
    pub fn from_base(mut self, base: u32) -> Passage {
        for piece in &mut self.pieces {
            piece.file += base;
            piece.end = piece.end.map(|end| end + base);
        }
        self.end += base;
        self
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
        let start = self.start_offset(range.start);
        let end = if range.end > range.start { self.end_offset(range.end) } else { start };
        Span { file: self.file, start, end: end.max(start) }
    }

    /// Where the whole text stands.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// The file offset of the character that starts at text offset `at`.
    fn start_offset(&self, at: usize) -> u32 {
        if at >= self.text.len() {
            return self.end;
        }
        let index = self.pieces.partition_point(|p| p.text as usize <= at);
        let piece = self.pieces[index - 1];
        if piece.end.is_some() { piece.file } else { piece.file + (at as u32 - piece.text) }
    }

    /// The file offset just past the character that ends at text offset `at`, which is not 0.
    fn end_offset(&self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let index = self.pieces.partition_point(|p| (p.text as usize) < at);
        let piece = self.pieces[index - 1];
        piece.end.unwrap_or(piece.file + (at as u32 - piece.text))
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
    fn a_part_of_a_passage_keeps_its_places() {
        let mut p = Passage::new(FileId(0), 1);
        p.push("abc", 1);
        p.push_meaning("\n", 4..6);
        p.push("def", 6);
        let mut part = Passage::new(FileId(0), 0);
        part.append(&p, 1..6);
        assert_eq!(part.text(), "bc\nde");
        assert_eq!(part.span(0..2).range(), 2..4);
        assert_eq!(part.span(2..3).range(), 4..6);
        assert_eq!(part.span(3..5).range(), 6..8);
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
