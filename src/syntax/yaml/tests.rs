use super::*;
use crate::syntax::tree::{Kind, Node, Step};
use proptest::prelude::*;

fn read(text: &str) -> Tree {
    parse(FileId(0), text, Mask::None)
}

fn root(tree: &Tree) -> Node<'_> {
    assert_eq!(tree.errors(), []);
    tree.root().expect("a document")
}

fn get<'t>(tree: &'t Tree, path: &[&str]) -> Node<'t> {
    root(tree).at(path).unwrap_or_else(|| panic!("{path:?} is there"))
}

/// What must hold for every tree of every text.
fn check(text: &str, mask: Mask) {
    let tree = parse(FileId(0), text, mask);
    let inside =
        |range: std::ops::Range<usize>| assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}");
    for comment in tree.comments() {
        inside(comment.span.range());
        inside(comment.body.range());
    }
    for error in tree.errors() {
        inside(error.span.range());
    }
    for id in 0..tree.nodes.len() as u32 {
        let node = Node::new(&tree, id);
        inside(node.span().range());
        inside(node.use_span().range());
        node.tag_span().into_iter().for_each(|span| inside(span.range()));
        let _ = (node.as_bool(), node.as_int(), node.anchor(), node.merged_entries(), node.duplicate_keys());
        let passage = node.passage();
        inside(passage.whole().range());
        for (at, c) in passage.text().char_indices() {
            inside(passage.span(at..at + c.len_utf8()).range());
        }
        if let Some(value) = node.as_str() {
            assert_eq!(passage.text(), value, "{:?} in {text:?}", node.raw());
        }
    }
    for document in tree.documents() {
        assert!(document.leaves().count() <= tree.nodes.len());
    }
}

#[test]
fn every_style_of_scalar_has_its_place_and_value() {
    for (written, raw, value) in [
        ("plain text # c", "plain text", "plain text"),
        ("'it''s'", "'it''s'", "it's"),
        ("\"a\\tb\\x41\\u00e9\"", "\"a\\tb\\x41\\u00e9\"", "a\tbAé"),
        ("日本", "日本", "日本"),
        ("a\n   b\n\n   c", "a\n   b\n\n   c", "a b\nc"),
        ("\"a \\\n   b\n   c\"", "\"a \\\n   b\n   c\"", "a b c"),
        ("'a\n\n  b'", "'a\n\n  b'", "a\nb"),
        ("|\n  a\n   b\n\n  c\n", "a\n   b\n\n  c", "a\n b\n\nc\n"),
        ("|-\n  a\n\n", "a", "a"),
        ("|+ # c | d\n  a\n", "a", "a\n\n"),
        (">\n  a\n  b\n\n  c\n   d\n  e\n", "a\n  b\n\n  c\n   d\n  e", "a b\nc\n d\ne\n"),
        ("|2-\n     a\n   b\n", "   a\n   b", "   a\n b"),
        ("!t &a >-\n\n  a\n  b", "a\n  b", "\na b"),
        ("|\n", "|", ""),
        ("|+\n\n", "|+", "\n\n"),
    ] {
        for eol in ["\n", "\r\n", "\r"] {
            let text = format!("# |\nk: {written}\nl: 1\n").replace('\n', eol);
            let tree = read(&text);
            let node = get(&tree, &["k"]);
            assert_eq!(node.as_str(), Some(value), "{text:?}");
            assert_eq!(node.raw(), raw.replace('\n', eol), "{text:?}");
            assert_eq!(node.passage().text(), value, "{text:?}");
            check(&text, Mask::None);
        }
    }
}

#[test]
fn a_passage_leads_from_the_script_to_the_file() {
    let text = "steps:\r\n  - run: |\r\n      pytest || true\r\n      npm publish\r\n    name: x\r\n";
    let tree = read(text);
    let step = get(&tree, &["steps"]).items().next().expect("a step");
    let passage = step.get("run").expect("run").passage();
    let at = passage.text().find("npm").expect("npm");
    assert_eq!(tree.slice(passage.span(at..at + 11)), "npm publish");
    assert_eq!(tree.slice(passage.span(10..18)), "true\r\n      npm");
    let folded = read("run: >\n  a\n  && b\n");
    let passage = get(&folded, &["run"]).passage();
    assert_eq!(passage.text(), "a && b\n");
    assert_eq!(folded.slice(passage.span(2..6)), "&& b");
}

#[test]
fn containers_end_where_their_last_child_ends() {
    let text = "a: &x !t\n  - b: 1\n    c: \"2\"  # c\n\n  -\n# d\ne: {f: [g, h: i], }\n";
    let tree = read(text);
    assert_eq!(get(&tree, &["a"]).raw(), "- b: 1\n    c: \"2\"  # c\n\n  -");
    assert_eq!(get(&tree, &["a"]).items().next().map(|n| n.raw()), Some("b: 1\n    c: \"2\""));
    assert_eq!((get(&tree, &["a"]).tag(), get(&tree, &["a"]).anchor()), (Some("!t"), Some("x")));
    assert_eq!(get(&tree, &["e"]).raw(), "{f: [g, h: i], }");
    assert_eq!(get(&tree, &["e", "f"]).items().last().map(|n| n.raw()), Some("h: i"));
    let comments: Vec<_> = tree.comments().iter().map(|c| (tree.slice(c.body), c.alone)).collect();
    assert_eq!(comments, [("c", false), ("d", true)]);
}

#[test]
fn long_comments_and_long_keys_are_read() {
    let comments = format!("a:\n{}  - b\n", "# c\n".repeat(5_000));
    let tree = read(&comments);
    assert_eq!(get(&tree, &["a"]).items().next().and_then(|n| n.as_str()), Some("b"));
    assert_eq!(tree.comments().len(), 5_000);
    let key = "k".repeat(5_000);
    assert_eq!(get(&read(&format!("\"{key}\": 1\n")), &[&key]).as_int(), Some(1));
}

#[test]
fn the_core_schema_and_no_more() {
    let tree = read(
        "on: on\na: true\nb: yes\nc: ~\nd:\ne: !!str true\nf: 'null'\ng: 0x1F\nh: +7\ni: 07\nj: !!str\n",
    );
    assert_eq!(get(&tree, &["on"]).as_str(), Some("on"));
    assert_eq!(get(&tree, &["on"]).as_bool(), None);
    assert_eq!(get(&tree, &["a"]).as_bool(), Some(true));
    assert_eq!(get(&tree, &["b"]).as_bool(), None);
    assert!(get(&tree, &["c"]).is_null() && get(&tree, &["d"]).is_null());
    assert_eq!((get(&tree, &["e"]).as_bool(), get(&tree, &["e"]).as_str()), (None, Some("true")));
    assert_eq!(get(&tree, &["f"]).as_str(), Some("null"));
    let ints: Vec<_> = ["g", "h", "i"].iter().map(|k| get(&tree, &[k]).as_int()).collect();
    assert_eq!(ints, [Some(31), Some(7), Some(7)]);
    assert_eq!(get(&tree, &["j"]).as_str(), Some(""));
}

#[test]
fn tags_stay_on_their_nodes() {
    let tree = read("a: !reference [b, c]\nd: !Sub '${x}'\ne: !vault |\n  1f\nf: !secret\n");
    assert_eq!((get(&tree, &["a"]).tag(), get(&tree, &["a"]).kind()), (Some("!reference"), Kind::Sequence));
    assert_eq!((get(&tree, &["d"]).tag(), get(&tree, &["d"]).as_str()), (Some("!Sub"), Some("${x}")));
    assert_eq!((get(&tree, &["e"]).tag(), get(&tree, &["e"]).as_str()), (Some("!vault"), Some("1f\n")));
    assert_eq!(get(&tree, &["f"]).tag(), Some("!secret"));
}

#[test]
fn aliases_are_followed_and_know_where_they_are_used() {
    let text = "a: &x {k: v}\nb: *x\nc: &r [*r]\n";
    let tree = read(text);
    let b = get(&tree, &["b"]);
    assert_eq!(b.get("k").and_then(|n| n.as_str()), Some("v"));
    assert_eq!((b.raw(), tree.slice(b.use_span())), ("{k: v}", "*x"));
    assert_eq!(get(&tree, &["c"]).items().next().map(|n| n.kind()), Some(Kind::Null));
    let tree = read("a: *none\nb: 1\n");
    assert_eq!(tree.root().and_then(|r| r.get("b")).and_then(|n| n.as_int()), Some(1));
    assert_eq!(
        tree.errors().iter().map(|e| (tree.slice(e.span), e.lost)).collect::<Vec<_>>(),
        [("*none", false)]
    );
}

#[test]
fn merges_give_way_to_what_is_written() {
    let text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: &z {<<: *y, d: 3}\n\
                m:\n  <<: [*x, *z]\n  d: 4\n  d: 5\nn: {<<: *none2}\n";
    let tree = parse(FileId(0), text, Mask::None);
    let m = tree.root().and_then(|r| r.get("m")).expect("m");
    let merged: Vec<_> =
        m.merged_entries().iter().map(|(k, v)| (k.as_str().unwrap_or(""), v.as_int().unwrap_or(0))).collect();
    assert_eq!(merged, [("d", 5), ("a", 1), ("b", 1), ("c", 2)]);
    assert_eq!(m.get("c").and_then(|n| n.as_int()), Some(2));
    assert_eq!(m.entries().count(), 3);
    assert_eq!(m.duplicate_keys().len(), 1);
}

#[test]
fn leaves_are_walked_with_their_paths() {
    let tree = read("a: &x\n  - 1\n  - b: 2\nc: *x\nd: {}\ne: ~\n");
    let leaves: Vec<_> = root(&tree).leaves().map(|l| (l.path, l.node.as_str().unwrap_or(""))).collect();
    assert_eq!(
        leaves,
        [
            (vec![Step::Key("a"), Step::Item(0)], "1"),
            (vec![Step::Key("a"), Step::Item(1), Step::Key("b")], "2"),
        ]
    );
}

#[test]
fn one_broken_document_does_not_take_the_others() {
    let tree = read("a: 1\n---\nb: [1\n---\nc: \"\\q\"\n---\nd: 4\n...\n");
    let keys: Vec<_> =
        tree.documents().flat_map(|d| d.entries().map(|(k, _)| k.raw()).collect::<Vec<_>>()).collect();
    assert_eq!(keys, ["a", "d"]);
    assert_eq!(tree.errors().len(), 2);
    assert!(tree.errors().iter().all(|e| e.lost));
}

#[test]
fn odd_files_have_no_or_null_documents() {
    for (text, documents) in
        [("", 0), ("# c\n", 0), ("\u{feff}", 0), ("\u{feff}# c", 0), ("---\n---\n", 2), ("\t\n", 0)]
    {
        let tree = read(text);
        assert_eq!((tree.documents().len(), tree.errors().len()), (documents, 0), "{text:?}");
    }
    let tree = read("\u{feff}# c\né: 日本\n");
    assert_eq!(get(&tree, &["é"]).raw(), "日本");
    assert!(tree.comments()[0].alone);
}

#[test]
fn expressions_are_read_as_they_were_written() {
    let text = "a: [${{ x, 'y' }}, \"${{ a \\\" }}\\t\"]\nb: ${{ c == 'd: e' }} # f\n${{ if eq(a, b) }}:\n  g: >-\n    ${{ h }}\n    i\n";
    assert!(!read(text).errors().is_empty());
    let tree = parse(FileId(0), text, Mask::GithubExpressions);
    let items: Vec<_> = get(&tree, &["a"]).items().map(|n| n.as_str()).collect();
    assert_eq!(items, [Some("${{ x, 'y' }}"), Some("${{ a \" }}\t")]);
    assert_eq!(get(&tree, &["b"]).as_str(), Some("${{ c == 'd: e' }}"));
    assert_eq!(get(&tree, &["${{ if eq(a, b) }}", "g"]).as_str(), Some("${{ h }} i"));
    check(text, Mask::GithubExpressions);
}

#[test]
fn templates_are_read_around() {
    let text = "{{- if .Values.on }}\nimage: {{ .Values.image }}:{{ .Values.tag | default \"1\" }}\n\
                name: \"{{ include \"n\" . }}\"\nlabels:\n  {{- include \"l\" . | nindent 2 }}\n\
                run: |\n        {{- if .x }}\n  echo {{ .y }}\n{{ if .z }}\n  exit\n{{ end }}\n{{- end }}\nlast: 1\n";
    assert!(!read(text).errors().is_empty());
    let tree = parse(FileId(0), text, Mask::Templates);
    assert_eq!(
        get(&tree, &["image"]).as_str(),
        Some("{{ .Values.image }}:{{ .Values.tag | default \"1\" }}")
    );
    assert_eq!(get(&tree, &["name"]).as_str(), Some("{{ include \"n\" . }}"));
    assert!(get(&tree, &["labels"]).is_null());
    assert_eq!(get(&tree, &["run"]).as_str(), Some("      {{- if .x }}\necho {{ .y }}\n{{ if .z }}\nexit\n"));
    assert_eq!(get(&tree, &["last"]).raw(), "1");
    check(text, Mask::Templates);
    // Without a mask a lone value would be a mapping in a mapping.
    let lone = "a: {{ x }}\n";
    assert_eq!(get(&parse(FileId(0), lone, Mask::Templates), &["a"]).as_str(), Some("{{ x }}"));
}

#[test]
fn bombs_are_refused_in_time() {
    let aliases = (0..40).fold("a0: &a0 [x]\n".to_owned(), |text, i| {
        text + &format!("a{}: &a{} [{}]\n", i + 1, i + 1, vec![format!("*a{i}"); 50].join(", "))
    });
    let tree = read(&aliases);
    assert_eq!(root(&tree).leaves().count(), 1);
    let merges = (0..40).fold("a0: &a0 {k: 1}\n".to_owned(), |text, i| {
        text + &format!("a{}: &a{} {{<<: [{}]}}\n", i + 1, i + 1, vec![format!("*a{i}"); 50].join(", "))
    });
    assert_eq!(get(&read(&merges), &["a40", "k"]).as_int(), Some(1));
    for text in [
        "[".repeat(100_000),
        "- ".repeat(50_000),
        "? ".repeat(20_000),
        "{a: ".repeat(50_000),
        "[{".repeat(50_000),
    ] {
        let tree = read(&text);
        assert!(tree.root().is_none() && tree.errors().iter().any(|e| e.lost));
    }
    let nested: String = (0..3_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert!(read(&nested).errors().iter().any(|e| e.lost));
    let line = format!("a: {}\nb: \"{}\"\n", "x y ".repeat(250_000), "é".repeat(500_000));
    assert_eq!(get(&read(&line), &["b"]).as_str().map(str::len), Some(1_000_000));
    let comments = format!("a: [{}]\n", "1, # c\n".repeat(50_000));
    assert_eq!(read(&comments).comments().len(), 50_000);
}

fn yaml_like() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "a",
        "é",
        "日",
        ": ",
        ":",
        "- ",
        "? ",
        "\n",
        "\r\n",
        "\r",
        "  ",
        "    ",
        " ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "|",
        ">",
        "|-\n",
        "|+\n  ",
        ">2\n",
        ">-\n   ",
        "\"",
        "'",
        "''",
        "\\",
        "\\n",
        "\\u00e9",
        "#",
        " # c\n",
        "&a ",
        "*a",
        "!t ",
        "!!str ",
        "<<: ",
        "---\n",
        "...\n",
        "\u{feff}",
        "${{ ",
        " }}",
        "{{ ",
        "{{- ",
        "}}",
        "{% ",
        " %}",
        "k: |\n  x\n",
        "k: >\n  x\n  y\n   z\n\n",
        "null",
        "~",
        "1",
        "\0",
        "\u{85}",
        "\u{2028}",
        "%YAML 1.2\n",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_of_yaml_is_survived(text in yaml_like()) {
        for mask in [Mask::None, Mask::GithubExpressions, Mask::Templates] {
            check(&text, mask);
        }
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        check(&text, Mask::None);
        check(&text, Mask::Templates);
        for tree in [crate::syntax::json::parse(FileId(0), &text), crate::syntax::toml::parse(FileId(0), &text)] {
            for error in tree.errors() {
                prop_assert!(text.get(error.span.range()).is_some());
            }
        }
    }
}

#[test]
fn a_part_of_a_file_keeps_its_places() {
    let text = "kind: Schema\n---\n# é\nimage: \"a\\tb\"\nrun: |\n  one\n  two\ntag: !x 1\n...\n--- [\n";
    let base = text.find("# é").expect("it is there");
    let tree = parse(FileId(3), &text[base..], Mask::None).of_part(base);
    let root = tree.root().expect("a document");
    for (key, written) in [("image", "\"a\\tb\""), ("run", "one\n  two"), ("tag", "1")] {
        let node = root.get(key).expect("a key");
        assert_eq!(&text[node.span().range()], written, "{key}");
        assert_eq!(node.raw(), written, "{key}");
    }
    let run = root.get("run").expect("a key").passage();
    assert_eq!(&text[run.span(4..7).range()], "two");
    assert_eq!(&text[root.get("image").expect("a key").passage().span(1..2).range()], "\\t");
    assert_eq!(root.get("tag").and_then(|node| node.tag()), Some("!x"));
    assert_eq!(&text[tree.comments()[0].body.range()], "é");
    assert_eq!(tree.slice(tree.comments()[0].span), "# é");
    assert!(tree.errors()[0].span.start as usize >= base);
}
