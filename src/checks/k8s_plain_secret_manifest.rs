//! Kubernetes objects that hold a secret in clear text or base64, which is the same.

use super::credentials::{grade, is_for_tests, key, manifest_of};
use super::samples::no_worse_than;
use crate::facts::{Certainty, Credential, Repository, Resource, in_file};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::{Secret, Span};
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut objects: BTreeMap<(Span, Span), (&Resource, Vec<&Credential>)> = BTreeMap::new();
    for resource in repository.facts.resources.iter().filter(|r| r.sort == "Secret") {
        if resource.encrypted {
            verdict.satisfied(resource.place);
        } else {
            verdict.examined(resource.place);
        }
    }
    for credential in &repository.facts.credentials {
        if let Some(resource) = manifest_of(repository, credential) {
            let id = (resource.place, resource.body);
            objects.entry(id).or_insert_with(|| (resource, Vec::new())).1.push(credential);
        }
    }
    // Overlays and copies of one object hold the same values.
    let mut seen: Vec<(Vec<&Secret>, usize)> = Vec::new();
    for (resource, mut all) in objects.into_values() {
        all.sort_by_key(|c| c.place);
        // A value is met as a whole, and again as what a part of it is.
        all.dedup_by(|b, a| a.place.contains(b.place) || b.place.start < a.place.end);
        let mut values: Vec<&Secret> = all.iter().map(|c| &c.value).collect();
        values.sort();
        if let Some((_, at)) = seen.iter().find(|(v, _)| *v == values) {
            verdict.findings[*at].relate(all[0].place, "the same values");
            continue;
        }
        seen.push((values, verdict.findings.len()));
        report(repository, resource, &all, verdict);
    }
    files(repository, verdict);
}

fn report(repository: &Repository, resource: &Resource, all: &[&Credential], verdict: &mut Verdict) {
    let first = *all.iter().rev().max_by_key(|c| grade(repository, c)).expect("a group has a member");
    let (severity, confidence) = grade(repository, first);
    let name = key(first).unwrap_or_default();
    let more = match all.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let title = resource.title();
    let message = match (resource.sort.as_str(), resource.block.as_str()) {
        (_, "generator") => {
            format!("`{}` makes a Secret of `{name}`{more} in clear text", file(repository, resource))
        }
        ("Secret", _) => format!("`{title}` holds `{name}`{more} for everybody to read"),
        _ => format!("`{title}` gives a container `{name}`{more} in clear text"),
    };
    // What most likely is made up is for a person to look at, and stops nobody.
    let subject = format!("{title} {name}");
    let finding = if confidence == Confidence::Low {
        verdict.review(first.place, subject, message)
    } else {
        verdict.fail(first.place, subject, message)
    };
    finding.label(if resource.sort == "Secret" { "base64 is no encryption" } else { "in clear text" });
    no_worse_than(finding, severity).at_most(confidence);
    if all.iter().all(|c| c.default) {
        no_worse_than(finding, Severity::Warning)
            .against("its value is a well-known default, which others may set anew");
    } else if is_for_tests(repository, first) {
        finding.against("it lies among tests or examples, or is named after them");
    } else if first.certainty == Certainty::Generic {
        finding.against("only its name and its look say that it is one");
    }
    for other in all.iter().filter(|c| c.place != first.place) {
        finding.relate(other.place, key(other).map_or("another one".to_owned(), |k| format!("`{k}`, too")));
    }
}

fn file<'r>(repository: &'r Repository, resource: &Resource) -> &'r str {
    repository.path(resource.place)
}

/// `secretGenerator.files`: a tracked file becomes a Secret, so that it holds one.
fn files(repository: &Repository, verdict: &mut Verdict) {
    const ENCRYPTED: &[&str] =
        &["enc", "encrypted", "sops", "sealed", "example", "sample", "template", "tpl"];
    const PUBLIC: &[&str] = &["crt", "cer", "pub", "csr"];
    for resource in repository.facts.resources.iter().filter(|r| r.block == "generator") {
        for entry in resource.entries.iter().filter(|e| e.path == "files") {
            let Some(written) = entry.setting.known() else { continue };
            let Some(target) = resolve(repository.path(resource.place), written) else { continue };
            let Some(file) = repository.by_path(&target).filter(|f| f.tracked != Some(false)) else {
                continue;
            };
            let harmless = file.name().split('.').any(|part| ENCRYPTED.contains(&part))
                || file.name().rsplit('.').next().is_some_and(|e| PUBLIC.contains(&e));
            // What the file itself gives away is said there.
            let told = !in_file(&repository.facts.credentials, file.place.file).is_empty();
            if harmless || told {
                continue;
            }
            let message = format!(
                "`{}` makes a Secret of `{target}`, which everybody can read",
                file_name(repository, resource)
            );
            let finding = verdict.review(entry.place, format!("file {written}"), message);
            finding.label("a tracked file").depend(file.place.file);
        }
    }
}

fn file_name<'r>(repository: &'r Repository, resource: &Resource) -> &'r str {
    repository.file(resource.place.file).name()
}

/// The path from the root of what `from` calls `written`; `None` if it leaves the repository.
fn resolve(from: &str, written: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
