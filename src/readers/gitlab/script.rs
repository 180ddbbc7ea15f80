//! `before_script`, `script`, `after_script`: one step each.
//! <https://docs.gitlab.com/ci/yaml/script/>

use super::config::{Conf, Config};
use super::job::Scope;
use super::span_of;
use crate::facts::*;
use crate::readers::variables::Variables;
use crate::readers::{commands, secrets};
use crate::syntax::shell;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Passage, Span};

/// Script lines of one pipeline that are read, repetitions by inheritance counted.
pub(super) const MOST_LINES: usize = 100_000;

/// The runner's own script begins with `set -eo pipefail`.
/// <https://docs.gitlab.com/runner/shells/>
const OPTIONS: shell::Options = shell::Options { errexit: Some(true), pipefail: Some(true) };

/// The steps of a job.
pub(super) fn steps<'t>(scope: &mut Scope<'_, 't>, job: &Conf<'t>, variables: &Variables<'_>) -> Vec<Step> {
    let config = scope.config;
    let known = |text: &str| variables.expand(text);
    let mut steps = Vec::new();
    // One shell runs both, so that what the first sets holds in the second.
    let mut passages: Vec<Passage> = Vec::new();
    let mut ends = Vec::new();
    for section in ["before_script", "script"] {
        let entry = match section {
            "script" => config.get(job, section),
            _ => config.inherited(job, section),
        };
        let Some(entry) = entry else { continue };
        let lines = lines(scope, &entry.1);
        passages.extend(lines.iter().map(|l| l.passage()));
        ends.push(passages.len());
        steps.push(step(section, span_of(&entry), &lines, variables));
    }
    let mut lowered = commands::lower_list(&passages, OPTIONS, &known).into_iter();
    let mut from = 0;
    for (step, end) in steps.iter_mut().zip(ends) {
        step.commands = lowered.by_ref().take(end - from).flatten().collect();
        from = end;
    }
    if let Some(entry) = config.inherited(job, "after_script") {
        let lines = lines(scope, &entry.1);
        let mut step = step("after_script", span_of(&entry), &lines, variables);
        let passages: Vec<Passage> = lines.iter().map(|l| l.passage()).collect();
        step.commands = commands::lower_list(&passages, OPTIONS, &known).into_iter().flatten().collect();
        let place = entry.0.span();
        step.condition = Some(Condition { always: true, ..Condition::new(place, "after_script".into()) });
        // Its exit code does not touch the job's.
        step.tolerated = Some(Tolerance { place, how: How::Key, applies: Value::Known(true) });
        steps.push(step);
    }
    steps.extend(release(config, job, variables));
    steps
}

/// The lines of a section that are text, nested lists and references flattened.
fn lines<'t>(scope: &mut Scope<'_, 't>, section: &Conf<'t>) -> Vec<Node<'t>> {
    let mut lines: Vec<Node<'t>> = scope
        .config
        .items(section)
        .into_iter()
        .filter(|l| l.kind() == Kind::Scalar)
        .map(|l| l.node())
        .collect();
    lines.truncate(scope.lines);
    scope.lines -= lines.len();
    lines
}

fn step(section: &str, place: Span, lines: &[Node<'_>], variables: &Variables<'_>) -> Step {
    let first = lines.iter().filter_map(|l| l.as_str()).flat_map(str::lines).find(|l| !l.trim().is_empty());
    let mut secrets = Vec::new();
    for line in lines {
        collect_secrets(*line, variables, &mut secrets);
    }
    Step { secrets, ..Step::new(place, first.map_or(section, str::trim).to_owned()) }
}

/// Secrets that a scalar takes from the service; `CI_…` are the service's own.
pub(super) fn collect_secrets(node: Node<'_>, variables: &Variables<'_>, into: &mut Vec<SecretUse>) {
    secrets::collect(&node.passage(), variables, &["CI_"], into);
}

/// `release:` as the command that the runner makes of it.
/// <https://docs.gitlab.com/ci/yaml/#release>
fn release<'t>(config: &Config<'t>, job: &Conf<'t>, variables: &Variables<'_>) -> Option<Step> {
    let entry = config.get(job, "release").filter(|(_, r)| r.kind() == Kind::Mapping)?;
    let place = entry.0.span();
    let word = |text: &str, place: Span| Word {
        text: text.to_owned(),
        place,
        literal: !text.contains('$'),
        values: variables.expand(text),
    };
    let mut args = vec![word("create", place)];
    for (key, flag) in [("tag_name", "--tag-name"), ("name", "--name"), ("ref", "--ref")] {
        let value = config.get(&entry.1, key).map(|(_, v)| v.node());
        if let Some((node, text)) = value.and_then(|n| Some((n, n.as_str()?))) {
            args.extend([word(flag, node.span()), word(text, node.span())]);
        }
    }
    let mut step = step("release", span_of(&entry), &[], variables);
    step.commands = vec![commands::implied("release-cli", args, span_of(&entry))];
    Some(step)
}
