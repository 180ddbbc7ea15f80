//! Migrations on their way: that a pipeline applies them, in staging first and by itself, in production under
//! guard, and that somebody looks at the data afterwards.

use super::delivery::{doubt, ways};
use super::gates::{confidence, passed_with_the_same, words};
use super::migrating::{OnStart, may_be, on_start, promised, replicas, runs, unread_start};
use super::migrations::{self, chains};
use super::rollbacks::pages_on;
use super::rollouts::own;
use crate::facts::{
    Dialect, Effect, EffectKind, GateKind, MigrationTool, Node, Path, Proof, Repository, Resource, Stage,
    TriggerKind, Value,
};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{Span, shorten};
use std::cell::{LazyCell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

/// Whether programs often apply the migrations of this tool by themselves when they start.
fn is_in_programs(tool: MigrationTool) -> bool {
    use MigrationTool::*;
    matches!(
        tool,
        Flyway
            | Liquibase
            | EfCore
            | Sqlx
            | Diesel
            | Refinery
            | Goose
            | GolangMigrate
            | Typeorm
            | Knex
            | Drizzle
            | MikroOrm
            | Sql
            | NodePgMigrate
    )
}

/// Some pipeline, hook or start of the program applies what lies in the folders of migrations.
pub(super) fn not_in_pipeline(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let groups = chains(repository);
    if groups.is_empty() {
        return verdict.not_applicable("there is no migration but in samples and tests");
    }
    let by_run = runs(repository).first().map(|(_, effect)| effect.place);
    if let Some(place) = by_run.or_else(|| on_start(repository).first().map(|s| s.place)) {
        return verdict.satisfied(place);
    }
    if let Some(place) = promised(repository) {
        return verdict.examined(place);
    }
    let flow = &repository.flow;
    let deploys = flow.with_effect(EffectKind::Deploy, None);
    let Some(&deploy) = deploys.iter().find(|&&n| deploys_a_program(repository, n)) else {
        return verdict.not_judged("no pipeline here deploys anything: migrations are applied elsewhere");
    };
    let job = flow.job(deploy, &repository.facts.pipelines);
    let unread = unread_start(repository);
    for ((folder, tool), all) in groups {
        let folder = shorten(if folder.is_empty() { "." } else { folder }, 48);
        let message = format!("No pipeline here applies the {tool} migrations of `{folder}`");
        let finding = verdict.open(all[0].place, format!("{tool} migrations of {folder}"), message);
        finding.label("one of them").relate(job.place, "deploys, and applies none");
        if let Some(start) = unread {
            let against = format!("containers start `{start}`, which was not read and may apply them");
            finding.at_most(Confidence::Low).against(against);
        } else if is_in_programs(tool) {
            finding.at_most(Confidence::Low).against("the program may apply them itself when it starts");
        } else {
            doubt(repository, finding);
        }
    }
}

/// Sites and documents have no database.
fn deploys_a_program(repository: &Repository, node: Node) -> bool {
    let run = repository.flow.run(node);
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let about = words(&format!("{} {}", job.id, repository.facts.pipelines[run.root].name));
    !about
        .iter()
        .any(|w| matches!(w.as_str(), "docs" | "doc" | "documentation" | "website" | "storybook" | "pages"))
}

/// What a staging deploy brings out finds the schema that it needs, and no person is in between.
pub(super) fn staging_not_automatic(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let applied = runs(repository);
    if applied.is_empty() && migrations::applied(repository).next().is_none() {
        return verdict.not_applicable("nothing here changes a schema");
    }
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let started = OnceCell::new();
    let by_node: BTreeMap<Node, &Effect> = applied.iter().copied().collect();
    let of = |n: Node, stage| by_node.get(&n).filter(|e| may_be(repository, n, e, stage)).map(|&e| (n, e));
    let held = flow.held_back(pipelines);
    let production = applied.iter().find(|(n, e)| may_be(repository, *n, e, Stage::Production));
    for way in ways(repository, Stage::Staging) {
        let job = way.job(repository);
        let migrating = way.all().find_map(|n| of(n, Stage::Staging).or_else(|| of(n, Stage::Preview)));
        // Without an environment of its own it goes where the deploy goes.
        let migrating = migrating.or_else(|| {
            let nowhere = |n: Node, e: &Effect| e.target.is_none() && flow.run(n).target.is_none();
            way.all().find_map(|n| by_node.get(&n).filter(|e| nowhere(n, e)).map(|&e| (n, e)))
        });
        let Some((node, effect)) = migrating else {
            if let Some(start) = started.get_or_init(|| on_start(repository)).first() {
                verdict.satisfied(start.place);
            } else if let Some((_, effect)) = production {
                let message =
                    format!("Job `{}` deploys to staging, and nothing migrates its database", job.name);
                let finding = verdict.open(job.place, format!("job {}", job.id), message);
                finding.label("deploys to staging").relate(effect.place, "production is migrated here");
                doubt(repository, finding);
            } else {
                verdict.examined(job.place);
            }
            continue;
        };
        let own_gate = flow.job(node, pipelines).gates.iter().find(|g| g.gate != GateKind::ServerSide);
        let deploy_waits = way.deploys.iter().any(|&d| d != node && held.any(d));
        match own_gate {
            Some(gate) if !deploy_waits => {
                let name = &flow.job(node, pipelines).name;
                let message = format!("Migrations of staging wait in job `{name}` until a person starts it");
                let finding = verdict.fail(gate.place, format!("gate of {name}"), message);
                finding.label("waits for a person").relate(effect.place, "migrates staging");
                finding.at_most(confidence(flow.run(node), Stage::Staging).min(Confidence::Medium));
            }
            _ => verdict.satisfied(effect.place),
        }
    }
}

/// Production is migrated by a job that somebody releases, or by a person with a runbook.
pub(super) fn prod_unguarded(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    let applied = runs(repository);
    let production: Vec<&(Node, &Effect)> =
        applied.iter().filter(|(n, e)| may_be(repository, *n, e, Stage::Production)).collect();
    let held = flow.held_back(pipelines);
    let on_server = flow.held(pipelines, |g| g == GateKind::ServerSide);
    for (node, effect) in &production {
        let job = flow.job(*node, pipelines);
        if !seen.insert((effect.place, job.place)) {
            continue;
        }
        let root = &pipelines[flow.run(*node).root];
        let by_hand = !root.triggers.is_empty()
            && root.triggers.iter().all(|t| matches!(t.trigger, TriggerKind::Manual | TriggerKind::Release));
        if by_hand || held.any(*node) {
            verdict.satisfied(effect.place);
            continue;
        }
        let subject = format!("migration of job {}", job.id);
        let environment = flow.run(*node).target.as_ref().map(|t| &t.name);
        let proof = environment.map_or(Proof::Unknown, |name| repository.is_approved(root.dialect, name));
        let server = on_server.any(*node);
        match proof {
            Proof::Yes(place) => verdict.satisfied(place),
            Proof::Unknown if server || root.dialect.reconciles() || !root.complete => {
                let message = format!(
                    "Nothing here shows that the migration of production in job `{}` waits",
                    job.name
                );
                verdict.open(effect.place, subject, message).label("migrates production");
            }
            _ => {
                let message = format!("Job `{}` migrates production, and nobody has to let it", job.name);
                let finding = verdict.fail(effect.place, subject, message);
                finding.label("migrates production").at_most(confidence(flow.run(*node), Stage::Production));
            }
        }
    }
    let started = on_start(repository);
    by_every_instance(repository, &started, verdict);
    if production.is_empty() && started.is_empty() && *parameters.migration_manual_allowed.value() {
        by_hand(repository, verdict);
    }
}

/// Several instances that migrate when they start do so at the same time.
fn by_every_instance(repository: &Repository, started: &[OnStart], verdict: &mut Verdict) {
    if started.is_empty() {
        return;
    }
    let many = |r: &&Resource| {
        matches!(r.sort.as_str(), "Deployment" | "Rollout" | "StatefulSet")
            && !is_of_tests(repository, r.place)
    };
    let workloads: Vec<&Resource> = own(repository).filter(many).collect();
    for start in started {
        let path = repository.path(start.place);
        let image = path.rsplit('/').next().is_some_and(|n| n.contains("ockerfile") || n.ends_with(".sh"));
        let (count, direct) = match start.replicas {
            Some(count) => (Some(count), true),
            // Which image a workload runs is plain only where there is one of each.
            None if image && workloads.len() == 1 => (replicas(workloads[0]), false),
            None => (None, false),
        };
        match count {
            Some((place, number)) if number > 1 => {
                let message = format!("Each of {number} instances applies the migrations when it starts");
                let finding = verdict.fail(start.place, format!("start {path}"), message);
                finding.label("applied at every start").relate(place, "so many instances");
                finding.at_most(Confidence::Medium);
                if !direct {
                    finding.against("the workload may run another image, or the tool take a lock");
                } else {
                    finding
                        .against("the tool may take a lock, so that one of them works and the others wait");
                }
            }
            _ => verdict.examined(start.place),
        }
    }
}

/// Whether an object serves tests or development.
fn is_of_tests(repository: &Repository, place: Span) -> bool {
    words(repository.path(place))
        .iter()
        .any(|w| matches!(w.as_str(), "test" | "tests" | "dev" | "local" | "e2e"))
}

fn by_hand(repository: &Repository, verdict: &mut Verdict) {
    let groups = chains(repository);
    let Some(((folder, tool), all)) = groups.first_key_value() else { return };
    let about = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("migrat") && !text.contains("guide")
    };
    match pages_on(repository, about).first() {
        Some(page) => verdict.satisfied(page.place),
        None => {
            let message = format!(
                "No job and no runbook says how the {tool} migrations of `{folder}` reach production"
            );
            verdict
                .open(all[0].place, format!("{tool} migrations of {folder}"), message)
                .label("one of them");
        }
    }
}

/// Every way to a migration of production has passed the same migration of staging.
pub(super) fn untested_in_staging(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let applied = runs(repository);
    let staging: Vec<(Node, &Effect)> =
        applied.iter().copied().filter(|(n, e)| may_be(repository, *n, e, Stage::Staging)).collect();
    let production = || applied.iter().filter(|(n, e)| may_be(repository, *n, e, Stage::Production));
    let asked: Vec<Node> = production().map(|(n, _)| *n).collect();
    let mut marked: BTreeSet<Node> = staging.iter().map(|(n, _)| *n).collect();
    if !asked.is_empty() && !on_start(repository).is_empty() {
        marked.extend(flow.with_effect(EffectKind::Deploy, Some(Stage::Staging)));
    }
    let passed = passed_with_the_same(repository, &asked, &marked);
    // By start, two of them: one is not the run that is asked about.
    let mut by_root: BTreeMap<usize, Vec<(Node, &Effect)>> = BTreeMap::new();
    for &(node, effect) in &staging {
        let all = by_root.entry(flow.run(node).root).or_default();
        if all.len() < 2 {
            all.push((node, effect));
        }
    }
    let mut seen = BTreeSet::new();
    for ((node, effect), path) in production().zip(passed) {
        let run = flow.run(*node);
        let job = flow.job(*node, pipelines);
        if !seen.insert((effect.place, run.pipeline, run.job, run.caller)) {
            continue;
        }
        let subject = format!("migration of job {}", job.id);
        let target = effect.target.as_ref().or(run.target.as_ref());
        if let Some(Value::OneOf(stages)) = target.map(|t| &t.stage)
            && stages.contains(&Stage::Staging)
        {
            let message = format!("Whoever starts job `{}` can migrate production without staging", job.name);
            let finding = verdict.open(effect.place, subject, message);
            finding.label("staging or production, as chosen at the start");
            continue;
        }
        match path {
            Path::Yes => verdict.satisfied(effect.place),
            Path::Unknown(why) => {
                let message = format!(
                    "Nothing shows that job `{}` migrates production only after staging: {why}",
                    job.name
                );
                verdict.open(effect.place, subject, message);
            }
            Path::No => {
                let beside = by_root.get(&run.root).into_iter().flatten().find(|(s, _)| s != node);
                let complete = pipelines[run.root].complete && pipelines[run.root].dialect != Dialect::ArgoCd;
                match beside.filter(|_| complete) {
                    Some((other, place)) => {
                        let message = format!(
                            "Job `{}` migrates production without waiting for staging's migration",
                            job.name
                        );
                        let finding = verdict.fail(effect.place, subject, message);
                        finding.label("migrates production");
                        finding.at_most(confidence(run, Stage::Production).min(Confidence::Medium));
                        if place.place != effect.place {
                            finding.relate(place.place, "staging is migrated here");
                        } else {
                            finding.relate(flow.job(*other, pipelines).place, "staging is migrated here");
                        }
                    }
                    None => {
                        let message = format!(
                            "Nothing here shows that what job `{}` migrates was migrated in staging before",
                            job.name
                        );
                        verdict.open(effect.place, subject, message).label("migrates production");
                    }
                }
            }
        }
    }
}

const INTEGRITY: &[&str] = &[
    "integrity",
    "consistency",
    "row count",
    "rowcount",
    "row-count",
    "checksum",
    "count(*)",
    "reconcil",
    "orphan",
    "verify the data",
    "verify data",
    "data check",
    "data validation",
    "validate data",
    "validate the data",
];

/// Somebody looks at the data after it was migrated.
pub(super) fn integrity_check_missing(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let about = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["migrat", "rollback", "roll back", "restore"].iter().any(|w| text.contains(w))
    };
    let page = OnceCell::new();
    let page = || {
        *page.get_or_init(|| {
            pages_on(repository, about).into_iter().find(|p| p.says(INTEGRITY)).map(|p| p.place)
        })
    };
    let looks = |e: &Effect| matches!(e.effect, EffectKind::Query | EffectKind::Validate);
    let named = |n: Node| {
        let job = flow.job(n, pipelines);
        let says = |text: &str| {
            let text = text.to_ascii_lowercase();
            INTEGRITY.iter().any(|w| text.contains(w))
        };
        says(&job.id)
            || says(&job.name)
            || job.commands().any(|c| says(&c.line))
            || job.steps.iter().any(|s| says(&s.name))
    };
    let later = LazyCell::new(|| flow.nearest_after(|n| flow.run(n).effects.iter().any(looks) || named(n)));
    let mut seen = BTreeSet::new();
    for (node, effect) in runs(repository) {
        if !may_be(repository, node, effect, Stage::Production) {
            continue;
        }
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        if !seen.insert((effect.place, job.place)) {
            continue;
        }
        let own = run.effects.iter().position(|e| e.place == effect.place).unwrap_or(0);
        let checked = run.effects[own..].iter().any(looks) || named(node) || later.any(node);
        if checked {
            verdict.satisfied(effect.place);
        } else if let Some(page) = page() {
            verdict.satisfied(page);
        } else {
            let message =
                format!("Job `{}` migrates production, and nothing looks at the data afterwards", job.name);
            let finding = verdict.open(effect.place, format!("migration of job {}", job.id), message);
            finding.label("migrates production");
        }
    }
}
