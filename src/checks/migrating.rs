//! Where migrations are applied: by jobs of pipelines, by programs when they start, by hooks of a platform.

use super::delivery::Wanted;
use super::gates::words;
use super::rollouts::own;
use crate::facts::{
    Effect, EffectKind, File, Node, Repository, Resource, Script, Setting, Stage, System, Trigger,
    TriggerKind,
};
use crate::text::{FileId, Span};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a program, a container or a platform applies by itself.
pub(super) struct OnStart {
    /// The words that do it.
    pub place: Span,
    /// The workload whose object says so, with the number of its instances, if it does.
    pub replicas: Option<(Span, u32)>,
}

/// Everything that applies migrations when a release starts.
pub(super) fn on_start(repository: &Repository) -> Vec<OnStart> {
    let scripts = repository.facts.scripts.iter().flat_map(|s| s.commands.iter().map(move |c| (s, c)));
    let migrates = scripts.filter_map(|(script, command)| {
        let effect = command.effects.iter().find(|e| e.effect == EffectKind::Migrate)?;
        Some((script, effect))
    });
    let starts = migrates.filter(|(script, _)| is_start(repository, script));
    let mut found: Vec<OnStart> =
        starts.map(|(_, effect)| OnStart { place: effect.place, replicas: None }).collect();
    found.extend(of_workloads(repository));
    found.extend(of_settings(repository));
    found
}

/// Files of platforms that say what runs before or when a release starts.
const PLATFORMS: &[&str] =
    &["Procfile", "fly.toml", "render.yaml", "heroku.yml", "app.json", "railway.json", "railway.toml"];

/// Names of scripts, behind their file's, that a container or a platform starts.
const STARTS: &[&str] = &[":CMD", ":ENTRYPOINT", ":start", ":prestart", ":start:prod", ":heroku-postbuild"];

/// Whether a container or a platform starts this script.
fn is_start(repository: &Repository, script: &Script) -> bool {
    let file = repository.file(script.place.file);
    let called = || {
        let name = file.name().to_ascii_lowercase();
        [
            "entrypoint",
            "entry-point",
            "migrator",
            "startup",
            "start.sh",
            "release.sh",
            "release-tasks",
            "boot.sh",
        ]
        .iter()
        .any(|w| name.contains(w))
    };
    let starts = STARTS.iter().any(|end| script.name.ends_with(end)) || PLATFORMS.contains(&file.name());
    (starts || called()) && !is_apart(file)
}

/// A file that a container starts and that no reader has looked into.
pub(super) fn unread_start(repository: &Repository) -> Option<&str> {
    let starts = repository
        .facts
        .scripts
        .iter()
        .filter(|s| s.name.ends_with(":CMD") || s.name.ends_with(":ENTRYPOINT"))
        .filter(|s| !is_apart(repository.file(s.place.file)));
    let programs = starts.flat_map(|s| &s.commands).filter(|c| c.effects.is_empty());
    let named: BTreeMap<&str, &str> = programs
        .filter_map(|c| {
            let path = c.program_word.trim_start_matches(['.', '/']);
            Some((c.program_word.rsplit_once('/')?.1, path))
        })
        .filter(|(name, _)| !name.is_empty())
        .collect();
    let read: BTreeSet<FileId> = repository.facts.scripts.iter().map(|s| s.place.file).collect();
    let is_started = |f: &&File| named.get(f.name()).is_some_and(|path| f.path.ends_with(path));
    let files = if named.is_empty() { &[] } else { repository.files.as_slice() };
    files.iter().find(|f| is_started(f) && !read.contains(&f.place.file)).map(|f| f.path.as_str())
}

/// Runs that say by a name that they migrate, where nothing tells by which command.
pub(super) fn promised(repository: &Repository) -> Option<Span> {
    let wanted =
        Wanted { effect: |_| false, names: &["migrate", "migrates", "migration", "migrations"], lines: &[] };
    let flow = &repository.flow;
    flow.nodes().find_map(|node| {
        let run = flow.run(node);
        let tests = run.effects.iter().any(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint));
        let review =
            |t: &Trigger| matches!(t.trigger, TriggerKind::PullRequest | TriggerKind::PullRequestTarget);
        let triggers = &repository.facts.pipelines[run.root].triggers;
        let reviewed = !triggers.is_empty() && triggers.iter().all(review);
        if tests || reviewed { None } else { wanted.shown(repository, node) }
    })
}

/// Files for other places than those that serve users.
fn is_apart(file: &File) -> bool {
    let apart = |word: &str| matches!(word, "dev" | "development" | "test" | "local" | "ci" | "e2e");
    !file.is_own() || words(&file.path).iter().any(|w| apart(w))
}

/// Commands by which tools apply migrations, as they stand in a container's words.
const APPLIES: &[&str] = &[
    "alembic upgrade",
    "flask db upgrade",
    "manage.py migrate",
    "db:migrate",
    "db:prepare",
    "migrate deploy",
    "migrate:latest",
    "migration:run",
    "flyway migrate",
    "liquibase update",
    "dbmate up",
    "dbmate migrate",
    "goose up",
    "sqlx migrate run",
    "diesel migration run",
    "ecto.migrate",
    "artisan migrate",
    "phinx migrate",
    "migrations:migrate",
    "ef database update",
    "drizzle-kit migrate",
    "node-pg-migrate up",
    "sequelize db:migrate",
    "atlas migrate apply",
    "refinery migrate",
    "npm run migrate",
    "npm run db:migrate",
    "yarn migrate",
    "yarn db:migrate",
    "rails db:",
    "run-migrations",
    "run_migrations",
    "migrate.sh",
    "migrator.sh",
];

/// Init containers and commands of workloads, and jobs of a cluster.
fn of_workloads(repository: &Repository) -> Vec<OnStart> {
    let mut found = Vec::new();
    for resource in own(repository).filter(|r| r.system == System::Kubernetes) {
        let mut lines: BTreeMap<&str, (Span, String)> = BTreeMap::new();
        for entry in &resource.entries {
            let Some(at) = entry.path.find(".command").or_else(|| entry.path.find(".args")) else { continue };
            let container = &entry.path[..at];
            // `spec.template.spec.containers.shop`, `….initContainers.migrate`
            if !container.contains("ontainers.") {
                continue;
            }
            let line = lines.entry(container).or_insert_with(|| (entry.place, String::new()));
            line.1.push(' ');
            line.1.push_str(&entry.setting.text());
        }
        let applies = |text: &str| {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            APPLIES.iter().any(|a| line.contains(a))
        };
        lines.retain(|_, (_, text)| applies(text));
        if lines.is_empty() || is_apart(repository.file(resource.place.file)) {
            continue;
        }
        let replicas = replicas(resource);
        found.extend(lines.into_values().map(|(place, _)| OnStart { place, replicas }));
    }
    found
}

/// How many instances a workload has that serves all the time, and where that is written.
pub(super) fn replicas(workload: &Resource) -> Option<(Span, u32)> {
    let serves = matches!(workload.sort.as_str(), "Deployment" | "StatefulSet" | "Rollout");
    let entry = workload.entry("spec.replicas").filter(|_| serves)?;
    Some((entry.place, entry.setting.known()?.parse().ok()?))
}

/// Frameworks and platforms that are told so by a setting.
fn of_settings(repository: &Repository) -> Vec<OnStart> {
    let told = |s: &&Setting| is_switch(&s.path) && applies_by_itself(s);
    let own = |s: &&Setting| !is_apart(repository.file(s.place.file));
    let all = repository.facts.settings.iter().filter(told).filter(own);
    all.map(|s| OnStart { place: s.place, replicas: None }).take(8).collect()
}

/// Endings of keys under which frameworks and platforms are told what to apply, by their last letters: most of a
/// repository's settings are none of them.
fn is_switch(path: &str) -> bool {
    let ends = |end: &str| {
        let at = path.len().wrapping_sub(end.len());
        path.get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    SWITCHES.iter().any(|end| ends(end)) || SPRING.iter().any(|key| path.contains(key))
}

/// <https://fly.io/docs/reference/configuration/#run-one-off-commands-before-releasing-a-deployment>,
/// <https://render.com/docs/deploys#pre-deploy-command>,
/// <https://quarkus.io/guides/flyway#quarkus-flyway_quarkus-flyway-migrate-at-start>,
/// <https://typeorm.io/docs/data-source/data-source-options#common-data-source-options>
const SWITCHES: &[&str] = &[
    "release_command",
    "predeploycommand",
    "release.command",
    "scripts.postdeploy",
    "flyway.migrate-at-start",
    "liquibase.migrate-at-start",
    "migrationsrun",
];

/// <https://docs.spring.io/spring-boot/how-to/data-initialization.html#howto.data-initialization.migration-tool>
const SPRING: &[&str] = &["spring.flyway", "spring.liquibase"];

/// Whether one of those settings says that migrations are applied.
fn applies_by_itself(setting: &Setting) -> bool {
    let path = setting.path.to_ascii_lowercase();
    let value = setting.setting.text().to_ascii_lowercase();
    if SPRING.iter().any(|key| path.contains(key)) {
        return !(path.ends_with(".enabled") && value == "false");
    }
    let platform = SWITCHES[..4].iter().any(|end| path.ends_with(end));
    if platform { value.contains("migrat") } else { value == "true" }
}

/// Runs that apply migrations elsewhere than to a database of a test, with the effect.
pub(super) fn runs(repository: &Repository) -> Vec<(Node, &Effect)> {
    let flow = &repository.flow;
    let mut found = Vec::new();
    let deploys = |n: Node| flow.has_effect(n, EffectKind::Deploy, None);
    let delivered = LazyCell::new(|| (flow.nearest_before(deploys), flow.nearest_after(deploys)));
    for node in flow.nodes() {
        let run = flow.run(node);
        let Some(effect) = run.effects.iter().find(|e| e.effect == EffectKind::Migrate) else { continue };
        let place = flow.job(node, &repository.facts.pipelines).place;
        let delivers = || delivered.0.any(node) || delivered.1.any(node);
        if !repository.is_sample(place) && is_real(repository, node, effect, delivers) {
            found.push((node, effect));
        }
    }
    found
}

/// `delivers` tells whether a deploy comes before or after it.
fn is_real(repository: &Repository, node: Node, effect: &Effect, delivers: impl Fn() -> bool) -> bool {
    let flow = &repository.flow;
    let run = flow.run(node);
    let target = effect.target.as_ref().or(run.target.as_ref());
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci);
    if let Some(target) = target
        && target.stage.is_certain()
    {
        return !target.stage.possible().iter().all(apart);
    }
    let has = |n: Node, kind| flow.run(n).effects.iter().any(|e| e.effect == kind);
    if target.is_some() || has(node, EffectKind::Deploy) || has(node, EffectKind::Shell) {
        return true;
    }
    // Beside tests it prepares their database.
    if has(node, EffectKind::Test) || has(node, EffectKind::Lint) || has(node, EffectKind::Seed) {
        return false;
    }
    let job = flow.job(node, &repository.facts.pipelines);
    let services = job.images.len() > 1;
    let named = words(&job.id).iter().any(|w| w.starts_with("migrat"));
    !services && (named || delivers())
}

/// Whether an applied migration may be one of `stage`.
pub(super) fn may_be(repository: &Repository, node: Node, effect: &Effect, stage: Stage) -> bool {
    let target = effect.target.as_ref().or(repository.flow.run(node).target.as_ref());
    target.is_some_and(|t| t.may_be(stage))
}
