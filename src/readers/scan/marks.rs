//! Marks that keep a test from running or from counting.

use super::surroundings::is_comment;
use crate::facts::{TestMark, TestMarkKind};
use crate::text::{FileId, Span};
use std::ops::Range;

/// What a mark's text in quotes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    /// The reason.
    Reason,
    /// The test's title.
    Title,
}

/// A mark: its words, what it does, the extensions of its languages, what the text behind it is.
pub(super) struct Mark {
    pub(super) words: &'static str,
    kind: TestMarkKind,
    extensions: &'static [&'static str],
    quoted: Quoted,
}

const JS: &[&str] = &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"];
const JVM: &[&str] = &["java", "kt", "kts", "groovy", "scala"];
const PY: &[&str] = &["py"];
const RB: &[&str] = &["rb"];
const CS: &[&str] = &["cs", "vb", "fs"];

const fn mark(
    words: &'static str,
    kind: TestMarkKind,
    extensions: &'static [&'static str],
    quoted: Quoted,
) -> Mark {
    Mark { words, kind, extensions, quoted }
}

use Quoted::{Reason, Title};
use TestMarkKind::{Conditional, Focus, MayFail, Skip};

/// After the manuals of the test frameworks.
pub(super) const MARKS: &[Mark] = &[
    mark("it.skip(", Skip, JS, Title),
    mark("test.skip(", Skip, JS, Title),
    mark("describe.skip(", Skip, JS, Title),
    mark("context.skip(", Skip, JS, Title),
    mark("suite.skip(", Skip, JS, Title),
    mark("it.skip.each", Skip, JS, Title),
    mark("test.skip.each", Skip, JS, Title),
    mark("test.fixme(", Skip, JS, Title),
    mark("xit(", Skip, JS, Title),
    mark("xtest(", Skip, JS, Title),
    mark("xdescribe(", Skip, JS, Title),
    mark("xcontext(", Skip, JS, Title),
    mark("it.only(", Focus, JS, Title),
    mark("test.only(", Focus, JS, Title),
    mark("describe.only(", Focus, JS, Title),
    mark("context.only(", Focus, JS, Title),
    mark("suite.only(", Focus, JS, Title),
    mark("it.only.each", Focus, JS, Title),
    mark("test.only.each", Focus, JS, Title),
    mark("fit(", Focus, JS, Title),
    mark("fdescribe(", Focus, JS, Title),
    mark("it.skipif(", Conditional, JS, Title),
    mark("test.skipif(", Conditional, JS, Title),
    mark("describe.skipif(", Conditional, JS, Title),
    mark("it.runif(", Conditional, JS, Title),
    mark("test.runif(", Conditional, JS, Title),
    mark("describe.runif(", Conditional, JS, Title),
    mark("it.fails(", MayFail, JS, Title),
    mark("test.fails(", MayFail, JS, Title),
    mark("it.failing(", MayFail, JS, Title),
    mark("test.failing(", MayFail, JS, Title),
    mark("test.fail(", MayFail, JS, Title),
    mark("@pytest.mark.skipif", Conditional, PY, Reason),
    mark("@pytest.mark.skip", Skip, PY, Reason),
    mark("@pytest.mark.xfail", MayFail, PY, Reason),
    mark("pytest.skip(", Conditional, PY, Reason),
    mark("pytest.importorskip(", Conditional, PY, Title),
    mark("@unittest.skipif", Conditional, PY, Reason),
    mark("@unittest.skipunless", Conditional, PY, Reason),
    mark("@unittest.skip", Skip, PY, Reason),
    mark("@unittest.expectedfailure", MayFail, PY, Reason),
    mark("@skipif(", Conditional, PY, Reason),
    mark("@skipunless", Conditional, PY, Reason),
    mark("@skip(", Skip, PY, Reason),
    mark("self.skiptest(", Conditional, PY, Reason),
    mark("@disabledif", Conditional, JVM, Reason),
    mark("@disabledon", Conditional, JVM, Reason),
    mark("@enabledif", Conditional, JVM, Reason),
    mark("@enabledon", Conditional, JVM, Reason),
    mark("@disabled", Skip, JVM, Reason),
    mark("@ignore", Skip, JVM, Reason),
    mark("@test(enabled = false", Skip, JVM, Reason),
    mark("t.skip(", Skip, &["go"], Reason),
    mark("t.skipf(", Skip, &["go"], Reason),
    mark("t.skipnow(", Skip, &["go"], Reason),
    mark("b.skip(", Skip, &["go"], Reason),
    mark("#[ignore", Skip, &["rs"], Reason),
    mark("(skip =", Skip, CS, Reason),
    mark("(skip=", Skip, CS, Reason),
    mark("[ignore", Skip, CS, Reason),
    mark("[explicit", Skip, CS, Reason),
    mark("assert.ignore(", Conditional, CS, Reason),
    mark("assert.inconclusive(", Conditional, CS, Reason),
    mark("xit ", Skip, RB, Title),
    mark("xdescribe ", Skip, RB, Title),
    mark("xcontext ", Skip, RB, Title),
    mark("fit ", Focus, RB, Title),
    mark("fdescribe ", Focus, RB, Title),
    mark("fcontext ", Focus, RB, Title),
    mark("focus: true", Focus, RB, Title),
    mark("skip: true", Skip, RB, Title),
    mark("skip: \"", Skip, RB, Reason),
    mark("pending \"", MayFail, RB, Reason),
    mark("pending '", MayFail, RB, Reason),
    mark("skip \"", Skip, RB, Reason),
    mark("skip '", Skip, RB, Reason),
    mark("marktestskipped(", Skip, &["php"], Reason),
    mark("marktestincomplete(", Skip, &["php"], Reason),
    mark("throw xctskip(", Conditional, &["swift"], Reason),
    mark("xctskipif(", Conditional, &["swift"], Reason),
    mark("xctskipunless(", Conditional, &["swift"], Reason),
    mark("xctexpectfailure(", MayFail, &["swift"], Reason),
    mark("@tag :skip", Skip, &["exs"], Reason),
    mark("@tag skip:", Skip, &["exs"], Reason),
];

/// The mark at `word`, if it is one and stands in code.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    mark: &Mark,
    extension: &str,
    offset: usize,
) -> Option<TestMark> {
    if !mark.extensions.contains(&extension) {
        return None;
    }
    let bytes = text.as_bytes();
    let written = text.get(word.clone())?;
    let before = word.start.checked_sub(1).and_then(|i| bytes.get(i)).copied();
    if written.starts_with(|c: char| c.is_ascii_alphabetic())
        && before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'))
        && !written.starts_with("mark")
    {
        return None;
    }
    // `@Ignore` and `@IgnoreExtraProperties`, `[Ignore]` and `[IgnoreDataMember]`.
    let open_ended = written.ends_with(|c: char| c.is_ascii_alphabetic())
        && matches!(
            mark.words,
            "@ignore"
                | "@disabled"
                | "[ignore"
                | "[explicit"
                | "#[ignore"
                | "@pytest.mark.skip"
                | "@unittest.skip"
        );
    if open_ended && bytes.get(word.end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
        return None;
    }
    let line_start = bounded_line_start(text, word.start);
    let line_end = bounded_line_end(text, word.end);
    let line = &text[line_start..line_end];
    let code = &text[line_start..word.start];
    // Attributes of Rust and C# open with what elsewhere opens comments.
    if is_comment(line, extension) || in_string(code) || code.contains("//") {
        return None;
    }
    // A decorator opens its line; elsewhere it stands in a sentence. Below a function it belongs to a
    // test that the function writes or defines to see what the framework does with it.
    if extension == "py"
        && mark.words.starts_with('@')
        && (!code.trim().is_empty() || inside_function(text, line_start, code.len()))
    {
        return None;
    }
    if mark.words.starts_with("(skip")
        && !code.trim_end().ends_with("Fact")
        && !code.trim_end().ends_with("Theory")
    {
        return None;
    }
    // Metadata marks an example; `config.filter_run focus: true` says which marks count.
    if matches!(mark.words, "focus: true" | "skip: true") && !opens_example(code) {
        return None;
    }
    let mut kind = mark.kind;
    let behind = match mark.quoted {
        Reason => &text[word.end..call_end(text, word.start, line_end)],
        Title => &text[word.end..line_end],
    };
    let argument = behind.trim_start();
    // Playwright's `test.skip(condition, 'why')`; Go's skip under an `if`.
    let mut quoted = mark.quoted;
    if matches!(mark.words, "test.skip(" | "test.fixme(" | "test.fail(")
        && !argument.starts_with(['"', '\'', '`'])
    {
        if kind == Skip {
            kind = if argument.starts_with(')') { Skip } else { Conditional };
        }
        quoted = Reason;
    }
    let above = previous_line(text, line_start);
    if kind == Skip
        && matches!(extension, "go" | "php")
        && (starts_condition(above) || starts_condition(line))
    {
        kind = Conditional;
    }
    let spoken = match quoted {
        Reason => string_in(behind),
        Title => None,
    };
    let comment = comment_in(behind).or_else(|| {
        is_comment(above, extension)
            .then(|| above.trim().trim_start_matches(['/', '#', '*', '-', ' ']).to_owned())
    });
    // Several strings in a row are one reason, and any of them may name the issue.
    let whole = if quoted == Reason { behind } else { "" };
    let tracked = names_issue(whole)
        || spoken.as_deref().is_some_and(names_issue)
        || comment.as_deref().is_some_and(names_issue);
    let words = written.trim_end_matches(['(', '"', '\'', ' ', '=', ':']).to_owned();
    let end = word.start + words.len();
    Some(TestMark {
        place: Span::new(file, offset + word.start..offset + end),
        mark: kind,
        words,
        reason: spoken.or(comment).filter(|r| !r.trim().is_empty()),
        tracked,
    })
}

/// Whether a line of RSpec that begins with `code` defines examples.
/// <https://rspec.info/features/3-13/rspec-core/metadata/user-defined/>
fn opens_example(code: &str) -> bool {
    const OPENERS: &[&str] =
        &["it", "specify", "example", "scenario", "describe", "context", "feature", "example_group", "test"];
    let code = code.trim_start();
    let code = code.strip_prefix("RSpec.").unwrap_or(code);
    code.split_once([' ', '(']).is_some_and(|(word, _)| OPENERS.contains(&word))
}

/// Lines are looked at so far: a generated file may be one.
const LONGEST_LINE: usize = 512;

fn bounded_line_start(text: &str, at: usize) -> usize {
    let floor = text.ceil_char_boundary(at.saturating_sub(LONGEST_LINE));
    text[floor..at].rfind('\n').map_or(floor, |i| floor + i + 1)
}

fn bounded_line_end(text: &str, at: usize) -> usize {
    let ceiling = text.floor_char_boundary((at + LONGEST_LINE).min(text.len()));
    text[at..ceiling].find(['\n', '\r']).map_or(ceiling, |i| at + i)
}

fn previous_line(text: &str, line_start: usize) -> &str {
    let Some(end) = line_start.checked_sub(1) else { return "" };
    if text.as_bytes()[end] != b'\n' {
        return "";
    }
    &text[bounded_line_start(text, end)..end]
}

/// Lines above a mark that are looked at for the function around it.
const MOST_LINES_ABOVE: usize = 200;

/// Whether the Python line at `line_start`, which is indented by `indent`, lies in the body of a function.
fn inside_function(text: &str, line_start: usize, indent: usize) -> bool {
    let floor = text.ceil_char_boundary(line_start.saturating_sub(16 << 10));
    let mut indent = indent;
    for line in text[floor..line_start].lines().rev().take(MOST_LINES_ABOVE) {
        if indent == 0 {
            return false;
        }
        let code = line.trim_start();
        let depth = line.len() - code.len();
        if code.is_empty() || code.starts_with('#') || depth >= indent {
            continue;
        }
        indent = depth;
        if code.starts_with("def ") || code.starts_with("async def ") {
            return true;
        }
    }
    false
}

/// Where the call whose words begin at `start` ends, if its arguments go on below its line.
fn call_end(text: &str, start: usize, line_end: usize) -> usize {
    let ceiling = text.floor_char_boundary((start + LONGEST_LINE).min(text.len()));
    let mut depth = 0usize;
    for (i, b) in text[start..ceiling].bytes().enumerate() {
        match b {
            b'(' => depth += 1,
            b')' if depth <= 1 => return line_end.max(start + i),
            b')' => depth -= 1,
            b'\n' if depth == 0 => return line_end,
            _ => {}
        }
    }
    line_end
}

fn starts_condition(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("if ")
        || line.starts_with("if(")
        || line.starts_with("} else")
        || line.starts_with("case ")
}

fn in_string(code: &str) -> bool {
    ['"', '\'', '`'].iter().any(|q| code.matches(*q).count() % 2 == 1)
}

/// The first text in quotes; for Python the one named `reason` if there is one.
fn string_in(text: &str) -> Option<String> {
    let from = text.find("reason").map_or(0, |i| i + 6);
    let text = &text[from..];
    let open = text.find(['"', '\'', '`'])?;
    let quote = text[open..].chars().next()?;
    let rest = &text[open + 1..];
    let close = rest.find(quote)?;
    Some(rest[..close].to_owned())
}

fn comment_in(text: &str) -> Option<String> {
    let at = ["// ", "# ", "/* "].iter().filter_map(|o| text.find(o).map(|i| i + o.len())).min()?;
    Some(text[at..].trim_end_matches("*/").trim().to_owned())
}

/// Whether a text names an issue: `#123`, `ABC-123`, an address of one.
fn names_issue(text: &str) -> bool {
    let bytes = text.as_bytes();
    let numbered = text.match_indices('#').any(|(i, _)| bytes.get(i + 1).is_some_and(u8::is_ascii_digit));
    let keyed = text.match_indices('-').any(|(i, _)| {
        let key =
            bytes[..i].iter().rev().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
        key >= 2
            && bytes[i - key].is_ascii_uppercase()
            && bytes.get(i + 1).is_some_and(u8::is_ascii_digit)
            && !text[i - key..i].starts_with("UTF")
            && !text[i - key..i].starts_with("ISO")
    });
    let linked = text.contains("://")
        && [
            "/issues/",
            "/issue/",
            "/browse/",
            "/pull/",
            "/work_items/",
            "_workitems",
            "/bug",
            "/tickets/",
            "/t/",
        ]
        .iter()
        .any(|p| text.contains(p));
    numbered || keyed || linked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, extension: &str) -> Vec<(TestMarkKind, Option<String>, bool)> {
        let lower = text.to_ascii_lowercase();
        let mut all = Vec::new();
        for mark in MARKS {
            for (at, _) in lower.match_indices(mark.words) {
                if let Some(m) = read(FileId(0), text, at..at + mark.words.len(), mark, extension, 0) {
                    all.push((m.mark, m.reason, m.tracked));
                }
            }
        }
        all
    }

    #[test]
    fn marks_say_what_is_done_and_why() {
        for (text, extension, kind, reason, tracked) in [
            ("it.skip('logs in', () => {", "ts", Skip, None, false),
            ("// flaky, see #12\n  it.skip('logs in', () => {", "ts", Skip, Some("flaky, see #12"), true),
            ("test.skip(isMac, 'no sound ABC-7')", "ts", Conditional, Some("no sound ABC-7"), true),
            ("describe.only('x', f)", "js", Focus, None, false),
            ("xit('x')", "js", Skip, None, false),
            ("@pytest.mark.skip(reason=\"slow\")", "py", Skip, Some("slow"), false),
            ("@pytest.mark.skip", "py", Skip, None, false),
            (
                "@pytest.mark.xfail(\n    reason=\"set to false, \"\n    \"see #12\"\n)",
                "py",
                MayFail,
                Some("set to false, "),
                true,
            ),
            ("class T:\n    @unittest.skip\n    def test(self):", "py", Skip, None, false),
            ("@pytest.mark.skipif(os == \"x\", reason='why')", "py", Conditional, Some("why"), false),
            ("@pytest.mark.xfail", "py", MayFail, None, false),
            ("@Disabled(\"https://x.org/a/issues/3\")", "java", Skip, Some("https://x.org/a/issues/3"), true),
            ("@DisabledOnOs(OS.MAC)", "java", Conditional, None, false),
            ("\tt.Skip(\"broken\")", "go", Skip, Some("broken"), false),
            ("\tif testing.Short() {\n\t\tt.Skip(\"short\")", "go", Conditional, Some("short"), false),
            ("#[ignore = \"needs a network\"]", "rs", Skip, Some("needs a network"), false),
            ("[Fact(Skip = \"later\")]", "cs", Skip, Some("later"), false),
            ("[Ignore]", "cs", Skip, None, false),
            ("  xit \"works\" do", "rb", Skip, None, false),
            ("$this->markTestSkipped('x');", "php", Skip, Some("x"), false),
        ] {
            assert_eq!(found(text, extension), [(kind, reason.map(str::to_owned), tracked)], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for (text, extension) in [
            ("// it.skip('x')", "ts"),
            ("# @pytest.mark.skip", "py"),
            ("const s = \"it.skip(\"", "ts"),
            ("split.skip(1)", "ts"),
            ("benefit(1)", "ts"),
            ("process.exit(1)", "ts"),
            ("@IgnoreExtraProperties", "java"),
            ("list.skip(1)", "java"),
            ("[IgnoreDataMember]", "cs"),
            ("Query(skip = 1)", "cs"),
            ("it.skip(", "rs"),
        ] {
            assert_eq!(found(text, extension), [], "{text}");
        }
    }
}
