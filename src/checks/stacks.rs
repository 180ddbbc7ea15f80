//! What rules on compose stacks share: what a service is there for, and which stack a developer works with.

use super::gates::words;
use crate::facts::{Repository, ScriptKind, Service, Stack, Stage};
use crate::lexicon::Environments;
use crate::text::Span;

/// What a service is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// It answers requests of programs.
    Api,
    /// It works off jobs.
    Worker,
    /// It starts jobs by the clock.
    Scheduler,
    /// It shows pages.
    Web,
    /// A database.
    Database,
    /// A cache.
    Cache,
}

impl Part {
    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Api => "API",
            Part::Worker => "worker",
            Part::Scheduler => "scheduler",
            Part::Web => "web front end",
            Part::Database => "database",
            Part::Cache => "cache",
        }
    }

    /// Whether it is a program of one's own rather than a store.
    pub(super) fn is_program(self) -> bool {
        !matches!(self, Part::Database | Part::Cache)
    }
}

/// The product that an image runs, by the last part of its name.
pub(super) fn store(product: &str) -> Option<(Part, &'static str)> {
    Some(match product {
        "postgres" | "postgresql" | "postgis" | "timescaledb" | "timescaledb-ha" | "pgvector"
        | "alloydbomni" => (Part::Database, "PostgreSQL"),
        "mysql" | "mysql-server" => (Part::Database, "MySQL"),
        "mariadb" => (Part::Database, "MariaDB"),
        "mongo" | "mongodb" | "mongodb-community-server" => (Part::Database, "MongoDB"),
        "cockroach" => (Part::Database, "CockroachDB"),
        "clickhouse-server" => (Part::Database, "ClickHouse"),
        "redis" | "redis-stack" | "redis-stack-server" => (Part::Cache, "Redis"),
        "valkey" => (Part::Cache, "Valkey"),
        "keydb" => (Part::Cache, "KeyDB"),
        "dragonfly" => (Part::Cache, "Dragonfly"),
        "memcached" => (Part::Cache, "Memcached"),
        _ => return None,
    })
}

/// Words of commands, and what runs them.
const PROGRAMS: &[(&str, Part)] = &[
    ("celery beat", Part::Scheduler),
    ("rqscheduler", Part::Scheduler),
    ("clockwork", Part::Scheduler),
    ("supercronic", Part::Scheduler),
    ("crond", Part::Scheduler),
    ("schedule:work", Part::Scheduler),
    ("celery worker", Part::Worker),
    ("uwsgi", Part::Api),
    ("rq worker", Part::Worker),
    ("rqworker", Part::Worker),
    ("sidekiq", Part::Worker),
    ("queue:work", Part::Worker),
    ("horizon", Part::Worker),
    ("dramatiq", Part::Worker),
    ("delayed_job", Part::Worker),
    ("solid_queue", Part::Worker),
    ("good_job", Part::Worker),
    ("arq", Part::Worker),
    ("vite", Part::Web),
    ("next dev", Part::Web),
    ("ng serve", Part::Web),
    ("react-scripts", Part::Web),
    ("nuxt", Part::Web),
    ("gunicorn", Part::Api),
    ("uvicorn", Part::Api),
    ("hypercorn", Part::Api),
    ("fastapi", Part::Api),
    ("runserver", Part::Api),
    ("flask run", Part::Api),
];

/// Words of names, and what bears them.
const NAMES: &[(&str, Part)] = &[
    ("scheduler", Part::Scheduler),
    ("beat", Part::Scheduler),
    ("cron", Part::Scheduler),
    ("clock", Part::Scheduler),
    ("worker", Part::Worker),
    ("workers", Part::Worker),
    ("celery", Part::Worker),
    ("celeryworker", Part::Worker),
    ("celerybeat", Part::Scheduler),
    ("uwsgi", Part::Api),
    ("php", Part::Api),
    ("sidekiq", Part::Worker),
    ("queue", Part::Worker),
    ("consumer", Part::Worker),
    ("jobs", Part::Worker),
    ("api", Part::Api),
    ("backend", Part::Api),
    ("graphql", Part::Api),
    ("frontend", Part::Web),
    ("web", Part::Web),
    ("ui", Part::Web),
    ("client", Part::Web),
    ("webapp", Part::Web),
    ("spa", Part::Web),
    ("server", Part::Api),
    ("app", Part::Api),
];

/// Words of names of what watches, fills or tests the others.
const ASIDE: &[&str] = &[
    "grafana",
    "prometheus",
    "zipkin",
    "jaeger",
    "nginx",
    "proxy",
    "config",
    "discovery",
    "mail",
    "mailhog",
    "admin",
    "docs",
    "migrate",
    "migrations",
    "init",
    "initializer",
    "seed",
    "setup",
    "test",
    "tests",
    "cypress",
    "playwright",
    "selenium",
    "storybook",
    "tools",
    "cli",
];

/// What a service is there for: by its image, its command, or its name.
pub(super) fn part(service: &Service) -> Option<Part> {
    if let Some((part, _)) = service.product().filter(|_| !service.is_own()).and_then(store) {
        return Some(part);
    }
    let line = service.command.iter().map(|w| w.value.as_str()).collect::<Vec<_>>().join(" ").to_lowercase();
    // `celery -A shop worker`.
    let says = |sign: &str| {
        let mut said = line.split_whitespace();
        sign.split(' ').all(|word| {
            said.any(|w| w.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')))
        })
    };
    let own = words(&service.name);
    if own.iter().any(|w| ASIDE.contains(&w.as_str())) {
        return None;
    }
    let named = || NAMES.iter().find(|(word, _)| own.iter().any(|w| w == word)).map(|(_, part)| *part);
    if let Some((_, part)) = PROGRAMS.iter().find(|(sign, _)| !line.is_empty() && says(sign)) {
        return Some(*part);
    }
    if let Some(part) = named().filter(|_| service.is_own() || service.product().is_none_or(|p| !is_tool(p)))
    {
        return Some(part);
    }
    // An image that a variable names may be a store's as well as one of its own.
    let untold = service.is_own() || service.image.as_ref().is_some_and(|i| i.value.contains('$'));
    let database = |w: &String| matches!(w.as_str(), "db" | "database" | "postgres" | "postgresql" | "mysql");
    if untold && own.iter().any(database) {
        return Some(Part::Database);
    }
    (untold && own.iter().any(|w| matches!(w.as_str(), "redis" | "valkey" | "cache"))).then_some(Part::Cache)
}

/// Images that look at others: `redis-ui`, `celery-exporter`, `kafka-ui`.
fn is_tool(product: &str) -> bool {
    const TOOLS: &[&str] = &[
        "exporter",
        "admin",
        "adminer",
        "ui",
        "commander",
        "insight",
        "proxy",
        "mailhog",
        "mailpit",
        "flower",
        "dashboard",
        "express",
        "console",
        "traefik",
        "caddy",
        "haproxy",
        "pgweb",
        "localstack",
        "minio",
    ];
    words(product).iter().any(|w| TOOLS.contains(&w.as_str()))
        || product.ends_with("admin")
        || product.ends_with("express")
        || product.ends_with("insight")
}

/// Whether nobody starts a stack to work with it: tests, examples, somebody else's code.
pub(super) fn is_aside(repository: &Repository, stack: &Stack) -> bool {
    stack.files.iter().any(|f| {
        let path = repository.path(Span::start_of(*f));
        !repository.is_own(Span::start_of(*f)) || is_for_tests(path, &repository.environments)
    })
}

fn is_for_tests(path: &str, environments: &Environments) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stage = crate::facts::path_stage(name, environments);
    stage.is_some_and(|(stage, _)| stage == Stage::Ci)
        || words(name).iter().any(|w| {
            matches!(
                w.as_str(),
                "test" | "tests" | "e2e" | "ci" | "cicd" | "bench" | "cypress" | "playwright" | "selenium"
            )
        })
}

/// Stacks of developers: started on their machines, and for no test.
pub(super) fn local_stacks(repository: &Repository) -> impl Iterator<Item = &Stack> {
    let stores = |s: &Service| s.product().is_some_and(|p| store(p).is_some());
    repository.stacks.iter().filter(move |stack| {
        // Stores alone, under compose's own name, are what a developer's programs speak to.
        let plain = stack.target.is_none() && is_plain(repository.path(stack.place));
        let for_developers = stack.local || plain && stack.services.iter().any(stores);
        for_developers && !stack.services.is_empty() && !is_aside(repository, stack)
    })
}

/// Services, after merging, of stacks that staging or production runs, each with its stack. What only a profile starts
/// is left out: a plain `up` does not start it.
pub(super) fn served(repository: &Repository) -> impl Iterator<Item = (&Stack, &Service)> {
    let shared = |s: &&Stack| {
        let deployed =
            s.target.as_ref().is_some_and(|t| t.may_be(Stage::Staging) || t.may_be(Stage::Production));
        deployed && !s.local && s.files.iter().all(|f| repository.is_own(Span::start_of(*f)))
    };
    let stacks = repository.stacks.iter().filter(shared);
    stacks.flat_map(|stack| {
        stack.services.iter().filter(|s| s.profiles.is_empty()).map(move |service| (stack, service))
    })
}

/// Whether compose finds a file by its name.
fn is_plain(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "compose.yaml" | "compose.yml" | "docker-compose.yml" | "docker-compose.yaml")
}

/// The stack that a developer works with: the one that lies highest, has compose's own name, and most services.
pub(super) fn local_stack(repository: &Repository) -> Option<&Stack> {
    local_stacks(repository).max_by_key(|stack| {
        let path = repository.path(stack.place);
        let own = stack.services.iter().filter(|s| s.is_own()).count();
        let depth = path.matches('/').count();
        let name = words(path.rsplit('/').next().unwrap_or(path));
        let says = name.iter().any(|w| matches!(w.as_str(), "local" | "dev" | "development"));
        (own.min(1), std::cmp::Reverse(depth), says, is_plain(path), stack.services.len())
    })
}

/// The machine's port that a text gives, where nobody sets another: of `${WEB_PORT:-5173}` 5173.
pub(super) fn default_port(published: &str) -> Option<u16> {
    let inner = published.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let text = match inner {
        Some(inner) => inner.split_once(":-").or_else(|| inner.split_once('-'))?.1,
        None => published,
    };
    text.parse().ok()
}

/// Whether something in the folder that a service is built from waits until a store answers.
pub(super) fn waits_by_itself(repository: &Repository, service: &Service) -> bool {
    const SIGNS: &[&str] = &[
        "wait-for",
        "wait_for",
        "waitfor",
        "dockerize",
        "wait4x",
        "pg_isready",
        "nc -z",
        "/dev/tcp/",
        "mysqladmin ping",
        "redis-cli ping",
        "db:wait",
    ];
    let signed = |text: &str| SIGNS.iter().any(|s| text.contains(s));
    if service.command.iter().any(|w| signed(&w.value)) {
        return true;
    }
    let Some(build) = &service.build else { return false };
    let inside = |path: &str| {
        build.value.is_empty() || path.strip_prefix(build.value.as_str()).is_some_and(|r| r.starts_with('/'))
    };
    repository
        .facts
        .scripts
        .iter()
        .filter(|s| {
            matches!(s.script, ScriptKind::Image | ScriptKind::Shell | ScriptKind::Npm | ScriptKind::Make)
        })
        .filter(|s| inside(repository.path(s.place)))
        .any(|s| signed(&s.name) || s.commands.iter().any(|c| signed(&c.line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileId, Spanned};

    fn service(name: &str, image: &str, command: &str) -> Service {
        let place = Span::start_of(FileId(0));
        let mut service = Service::new(Spanned::new(name.to_owned(), place));
        match image {
            "" => service.build = Some(Spanned::new("api".to_owned(), place)),
            image => service.image = Some(Spanned::new(image.to_owned(), place)),
        }
        service.command = command.split_whitespace().map(|w| Spanned::new(w.to_owned(), place)).collect();
        service
    }

    #[test]
    fn a_service_is_told_by_its_image_its_command_or_its_name() {
        for (name, image, command, expected) in [
            ("store", "docker.io/library/postgres:16", "", Some(Part::Database)),
            ("x", "redis:7-alpine", "redis-server --save ''", Some(Part::Cache)),
            ("web", "", "gunicorn shop.wsgi", Some(Part::Api)),
            ("web", "", "", Some(Part::Web)),
            ("app", "", "celery -A shop worker -l info", Some(Part::Worker)),
            ("app", "", "celery -A shop beat", Some(Part::Scheduler)),
            ("web-api", "", "", Some(Part::Api)),
            ("frontend", "", "npm run dev", Some(Part::Web)),
            ("redis-ui", "rediscommander/redis-commander", "", None),
            ("db", "", "", Some(Part::Database)),
            ("mail", "axllent/mailpit", "", None),
            ("valkey-cart", "${VALKEY_IMAGE}", "", Some(Part::Cache)),
            ("postgresql", "${POSTGRES_IMAGE}", "", Some(Part::Database)),
        ] {
            assert_eq!(part(&service(name, image, command)), expected, "{name} {image} {command}");
        }
    }

    #[test]
    fn a_port_may_have_a_default() {
        for (text, port) in [
            ("5432", Some(5432)),
            ("${DB_PORT:-5433}", Some(5433)),
            ("${DB_PORT-5433}", Some(5433)),
            ("${DB_PORT}", None),
            ("3000-3005", None),
        ] {
            assert_eq!(default_port(text), port, "{text}");
        }
    }
}
