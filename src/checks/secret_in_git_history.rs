//! Credentials that the files of today no longer hold, and git does.

use super::credentials::{grade, home, is_for_tests, key, words};
use super::samples::no_worse_than;
use crate::facts::{Carrier, Leak, Leaked, Medium, Repository};
use crate::finding::{Confidence, Origin, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Secret;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // What stands in a file of today is the business of the rule for that file.
    let held = repository.facts.credentials.iter().filter(|c| home(repository, c).is_some());
    let held: BTreeSet<&Secret> = held.map(|c| &c.value).collect();
    // What hardly matters is told once for each path.
    let mut by_path: BTreeMap<&str, Vec<(&Leak, &Leaked)>> = BTreeMap::new();
    for leak in &repository.facts.leaks {
        let Some(gravest) = gravest(repository, leak) else { continue };
        if held.contains(&gravest.credential.value) {
            continue;
        }
        if grade(repository, &gravest.credential).1 == Confidence::Low {
            by_path.entry(repository.path(gravest.credential.place)).or_default().push((leak, gravest));
        } else {
            report(repository, verdict, &[(leak, gravest)]);
        }
    }
    for leaks in by_path.into_values() {
        report(repository, verdict, &leaks);
    }
}

/// The appearance that says most; of several the earliest. `None` if none of them is a defect.
fn gravest<'a>(repository: &Repository, leak: &'a Leak) -> Option<&'a Leaked> {
    let defects = leak.appearances.iter().filter(|l| home(repository, &l.credential).is_some());
    defects.rev().max_by_key(|l| grade(repository, &l.credential))
}

/// Reports leaks of one path; the first is the place.
fn report(repository: &Repository, verdict: &mut Verdict, leaks: &[(&Leak, &Leaked)]) {
    let (leak, gravest) = leaks[0];
    let credential = &gravest.credential;
    let (severity, confidence) = grade(repository, credential);
    let what = words(credential);
    let under = key(credential).map(|key| format!(" under `{key}`")).unwrap_or_default();
    let more = if leaks.len() > 1 { format!(" and {} more", leaks.len() - 1) } else { String::new() };
    let day = gravest.introduction.day().map(|day| format!(" of {day}")).unwrap_or_default();
    let still = if leak.in_head { "HEAD" } else { "history" };
    let commit = gravest.introduction.short();
    let brought = match gravest.carrier {
        Carrier::File => format!("Commit `{commit}`{day} brought"),
        Carrier::CommitMessage => format!("The message of commit `{commit}`{day} holds"),
        Carrier::TagMessage => format!("The message of a tag{day} on `{commit}` holds"),
    };
    let certainty = credential.certainty.name();
    let message = format!("{brought} a literal {what}{under} ({certainty}){more}, and {still} still has it");
    let subject = format!("{} {}", credential.credential, credential.key.as_deref().unwrap_or(""));
    let finding = if confidence == Confidence::Low {
        verdict.review(credential.place, subject.trim_end(), message)
    } else {
        verdict.fail(credential.place, subject.trim_end(), message)
    };
    finding.label(format!("{what} as it was committed")).certain(credential.certainty);
    let is_message = gravest.carrier != Carrier::File;
    no_worse_than(finding, severity.min(Severity::Error)).at_most(confidence);
    if is_for_tests(repository, credential) {
        finding.against("it lay among tests or examples, or is named after them");
    } else if credential.medium == Medium::Document && !is_message {
        finding.against("a document may show a made-up value");
    }
    let first = &leak.appearances[0];
    finding.origin = Some(Origin {
        introduction: first.introduction.clone(),
        path: repository.path(first.credential.place).to_owned(),
        carrier: first.carrier,
        in_head: leak.in_head,
        past: true,
    });
    for other in leak.appearances.iter().filter(|l| l.credential.place != credential.place) {
        finding.relate(
            other.credential.place,
            format!("the same value, in commit `{}`", other.introduction.short()),
        );
    }
    for (_, other) in &leaks[1..] {
        finding.relate(
            other.credential.place,
            format!("another one, in commit `{}`", other.introduction.short()),
        );
    }
}
