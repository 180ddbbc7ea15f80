//! What becomes of a finding that is known, accepted, or not meant: three statements, three meanings.

mod path_pattern;

pub use path_pattern::PathPattern;

use crate::quote::Quoted;

/// Why a finding does not stop the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// An inline comment says that this is not the defect which the rule means.
    Allow {
        /// The reason it gives.
        reason: String,
        /// Path and line of the comment.
        place: String,
    },
    /// `.plimsoll/exceptions.toml` says that it is the defect, and accepted until a day.
    Exception {
        /// The exception's id.
        id: String,
        /// Why.
        justification: String,
        /// Last day, `YYYY-MM-DD`.
        expires: String,
    },
    /// `.plimsoll/baseline` knew it when the team began.
    Baseline,
    /// In a staged or `--since` run: it was there before the change.
    Old,
}

impl Disposition {
    /// The word in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Disposition::Allow { .. } => "allow",
            Disposition::Exception { .. } => "exception",
            Disposition::Baseline => "baseline",
            Disposition::Old => "old",
        }
    }
}

/// A finding and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The finding.
    pub quoted: Quoted,
    /// Why it does not stop the gate; `None` if it is active.
    pub disposition: Option<Disposition>,
}
