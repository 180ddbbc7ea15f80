//! Things that are released without a list of what they are made of.

use super::products::stored_images;
use crate::facts::{EffectKind, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// Words of programs, actions, flags and inputs that make such a list.
const WORDS: &[&str] = &["sbom", "syft", "cyclonedx", "cdxgen", "spdx", "cyclonedxbom"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let listed = lists(repository);
    if !listed.is_empty() {
        listed.into_iter().for_each(|place| verdict.satisfied(place));
        return;
    }
    let image = stored_images(repository).first().map(|p| (p.place, format!("image `{}`", p.shown())));
    let package = || {
        let runs = repository.flow.runs().iter().flat_map(|run| &run.effects);
        let mut stored = runs.filter(|e| {
            e.effect == EffectKind::Publish && matches!(e.detail.as_deref(), Some("package" | "release"))
        });
        stored.next().map(|e| (e.place, "the release".to_owned()))
    };
    if let Some((place, what)) = image.or_else(package) {
        let message = format!("Nothing here lists what {what} is made of");
        verdict.open(place, "sbom", message).label("released without an SBOM");
    }
}

fn lists(repository: &Repository) -> Vec<Span> {
    let mut found = Vec::new();
    let has = |text: &str| {
        let lower = text.to_ascii_lowercase();
        lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| WORDS.contains(&w))
    };
    for (_, _, step) in repository.steps() {
        if let Some(used) = &step.uses {
            let input = used
                .inputs
                .iter()
                .any(|i| has(&i.name.value) && i.value.value.text() != "false" || has(&i.value.value.text()));
            if has(&used.name) || input {
                found.push(used.place);
            }
        }
    }
    for (_, command) in repository.commands() {
        let npm = matches!(command.program.as_str(), "npm" | "pnpm") && command.arg(0) == Some("sbom");
        if npm || has(&command.line) {
            found.push(command.place);
        }
    }
    found
}
