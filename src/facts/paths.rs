//! What a path alone tells.

use super::{Basis, Stage, Target, Value};
use crate::lexicon::{Environments, mentions};
use crate::text::{FileId, Span};

/// The environment that a path speaks of, by whole words of its folders and its name; the last one that
/// is named counts (`staging/values-prod.yaml` is production). `None` if none or several in one part.
pub fn path_stage(path: &str, environments: &Environments) -> Option<(Stage, String)> {
    path.rsplit('/').find_map(|part| {
        let found = mentions(part, environments);
        found.single().map(|stage| (stage, part.to_owned()))
    })
}

/// The same as a target whose basis is the name.
pub fn path_target(path: &str, file: FileId, environments: &Environments) -> Option<Target> {
    path_stage(path, environments).map(|(stage, name)| Target {
        stage: Value::Known(stage),
        name: Value::Known(name),
        basis: Basis::Name,
        place: Span::start_of(file),
    })
}
