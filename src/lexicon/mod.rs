//! What words mean before any file gives them a context. Layer 1: imports only [`crate::text`].

pub mod commands;
pub mod environments;
pub mod globs;
pub mod kinds;
pub mod libraries;
pub mod patterns;
pub mod places;
mod stage_words;
pub mod stores;
pub mod uses;
pub mod variables;
pub mod versions;
pub mod words;

pub use environments::{Environments, StageNames};
pub use kinds::{CredentialKind, KindFault, KindFile, TriedKinds};
pub use places::{classify_branch, classify_host};
pub use words::{Mention, Mentions, Stage, classify, mentions};

/// All that reading and linking look up, besides what a file itself says.
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// The team's own names for environments.
    pub environments: Environments,
    /// What the active rules search for in text.
    pub patterns: Vec<patterns::TextPattern>,
    /// Credential kinds, by the file of their provider.
    pub kinds: &'static [KindFile],
    /// The team's own kinds of credentials.
    pub own_kinds: Vec<TriedKinds>,
}

impl Default for Lexicon {
    fn default() -> Lexicon {
        Lexicon {
            environments: Environments::default(),
            patterns: Vec::new(),
            kinds: kinds::BUILT_IN,
            own_kinds: Vec::new(),
        }
    }
}

impl Lexicon {
    /// What commands do.
    pub fn commands(&self) -> &'static commands::Commands {
        commands::Commands::builtin()
    }

    /// What building blocks of CI services do.
    pub fn uses(&self) -> &'static uses::Uses {
        uses::Uses::builtin()
    }
}
