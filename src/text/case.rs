//! Comparing without regard to the case of ASCII letters, and without a copy in lower case.

/// Whether `text` ends with one of `endings`.
pub fn ends_in_any_case(text: &str, endings: &[&str]) -> bool {
    let bytes = text.as_bytes();
    let ends = |ending: &&str| {
        let at = bytes.len().checked_sub(ending.len());
        at.is_some_and(|at| bytes[at..].eq_ignore_ascii_case(ending.as_bytes()))
    };
    endings.iter().any(ends)
}

/// Whether `text` holds `word`.
pub fn contains_in_any_case(text: &str, word: &str) -> bool {
    let Some(first) = word.as_bytes().first() else { return true };
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    let Some(last) = bytes.len().checked_sub(word.len()) else { return false };
    (0..=last).any(|at| {
        bytes[at].eq_ignore_ascii_case(first) && bytes[at..at + word.len()].eq_ignore_ascii_case(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        for (text, word, holds, ends) in [
            ("Smoke.PY", "smoke", true, false),
            ("a.PfX", ".pfx", true, true),
            ("fx", ".pfx", false, false),
            ("", "a", false, false),
            ("ä.Env", ".env", true, true),
            ("sssmoke", "smoke", true, true),
        ] {
            assert_eq!(contains_in_any_case(text, word), holds, "{text} {word}");
            assert_eq!(ends_in_any_case(text, &[word]), ends, "{text} {word}");
        }
    }
}
