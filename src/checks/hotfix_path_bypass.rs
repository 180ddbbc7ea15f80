//! Compares what stands before a production deploy on the urgent way with what stands on the usual one.

use super::gates::{confidence, deploys, words};
use crate::facts::{EffectKind, Flow, Held, Nearest, Node, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let all = deploys(repository, Stage::Production);
    let (urgent, usual): (Vec<Node>, Vec<Node>) = all.into_iter().partition(|&n| is_urgent(repository, n));
    if urgent.is_empty() {
        return;
    }
    let guards = Guards::new(repository);
    let Some((best, usual)) = usual.iter().map(|&n| (n, guards.of(n))).max_by_key(|(_, g)| g.len()) else {
        return;
    };
    for node in urgent {
        let job = flow.job(node, pipelines);
        let own = guards.of(node);
        let missing: Vec<&str> = usual.iter().filter(|g| !own.contains(g)).map(|g| g.name()).collect();
        // If staging alone is missing, the rule on staging says so.
        if missing.iter().all(|m| *m == "staging") {
            verdict.satisfied(job.place);
            continue;
        }
        let message = format!(
            "The urgent way to production, job `{}`, leaves out what the usual one has: {}",
            job.name,
            missing.join(", ")
        );
        let finding = verdict.fail(job.place, format!("job {}", job.id), message);
        finding.at_most(confidence(flow.run(node), Stage::Production).min(Confidence::Medium));
        finding.label("deploys urgently");
        finding.relate(flow.job(best, pipelines).place, "the usual way");
    }
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Guard {
    Tests,
    Scan,
    Staging,
    Approval,
}

impl Guard {
    fn name(self) -> &'static str {
        match self {
            Guard::Tests => "tests",
            Guard::Scan => "a security scan",
            Guard::Staging => "staging",
            Guard::Approval => "an approval",
        }
    }
}

/// What stands before every run.
struct Guards<'r> {
    flow: &'r Flow,
    tests: Nearest,
    scans: Nearest,
    staging: Nearest,
    held: Held<'r>,
}

impl Guards<'_> {
    fn new(repository: &Repository) -> Guards<'_> {
        let flow = &repository.flow;
        let does = |effect| move |n: Node| flow.has_effect(n, effect, None);
        Guards {
            flow,
            tests: flow.nearest_before(does(EffectKind::Test)),
            scans: flow.nearest_before(does(EffectKind::Scan)),
            staging: flow.nearest_before(|n| flow.has_effect(n, EffectKind::Deploy, Some(Stage::Staging))),
            held: flow.held(&repository.facts.pipelines, |_| true),
        }
    }

    /// What stands before the run, or in it.
    fn of(&self, node: Node) -> Vec<Guard> {
        let stands = [
            (Guard::Tests, self.tests.any(node) || self.flow.has_effect(node, EffectKind::Test, None)),
            (Guard::Scan, self.scans.any(node) || self.flow.has_effect(node, EffectKind::Scan, None)),
            (Guard::Staging, self.staging.any(node)),
            (Guard::Approval, self.held.any(node)),
        ];
        stands.into_iter().filter(|(_, stands)| *stands).map(|(guard, _)| guard).collect()
    }
}

/// Whether a branch, a name or a condition says that it is for emergencies.
fn is_urgent(repository: &Repository, node: Node) -> bool {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let run = flow.run(node);
    let job = flow.job(node, pipelines);
    let root = &pipelines[run.root];
    let pushed: Vec<&str> =
        root.triggers.iter().flat_map(|t| &t.branches).map(|b| b.value.as_str()).collect();
    let says = |text: &str| {
        words(text).iter().any(|w| matches!(w.as_str(), "hotfix" | "hotfixes" | "emergency" | "urgent"))
    };
    says(&job.id)
        || says(&job.name)
        || says(&root.name)
        || !pushed.is_empty() && pushed.iter().all(|b| says(b))
        || job.condition.as_ref().is_some_and(|c| {
            says(&c.text) && !c.text.contains('!') && !c.text.contains("||") && !c.text.contains("otherwise")
        })
}
