//! Environment variables that program code reads.

use super::surroundings::is_comment;
use crate::facts::EnvRead;
use crate::text::{FileId, Span, Spanned};
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
    bundler: bool,
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
    if bytes.get(at) != Some(&b'.') && bytes.get(after).is_some_and(|b| matches!(b, b']' | b')')) {
        end += 1;
    }
    let tail: &[u8] = &bytes[end..(end + 64).min(bytes.len())];
    let tail = tail.trim_ascii_start();
    // `process.env.X = '1'` sets it.
    if tail.starts_with(b"=") && !tail.starts_with(b"==") && !tail.starts_with(b"=~") {
        return None;
    }
    let fails = [&b"?? throw"[..], b"|| throw", b"|| fail(", b"|| raise", b"or raise"];
    let fails = fails.iter().any(|f| tail.starts_with(f));
    let fallback = !fails
        && (second && !written.contains('!')
            || [&b"||"[..], b"??", b"or ", b"?:", b".unwrap_or", b".ok()", b"{ ", b".orElse", b".getOrElse"]
                .iter()
                .any(|op| tail.starts_with(op)));
    let bracket = bytes.get(at) == Some(&b'[');
    let demanded = !fallback && (fails || is_demanded(written, bracket, line, tail));
    let default = fallback.then(|| default_text(text, after, second)).flatten();
    let default = default.map(|range| {
        let place = Span::new(file, offset + range.start..offset + range.end);
        Spanned::new(text[range].to_owned(), place)
    });
    Some(EnvRead {
        place: Span::new(file, offset + word.start..offset + end),
        key: name.to_owned(),
        fallback,
        demanded,
        default,
        bundled: bundler && is_bundled(text, word.start),
    })
}

/// Whether a read fails by itself without the variable, or stands in a question for it. `line` is what stands before
/// it on its line, `tail` what follows.
fn is_demanded(written: &str, bracket: bool, line: &str, tail: &[u8]) -> bool {
    let word = written.to_ascii_lowercase();
    let fails = match word.as_str() {
        "os.environ" => bracket,
        "env.fetch" | "env!" => true,
        // It tells whether the variable is set.
        "os.lookupenv" => true,
        "env::var" | "env::var_os" => {
            [&b"?"[..], b".unwrap()", b".expect(", b".context(", b".with_context(", b".map_err(", b".ok_or"]
                .iter()
                .any(|op| tail.starts_with(op))
        }
        _ => false,
    };
    let asks =
        [&b"is None"[..], b"== null", b"=== undefined", b"== undefined", b"== \"\"", b"is null", b".nil?"];
    let before = line.trim_end();
    fails
        || asks.iter().any(|ask| tail.starts_with(ask))
        || before.ends_with('!')
        || ["if ", "if(", "unless ", "assert", "require", "must", "ensure", "invariant"]
            .iter()
            .any(|word| before.to_ascii_lowercase().contains(word))
}

/// Longest fallback that is kept.
const LONGEST_DEFAULT: usize = 200;

/// The text that a read falls back on: `after` is where its name ends. Only what may hold an address is of use.
fn default_text(text: &str, after: usize, second: bool) -> Option<Range<usize>> {
    let end = text.floor_char_boundary((after + 16).min(text.len()));
    let between = text.get(after..end)?;
    let open = after + between.find(['"', '\'', '`'])?;
    // The mark that closes the name comes first where names stand in brackets.
    let lead = text.get(after..open)?;
    let marks = ["||", "??", "or", ",", ".unwrap_or(", ".orElse(", ".getOrElse("];
    if !marks.iter().any(|m| lead.contains(m)) || !second && lead.contains(',') {
        return None;
    }
    let quote = text.as_bytes()[open];
    let rest = &text.as_bytes()[open + 1..];
    let length = rest.iter().take(LONGEST_DEFAULT).position(|b| *b == quote || *b == b'\n')?;
    if rest[length] != quote {
        return None;
    }
    let range = open + 1..open + 1 + length;
    let value = text.get(range.clone())?;
    (value == "*" || value.contains("://") || value.contains('.')).then_some(range)
}

/// Whether a file configures what builds programs for browsers.
pub(super) fn is_bundler(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    matches!(extension, "js" | "ts" | "mjs" | "cjs" | "mts" | "cts")
        && [
            "webpack.",
            "vite.config",
            "next.config",
            "nuxt.config",
            "rollup.config",
            "rspack.config",
            "rsbuild.config",
        ]
        .iter()
        .chain(&["craco.config", "vue.config", "gatsby-config", "app.config", "esbuild"])
        .any(|own| stem.starts_with(own) || format!("{stem}.").starts_with(own))
}

/// So far before a read the table that it is in may begin.
const LONGEST_TABLE: usize = 2048;

/// Whether the read at `at` of a bundler's configuration is put into the program: as the text of a
/// constant (`DefinePlugin`, `define`), or in a table that the framework hands to browsers (Next.js `env` and
/// `publicRuntimeConfig`, Nuxt `public`, Expo `extra`).
fn is_bundled(text: &str, at: usize) -> bool {
    let floor = text.ceil_char_boundary(at.saturating_sub(LONGEST_TABLE));
    let before = &text[floor..at];
    if before.trim_end().ends_with("JSON.stringify(") {
        return true;
    }
    let mut open = 0usize;
    for (i, c) in before.char_indices().rev() {
        match c {
            '}' => open += 1,
            '{' if open > 0 => open -= 1,
            '{' => {
                let table = before[..i].trim_end().trim_end_matches([':', '(', ' ']);
                if table.ends_with("DefinePlugin") {
                    return true;
                }
                return ["env", "publicRuntimeConfig", "public", "extra", "define"].iter().any(|own| {
                    let rest = table.strip_suffix(own);
                    rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '.'))
                });
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundlers_configuration_tells_what_it_puts_into_the_program() {
        for (path, text, bundled) in [
            ("webpack.config.js", "new DefinePlugin({ K: JSON.stringify(process.env.K) })", true),
            ("webpack.prod.js", "new webpack.DefinePlugin({ 'process.env.K': process.env.K })", true),
            ("vite.config.ts", "define: { __K__: JSON.stringify(process.env.K) }", true),
            ("vite.config.ts", "plugins: [sentry({ authToken: process.env.K })]", false),
            ("next.config.mjs", "const c = { env: { A: '1', K: process.env.K } }", true),
            ("next.config.js", "serverRuntimeConfig: { K: process.env.K }", false),
            ("nuxt.config.ts", "runtimeConfig: { K: process.env.K, public: { A: 1 } }", false),
            ("nuxt.config.ts", "runtimeConfig: { public: { K: process.env.K } }", true),
            ("src/server.ts", "const env = { K: process.env.K }", false),
        ] {
            let at = text.rfind("process.env.K").expect("each text reads it");
            let found = read(FileId(0), text, at..at + "process.env".len(), "js", is_bundler(path), 0);
            assert_eq!(found.map(|r| r.bundled), Some(bundled), "{path}: {text}");
        }
    }

    #[test]
    fn a_read_may_fail_ask_or_fall_back() {
        for (text, word, expected) in [
            ("x = os.environ['DB_URL']", "os.environ", (true, None)),
            ("x = os.environ.get('DB_URL')", "os.environ.get", (false, None)),
            ("x = os.getenv('DB_URL', 'http://a.b/c')", "os.getenv", (false, Some("http://a.b/c"))),
            ("x = os.getenv('DB_URL', 'dev')", "os.getenv", (false, None)),
            ("x = os.environ.get('DB_URL') or \"a.b\"", "os.environ.get", (false, Some("a.b"))),
            ("const x = process.env.DB_URL ?? '*'", "process.env", (false, Some("*"))),
            ("const x = process.env.DB_URL", "process.env", (false, None)),
            ("if (!process.env.DB_URL) throw x", "process.env", (true, None)),
            ("const x = process.env.DB_URL ?? throw 1", "process.env", (true, None)),
            ("let x = std::env::var(\"DB_URL\")?;", "env::var", (true, None)),
            ("let x = std::env::var(\"DB_URL\").ok();", "env::var", (false, None)),
            ("x = ENV.fetch('DB_URL')", "ENV.fetch", (true, None)),
            ("x = ENV['DB_URL']", "ENV[", (false, None)),
            ("v, ok := os.LookupEnv(\"DB_URL\")", "os.LookupEnv", (true, None)),
        ] {
            let at = text.find(word).expect("the word");
            let found = read(FileId(0), text, at..at + word.len(), "x", false, 0).expect("a read");
            let default = found.default.as_ref().map(|d| &text[d.span.range()]);
            assert_eq!((found.demanded, default), expected, "{text}");
        }
        let text = "process.env.DB_URL = 'x'";
        assert!(
            read(FileId(0), text, 0.."process.env".len(), "x", false, 0).is_none(),
            "it is set, not read"
        );
    }

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
            let found = read(FileId(0), text, at..at + word.len(), "x", false, 0);
            assert_eq!(found.as_ref().map(|r| (r.key.as_str(), r.fallback)), expected, "{text}");
        }
    }
}
