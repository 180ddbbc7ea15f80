//! What is asked of a repository: the manuals and the team's own policy. Layer 4.

pub mod conflict;
mod error;
pub mod manual;

pub use conflict::{Conflict, Position, conflicts};
pub use error::PolicyError;
pub use manual::{
    Checkable, Clause, ClauseKind, GivenParameter, Manual, builtin_ids, clause, grade, load_builtin, load_file,
};
