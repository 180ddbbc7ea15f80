//! Secrets whose declaration keeps them from being replaced while the service runs.

use super::samples::no_worse_than;
use crate::facts::{Repository, Resource, Setting, System, folder_of};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// The most further places that one finding lists.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    fetched_once(repository, verdict);
    unrotated(repository, verdict);
    fixed_versions(repository, verdict);
}

/// External Secrets ask the store once when the interval is zero.
/// <https://external-secrets.io/latest/api/externalsecret/#refresh-policies>
fn fetched_once(repository: &Repository, verdict: &mut Verdict) {
    let kinds = ["ExternalSecret", "ClusterExternalSecret"];
    for resource in repository.facts.resources.iter().filter(|r| kinds.contains(&r.sort.as_str())) {
        if repository.is_sample(resource.place) {
            continue;
        }
        // A generated password would be another one after each refresh; what is given away is looked after by
        // somebody else.
        let generated = resource.entries.iter().any(|e| {
            e.path.contains("generatorRef")
                || e.key == "creationPolicy" && e.setting.known().is_some_and(|v| v == "Orphan")
        });
        let zero = |e: &&Setting| {
            let value = e.setting.known().map_or("", String::as_str);
            let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            (e.key == "refreshInterval" || e.key == "refreshTime") && number.parse::<f64>() == Ok(0.0)
        };
        let once =
            |e: &&Setting| e.key == "refreshPolicy" && e.setting.known().is_some_and(|v| v == "CreatedOnce");
        let Some(entry) = resource.entries.iter().find(|e| zero(e) || once(e)).filter(|_| !generated) else {
            verdict.satisfied(resource.place);
            continue;
        };
        let message = format!("`{}` is fetched from its store once and never again", resource.title());
        let finding = verdict.fail(entry.place, resource.title(), message);
        finding.label("a new value does not arrive");
        finding.at_most(Confidence::Medium);
    }
}

/// Secrets that Terraform declares without saying how they change: one finding for each folder and sort.
fn unrotated(repository: &Repository, verdict: &mut Verdict) {
    let all = || {
        repository.facts.resources.iter().filter(|r| r.system == System::Terraform && r.block == "resource")
    };
    let rotations: Vec<&Setting> = all()
        .filter(|r| r.sort == "aws_secretsmanager_secret_rotation")
        .flat_map(|r| r.entries.iter().filter(|e| e.path == "secret_id"))
        .collect();
    let mut open: BTreeMap<(&str, &str), Vec<&Resource>> = BTreeMap::new();
    for resource in all() {
        let rotates = match resource.sort.as_str() {
            "aws_secretsmanager_secret" => {
                let own = format!("aws_secretsmanager_secret.{}", resource.name.text());
                // What is named by a variable or a loop may be this one.
                rotations.iter().any(|e| {
                    let id = e.setting.text();
                    !id.contains("aws_secretsmanager_secret.")
                        || id.match_indices(&own).any(|(at, _)| {
                            !id[at + own.len()..]
                                .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'))
                        })
                })
            }
            "google_secret_manager_secret" => {
                resource.entries.iter().any(|e| e.path.starts_with("rotation."))
            }
            "azurerm_key_vault_key" => {
                resource.entries.iter().any(|e| e.path.starts_with("rotation_policy."))
            }
            _ => continue,
        };
        if rotates {
            verdict.satisfied(resource.place);
            continue;
        }
        let path = repository.path(resource.place);
        let folder = folder_of(path);
        open.entry((folder, &resource.sort)).or_default().push(resource);
    }
    for ((folder, sort), resources) in open {
        let first = resources[0];
        let more = match resources.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!("Nothing here rotates `{}`{more}", first.title());
        let finding = verdict.open(first.place, format!("{folder} {sort}"), message);
        finding.label("no rotation is declared");
        for other in resources[1..].iter().take(MOST_PLACES) {
            finding.relate(other.place, "nor of this one");
        }
    }
}

/// A version by its number: whoever rotates the secret has to change the code, too.
fn fixed_versions(repository: &Repository, verdict: &mut Verdict) {
    let mut report = |name: &str, place: Span, google: bool| {
        if repository.is_sample(place) {
            return;
        }
        let message = format!("`{name}` is read in one fixed version");
        let finding = verdict.fail(place, format!("version of {name}"), message);
        no_worse_than(finding, Severity::Note).at_most(Confidence::Medium).label("a new version is not read");
        if google {
            finding
                .against("Google advises a fixed version where a start-up must not depend on the latest one");
        }
    };
    let settings = repository.facts.settings.iter();
    let resources = repository.facts.resources.iter();
    for entry in settings.chain(resources.clone().flat_map(|r| &r.entries)) {
        let Some(value) = entry.setting.known() else { continue };
        if let Some((name, version)) = value.split_once("/versions/")
            && name.contains("/secrets/")
            && !version.is_empty()
            && version.bytes().all(|b| b.is_ascii_digit())
        {
            report(name.rsplit('/').next().unwrap_or(name), entry.place, true);
        }
    }
    for resource in
        resources.filter(|r| r.block == "data" && r.sort == "google_secret_manager_secret_version")
    {
        let number = |e: &&Setting| e.setting.known().is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit()));
        if let Some(version) = resource.entry("version").filter(number) {
            report(&resource.title(), version.place, true);
        }
    }
    for (_, command) in repository.commands() {
        let line = &command.line;
        if command.program == "gcloud" && line.starts_with("gcloud secrets versions access ") {
            let version = command.arg(3).unwrap_or("");
            if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) {
                let name =
                    command.flag_value(&["--secret"]).map_or("", |w| w.text.trim_start_matches("--secret="));
                report(name, command.place, true);
            }
        }
    }
}
