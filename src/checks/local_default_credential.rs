//! Passwords of what jobs and developers start for themselves.

use super::credentials::{Home, report};
use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    report(repository, verdict, Home::Local);
}
