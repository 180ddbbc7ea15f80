//! The version of the newest release against the grammar that the policy asks for, wherever it is written.

use super::releases::{anchor, component, judged, newest_note, notes, same, stated, tagged};
use crate::facts::release::main_component;
use crate::facts::{Release, Repository};
use crate::finding::{Confidence, Verdict};
use crate::lexicon::versions::{Dated, Version, semver_fault};
use crate::parameters::{Parameters, VersionScheme};
use crate::text::Span;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A tag is set within so many minutes of the time that its name tells; clocks and daylight saving are let pass.
const MOST_MINUTES: i64 = 120;

/// Components that had no release in the year before the newest are history.
const YEAR: i64 = 366 * 24 * 3600;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let Some(&scheme) = parameters.version_scheme.value() else { return };
    let all = tagged(repository);
    let fault = |text: &str| match scheme {
        VersionScheme::Semver => semver_fault(text),
        VersionScheme::Dated => Dated::parse(text).err(),
    };
    // A dated version tells by itself which is the newest; otherwise an older line may have been tagged last.
    let last = || {
        let main = main_component(&all)?;
        all.iter().find(|r| r.name.component == main && !r.name.version.is_pre())
    };
    let tag = if scheme == VersionScheme::Dated { last() } else { judged(&all) };
    let notes = notes(repository);
    let note = newest_note(repository, &notes).filter(|n| n.version.is_some());
    // What is written of another release than the newest is judged by no rule of form.
    let of_newest = |text: &str| tag.is_none_or(|t| same(text, t.name.text) || is_after(text, t));
    let mut wrong: Vec<(Span, String, &str)> = Vec::new();
    let mut right: Vec<Span> = Vec::new();
    for stated in stated(repository) {
        // Package managers refuse the dated form; there SemVer may stand beside it.
        let package = stated.source != crate::facts::VersionSource::VersionFile;
        let early = Version::parse(&stated.version).is_none_or(|v| v.is_pre() || v.is_placeholder());
        if scheme == VersionScheme::Dated && package || early || !of_newest(&stated.version) {
            continue;
        }
        match fault(&stated.version) {
            Some(why) => wrong.push((stated.place, stated.version.clone(), why)),
            None => right.push(stated.place),
        }
    }
    if let Some((note, version)) = note.and_then(|n| Some((n, n.version.clone()?)))
        && of_newest(&version)
        && !note.parsed().is_some_and(|v| v.is_pre())
    {
        match fault(&version) {
            Some(why) => wrong.push((note.place, version, why)),
            None => right.push(note.place),
        }
    }
    if let Some(tag) = tag.filter(|t| !t.name.version.is_pre()) {
        let at = anchor(repository, tag.name.text);
        match (fault(tag.name.text), at) {
            (Some(why), Some(place)) => {
                let place = wrong.first().map_or(place, |(place, ..)| *place);
                wrong.retain(|(p, ..)| *p != place);
                wrong.insert(0, (place, format!("{}` of tag `{}", tag.name.text, tag.tag.name), why));
            }
            (None, Some(place)) if scheme == VersionScheme::Dated => {
                against_the_clock(parameters, &all, tag, place, verdict);
                right.push(place);
            }
            (None, Some(place)) => right.push(place),
            (_, None) => {}
        }
    }
    if tag.is_none() && main_component(&all).is_none() {
        components(repository, &all, &fault, scheme, verdict);
    }
    let Some((place, text, why)) = wrong.first() else {
        right.into_iter().for_each(|place| verdict.satisfied(place));
        return;
    };
    let of = match component(&all) {
        "" => String::new(),
        name => format!(" of `{name}`"),
    };
    let message = format!("Version `{text}`{of} is not {}: it {why}", form(scheme));
    let finding = verdict.fail(*place, "version form", message);
    // A tag that no file speaks of is told of beside another version.
    let here = |version: &str| tag.is_none_or(|t| same(version, t.name.text) || is_after(version, t));
    let other = stated(repository).any(|v| v.place == *place && !here(&v.version));
    finding.label(if other { "not here, but in the tag" } else { "the newest release" });
    for (place, ..) in wrong.iter().skip(1) {
        finding.relate(*place, "the same here");
    }
}

fn form(scheme: VersionScheme) -> &'static str {
    match scheme {
        VersionScheme::Semver => "Semantic Versioning",
        VersionScheme::Dated => "`VV.DDMMYYYY.HHMM`",
    }
}

fn is_after(text: &str, tag: &Release<'_>) -> bool {
    Version::parse(text).is_some_and(|v| v > tag.name.version)
}

/// Components that are released side by side, each by its newest release.
fn components<'r>(
    repository: &Repository,
    all: &[Release<'r>],
    fault: &dyn Fn(&str) -> Option<&'static str>,
    scheme: VersionScheme,
    verdict: &mut Verdict,
) {
    let last = all.first().and_then(Release::seconds);
    let recent = all.iter().filter(|r| r.seconds() >= last.map(|s| s - YEAR));
    let mut names: Vec<&str> = recent.map(|r| r.name.component).collect();
    names.sort_unstable();
    names.dedup();
    let wrong: Vec<(&Release<'r>, &str)> = names
        .into_iter()
        .filter_map(|name| crate::facts::release::newest_of(all, name))
        .filter(|r| !r.name.version.is_pre())
        .filter_map(|r| Some((r, fault(r.name.text)?)))
        .collect();
    let Some((first, why)) = wrong.first() else { return };
    let Some(place) = anchor(repository, first.name.text) else { return };
    let more = match wrong.len() {
        1 => String::new(),
        2 => ", as is that of another component".to_owned(),
        n => format!(", as are those of {} other components", n - 1),
    };
    let message = format!("Tag `{}` is not {}: its version {why}{more}", first.tag.name, form(scheme));
    verdict.fail(place, "version form", message).at_most(Confidence::Medium);
}

/// Whether the day and time of a dated version are those at which it was tagged, and no major version goes back.
fn against_the_clock(
    parameters: &Parameters,
    all: &[Release<'_>],
    tag: &Release<'_>,
    place: Span,
    verdict: &mut Verdict,
) {
    let Ok(dated) = Dated::parse(tag.name.text) else { return };
    let name = &tag.tag.name;
    if let (Some(zone), Some(seconds)) = (parameters.time_zone.value(), tag.seconds())
        && let Some(at) = local(seconds, &zone.0)
    {
        let days = (at.date() - dated.at.date()).get_days().abs();
        let minutes = minutes(at).abs_diff(minutes(dated.at)) as i64;
        if days > 1 {
            let message =
                format!("Tag `{name}` names the day {}, and was made on {}", dated.at.date(), at.date());
            verdict.fail(place, "version day", message).label("the newest release");
        } else if minutes > MOST_MINUTES {
            let (told, was) = (dated.at.strftime("%H:%M"), at.strftime("%H:%M"));
            let message = format!("Tag `{name}` names the time {told}, and was made at {was} ({zone})");
            let finding = verdict.fail(place, "version time", message);
            finding.label("the newest release").at_most(Confidence::Medium);
            finding.against("the tag may have been set some time after the release");
        }
    }
    let earlier =
        all.iter().filter(|r| r.name.component == tag.name.component && r.seconds() < tag.seconds());
    let mut dated_before = earlier.filter_map(|r| Some((r, Dated::parse(r.name.text).ok()?)));
    if let Some((before, _)) = dated_before.find(|(_, d)| d.major > dated.major) {
        let message = format!("Tag `{name}` follows `{}`, whose major version is greater", before.tag.name);
        verdict.fail(place, "version major", message).label("the newest release");
    }
}

fn local(seconds: i64, zone: &TimeZone) -> Option<DateTime> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone()).datetime())
}

/// Minutes since the year 0, near enough to compare two times of neighbouring days.
fn minutes(at: DateTime) -> i64 {
    let day = i64::from(at.date().day_of_year()) + i64::from(at.year()) * 366;
    (day * 24 + i64::from(at.hour())) * 60 + i64::from(at.minute())
}
