//! Steps and tasks.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/steps>

use super::job::Reading;
use super::template::{Conf, Item};
use super::{entry, tolerance};
use crate::facts::*;
use crate::readers::commands;
use crate::readers::variables::Variables;
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Passage, Span, Spanned};

/// Shortcuts for tasks that run a text, with the task each stands for.
const SCRIPTS: [(&str, &str); 4] =
    [("script", "CmdLine"), ("bash", "Bash"), ("pwsh", "PowerShell"), ("powershell", "PowerShell")];

/// Tasks that run a text of their inputs: name, the input, and whether a POSIX shell reads it.
const INLINE: [(&str, &str, bool); 7] = [
    ("cmdline", "script", true),
    ("bash", "script", true),
    ("shellscript", "script", true),
    ("powershell", "script", false),
    ("azurecli", "inlineScript", true),
    ("azurepowershell", "Inline", false),
    ("ssh", "inline", true),
];

impl<'t> Reading<'_, 't> {
    /// A list of steps. `outer` is a condition under which all of them run.
    pub(super) fn steps(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Vec<Step> {
        self.expander.items(conf, "steps").into_iter().filter_map(|i| self.step(i, variables)).collect()
    }

    fn step(&self, item: Item<'t>, variables: &Variables<'_>) -> Option<Step> {
        let conf = item.conf;
        if conf.node.kind() != Kind::Mapping {
            return None;
        }
        let get = |key: &str| self.expander.get(&conf, key);
        let text = |key: &str| get(key).and_then(|c| self.known(&c, variables));
        let settings = get("env").map(|env| self.settings(&env, "env", variables)).unwrap_or_default();
        let script = SCRIPTS.iter().find_map(|(key, task)| Some((*key, *task, get(key)?)));
        let task = get("task");
        let mut uses = task.as_ref().map(|task| self.task(task, get("inputs").as_ref(), variables));
        let mut commands = Vec::new();
        let mut shell = None;
        if let Some((key, _, body)) = &script {
            let posix = !matches!(*key, "pwsh" | "powershell");
            shell = (!posix).then(|| (*key).to_owned());
            commands = self.script(body, posix, variables, &settings);
        }
        if let (Some(used), Some(inputs)) = (&mut uses, get("inputs")) {
            commands = self.task_commands(used, &inputs, variables, &settings);
        }
        if uses.is_none() && script.is_none() {
            uses = self.shortcut(&conf, variables);
        }
        let name = text("displayName").or_else(|| text("name"));
        let derived = || {
            let first = script.as_ref().and_then(|(_, _, c)| c.node.as_str());
            let first =
                first.and_then(|s| s.lines().find(|l| !l.trim().is_empty())).map(|l| l.trim().to_owned());
            first.or(uses.as_ref().map(|u| u.name.clone())).unwrap_or_default()
        };
        let named = name.is_some();
        let name = name.unwrap_or_else(derived);
        let mut condition = get("condition").and_then(|c| super::condition(&c, self.known(&c, variables)));
        if get("enabled").is_some_and(|e| self.known(&e, variables).as_deref() == Some("false"))
            && let Some((key, value)) = self.expander.entry(&conf, "enabled")
        {
            let mut never = super::expression::condition("false", entry(key, &value));
            never.text = "enabled: false".into();
            condition = Some(never);
        }
        if condition.is_none() {
            condition = item.guard.as_ref().map(super::guarded);
        }
        let mut secrets = Vec::new();
        self.secrets(conf.node, variables, &mut secrets);
        let folder = text("workingDirectory").or_else(|| {
            let inputs = get("inputs")?;
            let folder = ["workingDirectory", "workingDir", "cwd"]
                .iter()
                .find_map(|k| self.expander.get(&inputs, k))?;
            self.known(&folder, variables)
        });
        Some(Step {
            named,
            uses,
            commands,
            condition,
            tolerated: tolerance(self, &conf, variables),
            settings,
            secrets,
            shell,
            folder: folder.map(|f| relative(&f)).filter(|f| !f.is_empty()),
            id: text("name"),
            ..Step::new(conf.node.span(), name)
        })
    }

    /// `checkout`, `publish`, `download`, `downloadBuild`, `getPackage`: what the task of that name does.
    fn shortcut(&self, conf: &Conf<'t>, variables: &Variables<'_>) -> Option<Use> {
        let fields = self.expander.fields(conf);
        let (key, value, _) = fields.iter().find(|(k, ..)| {
            matches!(
                k.as_str(),
                Some(
                    "checkout"
                        | "publish"
                        | "download"
                        | "downloadBuild"
                        | "getPackage"
                        | "upload"
                        | "reviewApp"
                )
            )
        })?;
        let mut inputs: Vec<Argument> = Vec::new();
        for (name, value, _) in &fields {
            let value_of = self.value(value, variables);
            inputs.extend(
                name.spanned()
                    .map(|name| Argument { name, value: Spanned::new(value_of, value.node.span()) }),
            );
        }
        Some(Use {
            place: entry(*key, value),
            sort: UseKind::Action,
            name: key.as_str()?.to_owned(),
            version: None,
            local: true,
            inputs,
            unresolved: None,
        })
    }

    fn task(&self, task: &Conf<'t>, inputs: Option<&Conf<'t>>, variables: &Variables<'_>) -> Use {
        let written =
            self.known(task, variables).unwrap_or_else(|| task.node.as_str().unwrap_or("").to_owned());
        let (name, version) = match written.split_once('@') {
            Some((name, version)) => (name.to_owned(), Some(version.trim().to_owned())),
            None => (written, None),
        };
        let fields = inputs.map(|i| self.expander.fields(i)).unwrap_or_default();
        let place = task.node.span();
        Use {
            place,
            sort: UseKind::Action,
            name,
            version: version.map(|v| Spanned::new(v, place)),
            local: false,
            inputs: fields
                .into_iter()
                .filter_map(|(key, value, _)| {
                    let value_of = self.value(&value, variables);
                    Some(Argument { name: key.spanned()?, value: Spanned::new(value_of, value.node.span()) })
                })
                .collect(),
            unresolved: None,
        }
    }

    /// What a task runs: its inline text, or the command line that its inputs make.
    fn task_commands(
        &self,
        used: &Use,
        inputs: &Conf<'t>,
        variables: &Variables<'_>,
        settings: &[Setting],
    ) -> Vec<Command> {
        let name = used.name.to_ascii_lowercase();
        let get = |key: &str| {
            let fields = self.expander.fields(inputs);
            let found = fields
                .into_iter()
                .rev()
                .find(|(k, ..)| k.as_str().is_some_and(|k| k.eq_ignore_ascii_case(key)));
            found.map(|(_, value, _)| self.expander.follow(&value))
        };
        if let Some((_, input, posix)) = INLINE.iter().find(|(task, ..)| *task == name) {
            let body = get(input).or_else(|| (name == "ssh").then(|| get("commands")).flatten());
            let posix = *posix
                && get("scriptType").and_then(|t| self.known(&t, variables)).is_none_or(|t| t == "bash");
            let mut commands = body.map(|b| self.script(&b, posix, variables, settings)).unwrap_or_default();
            if name == "ssh" {
                let host =
                    used.input("sshEndpoint").map_or_else(|| "a server".to_owned(), |e| e.value.text());
                commands.iter_mut().for_each(|c| c.remote = Some(host.clone()));
            }
            let file = ["filePath", "scriptPath", "targetType"].iter().find_map(|k| get(k));
            if commands.is_empty()
                && let Some(file) = file.filter(|f| f.node.as_str().is_some_and(|t| t.contains('.')))
            {
                let path = relative(&self.value(&file, variables).text());
                let program = if path.ends_with(".ps1") { "pwsh" } else { "bash" };
                commands.push(commands::implied(
                    program,
                    vec![plain(&path, file.node.span())],
                    file.node.span(),
                ));
            }
            return commands;
        }
        let word = |key: &str| get(key).map(|c| (self.value(&c, variables), c.node.span()));
        super::tasks::command_lines(&name, &word, used.place)
            .into_iter()
            .map(|(program, args)| commands::implied(program, args, used.place))
            .collect()
    }

    /// The commands of a text. Without `set -e` only its last command decides, but agents and images differ:
    /// nothing is said of it.
    fn script(
        &self,
        body: &Conf<'t>,
        posix: bool,
        variables: &Variables<'_>,
        settings: &[Setting],
    ) -> Vec<Command> {
        if body.node.as_str().is_none() {
            return Vec::new();
        }
        let passage = body.node.passage();
        if !posix {
            return commands::lower_lines(&passage, settings);
        }
        let macros = with_shell_names(&passage, &|name| variables.has(name));
        let known = |text: &str| self.expand(text, body, variables);
        commands::lower_list(&[macros], shell::Options::default(), &known).into_iter().flatten().collect()
    }

    /// Variables that a text refers to and no file sets, and whose names say that they are secrets.
    pub(super) fn secrets(&self, node: Node<'t>, variables: &Variables<'_>, into: &mut Vec<SecretUse>) {
        for leaf in node.leaves() {
            let Some(text) = leaf.node.as_str().filter(|t| t.contains("$(")) else { continue };
            let passage = leaf.node.passage();
            for (at, _) in text.match_indices("$(") {
                let Some(len) = text[at..].find(')') else { break };
                let name = &text[at + 2..at + len];
                if is_macro(name) && is_secret(name) && !variables.has(&shell_name(name)) {
                    into.push(SecretUse { name: name.to_owned(), place: passage.span(at..at + len + 1) });
                }
            }
        }
    }
}

pub(super) fn plain(text: &str, place: Span) -> Word {
    Word { text: text.to_owned(), place, literal: !text.contains('$'), values: vec![text.to_owned()] }
}

/// A path below the sources, which predefined variables stand for.
fn relative(path: &str) -> String {
    let mut path = path.replace('\\', "/");
    for root in ["$(Build.SourcesDirectory)", "$(System.DefaultWorkingDirectory)", "$(Pipeline.Workspace)/s"]
    {
        path = path.replace(root, "");
    }
    path.trim_start_matches("./").trim_matches('/').to_owned()
}

/// Whether `$(name)` is a variable and no command of the shell: Azure puts in what it knows and leaves the rest
/// to the shell, whose commands have small letters.
fn is_macro(name: &str) -> bool {
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    word && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && (name.contains(['.', '_']) || name.bytes().any(|b| b.is_ascii_uppercase()))
}

/// The name under which a script sees a variable.
pub(super) fn shell_name(name: &str) -> String {
    name.replace(['.', '-'], "_")
}

/// Whether a group of variables is named after secrets.
pub(super) fn holds_secrets(group: &str) -> bool {
    let group = group.to_ascii_lowercase();
    ["secret", "credential", "creds", "vault", "password", "token"].iter().any(|word| group.contains(word))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "accesskey",
        "access_key",
        "credential",
        "pat",
    ];
    words.iter().any(|w| {
        if *w == "pat" {
            name == "pat" || name.ends_with("_pat") || name.ends_with("-pat")
        } else {
            name.contains(w)
        }
    }) && !name.starts_with("system.")
}

/// `$(Name.of.it)` as `${Name_of_it}`, which a shell reads as a variable; of equal length, so that places stay.
fn with_shell_names(passage: &Passage, set: &dyn Fn(&str) -> bool) -> Passage {
    let text = passage.text();
    if !text.contains("$(") {
        return passage.clone();
    }
    let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
    let mut from = 0;
    for (at, _) in text.match_indices("$(") {
        let Some(len) = text[at..].find(')') else { break };
        let name = &text[at + 2..at + len];
        if at < from || !is_macro(name) && !set(&shell_name(name)) {
            continue;
        }
        out.append(passage, from..at);
        out.push_meaning(&format!("${{{}}}", shell_name(name)), passage.span(at..at + len + 1).range());
        from = at + len + 1;
    }
    out.append(passage, from..text.len());
    out
}

/// The same for a text without places.
pub(super) fn shell_names(text: &str, set: &dyn Fn(&str) -> bool) -> String {
    with_shell_names(&Passage::contiguous(crate::text::FileId(0), text, 0), set).text().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_variables_and_commands_stay_commands() {
        for (text, read) in [
            ("echo $(Build.BuildId)", "echo ${Build_BuildId}"),
            ("x=$(pwd) y=$(imageTag)", "x=$(pwd) y=${imageTag}"),
            ("$(git rev-parse HEAD)", "$(git rev-parse HEAD)"),
            ("$(open", "$(open"),
            ("$(lower)$(upper)", "${lower}$(upper)"),
            ("$(a_b)$(C-d)", "${a_b}${C_d}"),
        ] {
            assert_eq!(shell_names(text, &|name| name == "lower"), read);
        }
        assert_eq!(relative("$(Build.SourcesDirectory)/a/b.sh"), "a/b.sh");
        assert!(
            is_secret("dbPassword")
                && is_secret("NPM_TOKEN")
                && !is_secret("path")
                && !is_secret("System.AccessToken")
        );
    }
}
