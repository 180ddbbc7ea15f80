//! `$(params.x)` and `{{inputs.parameters.x}}`: what a controller puts into texts before anything runs. A shell must not
//! take them for its own, so they are read as variables of that name.

use crate::text::Passage;
use std::ops::Range;

/// Where placeholders stand in a text, each with its name.
pub(super) type Find = fn(&str) -> Vec<(Range<usize>, String)>;

/// The name of a placeholder as one of a variable.
pub(super) fn variable(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c } else { '_' };
    name.chars().map(fits).collect()
}

/// A text with its placeholders as variables.
pub(super) fn as_variables_in(text: &str, find: Find) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, name) in find(text) {
        out.push_str(&text[from..range.start]);
        out.push_str(&format!("${{{}}}", variable(&name)));
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// The same for a text that was lifted out of a file.
pub(super) fn as_variables(passage: &Passage, find: Find) -> Passage {
    let text = passage.text();
    let found = find(text);
    if found.is_empty() {
        return passage.clone();
    }
    let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
    let mut from = 0;
    for (range, name) in found {
        out.append(passage, from..range.start);
        out.push_meaning(&format!("${{{}}}", variable(&name)), passage.span(range.clone()).range());
        from = range.end;
    }
    out.append(passage, from..text.len());
    out
}

/// No placeholders.
pub(super) fn none(_: &str) -> Vec<(Range<usize>, String)> {
    Vec::new()
}
