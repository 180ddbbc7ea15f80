//! A rule's own good and bad examples: its tests and its documentation.
//!
//! `«…»` marks one expected finding, `‹…›` one related place; marks are removed before reading.
//! `⁀` is removed too, so that no credential stands whole in this repository.

use super::RuleError;
use crate::source::MemoryFile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// One example: a small repository and what the rule says of it.
#[derive(Debug, Clone)]
pub struct Example {
    /// A sentence.
    pub name: String,
    /// Whether the rule must find something.
    pub bad: bool,
    /// Other rules that may report errors on this good example.
    pub also: Vec<String>,
    /// The files.
    pub files: Vec<ExampleFile>,
    /// Files that earlier commits held, one commit for each.
    pub past: Vec<ExampleFile>,
    /// What git tells of this repository.
    pub git: GitState,
    /// The expected findings are open or review, not fail.
    pub kind: Option<String>,
    /// Policy text (a plimsoll.toml) that holds for this example.
    pub policy: Option<String>,
    /// A bad example that no file could carry a mark in, for a finding about a whole file: the paths.
    pub at: Vec<String>,
}

/// A file of an example, marks removed.
#[derive(Debug, Clone)]
pub struct ExampleFile {
    /// What a memory source opens.
    pub file: MemoryFile,
    /// Marked places, as byte ranges of the text.
    pub expected: Vec<Expected>,
}

/// A marked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of the text without marks.
    pub range: Range<usize>,
    /// A related place rather than a finding.
    pub related: bool,
}

/// Git state as data.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GitState {
    /// The day on which the example is judged, `YYYY-MM-DD`.
    pub today: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Commits, oldest first.
    #[serde(default)]
    pub commits: Vec<Commit>,
    /// What the last release held.
    pub release: Option<Release>,
    /// Whether history is cut off.
    #[serde(default)]
    pub shallow: bool,
}

/// The last release of an example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its tag.
    pub tag: String,
    /// Files that were as they are.
    #[serde(default)]
    pub same: Vec<String>,
    /// Files that were otherwise, or that are no more.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// A tag of an example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// When, RFC 3339 with offset.
    pub date: String,
    /// Files that the tagged commit held, where they were others than today.
    #[serde(default)]
    pub holds: BTreeMap<String, String>,
    /// Whether no branch reaches it.
    #[serde(default)]
    pub unmerged: bool,
}

/// A commit of an example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// When, RFC 3339 with offset.
    pub date: String,
    /// Message.
    #[serde(default)]
    pub message: String,
    /// Paths that it changes.
    #[serde(default)]
    pub files: Vec<String>,
    /// Files that it held, where they were others than today.
    #[serde(default)]
    pub holds: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: String,
    #[serde(default)]
    also: Vec<String>,
    files: BTreeMap<String, toml::Spanned<FileText>>,
    #[serde(default)]
    past: BTreeMap<String, toml::Spanned<FileText>>,
    #[serde(default)]
    git: GitState,
    kind: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    at: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FileText {
    Text(String),
    Table(FileTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    text: Option<String>,
    base64: Option<String>,
    #[serde(default)]
    executable: bool,
    link: Option<String>,
    encoding: Option<String>,
    eol: Option<String>,
    #[serde(default)]
    untracked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    #[serde(default)]
    bad: Vec<Written>,
    #[serde(default)]
    good: Vec<Written>,
}

/// Reads the examples of a rule file's tail.
pub(super) fn parse(path: &str, text: &str) -> Result<Vec<Example>, Box<RuleError>> {
    let tail: Tail = toml::from_str(text).map_err(|e| RuleError::toml(path, text, &e))?;
    let bad = tail.bad.into_iter().map(|w| (true, w));
    let good = tail.good.into_iter().map(|w| (false, w));
    bad.chain(good).map(|(bad, written)| build(path, text, bad, written)).collect()
}

fn build(path: &str, text: &str, bad: bool, written: Written) -> Result<Example, Box<RuleError>> {
    let wrong = |span: Range<usize>, why: String| RuleError::new(path, text, Some(span), why);
    let mut marks = written.at.len();
    let mut build = |written: BTreeMap<String, toml::Spanned<FileText>>| {
        let mut files = Vec::new();
        for (name, file) in written {
            let span = file.span();
            let file = example_file(name, file.into_inner()).map_err(|why| wrong(span, why))?;
            marks += file.expected.iter().filter(|e| !e.related).count();
            files.push(file);
        }
        Ok::<_, Box<RuleError>>(files)
    };
    let (files, past) = (build(written.files)?, build(written.past)?);
    if bad && marks == 0 {
        return Err(wrong(0..0, format!("the bad example \"{}\" marks no finding", written.name))
            .help("put «…» around the place of each expected finding"));
    }
    if !bad && marks > 0 {
        return Err(wrong(0..0, format!("the good example \"{}\" marks a finding", written.name)));
    }
    Ok(Example {
        name: written.name,
        bad,
        also: written.also,
        files,
        past,
        git: written.git,
        kind: written.kind,
        policy: written.policy,
        at: written.at,
    })
}

fn example_file(path: String, text: FileText) -> Result<ExampleFile, String> {
    let table = match text {
        FileText::Text(text) => FileTable {
            text: Some(text),
            base64: None,
            executable: false,
            link: None,
            encoding: None,
            eol: None,
            untracked: false,
        },
        FileText::Table(table) => table,
    };
    let (bytes, expected) = match (&table.text, &table.base64) {
        (Some(text), None) => {
            let text = match table.eol.as_deref() {
                None | Some("lf") => text.clone(),
                Some("crlf") => text.replace('\n', "\r\n"),
                Some("cr") => text.replace('\n', "\r"),
                Some(other) => return Err(format!("eol is lf, crlf or cr, not `{other}`")),
            };
            let (text, expected) = strip_marks(&text)?;
            (encode(&text, table.encoding.as_deref())?, expected)
        }
        (None, Some(base64)) => (decode_base64(base64)?, Vec::new()),
        (None, None) => (Vec::new(), Vec::new()),
        (Some(_), Some(_)) => return Err("a file has either text or base64".into()),
    };
    let file =
        MemoryFile { path, bytes, executable: table.executable, link: table.link, tracked: !table.untracked };
    Ok(ExampleFile { file, expected })
}

fn encode(text: &str, encoding: Option<&str>) -> Result<Vec<u8>, String> {
    Ok(match encoding {
        None | Some("utf-8") => text.as_bytes().to_vec(),
        Some("utf-8-bom") => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        Some("utf-16le") => {
            [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
        }
        Some("utf-16be") => {
            [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
        }
        Some(other) => {
            return Err(format!("encoding is utf-8, utf-8-bom, utf-16le or utf-16be, not `{other}`"));
        }
    })
}

/// Removes marks and says where they were. Marks may nest, but not cross.
pub(super) fn strip_marks(text: &str) -> Result<(String, Vec<Expected>), String> {
    let mut out = String::with_capacity(text.len());
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut expected = Vec::new();
    for c in text.chars() {
        match c {
            '«' => open.push((out.len(), false)),
            '‹' => open.push((out.len(), true)),
            '»' | '›' => {
                let related = c == '›';
                match open.pop() {
                    Some((start, r)) if r == related => {
                        expected.push(Expected { range: start..out.len(), related });
                    }
                    _ => return Err(format!("`{c}` closes nothing")),
                }
            }
            '⁀' => {}
            c => out.push(c),
        }
    }
    if !open.is_empty() {
        return Err("a mark is never closed".into());
    }
    expected.sort_by_key(|e| (e.range.start, e.range.end));
    Ok((out, expected))
}

fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for b in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let value = ALPHABET.iter().position(|&a| a == b).ok_or("not base64")? as u32;
        bits = bits << 6 | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_removed_and_remembered() {
        let (text, expected) = strip_marks("a «bäd» ‹c› se⁀cret").expect("closed");
        assert_eq!(text, "a bäd c secret");
        assert_eq!(
            expected,
            [Expected { range: 2..6, related: false }, Expected { range: 7..8, related: true }]
        );
        assert!(strip_marks("«a").is_err());
        assert!(strip_marks("a›").is_err());
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode_base64("aGVsbG8=").expect("valid"), b"hello");
    }
}
