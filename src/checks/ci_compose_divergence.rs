//! Stores that tests run against in another version than developers do.

use super::stacks::{local_stacks, store};
use crate::facts::{Repository, UseKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// The versions of one product, each with a place.
#[derive(Default)]
struct Versions {
    known: BTreeMap<String, Vec<Span>>,
    /// Some reference leaves its version to the run.
    open: bool,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut local: BTreeMap<&str, Versions> = BTreeMap::new();
    for service in local_stacks(repository).flat_map(|s| &s.services) {
        let Some(image) = service.image.as_ref().filter(|_| !service.is_own()) else { continue };
        if let Some(((_, product), tag)) = service.product().and_then(store).zip(tag(&image.value)) {
            note(local.entry(product).or_default(), tag, image.span);
        }
    }
    if local.is_empty() {
        return verdict.not_applicable("no local stack here starts a store of a known version");
    }
    let mut tested: BTreeMap<&str, Versions> = BTreeMap::new();
    for job in repository.facts.pipelines.iter().flat_map(|p| &p.jobs) {
        for image in job.images.iter().filter(|i| i.sort == UseKind::Image) {
            let last = image.name.rsplit('/').next().unwrap_or(&image.name);
            let Some((_, product)) = store(last) else { continue };
            let version = image.version.as_ref().map_or("", |v| v.value.as_str());
            note(tested.entry(product).or_default(), version, image.place);
        }
    }
    for (product, tested) in &tested {
        let Some(own) = local.get(product) else { continue };
        let place = tested.known.values().flatten().min();
        let Some(&place) = place.filter(|_| !tested.open && !own.open) else { continue };
        if own.known.keys().any(|major| tested.known.contains_key(major)) {
            verdict.satisfied(place);
            continue;
        }
        let all = |versions: &Versions| versions.known.keys().cloned().collect::<Vec<_>>().join(", ");
        let (there, here) = (all(tested), all(own));
        let message =
            format!("Pipelines test against {product} {there}, developers work with {product} {here}");
        let finding = verdict.fail(place, format!("product {product}"), message);
        finding.label(format!("{product} {there}")).at_most(Confidence::High);
        for place in own.known.values().flatten() {
            finding.relate(*place, format!("{product} {here} on developers' machines"));
        }
    }
}

fn note(versions: &mut Versions, tag: &str, place: Span) {
    let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() {
        versions.open = true;
    } else {
        versions.known.entry(digits).or_default().push(place);
    }
}

/// What stands behind the colon of an image's reference.
fn tag(reference: &str) -> Option<&str> {
    let reference = reference.split('@').next()?;
    let last = reference.rsplit('/').next()?;
    Some(last.split_once(':').map_or("", |(_, tag)| tag))
}
