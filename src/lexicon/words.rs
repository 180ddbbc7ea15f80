//! Which environment a name speaks of, judged on whole words.
//!
//! Built-in words are those teams use by long custom. A word that also names an activity or a thing
//! (`test`, `review`, `stage` of a build, `live` reload) counts only where it can mean a place.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::environments::Environments;
use super::stage_words::{ENTRIES, PRODUCTION, Strength, may_begin};

/// Where software runs, from a developer's own machine to the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A developer's own machine.
    Local,
    /// A throw-away place that a pipeline makes to test in.
    Ci,
    /// A shared place for work in progress.
    Development,
    /// A shared place where parts of several teams first meet.
    Integration,
    /// A place for one change under review.
    Preview,
    /// The last place before users: staging, pre-production, acceptance, and all that calls itself
    /// non-production.
    Staging,
    /// Where users are.
    Production,
}

impl Stage {
    /// The name as policies and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Local => "local",
            Stage::Ci => "ci",
            Stage::Development => "development",
            Stage::Integration => "integration",
            Stage::Preview => "preview",
            Stage::Staging => "staging",
            Stage::Production => "production",
        }
    }
}

impl Stage {
    /// The stage with this name.
    pub fn from_name(name: &str) -> Option<Stage> {
        use Stage::*;
        [Local, Ci, Development, Integration, Preview, Staging, Production]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One word of a text that speaks of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The stage it speaks of.
    pub stage: Stage,
    /// Bytes of the text asked about.
    pub range: Range<usize>,
}

/// All that a text says of stages, in the order in which it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions(pub Vec<Mention>);

impl Mentions {
    /// The distinct stages, in the order of their first mention.
    pub fn stages(&self) -> Vec<Stage> {
        let mut stages = Vec::new();
        for mention in &self.0 {
            if !stages.contains(&mention.stage) {
                stages.push(mention.stage);
            }
        }
        stages
    }

    /// The stage, if the text speaks of exactly one.
    pub fn single(&self) -> Option<Stage> {
        let first = self.0.first()?.stage;
        self.0.iter().all(|mention| mention.stage == first).then_some(first)
    }

    /// Whether the text speaks of two or more stages, as `staging-to-prod` does.
    pub fn is_ambiguous(&self) -> bool {
        self.0.first().is_some_and(|first| self.0.iter().any(|mention| mention.stage != first.stage))
    }

    /// Whether `stage` is among those mentioned.
    pub fn includes(&self, stage: Stage) -> bool {
        self.0.iter().any(|mention| mention.stage == stage)
    }
}

/// The stage that a name speaks of: an environment's, job's, file's, context's or variable's.
///
/// `None` if it speaks of none, and also if of several: [`mentions`] tells these apart.
pub fn classify(text: &str, environments: &Environments) -> Option<Stage> {
    mentions(text, environments).single()
}

/// Every stage that a name speaks of.
///
/// Words for places beat words for activities: `staging-smoke-test` mentions staging alone.
pub fn mentions(text: &str, environments: &Environments) -> Mentions {
    let words = split(text);
    let mut found: Vec<(Mention, Strength)> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (length, stages, strength) = if let Some((stages, length)) = environments.named_at(&words[at..]) {
            (length, stages, Strength::Place)
        } else if let Some((length, entry)) = entry_at(text, &words, at) {
            (
                length,
                entry.map(|(stage, _)| stage).into_iter().collect(),
                entry.map_or(Strength::Place, |e| e.1),
            )
        } else {
            at += 1;
            continue;
        };
        let range = words[at].at..words[at + length - 1].end();
        found.extend(stages.into_iter().map(|stage| (Mention { stage, range: range.clone() }, strength)));
        at += length;
    }
    if found.iter().any(|(_, strength)| *strength == Strength::Place) {
        found.retain(|(_, strength)| *strength == Strength::Place);
    }
    // `local-dev` is a developer's own machine, not two places.
    if found.iter().any(|(mention, _)| mention.stage == Stage::Local) {
        found.retain(|(mention, _)| mention.stage != Stage::Development);
    }
    Mentions(found.into_iter().map(|(mention, _)| mention).collect())
}

/// One word of a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Byte at which it begins.
    pub(super) at: usize,
    /// Whether a blank or mark stands before it, and not only a change of case or a digit.
    apart: bool,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }

    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_among(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn is_number(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Cuts a name into words: at marks, between letters and digits, and where camel case turns.
pub(super) fn split(text: &str) -> Vec<Word<'_>> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Mark,
    }
    let class = |character: char| match character {
        _ if character.is_numeric() => Class::Digit,
        _ if character.is_uppercase() => Class::Upper,
        _ if character.is_alphanumeric() => Class::Lower,
        _ => Class::Mark,
    };
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    let mut apart = true;
    let mut before = Class::Mark;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let here = class(character);
        let next = characters.peek().map_or(Class::Mark, |(_, next)| class(*next));
        let turns = match (before, here) {
            (_, Class::Mark) => true,
            (Class::Lower, Class::Upper) => true,
            // `PRODEast`: the last capital belongs to the word that follows.
            (Class::Upper, Class::Upper) => next == Class::Lower,
            (Class::Digit, Class::Lower | Class::Upper) | (Class::Lower | Class::Upper, Class::Digit) => true,
            _ => false,
        };
        if turns && let Some(from) = start.take() {
            words.push(Word { text: &text[from..at], at: from, apart });
            apart = false;
        }
        if here == Class::Mark {
            apart = true;
        } else if start.is_none() {
            start = Some(at);
        }
        before = here;
    }
    if let Some(from) = start {
        words.push(Word { text: &text[from..], at: from, apart });
    }
    words
}

/// What begins at `words[at]`: how many words it takes, and the stage that it speaks of.
///
/// No stage with a length means: these words look like a stage and expressly are none.
fn entry_at(text: &str, words: &[Word<'_>], at: usize) -> Option<(usize, Option<(Stage, Strength)>)> {
    let word = words[at];
    if !may_begin(word.text) {
        return None;
    }
    let before = at.checked_sub(1).map(|before| words[before]);
    let next = words.get(at + 1).copied();
    if next.is_some_and(|next| next.is_among(PRODUCTION)) {
        if word.is_among(&["non", "pre", "lower"]) {
            return Some((2, Some((Stage::Staging, Strength::Place))));
        }
        if word.is_among(&["no", "not", "never", "post"]) {
            return Some((2, None));
        }
    }
    if word.is("pr") {
        return next.filter(Word::is_number).map(|_| (2, Some((Stage::Preview, Strength::Place))));
    }
    // As the name of a place `review` stands alone, leads a path (`review/login`) or is followed by `app`;
    // otherwise people review code, dependencies and pull requests.
    let leads_a_path = at == 0 && text[word.end()..].starts_with('/');
    let names_a_place =
        words.len() == 1 || leads_a_path || next.is_some_and(|next| next.is_among(&["app", "apps"]));
    if word.is("review") && names_a_place {
        return Some((1, Some((Stage::Preview, Strength::Place))));
    }
    if word.is("testing") && words.len() == 1 {
        return Some((1, Some((Stage::Ci, Strength::Activity))));
    }
    // `stage-1` counts the stages of a build, `stage2` is a second staging.
    if word.is("stage") && next.is_some_and(|next| next.apart && next.is_number()) {
        return None;
    }
    let entry = ENTRIES.iter().find(|entry| word.is_among(entry.words))?;
    let means_something_else = before.is_some_and(|before| before.is_among(entry.not_after))
        || next.is_some_and(|next| next.is_among(entry.not_before));
    (!means_something_else).then_some((1, Some((entry.stage, entry.strength))))
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
