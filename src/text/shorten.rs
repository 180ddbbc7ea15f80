//! Making long text short without cutting through a word.

/// At most `most` characters of the first line, whole words only, with `…` where something is left out.
///
/// A secret that is cut in two is no longer known to the [`super::Redactor`]; so a word is shown whole or
/// not at all. A first word that alone is too long (a URL) is shown up to 200 characters.
pub fn shorten(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or("").trim();
    if line.chars().count() <= most && line.len() == text.trim().len() {
        return line.to_owned();
    }
    let (mut length, mut end) = (1, 0);
    for word in line.split_inclusive(char::is_whitespace) {
        length += word.chars().count();
        if length > most {
            break;
        }
        end += word.len();
    }
    if end == 0 {
        let first = line.split_whitespace().next().filter(|word| word.chars().count() <= 200).unwrap_or("");
        return if first.len() == text.trim().len() { first.to_owned() } else { format!("{first}…") };
    }
    format!("{}…", line[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn words_stay_whole() {
        for (text, most, expected) in [
            ("short", 10, "short"),
            ("two words", 9, "two words"),
            ("two words", 8, "two…"),
            ("one\ntwo", 20, "one…"),
            ("averylongwordindeed", 5, "averylongwordindeed"),
            ("averylongwordindeed and more", 5, "averylongwordindeed…"),
            ("", 5, ""),
        ] {
            assert_eq!(shorten(text, most), expected, "{text}");
        }
    }
}
