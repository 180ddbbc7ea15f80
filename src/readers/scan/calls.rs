//! Passwords that are told by their place, not by a name: arguments of calls, options of commands, SQL.

use super::pairs::line_before;
use std::ops::Range;

/// How a password stands behind a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// The argument with this number, from 0, of a call with at least one more than this many; those before
    /// it name a user.
    Argument(usize),
    /// The text of a command's option: `-p word`.
    Option(&'static str),
    /// The text that adheres to a command's option: `-pword`.
    Adhering(&'static str),
    /// What stands behind the colon in a command's option: `-u user:word`.
    User(&'static [&'static str]),
    /// `… BY 'word'`.
    By,
    /// The literal on a line that says that it is plain text.
    /// <https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.security/convertto-securestring>
    PlainText,
    /// The rest of the line.
    Rest,
}

/// The words, in lower case, and what stands behind them.
pub(super) const CALLS: &[(&str, Stands)] = &[
    (".login(", Stands::Argument(1)),
    ("basicauth(", Stands::Argument(1)),
    ("auth=(", Stands::Argument(1)),
    ("networkcredential(", Stands::Argument(1)),
    ("passwordauthentication(", Stands::Argument(1)),
    ("passwordcredentials(", Stands::Argument(1)),
    ("wifi.begin(", Stands::Argument(1)),
    ("connect(", Stands::Argument(2)),
    ("getconnection(", Stands::Argument(2)),
    ("mysqli(", Stands::Argument(2)),
    ("new pdo(", Stands::Argument(2)),
    ("sequelize(", Stands::Argument(2)),
    ("curl ", Stands::User(&["-u", "--user"])),
    ("mysql -", Stands::Adhering("-p")),
    ("mysqldump -", Stands::Adhering("-p")),
    ("mysqladmin -", Stands::Adhering("-p")),
    ("sshpass -", Stands::Option("-p")),
    (" login -", Stands::Option("-p")),
    ("redis-cli -", Stands::Option("-a")),
    ("identified by", Stands::By),
    ("identified with", Stands::By),
    ("securestring", Stands::PlainText),
    ("requirepass ", Stands::Rest),
];

/// Longer calls and commands are none.
const LONGEST: usize = 600;

/// The password that stands in the form with this number, whose word is at `word`.
pub(super) fn read(text: &str, word: Range<usize>, stands: Stands) -> Option<Range<usize>> {
    match stands {
        Stands::Argument(nth) => {
            let arguments = arguments(text, word.end);
            let value = arguments.get(nth)?.clone()?;
            // Who logs in is said first: by a name, or by whatever the program knows.
            let user = match arguments.get(nth.checked_sub(1)?)? {
                Some(user) => &text[user.clone()],
                None => "user",
            };
            let more = arguments.len() - nth - 1;
            (more <= if nth == 1 { 1 } else { 3 } && is_user(user)).then_some(value)
        }
        Stands::Option(option) => {
            let mut words = words(text, word.end - 1);
            words.find(|w| &text[w.clone()] == option)?;
            words.next()
        }
        Stands::Adhering(option) => {
            let mut words = words(text, word.end - 1);
            let found = words.find(|w| text[w.clone()].starts_with(option) && w.len() > option.len())?;
            Some(found.start + option.len()..found.end).map(|v| unquoted(text, v))
        }
        Stands::User(options) => {
            let mut words = words(text, word.end);
            let found = words.find(|w| options.contains(&&text[w.clone()])).and_then(|_| words.next())?;
            let colon = text[found.clone()].find(':')?;
            Some(found.start + colon + 1..found.end)
        }
        Stands::By => {
            let rest = &text[word.end..text.floor_char_boundary((word.end + 80).min(text.len()))];
            let rest = rest.split('\n').next().unwrap_or(rest);
            let from = if text[..word.end].ends_with(['y', 'Y']) {
                0
            } else {
                rest.to_ascii_lowercase().find(" by ")? + 3
            };
            let at = word.end + from + (rest[from..].len() - rest[from..].trim_start().len());
            literal(text, at).map(|(value, _)| value)
        }
        Stands::PlainText => {
            let rest = &text[word.end..text.floor_char_boundary((word.end + 200).min(text.len()))];
            let rest = rest.split('\n').next().unwrap_or(rest);
            let plain = rest.to_ascii_lowercase().contains("asplaintext");
            let quote = rest.find(['"', '\'']).filter(|_| plain)?;
            literal(text, word.end + quote).map(|(value, _)| value)
        }
        Stands::Rest => {
            let first = line_before(text, word.start).trim().is_empty();
            words(text, word.end).next().filter(|_| first)
        }
    }
}

/// Whether a text can name who logs in.
fn is_user(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'\\'))
}

/// The arguments of the call whose first one begins at `at`, in order: literals with their places.
fn arguments(text: &str, at: usize) -> Vec<Option<Range<usize>>> {
    let bytes = &text.as_bytes()[..text.len().min(at + LONGEST)];
    let mut found = Vec::new();
    let mut at = at;
    loop {
        at += bytes[at.min(bytes.len())..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let mut argument = None;
        if let Some((value, end)) = literal(text, at) {
            argument = Some(value);
            at = end;
        }
        let mut depth = 0usize;
        // Whatever else belongs to the argument: `.toCharArray()`, or no literal at all.
        loop {
            match bytes.get(at) {
                None | Some(b';') => return Vec::new(),
                Some(b'"' | b'\'' | b'`') => match literal(text, at) {
                    Some((_, end)) => {
                        argument = None;
                        at = end;
                        continue;
                    }
                    None => return Vec::new(),
                },
                Some(b'+' | b'=') => argument = None,
                Some(b'(' | b'[' | b'{') => depth += 1,
                Some(b')' | b']' | b'}') if depth > 0 => depth -= 1,
                Some(b')' | b']' | b'}') => {
                    found.push(argument);
                    return found;
                }
                Some(b',') if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        found.push(argument);
        at += 1;
        if found.len() > 6 {
            return found;
        }
    }
}

/// The inside of the quotes that open at `at`, and where they end.
fn literal(text: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(at).filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
    let mut end = at + 1;
    loop {
        match *bytes.get(end).filter(|_| end - at < LONGEST)? {
            b'\n' => return None,
            b'\\' => end += 2,
            b if b == quote => break,
            _ => end += 1,
        }
    }
    text.get(at + 1..end).map(|_| (at + 1..end, end + 1))
}

/// Words of the command that goes on at `at`, without their quotes.
fn words(text: &str, at: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = &text.as_bytes()[..text.len().min(at + LONGEST)];
    let mut at = at;
    std::iter::from_fn(move || {
        loop {
            match bytes.get(at)? {
                b' ' | b'\t' => at += 1,
                b'\\' if matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
                b'\n' | b'\r' | b'|' | b';' | b'&' | b'"' | b'`' | b')' | b',' | b'<' => {
                    // A quote opens a word; any other sign, and one that closes a text around, ends the command.
                    let (value, end) = literal(text, at).filter(|_| bytes[at] == b'"')?;
                    at = end;
                    return Some(value);
                }
                b'\'' => {
                    let (value, end) = literal(text, at)?;
                    at = end;
                    return Some(value);
                }
                _ => break,
            }
        }
        let start = at;
        let ends =
            |b: &u8| b.is_ascii_whitespace() || matches!(b, b'|' | b';' | b'"' | b'`' | b')' | b',' | b'<');
        while let Some(b) = bytes.get(at).filter(|b| !ends(b)) {
            at += 1;
            // `-p'word'`: quotes inside a word belong to it.
            if *b == b'\''
                && let Some((_, end)) = literal(text, at - 1)
            {
                at = end.min(bytes.len());
            }
        }
        // Whatever ends no command, yet begins no word.
        at += usize::from(at == start);
        // `-p"word"` as well, where the command is no text itself.
        if bytes.get(at) == Some(&b'"')
            && at > start
            && let Some((_, end)) = literal(text, at)
            && matches!(bytes.get(end), None | Some(b' ' | b'\n'))
        {
            at = end;
        }
        text.get(start..at).map(|_| start..at)
    })
}

/// The range without the quotes around it.
fn unquoted(text: &str, range: Range<usize>) -> Range<usize> {
    match literal(text, range.start) {
        Some((inner, end)) if end == range.end => inner,
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let lower = text.to_ascii_lowercase();
        CALLS.iter().find_map(|(word, stands)| {
            let at = lower.find(word)?;
            read(text, at..at + word.len(), *stands).map(|v| &text[v])
        })
    }

    #[test]
    fn passwords_are_found_by_their_place() {
        for text in [
            "mysql.connector.connect(\"h\", \"app\", \"VAL\")",
            "pymysql.connect(\n    'h',\n    'app',\n    'VAL',\n    'db',\n)",
            "DriverManager.getConnection(url, \"app\", \"VAL\")",
            "new mysqli('h', 'app', 'VAL', 'db')",
            "new PDO($dsn, 'app', 'VAL')",
            "new Sequelize('db', 'root', 'VAL', { host: 'h' })",
            "smtp.login(\"app@corp.io\", \"VAL\")",
            "requests.get(url, auth=(\"app\", \"VAL\"))",
            "req.SetBasicAuth(\"app\", \"VAL\")",
            "new NetworkCredential(\"app\", \"VAL\")",
            "new PasswordAuthentication(\"app\", \"VAL\".toCharArray())",
            "WiFi.begin(\"office\", \"VAL\")",
            "curl -s -u app:VAL https://x.io",
            "curl --user 'app:VAL' \\\n  https://x.io",
            "curl \\\n  -u \"app:VAL\" https://x.io",
            "mysql -uapp -pVAL db",
            "mysqldump -h db -p'VAL' shop",
            "sshpass -p VAL ssh host",
            "docker login -u app -p VAL registry.corp.io",
            "redis-cli -h r -a VAL ping",
            "CREATE USER app IDENTIFIED BY 'VAL';",
            "CREATE USER app IDENTIFIED WITH mysql_native_password BY 'VAL';",
            "ConvertTo-SecureString \"VAL\" -AsPlainText -Force",
            "ConvertTo-SecureString -String 'VAL' -Force -AsPlainText",
            "requirepass VAL\n",
            "os.system(\"mysql -uroot -pVAL\")",
        ] {
            assert_eq!(found(text), Some("VAL"), "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_at_its_place_is_none() {
        for text in [
            "mysql.connect(host, user, password)",
            "connect(\"h\", \"app\", \"a\" + b)",
            "connect(\"127.0.0.1\", 80)",
            "page.login(\"a b c\", \"VAL\")",
            "client.login(token)",
            "signal.connect(\"changed\", handler, \"VAL\", 1, 2, 3, 4)",
            "curl -s https://x.io",
            "curl -u app https://x.io",
            "mysql -u app -p db",
            "docker login -u app --password-stdin",
            "IDENTIFIED BY ?",
            "IDENTIFIED BY PASSWORD\n",
            "ConvertTo-SecureString $x -AsPlainText -Force",
            "Read-Host -AsSecureString \"VAL\"",
            "# how to set requirepass here",
            "connect(\"open",
            "connect(",
            "curl \"",
            "curl '",
            "curl é",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
