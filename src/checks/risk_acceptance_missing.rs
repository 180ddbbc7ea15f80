//! Migrations that cannot be taken back, and that no record accepts.

use super::migrating::migrations;
use crate::facts::{Down, Migration, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::{Span, shorten};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let records = records(repository);
    for ((folder, tool), all) in migrations(repository) {
        let (refused, others): (Vec<&Migration>, Vec<&Migration>) =
            all.into_iter().partition(|m| m.down == Down::Raises);
        for migration in others {
            verdict.examined(migration.place);
        }
        let mut missing: Vec<&Migration> = Vec::new();
        for migration in refused {
            let path = repository.path(migration.place);
            let name = path.rsplit('/').next().unwrap_or(path);
            let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
            let id = migration.id.to_ascii_lowercase();
            let named = |text: &String| text.contains(&stem) || id.len() > 3 && text.contains(&id);
            match records.iter().find(|(_, text)| named(text)) {
                Some((place, _)) => verdict.satisfied(*place),
                None => missing.push(migration),
            }
        }
        let Some((first, rest)) = missing.split_first() else { continue };
        let path = repository.path(first.place);
        let name = shorten(path.rsplit('/').next().unwrap_or(path), 48);
        let message = match rest.len() {
            0 => format!("Migration `{name}` cannot be taken back, and no record here accepts that"),
            n => format!(
                "{} {tool} migrations of `{}` cannot be taken back, and no record here accepts that",
                n + 1,
                shorten(folder, 40)
            ),
        };
        let finding = verdict.open(refusal(first), format!("{tool} migrations of {folder}"), message);
        finding.label("refuses to be taken back");
        for other in rest.iter().take(10) {
            finding.relate(refusal(other), "so does this");
        }
        finding.against("the acceptance may be recorded outside the repository");
    }
}

/// Where it says that it cannot be taken back.
fn refusal(migration: &Migration) -> Span {
    migration.back.unwrap_or(migration.place)
}

/// Texts of exceptions, risk registers, change records and release notes, in lower case, with their places.
fn records(repository: &Repository) -> Vec<(Span, String)> {
    let about = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["risk", "exception", "accept", "irreversib", "waiver", "change-record", "change record"]
            .iter()
            .any(|w| text.contains(w))
    };
    let sections = repository
        .facts
        .sections
        .iter()
        .filter(|s| about(repository.path(s.place)) || about(&s.heading) || about(&s.text));
    let sections = sections.map(|s| (s.place, format!("{} {}", s.heading, s.text).to_ascii_lowercase()));
    let settings = repository.facts.settings.iter().filter(|s| about(repository.path(s.place)));
    let settings = settings.map(|s| (s.place, s.setting.text().to_ascii_lowercase()));
    sections.chain(settings).collect()
}
