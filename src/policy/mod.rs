//! What is asked of a repository: the manuals and the team's own policy. Layer 4.

pub mod conflict;
mod error;
pub mod manual;

pub use conflict::{Conflict, Position, conflicts};
pub use error::PolicyError;
pub use manual::{
    Checkable, Clause, ClauseKind, GivenParameter, Manual, builtin_ids, clause, grade, load_builtin,
    load_file,
};

/// The team's own names for environments that a policy's text declares; the reason if it cannot be read.
pub fn environments(text: &str) -> Result<crate::lexicon::Environments, String> {
    #[derive(serde::Deserialize)]
    struct Written {
        #[serde(default)]
        environments: crate::lexicon::Environments,
    }
    toml::from_str::<Written>(text).map(|w| w.environments).map_err(|e| e.message().to_owned())
}
