//! Configuration of one environment that is built into an image.

use super::image_stages::{Stages, shipped_files};
use crate::facts::{Instruction, Repository, Stage, path_stage};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::variables::is_environment_name;
use crate::parameters::Parameters;
use crate::text::{Span, Spanned};

/// Endings of files that hold settings; env files are other rules' matter.
const ENDINGS: &[&str] = &["yml", "yaml", "json", "toml", "ini", "properties", "cfg", "xml"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        for copy in stages.shipped_instructions().filter(|i| matches!(i.keyword.as_str(), "COPY" | "ADD")) {
            // What comes from another stage was built there.
            if copy.flags.iter().any(|f| f.starts_with("--from")) {
                continue;
            }
            verdict.examined(copy.place);
            for source in sources(copy) {
                report(repository, source, verdict);
            }
        }
    }
}

fn sources(copy: &Instruction) -> &[Spanned<String>] {
    copy.args.split_last().map_or(&[], |(_, sources)| sources)
}

fn report(repository: &Repository, source: &Spanned<String>, verdict: &mut Verdict) {
    let written = source.value.as_str();
    let name = written.rsplit('/').next().unwrap_or(written);
    let Some((stem, ending)) = name.rsplit_once('.') else { return };
    if !ENDINGS.contains(&ending) || is_tooling(stem) {
        return;
    }
    let path = repository.path(source.span);
    let subject = format!("copy {written}");
    if follows_environment(written) {
        let message = format!("`{path}` builds the settings of one environment into the image: `{written}`");
        let finding = verdict.fail(source.span, subject, message);
        finding.label("a variable of the build says which").at_most(Confidence::High);
        return;
    }
    let environments = &repository.environments;
    let Some((stage, _)) = path_stage(written, environments).filter(|(s, _)| is_served(*s)) else { return };
    // Only beside the same file of another environment is it this one's.
    let Some((own, other)) = siblings(repository, written, stage) else { return };
    let message = format!("`{path}` builds the settings of {} into the image: `{written}`", stage.name());
    let finding = verdict.fail(source.span, subject, message);
    finding.label("holds for one environment only").at_most(Confidence::Medium);
    finding.relate(own, "the file").relate(other, "the same for another environment");
}

/// Environments that many people use.
fn is_served(stage: Stage) -> bool {
    matches!(stage, Stage::Staging | Stage::Production | Stage::Integration)
}

/// Files that tell tools what to do rather than a program.
fn is_tooling(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or(stem);
    matches!(
        first,
        "package"
            | "package-lock"
            | "tsconfig"
            | "composer"
            | "webpack"
            | "babel"
            | "ngsw-config"
            | "requirements"
            | "pom"
    )
}

/// Whether a variable that names an environment is a part of the path.
fn follows_environment(written: &str) -> bool {
    let mut rest = written;
    while let Some(at) = rest.find('$') {
        rest = rest[at + 1..].trim_start_matches('{');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if is_environment_name(&rest[..end]) {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// The file that is copied, and the one beside it that bears another served environment's name.
fn siblings(repository: &Repository, written: &str, stage: Stage) -> Option<(Span, Span)> {
    let starred = |path: &str, stage| super::definitions::starred(path, stage, repository);
    let written = written.trim_start_matches("./").trim_start_matches('/');
    let family = starred(written, stage);
    let files = || repository.files.iter().filter(|f| f.is_own());
    let own = files().find(|f| f.path.ends_with(written))?;
    // Most files are told apart by what the names of all environments have in common.
    let common: Vec<&str> = family.split('*').collect();
    let alike = |path: &str| common.iter().all(|part| path.contains(part)) && !path.ends_with(written);
    let other = files().filter(|f| alike(&f.path)).find(|f| {
        path_stage(&f.path, &repository.environments).is_some_and(|(another, _)| {
            is_served(another) && another != stage && starred(&f.path, another).ends_with(&family)
        })
    })?;
    Some((own.place, other.place))
}
