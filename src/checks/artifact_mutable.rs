//! Stores that let what was released be replaced, and commands that replace it.

use super::samples::no_worse_than;
use crate::facts::{Command, Owner, Repository, Resource, System, Use, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |place: Span| repository.is_own(place);
    for resource in
        repository.facts.resources.iter().filter(|r| r.system == System::Terraform && own(r.place))
    {
        store(repository, resource, verdict);
    }
    for (_, job, step) in repository.steps() {
        if let Some(used) = &step.uses
            && let Some(place) = replaces(used)
        {
            let message = format!("Job `{}` may replace files of a release that is out", job.name);
            verdict
                .fail(place, format!("release {}", job.id), message)
                .at_most(Confidence::Medium)
                .label("overwrites what is there");
        }
    }
    let mut replaced: Vec<((String, &str), usize)> = Vec::new();
    for (owner, command) in repository.commands().filter(|(_, c)| own(c.place)) {
        let Some((place, what)) = overwrites(command) else { continue };
        let by = match owner {
            Owner::Step { job, .. } => format!("Job `{}`", job.name),
            Owner::Script(script) => format!("`{}`", script.name),
        };
        // Several files of one job's release are one defect.
        if let Some((_, at)) = replaced.iter().find(|(known, _)| *known == (by.clone(), what)) {
            verdict.findings[*at].relate(place, "here, too");
            continue;
        }
        replaced.push(((by.clone(), what), verdict.findings.len()));
        let message = format!("{by} replaces {what} that is already out: `{}`", command.line);
        let finding = verdict.fail(place, format!("overwrite {}", command.line), message);
        finding.at_most(Confidence::Medium).label("overwrites what is there");
        // A second try of the same release does this, too; the files of one are mostly made once.
        let file = what == "a file of a release";
        no_worse_than(finding, if file { Severity::Note } else { Severity::Warning });
    }
}

/// What a registry or bucket that code sets up allows.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecr_repository>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/artifact_registry_repository>
fn store(repository: &Repository, resource: &Resource, verdict: &mut Verdict) {
    if resource.block == "data" {
        return;
    }
    let entry = |path: &'static str| resource.entries_ending(path).next();
    let title = resource.title();
    let subject = format!("store {title}");
    let says = |path: &'static str, value: &str| {
        entry(path).is_some_and(|e| e.setting.text().eq_ignore_ascii_case(value))
    };
    match resource.sort.as_str() {
        "aws_ecr_repository" | "module"
            if resource.sort != "module" || entry("repository_image_tag_mutability").is_some() =>
        {
            let written = entry("image_tag_mutability").or_else(|| entry("repository_image_tag_mutability"));
            match written {
                Some(written) => match &written.setting {
                    Value::Known(value) if value.eq_ignore_ascii_case("MUTABLE") => {
                        let message = format!("Registry `{title}` lets a tag be pushed a second time");
                        verdict.fail(written.place, subject, message).label("tags can be replaced");
                    }
                    Value::Known(_) => verdict.satisfied(written.place),
                    _ => {}
                },
                None => {
                    let message = format!(
                        "Registry `{title}` lets a tag be pushed a second time, as nothing says otherwise"
                    );
                    let finding = verdict.fail(resource.place, subject, message);
                    no_worse_than(finding, Severity::Warning).label("the default is MUTABLE");
                }
            }
        }
        "google_artifact_registry_repository" if says("format", "DOCKER") => {
            if says("immutable_tags", "true") {
                verdict.satisfied(resource.place);
            } else if entry("immutable_tags").is_none_or(|e| e.setting.known().is_some()) {
                let message = format!("Registry `{title}` lets a tag be pushed a second time");
                let finding = verdict.fail(resource.place, subject, message);
                no_worse_than(finding, Severity::Warning).label("`immutable_tags` is not set");
            }
        }
        "aws_s3_bucket" if holds_artifacts(resource) => {
            let name = resource.name.text();
            let versioned = says("versioning.enabled", "true")
                || repository.facts.resources.iter().any(|r| {
                    let of = |e: &crate::facts::Setting| {
                        let text = e.setting.text();
                        text.contains(&format!("aws_s3_bucket.{name}."))
                            || text.contains(&format!("aws_s3_bucket.{name}["))
                    };
                    r.sort == "aws_s3_bucket_versioning" && r.entries_ending("bucket").any(of)
                });
            if versioned {
                verdict.satisfied(resource.place);
            } else {
                let message = format!("Bucket `{title}` forgets an artifact when another takes its name");
                let finding = verdict.fail(resource.place, subject, message);
                no_worse_than(finding.at_most(Confidence::Medium), Severity::Warning)
                    .label("keeps no versions");
            }
        }
        _ => {}
    }
}

fn holds_artifacts(resource: &Resource) -> bool {
    let name = resource.name.text().to_ascii_lowercase();
    let words: Vec<&str> = name.split(['_', '-']).collect();
    let holds = ["artifact", "artifacts", "releases", "builds", "packages"].iter().any(|w| words.contains(w));
    holds && !["log", "logs", "cache", "test"].iter().any(|w| words.contains(w))
}

/// The input of an action that replaces files of a release.
fn replaces(used: &Use) -> Option<Span> {
    let input = |name: &str| used.input(name).filter(|v| v.value.text() == "true").map(|v| v.span);
    match used.name.as_str() {
        "svenstaro/upload-release-action"
        | "shogo82148/actions-upload-release-asset"
        | "xresloader/upload-to-github-release" => input("overwrite"),
        _ => None,
    }
}

/// The flag of a command that replaces what is published, and what that is.
fn overwrites(command: &Command) -> Option<(Span, &'static str)> {
    let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    let flag =
        |flags: &[&str]| command.args.iter().find(|w| flags.contains(&w.text.as_str())).map(|w| w.place);
    let (place, what) = match (command.program.as_str(), words.first().copied().unwrap_or("")) {
        ("gh", "release") if words.get(1) == Some(&"upload") => (flag(&["--clobber"]), "a file of a release"),
        ("npm" | "pnpm", "publish") => (flag(&["--force", "-f"]), "a package"),
        ("helm", "cm-push" | "push") => (flag(&["--force", "-f"]), "a chart"),
        ("helm", "s3") if words.get(1) == Some(&"push") => (flag(&["--force"]), "a chart"),
        ("az", "acr") if words.get(1) == Some(&"import") => (flag(&["--force"]), "an image"),
        _ => return None,
    };
    place.map(|place| (place, what))
}
