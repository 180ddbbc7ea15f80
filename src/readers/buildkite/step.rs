//! Steps: each is a job of the model.
//! <https://buildkite.com/docs/pipelines/configure/step-types>

use super::{Reading, Uploaded, condition, uploaded};
use crate::facts::*;
use crate::readers::variables::{self, Variables};
use crate::readers::{commands, matrix, secrets};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Passage, Span, Spanned, shorten};
use std::collections::BTreeMap;

/// An agent runs commands with `/bin/bash -e -c`.
/// <https://buildkite.com/docs/agent/v3/configuration#shell>
const OPTIONS: shell::Options = shell::Options { errexit: Some(true), pipefail: Some(false) };

/// Names that begin so are the service's own.
const OWN: &[&str] = &["BUILDKITE_"];

/// What sort of step a job comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// It runs something, or asks without holding up what stands below.
    Run,
    /// A person must let go on what stands below.
    Block,
    /// It is no job: what stands below waits for what stands above.
    Wait,
}

/// A step before the order is known.
pub(super) struct Member {
    pub(super) job: Job,
    pub(super) sort: Sort,
    /// Names by which others depend on it: its own, and its group's.
    pub(super) keys: Vec<String>,
    /// `depends_on`, if it is there: an empty one waits for nothing.
    pub(super) depends: Option<Vec<Spanned<String>>>,
    /// It, or what stands below a `wait`, runs after a failure too.
    pub(super) after_failure: Option<Condition>,
}

/// What a step takes over from its group.
#[derive(Default)]
struct Group {
    label: Option<String>,
    keys: Vec<String>,
    depends: Option<Vec<Spanned<String>>>,
    condition: Option<Condition>,
}

impl<'t> Reading<'_, 't> {
    pub(super) fn steps(&self, list: Node<'t>, variables: &Variables<'_>, out: &mut Vec<Member>) {
        for item in list.items() {
            let group =
                item.get("group").is_some() || item.get("type").and_then(|t| t.as_str()) == Some("group");
            let Some(steps) = item.get("steps").filter(|s| group && s.kind() == Kind::Sequence) else {
                out.extend(self.member(item, variables, &Group::default()));
                continue;
            };
            let label = ["group", "label", "name"].iter().find_map(|k| item.get(k)?.as_str());
            let around = Group {
                label: label.map(str::to_owned),
                keys: keys(item),
                depends: depends(item),
                condition: condition::read(item),
            };
            // Groups hold no groups.
            out.extend(steps.items().filter_map(|inner| self.member(inner, variables, &around)));
        }
    }

    fn member(&self, item: Node<'t>, variables: &Variables<'_>, group: &Group) -> Option<Member> {
        let left = self.steps_left.get().checked_sub(1);
        let Some(left) = left else {
            self.gaps.borrow_mut().insert("it has more steps than are read".into());
            return None;
        };
        self.steps_left.set(left);
        let kind = kind(item)?;
        let mut own_keys = keys(item);
        let label = label(item, kind);
        let place = match item.kind() {
            Kind::Mapping => ["label", "name", "key", kind]
                .iter()
                .find_map(|k| item.get(k).filter(|n| n.as_str().is_some())),
            _ => None,
        };
        let place =
            place.map_or_else(|| item.entries().next().map_or(item.span(), |(k, _)| k.span()), |n| n.span());
        let id = own_keys.first().cloned().or_else(|| label.clone()).unwrap_or_else(|| kind.to_owned());
        let mut job = Job::new(place, item.span(), id.clone(), label.unwrap_or(id));
        job.stage = group.label.clone();
        job.condition = condition::read(item).or_else(|| group.condition.clone());
        let mut sort = Sort::Run;
        match kind {
            "wait" => sort = Sort::Wait,
            "block" | "manual" | "input" => {
                let stops = kind != "input";
                sort = if stops { Sort::Block } else { Sort::Run };
                let gate =
                    if stops || !own_keys.is_empty() { GateKind::Blocking } else { GateKind::Optional };
                job.gates.push(Gate { place, gate, what: kind.to_owned() });
            }
            "trigger" => self.trigger(item, &mut job),
            _ => self.command(item, variables, &mut job),
        }
        own_keys.extend(group.keys.iter().cloned());
        let failing = ["allow_dependency_failure", "continue_on_failure"].iter().find_map(|key| {
            let value = item.get(key).filter(|v| v.as_str() == Some("true"))?;
            let mut condition =
                Condition::new(item.key(key)?.span().join(value.span()), format!("{key}: true"));
            condition.always = true;
            Some(condition)
        });
        Some(Member {
            job,
            sort,
            keys: own_keys,
            depends: depends(item).or_else(|| group.depends.clone()),
            after_failure: failing,
        })
    }

    /// Another pipeline, which lies on the server.
    /// <https://buildkite.com/docs/pipelines/configure/step-types/trigger-step>
    fn trigger(&self, item: Node<'t>, job: &mut Job) {
        let Some(node) = item.get("trigger").filter(|t| t.as_str().is_some()) else { return };
        let env = item.at(&["build", "env"]).map(|e| e.merged_entries()).unwrap_or_default();
        let inputs = env.into_iter().filter_map(|(key, value)| {
            let text = Variables::default().resolve(value.as_str()?);
            Some(Argument { name: key.spanned()?, value: Spanned::new(text, value.span()) })
        });
        job.calls = Some(Use {
            place: node.span(),
            sort: UseKind::Workflow,
            name: node.as_str().unwrap_or("").to_owned(),
            version: None,
            local: false,
            inputs: inputs.collect(),
            unresolved: Some("the pipeline is known to the server by this name".into()),
        });
        if let Some(value) = item.get("async").filter(|a| a.as_str() == Some("true"))
            && let Some(key) = item.key("async")
        {
            let place = key.span().join(value.span());
            job.tolerated = Some(Tolerance { place, how: How::Key, applies: Value::Known(true) });
        } else {
            job.tolerated = tolerance(item);
        }
    }

    fn command(&self, item: Node<'t>, outer: &Variables<'_>, job: &mut Job) {
        let dimensions = dimensions(item);
        let mut variables = Variables::inside(outer);
        for (name, values) in &dimensions {
            variables.set(name, values.clone());
        }
        let env = item.get("env").filter(|e| e.kind() == Kind::Mapping);
        let names: BTreeMap<String, Vec<String>> = dimensions.iter().cloned().collect();
        job.settings = env.map(|e| settings(e, &variables, &names)).unwrap_or_default();
        let mut inner = Variables::inside(&variables);
        job.settings.iter().for_each(|s| inner.set(&s.key, s.setting.possible().to_vec()));
        let plugins = item.get("plugins").map(|p| plugins(p, &inner)).unwrap_or_default();
        for used in &plugins {
            // It makes steps of what has changed.
            if used.name.ends_with("/monorepo-diff") {
                self.missing.set(true);
            }
            let image = used.input("image").filter(|_| used.name.ends_with("/docker"));
            job.images.extend(image.map(|i| commands::image_use(&i.value.text(), i.span)));
        }
        job.images.extend(item.get("image").and_then(|i| Some(commands::image_use(i.as_str()?, i.span()))));
        job.steps = plugins
            .into_iter()
            .map(|used| {
                let mut step = Step::new(used.place, used.name.clone());
                step.uses = Some(used);
                step
            })
            .collect();
        job.steps.extend(self.script(item, &inner));
        job.steps.extend(told(item));
        for leaf in item.get("plugins").into_iter().flat_map(|p| p.leaves()).take(200) {
            secrets::collect(&leaf.node.passage(), &inner, OWN, &mut job.secrets);
        }
        job.secrets.extend(job.steps.iter().flat_map(|s| s.secrets.iter().cloned()));
        let listed = item.get("secrets").into_iter().flat_map(|s| match s.kind() {
            Kind::Mapping => s.merged_entries().into_iter().map(|(_, v)| v).collect::<Vec<_>>(),
            _ => s.one_or_more().collect(),
        });
        job.secrets
            .extend(listed.filter_map(|s| Some(SecretUse { name: s.as_str()?.to_owned(), place: s.span() })));
        job.tolerated = tolerance(item);
        let agents =
            item.get("agents").or(self.root.get("agents").filter(|_| self.root.kind() == Kind::Mapping));
        job.runner = agents.map(runners).unwrap_or_default();
        job.lock = item.get("concurrency_group").and_then(|c| c.spanned());
        job.timeout_minutes = item.get("timeout_in_minutes").and_then(|t| t.as_str()?.parse().ok());
        if let Some(paths) = item.get("artifact_paths").filter(|p| !p.is_null()) {
            let listed = paths.one_or_more().filter_map(|p| p.spanned());
            job.transfers.push(Transfer {
                place: item.key("artifact_paths").map_or(paths.span(), |k| k.span()),
                up: true,
                name: Value::Known(job.id.clone()),
                paths: listed.collect(),
                retention_days: None,
            });
        }
        job.matrix = dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
        job.dimensions = dimensions;
        let upload = job.commands().find_map(|c| Some((uploaded(c)?, c.place)));
        if let Some((what, place)) = upload {
            let (name, unresolved) = match what {
                Uploaded::File(path) if (self.exists)(&path) => (path, None),
                Uploaded::File(path) => (path, Some("no such file is in the repository".to_owned())),
                Uploaded::Made => ("pipeline upload".into(), Some("the run makes the pipeline".to_owned())),
            };
            self.missing.set(self.missing.get() || unresolved.is_some());
            job.calls = Some(Use {
                place,
                sort: UseKind::Workflow,
                local: unresolved.is_none(),
                name,
                version: None,
                inputs: Vec::new(),
                unresolved,
            });
        }
    }

    /// `command` and `commands`: one shell runs all lines.
    fn script(&self, item: Node<'t>, variables: &Variables<'_>) -> Option<Step> {
        let key = ["command", "commands"].into_iter().find(|k| item.get(k).is_some_and(|n| !n.is_null()))?;
        let node = item.get(key)?;
        let lines: Vec<Node<'t>> = node.one_or_more().filter(|l| l.as_str().is_some()).take(5_000).collect();
        let passages: Vec<Passage> = lines.iter().map(|l| filled(&l.passage())).collect();
        let first = passages.iter().flat_map(|p| p.text().lines()).map(str::trim).find(|l| !l.is_empty())?;
        let mut step = Step::new(item.key(key)?.span().join(node.use_span()), first.to_owned());
        for passage in &passages {
            secrets::collect(passage, variables, OWN, &mut step.secrets);
        }
        let known = |text: &str| variables.expand(text);
        step.commands = commands::lower_list(&passages, OPTIONS, &known).into_iter().flatten().collect();
        Some(step)
    }
}

/// `notify:` of a step.
/// <https://buildkite.com/docs/pipelines/configure/notifications>
fn told(item: Node<'_>) -> Option<Step> {
    let place = entry(item, "notify")?;
    let mut step = Step::new(place, "notify".into());
    step.uses = Some(Use {
        place,
        sort: UseKind::Action,
        name: "Buildkite/notify".into(),
        version: None,
        local: true,
        inputs: Vec::new(),
        unresolved: None,
    });
    step.condition = Some(Condition { always: true, ..Condition::new(place, "notify".into()) });
    Some(step)
}

/// Key and value of an entry that is not empty.
fn entry(item: Node<'_>, key: &str) -> Option<Span> {
    let value = item.get(key).filter(|n| !n.is_null())?;
    Some(item.key(key)?.span().join(value.use_span()))
}

/// Which key tells the step's type.
fn kind(item: Node<'_>) -> Option<&'static str> {
    const KINDS: [&str; 6] = ["wait", "block", "manual", "input", "trigger", "command"];
    if let Some(word) = item.as_str() {
        return KINDS.into_iter().find(|k| *k == word || *k == "wait" && word == "waiter");
    }
    if item.kind() != Kind::Mapping {
        return None;
    }
    let named = item.get("type").and_then(|t| t.as_str());
    let kind = KINDS.into_iter().find(|k| item.key(k).is_some() || named == Some(k));
    kind.or_else(|| item.key("waiter").map(|_| "wait")).or(Some("command"))
}

/// The label, without the emoji in front.
fn label(item: Node<'_>, kind: &str) -> Option<String> {
    let text = ["label", "name", kind]
        .iter()
        .find_map(|k| item.get(k).filter(|n| n.kind() == Kind::Scalar)?.as_str())?;
    let words: Vec<&str> = text
        .lines()
        .next()
        .unwrap_or("")
        .split_whitespace()
        .filter(|w| !(w.len() > 2 && w.starts_with(':') && w.ends_with(':')))
        .collect();
    let text = words.join(" ");
    (!text.is_empty()).then(|| shorten(&text, 80))
}

fn keys(item: Node<'_>) -> Vec<String> {
    ["key", "id", "identifier"].iter().filter_map(|k| Some(item.get(k)?.as_str()?.to_owned())).collect()
}

/// `depends_on`: a key, a list of keys, or of mappings with `step`.
fn depends(item: Node<'_>) -> Option<Vec<Spanned<String>>> {
    let node = item.get("depends_on")?;
    let names = node.one_or_more().filter_map(|n| match n.kind() {
        Kind::Mapping => n.get("step")?.spanned(),
        _ => n.spanned(),
    });
    Some(names.collect())
}

/// `soft_fail`: any failure, or some exit codes.
/// <https://buildkite.com/docs/pipelines/configure/soft-fail>
fn tolerance(item: Node<'_>) -> Option<Tolerance> {
    let (key, node) = (item.key("soft_fail")?, item.get("soft_fail")?);
    let applies = match node.kind() {
        Kind::Scalar => match node.as_str()? {
            "true" => Value::Known(true),
            "false" => return None,
            other => Value::Expr(other.to_owned()),
        },
        Kind::Sequence => {
            let codes: Vec<&str> = node.items().filter_map(|i| i.get("exit_status")?.as_str()).collect();
            match codes.as_slice() {
                [] => return None,
                codes if codes.contains(&"*") => Value::Known(true),
                codes => Value::Expr(format!("exit codes {}", codes.join(", "))),
            }
        }
        _ => return None,
    };
    Some(Tolerance { place: key.span().join(node.use_span()), how: How::Key, applies })
}

/// `env:` as settings.
pub(super) fn settings(
    env: Node<'_>,
    variables: &Variables<'_>,
    matrix: &BTreeMap<String, Vec<String>>,
) -> Vec<Setting> {
    let mut scope = Variables::inside(variables);
    matrix.iter().for_each(|(name, values)| scope.set(name, values.clone()));
    let entries = env.merged_entries().into_iter();
    entries
        .filter_map(|(key, value)| {
            let name = key.as_str()?.to_owned();
            value.as_str()?;
            let passage = filled(&value.passage());
            Some(Setting {
                place: value.span(),
                path: format!("env.{name}"),
                key: name,
                setting: scope.resolve(passage.text()),
                source: SettingSource::Pipeline,
                target: None,
                key_place: key.span(),
            })
        })
        .collect()
}

/// `agents:`, a mapping or a list of `key=value`.
fn runners(agents: Node<'_>) -> Vec<Spanned<String>> {
    match agents.kind() {
        Kind::Mapping => agents
            .merged_entries()
            .into_iter()
            .filter_map(|(k, v)| Some(Spanned::new(format!("{}={}", k.as_str()?, v.as_str()?), v.span())))
            .collect(),
        _ => agents.one_or_more().filter_map(|a| a.spanned()).collect(),
    }
}

/// `plugins:`, a list of names or of mappings from name to configuration.
/// <https://buildkite.com/docs/pipelines/integrations/plugins/using>
fn plugins(list: Node<'_>, variables: &Variables<'_>) -> Vec<Use> {
    let mut all = Vec::new();
    for item in list.one_or_more() {
        match item.kind() {
            Kind::Mapping => {
                all.extend(
                    item.merged_entries().into_iter().filter_map(|(k, v)| plugin(k, Some(v), variables)),
                );
            }
            _ => all.extend(plugin(item, None, variables)),
        }
    }
    all
}

fn plugin(key: Node<'_>, config: Option<Node<'_>>, variables: &Variables<'_>) -> Option<Use> {
    let written = key.as_str()?;
    let (name, version) = match written.split_once('#') {
        Some((name, version)) => (name, Some(version.to_owned())),
        None => (written, None),
    };
    let local = name.starts_with('.') || name.starts_with("file:");
    let name = match name {
        _ if local => name.to_owned(),
        name if !name.contains('/') => format!("buildkite-plugins/{name}"),
        name => name
            .trim_start_matches("https://github.com/")
            .trim_end_matches(".git")
            .replace("-buildkite-plugin", ""),
    };
    let entries =
        config.filter(|c| c.kind() == Kind::Mapping).map(|c| c.merged_entries()).unwrap_or_default();
    let inputs = entries.into_iter().filter_map(|(name, value)| {
        let text = match value.kind() {
            Kind::Sequence => {
                let texts: Vec<&str> = value.items().take(50).filter_map(|v| v.as_str()).collect();
                Value::Known(texts.join("\n"))
            }
            Kind::Scalar => variables.resolve(filled(&value.passage()).text()),
            _ => Value::Known(String::new()),
        };
        Some(Argument { name: name.spanned()?, value: Spanned::new(text, value.span()) })
    });
    Some(Use {
        place: key.span(),
        sort: UseKind::Action,
        name,
        version: version.map(|v| Spanned::new(v, key.span())),
        local,
        inputs: inputs.collect(),
        unresolved: None,
    })
}

/// `matrix:`, a list of values or several dimensions under `setup`.
/// <https://buildkite.com/docs/pipelines/configure/workflows/build-matrix>
fn dimensions(item: Node<'_>) -> Vec<(String, Vec<String>)> {
    let Some(matrix) = item.get("matrix") else { return Vec::new() };
    let values = |list: Node<'_>| -> Vec<String> {
        list.one_or_more().filter_map(|v| v.as_str().map(str::to_owned)).take(256).collect()
    };
    let setup = match matrix.kind() {
        Kind::Mapping => matrix.get("setup"),
        _ => Some(matrix),
    };
    let Some(setup) = setup else { return Vec::new() };
    let mut all: matrix::Dimensions = match setup.kind() {
        Kind::Mapping => setup
            .merged_entries()
            .into_iter()
            .filter_map(|(name, list)| Some((name.as_str()?.replace('-', "_"), values(list))))
            .collect(),
        _ => vec![("matrix".to_owned(), values(setup))],
    };
    // An adjustment leaves a combination out, or adds one.
    let adjustments = matrix.get("adjustments").into_iter().flat_map(|a| a.one_or_more()).take(256);
    let mut skipped = Vec::new();
    for (adjustment, with) in adjustments.filter_map(|a| Some((a, a.get("with")?))) {
        let row: matrix::Row = match with.kind() {
            Kind::Mapping => matrix::rows(Some(with)).remove(0),
            _ => with.as_str().map(|v| ("matrix".to_owned(), v.to_owned())).into_iter().collect(),
        };
        let row: matrix::Row = row.into_iter().map(|(n, v)| (n.replace('-', "_"), v)).collect();
        if adjustment.get("skip").is_some_and(|s| !matches!(s.as_str(), None | Some("false" | ""))) {
            skipped.push(row);
            continue;
        }
        for (name, value) in row {
            if let Some((_, values)) = all.iter_mut().find(|(n, v)| *n == name && !v.contains(&value)) {
                values.push(value);
            }
        }
    }
    matrix::without(all, &skipped)
}

/// A text whose `$$`, which the upload turns into `$`, is one character, and in which `{{matrix.x}}` is a
/// variable of the shell.
fn filled(passage: &Passage) -> Passage {
    let passage = variables::unescaped(passage);
    let text = passage.text();
    if !text.contains("{{") {
        return passage;
    }
    let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
    let mut from = 0;
    for (at, _) in text.match_indices("{{") {
        let window = &text[at + 2..text.floor_char_boundary((at + 120).min(text.len()))];
        let Some(len) = window.find("}}").filter(|_| at >= from) else { continue };
        let inside = window[..len].trim();
        let Some(name) = inside.strip_prefix("matrix") else { continue };
        let name = if name.is_empty() { "matrix" } else { name.trim_start_matches('.') };
        out.append(&passage, from..at);
        let source: Span = passage.span(at..at + len + 4);
        out.push_meaning(&format!("${{{}}}", name.replace('-', "_")), source.range());
        from = at + len + 4;
    }
    out.append(&passage, from..text.len());
    out
}
