//! Simple commands: words, assignments and redirects.

use super::parser::{Parser, is_word_byte};
use super::scan;
use super::word::Mode;
use super::{Command, Heredoc, Redirect, Word};

/// The name in `NAME=`, `NAME+=` or `NAME[i]=` at the start of `text`, and the offset of the value.
pub(super) fn assigned_name(text: &str) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let name = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    if name == 0 || bytes[0].is_ascii_digit() {
        return None;
    }
    let mut i = name;
    if bytes.get(i) == Some(&b'[') {
        i += bytes[i..].iter().position(|b| *b == b']')? + 1;
    }
    if bytes.get(i) == Some(&b'+') {
        i += 1;
    }
    (bytes.get(i) == Some(&b'=')).then_some((&text[..name], i + 1))
}

/// A command under construction.
#[derive(Default)]
struct Draft {
    words: Vec<Word>,
    assignments: Vec<(String, Word)>,
    redirects: Vec<Redirect>,
    heredoc: Option<Heredoc>,
    delimiters: Vec<scan::Delimiter>,
    start: usize,
    end: usize,
}

impl Parser<'_> {
    /// Reads a simple command, a test or a function definition.
    pub(super) fn simple(&mut self) {
        let mut draft = Draft { start: self.pos, end: self.pos, ..Draft::default() };
        loop {
            self.skip_blanks();
            let at = self.pos;
            if self.redirect(&mut draft) {
                draft.end = self.pos;
                continue;
            }
            match self.peek() {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')') => break,
                Some(b'(') => {
                    if draft.words.len() == 1 && self.closes_at_once() {
                        let name = draft.words[0].text.clone();
                        self.nested.clear();
                        return self.function_body(name, draft.start);
                    }
                    self.fault();
                    if draft.words.is_empty() {
                        self.pos += 1;
                    }
                    break;
                }
                _ => {}
            }
            let assigned = if draft.words.is_empty() { self.assigned() } else { None };
            if draft.words.is_empty()
                && assigned.is_none()
                && self.rest().starts_with(b"[[")
                && self.test(&mut draft)
            {
                draft.end = self.pos;
                continue;
            }
            if let Some((name, value)) = assigned {
                self.pos = value;
                let word = match self.peek() {
                    Some(b'(') => self.array(&name),
                    _ => {
                        let word = self.word(Mode::Command).unwrap_or_else(|| self.plain_word(value..value));
                        self.script.variables.entry(name.clone()).or_default().push(word.clone());
                        word
                    }
                };
                draft.assignments.push((name, word));
            } else if let Some(word) = self.word(Mode::Command) {
                draft.words.push(word);
            } else {
                // An operator that cannot stand here.
                self.fault();
                self.pos += self.width(self.pos).max(1);
                self.pos = self.pos.min(self.end);
            }
            draft.end = self.pos;
            debug_assert!(self.pos > at);
        }
        // Blanks and comments behind the last word are not part of the command.
        if draft.end > draft.start {
            self.pos = draft.end;
        }
        self.finish(draft);
    }

    /// Reads `( … )` after `NAME=`; the elements become values of the variable.
    fn array(&mut self, name: &str) -> Word {
        let start = self.pos;
        self.pos += 1;
        loop {
            self.skip_lines();
            match self.peek() {
                None => {
                    self.fault();
                    break;
                }
                Some(b')') => {
                    self.pos += 1;
                    break;
                }
                _ => match self.word(Mode::Command) {
                    Some(word) => self.script.variables.entry(name.to_owned()).or_default().push(word),
                    None => self.pos += 1,
                },
            }
        }
        Word { literal: false, ..self.plain_word(start..self.pos) }
    }

    fn closes_at_once(&mut self) -> bool {
        let rest = &self.bytes[self.pos + 1..self.end];
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let closes = rest.get(blanks) == Some(&b')');
        if closes {
            self.pos += blanks + 2;
        }
        closes
    }

    fn assigned(&self) -> Option<(String, usize)> {
        let length = self.rest().iter().take_while(|b| is_word_byte(**b)).count();
        let (name, value) = assigned_name(self.text.get(self.pos..self.pos + length)?)?;
        Some((name.to_owned(), self.pos + value))
    }

    fn finish(&mut self, draft: Draft) {
        if draft.words.is_empty() && draft.assignments.is_empty() && draft.redirects.is_empty() {
            for delimiter in draft.delimiters {
                self.heredocs.push((delimiter, None));
            }
            return self.parse_nested();
        }
        let declares = matches!(
            draft.words.first().map(|w| w.text.as_str()),
            Some("export" | "declare" | "local" | "readonly" | "typeset")
        );
        if declares {
            for word in &draft.words[1..] {
                if let Some((name, value)) = assigned_name(&word.text) {
                    let name = name.to_owned();
                    self.script.variables.entry(name).or_default().push(word.tail(value));
                }
            }
        }
        let command = Command {
            span: self.passage.span(draft.start..draft.end),
            words: draft.words,
            assignments: draft.assignments,
            redirects: draft.redirects,
            heredoc: draft.heredoc,
            tolerated: None,
            errexit: self.settings.errexit,
            pipeline: None,
            link: None,
            function: None,
            conditions: Vec::new(),
            subshell: 0,
            in_substitution: false,
            negated: false,
        };
        let switches: Vec<String> = match command.name() {
            Some("set") => command.words[1..].iter().map(|w| w.text.clone()).collect(),
            _ => Vec::new(),
        };
        let index = self.push(command);
        for delimiter in draft.delimiters {
            self.heredocs.push((delimiter, Some(index)));
        }
        for (at, word) in switches.iter().enumerate() {
            self.switch(word, switches.get(at + 1).map(String::as_str), Some(index));
        }
        self.parse_nested();
    }

    /// Applies one word of `set` (or of a `#!` line) such as `-euo` with the word after it.
    pub(super) fn switch(&mut self, word: &str, next: Option<&str>, by: Option<usize>) {
        let (on, letters) = match word.as_bytes() {
            [b'-', b'-', ..] => return,
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => return,
        };
        let long = if letters.contains(&b'o') { next } else { None };
        if long == Some("pipefail") {
            self.settings.pipefail = Some(on);
        }
        if letters.contains(&b'e') || long == Some("errexit") {
            self.settings.errexit = Some(on);
            self.settings.off_by = if on { None } else { by };
        }
    }

    /// Reads a redirect if one is here.
    fn redirect(&mut self, draft: &mut Draft) -> bool {
        let rest = self.rest();
        let digits = match rest.first() {
            Some(b'{') => match rest.iter().take(64).position(|b| *b == b'}') {
                Some(close) if rest[1..close].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') => {
                    close + 1
                }
                _ => 0,
            },
            _ => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
        };
        let operator: &[u8] = match &rest[digits..] {
            [b'<', b'(', ..] | [b'>', b'(', ..] if digits == 0 => return false,
            [b'&', b'>', b'>', ..] if digits == 0 => b"&>>",
            [b'&', b'>', ..] if digits == 0 => b"&>",
            [b'<', b'<', b'<', ..] => b"<<<",
            [b'<', b'<', ..] => {
                let template = scan::end_of_template(self.bytes, self.pos + digits, self.end);
                if template.is_some() {
                    return false;
                }
                b"<<"
            }
            [b'>', b'>', ..] => b">>",
            [b'<', b'&', ..] => b"<&",
            [b'>', b'&', ..] => b">&",
            [b'<', b'>', ..] => b"<>",
            [b'>', b'|', ..] => b">|",
            [b'<', ..] => b"<",
            [b'>', ..] => b">",
            _ => return false,
        };
        let from = self.pos;
        self.pos += digits + operator.len();
        let operator = self.text[from..self.pos].to_owned();
        if operator.ends_with("<<") && !operator.ends_with("<<<") {
            match scan::delimiter(self.bytes, self.pos, self.end) {
                Some((delimiter, after)) => {
                    draft.delimiters.push(delimiter);
                    self.pos = after;
                }
                None => self.fault(),
            }
            return true;
        }
        self.skip_blanks();
        match self.word(Mode::Command) {
            Some(target) if operator.ends_with("<<<") => {
                draft.heredoc = Some(Heredoc { body: target.passage(), quoted: target.literal });
            }
            Some(target) => draft.redirects.push(Redirect { operator, target }),
            None => self.fault(),
        }
        true
    }

    /// Redirects after `done`, `fi`, `}` or `)`: what the commands from number `first` on print goes there, too.
    pub(super) fn redirects_of_compound(&mut self, first: usize) {
        let mut draft = Draft::default();
        loop {
            let end = self.pos;
            self.skip_blanks();
            if !self.redirect(&mut draft) {
                self.pos = end;
                break;
            }
        }
        let prints = |r: &&Redirect| r.operator.contains('>') && !r.operator.starts_with('2');
        if let Some(output) = draft.redirects.iter().find(prints) {
            for command in self.script.commands.iter_mut().skip(first) {
                if !command.redirects.iter().any(|r| prints(&r)) {
                    command.redirects.push(output.clone());
                }
            }
        }
        for delimiter in draft.delimiters {
            self.heredocs.push((delimiter, None));
        }
        self.parse_nested();
    }

    /// Reads `[[ … ]]` into words; false if it is not one.
    fn test(&mut self, draft: &mut Draft) -> bool {
        if self.bytes[self.pos + 2..self.end].first().is_some_and(|b| is_word_byte(*b)) {
            return false;
        }
        let start = self.pos;
        draft.words.push(self.plain_word(start..start + 2));
        self.pos += 2;
        loop {
            self.skip_blanks();
            let at = self.pos;
            let after_operator =
                matches!(draft.words.last().map(|w| w.text.as_str()), Some("&&" | "||" | "[["));
            match self.rest() {
                [b']', b']', ..] => {
                    self.pos += 2;
                    draft.words.push(self.plain_word(at..at + 2));
                    return true;
                }
                [b'\n', ..] if after_operator || self.closes_test_later() => {
                    self.pos += 1;
                    continue;
                }
                [] | [b'\n' | b';', ..] => {
                    self.fault();
                    return true;
                }
                [b'&', b'&', ..] | [b'|', b'|', ..] => self.pos += 2,
                [b'<' | b'>' | b'(' | b')' | b'&' | b'|', ..] if !after_regex(&draft.words) => self.pos += 1,
                _ => {
                    let mode = if after_regex(&draft.words) { Mode::Regex } else { Mode::Command };
                    match self.word(mode) {
                        Some(word) => draft.words.push(word),
                        None => self.pos += 1,
                    }
                    continue;
                }
            }
            draft.words.push(self.plain_word(at..self.pos));
        }
    }

    fn closes_test_later(&self) -> bool {
        let next = &self.rest()[1..];
        let blanks = next.iter().take_while(|b| b.is_ascii_whitespace()).count();
        matches!(&next[blanks..], [b'&', b'&', ..] | [b'|', b'|', ..] | [b']', b']', ..])
    }

    fn plain_word(&self, range: std::ops::Range<usize>) -> Word {
        let text = self.text[range.clone()].to_owned();
        Word { text, span: self.passage.span(range), literal: true, quoted: false, lifted: None }
    }

    /// Reads `(( … ))` as a test command; false if it is not one.
    pub(super) fn arithmetic(&mut self) -> bool {
        let start = self.pos;
        let Some(end) = scan::end_of_parens(self.bytes, start + 1, self.limit()) else { return false };
        if !self.bytes[start + 2..end].ends_with(b"))") {
            return false;
        }
        self.pos = end;
        let words = vec![
            self.plain_word(start..start + 2),
            self.plain_word(start + 2..end - 2),
            self.plain_word(end - 2..end),
        ];
        self.finish(Draft { words, start, end, ..Draft::default() });
        true
    }
}

fn after_regex(words: &[Word]) -> bool {
    words.last().is_some_and(|w| w.text == "=~")
}
