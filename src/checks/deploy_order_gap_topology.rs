//! Workers that also start jobs by the clock, of which only one may run.

use crate::facts::{Repository, Section};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut found: Vec<(Span, String)> = Vec::new();
    for (_, command) in repository.commands() {
        let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
        if command.program == "celery" && schedules(&words) {
            found.push((command.place, command.program.clone()));
        }
    }
    for service in repository.facts.compose_files.iter().flat_map(|c| &c.services) {
        let words: Vec<&str> = service.command.iter().flat_map(|w| w.value.split_whitespace()).collect();
        if words.iter().any(|w| *w == "celery" || w.ends_with("/celery"))
            && schedules(&words)
            && let (Some(first), Some(last)) = (service.command.first(), service.command.last())
        {
            found.push((first.span.join(last.span), service.name.clone()));
        }
    }
    let kept = |place: Span| repository.is_own(place);
    found.retain(|(place, _)| kept(*place));
    found.sort();
    let Some(((place, name), others)) = found.split_first() else {
        return verdict.not_applicable("no worker here starts jobs by the clock");
    };
    if let Some(told) = repository.facts.sections.iter().find(|s| tells(s)) {
        return verdict.satisfied(told.place);
    }
    let message =
        format!("`{name}` works and schedules in one process, and no runbook says that only one may run");
    let finding = verdict.open(*place, "scheduler inside a worker", message);
    finding.label("starts jobs by the clock as well").against("the runbook may lie outside the repository");
    for (place, _) in others {
        finding.relate(*place, "so does this one");
    }
}

/// <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#starting-the-scheduler>
fn schedules(words: &[&str]) -> bool {
    words.contains(&"worker") && words.iter().any(|w| matches!(*w, "-B" | "--beat"))
}

/// Whether a passage of a document speaks of scheduling and of workers.
fn tells(section: &Section) -> bool {
    let text = format!("{} {}", section.heading, section.text).to_lowercase();
    let any = |words: &[&str]| words.iter().any(|w| text.contains(w));
    any(&["worker", "celery"]) && any(&["beat", "scheduler", "scheduled", "periodic", "cron"])
}
