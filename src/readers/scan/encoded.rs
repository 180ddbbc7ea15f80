//! Stretches of a text that are other text in Base64, hexadecimal digits or percent signs, decoded one level
//! deep. What decodes to something else than text (hashes, images, fonts, keys) is left after a few bytes.

use super::encoding::{GZIP, base64_digit, decode_hex, gunzip, hex_digit};
use super::runs::{Bytes, letters_digits_and, next_run};
use crate::facts::Form;
use std::ops::Range;

/// A shorter stretch holds no credential that is worth the name: 18 bytes of Base64.
const SHORTEST: usize = 24;
/// Percent signs are looked for so far around one.
const LONGEST_ADDRESS: usize = 16 * 1024;
/// What a compressed stretch, and all of one text together, may grow to. Everything else shrinks.
const LARGEST_INFLATED: usize = 1 << 20;

/// A stretch that is another text.
pub(super) struct Decoded {
    pub(super) form: Form,
    pub(super) text: String,
    origin: Origin,
}

/// Where the bytes of a decoded text come from.
enum Origin {
    /// `bytes` bytes are `digits` digits, which stand in these pieces of the text.
    Digits { pieces: Vec<Range<usize>>, digits: usize, bytes: usize },
    /// Each byte begins at the place of its number.
    Bytes(Vec<usize>),
    /// The whole stretch.
    Whole(Range<usize>),
}

impl Decoded {
    /// The stretch of the text that holds what is decoded to `range`.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        match &self.origin {
            Origin::Whole(place) => place.clone(),
            Origin::Bytes(starts) => starts[range.start]..starts[range.end],
            Origin::Digits { pieces, digits, bytes } => {
                let from = range.start / bytes * digits;
                let last = (range.end.div_ceil(*bytes) * digits).max(from + 1) - 1;
                nth(pieces, from)..nth(pieces, last) + 1
            }
        }
    }
}

/// The place of a digit in pieces; the last one for those that padding stands for.
fn nth(pieces: &[Range<usize>], mut number: usize) -> usize {
    for piece in pieces {
        if number < piece.len() {
            return piece.start + number;
        }
        number -= piece.len();
    }
    pieces.last().map_or(0, |piece| piece.end - 1)
}

/// Calls `each` with every stretch of digits that decodes to text. Returns whether a budget ended the search.
pub(super) fn digits(text: &str, mut each: impl FnMut(&Decoded)) -> bool {
    let bytes = text.as_bytes();
    let mut inflated = LARGEST_INFLATED;
    let mut cut = false;
    let mut from = 0;
    while let Some(mut run) = next_run(bytes, from, SHORTEST, &DIGITS) {
        from = run.end;
        if bytes[run.clone()].starts_with(b"0x") && run.len() >= SHORTEST + 2 {
            run.start += 2;
        }
        let Some(form) = promises_text(&bytes[run.clone()]) else { continue };
        let pieces = lines(bytes, run);
        from = pieces.last().map_or(from, |piece| piece.end);
        if let Some(decoded) = decode(bytes, pieces, form, &mut inflated, &mut cut) {
            each(&decoded);
        }
    }
    cut
}

const DIGITS: Bytes = letters_digits_and(b"+/-_");

/// What the beginning of a stretch says: text, or gzip, in one of the two encodings.
fn promises_text(run: &[u8]) -> Option<Form> {
    let begin = &run[..SHORTEST];
    if begin.iter().all(|b| hex_digit(*b).is_some()) {
        let begin = decode_hex(begin)?;
        return (is_text(&begin) || begin.starts_with(GZIP)).then_some(Form::Hex);
    }
    // Digit by digit: most stretches are names, and end at the first.
    let mut bytes = [0; SHORTEST / 4 * 3];
    for (digits, out) in begin.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
        let bits = digits.iter().try_fold(0, |bits, b| Some(bits << 6 | u32::from(base64_digit(*b)?)))?;
        out.copy_from_slice(&bits.to_be_bytes()[1..]);
        if !out.iter().all(|b| *b == 0 || is_text_byte(*b)) && !begin.starts_with(b"H4sI") {
            return None;
        }
    }
    (is_text(&bytes) || is_wide(&bytes) || bytes.starts_with(GZIP)).then_some(Form::Base64)
}

fn is_text_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| is_text_byte(*b))
}

/// UTF-16 of ASCII, lower byte first, as PowerShell's `-EncodedCommand` takes it.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.chunks_exact(2).all(|pair| is_text_byte(pair[0]) && pair[1] == 0)
}

/// The stretch and those on the lines below that continue it: encoders break lines at 64 or 76 digits.
fn lines(bytes: &[u8], first: Range<usize>) -> Vec<Range<usize>> {
    let width = first.len();
    let mut pieces = vec![first];
    // Lines of a width that is no multiple of four are no encoder's.
    while let Some(last) = pieces.last().filter(|piece| piece.len() == width && width.is_multiple_of(4)) {
        let rest = &bytes[last.end..];
        let broken = match rest {
            [b'\\', b'n', ..] | [b'\r', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] => 3,
            [b'\\', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => break,
        };
        let blank = rest[broken..].iter().take(64).take_while(|b| matches!(b, b' ' | b'\t' | b'#' | b'|'));
        let start = last.end + broken + blank.count();
        let more = bytes[start..].iter().take(width + 1).take_while(|b| DIGITS[usize::from(**b)]).count();
        let ends = bytes.get(start + more).is_none_or(|b| !matches!(b, b' ' | b':' | b'.' | b'('));
        if more == 0 || more > width || !ends {
            break;
        }
        pieces.push(start..start + more);
    }
    pieces
}

fn decode(
    bytes: &[u8],
    pieces: Vec<Range<usize>>,
    form: Form,
    inflated: &mut usize,
    cut: &mut bool,
) -> Option<Decoded> {
    let written: Vec<u8> = pieces.iter().flat_map(|piece| bytes[piece.clone()].iter().copied()).collect();
    let (mut raw, digits, mut each) = match form {
        Form::Hex => (decode_hex(&written[..written.len() / 2 * 2])?, 2, 1),
        _ => {
            let groups = written.chunks(4).flat_map(|group| {
                let bits =
                    group.iter().fold(0, |bits, b| bits << 6 | u32::from(base64_digit(*b).unwrap_or(0)));
                let bits = bits << (6 * (4 - group.len()));
                bits.to_be_bytes().into_iter().skip(1).take(group.len() * 3 / 4)
            });
            (groups.collect::<Vec<u8>>(), 4, 3)
        }
    };
    let mut compressed = false;
    if raw.starts_with(GZIP) {
        let (content, whole) = gunzip(&raw, *inflated);
        *inflated -= content.len();
        *cut |= !whole && *inflated == 0;
        raw = content;
        compressed = true;
    } else if is_wide(&raw[..raw.len().min(16)]) {
        raw = raw.into_iter().step_by(2).collect();
        each = 1;
    }
    let origin = match compressed {
        true => Origin::Whole(pieces.first()?.start..pieces.last()?.end),
        // Two bytes are one character: three digits hold two bytes and more than that is taken.
        false if each == 1 && digits == 4 => Origin::Digits { pieces, digits: 8, bytes: 3 },
        false => Origin::Digits { pieces, digits, bytes: each },
    };
    Some(Decoded { form, text: ascii(raw), origin })
}

/// Text of which every byte is one character: credentials are ASCII, and offsets must not shift.
pub(super) fn ascii(mut bytes: Vec<u8>) -> String {
    bytes.iter_mut().filter(|b| !b.is_ascii() || **b == 0).for_each(|b| *b = b'?');
    String::from_utf8(bytes).expect("only ASCII is left")
}

/// The address or value around the percent sign at `at`, decoded; it begins at `floor` at the earliest.
/// Also, where it ends.
pub(super) fn percent(text: &str, at: usize, floor: usize) -> (Option<Decoded>, usize) {
    let bytes = text.as_bytes();
    let part = |b: &&u8| b.is_ascii_alphanumeric() || b"-._~%+&=:/?#@!$*,;".contains(b);
    let before = bytes[floor..at].iter().rev().take(LONGEST_ADDRESS).take_while(part).count();
    let behind = bytes[at..].iter().take(LONGEST_ADDRESS).take_while(part).count();
    let (mut decoded, mut starts) = (Vec::new(), Vec::new());
    let end = at + behind;
    let mut place = at - before;
    while place < end {
        starts.push(place);
        let escaped = bytes.get(place + 1..place + 3).filter(|_| bytes[place] == b'%').and_then(decode_hex);
        match escaped {
            Some(byte) => {
                decoded.extend(byte);
                place += 3;
            }
            None => {
                decoded.push(bytes[place]);
                place += 1;
            }
        }
    }
    starts.push(place);
    if decoded.len() < SHORTEST / 4 * 3 {
        return (None, end);
    }
    (
        Some(Decoded { form: Form::Percent, text: ascii(decoded), origin: Origin::Bytes(starts) }),
        end.max(place),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is decoded, and for each the stretch that stands for the word `secret` in it.
    fn found(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        digits(text, |decoded| {
            let at = decoded.text.find("secret").map(|at| at..at + 6);
            let place = at.map(|at| text[decoded.place(at)].to_owned()).unwrap_or_default();
            all.push((decoded.text.clone(), place));
        });
        all
    }

    #[test]
    fn stretches_that_are_text_are_decoded_where_they_stand() {
        for (text, decoded, place) in [
            ("a: dGhpcyBpcyBhIHNlY3JldCB0aGluZw==\n", "this is a secret thing", "IHNlY3JldCB0"),
            ("a: dGhpcyBpcyBhIHNlY3JldCB0\n   aGluZw==\n", "this is a secret thing", "IHNlY3JldCB0"),
            ("x='dGhpcyBpcyBhIGxvbmcgc2Vj\\ncmV0IHRoaW5n'", "this is a long secret thing", "c2Vj\\ncmV0"),
            ("x=746869732069732061207365637265742074", "this is a secret t", "736563726574"),
            ("x=0x746869732069732061207365637265742074", "this is a secret t", "736563726574"),
            ("-enc dABoAGkAcwAgAHMAZQBjAHIAZQB0ACAA", "this secret ", "cwAgAHMAZQBjAHIAZQB0ACAA"),
        ] {
            assert_eq!(found(text), [(decoded.to_owned(), place.to_owned())], "{text}");
        }
    }

    #[test]
    fn names_hashes_and_images_are_left() {
        for text in [
            "integrity sha512-Zx8s0Yw5qk1v9bq0yKQ7mB8tq1xQ3p4u5w6y7z8A9B0C1D2E3F4G5H6I7J8K9L0M1N2O3P4Q5R6S7T8U9V0W1X2Y3==",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "src/readers/scan/credentials/and/more/and/more",
            "AbstractSingletonProxyFactoryBeanConfigurationAdapter",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_begin() {
        for before in 0..60 {
            for length in SHORTEST..SHORTEST + 30 {
                let text =
                    format!("{} {} x", "ab ".repeat(before / 3) + &"c"[..before % 2], "Z".repeat(length));
                let start = text.find('Z').expect("it is there");
                assert_eq!(
                    next_run(text.as_bytes(), 0, SHORTEST, &DIGITS),
                    Some(start..start + length),
                    "{text}"
                );
            }
        }
        assert_eq!(next_run("Z".repeat(SHORTEST - 1).as_bytes(), 0, SHORTEST, &DIGITS), None);
    }

    #[test]
    fn addresses_are_decoded_around_a_percent_sign() {
        let text = "url=x%3A%2F%2Fapp%3Asecret%40db.corp.io next";
        let (decoded, end) = percent(text, text.find("%3A").expect("it"), 0);
        let decoded = decoded.expect("long enough");
        assert_eq!(decoded.text, "url=x://app:secret@db.corp.io");
        let at = decoded.text.find("secret").expect("it");
        assert_eq!(&text[decoded.place(at..at + 6)], "secret");
        assert_eq!(&text[end..], " next");
        let (none, end) = percent("a%2", 1, 0);
        assert!(none.is_none() && end == 3);
    }
}
