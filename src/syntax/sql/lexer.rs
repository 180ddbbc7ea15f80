//! Where one token ends: strings, names, words, comments.

/// Failed searches for the end of a dollar quote after which none is recognised any more: each costs the whole rest.
const MOST_UNCLOSED: u32 = 16;

/// A template expression that is longer in bytes is none: searching for its end must not cost the whole rest.
const LONGEST_TEMPLATE: usize = 400;

/// The bytes of a script and what was learnt about it.
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    /// Whether a backslash escapes in every string.
    pub(super) backslash: bool,
    unclosed: u32,
    /// Nested comments were tried, and did not close.
    flat: bool,
}

pub(super) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#' | b'@') || b >= 0x80
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, backslash: bool) -> Lexer<'t> {
        Lexer { text, bytes: text.as_bytes(), backslash, unclosed: 0, flat: false }
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    pub(super) fn find(&self, needle: u8, from: usize) -> Option<usize> {
        self.bytes.get(from..)?.iter().position(|b| *b == needle).map(|i| from + i)
    }

    /// Where this text stands from `from` on, `most` bytes at the farthest.
    pub(super) fn find_text(&self, needle: &str, from: usize, most: usize) -> Option<usize> {
        let until = self.text.floor_char_boundary(from.saturating_add(most));
        self.text.get(from..until)?.find(needle).map(|i| from + i)
    }

    /// The end of the line, its break excluded.
    pub(super) fn line_end(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(self.bytes.len(), |i| from + i)
    }

    /// Just past the quote that closes the one at `at`; a doubled one does not. The text's end if none does.
    pub(super) fn quoted(&self, at: usize, quote: u8, backslash: bool) -> usize {
        let mut from = at + 1;
        loop {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let found = rest.iter().position(|b| *b == quote || backslash && *b == b'\\');
            let Some(next) = found.map(|i| from + i) else { return self.bytes.len() };
            if self.bytes[next] == b'\\' || self.byte(next + 1) == quote {
                from = next + 2;
                continue;
            }
            return next + 1;
        }
    }

    /// Just past the comment that begins at `at` with `/*`. PostgreSQL and SQL Server nest comments, others do not:
    /// what does not close nested is read flat.
    pub(super) fn comment(&mut self, at: usize) -> usize {
        let mut first = None;
        let (mut depth, mut from) = (1usize, at + 2);
        while let Some(slash) = self.find(b'/', from) {
            if slash > at + 2 && self.bytes[slash - 1] == b'*' && slash > from.saturating_sub(1) {
                depth -= 1;
                first = first.or(Some(slash + 1));
                if depth == 0 || self.flat {
                    return slash + 1;
                }
                from = slash + 1;
            } else if self.byte(slash + 1) == b'*' {
                depth += 1;
                from = slash + 2;
            } else {
                from = slash + 1;
            }
        }
        self.flat = true;
        first.unwrap_or(self.bytes.len())
    }

    /// Just past the dollar-quoted string that begins at `at`.
    pub(super) fn dollar(&mut self, at: usize) -> Option<usize> {
        if self.unclosed > MOST_UNCLOSED {
            return None;
        }
        let mut end = at + 1;
        while self.bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80) {
            end += 1;
        }
        let numbered = self.byte(at + 1).is_ascii_digit();
        if self.byte(end) != b'$' || numbered {
            return None;
        }
        let tag = &self.text[at..=end];
        match self.find_text(tag, end + 1, usize::MAX) {
            Some(found) => Some(found + tag.len()),
            None => {
                self.unclosed += 1;
                None
            }
        }
    }

    /// Just past the name in brackets that begins at `at`; an array's subscript is none.
    pub(super) fn bracketed(&self, at: usize) -> Option<usize> {
        let first = self.byte(at + 1);
        if !(first.is_ascii_alphabetic() || matches!(first, b'_' | b'#' | b'@' | b'$')) {
            return None;
        }
        let rest = self.bytes.get(at + 1..)?;
        // Names have at most 128 characters.
        let length = rest.iter().take(300).position(|b| matches!(b, b']' | b'\n' | b'\'' | b'(' | b','))?;
        (rest[length] == b']').then_some(at + 1 + length + 1)
    }

    /// Just past the template expression that begins at `at`: `${…}`, `{{…}}`, `<%…%>`.
    pub(super) fn template(&self, at: usize) -> Option<usize> {
        let closer = match (self.byte(at), self.byte(at + 1)) {
            (b'$', b'{') => "}",
            (b'{', b'{') => "}}",
            (b'<', b'%') => "%>",
            _ => return None,
        };
        self.find_text(closer, at + 2, LONGEST_TEMPLATE).map(|found| found + closer.len())
    }

    /// Just past the word that begins at `at`.
    pub(super) fn word(&self, at: usize) -> usize {
        let mut end = at;
        loop {
            let b = self.byte(end);
            let template = if matches!(b, b'$' | b'{' | b'<') { self.template(end) } else { None };
            match template {
                Some(past) => end = past,
                None if end < self.bytes.len() && is_word(b) => end += 1,
                None => break,
            }
        }
        end
    }

    pub(super) fn number(&self, at: usize) -> usize {
        let mut end = at;
        while self.bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')) {
            end += 1;
        }
        end
    }

    /// Whether nothing but blanks stands between the line's begin and `at`. Looks back at most 64 bytes.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        let before = self.bytes[at.saturating_sub(64)..at].iter().rev();
        for b in before {
            match b {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => return true,
                _ => return false,
            }
        }
        at <= 64
    }

    /// Whether nothing but blanks follows on the line.
    pub(super) fn ends_line(&self, at: usize) -> bool {
        self.bytes[at..self.line_end(at)].iter().all(|b| matches!(b, b' ' | b'\t'))
    }
}
