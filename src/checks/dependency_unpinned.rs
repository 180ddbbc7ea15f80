//! Packages that pipelines and image builds install by name alone.

use super::base_image_unpinned::is_for_developers;
use super::merged::{Cause, Causes};
use super::sentences::named;
use crate::facts::{Command, Owner, Repository, ScriptKind, Word};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Tools that install others; that they are the newest is their makers' advice.
const INSTALLERS: &[&str] = &[
    "pip",
    "setuptools",
    "wheel",
    "pipenv",
    "poetry",
    "uv",
    "npm",
    "corepack",
    "bundler",
    "virtualenv",
    "build",
    "twine",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for (owner, command) in repository.commands() {
        let path = repository.path(command.place);
        let built = match owner {
            Owner::Step { .. } => true,
            Owner::Script(script) => script.script == ScriptKind::Image,
        };
        if !built || !repository.is_own(command.place) || is_for_developers(repository, path) {
            continue;
        }
        let Some((tool, packages)) = installs(command) else { continue };
        if packages.is_empty() {
            verdict.satisfied(command.place);
        }
        let names: Vec<&str> = packages.iter().map(|p| p.text.as_str()).collect();
        let subject = format!("{tool} {}", names.join(" "));
        let message = format!("`{tool}` installs {} in whatever version is newest that day", named(&names));
        for package in &packages {
            causes.add(subject.clone(), package.place, || Cause {
                message: message.clone(),
                label: "no version",
                also: "here too",
                severity: Severity::Warning,
                confidence: Confidence::High,
            });
        }
    }
    causes.report(verdict);
}

/// The tool, and the packages without a version; `None` for another command.
fn installs(command: &Command) -> Option<(&'static str, Vec<&Word>)> {
    let first = command.arg(0)?;
    // What a constraints file or an index snapshot fixes is fixed.
    let fixed = command.has_flag(&["-c", "--constraint", "--require-hashes"]);
    let tool = match (command.program.as_str(), first) {
        ("pip" | "pip3", "install") if !fixed => "pip",
        ("npm", "install" | "i") if command.has_flag(&["-g", "--global"]) => "npm",
        ("gem", "install") if !command.has_flag(&["-v", "--version"]) => "gem",
        ("cargo", "install") if !command.has_flag(&["--path", "--git", "--version", "--vers", "--rev"]) => {
            "cargo"
        }
        ("go", "install") => "go",
        _ => return None,
    };
    let valued: &[&str] = match tool {
        "pip" => &[
            "-r",
            "--requirement",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-t",
            "--target",
            "-e",
            "--editable",
            "--prefix",
            "-f",
            "--find-links",
            "--trusted-host",
            "--python-version",
            "--timeout",
            "--retries",
            "--root",
            "--platform",
            "--only-binary",
            "--no-binary",
            "--cache-dir",
            "--progress-bar",
            "--proxy",
        ],
        "npm" => &["--registry", "--prefix", "--loglevel", "--cache"],
        "cargo" => {
            &["--features", "--root", "--target", "--profile", "-F", "--registry", "--index", "-j", "--bin"]
        }
        _ => &["-n", "--bindir", "--source", "--install-dir"],
    };
    let mut packages = Vec::new();
    let mut words = command.args.iter().skip(1);
    while let Some(word) = words.next() {
        if valued.contains(&word.text.as_str()) {
            words.next();
        } else if is_floating(tool, word) {
            packages.push(word);
        }
    }
    Some((tool, packages))
}

fn is_floating(tool: &str, word: &Word) -> bool {
    let text = word.text.as_str();
    let name = text.split(['[', '@', '=', '<', '>', '~', '!']).next().unwrap_or(text);
    // A variable may hold the version, a path or an archive is what it is.
    let other = !word.literal
        || text.starts_with('-')
        || text.starts_with('.')
        || text.contains(['$', '{', '*', '\\'])
        || [".whl", ".tar.gz", ".tgz", ".zip", ".gem", ".txt"].iter().any(|e| text.ends_with(e))
        || INSTALLERS.contains(&name);
    match tool {
        _ if other => false,
        "pip" => !text.contains("==") && !text.contains("===") && !text.contains('/') && !text.contains('@'),
        "npm" => text
            .strip_prefix('@')
            .unwrap_or(text)
            .split_once('@')
            .is_none_or(|(_, v)| matches!(v, "latest" | "next" | "*")),
        "go" => text.ends_with("@latest") || text.ends_with("@master") || text.ends_with("@main"),
        _ => !text.contains('@') && !text.contains(':'),
    }
}
