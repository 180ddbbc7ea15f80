//! Where migrations are applied: by jobs of pipelines, by programs when they start, by hooks of a platform.

use super::delivery::Wanted;
use super::migrations::{applied, folder};
use super::rollouts::own;
use super::samples::{is_sample, is_vendored};
use crate::facts::{Effect, EffectKind, Migration, Node, Owner, Repository, Stage, TriggerKind};
use crate::text::Span;
use std::collections::BTreeMap;

/// Migrations that somebody applies, by folder and tool, each group in the order of places.
pub(super) fn by_folder(repository: &Repository) -> BTreeMap<(&str, &'static str), Vec<&Migration>> {
    let mut found: BTreeMap<(&str, &'static str), Vec<&Migration>> = BTreeMap::new();
    for migration in applied(repository) {
        found.entry((folder(repository, migration), migration.tool.name())).or_default().push(migration);
    }
    found
}

/// What a program, a container or a platform applies by itself.
pub(super) struct OnStart {
    /// The words that do it.
    pub place: Span,
    /// The workload whose object says so, with the number of its instances, if it does.
    pub replicas: Option<(Span, u32)>,
}

/// Everything that applies migrations when a release starts.
pub(super) fn on_start(repository: &Repository) -> Vec<OnStart> {
    let mut found: Vec<OnStart> = Vec::new();
    for (owner, command) in repository.commands() {
        let Owner::Script(script) = owner else { continue };
        let path = repository.path(script.place);
        let starts = is_start(path.rsplit('/').next().unwrap_or(""))
            || script.name.ends_with(":CMD")
            || script.name.ends_with(":ENTRYPOINT")
            || script.name.ends_with(":start")
            || script.name.ends_with(":prestart")
            || script.name.ends_with(":start:prod")
            || script.name.ends_with(":heroku-postbuild")
            || [
                "Procfile",
                "fly.toml",
                "render.yaml",
                "heroku.yml",
                "app.json",
                "railway.json",
                "railway.toml",
            ]
            .contains(&path.rsplit('/').next().unwrap_or(""));
        if starts
            && !is_apart(path)
            && let Some(effect) = command.effects.iter().find(|e| e.effect == EffectKind::Migrate)
        {
            found.push(OnStart { place: effect.place, replicas: None });
        }
    }
    found.extend(of_workloads(repository));
    found.extend(of_settings(repository));
    found
}

/// Whether a shell file is called as what a container or a platform starts.
fn is_start(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["entrypoint", "entry-point", "migrator", "startup", "start.sh", "release.sh", "release-tasks", "boot.sh"]
        .iter()
        .any(|w| name.contains(w))
}

/// A file that a container starts and that no reader has looked into.
pub(super) fn unread_start(repository: &Repository) -> Option<&str> {
    let starts = repository
        .facts
        .scripts
        .iter()
        .filter(|s| s.name.ends_with(":CMD") || s.name.ends_with(":ENTRYPOINT"))
        .filter(|s| !is_apart(repository.path(s.place)));
    starts.flat_map(|s| &s.commands).find_map(|command| {
        let own = command.program_word.contains('/') && command.effects.is_empty();
        let named = command.program_word.trim_start_matches(['.', '/']);
        let file = repository.files.iter().find(|f| own && !named.is_empty() && f.path.ends_with(named))?;
        let read = repository.facts.scripts.iter().any(|s| s.place.file == file.place.file);
        (!read).then_some(file.path.as_str())
    })
}

/// Runs that say by a name that they migrate, where nothing tells by which command.
pub(super) fn promised(repository: &Repository) -> Option<Span> {
    let wanted =
        Wanted { effect: |_| false, names: &["migrate", "migrates", "migration", "migrations"], lines: &[] };
    let flow = &repository.flow;
    flow.nodes().find_map(|node| {
        let run = flow.run(node);
        let tests = run.effects.iter().any(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint));
        let review = |t: &crate::facts::Trigger| {
            matches!(t.trigger, TriggerKind::PullRequest | TriggerKind::PullRequestTarget)
        };
        let triggers = &repository.facts.pipelines[run.root].triggers;
        let reviewed = !triggers.is_empty() && triggers.iter().all(review);
        if tests || reviewed { None } else { wanted.shown(repository, node) }
    })
}

/// Files for other places than those that serve users.
fn is_apart(path: &str) -> bool {
    let apart = |word: &str| matches!(word, "dev" | "development" | "test" | "local" | "ci" | "e2e");
    is_sample(path) || is_vendored(path) || super::gates::words(path).iter().any(|w| apart(w))
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
    for resource in own(repository) {
        let path = repository.path(resource.place);
        if is_apart(path) {
            continue;
        }
        let mut lines: BTreeMap<&str, (Span, String)> = BTreeMap::new();
        for entry in &resource.entries {
            let Some(at) = entry.path.find(".command").or_else(|| entry.path.find(".args")) else { continue };
            let container = &entry.path[..at];
            if !container.to_ascii_lowercase().contains("containers.") {
                continue;
            }
            let line = lines.entry(container).or_insert_with(|| (entry.place, String::new()));
            line.1.push(' ');
            line.1.push_str(&entry.setting.text());
        }
        let replicas = resource
            .entry("spec.replicas")
            .filter(|_| matches!(resource.sort.as_str(), "Deployment" | "StatefulSet" | "Rollout"))
            .and_then(|e| Some((e.place, e.setting.known()?.parse().ok()?)));
        let applies = |text: &str| {
            let migrate = text.split_whitespace().collect::<Vec<_>>().join(" ");
            APPLIES.iter().any(|a| migrate.contains(a))
        };
        found.extend(
            lines
                .into_values()
                .filter(|(_, text)| applies(text))
                .map(|(place, _)| OnStart { place, replicas }),
        );
    }
    found
}

/// Frameworks and platforms that are told so by a setting.
fn of_settings(repository: &Repository) -> Vec<OnStart> {
    let told = |s: &&crate::facts::Setting| {
        let path = s.path.to_ascii_lowercase();
        let value = s.setting.text().to_ascii_lowercase();
        // <https://docs.spring.io/spring-boot/how-to/data-initialization.html#howto.data-initialization.migration-tool>
        let framework = (path.contains("spring.flyway") || path.contains("spring.liquibase"))
            && !(path.ends_with(".enabled") && value == "false")
            || path.ends_with("flyway.migrate-at-start") && value == "true"
            || path.ends_with("liquibase.migrate-at-start") && value == "true"
            || path.ends_with("migrationsrun") && value == "true";
        // <https://fly.io/docs/reference/configuration/#run-one-off-commands-before-releasing-a-deployment>
        // <https://render.com/docs/deploys#pre-deploy-command>
        let platform = ["release_command", "predeploycommand", "release.command", "scripts.postdeploy"]
            .iter()
            .any(|k| path.ends_with(k))
            && value.contains("migrat");
        framework || platform
    };
    let own = |s: &&crate::facts::Setting| !is_apart(repository.path(s.place));
    let all = repository.facts.settings.iter().filter(own).filter(told);
    all.map(|s| OnStart { place: s.place, replicas: None }).take(8).collect()
}

/// Runs that apply migrations elsewhere than to a database of a test, with the effect.
pub(super) fn runs(repository: &Repository) -> Vec<(Node, &Effect)> {
    let flow = &repository.flow;
    let mut found = Vec::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        if repository.is_sample(flow.job(node, &repository.facts.pipelines).place) {
            continue;
        }
        let Some(effect) = run.effects.iter().find(|e| e.effect == EffectKind::Migrate) else { continue };
        if is_real(repository, node, effect) {
            found.push((node, effect));
        }
    }
    found
}

fn is_real(repository: &Repository, node: Node, effect: &Effect) -> bool {
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
    let named = super::gates::words(&job.id).iter().any(|w| w.starts_with("migrat"));
    !services
        && (named
            || flow.after(node).into_iter().chain(flow.before(node)).any(|n| has(n, EffectKind::Deploy)))
}

/// Whether an applied migration may be one of `stage`.
pub(super) fn may_be(repository: &Repository, node: Node, effect: &Effect, stage: Stage) -> bool {
    let target = effect.target.as_ref().or(repository.flow.run(node).target.as_ref());
    target.is_some_and(|t| t.may_be(stage))
}
