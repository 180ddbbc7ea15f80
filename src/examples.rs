//! Runs a rule's own examples: the built-in rules' tests, and `plimsoll test` for users' rules.

use crate::facts::Repository;
use crate::finding::{Finding, FindingKind, Severity};
use crate::lexicon::Lexicon;
use crate::rule::{Catalog, Example, Expected, GitState, Rule};
use crate::source::{self, Branches, Moment, PastFile, Snapshot, Source, Tag, Target};
use crate::text::{FileId, LineIndex, Span, decode};
use std::collections::{BTreeMap, BTreeSet};

/// Runs one example of `rule`. `others` are rules that must not report errors on a good example that
/// does not name them in `also`. Returns what differs from the expectation; empty if nothing does.
pub fn run(rule: &Rule, others: &Catalog, example: &Example) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut source = match open(example) {
        Ok(source) => source,
        Err(error) => return vec![format!("the example cannot be opened: {error}")],
    };
    let mut catalog = others.clone();
    catalog.active.retain(|a| a.rule.id != rule.id);
    let mut all: Vec<Rule> = catalog.active.into_iter().map(|a| a.rule).collect();
    all.push(rule.clone());
    let catalog = Catalog::new(all);
    let lexicon = match lexicon(example, &catalog) {
        Ok(lexicon) => lexicon,
        Err(error) => return vec![format!("the example's policy cannot be used: {error}")],
    };
    let parameters = match crate::policy::parameters(example.policy.as_deref().unwrap_or("")) {
        Ok(parameters) => parameters,
        Err(error) => return vec![format!("the example's policy cannot be used: {error}")],
    };
    let (repository, verdicts) = crate::judge(&mut source, &lexicon, &catalog, &parameters);
    let kind = example.kind.as_deref().and_then(FindingKind::from_name).unwrap_or(FindingKind::Fail);
    for verdict in &verdicts {
        if verdict.crashed {
            complaints.push(format!("the rule `{}` panicked", verdict.rule));
        }
        if verdict.rule == rule.id {
            let shown: Vec<&Finding> = if example.bad {
                verdict.findings.iter().filter(|f| f.kind == kind).collect()
            } else {
                verdict.findings.iter().collect()
            };
            compare(example, &repository, &source, &shown, &mut complaints);
        } else if !example.bad && !example.also.contains(&verdict.rule) {
            let errors = verdict
                .findings
                .iter()
                .filter(|f| f.kind == FindingKind::Fail && f.severity == Severity::Error);
            for finding in errors {
                let at = describe(&source, &repository, finding.place);
                complaints.push(format!(
                    "the rule `{}` reports an error here too, at {at}: {}",
                    verdict.rule, finding.message
                ));
            }
        }
    }
    complaints
}

fn open(example: &Example) -> Result<Source, source::Error> {
    let files = example.files.iter().map(|f| f.file.clone()).collect();
    source::open(&Target::Memory { files, git: Some(git(example)) }, &source::Options::default())
}

fn git(example: &Example) -> source::GitState {
    let state: &GitState = &example.git;
    let past = example.past.iter().enumerate().map(|(number, file)| PastFile {
        path: file.file.path.clone(),
        bytes: file.file.bytes.clone(),
        commit: format!("{number:040x}"),
        date: Moment::parse("2026-01-01"),
    });
    let id = |number: usize| format!("{number:040x}");
    let commits: Vec<source::Commit> = state
        .commits
        .iter()
        .enumerate()
        .map(|(number, commit)| source::Commit {
            id: id(0x1000 + number),
            date: Moment::parse(&commit.date),
            message: commit.message.clone(),
            files: commit.files.iter().map(|f| (f.clone(), source::Difference::Modified)).collect(),
            ..source::Commit::default()
        })
        .rev()
        .collect();
    let held = |commit: String, unmerged: bool, holds: &BTreeMap<String, String>| Snapshot {
        commit,
        unmerged,
        files: holds.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect(),
    };
    let mut snapshots: Vec<Snapshot> = Vec::new();
    let mut tags: Vec<Tag> = Vec::new();
    for (number, tag) in state.tags.iter().enumerate() {
        let date = Moment::parse(&tag.date);
        // A tag marks what was the newest commit on its day.
        let marked = commits.iter().find(|c| c.date <= date && !tag.unmerged).map(|c| c.id.clone());
        let commit = marked.unwrap_or_else(|| id(0x100 + number));
        snapshots.push(held(commit.clone(), tag.unmerged, &tag.holds));
        let name = tag.name.clone();
        tags.push(Tag { name, commit: Some(commit), annotated: true, date, ..Tag::default() });
    }
    for (number, commit) in state.commits.iter().enumerate().filter(|(_, c)| !c.holds.is_empty()) {
        snapshots.push(held(id(0x1000 + number), false, &commit.holds));
    }
    source::GitState {
        branches: Branches {
            current: Some("main".into()),
            default: Some("main".into()),
            ..Branches::default()
        },
        tags,
        commits,
        snapshots,
        past: past.collect(),
        released: state.release.as_ref().map(|release| source::ReleasedFiles {
            name: release.tag.clone(),
            tagged: true,
            same: release.same.clone(),
            files: release.files.iter().map(|(p, text)| (p.clone(), text.clone().into_bytes())).collect(),
        }),
        shallow: state.shallow,
        today: state.today.as_deref().and_then(Moment::parse),
        ..source::GitState::default()
    }
}

fn lexicon(example: &Example, catalog: &Catalog) -> Result<Lexicon, String> {
    let mut lexicon = Lexicon { patterns: catalog.text_patterns(), ..Lexicon::default() };
    if let Some(policy) = &example.policy {
        lexicon.environments = crate::policy::environments(policy)?;
    }
    Ok(lexicon)
}

fn compare(
    example: &Example,
    repository: &Repository,
    source: &Source,
    findings: &[&Finding],
    complaints: &mut Vec<String>,
) {
    let mut wanted: BTreeSet<Span> = BTreeSet::new();
    let mut wanted_related: BTreeSet<Span> = BTreeSet::new();
    let of_past = |path: &str| {
        let files = &repository.history.as_ref()?.files;
        files.iter().find(|f| f.path == path).map(|f| f.place.file)
    };
    let files = example.files.iter().map(|file| (file, source.id(&file.file.path)));
    let past = example.past.iter().map(|file| (file, of_past(&file.file.path)));
    for (file, id) in files.chain(past) {
        let Some(id) = id else {
            if !file.expected.is_empty() {
                complaints.push(format!("nothing was found in {}", file.file.path));
            }
            continue;
        };
        for Expected { range, related } in &file.expected {
            let span = Span::new(id, range.clone());
            if *related {
                wanted_related.insert(span)
            } else {
                wanted.insert(span)
            };
        }
    }
    let whole: BTreeSet<FileId> = example.at.iter().filter_map(|path| source.id(path)).collect();
    let mut found: BTreeSet<Span> = BTreeSet::new();
    for finding in findings {
        let place = finding.place;
        let expected = wanted.contains(&place) || (whole.contains(&place.file) && place.start == 0);
        if !expected {
            let at = describe(source, repository, place);
            complaints.push(format!("an unexpected finding at {at}: {}", finding.message));
        } else if !found.insert(place) && wanted.contains(&place) {
            complaints.push(format!(
                "two findings at {}: {}",
                describe(source, repository, place),
                finding.message
            ));
        }
    }
    for missing in wanted.difference(&found) {
        complaints.push(format!("no finding at {}", describe(source, repository, *missing)));
    }
    for file in whole {
        if !found.iter().any(|s| s.file == file) {
            complaints.push(format!("no finding at the start of {}", source.path(file)));
        }
    }
    if !wanted_related.is_empty() {
        let related: BTreeSet<Span> = findings.iter().flat_map(|f| &f.related).map(|r| r.place).collect();
        for missing in wanted_related.difference(&related) {
            complaints.push(format!("no related place at {}", describe(source, repository, *missing)));
        }
        for extra in related.difference(&wanted_related) {
            complaints
                .push(format!("an unexpected related place at {}", describe(source, repository, *extra)));
        }
    }
}

/// `path:line:column `the marked text``, for the author of a rule.
fn describe(source: &Source, repository: &Repository, span: Span) -> String {
    let text = source.read(span.file, u64::MAX).ok().and_then(decode).map(|d| d.text).unwrap_or_default();
    let at = LineIndex::new(&text).line_column(&text, span.start as usize);
    let marked = text.get(span.range()).unwrap_or("");
    let secret = repository
        .facts
        .every_credential()
        .any(|c| c.place.start < span.end && span.start < c.place.end && c.place.file == span.file);
    let marked = if secret { "[REDACTED]".to_owned() } else { marked.chars().take(60).collect() };
    format!("{}:{}:{} `{}`", source.path(span.file), at.line, at.column, marked.escape_debug())
}
