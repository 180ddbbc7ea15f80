//! Connection strings: `Server=…;User Id=…;Password=…`, `host=… password=…`, `jdbc:…?user=…&password=…`.

use super::cursor::Cursor;
use super::pairs::line_before;
use crate::facts::Medium;
use std::ops::Range;

/// The password that a connection string gives under `name`, behind which the cursor stands.
pub(super) fn connection_password(cursor: &mut Cursor<'_>, before: &str, name: &str) -> Option<Range<usize>> {
    let plain = ["password", "pwd", "pass"].iter().any(|own| name.eq_ignore_ascii_case(own));
    let assigned = cursor.peek() == Some(b'=')
        && cursor.rest().get(1).is_some_and(|b| !matches!(b, b'=' | b' ' | b'"' | b'\''));
    if !(assigned && plain && is_connection(before, cursor.medium)) {
        return None;
    }
    cursor.at += 1;
    let end = |b: u8| matches!(b, b';' | b'"' | b'\'' | b'&' | b'<' | b'`' | b',') || b.is_ascii_whitespace();
    let value = cursor.until(end);
    if value.is_none() {
        cursor.at -= 1;
    }
    value
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
pub(super) fn is_local_query(before: &str) -> bool {
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
