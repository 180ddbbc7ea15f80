//! Values that must never be written anywhere.

use std::fmt;

/// A credential's value. It can be compared and measured, but has no way into any output: neither
/// `Debug` nor `Display` show it, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for comparing and for masking only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Masks secrets in text that leaves the process, by place and by value.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<Secret>,
}

/// Values shorter than this are masked by place only: masking every `abc` of a text would make it
/// unreadable and thereby tell the value.
const SHORTEST_BY_VALUE: usize = 6;

impl Redactor {
    /// A redactor that knows these values; longer ones are masked first, so that a value that holds
    /// another is masked whole.
    pub fn new(values: impl IntoIterator<Item = Secret>) -> Redactor {
        let mut values: Vec<Secret> =
            values.into_iter().filter(|v| v.expose().len() >= SHORTEST_BY_VALUE).collect();
        values.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Redactor { values }
    }

    /// `text` with every known value masked.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.values {
            if out.contains(value.expose()) {
                out = out.replace(value.expose(), &mask(value.expose()));
            }
        }
        out
    }
}

/// `*` for every UTF-16 unit of `text`; line breaks stay, so that lines and columns do.
pub fn mask(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\n' | '\r' => std::iter::repeat_n(c, 1),
            c => std::iter::repeat_n('*', c.len_utf16()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_no_way_out() {
        assert_eq!(format!("{:?}", Secret::new("hunter2hunter2")), "Secret(…)");
    }

    #[test]
    fn masks_keep_line_breaks_and_utf16_length() {
        let r = Redactor::new([Secret::new("pä\nss😀word")]);
        assert_eq!(r.redact("x pä\nss😀word y"), "x **\n******** y");
    }
}
