//! Findings that lie in files of other repositories: what a run over such a repository reports itself is left
//! to it; the rest comes of how this one uses the file, and is said where this one does.

use crate::engine;
use crate::facts::{Repository, Run, Stage};
use crate::finding::{Finding, FindingKind};
use crate::lexicon::Lexicon;
use crate::policy::Policy;
use crate::readers::{self, Reading};
use crate::source::Source;
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Other places that use the file, named beside the first.
const MOST_CALLERS: usize = 3;

/// Moves findings out of files of other repositories, or leaves them to those.
pub(crate) fn bring_home(
    findings: Vec<Finding>,
    source: &Source,
    repository: &Repository,
    policy: &Policy,
    jobs: usize,
) -> Vec<Finding> {
    let outside = &repository.outside;
    if outside.homes.is_empty() {
        return findings;
    }
    let mut kept = Vec::with_capacity(findings.len());
    let mut theirs: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        match outside.home(finding.place.file) {
            Some(home) => theirs.entry(home).or_default().push(finding),
            None => kept.push(finding),
        }
    }
    for (home, findings) in theirs {
        let reported = reported_by(home, &findings, source, repository, policy, jobs);
        let inside = |place: Span| repository.path(place)[outside.homes[home].prefix.len()..].to_owned();
        for finding in findings {
            let key = (finding.rule.clone(), finding.kind, inside(finding.place), at(finding.place));
            if !reported.contains(&key) {
                kept.extend(moved(finding, home, repository));
            }
        }
    }
    kept.sort_by(|a, b| (&a.rule, a.place, &a.subject, a.kind).cmp(&(&b.rule, b.place, &b.subject, b.kind)));
    kept.dedup_by(|b, a| (&a.rule, a.place, &a.subject, a.kind) == (&b.rule, b.place, &b.subject, b.kind));
    kept
}

/// A rule, what it states, and where.
type Statement = (String, FindingKind, String, (u32, u32));

fn at(place: Span) -> (u32, u32) {
    (place.start, place.end)
}

/// What a run over the other repository says of the files that are used here.
fn reported_by(
    home: usize,
    findings: &[Finding],
    source: &Source,
    repository: &Repository,
    policy: &Policy,
    jobs: usize,
) -> BTreeSet<Statement> {
    let Ok(mut there) = source.at_home(home) else { return BTreeSet::new() };
    let outside = &repository.outside;
    let used = outside.files.iter().zip(&outside.homes_of).filter(|(_, of)| **of == home);
    let prefix = outside.homes[home].prefix.len();
    let only: BTreeSet<FileId> = used.filter_map(|(file, _)| there.id(&file.path[prefix..])).collect();
    let mut catalog = policy.catalog.clone();
    catalog.active.retain(|active| findings.iter().any(|finding| finding.rule == active.rule.id));
    let lexicon = Lexicon { patterns: catalog.text_patterns(), ..policy.lexicon() };
    let options = readers::Options { lexicon: &lexicon, jobs, only: Some(&only) };
    let judged = readers::read(&mut there, &options, &Reading::default());
    let verdicts = engine::run(&catalog, &policy.parameters, &judged);
    let findings = verdicts.into_iter().flat_map(|verdict| verdict.findings);
    findings.map(|f| (f.rule, f.kind, judged.path(f.place).to_owned(), at(f.place))).collect()
}

/// The finding at the place that brought the file in; `None` if there is no place to say it at.
fn moved(mut finding: Finding, home: usize, repository: &Repository) -> Option<Finding> {
    let outside = &repository.outside;
    let place = finding.place;
    let callers = outside.callers(place.file);
    let meant = caller_meant(&finding, repository);
    let mut own = repository.facts.pipelines.iter().map(|pipeline| pipeline.place);
    let first = meant
        .or_else(|| callers.first().copied())
        .or_else(|| own.find(|place| outside.home(place.file).is_none()));
    finding.place = first.or_else(|| repository.files.first().map(|file| file.place))?;
    let label =
        std::mem::replace(&mut finding.label, format!("brings `{}` in", outside.homes[home].reference));
    finding.relate(place, if label.is_empty() { "here".to_owned() } else { label });
    let others = callers.iter().filter(|caller| **caller != finding.place);
    for caller in others.take(MOST_CALLERS).collect::<Vec<_>>() {
        finding.relate(*caller, "used here, too");
    }
    Some(finding)
}

/// Of several calls of a pipeline, the one that brings about what the finding speaks of: a deploy to production is
/// not said at the call for staging.
fn caller_meant(finding: &Finding, repository: &Repository) -> Option<Span> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let stage =
        [Stage::Production, Stage::Staging].into_iter().find(|s| finding.message.contains(s.name()))?;
    let goes = |run: &Run| {
        let mut targets = run.effects.iter().filter_map(|e| e.target.as_ref()).chain(&run.target);
        targets.any(|target| target.may_be(stage))
    };
    let inside = |run: &&Run| pipelines[run.pipeline].jobs[run.job].body.contains(finding.place);
    let mut runs = flow.runs().iter().filter(inside).filter(|run| goes(run));
    runs.find_map(|run| {
        let mut caller = run.caller;
        while let Some(node) = caller {
            let job = flow.job(node, pipelines);
            if repository.outside.home(job.place.file).is_none() {
                return job.calls.as_ref().map(|call| call.place);
            }
            caller = flow.run(node).caller;
        }
        None
    })
}
