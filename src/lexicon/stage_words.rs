//! Words by which teams call their environments, by long custom.

use super::words::Stage;
use std::sync::LazyLock;

/// Words that begin a mention in another way than by an entry.
const OTHERS: &[&str] =
    &["non", "pre", "lower", "no", "not", "never", "post", "pr", "review", "testing", "stage"];

/// For each first letter the lengths of the words that begin with it, as bits.
static LENGTHS: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut lengths = [0; 26];
    for word in ENTRIES.iter().flat_map(|entry| entry.words).chain(OTHERS) {
        lengths[usize::from(word.as_bytes()[0] - b'a')] |= 1 << word.len();
    }
    lengths
});

/// Whether a word may begin a mention, by its first letter and its length: every name in a repository is asked about,
/// and most say nothing.
pub(super) fn may_begin(word: &str) -> bool {
    let first = word.bytes().next().map_or(0, |b| b.to_ascii_lowercase());
    first.is_ascii_lowercase() && word.len() < 32 && LENGTHS[usize::from(first - b'a')] >> word.len() & 1 == 1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// The word names a place and nothing else.
    Place,
    /// The word also names something one does, so that a place beside it speaks louder.
    Activity,
}

pub(super) struct Entry {
    pub(super) words: &'static [&'static str],
    pub(super) stage: Stage,
    pub(super) strength: Strength,
    /// Words after which it means something else.
    pub(super) not_after: &'static [&'static str],
    /// Words before which it means something else.
    pub(super) not_before: &'static [&'static str],
}

pub(super) const PRODUCTION: &[&str] = &["prod", "production", "prd", "live"];

const TESTING: &[&str] = &["test", "tests", "testing", "suite", "criteria"];

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        words: &["prod", "production", "prd"],
        stage: Stage::Production,
        strength: Strength::Place,
        not_after: &[],
        not_before: &[
            "dependencies",
            "dependency",
            "deps",
            "like",
            "mode",
            "equivalent",
            "ready",
            "readiness",
            "grade",
            "quality",
            "optimized",
            "optimised",
        ],
    },
    Entry {
        words: &["live"],
        stage: Stage::Production,
        strength: Strength::Place,
        not_after: &["to", "keep", "is"],
        not_before: &[
            "chat",
            "check",
            "coding",
            "data",
            "demo",
            "edit",
            "event",
            "events",
            "kit",
            "ness",
            "preview",
            "query",
            "reload",
            "reloading",
            "score",
            "scores",
            "search",
            "server",
            "session",
            "share",
            "stream",
            "streaming",
            "test",
            "tests",
            "update",
            "updates",
            "video",
            "view",
            "views",
        ],
    },
    Entry {
        words: &[
            "staging",
            "stg",
            "uat",
            "qa",
            "preprod",
            "preproduction",
            "preprd",
            "pprod",
            "prelive",
            "nonprod",
            "nonproduction",
            "nonprd",
            "nonlive",
        ],
        stage: Stage::Staging,
        strength: Strength::Place,
        not_after: &[],
        not_before: &[],
    },
    Entry {
        words: &["stage"],
        stage: Stage::Staging,
        strength: Strength::Place,
        not_after: &[
            "base",
            "build",
            "builder",
            "compile",
            "each",
            "final",
            "first",
            "last",
            "lint",
            "multi",
            "next",
            "package",
            "pipeline",
            "previous",
            "production",
            "publish",
            "release",
            "runtime",
            "same",
            "second",
            "single",
            "test",
            "this",
            "two",
            "validate",
            "verify",
        ],
        not_before: &[],
    },
    Entry {
        words: &["acceptance"],
        stage: Stage::Staging,
        strength: Strength::Activity,
        not_after: &["risk"],
        not_before: TESTING,
    },
    Entry {
        words: &["preview"],
        stage: Stage::Preview,
        strength: Strength::Place,
        not_after: &[],
        not_before: &[],
    },
    Entry {
        words: &["ephemeral"],
        stage: Stage::Preview,
        strength: Strength::Place,
        not_after: &[],
        // Disks, containers and runners that do not last are no environment.
        not_before: &[
            "agent",
            "agents",
            "container",
            "containers",
            "credential",
            "credentials",
            "data",
            "disk",
            "disks",
            "files",
            "key",
            "keys",
            "message",
            "messages",
            "os",
            "port",
            "ports",
            "runner",
            "runners",
            "secret",
            "secrets",
            "storage",
            "token",
            "tokens",
            "volume",
            "volumes",
        ],
    },
    Entry {
        words: &["dev", "development"],
        stage: Stage::Development,
        strength: Strength::Place,
        not_after: &["save"],
        not_before: &[
            "container",
            "containers",
            "dependencies",
            "dependency",
            "deps",
            "disk",
            "fd",
            "kit",
            "mapper",
            "null",
            "ops",
            "random",
            "requirements",
            "shm",
            "stderr",
            "stdin",
            "stdout",
            "tools",
            "tty",
            "urandom",
            "zero",
        ],
    },
    Entry {
        words: &["int", "integration"],
        stage: Stage::Integration,
        strength: Strength::Activity,
        not_after: &["continuous"],
        not_before: TESTING,
    },
    Entry {
        words: &["test"],
        stage: Stage::Ci,
        strength: Strength::Activity,
        not_after: &[
            "a",
            "acceptance",
            "cargo",
            "contract",
            "e2e",
            "go",
            "integration",
            "int",
            "load",
            "make",
            "npm",
            "performance",
            "pnpm",
            "regression",
            "run",
            "security",
            "smoke",
            "system",
            "the",
            "unit",
            "yarn",
        ],
        not_before: &[],
    },
    Entry {
        words: &["ci"],
        stage: Stage::Ci,
        strength: Strength::Activity,
        not_after: &["npm"],
        // The rest are names of variables that GitLab gives to every job: `CI_COMMIT_REF_SLUG`.
        not_before: &[
            "api", "cd", "commit", "default", "job", "merge", "pipeline", "project", "registry", "runner",
            "server",
        ],
    },
    Entry {
        words: &["local", "localhost"],
        stage: Stage::Local,
        strength: Strength::Place,
        not_after: &["usr", "cluster"],
        not_before: &[
            "action",
            "bin",
            "branch",
            "date",
            "exec",
            "include",
            "lib",
            "path",
            "share",
            "storage",
            "time",
            "timezone",
            "var",
            "variable",
            "variables",
            "zone",
        ],
    },
];
