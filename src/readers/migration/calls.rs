//! Calls in program code, found without a parser: brackets are matched in a text whose comments and strings are
//! masked, so one pass serves Python, JavaScript, PHP, C#, Go and Java.

use std::collections::HashMap;
use std::ops::Range;

/// Calls of one body that are told. Beyond them a file is a dump, not a migration.
const MOST_CALLS: usize = 20_000;

/// Of what a call is called on, so many bytes are looked at.
const MOST_RECEIVER: usize = 120;

/// So many calls on one result are looked at.
const MOST_CHAINED: usize = 40;

/// A call, with its parts as ranges of the text.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The word before the bracket, without what it is called on.
    pub(super) name: Range<usize>,
    /// Brackets included.
    pub(super) brackets: Range<usize>,
    /// The arguments, blanks around them included.
    pub(super) arguments: Vec<Range<usize>>,
    /// The call in whose arguments it stands, by number.
    pub(super) within: Option<usize>,
    /// The first call of its chain, by number: itself, unless it is called on the result of another.
    pub(super) head: usize,
    /// The call on its result, by number.
    pub(super) next: Option<usize>,
}

/// A bracket that waits for its end.
struct Open {
    at: usize,
    call: Option<usize>,
    /// The nearest call around what follows.
    around: Option<usize>,
    from: usize,
}

/// All calls between two places of a masked text, in the order in which they begin.
pub(super) fn calls(masked: &str, body: Range<usize>) -> Vec<Call> {
    let bytes = masked.as_bytes();
    let mut calls: Vec<Call> = Vec::new();
    let mut stack: Vec<Open> = Vec::new();
    let mut ended: HashMap<usize, usize> = HashMap::new();
    for at in body.clone() {
        match bytes[at] {
            b'(' => {
                let name = callee(bytes, body.start, at).filter(|_| calls.len() < MOST_CALLS);
                let within = stack.last().and_then(|open| open.around);
                let call = name.map(|name| {
                    let number = calls.len();
                    let on = receiver_end(bytes, name.start).and_then(|end| ended.get(&end).copied());
                    let head = on.map_or(number, |on| {
                        calls[on].next = Some(number);
                        calls[on].head
                    });
                    let brackets = at..at + 1;
                    calls.push(Call { name, brackets, arguments: Vec::new(), within, head, next: None });
                    number
                });
                stack.push(Open { at, call, around: call.or(within), from: at + 1 });
            }
            b'[' | b'{' => {
                let around = stack.last().and_then(|open| open.around);
                stack.push(Open { at, call: None, around, from: at + 1 });
            }
            b',' => {
                if let Some(Open { call: Some(call), from, .. }) = stack.last_mut() {
                    calls[*call].arguments.push(*from..at);
                    *from = at + 1;
                }
            }
            close @ (b')' | b']' | b'}') => {
                let opens = |open: &Open| {
                    matches!((bytes[open.at], close), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
                };
                if !stack.last().is_some_and(opens) {
                    continue;
                }
                let Some(open) = stack.pop() else { continue };
                if let Some(call) = open.call {
                    calls[call].brackets = open.at..at + 1;
                    if !masked[open.from..at].trim().is_empty() {
                        calls[call].arguments.push(open.from..at);
                    }
                    ended.insert(at, call);
                }
            }
            _ => {}
        }
    }
    calls
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// The word before a bracket: `AddColumn<string>(` is `AddColumn`.
fn callee(bytes: &[u8], start: usize, open: usize) -> Option<Range<usize>> {
    let mut end = open;
    if end > start && bytes[end - 1] == b'>' {
        let mut depth = 0usize;
        // A type argument is short; `a > (b)` is none.
        for at in (start.max(end.saturating_sub(80))..end).rev() {
            match bytes[at] {
                b'>' => depth += 1,
                b'<' => depth -= 1,
                b if is_word(b) || matches!(b, b',' | b' ' | b'.' | b'[' | b']') => continue,
                _ => return None,
            }
            if depth == 0 {
                end = at;
                break;
            }
        }
        if depth != 0 {
            return None;
        }
    }
    let begin = (start..end).rev().find(|at| !is_word(bytes[*at])).map_or(start, |at| at + 1);
    (begin < end && !bytes[begin].is_ascii_digit()).then_some(begin..end)
}

/// Where the call ends on whose result the name at `from` is called: `.name`, `->name`, `?.name`, with line breaks.
fn receiver_end(bytes: &[u8], from: usize) -> Option<usize> {
    let blank = |mut at: usize| {
        while at > 0 && bytes[at - 1].is_ascii_whitespace() {
            at -= 1;
        }
        at
    };
    let at = blank(from);
    let at = match bytes[..at] {
        [.., b'-', b'>'] | [.., b'?', b'.'] => at - 2,
        [.., b'.'] => at - 1,
        _ => return None,
    };
    blank(at).checked_sub(1)
}

/// The code of one body, with what is needed to look at its calls.
pub(super) struct Code<'t> {
    /// The file as it is.
    pub(super) text: &'t str,
    /// The same, byte for byte, with comments blanked and strings filled.
    pub(super) masked: &'t str,
    /// The calls of the body.
    pub(super) calls: Vec<Call>,
}

impl<'t> Code<'t> {
    pub(super) fn new(text: &'t str, masked: &'t str, body: Range<usize>) -> Code<'t> {
        Code { text, masked, calls: calls(masked, body) }
    }

    /// Calls that were found in another way.
    pub(super) fn with(text: &'t str, masked: &'t str, calls: Vec<Call>) -> Code<'t> {
        Code { text, masked, calls }
    }

    pub(super) fn name(&self, call: &Call) -> &'t str {
        &self.masked[call.name.clone()]
    }

    /// From the name to the end.
    pub(super) fn range(&self, call: &Call) -> Range<usize> {
        call.name.start..call.brackets.end
    }

    /// What a call is called on, as written just before it: `op`, `$this`, `knex.schema`; empty if nothing.
    pub(super) fn receiver(&self, call: &Call) -> &'t str {
        let before = &self.masked[..call.name.start];
        let part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.' | ':' | '-' | '>' | '?' | '!');
        let start = before.len()
            - before.bytes().rev().take(MOST_RECEIVER).take_while(|b| part(char::from(*b))).count();
        before[start..].trim_end_matches(['.', '>', '-', ':', '?', '!'])
    }

    /// An argument by its position.
    pub(super) fn argument(&self, call: &Call, at: usize) -> Option<Range<usize>> {
        call.arguments.get(at).map(|range| self.trimmed(range.clone()))
    }

    /// The value of `name=…`, `name: …` or `'name' => …` among the arguments.
    pub(super) fn named(&self, call: &Call, name: &str) -> Option<Range<usize>> {
        call.arguments.iter().find_map(|argument| self.value_of(argument.clone(), name))
    }

    /// Positional, or else by this name.
    pub(super) fn either(&self, call: &Call, at: usize, name: &str) -> Option<Range<usize>> {
        self.named(call, name).or_else(|| {
            let argument = self.argument(call, at)?;
            (!self.is_named(&self.masked[argument.clone()])).then_some(argument)
        })
    }

    fn is_named(&self, argument: &str) -> bool {
        let word = argument.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let rest = argument[word..].trim_start();
        word > 0
            && (rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=>")
                || rest.starts_with(':') && !rest.starts_with("::"))
    }

    fn value_of(&self, argument: Range<usize>, name: &str) -> Option<Range<usize>> {
        let range = self.trimmed(argument);
        let written = &self.text[range.clone()];
        let rest = written.trim_start_matches(['"', '\'', ':']).strip_prefix(name)?;
        let rest = rest.trim_start_matches(['"', '\'']).trim_start();
        let rest = rest.strip_prefix("=>").or_else(|| rest.strip_prefix(['=', ':']))?;
        Some(self.trimmed(range.end - rest.len()..range.end))
    }

    /// The value of a key in an object, a dictionary or a list of pairs that is an argument.
    pub(super) fn key(&self, object: Range<usize>, name: &str) -> Option<Range<usize>> {
        let inner = self.inside(object)?;
        split(self.masked, inner).into_iter().find_map(|part| self.value_of(part, name))
    }

    /// What stands between the brackets of a literal list or object.
    pub(super) fn inside(&self, range: Range<usize>) -> Option<Range<usize>> {
        let range = self.trimmed(range);
        let open = range.start + self.masked[range.clone()].find(['{', '[', '('])?;
        let close = range.start + self.masked[range.clone()].rfind(['}', ']', ')'])?;
        (open < close).then_some(open + 1..close)
    }

    /// The strings of a literal list, or the one string.
    pub(super) fn strings(&self, range: Range<usize>) -> Vec<&'t str> {
        if let Some(one) = self.string(range.clone()) {
            return vec![one];
        }
        let written = self.text[range.clone()].trim();
        if let Some(words) = written.strip_prefix("%i").or_else(|| written.strip_prefix("%w")) {
            return words.trim_matches(['[', ']', '(', ')', '{', '}']).split_whitespace().collect();
        }
        let Some(inner) = self.inside(range) else { return Vec::new() };
        split(self.masked, inner).into_iter().filter_map(|part| self.string(part)).collect()
    }

    /// The text of an argument that is one string or one symbol; without escapes undone.
    pub(super) fn string(&self, range: Range<usize>) -> Option<&'t str> {
        self.literal(range).map(|range| &self.text[range])
    }

    /// Where the text of such an argument lies, quotes left out.
    pub(super) fn literal(&self, range: Range<usize>) -> Option<Range<usize>> {
        let range = self.trimmed(range);
        let mut start = range.start;
        let bytes = self.masked.as_bytes();
        // A symbol of Ruby, an atom of Elixir.
        if let Some(symbol) = self.masked[range.clone()].strip_prefix(':')
            && !symbol.is_empty()
            && symbol.bytes().all(|b| is_word(b) || matches!(b, b'?' | b'!'))
        {
            return Some(range.start + 1..range.end);
        }
        // `r"…"`, `f'…'`, `@"…"`, `$@"…"`, `b"…"`
        while start < range.end
            && start < range.start + 3
            && matches!(bytes[start], b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'$')
        {
            start += 1;
        }
        let quote = *bytes.get(start).filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
        let thrice = bytes[start..range.end].starts_with(&[quote; 3]) && range.end - start >= 6;
        let length = if thrice { 3 } else { 1 };
        let (from, to) = (start + length, range.end.checked_sub(length)?);
        if from > to || bytes[to] != quote {
            return None;
        }
        // Inside, a mask holds nothing but its filling: another quote means another string.
        (!bytes[from..to].contains(&quote)).then_some(from..to)
    }

    pub(super) fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.masked[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        start..(range.end - (text.len() - text.trim_end().len())).max(start)
    }

    /// The calls on the result of this one, in order: `b(2)` and `c(3)` of `a(1).b(2).c(3)`.
    pub(super) fn chained(&self, call: &Call) -> impl Iterator<Item = &Call> {
        std::iter::successors(call.next, |at| self.calls[*at].next).map(|at| &self.calls[at])
    }

    /// Whether a call of this name is chained to this one.
    pub(super) fn has(&self, call: &Call, name: &str) -> bool {
        self.chained(call).take(MOST_CHAINED).any(|c| self.name(c) == name)
    }
}

/// Parts of a masked text between commas that no bracket holds.
pub(super) fn split(masked: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0usize, range.start);
    for at in range.clone() {
        match masked.as_bytes()[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(from..at);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(from..range.end);
    parts.retain(|part| !masked[part.clone()].trim().is_empty());
    parts
}

/// Calls of Ruby and Elixir, whose brackets may be left out: every one of these words in its line, with what follows it
/// up to a condition, a block or the line's end.
pub(super) fn commands(masked: &str, body: Range<usize>, is_command: &dyn Fn(&str) -> bool) -> Vec<Call> {
    let bytes = masked.as_bytes();
    let mut found = Vec::new();
    let mut at = body.start;
    while at < body.end && found.len() < MOST_CALLS {
        if !is_word(bytes[at]) || bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length =
            bytes[at..body.end].iter().take_while(|b| is_word(**b) || matches!(b, b'!' | b'?')).count();
        let name = at..at + length;
        let symbol = at > body.start && matches!(bytes[at - 1], b':' | b'@') && !masked[..at].ends_with("::");
        at = name.end;
        // `name:` is a key.
        let key = bytes.get(at) == Some(&b':') && bytes.get(at + 1) != Some(&b':');
        if symbol || key || !is_command(&masked[name.clone()]) {
            continue;
        }
        let brackets = match bytes.get(at) {
            Some(b'(') => at..closing(bytes, at, body.end).map_or(body.end, |close| close + 1),
            _ => at..end_of_command(masked, at, body.end),
        };
        let inner = match bytes.get(at) {
            Some(b'(') => at + 1..brackets.end.saturating_sub(1).max(at + 1),
            _ => brackets.clone(),
        };
        let arguments = split(masked, inner);
        found.push(Call { name, brackets, arguments, within: None, head: found.len(), next: None });
    }
    found
}

/// So far a command's end is looked for.
const LONGEST_COMMAND: usize = 4_000;

fn closing(bytes: &[u8], open: usize, end: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().take(end.min(open + LONGEST_COMMAND)).skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where the arguments of a command without brackets end. A line that ends with a comma goes on.
fn end_of_command(masked: &str, from: usize, end: usize) -> usize {
    let bytes = masked.as_bytes();
    let mut depth = 0usize;
    let mut at = from;
    let end = end.min(from + LONGEST_COMMAND);
    while at < end {
        match bytes[at] {
            b'(' | b'[' => depth += 1,
            b'{' if masked[..at].trim_end().ends_with([',', ':', '>', '(']) => depth += 1,
            b')' | b']' | b'}' | b'{' if depth == 0 => return at,
            b')' | b']' | b'}' => depth -= 1,
            b';' if depth == 0 => return at,
            b'\n' if depth == 0 && !masked[from..at].trim_end().ends_with([',', '\\']) => return at,
            b' ' if depth == 0
                && [" do ", " do\n", " if ", " unless ", " rescue "]
                    .iter()
                    .any(|word| masked[at..].starts_with(word)) =>
            {
                return at;
            }
            _ => {}
        }
        at += 1;
    }
    while !masked.is_char_boundary(at) {
        at -= 1;
    }
    at
}
