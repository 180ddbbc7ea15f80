//! From a command as written to the program that it runs.

use super::wrappers::{CONTAINER_VALUES, KUBECTL_VALUES, SHELLS, SSH_VALUES, WRAPPERS};
use super::{Command, Condition, Heredoc, Options, Tolerated, Word, parse_with};
use crate::text::{Passage, Span};
use std::sync::Arc;

/// Scripts within scripts (`bash -c "ssh host 'sh -c …'"`) are followed so deep.
const MAX_NESTING: usize = 4;

/// A program that a command runs, after wrappers such as `sudo` and `bash -c` are taken off.
#[derive(Debug, Clone)]
pub struct Effective {
    /// Name without its directory and without `.exe`.
    pub program: String,
    /// Where the program's word stands.
    pub program_span: Span,
    /// Words after the program.
    pub args: Vec<Word>,
    /// `NAME=value` before the command and in `env`, outermost first.
    pub assignments: Vec<(String, Word)>,
    /// Wrappers taken off, outermost first: `sudo`, `bash -c`, `poetry run`.
    pub wrappers: Vec<String>,
    /// The host (or pod) on which it runs, as written, when that is not this machine.
    pub remote: Option<String>,
    /// The container or compose service in which it runs.
    pub container: Option<String>,
    /// The command as written: the innermost simple command.
    pub span: Span,
    /// Why a failure cannot fail the script: the innermost reason.
    pub tolerated: Option<Tolerated>,
    /// Tests under which it runs, outermost first.
    pub conditions: Vec<Arc<Condition>>,
    /// What it reads on its standard input.
    pub heredoc: Option<Heredoc>,
}

impl Command {
    /// The programs that this command runs. `bash -c '…'`, `eval`, and here-documents of a shell give
    /// the commands of their script; `ssh`, `kubectl exec` and `docker exec` give themselves and then
    /// the commands that run elsewhere. Empty for a bare assignment.
    pub fn effective(&self) -> Vec<Effective> {
        let mut out = Vec::new();
        resolve(self, &Effective::outermost(self), 0, &mut out);
        out
    }
}

impl Effective {
    fn outermost(command: &Command) -> Effective {
        Effective {
            program: String::new(),
            program_span: command.span,
            args: Vec::new(),
            assignments: Vec::new(),
            wrappers: Vec::new(),
            remote: None,
            container: None,
            span: command.span,
            tolerated: None,
            conditions: Vec::new(),
            heredoc: None,
        }
    }

    /// Whether an option is given and with which value: `--x=v`, `--x v`, `-x v`, `-xv`. The inner value
    /// is `None` if the option is the last word or another option follows. Words after `--` do not count.
    pub fn flag(&self, names: &[&str]) -> Option<Option<Word>> {
        for (index, word) in self.options() {
            let text = word.text.as_str();
            for name in names {
                let Some(rest) = text.strip_prefix(name) else { continue };
                if rest.is_empty() {
                    let next = self.args.get(index + 1);
                    return Some(next.filter(|w| !w.text.starts_with('-') || w.text == "-").cloned());
                }
                if rest.starts_with('=') {
                    return Some(Some(word.tail(name.len() + 1)));
                }
                if name.len() == 2 && !name.ends_with('-') {
                    return Some(Some(word.tail(name.len())));
                }
            }
        }
        None
    }

    /// Whether an option is given, alone, with a value, or among short ones (`-rf`).
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.options().any(|(_, word)| {
            let text = word.text.as_str();
            let before_value = text.split('=').next().unwrap_or(text);
            names.contains(&before_value)
                || text.strip_prefix('-').is_some_and(|letters| {
                    letters.len() <= 5
                        && letters.chars().all(|c| c.is_ascii_alphabetic())
                        && names
                            .iter()
                            .any(|n| n.len() == 2 && !n.ends_with('-') && letters.contains(&n[1..]))
                })
        })
    }

    /// The arguments that are neither options nor values of `value_flags`; after `--` all.
    pub fn positionals(&self, value_flags: &[&str]) -> Vec<&Word> {
        positionals(&self.args, value_flags)
    }

    /// The first `depth` positional arguments: `["compose", "up"]` of `docker compose -f x up`, if `-f`
    /// is among `value_flags`.
    pub fn subcommand(&self, value_flags: &[&str], depth: usize) -> Vec<&str> {
        self.positionals(value_flags).into_iter().take(depth).map(|w| w.text.as_str()).collect()
    }

    /// The shell script file that this runs: `bash x.sh`, `. x.sh`, `./x.sh`.
    pub fn script_file(&self) -> Option<Word> {
        if SHELLS.contains(&self.program.as_str()) || matches!(self.program.as_str(), "source" | ".") {
            return self.positionals(&["-o", "+o", "-O", "--rcfile"]).first().map(|w| (*w).clone());
        }
        None
    }

    fn options(&self) -> impl Iterator<Item = (usize, &Word)> {
        let options = self.args.iter().enumerate().take_while(|(_, w)| w.text != "--");
        options.filter(|(_, w)| w.text.starts_with('-') && w.text.len() > 1)
    }
}

fn positionals<'w>(args: &'w [Word], value_flags: &[&str]) -> Vec<&'w Word> {
    let mut out = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word.text == "--" {
            out.extend(words);
            break;
        }
        if value_flags.contains(&word.text.as_str()) {
            words.next();
        } else if !word.text.starts_with('-') || word.text == "-" {
            out.push(word);
        }
    }
    out
}

/// The program's name in a word: `/usr/bin/x.exe` is `x`.
fn program_name(text: &str) -> String {
    let cut = text.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let name = &text[cut..];
    // A slash within an expansion does not end a directory.
    let name =
        if name.is_empty() || name.matches('}').count() > name.matches('{').count() { text } else { name };
    name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name).to_owned()
}

fn resolve(command: &Command, outer: &Effective, nesting: usize, out: &mut Vec<Effective>) {
    if command.words.is_empty() {
        return;
    }
    let mut this = outer.clone();
    this.assignments.extend(command.assignments.iter().cloned());
    this.span = command.span;
    this.tolerated = command.tolerated.clone().or(this.tolerated);
    this.conditions.extend(command.conditions.iter().cloned());
    this.heredoc = command.heredoc.clone();
    unwrap(&command.words, this, nesting, out);
}

/// Takes wrappers off `words`; `this` gathers what they say.
fn unwrap(words: &[Word], mut this: Effective, nesting: usize, out: &mut Vec<Effective>) {
    let mut words = words;
    // Each round consumes at least one word.
    while let Some((rest, name)) = take_off(words, &mut this.assignments) {
        this.wrappers.push(name);
        words = rest;
    }
    let Some((first, args)) = words.split_first() else { return };
    this.program = program_name(&first.text);
    this.program_span = first.span;
    this.args = args.to_vec();
    if nesting >= MAX_NESTING {
        return out.push(this);
    }
    match this.program.as_str() {
        shell if SHELLS.contains(&shell) => run_shell(this, nesting, out),
        "eval" if !this.args.is_empty() => {
            let script = join(&this.args);
            this.wrappers.push("eval".into());
            run_script(&script, Options::default(), this, nesting, out);
        }
        "su" | "flock" | "npx" | "nix-shell" => match this.flag(&["-c", "--command", "--run", "--call"]) {
            Some(Some(script)) => {
                this.wrappers.push(this.program.clone());
                run_script(&script.passage(), Options::default(), this, nesting, out);
            }
            _ => out.push(this),
        },
        "ssh" => run_ssh(this, nesting, out),
        "gcloud" if this.subcommand(&[], 2) == ["compute", "ssh"] => {
            let script = this.flag(&["--command"]).flatten();
            let host = this.positionals(&["--zone", "--project", "--command"]).get(2).map(|w| w.text.clone());
            out.push(this.clone());
            if let Some(script) = script {
                run_elsewhere(&script.passage(), host, this, nesting, out);
            }
        }
        "kubectl" | "oc" | "docker" | "podman" | "docker-compose" | "nerdctl" => {
            run_in_container(this, nesting, out)
        }
        _ => out.push(this),
    }
}

/// The words after a wrapper and the wrapper's name; `None` if the first word is none.
fn take_off<'w>(words: &'w [Word], assignments: &mut Vec<(String, Word)>) -> Option<(&'w [Word], String)> {
    let program = program_name(&words.first()?.text);
    let args = &words[1..];
    let wrapper = WRAPPERS.iter().find(|w| {
        w.names.contains(&program.as_str())
            && args.len() >= w.sub.len()
            && w.sub.iter().zip(args).all(|(sub, arg)| arg.text == *sub)
    })?;
    let mut rest = &args[wrapper.sub.len()..];
    let mut skip = wrapper.skip;
    let mut found = Vec::new();
    while let Some((word, after)) = rest.split_first() {
        let text = word.text.as_str();
        if text == "--" {
            rest = after;
            if skip == 0 {
                break;
            }
        } else if matches!(text, "-v" | "-V") && program == "command"
            || matches!(text, "-c" | "--call") && program == "npx"
        {
            return None;
        } else if wrapper.values.contains(&text) {
            rest = after.get(1..).unwrap_or_default();
        } else if text.starts_with('-') {
            rest = after;
        } else if let Some((name, value)) = super::simple::assigned_name(text).filter(|_| wrapper.assigns) {
            found.push((name.to_owned(), word.tail(value)));
            rest = after;
        } else if skip > 0 {
            skip -= 1;
            rest = after;
        } else {
            break;
        }
    }
    if rest.is_empty() {
        return None;
    }
    assignments.append(&mut found);
    let name =
        std::iter::once(program.as_str()).chain(wrapper.sub.iter().copied()).collect::<Vec<_>>().join(" ");
    Some((rest, name))
}

fn run_shell(mut this: Effective, nesting: usize, out: &mut Vec<Effective>) {
    let mut options = Options::default();
    let mut args = this.args.iter().enumerate();
    let mut is_script = false;
    let mut words = false;
    while let Some((index, word)) = args.next() {
        let Some(letters) = word.text.strip_prefix('-').filter(|l| !l.starts_with('-')) else {
            if word.text.starts_with("--") {
                continue;
            }
            words = true;
            if is_script {
                let script = this.args[index].passage();
                this.wrappers.push(format!("{} -c", this.program));
                return run_script(&script, options, this, nesting, out);
            }
            break;
        };
        is_script |= letters.contains('c');
        if letters.contains('e') {
            options.errexit = Some(true);
        }
        if letters.ends_with('o') && args.next().is_some_and(|(_, w)| w.text == "pipefail") {
            options.pipefail = Some(true);
        }
    }
    match this.heredoc.take() {
        Some(body) if !words => {
            this.wrappers.push(this.program.clone());
            run_script(&body.body, options, this, nesting, out);
        }
        body => {
            this.heredoc = body;
            out.push(this);
        }
    }
}

fn run_ssh(this: Effective, nesting: usize, out: &mut Vec<Effective>) {
    // Options may stand after the host, but a command's own options follow its first word.
    let mut words = this.args.as_slice();
    let mut host = None;
    while let Some((word, rest)) = words.split_first() {
        if SSH_VALUES.contains(&word.text.as_str()) {
            words = rest.get(1..).unwrap_or_default();
        } else if word.text.starts_with('-') {
            words = rest;
        } else if host.is_none() {
            host = Some(word.text.clone());
            words = rest;
        } else {
            break;
        }
    }
    out.push(this.clone());
    let script = join(words);
    let reads_script = words.is_empty()
        || SHELLS.contains(&program_name(&words[0].text).as_str())
            && words[1..].iter().all(|w| w.text.starts_with('-'));
    match &this.heredoc {
        Some(heredoc) if reads_script => run_elsewhere(&heredoc.body.clone(), host, this, nesting, out),
        _ if !words.is_empty() => run_elsewhere(&script, host, this, nesting, out),
        _ => {}
    }
}

fn run_in_container(this: Effective, nesting: usize, out: &mut Vec<Effective>) {
    let kubernetes = matches!(this.program.as_str(), "kubectl" | "oc");
    let values = if kubernetes { KUBECTL_VALUES } else { CONTAINER_VALUES };
    let mut rest = this.args.as_slice();
    let mut path: Vec<&str> = if this.program == "docker-compose" { vec!["compose"] } else { Vec::new() };
    let mut place = None;
    while let Some((word, after)) = rest.split_first() {
        let text = word.text.as_str();
        rest = after;
        if text == "--" {
            break;
        } else if values.contains(&text) {
            rest = after.get(1..).unwrap_or_default();
        } else if text.starts_with('-') {
        } else if !matches!(path[..], ["exec"] | ["compose", "exec" | "run"] | ["container", "exec"]) {
            path.push(text);
            if path.len() > 2 {
                break;
            }
        } else {
            place = Some(text.to_owned());
            if !kubernetes {
                break;
            }
        }
    }
    let enters = place.is_some() && !rest.is_empty();
    let inner = rest.to_vec();
    out.push(this.clone());
    if enters {
        let mut there = Effective { args: Vec::new(), heredoc: None, ..this };
        there.wrappers.push(there.program.clone());
        if kubernetes {
            there.remote = place;
        } else {
            there.container = place;
        }
        unwrap(&inner, there, nesting + 1, out);
    }
}

fn run_elsewhere(
    script: &Passage,
    host: Option<String>,
    mut this: Effective,
    nesting: usize,
    out: &mut Vec<Effective>,
) {
    this.wrappers.push(this.program.clone());
    this.remote = host.or(this.remote);
    run_script(script, Options::default(), this, nesting, out);
}

fn run_script(
    script: &Passage,
    options: Options,
    outer: Effective,
    nesting: usize,
    out: &mut Vec<Effective>,
) {
    let outer = Effective { args: Vec::new(), heredoc: None, ..outer };
    for command in &parse_with(script, options).commands {
        resolve(command, &outer, nesting + 1, out);
    }
}

/// The words with single blanks between them, as ssh and eval join them.
fn join(words: &[Word]) -> Passage {
    let mut out = match words.first() {
        Some(first) => first.passage(),
        None => Passage::new(crate::text::FileId(0), 0),
    };
    for pair in words.windows(2) {
        let between = pair[0].span.end as usize..(pair[1].span.start.max(pair[0].span.end)) as usize;
        out.push_meaning(" ", between);
        let word = pair[1].passage();
        out.append(&word, 0..word.text().len());
    }
    out
}
