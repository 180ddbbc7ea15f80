//! What the containers of Kubernetes objects run.
//! <https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/>

use super::commands::{self, Known};
use super::placeholders::{self, Find};
use super::program::{is_shell, options, script_argument};
use crate::facts::{Command, SecretUse, Setting, SettingSource, Value, Word};
use crate::lexicon::uses::Uses;
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};

/// How texts of a container are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// What a text can stand for.
    pub known: Known<'a>,
    /// Where a controller puts something in.
    pub find: Find,
}

/// The commands of a container: `command` is the program, or the image's own; `args` are its words. A shell's script
/// is read as one.
pub(super) fn commands(container: Node<'_>, reading: Reading<'_>) -> Vec<Command> {
    let listed = |key: &str| container.get(key).into_iter().flat_map(|l| l.one_or_more());
    let nodes: Vec<Node<'_>> = listed("command").chain(listed("args")).collect();
    let mut words: Vec<Word> = nodes
        .iter()
        .filter_map(|n| {
            let text = placeholders::as_variables_in(n.as_str()?, reading.find);
            let values = (reading.known)(&text);
            let literal = values.len() == 1 && values[0] == text && !text.contains(['$', '{']);
            Some(Word { text, place: n.span(), literal, values })
        })
        .collect();
    let first = listed("command").next();
    let program = match first.and_then(|n| n.as_str()) {
        Some(program) => {
            words.remove(0);
            program.to_owned()
        }
        None => {
            let image = container.get("image").and_then(|i| i.as_str()).unwrap_or("");
            let (name, _) = commands::split_image(image);
            match Uses::builtin().program_of_image(&name) {
                Some(program) if !words.is_empty() => program.to_owned(),
                _ => return Vec::new(),
            }
        }
    };
    if is_shell(&program) {
        let skipped = usize::from(first.is_some());
        let texts: Vec<&str> = nodes.iter().skip(skipped).map(|a| a.as_str().unwrap_or("")).collect();
        if let Some(at) = script_argument(&texts) {
            let options = options(texts[..at].iter().copied());
            let passage =
                placeholders::as_variables(&nodes[at + skipped].passage(), reading.find, reading.known);
            return commands::lower_list(&[passage], options, reading.known).into_iter().flatten().collect();
        }
    }
    let place = nodes.iter().map(|n| n.span()).reduce(|a, b| a.join(b)).unwrap_or(container.span());
    let mut command = commands::implied(&program, words, place);
    command.program = program.rsplit('/').next().unwrap_or(&program).to_owned();
    vec![command]
}

/// The commands of a script that a container runs as a file: what its `#!` line names, else `shell`. None if that is no
/// shell.
pub(super) fn script(script: Node<'_>, shell: &str, reading: Reading<'_>) -> Vec<Command> {
    let Some(text) = script.as_str() else { return Vec::new() };
    let first = text.lines().next().and_then(|l| l.strip_prefix("#!")).unwrap_or(shell);
    let words = first.split_whitespace();
    if !words.clone().any(is_shell) {
        return Vec::new();
    }
    let options: shell::Options = options(words);
    let passage = placeholders::as_variables(&script.passage(), reading.find, reading.known);
    commands::lower_list(&[passage], options, reading.known).into_iter().flatten().collect()
}

/// The variables that a container is given as text.
pub(super) fn settings(container: Node<'_>, reading: Reading<'_>) -> Vec<Setting> {
    let env = container.get("env").into_iter().flat_map(|e| e.items());
    env.filter(|e| e.kind() == Kind::Mapping)
        .filter_map(|variable| {
            let (name, value) = (variable.get("name")?, variable.get("value")?);
            let text = placeholders::as_variables_in(value.as_str()?, reading.find);
            let key = name.as_str()?.to_owned();
            Some(Setting {
                place: value.span(),
                path: format!("env.{key}"),
                key,
                setting: one_of((reading.known)(&text)),
                source: SettingSource::Pipeline,
                target: None,
                key_place: name.span(),
            })
        })
        .collect()
}

/// A text with these possible values.
pub(super) fn one_of(values: Vec<String>) -> Value<String> {
    match values.as_slice() {
        [one] => super::config::known(one),
        _ => Value::from_possible(values).unwrap_or_else(|| Value::Expr(String::new())),
    }
}

/// Secrets that a container reads into its variables.
pub(super) fn secrets(container: Node<'_>) -> Vec<SecretUse> {
    let env = container.get("env").into_iter().flat_map(|e| e.items());
    let keys = env.filter_map(|e| e.at(&["valueFrom", "secretKeyRef", "name"]));
    let whole = container.get("envFrom").into_iter().flat_map(|e| e.items());
    let whole = whole.filter_map(|e| e.at(&["secretRef", "name"]));
    let used = |n: Node<'_>| Some(SecretUse { name: n.as_str()?.to_owned(), place: n.span() });
    keys.chain(whole).filter_map(used).collect()
}
