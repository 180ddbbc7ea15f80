//! `plimsoll.toml`: found, read, joined with what it extends. Says what was written; what it means is
//! [`super::Policy`]'s.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::PolicyError;
use super::keys::{self, SETTINGS};
use super::written::{Document, Written};
use crate::dispositions::PathPattern;
use crate::finding::Severity;
use crate::lexicon::{Stage, StageNames};
use crate::source::Mapping;

/// What a team has written, in the nearest policy file and those that it extends.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The files it was read from, the nearest first; empty if there is none.
    pub documents: Vec<Arc<Document>>,
    /// The folder that patterns of paths are relative to: the one that holds the nearest file.
    pub folder: PathBuf,
    /// Manuals that are chosen.
    pub manuals: Vec<Written<String>>,
    /// Exactly what runs, if anything is named: rules, families, manuals, `core`, `all`.
    pub select: Vec<Written<String>>,
    /// Rules, families and manuals that do not run.
    pub ignore: Vec<Written<String>>,
    /// Files that are not looked at.
    pub exclude: Vec<Written<String>>,
    /// The mildest severity that makes the exit code 1: a word of [`keys::THRESHOLDS`].
    pub fail_on: Option<Written<String>>,
    /// Every rule's allows are inert.
    pub locked_all: bool,
    /// Rules, families and manuals whose allows are inert.
    pub locked: Vec<Written<String>>,
    /// Topic and the manual that decides it.
    pub resolve: BTreeMap<String, Written<String>>,
    /// The team's own values of parameters.
    pub parameters: BTreeMap<String, Written<toml::Value>>,
    /// A rule's severity; the place is that of the rule's id.
    pub severity: BTreeMap<String, Written<Severity>>,
    /// What differs in some files, in the order in which it was written; a base policy's come first.
    pub per_path: Vec<PerPath>,
    /// The team's names for environments.
    pub environments: BTreeMap<Stage, StageNames>,
    /// What the repository is: a word of [`keys::KINDS`].
    pub kind: Option<Written<String>>,
    /// The repository that deploys this one: `name` or `name@version`.
    pub deploys_in: Option<Written<String>>,
    /// Where other repositories lie, by their names.
    pub sources: BTreeMap<String, Written<Mapping>>,
}

/// What differs in some files.
#[derive(Debug, Clone)]
pub struct PerPath {
    /// The pattern as it was written.
    pub glob: Written<String>,
    /// The same, ready to be asked.
    pub pattern: PathPattern,
    /// Rules, families and manuals whose findings do not count there.
    pub ignore: Vec<Written<String>>,
    /// Severity of every finding there.
    pub severity: Option<Severity>,
}

/// Where the settings stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// The whole file.
    Whole,
    /// `[tool.plimsoll]`.
    Pyproject,
}

/// Longest chain of `extends`.
const LONGEST_CHAIN: usize = 16;

impl Config {
    /// Reads the policy that holds for `start`: the nearest of `plimsoll.toml`, `.github/plimsoll.toml` and a
    /// `pyproject.toml` with `[tool.plimsoll]` in the folder `start` or above it, up to `root`. The empty
    /// policy if there is none.
    pub fn find(start: &Path, root: &Path) -> Result<Config, Box<PolicyError>> {
        for folder in start.ancestors() {
            for (name, home) in [
                ("plimsoll.toml", Home::Whole),
                (".github/plimsoll.toml", Home::Whole),
                ("pyproject.toml", Home::Pyproject),
            ] {
                let path = folder.join(name);
                if path.symlink_metadata().is_err() {
                    continue;
                }
                if home == Home::Pyproject && !mentions_us(&path) {
                    continue;
                }
                let document = Document::read(&path)?;
                if home == Home::Whole || settings(&document, Home::Pyproject, |_| Ok(()))?.is_some() {
                    return Config::open(document, home, folder);
                }
            }
            if folder == root {
                break;
            }
        }
        Ok(Config { folder: root.to_owned(), ..Config::default() })
    }

    /// Reads the policy file `path`; patterns in it are relative to `root`.
    pub fn load(path: &Path, root: &Path) -> Result<Config, Box<PolicyError>> {
        let home = if path.file_name().is_some_and(|n| n == "pyproject.toml") {
            Home::Pyproject
        } else {
            Home::Whole
        };
        let document = Document::read(path)?;
        Config::open(document, home, root)
    }

    /// Reads a policy from a text, for examples and tests. It cannot extend another.
    pub fn parse(path: &str, text: &str) -> Result<Config, Box<PolicyError>> {
        let document = Arc::new(Document { path: path.into(), text: text.to_owned() });
        let mut config = Config::default();
        if let Some(extends) = config.add(&document, Home::Whole)? {
            return Err(extends.error("a policy that is given as text cannot extend another"));
        }
        Ok(config)
    }

    fn open(document: Arc<Document>, home: Home, folder: &Path) -> Result<Config, Box<PolicyError>> {
        // From the nearest file to the farthest, then joined the other way round, so that the nearest wins.
        let mut chain = vec![(document, home)];
        loop {
            let (document, home) = chain.last().expect("it begins with one").clone();
            let Some(extends) = Config::default().add(&document, home)? else { break };
            let next = document.path.parent().unwrap_or(Path::new("")).join(&extends.value);
            if next.extension().is_none_or(|e| e != "toml") {
                return Err(extends.error("a policy is a .toml file"));
            }
            let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let target = canonical(&next);
            if chain.iter().any(|(seen, _)| canonical(&seen.path) == target) {
                let message = format!("`{}` extends itself in a circle", extends.value);
                return Err(extends.error(message).help("remove one of the `extends`"));
            }
            if chain.len() == LONGEST_CHAIN {
                return Err(extends.error(format!("more than {LONGEST_CHAIN} policies extend one another")));
            }
            let base = Document::read(&next).map_err(|e| {
                extends.error(e.message).help("`extends` is a path relative to the file that it stands in")
            })?;
            chain.push((base, Home::Whole));
        }
        let mut config = Config { folder: folder.to_owned(), ..Config::default() };
        for (document, home) in chain.iter().rev() {
            config.add(document, *home)?;
        }
        config.documents = chain.into_iter().map(|(document, _)| document).collect();
        Ok(config)
    }

    /// Lays a file's settings over what is there; returns its `extends`.
    fn add(
        &mut self,
        document: &Arc<Document>,
        home: Home,
    ) -> Result<Option<Written<String>>, Box<PolicyError>> {
        let mut extends = None;
        settings(document, home, |table| {
            keys::check(document, table, SETTINGS)?;
            let reader = Reader { document };
            for (key, value) in table {
                let found = value.get_ref();
                match &**key.get_ref() {
                    "extends" => extends = reader.text(value),
                    "manuals" => self.manuals.extend(reader.texts(value)),
                    "select" => self.select.extend(reader.texts(value)),
                    "ignore" => {
                        let ignore = reader.texts(value);
                        self.refuse_locked(&ignore)?;
                        self.ignore.extend(ignore);
                    }
                    "exclude" => self.exclude.extend(reader.texts(value)),
                    "fail-on" => self.fail_on = reader.text(value),
                    "locked" => match found.as_bool() {
                        // What a base policy locks stays locked.
                        Some(all) => self.locked_all |= all,
                        None => self.locked.extend(reader.texts(value)),
                    },
                    "resolve" => {
                        for (topic, manual) in entries(value) {
                            self.resolve
                                .extend(reader.text(manual).map(|m| (topic.get_ref().to_string(), m)));
                        }
                    }
                    "parameters" => reader.parameters("", value, 0, &mut self.parameters)?,
                    "severity" => {
                        for (rule, level) in entries(value) {
                            let level = level.get_ref().as_str().and_then(Severity::from_name);
                            let level = level.expect("the shape was checked");
                            self.severity.insert(rule.get_ref().to_string(), reader.at(level, rule.span()));
                        }
                    }
                    "per-path" => {
                        for (glob, what) in entries(value) {
                            self.per_path.push(reader.per_path(glob, what)?);
                        }
                    }
                    "environments" => {
                        for (stage, names) in entries(value) {
                            let stage = stage_of(stage.get_ref()).expect("the shape was checked");
                            let of = self.environments.entry(stage).or_default();
                            for (key, list) in entries(names) {
                                let texts = reader.texts(list).into_iter().map(|t| t.value);
                                match &**key.get_ref() {
                                    "names" => of.names.extend(texts),
                                    "hosts" => of.hosts.extend(texts),
                                    _ => of.branches.extend(texts),
                                }
                            }
                        }
                    }
                    "repository" => {
                        for (key, value) in entries(value) {
                            match &**key.get_ref() {
                                "kind" => self.kind = reader.text(value),
                                _ => self.deploys_in = reader.text(value),
                            }
                        }
                    }
                    "sources" => {
                        let base = document.path.parent().unwrap_or(Path::new(""));
                        for (name, folder) in entries(value) {
                            let Some(folder) = reader.text(folder) else { continue };
                            let mapping = Mapping::new(name.get_ref(), &folder.value, base).map_err(|why| {
                                let help = "write the name of a repository and the folder of a clone of it, such as \
                                            `\"acme/ci\" = \"../ci\"`";
                                folder.error(why).help(help)
                            })?;
                            self.sources.insert(name.get_ref().to_string(), folder.map(|_| mapping));
                        }
                    }
                    other => unreachable!("`{other}` is in SETTINGS and nowhere read"),
                }
            }
            Ok(())
        })?;
        Ok(extends)
    }

    /// What a base policy locks cannot be switched off by one that extends it.
    fn refuse_locked(&self, ignore: &[Written<String>]) -> Result<(), Box<PolicyError>> {
        let locked = |name: &str| self.locked_all || self.locked.iter().any(|l| l.value == name);
        match ignore.iter().find(|i| locked(&i.value)) {
            Some(it) => Err(it
                .error(format!("`{}` is locked by a policy that this one extends", it.value))
                .help("keep it, or ask those who keep the base policy to unlock it")),
            None => Ok(()),
        }
    }
}

/// A `pyproject.toml` that never speaks of plimsoll is none of our business, even if it is broken.
fn mentions_us(path: &Path) -> bool {
    Document::read(path).is_ok_and(|document| document.text.contains("plimsoll"))
}

/// Parses the file and hands its settings to `work`; `None` if it has none.
fn settings(
    document: &Arc<Document>,
    home: Home,
    work: impl FnOnce(&DeTable<'_>) -> Result<(), Box<PolicyError>>,
) -> Result<Option<()>, Box<PolicyError>> {
    let root = DeTable::parse(&document.text).map_err(|e| document.error(e.span(), e.message()))?;
    match home {
        Home::Whole => work(root.get_ref()).map(Some),
        Home::Pyproject => {
            let own = root.get_ref().get("tool").and_then(|tool| tool.get_ref().get("plimsoll"));
            match own.and_then(|own| own.get_ref().as_table()) {
                Some(table) => work(table).map(Some),
                None => Ok(None),
            }
        }
    }
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

fn entries<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> impl Iterator<Item = Entry<'a, 'i>> {
    // toml sorts keys; the order of writing is what users see, and for patterns what counts.
    let mut all: Vec<Entry<'a, 'i>> = value.get_ref().as_table().into_iter().flatten().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all.into_iter()
}

fn stage_of(name: &str) -> Option<Stage> {
    use Stage::{Ci, Development, Integration, Local, Preview, Production, Staging};
    [Local, Ci, Development, Integration, Preview, Staging, Production].into_iter().find(|s| s.name() == name)
}

/// Takes checked values out of a tree, with their places.
struct Reader<'a> {
    document: &'a Arc<Document>,
}

/// Deepest nesting of a parameter's name or value.
const DEEPEST: usize = 16;

impl Reader<'_> {
    fn at<T>(&self, value: T, span: Range<usize>) -> Written<T> {
        Written { value, at: Some((self.document.clone(), span)) }
    }

    fn text(&self, value: &Spanned<DeValue<'_>>) -> Option<Written<String>> {
        value.get_ref().as_str().map(|text| self.at(text.to_owned(), value.span()))
    }

    fn texts(&self, value: &Spanned<DeValue<'_>>) -> Vec<Written<String>> {
        let items = value.get_ref().as_array();
        items.into_iter().flat_map(|items| items.iter()).filter_map(|item| self.text(item)).collect()
    }

    fn per_path(
        &self,
        glob: &Spanned<std::borrow::Cow<'_, str>>,
        what: &Spanned<DeValue<'_>>,
    ) -> Result<PerPath, Box<PolicyError>> {
        let glob = self.at(glob.get_ref().to_string(), glob.span());
        let pattern = PathPattern::new(&glob.value).map_err(|why| {
            glob.error(format!("`{}` is no pattern: {why}", glob.value))
                .help("patterns are written as in .gitignore, for example `vendor/` or `*.min.js`")
        })?;
        let mut it = PerPath { glob, pattern, ignore: Vec::new(), severity: None };
        for (key, value) in entries(what) {
            match &**key.get_ref() {
                "ignore" => it.ignore = self.texts(value),
                _ => it.severity = value.get_ref().as_str().and_then(Severity::from_name),
            }
        }
        Ok(it)
    }

    /// `[parameters.friday] cutoff = …` and `"friday.cutoff" = …` are the same.
    fn parameters(
        &self,
        prefix: &str,
        value: &Spanned<DeValue<'_>>,
        depth: usize,
        into: &mut BTreeMap<String, Written<toml::Value>>,
    ) -> Result<(), Box<PolicyError>> {
        for (key, value) in entries(value) {
            let name = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            if value.get_ref().is_table() && depth < DEEPEST {
                self.parameters(&name, value, depth + 1, into)?;
                continue;
            }
            let plain = plain(value.get_ref(), 0).ok_or_else(|| {
                self.document.error(Some(value.span()), format!("`{name}` has no such value"))
            })?;
            into.insert(name, self.at(plain, key.span().start..value.span().end));
        }
        Ok(())
    }
}

/// The value without its places.
fn plain(value: &DeValue<'_>, depth: usize) -> Option<toml::Value> {
    Some(match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(n) => toml::Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        DeValue::Float(n) => toml::Value::Float(n.as_str().parse().ok()?),
        DeValue::Boolean(b) => toml::Value::Boolean(*b),
        DeValue::Datetime(at) => toml::Value::Datetime(*at),
        DeValue::Array(items) if depth < DEEPEST => {
            toml::Value::Array(items.iter().map(|i| plain(i.get_ref(), depth + 1)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
