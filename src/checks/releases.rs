//! What the rules on releases share: which release is judged, where its notes are, and where to point at when only a
//! tag tells of it.

use crate::facts::release::{main_component, newest, releases};
use crate::facts::{EffectKind, NoteForm, Release, ReleaseNote, Repository, Setting, StatedVersion, Value};
use crate::lexicon::versions::Version;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

/// Every release that a tag names, from the newest to the oldest.
pub(super) fn tagged(repository: &Repository) -> Vec<Release<'_>> {
    repository.git.as_ref().map_or_else(Vec::new, |git| releases(&git.tags))
}

/// The release that is judged. Older ones are history, which nobody mends.
pub(super) fn judged<'r, 't>(all: &'r [Release<'t>]) -> Option<&'r Release<'t>> {
    newest(all)
}

/// Whether nothing can be concluded from what tags do not tell: a clone of CI brings none along.
pub(super) fn tags_untold(repository: &Repository) -> bool {
    repository.git.as_ref().is_none_or(|git| git.tags.is_empty() || git.shallow)
}

/// What files state of the repository as a whole, the first by place first.
pub(super) fn stated(repository: &Repository) -> impl Iterator<Item = &StatedVersion> {
    let all = &repository.facts.stated_versions;
    all.iter().filter(|v| v.folder.is_empty())
}

/// The notes that tell of the repository as a whole: those in the change logs nearest to the root, in the order of
/// their places.
pub(super) fn notes(repository: &Repository) -> Vec<&ReleaseNote> {
    let own = |n: &&ReleaseNote| repository.is_own(n.place);
    let depth = |n: &ReleaseNote| depth(repository.path(n.place), n.form);
    let all: Vec<&ReleaseNote> = repository.facts.release_notes.iter().filter(own).collect();
    let nearest = all.iter().filter(|n| n.released).map(|n| depth(n)).min();
    // Deeper ones tell of a part.
    let Some(nearest) = nearest.filter(|&n| n <= 1) else { return Vec::new() };
    all.into_iter().filter(|n| depth(n) == nearest).collect()
}

/// Folders of documents stand for the root.
fn depth(path: &str, form: NoteForm) -> usize {
    let folders = path.split('/').rev().skip(1);
    let counted =
        folders.filter(|f| !matches!(*f, "docs" | "doc" | "debian" | "Documentation" | "changelogs"));
    let of_its_own = usize::from(form == NoteForm::File || path.contains("release"));
    counted.count().saturating_sub(of_its_own)
}

/// The newest release that notes tell of.
pub(super) fn newest_note<'r>(
    repository: &'r Repository,
    all: &[&'r ReleaseNote],
) -> Option<&'r ReleaseNote> {
    let first: BTreeMap<FileId, &ReleaseNote> = all
        .iter()
        .filter(|n| n.released && n.form != NoteForm::Row)
        .rev()
        .map(|n| (n.place.file, *n))
        .collect();
    let key =
        |n: &&&ReleaseNote| (n.date.clone(), n.parsed(), std::cmp::Reverse(repository.path(n.place).len()));
    let mut files: Vec<&ReleaseNote> = first.into_values().collect();
    // Of files for a release each, the greatest version counts, dated or not.
    let is_final = |n: &&ReleaseNote| n.parsed().is_none_or(|v| !v.is_pre());
    if files.iter().any(&is_final) {
        files.retain(is_final);
    }
    if files.iter().all(|n| n.version.is_some()) {
        files.sort_by_key(|n| n.parsed());
        return files.last().copied();
    }
    files.iter().max_by_key(key).copied()
}

/// The notes that are judged: the newest, unless tags tell that releases have gone on without them.
pub(super) fn judged_note(repository: &Repository) -> Option<&ReleaseNote> {
    let note = newest_note(repository, &notes(repository)).filter(|n| n.is_read())?;
    let all = tagged(repository);
    match (judged(&all), note.parsed()) {
        (Some(release), Some(version)) if version < release.name.version => None,
        _ => Some(note),
    }
}

/// Whether two texts name the same version: `1.2` and `v1.2.0` do.
pub(super) fn same(a: &str, b: &str) -> bool {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a == b || a.cmp(&b).is_eq(),
        _ => a == b,
    }
}

/// The notes of one version.
pub(super) fn note_of<'r>(all: &[&'r ReleaseNote], version: &str) -> Option<&'r ReleaseNote> {
    all.iter().copied().find(|n| n.version.as_deref().is_some_and(|v| same(v, version)))
}

/// Where a finding about a release stands: a file that states this version, its notes, any file that states a
/// version, a pipeline that a tag starts, or else the file that introduces the repository.
pub(super) fn anchor(repository: &Repository, version: &str) -> Option<Span> {
    let states = || stated(repository).find(|v| same(&v.version, version)).map(|v| v.place);
    let notes = notes(repository);
    let told = || note_of(&notes, version).map(|n| n.place);
    let other = || stated(repository).map(|v| v.place).next();
    let newest = || newest_note(repository, &notes).map(|n| n.place);
    let triggers = || {
        let all = repository.facts.pipelines.iter().flat_map(|p| &p.triggers);
        let tag = |t: &&crate::facts::Trigger| {
            matches!(t.trigger, crate::facts::TriggerKind::Tag | crate::facts::TriggerKind::Release)
        };
        all.filter(tag).map(|t| t.place).next()
    };
    let first = || {
        let readme = repository.files.iter().find(|f| f.path.to_ascii_lowercase().starts_with("readme"));
        readme.or_else(|| repository.files.iter().find(|f| !f.path.contains('/') && !f.path.starts_with('.')))
    };
    states()
        .or_else(told)
        .or_else(other)
        .or_else(newest)
        .or_else(triggers)
        .or_else(|| first().map(|f| f.place))
}

/// The component that is judged, for messages: empty for the repository itself.
pub(super) fn component<'t>(all: &[Release<'t>]) -> &'t str {
    main_component(all).unwrap_or("")
}

/// Whether a job publishes notes that no file keeps: those of a release on the code host, made by a tool.
pub(super) fn published(repository: &Repository) -> Option<Span> {
    const TOOLS: &[&str] = &[
        "release-drafter",
        "action-gh-release",
        "create-release",
        "release-action",
        "semantic-release",
        "release-please",
        "goreleaser",
        "gh release create",
        "glab release create",
        "release-cli",
        "git-cliff",
        "changesets/action",
        "auto shipit",
        "release-it",
        "reno ",
        "towncrier",
    ];
    let speaks = |text: &str| TOOLS.iter().any(|t| text.contains(t));
    let step = repository.steps().find(|(_, _, s)| {
        s.uses.as_ref().is_some_and(|u| speaks(&u.name)) || s.commands.iter().any(|c| speaks(&c.line))
    });
    let job = || {
        let all = repository.facts.pipelines.iter().flat_map(|p| &p.jobs);
        all.flat_map(|j| j.effects())
            .find(|e| e.effect == EffectKind::Publish && e.detail.as_deref() == Some("release"))
    };
    step.map(|(_, _, s)| s.place).or_else(|| job().map(|e| e.place)).or_else(|| {
        // Fragments that a tool puts together when the release is made, and settings of such tools.
        repository.files.iter().find(|f| is_fragment(&f.path)).map(|f| f.place)
    })
}

fn is_fragment(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').rev().skip(1).any(|folder| {
        matches!(folder, ".changeset" | "newsfragments" | "changelog.d" | "news.d" | "changelog_unreleased")
    }) || path.contains("releasenotes/notes/")
        || matches!(
            name,
            "release-drafter.yml"
                | "release-please-config.json"
                | ".releaserc"
                | "cliff.toml"
                | ".goreleaser.yml"
                | ".goreleaser.yaml"
                | ".releaserc.json"
                | ".releaserc.yml"
        )
        || path == ".github/release.yml"
}

/// A record of a deployment or of a change: a file of its own.
pub(super) struct Record<'r> {
    /// Its start.
    pub place: Span,
    settings: Vec<&'r Setting>,
}

impl<'r> Record<'r> {
    /// The setting whose key is one of these words, signs and case aside.
    pub(super) fn get(&self, keys: &[&str]) -> Option<(&'r Setting, &'r str)> {
        let plain = |k: &str| k.replace(['_', '-', ' '], "").to_ascii_lowercase();
        let known = |s: &&&Setting| keys.iter().any(|k| plain(k) == plain(&s.key));
        let found = self.settings.iter().find(known).copied()?;
        match &found.setting {
            Value::Known(value) if !value.trim().is_empty() => Some((found, value.as_str())),
            _ => None,
        }
    }

    /// Whether any part of a path of keys begins with this word.
    pub(super) fn speaks_of(&self, word: &str) -> bool {
        self.settings.iter().any(|s| s.path.to_ascii_lowercase().split('.').any(|p| p.starts_with(word)))
    }

    /// The version that was deployed.
    pub(super) fn version(&self) -> Option<(&'r Setting, &'r str)> {
        self.get(&["version", "release", "release_version", "app_version"])
    }
}

/// Records of deployments (`deployments`) or of changes, by the folders that they are kept in.
pub(super) fn records(repository: &Repository, deployments: bool) -> Vec<Record<'_>> {
    let kept = |path: &str| {
        let mut folders = path.split('/').rev().skip(1);
        let (last, above) = (folders.next().unwrap_or(""), folders.next().unwrap_or(""));
        if deployments {
            matches!(last, "deployment-logs" | "deployment_logs") || last == "deployments" && above == "logs"
        } else {
            matches!(last, "change-records" | "change_records" | "changes" | "change-requests")
                && matches!(above, "" | "docs" | "logs" | "records" | "change-records")
        }
    };
    let mut by_file: BTreeMap<FileId, Vec<&Setting>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        if kept(repository.path(setting.place)) {
            by_file.entry(setting.place.file).or_default().push(setting);
        }
    }
    by_file.into_iter().map(|(file, settings)| Record { place: Span::start_of(file), settings }).collect()
}
