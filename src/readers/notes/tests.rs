use super::*;
use crate::facts::NoteField as F;
use crate::readers::samples;

fn notes(path: &str, text: &str) -> Vec<ReleaseNote> {
    assert!(is_notes(path), "{path}");
    samples::read(parse, path, text).facts.release_notes
}

/// Version, day, and whether it is out.
fn told(path: &str, text: &str) -> Vec<(String, String, bool)> {
    let shown = |n: &ReleaseNote| {
        (n.version.clone().unwrap_or_default(), n.date.clone().unwrap_or_default(), n.released)
    };
    notes(path, text).iter().map(shown).collect()
}

fn row(version: &str, date: &str) -> (String, String, bool) {
    (version.to_owned(), date.to_owned(), true)
}

#[test]
fn entries_are_known_in_every_custom() {
    let unreleased = (String::new(), String::new(), false);
    for (path, text, expected) in [
        (
            "CHANGELOG.md",
            "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n### Added\n- a\n\n## 1.2.2 (2026-01-01) [YANKED]\n",
            vec![unreleased.clone(), row("1.2.3", "2026-01-31"), row("1.2.2", "2026-01-01")],
        ),
        (
            "CHANGELOG.md",
            "# [2.0.0](https://host/a/compare/v1.9.9...v2.0.0) (2026-02-01)\n### Bug Fixes\n## [1.9.9](https://host/x) (2026-01-01)\n",
            vec![row("2.0.0", "2026-02-01"), row("1.9.9", "2026-01-01")],
        ),
        (
            "docs/release-notes/version-4.6.md",
            "# NetBox v4.6\n\n## v4.6.8 (2026-08-01)\n### Enhancements\n## v4.6.7 (2026-07-01)\n",
            vec![row("4.6.8", "2026-08-01"), row("4.6.7", "2026-07-01")],
        ),
        (
            "CHANGELOG-1.2.md",
            "# v1.2.3\n## Changelog since v1.2.2\n# v1.2.2\n",
            vec![row("1.2.3", ""), row("1.2.2", "")],
        ),
        ("HISTORY.md", "1.2.3 / 2026-01-31\n==================\n\n * a\n", vec![row("1.2.3", "2026-01-31")]),
        (
            "CHANGES.rst",
            "Changes\n=======\n\n1.2.3 (January 31, 2026)\n------------------------\n* a\n\n1.2.2\n-----\n",
            vec![row("1.2.3", "2026-01-31"), row("1.2.2", "")],
        ),
        (
            "NEWS",
            "v1.2.3 (31 Jan 2026)\n  * a\n\nv1.2.2\n  * b\n",
            vec![row("1.2.3", "2026-01-31"), row("1.2.2", "")],
        ),
        (
            "RELEASES.md",
            "## Release 01.23012026.1430 - 2026-01-23\n- a\n",
            vec![row("01.23012026.1430", "2026-01-23")],
        ),
        (
            "CHANGELOG.md",
            "# Changes\n## 2026-01-31\n- a\n## 2026-01-24\n",
            vec![row("", "2026-01-31"), row("", "2026-01-24")],
        ),
        ("CHANGELOG.md", "# @acme/ui\n\n## 1.2.3\n\n### Patch Changes\n", vec![row("1.2.3", "")]),
        ("docs/releases/v1.2.3.md", "We are happy.\n\n## Fixes\n- a\n", vec![row("1.2.3", "")]),
        (
            "debian/changelog",
            "shop (2:1.2.3-1) unstable; urgency=medium\n\n  * a\n\n -- A B <a@b.example>  Sat, 31 Jan 2026 10:00:00 +0000\n",
            vec![row("1.2.3-1", "2026-01-31")],
        ),
        (
            "docs/change-log.md",
            "| Date | Change | Version | Approval | Verification |\n|---|---|---|---|---|\n| 2026-01-31 14:00 | Deploy | v1.2.3 | A | `logs/a.json` |\n",
            vec![row("1.2.3", "2026-01-31")],
        ),
        ("CHANGELOG.md", "# Upgrading from 1.2 to 1.3\n## Python 3.9 support\n", vec![]),
    ] {
        assert_eq!(told(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn an_entry_tells_what_its_headings_and_lines_hold() {
    let text = "# Changelog\n\n## Release 1.2.3 - 2026-01-31 14:30\n\nA summary.\n\n### New Features\n- a\n\n### Bug Fixes\n- b\n\n### Breaking Changes\n- c\n\n### Known Issues\n- None.\n\n### Upgrade Notes\n- d; to roll back, run e\n\n## Release 1.2.2\n\n- feat!: f\n- fix: g\n";
    let all = notes("CHANGELOG.md", text);
    assert_eq!(
        all[0].tells,
        [
            F::Date,
            F::Time,
            F::Summary,
            F::Features,
            F::Fixes,
            F::Breaking,
            F::Upgrade,
            F::KnownIssues,
            F::Rollback
        ]
    );
    assert_eq!(&text[all[0].breaking.expect("named").range()], "Breaking Changes");
    assert_eq!(all[0].headings.len(), 5);
    assert_eq!(all[1].tells, [F::Summary, F::Features, F::Fixes, F::Breaking]);
    assert_eq!(&text[all[1].breaking.expect("marked").range()], "- feat!: f");
    assert_eq!(notes("CHANGELOG.md", "## 1.2.3\n\n## 1.2.2\n- a\n")[0].tells, []);
    let empty = notes("CHANGELOG.md", "## 2.0.0\n### Breaking Changes\nNone.\n### Added\n- a\n");
    assert!(!empty[0].tells.contains(&F::Breaking), "nothing breaks");
}

#[test]
fn cells_of_a_row_tell_by_the_titles_of_their_columns() {
    let text = "| Date | Change | Approval | Verification |\n| - | - | - | - |\n| 2026-01-31 | CHG-1 | | [log](logs/a.json) |\n";
    let all = notes("CHANGELOG.md", text);
    assert_eq!(all[0].tells, [F::Date, F::Summary, F::Verification]);
    assert_eq!(all[0].cells[1], "CHG-1");
}

#[test]
fn change_logs_are_known_by_name_and_folder() {
    for (path, is) in [
        ("CHANGELOG.md", true),
        ("api/CHANGELOG", true),
        ("docs/changelog.rst", true),
        ("CHANGES.txt", true),
        ("HISTORY.md", true),
        ("docs/releases/1.2.3.md", true),
        ("release-notes/1.2.3.md", true),
        ("CHANGELOG.py", false),
        ("src/history.rs", false),
        ("changes.yml", false),
        ("RELEASE.md", false),
        ("docs/releases/README.md", false),
        ("node_modules/a/CHANGELOG.md", false),
        ("newsletter.md", false),
    ] {
        assert_eq!(is_notes(path), is, "{path}");
    }
    for path in ["CHANGELOG.md", "CHANGES.rst", "debian/changelog", "NEWS", "releases/1.2.md"] {
        samples::endure(parse, path);
    }
}
