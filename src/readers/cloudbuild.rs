//! Google Cloud Build. Every step is a job of its own, so that the order of steps is the order of jobs.
//! <https://cloud.google.com/build/docs/build-config-file-schema>

#[cfg(test)]
mod tests;

use super::names;
use super::program::{builder, is_shell, options, script_argument};
use super::variables::{Variables, unescaped};
use super::{Parsed, Text, Want, commands};
use crate::facts::*;
use crate::source::UnreadClass;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::{json, yaml};
use crate::text::{Span, Spanned, shorten};
use std::collections::HashMap;

/// The file's name is free; these are the usual ones.
pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let format = [".yaml", ".yml", ".json"].iter().any(|e| name.ends_with(e));
    let folder = path.split('/').rev().nth(1) == Some(".cloudbuild");
    format && (folder || name.starts_with("cloudbuild") || name.starts_with(".cloudbuild"))
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = match text.path.ends_with(".json") {
        true => json::parse(text.file, text.text),
        false => yaml::parse(text.file, text.text, yaml::Mask::None),
    };
    parsed.problems.extend(super::names::every_problem(&tree, "a build configuration"));
    let root = tree.root().filter(|r| r.kind() == Kind::Mapping);
    let Some((root, steps)) = root.and_then(|r| Some((r, r.key("steps")?))) else {
        if parsed.problems.is_empty() && !text.text.trim().is_empty() {
            parsed.problems.push((UnreadClass::Unparsed, "the build has no `steps`".into()));
        }
        return parsed;
    };
    let build = Build::new(root);
    let pipeline = build.pipeline(text, &tree, steps);
    parsed.wants = wants(&pipeline);
    let images = pipeline.jobs.iter().flat_map(|j| &j.images);
    parsed.facts.base_images = images.map(|u| commands::base_image(u, SettingSource::Pipeline)).collect();
    parsed.facts.pipelines.push(pipeline);
    parsed
}

/// Scripts that steps call by path.
fn wants(pipeline: &Pipeline) -> Vec<Want> {
    let steps = pipeline.jobs.iter().flat_map(|j| &j.steps);
    steps
        .flat_map(|s| s.commands.iter().filter_map(|c| commands::called_script(c, s.folder.as_deref())))
        .collect()
}

/// What all steps share.
struct Build<'t> {
    root: Node<'t>,
    substitutions: Variables<'t>,
    settings: Vec<Setting>,
    /// Names in the secret store, by the variable that a step sees.
    secrets: HashMap<String, String>,
}

impl<'t> Build<'t> {
    fn new(root: Node<'t>) -> Build<'t> {
        let mut substitutions = Variables::default();
        let mut settings = Vec::new();
        let written = root.get("substitutions").map(|s| s.merged_entries()).unwrap_or_default();
        for (key, value) in &written {
            if let (Some(name), Some(text)) = (key.as_str(), value.as_str()) {
                substitutions.set(name, vec![text.to_owned()]);
            }
        }
        for (key, value) in written {
            let Some(name) = key.as_str() else { continue };
            settings.push(setting(
                name,
                "substitutions",
                value,
                substitutions.resolve(value.as_str().unwrap_or("")),
                key.span(),
            ));
        }
        let shared = root.at(&["options", "env"]);
        settings.extend(env(shared, "options.env", &substitutions));
        let mut secrets = HashMap::new();
        let stored = root.at(&["availableSecrets", "secretManager"]);
        for secret in stored.into_iter().flat_map(|s| s.items()) {
            let text = |key: &str| secret.get(key).and_then(|n| n.as_str());
            if let (Some(variable), Some(version)) = (text("env"), text("versionName")) {
                let name = version.split("/secrets/").nth(1).and_then(|n| n.split('/').next());
                secrets.insert(variable.to_owned(), name.unwrap_or(version).to_owned());
            }
        }
        Build { root, substitutions, settings, secrets }
    }

    fn pipeline(&self, text: &Text<'_>, tree: &Tree, steps: Node<'t>) -> Pipeline {
        let nodes: Vec<Node<'t>> = self.root.get("steps").into_iter().flat_map(|s| s.items()).collect();
        let mut jobs: Vec<Job> = Vec::new();
        for (number, node) in nodes.iter().filter(|n| n.kind() == Kind::Mapping).enumerate() {
            jobs.push(self.job(*node, number));
        }
        self.connect(&mut jobs, &nodes);
        jobs.extend(self.results(jobs.len(), &jobs));
        let stored = self.root.at(&["availableSecrets", "secretManager"]).into_iter().flat_map(|s| s.items());
        let secrets = stored.filter_map(|s| {
            let variable = s.get("env")?.as_str()?;
            Some(SecretUse { name: self.secrets.get(variable)?.clone(), place: s.get("versionName")?.span() })
        });
        Pipeline {
            place: steps.span(),
            name: text.path.to_owned(),
            dialect: Dialect::CloudBuild,
            role: Role::Entry,
            // Which event starts a build is a setting of the service.
            triggers: vec![Trigger::new(TriggerKind::Other, "build", steps.span())],
            settings: self.settings.clone(),
            secrets: secrets.collect(),
            permissions: Vec::new(),
            includes: Vec::new(),
            complete: tree.errors().is_empty(),
            commented: commented(tree),
            jobs,
            parts: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// One step as a job.
    fn job(&self, node: Node<'t>, number: usize) -> Job {
        let text = |key: &str| node.get(key).and_then(|n| n.as_str());
        let settings = env(node.get("env"), "env", &self.substitutions);
        let mut variables = Variables::inside(&self.substitutions);
        for setting in self.settings.iter().filter(|s| s.path.starts_with("options.")).chain(&settings) {
            variables.set(&setting.key, setting.setting.possible().to_vec());
        }
        let image = node.get("name").and_then(|n| Some((n, n.as_str()?)));
        let commands = self.commands(node, image.map_or("", |i| i.1), &variables);
        let named = text("id").map(str::to_owned);
        let derived =
            commands.first().map_or_else(|| image.map_or("", |i| i.1).to_owned(), |c| c.line.clone());
        // Without an id the first words of what it runs have to do: a whole command line is no name.
        let name = named.clone().unwrap_or_else(|| {
            let words: Vec<&str> = derived.lines().next().unwrap_or("").split_whitespace().take(4).collect();
            shorten(&words.join(" "), 60)
        });
        let listed = [node.get("secretEnv"), self.root.at(&["options", "secretEnv"])];
        let secrets: Vec<SecretUse> = listed
            .into_iter()
            .flatten()
            .flat_map(|l| l.one_or_more())
            .filter_map(|n| {
                let variable = n.as_str()?;
                let name = self.secrets.get(variable).map_or(variable, String::as_str);
                Some(SecretUse { name: name.to_owned(), place: n.span() })
            })
            .collect();
        let place = node.get("id").or(node.get("name")).map_or(node.span(), |n| n.span());
        let tolerated = tolerance(node);
        let step = Step {
            named: named.is_some(),
            uses: image.map(|(n, i)| self.image(n, i)),
            commands,
            settings: settings.clone(),
            secrets: secrets.clone(),
            folder: text("dir").map(|d| d.trim_start_matches("./").trim_end_matches('/').to_owned()),
            id: named.clone(),
            ..Step::new(node.span(), name.clone())
        };
        let mut job = Job::new(place, node.span(), named.unwrap_or_else(|| format!("#{number}")), name);
        job.tolerated = tolerated;
        job.images = image.map(|(n, i)| self.image(n, i)).into_iter().collect();
        job.settings = settings;
        job.secrets = secrets;
        job.steps = vec![step];
        let pool = self.root.get("options").and_then(|o| o.at(&["pool", "name"]).or(o.get("machineType")));
        job.runner = pool.and_then(|n| n.spanned()).into_iter().collect();
        let timeout = text("timeout").or(self.root.get("timeout").and_then(|n| n.as_str()));
        job.timeout_minutes = timeout.and_then(minutes);
        job
    }

    fn image(&self, node: Node<'_>, written: &str) -> Use {
        let reference = match self.substitutions.resolve(written) {
            Value::Known(known) => known,
            _ => written.to_owned(),
        };
        commands::image_use(&reference, node.span())
    }

    fn commands(&self, node: Node<'t>, image: &str, variables: &Variables<'_>) -> Vec<Command> {
        let known = |text: &str| variables.expand(text);
        if let Some(script) = node.get("script").filter(|s| s.as_str().is_some()) {
            // Without a `#!` line it is `/bin/sh`, without any option.
            let first = script
                .as_str()
                .and_then(|s| s.lines().next())
                .filter(|l| l.starts_with("#!"))
                .unwrap_or("#!/bin/sh");
            let words = first.trim_start_matches("#!").split_whitespace();
            let shell = words.clone().any(is_shell);
            let options = options(words);
            let run =
                || commands::lower_list(&[script.passage()], options, &known).into_iter().flatten().collect();
            return if shell { run() } else { Vec::new() };
        }
        let args: Vec<Node<'t>> = node.get("args").into_iter().flat_map(|a| a.one_or_more()).collect();
        let mut words: Vec<Word> = args
            .iter()
            .filter_map(|a| {
                let text = a.as_str()?;
                let values = variables.expand(text);
                let literal = values.len() == 1 && values[0] == text && !text.contains('$');
                Some(Word { text: text.to_owned(), place: a.span(), literal, values })
            })
            .collect();
        let entrypoint = node.get("entrypoint").and_then(|n| n.as_str());
        let program = match entrypoint {
            Some(entrypoint) => entrypoint.to_owned(),
            None => match builder(image) {
                Some(program) => program,
                None if words.is_empty() => return Vec::new(),
                None => words.remove(0).text,
            },
        };
        if is_shell(&program) {
            let texts: Vec<&str> = args.iter().map(|a| a.as_str().unwrap_or("")).collect();
            if let Some(at) = script_argument(&texts) {
                let options = options(texts[..at].iter().copied());
                let passage = unescaped(&args[at].passage());
                return commands::lower_list(&[passage], options, &known).into_iter().flatten().collect();
            }
        }
        let mut command = commands::implied(&program, words, node.span());
        command.program = program.rsplit('/').next().unwrap_or(&program).to_owned();
        vec![command]
    }

    /// A step waits for all before it, or for those that `waitFor` names; `-` is the build's start.
    /// <https://cloud.google.com/build/docs/configuring-builds/configure-build-step-order>
    fn connect(&self, jobs: &mut [Job], nodes: &[Node<'t>]) {
        let index: HashMap<String, u32> =
            jobs.iter().enumerate().map(|(i, j)| (j.id.clone(), i as u32)).collect();
        let nodes: Vec<&Node<'t>> = nodes.iter().filter(|n| n.kind() == Kind::Mapping).collect();
        // Steps that nothing later is known to wait for: whoever waits for these waits for all.
        let mut open: Vec<u32> = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            let Some(waits) = node.get("waitFor") else {
                jobs[i].needs = implied(&std::mem::take(&mut open), jobs, jobs[i].place);
                open.push(i as u32);
                continue;
            };
            let named = waits.one_or_more().filter_map(|n| n.spanned()).filter(|n| n.value != "-");
            let need = |n: Spanned<String>| {
                let job = index.get(&n.value).copied().filter(|&j| (j as usize) < i);
                Need { place: n.span, job, name: n.value, optional: false, order_only: false }
            };
            jobs[i].needs = named.map(need).collect();
            open.push(i as u32);
        }
    }

    /// What the service stores once all steps have run: `images` and `artifacts`, as the commands that
    /// would do the same.
    fn results(&self, count: usize, jobs: &[Job]) -> Vec<Job> {
        let word = |text: &str, place: Span| Word {
            text: text.to_owned(),
            place,
            literal: !text.contains('$'),
            values: self.substitutions.expand(text),
        };
        let last: Vec<u32> = (0..count as u32)
            .filter(|i| !jobs.iter().any(|j| j.needs.iter().any(|n| n.job == Some(*i))))
            .collect();
        let mut all = Vec::new();
        let mut result = |key: &str, node: Node<'t>, commands: Vec<Command>, transfers: Vec<Transfer>| {
            let Some(name) = node.key(key) else { return };
            let value = node.get(key).map_or(name.span(), |v| v.span());
            let mut job = Job::new(name.span(), name.span().join(value), key.to_owned(), key.to_owned());
            job.needs = implied(&last, jobs, name.span());
            job.transfers = transfers;
            job.steps = vec![Step { named: true, commands, ..Step::new(job.body, key.to_owned()) }];
            all.push(job);
        };
        let images = self.root.get("images").into_iter().flat_map(|i| i.one_or_more());
        let pushes: Vec<Command> = images
            .filter_map(|n| {
                let image = n.as_str()?;
                Some(commands::implied(
                    "docker",
                    vec![word("push", n.span()), word(image, n.span())],
                    n.span(),
                ))
            })
            .collect();
        if !pushes.is_empty() {
            result("images", self.root, pushes, Vec::new());
        }
        let Some(artifacts) = self.root.get("artifacts") else { return all };
        if let Some(objects) = artifacts.get("objects") {
            let paths = objects.get("paths").into_iter().flat_map(|p| p.one_or_more());
            let location = objects.get("location");
            let transfer = Transfer {
                place: objects.span(),
                up: true,
                name: self.substitutions.resolve(location.and_then(|l| l.as_str()).unwrap_or("")),
                paths: paths.filter_map(|p| p.spanned()).collect(),
                retention_days: None,
            };
            result("objects", artifacts, Vec::new(), vec![transfer]);
        }
        for (key, program, words) in [
            ("pythonPackages", "twine", &["upload"][..]),
            ("npmPackages", "npm", &["publish"][..]),
            ("mavenArtifacts", "mvn", &["deploy:deploy-file"][..]),
        ] {
            let packages = artifacts.get(key).into_iter().flat_map(|p| p.one_or_more());
            let uploads: Vec<Command> = packages
                .map(|p| {
                    let repository = p.get("repository").and_then(|r| Some(word(r.as_str()?, r.span())));
                    let words = words.iter().map(|w| word(w, p.span())).chain(repository);
                    commands::implied(program, words.collect(), p.span())
                })
                .collect();
            if !uploads.is_empty() {
                result(key, artifacts, uploads, Vec::new());
            }
        }
        all
    }
}

fn implied(on: &[u32], jobs: &[Job], place: Span) -> Vec<Need> {
    on.iter()
        .map(|&job| Need {
            place,
            job: Some(job),
            name: jobs[job as usize].id.clone(),
            optional: false,
            order_only: false,
        })
        .collect()
}

fn tolerance(node: Node<'_>) -> Option<Tolerance> {
    let place = |key: &str| Some(node.key(key)?.span().join(node.get(key)?.use_span()));
    if node.get("allowFailure").and_then(|a| a.as_str()) == Some("true") {
        return Some(Tolerance { place: place("allowFailure")?, how: How::Key, applies: Value::Known(true) });
    }
    let codes: Vec<&str> = node
        .get("allowExitCodes")
        .into_iter()
        .flat_map(|c| c.one_or_more())
        .filter_map(|c| c.as_str())
        .collect();
    let applies = Value::Expr(format!("exit codes {}", codes.join(", ")));
    (!codes.is_empty())
        .then(|| Some(Tolerance { place: place("allowExitCodes")?, how: How::Key, applies }))?
}

/// `env:`, a list of `NAME=value`.
fn env(list: Option<Node<'_>>, path: &str, substitutions: &Variables<'_>) -> Vec<Setting> {
    let items = list.into_iter().flat_map(|l| l.one_or_more());
    items
        .filter_map(|item| {
            let (name, value) = item.as_str()?.split_once('=')?;
            let passage = item.passage();
            let (name_end, end) = (name.len(), passage.text().len());
            let mut setting =
                setting(name, path, item, substitutions.resolve(value), passage.span(0..name_end));
            setting.place = passage.span((name_end + 1).min(end)..end);
            Some(setting)
        })
        .collect()
}

fn setting(name: &str, path: &str, node: Node<'_>, value: Value<String>, key_place: Span) -> Setting {
    Setting {
        place: node.span(),
        key: name.to_owned(),
        path: format!("{path}.{name}"),
        setting: value,
        source: SettingSource::Pipeline,
        target: None,
        key_place,
    }
}

/// Minutes of a duration in seconds, `1200s`.
fn minutes(text: &str) -> Option<u32> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    (seconds >= 0.0).then(|| (seconds / 60.0).ceil() as u32)
}

/// Commented-out lines that look like parts of a step.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    const KEYS: [&str; 5] = ["- name:", "name:", "args:", "entrypoint:", "script:"];
    names::commented(tree, |body| KEYS.iter().any(|key| body.starts_with(key)).then_some(body))
}
