//! What all readers of scripts share.

use crate::facts::{Command, Script, ScriptKind};
use crate::text::Span;

/// A script about which nothing but its commands is known yet.
pub(super) fn script(place: Span, name: String, script: ScriptKind, commands: Vec<Command>) -> Script {
    Script {
        place,
        name,
        script,
        callers: Vec::new(),
        guarded: false,
        target: None,
        commands,
        before: None,
        calls: Vec::new(),
        called_from: Vec::new(),
    }
}

/// Appends the commands of another shell of the same script, and keeps their pipelines apart.
pub(super) fn join(into: &mut Vec<Command>, more: Vec<Command>) {
    let next = into.iter().filter_map(|c| c.pipeline).map(|(number, _)| number + 1).max().unwrap_or(0);
    into.extend(more.into_iter().map(|mut command| {
        command.pipeline = command.pipeline.map(|(number, index)| (number + next, index));
        command
    }));
}
