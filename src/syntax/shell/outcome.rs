//! What a list does with the failure of its members.

use super::parser::Parser;
use super::{Command, Condition, How, Script};
use std::ops::Range;
use std::sync::Arc;

/// One pipeline of a `&&` / `||` list.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) commands: Range<usize>,
    /// Joined to the previous member with `||`.
    pub(super) or: bool,
    /// Where it stands in the text.
    pub(super) text: Range<usize>,
}

/// Names that scripts give to the function that prints a message and exits; used when such a function
/// is sourced from elsewhere.
const DEATHS: [&str; 12] = [
    "die",
    "fail",
    "abort",
    "fatal",
    "bail",
    "panic",
    "error_exit",
    "exit_error",
    "err_exit",
    "exit_with_error",
    "croak",
    "kill",
];

/// What the commands after `||` do.
#[derive(PartialEq)]
enum Handler {
    Succeeds,
    Fails,
    Unknown,
}

impl Parser<'_> {
    /// Sets tolerance and guarding tests of the members of a list.
    pub(super) fn judge_members(&mut self, members: &[Member]) {
        let whole_end = members.last().map_or(0, |m| m.text.end);
        // From the right: the first `||` after each member, and whether a handler after it ends in failure.
        let mut handler: Option<(usize, Handler)> = None;
        for index in (0..members.len()).rev() {
            let member = &members[index];
            let (range, is_test) = (member.commands.clone(), self.is_test(&member.commands));
            let next_from = members.get(index + 1).map_or(whole_end, |_| self.trim_start(member.text.end));
            match &handler {
                _ if is_test && index + 1 < members.len() => {
                    let span = self.passage.span(member.text.clone());
                    self.tolerate(range.clone(), How::Condition, span);
                }
                Some((_, Handler::Fails)) => {}
                Some((at, outcome)) => {
                    let how = if *outcome == Handler::Succeeds { How::OrTrue } else { How::OrOther };
                    let from = members[*at - 1].text.end;
                    let span = self.passage.span(self.trim_start(from)..whole_end.max(self.trim_start(from)));
                    self.tolerate(range.clone(), how, span);
                }
                None if index + 1 < members.len() => {
                    let span = self.passage.span(next_from..whole_end.max(next_from));
                    self.and_lists.push((range.clone(), span));
                }
                None => {}
            }
            if member.or {
                let end =
                    members[index + 1..].iter().position(|m| m.or).map_or(members.len(), |at| index + 1 + at);
                let own = self.handles(&members[index..end]);
                let outcome = match (own, handler.take()) {
                    (Handler::Fails, _) | (_, Some((_, Handler::Fails))) => Handler::Fails,
                    (Handler::Succeeds, _) | (_, Some((_, Handler::Succeeds))) => Handler::Succeeds,
                    _ => Handler::Unknown,
                };
                handler = Some((index, outcome));
            }
        }
        self.guard_by_tests(members);
    }

    fn is_test(&self, range: &Range<usize>) -> bool {
        self.script.commands.get(range.start).is_some_and(Command::is_test) && !range.is_empty()
    }

    fn handles(&self, members: &[Member]) -> Handler {
        let mut outcome = Handler::Unknown;
        for member in members {
            let commands = &self.script.commands[member.commands.clone()];
            if commands.iter().any(|c| !c.in_substitution && self.ends_in_failure(c)) {
                return Handler::Fails;
            }
            if let [one] = commands {
                outcome = if always_succeeds(one) { Handler::Succeeds } else { Handler::Unknown };
            }
        }
        outcome
    }

    fn ends_in_failure(&self, command: &Command) -> bool {
        let status = command.words.get(1).map(|w| w.text.as_str());
        match command.name() {
            Some("exit" | "return") => status != Some("0"),
            Some("false" | "/bin/false") => true,
            Some(name) if DEATHS.contains(&name) => true,
            Some(name) => {
                // A function of this text that exits with failure.
                self.script.functions.iter().rev().take(200).any(|(f, _)| f == name)
                    && self.script.commands.iter().take(2000).any(|c| {
                        c.function.as_deref() == Some(name)
                            && c.name() == Some("exit")
                            && c.words.get(1).map(|w| w.text.as_str()) != Some("0")
                    })
            }
            // `|| rc=$?` keeps the status; whether it is looked at is settled at the end.
            None => false,
        }
    }

    /// `[ … ] && x` and `[ … ] || x` decide whether x runs.
    fn guard_by_tests(&mut self, members: &[Member]) {
        let mut tests: Vec<Arc<Condition>> = Vec::new();
        for pair in members.windows(2) {
            let (before, this) = (&pair[0], &pair[1]);
            if this.or {
                tests.clear();
            }
            if self.is_test(&before.commands) && tests.len() < 4 {
                let span = self.passage.span(before.text.clone());
                let text = self.text[before.text.clone()].trim_end().to_owned();
                tests.push(Arc::new(Condition { text, span, negated: this.or }));
            }
            self.guard(this.commands.clone(), &tests);
        }
    }

    /// `earlier; last` at the end of a list.
    pub(super) fn mark_then_true(&mut self, earlier: Range<usize>, last: Range<usize>) {
        let [command] = &self.script.commands[last] else { return };
        if always_succeeds(command) && self.settings.errexit != Some(true) {
            let span = command.span;
            self.tolerate(earlier, How::ThenTrue, span);
        }
    }

    /// Another statement follows the lists that were read since `from`: `set -e` does not stop there.
    pub(super) fn mark_and_lists(&mut self, from: usize) {
        for (range, span) in self.and_lists.split_off(from) {
            self.tolerate(range, How::AndList, span);
        }
    }

    /// What can only be said when the whole text is known: `set +e` without a look at the status, and
    /// `wait` for background jobs.
    pub(super) fn settle(&mut self) {
        for index in 0..self.script.commands.len() {
            let command = &self.script.commands[index];
            let control = matches!(command.name(), Some("set" | "exit" | "return"));
            // The status of a function's last command is that of the function, which its callers may look at.
            let next = self.script.commands[index + 1..].iter().take(16).find(|c| !c.in_substitution);
            let handed_on = command.function.is_some() && next.is_none_or(|n| n.function != command.function);
            if let Some(off) = self.off[index].filter(|_| !control && !handed_on) {
                let span = self.script.commands[off].span;
                self.tolerate(index..index + 1, How::SetPlusE, span);
            }
        }
        let waits = self.script.commands.iter().any(|c| c.name() == Some("wait") && c.words.len() > 1);
        let asked: Vec<bool> = self.script.commands.iter().map(asks_status).collect();
        let kept = kept_statuses(&self.script, self.text);
        let commands = &mut self.script.commands;
        for index in 0..commands.len() {
            let Some(how) = commands[index].tolerated.as_ref().map(|t| t.how) else { continue };
            let next = commands.iter().enumerate().skip(index + 1).take(16).find(|(_, c)| !c.in_substitution);
            let looked_at = next.is_some_and(|(at, next)| {
                asked[at]
                    && next.function == commands[index].function
                    && (next.words.iter().any(|w| w.text.contains('$')) || kept[at])
            });
            let handled = match how {
                How::Background => waits,
                How::SetPlusE | How::AndList | How::OrOther | How::ThenTrue => looked_at,
                How::PipeMasked => next.is_some() && pipe_status_follows(commands, index),
                _ => false,
            };
            if handled {
                commands[index].tolerated = None;
            }
        }
    }
}

fn always_succeeds(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(|w| w.text.as_str()).collect();
    matches!(words[..], ["true" | ":" | "/bin/true" | "/usr/bin/true", ..] | ["exit" | "return", "0"])
}

/// The command looks at `$?` (or keeps it in a variable).
fn asks_status(command: &Command) -> bool {
    let asks = |text: &str| text.contains("$?") || text.contains("${?}");
    command.words.iter().any(|w| asks(&w.text)) || command.assignments.iter().any(|(_, w)| asks(&w.text))
}

/// For each command whether it keeps `$?` in a variable that is used later.
fn kept_statuses(script: &Script, text: &str) -> Vec<bool> {
    let mut budget = 64;
    let kept = |command: &Command| -> bool {
        command.assignments.iter().any(|(name, word)| {
            if !(word.text.contains("$?") || word.text.contains("${?}")) || budget == 0 {
                return false;
            }
            budget -= 1;
            text.contains(&format!("${name}")) || text.contains(&format!("${{{name}"))
                // Arithmetic and tests may name a variable without `$`.
                || text.matches(name.as_str()).count() > 1
        })
    };
    script.commands.iter().map(kept).collect()
}

/// The first command after the pipeline of `index` looks at `PIPESTATUS`.
fn pipe_status_follows(commands: &[Command], index: usize) -> bool {
    let pipeline = commands[index].pipeline.map(|p| p.pipeline);
    let after = commands[index + 1..].iter().take(64).find(|c| c.pipeline.map(|p| p.pipeline) != pipeline);
    after.is_some_and(|c| {
        c.words.iter().chain(c.assignments.iter().map(|(_, w)| w)).any(|w| w.text.contains("PIPESTATUS"))
    })
}
