//! What must exist in a repository for a rule to have something to say.

use crate::facts::{EffectKind, KINDS, Medium, Repository, Stage};
use crate::lexicon::versions::TagName;

/// A named subject.
pub struct Subject {
    /// Its name in rule files.
    pub name: &'static str,
    /// "no production deploy was found": why a rule without its subject judges nothing.
    pub absent: &'static str,
    /// What that means.
    pub means: fn(String) -> Absence,
    /// Whether it exists.
    pub exists: fn(&Repository) -> bool,
}

/// Why a rule's subject is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// What was read shows that there is none.
    Excluded(String),
    /// It may well exist where this run did not look: in history that nobody asked for, in another repository.
    Unseen(String),
}

fn has_effect(repository: &Repository, kinds: &[EffectKind]) -> bool {
    repository
        .facts
        .pipelines
        .iter()
        .flat_map(|p| &p.jobs)
        .flat_map(|j| j.effects())
        .any(|e| kinds.contains(&e.effect))
        || repository.flow.runs().iter().flat_map(|r| &r.effects).any(|e| kinds.contains(&e.effect))
}

fn has_deploy_to(repository: &Repository, stage: Stage) -> bool {
    !repository.flow.with_effect(EffectKind::Deploy, Some(stage)).is_empty()
}

/// Subjects beyond the kinds of facts themselves (`pipelines`, `scripts`, … : the kind's name with `s`).
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "files",
        absent: "there is no file",
        means: Absence::Excluded,
        exists: |r| !r.files.is_empty(),
    },
    Subject {
        name: "deploys",
        absent: "no pipeline here deploys anything: is it done elsewhere?",
        means: Absence::Unseen,
        exists: |r| has_effect(r, &[EffectKind::Deploy]),
    },
    Subject {
        name: "production-deploys",
        absent: "no pipeline here deploys to production: is it done elsewhere?",
        means: Absence::Unseen,
        exists: |r| has_deploy_to(r, Stage::Production),
    },
    Subject {
        name: "staging-deploys",
        absent: "no pipeline here deploys to staging: is it done elsewhere?",
        means: Absence::Unseen,
        exists: |r| has_deploy_to(r, Stage::Staging),
    },
    Subject {
        name: "builds",
        absent: "no pipeline builds anything",
        means: Absence::Excluded,
        exists: |r| has_effect(r, &[EffectKind::Build]),
    },
    Subject {
        name: "tests",
        absent: "no pipeline tests or scans anything",
        means: Absence::Excluded,
        exists: |r| has_effect(r, &[EffectKind::Test, EffectKind::Lint, EffectKind::Scan]),
    },
    Subject {
        name: "commands",
        absent: "there is no pipeline and no script",
        means: Absence::Excluded,
        exists: |r| r.commands().next().is_some() || r.steps().next().is_some(),
    },
    Subject {
        name: "env-files",
        absent: "there is no env file",
        means: Absence::Excluded,
        exists: |r| {
            r.files.iter().any(|f| f.reader.as_deref() == Some("dotenv"))
                || r.facts
                    .credentials
                    .iter()
                    .any(|c| matches!(c.medium, Medium::EnvFile | Medium::EnvExample))
        },
    },
    Subject {
        name: "history",
        absent: "history was not read: `plimsoll check --history` reads it",
        means: Absence::Unseen,
        exists: |r| r.history.is_some(),
    },
    Subject {
        name: "releases",
        absent: "no tag, change log or version file here tells of a release",
        means: Absence::Unseen,
        exists: |r| {
            !r.facts.release_notes.is_empty()
                || !r.facts.stated_versions.is_empty()
                || r.git.as_ref().is_some_and(|g| g.tags.iter().any(|t| TagName::parse(&t.name).is_some()))
        },
    },
];

/// The subject's state: `Ok(())` if it exists, else why not. `None` for an unknown name.
pub(super) fn exists(name: &str, repository: &Repository) -> Option<Result<(), Absence>> {
    if let Some(subject) = SUBJECTS.iter().find(|s| s.name == name) {
        let found = (subject.exists)(repository);
        return Some(if found { Ok(()) } else { Err((subject.means)(subject.absent.to_owned())) });
    }
    let kind = KINDS.iter().find(|k| name.strip_suffix('s') == Some(k.name))?;
    let mut found = false;
    (kind.each)(repository, &mut |_| found = true);
    Some(if found { Ok(()) } else { Err(Absence::Excluded(format!("there is no {}", kind.name))) })
}

/// Every name that `subjects` may have.
pub(super) fn names() -> Vec<String> {
    let kinds = KINDS.iter().map(|k| format!("{}s", k.name));
    SUBJECTS.iter().map(|s| s.name.to_owned()).chain(kinds).collect()
}
