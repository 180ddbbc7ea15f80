//! Tells commands that wait for an answer, and whether somebody is there to give it.

use crate::facts::{Caller, Command, Dialect, How, Owner, Repository, Role, ScriptKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // One finding per step or script; the rest are further places of it.
    type Asked<'a> = (String, Vec<(&'a Command, Question)>);
    let mut found: BTreeMap<Span, Asked<'_>> = BTreeMap::new();
    let convenient = convenience_images(repository);
    // Whoever calls a script can approve on its behalf.
    let approved_around = || {
        let mut set = repository.commands().flat_map(|(_, command)| &command.assignments);
        set.any(|a| a.name.starts_with("TF_CLI_ARGS") && a.word.text.contains("-auto-approve"))
    };
    for (owner, command) in repository.commands() {
        let (place, name, hosted, certain) = match owner {
            Owner::Step { pipeline, job, step } => {
                let own = |r: &str| r.starts_with("ubuntu") || r.starts_with("windows");
                // The services' own Linux runners and images answer yes to apt by themselves.
                let hosted = match pipeline.dialect {
                    // Where a composite action runs, its callers say.
                    Dialect::Github => {
                        pipeline.role == Role::Composite
                            || job.images.is_empty() && job.runner.iter().any(|r| own(&r.value))
                    }
                    Dialect::CircleCi => job.images.first().is_none_or(|i| is_convenience_image(&i.name)),
                    _ => false,
                };
                (step.place, format!("step `{}` of job `{}`", step.name, job.name), hosted, true)
            }
            Owner::Script(script) if script.script == ScriptKind::Image => {
                let hosted = convenient.contains(&script.place.file);
                (script.place, format!("`{}`", repository.path(script.place)), hosted, true)
            }
            Owner::Script(script)
                if script.callers.iter().any(|c| matches!(c, Caller::Pipeline | Caller::Container)) =>
            {
                let from_runner = |call: &Span| {
                    let path = repository.path(*call);
                    [".github/", ".circleci/"].iter().any(|folder| path.starts_with(folder))
                };
                let runner_only =
                    !script.called_from.is_empty() && script.called_from.iter().all(from_runner);
                (script.place, format!("`{}`", script.name), runner_only, false)
            }
            Owner::Script(_) => continue,
        };
        let Some(question) = question(command).filter(|q| !(hosted && q.package)) else { continue };
        let applies = matches!(command.program.as_str(), "terraform" | "tofu");
        if !certain && applies && approved_around() {
            continue;
        }
        // A question under a condition, or in a function that others may call, is likely put to people only.
        if !certain && (!command.conditions.is_empty() || command.function.is_some()) {
            continue;
        }
        found.entry(place).or_insert_with(|| (name, Vec::new())).1.push((command, question));
    }
    for (name, questions) in found.into_values() {
        let (command, question) = &questions[0];
        let words: Vec<&str> = command.line.split_whitespace().take(3).collect();
        let message = format!("`{}` in {name} waits for an answer that nobody gives", words.join(" "));
        let finding = verdict.fail(command.place, format!("{name} {}", words.join(" ")), message);
        finding.at_most(question.confidence).label(question.label);
        for (command, question) in questions.iter().skip(1).take(8) {
            finding.relate(command.place, question.label);
        }
    }
}

/// CircleCI's own images answer yes to apt by themselves.
fn is_convenience_image(name: &str) -> bool {
    name.starts_with("cimg/") || name.starts_with("circleci/")
}

/// Dockerfiles that build upon such an image.
fn convenience_images(repository: &Repository) -> BTreeSet<FileId> {
    let bases = repository.facts.base_images.iter().filter(|b| is_convenience_image(&b.name));
    bases.map(|b| b.place.file).collect()
}

struct Question {
    label: &'static str,
    confidence: Confidence,
    /// A package manager's.
    package: bool,
}

fn question(command: &Command) -> Option<Question> {
    // Fed by a pipe or a file, it reads no terminal.
    if command.pipeline.is_some_and(|(_, at)| at > 0) || !command.reads.is_empty() {
        return None;
    }
    // What the words are is told by the run.
    let certain =
        command.args.iter().all(|w| w.literal || !w.text.starts_with('$') && !w.text.starts_with('"'));
    let flags: Vec<&str> =
        command.args.iter().map(|w| w.text.as_str()).filter(|w| w.starts_with('-')).collect();
    let plain: Vec<&str> =
        command.args.iter().map(|w| w.text.as_str()).filter(|w| !w.starts_with('-')).collect();
    let short = |letter: char| flags.iter().any(|f| !f.starts_with("--") && f.contains(letter));
    let given = |names: &[&str]| command.has_flag(names);
    let ask = |label: &'static str, confidence: Confidence, package: bool| {
        Some(Question { label, confidence, package })
    };
    let sub = plain.first().copied().unwrap_or("");
    match command.program.as_str() {
        "apt-get" | "apt" | "aptitude"
            if matches!(sub, "install" | "upgrade" | "dist-upgrade" | "full-upgrade" | "build-dep") =>
        {
            let answered = short('y')
                || flags.iter().any(|f| f.starts_with("-qq") || f.starts_with("-o"))
                || given(&[
                    "--yes",
                    "--assume-yes",
                    "--quiet=2",
                    "-s",
                    "--simulate",
                    "--dry-run",
                    "--download-only",
                    "--print-uris",
                ]);
            (certain && !answered)
                .then(|| ask("asks before it installs: no `-y`", Confidence::High, true))
                .flatten()
        }
        "yum" | "dnf"
            if matches!(
                sub,
                "install" | "update" | "upgrade" | "remove" | "groupinstall" | "localinstall"
            ) =>
        {
            (certain && !short('y') && !given(&["--assumeyes", "--assumeno"]))
                .then(|| ask("asks before it installs: no `-y`", Confidence::High, true))
                .flatten()
        }
        "zypper" if matches!(sub, "install" | "in" | "update" | "up" | "remove" | "dup" | "dist-upgrade") => {
            (certain && !given(&["--non-interactive", "-n", "-y", "--no-confirm"]))
                .then(|| ask("asks before it installs: no `--non-interactive`", Confidence::High, true))
                .flatten()
        }
        "pacman" if flags.first().is_some_and(|f| f.starts_with("-S") || f.starts_with("-U")) => {
            let installs = !plain.is_empty() || short('u');
            (certain && installs && !given(&["--noconfirm"]))
                .then(|| ask("asks before it installs: no `--noconfirm`", Confidence::High, true))
                .flatten()
        }
        "conda" | "mamba" if matches!(sub, "install" | "create" | "update" | "remove") => {
            (certain && !short('y') && !given(&["--yes", "--dry-run"]) && plain.get(1) != Some(&"--file"))
                .then(|| ask("asks before it installs: no `-y`", Confidence::Medium, true))
                .flatten()
        }
        "pip" | "pip3" if sub == "uninstall" => (certain && !short('y') && !given(&["--yes"]))
            .then(|| ask("asks before it removes: no `-y`", Confidence::High, true))
            .flatten(),
        "terraform" | "tofu" if matches!(sub, "apply" | "destroy") => {
            let approved = given(&["-auto-approve", "--auto-approve", "-help"]);
            // A saved plan is applied without a question.
            let planned = sub == "apply"
                && (plain.len() > 1 || command.args.iter().any(|w| !w.literal && !w.text.starts_with('-')));
            (certain && !approved && !planned)
                .then(|| {
                    ask(
                        "asks before it changes anything: no plan file, no `-auto-approve`",
                        Confidence::High,
                        false,
                    )
                })
                .flatten()
        }
        "pulumi" if matches!(sub, "up" | "update" | "destroy" | "refresh") => (certain
            && !given(&["--yes", "-y"])
            && !command.assignments.iter().any(|a| a.name == "PULUMI_SKIP_CONFIRMATIONS"))
        .then(|| ask("asks before it changes anything: no `--yes`", Confidence::Medium, false))
        .flatten(),
        "read" if short('p') && !short('t') && !short('u') && !is_tested(command) => {
            ask("reads from a terminal", Confidence::Medium, false)
        }
        "Read-Host" => ask("reads from a terminal", Confidence::High, false),
        "az" if plain == ["login"] && flags.is_empty() => {
            ask("opens a browser to log in", Confidence::High, false)
        }
        "heroku" | "vercel" | "firebase" | "netlify" | "railway"
            if plain == ["login"] && flags.is_empty() =>
        {
            ask("opens a browser to log in", Confidence::High, false)
        }
        "aws" if plain == ["configure"] && flags.is_empty() => ask("asks for keys", Confidence::High, false),
        _ => None,
    }
}

/// `while read …` and `if read …` go through lines.
fn is_tested(command: &Command) -> bool {
    command.tolerated.as_ref().is_some_and(|t| t.how == How::Condition)
}
