//! Parts of a system that its local stack does not start.

use super::sentences::listed;
use super::stacks::{Part, local_stack, part};
use crate::facts::{Repository, Service, Stack};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

/// What every stack starts; a scheduler may be a worker's own.
const WANTED: &[Part] = &[Part::Api, Part::Worker, Part::Web, Part::Database, Part::Cache];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // What an editor starts beside itself is the surroundings of a developer, not the system.
    let of_editor = |s: &&Stack| repository.path(s.place).split('/').any(|part| part == ".devcontainer");
    let Some(stack) = local_stack(repository).filter(|s| !of_editor(s)) else {
        return verdict.not_applicable("no compose file here starts a local stack");
    };
    verdict.examined(stack.place);
    let of = |wanted: Part| stack.services.iter().filter(move |s| part(s) == Some(wanted));
    let missing: Vec<Part> = WANTED.iter().copied().filter(|w| of(*w).next().is_none()).collect();
    let hidden: Vec<&Service> = WANTED
        .iter()
        .filter(|w| of(**w).next().is_some() && of(**w).all(|s| !s.profiles.is_empty()))
        .filter_map(|w| of(*w).next())
        .collect();
    let path = repository.path(stack.place);
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|p| format!("no {}", p.name())).collect();
        let message = format!("The local stack of `{path}` has {}", listed(&names, "and"));
        // A program whose part nothing tells may be the missing one; one program may be API and pages at once.
        let untold = stack.services.iter().any(|s| s.is_own() && part(s).is_none());
        let both = missing.contains(&Part::Api) != missing.contains(&Part::Web);
        let doubtful = missing.iter().any(|p| p.is_program()) && (untold || both);
        let finding = verdict.fail(stack.place, format!("services of {path}"), message);
        finding.label("these are started");
        finding.at_most(if doubtful { Confidence::Low } else { Confidence::Medium });
        finding.against("parts are told by images, commands and names of services");
        for service in &hidden {
            finding.relate(profile(service), "started only under a profile");
        }
        return;
    }
    if let Some(first) = hidden.first() {
        let message = format!("`{}` of the local stack starts only under a profile", first.name);
        let finding = verdict.fail(profile(first), format!("profiles of {path}"), message);
        finding.label("a plain `up` leaves it out").at_most(Confidence::Medium);
        for service in hidden.iter().skip(1) {
            finding.relate(profile(service), "so does this one");
        }
        return;
    }
    let schedules = |s: &Service| {
        part(s) == Some(Part::Scheduler)
            || s.command.iter().flat_map(|w| w.value.split_whitespace()).any(|w| matches!(w, "-B" | "--beat"))
    };
    if stack.services.iter().any(schedules) {
        return verdict.satisfied(stack.place);
    }
    let message = format!("The local stack of `{path}` has neither a scheduler nor a worker that schedules");
    let finding = verdict.fail(stack.place, format!("scheduler of {path}"), message);
    finding.severity = Severity::Note;
    finding.at_most(Confidence::Low).against("a scheduler is optional");
}

fn profile(service: &Service) -> Span {
    service.profiles.first().map_or(service.place, |p| p.span)
}
