//! GitHub's `primaryLocationLineHash`, by which code scanning recognises an alert again.

/// Number of characters, from the start of a line, that its hash covers.
const BLOCK: usize = 100;
const BASE: u64 = 37;

/// The hash of a line, and how many lines have had the same so far, this one included. It is written in
/// lower-case hexadecimal without padding, with the count behind a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineHash {
    hash: u64,
    count: u32,
}

impl std::fmt::Display for LineHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}:{}", self.hash, self.count)
    }
}

/// The hashes of the lines of `text`, of the first `most` at most.
///
/// For each line a wrapping 64-bit polynomial hash (base 37) of the first 100 UTF-16 code units from
/// its start, running on into later lines, without blanks and tabs, CR LF and CR read as LF; behind the
/// text stand one unit 65535 and zeros.
pub fn line_hashes(text: &str, most: usize) -> Vec<LineHash> {
    let (mut units, mut starts) = (Vec::with_capacity(text.len() + BLOCK + 1), vec![0]);
    let mut all = text.encode_utf16().peekable();
    while let Some(unit) = all.next() {
        let unit = match unit {
            0x20 | 0x09 => continue,
            0x0d => {
                if all.peek() == Some(&0x0a) {
                    all.next();
                }
                0x0a
            }
            unit => unit,
        };
        units.push(unit);
        if starts.len() < most {
            if unit == 0x0a {
                starts.push(units.len());
            }
        } else if starts.last().is_some_and(|last| units.len() >= last + BLOCK) {
            break;
        }
    }
    units.push(65535);
    units.extend(std::iter::repeat_n(0, BLOCK));
    let drop = (0..BLOCK).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut counts = std::collections::HashMap::new();
    let mut hashes = Vec::with_capacity(starts.len());
    // Rolling: the hash of the window at i follows from that at i - 1.
    let mut hash = units[..BLOCK].iter().fold(0u64, |h, &u| h.wrapping_mul(BASE).wrapping_add(u64::from(u)));
    let mut at = 0;
    for start in starts {
        while at < start {
            let (out, into) = (u64::from(units[at]), u64::from(units[at + BLOCK]));
            hash = hash.wrapping_mul(BASE).wrapping_add(into).wrapping_sub(drop.wrapping_mul(out));
            at += 1;
        }
        let count = counts.entry(hash).and_modify(|n| *n += 1).or_insert(1u32);
        hashes.push(LineHash { hash, count: *count });
    }
    hashes
}

#[cfg(test)]
mod tests {
    fn line_hashes(text: &str) -> Vec<String> {
        super::line_hashes(text, usize::MAX).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn later_lines_do_not_matter_to_the_first_ones() {
        let text = "Lorem ipsum\ndolor sit\namet.\n\n".repeat(20);
        let all = super::line_hashes(&text, usize::MAX);
        for most in 1..=all.len() {
            assert_eq!(super::line_hashes(&text, most), all[..most]);
        }
    }

    #[test]
    fn the_published_vectors_hold() {
        assert_eq!(line_hashes(""), ["c129715d7a2bc9a3:1"]);
        let expected = ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"];
        assert_eq!(line_hashes(" a\nb\n  \t\tc\n d"), expected);
        assert_eq!(line_hashes(" a\r\nb\r  \t\tc\n d"), expected);
        let ten = line_hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        for (i, hash) in ten[..6].iter().enumerate() {
            assert_eq!(hash, &format!("a7f2ff13bc495cf2:{}", i + 1));
        }
    }
}
