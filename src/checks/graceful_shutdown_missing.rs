//! What keeps a service from hearing that it is to stop, or from ending its work when it does.

use super::image_stages::{Stages, shipped_files};
use crate::facts::{Command, EffectKind, Instruction, Owner, Repository, Resource, System};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        let of_end = |keyword: &'static str| {
            stages.shipped_instructions().filter(move |i| i.keyword == keyword).last()
        };
        let path = repository.path(Span::start_of(file));
        if let Some(stop) = of_end("STOPSIGNAL")
            && stop.args.iter().any(|a| matches!(a.value.trim_start_matches("SIG"), "KILL" | "9"))
        {
            let message = format!("The image of `{path}` asks to be killed instead of being told to stop");
            verdict
                .fail(stop.place, format!("signal {path}"), message)
                .label("no program can handle this signal");
        }
        let entry = of_end("ENTRYPOINT");
        let started = entry.or(of_end("CMD"));
        let Some(started) = started else { continue };
        match hides_signals(started, entry.is_some()) {
            true => {
                let message =
                    format!("In the image of `{path}` a shell gets the signal to stop, and not the service");
                let finding = verdict.fail(started.place, format!("shell {path}"), message);
                finding.at_most(Confidence::Low).label("the shell form runs `sh -c`");
                finding.against("some shells replace themselves by a single command");
            }
            false => verdict.satisfied(started.place),
        }
    }
    for resource in repository.facts.resources.iter().filter(|r| is_own(repository, r)) {
        let grace =
            resource.entries_ending("terminationGracePeriodSeconds").find(|e| e.setting.text() == "0");
        if let Some(entry) = grace {
            let message = format!("`{}` is killed at once instead of ending its work", resource.title());
            verdict
                .fail(entry.place, format!("grace {}", resource.title()), message)
                .label("no time to end requests");
        }
    }
    for (owner, command) in repository.commands() {
        let Owner::Step { job, .. } = owner else { continue };
        let deploys = job.effects().any(|e| e.effect == EffectKind::Deploy);
        if let Some(how) = kills(command).filter(|_| deploys) {
            let message = format!("Job `{}` kills what runs: `{}`", job.name, command.line);
            let finding = verdict.fail(command.place, format!("kill {} {}", job.id, command.line), message);
            finding.at_most(Confidence::Medium).label(how);
        }
    }
}

fn is_own(repository: &Repository, resource: &Resource) -> bool {
    let workload = matches!(resource.sort.as_str(), "Deployment" | "StatefulSet" | "Rollout");
    resource.system == System::Kubernetes && workload && repository.is_own(resource.place)
}

/// What ends by itself, or is a shell that somebody opens: no service that would have to hear of its end.
const ENDS: &[&str] =
    &["sh", "bash", "cp", "mv", "echo", "cat", "ls", "true", "sleep", "powershell", "pwsh", "Write-Host"];

/// Shell form of several words, without `exec`, where no init passes signals on.
fn hides_signals(started: &Instruction, entry: bool) -> bool {
    let words: Vec<&str> = started.args.iter().flat_map(|a| a.value.split_whitespace()).collect();
    let init = ["exec", "tini", "dumb-init", "s6", "supervisord", "runsvdir", "catatonit", "init"];
    let Some(first) = words.first() else { return false };
    let program = first.rsplit('/').next().unwrap_or(first);
    let script = program.ends_with(".sh") && entry;
    !started.exec
        && !ENDS.contains(&program)
        && !words.iter().any(|w| init.iter().any(|i| w.rsplit('/').next() == Some(i)))
        && !script
}

/// How a command stops without asking.
fn kills(command: &Command) -> Option<&'static str> {
    let has = |flags: &[&str]| command.args.iter().any(|w| flags.contains(&w.text.as_str()));
    let first = command.arg(0).unwrap_or("");
    match command.program.as_str() {
        "docker" | "podman" if first == "kill" => Some("sends SIGKILL"),
        "docker" | "podman"
            if matches!(first, "stop" | "restart")
                && (has(&["-t0", "--time=0", "--timeout=0"]) || command.line.contains("-t 0")) =>
        {
            Some("waits for nothing")
        }
        "kill" | "pkill" | "killall" if has(&["-9", "-KILL", "-SIGKILL"]) => Some("sends SIGKILL"),
        "kubectl" | "oc"
            if has(&["delete"]) && has(&["--grace-period=0", "--now"]) && command.line.contains("pod") =>
        {
            Some("gives no time")
        }
        _ => None,
    }
}
