//! Reads how many tests may fail before a pipeline stops.

use crate::facts::{Command, EffectKind, Repository, Step};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

/// What a number beside a test means.
#[derive(Clone, Copy)]
enum Meaning {
    /// Percent that must pass.
    Pass,
    /// Percent or number that may fail.
    Fail,
    /// Everything may fail.
    All,
}

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let unit = parameters.tests_unit_pass.value().0;
    let whole = parameters.tests_integration_pass.value().0;
    for (_, job, step) in repository.steps() {
        let Some(test) = step.all_effects().find(|e| e.effect == EffectKind::Test) else { continue };
        verdict.examined(test.place);
        let integration = matches!(test.detail.as_deref(), Some("integration" | "e2e" | "load" | "smoke"));
        let wanted = if integration { whole } else { unit };
        for (place, meaning, number) in step.commands.iter().flat_map(of_command).chain(of_block(step)) {
            let passing = match meaning {
                Meaning::Pass if number <= 1.0 => number * 100.0,
                Meaning::Pass => number,
                Meaning::Fail if number > 0.0 && number < 1.0 => 100.0 - number * 100.0,
                Meaning::Fail => 100.0 - number,
                Meaning::All => 0.0,
            };
            if passing >= wanted {
                continue;
            }
            let message = match meaning {
                Meaning::All => {
                    format!("Step `{}` of job `{}` goes on whatever its tests find", step.name, job.name)
                }
                _ => format!(
                    "Step `{}` of job `{}` goes on when {passing} % of its tests pass, where {wanted} % are asked for",
                    step.name, job.name
                ),
            };
            let finding = verdict.fail(place, format!("job {} step {}", job.id, step.name), message);
            finding.at_most(Confidence::Medium).label("tests may fail");
            break;
        }
    }
}

/// Flags of test runners, by their documentation, and names that say what they are.
fn of_command(command: &Command) -> Vec<(Span, Meaning, f64)> {
    if !command.effects.iter().any(|e| e.effect == EffectKind::Test) {
        return Vec::new();
    }
    let plain: &[&str] = match command.program.as_str() {
        "newman" => &["-x", "--suppress-exit-code"],
        "robot" => &["--nostatusrc", "--NoStatusRC"],
        "k6" => &["--no-thresholds"],
        _ => &[],
    };
    let mut found = Vec::new();
    for (i, word) in command.args.iter().enumerate() {
        if plain.contains(&word.text.as_str()) {
            found.push((word.place, Meaning::All, 0.0));
            continue;
        }
        let (name, value) = match word.text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.text.as_str(), command.arg(i + 1)),
        };
        if let (Some(meaning), Some(number)) = (meaning(name), value.and_then(percent)) {
            found.push((word.place, meaning, number));
        }
    }
    let assigned = command
        .assignments
        .iter()
        .filter_map(|a| Some((a.word.place, meaning(&a.name)?, percent(&a.word.text)?)));
    found.extend(assigned);
    found
}

fn of_block(step: &Step) -> Vec<(Span, Meaning, f64)> {
    let inputs = step.uses.iter().flat_map(|u| &u.inputs);
    let numbers = inputs
        .filter_map(|i| Some((i.value.span, meaning(&i.name.value)?, percent(i.value.value.known()?)?)));
    let settings =
        step.settings.iter().filter_map(|s| Some((s.place, meaning(&s.key)?, percent(s.setting.known()?)?)));
    numbers.chain(settings).collect()
}

fn meaning(name: &str) -> Option<Meaning> {
    let name: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["passrate", "passratio", "passpercent", "passthreshold", "successrate", "minpass"]) {
        Some(Meaning::Pass)
    } else if has(&[
        "allowedfail",
        "toleratedfail",
        "permittedfail",
        "acceptedfail",
        "failurerate",
        "failurepercent",
        "failedtestspercent",
    ]) {
        Some(Meaning::Fail)
    } else {
        None
    }
}

fn percent(text: &str) -> Option<f64> {
    text.trim().trim_end_matches('%').parse().ok().filter(|n: &f64| (0.0..=100.0).contains(n))
}
