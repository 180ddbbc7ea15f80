//! What is asked of a repository: the manuals and the team's own policy. Layer 4.

pub mod config;
pub mod conflict;
mod error;
pub mod keys;
pub mod manual;
mod stock;
mod switching;
mod written;

pub use config::{Config, PerPath};
pub use conflict::{Conflict, Position, conflicts};
pub use error::PolicyError;
pub use manual::{
    Checkable, Clause, ClauseKind, GivenParameter, Manual, builtin_ids, clause, grade, load_builtin,
    load_file,
};
pub use stock::{Stock, TryKinds};
pub use switching::{Policy, Said, Threshold};
pub use written::{Document, Written};

/// The values of parameters that a policy's text sets; the reason if it cannot be read.
pub fn parameters(text: &str) -> Result<crate::parameters::Parameters, String> {
    let config = Config::parse("plimsoll.toml", text).map_err(|e| e.message)?;
    let mut parameters = crate::parameters::Parameters::default();
    for (name, written) in &config.parameters {
        parameters.set(name, &written.value)?;
    }
    Ok(parameters)
}

/// The team's own names for environments that a policy's text declares; the reason if it cannot be read.
pub fn environments(text: &str) -> Result<crate::lexicon::Environments, String> {
    let config = Config::parse("plimsoll.toml", text).map_err(|e| e.message)?;
    Ok(config.environments.into())
}
