//! Rules that need a variable, a join or a graph question. Each is one function in one file, named by
//! the `check` key of its rule file. A check sees facts only: it neither parses nor prints.

mod rebuild_per_environment;
mod staging_skipped;

use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// A rule's function.
pub type Check = fn(&Repository, &Parameters, &mut Verdict);

/// Every check, by name. A check that is left out of this table is dead code, and the build is red.
pub const CHECKS: &[(&str, Check)] = &[
    ("rebuild-per-environment", rebuild_per_environment::check),
    ("staging-skipped", staging_skipped::check),
];

/// The check of this name.
pub fn find(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(n, _)| *n == name).map(|&(_, check)| check)
}

/// All names, for the loader.
pub fn names() -> Vec<&'static str> {
    CHECKS.iter().map(|(name, _)| *name).collect()
}
