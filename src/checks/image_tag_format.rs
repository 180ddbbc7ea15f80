//! The tags of an image against the forms that the active manuals ask for, all tags of one thing together.

use super::products::{Product, Stamp, is_opaque, is_version, makers, stamps, stamps_of, stored_images};
use super::samples::no_worse_than;
use crate::facts::{Artifact, Part, Repository};
use crate::finding::{Severity, Verdict};
use crate::parameters::{Parameters, TagForm};

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    for product in stored_images(repository) {
        let tagged: Vec<&Artifact> =
            product.names.iter().copied().filter(|a| !a.version.is_empty()).collect();
        // Tags that a variable hides may have any form.
        if tagged.is_empty() || product.stem.contains('{') {
            continue;
        }
        let missing: Vec<&TagForm> = parameters
            .image_tag
            .values()
            .into_iter()
            .filter(|form| !has_form(repository, &product, &tagged, form))
            .collect();
        if missing.is_empty() {
            verdict.satisfied(product.place);
            continue;
        }
        let opaque = tagged.iter().any(|a| a.version.iter().any(is_opaque));
        let asked: Vec<&str> = missing.iter().map(|f| words(f)).collect();
        let mut tags: Vec<String> = tagged.iter().map(|a| format!("`{}`", a.version_text())).collect();
        tags.sort();
        tags.dedup();
        tags.truncate(3);
        let name = product.shown();
        let subject = format!("image {}", product.stem);
        if opaque {
            let message =
                format!("Nothing here shows that a tag of image `{name}` holds {}", asked.join(" and "));
            verdict.open(product.place, subject, message);
        } else {
            let (last, others) = asked.split_last().expect("something is missing");
            let asked = match others {
                [] => (*last).to_owned(),
                _ => format!("{} or {last}", others.join(", ")),
            };
            let message =
                format!("Image `{name}` is stored as {}, and no tag holds {asked}", tags.join(", "));
            let finding = verdict.fail(product.place, subject, message);
            finding.label("stored under these tags");
            // By the commit everybody can tell the source; what else a manual wants stops no release.
            if has_form(repository, &product, &tagged, &TagForm::Sha) {
                no_worse_than(finding, Severity::Warning);
            }
        }
    }
}

fn words(form: &TagForm) -> &'static str {
    match form {
        TagForm::Sha => "the commit",
        TagForm::Semver => "the version",
        TagForm::SemverSha => "the version with the commit",
        TagForm::Time => "the time of the build",
    }
}

fn has_form(repository: &Repository, product: &Product<'_>, tagged: &[&Artifact], form: &TagForm) -> bool {
    let any = |stamp: Stamp| tagged.iter().any(|a| stamps_of(&a.version).contains(&stamp));
    match form {
        TagForm::Sha => any(Stamp::Commit),
        TagForm::Semver => any(Stamp::Version),
        TagForm::SemverSha => tagged.iter().any(|a| {
            let found = stamps_of(&a.version);
            let v = match a.version.first() {
                Some(Part::Literal(text)) => text.starts_with('v') || is_version(text.trim_end_matches('-')),
                Some(Part::Variable(_)) => true,
                _ => false,
            };
            v && found.contains(&Stamp::Commit) && found.contains(&Stamp::Version)
        }),
        TagForm::Time => any(Stamp::Time) || labelled(repository, product, Stamp::Time),
    }
}

/// Whether labels of the image hold the stamp.
fn labelled(repository: &Repository, product: &Product<'_>, stamp: Stamp) -> bool {
    makers(repository, product).into_iter().any(|(_, step, command)| {
        let words = command.into_iter().flat_map(|c| &c.args).map(|w| w.text.clone());
        let inputs = step.uses.iter().filter_map(|u| u.input("labels")).map(|l| l.value.text());
        words.chain(inputs).any(|text| {
            text.contains("created") && stamps(&text).contains(&stamp) || text.contains(".outputs.labels")
        })
    })
}
