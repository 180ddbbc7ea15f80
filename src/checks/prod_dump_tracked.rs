//! Database dumps in git that by their name come from production.

use super::samples::no_worse_than;
use crate::facts::{Repository, Stage, path_stage};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Whether a name is that of dumped data: by what writes such files, or by a word in it.
fn is_dump(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    const ALWAYS: &[&str] = &[
        ".dump", ".dmp", ".sql.gz", ".sql.zst", ".sql.bz2", ".sql.xz", ".sql.zip", ".pgdump", ".bson",
        ".bson.gz", ".rdb", ".bacpac", ".mdf", ".dump.gz",
    ];
    const IF_CALLED_SO: &[&str] = &[
        ".sql", ".bak", ".csv", ".json", ".tar", ".tar.gz", ".tgz", ".zip", ".db", ".sqlite", ".sqlite3",
        ".parquet", ".gz",
    ];
    let ends = |all: &[&str]| all.iter().any(|e| name.ends_with(e));
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let called = ["dump", "backup", "snapshot", "export", "pgdump", "mysqldump", "mongodump", "bak"]
        .iter()
        .any(|w| words.contains(w));
    ends(ALWAYS) || called && ends(IF_CALLED_SO) || name.ends_with(".bak") && words.contains(&"db")
}

/// A script that makes a dump has its words too; structure without rows is no data.
fn is_harmless(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["schema", "structure", "ddl", "anonym", "sanit", "mask", "synthetic", "fake", "sample", "seed"]
        .iter()
        .any(|w| name.contains(w))
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in &repository.files {
        if file.tracked != Some(true) || file.size == Some(0) || file.vendored || !is_dump(file.name()) {
            continue;
        }
        let stage = path_stage(&file.path, &repository.environments);
        if is_harmless(file.name()) || stage.is_none_or(|(stage, _)| stage != Stage::Production) {
            verdict.examined(file.place);
            continue;
        }
        let message = format!("Dump `{}` in git is named after production", file.path);
        let finding = verdict.fail(file.place, "production dump", message);
        finding
            .at_most(Confidence::Medium)
            .label("tracked by git")
            .against("only its name says what it holds");
        if file.sample {
            no_worse_than(finding, Severity::Note);
        }
    }
}
