//! Parts of sentences that several rules make.

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
