//! Compares periods of freeze that documents name with the days on which releases were made.

use super::calendar::dated_tags;
use super::gates::{deploys, words};
use crate::facts::{Repository, Stage, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Releases further back are history that nobody mends.
const LATEST: usize = 20;
/// A freeze that lasts longer is another thing: a program that is no longer changed.
const LONGEST: i32 = 62;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let freezes = freezes(repository);
    if freezes.is_empty() {
        return verdict.not_judged("no document here names a period of freeze by its days");
    }
    let mut all: Vec<(Date, String, Span)> = Vec::new();
    if let Some(git) = &repository.git
        && let Some(trigger) = starts_by_tag(repository)
    {
        let zone = parameters.time_zone.value().map_or(TimeZone::UTC, |zone| zone.0.clone());
        let dated = dated_tags(git, &zone);
        let latest = dated.into_iter().rev().take(LATEST);
        all.extend(
            latest.map(|(at, name)| (at.date(), format!("Tag `{name}`, which starts a deploy,"), trigger)),
        );
    }
    let notes = repository.facts.release_notes.iter().filter(|n| n.released && (n.number as usize) < LATEST);
    all.extend(notes.filter_map(|note| {
        let day = Date::strptime("%Y-%m-%d", note.date.as_deref()?).ok()?;
        Some((day, format!("Release `{}`", note.version.as_deref().unwrap_or(&note.heading)), note.place))
    }));
    let mut told: Vec<Span> = Vec::new();
    for (day, what, place) in all {
        let Some(freeze) = freezes.iter().find(|f| f.from <= day && day <= f.to) else {
            verdict.satisfied(place);
            continue;
        };
        // What the document itself names beside the freeze is its exception.
        let name = what.split('`').nth(1).unwrap_or("");
        if freeze.text.contains(name) {
            verdict.satisfied(place);
            continue;
        }
        if told.contains(&place) {
            continue;
        }
        told.push(place);
        let message =
            format!("{what} was made on {day}, in the freeze from {} to {}", freeze.from, freeze.to);
        let finding = verdict.fail(place, format!("freeze {name}"), message);
        finding.at_most(Confidence::Medium).label("in a freeze");
        finding.relate(freeze.place, "the freeze is written here");
        finding
            .against("it may have been an emergency that somebody approved: then say so beside the freeze");
    }
}

struct Freeze<'r> {
    from: Date,
    to: Date,
    place: Span,
    text: &'r str,
}

/// Periods between two days in sections that speak of a freeze of deploys or releases.
fn freezes(repository: &Repository) -> Vec<Freeze<'_>> {
    let mut found = Vec::new();
    for section in repository.facts.sections.iter().filter(|s| is_about_freezes(&s.heading)) {
        let mut days = section
            .text
            .split(|c: char| !(c.is_ascii_digit() || c == '-'))
            .filter_map(|word| Date::strptime("%Y-%m-%d", word.trim_matches('-')).ok());
        while let (Some(from), Some(to)) = (days.next(), days.next()) {
            // Days that do not come in pairs are something else.
            if from > to || (to - from).get_days() > LONGEST {
                break;
            }
            found.push(Freeze { from, to, place: section.place, text: &section.text });
        }
    }
    found
}

fn is_about_freezes(heading: &str) -> bool {
    let words = words(heading.rsplit(" > ").next().unwrap_or(heading));
    let freezes = words.iter().any(|w| matches!(w.as_str(), "freeze" | "freezes" | "frozen" | "blackout"));
    freezes && !words.iter().any(|w| matches!(w.as_str(), "pip" | "api" | "feature" | "schema" | "string"))
}

fn starts_by_tag(repository: &Repository) -> Option<Span> {
    let flow = &repository.flow;
    let roots = deploys(repository, Stage::Production).into_iter().map(|n| flow.run(n).root);
    let mut triggers = roots.flat_map(|root| &repository.facts.pipelines[root].triggers);
    let starts = |t: TriggerKind| matches!(t, TriggerKind::Tag | TriggerKind::Release);
    triggers.find(|t| starts(t.trigger)).map(|t| t.place)
}
