//! Credentials that stay in an image: written into a Dockerfile, copied in, or given as a build argument.

use super::credentials::{Home, report};
use super::image_stages::{Reach, Stages};
use super::samples::no_worse_than;
use super::secret_names::is_secret_name;
use crate::facts::{Command, File, Instruction, Repository, in_file};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    report(repository, verdict, Home::Image);
    let arguments = build_arguments(repository);
    let mut reported: Vec<&str> = Vec::new();
    let mut variables: Vec<((FileId, &str), usize)> = Vec::new();
    let mut stages: BTreeMap<FileId, Stages<'_>> = BTreeMap::new();
    for instruction in &repository.facts.instructions {
        if !repository.is_own(instruction.place) {
            continue;
        }
        let file = instruction.place.file;
        let stages = stages.entry(file).or_insert_with(|| Stages::new(repository, file));
        match instruction.keyword.as_str() {
            "COPY" | "ADD" => copied(repository, instruction, stages, verdict),
            "RUN" => written(repository, instruction, stages, verdict),
            "ENV" | "ARG" => {
                let literal =
                    repository.facts.credentials.iter().any(|c| instruction.place.contains(c.place));
                if !literal && let Some(name) = named(instruction) {
                    // `ENV X=$X` after `ARG X` is one defect.
                    let same = (instruction.place.file, name);
                    if let Some((_, at)) = variables.iter().find(|(v, _)| *v == same) {
                        verdict.findings[*at].relate(instruction.place, "and here");
                        continue;
                    }
                    variables.push((same, verdict.findings.len()));
                    let finding = variable(instruction, name, stages.is_shipped(instruction), verdict);
                    if let Some(places) = arguments.get(name) {
                        reported.push(name);
                        for place in places {
                            finding.relate(*place, "the build is given it here");
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (name, places) in &arguments {
        let Some((first, rest)) = places.split_first().filter(|_| !reported.contains(&name.as_str())) else {
            continue;
        };
        let message = format!("Build argument `{name}` stays in the image's history");
        let finding = verdict.fail(*first, format!("build argument {name}"), message);
        finding.at_most(Confidence::Medium).label("shown by `docker history`");
        no_worse_than(finding, Severity::Warning);
        for place in rest {
            finding.relate(*place, "and here");
        }
    }
}

/// The secret-named variable that an ENV or ARG makes. One that is left empty or holds a path is none.
fn named(instruction: &Instruction) -> Option<&str> {
    let old_form = instruction.keyword == "ENV" && !instruction.args.first()?.value.contains('=');
    instruction.args.iter().take(if old_form { 1 } else { usize::MAX }).find_map(|word| {
        let (name, value) = word.value.split_once('=').unwrap_or((&word.value, ""));
        let value = if old_form { instruction.args.get(1).map_or("", |w| w.value.as_str()) } else { value };
        let harmless = instruction.keyword == "ENV" && (value.is_empty() || !value.contains('$'))
            || value.starts_with('/')
            || value.starts_with("http");
        (!harmless && is_secret_name(name)).then_some(name)
    })
}

/// <https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/>
fn variable<'v>(
    instruction: &Instruction,
    name: &str,
    shipped: bool,
    verdict: &'v mut Verdict,
) -> &'v mut crate::finding::Finding {
    let keyword = &instruction.keyword;
    let message = format!("`{keyword} {name}` leaves its value in the image");
    let finding = verdict.fail(instruction.place, format!("{keyword} {name}"), message);
    finding.at_most(Confidence::Medium).label("shown by `docker history`");
    let severity = if shipped { Severity::Warning } else { Severity::Note };
    no_worse_than(finding, severity);
    if !shipped {
        finding.against("the stage is not the one that runs, only its cache and provenance hold the value");
    }
    finding
}

/// Files that are credentials, copied from the context into a stage that is shipped, or into one that such a
/// stage copies them from.
fn copied<'r>(
    repository: &Repository,
    instruction: &'r Instruction,
    stages: &Stages<'r>,
    verdict: &mut Verdict,
) {
    if instruction.flags.iter().any(|f| f.starts_with("--from")) {
        return;
    }
    let Some((_, sources)) = instruction.args.split_last() else { return };
    for source in sources {
        let Some((what, certain)) = secret_file(&source.value) else { continue };
        // The very file is in git and was read: what it holds is reported there.
        let known = repository.files.iter().find(|f| f.tracked == Some(true) && is_same(f, &source.value));
        if let Some(file) = known
            && in_file(&repository.facts.credentials, file.place.file).is_empty()
        {
            continue;
        }
        let name = source.value.rsplit('/').next().unwrap_or(&source.value);
        let carried = match stages.reach(instruction, &source.value, name) {
            Reach::Shipped => None,
            Reach::Carried(by) => Some(by),
            Reach::Stays => continue,
        };
        let message = format!("`{} {}` takes {what} into the image", instruction.keyword, source.value);
        let finding = verdict.fail(source.span, format!("copies {}", source.value), message);
        finding.label("becomes a layer");
        if !certain {
            finding.at_most(Confidence::Medium);
            no_worse_than(finding, Severity::Warning);
        }
        if let Some(by) = carried {
            finding.relate(by.place, "takes it on into the image");
        }
    }
}

/// A secret that is mounted as it should be, and then written into a file of the layer.
/// <https://docs.docker.com/build/building/secrets/#secret-mounts>
fn written(repository: &Repository, instruction: &Instruction, stages: &Stages<'_>, verdict: &mut Verdict) {
    if !stages.is_shipped(instruction) || !instruction.flags.iter().any(|f| f.contains("type=secret")) {
        return;
    }
    let own = || repository.commands().map(|(_, c)| c).filter(|c| instruction.place.contains(c.place));
    for command in own() {
        let mounted = command.line.contains("/run/secrets/");
        let to = match command.program.as_str() {
            "cp" | "mv" | "install" => command.args.last(),
            _ => command.writes.first(),
        };
        let Some(to) =
            to.filter(|to| mounted && !to.text.starts_with("/dev/") && !to.text.starts_with("/tmp/"))
        else {
            continue;
        };
        let removed = own().any(|c| c.program == "rm" && c.args.iter().any(|w| w.text == to.text));
        if removed {
            continue;
        }
        let message = format!("A mounted secret is written to `{}`, which stays in the image", to.text);
        let finding = verdict.fail(command.place, format!("writes {}", to.text), message);
        finding.at_most(Confidence::Medium).label("becomes a layer");
        return;
    }
}

fn is_same(file: &File, source: &str) -> bool {
    let source = source.trim_start_matches("./");
    file.path == source || file.path.ends_with(&format!("/{source}"))
}

/// What a file with this name is, and whether it is so for certain.
fn secret_file(source: &str) -> Option<(&'static str, bool)> {
    let lower = source.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or("");
    let example = ["example", "sample", "template", "dist", "test", "dev"]
        .iter()
        .any(|w| name.split(['.', '-', '_']).any(|p| p == *w));
    if example {
        return None;
    }
    Some(match name {
        ".env" | ".env.local" | ".env.production" | ".env.staging" | ".env.prod" | ".env*" => {
            ("an env file", true)
        }
        "id_rsa" | "id_ed25519" | "id_ecdsa" | "id_dsa" => ("a private key", true),
        ".netrc" | ".pypirc" | ".git-credentials" => ("login data", true),
        ".npmrc" | ".dockerconfigjson" => ("login data", false),
        "kubeconfig" => ("a kubeconfig", false),
        "credentials.json" | "service-account.json" | "service_account.json" | "serviceaccount.json" => {
            ("a service account's key", false)
        }
        "credentials" if lower.contains(".aws/") => ("AWS credentials", true),
        _ => return None,
    })
}

/// Secret-named build arguments that pipelines and scripts give, by name.
fn build_arguments(repository: &Repository) -> BTreeMap<String, Vec<Span>> {
    let mut found: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for (_, command) in repository.commands().filter(|(_, c)| builds_image(c)) {
        let mut words = command.args.iter().peekable();
        while let Some(word) = words.next() {
            let argument = match word.text.as_str() {
                "--build-arg" | "--env" | "-e" if text_is_argument(&word.text, command) => {
                    words.peek().map(|w| (w.text.as_str(), w.place))
                }
                text => text.strip_prefix("--build-arg=").map(|rest| (rest, word.place)),
            };
            let Some((text, place)) = argument else { continue };
            let name = text.split('=').next().unwrap_or(text);
            if is_secret_name(name) {
                found.entry(name.to_owned()).or_default().push(place);
            }
        }
    }
    for (_, _, step) in repository.steps() {
        let Some(arguments) = step
            .uses
            .as_ref()
            .filter(|u| u.name == "docker/build-push-action")
            .and_then(|u| u.input("build-args"))
        else {
            continue;
        };
        for line in arguments.value.text().lines() {
            let name = line.split('=').next().unwrap_or("").trim();
            if is_secret_name(name) {
                found.entry(name.to_owned()).or_default().push(arguments.span);
            }
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| s.path.contains(".build.args.")) {
        let given = !setting.setting.text().is_empty();
        if given && is_secret_name(&setting.key) && !repository.is_sample(setting.place) {
            found.entry(setting.key.clone()).or_default().push(setting.key_place);
        }
    }
    found.values_mut().for_each(|places| places.sort());
    found
}

/// `--env` gives buildpacks what `--build-arg` gives a Dockerfile.
fn text_is_argument(flag: &str, command: &Command) -> bool {
    flag == "--build-arg" || command.program == "pack"
}

fn builds_image(command: &Command) -> bool {
    command.program == "pack" && command.arg(0) == Some("build")
        || matches!(command.program.as_str(), "docker" | "podman" | "buildah" | "nerdctl" | "executor")
            && (command.program == "executor"
                || command.args.iter().take(3).any(|w| matches!(w.text.as_str(), "build" | "bud")))
}
