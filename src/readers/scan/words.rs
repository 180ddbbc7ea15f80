//! All words of the scan, looked for in a text at once and without regard to ASCII case.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};
use std::array;
use std::ops::Range;

/// A step of the automaton mostly waits for memory, and steps at other places of the text need not wait for
/// it: so many places are searched by turns.
const LANES: usize = 4;
/// So many bytes are searched before what was found in them is handed out: it bounds what is held.
const BLOCK: usize = 256 << 10;
/// A shorter lane is not worth the lead that it needs.
const SHORTEST_LANE: usize = 256;

/// An automaton of words.
pub(super) struct Words {
    automaton: DFA,
    start: StateID,
}

/// A word in a text.
pub(super) struct Hit {
    /// The word's number, in the order in which the words were given.
    pub(super) word: usize,
    /// Where it stands.
    pub(super) range: Range<usize>,
}

impl Words {
    pub(super) fn new(words: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Words {
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(words)
            .expect("an automaton holds millions of words");
        let start = automaton.start_state(Anchored::No).expect("the automaton is not anchored");
        Words { automaton, start }
    }

    /// Every occurrence of every word, also of those within another, in the order of their ends.
    pub(super) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Hit> + 'a {
        let text = text.as_bytes();
        let blocks = (0..text.len()).step_by(BLOCK).map(|at| at..(at + BLOCK).min(text.len()));
        blocks.flat_map(|block| self.search(text, block))
    }

    /// The words that end in `block`.
    fn search(&self, text: &[u8], block: Range<usize>) -> impl Iterator<Item = Hit> + '_ {
        let length = Some(block.len() / LANES).filter(|n| *n >= SHORTEST_LANE).unwrap_or(0);
        let starts: [usize; LANES] = array::from_fn(|lane| block.start + lane * length);
        let lanes = starts.map(|start| &text[start..start + length]);
        let mut states = starts.map(|start| self.state(text, start));
        let mut ends: [Vec<(usize, StateID)>; LANES] = Default::default();
        for at in 0..length {
            for (state, lane) in states.iter_mut().zip(lanes) {
                *state = self.automaton.next_state(Anchored::No, *state, lane[at]);
            }
            for lane in 0..LANES {
                if self.automaton.is_match(states[lane]) {
                    ends[lane].push((starts[lane] + at + 1, states[lane]));
                }
            }
        }
        // What does not make a lane follows the last one.
        let mut state = states[LANES - 1];
        let rest = starts[LANES - 1] + length;
        for (at, byte) in text[rest..block.end].iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if self.automaton.is_match(state) {
                ends[LANES - 1].push((rest + at + 1, state));
            }
        }
        ends.into_iter().flatten().flat_map(move |(end, state)| {
            (0..self.automaton.match_len(state)).map(move |number| {
                let word = self.automaton.match_pattern(state, number);
                Hit { word: word.as_usize(), range: end - self.automaton.pattern_len(word)..end }
            })
        })
    }

    /// The automaton's state behind `text[..at]`: what lies further back than the longest word has no part in it.
    fn state(&self, text: &[u8], at: usize) -> StateID {
        let lead = &text[at.saturating_sub(self.automaton.max_pattern_len())..at];
        lead.iter().fold(self.start, |state, byte| self.automaton.next_state(Anchored::No, state, *byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aho_corasick::AhoCorasick;

    #[test]
    fn words_are_found_wherever_lanes_and_blocks_meet() {
        let list = ["token", "ken_", "n_", "secret", "aaa", "a_long_word_with_many_letters", "ret"];
        let words = Words::new(list);
        let plain = AhoCorasick::builder().ascii_case_insensitive(true).build(list).expect("small");
        let pieces =
            ["Token_", "secreT", "aaaa", "A_LONG_word_with_many_letters", " é ", "\n", "a_long", "x"];
        // A fixed sequence that puts words at every place relative to the borders.
        let mut random = 1u32;
        let mut text = String::new();
        for length in [0, 1, 5, 1000, 1024, 1030, 5000, BLOCK - 3, BLOCK + 4 * SHORTEST_LANE, 3 * BLOCK + 7] {
            while text.len() < length {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(pieces[(random >> 16) as usize % pieces.len()]);
            }
            let found: Vec<_> = words.find(&text).map(|hit| (hit.word, hit.range)).collect();
            let all = plain.find_overlapping_iter(&text).map(|hit| (hit.pattern().as_usize(), hit.range()));
            assert!(found.into_iter().eq(all), "{} bytes", text.len());
        }
    }
}
