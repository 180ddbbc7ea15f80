//! The table of layers of ARCHITECTURE.md holds: who may import whom.

use std::fs;
use std::path::{Path, PathBuf};

/// A module, its layer, and modules of the same or a lower layer that it must not import all the same.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("text", 0, &[]),
    ("source", 1, &["syntax", "lexicon"]),
    ("syntax", 1, &["source", "lexicon"]),
    ("lexicon", 1, &["source", "syntax"]),
    ("facts", 2, &["syntax", "parameters", "finding"]),
    ("parameters", 2, &["source", "syntax", "lexicon", "facts", "finding"]),
    ("finding", 2, &["syntax", "lexicon", "parameters"]),
    ("readers", 3, &["rule", "checks", "dispositions", "parameters", "finding", "quote"]),
    ("rule", 3, &["checks", "readers", "dispositions", "syntax", "quote"]),
    ("checks", 3, &["rule", "readers", "dispositions", "syntax", "source", "quote"]),
    ("quote", 3, &["rule", "checks", "readers", "dispositions", "syntax", "lexicon"]),
    ("dispositions", 3, &["rule", "checks", "readers", "syntax", "lexicon"]),
    ("engine", 4, &["readers", "policy", "syntax", "source", "dispositions"]),
    ("policy", 4, &["engine", "readers", "checks"]),
    ("report", 5, &["engine", "readers", "checks", "syntax"]),
];

#[test]
fn every_module_imports_only_what_its_layer_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for &(module, layer, never) in LAYERS {
        for file in sources(&root, module) {
            let text = fs::read_to_string(&file).expect("sources are UTF-8");
            for (line, imported) in imports(&text) {
                let Some(&(_, other, _)) = LAYERS.iter().find(|(name, ..)| *name == imported) else {
                    // The binary's own modules and the library's root are above everything.
                    if ["cli", "audit", "judge", "examples"].contains(&imported.as_str()) {
                        wrong.push(format!("{}:{line}: imports {imported}", file.display()));
                    }
                    continue;
                };
                if imported != module && (other > layer || never.contains(&imported.as_str())) {
                    wrong.push(format!("{}:{line}: {module} imports {imported}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_library_stands_in_the_table() {
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("UTF-8");
    for line in root.lines() {
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(';')) {
            let known =
                LAYERS.iter().any(|(module, ..)| *module == name) || ["cli", "examples"].contains(&name);
            assert!(known, "the module {name} has no layer");
        }
    }
}

fn sources(root: &Path, module: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![root.join(module)];
    let single = root.join(format!("{module}.rs"));
    if single.is_file() {
        found.push(single);
    }
    while let Some(folder) = stack.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "the module {module} has no file");
    found
}

/// Modules named as `crate::x`, as `crate::{x, y::z}`, or by as many `super::` as lead to the root.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: String = text
        .lines()
        .map(|l| if l.trim_start().starts_with("//") { "\n".to_owned() } else { format!("{l}\n") })
        .collect();
    for prefix in ["crate::", "super::super::super::", "plimsoll::"] {
        let mut at = 0;
        while let Some(offset) = code[at..].find(prefix) {
            let start = at + offset + prefix.len();
            at = start;
            let line = code[..start].lines().count();
            let rest = &code[start..];
            if let Some(group) = rest.strip_prefix('{') {
                let mut depth = 0usize;
                let mut name = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            push(&mut found, line, &name);
                            name.clear();
                        }
                        c if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
                push(&mut found, line, &name);
            } else {
                push(&mut found, line, rest);
            }
        }
    }
    found
}

fn push(found: &mut Vec<(usize, String)>, line: usize, path: &str) {
    let name: String = path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if !name.is_empty() {
        found.push((line, name));
    }
}

#[test]
fn the_import_finder_sees_groups_and_full_paths() {
    let text = "use crate::{text::{Span, FileId}, facts, source as s};\nlet x = crate::readers::read();\n// use crate::cli;\n";
    let names: Vec<String> = imports(text).into_iter().map(|(_, n)| n).collect();
    assert_eq!(names, ["text", "facts", "source", "readers"]);
}
