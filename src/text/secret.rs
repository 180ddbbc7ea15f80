//! Values that must never be written anywhere.

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A credential's value. It can be compared and measured, but has no way into any output: neither
/// `Debug` nor `Display` show it, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// Whether it is a short word of small letters, which also stands where it is no secret (`netbox`).
    /// Masking it everywhere would garble names and, by its gaps, tell it.
    pub fn is_plain_word(&self) -> bool {
        self.0.len() < 16 && self.0.bytes().all(|b| b.is_ascii_lowercase())
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

/// Masks secrets in text that leaves the process, by value. Text is searched once, however many values
/// there are.
#[derive(Clone, Default)]
pub struct Redactor {
    /// `None` if there are none.
    values: Option<Arc<Values>>,
}

struct Values {
    /// Sorted, each once.
    all: Vec<Secret>,
    /// For each, the longest other one that it begins with.
    shorter: Vec<Option<usize>>,
    /// Recognises how they begin: one for all that is in them would be ten times as dear to build.
    beginnings: NFA,
    longest: usize,
}

/// So much of a value is recognised before the whole is compared.
const BEGINNING: usize = 16;

/// Values shorter than this are masked by place only: masking every `abc` of a text would make it
/// unreadable and thereby tell the value.
const SHORTEST_BY_VALUE: usize = 6;

/// Lines of a longer value that are shorter than this are masked with the whole only.
const SHORTEST_LINE: usize = 8;

impl Redactor {
    /// A redactor that knows these values.
    pub fn new(values: impl IntoIterator<Item = Secret>) -> Redactor {
        let mut values: Vec<Secret> =
            values.into_iter().filter(|v| v.expose().len() >= SHORTEST_BY_VALUE).collect();
        let readings: Vec<Secret> = values.iter().flat_map(|v| lines(v).chain(meanings(v))).collect();
        values.extend(readings);
        values.sort();
        values.dedup();
        if values.is_empty() {
            return Redactor::default();
        }
        Redactor { values: Some(Arc::new(Values::new(values))) }
    }

    /// Where known values stand in `text`: ascending byte ranges that neither overlap nor touch, on char
    /// boundaries. Values that overlap each other are covered by one range.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        let Some(values) = &self.values else { return found };
        let automaton = &values.beginnings;
        let mut state = automaton.start_state(Anchored::No).expect("the automaton is not anchored");
        for (at, &byte) in text.as_bytes().iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, byte);
            if !automaton.is_match(state) {
                continue;
            }
            for number in 0..automaton.match_len(state) {
                let start = at + 1 - automaton.pattern_len(automaton.match_pattern(state, number));
                found
                    .extend(values.longest_at(&text.as_bytes()[start..]).map(|length| start..start + length));
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        found.dedup_by(|next, last| {
            let joins = next.start <= last.end;
            last.end = if joins { last.end.max(next.end) } else { last.end };
            joins
        });
        found
    }

    /// Length of the longest known value, in bytes: what stands further away cannot run into a place.
    pub fn reach(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.longest)
    }

    /// `text` with every known value masked.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for range in self.find(text) {
            out.push_str(&text[at..range.start]);
            out.push_str(&mask(&text[range.clone()]));
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}

impl Values {
    /// Of sorted values, each once.
    fn new(all: Vec<Secret>) -> Values {
        let mut shorter = Vec::with_capacity(all.len());
        let mut above: Vec<usize> = Vec::new();
        for (number, value) in all.iter().enumerate() {
            while above.pop_if(|last| !value.expose().starts_with(all[*last].expose())).is_some() {}
            shorter.push(above.last().copied());
            above.push(number);
        }
        let mut beginnings: Vec<&[u8]> = all
            .iter()
            .map(|value| value.expose().as_bytes())
            .map(|value| &value[..value.len().min(BEGINNING)])
            .collect();
        beginnings.dedup();
        let beginnings = NFA::new(beginnings).expect("values fit into memory twice");
        let longest = all.iter().map(|value| value.expose().len()).max().unwrap_or(0);
        Values { all, shorter, beginnings, longest }
    }

    /// The length of the longest value that `text` begins with.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        // What sorts between a value and a text that begins with it begins with it, too.
        let behind = self.all.partition_point(|value| value.expose().as_bytes() <= text);
        let mut candidate = behind.checked_sub(1);
        while let Some(number) = candidate {
            let value = self.all[number].expose().as_bytes();
            if text.starts_with(value) {
                return Some(value.len());
            }
            candidate = self.shorter[number];
        }
        None
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

/// The lines of a value of several, such as a key: a parser takes their indentation away, and reads `\n` as
/// a line break. Lines that say what it is are no secret.
fn lines(value: &Secret) -> impl Iterator<Item = Secret> {
    let lines = value.expose().split('\n').flat_map(|line| line.split("\\n"));
    let telling = lines.map(str::trim).filter(|line| line.len() >= SHORTEST_LINE && !line.contains("-----"));
    telling.filter(|line| line.len() < value.expose().len()).map(Secret::new)
}

/// What parsers may make of a value that is written with escapes or with quotes inside.
fn meanings(value: &Secret) -> impl Iterator<Item = Secret> {
    let text = value.expose();
    let mut all = Vec::new();
    if text.contains(['\\', '\'', '"']) {
        let unescaped = unescape(text);
        all.push(unescaped.replace(['\'', '"'], ""));
        all.push(unescaped);
        all.push(text.replace("''", "'"));
    }
    all.retain(|meaning| meaning.len() >= SHORTEST_BY_VALUE && meaning != text);
    all.into_iter().map(Secret::new)
}

/// Backslash escapes as YAML, JSON and most programming languages read them; a shell's are among them.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let digits = match rest.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('n') => {
                out.push('\n');
                continue;
            }
            Some('t') => {
                out.push('\t');
                continue;
            }
            // A line that is continued.
            Some('\n') | None => continue,
            Some(other) => {
                out.push(other);
                continue;
            }
        };
        let code: String = rest.by_ref().take(digits).collect();
        out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
    }
    out
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
    fn a_value_is_masked_in_every_way_of_reading_it() {
        for (written, read) in [
            (r"Zk9\x41mQ27xLpd83", "Zk9AmQ27xLpd83"),
            (r"Zk9\u0041mQ27xLpd83", "Zk9AmQ27xLpd83"),
            (r#"Zk9\"mQ27xLpd83"#, "Zk9\"mQ27xLpd83"),
            ("Qm''83kLpZx92", "Qm'83kLpZx92"),
            (r"Wn7\$kQ27xLp'd'83Kw", "Wn7$kQ27xLpd83Kw"),
            ("-----BEGIN KEY-----\n  MIIEpAIBAAKC\n  -----END KEY-----", "MIIEpAIBAAKC"),
            (r"-----BEGIN KEY-----\nMIIEpAIBAAKC\n-----END KEY-----", "MIIEpAIBAAKC"),
        ] {
            let redactor = Redactor::new([Secret::new(written)]);
            assert_eq!(redactor.redact(&format!("({read})")), format!("({})", mask(read)), "{written}");
        }
        let endless = Redactor::new([Secret::new(r"abcdefgh\u12"), Secret::new("abcdefgh\\")]);
        assert_eq!(endless.redact("xabcdefghx"), "x********x");
    }

    #[test]
    fn a_secret_has_no_way_out() {
        assert_eq!(format!("{:?}", Secret::new("hunter2hunter2")), "Secret(…)");
    }

    #[test]
    fn masks_keep_line_breaks_and_utf16_length() {
        let r = Redactor::new([Secret::new("pä\nss😀word")]);
        assert_eq!(r.redact("x pä\nss😀word y"), "x **\n******** y");
    }

    #[test]
    fn values_within_and_across_each_other_are_masked_whole() {
        let r = Redactor::new(["abcdef", "xabcdef", "cdefghi", "aaaaaa", "aaaaaaaa"].map(Secret::new));
        assert_eq!(r.redact("-xabcdef-abcdef-"), "-*******-******-");
        assert_eq!(r.redact("-abcdefghi-"), "-*********-");
        assert_eq!(r.redact("-aaaaaaaaaaa-aaaaa-"), "-***********-aaaaa-");
        let long = "a value that is longer than what is looked for first";
        let r =
            Redactor::new([&long[..8], &long[..20], long, &long[2..40], "a value that was"].map(Secret::new));
        for (text, masked) in [
            (long, long.len()),
            (&long[..51], 40),
            (&long[..39], 20),
            (&long[..19], 8),
            (&long[1..40], 38),
            (&long[1..39], 0),
            ("a value that w", 8),
            ("a value that was it", 16),
        ] {
            let found = r.find(text).iter().map(Range::len).sum::<usize>();
            assert_eq!(found, masked, "{text}");
        }
        assert_eq!(format!("{r:?}"), "Redactor(…)");
    }
}
