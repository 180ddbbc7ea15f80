//! Stretches of a text without a gap, as long values are.

use std::ops::Range;

/// A set of bytes.
pub(super) type Bytes = [bool; 256];

/// The set of letters, digits and these.
pub(super) const fn letters_digits_and(others: &[u8]) -> Bytes {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut other = 0;
    while other < others.len() {
        table[others[other] as usize] = true;
        other += 1;
    }
    table
}

/// The next stretch of at least `shortest` bytes of a set. Looked for from its end backwards, so that most
/// bytes of a text of short words are never looked at.
pub(super) fn next_run(bytes: &[u8], from: usize, shortest: usize, set: &Bytes) -> Option<Range<usize>> {
    // All of `start..known` are of the set.
    let (mut start, mut known) = (from, from);
    loop {
        let last = bytes.get(start..start + shortest)?;
        match last[known - start..].iter().rposition(|b| !set[usize::from(*b)]) {
            Some(at) => {
                let behind = known + at + 1;
                known = start + shortest;
                start = behind;
            }
            None => {
                let more = bytes[start + shortest..].iter().take_while(|b| set[usize::from(**b)]);
                return Some(start..start + shortest + more.count());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_wherever_it_begins() {
        const SET: Bytes = letters_digits_and(b"_");
        for (text, from, shortest, found) in [
            ("", 0, 3, None),
            ("ab cd", 0, 3, None),
            ("ab cde", 0, 3, Some(3..6)),
            ("abc_ef gh", 0, 3, Some(0..6)),
            ("abc_ef gh", 4, 3, None),
            ("abc_ef gh", 2, 3, Some(2..6)),
            ("a b c dd eee", 0, 3, Some(9..12)),
            ("a bcd", 0, 3, Some(2..5)),
            ("é-ab-abcd", 0, 4, Some(6..10)),
        ] {
            assert_eq!(next_run(text.as_bytes(), from, shortest, &SET), found, "{text} from {from}");
        }
    }
}
