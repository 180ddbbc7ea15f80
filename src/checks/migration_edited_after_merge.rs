//! Migrations of a release that say something else today: databases that have applied them stay as they are.

use super::migrations::{applied, chains, folder, name};
use super::samples::{is_sample, is_vendored};
use crate::facts::{Migration, MigrationAge, MigrationTool, MigrationsBefore, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

/// From so many in one folder on, edits are told as one.
const MANY: usize = 5;

/// Where more than so many are gone for each older one that is left, they were squashed.
const KEPT: usize = 3;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let before = match &repository.migration_age {
        MigrationAge::Since(before) => before,
        MigrationAge::Unknown(why) => {
            return verdict.not_judged(format!("the last release is not to be seen: {why}"));
        }
        MigrationAge::Untold => {
            return verdict.not_judged("there is no release, and no branch, to compare with");
        }
    };
    let state = if before.released {
        format!("release `{}`", before.name)
    } else {
        format!("branch `{}`", before.name)
    };
    let mut edited: BTreeMap<&str, Vec<&Migration>> = BTreeMap::new();
    for migration in applied(repository).filter(|m| before.holds(m.place)) {
        if before.edited.contains(&migration.place) {
            edited.entry(folder(repository, migration)).or_default().push(migration);
        } else {
            verdict.satisfied(migration.place);
        }
    }
    for (folder, all) in edited {
        // So many at once are one change, mostly for a new version of the library.
        if all.len() >= MANY {
            let message =
                format!("{} migrations of `{folder}` say something else than in {state}", all.len());
            let finding = verdict.fail(all[0].place, format!("edited migrations of {folder}"), message);
            finding.at_most(Confidence::Medium).label("changed since");
            finding.against(
                "a change that only suits a new version of the library leaves the statements as they are",
            );
            all[1..].iter().for_each(|other| _ = finding.relate(other.place, "this too"));
            continue;
        }
        for migration in all {
            let path = repository.path(migration.place);
            let message =
                format!("Migration `{}` says something else than in {state}", name(repository, migration));
            let subject = format!("edited migration {path} {}", migration.id);
            verdict.fail(migration.place, subject, message).label("changed since");
        }
    }
    gone(repository, before, &state, verdict);
    if before.released {
        behind(repository, before, &state, verdict);
    }
}

/// Migrations that the release holds and the tree does not. The oldest ones may be gone: they were squashed.
fn gone(repository: &Repository, before: &MigrationsBefore, state: &str, verdict: &mut Verdict) {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in before.gone.iter().filter(|path| !is_sample(path) && !is_vendored(path)) {
        let (folder, _) = path.rsplit_once('/').unwrap_or(("", path));
        folders.entry(folder).or_default().push(path);
    }
    let mut left: BTreeMap<&str, Vec<&Migration>> = BTreeMap::new();
    for migration in applied(repository) {
        left.entry(folder(repository, migration)).or_default().push(migration);
    }
    for (folder, paths) in folders {
        let Some(left) = left.get(folder) else { continue };
        let replaced = |path: &str| {
            let stem = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or("");
            left.iter().any(|m| m.replaces.iter().any(|r| r.ends_with(&format!(".{stem}"))))
        };
        let held = || left.iter().filter(|m| before.holds(m.place));
        let oldest_left = held().map(|m| repository.path(m.place)).min();
        // A squash takes from the beginning; what is gone from the middle was taken back.
        let taken: Vec<&&str> = paths
            .iter()
            .filter(|path| !replaced(path) && oldest_left.is_some_and(|oldest| oldest < **path))
            .collect();
        let (Some(first), Some(neighbour)) = (taken.first(), held().map(|m| m.place).next()) else {
            continue;
        };
        // Names that are no numbers have no order: then a squash cannot be told.
        let ordered = |path: &str| {
            path.rsplit('/')
                .next()
                .unwrap_or(path)
                .trim_start_matches(['V', 'v'])
                .starts_with(|c: char| c.is_ascii_digit())
        };
        if !ordered(first) {
            continue;
        }
        // Who squashes may keep an old one or two.
        let last = taken.last().unwrap_or(first);
        if taken.len() > KEPT * held().filter(|m| repository.path(m.place) < **last).count() {
            continue;
        }
        let place =
            held().filter(|m| repository.path(m.place) < **first).map(|m| m.place).max().unwrap_or(neighbour);
        let name = first.rsplit('/').next().unwrap_or(first);
        let message = match taken.len() {
            1 => format!("Migration `{name}` of {state} is gone from `{folder}`"),
            n => format!("Migration `{name}` and {} more of {state} are gone from `{folder}`", n - 1),
        };
        verdict
            .fail(place, format!("migrations gone from {folder}"), message)
            .at_most(Confidence::Medium)
            .label("it came after this");
    }
}

/// New migrations whose number is lower than one that the release holds, for tools that then refuse or leave them out.
fn behind(repository: &Repository, before: &MigrationsBefore, state: &str, verdict: &mut Verdict) {
    for ((_, tool), mut chain) in chains(repository).into_iter().filter(|((_, tool), _)| keeps_order(*tool)) {
        chain.retain(|m| !m.repeatable);
        let newest = chain.iter().filter(|m| before.holds(m.place)).max_by_key(|m| order(m));
        let Some(newest) = newest else { continue };
        for late in chain.iter().filter(|m| !before.holds(m.place) && order(m) < order(newest)) {
            let path = repository.path(late.place);
            let name = path.rsplit('/').next().unwrap_or(path);
            let fate = match tool {
                MigrationTool::GolangMigrate => "leaves it out",
                _ => "refuses it",
            };
            let message = format!(
                "Migration `{name}` is numbered before `{}` of {state}: {} {fate}",
                newest.id,
                tool.name()
            );
            let finding = verdict.fail(late.place, format!("order of migration {path}"), message);
            finding.at_most(Confidence::Medium).label("added since").relate(newest.place, "applied already");
            finding.against("databases that take migrations out of order on purpose (`outOfOrder`, `-allow-missing`) accept it");
        }
    }
}

/// <https://documentation.red-gate.com/flyway/reference/configuration/flyway-namespace/flyway-out-of-order-setting>,
/// <https://github.com/golang-migrate/migrate/blob/master/FAQ.md>, <https://pressly.github.io/goose/blog/2021/out-of-order-migrations/>,
/// <https://salsita.github.io/node-pg-migrate/cli/> (`--check-order`)
fn keeps_order(tool: MigrationTool) -> bool {
    matches!(
        tool,
        MigrationTool::Flyway
            | MigrationTool::GolangMigrate
            | MigrationTool::Goose
            | MigrationTool::NodePgMigrate
    )
}

/// A version as numbers, so that `10` comes after `9`.
fn order(migration: &Migration) -> Vec<u64> {
    let id = match migration.tool {
        MigrationTool::Flyway => migration.id.as_str(),
        _ => migration.id.split(['_', '-']).next().unwrap_or(""),
    };
    id.split(['.', '_']).map(|part| part.parse().unwrap_or(0)).collect()
}
