//! Key and value around a key word: enough of every syntax to find both, without parsing any.

use super::keys::{KeyClass, classify_key};
use crate::facts::Medium;
use std::ops::Range;

/// A key and the literal that it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) class: KeyClass,
    /// The literal stands in for an environment variable that is not set.
    pub(super) fallback: bool,
    /// The pair is a part of a connection string (`Server=…;Password=…`).
    pub(super) connection: bool,
}

/// Longer names are none.
const LONGEST_KEY: usize = 128;
/// Longer values are not read: the time for a hit must not depend on the file's size.
const LONGEST_VALUE: usize = 4096;
/// The same without quotes, where nothing but the line's end may end them.
const LONGEST_BARE: usize = 512;

/// The name around `hit`, and whether it was cut at [`LONGEST_KEY`].
pub(super) fn key_around(bytes: &[u8], hit: Range<usize>) -> (Range<usize>, bool) {
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let left = bytes[..hit.start].iter().rev().take(LONGEST_KEY).take_while(|b| name(b)).count();
    let right = bytes[hit.start..].iter().take(LONGEST_KEY).take_while(|b| name(b)).count();
    (hit.start - left..hit.start + right, left == LONGEST_KEY || right == LONGEST_KEY)
}

/// The pair whose key is `key`; none if what follows is no literal.
pub(super) fn read(text: &str, key: Range<usize>, medium: Medium, extension: &str) -> Option<Pair> {
    let bytes = text.as_bytes();
    let written = text.get(key.clone())?;
    let flag = written.starts_with("--");
    let name = written.trim_matches(['-', '.']);
    let start = key.start + written.find(name)?;
    let key = start..start + name.len();
    let class = classify_key(name)?;
    let mut cursor = Cursor { text, bytes, at: key.end, medium, extension };
    let before = line_before(text, key.start);
    let quote = before.bytes().last().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let pair = |value: Range<usize>, fallback: bool, connection: bool| Pair {
        key: key.clone(),
        value,
        class,
        fallback,
        connection,
    };

    if before.ends_with("${") {
        let value = cursor.default_in_braces()?;
        return Some(pair(value, true, false));
    }
    let sigil = matches!(extension, "php" | "phtml" | "ps1" | "psm1" | "pl" | "pm");
    if before.ends_with('$') && !sigil || before.ends_with("$(") {
        return None;
    }
    if before.ends_with('<') && cursor.peek() == Some(b'>') {
        cursor.at += 1;
        return cursor.until(|b| b == b'<').map(|v| pair(v, false, false));
    }
    if is_local_query(before) {
        return None;
    }
    if matches!(before.bytes().last(), Some(b';' | b'?' | b'&')) || is_connection(before, medium) {
        let assigned = cursor.peek() == Some(b'=')
            && cursor.bytes.get(cursor.at + 1).is_some_and(|b| !matches!(b, b'=' | b' ' | b'"' | b'\''));
        let plain = ["password", "pwd", "pass"].iter().any(|own| name.eq_ignore_ascii_case(own));
        if assigned && plain && is_connection(before, medium) {
            cursor.at += 1;
            let end = |b: u8| {
                matches!(b, b';' | b'"' | b'\'' | b'&' | b'<' | b'`' | b',') || b.is_ascii_whitespace()
            };
            return cursor.until(end).map(|v| pair(v, false, true));
        }
    }
    if flag
        && matches!(cursor.peek(), Some(b' '))
        && matches!(medium, Medium::Script | Medium::Pipeline | Medium::Image | Medium::Document)
    {
        cursor.at += 1;
        return cursor
            .value(false)
            .filter(|v| !text[v.clone()].starts_with('-'))
            .map(|v| pair(v, false, false));
    }
    if medium == Medium::Image && is_instruction(before) && cursor.peek() == Some(b' ') {
        cursor.at += 1;
        return cursor.value(false).map(|v| pair(v, false, false));
    }

    let escaped = cursor.take(b"\\\"");
    let closed = escaped || quote.is_some_and(|q| cursor.take(&[q]));
    if quote.is_some() && !closed {
        // The key word lies inside a longer text.
        if !(cursor.peek() == Some(b'=') || cursor.peek() == Some(b':')) {
            return None;
        }
    }
    let looked_up = looks_up_environment(before, name);
    let mut brackets = false;
    while closed && (cursor.take(b"]") || cursor.take(b")")) {
        brackets = true;
    }
    cursor.skip_blanks();
    if looked_up && cursor.take_any(&["||", "??", "or ", "?:"]) {
        cursor.skip_blanks();
        return cursor.quoted().map(|v| pair(v, true, false));
    }
    if closed && !brackets && cursor.peek() == Some(b',') {
        let call = before.trim_end_matches(['"', '\'', '`', '\\']);
        if !call.ends_with('(') || !(looked_up || sets(call)) {
            return None;
        }
        cursor.at += 1;
        cursor.skip_blanks();
        return cursor.quoted().map(|v| pair(v, looked_up, false));
    }
    if let Some(value) = cursor.named_value(before) {
        return Some(pair(value, false, false));
    }
    if !cursor.assigns() {
        return None;
    }
    cursor.skip_blanks();
    if escaped && cursor.take(b"\\\"") {
        return cursor.until(|b| matches!(b, b'\\' | b'"')).map(|v| pair(v, false, false));
    }
    if medium == Medium::Source && !cursor.at_quote() {
        cursor.skip_type();
        if !cursor.at_quote() {
            return cursor.fallback_literal().map(|v| pair(v, true, false));
        }
    }
    cursor.value(quote.is_some() && !closed).map(|v| pair(v, false, false))
}

/// The text before `at` on its line, at most 160 bytes of it.
fn line_before(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(160);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = &text[from..at];
    before.rsplit('\n').next().unwrap_or(before)
}

fn is_connection(before: &str, medium: Medium) -> bool {
    let lower = before.to_ascii_lowercase();
    // Blanks separate the parts of a data source name only inside a string; in program text they stand
    // between the arguments of a call.
    let quotes = lower.bytes().filter(|b| matches!(b, b'"' | b'\'' | b'`')).count();
    let parted = lower.ends_with([';', '?', '&'])
        || lower.ends_with([' ', '"', '\'']) && (medium != Medium::Source || quotes % 2 == 1);
    parted
        && [
            "server=",
            "data source=",
            "datasource=",
            "host=",
            "user id=",
            "uid=",
            "user=",
            "username=",
            "jdbc:",
            "dbname=",
        ]
        .iter()
        .any(|w| lower.contains(w))
}

/// Whether the line so far is an address on this machine with a query, which opens nothing elsewhere.
fn is_local_query(before: &str) -> bool {
    before.ends_with(['?', '&'])
        && ["://localhost", "://127.0.0.1", "://0.0.0.0"].iter().any(|host| before.contains(host))
}

/// The host that a connection string names before `at`, on the same line.
pub(super) fn host_before(text: &str, at: usize) -> Option<Range<usize>> {
    let line = line_before(text, at);
    let start = at - line.len();
    let lower = line.to_ascii_lowercase();
    ["server=", "host=", "data source="].iter().find_map(|word| {
        let from = lower.find(word)? + word.len();
        let length = line[from..].find([';', ',', ' ', '&', '"', '\'', ':'])?;
        Some(start + from..start + from + length)
    })
}

fn is_instruction(before: &str) -> bool {
    let keyword = before.trim();
    keyword.eq_ignore_ascii_case("ENV") || keyword.eq_ignore_ascii_case("ARG")
}

/// Whether the key is looked up in the environment: `process.env.KEY`, `getenv("KEY"`.
fn looks_up_environment(before: &str, name: &str) -> bool {
    if name.contains("env.") {
        return true;
    }
    let lower = before.to_ascii_lowercase();
    let call = lower.trim_end_matches(['"', '\'', '`', '(', '[']);
    let call = call.rsplit([' ', '=', '(', ',', ':']).next().unwrap_or(call);
    call.len() < lower.len()
        && (call.contains("env") || call.ends_with("getordefault") || call.ends_with("environmentvariable"))
}

/// Whether a call takes a name and the value to be set.
fn sets(call: &str) -> bool {
    let name = call.trim_end_matches('(').to_ascii_lowercase();
    [
        "put",
        "set",
        "add",
        "append",
        "property",
        "setenv",
        "header",
        "define",
        "putenv",
        "param",
        "config",
        "setdefault",
        "environment",
        "setattribute",
        "addparameter",
        "withenv",
    ]
    .iter()
    .any(|verb| name.ends_with(verb))
}

struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    medium: Medium,
    extension: &'a str,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let found = self.bytes[self.at.min(self.bytes.len())..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn take_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|w| self.take(w.as_bytes()))
    }

    fn skip_blanks(&mut self) {
        let blanks = self.bytes[self.at..].iter().take(64).take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at += blanks;
    }

    /// An operator that gives the key a value; comparisons do not.
    fn assigns(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        let compares = [&b"=="[..], b"=~", b"::", b"!="].iter().any(|w| rest.starts_with(w));
        !compares && self.take_any(&[":=", "=>", "||=", "??=", "?=", "=", ":"])
    }

    fn at_quote(&self) -> bool {
        let rest = &self.bytes[self.at..];
        let prefix = rest
            .iter()
            .take(2)
            .take_while(|b| matches!(b, b'f' | b'r' | b'b' | b'u' | b'@' | b'$' | b'F' | b'R' | b'B' | b'L'))
            .count();
        matches!(rest.get(prefix), Some(b'"' | b'\'' | b'`'))
    }

    /// `: str = "…"`, `: String = "…"`: what is given stands after the type.
    fn skip_type(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .take(64)
            .take_while(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(
                        b,
                        b'_' | b'<' | b'>' | b'[' | b']' | b'?' | b'|' | b'.' | b'&' | b'\'' | b' ' | b':'
                    )
            })
            .count();
        if length > 0 && rest.get(length) == Some(&b'=') && !matches!(rest.get(length + 1), Some(b'=' | b'>'))
        {
            self.at += length + 1;
            self.skip_blanks();
        }
    }

    /// A literal in quotes at the cursor. Strings that are put together or formatted are none.
    fn quoted(&mut self) -> Option<Range<usize>> {
        let rest = &self.bytes[self.at..];
        let prefix = rest
            .iter()
            .take(2)
            .take_while(|b| matches!(b, b'f' | b'r' | b'b' | b'u' | b'@' | b'$' | b'F' | b'R' | b'B' | b'L'))
            .count();
        let quote = rest.get(prefix).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
        let formatted = rest[..prefix].iter().any(|b| matches!(b, b'f' | b'F' | b'$'));
        let triple = rest[prefix..].starts_with(&[quote; 3]);
        let start = self.at + prefix + if triple { 3 } else { 1 };
        let mut at = start;
        loop {
            if at - start > LONGEST_VALUE {
                return None;
            }
            match *self.bytes.get(at)? {
                b'\n' | b'\r' => return None,
                b'\\' => at += 2,
                b if b == quote => break,
                _ => at += 1,
            }
        }
        let value = self.text.get(start..at)?;
        if formatted && value.contains('{') {
            return None;
        }
        let after = self.bytes[at + 1..].iter().copied().find(|b| !matches!(b, b' ' | b'\t'));
        let joined = self.medium == Medium::Source && matches!(after, Some(b'+' | b'%' | b'.'));
        (!joined && !value.is_empty()).then_some(start..at)
    }

    /// A literal, in quotes or, where the syntax allows it, without.
    fn value(&mut self, inside_quotes: bool) -> Option<Range<usize>> {
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
            Medium::Config | Medium::EnvFile | Medium::EnvExample => self.rest_of_line(),
            Medium::Pipeline
                if matches!(self.extension, "yml" | "yaml")
                    && self.bytes.get(self.at.wrapping_sub(1)) == Some(&b' ') =>
            {
                self.rest_of_line()
            }
            _ => self.until(|b| {
                matches!(b, b';' | b'|' | b'&' | b')' | b'`' | b'"' | b'\'' | b',' | b'<' | b'\\')
                    || b.is_ascii_whitespace()
            }),
        }
    }

    /// From the cursor to the first byte that ends it. Delimiters are ASCII, so the range lies on boundaries.
    fn until(&self, ends: impl Fn(u8) -> bool) -> Option<Range<usize>> {
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter().take(LONGEST_BARE).take_while(|b| !ends(**b) && !matches!(b, b'\n' | b'\r')).count();
        (length > 0 && length < LONGEST_BARE).then_some(self.at..self.at + length)
    }

    /// A bare value: what is left of the line, without its comment; prose is none.
    fn rest_of_line(&self) -> Option<Range<usize>> {
        let line = self.until(|_| false)?;
        let mut value = &self.text[line.clone()];
        if let Some(comment) = value.find(" #").or_else(|| value.find("\t#")) {
            value = &value[..comment];
        }
        if matches!(self.extension, "yml" | "yaml" | "json" | "toml" | "tf" | "hcl" | "tfvars" | "conf")
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
        let program = matches!(self.extension, "tf" | "hcl" | "bicep");
        (!value.is_empty() && !value.contains([' ', '\t']) && !program)
            .then_some(line.start..line.start + value.len())
    }

    /// `${KEY:-default}`, `${KEY-default}`, and Spring's `${key:default}`.
    fn default_in_braces(&mut self) -> Option<Range<usize>> {
        if !self.take_any(&[":-", ":=", "-", ":"]) {
            return None;
        }
        self.until(|b| matches!(b, b'}' | b'"' | b'\'') || b.is_ascii_whitespace())
    }

    /// The key is itself a value: `name: KEY` before `value: …`, `<add key="KEY" value="…"/>`.
    fn named_value(&mut self, before: &str) -> Option<Range<usize>> {
        let named = before.trim_end_matches(['"', '\'', ' ']);
        if !(named.ends_with(':') || named.ends_with('=')) {
            return None;
        }
        let rest = &self.bytes[self.at..];
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

    /// The literal behind an environment lookup on the same line: `= process.env.X || "…"`.
    fn fallback_literal(&mut self) -> Option<Range<usize>> {
        let mut end =
            self.bytes[self.at..].iter().take(200).take_while(|b| !matches!(b, b'\n' | b';' | b'\r')).count()
                + self.at;
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = &self.text[self.at..end];
        let lower = line.to_ascii_lowercase();
        let from = ["getenv", "environ", "env.", "env(", "env[", "env:"]
            .iter()
            .filter_map(|w| lower.find(w))
            .min()?;
        let at = ["||", "??", " or ", "?:", ","]
            .iter()
            .filter_map(|op| lower[from..].find(op).map(|i| from + i + op.len()))
            .min()?;
        self.at += at;
        self.skip_blanks();
        self.quoted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, medium: Medium, extension: &str) -> Option<(String, bool, bool)> {
        let at = text.to_ascii_lowercase().find("passw").expect("the key word");
        let (key, _) = key_around(text.as_bytes(), at..at + 5);
        read(text, key, medium, extension).map(|p| (text[p.value].to_owned(), p.fallback, p.connection))
    }

    #[test]
    fn pairs_are_read_in_every_syntax() {
        use Medium::*;
        for (text, medium, extension) in [
            ("password = \"VAL\"", Source, "py"),
            ("password: str = \"VAL\"", Source, "py"),
            ("let password: Option<String> = \"VAL\"", Source, "rs"),
            ("connect(user=\"u\", password='VAL')", Source, "py"),
            ("{ password: 'VAL', a: 1 }", Source, "js"),
            ("cfg[\"password\"] = \"VAL\"", Source, "py"),
            ("props.setProperty(\"password\", \"VAL\");", Source, "java"),
            ("$password = 'VAL';", Source, "php"),
            ("'password' => 'VAL',", Source, "php"),
            ("{\\\"password\\\": \\\"VAL\\\"}", Source, "js"),
            ("password: VAL # comment", Config, "yaml"),
            ("{user: a, password: VAL, x: y}", Config, "yaml"),
            ("\"password\": \"VAL\",", Config, "json"),
            ("db.password=VAL", Config, "properties"),
            ("<password>VAL</password>", Config, "xml"),
            ("<add key=\"DbPassword\" value=\"VAL\"/>", Config, "config"),
            ("- name: DB_PASSWORD\n  value: VAL\n", Config, "yaml"),
            ("- name: \"DB_PASSWORD\"\n  value: \"VAL\"\n", Config, "yaml"),
            ("password = \"VAL\"", Config, "tf"),
            ("DB_PASSWORD=VAL", EnvFile, "env"),
            ("export DB_PASSWORD=VAL; run", Script, "sh"),
            ("mysql --password VAL db", Script, "sh"),
            ("mysql --password=VAL db", Script, "sh"),
            ("ENV DB_PASSWORD VAL", Image, ""),
            ("ENV DB_PASSWORD=VAL X=1", Image, ""),
            ("          DB_PASSWORD: VAL", Pipeline, "yml"),
            ("run: mysql --password=VAL db", Pipeline, "yml"),
        ] {
            assert_eq!(first(text, medium, extension), Some(("VAL".to_owned(), false, false)), "{text}");
        }
        for (text, medium) in [
            ("x = os.getenv(\"DB_PASSWORD\", \"VAL\")", Source),
            ("x = process.env.DB_PASSWORD || \"VAL\"", Source),
            ("x = ENV[\"DB_PASSWORD\"] || \"VAL\"", Source),
            ("const dbPassword = process.env.DB ?? 'VAL';", Source),
            ("PW=${DB_PASSWORD:-VAL}", Script),
            ("x: ${DB_PASSWORD:VAL}", Config),
        ] {
            assert_eq!(first(text, medium, "x"), Some(("VAL".to_owned(), true, false)), "{text}");
        }
        for text in ["\"Server=db;User Id=sa;Password=VAL;\"", "\"jdbc:mysql://db/x?user=a&password=VAL\""] {
            assert_eq!(first(text, Source, "cs"), Some(("VAL".to_owned(), false, true)), "{text}");
        }
    }

    #[test]
    fn what_gives_no_literal_is_no_pair() {
        use Medium::*;
        for (text, medium) in [
            ("password = getPassword()", Source),
            ("if password == \"VAL\":", Source),
            ("password: str", Source),
            ("fields = ['password', 'email']", Source),
            ("password = \"a\" + b", Source),
            ("password = f\"{x}\"", Source),
            ("login --password $PASSWORD", Source),
            ("password:\n  a: b", Config),
            ("password: the one you chose", Config),
            ("password", Config),
            ("\"password\"", Config),
            ("password = \"open", Source),
            ("password = \"open\\", Source),
            ("x = os.getenv(\"DB_PASSWORD\")", Source),
            ("${PASSWORD}", Script),
        ] {
            assert_eq!(first(text, medium, "x"), None, "{text}");
        }
    }
}
