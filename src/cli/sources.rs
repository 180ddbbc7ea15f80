//! `plimsoll sources`: what lies in other repositories, whether it was read, and what it keeps open.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::Exit;
use super::args::{Choice, Sources, TextOrJson};
use super::check::to_stdout;
use super::facts::Lines;
use super::failure::Failure;
use super::plan::Plan;
use super::rules::pretty;
use crate::facts::{Dialect, Pipeline, Repository, Role, Use, UseKind, github_reference, gitlab_reference};
use crate::finding::{Finding, FindingKind};
use crate::lexicon::Lexicon;
use crate::policy::Policy;
use crate::source::{Reference, Target};
use crate::text::{FileId, Redactor, Span};
use crate::{Options, engine, read_facts};

pub(super) fn run(args: &Sources) -> Result<Exit, Failure> {
    let mut plan = Plan::new(std::slice::from_ref(&args.path), &args.choice, None)?;
    if plan.policy.manuals.is_empty() && args.choice.select.is_empty() && plan.config.select.is_empty() {
        // Who has chosen no manual sees what any of them would ask.
        let choice = Choice { manuals: vec!["all".into()], ..args.choice.clone() };
        plan = Plan::new(std::slice::from_ref(&args.path), &choice, None)?;
    }
    let target = Target::WorkTree { root: plan.root.clone(), paths: plan.paths.clone() };
    let options = Options { source: plan.source_options(), ..Options::default() };
    let (source, repository) = read_facts(&target, &plan.policy, &options)?;
    let verdicts = engine::run(&plan.policy.catalog, &plan.policy.parameters, &repository);
    let findings: Vec<Finding> = verdicts.into_iter().flat_map(|v| v.findings).collect();
    let mut rows = rows(&repository, &Lexicon::default());
    rows.iter_mut().for_each(|row| row.keeps_open(&repository, &findings));
    let lines = Lines::new(&source, &repository);
    let text = match args.format {
        TextOrJson::Json => pretty(&to_json(&rows, &lines, &plan.policy)),
        TextOrJson::Text => to_text(&rows, &lines, &plan.policy),
    };
    let redactor = Redactor::new(repository.facts.secrets());
    to_stdout(redactor.redact(&text).as_bytes())?;
    Ok(Exit::Passed)
}

/// What is known of a reference.
enum State {
    /// It was read: the folder of the clone and the commit.
    Read(String, String),
    /// What it does is known without reading it.
    Known,
    /// It was not read: why, and what to do about it.
    NotRead(String),
}

/// One thing that lies elsewhere, and everything that refers to it.
struct Row {
    name: String,
    sort: UseKind,
    state: State,
    places: BTreeSet<Span>,
    /// Pipelines that are made of it.
    pipelines: BTreeSet<usize>,
    /// Rules that cannot tell without it.
    open: BTreeSet<String>,
}

fn rows(repository: &Repository, lexicon: &Lexicon) -> Vec<Row> {
    let mut rows: BTreeMap<(String, UseKind), Row> = BTreeMap::new();
    let pipelines = &repository.facts.pipelines;
    let paths: BTreeMap<&str, Role> = pipelines.iter().map(|p| (repository.path(p.place), p.role)).collect();
    for (index, pipeline) in pipelines.iter().enumerate() {
        let jobs = pipeline.jobs.iter();
        let whole = pipeline.includes.iter().chain(jobs.clone().filter_map(|j| j.calls.as_ref()));
        // Steps of Jenkins that lie elsewhere are listed with its libraries.
        let listed = pipeline.dialect == Dialect::Jenkins;
        let steps = jobs.flat_map(|j| &j.steps).filter_map(|s| s.uses.as_ref()).filter(|_| !listed);
        let uses = whole.map(|u| (u, true)).chain(steps.map(|u| (u, false)));
        for (used, whole) in uses.filter(|(u, _)| !u.local && u.sort != UseKind::Image) {
            let name = match &used.version {
                Some(version) => format!("{}@{}", used.name, version.value),
                None => used.name.clone(),
            };
            let row = rows.entry((name.clone(), used.sort)).or_insert_with(|| Row {
                name,
                sort: used.sort,
                state: state(used, whole, pipeline, repository, lexicon, &paths),
                places: BTreeSet::new(),
                pipelines: BTreeSet::new(),
                open: BTreeSet::new(),
            });
            row.places.insert(used.place);
            if whole {
                row.pipelines.insert(index);
            }
        }
    }
    rows.into_values().collect()
}

fn state(
    used: &Use,
    whole: bool,
    pipeline: &Pipeline,
    repository: &Repository,
    lexicon: &Lexicon,
    paths: &BTreeMap<&str, Role>,
) -> State {
    let outside = &repository.outside;
    let reference = reference(used, pipeline.dialect);
    let home = outside.references.get(&reference);
    let folder = outside.path_of(used, pipeline.dialect);
    let action = |path: &String| {
        [".yml", ".yaml"].iter().any(|end| paths.contains_key(format!("{path}/action{end}").as_str()))
    };
    let read = if whole { used.unresolved.is_none() } else { folder.as_ref().is_some_and(action) };
    match home {
        Some(Ok(home)) if read => {
            let home = &outside.homes[*home];
            State::Read(home.folder.clone(), home.commit.clone())
        }
        _ if read => State::Read(String::new(), String::new()),
        _ if !whole && lexicon.uses().tool(&used.name).is_some() => State::Known,
        Some(Err(why)) => State::NotRead(why.clone()),
        Some(Ok(_)) => {
            let start = format!("`{reference}` is not read: ");
            let told = repository.unread.iter().find_map(|u| u.reason.strip_prefix(&start));
            let program = "it holds no steps, but a program of its own";
            State::NotRead(
                told.unwrap_or(if whole { "it holds no pipeline that is understood" } else { program })
                    .to_owned(),
            )
        }
        None => {
            let why = used.unresolved.clone().unwrap_or_else(|| "what it does is not known here".into());
            State::NotRead(format!(
                "{why}; clone it and name the folder under [sources]: \"{}\" = \"DIR\"",
                reference.name
            ))
        }
    }
}

/// The repository that a use refers to, as sources name it.
fn reference(used: &Use, dialect: Dialect) -> Reference {
    if dialect == Dialect::Gitlab
        && used.sort == UseKind::Template
        && let Some(reference) = gitlab_reference(used)
    {
        return reference;
    }
    let version = used.version.as_ref().map(|v| v.value.clone());
    if matches!(used.sort, UseKind::Action | UseKind::Workflow)
        && let Some((reference, _)) = github_reference(used).filter(|_| used.name.matches('/').count() > 1)
    {
        return reference;
    }
    let name = used.name.split(':').next().unwrap_or(&used.name);
    Reference { name: name.to_owned(), version }
}

impl Row {
    /// Rules that are open in a pipeline which is made of this, or which starts one that is.
    fn keeps_open(&mut self, repository: &Repository, findings: &[Finding]) {
        if !matches!(self.state, State::NotRead(_)) || self.pipelines.is_empty() {
            return;
        }
        let runs = repository.flow.runs();
        let mut all = self.pipelines.clone();
        for run in runs.iter().filter(|run| self.pipelines.contains(&run.pipeline)) {
            all.insert(run.root);
            let mut caller = run.caller;
            while let Some(node) = caller {
                let run = repository.flow.run(node);
                all.insert(run.pipeline);
                caller = run.caller;
            }
        }
        let of = |at: &usize| {
            let pipeline = &repository.facts.pipelines[*at];
            pipeline.parts.iter().copied().chain([pipeline.place.file]).collect::<Vec<_>>()
        };
        let files: BTreeSet<FileId> = all.iter().flat_map(of).collect();
        let open = findings.iter().filter(|f| f.kind == FindingKind::Open && files.contains(&f.place.file));
        self.open = open.map(|f| f.rule.clone()).collect();
    }
}

fn clauses<'p>(policy: &'p Policy, rule: &str) -> Vec<&'p str> {
    let active = policy.catalog.get(rule);
    active.into_iter().flat_map(|a| &a.rule.clauses).map(|c| c.id.as_str()).collect()
}

fn to_json(rows: &[Row], lines: &Lines<'_>, policy: &Policy) -> Json {
    let row = |row: &Row| {
        let (state, folder, commit, reason) = match &row.state {
            State::Read(folder, commit) => ("read", Some(folder), Some(commit), None),
            State::Known => ("known", None, None, None),
            State::NotRead(why) => ("not-read", None, None, Some(why)),
        };
        let clauses: BTreeSet<&str> = row.open.iter().flat_map(|rule| clauses(policy, rule)).collect();
        json!({
            "name": row.name,
            "sort": row.sort.name(),
            "state": state,
            "folder": folder,
            "commit": commit,
            "reason": reason,
            "places": row.places.iter().map(|p| lines.json(*p)).collect::<Vec<_>>(),
            "open_rules": row.open,
            "open_clauses": clauses,
        })
    };
    json!({ "version": 1, "references": rows.iter().map(row).collect::<Vec<_>>() })
}

fn to_text(rows: &[Row], lines: &Lines<'_>, policy: &Policy) -> String {
    /// Places that are named; the rest is counted.
    const NAMED: usize = 3;
    if rows.is_empty() {
        return "nothing in the pipelines refers to another repository\n".to_owned();
    }
    let mut out = String::new();
    let (mut read, mut known) = (0, 0);
    for row in rows {
        // A name may hold what a terminal obeys.
        out += &format!("{}  ({})\n", row.name.replace(char::is_control, "?"), row.sort.name());
        out += &match &row.state {
            State::Read(folder, commit) => {
                read += 1;
                match commit.get(..12) {
                    Some(commit) => format!("  read from {folder} at {commit}\n"),
                    None => "  read\n".to_owned(),
                }
            }
            State::Known => {
                known += 1;
                "  not read, but known to the lexicon\n".to_owned()
            }
            State::NotRead(why) => format!("  not read: {}\n", why.replace(char::is_control, "?")),
        };
        let places: Vec<String> = row.places.iter().take(NAMED).map(|p| lines.short(*p)).collect();
        let more = row.places.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out += &format!("  used in {}{more}\n", places.join(", "));
        for rule in &row.open {
            let clauses = clauses(policy, rule);
            out += &match clauses.is_empty() {
                true => format!("  keeps open: {rule}\n"),
                false => format!("  keeps open: {rule} ({})\n", clauses.join(", ")),
            };
        }
    }
    let references = if rows.len() == 1 { "reference" } else { "references" };
    let left = rows.len() - read - known;
    out + &format!("{} {references}: {read} read, {known} known, {left} not read\n", rows.len())
}
