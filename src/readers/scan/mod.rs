//! The one scan over every text: credentials, rules' own patterns, `plimsoll:` comments, test marks and
//! reads of the environment, all found from the words of one automaton.

mod allows;
mod calls;
mod checks;
mod connections;
mod credentials;
mod cursor;
mod disclosures;
mod drawn;
mod encoded;
pub(super) mod encoding;
mod env;
mod ephemeral;
mod flags;

mod judge;
mod keys;
mod kinds;
mod looks;
mod marks;
mod own_kinds;
mod pairs;
mod patterns;
mod practices;
mod runs;
mod stand_ins;
mod structures;
mod surroundings;
mod tokens;
mod urls;
mod values;
mod words;

use crate::facts::{Credential, Disclosure, Facts, Form, Medium, PracticeKind, Setting, Target};
use crate::lexicon::{Environments, Lexicon};
use crate::text::{FileId, Span};
use calls::{CALLS, Stands};
use credentials::Credentials;
pub(in crate::readers) use judge::judge;
pub(crate) use kinds::LONGEST;
use kinds::{Found, KindSearch};
pub use own_kinds::try_kinds;
use patterns::PatternSearch;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use surroundings::Surroundings;
use words::Words;

/// What is searched for in every text. Built once for a run and shared by its workers.
pub struct Scanner {
    words: Arc<Words>,
    /// For each word, what it may begin.
    actions: Vec<Vec<Action>>,
    kinds: KindSearch,
    patterns: Vec<PatternSearch>,
    /// Of the patterns: those that no word tells of, so that every text is searched for them.
    wordless: Vec<PatternNumber>,
}

/// A text to be scanned.
#[derive(Debug, Clone, Copy)]
pub struct ScanText<'a> {
    /// The file that it is from.
    pub file: FileId,
    /// The file's path from the root, with `/`.
    pub path: &'a str,
    /// The text, or one chunk of a big file's.
    pub text: &'a str,
    /// Where the chunk begins in the file's decoded text, in bytes. Chunks overlap; what lies in an overlap
    /// is found twice, which [`drop_repeats`] mends.
    pub offset: usize,
    /// The team's own names for environments.
    pub environments: &'a Environments,
}

/// Stretches that are to be searched, by the number of the kind.
type Windows = BTreeMap<usize, Vec<Range<usize>>>;

/// A rule's number, and that of one of its patterns.
type PatternNumber = (usize, usize);

/// What a word may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// A credential of the kind with this number.
    Kind(usize),
    /// A key that is given a credential.
    Pair,
    /// An address with user information.
    Address,
    /// A password that is told by its place.
    Call(Stands),
    /// The protocol in a data source name of Go's MySQL driver.
    Protocol,
    /// A sign of an address that is written with percent signs.
    Percent,
    /// A `plimsoll:` comment.
    Directive,
    /// The test mark with this number.
    Mark(usize),
    /// A read of an environment variable.
    EnvRead,
    /// A name that holds an address with a password.
    AddressName,
    /// The call with this number, which signs or verifies a token.
    Token(usize),
    /// The call with this number, which asks for a feature flag.
    Flag(usize),
    /// The word with this number, which tells how a program is watched.
    Practice(usize),
    /// An address for health checks.
    Route,
    /// What the rule's pattern with this number matches.
    Pattern(PatternNumber),
}

impl Scanner {
    /// Builds the automaton; everything else waits until one of its words is met.
    pub fn new(lexicon: &Lexicon) -> Scanner {
        let mut words: BTreeMap<String, Vec<Action>> = BTreeMap::new();
        let mut add = |word: &str, action: Action| {
            let actions = words.entry(word.to_ascii_lowercase()).or_default();
            if !actions.contains(&action) {
                actions.push(action);
            }
        };
        let kinds =
            KindSearch::new(lexicon.kinds, &lexicon.own_kinds, |word, kind| add(word, Action::Kind(kind)));
        keys::KEY_WORDS.iter().for_each(|word| add(word, Action::Pair));
        CALLS.iter().for_each(|(word, stands)| add(word, Action::Call(*stands)));
        add("://", Action::Address);
        add("@tcp(", Action::Protocol);
        add("@unix(", Action::Protocol);
        ["%3a%2f%2f", "%3d", "%2f", "%2b"].iter().for_each(|word| add(word, Action::Percent));
        add("plimsoll:", Action::Directive);
        marks::MARKS.iter().enumerate().for_each(|(i, mark)| add(mark.words, Action::Mark(i)));
        env::READS.iter().for_each(|word| add(word, Action::EnvRead));
        disclosures::ADDRESS_WORDS.iter().for_each(|word| add(word, Action::AddressName));
        tokens::CALLS.iter().enumerate().for_each(|(i, call)| add(call.words, Action::Token(i)));
        flags::CALLS.iter().enumerate().for_each(|(i, call)| add(call.words, Action::Flag(i)));
        practices::WORDS.iter().enumerate().for_each(|(i, (word, _))| add(word, Action::Practice(i)));
        practices::ROUTE_WORDS.iter().for_each(|word| add(word, Action::Route));
        let patterns: Vec<PatternSearch> = lexicon.patterns.iter().map(PatternSearch::new).collect();
        let mut wordless = Vec::new();
        for (rule, pattern) in patterns.iter().enumerate() {
            for (number, words) in pattern.words().enumerate() {
                let number = (rule, number);
                match words {
                    Some(words) => words.iter().for_each(|word| add(word, Action::Pattern(number))),
                    None => wordless.push(number),
                }
            }
        }
        let (words, actions): (Vec<String>, Vec<Vec<Action>>) = words.into_iter().unzip();
        Scanner { words: Words::shared(words), actions, kinds, patterns, wordless }
    }

    /// Adds to `facts` what the text says: credentials, text hits, allows, test marks, environment reads.
    ///
    /// Returns whether all of it was looked at: what stands compressed in it may be more than is decoded.
    pub fn scan(&self, scanned: &ScanText<'_>, facts: &mut Facts) -> bool {
        let told = pairs_of(&facts.settings, scanned);
        self.scan_with(scanned, &|| told.clone(), facts)
    }

    /// Like [`Scanner::scan`], where a reader is asked for the settings of a text only once a key is met in it.
    pub fn scan_asking(
        &self,
        scanned: &ScanText<'_>,
        settings: &dyn Fn() -> Vec<Setting>,
        facts: &mut Facts,
    ) -> bool {
        self.scan_with(scanned, &|| pairs_of(&settings(), scanned), facts)
    }

    fn scan_with(
        &self,
        scanned: &ScanText<'_>,
        settings: &dyn Fn() -> Vec<(Span, Span)>,
        facts: &mut Facts,
    ) -> bool {
        let ScanText { file, path, text, offset, .. } = *scanned;
        let around = Surroundings::new(path);
        let extension = around.extension.as_str();
        let allows = allows::are_read_in(path, extension);
        let env_reads = around.medium == Medium::Source;
        let errors = env_reads && !around.test && !around.generated;
        // What settings say counts, what documents and pipelines say does not.
        let watches = (env_reads || around.medium == Medium::Config) && !around.test && !around.generated;
        let mut practised: Vec<PracticeKind> = Vec::new();
        let bundler = env::is_bundler(path);
        let marks = around.test_file || extension == "rs";
        let mut credentials = Credentials::new(scanned, &around, settings);
        let mut windows = Windows::new();
        // Of each pattern, where its words stand.
        let mut promised: BTreeMap<PatternNumber, Vec<usize>> =
            self.wordless.iter().map(|n| (*n, Vec::new())).collect();
        let mut percents_done = 0;
        for hit in self.words.find(text) {
            let word = hit.range;
            for action in &self.actions[hit.word] {
                match *action {
                    Action::Kind(kind) => self.widen(&mut windows, kind, word.clone(), text.len()),
                    Action::Pattern(number) => promised.entry(number).or_default().push(word.start),
                    Action::Pair => {
                        if errors {
                            errors_of(facts, disclosures::read(file, text, word.clone(), extension, offset));
                        }
                        credentials.pair(word.clone());
                    }
                    Action::AddressName if errors => {
                        errors_of(facts, disclosures::read(file, text, word.clone(), extension, offset));
                    }
                    Action::Call(stands) => credentials.call(word.clone(), stands),
                    Action::Address => credentials.address(word.end),
                    Action::Protocol => credentials.protocol(word.start),
                    Action::Percent if word.start >= percents_done => {
                        let (decoded, end) = encoded::percent(text, word.start, percents_done);
                        percents_done = end;
                        if let Some(decoded) = decoded {
                            credentials.decoded(&decoded, self.inside(&decoded.text, scanned, &around));
                        }
                    }
                    Action::Percent => {}
                    Action::Directive if allows => {
                        facts.allows.extend(allows::read(file, text, word.clone(), extension, offset));
                    }
                    Action::Mark(mark) if marks => {
                        let mark = &marks::MARKS[mark];
                        facts.test_marks.extend(marks::read(
                            file,
                            text,
                            word.clone(),
                            mark,
                            extension,
                            offset,
                        ));
                    }
                    Action::EnvRead if env_reads => {
                        let read = env::read(file, text, word.clone(), extension, bundler, offset);
                        // `getenv` is met once more inside `os.getenv`.
                        if let Some(read) = read
                            && !facts.env_reads.last().is_some_and(|last| last.place.contains(read.place))
                        {
                            facts.env_reads.push(read);
                        }
                    }
                    Action::Token(call) if env_reads && !around.test && !around.generated => {
                        let call = &tokens::CALLS[call];
                        facts.token_calls.extend(tokens::read(
                            file,
                            text,
                            word.clone(),
                            call,
                            extension,
                            offset,
                        ));
                    }
                    Action::Flag(call) if env_reads && !around.test && !around.generated => {
                        let call = &flags::CALLS[call];
                        let read = flags::read(file, text, word.clone(), call, extension, offset);
                        facts.flag_reads.extend(read);
                    }
                    Action::Practice(number)
                        if watches && !practised.contains(&practices::WORDS[number].1) =>
                    {
                        let read = practices::read(file, text, word.clone(), number, extension, offset);
                        practised.extend(read.as_ref().map(|p| p.practice));
                        facts.practices.extend(read);
                    }
                    Action::Route if errors => {
                        let route = practices::route(file, text, word.clone(), extension, offset);
                        // Several words stand in one path.
                        if let Some(route) = route
                            && facts.routes.last().is_none_or(|last| last.place != route.place)
                        {
                            facts.routes.push(route);
                        }
                    }
                    Action::Directive
                    | Action::Practice(_)
                    | Action::Route
                    | Action::Flag(_)
                    | Action::Mark(_)
                    | Action::EnvRead
                    | Action::AddressName
                    | Action::Token(_) => {}
                }
            }
        }
        credentials.kinds(self.search(windows, text));
        let cut = encoded::digits(text, |decoded| {
            credentials.decoded(decoded, self.inside(&decoded.text, scanned, &around));
        });
        facts.credentials.extend(credentials.settle());
        if !promised.is_empty() {
            let path: Vec<&str> = path.split('/').collect();
            let mut asked: Option<(usize, bool)> = None;
            for ((rule, number), words) in promised {
                let pattern = &self.patterns[rule];
                let known = asked.filter(|(last, _)| *last == rule).map(|(_, meant)| meant);
                let meant = known.unwrap_or_else(|| pattern.means(&path));
                asked = Some((rule, meant));
                if meant {
                    pattern.search(file, number, text, &words, offset, &mut facts.text_hits);
                }
            }
        }
        !cut
    }

    /// Adds credentials that a file's path holds. A path has no place: that of the file's start stands for it.
    pub fn scan_path(&self, scanned: &ScanText<'_>, facts: &mut Facts) {
        self.scan_elsewhere(scanned, Form::Path, facts);
    }

    /// Adds credentials of a text that was unpacked from the file at this path, at the file's start.
    pub fn scan_unpacked(&self, scanned: &ScanText<'_>, facts: &mut Facts) {
        self.scan_elsewhere(scanned, Form::Gzip, facts);
    }

    fn scan_elsewhere(&self, scanned: &ScanText<'_>, form: Form, facts: &mut Facts) {
        // Nearly every path holds nothing, and every file has one.
        let begins = |action: &Action| matches!(action, Action::Kind(_) | Action::Address | Action::Protocol);
        if !self.words.find(scanned.text).any(|hit| self.actions[hit.word].iter().any(begins)) {
            return;
        }
        let around = Surroundings::new(scanned.path);
        let place = Span::start_of(scanned.file);
        for credential in self.inside(scanned.text, scanned, &around) {
            let target = credential.target.map(|target| Target { place, ..target });
            facts.credentials.push(Credential { place, form, target, ..credential });
        }
    }

    /// Notes where a kind is to be searched for, one of whose keywords stands at `word`.
    fn widen(&self, windows: &mut Windows, kind: usize, word: Range<usize>, length: usize) {
        let window = self.kinds.window(kind, word, length);
        let list = windows.entry(kind).or_default();
        match list.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            _ => list.push(window),
        }
    }

    fn search(&self, windows: Windows, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for (kind, list) in windows {
            let mut done = 0;
            for window in list {
                let start = window.start.max(done);
                if start < window.end {
                    done = self.kinds.search(kind, text, start..window.end, &mut found);
                }
            }
        }
        found
    }

    /// Credentials in a text that was decoded or unpacked, by kinds and user information only: names in it
    /// are nobody's settings. Their places are those in `text`.
    fn inside(&self, text: &str, scanned: &ScanText<'_>, around: &Surroundings) -> Vec<Credential> {
        let inner = ScanText { text, offset: 0, ..*scanned };
        let mut credentials = Credentials::new(&inner, around, &Vec::new);
        let mut windows = Windows::new();
        for hit in self.words.find(text) {
            for action in &self.actions[hit.word] {
                match *action {
                    Action::Kind(kind) => self.widen(&mut windows, kind, hit.range.clone(), text.len()),
                    Action::Address => credentials.address(hit.range.end),
                    Action::Protocol => credentials.protocol(hit.range.start),
                    _ => {}
                }
            }
        }
        credentials.kinds(self.search(windows, text));
        credentials.settle()
    }
}

/// The keys and values of a text's settings, in the order of the text.
fn pairs_of(settings: &[Setting], scanned: &ScanText<'_>) -> Vec<(Span, Span)> {
    let own = settings.iter().filter(|s| s.key_place.file == scanned.file && scanned.offset == 0);
    let mut pairs: Vec<_> = own.map(|s| (s.key_place, s.place)).collect();
    pairs.sort_unstable();
    pairs
}

/// A name is met once for each of its words.
fn errors_of(facts: &mut Facts, found: Option<Disclosure>) {
    if let Some(found) = found
        && facts.disclosures.last().is_none_or(|last| last.place != found.place)
    {
        facts.disclosures.push(found);
    }
}

/// Whether a text would be read in the same way at both paths.
pub fn is_read_alike(one: &str, other: &str, environments: &Environments) -> bool {
    let around = |path| (Surroundings::new(path), surroundings::target(FileId(0), path, environments));
    around(one) == around(other)
}

/// Drops what was found twice where chunks of one file overlap; of two that begin at one place the longer
/// one stays, for the shorter was cut off by its chunk's end. Sorts the lists by place.
pub fn drop_repeats(facts: &mut Facts) {
    macro_rules! once {
        ($list:ident, $same:expr) => {
            facts.$list.sort_by_key(|f| (f.place.file, f.place.start, std::cmp::Reverse(f.place.end)));
            facts.$list.dedup_by($same);
        };
    }
    // What a chunk saw from the middle on lies in what the chunk before saw whole.
    once!(credentials, |b, a| a.place.contains(b.place) && (a.place != b.place || a.value == b.value));
    once!(text_hits, |b, a| a.place == b.place && a.rule == b.rule && a.pattern == b.pattern);
    once!(allows, |b, a| a.place.file == b.place.file && a.place.start == b.place.start);
    once!(test_marks, |b, a| a.place == b.place);
    once!(disclosures, |b, a| a.place.file == b.place.file && a.place.start == b.place.start);
    once!(token_calls, |b, a| a.place == b.place);
    once!(env_reads, |b, a| a.place.file == b.place.file && a.place.start == b.place.start);
}

#[cfg(test)]
mod agreement_tests;
#[cfg(test)]
mod formats_tests;
#[cfg(test)]
mod languages_tests;
#[cfg(test)]
mod tests;
