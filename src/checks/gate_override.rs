//! Joins what whoever starts a pipeline may choose to the gates that the choice switches off.

use super::gates::{confidence, deploys, effects_of, is_gate, shipping};
use super::samples::no_worse_than;
use crate::facts::{
    Condition, Dialect, EffectKind, Input, Job, Pipeline, Repository, Stage, Step, TriggerKind,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::cell::LazyCell;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    // A choice that one pipeline hands to the next is one way around, not two.
    let mut reported: BTreeMap<String, usize> = BTreeMap::new();
    let shipping = shipping(repository);
    for (index, pipeline) in repository.facts.pipelines.iter().enumerate() {
        if shipping.contains(&index) {
            verdict.examined(pipeline.place);
            choices(pipeline, &mut reported, verdict);
        }
    }
    in_spite_of_failure(repository, verdict);
    admin_merges(repository, verdict);
}

/// Inputs, variables, labels and words of a commit message that switch a gate off.
fn choices(pipeline: &Pipeline, reported: &mut BTreeMap<String, usize>, verdict: &mut Verdict) {
    let inputs: Vec<&Input> = pipeline
        .triggers
        .iter()
        .filter(|t| matches!(t.trigger, TriggerKind::Manual | TriggerKind::Call))
        .flat_map(|t| &t.inputs)
        .collect();
    for (job, step, condition) in gate_conditions(pipeline) {
        for name in names_in(&condition.text) {
            if !(names_a_gate(&name) || forces(&name) && is_negated(&condition.text, &name)) {
                continue;
            }
            if let Some(&known) = reported.get(&name.to_ascii_lowercase()) {
                let known = &mut verdict.findings[known];
                if known.place != condition.place && known.related.iter().all(|r| r.place != condition.place)
                {
                    known.relate(condition.place, "what it switches off");
                }
                continue;
            }
            reported.insert(name.to_ascii_lowercase(), verdict.findings.len());
            let held = step.map_or(&job.name, |s| &s.name);
            let message = format!("`{name}` lets whoever sets it switch `{held}` off");
            let declared = inputs.iter().find(|i| i.name.eq_ignore_ascii_case(&name));
            let place = declared.map_or(condition.place, |i| i.place);
            let finding = verdict.fail(place, format!("override {name}"), message);
            finding.label("a way around the gate");
            if place != condition.place {
                finding.relate(condition.place, "what it switches off");
            }
            // There no person is asked: what starts the pipeline, mostly a file, gives the parameter.
            if pipeline.dialect == Dialect::Tekton {
                no_worse_than(finding, Severity::Warning);
                finding.at_most(Confidence::Medium);
            }
        }
    }
    for input in inputs {
        if !names_a_gate(&input.name) {
            continue;
        }
        if let Some(&known) = reported.get(&input.name.to_ascii_lowercase()) {
            let known = &mut verdict.findings[known];
            if known.place != input.place {
                known.relate(input.place, "the same choice");
            }
            continue;
        }
        reported.insert(input.name.to_ascii_lowercase(), verdict.findings.len());
        let message = format!("`{}` of `{}` offers to go around a gate", input.name, pipeline.name);
        let finding = verdict.fail(input.place, format!("override {}", input.name), message);
        finding.at_most(Confidence::Medium).label("a way around the gate");
    }
}

/// Conditions of jobs and steps that check something or wait for somebody.
fn gate_conditions(pipeline: &Pipeline) -> impl Iterator<Item = (&Job, Option<&Step>, &Condition)> {
    pipeline.jobs.iter().flat_map(|job| {
        let holds = |step: &Step| {
            effects_of(step).any(|(_, e)| {
                is_gate(e)
                    || matches!(e.effect, EffectKind::Verify | EffectKind::Approve | EffectKind::Validate)
            })
        };
        let stages = job.target.as_ref().is_some_and(|t| t.is(Stage::Staging))
            && job.effects().any(|e| e.effect == EffectKind::Deploy);
        let whole = stages || job.steps.iter().any(holds);
        let of_job = job.condition.as_ref().filter(|_| whole).map(|c| (job, None, c));
        let of_steps = job
            .steps
            .iter()
            .filter(move |s| holds(s))
            .filter_map(move |s| Some((job, Some(s), s.condition.as_ref()?)));
        of_job.into_iter().chain(of_steps)
    })
}

/// What stands before the name of a choice, in one dialect or another.
const LEADS: &[&str] = &["inputs.", "vars.", "env.", "parameters.", "params.", "variables.", "$"];

/// Names that a condition looks at: inputs, variables, and words in brackets of a commit message.
fn names_in(condition: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, lead) in LEADS.iter().flat_map(|l| condition.match_indices(l)) {
        let rest = condition[at + lead.len()..].trim_start_matches('{');
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
        if !name.is_empty() {
            found.push(name);
        }
    }
    for quote in ['\'', '"'] {
        let parts = condition.split(quote).skip(1).step_by(2);
        found
            .extend(parts.filter(|t| names_a_gate(t) && t.len() < 40 && !t.contains('{')).map(str::to_owned));
    }
    found
}

/// `skip_tests`, `bypass-checks`, `[skip-staging]`: says both that something is left out and what.
fn names_a_gate(name: &str) -> bool {
    let words = words_of(name);
    let Some(at) = words.iter().position(|w| {
        matches!(
            w.as_str(),
            "skip" | "bypass" | "ignore" | "disable" | "override" | "without" | "no" | "omit"
        )
    }) else {
        return false;
    };
    words[at + 1..].iter().any(|w| {
        matches!(
            w.trim_end_matches('s'),
            "test"
                | "check"
                | "lint"
                | "scan"
                | "gate"
                | "approval"
                | "staging"
                | "validation"
                | "verification"
                | "smoke"
                | "qa"
                | "review"
                | "e2e"
        )
    })
}

/// Names that only say that something is forced.
fn forces(name: &str) -> bool {
    let words = words_of(name);
    let first = words.first().map(String::as_str);
    matches!(first, Some("force" | "bypass" | "override" | "emergency" | "urgent" | "hotfix"))
}

/// Whether the condition holds when the choice is *not* made: else it asks for more, not for less.
fn is_negated(condition: &str, name: &str) -> bool {
    let text: String = condition.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '"')).collect();
    text.match_indices(name).any(|(at, _)| {
        let behind = &text[at + name.len()..];
        let before = text[..at]
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$' | '{'));
        let behind = behind.trim_start_matches(['}', ']', ')']);
        ["!", "not(", "unless:<<"].iter().any(|lead| before.ends_with(lead))
            || ["!=true", "==false", "==true,when:never"].iter().any(|rest| behind.starts_with(rest))
            || before.ends_with("eq(") && behind.starts_with(",false")
            || before.ends_with("ne(") && behind.starts_with(",true")
    })
}

fn words_of(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut lower = false;
    for c in name.chars().take(128) {
        if lower && c.is_ascii_uppercase() {
            spaced.push('-');
        }
        lower = c.is_ascii_lowercase();
        spaced.push(c);
    }
    super::gates::words(&spaced)
}

/// Production deploys that run although what they wait for has failed.
fn in_spite_of_failure(repository: &Repository, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    // Where staging was skipped, another rule says so.
    let staged = LazyCell::new(|| {
        flow.nearest_before(|n| flow.has_effect(n, EffectKind::Deploy, Some(Stage::Staging)))
    });
    let gates = LazyCell::new(|| flow.nearest_before(|n| flow.run(n).effects.iter().any(is_gate)));
    for node in deploys(repository, Stage::Production) {
        let job = flow.job(node, pipelines);
        let in_spite = runs_on(job.condition.as_ref()).filter(|_| !staged.any(node));
        if let Some((condition, gate)) = in_spite.and_then(|c| Some((c, gates.of(node)?))) {
            let other = flow.job(gate, pipelines);
            let message =
                format!("Job `{}` deploys to production even if `{}` has failed", job.name, other.name);
            let finding = verdict.fail(condition.place, format!("job {}", job.id), message);
            finding.at_most(confidence(flow.run(node), Stage::Production)).label("runs after a failure, too");
            finding.relate(other.place, "what may have failed");
            continue;
        }
        let mut tested = None;
        for step in &job.steps {
            let ships = step.all_effects().any(|e| e.effect == EffectKind::Deploy);
            if let (Some(condition), true, Some(gate)) = (runs_on(step.condition.as_ref()), ships, tested) {
                let message = format!(
                    "Step `{}` deploys to production even if the tests before it have failed",
                    step.name
                );
                let finding =
                    verdict.fail(condition.place, format!("job {} step {}", job.id, step.name), message);
                finding.label("runs after a failure, too");
                finding.relate(gate, "what may have failed");
                break;
            }
            tested = tested.or(step.all_effects().find(|e| is_gate(e)).map(|e| e.place));
        }
    }
}

/// The condition, if it holds after failures and does not ask how what came before has ended.
fn runs_on(condition: Option<&Condition>) -> Option<&Condition> {
    condition.filter(|c| {
        c.always
            && !c.never
            && !c.text.contains(".result")
            && !c.text.contains("!failure()")
            && !c.text.contains("success()")
    })
}

fn admin_merges(repository: &Repository, verdict: &mut Verdict) {
    for (owner, command) in repository.commands() {
        let tool = command.program.as_str();
        if tool == "gh"
            && command.arg(0) == Some("pr")
            && command.arg(1) == Some("merge")
            && command.has_flag(&["--admin"])
        {
            let name = match owner {
                crate::facts::Owner::Step { job, .. } => format!("job {}", job.id),
                crate::facts::Owner::Script(script) => format!("script {}", script.name),
            };
            let message = format!("`gh pr merge --admin` in {name} merges past the required checks");
            verdict
                .fail(command.place, format!("admin-merge {name}"), message)
                .label("required checks do not hold here");
        }
    }
}
