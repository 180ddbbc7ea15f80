//! Steps: an image with commands, or a plugin with settings.
//! <https://docs.drone.io/pipeline/docker/syntax/steps/>

use super::condition::When;
use super::{Reading, Service, depends};
use crate::facts::*;
use crate::readers::variables::{self, Variables};
use crate::readers::{commands, secrets};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Passage, Span, Spanned, shorten};

/// Commands become a script of `/bin/sh` under `set -e`.
const OPTIONS: shell::Options = shell::Options { errexit: Some(true), pipefail: Some(false) };

/// Names that begin so are the service's own.
const OWN: &[&str] = &["DRONE_", "CI_", "PLUGIN_"];

/// Steps of one pipeline.
const MOST_STEPS: usize = 5_000;

/// Keys of a step that are no settings of its plugin, in the format that has both side by side.
const KEYS: &[&str] = &[
    "name",
    "image",
    "commands",
    "command",
    "entrypoint",
    "environment",
    "when",
    "depends_on",
    "failure",
    "detach",
    "privileged",
    "pull",
    "volumes",
    "user",
    "working_dir",
    "directory",
    "secrets",
    "group",
    "settings",
    "network_mode",
    "resources",
    "dns",
    "mem_limit",
    "cpu_quota",
    "backend_options",
];

/// A step before the order is known.
pub(super) struct Member {
    pub(super) job: Job,
    /// `depends_on`, if it is there.
    pub(super) depends: Option<Vec<(Spanned<String>, bool)>>,
    /// Steps of one group run side by side.
    pub(super) group: Option<String>,
}

/// Variables with values, and those that the secret store fills.
pub(super) type Environment = (Vec<Setting>, Vec<(String, SecretUse)>);

impl<'t> Reading<'_, 't> {
    pub(super) fn members(
        &self,
        steps: Node<'t>,
        variables: &Variables<'_>,
        around: Option<&When>,
    ) -> Vec<Member> {
        let named: Vec<(Option<Node<'t>>, Node<'t>)> = match steps.kind() {
            Kind::Mapping => steps.merged_entries().into_iter().map(|(k, v)| (Some(k), v)).collect(),
            _ => steps.items().map(|s| (s.get("name"), s)).collect(),
        };
        let all = named.into_iter().filter(|(_, s)| s.kind() == Kind::Mapping).take(MOST_STEPS);
        all.enumerate().map(|(i, (name, step))| self.member(name, step, i, variables, around)).collect()
    }

    fn member(
        &self,
        name: Option<Node<'t>>,
        step: Node<'t>,
        number: usize,
        outer: &Variables<'_>,
        around: Option<&When>,
    ) -> Member {
        let text = |key: &str| step.get(key).and_then(|n| n.as_str());
        let place = name.or(step.get("image")).map_or(step.span(), |n| n.span());
        let name = name.and_then(|n| n.as_str()).map(str::to_owned);
        let id = name.clone().unwrap_or_else(|| format!("step {}", number + 1));
        let mut job = Job::new(place, step.span(), id.clone(), id);
        let when = step.get("when").and_then(|w| When::read(w, self.text.environments));
        job.condition =
            when.as_ref().map(When::condition).filter(|_| !step.get("when").is_some_and(is_usual));
        if let Some(around) = around.map(When::condition).filter(|c| c.on_failure || c.always || c.never) {
            job.condition.get_or_insert(around);
        }
        let target = when.as_ref().and_then(|w| w.target.as_ref());
        job.target = target.or(around.and_then(|w| w.target.as_ref())).cloned();
        let mut variables = Variables::inside(outer);
        if let Some(target) = target {
            for variable in ["DRONE_DEPLOY_TO", "CI_PIPELINE_DEPLOY_TARGET"] {
                variables.set(variable, target.name.possible().to_vec());
            }
        }
        let (settings, mut secrets) =
            step.get("environment").map(|e| environment(e, &variables)).unwrap_or_default();
        settings.iter().for_each(|s| variables.set(&s.key, s.setting.possible().to_vec()));
        secrets.extend(step.get("secrets").into_iter().flat_map(listed_secrets));
        secrets.iter().for_each(|(name, _)| variables.set(name, Vec::new()));
        job.settings = settings;
        job.secrets = secrets.into_iter().map(|(_, s)| s).collect();
        let image = step.get("image").and_then(|n| Some(self::image(n.as_str()?, n.span(), &variables)));
        let mut run = Step::new(step.span(), String::new());
        let scripts: Vec<Node<'t>> = step
            .get("commands")
            .into_iter()
            .flat_map(|c| c.one_or_more())
            .filter(|n| n.as_str().is_some())
            .take(MOST_STEPS)
            .collect();
        if scripts.is_empty() && step.get("entrypoint").is_none() && step.get("command").is_none() {
            run.uses = image.as_ref().map(|image| plugin(image, step, &variables, &mut job.secrets));
        } else {
            let passages: Vec<Passage> = scripts.iter().map(|s| variables::unescaped(&s.passage())).collect();
            for passage in &passages {
                secrets::collect(passage, &variables, OWN, &mut job.secrets);
            }
            let known = |text: &str| variables.expand(text);
            run.commands = commands::lower_list(&passages, OPTIONS, &known).into_iter().flatten().collect();
            let first = passages.iter().flat_map(|p| p.text().lines()).map(str::trim).find(|l| !l.is_empty());
            run.name = first.map(|l| shorten(l, 80)).unwrap_or_default();
        }
        if let Some(host) = self.remote() {
            run.commands.iter_mut().for_each(|c| c.remote = Some(host.clone()));
        }
        run.named = name.is_some();
        run.name = name.unwrap_or(run.name);
        run.folder = text("directory")
            .or(text("working_dir"))
            .filter(|d| !d.starts_with('/'))
            .map(|d| d.trim_start_matches("./").trim_end_matches('/').to_owned());
        run.secrets = job.secrets.clone();
        job.images.extend(image);
        job.steps.push(run);
        job.steps.extend(self.rollback(when.as_ref(), around, place));
        job.tolerated = tolerance(step);
        job.runner = self.runners();
        job.lock = self.lock();
        Member { job, depends: depends(step), group: text("group").map(str::to_owned) }
    }

    /// The machine to which `type: ssh` sends every command.
    /// <https://docs.drone.io/pipeline/ssh/overview/>
    fn remote(&self) -> Option<String> {
        if self.document.get("type").and_then(|t| t.as_str()) != Some("ssh") {
            return None;
        }
        let host = self.document.at(&["server", "host"])?;
        let secret = host.get("from_secret").and_then(|s| s.as_str()).map(|s| format!("${{{s}}}"));
        host.as_str().map(str::to_owned).or(secret)
    }

    /// `event: rollback` runs it with an earlier build.
    /// <https://docs.drone.io/promote/#rollback>
    fn rollback(&self, when: Option<&When>, around: Option<&When>, place: Span) -> Option<Step> {
        let named = |w: &When| w.events().iter().any(|e| e == "rollback");
        let own = when.is_some_and(named)
            || when.is_none_or(|w| w.events().is_empty()) && around.is_some_and(named);
        if self.service != Service::Drone || !own {
            return None;
        }
        let mut step = Step::new(place, "rollback".into());
        step.uses = Some(Use {
            place,
            sort: UseKind::Action,
            name: "Drone/rollback".into(),
            version: None,
            local: true,
            inputs: Vec::new(),
            unresolved: None,
        });
        Some(step)
    }
}

/// An image with what is known of its variables.
pub(super) fn image(written: &str, place: Span, variables: &Variables<'_>) -> Use {
    match variables.resolve(written) {
        Value::Known(known) => commands::image_use(&known, place),
        _ => commands::image_use(written, place),
    }
}

/// An image that brings its own program, and the settings that it is given.
fn plugin(image: &Use, step: Node<'_>, variables: &Variables<'_>, secrets: &mut Vec<SecretUse>) -> Use {
    let settings = step.get("settings").map(|s| s.merged_entries()).unwrap_or_default();
    let beside =
        step.merged_entries().into_iter().filter(|(k, _)| !k.as_str().is_some_and(|k| KEYS.contains(&k)));
    let mut inputs: Vec<Argument> = Vec::new();
    for (name, value) in settings.into_iter().chain(beside) {
        let Some(name) = name.spanned() else { continue };
        let told = match value.kind() {
            Kind::Sequence => {
                let texts: Vec<&str> = value.items().take(50).filter_map(|v| v.as_str()).collect();
                variables.resolve(&texts.join("\n"))
            }
            Kind::Scalar => variables.resolve(variables::unescaped(&value.passage()).text()),
            _ => match value.get("from_secret").filter(|s| s.as_str().is_some()) {
                Some(secret) => {
                    let name = secret.as_str().unwrap_or("").to_owned();
                    let told = Value::Expr(format!("${{{name}}}"));
                    secrets.push(SecretUse { name, place: secret.span() });
                    told
                }
                None => Value::Known(String::new()),
            },
        };
        inputs.push(Argument { name, value: Spanned::new(told, value.span()) });
    }
    inputs.extend(reference(&inputs));
    Use { sort: UseKind::Action, inputs, ..image.clone() }
}

/// `repo` and `tags` of plugins that build images, as the references that they make.
fn reference(inputs: &[Argument]) -> Option<Argument> {
    let input = |name: &str| inputs.iter().find(|a| a.name.value == name);
    if input("image").is_some() {
        return None;
    }
    let repo = input("repo")?;
    let tags = input("tags").or(input("tag"));
    let text = match tags {
        Some(tags) => {
            let all = tags.value.value.text();
            let all = all.split(['\n', ',']).map(str::trim).filter(|t| !t.is_empty());
            all.map(|tag| format!("{}:{tag}", repo.value.value.text())).collect::<Vec<_>>().join("\n")
        }
        None => repo.value.value.text(),
    };
    let place = tags.unwrap_or(repo).value.span;
    let name = Spanned::new("image".to_owned(), place);
    let told = if text.contains('$') { Value::Expr(text) } else { Value::Known(text) };
    Some(Argument { name, value: Spanned::new(told, place) })
}

/// `environment`, a mapping or a list of `NAME=value`.
pub(super) fn environment(node: Node<'_>, variables: &Variables<'_>) -> Environment {
    let (mut settings, mut secrets) = Environment::default();
    let setting = |name: &str, value: &str, place: Span, key_place: Span| Setting {
        place,
        key: name.to_owned(),
        path: format!("environment.{name}"),
        setting: variables.resolve(value),
        source: SettingSource::Pipeline,
        target: None,
        key_place,
    };
    if node.kind() == Kind::Sequence {
        for item in node.items().take(1_000) {
            let Some((name, value)) = item.as_str().and_then(|t| t.split_once('=')) else { continue };
            let passage = item.passage();
            let end = passage.text().len();
            let at = (name.len() + 1).min(end);
            settings.push(setting(name, value, passage.span(at..end), passage.span(0..name.len().min(end))));
        }
        return (settings, secrets);
    }
    for (key, value) in node.merged_entries() {
        let Some(name) = key.as_str() else { continue };
        if let Some(secret) = value.get("from_secret").and_then(|s| s.spanned()) {
            secrets.push((name.to_owned(), SecretUse { name: secret.value, place: secret.span }));
        } else if value.as_str().is_some() {
            let passage = variables::unescaped(&value.passage());
            settings.push(setting(name, passage.text(), value.span(), key.span()));
        }
    }
    (settings, secrets)
}

/// `secrets` of the old format: names, or mappings from a name in the store to a variable.
fn listed_secrets(list: Node<'_>) -> Vec<(String, SecretUse)> {
    let all = list.one_or_more().take(1_000).filter_map(|n| match n.kind() {
        Kind::Mapping => {
            let source = n.get("source")?.spanned()?;
            let target = n.get("target").and_then(|t| t.as_str()).unwrap_or(&source.value).to_owned();
            Some((target.to_ascii_uppercase(), source))
        }
        _ => n.spanned().map(|s| (s.value.to_ascii_uppercase(), s)),
    });
    all.map(|(variable, s)| (variable, SecretUse { name: s.value, place: s.span })).collect()
}

/// `status: success` says what holds anyway.
fn is_usual(when: Node<'_>) -> bool {
    let status = |n: Node<'_>| n.one_or_more().all(|s| s.as_str() == Some("success"));
    when.one_or_more().all(|f| {
        f.kind() == Kind::Mapping
            && f.merged_entries().iter().all(|(k, v)| k.as_str() == Some("status") && status(*v))
    })
}

/// `failure: ignore`; what is detached is not waited for.
fn tolerance(step: Node<'_>) -> Option<Tolerance> {
    let at = |key: &str, value: &str| {
        let node = step.get(key).filter(|n| n.as_str() == Some(value))?;
        Some(step.key(key)?.span().join(node.use_span()))
    };
    let applies = Value::Known(true);
    match (at("failure", "ignore"), at("detach", "true")) {
        (Some(place), _) => Some(Tolerance { place, how: How::Key, applies }),
        (None, Some(place)) => Some(Tolerance { place, how: How::Background, applies }),
        _ => None,
    }
}
