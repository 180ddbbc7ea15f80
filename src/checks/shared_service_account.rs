//! One principal (role, service account, client) that acts in several environments.

use super::samples::is_sample;
use crate::facts::{Command, Repository, Stage, Step, Target, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut principals: BTreeMap<String, BTreeMap<Stage, Span>> = BTreeMap::new();
    let mut note = |name: &str, stages: &[Stage], place: Span| {
        let shared = stages.iter().filter(|s| !matches!(s, Stage::Ci | Stage::Local | Stage::Preview));
        for stage in shared {
            let places = principals.entry(name.to_owned()).or_default();
            let first = places.entry(*stage).or_insert(place);
            *first = (*first).min(place);
        }
    };
    let flow = &repository.flow;
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        let Some(Target { stage: stage @ (Value::Known(_) | Value::OneOf(_)), .. }) = &run.target else {
            continue;
        };
        for step in &job.steps {
            verdict.examined(step.place);
            for (name, place) in action(step).into_iter().chain(step.commands.iter().filter_map(command)) {
                note(&name, stage.possible(), place);
            }
        }
    }
    for setting in &repository.facts.settings {
        let Some(stage) = setting.target.as_ref().and_then(|t| t.stage.known()) else { continue };
        let Some(name) = setting.setting.known().filter(|v| is_principal(v)) else { continue };
        if is_identity(&setting.path) && !is_sample(repository.path(setting.place)) {
            note(name, &[*stage], setting.place);
        }
    }
    for (name, places) in &principals {
        let mut from_last = places.iter().rev();
        let (Some((last, place)), Some((other, _))) = (from_last.next(), from_last.next()) else { continue };
        let message = format!("{} and {} act as the same principal", name_of(*other), last.name());
        let finding = verdict.fail(*place, format!("principal {name}"), message);
        finding.at_most(Confidence::Medium).label(format!("`{name}`, {}", last.name()));
        for (stage, related) in places.iter().rev().skip(1).filter(|(_, p)| *p != place) {
            finding.relate(*related, format!("the same, {}", stage.name()));
        }
    }
}

fn name_of(stage: Stage) -> String {
    let mut letters = stage.name().chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// Names that say which account or project they belong to; a bare name can exist once in each cluster.
fn is_principal(value: &str) -> bool {
    let aws = value.starts_with("arn:aws") && value.contains(":iam::") && !value.contains("::000000000000:");
    let google = value.ends_with(".iam.gserviceaccount.com") && value.contains('@');
    let open = value.contains(['$', '{', '*', '<']);
    (aws || google) && !open
}

/// Keys by which files of an environment name who acts there.
/// <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>,
/// <https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity>
fn is_identity(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        "role-arn",
        "role_arn",
        "rolearn",
        "gcp-service-account",
        "service_account",
        "serviceaccount",
        "service_account_email",
        "serviceaccountemail",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

fn action(step: &Step) -> Option<(String, Span)> {
    let uses = step.uses.as_ref()?;
    let input = match uses.name.to_ascii_lowercase().as_str() {
        "aws-actions/configure-aws-credentials" => uses.input("role-to-assume"),
        "google-github-actions/auth" => uses.input("service_account"),
        _ => None,
    }?;
    let name = input.value.known().filter(|v| is_principal(v))?;
    Some((name.clone(), input.span))
}

fn command(command: &Command) -> Option<(String, Span)> {
    let flags: &[&str] = match command.program.as_str() {
        "aws" => &["--role-arn"],
        "gcloud" => &["--impersonate-service-account"],
        _ => return None,
    };
    let word = command.flag_value(flags)?;
    let value = word.text.split_once('=').map_or(word.text.as_str(), |(_, value)| value);
    is_principal(value).then(|| (value.to_owned(), word.place))
}
