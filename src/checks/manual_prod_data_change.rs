//! Statements by which a person changes data of production.

use super::hands::{Act, acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::{Confidence, FindingKind, Verdict};
use crate::parameters::Parameters;

const WRITES: &[&str] = &[
    "update ",
    "delete from",
    "insert into",
    "alter ",
    "drop ",
    "truncate ",
    "grant ",
    "revoke ",
    "create index",
    "updateone",
    "updatemany",
    "deleteone",
    "deletemany",
    "insertone",
    "insertmany",
    "replaceone",
    "bulkwrite",
    ".remove(",
    "dropdatabase",
    "flushall",
    "flushdb",
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::Query && writes(act))
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)))
        .filter(|(act, target)| !act.names_database_only(target));
    report_hands(verdict, repository, found, "changes data of production", |act, target| {
        format!(
            "{} changes data of production (`{}`) directly with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
    for file in repository.files.iter().filter(|f| is_fix(&f.path)) {
        verdict
            .review(
                file.place,
                format!("file {}", file.path),
                format!("`{}` looks like a data fix that bypasses migrations and the application", file.path),
            )
            .label("a one-off SQL file")
            .at_most(Confidence::Medium);
    }
    if *parameters.data_fix_script_allowed.value() {
        verdict.findings.iter_mut().for_each(|finding| finding.kind = FindingKind::Review);
    }
}

/// Whether statements that write are given, or a file of statements is.
pub(super) fn writes(act: &Act<'_>) -> bool {
    let Some(command) = act.command else { return false };
    let line = command.line.to_lowercase();
    let file =
        command.flag_value(&["-f", "--file", "-i", "--input-file"]).is_some_and(|w| w.text.contains(".sql"));
    let fed = command.reads.iter().any(|w| w.text.contains(".sql"));
    file || fed || WRITES.iter().any(|w| line.contains(w))
}

fn is_fix(path: &str) -> bool {
    const WORDS: &[&str] = &[
        "hotfix", "datafix", "data_fix", "data-fix", "prod_fix", "prod-fix", "fix_prod", "fix-prod",
        "oneoff", "one-off", "one_off", "adhoc", "ad-hoc", "ad_hoc",
    ];
    let path = path.to_lowercase();
    let Some(stem) = path.strip_suffix(".sql") else { return false };
    let inert = [
        "migrat",
        "dbscripts",
        "changelog",
        "changeset",
        "flyway",
        "schema",
        "test",
        "fixture",
        "sample",
        "example",
    ];
    WORDS.iter().any(|w| stem.contains(w)) && !inert.iter().any(|w| stem.contains(w))
}
