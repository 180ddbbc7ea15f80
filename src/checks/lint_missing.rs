//! Whether a linter or type checker reads the code of each language that is there.

use super::delivery::{Wanted, absent, programs};
use crate::facts::{EffectKind, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Linters, by the ecosystem whose code they read.
const LINTERS: &[(&str, &str, &[&str])] = &[
    (
        "npm",
        "JavaScript",
        &[
            "eslint",
            "biome",
            "oxlint",
            "xo",
            "standard",
            "tslint",
            "prettier",
            "tsc",
            "vue-tsc",
            "svelte-check",
            "npm",
            "yarn",
            "pnpm",
            "bun",
            "nx",
            "turbo",
            "next",
            "ng",
            "deno",
            "flow",
            "react-scripts",
            "lerna",
            "vue-cli-service",
            "gulp",
            "grunt",
        ],
    ),
    (
        "python",
        "Python",
        &[
            "ruff",
            "flake8",
            "pylint",
            "black",
            "isort",
            "mypy",
            "pyright",
            "basedpyright",
            "pyre",
            "pycodestyle",
            "autopep8",
            "yapf",
            "prospector",
            "pydocstyle",
            "codespell",
        ],
    ),
    ("go", "Go", &["golangci-lint", "staticcheck", "go", "gofmt", "goimports", "revive", "golint", "govet"]),
    ("cargo", "Rust", &["cargo", "clippy"]),
    (
        "ruby",
        "Ruby",
        &[
            "rubocop",
            "standardrb",
            "reek",
            "brakeman",
            "standard",
            "erb_lint",
            "erblint",
            "govuk-lint",
            "rails",
        ],
    ),
    (
        "php",
        "PHP",
        &["phpstan", "psalm", "phpcs", "php-cs-fixer", "pint", "rector", "phpmd", "composer", "ecs"],
    ),
];

/// Tools that run whatever linters are configured.
const EVERY_LINTER: &[&str] = &[
    "pre-commit",
    "lefthook",
    "super-linter",
    "megalinter",
    "trunk",
    "make",
    "task",
    "just",
    "tox",
    "nox",
    "lint-staged",
    "bazel",
    "pants",
    "invoke",
    "rake",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut tools: BTreeSet<String> = BTreeSet::new();
    let mut places: Vec<Span> = Vec::new();
    for run in repository.flow.runs() {
        for effect in run.effects.iter().filter(|e| e.effect == EffectKind::Lint) {
            tools.insert(effect.tool.to_ascii_lowercase());
            places.push(effect.place);
        }
    }
    let named = Wanted {
        effect: |_| false,
        names: &[
            "lint",
            "linter",
            "linting",
            "lints",
            "codestyle",
            "typecheck",
            "types",
            "precommit",
            "style",
            "format",
            "formatting",
            "static",
            "quality",
        ],
        lines: &["pre-commit", "tox", "nox"],
    };
    let promised = named.anywhere(repository).first().map(|(_, place)| *place);
    let covers = |linters: &[&str]| {
        tools.iter().any(|t| {
            let known = |w: &&str| t == *w || t.split(['/', '-', '_']).any(|part| part == *w);
            linters.iter().any(known)
                || EVERY_LINTER.iter().any(|w| t.contains(w))
                || t.starts_with("reviewdog")
        })
    };
    let mut languages: BTreeMap<&str, Span> = BTreeMap::new();
    for (ecosystem, place) in programs(repository) {
        if let Some((_, language, _)) = LINTERS.iter().find(|(e, ..)| *e == ecosystem) {
            languages.entry(language).or_insert(place);
        }
    }
    if languages.is_empty() {
        return verdict.not_applicable("there is no code in a language whose linters are known");
    }
    let missing: Vec<(&str, Span)> = languages
        .into_iter()
        .filter(|(language, _)| {
            let (_, _, linters) = LINTERS.iter().find(|(_, l, _)| l == language).expect("taken from there");
            promised.is_none() && !covers(linters)
        })
        .collect();
    if missing.is_empty() {
        if let Some(place) = places.first().copied().or(promised) {
            verdict.satisfied(place);
        }
        return;
    }
    let names: Vec<&str> = missing.iter().map(|(language, _)| *language).collect();
    let message = format!("No pipeline lints or type-checks the {} code", names.join(", "));
    if let Some(finding) = absent(repository, verdict, "lint", message) {
        for (language, place) in missing {
            finding.relate(place, format!("{language} code, by its manifest"));
        }
    }
}
