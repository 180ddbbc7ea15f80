//! A local stack that one command starts and one command takes down.

use super::stacks::local_stack;
use crate::facts::{BaseImage, Command, Repository, SettingSource};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(stack) = local_stack(repository) else { return without(repository, verdict) };
    verdict.examined(stack.place);
    let does = |words: &[&str]| repository.commands().any(|(_, command)| composes(command, words));
    let lacking = match (does(&["up", "start", "watch", "run"]), does(&["down", "stop", "rm"])) {
        (true, true) => return verdict.satisfied(stack.place),
        (false, true) => "starts",
        (true, false) => "takes down",
        (false, false) => "starts or takes down",
    };
    let path = repository.path(stack.place);
    let message = format!("No script and no document here {lacking} the stack of `{path}`");
    let finding = verdict.fail(stack.place, format!("commands of {path}"), message);
    finding.label("the stack").at_most(Confidence::Medium);
    finding.severity = finding.severity.min(Severity::Note);
    finding.against("`docker compose up` and `down` work without a script");
}

/// Whether a command has compose do one of these.
fn composes(command: &Command, words: &[&str]) -> bool {
    let compose = match command.program.as_str() {
        "docker-compose" | "podman-compose" => true,
        "docker" | "podman" | "nerdctl" => command.arg(0) == Some("compose"),
        _ => false,
    };
    compose && command.args.iter().any(|w| words.contains(&w.text.as_str()))
}

/// No local stack: the images that are built here have nothing that starts them together.
fn without(repository: &Repository, verdict: &mut Verdict) {
    const OTHERS: &[&str] = &[
        "Tiltfile",
        "skaffold.yaml",
        "Vagrantfile",
        "devbox.json",
        ".devcontainer/devcontainer.json",
        "garden.yml",
        "devspace.yaml",
        ".ddev/config.yaml",
        ".lando.yml",
    ];
    let shipped = |image: &&BaseImage| {
        let path = repository.path(image.place);
        let aside =
            image.local_only || path.split('/').any(|p| p == ".devcontainer" || p.contains("archive"));
        image.source == SettingSource::Image && image.last && !aside && repository.is_own(image.place)
    };
    let Some(image) = repository.facts.base_images.iter().find(shipped) else {
        return verdict.not_applicable("no image is built here, and no compose file starts one");
    };
    if repository.files.iter().any(|f| f.reader.as_deref() == Some("compose")) {
        // A stack for production or for tests is one all the same, and a person must say whether it serves both.
        return verdict.not_judged("its compose files serve no developer's machine by their names");
    }
    let path = repository.path(image.place);
    let message = format!("`{path}` is built here, and no compose file starts it on a developer's machine");
    let finding = verdict.open(image.place, "no compose file", message);
    finding.label("the image");
    match OTHERS.iter().find_map(|name| repository.by_path(name)) {
        Some(other) => {
            finding.relate(other.place, "starts it in another way").against("another tool does it")
        }
        None => finding.against("another repository may hold the compose file"),
    };
}
