//! Which comments allow, and what they cover.

use super::*;

fn allows(text: &str, extension: &str) -> Option<(Vec<String>, Option<String>, String, bool)> {
    let at = text.find("plimsoll:").expect("the word");
    read(FileId(0), text, at..at + 9, extension, 0).map(|a| {
        let rules = a.rules.iter().map(|r| r.value.clone()).collect();
        for rule in &a.rules {
            assert_eq!(&text[rule.span.range()], rule.value);
        }
        (rules, a.reason, text[a.covers.range()].to_owned(), a.alone)
    })
}

#[test]
fn an_allow_covers_its_own_line_or_the_next_that_says_something() {
    let one = |r: &str, reason: Option<&str>, covers: &str, alone| {
        Some((vec![r.to_owned()], reason.map(str::to_owned), covers.to_owned(), alone))
    };
    for (text, extension, expected) in [
        (
            "x: 1 # plimsoll: allow[a] why\ny",
            "yml",
            one("a", Some("why"), "x: 1 # plimsoll: allow[a] why", false),
        ),
        (
            "# plimsoll: allow[a] why\r\n\r\n# more\r\n  x: 1\r\ny",
            "yml",
            one("a", Some("why"), "  x: 1", true),
        ),
        ("// plimsoll: allow[a]\n#[test]\nfn x", "rs", one("a", None, "#[test]", true)),
        ("<!-- plimsoll: allow[a] why not -->\n<x/>", "xml", one("a", Some("why not"), "<x/>", true)),
        ("{{/* plimsoll: allow[a] why */}}\nx", "tpl", one("a", Some("why"), "x", true)),
        ("REM plimsoll: allow[a] why\nx", "bat", one("a", Some("why"), "x", true)),
        ("-- plimsoll: allow[a] — why\n---\nx", "sql", one("a", Some("why"), "---", true)),
        (
            "x /* plimsoll: allow[a] why */",
            "c",
            one("a", Some("why"), "x /* plimsoll: allow[a] why */", false),
        ),
        ("a * plimsoll: allow[a]", "c", None),
        ("\"plimsoll: allow[a]\"", "c", None),
        ("https://plimsoll: allow[a]", "c", None),
        ("# see plimsoll: allow[a]", "yml", None),
        ("# plimsoll: allow[]", "yml", None),
        ("# plimsoll: allow[a", "yml", None),
        ("# plimsoll: allow[a]", "yml", None),
    ] {
        assert_eq!(allows(text, extension), expected, "{text}");
    }
    let two = allows("x # plimsoll: allow[a , b-c] why", "yml").expect("an allow");
    assert_eq!(two.0, ["a", "b-c"]);
    assert!(
        !are_read_in("docs/a.md", "md")
            && !are_read_in("rules/x/a.toml", "toml")
            && are_read_in("a.toml", "toml")
    );
}
