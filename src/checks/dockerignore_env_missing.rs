//! Whether an image that copies its whole context takes env files along.

use super::samples::{is_sample, is_vendored};
use crate::facts::{Ignore, IgnoreTool, Instruction, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut copies: Vec<&Instruction> =
        repository.facts.instructions.iter().filter(|i| copies_context(i)).collect();
    // One finding for each Dockerfile, at a stage that runs if one copies.
    copies.sort_by_key(|i| (i.place.file, !i.last, i.place.start));
    copies.dedup_by_key(|i| i.place.file);
    for copy in copies {
        let dockerfile = repository.path(copy.place);
        if is_sample(dockerfile) || is_vendored(dockerfile) {
            continue;
        }
        let folder = dockerfile.rsplit_once('/').map_or("", |(folder, _)| folder);
        // Without env files, made or to be made, nothing can be taken along.
        let Some(env) = env_file(repository, folder) else { continue };
        let own = format!("{dockerfile}.dockerignore");
        let ignores =
            |ignore: &&Ignore| ignore.tool == IgnoreTool::Docker && repository.path(ignore.place) == own;
        let of_context = |ignore: &&Ignore| {
            ignore.tool == IgnoreTool::Docker
                && repository.file(ignore.place.file).name() == ".dockerignore"
                && (ignore.folder.is_empty()
                    || folder == ignore.folder
                    || folder.starts_with(&format!("{}/", ignore.folder)))
        };
        let all = &repository.facts.ignores;
        // The context is the Dockerfile's folder or one above it; whichever ignore file keeps them out, counts.
        let candidates: Vec<&Ignore> = match all.iter().find(ignores) {
            Some(own) => vec![own],
            None => all.iter().filter(of_context).collect(),
        };
        let kept_out = |ignore: &&Ignore| {
            let path =
                if ignore.folder.is_empty() { ".env".to_owned() } else { format!("{}/.env", ignore.folder) };
            ignore.decides(&path) == Some(true)
        };
        if candidates.iter().any(kept_out) {
            verdict.satisfied(copy.place);
            continue;
        }
        let message = match candidates.first() {
            Some(_) => format!(
                "`{}` copies the context, and no `.dockerignore` pattern keeps `.env` out",
                words(copy)
            ),
            None => format!("`{}` copies the context, and there is no `.dockerignore`", words(copy)),
        };
        let finding = verdict.fail(copy.place, format!("{} {}", copy.keyword, copy.stage), message);
        finding.label("takes along every file of the context").relate(env, "says that there are env files");
        if let Some(ignore) = candidates.first() {
            finding.relate(ignore.place, "lists what stays out");
        }
        if !copy.last {
            finding
                .at_most(Confidence::Medium)
                .against("the stage is not the one that runs, only its cache holds the files");
        }
    }
}

fn words(copy: &Instruction) -> String {
    let args: Vec<&str> = copy.args.iter().map(|a| a.value.as_str()).collect();
    format!("{} {}", copy.keyword, args.join(" "))
}

fn copies_context(instruction: &Instruction) -> bool {
    matches!(instruction.keyword.as_str(), "COPY" | "ADD")
        && !instruction.flags.iter().any(|f| f.starts_with("--from") || f.starts_with("--exclude"))
        && instruction.args.split_last().is_some_and(|(_, sources)| {
            sources.iter().any(|s| matches!(s.value.as_str(), "." | "./" | "*" | "./*"))
        })
}

/// A file that shows that env files are made here: an example or an env file near the Dockerfile, or a
/// `.gitignore` that keeps them out.
fn env_file(repository: &Repository, folder: &str) -> Option<Span> {
    let near = |path: &str| {
        let own = path.rsplit_once('/').map_or("", |(f, _)| f);
        own == folder || own.is_empty()
    };
    let named = repository.files.iter().find(|f| {
        let name = f.name();
        near(&f.path) && (name == ".env" || name.starts_with(".env.") && !name.ends_with(".ts"))
    });
    let ignored = || {
        let git = repository.facts.ignores.iter().filter(|i| i.tool == IgnoreTool::Git);
        git.filter(|i| i.folder == folder || i.folder.is_empty())
            .flat_map(|i| &i.patterns)
            .find(|p| {
                matches!(
                    p.value.trim_start_matches("**/").trim_start_matches('/'),
                    ".env" | ".env*" | ".env.local" | ".env.*" | "*.env"
                )
            })
            .map(|p| p.span)
    };
    named.map(|f| f.place).or_else(ignored)
}
