//! Whether people are told which variables a program reads: by an example of an env file, and by one that is
//! complete.

use super::env_files::{is_env_path, is_example};
use super::samples::{is_sample, is_vendored, no_worse_than};
use super::sentences::named;
use crate::facts::{EnvRead, File, Repository, SettingSource, folder_of};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::{BTreeMap, BTreeSet};

/// A service that reads fewer variables than these needs no list of them.
pub(super) const FEW: usize = 4;

/// So many places of reads one finding lists, and so many names its sentence.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    const HERE: &[SettingSource] = &[SettingSource::Dotenv, SettingSource::Service, SettingSource::Image];
    let given_here = given(repository, HERE);
    // Manifests of a cluster tell as well, where there is nothing else.
    let given_there =
        given(repository, &[SettingSource::Config, SettingSource::Pipeline, SettingSource::Script]);
    let examples: Vec<&File> = repository
        .files
        .iter()
        .filter(|f| is_example(f.name()) && f.tracked != Some(false) && !f.vendored && !f.sample)
        .collect();
    let shown = shown(repository, &examples);
    let mut incomplete: BTreeMap<FileId, Keys<'_>> = BTreeMap::new();
    let mut without: BTreeMap<&str, Keys<'_>> = BTreeMap::new();
    let services = services(repository);
    for read in repository.facts.env_reads.iter().filter(|r| is_own(repository, r)) {
        let path = repository.path(read.place);
        let folder = folder_of(path);
        // Every example on the way up to the root tells its part.
        let above = || examples.iter().filter(|e| is_below(folder, self::folder_of(&e.path)));
        match above().max_by_key(|e| (self::folder_of(&e.path).len(), std::cmp::Reverse(e.path.len()))) {
            Some(nearest) => {
                let told = above().any(|e| shown[&e.place.file].contains(read.key.as_str()));
                if !told && !given_here.contains(read.key.as_str()) {
                    incomplete
                        .entry(nearest.place.file)
                        .or_default()
                        .entry(&read.key)
                        .or_default()
                        .push(read);
                }
            }
            None => {
                let service = services.iter().filter(|s| is_below(folder, s)).max_by_key(|s| s.len());
                let key = read.key.as_str();
                if !given_here.contains(key) && !given_there.contains(key) {
                    without
                        .entry(service.copied().unwrap_or(""))
                        .or_default()
                        .entry(&read.key)
                        .or_default()
                        .push(read);
                }
            }
        }
    }
    for example in &examples {
        match incomplete.get(&example.place.file) {
            Some(keys) => report_incomplete(example, keys, verdict),
            None => verdict.satisfied(example.place),
        }
    }
    for (service, keys) in &without {
        // A service whose example lies in a folder of its own, and not on the way up, has one all the same.
        let elsewhere = examples.iter().any(|e| is_below(folder_of(&e.path), service));
        if required(keys).count() >= FEW && !elsewhere {
            report_missing(repository, service, keys, verdict);
        }
    }
}

/// The reads of each variable.
pub(super) type Keys<'r> = BTreeMap<&'r str, Vec<&'r EnvRead>>;

/// Variables that the program does not do without: one read at least has nothing to fall back on, and the
/// name is not that of a switch, which is off when it is not set.
pub(super) fn required<'k, 'r>(keys: &'k Keys<'r>) -> impl Iterator<Item = &'r str> + 'k {
    const SWITCHES: &[&str] = &[
        "ENABLE", "DISABLE", "SKIP", "USE", "ALLOW", "DEBUG", "IS", "NO", "FORCE", "SHOW", "HIDE", "WITH",
        "VERBOSE",
    ];
    let switch = |key: &str| key.split('_').any(|word| SWITCHES.contains(&word)) || key.ends_with("_ENABLED");
    keys.iter()
        .filter(move |(key, reads)| !switch(key) && reads.iter().any(|r| !r.fallback))
        .map(|(key, _)| *key)
}

fn report_incomplete(example: &File, keys: &Keys<'_>, verdict: &mut Verdict) {
    let needed: Vec<&str> = required(keys).collect();
    let all: Vec<&str> = if needed.is_empty() { keys.keys().copied().collect() } else { needed.clone() };
    let message = format!("`{}` does not show {}, which the code reads", example.path, named(&all));
    let finding = verdict.fail(example.place, "incomplete example", message);
    finding.label("what people copy");
    if needed.is_empty() {
        no_worse_than(finding, Severity::Note).against("the code has a default for each of them");
    }
    for key in all.iter().take(MOST_PLACES) {
        let read = keys[key].iter().find(|r| !r.fallback).unwrap_or(&keys[key][0]);
        finding.relate(read.place, format!("reads `{key}`"));
    }
}

fn report_missing(repository: &Repository, service: &str, keys: &Keys<'_>, verdict: &mut Verdict) {
    let needed: Vec<&str> = required(keys).collect();
    let first = keys[needed[0]].iter().find(|r| !r.fallback).unwrap_or(&keys[needed[0]][0]);
    let at = if service.is_empty() { "this repository".to_owned() } else { format!("`{service}`") };
    let message = format!("No `.env.example` tells which variables {at} needs: {}", named(&needed));
    let subject = format!("no example in {service}");
    // Where nobody works with env files, the list of variables may have another form.
    let finding = if uses_env_files(repository, service) {
        verdict.fail(first.place, subject.trim_end(), message)
    } else {
        verdict.open(first.place, subject.trim_end(), message)
    };
    finding.label("one of the reads").at_most(Confidence::Medium);
    for key in needed.iter().skip(1).take(MOST_PLACES) {
        let read = keys[key].iter().find(|r| !r.fallback).unwrap_or(&keys[key][0]);
        finding.relate(read.place, format!("reads `{key}`"));
    }
}

pub(super) fn is_below(folder: &str, above: &str) -> bool {
    above.is_empty()
        || folder == above
        || folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Folders with a manifest: what is built and started as one.
pub(super) fn services(repository: &Repository) -> BTreeSet<&str> {
    let manifests = repository.facts.manifests.iter().filter(|m| !m.lock);
    manifests.filter(|m| !repository.is_sample(m.place)).map(|m| m.folder.as_str()).collect()
}

/// Variables that each example shows, those in comments included.
pub(super) fn shown<'r>(
    repository: &'r Repository,
    examples: &[&File],
) -> BTreeMap<FileId, BTreeSet<&'r str>> {
    let mut shown: BTreeMap<FileId, BTreeSet<&str>> =
        examples.iter().map(|e| (e.place.file, BTreeSet::new())).collect();
    for setting in &repository.facts.settings {
        if let Some(keys) = shown.get_mut(&setting.place.file) {
            keys.insert(&setting.key);
        }
    }
    for key in &repository.facts.commented_keys {
        if let Some(keys) = shown.get_mut(&key.place.file) {
            keys.insert(&key.key);
        }
    }
    shown
}

/// Variables that the repository itself gives a value, in files of these kinds.
pub(super) fn given<'r>(repository: &'r Repository, sources: &[SettingSource]) -> BTreeSet<&'r str> {
    let own = repository.facts.settings.iter().filter(|s| {
        let file = repository.file(s.place.file);
        sources.contains(&s.source) && !is_example(file.name()) && file.tracked != Some(false)
    });
    let cluster = sources.contains(&SettingSource::Config).then_some(&repository.facts.resources);
    // `containers.web.env.NAME.value`, or `.valueFrom.…`: an object tells the name in the path.
    let entries = cluster.into_iter().flatten().flat_map(|r| &r.entries);
    let listed = entries.filter_map(|e| e.path.split_once(".env.")?.1.split('.').next());
    own.map(|s| s.key.as_str()).chain(listed).collect()
}

/// Whether a read is one that a person who starts the program has to know of.
pub(super) fn is_own(repository: &Repository, read: &EnvRead) -> bool {
    let path = repository.path(read.place);
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    const TOOLS: &[&str] = &[
        "scripts",
        "script",
        "bin",
        "tools",
        "hack",
        "ci",
        ".github",
        ".gitlab",
        "cypress",
        "playwright",
        "storybook",
        ".storybook",
        "docs",
        "doc",
        "infra",
        "terraform",
        "deploy",
        "deployment",
        "release",
        "build",
        "dist",
        "e2e-tests",
        "migrations",
        "devtools",
        "load_testing",
        "loadtest",
        "contrib",
    ];
    let tool = lower.split('/').rev().skip(1).any(|part| TOOLS.contains(&part) || part.ends_with("test"));
    // `vite.config.ts`, `setup.py`, `conftest.py`, `user.spec.ts` configure tools and tests.
    let config = name.contains(".config.")
        || name.contains(".conf.")
        || name.contains(".test.")
        || name.contains(".spec.")
        || matches!(
            name,
            "setup.py"
                | "conftest.py"
                | "noxfile.py"
                | "tasks.py"
                | "fabfile.py"
                | "build.rs"
                | "gulpfile.js"
                | "manage.py"
        )
        || name.ends_with("_test.go")
        || name.ends_with("_test.py")
        || name.starts_with("test_")
        || name.ends_with("_spec.rb")
        || matches!(name, "spec_helper.rb" | "test_helper.rb" | "rails_helper.rb" | "test.rb")
        || ["Test.java", "Tests.java", "Tests.cs", "Test.kt", "Test.php"]
            .iter()
            .any(|end| path.ends_with(end));
    !tool && !config && !is_sample(path) && !is_vendored(path) && !is_platform(&read.key)
}

/// Variables of the operating system, of languages, CI services and platforms: they are set for the program.
pub(super) fn is_platform(key: &str) -> bool {
    const NAMES: &[&str] = &[
        "APPDATA",
        "CI",
        "COLORTERM",
        "COLUMNS",
        "COMSPEC",
        "DATABASE_URL_TEST",
        "DEBUG",
        "DISPLAY",
        "DJANGO_SETTINGS_MODULE",
        "DYNO",
        "EDITOR",
        "FORCE_COLOR",
        "GOPATH",
        "HOME",
        "HOMEPATH",
        "HOMEDRIVE",
        "HTTPS",
        "BROWSER",
        "HOST",
        "HOSTNAME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "INIT_CWD",
        "K_SERVICE",
        "LANG",
        "LC_ALL",
        "LINES",
        "LOCALAPPDATA",
        "LOGNAME",
        "MAKEFLAGS",
        "MIX_ENV",
        "NODE_ENV",
        "NODE_OPTIONS",
        "NO_COLOR",
        "NO_PROXY",
        "OS",
        "OUT_DIR",
        "PAGER",
        "PATH",
        "PATHEXT",
        "PIDFILE",
        "PORT",
        "PROGRAMFILES",
        "PUBLIC_URL",
        "PWD",
        "PYTHONPATH",
        "RACK_ENV",
        "RAILS_ENV",
        "RUST_LOG",
        "SECRET_KEY_BASE_DUMMY",
        "SHELL",
        "SHLVL",
        "SUDO_USER",
        "SYSTEMROOT",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "TZ",
        "USER",
        "USERNAME",
        "USERPROFILE",
        "VIRTUAL_ENV",
        "WEB_CONCURRENCY",
        "WINDIR",
        "ANALYZE",
        "APP_ENV",
        "BABEL_ENV",
        "REQUEST_METHOD",
        "REQUEST_URI",
        "DOCUMENT_ROOT",
        "REMOTE_ADDR",
        "SERVER_NAME",
        "NAMESPACE",
        "NODE_NAME",
    ];
    const BEGINNINGS: &[&str] = &[
        "ACTIONS_",
        "AWS_",
        "BUILDKITE",
        "BUILD_",
        "CARGO_",
        "CIRCLE",
        "CI_",
        "CLOUD_RUN_",
        "CODEBUILD_",
        "DEP_",
        "ECS_",
        "FUNCTIONS_",
        "GAE_",
        "GITHUB_",
        "GITLAB_CI",
        "GOOGLE_CLOUD_",
        "HEROKU_",
        "HTTP_",
        "JENKINS",
        "JEST_",
        "KUBERNETES_",
        "LC_",
        "NEXT_RUNTIME",
        "NEXT_PHASE",
        "NETLIFY",
        "NOMAD_",
        "NPM_",
        "npm_",
        "POD_",
        "PUMA_",
        "SOLID_QUEUE_",
        "RAILS_",
        "GO_",
        "RENDER_",
        "RUNNER_",
        "RUSTC",
        "TRAVIS",
        "VCAP_",
        "VERCEL",
        "VITEST",
        "WEBSITE_",
        "XDG_",
        "_",
    ];
    NAMES.contains(&key)
        || BEGINNINGS.iter().any(|b| key.starts_with(b))
        || key.contains("TEST")
        || key.len() < 3
        || !key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether env files are in use in a folder or above it: one is there, or compose reads one. That git keeps
/// them out says nothing: so do the templates of every language.
fn uses_env_files(repository: &Repository, service: &str) -> bool {
    let mut files = repository.files.iter().filter(|f| !f.vendored && is_env_path(f.name()));
    files.any(|f| is_below(service, f.folder()))
        || repository.facts.settings.iter().any(|s| {
            s.key == "env_file" && s.source == SettingSource::Service && is_env_path(&s.setting.text())
        })
}
