//! The shares of traffic that a canary goes through.

use super::rollouts::canaries;
use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::{Parameters, Source};

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    // Without a manual that gives a ladder any rising one will do.
    let given = !matches!(parameters.canary_steps.source(), Some(Source::Default) | None);
    let wanted: Vec<f64> = match parameters.canary_steps.value().filter(|_| given) {
        Some(steps) => steps.0.iter().map(|p| p.0).collect(),
        None => Vec::new(),
    };
    for canary in canaries(repository) {
        // The weights are set by somebody else.
        if canary.weights.is_empty() {
            verdict.examined(canary.place);
            continue;
        }
        match fault(&canary.weights, &wanted) {
            None => verdict.satisfied(canary.place),
            Some(fault) => {
                let title = canary.resource.title();
                let shown: Vec<String> = canary.weights.iter().take(6).map(|w| format!("{w} %")).collect();
                let message = format!("Canary `{title}` {fault}: {}", shown.join(", "));
                verdict.fail(canary.place, format!("canary {title}"), message).label("the shares of traffic");
            }
        }
    }
}

/// What is wrong with a ladder of weights; all traffic comes after its last step.
fn fault(weights: &[f64], wanted: &[f64]) -> Option<String> {
    let first = *weights.first()?;
    if weights.windows(2).any(|w| w[1] < w[0]) {
        return Some("goes back to less traffic on its way".to_owned());
    }
    if first >= 100.0 {
        return Some("begins with all traffic".to_owned());
    }
    let (Some(&start), Some(&middle)) = (wanted.first(), wanted.get(1)) else { return None };
    if first > start {
        return Some(format!("begins above {start} %"));
    }
    // "Near" is half of it to twice as much.
    let near = |w: &f64| *w >= middle / 2.0 && *w <= middle * 2.0;
    (middle < 100.0 && !weights.iter().any(near)).then(|| format!("has no step near {middle} %"))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_ladder_rises_and_a_manual_may_say_how() {
        const LADDER: &[f64] = &[5.0, 25.0, 100.0];
        for (weights, wanted, expected) in [
            (&[20.0, 40.0][..], &[][..], None),
            (&[10.0], &[], None),
            (&[100.0], &[], Some("begins with all traffic")),
            (&[20.0, 10.0, 50.0], &[], Some("goes back to less traffic on its way")),
            (&[5.0, 25.0, 100.0], LADDER, None),
            (&[1.0, 5.0, 20.0, 50.0], LADDER, None),
            (&[10.0, 25.0], LADDER, Some("begins above 5 %")),
            (&[5.0, 100.0], LADDER, Some("has no step near 25 %")),
        ] {
            assert_eq!(fault(weights, wanted).as_deref(), expected, "{weights:?} {wanted:?}");
        }
    }
}
