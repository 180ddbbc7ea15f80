//! What readers ask of a path, and of a tree that could not be read whole.

use super::Text;
use crate::facts::{Basis, Target, Value};
use crate::lexicon::classify;
use crate::source::UnreadClass;
use crate::syntax::tree::Tree;
use crate::text::{Span, Spanned};

/// The path's last part.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) use crate::facts::folder_of as folder;

/// Whether one of the folders of a path has one of these names, whatever its case.
pub(super) fn within(path: &str, folders: &[&str]) -> bool {
    folder(path).split('/').any(|part| folders.iter().any(|f| part.eq_ignore_ascii_case(f)))
}

/// Whether a path lies in a copy of somebody else's code, which that somebody configures.
pub(super) fn vendored(path: &str) -> bool {
    within(path, &["node_modules", "vendor", "third_party", "bower_components", "site-packages"])
}

/// Whether the name ends with one of these endings, the dot included.
pub(super) fn ends(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
}

pub(super) use crate::text::ends_in_any_case;

/// `file` with the folder of `path` in front.
pub(super) fn beside(path: &str, file: &str) -> String {
    match folder(path) {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}

/// The environment that a name which is written at `place` speaks of.
pub(super) fn target(name: &str, place: Span, text: &Text<'_>) -> Option<Target> {
    classify(name, text.environments).map(|stage| Target {
        stage: Value::Known(stage),
        name: Value::Known(name.to_owned()),
        basis: Basis::Name,
        place,
    })
}

/// What a tree's errors mean for the file.
pub(super) fn every_problem(tree: &Tree, format: &str) -> impl Iterator<Item = (UnreadClass, String)> {
    let class = |lost| if lost { UnreadClass::Unparsed } else { UnreadClass::Partly };
    tree.errors().iter().map(move |e| (class(e.lost), format!("not {format}: {}", e.message)))
}

/// The first of them: in most formats what follows is its consequence.
pub(super) fn problems(tree: &Tree, format: &str) -> Vec<(UnreadClass, String)> {
    every_problem(tree, format).take(1).collect()
}

/// Lines that are commented out, of which `part` takes what was a part of a job.
pub(super) fn commented<'t>(
    tree: &'t Tree,
    part: impl Fn(&'t str) -> Option<&'t str>,
) -> Vec<Spanned<String>> {
    let alone = tree.comments().iter().filter(|comment| comment.alone);
    alone
        .filter_map(|comment| {
            part(tree.slice(comment.body)).map(|text| Spanned::new(text.to_owned(), comment.body))
        })
        .collect()
}

/// A step without the dash of its list.
pub(super) fn undashed(step: &str) -> &str {
    step.trim_start_matches("- ").trim_start()
}

/// Whether a commented-out line is an item of a list of commands. A list of prose begins with a capital.
pub(super) fn is_command(body: &str) -> bool {
    let first = body.strip_prefix("- ").and_then(|command| command.chars().next());
    first.is_some_and(|c| c.is_ascii_lowercase() || matches!(c, '.' | '/' | '$'))
}
