//! What somebody may have meant by a name that does not exist.

/// The candidate that is nearest to `wrong`, if it is near enough to be worth a question.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Distance takes time with the product of the lengths; nobody misspells a name of a thousand letters.
    if wrong.len() > 200 {
        return None;
    }
    let near = (wrong.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_proposed() {
        let known = ["ssh-to-production", "secret-in-file", "all"];
        assert_eq!(nearest("ssh-to-prodution", known), Some("ssh-to-production"));
        assert_eq!(nearest("al", known), Some("all"));
        assert_eq!(nearest("hovercraft", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
