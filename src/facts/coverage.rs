//! Floors of test coverage.

use super::fact;
use crate::text::Span;

fact! {
    /// How much of the code tests must reach, as a tool's settings or a command demand it.
    pub struct CoverageFloor = "coverage-floor" {
        /// The number, or the word of the command.
        place: Span,
        /// The key or flag.
        name: String,
        /// The number as written: per cent, or a share of 1 where the tool counts so.
        value: String,
        /// What stood there before, if it was looked up.
        before: Option<String>,
        /// Before what: the branch that the change was begun from, or the newest release.
        since: Option<String>,
    }
}

impl CoverageFloor {
    /// Whether it stood higher before; `None` if that is not known.
    pub fn is_lowered(&self) -> Option<bool> {
        let before: f64 = self.before.as_ref()?.parse().ok()?;
        Some(self.value.parse::<f64>().ok()? < before)
    }
}
