use super::*;
use crate::syntax::tree::{Kind, Step};
use std::time::Instant;

fn leaves(text: &str) -> Vec<(String, String, String)> {
    let tree = parse(FileId(0), text);
    let root = tree.root().expect("there is always a document");
    let name = |s: &Step<'_>| match s {
        Step::Key(k) => (*k).to_owned(),
        Step::Item(i) => i.to_string(),
    };
    root.leaves()
        .map(|l| {
            let path: Vec<String> = l.path.iter().map(name).collect();
            (path.join("."), l.node.as_str().unwrap_or("").to_owned(), l.node.raw().to_owned())
        })
        .collect()
}

fn row(path: &str, value: &str, raw: &str) -> (String, String, String) {
    (path.into(), value.into(), raw.into())
}

#[test]
fn blocks_are_mappings_under_their_labels_and_values_keep_their_places() {
    let text = concat!(
        "# what it is\n",
        "resource \"aws_db_instance\" \"main\" {\n",
        "  name     = \"sh\\\"op-${var.env[\"x\"]}\" // note\n",
        "  password = var.password\n",
        "  count    = var.on ? 1 : 0\n",
        "  tags     = { Name = \"a\", \"b.c\" : 2\n    (var.k) = [\"x\", local.y, # z\n \"w\"] }\n",
        "  dynamic \"ingress\" { content { port = 22 } }\n",
        "  policy = jsonencode({\n    a = 1\n  })\n",
        "  text = <<-EOT\n      one {\n        two\n    EOT\n",
        "  all = [for k in var.x : k]\n",
        "}\n",
        "locals { a = null }\n",
    );
    assert_eq!(
        leaves(text),
        [
            row(
                "resource.aws_db_instance.main.name",
                "sh\"op-${var.env[\"x\"]}",
                "\"sh\\\"op-${var.env[\"x\"]}\""
            ),
            row("resource.aws_db_instance.main.password", "var.password", "var.password"),
            row("resource.aws_db_instance.main.count", "var.on ? 1 : 0", "var.on ? 1 : 0"),
            row("resource.aws_db_instance.main.tags.Name", "a", "\"a\""),
            row("resource.aws_db_instance.main.tags.b.c", "2", "2"),
            row("resource.aws_db_instance.main.tags.(var.k).0", "x", "\"x\""),
            row("resource.aws_db_instance.main.tags.(var.k).1", "local.y", "local.y"),
            row("resource.aws_db_instance.main.tags.(var.k).2", "w", "\"w\""),
            row("resource.aws_db_instance.main.dynamic.ingress.content.port", "22", "22"),
            row(
                "resource.aws_db_instance.main.policy",
                "jsonencode({\n    a = 1\n  })",
                "jsonencode({\n    a = 1\n  })"
            ),
            row("resource.aws_db_instance.main.text", "one {\n  two\n", "      one {\n        two\n"),
            row("resource.aws_db_instance.main.all", "[for k in var.x : k]", "[for k in var.x : k]"),
        ]
    );
    let tree = parse(FileId(0), text);
    assert_eq!(tree.errors(), []);
    let comments: Vec<&str> = tree.comments().iter().map(|c| tree.slice(c.body)).collect();
    assert_eq!(comments, ["what it is", "note", "z"]);
    assert_eq!(tree.root().and_then(|r| r.at(&["locals", "a"])).map(|n| n.kind()), Some(Kind::Null));
}

#[test]
fn a_broken_block_costs_no_more_than_itself() {
    for broken in ["  x = [1,\n", "  x = \"a\n", "  x = f(\n", "  <<\n", "  = 3\n", "  y { {\n"] {
        let text = format!(
            "resource \"a\" \"one\" {{\n  k = 1\n}}\nresource \"a\" \"two\" {{\n{broken}}}\nresource \"a\" \"three\" {{\n  k = 3\n}}\n"
        );
        let tree = parse(FileId(0), &text);
        assert!(!tree.errors().is_empty(), "{broken:?}");
        let found = leaves(&text);
        for (path, value) in [("resource.a.one.k", "1"), ("resource.a.three.k", "3")] {
            assert!(found.contains(&row(path, value, value)), "{broken:?} hides {path}: {found:?}");
        }
    }
}

#[test]
fn hostile_texts_are_survived_in_linear_time() {
    let bombs = [
        "{",
        "[",
        "(",
        "a {",
        "a = [",
        "a = {b = ",
        "\"${",
        "\"",
        "<<E\n",
        "/*",
        "#",
        "a = ",
        "=",
        "é",
        "a \"b\" {\n",
    ];
    let from = Instant::now();
    for bomb in bombs {
        for tail in ["", "é", "\n", "}"] {
            parse(FileId(0), &format!("{}{tail}", bomb.repeat(20_000)));
        }
    }
    assert!(from.elapsed().as_secs() < 20, "reading must not depend on the nesting");
    let nested = |n: usize| format!("a = {}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(parse(FileId(0), &nested(100)).errors(), []);
    let deep = parse(FileId(0), &nested(200));
    assert!(deep.root().is_none() && deep.errors()[0].lost);
    let text = "resource \"é\" \"ö\" {\n  a = [\"ü\", { b = <<E\né\nE\n }] # ß\n}\n";
    for cut in (0..text.len()).filter(|&i| text.is_char_boundary(i)) {
        for leaf in parse(FileId(0), &text[..cut]).documents().flat_map(|d| d.leaves()) {
            assert!(text.get(leaf.node.span().range()).is_some());
        }
    }
}
