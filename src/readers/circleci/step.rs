//! Steps, and the commands that they are made of.
//! <https://circleci.com/docs/configuration-reference/#steps>

use super::Reading;
use super::condition::{holds, limits};
use super::parameters::{Arg, Scope};
use super::space::Found;
use crate::facts::*;
use crate::readers::commands;
use crate::readers::secrets;
use crate::readers::variables::Variables;
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::rc::Rc;

/// Commands within commands that are followed.
const DEEPEST: usize = 24;

/// Steps that the service itself knows.
const BUILT_IN: [&str; 11] = [
    "checkout",
    "setup_remote_docker",
    "save_cache",
    "restore_cache",
    "persist_to_workspace",
    "attach_workspace",
    "store_artifacts",
    "store_test_results",
    "add_ssh_keys",
    "setup_docker",
    "unless-changed",
];

/// What the steps of one job share.
pub(super) struct Machine<'v> {
    pub(super) variables: &'v Variables<'v>,
    /// The shell that `shell:` of the job or its executor names.
    pub(super) shell: Option<String>,
    pub(super) folder: Option<String>,
}

/// What holds around a list of steps.
#[derive(Clone, Default)]
pub(super) struct Around {
    condition: Option<Condition>,
    depth: usize,
}

impl<'t> Reading<'t, '_> {
    /// A list of steps.
    pub(super) fn steps(
        &self,
        list: Node<'t>,
        scope: &Rc<Scope<'t>>,
        machine: &Machine<'_>,
        around: &Around,
        out: &mut Vec<Step>,
    ) {
        if around.depth > DEEPEST {
            self.gap("its commands call one another deeper than is followed".into());
            return;
        }
        for item in list.one_or_more() {
            let Some(left) = self.steps_left.get().checked_sub(1) else {
                self.gap("its jobs have more steps than are read".into());
                return;
            };
            self.steps_left.set(left);
            self.step(item, scope, machine, around, out);
        }
    }

    fn step(
        &self,
        item: Node<'t>,
        scope: &Rc<Scope<'t>>,
        machine: &Machine<'_>,
        around: &Around,
        out: &mut Vec<Step>,
    ) {
        let inner = Around { depth: around.depth + 1, ..around.clone() };
        if item.kind() == Kind::Sequence {
            return self.steps(item, scope, machine, &inner, out);
        }
        if let Some(Arg::Node(steps, outer)) = item.as_str().and_then(|t| scope.whole(t)) {
            return self.steps(steps, &outer, machine, &inner, out);
        }
        let (key, body) = match item.kind() {
            Kind::Mapping => {
                let Some((key, body)) = item.merged_entries().into_iter().next() else { return };
                // `- run:` whose own keys are not indented below it.
                let body = if body.is_null() && item.get("command").is_some() { item } else { body };
                (key, Some(body).filter(|b| !b.is_null()))
            }
            _ => (item, None),
        };
        let Some(written) = key.as_str() else { return };
        let name = scope.fill(written);
        let found = scope.space.find("commands", &name);
        match (name.as_str(), body, found) {
            (_, _, Found::Here(definition, space)) => {
                let inside = Rc::new(Scope::inside(definition, space, body, scope));
                if let Some(steps) = definition.get("steps") {
                    self.steps(steps, &inside, machine, &inner, out);
                }
            }
            ("when" | "unless", Some(body), _) => self.guarded(&name, body, scope, machine, around, out),
            ("steps", Some(body), _) => match body.as_str().and_then(|t| scope.whole(t)) {
                Some(Arg::Node(steps, outer)) => self.steps(steps, &outer, machine, &inner, out),
                Some(Arg::Text(_)) => {}
                None => self.steps(body, scope, machine, &inner, out),
            },
            ("run" | "deploy", Some(body), _) => out.extend(self.run(item, body, scope, machine, around)),
            (_, _, Found::Outside(name, version)) => {
                let used = self.used(key, name, version, body, scope, machine.variables);
                out.push(self.block(item, used, scope, machine, around));
            }
            (name, _, _) => {
                if !BUILT_IN.contains(&name)
                    && !matches!(name, "run" | "deploy" | "when" | "unless" | "steps")
                {
                    self.gap(format!("the command `{name}` is defined nowhere"));
                }
                let mut used = self.used(key, name.to_owned(), None, body, scope, machine.variables);
                used.local = true;
                out.push(self.block(item, used, scope, machine, around));
            }
        }
    }

    /// Steps under `when` or `unless`: what never holds is not there, unless somebody wrote `false`.
    fn guarded(
        &self,
        word: &str,
        body: Node<'t>,
        scope: &Rc<Scope<'t>>,
        machine: &Machine<'_>,
        around: &Around,
        out: &mut Vec<Step>,
    ) {
        let (Some(condition), Some(steps)) = (body.get("condition"), body.get("steps")) else { return };
        let wanted = word == "when";
        let judged = holds(condition, scope, false, 0).map(|v| v == wanted);
        let mut inner = Around { depth: around.depth + 1, condition: around.condition.clone() };
        match judged {
            Some(true) => {}
            Some(false) if !matches!(condition.as_str(), Some("true" | "false")) => return,
            _ => {
                let mut own = Condition::new(condition.span(), shown(word, condition));
                own.never = judged == Some(false);
                if wanted {
                    let limits = limits(condition, scope, 0);
                    own.branches = limits.branches.unwrap_or_default();
                    own.events = limits.events.unwrap_or_default();
                }
                inner.condition = Some(own);
            }
        }
        self.steps(steps, scope, machine, &inner, out);
    }

    /// `run`, and `deploy`, its old name for deploys.
    /// <https://circleci.com/docs/configuration-reference/#run>
    fn run(
        &self,
        item: Node<'t>,
        body: Node<'t>,
        scope: &Rc<Scope<'t>>,
        machine: &Machine<'_>,
        around: &Around,
    ) -> Option<Step> {
        let command = if body.kind() == Kind::Mapping { body.get("command")? } else { body };
        command.as_str()?;
        let get = |key: &str| body.get(key).filter(|_| body.kind() == Kind::Mapping);
        let text = |key: &str| get(key).and_then(|n| Some(scope.fill(n.as_str()?)));
        let passage = scope.passage(command);
        let first = passage.text().lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("#!"));
        let mut step = Step::new(item.span(), text("name").unwrap_or_else(|| first.unwrap_or("").to_owned()));
        step.named = get("name").is_some();
        let settings =
            get("environment").map(|e| self.settings(e, scope, machine.variables)).unwrap_or_default();
        let mut variables = Variables::inside(machine.variables);
        settings.iter().for_each(|s| variables.set(&s.key, s.setting.possible().to_vec()));
        let shell = text("shell").or_else(|| machine.shell.clone());
        let name = shell.as_deref().unwrap_or("bash");
        step.commands = if name.contains("powershell") || name.contains("pwsh") || name.contains("cmd") {
            commands::lower_lines(&passage, &settings)
        } else if is_shell(name) {
            let known = |text: &str| variables.expand(text);
            let options = options(shell.as_deref(), passage.text());
            commands::lower_list(std::slice::from_ref(&passage), options, &known)
                .into_iter()
                .flatten()
                .collect()
        } else {
            Vec::new()
        };
        step.shell = shell;
        secrets::collect(&passage, &variables, &["CIRCLE_"], &mut step.secrets);
        for setting in &settings {
            if let Value::Known(text) | Value::Expr(text) = &setting.setting {
                secrets::collect_text(text, setting.place, &variables, &["CIRCLE_"], &mut step.secrets);
            }
        }
        step.settings = settings;
        step.folder = text("working_directory").or_else(|| machine.folder.clone()).and_then(|f| relative(&f));
        step.condition = around.condition.clone();
        match (text("when").as_deref(), get("when")) {
            (Some("on_fail"), Some(when)) => {
                let mut condition = Condition::new(when.span(), "when: on_fail".into());
                condition.on_failure = true;
                step.condition = Some(condition);
            }
            (Some("always"), Some(when)) => {
                let mut condition = Condition::new(when.span(), "when: always".into());
                condition.always = true;
                step.condition = Some(condition);
            }
            _ => {}
        }
        if text("background").as_deref() == Some("true")
            && let (Some(key), Some(value)) = (body.key("background"), get("background"))
        {
            let place = key.span().join(value.span());
            step.tolerated = Some(Tolerance { place, how: How::Background, applies: Value::Known(true) });
        }
        Some(step)
    }

    /// A step that is a command of an orb, or of the service.
    fn block(
        &self,
        item: Node<'t>,
        used: Use,
        scope: &Rc<Scope<'t>>,
        machine: &Machine<'_>,
        around: &Around,
    ) -> Step {
        let label = used.input("name").map(|n| n.value.text()).filter(|_| !used.local);
        let mut step = Step::new(item.span(), label.unwrap_or_else(|| used.name.clone()));
        step.condition = around.condition.clone();
        for leaf in item.leaves().filter(|l| l.node.as_str().is_some_and(|t| t.contains('$'))).take(200) {
            let passage = scope.passage(leaf.node);
            secrets::collect(&passage, machine.variables, &["CIRCLE_"], &mut step.secrets);
        }
        let when = used.input("when").map(|w| (w.value.text(), w.span));
        if let Some((text, place)) = when
            && matches!(text.as_str(), "on_fail" | "always")
        {
            let mut condition = Condition::new(place, format!("when: {text}"));
            condition.on_failure = text == "on_fail";
            condition.always = text == "always";
            step.condition = Some(condition);
        }
        step.uses = Some(used);
        step
    }

    /// A building block with its inputs.
    pub(super) fn used(
        &self,
        key: Node<'t>,
        name: String,
        version: Option<String>,
        body: Option<Node<'t>>,
        scope: &Rc<Scope<'t>>,
        variables: &Variables<'_>,
    ) -> Use {
        let fields = body.filter(|b| b.kind() == Kind::Mapping).map(|b| b.merged_entries());
        let inputs = fields.unwrap_or_default().into_iter().filter_map(|(key, value)| {
            let name = key.spanned()?;
            let text = match value.kind() {
                Kind::Scalar => self.value(value, scope, variables),
                Kind::Sequence => {
                    let all: Vec<String> =
                        value.items().take(50).filter_map(|v| Some(scope.fill(v.as_str()?))).collect();
                    Value::Known(all.join("\n"))
                }
                _ => return None,
            };
            Some(Argument { name, value: Spanned::new(text, value.span()) })
        });
        Use {
            place: key.span(),
            sort: UseKind::Action,
            name,
            version: version.map(|v| Spanned::new(v, key.span())),
            local: false,
            inputs: inputs.collect(),
            unresolved: None,
        }
    }

    /// What a scalar stands for.
    pub(super) fn value(
        &self,
        node: Node<'t>,
        scope: &Scope<'t>,
        variables: &Variables<'_>,
    ) -> Value<String> {
        variables.resolve(&scope.fill(node.as_str().unwrap_or("")))
    }

    /// `environment:`, a mapping or a list of mappings.
    pub(super) fn settings(
        &self,
        environment: Node<'t>,
        scope: &Scope<'t>,
        variables: &Variables<'_>,
    ) -> Vec<Setting> {
        let maps = environment.one_or_more().filter(|m| m.kind() == Kind::Mapping);
        maps.flat_map(|m| m.merged_entries())
            .filter_map(|(key, value)| {
                let name = key.as_str()?.to_owned();
                value.as_str()?;
                Some(Setting {
                    place: value.span(),
                    path: format!("environment.{name}"),
                    key: name,
                    setting: self.value(value, scope, variables),
                    source: SettingSource::Pipeline,
                    target: None,
                    key_place: key.span(),
                })
            })
            .collect()
    }
}

/// A statement in few words.
pub(super) fn shown(word: &str, condition: Node<'_>) -> String {
    let text = match condition.as_str() {
        Some(text) => text.to_owned(),
        None => condition.raw().split_whitespace().collect::<Vec<_>>().join(" "),
    };
    format!("{word}: {}", crate::text::shorten(&text, 200))
}

fn is_shell(shell: &str) -> bool {
    let program = shell.split_whitespace().find(|w| !w.ends_with("env")).unwrap_or("bash");
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    matches!(program.trim_end_matches(".exe"), "bash" | "sh" | "dash" | "ash" | "zsh" | "ksh")
}

/// Without `shell` a text runs under `bash -eo pipefail`; one that begins with `#!` chooses for itself.
/// <https://circleci.com/docs/configuration-reference/#default-shell-options>
fn options(shell: Option<&str>, text: &str) -> shell::Options {
    let first = text.lines().next().filter(|l| l.starts_with("#!"));
    let Some(words) = first.map(|l| l.trim_start_matches("#!")).or(shell) else {
        return shell::Options { errexit: Some(true), pipefail: Some(true) };
    };
    let mut options = shell::Options { errexit: Some(false), pipefail: Some(false) };
    for word in words.split_whitespace() {
        options.pipefail = Some(options.pipefail == Some(true) || word == "pipefail");
        if word.starts_with('-') && !word.starts_with("--") && word.contains('e') {
            options.errexit = Some(true);
        }
    }
    options
}

/// A folder below the sources, which lie in `~/project` unless the job says otherwise.
pub(super) fn relative(folder: &str) -> Option<String> {
    let folder = ["~/project", "/home/circleci/project", "$CIRCLE_WORKING_DIRECTORY", "./"]
        .iter()
        .fold(folder, |f, root| f.strip_prefix(root).unwrap_or(f))
        .trim_matches('/');
    (!folder.is_empty() && folder != "." && !folder.starts_with(['~', '$'])).then(|| folder.to_owned())
}

/// From a key to the end of its value.
pub(super) fn entry(holder: Node<'_>, key: &str) -> Option<Span> {
    Some(holder.key(key)?.span().join(holder.get(key)?.use_span()))
}
