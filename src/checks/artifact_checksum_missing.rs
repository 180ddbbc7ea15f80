//! Deploys that take what they fetch as it comes, without a digest, a checksum or a signature.

use super::gates::{confidence, deploys_to, effects_of};
use crate::facts::{ArtifactKind, Command, EffectKind, Job, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeSet;

/// Programs that compare a digest or a signature.
const CHECKERS: &[&str] = &[
    "sha256sum",
    "sha512sum",
    "shasum",
    "sha1sum",
    "md5sum",
    "b3sum",
    "minisign",
    "signify",
    "slsa-verifier",
    "Get-FileHash",
];

/// Ends of names of things that are deployed.
const ARCHIVES: &[&str] = &[
    ".zip", ".tgz", ".tar.gz", ".tar.xz", ".tar", ".jar", ".war", ".whl", ".deb", ".rpm", ".nupkg", ".phar",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let verified = flow.nearest_before(|n| verifies(flow.job(n, pipelines)));
    let (mut judged, mut asked) = (BTreeSet::new(), BTreeSet::new());
    for stage in [Stage::Production, Stage::Staging] {
        for node in flow.with_effect(EffectKind::Deploy, Some(stage)) {
            let run = flow.run(node);
            let job = flow.job(node, pipelines);
            if !judged.insert((run.pipeline, run.job)) {
                continue;
            }
            // The job or one before it compares something.
            let checked = verified.any(node) || verifies(job);
            for (command, what) in job.commands().filter_map(|c| Some((c, fetched(c)?))) {
                if checked {
                    verdict.satisfied(command.place);
                    continue;
                }
                let message = format!(
                    "Job `{}` deploys `{what}` as it was fetched, with no checksum compared",
                    job.name
                );
                let finding = verdict.fail(command.place, format!("job {} {what}", job.id), message);
                finding.at_most(Confidence::Medium).at_most(confidence(run, stage)).label("fetched here");
            }
            let images = deploys_to(run, stage)
                .filter_map(|e| e.artifact.as_ref())
                .filter(|a| a.kind == ArtifactKind::Image && !a.name.is_empty());
            for image in images {
                if checked || image.digest.is_some() {
                    verdict.satisfied(image.place);
                    continue;
                }
                let name = image.name_text();
                // The same image by the same words is one question, whoever deploys it.
                if asked.insert(name.clone()) {
                    let message = format!(
                        "Image `{name}` is deployed by a tag, and nothing here compares its digest or signature"
                    );
                    verdict.open(image.place, format!("image {name}"), message);
                }
            }
        }
    }
}

/// Whether the job compares something.
fn verifies(job: &Job) -> bool {
    let by_command = job.commands().any(|c| {
        let checks = CHECKERS.contains(&c.program.as_str());
        let verb = |words: &[&str]| c.args.iter().any(|w| words.contains(&w.text.as_str()));
        checks && !c.captured
            || matches!(c.program.as_str(), "gpg" | "gpg2") && verb(&["--verify"])
            || c.program == "openssl" && verb(&["dgst", "-verify"])
            || c.program == "gh" && verb(&["attestation"])
            || matches!(c.program.as_str(), "cosign" | "notation")
                && verb(&["verify", "verify-attestation", "verify-blob"])
    });
    let by_use = job.steps.iter().flat_map(effects_of).any(|(_, e)| {
        e.effect == EffectKind::Validate
            && e.artifact.as_ref().is_some_and(|a| a.kind == ArtifactKind::Image)
            && matches!(e.tool.as_str(), "cosign" | "notation")
    });
    by_command || by_use
}

/// Words by which a program that is published for many systems names one of them.
const SYSTEMS: &[&str] = &["linux", "linux64", "darwin", "amd64", "x86", "x64", "arm64", "aarch64", "musl"];

/// The archive that a command fetches from elsewhere. Tools that the job works with are not what it deploys.
fn fetched(command: &Command) -> Option<String> {
    let is_tool = |name: &String| {
        let lower = name.to_ascii_lowercase();
        lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SYSTEMS.contains(&word))
    };
    archive_of(command).filter(|name| !is_tool(name))
}

fn archive_of(command: &Command) -> Option<String> {
    let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    let archive = |w: &&&str| {
        let bare = w.split(['?', '#']).next().unwrap_or("");
        ARCHIVES.iter().any(|end| bare.ends_with(end)) && !w.starts_with('-')
    };
    let of = |w: &str| w.rsplit('/').next().unwrap_or(w).to_owned();
    match command.program.as_str() {
        "curl" | "wget" => words.iter().filter(|w| w.contains("://")).find(archive).map(|w| of(w)),
        "aws" if words.first() == Some(&"s3") && words.get(1) == Some(&"cp") => {
            words.get(2).filter(|w| w.starts_with("s3://")).filter(|w| archive(w)).map(|w| of(w))
        }
        "gsutil" if words.contains(&"cp") => {
            words.iter().filter(|w| w.starts_with("gs://")).find(archive).map(|w| of(w))
        }
        "gh" if words.first() == Some(&"release") && words.get(1) == Some(&"download") => {
            Some(words.get(2).filter(|w| !w.starts_with('-')).map_or("the release", |w| w).to_owned())
        }
        _ => None,
    }
}
