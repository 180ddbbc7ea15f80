//! Images that do not say of what, when and by whom they were built.

use super::products::{Product, Stamp, is_opaque, makers, stamps, stamps_of, stored_images};
use crate::facts::{Command, Dialect, EffectKind, Repository, Step};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::BTreeSet;

/// What is asked for, and its words.
const WANTED: &[(Stamp, &str)] =
    &[(Stamp::Commit, "the commit"), (Stamp::Time, "the time"), (Stamp::Builder, "who built it")];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let of_files = labels_of_files(repository);
    for product in stored_images(repository) {
        let makers = makers(repository, &product);
        // Other builders (Jib, buildpacks, Kaniko in a script) label by themselves or cannot be read.
        if makers.is_empty() || makers.iter().any(|(_, step, command)| !is_plain(step, *command)) {
            continue;
        }
        let mut found = of_files.clone();
        found.extend(product.names.iter().flat_map(|a| stamps_of(&a.version)));
        for (_, step, command) in &makers {
            found.extend(told(step, *command));
        }
        if is_attested(repository, &product) {
            found.extend([Stamp::Commit, Stamp::Time, Stamp::Builder]);
        }
        let missing: Vec<&str> =
            WANTED.iter().filter(|(stamp, _)| !found.contains(stamp)).map(|(_, words)| *words).collect();
        let subject = format!("image {}", product.stem);
        let name = product.shown();
        match missing.len() {
            0 => verdict.satisfied(product.place),
            3 if !hides_a_tag(&product) => {
                let message = format!(
                    "Image `{name}` says neither of what commit it is, nor when and by whom it was built"
                );
                verdict.fail(product.place, subject, message).label("built without labels or provenance");
            }
            _ => {
                let missing = missing.join(" and ");
                let message = format!("Nothing here shows that {missing} is written into image `{name}`");
                verdict.open(product.place, subject, message);
            }
        }
    }
}

/// Whether a variable that the run fills in may hold the commit: alone, or as a tag.
fn hides_a_tag(product: &Product<'_>) -> bool {
    product.names.iter().any(|a| match a.version.as_slice() {
        [] => product.stem.starts_with('{'),
        parts => parts.iter().any(is_opaque),
    })
}

/// A build whose labels all stand in its own words.
fn is_plain(step: &Step, command: Option<&Command>) -> bool {
    match command {
        Some(command) => {
            matches!(command.program.as_str(), "docker" | "podman" | "buildah" | "nerdctl" | "executor")
                && !command.line.contains("bake")
                && !command.line.contains("compose")
        }
        None => step.uses.as_ref().is_some_and(|u| u.name == "docker/build-push-action"),
    }
}

/// What the words of a build tell.
fn told(step: &Step, command: Option<&Command>) -> BTreeSet<Stamp> {
    let mut found = BTreeSet::new();
    if let Some(command) = command {
        let mut before = "";
        for word in &command.args {
            let joined = ["--label=", "--build-arg="].iter().any(|f| word.text.starts_with(f));
            if matches!(before, "--label" | "--build-arg") || joined {
                found.extend(stamps(&word.text));
            }
            before = &word.text;
        }
        // BuildKit attaches provenance to what it pushes itself.
        // <https://docs.docker.com/build/metadata/attestations/slsa-provenance/>
        let pushes = command.arg(0) == Some("buildx") && command.has_flag(&["--push"]);
        let refused =
            command.line.contains("--provenance=false") || command.line.contains("--provenance false");
        if (pushes || command.has_flag(&["--provenance", "--attest"])) && !refused {
            found.extend([Stamp::Commit, Stamp::Time, Stamp::Builder]);
        }
    }
    let used = step.uses.as_ref().filter(|_| command.is_none());
    if let Some(used) = used {
        for input in ["labels", "build-args", "annotations"].iter().filter_map(|n| used.input(n)) {
            let text = input.value.text();
            if text.contains(".outputs.labels") || text.contains(".outputs.annotations") {
                found.extend([Stamp::Commit, Stamp::Time]);
            }
            text.lines().for_each(|line| found.extend(stamps(line)));
        }
        if used.input("provenance").is_none_or(|p| p.value.text() != "false") {
            found.extend([Stamp::Commit, Stamp::Time, Stamp::Builder]);
        }
    }
    found
}

/// Whether the service or a later step attests where the image comes from.
fn is_attested(repository: &Repository, product: &Product<'_>) -> bool {
    let flow = &repository.flow;
    let run = flow.run(product.node);
    // <https://cloud.google.com/build/docs/securing-builds/generate-validate-build-provenance>
    let cloud = repository.facts.pipelines[run.pipeline].dialect == Dialect::CloudBuild;
    let attests = |step: &Step| {
        step.uses.as_ref().is_some_and(|u| u.name.contains("attest") || u.name.contains("slsa"))
    };
    let signs = flow.runs().iter().filter(|r| r.root == run.root);
    cloud
        || repository.steps().any(|(_, _, step)| attests(step))
        || signs.flat_map(|r| &r.effects).any(|e| e.effect == EffectKind::Sign && e.tool.contains("attest"))
}

/// What labels of Dockerfiles tell.
fn labels_of_files(repository: &Repository) -> BTreeSet<Stamp> {
    let labels = repository.facts.instructions.iter().filter(|i| i.keyword == "LABEL" && i.last);
    let own = labels.filter(|i| repository.is_own(i.place));
    own.flat_map(|i| &i.args).filter(|w| w.value.contains('$')).flat_map(|w| stamps(&w.value)).collect()
}
