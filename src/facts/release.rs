//! Releases: as tags name them, as files state them, as notes tell of them.

use super::{fact, words};
use crate::lexicon::versions::{TagName, Version};
use crate::source::Tag;
use crate::text::{Span, Spanned};

words! {
    /// What a version that a file states is the version of.
    pub enum VersionSource {
        /// A package, by its manifest.
        Manifest = "manifest",
        /// What a Helm chart installs.
        App = "app",
        /// A Helm chart itself.
        Chart = "chart",
        /// Whatever lies beside a file that holds nothing but a version.
        VersionFile = "version-file",
    }
}

fact! {
    /// A version that a file states of what lies beside it.
    pub struct StatedVersion = "stated-version" {
        /// The version.
        place: Span,
        /// The version, as written.
        version: String,
        /// What it is the version of.
        source: VersionSource,
        /// The folder that it is about; empty for the root.
        folder: String,
        /// Whether the ecosystem's own tools accept nothing but Semantic Versioning (npm, Cargo, Helm, …).
        semver_only: bool;
        /// What the same file stated in the commit of the newest release, if that was looked up.
        then: Option<String>,
    }
}

words! {
    /// What the notes of a release tell.
    pub enum NoteField {
        /// The day of the release.
        Date = "date",
        /// The hour of the release.
        Time = "time",
        /// Anything of what changed.
        Summary = "summary",
        /// What is new.
        Features = "features",
        /// What is better.
        Improvements = "improvements",
        /// What was mended.
        Fixes = "fixes",
        /// What no longer works as it did.
        Breaking = "breaking",
        /// What has to be done to upgrade.
        Upgrade = "upgrade",
        /// What is known not to work.
        KnownIssues = "known-issues",
        /// How to go back.
        Rollback = "rollback",
        /// What may go wrong.
        Risk = "risk",
        /// Who approved it.
        Approval = "approval",
        /// How it was verified.
        Verification = "verification",
        /// What is left to do.
        FollowUp = "follow-up",
    }
}

words! {
    /// How notes are written.
    pub enum NoteForm {
        /// Below a heading of a change log.
        Heading = "heading",
        /// A file of their own.
        File = "file",
        /// A row of a table.
        Row = "row",
    }
}

fact! {
    /// What a change log, a file of release notes or a row of a change log's table says of one release.
    pub struct ReleaseNote = "release-note" {
        /// The heading's text, the row, or the file's start.
        place: Span,
        /// The heading, the row's first cell, or the file's name.
        heading: String,
        /// The heading's level, 1 to 6; 0 where there is none.
        level: u32,
        /// How they are written.
        form: NoteForm,
        /// The version, without a leading `v`.
        version: Option<String>,
        /// The day, as `YYYY-MM-DD` where it can be told.
        date: Option<String>,
        /// Whether it was released, rather than collected for the next release.
        released: bool,
        /// Its number in its file, from 0; what it tells is looked at for the first few only.
        number: u32,
        /// What it tells.
        tells: Vec<NoteField>,
        /// The headings below it.
        headings: Vec<Spanned<String>>;
        /// The heading or line under which it lists what no longer works as it did.
        breaking: Option<Span>,
        /// Every text of a row: ids of changes, links.
        cells: Vec<String>,
    }
}

impl ReleaseNote {
    /// So many entries of a file are looked into.
    pub const LOOKED_INTO: u32 = 3;

    /// Whether what it tells was looked at.
    pub fn is_read(&self) -> bool {
        self.number < ReleaseNote::LOOKED_INTO
    }

    /// The version, to be compared.
    pub fn parsed(&self) -> Option<Version> {
        Version::parse(self.version.as_deref()?)
    }
}

/// A release, as its tag tells of it.
#[derive(Debug, Clone)]
pub struct Release<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// What its name is made of.
    pub name: TagName<'a>,
}

impl Release<'_> {
    /// When it was tagged, in seconds since 1970.
    pub fn seconds(&self) -> Option<i64> {
        self.tag.date.map(|date| date.seconds)
    }
}

/// A year: what was released longer before the newest release was the custom of another time.
const RECENT: i64 = 366 * 24 * 3600;

/// The releases among tags, from the newest to the oldest by the dates of their tags.
pub fn releases(tags: &[Tag]) -> Vec<Release<'_>> {
    let named = tags.iter().filter_map(|tag| Some(Release { tag, name: TagName::parse(&tag.name)? }));
    // `v0.0.0` is what tools begin to count from.
    let counted = |r: &Release<'_>| r.name.version.numbers.iter().any(|n| *n > 0);
    let mut all: Vec<Release<'_>> = named.filter(counted).collect();
    all.sort_by(|a, b| (b.seconds(), &b.name.version).cmp(&(a.seconds(), &a.name.version)));
    all
}

/// The newest release of the repository itself: of those that were made in the year before the newest tag, the one
/// with the greatest version, pre-releases left out if there is any other. Where several components are released
/// side by side there is none.
pub fn newest<'r, 't>(releases: &'r [Release<'t>]) -> Option<&'r Release<'t>> {
    newest_of(releases, main_component(releases)?)
}

/// The same for one component.
pub fn newest_of<'r, 't>(releases: &'r [Release<'t>], component: &str) -> Option<&'r Release<'t>> {
    let of = || releases.iter().filter(|r| r.name.component == component);
    let last = of().next()?.seconds();
    let recent = || of().filter(|r| r.seconds() >= last.map(|s| s - RECENT));
    let finals = recent().filter(|r| !r.name.version.is_pre());
    finals.max_by_key(|r| &r.name.version).or_else(|| recent().max_by_key(|r| &r.name.version))
}

/// The releases before `release` in its component, pre-releases left out, from the greatest version down.
pub fn earlier<'r, 't>(releases: &'r [Release<'t>], release: &Release<'_>) -> Vec<&'r Release<'t>> {
    let before = |r: &&Release<'_>| {
        r.name.component == release.name.component
            && r.name.version < release.name.version
            && !r.name.version.is_pre()
    };
    let mut all: Vec<&Release<'t>> = releases.iter().filter(before).collect();
    all.sort_by(|a, b| b.name.version.cmp(&a.name.version));
    all
}

/// The component under which the repository itself is released; `None` if several are.
pub fn main_component<'t>(releases: &[Release<'t>]) -> Option<&'t str> {
    let first = releases.first()?.name.component;
    let recent = || releases.iter().take(20);
    if recent().any(|r| r.name.component.is_empty()) {
        return Some("");
    }
    recent().all(|r| r.name.component == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Moment;

    fn tag(name: &str, day: &str) -> Tag {
        Tag { name: name.into(), date: Moment::parse(day), ..Tag::default() }
    }

    #[test]
    fn the_newest_release_is_the_greatest_of_the_last_year() {
        for (tags, expected) in [
            (vec![("v1.2.0", "2026-01-01"), ("v1.1.9", "2026-02-01")], Some("v1.2.0")),
            (vec![("2019.1", "2019-01-01"), ("1.0.0", "2026-02-01")], Some("1.0.0")),
            (
                vec![("v2.0.0-rc.1", "2026-03-01"), ("v1.9.0", "2026-02-01"), ("nightly", "2026-04-01")],
                Some("v1.9.0"),
            ),
            (vec![("v2.0.0-rc.1", "2026-03-01")], Some("v2.0.0-rc.1")),
            (vec![("api/v1.0.0", "2026-03-01"), ("web/v2.0.0", "2026-02-01")], None),
            (vec![("api/v1.0.0", "2026-03-01"), ("api/v1.1.0", "2026-02-01")], Some("api/v1.1.0")),
            (vec![("sdk/v9.0.0", "2026-03-01"), ("v1.1.0", "2026-02-01")], Some("v1.1.0")),
            (vec![("latest", "2026-03-01"), ("v1", "2026-03-01")], None),
        ] {
            let tags: Vec<Tag> = tags.into_iter().map(|(name, day)| tag(name, day)).collect();
            let all = releases(&tags);
            assert_eq!(newest(&all).map(|r| r.tag.name.as_str()), expected, "{tags:?}");
        }
    }

    #[test]
    fn releases_before_another_go_down_from_the_next_lower_one() {
        let tags = ["v1.0.0", "v1.1.0", "v1.2.0-rc.1", "v1.2.0", "web/v1.1.5"].map(|n| tag(n, "2026-01-01"));
        let all = releases(&tags);
        let newest = newest(&all).expect("there are releases");
        let before: Vec<&str> = earlier(&all, newest).iter().map(|r| r.tag.name.as_str()).collect();
        assert_eq!(before, ["v1.1.0", "v1.0.0"]);
    }
}
