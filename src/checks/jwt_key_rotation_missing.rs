//! Tokens that are signed or verified with one key that has no id, so that no second one can be valid beside it.

use crate::facts::{Repository, TokenCall};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::BTreeMap;

/// The most further places that one finding lists.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut files: BTreeMap<FileId, Vec<&TokenCall>> = BTreeMap::new();
    for call in &repository.facts.token_calls {
        if call.key_id {
            verdict.satisfied(call.place);
        } else {
            verdict.examined(call.place);
            files.entry(call.place.file).or_default().push(call);
        }
    }
    let (signing, verifying): (Vec<_>, Vec<_>) =
        files.into_values().partition(|calls| calls.iter().any(|c| c.signs));
    for calls in signing {
        let (first, others): (Vec<&TokenCall>, Vec<&TokenCall>) =
            calls.iter().copied().partition(|c| c.signs);
        let name = repository.file(first[0].place.file).name();
        let message = format!("`{name}` signs tokens with a key that has no id");
        let finding = verdict.fail(first[0].place, format!("{} {name}", first[0].call), message);
        finding.at_most(Confidence::Medium).label("no `kid` in the header");
        finding.against("a wrapper elsewhere may set the header");
        for call in first[1..].iter().chain(&others).take(MOST_PLACES) {
            finding.relate(call.place, if call.signs { "signs, too" } else { "verifies with one key" });
        }
    }
    // The same program may get its key from a provider's set of keys, which its settings name.
    let all: Vec<&TokenCall> = verifying.into_iter().flatten().collect();
    if let Some((first, rest)) = all.split_first() {
        let name = repository.file(first.place.file).name();
        let message = format!("Nothing shows that `{name}` verifies tokens with more than one key");
        let finding = verdict.open(first.place, format!("{} {name}", first.call), message);
        finding.label("no set of keys is in sight");
        for call in rest.iter().take(MOST_PLACES) {
            finding.relate(call.place, "nor here");
        }
    }
}
