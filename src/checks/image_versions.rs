//! Tags of this repository's own images in the files that run them, against its releases.

use super::products::stored_images;
use super::releases::judged;
use crate::facts::release::earlier;
use crate::facts::{BaseImage, GitFacts, Release, Repository, SettingSource, name_in_remote};
use crate::finding::Verdict;
use crate::lexicon::versions::Version;
use std::collections::{BTreeMap, BTreeSet};

/// Who ran the version of one of so many releases before the newest followed them.
const OF_LATE: usize = 3;

/// So many images are compared with what their files said before.
const MOST: usize = 50;

/// An image in a file, its tag, and what that says.
type Tagged<'r> = (&'r BaseImage, &'r str, Version);

/// Images that were left at an earlier release when the newest was tagged, by files that had followed the tags before.
/// What is raised only after a tag, or lags on purpose as a production may, never followed them.
pub(super) fn left_behind<'r, 'a>(
    repository: &'r Repository,
    all: &'a [Release<'_>],
    verdict: &mut Verdict,
) -> Vec<(&'r BaseImage, &'a Release<'a>)> {
    let (Some(git), Some(release)) = (&repository.git, judged(all)) else { return Vec::new() };
    let (equal, other): (Vec<Tagged<'_>>, Vec<Tagged<'_>>) = own_images(repository, git)
        .into_iter()
        .partition(|(_, _, version)| version.numbers == release.name.version.numbers);
    equal.iter().for_each(|(image, ..)| verdict.satisfied(image.place));
    if other.is_empty() {
        return Vec::new();
    }
    let before = earlier(all, release);
    let mut texts = Texts { git, read: BTreeMap::new() };
    let mut was_behind = |(image, tag, version): &Tagged<'_>| {
        let of = before.iter().take(OF_LATE).find(|r| r.name.version.numbers == version.numbers);
        let path = repository.path(image.place);
        of.is_some_and(|of| texts.hold(of, path, image, tag) && texts.hold(release, path, image, tag))
    };
    let behind = other.into_iter().take(MOST).filter(|tagged| was_behind(tagged));
    behind.map(|(image, ..)| (image, release)).collect()
}

/// What files said in the commits of releases.
struct Texts<'r> {
    git: &'r GitFacts,
    read: BTreeMap<(String, String), Option<String>>,
}

impl Texts<'_> {
    /// Whether a file ran this image under this tag when a release was tagged.
    fn hold(&mut self, release: &Release<'_>, path: &str, image: &BaseImage, tag: &str) -> bool {
        let Some(commit) = release.tag.commit.as_deref() else { return false };
        let text = self
            .read
            .entry((commit.to_owned(), path.to_owned()))
            .or_insert_with(|| self.git.answers.text_at(commit, path).flatten());
        // Kustomize writes the tag on a line of its own.
        text.as_ref().is_some_and(|text| text.contains(&image.name) && text.contains(tag))
    }
}

/// Images that this repository makes, where something runs them under a version.
fn own_images<'r>(repository: &'r Repository, git: &GitFacts) -> Vec<Tagged<'r>> {
    let runs = |i: &&BaseImage| {
        let told = matches!(i.source, SettingSource::Config | SettingSource::Service);
        told && i.digest.is_none() && !i.local_only && repository.is_own(i.place)
    };
    let versioned = |i: &'r BaseImage| {
        let tag = i.tag.as_deref()?;
        Some((i, tag, Version::parse(tag).filter(|v| !v.is_pre())?))
    };
    let mut found: Vec<Tagged<'_>> =
        repository.facts.base_images.iter().filter(runs).filter_map(versioned).collect();
    if found.is_empty() {
        return found;
    }
    let remote = git.remote.as_deref().and_then(name_in_remote).map(|name| name.to_ascii_lowercase());
    let stored: BTreeSet<String> = stored_images(repository).into_iter().map(|p| p.stem).collect();
    found.retain(|(image, ..)| {
        let name = image.name.to_ascii_lowercase();
        let of_remote = remote.as_ref().is_some_and(|own| {
            name.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        });
        of_remote || stored.contains(name.rsplit('/').next().unwrap_or(""))
    });
    found
}
