#![allow(clippy::single_range_in_vec_init, reason = "a place is a range, and one may stand alone")]

use super::*;
use crate::facts::{Certainty, Credential, File, FileClass, Form, Medium};
use crate::finding::{Confidence, Severity, Verdict};
use crate::source::{MemoryFile, Options, Target, open as open_source};
use crate::text::Secret;
use proptest::prelude::*;

/// Quotes places of one file, some of which hold secrets.
fn quoted(text: &str, places: &[Range<usize>], secrets: &[Range<usize>]) -> Vec<Quoted> {
    let path = "a.yml".to_owned();
    let file = MemoryFile {
        path: path.clone(),
        bytes: text.as_bytes().to_vec(),
        executable: false,
        link: None,
        tracked: true,
    };
    let target = Target::Memory { files: vec![file], git: None };
    let source = open_source(&target, &Options::default()).expect("memory opens");
    let mut repository = Repository::default();
    let place = Span::start_of(FileId(0));
    repository.files.push(File { class: FileClass::Read, ..File::new(place, path) });
    for secret in secrets {
        repository.facts.credentials.push(Credential {
            place: Span::new(FileId(0), secret.clone()),
            credential: "password".into(),
            certainty: Certainty::Generic,
            key: None,
            medium: Medium::Source,
            target: None,
            default: false,
            fallback: false,
            ephemeral: false,
            test: false,
            form: Form::Plain,
            value: Secret::new(&text[secret.clone()]),
            encoded: None,
        });
    }
    let mut verdict = Verdict::new("a-rule", Severity::Error, Confidence::High);
    for place in places {
        verdict.fail(Span::new(FileId(0), place.clone()), "a subject", "It is so");
    }
    quote(&source, &repository, verdict.findings, true)
}

#[test]
fn a_place_is_quoted_with_two_lines_around_it() {
    let text = "1\n2\n3\nkey: value\n5\n6\n7\n";
    let quote = &quoted(text, &[11..16], &[])[0].quote;
    assert_eq!((quote.first_line, quote.excerpt.as_str()), (2, "2\n3\nkey: value\n5\n6\n"));
    assert_eq!(&quote.excerpt[quote.mark.clone()], "value");
    assert_eq!((quote.start.line, quote.start.column, quote.end.column), (4, 6, 11));
    let two = quoted(text, &[11..16, 0..1], &[]);
    assert_eq!((two[0].quote.char_offset, two[1].quote.char_offset), (11, 0));
}

#[test]
fn equal_places_have_different_fingerprints_and_lines_above_change_none() {
    let text = "image: a\nimage: a\n";
    let before = quoted(text, &[0..8, 9..17], &[]);
    let after = quoted(&format!("\n\n{text}"), &[2..10, 11..19], &[]);
    let prints = |quoted: &[Quoted]| quoted.iter().map(|q| q.fingerprint.clone()).collect::<Vec<_>>();
    assert_eq!(prints(&before), prints(&after));
    assert_ne!(before[0].fingerprint, before[1].fingerprint);
    assert_eq!(after[0].quote.start.line, before[0].quote.start.line + 2);
}

#[test]
fn a_fingerprint_does_not_depend_on_a_secret() {
    let one = quoted("key: abcdefgh\n", &[5..13], &[5..13]);
    let two = quoted("key: hgfedcba\n", &[5..13], &[5..13]);
    assert_eq!(one[0].fingerprint, two[0].fingerprint);
    assert_eq!(one[0].quote.excerpt.trim_end(), "key: ********");
    assert!(one[0].quote.masked);
}

fn boundary(text: &str, index: prop::sample::Index) -> usize {
    let mut at = index.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn range(text: &str, (a, b): (prop::sample::Index, prop::sample::Index)) -> Range<usize> {
    let (a, b) = (boundary(text, a), boundary(text, b));
    a.min(b)..a.max(b)
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("é😀表\t".to_owned()),
        Just("word ".repeat(100)),
        "[ -~]{0,12}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mark_covers_its_place(text in text(), ends in any::<(prop::sample::Index, prop::sample::Index)>()) {
        let place = range(&text, ends);
        let quote = &quoted(&text, std::slice::from_ref(&place), &[])[0].quote;
        let marked = quote.excerpt.get(quote.mark.clone());
        prop_assert!(marked.is_some(), "{quote:?}");
        prop_assert!(quote.first_line <= quote.start.line);
        prop_assert_eq!(quote.char_offset as usize, text[..place.start].encode_utf16().count());
        // Line breaks are one character in an excerpt, and a place that does not fit is cut.
        let unbroken = |text: &str| text.replace(['\r', '\n'], "");
        let written = unbroken(&text[place.clone()]);
        let marked = unbroken(marked.unwrap());
        // Lines end at a lone CR too, so these are at least as long.
        let long = text.lines().any(|line| line.len() > LONGEST_LINE);
        prop_assert!(written == marked || (long || quote.end.line > quote.start.line + 12), "{written:?} {quote:?}");
    }

    #[test]
    fn a_secret_is_never_quoted(
        (before, after) in (text(), text()),
        ends in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let secret = concat!("Tr0ub4dor", "é😀-planted");
        let text = format!("{before}{secret}{after}{secret}\n");
        let at = before.len()..before.len() + secret.len();
        let places = [range(&text, ends), at.clone(), 0..text.len()];
        for quoted in quoted(&text, &places, &[at]) {
            prop_assert!(!quoted.quote.excerpt.contains("Tr0ub4") && !quoted.quote.excerpt.contains("planted"));
            prop_assert!(quoted.quote.excerpt.get(quoted.quote.mark.clone()).is_some());
        }
    }
}
