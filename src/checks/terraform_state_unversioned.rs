//! Stores of Terraform's state that keep only the last one.

use super::definitions::text;
use super::estate::{is_no, is_yes};
use super::rollouts::own;
use crate::facts::{Repository, Resource, Setting, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let backends: Vec<(&Setting, &str)> = own(repository)
        .filter(|r| r.block == "terraform" || r.block == "remote_state")
        .flat_map(|r| &r.entries)
        .filter(|e| matches!(e.path.as_str(), "backend.s3.bucket" | "backend.gcs.bucket" | "config.bucket"))
        .filter_map(|e| Some((e, text(e)?)))
        .collect();
    let mut any = false;
    for bucket in own(repository).filter(|r| r.system == System::Terraform && r.block == "resource") {
        if !matches!(bucket.sort.as_str(), "aws_s3_bucket" | "google_storage_bucket") {
            continue;
        }
        let named = bucket
            .entry("bucket")
            .or_else(|| bucket.entry("name"))
            .map_or_else(String::new, |e| e.setting.text());
        let held = backends.iter().find(|(_, name)| *name == named);
        if held.is_none() && !speaks_of_state(&named) && !speaks_of_state(&bucket.name.text()) {
            continue;
        }
        any = true;
        let title = bucket.title();
        match versions(repository, bucket) {
            Versions::Kept(place) => verdict.satisfied(place),
            Versions::Unknown(place) => verdict.examined(place),
            Versions::Off(place) => {
                let message =
                    format!("`{title}` holds Terraform's state and keeps only the last version of it");
                verdict.fail(place, format!("state {title}"), message).label("switched off");
            }
            Versions::Unsaid => {
                let message =
                    format!("`{title}` holds Terraform's state and keeps only the last version of it");
                let finding = verdict.fail(bucket.place, format!("state {title}"), message);
                finding.label("versions are not asked for").at_most(Confidence::Medium);
                if let Some((backend, _)) = held {
                    finding.relate(backend.place, "the state is kept there");
                }
            }
        }
    }
    if !any {
        verdict.not_applicable("no bucket that holds Terraform's state is declared here");
    }
}

fn speaks_of_state(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_', '.'], " ");
    // A bucket for logs of the one that holds the state is another.
    ["tfstate", "tf state", "terraform state", "terraform backend", "tf backend", "terraformstate"]
        .iter()
        .any(|w| name.contains(w))
        && !name.contains("log")
}

enum Versions {
    Kept(Span),
    Off(Span),
    Unknown(Span),
    Unsaid,
}

/// <https://developer.hashicorp.com/terraform/language/backend/s3>: "highly recommended that you enable Bucket Versioning".
fn versions(repository: &Repository, bucket: &Resource) -> Versions {
    let judge = |entry: &Setting| match text(entry) {
        Some(value) if value == "Enabled" || is_yes(value) => Versions::Kept(entry.place),
        Some(value) if is_no(value) || matches!(value, "Suspended" | "Disabled") => {
            Versions::Off(entry.place)
        }
        _ => Versions::Unknown(entry.place),
    };
    if let Some(inline) = bucket
        .entry("versioning.enabled")
        .or_else(|| bucket.entries.iter().find(|e| e.path.contains("versioning")))
    {
        return judge(inline);
    }
    let reference = format!("{}.{}", bucket.sort, bucket.name.text());
    let name = bucket.entry("bucket").and_then(text);
    let apart = own(repository).filter(|r| r.sort == "aws_s3_bucket_versioning").find(|r| {
        r.entry("bucket")
            .is_some_and(|b| b.setting.text().contains(&reference) || name.is_some() && text(b) == name)
    });
    match apart.map(|r| (r, r.entries_ending("status").next())) {
        Some((_, Some(status))) => judge(status),
        Some((found, None)) => Versions::Unknown(found.place),
        None => Versions::Unsaid,
    }
}
