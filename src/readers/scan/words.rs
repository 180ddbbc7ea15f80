//! All words of the scan, looked for in a text at once and without regard to ASCII case.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use std::array;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A step of the automaton mostly waits for memory, and steps at other places of the text need not wait for
/// it: so many places are searched by turns.
const LANES: usize = 4;
/// So many bytes are searched before what was found in them is handed out: it bounds what is held.
const BLOCK: usize = 256 << 10;
/// A shorter lane is not worth the lead that it needs.
const SHORTEST_LANE: usize = 256;

/// The bytes of most texts, the frequent ones first: their transitions lie side by side, and in the cache.
const FREQUENT: &[u8] = b" etarnoislcdpumf_gh.\"b=v,/y(:-)w{}kx;'";

/// The automaton of Aho and Corasick over words, as a table of the next state for each state and class of bytes.
///
/// `aho-corasick` builds it. Its own table takes twice the room, in which the rows that most steps read do not stay
/// in a core's cache.
pub(super) struct Words {
    /// The class of each byte.
    classes: [u8; 256],
    /// Rows of `1 << shift` next states.
    table: Table,
    shift: u32,
    /// What the states with the lowest numbers have found: number and length of each word.
    found: Vec<Vec<(u32, u32)>>,
    start: usize,
    longest: usize,
}

enum Table {
    Narrow(Vec<u16>),
    /// Of more states than fit: somebody's rules have many words.
    Wide(Vec<u32>),
}

/// A word in a text.
pub(super) struct Hit {
    /// The word's number, in the order in which the words were given.
    pub(super) word: usize,
    /// Where it stands.
    pub(super) range: Range<usize>,
}

impl Words {
    /// The automaton of these words. The last one stays: what a change set out from, and one example of a rule after
    /// the other, is searched for the same words.
    pub(super) fn shared(words: Vec<String>) -> Arc<Words> {
        static LAST: Mutex<Option<(Vec<String>, Arc<Words>)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, automaton)) = &*last
            && *of == words
        {
            return automaton.clone();
        }
        let automaton = Arc::new(Words::new(&words));
        *last = Some((words, automaton.clone()));
        automaton
    }

    fn new<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Words {
        let words: Vec<W> = words.into_iter().collect();
        let (classes, bytes) = classes(words.iter().flat_map(|word| word.as_ref().iter().copied()));
        let automaton = NFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(words)
            .expect("an automaton holds millions of words");
        let start = automaton.start_state(Anchored::No).expect("the automaton is not anchored");
        let shift = bytes.len().next_power_of_two().trailing_zeros();
        // States in the order in which they are reached, with the rows of their next ones.
        let mut numbers = vec![u32::MAX; start.as_usize() + 1];
        numbers[start.as_usize()] = 0;
        let mut states = vec![start];
        let mut rows: Vec<u32> = Vec::new();
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            for &byte in &bytes {
                let next = automaton.next_state(Anchored::No, state, byte);
                if numbers.len() <= next.as_usize() {
                    numbers.resize(next.as_usize() + 1, u32::MAX);
                }
                let number = &mut numbers[next.as_usize()];
                if *number == u32::MAX {
                    *number = states.len() as u32;
                    states.push(next);
                }
                rows.push(*number);
            }
            at += 1;
        }
        // Those that have found something come first: one comparison tells.
        let mut order: Vec<usize> = (0..states.len()).collect();
        order.sort_by_key(|&number| !automaton.is_match(states[number]));
        let mut renamed = vec![0; states.len()];
        order.iter().enumerate().for_each(|(new, &old)| renamed[old] = new as u32);
        let matches = |state: &StateID| -> Vec<(u32, u32)> {
            let found = (0..automaton.match_len(*state)).map(|i| automaton.match_pattern(*state, i));
            found.map(|word| (word.as_u32(), automaton.pattern_len(word) as u32)).collect()
        };
        let table = order.iter().flat_map(|&old| {
            let row = rows[old * bytes.len()..][..bytes.len()].iter().map(|next| renamed[*next as usize]);
            row.chain(std::iter::repeat(0)).take(1 << shift)
        });
        let table = match u16::try_from(states.len()) {
            Ok(_) => Table::Narrow(table.map(|next| next as u16).collect()),
            Err(_) => Table::Wide(table.collect()),
        };
        let matching = order.iter().map(|&old| &states[old]).take_while(|state| automaton.is_match(**state));
        let found = matching.map(matches).collect();
        let start = renamed[0] as usize;
        Words { classes, table, shift, found, start, longest: automaton.max_pattern_len() }
    }

    /// Every occurrence of every word, also of those within another, in the order of their ends.
    pub(super) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Hit> + 'a {
        let text = text.as_bytes();
        let blocks = (0..text.len()).step_by(BLOCK).map(|at| at..(at + BLOCK).min(text.len()));
        blocks.flat_map(|block| {
            let ends = match &self.table {
                Table::Narrow(table) => self.search(table, text, block),
                Table::Wide(table) => self.search(table, text, block),
            };
            ends.into_iter().flatten().flat_map(|(end, state)| {
                let words = self.found[state].iter();
                words.map(move |&(word, length)| Hit {
                    word: word as usize,
                    range: end - length as usize..end,
                })
            })
        })
    }

    /// Where words end in `block`, and in which states.
    fn search<S: State>(
        &self,
        table: &[S],
        text: &[u8],
        block: Range<usize>,
    ) -> [Vec<(usize, usize)>; LANES] {
        let length = Some(block.len() / LANES).filter(|n| *n >= SHORTEST_LANE).unwrap_or(0);
        let starts: [usize; LANES] = array::from_fn(|lane| block.start + lane * length);
        let lanes = starts.map(|start| &text[start..start + length]);
        let mut states = starts.map(|start| self.state(table, text, start));
        let mut ends: [Vec<(usize, usize)>; LANES] = Default::default();
        for at in 0..length {
            for (state, lane) in states.iter_mut().zip(lanes) {
                *state = self.next(table, *state, lane[at]);
            }
            if states.iter().any(|state| *state < self.found.len()) {
                for lane in 0..LANES {
                    if states[lane] < self.found.len() {
                        ends[lane].push((starts[lane] + at + 1, states[lane]));
                    }
                }
            }
        }
        // What does not make a lane follows the last one.
        let mut state = states[LANES - 1];
        let rest = starts[LANES - 1] + length;
        for (at, byte) in text[rest..block.end].iter().enumerate() {
            state = self.next(table, state, *byte);
            if state < self.found.len() {
                ends[LANES - 1].push((rest + at + 1, state));
            }
        }
        ends
    }

    /// The state behind `text[..at]`: what lies further back than the longest word has no part in it.
    fn state<S: State>(&self, table: &[S], text: &[u8], at: usize) -> usize {
        let lead = &text[at.saturating_sub(self.longest)..at];
        lead.iter().fold(self.start, |state, byte| self.next(table, state, *byte))
    }

    #[inline(always)]
    fn next<S: State>(&self, table: &[S], state: usize, byte: u8) -> usize {
        table[(state << self.shift) + usize::from(self.classes[usize::from(byte)])].number()
    }
}

/// A state's number in a table.
trait State: Copy {
    fn number(self) -> usize;
}

impl State for u16 {
    #[inline(always)]
    fn number(self) -> usize {
        usize::from(self)
    }
}

impl State for u32 {
    #[inline(always)]
    fn number(self) -> usize {
        self as usize
    }
}

/// The class of each byte, and a byte of each class: all that no word holds are of the first one.
fn classes(used: impl Iterator<Item = u8>) -> ([u8; 256], Vec<u8>) {
    let mut is_used = [false; 256];
    used.for_each(|byte| is_used[usize::from(byte.to_ascii_lowercase())] = true);
    let unused = (0..=255u8).find(|byte| !is_used[usize::from(*byte)] && !byte.is_ascii_uppercase());
    let mut classes = [0; 256];
    // Words that hold every byte there is leave no class without words; then one of them is the first.
    let mut bytes: Vec<u8> = unused.into_iter().collect();
    let others = (0..=255).filter(|byte| !FREQUENT.contains(byte));
    for byte in FREQUENT.iter().copied().chain(others).filter(|byte| is_used[usize::from(*byte)]) {
        classes[usize::from(byte)] = bytes.len() as u8;
        classes[usize::from(byte.to_ascii_uppercase())] = bytes.len() as u8;
        bytes.push(byte);
    }
    (classes, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aho_corasick::AhoCorasick;

    #[test]
    fn words_are_found_wherever_lanes_and_blocks_meet() {
        let list = ["token", "ken_", "n_", "secret", "aaa", "a_long_word_with_many_letters", "ret"];
        let plain = AhoCorasick::builder().ascii_case_insensitive(true).build(list).expect("small");
        let words = Words::new(list);
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

    #[test]
    fn more_states_than_a_short_number_holds_are_searched_alike() {
        let list: Vec<String> =
            (0..40_000u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
        let words = Words::new(&list);
        assert!(matches!(words.table, Table::Wide(_)));
        for (number, word) in list.iter().enumerate().step_by(997) {
            let text = format!("== {} ==", word.to_uppercase());
            assert!(
                words.find(&text).any(|hit| hit.word == number && text[hit.range] == text[3..3 + word.len()])
            );
        }
    }
}
