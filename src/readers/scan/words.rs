//! The search for all the words that may begin something: several hundred, in every byte of every text.
//!
//! An automaton takes one step for each byte, and each step waits for the one before. Here every second
//! position is looked at on its own: three bytes, hashed into a filter that the fastest cache holds. Of each
//! word two neighbouring triples of bytes are in the filter, so that one of them stands at an even position
//! wherever the word stands.

/// Words, and where to look for them.
pub(super) struct WordSearch {
    words: Vec<Box<[u8]>>,
    filter: Box<[u64; 1024]>,
    /// Triples by their hashes; those whose hash begins with `n` lie from `starts[n]` to `starts[n + 1]`.
    triples: Vec<Triple>,
    starts: Box<[u32]>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Triple {
    hash: u16,
    word: u16,
    /// Where in the word the triple stands.
    at: u16,
}

/// A word in a text. The order is the one in which an automaton would tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) end: usize,
    pub(super) start: usize,
    /// The number of the word.
    pub(super) word: usize,
}

/// Hits are told in batches of about this size, so that a text made of words cannot fill the memory.
const BATCH: usize = 4096;
/// Letters from the most frequent on, as in English prose and most programs.
const FREQUENT: &[u8] = b"etaoinsrlcdpumhfgbyvwkxjqz";

impl WordSearch {
    /// Words are found in either case (ASCII). They are three bytes long at least.
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> WordSearch {
        let words: Vec<Box<[u8]>> =
            words.into_iter().map(|w| w.to_ascii_lowercase().into_bytes().into()).collect();
        let mut triples = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let number = u16::try_from(number).expect("the lexicon holds some hundred words");
            let mut add = |triple: [u8; 3], at: usize| {
                let at = u16::try_from(at).expect("words are short");
                triples.push(Triple {
                    hash: hash(u32::from_le_bytes([triple[0], triple[1], triple[2], 0])),
                    word: number,
                    at,
                });
            };
            match **word {
                [a, b, c] => {
                    add([a, b, c], 0);
                    (0..=u8::MAX).filter(|next| next | 0x20 == *next).for_each(|next| add([b, c, next], 1));
                }
                _ => {
                    let rarest = (0..word.len() - 3)
                        .min_by_key(|&at| triple_weight(word, at) + triple_weight(word, at + 1))
                        .expect("words are three bytes long at least");
                    for at in [rarest, rarest + 1] {
                        add([word[at], word[at + 1], word[at + 2]], at);
                    }
                }
            }
        }
        triples.sort_unstable();
        triples.dedup();
        let mut filter = Box::new([0u64; 1024]);
        for triple in &triples {
            filter[usize::from(triple.hash >> 6)] |= 1 << (triple.hash & 63);
        }
        let starts =
            (0..=4096u32).map(|n| triples.partition_point(|t| u32::from(t.hash >> 4) < n) as u32).collect();
        WordSearch { words, filter, triples, starts }
    }

    /// Tells every place of every word, overlapping ones too, by their ends.
    pub(super) fn each(&self, text: &[u8], mut tell: impl FnMut(Hit)) {
        let mut hits: Vec<Hit> = Vec::new();
        let mut at = 0;
        while let Some(eight) = text.get(at..at + 8) {
            let eight = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
            let triples = [eight as u32, (eight >> 16) as u32, (eight >> 32) as u32].map(hash);
            if triples.map(|t| self.passes(t)).into_iter().fold(false, |a, b| a | b) {
                for (i, triple) in triples.into_iter().enumerate() {
                    self.verify(text, at + 2 * i, triple, &mut hits);
                }
                if hits.len() >= BATCH {
                    // A word that is still to be found ends behind `at`.
                    hits.sort_unstable();
                    let done = hits.partition_point(|hit| hit.end <= at);
                    hits.drain(..done).for_each(&mut tell);
                }
            }
            at += 6;
        }
        while at + 1 < text.len() {
            let byte = |i: usize| text.get(at + i).copied().unwrap_or(0);
            let triple = hash(u32::from_le_bytes([byte(0), byte(1), byte(2), 0]));
            self.verify(text, at, triple, &mut hits);
            at += 2;
        }
        hits.sort_unstable();
        hits.into_iter().for_each(tell);
    }

    fn passes(&self, hash: u16) -> bool {
        self.filter[usize::from(hash >> 6)] >> (hash & 63) & 1 != 0
    }

    /// Looks for the words one of whose triples may stand at `at`.
    fn verify(&self, text: &[u8], at: usize, hash: u16, hits: &mut Vec<Hit>) {
        if !self.passes(hash) {
            return;
        }
        let bucket = usize::from(hash >> 4);
        for triple in &self.triples[self.starts[bucket] as usize..self.starts[bucket + 1] as usize] {
            if triple.hash != hash {
                continue;
            }
            let word = &self.words[usize::from(triple.word)];
            let Some(start) = at.checked_sub(usize::from(triple.at)) else { continue };
            let end = start + word.len();
            if text.get(start..end).is_some_and(|written| written.eq_ignore_ascii_case(word)) {
                hits.push(Hit { end, start, word: usize::from(triple.word) });
            }
        }
    }
}

/// A hash of the low three bytes that takes letters of either case for the same.
fn hash(triple: u32) -> u16 {
    (((triple | 0x20_20_20) << 8).wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// How often a triple of bytes is to be expected, roughly.
fn triple_weight(word: &[u8], at: usize) -> usize {
    let weight = |b: &u8| FREQUENT.iter().position(|f| f == b).map_or(2, |i| FREQUENT.len() - i);
    word[at..at + 3].iter().map(weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: &[&str] =
        &["://", "pwd", "pass", "password", "_pass", "word=", "env!", "getenv", "os.getenv"];

    fn found(text: &str) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        WordSearch::new(WORDS.iter().copied()).each(text.as_bytes(), |hit| all.push((hit.start, hit.word)));
        all
    }

    fn expected(text: &str) -> Vec<(usize, usize)> {
        let lower = text.to_ascii_lowercase();
        let mut all = Vec::new();
        for end in 0..=text.len() {
            for start in 0..end {
                let word = WORDS.iter().position(|w| w.as_bytes() == &lower.as_bytes()[start..end]);
                all.extend(word.map(|w| (start, w)));
            }
        }
        all
    }

    #[test]
    fn words_are_found_wherever_they_stand() {
        for lead in 0..20 {
            for tail in 0..10 {
                for word in ["://", "PWD", "My_Password=", "os.GetEnv", "env!"] {
                    let text =
                        format!("{}{word}{}", "é".repeat(lead / 2) + &"x".repeat(lead % 2), "y".repeat(tail));
                    assert!(!found(&text).is_empty(), "{text}");
                    assert_eq!(found(&text), expected(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_text_of_nothing_but_words_gives_them_in_order() {
        let text = "os.getenvpasswordpwd://".repeat(3000);
        let ends: Vec<usize> = {
            let mut ends = Vec::new();
            WordSearch::new(WORDS.iter().copied()).each(text.as_bytes(), |hit| ends.push(hit.end));
            ends
        };
        assert_eq!(ends.len(), 6 * 3000);
        assert!(ends.is_sorted());
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_search(text in "([pasPASwordWD=_:/!]|pwd|pass|word|://|env|é){0,40}") {
            prop_assert_eq!(found(&text), expected(&text));
        }
    }
}
