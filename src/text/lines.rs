//! From byte offsets to lines and columns.

/// A place as people and SARIF consumers count: both numbers from 1, columns in UTF-16 code units
/// (SARIF 2.1.0 §3.14.17, `columnKind: utf16CodeUnits`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in UTF-16 code units, from 1.
    pub column: u32,
}

/// The starts of all lines of one text. A line ends after LF, CR LF, or a lone CR.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes `text` in one pass.
    pub fn new(text: &str) -> LineIndex {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (i, &b) in bytes.iter().enumerate() {
            if b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                starts.push(i as u32 + 1);
            }
        }
        LineIndex { starts }
    }

    /// Number of lines; a text that ends with a line break has an empty last line.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The line that holds byte `offset`, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        self.starts.partition_point(|&s| s as usize <= offset) as u32
    }

    /// Line and UTF-16 column of byte `offset` of `text`, which must be the indexed text. A byte order
    /// mark at the start of the text has no width.
    pub fn line_column(&self, text: &str, offset: usize) -> LineColumn {
        let offset = offset.min(text.len());
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        let before = text.get(start..offset).unwrap_or("");
        let before = if start == 0 { before.trim_start_matches('\u{feff}') } else { before };
        LineColumn { line, column: before.encode_utf16().count() as u32 + 1 }
    }

    /// Byte range of `line` (from 1) in `text`, without its line break; empty when there is no such line.
    pub fn range(&self, text: &str, line: u32) -> std::ops::Range<usize> {
        let Some(&start) = line.checked_sub(1).and_then(|i| self.starts.get(i as usize)) else {
            return text.len()..text.len();
        };
        let start = start as usize;
        let end = self.starts.get(line as usize).map_or(text.len(), |&e| e as usize);
        let written = text[start..end].trim_end_matches(['\n', '\r']);
        start..start + written.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_break_ends_a_line() {
        let text = "a\nb\r\nc\rd";
        let index = LineIndex::new(text);
        assert_eq!(index.count(), 4);
        assert_eq!(index.line_column(text, text.len() - 1), LineColumn { line: 4, column: 1 });
        assert_eq!(&text[index.range(text, 2)], "b");
    }

    #[test]
    fn columns_count_utf16_units_and_skip_the_byte_order_mark() {
        let text = "\u{feff}é😀x";
        let index = LineIndex::new(text);
        assert_eq!(index.line_column(text, text.len() - 1), LineColumn { line: 1, column: 4 });
    }
}
