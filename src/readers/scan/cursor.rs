//! Reads forward from a key: operators, types, literals.

use super::pairs::line_before;
use crate::facts::Medium;
use std::ops::Range;

/// Longer values are not read: the time for a hit must not depend on the file's size.
const LONGEST_VALUE: usize = 4096;
/// The same without quotes, where nothing but the line's end may end them.
const LONGEST_BARE: usize = 512;

/// Calls around a literal that leave it what it is.
const WRAPPERS: &[&str] = &[
    "String::from(",
    "new String(",
    "String(",
    "Some(",
    "SecretStr(",
    "SecretString::new(",
    "SecretString::from(",
    "Secret::new(",
    "[]byte(",
    "Buffer.from(",
    "bytes(",
    "aws.String(",
    "pulumi.String(",
    "to.Ptr(",
    "pointer.String(",
    "Optional.of(",
    "&",
];

/// Methods of a literal that leave it what it is, in lower case; others make another text of it.
const CONVERSIONS: &[&str] = &[
    ".to_string",
    ".to_owned",
    ".into",
    ".tochararray",
    ".getbytes",
    ".encode",
    ".freeze",
    ".as_bytes",
    ".utf8",
    ".data(using",
    ".tostring",
    ".trim",
];

/// Where a pair is being read, and what is known of the file.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) medium: Medium,
    pub(super) extension: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn take(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    pub(super) fn take_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|w| self.take(w.as_bytes()))
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take(64).take_while(|b| matches!(b, b' ' | b'\t')).count();
    }

    /// Blanks and line breaks, at most `most` bytes of them.
    pub(super) fn skip_space(&mut self, most: usize) {
        self.at += self.rest().iter().take(most).take_while(|b| b.is_ascii_whitespace()).count();
    }

    /// What is left of the line, at most `most` bytes of it.
    pub(super) fn line(&self, most: usize) -> &'a str {
        let length = self.rest().iter().take(most).take_while(|b| !matches!(b, b'\n' | b'\r')).count();
        &self.text[self.at..self.text.floor_char_boundary(self.at + length)]
    }

    /// An operator that gives the key a value; comparisons do not.
    pub(super) fn assigns(&mut self) -> bool {
        let rest = self.rest();
        let compares = [&b"=="[..], b"=~", b"::", b"!="].iter().any(|w| rest.starts_with(w));
        // Elsewhere the arrow is that of a function or of a case.
        let arrow = matches!(self.extension, "php" | "phtml" | "rb" | "erb" | "pl" | "pm" | "ex" | "exs")
            || self.medium != Medium::Source;
        let other = !arrow && rest.starts_with(b"=>")
            || self.extension == "sql" && rest.starts_with(b":") && !rest.starts_with(b":=");
        !compares && !other && self.take_any(&[":=", "=>", "||=", "??=", "?=", "+=", "=", ":"])
            || self.extension == "r" && self.take(b"<-")
    }

    pub(super) fn at_quote(&self) -> bool {
        let rest = self.rest();
        matches!(rest.get(prefix(rest)), Some(b'"' | b'\'' | b'`'))
    }

    /// `: str = "…"`, `: String = "…"`: what is given stands after the type.
    pub(super) fn skip_type(&mut self) {
        let rest = self.rest();
        let length = rest
            .iter()
            .take(64)
            .take_while(|b| b.is_ascii_alphanumeric() || b"_<>[]?|.&' :".contains(b))
            .count();
        if length > 0 && rest.get(length) == Some(&b'=') && !matches!(rest.get(length + 1), Some(b'=' | b'>'))
        {
            self.at += length + 1;
            self.skip_blanks();
        }
    }

    /// `password string = "…"` (Go), `password[] = "…"` (C), `Password { get; set; } = "…"` (C#),
    /// `password As String = "…"` (Basic), `@password NVARCHAR(50) = '…'` (SQL): moves behind the `=`.
    pub(super) fn skip_declaration(&mut self) -> bool {
        let rest = self.rest();
        if !matches!(rest.first(), Some(b' ' | b'[')) {
            return false;
        }
        let typed = |b: &&u8| b.is_ascii_alphanumeric() || b"_ *[]().<>,?{};&".contains(b);
        let length = rest.iter().take(48).take_while(typed).count();
        let between = &rest[..length];
        if rest.get(length) != Some(&b'=') || matches!(rest.get(length + 1), Some(b'=' | b'>' | b'~')) {
            return false;
        }
        let words = between.split(|b| *b == b' ').filter(|w| !w.is_empty()).count();
        let property = between.starts_with(b" {") && between.windows(4).any(|w| w == b"get;");
        if !(property || (1..=2).contains(&words) && !between.iter().any(|b| b"{};".contains(b))) {
            return false;
        }
        self.at += length + 1;
        self.skip_blanks();
        true
    }

    /// To a literal that stands on the next line or in a call that leaves it what it is.
    pub(super) fn approach(&mut self) {
        let from = self.at;
        for _ in 0..3 {
            self.skip_blanks();
            if self.at_quote() {
                return;
            }
            if WRAPPERS.iter().any(|w| self.take(w.as_bytes())) {
                continue;
            }
            if self.take(b"(") || matches!(self.peek(), Some(b'\n' | b'\r' | b'\\')) {
                self.take(b"\\");
                self.skip_space(200);
            }
        }
        if !self.at_quote() {
            self.at = from;
        }
    }

    /// A literal in quotes at the cursor. Strings that are put together or formatted are none.
    pub(super) fn quoted(&mut self) -> Option<Range<usize>> {
        let rest = self.rest();
        let prefix = prefix(rest);
        let quote = rest.get(prefix).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
        let formatted = rest[..prefix].iter().any(|b| matches!(b, b'f' | b'F' | b'$'));
        if rest[prefix..].starts_with(&[quote; 3]) {
            return self.tripled(self.at + prefix + 3, quote).filter(|_| !formatted);
        }
        let start = self.at + prefix + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        loop {
            if at - start > LONGEST_VALUE {
                return None;
            }
            match *bytes.get(at)? {
                b'\n' | b'\r' => return None,
                b'\\' => at += 2,
                b if b == quote => break,
                _ => at += 1,
            }
        }
        let value = self.text.get(start..at)?;
        if value.is_empty() || formatted && value.contains('{') {
            return None;
        }
        (self.medium != Medium::Source || !self.is_changed(at + 1)).then_some(start..at)
    }

    /// Whether the literal that ends at `at` is only a part of a text, or the beginning of another.
    fn is_changed(&self, at: usize) -> bool {
        let after = self.text.get(at..).unwrap_or("").trim_start_matches([' ', '\t']);
        match after.as_bytes().first() {
            Some(b'+' | b'%') => true,
            Some(b'.') => {
                let method = &after.as_bytes()[..after.len().min(16)].to_ascii_lowercase();
                !CONVERSIONS.iter().any(|c| method.starts_with(c.as_bytes()))
            }
            _ => false,
        }
    }

    /// The one line between triple quotes.
    fn tripled(&self, start: usize, quote: u8) -> Option<Range<usize>> {
        let within = &self.text.as_bytes()[start..self.text.len().min(start + LONGEST_VALUE)];
        let length = within.windows(3).position(|w| w == [quote; 3])?;
        let inner = self.text.get(start..start + length)?;
        let value = inner.trim();
        let from = start + (inner.len() - inner.trim_start().len());
        (!value.is_empty() && !value.contains('\n')).then_some(from..from + value.len())
    }

    /// A literal, in quotes or, where the syntax allows it, without.
    pub(super) fn value(&mut self, inside_quotes: bool) -> Option<Range<usize>> {
        if inside_quotes {
            return self.until(|b| {
                matches!(b, b'"' | b'\'' | b'`' | b'\\' | b';' | b'&') || b.is_ascii_whitespace()
            });
        }
        if self.at_quote() {
            return self.quoted();
        }
        match self.medium {
            Medium::Source => None,
            // `PGPASSWORD=… psql`: a line of shell within YAML.
            Medium::Config if self.is_yaml() && self.text[..self.at].ends_with('=') => self.word(),
            Medium::Config | Medium::EnvFile | Medium::EnvExample => self.rest_of_line(),
            Medium::Pipeline if self.is_yaml() && self.text[..self.at].ends_with(' ') => self.rest_of_line(),
            _ => self.word(),
        }
    }

    /// A word without quotes, as a shell or a Dockerfile reads it: a backslash takes away what the character
    /// behind it means, and joins lines.
    fn word(&self) -> Option<Range<usize>> {
        let ends = |b: u8| {
            matches!(b, b';' | b'|' | b'&' | b')' | b'`' | b'"' | b'\'' | b',' | b'<')
                || b.is_ascii_whitespace()
        };
        let rest = self.rest();
        let mut length = 0;
        while let Some(&b) = rest.get(length).filter(|b| !ends(**b)) {
            if length >= LONGEST_BARE {
                return None;
            }
            length += match (b, rest.get(length + 1)) {
                (b'\\', Some(b'\r')) if rest.get(length + 2) == Some(&b'\n') => 3,
                (b'\\', Some(b' ' | b'\t') | None) => break,
                (b'\\', Some(_)) => 2,
                _ => 1,
            };
        }
        let end = self.text.floor_char_boundary(self.at + length);
        // `PASSWORD = credentials('id')` in a Jenkinsfile: a call, and no word.
        (end > self.at && !self.text[..end].ends_with('(')).then_some(self.at..end)
    }

    pub(super) fn is_yaml(&self) -> bool {
        matches!(self.extension, "yml" | "yaml")
    }

    /// From the cursor to the first byte that ends it. Delimiters are ASCII, so the range lies on boundaries.
    pub(super) fn until(&self, ends: impl Fn(u8) -> bool) -> Option<Range<usize>> {
        let rest = self.rest();
        let length =
            rest.iter().take(LONGEST_BARE).take_while(|b| !ends(**b) && !matches!(b, b'\n' | b'\r')).count();
        (length > 0 && length < LONGEST_BARE).then_some(self.at..self.at + length)
    }

    /// A bare value: what is left of the line, without its comment; prose is none.
    fn rest_of_line(&self) -> Option<Range<usize>> {
        // Between tags and in JSON nothing stands without quotes.
        let marked = self.extension == "config" && self.text.starts_with(['<', '\u{feff}']);
        if marked
            || matches!(self.extension, "xml" | "plist" | "json" | "json5" | "jsonc" | "tf" | "hcl" | "bicep")
        {
            return None;
        }
        let line = self.until(|_| false)?;
        let mut value = &self.text[line.clone()];
        if self.is_yaml() && value.starts_with(['|', '>']) {
            return self.block(line);
        }
        // A part of a text in quotes ends with them: `URL="db://host?api_key=…"`.
        let before = line_before(self.text, line.start);
        if let Some(open) = before.bytes().find(|b| matches!(b, b'"' | b'\''))
            && matches!(self.medium, Medium::EnvFile | Medium::EnvExample)
            && before.bytes().filter(|b| *b == open).count() % 2 == 1
        {
            value = value.split([char::from(open), '&']).next().unwrap_or(value);
        }
        if let Some(comment) = value.find(" #").or_else(|| value.find("\t#")) {
            value = &value[..comment];
        }
        if matches!(self.extension, "yml" | "yaml" | "toml" | "tfvars" | "conf")
            && let Some(end) = value.find([',', '}'])
            && !value.starts_with('{')
            && line_before(self.text, line.start).contains('{')
        {
            value = &value[..end];
        }
        if self.extension == "conf" || self.extension == "cnf" {
            value = value.trim_end_matches(';');
        }
        let value = value.trim_end().trim_end_matches([',']);
        (!value.is_empty() && !value.contains([' ', '\t'])).then_some(line.start..line.start + value.len())
    }

    /// The one line of a block scalar, whose header is `header`.
    fn block(&self, header: Range<usize>) -> Option<Range<usize>> {
        let written = self.text[header.clone()].split(" #").next()?.trim_end();
        if !written[1..].bytes().all(|b| matches!(b, b'+' | b'-' | b'1'..=b'9')) {
            return None;
        }
        let outer = indentation(line_before(self.text, header.start));
        let mut at = header.end;
        let mut found: Option<Range<usize>> = None;
        for line in self.text[header.end..].split_inclusive('\n').take(8) {
            let start = at;
            at += line.len();
            let body = line.trim();
            if body.is_empty() {
                continue;
            }
            if indentation(line) <= outer {
                break;
            }
            if found.is_some() || body.len() > LONGEST_BARE {
                return None;
            }
            let from = start + (line.len() - line.trim_start().len());
            found = Some(from..from + body.len());
        }
        found.filter(|f| !self.text[f.clone()].contains([' ', '\t']))
    }

    /// What a description of the key gives it: `{ "value": "…" }` in parameters of ARM, `default = "…"` in a
    /// variable of Terraform, `Default: …` below a parameter of CloudFormation.
    pub(super) fn described(&mut self) -> Option<Range<usize>> {
        let from = self.at;
        let window = &self.text[from..self.text.floor_char_boundary((from + 400).min(self.text.len()))];
        let (start, body) = if let Some(open) = window.trim_start().strip_prefix('{') {
            (from + window.len() - open.len(), open.split('}').next().unwrap_or(open))
        } else if self.is_yaml() && window.starts_with(['\n', '\r']) {
            let outer = indentation(line_before(self.text, from));
            let inner = |line: &&str| line.trim().is_empty() || indentation(line) > outer;
            let length: usize = window.split_inclusive('\n').take_while(inner).map(str::len).sum();
            (from, &window[..length])
        } else {
            return None;
        };
        let mut at = start;
        for line in body.split_inclusive([',', '\n']) {
            at += line.len();
            let Some((name, rest)) = line.split_once([':', '=']) else { continue };
            let name = name.trim().trim_matches('"');
            let default = if self.is_yaml() {
                name == "Default"
            } else {
                matches!(name, "value" | "defaultValue" | "default" | "Default")
            };
            if default {
                self.at = at - rest.trim_start().len();
                return if self.is_yaml() { self.value(false) } else { self.quoted() };
            }
        }
        None
    }

    /// Where a quoted value begins on the line below the key; a quoted key that begins there is none.
    pub(super) fn next_line_literal(&self) -> Option<usize> {
        if !matches!(self.peek(), Some(b'\n' | b'\r')) || !matches!(self.extension, "json" | "yml" | "yaml") {
            return None;
        }
        let mut below =
            Cursor { text: self.text, at: self.at, medium: self.medium, extension: self.extension };
        below.skip_space(200);
        let at = below.at;
        let value = below.quoted()?;
        let after = self.text[value.end + 1..].trim_start_matches([' ', '\t']);
        (!after.starts_with(':')).then_some(at)
    }

    /// `${KEY:-default}`, `${KEY-default}`, and Spring's `${key:default}`.
    pub(super) fn default_in_braces(&mut self) -> Option<Range<usize>> {
        if !self.take_any(&[":-", ":=", "-", ":", "="]) || matches!(self.peek(), Some(b'?' | b'+')) {
            return None;
        }
        self.take_any(&["\"", "'"]);
        self.until(|b| matches!(b, b'}' | b'"' | b'\'') || b.is_ascii_whitespace())
    }

    /// The key is itself a value: `name: KEY` before `value: …`, `<add key="KEY" value="…"/>`,
    /// `<entry key="KEY">…</entry>`.
    pub(super) fn named_value(&mut self, before: &str) -> Option<Range<usize>> {
        let named = before.trim_end_matches(['"', '\'', ' ']);
        if !(named.ends_with(':') || named.ends_with('=')) {
            return None;
        }
        if self.peek() == Some(b'>') && before.contains('<') {
            self.at += 1;
            self.skip_space(80);
            self.take(b"<value>");
            return self.until(|b| b == b'<').filter(|v| !self.text[v.clone()].contains('>'));
        }
        let rest = self.rest();
        let blanks = rest.iter().take(80).take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
        let quote = matches!(rest.get(blanks), Some(b'"' | b'\''));
        let from = blanks + usize::from(quote);
        let word = rest.get(from..from + 5)?;
        if !word.eq_ignore_ascii_case(b"value") {
            return None;
        }
        self.at += from + 5 + usize::from(quote);
        self.skip_blanks();
        if !self.take_any(&[":", "="]) {
            return None;
        }
        self.skip_blanks();
        self.value(false)
    }

    /// The literal that a look-up falls back on, whose operator stands at the cursor.
    pub(super) fn fallback(&mut self) -> Option<Range<usize>> {
        self.skip_blanks();
        const OPERATORS: &[&str] = &[
            "||",
            "??",
            "or ",
            "?:",
            ".unwrap_or_else(|_|",
            ".unwrap_or(",
            ".orElse(",
            ".getOrElse(",
            ".orElseGet(() ->",
        ];
        if self.take_any(OPERATORS) || self.extension == "rb" && self.take(b"{") {
            self.approach();
            return self.quoted();
        }
        None
    }

    /// The literal behind an environment lookup on the same line: `= process.env.X || "…"`.
    pub(super) fn fallback_literal(&mut self) -> Option<Range<usize>> {
        let mut line = self.line(200);
        line = line.split(';').next().unwrap_or(line);
        let lower = line.to_ascii_lowercase();
        const LOOKUPS: &[&str] = &[
            "getenv",
            "environ",
            "env.",
            "env(",
            "env[",
            "env:",
            "env::var",
            "get_env",
            "envor",
            "env_or",
            "config(",
            "getproperty(",
            "getordefault(",
            "getvalue(",
        ];
        const OPERATORS: &[&str] =
            &["||", "??", " or ", "?:", "default=", "unwrap_or(", "unwrap_or_else(|_|", "orelse(", ") {"];
        let from = LOOKUPS.iter().filter_map(|w| lower.find(w)).min()?;
        let after = |op: &&str| lower[from..].find(*op).map(|i| from + i + op.len());
        if let Some(at) = OPERATORS.iter().filter_map(after).min() {
            self.at += at;
            self.approach();
        } else {
            // A comma counts inside the call only.
            self.at += after(&",").filter(|at| !lower[from..*at].contains(')'))?;
            self.skip_blanks();
        }
        self.quoted()
    }
}

/// How far a line is indented; the mark of a list's entry counts, as its keys stand behind it.
pub(super) fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// The letters before a quote that say how its literal is written.
fn prefix(rest: &[u8]) -> usize {
    let letter =
        |b: &&u8| matches!(b, b'f' | b'r' | b'b' | b'u' | b'@' | b'$' | b'F' | b'R' | b'B' | b'L' | b'N');
    rest.iter().take(2).take_while(letter).count()
}
