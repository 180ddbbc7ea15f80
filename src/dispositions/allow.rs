//! Inline `plimsoll: allow[rule] reason` comments: this is not the defect that the rule means.

use std::collections::{BTreeMap, BTreeSet};

use super::{Disposition, Rules};
use crate::facts::{Allow, Repository};
use crate::finding::Finding;
use crate::text::{FileId, Span};

/// The allows of a repository, ready to be asked.
pub(super) struct Allows<'a> {
    repository: &'a Repository,
    rules: &'a Rules,
    /// By file; each with the places that it covers.
    by_file: BTreeMap<FileId, Vec<Cover<'a>>>,
}

struct Cover<'a> {
    allow: &'a Allow,
    line: Span,
    /// Facts that begin on the line, if the comment stands alone above it.
    facts: Vec<Span>,
    used: BTreeSet<&'a str>,
}

impl<'a> Allows<'a> {
    pub(super) fn new(repository: &'a Repository, rules: &'a Rules) -> Allows<'a> {
        let mut by_file: BTreeMap<FileId, Vec<Cover<'a>>> = BTreeMap::new();
        let alone: BTreeSet<FileId> =
            repository.facts.allows.iter().filter(|a| a.alone).map(|a| a.place.file).collect();
        let extents = extents(repository, &alone);
        for allow in &repository.facts.allows {
            let facts = match extents.get(&allow.covers.file) {
                Some(all) if allow.alone => {
                    let from = all.partition_point(|e| e.start < allow.covers.start);
                    all[from..].iter().take_while(|e| e.start < allow.covers.end).copied().collect()
                }
                _ => Vec::new(),
            };
            let cover = Cover { allow, line: allow.covers, facts, used: BTreeSet::new() };
            by_file.entry(allow.covers.file).or_default().push(cover);
        }
        Allows { repository, rules, by_file }
    }

    /// The allow that covers this finding, if one does.
    pub(super) fn dispose(&mut self, finding: &Finding, line: impl Fn(Span) -> u32) -> Option<Disposition> {
        for cover in self.by_file.get_mut(&finding.place.file)? {
            let Some(named) = cover.allow.rules.iter().find(|r| self.rules.same(&r.value, &finding.rule))
            else {
                continue;
            };
            if !cover.reaches(finding.place) {
                continue;
            }
            cover.used.insert(&named.value);
            let Some(reason) = reason(cover.allow) else { continue };
            if self.rules.locked(&finding.rule) {
                continue;
            }
            let place = cover.allow.place;
            return Some(Disposition::Allow {
                reason: reason.to_owned(),
                place: format!("{}:{}", self.repository.path(place), line(place)),
            });
        }
        None
    }

    /// What is wrong with the allows themselves.
    pub(super) fn notes(&self, whole: bool, line: impl Fn(Span) -> u32) -> Vec<String> {
        let mut notes = Vec::new();
        for cover in self.by_file.values().flatten() {
            let place = cover.allow.place;
            let mut note = |what: String| {
                notes.push(format!("{}:{}: {what}", self.repository.path(place), line(place)));
            };
            if cover.allow.rules.is_empty() {
                note("this allow names no rule; write `plimsoll: allow[rule-id] reason`".into());
            } else if reason(cover.allow).is_none() {
                note("this allow gives no reason and has no effect; say why after the bracket".into());
            }
            for named in &cover.allow.rules {
                let id = named.value.as_str();
                if !self.rules.exists(id) {
                    match self.rules.nearest(id) {
                        Some(near) => note(format!("there is no rule `{id}`; did you mean `{near}`?")),
                        None => note(format!("there is no rule `{id}`")),
                    }
                } else if self.rules.locked(id) {
                    note(format!("the policy locks `{id}`: this allow has no effect"));
                } else if whole && self.rules.ran(id) && !cover.used.contains(id) {
                    note(format!("`{id}` finds nothing here any more: remove this allow"));
                }
            }
        }
        notes
    }
}

fn reason(allow: &Allow) -> Option<&str> {
    allow.reason.as_deref().map(str::trim).filter(|r| !r.is_empty())
}

impl Cover<'_> {
    fn reaches(&self, place: Span) -> bool {
        let begins_in = |span: &Span| span.start <= place.start && place.start < span.end.max(span.start + 1);
        // A finding at a file's end begins where the last line ends.
        begins_in(&self.line) || self.facts.iter().any(begins_in)
    }
}

/// How far facts reach in the files that have stand-alone allows, sorted by start. A job's own place is its
/// key; it reaches over its steps. A pipeline, a script and a file are no such facts: a comment at the top
/// of a file must not silence all of it.
fn extents(repository: &Repository, files: &BTreeSet<FileId>) -> BTreeMap<FileId, Vec<Span>> {
    let mut all: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    if files.is_empty() {
        return all;
    }
    let mut add = |span: Span| {
        if files.contains(&span.file) {
            all.entry(span.file).or_default().push(span);
        }
    };
    for job in repository.facts.pipelines.iter().flat_map(|p| &p.jobs) {
        add(job.steps.iter().fold(job.place, |reach, step| reach.join(step.place)));
    }
    for setting in &repository.facts.settings {
        add(setting.key_place.join(setting.place));
    }
    for kind in crate::facts::KINDS {
        if !["pipeline", "script", "file", "job", "setting"].contains(&kind.name) {
            (kind.each)(repository, &mut |item| add(item.fact.place()));
        }
    }
    for spans in all.values_mut() {
        spans.sort_unstable();
        spans.dedup();
    }
    all
}
