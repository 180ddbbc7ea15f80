//! Cuts the rule files into head and examples, and names one test per rule. It only cuts text: what is
//! in the files is read at run time by the loader that reads users' rules too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=rules");
    let mut files = Vec::new();
    collect(&root.join("rules"), &mut files);
    files.sort();
    let mut table = String::from("static RULES: &[(&str, &str, &str)] = &[\n");
    let mut tests = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("rule files are UTF-8");
        let at = examples_start(&text);
        let path =
            file.strip_prefix(&root).expect("below the root").to_str().expect("UTF-8").replace('\\', "/");
        let (head, tail) = text.split_at(at);
        writeln!(table, "({path:?}, {head:?}, {tail:?}),").expect("a String takes all");
        let name = file.file_stem().expect("a file").to_string_lossy().replace('-', "_");
        writeln!(tests, "#[test]\nfn {name}() {{ examples_hold({path:?}); }}").expect("a String takes all");
    }
    table.push_str("];\n");
    cut_kinds(&root, &out);
    fs::write(out.join("rules.rs"), table).expect("OUT_DIR is writable");
    fs::write(out.join("rule_tests.rs"), tests).expect("OUT_DIR is writable");
}

/// Rule files lie in family folders; manuals, lexicon and credential kinds are no rules.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["manuals", "lexicon", "kinds"].iter().any(|n| name == *n) {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
}

fn examples_start(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[bad]]") || line.starts_with("[[good]]") {
            break;
        }
        at += line.len();
    }
    at
}

/// The credential kinds of each provider, with their keywords as Rust: these alone are needed at start,
/// and written as TOML writes them they are Rust already.
fn cut_kinds(root: &Path, out: &Path) {
    let mut table =
        String::from("/// The kinds that come with the program.\npub const BUILT_IN: &[KindFile] = &[\n");
    let mut tests = String::new();
    let entries = fs::read_dir(root.join("rules/secrets/kinds")).expect("the folder of credential kinds");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).expect("kind files are UTF-8");
        let (head, tail) = text.split_at(examples_start(&text));
        let stem = file.file_stem().expect("a file").to_string_lossy();
        let path = format!("rules/secrets/kinds/{stem}.toml");
        let keywords: String = head
            .lines()
            .filter_map(|line| line.strip_prefix("keywords = "))
            .map(|list| format!("&{list}, "))
            .collect();
        writeln!(
            table,
            "KindFile {{ path: {path:?}, head: {head:?}, tail: {tail:?}, keywords: &[{keywords}] }},"
        )
        .expect("a String takes all");
        let name = stem.replace('-', "_");
        writeln!(tests, "#[test]\nfn {name}() {{ examples_hold({path:?}); }}").expect("a String takes all");
    }
    table.push_str("];\n");
    fs::write(out.join("kinds.rs"), table).expect("OUT_DIR is writable");
    fs::write(out.join("kind_tests.rs"), tests).expect("OUT_DIR is writable");
}
