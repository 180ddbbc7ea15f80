//! A team's own kinds of credentials, tried before they are used: what cannot be searched for, or does not do what
//! its examples say, would look as if nothing were there to find.

use super::kinds::{LONGEST, try_out};
use super::{ScanText, Scanner};
use crate::facts::Facts;
use crate::lexicon::kinds::{BUILT_IN, CredentialKind, Provider, examples_start};
use crate::lexicon::{Environments, KindFault, Lexicon, TriedKinds};
use crate::text::FileId;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;

/// A word that is shorter is met everywhere.
const SHORTEST_KEYWORD: usize = 3;

/// The examples of a file of kinds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Examples {
    /// Each `«…»` is exactly one credential of the example's kind, and nothing else is found.
    #[serde(default)]
    pub(super) bad: Vec<Spanned<Example>>,
    /// None of the file's kinds is found.
    #[serde(default)]
    pub(super) good: Vec<Spanned<Example>>,
}

impl Examples {
    /// Every example, and whether it is a bad one.
    pub(super) fn all(&self) -> impl Iterator<Item = (bool, &Spanned<Example>)> {
        let bad = self.bad.iter().map(|example| (true, example));
        bad.chain(self.good.iter().map(|example| (false, example)))
    }
}

/// A text that is scanned as if it lay at `path`. `⁀` is removed from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub(super) kind: Option<String>,
    path: String,
    text: String,
}

/// Reads a team's own files of kinds, each given by its path and its text, and runs their examples.
///
/// The form is that of the built-in files in `rules/secrets/kinds`.
///
/// # Errors
///
/// Of the first file that is malformed, names a kind that there is already, cannot be searched for, or does not do
/// what its examples say.
pub fn try_kinds(files: &[(String, String)]) -> Result<Vec<TriedKinds>, KindFault> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = BTreeSet::new();
    let mut tried = Vec::new();
    let mut all = Vec::new();
    for (file, (path, text)) in files.iter().enumerate() {
        let (provider, examples) = read(file, text)?;
        for kind in &provider.kinds {
            check(kind, &mut known).and_then(|()| shown(kind, &examples)).map_err(|(message, help)| {
                let span = place_of(text, &kind.id);
                KindFault { file, span, message, help: Some(help.to_owned()) }
            })?;
        }
        if examples.good.is_empty() {
            let message = "there is no good example".to_owned();
            let help = "add `[[good]]` with `path` and `text`: what looks most like a credential and is none";
            return Err(KindFault { file, span: None, message, help: Some(help.to_owned()) });
        }
        try_out(&provider).map_err(|message| {
            let kind = provider.kinds.iter().find(|kind| message.starts_with(&format!("{}: ", kind.id)));
            let help = "a kind has a `regex` with a group `secret`, or a `key` and a `value`; docs/kinds.md says \
                        how they are written";
            KindFault { file, span: kind.and_then(|kind| place_of(text, &kind.id)), message, help: Some(help.into()) }
        })?;
        let count = examples.bad.len() + examples.good.len();
        tried.push(TriedKinds { path: path.clone(), provider, examples: count });
        all.push(examples);
    }
    let lexicon = Lexicon { own_kinds: tried.clone(), ..Lexicon::default() };
    let scanner = Scanner::new(&lexicon);
    for (file, (examples, own)) in all.iter().zip(&tried).enumerate() {
        let start = examples_start(&files[file].1);
        for (bad, example) in examples.all() {
            if let Err(message) = holds(&scanner, &own.provider, bad, example.get_ref()) {
                let span = example.span().start + start..example.span().start + start;
                let help = "mend the kind or the example: each `«…»` of a bad one is one credential of its kind \
                            and nothing else is found there, and in a good one none of the file's kinds is";
                return Err(KindFault { file, span: Some(span), message, help: Some(help.to_owned()) });
            }
        }
    }
    Ok(tried)
}

/// The kinds and the examples of a file.
fn read(file: usize, text: &str) -> Result<(Provider, Examples), KindFault> {
    let start = examples_start(text);
    let wrong = |e: &toml::de::Error, at: usize| KindFault {
        file,
        span: e.span().map(|span| span.start + at..span.end + at),
        message: e.message().to_owned(),
        help: None,
    };
    let provider = Provider::parse(&text[..start]).map_err(|e| wrong(&e, 0))?;
    let examples = toml::from_str(&text[start..]).map_err(|e| wrong(&e, start))?;
    Ok((provider, examples))
}

/// What is wrong with a kind that TOML could read, and what to do about it.
fn check(kind: &CredentialKind, known: &mut BTreeSet<String>) -> Result<(), (String, &'static str)> {
    let id = &kind.id;
    let is_kebab = !id.is_empty()
        && id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
    if !is_kebab {
        let help = "an id names provider and credential in lower case with hyphens, like `acme-deploy-token`";
        return Err((format!("`{}` is not the id of a kind", id.escape_debug()), help));
    }
    if !known.insert(id.clone()) || is_built_in(id) {
        return Err((format!("there is a kind `{id}` already"), "give it another id"));
    }
    if kind.title.trim().is_empty() {
        return Err((format!("`{id}` has no title"), "say in a few words what it is"));
    }
    if kind.keywords.is_empty() || kind.keywords.iter().any(|word| word.len() < SHORTEST_KEYWORD) {
        let help = "name words of three or more characters one of which stands near every such credential, \
                    such as its prefix or the provider's name";
        return Err((format!("the keywords of `{id}` are too short, or there are none"), help));
    }
    if kind.window > LONGEST || kind.before > LONGEST {
        let help = "`window` and `before` are at most 98304 bytes";
        return Err((format!("`{id}` reaches too far"), help));
    }
    Ok(())
}

/// Whether a bad example shows the kind.
fn shown(kind: &CredentialKind, examples: &Examples) -> Result<(), (String, &'static str)> {
    let of_kind = |e: &Spanned<Example>| e.get_ref().kind.as_deref() == Some(kind.id.as_str());
    if examples.bad.iter().any(of_kind) {
        return Ok(());
    }
    let help = "add `[[bad]]` with `kind`, `path` and `text`; `«…»` stands around the credential";
    Err((format!("`{}` has no bad example", kind.id), help))
}

fn is_built_in(id: &str) -> bool {
    let written = format!("id = \"{id}\"");
    BUILT_IN.iter().any(|file| file.head.lines().any(|line| line == written))
}

/// Where a file names a kind first.
fn place_of(text: &str, id: &str) -> Option<Range<usize>> {
    let quoted = [format!("\"{id}\""), format!("'{id}'")];
    let at = quoted.iter().find_map(|id| text.find(id.as_str()))?;
    Some(at + 1..at + 1 + id.len())
}

/// Scans an example: what differs from what it says, without any value.
pub(super) fn holds(scanner: &Scanner, own: &Provider, bad: bool, example: &Example) -> Result<(), String> {
    let of_file = |id: &str| own.kinds.iter().any(|kind| kind.id == id);
    let kind = example.kind.as_deref();
    match kind {
        None if bad => return Err("a bad example names its `kind`".to_owned()),
        Some(_) if !bad => return Err("a good example names no `kind`".to_owned()),
        Some(id) if !of_file(id) => {
            return Err(format!("the example's kind `{}` is none of this file", id.escape_debug()));
        }
        _ => {}
    }
    let (text, marked) = unmark(&example.text.replace('⁀', ""));
    if bad == marked.is_empty() {
        let which = if bad { "a bad example marks" } else { "only a bad example marks" };
        return Err(format!("{which} its credential with `«…»`"));
    }
    let mut facts = Facts::default();
    let environments = Environments::default();
    let path = example.path.as_str();
    let scanned = ScanText { file: FileId(0), path, text: &text, offset: 0, environments: &environments };
    scanner.scan(&scanned, &mut facts);
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let mut missing = marked;
    for credential in &facts.credentials {
        let (range, found) = (credential.place.range(), credential.credential.as_str());
        match kind {
            Some(kind) if found == kind && missing.contains(&range) => missing.retain(|m| *m != range),
            None if !of_file(found) => {}
            _ => {
                let at = line(range.start);
                return Err(format!("a credential `{found}` that is not marked is found in line {at}"));
            }
        }
    }
    match missing.first() {
        Some(range) => Err(format!("no credential of the kind is found in line {}", line(range.start))),
        None => Ok(()),
    }
}

/// A text without its marks, and what they stood around.
fn unmark(text: &str) -> (String, Vec<Range<usize>>) {
    let mut plain = String::with_capacity(text.len());
    let mut marked = Vec::new();
    for (number, part) in text.split('«').enumerate() {
        match part.split_once('»') {
            Some((value, rest)) if number > 0 => {
                marked.push(plain.len()..plain.len() + value.len());
                plain.push_str(value);
                plain.push_str(rest);
            }
            _ => plain.push_str(part),
        }
    }
    (plain, marked)
}
