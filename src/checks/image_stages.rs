//! What of a Dockerfile's stages ends in the image that is shipped: a stage that others only copy named files
//! from leaves nothing else behind.

use crate::facts::{Command, Instruction, Repository, ScriptKind, SettingSource, Stage, in_file};
use crate::lexicon::globs::PathGlob;
use crate::text::{FileId, Span};
use std::collections::BTreeSet;

/// A file that is copied on more often than this is copied on by a program; this is also how deep it goes.
const MOST_STEPS: usize = 128;

/// Names of stages that run tests.
const TESTS: &[&str] = &["test", "tests", "testing", "unittest", "unittests", "e2e"];

/// The stages of one Dockerfile.
pub(super) struct Stages<'r> {
    repository: &'r Repository,
    file: FileId,
    instructions: &'r [Instruction],
    shipped: Vec<u32>,
}

/// Where a file ends that a stage has.
pub(super) enum Reach<'r> {
    /// Its stage is shipped.
    Shipped,
    /// A stage that is shipped copies it.
    Carried(&'r Instruction),
    /// In the builder's cache.
    Stays,
}

/// Dockerfiles of images that are shipped, not those of developers, tests, examples and others.
pub(super) fn shipped_files(repository: &Repository) -> Vec<FileId> {
    let bases = repository
        .facts
        .base_images
        .iter()
        .filter(|b| b.source == SettingSource::Image && !b.local_only && repository.is_own(b.place));
    let mut files: Vec<FileId> = bases.map(|b| b.place.file).collect();
    files.sort();
    files.dedup();
    files
}

/// Commands that a Dockerfile runs when its image is built.
pub(super) fn run_commands(repository: &Repository, file: FileId) -> impl Iterator<Item = &Command> {
    let runs = in_file(&repository.facts.scripts, file)
        .iter()
        .filter(move |s| s.script == ScriptKind::Image && s.name.ends_with(":RUN"));
    runs.flat_map(|s| &s.commands)
}

impl<'r> Stages<'r> {
    /// Those of one Dockerfile.
    pub(super) fn new(repository: &'r Repository, file: FileId) -> Stages<'r> {
        let instructions = in_file(&repository.facts.instructions, file);
        let mut stages = Stages { repository, file, instructions, shipped: Vec::new() };
        stages.shipped = stages.shipped();
        stages
    }

    /// The final stage, unless its name says that it is for tests or developers: then those whose names
    /// speak of production; and what these build on.
    fn shipped(&self) -> Vec<u32> {
        let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<u32> {
            let names = self.froms().filter_map(|f| Some((f.stage, f.args.get(1)?.value.as_str())));
            names.filter(|(_, name)| wanted(name)).map(|(stage, _)| stage).collect()
        };
        let for_people = |name: &str| {
            let lower = name.to_ascii_lowercase();
            matches!(self.repository.stage_of(name), Some(Stage::Ci | Stage::Local | Stage::Development))
                || lower
                    .split(['-', '_'])
                    .any(|w| matches!(w, "dev" | "debug" | "lint" | "devcontainer") || TESTS.contains(&w))
        };
        let last: Vec<u32> = self.froms().map(|f| f.stage).max().into_iter().collect();
        let own = named(&for_people);
        let mut shipped = last.clone();
        if last.iter().any(|l| own.contains(l)) {
            shipped = named(&|name| {
                let lower = name.to_ascii_lowercase();
                self.repository.stage_of(name) == Some(Stage::Production)
                    || ["release", "runtime", "runner", "final", "app"].contains(&lower.as_str())
            });
        }
        let mut at = 0;
        while let Some(stage) = shipped.get(at).copied() {
            if let Some(base) = self.base(stage).filter(|b| !shipped.contains(b)) {
                shipped.push(base);
            }
            at += 1;
        }
        shipped
    }

    fn froms(&self) -> impl Iterator<Item = &'r Instruction> {
        self.instructions.iter().filter(|i| i.keyword == "FROM")
    }

    /// The stage that a `FROM` or `--from` names, if it is before `before`.
    fn named(&self, name: &str, before: u32) -> Option<u32> {
        let own = |f: &&Instruction| {
            f.stage < before && f.args.get(1).is_some_and(|n| n.value.eq_ignore_ascii_case(name))
        };
        let number = || name.parse::<u32>().ok().filter(|n| *n < before);
        self.froms().filter(own).map(|f| f.stage).last().or_else(number)
    }

    fn base(&self, stage: u32) -> Option<u32> {
        let from = self.froms().find(|f| f.stage == stage)?;
        let base = &from.args.first()?.value;
        if base.parse::<u32>().is_ok() { None } else { self.named(base, stage) }
    }

    /// Whether an instruction's stage is shipped.
    pub(super) fn is_shipped(&self, instruction: &Instruction) -> bool {
        self.shipped.contains(&instruction.stage)
    }

    /// The instruction of a shipped stage that runs a command.
    pub(super) fn shipped_run(&self, command: &Command) -> Option<&'r Instruction> {
        let of = |i: &&'r Instruction| i.keyword == "RUN" && i.place.contains(command.place);
        self.instructions.iter().find(of).filter(|i| self.is_shipped(i))
    }

    /// Instructions of shipped stages, in order.
    pub(super) fn shipped_instructions(&self) -> impl Iterator<Item = &'r Instruction> {
        self.instructions.iter().filter(|i| self.is_shipped(i))
    }

    /// Where the file `inner` of the context ends that `copy` copies from it, `source` being the word that
    /// takes it along.
    pub(super) fn reach(&self, copy: &'r Instruction, source: &str, inner: &str) -> Reach<'r> {
        if self.is_shipped(copy) {
            return Reach::Shipped;
        }
        let Some(destination) = copy.args.last() else { return Reach::Stays };
        let folder = self.folder(copy.stage, copy.place.start);
        let whole = matches!(source, "." | "./" | "*" | "./*");
        let path = if whole || destination.value.ends_with('/') || destination.value.ends_with('.') {
            join(&join(&folder, &destination.value), inner)
        } else {
            join(&folder, &destination.value)
        };
        if self.removes(copy.stage, copy.place, inner) {
            return Reach::Stays;
        }
        self.follow(copy.stage, &path, &mut BTreeSet::new()).map_or(Reach::Stays, Reach::Carried)
    }

    /// The instruction of a shipped stage that takes `path` out of `stage`, through others if need be.
    fn follow(&self, stage: u32, path: &str, seen: &mut BTreeSet<(u32, String)>) -> Option<&'r Instruction> {
        if seen.len() >= MOST_STEPS || !seen.insert((stage, path.to_owned())) {
            return None;
        }
        for later in self.froms().map(|f| f.stage).filter(|s| *s > stage) {
            if self.base(later) == Some(stage)
                && let Some(found) = self.follow(later, path, seen)
            {
                return Some(found);
            }
        }
        for copy in self.instructions.iter().filter(|i| i.keyword == "COPY" && i.stage > stage) {
            let from = copy.flags.iter().find_map(|f| f.strip_prefix("--from="));
            if from.and_then(|f| self.named(f, copy.stage)) != Some(stage) {
                continue;
            }
            let Some((destination, sources)) = copy.args.split_last() else { continue };
            for source in sources {
                let Some(rest) = below(&join("/", &source.value), path) else { continue };
                if self.is_shipped(copy) {
                    return Some(copy);
                }
                let to = join(&self.folder(copy.stage, copy.place.start), &destination.value);
                if let Some(found) = self.follow(copy.stage, &join(&to, rest), seen) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The working folder of a stage before a place.
    fn folder(&self, stage: u32, before: u32) -> String {
        let mut chain = vec![stage];
        while let Some(base) = chain.last().and_then(|s| self.base(*s)) {
            chain.push(base);
        }
        let mut folder = "/".to_owned();
        for stage in chain.into_iter().rev() {
            for i in self.instructions.iter().filter(|i| i.stage == stage && i.place.start < before) {
                if i.keyword == "WORKDIR"
                    && let Some(word) = i.args.first()
                {
                    folder = join(&folder, &word.value);
                }
            }
        }
        folder
    }

    /// Whether the stage deletes the file again before others copy from it.
    fn removes(&self, stage: u32, after: Span, inner: &str) -> bool {
        let name = inner.rsplit('/').next().unwrap_or(inner);
        let runs = |place: Span| {
            self.instructions.iter().any(|i| {
                i.keyword == "RUN"
                    && i.stage == stage
                    && i.place.start > after.start
                    && i.place.contains(place)
            })
        };
        run_commands(self.repository, self.file)
            .filter(|c| c.program == "rm" && runs(c.place))
            .flat_map(|c| &c.args)
            .any(|word| {
                let last = word.text.rsplit('/').next().unwrap_or("");
                last == name
                    || last.strip_suffix('*').is_some_and(|stem| !stem.is_empty() && name.starts_with(stem))
            })
    }
}

/// What remains of `path` behind `source`: its own name if they are the same.
fn below<'p>(source: &str, path: &'p str) -> Option<&'p str> {
    if source == "/" {
        return path.strip_prefix('/');
    }
    if source == path {
        return path.rsplit('/').next();
    }
    if source.contains(['*', '?', '[']) {
        let glob = PathGlob::new(source);
        let mut parts = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        return parts
            .any(|part| glob.matches(part.trim_start_matches('/')))
            .then(|| path.rsplit('/').next())?;
    }
    path.strip_prefix(source)?.strip_prefix('/')
}

/// A path of an image, `.` and `..` resolved; one that begins with a variable is whole already.
fn join(folder: &str, path: &str) -> String {
    let whole = path.starts_with(['/', '$']);
    let all = if whole { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in all.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
