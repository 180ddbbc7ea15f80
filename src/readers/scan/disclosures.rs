//! Secrets that are put into the text of an error or into a log, by the name of the variable. Only what is
//! certainly put there counts: an interpolation, a concatenation, an argument of a format string or of a log.

use crate::facts::{Disclosure, DisclosureForm};
use crate::text::{FileId, Span};
use std::ops::Range;

/// Words of names that hold a whole connection address, beyond those of credentials.
pub(super) const ADDRESS_WORDS: &[&str] = &[
    "database_url",
    "databaseurl",
    "database_uri",
    "databaseuri",
    "db_url",
    "dburl",
    "redis_url",
    "mongo_uri",
    "mongo_url",
    "amqp_url",
    "broker_url",
    "connection_string",
    "connectionstring",
    "conn_str",
    "connstr",
];

/// So far before a name its statement may begin.
const LONGEST: usize = 320;

/// Longer names are none.
const LONGEST_NAME: usize = 96;

const RAISED: &[(&[&str], &[&str])] = &[
    (&["py"], &["raise "]),
    (&["rb", "erb", "rake"], &["raise ", "raise(", "fail ", "abort("]),
    (
        &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"],
        &["throw ", "new Error(", "reject("],
    ),
    (&["java", "kt", "kts", "scala", "groovy", "dart"], &["throw ", "error("]),
    (&["cs", "vb", "fs"], &["throw ", "failwith"]),
    (&["php"], &["throw ", "die(", "exit("]),
    (&["swift"], &["throw ", "fatalError("]),
    (&["go"], &["Errorf(", "errors.New(", "panic(", "Wrapf("]),
    (&["rs"], &["panic!(", "anyhow!(", "bail!(", "Err(format!(", "expect(&format!(", "eyre!("]),
    (&["ex", "exs"], &["raise "]),
];

const ANSWERED: &[(&[&str], &[&str])] = &[
    (
        &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"],
        &["res.status(4", "res.status(5", "response.status(4", "response.status(5"],
    ),
    (&["go"], &["http.Error("]),
    (&["py"], &["abort(", "HttpResponseBadRequest(", "HttpResponseServerError(", "HttpResponseForbidden("]),
    (&["cs"], &["BadRequest(", "Problem("]),
    (&["php"], &["abort("]),
];

/// Levels of loggers; what they are called on is named after a log.
const LEVELS: &[&str] = &[
    ".trace(",
    ".debug(",
    ".info(",
    ".warn(",
    ".warning(",
    ".error(",
    ".critical(",
    ".exception(",
    ".fatal(",
    ".log(",
    ".Trace(",
    ".Debug(",
    ".Info(",
    ".Warn(",
    ".Error(",
    ".Debugf(",
    ".Infof(",
    ".Warnf(",
    ".Errorf(",
    ".Printf(",
    ".Println(",
    ".LogDebug(",
    ".LogInformation(",
    ".LogWarning(",
    ".LogError(",
    ".debug ",
    ".info ",
    ".warn ",
    ".error ",
];

/// Receivers that log without being called so, and functions that do.
const CONSOLES: &[&str] = &["console", "winston", "timber"];
const FUNCTIONS: &[(&[&str], &[&str])] = &[
    (&["php"], &["error_log("]),
    (&["swift", "m"], &["NSLog(", "os_log("]),
    (&["rs"], &["trace!(", "debug!(", "info!(", "warn!(", "error!("]),
    (&["ex", "exs"], &["Logger.debug(", "Logger.info(", "Logger.error("]),
];

/// What is told where the name around `word` is put into.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    extension: &str,
    offset: usize,
) -> Option<Disclosure> {
    let bytes = text.as_bytes();
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let count =
        |range: &mut dyn Iterator<Item = &u8>| range.take(LONGEST_NAME).take_while(|b| is_name(b)).count();
    let start = word.start - count(&mut bytes[..word.start].iter().rev());
    let end = word.end + count(&mut bytes[word.end..].iter());
    // `self.password`, `config->db->password`: the whole path.
    let path = bytes[..start].iter().rev().take(LONGEST_NAME);
    let path = start
        - path
            .take_while(|b| is_name(b) || matches!(b, b'.' | b'>' | b'-' | b'?' | b'!' | b'&' | b'@'))
            .count();
    let sigil = path.checked_sub(1).is_some_and(|i| bytes[i] == b'$');
    let from = if sigil { path - 1 } else { path };
    let before = bytes[..from].iter().rev().take(40).find(|b| !b.is_ascii_whitespace()).copied()?;
    let embedded = sigil && matches!(extension, "php" | "kt" | "kts" | "scala" | "groovy" | "dart");
    if !matches!(before, b'{' | b'+' | b'%' | b',' | b'(') && !embedded {
        return None;
    }
    let after = bytes[end..].iter().take(40).find(|b| !matches!(b, b' ' | b'\t')).copied().unwrap_or(b'\n');
    if !matches!(after, b'}' | b':' | b'!' | b')' | b',' | b'+' | b']' | b';' | b'\n' | b'\r') && !embedded {
        return None;
    }
    let floor = text.ceil_char_boundary(from.saturating_sub(LONGEST));
    let behind = text.get(floor..from)?;
    let (opener, form) = opener(behind, extension)?;
    let statement = behind.get(opener..)?;
    let told = match nesting(statement.as_bytes(), extension)? {
        Nesting::Interpolation { at } => {
            statement[at..].trim().is_empty() && matches!(after, b'}' | b':' | b'!' | b')')
        }
        Nesting::Text => embedded,
        Nesting::Code { depth } => {
            matches!(after, b')' | b',' | b'+' | b'\n' | b'\r' | b';')
                && (given(statement, before, depth, extension)
                    || form == DisclosureForm::Logged && depth == 1 && matches!(before, b'(' | b','))
        }
    };
    if !told || asks_for_it(statement) {
        return None;
    }
    let name = text.get(start..end)?.to_owned();
    Some(Disclosure { place: Span::new(file, offset + start..offset + end), name, form })
}

/// Where the nearest statement that makes an error begins.
fn opener(behind: &str, extension: &str) -> Option<(usize, DisclosureForm)> {
    let mut found: Option<(usize, DisclosureForm)> = None;
    let tables = [
        (RAISED, DisclosureForm::Raised),
        (ANSWERED, DisclosureForm::Answered),
        (FUNCTIONS, DisclosureForm::Logged),
    ];
    for (table, form) in tables {
        for words in table.iter().filter(|(own, _)| own.contains(&extension)).map(|(_, words)| words) {
            for word in *words {
                let Some(at) = behind.rfind(word) else { continue };
                let glued = at.checked_sub(1).map(|i| behind.as_bytes()[i]);
                let glued = glued.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
                // `fmt.Errorf`, `pkg.Wrapf` have a package before them.
                if !glued && found.is_none_or(|(best, _)| at > best) {
                    found = Some((at, form));
                }
            }
        }
    }
    if let Some(at) = logger(behind).filter(|at| found.is_none_or(|(best, _)| *at > best)) {
        found = Some((at, DisclosureForm::Logged));
    }
    // `throw new Error(` is one statement.
    let (at, form) = found?;
    let whole = behind[..at].strip_suffix("throw ").map_or(at, str::len);
    Some((whole, form))
}

/// Where the nearest call of a logger begins.
fn logger(behind: &str) -> Option<usize> {
    // Few names of secrets stand behind a log, and each level is a search of its own.
    if !["log", "Log", "LOG"].iter().chain(CONSOLES).any(|word| behind.contains(word)) {
        return None;
    }
    let calls = LEVELS.iter().filter_map(|level| {
        let dot = behind.rfind(level)?;
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let start = behind[..dot].rfind(|c| !name(c)).map_or(0, |at| at + 1);
        let receiver = behind[start..dot].to_ascii_lowercase();
        // `catalog`, `dialog` and `blog` are no logs.
        let logs = receiver.ends_with("log") || receiver.ends_with("logger") || receiver.ends_with("logging");
        let other = ["catalog", "dialog", "blog", "backlog"].iter().any(|word| receiver.ends_with(word));
        (logs && !other || CONSOLES.contains(&receiver.as_str())).then_some(start)
    });
    calls.max()
}

/// What a place in a statement is part of.
enum Nesting {
    /// Code; so many brackets are open.
    Code { depth: usize },
    /// A literal text.
    Text,
    /// An interpolation of a text; it begins at `at`.
    Interpolation { at: usize },
}

enum Frame {
    Text { quote: u8, formatted: bool },
    Interpolation { at: usize, depth: usize },
}

/// What the end of `statement` is part of; `None` if the statement is over before.
fn nesting(statement: &[u8], extension: &str) -> Option<Nesting> {
    let mut stack: Vec<Frame> = Vec::new();
    let mut depth = 0usize;
    let mut i = 0;
    let next = |i: usize| statement.get(i + 1).copied().unwrap_or(0);
    while i < statement.len() {
        let b = statement[i];
        match stack.last_mut() {
            Some(Frame::Text { quote, formatted }) => {
                let opens = match extension {
                    "py" | "cs" => *formatted && b == b'{',
                    "rs" => b == b'{',
                    "rb" | "erb" | "rake" | "ex" | "exs" => *quote == b'"' && b == b'#' && next(i) == b'{',
                    "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => {
                        *quote == b'`' && b == b'$' && next(i) == b'{'
                    }
                    "kt" | "kts" | "scala" | "groovy" | "dart" => b == b'$' && next(i) == b'{',
                    "php" => *quote == b'"' && b == b'{' && next(i) == b'$',
                    "swift" => b == b'\\' && next(i) == b'(',
                    _ => false,
                };
                if opens && b == b'{' && next(i) == b'{' {
                    i += 1;
                } else if opens {
                    // In PHP the `$` belongs to the name.
                    let width = if b == b'{' { 1 } else { 2 };
                    i += width - 1;
                    stack.push(Frame::Interpolation { at: i + 1, depth: 0 });
                } else if b == b'\\' {
                    i += 1;
                } else if b == *quote {
                    stack.pop();
                } else if b == b'\n' && *quote != b'`' {
                    return None;
                }
            }
            frame => {
                let inner = match frame {
                    Some(Frame::Interpolation { depth, .. }) => depth,
                    _ => &mut depth,
                };
                match b {
                    b'"' | b'`' => {
                        stack.push(Frame::Text { quote: b, formatted: is_formatted(statement, i) })
                    }
                    b'\'' if !matches!(extension, "rs" | "go" | "java" | "kt" | "cs" | "swift") => {
                        stack.push(Frame::Text { quote: b, formatted: is_formatted(statement, i) });
                    }
                    b'(' | b'[' | b'{' => *inner += 1,
                    b')' | b']' | b'}' if *inner == 0 => {
                        stack.pop()?;
                    }
                    b')' | b']' | b'}' => *inner -= 1,
                    b';' => return None,
                    b'\n' if *inner == 0 => return None,
                    _ => {}
                }
            }
        }
        i += 1;
    }
    Some(match stack.last() {
        None => Nesting::Code { depth },
        Some(Frame::Text { .. }) => Nesting::Text,
        Some(Frame::Interpolation { at, .. }) => Nesting::Interpolation { at: *at },
    })
}

/// Whether the quote at `at` opens a text with interpolations: `f"…"` in Python, `$"…"` in C#.
fn is_formatted(statement: &[u8], at: usize) -> bool {
    let prefix = statement[..at].iter().rev().take(3);
    prefix
        .take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'$' | b'@'))
        .any(|b| matches!(b, b'f' | b'F' | b'$'))
}

/// Whether a name in code behind `before` becomes part of a text.
fn given(statement: &str, before: u8, depth: usize, extension: &str) -> bool {
    let quoted = statement.contains(['"', '\'', '`']);
    match (before, extension) {
        (
            b'+',
            "go" | "py" | "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "java" | "kt" | "cs" | "scala"
            | "swift" | "rb",
        ) => quoted && depth == usize::from(depth > 0),
        (b'%', "py" | "rb") => statement.trim_end_matches([' ', '%']).ends_with(['"', '\'']),
        (b'(' | b',', "py") => {
            depth == 2 && [".format(", "\" % (", "' % ("].iter().any(|mark| statement.contains(mark))
        }
        (b',', "go") => {
            let verbs = ["%s", "%v", "%q", "%+v"].iter().any(|verb| statement.contains(verb));
            verbs && depth == 1
        }
        (b',', "rs") => depth <= 2 && ["{}", "{:?}"].iter().any(|verb| statement.contains(verb)),
        _ => false,
    }
}

/// Whether the text says that something is missing: then the name is that of a setting.
fn asks_for_it(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    [
        "missing",
        "not set",
        "must set",
        "must be set",
        "required",
        "environment variable",
        "undefined",
        "env var",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_the_text_of_an_error() {
        for (extension, text, told) in [
            ("py", "raise AuthError(f\"bad password {password} for {user}\")", true),
            ("py", "raise AuthError(f\"bad password {password!r}\")", true),
            ("py", "raise AuthError(\"bad %s\" % password)", true),
            ("py", "raise AuthError(\"bad %s %s\" % (user, password))", true),
            ("py", "raise AuthError(\"bad {}\".format(self.password))", true),
            ("py", "raise AuthError(\n    f\"cannot log in with {cfg.password}\"\n)", true),
            ("py", "raise AuthError(\"bad {password}\")", false),
            ("py", "raise AuthError(f\"bad {len(password)}\")", false),
            ("py", "raise AuthError(f\"password of {user}\")", false),
            ("py", "raise AuthError(user, password)", false),
            ("py", "raise AuthError(f\"missing {password}\")", false),
            ("py", "raise AuthError(\"x\")\nlog(f\"{password}\")", false),
            ("js", "throw new Error(`bad ${password}`)", true),
            ("ts", "throw new Error('bad ' + password)", true),
            ("ts", "throw new Error(`bad ${password.length}`)", false),
            ("ts", "throw new Error('bad', { password })", false),
            ("ts", "throw new Error('no'); check(`${password}`)", false),
            ("js", "res.status(401).send(`no user with ${password}`)", true),
            ("js", "res.status(200).json({ password })", false),
            ("go", "return fmt.Errorf(\"login %s:%s: %w\", user, password, err)", true),
            ("go", "return fmt.Errorf(\"login: %w\", check(user, password))", false),
            ("go", "http.Error(w, \"bad \"+password, 401)", true),
            ("rs", "panic!(\"bad {password}\")", true),
            ("rs", "bail!(\"bad {}\", password)", true),
            ("rs", "Err(Error::Login(user, password))", false),
            ("rb", "raise AuthError, \"bad #{password}\"", true),
            ("rb", "raise AuthError, 'bad #{password}'", false),
            ("java", "throw new IllegalStateException(\"bad \" + password);", true),
            ("kt", "throw IllegalStateException(\"bad $password\")", true),
            ("cs", "throw new Exception($\"bad {password}\");", true),
            ("cs", "throw new Exception(\"bad {password}\");", false),
            ("php", "throw new Exception(\"bad $password\");", true),
            ("swift", "fatalError(\"bad \\(password)\")", true),
            ("py", "logger.info(\"login with %s\", password)", true),
            ("py", "self._LOGGER.debug(f\"login with {password}\")", true),
            ("py", "catalog.info(password)", false),
            ("py", "logger.info(\"login of %s\", user)\ncheck(password)", false),
            ("py", "logger.info(mask(password))", false),
            ("js", "console.log(password)", true),
            ("ts", "console.error('cannot log in', user, password)", true),
            ("ts", "dialog.info(password)", false),
            ("java", "log.info(\"login {} {}\", user, password);", true),
            ("go", "log.Printf(\"login %s\", password)", true),
            ("cs", "_logger.LogInformation(\"login {Password}\", password);", true),
            ("rb", "Rails.logger.info \"login #{password}\"", true),
            ("rs", "info!(\"login {password}\")", true),
            ("php", "error_log(\"login $password\");", true),
        ] {
            let at = text.rfind("password").expect("the name");
            let found = read(FileId(0), text, at..at + "password".len(), extension, 0);
            assert_eq!(found.is_some(), told, "{extension}: {text}");
        }
    }

    #[test]
    fn any_text_is_endured() {
        for extension in ["py", "js", "go", "rs", "rb", "php", "kt", "swift", "x"] {
            for text in [
                "password",
                "raise \"{{{{password",
                "throw `${`${`${ä password",
                "raise )password",
                "ä(password",
            ] {
                for (at, _) in text.match_indices("password") {
                    read(FileId(0), text, at..at + 8, extension, 0);
                }
            }
        }
    }
}
