//! Infrastructure code that a pipeline applies without having looked at it before.

use super::delivery::{Wanted, doubt, outside};
use super::estate::is_apart;
use super::gates::goes_back;
use crate::facts::{Effect, EffectKind, Job, Node, Repository, TriggerKind};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What checks infrastructure code, or shows what an apply would do.
const LOOKS: Wanted = Wanted {
    effect: |e| {
        const TOOLS: &[&str] = &[
            "terraform",
            "tofu",
            "terragrunt",
            "tf",
            "pulumi",
            "cdk",
            "cdktf",
            "aws",
            "sam",
            "az",
            "gcloud",
            "bicep",
            "tflint",
            "checkov",
            "tfsec",
            "trivy",
            "terrascan",
            "kics",
            "conftest",
            "opa",
            "cfn-lint",
            "cfn_nag_scan",
            "cfn-guard",
            "kubeconform",
            "kubeval",
            "kube-linter",
            "kube-score",
            "helm",
            "helmfile",
            "kubectl",
            "kustomize",
            "polaris",
            "pluto",
            "datree",
            "pre-commit",
            "ansible-lint",
        ];
        let iac = e.detail.as_deref() == Some("iac");
        let named =
            || e.tool.split(['/', '-', '_']).any(|w| TOOLS.contains(&w)) || TOOLS.contains(&e.tool.as_str());
        iac || matches!(e.effect, EffectKind::Validate | EffectKind::Lint | EffectKind::Scan) && named()
    },
    names: &[
        "plan",
        "validate",
        "validation",
        "tflint",
        "checkov",
        "tfsec",
        "terrascan",
        "kics",
        "preview",
        "synth",
        "kubeconform",
        "kubeval",
        "conftest",
        "iac",
    ],
    lines: &[
        "terraform plan",
        "terraform validate",
        "tofu plan",
        "terragrunt plan",
        "pulumi preview",
        "cdk diff",
    ],
};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let looks: BTreeMap<Node, Span> = LOOKS.anywhere(repository).into_iter().collect();
    // A change that was looked at before it was merged needs no second look.
    let of_changes = looks.iter().find(|(node, _)| {
        let root = &pipelines[flow.run(**node).root];
        let change = |k: TriggerKind| matches!(k, TriggerKind::PullRequest | TriggerKind::PullRequestTarget);
        root.triggers.iter().any(|t| change(t.trigger))
    });
    let before = flow.nearest_before(|n| looks.contains_key(&n));
    // By start, two of them: one is not the run that is asked about.
    let mut by_root: BTreeMap<usize, Vec<(Node, Span)>> = BTreeMap::new();
    for (&node, &place) in &looks {
        let all = by_root.entry(flow.run(node).root).or_default();
        if all.len() < 2 {
            all.push((node, place));
        }
    }
    let mut judged = BTreeSet::new();
    let mut any = false;
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for node in flow.with_effect(EffectKind::Provision, None) {
        let (run, job) = (flow.run(node), flow.job(node, pipelines));
        if goes_back(run) || is_apart(run.target.as_ref()) {
            continue;
        }
        let applies = |e: &&Effect| e.effect == EffectKind::Provision && !tears_down(job, e);
        let Some(at) = run.effects.iter().position(|e| applies(&e)) else { continue };
        any = true;
        let effect = &run.effects[at];
        if !judged.insert((job.place, effect.place)) {
            continue;
        }
        let own = run.effects[..at].iter().find(|e| (LOOKS.effect)(e)).map(|e| e.place);
        let beside = || {
            let all = by_root.get(&run.root).into_iter().flatten();
            all.copied().find(|(n, _)| *n != node).map(|(_, place)| place)
        };
        let before = || before.of(node).and_then(|n| looks.get(&n).copied());
        let named = || {
            looks.get(&node).copied().filter(|p| p.file != effect.place.file || p.start < effect.place.start)
        };
        if let Some(place) =
            own.or_else(before).or_else(beside).or_else(named).or(of_changes.map(|(_, p)| *p))
        {
            verdict.satisfied(place);
            continue;
        }
        if let Some(finding) = said.get(&effect.tool).and_then(|&at| verdict.findings.get_mut(at)) {
            if finding.related.len() < 10 {
                finding.relate(effect.place, "likewise");
            }
            continue;
        }
        said.insert(effect.tool.clone(), verdict.findings.len());
        let message = format!(
            "Job `{}` applies infrastructure with `{}`, and nothing before it validates or plans it",
            job.name, effect.tool
        );
        let subject = format!("apply with {}", effect.tool);
        if outside(repository).is_empty() {
            let finding = verdict.fail(effect.place, subject, message);
            finding.label("applied as it is").at_most(Confidence::Medium);
        } else {
            let finding = verdict.open(effect.place, subject, message);
            doubt(repository, finding.label("applied as it is"));
        }
    }
    if !any {
        verdict.not_applicable("no pipeline here applies infrastructure code");
    }
}

/// Whether the command only takes away, which nothing needs to be planned for.
pub(super) fn tears_down(job: &Job, effect: &Effect) -> bool {
    const WORDS: &[&str] = &["destroy", "delete-stack", "down", "cancel", "bootstrap"];
    let own = |p: Span| p == effect.place || p.contains(effect.place);
    let takes = |text: &str| {
        text.split([' ', '/', '-', '=']).any(|w| WORDS.contains(&w)) || text.contains("delete-stack")
    };
    let of_command = job.commands().find(|c| own(c.place));
    let of_use = job.steps.iter().filter_map(|s| s.uses.as_ref()).find(|u| own(u.place));
    of_command.is_some_and(|c| takes(&c.line))
        || of_use.is_some_and(|u| takes(&u.name) || u.inputs.iter().any(|i| takes(&i.value.value.text())))
}
