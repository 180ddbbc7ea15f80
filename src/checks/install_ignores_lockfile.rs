//! Installs in pipelines and image builds that may take other versions than the lock file's.

use super::merged::{Cause, Causes};
use crate::facts::{Command, Owner, Repository, ScriptKind, folder_of};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::shorten;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    let ecosystems: Vec<&str> =
        repository.facts.manifests.iter().filter(|m| m.lock).map(|m| m.ecosystem.as_str()).collect();
    // Yarn 2 and later, told by its settings file, takes the lock file as it is where `CI` is set.
    let modern_yarn = repository.files.iter().any(|f| f.name() == ".yarnrc.yml");
    for (owner, command) in repository.commands() {
        let path = repository.path(command.place);
        let in_image = match owner {
            Owner::Step { .. } => false,
            Owner::Script(script) if script.script == ScriptKind::Image => true,
            Owner::Script(_) => continue,
        };
        if !repository.is_own(command.place) {
            continue;
        }
        let Some(install) = read(command, modern_yarn, in_image) else { continue };
        if !ecosystems.contains(&install.ecosystem)
            || !is_locked_above(repository, install.ecosystem, path, in_image)
        {
            continue;
        }
        if install.frozen || is_frozen_by_setting(repository, owner, install.ecosystem) {
            verdict.satisfied(command.place);
            continue;
        }
        let line = &command.line;
        let message =
            format!("`{}` may install other versions than the lock file records", shorten(line, 60));
        causes.add(format!("{path} {line}"), command.place, || Cause {
            message,
            label: install.instead,
            also: "here too",
            severity: Severity::Warning,
            confidence: Confidence::High,
        });
    }
    causes.report(verdict);
}

/// A Dockerfile installs what lies beside or below it; a lock file of a folder that is no relative of its
/// own says nothing.
fn is_locked_above(repository: &Repository, ecosystem: &str, path: &str, in_image: bool) -> bool {
    let folder = folder_of(path);
    repository.facts.manifests.iter().any(|m| {
        m.lock
            && m.ecosystem == ecosystem
            && (!in_image
                || m.folder.is_empty()
                || folder.is_empty()
                || m.folder.starts_with(folder)
                || folder.starts_with(&m.folder))
    })
}

struct Install {
    ecosystem: &'static str,
    frozen: bool,
    /// What to write.
    instead: &'static str,
}

fn read(command: &Command, modern_yarn: bool, in_image: bool) -> Option<Install> {
    let plain: Vec<&str> =
        command.args.iter().map(|w| w.text.as_str()).filter(|w| !w.starts_with('-')).collect();
    let first = plain.first().copied();
    let global = command.has_flag(&["-g", "--global", "--version", "-v", "--help"]);
    let install = |ecosystem, frozen, instead| Some(Install { ecosystem, frozen, instead });
    // Options that take a value leave a second plain word.
    let alone = plain.len() <= 1 || command.has_flag(&["--prefix", "-C", "--cwd", "--dir", "--filter", "-F"]);
    let by_set = |name: &str| command.assignments.iter().any(|a| a.name == name);
    match (command.program.as_str(), first) {
        _ if global => None,
        ("npm", Some("ci" | "clean-install")) => install("npm", true, "npm ci"),
        ("npm", Some("install" | "i" | "in" | "add"))
            if alone && !command.has_flag(&["--package-lock-only"]) =>
        {
            install("npm", false, "`npm ci` installs what is recorded")
        }
        ("yarn", None | Some("install")) if plain.len() <= 1 && !command.has_flag(&["--mode"]) => {
            let frozen = command.has_flag(&["--frozen-lockfile", "--immutable", "--pure-lockfile"])
                || modern_yarn && !in_image && !command.has_flag(&["--no-immutable"]);
            install(
                "npm",
                frozen,
                "`--immutable`, or `--frozen-lockfile` in Yarn 1, keeps to what is recorded",
            )
        }
        ("pnpm", Some("install" | "i")) if alone => {
            let off = command.has_flag(&["--no-frozen-lockfile"]);
            let frozen = !off && (!in_image || command.has_flag(&["--frozen-lockfile"]) || by_set("CI"));
            install("npm", frozen, "`--frozen-lockfile` keeps to what is recorded")
        }
        ("bun", Some("install")) if alone => {
            let frozen = command.has_flag(&["--frozen-lockfile"]);
            install("npm", frozen, "`--frozen-lockfile` keeps to what is recorded")
        }
        ("bundle", Some("install") | None) => {
            let frozen = command.has_flag(&["--frozen", "--deployment"])
                || by_set("BUNDLE_FROZEN")
                || by_set("BUNDLE_DEPLOYMENT");
            install("ruby", frozen, "`bundle config set frozen true` keeps to what is recorded")
        }
        ("bundle" | "bundler", Some("update")) => install("ruby", false, "takes newer versions"),
        ("composer", Some("update" | "upgrade")) => {
            install("php", false, "`composer install` takes what is recorded")
        }
        ("pipenv", Some("install")) if plain.len() <= 1 => {
            let frozen = command.has_flag(&["--deploy", "--ignore-pipfile"]);
            install("python", frozen, "`pipenv sync` or `--deploy` keeps to what is recorded")
        }
        ("poetry", Some("update")) => install("python", false, "`poetry install` takes what is recorded"),
        ("cargo", Some("install")) if command.has_flag(&["--path"]) => install(
            "cargo",
            command.has_flag(&["--locked", "--frozen"]),
            "`--locked` keeps to what is recorded",
        ),
        _ => None,
    }
}

/// Whether a variable or an earlier command of the same job or image settles it for all installs.
fn is_frozen_by_setting(repository: &Repository, owner: Owner<'_>, ecosystem: &str) -> bool {
    let keys: &[&str] = match ecosystem {
        "ruby" => &["BUNDLE_FROZEN", "BUNDLE_DEPLOYMENT"],
        "npm" => &["YARN_ENABLE_IMMUTABLE_INSTALLS", "npm_config_frozen_lockfile"],
        _ => return false,
    };
    let commands: Vec<&Command> = match owner {
        Owner::Step { pipeline, job, step } => {
            let mut settings = pipeline.settings.iter().chain(&job.settings).chain(&step.settings);
            if settings.any(|s| keys.contains(&s.key.as_str())) {
                return true;
            }
            job.commands().collect()
        }
        Owner::Script(script) => {
            let mut settings = repository.settings_of(script.place.file).iter();
            if settings.any(|s| keys.contains(&s.key.as_str())) {
                return true;
            }
            script.commands.iter().collect()
        }
    };
    ecosystem == "ruby"
        && commands.iter().any(|c| {
            c.program.starts_with("bundle")
                && c.arg(0) == Some("config")
                && c.args.iter().any(|w| matches!(w.text.as_str(), "frozen" | "deployment"))
        })
}
