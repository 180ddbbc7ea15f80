//! What words mean before any file gives them a context. Layer 1: imports only [`crate::text`].

pub mod environments;
pub mod patterns;
pub mod places;
pub mod words;

pub use environments::{Environments, StageNames};
pub use places::{classify_branch, classify_host};
pub use words::{Mention, Mentions, Stage, classify, mentions};
