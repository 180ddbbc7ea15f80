//! What the containers of Kubernetes objects run.
//! <https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/>

use super::commands::{self, Known};
use super::program::{is_shell, options, script_argument};
use crate::facts::{Command, Setting, SettingSource, Word};
use crate::lexicon::uses::Uses;
use crate::syntax::tree::{Kind, Node};

/// The commands of a container: `command` is the program, or the image's own; `args` are its words. A shell's script
/// is read as one.
pub(super) fn commands(container: Node<'_>, known: Known<'_>) -> Vec<Command> {
    let listed = |key: &str| container.get(key).into_iter().flat_map(|l| l.one_or_more());
    let nodes: Vec<Node<'_>> = listed("command").chain(listed("args")).collect();
    let mut words: Vec<Word> = nodes
        .iter()
        .filter_map(|n| {
            let text = n.as_str()?;
            let values = known(text);
            let literal = values.len() == 1 && values[0] == text && !text.contains(['$', '{']);
            Some(Word { text: text.to_owned(), place: n.span(), literal, values })
        })
        .collect();
    let given = listed("command").next().is_some();
    let program = match listed("command").next().and_then(|n| n.as_str()) {
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
        let texts: Vec<&str> =
            nodes.iter().skip(usize::from(given)).map(|a| a.as_str().unwrap_or("")).collect();
        if let Some(at) = script_argument(&texts) {
            let options = options(texts[..at].iter().copied());
            let passage = nodes[at + usize::from(given)].passage();
            return commands::lower_list(&[passage], options, known).into_iter().flatten().collect();
        }
    }
    let place = nodes.iter().map(|n| n.span()).reduce(|a, b| a.join(b)).unwrap_or(container.span());
    let mut command = commands::implied(&program, words, place);
    command.program = program.rsplit('/').next().unwrap_or(&program).to_owned();
    vec![command]
}

/// The variables that a container is given as text.
pub(super) fn settings(container: Node<'_>, known: Known<'_>) -> Vec<Setting> {
    let env = container.get("env").into_iter().flat_map(|e| e.items());
    env.filter(|e| e.kind() == Kind::Mapping)
        .filter_map(|variable| {
            let (name, value) = (variable.get("name")?, variable.get("value")?);
            let key = name.as_str()?.to_owned();
            let mut values = known(value.as_str()?);
            let setting = match values.len() {
                1 => super::config::known(&values.remove(0)),
                _ => crate::facts::Value::from_possible(values)?,
            };
            Some(Setting {
                place: value.span(),
                path: format!("env.{key}"),
                key,
                setting,
                source: SettingSource::Pipeline,
                target: None,
                key_place: name.span(),
            })
        })
        .collect()
}
