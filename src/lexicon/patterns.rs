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

/// Whether no match of the pattern holds a line break.
pub fn stays_in_line(pattern: &str) -> bool {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
    parser.parse(pattern).is_ok_and(|hir| is_without_break(&hir))
}

fn is_without_break(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(class)) => {
            !class.iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Capture(capture) => is_without_break(&capture.sub),
        HirKind::Repetition(repetition) => is_without_break(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_without_break),
    }
}

/// Bytes without a gap that all matches of a pattern hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromisedRun {
    /// How many; 0 if none are promised.
    pub length: usize,
    /// Which bytes they may be.
    pub set: ByteSet,
}

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn with(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// Whether the byte is one of the set.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<T: IntoIterator<Item = u8>>(bytes: T) -> ByteSet {
        let mut set = ByteSet::default();
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

impl PromisedRun {
    /// No promise.
    pub const NONE: PromisedRun = PromisedRun { length: 0, set: ByteSet([0; 4]) };

    /// How seldom such a run is met where all bytes are equally frequent, in bits.
    pub fn rarity(&self) -> f32 {
        self.length as f32 * (8.0 - (self.set.len().max(1) as f32).log2())
    }

    fn rarer(self, other: PromisedRun) -> PromisedRun {
        if other.rarity() > self.rarity() { other } else { self }
    }
}

/// The rarest stretch of bytes of one set that stands without a gap in all that a pattern, or its group of that name,
/// matches.
pub fn promised_run(pattern: &str, group: Option<&str>, is_part: impl Fn(u8) -> bool) -> PromisedRun {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
    let Ok(hir) = parser.parse(pattern) else { return PromisedRun::NONE };
    match group {
        Some(name) => capture(&hir, name).map_or(PromisedRun::NONE, |hir| run(hir, &is_part).rarest),
        None => run(&hir, &is_part).rarest,
    }
}

fn capture<'h>(hir: &'h Hir, name: &str) -> Option<&'h Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(name) => Some(&capture.sub),
        HirKind::Capture(inner) => capture(&inner.sub, name),
        HirKind::Repetition(repetition) => capture(&repetition.sub, name),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().find_map(|part| capture(part, name))
        }
        _ => None,
    }
}

/// What a part of a pattern promises of its matches.
struct Run {
    /// Nothing but bytes of the set: so many at least, of these.
    whole: Option<PromisedRun>,
    /// Bytes of the set without a gap.
    rarest: PromisedRun,
}

impl Run {
    fn whole(length: usize, set: ByteSet) -> Run {
        let run = PromisedRun { length, set };
        Run { whole: Some(run.clone()), rarest: run }
    }
}

fn run(hir: &Hir, is_part: &impl Fn(u8) -> bool) -> Run {
    let none = || Run { whole: None, rarest: PromisedRun::NONE };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Run::whole(0, ByteSet::default()),
        HirKind::Literal(literal) => {
            let of = |bytes: &[u8]| PromisedRun { length: bytes.len(), set: bytes.iter().copied().collect() };
            let rarest = literal
                .0
                .split(|b| !is_part(*b))
                .map(of)
                .reduce(PromisedRun::rarer)
                .unwrap_or(PromisedRun::NONE);
            Run { whole: literal.0.iter().all(|b| is_part(*b)).then(|| rarest.clone()), rarest }
        }
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = || class.iter().flat_map(|range| range.start()..=range.end());
            if bytes().all(is_part) { Run::whole(1, bytes().collect()) } else { none() }
        }
        HirKind::Class(Class::Unicode(_)) => none(),
        HirKind::Capture(capture) => run(&capture.sub, is_part),
        HirKind::Repetition(repetition) => {
            let sub = run(&repetition.sub, is_part);
            match sub.whole {
                Some(one) => Run::whole(one.length.saturating_mul(repetition.min as usize), one.set),
                None if repetition.min == 0 => none(),
                None => sub,
            }
        }
        HirKind::Concat(parts) => {
            let mut whole = Some(PromisedRun::NONE);
            let (mut rarest, mut now) = (PromisedRun::NONE, PromisedRun::NONE);
            let with = |a: PromisedRun, b: &PromisedRun| PromisedRun {
                length: a.length + b.length,
                set: a.set.with(b.set),
            };
            for part in parts.iter().map(|part| run(part, is_part)) {
                now = part.whole.as_ref().map_or(PromisedRun::NONE, |part| with(now, part));
                whole = whole.zip(part.whole).map(|(whole, part)| with(whole, &part));
                rarest = rarest.rarer(part.rarest).rarer(now.clone());
            }
            Run { whole, rarest }
        }
        HirKind::Alternation(parts) => {
            let either = |a: PromisedRun, b: PromisedRun| PromisedRun {
                length: a.length.min(b.length),
                set: a.set.with(b.set),
            };
            let both = parts.iter().map(|part| run(part, is_part)).reduce(|a, b| Run {
                whole: a.whole.zip(b.whole).map(|(a, b)| either(a, b)),
                rarest: either(a.rarest, b.rarest),
            });
            both.unwrap_or_else(none)
        }
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
    use super::{promised_run, stays_in_line, words};

    #[test]
    fn a_pattern_tells_whether_it_stays_in_a_line() {
        for (pattern, stays) in [
            ("a[^\n]{0,50}b", true),
            (r"^\bTODO\b.*$", true),
            (r"a\s+b", false),
            ("a[^x]b", false),
            ("(?s)a.b", false),
            ("a\nb", false),
        ] {
            assert_eq!(stays_in_line(pattern), stays, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_tells_the_rarest_run_that_its_matches_hold() {
        let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        for (pattern, group, length, set) in [
            ("[a-z]{20}", None, 20, "abcdefghijklmnopqrstuvwxyz"),
            ("ab[0-9]{8,12}(?:-[a-f]{4}){2}", None, 20, "0123456789-abcdef"),
            ("(?:[a-c]{20}|[0-9]{8})", None, 8, "0123456789abc"),
            ("(?:[a-c]{4} ){2,}[0-9]{3}", None, 4, "abc"),
            ("[^ ]{30}", None, 0, ""),
            ("k = \"(?P<secret>x_[a-c]{9})\"", Some("secret"), 11, "_abcx"),
            ("k = \"(?P<secret>x_[a-c]{9})\"", None, 11, "_abcx"),
            (r"-----BEGIN KEY-----[a-z]*\s", None, 10, "-BEGIN"),
            ("[a-z]*", None, 0, ""),
            // Few long words are hexadecimal digits, and longer ones of letters are many.
            ("acme_[A-Za-z0-9]{2}_[0-9a-f]{32}", None, 32, "0123456789abcdef"),
            ("(?i)[a-f]{40}", None, 40, "abcdefABCDEF"),
        ] {
            let run = promised_run(pattern, group, part);
            assert_eq!(run.length, length, "{pattern}");
            let expected = set.bytes().collect();
            assert!(length == 0 || run.set == expected, "{pattern}: {:?}", run.set);
        }
    }

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
