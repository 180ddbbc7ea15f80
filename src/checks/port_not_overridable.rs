//! Ports of a developer's stack that nobody can set without editing the file.

use super::merged::{Cause, Causes};
use super::stacks::local_stacks;
use crate::facts::Repository;
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for service in local_stacks(repository).flat_map(|s| &s.services) {
        for port in &service.ports {
            let Some(published) = port.published.as_deref() else { continue };
            verdict.examined(port.place);
            if published.is_empty() || !published.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
                verdict.satisfied(port.place);
                continue;
            }
            let path = repository.path(port.place);
            causes.add(format!("ports of {path}"), port.place, || Cause {
                message: format!("`{path}` takes fixed ports of the developer's machine"),
                label: "nothing can set another",
                also: "fixed, too",
                severity: Severity::Error,
                confidence: Confidence::High,
            });
        }
    }
    causes.report(verdict);
}
