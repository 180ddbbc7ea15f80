//! Bitbucket Pipelines: `bitbucket-pipelines.yml` and the files that it imports.
//! <https://support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference/>

mod step;
#[cfg(test)]
mod tests;

use super::variables::Variables;
use super::{Abroad, Lowering, Parsed, Text, Trees, Want, commands, names};
use crate::facts::*;
use crate::source::{Reference, Unread, UnreadClass};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span, Spanned};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

const KIND: &str = "bitbucket";
const ENTRY: &str = "bitbucket-pipelines.yml";

/// Groups of steps within groups that are followed.
const DEEPEST: usize = 8;
/// Steps of all pipelines of a file, those behind anchors counted at each use.
const MOST_STEPS: usize = 5_000;
/// Needs that are written out one by one.
const MOST_NEEDS: usize = 200_000;

/// Other files are read when this one imports them.
pub(super) fn claims(path: &str, _: bool) -> bool {
    path == ENTRY
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    parsed.problems.extend(super::names::every_problem(&tree, "YAML"));
    match tree.root().filter(|r| r.kind() == Kind::Mapping) {
        Some(root) => {
            parsed.wants = wants(root);
            parsed.abroad = abroad(root);
        }
        None if parsed.problems.is_empty() && !text.text.trim().is_empty() => {
            let why = "a Bitbucket configuration is a mapping with `pipelines`";
            parsed.problems.push((UnreadClass::Unparsed, why.into()));
        }
        None => {}
    }
    parsed.tree = Some(tree);
    parsed
}

/// Files that this one imports, and scripts that steps run by path.
fn wants(root: Node<'_>) -> Vec<Want> {
    let imports = root.at(&["definitions", "imports"]).map(|i| i.merged_entries()).unwrap_or_default();
    let mut wants: Vec<Want> = imports
        .iter()
        .filter_map(|(_, source)| local_file(source.as_str()?))
        .map(|path| Want { path, kind: KIND })
        .collect();
    let scripts = root.leaves().filter(|leaf| {
        leaf.path.iter().any(|step| matches!(step, crate::syntax::tree::Step::Key("script" | "after-script")))
    });
    for leaf in scripts {
        let commands = commands::lower(&leaf.node.passage(), shell::Options::default(), &[]);
        wants.extend(commands.iter().filter_map(|c| commands::called_script(c, None)));
    }
    wants.sort();
    wants.dedup();
    wants
}

/// The path of an import's source, if it is a file of this repository.
/// <https://support.atlassian.com/bitbucket-cloud/docs/share-pipelines-configurations/>
fn local_file(source: &str) -> Option<String> {
    let file = names::ends(source, &["pipelines.yml", "pipelines.yaml"]) && !source.contains(':');
    file.then(|| crate::facts::normalise(source)).flatten()
}

/// The repository, and the path in it, of an import's source `repository:ref` or `repository:ref:path`.
fn far_file(source: &str) -> Option<(Reference, &str)> {
    let mut parts = source.splitn(3, ':');
    let (name, version) = (parts.next()?, parts.next()?);
    let reference = Reference { name: name.to_owned(), version: Some(version.to_owned()) };
    let path = parts.next().filter(|path| names::ends(path, &["pipelines.yml", "pipelines.yaml"]));
    Some((reference, path.unwrap_or(ENTRY)))
}

/// Files of other repositories whose pipelines are imported.
fn abroad(root: Node<'_>) -> Vec<Abroad> {
    let imports = root.at(&["definitions", "imports"]).map(|i| i.merged_entries()).unwrap_or_default();
    let sources = imports.into_iter().map(|(_, source)| source);
    let direct = root.leaves().filter(|leaf| {
        let key = leaf.path.last();
        matches!(key, Some(crate::syntax::tree::Step::Key("import")))
            && leaf.node.as_str().is_some_and(|text| !text.contains('@'))
    });
    let all = sources.chain(direct.map(|leaf| leaf.node));
    all.filter_map(|node| {
        let (reference, path) = far_file(node.as_str()?)?;
        Some(Abroad { reference, path: path.to_owned(), kind: KIND, place: node.span(), needed: true })
    })
    .collect()
}

pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let Some((path, tree)) = trees.values().find(|(path, _)| *path == ENTRY) else { return };
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else { return };
    let Some(pipelines) = root.get("pipelines").filter(|p| p.kind() == Kind::Mapping) else {
        // A file may do no more than lend its pipelines to others.
        if root.get("export").is_none() && root.at(&["definitions", "pipelines"]).is_none() {
            let why = "the configuration has no `pipelines`";
            lowering.unread.push(Unread::new(*path, UnreadClass::Unparsed, why));
        }
        return;
    };
    let reading = Reading {
        root,
        trees,
        outside: lowering.outside,
        environments: lowering.environments,
        steps_left: Cell::new(MOST_STEPS),
        needs_left: Cell::new(MOST_NEEDS),
        gaps: RefCell::default(),
    };
    let mut found = Vec::new();
    for (section, body) in pipelines.merged_entries() {
        match section.as_str() {
            Some("default") => found.extend(reading.pipeline(section, section, body)),
            Some(_) if body.kind() == Kind::Mapping => {
                let all = body.merged_entries().into_iter();
                found.extend(all.filter_map(|(name, body)| reading.pipeline(section, name, body)));
            }
            _ => {}
        }
    }
    reading.started_by(&mut found);
    let gaps = reading.gaps.into_inner();
    for (number, pipeline) in found.iter_mut().enumerate() {
        pipeline.complete &= tree.errors().is_empty() && gaps.is_empty();
        if number == 0 {
            pipeline.commented = commented(tree);
        }
    }
    lowering.unread.extend(gaps.into_iter().map(|gap| Unread::new(*path, UnreadClass::Partly, gap)));
    lowering.facts.base_images.extend(commands::base_images(&found));
    lowering.facts.pipelines.extend(found);
}

/// One file being read.
struct Reading<'r, 't> {
    root: Node<'t>,
    trees: &'r Trees<'t>,
    outside: &'r Outside,
    environments: &'r crate::lexicon::Environments,
    steps_left: Cell<usize>,
    needs_left: Cell<usize>,
    gaps: RefCell<BTreeSet<String>>,
}

/// What a step takes over from the stage around it.
#[derive(Clone, Default)]
struct Around<'t> {
    stage: Option<String>,
    deployment: Option<Node<'t>>,
    condition: Option<Node<'t>>,
}

/// The steps of one pipeline while they are put in order.
struct Members<'v> {
    jobs: Vec<Job>,
    variables: &'v Variables<'v>,
    /// The file that images and services come from.
    parts: BTreeSet<FileId>,
}

impl<'r: 't, 't> Reading<'r, 't> {
    /// The pipeline under `name` in `section`: `branches`, `tags`, `custom`, `pull-requests`, or `default`.
    fn pipeline(&self, section: Node<'t>, name: Node<'t>, body: Node<'t>) -> Option<Pipeline> {
        let (kind, label) = (section.as_str()?, name.as_str()?);
        let mut variables = Variables::default();
        let mut settings = Vec::new();
        let mut inputs = Vec::new();
        let mut includes = Vec::new();
        let mut root = self.root;
        let mut items: Vec<Node<'t>> = body.items().collect();
        if let Some(import) = body.get("import") {
            let (used, imported) = self.import(import);
            includes.push(used);
            items = imported.map(|(_, p)| p.items().collect()).unwrap_or_default();
            root = imported.map_or(root, |(root, _)| root);
        }
        for item in items.iter().filter_map(|i| i.get("variables")).flat_map(|v| v.items()) {
            let Some(input) = input(item) else { continue };
            let options: Vec<String> = input.options.iter().map(|o| o.value.clone()).collect();
            let open = Value::Expr(format!("${}", input.name));
            let setting = Setting {
                place: item.get("default").unwrap_or(item).span(),
                key: input.name.clone(),
                path: format!("variables.{}", input.name),
                setting: Value::from_possible(options.clone()).unwrap_or(open),
                source: SettingSource::Pipeline,
                target: None,
                key_place: input.place,
            };
            variables.set(&input.name, options);
            settings.push(setting);
            inputs.push(input);
        }
        let mut members = Members { jobs: Vec::new(), variables: &variables, parts: BTreeSet::new() };
        self.sequence(&items, root, &Around::default(), Vec::new(), &mut members, 0);
        let Members { mut jobs, parts, .. } = members;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for job in &mut jobs {
            // Steps have no key, and often the same name.
            let times = seen.entry(job.id.clone()).and_modify(|t| *t += 1).or_insert(1);
            if *times > 1 {
                job.id = format!("{} ({times})", job.id);
            }
        }
        let here = self.root.tree().file();
        let complete = !includes.iter().any(|i| i.unresolved.is_some());
        Some(Pipeline {
            triggers: vec![trigger(kind, name, inputs)],
            settings,
            includes,
            complete,
            jobs,
            parts: parts.into_iter().filter(|f| *f != here).collect(),
            outputs: Vec::new(),
            ..Pipeline::new(
                if kind == "default" { "default".into() } else { format!("{kind}: {label}") },
                Dialect::Bitbucket,
                name.span(),
            )
        })
    }

    /// `import: name@source`, or `repository:ref:name` of old: the root of the file that holds it, and the pipeline.
    fn import(&self, node: Node<'t>) -> (Use, Option<(Node<'t>, Node<'t>)>) {
        let text = node.as_str().unwrap_or("").to_owned();
        let source = text.rsplit_once('@').and_then(|(name, source)| {
            let source = self.root.at(&["definitions", "imports"])?.get(source)?.as_str()?;
            Some((name, source))
        });
        let local = source.and_then(|(name, source)| Some((name, local_file(source)?)));
        let far = || {
            // `repository:ref:name` of old names a pipeline of that repository's own file.
            let old = || Some((text.splitn(3, ':').nth(2)?, far_file(&text)?.0, ENTRY));
            let new = source.and_then(|(name, source)| Some((name, far_file(source)?)));
            let new = new.map(|(name, (reference, path))| (name, reference, path));
            let (name, reference, path) = new.or_else(old)?;
            Some((name, format!("{}{path}", self.outside.prefix_of(&reference)?)))
        };
        let file = local.clone().or_else(far);
        let found = file.as_ref().and_then(|(name, path)| {
            let (_, tree) = self.trees.values().find(|(p, _)| p == path)?;
            let root = tree.root()?;
            Some((root, root.at(&["definitions", "pipelines"])?.get(name)?))
        });
        let unresolved = match (&found, &file) {
            (Some(_), _) => None,
            (None, Some((_, path))) => Some(format!("`{path}` has no such pipeline")),
            (None, None) => Some("the pipeline lies in another repository".to_owned()),
        };
        let version = source.and_then(|(_, s)| s.split_once(':')).map(|(_, v)| v.to_owned());
        let version = version.or_else(|| text.split(':').nth(1).map(str::to_owned));
        let used = Use {
            place: node.span(),
            sort: UseKind::Workflow,
            name: source.map_or_else(
                || text.split(':').next().unwrap_or("").to_owned(),
                |(_, s)| s.split(':').next().unwrap_or(s).to_owned(),
            ),
            version: version.map(|v| Spanned::new(v, node.span())),
            local: local.is_some(),
            inputs: Vec::new(),
            unresolved,
        };
        (used, found)
    }

    /// Steps one after another. `before` are the jobs that the first one waits for; gives the last ones.
    fn sequence(
        &self,
        items: &[Node<'t>],
        root: Node<'t>,
        around: &Around<'t>,
        before: Vec<u32>,
        members: &mut Members<'_>,
        depth: usize,
    ) -> Vec<u32> {
        let mut before = before;
        if depth > DEEPEST {
            self.gaps.borrow_mut().insert("its groups of steps nest deeper than is followed".into());
            return before;
        }
        for item in items {
            if let Some(group) = item.get("parallel") {
                let steps: Vec<Node<'t>> = match group.kind() {
                    Kind::Mapping => group.get("steps").into_iter().flat_map(|s| s.items()).collect(),
                    _ => group.items().collect(),
                };
                let mut ends = Vec::new();
                for step in steps {
                    ends.extend(self.sequence(&[step], root, around, before.clone(), members, depth + 1));
                }
                ends.sort_unstable();
                ends.dedup();
                before = ends;
            } else if let Some(stage) = item.get("stage").filter(|s| s.kind() == Kind::Mapping) {
                let inner = Around {
                    stage: stage.get("name").and_then(|n| n.as_str()).map(str::to_owned),
                    deployment: stage.get("deployment").or(around.deployment),
                    condition: stage.get("condition").or(around.condition),
                };
                let steps: Vec<Node<'t>> = stage.get("steps").into_iter().flat_map(|s| s.items()).collect();
                let first = members.jobs.len();
                let ends = self.sequence(&steps, root, &inner, before.clone(), members, depth + 1);
                if let Some(gate) = manual(stage) {
                    // What follows the stage's first steps waits with them.
                    let waits =
                        |job: &&mut Job| job.needs.iter().all(|n| before.contains(&n.job.unwrap_or(0)));
                    for job in members.jobs[first..].iter_mut().filter(waits) {
                        job.gates.push(gate.clone());
                    }
                }
                before = ends;
            } else if let Some(step) = item.get("step").filter(|s| s.kind() == Kind::Mapping) {
                let Some(left) = self.steps_left.get().checked_sub(1) else {
                    self.gaps.borrow_mut().insert("its pipelines have more steps than are read".into());
                    return before;
                };
                self.steps_left.set(left);
                let place = match item.is_alias() {
                    true => item.use_span(),
                    false => item.key("step").map_or(item.span(), |k| k.span()),
                };
                let number = members.jobs.len();
                let mut job = self.job(step, place, number, root, around, members.variables);
                let Some(rest) = self.needs_left.get().checked_sub(before.len()) else {
                    self.gaps.borrow_mut().insert("its steps wait for more others than are followed".into());
                    return before;
                };
                self.needs_left.set(rest);
                job.needs = before
                    .iter()
                    .map(|&needed| Need {
                        place,
                        job: Some(needed),
                        name: members.jobs[needed as usize].name.clone(),
                        optional: false,
                        order_only: false,
                    })
                    .collect();
                members.parts.insert(step.span().file);
                members.jobs.push(job);
                before = vec![number as u32];
            }
        }
        before
    }

    /// `triggers:` at the top starts custom pipelines on events.
    /// <https://support.atlassian.com/bitbucket-cloud/docs/pipeline-start-conditions/>
    fn started_by(&self, found: &mut [Pipeline]) {
        let declared = self.root.get("triggers").map(|t| t.merged_entries()).unwrap_or_default();
        for (event, rules) in declared {
            let Some(name) = event.as_str() else { continue };
            let kind = match name {
                "repository-push" => TriggerKind::Push,
                name if name.starts_with("pullrequest") => TriggerKind::PullRequest,
                _ => TriggerKind::Other,
            };
            for rule in rules.items() {
                let started = rule.get("pipelines").into_iter().flat_map(|p| p.one_or_more());
                for pipeline in started.filter_map(|p| p.as_str()) {
                    let named = |p: &&mut Pipeline| p.name == format!("custom: {pipeline}");
                    for pipeline in found.iter_mut().filter(named) {
                        let mut next = Trigger::new(kind, name, event.span());
                        next.branches = rule.get("condition").map(compared).unwrap_or_default();
                        pipeline.triggers.push(next);
                    }
                }
            }
        }
    }
}

/// Branches that a condition compares with: `BITBUCKET_BRANCH == "main"`.
fn compared(condition: Node<'_>) -> Vec<Spanned<String>> {
    let text = condition.as_str().unwrap_or("");
    let rest = text.split("BITBUCKET_BRANCH").nth(1).map(str::trim_start);
    let value = rest.and_then(|r| r.strip_prefix("==")).map(str::trim_start);
    let name = value.and_then(|v| v.strip_prefix(['"', '\''])).and_then(|v| v.split(['"', '\'']).next());
    name.map(|n| Spanned::new(n.to_owned(), condition.span())).into_iter().collect()
}

/// What starts the pipelines of a section. A custom one is started by hand, or on a schedule that only the
/// server knows.
fn trigger(section: &str, name: Node<'_>, inputs: Vec<Input>) -> Trigger {
    let kind = match section {
        "default" | "branches" => TriggerKind::Push,
        "tags" | "bookmarks" => TriggerKind::Tag,
        "pull-requests" => TriggerKind::PullRequest,
        "custom" => TriggerKind::Manual,
        _ => TriggerKind::Other,
    };
    let mut trigger = Trigger::new(kind, section, name.span());
    let pattern = Spanned::new(name.as_str().unwrap_or("").to_owned(), name.span());
    match kind {
        TriggerKind::Push if section == "branches" => trigger.branches = alternatives(pattern),
        TriggerKind::PullRequest if pattern.value != "**" => trigger.branches = alternatives(pattern),
        TriggerKind::Tag => trigger.tags = vec![pattern],
        _ => {}
    }
    trigger.inputs = inputs;
    trigger
}

/// `{main,develop}` is both.
fn alternatives(pattern: Spanned<String>) -> Vec<Spanned<String>> {
    let inner = pattern.value.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
    match inner.filter(|i| !i.contains('{')) {
        Some(inner) => {
            inner.split(',').map(|name| Spanned::new(name.trim().to_owned(), pattern.span)).collect()
        }
        None => vec![pattern],
    }
}

/// A variable that whoever starts the pipeline is asked for.
fn input(item: Node<'_>) -> Option<Input> {
    let text = |key: &str| item.get(key).and_then(|n| n.as_str()).map(str::to_owned);
    let allowed = item.get("allowed-values").into_iter().flat_map(|v| v.items());
    let options: Vec<Spanned<String>> = allowed.filter_map(|v| v.spanned()).collect();
    Some(Input {
        place: item.get("name")?.span(),
        name: text("name")?,
        input: Some(if options.is_empty() { "string" } else { "choice" }.into()),
        options,
        default: text("default"),
        description: text("description"),
    })
}

/// `trigger: manual`: the pipeline stops until somebody lets the step run.
fn manual(holder: Node<'_>) -> Option<Gate> {
    let value = holder.get("trigger").filter(|t| t.as_str() == Some("manual"))?;
    let place = entry(holder, "trigger").unwrap_or(value.span());
    Some(Gate { place, gate: GateKind::Blocking, what: "trigger: manual".into() })
}

/// From a key to the end of its value.
fn entry(holder: Node<'_>, key: &str) -> Option<Span> {
    Some(holder.key(key)?.span().join(holder.get(key)?.use_span()))
}

/// Commented-out lines that look like parts of a step.
fn commented(tree: &Tree) -> Vec<Spanned<String>> {
    names::commented(tree, |body| names::is_command(body).then(|| body.trim_start_matches("- ")))
}
