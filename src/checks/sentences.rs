//! Parts of sentences that several rules make.

/// So many names a sentence bears.
const MOST: usize = 3;

/// `a, b and c`, with this word before the last.
pub(super) fn listed(all: &[impl AsRef<str>], joiner: &str) -> String {
    let [first @ .., last] = all else { return String::new() };
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    if first.is_empty() {
        last.as_ref().to_owned()
    } else {
        format!("{} {joiner} {}", first.join(", "), last.as_ref())
    }
}

/// Names as they are written: `` `a`, `b` and 2 more ``.
pub(super) fn named(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(MOST).map(|n| format!("`{n}`")).collect();
    let more = names.len().saturating_sub(MOST);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    listed(&shown, "and")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_sentences() {
        assert_eq!(listed(&[""; 0], "and"), "");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
        for (names, text) in [
            (&["a"][..], "`a`"),
            (&["a", "b", "c"], "`a`, `b` and `c`"),
            (&["a", "b", "c", "d", "e"], "`a`, `b`, `c` and 2 more"),
        ] {
            assert_eq!(named(names), text);
        }
    }
}
