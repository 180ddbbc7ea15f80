//! Joins what builds and tests to what starts it: does a change of the default branch get either?

use super::delivery::{Wanted, doubt, entries};
use crate::facts::{EffectKind, EvidenceKind, Pipeline, Proof, Repository, TriggerKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

const CHECKS: Wanted = Wanted {
    effect: |e| matches!(e.effect, EffectKind::Test | EffectKind::Build),
    names: &["test", "tests", "testing", "build", "builds", "ci", "unit", "compile"],
    lines: &[],
};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let git = repository.git.as_ref();
    let default = git.and_then(|g| g.branches.default.clone().or(g.branches.current.clone()));
    let is_main = |pattern: &str| match &default {
        Some(name) => covers_branch(pattern, name),
        None => true,
    };
    let reaches = |pipeline: &Pipeline| {
        use TriggerKind::{PullRequest, PullRequestTarget, Push};
        // Some services are told what starts a pipeline elsewhere.
        let unknown = pipeline.triggers.iter().all(|t| t.trigger == TriggerKind::Other);
        unknown
            || pipeline.triggers.iter().any(|t| {
                matches!(t.trigger, Push | PullRequest | PullRequestTarget)
                    && (t.branches.is_empty() || t.branches.iter().any(|b| is_main(&b.value)))
            })
    };
    let pipelines = &repository.facts.pipelines;
    let mut apart: BTreeSet<usize> = BTreeSet::new();
    for (node, _) in CHECKS.anywhere(repository) {
        let run = repository.flow.run(node);
        if reaches(&pipelines[run.root]) {
            return verdict.satisfied(pipelines[run.root].place);
        }
        apart.insert(run.root);
    }
    let starts: BTreeSet<Span> = entries(repository).map(|p| p.place).collect();
    let mut apart = apart.into_iter().map(|i| &pipelines[i]).filter(|p| starts.contains(&p.place));
    let Some(first) = apart.next() else { return };
    let branch = default.as_deref().map_or("the default branch".to_owned(), |name| format!("`{name}`"));
    let message = format!(
        "`{}` builds or tests, but neither a push to {branch} nor a pull request starts it",
        repository.path(first.place)
    );
    let place = first.triggers.first().map_or(first.place, |t| t.place);
    // Tests that the server waits for may run elsewhere.
    let answer = match repository.is_verified() {
        Proof::Unknown => {
            let no = repository.gitlab_says_no(EvidenceKind::GitlabProject, |p| p.checks);
            no.map_or(Proof::Unknown, Proof::No)
        }
        known => known,
    };
    let finding = match answer {
        Proof::Yes(at) => return verdict.satisfied(at),
        Proof::No(at) => {
            let finding = verdict.fail(place, "default branch", message);
            finding.relate(at, "the server's settings wait for no test")
        }
        Proof::Unknown => verdict.open(place, "default branch", message),
    };
    finding.label("what starts it");
    for other in apart.take(5) {
        finding.relate(other.place, "nor this one");
    }
    doubt(repository, finding);
}

/// Whether a branch filter takes a branch in: `main`, `ma*`, `**`, `/^main$/`.
fn covers_branch(pattern: &str, branch: &str) -> bool {
    if pattern.starts_with('!') {
        return false;
    }
    let pattern = pattern.trim_start_matches("refs/heads/");
    if let Some(expression) = pattern.strip_prefix('/') {
        let expression = expression.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end_matches('/');
        return regex::Regex::new(expression).is_ok_and(|r| r.is_match(branch));
    }
    let stem = pattern.split(['*', '?', '[', '{', '+']).next().unwrap_or("");
    pattern == branch
        || stem.len() < pattern.len() && branch.starts_with(stem)
        || pattern.contains('$')
        || regex::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|r| r.is_match(branch))
}
