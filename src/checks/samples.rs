//! What rules share on files that nobody deploys: tests, fixtures, examples.

use crate::finding::{Finding, Severity};

/// Folders whose files are there to be looked at or tested with.
const FOLDERS: &[&str] = &[
    "__fixtures__",
    "__mocks__",
    "__snapshots__",
    "__tests__",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "e2e",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "mock",
    "mocks",
    "sample",
    "samples",
    "spec",
    "specs",
    "test",
    "testdata",
    "test-data",
    "test_data",
    "testing",
    "tests",
    "unittests",
    "testutil",
    "testutils",
    "test-resources",
];

/// Whether a path lies among tests, fixtures or examples.
pub(super) fn is_sample(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    // `keys.example`, `integration-tests`: any word of a folder's name tells.
    folders.iter().any(|folder| {
        let folder = folder.to_ascii_lowercase();
        FOLDERS.contains(&folder.as_str()) || folder.split(['.', '-', '_']).any(|w| FOLDERS.contains(&w))
    })
}

/// Whether a path lies in somebody else's code that was copied in.
pub(super) fn is_vendored(path: &str) -> bool {
    let vendored = ["node_modules", "vendor", "third_party", "bower_components", "site-packages", ".yarn"];
    path.split('/').any(|part| vendored.contains(&part))
}

/// Makes a finding at most this severe.
pub(super) fn no_worse_than(finding: &mut Finding, severity: Severity) -> &mut Finding {
    finding.severity = finding.severity.min(severity);
    finding
}
