//! Key and value around a key word: enough of every syntax to find both, without parsing any.

use super::connections::{connection_password, is_local_query};
use super::cursor::Cursor;
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

/// The name around `hit`, and whether it was cut at [`LONGEST_KEY`].
pub(super) fn key_around(bytes: &[u8], hit: Range<usize>) -> (Range<usize>, bool) {
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let left = bytes[..hit.start].iter().rev().take(LONGEST_KEY).take_while(|b| name(b)).count();
    let right = bytes[hit.start..].iter().take(LONGEST_KEY).take_while(|b| name(b)).count();
    (hit.start - left..hit.start + right, left == LONGEST_KEY || right == LONGEST_KEY)
}

/// The pair whose key is `key`; none if what follows is no literal. `classify` is [`classify_key`], or remembers
/// what that said.
pub(super) fn read<'t>(
    text: &'t str,
    key: Range<usize>,
    medium: Medium,
    extension: &str,
    classify: impl FnOnce(&'t str) -> Option<KeyClass>,
) -> Option<Pair> {
    let written = text.get(key.clone())?;
    let flag =
        written.starts_with("--") || written.starts_with('-') && matches!(extension, "ps1" | "psm1" | "psd1");
    let behind = written.trim_start_matches(['-', '.']);
    let start = key.end - behind.len();
    let name = behind.trim_end_matches(['-', '.']);
    let key = start..start + name.len();
    let class = classify(name)?;
    let mut cursor = Cursor { text, at: key.end, medium, extension };
    let before = line_before(text, key.start);
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
    if before.ends_with('$') && !sigil || before.ends_with("$(") || is_part_of_list(before, cursor.peek()) {
        return None;
    }
    if before.ends_with('<') && cursor.peek() == Some(b'>') {
        cursor.at += 1;
        return cursor.until(|b| b == b'<').map(|v| pair(v, false, false));
    }
    if before.ends_with("<key>") && cursor.take(b"</key>") {
        cursor.skip_space(80);
        return cursor.take(b"<string>").then(|| cursor.until(|b| b == b'<'))?.map(|v| pair(v, false, false));
    }
    if is_local_query(before) {
        return None;
    }
    if let Some(value) = connection_password(&mut cursor, before, name) {
        return Some(pair(value, false, true));
    }
    if flag && matches!(medium, Medium::Script | Medium::Pipeline | Medium::Image | Medium::Document) {
        let given = cursor.take(b" ");
        let value = given.then(|| cursor.value(false)).flatten();
        if let Some(value) = value.filter(|v| !text[v.clone()].starts_with('-')) {
            return Some(pair(value, false, false));
        }
    }
    if medium == Medium::Image && is_instruction(before) && cursor.peek() == Some(b' ') {
        cursor.at += 1;
        return cursor.value(false).map(|v| pair(v, false, false));
    }
    if let Some(value) = stated(&mut cursor, before, name) {
        return Some(pair(value, false, false));
    }

    // `"Smtp:Password"`: .NET joins the parts of a key by colons.
    let path = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_');
    let opening = if before.ends_with(':') { before.trim_end_matches(path) } else { before };
    let quote = opening.bytes().last().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let escaped = cursor.take(b"\\\"");
    let closed = escaped || quote.is_some_and(|q| cursor.take(&[q]));
    // The key word lies inside a longer text.
    if quote.is_some() && !closed && !matches!(cursor.peek(), Some(b'=' | b':')) {
        return None;
    }
    if closed && before.trim_end_matches(['"', '\'', ' ']).ends_with("variable") {
        return cursor.described().map(|v| pair(v, true, false));
    }
    let looked_up = looks_up_environment(before, name);
    let mut brackets = false;
    while closed && (cursor.take(b"]") || cursor.take(b")")) {
        brackets = true;
    }
    if looked_up && let Some(value) = cursor.fallback() {
        return Some(pair(value, true, false));
    }
    cursor.skip_blanks();
    if closed && !brackets && cursor.peek() == Some(b',') {
        let call = before.trim_end_matches(['"', '\'', '`', '\\']);
        let defaults = looked_up || gives_default(call);
        if !call.ends_with('(') || !(defaults || sets(call)) {
            return None;
        }
        cursor.at += 1;
        cursor.skip_space(80);
        if let Some(at) = cursor.line(80).find("default=").filter(|_| !cursor.at_quote()) {
            cursor.at += at + "default=".len();
        }
        cursor.take(b"default:");
        cursor.approach();
        return cursor.quoted().map(|v| pair(v, defaults, false));
    }
    if let Some(value) = cursor.named_value(before) {
        return Some(pair(value, false, false));
    }
    if cursor.peek() == Some(b'|') && before.contains("{{") {
        // Helm's and Jinja's filter for what nobody set.
        cursor.at += 1;
        cursor.skip_blanks();
        let given = cursor.take_any(&["default(", "default "]);
        return given.then(|| cursor.quoted()).flatten().map(|v| pair(v, true, false));
    }
    // `"password" -> "…"`, `"password" to "…"`: pairs of Scala and Kotlin.
    let arrow = closed
        && match extension {
            "scala" | "sc" => cursor.take(b"-> "),
            "kt" | "kts" => cursor.take(b"to "),
            _ => false,
        };
    let after_key = cursor.at;
    let declared = !arrow && medium != Medium::Config && {
        cursor.at = key.end;
        cursor.skip_declaration() && cursor.at_quote()
    };
    if !declared {
        cursor.at = after_key;
        if !arrow && !cursor.assigns() {
            return None;
        }
    }
    cursor.skip_blanks();
    if escaped && cursor.take(b"\\\"") {
        let value = cursor.until(|b| matches!(b, b'\\' | b'"'))?;
        // `\u00e9` and its like: a text for people.
        return text[value.end..].starts_with("\\\"").then(|| pair(value, false, false));
    }
    if medium == Medium::Source && !cursor.at_quote() {
        cursor.skip_type();
        cursor.approach();
        if !cursor.at_quote() {
            return cursor.fallback_literal().map(|v| pair(v, true, false));
        }
    }
    if medium == Medium::Config && !cursor.at_quote() {
        if let Some(value) = cursor.described() {
            return Some(pair(value, cursor.is_yaml(), false));
        }
        cursor.at = cursor.next_line_literal().unwrap_or(cursor.at);
    }
    let value = cursor.value(quote.is_some() && !closed)?;
    let fallback = medium == Medium::Source && is_destructured(text, value.end);
    Some(pair(value, fallback, false))
}

/// The pair of a key and a value that a reader has told from each other; none if the value is no single word.
pub(super) fn told(text: &str, key: Range<usize>, value: Range<usize>) -> Option<Pair> {
    let inner = |range: Range<usize>| {
        let written = text.get(range.clone())?;
        let lead = written.len() - written.trim_start_matches(['"', '\'']).len();
        let tail = written.len() - written.trim_end_matches(['"', '\'']).len();
        (lead + tail < written.len()).then(|| range.start + lead..range.end - tail)
    };
    let key = inner(key)?;
    let class = classify_key(&text[key.clone()])?;
    let written = text.get(value.clone())?;
    let value = if written.starts_with(['|', '>']) {
        let (header, body) = written.split_once('\n')?;
        let content = body.trim();
        let from = value.start + header.len() + 1 + (body.len() - body.trim_start().len());
        from..from + content.len()
    } else {
        inner(value)?
    };
    let joined = text[value.clone()].replace("\\\r\n", "").replace("\\\n", "");
    let single = !joined.contains(char::is_whitespace);
    single.then_some(Pair { key, value, class, fallback: false, connection: false })
}

/// `first:password:third`: a list of names, a selector, the id of a finding.
fn is_part_of_list(before: &str, next: Option<u8>) -> bool {
    next == Some(b':')
        && before.strip_suffix(':').is_some_and(|b| b.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// What stands behind a key without any sign between: options of SQL, arguments of a builder's methods,
/// `#define`, Gradle's settings.
fn stated(cursor: &mut Cursor<'_>, before: &str, name: &str) -> Option<Range<usize>> {
    let from = cursor.at;
    let found = match cursor.peek()? {
        b'(' if matches!(cursor.medium, Medium::Source) => {
            const OWN: &[&str] =
                &["password", "passwd", "pwd", "token", "apikey", "api_key", "secret", "secretkey"];
            let method = name.rsplit('.').next().unwrap_or(name);
            let own = OWN.iter().any(|own| method.eq_ignore_ascii_case(own));
            let sets = ["set", "with", "Set", "With"].iter().any(|verb| method.starts_with(verb));
            let called = name.contains('.') || before.trim_end().ends_with('.') || cursor.extension == "sql";
            cursor.at += 1;
            cursor.skip_space(80);
            let value = (sets || own && called).then(|| cursor.quoted()).flatten()?;
            cursor.at = value.end + 1;
            cursor.skip_space(80);
            (cursor.peek() == Some(b')')).then_some(value)
        }
        b' ' => {
            cursor.skip_blanks();
            let by = cursor.take_any(&["BY ", "by "]);
            let lower = before.to_ascii_lowercase();
            let sql = cursor.extension == "sql"
                || ["user", "role", "login"].iter().any(|w| lower.contains(w))
                    && ["create ", "alter "].iter().any(|w| lower.contains(w));
            let dsl = matches!(cursor.extension, "gradle" | "groovy") && before.trim().is_empty();
            let defines = before.trim_end().ends_with("#define");
            if !(by || sql || dsl || defines) {
                None
            } else if cursor.take(b"\\'") {
                cursor.until(|b| matches!(b, b'\\' | b'\''))
            } else {
                cursor.at_quote().then(|| cursor.quoted()).flatten()
            }
        }
        _ => None,
    };
    if found.is_none() {
        cursor.at = from;
    }
    found
}

/// Whether `} = process.env` closes the pattern in which the literal that ends at `at` is a default.
fn is_destructured(text: &str, at: usize) -> bool {
    let window = &text[at..text.floor_char_boundary((at + 300).min(text.len()))];
    let Some((within, after)) = window.split_once('}') else { return false };
    let after = after.trim_start().strip_prefix('=').map(str::trim_start);
    !within.contains([';', '{'])
        && after
            .is_some_and(|a| ["process.env", "import.meta.env", "Deno.env"].iter().any(|e| a.starts_with(e)))
}

/// The text before `at` on its line, at most 160 bytes of it.
pub(super) fn line_before(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(160);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = &text[from..at];
    before.rsplit('\n').next().unwrap_or(before)
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
    let method = call.rsplit('.').next().unwrap_or(call);
    call.len() < lower.len()
        && !["set", "put", "add"].iter().any(|verb| method.starts_with(verb))
        && (call.contains("env")
            || lower.contains("env::var")
            || call.ends_with("getordefault")
            || call.ends_with("environmentvariable"))
}

/// Whether a call takes a name and what holds if nobody sets it.
fn gives_default(call: &str) -> bool {
    let name = call.trim_end_matches('(').to_ascii_lowercase();
    ["setdefault", "getproperty", "getvalue", "getordefault", "getorelse", "flag.string", "env_or", "envor"]
        .iter()
        .any(|verb| name.ends_with(verb))
        || name.ends_with("config") && !name.ends_with("setconfig") && !name.ends_with(".config")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, medium: Medium, extension: &str) -> Option<(String, bool, bool)> {
        let at = text.to_ascii_lowercase().find("passw").expect("the key word");
        let (key, _) = key_around(text.as_bytes(), at..at + 5);
        read(text, key, medium, extension, classify_key)
            .map(|p| (text[p.value].to_owned(), p.fallback, p.connection))
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
            ("ENV DB_PASSWORD=VAL \\\n    X=1", Image, ""),
            ("          DB_PASSWORD: VAL", Pipeline, "yml"),
            ("run: mysql --password=VAL db", Pipeline, "yml"),
            ("run: |\n  PGPASSWORD=VAL psql shop\n", Config, "yml"),
        ] {
            assert_eq!(first(text, medium, extension), Some(("VAL".to_owned(), false, false)), "{text}");
        }
        for (text, value, medium) in [
            ("ENV DB_PASSWORD=aB3\\\nxY7 X=1", "aB3\\\nxY7", Image),
            ("export DB_PASSWORD=qR7\\&kL2\\$z; run", "qR7\\&kL2\\$z", Script),
        ] {
            assert_eq!(first(text, medium, ""), Some((value.to_owned(), false, false)), "{text}");
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
