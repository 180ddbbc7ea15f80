//! Chains of migrations that part, or that have a hole: which one is applied last then depends on the machine.

use super::migrations::chains;
use crate::facts::{Migration, MigrationTool, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use std::collections::{BTreeMap, BTreeSet};

/// What a migration names that is no fixed place in the chain: it stands for whatever comes first or last.
const FLOATING: &[&str] = &["__first__", "__latest__"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if repository.some_paths {
        // The other links of a chain may lie beside those that were named.
        return;
    }
    for ((folder, tool), mut chain) in chains(repository) {
        chain.retain(|m| !m.repeatable);
        match tool {
            MigrationTool::Alembic => alembic(repository, folder, &chain, verdict),
            MigrationTool::Django => django(repository, folder, &chain, verdict),
            // Two files with one number: the tool refuses, or leaves one of them out.
            MigrationTool::Flyway
            | MigrationTool::GolangMigrate
            | MigrationTool::Goose
            | MigrationTool::Refinery
            | MigrationTool::Sqlx
            | MigrationTool::Rails
            | MigrationTool::Ecto => versions(repository, folder, &chain, verdict),
            _ => {}
        }
    }
}

fn alembic(repository: &Repository, folder: &str, chain: &[&Migration], verdict: &mut Verdict) {
    let ids: BTreeMap<&str, &Migration> = chain.iter().map(|m| (m.id.as_str(), *m)).collect();
    // A parent that is computed may be any of them.
    if chain.iter().any(|m| m.parents.iter().any(|parent| parent == "?")) {
        return chain.iter().for_each(|m| verdict.examined(m.place));
    }
    for twin in chain.iter().filter(|m| !std::ptr::eq(ids[m.id.as_str()], **m)) {
        let message = format!("Revision `{}` stands in two files of `{folder}`", twin.id);
        let finding = verdict.fail(twin.place, format!("revision {} of {folder}", twin.id), message);
        finding.label("one of them").relate(ids[twin.id.as_str()].place, "the other");
    }
    let named: BTreeSet<&str> = chain.iter().flat_map(|m| &m.parents).map(String::as_str).collect();
    let broken = holes(repository, folder, chain, verdict, &|parent| {
        // A revision may be named by its first characters.
        ids.contains_key(parent)
            || ids.keys().any(|id| parent.len() >= 4 && id.starts_with(parent))
            || parent.contains('@')
    });
    if broken {
        return;
    }
    let heads: Vec<&Migration> = chain
        .iter()
        .filter(|m| {
            !named.iter().any(|parent| *parent == m.id || parent.len() >= 4 && m.id.starts_with(*parent))
        })
        .copied()
        .collect();
    // Several roots are branches that are kept apart on purpose.
    let roots = chain.iter().filter(|m| m.parents.is_empty()).count();
    if heads.len() <= roots.max(1) {
        return chain.iter().for_each(|m| verdict.satisfied(m.place));
    }
    part(folder, &heads, verdict);
}

fn django(repository: &Repository, folder: &str, chain: &[&Migration], verdict: &mut Verdict) {
    let app = folder.strip_suffix("/migrations").unwrap_or(folder).rsplit('/').next().unwrap_or("");
    let prefix = format!("{app}.");
    let own = |name: &'_ str| name.strip_prefix(&prefix).map(str::to_owned);
    let mut ids: BTreeSet<String> = chain.iter().map(|m| m.id.clone()).collect();
    // An application may be called otherwise than its folder: then its parents are not told from others'.
    if chain.len() > 1 && !chain.iter().any(|m| m.parents.iter().any(|parent| own(parent).is_some())) {
        return chain.iter().for_each(|m| verdict.examined(m.place));
    }
    // What is squashed is there under the new name, and those that it replaces may stay beside it.
    let replaced: BTreeSet<String> = chain.iter().flat_map(|m| &m.replaces).filter_map(|r| own(r)).collect();
    ids.extend(replaced.iter().cloned());
    let named: BTreeSet<String> =
        chain.iter().flat_map(|m| &m.parents).filter_map(|parent| own(parent)).collect();
    let broken = holes(repository, folder, chain, verdict, &|parent| match own(parent) {
        Some(name) => ids.contains(&name) || FLOATING.contains(&name.as_str()),
        None => true,
    });
    let squashes = |m: &Migration| m.replaces.iter().filter_map(|r| own(r)).any(|r| named.contains(&r));
    if broken {
        return;
    }
    let heads: Vec<&Migration> = chain
        .iter()
        .filter(|m| !named.contains(&m.id) && !replaced.contains(&m.id) && !squashes(m))
        .copied()
        .collect();
    if heads.len() <= 1 {
        return chain.iter().for_each(|m| verdict.satisfied(m.place));
    }
    part(folder, &heads, verdict);
}

/// Several ends of one chain.
fn part(folder: &str, heads: &[&Migration], verdict: &mut Verdict) {
    let names: Vec<String> = heads.iter().map(|m| format!("`{}`", m.id)).collect();
    let shown = match names.len() {
        0..=3 => names.join(" and "),
        n => format!("{} and {} more", names[..2].join(", "), n - 2),
    };
    let message = format!("Migrations of `{folder}` end in {} heads: {shown}", heads.len());
    let finding = verdict.fail(heads[0].place, format!("heads of {folder}"), message);
    finding.label("one head");
    for other in &heads[1..] {
        finding.relate(other.place, "another head");
    }
}

/// Parents that no file is. What follows them hangs loose, so that the ends of the chain tell nothing.
fn holes(
    repository: &Repository,
    folder: &str,
    chain: &[&Migration],
    verdict: &mut Verdict,
    is_there: &dyn Fn(&str) -> bool,
) -> bool {
    // What was not read may be what is missing; of one file alone nothing can be told.
    if chain.len() < 2 || repository.unread.iter().any(|unread| unread.path.starts_with(folder)) {
        return false;
    }
    let before = verdict.findings.len();
    for migration in chain {
        if let Some(parent) = migration.parents.iter().find(|parent| !is_there(parent)) {
            let message = format!("Migration `{}` comes after `{parent}`, which is not there", migration.id);
            let subject = format!("parent {parent} of {folder}");
            verdict.fail(migration.place, subject, message).label("its parent is missing");
        }
    }
    verdict.findings.len() > before
}

/// Files whose number is the same.
fn versions(repository: &Repository, folder: &str, chain: &[&Migration], verdict: &mut Verdict) {
    let mut by_version: BTreeMap<(String, &str), Vec<&Migration>> = BTreeMap::new();
    for migration in chain {
        let Some(version) = version(migration) else { continue };
        let variant = variant(repository.path(migration.place));
        by_version.entry((version, variant)).or_default().push(migration);
    }
    for ((version, _), same) in by_version {
        if same.len() < 2 {
            verdict.satisfied(same[0].place);
            continue;
        }
        let path = |m: &Migration| repository.path(m.place).rsplit('/').next().unwrap_or("").to_owned();
        let message = format!(
            "{} migrations of `{folder}` have the version `{version}`: `{}` and `{}`",
            same.len(),
            path(same[0]),
            path(same[1])
        );
        let finding = verdict.fail(same[0].place, format!("version {version} of {folder}"), message);
        finding.label("one of them");
        for other in &same[1..] {
            finding.relate(other.place, "another");
        }
    }
}

/// What a name has between its version and its endings: `mysql` of `12_a.mysql.up.sql`, of which each database gets its
/// own. <https://gobuffalo.io/documentation/database/migrations/>
fn variant(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".up.sql", ".sql"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or("");
    stem.split_once('.').filter(|(version, _)| version.contains('_')).map_or("", |(_, variant)| variant)
}

/// The number by which a tool tells migrations apart: `0012` and `12` are one.
fn version(migration: &Migration) -> Option<String> {
    let id = migration.id.as_str();
    let number = match migration.tool {
        // `1.2` and `1_2` are one version.
        MigrationTool::Flyway | MigrationTool::Refinery => {
            let parts: Vec<&str> = id.split(['.', '_']).map(|part| part.trim_start_matches('0')).collect();
            return Some(parts.join("."));
        }
        _ => id.split('_').next().unwrap_or(id),
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.trim_start_matches('0').to_owned()).filter(|number| !number.is_empty())
}
