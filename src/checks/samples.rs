//! What rules share on files that nobody deploys: tests, fixtures, examples.

use crate::finding::{Finding, Severity};

pub(super) use crate::facts::{is_sample, is_vendored};

/// Makes a finding at most this severe.
pub(super) fn no_worse_than(finding: &mut Finding, severity: Severity) -> &mut Finding {
    finding.severity = finding.severity.min(severity);
    finding
}
