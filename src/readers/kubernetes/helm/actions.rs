//! What the actions of a template do to the text around them: which parts stand under which condition, and where an
//! action alone on its lines puts in what no line shows.
//! <https://pkg.go.dev/text/template#hdr-Actions>

use crate::syntax::mask;
use std::ops::Range;

/// A part of a template that stands under a condition.
pub(super) struct Branch<'t> {
    /// What lies between the opening action and the next of the same structure.
    pub range: Range<usize>,
    /// The branch around it.
    pub parent: Option<usize>,
    /// When it is written, and how often.
    pub test: Test<'t>,
}

/// When a branch is written.
pub(super) enum Test<'t> {
    /// If the last of these holds and the ones before do not; an empty one always holds.
    If(Vec<&'t str>),
    /// If the value is not empty; it is the dot inside.
    With(&'t str),
    /// Once for each item.
    Range(&'t str),
    /// A named template: it is written where it is included.
    Never,
}

/// An action that writes lines of its own.
pub(super) struct Hole<'t> {
    /// Where it begins.
    pub at: usize,
    /// What it says, without braces.
    pub expression: &'t str,
    /// How deep what it writes is indented.
    pub indent: usize,
}

/// `{{ $name := expression }}`
pub(super) struct Assignment<'t> {
    pub at: usize,
    pub name: &'t str,
    pub expression: &'t str,
}

/// All that a template's actions say.
#[derive(Default)]
pub(super) struct Actions<'t> {
    /// In the order of their starts.
    pub branches: Vec<Branch<'t>>,
    pub holes: Vec<Hole<'t>>,
    pub assignments: Vec<Assignment<'t>>,
}

/// Structures deeper than this are no longer told apart.
const DEEPEST: usize = 64;
/// Each `else` repeats the conditions before it; behind so many they are no longer told.
const MOST_CONDITIONS: usize = 32;
/// A condition that is never known.
const UNTOLD: &str = "?";

/// Reads the actions of a template.
pub(super) fn read(text: &str) -> Actions<'_> {
    let mut all = Actions::default();
    // Branches that are open, each with the conditions of its structure so far.
    let mut open: Vec<(Option<usize>, Vec<&str>)> = Vec::new();
    let mut deeper = 0_usize;
    for range in mask::template_actions(text) {
        let Some(said) = said(&text[range.clone()]) else { continue };
        let (word, rest) = said.split_once(|c: char| c.is_whitespace()).unwrap_or((said, ""));
        let rest = rest.trim();
        let test = match word {
            "if" => Some(Test::If(vec![rest])),
            "with" => Some(Test::With(rest)),
            "range" => Some(Test::Range(rest)),
            "define" | "block" => Some(Test::Never),
            _ => None,
        };
        if let Some(test) = test {
            if open.len() >= DEEPEST {
                deeper += 1;
                continue;
            }
            let conditions = match &test {
                Test::If(all) => all.clone(),
                Test::With(value) => vec![*value],
                // What follows `else` of a loop is written if there is no item.
                Test::Range(_) | Test::Never => vec![rest],
            };
            let parent = open.last().and_then(|(at, _)| *at);
            open.push((Some(all.branches.len()), conditions));
            all.branches.push(Branch { range: range.end..text.len(), parent, test });
            continue;
        }
        match word {
            "end" if deeper > 0 => deeper -= 1,
            "else" if deeper > 0 => {}
            "end" => {
                if let Some((Some(at), _)) = open.pop() {
                    all.branches[at].range.end = range.start;
                }
            }
            "else" => {
                let Some((at, mut conditions)) = open.pop() else { continue };
                let Some(at) = at else { continue };
                all.branches[at].range.end = range.start;
                let condition = rest.strip_prefix("if").or(rest.strip_prefix("with")).unwrap_or(rest).trim();
                conditions.push(condition);
                if conditions.len() > MOST_CONDITIONS {
                    conditions = vec![UNTOLD];
                }
                let parent = all.branches[at].parent;
                open.push((Some(all.branches.len()), conditions.clone()));
                all.branches.push(Branch {
                    range: range.end..text.len(),
                    parent,
                    test: Test::If(conditions),
                });
            }
            _ if word.starts_with('$') => {
                if let Some((name, expression)) = assignment(said) {
                    all.assignments.push(Assignment { at: range.start, name, expression });
                    continue;
                }
                hole(text, range, said, &mut all);
            }
            _ => hole(text, range, said, &mut all),
        }
    }
    all
}

/// What an action says, without braces and trimming marks; `None` for comments and other template languages.
fn said(action: &str) -> Option<&str> {
    let inner = action.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
    (!inner.starts_with("/*") && !inner.is_empty()).then_some(inner)
}

fn assignment(said: &str) -> Option<(&str, &str)> {
    let (name, rest) = said.split_once('=')?;
    let name = name.trim_end_matches(':').trim();
    let plain = name[1..].chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && !name.contains(',')).then_some((name, rest.trim()))
}

fn hole<'t>(text: &'t str, range: Range<usize>, said: &'t str, all: &mut Actions<'t>) {
    let before = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let after = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    let column = range.start - before;
    let last = text[range.end..after].trim().is_empty();
    // `key: {{ … | nindent 4 }}` writes below its line, too.
    if last && (text[before..range.start].trim().is_empty() || said.contains("nindent")) {
        let indent = indent(said).unwrap_or(column);
        all.holes.push(Hole { at: range.start, expression: said, indent });
    }
}

/// The number behind the last `nindent` or `indent`.
fn indent(said: &str) -> Option<usize> {
    let at = said.rfind("indent ")?;
    let digits = said[at + 7..].trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

impl Actions<'_> {
    /// The innermost branch around a place.
    pub(super) fn around(&self, at: usize) -> Option<usize> {
        let before = self.branches.partition_point(|b| b.range.start <= at);
        let mut branch = before.checked_sub(1)?;
        loop {
            if self.branches[branch].range.end > at {
                return Some(branch);
            }
            branch = self.branches[branch].parent?;
        }
    }
}
