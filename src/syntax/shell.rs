//! Shell text (POSIX sh and bash), read into simple commands and what their failure means.
//!
//! The parser is written for this tool: it goes on after an error, needs no memory beyond the text, and
//! takes the template expressions of CI systems (`${{ }}`, `<< parameters.x >>`, `$[[ ]]`, `{{ }}`) as
//! parts of words. The grammar is POSIX.1-2024, Shell Command Language, with bash's additions.

mod compound;
mod effective;
mod lines;
mod outcome;
mod parser;
pub(in crate::syntax) mod scan;
mod simple;
#[cfg(test)]
mod tests;
mod variables;
mod word;
mod wrappers;

pub use effective::Effective;
pub use lines::parse_lines;

use crate::text::{Passage, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longer passages are not parsed: such a file is data with a shell header (a self-extracting archive).
pub const MAX_BYTES: usize = 1 << 20;

/// Compound commands and substitutions nest at most this deep; what lies deeper is read flat and
/// [`Script::complete`] is false. Reader threads have 2 MiB of stack.
const MAX_DEPTH: usize = 50;

/// What holds before the first line, because the caller of the shell said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether `-e` is in force; `None` if not known.
    pub errexit: Option<bool>,
    /// Whether `-o pipefail` is in force; `None` if not known.
    pub pipefail: Option<bool>,
}

/// A parsed piece of shell text.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// All simple commands in the order in which they are written, those of functions and command
    /// substitutions included (a substitution's commands follow the command that it is part of).
    pub commands: Vec<Command>,
    /// Function definitions: name, and the span from the name to the end of the body.
    pub functions: Vec<(String, Span)>,
    /// Every value that the text gives to a variable, in order; `for` values included.
    pub variables: BTreeMap<String, Vec<Word>>,
    /// Something was not shell; the parser guessed and went on.
    pub errors: bool,
    /// False when the text was too long or nested too deeply to be read whole.
    pub complete: bool,
}

/// One simple command, a bare assignment, or a test (`[ … ]`, `[[ … ]]`, `(( … ))`).
#[derive(Debug, Clone)]
pub struct Command {
    /// From the first assignment, word or redirect to the last; without a following `|| true` and
    /// without the body of a here-document.
    pub span: Span,
    /// Program and arguments; empty for a bare assignment.
    pub words: Vec<Word>,
    /// Leading `NAME=value`.
    pub assignments: Vec<(String, Word)>,
    /// Redirects, here-documents excepted.
    pub redirects: Vec<Redirect>,
    /// Body of the last here-document or the text of a here-string.
    pub heredoc: Option<Heredoc>,
    /// Why a failure of this command cannot fail the script.
    pub tolerated: Option<Tolerated>,
    /// Whether `set -e` is in force here; `None` if the text does not say.
    pub errexit: Option<bool>,
    /// Member of a pipeline with more than one member.
    pub pipeline: Option<Place>,
    /// The previous member of a `&&` or `||` list; only on the first command of a member.
    pub link: Option<Link>,
    /// Name of the enclosing function.
    pub function: Option<String>,
    /// Tests that hold when this command runs, outermost first: `if`, `case`, and `[ … ] &&`.
    pub conditions: Vec<Arc<Condition>>,
    /// Number of enclosing `( … )`.
    pub subshell: u32,
    /// Inside `$( … )`, backquotes or `<( … )`.
    pub in_substitution: bool,
    /// The pipeline that ends with this command begins with `!`.
    pub negated: bool,
}

/// A word after quote removal.
#[derive(Debug, Clone)]
pub struct Word {
    /// Quotes removed and escapes resolved; expansions are kept as written (`$HOST`, `${{ secrets.X }}`).
    pub text: String,
    /// The word as written, with its quotes.
    pub span: Span,
    /// Holds no expansion, substitution or template expression. Globs count as literal.
    pub literal: bool,
    /// Some part is quoted.
    pub quoted: bool,
    /// The text with its way back, for words that may hold a script (those with quotes or escapes).
    pub(crate) lifted: Option<Box<Passage>>,
}

impl Word {
    /// The word's text as a passage, so that a script in it can be parsed with right places.
    pub fn passage(&self) -> Passage {
        match &self.lifted {
            Some(passage) => (**passage).clone(),
            None => {
                let mut passage = Passage::new(self.span.file, self.span.start as usize);
                if self.span.len() == self.text.len() {
                    passage.push(&self.text, self.span.start as usize);
                } else {
                    passage.push_meaning(&self.text, self.span.range());
                }
                passage
            }
        }
    }

    /// The part of the word from text byte `from` on, for `--flag=value` and `-nvalue`.
    pub(crate) fn tail(&self, from: usize) -> Word {
        let mut passage = Passage::new(self.span.file, self.span.end as usize);
        let whole = self.passage();
        passage.append(&whole, from..whole.text().len());
        let text = self.text[from..].to_owned();
        let literal = self.literal || !text.contains(['$', '`', '{']);
        let span = if text.is_empty() { self.span } else { passage.whole() };
        Word { text, span, literal, quoted: self.quoted, lifted: Some(Box::new(passage)) }
    }
}

/// A redirect such as `2>&1` or `> log`.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// With its descriptor: `>`, `2>>`, `&>`, `<`.
    pub operator: String,
    /// File or descriptor.
    pub target: Word,
}

/// Text that a command gets on its standard input.
#[derive(Debug, Clone)]
pub struct Heredoc {
    /// The body, in which a caller may look for a script; tabs of `<<-` and, unless quoted, backslash
    /// escapes are resolved.
    pub body: Passage,
    /// The delimiter is quoted: nothing in the body is expanded here.
    pub quoted: bool,
}

/// How a failure is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// `|| true`, `|| :`, `|| exit 0`, `|| return 0`.
    OrTrue,
    /// `|| echo …`: another command that does not end the script with failure.
    OrOther,
    /// `; true` as the end of the list on the same line, without `set -e` in force.
    ThenTrue,
    /// `set +e` is in force and the status is not looked at afterwards.
    SetPlusE,
    /// Not the last of a pipeline, without `pipefail`.
    PipeMasked,
    /// Not the last of a `&&` list that is followed by another statement: `set -e` does not apply.
    AndList,
    /// `&`, and nobody waits for its status.
    Background,
    /// A condition of `if`, `while` or `until`, or a test before `&&` or `||`: the status is the question. No defect.
    Condition,
    /// PowerShell's `-ErrorAction SilentlyContinue`, Make's `-` prefix, and such words of a tool's own.
    Silenced,
}

/// The reason why a failure of a command cannot fail the script, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerated {
    /// The words that lose the failure: `|| true`, `set +e`, `| tee log`, `&`, or the condition.
    pub span: Span,
    /// How it is lost.
    pub how: How,
}

/// Position in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the pipeline within the script.
    pub pipeline: u32,
    /// Position, from 0.
    pub index: u32,
}

/// How a command follows another in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// `||`; otherwise `&&`.
    pub or: bool,
    /// Index in [`Script::commands`] of the previous member's first command.
    pub previous: usize,
}

/// A test that decides whether a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As written; for `case`, `WORD in PATTERN`.
    pub text: String,
    /// Where the test (for `case`, the pattern) stands.
    pub span: Span,
    /// The command runs if the test fails (`else`, `||`).
    pub negated: bool,
}

impl Command {
    /// The command's first word.
    pub fn name(&self) -> Option<&str> {
        self.words.first().map(|w| w.text.as_str())
    }

    /// The command is a test: `[`, `[[`, `((` or `test`.
    pub fn is_test(&self) -> bool {
        matches!(self.name(), Some("[" | "[[" | "((" | "test"))
    }
}

/// Parses shell text about whose caller nothing is known. A `#!` line with options is honoured.
pub fn parse(passage: &Passage) -> Script {
    parse_with(passage, Options::default())
}

/// Parses shell text that is run with `options`.
pub fn parse_with(passage: &Passage, options: Options) -> Script {
    if passage.text().len() > MAX_BYTES {
        return Script::default();
    }
    if passage.text().contains("\r\n") {
        let text = passage.text();
        let mut unix = Passage::new(passage.file(), passage.span(0..0).start as usize);
        let mut from = 0;
        for (at, _) in text.match_indices("\r\n") {
            unix.append(passage, from..at);
            from = at + 1;
        }
        unix.append(passage, from..text.len());
        return parser::run(&unix, options);
    }
    parser::run(passage, options)
}
