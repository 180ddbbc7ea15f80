//! The grammar above simple commands: lists, pipelines and compound commands.

use super::outcome::Member;
use super::parser::Parser;
use super::{Condition, How, Link, MAX_DEPTH, Place, Word};
use std::ops::Range;
use std::sync::Arc;

/// A command collects at most this many conditions: a chain of `elif` must not cost its square.
const MAX_CONDITIONS: usize = 16;

impl Parser<'_> {
    /// Statements up to a closing word, which is left. Returns the range of commands.
    pub(super) fn list(&mut self) -> Range<usize> {
        let first = self.script.commands.len();
        // The previous statement: its commands, whether `;` on the same line follows it.
        let mut previous: Option<(Range<usize>, bool)> = None;
        let mut ending = None;
        loop {
            self.skip_lines();
            while self.peek() == Some(b';') && !matches!(self.at(1), Some(b';' | b'&')) {
                self.pos += 1;
                self.skip_lines();
            }
            if self.pos >= self.end || self.at_closer() {
                break;
            }
            let before = self.pos;
            let at = self.script.commands.len();
            let lists = self.and_lists.len();
            self.and_or();
            let range = at..self.script.commands.len();
            if self.pos == before {
                self.fault();
                self.skip_token();
                continue;
            }
            ending = match previous.take() {
                Some((earlier, true)) => Some((earlier, range.clone())),
                _ => None,
            };
            self.skip_blanks();
            let mut same_line = false;
            match self.peek() {
                Some(b'&') if self.at(1) != Some(b'&') => {
                    let span = self.passage.span(self.pos..self.pos + 1);
                    self.pos += 1;
                    self.tolerate(range.clone(), How::Background, span);
                }
                Some(b';') if !matches!(self.at(1), Some(b';' | b'&')) => {
                    self.pos += 1;
                    self.skip_blanks();
                    same_line = self.peek() != Some(b'\n');
                }
                _ => {}
            }
            // The status of the last statement of a list is the list's: an and-list there loses nothing.
            self.skip_lines();
            if self.pos >= self.end || self.at_closer() {
                self.and_lists.truncate(lists);
                break;
            }
            self.mark_and_lists(lists);
            previous = Some((range, same_line));
        }
        if let Some((earlier, last)) = ending {
            self.mark_then_true(earlier, last);
        }
        first..self.script.commands.len()
    }

    fn and_or(&mut self) {
        let mut members: Vec<Member> = Vec::new();
        let mut or = None;
        loop {
            let start = self.pos;
            let commands = self.pipeline();
            if let (Some(or), Some(previous)) = (or, members.last())
                && !commands.is_empty()
                && !previous.commands.is_empty()
            {
                self.script.commands[commands.start].link =
                    Some(Link { or, previous: previous.commands.start });
            }
            members.push(Member { commands, or: or == Some(true), text: start..self.pos });
            self.skip_blanks();
            or = match self.rest() {
                [b'&', b'&', ..] => Some(false),
                [b'|', b'|', ..] => Some(true),
                _ => break,
            };
            self.pos += 2;
            self.skip_lines();
            if self.pos >= self.end || self.at_closer() {
                self.fault();
                break;
            }
        }
        if members.len() > 1 {
            self.judge_members(&members);
        }
    }

    fn pipeline(&mut self) -> Range<usize> {
        let first = self.script.commands.len();
        let mut negated = false;
        self.skip_blanks();
        while self.peek() == Some(b'!') && self.at(1).is_none_or(|b| b.is_ascii_whitespace() || b == b'(') {
            negated = !negated;
            self.pos += 1;
            self.skip_blanks();
        }
        let mut members: Vec<(Range<usize>, usize)> = Vec::new();
        loop {
            let at = self.script.commands.len();
            self.command();
            members.push((at..self.script.commands.len(), self.pos));
            self.skip_blanks();
            match self.rest() {
                [b'|', b'|', ..] => break,
                [b'|', b'&', ..] => self.pos += 2,
                [b'|', ..] => self.pos += 1,
                _ => break,
            }
            self.skip_lines();
        }
        if let Some((_, end)) = members.last() {
            self.pos = *end;
        }
        let all = first..self.script.commands.len();
        if members.len() > 1 {
            self.pipelines += 1;
            let end = members.last().map_or(self.pos, |m| m.1);
            for (index, (commands, stop)) in members.iter().enumerate() {
                for command in &mut self.script.commands[commands.clone()] {
                    command.pipeline.get_or_insert(Place { pipeline: self.pipelines, index: index as u32 });
                }
                if index + 1 < members.len() && self.settings.pipefail != Some(true) {
                    let from = self.trim_start(*stop);
                    let span = self.passage.span(from..end.max(from));
                    self.tolerate(commands.clone(), How::PipeMasked, span);
                }
            }
        }
        if negated && let Some((last, _)) = members.last() {
            for command in &mut self.script.commands[last.clone()] {
                command.negated = true;
            }
        }
        all
    }

    fn command(&mut self) {
        self.skip_blanks();
        if self.depth >= MAX_DEPTH && (self.peek() == Some(b'(') || self.opens_compound()) {
            self.script.complete = false;
            self.skip_token();
            return;
        }
        self.depth += 1;
        let first = self.script.commands.len();
        let compound = match self.peek() {
            Some(b'(') if self.at(1) == Some(b'(') && self.arithmetic() => true,
            Some(b'(') => {
                self.subshell();
                true
            }
            _ => self.compound(),
        };
        if compound {
            self.redirects_of_compound(first);
        } else {
            self.simple();
        }
        self.depth -= 1;
    }

    fn opens_compound(&self) -> bool {
        matches!(self.reserved(), "if" | "while" | "until" | "for" | "select" | "case" | "{" | "function")
    }

    fn compound(&mut self) -> bool {
        if !self.opens_compound() {
            return false;
        }
        let word = self.reserved().to_owned();
        let start = self.pos;
        self.pos += word.len();
        match word.as_str() {
            "{" => {
                self.list();
                self.take("}");
            }
            "if" => self.if_command(),
            "while" | "until" => {
                self.condition();
                if self.take("do") {
                    self.list();
                    self.take("done");
                }
            }
            "for" | "select" => self.for_command(),
            "case" => self.case_command(),
            _ => {
                self.skip_blanks();
                let Some(name) = self.word(super::word::Mode::Command) else {
                    self.fault();
                    return true;
                };
                self.skip_blanks();
                if self.peek() == Some(b'(') {
                    self.pos += 1;
                    self.take(")");
                }
                self.function_body(name.text, start);
            }
        }
        true
    }

    /// Reads the body of function `name`, whose definition begins at `start`.
    pub(super) fn function_body(&mut self, name: String, start: usize) {
        if self.depth >= MAX_DEPTH {
            self.script.complete = false;
            return;
        }
        self.skip_lines();
        let first = self.script.commands.len();
        let settings = self.settings;
        self.command();
        self.settings = settings;
        for command in &mut self.script.commands[first..] {
            command.function.get_or_insert_with(|| name.clone());
        }
        self.script.functions.push((name, self.passage.span(start..self.pos)));
    }

    fn subshell(&mut self) {
        self.pos += 1;
        let settings = self.settings;
        let range = self.list();
        self.settings = settings;
        for command in &mut self.script.commands[range] {
            command.subshell += 1;
        }
        self.take(")");
    }

    /// A list that is a condition; what it says, for the commands that it guards.
    fn condition(&mut self) -> Arc<Condition> {
        self.skip_lines();
        let start = self.pos;
        let range = self.list();
        let text = self.text[start..self.pos].trim_end_matches([' ', '\t', '\n', ';']);
        let span = self.passage.span(start..start + text.len());
        let condition = Arc::new(Condition { text: text.to_owned(), span, negated: false });
        self.tolerate(range, How::Condition, span);
        condition
    }

    /// Adds `conditions` to the outer side of what each command of `range` already knows.
    pub(super) fn guard(&mut self, range: Range<usize>, conditions: &[Arc<Condition>]) {
        for command in &mut self.script.commands[range] {
            let room = MAX_CONDITIONS.saturating_sub(command.conditions.len());
            command.conditions.splice(0..0, conditions.iter().take(room).cloned());
        }
    }

    fn if_command(&mut self) {
        let mut failed: Vec<Arc<Condition>> = Vec::new();
        loop {
            let at = self.script.commands.len();
            let condition = self.condition();
            self.guard(at..self.script.commands.len(), &failed);
            if !self.take("then") {
                return;
            }
            let branch = self.list();
            let mut holds = failed.clone();
            holds.push(condition.clone());
            self.guard(branch, &holds);
            if failed.len() < MAX_CONDITIONS / 2 {
                failed.push(Arc::new(Condition { negated: true, ..(*condition).clone() }));
            }
            self.skip_lines();
            match self.reserved() {
                "elif" => self.pos += 4,
                "else" => {
                    self.pos += 4;
                    let branch = self.list();
                    self.guard(branch, &failed);
                    self.take("fi");
                    return;
                }
                _ => {
                    self.take("fi");
                    return;
                }
            }
        }
    }

    fn for_command(&mut self) {
        self.skip_blanks();
        if self.rest().starts_with(b"((") {
            self.arithmetic();
        } else {
            let name = self.word(super::word::Mode::Command);
            self.skip_lines();
            if self.reserved() == "in" {
                self.pos += 2;
                let mut values: Vec<Word> = Vec::new();
                self.skip_blanks();
                while let Some(word) = self.word(super::word::Mode::Command) {
                    values.push(word);
                    self.skip_blanks();
                }
                if let Some(name) = name {
                    self.script.variables.entry(name.text).or_default().extend(values);
                }
            }
            self.parse_nested();
        }
        self.skip_lines();
        if self.peek() == Some(b';') {
            self.pos += 1;
        }
        self.skip_lines();
        if self.reserved() == "{" {
            self.pos += 1;
            self.list();
            self.take("}");
        } else if self.take("do") {
            self.list();
            self.take("done");
        }
    }

    fn case_command(&mut self) {
        self.skip_blanks();
        let start = self.pos;
        let _ = self.word(super::word::Mode::Command);
        let subject: String = self.text[start..self.pos].chars().take(120).collect();
        self.parse_nested();
        if !self.take("in") {
            return;
        }
        loop {
            self.skip_lines();
            if self.peek() == Some(b'(') {
                self.pos += 1;
                self.skip_blanks();
            }
            if self.pos >= self.end || self.reserved() == "esac" {
                self.take("esac");
                return;
            }
            let start = self.pos;
            loop {
                self.skip_blanks();
                if self.word(super::word::Mode::Command).is_none() {
                    break;
                }
                self.skip_blanks();
                if self.peek() != Some(b'|') {
                    break;
                }
                self.pos += 1;
            }
            self.nested.clear();
            let pattern = self.text[start..self.pos].trim_end();
            let span = self.passage.span(start..start + pattern.len());
            let text = format!("{subject} in {pattern}");
            if !self.take(")") {
                return;
            }
            let branch = self.list();
            self.guard(branch, &[Arc::new(Condition { text, span, negated: false })]);
            match self.reserved() {
                sign @ (";;" | ";&" | ";;&") => self.pos += sign.len(),
                _ => {
                    self.take("esac");
                    return;
                }
            }
        }
    }
}
