//! How many people must agree before production, as far as files show it.

use super::delivery::ways;
use crate::facts::{GateKind, Repository, Stage, Value};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;

/// Numbers of approvals by the names that building blocks and Terraform give them.
const COUNTS: &[&str] = &[
    "minimum-approvals",
    "required_approvals",
    "minimum_required_approvers",
    "required_approval_count",
    "approvals_required",
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let wanted = parameters.production_approvers.value().0;
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut shown = false;
    let say = |n: u32| {
        format!(
            "{n} approval{}, where {wanted} {} asked for",
            if n == 1 { "" } else { "s" },
            if wanted == 1 { "is" } else { "are" }
        )
    };
    for resource in repository
        .facts
        .resources
        .iter()
        .filter(|r| r.sort.contains("environment") || r.sort.contains("check_approval"))
    {
        // Of which environment it speaks, its name or one of its values tells.
        let about = resource.entries.iter().filter_map(|e| e.setting.known()).chain(resource.name.known());
        let production = resource.target.as_ref().is_some_and(|t| t.is(Stage::Production))
            || about.into_iter().any(|v| repository.stage_of(v) == Some(Stage::Production));
        for entry in COUNTS.iter().flat_map(|c| resource.entries_ending(c)).filter(|_| production) {
            let Some(count) = entry.setting.known().and_then(|v| v.parse::<u32>().ok()) else { continue };
            shown = true;
            judge(verdict, entry.place, count >= wanted, format!("resource {}", resource.title()), || {
                format!("`{}` lets a production deploy go on after {}", resource.title(), say(count))
            });
        }
    }
    for way in ways(repository, Stage::Production) {
        let mut told = false;
        for &node in &way.to {
            for step in &flow.job(node, pipelines).steps {
                let Some(block) = &step.uses else { continue };
                let input = COUNTS.iter().find_map(|c| block.input(c));
                let Some(count) = input.and_then(|v| Some((v.span, number(&v.value)?))) else { continue };
                (told, shown) = (true, true);
                judge(verdict, count.0, count.1 >= wanted, format!("step {}", block.name), || {
                    format!("Step `{}` lets a production deploy go on after {}", step.name, say(count.1))
                });
            }
        }
        let job = way.job(repository);
        let gates = flow.gates(way.deploys[0], pipelines);
        let people = gates.iter().filter(|(g, _)| g.gate == GateKind::Blocking).count();
        if told || shown || gates.is_empty() {
            // Without any gate another rule speaks.
            continue;
        }
        if people as u64 >= u64::from(wanted) || wanted <= 1 {
            verdict.satisfied(job.place);
            continue;
        }
        let target = flow.run(way.deploys[0]).target.as_ref();
        if let Some((approvals, place)) =
            target.and_then(|t| repository.approvals(way.pipeline.dialect, &t.name)).filter(|(n, _)| *n > 0)
        {
            // The environment's own gate is one of those that were counted.
            let all = u32::try_from(people).unwrap_or(u32::MAX).saturating_add(approvals - 1);
            if all >= wanted {
                verdict.satisfied(place);
                continue;
            }
            let message = format!("Job `{}` deploys to production after {}", job.name, say(all));
            let finding = verdict.fail(gates[0].0.place, format!("job {}", job.id), message);
            finding.label("too few must agree").relate(place, "what the server asks for");
            finding.relate(job.place, "deploys to production");
            continue;
        }
        let message = format!(
            "Nothing here shows that {wanted} people approve what job `{}` deploys to production",
            job.name
        );
        let finding = verdict.open(gates[0].0.place, format!("job {}", job.id), message);
        finding.label("how many must agree here, the server knows");
        finding.relate(job.place, "deploys to production");
    }
}

fn judge(
    verdict: &mut Verdict,
    place: Span,
    enough: bool,
    subject: String,
    message: impl FnOnce() -> String,
) {
    if enough {
        verdict.satisfied(place);
    } else {
        verdict.fail(place, subject, message()).label("too few");
    }
}

fn number(value: &Value<String>) -> Option<u32> {
    value.known()?.trim().parse().ok()
}
