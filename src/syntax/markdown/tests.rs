use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Markdown {
    parse(FileId(0), text)
}

#[test]
fn a_runbook_has_headings_steps_and_code() {
    let text = "---\ntitle: x\n---\n# Release `app` #\n\nIntro line\ngoes on.\n\n## Roll back\n\n1. Log in\n2. Then undo it:\n\n   ```bash title=\"x\"\n   kubectl rollout undo \\\n     deploy/x\n   ```\n\n- [x] done `a` and ``b`c``\n\nTitle\n=====\n> quoted\n> ~~~\n> ls\n> ~~~\n";
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        let m = read(&text);
        let headings: Vec<_> = m.headings.iter().map(|h| (h.level, h.text.as_str())).collect();
        assert_eq!(headings, [(1, "Release `app`"), (2, "Roll back"), (1, "Title")]);
        assert_eq!(&text[m.headings[2].span.range()], "Title");
        let [undo, ls] = &m.code[..] else { panic!("two blocks: {:?}", m.code) };
        assert_eq!(
            (undo.language().as_str(), undo.body.text()),
            ("bash", "kubectl rollout undo \\\n  deploy/x\n")
        );
        assert_eq!(m.path(undo.heading), ["Release `app`", "Roll back"]);
        assert_eq!(undo.lead.as_ref().map(|l| l.value.as_str()), Some("Then undo it:"));
        let at = undo.body.text().find("deploy").expect("there");
        assert_eq!(&text[undo.body.span(at..at + 8).range()], "deploy/x");
        assert_eq!((ls.body.text(), ls.lead.as_ref().map(|l| l.value.as_str())), ("ls\n", Some("quoted")));
        let prose: Vec<_> = m.prose.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(
            prose,
            ["Intro line", "goes on.", "Log in", "Then undo it:", "done `a` and ``b`c``", "quoted"]
        );
        assert_eq!(m.prose[4].kind, Kind::ListItem { ordered: false, task: Some(true) });
        let code: Vec<_> =
            m.prose[4].code.iter().map(|c| (c.value.as_str(), &text[c.span.range()])).collect();
        assert_eq!(code, [("a", "a"), ("b`c", "b`c")]);
        assert!(m.front_matter.is_some());
    }
}

#[test]
fn comments_are_no_prose() {
    let text = "a <!-- hidden --> b\n<!-- more\n# no heading\n```\n-->\n# Yes\n<!-- open\nx\n";
    let m = read(text);
    assert_eq!(m.prose.iter().map(|p| p.text.as_str()).collect::<Vec<_>>()[..2], ["a", "b"]);
    assert_eq!(m.headings.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(), ["Yes"]);
    assert_eq!(m.comments.len(), 2);
    assert!(m.code.is_empty());
    assert!(m.prose.iter().any(|p| p.text == "x"));
}

#[test]
fn fences_end_where_they_should() {
    for (text, body, lead) in [
        ("p\n````sh\n```\nx\n````\ny", "```\nx\n", Some("p")),
        ("~~~\nx", "x\n", None),
        ("- ```sh\n  x\n  ```\n", "x\n", None),
        ("a\n\n    indented\n\n    code\n\nb", "indented\n\ncode\n\n", Some("a")),
        ("# h\n```console\n$ x\n```", "$ x\n", None),
        ("a\n# h\n```\n```\n", "", None),
        ("> ```\n> x\nout", "x\n", None),
    ] {
        let m = read(text);
        assert_eq!(m.code.len(), 1, "{text:?}");
        assert_eq!(m.code[0].body.text(), body, "{text:?}");
        assert_eq!(m.code[0].lead.as_ref().map(|l| l.value.as_str()), lead, "{text:?}");
    }
    assert!(read("``` not `a` fence\nx\n").code.is_empty());
    assert_eq!(
        read("# C#\n## x ##\n").headings.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(),
        ["C#", "x"]
    );
}

#[test]
fn hostile_documents_end_soon() {
    for text in [
        "> ".repeat(200_000),
        "`".repeat(500_000),
        (1..1200).map(|n| "`".repeat(n) + " ").collect::<String>(),
        "<!--\n".repeat(100_000),
        "<!-- -->".repeat(100_000),
        "```\n".repeat(100_001),
        "- ".repeat(200_000),
        "#".repeat(200_000),
        "a\n=\n".repeat(50_000),
        "# a\n".repeat(50_000),
    ] {
        read(&text);
    }
}

const TOKENS: &[&str] = &[
    "# ", "```", "~~~", "`", "\n", "\r\n", "\n\n", "    ", "\t", "- ", "1. ", "[ ] ", "[x]", "> ", "<!--",
    "-->", "a", "é", "😀", "---", "===", "|", " ", "\u{feff}", "#", "* * *", "\u{a0}", "+++\n", "sh",
];

proptest! {
    #[test]
    fn no_document_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let text = tokens.concat();
        let m = read(&text);
        let sound = |span: Span| assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
        m.headings.iter().for_each(|h| sound(h.span));
        m.comments.iter().for_each(|c| sound(*c));
        for b in &m.code {
            sound(b.span);
            sound(b.body.whole());
            b.lead.iter().for_each(|l| sound(l.span));
        }
        for p in &m.prose {
            sound(p.span);
            assert_eq!(&text[p.span.range()], p.text);
            p.code.iter().for_each(|c| assert_eq!(&text[c.span.range()], c.value));
        }
    }
}
