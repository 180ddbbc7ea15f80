//! Where data goes that is dumped or copied out of an environment. Shared by the rules on production and
//! staging data elsewhere.

use super::hands::{Act, Hands, acts};
use crate::facts::{Basis, Command, EffectKind, Owner, Repository, Stage, Target};
use crate::text::Span;
use std::collections::BTreeMap;

/// What data becomes that one command reads out of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink<'a> {
    /// A file or database of the machine that the command runs on.
    Local,
    /// A database of another environment, filled by the command at this place.
    Environment(&'a Target, Span),
    /// A store, or the environment that the data came from.
    Kept,
    /// Not to be told.
    Unknown,
}

/// Data read out of an environment.
#[derive(Clone, Copy)]
pub(super) struct Leak<'a> {
    /// The command that reads.
    pub act: Act<'a>,
    /// Where it reads.
    pub source: &'a Target,
    /// Where it goes.
    pub sink: Sink<'a>,
}

/// So many reads of one script or pipeline are followed; they make one finding.
const MOST_READS: usize = 32;

/// All data that leaves `stage`, sanitised or schema-only copies left out.
pub(super) fn leaks(repository: &Repository, stage: Stage) -> Vec<Leak<'_>> {
    let mut units: BTreeMap<Span, Vec<Act<'_>>> = BTreeMap::new();
    for act in acts(repository) {
        let place = match act.owner {
            Owner::Script(script) => script.place,
            Owner::Step { pipeline, .. } => pipeline.place,
        };
        units.entry(place).or_default().push(act);
    }
    let mut found = Vec::new();
    for unit in units.values() {
        let reads = unit.iter().filter(|act| reads_data(act) && !is_schema_only(act));
        let reads = reads.filter_map(|act| Some((act, act.from(stage)?))).filter(|(act, source)| {
            act.effect.effect != EffectKind::Dump || !act.names_database_only(source)
        });
        let mut reads = reads.take(MOST_READS).peekable();
        if reads.peek().is_none() || unit.iter().any(sanitises) || sanitises_elsewhere(&unit[0]) {
            continue;
        }
        found.extend(reads.map(|(act, source)| Leak { act: *act, source, sink: sink(act, unit, stage) }));
    }
    found
}

fn reads_data(act: &Act<'_>) -> bool {
    match act.effect.effect {
        EffectKind::Dump => true,
        EffectKind::Restore => act.effect.peer.is_some(),
        EffectKind::CopyFiles => act.effect.detail.as_deref() == Some("down") && carries_data(act.line()),
        _ => false,
    }
}

fn carries_data(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        ".sql",
        ".dump",
        ".bak",
        "backup",
        "dump",
        "snapshot",
        "/db",
        "database",
        ".csv",
        ".parquet",
        "user-data",
        "userdata",
    ]
    .iter()
    .any(|w| line.contains(w))
}

fn is_schema_only(act: &Act<'_>) -> bool {
    const FLAGS: &[&str] = &["--schema-only", "-s", "--no-data", "-d", "--structure-only", "--globals-only"];
    let mysql = matches!(act.effect.tool.as_str(), "mysqldump" | "mariadb-dump");
    let pg = act.effect.tool.starts_with("pg_");
    act.has(&FLAGS[..1])
        || act.has(&FLAGS[4..])
        || pg && act.has(&FLAGS[1..2])
        || mysql && act.has(&FLAGS[2..4])
}

const MASKS: &[&str] = &[
    "anonymi",
    "sanitis",
    "sanitiz",
    "scrub",
    "obfuscat",
    "pseudonym",
    "redact",
    "mask",
    "depersonal",
    "greenmask",
    "neosync",
];

fn sanitises(act: &Act<'_>) -> bool {
    act.effect.effect == EffectKind::Sanitise || masks(act.line())
}

fn masks(text: &str) -> bool {
    let text = text.to_lowercase();
    MASKS.iter().any(|w| text.contains(w))
}

/// Commands without an effect of their own are no acts: look at all words of the unit.
fn sanitises_elsewhere(act: &Act<'_>) -> bool {
    match act.owner {
        Owner::Script(script) => {
            masks(&script.name)
                || script.calls.iter().any(|c| masks(c))
                || script.before.as_deref().is_some_and(masks)
                || script.commands.iter().any(|c| masks(&c.line))
        }
        Owner::Step { pipeline, .. } => pipeline.jobs.iter().any(|job| {
            masks(&job.id)
                || job.steps.iter().any(|step| {
                    masks(&step.name)
                        || step.uses.as_ref().is_some_and(|u| masks(&u.name))
                        || step.commands.iter().any(|c| masks(&c.line))
                })
        }),
    }
}

fn sink<'a>(act: &Act<'a>, around: &[Act<'a>], stage: Stage) -> Sink<'a> {
    // `heroku pg:copy`, a snapshot that is restored: one command names both ends.
    // A target that the command does not name itself is where it runs.
    let named = |t: &&Target| !t.place.is_empty() && act.effect.place.contains(t.place);
    let own = act.effect.target.as_ref().filter(named);
    if let Some(target) = own.filter(|t| act.effect.peer.is_some() && t.stage.known().is_some()) {
        // `pg:pull … app_dev` names a database of one's own; an address names one that others share.
        let mine = matches!(act.owner, Owner::Script(_)) && target.basis != Basis::Host;
        if target.is(Stage::Development) && mine {
            return Sink::Local;
        }
        return to(target, act.effect.place, stage);
    }
    if act.effect.effect == EffectKind::Restore {
        return Sink::Unknown;
    }
    for next in around {
        let fills = matches!(next.effect.effect, EffectKind::Restore | EffectKind::Query);
        let fed = next.effect.effect == EffectKind::Restore || follows(act, next) || reads_file(next);
        if fills
            && fed
            && next.effect.place.start > act.effect.place.start
            && let Some(target) = next.effect.target.as_ref().filter(|t| t.stage.known().is_some())
        {
            return to(target, next.effect.place, stage);
        }
    }
    // A copy into a bucket is a backup; so is whatever a storage command takes from the same shell pipeline.
    let stores = |a: &&Act<'_>| {
        matches!(a.effect.effect, EffectKind::Backup)
            || a.effect.effect == EffectKind::CopyFiles && a.effect.detail.as_deref() != Some("down")
    };
    if around.iter().filter(|a| a.effect.place != act.effect.place).any(|a| stores(&a)) {
        return Sink::Kept;
    }
    if act.is_sent() {
        return Sink::Unknown;
    }
    Sink::Local
}

fn to<'a>(target: &'a Target, place: Span, stage: Stage) -> Sink<'a> {
    if target.is(Stage::Local) {
        Sink::Local
    } else if target.is(stage) || target.is(Stage::Production) {
        Sink::Kept
    } else {
        Sink::Environment(target, place)
    }
}

/// Whether `next` reads what `act` writes in one shell pipeline.
fn follows(act: &Act<'_>, next: &Act<'_>) -> bool {
    let number = |c: &Command| c.pipeline;
    match (act.command.and_then(number), next.command.and_then(number)) {
        (Some((a, i)), Some((b, j))) => a == b && i < j,
        _ => false,
    }
}

fn reads_file(act: &Act<'_>) -> bool {
    act.command.is_some_and(|c| !c.reads.is_empty() || c.has_flag(&["-f", "--file"]))
}

/// Whether a script is there to back up.
pub(super) fn is_backup(act: &Act<'_>) -> bool {
    match act.owner {
        Owner::Script(script) => script.name.to_lowercase().contains("backup"),
        Owner::Step { job, .. } => job.id.to_lowercase().contains("backup"),
    }
}

/// Whether it surely runs on a developer's machine: somebody's hands, and no machine's.
pub(super) fn is_by_hand(act: &Act<'_>) -> bool {
    matches!(act.hands, Hands::Person | Hands::Unknown)
}
