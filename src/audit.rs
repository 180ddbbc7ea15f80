//! The straight line from a target to a report.

use crate::dispositions::{BookError, Books, Circumstances, Disposition, Settled, settle};
use crate::engine;
use crate::facts::{Credential, FileClass, Leak, Repository};
use crate::finding::{Finding, Origin, Verdict};
use crate::lent::bring_home;
use crate::lexicon::Lexicon;
use crate::parameters::Parameters;
use crate::policy::Policy;
use crate::quote::{Quoted, quote};
use crate::readers::{self, Reading};
use crate::report::{FileCounts, HistoryCounts, Report, Revision, RuleResult};
use crate::rule::Catalog;
use crate::source::{self, Source, Target};
use crate::text::{FileId, Redactor, Secret, Span};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// What stops a run: exit code 2.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The target cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] source::Error),
    /// The baseline or the exceptions cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Book(Box<BookError>),
}

impl From<Box<BookError>> for Error {
    fn from(error: Box<BookError>) -> Error {
        Error::Book(error)
    }
}

/// How a run goes about it.
#[derive(Default)]
pub struct Options<'a> {
    /// How sources are opened.
    pub source: source::Options,
    /// Worker threads; 0 means one per core.
    pub jobs: usize,
    /// Counts what is under way, for a progress display.
    pub progress: Option<&'a Reading>,
    /// Leaves out the hashes of lines, which only SARIF writes and which cost a look at every character of the
    /// files that findings lie in.
    pub skip_line_hashes: bool,
}

/// Opens the target, reads it into facts, judges it, and settles what becomes of each finding.
///
/// `today` decides which exceptions have expired; the same target, policy and day give the same report.
pub fn audit(target: &Target, policy: &Policy, today: Date, options: &Options<'_>) -> Result<Report, Error> {
    let mut source = open(target, policy, Some(today), options)?;
    let change = Change::of(&source);
    let repository = read(&mut source, policy, options, change.opened.as_ref());
    conclude(target, policy, today, options, source, change, repository)
}

/// Like [`audit`], and reads history for credentials too: everything that refs, tags and the stash reach; with
/// `since`, only what was introduced by commits which that revision does not reach.
pub fn audit_history(
    target: &Target,
    since: Option<&str>,
    policy: &Policy,
    today: Date,
    options: &Options<'_>,
) -> Result<Report, Error> {
    let mut source = open(target, policy, Some(today), options)?;
    let past = source.past(since)?;
    let change = Change::of(&source);
    let mut repository = read(&mut source, policy, options, change.opened.as_ref());
    let lexicon = policy.lexicon();
    let how = readers::Options { lexicon: &lexicon, jobs: options.jobs, only: None };
    let silent = Reading::default();
    readers::read_past(&mut source, &past, &mut repository, &how, options.progress.unwrap_or(&silent));
    conclude(target, policy, today, options, source, change, repository)
}

fn conclude(
    target: &Target,
    policy: &Policy,
    today: Date,
    options: &Options<'_>,
    source: Source,
    change: Change,
    mut repository: Repository,
) -> Result<Report, Error> {
    repository.today = Some(today);
    repository.some_paths = matches!(target, Target::WorkTree { paths, .. } if !paths.is_empty());
    let mut verdicts = engine::run(&policy.catalog, &policy.parameters, &repository);
    let mut findings: Vec<Finding> = Vec::new();
    verdicts.iter_mut().for_each(|verdict| findings.append(&mut verdict.findings));
    let mut findings = bring_home(findings, &source, &repository, policy, options.jobs);
    findings.retain(|f| change.shows(f));
    date(&mut findings, &repository);
    let local = policy.localise(&mut findings, |f| repository.path(f.place).to_owned());
    findings.sort_by(|a, b| (a.place, &a.rule, &a.subject).cmp(&(b.place, &b.rule, &b.subject)));
    let quoted = quote(&source, &repository, findings, !options.skip_line_hashes);
    let old = if change.partial() {
        known_before(&source, policy, options, &repository, &quoted)?
    } else {
        BTreeSet::new()
    };
    let rules = policy.rules_that_ran(repository.history.is_some());
    let books = Books::open(&source, target, &rules)?;
    // Who looks at some paths only cannot tell what is unused.
    let whole = !change.partial() && !repository.some_paths;
    let on = Circumstances { rules: &rules, books: &books, old: &old, whole, today };
    let (mut settled, mut notes) = settle(quoted, &source, &repository, &on);
    conceal(&mut settled, &mut notes, &repository);
    let names = Redactor::new(repository.facts.secrets_in_paths());
    let mut report = Report {
        findings: settled,
        rules: rule_results(&policy.catalog, &verdicts),
        files: count(&repository),
        taken_for: repository.describe(policy.kind.as_deref()),
        notes: policy.notes.iter().cloned().chain(notes).collect(),
        manuals: policy.manuals.iter().map(|m| m.id.clone()).collect(),
        partial: change.partial(),
        history: repository.history.as_ref().map(|h| HistoryCounts {
            commits: h.commits,
            contents: h.contents,
            bytes: h.bytes,
        }),
        revision: revision(&source, target),
        unread: repository.unread,
    };
    report.unread.iter_mut().for_each(|unread| unread.path = names.redact(&unread.path));
    if local > 0 {
        report.notes.push(format!("[per-path] of the policy leaves out {local} findings"));
    }
    Ok(report)
}

/// Reads a source into facts and judges it by every rule of the catalogue: what examples need, and no more.
/// History is read where it is given as data.
pub fn judge(
    source: &mut Source,
    lexicon: &Lexicon,
    catalog: &Catalog,
    parameters: &Parameters,
) -> (Repository, Vec<Verdict>) {
    let options = readers::Options { lexicon, jobs: 1, only: None };
    let mut repository = readers::read(source, &options, &Reading::default());
    if source.is_past_given()
        && let Ok(past) = source.past(None)
    {
        readers::read_past(source, &past, &mut repository, &options, &Reading::default());
    }
    let today = source.git().and_then(|git| git.today()).and_then(|today| today.civil());
    repository.today = today.map(|today| today.date());
    let verdicts = engine::run(catalog, parameters, &repository);
    (repository, verdicts)
}

/// Reads a target into facts without judging it.
pub fn facts(target: &Target, policy: &Policy, options: &Options<'_>) -> Result<(Source, Repository), Error> {
    let mut source = open(target, policy, None, options)?;
    let repository = read(&mut source, policy, options, None);
    Ok((source, repository))
}

/// How many days old evidence may be.
pub(crate) fn evidence_days(policy: &Policy) -> u32 {
    policy.parameters.evidence_max_age.value().0
}

fn open(
    target: &Target,
    policy: &Policy,
    today: Option<Date>,
    options: &Options<'_>,
) -> Result<Source, Error> {
    let mut how = options.source.clone();
    how.exclude.extend(policy.exclude.iter().cloned());
    how.jobs = options.jobs;
    how.elsewhere = policy.sources.clone();
    how.deploys_in = policy.deploys_in.clone();
    how.evidence = today.map(|today| (today, evidence_days(policy))).or(how.evidence);
    Ok(source::open(target, &how)?)
}

fn read(
    source: &mut Source,
    policy: &Policy,
    options: &Options<'_>,
    only: Option<&BTreeSet<FileId>>,
) -> Repository {
    let lexicon = policy.lexicon();
    let silent = Reading::default();
    let how = readers::Options { lexicon: &lexicon, jobs: options.jobs, only };
    readers::read(source, &how, options.progress.unwrap_or(&silent))
}

/// What a staged or `--since` run looks at.
struct Change {
    /// Files whose content the change touches; `None` if everything counts.
    touched: Option<BTreeSet<FileId>>,
    /// Files to open besides those that readers claim.
    opened: Option<BTreeSet<FileId>>,
    /// Something was deleted: then what is missing may show anywhere.
    deleted: bool,
}

impl Change {
    fn of(source: &Source) -> Change {
        let touched = source.changed().cloned();
        let deleted = touched.is_some() && !source.deleted().is_empty();
        // Who asks for a change where there is none has everything judged.
        let touched = touched.filter(|touched| deleted || !touched.is_empty());
        Change { opened: touched.clone(), touched, deleted }
    }

    fn partial(&self) -> bool {
        self.touched.is_some()
    }

    fn shows(&self, finding: &Finding) -> bool {
        let Some(touched) = &self.touched else { return true };
        let mut places = finding.related.iter().map(|r| r.place.file).chain([finding.place.file]);
        self.deleted
            || places.any(|file| touched.contains(&file))
            || finding.depends.iter().any(|file| touched.contains(file))
    }
}

/// Fingerprints of findings that the trees before the change had too. A credential is new when its value
/// is: one that only moved is old, one that stands where another stood is new.
fn known_before(
    source: &Source,
    policy: &Policy,
    options: &Options<'_>,
    repository: &Repository,
    quoted: &[Quoted],
) -> Result<BTreeSet<String>, Error> {
    let mut known = BTreeSet::new();
    if quoted.is_empty() {
        return Ok(known);
    }
    // Only rules that have something to subtract from are run again.
    let rules: BTreeSet<&str> = quoted.iter().map(|q| q.finding.rule.as_str()).collect();
    let mut catalog = policy.catalog.clone();
    catalog.active.retain(|a| rules.contains(a.rule.id.as_str()));
    let mut before = policy.clone();
    before.catalog = catalog;
    let changed = source.changed().into_iter().flatten().map(|&f| source.path(f));
    let paths: BTreeSet<&str> = changed.chain(source.deleted().iter().map(String::as_str)).collect();
    let mut values: BTreeSet<Secret> = BTreeSet::new();
    let mut reported: BTreeSet<(String, Secret)> = BTreeSet::new();
    for mut base in source.bases()? {
        let only = base.iter().filter(|(_, e)| paths.contains(e.path.as_str())).map(|(id, _)| id).collect();
        let mut old = read(&mut base, &before, options, Some(&only));
        old.today = repository.today;
        values.extend(old.facts.credentials.iter().map(|c| c.value.clone()));
        let verdicts = engine::run(&before.catalog, &before.parameters, &old);
        let findings: Vec<Finding> = verdicts.into_iter().flat_map(|v| v.findings).collect();
        let mut findings = bring_home(findings, &base, &old, &before, options.jobs);
        before.localise(&mut findings, |f| old.path(f.place).to_owned());
        findings.sort_by(|a, b| (a.place, &a.rule, &a.subject).cmp(&(b.place, &b.rule, &b.subject)));
        let held = by_file(&old);
        for finding in &findings {
            let within = of_file(&held, finding.place).filter(|c| c.place.contains(finding.place));
            reported.extend(within.map(|c| (finding.rule.clone(), c.value.clone())));
        }
        known.extend(quote(&base, &old, findings, false).into_iter().map(|q| q.fingerprint));
    }
    let held = by_file(repository);
    for new in quoted {
        let (place, rule) = (new.finding.place, &new.finding.rule);
        if of_file(&held, place).any(|c| overlap(c.place, place) && !values.contains(&c.value)) {
            known.remove(&new.fingerprint);
        }
        let mut itself = of_file(&held, place).filter(|c| c.place.contains(place));
        if itself.any(|c| reported.contains(&(rule.clone(), c.value.clone()))) {
            known.insert(new.fingerprint.clone());
        }
    }
    Ok(known)
}

fn by_file(repository: &Repository) -> BTreeMap<FileId, Vec<&Credential>> {
    let mut held: BTreeMap<FileId, Vec<&Credential>> = BTreeMap::new();
    for credential in &repository.facts.credentials {
        held.entry(credential.place.file).or_default().push(credential);
    }
    held
}

fn of_file<'a>(
    held: &'a BTreeMap<FileId, Vec<&'a Credential>>,
    place: Span,
) -> impl Iterator<Item = &'a Credential> {
    held.get(&place.file).into_iter().flatten().copied()
}

/// Masks secrets in what people have written about findings.
fn conceal(settled: &mut [Settled], notes: &mut [String], repository: &Repository) {
    let reasons = settled.iter_mut().filter_map(|settled| match &mut settled.disposition {
        Some(Disposition::Allow { reason, .. }) => Some(reason),
        Some(Disposition::Exception { justification, .. }) => Some(justification),
        _ => None,
    });
    let mut texts = reasons.chain(notes).peekable();
    if texts.peek().is_some() {
        let redactor = Redactor::new(repository.facts.secrets());
        texts.for_each(|text| *text = redactor.redact(text));
    }
}

/// Says of each finding about a credential since when git holds its value.
fn date(findings: &mut [Finding], repository: &Repository) {
    let leaks = &repository.facts.leaks;
    if leaks.is_empty() {
        return;
    }
    let by_value: BTreeMap<&Secret, &Leak> =
        leaks.iter().map(|leak| (&leak.appearances[0].credential.value, leak)).collect();
    let held = by_file(repository);
    for finding in findings.iter_mut().filter(|finding| finding.origin.is_none()) {
        let values = of_file(&held, finding.place).filter(|c| c.place.contains(finding.place));
        if let Some(leak) = values.map(|c| &c.value).find_map(|value| by_value.get(value)) {
            let first = &leak.appearances[0];
            finding.origin = Some(Origin {
                introduction: first.introduction.clone(),
                path: repository.path(first.credential.place).to_owned(),
                carrier: first.carrier,
                in_head: leak.in_head,
                past: false,
            });
        }
    }
}

fn overlap(a: Span, b: Span) -> bool {
    a.file == b.file && a.start < b.end && b.start < a.end
}

fn rule_results(catalog: &Catalog, verdicts: &[Verdict]) -> Vec<RuleResult> {
    catalog
        .active
        .iter()
        .zip(verdicts)
        .map(|(active, verdict)| RuleResult {
            active: active.clone(),
            examined: verdict.examined.len(),
            satisfied: verdict.satisfied.len(),
            not_applicable: verdict.not_applicable.clone(),
            not_judged: verdict.not_judged.clone(),
            crashed: verdict.crashed,
        })
        .collect()
}

fn count(repository: &Repository) -> FileCounts {
    let mut counts = FileCounts::default();
    for file in &repository.files {
        match file.class {
            FileClass::Read => counts.read += 1,
            FileClass::Scanned => counts.scanned += 1,
            FileClass::Binary => counts.binary += 1,
            FileClass::Unread => counts.unread += 1,
            FileClass::Unopened => counts.unopened += 1,
        }
    }
    counts
}

fn revision(source: &Source, target: &Target) -> Option<Revision> {
    if !matches!(target, Target::Commit { .. }) {
        return None;
    }
    let git = source.git()?;
    let branches = git.branches().ok()?;
    Some(Revision { commit: branches.head.clone()?, branch: branches.current.clone(), remote: git.remote() })
}
