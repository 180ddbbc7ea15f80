//! What a path alone tells.

use super::{Basis, Stage, Target, Value};
use crate::lexicon::{Environments, mentions};
use crate::text::{FileId, Span};

/// A path from the root, `path` being meant from `folder`; `.` and `..` are taken out.
pub fn join_path(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The folder of a path, without a slash at its end; empty for the root.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path without `.` and `..`; `None` if it leads out of the root.
pub fn normalise(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The environment that a path speaks of, by whole words of its folders and its name; the last one that
/// is named counts (`staging/values-prod.yaml` is production). `None` if none or several in one part.
pub fn path_stage(path: &str, environments: &Environments) -> Option<(Stage, String)> {
    path.rsplit('/').find_map(|part| {
        let found = mentions(part, environments);
        found.single().map(|stage| (stage, part.to_owned()))
    })
}

/// The same as a target whose basis is the name.
pub fn path_target(path: &str, file: FileId, environments: &Environments) -> Option<Target> {
    path_stage(path, environments).map(|(stage, name)| Target {
        stage: Value::Known(stage),
        name: Value::Known(name),
        basis: Basis::Name,
        place: Span::start_of(file),
    })
}

/// Folders whose files are there to be looked at or tested with; any word of a folder's name tells.
const SAMPLES: &[&str] = &[
    "__fixtures__",
    "__mocks__",
    "__snapshots__",
    "__tests__",
    "_template",
    "_templates",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "cypress",
    "demo",
    "demos",
    "e2e",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "mock",
    "mocks",
    "playwright",
    "sample",
    "samples",
    "spec",
    "specs",
    "stub",
    "stubs",
    "test",
    "testdata",
    "test_data",
    "testing",
    "tests",
    "unittests",
    "testutil",
    "testutils",
];

/// Files that tell a tool how to run tests, wherever they lie.
const TEST_SETTINGS: &[&str] = &["phpunit.xml", "phpunit.xml.dist", "pytest.ini", "conftest.py"];

/// Folders of somebody else's code that was copied in.
const VENDORED: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "thirdparty",
    "bower_components",
    ".yarn",
    "site-packages",
    "pods",
];

/// Whether a path lies among tests, fixtures or examples, so that nobody deploys it: `keys.example/a`,
/// `integration-tests/b`.
pub fn is_sample(path: &str) -> bool {
    let bytes = path.as_bytes();
    let name = bytes.iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
    // Asked of every file, often: each byte is looked at once.
    let (mut folder, mut word) = (0, 0);
    for (at, byte) in bytes[..name].iter().enumerate() {
        match byte {
            b'/' if is_sample_word(&bytes[word..at]) || is_sample_word(&bytes[folder..at]) => return true,
            b'/' => (folder, word) = (at + 1, at + 1),
            b'.' | b'-' | b'_' if is_sample_word(&bytes[word..at]) => return true,
            b'.' | b'-' | b'_' => word = at + 1,
            _ => {}
        }
    }
    let name = &path[name..];
    // Storybook's: <https://storybook.js.org/docs/writing-stories>
    TEST_SETTINGS.contains(&name) || name.contains(".stories.") || name.contains(".story.")
}

fn is_sample_word(word: &[u8]) -> bool {
    // Most words of most paths are longer, or begin otherwise.
    let begins = |b: &u8| matches!(b.to_ascii_lowercase(), b'_' | b'b'..=b'f' | b'm' | b'p' | b's'..=b'u');
    word.len() <= 13
        && word.first().is_some_and(begins)
        && SAMPLES.iter().any(|sample| sample.as_bytes().eq_ignore_ascii_case(word))
}

/// Whether a path lies in somebody else's code that was copied in.
pub fn is_vendored(path: &str) -> bool {
    let begins = |b: &u8| matches!(b.to_ascii_lowercase(), b'n' | b'v' | b't' | b'b' | b'.' | b's' | b'p');
    let is_copy = |part: &[u8]| {
        part.first().is_some_and(begins)
            && VENDORED.iter().any(|folder| folder.as_bytes().eq_ignore_ascii_case(part))
    };
    path.as_bytes().split(|b| *b == b'/').any(is_copy)
}

/// Whether a file records the state of feature flags: by its name, or as one of many in a folder for them.
pub fn is_flag_registry(path: &str) -> bool {
    const STEMS: &[&str] = &[
        "features",
        "feature_flags",
        "feature-flags",
        "featureflags",
        "feature_toggles",
        "feature-toggles",
        "flipper",
    ];
    if ![".yml", ".yaml", ".toml", ".json"].iter().any(|ending| path.ends_with(ending)) {
        return false;
    }
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let stem = stem.split('.').next().unwrap_or(stem);
    // `features.json` is a map's shapes more often than flags.
    let written = match ending {
        "yml" | "yaml" | "toml" => true,
        "json" => stem != "features" || folders.ends_with("config"),
        _ => false,
    };
    let own = |part: &str| STEMS[1..].contains(&part);
    // Names of flags in people's languages lie there.
    let translated = folders
        .split('/')
        .any(|part| matches!(part, "locales" | "locale" | "i18n" | "translations" | "lang"));
    written && !translated && (STEMS.contains(&stem) || folders.split('/').any(own))
}
