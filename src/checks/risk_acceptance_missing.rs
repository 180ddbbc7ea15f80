//! Migrations that cannot be taken back, and that no record accepts.

use super::migrations::{Defect, Group, applied, tell};
use crate::facts::{Down, Repository};
use crate::finding::{FindingKind, Verdict};
use crate::parameters::Parameters;
use crate::text::{Span, shorten};

const AGAINST: &str = "the acceptance may be recorded outside the repository";

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let records = std::cell::LazyCell::new(|| records(repository));
    let mut defects = Vec::new();
    for migration in applied(repository) {
        if migration.down != Down::Raises {
            verdict.examined(migration.place);
            continue;
        }
        let path = repository.path(migration.place);
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let id = migration.id.to_ascii_lowercase();
        let named = |text: &String| text.contains(&stem) || id.len() > 3 && text.contains(&id);
        if let Some((place, _)) = records.iter().find(|(_, text)| named(text)) {
            verdict.satisfied(*place);
            continue;
        }
        let name = shorten(name, 48);
        let message = format!("Migration `{name}` cannot be taken back, and no record here accepts that");
        let place = migration.back.unwrap_or(migration.place);
        let defect = Defect::new(migration, place, message, "refuses to be taken back");
        defects.push(Defect { kind: FindingKind::Open, against: Some(AGAINST), ..defect });
    }
    tell(repository, verdict, defects, &|Group { number, tool, folder }| {
        let folder = shorten(folder, 40);
        format!(
            "{number} {tool} migrations of `{folder}` cannot be taken back, and no record here accepts that"
        )
    });
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
