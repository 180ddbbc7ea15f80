//! What builds fetch from elsewhere without saying which content they expect.

use super::base_image_unpinned::is_for_developers;
use super::merged::{Cause, Causes};
use crate::facts::{Caller, Command, Repository, Script, ScriptKind};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::shorten;

const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "python", "python3", "perl", "ruby", "node", "iex"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for (_, _, step) in repository.steps() {
        sequence(repository, &step.commands, Confidence::High, &mut causes);
    }
    // What a pipeline runs builds there, though people may run it, too.
    let called = |s: &&Script| s.script != ScriptKind::Image && s.callers.contains(&Caller::Pipeline);
    for script in repository.facts.scripts.iter().filter(called) {
        sequence(repository, &script.commands, Confidence::Medium, &mut causes);
    }
    for script in repository.facts.scripts.iter().filter(|s| s.script == ScriptKind::Image) {
        sequence(repository, &script.commands, Confidence::High, &mut causes);
    }
    for instruction in repository.facts.instructions.iter().filter(|i| i.keyword == "ADD") {
        if !repository.is_own(instruction.place)
            || instruction.flags.iter().any(|f| f.starts_with("--checksum"))
        {
            continue;
        }
        let sources = instruction.args.split_last().map_or(&[][..], |(_, sources)| sources);
        for source in sources.iter().filter(|s| is_unversioned(&s.value)) {
            let message = format!("The image takes in `{}` without a checksum", shorten(&source.value, 70));
            causes.add(format!("add {}", source.value), source.span, || cause(message, "no --checksum"));
        }
    }
    for (_, command) in repository.commands() {
        verdict.examined(command.place);
    }
    causes.report(verdict);
}

/// Commands of one step or image, in order.
fn sequence(repository: &Repository, commands: &[Command], confidence: Confidence, causes: &mut Causes) {
    let Some(first) = commands.first() else { return };
    let path = repository.path(first.place);
    if !repository.is_own(first.place) || is_for_developers(repository, path) {
        return;
    }
    let checks = commands.iter().any(|c| {
        matches!(
            c.program.as_str(),
            "sha256sum"
                | "sha512sum"
                | "sha1sum"
                | "shasum"
                | "md5sum"
                | "gpg"
                | "gpgv"
                | "cosign"
                | "minisign"
                | "openssl"
        ) || c.line.contains("sha256")
    });
    for (i, command) in commands.iter().enumerate() {
        match command.program.as_str() {
            "curl" | "wget" => {
                let Some(url) = command.args.iter().find(|w| is_address(&w.text)) else { continue };
                let piped = commands
                    .iter()
                    .skip(i + 1)
                    .take_while(|c| same_pipeline(command, c))
                    .any(|c| SHELLS.contains(&c.program.as_str()));
                if piped && !is_versioned(&url.text) {
                    let message =
                        format!("`{}` is fetched and run as it is that day", shorten(&url.text, 70));
                    causes.add(format!("fetch {}", url.text), command.place, || Cause {
                        confidence,
                        ..cause(message, "runs whatever is there")
                    });
                } else if !piped && !checks && is_unversioned(&url.text) && writes(command) {
                    let message = format!(
                        "`{}` is fetched without a version and without a checksum",
                        shorten(&url.text, 70)
                    );
                    causes.add(format!("fetch {}", url.text), command.place, || Cause {
                        confidence,
                        ..cause(message, "takes whatever is there")
                    });
                }
            }
            "apt-get" | "apt" | "yum" | "dnf" | "apk"
                if is_image(repository, command)
                    && matches!(command.arg(0), Some("upgrade" | "dist-upgrade" | "full-upgrade"))
                    || command.program == "apt-get"
                        && is_image(repository, command)
                        && command.args.iter().any(|w| w.text == "upgrade" || w.text == "dist-upgrade") =>
            {
                let message =
                    format!("`{}` takes other packages with every build", shorten(&command.line, 70));
                causes.add(format!("{path} {}", command.line), command.place, || Cause {
                    severity: Severity::Note,
                    ..cause(message, "a newer base image says which packages")
                });
            }
            _ => {}
        }
    }
}

fn is_image(repository: &Repository, command: &Command) -> bool {
    repository.file(command.place.file).reader.as_deref() == Some("dockerfile")
}

fn same_pipeline(a: &Command, b: &Command) -> bool {
    matches!((a.pipeline, b.pipeline), (Some((x, _)), Some((y, _))) if x == y)
}

/// It keeps a file, or hands it on; a request whose answer is looked at is a check.
fn writes(command: &Command) -> bool {
    command.program == "wget" && !command.has_flag(&["--spider"])
        || command.args.iter().any(|w| {
            w.text == "--output"
                || w.text == "--remote-name"
                || w.text.starts_with('-') && !w.text.starts_with("--") && w.text.contains(['o', 'O'])
        })
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A digit next to a dot, a commit, or a variable that may be either.
fn is_versioned(url: &str) -> bool {
    let path =
        url.split_once("://").map_or(url, |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
    let bytes = path.as_bytes();
    path.contains(['$', '{'])
        || bytes.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b'.' && w[2].is_ascii_digit())
        || path.split('/').any(|part| part.len() == 40 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        || path.split('/').any(|part| {
            part.strip_prefix('v').is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// An address that says itself that its content changes.
fn is_unversioned(url: &str) -> bool {
    let says = [
        "/latest/",
        "/master/",
        "/main/",
        "/stable/",
        "-latest.",
        "_latest.",
        "/nightly/",
        "/HEAD/",
        "/current/",
    ];
    is_address(url)
        && !["localhost", "127.0.0.1", "://$"].iter().any(|own| url.contains(own))
        && !is_versioned(url)
        && says.iter().any(|word| url.contains(word))
}

fn cause(message: String, label: &'static str) -> Cause {
    Cause { message, label, also: "here too", severity: Severity::Warning, confidence: Confidence::High }
}
