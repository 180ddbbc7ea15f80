//! Where something goes: an environment, and on what basis we think so.

use super::{FieldKind, FieldValue, Places, Value, field::Field, words};
use crate::text::Span;
use serde_json::{Value as Json, json};

pub use crate::lexicon::words::Stage;

words! {
    /// On what a target's stage rests, strongest first.
    pub enum Basis {
        /// The dialect's own environment field, or the policy, says it.
        Declared = "declared",
        /// A host name or URL says it.
        Host = "host",
        /// A cluster context, namespace, project, account, profile or stage argument says it.
        Context = "context",
        /// The branch that triggers it says it.
        Branch = "branch",
        /// Only a name (of a job, step, script or file) says it. Lowers a finding to medium.
        Name = "name",
    }
}

/// An environment that something runs in or is brought to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The stage; `Expr` when the run decides.
    pub stage: Value<Stage>,
    /// The environment's name as written.
    pub name: Value<String>,
    /// What the stage rests on.
    pub basis: Basis,
    /// The words that told.
    pub place: Span,
}

impl Target {
    /// Whether it certainly is `stage`.
    pub fn is(&self, stage: Stage) -> bool {
        self.stage.known() == Some(&stage)
    }

    /// Whether it is `stage`, or is one of several of which `stage` is one.
    pub fn may_be(&self, stage: Stage) -> bool {
        self.stage.possible().contains(&stage)
    }
}

impl Field for Target {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        self.stage.value()
    }
    fn json(&self, places: Places<'_>) -> Json {
        json!({ "stage": self.stage.json(places), "name": self.name.json(places),
                "basis": self.basis.name(), "place": places(self.place) })
    }
}
