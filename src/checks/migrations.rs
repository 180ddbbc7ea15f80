//! What rules on migrations share: which are theirs to judge, and which are told one by one.
//!
//! A project of years has hundreds of migrations that nobody will run again. Those that the last release (or the
//! branch that this one goes back to) does not hold are told one by one; the others together, as one finding on
//! their folder. What destroys data is told by itself however old it is, but then only as a note.

use crate::facts::{
    Action, Database, Migration, MigrationAge, MigrationTool, Operation, Repository, migration_folder,
    migration_name,
};
use crate::finding::{Confidence, FindingKind, Severity, Verdict};
use crate::text::{FileId, Span};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Migrations that somebody applies: not those of tests, of examples and of other people's code.
pub(super) fn applied(repository: &Repository) -> impl Iterator<Item = &Migration> {
    repository.facts.migrations.iter().filter(|m| repository.is_own(m.place))
}

/// Whether a migration is this change's or this release's own.
pub(super) fn is_new(repository: &Repository, migration: &Migration) -> bool {
    if let Some(changed) = repository.changed.as_ref().filter(|changed| !changed.is_empty()) {
        let mut places = [Some(migration.place), migration.back].into_iter().flatten();
        return places.any(|place| changed.contains(&place.file));
    }
    match &repository.migration_age {
        MigrationAge::Since(before) => !before.holds(migration.place),
        MigrationAge::Untold | MigrationAge::Unknown(_) => false,
    }
}

/// Whether a release is known to hold a migration.
pub(super) fn is_released(repository: &Repository, migration: &Migration) -> bool {
    match &repository.migration_age {
        MigrationAge::Since(before) => before.released && before.holds(migration.place),
        MigrationAge::Untold | MigrationAge::Unknown(_) => false,
    }
}

/// Where a migration lies: the folder that its tool keeps them in.
pub(super) fn folder<'r>(repository: &'r Repository, migration: &Migration) -> &'r str {
    migration_folder(repository.path(migration.place))
}

/// What a migration is called by its file or, where it has one of its own, by its folder.
pub(super) fn name<'r>(repository: &'r Repository, migration: &Migration) -> &'r str {
    migration_name(repository.path(migration.place))
}

/// Migrations that somebody applies, by folder and tool, each chain in the order of places.
pub(super) fn chains(repository: &Repository) -> BTreeMap<(&str, MigrationTool), Vec<&Migration>> {
    let mut found: BTreeMap<(&str, MigrationTool), Vec<&Migration>> = BTreeMap::new();
    for migration in applied(repository) {
        found.entry((folder(repository, migration), migration.tool)).or_default().push(migration);
    }
    found
}

/// Tables of SQLite that come anew under their old names, a step a file: a changed copy is made and filled, the old table
/// dropped, and the copy given its name. <https://sqlite.org/lang_altertable.html#otheralter>
pub(super) struct Rebuilt<'r> {
    repository: &'r Repository,
    /// Names that a copy takes over, and those that copies have before, each with its folder.
    names: HashSet<(&'r str, &'r str)>,
    copies: HashSet<(&'r str, &'r str)>,
}

impl<'r> Rebuilt<'r> {
    /// Those of a repository.
    pub(super) fn of(repository: &'r Repository) -> Rebuilt<'r> {
        let mut dropped = HashSet::new();
        let mut renamed = Vec::new();
        for migration in applied(repository).filter(|m| m.database == Some(Database::Sqlite)) {
            let folder = folder(repository, migration);
            for operation in &migration.operations {
                match (operation.action, operation.table.as_deref(), operation.name.as_deref()) {
                    (Action::DropTable, Some(table), _) => _ = dropped.insert((folder, table)),
                    (Action::RenameTable, Some(copy), Some(name)) => renamed.push((folder, copy, name)),
                    _ => {}
                }
            }
        }
        renamed.retain(|(folder, _, name)| dropped.contains(&(*folder, *name)));
        Rebuilt {
            repository,
            names: renamed.iter().map(|(folder, _, name)| (*folder, *name)).collect(),
            copies: renamed.iter().map(|(folder, copy, _)| (*folder, *copy)).collect(),
        }
    }

    /// Whether an operation is a step of one.
    pub(super) fn holds(&self, migration: &Migration, operation: &Operation) -> bool {
        let known = |names: &HashSet<(&str, &str)>, name: Option<&str>| {
            name.is_some_and(|name| names.contains(&(folder(self.repository, migration), name)))
        };
        migration.database == Some(Database::Sqlite)
            && match operation.action {
                Action::DropTable => known(&self.names, operation.table.as_deref()),
                Action::RenameTable => known(&self.names, operation.name.as_deref()),
                Action::Insert => known(&self.copies, operation.table.as_deref()),
                _ => false,
            }
    }
}

/// What is wrong with one migration, before it is known how it is told.
pub(super) struct Defect<'r> {
    /// The migration.
    pub(super) migration: &'r Migration,
    /// What it is: a failure, an open question, or something for a person.
    pub(super) kind: FindingKind,
    /// The place to point at.
    pub(super) place: Span,
    /// A sentence about this migration.
    pub(super) message: String,
    /// The label at the place, alone or among others.
    pub(super) label: String,
    /// Other places of the same defect, in the same migration.
    pub(super) related: Vec<(Span, String)>,
    /// What speaks against it.
    pub(super) against: Option<&'static str>,
    /// How sure we are.
    pub(super) confidence: Confidence,
    /// Told by itself even if it is old, because data is lost for good.
    pub(super) alone: bool,
}

impl<'r> Defect<'r> {
    /// A failure at this place, of which we are sure.
    pub(super) fn new(
        migration: &'r Migration,
        place: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Defect<'r> {
        Defect {
            migration,
            kind: FindingKind::Fail,
            place,
            message: message.into(),
            label: label.into(),
            related: Vec::new(),
            against: None,
            confidence: Confidence::High,
            alone: false,
        }
    }
}

/// Old migrations of one folder and one tool that have one kind of defect.
pub(super) struct Group<'a> {
    /// How many.
    pub(super) number: usize,
    /// Their tool.
    pub(super) tool: MigrationTool,
    /// Their folder.
    pub(super) folder: &'a str,
}

/// Tells defects: new ones one by one, old ones by folder, where `sum` makes the sentence.
pub(super) fn tell(
    repository: &Repository,
    verdict: &mut Verdict,
    defects: Vec<Defect<'_>>,
    sum: &dyn Fn(&Group<'_>) -> String,
) {
    let mut old: BTreeMap<(FindingKind, &str, MigrationTool), Vec<Defect<'_>>> = BTreeMap::new();
    for defect in merged(repository, defects) {
        let new = is_new(repository, defect.migration);
        if new || defect.alone {
            one(repository, verdict, defect, new);
        } else {
            let key = (defect.kind, folder(repository, defect.migration), defect.migration.tool);
            old.entry(key).or_default().push(defect);
        }
    }
    for ((kind, folder, tool), mut defects) in old {
        defects.sort_by_key(|defect| defect.place);
        // Changes of one file, as Liquibase keeps them, are one place to look at each.
        let number =
            defects.iter().map(|d| (d.migration.place, &d.migration.id)).collect::<BTreeSet<_>>().len();
        if number == 1 {
            defects.into_iter().for_each(|defect| one(repository, verdict, defect, true));
            continue;
        }
        let message = sum(&Group { number, tool, folder: if folder.is_empty() { "." } else { folder } });
        let subject = format!("{tool} migrations of {folder}");
        let first = &defects[0];
        let finding = match kind {
            FindingKind::Fail => verdict.fail(first.place, subject, message),
            FindingKind::Open => verdict.open(first.place, subject, message),
            FindingKind::Review => verdict.review(first.place, subject, message),
        };
        finding.label(first.label.clone());
        finding.at_most(defects.iter().map(|d| d.confidence).max().unwrap_or(Confidence::High));
        for other in &defects[1..] {
            finding.relate(other.place, other.label.clone());
        }
        match &repository.migration_age {
            MigrationAge::Unknown(why) => {
                finding.against(format!(
                    "which of them are new, and are to be told one by one, cannot be known: {why}"
                ));
            }
            _ => finding.against = first.against.map(str::to_owned),
        }
    }
}

/// What makes several defects one.
#[derive(PartialEq, Eq, Hash)]
enum Cause<'r> {
    /// A migration that each database has in a file of its own.
    Variants(&'r str, MigrationTool, &'r str),
    /// What destroys data in the change sets of one old file.
    File(FileId),
    /// Change sets of one file for a database each, of which one thing is to be said.
    Message(FileId, String),
}

/// One defect is one finding: the first place, with the others beside it.
fn merged<'r>(repository: &'r Repository, defects: Vec<Defect<'r>>) -> Vec<Defect<'r>> {
    const MOST: usize = 40;
    let mut found: Vec<Defect<'r>> = Vec::new();
    let mut seen: HashMap<(FindingKind, Cause<'r>), usize> = HashMap::new();
    for defect in defects {
        let (migration, file) = (defect.migration, defect.migration.place.file);
        let cause = if migration.place.is_empty() {
            Cause::Variants(folder(repository, migration), migration.tool, &migration.id)
        } else if defect.alone && !is_new(repository, migration) {
            Cause::File(file)
        } else {
            Cause::Message(file, defect.message.clone())
        };
        match seen.entry((defect.kind, cause)) {
            Entry::Vacant(entry) => {
                entry.insert(found.len());
                found.push(defect);
            }
            Entry::Occupied(entry) => {
                let first = &mut found[*entry.get()];
                first.related.push((defect.place, defect.label));
                first.related.extend(defect.related);
                first.related.truncate(MOST);
            }
        }
    }
    found
}

fn one(repository: &Repository, verdict: &mut Verdict, defect: Defect<'_>, full: bool) {
    let subject = format!("migration {} {}", repository.path(defect.migration.place), defect.migration.id);
    let finding = match defect.kind {
        FindingKind::Fail => verdict.fail(defect.place, subject, defect.message),
        FindingKind::Open => verdict.open(defect.place, subject, defect.message),
        FindingKind::Review => verdict.review(defect.place, subject, defect.message),
    };
    finding.label(defect.label).at_most(defect.confidence);
    finding.against = defect.against.map(str::to_owned);
    for (place, label) in defect.related {
        finding.relate(place, label);
    }
    if !full {
        finding.severity = finding.severity.min(Severity::Note);
    }
}
