//! Whether an image that copies its whole context takes env files along.

use super::env_files::is_example;
use super::image_stages::{Reach, Stages};
use crate::facts::{
    File, Ignore, IgnoreTool, Instruction, Repository, Stage, folder_of, join_path, path_stage,
};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// More folders with env files than these say nothing more.
const MOST_FOLDERS: usize = 16;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut files: BTreeMap<_, Vec<&Instruction>> = BTreeMap::new();
    for copy in repository.facts.instructions.iter().filter(|i| copies_context(i).is_some()) {
        files.entry(copy.place.file).or_default().push(copy);
    }
    let named: Vec<&File> = repository.files.iter().filter(|f| f.name().starts_with(".env")).collect();
    for (file, copies) in files {
        let dockerfile = &repository.file(file).path;
        let for_people = path_stage(dockerfile, &repository.environments)
            .is_some_and(|(stage, _)| !matches!(stage, Stage::Staging | Stage::Production));
        if !repository.file(file).is_own() || for_people || dockerfile.contains(".devcontainer/") {
            continue;
        }
        let folder = folder_of(dockerfile);
        // Without env files, made or to be made, nothing can be taken along.
        let env = env_files(repository, &named, folder);
        let candidates = ignore_files(repository, dockerfile, folder);
        let Some((path, evidence)) = env.into_iter().find(|(path, _)| !is_kept_out(&candidates, path)) else {
            copies.iter().for_each(|copy| verdict.satisfied(copy.place));
            continue;
        };
        let stages = Stages::new(repository, file);
        let inner = inside(folder, &path).unwrap_or(&path).to_owned();
        let reached =
            copies.iter().find_map(|copy| match stages.reach(copy, copies_context(copy)?, &inner) {
                Reach::Shipped => Some((*copy, None)),
                Reach::Carried(by) => Some((*copy, Some(by))),
                Reach::Stays => None,
            });
        // What only a builder's stage holds is not in the image.
        let Some((copy, carried)) = reached else {
            copies.iter().for_each(|copy| verdict.satisfied(copy.place));
            continue;
        };
        let message = match candidates.first() {
            Some(_) => format!(
                "`{}` copies the context, and no `.dockerignore` pattern keeps `{path}` out",
                words(copy)
            ),
            None => format!("`{}` copies the context, and there is no `.dockerignore`", words(copy)),
        };
        let finding = verdict.fail(copy.place, format!("{} {}", copy.keyword, copy.stage), message);
        finding
            .label("takes along every file of the context")
            .relate(evidence, "says that there are env files");
        if let Some(by) = carried {
            finding.relate(by.place, "takes it on into the image");
        }
        if let Some(ignore) = candidates.first() {
            finding.relate(ignore.place, "lists what stays out");
        }
    }
}

fn words(copy: &Instruction) -> String {
    let args: Vec<&str> = copy.args.iter().map(|a| a.value.as_str()).collect();
    format!("{} {}", copy.keyword, args.join(" "))
}

/// The word of a COPY or ADD that stands for the whole context.
fn copies_context(instruction: &Instruction) -> Option<&str> {
    let copies = matches!(instruction.keyword.as_str(), "COPY" | "ADD")
        && !instruction.flags.iter().any(|f| f.starts_with("--from") || f.starts_with("--exclude"));
    let (_, sources) = instruction.args.split_last().filter(|_| copies)?;
    sources.iter().map(|s| s.value.as_str()).find(|s| matches!(*s, "." | "./" | "*" | "./*"))
}

/// The ignore files that may be in force: the Dockerfile's own, else that of its folder or of one above,
/// for the context is one of these.
fn ignore_files<'r>(repository: &'r Repository, dockerfile: &str, folder: &str) -> Vec<&'r Ignore> {
    let all = || repository.facts.ignores.iter().filter(|i| i.tool == IgnoreTool::Docker);
    let own = format!("{dockerfile}.dockerignore");
    if let Some(own) = all().find(|i| repository.path(i.place) == own) {
        return vec![own];
    }
    all()
        .filter(|i| matches!(repository.file(i.place.file).name(), ".dockerignore" | ".containerignore"))
        .filter(|i| inside(&i.folder, folder).is_some())
        .collect()
}

/// Whichever ignore file keeps a path out, counts: which folder the context is, a caller decides. A bare
/// name lies at the context's root.
fn is_kept_out(candidates: &[&Ignore], path: &str) -> bool {
    candidates.iter().any(|ignore| {
        let at = if path.contains('/') { path.to_owned() } else { join_path(&ignore.folder, path) };
        ignore.decides(&at) == Some(true)
    })
}

fn inside<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    match folder {
        "" => Some(path),
        folder if folder == path => Some(""),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// Env files that are made in the context, each with what says so: an env file that is there, an example of
/// one (both among the `named`), or a `.gitignore` that keeps it out. A bare name lies at the context's root.
fn env_files(repository: &Repository, named: &[&File], folder: &str) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let mut add = |path: String, place: Span| {
        if found.len() < MOST_FOLDERS && !found.iter().any(|(p, _)| *p == path) {
            found.push((path, place));
        }
    };
    for file in named {
        let own = file.folder();
        let at_root = own.is_empty() || own == folder;
        if !at_root && inside(folder, own).is_none() || file.vendored || file.sample {
            continue;
        }
        let at = |name: &str| if at_root { name.to_owned() } else { join_path(own, name) };
        let untracked = file.name() == ".env" && file.tracked != Some(true);
        if untracked || file.name().starts_with(".env") && is_example(file.name()) {
            let local = file.name().starts_with(".env.local");
            add(at(if local { ".env.local" } else { ".env" }), file.place);
        }
    }
    for ignore in repository.facts.ignores.iter().filter(|i| i.tool == IgnoreTool::Git) {
        if !(ignore.folder == folder || ignore.folder.is_empty()) {
            continue;
        }
        for pattern in &ignore.patterns {
            let anchored = pattern.value.starts_with('/') && ignore.folder != folder;
            match pattern.value.trim_start_matches("**/").trim_start_matches('/') {
                _ if anchored => {}
                ".env" | ".env*" | "*.env" => add(".env".to_owned(), pattern.span),
                ".env.local" | ".env*.local" | ".env.*" => add(".env.local".to_owned(), pattern.span),
                _ => {}
            }
        }
    }
    // The plain name first: it is what everybody has.
    found.sort_by_key(|(path, _)| (path.matches('/').count(), path.ends_with(".local")));
    found
}
