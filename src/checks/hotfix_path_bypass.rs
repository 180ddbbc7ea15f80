//! Compares what stands before a production deploy on the urgent way with what stands on the usual one.

use super::gates::{confidence, deploys, words};
use crate::facts::{EffectKind, Node, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let all = deploys(repository, Stage::Production);
    let (urgent, usual): (Vec<Node>, Vec<Node>) = all.into_iter().partition(|&n| is_urgent(repository, n));
    let Some((best, guards)) = usual.iter().map(|&n| (n, guards(repository, n))).max_by_key(|(_, g)| g.len())
    else {
        return;
    };
    for node in urgent {
        let job = flow.job(node, pipelines);
        let own = self::guards(repository, node);
        let missing: Vec<&str> = guards.keys().filter(|g| !own.contains_key(*g)).map(|g| g.name()).collect();
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

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
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

/// What stands before a run, and where.
fn guards(repository: &Repository, node: Node) -> BTreeMap<Guard, Node> {
    let flow = &repository.flow;
    let mut found = BTreeMap::new();
    for earlier in flow.before(node).into_iter().chain([node]) {
        for effect in &flow.run(earlier).effects {
            let guard = match effect.effect {
                EffectKind::Test => Guard::Tests,
                EffectKind::Scan => Guard::Scan,
                _ => continue,
            };
            found.entry(guard).or_insert(earlier);
        }
        if earlier != node && flow.has_effect(earlier, EffectKind::Deploy, Some(Stage::Staging)) {
            found.entry(Guard::Staging).or_insert(earlier);
        }
    }
    if !flow.gates(node, &repository.facts.pipelines).is_empty() {
        found.insert(Guard::Approval, node);
    }
    found
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
