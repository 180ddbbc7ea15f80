//! Checks that no pipeline makes: of units, of the whole, of weaknesses, of documents, of migrations. One way of asking, with a table of what is asked for.

use super::delivery::{Wanted, absent, doubt, none_of, programs, ways};
use crate::facts::{Effect, EffectKind, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

const UNIT_TESTS: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Test && !is_of_the_whole(e),
    names: &[
        "test",
        "tests",
        "testing",
        "unittest",
        "unittests",
        "unit",
        "spec",
        "specs",
        "rspec",
        "coverage",
    ],
    lines: &[],
};

const INTEGRATION_TESTS: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Test && is_of_the_whole(e),
    names: &[
        "integration",
        "integrations",
        "itest",
        "e2e",
        "acceptance",
        "functional",
        "testcases",
        "molecule",
        "cypress",
        "playwright",
        "browser",
        "system",
        "contract",
        "pact",
        "smoke",
        "behat",
        "cucumber",
        "selenium",
    ],
    lines: &[
        "integration",
        "e2e",
        "testcontainers",
        "end-to-end",
        "functional",
        "acceptance",
        "docker compose up",
        "docker-compose up",
    ],
};

const SCANS: Wanted = Wanted {
    effect: |e| e.effect == EffectKind::Scan,
    names: &[
        "scan",
        "scans",
        "scanning",
        "codeql",
        "sast",
        "sca",
        "vulnerability",
        "vulnerabilities",
        "security",
        "audit",
        "snyk",
        "trivy",
        "checkov",
        "grype",
        "veracode",
        "sonar",
        "sonarqube",
        "sonarcloud",
        "semgrep",
    ],
    lines: &[],
};

const DOC_GUARDS: Wanted = Wanted {
    effect: |e| {
        e.effect == EffectKind::Lint
            && [
                "markdownlint",
                "mdl",
                "vale",
                "remark",
                "alex",
                "cspell",
                "codespell",
                "typos",
                "prettier",
                "pre-commit",
            ]
            .iter()
            .any(|t| e.tool.contains(t))
    },
    names: &[
        "docs",
        "doc",
        "documentation",
        "markdown",
        "markdownlint",
        "vale",
        "lychee",
        "links",
        "linkcheck",
        "mkdocs",
        "sphinx",
        "spelling",
        "spellcheck",
    ],
    lines: &[
        "mkdocs build",
        "sphinx-build",
        "docusaurus build",
        "linkcheck",
        "lychee",
        "doc8",
        "check-links",
        "markdown",
        "ascii",
    ],
};

/// Whether a test needs more than the unit it is about.
fn is_of_the_whole(effect: &Effect) -> bool {
    matches!(effect.detail.as_deref(), Some("integration" | "e2e" | "smoke" | "load" | "contract"))
}

pub(super) fn unit_tests(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if !has_code(repository) {
        return verdict.not_applicable("no program is built or described here");
    }
    nowhere(repository, verdict, &UNIT_TESTS, "unit tests", "runs unit tests", "runs no unit tests");
}

pub(super) fn integration_tests(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if !has_code(repository) {
        return verdict.not_applicable("no program is built or described here");
    }
    // Tests beside a service container work on the real thing; a runner that is given no folder takes
    // those in folders of that name along.
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let tested = || flow.nodes().filter(|&n| flow.has_effect(n, EffectKind::Test, None));
    let beside_service = tested().find(|&n| {
        let job = flow.job(n, pipelines);
        job.images.len() > 1
            || job.steps.iter().any(|s| s.commands.iter().any(|c| c.line.starts_with("docker run")))
    });
    if let Some(node) = beside_service {
        return verdict.satisfied(flow.job(node, pipelines).place);
    }
    let folder = |path: &str| {
        path.split(['/', '.', '_', '-'])
            .any(|w| matches!(w, "integration" | "e2e" | "functional" | "IT" | "acceptance"))
            && path.to_ascii_lowercase().contains("test")
    };
    if let Some(node) = tested().next()
        && repository.files.iter().any(|f| folder(&f.path))
    {
        return verdict.satisfied(flow.job(node, pipelines).place);
    }
    let (does, not) = ("runs integration tests", "runs no integration tests");
    nowhere(repository, verdict, &INTEGRATION_TESTS, "integration tests", does, not);
}

/// One finding for the repository: no run does it.
fn nowhere(
    repository: &Repository,
    verdict: &mut Verdict,
    wanted: &Wanted,
    subject: &str,
    does: &str,
    does_not: &str,
) {
    let found = wanted.anywhere(repository);
    if let Some(&(_, place)) = found.first() {
        return verdict.satisfied(place);
    }
    let who = none_of(repository);
    let message = if who.starts_with("None") { format!("{who} {does}") } else { format!("{who} {does_not}") };
    absent(repository, verdict, subject, message);
}

fn has_code(repository: &Repository) -> bool {
    programs(repository).next().is_some()
        || repository.flow.runs().iter().flat_map(|r| &r.effects).any(|e| e.effect == EffectKind::Build)
}

/// A scan holds a deploy back only on its own way; one that runs on another trigger is told, and excuses
/// nothing.
pub(super) fn security_scan(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let found = SCANS.anywhere(repository);
    let mut all = ways(repository, Stage::Production);
    if all.is_empty() {
        all = ways(repository, Stage::Staging);
    }
    if all.is_empty() {
        if let Some(&(_, place)) = found.first() {
            return verdict.satisfied(place);
        }
        let who = none_of(repository);
        let verb = if who.starts_with("None") { "scans" } else { "does not scan" };
        let message = format!("{who} {verb} for vulnerabilities or secrets");
        absent(repository, verdict, "security scan", message);
        return;
    }
    let scanning: BTreeMap<_, Span> = found.iter().copied().collect();
    let mut missing = Vec::new();
    for way in &all {
        match way.to.iter().find_map(|n| scanning.get(n)) {
            Some(&place) => verdict.satisfied(place),
            None => missing.push(way),
        }
    }
    let Some((first, others)) = missing.split_first() else { return };
    let job = first.job(repository);
    let elsewhere = !found.is_empty();
    let message = if elsewhere {
        format!("No scan comes before job `{}` deploys; those here run apart from it", job.name)
    } else {
        format!("No scan for vulnerabilities or secrets comes before job `{}` deploys", job.name)
    };
    let finding = verdict.open(job.place, "security scan", message);
    finding.label("deploys what nothing has scanned");
    for other in others.iter().take(5) {
        finding.relate(other.job(repository).place, "deploys without a scan before it too");
    }
    let mut named = BTreeSet::new();
    for &(node, place) in &found {
        if named.len() < 5 && named.insert(repository.flow.run(node).root) {
            finding.relate(place, "scans here, on another trigger");
        }
    }
    doubt(repository, finding);
}

pub(super) fn docs_guard(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let document = |path: &str| {
        ["docs/", "doc/"].iter().any(|d| path.starts_with(d))
            && [".md", ".mdx", ".rst", ".adoc"].iter().any(|e| path.ends_with(e))
    };
    if !repository.files.iter().any(|f| document(&f.path)) {
        return verdict.not_applicable("there is no folder of documents");
    }
    let found = DOC_GUARDS.anywhere(repository);
    if let Some(&(_, place)) = found.first() {
        return verdict.satisfied(place);
    }
    let who = none_of(repository);
    let verb = if who.starts_with("None") { "checks" } else { "does not check" };
    absent(repository, verdict, "docs guard", format!("{who} {verb} the documents in `docs`"));
}

/// Commands that show whether migrations fit together, by the tool that made them.
const MIGRATION_CHECKS: &[(&str, &[&str])] = &[
    (
        "alembic",
        &["alembic check", "alembic heads", "alembic upgrade", "alembic branches", "db upgrade", "db check"],
    ),
    ("django", &["makemigrations --check", "makemigrations --dry-run", "makemigrations", "migrate"]),
    ("prisma", &["prisma migrate", "prisma validate", "prisma db push"]),
    ("flyway", &["flyway"]),
    ("liquibase", &["liquibase"]),
    (
        "rails",
        &[
            "db:migrate",
            "db:schema:load",
            "db:setup",
            "db:prepare",
            "db:test:prepare",
            "db:abort_if_pending_migrations",
            "db:reset",
        ],
    ),
];

/// Words that say the same of any tool.
const ANY_MIGRATION_CHECK: &[&str] = &[
    "migrate",
    "migration:run",
    "db:migrate",
    "atlas ",
    "sqlx prepare",
    "ef migrations",
    "ef database update",
    "goose ",
    "dbmate ",
    "knex ",
    "typeorm ",
    "sequelize ",
    "schema:update",
    "migrations:",
];

pub(super) fn migration_check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let sample = |place: Span| repository.is_sample(place);
    let mut tools: BTreeMap<&str, Span> = BTreeMap::new();
    for migration in repository.facts.migrations.iter().filter(|m| !sample(m.place)) {
        tools.entry(migration.tool.name()).or_insert(migration.place);
    }
    let checked = |tool: &str| -> Option<Span> {
        let known = MIGRATION_CHECKS.iter().find(|(t, _)| *t == tool).map_or(&[][..], |(_, c)| c);
        let run = repository.flow.runs().iter().flat_map(|r| &r.effects);
        let effect = run.filter(|e| e.effect == EffectKind::Migrate).map(|e| e.place).next();
        let line = || {
            let called = repository.commands().filter(|(owner, _)| match owner {
                crate::facts::Owner::Step { .. } => true,
                crate::facts::Owner::Script(s) => s.callers.contains(&crate::facts::Caller::Pipeline),
            });
            let mut lines = called.map(|(_, c)| c);
            lines
                .find(|c| known.iter().chain(ANY_MIGRATION_CHECK).any(|w| c.line.contains(w)))
                .map(|c| c.place)
        };
        let named = || {
            let wanted = Wanted {
                effect: |_| false,
                names: &["migration", "migrations", "migrate", "schema"],
                lines: &[],
            };
            wanted.anywhere(repository).first().map(|(_, place)| *place)
        };
        effect.or_else(line).or_else(named)
    };
    if tools.is_empty() {
        return verdict.not_applicable("there is no migration");
    }
    let mut missing = Vec::new();
    for (tool, place) in tools {
        match checked(tool) {
            Some(found) => verdict.satisfied(found),
            None => missing.push((tool, place)),
        }
    }
    let Some(&(tool, _)) = missing.first() else { return };
    let message = format!("No pipeline checks that the {tool} migrations fit together and apply");
    if let Some(finding) = absent(repository, verdict, "migration check", message) {
        for (tool, place) in missing {
            finding.relate(place, format!("a {tool} migration"));
        }
    }
}
