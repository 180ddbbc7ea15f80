//! What all files yielded, put together.

use super::outside::{self, Journey};
use super::read::Done;
use super::{Lowering, Options, READERS, Trees, coverage, evidence, link, migration, versions};
use crate::facts::{Facts, File, FileClass, GitFacts, Repository, Target, is_flag_registry, path_target};
use crate::source::{Mode, Source, Tracked, Unread};
use crate::text::Span;
use std::collections::BTreeMap;

/// Puts all outcomes together, lowers what must be lowered together, and links.
pub(super) fn assemble(
    source: &Source,
    options: &Options<'_>,
    done: Vec<Done>,
    mut facts: Facts,
    journey: Journey,
) -> Repository {
    let environments = &options.lexicon.environments;
    // Files of one folder follow one another, and most of them are named in no special way.
    let mut last: (&str, Option<Target>) = ("", None);
    let mut files: Vec<File> = source
        .iter()
        .map(|(id, entry)| {
            let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            if folder != last.0 {
                last = (folder, path_target(folder, id, environments));
            }
            let around = || last.1.clone().map(|target| Target { place: Span::start_of(id), ..target });
            (id, entry, path_target(name, id, environments).or_else(around))
        })
        .map(|(id, entry, target)| File {
            tracked: match entry.tracked {
                Tracked::Yes => Some(true),
                Tracked::No => Some(false),
                Tracked::Unknown => None,
            },
            executable: entry.mode == Mode::Executable,
            link: entry.mode == Mode::Symlink,
            target,
            size: entry.size,
            ..File::new(Span::start_of(id), entry.path.clone())
        })
        .collect();
    let mut unread: Vec<Unread> = source.unread().to_vec();
    let mut outside = journey.end(source, &mut unread);
    let mut trees: BTreeMap<usize, Trees<'_>> = BTreeMap::new();
    for done in done {
        let own = files.len();
        let at = done.file.0 as usize;
        let file = if at < own { &mut files[at] } else { &mut outside.files[at - own] };
        if file.class == FileClass::Unopened || done.class != FileClass::Scanned {
            file.class = done.class;
        }
        file.size = done.size.or(file.size);
        if let Some(reader) = done.reader {
            file.reader = Some(READERS[reader].kind.to_owned());
        }
        let Some(rest) = done.rest else { continue };
        if let (Some(reader), Some(tree)) = (done.reader, rest.tree) {
            trees.entry(reader).or_default().insert(done.file, (source.path(done.file), tree));
        }
        unread.extend(rest.unread);
    }
    let find = |path: &str| source.id(path.trim_start_matches("./").trim_start_matches('/'));
    facts.order();
    for (reader, trees) in &trees {
        if let Some(lower) = READERS[*reader].lower {
            let (outside, path) = (&outside, &|file| source.path(file));
            let (facts, unread) = (&mut facts, &mut unread);
            lower(trees, &mut Lowering { file: &find, path, outside, environments, facts, unread });
        }
    }
    facts.sort();
    outside::settle(&mut facts.pipelines, &files, &outside);
    evidence::settle(&mut facts, source, &mut files, &mut unread);
    unread.sort();
    unread.dedup();
    let git = source.shared_git().map(|git| {
        let mut facts = GitFacts::new(&git);
        let flags = files.iter().filter(|f| is_flag_registry(&f.path) && !f.sample);
        facts.look_for_changes(&git, flags.map(|f| f.path.clone()).collect());
        facts
    });
    let migration_age = migration::look_back(source, &facts.migrations);
    if let Some(git) = &git {
        let path = |place: Span| source.path(place.file).to_owned();
        versions::look_back(git, &path, &mut facts.stated_versions);
    }
    coverage::settle(&mut facts, git.as_ref(), &|file| source.path(file).to_owned());
    let mut repository = Repository {
        files,
        outside,
        facts,
        flow: Default::default(),
        stacks: Vec::new(),
        unread,
        history: None,
        git,
        migration_age,
        some_paths: false,
        changed: source.changed().cloned(),
        environments: environments.clone(),
        today: None,
    };
    link::link(&mut repository, options.lexicon);
    repository
}
