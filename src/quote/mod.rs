//! The last reading: only files that findings name are opened again, for lines, columns, masked
//! excerpts and fingerprints.

mod large;

use crate::facts::{Credential, Repository};
use crate::finding::{Finding, Related};
use crate::source::{Source, UnreadClass};
use crate::text::{
    FileId, LineColumn, LineHash, LineIndex, Redactor, Secret, Span, decode, line_hashes, mask,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A place as people and machines read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Path from the root, with `/`.
    pub path: String,
    /// First character.
    pub start: LineColumn,
    /// Just behind the last character.
    pub end: LineColumn,
    /// Offset of the first character in UTF-16 code units from the start of the text.
    pub char_offset: u32,
    /// Length in UTF-16 code units.
    pub char_length: u32,
    /// Number of the first line of `excerpt`.
    pub first_line: u32,
    /// The lines of the place and up to two on either side, secrets masked at equal length; empty if
    /// the file is empty, binary or gone.
    pub excerpt: String,
    /// Byte range of the place within `excerpt`.
    pub mark: Range<usize>,
    /// Whether something in the excerpt was masked.
    pub masked: bool,
    /// GitHub's `primaryLocationLineHash` of the first line.
    pub line_hash: String,
}

/// A finding with its places quoted and its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// The finding.
    pub finding: Finding,
    /// Its place.
    pub quote: Quote,
    /// Its related places.
    pub related: Vec<(Related, Quote)>,
    /// Identifies the finding across edits elsewhere: a hash of (scheme, rule, path, subject, marked
    /// text with blanks squeezed, ordinal among equals). It is no function of a credential's value.
    pub fingerprint: String,
    /// The value of the credential that its place is, if it is one: what a team states about the finding is
    /// stated about this value, and about no other that takes its place.
    pub value: Option<CredentialValue>,
}

/// A credential's value as far as dispositions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialValue {
    /// The value.
    pub secret: Secret,
    /// Whether its provider drew it at random, so that nobody can guess it.
    pub drawn: bool,
}

/// Longest excerpt line that is shown whole, in bytes; of a longer one, a window around the place.
const LONGEST_LINE: usize = 400;

/// Larger files are quoted without excerpts, in bytes.
const LARGEST: u64 = 32 << 20;
/// Line hashes take five times the text's length in memory; larger files get none, in bytes.
const LARGEST_HASHED: usize = 8 << 20;

struct Opened {
    text: String,
    lines: LineIndex,
    /// Where secrets stand, by place and by value: ascending, none touches another.
    secrets: Vec<Range<usize>>,
    /// Whether lines are hashed at all, and their hashes once one is asked for.
    hashed: bool,
    hashes: Option<Vec<LineHash>>,
    /// The last line whose hash is asked for.
    last: usize,
    /// An offset and the UTF-16 units before it: places are asked for in order.
    counted: (usize, u32),
}

/// Quotes findings, which must be sorted; keeps their order. Without `hashes` no line is hashed.
pub fn quote(
    source: &Source,
    repository: &Repository,
    mut findings: Vec<Finding>,
    hashes: bool,
) -> Vec<Quoted> {
    let redactor = Redactor::new(repository.facts.secrets().filter(|s| !s.is_plain_word()));
    let mut words: BTreeMap<FileId, Vec<&Secret>> = BTreeMap::new();
    // That a provider is called so, everybody knows.
    let kinds: BTreeSet<&str> =
        repository.facts.every_credential().flat_map(|c| c.credential.split('-')).collect();
    let guessed = |c: &&Credential| c.default || c.ephemeral || kinds.contains(c.value.expose());
    for credential in repository.facts.every_credential().filter(|c| !guessed(c) && c.value.is_plain_word()) {
        words.entry(credential.place.file).or_default().push(&credential.value);
    }
    findings.iter_mut().for_each(|finding| conceal(finding, &redactor, &words));
    let names = Redactor::new(repository.facts.secrets_in_paths());
    for origin in findings.iter_mut().filter_map(|finding| finding.origin.as_mut()) {
        origin.path = names.redact(&origin.path);
    }
    let mut secrets: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    let mut held: BTreeMap<Span, &Credential> = BTreeMap::new();
    for credential in repository.facts.every_credential() {
        secrets.entry(credential.place.file).or_default().push(credential.place);
        held.insert(credential.place, credential);
    }
    let about = |place: Span| {
        let from = Span { end: u32::MAX, ..place };
        held.range(..=from)
            .next_back()
            .filter(|(span, _)| span.contains(place))
            .map(|(_, c)| CredentialValue { secret: c.value.clone(), drawn: c.is_drawn() })
    };
    // One file at a time stays in memory: quotes are made per file, then put in order again.
    let mut quotes: BTreeMap<Span, (Quote, String)> = BTreeMap::new();
    let mut places: BTreeMap<FileId, BTreeSet<Span>> = BTreeMap::new();
    for finding in &findings {
        for place in std::iter::once(finding.place).chain(finding.related.iter().map(|r| r.place)) {
            places.entry(place.file).or_default().insert(place);
        }
    }
    for (file, spans) in places {
        let Some(mut opened) =
            open(source, file, secrets.remove(&file).unwrap_or_default(), &spans, &redactor)
        else {
            for (span, mut quote) in large::quote(source, file, &spans) {
                quote.path = names.redact(&quote.path);
                quotes.insert(span, (quote, String::new()));
            }
            continue;
        };
        opened.hashed = hashes;
        for span in spans {
            let quote = opened.quote(&names.redact(repository.path(span)), span);
            let marked = opened.marked(span);
            quotes.insert(span, (quote, marked));
        }
    }
    let mut ordinals: BTreeMap<String, u32> = BTreeMap::new();
    findings
        .into_iter()
        .map(|finding| {
            let (quote, marked) = quotes[&finding.place].clone();
            let related = finding.related.iter().map(|r| (r.clone(), quotes[&r.place].0.clone())).collect();
            let key = [&finding.rule, &quote.path, &finding.subject, &marked].map(|s| s.as_str()).join("\0");
            let ordinal = ordinals.entry(key.clone()).and_modify(|n| *n += 1).or_insert(0);
            let fingerprint = fingerprint(&format!("1\0{key}\0{ordinal}"));
            let value = about(finding.place);
            Quoted { finding, quote, related, fingerprint, value }
        })
        .collect()
}

/// Masks secrets in what a rule says: its words may hold names and values from the files. Secrets that are
/// plain words are masked only if one of the finding's files holds them.
fn conceal(finding: &mut Finding, redactor: &Redactor, words: &BTreeMap<FileId, Vec<&Secret>>) {
    let files = finding.related.iter().map(|r| r.place.file).chain([finding.place.file]);
    let near: BTreeSet<&Secret> = files.filter_map(|f| words.get(&f)).flatten().copied().collect();
    let related = finding.related.iter_mut().map(|related| &mut related.message);
    let own = [&mut finding.message, &mut finding.label, &mut finding.subject];
    for text in own.into_iter().chain(&mut finding.against).chain(related) {
        if !redactor.find(text).is_empty() {
            *text = redactor.redact(text);
        }
        for word in &near {
            if text.contains(word.expose()) {
                *text = text.replace(word.expose(), &mask(word.expose()));
            }
        }
    }
}

/// The file's text; `None` for a file too large to be held. What is gone or binary is quoted as empty.
fn open(
    source: &Source,
    file: FileId,
    places: Vec<Span>,
    spans: &BTreeSet<Span>,
    redactor: &Redactor,
) -> Option<Opened> {
    let text = match source.read(file, LARGEST) {
        Err(unread) if unread.class == UnreadClass::TooLarge => return None,
        read => read.ok().and_then(decode).map(|d| d.text).unwrap_or_default(),
    };
    let lines = LineIndex::new(&text);
    // More is searched than what is shown: a value that is cut at the end of an excerpt, or runs over several
    // lines, would not be known again.
    let mut searched: Vec<Range<usize>> = Vec::new();
    for span in spans {
        let (start, end) = (floor(&text, span.start as usize), floor(&text, span.end as usize));
        let (first, last) =
            (lines.line(start).saturating_sub(2).max(1), (lines.line(end) + 2).min(lines.count()));
        let start = lines.range(&text, first).start.saturating_sub(redactor.reach());
        let end = lines.range(&text, last).end.saturating_add(redactor.reach());
        let around = floor(&text, start)..floor(&text, end);
        match searched.last_mut() {
            Some(before) if around.start <= before.end => before.end = before.end.max(around.end),
            _ => searched.push(around),
        }
    }
    let found = searched.into_iter().flat_map(|part| {
        let found = redactor.find(&text[part.clone()]).into_iter();
        found.map(move |range| part.start + range.start..part.start + range.end)
    });
    let mut found: Vec<Range<usize>> = found.collect();
    found.extend(places.iter().map(|p| floor(&text, p.start as usize)..floor(&text, p.end as usize)));
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| range.start);
    let mut secrets: Vec<Range<usize>> = Vec::new();
    for range in found {
        match secrets.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => secrets.push(range),
        }
    }
    let last = spans.last().map_or(1, |span| lines.line(floor(&text, span.start as usize)) as usize);
    Some(Opened { lines, text, secrets, hashed: false, hashes: None, last, counted: (0, 0) })
}

impl Opened {
    /// The marked text with blanks squeezed; credentials in it contribute nothing.
    fn marked(&self, span: Span) -> String {
        let mut text = self.text.get(span.range()).unwrap_or("").to_owned();
        if self.secrets_in(span.range()).next().is_some() {
            text.clear();
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn quote(&mut self, path: &str, span: Span) -> Quote {
        let start = floor(&self.text, span.start as usize);
        let end = floor(&self.text, span.end as usize).max(start);
        let (first, last) = (self.lines.line(start), self.lines.line(end.max(start + 1) - 1));
        let shown = first.saturating_sub(2).max(1)..=(last.min(first + 12) + 2).min(self.lines.count());
        let mut excerpt = String::new();
        let (mut mark, mut masked) = (0..0, false);
        for line in shown.clone() {
            let range = self.lines.range(&self.text, line);
            let window = window(&self.text, range, start);
            let at = excerpt.len();
            let text = self.masked(window.clone());
            masked |= self.secrets_in(window.clone()).next().is_some();
            // A mask may be shorter than what it hides, so offsets are counted in masked text.
            let place =
                |offset: usize| at + self.masked(window.start..offset.clamp(window.start, window.end)).len();
            if line == first {
                mark.start = place(start);
            }
            if line == last.min(*shown.end()) {
                mark.end = place(end);
            }
            excerpt.push_str(&text);
            excerpt.push('\n');
        }
        mark.end = mark.end.max(mark.start);
        let units = |text: &str| text.encode_utf16().count() as u32;
        if start < self.counted.0 {
            self.counted = (0, 0);
        }
        let offset = self.counted.1 + units(&self.text[self.counted.0..start]);
        self.counted = (start, offset);
        if self.hashes.is_none() {
            self.hashes = Some(match self.text.len() {
                _ if !self.hashed => Vec::new(),
                LARGEST_HASHED.. => Vec::new(),
                _ if self.secrets.is_empty() => line_hashes(&self.text, self.last),
                // The hash of a line that holds a secret would confirm a guess.
                length => line_hashes(&self.masked(0..length), self.last),
            });
        }
        let hashes = self.hashes.as_deref().unwrap_or_default();
        Quote {
            path: path.to_owned(),
            start: self.lines.line_column(&self.text, start),
            end: self.lines.line_column(&self.text, end),
            char_offset: offset,
            char_length: units(&self.text[start..end]),
            first_line: *shown.start(),
            excerpt,
            mark,
            masked,
            line_hash: hashes.get(first as usize - 1).map(LineHash::to_string).unwrap_or_default(),
        }
    }

    /// The secrets that meet `range`.
    fn secrets_in(&self, range: Range<usize>) -> impl Iterator<Item = &Range<usize>> {
        let first = self.secrets.partition_point(|s| s.end <= range.start);
        self.secrets[first..].iter().take_while(move |s| s.start < range.end)
    }

    /// The text of `range` with secrets masked.
    fn masked(&self, range: Range<usize>) -> String {
        let mut out = String::new();
        let mut at = range.start;
        for secret in self.secrets_in(range.clone()) {
            let (from, to) = (secret.start.max(at), secret.end.min(range.end));
            out.push_str(&self.text[at..from]);
            out.push_str(&mask(&self.text[from..to]));
            at = to;
        }
        out.push_str(&self.text[at..range.end]);
        out
    }
}

/// Of a very long line, the part around `at`.
fn window(text: &str, line: Range<usize>, at: usize) -> Range<usize> {
    if line.len() <= LONGEST_LINE {
        return line;
    }
    let at = at.clamp(line.start, line.end);
    let start = at.saturating_sub(LONGEST_LINE / 4).max(line.start);
    let end = (start + LONGEST_LINE).min(line.end);
    floor(text, start)..floor(text, end)
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// 128 bits of FNV-1a as hexadecimal: fixed for all time, fast, and not meant to resist forgery.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests;
