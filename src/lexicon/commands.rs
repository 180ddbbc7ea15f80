//! What commands do, as `rules/lexicon/commands.toml` says line by line. Effects are names here; what they
//! mean, the facts know.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

/// One line of a table: under which words which effects, on what, where.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Line {
    /// Leading words, alternatives between `|`.
    pub on: String,
    /// One of these must be there.
    #[serde(rename = "if")]
    pub when: String,
    /// None of these may be there.
    pub unless: String,
    /// Effects, each `effect` or `effect:detail`.
    pub does: String,
    /// Kind of artifact and where it is written.
    pub of: String,
    /// Where the target is told.
    pub to: String,
    /// Where the other side of a dump, restore or copy is told.
    pub from: String,
    /// The stage, where the words themselves fix it.
    pub stage: String,
    /// For building blocks: program and input, or just the input, that hold what is run.
    pub run: String,
    /// The next matching line speaks too.
    pub and: bool,
    /// It is known by a name alone.
    pub name: bool,
    /// It counts only where a target is told.
    pub only_remote: bool,
    /// Of `host:path` words the last is where it goes.
    pub copy: bool,
    /// Copies to or from a bucket.
    pub s3: bool,
    /// It has no effect, but tells the target of the commands that follow it.
    pub context: bool,
}

/// A program or building block, under all of its names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tool {
    /// Names, by blanks.
    pub names: String,
    /// Further flags that take a value.
    pub takes: String,
    /// Where the target is told, after what the line says.
    pub to: String,
    /// What it does.
    pub lines: Vec<Line>,
    /// Every flag that takes a value, by all of its lines.
    #[serde(skip)]
    pub(super) valued: HashSet<String>,
}

/// Words of a command that are looked at; no table speaks of later ones.
const MOST_WORDS: usize = 1_000;
/// Values of one flag that are looked at.
const MOST_VALUES: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    carriers: Vec<String>,
    interpreters: String,
    files: BTreeMap<String, String>,
    plain: BTreeMap<String, String>,
    tool: Vec<Tool>,
}

/// The table of commands.
#[derive(Debug)]
pub struct Commands {
    tools: Vec<Tool>,
    by_name: HashMap<String, usize>,
    carriers: Vec<Vec<String>>,
    interpreters: Vec<String>,
    files: BTreeMap<String, String>,
}

/// A command as words, for the table.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The program's base name.
    pub program: &'a str,
    /// The words after it.
    pub args: &'a [&'a str],
    /// `NAME=value` before it.
    pub assignments: &'a [(&'a str, &'a str)],
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// In this word after the program.
    Word(usize),
    /// In this assignment before the program.
    Assignment(usize),
}

/// A value that a table's place has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The word.
    pub at: At,
    /// The byte of the word at which the value begins.
    pub from: usize,
    /// Whether the value is a host or an address.
    pub host: bool,
}

/// A line that matches a command.
#[derive(Debug, Clone)]
pub struct Match<'a> {
    /// The tool.
    pub tool: &'a Tool,
    /// The line.
    pub line: &'a Line,
    /// Indices of the words after the sub-command that are neither flags nor values of flags.
    pub rest: Vec<usize>,
}

impl Commands {
    /// The built-in table, parsed at first use.
    pub fn builtin() -> &'static Commands {
        static TABLE: LazyLock<Commands> = LazyLock::new(|| {
            Commands::parse(include_str!("../../rules/lexicon/commands.toml"))
                .expect("a test holds that the built-in table is well formed")
        });
        &TABLE
    }

    /// Reads a table; the error is the parser's, with its place.
    pub fn parse(text: &str) -> Result<Commands, toml::de::Error> {
        let table: Table = toml::from_str(text)?;
        let mut tools = table.tool;
        for (does, names) in table.plain {
            tools.push(Tool { names, lines: vec![Line { does, ..Line::default() }], ..Tool::default() });
        }
        tools.iter_mut().for_each(Tool::note_flags);
        let mut by_name = HashMap::new();
        for (index, tool) in tools.iter().enumerate() {
            for name in tool.names.split_whitespace() {
                by_name.entry(name.to_owned()).or_insert(index);
            }
        }
        let words = |text: &String| text.split_whitespace().map(str::to_owned).collect();
        Ok(Commands {
            tools,
            by_name,
            carriers: table.carriers.iter().map(words).collect(),
            interpreters: words(&table.interpreters),
            files: table.files,
        })
    }

    /// All tools.
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// Whether the table knows this program.
    pub fn knows(&self, program: &str) -> bool {
        self.by_name.contains_key(program) || self.files.contains_key(program)
    }

    /// Takes off words that only carry another command (`poetry run`, `python -m`) and names tools by
    /// their own name: the program, and how many words before its arguments.
    pub fn carried<'a>(&'a self, program: &'a str, args: &[&'a str]) -> (&'a str, usize) {
        let (mut program, mut skip) = (program, 0);
        // Each round takes a word, and no sane command carries more than a few others.
        for _ in 0..4 {
            let rest = &args[skip..];
            let carrier = self.carriers.iter().find(|words| {
                words[0] == program
                    && words.len() <= rest.len() + 1
                    && words[1..].iter().zip(rest).all(|(a, b)| a == b)
            });
            let taken = match carrier {
                Some(words) => {
                    let mut taken = words.len() - 1;
                    match rest.iter().take(8).position(|w| *w == "--") {
                        Some(at) if at >= taken => taken = at + 1,
                        _ => {
                            while rest.get(taken).is_some_and(|w| w.starts_with('-') || is_assignment(w)) {
                                taken += 1;
                            }
                        }
                    }
                    taken
                }
                None if self.interpreters.iter().any(|i| i == program)
                    && rest.first().is_some_and(|w| self.knows(base(w)) || self.files.contains_key(*w)) =>
                {
                    0
                }
                None => break,
            };
            let Some(next) = rest.get(taken) else { break };
            program = if self.files.contains_key(*next) { next } else { base(next) };
            skip += taken + 1;
        }
        if self.by_name.contains_key(program) {
            return (program, skip);
        }
        let stem = program.strip_suffix(".exe").or_else(|| program.strip_suffix(".phar")).unwrap_or(program);
        match self.files.get(stem) {
            Some(tool) => (tool, skip),
            None => (stem, skip),
        }
    }

    /// The lines that match a command, after [`Commands::carried`]. None for `--help` and `--version`.
    pub fn matches<'a>(&'a self, words: Words<'_>) -> Vec<Match<'a>> {
        let Some(&index) = self.by_name.get(words.program) else { return Vec::new() };
        if words.args.len() == 1 && matches!(words.args[0], "--help" | "--version" | "help" | "version") {
            return Vec::new();
        }
        let tool = &self.tools[index];
        let words = Words { args: &words.args[..words.args.len().min(MOST_WORDS)], ..words };
        let positions = positionals(tool, words.args);
        let mut found = Vec::new();
        for line in &tool.lines {
            let Some(rest) = after_subcommand(&line.on, words.args, &positions) else { continue };
            if !holds(&line.when, words.args, true) || holds(&line.unless, words.args, false) {
                continue;
            }
            found.push(Match { tool, line, rest });
            if !line.and {
                break;
            }
        }
        found
    }
}

fn base(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

impl Match<'_> {
    /// Every value that stands at one of `places`, in the order of the places.
    pub fn told(&self, places: &str, words: Words<'_>) -> Vec<Told> {
        let mut found = Vec::new();
        for place in places.split_whitespace() {
            let (host, place) = match place.strip_prefix('@') {
                Some(rest) => (true, rest),
                None => (false, place),
            };
            let mut add = |at, from| found.push(Told { at, from, host });
            if place.starts_with('-') {
                for (index, from) in flag_values(self.tool, words.args, place) {
                    add(At::Word(index), from);
                }
            } else if place == "url" {
                let addresses = words.args.iter().enumerate().filter(|(_, w)| w.contains("://"));
                for (index, word) in addresses {
                    let from = word.find("://").map_or(0, |at| scheme_start(word, at));
                    add(At::Word(index), from);
                }
            } else if place == "remote" {
                for &index in self.rest.iter().filter(|&&i| is_remote(words.args[i])) {
                    add(At::Word(index), 0);
                }
            } else if place == "each" {
                self.rest.iter().for_each(|&index| add(At::Word(index), 0));
            } else if place == "last" {
                self.rest.last().into_iter().for_each(|&index| add(At::Word(index), 0));
            } else if let Ok(number) = place.trim_end_matches('=').parse::<usize>() {
                if let Some(&index) = self.rest.get(number) {
                    let behind = words.args[index].find('=').map_or(0, |at| at + 1);
                    if !place.ends_with('=') {
                        add(At::Word(index), 0);
                    } else if behind > 0 {
                        add(At::Word(index), behind);
                    }
                }
            } else if place.ends_with('=') {
                let name = place.trim_end_matches('=');
                for (index, _) in words.assignments.iter().enumerate().filter(|(_, (n, _))| *n == name) {
                    add(At::Assignment(index), 0);
                }
                for (index, word) in words.args.iter().enumerate() {
                    if word.strip_prefix(place).is_some() {
                        add(At::Word(index), place.len());
                    }
                }
            }
        }
        found
    }
}

/// Whether a word is `host:path` or `user@host:path`, and no Windows drive or address.
pub fn is_remote(word: &str) -> bool {
    word.split_once(':').is_some_and(|(host, rest)| {
        (host.len() > 1 || host.starts_with('$')) && !host.contains('/') && !rest.starts_with("//")
            || host.contains("${{")
            || matches!(host, "rsync" | "ssh" | "sftp" | "scp")
    })
}

fn scheme_start(word: &str, at: usize) -> usize {
    word[..at]
        .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
        .map_or(0, |i| i + word[i..].chars().next().map_or(1, char::len_utf8))
}

impl Tool {
    /// Notes which flags take a value.
    fn note_flags(&mut self) {
        let lines = self.lines.iter().flat_map(|l| [&l.of, &l.to, &l.from]);
        let places = lines.chain([&self.takes, &self.to]).flat_map(|places| places.split_whitespace());
        self.valued = places
            .map(|p| p.trim_start_matches('@'))
            .filter(|p| p.starts_with('-'))
            .map(str::to_owned)
            .collect();
    }
}

/// Indices of the words that are neither flags nor values of flags, up to `--`.
fn positionals(tool: &Tool, args: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let word = args[at];
        if word == "--" {
            break;
        }
        if word.len() > 1 && word.starts_with('-') {
            at += if !word.contains('=') && tool.valued.contains(word) { 2 } else { 1 };
            continue;
        }
        found.push(at);
        at += 1;
    }
    found
}

/// Words and offsets at which the values of a flag begin; `-e*` also finds what is joined to it.
fn flag_values(tool: &Tool, args: &[&str], flag: &str) -> Vec<(usize, usize)> {
    let joined = flag.strip_suffix('*');
    let name = joined.unwrap_or(flag);
    let short = name.len() == 2 && !name.starts_with("--");
    let mut found = Vec::new();
    for (index, word) in args.iter().enumerate().take(MOST_WORDS) {
        if *word == "--" || found.len() >= MOST_VALUES {
            break;
        }
        if *word == name && joined.is_none() {
            if args.get(index + 1).is_some() {
                found.push((index + 1, 0));
            }
        } else if let Some(rest) = word.strip_prefix(name) {
            if rest.starts_with('=') {
                found.push((index, name.len() + 1));
            } else if !rest.is_empty() && (joined.is_some() || short && !tool.valued.contains(*word)) {
                // `-nprod`; a cluster of one-letter switches never begins with one that takes a value
                found.push((index, name.len()));
            }
        }
    }
    found
}

/// The words after the sub-command, if the leading words are one of `on`.
fn after_subcommand(on: &str, args: &[&str], positions: &[usize]) -> Option<Vec<usize>> {
    if on.is_empty() {
        return Some(positions.to_vec());
    }
    on.split('|').find_map(|words| {
        let mut rest = Vec::new();
        let mut count = 0;
        for (index, pattern) in words.split_whitespace().enumerate() {
            let &at = positions.get(index)?;
            if !glob(pattern, args[at]) {
                return None;
            }
            if pattern == "*" {
                rest.push(at);
            }
            count = index + 1;
        }
        rest.extend_from_slice(&positions[count..]);
        Some(rest)
    })
}

/// Whether one of the alternatives of `words` is there; `empty` if there are none.
fn holds(words: &str, args: &[&str], empty: bool) -> bool {
    let mut alternatives = words.split_whitespace().peekable();
    if alternatives.peek().is_none() {
        return empty;
    }
    alternatives.any(|all| all.split('+').all(|pattern| args.iter().any(|word| is_there(pattern, word))))
}

fn is_there(pattern: &str, word: &str) -> bool {
    if let Some(letter) = pattern.strip_prefix('~') {
        let cluster = word.strip_prefix('-').is_some_and(|w| w.bytes().all(|b| b.is_ascii_alphabetic()));
        return cluster && word.contains(letter);
    }
    if pattern.contains('*') {
        return glob(pattern, word);
    }
    match word.strip_prefix(pattern) {
        Some("") => true,
        Some(rest) if pattern.starts_with('-') => {
            rest.strip_prefix('=').is_some_and(|v| !matches!(v, "false" | "none" | "0"))
        }
        _ => false,
    }
}

/// Whether `pattern` matches all of `text`; `*` is any run of characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
