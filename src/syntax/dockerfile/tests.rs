use super::*;
use crate::syntax::shell;
use proptest::prelude::*;

fn read(text: &str) -> Dockerfile {
    parse(FileId(0), text)
}

fn values(words: &[Spanned<String>]) -> Vec<&str> {
    words.iter().map(|w| w.value.as_str()).collect()
}

#[test]
fn stages_have_names_bases_and_platforms() {
    let text = "\u{feff}# syntax=docker/dockerfile:1\r\n# a comment\r\nARG V=1\r\nFROM --platform=linux/amd64 node:${V} AS Build\r\nRUN npm ci\r\nFROM scratch\r\nCOPY --from=build --chown=a:b /x y/ /z\r\nUSER 1000:1000\r\n";
    let d = read(text);
    assert!(d.errors.is_empty(), "{:?}", d.errors);
    assert_eq!(d.directives[0].1.value, "docker/dockerfile:1");
    assert_eq!(&text[d.directives[0].1.span.range()], "docker/dockerfile:1");
    assert_eq!(&text[d.comments[0].range()], "# a comment");
    assert_eq!(d.preamble[0].pairs[0].name.value, "V");
    let [build, last] = &d.stages[..] else { panic!("two stages") };
    assert_eq!(
        (build.base.value.as_str(), build.name.as_ref().map(|n| n.value.as_str())),
        ("node:${V}", Some("Build"))
    );
    assert_eq!(&text[build.base.span.range()], "node:${V}");
    assert_eq!(build.platform.as_ref().map(|p| p.value.as_str()), Some("linux/amd64"));
    let copy = &last.instructions[0];
    assert_eq!((copy.flag("from"), copy.flag("chown")), (Some("build"), Some("a:b")));
    assert_eq!(values(copy.sources()), ["/x", "y/"]);
    assert_eq!(copy.destination().map(|d| d.value.as_str()), Some("/z"));
    assert_eq!(&text[last.instructions[1].span.range()], "USER 1000:1000");
    assert_eq!(d.stage("build").map(|s| s.index), Some(0));
    assert_eq!(d.stage("1").map(|s| s.index), Some(1));
}

#[test]
fn a_continued_line_may_hold_comments_and_keeps_its_places() {
    let text = "FROM a\nRUN --mount=type=secret,id=x apt-get update \\\n  # why\n\n  && pytest \\  \n  || true\nENV A=1 B=\"x y\" \\\n  C='$z'\nENV OLD the rest\nARG X\n";
    let d = read(text);
    assert!(d.errors.is_empty());
    let run = &d.stages[0].instructions[0];
    assert_eq!(run.flag("mount"), Some("type=secret,id=x"));
    let script = shell::parse(run.shell.as_ref().expect("shell form"));
    let pytest = script.commands.iter().find(|c| c.name() == Some("pytest")).expect("found");
    assert_eq!(&text[pytest.span.range()], "pytest");
    assert_eq!(pytest.tolerated.as_ref().map(|t| &text[t.span.range()]), Some("|| true"));
    let pairs = |i: usize| -> Vec<(String, Option<String>)> {
        let pairs = &d.stages[0].instructions[i].pairs;
        pairs.iter().map(|p| (p.name.value.clone(), p.value.as_ref().map(|v| v.value.clone()))).collect()
    };
    let pair = |n: &str, v: &str| (n.to_owned(), Some(v.to_owned()));
    assert_eq!(pairs(1), [pair("A", "1"), pair("B", "x y"), pair("C", "$z")]);
    assert_eq!(pairs(2), [pair("OLD", "the rest")]);
    assert_eq!(pairs(3), [("X".to_owned(), None)]);
    assert_eq!(&text[d.stages[0].instructions[1].pairs[2].name.span.range()], "C");
}

#[test]
fn here_documents_stand_anywhere_in_the_line() {
    let text = "FROM a\nRUN cat <<EOF > /x\nhi there\nEOF\nRUN <<-\"B\"\n\tpip install x || true\n\tB\nRUN cat <<A <<-\"B\"\n1\nA\n\t2\n\tB\nCOPY <<c.conf /etc/\nFROM no\nc.conf\nUSER x\n";
    let d = read(text);
    assert!(d.errors.is_empty(), "{:?}", d.errors);
    let i = &d.stages[0].instructions;
    assert_eq!(
        i.iter().map(|i| i.keyword.as_str()).collect::<Vec<_>>(),
        ["RUN", "RUN", "RUN", "COPY", "USER"]
    );
    assert_eq!(i[0].heredocs[0].text(), "hi there\n");
    let script = |n: usize| shell::parse(i[n].shell.as_ref().expect("shell form"));
    assert_eq!(script(0).commands.len(), 1);
    let pip = &script(1).commands[0];
    assert_eq!((pip.name(), &text[pip.span.range()]), (Some("pip"), "pip install x"));
    assert!(pip.tolerated.is_some());
    assert_eq!(i[2].heredocs.iter().map(|h| h.text()).collect::<Vec<_>>(), ["1\n", "2\n"]);
    assert_eq!(script(2).commands.len(), 1);
    assert_eq!(i[3].heredocs[0].text(), "FROM no\n");
}

#[test]
fn exec_form_health_checks_and_triggers() {
    let text = "# escape=`\nFROM a\nCMD [ \"a b\", \"c\\u0041\" ]\nENTRYPOINT [\"x\", ]\nHEALTHCHECK --interval=5s CMD curl -f x || exit 1\nHEALTHCHECK NONE\nONBUILD RUN make\nRUN dir `\n  c:\\\nBOGUS x\nEXPOSE 80 443/tcp\n";
    let d = read(text);
    let i = &d.stages[0].instructions;
    assert!(i[0].exec);
    assert_eq!(values(&i[0].args), ["a b", "cA"]);
    assert_eq!(&text[i[0].args[0].span.range()], "\"a b\"");
    assert!(!i[1].exec && i[1].shell.is_some());
    assert_eq!(i[2].flag("interval"), Some("5s"));
    let check = i[2].inner.as_ref().expect("CMD");
    assert_eq!(check.shell.as_ref().map(Passage::text), Some("curl -f x || exit 1"));
    assert_eq!(values(&i[3].args), ["NONE"]);
    assert_eq!(i[4].inner.as_ref().map(|i| i.keyword.as_str()), Some("RUN"));
    assert_eq!(i[5].shell.as_ref().map(Passage::text), Some("dir   c:\\"));
    assert_eq!(d.errors.len(), 1);
    assert_eq!(&text[d.errors[0].span.range()], "BOGUS");
    assert_eq!(values(&i[6].args), ["80", "443/tcp"]);
}

#[test]
fn hostile_files_end_soon() {
    for text in [
        "FROM a\n".to_owned() + &"RUN <<EOF\n".repeat(50_000),
        "RUN a \\\n".repeat(50_000),
        "ONBUILD ".repeat(50_000),
        format!("RUN {}", "x".repeat(1_000_000)),
        "FROM\0 a\nRUN \"".into(),
        format!("CMD {}", "[".repeat(100_000)),
        "#".repeat(100_000),
    ] {
        read(&text);
    }
}

const TOKENS: &[&str] = &[
    "FROM ",
    "RUN ",
    "COPY ",
    "ENV ",
    "CMD ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "--from=x ",
    " AS ",
    "\\\n",
    "\\",
    "\n",
    "\r\n",
    "# escape=`\n",
    "`",
    "#",
    "<<EOF",
    "EOF\n",
    "<<-'x'",
    "[\"a\"",
    "\"",
    "'",
    ",",
    "]",
    "é",
    "😀",
    "=",
    " ",
    "a",
    "\t",
    "\u{feff}",
    "\\é",
    "\0",
    "\u{a0}",
];

proptest! {
    #[test]
    fn no_file_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let text = tokens.concat();
        let d = read(&text);
        let sound = |span: Span| assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
        d.errors.iter().for_each(|e| sound(e.span));
        d.comments.iter().for_each(|c| sound(*c));
        d.stages.iter().for_each(|s| { sound(s.span); sound(s.base.span); });
        for i in d.instructions().flat_map(|i| std::iter::once(i).chain(i.inner.as_deref())) {
            sound(i.span);
            i.args.iter().for_each(|a| sound(a.span));
            i.flags.iter().for_each(|a| sound(a.span));
            i.heredocs.iter().for_each(|h| sound(h.whole()));
            for p in &i.pairs {
                sound(p.name.span);
                p.value.iter().for_each(|v| sound(v.span));
            }
            if let Some(passage) = &i.shell {
                sound(passage.whole());
                shell::parse(passage).commands.iter().for_each(|c| sound(c.span));
            }
        }
    }
}
