//! Rules that need a variable, a join or a graph question. Each is one function in one file, named by
//! the `check` key of its rule file. A check sees facts only: it neither parses nor prints.

mod config_per_developer;
mod env_file_tracked;
mod prod_dump_tracked;
mod rebuild_per_environment;
mod samples;
mod staging_skipped;
mod terraform_state_tracked;

use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// A rule's function.
pub type Check = fn(&Repository, &Parameters, &mut Verdict);

/// Every check, by name. A check that is left out of this table is dead code, and the build is red.
pub const CHECKS: &[(&str, Check)] = &[
    ("config-per-developer", config_per_developer::check),
    ("env-file-tracked", env_file_tracked::check),
    ("prod-dump-tracked", prod_dump_tracked::check),
    ("rebuild-per-environment", rebuild_per_environment::check),
    ("staging-skipped", staging_skipped::check),
    ("terraform-state-tracked", terraform_state_tracked::check),
];

/// The check of this name.
pub fn find(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(n, _)| *n == name).map(|&(_, check)| check)
}

/// All names, for the loader.
pub fn names() -> Vec<&'static str> {
    CHECKS.iter().map(|(name, _)| *name).collect()
}
