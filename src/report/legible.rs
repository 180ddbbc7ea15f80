//! Text for people: nothing that a file says may steer a terminal, and lines have a width.

/// `text` on one line, with control and direction-changing characters written as `\u{…}`: a file's
/// content must neither move the cursor nor show a line other than it is.
pub(super) fn legible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            '\r' => {}
            c if steers(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// As [`legible`], but tabs and line breaks stay: for lines of source.
pub(super) fn legible_source(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if steers(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character changes what is seen of its neighbours: C0, DEL, C1, and Unicode's line and
/// direction controls (Unicode Technical Report 36, §2.10).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// A clause id as manuals write it: `DOC-009/10.e` is `DOC-009 §10.e`.
pub(super) fn clause(id: &str) -> String {
    match id.split_once('/') {
        Some((manual, section)) => format!("{manual} §{section}"),
        None => id.to_owned(),
    }
}

/// `1 error`, `2 errors`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `text` with its blanks squeezed, in lines of at most `width` columns, the first of which begins with
/// `first` and the others with as many blanks. A word longer than a line stays whole: it is a path.
pub(super) fn wrap(first: &str, text: &str, width: usize) -> Vec<String> {
    let indent = first.chars().count();
    let mut lines = Vec::new();
    let (mut line, mut used) = (first.to_owned(), indent);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > indent && used + 1 + length > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            used = indent;
        }
        if used > indent {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines.push(line);
    lines
}

/// The first sentence of `text`, or all of it.
pub(super) fn first_sentence(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text[from..].find(". ").map(|at| from + at) {
        // "e.g. x" and "i.e. x" end no sentence.
        let abbreviation = text[..at].ends_with(".g") || text[..at].ends_with(".e");
        if !abbreviation && text[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '`') {
            return &text[..=at];
        }
        from = at + 2;
    }
    text
}

/// A table: columns as wide as their widest cell, numbers (columns named in `right`) to the right.
pub(super) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(wide).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (i, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[i] - cell.chars().count());
            let cell = if right.contains(&i) { format!(" {pad}{cell}") } else { format!(" {cell}{pad}") };
            line.push_str(&cell);
            line.push(' ');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_file_says_reaches_the_terminal_as_a_command() {
        assert_eq!(legible("a\u{1b}[2Jb\u{202e}c\r\nd"), "a\\u{1b}[2Jb\\u{202e}c d");
        assert_eq!(legible_source("\ta\u{9b}\n"), "\ta\\u{9b}\n");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("why: ", "one two  three", 13), ["why: one two", "     three"]);
        assert_eq!(wrap("", "a-word-that-is-longer x", 5), ["a-word-that-is-longer", "x"]);
    }

    #[test]
    fn an_abbreviation_ends_no_sentence() {
        assert_eq!(first_sentence("Pin it, e.g. By digest. Then go."), "Pin it, e.g. By digest.");
        assert_eq!(first_sentence("Version 1.2 of it"), "Version 1.2 of it");
    }
}
