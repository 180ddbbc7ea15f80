//! Whether anything looks each day whether what stands is still what the code says, and tells somebody.

use super::definitions::passes;
use super::delivery::{Wanted, doubt};
use super::estate::{makes, of_production, said, standing};
use super::gates::words;
use crate::facts::{
    Command, Dialect, Effect, EffectKind, Node, Repository, Resource, Step, System, Trigger, TriggerKind, Use,
};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// Building blocks and commands that compare what stands with what the code says, by their names.
const COMPARES: Wanted = Wanted {
    effect: |_| false,
    names: &["drift", "driftctl"],
    lines: &["detect-stack-drift", "-detailed-exitcode", "--expect-no-changes", "ansible-playbook --check"],
};

/// Where a job compares what stands with what the code says.
fn compares(repository: &Repository, node: Node) -> Option<Span> {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let plans = |c: &&Command| match c.program.as_str() {
        "terraform" | "tofu" | "terragrunt" | "tf" => c.args.iter().any(|a| a.text == "plan"),
        "pulumi" => matches!(c.arg(0), Some("preview" | "refresh")),
        "cdk" => matches!(c.arg(0), Some("diff" | "drift")),
        "az" | "driftctl" => c.program == "driftctl" || c.args.iter().any(|a| a.text == "what-if"),
        _ => false,
    };
    let block = |u: &&Use| {
        let name = u.name.to_ascii_lowercase();
        ["terraform-plan", "tofu-plan", "terraform-check", "tofu-check", "terraform/plan"]
            .iter()
            .any(|n| name.contains(n))
    };
    let command = job.commands().find(plans).map(|c| c.place);
    let used = || job.steps.iter().filter_map(|s| s.uses.as_ref()).find(block).map(|u| u.place);
    command.or_else(used).or_else(|| COMPARES.shown(repository, node))
}

/// Tools whose failure says that something has changed.
const FAILS: &[&str] = &[
    "-detailed-exitcode",
    "--detailed-exitcode",
    "--expect-no-changes",
    "terraform-check",
    "driftctl",
    "--fail",
];

const WEEK: u32 = 7 * 24 * 60;

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let most = parameters.drift_max_period.value().0;
    let controlled = controllers(repository, verdict);
    let Some(subject) = subject(repository) else {
        if !controlled {
            verdict.not_applicable("no infrastructure code, and no pipeline that applies some");
        }
        return;
    };
    let flow = &repository.flow;
    let mut searches: BTreeMap<usize, Vec<(Node, Span)>> = BTreeMap::new();
    for (node, place) in flow.nodes().filter_map(|n| Some((n, compares(repository, n)?))) {
        searches.entry(flow.run(node).root).or_default().push((node, place));
    }
    let mut any = false;
    for (root, found) in &searches {
        let pipeline = &repository.facts.pipelines[*root];
        let clocks: Vec<&Trigger> =
            pipeline.triggers.iter().filter(|t| t.trigger == TriggerKind::Schedule).collect();
        if clocks.is_empty() {
            continue;
        }
        any = true;
        let gap = longest_gap(clocks.iter().flat_map(|t| t.fires.iter().map(String::as_str)));
        let clock = clocks[0].cron.as_ref().map_or(clocks[0].place, |c| c.span);
        match gap {
            Some(minutes) if minutes > most * 60 => {
                let hours = minutes.div_ceil(60);
                let message = format!(
                    "`{}` looks for drift every {hours} hours at the longest; every {most} are asked for",
                    pipeline.name
                );
                let finding = verdict.fail(clock, format!("period of drift {}", pipeline.name), message);
                finding.label("too seldom").relate(found[0].1, "looks for drift here");
            }
            _ => verdict.satisfied(clock),
        }
        alert(repository, *root, found, verdict);
    }
    if any {
        return;
    }
    // GitLab, Jenkins and others keep time tables in the service.
    let apart = searches.values().flatten().find(|(node, _)| on_a_schedule(repository, *node));
    if let Some(&(node, place)) = apart {
        let job = flow.job(node, &repository.facts.pipelines);
        let message = format!("Job `{}` looks for drift; how often is not written here", job.name);
        verdict.open(place, "period of drift", message).label("on a time table of the service");
        return alert(repository, flow.run(node).root, &[(node, place)], verdict);
    }
    let message = format!("Nothing here looks whether {}", subject.1);
    let finding = verdict.open(subject.0, "drift of infrastructure", message);
    finding.label("may be changed by hand without anybody noticing");
    if let Some((_, place)) = searches.values().flatten().next() {
        finding.relate(*place, "plans, but on no time table");
    }
    doubt(repository, finding);
}

/// What may drift: the first thing that Terraform makes, else the first job that applies infrastructure code.
fn subject(repository: &Repository) -> Option<(Span, String)> {
    // Names, passwords and notes of the tool itself stand nowhere.
    const APART: &[&str] = &["random", "null", "time", "local", "tls", "terraform", "template", "archive"];
    let made = |r: &&Resource| {
        let provider = r.sort.split('_').next().unwrap_or("");
        matches!(r.system, System::Terraform | System::CloudFormation)
            && makes(r)
            && !APART.contains(&provider)
    };
    // What production has is spoken of first.
    let mut all: Vec<&Resource> = standing(repository).filter(made).collect();
    all.sort_by_key(|r| (!of_production(r), r.block == "module", r.place));
    if let Some(resource) = all.first() {
        return Some((resource.place, format!("`{}` still stands as written", resource.title())));
    }
    let flow = &repository.flow;
    let nodes = flow.with_effect(EffectKind::Provision, None);
    let mut jobs = nodes.into_iter().map(|n| flow.job(n, &repository.facts.pipelines));
    let job = jobs.find(|j| passes(repository, j.place))?;
    Some((job.place, format!("what job `{}` applies still stands as written", job.name)))
}

/// Whether a condition, or its name, says that the job runs on a schedule.
fn on_a_schedule(repository: &Repository, node: Node) -> bool {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let by_condition = job.condition.as_ref().is_some_and(|c| c.events.iter().any(|e| e == "schedule"));
    by_condition || words(&job.name).iter().chain(&words(&job.id)).any(|w| w.contains("drift"))
}

/// Drift that is found must reach somebody.
fn alert(repository: &Repository, root: usize, found: &[(Node, Span)], verdict: &mut Verdict) {
    let flow = &repository.flow;
    let tells = |e: &Effect| e.effect == EffectKind::Notify;
    let notified = flow.nodes().filter(|&n| flow.run(n).root == root).find_map(|n| {
        let effect = flow.run(n).effects.iter().find(|e| tells(e)).map(|e| e.place);
        effect.or_else(|| {
            flow.job(n, &repository.facts.pipelines).steps.iter().find(|s| opens_issue(s)).map(|s| s.place)
        })
    });
    if let Some(place) = notified {
        return verdict.satisfied(place);
    }
    let Some(&(node, place)) = found.first() else { return };
    let job = flow.job(node, &repository.facts.pipelines);
    let fails = |text: &str| FAILS.iter().any(|f| text.contains(f));
    let loud = job.steps.iter().any(|s| {
        s.commands.iter().any(|c| fails(&c.line))
            || s.uses
                .as_ref()
                .is_some_and(|u| fails(&u.name) || u.inputs.iter().any(|i| fails(&i.value.value.text())))
    });
    let subject = format!("alert of drift {}", job.id);
    if loud {
        let message = format!("Job `{}` fails on drift, and nothing here tells whom that reaches", job.name);
        verdict.open(place, subject, message).label("nobody is told by name");
    } else {
        let message = format!("Job `{}` ends well whether or not it finds drift, and tells nobody", job.name);
        let finding = verdict.fail(place, subject, message);
        finding.label("succeeds on drift, too").at_most(Confidence::Medium);
    }
}

fn opens_issue(step: &Step) -> bool {
    let speaks = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["issue", "alert", "notify", "slack", "teams", "pagerduty", "opsgenie"]
            .iter()
            .any(|w| name.contains(w))
    };
    step.named && speaks(&step.name) || step.uses.as_ref().is_some_and(|u| speaks(&u.name))
}

/// The longest time in minutes between two firings in a week, of times such as `fri 21:00`.
fn longest_gap<'t>(fires: impl Iterator<Item = &'t str>) -> Option<u32> {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let minute = |time: &str| {
        let (day, clock) = time.split_once(' ')?;
        let (hour, minute) = clock.split_once(':')?;
        let day = u32::try_from(DAYS.iter().position(|d| *d == day)?).ok()?;
        Some(day * 24 * 60 + hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?)
    };
    let mut all: Vec<u32> = fires.filter_map(minute).collect();
    all.sort_unstable();
    let first = *all.first()?;
    let next = all.iter().skip(1).copied().chain([first + WEEK]);
    all.iter().zip(next).map(|(a, b)| b - a).max()
}

/// Controllers that hold a cluster to what the repository says: Flux always does, Argo CD if it is told to.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/#automatic-self-healing>,
/// <https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection>
fn controllers(repository: &Repository, verdict: &mut Verdict) -> bool {
    let mut applications = Vec::new();
    let mut any = false;
    for pipeline in &repository.facts.pipelines {
        match pipeline.dialect {
            Dialect::Flux => {
                any = true;
                verdict.satisfied(pipeline.place);
            }
            Dialect::ArgoCd => {
                let jobs = pipeline.jobs.iter().filter(|j| !super::estate::is_apart(j.target.as_ref()));
                let uses = jobs.flat_map(|j| j.steps.iter().filter_map(move |s| Some((j, s.uses.as_ref()?))));
                applications.extend(uses.filter(|(_, u)| u.name == "argo-cd/application"));
            }
            _ => {}
        }
    }
    let mut unguarded = Vec::new();
    for (job, application) in applications {
        any = true;
        match application.input("self-heal") {
            Some(heals) if heals.value.known().is_some_and(|v| v == "true") => verdict.satisfied(heals.span),
            Some(heals) if heals.value.known().is_none() => verdict.examined(heals.span),
            Some(heals) => {
                let message = format!("Argo CD leaves what is changed by hand in `{}` as it is", job.name);
                let finding = verdict.fail(heals.span, format!("self-heal {}", job.id), message);
                finding.label("self-healing is switched off").at_most(Confidence::Medium);
                finding.severity = finding.severity.min(Severity::Note);
            }
            None => unguarded.push(job),
        }
    }
    if let Some((first, others)) = unguarded.split_first() {
        let rest = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let message = format!("Argo CD shows drift of `{}`{rest} and does not undo it", first.name);
        let finding = verdict.open(first.place, "self-heal of applications", message);
        finding.label("nothing asks it to heal itself").against("somebody may be told by notifications");
        for other in others.iter().take(8) {
            finding.relate(other.place, "likewise");
        }
    }
    for release in standing(repository).filter(|r| r.sort == "HelmRelease") {
        if let Some("disabled" | "warn") = said(release, "spec.driftDetection.mode") {
            verdict.examined(release.place);
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::longest_gap;

    #[test]
    fn the_longest_gap_goes_round_the_week() {
        for (fires, hours) in [
            (&["mon 06:00"][..], Some(168)),
            (&["mon 06:00", "tue 06:00", "wed 06:00", "thu 06:00", "fri 06:00"], Some(72)),
            (
                &["mon 06:00", "tue 06:00", "wed 06:00", "thu 06:00", "fri 06:00", "sat 06:00", "sun 06:00"],
                Some(24),
            ),
            (&[], None),
            (&["someday"], None),
        ] {
            assert_eq!(longest_gap(fires.iter().copied()), hours.map(|h| h * 60), "{fires:?}");
        }
    }
}
