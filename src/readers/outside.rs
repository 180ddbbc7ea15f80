//! The way into other repositories: what files refer to there is brought, file by file, as it is sent for.

use super::read::glob;
use super::{Abroad, by_kind, claim};
use crate::facts::{
    Dialect, Facts, File, Job, Outside, Pipeline, Role, TriggerKind, Use, UseKind, github_reference,
};
use crate::source::{Mode, Reference, Source, Unread, UnreadClass};
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Places of this repository that are kept for a file of another.
const MOST_CALLERS: usize = 16;
/// Callers of callers are followed so far.
const DEEPEST: usize = 32;

/// Readers whose files do not say how a repository deploys.
const NOT_OF_DEPLOYS: &[&str] = &[
    "npm",
    "make",
    "dotenv",
    "manifest",
    "migration",
    "markdown",
    "ignore",
    "config",
    "dockerfile",
    "terraform",
    "shell",
    "powershell",
];

/// What was sent for so far.
#[derive(Default)]
pub(super) struct Journey {
    /// Who refers to a brought file.
    callers: BTreeMap<FileId, BTreeSet<Span>>,
    unread: Vec<Unread>,
    /// Pipelines whose references were looked at.
    pipelines: BTreeSet<Span>,
    deploys_in: Option<usize>,
    begun: bool,
    /// What files call other repositories.
    aliases: BTreeMap<String, BTreeSet<Reference>>,
    /// What waits for the file that says which repository is meant.
    unnamed: Vec<Abroad>,
}

impl Journey {
    /// Takes over what files call other repositories.
    pub(super) fn name(&mut self, aliases: &mut Vec<(String, Reference)>) {
        for (alias, reference) in aliases.drain(..) {
            self.aliases.entry(alias).or_default().insert(reference);
        }
    }

    /// Brings what pipelines and `abroad` refer to; each file with the number of the reader that shall read it.
    pub(super) fn go(
        &mut self,
        source: &mut Source,
        facts: &Facts,
        mut abroad: Vec<Abroad>,
    ) -> Vec<(FileId, usize)> {
        let mut found = Vec::new();
        if !std::mem::replace(&mut self.begun, true)
            && let Some(reference) = source.deploys_in().cloned()
        {
            found = self.join(source, &reference);
        }
        if !source.knows_others() {
            return found;
        }
        let reader = by_kind("github").expect("there is one");
        for pipeline in facts.pipelines.iter().filter(|p| p.dialect == Dialect::Github) {
            if !self.pipelines.insert(pipeline.place) {
                continue;
            }
            abroad.extend(of_github(pipeline));
            // A workflow that a called one calls lies beside that; the steps' own actions lie where they run.
            let Some(home) = source.home_of(pipeline.place.file) else { continue };
            for call in pipeline.jobs.iter().filter_map(|job| job.calls.as_ref()).filter(|c| c.local) {
                let beside = self.bring(source, home, &call.name, pipeline.place.file);
                found.extend(beside.into_iter().map(|file| (file, reader)));
            }
        }
        abroad.append(&mut self.unnamed);
        let mut named = Vec::with_capacity(abroad.len());
        for one in abroad {
            let Some(alias) = one.reference.name.strip_prefix('@') else {
                named.push(one);
                continue;
            };
            match self.aliases.get(alias) {
                Some(all) => named.extend(all.iter().map(|r| Abroad { reference: r.clone(), ..one.clone() })),
                None => self.unnamed.push(one),
            }
        }
        let mut abroad = named;
        abroad.sort();
        abroad.dedup();
        for Abroad { reference, path, kind, place, needed } in abroad {
            let Some(reader) = by_kind(kind) else { continue };
            let Some(home) = source.open_other(&reference) else { continue };
            let missing = |why: String| {
                let path = source.path(place.file);
                Unread::new(path, UnreadClass::Outside, format!("`{reference}` is not read: {why}"))
            };
            let home = match home {
                Ok(home) => home,
                Err(why) => {
                    self.unread.push(missing(why));
                    continue;
                }
            };
            let files = path.split('|').map(|path| bring(source, home, path)).find(|files| !files.is_empty());
            let files = files.unwrap_or_default();
            if files.is_empty() && needed {
                self.unread.push(Unread::new(
                    source.path(place.file),
                    UnreadClass::Outside,
                    nothing_at(source, &reference, home, &path),
                ));
            }
            for file in files {
                self.callers.entry(file).or_default().insert(place);
                found.push((file, reader));
            }
        }
        found
    }

    /// Whether this is the repository that deploys: what its pipelines run lies there, too.
    pub(super) fn is_joined(&self, home: usize) -> bool {
        self.deploys_in == Some(home)
    }

    /// Brings a file, or those that a glob means, of a repository of which another file sends for it.
    pub(super) fn bring(
        &mut self,
        source: &mut Source,
        home: usize,
        path: &str,
        from: FileId,
    ) -> Vec<FileId> {
        let files = bring(source, home, path);
        for file in &files {
            self.callers.entry(*file).or_default().insert(Span::start_of(from));
        }
        files
    }

    /// Brings every file of the repository that deploys this one which says how it deploys.
    fn join(&mut self, source: &mut Source, reference: &Reference) -> Vec<(FileId, usize)> {
        let home = source.open_other(reference).unwrap_or_else(|| {
            Err(format!(
                "no source is given for it: clone it and name the folder under [sources] as `{}`",
                reference.name
            ))
        });
        let home = match home {
            Ok(home) => home,
            Err(why) => {
                let reason = format!("`{reference}`, which deploys this repository, is not read: {why}");
                self.unread.push(Unread::new("plimsoll.toml", UnreadClass::Outside, reason));
                return Vec::new();
            }
        };
        self.deploys_in = Some(home);
        let tells = |reader: &usize| !NOT_OF_DEPLOYS.contains(&super::READERS[*reader].kind);
        let claimed = source
            .listed_at(home)
            .filter_map(|(path, executable)| Some((path.to_owned(), claim(path, executable).filter(tells)?)));
        let claimed: Vec<(String, usize)> = claimed.collect();
        claimed
            .into_iter()
            .flat_map(|(path, reader)| {
                source.bring(home, Some(&path), &|_| false).into_iter().map(move |f| (f, reader))
            })
            .collect()
    }

    /// What was brought, as far as rules see it.
    pub(super) fn end(self, source: &Source, unread: &mut Vec<Unread>) -> Outside {
        unread.extend(self.unread);
        let own = source.files().len();
        let mut outside = Outside {
            homes: source.homes().cloned().collect(),
            references: source.references().clone(),
            deploys_in: self.deploys_in,
            first: own as u32,
            ..Outside::default()
        };
        for (id, entry, home) in source.others() {
            outside.files.push(File {
                tracked: Some(true),
                executable: entry.mode == Mode::Executable,
                ..File::new(Span::start_of(id), entry.path.clone())
            });
            outside.homes_of.push(home);
            outside.callers.push(own_callers(&self.callers, id, own));
        }
        outside
    }
}

/// Places in the repository's own files that lead to `file`.
fn own_callers(callers: &BTreeMap<FileId, BTreeSet<Span>>, file: FileId, own: usize) -> Vec<Span> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([file]);
    let mut ahead = vec![(file, 0)];
    while let Some((file, depth)) = ahead.pop() {
        for place in callers.get(&file).into_iter().flatten() {
            if (place.file.0 as usize) < own {
                found.insert(*place);
            } else if depth < DEEPEST && seen.insert(place.file) {
                ahead.push((place.file, depth + 1));
            }
        }
    }
    found.into_iter().take(MOST_CALLERS).collect()
}

fn bring(source: &mut Source, home: usize, path: &str) -> Vec<FileId> {
    let prefix = source.homes().nth(home).map_or("", |home| &home.prefix);
    let path = path.strip_prefix(prefix).unwrap_or(path);
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if !path.contains(['*', '?']) {
        return source.bring(home, Some(path), &|_| false);
    }
    let Some(globs) = glob(path) else { return Vec::new() };
    source.bring(home, None, &|path| globs.matched(path, false).is_ignore())
}

fn nothing_at(source: &Source, reference: &Reference, home: usize, path: &str) -> String {
    let folder = source.homes().nth(home).map_or("", |home| &home.folder);
    let path = path.split('|').next().unwrap_or(path);
    if source.lacks_folders(home) {
        return format!(
            "`{reference}` is not read: `{folder}` lacks some of its folders, `{path}` perhaps among them: \
             `git -C {folder} fetch` brings them"
        );
    }
    format!(
        "`{reference}` is not read: that version, in `{folder}`, holds no file `{path}`: correct the path or the version"
    )
}

/// Workflows and actions of other repositories that a pipeline uses.
fn of_github(pipeline: &Pipeline) -> impl Iterator<Item = Abroad> {
    let calls = pipeline.jobs.iter().filter_map(|job| job.calls.as_ref()).map(|call| (call, ""));
    let steps = pipeline.jobs.iter().flat_map(|job| &job.steps);
    let uses = steps.filter_map(|step| step.uses.as_ref()).map(|used| (used, "action.yml"));
    calls.chain(uses).filter_map(|(used, file)| {
        let (reference, path) = github_reference(used)?;
        let path = match (path, file) {
            (path, "") => path.to_owned(),
            ("", _) => "action.yml|action.yaml".to_owned(),
            (folder, _) => format!("{folder}/action.yml|{folder}/action.yaml"),
        };
        (!used.name.contains(['$', '*', '?', '|'])).then_some(Abroad {
            reference,
            path,
            kind: "github",
            place: used.place,
            needed: true,
        })
    })
}

/// Says of every call whether what it calls was read, and of what only takes part in others' pipelines that
/// nothing else starts it.
pub(super) fn settle(pipelines: &mut [Pipeline], files: &[File], outside: &Outside) {
    let path = |pipeline: &Pipeline| {
        let at = pipeline.place.file.0 as usize;
        files.get(at).or_else(|| outside.files.get(at - files.len())).map_or("", |f| f.path.as_str())
    };
    let by_path: HashMap<String, usize> =
        pipelines.iter().enumerate().map(|(at, p)| (path(p).to_owned(), at)).collect();
    let vars = Vars::new(pipelines, &by_path, outside);
    for pipeline in pipelines.iter_mut() {
        if outside.is_lent(pipeline.place.file) {
            pipeline.triggers.retain(|t| t.trigger == TriggerKind::Call);
        }
        match pipeline.dialect {
            Dialect::Github => {
                let calls = pipeline.jobs.iter_mut().filter_map(|job| job.calls.as_mut());
                for call in calls.filter(|c| !c.local) {
                    if outside.path_of(call, Dialect::Github).is_some_and(|path| by_path.contains_key(&path))
                    {
                        call.unresolved = None;
                    }
                }
            }
            Dialect::Jenkins => vars.settle(pipeline),
            _ => continue,
        }
        let calls = pipeline.jobs.iter().filter_map(|job| job.calls.as_ref());
        pipeline.complete &= calls.chain(&pipeline.includes).all(|u| u.unresolved.is_none());
    }
    // What calls something that is not complete is not complete.
    for _ in 0..DEEPEST {
        let mut changed = false;
        for at in 0..pipelines.len() {
            let pipeline = &pipelines[at];
            let followed = matches!(pipeline.dialect, Dialect::Github | Dialect::Jenkins);
            if !pipeline.complete || !followed {
                continue;
            }
            let dialect = pipeline.dialect;
            let prefix = outside.prefix(pipeline.place.file);
            let calls = pipeline.jobs.iter().filter_map(|job| job.calls.as_ref());
            let callee = |call: &crate::facts::Use| match call.local {
                true => Some(format!("{prefix}{}", call.name.trim_start_matches("./"))),
                false => outside.path_of(call, dialect),
            };
            let lacks = calls
                .filter_map(callee)
                .any(|path| by_path.get(&path).is_some_and(|c| !pipelines[*c].complete));
            if lacks {
                pipelines[at].complete = false;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
}

/// Global variables of Jenkins libraries: what `vars/name.groovy` defines is a step `name`.
/// <https://www.jenkins.io/doc/book/pipeline/shared-libraries/#defining-custom-steps>
struct Vars {
    /// Path, whether it is a bundle of steps, whether it is complete, and its parameters.
    known: HashMap<String, (String, bool, bool, Vec<String>)>,
}

impl Vars {
    fn new(pipelines: &[Pipeline], by_path: &HashMap<String, usize>, outside: &Outside) -> Vars {
        let mut known = HashMap::new();
        for home in outside.homes.iter().rev() {
            let vars = format!("{}vars/", home.prefix);
            let files = by_path.iter().filter(|(_, at)| pipelines[**at].dialect == Dialect::Jenkins);
            for (path, at) in files {
                let Some(name) = path.strip_prefix(&vars).and_then(|n| n.strip_suffix(".groovy")) else {
                    continue;
                };
                let pipeline = &pipelines[*at];
                let inputs = pipeline.triggers.iter().filter(|t| t.event == "vars").flat_map(|t| &t.inputs);
                let parameters = inputs.map(|input| input.name.clone()).collect();
                let bundle = pipeline.role == Role::Composite;
                known.insert(name.to_owned(), (path.clone(), bundle, pipeline.complete, parameters));
            }
        }
        Vars { known }
    }

    /// Says which steps were read, what they are given, and which of them are whole pipelines.
    fn settle(&self, pipeline: &mut Pipeline) {
        if self.known.is_empty() {
            return;
        }
        let mut followed = false;
        for job in &mut pipeline.jobs {
            let only = job.steps.len() == 1;
            for step in &mut job.steps {
                let Some(used) = step.uses.as_mut().filter(|u| !u.local) else { continue };
                let Some((path, bundle, _, parameters)) = self.known.get(&used.name) else { continue };
                followed = true;
                used.unresolved = None;
                // What is given by name is an entry of the one map, what is given by place a parameter of its own.
                let mut positions = parameters.iter();
                for input in &mut used.inputs {
                    let name = match input.name.value.as_str() {
                        "" => positions.next().cloned(),
                        name => parameters.first().map(|map| format!("{map}_{name}")),
                    };
                    input.name.value = format!("call:{}", name.unwrap_or_default());
                }
                if !bundle && only {
                    job.calls = Some(Use { name: path.clone(), sort: UseKind::Workflow, ..used.clone() });
                }
            }
        }
        let is_call = |job: &Job| job.calls.as_ref().is_some_and(|c| c.sort == UseKind::Workflow);
        // A file that only calls a library's pipeline is as complete as that.
        if !pipeline.jobs.is_empty() && pipeline.jobs.iter().all(is_call) {
            pipeline.complete = true;
        }
        for include in &mut pipeline.includes {
            let library = include.unresolved.as_deref() == Some(super::jenkins::LIBRARY);
            if self.known.contains_key(&include.name) || library && followed {
                include.unresolved = None;
            }
        }
    }
}
