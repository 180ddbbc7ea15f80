//! Patterns that rules search for in text.

use regex::bytes::RegexBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The patterns of one rule's `[text]` matcher.
#[derive(Debug, Clone, Default)]
pub struct TextPattern {
    /// The rule.
    pub rule: String,
    /// Regular expressions (ASCII classes); a group named `here` marks the place.
    pub patterns: Vec<String>,
    /// Globs of paths that are searched; all if empty.
    pub paths: Vec<String>,
    /// Globs of paths that are not.
    pub not_paths: Vec<String>,
    /// A hit whose line, or the line before, matches one of these is none.
    pub unless: Vec<String>,
}

/// Compiles a pattern as the reading pass does: over bytes, ASCII classes (the Unicode ones cost a
/// hundred times the memory), `^` and `$` at lines.
pub fn compile(pattern: &str) -> Result<regex::bytes::Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .multi_line(true)
        .size_limit(2 << 20)
        .build()
        .map_err(|e| e.to_string())
}

/// Rarer words are looked for: shorter ones stand in nearly every text.
const SHORTEST_WORD: usize = 3;
/// The most words that are looked for instead of one pattern.
const MOST_WORDS: usize = 32;

/// Words one of which every match of the pattern holds, in small letters; matches may hold them in others.
/// `None` if the pattern promises none: then only searching tells.
pub fn words(pattern: &str) -> Option<Vec<String>> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
    let mut words = needed(&parser.parse(pattern).ok()?)?;
    words.sort();
    words.dedup();
    Some(words)
}

fn needed(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed(&repetition.sub),
        HirKind::Alternation(all) => {
            let words: Vec<Vec<String>> = all.iter().map(needed).collect::<Option<_>>()?;
            Some(words.concat()).filter(|words| words.len() <= MOST_WORDS)
        }
        HirKind::Concat(parts) => {
            let mut runs = vec![String::new()];
            for part in parts {
                match written(part) {
                    Some(text) => runs.last_mut().expect("there is one").push_str(&text),
                    None => runs.push(String::new()),
                }
            }
            let runs = runs.into_iter().filter(|run| run.len() >= SHORTEST_WORD).map(|run| vec![run]);
            let inner = parts.iter().filter_map(needed);
            let rarity = |words: &Vec<String>| words.iter().map(String::len).min();
            runs.chain(inner).max_by_key(rarity)
        }
        _ => written(hir).filter(|text| text.len() >= SHORTEST_WORD).map(|text| vec![text]),
    }
}

/// What a part of a pattern stands for, if that is one text but for its case.
fn written(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.is_ascii() => {
            Some(str::from_utf8(&literal.0).ok()?.to_ascii_lowercase())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(3);
            let (upper, lower) = (letters.next()?, letters.next()?);
            let one = lower.is_ascii_lowercase() && upper == lower.to_ascii_uppercase();
            (one && letters.next().is_none()).then(|| char::from(lower).to_string())
        }
        _ => None,
    }
}

impl TextPattern {
    /// Every regular expression compiles: the reason if not.
    pub fn validate(&self) -> Result<(), String> {
        for pattern in self.patterns.iter().chain(&self.unless) {
            compile(pattern)?;
        }
        for glob in self.paths.iter().chain(&self.not_paths) {
            ignore::overrides::OverrideBuilder::new("").add(glob).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_pattern_tells_the_words_that_its_matches_hold() {
        for (pattern, expected) in [
            ("(?i)TODO", Some(vec!["todo"])),
            (r"\b(?:todo|fixme)\b[^\n]{0,50}", Some(vec!["fixme", "todo"])),
            (r"(?i)\broll(?:ing)?[ -]?back\b", Some(vec!["back"])),
            (r#"(?:^|["'])(?P<here>(?:file://)?/Users/[a-z]+)"#, Some(vec!["/users/"])),
            (r"a.*(?:some|more)+ of", Some(vec!["more", "some"])),
            (r"(?:one)?[0-9]+", None),
            (r"some|[a-z]+", None),
            (r"[^\x00-\x7f][^\n]*", None),
            (r"ab[0-9]cd", None),
        ] {
            assert_eq!(
                words(pattern),
                expected.map(|w| w.into_iter().map(str::to_owned).collect()),
                "{pattern}"
            );
        }
    }
}
