//! Credentials that products come with, in files that are not local.

use super::credentials::{Home, report};
use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    report(repository, verdict, Home::WellKnown);
}
