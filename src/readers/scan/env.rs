//! Environment variables that program code reads.

use super::surroundings::is_comment;
use crate::facts::EnvRead;
use crate::text::{FileId, Span};
use std::ops::Range;

/// Beginnings of a read; the name follows after a `.`, or in quotes after `[` or `(`.
pub(super) const READS: &[&str] = &[
    "process.env",
    "import.meta.env",
    "bun.env",
    "deno.env.get",
    "os.environ",
    "os.environ.get",
    "os.getenv",
    "getenv",
    "env[",
    "env.fetch",
    "env::var",
    "env::var_os",
    "env!",
    "option_env!",
    "os.lookupenv",
    "getenvironmentvariable",
    "_env[",
    "system.get_env",
];

/// The read whose beginning is at `word`.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    extension: &str,
    offset: usize,
) -> Option<EnvRead> {
    let bytes = text.as_bytes();
    let written = text.get(word.clone())?;
    // `myprocess.env`, `setenv(`.
    let glued = word
        .start
        .checked_sub(1)
        .and_then(|i| bytes.get(i))
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if glued || written.eq_ignore_ascii_case("env[") && written != "ENV[" {
        return None;
    }
    let line_start = bytes[..word.start]
        .iter()
        .rev()
        .take(512)
        .position(|b| *b == b'\n')
        .map_or(word.start.saturating_sub(512), |n| word.start - n);
    let line = text.get(line_start..word.start).unwrap_or("");
    if is_comment(line, extension) {
        return None;
    }
    let mut at = word.end;
    if written.ends_with('[') {
        at -= 1;
    }
    let name_end = |from: usize| {
        from + bytes[from..].iter().take(128).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
    };
    let (key, after, call) = match bytes.get(at)? {
        b'.' if !written.contains('(') && !matches!(written, "os.environ" | "getenv") => {
            let end = name_end(at + 1);
            (at + 1..end, end, false)
        }
        open @ (b'[' | b'(') => {
            let quote = bytes.get(at + 1).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
            let end = name_end(at + 2);
            if bytes.get(end) != Some(&quote) {
                return None;
            }
            (at + 2..end, end + 1, *open == b'(')
        }
        _ => return None,
    };
    // Methods (`process.env.hasOwnProperty`) and Vite's own flags are no variables.
    let name = text.get(key)?;
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_lowercase())
        || matches!(name, "MODE" | "DEV" | "PROD" | "SSR" | "BASE_URL") && written.starts_with("import")
    {
        return None;
    }
    let mut end = after;
    let second = call && bytes[after..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b',');
    if bytes.get(after).is_some_and(|b| matches!(b, b']' | b')')) {
        end += 1;
    }
    let tail: &[u8] = &bytes[end..(end + 64).min(bytes.len())];
    let tail = tail.trim_ascii_start();
    let fallback = second && !written.contains('!')
        || [&b"||"[..], b"??", b"or ", b"?:", b".unwrap_or", b".ok()", b"{ ", b".orElse", b".getOrElse"]
            .iter()
            .any(|op| tail.starts_with(op));
    Some(EnvRead {
        place: Span::new(file, offset + word.start..offset + end),
        key: name.to_owned(),
        fallback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_the_environment_in_many_languages() {
        for (text, word, expected) in [
            ("process.env.PORT || 3000", "process.env", Some(("PORT", true))),
            ("process.env['PORT']", "process.env", Some(("PORT", false))),
            ("process.env.hasOwnProperty(x)", "process.env", None),
            ("process.env[name]", "process.env", None),
            ("os.environ[\"PORT\"]", "os.environ", Some(("PORT", false))),
            ("os.environ.get(\"PORT\")", "os.environ.get", Some(("PORT", false))),
            ("os.environ.get('PORT', '1')", "os.environ.get", Some(("PORT", true))),
            ("os.Getenv(\"PORT\")", "os.Getenv", Some(("PORT", false))),
            ("ENV[\"PORT\"]", "ENV[", Some(("PORT", false))),
            ("env[\"PORT\"]", "env[", None),
            ("ENV.fetch('PORT', 3000)", "ENV.fetch", Some(("PORT", true))),
            ("std::env::var(\"PORT\").unwrap_or_default()", "env::var", Some(("PORT", true))),
            (
                "Environment.GetEnvironmentVariable(\"PORT\") ?? x",
                "GetEnvironmentVariable",
                Some(("PORT", true)),
            ),
            ("// process.env.PORT", "process.env", None),
            ("import.meta.env.VITE_API", "import.meta.env", Some(("VITE_API", false))),
            ("import.meta.env.PROD", "import.meta.env", None),
            ("$_ENV['PORT']", "_ENV[", Some(("PORT", false))),
        ] {
            let at = text.find(word).expect("the word");
            let found = read(FileId(0), text, at..at + word.len(), "x", 0);
            assert_eq!(found.as_ref().map(|r| (r.key.as_str(), r.fallback)), expected, "{text}");
        }
    }
}
