//! Files that were left behind when the newest release was tagged, and increments that are smaller than the change.

use super::image_versions;
use super::releases::{judged, newest_note, note_of, notes, same, stated, tagged, tags_untold};
use crate::facts::release::{earlier, newest_of};
use crate::facts::{Release, ReleaseNote, Repository, StatedVersion, VersionSource};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::versions::Version;
use crate::parameters::{Parameters, VersionScheme};
use crate::text::Span;

/// Who had the version of one of so many releases before the newest followed them.
const OF_LATE: usize = 3;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let all = tagged(repository);
    left_behind(repository, &all, verdict);
    by_notes(repository, &all, verdict);
    among_files(repository, &all, verdict);
    if parameters.version_scheme.value() == Some(&VersionScheme::Semver) {
        too_small(repository, &all, verdict);
    }
}

/// Files that said an older version in the commit that was tagged, though they had followed the tags before.
fn left_behind<'r>(repository: &'r Repository, all: &'r [Release<'r>], verdict: &mut Verdict) {
    let mut behind: Vec<Behind<'_>> = Vec::new();
    for stated in &repository.facts.stated_versions {
        let component = stated.folder.rsplit('/').next().unwrap_or("");
        let of_root = component.is_empty() || stated.source == VersionSource::App;
        let release = if of_root { judged(all) } else { newest_of(all, component) };
        let Some(release) = release.filter(|_| !is_packed(repository, stated)) else { continue };
        let Some(version) = Version::parse(&stated.version) else { continue };
        let Some(then) = stated.then.as_deref().and_then(Version::parse) else {
            if version.numbers == release.name.version.numbers {
                verdict.satisfied(stated.place);
            }
            continue;
        };
        // What was no release's version of late counts something else.
        let followed = !then.is_placeholder()
            && earlier(all, release).iter().take(OF_LATE).any(|r| r.name.version.numbers == then.numbers);
        if followed && then < release.name.version && then.numbers != release.name.version.numbers {
            let said = stated.then.as_deref().unwrap_or(&stated.version);
            behind.push(Behind { place: stated.place, said, release });
        }
    }
    let images = image_versions::left_behind(repository, all, verdict);
    behind.extend(images.into_iter().map(|(image, release)| Behind {
        place: image.place,
        said: image.reference.known().map_or("", String::as_str),
        release,
    }));
    behind.sort_by_key(|b| b.place);
    let Some(Behind { place, said, release }) = behind.first() else { return };
    let (tag, path) = (&release.tag.name, repository.path(*place));
    let message = format!("`{path}` said `{said}` when `{tag}` was tagged, and was not raised");
    let finding = verdict.fail(*place, format!("version {path}"), message);
    finding.label(format!("behind `{tag}`"));
    for other in behind.iter().skip(1) {
        finding.relate(other.place, "and here");
    }
    for other in stated(repository).filter(|v| same(&v.version, release.name.text)) {
        finding.relate(other.place, "raised here");
    }
    if let Some(note) = note_of(&notes(repository), release.name.text) {
        finding.relate(note.place, "the release in the change log");
    }
}

/// A place that was behind when a release was tagged.
struct Behind<'r> {
    place: Span,
    /// What it said then.
    said: &'r str,
    release: &'r Release<'r>,
}

/// Whether a chart is given its versions when it is packed: its own says so, being none (`0.0.0-dev`).
/// <https://helm.sh/docs/helm/helm_package/>
fn is_packed(repository: &Repository, stated: &StatedVersion) -> bool {
    let chart = |v: &&StatedVersion| v.source == VersionSource::Chart && v.place.file == stated.place.file;
    let own = repository.facts.stated_versions.iter().find(chart).and_then(|v| Version::parse(&v.version));
    stated.source == VersionSource::App && own.is_some_and(|v| v.numbers.iter().all(|n| *n == 0))
}

/// Without tags the change log tells what was released: a manifest that still has the version of an earlier entry was
/// left behind.
fn by_notes(repository: &Repository, all: &[Release<'_>], verdict: &mut Verdict) {
    if !all.is_empty() {
        return;
    }
    let notes = notes(repository);
    let Some(newest) = newest_note(repository, &notes) else { return };
    let Some(version) = newest.parsed().filter(|v| !v.is_pre()) else { return };
    for stated in stated(repository).filter(|v| v.source != VersionSource::Chart) {
        let Some(of_file) = Version::parse(&stated.version) else { continue };
        let earlier =
            notes.iter().find(|n| n.released && n.parsed().is_some_and(|v| v.cmp(&of_file).is_eq()));
        let same_file = |n: &&&ReleaseNote| n.place.file == newest.place.file;
        match earlier.filter(same_file) {
            Some(earlier) if of_file < version && !of_file.is_placeholder() && newest.date.is_some() => {
                let path = repository.path(stated.place);
                let message = format!(
                    "`{path}` still says `{}`, and the change log has released `{}`",
                    stated.version,
                    newest.version.as_deref().unwrap_or("")
                );
                let finding = verdict.fail(stated.place, format!("version {path}"), message);
                finding.label("behind the change log").at_most(Confidence::Medium);
                finding
                    .relate(newest.place, "the newest release")
                    .relate(earlier.place, "the release of this version");
                if tags_untold(repository) {
                    finding.against("the release may be under way: this clone has no tags to tell");
                }
                return;
            }
            _ if of_file.cmp(&version).is_eq() => verdict.satisfied(stated.place),
            _ => {}
        }
    }
}

/// Two files of one folder that count on from one major version, apart.
fn among_files(repository: &Repository, all: &[Release<'_>], verdict: &mut Verdict) {
    if !verdict.findings.is_empty() {
        return;
    }
    let parsed = |v: &StatedVersion| Version::parse(&v.version).filter(|v| !v.is_placeholder());
    let counted = |v: &&StatedVersion| v.source != VersionSource::Chart && v.source != VersionSource::App;
    let mut stated: Vec<(&StatedVersion, Version)> =
        stated(repository).filter(counted).filter_map(|v| Some((v, parsed(v)?))).collect();
    stated.sort_by(|a, b| a.1.cmp(&b.1));
    let (Some((low, low_version)), Some((high, high_version))) = (stated.first(), stated.last()) else {
        return;
    };
    let apart = low_version.numbers != high_version.numbers;
    let one_line = low_version.major() == high_version.major()
        && low_version.numbers.len() == high_version.numbers.len();
    // Where one of them is a release, the other counts something else.
    let is_release = |v: &Version| all.iter().any(|r| r.name.version.numbers == v.numbers);
    if !apart || !one_line || is_release(low_version) != is_release(high_version) {
        return;
    }
    let (low_path, high_path) = (repository.path(low.place), repository.path(high.place));
    let message =
        format!("`{low_path}` says `{}`, and `{high_path}` beside it says `{}`", low.version, high.version);
    let finding = verdict.fail(low.place, format!("version {low_path}"), message);
    finding.label("behind").at_most(Confidence::Medium);
    finding.relate(high.place, "ahead of it");
    finding.against("the two may count different things");
}

/// A release that breaks what it promised before, under the same major version.
fn too_small(repository: &Repository, all: &[Release<'_>], verdict: &mut Verdict) {
    let notes = notes(repository);
    if let Some(newest) = newest_note(repository, &notes)
        && newest.is_read()
        && let Some(breaking) = newest.breaking
        && let Some(version) = newest.parsed()
        && promises(&version)
    {
        // What only a pre-release of this version had broken is no news.
        let same_file = |n: &&&ReleaseNote| n.place.file == newest.place.file;
        let lower = notes.iter().filter(same_file).filter_map(|n| Some((n, n.parsed()?)));
        let before =
            lower.filter(|(n, v)| *v < version && n.released && !v.is_pre()).max_by(|a, b| a.1.cmp(&b.1));
        if let Some((before, old)) = before
            && old.major() == version.major()
        {
            let message = format!(
                "`{}` lists breaking changes, and raises no major version over `{}`",
                newest.version.as_deref().unwrap_or(""),
                before.version.as_deref().unwrap_or("")
            );
            let finding = verdict.fail(breaking, "increment", message);
            finding.label("breaks what it promised").at_most(Confidence::Medium);
            finding.relate(newest.place, "the newest release").relate(before.place, "the release before");
            return;
        }
    }
    by_commits(repository, all, verdict);
}

fn by_commits(repository: &Repository, all: &[Release<'_>], verdict: &mut Verdict) {
    let Some(release) = judged(all).filter(|r| promises(&r.name.version)) else { return };
    let Some(before) = earlier(all, release).into_iter().next() else { return };
    if before.name.version.major() != release.name.version.major() {
        return;
    }
    let git = repository.git.as_ref();
    let (Some(git), Some(from), Some(to)) = (git, &before.tag.commit, &release.tag.commit) else { return };
    let Some(messages) = git.answers.messages(from, to) else { return };
    let Some((commit, message)) = messages.iter().find(|(_, message)| is_breaking(message)) else { return };
    let Some(place) = super::releases::anchor(repository, release.name.text) else { return };
    let first: String = message.lines().next().unwrap_or("").chars().take(60).collect();
    let message = format!(
        "`{}` holds the breaking commit `{}` and raises no major version over `{}`",
        release.tag.name,
        commit.get(..10).unwrap_or(commit),
        before.tag.name
    );
    let finding = verdict.fail(place, "increment", message);
    finding.at_most(Confidence::Medium).label("the newest release");
    finding.against(format!("the commit says \"{first}\", which may concern a part that promises nothing"));
}

/// Whether the version promises that nothing breaks below its major: 0.x does not, nor do calendar versions.
fn promises(version: &Version) -> bool {
    version.major() > 0 && !version.is_calendar() && !version.is_pre()
}

/// Whether a message marks a breaking change. <https://www.conventionalcommits.org/en/v1.0.0/#specification>
fn is_breaking(message: &str) -> bool {
    let mut lines = message.lines();
    let first = lines.next().unwrap_or("");
    let kind = first.split_once(": ").map_or("", |(kind, _)| kind);
    let conventional = |kind: &str| {
        let word = kind.split(['(', '!']).next().unwrap_or("");
        matches!(
            word,
            "feat"
                | "fix"
                | "refactor"
                | "perf"
                | "build"
                | "chore"
                | "ci"
                | "docs"
                | "revert"
                | "style"
                | "test"
        )
    };
    kind.ends_with('!') && conventional(kind)
        || lines.any(|l| l.starts_with("BREAKING CHANGE: ") || l.starts_with("BREAKING-CHANGE: "))
}
