//! Runs rules on a repository.

use crate::checks;
use crate::facts::Repository;
use crate::finding::{Confidence, Finding, FindingKind, Severity, Verdict};
use crate::parameters::Parameters;
use crate::rule::{Absence, Active, Catalog, Matcher};
use crate::text::Span;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Judges the repository by every active rule: one verdict per rule, in the order of their ids, each
/// verdict's findings in the order of (place, subject).
pub fn run(catalog: &Catalog, parameters: &Parameters, repository: &Repository) -> Vec<Verdict> {
    let judged = catalog.active.iter().map(|active| judge(active, parameters, repository));
    let mut verdicts: Vec<Verdict> = judged.collect();
    give_way(catalog, &mut verdicts);
    verdicts
}

/// One defect is one finding: what a rule tells of a file in which a rule that it yields to fails, no milder and no
/// less surely, becomes a related place there.
fn give_way(catalog: &Catalog, verdicts: &mut [Verdict]) {
    for (at, active) in catalog.active.iter().enumerate() {
        let knowing = &active.rule.yields_to;
        if knowing.is_empty() || verdicts[at].findings.is_empty() {
            continue;
        }
        let mut kept = Vec::new();
        for own in std::mem::take(&mut verdicts[at].findings) {
            let known = verdicts.iter_mut().filter(|v| knowing.contains(&v.rule));
            match known.flat_map(|v| &mut v.findings).find(|other| tells_more(other, &own)) {
                Some(other) => _ = other.relate(own.place, own.message),
                None => kept.push(own),
            }
        }
        verdicts[at].findings = kept;
    }
}

fn tells_more(other: &Finding, own: &Finding) -> bool {
    let there = |place: Span| place.file == own.place.file;
    other.kind == FindingKind::Fail
        && other.severity >= own.severity
        && other.confidence >= own.confidence
        && (there(other.place) || other.related.iter().any(|r| there(r.place)))
}

fn judge(active: &Active, parameters: &Parameters, repository: &Repository) -> Verdict {
    let rule = &active.rule;
    let empty = || Verdict::new(&rule.id, active.severity, rule.confidence);
    let mut verdict = empty();
    match active.absent_subject(repository) {
        Some(Absence::Excluded(why)) => {
            verdict.not_applicable(why);
            return verdict;
        }
        Some(Absence::Unseen(why)) => {
            verdict.not_judged(why);
            return verdict;
        }
        None => {}
    }
    // A rule that panics must not take the report with it; its payload may quote a file, so it is dropped.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        match &rule.matcher {
            Matcher::Text(text) => text.judge(&rule.id, repository, &mut verdict),
            Matcher::Facts(facts) => facts.judge(repository, &mut verdict),
            Matcher::Check(name) => {
                let check = checks::find(name).expect("the loader accepts known checks only");
                check(repository, parameters, &mut verdict);
            }
        }
        verdict
    }));
    let Ok(mut verdict) = outcome else {
        let mut crashed = empty();
        crashed.crashed = true;
        return crashed;
    };
    // What is said with little confidence never fails a build, and so is called no error either.
    for finding in verdict.findings.iter_mut().filter(|f| f.confidence == Confidence::Low) {
        finding.severity = finding.severity.min(Severity::Warning);
    }
    verdict.findings.sort_by(order);
    verdict.findings.dedup_by(|b, a| a.place == b.place && a.subject == b.subject && a.kind == b.kind);
    verdict
}

fn order(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    (a.place, &a.subject, a.kind).cmp(&(b.place, &b.subject, b.kind))
}
