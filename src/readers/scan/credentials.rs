//! Gathers what may be credentials in one text, and settles what is one: each place once, by the kind that
//! says most.

use super::calls::{self, Stands};
use super::connections::host_before;
use super::encoded::Decoded;
use super::keys::{KeyClass, classify_key};
use super::kinds::Found;
use super::looks::{is_published, is_random};
use super::stand_ins::is_placeholder;
use super::surroundings::{self, Surroundings, is_comment};
use super::{ScanText, ephemeral, pairs, urls, values};
use crate::facts::{Basis, Certainty, Credential, Form, Medium, Target, Value};
use crate::lexicon::classify_host;
use crate::text::{Secret, Span};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A value that may be a credential.
struct Candidate {
    kind: String,
    value: Range<usize>,
    key: Option<Range<usize>>,
    host: Option<Range<usize>>,
    certainty: Certainty,
    explained: usize,
    fallback: bool,
    default: bool,
    /// Whether everybody's tokens look so.
    general: bool,
    /// What it is decoded to, if it is an encoding.
    decoded: Option<Box<(Form, Credential)>>,
}

/// Those of one text.
pub(super) struct Credentials<'a> {
    scanned: &'a ScanText<'a>,
    around: &'a Surroundings,
    candidates: Vec<Candidate>,
    /// Values that providers' own documents show: where each begins, and ends.
    samples: BTreeMap<usize, usize>,
    /// Keys that end before this place were looked at; a key is met once for each of its words.
    keys_done: usize,
    /// What names promise: a text repeats them.
    classes: HashMap<&'a str, Option<KeyClass>>,
    /// Whether names mean anything in this text; whole stores can be encrypted.
    named: bool,
    /// Whether `secretKey: password` names a key: objects of External Secrets map keys to entries of a store.
    maps_keys: bool,
    /// Keys and values that a reader has told from each other, in the order of the text.
    settings: OnceCell<Vec<(Span, Span)>>,
    /// Tells them, once a key is met.
    tell: &'a dyn Fn() -> Vec<(Span, Span)>,
}

impl<'a> Credentials<'a> {
    /// `tell` gives the keys and values that the file's reader found in it, if one claims it.
    pub(super) fn new(
        scanned: &'a ScanText<'a>,
        around: &'a Surroundings,
        tell: &'a dyn Fn() -> Vec<(Span, Span)>,
    ) -> Credentials<'a> {
        let text = scanned.text;
        let encrypted = text.starts_with("$ANSIBLE_VAULT")
            || (around.medium == Medium::Config && text.contains("kind: SealedSecret"));
        let named = !around.generated && !around.translations && !encrypted;
        let maps_keys = around.medium == Medium::Config && text.contains("external-secrets.io/");
        let settings = OnceCell::new();
        Credentials {
            scanned,
            around,
            candidates: Vec::new(),
            samples: BTreeMap::new(),
            keys_done: 0,
            classes: HashMap::new(),
            named,
            maps_keys,
            settings,
            tell,
        }
    }

    /// The pair whose key holds `at`, where a reader knows the syntax better than a look around.
    fn told(&self, at: usize) -> Option<pairs::Pair> {
        let settings = self.settings.get_or_init(self.tell);
        let behind = settings.partition_point(|(key, _)| key.range().start <= at);
        let (key, value) = settings.get(behind.checked_sub(1)?)?;
        let holds = key.range().contains(&at);
        holds.then(|| pairs::told(self.scanned.text, key.range(), value.range())).flatten()
    }

    /// A word of a key at `word`.
    pub(super) fn pair(&mut self, word: Range<usize>) {
        if !self.named || word.start < self.keys_done {
            return;
        }
        let text = self.scanned.text;
        let (key, cut) = pairs::key_around(text.as_bytes(), word.clone());
        self.keys_done = key.end;
        if cut {
            return;
        }
        let pair = self.told(word.start);
        let classes = &mut self.classes;
        let classify = |name| *classes.entry(name).or_insert_with(|| classify_key(name));
        let read = || pairs::read(text, key, self.around.medium, &self.around.extension, classify);
        let Some(pair) = pair.or_else(read) else { return };
        let (Some(key), Some(value)) = (text.get(pair.key.clone()), text.get(pair.value.clone())) else {
            return;
        };
        // What stands in an example is there to be replaced, unless it was drawn at random.
        let medium = match self.around.medium {
            Medium::EnvExample => Medium::Document,
            // A fallback and a part of a connection string are given to a program, whatever the file.
            _ if pair.fallback || pair.connection => Medium::Config,
            medium => medium,
        };
        if self.maps_keys && matches!(key, "secretKey" | "remoteKey")
            || !values::is_credential(key, pair.class, &spoken(value, medium), medium)
            || self.in_comment(pair.key.start)
            || self.is_shown_in_comment(pair.key.start, value)
            || self.is_search_key(&pair.value)
            || self.is_shown_in_markup(pair.key.start)
        {
            return;
        }
        self.candidates.push(Candidate {
            kind: if pair.connection { "connection-string" } else { pair.class.kind() }.to_owned(),
            default: values::is_well_known(value),
            value: pair.value,
            host: if pair.connection { host_before(text, pair.key.start) } else { None },
            key: Some(pair.key),
            certainty: if pair.connection { Certainty::Shaped } else { Certainty::Generic },
            explained: 0,
            fallback: pair.fallback,
            general: true,
            decoded: None,
        });
    }

    /// A word at `word` behind which a password stands by its place.
    pub(super) fn call(&mut self, word: Range<usize>, stands: Stands) {
        if !self.named {
            return;
        }
        let text = self.scanned.text;
        let Some(value) = calls::read(text, word, stands) else { return };
        let Some(written) = text.get(value.clone()) else { return };
        if !values::is_credential("", KeyClass::Password, written, Medium::Source)
            || self.in_comment(value.start)
            || self.is_shown_in_comment(value.start, written)
            || self.is_shown_in_markup(value.start)
        {
            return;
        }
        self.candidates.push(Candidate {
            kind: KeyClass::Password.kind().to_owned(),
            default: values::is_well_known(written),
            value,
            key: None,
            host: None,
            certainty: Certainty::Generic,
            fallback: false,
            explained: 0,
            general: true,
            decoded: None,
        });
    }

    /// What a page shows as code is there for its readers.
    fn is_shown_in_markup(&self, at: usize) -> bool {
        const MARKUP: &[&str] =
            &["html", "htm", "twig", "erb", "ejs", "vue", "cshtml", "jsx", "tsx", "svelte", "php", "haml"];
        if !MARKUP.contains(&self.around.extension.as_str()) {
            return false;
        }
        let text = self.scanned.text;
        let before = &text[text.ceil_char_boundary(at.saturating_sub(600))..at];
        let opened = before.rfind("<code").max(before.rfind("<pre"));
        opened > before.rfind("</code").max(before.rfind("</pre"))
    }

    /// Text in comments of programs tells how things could be; in configuration it was in use yesterday.
    fn in_comment(&self, at: usize) -> bool {
        if self.around.medium != Medium::Source {
            return false;
        }
        is_comment(&self.scanned.text[self.line_start(at)..at], &self.around.extension)
    }

    /// A plain word in a comment of a configuration file is an example of what could stand there.
    fn is_shown_in_comment(&self, at: usize, value: &str) -> bool {
        let line = self.line_start(at);
        is_comment(&self.scanned.text[line..at], &self.around.extension) && !is_random(value)
    }

    /// The key of a search service that may search only is made to be published.
    /// <https://www.algolia.com/doc/guides/security/api-keys/#search-only-api-key>
    fn is_search_key(&self, value: &Range<usize>) -> bool {
        let text = self.scanned.text;
        let around = text.ceil_char_boundary(value.start.saturating_sub(300))
            ..text.floor_char_boundary((value.end + 300).min(text.len()));
        value.len() == 32
            && (text[around.clone()].contains("indexName") || text[around].contains("docsearch"))
    }

    /// Firebase's keys name a project to its apps; who may read and write is said by its rules.
    /// <https://firebase.google.com/docs/projects/api-keys>
    fn is_firebase_key(&self, value: &Range<usize>) -> bool {
        let text = self.scanned.text;
        let around = text.ceil_char_boundary(value.start.saturating_sub(400))
            ..text.floor_char_boundary((value.end + 400).min(text.len()));
        let around = &text[around];
        ["firebaseapp.com", "messagingSenderId", "\"current_key\"", "measurementId"]
            .iter()
            .any(|word| around.contains(word))
    }

    fn line_start(&self, at: usize) -> usize {
        let text = self.scanned.text;
        let floor = text.ceil_char_boundary(at.saturating_sub(160));
        text[floor..at].rfind('\n').map_or(floor, |i| floor + i + 1)
    }

    /// An address whose `://` ends at `at`.
    pub(super) fn address(&mut self, at: usize) {
        if self.around.foreign {
            return;
        }
        let found = urls::after_scheme(self.scanned.text, at);
        found.into_iter().for_each(|info| self.user_info(info));
    }

    /// A data source name whose `@tcp(` begins at `at`.
    pub(super) fn protocol(&mut self, at: usize) {
        let found = urls::before_protocol(self.scanned.text, at);
        found.into_iter().for_each(|info| self.user_info(info));
    }

    fn user_info(&mut self, info: urls::UserInfo) {
        let text = self.scanned.text;
        let (user, password, host) =
            (&text[info.user.clone()], &text[info.password.clone()], &text[info.host.clone()]);
        let default = values::is_well_known(password);
        let lower = password.to_ascii_lowercase();
        let stands_for_one = is_placeholder(password)
            || lower.contains('$')
            || lower.contains('{')
            || matches!(
                lower.as_str(),
                "password"
                    | "pass"
                    | "passwd"
                    | "pwd"
                    | "secret"
                    | "token"
                    | "pw"
                    | "p"
                    | "b"
                    | "y"
                    | "api_key"
                    | "apikey"
                    | "key"
            ) && (matches!(
                user.to_ascii_lowercase().as_str(),
                "user" | "username" | "usr" | "login" | "u" | "a" | "x" | "someuser" | "uname" | "name"
            ) || self.around.medium == Medium::Document)
            // What git's hosts call the place of a token, and what takes a user's.
            || matches!(lower.as_str(), "x-oauth-basic" | "x-access-token" | "x-token-auth")
            || user.starts_with('{') && user.ends_with('}')
            || urls::is_sample_host(host);
        // What a comment of an env file or of a configuration shows for a server of one's own.
        let own_server = !host.contains('.') || host.starts_with("127.") || host.starts_with("localhost");
        let shown = own_server && {
            let line = self.line_start(info.user.start);
            is_comment(&text[line..info.user.start], &self.around.extension)
        };
        let prose = default && matches!(self.around.medium, Medium::Document | Medium::EnvExample);
        if stands_for_one || shown || prose || password.len() < 3 || self.in_comment(info.user.start) {
            return;
        }
        self.candidates.push(Candidate {
            kind: "connection-string".to_owned(),
            key: key_before(text, info.user.start),
            value: info.password,
            host: Some(info.host),
            certainty: Certainty::Shaped,
            explained: 0,
            fallback: false,
            default: default || user == password,
            general: true,
            decoded: None,
        });
    }

    /// Values of the shapes of kinds.
    pub(super) fn kinds(&mut self, found: Vec<Found>) {
        for Found { kind, value, certainty, explained, general, sample } in found {
            if sample {
                self.samples.insert(value.start, value.end);
                continue;
            }
            // What a report or a manual shows is masked.
            let shown = self.scanned.text[value.clone()].contains("****")
                || kind.starts_with("http-") && self.is_shown_in_markup(value.start);
            if shown || is_published(&self.scanned.text[value.clone()]) {
                continue;
            }
            if kind == "google-api-key" && self.is_firebase_key(&value) {
                continue;
            }
            let key = key_before(self.scanned.text, value.start);
            self.candidates.push(Candidate {
                kind,
                value,
                key,
                host: None,
                certainty,
                explained,
                fallback: false,
                default: false,
                general,
                decoded: None,
            });
        }
    }

    /// What was found in the text that a stretch of this one is decoded to.
    pub(super) fn decoded(&mut self, decoded: &Decoded, inside: Vec<Credential>) {
        for credential in inside {
            let value = decoded.place(credential.place.range());
            if self.scanned.text.get(value.clone()).is_none() || self.in_comment(value.start) {
                continue;
            }
            self.candidates.push(Candidate {
                kind: credential.credential.clone(),
                key: key_before(self.scanned.text, value.start),
                value,
                host: None,
                certainty: credential.certainty,
                explained: 0,
                fallback: false,
                default: credential.default,
                general: false,
                decoded: Some(Box::new((decoded.form, credential))),
            });
        }
    }

    /// Keeps of overlapping candidates the most specific one, and fills in what its surroundings say.
    pub(super) fn settle(self) -> Vec<Credential> {
        let Credentials { scanned, around, mut candidates, samples, .. } = self;
        // A sample of one provider may be a credential of another, but none of anybody's.
        let shown = |value: &Range<usize>| {
            samples.range(..value.end).next_back().is_some_and(|(_, end)| *end > value.start)
        };
        candidates.retain(|c| !c.general || !shown(&c.value));
        let generic = |c: &Candidate| c.certainty == Certainty::Generic;
        // A provider's kind says more than one of everybody, that more than a connection string, that more than
        // a name; a proof more than a shape.
        candidates.sort_by(|a, b| {
            let rank = |c: &Candidate| {
                let named = c.kind != "connection-string";
                (!generic(c), named, !c.general, c.certainty, c.decoded.is_none(), c.value.len(), c.explained)
            };
            rank(b)
                .cmp(&rank(a))
                .then_with(|| a.value.start.cmp(&b.value.start))
                .then_with(|| a.kind.cmp(&b.kind))
        });
        let mut kept: BTreeMap<usize, Candidate> = BTreeMap::new();
        for candidate in candidates {
            let before = kept.range(..candidate.value.end).next_back();
            match before {
                Some((_, over)) if over.value.end > candidate.value.start => {
                    // The name that a kind's value is given to, and whether it is a fallback, are known from the pair.
                    if generic(&candidate) {
                        let start = over.value.start;
                        if let Some(over) = kept.get_mut(&start) {
                            over.fallback |= candidate.fallback;
                            over.key = candidate.key.or(over.key.take());
                        }
                    }
                }
                _ => {
                    kept.insert(candidate.value.start, candidate);
                }
            }
        }
        if kept.is_empty() {
            return Vec::new();
        }
        let target = surroundings::target(scanned.file, scanned.path, scanned.environments);
        kept.into_values().map(|c| c.state(scanned, around, target.as_ref())).collect()
    }
}

impl Candidate {
    fn state(mut self, scanned: &ScanText<'_>, around: &Surroundings, target: Option<&Target>) -> Credential {
        match self.decoded.take() {
            Some(decoded) => self.state_decoded(*decoded, scanned, around, target),
            None => self.state_plain(scanned, around, target),
        }
    }

    /// What was said of the decoded text, at the place of the encoded one.
    fn state_decoded(
        self,
        (form, inside): (Form, Credential),
        scanned: &ScanText<'_>,
        around: &Surroundings,
        target: Option<&Target>,
    ) -> Credential {
        let ScanText { file, text, offset, .. } = *scanned;
        let place = Span::new(file, offset + self.value.start..offset + self.value.end);
        let key = inside.key.or_else(|| text.get(self.key?).map(str::to_owned));
        let throwaway =
            ephemeral::serves_throwaway(text, self.value.start, key.as_deref(), None, around, target);
        Credential {
            place,
            target: inside.target.map(|target| match target.basis {
                Basis::Host => Target { place, ..target },
                _ => target,
            }),
            key,
            form,
            ephemeral: inside.ephemeral || throwaway,
            encoded: Some(Secret::new(&text[self.value])),
            ..inside
        }
    }

    fn state_plain(
        self,
        scanned: &ScanText<'_>,
        around: &Surroundings,
        target: Option<&Target>,
    ) -> Credential {
        let ScanText { file, text, offset, environments, .. } = *scanned;
        let key = self.key.and_then(|k| text.get(k));
        let host = self.host.clone().and_then(|h| text.get(h));
        let by_host =
            host.and_then(|h| classify_host(h, environments)).zip(self.host).map(|(stage, place)| Target {
                stage: Value::Known(stage),
                name: Value::Known(text[place.clone()].to_owned()),
                basis: Basis::Host,
                place: Span::new(file, offset + place.start..offset + place.end),
            });
        Credential {
            place: Span::new(file, offset + self.value.start..offset + self.value.end),
            credential: self.kind,
            certainty: self.certainty,
            key: key.map(str::to_owned),
            medium: around.medium,
            target: by_host.or_else(|| target.cloned()),
            default: self.default,
            fallback: self.fallback,
            ephemeral: ephemeral::serves_throwaway(text, self.value.start, key, host, around, target),
            test: around.test,
            form: Form::Plain,
            encoded: None,
            value: Secret::new(&text[self.value]),
        }
    }
}

/// The name that stands before a value on its line: `KEY = "…`, `key: …`, `"key": "…`.
fn key_before(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let floor = at.saturating_sub(200);
    let mut line = floor;
    let mut assigned = None;
    for i in floor..at {
        match bytes[i] {
            b'\n' => {
                line = i + 1;
                assigned = None;
            }
            b'=' | b':' if assigned.is_none() && bytes.get(i + 1) != Some(&b'/') => assigned = Some(i),
            _ => {}
        }
    }
    // The sign that stands right before the value names it best: `10: API_KEY=…` in a report's context.
    let between = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'\\');
    let beside = at - bytes[line..at].iter().rev().take_while(|b| between(b)).count();
    let adjacent = beside.checked_sub(1).filter(|i| *i >= line && matches!(bytes[*i], b'=' | b':'));
    // Where the line began before what is looked at, its first sign is anybody's.
    let whole = line > floor || floor == 0 || bytes[floor - 1] == b'\n';
    let typed = assigned.zip(adjacent).is_some_and(|(colon, sign)| is_type(&bytes[colon..sign]));
    let mut end = adjacent.filter(|_| !typed).or(assigned.filter(|_| whole))?;
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    while end > line && matches!(bytes[end - 1], b' ' | b'\t' | b'"' | b'\'' | b'\\' | b']' | b':' | b'?') {
        end -= 1;
    }
    let length = bytes[line..end].iter().rev().take_while(|b| name(b)).count();
    let start = end - length;
    let key = text.get(start..end)?;
    let lead = key.len() - key.trim_start_matches(['-', '.']).len();
    (length > lead && length < 100).then_some(start + lead..end)
}

/// Whether `: &str ` stands between a name and the `=` behind it, as in Rust, Python, TypeScript and Kotlin.
fn is_type(between: &[u8]) -> bool {
    let [b':', kind @ .., b' '] = between else { return false };
    kind.iter().any(u8::is_ascii_alphabetic)
        && kind.iter().all(|b| b.is_ascii_alphanumeric() || b" &'<>[],.?|*".contains(b))
}

/// A word as a shell reads it: a backslash joins lines, and gives the character behind it.
fn spoken(value: &str, medium: Medium) -> Cow<'_, str> {
    let shell = matches!(medium, Medium::Image | Medium::Script | Medium::Pipeline);
    if !shell || !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut rest = value.chars();
    let mut out = String::with_capacity(value.len());
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next().filter(|next| !matches!(next, '\n' | '\r'))),
            '\n' => {}
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::key_before;

    #[test]
    fn the_name_beside_a_value_is_its_key_and_a_type_is_none() {
        for (text, key) in [
            ("const TEST_KEY_0: &str = \"@", "TEST_KEY_0"),
            ("    token: str = '@", "token"),
            ("static K: &'static str = \"@", "K"),
            ("10: API_KEY=@", "API_KEY"),
            ("context: API_KEY = \"@", "API_KEY"),
            ("key: \"@", "key"),
        ] {
            let at = text.find('@').expect("each text marks the value");
            assert_eq!(key_before(text, at).map(|r| &text[r]), Some(key), "{text}");
        }
    }
}
